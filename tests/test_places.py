"""Places: names kept for schools and stations, never for premises; only what lies on our land. A row is one place."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from data import schema
from data.definitions import Authority, Partnership, partnership
from data.errors import SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.sources import boundaries, files, places

SHARED = Path(__file__).parents[2] / "shared" / "real"
real = [pytest.mark.real, pytest.mark.skipif(not SHARED.exists(), reason="../shared is not here")]

OURS = "E07000091"
PLACE = Partnership("t", "T", "T", (), "t", "E23000030", (4e5, 7e4, 5e5, 1.7e5), (Authority(OURS, "Ours", 0),))


def geography() -> Geography:
    """One small area: the square from 440000, 110000 to 450000, 120000. Southampton's Bargate lies in it."""
    areas = pd.DataFrame({"area_code": ["E01000001"], "area_level": "lsoa", "name": "", "parent": OURS})
    areas = areas.assign(authority_code=OURS, vintage="2021", area_km2=100.0, x=445000.0, y=115000.0, feed_id="b")
    areas["geometry"] = [shapely.box(440000, 110000, 450000, 120000)]
    none, known, postcodes = (schema.typed(pd.DataFrame(), t) for t in ("areas", "lookups", "postcodes"))
    return Geography(schema.typed(areas, "areas"), none, none, known, postcodes, PLACE.box, ())


def tidied(path: Path) -> pd.DataFrame:
    (piece,) = files.pieces([path], places.SUFFIXES)
    return places.tidy(places.read(piece))


def loaded(path: Path, held: Geography | None = None, place: Partnership = PLACE) -> pd.DataFrame:
    """The file through read, tidy and localise."""
    return places.localise(tidied(path), held or geography(), place)


def written(tmp_path: Path, header: str, *rows: str) -> Path:
    path = tmp_path / "places.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


# The Bargate, Southampton: 50.9026 N, 1.4043 W is 441970, 111680 on the national grid (to about 50 m, from a map).
BARGATE = "50.9026,-1.4043"


def test_a_school_keeps_its_name_and_finds_its_small_area(tmp_path):
    row = loaded(written(tmp_path, "EstablishmentName,Lat,Lng", f"Test School,{BARGATE}")).iloc[0]
    assert (row["kind"], row["name"], row["problem"]) == ("school", "Test School", "")
    assert (row["area_code"], row["authority_code"]) == ("E01000001", OURS)
    assert np.hypot(row["x"] - 441970, row["y"] - 111680) < 100


@pytest.mark.parametrize(
    ("header", "line", "kind", "name"),
    [
        ("Station Name,lat,lng", f"Central,{BARGATE}", "station", "Central"),
        ("Station Name,lat,long", f"Central,{BARGATE}", "station", "Central"),
        ("hospital22_name,latitude,longitude", f"General,{BARGATE}", "hospital", "General"),
        ("OrganisationName,Latitude,Longitude", f"Somebody's,{BARGATE}", "pharmacy", "Pharmacy"),
        ("EstablishmentName,Easting,Northing", "Test School,441970,111680", "school", "Test School"),
        ("kind,name,easting,northing", "town,Totton,441970,111680", "town", "Totton"),
        ("kind,name,lat,lon", f"Licensed,The Anchor,{BARGATE}", "licensed", "Licensed premises"),
    ],
)
def test_each_publisher_is_known_by_its_headings(tmp_path, header, line, kind, name):
    row = loaded(written(tmp_path, header, line)).iloc[0]
    assert (row["kind"], row["name"], row["problem"], row["area_code"]) == (kind, name, "", "E01000001")


HYGIENE = "FHRSID,BusinessName,BusinessType,AddressLine1,LocalAuthorityCode,Geocode/Latitude,Geocode/Longitude"


def test_premises_are_known_by_type_alone_and_their_names_are_not_even_read(tmp_path):
    path = written(
        tmp_path,
        HYGIENE,
        f"7061,The Anchor,Pub/bar/nightclub,1 High Street,877,{BARGATE}",
        f"7062,Mr Chips,Takeaway/sandwich shop,2 High Street,877,{BARGATE}",
        f"7063,Anna's,Restaurant/Cafe/Canteen,3 High Street,877,{BARGATE}",  # not a type that is held
        "7064,The Lost,Pub/bar/nightclub,4 High Street,877,,",  # its place is not published
    )
    rows = loaded(path)
    assert rows["problem"].tolist() == ["", "", places.OTHER_TYPE, places.NO_POINT]
    assert rows["name"].tolist()[:2] == ["Pub, bar or nightclub", "Takeaway"]
    assert set(rows["feed_id"]) == {"places:premises_877"}  # another authority's file replaces nothing of this one
    (piece,) = files.pieces([path], places.SUFFIXES)
    everything = places.read(piece).to_csv() + rows.to_csv()
    assert not any(told in everything for told in ("Anchor", "Chips", "High Street", "7061"))


def test_types_not_held_and_places_not_published_are_counted_and_no_fault(tmp_path):
    assert {places.OTHER_TYPE, places.NO_POINT, places.CLOSED} <= set(places.NOT_FAULTS)


