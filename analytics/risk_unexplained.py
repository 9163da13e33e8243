"""What the factors of an area do not explain: events held against those a model expects. A row is an area."""

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import rates, significance
from analytics.autocorrelation import placed_back
from analytics.risk_counts import Rows, moran_of, prepared, residuals
from analytics.risk_fits import Fit, fit, log_likelihood, tails, weighted_square

_ALONE = 1e-6  # of its own expectation that other areas decide: with less there is none without it
_LARGEST = 1e3  # alpha: areas with the same factors would differ thirtyfold
_VALUES = 25  # of alpha looked at; the limits do not hang on more
_CLOSER = 4  # times the values are put closer about the best, by up to twelvefold
_FAR = 12.0  # below the best logarithm: a part in 160,000


def unexplained(
    counts,
    factors: pd.DataFrame,
    *,
    exposure=None,
    near: sparse.csr_array | None = None,
    confidence: float = 0.95,
    leave_out: bool = True,
) -> pd.DataFrame:
    """Where are there more, or fewer, events than areas with such factors have?

    counts, factors, exposure : as in `count_model`, whose negative binomial says what is expected.
    near : who is whose neighbour, same order, for Moran's I of what is left over; it changes no expectation, for a
        model that allows for neighbours would explain a cluster by itself.
    leave_out : each area's expectation comes from the other areas (one step of the fit without it), so that an extreme
        one does not raise its own; False: the fitted mean.

    Returns one row per area, same order and index: `n`, `expected` (events), `ratio`, `lower`, `upper`, `p_value`
    (two-sided: twice the chance that the ratio lies on the other side of 1), `q_value` (Benjamini-Hochberg over the
    areas), `stands_out` (`more` or `less` where q is below 1 - confidence, else empty) and `method`; a row with a value
    missing, or exposure 0, has `n` alone, as has an area of which no other tells what to expect (it alone has a
    factor). `.attrs`: `dispersion`, `residual_moran_i`, `residual_moran_p_value`, `n`, `left_out`.
    `ratio` is (n + 1/alpha) / (expected + 1/alpha), drawn towards 1 the more, the fewer events are expected: areas'
    ratios are taken to follow the gamma distribution with mean 1 and variance alpha, which makes counts negative
    binomial. Its alpha is the likeliest one; where that is 0 every ratio is 1. The limits allow for the other alphas
    that are plausible, and for the doubt about the expectation.
    Misleads as a league table of failure: what is unexplained is unexplained by these factors, recording included. A
    ratio near 1 with few events expected means that little is known. An extreme area, though left out of its own
    expectation, still raises alpha for all, and where many stand out the factors leave much unsaid.
    Source: Clayton & Kaldor (1987), Biometrics 43(3), 671-681; Christiansen & Morris (1997), JASA 92(438), 618-632;
    leaving out: Pregibon (1981), Ann. Stat. 9(4), 705-724.
    """
    if not 0 < confidence < 1:
        raise ValueError("confidence lies between 0 and 1 (0.95, not 95).")
    rows = prepared(counts, factors, exposure, "negative_binomial")
    model = fit(rows.counts, rows.turned, rows.back, rows.offset, "negative_binomial")
    expected, doubt = _expected(rows, model, leave_out)
    columns = {"expected": expected, "ratio": shrunken(rows.counts, expected, model.alpha)}
    columns |= _posterior(rows.counts, expected, doubt, _plausible(rows, model), confidence)
    table = rates.as_rows(n=counts).set_axis(pd.DataFrame(factors).index)
    table = table.assign(**{name: placed_back(values, rows.known) for name, values in columns.items()})
    table["q_value"] = significance.benjamini_hochberg(table["p_value"])
    side = pd.Series(np.where(table["n"] > table["expected"], "more", "less"), table.index, dtype="str")
    judged = table["q_value"].notna()
    table["stands_out"] = side.where(table["q_value"] < 1 - confidence, "").where(judged)
    method = f"negative binomial, gamma {100 * confidence:g}%"
    table["method"] = pd.Series(method, table.index, dtype="str").where(judged)
    i, p = moran_of(residuals(rows, model), near)
    left_out = int((~rows.known).sum())
    table.attrs = {"dispersion": model.alpha, "residual_moran_i": i, "residual_moran_p_value": p}
    table.attrs |= {"n": len(rows.counts), "left_out": left_out}
    return table


