"""Scores of maps against ptools' own tests, enumeration, sums by hand and simulated years."""

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest

from analytics import backtest
from analytics.errors import NotEnoughData

SCORES = ["hit_rate", "area_share", "pai", "pei"]


def cells(n, predicted, area=1.0):
    return pd.DataFrame({"n": n, "predicted": predicted, "area_km2": area})


def months(count, first="2022-01-01"):
    return list(pd.date_range(first, periods=count, freq="MS"))


def a_county(seed, number=60, length=30, spread=1.0):
    """Cells of equal area whose risk stays what it is, and Poisson counts of each month."""
    rng = np.random.default_rng(seed)
    risk = rng.gamma(1 / spread, spread, number)
    counts = pd.DataFrame(
        [(f"c{i}", month, rng.poisson(risk[i])) for month in months(length) for i in range(number)],
        columns=["cell_id", "month", "n"],
    )
    return pd.DataFrame({"cell_id": [f"c{i}" for i in range(number)], "area_km2": 0.25, "risk": risk}), counts


def ranked(places, predicted, when, name="a map"):
    table = pd.DataFrame({"cell_id": places["cell_id"], "predicted": predicted})
    return pd.concat([table.assign(ranked_by=name, month=month) for month in when], ignore_index=True)


# --- score ---


def test_the_first_check_of_ptools_is_met():
    # R package ptools, tests/testthat/test-pai.R, "simple pai check": obs 6 3 0, pred 3 2 1: PAI 2 1.5 1; PEI 1
    found = backtest.score(cells([6, 3, 0], [3, 2, 1]))
    np.testing.assert_allclose(found["pai"], [2, 1.5, 1])
    np.testing.assert_allclose(found["pei"], [1, 1, 1])


def test_the_example_of_ptools_is_met_outside_its_tie():
    # ptools::pai, example: obs 6 7 3 2 1 0, pred 8 4 4 2 1 0. Of 19 events: first cell 6/19 over 1/6, best 7/19;
    # after three 16/19 over 3/6, four 18/19, five 19/19; the tie of the second and third is ours to settle:
    # on average the first of the two catches (7 + 3) / 2 = 5, so 11/19 over 2/6, best 13/19
    found = backtest.score(cells([6, 7, 3, 2, 1, 0], [8, 4, 4, 2, 1, 0]))
    np.testing.assert_allclose(found["hit_rate"] * 19, [6, 11, 16, 18, 19, 19])
    np.testing.assert_allclose(found["pai"], [36 / 19, 33 / 19, 32 / 19, 27 / 19, 6 / 5, 1])
    np.testing.assert_allclose(found["pei"], [6 / 7, 11 / 13, 1, 1, 1, 1])


def test_unequal_areas_are_scored_as_worked_by_hand():
    # NIJ: PAI = (n/N) / (a/A). 10 events in 10 km2. Chosen: 4 events in 1 km2, then 2 in 4, then 4 in 5.
    # 0.4/0.1 = 4; 0.6/0.5 = 1.2; 1. Best one cell: the 4 in 1 km2; best two: 8 in 6 km2, 0.8/0.6 = 4/3.
    found = backtest.score(cells([4, 4, 2], [9, 1, 5], [1.0, 5.0, 4.0]))
    assert list(found.index) == [0, 2, 1]
    np.testing.assert_allclose(found["hit_rate"], [0.4, 0.6, 1])
    np.testing.assert_allclose(found["area_share"], [0.1, 0.5, 1])
    np.testing.assert_allclose(found["pai"], [4, 1.2, 1])
    np.testing.assert_allclose(found["pei"], [1, 0.9, 1])


@pytest.mark.parametrize("equal", [True, False])
def test_the_best_choice_is_the_best_of_every_choice(equal):
    rng = np.random.default_rng(3)
    for _ in range(100):
        n, area = rng.poisson(1.5, 7) + (rng.random(7) < 0.1), np.ones(7) if equal else rng.gamma(0.7, size=7) + 0.01
        if not n.sum():
            continue
        table = backtest.score(cells(n, rng.random(7), area))
        for k, pei, pai in zip(range(1, 8), table["pei"], table["pai"], strict=True):
            best = max(n[list(c)].sum() / area[list(c)].sum() for c in combinations(range(7), k))
            assert pei == pytest.approx(pai / (best / (n.sum() / area.sum())))
            assert pei <= 1 + 1e-12


