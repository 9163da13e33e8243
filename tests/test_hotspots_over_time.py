"""Persistence, robustness and change of hotspots, and the one table of a survey."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics import grids, hotspots, significance

SIDE = 21
CELLS = pd.DataFrame([(q, r) for q in range(SIDE) for r in range(SIDE)], columns=["q", "r"])
CELLS["x"], CELLS["y"] = grids.centres(CELLS["q"], CELLS["r"], size_m=500)
CELLS["cell_id"] = grids.cell_id(CELLS["q"], CELLS["r"], size_m=500)
NEAR = grids.ring(CELLS)
MIDDLE = (CELLS["q"].sub(10).abs() <= 1) & (CELLS["r"].sub(10).abs() <= 1)  # nine cells together
CENTRE = CELLS.index[(CELLS["q"] == 10) & (CELLS["r"] == 10)][0]
MONTHS = pd.date_range("2024-01-01", periods=10, freq="MS")


def drawn(rate: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate).astype(float)


def monthly(rates: list[np.ndarray]) -> pd.DataFrame:
    """Counts by cell and month, rows of none left out, as the store answers."""
    parts = [
        CELLS[["cell_id"]].assign(month=m, n=drawn(r, k)) for k, (m, r) in enumerate(zip(MONTHS, rates, strict=False))
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows[rows["n"] > 0]


# ------------------------------------------------------------------------------------------------------- survey


def test_a_survey_is_what_its_parts_say_one_by_one():
    cells = CELLS.assign(n=drawn(np.where(MIDDLE, 12.0, 1.0), 3))
    found = hotspots.survey(cells, NEAR, seed=4)
    alone = hotspots.gi_star(cells, NEAR, permutations=99_999, seed=4)
    pd.testing.assert_series_equal(found["p_value"], alone["p_value"])
    assert np.allclose(found["q_value"], significance.benjamini_hochberg(alone["p_value"]))
    assert found["share"].sum() == pytest.approx(1)
    some = hotspots.rank(cells[cells["n"] > 0], seed=4)
    assert found.loc[some.index, "rank_upper"].tolist() == some["rank_upper"].tolist()
    assert found.loc[cells["n"] == 0, "rank"].isna().all()
    assert found.loc[CENTRE, "confidence"] == 3


def test_a_survey_of_two_places_has_ranks_and_no_verdict_and_one_without_events_neither():
    two = CELLS.head(2).assign(n=[4.0, 9.0])
    found = hotspots.survey(two, NEAR[:2][:, :2])
    assert found["rank"].tolist() == [2, 1]
    assert found["z"].isna().all()
    none = hotspots.survey(CELLS.assign(n=0.0), NEAR, permutations=99)
    assert none[["z", "share", "rank"]].isna().all(axis=None)


# ------------------------------------------------------------------------------------------------------- persistence


def test_a_place_hot_in_four_of_ten_months_persists_in_about_four_and_the_rest_in_none():
    quiet = np.full(len(CELLS), 2.0)
    busy = np.where(MIDDLE, 14.0, 2.0)
    found = hotspots.persistence(CELLS, monthly([busy] * 4 + [quiet] * 6), NEAR, permutations=99_999)
    assert (found["periods"] == 10).all()
    assert found.loc[CENTRE, "periods_hot"] == 4  # its six neighbours are busy; those at the rim have fewer such
    far = ~(CELLS["q"].sub(10).abs().le(3) & CELLS["r"].sub(10).abs().le(3))
    # false-discovery control at 5% in months with nothing to find: one in twenty such months has any hot cell at all
    assert found.loc[far, "persistence"].mean() < 0.005
    assert np.allclose(found["persistence"], found["periods_hot"] / 10)


def test_a_month_that_was_not_supplied_is_no_period_and_inputs_stay_as_they_were():
    counts = monthly([np.full(len(CELLS), 1.0)] * 3)
    before = counts.copy(deep=True)
    found = hotspots.persistence(CELLS, counts[counts["month"] != MONTHS[1]], NEAR, permutations=99)
    assert (found["periods"] == 2).all()
    pd.testing.assert_frame_equal(counts, before)
    none = hotspots.persistence(CELLS, counts.head(0), NEAR)
    assert none["persistence"].isna().all() and (none["periods_hot"] == 0).all()


# ------------------------------------------------------------------------------------------------------- robustness


def test_robustness_is_the_share_of_maps_whose_cell_at_the_place_is_hot():
    places = pd.DataFrame({"x": [0.0, 100.0, 5_000.0], "y": [0.0, 0.0, 0.0]})
    variants = pd.DataFrame(
        {
            "variant": ["a", "a", "b", "b", "c"],
            "x": [10.0, 5_000.0, 120.0, -300.0, 0.0],  # nearest to the first place: 10 in a, 120 in b (not -300)
            "y": 0.0,
            "hot": [True, False, False, True, True],
        }
    )
    found = hotspots.robustness(places, variants)
    assert found["variants_hot"].tolist() == [2, 2, 1]  # a and c; a and c; c alone, whose only cell all places share
    assert found["robustness"].tolist() == pytest.approx([2 / 3, 2 / 3, 1 / 3])
    assert hotspots.robustness(places, variants.head(0))["robustness"].isna().all()


def test_the_nearest_centre_is_the_hexagon_a_place_lies_in():
    rng = np.random.default_rng(1)
    places = pd.DataFrame({"x": rng.uniform(2_000, 6_000, 500), "y": rng.uniform(8_000, 12_000, 500)})
    q, r = grids.cell_of(places["x"], places["y"], size_m=500)
    hot = rng.random(len(CELLS)) < 0.5
    found = hotspots.robustness(places, CELLS.assign(variant="one", hot=hot))
    inside = CELLS.assign(hot=hot).set_index(["q", "r"])["hot"]
    expected = inside.reindex(pd.MultiIndex.from_arrays([q, r])).to_numpy()
    there = ~pd.isna(expected)
    assert there.sum() > 400
    assert (found["variants_hot"].to_numpy()[there] == expected[there].astype(int)).all()


# ------------------------------------------------------------------------------------------------------- change


def test_change_is_the_exact_test_of_two_poisson_counts():
    """Oracle: R, poisson.test(c(11, 21), c(800, 3011)) gives ratio 1.971488, 95% interval 0.8584264 to 4.2772659."""
    cells = pd.DataFrame({"n": [11], "n_before": [21], "time": [800.0], "time_before": [3011.0]})
    found = hotspots.change(cells, exposure="time", exposure_before="time_before").iloc[0]
    assert found[["ratio", "lower", "upper"]].tolist() == pytest.approx([1.971488, 0.8584264, 4.2772659], rel=1e-6)
    share = 800 / 3811
    tail = stats.binom.sf(10, 32, share)  # P(11 or more of 32), the smaller tail
    assert found["p_value"] == pytest.approx(2 * tail, rel=1e-9)


def test_change_of_equal_counts_of_none_and_from_none():
    cells = pd.DataFrame({"n": [8, 0, 9, np.nan], "n_before": [8, 0, 0, 3]}, index=list("abcd"))
    found = hotspots.change(cells)
    assert found.loc["a", "p_value"] == 1 and found.loc["a", "ratio"] == 1
    assert found.loc["b", ["ratio", "p_value", "q_value"]].isna().all()
    assert found.loc["c", "p_value"] == pytest.approx(2 / 2**9)
    assert found.loc["c", "ratio"] == np.inf
    assert found.loc["d", ["ratio", "p_value"]].isna().all()


def test_no_change_is_found_where_nothing_changed_beyond_the_rate_allowed():
    rng = np.random.default_rng(5)
    any_found = 0
    for _ in range(200):
        cells = pd.DataFrame({"n": rng.poisson(20, 50), "n_before": rng.poisson(20, 50)})
        any_found += (hotspots.change(cells)["q_value"] < 0.05).any()
    assert any_found <= 18  # 5% of 200 is 10; the 99.5% point of that binomial is 19; exact tests find fewer
