"""Population: four shapes of file, bands, sexes, split areas shared out. A row: the people of an area and band."""

from pathlib import Path

import pandas as pd
import pytest
import shapely

from data import schema
from data.definitions import Authority, Partnership, partnership
from data.errors import SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.schema import AGE_BANDS
from data.sources import boundaries, files, lookups, population

SHARED = Path(__file__).parents[2] / "shared" / "real"
REAL = SHARED / "deprivation_population"
real = [pytest.mark.real, pytest.mark.skipif(not REAL.exists(), reason="../shared is not here")]

OURS, SECOND, THEIRS = "E07000091", "E07000092", "E07000049"
AUTHORITIES = (Authority(OURS, "New Forest", 0), Authority(SECOND, "Rushmoor", 0))
PLACE = Partnership("t", "T", "T", (), "t", "E23000030", (4e5, 7e4, 5e5, 1.7e5), AUTHORITIES)

# Unchanged: ...01. Split: ...02 into ...08 (3 km2) and ...09 (1 km2), in two neighbourhoods. Merged: ...03 and ...04.
TODAY = {"E01000001": 1.0, "E01000008": 3.0, "E01000009": 1.0, "E01000010": 1.0}
PARENT = {"E01000001": "E02000001", "E01000008": "E02000001", "E01000009": "E02000002", "E01000010": "E02000002"}
BECAME = [
    ("E01000001", "E01000001", "U"),
    ("E01000002", "E01000008", "S"),
    ("E01000002", "E01000009", "S"),
    ("E01000003", "E01000010", "M"),
    ("E01000004", "E01000010", "M"),
]


def _areas(codes: list[str], level: str, parents: list[str], km2: list[float]) -> pd.DataFrame:
    frame = pd.DataFrame({"area_code": codes, "area_level": level, "name": "", "parent": parents, "area_km2": km2})
    frame = frame.assign(authority_code=OURS, vintage="2021", x=440500.0, y=110500.0, feed_id="boundaries")
    return schema.typed(frame.assign(geometry=[shapely.box(440000, 110000, 441000, 111000)] * len(frame)), "areas")


def geography(recoded: bool = True) -> Geography:
    """Four small areas of today in two neighbourhoods of one authority, and how the old ones turned into them."""
    pairs = pd.DataFrame(BECAME if recoded else [], columns=["from_code", "to_code", "change"])
    known = schema.typed(pairs.assign(kind="lsoa11_lsoa21", feed_id="lookups"), "lookups")
    lsoas = _areas(list(TODAY), "lsoa", list(PARENT.values()), list(TODAY.values()))
    msoas = _areas(["E02000001", "E02000002"], "msoa", [OURS, OURS], [4.0, 2.0])
    none, postcodes = (schema.typed(pd.DataFrame(), t) for t in ("areas", "postcodes"))
    return Geography(lsoas, msoas, none, known, postcodes, PLACE.box, ())


def tidied(path: Path) -> pd.DataFrame:
    (piece,) = files.pieces([path], population.SUFFIXES)
    return population.tidy(population.read(piece))


def loaded(path: Path, held: Geography | None = None, place: Partnership = PLACE) -> pd.DataFrame:
    """The file through read, tidy and localise."""
    return population.localise(tidied(path), held or geography(), place)