def test_choosing_the_best_cells_is_fully_efficient_and_the_worst_is_not():
    n = np.random.default_rng(1).negative_binomial(0.5, 0.2, 200)
    np.testing.assert_allclose(backtest.score(cells(n, n))["pei"], 1)
    assert (backtest.score(cells(n, -n))["pei"][:100] < 0.5).all()


def test_random_orders_have_a_mean_accuracy_of_one():
    # every order of five cells: the mean of pai at each depth is 1 (equal areas)
    orders = [backtest.score(cells([5, 0, 3, 1, 1], order))["pai"].to_numpy() for order in permutations(range(5))]
    np.testing.assert_allclose(np.mean(orders, axis=0), 1)


@pytest.mark.parametrize("area", [1.0, [1.0, 4, 2, 0.5, 3, 1]])
def test_ties_are_worth_the_mean_of_every_order_they_could_come_in(area):
    n, tied = np.array([3, 8, 0, 1, 4, 2]), np.array([2, 1, 1, 1, 0, 0])
    found = backtest.score(cells(n, tied, area))
    every = [
        backtest.score(cells(n, tied + np.array(nudge) / 100, area))[SCORES].to_numpy()
        for nudge in permutations(range(6))
    ]
    alike = SCORES if area == 1.0 else SCORES[:2]  # with unequal areas pai is the ratio of the two means
    np.testing.assert_allclose(found[alike], np.mean(every, axis=0)[:, : len(alike)])
    np.testing.assert_allclose(found["pai"], found["hit_rate"] / found["area_share"])


def test_how_the_table_was_sorted_changes_no_figure():
    rng = np.random.default_rng(4)
    table = cells(rng.poisson(1, 40), rng.integers(0, 5, 40), rng.gamma(2, size=40))
    shuffled = table.sample(frac=1, random_state=1)
    for name in ("hit_rate", "area_share", "pai", "pei"):
        np.testing.assert_allclose(backtest.score(table)[name], backtest.score(shuffled)[name], rtol=1e-9)


def test_a_map_that_says_the_same_everywhere_is_no_better_than_chance():
    found = backtest.score(cells([5, 0, 3, 1, 1], 7.0))
    np.testing.assert_allclose(found["pai"], 1)
    np.testing.assert_allclose(found["hit_rate"], [0.2, 0.4, 0.6, 0.8, 1])


def test_missing_predictions_come_last_and_missing_counts_count_nowhere():
    table = cells([4, 6, 10, np.nan], [np.nan, 2, 1, 9])
    found = backtest.score(table)
    assert list(found.index) == [1, 2, 0, 3]
    np.testing.assert_allclose(found["hit_rate"], [0.3, 0.8, np.nan, np.nan])
    np.testing.assert_allclose(found["area_share"], [1 / 3, 2 / 3, np.nan, np.nan])
    np.testing.assert_allclose(found["pei"], [6 / 10, 1, np.nan, np.nan])


def test_columns_are_named_and_others_kept():
    table = pd.DataFrame({"cell_id": ["a", "b"], "z": [1.0, 3], "later": [1, 3], "size": [2.0, 2]}, index=[7, 9])
    found = backtest.score(table, order="z", events="later", area="size")
    assert list(found) == ["cell_id", "z", "later", "size", *SCORES] and list(found.index) == [9, 7]
    assert list(found["cell_id"]) == ["b", "a"]
    np.testing.assert_allclose(found["hit_rate"], [0.75, 1])


def test_one_cell_is_scored():
    assert list(backtest.score(cells([3], [1]))[SCORES].iloc[0]) == [1, 1, 1, 1]


@pytest.mark.parametrize("n", [[0, 0], [np.nan, np.nan], []])
def test_without_events_there_is_nothing_to_score(n):
    with pytest.raises(NotEnoughData, match="no event to be caught"):
        backtest.score(cells(n, np.arange(len(n))))


def test_negative_events_and_areas_of_nothing_are_refused():
    for n, area in (([-1, 2], 1.0), ([1, 2], 0.0)):
        with pytest.raises(ValueError, match="Events are 0 or more, and areas above 0"):
            backtest.score(cells(n, [1, 2], area))


