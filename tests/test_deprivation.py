"""Indices of Deprivation: headings of every edition, old areas brought to today's. A row: one measure of one area."""

from pathlib import Path

import pandas as pd
import pytest
import shapely

from data import schema
from data.definitions import Authority, Partnership, partnership
from data.errors import SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.sources import boundaries, deprivation, files, lookups

SHARED = Path(__file__).parents[2] / "shared" / "real"
REAL = SHARED / "deprivation_population"
real = [pytest.mark.real, pytest.mark.skipif(not REAL.exists(), reason="../shared is not here")]

OURS = "E07000091"
PLACE = Partnership("t", "T", "T", (), "t", "E23000030", (4e5, 7e4, 5e5, 1.7e5), (Authority(OURS, "Ours", 0),))

# Unchanged: ...01. Split: ...02 into ...08 and ...09. Merged: ...03 and ...04 into ...10.
TODAY = ["E01000001", "E01000008", "E01000009", "E01000010"]
BECAME = [
    ("E01000001", "E01000001", "U"),
    ("E01000002", "E01000008", "S"),
    ("E01000002", "E01000009", "S"),
    ("E01000003", "E01000010", "M"),
    ("E01000004", "E01000010", "M"),
]


def geography(recoded: bool = True) -> Geography:
    """Four small areas of today, each a square kilometre, and how the old ones turned into them."""
    shapes = [shapely.box(440000 + 1000 * i, 110000, 441000 + 1000 * i, 111000) for i in range(len(TODAY))]
    areas = pd.DataFrame({"area_code": TODAY, "area_level": "lsoa", "name": "", "parent": OURS, "authority_code": OURS})
    areas = areas.assign(vintage="2021", area_km2=1.0, x=440500.0, y=110500.0, feed_id="boundaries", geometry=shapes)
    pairs = pd.DataFrame(BECAME if recoded else [], columns=["from_code", "to_code", "change"])
    known = schema.typed(pairs.assign(kind="lsoa11_lsoa21", feed_id="lookups"), "lookups")
    none = schema.typed(pd.DataFrame(), "areas")
    postcodes = schema.typed(pd.DataFrame(), "postcodes")
    return Geography(schema.typed(areas, "areas"), none, none, known, postcodes, PLACE.box, ())


def tidied(path: Path) -> pd.DataFrame:
    (piece,) = files.pieces([path], deprivation.SUFFIXES)
    return deprivation.tidy(deprivation.read(piece))


def loaded(path: Path, held: Geography | None = None, place: Partnership = PLACE) -> pd.DataFrame:
    """The file through read, tidy and localise."""
    return deprivation.localise(tidied(path), held or geography(), place)


def written(tmp_path: Path, header: str, *rows: str) -> Path:
    path = tmp_path / "deprivation.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def values(rows: pd.DataFrame, indicator: str) -> dict[str, float]:
    """Value by area, of the rows without a problem."""
    found = rows[(rows["problem"] == "") & (rows["indicator_id"] == indicator)]
    return dict(zip(found["area_code"], found["value"], strict=True))


def test_the_governments_own_headings_of_2019_are_read():
    """File 7 as published, with a few of its 57 columns."""
    cases = {
        "Index of Multiple Deprivation (IMD) Score": "score",
        "Index of Multiple Deprivation (IMD) Rank (where 1 is most deprived)": "rank",
        "Index of Multiple Deprivation (IMD) Decile (where 1 is most deprived 10% of LSOAs)": "decile",
        "Income Score (rate)": "income_score",
        "Employment Rank (where 1 is most deprived)": "employment_rank",
        "Education, Skills and Training Score": "education_score",
        "Health Deprivation and Disability Score": "health_score",
        "Crime Decile (where 1 is most deprived 10% of LSOAs)": "crime_decile",
        "Barriers to Housing and Services Score": "housing_score",
        "Living Environment Score": "environment_score",
        "Income Deprivation Affecting Children Index (IDACI) Score (rate)": "idaci_score",
        "Income Deprivation Affecting Older People (IDAOPI) Score (rate)": "idaopi_score",
        "Children and Young People Sub-domain Score": "children_score",
        "Wider Barriers Sub-domain Rank (where 1 is most deprived)": "wider_barriers_rank",
    }
    assert {heading: deprivation.measure(heading).id for heading in cases} == cases


@pytest.mark.parametrize(
    "heading",
    ["Local Authority District name (2019)", "Total population: mid 2015 (excluding prisoners)", "LSOA name (2011)"],
)
def test_other_columns_are_no_measures(heading):
    assert deprivation.measure(heading) is None


