"""Control charts against NHSRplotthedots, qcc, NIST, qicharts2, sums by hand, and how often chance alone signals."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics import spc, spc_rules
from analytics.errors import NotEnoughData

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"
needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="../shared is not here")

# R's set.seed(123); rnorm(20), on which NHSRplotthedots tests itself
NHS_R = [
    *[-0.56047565, -0.23017749, 1.55870831, 0.07050839, 0.12928774, 1.71506499, 0.46091621, -1.26506123],
    *[-0.68685285, -0.44566197, 1.22408180, 0.35981383, 0.40077145, 0.11068272, -0.55584113, 1.78691314],
    *[0.49785048, -1.96661716, 0.70135590, -0.47279141],
]
LIMITS = ["centre", "lower", "upper"]
STEADY = [1.0, -1.0] * 10  # mean 0, moving ranges 2: limits 5.32 either side, near lines 3.547
FLAGS = ["outside", "run", "trend", "two_of_three"]


def after_steady(*values, **settings):
    """The last points of a chart whose limits were set by twenty steady ones."""
    return spc.xmr(STEADY + list(values), baseline=20, **settings).iloc[20:].reset_index(drop=True)


def flagged(chart, rule):
    return chart[rule].astype(int).tolist()


# --- XmR: limits ---


def test_limits_are_those_nhsrplotthedots_prints():
    # NHSRplotthedots, tests/testthat/_snaps/ptd_spc_standard.md: r1, r2 (the 15th is 10) and r3 (not screened)
    np.testing.assert_allclose(spc.xmr(NHS_R)[LIMITS].iloc[0], [0.1416238, -3.01138, 3.294627], rtol=5e-7)
    peak = [*NHS_R[:14], 10, *NHS_R[15:]]
    np.testing.assert_allclose(spc.xmr(peak)[LIMITS].iloc[7], [0.6694159, -2.383666, 3.722497], rtol=5e-7)
    wide = spc.xmr(peak, screen=False)[LIMITS].iloc[19]
    np.testing.assert_allclose(wide, [0.6694159, -4.596625, 5.935457], rtol=5e-7)


def test_each_segment_has_the_limits_nhsrplotthedots_prints():
    # the same, ptd_spc.md: rebased before the 10th of 20; and two facets of ten, which a rebase must equal
    rebased = spc.xmr(NHS_R, rebase=[9])
    np.testing.assert_allclose(rebased[LIMITS].iloc[0], [0.132, -2.80, 3.06], atol=5e-3)
    np.testing.assert_allclose(rebased[LIMITS].iloc[9], [0.149, -3.43, 3.73], atol=5e-3)
    assert rebased["segment"].tolist() == [1] * 9 + [2] * 11
    halves = spc.xmr(NHS_R, rebase=[10])
    np.testing.assert_allclose(halves[LIMITS].iloc[[0, 10]], [[0.0746, -2.60, 2.75], [0.209, -3.28, 3.70]], atol=5e-3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # NIST/SEMATECH e-Handbook 6.3.2.2, flow rate
        ([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1], [50.81, 45.8159, 55.8041]),
        # Montgomery's viscosity, and the water in antifreeze (Wetherill & Brown 1991, 120), as qcc's xbar.one has them
        (
            [33.75, 33.05, 34, 33.81, 33.46, 34.02, 33.68, 33.27, 33.49, 33.20, 33.62, 33, 33.54, 33.12, 33.84],
            [33.52333, 32.24484, 34.80183],
        ),
        (
            [
                *[2.23, 2.53, 2.62, 2.63, 2.58, 2.44, 2.49, 2.34, 2.95, 2.54, 2.60, 2.45, 2.17, 2.58, 2.57, 2.44, 2.38],
                *[2.23, 2.23, 2.54, 2.66, 2.84, 2.81, 2.39, 2.56, 2.70, 3.00, 2.81, 2.77, 2.89, 2.54, 2.98, 2.35, 2.53],
            ],
            [2.569706, 2.031344, 3.108068],
        ),
    ],
)
def test_limits_are_those_of_nist_and_qcc_but_for_their_rounding(values, expected):
    # they divide by 1.128 (2.6596), we multiply by 2.66: the half-width differs by 1.5 parts in 10,000
    found = spc.xmr(values)[LIMITS].iloc[0]
    np.testing.assert_allclose(found, expected, atol=(expected[2] - expected[0]) * 1.6e-4 + 5e-5)


def test_near_lines_lie_at_two_thirds_and_a_baseline_sets_the_limits():
    # 20 steady points: mean 0, mean moving range 2, limits 2 * 2.66 = 5.32, near 2/3 * 5.32 = 3.54667
    chart = after_steady(100, -100)
    expected = [0, -5.32, 5.32, -5.32 * 2 / 3, 5.32 * 2 / 3]
    np.testing.assert_allclose(chart[["centre", "lower", "upper", "near_lower", "near_upper"]].iloc[1], expected)


def test_a_moving_range_of_just_the_screening_limit_is_dropped():
    # moving ranges 1 (nine times) and x at the end: x = 3.267 (9 + x) / 10 gives x = 29.403 / 6.733 = 4.36700...
    ranges = np.array([1] * 9 + [29.403 / 6.733])
    below, above = (np.cumsum([0, *ranges[:9], ranges[9] * factor]) for factor in (0.999, 1.001))
    assert spc.xmr(above)["upper"][0] - spc.xmr(above)["centre"][0] == pytest.approx(2.66)
    assert spc.xmr(below)["upper"][0] - spc.xmr(below)["centre"][0] > 3.5


# --- XmR: rules ---


def test_a_point_is_outside_only_beyond_a_limit():
    assert flagged(after_steady(5.33, 0.5, -5.33, 0.5, 5.31), "outside") == [1, 0, 1, 0, 0]
    assert flagged(after_steady(2 * 2.66), "outside") == [0]  # on it


def test_seven_on_one_side_are_a_run_and_all_are_flagged():
    # NHSRplotthedots, test-ptd_calculate_point_type: six are none, six and a turn are none, eight are flagged
    assert flagged(after_steady(1, 1, 1, 1, 1, 1, -1), "run") == [0] * 7
    assert flagged(after_steady(*[1] * 8, -1), "run") == [1] * 8 + [0]
    assert flagged(after_steady(1, *[-1] * 7), "run") == [0] + [1] * 7
    assert flagged(after_steady(1, 1, 1, 0, 1, 1, 1, 1), "run") == [0] * 8  # a point on the centre ends a run
    assert flagged(after_steady(1, 1, 1, 1, 1, 1, -1, run=6), "run") == [1] * 6 + [0]


def test_seven_strictly_rising_or_falling_are_a_trend_and_all_are_flagged():
    # NHSRplotthedots, as above: 1..6 none; 1..7 yes; c(2, 1:7, 3) and c(2, 7:1, 3) only the seven; c(1:3, 3:6) none
    assert flagged(spc.xmr(range(1, 7)), "trend") == [0] * 6
    assert flagged(spc.xmr(range(1, 8)), "trend") == [1] * 7
    assert flagged(spc.xmr([2, *range(1, 8), 3]), "trend") == [0] + [1] * 7 + [0]
    assert flagged(spc.xmr([2, *range(7, 0, -1), 3]), "trend") == [0] + [1] * 7 + [0]
    assert flagged(spc.xmr([1, 2, 3, 3, 4, 5, 6]), "trend") == [0] * 7
    assert flagged(spc.xmr(range(1, 7), trend=6), "trend") == [1] * 6


def test_two_of_three_near_a_limit_are_flagged_where_all_three_are_on_one_side():
    assert flagged(after_steady(4, 1, 4, -1), "two_of_three") == [1, 0, 1, 0]
    assert flagged(after_steady(4, 4, 1), "two_of_three") == [1, 1, 0]
    assert flagged(after_steady(4, -1, 4), "two_of_three") == [0, 0, 0]
    assert flagged(after_steady(4, 4, -1), "two_of_three") == [0, 0, 0]
    assert flagged(after_steady(1, -4, -4, -1), "two_of_three") == [0, 1, 1, 0]
    assert flagged(after_steady(6, 1, 4, 1), "two_of_three") == [0, 0, 0, 0]  # a point outside is not near
    assert flagged(after_steady(4, 1, 1, 4, 4), "two_of_three") == [0, 0, 0, 1, 1]


def test_two_near_points_on_opposite_sides_are_no_signal_as_nhsrplotthedots_tests():
    # test-ptd_spc_standard.R, "it only reports special cause ... same side of the mean"
    chart = spc.xmr([1, -1] * 7 + [5.5, -5.5])
    assert chart["rule"].tolist()[-2:] == ["", ""]


@pytest.mark.parametrize(
    ("near", "side", "expected"),
    [  # test-ptd_calculate_point_type.R, ptd_part_of_two_in_three and ptd_two_in_three
        ([1, 0, 1], [1, 1, 1], [1, 0, 1]),
        ([0, 1, 1], [1, 1, 1], [0, 1, 1]),
        ([1, 1, 0], [1, 1, 1], [1, 1, 0]),
        ([0, 0, 1, 0, 1, 0, 0], [1] * 7, [0, 0, 1, 0, 1, 0, 0]),
        ([0, 0, 1, 1, 0, 0, 0], [1] * 7, [0, 0, 1, 1, 0, 0, 0]),
        ([1, 0, 0, 1], [1] * 4, [0, 0, 0, 0]),
        ([1, 0, 0, 1, 1], [1] * 5, [0, 0, 0, 1, 1]),
        ([0, 0, 1, 0, 1, 0, 0], [1, -1, 1, -1, 1, -1, 1], [0] * 7),
    ],
)
def test_two_of_three_gives_the_vectors_of_nhsrplotthedots(near, side, expected):
    follows = np.arange(len(near)) > 0
    assert spc_rules._two_of_three(np.array(near) == 1, np.array(side), follows).astype(int).tolist() == expected


def test_the_first_rule_that_holds_names_the_point():
    # outside before trend before two_of_three before run (NHSRplotthedots #180)
    chart = after_steady(0.5, 1, 1.5, 2, 3.6, 3.7, 6)
    assert chart["rule"].tolist() == ["trend"] * 6 + ["outside"]
    assert chart[["run", "trend"]].all(axis=None)
    assert flagged(chart, "two_of_three") == [0, 0, 0, 0, 1, 1, 0]
    assert after_steady(1, 3.6, 3.6, 1, 1, 1, 1)["rule"].tolist() == ["run", *["two_of_three"] * 2, *["run"] * 4]


def test_the_signal_is_by_the_side_of_the_centre_and_for_a_trend_by_its_direction():
    # violence: fewer is better. A fall that starts above the mean is an improvement from its first point on
    fall = after_steady(1.5, 1, 0.5, 0.2, -0.5, -1, -1.5, direction="decrease")
    assert fall["signal"].tolist() == ["improvement"] * 7
    assert after_steady(6, -1, -6, direction="decrease")["signal"].tolist() == ["concern", "", "improvement"]
    assert after_steady(6, -1, -6, direction="increase")["signal"].tolist() == ["improvement", "", "concern"]
    assert after_steady(6, -1, -6)["signal"].tolist() == ["neutral", "", "neutral"]


def test_a_point_where_a_rise_turns_into_a_fall_belongs_to_the_fall():
    # the example of NHSRplotthedots #200: 0..7, then 6..1. Mean 3.5, moving ranges 1: limits 0.84 and 6.16
    chart = spc.xmr([*range(8), *range(6, 0, -1)], direction="increase")
    assert chart["trend"].all()
    assert chart["rule"].tolist() == ["outside", *["trend"] * 6, "outside", *["trend"] * 6]
    assert chart["signal"].tolist() == ["concern", *["improvement"] * 7, *["concern"] * 6]
    wide = spc.xmr([*STEADY, *range(8), *range(6, 0, -1)], direction="increase", screen=False, baseline=None)
    assert wide["signal"].iloc[26] == "improvement"  # 6, still rising
    # the peak itself, inside wide limits: what follows tells
    peak = spc.xmr([9, -9] * 10 + [0, 1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1], baseline=20, direction="increase")
    assert (peak["rule"].iloc[27], peak["signal"].iloc[27]) == ("trend", "concern")


def one_by_one(values):
    """Limits and rules once more, point by point as their wording has them; one segment without gaps."""
    y = [float(value) for value in values]
    ranges = [abs(b - a) for a, b in pairwise(y)]
    usual = sum(ranges) / len(ranges)
    ranges = [r for r in ranges if r < 3.267 * usual]
    mean, half = sum(y) / len(y), 2.66 * sum(ranges) / len(ranges)
    near = [half * 2 / 3 < abs(v - mean) <= half for v in y]
    flags = {name: [False] * len(y) for name in FLAGS} | {"outside": [abs(v - mean) > half for v in y]}
    for start in range(len(y) - 2):
        three, seven = range(start, start + 3), range(start, min(start + 7, len(y)))
        some, full = [y[i] for i in seven], len(seven) == 7
        for i in seven:
            flags["run"][i] |= full and (min(some) > mean or max(some) < mean)
            flags["trend"][i] |= full and (
                all(a < b for a, b in pairwise(some)) or all(a > b for a, b in pairwise(some))
            )
        together = min(some[:3]) > mean or max(some[:3]) < mean
        for i in three:
            flags["two_of_three"][i] |= near[i] and together and sum(near[j] for j in three) >= 2
    return mean, mean - half, mean + half, flags


def test_rules_and_limits_are_those_of_a_plain_reading_point_by_point():
    rng = np.random.default_rng(4)
    seen = dict.fromkeys(FLAGS, 0)
    for number in range(300):
        values = [rng.poisson(5, 40), np.cumsum(rng.normal(size=40)), rng.standard_t(2, 40)][number % 3].astype(float)
        chart, (*limits, flags) = spc.xmr(values), one_by_one(values)
        np.testing.assert_allclose(chart[LIMITS].iloc[0], limits)
        for name in FLAGS:
            assert chart[name].tolist() == flags[name], name
            seen[name] += sum(flags[name])
    assert min(seen.values()) > 200


@needs_reference
@pytest.mark.parametrize("column", ["attendances", "breaches", "admissions"])
def test_real_attendances_are_charted_as_a_plain_reading_has_them(column):
    # one trust that took over another in 2018 (the example of the NHSRplotthedots introduction)
    months = pd.read_csv(REFERENCE / "ae_rrk_type1.csv", parse_dates=["period"])
    chart, (*limits, flags) = spc.xmr(months[column]), one_by_one(months[column])
    np.testing.assert_allclose(chart[LIMITS].iloc[0], limits)
    for name in FLAGS:
        assert chart[name].tolist() == flags[name]
    assert chart["run"].sum() > 20  # as a whole it is two runs
    merger = int(np.flatnonzero(months["period"] == "2018-04-01")[0])
    parts = spc.xmr(months[column], rebase=months["period"].eq("2018-04-01"))
    for part in (slice(None, merger), slice(merger, None)):
        *limits, flags = one_by_one(months[column][part])
        np.testing.assert_allclose(parts[LIMITS][part].iloc[0], limits)
        assert parts["rule"][part].ne("").tolist() == [any(each) for each in zip(*flags.values(), strict=True)]


# --- gaps, segments, edges ---


def test_a_missing_month_ends_runs_and_begins_a_segment_with_limits_of_its_own():
    values = pd.Series([1, 3, 1, 3, None, 11, 15, 11, 15], dtype="Float64", index=list("abcdefghi"))
    chart = spc.xmr(values)
    # 2 +- 2.66 * 2 and 13 +- 2.66 * 4
    np.testing.assert_allclose(chart.loc["a", LIMITS].astype(float), [2, -3.32, 7.32])
    np.testing.assert_allclose(chart.loc["f", LIMITS].astype(float), [13, 2.36, 23.64])
    assert chart["segment"].isna().tolist() == [False] * 4 + [True] + [False] * 4
    assert chart["segment"].dropna().tolist() == [1] * 4 + [2] * 4
    assert chart.loc["e"].isna().all()
    assert chart.index.tolist() == list("abcdefghi")
    rising = spc.xmr([1, 2, 3, 4, np.nan, 5, 6, 7, 8])
    assert not rising["trend"].any()


def test_limits_go_on_across_a_gap_when_asked_and_its_range_is_not_counted():
    # known: 1 3 1 3 | 11 15 11 15, mean 60 / 8 = 7.5, moving ranges 2 2 2 and 4 4 4, mean 3
    chart = spc.xmr([1, 3, 1, 3, np.nan, 11, 15, 11, 15], split_at_gaps=False)
    np.testing.assert_allclose(chart[LIMITS].iloc[8], [7.5, 7.5 - 7.98, 7.5 + 7.98])
    assert chart["segment"].dropna().unique().tolist() == [1]
    gap = [1, 1, 1, np.nan, 1, 1, 1, 1]  # seven on one side, but not in a row
    assert not spc.xmr(STEADY + gap, baseline=20, split_at_gaps=False)["run"].any()


def test_rebase_takes_positions_or_a_boolean_column_and_counts_once_with_a_gap():
    values = pd.Series([1.0, 2, 1, np.nan, 8, 9, 8, 5, 6, 5])
    starts = pd.Series([False] * 3 + [True] + [False] * 3 + [True] + [False] * 2)
    by_column, by_place = spc.xmr(values, rebase=starts), spc.xmr(values, rebase=[3, 7])
    pd.testing.assert_frame_equal(by_column, by_place)
    assert by_place["segment"].dropna().tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    np.testing.assert_allclose(by_place["centre"].dropna().unique(), [4 / 3, 25 / 3, 16 / 3])
    pd.testing.assert_frame_equal(spc.xmr(values, rebase=[0]), spc.xmr(values))  # the first has nothing before it


def test_a_baseline_is_that_of_each_segment():
    chart = spc.xmr([1, 3, 50, 10, 14, 50], rebase=[3], baseline=2)
    np.testing.assert_allclose(chart["centre"], [2, 2, 2, 12, 12, 12])
    np.testing.assert_allclose(chart["upper"], [2 + 5.32] * 3 + [12 + 10.64] * 3)
    assert flagged(chart, "outside") == [0, 0, 1, 0, 0, 1]


def test_a_segment_of_one_point_has_no_limits_and_nobody_knows_whether_it_is_outside():
    # NHSRplotthedots prints NaN limits and no point type for a segment of one (ptd_spc.md, fourth summary)
    chart = spc.xmr([1, 2, 1, np.nan, 99])
    last = chart.iloc[4]
    assert last["centre"] == 99
    assert last[["lower", "upper", "near_lower", "near_upper", "outside", "two_of_three"]].isna().all()
    assert (last["run"], last["rule"], last["signal"]) == (False, "", "")


def test_all_values_equal_have_limits_on_the_centre_and_no_signal():
    for same in (0, 0.1, 1e6 / 3, -7):  # the mean of equal numbers may miss them by its last digit
        chart = spc.xmr([same] * 30)
        np.testing.assert_allclose(chart[LIMITS], same)
        assert (chart["rule"] == "").all()
    assert after_steady(0, 0, 0, 0, 0, 0, 0, 0)["rule"].tolist() == [""] * 8


def test_fewer_than_thirteen_points_give_provisional_limits():
    assert spc.xmr([1, 2] * 6)["provisional"].all()
    assert not spc.xmr([1, 2] * 6 + [1])["provisional"].any()
    assert spc.xmr([1, 2] * 20, baseline=12)["provisional"].all()
    assert spc.xmr([1, 2] * 20, rebase=[30])["provisional"].tolist() == [False] * 30 + [True] * 10


@pytest.mark.parametrize("values", [[], [4], [np.nan] * 3, [1, np.nan, 2]])
def test_a_series_without_two_values_in_a_row_is_refused_in_words_for_people(values):
    with pytest.raises(NotEnoughData, match="needs two values in a row"):
        spc.xmr(values)


def test_wrong_settings_are_refused():
    for settings in ({"direction": "down"}, {"run": 1}, {"trend": 0}, {"baseline": 1}, {"rebase": [99]}):
        with pytest.raises(ValueError, match=r"direction|at least 2|Positions"):
            spc.xmr([1, 2, 3], **settings)
    with pytest.raises(ValueError, match="one row for each value"):
        spc.xmr([1, 2, 3], rebase=[True, False])
    with pytest.raises(ValueError, match="larger than its total"):
        spc.p_chart([3], [2])


def test_inputs_stay_as_they_were():
    values = pd.Series([3.0, None, 5, 6, 1], index=[9, 8, 7, 6, 5])
    total, dates = values + 4, pd.Series(pd.to_datetime(["2024-03-01", "2024-01-01", None, "2024-01-01", "2024-02-01"]))
    kept = values.copy(), total.copy(), dates.copy()
    spc.xmr(values, rebase=[3])
    spc.xmr_many(values, pd.Series([1, 1, 2, 2, 2]))
    spc.p_chart(values, total)
    spc.u_chart(values, total)
    spc.run_chart(values)
    spc.t_chart(dates)
    spc.g_chart(dates)
    spc.choose(dates=dates)
    for before, now in zip(kept, (values, total, dates), strict=True):
        pd.testing.assert_series_equal(before, now)


# --- many series at once ---


def test_many_series_are_charted_as_each_alone_whatever_the_order_of_rows():
    rng = np.random.default_rng(7)
    rows = pd.DataFrame({"area": np.repeat(list("abcdef"), 40), "group": np.tile(np.repeat([1, 2], 20), 6)})
    rows["n"] = np.where(rng.random(240) < 0.05, np.nan, rng.poisson(6, 240) * (1 + (rng.random(240) < 0.05) * 4))
    rows["cause"] = rng.random(240) < 0.03
    rows = rows.iloc[np.argsort(np.tile(np.arange(20), 12), kind="stable")]  # month by month, all series mixed
    found = spc.xmr_many(rows["n"], rows[["area", "group"]], rebase=rows["cause"], direction="decrease")
    assert found.index.equals(rows.index)
    for _, part in rows.groupby(["area", "group"]):
        alone = spc.xmr(part["n"], rebase=part["cause"], direction="decrease")
        pd.testing.assert_frame_equal(found.loc[part.index], alone)
    assert found["segment"].max() > 2


def test_a_series_too_short_for_limits_does_not_stop_the_others():
    found = spc.xmr_many([1, 2, 1, 5, np.nan], ["a", "a", "a", "b", "c"])
    assert found["upper"].notna().tolist() == [True] * 3 + [False] * 2
    assert found["outside"].isna().tolist() == [False] * 3 + [True] * 2
    with pytest.raises(ValueError, match="one row for each value"):
        spc.xmr_many([1, 2], ["a"])


def test_no_rows_give_no_rows():
    assert spc.xmr_many(pd.Series(dtype=float), pd.Series(dtype=str)).empty


# --- p and u ---


@needs_reference
def test_the_p_chart_of_orange_juice_cans_is_that_of_qcc():
    # qcc (Scrucca 2004), summary of its orangejuice example: all trial samples, then without the 15th and 23rd
    cans = pd.read_csv(REFERENCE / "orangejuice_trial.csv")
    chart = spc.p_chart(cans["D"], cans["size"])
    np.testing.assert_allclose(chart[LIMITS].iloc[3], [0.2313333, 0.05242755, 0.4102391], rtol=5e-7)
    assert np.flatnonzero(chart["outside"]).tolist() == [14, 22]
    fewer = cans.drop(index=[14, 22])
    chart = spc.p_chart(fewer["D"], fewer["size"])
    np.testing.assert_allclose(chart[LIMITS].iloc[3], [0.215, 0.04070284, 0.3892972], rtol=5e-7)
    assert np.flatnonzero(chart["outside"]).tolist() == [19]
    assert chart.index.equals(fewer.index)


def test_a_p_chart_widens_where_fewer_are_counted_and_stays_within_nought_and_one():
    # p = 30 / 60 = 0.5, spread 0.5: of 36, 3 * 0.5 / 6 = 0.25; of 4, 3 * 0.5 / 2 = 0.75, cut at 0 and 1
    chart = spc.p_chart([18, 10, 2], [36, 20, 4])
    np.testing.assert_allclose(chart["centre"], 0.5)
    np.testing.assert_allclose(chart[["lower", "upper"]].iloc[[0, 2]], [[0.25, 0.75], [0, 1]])
    # two thirds of the way before the cut: 0.5 +- 0.1667; 0.5 +- 0.5
    np.testing.assert_allclose(chart[["near_lower", "near_upper"]].iloc[[0, 2]], [[1 / 3, 2 / 3], [0, 1]])


@needs_reference
def test_the_u_chart_of_computers_is_montgomery_s():
    # Montgomery (1991), 181-182, qcc's pcmanufact: 193 faults in 20 samples of 5 computers. u = 193 / 100 = 1.93;
    # 3 sqrt(1.93 / 5) = 3 * 0.621289 = 1.863867: 0.066133 and 3.793867
    faults = pd.read_csv(REFERENCE / "pcmanufact.csv")
    chart = spc.u_chart(faults["x"], faults["size"])
    np.testing.assert_allclose(chart[LIMITS], [[1.93, 0.066133, 3.793867]] * 20, atol=5e-7)
    assert not chart["outside"].any()


def test_u_limits_follow_the_exposure_and_a_month_without_any_is_a_gap():
    # 12 events in 4 units, u = 3; in 1 unit 3 sqrt(3) = 5.196, cut at 0; in 3 units 3
    chart = spc.u_chart(pd.Series([3, 9, 5, 4]), [1, 3, 0, 1])
    np.testing.assert_allclose(chart[LIMITS].iloc[[0, 1]], [[3, 0, 3 + 5.196152], [3, 0, 6]], rtol=1e-6)
    assert chart.iloc[2].isna().all()
    np.testing.assert_allclose(chart[LIMITS].iloc[3], [4, 0, 10])
    assert chart["segment"].tolist()[3] == 2


@pytest.mark.parametrize("function", [spc.p_chart, spc.u_chart])
def test_shares_and_rates_of_nothing_are_refused_and_of_no_events_are_nought(function):
    with pytest.raises(NotEnoughData, match="cases to divide by"):
        function([0, 0], [0, np.nan])
    chart = function([0] * 9, [5] * 9)
    assert (chart[["value", *LIMITS]] == 0).all(axis=None)
    assert (chart["rule"] == "").all()


# --- rare events ---


def days_apart(gaps):
    return pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum([0, *gaps]), unit="D"))


def test_the_t_chart_is_an_xmr_chart_of_the_roots_put_back_to_days():
    # roots 1, 2, 3, 2: mean 2, moving ranges 1, limits 2 +- 2.66: to days 0 and 4.66^3.6; near lines 2 +- 1.7733
    chart = spc.t_chart(days_apart(np.array([1, 2, 3, 2]) ** 3.6))
    assert chart.iloc[0].isna().all()
    np.testing.assert_allclose(chart["value"].iloc[1:], np.array([1, 2, 3, 2]) ** 3.6)
    expected = [2**3.6, 0, 4.66**3.6, 0.2266667**3.6, 3.7733333**3.6]
    np.testing.assert_allclose(chart[[*LIMITS, "near_lower", "near_upper"]].iloc[4], expected, rtol=1e-5)


def test_the_g_chart_has_benneyan_s_limits_and_tells_sides_from_the_median():
    # days 0, 3, 1, 14, 2: mean 4, 4 + 3 sqrt(4 * 5) = 17.416, near 4 + 2 sqrt(20) = 12.944; median 2
    chart = spc.g_chart(days_apart([0, 3, 1, 14, 2]))
    assert chart["value"].tolist()[1:] == [0, 3, 1, 14, 2]
    expected = [4, 0, 17.416408, 0, 12.944272, 2]
    np.testing.assert_allclose(
        chart[[*LIMITS, "near_lower", "near_upper", "median"]].iloc[3], expected, atol=5e-7
    )  # fmt: skip
    # days 3 with one of 60 among them: all below the mean, none below the median
    assert not spc.g_chart(days_apart([3] * 9 + [60] + [3] * 9))["run"].any()
    assert spc.g_chart(days_apart([9] * 8 + [1] * 8))["run"].sum() == 16


def test_g_charts_count_midnights_and_t_charts_hours():
    when = pd.to_datetime(["2024-01-01 23:00", "2024-01-02 01:00", "2024-01-02 05:00", "2024-01-04 05:00"])
    assert spc.g_chart(when)["value"].tolist()[1:] == [1, 0, 2]
    np.testing.assert_allclose(spc.t_chart(when)["value"].iloc[1:], [2 / 24, 4 / 24, 2])


def test_a_day_in_spring_with_23_hours_is_a_day():
    when = pd.Series(pd.to_datetime(["2024-03-30", "2024-03-31", "2024-04-01", "2024-04-03"])).dt.tz_localize(
        "Europe/London"
    )
    assert spc.t_chart(when)["value"].tolist()[1:] == [1, 1, 2]
    assert spc.g_chart(when)["value"].tolist()[1:] == [1, 1, 2]


@pytest.mark.parametrize("function", [spc.t_chart, spc.g_chart])
def test_events_are_charted_in_order_of_time_and_answered_in_the_order_given(function):
    dates = days_apart([5, 9, 2, 30, 7, 1, 12])
    mixed = dates.iloc[[3, 0, 7, 1, 6, 2, 5, 4]]
    mixed.loc[99] = pd.NaT  # undated: passed over
    found, expected = function(mixed), function(dates)
    assert found.index.tolist() == mixed.index.tolist()
    assert found.loc[99].isna().all()
    pd.testing.assert_frame_equal(found.drop(index=99).sort_index(), expected)


def test_a_named_cause_gives_rare_events_new_limits():
    dates = days_apart([4, 6, 4, 6, 40, 60, 40])
    chart = spc.g_chart(dates, rebase=[5])
    assert chart["segment"].dropna().tolist() == [1] * 4 + [2] * 3
    np.testing.assert_allclose(chart["centre"].dropna().unique(), [5, 140 / 3])
    assert spc.t_chart(dates, rebase=[5])["segment"].dropna().tolist() == [1] * 4 + [2] * 3
    fewer = spc.t_chart(days_apart([4, 6] * 4 + [900]), direction="increase", baseline=8)
    assert fewer["signal"].tolist()[-1] == "improvement"


def test_too_few_events_are_refused_in_words_for_people():
    with pytest.raises(NotEnoughData, match="at least three dated events"):
        spc.t_chart(days_apart([4]))
    with pytest.raises(NotEnoughData, match="at least two dated events"):
        spc.g_chart(pd.to_datetime(["2024-01-01"]))
    assert spc.g_chart(days_apart([3]))["upper"].iloc[1] == pytest.approx(3 + 3 * np.sqrt(12))


@pytest.mark.parametrize("empty", [[], [pd.NaT, pd.NaT]])
def test_no_dated_event_is_refused(empty):
    for function in (spc.t_chart, spc.g_chart):
        with pytest.raises(NotEnoughData):
            function(empty)


# --- run chart ---


@pytest.mark.parametrize(
    ("n", "longest", "fewest"),
    # qicharts2, vignette, appendix 2 (Anhøj): upper limit for the longest run, lower limit for crossings
    [(10, 6, 2), (11, 6, 2), (12, 7, 3), (14, 7, 4), (17, 7, 5), (20, 7, 6), (22, 7, 7), (23, 8, 7), (24, 8, 8),
     (27, 8, 9), (30, 8, 10), (36, 8, 13), (45, 8, 17), (46, 9, 17), (60, 9, 23), (72, 9, 29), (84, 9, 34)],
)  # fmt: skip
def test_run_chart_limits_are_those_anhoej_tabulates(n, longest, fewest):
    values = [-1] * (n // 2) + [0, 0] + [1] * (n - n // 2)  # n useful points about a median of 0
    found = spc.run_chart(values).iloc[0]
    assert (found["n"], found["longest_run_limit"], found["crossings_limit"]) == (n, longest, fewest)
    assert (found["longest_run"], found["crossings"], found["median"]) == (n - n // 2, 1, 0)


@needs_reference
@pytest.mark.parametrize("column", ["y", "y2"])
def test_the_run_chart_of_a_series_with_and_without_a_shift_counts_as_by_hand(column):
    # about their medians, y: -+--+-+---+++-+--++-+-++ and y2 (its second half 6 higher): ----+-+----+++++-++-+-++
    values = pd.read_csv(REFERENCE / "qic_series.csv")[column]
    found = spc.run_chart(values).iloc[0]
    counted = {"y": (49.545, 3, 15), "y2": (53.595, 5, 11)}[column]
    assert (found["median"], found["longest_run"], found["crossings"]) == pytest.approx(counted)
    # qicharts2, vignette: of 24 points a run of more than 8, or fewer than 8 crossings, would tell a shift
    assert (found["longest_run_limit"], found["crossings_limit"], found["shifted"]) == (8, 8, False)


def test_a_run_longer_or_crossings_fewer_than_the_limits_are_a_shift():
    long_run = [1, -1] * 7 + [1] * 9 + [-1] * 9  # 32 points: a run of 9 (limit 8), 15 crossings (limit 11)
    few_crossings = ([1] * 4 + [-1] * 4) * 3  # 24 points: 5 crossings (limit 8), runs of 4
    for values in (long_run, few_crossings):
        assert spc.run_chart(values)["shifted"][0]
    assert not spc.run_chart([1, -1] * 12)["shifted"][0]


def test_run_charts_pass_over_missing_values_and_those_on_the_median():
    found = spc.run_chart(pd.Series([1, 9, None, 5, 9, 9, 1, 5, 1], dtype="Float64")).iloc[0]
    # about 5: 1 | 9 9 9 | 1 1: longest 3, crossings 2
    assert (found["median"], found["n"], found["longest_run"], found["crossings"]) == (5, 6, 3, 2)
    for nothing in ([], [3, 3, 3], [np.nan]):
        with pytest.raises(NotEnoughData, match="either side of their median"):
            spc.run_chart(nothing)


# --- assurance ---


@pytest.mark.parametrize(
    ("direction", "lower", "upper", "expected"),
    # NHSRplotthedots, test-ptd_calculate_assurance_type.R: target 4
    [("increase", 1, 3, "fails"), ("increase", 5, 7, "passes"), ("increase", 1, 5, "hit_and_miss"),
     ("decrease", 1, 3, "passes"), ("decrease", 5, 7, "fails"), ("decrease", 1, 5, "hit_and_miss"),
     ("decrease", 4, 7, "hit_and_miss"), ("increase", 1, 4, "hit_and_miss")],
)  # fmt: skip
def test_assurance_is_that_of_nhsrplotthedots(direction, lower, upper, expected):
    chart = pd.DataFrame({"value": [9.0, 2, None], "lower": [0.0, lower, None], "upper": [9.0, upper, None]})
    found = spc.assurance(chart, 4, direction).iloc[0]
    assert found.index[found.astype(bool)].tolist() == [expected]
    assert found.index.tolist() == ["passes", "fails", "hit_and_miss"]


def test_assurance_is_unknown_without_a_better_way_a_target_or_limits():
    chart = spc.xmr([1, 2, 1, 2])
    for given in ((chart, 4, "neutral"), (chart, np.nan, "increase"), (chart.iloc[:0], 4, "increase")):
        assert spc.assurance(*given).isna().all(axis=None)
    alone = spc.xmr([1, 2, 1, np.nan, 99])  # the last segment has no limits, and those before do not speak for it
    assert spc.assurance(alone, 4, "increase").isna().all(axis=None)
    assert spc.assurance(spc.xmr([1, 2, 1, 2, 90, 92, 90], rebase=[4]), 50, "increase")["passes"].all()


# --- which chart ---


def test_the_chart_is_chosen_by_count_with_the_reason_as_a_sentence():
    chosen = spc.choose([5] * 13).iloc[0]
    assert (chosen["chart"], chosen["n"]) == ("XmR", 13)
    assert chosen["reason"] == "65 events in 13 months, 5 or more on average: enough to chart the monthly counts."
    assert spc.choose([9] * 12)["reason"][0] == "108 events in 12 months; a chart needs at least 13 points."
    months = pd.Series([4, None, 5, 5, 5] * 5, dtype="Int64")  # 95 in the 20 known
    chosen = spc.choose(months).iloc[0]
    assert chosen["chart"] == "too few to chart"
    assert chosen["reason"] == (
        "95 events in 20 months, fewer than 5 on average, and the days of the events are not known; "
        "a chart needs at least 13 points."
    )
    assert spc.choose(months, dates=days_apart([6] * 12))["chart"][0] == "too few to chart"
    assert spc.choose(months, dates=days_apart([6] * 13))["chart"][0] == "T"
    assert spc.choose(dates=days_apart([30] * 13))["chart"][0] == "T"
    assert spc.choose(dates=days_apart([30] * 12 + [0]))["chart"][0] == "G"
    assert spc.choose(dates=days_apart([30] * 12 + [0.3]))["chart"][0] == "T"  # the same day, hours apart
    assert spc.choose(dates=days_apart([5] * 100))["chart"][0] == "XmR"
    assert spc.choose(dates=[])["chart"][0] == "too few to chart"
    with pytest.raises(ValueError, match="monthly counts, the dates"):
        spc.choose()


# --- chance ---


def false_alarms(draw, months=24, series=4_000, seed=1, **settings) -> pd.Series:
    """Of ordinary series, in what share does each rule signal at all; and what share of points (`points`) is flagged?

    draw : a generator and a shape (series, months) to values of a process in which nothing happens.
    """
    values = draw(np.random.default_rng(seed), (series, months)).astype(float).ravel()
    chart = spc.xmr_many(values, np.repeat(np.arange(series), months), **settings)
    flags = chart[FLAGS].astype(bool).assign(any=chart["rule"] != "")
    shares = flags.groupby(np.repeat(np.arange(series), months)).any().mean()
    return pd.concat([shares, pd.Series({"points": flags["any"].mean(), "outside_points": flags["outside"].mean()})])


def normal(rng, shape):
    return rng.normal(100, 10, shape)


def poisson(mean, season=0.0):
    return lambda rng, shape: rng.poisson(mean * (1 + season * np.sin(2 * np.pi * np.arange(shape[1]) / 12)), shape)


def test_points_of_a_long_normal_series_are_outside_as_often_as_shewhart_says():
    # beyond 2.66 mean ranges = 3.0005 standard deviations: 0.27%. Screening drops the ranges beyond 3.267 * 1.128 sd,
    # of which E[range; range > c] = 2 sqrt(2) phi(c / sqrt 2): the limits come in to 2.93 sd, 0.34%
    d2 = 2 / np.sqrt(np.pi)
    beyond = 3.267 * d2 / np.sqrt(2)
    inner = (d2 - 2 * np.sqrt(2) * stats.norm.pdf(beyond)) / (1 - 2 * stats.norm.sf(beyond))
    for screen, usual in ((False, d2), (True, inner)):
        expected = 2 * stats.norm.sf(2.66 * usual)
        found = false_alarms(normal, months=2_000, series=200, screen=screen)["outside_points"]
        assert found == pytest.approx(expected, abs=4 * np.sqrt(expected / 400_000) + 2e-5)


def test_points_of_a_long_even_series_are_in_a_run_of_seven_as_often_as_halving_says():
    # a point lies in a run of length L with probability L / 2^(L + 1); summed over L of 7 and more: 8 / 2^7 = 6.25%
    values = np.random.default_rng(2).normal(size=400_000)
    assert spc.xmr(values)["run"].mean() == pytest.approx(0.0625, abs=0.002)


def test_ordinary_series_signal_about_as_often_as_the_methods_page_says():
    # figures of docs/methods.md, from 20,000 series: some signal at all, 24 and 84 months
    stated = [(normal, 0.19, 0.60), (poisson(50), 0.19, 0.61), (poisson(3), 0.28, 0.78), (poisson(50, 0.2), 0.72, 0.99)]
    for draw, short, long in stated:
        assert false_alarms(draw)["any"] == pytest.approx(short, abs=0.03)
        assert false_alarms(draw, months=84, series=2_000)["any"] == pytest.approx(long, abs=0.04)
    # small counts are skewed: more above the upper limit; and ties break trends
    few, many = false_alarms(poisson(3)), false_alarms(normal)
    assert few["outside_points"] > 1.4 * many["outside_points"]
    assert few["trend"] < many["trend"]


def test_a_shift_of_one_standard_deviation_half_way_is_found_far_more_often_than_chance_signals():
    def shifted(rng, shape):
        return normal(rng, shape) + 10 * (np.arange(shape[1]) >= shape[1] / 2)

    assert false_alarms(shifted)["any"] > 2 * false_alarms(normal)["any"]


def test_real_months_vary_by_more_than_chance_and_make_u_charts_of_large_areas_cry_wolf():
    rng = np.random.default_rng(6)
    level = 1_000 * rng.gamma(100, 0.01, (200, 24))  # a standard deviation of a tenth, beyond chance
    wild = [spc.u_chart(rng.poisson(each), np.ones(24))["outside"].any() for each in level]
    calm = [spc.u_chart(rng.poisson(1_000, 24), np.ones(24))["outside"].any() for _ in level]
    assert np.mean(wild) > 0.95
    assert np.mean(calm) < 0.12


def test_spans_between_random_events_are_outside_a_t_chart_as_often_as_the_weibull_says():
    # roots of exponential times are Weibull with shape 3.6: mean m = Gamma(1 + 1/3.6), mean range 2 m (1 - 2^(-1/3.6))
    root = stats.weibull_min(3.6)
    half = 2.66 * 2 * root.mean() * (1 - 2 ** (-1 / 3.6))
    expected = root.sf(root.mean() + half) + root.cdf(root.mean() - half)
    assert expected == pytest.approx(0.0007, abs=5e-5)
    gaps = np.random.default_rng(3).exponential(10, 200_000)
    dates = pd.Series(pd.Timestamp("1700-01-01") + pd.to_timedelta(np.cumsum(gaps) / 100, unit="D"))
    found = spc.t_chart(dates, screen=False)["outside"].mean()
    assert found == pytest.approx(expected, abs=4 * np.sqrt(expected / 200_000) + 5e-5)


def test_geometric_spans_are_above_a_g_chart_as_often_as_the_geometric_says():
    # mean 10: beyond 10 + 3 sqrt(110) = 41.46 with probability (10 / 11)^42 = 1.83%
    gaps = np.random.default_rng(5).geometric(1 / 11, 9_000) - 1
    found = spc.g_chart(days_apart(gaps))["outside"].mean()
    assert found == pytest.approx((10 / 11) ** 42, abs=4 * np.sqrt(0.0183 / 9_000))
