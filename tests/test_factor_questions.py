"""What may be set against violence, and what each area has of it: by hand on six squares, and as published."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from conftest import (
    CENTRE,
    E1,
    E2,
    EAST,
    LOOKUPS,
    M1,
    M2,
    M3,
    OLD_MERGED,
    OLD_SPLIT,
    SQUARES,
    TO_DEGREES,
    W1,
    W2,
    W3,
    W4,
    WEST,
    X0,
    boundary_file,
    crime,
    street_file,
    text_file,
)  # fmt: skip
from test_factor_sources import OGL, PARTNER, PUBLISHED, TENURES, sent, tenure

from data import derived_factors, factor_questions, ingest, publish
from data.profile_questions import AVERAGED
from data.store import NotHeld, Scope

SMALL = [W1, W2, E1, E2, W3, W4]  # sorted by code: ...001, ...002, ...003, ...004, ...011, ...012
JANUARY = pd.Timestamp("2024-01-01")
ABSENCE = {"indicator": "absence", "name": "Absence", "unit": "% of half days", "numerator": "", "denominator": ""}
CLAIMANTS = {"indicator": "claimants", "name": "Claimants", "unit": "people", "numerator": "", "denominator": ""}


def indices(folder: Path) -> list[Path]:
    """Deprivation of 2025 on small areas of today, and of 2019 on those of 2011."""
    now = ["lsoa21_code,IMD_decile,Income_score,Crime_score,Income_rank"]
    now += [
        f"{code},5,{score},1,{rank}" for rank, (code, score) in enumerate({W1: 0.1, W2: 0.4, W3: 0.2, E2: 0.5}.items())
    ]
    old = ["LSOA code (2011),Local Authority District code (2019),Income Score (rate)"]
    old += [f"{code},X,0.{place + 1}" for place, code in enumerate([W1, W2, E1, OLD_SPLIT, *OLD_MERGED])]
    return [text_file(folder / "imd2025.csv", now), text_file(folder / "imd2019.csv", old)]


def partners(folder: Path) -> Path:
    """Absence by small area and, for two neighbourhoods, as published; claimants; a share of an ethnic group."""
    rows = [
        ABSENCE | {"area_code": code, "value": value} for code, value in ((W1, "4"), (W2, "7"), (M1, "5.5"), (M3, "9"))
    ]
    rows += [ABSENCE | {"area_code": W1, "value": "99", "period": "2022/23"}]
    rows += [ABSENCE | {"area_code": W1, "value": "c", "period": "2024/25"}]  # withheld: no newer value
    rows += [CLAIMANTS | {"area_code": code, "value": value} for code, value in ((W1, "5"), (W2, "7"), (W3, "9"))]
    rows += [ABSENCE | {"indicator": "asian", "name": "Asian pupils", "area_code": W1, "value": "3"}]
    rows += [
        ABSENCE | {"indicator": "exclusions", "name": "Exclusions", "area_code": a, "value": "1"}
        for a in (WEST, "E92000001")
    ]
    return text_file(folder / "partners.csv", [PARTNER, *(sent(**row) for row in rows)])


def places(folder: Path) -> list[Path]:
    """Three pubs in W1 and one strayed over the border in a file of Westmarch's; a school; a station on a border."""
    pubs = ["BusinessType,Geocode/Longitude,Geocode/Latitude,LocalAuthorityCode"]
    for code in (W1, W1, W1, E1):
        lon, lat = TO_DEGREES.transform(*CENTRE[code])
        pubs.append(f"Pub/bar/nightclub,{lon:.6f},{lat:.6f},901")
    x, y = CENTRE[W1]
    own = [
        "kind,name,easting,northing",
        f"station,Halt,{x + 1_000},{y}",
        "school,Green,{:.0f},{:.0f}".format(*CENTRE[E2]),
    ]
    return [text_file(folder / "pubs.csv", pubs), text_file(folder / "own.csv", own)]


def street_crime(folder: Path) -> Path:
    rows = [crime(n, at=CENTRE[code], lsoa=code) for n, code in enumerate([W1, W1, W1, E2], start=1)]
    return street_file(folder / "2024-01" / "2024-01-marches-street.csv", rows)


