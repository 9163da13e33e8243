"""Events per square kilometre, smoothed, and how they compare with a second pattern. A row is a cell's centre."""

from functools import cache
from math import ceil
from typing import NamedTuple

import numpy as np
import pandas as pd

from analytics import significance
from analytics.errors import NotEnoughData

KERNELS = ("quartic", "gaussian")
RULES = ("scott", "robust")
GAUSSIAN_REACH = 5.5  # standard deviations; beyond lie 3e-7 of an event
QUARTIC_RADIUS = 460.8 ** (1 / 6)  # 2.78: quartic radius over gaussian sd of equal efficiency, see `choose_bandwidth`
NORMAL_IQR = 1.349  # interquartile range of a normal distribution, in standard deviations
TRIM = 5  # an adaptive bandwidth is at most so many times the geometric mean, else lone events cover the county
TOP = 0.05  # share of cells called the top in `sensitivity`: about what a force can visit
EXACT_TO = 100_000_000  # pairs of event and cell added one by one (about half a second); more go by a lattice
LARGEST_LATTICE = 16_000_000  # nodes: 128 MB a table
FINE = {"quartic": 7, "gaussian": 3.5}  # nodes per bandwidth: a lone event is off by 0.55% and 0.09% of its own peak
FINE_BETWEEN = {"quartic": 20, "gaussian": 6}  # where centres lie between nodes, and the field is interpolated
PILE = 0.05  # a node with this share of the peak holds a pile, whose 0.55% would show: it is added up exactly
SAME_PLACE = 1e-6  # of the bandwidth: a shift this small moves the density by a millionth of its peak
DUST = 1e-12  # of the peak: what a Fourier transform leaves where there is nothing
MARGIN = 10  # nodes beyond the outermost centres: there a spline's guess of what lies beyond has died away
MASS_NODES = {"quartic": 12, "gaussian": 5}  # per bandwidth: the mass inside the land is smooth at this scale
SIMPLIFIED = 1 / 4_000  # of the bandwidth: the border may move by so much, the mass by at most 0.03% of a whole one
THIN = 0.1  # mass inside the land below which 0.03% of a whole one would show: worked out from the border as it is
LEAST_MASS = 1e-9  # less is rounding
NUDGE = (3.1e-8, 7.4e-8)  # of the bandwidth: no centre then lies exactly on the border; the mass is continuous
BLOCK = 64  # relabellings at a time
ROUNDING = 1e-12  # relative: sums of the same numbers in another order differ in the last digits


def kernel_density(
    points: pd.DataFrame,
    grid: pd.DataFrame,
    *,
    bandwidth_m: float,
    kernel: str = "quartic",
    weight: str | None = None,
    land=None,
) -> pd.DataFrame:
    """Where do events lie densest, seen through a window of stated width?

    points : one row per event, `x`, `y` in metres; a missing coordinate or weight leaves the row out. Events outside
        the grid count in the cells they reach.
    grid : one row per cell, `x`, `y` of its centre: squares, hexagons, or centres anywhere.
    bandwidth_m : where the quartic reaches zero; the standard deviation of the gaussian (see `choose_bandwidth`).
    weight : the column that says how many events a row stands for; none: one each.
    land : one shapely geometry, for edge correction: density over the share of the kernel inside it.

    Returns `grid` with `density`, events per square kilometre at the centre, to 0.1% of the highest. Nought without
    events. With `land`, cells whose centre lies outside are missing.
    Misleads: another bandwidth is another map (`sensitivity`); density follows people (`ratio`); it paints fields
    between streets, and few events as smooth hills. With `land`, all events given count: those recorded beyond a
    border that is not a coast must be left out, else the border counts twice. On narrow spits the correction is
    large, and so is the noise.
    Source: Silverman (1986), Density Estimation, 4.2; Diggle (1985), Applied Statistics 34(2), 138-147, for edges.
    """
    _check(kernel, bandwidth_m)
    centres = _centres(grid)
    density = _density(_events(points, weight), centres, bandwidth_m, kernel)
    if land is not None:
        density /= _mass_inside(centres, np.float64(bandwidth_m), kernel, _polygons(land))
    return grid.assign(density=density)


