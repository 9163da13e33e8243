"""The share of a kernel that lies on land, from the border itself: what a density is divided by beside an edge."""

import numpy as np

from analytics import density_loops as loops
from analytics import density_sums as sums

MASS_NODES = {"quartic": 12, "gaussian": 5}  # per bandwidth: the mass inside the land is smooth at this scale
SIMPLIFIED = 1 / 4_000  # of the bandwidth: the border may move by so much, the mass by at most 0.03% of a whole one
THIN = 0.1  # mass inside the land below which 0.03% of a whole one would show: worked out from the border as it is
LEAST_MASS = 1e-9  # less is rounding
NUDGE = (3.1e-8, 7.4e-8)  # of the bandwidth: no centre then lies exactly on the border; the mass is continuous


def polygons(land):
    """The land as valid polygons; lines and points in it have no area."""
    import shapely

    if shapely.get_type_id(land) in (3, 6) and shapely.is_valid(land):
        return land
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(land)))  # a collection may hold multipolygons
    return shapely.union_all(parts[shapely.get_type_id(parts) == 3])


def inside(centres: np.ndarray, land) -> np.ndarray:
    """Which centres lie on land, its border included."""
    import shapely

    shapely.prepare(land)
    return shapely.intersects_xy(land, *centres)


def mass_inside(centres: np.ndarray, h, kernel: str, land) -> np.ndarray:
    """The share of a kernel at each centre that lies on land; missing for centres outside.

    Along a ray from the centre, the share of the mass up to distance r is F(r): quartic 1 - (1 - r^2/h^2)^3, gaussian
    1 - exp(-r^2 / 2h^2). So the mass inside a border is the integral of F(r) d(angle) / 2 pi along it, land on the left
    (holes and islands add up), = [centre on land] - integral of (1 - F) d(angle) / 2 pi, of which only the stretches of
    border in reach count. No mask, no pixels: exact for the border given.
    """
    mass = np.full(centres.shape[1], np.nan)
    on_land = np.flatnonzero(inside(centres, land))
    if not on_land.size:
        return mass
    here, h = centres[:, on_land], h if h.ndim == 0 else h[on_land]
    found = _mass_between(here, h, kernel, land) if h.ndim == 0 else _mass_at(here, h, kernel, land)
    thin = found < THIN
    if thin.any():
        found[thin] = _mass_at(here[:, thin], h if h.ndim == 0 else h[thin], kernel, land, tolerance=0.0)
    mass[on_land] = np.where(found > LEAST_MASS, found, np.nan)
    return mass


def _mass_between(centres: np.ndarray, h, kernel: str, land) -> np.ndarray:
    """The mass inside at nodes of a lattice and between them by cubic splines, where the nodes are fewer."""
    step = h / MASS_NODES[kernel]
    low = centres.min(axis=1) - sums.MARGIN * step
    shape = np.ceil(np.ptp(centres, axis=1) / step).astype(int) + 2 * sums.MARGIN + 1
    if shape.prod() >= centres.shape[1]:
        return _mass_at(centres, h, kernel, land)
    across, down = (first + np.arange(n) * step for first, n in zip(low, shape, strict=True))
    nodes = np.stack([np.tile(across, len(down)), np.repeat(down, len(across))])
    field = _mass_at(nodes, h, kernel, land).reshape(len(down), len(across))
    return sums.read(field, sums.Lattice(*low, step, step, *shape.tolist(), holds_centres=False), centres)


def _mass_at(centres: np.ndarray, h, kernel: str, land, *, tolerance: float = SIMPLIFIED) -> np.ndarray:
    import shapely

    least, widest = float(np.min(h)), float(np.max(sums.reach(h, kernel)))
    border = shapely.simplify(land, least * tolerance)
    border = shapely.segmentize(shapely.orient_polygons(border), least)  # short enough for four points of integration
    centres = centres + np.array(NUDGE)[:, None] * least
    mass = inside(centres, border).astype(float)
    ax, ay, bx, by = _edges(border)
    order, _, _, *boxes = sums.boxes((ax + bx) / 2, (ay + by) / 2, widest / 4)
    edges = [np.ascontiguousarray(end[order]) for end in (ax, ay, bx, by)]
    width = np.atleast_1d(h)
    reach = sums.reach(width, kernel) + least / 2  # an edge is found by its middle
    loops.compiled(loops.mass)(
        centres[0].copy(), centres[1].copy(), width, reach, *edges, *boxes, kernel == "quartic", mass
    )
    return mass


def _edges(land) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Start and end of every stretch of border, land on its left."""
    import shapely

    rings = shapely.get_rings(shapely.get_parts(land))
    place, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    return (*place[:-1][joined].T, *place[1:][joined].T)
