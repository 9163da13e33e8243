"""Uncertain times shared out over the hours of the week, against sums by hand and minute by minute."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics import temporal

REFERENCE = Path(__file__).parents[1] / ".." / "shared" / "reference"
MONDAY, SATURDAY, SUNDAY = 0, 5, 6


def weights_of(start: str, end: str, **settings) -> dict[tuple[int, int], float]:
    row = temporal.aoristic_weights([start], [end], **settings).toarray()[0]
    return {divmod(int(hour), 24): float(row[hour]) for hour in np.flatnonzero(row)}


def test_a_span_is_shared_out_by_the_minutes_in_each_hour():
    # Washington DC burglary: Saturday 2 January 2016, 06:30 to 07:38; 30 and 38 of 68 minutes
    assert weights_of("2016-01-02 06:30", "2016-01-02 07:38") == pytest.approx(
        {(SATURDAY, 6): 30 / 68, (SATURDAY, 7): 38 / 68}
    )


def test_a_span_over_the_end_of_the_week_goes_on_at_its_beginning():
    # Sunday 3 January 2016, 23:15 to 00:15
    assert weights_of("2016-01-03 23:15", "2016-01-04 00:15") == {(SUNDAY, 23): 0.75, (MONDAY, 0): 0.25}


def test_an_instant_lies_in_its_hour_and_an_end_on_the_hour_does_not_touch_the_next():
    assert weights_of("2016-01-04 00:00", "2016-01-04 00:00") == {(MONDAY, 0): 1}
    assert weights_of("2016-01-04 00:59:59.999", "2016-01-04 00:59:59.999") == {(MONDAY, 0): 1}
    assert weights_of("2016-01-04 20:00", "2016-01-04 21:00") == {(MONDAY, 20): 1}
    assert temporal.aoristic_weights(["2016-01-04 20:00"], ["2016-01-04 21:00"]).nnz == 1


def test_a_span_of_weeks_falls_on_every_hour_and_once_more_on_what_is_left_over():
    # four weeks and 12 hours from Monday 00:00: 684 hours, five in each hour of Monday morning, four in every other
    weeks = weights_of("2024-01-01 00:00", "2024-01-29 12:00")
    assert len(weeks) == 168 and sum(weeks.values()) == pytest.approx(1)
    assert weeks[MONDAY, 11] == pytest.approx(5 / 684) and weeks[MONDAY, 12] == pytest.approx(4 / 684)
    one = weights_of("2024-01-03 07:20", "2024-01-10 07:20")
    assert len(one) == 168 and list(one.values()) == pytest.approx([1 / 168] * 168)


def test_what_cannot_be_placed_is_an_empty_row_and_told():
    starts = pd.to_datetime(["2024-01-01 10:00", None, "2024-01-01 10:00", "2024-01-01 10:00", "2024-01-01 10:00"])
    ends = pd.to_datetime(["2024-01-01 11:00", "2024-01-01 11:00", None, "2024-01-01 09:00", "2024-01-02 10:00"])
    assert temporal.aoristic_weights(starts, ends, longest_h=24).sum(axis=1).tolist() == pytest.approx([1, 0, 0, 0, 1])
    table = temporal.aoristic(starts, ends, longest_h=23.9)
    assert table.attrs["left_out"] == 4 and table["n"].sum() == pytest.approx(1)


def test_the_week_has_168_rows_from_monday_midnight_even_without_events():
    table = temporal.aoristic([], [])
    assert table["weekday"].to_list() == sorted(list(range(7)) * 24) and table["hour"].to_list() == list(range(24)) * 7
    assert table["n"].sum() == 0 and table.attrs["left_out"] == 0


def test_times_with_a_zone_are_read_on_its_clock():
    # 22:30 in summer-time London is 21:30 in Greenwich
    start = pd.Series(pd.to_datetime(["2024-07-06 21:30"], utc=True)).dt.tz_convert("Europe/London")
    assert temporal.aoristic(start, start).query("n > 0")[["weekday", "hour"]].to_numpy().tolist() == [[SATURDAY, 22]]


def test_a_planted_saturday_night_is_found_through_spans_of_six_hours():
    rng = np.random.default_rng(2)
    happened = pd.Timestamp("2024-01-06 23:30") + pd.to_timedelta(rng.integers(0, 50, 400) * 7, unit="D")
    starts = happened - pd.to_timedelta(rng.uniform(0, 6, 400), unit="h")
    table = temporal.aoristic(starts, starts + pd.Timedelta(hours=6))
    peak = table.loc[table["n"].idxmax()]
    assert (peak["weekday"], peak["hour"]) == (SATURDAY, 23)


def test_unequal_lengths_are_refused_and_inputs_left_alone():
    with pytest.raises(ValueError, match="2 starts and 1 ends"):
        temporal.aoristic_weights(["2024-01-01", "2024-01-01"], ["2024-01-01"])
    starts = pd.Series(["2024-01-01 10:00"], index=["x"])
    before = starts.copy()
    temporal.aoristic(starts, starts)
    pd.testing.assert_series_equal(starts, before)


# --- grouped events ---


def test_grouped_events_count_as_often_as_they_are_there():
    # three of the burglary above, one at 07:00 to 08:00: 3 x 30/68 at six, 3 x 38/68 + 1 at seven
    starts, ends = ["2016-01-02 06:30", "2016-01-02 07:00"], ["2016-01-02 07:38", "2016-01-02 08:00"]
    table = temporal.aoristic(starts, ends, counts=pd.Series([3, 1], dtype="Int64"))
    found = table[table["n"] > 0]
    assert found[["weekday", "hour"]].to_numpy().tolist() == [[SATURDAY, 6], [SATURDAY, 7]]
    assert found["n"].tolist() == pytest.approx([90 / 68, 114 / 68 + 1])
    one_by_one = temporal.aoristic(np.repeat(starts, [3, 1]), np.repeat(ends, [3, 1]))
    pd.testing.assert_frame_equal(table, one_by_one)


def test_grouped_events_that_cannot_be_placed_are_told_as_events_and_missing_counts_as_rows():
    starts = ["2024-01-01 10:00", "2024-01-01 10:00", "2024-01-01 10:00", "2024-01-01 10:00"]
    ends = ["2024-01-01 11:00", "2024-01-01 09:00", "2024-01-03 10:00", "2024-01-01 11:00"]
    table = temporal.aoristic(starts, ends, longest_h=24, counts=[7, 2, 5, None])
    assert table["n"].sum() == 7 and table.attrs == {"left_out": 7, "without_count": 1}
    assert temporal.aoristic(starts, ends, longest_h=24, counts=[0, 0, 0, 0])["n"].sum() == 0
    assert temporal.aoristic(starts, ends, counts=[1, 2.5, 1, 1]).attrs["left_out"] == 2.5


def test_counts_below_nought_or_of_other_length_are_refused():
    with pytest.raises(ValueError, match="not below 0"):
        temporal.aoristic(["2024-01-01"], ["2024-01-01"], counts=[-1])
    with pytest.raises(ValueError, match="1 spans and 2 counts"):
        temporal.aoristic(["2024-01-01"], ["2024-01-01"], counts=[1, 1])


# --- what was to be expected ---


def week(events=None) -> pd.DataFrame:
    """A week of noughts, but for the events by (weekday, hour)."""
    hours = temporal.aoristic([], [])
    for (day, hour), n in (events or {}).items():
        hours.loc[(hours["weekday"] == day) & (hours["hour"] == hour), "n"] = n
    return hours


def at(table: pd.DataFrame, day: int, hour: int) -> pd.Series:
    return table[(table["weekday"] == day) & (table["hour"] == hour)].iloc[0]


def test_an_even_spread_is_the_total_by_the_hours_of_the_period():
    # Monday 1 to Monday 15 January 2024: three Mondays, two of every other day, 15 x 24 = 360 hours. 36 events: 0.1 an
    # hour, so 0.3 on a Monday hour and 0.2 on another. 6 of 0.3: 20 times; exact Poisson limits of 6: 2.202 and 13.059
    # (Garwood 1936). 30 of 0.2: 150 times; Byar: 30 (1 - 1/270 - 1.959964 / (3 sqrt 30))^3 = 20.2369 and
    # 31 (1 - 1/279 + 1.959964 / (3 sqrt 31))^3 = 42.8284.
    found = temporal.week_expected(week({(MONDAY, 0): 6, (SATURDAY, 23): 30}), "2024-01-01", "2024-01-15")
    monday, saturday = at(found, MONDAY, 0), at(found, SATURDAY, 23)
    assert (monday["exposure_h"], saturday["exposure_h"]) == (3, 2) and found["exposure_h"].sum() == 360
    assert (monday["expected"], saturday["expected"]) == (pytest.approx(0.3), pytest.approx(0.2))
    assert found["expected"].sum() == pytest.approx(36)
    assert (monday["ratio"], saturday["ratio"]) == (pytest.approx(20), pytest.approx(150))
    assert [monday["lower"] * 0.3, monday["upper"] * 0.3] == pytest.approx([2.202, 13.059], abs=5e-4)
    assert [saturday["lower"] * 0.2, saturday["upper"] * 0.2] == pytest.approx([20.2369, 42.8284], abs=5e-4)
    assert (monday["method"], saturday["method"]) == ("exact Poisson 95%", "Byar 95%")
    quiet = at(found, SUNDAY, 5)
    # none of 0.2: upper limit of 0 is -ln 0.025 = 3.688879
    assert (quiet["ratio"], quiet["lower"]) == (0, 0) and quiet["upper"] == pytest.approx(3.688879 / 0.2)


def test_weekday_and_hour_alone_expect_the_product_of_their_sums():
    # 10 events: Saturday 8 (6 at 23 h, 2 at 1 h), Monday 2 (at 1 h). Saturday 23 h: 8 x 6 / 10 = 4.8; Saturday 1 h:
    # 8 x 4 / 10 = 3.2; Monday 1 h: 2 x 4 / 10 = 0.8; Monday 23 h: 2 x 6 / 10 = 1.2.
    events = {(SATURDAY, 23): 6, (SATURDAY, 1): 2, (MONDAY, 1): 2}
    found = temporal.week_expected(week(events), "2024-01-01", "2024-01-07")
    where = [(SATURDAY, 23), (SATURDAY, 1), (MONDAY, 1), (MONDAY, 23), (SUNDAY, 23), (SATURDAY, 0)]
    assert [at(found, *hour)["expected_independent"] for hour in where] == pytest.approx([4.8, 3.2, 0.8, 1.2, 0, 0])
    expected = stats.contingency.expected_freq(found["n"].to_numpy().reshape(7, 24) + 1e-300)
    np.testing.assert_allclose(found["expected_independent"], expected.ravel(), atol=1e-12)


@pytest.mark.parametrize(("first", "last"), [("2024-02-27", "2024-03-02"), ("2023-01-01", "2024-12-31")])
def test_the_hours_of_a_period_are_those_of_its_calendar(first, last):
    hours = pd.date_range(first, pd.Timestamp(last) + pd.Timedelta(hours=23), freq="h")
    calendar = pd.Series(1, hours).groupby([hours.day_of_week, hours.hour]).sum()
    calendar = calendar.reindex(pd.MultiIndex.from_product([range(7), range(24)]), fill_value=0)
    found = temporal.week_expected(week({(MONDAY, 3): 4}), first, pd.Timestamp(last) + pd.Timedelta(hours=15))
    assert found["exposure_h"].tolist() == calendar.tolist()


def test_where_none_is_expected_there_is_no_ratio():
    # one Monday; an event on Sunday, from a span that began before the period
    found = temporal.week_expected(week({(MONDAY, 3): 5, (SUNDAY, 23): 1}), "2024-01-01", "2024-01-01")
    sunday = at(found, SUNDAY, 23)
    assert (sunday["exposure_h"], sunday["expected"]) == (0, 0)
    assert sunday[["ratio", "lower", "upper", "method"]].isna().all()
    assert at(found, MONDAY, 3)["expected"] == pytest.approx(6 / 24)
    empty = temporal.week_expected(week(), "2024-01-01", "2024-12-31")
    assert (empty["expected"] == 0).all() and (empty["expected_independent"] == 0).all()
    assert empty[["ratio", "lower", "upper", "method"]].isna().all(axis=None)


def test_an_hour_that_is_not_known_has_no_figures_and_the_rest_share_the_total():
    # 167 hours of one week known, with 8 events: 8 / 167 each
    hours = week({(MONDAY, 3): 8})
    hours.loc[5, "n"] = np.nan
    for table in (hours, hours.astype({"n": "Float64"})):
        found = temporal.week_expected(table, "2024-01-01", "2024-01-07")
        assert found.loc[5, ["expected", "ratio", "lower", "upper", "method"]].isna().all()
        assert found["expected"].drop(index=5).to_numpy() == pytest.approx([8 / 167] * 167)
        assert found["expected_independent"].isna().all() and found.loc[5, "exposure_h"] == 1


def test_rows_in_any_order_keep_their_order_and_inputs_are_left_alone():
    hours = week({(MONDAY, 3): 8, (SATURDAY, 2): 3})
    mixed = hours.sample(frac=1, random_state=1)
    before = mixed.copy()
    found = temporal.week_expected(mixed, "2024-01-01", "2024-03-07")
    pd.testing.assert_frame_equal(mixed, before)
    pd.testing.assert_frame_equal(found.sort_index(), temporal.week_expected(hours, "2024-01-01", "2024-03-07"))
    assert list(found.index) == list(mixed.index) and list(found)[:3] == ["weekday", "hour", "n"]


def test_half_a_week_or_a_period_that_ends_before_it_begins_is_refused():
    for hours in (
        week().head(84),
        pd.concat([week().head(167), week().head(1)]),
        week().assign(hour=lambda h: h["hour"] + 24),
    ):
        with pytest.raises(ValueError, match="168 rows"):
            temporal.week_expected(hours, "2024-01-01", "2024-01-07")
    for first, last in (("2024-01-02", "2024-01-01"), (None, "2024-01-01")):
        with pytest.raises(ValueError, match="first day"):
            temporal.week_expected(week(), first, last)


def test_intervals_hold_the_truth_as_often_as_they_say_for_shared_out_events_too():
    # 60 years of about 2,000 events at random times, known to within up to 12 hours: every true ratio is 1
    rng, held = np.random.default_rng(8), []
    for longest in (0, 6, 12):
        for _ in range(20):
            n = rng.poisson(2_000)
            happened = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 52 * 168, n), unit="h")
            span = pd.to_timedelta(rng.uniform(0, longest, n), unit="h")
            start = happened - span * rng.random(n)
            table = temporal.week_expected(temporal.aoristic(start, start + span), "2024-01-01", "2024-12-29")
            held.append([longest, ((table["lower"] <= 1) & (table["upper"] >= 1)).mean()])
    held = pd.DataFrame(held, columns=["longest", "share"]).groupby("longest")["share"].mean()
    assert 0.94 < held[0] < 0.97
    assert held[6] > held[0] and held[12] > 0.99  # on the wide side, as said


@pytest.mark.real
def test_washington_burglaries_minute_by_minute():
    if not REFERENCE.exists():
        pytest.skip("../shared is not here")
    burglaries = pd.read_csv(REFERENCE / "aoristic_dc.csv", parse_dates=["from", "to"])
    by_minute = np.zeros((len(burglaries), 168))
    for row, start, end in zip(range(len(burglaries)), burglaries["from"], burglaries["to"], strict=True):
        minutes = pd.date_range(start, end, freq="min", inclusive="left")
        np.add.at(by_minute[row], minutes.day_of_week * 24 + minutes.hour, 1 / len(minutes))
    ours = temporal.aoristic_weights(burglaries["from"], burglaries["to"]).toarray()
    np.testing.assert_allclose(ours, by_minute, atol=1e-12)


@pytest.mark.real
def test_washington_burglaries_against_what_was_to_be_expected():
    if not REFERENCE.exists():
        pytest.skip("../shared is not here")
    burglaries = pd.read_csv(REFERENCE / "aoristic_dc.csv", parse_dates=["from", "to"])
    first, last = burglaries["from"].min(), burglaries["to"].max()
    hours = temporal.aoristic(burglaries["from"], burglaries["to"])
    found = temporal.week_expected(hours, first, last)
    assert found["exposure_h"].sum() == 24 * ((last.normalize() - first.normalize()).days + 1)
    assert found["expected"].sum() == pytest.approx(len(burglaries)) == found["expected_independent"].sum()
    few = found[(found["n"] > 0) & (found["n"] < 10)]
    expected, n = few["expected"], few["n"]  # exact limits are chi-square quantiles, with fractions of a degree too
    np.testing.assert_allclose(few["lower"], stats.chi2.ppf(0.025, 2 * n) / 2 / expected, rtol=1e-9)
    np.testing.assert_allclose(few["upper"], stats.chi2.ppf(0.975, 2 * n + 2) / 2 / expected, rtol=1e-9)
    grouped = burglaries.groupby(["from", "to"], as_index=False).size()
    again = temporal.aoristic(grouped["from"], grouped["to"], counts=grouped["size"])
    np.testing.assert_allclose(again["n"], hours["n"], atol=1e-12)
