"""Local relationships against GWR4's published output, weighted least squares of other libraries, mgwr, and chance."""

import numpy as np
import pandas as pd
import pytest

from analytics import risk_local
from analytics.errors import NotEnoughData


def georgia():
    """Counties of Georgia in 1990 (159), as they come with libpysal for testing against GWR4."""
    examples = pytest.importorskip("libpysal.examples", reason="the counties of Georgia come with libpysal")
    counties = pd.read_csv(examples.get_path("GData_utm.csv"))
    published = pd.read_csv(examples.get_path("georgia_BS_NN_listwise.csv"), skipinitialspace=True)
    published.columns = published.columns.str.strip()
    places = counties[["X", "Y"]].set_axis(["x", "y"], axis=1)
    return counties["PctBach"], counties[["PctRural", "PctPov", "PctBlack"]], places, published


def made_up(seed, n=120, slope=lambda x: 0.5 + 0 * x, clustered=False):
    """Two factors over a square of 10 km; the first goes with the rate by a slope that may depend on x."""
    rng = np.random.default_rng(seed)
    places = pd.DataFrame(rng.random((n, 2)) * 10_000, columns=["x", "y"])
    waves = np.cos(places.to_numpy() @ rng.normal(scale=6e-4, size=(2, 2)) + rng.random(2) * 6)
    factors = pd.DataFrame(waves if clustered else rng.normal(size=(n, 2)), columns=["a", "b"])
    rate = 1 + slope(places["x"] / 10_000) * factors["a"] + rng.normal(scale=0.7, size=n)
    return rate, factors, places


def wide(found, column="coefficient"):
    return found.pivot(index="area", columns="factor", values=column)


# --- against others ---


def test_coefficients_errors_and_t_of_georgia_are_those_published_by_gwr4():
    # GWR 4.0.90, adaptive bisquare, 90 nearest: georgia_BS_NN_summary.txt and _listwise.csv of libpysal
    rate, factors, places, published = georgia()
    found = risk_local.local_relationships(rate, factors, places, bandwidth=90, permutations=0)
    for name in ("Intercept", *factors):
        ours = found[found["factor"].str.lower() == name.lower()]
        np.testing.assert_allclose(ours["coefficient"], published[f"est_{name}"], atol=2e-6)
        np.testing.assert_allclose(ours["standard_error"], published[f"se_{name}"], atol=1.5e-6)
        np.testing.assert_allclose(ours["t"], published[f"t_{name}"], atol=5e-6)
    assert found.attrs["aicc"] == pytest.approx(896.462831, abs=2e-6)
    assert found.attrs["r_squared"] == pytest.approx(0.592415, abs=5e-7)
    spread = found.attrs["varies"].set_index("factor")["spread"]  # "STD" of the summary
    np.testing.assert_allclose(spread, [4.184766, 0.038043, 0.097335, 0.059488], atol=1.5e-6)
    # pe = 2 tr(S) - tr(S'S) = 2 * 14.925095 - 10.193958 = 19.656232; da Silva & Fotheringham: 0.05 * 4 / 19.656232
    assert found.attrs["adjusted_alpha"] == pytest.approx(0.2 / 19.656232, abs=1e-8)


def test_the_bandwidth_found_for_georgia_is_that_of_mgwr_and_better_than_that_of_gwr4():
    # mgwr's own test of this search gives 93 (mgwr/tests/test_sel_bw.py); GWR4, with real numbers, stopped at 90
    rate, factors, places, _ = georgia()
    found = risk_local.local_relationships(rate, factors, places, permutations=0)
    assert found.attrs["bandwidth"] == 93
    assert found.attrs["aicc"] < 896.462831


