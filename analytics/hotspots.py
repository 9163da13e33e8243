"""Where events concentrate more than chance allows: Gi*, Moran's I, ranks. A row is a cell or an area."""

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import neighbours, significance
from analytics.errors import NotEnoughData

FEWEST_CELLS = 3  # below this the variance has no value; what is too little to show is the page's decision
FLAT = 1e-12  # relative: a variance this small is rounding, not variance
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


def moran(values, near: sparse.csr_array, *, permutations: int = 0, seed: int = 0) -> pd.DataFrame:
    """Moran's I: are neighbouring places more alike than chance allows, over the whole area?

    values : one per place; missing ones are left out. near : same order; rows are standardised to sum to 1.
    permutations : 0 for the normal approximation under randomisation; else all values are shuffled.

    Returns one row: `i`, `expected`, `variance` and `z` (randomisation), `p_value` (two-sided), `variance_normal`,
    `z_normal` (normality assumed). A place without neighbours adds nothing to `i` but counts in n.
    Misleads as a sole figure: rates of small populations are noisy and look alike nowhere; one strong cluster and a
    gentle trend can give the same I.
    Source: Cliff & Ord (1981), Spatial Processes, chapters 1 and 2.
    """
    x, near, _ = _known(values, near, fewest=2, name="Moran's I")
    n, weights, away = len(x), neighbours.row_standardised(near), x - x.mean()
    total, spread = weights.sum(), away @ away
    observed = away @ (weights @ away)
    with np.errstate(divide="ignore", invalid="ignore"):  # all equal, or nobody has neighbours: missing
        i = np.nan if _flat(x) else n / np.float64(total) * observed / spread
        expected = -1 / (n - 1)
        variance, variance_normal = _moran_variance(weights, away, n)
        z, z_normal = (i - expected) / np.sqrt(variance), (i - expected) / np.sqrt(variance_normal)
    if permutations and np.isfinite(i):
        tails = _shuffled(away, lambda drawn: (drawn * (weights @ drawn)).sum(axis=0), observed, permutations, seed)
        p = significance.two_sided(*tails, permutations)
    else:
        p = _normal_p(z)
    row = {"i": i, "expected": expected, "variance": variance, "z": z, "p_value": p}
    return pd.DataFrame([row | {"variance_normal": variance_normal, "z_normal": z_normal}], dtype=float)


def bivariate_moran(x, y, near: sparse.csr_array, *, permutations: int = 0, seed: int = 0) -> pd.DataFrame:
    """Bivariate Moran: does `x` of a place go with `y` of its neighbours?

    x, y : one per place, both standardised here; a place where either is missing is left out.
    near : same order; rows are standardised. permutations : y is shuffled over the places; 0 for no p-value.

    Returns one row: `i` and `p_value` (two-sided).
    Misleads easily: where x and y go together in the same place, and y is clustered, this is high although the
    neighbours add nothing. Not symmetric. `lee` and the adjusted correlations of `risk` ask other questions.
    Source: Wartenberg (1985), Geographical Analysis 17(4), 263-283; Anselin, Syabri & Smirnov (2002).
    """
    x, y, weights = _pair(x, y, near, "The bivariate Moran's I")
    pull = weights.T @ x
    p = np.nan
    if permutations and np.isfinite(pull @ y):
        p = significance.two_sided(
            *_shuffled(y, lambda drawn: pull @ drawn, pull @ y, permutations, seed), permutations
        )
    return pd.DataFrame([{"i": pull @ y / len(x), "p_value": p}], dtype=float)


def lee(x, y, near: sparse.csr_array) -> pd.DataFrame:
    """Lee's L: do `x` and `y` go together once both are averaged over each place's neighbours?

    x, y, near : as in `bivariate_moran`. `near` is used as it is: give `neighbours.with_self(near)` to let each place
    count in its own average, as Lee does.

    Returns one row: `l`, between -1 and 1, at most as large as the two are smooth.
    Misleads as a test: averaging makes any two smooth maps look related.
    Source: Lee (2001), Journal of Geographical Systems 3(4), 369-385.
    """
    x, y, weights = _pair(x, y, near, "Lee's L")
    rows = weights.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.DataFrame([{"l": np.float64((weights @ x) @ (weights @ y)) / (rows @ rows)}], dtype=float)


