"""Wards, and whom rates are by: counts of wards are those of their small areas, people of one kind replace no others.

The small area of conftest in three wards (UPPER: W3 and W4; LOWER: W1 and W2; EASTERN: E1 and E2), with invented police
records of January 2024: 1 in W1, 2 in W2, 4 in W3, 8 in W4, 16 in E1, 32 in E2; and one without a place, one domestic
in W1 and one of harassment in W4, which no map of wards tells.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import (
    AUTHORITY,
    CENTRE,
    E1,
    E2,
    EAST,
    EXTRACT,
    RESIDENTS,
    W1,
    W2,
    W3,
    W4,
    WEST,
    boundary_file,
    record,
    text_file,
)

from answers import hotspots, surfaces, together
from data import ingest, publish, store
from data.store import NotHeld, Scope

UPPER, LOWER, EASTERN = "E05000901", "E05000902", "E05000903"
PARTS = {UPPER: [W3, W4], LOWER: [W1, W2], EASTERN: [E1, E2]}
WARD_OF = {small: ward for ward, parts in PARTS.items() for small in parts}
MANY = dict(zip((W1, W2, W3, W4, E1, E2), (1, 2, 4, 8, 16, 32), strict=True))
JANUARY = pd.Timestamp("2024-01-01")
RECORDS = [
    *[record(f"{small}-{n}", at=CENTRE[small]) for small, many in MANY.items() for n in range(many)],
    record("P1", at=None),
    record("P2", domestic="Y"),
    record("P3", code="8L", at=CENTRE[W4]),
]
LOOKUP = ["LSOA21CD,WD24CD,WD24NM,LAD24CD"]
LOOKUP += [f"{small},{ward},Ward {ward[-3:]},{AUTHORITY[small]}" for small, ward in WARD_OF.items()]
BY_DAY = {code: 10 * people for code, people in RESIDENTS.items()}  # 1,000 in W1 ... 6,000 in E2
ABOUT = {code: 3 * people for code, people in RESIDENTS.items()}


def people_file(path: Path, people: dict[str, int], year: int, kind: str = "") -> Path:
    """A long table of people of all ages. kind : says in a column who they are; else the name of the file may."""
    header = "geography_code,date,c_age_name,obs_value" + (",pop_type" if kind else "")
    return text_file(path, [header, *[f"{c},{year},All ages,{n}" + f",{kind}" * bool(kind) for c, n in people.items()]])


@pytest.fixture(scope="module", autouse=True)
def stocked(tiny_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder with wards, records and three kinds of people."""
    home = tmp_path_factory.mktemp("wards")
    shutil.copytree(tiny_template / "data", home / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(home / "data"))
        patch.setenv("EXPLORER_PARTNERSHIP", str(tiny_template / "partnership.toml"))
        ingest.ingest("lookups", [text_file(home / "small_areas_to_wards.csv", LOOKUP)])
        ingest.ingest("boundaries", [boundary_file(home / "wards.geojson", "WD24", PARTS)])
        ingest.ingest("police_extract", [text_file(home / "police.csv", [EXTRACT, *RECORDS])])
        ingest.ingest("population", [people_file(home / "Workday population.csv", BY_DAY, 2011)])
        ingest.ingest("population", [people_file(home / "people_about.csv", ABOUT, 2023, "Ambient population")])
        yield home / "data"


def scope(**more: object) -> Scope:
    """January 2024."""
    held = Scope("restricted", publish.current().name, sources=("police",), start=JANUARY, end=JANUARY)
    return held.but(**more)


def by_ward(of_small_areas: dict[str, float]) -> dict[str, float]:
    return {ward: sum(of_small_areas[small] for small in parts) for ward, parts in PARTS.items()}


def column(found: pd.DataFrame, name: str) -> dict[str, float]:
    return found.set_index("area_code")[name].to_dict()


# ------------------------------------------------------------------------------------------------------- wards


def test_wards_are_a_level_of_the_map_once_the_lookup_says_what_lies_in_them() -> None:
    assert store.levels(scope()) == ["lsoa", "msoa", "ward", "lad"]
    assert set(store.map_levels(scope())) == {"hex", "lsoa", "msoa", "ward"}