def test_what_cannot_be_used_says_why(tmp_path):
    path = written(
        tmp_path,
        "kind,name,easting,northing",
        "school,Good,441970,111680",
        "castle,Keep,441970,111680",  # not a kind that is held
        "school,,441970,111680",  # no name
        "school,Nowhere,0,0",  # two zeros are no place
        "school,Words,here,there",
        "school,Far,300000,500000",  # not on our land
    )
    reasons = ["", places.BAD_KIND, places.NO_NAME, places.NO_POINT, places.NO_POINT, OUTSIDE]
    assert loaded(path)["problem"].tolist() == reasons


def test_schools_that_have_closed_are_left_out(tmp_path):
    header = "EstablishmentName,EstablishmentStatus (name),Easting,Northing"
    lines = ["One,Open,441970,111680", "Two,Closed,441970,111680", 'Three,"Open, but proposed to close",441970,111680']
    assert loaded(written(tmp_path, header, *lines))["problem"].tolist() == ["", places.CLOSED, ""]


def test_numbers_of_places_stay_the_same_in_another_order_and_differ_within_one_spot(tmp_path):
    lines = ["licensed,a,441970,111680", "licensed,b,441970,111680", "school,c,441970,111680"]
    first = loaded(written(tmp_path, "kind,name,easting,northing", *lines))
    again = loaded(written(tmp_path, "kind,name,easting,northing", *lines[::-1]))
    assert first["place_id"].is_unique
    assert set(first["place_id"]) == set(again["place_id"])
    schema.check(schema.typed(first, "places"), "places", "test")


def test_inputs_are_left_as_they_were(tmp_path):
    rows = tidied(written(tmp_path, "EstablishmentName,Lat,Lng", f"Test School,{BARGATE}"))
    before = rows.copy(deep=True)
    places.localise(rows, geography(), PLACE)
    pd.testing.assert_frame_equal(rows, before)


def test_without_boundaries_it_says_what_to_load_first(tmp_path):
    held = geography()
    none = schema.typed(pd.DataFrame(), "areas")
    empty = Geography(none, none, none, held.lookups, held.postcodes, PLACE.box, ())
    with pytest.raises(SourceProblem, match="Load boundaries first"):
        loaded(written(tmp_path, "EstablishmentName,Lat,Lng", f"Test School,{BARGATE}"), empty)


def test_an_empty_table_gives_no_rows_and_a_wrong_one_is_refused(tmp_path):
    assert loaded(written(tmp_path, "Station Name,lat,lng")).empty
    with pytest.raises(SourceProblem, match="not columns of places") as refusal:
        tidied(written(tmp_path, "Latitude,Longitude,colour", f"{BARGATE},blue"))
    assert "blue" not in str(refusal.value)


@pytest.fixture(scope="module")
def hampshire() -> Geography:
    """The study area's small areas."""
    held = geography()
    (piece,) = files.pieces([SHARED / "geography" / "hiow_boundaries_bgc.gpkg"], boundaries.SUFFIXES)
    areas = boundaries.localise(boundaries.tidy(boundaries.read(piece)), held, partnership())
    areas = schema.typed(areas[(areas["problem"] == "") & (areas["area_level"] == "lsoa")], "areas")
    return Geography(areas.reset_index(drop=True), *[held.msoas] * 2, held.lookups, held.postcodes, PLACE.box, ())


class TestReal:
    pytestmark = real

    @pytest.mark.parametrize(
        ("file", "lines", "kind"),
        [
            ("poi/UKSchools.csv.gz", 26399, "school"),  # lines as counted in ../shared/real/README.md
            ("poi/UKRailStations.csv", 2533, "station"),
            ("poi/Pharmacy.csv.gz", 11764, "pharmacy"),
            ("health/points_hospitals22.csv", 1061, "hospital"),
        ],
    )
    def test_each_published_file_loads_and_what_is_kept_lies_in_our_authorities(self, hampshire, file, lines, kind):
        rows = loaded(SHARED / file, hampshire, partnership())
        assert len(rows) == lines
        kept = schema.typed(rows[rows["problem"] == ""], "places")
        schema.check(kept, "places", file)
        assert set(kept["kind"]) == {kind}
        assert set(kept["authority_code"]) <= set(partnership().codes)
        # by another way: inside the union of the small areas
        land = shapely.union_all(hampshire.lsoas["geometry"].to_numpy())
        inside = shapely.intersects_xy(land, rows["x"].fillna(0).to_numpy(), rows["y"].fillna(0).to_numpy())
        assert len(kept) == inside.sum() > 0

    def test_southamptons_pubs_and_takeaways_are_counted_as_published(self, hampshire):
        # ../shared/real/README.md: 971 premises, of which 165 are pubs, bars or nightclubs and 181 takeaways
        rows = loaded(SHARED / "poi" / "foodRatings.csv", hampshire, partnership())
        assert len(rows) == 971
        held = rows[rows["problem"] != places.OTHER_TYPE]
        assert held["name"].value_counts().to_dict() == {"Takeaway": 181, "Pub, bar or nightclub": 165}
        kept = rows[rows["problem"] == ""]
        assert kept["authority_code"].value_counts(normalize=True)["E06000045"] > 0.99
