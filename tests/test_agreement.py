"""Two sources side by side: against sums by hand, exact distributions, planted hotspots and sources that agree."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics import agreement, grids, neighbours, rates
from analytics.errors import NotEnoughData

COLUMNS = ["health_share", "police_share", "ratio", "lower", "upper", "p_value", "q_value"]
COLUMNS += ["health_hot", "police_hot", "agreement", "method"]


def town(seed, side=20, health=1_500, police=9_000):
    """A grid of hexagons with one pattern of violence, a busy middle, thinned by each source alike."""
    rng = np.random.default_rng(seed)
    q, r = (a.ravel() for a in np.meshgrid(np.arange(side), np.arange(side)))
    risk = rng.gamma(0.8, size=side * side) * np.exp(-((q - side / 2) ** 2 + (r - side / 2) ** 2) / side)
    risk = (risk + 0.02) / (risk + 0.02).sum()
    cells = pd.DataFrame({"q": q, "r": r, "risk": risk})
    return cells.assign(health=rng.poisson(health * risk), police=rng.poisson(police * risk))


def places(health, police, **columns):
    return pd.DataFrame({"health": health, "police": police} | columns)


# --- ratio, interval, p-value ---


def test_a_ratio_of_shares_is_that_worked_by_hand():
    # 12 of 40 health records against 10 of 100 police records: 0.3 / 0.1 = 3
    found = agreement.compare(places([12, 28], [10, 90]))
    assert list(found) == ["health", "police", *COLUMNS]
    np.testing.assert_allclose(found.loc[0, ["health_share", "police_share", "ratio"]].astype(float), [0.3, 0.1, 3])
    # given 22 records, 12 or more from health, each with chance 40/140: the tail of the binomial, doubled
    p = 2 * sum(stats.binom.pmf(k, 22, 40 / 140) for k in range(12, 23))
    assert found.loc[0, "p_value"] == pytest.approx(p)
    limits = rates.ratio_of([12], [40], [10], [100]).iloc[0]  # checked against R's poisson.test in test_rates.py
    assert (found.loc[0, "lower"], found.loc[0, "upper"]) == (limits["lower"], limits["upper"])
    assert found.loc[0, "method"] == "exact conditional 95%"


def test_the_interval_leaves_out_one_exactly_where_p_is_below_its_level():
    table = pd.DataFrame(list(product(range(0, 25, 3), range(0, 60, 7))), columns=["health", "police"])
    for confidence in (0.8, 0.95):
        found = agreement.compare(table, confidence=confidence)
        some = found["p_value"].notna()
        outside = (found["lower"] > 1) | (found["upper"] < 1)
        assert (outside == (found["p_value"] < 1 - confidence))[some].all()
        assert 0 < outside.sum() < some.sum()


def test_p_values_are_the_doubled_tails_of_the_binomial():
    rng = np.random.default_rng(1)
    table = places(rng.poisson(3, 200), rng.poisson(9, 200))
    found, total = agreement.compare(table), table["health"] + table["police"]
    share = table["health"].sum() / total.sum()
    low = stats.binom.cdf(table["health"], total, share)
    high = stats.binom.sf(table["health"] - 1, total, share)
    expected = np.where(total > 0, np.minimum(1, 2 * np.minimum(low, high)), np.nan)
    np.testing.assert_allclose(found["p_value"], expected)
    np.testing.assert_allclose(found["q_value"].dropna(), stats.false_discovery_control(found["p_value"].dropna()))


def test_heat_is_the_upper_tail_of_an_even_spread():
    # 60 health records over 6 places, 10 each by an even spread; the first has 25, the others 7
    found = agreement.compare(places([25, 7, 7, 7, 7, 7], [10] * 6))
    p = stats.binom.sf(24, 60, 1 / 6)
    assert p * 6 < 0.05
    assert list(found["health_hot"]) == [True, False, False, False, False, False]
    assert not found["police_hot"].any()
    # by residents, half of whom live in the first place, 25 of 60 are none too many
    lived = agreement.compare(
        places([25, 7, 7, 7, 7, 7], [10] * 6, population=[5, 1, 1, 1, 1, 1]), expected="population"
    )
    assert not lived["health_hot"].any()


# --- the names ---


def test_every_name_has_its_case():
    cells = places(
        [60, 60, 90, 2, 10, 30, 8] + [10] * 60,
        [100, 500, 100, 400, 100, 100, 60] + [100] * 60,
    )
    found = agreement.compare(cells)
    # hot in health alone and clearly more than police; hot in both alike; as the first; hot in police alone and clearly
    # fewer patients; nothing
    assert list(found["agreement"][:5]) == ["hidden", "both", "hidden", "police only", "neither"]
    # 30 patients against 10 on average are hot; with 100 crimes the shares differ too
    assert found.loc[5, "agreement"] == "hidden" and found.loc[5, "ratio"] > 2
    assert set(found["agreement"][7:]) == {"neither"}


def test_a_place_hot_in_one_source_alone_is_unclear_while_chance_could_make_the_difference():
    # the difference between hot and not hot is not itself a difference (Gelman and Stern 2006)
    cells = places([10, 20, 10, 10], [100, 160, 100, 100], gi_health=[False, True, False, False])
    found = agreement.compare(cells.assign(gi_police=False), health_hot="gi_health", police_hot="gi_police")
    assert found.loc[1, "q_value"] > 0.05 and list(found["agreement"]) == ["neither", "unclear", "neither", "neither"]


def test_a_hidden_place_may_be_one_the_police_see_in_part():
    cells = places([100] + [10] * 50, [200] + [60] * 50)
    found = agreement.compare(cells).iloc[0]
    assert found["police_hot"] and found["health_hot"] and found["agreement"] == "hidden"


def test_heat_may_be_given_and_where_it_is_not_known_there_is_no_name():
    cells = places(
        [30, 5, 5, 5], [10, 40, 40, 40], a=pd.array([True, False, None, False]), b=[False, True, True, False]
    )
    found = agreement.compare(cells, health_hot="a", police_hot="b")
    assert list(found["agreement"].fillna("-")) == ["hidden", "police only", "-", "neither"]
    assert found.loc[2, "p_value"] < 1


# --- planted and null ---


@pytest.mark.parametrize(("pooled", "more"), [(False, 20), (True, 8)])
def test_a_planted_hidden_hotspot_is_found_where_it_is_and_no_other(pooled, more):
    # seven cells in which health services, and they alone, see `more` records each, of 1,500 over 400 cells. A place
    # alone needs more of them to be found than one pooled with its neighbours.
    found_in, elsewhere = 0, 0
    for seed in range(20):
        cells = town(seed)
        near = grids.ring(cells)
        planted = neighbours.with_self(near)[[105]].toarray()[0] > 0
        cells.loc[planted, "health"] += np.random.default_rng(seed).poisson(more, 7)
        found = agreement.compare(cells, near if pooled else None)
        hidden = (found["agreement"] == "hidden").to_numpy()
        reach = (neighbours.with_self(near) @ planted.astype(float)) > 0 if pooled else planted
        found_in += hidden[105]
        elsewhere += hidden[~reach].any()
    assert found_in >= 19
    assert elsewhere <= stats.binom.ppf(0.999, 20, 0.05)  # 5


@pytest.mark.parametrize("pooled", [False, True])
def test_sources_that_thin_one_pattern_alike_hide_nothing_beyond_the_error_rate(pooled):
    # strong hotspots, 200 towns: the share with any hidden, or any police-only, place stays below 5% (99.9% limit 20)
    hidden, police_only, low = 0, 0, []
    for seed in range(200):
        cells = town(1_000 + seed, side=12)
        found = agreement.compare(cells, grids.ring(cells) if pooled else None)
        hidden += (found["agreement"] == "hidden").any()
        police_only += (found["agreement"] == "police only").any()
        low.append((found["p_value"] < 0.05).mean())
        assert (found["agreement"] == "both").sum() > 3
    assert max(hidden, police_only) <= stats.binom.ppf(0.999, 200, 0.05)
    assert 0.001 < np.mean(low) < 0.05  # exact tests of small counts stay below their level


def test_the_reverse_is_found_where_police_records_have_no_patients():
    cells = town(3)
    cells.loc[105, ["health", "police"]] = [0, 150]
    found = agreement.compare(cells)
    assert found.loc[105, "agreement"] == "police only" and found.loc[105, "ratio"] == 0
    assert not found.loc[105, "health_hot"]


# --- neighbours, gaps, edges ---


def test_neighbours_are_added_up_as_by_hand():
    near = neighbours.from_edges(pd.DataFrame({"focal": [0, 1, 1, 2], "neighbour": [1, 0, 2, 1]}), 4)
    found = agreement.compare(places([1, 2, 3, 4], [5, 0, 5, 10]), near)
    # in threes along a line of three, the fourth alone; totals stay 10 and 20
    np.testing.assert_allclose(found["health_share"], [0.3, 0.6, 0.5, 0.4])
    np.testing.assert_allclose(found["police_share"], [0.25, 0.5, 0.25, 0.5])
    np.testing.assert_allclose(found["ratio"], [1.2, 1.2, 2, 0.8])
    assert set(found["method"]) == {"exact conditional 95%, with neighbours"}
    again = agreement.compare(places([1, 2, 3, 4], [5, 0, 5, 10]), neighbours.with_self(near))
    pd.testing.assert_frame_equal(found, again)


def test_an_even_spread_over_a_place_and_its_neighbours_is_as_many_shares():
    # three places of six pooled hold half by an even spread: 40 of 60 is hot, 30 is not
    near = neighbours.from_edges(pd.DataFrame({"focal": [1, 1], "neighbour": [0, 2]}), 6)
    hot = agreement.compare(places([14, 14, 14, 6, 6, 6], [10] * 6), near)["health_hot"]
    even = agreement.compare(places([10] * 6, [10] * 6), near)["health_hot"]
    assert stats.binom.sf(41, 60, 0.5) * 6 < 0.05 and hot[1] and not even.any()


def test_a_place_with_a_count_missing_has_no_value_and_counts_nowhere():
    whole = places([12, 28, 20], [10, 90, 50])
    gap = pd.concat([whole, places([None, 9], [7, None])], ignore_index=True)
    found = agreement.compare(gap)
    assert found.loc[3:, [*COLUMNS[:7], "agreement"]].isna().all(axis=None)
    pd.testing.assert_frame_equal(found.loc[:2, COLUMNS[:7]], agreement.compare(whole)[COLUMNS[:7]])
    near = neighbours.from_edges(pd.DataFrame({"focal": [0, 0], "neighbour": [3, 1]}), 5)
    assert agreement.compare(gap, near).loc[0, "health_share"] == 40 / 60


def test_a_place_without_any_record_has_no_ratio_and_is_neither():
    found = agreement.compare(places([0, 3, 4], [0, 3, 4])).iloc[0]
    assert np.isnan(found["ratio"]) and np.isnan(found["p_value"]) and found["agreement"] == "neither"


def test_all_equal_places_are_neither():
    found = agreement.compare(places([5] * 9, [20] * 9))
    assert set(found["agreement"]) == {"neither"} and (found["ratio"] == 1).all() and (found["p_value"] == 1).all()


def test_rows_keep_their_order_index_and_columns_and_inputs_are_left_alone():
    cells = places([3, 4, 5], [1, 2, 3], name=list("abc")).set_index(pd.Index([9, 2, 5]))
    near = neighbours.from_edges(pd.DataFrame({"focal": [0], "neighbour": [1]}), 3)
    before, kept = cells.copy(), near.copy()
    found = agreement.compare(cells, near)
    pd.testing.assert_frame_equal(cells, before)
    assert (near != kept).nnz == 0 and list(found.index) == [9, 2, 5] and list(found["name"]) == list("abc")
    named = cells.rename(columns={"health": "ambulance", "police": "police_uk"})
    other = agreement.compare(named, near, health="ambulance", police="police_uk")
    pd.testing.assert_frame_equal(found[COLUMNS], other[COLUMNS])


def test_too_little_is_refused_kindly():
    for cells, words in (
        (places([5], [5]), "at least 2 places; there are 1"),
        (places([0, 0], [5, 3]), "no health records here"),
        (places([5, 3], [0, 0]), "no police records here"),
    ):
        for function in (agreement.compare, agreement.overall):
            with pytest.raises(NotEnoughData, match=words):
                function(cells)


def test_tables_that_do_not_fit_are_refused():
    near = neighbours.from_edges(pd.DataFrame({"focal": [0], "neighbour": [1]}), 2)
    with pytest.raises(ValueError, match="not below 0"):
        agreement.compare(places([-1, 2], [1, 1]))
    with pytest.raises(ValueError, match="for 2 places, and there are 3"):
        agreement.compare(places([1, 2, 3], [1, 1, 1]), near)
    with pytest.raises(ValueError, match="0 or 1"):
        agreement.compare(places([1, 2], [1, 1]), near * 0.5)
    with pytest.raises(ValueError, match="`people` is needed for every place"):
        agreement.compare(places([1, 2], [1, 1], people=[1, None]), expected="people")
    with pytest.raises(ValueError, match="whole numbers"):
        agreement.overall(places([1.5, 2], [1, 1]))


# --- overall ---


def test_overlap_is_that_worked_by_hand_and_its_chance_that_of_every_deal():
    # shares 0.6, 0.4, 0 and 0.2, 0.3, 0.5: the smaller are 0.2, 0.3, 0: together 0.5
    found = agreement.overall(places([6, 4, 0], [2, 3, 5]), simulations=20_000)
    assert found.loc[0, "overlap"] == pytest.approx(0.5) and found.loc[0, "n"] == 3
    # dealing 10 of the 8, 7 and 5 records to health: every deal with its multivariate hypergeometric chance
    deals = [(i, j, 10 - i - j) for i in range(9) for j in range(8) if 0 <= 10 - i - j <= 5]
    chance = np.array([stats.multivariate_hypergeom.pmf(deal, [8, 7, 5], 10) for deal in deals])
    overlap = np.array([sum(min(a, m - a) for a, m in zip(deal, [8, 7, 5], strict=True)) / 10 for deal in deals])
    assert chance.sum() == pytest.approx(1)
    assert found.loc[0, "expected"] == pytest.approx(chance @ overlap, abs=0.005)
    p = chance[overlap <= 0.5 + 1e-9].sum()
    assert found.loc[0, "p_value"] == pytest.approx(p, abs=5 * np.sqrt(p / 20_000))
    assert found.loc[0, "lower"] < found.loc[0, "expected"] < found.loc[0, "upper"]


def test_maps_that_are_alike_overlap_wholly_and_maps_apart_not_at_all():
    alike = agreement.overall(places([2, 4, 6], [4, 8, 12]))
    apart = agreement.overall(places([9, 9, 0, 0], [0, 0, 9, 9]))
    assert alike.loc[0, "overlap"] == pytest.approx(1) and alike.loc[0, "p_value"] == 1
    assert apart.loc[0, "overlap"] == 0 and apart.loc[0, "p_value"] == 0.001


def test_thinned_sources_differ_overall_no_more_often_than_the_error_rate_and_planted_ones_do():
    p = [
        agreement.overall(town(seed, side=10, health=200, police=900), simulations=199, seed=seed)
        for seed in range(200)
    ]
    p = pd.concat(p)["p_value"]
    for level in (0.05, 0.2, 0.5):
        assert stats.binom.ppf(0.001, 200, level * 0.8) <= (p <= level).sum() <= stats.binom.ppf(0.999, 200, level)
    cells = town(1, side=10, health=200, police=900)
    cells.loc[[5, 6, 7, 15, 16], "health"] += 12
    assert agreement.overall(cells)["p_value"].iloc[0] < 0.01


def test_sparse_maps_of_one_pattern_overlap_as_little_as_expected():
    found = agreement.overall(town(2, health=60, police=900)).iloc[0]
    assert found["overlap"] < 0.6 and found["lower"] <= found["overlap"] <= found["upper"]


def test_the_seed_decides():
    cells = town(3, side=8)
    first, again, other = (agreement.overall(cells, seed=seed, simulations=99) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert first.loc[0, "expected"] != other.loc[0, "expected"]
