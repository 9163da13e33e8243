"""Columns of partners' files: which header holds what, in CSV and in Excel, with titles above and slips inside."""

import datetime
import io
import tomllib
import zipfile
from pathlib import Path

import openpyxl
import pytest

from data import definitions
from data.errors import SourceProblem
from data.sources import ambulance, istv
from data.sources.files import Piece
from data.sources.mapping import field, mapped

ROWS = "CrimeRef,OffenceCode,DateFrom,LocationType\r\n1,8N,31/12/2025,Café\r\n2,1,30/12/2025,Street\r\n"


def piece(folder: Path, content: str | bytes, name: str = "file.csv") -> Piece:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Piece(path)


def workbook(folder: Path, sheets: dict[str, list[list]], name: str = "file.xlsx") -> Piece:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(folder / name)
    return Piece(folder / name)


def problems(of: Piece, source: str = "police") -> list[str]:
    with pytest.raises(SourceProblem) as refusal:
        mapped(of, source)
    return [str(p) for p in refusal.value.problems]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings_and_byte_order_marks_make_no_difference(tmp_path, encoding):
    raw = mapped(piece(tmp_path, ROWS.encode(encoding)), "police")
    assert raw["location_type"].tolist() == ["Café", "Street"]
    assert raw["reference"].tolist() == ["1", "2"] and raw["offence_code"].tolist() == ["8N", "1"]


def test_headers_are_found_whatever_their_case_blanks_and_order(tmp_path):
    raw = mapped(piece(tmp_path, "date_from,OFFENCE CODE,Crime Ref,Unused\n31/12/2025,8N,1,x\n"), "police")
    assert raw["reference"].tolist() == ["1"] and raw["from"].tolist() == ["31/12/2025"]
    assert "Unused" not in raw and not raw.isin(["x"]).any(axis=None)


def test_the_mapping_that_fits_is_chosen_and_its_blanks_mean_no(tmp_path):
    text = (
        "Occurrence Number,HO Offence Code,Committed From Date/Time,Knife Crime,Public Place\n1,8N,31/12/2025 14:05,,\n"
    )
    raw = mapped(piece(tmp_path, text), "police")
    assert raw["from"].tolist() == ["31/12/2025 14:05"]
    assert raw["knife"].tolist() == ["no"] and raw["public_space"].tolist() == [
        ""
    ]  # only some flags are left blank for no
    assert "firearm" not in raw  # a column that is not there says nothing
    assert raw["point_precision"].tolist() == ["exact"]


def test_missing_columns_are_all_named_at_once(tmp_path):
    found = problems(piece(tmp_path, "CrimeRef,Easting\n1,442000\n"))
    assert len(found) == 2 and "OffenceCode" in found[0] and "DateTimeFrom or RecordedDate" in found[1]


def test_a_header_twice_is_refused_not_guessed(tmp_path):
    assert (
        "DateFrom"
        in problems(piece(tmp_path, "CrimeRef,OffenceCode,DateFrom,DateFrom\n1,8N,31/12/2025,30/12/2025\n"))[0]
    )
    assert (
        "Date From"
        in problems(piece(tmp_path, "CrimeRef,OffenceCode,DateFrom,Date From\n1,8N,31/12/2025,30/12/2025\n"))[0]
    )


def test_lines_above_the_headers_are_passed_over_and_particulars_in_them_used(tmp_path):
    above = 'Return of assaults,,\nSite Code,RHU03\n"a note\non two lines"\n\n'
    text = above + "ArrivalDateTime,AssaultDateTime,AssaultMethod\n31/12/2025 01:00,,Fist\n"
    raw = mapped(piece(tmp_path, text), "ed_istv")
    assert raw["site"].tolist() == ["RHU03"] and raw["arrival"].tolist() == ["31/12/2025 01:00"]


def test_rows_without_any_value_are_left_out_and_the_others_keep_their_line(tmp_path):
    raw = mapped(piece(tmp_path, "CrimeRef,OffenceCode,DateFrom\n1,8N,31/12/2025\n,,\n3,1,30/12/2025\n"), "police")
    assert raw.index.tolist() == [0, 2]


def test_rows_that_all_lack_the_last_column_are_read_and_a_broken_row_is_refused(tmp_path):
    head = "CrimeRef,OffenceCode,DateFrom,Weapon\n"
    raw = mapped(piece(tmp_path, head + "1,8N,31/12/2025\n2,1,30/12/2025\n"), "police")
    assert raw["weapon"].tolist() == ["", ""]
    assert "not a table" in problems(piece(tmp_path, head + "1,8N,31/12/2025,fist\n2,1,30/12\n"))[0]
    assert "not a table" in problems(piece(tmp_path, head + "1,8N,31/12/2025,fist,extra\n"))[0]


