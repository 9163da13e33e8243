"""Personal identifiers: what a file may not hold, what passes, and how references become pseudonyms."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.errors import SourceProblem
from data.sources import files
from data.sources.identifiers import pseudonym, record_ids, refuse_identifiers

REAL = Path(__file__).parents[1] / ".." / "shared" / "real"
# Ten digits that check, by hand: 9*10+4*9+3*8+4*7+7*6+6*5+5*4+9*3+1*2 = 299 = 27*11+2, 11-2 = 9; the others likewise.
NHS = ["9434765919", "4010232137", "4505577104"]


def refused(raw: dict[str, list[str]], **options: list[str]) -> dict[str, int]:
    """Column to rows, of a table that is refused; empty where it passes."""
    try:
        refuse_identifiers(pd.DataFrame(raw, dtype="str"), "file.csv", **options)
    except SourceProblem as problem:
        return {p.column: p.rows for p in problem.problems}
    return {}


@pytest.mark.parametrize(
    "header",
    [
        "Forename", "VICTIM_SURNAME", "VictimName", "Name of suspect", "First Name", "officer name", "GPName", "DOB",
        "VictimDOB", "Date of Birth", "NHS Number", "PatientNHSNumber", "nhs_no", "MRN", "National Insurance No",
        "Passport", "PNCID", "Telephone", "Mobile Phone Number", "Contact No", "E-mail", "EmailAddress",
        "AddressLine1", "Home address", "House number", "UPRN",
    ],
)  # fmt: skip
def test_a_header_that_names_an_identifier_is_refused_whatever_the_values(header):
    assert refused({header: ["x", "", "y"], "OffenceCode": ["8N", "8N", "1"]}) == {header: 2}


@pytest.mark.parametrize(
    "header",
    [
        "OffenceName", "Area Name", "LSOA name", "Indicator Name", "Site name", "Parent Name", "Street name",
        "Station", "Age of victim", "VictimSex", "Country of birth", "AddressType", "MobilePhoneStolen",
        "Postcode sector", "Renamed", "Hotel",
    ],
)  # fmt: skip
def test_a_header_that_only_resembles_one_passes(header):
    assert refused({header: ["x", "y"]}) == {}


def test_a_column_with_such_a_header_but_no_value_passes():
    assert refused({"Surname": ["", " "], "DOB": ["", ""]}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "call 07700 900123 after five", "07700900123", "+44 7700 900123", "+44 (0)23 9201 8123", "0044 20 7946 0018",
        "(01632) 960 123", "023 8001 8234", "0118 496 0123", "write to someone@example.org", "a.b+c@nhs.example.uk",
        "Mrs Example was hit", "seen at 14 High Street", "14a, Saint George's Road", "9 LONDON ROAD",
        "12 high street", "found at PO1 2AB", "so140aa", "NHS no 943 476 5919", "401-023-2137",
    ],
)  # fmt: skip
def test_one_value_in_a_thousand_is_enough(text):
    others = [f"remark {n}" for n in range(999)]
    assert refused({"Remarks": [*others, text]}) == {"Remarks": 1}


@pytest.mark.parametrize(
    "text",
    [
        "On or near Supermarket", "On or near High Street", "On or near 1st Avenue",
        "Junction of A27 and Portsmouth Road", "M27 westbound", "31/12/2025 14:05", "2025-12-31T14:05:00",
        "02/03/2025 07:11", "0.20794600180", "-1.0799460018", "E01017140", "Portsmouth 012A", "8N/1", "442000112000",
        "44250001234", "N04000512", "2 men near the road", "X85-Y09", "123 456 7890", "Mr", "10 to 17",
        "943 476 5918",
    ],
)  # fmt: skip
def test_ordinary_values_pass(text):
    assert refused({"Value": [text, "x", ""]}) == {}


def test_ten_bare_digits_are_nhs_numbers_only_where_more_check_than_chance_gives():
    assert refused({"Number": NHS}) == {"Number": 3}
    assert refused({"Number": [f"{n}.0" for n in NHS]}) == {"Number": 3}  # as a spreadsheet writes them
    assert refused({"Number": NHS[:2]}) == {}  # two can be chance
    running = [str(4_425_000_000 + n) for n in range(2_000)]  # one in eleven of these checks
    assert refused({"Reference": running}) == {}
    assert refused({"Number": ["1111111111"] * 10 + ["0000000000"] * 10}) == {}  # stand-ins, which check


def test_nhs_numbers_among_other_numbers_are_found():
    assert refused({"Number": [*NHS, *(str(n) for n in range(10_000_000, 10_000_500))]}) == {"Number": 3}


def test_names_of_people_are_told_from_streets_called_after_people():
    people = ["Emma Example", "SAMPLE, John", "john placeholder smith", "Olivia Nobody", "not known"]
    streets = [
        "Victoria Road",
        "George Street",
        "High Street",
        "Station Road",
        "London Road",
        "Elm Grove",
        "The Hard",
        "Church Lane",
    ]
    assert refused({"Value": people}) == {"Value": 4}
    assert refused({"Value": streets}) == {}


def test_agreed_columns_may_hold_places_and_nothing_else():
    raw = {"Where": ["14 High Street PO1 2AB", "PO1 2AB"], "Who": ["PO1 2AB", ""]}
    assert refused(raw, allowed=["Where"]) == {"Who": 1}
    assert refused({"Where": ["07700 900123", ""]}, allowed=["Where"]) == {"Where": 1}
    assert refused({"Home address": ["x"]}, allowed=["Home address"]) == {}


def test_digits_of_a_reference_are_no_telephone_number():
    raw = {"CrimeRef": ["02300012345", "02300012346"]}
    assert refused(raw) == {"CrimeRef": 2}
    assert refused(raw, references=["CrimeRef"]) == {}


def test_every_column_is_named_at_once_and_no_value_is_quoted():
    raw = pd.DataFrame({"Surname": ["Example", ""], "Remarks": ["07700 900123", "x"], "Code": ["8N", "1"]}, dtype="str")
    with pytest.raises(SourceProblem) as refusal:
        refuse_identifiers(raw, "file.csv")
    words = str(refusal.value)
    assert [(p.column, p.rows) for p in refusal.value.problems] == [("Surname", 1), ("Remarks", 1)]
    assert "file.csv" in words and "Example" not in words and "900123" not in words


def test_no_rows_no_columns_and_missing_values_pass():
    assert refused({}) == {} and refused({"Surname": []}) == {}
    refuse_identifiers(pd.DataFrame({"Remarks": pd.Series([None, "x"], dtype="str")}), "file.csv")


@pytest.mark.real
@pytest.mark.parametrize("archive", ["hampshire_street_2025-01_2025-12.zip", "dorset_street_2025-01_2025-12.zip"])
def test_real_street_level_files_pass(archive):
    path = REAL / "police_uk" / archive
    if not path.exists():
        pytest.skip("../shared is not here")
    for piece in files.pieces([path], (".csv",)):
        refuse_identifiers(files.text_table(piece), piece.name)


def test_a_pseudonym_is_the_same_for_the_same_reference_and_salt_only():
    references = pd.Series(["44250000001", " 44250000001 ", "ab/1", "AB/1", "44250000002"])
    one, two = pseudonym(references, b"salt"), pseudonym(references, b"other")
    assert one[0] == one[1] and one[2] == one[3] and one[0] != one[4]
    assert (one != two).all()
    assert (pseudonym(references[::-1], b"salt") == one[::-1]).all()
    assert pseudonym(references[:0], b"salt").dtype == np.int64


def test_pseudonyms_use_the_whole_range_and_do_not_collide():
    found = pseudonym(pd.Series(np.arange(100_000)).astype("str"), b"salt")
    assert len(set(found)) == 100_000 and found.min() >= 0
    assert abs(found.mean() / 2**63 - 0.5) < 0.01  # evenly spread: standard error 0.0009


def test_rows_that_say_the_same_are_counted_apart_and_again_the_same():
    raw = pd.DataFrame({"a": ["x", "x", "y"], "b": ["1", "1", "1"]}, dtype="str")
    feed = pd.Series(["site"] * 3)
    ids = record_ids(raw, feed, b"salt")
    assert len(set(ids)) == 3 and (record_ids(raw, feed, b"salt") == ids).all()
    assert not set(record_ids(raw, pd.Series(["other"] * 3), b"salt")) & set(ids)


def test_a_reference_tells_records_apart_where_there_is_one():
    raw = pd.DataFrame({"reference": ["r1", "r1", ""], "b": ["1", "2", "1"]}, dtype="str")
    ids = record_ids(raw, pd.Series(["site"] * 3), b"salt")
    assert ids[0] == ids[1] != ids[2]
