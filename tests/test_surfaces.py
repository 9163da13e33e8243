"""Smooth maps, clusters in time, what a hotspot rests on: planted excesses are found, and nothing where nothing is.

Invented police records on the land of conftest (six by four kilometres, six small areas), one purpose to each block:

2016         12 months of 400 records all over the land, each violent or not by the toss of a coin.
2018         see the names of its months.
2019 to 2021 nine kinds of offence by 40 records in each small area and year, in months drawn by chance.
2022         ten records in each small area and month, and 40 more in W1 in June and July.
2023         the same, the 40 in June and August; nothing was delivered in July.
2024         January to June and August; W1 has 4 a month until March and 20 from April on, the other areas 10.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CENTRE, E2, RESIDENTS, SIDE, SQUARES, W1, W4, X0, Y0, text_file

from answers import clusters, hotspots, over_time, sureness, surfaces
from data import demo_planted, ingest, publish, store
from data.store import NotHeld, Scope

HEADERS = "CrimeRef,OffenceCode,DateTimeFrom,RecordedDate,Easting,Northing"
ASSAULT, OTHER, ROBBERY = "8N", "9A", "34B"  # violence with injury, no weight of harm; public order; 365 days of harm
EXCESS, FEW, ALONE, MANY = (pd.Timestamp(2018, month, 1) for month in (1, 2, 3, 4))
SPOT = (442_972.0, 112_050.0)  # the middle of a cell of 150 m: 129.904 x 3,410 and 150 x 747; over a km from any edge
CODES = {  # kinds of offence that a small area may tell, and a code of each
    "attempted_murder": "2",
    "threats_to_kill": "3B",
    "violence_with_injury": "8N",
    "violence_without_injury": "105A",
    "robbery_personal": "34B",
    "robbery_business": "34A",
    "weapons_blade": "10D",
    "weapons_possession": "10C",
    "public_order": "9A",
}
NULL_YEARS = (2019, 2020, 2021)
NULL_MONTHS = pd.date_range("2016-01-01", periods=12, freq="MS")
CHANCE = 0.05
CELL_KM2 = 500**2 * 3**0.5 / 2 / 1e6


class Deliveries:
    """Lines of a police extract, each with a reference of its own."""

    def __init__(self) -> None:
        self.lines = [HEADERS]

    def add(self, month: pd.Timestamp, code: str, at: np.ndarray) -> None:
        """One record at each point."""
        for x, y in np.atleast_2d(at):
            number = len(self.lines)
            day = f"{month:%Y-%m}-{number % 28 + 1:02d}"
            self.lines.append(f"R{number},{code},{day} 14:00,{day},{x:.0f},{y:.0f}")

    def in_area(self, month: pd.Timestamp, code: str, area: str, many: int) -> None:
        """So many records around the middle of a small area."""
        self.add(month, code, np.repeat([CENTRE[area]], many, axis=0)) if many else None


def land(rng: np.random.Generator, many: int) -> np.ndarray:
    """Points all over the land, which is a rectangle of three by two squares."""
    return np.array([X0, Y0]) + rng.uniform(1, SIDE * np.array([3, 2]) - 1, (many, 2))


def deliveries() -> list[str]:
    """All that the police sent."""
    rng, sent = np.random.default_rng(20), Deliveries()
    for month in NULL_MONTHS:
        violent = rng.random(400) < 0.5
        at = land(rng, 400)
        sent.add(month, ASSAULT, at[violent])
        sent.add(month, OTHER, at[~violent])
    sent.add(EXCESS, ASSAULT, land(rng, 200))
    sent.add(EXCESS, OTHER, land(rng, 400))
    sent.add(EXCESS, ASSAULT, np.array(CENTRE[W4]) + rng.uniform(-200, 200, (80, 2)))
    sent.add(FEW, ASSAULT, land(rng, 29))
    sent.add(FEW, OTHER, land(rng, 100))
    sent.add(ALONE, ASSAULT, np.repeat([SPOT], 40, axis=0))
    sent.add(MANY, ROBBERY, land(rng, 30))
    sent.add(MANY, ROBBERY, np.array(CENTRE[W4]) + rng.uniform(-450, 450, (50, 2)))
    for year in NULL_YEARS:
        for code in CODES.values():
            for area in SQUARES:
                for month, many in enumerate(rng.multinomial(40, [1 / 12] * 12), start=1):
                    sent.in_area(pd.Timestamp(year, month, 1), code, area, many)
    for year, burst, missing in ((2022, (6, 7), 0), (2023, (6, 8), 7)):
        for month in range(1, 13):
            for area in SQUARES if month != missing else ():
                many = 50 if area == W1 and month in burst else 10
                sent.in_area(pd.Timestamp(year, month, 1), ASSAULT, area, many)
    for month in (1, 2, 3, 4, 5, 6, 8):
        for area in SQUARES:
            many = (4 if month <= 3 else 20) if area == W1 else 10
            sent.in_area(pd.Timestamp(2024, month, 1), ASSAULT, area, many)
    return sent.lines


@pytest.fixture(scope="module")
def stocked(tiny_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scope]:
    """The whole of the police records, as a named analyst sees them."""
    home = tmp_path_factory.mktemp("surfaces")
    shutil.copytree(tiny_template / "data", home / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(home / "data"))
        patch.setenv("EXPLORER_PARTNERSHIP", str(tiny_template / "partnership.toml"))
        ingest.ingest("police_extract", [text_file(home / "police.csv", deliveries())])
        yield Scope("restricted", publish.current().name, sources=("police",))


@pytest.fixture
def police(stocked: Scope, tiny_template: Path, monkeypatch: pytest.MonkeyPatch) -> Scope:
    """The same, where a test before may have looked at other data."""
    return stocked


def in_month(scope: Scope, month: pd.Timestamp) -> Scope:
    return scope.but(start=month, end=month)


def in_year(scope: Scope, year: int, **more: object) -> Scope:
    return scope.but(start=pd.Timestamp(year, 1, 1), end=pd.Timestamp(year, 12, 1), **more)


def with_places(scope: Scope, found: pd.DataFrame) -> pd.DataFrame:
    return found.merge(store.cell_counts(scope, size_m=500)[["cell_id", "x", "y", "n"]], on="cell_id")


def away_m(found: pd.DataFrame, spot: tuple[float, float]) -> pd.Series:
    return np.hypot(found["x"] - spot[0], found["y"] - spot[1])


# ------------------------------------------------------------------------------------------------------- ratio


def test_where_violence_is_a_random_half_of_all_records_it_is_as_dense_as_expected(police: Scope) -> None:
    every = [surfaces.ratio(in_month(police, month), "hex", 500) for month in NULL_MONTHS]
    cells = pd.concat(every).groupby("cell_id")["density_ratio"].median().dropna()
    assert cells.median() == pytest.approx(1, abs=0.03)
    assert cells.quantile([0.05, 0.95]).between(0.7, 1.4).all()  # in a corner a window holds a quarter of its records
    # after Benjamini-Hochberg one month in twenty may show anything; of 12 months three or more are one in fifty
    assert sum((found["risk"] != 0).any() for found in every) <= 2


def test_a_planted_excess_is_found_where_it_is_and_nowhere_else(police: Scope) -> None:
    month = in_month(police, EXCESS)
    found = with_places(month, surfaces.ratio(month, "hex", 500))
    there = away_m(found, CENTRE[W4]) < 289  # no point is further than this from the middle of its hexagon
    assert (found.loc[there, "risk"] == 3).all() and there.any()
    assert found.loc[there, "density_ratio"].min() > 2
    more = found[found["risk"] > 0]
    assert away_m(more, CENTRE[W4]).max() < 200 * 2**0.5 + 1_000  # no further than a window reaches
    assert (found.loc[found["risk"] != 0, "ratio_p"] < 0.05).all()
    assert found.loc[found["risk"] == 0, "ratio_p"].min() >= 0.05


def test_less_than_one_record_expected_in_reach_has_no_ratio(police: Scope) -> None:
    month = in_month(police, EXCESS)
    found = with_places(month, surfaces.ratio(month, "hex", 500))
    missing = found["density_ratio"].isna()
    assert found.loc[missing, "risk"].eq(0).all() and found.loc[missing, "ratio_p"].isna().all()
    # on land 280 records over 24 km2 leave more than one in any window of 3.1 km2, a quarter of it in a corner
    on_land = found["x"].between(X0, X0 + 3 * SIDE) & found["y"].between(Y0, Y0 + 2 * SIDE)
    assert not missing[on_land].any()
    few = police.but(start=pd.Timestamp("2022-01-01"), end=pd.Timestamp("2022-01-01"), groups=("violence_with_injury",))
    sparse = with_places(few, surfaces.ratio(few, "hex", 500, "resident"))  # 60 records at the middles of six squares
    assert (sparse["density_ratio"].isna() | (sparse["density_ratio"] >= 0)).all()


def test_against_residents_an_area_with_few_of_them_stands_out(police: Scope) -> None:
    month = in_month(police, NULL_MONTHS[0])  # as many records everywhere, a hundred residents in W1 and 600 in E2
    found = with_places(month, surfaces.ratio(month, "hex", 500, "resident"))
    here, there = (found.loc[away_m(found, CENTRE[code]) < 600] for code in (W1, E2))
    assert (here["risk"] == 3).all() and (there["risk"] < 0).all()
    assert here["density_ratio"].min() > 1.5 and there["density_ratio"].max() < 0.8
    assert RESIDENTS[E2] == 6 * RESIDENTS[W1]


def test_fewer_than_thirty_records_are_no_smooth_map(police: Scope) -> None:
    few = in_month(police, FEW)
    for ask in (surfaces.density, surfaces.ratio):
        with pytest.raises(NotHeld, match="fewer than 30 records"):
            ask(few, "hex", 500)


def test_a_month_with_nothing_but_violence_has_nothing_to_compare_with(police: Scope) -> None:
    with pytest.raises(NotHeld, match="nothing to compare with"):
        surfaces.ratio(in_month(police, ALONE), "hex", 500)


def test_people_that_are_not_held_are_said_not_to_be(police: Scope) -> None:
    with pytest.raises(NotHeld, match="No small areas with this population"):
        surfaces.ratio(in_month(police, EXCESS), "hex", 500, "ambient")


# ------------------------------------------------------------------------------------------------------- density


@pytest.mark.parametrize(("width", "radius_km"), [("normal", 1.0), ("half", 0.5)])
def test_density_of_records_at_one_spot_is_the_quartic_kernel_around_it(
    police: Scope, width: str, radius_km: float
) -> None:
    month = in_month(police, ALONE)
    found = with_places(month, surfaces.density(month, "hex", 500, width))
    # n 3 / (pi r2) (1 - d2 / r2)2, r the window: no edge is in reach of SPOT (Silverman 1986, 4.2)
    apart = (away_m(found, SPOT) / 1_000 / radius_km) ** 2
    expected = np.where(apart < 1, 40 * 3 / (np.pi * radius_km**2) * (1 - apart.clip(upper=1)) ** 2, 0)
    assert found["density"].tolist() == pytest.approx(expected.tolist(), abs=0.2)  # the spot is good to a metre


@pytest.mark.parametrize("width", list(surfaces.WIDTHS))
def test_density_adds_up_to_about_all_records_through_every_window(police: Scope, width: str) -> None:
    month = in_month(police, EXCESS)
    found = with_places(month, surfaces.density(month, "hex", 500, width))
    assert found["n"].sum() == 280
    # 24 km2 of land; cells with records whose middle lies off it have no density. Middles 500 m apart see a window of
    # 500 m no better than this.
    assert (found["density"].mean() * 24) == pytest.approx(280, rel=0.08)


def test_windows_are_as_wide_as_they_say_and_narrower_ones_have_higher_peaks(police: Scope) -> None:
    month = in_month(police, EXCESS)
    found = {width: surfaces.density(month, "hex", 500, width) for width in surfaces.WIDTHS}
    said = {width: answer.attrs["method"] for width, answer in found.items()}
    assert "500 m," in said["half"] and "1,000 m," in said["normal"] and "2,000 m," in said["double"]
    assert "1,000 m on average, narrower where records are many" in said["adaptive"]
    peak = {width: answer["density"].max() for width, answer in found.items()}
    assert peak["half"] > peak["normal"] > peak["double"]
    assert peak["adaptive"] > peak["normal"]
    assert "4,000 m," in surfaces.density(month, "hex", 2_000).attrs["method"]  # twice the cell size


def test_a_cell_in_the_top_says_through_how_many_windows(police: Scope) -> None:
    month = in_month(police, EXCESS)
    found = with_places(month, surfaces.density(month, "hex", 500))
    shares = found["in_top"].dropna().unique()  # missing off the land
    assert {round(3 * share) for share in shares} <= {0, 1, 2, 3}
    assert 3 * shares == pytest.approx(np.round(3 * shares))
    assert found.loc[away_m(found, CENTRE[W4]) < 600, "in_top"].max() == 1
    assert found.loc[away_m(found, CENTRE[W4]) > 1_800, "in_top"].max() < 1
    assert (found["in_top"] == 1).mean() <= surfaces.surfaces.TOP + 1 / len(found)


# ------------------------------------------------------------------------------------------------------- outbreaks


def test_a_planted_burst_is_found_with_its_place_and_its_months(police: Scope) -> None:
    found = clusters.outbreaks(in_year(police, 2022), "lsoa", 500).set_index("area_code")
    assert found.loc[W1, ["cluster", "in_cluster", "cluster_p"]].tolist() == [1, 3, pytest.approx(0.001)]
    assert found.loc[W1, ["from_month", "to_month"]].tolist() == [
        pd.Timestamp("2022-06-01"),
        pd.Timestamp("2022-07-01"),
    ]
    # W1 has 200 records, 100 of them in those months; all areas 800, of which 200 in those months: 50 expected.
    # Inside 100 against 50, outside 700 against 750.
    assert found.loc[W1, "relative_risk"] == pytest.approx((100 / 50) / (700 / 750))
    rest = found.drop(W1)
    assert rest["in_cluster"].eq(0).all() and rest["cluster"].isna().all()
    assert found.index.tolist() == sorted(SQUARES)


def test_months_not_supplied_are_passed_over_and_the_answer_says_so(police: Scope) -> None:
    found = clusters.outbreaks(in_year(police, 2023), "lsoa", 500)
    row = found.set_index("area_code").loc[W1]
    assert row[["from_month", "to_month"]].tolist() == [pd.Timestamp("2023-06-01"), pd.Timestamp("2023-08-01")]
    # 11 months: W1 110 + 80 = 190 records, 100 of them in June and August; all 660 + 80 = 740, 200 in those months
    expected = 190 * 200 / 740
    assert row["relative_risk"] == pytest.approx((100 / expected) / (640 / (740 - expected)))
    assert "months not supplied are passed over" in found.attrs["method"]
    assert "up to 5 months" in found.attrs["method"]  # half of eleven
    assert "passed over" not in clusters.outbreaks(in_year(police, 2022), "lsoa", 500).attrs["method"]


def test_a_burst_that_is_over_is_not_alive_and_one_that_lasts_is(police: Scope) -> None:
    over = clusters.outbreaks(in_year(police, 2022), "lsoa", 500, clusters.ALIVE)
    assert over["in_cluster"].eq(0).all()
    until_july = in_year(police, 2022).but(end=pd.Timestamp("2022-07-01"))
    alive = clusters.outbreaks(until_july, "lsoa", 500, clusters.ALIVE).set_index("area_code")
    assert alive.loc[W1, "to_month"] == pd.Timestamp("2022-07-01")
    assert alive.loc[W1, "recurrence_interval"] == pytest.approx(1 / alive.loc[W1, "cluster_p"])


def test_where_months_fall_by_chance_clusters_are_no_more_than_chance_allows(police: Scope) -> None:
    found = [
        clusters.outbreaks(in_year(police, year, groups=(group,)), "lsoa", 500)["cluster_p"].min() < CHANCE
        for year in NULL_YEARS
        for group in CODES
    ]
    assert len(found) == 27
    assert sum(found) <= 4  # 1.35 to be expected; five or more are one in ninety


def test_three_months_have_no_when(police: Scope) -> None:
    short = in_year(police, 2022).but(end=pd.Timestamp("2022-03-01"))
    with pytest.raises(NotHeld, match="need 4 months; there are 3"):
        clusters.outbreaks(short, "lsoa", 500)


# ------------------------------------------------------------------------------------------------------- quarter


def check_second_quarter(scope: Scope) -> None:
    """April to June 2024 against January to March, whatever of it the scope's period holds."""
    found = over_time.change(scope, "lsoa", 500, "quarter").set_index("area_code")
    assert found.attrs["back"] == 3
    assert found.attrs["months"] == tuple(pd.Timestamp(2024, m, 1) for m in (4, 5, 6))
    assert found.loc[W1, ["n_now", "n_before", "ratio", "changed"]].tolist() == [60, 12, 5, 2]
    rest = found.drop(W1)
    assert rest["n_now"].eq(30).all() and rest["n_before"].eq(30).all()
    assert rest["ratio"].eq(1).all() and rest["changed"].eq(0).all()
    assert found["ratio_lower"].lt(found["ratio"]).all() and found["ratio_upper"].gt(found["ratio"]).all()


