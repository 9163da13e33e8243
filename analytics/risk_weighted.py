"""Geographically weighted regression on arrays: weights, local coefficients, their cost. A row is an area."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

FEWEST_NEAREST = 40  # the shortest reach tried, and two more for each coefficient, as GWR software does
HELD = 2_000  # areas whose distances are worked out once and held: 64 MB
FLAT = 1e-10  # relative: a local spread this small is a factor that is constant there, or the sum of others
_EDGE = 1.0000001  # the farthest of the nearest counts too, with hardly any weight
_GOLDEN = (3 - 5**0.5) / 2
_BLOCK = 2_000_000  # weights held at a time: 16 MB


@dataclass(frozen=True)
class Places:
    """Coordinates, and where they are few the squared distances between all and each row of these in order."""

    xy: np.ndarray
    away: np.ndarray | None = None
    ordered: np.ndarray | None = None


@dataclass(frozen=True)
class Fit:
    """Local coefficients (areas, coefficients) of an outcome, and what each of the coefficients costs.

    influence : the weight of each area's own outcome in its fitted value. squares : the sum of all such weights
    squared. covariance : of the coefficients, for errors of variance 1; None where not asked for.
    """

    coefficients: np.ndarray
    influence: np.ndarray
    squares: np.ndarray | None = None
    covariance: np.ndarray | None = None


def fewest(n: int, p: int) -> int:
    """The shortest reach tried for n areas and p coefficients, in areas."""
    return min(FEWEST_NEAREST + 2 * p, n)


def search(places, design, y) -> int:
    """The number of nearest areas with the least corrected Akaike criterion of those a golden section looks at."""
    n, worth = len(y), {}

    def at(nearest: int) -> float:
        if nearest not in worth:
            worth[nearest] = cost(fit(places, design, y, nearest), design, y)["aicc"]
        return worth[nearest]

    low, high = fewest(n, design.shape[1]), n
    while high - low > 2:
        first, second = round(low + _GOLDEN * (high - low)), round(high - _GOLDEN * (high - low))
        if first == second:
            second += 1
        low, high = (low, second) if at(first) < at(second) else (first, high)
    for nearest in range(low, high + 1):
        at(nearest)
    return min(worth, key=lambda nearest: (worth[nearest], -nearest))


def placed(xy: np.ndarray) -> Places:
    if len(xy) > HELD:
        return Places(xy)
    away = _away(xy, slice(None))
    return Places(xy, away, np.sort(away, axis=1))


def _away(xy: np.ndarray, rows: slice) -> np.ndarray:
    return np.subtract.outer(xy[rows, 0], xy[:, 0]) ** 2 + np.subtract.outer(xy[rows, 1], xy[:, 1]) ** 2


def bisquare(places: Places, nearest: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Bisquare weights of all areas for each area, some areas at a time."""
    n = len(places.xy)
    for start in range(0, n, max(1, _BLOCK // n)):
        rows = slice(start, min(n, start + max(1, _BLOCK // n)))
        away = _away(places.xy, rows) if places.away is None else places.away[rows]
        ordered = np.partition(away, nearest - 1, axis=1) if places.ordered is None else places.ordered[rows]
        edge = np.maximum(ordered[:, [nearest - 1]] * _EDGE**2, np.finfo(float).tiny)  # all at one spot: those alone
        with np.errstate(over="ignore"):
            weights = 1 - away / edge
        np.maximum(weights, 0, out=weights)
        yield rows, np.multiply(weights, weights, out=weights)


def fit(places, design, y, nearest: int, *, errors: bool = False) -> Fit:
    n, p = design.shape
    found = Fit(np.empty((n, p)), np.empty(n), np.empty(n), np.empty((n, p, p)) if errors else None)
    pairs, pulls = products(design), design * y[:, None]
    for rows, weights in bisquare(places, nearest):
        inverse = inverted(weights @ pairs, p)
        found.coefficients[rows] = np.einsum("nij,nj->ni", inverse, weights @ pulls)
        found.influence[rows] = np.einsum("ni,nij,nj->n", design[rows], inverse, design[rows])  # own weight is 1
        if errors:
            spread = inverse @ _square(weights**2 @ pairs, p) @ inverse
            found.covariance[rows] = spread
            found.squares[rows] = np.einsum("ni,nij,nj->n", design[rows], spread, design[rows])
    return found


def of_many(places: Places, design, outcomes, nearest: int) -> tuple[np.ndarray, np.ndarray]:
    """Local coefficients (areas, coefficients, outcomes) of many outcomes at once, and the influence of each area."""
    (n, p), many, pairs = design.shape, outcomes.shape[1], products(design)
    local, influence = np.empty((n, p, many)), np.empty(n)
    for rows, weights in bisquare(places, nearest):
        inverse = inverted(weights @ pairs, p)
        pulls = np.stack([weights @ (outcomes * column[:, None]) for column in design.T], axis=1)
        local[rows] = inverse @ pulls
        influence[rows] = np.einsum("ni,nij,nj->n", design[rows], inverse, design[rows])
    return local, influence


def products(design: np.ndarray) -> np.ndarray:
    """Products of each two columns, once."""
    first, second = np.triu_indices(design.shape[1])
    return design[:, first] * design[:, second]


def _square(sums: np.ndarray, p: int) -> np.ndarray:
    first, second = np.triu_indices(p)
    full = np.empty((len(sums), p, p))
    full[:, first, second] = full[:, second, first] = sums
    return full


def inverted(sums: np.ndarray, p: int) -> np.ndarray:
    """Of each symmetric matrix; missing where a column is nought or the sum of others."""
    full = _square(sums, p)
    size = np.sqrt(np.einsum("nii->ni", full))
    size[size == 0] = 1.0
    scale = size[:, :, None] * size[:, None, :]
    values, vectors = np.linalg.eigh(full / scale)
    lost = values[:, 0] < FLAT * values[:, -1]
    values[lost] = np.nan
    return (vectors / values[:, None, :]) @ vectors.transpose(0, 2, 1) / scale


def cost(fit: Fit, design, y) -> dict[str, float]:
    """Over the areas with a local regression; the criterion is infinite where one has none, or nothing is left over."""
    some = np.isfinite(fit.influence)
    n, residual = int(some.sum()), (y - (design * fit.coefficients).sum(axis=1))[some]
    left, trace = float(residual @ residual), float(fit.influence[some].sum())
    away = y[some] - y[some].mean() if n else y[some]
    found = {"aicc": np.inf, "r_squared": 1 - left / (away @ away) if np.ptp(y) > 0 and n else np.nan}
    if some.all():
        found["aicc"] = float(aicc(n, trace, np.float64(left)))
    if fit.covariance is not None:
        found["spare"] = n - 2 * trace + float(fit.squares[some].sum())
        found["variance"] = left / found["spare"] if found["spare"] > 0 else np.nan
    return found


def aicc(n: int, trace: float, left):
    """n log(2 pi RSS / n) + n (n + tr S) / (n - tr S - 2); infinite where an area has no regression."""
    if not n - trace - 2 > 0:
        return np.full(np.shape(left), np.inf)
    with np.errstate(divide="ignore"):
        return n * np.log(2 * np.pi * left / n) + n * (n + trace) / (n - trace - 2)
