"""Equal-area hexagons on the national grid: which cell a place lies in, which cells cover the land. A row is a cell.

Flat-topped hexagons on plane coordinates in metres (EPSG:27700), `size_m` across the flats, radius (centre to
vertex, and length of a side) = size_m / sqrt(3), first vertex due east of the centre. Cells are counted in axial
coordinates: `q` grows to the east, `r` to the north, and cell (0, 0) has its centre on `origin`.
"""

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import neighbours

ROOT3 = 3**0.5


def cell_of(x, y, *, size_m: float, origin: tuple[float, float] = (0.0, 0.0)) -> tuple[np.ndarray, np.ndarray]:
    """Which hexagon each point lies in. Any engine that follows these lines gives the same cell:

        qf = (x - x0) * 2 / (sqrt(3) * size_m)
        rf = (y - y0) / size_m - qf / 2
        sf = -qf - rf
        q = floor(qf + 0.5);  r = floor(rf + 0.5);  s = floor(sf + 0.5)
        dq = abs(q - qf);  dr = abs(r - rf);  ds = abs(s - sf)
        if dq > dr and dq > ds:  q = -r - s
        else if dr > ds:         r = -q - s

    x, y : metres, one per point.
    size_m : metres across the flats. origin : centre of cell (0, 0), metres.

    Returns the arrays q, r: whole numbers; decimals with missing values where a coordinate is missing.
    Misleads for points snapped to a street or an area's centre: the cell is that of the snapped point. Points
    within rounding (about a nanometre) of an edge may fall on either side.
    Source: cube rounding, Patel, Hexagonal Grids (redblobgames.com/grids/hexagons, 2013).
    """
    across = np.asarray(x, dtype=float) - origin[0]
    up = np.asarray(y, dtype=float) - origin[1]
    qf = across * 2 / (ROOT3 * size_m)
    rf = up / size_m - qf / 2
    sf = -qf - rf
    q, r, s = np.floor(qf + 0.5), np.floor(rf + 0.5), np.floor(sf + 0.5)
    dq, dr, ds = np.abs(q - qf), np.abs(r - rf), np.abs(s - sf)
    q_worst = (dq > dr) & (dq > ds)
    r_worst = ~q_worst & (dr > ds)
    q, r = np.where(q_worst, -r - s, q), np.where(r_worst, -q - s, r)
    if np.isfinite(q).all() and np.isfinite(r).all():
        return q.astype(np.int64), r.astype(np.int64)
    lost = ~np.isfinite(qf) | ~np.isfinite(rf)
    return np.where(lost, np.nan, q), np.where(lost, np.nan, r)


def centres(q, r, *, size_m: float, origin: tuple[float, float] = (0.0, 0.0)) -> tuple[np.ndarray, np.ndarray]:
    """Centre of each cell: x = x0 + size_m * sqrt(3)/2 * q;  y = y0 + size_m * (r + q/2), metres."""
    q, r = np.asarray(q, dtype=float), np.asarray(r, dtype=float)
    return origin[0] + size_m * ROOT3 / 2 * q, origin[1] + size_m * (r + q / 2)


def cell_id(q, r, *, size_m: float) -> np.ndarray:
    """Name of each cell, "500:q:r" for cells of 500 metres."""
    return np.array([f"{size_m:g}:{a}:{b}" for a, b in zip(q, r, strict=True)], dtype=object)


def area_km2(size_m: float) -> float:
    """Area of one cell in square kilometres: sqrt(3)/2 * size_m^2 square metres."""
    return ROOT3 / 2 * size_m**2 / 1e6


def cells_over(land, *, size_m: float, origin: tuple[float, float] = (0.0, 0.0)) -> pd.DataFrame:
    """The cells whose centre lies in `land`, the true zeros of a map: cells with no event belong to the study area.

    land : one shapely geometry, metres. size_m : metres across the flats. origin : centre of cell (0, 0).

    Returns one row per cell: `cell_id`, `q`, `r`, `x`, `y` (centre), ordered by q, then r.
    Misleads on the coast: an event on a pier or quay can fall in a cell whose centre is at sea, which is not here.
    """
    import shapely

    q, r = _box(shapely.bounds(land), size_m, origin)
    x, y = centres(q, r, size_m=size_m, origin=origin)
    shapely.prepare(land)
    inside = shapely.contains_xy(land, x, y)
    q, r, x, y = q[inside], r[inside], x[inside], y[inside]
    return pd.DataFrame({"cell_id": cell_id(q, r, size_m=size_m), "q": q, "r": r, "x": x, "y": y})


def ring(cells: pd.DataFrame, rings: int = 1) -> sparse.csr_array:
    """Who is near whom on the grid: the cells at most `rings` steps away (6 for one ring, 18 for two).

    cells : one row per cell with whole `q`, `r`; each cell once.

    Returns a 0/1 matrix, row i = row i of `cells`, no cell its own neighbour. Cells not in the table are no neighbours.
    """
    q, r = cells["q"].to_numpy(dtype=np.int64), cells["r"].to_numpy(dtype=np.int64)
    if len(cells) == 0:
        return sparse.csr_array((0, 0))
    height = np.ptp(r) + 1 + 2 * rings  # room above and below, so that a step never lands in the next column
    key = (q - q.min()) * height + r
    order = np.argsort(key, kind="stable")
    known = key[order]
    if (known[1:] == known[:-1]).any():
        raise ValueError("ring needs each cell once: some rows share q and r.")
    focal, neighbour = [], []
    for dq, dr in _steps(rings):
        wanted = key + dq * height + dr
        place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        found = known[place] == wanted
        focal.append(np.flatnonzero(found))
        neighbour.append(order[place[found]])
    edges = pd.DataFrame({"focal": np.concatenate(focal), "neighbour": np.concatenate(neighbour)})
    return neighbours.from_edges(edges, len(cells))


def _steps(rings: int) -> list[tuple[int, int]]:
    """Every step (dq, dr) to another cell at most `rings` away."""
    reach = range(-rings, rings + 1)
    return [(dq, dr) for dq in reach for dr in reach if (dq, dr) != (0, 0) and abs(dq + dr) <= rings]


def _box(bounds, size_m: float, origin: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Every cell that may have its centre in the box (left, bottom, right, top)."""
    left, bottom, right, top = bounds
    if not np.isfinite(bounds).all():  # an empty geometry has no box
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    column = size_m * ROOT3 / 2
    columns = np.arange(np.floor((left - origin[0]) / column), np.ceil((right - origin[0]) / column) + 1)
    rows = np.arange(np.floor((bottom - origin[1]) / size_m) - 1, np.ceil((top - origin[1]) / size_m) + 1)
    q, row = (part.ravel().astype(np.int64) for part in np.meshgrid(columns, rows, indexing="ij"))
    return q, row - q // 2  # row counts from the foot of each column, which r does only where q is 0
