"""Count models, overlap of factors and the model that allows for neighbours, against published values and libraries."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, sparse, stats

from analytics import neighbours, risk_fits, risk_spatial
from analytics.errors import NotEnoughData
from analytics.risk_collinear import collinearity
from analytics.risk_counts import FAMILIES, count_model, per_sd, per_tenth, prepared
from analytics.risk_spatial import spatial_alternative


def counted(frequencies):
    """One row per area from how many areas have 0, 1, 2... events."""
    return np.repeat(np.arange(len(frequencies)), frequencies)


def ames():
    """Revertant colonies on 18 plates at six doses of quinoline: Breslow (1984), Applied Statistics 33."""
    colonies = [15, 21, 29, 16, 18, 21, 16, 26, 33, 27, 41, 60, 33, 38, 41, 20, 27, 42]
    dose = np.repeat([0.0, 10, 33, 100, 333, 1000], 3)
    return np.array(colonies), pd.DataFrame({"log_dose": np.log(dose + 10), "dose": dose})


def areas(n=1_500, factors=6, alpha=0.5, seed=1, level=-5.0):
    """Invented areas: residents, overlapping factors, counts about them as spread as `alpha` says."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, factors)) @ (np.eye(factors) + 0.2)
    people = rng.uniform(800, 3_000, n)
    mean = people * np.exp(level + x @ rng.normal(0, 0.15, factors))
    y = rng.poisson(rng.gamma(1 / alpha, alpha * mean) if alpha else mean)
    return y, pd.DataFrame(x, columns=[f"x{i}" for i in range(factors)]), people


def lattice(side):
    x, y = (a.ravel() for a in np.meshgrid(np.arange(float(side)), np.arange(float(side))))
    points = pd.DataFrame({"x": x, "y": y})
    apart = np.hypot(*(np.subtract.outer(c, c) for c in (x, y)))
    return neighbours.within(points, 1.5), apart


# --- published values ---


def test_poisson_model_gives_the_values_of_the_documentation_of_r():
    # help(glm) in R, first example: Dobson (1990), An Introduction to Generalized Linear Models, p. 93
    counts = [18, 17, 15, 20, 10, 20, 25, 13, 12]
    outcome, treatment = np.tile([1, 2, 3], 3), np.repeat([1, 2, 3], 3)
    factors = pd.DataFrame(
        {f"outcome{k}": outcome == k for k in (2, 3)} | {f"treatment{k}": treatment == k for k in (2, 3)}
    )
    found = count_model(counts, factors, family="poisson")
    assert found["factor"].tolist() == ["intercept", "outcome2", "outcome3", "treatment2", "treatment3"]
    np.testing.assert_allclose(found["coefficient"], [3.045, -0.4543, -0.2930, 0, 0], atol=5e-4)
    np.testing.assert_allclose(found["standard_error"], [0.1709, 0.2022, 0.1927, 0.2000, 0.2000], atol=5e-5)
    np.testing.assert_allclose(found["p_value"][1:3], [0.0246, 0.1285], atol=5e-5)


def test_dispersion_without_factors_is_that_of_the_red_mites_of_bliss_and_fisher():
    # Bliss & Fisher (1953), Biometrics 9, 176-200: mites on 150 apple leaves, mean 1.14667, k = 1.02459 by maximum
    # likelihood (R 4.2.2, optim over dnbinom: 1.02459); dispersion is 1/k
    found = count_model(counted([70, 38, 17, 10, 9, 3, 2, 1]), pd.DataFrame(index=range(150)))
    assert found["rate_ratio"].tolist() == pytest.approx([172 / 150])
    assert 1 / found.attrs["dispersion"] == pytest.approx(1.02459, abs=5e-6)


def test_homicide_victims_known_give_the_values_of_agresti():
    # Agresti (2007), An Introduction to Categorical Data Analysis, section 4.3 (General Social Survey 1990): how
    # many victims of homicide one has known, by race. R 4.2.2, optim over dnbinom: theta 0.2023, 2 log L -995.798
    white, black = [1070, 60, 14, 4, 0, 0, 1], [119, 16, 12, 7, 3, 2, 0]
    counts = np.concatenate([counted(white), counted(black)])
    factors = pd.DataFrame({"black": np.repeat([0, 1], [sum(white), sum(black)])})
    found = count_model(counts, factors)
    np.testing.assert_allclose(found["coefficient"], [-2.3832, 1.7331], atol=5e-5)
    np.testing.assert_allclose(found["standard_error"], [0.1172, 0.2385], atol=5e-5)
    assert 1 / found.attrs["dispersion"] == pytest.approx(0.2023, abs=5e-5)
    assert 2 * found.attrs["log_likelihood"] == pytest.approx(-995.798, abs=5e-4)
    assert count_model(counts, factors, family="poisson")["standard_error"][1] == pytest.approx(0.1466, abs=5e-5)


