"""Who is next to whom, worked by hand and against brute force."""

import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import sparse

from analytics import neighbours


def links(near):
    return set(zip(*map(np.ndarray.tolist, near.nonzero()), strict=True))


def square(x, y, side=1.0):
    return shapely.box(x, y, x + side, y + side)


def test_edges_are_directed_counted_once_and_never_to_oneself():
    edges = pd.DataFrame({"focal": [0, 0, 2, 1], "neighbour": [1, 1, 0, 1]})
    near = neighbours.from_edges(edges, 4)
    assert isinstance(near, sparse.csr_array)
    assert near.shape == (4, 4)
    assert links(near) == {(0, 1), (2, 0)}
    assert set(near.data) == {1.0}


def test_no_edges_make_a_table_of_hermits():
    assert neighbours.from_edges(pd.DataFrame({"focal": [], "neighbour": []}), 3).nnz == 0


@pytest.mark.parametrize("position", [-1, 3])
def test_an_edge_to_a_row_that_is_not_there_is_refused(position):
    with pytest.raises(ValueError, match="count rows from 0"):
        neighbours.from_edges(pd.DataFrame({"focal": [0], "neighbour": [position]}), 3)


def test_areas_that_meet_in_a_side_a_corner_or_along_part_of_a_side_are_contiguous():
    shapes = [square(0, 0), square(1, 0), square(1, 1), square(0, 1, 0.25), square(9, 9), None]
    near = neighbours.contiguity(pd.DataFrame({"geometry": shapes}))
    # 0 meets 1 (side), 2 (corner), 3 (part of a side); 1 meets 2 (side); 4 lies apart; 5 is missing
    expected = {(0, 1), (0, 2), (0, 3), (1, 2)}
    assert links(near) == expected | {(b, a) for a, b in expected}
    assert near.shape == (6, 6)


def test_contiguity_is_that_of_libpysal_on_random_polygons():
    graph = pytest.importorskip("libpysal.graph")
    geopandas = pytest.importorskip("geopandas")
    points = shapely.MultiPoint(np.random.default_rng(4).random((150, 2)))
    shapes = list(shapely.voronoi_polygons(points, extend_to=square(0, 0)).geoms)
    theirs = graph.Graph.build_contiguity(geopandas.GeoSeries(shapes), rook=False).sparse
    ours = neighbours.contiguity(pd.DataFrame({"geometry": shapes}))
    assert links(ours) == links(theirs)


def test_points_at_exactly_the_reach_are_neighbours_and_those_beyond_are_not():
    points = pd.DataFrame({"x": [0.0, 3.0, 0.0, 3.1], "y": [0.0, 0.0, 4.0, 4.0]})
    near = neighbours.within(points, 4.0)  # 0-1 are 3 apart, 0-2 4, 1-3 4.001, 2-3 3.1, 1-2 5
    assert links(near) == {(0, 1), (1, 0), (0, 2), (2, 0), (2, 3), (3, 2)}


def test_all_six_hexagons_around_one_are_within_its_width_despite_rounding():
    angles = np.deg2rad(np.arange(30, 390, 60))
    x, y = 1e5 + np.append(0, 500 * np.cos(angles)), 4e5 + np.append(0, 500 * np.sin(angles))
    assert neighbours.within(pd.DataFrame({"x": x, "y": y}), 500)[[0]].sum() == 6


def test_a_point_without_a_place_has_no_neighbours():
    points = pd.DataFrame({"x": [0.0, np.nan, 1.0, 2.0], "y": [0.0, 0.0, 0.0, 0.0]})
    assert links(neighbours.within(points, 1.5)) == {(0, 2), (2, 0), (2, 3), (3, 2)}
    assert links(neighbours.nearest(points, 1)) == {(0, 2), (2, 0), (3, 2)}


def test_two_points_in_one_place_are_neighbours():
    points = pd.DataFrame({"x": [5.0, 5.0, 9.0], "y": [5.0, 5.0, 5.0]})
    assert links(neighbours.within(points, 0)) == {(0, 1), (1, 0)}
    assert links(neighbours.nearest(points, 1)) == {(0, 1), (1, 0), (2, 0)}


def brute_nearest(points, k):
    found = set()
    for i in range(len(points)):
        squared = ((points - points.iloc[i]) ** 2).sum(axis=1).to_numpy()
        order = [j for j in np.lexsort((np.arange(len(points)), squared)) if j != i]
        found |= {(i, int(j)) for j in order[:k]}
    return found


@pytest.mark.parametrize("k", [1, 3, 4, 7])
def test_nearest_breaks_ties_by_row_order(k):
    x, y = np.meshgrid(np.arange(6), np.arange(5))  # a square grid: four equal neighbours, then four more
    points = pd.DataFrame({"x": x.ravel(), "y": y.ravel()}).sample(frac=1, random_state=1, ignore_index=True)
    assert links(neighbours.nearest(points, k)) == brute_nearest(points, k)


def test_nearest_finds_the_first_rows_among_many_points_in_one_place():
    points = pd.DataFrame({"x": [0.0] * 60 + [1.0], "y": [0.0] * 61})
    near = neighbours.nearest(points, 2)
    assert links(near[[59]]) == {(0, 0), (0, 1)}
    assert links(near[[0]]) == {(0, 1), (0, 2)}
    assert links(near[[60]]) == {(0, 0), (0, 1)}


def test_nearest_on_a_ring_of_equal_distances_looks_past_its_first_guess():
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    points = pd.DataFrame({"x": np.append(np.cos(angles), 0.0), "y": np.append(np.sin(angles), 0.0)})
    assert links(neighbours.nearest(points, 3)[[200]]) == {(0, 0), (0, 1), (0, 2)}


def test_nearest_is_directed_and_gives_everyone_where_there_are_too_few():
    points = pd.DataFrame({"x": [0.0, 1.0, 3.0], "y": [0.0, 0.0, 0.0]})
    assert links(neighbours.nearest(points, 1)) == {(0, 1), (1, 0), (2, 1)}
    assert neighbours.nearest(points, 8).sum() == 6


@pytest.mark.parametrize("rows", [0, 1])
def test_nobody_is_near_in_an_empty_table_or_alone(rows):
    points = pd.DataFrame({"x": [0.0] * rows, "y": [0.0] * rows})
    for near in (neighbours.nearest(points, 3), neighbours.within(points, 10)):
        assert near.shape == (rows, rows)
        assert near.nnz == 0


def test_with_self_adds_each_row_once_and_keeps_a_weight_that_is_there():
    near = sparse.csr_array(np.array([[0.5, 1.0], [0.0, 0.0]]))
    assert neighbours.with_self(near).toarray().tolist() == [[0.5, 1.0], [0.0, 1.0]]
    assert near.toarray().tolist() == [[0.5, 1.0], [0.0, 0.0]]


def test_standardised_rows_sum_to_one_and_empty_rows_stay_empty():
    near = neighbours.from_edges(pd.DataFrame({"focal": [0, 0, 1], "neighbour": [1, 2, 0]}), 3)
    assert neighbours.row_standardised(near).toarray().tolist() == [[0, 0.5, 0.5], [1, 0, 0], [0, 0, 0]]
    assert set(near.data) == {1.0}


def test_looking_for_neighbours_leaves_the_table_as_it_was():
    points = pd.DataFrame({"x": [0.0, 1.0, 2.0], "y": [0.0, 0.0, 0.0]}, index=[7, 8, 9])
    before = points.copy()
    neighbours.within(points, 1)
    neighbours.nearest(points, 1)
    pd.testing.assert_frame_equal(points, before)
