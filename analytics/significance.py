"""Chance: how often shuffled data look like ours, and what many tests at once are worth. A row is one test."""

import numpy as np
import pandas as pd
from scipy import sparse

LEVELS = (0.10, 0.05, 0.01)  # the 90%, 95% and 99% of hotspot maps
SORTED_FROM = 40  # cells with as many neighbours: for fewer, counting beats sorting the samples
BLOCK = 4_000_000  # numbers drawn at a time: 32 MB
ROUNDING = 1e-12  # relative, per number added up: sums of the same numbers in another order differ in the last digits


def benjamini_hochberg(p):
    """Of the places we call hotspots, what share is chance? Of those adjusted to below 0.05, on average at most 5%.

    p : p-values, Series or array; missing ones stay missing and are not counted.

    Returns the adjusted p-values in the order given (a Series keeps its index): the smallest p(j) * n / j over the
    ranks j at or above its own, at most 1.
    Misleads with few permutations: with M of them no p is below 2/(M + 1), and n cells need p below 0.05 / n for a
    lone hotspot. Holds for independent and for positively dependent tests, as overlapping neighbourhoods are.
    Source: Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57(1), 289-300.
    """
    return _adjusted(p, lambda p, n: np.minimum.accumulate((p * n / np.arange(1, n + 1))[::-1])[::-1])


def holm(p):
    """Adjusted p-values with which even one false finding is unlikely: stricter than `benjamini_hochberg`.

    p, Returns : as there; the largest p(j) * (n - j + 1) over the ranks j at or below its own, at most 1.
    Source: Holm (1979), Scandinavian Journal of Statistics 6(2), 65-70.
    """
    return _adjusted(p, lambda p, n: np.maximum.accumulate(p * (n - np.arange(n))))


def confidence_bins(z, p):
    """How sure, and which way: 3, 2, 1 for hot at p below 0.01, 0.05, 0.10; -1 to -3 for cold; 0 for neither.

    z : its sign says hot or cold. p : two-sided p-values, best after `benjamini_hochberg`.

    Returns whole numbers (nullable, a Series keeps its index); missing where z or p is.
    Source: the bins of hotspot maps, Esri, How Hot Spot Analysis (Getis-Ord Gi*) works.
    """
    sign, chance = np.sign(_numbers(z)), _numbers(p)
    level = sum((chance < limit).astype(float) for limit in LEVELS)
    bins = pd.array(np.where(np.isnan(chance), np.nan, sign * level), dtype="Int64")
    return pd.Series(bins, index=z.index) if isinstance(z, pd.Series) else bins


def two_sided(at_least, at_most, permutations: int) -> np.ndarray:
    """min(1, 2 (r + 1) / (M + 1)), r the smaller of the counts of simulated values at least, and at most, the observed.

    Source: Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9(1), 39, for the added one: never p = 0.
    """
    return np.minimum(1.0, 2 * one_sided(at_least, at_most, permutations))


def one_sided(at_least, at_most, permutations: int) -> np.ndarray:
    """(r + 1) / (M + 1) of the smaller tail, as maps of local clusters report it. Not a valid test by itself: the tail
    is picked after the fact, so double it (`two_sided`) before calling it a p-value."""
    return (np.minimum(at_least, at_most) + 1) / (permutations + 1)