def test_ames_plates_give_the_values_of_r():
    # R 4.2.2: summary(glm(y ~ log(dose + 10) + dose, quasipoisson)); logLik of the same with poisson; and the negative
    # binomial by optim over dnbinom, with errors from the expected information
    y, factors = ames()
    quasi = count_model(y, factors, family="quasipoisson")
    np.testing.assert_allclose(quasi["coefficient"], [2.172773009510, 0.319824999012, -0.001013031882], rtol=1e-9)
    np.testing.assert_allclose(quasi["standard_error"], [0.383630858829, 0.100113619701, 0.000430686934], rtol=1e-6)
    np.testing.assert_allclose(quasi["p_value"], [4.5004e-05, 0.0060299, 0.0327423], rtol=1e-4)
    assert quasi.attrs["dispersion"] == pytest.approx(3.08471258676, rel=1e-6)
    assert np.isnan(quasi.attrs["log_likelihood"])
    assert count_model(y, factors, family="poisson").attrs["log_likelihood"] == pytest.approx(-68.1260033088)
    found = count_model(y, factors)
    np.testing.assert_allclose(found["coefficient"], [2.197627351, 0.312509761, -0.000980299730], rtol=2e-6)
    np.testing.assert_allclose(found["standard_error"], [0.324586224, 0.0878951252, 0.000386301488], rtol=2e-6)
    assert found.attrs["dispersion"] == pytest.approx(0.0487684, abs=1e-6)
    assert found.attrs["log_likelihood"] == pytest.approx(-62.8895884838)


def test_inflation_of_the_factors_of_longley_is_that_of_r():
    # R 4.2.2: diag(solve(cor(longley[, 1:6]))), the classic of overlapping factors
    data = pytest.importorskip("statsmodels.datasets.longley").load_pandas().exog
    found = collinearity(data)
    published = [135.53244, 1788.51348, 33.61889, 3.58893, 399.15102, 758.98060]
    np.testing.assert_allclose(found["vif"], published, atol=6e-6)
    assert found["factor_cluster"].tolist() == [1, 1, 2, 3, 1, 1]  # all that grows with the years


# --- other libraries ---


@pytest.mark.parametrize("alpha", [0.0, 0.05, 2.0])
@pytest.mark.parametrize("family", FAMILIES)
def test_coefficients_errors_and_likelihood_are_those_of_statsmodels(family, alpha):
    sm = pytest.importorskip("statsmodels.api")
    y, factors, people = areas(alpha=alpha)
    design, offset = sm.add_constant(factors.to_numpy()), np.log(people)
    found = count_model(y, factors, exposure=people, family=family)
    kind, scale = sm.families.Poisson(), "X2" if family == "quasipoisson" else None
    if family == "negative_binomial" and found.attrs["dispersion"] > 0:
        kind = sm.families.NegativeBinomial(alpha=found.attrs["dispersion"])
        start = np.append(found["coefficient"] * 1.01, found.attrs["dispersion"] * 1.05)
        theirs = sm.NegativeBinomial(y, design, offset=offset).fit(
            start_params=start, method="newton", disp=0, maxiter=200, tol=1e-12
        )
        assert found.attrs["dispersion"] == pytest.approx(theirs.params[-1], rel=1e-6)
        assert found.attrs["log_likelihood"] == pytest.approx(theirs.llf, rel=1e-12)
        np.testing.assert_allclose(found["coefficient"], theirs.params[:-1], atol=1e-7)
    theirs = sm.GLM(y, design, family=kind, offset=offset).fit(scale=scale, tol=1e-13)
    np.testing.assert_allclose(found["coefficient"], theirs.params, atol=1e-8)
    np.testing.assert_allclose(found["standard_error"], theirs.bse, rtol=1e-7)
    if family == "quasipoisson":
        assert found.attrs["dispersion"] == pytest.approx(theirs.scale)
    else:
        assert found.attrs["log_likelihood"] == pytest.approx(theirs.llf)
        np.testing.assert_allclose(np.log(found[["lower", "upper"]]), theirs.conf_int(), atol=1e-6)
        np.testing.assert_allclose(found["p_value"], theirs.pvalues, rtol=1e-5)


