"""Near repeats: does one event make another nearby soon after more likely? A row is a band of distance and time."""

import functools

import numpy as np
import pandas as pd

from analytics import neighbours, rates
from analytics.errors import NotEnoughData

FEWEST_POINTS = 2  # below this there is no pair; what is too little to show is the page's decision
LANES = 64  # permutations counted side by side: one or two registers of small numbers
FLUSH = 32_000  # pairs counted before a 16-bit counter could overflow
DAY = 86_400_000_000  # in microseconds, in which dates are reckoned: whole numbers, so that band edges stay exact
METRICS = {"euclidean": 2, "manhattan": 1}  # the power p of the Minkowski distance


def knox(
    points: pd.DataFrame,
    *,
    distance_bands_m,
    time_bands_days,
    permutations: int = 999,
    seed: int = 0,
    metric: str = "euclidean",
) -> pd.DataFrame:
    """Knox test: are there more pairs of events close in both space and time than place and time alone explain?

    points : one row per event: `x`, `y` (metres) and `date` (dates, moments, or a number of days). A row with one of
        them missing is left out; `.attrs["left_out"]` says how many were.
    distance_bands_m, time_bands_days : edges of the bands, rising, from 0 or more; the lower edge belongs to a band,
        the upper one does not, and the last may be infinite. [0, 1, 100] parts events at one place from near ones.
        Distances closer than one part in 10^9 to an edge lie on it.
    permutations : the dates are shuffled over the places so often; 0 gives the exact `expected` and no p-value.
    metric : `euclidean` (as the crow flies) or `manhattan` (along a grid of streets).

    Returns one row per pair of bands, by distance then time: `distance_from`, `distance_to`, `days_from`, `days_to`,
    `observed` (pairs, each counted once), `expected` (mean over the shuffles), `ratio` (missing where none is
    expected) and `p_value`: one-sided, for too many pairs, (r + 1)/(permutations + 1), not corrected for the number of
    bands.
    Misleads when the pattern of places changes over the period (a new estate, a summer resort, a road closed): shuffled
    dates take that for near repeats, so keep the period short. Published places are snapped, so "same place" may be a
    street; a date given as a month end or as the day of report makes pairs of its own. One event with many victims is
    many pairs at distance 0 and day 0: count events. Memory follows the number of pairs closer than the last finite
    edge, about 55 bytes each.
    Source: Knox (1964), Applied Statistics 13(1), 25-30; Johnson et al (2007), J. Quant. Criminol. 23(3), 201-219.
    """
    edges_m, edges_days = _edges(distance_bands_m, "distance_bands_m"), _edges(time_bands_days, "time_bands_days")
    if metric not in METRICS:
        raise ValueError(f"metric is {' or '.join(METRICS)}.")
    place, ticks, tick = _placed(points)
    if len(ticks) < FEWEST_POINTS:
        raise NotEnoughData(
            f"Near repeats are pairs of events with a place and a date: at least {FEWEST_POINTS} are needed, "
            f"and there are {len(ticks)}."
        )
    limits = _limits(edges_days, tick, int(ticks.max()))
    first, second, band = _close_pairs(place, edges_m, METRICS[metric])
    every = _pairs_within(ticks, limits)  # of all distances: no shuffle changes it
    observed = _table(_counted(ticks, first, second, band, limits, edges_m), every, edges_m)[..., 0]
    if permutations:
        expected, p = _against_shuffles(
            observed, ticks, first, second, band, limits, every, edges_m, permutations, seed
        )
    else:
        apart = _table(_sizes(band, edges_m), np.array([0, _pairs(len(ticks))]), edges_m)[..., 0]
        expected, p = apart * np.diff(every) / _pairs(len(ticks)), np.full(observed.shape, np.nan)
    return _as_rows(edges_m, edges_days, observed, expected, p, left_out=len(points) - len(ticks))


