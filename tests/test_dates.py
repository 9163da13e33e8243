"""Dates and times of day as partners write them."""

import pandas as pd
import pytest

from data.sources.dates import clocks, moments, months


def moment(text: str, clock: str | None = None) -> tuple[str, bool, bool]:
    """One text: the moment, whether a time of day was written, whether it is not understood."""
    found, bad = moments(pd.Series([text]), None if clock is None else pd.Series([clock]))
    return str(found["when"][0]), bool(found["timed"][0]), bool(bad[0])


@pytest.mark.parametrize(
    ("text", "when", "timed"),
    [
        ("31/12/2025 14:05", "2025-12-31 14:05:00", True),
        ("31/12/2025", "2025-12-31 00:00:00", False),
        ("1/2/2025 9:05:30", "2025-02-01 09:05:30", True),  # the first of February: day before month
        ("01-02-25", "2025-02-01 00:00:00", False),
        ("31.12.1999 2:05 PM", "1999-12-31 14:05:00", True),
        ("31/12/2025 12:30 am", "2025-12-31 00:30:00", True),
        ("31-DEC-2025 14:05", "2025-12-31 14:05:00", True),
        ("5 June 2025", "2025-06-05 00:00:00", False),
        ("2025-12-31T14:05:00.000", "2025-12-31 14:05:00", True),
        ("2025-12-31", "2025-12-31 00:00:00", False),
        ("2025-12-31 00:00:00", "2025-12-31 00:00:00", True),
        ("20251231", "2025-12-31 00:00:00", False),
        ("2024-02-29", "2024-02-29 00:00:00", False),
        # Excel counts days from 30 December 1899: 1 January 2025 is day 45658; 14:05 is 845/1440 of a day.
        ("45658", "2025-01-01 00:00:00", False),
        ("45658.586805556", "2025-01-01 14:05:00", True),
        ("2025-12-31T14:05:00Z", "2025-12-31 14:05:00", True),  # winter: the same clock
        ("2025-06-30T23:30:00Z", "2025-07-01 00:30:00", True),  # summer: an hour on, and the next day
        ("2025-06-30T23:30:00+01:00", "2025-06-30 23:30:00", True),
    ],
)
def test_dates_are_read_day_first_iso_or_as_excel_numbers(text, when, timed):
    assert moment(text) == (when, timed, False)


@pytest.mark.parametrize(
    "text",
    [
        "31/06/2025",
        "29/02/2025",
        "32/01/2025",
        "yesterday",
        "31/12",
        "2025-13-01",
        "31/12/2025 25:00",
        "31/12/0205",
        "12",
        "14:05",
    ],
)
def test_what_is_no_date_is_not_understood(text):
    assert moment(text)[2]


def test_nothing_is_missing_and_no_fault():
    assert moment("  ") == ("NaT", False, False)


def test_a_column_with_one_month_first_date_is_not_guessed_at():
    text = pd.Series(["12/31/2025", "02/03/2025", "2025-03-02", "2 Mar 2025"])
    found, bad = moments(text)
    assert bad.tolist() == [True, True, False, False]
    assert found["when"].isna().tolist() == [True, True, False, False]


def test_one_slip_among_day_first_dates_leaves_the_others():
    assert moments(pd.Series(["31/12/2025", "02/13/2025", "02/03/2025"]))[1].tolist() == [False, True, False]


def test_a_time_in_its_own_column_goes_before_one_beside_the_date():
    assert moment("31/12/2025", "14:05") == ("2025-12-31 14:05:00", True, False)
    assert moment("31/12/2025 00:00", "1405") == ("2025-12-31 14:05:00", True, False)
    assert moment("31/12/2025 14:05", "") == ("2025-12-31 14:05:00", True, False)
    assert moment("31/12/2025", "soon")[2]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("14:05", 845), ("0:00", 0), ("905", 545), ("2:05pm", 845), ("0.25", 360), ("23:59:00", 1439), ("0", 0)],
)
def test_times_of_day_are_read(text, minutes):
    since, bad = clocks(pd.Series([text]))
    assert since[0] == pd.Timedelta(minutes=minutes) and not bad[0]


@pytest.mark.parametrize("text", ["24:00", "12:60", "13:05 pm", "noon", "1.5"])
def test_what_is_no_time_of_day_is_not_understood(text):
    assert clocks(pd.Series([text]))[1][0]


def test_months_begin_on_their_first_day():
    found = months(pd.Series(pd.to_datetime(["2024-02-29 23:59", "2025-01-01 00:00", None])))
    assert found.astype("str").tolist()[:2] == ["2024-02-01", "2025-01-01"] and pd.isna(found[2])


def test_rows_keep_their_index_and_none_is_fine():
    text = pd.Series(["31/12/2025", "x"], index=[7, 3])
    found, bad = moments(text)
    assert found.index.tolist() == [7, 3] and bad[3] and not bad[7]
    assert len(moments(text[:0])[0]) == 0 and text.tolist() == ["31/12/2025", "x"]
