"""Boundaries: levels and editions told apart, shapes mended, authorities and parents found. A row is one area."""

import time
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from data import schema
from data.definitions import Authority, Partnership, partnership
from data.errors import SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.sources import boundaries, files, lookups

REAL = Path(__file__).parents[2] / "shared" / "real" / "geography"
real = [pytest.mark.real, pytest.mark.skipif(not REAL.exists(), reason="../shared is not here")]

OURS, THEIRS = "E07000091", "E07000049"
PLACE = Partnership(
    "test", "Test", "Test", ("Test Police",), "test", "E23000030", (4e5, 7e4, 5e5, 1.7e5), (Authority(OURS, "Ours", 0),)
)


def square(east: float, north: float, side: float = 1000) -> shapely.Polygon:
    """A square on the national grid by its south-west corner, 1 km a side."""
    return shapely.box(east, north, east + side, north + side)


# A bow tie crosses itself: two triangles of 0.25 km2 that meet in the middle, so 0.5 km2 once mended.
BOW_TIE = shapely.Polygon([(440000, 110000), (441000, 111000), (441000, 110000), (440000, 111000)])


def nowhere(**held: pd.DataFrame) -> Geography:
    """A geography with nothing in it but what is named."""
    tables = {t: schema.typed(pd.DataFrame(), t) for t in ("areas", "lookups", "postcodes")}
    given = {"lsoas": tables["areas"], "msoas": tables["areas"], "lads": tables["areas"], "lookups": tables["lookups"]}
    return Geography(**given | held, postcodes=tables["postcodes"], box=PLACE.box, forces=PLACE.forces)