def nearby(
    points: pd.DataFrame, *, within_m: float = 200, within_days: float = 14, permutations: int = 999, seed: int = 0
) -> pd.DataFrame:
    """How many times as many pairs of events as chance gives are both near each other and soon after each other?

    points, permutations, seed : as in `knox`.
    within_m, within_days : pairs nearer than `within_m` metres (as the crow flies) and fewer than `within_days` days
        apart; neither limit is included.

    Returns one row, that of `knox` for this one band, with `lower`, `upper` (95%: of `observed` by Poisson, over
    `expected`), `method` and `events` (those with a place and a date). No pair expected: no ratio, no interval.
    Misleads as `knox` does. The interval takes pairs for independent, though one event can be in many: where incidents
    come as several events at once (five victims make ten pairs) it is too narrow. Whether there are more pairs than
    chance gives is for `p_value` to say.
    Source: as for `knox`; interval as in `rates.crude`.
    """
    bands = {"distance_bands_m": [0, within_m], "time_bands_days": [0, within_days]}
    row = knox(points, **bands, permutations=permutations, seed=seed)
    interval = rates.crude(row["observed"], row["expected"], per=1)
    method = interval["method"].where(row["expected"] > 0)
    events = len(points) - row.attrs["left_out"]
    return row.assign(lower=interval["lower"], upper=interval["upper"], method=method, events=events)


def _against_shuffles(observed, ticks, first, second, band, limits, every, edges_m, permutations: int, seed: int):
    """Mean over the shuffles, and the share of them, the observed among them, with as many pairs or more."""
    total, at_least, rng = np.zeros(observed.shape), np.zeros(observed.shape), np.random.default_rng(seed)
    paired, first, second = _renumbered(first, second, len(ticks))
    small = np.result_type(np.int16, np.min_scalar_type(-int(limits.max())))  # the smaller, the more fit a register
    order, limits = ticks.astype(small), limits.astype(small)
    shuffled = np.empty((paired, LANES), dtype=small)
    for done in range(0, permutations, LANES):
        counts = np.zeros((len(edges_m), len(limits), LANES), dtype=np.int64)
        _compiled(_deal)(rng.random((LANES, paired)), order, shuffled)
        _compiled(_count)(first, second, band, shuffled, limits, counts)
        simulated = _table(counts, every, edges_m)[..., : permutations - done]
        total += simulated.sum(axis=-1)
        at_least += (simulated >= observed[..., None]).sum(axis=-1)
    return total / permutations, (at_least + 1) / (permutations + 1)


def _edges(bands, name: str) -> np.ndarray:
    edges = np.asarray(bands, dtype=float)
    if edges.ndim != 1 or len(edges) < 2 or np.isnan(edges).any() or edges[0] < 0 or (np.diff(edges) <= 0).any():
        raise ValueError(f"{name} are at least two edges, rising, from 0 or more.")
    return edges


def _placed(points: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, int]:
    """Places and moments of the events that have both; moments are whole ticks since the first event, `tick`
    microseconds each: the longest step that they all are multiples of (a day, for dates)."""
    place = points[["x", "y"]].to_numpy(dtype=float, na_value=np.nan)
    moment, known = _microseconds(points["date"])
    known &= np.isfinite(place).all(axis=1)
    moment = moment[known] - moment[known].min(initial=np.iinfo(np.int64).max)
    tick = int(np.gcd.reduce(moment, initial=0)) or 1
    return place[known], moment // tick, tick