def test_inputs_are_left_as_they_were():
    table = cells([1, 2, 3], [3, 2, 1])
    before = table.copy()
    backtest.score(table)
    pd.testing.assert_frame_equal(table, before)


# --- rri ---


def test_the_recapture_rate_is_that_worked_by_hand():
    # Levine (2008): (n2/n1) / (N2/N1). Before 10, 6, 4 (20); after 9, 9, 12 (30): the whole grew by 1.5.
    # First: (9/10)/1.5 = 0.6; first two: (18/16)/1.5 = 0.75; all: 1
    found = backtest.rri(np.array([10, 6, 4]), np.array([9, 9, 12]))
    np.testing.assert_allclose(found["rri"], [0.6, 0.75, 1])


def test_the_recapture_rate_is_missing_until_there_was_an_earlier_event_and_where_a_count_is():
    found = backtest.rri(pd.Series([0, 2, np.nan, 2], index=list("abcd")), [1, 1, 5, 2])
    assert list(found.index) == list("abcd")
    # before 0, 2, -, 2 (4), after 1, 1, -, 2 (4): second (2/2)/1 = 1, fourth (4/4)/1 = 1
    np.testing.assert_allclose(found["rri"], [np.nan, 1, np.nan, 1])


@pytest.mark.parametrize(("earlier", "later"), [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([], [])])
def test_the_recapture_rate_needs_events_before_and_after(earlier, later):
    with pytest.raises(NotEnoughData, match="one of the two has none"):
        backtest.rri(earlier, later)


def test_the_recapture_rate_refuses_counts_that_do_not_fit():
    with pytest.raises(ValueError, match="2 earlier counts and 1 later"):
        backtest.rri([1, 2], [1])
    with pytest.raises(ValueError, match="not below 0"):
        backtest.rri([1, -2], [1, 1])


# --- rolling ---


def test_one_held_out_month_is_that_worked_by_hand():
    # Four cells of 1 km2; half the area. Each month of 2023: a 2, b 1, c 1, d 0. January 2024: a 1, b 0, c 3, d 6.
    # The map says d, then c: 9 of 10 events, pai 0.9/0.5, best half c and d, so pei 1; in 2023 they had 12 of 48:
    # rri 0.9/0.25. The plain count says a (24), then b or c (12 each): 1 + 3/2 = 2.5 of 10; pei 0.25/0.9; in 2023
    # 36 of 48: rri 0.25/0.75. Chance: half of everything, pei 0.5/0.9.
    places = pd.DataFrame({"cell_id": list("abcd"), "area_km2": 1.0})
    year = [(c, m, k) for m in months(12, "2023-01-01") for c, k in zip("abcd", (2, 1, 1, 0), strict=True)]
    january = pd.Timestamp("2024-01-01")
    counts = pd.DataFrame(
        [*year, ("a", january, 1), ("c", january, 3), ("d", january, 6)], columns=["cell_id", "month", "n"]
    )
    found = backtest.rolling(ranked(places, [0, 1, 2, 3], [january]), counts, places, area_share=0.5)
    assert list(found) == ["ranked_by", "month", "n", "hit_rate", "area_share", "pai", "pei", "rri"]
    assert list(found["ranked_by"]) == ["a map", "last year's count", "chance"] and set(found["n"]) == {10}
    np.testing.assert_allclose(found["hit_rate"], [0.9, 0.25, 0.5])
    np.testing.assert_allclose(found["pai"], [1.8, 0.5, 1])
    np.testing.assert_allclose(found["pei"], [1, 0.25 / 0.9, 0.5 / 0.9])
    np.testing.assert_allclose(found["rri"], [0.9 / 0.25, 0.25 / 0.75, 1])


def test_at_a_share_of_whole_cells_rolling_and_score_agree():
    places, counts = a_county(2)
    month = months(30)[-1]
    predicted = np.random.default_rng(1).integers(0, 9, 60)  # ties too
    found = backtest.rolling(ranked(places, predicted, [month]), counts, places, area_share=0.2)
    later = counts[counts["month"] == month].set_index("cell_id")["n"].reindex(places["cell_id"]).to_numpy()
    twelfth = backtest.score(places.assign(predicted=predicted, n=later)).iloc[11]  # 12 of 60 cells
    for name in ("hit_rate", "pai", "pei"):
        assert found[name].iloc[0] == pytest.approx(twelfth[name])


