"""Who is next to whom: a sparse 0/1 matrix, row i = row i of the table, nobody their own neighbour."""

import numpy as np
import pandas as pd
from scipy import sparse

ROUNDING = 1e-9  # relative: distances this close are the same (centres of a hexagonal grid differ in the last digits)


def from_edges(edges: pd.DataFrame, n: int) -> sparse.csr_array:
    """Neighbours from a list of pairs.

    edges : `focal`, `neighbour`, positions of rows counted from 0; taken as directed. Repeats count once, pairs of
        a row with itself are left out.
    n : rows of the table.
    """
    pairs = edges[["focal", "neighbour"]].to_numpy(dtype=np.int64)
    if len(pairs) and (pairs.min() < 0 or pairs.max() >= n):
        raise ValueError("Positions in `focal` and `neighbour` count rows from 0 and stay below n.")
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    near = sparse.csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    near.data[:] = 1.0  # repeats were added up
    return near


def contiguity(areas: pd.DataFrame) -> sparse.csr_array:
    """Areas that share at least one point (queen contiguity); overlapping ones share many.

    areas : `geometry` of shapely polygons; a missing one has no neighbours.

    Misleads where boundaries were generalised: slivers part areas that touch on the ground, and islands have no
    neighbours at all (the Isle of Wight none on the mainland).
    """
    import shapely

    shapes = np.asarray(areas["geometry"], dtype=object)
    tree = shapely.STRtree(shapes)
    first, second = tree.query(shapes)
    first, second = first[first < second], second[first < second]  # each pair of overlapping boxes once
    shapely.prepare(shapes)
    touching = shapely.intersects(shapes[first], shapes[second])
    return _both_ways(first[touching], second[touching], len(shapes))


def within(points: pd.DataFrame, reach_m: float) -> sparse.csr_array:
    """Points at most `reach_m` apart (same unit as `x`, `y`); a point with a missing coordinate has no neighbours."""
    from scipy.spatial import cKDTree

    place, known = _located(points)
    pairs = cKDTree(place[known]).query_pairs(reach_m * (1 + ROUNDING), output_type="ndarray")
    return _both_ways(known[pairs[:, 0]], known[pairs[:, 1]], len(points))


def nearest(points: pd.DataFrame, k: int) -> sparse.csr_array:
    """The `k` nearest other points of each point (all others where there are fewer); directed; ties by row order.

    points : `x`, `y` in one unit; a point with a missing coordinate has no neighbours and is nobody's.
    """
    from scipy.spatial import cKDTree

    place, known = _located(points)
    k = min(k, len(known) - 1)
    if k < 1:
        return sparse.csr_array((len(points), len(points)))
    tree = cKDTree(place[known])
    focal, neighbour = [], []
    rows, width = np.arange(len(known)), k + 8  # itself, k neighbours, and room for ties at the k-th
    while rows.size:
        width = min(width, len(known))
        chosen, settled = _closest(*tree.query(tree.data[rows], k=width), rows, k)
        settled |= width == len(known)
        focal.append(np.repeat(rows[settled], k))
        neighbour.append(chosen[settled].ravel())
        rows, width = rows[~settled], width * 4
    focal, neighbour = known[np.concatenate(focal)], known[np.concatenate(neighbour)]
    return from_edges(pd.DataFrame({"focal": focal, "neighbour": neighbour}), len(points))


def with_self(near: sparse.csr_array) -> sparse.csr_array:
    """The same neighbours, and every row its own (weight 1) where it was not."""
    missing = (near.diagonal() == 0).astype(float)
    return sparse.csr_array(near + sparse.diags_array(missing))


def row_standardised(near: sparse.csr_array) -> sparse.csr_array:
    """The same neighbours with weights that sum to 1 in each row; rows without neighbours stay empty."""
    total = np.asarray(near.sum(axis=1), dtype=float).ravel()
    share = np.divide(1.0, total, out=np.zeros_like(total), where=total != 0)
    return sparse.csr_array(sparse.diags_array(share) @ near)


def _closest(distance, found, rows, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k closest of those found, ties by row order; and whether more of the last tie may lie farther out."""
    distance = np.where(found == rows[:, None], np.inf, distance)  # not itself
    kth = np.partition(distance, k - 1, axis=1)[:, [k - 1]]
    steps = np.where(kth > 0, np.round(distance / (np.where(kth > 0, kth, 1) * ROUNDING)), distance)
    order = np.lexsort((found, steps), axis=-1)
    chosen = np.take_along_axis(found, order[:, :k], axis=1)
    farthest = np.where(np.isfinite(distance), distance, 0).max(axis=1)
    return chosen, farthest > kth[:, 0] * (1 + 2 * ROUNDING)


def _located(points: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    place = points[["x", "y"]].to_numpy(dtype=float, na_value=np.nan)
    return place, np.flatnonzero(np.isfinite(place).all(axis=1))


def _both_ways(first, second, n: int) -> sparse.csr_array:
    edges = {"focal": np.concatenate([first, second]), "neighbour": np.concatenate([second, first])}
    return from_edges(pd.DataFrame(edges), n)
