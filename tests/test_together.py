"""Maps read together: two beside each other in one order, one month after the other; a gap stays one on both.

Invented police records in the small area of conftest, January to June 2024; April was not supplied:

    W1   4 in every month supplied, in February 5 more
    E1   2 in January, February and March
    W4   30 in June, spread over 750 by 600 metres: the one hotspot
    COAST, a point whose hexagon has its middle off the land: 3 in February, none in any other month
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CENTRE, E1, E2, EAST, W1, W2, W3, W4, X0, text_file
from in_app import cards, opened, told, troubles

from answers import hotspots, together
from data import ingest, publish, store
from data.store import Scope

HEADERS = "CrimeRef,OffenceCode,DateTimeFrom,RecordedDate,Easting,Northing"
COAST = (X0 + 50.0, 111_000.0)
OFF_LAND = "500:1016:-286"  # middle at 1,016 x 433.01 = 439,941 east, 59 m off; 500 x (-286 + 508) = 111,000 north
JAN, FEB, MAR, APR, MAY, JUN = (pd.Timestamp(2024, month, 1) for month in range(1, 7))
COUNTS = {
    CENTRE[W1]: {JAN: 4, FEB: 9, MAR: 4, MAY: 4, JUN: 4},
    CENTRE[E1]: {JAN: 2, FEB: 2, MAR: 2},
    COAST: {FEB: 3},
    **{
        (CENTRE[W4][0] + east, CENTRE[W4][1] + north): {JUN: 1}
        for east in range(-375, 376, 150)
        for north in range(-300, 301, 150)
    },
}
SPOTS = [
    f"{x:.0f},{y:.0f},{month:%Y-%m}"
    for (x, y), months in COUNTS.items()
    for month, n in months.items()
    for _ in range(n)
]
LINES = [f"R{k},8N,{m}-10 14:00,{m}-11,{x},{y}" for k, (x, y, m) in enumerate(spot.split(",") for spot in SPOTS)]


@pytest.fixture(scope="module")
def folder(tiny_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder that holds these records."""
    home = tmp_path_factory.mktemp("together")
    shutil.copytree(tiny_template / "data", home / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(home / "data"))
        patch.setenv("EXPLORER_PARTNERSHIP", str(tiny_template / "partnership.toml"))
        ingest.ingest("police_extract", [text_file(home / "police.csv", [HEADERS, *LINES])])
    return home / "data"


@pytest.fixture
def spring(folder: Path, tiny_template: Path, monkeypatch: pytest.MonkeyPatch) -> Scope:
    """January to June."""
    monkeypatch.setenv("EXPLORER_DATA", str(folder))
    monkeypatch.setenv("EXPLORER_PARTNERSHIP", str(tiny_template / "partnership.toml"))
    return Scope("restricted", publish.current().name, sources=("police",), start=JAN, end=JUN)


def period(first: str, last: str) -> Scope:
    return Scope(
        "restricted", "any", area="E06000901", sources=("police",), start=pd.Timestamp(first), end=pd.Timestamp(last)
    )


# ------------------------------------------------------------------------------------------------------- before


@pytest.mark.parametrize(
    ("what", "first", "last", "expected"),
    [
        ("year", "2024-01-01", "2024-12-01", ("2023-01-01", "2023-12-01")),
        ("year", "2024-11-01", "2025-02-01", ("2023-11-01", "2024-02-01")),
        ("year", "2024-02-01", "2024-02-01", ("2023-02-01", "2023-02-01")),
        ("year", "2022-01-01", "2024-12-01", ("2021-01-01", "2023-12-01")),  # three years: they overlap
        ("just", "2024-01-01", "2024-12-01", ("2023-01-01", "2023-12-01")),
        ("just", "2024-11-01", "2025-02-01", ("2024-07-01", "2024-10-01")),  # four months before four
        ("just", "2024-03-01", "2024-03-01", ("2024-02-01", "2024-02-01")),
        ("just", "2022-01-01", "2024-12-01", ("2019-01-01", "2021-12-01")),
    ],
)
def test_the_period_beside_is_the_year_before_or_as_many_months_just_before(
    what: str, first: str, last: str, expected: tuple[str, str]
) -> None:
    scope = period(first, last)
    found = together.before(scope, what)
    assert (found.start, found.end) == tuple(pd.Timestamp(day) for day in expected)
    assert found.but(start=scope.start, end=scope.end) == scope  # all else is as it was


# ------------------------------------------------------------------------------------------------------- pair


def test_two_maps_have_the_same_places_in_the_same_order(spring: Scope) -> None:
    january, february = spring.but(end=JAN), spring.but(start=FEB, end=FEB)
    left, right = together.pair(january, february, "hex", 500)
    assert left["cell_id"].tolist() == right["cell_id"].tolist()
    assert left["cell_id"].is_unique
    assert (left["n"].sum(), right["n"].sum()) == (6, 14)
    for found, scope in ((left, january), (right, february)):
        alone = hotspots.surface(scope, "hex", 500).set_index("cell_id")
        same = found.set_index("cell_id").loc[alone.index, alone.columns]
        pd.testing.assert_frame_equal(same, alone, check_dtype=False)


