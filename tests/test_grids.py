"""Hexagons: that every point is in the cell with the nearest centre, that they tile, and that land is covered."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from analytics import grids

SHARED = Path(__file__).resolve().parents[2] / "shared"


def test_a_point_lies_in_the_cell_whose_centre_is_nearest():
    # the cells of a lattice of hexagons are the places nearest to their centre; found here by brute force
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(1)
    x, y = rng.uniform(-5_000, 5_000, (2, 20_000))
    origin = (37.0, -211.0)
    q, r = (a.ravel() for a in np.meshgrid(np.arange(-20, 21), np.arange(-30, 31)))
    centres = np.column_stack(grids.centres(q, r, size_m=500, origin=origin))
    nearest = cKDTree(centres).query(np.column_stack([x, y]))[1]
    found_q, found_r = grids.cell_of(x, y, size_m=500, origin=origin)
    assert (found_q == q[nearest]).all()
    assert (found_r == r[nearest]).all()
    assert found_q.dtype.kind == "i"


def test_first_vertex_is_due_east_and_the_flats_are_north_and_south():
    # radius = 500 / sqrt(3) = 288.675 m; half the width across the flats = 250 m
    x, y = [288.6, 288.7, 0.0, 0.0, 0.0], [0.0, 0.0, 249.9, 250.1, -250.1]
    q, r = grids.cell_of(x, y, size_m=500)
    assert list(zip(q.tolist(), r.tolist(), strict=True))[:1] == [(0, 0)]
    assert (q[1], r[1]) in {(1, 0), (1, -1)}  # past the vertex, where two cells meet
    assert [(q[i], r[i]) for i in (2, 3, 4)] == [(0, 0), (0, 1), (0, -1)]


def test_centres_stand_where_axial_coordinates_say():
    # one column east: 500 * sqrt(3) / 2 = 433.0127 m, half a cell up; one row north: 500 m
    x, y = grids.centres([0, 1, 0, -2], [0, 0, 1, 1], size_m=500, origin=(10, 20))
    np.testing.assert_allclose(x, [10, 443.0127, 10, -856.0254], atol=1e-4)
    np.testing.assert_allclose(y, [20, 270, 520, 20], atol=1e-9)
    q, r = grids.cell_of(x, y, size_m=500, origin=(10, 20))
    assert q.tolist() == [0, 1, 0, -2]
    assert r.tolist() == [0, 0, 1, 1]


def test_a_point_without_coordinates_lies_in_no_cell():
    q, r = grids.cell_of(pd.Series([0.0, np.nan]), pd.Series([0.0, 5.0]), size_m=500)
    assert np.isnan(q[1])
    assert np.isnan(r[1])
    assert (q[0], r[0]) == (0, 0)


def test_no_points_lie_in_no_cells():
    q, r = grids.cell_of([], [], size_m=500)
    assert len(q) == len(r) == 0


def test_area_of_a_cell_is_that_of_a_hexagon_measured_across_the_flats():
    # 1 km across the flats: sqrt(3)/2 = 0.8660 square kilometres
    assert grids.area_km2(1_000) == pytest.approx(0.8660254)
    radius = 500 / np.sqrt(3)
    corners = [(radius * np.cos(a), radius * np.sin(a)) for a in np.deg2rad(np.arange(0, 360, 60))]
    assert grids.area_km2(500) == pytest.approx(shapely.Polygon(corners).area / 1e6)


def test_cells_are_named_by_size_and_place():
    assert grids.cell_id([3, -1], [0, 12], size_m=500).tolist() == ["500:3:0", "500:-1:12"]


@pytest.mark.parametrize("origin", [(0.0, 0.0), (123.4, -77.7)])
def test_land_is_covered_by_exactly_the_cells_with_their_centre_on_it(origin):
    land = shapely.box(100_000, 50_000, 112_000, 61_000).difference(shapely.Point(106_000, 55_000).buffer(2_000))
    cells = grids.cells_over(land, size_m=700, origin=origin)
    q, r = (a.ravel() for a in np.meshgrid(np.arange(150, 200), np.arange(-60, 20)))
    x, y = grids.centres(q, r, size_m=700, origin=origin)
    inside = np.array([land.contains(shapely.Point(a, b)) for a, b in zip(x, y, strict=True)])
    expected = set(zip(q[inside].tolist(), r[inside].tolist(), strict=True))
    assert len(expected) > 200
    assert set(zip(cells["q"], cells["r"], strict=True)) == expected
    assert len(cells) == len(expected)
    assert cells.columns.tolist() == ["cell_id", "q", "r", "x", "y"]
    assert cells["cell_id"].iloc[0] == f"700:{cells['q'].iloc[0]}:{cells['r'].iloc[0]}"
    back = grids.cell_of(cells["x"], cells["y"], size_m=700, origin=origin)
    assert (back[0] == cells["q"]).all() and (back[1] == cells["r"]).all()


def test_an_empty_land_has_no_cells():
    assert len(grids.cells_over(shapely.Polygon(), size_m=500)) == 0


def test_a_land_smaller_than_a_cell_may_hold_no_centre_or_one():
    assert len(grids.cells_over(shapely.box(60, 60, 90, 90), size_m=500)) == 0
    assert grids.cells_over(shapely.box(-10, -10, 10, 10), size_m=500)["cell_id"].tolist() == ["500:0:0"]


@pytest.mark.parametrize(("rings", "most"), [(1, 6), (2, 18)])
def test_rings_are_the_cells_within_so_many_widths(rings, most):
    # centres of the first ring stand 1 width apart, of the second up to 2, of the third at least 2.6
    cells = grids.cells_over(shapely.box(0, 0, 6_000, 5_000), size_m=500).sample(frac=1, random_state=2)
    near = grids.ring(cells, rings)
    place = cells[["x", "y"]].to_numpy()
    apart = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    expected = (apart > 0) & (apart < (rings + 0.01) * 500)
    assert (near.toarray() == expected).all()
    assert near.sum(axis=1).max() == most


def test_a_ring_does_not_reach_from_the_top_of_one_column_to_the_foot_of_the_next():
    cells = pd.DataFrame({"q": [0, 1, 0, 1], "r": [9, -9, 8, -8]})
    assert set(zip(*map(list, grids.ring(cells, 2).nonzero()), strict=True)) == {(0, 2), (2, 0), (1, 3), (3, 1)}


def test_a_single_cell_and_an_empty_table_have_no_neighbours():
    assert grids.ring(pd.DataFrame({"q": [4], "r": [2]})).toarray().tolist() == [[0]]
    assert grids.ring(pd.DataFrame({"q": [], "r": []})).shape == (0, 0)


def test_a_table_with_a_cell_twice_is_refused():
    with pytest.raises(ValueError, match="each cell once"):
        grids.ring(pd.DataFrame({"q": [0, 0], "r": [1, 1]}))


@pytest.mark.real
@pytest.mark.skipif(not SHARED.exists(), reason="../shared is not here")
def test_cells_over_england_and_wales_cover_their_area():
    import geopandas

    areas = geopandas.read_parquet(SHARED / "real/geography/lsoa2021_ew_ultra_generalised.parquet").to_crs(27700)
    land = areas.union_all()
    cells = grids.cells_over(land, size_m=2_000)
    assert len(cells) > 40_000
    assert len(cells) * grids.area_km2(2_000) == pytest.approx(land.area / 1e6, rel=0.002)
