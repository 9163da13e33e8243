"""Which factors go with violence from area to area, once neighbours count for less than strangers? A row is a factor.

Neighbouring areas are alike, so a thousand of them hold the evidence of a few dozen. The correlation stays as it is;
what changes is how many areas it is worth (`effective_n`), and with that its interval and its p-value.
"""

import numpy as np
import pandas as pd

from analytics import risk_classes, significance
from analytics.errors import NotEnoughData

FEWEST_PAIRS = 3  # of the test: with two places there are no degrees of freedom left
FEWEST_ROWS = 4  # of a row of `correlations`: Fisher's interval divides by the root of n - 3
CLASSES = 13  # of distance, as in R's SpatialPack
MOST_SHUFFLED = 6_000  # areas: the eigenvectors of more take minutes, and gigabytes
_FLAT = 1e-9  # relative: what the controls leave of a factor is rounding when it is this small
_Z_95 = 1.959963984540054
_COLUMNS = ["factor", "r", "lower", "upper", "effective_n", "p_value", "q_value", "p_naive", "q_naive", "n", "method"]


def modified_t_test(x, y, coordinates: pd.DataFrame, *, classes: int = CLASSES) -> pd.DataFrame:
    """Do two maps go together more than two smooth maps would by chance?

    x, y : one per place; a place where either, or a coordinate, is missing is left out.
    coordinates : `x`, `y` of the places, in one unit. classes : of distance, of equal width up to the largest.

    Returns one row: `r` (Pearson), `effective_n` = 1 + 1/variance of r, `f` = df r^2/(1 - r^2) on 1 and `df` =
    effective_n - 2 degrees of freedom, and `p_value` (two-sided). The variance of r is tr(BSx BSy)/(tr(BSx) tr(BSy)):
    B takes the mean away, Sx and Sy hold 1 on the diagonal and else Moran's I of the class of distance, as in R's
    SpatialPack. All missing where x or y is constant; no `p_value` where df is not above 0. `effective_n` is not
    bounded: it can pass n, or fall below 0, where the estimated correlations contradict each other.
    Misleads where places are alike over less than the width of the first class, or over most of the map: then p is too
    small (`docs/methods.md` has the figures). Compare with more classes.
    Source: Clifford, Richardson & Hemon (1989), Biometrics 45(1), 123-134; Dutilleul (1993), Biometrics 49(1), 305-314.
    """
    x, y, place = _numbers(x), _numbers(y), _numbers(coordinates[["x", "y"]])
    _same_length(x, y, place)
    known = np.isfinite(np.column_stack([x, y, place])).all(axis=1)
    if known.sum() < FEWEST_PAIRS:
        raise NotEnoughData(f"A correlation needs {FEWEST_PAIRS} places where both are known; here are {known.sum()}.")
    basis = np.ones((known.sum(), 1))
    z = _standardised(np.column_stack([x, y])[known], basis)
    r = _correlation(z[:, :1], z[:, 1])[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        n = 1 + 1 / _variance_by_class(z[:, :1], z[:, 1], place[known], basis, classes)[0]
        f = (n - 2) * r**2 / (1 - r**2)
    row = {"r": r, "effective_n": n, "f": f, "df": n - 2, "p_value": _chance(r, n - 2)}
    return pd.DataFrame([row], dtype=float)


def correlations(
    outcome: pd.Series,
    factors: pd.DataFrame,
    coordinates: pd.DataFrame,
    *,
    method: str = "spearman",
    adjust: str = "dutilleul",
    controls: pd.DataFrame | None = None,
    classes: int = CLASSES,
    permutations: int = 9_999,
    seed: int = 0,
) -> pd.DataFrame:
    """Which factors go with the outcome between areas, and how sure is that, given that neighbours are alike?

    outcome : one per area. factors : the same areas, a column per factor. coordinates : their `x`, `y`, in one unit.
    method : `spearman` (the ranks, equal values sharing their mean rank) or `pearson`.
    adjust : `dutilleul`, the test of `modified_t_test`; `permutation`, the signs of the outcome's waves over the map
        are drawn anew (`permutations` times), which keeps how smooth it is; `none`, as if areas knew nothing of each
        other.
    controls : columns to hold steady (density, premises): the correlation is that of what they leave of both, by
        straight lines (through ranks, for `spearman`), and each takes one from the degrees of freedom.
    classes : as in `modified_t_test`. From a thousand areas ask for about 50: 13 are wide, and let too much through
        where areas are alike over short distances only.

    Returns one row per factor: `factor`, `r`, `lower`, `upper` (95%, Fisher z at `effective_n`), `effective_n`,
    `p_value` (two-sided), `q_value` (Benjamini-Hochberg over the factors given), `p_naive`, `q_naive` (those of
    `none`), `n` (areas where outcome, factor, controls and coordinates are known) and `method`. `effective_n` counts
    independent areas: at most n less the number of controls. Constant factors, those that the controls explain whole,
    and fewer than 4 areas have no `r`; where the variance of r cannot be estimated, or effective_n is not above 2 (3
    for the interval), the p-value is missing too, and counts for nothing in `q_value`.
    Misleads as a cause: these are areas, not people. As `modified_t_test` where areas are alike over short or very
    long distances; `permutation` bears these better. With factors missing in different areas, rows are not comparable.
    Source: Dutilleul (1993), as there; Wagner & Dray (2015), Methods Ecol. Evol. 6(10), 1169-1178, for `permutation`.
    """
    if method not in ("spearman", "pearson") or adjust not in ("dutilleul", "permutation", "none"):
        raise ValueError("method is spearman or pearson; adjust is dutilleul, permutation or none.")
    factors = pd.DataFrame(factors)
    controls = pd.DataFrame(index=factors.index) if controls is None else pd.DataFrame(controls)
    _same_rows(outcome, factors, controls)
    y, x, held, place = (_numbers(part) for part in (outcome, factors, controls, coordinates[["x", "y"]]))
    _same_length(x, y, held, place)
    settings = {"ranks": method == "spearman", "adjust": adjust, "classes": classes}
    settings |= {"permutations": permutations, "seed": seed}
    known = np.isfinite(x) & np.isfinite(np.column_stack([y, held, place])).all(axis=1)[:, None]
    found = np.full((4, x.shape[1]), np.nan)  # r, effective_n, p_value, p_naive
    for rows, columns in _alike(known):
        if rows.sum() >= FEWEST_ROWS:
            found[:, columns] = _together(y[rows], x[rows][:, columns], held[rows], place[rows], **settings)
    means = {"dutilleul": f"Dutilleul, {classes} classes", "permutation": f"{permutations:,} redraws of signs"}
    label = f"{method.capitalize()}, Fisher 95%, {means.get(adjust, 'not adjusted')}"
    return _as_rows(factors.columns, found, known.sum(axis=0), label)


def _together(y, x, held, place, *, ranks, adjust, classes, permutations, seed) -> tuple:
    """r, effective_n, p_value and p_naive of factors that are known in the same areas."""
    if ranks:
        y, x, held = (pd.DataFrame(part).rank().to_numpy() for part in (y, x, held))
    basis = _basis(held)
    z = _standardised(np.column_stack([y, x]), basis)
    r, most = _correlation(z[:, 1:], z[:, 0]), len(y) + 1 - basis.shape[1]
    naive = _chance(r, most - 2)
    if adjust == "none" or np.isnan(r).all():
        return r, np.where(np.isnan(r), np.nan, most), naive, naive
    if adjust == "dutilleul":
        variance, p = _variance_by_class(z[:, 1:], z[:, 0], place, basis, classes), None
    else:
        variance, p = _sign_flips(z[:, 1:], z[:, 0], place, permutations, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        n = np.minimum(1 + 1 / np.where(variance > 0, variance, np.nan), most)
    return r, n, _chance(r, n - 2) if p is None else p, naive


def _variance_by_class(x, y, place, basis, classes: int) -> np.ndarray:
    """Of the correlation of each column of `x` with `y`, were they unrelated: tr(MSx MSy) / (tr(MSx) tr(MSy)).

    x, y : standardised, free of `basis`, whose columns are orthogonal with mean square 1: M = I - bb'/n takes them out.
    """
    n, q = basis.shape
    flat = np.isnan(x).all(axis=0) | np.isnan(y).all()
    values = np.nan_to_num(np.column_stack([x, y]))
    products, around = risk_classes.by_distance(place, values, basis, classes)
    pairs = around[:, :, 0].sum(axis=0)  # each counted from both ends
    alike = 2 * products / np.where(pairs > 0, pairs, 1)[:, None]  # Moran's I of each class
    own, other = alike[:, :-1], alike[:, -1]
    across = np.einsum("ic,ikd->kcd", basis, around)  # b' W b of each class
    traces, flattened = np.einsum("kcc->k", across), np.moveaxis(around, 1, 0).reshape(len(pairs), -1)
    whole = n + own.T @ (pairs * other)
    once = n * q + own.T @ traces + other @ traces + own.T @ (flattened @ (flattened.T @ other))
    x_within, y_within = (n * np.eye(q) + np.tensordot(a, across, axes=(0, 0)) for a in (own, other))
    twice = np.einsum("fcd,dc->f", x_within, y_within) / n**2
    below = (n - q - own.T @ traces / n) * (n - q - other @ traces / n)
    return np.where(flat | (below <= 0), np.nan, (whole - 2 * once / n + twice) / np.where(below > 0, below, 1))


def _sign_flips(x, y, place, permutations: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Variance of each correlation, and its p-value, over redrawn signs of the waves of `y`.

    The waves are eigenvectors of minus the root of all distances, rows and columns centred: from long to short, at
    home on any arrangement of places and in any unit. Each keeps its strength in `y`, and so the map its smoothness.
    """
    if len(y) > MOST_SHUFFLED:
        raise ValueError(f"adjust='permutation' takes up to {MOST_SHUFFLED:,} areas; ask for 'dutilleul' instead.")
    waves = _waves(place)
    parts = (waves.T @ x) * (waves.T @ y)[:, None] / len(y)  # they add up to r
    r, rng, reached = parts.sum(axis=0), np.random.default_rng(seed), np.zeros(x.shape[1])
    slack = significance.ROUNDING * len(y)
    block = max(1, significance.BLOCK // len(y))
    for done in range(0, permutations, block):
        signs = rng.integers(0, 2, (min(block, permutations - done), len(y)), dtype=np.int8) * 2.0 - 1
        reached += (np.abs(signs @ parts) >= np.abs(r) - slack).sum(axis=0)
    p = np.where(np.isnan(r), np.nan, (reached + 1) / (permutations + 1))
    return (parts**2).sum(axis=0), p


def _waves(place: np.ndarray) -> np.ndarray:
    from scipy.linalg import eigh
    from scipy.spatial.distance import pdist, squareform

    near = -squareform(np.sqrt(pdist(place)))
    near -= near.mean(axis=0)
    near -= near.mean(axis=1)[:, None]
    return eigh(near, overwrite_a=True, check_finite=False, driver="evd")[1]


def _basis(held: np.ndarray) -> np.ndarray:
    """1 and what the controls add to it, as orthogonal columns with mean square 1; a control that the others (or 1)
    hold already adds none."""
    one = np.ones((len(held), 1))
    if not held.shape[1]:
        return one
    u, size, _ = np.linalg.svd(np.nan_to_num(_standardised(held, one)), full_matrices=False)
    return np.column_stack([one, u[:, size > _FLAT * size[0]] * np.sqrt(len(held))])


def _standardised(values: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """What `basis` leaves of each column, with mean square 1; missing where it leaves nothing."""
    away = values - values.mean(axis=0)
    left = away
    for _ in range(2):  # twice: the first leaves rounding along the basis
        left = left - basis @ (basis.T @ left) / len(values)
    before, spread = (np.sqrt((part**2).mean(axis=0)) for part in (away, left))
    flat = (values == values[0]).all(axis=0) | (spread <= _FLAT * before)
    return np.where(flat, np.nan, left / np.where(flat, 1, spread))


def _correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.clip(x.T @ y / len(y), -1, 1)


def _chance(r, df):
    """Two-sided p of a correlation with so many degrees of freedom; missing where there are none."""
    from scipy.special import betainc

    r, df = np.asarray(r, dtype=float), np.asarray(df, dtype=float)
    some = df > 0
    return np.where(some, betainc(np.where(some, df, 1) / 2, 0.5, 1 - r**2), np.nan)


def _as_rows(names, found, n, method: str) -> pd.DataFrame:
    r, effective_n, p, naive = found
    with np.errstate(divide="ignore", invalid="ignore"):
        half = _Z_95 / np.sqrt(np.where(effective_n > 3, effective_n - 3, np.nan))
        lower, upper = np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)
    q, q_naive = significance.benjamini_hochberg(p), significance.benjamini_hochberg(naive)
    columns = (names, r, lower, upper, effective_n, p, q, naive, q_naive, n, method)
    return pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)), index=pd.RangeIndex(len(names)))


def _alike(known: np.ndarray):
    """Columns known in the same rows, together: the rows, and the columns."""
    patterns, group = np.unique(known, axis=1, return_inverse=True)
    for number, rows in enumerate(patterns.T):
        yield rows, np.flatnonzero(group.ravel() == number)


def _numbers(table) -> np.ndarray:
    """As floats, missing ones as such; a column stays a line, a table a table."""
    if isinstance(table, pd.DataFrame | pd.Series):
        return table.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(table, dtype=float)


def _same_length(*parts: np.ndarray) -> None:
    if len({len(part) for part in parts}) > 1:
        raise ValueError(f"Not one row per place in each: {', '.join(str(len(part)) for part in parts)} rows.")


def _same_rows(*tables) -> None:
    indexes = [table.index for table in tables if isinstance(table, pd.DataFrame | pd.Series)]
    if any(not index.equals(indexes[0]) for index in indexes):
        raise ValueError("These are not rows of one table: their indexes differ.")