def negative_binomial_by_scipy(y, design, offset, alpha, b):
    mean = np.exp(design @ b + offset)
    return stats.nbinom.logpmf(y, 1 / alpha, 1 / (1 + alpha * mean)).sum()


def test_no_coefficients_and_no_dispersion_nearby_are_likelier():
    y, factors, people = areas(n=60, factors=3, alpha=1.0, seed=4, level=-7)
    found = count_model(y, factors, exposure=people)
    design, offset = np.column_stack([np.ones(60), factors]), np.log(people)

    def unlikely(at):
        return -negative_binomial_by_scipy(y, design, offset, np.exp(at[-1]), at[:-1])

    best = optimize.minimize(
        unlikely,
        np.array([-7.0, 0, 0, 0, 0]),
        method="Nelder-Mead",
        options={"maxiter": 20_000, "maxfev": 20_000, "xatol": 1e-9, "fatol": 1e-12},
    )
    np.testing.assert_allclose(found["coefficient"], best.x[:-1], atol=1e-5)
    assert found.attrs["dispersion"] == pytest.approx(np.exp(best.x[-1]), rel=1e-5)
    assert found.attrs["log_likelihood"] == pytest.approx(-best.fun, rel=1e-12)


def test_moran_of_what_is_left_over_is_that_of_esda_on_the_residuals_of_statsmodels():
    sm, esda = pytest.importorskip("statsmodels.api"), pytest.importorskip("esda")
    libpysal = pytest.importorskip("libpysal")
    near, _ = lattice(12)
    y, factors, people = areas(n=144, factors=2)
    found = count_model(y, factors, exposure=people, near=near)
    kind = sm.families.NegativeBinomial(alpha=found.attrs["dispersion"])
    theirs = sm.GLM(y, sm.add_constant(factors.to_numpy()), family=kind, offset=np.log(people)).fit(tol=1e-13)
    rows = {i: near.indices[near.indptr[i] : near.indptr[i + 1]].tolist() for i in range(144)}
    moran = esda.Moran(theirs.resid_pearson, libpysal.weights.W(rows), transformation="r", permutations=0)
    assert found.attrs["residual_moran_i"] == pytest.approx(moran.I, abs=1e-7)
    assert found.attrs["residual_moran_p_value"] == pytest.approx(moran.p_rand, abs=1e-6)
    assert np.isnan(count_model(y, factors).attrs["residual_moran_i"])


def test_inflation_is_that_of_statsmodels():
    influence = pytest.importorskip("statsmodels.stats.outliers_influence")
    _, factors, _ = areas(n=300, factors=5)
    factors["x5"] = factors["x0"] - factors["x1"] + np.random.default_rng(0).normal(0, 1e-3, 300)
    design = np.column_stack([np.ones(300), factors])
    theirs = [influence.variance_inflation_factor(design, i) for i in range(1, 7)]
    np.testing.assert_allclose(collinearity(factors)["vif"], theirs, rtol=1e-6)
    assert max(theirs) > 1e5


# --- worked by hand ---


def test_without_factors_the_rate_is_events_over_exposure():
    # 3 + 0 + 9 = 12 events, 6 person-years: rate 2; Poisson error of its logarithm 1 / sqrt(12)
    found = count_model([3, 0, 9], pd.DataFrame(index=range(3)), exposure=[1, 2, 3], family="poisson")
    assert found["rate_ratio"][0] == pytest.approx(2)
    assert found["standard_error"][0] == pytest.approx(12**-0.5)
    assert found["lower"][0] == pytest.approx(2 * np.exp(-1.959964 / 12**0.5), rel=1e-6)
    assert found["method"][0] == "poisson, Wald 95%"
    assert count_model([5], pd.DataFrame(index=[0]), family="poisson")["rate_ratio"][0] == pytest.approx(5)


def test_two_groups_give_the_ratio_of_their_rates():
    # 10 events in 5 against 12 in 3: rates 2 and 4, ratio 2, error sqrt(1/10 + 1/12)
    found = count_model([4, 6, 12], pd.DataFrame({"town": [0, 0, 1]}), exposure=[2, 3, 3], family="poisson")
    assert found["rate_ratio"].tolist() == pytest.approx([2, 2])
    assert found["standard_error"][1] == pytest.approx((1 / 10 + 1 / 12) ** 0.5)


def test_every_area_fitted_by_itself_has_no_spread_to_judge_by():
    found = count_model([4, 6], pd.DataFrame({"town": [0, 1]}), family="quasipoisson")
    assert found["rate_ratio"].tolist() == pytest.approx([4, 1.5])
    assert found[["standard_error", "lower", "upper", "p_value"]].isna().all(axis=None)
    assert np.isnan(found.attrs["dispersion"])