def written(tmp_path: Path, header: str, *rows: str, name: str = "population-2020.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def single_years(tmp_path: Path, code_header: str, *lines: tuple[str, list[int]], total: int | None = None) -> Path:
    """A file with a column for each year of age, 0 to 90+; `lines`: a code and its 91 numbers."""
    header = f"{code_header},total_population," + ",".join(str(a) for a in range(90)) + ",90+"
    rows = [f"{code},{sum(people) if total is None else total}," + ",".join(map(str, people)) for code, people in lines]
    return written(tmp_path, header, *rows)


def good(rows: pd.DataFrame, level: str = "lsoa") -> pd.DataFrame:
    return rows[(rows["problem"] == "") & (rows["area_level"] == level)]


def people(rows: pd.DataFrame, *keys: str, level: str = "lsoa") -> dict:
    """Population by the columns named, of the rows without a problem at a level."""
    return good(rows, level).groupby(list(keys) if len(keys) > 1 else keys[0])["population"].sum().to_dict()


def test_single_years_add_up_to_five_year_bands_of_both_sexes_unknown(tmp_path):
    # one person of each age from 0 to 89, and seven of 90 and over
    rows = tidied(single_years(tmp_path, "lsoa21_code", ("E01000001", [1] * 90 + [7])))
    assert people(rows, "age_band5") == dict.fromkeys(AGE_BANDS[:-1], 5) | {"90+": 7}
    assert (set(rows["sex"]), set(rows["year"]), set(rows["vintage"])) == ({"all"}, {2020}, {"2021"})


def test_ages_that_do_not_add_up_to_the_total_are_set_aside(tmp_path):
    rows = tidied(single_years(tmp_path, "lsoa21_code", ("E01000001", [1] * 91), total=92))
    assert set(rows["problem"]) == {population.UNEVEN}


def test_sexes_in_columns_are_held_apart(tmp_path):
    """The shape of the small-area estimates since 2011: F0 ... F90, M0 ... M90 behind the codes of two levels."""
    header = "LAD 2023 Code,LAD 2023 Name,LSOA 2021 Code,LSOA 2021 Name,Total," + ",".join(
        f"{sex}{age}" for sex in "FM" for age in range(91)
    )
    line = f"{OURS},New Forest,E01000001,Test 001A,273," + ",".join(["1"] * 91 + ["2"] * 91)  # 91 + 182 = 273
    rows = tidied(written(tmp_path, header, line, name="sapelsoa-mid-2022.csv"))
    assert people(rows, "sex") == {"female": 91, "male": 182}
    assert set(rows["area_code"]) == {"E01000001"}  # the small area, not the authority beside it
    assert set(rows["year"]) == {2022}


def test_a_workbook_with_titles_and_a_sheet_for_each_sex_is_read_and_persons_set_aside(tmp_path):
    path = tmp_path / "estimates.xlsx"
    ages = [str(a) for a in range(90)] + ["90+"]
    with pd.ExcelWriter(path) as book:
        pd.DataFrame([["About this file"]]).to_excel(book, sheet_name="Contents", header=False, index=False)
        for sheet, each in (("Persons", 3), ("Females", 1), ("Males", 2)):
            blank = [None] * 93
            rows = [["A title", *blank[1:]], blank, ["LSOA Code", "All Ages", *ages]]
            rows.append(["E01000001", 91 * each, *[each] * 91])
            pd.DataFrame(rows).to_excel(book, sheet_name=f"Mid-2020 {sheet}", header=False, index=False)
    rows = tidied(path)
    assert people(rows, "sex") == {"female": 91, "male": 182}
    assert set(rows.loc[rows["sex"] == "all", "problem"]) == {population.TOTAL}
    assert set(rows["year"]) == {2020}


def test_the_year_must_be_told_and_the_name_of_the_file_may_tell_it(tmp_path):
    path = single_years(tmp_path, "lsoa21_code", ("E01000001", [1] * 91))
    nameless = path.rename(tmp_path / "people.csv")
    with pytest.raises(SourceProblem, match="of which year"):
        tidied(nameless)
    assert set(tidied(nameless.rename(tmp_path / "population20_lsoa.csv"))["year"]) == {2020}


def long(
    tmp_path: Path, *rows: str, header: str = "DATE,GEOGRAPHY_CODE,GENDER_NAME,C_AGE_NAME,MEASURES_NAME,OBS_VALUE"
):
    """A table as Nomis gives it, one number to a row."""
    return tidied(written(tmp_path, header, *rows, name="nomis.csv"))


def test_a_nomis_table_keeps_single_years_and_sexes_and_sets_totals_and_percentages_aside(tmp_path):
    at = f"2022,{OURS}"
    rows = long(
        tmp_path,
        f"{at},Male,Age 10,Value,4",  # 4 + 5 make the band 10-14
        f"{at},Male,Age 11,Value,5",
        f"{at},Female,Age 10,Value,3",
        f"{at},Female,Aged 90+,Value,2",  # open at the end, as single years are
        f"{at},Total,Age 10,Value,7",  # both sexes are given: a total
        f"{at},Male,All Ages,Value,9",  # single years are given: a total
        f"{at},Male,Aged 10 to 14,Value,9",  # so is this
        f"{at},Male,Aged 16 to 64,Value,0",  # and this is no band, but the years are there
        f"{at},Male,Age 10,Percent,44.4",  # not a number of people
        "2022,E92000001,Male,Age 10,Value,400000",  # England
    )
    assert people(rows, "sex", "age_band5", level="lad") == {
        ("female", "10-14"): 3,
        ("female", "90+"): 2,
        ("male", "10-14"): 9,
    }
    reasons = rows["problem"].value_counts().to_dict()
    assert reasons == {"": 3, population.TOTAL: 4, population.PERCENT: 1, population.OTHER_LEVEL: 1}


def test_five_year_bands_written_in_words_are_read_and_the_last_is_shared_at_ninety(tmp_path):
    at = f"2021,{OURS},Persons"
    rows = long(
        tmp_path,
        f"{at},Aged 4 years and under,Value,50",
        f"{at},Aged 5 to 9 years,Value,60",
        f"{at},10-14,Value,70",
        f"{at},Aged 85 years and over,Value,80",  # 80 x 0.625 = 50 are 85 to 89, 30 are 90 and over
        f"{at},Total: All usual residents,Value,260",
    )
    bands = {"0-4": 50, "5-9": 60, "10-14": 70, "85-89": 50, "90+": 30}
    assert people(rows, "age_band5", level="lad") == bands
    assert set(rows.loc[rows["estimated"], "age_band5"]) == {"85-89", "90+"}


def test_bands_of_other_widths_alone_are_a_fault(tmp_path):
    rows = long(tmp_path, f"2021,{OURS},Persons,Aged 0 to 15,Value,50", f"2021,{OURS},Persons,Aged 16 to 64,Value,90")
    assert set(rows["problem"]) == {population.BROAD}
    assert population.BROAD not in population.NOT_FAULTS


def test_rows_that_cannot_be_understood_or_stand_twice_say_so(tmp_path):
    at = f"2021,{OURS}"
    rows = long(
        tmp_path,
        f"{at},Persons,Age 13,Value,many",  # not a number, so the band of 10 to 14 has none
        f"{at},Persons,Age 4,Value,5",
        f"{at},Persons,Age 4,Value,5",  # again
        f"{at},Dogs,Age 4,Value,5",  # no sex
        f"{at},Persons,toddlers,Value,5",  # no age
        f"when,{OURS},Persons,Age 5,Value,5",  # no year
    )
    expected = {population.NOT_A_NUMBER: 1, "": 1, population.REPEATED: 1, population.NOT_READ: 3}
    assert rows["problem"].value_counts().to_dict() == expected


def test_the_census_table_gives_each_sex_once_and_checks_the_total(tmp_path):
    header = "ltla21_code,total_population,total_females,total_males,younger_females"
    rows = loaded(written(tmp_path, header, f"{OURS},10,6,4,1", f"{SECOND},10,6,5,1", f"{THEIRS},2,1,1,0"))
    assert people(rows, "sex", level="lad") == {"female": 6, "male": 4}
    assert set(rows.loc[rows["area_code"] == SECOND, "problem"]) == {population.UNEVEN}  # 6 + 5 are not 10
    assert set(rows.loc[rows["area_code"] == THEIRS, "problem"]) == {OUTSIDE}


def test_authorities_by_name_are_found_by_the_partnerships_own_names(tmp_path):
    lines = ["New Forest,,District,175398.00,175932.00", "Rushmoor,,District,102908,101003", "Dorset,,Unitary,1,2"]
    rows = loaded(written(tmp_path, "Name,PFA,Geography,Mid-2023,Mid-2022,", *[f"{line}," for line in lines]))
    expected = {(OURS, 2023): 175398, (OURS, 2022): 175932, (SECOND, 2023): 102908, (SECOND, 2022): 101003}
    assert people(rows, "area_code", "year", level="lad") == expected
    assert (rows["problem"] == OUTSIDE).sum() == 2


def test_a_table_of_names_that_lacks_one_of_the_partnerships_is_refused(tmp_path):
    with pytest.raises(SourceProblem, match="1 of the partnership's 2 authorities"):
        loaded(written(tmp_path, "Name,PFA,Geography,Mid-2023", "New Forest,,District,175398"))


def test_people_of_a_split_area_are_shared_by_land_in_whole_people_and_no_one_is_lost(tmp_path):
    ages = [0] * 91
    ages[12], ages[40] = 10, 3
    rows = loaded(single_years(tmp_path, "lsoa11_code", ("E01000001", ages), ("E01000002", ages), ("E01099999", ages)))
    # 3 km2 and 1 km2: of 10 people 7.5 and 2.5; the remainders are equal, and the first in order of code gets the one
    # left over; of 3 people 2.25 and 0.75: the larger remainder gets the one left over, so 2 and 1.
    found = people(rows, "area_code", "age_band5")
    assert [found["E01000008", "10-14"], found["E01000009", "10-14"]] == [8, 2]
    assert [found["E01000008", "40-44"], found["E01000009", "40-44"]] == [2, 1]
    assert found["E01000001", "10-14"] == 10
    assert good(rows).groupby("area_code")["estimated"].first().to_dict() == {
        "E01000001": False,
        "E01000008": True,
        "E01000009": True,
    }
    assert set(good(rows)["vintage"]) == {"2021"}
    assert (rows.loc[rows["area_code"] == "E01099999", "problem"] == OUTSIDE).all()
    assert list(rows.attrs["notes"].values()) == [2]
    schema.check(schema.typed(rows[rows["problem"] == ""], "population"), "population", "test")


def test_people_of_merged_areas_are_added_and_no_estimate(tmp_path):
    rows = loaded(single_years(tmp_path, "lsoa11_code", ("E01000003", [1] * 91), ("E01000004", [2] * 91)))
    assert people(rows, "area_code") == {"E01000010": 273}  # 91 + 182
    assert len(good(rows)) == len(AGE_BANDS)
    assert not good(rows)["estimated"].any()


def test_neighbourhoods_and_authorities_are_added_up_and_estimated_only_where_a_share_crosses_them(tmp_path):
    ages = [0] * 12 + [10] + [0] * 78
    rows = loaded(single_years(tmp_path, "lsoa11_code", ("E01000001", ages), ("E01000002", ages)))
    # the split area lies in both neighbourhoods: 10 + 8 in the first, 2 in the second; the authority has all 20
    assert people(rows, "area_code", level="msoa") == {"E02000001": 18, "E02000002": 2}
    assert people(rows, "area_code", level="lad") == {OURS: 20}
    assert good(rows, "msoa")["estimated"].all()
    assert not good(rows, "lad")["estimated"].any()


def test_of_two_files_on_one_year_the_one_that_says_more_is_counted(tmp_path):
    by_sex = loaded(written(tmp_path, "ltla21_code,total_females,total_males", f"{OURS},6,4", f"{SECOND},6,4"))
    names = written(tmp_path, "Name,Mid-2021,Mid-2022", "New Forest,11,12", "Rushmoor,13,14")
    held = schema.typed(pd.concat([loaded(names), by_sex]), "population")
    counted = population.finest(held)
    assert people(counted.assign(problem=""), "year", level="lad") == {2021: 20, 2022: 26}
    assert set(counted.loc[counted["year"] == 2021, "sex"]) == {"female", "male"}
    assert population.finest(held.iloc[:0]).empty


def test_inputs_are_left_as_they_were(tmp_path):
    rows = tidied(single_years(tmp_path, "lsoa11_code", ("E01000002", [1] * 91)))
    before = rows.copy(deep=True)
    population.localise(rows, geography(), PLACE)
    pd.testing.assert_frame_equal(rows, before)


def test_what_has_to_be_loaded_first_is_said(tmp_path):
    path = single_years(tmp_path, "lsoa11_code", ("E01000001", [1] * 91))
    with pytest.raises(SourceProblem, match="lookup of small areas 2011 to 2021 first"):
        loaded(path, geography(recoded=False))
    none, known = schema.typed(pd.DataFrame(), "areas"), geography()
    with pytest.raises(SourceProblem, match="Load boundaries first"):
        loaded(path, Geography(none, none, none, known.lookups, known.postcodes, PLACE.box, ()))


def test_a_table_that_has_no_people_is_refused_and_quotes_nothing(tmp_path):
    with pytest.raises(SourceProblem, match="no table of people by area") as refusal:
        tidied(written(tmp_path, "lsoa21_code,colour", "E01000001,blue"))
    assert "blue" not in str(refusal.value)


@pytest.fixture(scope="module")
def hampshire() -> Geography:
    """The study area's small areas and neighbourhoods, and how those of 2011 turned into them."""
    held = geography()
    (piece,) = files.pieces([SHARED / "geography" / "lookup_lsoa11_lsoa21_ltla22.csv.gz"], lookups.SUFFIXES)
    known = lookups.localise(lookups.tidy(lookups.read(piece)), held, partnership())
    known = schema.typed(known[known["problem"] == ""], "lookups")
    (piece,) = files.pieces([SHARED / "geography" / "hiow_boundaries_bgc.gpkg"], boundaries.SUFFIXES)
    areas = boundaries.localise(boundaries.tidy(boundaries.read(piece)), held, partnership())
    areas = schema.typed(areas[areas["problem"] == ""], "areas")
    level = {name: part.reset_index(drop=True) for name, part in areas.groupby("area_level")}
    return Geography(level["lsoa"], level["msoa"], held.lads, known, held.postcodes, partnership().box, ())


class TestReal:
    pytestmark = real

    # From ../shared/real/README.md: mid-2020 population of the study area 1,999,066, of whom 357,169 aged 10 to 24;
    # England and Wales 59,719,724 in 34,753 small areas.
    def test_mid_2020_totals_hold_at_every_level_after_people_were_shared_out(self, hampshire):
        tidy = tidied(REAL / "population20_lsoa11.parquet")
        assert tidy["population"].sum() == 59_719_724
        assert tidy["area_code"].nunique() == 34_753
        rows = population.localise(tidy, hampshire, partnership())
        for level, areas in (("lsoa", 1231), ("msoa", 247), ("lad", 14)):
            part = good(rows, level)
            assert part["population"].sum() == 1_999_066
            young = part["age_band5"].isin(["10-14", "15-19", "20-24"])
            assert part.loc[young, "population"].sum() == 357_169
            assert part["area_code"].nunique() == areas
            assert not part.duplicated(["area_code", "age_band5", "sex"]).any()
        assert good(rows)[good(rows)["estimated"]]["area_code"].nunique() == 65
        assert (good(rows)["population"] % 1 == 0).all()
        schema.check(schema.typed(rows[rows["problem"] == ""], "population"), "population", "mid-2020")

    def test_census_2021_is_near_the_rounded_numbers_of_the_partnership_file(self):
        rows = loaded(REAL / "age_gender21_ltla21_ew.csv", place=partnership())
        found = people(rows, "area_code", level="lad")
        # this table was made up from cells that the census office had changed a little, so up to 150 people off
        assert all(abs(found[a.code] - a.residents_2021) <= 150 for a in partnership().authorities)

    def test_mid_year_totals_by_name_load_for_every_year_and_authority(self):
        path = SHARED / "recorded_crime" / "ons_pfa_population_mid2011_2023.csv"
        rows = loaded(path, place=partnership())
        assert good(rows, "lad").groupby("year")["area_code"].nunique().to_dict() == dict.fromkeys(
            range(2011, 2024), 14
        )
        # the file gives the eleven districts together as the county: 1,428,559 in 2023
        now = good(rows, "lad").query("year == 2023")
        assert now.loc[now["area_code"].str.startswith("E07"), "population"].sum() == 1_428_559
