"""Sums of kernels over the events in reach of each centre: added one by one, or by way of a lattice."""

from math import ceil
from typing import NamedTuple

import numpy as np
import pandas as pd

from analytics import density_loops as loops

GAUSSIAN_REACH = 5.5  # standard deviations; beyond lie 3e-7 of an event
EXACT_TO = 100_000_000  # pairs of event and cell added one by one (about half a second); more go by a lattice
LARGEST_LATTICE = 16_000_000  # nodes: 128 MB a table
FINE = {"quartic": 7, "gaussian": 3.5}  # nodes per bandwidth: a lone event is off by 0.55% and 0.09% of its own peak
FINE_BETWEEN = {"quartic": 20, "gaussian": 6}  # where centres lie between nodes, and the field is interpolated
PILE = 0.05  # a node with this share of the peak holds a pile, whose 0.55% would show: it is added up exactly
SAME_PLACE = 1e-6  # of the bandwidth: a shift this small moves the density by a millionth of its peak
DUST = 1e-12  # of the peak: what a Fourier transform leaves where there is nothing
MARGIN = 10  # nodes beyond the outermost centres: there a spline's guess of what lies beyond has died away


class Lattice(NamedTuple):
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


def density(events, centres: np.ndarray, h: float, kernel: str) -> np.ndarray:
    known = np.isfinite(centres).all(axis=0)
    if not known.all():
        found = np.full(centres.shape[1], np.nan)
        found[known] = density(events, centres[:, known], h, kernel)
        return found
    if not centres.size:
        return np.zeros(0)
    lattice = _lattice(centres, h, kernel)
    if _pairs(len(events[0]), centres, h, kernel) <= EXACT_TO or lattice.nodes > LARGEST_LATTICE:
        return per_km2(exact(*collapsed(*events), np.float64(h), centres, kernel), h, kernel)
    return per_km2(_binned(*events, h, centres, kernel, lattice), h, kernel)


def per_km2(sums: np.ndarray, h: float, kernel: str) -> np.ndarray:
    """Sums of kernels that are 1 in the middle, as events per square kilometre."""
    return sums * (1e6 * (3 / (np.pi * h**2) if kernel == "quartic" else 1 / (2 * np.pi * h**2)))


def reach(h, kernel: str):
    return h if kernel == "quartic" else h * GAUSSIAN_REACH


def _pairs(n: int, centres: np.ndarray, h: float, kernel: str) -> float:
    """About how many pairs of event and centre lie within reach of each other."""
    far = reach(h, kernel)
    area = np.prod(np.ptp(centres, axis=1) + 2 * far)
    return n * centres.shape[1] * min(1.0, np.pi * far**2 / area) * (1 if kernel == "quartic" else 3)  # exp is slow