def test_identifiers_anywhere_refuse_the_file_but_an_agreed_postcode_does_not(tmp_path):
    mapped(piece(tmp_path, "CrimeRef,OffenceCode,DateFrom,Postcode\n1,8N,31/12/2025,PO1 2AB\n"), "police")
    found = problems(
        piece(tmp_path, "CrimeRef,OffenceCode,DateFrom,Remarks,Surname\n1,8N,31/12/2025,at PO1 2AB,Example\n")
    )
    assert len(found) == 2 and "Remarks" in found[0] and "Surname" in found[1] and "PO1" not in " ".join(found)


def test_an_empty_file_is_refused(tmp_path):
    assert problems(piece(tmp_path, ""))


def test_excel_gives_the_same_text_as_csv(tmp_path):
    day, time, midnight = datetime.date(2025, 12, 31), datetime.time(14, 5), datetime.datetime(2026, 1, 1)
    headers = ["CrimeRef", "OffenceCode", "DateFrom", "TimeFrom", "RecordedDate", "Easting", "Northing", "KnifeFlag"]
    rows = [
        ["Extract of crimes"],
        [],
        [*headers, "Weapon"],
        [44250000001, "8N", day, time, datetime.datetime(2026, 1, 1, 9, 30), 442000.0, 112000.5, True, None],
        ["44250000002", 1, 46022.586805556, "1405", midnight, 442000, 112000, "N", "fist"],
    ]
    raw = mapped(workbook(tmp_path, {"Notes": [["about this file"]], "Data": rows}), "police")
    assert raw["reference"].tolist() == ["44250000001", "44250000002"] and raw["offence_code"].tolist() == ["8N", "1"]
    assert raw["from"].tolist() == ["2025-12-31", "46022.586805556"] and raw["from_time"].tolist() == [
        "14:05:00",
        "1405",
    ]
    assert raw["recorded"].tolist() == ["2026-01-01 09:30:00", "2026-01-01 00:00:00"]  # midnight, in a column of times
    assert raw["northing"].tolist() == ["112000.5", "112000"] and raw["easting"].tolist() == ["442000", "442000"]
    assert raw["knife"].tolist() == ["True", "N"] and raw["weapon"].tolist() == ["", "fist"]


def test_two_sheets_with_the_table_are_refused(tmp_path):
    rows = [["CrimeRef", "OffenceCode", "DateFrom"], ["1", "8N", "31/12/2025"]]
    assert "which sheet" in problems(workbook(tmp_path, {"June": rows, "July": rows}))[0]


@pytest.mark.parametrize(
    "content", [b"", b"CrimeRef,OffenceCode\n1,8N\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1locked", b"PK\x03\x04broken"]
)
def test_what_is_no_workbook_gets_one_sentence(tmp_path, content):
    (found,) = problems(piece(tmp_path, content, "file.xlsx"))
    assert "workbook" in found


def test_an_empty_workbook_and_a_zip_that_is_none_are_refused(tmp_path):
    assert "empty" in problems(workbook(tmp_path, {"Sheet": []}))[0]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("readme.txt", "not a workbook")
    assert "cannot be read" in problems(piece(tmp_path, content.getvalue(), "other.xlsx"))[0]


def test_every_word_means_one_thing_and_every_mapping_can_be_met():
    words = tomllib.loads((Path(definitions.__file__).parent / "sources.toml").read_text(encoding="utf-8"))["words"]
    for kind, meanings in words.items():
        listed = [word.casefold() for group in meanings.values() for word in group]
        assert len(listed) == len(set(listed)) == len(definitions.wording(kind)), kind
    for source in ("police", "ed_istv", "ambulance", "admissions", "fingertips"):
        for mapping in definitions.mappings(source):
            needed = {option for options in mapping.required for option in options.split("|")}
            assert needed | {*mapping.place_text, *mapping.blank_is_no} <= mapping.columns.keys(), (
                source,
                mapping.name,
            )


def test_what_follows_from_a_word_is_about_words_of_the_list():
    assert {*istv.KNIFE, *istv.FIREARM} <= {*definitions.wording("ed_method").values()}
    assert {*istv.PUBLIC} <= {*definitions.wording("ed_location").values()}
    assert {*ambulance.KNIFE, *ambulance.WEAPON} <= {*definitions.wording("ambulance_complaint").values()}


def test_a_field_that_is_not_there_is_empty_text(tmp_path):
    raw = mapped(piece(tmp_path, ROWS), "police")
    assert field(raw, "weapon").tolist() == ["", ""] and field(raw, "reference").tolist() == ["1", "2"]