def adaptive_kernel_density(
    points: pd.DataFrame,
    grid: pd.DataFrame,
    *,
    bandwidth_m: float,
    pilot_m: float | None = None,
    kernel: str = "quartic",
    weight: str | None = None,
    land=None,
) -> pd.DataFrame:
    """As `kernel_density`, with a narrower window where events are many and a wider one where they are few.

    bandwidth_m : the geometric mean of the events' bandwidths. pilot_m : bandwidth of the first, fixed density that
        sets them; the same if not given. Other arguments as in `kernel_density`.

    Returns `grid` with `density`. Each event's bandwidth goes with one over the square root of the pilot density at
    its place, up to 5 times the mean. With `land`, the kernel at a centre has the bandwidth an event there would have.
    Misleads: two maps of different periods have different bandwidths in the same place. A bandwidth goes down to a
    few metres at a pile of snapped events, whose peak then is that of the snapping.
    Source: Abramson (1982), Annals of Statistics 10(4), 1217-1223; Silverman (1986), 5.3.
    """
    _check(kernel, bandwidth_m, pilot_m or bandwidth_m)
    x, y, w = _collapsed(*_events(points, weight))
    centres = _centres(grid)
    if not w.any():
        return kernel_density(points, grid, bandwidth_m=bandwidth_m, kernel=kernel, land=land)
    x, y, w = x[w != 0], y[w != 0], w[w != 0]
    pilot_m = np.float64(pilot_m or bandwidth_m)
    pilot = _exact(x, y, w, pilot_m, np.stack([x, y]), kernel)
    level = np.exp(np.average(np.log(pilot), weights=w))
    own = _abramson(pilot, level, bandwidth_m)
    density = _per_km2(_exact(x, y, w / own**2, own, centres, kernel), 1.0, kernel)
    if land is not None:
        there = _abramson(_exact(x, y, w, pilot_m, centres, kernel), level, bandwidth_m)
        density /= _mass_inside(centres, there, kernel, _polygons(land))
    return grid.assign(density=density)


def sensitivity(
    points: pd.DataFrame,
    grid: pd.DataFrame,
    *,
    bandwidth_m: float,
    kernel: str = "quartic",
    weight: str | None = None,
    land=None,
    top: float = TOP,
) -> pd.DataFrame:
    """Would the map say the same with half, or double, the bandwidth?

    top : share of cells with a value that are called the top, rounded up; cells as dense as the last one belong to it,
        empty ones never. Other arguments as in `kernel_density`; the cells should be of one size.

    Returns `grid` with `density_half`, `density`, `density_double` and `in_top`, the share (0, 1/3, 2/3 or 1) of these
    three in which the cell is in the top. Missing outside `land`.
    Misleads: a cell that stays in the top is robust to the bandwidth, not to chance.
    """
    names = {"density_half": bandwidth_m / 2, "density": bandwidth_m, "density_double": bandwidth_m * 2}
    settings = {"kernel": kernel, "weight": weight, "land": land}
    maps = {
        name: kernel_density(points, grid, bandwidth_m=width, **settings)["density"] for name, width in names.items()
    }
    in_top = sum(_top(density.to_numpy(), top).astype(float) for density in maps.values()) / len(maps)
    return grid.assign(**maps, in_top=np.where(maps["density"].isna(), np.nan, in_top))


def choose_bandwidth(points: pd.DataFrame, *, rule: str = "scott") -> pd.DataFrame:
    """A first bandwidth, from how widely the events are spread.

    points : one row per event, `x`, `y` in metres; rows with a missing coordinate are left out.
    rule : `scott`: standard deviation (n - 1) times n^(-1/6). `robust`: the same, with the interquartile range over
        1.349 for the standard deviation where that is smaller, so that a few far events do not widen it.

    Returns one row: `bandwidth_x`, `bandwidth_y`, `bandwidth_m` (their geometric mean, for the gaussian kernel),
    `quartic_radius_m` (for the quartic: 2.78 times that, the radius of equal efficiency), `method`.
    Misleads where events cluster, as crime does: the rule is made for one bell-shaped hill and smooths several into
    one. Take it as an upper end, and look at half of it.
    Source: Scott (1992), Multivariate Density Estimation, 6.42; the factor between kernels: Marron & Nolan (1988),
    Statistics & Probability Letters 7(3), 195-199, in two dimensions: the sixth root of the ratio of
    (integral of K^2) / (variance)^2 = 9/(5 pi) * 64 to 1/(4 pi).
    """
    if rule not in RULES:
        raise ValueError(f"The rule is one of {', '.join(RULES)}.")
    x, y, _ = _events(points, None)
    known = np.isfinite(x) & np.isfinite(y)
    place = np.column_stack([x[known], y[known]])
    if len(place) < 2 or (place == place[0]).all():
        raise NotEnoughData("A bandwidth needs events at two places at least, to see how widely they are spread.")
    spread = place.std(axis=0, ddof=1)
    if rule == "robust":
        quarters = np.subtract(*np.percentile(place, [75, 25], axis=0)) / NORMAL_IQR
        spread = np.where(quarters > 0, np.minimum(spread, quarters), spread)
    wide_x, wide_y = spread * len(place) ** (-1 / 6)
    one = np.sqrt(wide_x * wide_y) if min(wide_x, wide_y) > 0 else max(wide_x, wide_y)  # events along a line
    row = {"bandwidth_x": wide_x, "bandwidth_y": wide_y, "bandwidth_m": one, "quartic_radius_m": one * QUARTIC_RADIUS}
    return pd.DataFrame([row | {"method": "Scott's rule" if rule == "scott" else "Scott's rule, robust spread"}])


