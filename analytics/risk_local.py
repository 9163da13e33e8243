"""Does a relationship hold everywhere? Geographically weighted regression. A row is a factor in an area."""

import numpy as np
import pandas as pd

from analytics import risk_weighted as gwr
from analytics import significance
from analytics.errors import NotEnoughData

HALF = 0.5  # of an event, added before the logarithm: its mean then is that of the log rate, from about two events on
REACHES = 6  # from there to all areas, among which each shuffle chooses its own
ALPHA = 0.05  # of a local test, before the correction for there being many


def local_relationships(
    counts_or_rate,
    factors: pd.DataFrame,
    coordinates: pd.DataFrame,
    *,
    bandwidth: int | None = None,
    exposure=None,
    permutations: int = 99,
    shuffle: str = "residuals",
    seed: int = 0,
) -> pd.DataFrame:
    """Is a factor tied to violence more tightly in some parts of the area than in others?

    counts_or_rate : one value per area. With `exposure` counts, and what is explained is log((n + 1/2) / exposure);
        without it the values as they are (a rate, a logarithm).
    factors : numeric columns, same rows. coordinates : `x`, `y`, metres. Areas with anything missing, or no exposure,
        count nowhere and get no value.
    bandwidth : how many nearest areas, itself included, each local regression looks at, the nearer the more (bisquare,
        nought beyond the last); None: by golden section search of the corrected Akaike criterion.
    permutations, seed : of the test whether a relationship varies; 0 for none. shuffle : what is exchanged between
        areas to see what chance does. `residuals`: those of the regression in which this one coefficient is the same
        everywhere and the others vary; factors stay where they are, and each shuffle chooses its own reach out of
        six, as does the outcome (unless `bandwidth` is given). `places`: the whole areas, the reach kept (Brunsdon et
        al.): that asks whether anything varies at all, and finds too much where factors or errors are clustered.

    Returns one row per area and factor, `intercept` first, areas in their order: `area` (the label of its row),
        `factor`, `coefficient` (in the unit of the outcome per unit of the factor), `standard_error`, `t` and
        `p_value` (two-sided, not corrected: compare it with `adjusted_alpha`). Missing where the factor is constant, or
        the sum of others, within reach.
    `.attrs["varies"]` has a row per factor: `factor`, `spread` (standard deviation of its local coefficients over
        areas), `p_value` = (r + 1) / (M + 1), r the number of shuffles that spread at least as far, not corrected, and
        `bandwidth`. `.attrs`: `adjusted_alpha` = 0.05 p / pe, p coefficients, pe = 2 tr(S) - tr(S'S); `outcome`
        (`log rate` or `value`), `bandwidth`, `aicc`, `r_squared`, `n`, `left_out`.
    Misleads readily: neighbouring coefficients share data and trade off against each other (where one factor's is high
    another's is low); something unmeasured that is clustered spreads all of them; areas at the edge look inwards only.
    With exposure, areas that expect fewer than about two events lean upwards. A first look, not a
    finding.
    Source: Fotheringham, Brunsdon & Charlton (2002), Geographically Weighted Regression; Brunsdon, Fotheringham &
    Charlton (1998), The Statistician 47(3), 431-443; residuals, Mei, Wang & Zhang (2006), Environment and Planning A
    38(3), 587-598; adjusted alpha, da Silva & Fotheringham (2016), Geographical Analysis 48(3), 233-247.
    """
    if shuffle not in ("residuals", "places"):
        raise ValueError("shuffle is residuals or places.")
    y, x, xy, known = _complete(counts_or_rate, factors, coordinates, exposure)
    design, back = _design(x, list(factors.columns))
    places = gwr.placed(xy)
    nearest = _checked(bandwidth, len(y)) if bandwidth is not None else gwr.search(places, design, y)
    fit = gwr.fit(places, design, y, nearest, errors=True)
    cost = gwr.cost(fit, design, y)
    local = fit.coefficients @ back.T
    error = np.sqrt(cost["variance"] * np.einsum("ij,njk,ik->ni", back, fit.covariance, back))
    found = _long(factors, known, local, error, cost["spare"])
    varies = pd.DataFrame({"factor": ["intercept", *factors.columns], "spread": _spread(local)})
    if not permutations:
        varies["p_value"] = np.nan
    elif shuffle == "residuals":
        reaches = [nearest] if bandwidth is not None else _reaches(len(y), design.shape[1])
        varies["p_value"] = _by_residuals(places, design, y, back, reaches, permutations, seed)
    else:
        varies["p_value"] = _by_places(places, design, y, back, nearest, permutations, seed)
    found.attrs = {"varies": varies.assign(bandwidth=nearest), "bandwidth": nearest}
    found.attrs |= {"adjusted_alpha": min(ALPHA, ALPHA * design.shape[1] / (len(y) - cost["spare"]))}
    found.attrs |= {name: cost[name] for name in ("aicc", "r_squared")}
    found.attrs |= {"outcome": "value" if exposure is None else "log rate"}
    return _counted(found, known)