def neighbour_tails(
    values: np.ndarray, near: sparse.csr_array, *, permutations: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """How often would each cell's neighbours add up to as much, or as little, had the other cells been shuffled?

    The cell's own value stays; its k neighbours are k others drawn without replacement (conditional permutation).

    values : one per cell, none missing. near : 0/1, no self, same order.

    Returns two arrays: how many of the simulated sums are at least, and at most, the observed one. Ties count in both.

    Cells share their draws. Each of the M samples is a random ordering of different cells. A cell with k neighbours
    takes the first k that are not itself: the first k as they stand, or, where it is among these, the first k + 1
    without it. Of a random ordering with one cell struck out the rest is a random ordering of the others, so these k
    are a draw without replacement from the others, every set equally likely: each cell's test is the ordinary
    conditional permutation test, exact at any M. Shared draws make the p-values of cells depend on each other (as
    overlapping neighbourhoods do anyway) but bias none. The gain: samples without the cell serve every cell with as
    many neighbours, sorted once; only the about M k / n samples that contain a cell are looked at for that cell.
    Source: Anselin (1995), Geographical Analysis 27(2), 93-115, for conditional permutation.
    """
    n, rng = len(values), np.random.default_rng(seed)
    sizes = np.diff(near.indptr)
    width = int(sizes.max(initial=0)) + 1
    values = values - values.mean()  # moves every sum of k values alike, and keeps rounding small
    observed = near @ values
    slack = ROUNDING * width * np.abs(values).max(initial=0.0)
    tails = np.zeros((2, n))
    block = max(1, BLOCK // width)
    for done in range(0, permutations, block):
        ids = orderings(rng, n, width, min(block, permutations - done))
        tails += _tails(values, sizes, observed - slack, observed + slack, ids)
    return tails[0], tails[1]


def orderings(rng: np.random.Generator, n: int, width: int, samples: int) -> np.ndarray:
    """The first `width` places of `samples` random orderings of 0..n-1; one column per sample."""
    if 2 * width > n or width * width > 60 * n:  # comparing with all earlier places costs more than shuffling all
        rows = max(1, BLOCK // n)
        blocks = [min(rows, samples - done) for done in range(0, samples, rows)]
        return np.concatenate([rng.permuted(np.tile(np.arange(n), (b, 1)), axis=1)[:, :width] for b in blocks]).T
    ids = np.empty((width, samples), dtype=np.int64)
    for place in range(width):  # each place holds, with equal chance, any number not in an earlier one
        ids[place] = rng.integers(n, size=samples)
        repeated = np.flatnonzero((ids[:place] == ids[place]).any(axis=0))
        while repeated.size:
            ids[place, repeated] = rng.integers(n, size=repeated.size)
            repeated = repeated[(ids[:place, repeated] == ids[place, repeated]).any(axis=0)]
    return ids


def _tails(values, sizes, low, high, ids) -> np.ndarray:
    """Samples whose sum is at least `low`, and at most `high`, for each cell; `ids` as from `orderings`, with one
    place more than the largest of `sizes`."""
    width, samples = ids.shape
    sums, total = np.empty((width - 1, samples)), np.zeros(samples)
    for place in range(width - 1):
        sums[place] = total = total + values[ids[place]]
    tails = np.zeros((2, len(values)))
    for size in np.unique(sizes[sizes > 0]):
        simulated, cells = sums[size - 1], np.flatnonzero(sizes == size)
        if len(cells) < SORTED_FROM:
            tails[0, cells] = [np.count_nonzero(simulated >= limit) for limit in low[cells]]
            tails[1, cells] = [np.count_nonzero(simulated <= limit) for limit in high[cells]]
            continue
        ordered = np.sort(simulated)
        tails[0, cells] = samples - np.searchsorted(ordered, low[cells], side="left")
        tails[1, cells] = np.searchsorted(ordered, high[cells], side="right")
    for place in range(width - 1):  # a cell among the first k of its own sample: strike it out, let the next one in
        column = np.flatnonzero(place < sizes[ids[place]])
        cell = ids[place, column]
        size = sizes[cell]
        wrong = sums[size - 1, column]
        right = wrong - values[cell] + values[ids[size, column]]
        for tail, limit, beyond in ((tails[0], low[cell], np.greater_equal), (tails[1], high[cell], np.less_equal)):
            now, before = beyond(right, limit), beyond(wrong, limit)
            changed = np.flatnonzero(now != before)
            np.add.at(tail, cell[changed], np.where(now[changed], 1.0, -1.0))
    return tails


def _adjusted(p, steps):
    chance = _numbers(p)
    tested = np.flatnonzero(~np.isnan(chance))
    order = tested[np.argsort(chance[tested], kind="stable")]
    adjusted = np.full(len(chance), np.nan)
    adjusted[order] = np.minimum(1.0, steps(chance[order], len(order)))
    return pd.Series(adjusted, index=p.index, name=p.name) if isinstance(p, pd.Series) else adjusted


def _numbers(values) -> np.ndarray:
    return pd.Series(values).to_numpy(dtype=float, na_value=np.nan)