@pytest.mark.parametrize("first", [1, 4, 5, 6])  # of a period of one or two months the quarters are whole all the same
def test_the_newest_three_months_are_set_against_the_three_before(police: Scope, first: int) -> None:
    check_second_quarter(police.but(start=pd.Timestamp(2024, first, 1), end=pd.Timestamp("2024-06-01")))


def test_of_a_quarter_with_a_gap_only_months_held_on_both_sides_are_compared(police: Scope) -> None:
    until_august = in_year(police, 2024).but(end=pd.Timestamp("2024-08-01"))
    found = over_time.change(until_august, "lsoa", 500, "quarter").set_index("area_code")
    # June, July and August against March, April and May: July was not supplied, nor is April then compared
    assert found.attrs["months"] == (pd.Timestamp("2024-06-01"), pd.Timestamp("2024-08-01"))
    assert found.loc[W1, ["n_now", "n_before"]].tolist() == [40, 24]  # 20 + 20; 4 + 20


def test_a_quarter_without_months_before_it_has_no_answer(police: Scope) -> None:
    first = in_month(police, NULL_MONTHS[0])
    with pytest.raises(NotHeld, match="the months before"):
        over_time.change(first, "lsoa", 500, "quarter")


# ------------------------------------------------------------------------------------------------------- rests on


