"""Correlations of smooth maps against sums by hand, matrices, enumeration, other libraries and made-up fields."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import pdist, squareform

from analytics import risk_classes
from analytics.errors import NotEnoughData
from analytics.risk_correlations import correlations, modified_t_test

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"
needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="../shared is not here")


def table(place) -> pd.DataFrame:
    return pd.DataFrame(place, columns=["x", "y"], dtype=float)


def scattered(n: int, seed: int = 0) -> pd.DataFrame:
    """Centres of made-up areas: close together in two towns, far apart between them (metres)."""
    rng = np.random.default_rng(seed)
    towns = np.array([[20_000, 30_000], [60_000, 25_000]])[rng.integers(0, 2, n)] + rng.normal(0, 4_000, (n, 2))
    return table(np.where(rng.random((n, 1)) < 0.6, towns, rng.random((n, 2)) * 80_000))


def fields(place: pd.DataFrame, reach: float, count: int, rng) -> np.ndarray:
    """Unrelated Gaussian fields, each correlated over distance as exp(-d / reach)."""
    near = np.exp(-squareform(pdist(place)) / reach)
    return np.linalg.cholesky(near + 1e-9 * np.eye(len(near))) @ rng.normal(size=(len(near), count))


def of_matrices(x, y, place, classes=13, controls=None) -> dict:
    """Oracle: the formula as it is printed, with whole n x n matrices and every distance by `hypot`."""
    place = np.asarray(place, dtype=float)
    n = len(x)
    distance = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    upper = np.arange(1, classes + 1) * distance.max() / classes
    band = np.minimum((distance[..., None] > upper * (1 + 1e-9)).sum(axis=-1), classes - 1)
    design = np.column_stack([np.ones(n)] if controls is None else [np.ones(n), controls])
    free = np.eye(n) - design @ np.linalg.pinv(design)
    x, y = free @ x, free @ y

    def spatial(v):
        products, matrix = np.outer(v, v) / (v @ v / n), np.eye(n)
        for k in range(classes):
            here = (band == k) & ~np.eye(n, dtype=bool)
            if here.any():
                matrix[here] = products[here].mean()
        return matrix

    a, b = free @ spatial(x), free @ spatial(y)
    effective_n = 1 + np.trace(a) * np.trace(b) / np.trace(a @ b)
    r = x @ y / np.sqrt((x @ x) * (y @ y))
    f = (effective_n - 2) * r**2 / (1 - r**2)
    p = stats.f.sf(f, 1, effective_n - 2)
    return {"r": r, "effective_n": effective_n, "f": f, "df": effective_n - 2, "p_value": p}


def assert_row(found: pd.DataFrame, expected: dict, **tolerance) -> None:
    for column, value in expected.items():
        np.testing.assert_allclose(found[column].iloc[0], value, **(tolerance or {"rtol": 1e-9}), err_msg=column)


# --- the modified t test ---


def test_four_places_in_a_row_worked_by_hand():
    # Distances 1, 2, 3 fall on the edges of three classes and belong to the nearer one.
    # x = -1 -1 1 1: Moran's I of the classes (1 - 1 + 1)/3 = 1/3, -1, -1; rows of Sx sum to -2/3 2/3 2/3 -2/3.
    # y = -r 0 0 r, r^2 = 2: 0, 0, -2; rows of Sy sum to -1 1 1 -1. Both matrices sum to 0, so both traces are 4.
    # tr(BSx BSy) = 4 (diagonals) + 2 * (-1)(-2) - 2/4 * (2/3 + 2/3 + 2/3 + 2/3) = 8 - 4/3 = 20/3
    # effective n = 1 + 4*4/(20/3) = 3.4; r = 2r/4 = 0.70711; F = 1.4 * 0.5/0.5 = 1.4
    row = table([[0, 0], [1, 0], [2, 0], [3, 0]])
    found = modified_t_test([1, 1, 2, 2], [3, 5, 5, 7], row, classes=3)
    assert list(found.columns) == ["r", "effective_n", "f", "df", "p_value"]
    p = stats.f.sf(1.4, 1, 1.4)
    assert_row(found, {"r": np.sqrt(0.5), "effective_n": 3.4, "f": 1.4, "df": 1.4, "p_value": p})


@needs_reference
@pytest.mark.parametrize(
    ("pair", "classes", "expected"),
    [
        (("As", "Pb"), 13, (0.5892586983, 156.061737918, 81.94903137, 154.061737918, 5.794660e-16)),
        (("As", "Pb"), 20, (0.5892586983, 140.856602267, 73.86106511, 138.856602267, 1.560484e-14)),
        (("As", "quad"), 13, (-0.0859406531, 41.945880242, 0.29722738, 39.945880242, 5.886572e-01)),
    ],
)
def test_soil_elements_of_the_r_package_spatialpack_agree_with_it_and_with_matrices(pair, classes, expected):
    # SpatialPack's own example, modified.ttest(murray$As, murray$Pb, murray[c("xpos", "ypos")]), 253 places: numbers
    # from the routines of its C source (mod_ttest.c, base.c, stats.c), compiled and run in R 4.2.2.
    murray = pd.read_csv(REFERENCE / "murray.csv")
    place = table(murray[["xpos", "ypos"]].to_numpy())
    x, y = (murray[c].to_numpy(dtype=float) for c in pair)
    found = modified_t_test(x, y, place, classes=classes)
    assert_row(found, dict(zip(("r", "effective_n", "f", "df", "p_value"), expected, strict=True)), rtol=1e-6)
    assert_row(found, of_matrices(x, y, place, classes))


@needs_reference
def test_ranks_of_soil_elements_agree_with_spatialpack():
    # modified.ttest(rank(murray$As), rank(murray$Pb), ...), as above
    murray = pd.read_csv(REFERENCE / "murray.csv")
    place = table(murray[["xpos", "ypos"]].to_numpy())
    found = correlations(murray["As"], murray[["Pb"]], place)
    expected = {"r": 0.7547026524, "effective_n": 121.511986119, "p_value": 1.273515e-23, "n": 253}
    assert_row(found, expected, rtol=1e-6)


def test_a_lattice_with_distances_on_the_edges_and_repeated_places_agrees_with_the_formula_in_matrices():
    across, up = np.meshgrid(np.arange(14) * 0.1, np.arange(3) * 0.1)
    place = table(np.column_stack([across.ravel(), up.ravel()]))
    place = pd.concat([place, place[:9]], ignore_index=True)
    line = place.assign(y=0.0)  # the longest is 1.3: all thirteen edges are distances
    rng = np.random.default_rng(4)
    x, y = place["x"] + rng.normal(size=len(place)), place["y"] + rng.normal(size=len(place))
    for at in (place, line, line[["y", "x"]].set_axis(["x", "y"], axis=1)):
        assert_row(modified_t_test(x, y, at), of_matrices(x.to_numpy(), y.to_numpy(), at))


def test_places_all_at_one_point_are_worth_as_many_as_they_are():
    # One class holds all pairs, I = -1/(n - 1): BSx = B n/(n - 1), so the variance of r is 1/(n - 1)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 20))
    found = modified_t_test(x, y, table(np.full((20, 2), 7.0)))
    assert_row(found, {"effective_n": 20, "p_value": stats.pearsonr(x, y).pvalue})


def test_a_map_with_itself_is_certain_and_a_constant_one_has_no_correlation():
    place = scattered(30)
    x = fields(place, 5_000, 1, np.random.default_rng(0))[:, 0]
    found = modified_t_test(x, x, place).iloc[0]
    assert found["r"] == pytest.approx(1)
    assert found["p_value"] < 1e-60
    assert modified_t_test(x, np.full(30, 0.1), place).isna().all(axis=None)


def test_a_place_with_anything_missing_is_as_if_it_were_not_there():
    place, rng = scattered(40), np.random.default_rng(2)
    x, y = (pd.Series(v) for v in rng.normal(size=(2, 40)))
    full = modified_t_test(x[3:], y[3:], place[3:])
    x[0], y[1], place.loc[2, "x"] = np.nan, np.inf, np.nan
    pd.testing.assert_frame_equal(modified_t_test(x, y, place), full)


def test_two_places_are_refused_and_three_are_not():
    with pytest.raises(NotEnoughData, match="needs 3 places where both are known; here are 2"):
        modified_t_test([1, 2, np.nan], [1, 2, 3], table([[0, 0], [1, 0], [2, 0]]))
    x, y, place = np.array([1.0, 2, 4]), np.array([1.0, 3, 2]), table([[0, 0], [1, 0], [3, 0]])
    found = modified_t_test(x, y, place)
    assert_row(found, {"r": stats.pearsonr(x, y).statistic, "effective_n": of_matrices(x, y, place)["effective_n"]})


# --- one row per factor ---


@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_each_row_is_the_modified_t_test_of_its_factor(method):
    place, rng = scattered(200), np.random.default_rng(3)
    factors = pd.DataFrame(fields(place, 6_000, 5, rng), columns=list("abcde"))
    factors["a"] = factors["a"].round()  # ties
    outcome = factors["b"] * 0.4 + fields(place, 6_000, 1, rng)[:, 0]
    found = correlations(outcome, factors, place, method=method)
    assert found["factor"].tolist() == list("abcde")
    for name, row in zip(factors, found.to_dict("records"), strict=True):
        x, y = factors[name].to_numpy(), outcome.to_numpy()
        if method == "spearman":
            x, y = stats.rankdata(x), stats.rankdata(y)
        expected = of_matrices(x, y, place)
        assert row["r"] == pytest.approx(expected["r"])
        assert row["effective_n"] == pytest.approx(min(expected["effective_n"], 200))
        assert row["p_value"] == pytest.approx(expected["p_value"])
        # Fisher: atanh r, with standard error 1 / sqrt(n - 3)
        z, error = 0.5 * np.log((1 + row["r"]) / (1 - row["r"])), 1 / np.sqrt(row["effective_n"] - 3)
        limits = [(np.exp(2 * e) - 1) / (np.exp(2 * e) + 1) for e in (z - 1.959964 * error, z + 1.959964 * error)]
        assert [row["lower"], row["upper"]] == pytest.approx(limits, abs=1e-7)
    np.testing.assert_allclose(found["q_value"], stats.false_discovery_control(found["p_value"]))


def test_without_adjustment_the_rows_are_those_of_scipy():
    place, rng = scattered(60), np.random.default_rng(5)
    factors = pd.DataFrame(rng.poisson(2, (60, 4)))
    outcome = pd.Series(rng.poisson(3, 60))
    for method, peer in (("spearman", stats.spearmanr), ("pearson", stats.pearsonr)):
        found = correlations(outcome, factors, place, method=method, adjust="none")
        theirs = [peer(factors[c], outcome) for c in factors]
        np.testing.assert_allclose(found["r"], [one.statistic for one in theirs])
        np.testing.assert_allclose(found["p_value"], [one.pvalue for one in theirs])
        np.testing.assert_array_equal(found[["p_value", "q_value"]], found[["p_naive", "q_naive"]])
        assert (found[["effective_n", "n"]] == 60).all(axis=None)
    limits = [one.confidence_interval() for one in theirs]
    np.testing.assert_allclose(found[["lower", "upper"]], limits)
    assert (found["method"] == "Pearson, Fisher 95%, not adjusted").all()


def test_a_partial_correlation_has_the_p_value_of_the_factor_in_a_regression():
    # the t of a coefficient in least squares is that of the partial correlation, with n - 2 - controls
    sm = pytest.importorskip("statsmodels.api")
    place, rng = scattered(80), np.random.default_rng(6)
    held = pd.DataFrame(rng.gamma(2, size=(80, 2)), columns=["density", "premises"])
    factors = pd.DataFrame({"a": held["density"] + rng.normal(size=80), "b": rng.normal(size=80)})
    outcome = held["density"] + factors["b"] * 0.3 + rng.normal(size=80)
    found = correlations(outcome, factors, place, method="pearson", adjust="none", controls=held)
    for name, row in zip(factors, found.to_dict("records"), strict=True):
        fit = sm.OLS(outcome, sm.add_constant(held.assign(factor=factors[name]))).fit()
        assert row["p_value"] == pytest.approx(fit.pvalues["factor"])
        assert row["r"] == pytest.approx(fit.tvalues["factor"] / np.sqrt(fit.tvalues["factor"] ** 2 + fit.df_resid))
        assert row["effective_n"] == 78
    plain = correlations(outcome, factors, place, method="pearson", adjust="none")
    assert plain["r"][0] > 0.3 > abs(found["r"][0])
    ranks = pd.concat([outcome.rename("o"), factors, held], axis=1).rank()
    ranked = correlations(ranks["o"], ranks[["a", "b"]], place, method="pearson", controls=ranks[held.columns])
    pd.testing.assert_frame_equal(
        correlations(outcome, factors, place, controls=held).drop(columns="method"), ranked.drop(columns="method")
    )


def test_the_adjustment_with_controls_takes_them_out_of_the_matrices_too():
    place, rng = scattered(90), np.random.default_rng(7)
    held, (x, y) = fields(place, 9_000, 2, rng), fields(place, 9_000, 2, rng).T
    held_twice = pd.DataFrame(np.column_stack([held, held[:, 0] * 2 + 1, np.full(90, 3.0)]))  # add nothing
    expected = of_matrices(x, y, place, controls=held)
    for controls in (pd.DataFrame(held), held_twice):
        found = correlations(pd.Series(y), pd.DataFrame({"x": x}), place, method="pearson", controls=controls)
        assert_row(found, {c: expected[c] for c in ("r", "effective_n", "p_value")}, rtol=1e-7)
    explained = correlations(pd.Series(y), pd.DataFrame({"x": held[:, 0] - held[:, 1]}), place, method="pearson",
                             controls=pd.DataFrame(held))  # fmt: skip
    assert explained[["r", "p_value", "p_naive", "effective_n"]].isna().all(axis=None)


def test_factors_missing_in_other_areas_are_each_as_if_asked_alone():
    place, rng = scattered(70), np.random.default_rng(8)
    factors = pd.DataFrame(fields(place, 8_000, 4, rng), columns=list("abcd"))
    outcome = pd.Series(fields(place, 8_000, 1, rng)[:, 0])
    factors.loc[:9, "b"], factors.loc[60:, ["c", "d"]], outcome[30] = np.nan, np.nan, np.nan
    found = correlations(outcome, factors, place)
    assert found["n"].tolist() == [69, 59, 59, 59]
    for number, name in enumerate(factors):
        held = factors[name].notna() & outcome.notna()
        alone = correlations(outcome[held], factors.loc[held, [name]], place[held])
        columns = ["r", "lower", "upper", "effective_n", "p_value", "p_naive", "n"]
        pd.testing.assert_series_equal(found.loc[number, columns], alone.loc[0, columns], check_names=False)


@pytest.mark.parametrize("adjust", ["dutilleul", "permutation", "none"])
def test_constant_factors_and_too_few_areas_have_no_value_and_count_for_nothing(adjust):
    place, rng = scattered(50), np.random.default_rng(9)
    factors = pd.DataFrame({"even": 0.1, "few": np.r_[[1, 2, 3], np.full(47, np.nan)], "a": rng.normal(size=50)})
    factors["b"] = factors["a"] + rng.normal(size=50)
    outcome = pd.Series(rng.normal(size=50)) + factors["b"]
    found = correlations(outcome, factors, place, adjust=adjust)
    values = ["r", "lower", "upper", "effective_n", "p_value", "q_value", "p_naive", "q_naive"]
    assert found.loc[:1, values].isna().all(axis=None)
    assert found.loc[2:, values].notna().all(axis=None)
    assert found["n"].tolist() == [50, 3, 50, 50]
    np.testing.assert_allclose(found["q_value"][2:], stats.false_discovery_control(found["p_value"][2:]))
    even = correlations(pd.Series(np.ones(50)), factors[["a", "b"]], place, adjust=adjust)
    assert even[values].isna().all(axis=None)


def test_no_factor_and_no_area_give_tables_without_values():
    place = scattered(10)
    none = correlations(pd.Series(np.arange(10.0)), pd.DataFrame(index=range(10)), place)
    assert none.empty
    assert list(none.columns[:3]) == ["factor", "r", "lower"]
    empty = correlations(pd.Series([], dtype=float), pd.DataFrame({"a": []}, dtype=float), place[:0])
    assert empty["n"].tolist() == [0]
    assert empty["p_value"].isna().all()


def test_a_contradictory_variance_gives_no_p_value_rather_than_a_small_one():
    # four places in a row, x = -1 -1 1 1 (I = 1/3, -1, -1), y = -1 1 -1 1 (I = -1, 1, -1, rows sum to 0):
    # tr(BSx BSy) = 4 + 6 * (1/3)(-1) + 4 * (-1)(1) + 2 * (-1)(-1) = 0, which is no variance
    row = table([[0, 0], [1, 0], [2, 0], [3, 0]])
    found = correlations(pd.Series([0, 1, 0, 1]), pd.DataFrame({"x": [0, 0, 1, 1]}), row, classes=3)
    assert found["r"][0] == 0
    assert found[["effective_n", "p_value", "lower", "q_value"]].isna().all(axis=None)
    assert found["p_naive"][0] == 1


def test_effective_n_never_passes_the_number_of_areas():
    across, up = np.meshgrid(np.arange(12), np.arange(12))
    place = table(np.column_stack([across.ravel(), up.ravel()]))
    rng, board = np.random.default_rng(1), (across + up).ravel() % 2  # a chessboard: neighbours are opposites
    factors = pd.DataFrame({"board": board + 0.3 * rng.normal(size=144)})
    held = pd.DataFrame(rng.normal(size=(144, 3)))
    outcome = pd.Series(fields(place, 3, 1, rng)[:, 0])
    assert modified_t_test(factors["board"], outcome, place, classes=20)["effective_n"][0] > 144
    assert correlations(outcome, factors, place, method="pearson", classes=20)["effective_n"][0] == 144
    found = correlations(outcome, factors, place, method="pearson", classes=20, controls=held)
    assert found["effective_n"][0] == 141


def test_what_cannot_be_asked_is_refused_in_words():
    place, y, factors = scattered(9), pd.Series(np.arange(9.0)), pd.DataFrame({"a": np.arange(9.0)})
    with pytest.raises(ValueError, match="spearman or pearson"):
        correlations(y, factors, place, method="kendall")
    with pytest.raises(ValueError, match="not rows of one table"):
        correlations(y[::-1], factors, place)
    with pytest.raises(ValueError, match="9, 9, 9, 8 rows"):
        correlations(y, factors, place[1:])
    many = pd.DataFrame({"x": np.arange(6_001.0), "y": 0.0})
    with pytest.raises(ValueError, match="up to 6,000 areas"):
        correlations(many["x"], many[["x"]], many, adjust="permutation")


def test_inputs_are_unchanged_and_row_order_changes_nothing():
    place, rng = scattered(60), np.random.default_rng(10)
    factors, outcome = pd.DataFrame(rng.normal(size=(60, 3))), pd.Series(rng.normal(size=60))
    held = pd.DataFrame({"h": rng.normal(size=60)})
    copies = [part.copy() for part in (outcome, factors, place, held)]
    order = rng.permutation(60)
    for adjust in ("dutilleul", "permutation"):
        found = correlations(outcome, factors, place, controls=held, adjust=adjust, permutations=999)
        mixed = [part.iloc[order] for part in (outcome, factors, place, held)]
        again = correlations(*mixed[:3], controls=mixed[3], adjust=adjust, permutations=999)
        exact = ["r", "effective_n", "p_naive"] + (["p_value"] if adjust == "dutilleul" else [])
        np.testing.assert_allclose(found[exact], again[exact])
    for part, copy in zip((outcome, factors, place, held), copies, strict=True):
        assert part.equals(copy)


# --- sums by class of distance ---


@pytest.mark.parametrize("n", [2, 5, 16, 1_231])
def test_sums_by_class_are_those_of_every_pair_looked_at(n):
    place, rng = scattered(n).round(-2).to_numpy(), np.random.default_rng(n)  # many equal distances, some equal places
    values, basis = rng.normal(size=(n, 3)), np.column_stack([np.ones(n), rng.normal(size=n)])
    found = risk_classes.by_distance(place, values, basis, 13)
    distance = squareform(pdist(place))
    upper = np.arange(1, 13) * distance.max() / 13 * (1 + 1e-9)
    for k in range(13):
        here = ((distance[..., None] > upper).sum(axis=-1) == k) & ~np.eye(n, dtype=bool)
        assert (found.around[:, k, 0] == here.sum(axis=1)).all()
        np.testing.assert_allclose(found.around[:, k], here @ basis, atol=1e-9)
        np.testing.assert_allclose(found.products[k], (values * (here @ values)).sum(axis=0) / 2, atol=1e-9 * n)


def test_the_largest_distance_is_that_of_all_pairs_also_in_a_line():
    place = scattered(300).to_numpy()
    line = np.outer(np.arange(50)[::-1], [0.3, -0.1])
    for at in (place, line, line[:2], line[:1], np.zeros((4, 2))):
        assert risk_classes.farthest(at) == pytest.approx(pdist(at).max(initial=0))


# --- redrawn signs ---


def test_the_p_value_of_redrawn_signs_is_that_of_all_signs():
    place, rng = scattered(12), np.random.default_rng(11)
    x, y = rng.normal(size=(2, 12))
    y += x * 0.8
    centre = np.eye(12) - 1 / 12
    waves = np.linalg.eigh(-centre @ np.sqrt(squareform(pdist(place))) @ centre)[1]
    parts = (waves.T @ (centre @ x)) * (waves.T @ (centre @ y)) / (12 * x.std() * y.std())
    every = np.array(list(product([-1, 1], repeat=12))) @ parts
    r = stats.pearsonr(x, y).statistic
    exact = (np.abs(every) >= abs(r) - 1e-12).mean()
    args = (pd.Series(y), pd.DataFrame({"x": x}), place)
    found = correlations(*args, method="pearson", adjust="permutation", permutations=40_000, seed=1)
    assert 0.005 < exact < 0.2
    assert found["p_value"][0] == pytest.approx(exact, abs=5 * np.sqrt(exact / 40_000))
    assert found["effective_n"][0] == pytest.approx(1 + 1 / every.var())
    same = correlations(*args[:2], place * 1_000, method="pearson", adjust="permutation", permutations=40_000, seed=1)
    assert same["p_value"][0] == pytest.approx(found["p_value"][0], abs=0.005)  # metres or kilometres


# --- chance alone ---


def test_unrelated_maps_without_smoothness_are_told_apart_no_more_often_than_the_error_rate():
    place, rng, tests = scattered(150), np.random.default_rng(12), 2_000
    found = correlations(pd.Series(rng.normal(size=150)), pd.DataFrame(rng.normal(size=(150, tests))), place)
    # all share one outcome, which makes them depend a little; 4 standard errors of a share of 5%
    assert (found["p_value"] < 0.05).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / tests))


def test_false_discoveries_among_smooth_unrelated_factors_stay_within_their_rate_and_naive_ones_do_not():
    # 200 made-up partnerships of 300 areas, 20 factors: nothing is related, so any discovery at q < 0.05 is false, and
    # in about 5% of them there may be one (binomial: at most 20 of 200, but for one run in a thousand). A correlation
    # falls to a third within 6 of 80 km; classes of 2 km can tell that.
    place, rng = scattered(300), np.random.default_rng(13)
    near = np.exp(-squareform(pdist(place)) / 6_000)
    root = np.linalg.cholesky(near + 1e-9 * np.eye(300))
    false, naive = 0, 0
    for _ in range(200):
        maps = root @ rng.normal(size=(300, 21))
        found = correlations(pd.Series(maps[:, 0]), pd.DataFrame(maps[:, 1:]), place, classes=50)
        false += (found["q_value"] < 0.05).any()
        naive += (found["q_naive"] < 0.05).any()
    assert naive > 150
    assert false <= stats.binom.ppf(0.999, 200, 0.05)


def test_planted_factors_are_found_among_smooth_unrelated_ones():
    place, rng = scattered(600), np.random.default_rng(14)
    maps = fields(place, 6_000, 21, rng)
    factors = pd.DataFrame(maps[:, 1:])
    outcome = pd.Series(maps[:, 0] + 0.9 * factors[0] - 0.9 * factors[1])
    for adjust in ("dutilleul", "permutation"):
        found = correlations(outcome, factors, place, adjust=adjust, classes=50)
        assert (found["q_value"][:2] < 0.05).all()
        assert found["r"][0] > 0 > found["r"][1]
        assert (found["q_value"][2:] >= 0.05).all()
    assert (found["q_naive"] < 0.05).sum() > 4