def test_the_unit_of_the_exposure_moves_the_intercept_alone():
    y, factors, people = areas(n=200)
    per_person, per_thousand = (count_model(y, factors, exposure=people / unit) for unit in (1, 1_000))
    moved = per_thousand["coefficient"] - per_person["coefficient"]
    np.testing.assert_allclose(moved, [np.log(1_000)] + [0] * 6, atol=1e-8)
    np.testing.assert_allclose(per_thousand["standard_error"], per_person["standard_error"], rtol=1e-8)


def test_units_of_factors_however_large_change_no_rate_ratio_of_a_difference():
    y, factors, people = areas(n=200, factors=2)
    plain = count_model(y, factors, exposure=people)
    odd = count_model(y, factors.assign(x0=2_000 + 3 * factors["x0"], x1=1e9 * factors["x1"]), exposure=people)
    np.testing.assert_allclose(odd["coefficient"][1:] * [3, 1e9], plain["coefficient"][1:], rtol=1e-7)
    np.testing.assert_allclose(odd["standard_error"][1:] * [3, 1e9], plain["standard_error"][1:], rtol=1e-7)


def test_factors_per_standard_deviation_are_those_worked_by_hand():
    # 1 2 3 6: mean 3, squares from it 4 1 0 9, variance 14/3
    found = per_sd(pd.DataFrame({"a": [1, 2, 3, 6, np.nan], "b": [7] * 5}, index=list("vwxyz")))
    np.testing.assert_allclose(found["a"][:4], np.array([-2, -1, 0, 3]) / (14 / 3) ** 0.5)
    assert found["a"].isna().tolist() == [False] * 4 + [True]
    assert found["b"].isna().all()
    assert found.index.tolist() == list("vwxyz")


def test_tenths_hold_equal_numbers_of_areas_and_ties_stay_together():
    whole = per_tenth(pd.DataFrame({"a": np.random.default_rng(0).permutation(1_230)}))["a"]
    assert whole.value_counts().sort_index().tolist() == [123] * 10
    # five of ten tie at the bottom: ranks 1 to 5, middle 3, tenth 3; the rest are 6 to 10
    found = per_tenth(pd.DataFrame({"a": [0, 0, 0, 0, 0, 1, 2, 3, 4, 5, None]}))["a"]
    assert found[:10].tolist() == [3] * 5 + [6, 7, 8, 9, 10]
    assert np.isnan(found[10])
    assert per_tenth(pd.DataFrame({"a": [4.0] * 7}))["a"].tolist() == [5] * 7


def test_clusters_are_those_worked_by_hand():
    # Spearman: a and b 1, d with either -1 (the opposite says the same), c with each 0.5 (1 - 6*10/120)
    table = pd.DataFrame({"a": [1, 2, 3, 4, 5], "c": [2, 4, 1, 3, 5], "b": [1, 2, 4, 8, 16], "d": [0, -1, -5, -6, -9]})
    assert collinearity(table)["factor_cluster"].tolist() == [1, 2, 1, 1]


# --- overdispersion, none and some ---


def test_counts_less_spread_than_poisson_have_dispersion_0_and_the_poisson_fit():
    factors = pd.DataFrame({"x": np.arange(40.0)})
    y = np.round(np.exp(1 + 0.03 * factors["x"])).astype(int)
    found, poisson = (count_model(y, factors, family=f) for f in ("negative_binomial", "poisson"))
    assert found.attrs["dispersion"] == 0
    numbers = ["coefficient", "standard_error", "rate_ratio", "lower", "upper", "p_value"]
    pd.testing.assert_frame_equal(found[numbers], poisson[numbers])
    assert found.attrs["log_likelihood"] == poisson.attrs["log_likelihood"]


def test_poisson_counts_have_dispersion_near_0_and_nearly_the_poisson_fit():
    zeros = 0
    for seed in range(40):
        y, factors, people = areas(n=300, factors=2, alpha=0, seed=seed)
        found, poisson = (count_model(y, factors, exposure=people, family=f) for f in ("negative_binomial", "poisson"))
        assert found.attrs["dispersion"] < 0.05
        assert found.attrs["log_likelihood"] >= poisson.attrs["log_likelihood"]
        np.testing.assert_allclose(found["coefficient"], poisson["coefficient"], atol=0.01)
        zeros += found.attrs["dispersion"] == 0
    assert 10 <= zeros <= 35  # in large samples half of all