def test_harm_is_hot_where_gi_star_of_harm_says_so_and_a_hotspot_of_many_records_rests_on_none(police: Scope) -> None:
    month = in_month(police, MANY)
    found = with_places(month, sureness.harm(month, "hex", 500))
    there = found["cell_id"].isin(found.loc[away_m(found, CENTRE[W4]) < 289, "cell_id"])
    assert found.loc[there, "harm_hot"].eq(2).all() and there.any()
    assert not found.loc[there, "rests_on_one"].any()
    cells = hotspots.places(month, "hex", 500)
    hot = hotspots.hot(cells, hotspots.near(month, "hex", cells), value="harm")
    assert (found["harm_hot"] > 0).tolist() == hot.tolist()
    assert found.loc[found["harm_hot"] == 1, "rests_on_one"].eq(True).all()
    with_any = found[found["n"] > 0]  # every record weighs the same here
    assert with_any["largest_share"].tolist() == pytest.approx((1 / with_any["n"]).tolist())
    assert found.loc[found["n"] == 0, "largest_share"].isna().all()


def test_records_without_weights_have_no_map_of_harm(police: Scope) -> None:
    with pytest.raises(NotHeld, match="No record here has a harm weight"):
        sureness.harm(in_month(police, FEW), "hex", 500)


