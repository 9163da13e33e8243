"""Scan statistics: the circles, or circles and months, where events stand out most from what is expected. A row is a
cluster."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics import scan_kernels as kernels
from analytics.errors import NotEnoughData
from analytics.scan_kernels import ROUNDING, WIDTH, Bins, Circles, Model, Windows

ALIKE = 0.96  # start months that expect at least this part of the most are looked at together: a matter of speed
MANY = 10  # events per cell from which drawing cell by cell is faster than event by event
FINENESS = 12  # bins of expected numbers per square root of the largest: a bin is a third of its standard deviation
MOST_BINS = 4_096  # keeps the table of limits in the processor's cache
NARROW = np.iinfo(np.int16).max  # windows with more events than this are counted in 32 bits
Tell = Callable[[float], None] | None
DIGITS = 9  # strengths that agree to so many digits are ties, settled by the order of the rows


def spatial(
    areas: pd.DataFrame,
    *,
    cases: str = "cases",
    population: str = "population",
    expected: str | None = None,
    max_population: float = 0.5,
    min_cases: int = 2,
    simulations: int = 999,
    seed: int = 0,
    model: str = "poisson",
    threads: int | None = None,
    tell: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Which circle of neighbouring areas has more events than its share, and could that be chance?

    areas : one row per area with `area_code`, `x`, `y` (centre) and the columns named. A row in which one of them is
        missing is left out. `expected`, where given, is scaled to the number of events and replaces the population.
    max_population : the largest circle, as a share of the population (of `expected` where there is no population).
    min_cases : the fewest events that make a cluster. simulations : 0 for no p-values. seed : for the simulations.
    model : "poisson" for counts, "bernoulli" where each person is or is not a case (`cases` of `population`).
    threads : as many as the machine has, if not said; the result does not depend on it.
    tell : called now and then with the share of the simulations that is done.

    Returns one row per cluster, the most likely first, then by falling `llr` the best circle of each centre that shares
    no area with those before: `area_codes` (from the centre outwards), `cases`, `expected`, `relative_risk` (inside
    over outside; infinite where all events are inside), `llr` and `p_value`, (1 + simulated maxima at least as large) /
    (simulations + 1), which allows for the choice among circles. No rows where no circle has more than expected.
    Misleads where clusters are not round, as along a road or coast: the circle takes in innocent areas. Its edge is a
    guess. Events that come together make chance clusters more likely than the p-value says. Secondary clusters are
    measured against the strongest of each simulation, so their p-values are on the high side.
    Source: Kulldorff (1997), Communications in Statistics: Theory and Methods 26(6), 1481-1496.
    """
    if model not in ("poisson", "bernoulli") or (model == "bernoulli" and expected is not None):
        raise ValueError('`model` is "poisson" or "bernoulli"; the latter takes a population and no `expected`.')
    people = population if expected is None or population in areas else None
    areas = _complete(areas, {cases, people, expected} - {None})
    counts = areas[[cases]].to_numpy(dtype=float)
    awaited = _scaled(areas[[expected or people]].to_numpy(dtype=float), counts, whole=model == "bernoulli")
    circles = _circles(areas, areas[people or expected], max_population)
    draw, crowd = _multinomial(awaited), 0
    if model == "bernoulli":
        draw, crowd = _hypergeometric(areas[people], counts), areas[people].sum()
    study = _study(counts, awaited, circles, _windows(awaited, 1, False), min_cases, draw, crowd)
    return _clusters(areas, study, simulations, seed, threads, tell).drop(columns="span")