def test_the_likelihood_keeps_its_digits_as_dispersion_goes_to_0():
    y, mean = np.array([0, 3, 40, 500]), np.array([0.2, 2.5, 44.0, 480.0])
    beyond, poisson = risk_fits.tails(y), stats.poisson.logpmf(y, mean).sum()
    assert risk_fits.log_likelihood(y, mean, 0.0, beyond) == pytest.approx(poisson, rel=1e-14)
    slope = ((y - mean) ** 2 - y).sum() / 2  # of the likelihood at 0: Cameron & Trivedi (1998), eq. 3.38
    for alpha in (1e-12, 1e-9, 1e-6):
        gain = risk_fits.log_likelihood(y, mean, alpha, beyond) - poisson
        assert gain == pytest.approx(alpha * slope, abs=1e-12 + 2e6 * alpha**2)
    for alpha in (1e-5, 0.01, 3.0, 500.0):
        theirs = stats.nbinom.logpmf(y, 1 / alpha, 1 / (1 + alpha * mean)).sum()
        assert risk_fits.log_likelihood(y, mean, alpha, beyond) == pytest.approx(theirs, rel=1e-9)
        rise = [risk_fits.log_likelihood(y, mean, alpha * (1 + h), beyond) for h in (1e-5, -1e-5)]
        numeric = (rise[0] - rise[1]) / (2e-5 * alpha)
        assert risk_fits.slope(y, mean, alpha, beyond) == pytest.approx(numeric, rel=1e-3, abs=1e-4)


def test_dispersion_is_found_although_one_large_well_fitted_town_hides_it_near_0():
    # the town is fitted exactly, so (y - mean)² - y adds -4,000 to the slope at 0, the villages some hundreds
    rng = np.random.default_rng(2)
    y = np.append(rng.negative_binomial(2, 2 / 7, 100), 4_000)
    factors = pd.DataFrame({"town": np.append(np.zeros(100), 1)})
    poisson = np.append(np.full(100, y[:100].mean()), 4_000)
    assert ((y - poisson) ** 2 - y).sum() < 0
    found = count_model(y, factors)
    alone = count_model(y[:100], pd.DataFrame(index=range(100)))
    assert found.attrs["dispersion"] == pytest.approx(alone.attrs["dispersion"], rel=0.05)
    best = optimize.minimize_scalar(
        lambda a: -stats.nbinom.logpmf(y, 1 / a, 1 / (1 + a * poisson)).sum(), bounds=(1e-4, 5), method="bounded"
    )
    assert found.attrs["dispersion"] == pytest.approx(best.x, rel=1e-4)


# --- error rates ---


def test_factors_that_do_nothing_are_found_no_more_often_than_said():
    # 300 maps of 100 areas with 4 idle factors: 5% of 1,200, give or take (binomial 99.9%: 37 to 86); Poisson limits on
    # such counts find far more, which shows that this test can fail
    found, wrong, rng = 0, 0, np.random.default_rng(0)
    for _ in range(300):
        factors = pd.DataFrame(rng.normal(size=(100, 4)), columns=list("abcd"))
        y = rng.negative_binomial(2, 2 / 7, 100)
        found += (count_model(y, factors)["p_value"][1:] < 0.05).sum()
        wrong += (count_model(y, factors, family="poisson")["p_value"][1:] < 0.05).sum()
    assert 37 <= found <= 92  # a little above: with 100 areas the limits are some hundredths too narrow
    assert wrong > 250


# --- missing, refused, unchanged ---


def test_areas_with_something_missing_or_without_exposure_are_left_out_and_counted():
    near, _ = lattice(12)
    y, factors, people = areas(n=144, factors=2)
    y, kept = pd.Series(y, dtype="Int64"), np.setdiff1d(np.arange(144), [3, 50, 70, 99])
    part = count_model(
        y[kept].reset_index(drop=True),
        factors.iloc[kept].reset_index(drop=True),
        exposure=people[kept],
        near=near[kept][:, kept],
    )
    y[3], people[50], people[70] = pd.NA, 0, np.nan
    factors.loc[99, "x1"] = np.inf
    whole = count_model(y, factors, exposure=people, near=near)
    pd.testing.assert_frame_equal(whole, part)
    assert whole.attrs["n"] == 140
    assert whole.attrs["left_out"] == 4
    assert whole.attrs["residual_moran_i"] == pytest.approx(part.attrs["residual_moran_i"])