def test_a_cell_off_the_land_has_no_record_on_the_map_that_lacks_it_and_is_not_missing(spring: Scope) -> None:
    january, february = spring.but(end=JAN), spring.but(start=FEB, end=FEB)
    assert OFF_LAND not in set(store.cell_counts(january, size_m=500)["cell_id"])
    for first, second in ((january, february), (february, january)):
        pair = [found.set_index("cell_id") for found in together.pair(first, second, "hex", 500)]
        without, with_it = pair if first == january else pair[::-1]
        assert with_it.loc[OFF_LAND, "n"] == 3
        assert without.loc[OFF_LAND, ["n", "n_lower", "n_upper", "status"]].tolist() == [0, 0, 0, "shown"]


def test_beside_a_month_not_supplied_a_cell_off_the_land_is_missing_like_all_others(spring: Scope) -> None:
    april, _ = together.pair(spring.but(start=APR, end=APR), spring.but(start=FEB, end=FEB), "hex", 500)
    assert april["n"].isna().all()
    assert set(april["status"]) == {"not supplied"}
    assert OFF_LAND in set(april["cell_id"])


def test_areas_are_paired_as_cells_are(spring: Scope) -> None:
    left, right = together.pair(spring.but(end=JAN), spring.but(start=FEB, end=FEB), "lsoa", 500)
    assert left["area_code"].tolist() == right["area_code"].tolist() == sorted([W1, W2, W3, W4, E1, E2])
    assert left.set_index("area_code")["n"].to_dict() == {W1: 4, W2: 0, W3: 0, W4: 0, E1: 2, E2: 0}
    assert right.set_index("area_code")["n"].to_dict() == {W1: 12, W2: 0, W3: 0, W4: 0, E1: 2, E2: 0}  # 9 + 3 of COAST


def test_moved_says_on_which_of_two_maps_a_place_is_a_hotspot() -> None:
    # confidence 2 and 3 are hotspots (5% and 1%), 1 is not sure enough, -3 is a cold spot, a missing one was not tested
    left = pd.DataFrame({"cell_id": list("abcdef"), "n": range(6), "confidence": [3, 2, 1, -3, np.nan, 2]})
    right = pd.DataFrame({"cell_id": list("abcdef"), "n": range(10, 16), "confidence": [2, 0, 3, -3, np.nan, np.nan]})
    before = left.copy(), right.copy()
    found = together.moved(left, right, "cell_id")
    assert found.columns.tolist() == ["cell_id", "n_left", "n_right", "hot_in"]
    assert dict(zip(found["cell_id"], found["hot_in"], strict=True)) == {
        "a": "both", "b": "left", "c": "right", "d": "neither", "e": "neither", "f": "left",
    }  # fmt: skip
    assert found["n_left"].tolist() == [*range(6)] and found["n_right"].tolist() == [*range(10, 16)]
    pd.testing.assert_frame_equal(left, before[0])
    pd.testing.assert_frame_equal(right, before[1])


def test_months_that_lack_are_counted(spring: Scope) -> None:
    assert together.lacking(spring) == 1
    assert together.lacking(spring.but(end=MAR)) == 0
    assert together.lacking(spring.but(start=APR, end=APR)) == 1
    assert together.months_of(spring).tolist() == [JAN, FEB, MAR, APR, MAY, JUN]


# ------------------------------------------------------------------------------------------------------- frames


def by_month(found: pd.DataFrame) -> dict[pd.Timestamp, float]:
    return found.groupby("month")["n"].sum(min_count=1).to_dict()


def test_month_by_month_adds_up_to_the_records_of_each_month_and_a_gap_is_one_missing_row(spring: Scope) -> None:
    found = together.frames(spring, "hex", 500, together.COUNT, 1)
    assert by_month(found) == pytest.approx({JAN: 6, FEB: 14, MAR: 6, APR: np.nan, MAY: 4, JUN: 34}, nan_ok=True)
    gap = found[found["month"] == APR]
    assert len(gap) == 1
    assert gap[["cell_id", "n", "hot"]].isna().all(axis=None)
    known = found.dropna(subset=["cell_id"]).set_index(["cell_id", "month"])["n"].sort_index()
    held = store.cell_months(spring, size_m=500).set_index(["cell_id", "month"])["n"].sort_index()
    assert known.to_dict() == held.to_dict()
    assert (known > 0).all()  # places without records are no row
    assert (OFF_LAND, FEB) in known.index


