"""Are neighbours alike? Moran's I and its kin, and the steps these share with Gi*. A row is a place."""

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import neighbours, significance
from analytics.errors import NotEnoughData

FLAT = 1e-12  # relative: a variance this small is rounding, not variance


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
    x, near, _ = known_part(values, near, fewest=2, name="Moran's I")
    n, weights, away = len(x), neighbours.row_standardised(near), x - x.mean()
    total, spread = weights.sum(), away @ away
    observed = away @ (weights @ away)
    with np.errstate(divide="ignore", invalid="ignore"):  # all equal, or nobody has neighbours: missing
        i = np.nan if flat(x) else n / np.float64(total) * observed / spread
        expected = -1 / (n - 1)
        variance, variance_normal = _moran_variance(weights, away, n)
        z, z_normal = (i - expected) / np.sqrt(variance), (i - expected) / np.sqrt(variance_normal)
    if permutations and np.isfinite(i):
        tails = _shuffled(away, lambda drawn: (drawn * (weights @ drawn)).sum(axis=0), observed, permutations, seed)
        p = significance.two_sided(*tails, permutations)
    else:
        p = normal_p(z)
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
    x, near, known = known_part(cells[value], near, fewest=2, name="Local Moran")
    others, _ = apart(near)
    alone, even = np.diff(others.indptr) == 0, flat(x)
    away = x - x.mean()
    lag = neighbours.row_standardised(others) @ away
    i = np.full(len(x), np.nan) if even else away * lag / (away @ away / len(x))
    p = np.full(len(x), np.nan)
    if permutations and not even:
        equal = equal_weights(others, "Permutations of local Moran need weights that are equal within each row.")
        p = significance.one_sided(
            *significance.neighbour_tails(x, equal, permutations=permutations, seed=seed), permutations
        )
        p[away == 0] = 1.0  # i is 0 whatever the neighbours are
    quadrant = np.where(away > 0, "H", "L").astype(object) + np.where(lag > 0, "H", "L").astype(object)
    quadrant[alone | even] = np.nan
    i[alone], p[alone] = np.nan, np.nan
    quadrant = pd.array(placed_back(quadrant, known, object), dtype="str")
    return cells.assign(i=placed_back(i, known), quadrant=quadrant, p_value=placed_back(p, known))


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


def _pair(x, y, near, name: str) -> tuple[np.ndarray, np.ndarray, sparse.csr_array]:
    """Both standardised with n over the places where neither is missing, and the row-standardised neighbours there."""
    x, y = (pd.Series(part).to_numpy(dtype=float, na_value=np.nan) for part in (x, y))
    both = np.isfinite(x) & np.isfinite(y)
    _, near, _ = known_part(np.where(both, x, np.nan), near, fewest=2, name=name)
    x, y = (
        np.full(both.sum(), np.nan) if flat(v[both]) else (v[both] - v[both].mean()) / v[both].std() for v in (x, y)
    )
    return x, y, neighbours.row_standardised(near)


def known_part(values, near, *, fewest: int, name: str) -> tuple[np.ndarray, sparse.csr_array, np.ndarray]:
    """The finite values, the neighbours among them, and where they stand in the table."""
    x = pd.Series(values).to_numpy(dtype=float, na_value=np.nan)
    if near.shape != (len(x), len(x)):
        raise ValueError(f"`near` needs one row and one column per cell: {near.shape} for {len(x)} cells.")
    known = np.isfinite(x)
    if known.sum() < fewest:
        raise NotEnoughData(f"{name} needs at least {fewest} cells with a value; this area has {known.sum()}.")
    near = sparse.csr_array(near, dtype=float)
    return x[known], near if known.all() else near[known][:, known], known


def apart(near: sparse.csr_array) -> tuple[sparse.csr_array, np.ndarray]:
    """The weights of others without stored zeros, and each cell's weight of its own."""
    own = near.diagonal()
    if own.any() or (near.data == 0).any():
        entries = near.tocoo()
        keep = (entries.row != entries.col) & (entries.data != 0)
        near = sparse.csr_array((entries.data[keep], (entries.row[keep], entries.col[keep])), shape=near.shape)
    return near, own


def equal_weights(others: sparse.csr_array, complaint: str) -> sparse.csr_array:
    """The same neighbours as 0/1; refuses rows whose weights differ."""
    rows = np.repeat(np.arange(others.shape[0]), np.diff(others.indptr))
    if len(rows) and (np.abs(others.data - others.data[others.indptr[rows]]) > FLAT * np.abs(others.data)).any():
        raise ValueError(complaint)
    return sparse.csr_array((np.ones(len(others.data)), others.indices, others.indptr), shape=others.shape)


def flat(x: np.ndarray) -> bool:
    return bool((x == x[0]).all())


def normal_p(z):
    from scipy.special import ndtr

    return 2 * ndtr(-np.abs(z))


def placed_back(values, known: np.ndarray, dtype: type = float) -> np.ndarray:
    """Results of the known rows at their place in the table, missing elsewhere."""
    whole = np.full(len(known), np.nan, dtype=dtype)
    whole[known] = values
    return whole
