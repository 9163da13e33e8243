"""What pages are told: counts against sums done by hand, gaps that stay gaps, and what no tier may be told.

The records, all in the small invented area of conftest (W1 to W4 in Westmarch, E1 and E2 in Eastmarch):

Published street crime, January and March 2024; February was not supplied.
    January: violence W1 3, W2 1, E1 2, without a place 1; robbery W1 1; weapons W1 1; anti-social behaviour W1 2
    March:   violence W1 1, E2 1
The police's own records, January to March 2024: see POLICE.
"""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
import shapely
from conftest import (
    ASB,
    AUTHORITY,
    CENTRE,
    E1,
    E2,
    EAST,
    EXTRACT,
    M1,
    M2,
    M3,
    RESIDENTS,
    ROBBERY,
    SIDE,
    W1,
    W2,
    W3,
    W4,
    WEST,
    X0,
    Y0,
    crime,
    record,
    street_file,
    text_file,
)

from analytics import grids
from data import definitions, ingest, publish, store, tracker
from data.store import NotHeld, Scope

WEAPONS = "Possession of weapons"
STREET = [
    *[crime(n, at=CENTRE[place], lsoa=place) for n, place in enumerate((W1, W1, W1, W2, E1, E1))],
    crime(10, at=None, lsoa=""),
    crime(11, kind=ROBBERY),
    crime(12, kind=WEAPONS),
    *[crime(None, kind=ASB)] * 2,
    crime(20, month="2024-03"),
    crime(21, month="2024-03", at=CENTRE[E2], lsoa=E2),
]
POLICE = [
    record("P1", when="2024-01-10 14:00", age="16"),  # violence with injury, W1, by day
    record("P2", when="2024-01-10 23:00", age="30", domestic="Y", public="N"),  # domestic, W1, by night
    record("P3", code="1"),  # homicide, W1
    record("P4", code="19C", public="N"),  # rape, W1
    record("P5", code="8L", at=CENTRE[W2]),  # stalking and harassment, W2: no finer than MSOA
    record("P6", code="34B", at=CENTRE[E1], when="2024-01-10 05:59", age="21"),  # robbery of a person, E1, by night
    record("P7", at=CENTRE[E1], when="2024-01-10 18:00", sexual="Y", public="N"),  # marked sexual, E1, by night
    record("P8", at=None),  # without a place
    record("P9", code="10D"),  # possession of a blade, W1: no violence
    record("P10", at=CENTRE[W2], when="2024-01-10", public=""),  # W2, at a time nobody knew
    *[record(f"F{n}", at=CENTRE[W3], when="2024-02-05 14:00", recorded="2024-02-06") for n in range(12)],  # W3
    record("M1", at=CENTRE[W3], when="2024-03-05 14:00", recorded="2024-03-06"),  # W3
]
ADMISSIONS = [
    "AuthorityCode,Period,AgeBand,Sex,ICD10,Episodes,Persons,IMDDecile",
    f"{WEST},2022/23,All,All,X85-Y09,30,25,",  # the whole, and parts of it that must not be added to it
    f"{WEST},2022/23,All,Male,X85-Y09,20,16,",
    f"{WEST},2022/23,All,Female,X85-Y09,*,*,",
    f"{WEST},2022/23,20-24,All,X85-Y09,15,12,",
    f"{WEST},2022/23,All,All,X85-Y09,30,25,1",
    f"{EAST},2022/23,20-24,Male,X85-Y09,10,10,",  # parts alone
    f"{EAST},2022/23,20-24,Female,X85-Y09,15,10,",
    f"{EAST},2022/23,25-29,Male,X85-Y09,*,*,",
    f"{WEST},2022/23,All,All,X99,*,*,",  # withheld
    f"{EAST},2022/23,All,All,X99,0,0,",
    f"{WEST},2023/24,All,All,X99,*,*,",
    f"{WEST},2022-04,All,All,X99,10,10,",  # a month: not a financial year
]
JANUARY, FEBRUARY, MARCH, APRIL = (pd.Timestamp(2024, month, 1) for month in (1, 2, 3, 4))
TIERS = ("restricted", "partner", "public")