def test_an_area_is_regressed_on_its_nearest_with_bisquare_weights():
    # one area by weighted least squares of statsmodels; its nearest 50 with (1 - (d / d50)^2)^2
    api = pytest.importorskip("statsmodels.api")
    rate, factors, places = made_up(1)
    found = wide(risk_local.local_relationships(rate, factors, places, bandwidth=50, permutations=0))
    away = np.hypot(places["x"] - places["x"][17], places["y"] - places["y"][17])
    weights = np.maximum(1 - (away / (np.sort(away)[49] * 1.0000001)) ** 2, 0) ** 2
    expected = api.WLS(rate, api.add_constant(factors), weights=weights).fit().params
    np.testing.assert_allclose(found.loc[17, ["intercept", "a", "b"]], expected, rtol=1e-9)


def test_errors_follow_from_the_hat_matrix():
    # each fitted value is a sum of outcomes: S; coefficient = C y; all by unit outcomes, one after the other
    rate, factors, places = made_up(2, n=60)
    found = risk_local.local_relationships(rate, factors, places, bandwidth=55, permutations=0)
    design = np.column_stack([np.ones(60), factors])
    c = np.empty((60, 3, 60))
    for i in range(60):
        away = np.hypot(places["x"] - places["x"][i], places["y"] - places["y"][i]).to_numpy()
        weights = np.maximum(1 - (away / (np.sort(away)[54] * 1.0000001)) ** 2, 0) ** 2
        c[i] = np.linalg.solve(design.T @ (design * weights[:, None]), design.T * weights)
    s = np.einsum("ij,ijk->ik", design, c)
    left = rate.to_numpy() - s @ rate.to_numpy()
    variance = left @ left / (60 - 2 * np.trace(s) + np.trace(s.T @ s))
    np.testing.assert_allclose(
        wide(found, "standard_error")[["intercept", "a", "b"]], np.sqrt((c**2).sum(2) * variance)
    )


def test_coefficients_and_errors_are_those_of_mgwr():
    gwr = pytest.importorskip("mgwr.gwr", reason="mgwr is not installed: see benchmarks/local_relationships.py")
    rate, factors, places = made_up(3, n=200)
    found = risk_local.local_relationships(rate, factors, places, bandwidth=80, permutations=0)
    given = places.to_numpy(), rate.to_numpy()[:, None], factors.to_numpy()
    theirs = gwr.GWR(*given, bw=80, sigma2_v1=False).fit()
    np.testing.assert_allclose(found["coefficient"], theirs.params.ravel(), atol=1e-9)
    np.testing.assert_allclose(found["standard_error"], theirs.bse.ravel(), atol=1e-9)
    assert found.attrs["aicc"] == pytest.approx(theirs.aicc)


def test_many_areas_give_the_same_as_few_at_a_time(monkeypatch):
    rate, factors, places = made_up(4)
    together = risk_local.local_relationships(rate, factors, places, seed=1, permutations=19)
    monkeypatch.setattr("analytics.risk_weighted.HELD", 10)  # as with more areas than are held
    monkeypatch.setattr("analytics.risk_weighted._BLOCK", 1_000)
    apart = risk_local.local_relationships(rate, factors, places, seed=1, permutations=19)
    pd.testing.assert_frame_equal(together, apart, rtol=1e-9)
    pd.testing.assert_frame_equal(together.attrs["varies"], apart.attrs["varies"])


# --- planted truth and chance ---


def test_a_relationship_that_grows_to_the_east_is_found_where_it_grows():
    rate, factors, places = made_up(5, n=300, slope=lambda x: 2 * x)
    found = risk_local.local_relationships(rate, factors, places)
    local = wide(found)["a"]
    assert np.corrcoef(local, 2 * places["x"] / 10_000)[0, 1] > 0.95
    assert (local - 2 * places["x"] / 10_000).abs().mean() < 0.2
    p = found.attrs["varies"].set_index("factor")["p_value"]
    assert p["a"] == pytest.approx(0.01) and p["b"] > 0.05