REFUSED = [
    ("“b” is the same in every area", [1, 2, 3, 4], {"a": [1, 2, 3, 5], "b": [0.1] * 4}),
    ("None of these areas has any events", [0, 0, 0, 0], {"a": [1, 2, 3, 5]}),
    (
        "Each of “a”, “b”, “c” follows from the others",
        [1, 2, 3, 4, 2],
        {"a": [1, 2, 3, 5, 1], "b": [1, 0, 3, 1, 7], "c": [2, 2, 6, 6, 8], "d": [0, 1, 0, 0, 1]},
    ),
    (
        "Only areas without any events tell of “market”",
        [1, 2, 0, 0, 4],
        {"a": [1, 2, 3, 5, 4], "market": [0, 0, 1, 1, 0]},
    ),
    (
        "Only areas without any events tell of “a”, “b”",
        [1, 2, 4, 0, 0],
        {"a": [1, 2, 3, 4, 5], "b": [1, 2, 3, 9, 9], "c": [1, 0, 0, 1, 0]},
    ),
    (
        "3 factors need at least 4 areas with every value; here are 3 of 4",
        [1, 2, 3, None],
        {"a": [1, 2, 3, 5], "b": [3, 1, 1, 0], "c": [0, 1, 0, 1]},
    ),
    ("No area has a value of “b”", [1, 2, 3], {"a": [1, 2, 4], "b": [np.nan] * 3}),
    ("No area has every value", [], {"a": []}),
]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("words", "counts", "factors"), REFUSED)
def test_what_has_no_fit_is_refused_by_the_names_of_the_factors(words, counts, factors, family):
    with pytest.raises(NotEnoughData, match=words):
        count_model(pd.Series(counts, dtype=float), pd.DataFrame(factors, dtype=float), family=family)


def test_a_kind_of_area_without_events_is_no_reason_to_refuse_where_others_tell_of_the_factor():
    # “market” is 1 in two areas with events and in one without
    found = count_model([1, 2, 0, 3, 4, 1], pd.DataFrame({"market": [0, 0, 1, 1, 0, 1]}), family="poisson")
    assert found["rate_ratio"][1] == pytest.approx((4 / 3) / (7 / 3))
    # and a combination that is nought wherever there are events may still lie on both sides of 0 elsewhere
    factors = pd.DataFrame({"a": [1, 2, 3, 4, 0, 0], "b": [1, 2, 3, 4, 1, -1]})
    assert count_model([1, 3, 2, 4, 0, 0], factors, family="poisson")["standard_error"].max() < 10


def test_wrong_arguments_are_told_apart_from_too_little_data():
    factors = pd.DataFrame({"a": [1.0, 2, 4]})
    for wrong, words in (
        ({"counts": [1, 2.5, 3]}, "whole numbers"),
        ({"counts": [1, -2, 3]}, "Below 0"),
        ({"counts": [1, 2]}, "2 counts for 3 rows"),
        ({"counts": pd.Series([1, 2, 3], index=[5, 6, 7])}, "indexes differ"),
        ({"exposure": [1, -1, 1]}, "Below 0"),
        ({"family": "binomial"}, "family is one of"),
        ({"confidence": 95}, "0.95, not 95"),
        ({"factors": pd.DataFrame({"a": list("xyz")})}, "these are not: a"),
        ({"factors": pd.DataFrame([[1, 2]] * 3, columns=["a", "a"])}, "same name"),
    ):
        with pytest.raises(ValueError, match=words):
            count_model(**({"counts": [1, 2, 3], "factors": factors} | wrong))
    assert count_model([1, 2.5, 3], factors, family="quasipoisson")["coefficient"].notna().all()


def test_overlap_of_constant_perfect_and_single_factors():
    table = pd.DataFrame(
        {"a": [1.0, 2, 3, 5, 1, 4], "b": [1.0, 0, 3, 1, 7, 2], "same": [0.1] * 6, "none": [np.nan] * 6}
    )
    table = table.assign(c=table["a"] + table["b"], d=[0.0, 1, 0, 0, 1, 0])
    found = collinearity(table).set_index("factor")
    assert np.isinf(found.loc[["a", "b", "c"], "vif"]).all()
    without = collinearity(table[["a", "b", "d"]]).set_index("factor")
    assert found.loc["d", "vif"] == pytest.approx(without.loc["d", "vif"])  # c adds nothing that a and b have not said
    assert found.loc[["same", "none"]].isna().all(axis=None)
    alone = collinearity(table[["a"]])
    assert alone["vif"].tolist() == pytest.approx([1]) and alone["factor_cluster"].tolist() == [1]
    assert len(collinearity(pd.DataFrame(index=range(3)))) == 0


