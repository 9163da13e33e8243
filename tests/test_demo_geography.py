"""The invented map: whole, nested, the same every time, and near enough to the real one to be read as Hampshire."""

from pathlib import Path

import pandas as pd
import pytest
import shapely

from data import definitions, demo_geography, schema

REAL = Path(__file__).parents[2] / "shared" / "real" / "geography" / "hiow_boundaries_bgc.gpkg"

# Census 2021 usual residents, rounded to the nearest hundred as the councils publish them.
CENSUS = {
    "E07000084": 185_200,
    "E07000085": 125_700,
    "E07000086": 136_400,
    "E07000087": 114_500,
    "E07000088": 81_900,
    "E07000089": 99_400,
    "E07000090": 124_200,
    "E07000091": 175_800,
    "E07000092": 99_800,
    "E07000093": 130_500,
    "E07000094": 127_500,
    "E06000044": 208_100,
    "E06000045": 248_900,
    "E06000046": 140_400,
}


@pytest.fixture(scope="module")
def areas():
    return demo_geography.areas(seed=0)


@pytest.fixture(scope="module")
def population(areas):
    return demo_geography.population(areas, seed=0)


def level(areas, name):
    return areas[areas["area_level"] == name].set_index("area_code")


def test_the_list_has_at_least_400_settlements_of_all_fourteen_authorities_each_named_once():
    places = demo_geography.settlements()
    assert len(places) >= 400
    assert set(places["authority_code"]) == set(CENSUS)
    assert places["name"].is_unique
    assert set(places["kind"]) == {"town", "suburb", "village", "hamlet"}
    assert 35 <= (places["kind"] == "town").sum() <= 50
    assert places[["x", "y"]].mod(100).eq(0).all(axis=None)  # nothing here claims to be better than 100 m


def test_the_coastline_has_about_250_points_round_four_lands_that_do_not_touch():
    coast = pd.read_csv(definitions.HERE / "coastline.csv")
    assert 200 <= len(coast) <= 300
    lands = [shapely.Polygon(ring[["x", "y"]]) for _, ring in coast.groupby("land")]
    assert len(lands) == 4 and all(land.is_valid for land in lands)
    assert shapely.union_all(lands).area == pytest.approx(sum(land.area for land in lands))


def test_the_map_has_the_tables_columns_levels_and_codes(areas):
    schema.check(pd.DataFrame(areas.drop(columns="geometry")), "areas", "the invented map")
    assert list(areas.columns) == [*schema.AREAS, "geometry"]
    assert areas.crs.to_epsg() == 27700
    assert areas["area_code"].is_unique
    assert set(level(areas, "lad").index) == set(CENSUS)
    assert list(level(areas, "pfa").index) == ["E23000030"]
    assert level(areas, "lsoa").index.str.fullmatch(r"X01\d{6}").all()  # official ones begin with E
    assert level(areas, "msoa").index.str.fullmatch(r"X02\d{6}").all()
    assert level(areas, "lsoa")["name"].is_unique


def test_small_areas_are_about_as_many_as_residents_ask_for(areas):
    lsoas = level(areas, "lsoa")
    assert len(lsoas) == pytest.approx(1_211, abs=5)  # 1,998,300 residents / 1,650
    assert len(level(areas, "msoa")) == pytest.approx(245, abs=10)
    counts = lsoas.groupby("authority_code").size()
    for code, residents in CENSUS.items():
        assert counts[code] == pytest.approx(residents / 1_650, abs=2)
    sizes = lsoas.groupby("parent").size()
    assert sizes.min() >= 3 and sizes.max() <= 10


def test_areas_leave_no_gap_do_not_overlap_and_hang_together(areas):
    assert areas.is_valid.all()
    for name in ("lsoa", "msoa", "lad"):
        shapes = level(areas, name).geometry
        assert shapely.coverage_is_valid(shapes.to_numpy())
        assert shapes.area.sum() == pytest.approx(level(areas, "pfa").geometry.area.sum())
    assert (level(areas, "lsoa").geom_type == "Polygon").all()
    assert (level(areas, "msoa").geom_type == "Polygon").all()
    whole = level(areas, "pfa").geometry.iloc[0]
    assert len(whole.geoms) == 4 and all(not part.interiors for part in whole.geoms)
    split = level(areas, "lad").geometry.geom_type == "MultiPolygon"
    assert set(split.index[split]) == {"E06000044", "E07000090"}  # Portsea Island, Hayling Island
    assert shapely.get_num_coordinates(level(areas, "lsoa").geometry.to_numpy()).mean() <= 60


@pytest.mark.parametrize(("child", "parent"), [("lsoa", "msoa"), ("msoa", "lad"), ("lad", "pfa")])
def test_every_area_is_the_sum_of_the_areas_below_it(areas, child, parent):
    below, above = level(areas, child), level(areas, parent)
    put_together = below.dissolve("parent").geometry
    assert set(put_together.index) == set(above.index)
    assert put_together.symmetric_difference(above.geometry.reindex(put_together.index)).area.max() == 0


def test_harbours_are_water_and_islands_are_land(areas):
    whole, lads = level(areas, "pfa").geometry.iloc[0], level(areas, "lad").geometry
    water = {"Southampton Water": (445_000, 107_500), "Portsmouth Harbour": (461_500, 103_500)}
    water |= {"Langstone Harbour": (469_500, 101_500), "the Solent": (455_000, 97_000), "the Medina": (450_200, 94_500)}
    assert not [name for name, spot in water.items() if whole.covers(shapely.Point(spot))]
    assert lads["E07000090"].covers(shapely.Point(472_000, 100_000))  # Hayling Island
    assert lads["E06000044"].covers(shapely.Point(465_000, 100_000))  # Portsea Island
    assert lads["E06000046"].covers(shapely.Point(450_000, 85_000))  # Isle of Wight


