"""Where a record lies, as the areas of today know it: the code in the file first, then its point. Map: see conftest."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import (
    AUTHORITY,
    CENTRE,
    E2,
    EAST,
    FORCE,
    M2,
    M3,
    OLD_MERGED,
    OLD_SPLIT,
    OTHER_FORCE,
    SIDE,
    W1,
    W2,
    W3,
    W4,
    WEST,
    X0,
    Y0,
)

from data import definitions, harmonise, ingest, schema
from data.sources import boundaries, files, lookups, police_uk
from data.sources.files import Piece

TOP, MIDDLE = Y0 + 2 * SIDE, X0 + SIDE  # the north edge; the line between W3 and W4
FOUND = ["lsoa_code", "msoa_code", "authority_code", "problem", "precision", "unresolved"]


def row(code: str | None = None, at: tuple[float, float] | None = None, **more: object) -> dict[str, object]:
    x, y = at or (np.nan, np.nan)
    basis = {"precision": "exact" if at else "none", "problem": "", "reported_by": FORCE}
    return {"lsoa_code": code, "easting": x, "northing": y, **basis, **more}


def placed(geography: harmonise.Geography, *rows: dict[str, object]) -> pd.DataFrame:
    return harmonise.placed(pd.DataFrame(rows).astype({"lsoa_code": "str"}), geography)


def one(geography: harmonise.Geography, *args: object, **more: object) -> dict[str, object]:
    found = placed(geography, row(*args, **more)).iloc[0]
    return {name: None if pd.isna(found[name]) else found[name] for name in FOUND}


def test_a_code_of_today_is_kept_with_its_neighbourhood_and_authority(marches) -> None:
    assert one(marches, W4, CENTRE[W4]) == {
        "lsoa_code": W4,
        "msoa_code": M2,
        "authority_code": WEST,
        "problem": "",
        "precision": "exact",
        "unresolved": False,
    }


def test_a_code_is_believed_before_the_point(marches) -> None:
    assert one(marches, W1, CENTRE[W2])["lsoa_code"] == W1  # published points are moved to streets


def test_without_a_code_the_point_decides(marches) -> None:
    found = placed(marches, *[row(None, CENTRE[code]) for code in AUTHORITY])
    assert found["lsoa_code"].tolist() == list(AUTHORITY)
    assert found["authority_code"].tolist() == list(AUTHORITY.values())


@pytest.mark.parametrize("old", OLD_MERGED)
def test_areas_that_were_merged_become_the_one_they_make_up(marches, old: str) -> None:
    found = one(marches, old)
    assert (found["lsoa_code"], found["msoa_code"], found["authority_code"]) == (E2, M3, EAST)
    assert found["problem"] == "" and not found["unresolved"]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (CENTRE[W3], W3),
        (CENTRE[W4], W4),
        ((MIDDLE - 1, TOP - 10), W3),
        ((MIDDLE + 1, TOP - 10), W4),
        ((MIDDLE + 1, TOP + harmonise.NEAREST_M - 1), W4),  # on a road along the edge: the part it is nearest to
        ((MIDDLE + 1, TOP + harmonise.NEAREST_M + 1), None),  # too far from both
        (CENTRE[E2], None),
        (None, None),
    ],
)
def test_an_area_that_was_split_is_settled_by_the_point(marches, at, code: str | None) -> None:
    found = one(marches, OLD_SPLIT, at)
    assert found["lsoa_code"] == code
    assert found["unresolved"] == (code is None)
    assert found["problem"] == ""  # what stays unresolved is kept, and counted
    assert found["authority_code"] == WEST  # both parts lie in it, whichever it is


def test_rows_elsewhere_are_told_apart_from_rows_without_a_place(marches) -> None:
    found = placed(
        marches,
        row("E01999999"),  # a code of another area
        row("E01999999", CENTRE[W1]),  # even where its point was moved into ours
        row(None, (X0 - 500, Y0)),  # a point beside the area
        row(None, (300_000, 100_000)),  # a point outside the box
        row(None, None),  # no place, reported by our force
        row(None, None, reported_by=OTHER_FORCE),
        row(W1, None, reported_by=OTHER_FORCE),  # placed in our area, whoever reported it
    )
    away, elsewhere = harmonise.OUTSIDE, harmonise.ELSEWHERE
    assert found["problem"].tolist() == [away, away, away, away, "", elsewhere, ""]


def test_a_point_beyond_the_box_is_dropped_where_the_code_is_ours(marches) -> None:
    found = placed(marches, row(W1, (300_000, 100_000))).iloc[0]
    assert found["problem"] == "" and found["lsoa_code"] == W1
    assert found[["easting", "northing", "lon", "lat"]].isna().all()
    assert found["precision"] == "lsoa"


@pytest.mark.parametrize("lon", [np.inf, 400.0, -1.4])
def test_coordinates_that_lie_nowhere_are_outside_and_stop_nothing(marches, lon: float) -> None:
    rows = pd.DataFrame({"lon": [lon], "lat": [95.0], "precision": "snap", "problem": "", "reported_by": FORCE})
    assert harmonise.placed(rows, marches)["problem"].tolist() == [harmonise.OUTSIDE]


def test_precision_says_what_is_known_of_the_place(marches) -> None:
    told = [row(W1, CENTRE[W1]), row(W1), row(None), row(None, CENTRE[W1], precision="snap"), row(OLD_SPLIT)]
    assert placed(marches, *told)["precision"].tolist() == ["exact", "lsoa", "none", "snap", "lad"]


def test_a_source_that_names_no_force_keeps_its_rows_without_a_place(marches) -> None:
    rows = pd.DataFrame({"precision": ["none"], "problem": [""]})
    assert harmonise.placed(rows, marches)["problem"].tolist() == [""]


def test_an_authority_that_is_given_stays_where_no_small_area_is_known(marches) -> None:
    found = placed(marches, row(None, None, authority_code=EAST), row(W1, None, authority_code=EAST))
    assert found["authority_code"].tolist() == [EAST, WEST]
    assert found["problem"].tolist() == ["", ""]


def test_a_postcode_gives_the_point_and_is_dropped(marches) -> None:
    known = pd.DataFrame({"postcode": ["ZZ11ZZ"], "easting": [CENTRE[W2][0]], "northing": [CENTRE[W2][1]]})
    here = dataclasses.replace(marches, postcodes=known.assign(feed_id="codepoint"))
    rows = [row(None, None, postcode="zz1 1zz"), row(None, CENTRE[W1], postcode="ZZ1 1ZZ"), row(None, postcode="")]
    found = placed(here, *rows)
    assert found["lsoa_code"].tolist()[:2] == [W2, W1]  # a point that is given comes first
    assert pd.isna(found["lsoa_code"].iat[2])
    assert found["precision"].tolist() == ["address", "exact", "none"]
    assert "postcode" not in found


def test_both_systems_of_coordinates_agree(marches) -> None:
    # TG 51409 13177, the worked example of Ordnance Survey's guide to coordinate systems, is 52.65798 N, 1.71605 E
    # on WGS84 (movable-type.co.uk/scripts/latlong-os-gridref.html); five metres allowed between transformations
    x, y = harmonise.to_metres(pd.Series([1.71605]), pd.Series([52.65798]))[0]
    assert (x, y) == pytest.approx((651_409, 313_177), abs=5)
    lon, lat = harmonise.to_degrees(pd.Series([x]), pd.Series([y]))[0]
    assert (lon, lat) == pytest.approx((1.71605, 52.65798), abs=1e-6)
    assert harmonise.to_metres(pd.Series([], dtype=float), pd.Series([], dtype=float)).shape == (0, 2)
    found = placed(marches, row(None, CENTRE[W1]))
    back = harmonise.to_metres(found["lon"], found["lat"])[0]
    assert tuple(back) == pytest.approx(CENTRE[W1], abs=0.01)


def test_no_rows_are_placed_without_complaint(marches) -> None:
    assert placed(marches, row(W1)).iloc[:0].empty
    none = pd.DataFrame([row(W1)]).iloc[:0].astype({"lsoa_code": "str"})
    assert harmonise.placed(none, marches).empty


def test_the_rows_given_are_left_unchanged(marches) -> None:
    rows = pd.DataFrame([row(OLD_SPLIT, CENTRE[W3]), row(None, (300_000, 100_000))]).astype({"lsoa_code": "str"})
    before = rows.copy()
    harmonise.placed(rows, marches)
    pd.testing.assert_frame_equal(rows, before)


def test_problems_found_before_are_kept(marches) -> None:
    assert placed(marches, row("E01999999", None, problem="no such type"))["problem"].tolist() == ["no such type"]


@pytest.mark.real
def test_a_real_year_is_placed_but_for_the_rows_whose_code_lies_elsewhere(real: Path, monkeypatch) -> None:
    monkeypatch.delenv("EXPLORER_PARTNERSHIP", raising=False)
    ours = definitions.partnership()
    shapes = boundaries.tidy(boundaries.read(Piece(real / "geography" / "hiow_boundaries_bgc.gpkg")))
    shapes = boundaries.localise(shapes, ingest.nowhere(), ours).query("problem == ''")
    recode = lookups.tidy(lookups.read(Piece(real / "geography" / "lookup_lsoa11_lsoa21_ltla22.csv.gz")))
    held = boundaries.completed(schema.typed(shapes, "areas"), schema.typed(recode, "lookups"), ours)
    lsoas, msoas, lads = (held[held["area_level"] == level].reset_index() for level in ("lsoa", "msoa", "lad"))
    assert (len(lsoas), len(msoas), len(lads)) == (1_231, 247, 14)
    here = harmonise.Geography(lsoas, msoas, lads, recode, schema.empty("postcodes"), ours.box, ours.forces)

    def year(archive: str) -> pd.DataFrame:
        pieces = files.pieces([real / "police_uk" / archive], police_uk.SUFFIXES)
        rows = [harmonise.placed(police_uk.tidy(police_uk.read(piece)), here) for piece in pieces]
        return pd.concat(rows, ignore_index=True)

    found = year("hampshire_street_2025-01_2025-12.zip")
    # README of the real files: 164,975 records, 99 of which have an LSOA outside the 14 authorities
    assert found["problem"].value_counts().to_dict() == {"": 164_876, harmonise.OUTSIDE: 99}
    assert found.loc[found["problem"] == "", ["lsoa_code", "msoa_code", "authority_code"]].notna().all(axis=None)
    older = year("hampshire_street_2018-10_2019-02.zip")  # 64,744 records with codes of 2011, 28 of them split since
    kept = older[older["problem"] == ""]
    assert len(older) == 64_744
    assert kept["lsoa_code"].isin(lsoas["area_code"]).all() and not kept["unresolved"].any()
