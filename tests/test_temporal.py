"""Uncertain times shared out over the hours of the week, against sums by hand and minute by minute."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

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