def _expected(rows: Rows, model: Fit, leave_out: bool) -> tuple[np.ndarray, np.ndarray]:
    """What each area is expected to have, and the variance of the logarithm of that."""
    weight = model.mean / (1 + model.alpha * model.mean)
    doubt = ((np.linalg.inv(weighted_square(rows.turned, weight)) @ rows.turned) * rows.turned).sum(axis=0)
    if not leave_out:
        return model.mean, doubt
    leverage = doubt * weight
    kept = np.where(leverage < 1 - _ALONE, 1 - leverage, np.nan)
    away = (rows.counts - model.mean) / model.mean
    return model.mean * np.exp(-leverage * away / kept), doubt / kept


def _plausible(rows: Rows, model: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Values alpha may have, and how plausible each is (adding up to 1).

    Likelihood at the fitted means, with what alpha does to the information (Cox & Reid 1987), and before the data every
    strength of drawing towards 1 alike for an area with the middle number of events expected: 1/(1 + alpha middle)
    uniform (Christiansen & Morris 1997).
    """
    middle, beyond = np.median(model.mean), tails(rows.counts)
    scale = np.linspace(0, np.log1p(_LARGEST * middle), _VALUES)  # log(1 + alpha middle): even to the eye at both ends
    for _ in range(_CLOSER):
        found = np.array([_plausibility(rows, model.mean, at, middle, beyond) for at in scale])
        near_best = np.flatnonzero(found > found.max() - _FAR)
        first, last = max(near_best[0] - 1, 0), min(near_best[-1] + 1, _VALUES - 1)
        alphas, weights = np.expm1(scale) / middle, np.exp(found - found.max())
        scale = np.linspace(scale[first], scale[last], _VALUES)
    return alphas, weights / weights.sum()


def _plausibility(rows: Rows, mean, scale: float, middle: float, beyond) -> float:
    alpha = np.expm1(scale) / middle
    information = weighted_square(rows.turned, mean / (1 + alpha * mean))
    return log_likelihood(rows.counts, mean, alpha, beyond) - np.linalg.slogdet(information)[1] / 2 - scale


def _posterior(n, expected, doubt, plausible, confidence: float) -> dict[str, np.ndarray]:
    """Limits and p-values of the ratios: the gamma distribution with their mean and variance over plausible alphas."""
    from scipy import special

    mean, square = np.zeros(len(n)), np.zeros(len(n))
    for alpha, weight in zip(*plausible, strict=True):
        ratio, drawn = shrunken(n, expected, alpha), alpha * expected / (1 + alpha * expected)
        variance = ratio * alpha / (1 + alpha * expected) + doubt * (drawn * ratio) ** 2
        mean, square = mean + weight * ratio, square + weight * (ratio**2 + variance)
    shape = mean**2 / np.maximum(square - mean**2, np.finfo(float).tiny)
    tail = (1 - confidence) / 2
    lower, upper = (special.gammaincinv(shape, at) * mean / shape for at in (tail, 1 - tail))
    below, above = special.gammainc(shape, shape / mean), special.gammaincc(shape, shape / mean)
    return {"lower": lower, "upper": upper, "p_value": np.minimum(1, 2 * np.minimum(below, above))}


def shrunken(n, expected, alpha: float):
    """(n + 1/alpha) / (expected + 1/alpha), also where alpha is 0 and the answer 1."""
    return (1 + alpha * n) / (1 + alpha * expected)
