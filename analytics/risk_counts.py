"""Models of counts between areas: how the rate goes with each factor, the others held equal. A row is an area.

The fit is our own (`risk_fits`): statsmodels takes seconds of processor time to load, gives no errors for some counts
that spread no more than Poisson, and does not say which factor has no limit. It is the judge in the tests and in
`benchmarks.count_model`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import rates
from analytics.autocorrelation import moran
from analytics.errors import NotEnoughData
from analytics.risk_collinear import constant, nought, numeric
from analytics.risk_fits import Fit, fit, standardised

FAMILIES = ("negative_binomial", "poisson", "quasipoisson")
_PART = 1e-5  # of a combination of factors: a factor with less has no part in it but rounding


@dataclass(frozen=True)
class Rows:
    """The areas a model can be made of, and the design as `risk_fits` has it: 1, then the factors."""

    names: list[str]
    known: np.ndarray  # which rows of the table they are
    counts: np.ndarray
    turned: np.ndarray
    back: np.ndarray
    offset: np.ndarray  # logarithm of the exposure


def count_model(
    counts,
    factors: pd.DataFrame,
    *,
    exposure=None,
    family: str = "negative_binomial",
    near: sparse.csr_array | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many times the rate goes with one unit more of each factor, the other factors held equal?

    counts : events, one per area. factors : one row per area, one column of numbers per factor, taken as given
        (`per_sd` and `per_tenth` make them comparable); without any column the overall rate.
    exposure : what the counts are divided by (people, people times years), one per area; None: every area alike.
    family : `negative_binomial` (variance = mean + alpha mean², alpha by maximum likelihood), `poisson` (variance =
        mean) or `quasipoisson` (Poisson, all errors stretched to the spread seen).
    near : who is whose neighbour, same order, for Moran's I of what the model leaves over (Pearson residuals).

    Returns one row per `factor`, `intercept` first: `coefficient` (of the logarithm of the rate), `standard_error`
    (expected information), `rate_ratio` with `lower` and `upper`, `p_value` (two-sided, not corrected for the number
    of factors) and `method`; limits from the normal distribution, for quasi-Poisson from t. `.attrs`: `dispersion`
    (alpha, 0 where nothing above it is likelier; for quasi-Poisson Pearson's chi-square over its degrees of freedom),
    `log_likelihood` (missing for quasi-Poisson, which has none), `residual_moran_i`, `residual_moran_p_value`
    (randomisation, two-sided), `n` (areas used), `left_out` (areas with a value missing or exposure 0), `family`.
    Misleads as cause: it compares areas, not people, and factors left out speak through those that are in. Where what
    is left over of neighbours is alike the intervals are too narrow (`spatial_alternative`), and those of the negative
    binomial with fewer than 100 areas (an idle factor has p below 0.05 in 11% of maps of 14 areas; quasi-Poisson 8%).
    Factors that say the same divide one effect between them by chance (`collinearity`).
    Source: McCullagh & Nelder (1989), Generalized Linear Models, ch. 6; Lawless (1987), Can. J. Stat. 15(3), 209-225.
    """
    rows = prepared(counts, factors, exposure, family)
    model = fit(rows.counts, rows.turned, rows.back, rows.offset, family)
    return tabled(rows, model, family, near, confidence)


def per_sd(factors: pd.DataFrame) -> pd.DataFrame:
    """The factors in standard deviations (n - 1) from their means, so that rate ratios are per standard deviation.

    factors : one row per area. Returns the same columns; missing stays missing, and a constant factor has no value.
    Misleads between data sets: a standard deviation here is not one elsewhere.
    """
    x = numeric(factors)
    return (x - x.mean()) / x.std().mask(constant(x))


def per_tenth(factors: pd.DataFrame) -> pd.DataFrame:
    """The factors as tenths of the areas, 1 for the lowest values to 10, so that rate ratios are per tenth.

    factors : one row per area. Returns the same columns. Equal values share the tenth of the middle of their ranks, so
    that tenths differ in size where many tie; a constant factor is in the 5th throughout. Missing stays missing.
    Misleads where most areas are alike: a tenth is a hair in the middle and a mile at the ends. Official deciles of
    deprivation count the other way, 1 being the most deprived.
    """
    x = numeric(factors)
    return np.ceil(10 * (2 * x.rank() - 1) / (2 * x.count()))  # whole over whole: no rounding at the edges


def prepared(counts, factors: pd.DataFrame, exposure, family: str) -> Rows:
    """The areas with every value known and some exposure; refuses what has no fit."""
    if family not in FAMILIES:
        raise ValueError(f"family is one of {', '.join(FAMILIES)}.")
    x, table = numeric(factors), rates.as_rows(counts=counts, exposure=1.0 if exposure is None else exposure)
    if len(table) != len(x):
        raise ValueError(f"{len(table)} counts for {len(x)} rows of factors.")
    if isinstance(counts, pd.Series) and isinstance(factors, pd.DataFrame) and not counts.index.equals(x.index):
        raise ValueError("Counts and factors are not rows of one table: their indexes differ.")
    told = np.isfinite(table).all(axis=1) & table["exposure"].gt(0)
    known = told.to_numpy() & x.notna().all(axis=1).to_numpy()
    y, size = (table[name].to_numpy()[known] for name in ("counts", "exposure"))
    if family != "quasipoisson" and (y != np.round(y)).any():
        raise ValueError("Counts are whole numbers; for parts of events use quasipoisson.")
    x_known = x if known.all() else x[known]
    _refuse_too_little(y, x, x_known)
    turned, back = standardised(np.vstack([np.ones(len(y)), x_known.to_numpy().T]))
    _refuse_no_limit(y, turned, x.columns)
    return Rows(["intercept", *x.columns], known, y, turned, back, np.log(size))


