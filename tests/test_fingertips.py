"""Public health indicators: identifiers, levels, periods, what is left out and why; and the real exports."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from data import definitions, harmonise, schema
from data.sources import files, fingertips
from data.sources.files import Piece

REAL = Path(__file__).parents[1] / ".." / "shared" / "real" / "health"
HEAD = (
    "Indicator ID,Indicator Name,Parent Code,Parent Name,Area Code,Area Name,Area Type,Sex,Age,Category Type,Category,"
    "Time period,Value,Lower CI 95.0 limit,Upper CI 95.0 limit,Lower CI 99.8 limit,Upper CI 99.8 limit,Count,"
    "Denominator,Value note,Recent Trend,Compared to England value or percentiles,"
    "Compared to Region value or percentiles,"
    "Time period Sortable,New data,Compared to goal"
)


def line(**given: str) -> str:
    """One row of an export: social contact in Portsmouth, but for what is given."""
    usual = {
        "Indicator ID": "90280", "Indicator Name": "Social contact", "Area Code": "E06000044",
        "Area Name": "Portsmouth", "Sex": "Persons",
        "Age": "18+ yrs", "Time period": "2016/17", "Value": "41.9", "Lower CI 95.0 limit": "41.4",
        "Upper CI 95.0 limit": "42.4",
        "Count": "155", "Denominator": "370",
    }  # fmt: skip
    usual |= {name.replace("_", " "): value for name, value in given.items()}
    return ",".join(usual.get(header, "") for header in HEAD.split(","))


def tidied(folder: Path, *lines: str, ends: str = "\n", encoding: str = "utf-8") -> pd.DataFrame:
    path = folder / "indicators.csv"
    path.write_bytes(ends.join([HEAD, *lines, ""]).encode(encoding))
    return fingertips.tidy(fingertips.read(Piece(path)))


def test_a_whole_row_becomes_a_sound_value(tmp_path):
    row = tidied(tmp_path, line(), ends="\r\n", encoding="utf-8-sig").iloc[0]
    expected = {
        "indicator_id": "90280", "name": "Social contact", "kind": "protective", "area_code": "E06000044",
        "area_level": "lad",
        "period": "2016/17", "value": 41.9, "lower": 41.4, "upper": 42.4, "numerator": 155.0, "denominator": 370.0,
        "unit": "%",
        "polarity": "high_is_good", "feed_id": "fingertips", "licence": "Open Government Licence v3.0", "problem": "",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


def test_an_indicator_of_unknown_meaning_is_context_and_neutral(tmp_path):
    row = tidied(tmp_path, line(Indicator_ID="99999", Age="All ages")).iloc[0]
    assert (row["indicator_id"], row["kind"], row["polarity"], row["unit"]) == (
        "99999",
        "context",
        "neutral",
        "as published",
    )


@pytest.mark.parametrize(
    ("given", "identifier", "name"),
    [
        ({}, "90280", "Social contact"),  # its own age is 18+
        ({"Sex": "Female"}, "90280:female", "Social contact, female"),
        ({"Age": "65+ yrs"}, "90280:65plus", "Social contact, 65+ yrs"),
        ({"Sex": "Male", "Age": "<75 yrs"}, "90280:male:under75", "Social contact, male, <75 yrs"),
        ({"Indicator_ID": "99999"}, "99999:18plus", "Social contact, 18+ yrs"),  # not in our list: own age is all ages
        ({"Indicator_ID": "20401", "Sex": "Female", "Age": "<18 yrs"}, "20401", "Social contact"),
    ],
)
def test_other_sexes_and_ages_are_indicators_of_their_own(tmp_path, given, identifier, name):
    row = tidied(tmp_path, line(**given)).iloc[0]
    assert (row["indicator_id"], row["name"]) == (identifier, name)


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("E06000044", "lad"), ("E07000084", "lad"), ("E08000001", "lad"), ("E09000001", "lad"), ("E12000008", "region"),
        ("E92000001", "country"), ("E01017140", "lsoa"), ("E02003525", "msoa"), ("E05002450", "ward"),
        ("E23000030", "pfa"),
    ],
)  # fmt: skip
def test_the_code_tells_the_level(tmp_path, code, level):
    row = tidied(tmp_path, line(Area_Code=code)).iloc[0]
    assert (row["area_level"], row["problem"]) == (level, "")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            {"Category_Type": "District & UA deprivation deciles", "Category": "Most deprived decile"},
            fingertips.GROUPED,
        ),
        ({"Area_Code": "E10000014"}, fingertips.COUNTY),
        ({"Area_Code": "E54000042"}, fingertips.OTHER_AREA),  # an integrated care board
        ({"Indicator_ID": ""}, fingertips.NO_INDICATOR),
        ({"Time_period": "lately"}, fingertips.BAD_PERIOD),
        ({"Value": "many"}, fingertips.BAD_NUMBER),
        ({"Count": "155 or so"}, fingertips.BAD_NUMBER),
    ],
)
def test_what_is_left_out_or_set_aside_has_its_reason(tmp_path, given, reason):
    found = tidied(tmp_path, line(**given), line())
    assert found["problem"].tolist() == [reason, ""]
    assert (reason in fingertips.NOT_FAULTS) == (
        reason in (fingertips.GROUPED, fingertips.COUNTY, fingertips.OTHER_AREA)
    )


def test_the_same_value_twice_is_kept_once(tmp_path):
    found = tidied(tmp_path, line(Category_Type="tenths"), line(), line(), line(Time_period="2017/18"))
    assert found["problem"].eq("").tolist() == [False, True, False, True]


def test_an_empty_value_with_a_note_is_missing_not_zero(tmp_path):
    found = tidied(
        tmp_path,
        line(Value="", Count="", Value_note="Value missing in source data"),
        line(Value="0", Time_period="2015"),
    )
    assert found["value"].isna().tolist() == [True, False] and found["value"][1] == 0
    schema.check(schema.typed(found, "indicators"), "indicators", "indicators.csv")


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("2015", "2015"),
        ("2010/11", "2010/11"),
        ("2021/22 - 23/24", "2021/22-2023/24"),
        ("2001 - 03", "2001-2003"),
        ("2017-2019", "2017-2019"),
    ],
)
def test_periods_are_written_one_way(tmp_path, text, period):
    assert tidied(tmp_path, line(Time_period=text))["period"].tolist() == [period]


def test_a_line_break_inside_a_name_is_a_blank(tmp_path):
    found = tidied(tmp_path, line(Indicator_Name='"Incidence rate\n"'), line(Time_period="2015"), ends="\r\n")
    assert found["name"].tolist() == ["Incidence rate", "Social contact"]


def test_areas_of_others_are_outside_and_regions_stay(tmp_path):
    codes = ["E06000044", "E06000001", "E12000008", "E92000001", "E01000001"]
    found = tidied(tmp_path, *(line(Area_Code=code) for code in codes))
    ours = definitions.partnership()
    empty = schema.typed(pd.DataFrame(), "areas")
    names = {"lsoas": empty, "msoas": empty, "lads": empty, "lookups": schema.typed(pd.DataFrame(), "lookups")}
    fields = harmonise.Geography.__dataclass_fields__
    geography = harmonise.Geography(
        **{n: names.get(n, pd.DataFrame()) for n in fields} | {"box": ours.box, "forces": ours.forces}
    )
    placed = fingertips.localise(found, geography, ours)
    assert placed["problem"].tolist() == ["", harmonise.OUTSIDE, "", "", harmonise.OUTSIDE]


def test_excel_and_csv_give_the_same_values(tmp_path):
    book = openpyxl.Workbook()
    for row in (
        HEAD.split(","),
        [float(v) if v in ("41.9", "41.4", "42.4", "155", "370") else v or None for v in line().split(",")],
    ):
        book.active.append(row)
    book.save(tmp_path / "indicators.xlsx")
    from_excel = fingertips.tidy(fingertips.read(Piece(tmp_path / "indicators.xlsx")))
    pd.testing.assert_frame_equal(from_excel, tidied(tmp_path, line()), check_dtype=False)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "rows", "deciles", "counties", "kept"),
    [  # counted in the files with another reader: rows with a Category Type, then rows of E10 codes without one
        ("indicators-CountyUA.data.csv", 852, 60, 135, 657),  # rows one column short, line breaks inside the name
        ("indicators-DistrictUApre419.data.csv", 2752, 80, 0, 2672),
        ("social-isolation-indicators-CountyUA.data.csv.gz", 4536, 459, 625, 3452),
    ],
)
def test_real_exports_are_read_whole(name, rows, deciles, counties, kept):
    if not (REAL / name).exists():
        pytest.skip("../shared is not here")
    raw = fingertips.read(files.Piece(REAL / name))
    found = fingertips.tidy(raw)
    reasons = found["problem"].value_counts()
    assert (len(raw), reasons[fingertips.GROUPED], reasons.get(fingertips.COUNTY, 0)) == (rows, deciles, counties)
    assert reasons[""] == kept == rows - deciles - counties
    schema.check(schema.typed(found[found["problem"] == ""], "indicators"), "indicators", name)


@pytest.mark.real
def test_a_real_value_is_the_published_one():
    path = REAL / "indicators-CountyUA.data.csv"
    if not path.exists():
        pytest.skip("../shared is not here")
    found = fingertips.tidy(fingertips.read(files.Piece(path)))
    row = found[
        (found["area_level"] == "country") & (found["period"] == "2015") & (found["indicator_id"] == "93356")
    ].iloc[0]
    assert (row["value"], row["numerator"], row["denominator"]) == (94.7261896202678, 51897, 54786327)
    # by hand: 51,897 / 54,786,327 * 100,000 = 94.726
    assert row["value"] == pytest.approx(51897 / 54786327 * 100_000)
