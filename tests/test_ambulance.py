"""Ambulance calls: what each column becomes, which calls are assaults, what is set aside and why."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from data import schema
from data.sources import ambulance, dates, written
from data.sources.files import Piece

HEAD = "IncidentNumber,CallDateTime,ChiefComplaint,PickupEasting,PickupNorthing,PickupLSOA,AgeBand,Sex"
FULL = "A1,2025-12-31T00:00:00,Stabbing,442000,112000,E01017140,18-24,Male"


def tidied(folder: Path, text: str, encoding: str = "utf-8") -> pd.DataFrame:
    path = folder / "calls.csv"
    path.write_bytes(text.encode(encoding))
    return ambulance.tidy(ambulance.read(Piece(path)), salt=b"salt")


def rows(folder: Path, *lines: str) -> pd.DataFrame:
    return tidied(folder, "\r\n".join([HEAD, *lines, ""]), "utf-8-sig")


def test_a_whole_row_becomes_a_sound_record(tmp_path):
    row = rows(tmp_path, FULL).iloc[0]
    expected = {
        "problem": "", "source": "ambulance", "feed_id": "ambulance", "place_basis": "pickup",
        "offence_group": "amb_assault",
        "month": pd.Timestamp("2025-12-01"), "dt_from": pd.Timestamp("2025-12-31"), "dt_to": pd.Timestamp("2025-12-31"),
        "dt_recorded": pd.Timestamp("2025-12-31"), "time_known": True, "easting": 442000.0, "precision": "address",
        "lsoa_code": "E01017140", "knife": True, "firearm": False, "weapon": "sharp object",
        "victim_age_band": "18-24", "victim_sex": "male",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected  # a machine stamps calls: midnight is a time
    assert row[["alcohol", "sexual"]].isna().all()


def test_records_fit_the_table(tmp_path):
    found = rows(tmp_path, FULL, "A2,31/12/2025,Assault,,,,,")
    schema.check(schema.typed(found.assign(sv_local=True), "incidents"), "incidents", "calls.csv")
    assert found["precision"].tolist() == ["address", "none"] and found["time_known"].tolist() == [True, False]
    assert found["dt_to"].tolist()[1] == pd.Timestamp("2025-12-31 23:59:59")


@pytest.mark.parametrize(
    ("complaint", "knife", "firearm", "sexual"),
    [
        ("Assault", None, None, None), ("04B01", None, None, None), ("4D02A", None, None, None),
        ("04D03S", None, None, True),
        ("Sexual assault", None, None, True), ("27D05S", True, False, None), ("27-D", "set aside", None, None),
        ("Gunshot wound", False, True, None), ("27D03G", False, True, None), ("27D04P", None, None, None),
    ],
)  # fmt: skip
def test_the_complaint_says_what_was_used_or_leaves_it_unknown(tmp_path, complaint, knife, firearm, sexual):
    row = rows(tmp_path, FULL.replace("Stabbing", complaint)).iloc[0]
    if knife == "set aside":
        assert row["problem"] == ambulance.BAD_COMPLAINT
    else:
        assert row["problem"] == ""
        assert [None if pd.isna(row[c]) else row[c] for c in ("knife", "firearm", "sexual")] == [knife, firearm, sexual]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("A1,,Assault,,,,,", ambulance.NO_CALL),
        ("A1,31/31/2025,Assault,,,,,", dates.BAD_DATE),
        ("A1,31/12/2025,,,,,,", ambulance.NO_COMPLAINT),
        ("A1,31/12/2025,Nosebleed,,,,,", ambulance.BAD_COMPLAINT),
        ("A1,31/12/2025,27D01X,,,,,", ambulance.NOT_ASSAULT),  # self-inflicted
        ("A1,31/12/2025,Assault,442000,,,,", written.BAD_POINT),
        ("A1,31/12/2025,Assault,,,,grown up,", f"Age of victim: {written.BAD_WORDING}"),
        ("A1,31/12/2025,Assault,,,,,boy", f"Sex of victim: {written.BAD_WORDING}"),
    ],
)
def test_what_breaks_a_rule_is_set_aside_with_its_reason(tmp_path, line, reason):
    assert rows(tmp_path, line, FULL)["problem"].tolist() == [reason, ""]


def test_calls_of_several_services_are_several_feeds(tmp_path):
    found = tidied(
        tmp_path,
        "ServiceCode,CallDateTime,AssaultCode\nRYE,31/12/2025 01:00,4\nR1F,31/12/2025 01:00,4\n,31/12/2025 01:00,4\n",
    )
    assert found["feed_id"].tolist() == ["ambulance:rye", "ambulance:r1f", "ambulance"]
    assert found["record_id"].nunique() == 3


def test_calls_that_say_the_same_are_told_apart_by_number_or_else_by_order(tmp_path):
    assert rows(tmp_path, FULL, FULL)["record_id"].nunique() == 1  # the same incident number
    without = [line.split(",", 1)[1] for line in (HEAD, FULL, FULL)]
    assert tidied(tmp_path, "\n".join(without))["record_id"].nunique() == 2


def test_excel_and_csv_give_the_same_records(tmp_path):
    book = openpyxl.Workbook()
    for line in (HEAD.split(","), FULL.split(",")):
        book.active.append(line)
    book.save(tmp_path / "calls.xlsx")
    from_excel = ambulance.tidy(ambulance.read(Piece(tmp_path / "calls.xlsx")), salt=b"salt")
    pd.testing.assert_frame_equal(from_excel, rows(tmp_path, FULL), check_dtype=False)


def test_no_rows_give_no_records(tmp_path):
    assert len(rows(tmp_path)) == 0