@pytest.mark.parametrize(
    ("header", "edition"),
    [
        ("LSOA code (2011),Local Authority District code (2013),Income Rank (where 1 is most deprived)", "2015"),
        ("LSOA code (2011),Local Authority District code (2019),Income Rank (where 1 is most deprived)", "2019"),
        ("LSOA code (2021),Local Authority District code (2024),Income Rank (where 1 is most deprived)", "2025"),
    ],
)
def test_the_edition_is_told_by_the_years_in_the_headings(tmp_path, header, edition):
    rows = tidied(written(tmp_path, header, "E01000001,E07000091,5"))
    assert rows["indicator_id"].tolist() == [f"imd{edition}_income_rank"]
    assert rows["period"].tolist() == [edition]


def test_tidied_copies_give_the_same_indicators_as_the_governments_file(tmp_path):
    own = tidied(
        written(tmp_path, "LSOA code (2021),Barriers to Housing and Services Score,Crime Score", "E01000001,4,5")
    )
    copy = tidied(written(tmp_path, "lsoa21_code,Housing_and_Services_score,Crime_score", "E01000001,4,5"))
    pd.testing.assert_frame_equal(own, copy)


def test_what_comes_from_police_records_is_context_and_says_it_is_never_a_factor(tmp_path):
    header = "lsoa21_code,IMD_score,Income_score,Crime_score,violence_with_injury_rate_per_1_000_at_risk_population"
    rows = tidied(written(tmp_path, header, "E01000001,10,0.1,1,2")).set_index("indicator_id")
    kinds = {"imd2025_score": "context", "imd2025_income_score": "risk", "imd2025_crime_score": "context"}
    assert rows["kind"].to_dict() == kinds | {
        "imd2025_violence_with_injury_rate_per_1000_at_risk_population": "context"
    }
    assert rows["name"].str.contains("never a factor").tolist() == [True, False, True, True]


def test_the_better_side_of_a_score_is_low_and_of_a_rank_or_decile_high(tmp_path):
    rows = tidied(written(tmp_path, "lsoa21_code,Income_score,Income_rank,Income_decile", "E01000001,0.1,5,1"))
    assert rows["polarity"].tolist() == ["low_is_good", "high_is_good", "high_is_good"]
    assert rows["unit"].tolist() == ["share of people", "rank", "decile"]


def test_empty_is_unknown_and_words_are_set_aside(tmp_path):
    rows = tidied(
        written(tmp_path, "lsoa21_code,Income_rank", "E01000001,", "E01000008,many", 'E01000009,"1,234"', "X,5")
    )
    assert rows["problem"].tolist() == ["", deprivation.NOT_A_NUMBER, "", deprivation.NOT_A_CODE]
    assert pd.isna(rows["value"].iloc[0])
    assert rows["value"].iloc[2] == 1234
    assert rows.index.tolist() == [0, 1, 2, 3]  # the line of the file, for whoever looks up what was set aside


def test_small_areas_of_2011_are_brought_to_today(tmp_path):
    header = "lsoa11_code,Income_rank,income_domain_numerator"
    # unchanged, split, the two that were merged, and one of elsewhere
    path = written(
        tmp_path, header, "E01000001,10,50", "E01000002,20,60", "E01000003,30,70", "E01000004,50,90", "E01099999,1,1"
    )
    rows = loaded(path)
    # the split gives 20 to each part; the merged get (30 + 50) / 2 = 40
    assert values(rows, "imd2019_income_rank") == {"E01000001": 10, "E01000008": 20, "E01000009": 20, "E01000010": 40}
    # people are shared: 60 / 2 = 30 each; and added: 70 + 90 = 160
    people = values(rows, "imd2019_income_domain_numerator")
    assert people == {"E01000001": 50, "E01000008": 30, "E01000009": 30, "E01000010": 160}
    assert rows[rows["problem"] == OUTSIDE]["area_code"].unique().tolist() == ["E01099999"]
    marked = rows[rows["problem"] == ""].groupby("area_code")["source"].first()
    assert marked["E01000001"] == "English Indices of Deprivation 2019"
    assert marked["E01000008"].endswith(deprivation.SPLIT)
    assert marked["E01000010"].endswith(deprivation.MERGED)
    assert list(rows.attrs["notes"].values()) == [2, 1]
    schema.check(schema.typed(rows[rows["problem"] == ""], "indicators"), "indicators", "test")


def test_inputs_are_left_as_they_were(tmp_path):
    rows = tidied(written(tmp_path, "lsoa11_code,Income_rank", "E01000002,20"))
    before = rows.copy(deep=True)
    deprivation.localise(rows, geography(), PLACE)
    pd.testing.assert_frame_equal(rows, before)