def test_counts_of_wards_are_the_sums_of_their_small_areas() -> None:
    small = column(store.area_counts(scope(), level="lsoa"), "n")
    wards = column(store.area_counts(scope(), level="ward"), "n")
    assert small == MANY
    assert wards == by_ward(MANY) == {UPPER: 12, LOWER: 3, EASTERN: 48}
    assert store.left_out(scope(), "ward") == store.left_out(scope(), "lsoa") == 3  # P1, P2, P3


def test_people_of_wards_are_the_sums_of_their_small_areas() -> None:
    for kind, people in (("resident", RESIDENTS), ("workday", BY_DAY), ("ambient", ABOUT)):
        assert column(store.area_counts(scope(), level="ward", per=kind), "population") == by_ward(people)
    rates = hotspots.places(scope(), "ward", 500)
    assert column(rates, "rate")[UPPER] == pytest.approx(1_000 * 12 / 700)  # 300 and 400 residents


def test_months_of_wards_add_up_to_their_counts() -> None:
    found = store.area_months(scope(), level="ward")
    assert column(found, "n") == by_ward(MANY)
    assert set(found["month"]) == {JANUARY}
    played = together.frames(scope(), "ward", 500, together.COUNT, 1)
    assert column(played, "n") == by_ward(MANY)


@pytest.mark.parametrize("ward", list(PARTS))
def test_the_profile_of_a_ward_holds_what_its_map_shows(ward: str) -> None:
    inside = scope(place=ward)
    assert store.monthly_counts(inside)["n"].tolist() == [by_ward(MANY)[ward]]
    assert store.offence_mix(inside)["n"].sum() == by_ward(MANY)[ward]


def test_an_authority_has_its_own_wards_alone() -> None:
    west = store.area_counts(scope(area=WEST), level="ward")
    assert column(west, "n") == {UPPER: 12, LOWER: 3}
    assert column(store.area_counts(scope(area=EAST), level="ward"), "n") == {EASTERN: 48}
    assert set(west["authority_code"]) == {WEST}


def test_a_month_not_supplied_is_missing_in_every_ward() -> None:
    later = JANUARY + pd.DateOffset(months=1)
    found = store.area_counts(scope(start=later, end=later), level="ward")
    assert len(found) == 3 and found["n"].isna().all()
    assert set(found["status"]) == {"not supplied"}


def test_without_the_lookup_there_are_no_wards(tiny: Path, tmp_path: Path) -> None:
    ingest.ingest("boundaries", [boundary_file(tmp_path / "wards.geojson", "WD24", PARTS)])
    here = scope(snapshot=publish.current().name)
    assert "ward" not in store.levels(here)


# ------------------------------------------------------------------------------------------------------- whom by


def test_the_kinds_of_people_held_are_told_by_level() -> None:
    for level in ("lsoa", "ward", "msoa", "lad"):
        assert store.denominators(scope(), level=level) == ["resident", "workday", "ambient"]
    assert store.denominators(scope(), level="pfa") == []


def test_people_of_one_kind_do_not_replace_residents_nor_are_added_to_them() -> None:
    for level, residents in (("lsoa", RESIDENTS), ("ward", by_ward(RESIDENTS))):
        plain = store.area_counts(scope(), level=level)
        assert column(plain, "population") == residents
        assert set(plain["year"]) == {2021}  # theirs, though people about are known of a later year
        pd.testing.assert_frame_equal(plain, store.area_counts(scope(), level=level, per="resident"))
    assert column(store.area_counts(scope(), level="lad"), "population") == {WEST: 1_000, EAST: 1_100}


def test_the_name_of_a_file_or_a_column_says_who_is_counted() -> None:
    by_day = store.area_counts(scope(), level="lsoa", per="workday")
    assert column(by_day, "population") == BY_DAY and set(by_day["year"]) == {2011}
    about = store.area_counts(scope(), level="lsoa", per="ambient")
    assert column(about, "population") == ABOUT and set(about["year"]) == {2023}
    assert column(store.area_counts(scope(), level="lad", per="workday"), "population") == {WEST: 10_000, EAST: 11_000}


def test_counts_are_the_same_whoever_they_are_divided_by() -> None:
    every = [store.area_counts(scope(), level="lsoa", per=kind)["n"] for kind in ("resident", "workday", "ambient")]
    assert every[0].tolist() == every[1].tolist() == every[2].tolist()
    by_day = hotspots.places(scope(), "lsoa", 500, "workday")
    assert column(by_day, "rate")[E2] == pytest.approx(1_000 * 32 / 6_000)