def test_settlements_lie_in_their_own_authority_unless_the_rough_coast_leaves_them_afloat(areas):
    places, lads = demo_geography.settlements(), level(areas, "lad").geometry
    lads_at = lads.sindex.query(shapely.points(places["x"], places["y"]), predicate="within")
    assert (lads.index[lads_at[1]] == places["authority_code"].to_numpy()[lads_at[0]]).all()
    assert lads_at.shape[1] >= 0.97 * len(places)


def test_small_areas_are_small_in_towns_and_large_in_the_country(areas):
    median_km2 = level(areas, "lsoa").groupby("authority_code")["area_km2"].median()
    assert median_km2["E06000044"] < 0.5  # Portsmouth: 208,100 residents on 40 km2 make 0.32 km2 per small area
    largest_km2 = level(areas, "lsoa").groupby("authority_code")["area_km2"].max()
    assert largest_km2["E07000094"] > 20  # the downs around Winchester


def test_names_say_where_an_area_is(areas):
    lsoas = level(areas, "lsoa")
    assert lsoas["name"].str.fullmatch(r".+ \d{3}[A-Z]").all()
    at = lsoas[lsoas.covers(shapely.Point(471_300, 108_000))]  # the middle of Leigh Park, by the list
    assert at["name"].str.startswith("Havant ").all() and list(at["everyday_name"]) == ["Leigh Park"]


def test_the_map_is_the_same_for_a_seed_and_its_authorities_for_every_seed(areas):
    again, other = demo_geography.areas(seed=0), demo_geography.areas(seed=1)
    pd.testing.assert_frame_equal(pd.DataFrame(areas), pd.DataFrame(again))
    moved = level(areas, "lsoa")["area_km2"].describe() != level(other, "lsoa")["area_km2"].describe()
    assert moved.any()
    apart_m = shapely.hausdorff_distance(level(areas, "lad").boundary, level(other, "lad").boundary)
    assert apart_m.max() < 1.5  # corners sit on a 1 m grid, and which ones there are depends on the small areas


def test_residents_of_2021_are_the_census_in_every_authority(areas, population):
    schema.check(population, "population", "the invented residents")
    authority = population["area_code"].map(level(areas, "lsoa")["authority_code"])
    now = population[population["year"] == 2021]
    assert now["population"].groupby(authority).sum().to_dict() == CENSUS
    assert not population.duplicated(["area_code", "year", "age_band5", "sex"]).any()
    assert len(population) == len(level(areas, "lsoa")) * 6 * 19 * 2  # years, age bands, sexes
    assert population["population"].mod(1).eq(0).all()


def test_residents_change_slowly_and_small_areas_stay_near_the_usual_size(population):
    totals = population.groupby("year")["population"].sum()
    assert totals.pct_change().dropna().between(0, 0.012).all()
    sizes = population.groupby(["area_code", "year"])["population"].sum()
    assert sizes.between(1_000, 3_000).all()  # the rule for the official ones
    assert sizes.groupby("area_code").apply(lambda years: years.pct_change().abs().max()).max() < 0.04


def test_the_retirement_coast_is_older_and_the_university_cities_have_more_students(areas, population):
    now = population[population["year"] == 2021]
    authority = now["area_code"].map(level(areas, "lsoa")["authority_code"])
    share = now.groupby([authority, "age_band5"])["population"].sum().unstack()
    share = share.div(share.sum(axis=1), axis=0)
    older = share[["65-69", "70-74", "75-79", "80-84", "85-89", "90+"]].sum(axis=1)
    assert older["E07000091"] > 0.27 and older["E06000045"] < 0.16  # New Forest, Southampton
    assert share["20-24"].nlargest(2).index.isin(["E06000044", "E06000045"]).all()


def test_residents_are_the_same_for_a_seed_and_the_areas_given_are_left_alone(areas, population):
    before = areas.copy()
    pd.testing.assert_frame_equal(population, demo_geography.population(areas, seed=0))
    assert not population.equals(demo_geography.population(areas, seed=1))
    pd.testing.assert_frame_equal(pd.DataFrame(areas), pd.DataFrame(before))


@pytest.mark.real
@pytest.mark.skipif(not REAL.exists(), reason="../shared is not here")
def test_the_invented_authorities_lie_where_the_real_ones_do(areas):
    """Overlap is the shared area over the area of both together; a real small area's point must lie inside its own."""
    import geopandas as gpd

    real = gpd.read_file(REAL, layer="lsoa2021").to_crs(27700)
    real["geometry"] = real.make_valid()
    lads, real_lads = level(areas, "lad").geometry, real.dissolve("LADCD_ACTIVE").geometry
    overlap = lads.intersection(real_lads).area / lads.union(real_lads).area
    assert len(overlap) == 14 and overlap.median() >= 0.75 and overlap.min() >= 0.55

    own = lads.reindex(real["LADCD_ACTIVE"]).reset_index(drop=True)
    right = own.covers(real.representative_point().reset_index(drop=True))
    assert right.mean() >= 0.90
    assert right.groupby(real["LADCD_ACTIVE"].to_numpy()).mean().min() >= 0.80
