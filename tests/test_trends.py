"""Change over time: sums by hand, planted changes, and how often a month without change is called ordinary."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics import trends

REAL = Path(__file__).parents[1] / ".." / "shared" / "real"
REFUSED = ["expected", "expected_lower", "expected_upper", "position"]


def monthly(n, start: str = "2018-01-01") -> pd.DataFrame:
    return pd.DataFrame({"month": pd.date_range(start, periods=len(n), freq="MS"), "n": np.asarray(n, dtype=float)})


# --- the range a month is expected in ---------------------------------------------------------------------------------


def test_a_flat_series_is_expected_to_stay_where_it_is():
    last = trends.expected_range(monthly([100] * 60)).iloc[-1]
    assert last["expected"] == pytest.approx(100, abs=0.1)  # half an event a year more, by design
    # Poisson would give 81 to 120; a level known from twelve months only makes it a little wider
    assert 76 <= last["expected_lower"] <= 81 and 120 <= last["expected_upper"] <= 125
    assert (last["position"], last["method"]) == ("inside", "seasonal level, negative binomial 95%")


def test_a_season_that_repeats_is_expected_again():
    year = np.array([800, 850, 900, 1000, 1100, 1200, 1300, 1200, 1000, 950, 900, 800])
    answer = trends.expected_range(monthly(np.tile(year, 5))).iloc[24:]
    # drawn a little towards no season, but by less than half a per cent where the season is this plain
    np.testing.assert_allclose(answer["expected"], np.tile(year, 3), rtol=0.01)
    np.testing.assert_allclose(answer["expected"].iloc[-12:], year, rtol=0.005)
    assert (answer["position"] == "inside").all()


def test_season_that_chance_explains_is_mostly_ignored():
    rng = np.random.default_rng(8)
    answer = trends.expected_range(monthly(rng.poisson(20, 48)))
    raw = answer["n"].iloc[[0, 12, 24]].mean()  # what three Januaries alone would say
    january = answer["expected"].iloc[36]
    level = answer["n"].iloc[24:36].mean()
    assert abs(january - level) < 0.5 * abs(raw - level)


def test_growth_within_a_year_is_not_taken_for_season():
    # 1% a month and no season: the level is that of the twelve months before, 6.5 months ago, so the month is 6.5% up
    grown = 2000 * 1.01 ** np.arange(72)
    answer = trends.expected_range(monthly(grown)).iloc[36:]
    np.testing.assert_allclose(answer["expected"] * 1.01**6.5, answer["n"], rtol=0.003)


def test_a_month_is_judged_by_earlier_months_alone():
    rng = np.random.default_rng(1)
    n = rng.poisson(50, 60)
    changed = n.copy()
    changed[40:] *= 9
    before, after = (trends.expected_range(monthly(values)).iloc[:41] for values in (n, changed))
    columns = ["expected", "expected_lower", "expected_upper", "method"]
    pd.testing.assert_frame_equal(before[columns], after[columns])


def test_a_planted_step_is_above_and_a_planted_fall_is_below():
    rng = np.random.default_rng(6)
    n = rng.poisson(100 * (1 + 0.2 * np.cos(np.arange(60) / 12 * 2 * np.pi)))
    for factor, position in ((1.6, "above"), (0.5, "below")):
        planted = n.copy()
        planted[48] = round(n[48] * factor)
        assert trends.expected_range(monthly(planted))["position"][48] == position


def test_with_24_earlier_months_there_is_a_range_and_with_23_a_reason():
    answer = trends.expected_range(monthly([30] * 26))
    assert answer.loc[:23, REFUSED].isna().all(axis=None)
    assert (answer.loc[:23, "method"] == "fewer than 24 earlier months").all()
    assert answer.loc[24:, REFUSED].notna().all(axis=None)


@pytest.mark.parametrize(("gaps", "given"), [(3, True), (4, False)])
def test_three_gaps_in_the_last_twelve_months_leave_a_range_and_four_do_not(gaps, given):
    table = monthly([30] * 49)
    table.loc[48 - gaps : 47, "n"] = None
    last = trends.expected_range(table).iloc[-1]
    assert pd.notna(last["expected"]) == given
    assert (last["method"] == "more than 3 gaps in the 12 months before") != given


def test_a_month_without_a_row_is_the_same_gap_as_a_month_without_a_count():
    rng = np.random.default_rng(7)
    table = monthly(rng.poisson(40, 60))
    table.loc[[20, 45], "n"] = None
    answer, absent = trends.expected_range(table), trends.expected_range(table.dropna())
    pd.testing.assert_frame_equal(answer.drop(index=[20, 45]), absent)
    assert pd.isna(answer.loc[45, "position"]) and pd.notna(answer.loc[45, "expected"])


def test_rows_keep_order_and_index_and_the_input_is_left_alone():
    table = monthly(np.random.default_rng(3).poisson(40, 40)).sample(frac=1, random_state=1)
    before = table.copy()
    answer = trends.expected_range(table)
    pd.testing.assert_frame_equal(answer[["month", "n"]], table)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(answer.sort_index(), trends.expected_range(table.sort_index()))
    assert trends.expected_range(table[:0]).empty


def test_a_series_of_zeros_expects_none_and_one_event_is_no_alarm():
    table = monthly([0] * 47 + [1])
    answer = trends.expected_range(table)
    assert answer["expected"].iloc[-1] == pytest.approx(0.5 / 12, rel=1e-3)  # half an event a year
    assert (answer["position"].iloc[24:] == "inside").all()
    assert trends.expected_range(monthly([0] * 47 + [4]))["position"].iloc[-1] == "above"


def test_what_is_not_one_series_of_months_is_refused():
    table = monthly([1, 2, 3])
    with pytest.raises(ValueError, match="more than one row"):
        trends.expected_range(pd.concat([table, table]))
    with pytest.raises(ValueError, match="no month"):
        trends.expected_range(table.assign(month=table["month"].where(table.index > 0)))
    with pytest.raises(ValueError, match="at least 24"):
        trends.expected_range(table, history=12)


# Coverage by simulation: the share of months inside a 95% range, when nothing has changed.
# The last three are not so kind: growth of 5% a year, a level that wanders by 2% a month, and one count in eight lost.
WORLDS = {
    "few": {"mean": 4, "season": 0.2, "spread": 1},
    "Poisson": {"mean": 50, "season": 0.2, "spread": 1},
    "twice as spread": {"mean": 50, "season": 0.2, "spread": 2},
    "four times as spread": {"mean": 400, "season": 0.3, "spread": 4},
    "no season": {"mean": 100, "season": 0.0, "spread": 3},
    "growth": {"mean": 200, "season": 0.2, "spread": 2, "growth": 0.05},
    "wandering": {"mean": 1000, "season": 0.2, "spread": 2, "wander": 0.02},
    "gaps": {"mean": 50, "season": 0.2, "spread": 2, "lost": 1 / 8},
}


def simulated(rng, *, mean, season, spread, growth=0.0, wander=0.0, lost=0.0, months=84) -> pd.DataFrame:
    when = np.arange(months)
    level = mean * (1 + season * np.cos((when + rng.integers(12)) / 12 * 2 * np.pi)) * np.exp(growth / 12 * when)
    level = level * np.exp(np.cumsum(rng.normal(0, wander, months)) if wander else 0)
    n = rng.poisson(level) if spread == 1 else rng.negative_binomial(level / (spread - 1), 1 / spread)
    return monthly(np.where(rng.random(months) < lost, np.nan, n))


def coverage(world: dict, series: int, seed: int = 20) -> pd.Series:
    """Share of months below, inside and above, of so many series of seven years."""
    rng = np.random.default_rng(seed)
    positions = [trends.expected_range(simulated(rng, **world))["position"].dropna() for _ in range(series)]
    return pd.concat(positions).value_counts(normalize=True)


@pytest.mark.parametrize("world", WORLDS)
def test_nineteen_months_in_twenty_fall_inside_when_nothing_has_changed(world):
    shares = coverage(WORLDS[world], series=100)
    # 100 series of some 60 months: a standard error of 0.3 points. Few events cannot be cut at 95%: whole numbers
    assert 0.93 <= shares["inside"] <= (0.99 if world == "few" else 0.975)
    assert shares.drop("inside").max() <= 0.05


def test_a_wider_confidence_covers_more():
    rng = np.random.default_rng(9)
    table = simulated(rng, mean=80, season=0.2, spread=2)
    narrow, wide = (trends.expected_range(table, confidence=level).iloc[24:] for level in (0.8, 0.998))
    assert (wide["expected_upper"] > narrow["expected_upper"]).all()
    assert (wide["expected_lower"] < narrow["expected_lower"]).all()
    assert wide["method"].iloc[0] == "seasonal level, negative binomial 99.8%"


@pytest.mark.real
def test_nine_months_in_ten_of_knife_admissions_in_england_fall_inside():
    book = REAL / "health" / "HES_assault_sharp_object_region_month_2012-13_2021-22.xlsx"
    if not book.exists():
        pytest.skip("../shared is not here")
    n = pd.read_excel(book, sheet_name="UK_Stabbings_Totals", engine="openpyxl")["Monthly_Episodes"]
    answer = trends.expected_range(monthly(n, "2012-04-01")).iloc[24:]
    # ten years with a rise to 2018 and the lockdowns of 2020: what lies outside ought to
    assert 0.85 <= (answer["position"] == "inside").mean() <= 0.98
    lockdown = answer[answer["month"].between("2020-04-01", "2020-05-31")]
    assert (lockdown["position"] == "below").any()


# --- sums and comparisons ---------------------------------------------------------------------------------------------


def test_a_rolling_year_is_missing_until_it_is_whole_and_while_it_has_a_gap():
    table = monthly(range(1, 31))
    table.loc[14, "n"] = None
    total = trends.rolling_sum(table)["rolling_sum"]
    assert total[:11].isna().all() and total[11] == 78  # 1 + ... + 12
    assert total[13] == 78 + 13 + 14 - 1 - 2
    assert total[14:26].isna().all() and total[26] == sum(range(16, 28))
    without_row = trends.rolling_sum(table.drop(index=14))["rolling_sum"]
    pd.testing.assert_series_equal(without_row, total.drop(14))
    assert trends.rolling_sum(table, window=3)["rolling_sum"][2] == 6


def test_change_says_higher_lower_or_neither():
    # the interval of equal counts of 100 is 0.752 to 1.330 (exact conditional); 150 against 100: 1.157 to 1.952
    answer = trends.change([100, 150, 100], [100, 100, 150])
    assert answer["verdict"].to_list() == ["no clear change", "higher", "lower"]
    assert answer["ratio"].to_list() == pytest.approx([1, 1.5, 2 / 3])
    assert answer.loc[1, ["now", "before"]].to_list() == [150, 100]


def test_change_takes_the_exposure_into_account():
    assert trends.change(150, 100, 3.0, 2.0)["ratio"][0] == pytest.approx(1)


def test_four_events_are_too_few_and_five_are_not():
    answer = trends.change([4, 30, 5, 0], [30, 4, 30, 0])
    assert answer["verdict"].to_list() == ["too few", "too few", "lower", "too few"]
    assert answer["ratio"].notna().to_list() == [False, False, True, False]
    assert trends.change([None, 30], [30, None])[["ratio", "verdict"]].isna().all(axis=None)


def test_the_same_months_a_year_before():
    table = monthly(range(1, 25))
    row = trends.same_period_last_year(table, "2019-03-15", "2019-05-01").iloc[0]
    # March to May 2019 are months 15, 16, 17; a year before 3, 4, 5
    assert (row["now"], row["before"], row["months"]) == (48, 12, 3)
    assert (row["months_now"], row["months_before"], row["comparable"]) == (3, 3, True)


def test_a_gap_in_either_year_is_not_comparable():
    table = monthly(range(1, 25))
    for lost in (15, 3):  # April of either year
        row = trends.same_period_last_year(table.drop(index=lost), "2019-03-01", "2019-05-31").iloc[0]
        assert not row["comparable"] and sorted([row["months_now"], row["months_before"]]) == [2, 3]
    row = trends.same_period_last_year(table, "2018-03-01", "2018-03-31").iloc[0]
    assert row["now"] == 3 and pd.isna(row["before"]) and row["months_before"] == 0 and not row["comparable"]
    assert trends.same_period_last_year(table[:0], "2018-03-01", "2018-03-31")["now"].isna().all()
    with pytest.raises(ValueError, match="ends before"):
        trends.same_period_last_year(table, "2019-03-01", "2019-01-01")