def local_moran(
    cells: pd.DataFrame, near: sparse.csr_array, *, value: str = "n", permutations: int = 0, seed: int = 0
) -> pd.DataFrame:
    """Local Moran: which places are like their neighbours (HH, LL), and which stand out from them (HL, LH)?

    cells, near, value : as in `gi_star`; rows of `near` are standardised, nobody is their own neighbour.
    permutations : conditional permutations, for weights that are equal within a row; 0 gives no p-value.

    Returns `cells` with `i` ((x - mean) times the mean of the neighbours' (x - mean), over the mean square with n),
    `quadrant` (first letter the place, second its neighbours, High or Low against the mean, whatever p is) and
    `p_value` (one-sided, the smaller tail, not corrected: double it before a threshold or false-discovery control).
    Misleads on sparse counts: nearly every empty cell is "LL". Places with no neighbours get no value.
    Source: Anselin (1995), Geographical Analysis 27(2), 93-115.
    """
    x, near, known = _known(cells[value], near, fewest=2, name="Local Moran")
    others, _ = _apart(near)
    alone, flat = np.diff(others.indptr) == 0, _flat(x)
    away = x - x.mean()
    lag = neighbours.row_standardised(others) @ away
    i = np.full(len(x), np.nan) if flat else away * lag / (away @ away / len(x))
    p = np.full(len(x), np.nan)
    if permutations and not flat:
        equal = _equal_weights(others, "Permutations of local Moran need weights that are equal within each row.")
        p = significance.one_sided(
            *significance.neighbour_tails(x, equal, permutations=permutations, seed=seed), permutations
        )
        p[away == 0] = 1.0  # i is 0 whatever the neighbours are
    quadrant = np.where(away > 0, "H", "L").astype(object) + np.where(lag > 0, "H", "L").astype(object)
    quadrant[alone | flat] = np.nan
    i[alone], p[alone] = np.nan, np.nan
    quadrant = pd.array(_spread(quadrant, known, object), dtype="str")
    return cells.assign(i=_spread(i, known), quadrant=quadrant, p_value=_spread(p, known))


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
    return cells.assign(**{name: pd.array(_spread(ranks, known), dtype="Int64") for name, ranks in columns.items()})


def _local_g(cells, near, value, permutations, seed, *, star: bool) -> pd.DataFrame:
    name = "Gi*" if star else "Gi"
    x, near, known = _known(cells[value], near, fewest=FEWEST_CELLS, name=name)
    others, own = _apart(near)
    own = np.where(own == 0, 1.0, own) if star else np.zeros(len(x))
    z = _z(x, others, own, star=star)
    alone = np.diff(others.indptr) == 0
    if permutations:
        if (others.data != 1).any():
            raise ValueError(f"Permutations of {name} need 0/1 neighbours; with other weights ask for permutations=0.")
        tails = significance.neighbour_tails(x, others, permutations=permutations, seed=seed)
        p = significance.two_sided(*tails, permutations)
    else:
        p = _normal_p(z)
    z[alone], p[alone] = np.nan, np.nan
    return cells.assign(z=_spread(z, known), p_value=_spread(p, known))


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