def space_time(
    areas: pd.DataFrame,
    counts: pd.DataFrame,
    *,
    population: str = "population",
    expected: str | None = None,
    max_population: float = 0.5,
    max_months: int | None = None,
    min_cases: int = 2,
    prospective: bool = False,
    simulations: int = 999,
    seed: int = 0,
    threads: int | None = None,
    tell: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Where and when were there more events than expected: which circle of areas, over which months?

    areas : as in `spatial`, without events. counts : one row per `area_code` and `month` (the first day) with `n`; rows
        that are not there are 0, a missing `n` is unknown and neither counted nor expected, and what lies in none of
        `areas` is left out. The periods run from the
        first month to the last, so a last month without any event needs a row with 0. Months that are all a year (or
        any number of months) apart are periods of that length.
    expected : the name of a column of `counts` with what is expected of that area and month, scaled to the number of
        events; rows not there expect none. Else every period is alike, and areas go by population.
    max_population : as in `spatial`. max_months : the longest window in periods, half of them if not said.
    prospective : only windows that reach into the last period, for an alarm; else any.
    min_cases, simulations, seed, threads, tell : as in `spatial`.

    Returns what `spatial` does, and `start`, `end` (first and last month, included); when prospective also
    `recurrence_interval`: 1 / p_value, how many periods pass between alarms as strong by chance. A later cluster shares
    no area with an earlier one in any month of both.
    Misleads when the season, or growth everywhere, is not in `expected`: then the cluster is a summer. Otherwise as
    `spatial`. A prospective p-value is for one look; who looks every month reads the recurrence interval.
    Source: Kulldorff et al. (1998), American Journal of Public Health 88(9), 1377-1380; Kulldorff (2001), Journal of
    the Royal Statistical Society A 164(1), 61-72, for prospective use.
    """
    people = population if expected is None or population in areas else None
    areas = _complete(areas, {people} - {None})
    number, months = _periods(counts)
    n, known = _matrix(areas, counts, "n", number, len(months))
    if expected is None:
        awaited = areas[[people]].to_numpy(dtype=float) * known
    else:
        awaited, also_known = _matrix(areas, counts, expected, number, len(months))
        n, awaited = n * also_known, awaited * known
    awaited = _scaled(awaited, n)
    circles = _circles(areas, awaited.sum(axis=1) if people is None else areas[people], max_population)
    windows = _windows(awaited, max_months, prospective)
    study = _study(n, awaited, circles, windows, min_cases, _multinomial(awaited))
    return _in_time(_clusters(areas, study, simulations, seed, threads, tell), months, prospective)


def permutation(
    areas: pd.DataFrame,
    counts: pd.DataFrame,
    *,
    population: str = "population",
    max_population: float = 0.5,
    max_months: int | None = None,
    min_cases: int = 2,
    prospective: bool = False,
    simulations: int = 999,
    seed: int = 0,
    threads: int | None = None,
    tell: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Where and when did events come together in a way that neither the place nor the month alone explains?

    No population is needed: an area and month expects its share of the area's events and of the month's, so that busy
    places and busy months are no clusters. Simulations shuffle the months among the events.

    areas, counts and the rest : as in `space_time`. An area with an unknown `n` is left out. `population`, where
        `areas` has it, only limits the circles; else events do.

    Returns what `space_time` does.
    Misleads when the population grows faster in one place than elsewhere: that alone makes a cluster there, late. A
    cluster that lasts, or is everywhere, is not found. The window's own events are in what it expects.
    Source: Kulldorff et al. (2005), PLoS Medicine 2(3), e59.
    """
    people = population if population in areas else None
    areas = _complete(areas, {people} - {None})
    number, months = _periods(counts)
    n, known = _matrix(areas, counts, "n", number, len(months))
    areas, n = areas[known.all(axis=1)], n[known.all(axis=1)]
    awaited = _scaled(np.outer(n.sum(axis=1), n.sum(axis=0)) if n.any() else np.ones_like(n), n, whole=True)
    circles = _circles(areas, awaited.sum(axis=1) if people is None else areas[people], max_population)
    windows = _windows(awaited, max_months, prospective)
    study = _study(n, awaited, circles, windows, min_cases, _shuffle(n))
    return _in_time(_clusters(areas, study, simulations, seed, threads, tell), months, prospective)


# --- tables to arrays ---


def _complete(areas: pd.DataFrame, columns: set[str]) -> pd.DataFrame:
    """The areas of which place and numbers are known; these are checked."""
    if areas["area_code"].duplicated().any():
        raise ValueError("A scan needs each area once: some rows share an `area_code`.")
    known = areas[["x", "y", *columns]].astype(float).notna().all(axis=1) & areas["area_code"].notna()
    if (areas.loc[known, list(columns)].astype(float) < 0).any(axis=None):
        raise ValueError("Events, population and expected numbers cannot be below 0.")
    return areas[known]


def _periods(counts: pd.DataFrame) -> tuple[np.ndarray, pd.Index]:
    """The period of each row, counted from 0; and the month that each period begins with."""
    if counts.empty:
        raise NotEnoughData("There are no counts for this selection, so there is nothing to look for clusters in.")
    if counts["month"].isna().any():
        raise ValueError("Every row of the counts needs its `month`.")
    if pd.api.types.is_numeric_dtype(counts["month"]):
        number, name = counts["month"].to_numpy(dtype=np.int64), pd.Index
    else:
        dates = pd.DatetimeIndex(pd.to_datetime(counts["month"]))
        number, name = dates.year.to_numpy() * 12 + dates.month.to_numpy() - 1, _first_days
    step = max(1, int(np.gcd.reduce(number - number.min())))
    return (number - number.min()) // step, name(np.arange(number.min(), number.max() + 1, step))


def _first_days(number: np.ndarray) -> pd.Index:
    return pd.DatetimeIndex(pd.to_datetime({"year": number // 12, "month": number % 12 + 1, "day": 1}))


def _matrix(areas, counts, column: str, period: np.ndarray, periods: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums by area and period, unknown ones as 0; and whether each is known. Rows of areas left out are passed over."""
    row = pd.Index(areas["area_code"]).get_indexer(counts["area_code"])
    values = counts[column].to_numpy(dtype=float, na_value=np.nan)
    if (values < 0).any():
        raise ValueError(f"`{column}` cannot be below 0.")
    here, missing = row >= 0, np.isnan(values)
    sums, known = np.zeros((len(areas), periods)), np.ones((len(areas), periods), dtype=bool)
    np.add.at(sums, (row[here], period[here]), np.where(missing, 0.0, values)[here])
    known[row[here & missing], period[here & missing]] = False
    return sums * known, known


def _scaled(awaited: np.ndarray, counts: np.ndarray, *, whole: bool = False) -> np.ndarray:
    """Expected numbers that add up to the number of events."""
    if not awaited.sum() > 0:
        raise NotEnoughData("Nobody lives in these areas and nothing is expected there, so no share can be worked out.")
    if (counts[awaited == 0] > 0).any():
        raise NotEnoughData("There are events where none are expected, so how far they stand out has no value.")
    if whole and (counts % 1).any():
        raise ValueError("This model needs whole numbers of events.")
    return awaited * (counts.sum() / awaited.sum())


def _circles(areas: pd.DataFrame, size, max_population: float) -> Circles:
    """The areas about each centre by distance, as far as they hold at most `max_population` of the total size."""
    place, size = areas[["x", "y"]].to_numpy(dtype=float), np.asarray(size, dtype=float)
    most = max_population * size.sum() * (1 + ROUNDING)
    members, ends = [], []
    for centre in place:
        distance = np.hypot(*(place - centre).T)
        order = np.argsort(distance, kind="stable")
        ring = np.cumsum(np.diff(distance[order], prepend=0) > ROUNDING * distance[order])  # equal distances share one
        order = order[np.lexsort((order, ring))]
        is_end = np.diff(ring, append=ring[-1] + 1) > 0
        inside = np.flatnonzero(is_end & (np.cumsum(size[order]) <= most))
        kept = inside[-1] + 1 if inside.size else 0
        members.append(order[:kept])
        ends.append(is_end[:kept])
    first = np.cumsum([0, *map(len, members)])
    none = [np.empty(0, dtype=int)]  # so that no areas at all make no circles
    return Circles(np.concatenate(members or none).astype(np.int32), first, np.concatenate(ends or none).astype(bool))


def _windows(awaited: np.ndarray, longest: int | None, last_only: bool) -> Windows:
    """Every length up to `longest` periods with its starts, grouped by how much of all events they expect."""
    periods = awaited.shape[1]
    longest = min(periods, longest or max(1, periods // 2))
    lengths = np.arange(1, longest + 1)
    starts, cuts = np.zeros((longest, periods), dtype=np.int32), np.zeros((longest, periods + 1), dtype=np.int32)
    groups, shares = np.zeros(longest, dtype=np.int64), np.zeros((longest, periods))
    share = awaited.sum(axis=0) / max(awaited.sum(), np.finfo(float).tiny)
    for i, length in enumerate(lengths):
        held = np.lib.stride_tricks.sliding_window_view(share, length).sum(axis=1)
        for some in _grouped(held, [periods - length] if last_only else range(len(held))):
            end = cuts[i, groups[i]] + len(some)
            starts[i, end - len(some) : end], shares[i, groups[i]] = sorted(some), held[some].min()
            groups[i] += 1
            cuts[i, groups[i]] = end
    return Windows(lengths, starts, cuts, groups, shares)


def _grouped(held: np.ndarray, starts) -> list[list[int]]:
    """Starts whose windows hold at least ALIKE of the most in their group."""
    groups, most = [], -1.0
    for start in sorted(starts, key=lambda start: -held[start]):
        if not groups or held[start] < ALIKE * most:
            groups.append([])
            most = held[start]
        groups[-1].append(start)
    return groups


# --- simulations: each function returns how to draw a block of them into `cells` (areas x (periods + 1), lanes) ---


def _multinomial(awaited: np.ndarray):
    """Each event falls into an area and period with the chance expected there."""
    share = np.pad(awaited, ((0, 0), (1, 0))).ravel()
    share /= max(share.sum(), np.finfo(float).tiny)
    ends = np.cumsum(share)
    ends[np.flatnonzero(share)[-1:]] = np.inf  # rounding must not lead past the last cell

    def draw(rng: np.random.Generator, cells: np.ndarray, lanes: int, total: int) -> None:
        if total > MANY * awaited.size:
            cells[:, :lanes] = rng.multinomial(total, share, size=lanes).T
            return
        for lane in range(lanes):
            gaps = rng.standard_exponential(total + 1).cumsum()  # as parts of their sum: sorted uniform numbers
            kernels.compiled(kernels.spread)(gaps[:-1] / gaps[-1], ends, cells, lane)

    return draw


def _hypergeometric(population, counts: np.ndarray):
    """The cases are picked among the people, nobody twice."""
    people = population.to_numpy(dtype=float)
    if (counts[:, 0] > people).any() or (people % 1).any():
        raise ValueError("The Bernoulli model needs whole numbers of people, and no more cases than people.")

    def draw(rng: np.random.Generator, cells: np.ndarray, lanes: int, total: int) -> None:
        cells[1::2, :lanes] = rng.multivariate_hypergeometric(people.astype(np.int64), total, size=lanes).T

    return draw


def _shuffle(n: np.ndarray):
    """The months are shuffled among the events: areas and months keep their totals."""
    area, period = (np.repeat(where.ravel(), n.ravel().astype(np.int64)) for where in np.indices(n.shape))
    first = area * (n.shape[1] + 1) + 1

    def draw(rng: np.random.Generator, cells: np.ndarray, lanes: int, total: int) -> None:
        for lane in range(lanes):
            kernels.compiled(kernels.put)(first + rng.permutation(period), cells, lane)

    return draw


def _maxima(study: "_Study", simulations: int, seed: int, threads: int | None, tell: "Tell" = None) -> np.ndarray:
    """The largest llr of each simulation. Each block has its own random numbers, whichever thread draws them."""
    total = round(study.model.total)  # of weighted or shared-out events simulations hold the nearest whole number
    awaited, model = study.awaited * (total / study.model.total), study.model._replace(total=float(total))
    bins = _bins(awaited.sum(axis=1)[study.circles.members], study.circles.first)

    def block(first: int) -> np.ndarray:
        lanes = min(WIDTH, simulations - first)
        sums = _sums(study, np.random.default_rng([seed, first // WIDTH]), lanes, total)
        best = np.where(np.arange(WIDTH) < lanes, 0.0, np.inf)
        run = kernels.compiled(kernels.strongest_simulated)
        run(best, sums, awaited, study.circles, study.windows, bins, model)
        return best[:lanes]

    starts, done, pool = range(0, simulations, WIDTH), [], ThreadPoolExecutor(threads or os.cpu_count())
    try:
        for best in pool.map(block, starts):
            done.append(best)
            if tell:
                tell(len(done) / len(starts))
    finally:
        pool.shutdown(cancel_futures=True)  # who is told may give up
    return np.concatenate(done)


def _bins(expected: np.ndarray, first: np.ndarray) -> Bins:
    """Steps up to what the largest circle expects, even on the scale of the fourth root: fine for small and large."""
    largest = max(1.0, np.add.reduceat(expected, first[:-1][np.diff(first) > 0]).max())
    steps = min(MOST_BINS, int(FINENESS * np.sqrt(largest)) + 2)
    scale = (steps - 1) / largest**0.25
    return Bins((np.arange(steps) / scale) ** 4, scale)


def _sums(study: "_Study", rng: np.random.Generator, lanes: int, total: int) -> np.ndarray:
    """A block of simulations, added up over the periods, in as few bits as its largest circle allows."""
    areas, periods = study.counts.shape
    sums = np.zeros((areas, periods + 1, WIDTH), dtype=np.int16 if total <= NARROW else np.int32)
    study.draw(rng, sums.reshape(-1, WIDTH), lanes, total)
    kernels.compiled(kernels.accumulate)(sums)
    if sums.dtype != np.int16 and kernels.compiled(kernels.largest_circle)(sums[:, -1], study.circles) <= NARROW:
        sums = sums.astype(np.int16)
    return sums


# --- from windows to clusters ---


@dataclass(frozen=True)
class _Study:
    counts: np.ndarray  # areas, periods
    awaited: np.ndarray  # what is expected of them, as many in all
    circles: Circles
    windows: Windows
    model: Model
    draw: Callable


def _study(counts, awaited, circles, windows, min_cases: int, draw: Callable, people=0) -> _Study:
    apart = np.outer(awaited.sum(axis=1), awaited.sum(axis=0))
    alike = np.allclose(awaited * awaited.sum(), apart, rtol=1e-12, atol=0)
    model = Model(float(counts.sum()), float(people), max(1, int(min_cases)), bool(alike))
    return _Study(counts, awaited, circles, windows, model, draw)


def _clusters(
    areas: pd.DataFrame, study: _Study, simulations: int, seed: int, threads: int | None, tell: Tell
) -> pd.DataFrame:
    """One row per cluster with the positions of its periods as `span`, those that overlap a stronger one left out."""
    found = kernels.compiled(kernels.strongest_observed)(
        study.counts, study.awaited, study.circles, study.windows, study.model
    )
    strength = np.array([float(f"{llr:.{DIGITS}g}") for llr in found[:, 0]])
    order = np.argsort(-strength, kind="stable")
    rows, taken = [], np.zeros(study.counts.shape, dtype=bool)
    for centre in order[strength[order] > 0]:
        size, start, length = found[centre, 1:].astype(int)
        begin, span = study.circles.first[centre], slice(start, start + length)
        inside = study.circles.members[begin : begin + size]
        if not taken[inside, span].any():
            taken[inside, span] = True
            rows.append(_row(areas, study, inside, span) | {"llr": found[centre, 0]})
    columns = ["area_codes", "span", "cases", "expected", "relative_risk", "llr"]
    clusters = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[3:], float))
    clusters["cases"] = clusters["cases"].astype(float if (study.counts % 1).any() else int)
    return clusters.assign(p_value=_p_values(clusters["llr"], study, simulations, seed, threads, tell))


def _row(areas: pd.DataFrame, study: _Study, inside: np.ndarray, span: slice) -> dict:
    n, expected, total = study.counts[inside, span].sum(), study.awaited[inside, span].sum(), study.model.total
    risk = np.inf if n >= total else (n / expected) / ((total - n) / (total - expected))
    codes = areas["area_code"].iloc[inside].tolist()
    return {"area_codes": codes, "span": span, "cases": n, "expected": expected, "relative_risk": risk}


def _p_values(
    llr: pd.Series, study: _Study, simulations: int, seed: int, threads: int | None, tell: Tell
) -> np.ndarray:
    if not simulations or llr.empty:
        return np.full(len(llr), np.nan)
    maxima = np.sort(_maxima(study, simulations, seed, threads, tell))
    at_least = simulations - np.searchsorted(maxima, llr.to_numpy() * (1 - ROUNDING))
    return (1 + at_least) / (simulations + 1)


def _in_time(clusters: pd.DataFrame, months: pd.Index, prospective: bool) -> pd.DataFrame:
    """`start` and `end` in place of `span`; for alarms also how often one as strong comes by chance."""
    spans = clusters.pop("span")
    clusters.insert(1, "start", months[[span.start for span in spans]])
    clusters.insert(2, "end", months[[span.stop - 1 for span in spans]])
    return clusters.assign(recurrence_interval=1 / clusters["p_value"]) if prospective else clusters
