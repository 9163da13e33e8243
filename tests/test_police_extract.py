"""A force's own records: what each column becomes, when the time is known, what is set aside and why."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from data import definitions, schema
from data.errors import SourceProblem
from data.sources import dates, police_extract, written
from data.sources.files import Piece

HEAD = "CrimeRef,OffenceCode,DateFrom,TimeFrom,DateTo,TimeTo,RecordedDate,Easting,Northing,Postcode,LSOA,KnifeFlag"


def tidied(folder: Path, text: str, encoding: str = "utf-8") -> pd.DataFrame:
    path = folder / "extract.csv"
    path.write_bytes(text.encode(encoding))
    return police_extract.tidy(police_extract.read(Piece(path)), salt=b"salt")


def rows(folder: Path, *lines: str) -> pd.DataFrame:
    return tidied(folder, "\r\n".join([HEAD, *lines, ""]))


def test_a_whole_row_becomes_a_sound_record(tmp_path):
    text = (
        "CrimeRef,OffenceCode,OffenceTitle,DateTimeFrom,DateTimeTo,RecordedDate,Easting,Northing,LSOA,LocationType,"
        "KnifeFlag,KnifeMethod,FirearmFlag,DomesticFlag,PublicSpaceFlag,AlcoholFlag,DrugsFlag,NightTimeEconomyFlag,"
        "Weapon,VictimAge,VictimSex,SuspectAgeBand\n"
        "44250000001,8N/1,Assault,31/12/2025 14:05,31/12/2025 14:20,01/01/2026,442000,112000,E01017140,Café,Y,NDQIS,"
        "N,N,Y,U,,Yes,Kitchen knife,17,M,18-24\n"
    )
    row = tidied(tmp_path, text, "cp1252").iloc[0]
    expected = {
        "problem": "", "source": "police", "feed_id": "police", "place_basis": "occurrence",
        "month": pd.Timestamp("2025-12-01"),
        "dt_from": pd.Timestamp("2025-12-31 14:05"), "dt_to": pd.Timestamp("2025-12-31 14:20"),
        "dt_recorded": pd.Timestamp("2026-01-01"),
        "time_known": True, "easting": 442000.0, "northing": 112000.0, "precision": "exact", "lsoa_code": "E01017140",
        "location_type": "Café", "ho_code": "8N", "offence_group": "violence_with_injury", "knife": True,
        "knife_method": "NDQIS",
        "firearm": False, "domestic": False, "public_space": True, "nte": True, "weapon": "Kitchen knife",
        "victim_age_band": "10-17",
        "victim_sex": "male", "suspect_age_band": "18-24",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert row[["alcohol", "drugs", "sexual", "victim_ethnicity"]].isna().all()  # unknown is not no


def test_records_fit_the_table(tmp_path):
    found = rows(tmp_path, "1,8N,31/12/2025,14:05,,,01/01/2026,442000,112000,,,Y", "2,19C,,,,,01/01/2026,,,,,")
    whole = schema.typed(found.assign(sv_local=True), "incidents")
    schema.check(whole, "incidents", "extract.csv")
    assert len(whole) == 2 and (found["problem"] == "").all()


@pytest.mark.parametrize(
    ("when", "starts", "ends", "known"),
    [
        ("31/12/2025,14:05,,", "31 14:05:00", "31 14:05:00", True),  # one moment
        ("31/12/2025,14:05,31/12/2025,", "31 14:05:00", "31 14:05:00", True),  # the same day says no more
        ("30/12/2025,22:00,31/12/2025,", "30 22:00:00", "31 23:59:59", True),  # until some time on the next day
        ("30/12/2025,22:00,31/12/2025,00:00", "30 22:00:00", "31 00:00:00", True),  # until midnight
        (
            "31/12/2025,14:05,31/12/2025,00:00",
            "31 14:05:00",
            "31 14:05:00",
            True,
        ),  # 00:00 on the same day stands in for nothing
        ("31/12/2025,,,", "31 00:00:00", "31 23:59:59", False),  # only a day
        ("30/12/2025,,31/12/2025,", "30 00:00:00", "31 23:59:59", False),  # two days
        ("31/12/2025,,31/12/2025,02:30", "31 00:00:00", "31 02:30:00", False),  # only the end is known
        ("31/12/2025,00:00,,", "31 00:00:00", "31 23:59:59", False),  # midnight alone: nobody knew
        ("31/12/2025,00:00,31/12/2025,00:00", "31 00:00:00", "31 23:59:59", False),
        ("31/12/2025,00:00,31/12/2025,23:59", "31 00:00:00", "31 23:59:59", False),  # the whole day
        ("31/12/2025,00:00,31/12/2025,02:30", "31 00:00:00", "31 02:30:00", True),  # midnight to another time
    ],
)
def test_when_the_time_is_known_and_how_far_a_record_spans(tmp_path, when, starts, ends, known):
    row = rows(tmp_path, f"1,8N,{when},01/01/2026,442000,112000,,,").iloc[0]
    span = tuple(row[c].strftime("%d %H:%M:%S") for c in ("dt_from", "dt_to"))
    assert (*span, row["time_known"], row["problem"]) == (starts, ends, known, "")


def test_the_month_is_when_it_happened_else_when_it_was_recorded(tmp_path):
    found = rows(tmp_path, "1,8N,31/12/2025,,,,05/01/2026,,,,,", "2,8N,,,,,05/01/2026,,,,,")
    assert found["month"].dt.strftime("%Y-%m").tolist() == ["2025-12", "2026-01"]
    assert pd.isna(found["dt_from"][1]) and not found["time_known"][1]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",8N,31/12/2025,,,,01/01/2026,,,,,", police_extract.NO_REFERENCE),
        ("1,8N,31/31/2025,,,,01/01/2026,,,,,", dates.BAD_DATE),
        ("1,8N,31/12/2025,teatime,,,01/01/2026,,,,,", dates.BAD_DATE),
        ("1,8N,,,,,,,,,,", police_extract.NO_DATE),
        ("1,8N,31/12/2025,14:05,30/12/2025,14:05,01/01/2026,,,,,", police_extract.ENDS_BEFORE),
        ("1,8N,31/12/2026,,,,01/01/2026,,,,,", police_extract.AFTER_RECORDING),
        ("1,,31/12/2025,,,,01/01/2026,,,,,", police_extract.NO_CODE),
        ("1,999Z,31/12/2025,,,,01/01/2026,,,,,", police_extract.UNKNOWN_CODE),
        ("1,37/1,31/12/2025,,,,01/01/2026,,,,,", police_extract.UNKNOWN_CODE),  # death by driving is not ours
        ("1,04-Jan,31/12/2025,,,,01/01/2026,,,,,", police_extract.CODE_AS_DATE),  # what Excel makes of 4/1
        ("1,8N,31/12/2025,,,,01/01/2026,442000,,,,", written.BAD_POINT),
        ("1,8N,31/12/2025,,,,01/01/2026,,,,Fratton,", f"Small area code: {written.BAD_WORDING}"),
        ("1,8N,31/12/2025,,,,01/01/2026,,,,,perhaps", f"Knife used or threatened: {written.BAD_WORDING}"),
    ],
)
def test_what_breaks_a_rule_is_set_aside_with_its_reason(tmp_path, line, reason):
    found = rows(tmp_path, line, "2,8N,31/12/2025,,,,01/01/2026,,,,,")
    assert found["problem"].tolist() == [reason, ""]
    assert not any(value and value in reason for value in ("teatime", "999Z", "Fratton", "perhaps"))


@pytest.mark.parametrize(
    ("text", "code", "group"),
    [
        ("8N", "8N", "violence_with_injury"), ("8N/1", "8N", "violence_with_injury"),
        ("008N", "8N", "violence_with_injury"),
        ("105a", "105A", "violence_without_injury"), ("104/23", "104", "violence_without_injury"),
        ("001", "1", "homicide"),
        ("1/1", "1", "homicide"), ("4/01", "4/1", "homicide"), ("004/2", "4/2", "homicide"), ("4.1", "4/1", "homicide"),
        ("2", "2", "attempted_murder"), ("34B", "34B", "robbery_personal"), ("10D", "10D", "weapons_blade"),
        ("4/3", "4/3", None),
        ("4", "4", None), ("8", "8", None), ("assault", None, None),
    ],
)  # fmt: skip
def test_codes_are_read_as_the_counting_rules_write_them(text, code, group):
    found = police_extract.offence_codes(pd.Series([text]))
    assert (None if pd.isna(found[0]) else found[0]) == code
    assert definitions.offence_codes("ho_code").get(code) == group


def test_the_place_is_a_point_a_postcode_a_small_area_or_none(tmp_path):
    found = rows(
        tmp_path,
        "1,8N,31/12/2025,,,,01/01/2026,442000,112000,,E01017140,",  # both: the later step believes the code
        "2,8N,31/12/2025,,,,01/01/2026,0,0,PO1 2AB,,",  # two zeros are no point
        "3,8N,31/12/2025,,,,01/01/2026,,,,E01017140,",
        "4,8N,31/12/2025,,,,01/01/2026,,,,,",
    )
    assert found["precision"].tolist() == ["exact", "none", "lsoa", "none"]  # a postcode is looked up later
    assert found["postcode"].tolist() == ["", "PO1 2AB", "", ""] and pd.isna(found["easting"][1])


def test_sexual_offences_are_sexual_whatever_the_flag_and_others_are_unknown(tmp_path):
    found = rows(tmp_path, "1,19C,31/12/2025,,,,,,,,,", "2,20A,31/12/2025,,,,,,,,,", "3,8N,31/12/2025,,,,,,,,,")
    assert found["sexual"].tolist()[:2] == [True, True] and pd.isna(found["sexual"][2])


def test_references_are_not_kept_and_one_crime_has_one_number(tmp_path):
    found = rows(tmp_path, "AB12,8N,31/12/2025,,,,,,,,,", "ab12,8N,31/12/2025,,,,,,,,,", "AB13,8N,31/12/2025,,,,,,,,,")
    assert found["record_id"][0] == found["record_id"][1] != found["record_id"][2]
    assert not found.astype("str").isin(["AB12", "ab12"]).any(axis=None)


def test_free_text_in_the_kind_of_place_is_refused(tmp_path):
    lines = [f"{n},8N,31/12/2025,behind shop number {n}" for n in range(201)]
    with pytest.raises(SourceProblem, match="«LocationType»: holds free text"):
        tidied(tmp_path, "\n".join(["CrimeRef,OffenceCode,DateFrom,LocationType", *lines]))
    with pytest.raises(SourceProblem, match="holds free text"):
        tidied(tmp_path, "CrimeRef,OffenceCode,DateFrom,LocationType\n1,8N,31/12/2025," + "a long story " * 6)


def test_excel_and_csv_give_the_same_records(tmp_path):
    lines = ["1,8N,31/12/2025,14:05,,,01/01/2026,442000,112000,,E01017140,Y", "2,001,30/12/2025,,,,01/01/2026,,,,,"]
    book = openpyxl.Workbook()
    for line in [HEAD.split(","), *([v or None for v in line.split(",")] for line in lines)]:
        book.active.append(line)
    for row in book.active.iter_rows(min_row=2, min_col=3, max_col=7):
        for cell in (cell for cell in row if cell.value and "/" in cell.value):
            cell.value = pd.to_datetime(cell.value, dayfirst=True).date()  # as Excel holds dates
    book.save(tmp_path / "extract.xlsx")
    from_excel = police_extract.tidy(police_extract.read(Piece(tmp_path / "extract.xlsx")), salt=b"salt")
    pd.testing.assert_frame_equal(from_excel, rows(tmp_path, *lines), check_dtype=False)


def test_no_rows_give_no_records_and_the_input_is_unchanged(tmp_path):
    assert len(rows(tmp_path)) == 0
    path = tmp_path / "extract.csv"
    path.write_text(f"{HEAD}\n1,8N,31/12/2025,,,,,,,,,\n")
    raw = police_extract.read(Piece(path))
    before = raw.copy()
    police_extract.tidy(raw)
    pd.testing.assert_frame_equal(raw, before)