@pytest.mark.parametrize("clustered", [False, True])
def test_relationships_that_hold_everywhere_vary_in_one_test_of_twenty(clustered):
    # 50 tests at 0.05 of each coefficient: 2.5 expected, standard deviation 1.54; at most 2.5 + 3.6 * 1.54 = 8
    p = []
    for seed in range(50):
        found = risk_local.local_relationships(*made_up(seed, n=80, clustered=clustered), permutations=19, seed=seed)
        p.append(found.attrs["varies"]["p_value"])
    assert ((np.array(p) <= 0.05 + 1e-12).sum(axis=0) <= 8).all()
    assert 0.4 < np.mean(p) < 0.65  # a uniform p of 20 steps has mean 0.525


def test_one_relationship_that_varies_is_not_laid_at_the_door_of_another():
    # a varies strongly, b not: of 12 tests of b at 0.05, four or more by chance in 1 of 400 (binomial)
    blamed = 0
    for seed in range(12):
        found = risk_local.local_relationships(*made_up(seed, n=150, slope=lambda x: 4 * x), permutations=19, seed=seed)
        p = found.attrs["varies"].set_index("factor")["p_value"]
        assert p["a"] == pytest.approx(0.05)
        blamed += p["b"] <= 0.05 + 1e-12
    assert blamed <= 3


def test_local_tests_at_the_adjusted_level_find_little_where_there_is_nothing():
    # no relationship at all: in most maps not one area passes (the correction is for the family, at 5%)
    passed = []
    for seed in range(100):
        found = risk_local.local_relationships(*made_up(seed, n=90, slope=lambda x: 0 * x), permutations=0)
        of_a = found[found["factor"] == "a"]
        passed.append((of_a["p_value"] < found.attrs["adjusted_alpha"]).any())
    assert np.mean(passed) <= 0.12  # 5% + 3.2 standard deviations of 100 tests


# --- units, edges, refusals ---


def test_with_exposure_the_log_rate_is_explained():
    rng = np.random.default_rng(6)
    _, factors, places = made_up(6, n=200)
    people = pd.Series(rng.uniform(2_000, 4_000, 200))
    counts = pd.Series(rng.poisson(people * 0.01 * np.exp(0.3 * factors["a"])))
    found = risk_local.local_relationships(counts, factors, places, exposure=people, permutations=0)
    by_hand = risk_local.local_relationships(np.log((counts + 0.5) / people), factors, places, permutations=0)
    pd.testing.assert_frame_equal(found, by_hand, check_like=True)
    assert found.attrs["outcome"] == "log rate" and by_hand.attrs["outcome"] == "value"
    assert wide(found)["a"].mean() == pytest.approx(0.3, abs=0.05)


def test_units_of_a_factor_change_its_coefficient_and_nothing_else():
    rate, factors, places = made_up(7)
    one = risk_local.local_relationships(rate, factors, places, permutations=19)
    other = risk_local.local_relationships(rate, factors.assign(a=1_000 * factors["a"] + 7), places, permutations=19)
    np.testing.assert_allclose(wide(other)["a"], wide(one)["a"] / 1_000)
    np.testing.assert_allclose(wide(other, "t")[["a", "b"]], wide(one, "t")[["a", "b"]])
    np.testing.assert_array_equal(*(found.attrs["varies"]["p_value"][1:] for found in (one, other)))


def test_areas_with_anything_missing_have_no_value_and_count_nowhere():
    rate, factors, places = (table.copy() for table in made_up(8))
    rate.index = factors.index = places.index = [f"E{i:03}" for i in range(120)]
    rate.iloc[3], factors.iloc[5, 1], places.iloc[7, 0] = np.nan, np.nan, np.nan
    left = [i for i in range(120) if i not in (3, 5, 7)]
    found = risk_local.local_relationships(rate, factors, places, permutations=19)
    alone = risk_local.local_relationships(rate.iloc[left], factors.iloc[left], places.iloc[left], permutations=19)
    assert found["area"].tolist() == [f"E{i:03}" for i in range(120) for _ in range(3)]
    lost = found["area"].isin(["E003", "E005", "E007"])
    assert found.loc[lost, ["coefficient", "standard_error", "t", "p_value"]].isna().all(axis=None)
    pd.testing.assert_frame_equal(found[~lost].reset_index(drop=True), alone)
    assert (found.attrs["n"], found.attrs["left_out"]) == (117, 3)


