"""Counts of hospital admissions: periods, causes, withheld numbers, and what is set aside and why."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from data import definitions, harmonise, schema
from data.sources import admissions, written
from data.sources.files import Piece

HEAD = "AuthorityCode,Period,PeriodType,AgeBand,Sex,ICD10,Episodes,Persons,IMDDecile"
FULL = "E06000044,2023/24,,15-19,Male,X99,15,10,"


def tidied(folder: Path, text: str, encoding: str = "utf-8") -> pd.DataFrame:
    path = folder / "admissions.csv"
    path.write_bytes(text.encode(encoding))
    return admissions.tidy(admissions.read(Piece(path)))


def rows(folder: Path, *lines: str) -> pd.DataFrame:
    return tidied(folder, "\r\n".join([HEAD, *lines, ""]), "utf-8-sig")


def test_a_whole_row_becomes_a_sound_count(tmp_path):
    row = rows(tmp_path, "E06000044,2023/24,Financial year,15 to 19,M,X85-Y09,15,10,1").iloc[0]
    expected = {
        "authority_code": "E06000044", "period": "2023/24", "period_type": "financial_year", "age_band5": "15-19",
        "sex": "male",
        "icd_group": "X85_Y09", "episodes": 15.0, "persons": 10.0, "imd_decile": 1.0, "place_basis": "residence",
        "suppressed": False,
        "feed_id": "admissions", "problem": "",
    }  # fmt: skip
    assert row.to_dict() == expected


def test_withheld_is_missing_zero_is_zero_and_nothing_is_not_given(tmp_path):
    lines = [f"E06000044,2023/24,,{band},All,X99,{counts}," for band, counts in
             (("0-4", "*,*"), ("5-9", "0,0"), ("10-14", "10,*"), ("15-19", "\"1,005\","), ("20-24", ","))]  # fmt: skip
    found = rows(tmp_path, *lines)
    assert found["suppressed"].tolist() == [True, False, True, False, False]
    assert found["episodes"].tolist()[1:4] == [0.0, 10.0, 1005.0] and pd.isna(found["episodes"][0])
    assert found["persons"].isna().tolist() == [True, False, True, True, True]
    assert found["problem"].tolist() == ["", "", "", "", admissions.NO_COUNT]
    schema.check(schema.typed(found[found["problem"] == ""], "admissions"), "admissions", "admissions.csv")


@pytest.mark.parametrize(
    ("text", "given", "period", "length"),
    [
        ("2023-04", "", "2023-04", "month"),
        ("2023/24", "", "2023/24", "financial_year"),
        ("2023-24", "", "2023/24", "financial_year"),  # there is no month 24
        ("2011-12", "", "2011-12", "month"),  # December, unless the file says otherwise
        ("2011-12", "Financial year", "2011/12", "financial_year"),
        ("1999/00", "", "1999/00", "financial_year"),
        ("2021/22-2023/24", "", "2021/22-2023/24", "three_years"),
        ("2021/22 - 23/24", "Three years", "2021/22-2023/24", "three_years"),
    ],
)
def test_periods_are_written_one_way(tmp_path, text, given, period, length):
    row = rows(tmp_path, FULL.replace("2023/24,", f"{text},{given}")).iloc[0]
    assert (row["period"], row["period_type"], row["problem"]) == (period, length, "")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("E12000008,2023/24,,All,All,X99,15,,", admissions.NOT_AUTHORITY),  # a region
        ("E06000044,2023,,All,All,X99,15,,", admissions.BAD_PERIOD),
        ("E06000044,2023/25,,All,All,X99,15,,", admissions.BAD_PERIOD),
        ("E06000044,2023-04,Financial year,All,All,X99,15,,", admissions.BAD_PERIOD),  # not of the length given
        ("E06000044,2021/22-2024/25,,All,All,X99,15,,", admissions.BAD_PERIOD),  # four years
        ("E06000044,2023/24,,All,All,X99,few,,", admissions.BAD_COUNT),
        ("E06000044,2023/24,,All,All,X99,-1,,", admissions.BAD_COUNT),
        ("E06000044,2023/24,,All,All,X99,1.5,,", admissions.BAD_COUNT),
        ("E06000044,2023/24,,All,All,X99,15,,11", admissions.BAD_DECILE),
        ("E06000044,2023/24,weekly,All,All,X99,15,,", f"Length of period: {written.BAD_WORDING}"),
        ("E06000044,2023/24,,15-24,All,X99,15,,", f"Age band: {written.BAD_WORDING}"),
        ("E06000044,2023/24,,All,All,Y87.1,15,,", f"Cause of admission: {written.BAD_WORDING}"),  # sequelae
        ("E06000044,2023/24,,All,All,X91,15,,", f"Cause of admission: {written.BAD_WORDING}"),  # one code of the set
        (FULL, written.REPEATED),
    ],
)
def test_what_breaks_a_rule_is_set_aside_with_its_reason(tmp_path, line, reason):
    assert rows(tmp_path, FULL, line)["problem"].tolist() == ["", reason]


@pytest.mark.parametrize(
    ("text", "group"),
    [("X85-Y09", "X85_Y09"), ("x85 to y09", "X85_Y09"), ("X99", "X99"), ("X93-X95", "X93_X95"), ("Y04", "Y04")],
)
def test_causes_are_sets_of_codes(tmp_path, text, group):
    assert rows(tmp_path, FULL.replace("X99", text))["icd_group"].tolist() == [group]


def test_ages_and_sexes_not_given_are_all(tmp_path):
    found = tidied(tmp_path, "AuthorityCode,Period,ICD10,Episodes\nE06000044,2023/24,X99,15\n")
    assert found[["age_band5", "sex", "problem"]].iloc[0].tolist() == ["all", "all", ""]
    assert rows(tmp_path, FULL.replace("15-19", "90 and over"))["age_band5"].tolist() == ["90+"]


def test_other_partnerships_are_outside_the_area(tmp_path):
    found = rows(tmp_path, FULL, FULL.replace("E06000044", "E09000001"), FULL.replace("E06000044", "E12000008"))
    placed = admissions.localise(found, None, definitions.partnership())
    assert placed["problem"].tolist() == ["", harmonise.OUTSIDE, admissions.NOT_AUTHORITY]
    assert found["problem"].tolist() == ["", "", admissions.NOT_AUTHORITY]


def test_excel_and_csv_give_the_same_counts(tmp_path):
    book = openpyxl.Workbook()
    for line in (["Admissions for assault"], HEAD.split(","), [*FULL.split(",")[:6], 15, 10, None]):
        book.active.append(line)
    book.save(tmp_path / "admissions.xlsx")
    from_excel = admissions.tidy(admissions.read(Piece(tmp_path / "admissions.xlsx"))).reset_index(drop=True)
    pd.testing.assert_frame_equal(from_excel, rows(tmp_path, FULL), check_dtype=False)


def test_no_rows_give_no_counts(tmp_path):
    assert len(rows(tmp_path)) == 0