def _moran_variance(weights, away, n: int) -> tuple[float, float]:
    """Variance of Moran's I under randomisation (needs 4 places), and under normality."""
    both = weights + weights.T
    s0, s1 = weights.sum(), both.multiply(both).sum() / 2
    s2 = ((weights.sum(axis=1) + weights.sum(axis=0)) ** 2).sum()
    normal = (n**2 * s1 - n * s2 + 3 * s0**2) / ((n**2 - 1) * s0**2) - 1 / (n - 1) ** 2
    if n < 4:
        return np.nan, normal
    peaked = n * (away**4).sum() / (away @ away) ** 2
    upper = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2) - peaked * ((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
    return upper / ((n - 1) * (n - 2) * (n - 3) * s0**2) - 1 / (n - 1) ** 2, normal


def _shuffled(values, statistic, observed: float, permutations: int, seed: int) -> tuple[int, int]:
    """How many shuffles of `values` (columns of a matrix) have a statistic at least, and at most, the observed."""
    rng, n = np.random.default_rng(seed), len(values)
    block = max(1, significance.BLOCK // n)
    at_least = at_most = 0
    for done in range(0, permutations, block):
        drawn = rng.permuted(np.tile(values, (min(block, permutations - done), 1)), axis=1).T
        simulated = statistic(drawn)
        slack = significance.ROUNDING * n * np.abs(simulated).max()
        at_least += int((simulated >= observed - slack).sum())
        at_most += int((simulated <= observed + slack).sum())
    return at_least, at_most


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


def _known(values, near, *, fewest: int, name: str) -> tuple[np.ndarray, sparse.csr_array, np.ndarray]:
    """The finite values, the neighbours among them, and where they stand in the table."""
    x = pd.Series(values).to_numpy(dtype=float, na_value=np.nan)
    if near.shape != (len(x), len(x)):
        raise ValueError(f"`near` needs one row and one column per cell: {near.shape} for {len(x)} cells.")
    known = np.isfinite(x)
    if known.sum() < fewest:
        raise NotEnoughData(f"{name} needs at least {fewest} cells with a value; this area has {known.sum()}.")
    near = sparse.csr_array(near, dtype=float)
    return x[known], near if known.all() else near[known][:, known], known


def _apart(near: sparse.csr_array) -> tuple[sparse.csr_array, np.ndarray]:
    """The weights of others without stored zeros, and each cell's weight of its own."""
    own = near.diagonal()
    if own.any() or (near.data == 0).any():
        entries = near.tocoo()
        keep = (entries.row != entries.col) & (entries.data != 0)
        near = sparse.csr_array((entries.data[keep], (entries.row[keep], entries.col[keep])), shape=near.shape)
    return near, own


def _equal_weights(others: sparse.csr_array, complaint: str) -> sparse.csr_array:
    """The same neighbours as 0/1; refuses rows whose weights differ."""
    rows = np.repeat(np.arange(others.shape[0]), np.diff(others.indptr))
    if len(rows) and (np.abs(others.data - others.data[others.indptr[rows]]) > FLAT * np.abs(others.data)).any():
        raise ValueError(complaint)
    return sparse.csr_array((np.ones(len(others.data)), others.indices, others.indptr), shape=others.shape)


def _pair(x, y, near, name: str) -> tuple[np.ndarray, np.ndarray, sparse.csr_array]:
    """Both standardised with n over the places where neither is missing, and the row-standardised neighbours there."""
    x, y = (pd.Series(part).to_numpy(dtype=float, na_value=np.nan) for part in (x, y))
    both = np.isfinite(x) & np.isfinite(y)
    _, near, _ = _known(np.where(both, x, np.nan), near, fewest=2, name=name)
    x, y = (
        np.full(both.sum(), np.nan) if _flat(v[both]) else (v[both] - v[both].mean()) / v[both].std() for v in (x, y)
    )
    return x, y, neighbours.row_standardised(near)


def _flat(x: np.ndarray) -> bool:
    return bool((x == x[0]).all())


def _normal_p(z):
    from scipy.special import ndtr

    return 2 * ndtr(-np.abs(z))


def _spread(values, known: np.ndarray, dtype: type = float) -> np.ndarray:
    """Results of the known rows at their place in the table, missing elsewhere."""
    whole = np.full(len(known), np.nan, dtype=dtype)
    whole[known] = values
    return whole