def test_small_areas_of_today_stay_as_they_are(tmp_path):
    rows = loaded(written(tmp_path, "lsoa21_code,Income_rank", "E01000008,7", "E01099999,1"))
    assert values(rows, "imd2025_income_rank") == {"E01000008": 7}


def test_what_has_to_be_loaded_first_is_said(tmp_path):
    path = written(tmp_path, "lsoa11_code,Income_rank", "E01000001,5")
    with pytest.raises(SourceProblem, match="lookup of small areas 2011 to 2021 first"):
        loaded(path, geography(recoded=False))
    nothing = geography()
    none = schema.typed(pd.DataFrame(), "areas")
    with pytest.raises(SourceProblem, match="Load boundaries first"):
        loaded(path, Geography(none, none, none, nothing.lookups, nothing.postcodes, PLACE.box, ()))


def test_a_table_without_small_areas_is_refused_and_quotes_nothing(tmp_path):
    with pytest.raises(SourceProblem, match="no table of measures by small area") as refusal:
        tidied(written(tmp_path, "ltla24_code,colour", "E07000091,blue"))
    assert "blue" not in str(refusal.value)


def test_a_workbook_with_a_page_of_notes_first_is_read(tmp_path):
    path = tmp_path / "File_1.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"Notes": ["about this file"]}).to_excel(book, sheet_name="Notes", index=False)
        table = {"LSOA code (2021)": ["E01000001"], "Income Rank (where 1 is most deprived)": [5]}
        pd.DataFrame(table).to_excel(book, sheet_name="IoD2025", index=False)
    assert values(loaded(path), "imd2025_income_rank") == {"E01000001": 5}


@pytest.fixture(scope="module")
def hampshire() -> Geography:
    """The study area's small areas and how those of 2011 turned into them."""
    (piece,) = files.pieces([SHARED / "geography" / "lookup_lsoa11_lsoa21_ltla22.csv.gz"], lookups.SUFFIXES)
    held = geography()
    known = lookups.localise(lookups.tidy(lookups.read(piece)), held, partnership())
    known = schema.typed(known[known["problem"] == ""], "lookups")
    (piece,) = files.pieces([SHARED / "geography" / "hiow_boundaries_bgc.gpkg"], boundaries.SUFFIXES)
    areas = boundaries.localise(boundaries.tidy(boundaries.read(piece)), held, partnership())
    areas = schema.typed(areas[areas["problem"] == ""], "areas")
    small = areas[areas["area_level"] == "lsoa"].reset_index(drop=True)
    return Geography(small, held.msoas, held.lads, known, held.postcodes, partnership().box, ())


class TestReal:
    pytestmark = real

    # From ../shared/real/README.md: 44 small areas in decile 1 of 2019, 52 in that of 2025, among 1,194 and 1,231.
    @pytest.mark.parametrize(
        ("file", "edition", "lines", "deciles_of_one"),
        [("imd2019_england_lsoa11.csv.gz", "2019", 32844, 44), ("imd2025_england_lsoa21.csv.gz", "2025", 33755, 52)],
    )
    def test_the_most_deprived_small_areas_are_counted_as_published(
        self, hampshire, file, edition, lines, deciles_of_one
    ):
        rows = loaded(REAL / file, hampshire, partnership())
        assert tidied(REAL / file)["area_code"].nunique() == lines
        deciles = values(rows, f"imd{edition}_decile")
        assert len(deciles) == 1231
        # none of the split areas was in decile 1, so the count of 2019 holds on today's areas too
        assert sum(value == 1 for value in deciles.values()) == deciles_of_one

    @pytest.mark.parametrize(
        ("file", "measures"),
        [
            ("imd2019_england_lsoa11_subdomains.csv.gz", 18),
            ("imd2019_england_lsoa11_indicators.csv.gz", 28),
            ("imd2025_england_lsoa21_subdomains.csv.gz", 18),
            ("imd2025_england_lsoa21_indicators.csv.gz", 28),
            ("File_1_ID_2015_Index_of_Multiple_Deprivation.xlsx", 2),
        ],
    )
    def test_every_column_of_measures_is_read(self, hampshire, file, measures):
        """`measures` is how many columns beside codes and names the file has."""
        rows = loaded(REAL / file, hampshire, partnership())
        good = schema.typed(rows[rows["problem"] == ""], "indicators")
        schema.check(good, "indicators", file)
        assert good["indicator_id"].nunique() == measures
        assert good.groupby("indicator_id")["area_code"].nunique().eq(1231).all()
        assert set(rows["problem"]) == {"", OUTSIDE}