@pytest.fixture(scope="module")
def loaded(tiny_template: Path, tmp_path_factory: pytest.TempPathFactory):
    """The six squares with every source of factors, and a month of street crime; `here` names the data folder."""
    home = tmp_path_factory.mktemp("factors")
    shutil.copytree(tiny_template / "data", home / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(home / "data"))
        patch.setenv("EXPLORER_PARTNERSHIP", str(tiny_template / "partnership.toml"))
        counts = {W1: PUBLISHED, W2: dict.fromkeys(TENURES, 1), W3: PUBLISHED, E2: PUBLISHED}
        ingest.ingest("census", [tenure(home / "tenure.csv", counts)])
        ingest.ingest("deprivation", indices(home))
        ingest.ingest("partner_indicators", [partners(home)])
        ingest.ingest("places", places(home))
        ingest.ingest("police_uk", [street_crime(home)])
        yield Scope("public", publish.current().name, start=JANUARY, end=JANUARY, sources=("police_uk",))


def column(scope: Scope, level: str, name: str) -> dict[str, float]:
    return factor_questions.factors(scope, level, ids=[name])[name].dropna().round(6).to_dict()


# ---------------------------------------------------------------------------------------------- the catalogue


def test_the_catalogue_has_a_row_for_every_indicator_and_level_with_its_newest_period_and_completeness(loaded):
    listed = factor_questions.catalogue(loaded).set_index(["indicator_id", "area_level"])
    assert listed.index.is_unique
    small = listed.loc[("partner_absence", "lsoa")]
    # of six small areas two have a value in 2023/24; that of 2024/25 is withheld, so it is no newer period
    assert (small["period"], small["areas"]) == ("2023/24", 2) and small["completeness"] == pytest.approx(2 / 6)
    assert listed.loc[("partner_absence", "msoa"), "completeness"] == pytest.approx(2 / 3)
    assert listed.loc[("partner_exclusions", "lad"), "completeness"] == pytest.approx(1 / 2)
    assert listed.loc[("partner_exclusions", "country"), "areas"] == 1
    assert pd.isna(listed.loc[("partner_exclusions", "country"), "completeness"])
    told = listed.loc[("tenure_social_rented", "lsoa")]
    assert told[["licence", "published", "unit"]].tolist() == [OGL, "2021-03-21", "% of households"]
    assert told["publisher"].startswith("Census 2021") and told["factor"] and told["reason"] == ""


@pytest.mark.parametrize(
    ("indicator", "reason"),
    [
        ("imd2025_crime_score", factor_questions.POLICE),
        ("imd2025_decile", factor_questions.POLICE),  # part of the overall index is recorded crime
        ("imd2025_income_rank", factor_questions.ORDER),
        ("partner_asian", factor_questions.PEOPLE),
        ("tenure_owned", factor_questions.CONTEXT),
        ("residents_per_km2", factor_questions.CONTROL),
    ],
)
def test_what_is_no_factor_has_its_reason(loaded, indicator, reason):
    listed = factor_questions.catalogue(loaded)
    rows = listed[listed["indicator_id"] == indicator]
    assert len(rows) and rows["reason"].eq(reason).all() and not rows["factor"].any()


def test_what_is_made_here_is_listed_with_its_source(loaded):
    listed = factor_questions.catalogue(loaded).set_index(["indicator_id", "area_level"])
    young = listed.loc[("share_10_24", "msoa")]
    assert young[["period", "publisher", "areas", "kind", "factor"]].tolist() == ["2021", "Population", 3, "risk", True]
    premises = listed.loc[("licensed_per_km2", "lsoa")]
    assert premises[["publisher", "areas", "factor"]].tolist() == ["Places", 4, True]
    assert "pharmacies_per_km2" not in listed.index.get_level_values(0)  # none is held: nothing is known of them
    assert listed["control"].groupby(level=0).all()[lambda c: c].index.tolist() == [
        "residents_per_km2", "schools_per_km2", "share_65_over", "stations_within_1km",
    ]  # fmt: skip


def test_the_catalogue_is_of_the_whole_partnership_whatever_the_area(loaded):
    pd.testing.assert_frame_equal(factor_questions.catalogue(loaded.but(area=EAST)), factor_questions.catalogue(loaded))


# ------------------------------------------------------------------------------------------------- the factors