def test_all_columns_are_there_as_far_as_they_can_be_said_and_few_months_refuse_none(police: Scope) -> None:
    asked: list[tuple[float, str]] = []
    found = sureness.everything(
        in_month(police, EXCESS), "hex", 500, tell=lambda share, step: asked.append((share, step))
    )
    assert {"cell_id", "density", "robustness", "periods_hot", "periods", "sources_hot", "sources_asked"} <= set(found)
    assert "class" not in found  # one month has no kinds
    assert "n_now_quarter" not in found  # no month three before it was supplied
    assert found["cell_id"].is_unique
    assert found["cell_id"].tolist() == hotspots.places(in_month(police, EXCESS), "hex", 500)["cell_id"].tolist()
    shares = [share for share, _ in asked]
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] <= 1
    few = sureness.everything(in_month(police, FEW), "hex", 500)
    assert "density" not in few and "robustness" in few  # 29 records: no smooth map, and all else


def test_areas_have_no_density_and_no_other_grids(police: Scope) -> None:
    found = sureness.everything(in_year(police, 2022), "lsoa", 500)
    assert not {"density", "robustness"} & set(found)
    assert found["area_code"].tolist() == sorted(SQUARES)
    assert found["periods"].eq(12).all()
    assert {"n_now_quarter", "n_before_quarter", "ratio_quarter", "changed_quarter"} <= set(found)