def test_the_last_cell_is_covered_in_part_where_areas_are_unequal():
    # 10 km2, of which 3 may be covered: all of a (2 km2, 4 events) and a third of b (3 km2, 3 events): 5 of 10.
    # The best 3 km2: a, then c (5 km2, 3 events, 0.6 a km2) or b (1 a km2): a and a third of b, so pei 1.
    places = pd.DataFrame({"cell_id": list("abc"), "area_km2": [2.0, 3, 5]})
    month = pd.Timestamp("2024-01-01")
    counts = pd.DataFrame({"cell_id": list("abc"), "month": month, "n": [4, 3, 3]})
    found = backtest.rolling(ranked(places, [3, 2, 1], [month]), counts, places, area_share=0.3).iloc[0]
    np.testing.assert_allclose(found[["hit_rate", "pai", "pei"]].astype(float), [0.5, 0.5 / 0.3, 1])


def test_a_month_without_events_or_not_supplied_has_no_scores():
    places, counts = a_county(1, number=5, length=14)
    quiet, gone = months(14)[-1], pd.Timestamp("2024-01-01")
    counts.loc[counts["month"] == quiet, "n"] = 0
    found = backtest.rolling(ranked(places, range(5), [quiet, gone]), counts, places, area_share=0.4)
    assert found[["hit_rate", "pai", "pei", "rri"]].isna().all(axis=None)
    assert list(found["n"].fillna(-1)) == [0, 0, 0, -1, -1, -1]


def test_the_plain_count_needs_the_twelve_months_before():
    places, counts = a_county(1, length=14)
    counts = counts[counts["month"] != months(14)[3]]  # April 2022 was never supplied
    found = backtest.rolling(ranked(places, range(60), months(14)[11:]), counts, places, area_share=0.2)
    plain = found[found["ranked_by"] == backtest.LAST_YEAR]
    assert plain["hit_rate"].isna().all()
    assert found.loc[found["ranked_by"] != backtest.LAST_YEAR, "hit_rate"].notna().all()


def test_a_cell_whose_count_is_unknown_stands_outside_that_month():
    places, counts = a_county(6, number=10, length=14)
    last, held = counts["month"] == months(14)[-1], months(14)[12:]
    gap = counts.assign(n=counts["n"].where(~(last & (counts["cell_id"] == "c0"))))
    found = backtest.rolling(ranked(places, range(10), held), gap, places, area_share=0.5)
    without = backtest.rolling(
        ranked(places[1:], range(1, 10), held), counts[counts["cell_id"] != "c0"], places[1:], area_share=0.5
    )
    whole = backtest.rolling(ranked(places, range(10), held), counts, places, area_share=0.5)
    pd.testing.assert_frame_equal(found.iloc[:3], whole.iloc[:3])
    pd.testing.assert_frame_equal(found.iloc[3:], without.iloc[3:])


def test_cells_without_a_prediction_come_after_all_others():
    # ten cells of 1 km2, three covered: a and b, which the map knows (5 + 1 events), and one of the eight others, which
    # hold 4, 2, 2 and five times 0: 1 on average. 7 of 14.
    places = pd.DataFrame({"cell_id": list("abcdefghij"), "area_km2": 1.0})
    month = pd.Timestamp("2024-01-01")
    counts = pd.DataFrame({"cell_id": list("abcde"), "month": month, "n": [5, 1, 4, 2, 2]})
    found = backtest.rolling(ranked(places.head(2), [1, 2], [month]), counts, places, area_share=0.3).iloc[0]
    assert found["hit_rate"] == pytest.approx(0.5)


def test_predictions_are_made_from_earlier_months_alone():
    places, counts = a_county(4, length=16)
    seen = {}

    def plain(earlier):
        seen[earlier["month"].max()] = len(earlier)
        earlier["n"] *= 2  # what it is given is its own
        return earlier.groupby("cell_id", as_index=False)["n"].sum().rename(columns={"n": "predicted"})

    before = counts.copy()
    made = backtest.predict(counts, {"all so far": plain}, months(16)[12:])
    pd.testing.assert_frame_equal(counts, before)
    assert seen == {months(16)[k - 1]: 60 * k for k in range(12, 16)}
    assert list(made) == ["ranked_by", "month", "cell_id", "predicted"] and len(made) == 240
    last = made[made["month"] == months(16)[12]]
    scores = backtest.rolling(last, counts, places, area_share=0.1)  # of the same 12 months the plain count is made of
    np.testing.assert_allclose(*[scores.iloc[k][["hit_rate", "pei", "rri"]].astype(float) for k in (0, 1)])