def _microseconds(dates: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    if pd.api.types.is_numeric_dtype(dates):
        days = dates.to_numpy(dtype=float, na_value=np.nan)
        known = np.isfinite(days)
        return np.round(np.where(known, days, 0) * DAY).astype(np.int64), known
    dates = pd.to_datetime(dates)
    dates = dates.dt.tz_localize(None) if dates.dt.tz is not None else dates  # as read on the wall clock
    known = dates.notna().to_numpy(copy=True)
    return dates.to_numpy().astype("datetime64[us]").astype(np.int64), known


def _limits(edges_days: np.ndarray, tick: int, longest: int) -> np.ndarray:
    """The edges in ticks, rounded up: a gap of whole ticks is below an edge when it is below the edge rounded up."""
    ticks = np.ceil(np.round(np.minimum(edges_days * DAY, (longest + 1.0) * tick)) / tick)
    return np.minimum(ticks, longest + 1).astype(np.int64)


def _close_pairs(place, edges_m, power: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs nearer than the last finite edge, and the band of each: 0 is nearer than the first edge."""
    from scipy.spatial import cKDTree

    finite = edges_m[np.isfinite(edges_m)]
    pairs = cKDTree(place).query_pairs(finite[-1], p=power, output_type="ndarray")
    first, second = (rows.astype(np.uint32) for rows in pairs.T)
    apart = np.abs(place[first] - place[second])
    apart = np.hypot(*apart.T) if power == 2 else apart.sum(axis=1)
    band = np.searchsorted(finite, apart * (1 + neighbours.ROUNDING), side="right").astype(np.uint16)
    inside = band < len(finite)
    return first[inside], second[inside], band[inside]


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _pairs_within(ticks: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Pairs of all events closer in time than each limit."""
    ordered = np.sort(ticks)
    until = [np.searchsorted(ordered, ordered + limit, side="left") for limit in limits]
    return np.array([np.maximum(last - np.arange(len(ordered)) - 1, 0).sum() for last in until])


def _sizes(band: np.ndarray, edges_m: np.ndarray) -> np.ndarray:
    """Pairs in each distance band, in the shape of `_counted` with the one band of time that holds all."""
    counts = np.bincount(band, minlength=len(edges_m))
    return np.stack([np.zeros_like(counts), counts], axis=1)[..., None]


def _counted(ticks, first, second, band, limits, edges_m) -> np.ndarray:
    """Pairs in each distance band that are closer in time than each limit; the last axis is one table."""
    step = np.searchsorted(limits, np.abs(ticks[first] - ticks[second]), side="right")
    shape = (len(edges_m), len(limits) + 1)
    counts = np.bincount(band.astype(np.int64) * shape[1] + step, minlength=shape[0] * shape[1]).reshape(shape)
    return counts.cumsum(axis=1)[:, :-1, None]


def _table(within: np.ndarray, every: np.ndarray, edges_m: np.ndarray) -> np.ndarray:
    """From pairs below each limit to pairs in each band of time; what is farther than the last finite edge is what
    is left of all pairs."""
    counts, every = np.diff(within, axis=1), np.diff(every)
    finite = int(np.isfinite(edges_m).sum())
    if finite == len(edges_m):
        return counts[1:]
    farther = every[:, None] - counts.sum(axis=0)
    return np.concatenate([counts[1:finite], farther[None]])


def _renumbered(first, second, n: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Only events with another nearby need a shuffled date: how many there are, and the pairs in their numbers."""
    paired = np.zeros(n, dtype=bool)
    paired[first], paired[second] = True, True
    number = np.cumsum(paired, dtype=np.uint32) - 1
    return int(paired.sum()), number[first], number[second]


def _deal(random, order, shuffled):
    """Dates for the paired events, one column per shuffle: the first steps of a Fisher-Yates shuffle of all dates.
    It goes on from the order it left, which is as good a start as any. (Compiled.)"""
    n = len(order)
    for lane in range(random.shape[0]):
        for i in range(random.shape[1]):
            j = i + int(random[lane, i] * (n - i))
            order[i], order[j] = order[j], order[i]
            shuffled[i, lane] = order[i]


def _count(first, second, band, shuffled, limits, counts):
    """Adds to `counts` the pairs of each distance band that are closer than each limit, in every shuffle at once: the
    innermost loops run over as many numbers as fit a register or two. (Compiled.)"""
    few = np.zeros(counts.shape, np.int16)
    gap = np.empty(LANES, shuffled.dtype)
    for start in range(0, len(first), FLUSH):
        for pair in range(start, min(start + FLUSH, len(first))):
            i, j, s = np.intp(first[pair]), np.intp(second[pair]), np.intp(band[pair])
            for lane in range(LANES):
                one, two = shuffled[i, lane], shuffled[j, lane]
                gap[lane] = max(one, two) - min(one, two)
            for k in range(len(limits)):
                limit = limits[k]
                for lane in range(LANES):
                    few[s, k, lane] += np.int16(gap[lane] < limit)
        counts += few
        few[:] = 0


@functools.cache
def _compiled(function):
    from numba import njit

    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # nowhere to keep the compiled code: compile again next time
        return njit(nogil=True)(function)


def _as_rows(edges_m, edges_days, observed, expected, p, *, left_out: int) -> pd.DataFrame:
    metres, days = len(edges_m) - 1, len(edges_days) - 1
    table = pd.DataFrame(
        {
            "distance_from": np.repeat(edges_m[:-1], days),
            "distance_to": np.repeat(edges_m[1:], days),
            "days_from": np.tile(edges_days[:-1], metres),
            "days_to": np.tile(edges_days[1:], metres),
            "observed": observed.ravel(),
            "expected": expected.ravel(),
        }
    )
    ratio = table["observed"] / table["expected"].where(table["expected"] > 0)
    table = table.assign(ratio=ratio, p_value=p.ravel())
    table.attrs["left_out"] = left_out
    return table