def ratio(
    cases: pd.DataFrame,
    controls: pd.DataFrame,
    grid: pd.DataFrame,
    *,
    bandwidth_m: float,
    kernel: str = "quartic",
    control_weight: str | None = None,
    land=None,
    permutations: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """Where are cases denser than the controls would make one expect (residents, or all recorded crime)?

    cases : one row per event, `x`, `y` in metres. controls : the same, other events than the cases (all recorded
        crime without the cases); or places with `control_weight` people, a column of whole numbers.
    bandwidth_m, kernel, grid, land : as in `kernel_density`, one bandwidth for both; edge correction cancels out, so
        that `land` only leaves out the cells beyond it.
    permutations : 0 for the approximation below; else so many random labellings, better where few lie in reach.

    Returns `grid` with `ratio` (1: as dense as the controls, each over its own total; missing without controls in
    reach) and `p_value`, two-sided, not corrected for the number of cells; missing with neither in reach. Contours of
    `p_value` at 0.05 are tolerance contours: between them the ratio is what chance gives.
    p asks how often as many of the pooled events in reach, weighted by the kernel, would be cases if the label were
    drawn at random among all. With permutations, min(1, 2 (r + 1)/(M + 1)). Else from the exact mean, variance and
    skewness of all labellings, by a Pearson III curve.
    Misleads where both are rare: a ratio of two small numbers, see p. Residents are not those who are out at night.
    People placed at the middle of an area make its edges look risky: no bandwidth below the size of the areas.
    Source: Kelsall & Diggle (1995), Statistics in Medicine 14(21-22), 2335-2342, for ratio and labellings; Davies &
    Hazelton (2010), Statistics in Medicine 29(23), 2423-2437, for contours; Mielke & Berry (2007), Permutation
    Methods, for the Pearson III curve.
    """
    _check(kernel, bandwidth_m)
    labelled = _labelled(_events(cases, None), _events(controls, control_weight))
    total = labelled[["cases", "controls"]].sum()
    if not total.min() > 0:
        raise NotEnoughData("A comparison of densities needs at least one case and one control with a place.")
    centres, h = _centres(grid), np.float64(bandwidth_m)
    if land is not None:
        centres = np.where(_inside(centres, _polygons(land)), centres, np.nan)
    x, y, case, control = (labelled[name].to_numpy() for name in ("x", "y", "cases", "controls"))
    in_cases, in_controls = (_exact(x, y, n, h, centres, kernel) for n in (case, control))
    found = np.full((2, len(grid)), np.nan)
    np.divide(in_cases / total["cases"], in_controls / total["controls"], out=found[0], where=in_controls > 0)
    if permutations:
        found[1] = _relabelled(x, y, case, control, centres, h, kernel, permutations, seed)
    else:
        sums = [_exact(x, y, case + control, h, centres, kernel, power) for power in (1, 2, 3)]
        found[1] = _pearson_p(in_cases, *sums, total["cases"], total["controls"])
    return grid.assign(ratio=found[0], p_value=np.where(in_cases + in_controls > 0, found[1], np.nan))


# --- density at the centres ---


class _Lattice(NamedTuple):
    """Nodes at x0 + i step_x, y0 + j step_y; the centres are among them, or lie between."""

    x0: float
    y0: float
    step_x: float
    step_y: float
    columns: int
    rows: int
    holds_centres: bool

    @property
    def nodes(self) -> int:
        return self.columns * self.rows


def _check(kernel: str, *bandwidths: float) -> None:
    if kernel not in KERNELS:
        raise ValueError(f"The kernel is one of {', '.join(KERNELS)}.")
    if not all(np.isfinite(width) and width > 0 for width in bandwidths):
        raise ValueError("A bandwidth is a length above 0, in metres.")


def _events(points: pd.DataFrame, weight: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and weights; a single weight stands for all. Missing ones are still in."""
    names = ["x", "y"] if weight is None else ["x", "y", weight]
    found = [np.ascontiguousarray(points[name].to_numpy(dtype=float, na_value=np.nan)) for name in names]
    return (*found, np.ones(1)) if weight is None else tuple(found)


def _centres(grid: pd.DataFrame) -> np.ndarray:
    return np.stack([grid[name].to_numpy(dtype=float, na_value=np.nan) for name in ("x", "y")])


def _density(events, centres: np.ndarray, h: float, kernel: str) -> np.ndarray:
    known = np.isfinite(centres).all(axis=0)
    if not known.all():
        density = np.full(centres.shape[1], np.nan)
        density[known] = _density(events, centres[:, known], h, kernel)
        return density
    if not centres.size:
        return np.zeros(0)
    lattice = _lattice(centres, h, kernel)
    if _pairs(len(events[0]), centres, h, kernel) <= EXACT_TO or lattice.nodes > LARGEST_LATTICE:
        return _per_km2(_exact(*_collapsed(*events), np.float64(h), centres, kernel), h, kernel)
    return _per_km2(_binned(*events, h, centres, kernel, lattice), h, kernel)


def _per_km2(sums: np.ndarray, h: float, kernel: str) -> np.ndarray:
    """Sums of kernels that are 1 in the middle, as events per square kilometre."""
    return sums * (1e6 * (3 / (np.pi * h**2) if kernel == "quartic" else 1 / (2 * np.pi * h**2)))


def _reach(h, kernel: str):
    return h if kernel == "quartic" else h * GAUSSIAN_REACH


def _pairs(n: int, centres: np.ndarray, h: float, kernel: str) -> float:
    """About how many pairs of event and centre lie within reach of each other."""
    reach = _reach(h, kernel)
    area = np.prod(np.ptp(centres, axis=1) + 2 * reach)
    return n * centres.shape[1] * min(1.0, np.pi * reach**2 / area) * (1 if kernel == "quartic" else 3)  # exp is slow


def _collapsed(x, y, w) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One event per place, with the sum of the weights: published crime lies on few places. From south to north, so
    that one event after another reaches much the same centres."""
    events = pd.DataFrame({"x": x, "y": y, "w": w if len(w) == len(x) else np.broadcast_to(w, len(x))})
    events = events[np.isfinite(events).all(axis=1)].groupby(["y", "x"], as_index=False)["w"].sum()
    return events["x"].to_numpy(), events["y"].to_numpy(), events["w"].to_numpy()


def _lattice(centres: np.ndarray, h: float, kernel: str) -> _Lattice:
    """Nodes that the centres lie on, fine enough for the kernel; else nodes to interpolate between.

    Squares lie on a lattice; the centres of hexagons are every other node of one; cells of both may be left out.
    """
    axes = [_axis(values, SAME_PLACE * h) for values in centres]
    if None not in axes:
        nodes = [_finer(*axis, h / FINE[kernel]) for axis in axes]
        lattice = _Lattice(*(part for pair in zip(*nodes, strict=True) for part in pair), holds_centres=True)
        if lattice.nodes <= LARGEST_LATTICE:
            return lattice
    step = h / FINE_BETWEEN[kernel]
    low = centres.min(axis=1) - MARGIN * step
    shape = np.ceil(np.ptp(centres, axis=1) / step).astype(int) + 2 * MARGIN + 1
    return _Lattice(*low, step, step, *shape.tolist(), holds_centres=False)


def _finer(first: float, step: float, count: int, widest: float) -> tuple[float, float, int]:
    """The same nodes, with as many between each two as bring them within `widest` of each other."""
    parts = ceil(step / widest) if count > 1 else 1
    return first, min(step / parts, widest), (count - 1) * parts + 1


def _axis(values: np.ndarray, slack: float) -> tuple[float, float, int] | None:
    """First, step and number of evenly spaced values among which all of these are; None if there are none such."""
    first, width = values.min(), np.ptp(values)
    if width <= slack:
        return first, np.inf, 1
    for arranged in (
        np.asarray,
        np.sort,
    ):  # neighbours in the table are mostly neighbours on the ground: no need to sort
        gaps = np.abs(np.diff(arranged(values)))
        gap = gaps.min(where=gaps > slack, initial=width)
        steps = round(width / gap)
        place = (values - first) * (steps / width)
        if np.abs(place - np.rint(place)).max() * gap <= slack:
            return first, width / steps, steps + 1
    return None


def _binned(x, y, w, h: float, centres: np.ndarray, kernel: str, lattice: _Lattice) -> np.ndarray:
    """The sums by way of a lattice: each event is shared among 16 nodes, and nodes are convolved with the kernel.

    Cubic weights give what interpolating the kernel between nodes would. That is off where its curvature jumps, at the
    rim of the quartic, for many events now up, now down; for a pile at one place all the same way. Piles are put right
    by adding them up exactly.
    """
    table, origin = _spread_out(x, y, w, h, kernel, lattice)
    found = _read(_convolved(table, h, kernel, lattice), lattice, centres)
    piles = table > PILE * found.max(initial=0.0)
    if piles.any() and kernel == "quartic":
        heap = _on(piles, x, y, origin, lattice)
        x, y, w = x[heap], y[heap], w[heap] if len(w) > 1 else w
        table, _ = _spread_out(x, y, w, h, kernel, lattice)
        found -= _read(_convolved(table, h, kernel, lattice), lattice, centres)
        found += _exact(*_collapsed(x, y, w), np.float64(h), centres, kernel)
    found[found < DUST * found.max(initial=0.0)] = 0.0
    return found


def _margins(h: float, kernel: str, lattice: _Lattice) -> tuple[int, int]:
    """Columns and rows beyond each side from which events reach the lattice, two more for their sharing out."""
    return tuple(ceil(_reach(h, kernel) / step) + 2 for step in (lattice.step_x, lattice.step_y))


def _spread_out(x, y, w, h: float, kernel: str, lattice: _Lattice) -> tuple[np.ndarray, tuple[float, float]]:
    """The table of nodes, with room for the kernel on every side (to an even size that transforms fast), its origin."""
    from scipy.fft import next_fast_len

    across, down = _margins(h, kernel, lattice)
    size = lattice.rows + 2 * down, lattice.columns + 2 * across
    table = np.zeros([2 * next_fast_len(-(-n // 2)) for n in size])
    origin = lattice.x0 - across * lattice.step_x, lattice.y0 - down * lattice.step_y
    _compiled(_spread)(x, y, w, *origin, 1 / lattice.step_x, 1 / lattice.step_y, table)
    return table, origin


def _convolved(table: np.ndarray, h: float, kernel: str, lattice: _Lattice) -> np.ndarray:
    """The table convolved with the kernel, at the nodes of the lattice: what wraps round stays in the margins.

    The kernel is even both ways: its transform is real, even, and the cosine transform of a quarter of it.
    """
    from scipy.fft import dctn, irfft2, rfft2

    across, down = _margins(h, kernel, lattice)
    half_down, half_across = table.shape[0] // 2 + 1, table.shape[1] // 2 + 1
    dy2, dx2 = (np.arange(half_down) * lattice.step_y / h) ** 2, (np.arange(half_across) * lattice.step_x / h) ** 2
    quarter = dctn(_kernel(dy2[:, None] + dx2, kernel), type=1, overwrite_x=True)
    product = rfft2(table)
    product[:half_down] *= quarter
    product[half_down:] *= quarter[half_down - 2 : 0 : -1]
    whole = irfft2(product, s=table.shape, overwrite_x=True)
    return whole[down : down + lattice.rows, across : across + lattice.columns]


def _kernel(u2: np.ndarray, kernel: str) -> np.ndarray:
    """1 in the middle; `u2` is the square of distance over bandwidth."""
    if kernel == "quartic":
        return np.square(np.maximum(1 - u2, 0))
    return np.where(u2 <= GAUSSIAN_REACH**2, np.exp(-u2 / 2), 0)


def _read(field: np.ndarray, lattice: _Lattice, centres: np.ndarray) -> np.ndarray:
    """The field at the centres: at their nodes, or by cubic splines between them."""
    column, row = (centres[0] - lattice.x0) / lattice.step_x, (centres[1] - lattice.y0) / lattice.step_y
    if lattice.holds_centres:
        return field[(row + 0.5).astype(np.int32), (column + 0.5).astype(np.int32)]
    from scipy.ndimage import map_coordinates

    return map_coordinates(field, [row, column], order=3, mode="mirror")


def _on(nodes: np.ndarray, x, y, origin, lattice: _Lattice) -> np.ndarray:
    """Which events have one of these nodes at a corner of the square they lie in."""
    column, row = (x - origin[0]) / lattice.step_x, (y - origin[1]) / lattice.step_y
    on = (column >= 1) & (column < nodes.shape[1] - 2) & (row >= 1) & (row < nodes.shape[0] - 2)
    squares = nodes[:-1, :-1] | nodes[:-1, 1:] | nodes[1:, :-1] | nodes[1:, 1:]
    on[on] = squares[row[on].astype(int), column[on].astype(int)]
    return on


def _exact(x, y, w, h, centres: np.ndarray, kernel: str, power: int = 1) -> np.ndarray:
    """Sums over the events in reach of weight times kernel (1 in the middle) to a power; missing where a centre is.

    `h` is one bandwidth, or one per event. Centres are sorted into rows of square boxes, so that those in reach of an
    event are a few stretches of memory.
    """
    sums = np.full(centres.shape[1], np.nan)
    known = np.flatnonzero(np.isfinite(centres).all(axis=0))
    if known.size:
        boxes = _boxes(*centres[:, known], float(np.median(_reach(h, kernel))) / 8)
        found = np.zeros(known.size)
        width = np.atleast_1d(h)
        _compiled(_sum)(x, y, w, width, _reach(width, kernel), *boxes[1:], kernel == "quartic", power, found)
        sums[known[boxes[0]]] = found
    return sums


def _boxes(x, y, side: float):
    """Order of the points by box, their x and y in it, where each box starts; the boxes' origin, side and number."""
    width, height = np.ptp(x), np.ptp(y)
    side = max(side, np.sqrt(width * height / len(x)), max(width, height) / 4_000, np.finfo(float).tiny)
    columns, rows = int(width // side) + 1, int(height // side) + 1
    low_x, low_y = x.min(), y.min()
    box = np.minimum((y - low_y) // side, rows - 1) * columns + np.minimum((x - low_x) // side, columns - 1)
    order = np.argsort(box, kind="stable")
    starts = np.searchsorted(box[order], np.arange(columns * rows + 1))
    return order, x[order], y[order], starts, low_x, low_y, side, columns, rows


def _abramson(pilot: np.ndarray, level: float, bandwidth_m: float) -> np.ndarray:
    """Bandwidths by the square-root law about `level`, the geometric mean of the pilot density over the events."""
    far = level / TRIM**2  # also where the pilot is nought
    return bandwidth_m * np.sqrt(level / np.maximum(pilot, far))


def _top(density: np.ndarray, share: float) -> np.ndarray:
    known = density[np.isfinite(density)]
    if not known.size:
        return np.zeros(len(density), dtype=bool)
    last = np.sort(known)[-min(known.size, max(1, ceil(share * known.size)))]
    return (density >= last) & (density > 0)


# --- the kernel's mass inside the land ---


def _polygons(land):
    """The land as valid polygons; lines and points in it have no area."""
    import shapely

    if shapely.get_type_id(land) in (3, 6) and shapely.is_valid(land):
        return land
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(land)))  # a collection may hold multipolygons
    return shapely.union_all(parts[shapely.get_type_id(parts) == 3])


def _inside(centres: np.ndarray, land) -> np.ndarray:
    """Which centres lie on land, its border included."""
    import shapely

    shapely.prepare(land)
    return shapely.intersects_xy(land, *centres)


def _mass_inside(centres: np.ndarray, h, kernel: str, land) -> np.ndarray:
    """The share of a kernel at each centre that lies on land; missing for centres outside.

    Along a ray from the centre, the share of the mass up to distance r is F(r): quartic 1 - (1 - r^2/h^2)^3, gaussian
    1 - exp(-r^2 / 2h^2). So the mass inside a border is the integral of F(r) d(angle) / 2 pi along it, land on the left
    (holes and islands add up), = [centre on land] - integral of (1 - F) d(angle) / 2 pi, of which only the stretches of
    border in reach count. No mask, no pixels: exact for the border given.
    """
    mass = np.full(centres.shape[1], np.nan)
    inside = np.flatnonzero(_inside(centres, land))
    if not inside.size:
        return mass
    here, h = centres[:, inside], h if h.ndim == 0 else h[inside]
    found = _mass_between(here, h, kernel, land) if h.ndim == 0 else _mass_at(here, h, kernel, land)
    thin = found < THIN
    if thin.any():
        found[thin] = _mass_at(here[:, thin], h if h.ndim == 0 else h[thin], kernel, land, tolerance=0.0)
    mass[inside] = np.where(found > LEAST_MASS, found, np.nan)
    return mass


def _mass_between(centres: np.ndarray, h, kernel: str, land) -> np.ndarray:
    """The mass inside at nodes of a lattice and between them by cubic splines, where the nodes are fewer."""
    step = h / MASS_NODES[kernel]
    low = centres.min(axis=1) - MARGIN * step
    shape = np.ceil(np.ptp(centres, axis=1) / step).astype(int) + 2 * MARGIN + 1
    if shape.prod() >= centres.shape[1]:
        return _mass_at(centres, h, kernel, land)
    across, down = (first + np.arange(n) * step for first, n in zip(low, shape, strict=True))
    nodes = np.stack([np.tile(across, len(down)), np.repeat(down, len(across))])
    field = _mass_at(nodes, h, kernel, land).reshape(len(down), len(across))
    return _read(field, _Lattice(*low, step, step, *shape.tolist(), holds_centres=False), centres)


def _mass_at(centres: np.ndarray, h, kernel: str, land, *, tolerance: float = SIMPLIFIED) -> np.ndarray:
    import shapely

    least, widest = float(np.min(h)), float(np.max(_reach(h, kernel)))
    border = shapely.simplify(land, least * tolerance)
    border = shapely.segmentize(shapely.orient_polygons(border), least)  # short enough for four points of integration
    centres = centres + np.array(NUDGE)[:, None] * least
    mass = _inside(centres, border).astype(float)
    ax, ay, bx, by = _edges(border)
    order, _, _, *boxes = _boxes((ax + bx) / 2, (ay + by) / 2, widest / 4)
    edges = [np.ascontiguousarray(end[order]) for end in (ax, ay, bx, by)]
    width = np.atleast_1d(h)
    reach = _reach(width, kernel) + least / 2  # an edge is found by its middle
    _compiled(_mass)(centres[0].copy(), centres[1].copy(), width, reach, *edges, *boxes, kernel == "quartic", mass)
    return mass


def _edges(land) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Start and end of every stretch of border, land on its left."""
    import shapely

    rings = shapely.get_rings(shapely.get_parts(land))
    place, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    return (*place[:-1][joined].T, *place[1:][joined].T)


# --- chance ---


def _labelled(cases, controls) -> pd.DataFrame:
    """One row per place, with its `cases` and `controls`."""
    frames = []
    for name, (x, y, n) in zip(("cases", "controls"), (_collapsed(*cases), _collapsed(*controls)), strict=True):
        frames.append(pd.DataFrame({"x": x, "y": y, name: n}))
    return pd.concat(frames).groupby(["x", "y"], sort=False, as_index=False)[["cases", "controls"]].sum()


def _pearson_p(observed, first, second, third, cases: float, controls: float) -> np.ndarray:
    """Two-sided p of a sum of kernels over cases drawn without replacement, by three exact moments and Pearson III."""
    n = cases + controls
    mean = first / n
    spread = np.maximum(second / n - mean**2, 0)
    lean = third / n - 3 * mean * second / n + 2 * mean**3
    variance = cases * controls / (n - 1) * spread
    even = variance <= ROUNDING * cases * second / n  # every labelling gives the same
    skew = cases * controls * (controls - cases) / ((n - 1) * max(n - 2, 1)) * lean
    with np.errstate(invalid="ignore", divide="ignore"):
        z, skew = (observed - cases * mean) / np.sqrt(variance), skew / variance**1.5
    return np.where(even, 1.0, np.minimum(1.0, 2 * np.minimum(_pearson_upper(z, skew), _pearson_upper(-z, -skew))))


def _pearson_upper(z, skew) -> np.ndarray:
    """Chance of z or more, of mean 0, variance 1 and this skewness: a gamma curve, moved, and turned for skew < 0."""
    from scipy.special import gammainc, gammaincc, ndtr

    shape = 4 / np.maximum(np.abs(skew), 1e-4) ** 2
    place = np.maximum(shape + np.sign(skew) * z * np.sqrt(shape), 0)
    curve = np.where(skew > 0, gammaincc(shape, place), gammainc(shape, place))
    return np.where(np.abs(skew) < 1e-4, ndtr(-z), curve)


def _relabelled(x, y, case, control, centres, h, kernel, permutations: int, seed: int) -> np.ndarray:
    """Two-sided Monte Carlo p: the same number of cases drawn from all, again and again."""
    pooled = case + control
    if (pooled != np.rint(pooled)).any():
        raise ValueError("Random labelling needs whole numbers of controls.")
    weights, known = _kernel_matrix(x, y, centres, h, kernel)
    observed, slack = weights @ case, ROUNDING * (weights @ pooled)
    rng, tails = np.random.default_rng(seed), np.zeros((2, len(observed)))
    for done in range(0, permutations, BLOCK):
        size = min(BLOCK, permutations - done)
        drawn = rng.multivariate_hypergeometric(pooled.astype(np.int64), int(case.sum()), size, method="marginals")
        simulated = weights @ drawn.T.astype(float)
        tails[0] += (simulated >= (observed - slack)[:, None]).sum(axis=1)
        tails[1] += (simulated <= (observed + slack)[:, None]).sum(axis=1)
    p = np.full(centres.shape[1], np.nan)
    p[known] = significance.two_sided(*tails, permutations)
    return p


def _kernel_matrix(x, y, centres, h, kernel: str):
    """Kernel of each event at each known centre (rows), as a sparse matrix; and which centres these are."""
    from scipy.spatial import cKDTree

    known = np.flatnonzero(np.isfinite(centres).all(axis=0))
    trees = cKDTree(centres[:, known].T), cKDTree(np.column_stack([x, y]))
    near = trees[0].sparse_distance_matrix(trees[1], _reach(h, kernel), output_type="coo_matrix")
    near.data = _kernel((near.data / h) ** 2, kernel)
    return near.tocsr(), known


# --- loops, compiled on first use ---


@cache
def _compiled(function):
    """Machine code of one of the loops below, kept on disk for the next start."""
    import numba

    return numba.njit(cache=True)(function)


def _spread(x, y, w, x0, y0, per_x, per_y, table):
    """Share each event among the 4 x 4 nodes around it by cubic Lagrange weights, which sum to 1."""
    rows, columns = table.shape
    each = 1 if len(w) == len(x) else 0
    for i in range(len(x)):
        a, b, weight = (x[i] - x0) * per_x, (y[i] - y0) * per_y, w[i * each]
        if not (a >= 1 and a < columns - 2 and b >= 1 and b < rows - 2 and abs(weight) < np.inf):
            continue  # out of reach, or missing
        c, r = int(a), int(b)
        s, t = a - c, b - r
        across_0, across_1 = -s * (s - 1) * (s - 2) / 6, (s + 1) * (s - 1) * (s - 2) / 2
        across_2, across_3 = -(s + 1) * s * (s - 2) / 2, (s + 1) * s * (s - 1) / 6
        down = (
            -t * (t - 1) * (t - 2) / 6,
            (t + 1) * (t - 1) * (t - 2) / 2,
            -(t + 1) * t * (t - 2) / 2,
            (t + 1) * t * (t - 1) / 6,
        )
        for k in range(4):
            part = weight * down[k]
            table[r - 1 + k, c - 1] += part * across_0
            table[r - 1 + k, c] += part * across_1
            table[r - 1 + k, c + 1] += part * across_2
            table[r - 1 + k, c + 2] += part * across_3


def _sum(x, y, w, h, reach, at_x, at_y, starts, low_x, low_y, side, columns, rows, quartic, power, sums):
    """Add each event's weight times kernel to the centres in its reach. Events are complete; `h` and `w` may be one."""
    for i in range(len(x)):
        far, weight = reach[i if len(reach) > 1 else 0], w[i if len(w) > 1 else 0]
        scale = 1 / h[i if len(h) > 1 else 0] ** 2
        first, last = np.floor((y[i] - far - low_y) / side), np.floor((y[i] + far - low_y) / side)
        if last < 0 or first > rows - 1:
            continue
        for row in range(int(max(0, first)), int(min(rows - 1, last)) + 1):
            bottom = low_y + row * side
            away = 0.0  # of the row of boxes from the event
            if row > 0 and y[i] < bottom:
                away = bottom - y[i]
            elif row < rows - 1 and y[i] > bottom + side:
                away = y[i] - bottom - side
            half = np.sqrt(max(far * far - away * away, 0.0)) + side * 1e-9
            left, right = np.floor((x[i] - half - low_x) / side), np.floor((x[i] + half - low_x) / side)
            if right < 0 or left > columns - 1:
                continue
            box, past = row * columns + int(max(0, left)), row * columns + int(min(columns - 1, right)) + 1
            for j in range(starts[box], starts[past]):
                u2 = ((at_x[j] - x[i]) ** 2 + (at_y[j] - y[i]) ** 2) * scale
                if quartic:
                    if u2 < 1:
                        part = shape = (1 - u2) * (1 - u2)
                        for _ in range(power - 1):
                            part *= shape
                        sums[j] += weight * part
                elif u2 <= 30.25:  # GAUSSIAN_REACH squared
                    sums[j] += weight * np.exp(-0.5 * power * u2)


def _mass(x, y, h, reach, ax, ay, bx, by, starts, low_x, low_y, side, columns, rows, quartic, mass):
    """Take from each centre's mass the integral of (1 - F) d(angle) / 2 pi along the border in reach.

    An edge is measured from the foot of the perpendicular on its line: p is the distance of the line, signed, s the
    place along it, d(angle) = p / (p^2 + s^2) ds.
    """
    places = (-0.8611363115940526, -0.3399810435848563, 0.3399810435848563, 0.8611363115940526)  # Gauss-Legendre
    shares = (0.34785484513745385, 0.6521451548625461, 0.6521451548625461, 0.34785484513745385)
    for i in range(len(x)):
        far, width = reach[i if len(reach) > 1 else 0], h[i if len(h) > 1 else 0]
        left, right = max(0.0, (x[i] - far - low_x) // side), min(columns - 1.0, (x[i] + far - low_x) // side)
        bottom, top = max(0.0, (y[i] - far - low_y) // side), min(rows - 1.0, (y[i] + far - low_y) // side)
        if left > right or bottom > top:
            continue
        beyond = 0.0
        for row in range(int(bottom), int(top) + 1):
            for j in range(starts[row * columns + int(left)], starts[row * columns + int(right) + 1]):
                long = np.hypot(bx[j] - ax[j], by[j] - ay[j])
                if long == 0:
                    continue
                ux, uy = (bx[j] - ax[j]) / long, (by[j] - ay[j]) / long
                p = ((ax[j] - x[i]) * uy - (ay[j] - y[i]) * ux) / width
                start = ((ax[j] - x[i]) * ux + (ay[j] - y[i]) * uy) / width
                end = start + long / width
                if quartic:  # F / r^2 = 3 - 3 r^2 + r^4 inside the circle
                    if p * p >= 1:
                        continue
                    chord = np.sqrt(1 - p * p)
                    start, end = max(start, -chord), min(end, chord)
                    if end <= start:
                        continue
                    even, square = 3 - 3 * p * p + p**4, 2 * p * p - 3
                    part = p * (even * (end - start) + square * (end**3 - start**3) / 3 + (end**5 - start**5) / 5)
                else:  # F / r^2 is smooth
                    part = 0.0
                    for k in range(4):
                        s = (start + end) / 2 + places[k] * (end - start) / 2
                        r2 = p * p + s * s
                        part += shares[k] * (-np.expm1(-r2 / 2) / r2 if r2 > 0 else 0.5)
                    part *= p * (end - start) / 2
                beyond += np.arctan2(p * (end - start), p * p + start * end) - part
        mass[i] -= beyond / (2 * np.pi)