def test_tables_that_do_not_fit_are_refused():
    places, counts = a_county(1, number=3, length=13)
    good = ranked(places, [1, 2, 3], months(13)[-1:])
    cases = {
        "more than one prediction": (pd.concat([good, good]), counts, places, 0.5),
        "give maps other names": (good.assign(ranked_by="chance"), counts, places, 0.5),
        "score the whole study area": (good, counts, places.head(2), 0.5),
        "twice in `cells`": (good, counts, pd.concat([places, places]), 0.5),
        "area above 0": (good, counts, places.assign(area_km2=[1, 0, 1]), 0.5),
        "above 0 and at most 1": (good, counts, places, 0),
    }
    for words, (predictions, n, where, share) in cases.items():
        with pytest.raises(ValueError, match=words):
            backtest.rolling(predictions, n, where, area_share=share)


def test_rolling_leaves_its_inputs_as_they_were():
    places, counts = a_county(5)
    predictions = ranked(places, places["risk"], months(30)[-3:])
    before = [table.copy() for table in (predictions, counts, places)]
    backtest.rolling(predictions, counts, places, area_share=0.1)
    for table, copy in zip((predictions, counts, places), before, strict=True):
        pd.testing.assert_frame_equal(table, copy)


# --- summary ---


def test_the_interval_over_months_is_that_worked_by_hand():
    # Two months of 10 and 30 events, 5 and 9 caught: 14/40 = 0.35. Left: 5 - 3.5 = 1.5, 9 - 10.5 = -1.5.
    # Error: sqrt(2/1 * (2.25 + 2.25)) / 40 = 3/40 = 0.075; t with 1 degree of freedom at 97.5%: 12.7062
    scores = pd.DataFrame(
        {
            "ranked_by": "a",
            "month": months(2),
            "n": [10, 30],
            "hit_rate": [0.5, 0.3],
            "area_share": 0.1,
            "pei": [0.8, 0.6],
        }
    )
    found = backtest.summary(scores, baseline="a").iloc[0]
    assert (found["months"], found["n"]) == (2, 40)
    np.testing.assert_allclose([found["hit_rate"], found["pai"], found["pei"]], [0.35, 3.5, 0.7])
    np.testing.assert_allclose(
        [found["lower"], found["upper"]], [0, 1]
    )  # 0.35 less and plus 0.953, kept within 0 and 1
    wide = backtest.summary(scores, baseline="a", confidence=0.5).iloc[0]  # t at 75% with 1 degree of freedom is 1
    np.testing.assert_allclose([wide["lower"], wide["upper"]], [0.275, 0.425])
    assert wide["method"] == "ratio over months, t 50%" and np.isnan(wide["difference"])


def test_a_better_map_beats_the_plain_count_a_useless_one_loses_and_chance_is_exact():
    places, counts = a_county(7, number=150, length=36, spread=0.7)
    held = months(36)[12:]
    noise = np.random.default_rng(0).random(150)
    maps = pd.concat([ranked(places, places["risk"], held, "the truth"), ranked(places, noise, held, "noise")])
    scores = backtest.rolling(maps, counts, places, area_share=0.1)
    found = backtest.summary(scores).set_index("ranked_by")
    assert list(found.index) == ["the truth", "noise", backtest.LAST_YEAR, backtest.CHANCE]
    assert found.loc["noise", "against_baseline"] == found.loc["chance", "against_baseline"] == "worse"
    assert found.loc["the truth", "difference"] > 0 and found.loc["the truth", "against_baseline"] != "worse"
    assert (found["months"] == 24).all() and found["n"].nunique() == 1
    np.testing.assert_allclose(
        found.loc["chance", ["hit_rate", "lower", "upper", "pai"]].astype(float), [0.1, 0.1, 0.1, 1]
    )
    assert pd.isna(found.loc[backtest.LAST_YEAR, "against_baseline"])