def test_rows_with_a_missing_factor_are_left_out_of_the_overlap():
    _, factors, _ = areas(n=50, factors=3)
    holed = factors.copy()
    holed.loc[7, "x1"] = np.nan
    pd.testing.assert_frame_equal(collinearity(holed), collinearity(factors.drop(7)))


def test_inputs_stay_as_they_were_and_one_answer_comes_for_the_same_input():
    near, _ = lattice(12)
    y, factors, people = areas(n=144, factors=2)
    before = y.copy(), factors.copy(), people.copy(), near.copy()
    for function in (count_model, spatial_alternative):
        first, second = (function(y, factors, near=near, exposure=people) for _ in range(2))
        pd.testing.assert_frame_equal(first, second)
    collinearity(factors), per_sd(factors), per_tenth(factors)
    np.testing.assert_array_equal(y, before[0])
    pd.testing.assert_frame_equal(factors, before[1])
    np.testing.assert_array_equal(people, before[2])
    assert (near != before[3]).nnz == 0


# --- where neighbours are alike ---


def smooth_maps(rng, side, reach):
    """Neighbours on a lattice, and a maker of smooth fields with standard deviation 1."""
    near, apart = lattice(side)
    root = np.linalg.cholesky(np.exp(-apart / reach) + 1e-9 * np.eye(side**2))
    return near, lambda: root @ rng.normal(size=side**2)


def test_intervals_cover_where_an_unknown_makes_neighbours_alike_and_the_plain_ones_do_not():
    # 80 maps of 144 areas; the factor and what nobody measured are both smooth, and independent of each other
    rng = np.random.default_rng(3)
    near, field = smooth_maps(rng, 12, 4)
    covered, moran = np.zeros((80, 2)), np.zeros((80, 2))
    for rep in range(80):
        x = field()
        y = rng.poisson(np.exp(1.5 + 0.3 * x + 0.5 * field()) * rng.gamma(10, 0.1, 144))
        for way, function in enumerate((count_model, spatial_alternative)):
            found = function(y, pd.DataFrame({"x": x}), near=near)
            covered[rep, way] = np.log(found["lower"][1]) < 0.3 < np.log(found["upper"][1])
            moran[rep, way] = found.attrs["residual_moran_i"]
    plain, spatial = covered.mean(axis=0)
    assert plain < 0.82
    assert spatial >= stats.binom.ppf(0.001, 80, 0.95) / 80  # 0.85
    assert (np.abs(moran[:, 1]) < np.abs(moran[:, 0])).mean() > 0.9
    assert moran[:, 0].mean() > 0.15 and abs(moran[:, 1].mean()) < 0.1


def test_where_neighbours_are_not_alike_little_changes():
    rng = np.random.default_rng(5)
    near, _ = lattice(12)
    x = rng.normal(size=144)
    y = rng.negative_binomial(4, 4 / (4 + np.exp(1.5 + 0.3 * x)))
    plain, found = count_model(y, pd.DataFrame({"x": x})), spatial_alternative(y, pd.DataFrame({"x": x}), near)
    assert found.columns.tolist() == plain.columns.tolist()
    np.testing.assert_allclose(found["coefficient"], plain["coefficient"], atol=0.03)
    np.testing.assert_allclose(found["standard_error"], plain["standard_error"], rtol=0.15)
    assert found.attrs["effective_terms"] < 6 < found.attrs["terms"]


def test_patterns_are_orthogonal_average_nought_and_fall_in_moran():
    near, _ = lattice(9)
    smooth, patterns = risk_spatial._patterns(near, np.ones(81, dtype=bool))
    np.testing.assert_allclose(patterns.T @ patterns, 81 * np.eye(len(smooth)), atol=1e-9)
    np.testing.assert_allclose(patterns.sum(axis=0), 0, atol=1e-9)
    moran = (patterns * (near @ patterns)).sum(axis=0) / near.sum()  # n / S0 * v'Wv / v'v, v'v = n
    assert (np.diff(moran) <= 1e-12).all() and (moran > 0).all()
    np.testing.assert_allclose(moran / moran[0], smooth, atol=1e-9)


def spatial_state(side, level, seed=0):
    rng = np.random.default_rng(seed)
    near, field = smooth_maps(rng, side, 4)
    x = pd.DataFrame({"x": field()})
    y = rng.poisson(np.exp(level + 0.3 * x["x"] + 0.6 * field()) * rng.gamma(5, 0.2, side**2))
    rows = prepared(y, x, None, "negative_binomial")
    smooth, patterns = risk_spatial._patterns(near, rows.known)
    columns = np.column_stack([rows.turned.T, patterns])
    state, _, _ = risk_spatial._rounds(rows, columns, smooth, "negative_binomial")
    return rows, columns, smooth, state