def tabled(rows: Rows, model: Fit, family: str, near: sparse.csr_array | None, confidence: float) -> pd.DataFrame:
    """The table of `count_model`, with its `.attrs`."""
    if not 0 < confidence < 1:
        raise ValueError("confidence lies between 0 and 1 (0.95, not 95).")
    b, error = model.coefficients, np.sqrt(np.diag(model.covariance))
    half, p = _normal_or_t(b, error, model.free if family == "quasipoisson" else np.inf, confidence)
    with np.errstate(over="ignore"):  # a factor in tiny units has a rate ratio beyond all numbers
        limits = {"rate_ratio": np.exp(b), "lower": np.exp(b - half), "upper": np.exp(b + half)}
    columns = {"factor": rows.names, "coefficient": b, "standard_error": error, **limits, "p_value": p}
    table = pd.DataFrame(columns | {"method": f"{family.replace('_', ' ')}, Wald {100 * confidence:g}%"})
    i, p_of_i = moran_of(residuals(rows, model), near)
    table.attrs = {
        "dispersion": model.scale if family == "quasipoisson" else model.alpha,
        "log_likelihood": model.log_likelihood,
        "residual_moran_i": i,
        "residual_moran_p_value": p_of_i,
        "n": len(rows.counts),
        "left_out": int((~rows.known).sum()),
        "family": family,
    }
    return table


def residuals(rows: Rows, model: Fit) -> np.ndarray:
    """Pearson residuals, one per row of the table; missing where a row was left out."""
    whole = np.full(len(rows.known), np.nan)
    whole[rows.known] = (rows.counts - model.mean) / np.sqrt(model.mean * (1 + model.alpha * model.mean))
    return whole


def moran_of(left_over: np.ndarray, near: sparse.csr_array | None) -> tuple[float, float]:
    """Moran's I and its two-sided p-value; missing without neighbours or with fewer than two values."""
    if near is None or np.isfinite(left_over).sum() < 2:
        return np.nan, np.nan
    found = moran(left_over, near).iloc[0]
    return float(found["i"]), float(found["p_value"])


def _normal_or_t(b, error, free: float, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Half the width of the interval, and the two-sided p-value; t with infinite freedom is the normal."""
    from scipy import special

    tail = (1 + confidence) / 2
    if np.isinf(free):
        return special.ndtri(tail) * error, 2 * special.ndtr(-np.abs(b / error))
    return special.stdtrit(free, tail) * error, 2 * special.stdtr(free, -np.abs(b / error))


def _refuse_too_little(y: np.ndarray, x: pd.DataFrame, x_known: pd.DataFrame) -> None:
    empty = x.isna().all().to_numpy()
    if len(x) and empty.any():
        raise NotEnoughData(f"No area has a value of {_said(x.columns[empty])}. Leave it out.")
    if not len(y):
        raise NotEnoughData("No area has every value, and some exposure.")
    if len(y) <= x.shape[1]:
        need = f"{x.shape[1]} factors need at least {x.shape[1] + 1} areas with every value"
        raise NotEnoughData(f"{need}; here are {len(y)} of {len(x)}.")
    if not y.any():
        raise NotEnoughData("None of these areas has any events, so there are no rates to compare.")
    same = constant(x_known)
    if same.any():
        raise NotEnoughData(f"{_said(x.columns[same])} is the same in every area, so it tells nothing. Leave it out.")


def _refuse_no_limit(y: np.ndarray, turned: np.ndarray, names: pd.Index) -> None:
    """Factors that follow from others, and those whose rate ratio grows, or shrinks, without end."""
    follows = nought(turned.T)
    if follows.size:
        said = _said(names[np.abs(follows).max(axis=1)[1:] > _PART])
        raise NotEnoughData(f"Each of {said} follows from the others, so they cannot be told apart. Leave one out.")
    endless = _endless(y, turned)
    if endless.any():
        said = _said(names[endless[1:]])
        why = f"Only areas without any events tell of {said}, so the rate ratio has no limit"
        raise NotEnoughData(f"{why}. Leave it out, or take more areas or a longer period.")


def _endless(y: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """Rows with a part in a combination that is nought wherever there are events and on one side of it elsewhere.

    Source: Correia, Guimarães & Zylkin (2019), arXiv:1903.01633: then, and only then, the likelihood has no maximum.
    """
    from scipy.optimize import linprog

    ways = nought(turned[:, y > 0].T)
    if not ways.size:  # nearly always: the areas with events tell of every factor
        return np.zeros(len(turned), dtype=bool)
    elsewhere = turned[:, y == 0].T @ ways
    best = linprog(elsewhere.sum(axis=0), A_ub=elsewhere, b_ub=np.zeros(len(elsewhere)), bounds=(-1, 1))
    return (np.abs(ways @ best.x) > _PART) & (best.fun < -_PART)


def _said(names) -> str:
    return ", ".join(f"“{name}”" for name in names)