def test_people_that_are_not_held_leave_no_rate(tiny: Path) -> None:
    here = scope(snapshot=_with_records(tiny))
    assert store.denominators(here, level="lsoa") == ["resident"]
    found = hotspots.places(here, "lsoa", 500, "workday")
    assert len(found) == 6 and found["n"].sum() == sum(MANY.values())
    assert found[["population", "rate"]].isna().all(axis=None)


def test_a_column_and_a_name_may_stand_in_one_folder_and_a_count_of_ones_own_is_one_kind_more(
    tiny: Path, tmp_path: Path
) -> None:
    ingest.ingest("population", [people_file(tmp_path / "any_name.csv", BY_DAY, 2021, "custom")])
    here = scope(snapshot=publish.current().name)
    assert store.denominators(here, level="lsoa") == ["resident", "custom"]
    ingest.ingest("population", [people_file(tmp_path / "ambient-2021.csv", ABOUT, 2021)])
    here = scope(snapshot=publish.current().name)
    assert store.denominators(here, level="lsoa") == ["resident", "ambient", "custom"]
    kinds = {"resident": RESIDENTS, "ambient": ABOUT, "custom": BY_DAY}
    for kind, people in kinds.items():  # all of one year, and each its own
        found = store.run(here, store.table(here, "population").filter(lambda t, k=kind: t.pop_type == k))
        small = found[found["area_level"] == "lsoa"].groupby("area_code")["population"].sum()
        assert small.to_dict() == people


def test_no_risk_ratio_is_made_against_people_that_are_not_held(tiny: Path) -> None:
    with pytest.raises(NotHeld, match="No small areas with this population"):
        surfaces.ratio(scope(snapshot=_with_records(tiny)), "hex", 500, "workday")


def _with_records(tiny: Path) -> str:
    """Load the records where there are residents alone."""
    ingest.ingest("police_extract", [text_file(tiny.parent / "police.csv", [EXTRACT, *RECORDS])])
    return publish.current().name


# ------------------------------------------------------------------------------------------------------- real


@pytest.fixture(scope="module")
def hampshire(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scope]:
    """Real boundaries with wards, real residents, and the street crime of early 2024."""
    folder = tmp_path_factory.mktemp("real_wards")
    geography = real / "geography"
    lookups = ["lookup_lsoa11_lsoa21_ltla22.csv.gz", "lookup_lsoa21_ward24_ltla24.csv.gz"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(folder))
        patch.delenv("EXPLORER_PARTNERSHIP", raising=False)
        ingest.ingest("lookups", [geography / name for name in lookups])
        ingest.ingest("boundaries", [geography / "hiow_boundaries_bgc.gpkg"])
        ingest.ingest("population", [real / "deprivation_population" / "population20_lsoa11.parquet"])
        ingest.ingest("police_uk", [real / "police_uk" / "hampshire_street_2024-01_2024-04.zip"])
        whole = Scope("restricted", publish.current().name, sources=("police_uk",), start=JANUARY)
        yield whole.but(end=pd.Timestamp("2024-04-01"))


@pytest.mark.real
@pytest.mark.slow
def test_real_wards_add_up_to_real_small_areas(hampshire: Scope, real: Path) -> None:
    lookup = pd.read_csv(real / "geography" / "lookup_lsoa21_ward24_ltla24.csv.gz")
    ward_of = lookup.set_index("lsoa21_code")["ward24_code"]
    small = store.area_counts(hampshire, level="lsoa")
    wards = store.area_counts(hampshire, level="ward").set_index("area_code")
    assert len(small) > 1_000 and len(wards) > 200
    sums = small.groupby(small["area_code"].map(ward_of))[["n", "population"]].sum()
    both = wards[["n", "population"]].fillna(0)
    assert set(sums.index) <= set(both.index)
    np.testing.assert_array_equal(both.loc[sums.index, "n"], sums["n"])
    np.testing.assert_array_equal(both.loc[sums.index, "population"], sums["population"])
    assert both["n"].sum() == small["n"].sum() > 10_000
    assert both["population"].sum() == small["population"].sum() > 1_900_000
    assert store.left_out(hampshire, "ward") == store.left_out(hampshire, "lsoa")
