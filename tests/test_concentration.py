"""Lorenz, Gini, repeat locations against published values, sums by hand, enumeration and other formulas."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics import concentration
from analytics.errors import NotEnoughData

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"
FIVE_EVENTS = [3, 1, 1, 0, 0, 0, 0, 0, 0, 0]  # the sparse example of the vignette of lorenzgini (R)
ONE_ROW_EACH = [
    concentration.gini,
    concentration.share_of_places,
    concentration.repeat_locations,
    concentration.gini_by_chance,
]
EVERY = [*ONE_ROW_EACH, concentration.lorenz, concentration.events_per_place]


def gini(counts, **settings) -> float:
    return concentration.gini(counts, **settings)["gini"].item()


# --- Gini and Lorenz ---


@pytest.mark.parametrize(
    ("counts", "plain", "generalised"),
    [
        ([10, 8, 2, 0, 0, 0, 0, 0, 0, 0], 0.78, 0.78),
        ([5, 2, 1, 0, 0, 0, 0, 0, 0, 0], 0.80, 0.75),
        ([10] + [0] * 9, 0.9, None),
        ([10] + [0] * 99, 0.99, None),
        (FIVE_EVENTS, 0.78, None),
    ],
)
def test_gini_is_that_of_the_documentation_of_lorenzgini(counts, plain, generalised):
    # help page of gini() and vignette of the R package lorenzgini 0.1.2 (Steenbeek & Bernasco), unbiased = FALSE
    assert gini(counts) == pytest.approx(plain, abs=1e-12)
    if generalised is not None:
        assert gini(counts, generalised=True) == pytest.approx(generalised, abs=1e-12)


def test_generalised_gini_is_the_formula_of_the_paper_and_an_area_worked_by_hand():
    # Bernasco & Steenbeek (2017), y the shares, c the events: max(1/c, 1/n)(2 sum(i y) - n - 1) - max(n/c, 1) + 1
    # 3, 1, 1 in 10 places: sum(i y) = (8 + 9 + 3*10)/5 = 9.4; (18.8 - 11)/5 - 2 + 1 = 0.56
    # By area: the line of the most even spread goes from (0.5, 0) to (1, 1), 0.25 beneath it; the curve has
    # 0.1 * (0.2/2 + (0.2 + 0.4)/2 + (0.4 + 1)/2) = 0.11 beneath it: 1 - 0.11/0.25 = 0.56.
    # (A caption of the vignette says .58; the package's own formula gives .56.)
    assert gini(FIVE_EVENTS, generalised=True) == pytest.approx(0.56, abs=1e-12)


@pytest.mark.parametrize("size", [1, 2, 7, 400])
def test_gini_is_half_the_mean_difference_over_the_mean_and_the_area_beside_the_lorenz_curve(size):
    counts = np.random.default_rng(size).negative_binomial(0.4, 0.2, size) + np.eye(1, size)[0]
    difference = np.abs(counts[:, None] - counts).mean() / (2 * counts.mean())  # Gini (1912)
    curve = concentration.lorenz(counts)
    area = np.trapezoid(curve["share_of_events"], curve["share_of_places"])
    assert gini(counts) == pytest.approx(difference, abs=1e-12)
    assert 1 - 2 * area == pytest.approx(difference, abs=1e-12)


def test_generalised_gini_is_the_area_beside_the_generalised_curve():
    counts = np.random.default_rng(3).multinomial(30, np.full(100, 0.01))
    curve = concentration.lorenz(counts)
    area, even = (np.trapezoid(curve[y], curve["share_of_places"]) for y in ("share_of_events", "share_if_even"))
    assert even == pytest.approx(0.3 / 2)  # a triangle over the last 30 of 100 places
    assert gini(counts, generalised=True) == pytest.approx(1 - area / even, abs=1e-12)


def test_lorenz_starts_at_nought_with_the_fewest_first():
    curve = concentration.lorenz([4, 0, 1, 3, 0])
    assert curve["share_of_places"].tolist() == [0, 0.2, 0.4, 0.6, 0.8, 1]
    np.testing.assert_allclose(curve["share_of_events"], [0, 0, 0, 1 / 8, 4 / 8, 1])
    np.testing.assert_allclose(curve["share_if_even"], curve["share_of_places"])  # 8 events, 5 places: the diagonal
    sparse = concentration.lorenz(FIVE_EVENTS)
    np.testing.assert_allclose(sparse["share_if_even"], [0, 0, 0, 0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1])


def test_weighted_events_have_a_lorenz_curve_that_ends_at_one():
    curve = concentration.lorenz([0.1] * 7 + [0.7])
    assert curve.iloc[-1].tolist() == [1, 1, 1]
    assert gini([0.1] * 10) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("counts", "plain", "generalised"),
    [
        ([1] + [0] * 9, 0.9, 0.0),  # one event lies in one place: as even as one event can be
        ([7], 0.0, 0.0),
        ([2, 2, 2], 0.0, 0.0),
        ([1, 1, 1, 0, 0, 0], 0.5, 0.0),  # the example of the vignette: fewer events, no more concentrated
        ([3, 0, 0, 0, 0, 0], 5 / 6, 2 / 3),  # all in one place: 1 - 1/n, 1 - 1/events
    ],
)
def test_gini_at_its_ends(counts, plain, generalised):
    assert gini(counts) == pytest.approx(plain, abs=1e-12)
    assert gini(counts, generalised=True) == pytest.approx(generalised, abs=1e-12)


# --- the share of places ---


def test_half_of_events_lie_in_so_many_places():
    # 22 + 18 = 40, and 17 more make 57 of 100: three of ten places
    counts = [12, 22, 11, 18, 8, 17, 6, 3, 2, 1]
    found = concentration.share_of_places(counts)
    assert found.iloc[0].tolist() == [0.3, 3, 0.57]
    with_empty = concentration.share_of_places([*counts, *[0] * 20])
    assert with_empty.iloc[0].tolist() == [0.1, 3, 0.57]  # places without events count


@pytest.mark.parametrize(
    ("share", "places"), [(0, 0), (0.2, 1), (0.4, 1), (0.4000001, 2), (0.7, 2), (0.9, 3), (0.91, 4), (1, 4)]
)
def test_a_share_just_reached_needs_no_further_place(share, places):
    counts = [0.4, 0.3, 0.2, 0.1, 0, 0, 0, 0]  # cumulative 0.4, 0.7, 0.9, 1.0, with the rounding of such sums
    assert concentration.share_of_places(counts, share)["places"].item() == places


def test_the_rounding_of_sums_costs_no_place():
    tenths = np.full(20, 0.1)
    held = np.cumsum(tenths)
    assert held[3] / held[-1] < 0.2  # and yet four of twenty equal ones are 20%
    assert concentration.share_of_places(tenths, 0.2)["places"].item() == 4


def test_a_share_beyond_all_events_is_refused():
    with pytest.raises(ValueError, match="from 0 to 1"):
        concentration.share_of_places([1, 2], 50)


# --- repeat locations ---


def test_repeat_locations_of_five_events_are_those_counted_by_hand():
    # 10 places, 5 events; 3 places have any (5/3 each), one has two or more and holds 3; 2 of 5 were not the first
    found = concentration.repeat_locations(FIVE_EVENTS).iloc[0]
    expected = {"places": 10, "events": 5, "prevalence": 0.3, "incidence": 0.5, "concentration": 5 / 3}
    expected |= {"repeat_places": 1, "repeat_events": 3, "share_of_places": 0.1, "share_of_events": 0.6, "repeats": 0.4}
    assert found.to_dict() == pytest.approx(expected)
    assert found["incidence"] == pytest.approx(found["prevalence"] * found["concentration"])  # Trickett et al. (1992)
    assert concentration.repeat_locations(FIVE_EVENTS, at_least=4)["repeat_events"].item() == 0


def test_events_per_place_are_counted_and_set_against_chance():
    found = concentration.events_per_place(FIVE_EVENTS)
    assert found["n"].tolist() == [0, 1, 3]
    assert found["places"].tolist() == [7, 2, 1]
    np.testing.assert_allclose(found["share_of_events"], [0, 0.4, 0.6])
    # 10 * binomial(5, 0.1): 10 * 0.9^5 = 5.9049, 10 * 5 * 0.1 * 0.9^4 = 3.2805, 10 * 10 * 0.001 * 0.81 = 0.081
    np.testing.assert_allclose(found["expected"], [5.9049, 3.2805, 0.081])


def test_expected_places_are_those_of_the_binomial_distribution_for_large_numbers_too():
    counts = np.random.default_rng(1).multinomial(165_000, np.full(35_000, 1 / 35_000))
    found = concentration.events_per_place(counts)
    np.testing.assert_allclose(found["expected"], 35_000 * stats.binom.pmf(found["n"], 165_000, 1 / 35_000), rtol=1e-8)
    assert np.abs(found["places"] - found["expected"]).max() < 5 * np.sqrt(found["expected"].max())
    alone = concentration.events_per_place([4])
    assert alone["expected"].tolist() == [1]  # in one place there is no other way


@pytest.mark.skipif(not REFERENCE.exists(), reason="../shared is not here")
def test_robberies_in_memphis_are_counted_to_the_last_one():
    # robberies of 2019 (sfhotspot) on squares of 1,000 m: each column counted anew with pandas
    points = pd.read_csv(REFERENCE / "memphis_robberies_epsg2843.csv")
    counts = points.groupby([points["x"] // 1_000, points["y"] // 1_000]).size()
    found = concentration.repeat_locations(counts).iloc[0]
    assert found["events"] == len(points)
    assert found["repeat_events"] == counts[counts > 1].sum()
    assert found["repeats"] == pytest.approx(1 - len(counts) / len(points))
    table = concentration.events_per_place(counts)
    assert (table["n"] * table["places"]).sum() == len(points)
    half = concentration.share_of_places(counts).iloc[0]
    fullest = counts.sort_values(ascending=False).cumsum()
    assert fullest.iloc[int(half["places"]) - 1] >= len(points) / 2 > fullest.iloc[int(half["places"]) - 2]


# --- chance ---


@pytest.mark.parametrize("generalised", [False, True])
@pytest.mark.parametrize("counts", [[2, 0, 0], [2, 1, 1], [4, 0, 1, 0, 0]])
def test_the_gini_that_chance_gives_is_that_of_every_way_to_place_the_events(counts, generalised):
    # e.g. 2 events in 3 places: together with chance 1/3 (gini 2/3), apart with 2/3 (gini 1/3): 4/9 on average
    places, m = len(counts), 9_999
    ways = [np.bincount(way, minlength=places) for way in product(range(places), repeat=sum(counts))]
    every = np.array([gini(way, generalised=generalised) for way in ways])
    if counts == [2, 0, 0] and not generalised:
        assert every.mean() == pytest.approx(4 / 9)
    found = concentration.gini_by_chance(counts, generalised=generalised, simulations=m, seed=1).iloc[0]
    assert found["gini"] == pytest.approx(gini(counts, generalised=generalised))
    assert found["expected"] == pytest.approx(every.mean(), abs=5 * every.std() / np.sqrt(m) + 1e-12)
    share = (every >= found["gini"] - 1e-9).mean()
    assert found["p_value"] == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / m) + 1 / m)
    assert found["lower"] == pytest.approx(np.quantile(every, 0.025), abs=1e-9)
    assert found["upper"] == pytest.approx(np.quantile(every, 0.975), abs=1e-9)


def test_events_placed_at_random_are_called_concentrated_no_more_often_than_the_error_rate():
    rng, called = np.random.default_rng(0), 0
    for seed in range(300):
        counts = rng.multinomial(80, np.full(100, 0.01))
        called += concentration.gini_by_chance(counts, simulations=199, seed=seed)["p_value"].item() <= 0.05
    assert 1 <= called <= stats.binom.ppf(0.999, 300, 0.05)  # 28; fewer than 15 on average because values tie


def test_few_events_look_concentrated_by_chance_and_the_simulated_range_says_so():
    counts = np.random.default_rng(2).multinomial(20, np.full(200, 1 / 200))
    found = concentration.gini_by_chance(counts).iloc[0]
    assert found["gini"] >= 0.9  # and yet
    assert found["lower"] <= found["gini"] <= found["upper"]
    planted = np.append(counts, 12)
    assert concentration.gini_by_chance(planted, generalised=True)["p_value"].item() == 0.001  # 1/(999 + 1)


def test_the_same_seed_gives_the_same_answer_and_the_method_is_said():
    first, again = (concentration.gini_by_chance(FIVE_EVENTS, seed=4) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert first["method"].item() == "95% of 999 random allocations"


# --- what goes in ---


@pytest.mark.parametrize("function", EVERY)
def test_missing_counts_are_left_out_and_inputs_stay_as_they_were(function):
    counts = pd.Series([3, None, 0, 1, None, 2], dtype="Int64", index=list("fedcba"))
    before = counts.copy()
    pd.testing.assert_frame_equal(function(counts), function([3, 0, 1, 2]))
    pd.testing.assert_frame_equal(function(np.array([2.0, np.nan, 0, 1, 3])), function([3, 0, 1, 2]))
    pd.testing.assert_series_equal(counts, before)


@pytest.mark.parametrize("function", ONE_ROW_EACH)
def test_answers_of_one_number_are_one_row(function):
    assert len(function([1, 0, 2])) == 1


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize("counts", [[], [0, 0, 0], [np.nan], pd.Series([0], dtype="Int64")])
def test_no_events_are_refused_kindly(function, counts):
    with pytest.raises(NotEnoughData, match="no events here"):
        function(counts)


def test_what_is_no_count_is_refused():
    with pytest.raises(ValueError, match="below 0"):
        concentration.gini([1, -1, 3])
    for function in (concentration.repeat_locations, concentration.events_per_place, concentration.gini_by_chance):
        with pytest.raises(ValueError, match="whole numbers"):
            function([1, 0.5])
    with pytest.raises(ValueError, match="whole numbers"):
        concentration.gini([0.1, 0.2, 0.3], generalised=True)