def _counted(found: pd.DataFrame, known: np.ndarray) -> pd.DataFrame:
    found.attrs |= {"n": int(known.sum()), "left_out": int((~known).sum())}
    return found


def _complete(values, factors, coordinates, exposure) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, factors and places of the complete areas, and which those are."""
    y = pd.Series(values).to_numpy(dtype=float, na_value=np.nan)
    x = factors.to_numpy(dtype=float, na_value=np.nan)
    place = coordinates[["x", "y"]].to_numpy(dtype=float, na_value=np.nan)
    if not len(y) == len(x) == len(place):
        raise ValueError("The outcome, factors and coordinates are not rows of one table: their lengths differ.")
    if exposure is not None:
        over = np.broadcast_to(pd.Series(exposure).to_numpy(dtype=float, na_value=np.nan), y.shape)
        if (y < 0).any() or (over < 0).any():
            raise ValueError("Counts and exposure are 0 or more; leave exposure out where the outcome is a rate.")
        with np.errstate(divide="ignore", invalid="ignore"):
            y = np.log((y + HALF) / over)
    known = np.isfinite(np.column_stack([y, x, place])).all(axis=1)
    return y[known], x[known], place[known], known


def _design(x: np.ndarray, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """A column of ones and the standardised factors; and the matrix that leads back to factors as given."""
    n, p = x.shape
    if n < p + 3:
        raise NotEnoughData(f"Local relationships with {p} factors need at least {p + 3} areas; there are {n}.")
    flat = [str(name) for name, wide in zip(names, np.ptp(x, axis=0), strict=True) if wide == 0]
    if flat:
        raise NotEnoughData(f"The same everywhere, so it has no relationship with anything: {', '.join(flat)}.")
    mean, spread = x.mean(axis=0), x.std(axis=0)
    alike = (x - mean) / spread
    if p and np.linalg.eigvalsh(alike.T @ alike / n)[0] < gwr.FLAT:
        raise NotEnoughData("Some factors say exactly the same: take one away, and try again.")
    back = np.diag(np.concatenate([[1.0], 1 / spread]))
    back[0, 1:] = -mean / spread
    return np.column_stack([np.ones(n), alike]), back


def _checked(bandwidth: int, n: int) -> int:
    if not 2 <= bandwidth <= n:
        raise ValueError(f"bandwidth is a number of nearest areas, from 2 to {n}.")
    return int(bandwidth)


def _long(factors, known, local, error, spare: float) -> pd.DataFrame:
    from scipy import stats

    names = ["intercept", *factors.columns]
    coefficient, standard_error = (np.full((len(known), len(names)), np.nan) for _ in range(2))
    coefficient[known], standard_error[known] = local, error
    t = np.divide(coefficient, standard_error, out=np.full(coefficient.shape, np.nan), where=standard_error > 0)
    columns = {"coefficient": coefficient, "standard_error": standard_error, "t": t}
    columns["p_value"] = 2 * stats.t.sf(np.abs(t), spare)
    table = {"area": factors.index.repeat(len(names)), "factor": np.tile(np.array(names, dtype=object), len(known))}
    return pd.DataFrame(table | {name: values.ravel() for name, values in columns.items()})


def _spread(local: np.ndarray) -> np.ndarray:
    some = np.isfinite(local).all(axis=-1)
    return local[some].std(axis=0) if some.any() else np.full(local.shape[-1], np.nan)


def _by_residuals(places, design, y, back, reaches, permutations: int, seed: int) -> np.ndarray:
    """How often a regression in which this one coefficient does not vary, with its residuals in another order, spreads
    it as far. The others may vary: else what varies in one of them, or in the level, would be laid at this one's door.
    """
    rng, n, p = np.random.default_rng(seed), len(y), np.empty(design.shape[1])
    for at in range(len(p)):
        fitted, parameters = _held(places, design, y, reaches, at)
        residual = (y - fitted) * np.sqrt(n / max(n - parameters, 1.0))  # as wide as the errors were
        moved = [fitted + rng.permutation(residual) for _ in range(permutations)]
        spreads = _spreads(places, design, np.column_stack([y, *moved]), back, reaches)
        p[at] = _p(spreads[0], spreads[1:], n)[at]
    return p


def _held(places, design, y, reaches, at: int) -> tuple[np.ndarray, float]:
    """Fitted values where one coefficient is the same everywhere and the others vary; and the parameters they take.

    Source: Speckman (1988), J. R. Statist. Soc. B 50(3), 413-436; Fotheringham et al. (2002), 3.4 (mixed models).
    """
    others, both = np.delete(design, at, axis=1), np.column_stack([y, design[:, at]])
    least, best = np.inf, (np.full(len(y), y.mean()), 1.0)
    for nearest in reaches:
        local, influence = gwr.of_many(places, others, both, nearest)
        left = both - np.einsum("np,npm->nm", others, local)
        slope = (left[:, 1] @ left[:, 0]) / (left[:, 1] @ left[:, 1])
        residual, parameters = left[:, 0] - slope * left[:, 1], influence.sum() + 1
        worth = gwr.aicc(len(y), parameters, residual @ residual)
        if worth < least:
            least, best = worth, (y - residual, parameters)
    return best


def _spreads(places, design, outcomes, back, reaches) -> np.ndarray:
    """Spreads of the local coefficients (outcomes, coefficients), each outcome with the reach that suits it best.

    Had the shuffles to take the reach chosen for the outcome as it is, the test would find too much.
    """
    many = outcomes.shape[1]
    least, spreads = np.full(many, np.inf), np.full((many, design.shape[1]), np.nan)
    for nearest in reaches:
        local, influence = gwr.of_many(places, design, outcomes, nearest)
        left = ((outcomes - np.einsum("np,npm->nm", design, local)) ** 2).sum(axis=0)
        aicc = gwr.aicc(len(outcomes), influence.sum(), left)
        spread = np.array([_spread(local[:, :, one] @ back.T) for one in range(many)])
        better = (aicc < least) | np.isnan(spreads).all(axis=1)
        least[better], spreads[better] = aicc[better], spread[better]
    return spreads


def _by_places(places, design, y, back, nearest: int, permutations: int, seed: int) -> np.ndarray:
    """How often the areas, put down in each other's places, spread local coefficients as far with the same reach."""
    rng = np.random.default_rng(seed)
    orders = [np.arange(len(y)), *(rng.permutation(len(y)) for _ in range(permutations))]
    spreads = np.array([_spread(gwr.fit(places, design[o], y[o], nearest).coefficients @ back.T) for o in orders])
    return _p(spreads[0], spreads[1:], len(y))


def _p(observed: np.ndarray, simulated: np.ndarray, n: int) -> np.ndarray:
    """(r + 1) / (M + 1), r the simulated values at least as large."""
    as_far = (simulated >= observed * (1 - significance.ROUNDING * n)).sum(axis=0)
    return np.where(np.isfinite(observed), (as_far + 1) / (len(simulated) + 1), np.nan)


def _reaches(n: int, p: int) -> list[int]:
    """Numbers of nearest areas in equal ratios, from all of them to the fewest."""
    steps = np.geomspace(n, gwr.fewest(n, p), REACHES)
    return list(dict.fromkeys(np.rint(steps).astype(int).tolist()))