# ------------------------------------------------------------------------------------------------------- planted truths


@pytest.fixture
def every(on_demo: Path) -> Scope:
    """All police records of the invented partnership."""
    first, last = pd.Timestamp("2019-01-01"), pd.Timestamp("2025-12-01")
    return Scope("restricted", publish.current(on_demo).name, start=first, end=last, sources=("police",))


def test_over_seven_years_the_emerging_place_is_a_cluster_that_is_still_alive(every: Scope) -> None:
    (one,) = [p for p in demo_planted.planted() if p.kind == "emerging"]
    new_forest = every.but(area="E07000091")
    areas = store.areas(new_forest, level="lsoa")
    there = np.hypot(areas["x"] - one.x, areas["y"] - one.y).to_numpy() <= one.radius
    for when in ("any", clusters.ALIVE):
        found = clusters.outbreaks(new_forest, "lsoa", 500, when)
        hit = found[there].dropna(subset=["cluster"])
        assert len(hit), when
        assert hit["from_month"].min() >= pd.Timestamp(one.start)
        assert hit["to_month"].max() == new_forest.end
        assert hit["cluster_p"].max() < CHANCE


def test_every_place_says_in_which_of_the_sources_asked_it_is_hot(every: Scope) -> None:
    city = every.but(area="E06000045", start=pd.Timestamp("2024-01-01"))
    found = sureness.agreeing(city, "hex", 500)
    assert found.attrs["asked"][0] in store.sources(city) and set(found.attrs["asked"]) == set(store.sources(city))
    assert found["sources_asked"].eq(len(found.attrs["asked"])).all()
    named = set("|".join(found["sources_hot"]).split("|")) - {""}
    assert named <= set(found.attrs["asked"])
    cells = store.cell_counts(city, size_m=500)
    alone = hotspots.hot(cells, hotspots.near(city, "hex", cells))
    told = found["sources_hot"].str.split("|").map(lambda names: "police" in names)
    assert found.loc[told, "cell_id"].tolist() == cells.loc[alone, "cell_id"].tolist()
    persistent = next(p for p in demo_planted.planted() if p.kind == "persistent")
    inside = demo_planted.inside(persistent, cells["x"].to_numpy(), cells["y"].to_numpy())
    assert found.loc[inside, "sources_hot"].str.contains("ed_istv").any()