def test_a_factor_that_is_constant_within_reach_has_no_coefficient_there():
    rate, factors, places = made_up(9, n=200)
    port = factors.assign(b=(places["x"] > 8_000).astype(float))
    found = wide(risk_local.local_relationships(rate, port, places, bandwidth=40, permutations=0))
    west, east = places["x"] < 3_000, places["x"].between(7_800, 8_200)
    assert found.loc[west.to_numpy()].isna().all(axis=None)
    assert found.loc[east.to_numpy()].notna().all(axis=None)
    chosen = risk_local.local_relationships(rate, port, places, permutations=19)  # a reach at which all have one
    assert chosen["coefficient"].notna().all()
    assert chosen.attrs["varies"]["p_value"].notna().all()


def test_an_outcome_equal_everywhere_has_no_relationships():
    _, factors, places = made_up(10)
    found = risk_local.local_relationships(np.full(120, 3.0), factors, places, permutations=19)
    np.testing.assert_allclose(wide(found)[["intercept", "a", "b"]], np.tile([3.0, 0, 0], (120, 1)), atol=1e-9)
    assert np.isnan(found.attrs["r_squared"])


def test_areas_on_one_spot_and_a_line_are_no_trouble():
    rate, factors, places = made_up(11)
    twice = pd.concat([places[:60], places[:60]], ignore_index=True)
    assert risk_local.local_relationships(rate, factors, twice, permutations=0)["coefficient"].notna().all()
    line = places.assign(y=0.0)
    assert risk_local.local_relationships(rate, factors, line, permutations=0)["coefficient"].notna().all()


def test_too_few_areas_constant_and_repeated_factors_are_refused_kindly():
    rate, factors, places = made_up(12)
    with pytest.raises(NotEnoughData, match="at least 5 areas; there are 4"):
        risk_local.local_relationships(rate[:4], factors[:4], places[:4])
    with pytest.raises(NotEnoughData, match=r"The same everywhere.*: b"):
        risk_local.local_relationships(rate, factors.assign(b=2.0), places)
    with pytest.raises(NotEnoughData, match="exactly the same"):
        risk_local.local_relationships(rate, factors.assign(c=factors["a"] + factors["b"]), places)
    with pytest.raises(ValueError, match="from 2 to 120"):
        risk_local.local_relationships(rate, factors, places, bandwidth=121)
    with pytest.raises(ValueError, match="shuffle"):
        risk_local.local_relationships(rate, factors, places, shuffle="all")
    with pytest.raises(ValueError, match="0 or more"):
        risk_local.local_relationships(-rate.abs(), factors, places, exposure=1.0)
    with pytest.raises(ValueError, match="lengths"):
        risk_local.local_relationships(rate[:5], factors, places)


def test_the_same_seed_gives_the_same_and_nothing_given_is_changed():
    rate, factors, places = made_up(13)
    before = rate.copy(), factors.copy(), places.copy()
    for shuffle in ("residuals", "places"):
        first, second = (
            risk_local.local_relationships(rate, factors, places, permutations=19, shuffle=shuffle, seed=4)
            for _ in range(2)
        )
        pd.testing.assert_frame_equal(first.attrs["varies"], second.attrs["varies"])
        assert first.attrs["varies"]["p_value"].between(1 / 20, 1).all()
    pd.testing.assert_series_equal(rate, before[0])
    pd.testing.assert_frame_equal(factors, before[1])
    pd.testing.assert_frame_equal(places, before[2])