def test_coefficients_of_factors_and_patterns_are_at_the_top_of_the_penalised_likelihood_of_scipy():
    rows, columns, smooth, state = spatial_state(8, 1.5)
    variance = np.exp(state.spread[0]) * smooth ** state.spread[1]

    def unlikely(theta):
        given = negative_binomial_by_scipy(rows.counts, columns, 0.0, state.alpha, theta)
        return -given + (theta[2:] ** 2 / variance).sum() / 2

    best = optimize.minimize(unlikely, state.theta * 0.9, method="BFGS", options={"gtol": 1e-6})
    np.testing.assert_allclose(state.theta, best.x, atol=1e-4)


def test_the_likelihood_with_patterns_integrated_out_is_that_of_quadrature():
    rows, columns, smooth, state = spatial_state(7, 2.5, seed=2)
    columns, smooth = columns[:, :4], smooth[:2]  # two patterns, so that the integral can be done on a plane
    variance = np.exp(-1.0) * smooth

    def joint(values):
        given = negative_binomial_by_scipy(rows.counts, columns, 0.0, 0.1, np.append(state.theta[:2], values))
        return given + stats.norm.logpdf(values, scale=np.sqrt(variance)).sum()

    top = optimize.minimize(lambda values: -joint(values), [0.0, 0.0], method="BFGS")
    a, b = (np.linspace(m - 0.6, m + 0.6, 61) for m in top.x)  # some ten standard deviations
    heights = np.exp([[joint([p, q]) + top.fun for q in b] for p in a])
    whole = np.log(heights.sum() * (a[1] - a[0]) * (b[1] - b[0])) - top.fun
    theta = np.append(state.theta[:2], top.x)
    there = risk_spatial.replace(state, theta=theta, spread=np.array([-1.0, 1.0]), alpha=0.1)
    assert risk_spatial._laplace(rows, columns, smooth, there) == pytest.approx(whole, abs=0.1)
    assert abs(top.fun + whole) > 1  # what integrating changes


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_allows_for_neighbours_islands_and_missing_rows(family):
    rng = np.random.default_rng(1)
    near, field = smooth_maps(rng, 12, 4)
    near = near.tolil()
    near[7], near[:, 7] = 0, 0
    near = sparse.csr_array(near)
    near.eliminate_zeros()
    x = pd.DataFrame({"x": field()})
    y = pd.Series(rng.poisson(np.exp(1.5 + 0.3 * x["x"] + 0.5 * field())), dtype=float)
    y[20] = np.nan
    kept = np.delete(np.arange(144), 20)
    whole = spatial_alternative(y, x, near, family=family)
    part = spatial_alternative(y[kept], x.iloc[kept], near[kept][:, kept], family=family)
    pd.testing.assert_frame_equal(whole, part)
    assert np.isfinite(whole[["coefficient", "standard_error", "p_value"]]).all(axis=None)
    plain = count_model(y, x, near=near, family=family)
    assert whole.attrs["residual_moran_i"] < plain.attrs["residual_moran_i"]
    assert whole.attrs["n"] == 143 and whole.attrs["left_out"] == 1


def test_what_cannot_allow_for_neighbours_is_refused():
    y, x = np.array([1, 2, 3, 4, 2]), pd.DataFrame({"x": [1.0, 2, 4, 3, 9]})
    with pytest.raises(NotEnoughData, match="None of these areas has a neighbour"):
        spatial_alternative(y, x, sparse.csr_array((5, 5)))
    with pytest.raises(NotEnoughData, match="Every area neighbours every other"):
        spatial_alternative(y, x, sparse.csr_array(np.ones((5, 5)) - np.eye(5)))
    with pytest.raises(NotEnoughData, match="2 areas for 1 factors leave nothing over"):
        spatial_alternative(y[:2], x[:2], sparse.csr_array(np.array([[0.0, 1], [1, 0]])))
    with pytest.raises(ValueError, match="one row and one column per area"):
        spatial_alternative(y, x, sparse.csr_array((4, 4)))
    many, factors, _ = areas(n=risk_spatial.MOST_AREAS + 1, factors=1)
    with pytest.raises(NotEnoughData, match="at most 3,000 areas; here are 3,001"):
        spatial_alternative(many, factors, sparse.csr_array((3_001, 3_001)))
