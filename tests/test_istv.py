"""Emergency department returns: what each column becomes, what is dropped, what is set aside and why."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from data import schema
from data.errors import SourceProblem
from data.sources import dates, istv, written
from data.sources.files import Piece

HEAD = (
    "SiteCode,ArrivalDateTime,AssaultDateTime,AssaultMethod,MethodOther,AssaultLocationType,LocationDescription,"
    "Easting,Northing,LSOA"
)
FULL = "RHU03,31/12/2025 01:05,30/12/2025 23:50,Fist,,Street,outside the market,442000,112000,"


def tidied(folder: Path, text: str, encoding: str = "utf-8") -> pd.DataFrame:
    path = folder / "return.csv"
    path.write_bytes(text.encode(encoding))
    return istv.tidy(istv.read(Piece(path)), salt=b"salt")


def rows(folder: Path, *lines: str) -> pd.DataFrame:
    return tidied(folder, "\n".join([HEAD, *lines, ""]))


def test_a_whole_row_becomes_a_sound_record(tmp_path):
    text = (
        "SiteCode,PeriodStart,PeriodEnd,ArrivalDateTime,AssaultDateTime,AssaultMethod,AssaultLocationType,LSOA,GeocodeConfidence,"
        "AgeBand,Sex,Alcohol\n"
        "RHU03,01/12/2025,31/12/2025,31/12/2025 01:05,30/12/2025 23:50,Knife,Pub/Club,E01017140,Medium,18-24,F,Yes\n"
    )
    row = tidied(tmp_path, text, "utf-8-sig").iloc[0]
    expected = {
        "problem": "", "source": "ed_istv", "feed_id": "ed_istv:rhu03", "place_basis": "occurrence",
        "offence_group": "ed_assault",
        "month": pd.Timestamp("2025-12-01"), "dt_from": pd.Timestamp("2025-12-30 23:50"),
        "dt_to": pd.Timestamp("2025-12-30 23:50"),
        "dt_recorded": pd.Timestamp("2025-12-31 01:05"), "time_known": True, "precision": "lsoa",
        "lsoa_code": "E01017140",
        "geocode_confidence": "medium", "knife": True, "firearm": False, "weapon": "sharp object",
        "location_type": "licensed premises",
        "public_space": True, "nte": True, "victim_age_band": "18-24", "victim_sex": "female", "alcohol": True,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


def test_records_fit_the_table_and_free_text_is_not_among_them(tmp_path):
    found = rows(tmp_path, FULL, "RHU03,31/12/2025 01:05,,Other,by a hidden device,Home,in the blue house,,,")
    schema.check(schema.typed(found.assign(sv_local=True), "incidents"), "incidents", "return.csv")
    assert (found["problem"] == "").all()
    told = found.astype("str").apply(lambda column: column.str.contains("market|hidden|blue", na=False))
    assert not told.any(axis=None)


@pytest.mark.parametrize(
    ("method", "other", "weapon", "knife"),
    [
        ("Fist", "", "body part", False),
        ("KNIFE", "", "sharp object", True),
        ("Blunt object", "", "blunt object", False),
        ("Glass/bottle", "", "glass or bottle", None),  # broken or not: it does not say
        ("Broken bottle", "", "sharp object", True),
        ("Other", "Machete", "sharp object", True),  # the words are in the list
        ("Other", "not a machete", "other", None),  # only as a whole: nothing is guessed
        ("Fist", "knife", "body part", False),  # the other words count only for "other"
        ("Unknown", "", None, None),
    ],
)
def test_the_method_says_whether_a_knife_was_used(tmp_path, method, other, weapon, knife):
    row = rows(tmp_path, f"RHU03,31/12/2025 01:05,,{method},{other},Street,,,,").iloc[0]
    assert (None if pd.isna(row["weapon"]) else row["weapon"]) == weapon
    assert (None if pd.isna(row["knife"]) else row["knife"]) == knife
    assert row["problem"] == ""


def test_the_place_is_that_of_the_assault_or_else_the_row_counts_where_treated(tmp_path):
    found = rows(
        tmp_path,
        FULL,  # a point
        "RHU03,31/12/2025 01:05,,Fist,,Street,,,,E01017140",  # a small area
        "RHU03,31/12/2025 01:05,,Fist,,Street,by the pier po1 2ab,,,",  # a postcode in the words
        "RHU03,31/12/2025 01:05,,Fist,,Street,by the pier,,,",  # words no one can place
    )
    assert found["place_basis"].tolist() == ["occurrence", "occurrence", "occurrence", "treated"]
    assert found["precision"].tolist() == ["street", "lsoa", "none", "none"]
    assert found["postcode"].tolist() == ["", "", "po1 2ab", ""]
    assert found["geocode_confidence"].tolist()[2] == "high" and found["geocode_confidence"].isna().sum() == 3


@pytest.mark.parametrize(
    ("arrival", "assault", "starts", "ends", "known"),
    [
        ("31/12/2025 01:05", "30/12/2025 23:50", "30 23:50", "30 23:50", True),
        ("31/12/2025 01:05", "30/12/2025", "30 00:00", "30 23:59", False),  # some time that day
        ("31/12/2025 01:05", "31/12/2025", "31 00:00", "31 01:05", False),  # that day, before the arrival
        ("31/12/2025 01:05", "31/12/2025 00:00", "31 00:00", "31 01:05", False),  # midnight stands for nobody knew
        ("31/12/2025", "31/12/2025 23:00", "31 23:00", "31 23:00", True),  # arrival without a time: any time that day
        ("31/12/2025 01:05", "", None, "31 01:05", False),  # some time before the arrival
    ],
)
def test_when_the_time_of_the_assault_is_known(tmp_path, arrival, assault, starts, ends, known):
    row = rows(tmp_path, f"RHU03,{arrival},{assault},Fist,,Street,,,,").iloc[0]
    assert (None if pd.isna(row["dt_from"]) else row["dt_from"].strftime("%d %H:%M")) == starts
    assert (row["dt_to"].strftime("%d %H:%M"), row["time_known"], row["problem"]) == (ends, known, "")
    assert row["month"] == pd.Timestamp("2025-12-01")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",31/12/2025 01:05,,Fist,,Street,,,,", istv.NO_SITE),
        ("RHU03,,30/12/2025,Fist,,Street,,,,", istv.NO_ARRIVAL),
        ("RHU03,12/31/2025 01:05,,Fist,,Street,,,,", dates.BAD_DATE),
        ("RHU03,31/12/2025 01:05,31/12/2025 02:05,Fist,,Street,,,,", istv.AFTER_ARRIVAL),
        ("RHU03,31/12/2025 01:05,,Sword dance,,Street,,,,", f"Weapon: {written.BAD_WORDING}"),
        ("RHU03,31/12/2025 01:05,,Fist,,Moon,,,,", f"Kind of location: {written.BAD_WORDING}"),
        ("RHU03,31/12/2025 01:05,,Fist,,Street,,442000,,", written.BAD_POINT),
    ],
)
def test_what_breaks_a_rule_is_set_aside_with_its_reason(tmp_path, line, reason):
    assert rows(tmp_path, line, FULL)["problem"].tolist()[0] == reason


def test_site_and_period_may_stand_above_the_table_and_arrivals_outside_it_are_set_aside(tmp_path):
    text = (
        "SiteCode,RHU03\nPeriodStart,01/12/2025\nPeriodEnd,31/12/2025\n\nArrivalDateTime,AssaultDateTime,AssaultMethod\n"
        "31/12/2025 23:59,,Fist\n01/01/2026 00:10,,Fist\n"
    )
    found = tidied(tmp_path, text)
    assert found["feed_id"].tolist() == ["ed_istv:rhu03"] * 2
    assert found["problem"].tolist() == ["", istv.OUTSIDE_PERIOD]


def test_two_patients_of_one_fight_are_two_records(tmp_path):
    found = rows(tmp_path, FULL, FULL, FULL.replace("RHU03", "RHM01"))
    assert found["record_id"].nunique() == 3
    assert (
        found["record_id"].tolist() == rows(tmp_path, FULL, FULL, FULL.replace("RHU03", "RHM01"))["record_id"].tolist()
    )


def test_an_address_is_agreed_in_the_words_of_the_place_and_nowhere_else(tmp_path):
    assert rows(tmp_path, FULL.replace("outside the market", "12 High Street"))["problem"].tolist() == [""]
    with pytest.raises(SourceProblem, match="«MethodOther»"):
        rows(tmp_path, FULL.replace("Fist,,", "Fist,at 12 High Street,"))
    with pytest.raises(SourceProblem, match="«LocationDescription»: looks like telephone numbers"):
        rows(tmp_path, FULL.replace("outside the market", "call 07700 900123"))


def test_excel_and_csv_give_the_same_records(tmp_path):
    book = openpyxl.Workbook()
    for line in (["Assault return"], [], HEAD.split(","), FULL.split(",")):
        book.active.append(line)
    book.active["B4"] = pd.Timestamp("2025-12-31 01:05").to_pydatetime()
    book.save(tmp_path / "return.xlsx")
    from_excel = istv.tidy(istv.read(Piece(tmp_path / "return.xlsx")), salt=b"salt")
    alike = rows(tmp_path, FULL)
    pd.testing.assert_frame_equal(
        from_excel.drop(columns="record_id").reset_index(drop=True), alike.drop(columns="record_id"), check_dtype=False
    )


def test_no_rows_give_no_records(tmp_path):
    assert len(rows(tmp_path)) == 0