def collapsed(x, y, w) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One event per place, with the sum of the weights: published crime lies on few places. From south to north, so
    that one event after another reaches much the same centres."""
    events = pd.DataFrame({"x": x, "y": y, "w": w if len(w) == len(x) else np.broadcast_to(w, len(x))})
    events = events[np.isfinite(events).all(axis=1)].groupby(["y", "x"], as_index=False)["w"].sum()
    return events["x"].to_numpy(), events["y"].to_numpy(), events["w"].to_numpy()


def _lattice(centres: np.ndarray, h: float, kernel: str) -> Lattice:
    """Nodes that the centres lie on, fine enough for the kernel; else nodes to interpolate between.

    Squares lie on a lattice; the centres of hexagons are every other node of one; cells of both may be left out.
    """
    axes = [_axis(values, SAME_PLACE * h) for values in centres]
    if None not in axes:
        nodes = [_finer(*axis, h / FINE[kernel]) for axis in axes]
        lattice = Lattice(*(part for pair in zip(*nodes, strict=True) for part in pair), holds_centres=True)
        if lattice.nodes <= LARGEST_LATTICE:
            return lattice
    step = h / FINE_BETWEEN[kernel]
    low = centres.min(axis=1) - MARGIN * step
    shape = np.ceil(np.ptp(centres, axis=1) / step).astype(int) + 2 * MARGIN + 1
    return Lattice(*low, step, step, *shape.tolist(), holds_centres=False)


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


def _binned(x, y, w, h: float, centres: np.ndarray, kernel: str, lattice: Lattice) -> np.ndarray:
    """The sums by way of a lattice: each event is shared among 16 nodes, and nodes are convolved with the kernel.

    Cubic weights give what interpolating the kernel between nodes would. That is off where its curvature jumps, at the
    rim of the quartic, for many events now up, now down; for a pile at one place all the same way. Piles are put right
    by adding them up exactly.
    """
    table, origin = _spread_out(x, y, w, h, kernel, lattice)
    found = read(_convolved(table, h, kernel, lattice), lattice, centres)
    piles = table > PILE * found.max(initial=0.0)
    if piles.any() and kernel == "quartic":
        heap = _on(piles, x, y, origin, lattice)
        x, y, w = x[heap], y[heap], w[heap] if len(w) > 1 else w
        table, _ = _spread_out(x, y, w, h, kernel, lattice)
        found -= read(_convolved(table, h, kernel, lattice), lattice, centres)
        found += exact(*collapsed(x, y, w), np.float64(h), centres, kernel)
    found[found < DUST * found.max(initial=0.0)] = 0.0
    return found


def _margins(h: float, kernel: str, lattice: Lattice) -> tuple[int, int]:
    """Columns and rows beyond each side from which events reach the lattice, two more for their sharing out."""
    return tuple(ceil(reach(h, kernel) / step) + 2 for step in (lattice.step_x, lattice.step_y))


def _spread_out(x, y, w, h: float, kernel: str, lattice: Lattice) -> tuple[np.ndarray, tuple[float, float]]:
    """The table of nodes, with room for the kernel on every side (to an even size that transforms fast), its origin."""
    from scipy.fft import next_fast_len

    across, down = _margins(h, kernel, lattice)
    size = lattice.rows + 2 * down, lattice.columns + 2 * across
    table = np.zeros([2 * next_fast_len(-(-n // 2)) for n in size])
    origin = lattice.x0 - across * lattice.step_x, lattice.y0 - down * lattice.step_y
    loops.compiled(loops.spread)(x, y, w, *origin, 1 / lattice.step_x, 1 / lattice.step_y, table)
    return table, origin


def _convolved(table: np.ndarray, h: float, kernel: str, lattice: Lattice) -> np.ndarray:
    """The table convolved with the kernel, at the nodes of the lattice: what wraps round stays in the margins.

    The kernel is even both ways: its transform is real, even, and the cosine transform of a quarter of it.
    """
    from scipy.fft import dctn, irfft2, rfft2

    across, down = _margins(h, kernel, lattice)
    half_down, half_across = table.shape[0] // 2 + 1, table.shape[1] // 2 + 1
    dy2, dx2 = (np.arange(half_down) * lattice.step_y / h) ** 2, (np.arange(half_across) * lattice.step_x / h) ** 2
    quarter = dctn(kernel_at(dy2[:, None] + dx2, kernel), type=1, overwrite_x=True)
    product = rfft2(table)
    product[:half_down] *= quarter
    product[half_down:] *= quarter[half_down - 2 : 0 : -1]
    whole = irfft2(product, s=table.shape, overwrite_x=True)
    return whole[down : down + lattice.rows, across : across + lattice.columns]


def kernel_at(u2: np.ndarray, kernel: str) -> np.ndarray:
    """1 in the middle; `u2` is the square of distance over bandwidth."""
    if kernel == "quartic":
        return np.square(np.maximum(1 - u2, 0))
    return np.where(u2 <= GAUSSIAN_REACH**2, np.exp(-u2 / 2), 0)


def read(field: np.ndarray, lattice: Lattice, centres: np.ndarray) -> np.ndarray:
    """The field at the centres: at their nodes, or by cubic splines between them."""
    column, row = (centres[0] - lattice.x0) / lattice.step_x, (centres[1] - lattice.y0) / lattice.step_y
    if lattice.holds_centres:
        return field[(row + 0.5).astype(np.int32), (column + 0.5).astype(np.int32)]
    from scipy.ndimage import map_coordinates

    return map_coordinates(field, [row, column], order=3, mode="mirror")


def _on(nodes: np.ndarray, x, y, origin, lattice: Lattice) -> np.ndarray:
    """Which events have one of these nodes at a corner of the square they lie in."""
    column, row = (x - origin[0]) / lattice.step_x, (y - origin[1]) / lattice.step_y
    on = (column >= 1) & (column < nodes.shape[1] - 2) & (row >= 1) & (row < nodes.shape[0] - 2)
    squares = nodes[:-1, :-1] | nodes[:-1, 1:] | nodes[1:, :-1] | nodes[1:, 1:]
    on[on] = squares[row[on].astype(int), column[on].astype(int)]
    return on


def exact(x, y, w, h, centres: np.ndarray, kernel: str, power: int = 1) -> np.ndarray:
    """Sums over the events in reach of weight times kernel (1 in the middle) to a power; missing where a centre is.

    `h` is one bandwidth, or one per event. Centres are sorted into rows of square boxes, so that those in reach of an
    event are a few stretches of memory.
    """
    sums = np.full(centres.shape[1], np.nan)
    known = np.flatnonzero(np.isfinite(centres).all(axis=0))
    if known.size:
        order, *boxed = boxes(*centres[:, known], float(np.median(reach(h, kernel))) / 8)
        found = np.zeros(known.size)
        width = np.atleast_1d(h)
        loops.compiled(loops.add)(x, y, w, width, reach(width, kernel), *boxed, kernel == "quartic", power, found)
        sums[known[order]] = found
    return sums


def boxes(x, y, side: float):
    """Order of the points by box, their x and y in it, where each box starts; the boxes' origin, side and number."""
    width, height = np.ptp(x), np.ptp(y)
    side = max(side, np.sqrt(width * height / len(x)), max(width, height) / 4_000, np.finfo(float).tiny)
    columns, rows = int(width // side) + 1, int(height // side) + 1
    low_x, low_y = x.min(), y.min()
    box = np.minimum((y - low_y) // side, rows - 1) * columns + np.minimum((x - low_x) // side, columns - 1)
    order = np.argsort(box, kind="stable")
    starts = np.searchsorted(box[order], np.arange(columns * rows + 1))
    return order, x[order], y[order], starts, low_x, low_y, side, columns, rows
