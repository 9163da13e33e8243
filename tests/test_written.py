"""Flags, words, ages, numbers and points as partners write them."""

import pandas as pd
import pytest

from data.sources import written


def one(reader, *texts: str):
    """What a reader makes of one row: the value (None where missing) and whether it is not understood."""
    values, bad = reader(*(pd.Series([text]) for text in texts))
    return None if pd.isna(values[0]) else values[0], bool(bad[0])


@pytest.mark.parametrize(
    ("text", "value"),
    [("Y", True), (" yes ", True), ("TRUE", True), ("1", True), ("n", False), ("0", False), ("", None), ("U", None)],
)
def test_flags_are_true_false_or_unknown(text, value):
    assert one(written.flags, text) == (value, False)


def test_a_flag_in_words_of_no_list_is_not_understood():
    assert one(written.flags, "perhaps") == (None, True)


@pytest.mark.parametrize(
    ("years", "band", "group"),
    [
        ("17", "", "10-17"), ("18", "", "18-24"), ("0", "", "under_10"), ("25.0", "", "25_plus"),
        ("104", "25-29", "25_plus"), ("", "20-24", "20-24"), ("", "20 to 24", "20-24"), ("", "15-19", "15-19"),
        ("", "90+", "90+"), ("", "10-17", "10-17"), ("", "25-34", "25_plus"), ("", "65+ yrs", "25_plus"),
        ("", "25 and over", "25_plus"), ("", "Under 10", "under_10"), ("", "0-9", "under_10"), ("", "18-20", "18-24"),
        ("", "25_plus", "25_plus"), ("unknown", "18-24", "18-24"), ("", "42", "25_plus"), ("", "", None),
        ("", "Not known", None),
    ],
)  # fmt: skip
def test_ages_become_cohorts_and_five_year_bands_stay(years, band, group):
    assert one(written.age_groups, years, band) == (group, False)


@pytest.mark.parametrize("band", ["16-24", "under 18", "18+", "15-24"])
def test_a_band_across_two_cohorts_is_unknown_but_no_fault(band):
    assert one(written.age_groups, "", band) == (None, False)


@pytest.mark.parametrize("text", ["adult", "-3", "200", "24-20", "12/01/1990"])
def test_what_is_no_age_is_not_understood(text):
    assert one(written.age_groups, "", text) == (None, True)


def test_words_are_looked_up_whatever_their_case_and_blanks():
    assert one(lambda t: written.meanings(t, "sex"), "  FEMALE ") == ("female", False)
    assert one(lambda t: written.meanings(t, "ed_location"), "Bar  or Pub") == ("licensed premises", False)
    assert one(lambda t: written.meanings(t, "sex"), "9") == (None, False)  # "not specified" in the NHS data dictionary


@pytest.mark.parametrize(
    ("text", "number"), [("442,000", 442000.0), ("4.42E+05", 442000.0), ("-1.25", -1.25), ("", None)]
)
def test_numbers_may_have_commas(text, number):
    assert one(written.numbers, text) == (number, False)


@pytest.mark.parametrize("text", ["inf", "nan", "SU 42 12", "*"])
def test_what_is_no_number_is_not_understood(text):
    assert one(written.numbers, text) == (None, True)


def test_places_are_eastings_first_and_half_a_pair_is_not_understood():
    raw = pd.DataFrame(
        {
            "easting": ["442000", "0", "", "442000", "x"],  # given, no place, degrees only, half a pair, not a number
            "northing": ["112000", "0", "", "", "112000"],
            "lon": ["-1.4", "", "-1.4", "", ""],
            "lat": ["50.9", "", "50.9", "", ""],
        },
        dtype="str",
    )
    places, bad = written.points(raw)
    assert places["easting"].notna().tolist() == [True, False, False, False, False]
    assert places["lon"].notna().tolist() == [False, False, True, False, False]
    assert bad.tolist() == [False, False, False, True, True]


def test_codes_of_small_areas_are_english_or_welsh():
    codes, bad = written.lsoa_codes(
        pd.DataFrame({"lsoa": ["e01017140", "W01000001", "", "E02003525", "Portsmouth 012A"]}, dtype="str")
    )
    assert codes.tolist()[:2] == ["E01017140", "W01000001"] and pd.isna(codes[2])
    assert bad.tolist() == [False, False, False, True, True]


def test_the_first_rule_a_row_breaks_is_its_reason():
    rules = [(pd.Series([True, False, False]), "first"), (pd.Series([True, True, False]), "second")]
    assert written.first_reason(rules).tolist() == ["first", "second", ""]


def test_repeats_are_counted_among_sound_rows_only():
    rows = pd.DataFrame({"key": ["a", "a", "a", "b"], "problem": ["bad", "", "", ""]})
    assert written.without_repeats(rows, ["key"])["problem"].tolist() == ["bad", "", written.REPEATED, ""]
    assert rows["problem"].tolist() == ["bad", "", "", ""]