def test_every_factor_and_control_is_a_column_and_every_area_a_row(loaded):
    found = factor_questions.factors(loaded, "lsoa")
    assert found.index.tolist() == SMALL and found.index.name == "area_code"
    assert set(found) == {
        "imd2025_income_score", "tenure_social_rented", "tenure_private_rented", "partner_absence", "partner_claimants",
        "residents_per_km2", "share_10_24", "share_65_over", "licensed_per_km2", "schools_per_km2",
        "stations_within_1km",
    }  # fmt: skip
    for told in ("names", "kinds", "polarity", "units", "periods", "methods"):
        assert list(found.attrs[told]) == list(found), told
    assert (
        found.attrs["kinds"]["tenure_social_rented"] == "risk"
        and found.attrs["periods"]["partner_absence"] == "2023/24"
    )
    assert found.attrs["units"]["share_10_24"] == "share of residents"


def test_small_areas_have_what_was_published_of_them_and_the_rest_stay_missing(loaded):
    assert column(loaded, "lsoa", "imd2025_income_score") == {W1: 0.1, W2: 0.4, W3: 0.2, E2: 0.5}
    assert column(loaded, "lsoa", "partner_absence") == {W1: 4, W2: 7}


def test_neighbourhoods_have_means_weighted_by_residents(loaded):
    # M1: 100 residents at 0.1 and 200 at 0.4 are 0.3; M2: only 300 of 700 residents have a value, so none;
    # M3: 600 of 1,100 have one, which is 0.5
    assert column(loaded, "msoa", "imd2025_income_score") == {M1: pytest.approx(0.3), M3: 0.5}
    told = factor_questions.factors(loaded, "msoa", ids=["imd2025_income_score"]).attrs["methods"]
    assert told == {"imd2025_income_score": AVERAGED}


def test_neighbourhoods_have_shares_from_the_counts_where_both_are_published(loaded):
    # social rents: 103 of 180 households in W1 and 2 of 8 in W2 are 105 of 188, which no mean of shares gives
    found = factor_questions.factors(loaded, "msoa", ids=["tenure_social_rented"])
    assert found.loc[M1].item() == pytest.approx(100 * 105 / 188)
    assert found.loc[M3].item() == pytest.approx(100 * 103 / 180) and found.loc[[M2]].isna().all(axis=None)
    assert found.attrs["methods"] == {"tenure_social_rented": factor_questions.FROM_COUNTS}


def test_counts_of_people_are_added_up_and_missing_where_one_part_is(loaded):
    found = factor_questions.factors(loaded, "msoa", ids=["partner_claimants"])
    assert found["partner_claimants"].dropna().to_dict() == {M1: 12.0}  # 5 and 7; of M2 only one part is told
    assert found.attrs["methods"] == {"partner_claimants": factor_questions.ADDED}


def test_what_is_published_of_neighbourhoods_goes_before_what_could_be_made(loaded):
    assert column(loaded, "msoa", "partner_absence") == {M1: 5.5, M3: 9}  # the mean of M1 would be 6


def test_of_two_editions_of_an_index_the_newer_is_offered_and_the_older_there_for_the_asking(loaded):
    assert "imd2019_income_score" not in factor_questions.factors(loaded, "lsoa")
    # W3 and W4 were one area with 0.4; E2 was two, with 0.5 and 0.6
    assert column(loaded, "lsoa", "imd2019_income_score") == {W1: 0.1, W2: 0.2, E1: 0.3, W3: 0.4, W4: 0.4, E2: 0.55}


def test_factors_come_in_the_order_asked_for_once_each(loaded):
    asked = ["share_10_24", "partner_absence", "share_10_24"]
    assert list(factor_questions.factors(loaded, "lsoa", ids=asked)) == asked[:2]


@pytest.mark.parametrize("indicator", ["imd2025_crime_score", "tenure_owned", "partner_asian", "imd2025_income_rank"])
def test_what_is_no_factor_is_refused_with_the_reason(loaded, indicator):
    listed = factor_questions.catalogue(loaded)
    row = listed[listed["indicator_id"] == indicator].iloc[0]
    with pytest.raises(NotHeld) as refusal:
        factor_questions.factors(loaded, "lsoa", ids=[indicator])
    assert str(refusal.value) == f"{row['name']}: {row['reason']}"