def test_sources_that_cannot_answer_the_filters_are_not_asked(every: Scope) -> None:
    city = every.but(area="E06000045", start=pd.Timestamp("2025-01-01"))
    found = sureness.agreeing(city.but(groups=("robbery_personal",)), "hex", 500)
    assert found.attrs["asked"] == ("police",)
    by_night = sureness.agreeing(city.but(time="night"), "hex", 500)
    assert "police_uk" not in by_night.attrs["asked"] and "police" in by_night.attrs["asked"]
    fine = sureness.agreeing(city, "hex", 250)  # the points of the others are not exact enough
    assert fine.attrs["asked"] == ("police",)


def test_the_year_of_a_city_has_all_columns(every: Scope) -> None:
    city = every.but(area="E06000045", start=pd.Timestamp("2025-01-01"))
    found = sureness.everything(city, "msoa", 500)
    wanted = {"periods", "periods_hot", "class", "sources_hot", "sources_asked"}
    wanted |= {f"{name}_quarter" for name in ("n_now", "n_before", "ratio", "ratio_lower", "ratio_upper", "changed")}
    assert wanted <= set(found)
    quarter = city.but(start=pd.Timestamp("2025-10-01"))
    assert found["n_now_quarter"].sum() == store.area_months(quarter, level="msoa")["n"].sum()
