"""Models of counts that let neighbouring areas be alike for reasons nobody measured. A row is an area."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import risk_fits
from analytics.autocorrelation import apart
from analytics.errors import NotEnoughData
from analytics.risk_counts import Rows, prepared, tabled
from analytics.risk_fits import Fit

MOST_AREAS = 3_000  # the patterns of so many take some ten seconds, and the time grows with the cube
_SMOOTHEST = 0.25  # part of the largest eigenvalue: patterns below it are hardly patterns of neighbours (Griffith 2003)
_BOUNDS = [(-16.0, 3.0), (0.0, 12.0)]  # log of the variance of the smoothest pattern; how fast the others' falls
_NOUGHT = 1e-9  # of a weight: an eigenvalue this small is rounding
_ROUNDS = 60  # five to twenty settle it
_SETTLED = 1e-7  # change of the logarithm of any mean


@dataclass(frozen=True)
class _State:
    """Where the rounds stand: coefficients of factors and patterns, and the three figures of spread."""

    theta: np.ndarray
    spread: np.ndarray  # log variance of the smoothest pattern, and the power by which the others' falls
    alpha: float
    scale: float  # at least 1: about a surface free to bend, less would be the surface following chance


def spatial_alternative(
    counts,
    factors: pd.DataFrame,
    near: sparse.csr_array,
    *,
    exposure=None,
    family: str = "negative_binomial",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many times the rate goes with each factor, where neighbours are alike for reasons nobody measured?

    counts, factors, exposure, family, confidence : as in `count_model`. near : who is whose neighbour, same order.

    Returns the columns and `.attrs` of `count_model`, the intervals wider by what the likeness of neighbours takes
    away; and in `.attrs` `terms` (patterns of neighbours in the model), `effective_terms` (how many of them the data
    speak for) and `spatial_sd` (standard deviation over the areas of the logarithm of the rate that they carry).
    `residual_moran_i` is of what is left after them, so a little below 0. `log_likelihood` is Laplace's.
    The patterns are eigenvectors of the centred neighbours matrix, smoothest first. All of them enter, each drawn
    towards 0 by as much as the data ask (restricted likelihood): choosing those that suit the counts, as eigenvector
    filtering often does, leaves intervals that are too narrow. They are not made orthogonal to the factors, for a
    smooth factor and a smooth unknown cannot be told apart, and the interval has to say so.
    Misleads as a cure: a factor as smooth as the unknown (distance to a city) keeps a wide interval, and its estimate
    can move. With some 100 areas its 95% intervals cover about 90%. For at most 3,000 areas.
    Source: Murakami & Griffith (2015), J. Geogr. Syst. 17(4), 311-331; Breslow & Clayton (1993), JASA 88(421), 9-25.
    """
    rows = prepared(counts, factors, exposure, family)
    if len(rows.counts) > MOST_AREAS:
        few = f"The model that allows for neighbours is worked out for at most {MOST_AREAS:,} areas"
        raise NotEnoughData(f"{few}; here are {len(rows.counts):,}. Take larger areas, or part of them.")
    if len(rows.counts) <= len(rows.names):
        raise NotEnoughData(
            f"{len(rows.counts)} areas for {len(rows.names) - 1} factors leave nothing over to judge by."
        )
    smooth, patterns = _patterns(near, rows.known)
    model, about = _settled(rows, smooth, patterns, family)
    table = tabled(rows, model, family, near, confidence)
    table.attrs |= about
    return table


