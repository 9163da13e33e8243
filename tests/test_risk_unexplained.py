"""What factors leave unexplained, against sums by hand, refitting without the area, and planted truths."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from analytics import neighbours
from analytics.errors import NotEnoughData
from analytics.risk_counts import count_model
from analytics.risk_unexplained import unexplained


def areas(n, factors, alpha, seed, level=2.0):
    """Invented areas and their true ratios, which spread as `alpha` says."""
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(rng.normal(size=(n, factors))).add_prefix("x")
    truth = rng.gamma(1 / alpha, alpha, n) if alpha else np.ones(n)
    return rng.poisson(np.exp(level + 0.2 * x.sum(axis=1)) * truth), x, truth


def test_ratios_are_drawn_towards_1_as_worked_by_hand():
    # the red mites of Bliss & Fisher (1953): mean 172/150 = 1.146667, 1/alpha = 1.02459 by maximum likelihood
    # none: (0 + 1.02459) / (1.146667 + 1.02459) = 0.471889; seven: 8.02459 / 2.171257 = 3.695827
    mites = np.repeat(np.arange(8), [70, 38, 17, 10, 9, 3, 2, 1])
    found = unexplained(mites, pd.DataFrame(index=range(150)), leave_out=False)
    np.testing.assert_allclose(found["expected"], 172 / 150)
    assert found["ratio"][0] == pytest.approx(0.471889, abs=2e-6)
    assert found["ratio"][149] == pytest.approx(3.695827, abs=2e-5)
    assert 1 / found.attrs["dispersion"] == pytest.approx(1.02459, abs=5e-6)
    assert found["n"].tolist() == mites.tolist()


@pytest.mark.parametrize("leave_out", [True, False])
def test_ratio_is_that_of_the_columns_beside_it(leave_out):
    y, factors, _ = areas(80, 2, 0.5, seed=3)
    found = unexplained(y, factors, leave_out=leave_out)
    prior = 1 / found.attrs["dispersion"]
    np.testing.assert_allclose(found["ratio"], (y + prior) / (found["expected"] + prior))
    assert prior == pytest.approx(1 / count_model(y, factors).attrs["dispersion"])
    assert (found["lower"] < found["ratio"]).all() and (found["ratio"] < found["upper"]).all()


def test_with_many_areas_limits_are_those_of_the_gamma_distribution_given_n():
    y, factors, _ = areas(20_000, 1, 0.5, seed=3)
    found = unexplained(y, factors)
    shape, rate = y + 1 / found.attrs["dispersion"], found["expected"] + 1 / found.attrs["dispersion"]
    np.testing.assert_allclose(found["lower"], stats.gamma.ppf(0.025, shape, scale=1 / rate), rtol=0.02)
    np.testing.assert_allclose(found["upper"], stats.gamma.ppf(0.975, shape, scale=1 / rate), rtol=0.005)
    other_side = np.minimum(stats.gamma.cdf(1, shape, scale=1 / rate), stats.gamma.sf(1, shape, scale=1 / rate))
    np.testing.assert_allclose(found["p_value"], 2 * other_side, atol=0.005)


def test_expectation_is_nearly_that_of_the_model_refitted_without_the_area():
    y, factors, _ = areas(60, 2, 0.3, seed=5)
    y[7] += 60
    found, fitted = unexplained(y, factors), unexplained(y, factors, leave_out=False)
    refitted = np.empty(60)
    for i in range(60):
        model = count_model(np.delete(y, i), factors.drop(i))
        refitted[i] = np.exp(model["coefficient"][0] + model["coefficient"][1:].to_numpy() @ factors.loc[i])
    apart = np.abs(np.log(found["expected"] / refitted))
    assert apart.max() < 0.1 and apart.median() < 0.005
    assert fitted["expected"][7] > 1.15 * refitted[7]  # with itself in the fit it would hide part of its own excess
    assert apart[7] < np.abs(np.log(fitted["expected"] / refitted))[7] / 3


@pytest.mark.parametrize(
    ("n", "factors", "alpha", "level"), [(60, 5, 0.4, 2.0), (300, 3, 0.05, 2.0), (250, 5, 1.5, 0.0), (100, 3, 0.4, 0.5)]
)
def test_one_true_ratio_in_twenty_lies_outside_its_limits(n, factors, alpha, level):
    missed = []
    for seed in range(40):
        y, x, truth = areas(n, factors, alpha, seed, level)
        found = unexplained(y, x)
        missed.append(((truth < found["lower"]) | (truth > found["upper"])).mean())
    assert 0.03 < np.mean(missed) < 0.075


def test_where_chance_alone_spreads_the_counts_nothing_stands_out():
    maps_with_any, raw = 0, []
    for seed in range(100):
        y, factors, _ = areas(100, 2, 0.0, seed)
        found = unexplained(y, factors)
        maps_with_any += (found["stands_out"] != "").any()
        raw.append((found["p_value"] < 0.05).mean())
    assert maps_with_any <= stats.binom.ppf(0.999, 100, 0.05)  # 12
    assert np.mean(raw) < 0.05


def test_areas_that_are_as_their_factors_say_stand_out_no_more_often_than_said_among_others_that_are_not():
    raw = []
    for seed in range(60):
        y, factors, _ = areas(200, 3, 0.5, seed)
        plain = np.random.default_rng(seed).random(200) < 0.25
        mean = np.exp(2 + 0.2 * factors.sum(axis=1))
        y = np.where(plain, np.random.default_rng(seed + 999).poisson(mean), y)
        found = unexplained(y, factors)
        raw.append((found["p_value"][plain] < 0.05).mean())
    assert np.mean(raw) < 0.05


def test_a_planted_excess_and_a_planted_lack_are_found_and_little_else():
    y, factors, _ = areas(300, 3, 0.05, seed=8, level=3.0)
    expected = np.exp(3 + 0.2 * factors.sum(axis=1))
    fullest = expected.idxmax()
    y[10], y[fullest] = round(5 * expected[10]), 0
    found = unexplained(y, factors)
    assert found["stands_out"][10] == "more" and found["stands_out"][fullest] == "less"
    assert found["ratio"].idxmax() == 10 and found["ratio"].idxmin() == fullest
    assert (found["stands_out"] != "").sum() <= 6
    np.testing.assert_array_equal(found["stands_out"] != "", found["q_value"] < 0.05)
    assert (found["q_value"] >= found["p_value"]).all()


def test_where_the_likeliest_dispersion_is_0_ratios_are_1_and_limits_still_admit_doubt():
    y = np.tile([9, 10, 11, 10], 10)
    found = unexplained(y, pd.DataFrame({"x": np.arange(40.0) % 7}))
    assert found.attrs["dispersion"] == 0
    assert (found["ratio"] == 1).all() and (found["stands_out"] == "").all()
    assert (found["lower"] < 0.99).all() and (found["upper"] > 1.01).all()


def test_missing_rows_keep_their_place_and_have_no_verdict():
    y, factors, _ = areas(60, 2, 0.5, seed=1)
    factors.index = [f"E{i}" for i in range(60)]
    counts, people = pd.Series(y, index=factors.index, dtype="Int64"), np.full(60, 100.0)
    counts.iloc[4], people[5] = pd.NA, 0
    factors.iloc[6, 1] = np.nan
    kept = np.setdiff1d(np.arange(60), [4, 5, 6])
    found = unexplained(counts, factors, exposure=people)
    part = unexplained(counts.iloc[kept], factors.iloc[kept], exposure=people[kept])
    pd.testing.assert_frame_equal(found.iloc[kept], part, check_exact=False)
    assert found.index.tolist() == factors.index.tolist()
    assert found.iloc[[4, 5, 6]].drop(columns="n").isna().all(axis=None)
    assert np.isnan(found["n"].iloc[4]) and found["n"].iloc[5] == y[5]
    assert found.attrs["n"] == 57 and found.attrs["left_out"] == 3


def test_neighbours_say_whether_what_is_left_over_clusters_and_change_nothing_else():
    x, y = (a.ravel() for a in np.meshgrid(np.arange(10.0), np.arange(10.0)))
    near = neighbours.within(pd.DataFrame({"x": x, "y": y}), 1.5)
    counts = np.random.default_rng(0).poisson(np.where(x < 5, 4, 12))
    factors = pd.DataFrame({"a": np.random.default_rng(1).normal(size=100)})
    found, without = unexplained(counts, factors, near=near), unexplained(counts, factors)
    pd.testing.assert_frame_equal(found, without)
    assert found.attrs["residual_moran_i"] == count_model(counts, factors, near=near).attrs["residual_moran_i"] > 0.4
    assert found.attrs["residual_moran_p_value"] < 0.001
    assert np.isnan(without.attrs["residual_moran_i"])


def test_an_area_of_which_no_other_tells_has_no_expectation():
    # it alone is a harbour, so the model fits it exactly whatever its count
    y, factors, _ = areas(60, 2, 0.5, seed=1)
    found = unexplained(y, factors.assign(harbour=np.arange(60) == 7))
    assert found.iloc[7].drop("n").isna().all()
    assert found["ratio"].notna().sum() == 59
    within = unexplained(y, factors.assign(harbour=np.arange(60) == 7), leave_out=False)
    assert within["expected"][7] == pytest.approx(y[7]) and within["stands_out"][7] == ""
    alone = unexplained([5], pd.DataFrame(index=["here"]), near=sparse.csr_array((1, 1)))
    assert alone["n"].tolist() == [5] and alone["ratio"].isna().all()


def test_narrower_limits_are_inside_wider_ones_and_a_percentage_is_refused():
    y, factors, _ = areas(60, 2, 0.5, seed=1)
    wide, narrow = unexplained(y, factors, confidence=0.998), unexplained(y, factors, confidence=0.8)
    assert (wide["lower"] < narrow["lower"]).all() and (narrow["upper"] < wide["upper"]).all()
    assert wide["method"][0] == "negative binomial, gamma 99.8%"
    with pytest.raises(ValueError, match="not 95"):
        unexplained(y, factors, confidence=95)
    with pytest.raises(NotEnoughData, match="None of these areas has any events"):
        unexplained(y * 0, factors)


def test_inputs_stay_as_they_were():
    y, factors, _ = areas(60, 2, 0.5, seed=1)
    before = y.copy(), factors.copy()
    unexplained(y, factors)
    np.testing.assert_array_equal(y, before[0])
    pd.testing.assert_frame_equal(factors, before[1])
