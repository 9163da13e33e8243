"""Does a place stand out in harm because of many records, or of one? A row is a cell."""

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import hotspots, significance
from analytics.autocorrelation import apart, known_part, placed_back

ROUNDING = 1e-9  # relative: a record this little above the sum it is part of is rounding, not a mistake


def leave_one_out(
    cells: pd.DataFrame,
    near: sparse.csr_array,
    *,
    harm: str = "harm",
    largest: str = "largest",
    permutations: int = 0,
    seed: int = 0,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Which places are hotspots of harm, and which of them would not be without one single record?

    cells : one row per cell, with the columns `harm` (counts times weights, added up) and `largest` (the harm of the
        heaviest single record in the cell). Empty cells are rows with 0; missing harm counts nowhere.
    near : who is whose neighbour, 0/1, one row per cell in the same order, nobody their own.
    permutations : as in `hotspots.gi_star`. Harm is mostly nought and sometimes thousands: 9,999 or more.
    alpha : a cell is hot where Gi* is high and its corrected p-value (Benjamini-Hochberg over all cells) is below.

    Returns `cells` with `z`, `p_value` (of `gi_star`), `q_value`, `hot` (missing where there is no p-value),
    `largest_share` (largest over harm; missing where harm is 0), `hot_without` (hot, and still hot when the heaviest
    record of the cell and its neighbours is taken away and the whole map tested again) and `rests_on_one` (hot, but
    not without it). Of equally heavy records a neighbour's goes before the cell's own, then the first row. Where the
    heaviest record is not known, neither are these two.
    The second map is that of the same shuffles, so cells differ by the record alone, not by chance.
    Misleads at the edge: a place just hot enough rests on any of its records, so read `largest_share` beside it. Two
    heavy records of one dispute are two here. In permutations a cell's own record is not in its p-value, which is of
    its neighbours: a homicide makes the places around it hot, if any.
    Source: own; Gi* as in `hotspots.gi_star`, harm as in `harm.weighted`.
    """
    total, heaviest = (cells[column].to_numpy(dtype=float, na_value=np.nan) for column in (harm, largest))
    _check(total, heaviest)
    found = hotspots.gi_star(cells, near, value=harm, permutations=permutations, seed=seed)
    q = significance.benjamini_hochberg(found["p_value"])
    hot = _hot(found["z"].to_numpy(), q.to_numpy(), alpha)
    share = np.divide(heaviest, total, out=np.full(len(total), np.nan), where=total > 0)
    x, near, known = known_part(total, near, fewest=hotspots.FEWEST_CELLS, name="Gi*")
    others, _ = apart(near)
    tested = found["p_value"].notna().to_numpy()
    still = _still_hot(x, np.where(x > 0, heaviest[known], 0.0), others, hot[known], permutations, seed, alpha)
    without = _known_booleans(placed_back(still, known), tested)
    hot = _known_booleans(hot.astype(float), tested)
    return found.assign(q_value=q, hot=hot, largest_share=share, hot_without=without, rests_on_one=hot & ~without)


def _check(total: np.ndarray, heaviest: np.ndarray) -> None:
    if (total < 0).any() or (heaviest < 0).any():
        raise ValueError("Harm is not below 0.")
    if (heaviest > total * (1 + ROUNDING)).any():
        raise ValueError("A single record holds more harm than its whole cell.")


def _hot(z: np.ndarray, q: np.ndarray, alpha: float) -> np.ndarray:
    return (z > 0) & (q < alpha)


def _still_hot(x, heaviest, others, hot, permutations: int, seed: int, alpha: float) -> np.ndarray:
    """1 where a hot cell stays hot without its heaviest record, 0 where not, missing where that is not known.

    One map per record taken away, not per cell: neighbours share their heaviest record.
    """
    still, rows = np.zeros(len(x)), np.flatnonzero(hot)
    taken = np.array([_heaviest_at(row, heaviest, others) for row in rows], dtype=int)
    shuffles = _Shuffles(x, others, permutations, seed) if permutations and len(rows) else None
    for place in np.unique(taken):
        those = rows[taken == place]
        if np.isnan(heaviest[place]):
            still[those] = np.nan
            continue
        lighter = x.copy()
        lighter[place] -= heaviest[place]
        map_without = hotspots.gi_star(pd.DataFrame({"n": lighter}), others)
        p = shuffles.p_without(place, heaviest[place]) if shuffles else map_without["p_value"].to_numpy()
        q = significance.benjamini_hochberg(p)
        still[those] = _hot(map_without["z"].to_numpy(), q, alpha)[those]
    return still


def _heaviest_at(row: int, heaviest: np.ndarray, others) -> int:
    """Where the heaviest record of a neighbourhood lies; an unknown one counts as the heaviest."""
    around = np.sort(others.indices[others.indptr[row] : others.indptr[row + 1]])
    around = np.append(around, row)
    return int(around[np.argmax(heaviest[around])])  # argmax: the first of equals, and a missing one before all


class _Shuffles:
    """The samples of `significance.neighbour_tails`, kept, so that a value can be lowered and the same ones counted
    again: of cells that do not neighbour it, only the samples that hold it can change."""

    def __init__(self, x: np.ndarray, others, permutations: int, seed: int):
        self.values, self.others, self.permutations = x - x.mean(), others, permutations
        self.sizes = np.diff(others.indptr)
        self.width = int(self.sizes.max(initial=0)) + 1
        self.observed = others @ self.values
        self.slack = significance.ROUNDING * self.width * np.abs(self.values).max(initial=0.0)
        rng, block = np.random.default_rng(seed), max(1, significance.BLOCK // self.width)
        blocks = [min(block, permutations - done) for done in range(0, permutations, block)]
        self.blocks = [significance.orderings(rng, len(x), self.width, size) for size in blocks]
        self.tails = sum(self._count(self.values, self.sizes, self.observed, ids) for ids in self.blocks)

    def p_without(self, place: int, record: float) -> np.ndarray:
        """The p-values of all cells once a record is taken from the value at `place`."""
        lighter = self.values.copy()
        lighter[place] -= record
        beside = np.zeros(len(lighter), dtype=bool)
        beside[self.others[:, [place]].nonzero()[0]] = True
        elsewhere, close = np.where(beside, 0, self.sizes), np.where(beside, self.sizes, 0)
        observed = self.observed - record * beside
        tails = np.where(beside, 0.0, self.tails)
        for ids in self.blocks:
            holding = ids[:, (ids == place).any(axis=0)]
            tails += self._count(lighter, elsewhere, observed, holding)
            tails -= self._count(self.values, elsewhere, self.observed, holding)
            tails += self._count(lighter, close, observed, ids)
        return np.where(self.sizes > 0, significance.two_sided(*tails, self.permutations), np.nan)

    def _count(self, values, sizes, observed, ids) -> np.ndarray:
        return significance._tails(values, sizes, observed - self.slack, observed + self.slack, ids)


def _known_booleans(flags: np.ndarray, tested: np.ndarray):
    return pd.array(np.where(tested, flags, np.nan), dtype="boolean")