def _patterns(near: sparse.csr_array, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How smooth each pattern is (1 the smoothest), and the patterns (areas, patterns), each with mean square 1."""
    from scipy import linalg

    if near.shape != (len(known), len(known)):
        raise ValueError(f"`near` needs one row and one column per area: {near.shape} for {len(known)} areas.")
    links, _ = apart(sparse.csr_array(near, dtype=float)[known][:, known])
    if links.nnz == 0:
        raise NotEnoughData("None of these areas has a neighbour, so neighbours cannot be allowed for.")
    both = ((links + links.T) / 2).toarray()
    both -= both.mean(axis=0)
    both -= both.mean(axis=1)[:, None]
    highest = linalg.eigh(both, eigvals_only=True, subset_by_index=[len(both) - 1] * 2)[0]
    if highest <= _NOUGHT * np.abs(links.data).max():  # all are neighbours of all: no pattern is smoother than another
        raise NotEnoughData("Every area neighbours every other, so neighbours cannot be allowed for.")
    values, vectors = linalg.eigh(both, subset_by_value=[_SMOOTHEST * highest, np.inf])
    return values[::-1] / highest, vectors[:, ::-1] * np.sqrt(len(both))


def _settled(rows: Rows, smooth: np.ndarray, patterns: np.ndarray, family: str) -> tuple[Fit, dict]:
    """The fitted model, and what is said of its patterns."""
    columns, factors = np.column_stack([rows.turned.T, patterns]), len(rows.turned)
    state, inverse, leverage = _rounds(rows, columns, smooth, family)
    mean, used = np.exp(columns @ state.theta + rows.offset), leverage.sum()
    covariance = rows.back @ inverse[:factors, :factors] @ rows.back.T
    likelihood = np.nan if family == "quasipoisson" else _laplace(rows, columns, smooth, state)
    free, b = len(mean) - used, rows.back @ state.theta[:factors]
    model = Fit(b, covariance, mean, state.alpha, state.scale, free, likelihood)
    carried = float(np.std(patterns @ state.theta[factors:]))
    return model, {"terms": len(smooth), "effective_terms": float(used - factors), "spatial_sd": carried}


def _rounds(rows: Rows, columns, smooth, family: str) -> tuple[_State, np.ndarray, np.ndarray]:
    """Round after round, from the plain model, until no mean moves; answers as `_round`."""
    plain = risk_fits.fit(rows.counts, rows.turned, rows.back, rows.offset, family)
    theta = np.concatenate([np.linalg.solve(rows.back, plain.coefficients), np.zeros(len(smooth))])
    state = _State(theta, np.array([np.log(0.1 / len(smooth)), 2.0]), plain.alpha, max(1.0, plain.scale))
    for _ in range(_ROUNDS):
        before, (state, inverse, leverage) = state, _round(rows, columns, smooth, state, family)
        if np.abs(columns @ (state.theta - before.theta)).max() < _SETTLED:
            break
    return state, inverse, leverage


def _round(rows: Rows, columns, smooth, state: _State, family: str) -> tuple[_State, np.ndarray, np.ndarray]:
    """One round of penalised quasi-likelihood: weights, the spread of the patterns, coefficients, then alpha.

    With the new state the inverse of the penalised information, and how far each area's count decides its own mean.
    """
    y, offset = rows.counts, rows.offset
    mean = np.exp(columns @ state.theta + offset)
    weight = mean / (1 + state.alpha * mean) / state.scale
    aim = columns.T @ (weight * (columns @ state.theta + (y - mean) / mean))
    information = (columns * weight[:, None]).T @ columns
    spread = _likeliest_spread(information, aim, smooth, state.spread)
    inverse = np.linalg.inv(_penalised(information, np.exp(spread[0]) * smooth ** spread[1]))
    theta = inverse @ aim
    leverage = weight * ((columns @ inverse) * columns).sum(axis=1)
    mean = np.exp(columns @ theta + offset)
    state = replace(state, theta=theta, spread=spread)
    if family == "negative_binomial":
        state = replace(state, alpha=_likeliest_alpha(y, mean, leverage, state.alpha))
    if family == "quasipoisson":
        state = replace(state, scale=max(1.0, risk_fits.pearson_ratio(y, mean, len(y) - leverage.sum())))
    return state, inverse, leverage


def _likeliest_spread(information, aim, smooth, start) -> np.ndarray:
    """The spread of the patterns by restricted likelihood, the weights being what they are."""
    from scipy.optimize import minimize

    factors = len(aim) - len(smooth)

    def unlikely(spread):
        variance = np.exp(spread[0]) * smooth ** spread[1]
        penalised = _penalised(information, variance)
        inverse = np.linalg.inv(penalised)
        theta = inverse @ aim
        value = np.linalg.slogdet(penalised)[1] + np.log(variance).sum() - theta @ aim
        each = 1 - (np.diag(inverse)[factors:] + theta[factors:] ** 2) / variance
        return value, np.array([each.sum(), each @ np.log(smooth)])

    return minimize(unlikely, start, jac=True, method="L-BFGS-B", bounds=_BOUNDS, options={"ftol": 1e-13}).x


def _likeliest_alpha(y, mean, leverage, alpha: float) -> float:
    """Alpha at given means, with what it does to the determinant of the information (the leverage) allowed for."""
    beyond = risk_fits.tails(y)

    def slope(tried: float) -> float:
        return risk_fits.slope(y, mean, tried, beyond) + (leverage * mean / (1 + tried * mean)).sum() / 2

    close = np.array([alpha / 1.5, alpha * 1.5])
    found = risk_fits.peaks(slope, close) or risk_fits.peaks(slope, risk_fits.DISPERSIONS)
    return min(found, key=lambda tried: abs(tried - alpha), default=0.0)


def _penalised(information: np.ndarray, variance: np.ndarray) -> np.ndarray:
    factors = len(information) - len(variance)
    return information + np.diag(np.concatenate([np.zeros(factors), 1 / variance]))


def _laplace(rows: Rows, columns, smooth, state: _State) -> float:
    """The log-likelihood with the patterns integrated out, to Laplace's approximation."""
    mean = np.exp(columns @ state.theta + rows.offset)
    variance = np.exp(state.spread[0]) * smooth ** state.spread[1]
    patterns, values = columns[:, -len(variance) :], state.theta[-len(variance) :]
    weight = mean / (1 + state.alpha * mean)
    curved = (patterns * weight[:, None]).T @ patterns * variance + np.eye(len(variance))
    given = risk_fits.log_likelihood(rows.counts, mean, state.alpha, risk_fits.tails(rows.counts))
    return float(given - (values**2 / variance).sum() / 2 - np.linalg.slogdet(curved)[1] / 2)