def test_what_is_not_there_is_refused_kindly(loaded):
    with pytest.raises(NotHeld, match="not held at this level"):
        factor_questions.factors(loaded, "lsoa", ids=["unheard_of"])
    with pytest.raises(NotHeld, match="small areas and of neighbourhoods"):
        factor_questions.factors(loaded, "ward")


def test_one_authority_has_its_own_areas_alone_and_factors_without_a_value_there_are_left_out(loaded):
    found = factor_questions.factors(loaded.but(area=EAST), "lsoa")
    assert found.index.tolist() == [E1, E2]
    assert "partner_absence" not in found and "licensed_per_km2" not in found
    one = factor_questions.factors(loaded.but(area=EAST), "msoa", ids=["residents_per_km2", "partner_absence"])
    assert one.to_dict("index") == {M3: {"residents_per_km2": 137.5, "partner_absence": 9}}  # 1,100 on 8 km2


# ------------------------------------------------------------------------------------------- what is made here


def test_density_and_ages_are_of_the_newest_residents(loaded):
    # squares of 4 km2 with 100, 200, 500, 600, 300 and 400 residents, all of them 20 years old
    found = factor_questions.factors(loaded, "lsoa", ids=["residents_per_km2", "share_10_24", "share_65_over"])
    assert found["residents_per_km2"].tolist() == pytest.approx([25, 50, 125, 150, 75, 100])
    assert found["share_10_24"].eq(1).all() and found["share_65_over"].eq(0).all()
    assert column(loaded, "msoa", "residents_per_km2") == {M1: 37.5, M2: 87.5, M3: 137.5}


def test_an_authority_without_a_file_of_premises_has_none_known_though_one_strayed_into_it(loaded):
    # three pubs on the 4 km2 of W1, none elsewhere in Westmarch; Eastmarch has sent no file
    assert column(loaded, "lsoa", "licensed_per_km2") == {W1: 0.75, W2: 0, W3: 0, W4: 0}
    assert column(loaded, "msoa", "licensed_per_km2") == {M1: 0.375, M2: 0}


def test_an_area_without_a_school_has_none(loaded):
    assert column(loaded, "lsoa", "schools_per_km2") == dict.fromkeys(SMALL, 0) | {E2: 0.25}


def test_stations_count_up_to_a_kilometre_from_the_centre_that_included(loaded):
    # the station lies 1,000 m from the centres of W1 and W2
    assert column(loaded, "lsoa", "stations_within_1km") == dict.fromkeys(SMALL, 0) | {W1: 1, W2: 1}


def test_places_without_a_code_lie_where_their_point_does_or_at_the_nearest_shore(loaded, tmp_path, monkeypatch):
    shutil.copytree(publish.root(), tmp_path / "data")
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    path = tmp_path / "data" / "snapshots" / loaded.snapshot / "public" / "places.parquet"
    held = pd.read_parquet(path)
    school = (
        held[held["kind"] == "school"].iloc[[0, 0, 0, 0]].assign(area_code=pd.Series([None] * 4, dtype="str").values)
    )
    x, y = CENTRE[W1]
    # in W1; 100 m west of it, off the land; 1 km off; with a code that is none of ours, in W2
    school = school.assign(x=[x, X0 - 100.0, X0 - 1_000.0, CENTRE[W2][0]], y=y, place_id=list("abcd"))
    school.iloc[3, school.columns.get_loc("area_code")] = "E01000001"
    path.unlink()
    school.to_parquet(path, index=False)
    assert column(loaded, "lsoa", "schools_per_km2") == dict.fromkeys(SMALL, 0) | {W1: 0.5, W2: 0.25}


def test_residents_alone_give_density_and_ages(tiny):
    scope = Scope("public", publish.current().name)
    assert list(factor_questions.factors(scope, "lsoa")) == ["share_10_24", "share_65_over", "residents_per_km2"]


def test_residents_without_ages_give_density_alone(tiny, tmp_path):
    lines = ["geography_code,date,c_age_name,gender_name,obs_value", *(f"{c},2022,All ages,All,80" for c in SQUARES)]
    ingest.ingest("population", [text_file(tmp_path / "people.csv", lines)])
    found = factor_questions.factors(Scope("public", publish.current().name), "lsoa")
    assert (
        list(found) == ["residents_per_km2"] and found["residents_per_km2"].eq(20).all()
    )  # the year 2022: 80 on 4 km2