def pairs(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Rows of `lookups`: kind, from, to, name."""
    return schema.typed(pd.DataFrame(rows, columns=["kind", "from_code", "to_code", "name"]), "lookups")


def written(tmp_path: Path, name: str, layer: str = "layer", crs: int | None = 27700, **columns: list) -> Path:
    """A file of shapes; `columns` holds at least `geometry`."""
    frame = gpd.GeoDataFrame(columns, geometry="geometry", crs=crs)
    path = tmp_path / name
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, **({"layer": layer} if path.suffix == ".gpkg" else {}))
    return path


def loaded(path: Path, geography: Geography | None = None, place: Partnership = PLACE) -> pd.DataFrame:
    """The file through read, tidy and localise."""
    (piece,) = files.pieces([path], boundaries.SUFFIXES)
    return boundaries.localise(boundaries.tidy(boundaries.read(piece)), geography or nowhere(), place)


def tidied(path: Path) -> pd.DataFrame:
    (piece,) = files.pieces([path], boundaries.SUFFIXES)
    return boundaries.tidy(boundaries.read(piece))


@pytest.mark.parametrize(
    ("header", "code", "level", "vintage"),
    [
        ("LSOA21CD", "E01000001", "lsoa", "2021"),  # as the Office for National Statistics writes it
        ("lsoa21_code", "E01000001", "lsoa", "2021"),  # as tidied copies do
        ("LSOA11CD", "E01000001", "lsoa", "2011"),
        ("MSOA21CD", "E02000001", "msoa", "2021"),
        ("WD25CD", "E05000001", "ward", "2025"),
        ("LAD24CD", OURS, "lad", "2024"),
        ("ltla24_code", OURS, "lad", "2024"),
        ("PFA23CD", "E23000030", "pfa", "2023"),
        ("AREACD", OURS, "lad", "undated"),  # a general header: the level comes off the code, the year off nothing
    ],
)
def test_level_and_edition_come_from_the_header(tmp_path, header, code, level, vintage):
    path = written(tmp_path, "shapes.geojson", **{header: [code], "geometry": [square(440000, 110000)]})
    row = tidied(path).iloc[0]
    assert (row["area_level"], row["vintage"], row["area_code"]) == (level, vintage, code)


def test_a_general_header_on_small_areas_is_refused_because_editions_share_most_codes(tmp_path):
    path = written(tmp_path, "shapes.geojson", AREACD=["E01000001"], geometry=[square(440000, 110000)])
    with pytest.raises(SourceProblem, match="of which year these small areas are") as refusal:
        tidied(path)
    assert "E01000001" not in str(refusal.value)


def test_the_year_of_small_areas_may_stand_in_the_name_of_the_file(tmp_path):
    path = written(tmp_path, "lsoa2021_test.geojson", AREACD=["E01000001"], geometry=[square(440000, 110000)])
    assert tidied(path)["vintage"].tolist() == ["2021"]


def test_a_file_without_codes_is_refused(tmp_path):
    path = written(tmp_path, "shapes.geojson", colour=["blue"], geometry=[square(440000, 110000)])
    with pytest.raises(SourceProblem, match="no column of area codes"):
        tidied(path)


def test_a_file_that_is_not_what_its_ending_says_is_refused(tmp_path):
    path = tmp_path / "shapes.geojson"
    path.write_bytes(b"<OGRVRTDataSource></OGRVRTDataSource>")
    with pytest.raises(SourceProblem, match="not what the ending"):
        tidied(path)


def test_a_cut_off_file_is_refused_without_a_traceback_of_the_reader(tmp_path):
    path = tmp_path / "shapes.geojson"
    path.write_bytes(b'{"type": "FeatureCollection", "features": [')
    with pytest.raises(SourceProblem, match="cannot be read as shapes"):
        tidied(path)


@pytest.mark.parametrize("name", ["shapes.gpkg", "shapes.geojson", "shapes.parquet", "shapes.shp"])
def test_every_format_gives_the_same_area(tmp_path, name):
    path = written(tmp_path, name, LSOA21CD=["E01000001"], LSOA21NM=["Test 001A"], geometry=[square(440000, 110000)])
    row = tidied(path).iloc[0]
    assert row["name"] == "Test 001A"
    assert row["area_km2"] == pytest.approx(1, rel=1e-4)  # a square kilometre; GeoJSON goes through degrees and back
    assert (row["x"], row["y"]) == pytest.approx((440500, 110500), abs=5)


def test_a_zipped_shapefile_and_zipped_geojson_are_read_where_they_lie(tmp_path):
    shapefile = written(tmp_path, "shapes.shp", PFA23CD=["E23000030"], geometry=[square(440000, 110000)])
    geojson = written(tmp_path, "more.geojson", PFA23CD=["E23000031"], geometry=[square(440000, 110000)])
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for part in sorted(tmp_path.glob("shapes.*")):
            archive.write(part, f"folder/{part.name}")
        archive.write(geojson, geojson.name)
    assert shapefile.exists()
    assert sorted(tidied(tmp_path / "all.zip")["area_code"]) == ["E23000030", "E23000031"]


def test_degrees_without_a_system_are_taken_for_wgs84_and_other_numbers_refused(tmp_path):
    degrees = gpd.GeoSeries([square(440000, 110000)], crs=27700).to_crs(4326).tolist()
    path = written(tmp_path, "shapes.parquet", crs=None, LAD24CD=[OURS], geometry=degrees)
    assert tidied(path)["x"].iloc[0] == pytest.approx(440500, abs=5)
    path = written(tmp_path, "mercator.parquet", crs=None, LAD24CD=[OURS], geometry=[square(-150000, 6600000)])
    with pytest.raises(SourceProblem, match="in which coordinates"):
        tidied(path)


def test_a_shape_that_crosses_itself_is_mended_and_counted(tmp_path):
    path = written(tmp_path, "shapes.gpkg", LAD24CD=[OURS], geometry=[BOW_TIE])
    rows = tidied(path)
    assert rows.attrs["repaired"] == 1
    assert rows["geometry"].iloc[0].is_valid
    assert rows["area_km2"].iloc[0] == pytest.approx(0.5)


def test_what_cannot_be_used_says_why(tmp_path):
    path = written(
        tmp_path,
        "shapes.gpkg",
        LSOA21CD=["E01000001", "E01000001", "E02000001", "E01000003"],
        # the first is good; the second repeats it; the third is a neighbourhood's code; the last has no shape
        geometry=[square(440000, 110000), square(440000, 110000), square(441000, 110000), None],
    )
    assert tidied(path)["problem"].tolist() == ["", boundaries.REPEATED, boundaries.BAD_CODE, boundaries.NO_SHAPE]


def test_older_small_areas_are_set_aside_and_not_called_a_fault(tmp_path):
    path = written(tmp_path, "shapes.gpkg", layer="old", LSOA11CD=["E01000001"], geometry=[square(440000, 110000)])
    gpd.GeoDataFrame({"LSOA21CD": ["E01000001"]}, geometry=[square(440000, 110000)], crs=27700).to_file(
        path, layer="new"
    )
    rows = tidied(path).set_index("vintage")
    assert rows["problem"].to_dict() == {"2011": boundaries.OLDER, "2021": ""}
    assert boundaries.OLDER in boundaries.NOT_FAULTS


def test_the_authority_in_the_file_is_believed_and_the_active_code_first(tmp_path):
    path = written(
        tmp_path,
        "shapes.gpkg",
        LSOA21CD=["E01000001", "E01000002"],
        LADCD=["E07000099", THEIRS],  # the first authority has been renumbered since
        LADCD_ACTIVE=[OURS, THEIRS],
        geometry=[square(440000, 110000), square(441000, 110000)],
    )
    rows = loaded(path)
    assert rows["authority_code"].tolist() == [OURS, THEIRS]
    assert rows["problem"].tolist() == ["", OUTSIDE]


def test_without_an_authority_in_the_file_the_lookup_says_and_what_it_lacks_is_outside(tmp_path):
    two = {"LSOA21CD": ["E01000001", "E01000002"], "geometry": [square(440000, 110000), square(441000, 110000)]}
    rows = loaded(
        written(tmp_path, "shapes.gpkg", **two), nowhere(lookups=pairs(("lsoa_lad", "E01000001", OURS, "Ours")))
    )
    assert rows["problem"].tolist() == ["", OUTSIDE]


def test_without_a_lookup_the_authority_that_covers_half_an_area_has_it(tmp_path):
    # the authority covers x 440000 to 441600: all of the first area, 60% of the second, none of the third
    authority = written(tmp_path, "lad.gpkg", LAD24CD=[OURS], geometry=[shapely.box(440000, 110000, 441600, 111000)])
    lads = schema.typed(loaded(authority), "areas")
    east = [440000, 441000, 442000]
    codes = ["E01000001", "E01000002", "E01000003"]
    areas = written(tmp_path, "lsoa.gpkg", LSOA21CD=codes, geometry=[square(x, 110000) for x in east])
    assert loaded(areas, nowhere(lads=lads))["problem"].tolist() == ["", "", OUTSIDE]


def test_where_nothing_can_say_the_authority_the_file_is_refused(tmp_path):
    path = written(tmp_path, "shapes.gpkg", LSOA21CD=["E01000001"], geometry=[square(440000, 110000)])
    with pytest.raises(SourceProblem, match=r"in which authority an area lies.*1 row"):
        loaded(path)


def test_of_force_areas_only_the_partnerships_own_is_kept(tmp_path):
    shapes = [square(440000, 110000), square(441000, 110000)]
    path = written(tmp_path, "shapes.gpkg", PFA23CD=["E23000030", "E23000001"], geometry=shapes)
    assert loaded(path)["problem"].tolist() == ["", OUTSIDE]


def two_levels(tmp_path: Path) -> Path:
    """Two small areas, each in its neighbourhood of the same size; all in one authority."""
    path = tmp_path / "both.gpkg"
    for layer, header, codes in (
        ("lsoa", "LSOA21CD", ["E01000001", "E01000002"]),
        ("msoa", "MSOA21CD", ["E02000001", "E02000002"]),
    ):
        shapes = [square(440000, 110000), square(441000, 110000)]
        frame = gpd.GeoDataFrame({header: codes, "LADCD_ACTIVE": OURS}, geometry=shapes, crs=27700)
        frame.to_file(path, layer=layer)
    return path


def test_a_small_areas_parent_is_the_neighbourhood_its_centre_lies_in(tmp_path):
    rows = loaded(two_levels(tmp_path)).set_index("area_code")
    assert rows["parent"].to_dict() == {
        "E01000001": "E02000001",
        "E01000002": "E02000002",
        "E02000001": OURS,  # a neighbourhood's parent is its authority
        "E02000002": OURS,
    }


def test_the_lookup_goes_before_the_centre_unless_it_names_a_neighbourhood_not_held(tmp_path):
    known = pairs(
        ("lsoa_msoa", "E01000001", "E02000002", ""),  # the lookup overrules where the centre lies
        ("lsoa_msoa", "E01000002", "E02999999", ""),  # of an older edition: its neighbourhood is not held
    )
    rows = loaded(two_levels(tmp_path), nowhere(lookups=known)).set_index("area_code")
    assert rows.loc["E01000001", "parent"] == "E02000002"
    assert rows.loc["E01000002", "parent"] == "E02000002"


def test_without_neighbourhoods_the_parent_is_the_authority(tmp_path):
    path = written(tmp_path, "l.gpkg", LSOA21CD=["E01000001"], LAD24CD=[OURS], geometry=[square(440000, 110000)])
    assert loaded(path)["parent"].tolist() == [OURS]


def test_neighbourhoods_get_their_everyday_names_and_authorities_their_force(tmp_path):
    known = pairs(("msoa_name", "E02000001", "E02000001", "Hillside"), ("lad_pfa", OURS, "E23000030", ""))
    rows = loaded(two_levels(tmp_path), nowhere(lookups=known)).set_index("area_code")
    assert rows["everyday_name"].dropna().to_dict() == {"E02000001": "Hillside"}
    whole = boundaries.completed(schema.typed(rows.reset_index(), "areas"), known, PLACE).set_index("area_code")
    assert whole.loc[OURS, "parent"] == "E23000030"


def test_authorities_without_a_shape_are_made_of_their_small_areas(tmp_path):
    held = schema.typed(loaded(two_levels(tmp_path)), "areas")
    before = held.copy(deep=True)
    whole = boundaries.completed(held, pairs(), PLACE)
    made = whole[whole["area_level"] == "lad"].iloc[0]
    assert (made["area_code"], made["name"], made["feed_id"]) == (OURS, "Ours", boundaries.DISSOLVED)
    assert made["area_km2"] == pytest.approx(2)  # two squares of 1 km2 side by side
    assert made["geometry"].equals(shapely.box(440000, 110000, 442000, 111000))
    pd.testing.assert_frame_equal(held, before)


@pytest.mark.parametrize(
    ("side", "held_km2"),
    [
        (
            1500,
            2.0,
        ),  # four corners around 2.25 km2: takes the outline of its small areas, 2 km2 of it
        (1700, 2.89),  # its small areas cover less than four fifths: not all of them are held, so it keeps its own
    ],
)
def test_an_authority_is_one_row_and_as_finely_drawn_as_its_small_areas(tmp_path, side, held_km2):
    held = boundaries.completed(schema.typed(loaded(two_levels(tmp_path)), "areas"), pairs(), PLACE)
    published = written(tmp_path, "lad.gpkg", LAD20CD=[OURS], geometry=[square(440000, 110000, side)])
    both = pd.concat([held, schema.typed(loaded(published), "areas")])
    before = both.copy(deep=True)
    whole = boundaries.completed(both, pairs(), PLACE)
    assert whole.loc[whole["area_level"] == "lad", "area_km2"].tolist() == pytest.approx([held_km2])
    again = boundaries.completed(whole, pairs(), PLACE)  # completing twice changes nothing
    assert again.loc[again["area_level"] == "lad", "area_km2"].tolist() == pytest.approx([held_km2])
    pd.testing.assert_frame_equal(both, before)


def test_of_two_editions_the_newest_of_each_authority_is_kept(tmp_path):
    old = written(tmp_path, "w24.gpkg", WD24CD=["E05000001"], LAD24CD=[OURS], geometry=[square(440000, 110000)])
    new = written(tmp_path, "w25.gpkg", WD25CD=["E05000002"], LAD25CD=[OURS], geometry=[square(440000, 110000)])
    both = schema.typed(pd.concat([loaded(new), loaded(old)]), "areas")
    assert boundaries.completed(both, pairs(), PLACE)["area_code"].tolist() == ["E05000002"]


def test_small_areas_that_overlap_a_little_dissolve_into_the_land_they_cover(tmp_path):
    """As generalised ones do. Two squares of 1 km that overlap by 10 m: 2 - 0.01 km2."""
    shapes = [square(440000, 110000), square(440990, 110000)]
    path = written(tmp_path, "l.gpkg", LSOA21CD=["E01000001", "E01000002"], LAD24CD=[OURS, OURS], geometry=shapes)
    assert boundaries.dissolve_authorities(loaded(path))["area_km2"].tolist() == pytest.approx([1.99])


def test_nothing_to_dissolve_gives_no_rows():
    assert boundaries.dissolve_authorities(schema.typed(pd.DataFrame(), "areas")).empty


def test_what_localise_gives_fits_the_table(tmp_path):
    rows = loaded(two_levels(tmp_path))
    schema.check(schema.typed(rows[rows["problem"] == ""], "areas"), "areas", "test")


# ------------------------------------------------------------------------------------------------ real files


def counts(rows: pd.DataFrame) -> dict[str, int]:
    return rows[rows["problem"] == ""].groupby("area_level").size().to_dict()


@pytest.fixture(scope="module")
def hampshire() -> pd.DataFrame:
    return loaded(REAL / "hiow_boundaries_bgc.gpkg", place=partnership())


class TestReal:
    pytestmark = real

    # ../shared/real/README.md: 1,231 and 247 small areas and neighbourhoods of 2021, 1,194 and 243 of 2011, 261 wards
    def test_the_study_areas_geopackage_has_the_counts_published_with_it(self, hampshire):
        assert counts(hampshire) == {"lsoa": 1231, "msoa": 247, "ward": 261}
        older = hampshire[hampshire["problem"] == boundaries.OLDER].groupby("area_level").size().to_dict()
        assert older == {"lsoa": 1194, "msoa": 243}
        assert hampshire.attrs["repaired"] == 1  # "Isle of Wight 013A", kept invalid on purpose
        assert hampshire.loc[hampshire["problem"] == "", "geometry"].map(lambda shape: shape.is_valid).all()

    def test_zipped_geojson_files_give_the_same_areas_as_the_geopackage(self, hampshire):
        zipped = loaded(REAL / "ons_boundaries_bgc_hiow_geojson.zip", place=partnership())
        key = ["area_level", "vintage", "area_code"]
        assert sorted(map(tuple, zipped[key].to_numpy())) == sorted(map(tuple, hampshire[key].to_numpy()))

    def test_every_small_area_finds_its_neighbourhood_and_the_names_agree(self, hampshire):
        # a name such as "Portsmouth 012A" begins with that of its neighbourhood, "Portsmouth 012"
        kept = hampshire[hampshire["problem"] == ""]
        names = kept[kept["area_level"] == "msoa"].set_index("area_code")["name"]
        small = kept[kept["area_level"] == "lsoa"]
        assert small["parent"].nunique() == 247
        assert (small["name"].str[:-1] == small["parent"].map(names)).all()

    def test_dissolved_authorities_cover_what_the_small_areas_cover(self, hampshire):
        small = hampshire[(hampshire["problem"] == "") & (hampshire["area_level"] == "lsoa")]
        made = boundaries.dissolve_authorities(small)
        assert sorted(made["area_code"]) == sorted(partnership().codes)
        assert made["geometry"].map(lambda shape: shape.is_valid).all()
        # the exact union, by another way, has the same area: no gap or overlap was made
        assert made["area_km2"].sum() == pytest.approx(
            shapely.union_all(small["geometry"].to_numpy()).area / 1e6, rel=1e-6
        )

    @pytest.mark.parametrize(
        ("file", "level", "ours", "all_of_them"),
        [
            ("lad2024_uk_ultra_generalised.gpkg", "lad", 14, 361),
            ("geogLA2021UK.topojson", "lad", 14, 374),
            ("hampshire-districts.geojson", "lad", 11, 11),
            ("pfa2020_ew_ultra_generalised.gpkg", "pfa", 1, 43),
            ("PFA_DEC_2023_EW_BUC_shp.zip", "pfa", 1, 43),
            ("lsoa2021_bgc_E06000044_portsmouth.geojson", "lsoa", 125, 125),
        ],
    )
    def test_each_published_file_loads_and_keeps_what_is_ours(self, file, level, ours, all_of_them):
        rows = loaded(REAL / file, place=partnership())
        assert len(rows) == all_of_them
        assert counts(rows) == {level: ours}
        schema.check(schema.typed(rows[rows["problem"] == ""], "areas"), "areas", file)

    def test_the_small_areas_of_england_and_wales_load_in_seconds_and_the_lookup_finds_ours(self, hampshire):
        (piece,) = files.pieces([REAL / "lookup_lsoa11_lsoa21_ltla22.csv.gz"], lookups.SUFFIXES)
        found = lookups.localise(lookups.tidy(lookups.read(piece)), nowhere(), partnership())
        held = nowhere(lookups=schema.typed(found[found["problem"] == ""], "lookups"))
        start = time.perf_counter()
        rows = loaded(REAL / "lsoa2021_ew_ultra_generalised.parquet", held, partnership())
        assert time.perf_counter() - start < 20  # about 1 s alone; the machine may be busy
        assert len(rows) == 35672
        kept = hampshire[(hampshire["problem"] == "") & (hampshire["area_level"] == "lsoa")]
        assert set(rows.loc[rows["problem"] == "", "area_code"]) == set(kept["area_code"])