def test_a_window_adds_up_the_months_up_to_it_and_none_that_holds_a_gap_is_shown(spring: Scope) -> None:
    found = together.frames(spring, "hex", 500, together.COUNT, 3)
    # January and February reach back to months never supplied: the pictures begin in March, with 6 + 14 + 6
    expected = {MAR: 26, APR: np.nan, MAY: np.nan, JUN: np.nan}
    assert by_month(found) == pytest.approx(expected, nan_ok=True)
    assert found.loc[found["n"].isna(), "month"].tolist() == [APR, MAY, JUN]
    assert found.loc[(found["month"] == MAR) & (found["cell_id"] == OFF_LAND), "n"].tolist() == [3]


def test_a_window_that_ends_in_the_period_takes_months_from_before_it(spring: Scope) -> None:
    found = together.frames(spring.but(start=MAR, end=MAR), "lsoa", 500, together.COUNT, 3)
    assert found.set_index("area_code")["n"].to_dict() == {W1: 20, E1: 6}  # 4 + 9 + 4 and 3 of COAST; 2 + 2 + 2


def test_the_first_picture_is_the_first_that_is_whole(spring: Scope) -> None:
    found = together.frames(spring.but(start=APR), "hex", 500, together.COUNT, 1)
    assert by_month(found) == pytest.approx({MAY: 4, JUN: 34})


def test_where_no_window_is_whole_there_is_no_picture(spring: Scope) -> None:
    with pytest.raises(store.NotHeld, match="No picture of this period is whole"):
        together.frames(spring, "hex", 500, together.COUNT, 12)
    with pytest.raises(store.NotHeld, match="No picture of this period is whole"):
        together.frames(spring.but(start=APR, end=APR), "hex", 500, together.COUNT, 1)


def test_a_month_supplied_without_any_record_is_a_picture_of_none_and_no_gap(spring: Scope) -> None:
    east = together.frames(spring.but(area=EAST), "lsoa", 500, together.COUNT, 1)  # E1 has none after March
    expected = {JAN: 2, FEB: 2, MAR: 2, APR: np.nan, MAY: 0, JUN: 0}
    assert by_month(east) == pytest.approx(expected, nan_ok=True)


def test_played_as_hotspots_a_picture_says_what_gi_star_of_its_own_counts_says(spring: Scope) -> None:
    steps: list[float] = []
    found = together.frames(spring, "hex", 500, together.HOT, 1, tell=lambda share, step: steps.append(share))
    assert steps == sorted(steps) and len(steps) == 6 and steps[-1] < 1
    places = hotspots.places(spring, "hex", 500)
    around = hotspots.near(spring, "hex", places)
    counts = store.cell_months(spring, size_m=500)
    for month in (JAN, FEB, JUN):
        n = places["cell_id"].map(counts[counts["month"] == month].set_index("cell_id")["n"]).fillna(0.0)
        expected = set(places.loc[hotspots.hot(places.assign(n=n), around), "cell_id"])
        picture = found[found["month"] == month]
        assert set(picture.loc[picture["hot"] == 3, "cell_id"]) == expected
        assert set(picture["hot"]) <= {0, 3}
        assert picture["n"].sum() == n.sum()
        assert bool(expected) == (month == JUN)


# ------------------------------------------------------------------------------------------------------- pages

NOT_WORDS = r"\b(?:nan|None|NaT|<NA>|[a-z]+_[a-z_]+|\d+e[+-]\d+|\d+\.\d{4,})\b"


@pytest.mark.parametrize("tier", ["public", "partner", "restricted"])
@pytest.mark.parametrize("page", ["side_by_side", "month_by_month"])
def test_maps_together_are_shown_or_explained_to_every_tier_in_plain_words(on_demo: Path, page: str, tier: str) -> None:
    app = opened(page, tier=tier)
    assert troubles(app) == []
    shown = cards(app)
    assert shown or told(app)
    words = " ".join([m.value for m in app.markdown] + [c.value for c in app.caption] + told(app))
    assert not re.findall(NOT_WORDS, words)
    for card in shown.values():
        assert card.finding and card.note.startswith("INVENTED DATA. ")


@pytest.mark.parametrize("tier", ["public", "partner", "restricted"])
def test_everybody_sees_published_crime_on_two_maps_and_month_by_month(on_demo: Path, tier: str) -> None:
    beside = cards(opened("side_by_side", tier=tier, link={"source": "police_uk", "beside": "year"}))
    assert {"map_left", "map_right", "pair_list"} <= set(beside)
    assert "Jan 2024 to Dec 2024 (1 month not supplied)" in beside["map_left"].finding  # May 2024 is a planted gap
    assert "Jan 2025 to Dec 2025" in beside["map_right"].finding
    played = cards(opened("month_by_month", tier=tier, link={"source": "police_uk"}))["played"]
    assert played.finding.startswith("12 pictures")


def test_a_partner_is_told_why_closed_records_are_not_played_month_by_month(on_demo: Path) -> None:
    app = opened("month_by_month", tier="partner", link={"source": "police"})
    assert troubles(app) == [] and not cards(app)
    assert "has no months" in told(app)[0]