def test_where_nothing_is_held_it_is_said(bare, tmp_path):
    ingest.ingest("lookups", [text_file(tmp_path / name, lines) for name, lines in LOOKUPS.items()])
    ingest.ingest(
        "boundaries", [boundary_file(tmp_path / "small.geojson", "LSOA21", {code: [code] for code in SQUARES})]
    )
    scope = Scope("public", publish.current().name)
    assert factor_questions.catalogue(scope).empty
    with pytest.raises(NotHeld, match="No factors of small areas are held here"):
        factor_questions.factors(scope, "lsoa")
    with pytest.raises(NotHeld, match="residents of small areas is not held"):
        factor_questions.exposure(scope, "lsoa")


# ----------------------------------------------------------------------------------------- exposure and outcome


def test_exposure_is_the_residents_of_every_area(loaded):
    assert factor_questions.exposure(loaded, "lsoa").to_dict() == {W1: 100, W2: 200, E1: 500, E2: 600, W3: 300, W4: 400}
    assert factor_questions.exposure(loaded, "msoa").to_dict() == {M1: 300, M2: 700, M3: 1_100}


def test_outcome_counts_records_zeros_included_in_the_order_of_the_factors(loaded):
    counts = factor_questions.outcome(loaded, "lsoa")
    assert counts.to_dict() == {W1: 3, W2: 0, E1: 0, E2: 1, W3: 0, W4: 0}
    assert counts.index.equals(factor_questions.factors(loaded, "lsoa").index)
    assert factor_questions.outcome(loaded, "msoa").to_dict() == {M1: 3, M2: 0, M3: 1}
    assert factor_questions.outcome(loaded.but(area=EAST), "lsoa").to_dict() == {E1: 0, E2: 1}


def test_an_outcome_of_months_not_supplied_is_missing_and_two_sources_are_refused(loaded):
    february = JANUARY + pd.DateOffset(months=1)
    assert factor_questions.outcome(loaded.but(start=february, end=february), "lsoa").isna().all()
    with pytest.raises(NotHeld, match="one source at a time"):
        factor_questions.outcome(loaded.but(sources=("police_uk", "police")), "lsoa")


# Not deprived in any dimension, Census 2021 by neighbourhood, in per cent; The News (Portsmouth), from ONS table TS011
PORTSMOUTH = {"Southsea West": 51.9, "Paulsgrove East": 34.6, "Old Portsmouth & Southsea Common": 53.2}


@pytest.mark.real
def test_neighbourhoods_of_portsmouth_are_as_deprived_as_was_published(real, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("EXPLORER_PARTNERSHIP", raising=False)
    geography, people = real / "geography", real / "deprivation_population"
    ingest.ingest("lookups", [geography / "lookup_lsoa11_lsoa21_ltla22.csv.gz", geography / "msoa2021_names_hclnm.csv"])
    ingest.ingest("boundaries", [geography / "hiow_boundaries_bgc.gpkg"])
    ingest.ingest("population", [people / "population20_lsoa11.parquet"])
    ingest.ingest("census", [people / "household_deprivation21_lsoa21.parquet"])
    scope = Scope("public", publish.current().name)
    small = factor_questions.factors(scope, "lsoa", ids=["households_not_deprived"])
    assert len(small) == 1_231 and small.notna().all(axis=None)
    found = factor_questions.factors(scope, "msoa", ids=["households_not_deprived"])["households_not_deprived"]
    areas = pd.read_parquet(publish.current() / "public" / "areas.parquet", columns=["area_code", "everyday_name"])
    named = found.rename(areas.drop_duplicates("area_code").set_index("area_code")["everyday_name"])
    assert len(found) == 247
    # counts are altered by a few in every table, so sums of small areas differ a little from the table published
    assert named[list(PORTSMOUTH)].to_dict() == pytest.approx(PORTSMOUTH, abs=0.1)
    assert list(derived_factors.measured(scope, "msoa")) == ["residents_per_km2", "share_10_24", "share_65_over"]
    # 357,169 of 1,999,066 people were 10 to 24 years old in mid-2020: ../shared/real/README.md
    by_age, weights = derived_factors.measured(scope, "lsoa")["share_10_24"], factor_questions.exposure(scope, "lsoa")
    assert (by_age * weights).sum() == pytest.approx(357_169) and weights.sum() == 1_999_066