def test_the_interval_of_the_difference_covers_what_it_says():
    # 12 months in which two maps catch 30% and 27% of events that come and go; true difference 0.03. 95% limits
    # should hold it in about 95 of 100 years: of 600 no fewer than 550 (99.9% binomial limit is 552 at 95%)
    rng, held = np.random.default_rng(1), 0
    for _ in range(600):
        n = rng.negative_binomial(8, 0.05, 12) + 1
        hits = {"a": rng.binomial(n, 0.30) / n, backtest.LAST_YEAR: rng.binomial(n, 0.27) / n}
        scores = pd.concat(
            [
                pd.DataFrame(
                    {"ranked_by": k, "month": months(12), "n": n, "hit_rate": v, "area_share": 0.1, "pei": 0.5}
                )
                for k, v in hits.items()
            ]
        )
        row = backtest.summary(scores).iloc[0]
        held += row["difference_lower"] <= 0.03 <= row["difference_upper"]
    assert 550 <= held < 597


def test_equal_maps_differ_clearly_no_more_often_than_the_error_rate():
    wrong = 0
    for seed in range(60):
        places, counts = a_county(seed, number=40, length=24)
        held, rng = months(24)[12:], np.random.default_rng(seed)
        maps = [ranked(places, places["risk"] * rng.lognormal(0, 0.8, 40), [month], "as good") for month in held]
        other = [ranked(places, places["risk"] * rng.lognormal(0, 0.8, 40), [month], "the baseline") for month in held]
        scores = backtest.rolling(pd.concat([*maps, *other]), counts, places, area_share=0.2)
        row = backtest.summary(scores, baseline="the baseline").set_index("ranked_by").loc["as good"]
        wrong += row["against_baseline"] in ("better", "worse")
    assert wrong <= 9  # 60 at 5%: 3; 99.9% binomial limit 9


def test_only_months_that_both_have_are_compared():
    scores = pd.DataFrame(
        {
            "ranked_by": ["a", "a", "a", "b", "b", "b"],
            "month": months(3) * 2,
            "n": [10] * 6,
            "hit_rate": [0.5, 0.6, 0.7, np.nan, 0.4, 0.5],
            "area_share": 0.2,
            "pei": 1.0,
        }
    )
    found = backtest.summary(scores, baseline="b").set_index("ranked_by")
    assert found.loc["a", "hit_rate"] == pytest.approx(0.6) and found.loc["a", "months"] == 3
    assert found.loc["a", "difference"] == pytest.approx(0.2)
    assert found.loc["a", "against_baseline"] == "better"  # 0.2 in both months: no spread at all


def test_one_month_gives_a_figure_and_no_interval():
    scores = pd.DataFrame(
        {
            "ranked_by": ["a", "b"],
            "month": months(1) * 2,
            "n": 10,
            "hit_rate": [0.5, 0.2],
            "area_share": 0.2,
            "pei": 1.0,
        }
    )
    found = backtest.summary(scores, baseline="b").iloc[0]
    assert found["hit_rate"] == 0.5 and np.isnan(found["lower"]) and found["difference"] == pytest.approx(0.3)
    assert found["against_baseline"] == "too few months"


def test_a_map_that_was_never_scored_keeps_its_row_and_has_no_figures():
    scores = pd.DataFrame({"ranked_by": ["a", "b"], "month": months(1) * 2, "n": 10, "hit_rate": [np.nan, 0.2]})
    found = backtest.summary(scores.assign(area_share=0.2, pei=scores["hit_rate"]), baseline="b").set_index("ranked_by")
    assert (found.loc["a", "months"], found.loc["a", "n"]) == (0, 0) and np.isnan(found.loc["a", "hit_rate"])
    assert found.loc["a", "against_baseline"] == "too few months" and found.loc["b", "hit_rate"] == 0.2
    none = backtest.summary(scores.assign(area_share=0.2, pei=np.nan, hit_rate=np.nan), baseline="b")
    assert none["hit_rate"].isna().all() and len(none) == 2


def test_scores_of_different_areas_or_without_the_baseline_are_refused():
    scores = pd.DataFrame(
        {
            "ranked_by": ["a", "b"],
            "month": months(1) * 2,
            "n": 10,
            "hit_rate": 0.5,
            "area_share": [0.1, 0.2],
            "pei": 1.0,
        }
    )
    with pytest.raises(ValueError, match="different areas"):
        backtest.summary(scores, baseline="b")
    with pytest.raises(ValueError, match="no row of the baseline"):
        backtest.summary(scores.assign(area_share=0.1))
