"""Where events concentrate more than chance allows: Gi*, Moran's I, ranks. A row is a cell or an area."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import rates, significance
from analytics.autocorrelation import (
    FLAT,
    apart,
    bivariate_moran,
    known_part,
    lee,
    local_moran,
    moran,
    normal_p,
    placed_back,
)

__all__ = [
    "bivariate_moran", "change", "gi", "gi_star", "lee", "local_moran", "moran", "persistence", "rank", "robustness",
    "survey",
]  # fmt: skip

FEWEST_CELLS = 3  # below this the variance has no value; what is too little to show is the page's decision
_COUNTED_TO = 2**20  # counts below this are told by their frequencies, larger ones by sorting: a matter of memory
_TABLED_FROM = 20  # cells of one count: for fewer a table of its Poisson numbers does not pay


def gi_star(
    cells: pd.DataFrame, near: sparse.csr_array, *, value: str = "n", permutations: int = 0, seed: int = 0
) -> pd.DataFrame:
    """Getis-Ord Gi*: cells whose neighbourhood, themselves included, holds more events than chance allows.

    cells : one row per cell, with the column `value` (events, or a rate). Empty cells are rows with 0; missing ones
        get no value and count nowhere.
    near : who is whose neighbour, one row per cell in the same order; each cell is added to its own neighbours
        (weight 1) unless it is there. Weights other than 0/1 are used as given.
    permutations : 0 for the normal approximation; else conditional permutations (prefer these when most cells are
        empty), for 0/1 weights only. 9,999 or more where many cells are tested.

    Returns `cells` with `z` (standard deviations from expected, always the formula's) and `p_value` (two-sided, not
    corrected for the number of cells: see `significance.benjamini_hochberg`). The cell's own value stays in every
    permutation, so this p-value is that of `gi`: it asks whether the neighbours are unusual, the normal one whether
    the cell and its neighbours are.
    Misleads when the grid spills over the boundary, and where counts follow people: use a rate, or say so. A cell
    with no neighbour but itself gets no value.
    Source: Ord & Getis (1995), Geographical Analysis 27(4), 286-306.
    """
    return _local_g(cells, near, value, permutations, seed, star=True)


def gi(
    cells: pd.DataFrame, near: sparse.csr_array, *, value: str = "n", permutations: int = 0, seed: int = 0
) -> pd.DataFrame:
    """Getis-Ord Gi: cells whose neighbours, without themselves, hold more events than chance allows.

    Arguments, columns, source and cautions as in `gi_star`; mean, variance and n - 1 leave the cell out. A lone peak
    is no hotspot here, and its neighbours are.
    """
    return _local_g(cells, near, value, permutations, seed, star=False)


def rank(cells: pd.DataFrame, *, value: str = "n", draws: int = 1_000, seed: int = 0) -> pd.DataFrame:
    """Which cell comes first, second, third; and how far that order could be chance?

    cells : one row per cell with the column `value`, a count of events.
    draws : repeats. In each, every event counts as often as chance has it (Poisson, mean 1), which makes a cell's
        count Poisson about its own; equal counts are ordered at random.

    Returns `cells` with `rank` (1 = most events; equal counts share the best rank) and `rank_lower`, `rank_upper`,
    between which 95% of the repeats put the cell (widened to hold `rank`). Missing values get no rank.
    Misleads for rates and weighted values (the resampling is that of counts), and understates doubt about cells with
    no events, which stay at nought in every repeat. Where one dispute or offender makes several events, the order is
    less sure than this says.
    Source: rank intervals, Goldstein & Spiegelhalter (1996), J. R. Statist. Soc. A 159(3), 385-443; resampling by
    Poisson frequencies, Hanley & MacGibbon (2006), Comput. Methods Programs Biomed. 83(1), 57-62.
    """
    counts = cells[value].to_numpy(dtype=float, na_value=np.nan)
    if (counts < 0).any():
        raise ValueError("Ranks with intervals need counts: some values are below 0.")
    known = np.isfinite(counts)
    lower, best, upper = _rank_limits(counts[known], draws, seed)
    columns = {"rank": best, "rank_lower": np.minimum(lower, best), "rank_upper": np.maximum(upper, best)}
    return cells.assign(**{name: pd.array(placed_back(ranks, known), dtype="Int64") for name, ranks in columns.items()})


def survey(
    cells: pd.DataFrame,
    near: sparse.csr_array,
    *,
    value: str = "n",
    count: str = "n",
    permutations: int = 99_999,
    seed: int = 0,
) -> pd.DataFrame:
    """What a ranked list of places says of each: is it a hotspot, how sure, what share does it hold, which rank?

    cells, near, value, permutations : as in `gi_star`; fewer cells than it needs get no verdict.
    count : the column of events behind the shares and ranks; a cell without events has no rank.

    Returns `cells` with `z` and `p_value` of `gi_star`, `q_value` (Benjamini-Hochberg over the cells tested),
    `confidence` (-3 to 3, of the corrected p-value), `share` of all events, and `rank`, `rank_lower`, `rank_upper`.
    """
    enough = cells[value].notna().sum() >= FEWEST_CELLS
    none = cells.assign(z=np.nan, p_value=np.nan)
    found = gi_star(cells, near, value=value, permutations=permutations, seed=seed) if enough else none
    found["q_value"] = significance.benjamini_hochberg(found["p_value"])
    found["confidence"] = significance.confidence_bins(found["z"], found["q_value"])
    found["share"] = found[count] / found[count].sum() if found[count].sum() > 0 else np.nan
    ranks = rank(found.loc[found[count] > 0, [count]], value=count, seed=seed).drop(columns=count)
    return found.join(ranks)


def persistence(
    cells: pd.DataFrame,
    counts: pd.DataFrame,
    near: sparse.csr_array,
    *,
    months=None,
    key: str = "cell_id",
    alpha: float = 0.05,
    permutations: int = 9_999,
    seed: int = 0,
    tell: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """In what share of the periods is each cell a hotspot?

    cells : one row per cell, with the column `key`, in the order of `near`.
    counts : one row per cell and period, with `key`, `month` and `n`. A cell without a row in a period had none. For
        day and night apart, ask with the counts of each.
    months : the periods supplied, of which one may be without any event and so without a row; None: those with rows.
    alpha : a cell is hot where Gi* is high and its corrected p-value (Benjamini-Hochberg, in each period) is below.
    tell : called after each period with the share of them that is done.

    Returns `cells` with `periods`, `periods_hot` and `persistence` (their ratio; missing without any period).
    Misleads when periods are short: few events in a month make few hotspots even where every year has them.
    Source: own; Gi* as in `gi_star`.
    """
    hot, counted = np.zeros(len(cells), dtype=int), counts.groupby(["month", key])["n"].sum()
    supplied = sorted(counts["month"].unique() if months is None else set(months))
    for number, month in enumerate(supplied):
        n = counted.loc[month] if month in counted.index else pd.Series(dtype=float)
        hot += _hot(cells.assign(n=cells[key].map(n).fillna(0.0)), near, alpha, permutations, seed + number)
        if tell:
            tell((number + 1) / len(supplied))
    periods = len(supplied)
    share = hot / periods if periods else np.nan
    return cells.assign(periods=periods, periods_hot=hot, persistence=share)


def _hot(cells: pd.DataFrame, near: sparse.csr_array, alpha: float, permutations: int, seed: int) -> np.ndarray:
    found = gi_star(cells, near, permutations=permutations, seed=seed)
    return ((found["z"] > 0) & (significance.benjamini_hochberg(found["p_value"]) < alpha)).to_numpy()


def robustness(cells: pd.DataFrame, variants: pd.DataFrame) -> pd.DataFrame:
    """In what share of other ways to draw the map does each place stay hot?

    cells : one row per place, with `x`, `y` (metres).
    variants : one row per way to draw it (`variant`: a grid origin, a cell size, a bandwidth) and cell of that way,
        with `x`, `y` (its centre) and `hot`. A place takes the verdict of the cell whose centre is nearest, which of
        hexagons and squares is the cell it lies in.

    Returns `cells` with `variants`, `variants_hot` and `robustness` (their ratio; missing without any variant).
    Misleads where all variants share a fault: the same records, the same snapped points.
    Source: own; the modifiable areal unit problem, Openshaw (1984), CATMOG 38.
    """
    from scipy.spatial import cKDTree

    hot, ways = np.zeros(len(cells), dtype=int), variants.groupby("variant", sort=False)
    for _, rows in ways:
        _, nearest = cKDTree(rows[["x", "y"]].to_numpy(dtype=float)).query(cells[["x", "y"]].to_numpy(dtype=float))
        hot += rows["hot"].to_numpy(dtype=bool)[nearest]
    return cells.assign(
        variants=ways.ngroups, variants_hot=hot, robustness=hot / ways.ngroups if ways.ngroups else np.nan
    )


def change(
    cells: pd.DataFrame, *, now: str = "n", before: str = "n_before", exposure: str = "", exposure_before: str = ""
) -> pd.DataFrame:
    """Where did the count change between two periods, beyond chance?

    cells : one row per place, with the events of both periods in the columns `now` and `before`.
    exposure, exposure_before : columns of what each is divided by (months supplied); none for equal periods.

    Returns `cells` with `ratio` (now over before), `lower`, `upper` (exact conditional 95%), `p_value` (two-sided:
    twice the smaller tail of the binomial, at most 1) and `q_value` (Benjamini-Hochberg over places with any event).
    Misleads after picking the highest: a place picked for its peak falls back by itself.
    Source: as for `rates.ratio_of`.
    """
    from scipy.special import betainc

    one = pd.Series(1.0, cells.index)
    a, b = (cells[c].astype(float) for c in (now, before))
    time_a, time_b = (cells[c].astype(float) if c else one for c in (exposure, exposure_before))
    limits = rates.ratio_of(a, time_a, b, time_b)[["ratio", "lower", "upper"]].set_axis(cells.index)
    part = time_a / (time_a + time_b)  # given a + b, a is binomial with this chance
    at_least = np.where(a > 0, betainc(a.where(a > 0, 1.0), b + 1, part), 1.0)
    at_most = np.where(b > 0, betainc(b.where(b > 0, 1.0), a + 1, 1 - part), 1.0)
    p = pd.Series(np.minimum(1.0, 2 * np.minimum(at_most, at_least)), cells.index).where(a + b > 0)
    return cells.assign(**limits, p_value=p, q_value=significance.benjamini_hochberg(p))


def _local_g(cells, near, value, permutations, seed, *, star: bool) -> pd.DataFrame:
    name = "Gi*" if star else "Gi"
    x, near, known = known_part(cells[value], near, fewest=FEWEST_CELLS, name=name)
    others, own = apart(near)
    own = np.where(own == 0, 1.0, own) if star else np.zeros(len(x))
    z = _z(x, others, own, star=star)
    alone = np.diff(others.indptr) == 0
    if permutations:
        if (others.data != 1).any():
            raise ValueError(f"Permutations of {name} need 0/1 neighbours; with other weights ask for permutations=0.")
        tails = significance.neighbour_tails(x, others, permutations=permutations, seed=seed)
        p = significance.two_sided(*tails, permutations)
    else:
        p = normal_p(z)
    z[alone], p[alone] = np.nan, np.nan
    return cells.assign(z=placed_back(z, known), p_value=placed_back(p, known))


def _z(x, others, own, *, star: bool) -> np.ndarray:
    """(sum w x - mean W) / sqrt(variance (n sum w^2 - W^2) / (n - 1)); without star all but W leave the cell out."""
    away, n = x - x.mean(), len(x)
    weight = others.sum(axis=1) + own
    weight2 = others.multiply(others).sum(axis=1) + own**2
    mean, variance = np.zeros(n), np.full(n, away @ away / n)
    if not star:
        n, mean = n - 1, -away / (n - 1)
        variance = np.maximum((away @ away - away**2) / n - mean**2, 0)
    differ = x != np.median(x)  # the others are all equal when none, or none but the cell, differs from the median
    variance = np.where(differ.sum() - (0 if star else differ) > 0, variance, 0.0)
    room = n * weight2 - weight**2
    room = np.where(room > FLAT * weight**2, room, 0.0)  # 0 where the neighbourhood is the whole area
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (others @ away + own * away - mean * weight) / np.sqrt(variance * room / (n - 1))
    return np.where(variance * room > 0, z, np.nan)


def _rank_limits(counts, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower limit, rank and upper limit. Cells of equal count are alike, so one of each count stands for them all."""
    rng, n = np.random.default_rng(seed), len(counts)
    values, which, alike = np.unique(counts, return_inverse=True, return_counts=True)
    block = max(1, significance.BLOCK // max(n, 1))
    blocks = np.diff([*range(0, draws, block), draws])
    ordered = np.concatenate([_ranks_drawn(values, alike, size, rng) for size in blocks])
    first, last = int(np.floor(0.025 * draws)), int(np.ceil(0.975 * draws)) - 1
    ordered.partition([first, last], axis=0)
    best = pd.Series(counts).rank(method="min", ascending=False).to_numpy()
    return ordered[first][which], best, ordered[last][which]


def _ranks_drawn(values, alike, draws: int, rng: np.random.Generator) -> np.ndarray:
    """The rank of one cell of each count, by draw; equal numbers come in random order.

    values, alike : the counts there are, and how many cells have each.
    """
    n, starts = int(alike.sum()), np.cumsum(alike) - alike
    dtype = np.int32 if values.max(initial=0) < 2**30 else np.int64
    drawn, few = np.empty((draws, n), dtype=dtype), np.repeat(alike < _TABLED_FROM, alike)
    drawn[:, few] = rng.poisson(np.repeat(values, alike)[few], (draws, int(few.sum())))
    for mean, start, cells in zip(values, starts, alike, strict=True):
        if cells >= _TABLED_FROM:
            drawn[:, start : start + cells] = _poisson_of_many(mean, (draws, cells), rng)
    own = drawn[:, starts]
    above, level = np.empty_like(own), np.empty_like(own)
    for k, sample in enumerate(drawn):
        above[k], level[k] = _above_and_level(sample, own[k])
    return above + 1 + np.floor(rng.random(own.shape) * level)


def _above_and_level(sample: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many numbers of a sample are above, and how many equal to, each of some of them."""
    top = sample.max(initial=0)
    if top < _COUNTED_TO:
        at = np.bincount(sample, minlength=top + 1)
        return len(sample) - at.cumsum()[own], at[own]
    ordered = np.sort(sample)
    right = np.searchsorted(ordered, own, side="right")
    return len(sample) - right, right - np.searchsorted(ordered, own, side="left")


def _poisson_of_many(mean: float, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Poisson numbers of one mean from a table of 65,536 equally likely ones: twenty times as fast as one by one."""
    from scipy.special import pdtr

    numbers = np.arange(int(mean + 12 * np.sqrt(mean + 1)) + 12, dtype=np.int32)
    table = np.repeat(numbers, np.diff(np.rint(65_536 * pdtr(numbers, mean)).astype(int), prepend=0))
    return np.take(table, rng.integers(65_536, size=shape, dtype=np.uint16))