@pytest.fixture(scope="module", autouse=True)
def stocked(tiny_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder that holds both sources."""
    home = tmp_path_factory.mktemp("stocked")
    shutil.copytree(tiny_template / "data", home / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(home / "data"))
        patch.setenv("EXPLORER_PARTNERSHIP", str(tiny_template / "partnership.toml"))
        ingest.ingest("police_uk", [street_file(home / "street.csv", STREET)])
        ingest.ingest("police_extract", [text_file(home / "police.csv", [EXTRACT, *POLICE])])
        ingest.ingest("admissions", [text_file(home / "admissions.csv", ADMISSIONS)])
        yield home / "data"


def scope(source: str = "police_uk", tier: str = "restricted", **more: object) -> Scope:
    """Everything of one source, from January to March 2024."""
    return Scope(tier, publish.current().name, sources=(source,), start=JANUARY, end=MARCH).but(**more)


def counted(frame: pd.DataFrame, key: str) -> dict:
    """n by a column, missing as None."""
    return {k: None if pd.isna(n) else int(n) for k, n in zip(frame[key], frame["n"], strict=True)}


# ------------------------------------------------------------------------------------------------------- by month


def test_months_hold_violence_and_a_month_not_supplied_is_a_gap_never_zero() -> None:
    found = store.monthly_counts(scope(end=APRIL))
    # January: 3 + 1 + 2 violence, 1 of it without a place more, 1 robbery; weapons and behaviour are no violence
    assert counted(found, "month") == {JANUARY: 8, FEBRUARY: None, MARCH: 2, APRIL: None}
    assert found["status"].tolist() == ["shown", "not supplied", "shown", "not supplied"]
    assert found["n_lower"].equals(found["n"]) and found["n_upper"].equals(found["n"])


def test_months_by_authority_and_group_have_every_combination() -> None:
    by_place = store.monthly_counts(scope(), by=("authority_code",))
    assert by_place.set_index(["month", "authority_code"])["n"].to_dict() == pytest.approx(
        {
            (JANUARY, WEST): 5,  # 3 + 1 violence, 1 robbery
            (JANUARY, EAST): 2,
            (FEBRUARY, WEST): np.nan,
            (FEBRUARY, EAST): np.nan,
            (MARCH, WEST): 1,
            (MARCH, EAST): 1,
        },
        nan_ok=True,
    )
    by_group = store.monthly_counts(scope(end=JANUARY, area=EAST), by=("offence_group",))
    assert counted(by_group, "offence_group") == {"street_violence_sexual": 2, "street_robbery": 0}


def test_sources_stand_side_by_side_and_are_never_added_up() -> None:
    both = store.monthly_counts(scope(sources=("police_uk", "police")))
    assert both.groupby("source")["n"].apply(list).to_dict() == {
        "police": [8, 12, 1],  # all of POLICE but the blade and the homicide
        "police_uk": [8, pytest.approx(np.nan, nan_ok=True), 2],
    }


def test_groups_that_are_chosen_are_counted_whether_violent_or_not() -> None:
    chosen = scope(groups=("street_weapons", "street_asb"), end=JANUARY)
    assert counted(store.monthly_counts(chosen), "month") == {JANUARY: 3}
    by_group = store.monthly_counts(chosen, by=("offence_group",))
    assert counted(by_group, "offence_group") == {"street_weapons": 1, "street_asb": 2}


def test_the_area_filter_keeps_one_authority() -> None:
    assert counted(store.monthly_counts(scope(area=WEST)), "month") == {JANUARY: 5, FEBRUARY: None, MARCH: 1}
    assert set(store.area_counts(scope(area=EAST), level="lsoa")["area_code"]) == {E1, E2}
    assert store.areas(scope(area=EAST), level="lsoa")["area_code"].tolist() == [E1, E2]
    assert store.cell_counts(scope(area=EAST), size_m=500)["n"].sum() == 3
    assert counted(store.offence_mix(scope(area=EAST)), "offence_group") == {"street_violence_sexual": 3}


# -------------------------------------------------------------------------------------------------------- by area


def test_areas_hold_every_area_with_zeros_and_the_residents_once() -> None:
    found = store.area_counts(scope(), level="lsoa")
    assert counted(found, "area_code") == {W1: 5, W2: 1, W3: 0, W4: 0, E1: 2, E2: 1}
    assert dict(zip(found["area_code"], found["population"], strict=True)) == RESIDENTS  # both sexes, counted once
    assert set(found["months"]) == {2}
    middle = store.area_counts(scope(), level="msoa")
    assert counted(middle, "area_code") == {M1: 6, M2: 0, M3: 3}
    assert middle.set_index("area_code")["population"].to_dict() == {M1: 300, M2: 700, M3: 1_100}
    assert counted(store.area_counts(scope(), level="lad"), "area_code") == {WEST: 6, EAST: 3}
    lads = store.area_counts(scope(), level="lad").set_index("area_code")["population"]
    assert lads.to_dict() == {WEST: 1_000, EAST: 1_100}  # 100 + 200 + 300 + 400; 500 + 600


def test_a_period_that_was_not_supplied_has_no_counts_anywhere() -> None:
    gap = scope(start=FEBRUARY, end=FEBRUARY)
    for answer in (
        store.area_counts(gap, level="lsoa"),
        store.area_counts(gap, level="lad"),
        store.cell_counts(gap, size_m=500),
        store.monthly_counts(gap, by=("authority_code",)),
    ):
        assert len(answer)
        assert answer["n"].isna().all()
        assert set(answer["status"]) == {"not supplied"}
    assert store.offence_mix(gap).empty
    assert store.weekday_hour(gap).empty


def test_what_may_not_be_placed_is_left_out_finer_than_it_may() -> None:
    police = scope("police")
    # small areas: no homicide P3, rape P4, stalking P5, domestic P2, sexual P7; P8 has no place, P9 is no violence
    assert counted(store.area_counts(police, level="lsoa"), "area_code") == {W1: 1, W2: 1, W3: 13, W4: 0, E1: 1, E2: 0}
    assert store.cell_counts(police, size_m=150)["n"].sum() == 16
    # neighbourhoods: all but the homicide and P8. Harbourside has P1, P2, P4, P5, P10; Eastway P6, P7
    assert counted(store.area_counts(police, level="msoa"), "area_code") == {M1: 5, M2: 13, M3: 2}
    # authorities: all but the homicide and P8
    assert counted(store.area_counts(police, level="lad"), "area_code") == {WEST: 18, EAST: 2}
    assert [store.left_out(police, level) for level in ("hex", "lsoa", "msoa", "lad")] == [5, 5, 1, 1]
    assert store.left_out(scope(), "hex") == 1


@pytest.mark.parametrize("place", [W1, W2, E1, M1, M3, WEST, EAST])
def test_a_place_filter_gives_no_more_than_the_map_of_that_level(place: str) -> None:
    level = {"E01": "lsoa", "E02": "msoa", "E06": "lad"}[place[:3]]
    inside = store.monthly_counts(scope("police", place=place))["n"].sum()
    assert inside == counted(store.area_counts(scope("police"), level=level), "area_code")[place]


def test_homicide_is_counted_for_the_whole_area_and_a_year_alone() -> None:
    killed = scope("police", groups=("homicide",))
    for ask in (store.monthly_counts, store.weekday_hour):
        with pytest.raises(NotHeld, match="by financial year and for the whole area"):
            ask(killed)
    for level in ("lsoa", "msoa", "lad"):
        with pytest.raises(NotHeld, match="by financial year and for the whole area"):
            store.area_counts(killed, level=level)
    with pytest.raises(NotHeld, match="by financial year and for the whole area"):
        store.cell_counts(killed, size_m=500)
    year = scope("police", start=MARCH - pd.DateOffset(months=11))
    assert counted(store.offence_mix(year), "offence_group")["homicide"] == 1  # P3
    month = pd.DateOffset(months=1)
    shifted = (year.but(start=year.start - month), year.but(start=year.start - month, end=year.end - month))
    for finer in (scope("police"), year.but(area=WEST), year.but(time="day"), year.but(place=M1), *shifted):
        assert "homicide" not in set(store.offence_mix(finer)["offence_group"])
    split = store.monthly_counts(year, by=("offence_group",))
    assert "homicide" not in set(split["offence_group"])


def test_homicide_cannot_be_had_by_subtracting_one_answer_from_another() -> None:
    with_it, without = ("homicide", "robbery_personal"), ("robbery_personal",)
    every = tuple(g for g in store.violent_groups() if g != "homicide")
    for ask in (
        store.monthly_counts,
        store.weekday_hour,
        lambda s: store.area_counts(s, level="lad"),
        lambda s: store.area_months(s, level="lad"),
    ):
        assert ask(scope("police", groups=with_it))["n"].sum() == ask(scope("police", groups=without))["n"].sum()
        assert ask(scope("police"))["n"].sum() == ask(scope("police", groups=every))["n"].sum()
    seen = store.source_counts(scope("police")).set_index("source")["n"]
    assert seen["police"] == store.monthly_counts(scope("police"))["n"].sum()


def test_levels_that_records_do_not_have_are_said_not_to_be_held() -> None:
    for ask in (store.area_counts, store.left_out):
        with pytest.raises(NotHeld):
            ask(scope(), **{"level": "ward"})
    assert store.levels(scope()) == ["lsoa", "msoa", "lad"]


# -------------------------------------------------------------------------------------------------------- by cell


@pytest.mark.parametrize("size", [150, 500, 1_000, 333.3])
@pytest.mark.parametrize("origin", [(0.0, 0.0), (-123.4, 56.7), (441_000.0, 111_000.0)])
def test_hexagons_are_those_of_the_analytics(size: float, origin: tuple[float, float]) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-50_000, 50_000, (2, 2_000))
    edges = np.array([-2.5, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2.5]) * size  # centres of sides north and south, centres
    vertices = np.array([-2, -1, -0.5, 0.5, 1, 2]) * size / 3**0.5
    x, y = np.concatenate([x, 0 * edges, vertices]), np.concatenate([y, edges, 0 * vertices])
    points = ibis.memtable(pd.DataFrame({"x": x + origin[0], "y": y + origin[1]}))
    q, r = store.hexagon(points.x - origin[0], points.y - origin[1], size)
    found = ibis.duckdb.connect().execute(points.select(q=q, r=r))
    expected = grids.cell_of(x + origin[0], y + origin[1], size_m=size, origin=origin)
    np.testing.assert_array_equal(found["q"], expected[0])
    np.testing.assert_array_equal(found["r"], expected[1])


@pytest.mark.parametrize("origin", [(0.0, 0.0), (137.0, -51.0)])
def test_cells_cover_the_land_with_zeros_and_hold_every_placed_record(origin: tuple[float, float]) -> None:
    found = store.cell_counts(scope(), size_m=500, origin=origin)
    land = shapely.box(X0, Y0, X0 + 3 * SIDE, Y0 + 2 * SIDE)
    expected = grids.cells_over(land, size_m=500, origin=origin)
    assert set(expected["cell_id"]) <= set(found["cell_id"])
    assert found["cell_id"].is_unique
    assert found["n"].sum() == 9  # 8 violence with a point, 1 robbery
    assert (found["n"] == 0).sum() > 80  # 24 km2 are about 110 cells of 0.217 km2
    merged = found.merge(expected, on="cell_id", suffixes=("", "_expected"))
    np.testing.assert_allclose(merged[["x", "y"]], merged[["x_expected", "y_expected"]], atol=1e-6)
    assert set(found["status"]) == {"shown"}


@pytest.mark.parametrize(("source", "size"), [("police_uk", 500), ("police", 150)])
def test_a_cell_chosen_as_a_place_holds_what_the_map_says(source: str, size: int) -> None:
    cells = store.cell_counts(scope(source), size_m=size)
    for cell in cells.nlargest(3, "n").itertuples():
        inside = scope(source, place=cell.cell_id)
        assert store.offence_mix(inside)["n"].sum() == cell.n
    empty = cells.query("n == 0")["cell_id"].iat[0]
    assert store.monthly_counts(scope(source, place=empty))["n"].sum() == 0


def test_cells_finer_than_a_sources_points_are_refused_however_they_are_asked_for() -> None:
    assert (store.floor_m(scope()), store.floor_m(scope("police")), store.floor_m(scope(sources=()))) == (500, 150, 0)
    with pytest.raises(NotHeld, match="below 500 m"):
        store.cell_counts(scope(), size_m=499)
    with pytest.raises(NotHeld, match="below 150 m"):
        store.cell_counts(scope("police"), size_m=149)
    with pytest.raises(NotHeld, match="below 500 m"):
        store.cell_names(scope(), size_m=250)
    with pytest.raises(NotHeld, match="below 500 m"):
        store.monthly_counts(scope(place="250:1018:-286"))
    with pytest.raises(NotHeld, match="below 500 m"):
        store.monthly_counts(scope(sources=("police", "police_uk"), place="250:1018:-286"))
    for several in ((), ("police", "police_uk")):
        with pytest.raises(NotHeld, match="one source at a time"):
            store.cell_counts(scope(sources=several), size_m=500)


@pytest.mark.parametrize("place", ["nonsense", "E0", "", "500:a:b", "500:1", "0:1:1", "E01999999", "-500:0:0"])
def test_a_place_from_a_spoilt_link_is_not_held_or_empty(place: str) -> None:
    try:
        found = store.monthly_counts(scope(place=place))
    except NotHeld:
        return
    assert found["n"].sum() == (10 if place == "" else 0)


def test_cells_are_named_by_their_commonest_street_and_their_neighbourhood() -> None:
    names = store.cell_names(scope(), size_m=500).set_index("cell_id")
    fullest = store.cell_counts(scope(), size_m=500).sort_values("n").iloc[-1]
    assert fullest["n"] == 5
    assert names.loc[fullest["cell_id"]].to_dict() == {"street": "High Street", "area": "Harbourside"}
    assert store.cell_names(scope("police"), size_m=500)["street"].isna().all()  # its records carry no label


# -------------------------------------------------------------------------------------------------------- filters


@pytest.mark.parametrize(
    ("filters", "n"),
    [
        ({"time": "night"}, 3),  # P2 at 23:00, P6 at 05:59, P7 at 18:00
        ({"time": "day"}, 17),  # P1, P4, P5, P8 and 13 in W3, all at 14:00; P10 at no known time; P3 is a homicide
        ({"age": "10-17"}, 1),  # P1 is 16
        ({"age": "18-24"}, 1),  # P6 is 21
        ({"age": "under_25"}, 2),
        ({"age": "25_plus"}, 1),  # P2 is 30
        ({"age": "under_10"}, 0),
        ({"setting": "domestic"}, 1),  # P2
        (
            {"setting": "public"},
            17,
        ),  # all 22 but P2, P4, P7, which say no, P10, which says nothing, and the homicide P3
        ({"setting": "public", "time": "night", "age": "18-24"}, 1),  # P6
    ],
)
def test_filters_count_records_that_say_so_and_never_those_that_say_nothing(filters: dict, n: int) -> None:
    assert store.offence_mix(scope("police", **filters))["n"].sum() == n


@pytest.mark.parametrize("filters", [{"time": "night"}, {"age": "10-17"}, {"setting": "domestic"}])
def test_a_filter_a_source_cannot_answer_is_refused_and_never_gives_zero(filters: dict) -> None:
    cannot = scope(sources=("police_uk", "police"), **filters)
    for ask in (
        lambda: store.monthly_counts(cannot),
        lambda: store.area_counts(cannot, level="lsoa"),
        lambda: store.cell_counts(cannot.but(sources=("police_uk",)), size_m=500),
        lambda: store.offence_mix(cannot),
        lambda: store.weekday_hour(cannot),
    ):
        with pytest.raises(NotHeld, match=definitions.source("police_uk").label):
            ask()


def test_hours_are_those_of_records_whose_time_is_known() -> None:
    found = store.weekday_hour(scope("police", end=JANUARY))
    assert len(found) == 168  # zeros included
    full = found[found["n"] > 0].set_index(["weekday", "hour"])["n"].to_dict()
    # 10 January 2024 was a Wednesday
    assert full == {(2, 14): 4, (2, 23): 1, (2, 5): 1, (2, 18): 1}
    assert found.attrs["left_out"] == 1  # P10
    months_only = store.weekday_hour(scope())
    assert months_only.empty and months_only.attrs["left_out"] == 10


def test_the_mix_is_fullest_first() -> None:
    found = store.offence_mix(scope("police"))
    assert found["offence_group"].iat[0] == "violence_with_injury"
    assert counted(found, "offence_group") == {
        "violence_with_injury": 18,  # P1, P2, P7, P8, P10 and 13 in W3
        "rape": 1,
        "stalking_harassment": 1,
        "robbery_personal": 1,
    }


def test_admissions_are_added_up_once_and_what_was_withheld_is_said() -> None:
    found = store.admissions(scope()).set_index(["period", "icd_group"])[["n", "withheld", "status"]]
    assert found.loc[("2022/23", "X85_Y09")].tolist() == [55, 1, "shown"]  # Westmarch 30, Eastmarch 10 + 15 and *
    assert found.loc[("2022/23", "X99")].tolist() == [0, 1, "shown"]
    assert found.loc[("2023/24", "X99"), "status"] == "hidden" and pd.isna(found.loc[("2023/24", "X99"), "n"])
    assert len(found) == 3
    east = store.admissions(scope(area=EAST)).set_index("icd_group")["n"]
    assert east.to_dict() == {"X85_Y09": 25, "X99": 0}


# ---------------------------------------------------------------------------------------------------------- tiers


def test_the_public_tier_has_no_row_of_a_closed_source_in_any_file() -> None:
    public = publish.current() / "public"
    files = sorted(public.rglob("*.parquet"))
    assert {f.name for f in (public / "incidents").iterdir()} == {"police_uk.parquet"}
    closed = {name for name, source in definitions.sources().items() if not source.open}
    assert "police" in closed
    for file in files:
        frame = pd.read_parquet(file)
        for column in ("source", "feed_id"):
            if column in frame:
                assert not set(frame[column].dropna().str.split(":").str[0]) & closed, file.name
    assert not (public / "admissions.parquet").exists() and not (public / "protected.parquet").exists()
    assert not any(b"police.csv" in f.read_bytes() for f in files)  # nor the name of the file that was delivered


def test_the_partner_tier_holds_no_record_and_no_true_small_count_of_a_closed_source() -> None:
    partner = publish.current() / "partner"
    assert {f.name for f in (partner / "incidents").iterdir()} == {"police_uk.parquet"}
    for file in partner.rglob("*.parquet"):
        frame = pd.read_parquet(file)
        if "record_id" in frame:
            assert set(frame["source"]) <= {"police_uk"}
    told = ["rows_read", "accepted", "quarantined", "duplicate", "unplaced"]
    loads = pd.read_parquet(partner / "loads.parquet").set_index("source")
    assert loads.loc["police", told].isna().all() and loads.loc["police_uk", told].notna().all()
    held = pd.read_parquet(partner / "protected.parquet")
    assert len(held)
    assert held.loc[held["status"] != "shown", "n"].isna().all()
    shown = held[held["status"] == "shown"]
    assert (shown["n"] % 5 == 0).all() and (shown["n_upper"] > shown["n_lower"]).all()
    banded = held[held["status"] == "band"]
    assert (banded["n_lower"] == 0).all() and (banded["n_upper"] >= 4).all()


def test_a_partner_sees_closed_sources_by_quarter_and_nothing_finer() -> None:
    partner = scope("police", "partner")
    found = store.monthly_counts(partner, by=("authority_code",))
    assert set(found["month"]) == {JANUARY} and set(found["period_type"]) == {"quarter"}
    assert not {19, 2} & set(found["n"].dropna())  # the true counts of the authorities
    for ask in (
        lambda: store.cell_counts(partner, size_m=500),
        lambda: store.cell_names(partner, size_m=500),
        lambda: store.weekday_hour(partner),
        lambda: store.monthly_counts(partner.but(time="night")),
        lambda: store.monthly_counts(partner.but(age="10-17")),
        lambda: store.monthly_counts(partner.but(setting="domestic")),
        lambda: store.monthly_counts(partner.but(place=W1)),
        lambda: store.area_counts(partner, level="lsoa"),
    ):
        with pytest.raises(NotHeld):
            ask()


def test_every_tier_answers_alike_about_open_data() -> None:
    answers = [store.area_counts(scope(tier=tier), level="lsoa") for tier in TIERS]
    for answer in answers[1:]:
        pd.testing.assert_frame_equal(answer, answers[0])
    assert [store.sources(scope(tier=tier)) for tier in TIERS] == [
        ["police", "police_uk"],  # 23 records and 13
        ["police_uk", "police"],
        ["police_uk"],
    ]


def test_a_closed_source_asked_for_in_public_is_not_supplied_rather_than_zero() -> None:
    asked = scope("police", "public")
    assert store.monthly_counts(asked)["n"].isna().all()
    assert store.area_counts(asked, level="lsoa")["n"].isna().all()
    assert store.cell_counts(asked, size_m=500)["n"].isna().all()
    assert store.offence_mix(asked).empty
    assert store.held_months(asked, "police") == []
    with pytest.raises(NotHeld):
        store.table(asked, "protected")


def test_a_snapshot_that_is_gone_says_so() -> None:
    with pytest.raises(NotHeld, match="withdrawn"):
        store.coverage(Scope("public", "20000101T000000Z-000"))


# ------------------------------------------------------------------------------------------------- what is not there

QUESTIONS = {
    "monthly_counts": lambda s: store.monthly_counts(s),
    "monthly_counts by area": lambda s: store.monthly_counts(s, by=("authority_code",)),
    "monthly_counts by group": lambda s: store.monthly_counts(s, by=("offence_group",)),
    "area_counts": lambda s: store.area_counts(s, level="lsoa"),
    "cell_counts": lambda s: store.cell_counts(s, size_m=500),
    "cell_names": lambda s: store.cell_names(s, size_m=500),
    "offence_mix": store.offence_mix,
    "weekday_hour": store.weekday_hour,
    "coverage": store.coverage,
    "held_months": lambda s: store.held_months(s, "police_uk"),
    "sources": store.sources,
    "offence_groups": store.offence_groups,
    "areas": lambda s: store.areas(s, level="lad"),
    "levels": store.levels,
    "admissions": store.admissions,
    "deprivation": store.deprivation,
    "places": store.places,
    "flags": store.flags,
    "latest_loads": store.latest_loads,
    "map_levels": store.map_levels,
    "left_out": lambda s: store.left_out(s, "lsoa"),
    "freshness": lambda s: tracker.freshness(s, pd.Timestamp("2024-06-01")),
    "months_held": tracker.months_held,
    "completeness": tracker.completeness,
    "set_aside": tracker.set_aside,
    "new_since_last": tracker.new_since_last,
    "source_counts": store.source_counts,
    "records_held": store.records_held,
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_is_answered_on_a_snapshot_without_records_or_without_areas(
    question: str, tiny_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_DATA", str(tiny_template / "data"))
    snapshots = [m["id"] for m in publish.kept()]
    for snapshot in (snapshots[0], snapshots[-1]):  # areas and residents alone; lookups alone
        for tier, sources in {"restricted": ("police_uk",), "partner": ("police",), "public": ()}.items():
            asked = Scope(tier, snapshot, sources=sources, start=JANUARY, end=MARCH)
            try:
                answer = QUESTIONS[question](asked)
            except NotHeld:
                continue
            assert not isinstance(answer, pd.DataFrame) or "n" not in answer or not answer["n"].sum() > 0


def test_what_each_source_says_of_a_place_stands_side_by_side() -> None:
    place = scope(place=W1)  # 3 of VIOLENCE and a robbery in January, 1 in March; P1, and P6 to P10 are elsewhere
    assert counted(store.source_counts(place), "source") == {"police": 1, "police_uk": 5}
    february = place.but(start=FEBRUARY, end=FEBRUARY)
    assert counted(store.source_counts(february), "source") == {"police": 0, "police_uk": None}  # not supplied
    by_night = place.but(time="night")  # street crime knows no hour
    assert counted(store.source_counts(by_night), "source") == {"police": 0}
    rapes = place.but(place=M1, groups=("rape",))  # which street crime does not tell apart
    assert counted(store.source_counts(rapes), "source") == {"police": 1}
    fine = store.cell_counts(scope("police"), size_m=150).nlargest(1, "n")["cell_id"].iat[0]
    assert list(store.source_counts(scope(place=fine))["source"]) == ["police"]  # finer than street crime's points


def test_many_visitors_may_ask_at_once_and_each_gets_the_whole_answer() -> None:
    asked = [scope(source, area=area) for source in ("police_uk", "police") for area in (store.ALL, WEST, EAST)] * 6
    alone = [store.area_counts(one, level="lsoa") for one in asked]
    with ThreadPoolExecutor(12) as visitors:
        together = list(visitors.map(lambda one: store.area_counts(one, level="lsoa"), asked))
    for one, other in zip(alone, together, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_no_source_chosen_gives_no_rows() -> None:
    nothing = scope(sources=())
    assert store.monthly_counts(nothing).empty
    assert store.offence_mix(nothing).empty
    assert store.offence_groups(nothing) == []
    assert store.area_counts(nothing, level="lsoa").empty


def test_a_scope_can_be_kept_and_compared() -> None:
    assert scope() == scope() and hash(scope()) == hash(scope())
    assert scope().but(tier="public") != scope()
    assert set(AUTHORITY) == set(RESIDENTS)
