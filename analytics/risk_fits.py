"""The arithmetic of `risk_counts`: counts fitted by their likelihood, variance = mean + alpha mean². A row is an area.

A design has a row per coefficient, the first all 1, and a column per area, for sums go along the areas; `turned` is the
design standardised, `back` turns its coefficients into those of the design. `offset` is the logarithm of the exposure.
scipy is imported inside the functions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ROUNDING = 1e-12  # relative: a likelihood that falls by less has not fallen
DISPERSIONS = np.concatenate([[0.0], np.logspace(-6, 4, 21)])  # where the slope is looked at before it is followed
_STEPS = 100  # of scoring, and of both in turn: five to ten settle it
_SETTLED = 1e-9  # change of a coefficient, per standard deviation of its factor; of alpha, relative
_SETTLED_NEWTON = 1e-6  # the same with alpha 0, where scoring is Newton's way and what is left is the square of it
_PIECE = 4096  # areas whose columns stay in the processor's cache
_SERIES_BELOW = 1e-3  # of alpha times mean: below this the closed form loses digits, and four terms of a series do not


@dataclass(frozen=True)
class Fit:
    """A fitted model of counts."""

    coefficients: np.ndarray
    covariance: np.ndarray  # from the expected information, alpha taken as known, times `scale`
    mean: np.ndarray
    alpha: float  # 0 but for the negative binomial
    scale: float  # Pearson's chi-square over `free` for quasi-Poisson, else 1
    free: float  # degrees of freedom
    log_likelihood: float  # missing for quasi-Poisson, which has none


def fit(y: np.ndarray, turned: np.ndarray, back: np.ndarray, offset: np.ndarray, family: str) -> Fit:
    """Coefficients by maximum likelihood; alpha too for the negative binomial, 0 where nothing above it is likelier."""
    dispersed, quasi, free = family == "negative_binomial", family == "quasipoisson", len(y) - len(turned)
    beyond = tails(y) if dispersed else np.zeros(0)
    found = _climb(y, turned, offset, 0.0, _start(y, turned, offset))
    alpha, likelihood = 0.0, log_likelihood(y, found[1], 0.0, beyond)
    if dispersed:
        other_alpha, other = _in_turn(y, turned, offset, beyond, found)
        other_likelihood = log_likelihood(y, other[1], other_alpha, beyond)
        if other_likelihood > likelihood:
            found, alpha, likelihood = other, other_alpha, other_likelihood
    b, mean = found
    scale = pearson_ratio(y, mean, free) if quasi else 1.0
    covariance = scale * back @ np.linalg.inv(_information(turned, mean, alpha)) @ back.T
    return Fit(back @ b, covariance, mean, alpha, scale, free, np.nan if quasi else likelihood)


def pearson_ratio(y: np.ndarray, mean: np.ndarray, free: float) -> float:
    """How many times as far counts spread as Poisson ones; missing where every area is fitted by itself."""
    return float(((y - mean) ** 2 / mean).sum() / free) if free > 0 else np.nan


def standardised(design: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows after the first with mean 0 and variance 1, and the matrix that turns their coefficients back."""
    middle = design.mean(axis=1)
    middle[0] = 0.0
    turned = design - middle[:, None]
    spread = np.sqrt(np.einsum("ij,ij->i", turned, turned) / design.shape[1])
    turned /= spread[:, None]
    back = np.diag(1 / spread)
    back[0] -= middle / spread
    return turned, back


def weighted_square(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sums over areas of the products of every two rows, times `weight`."""
    pieces = (slice(at, at + _PIECE) for at in range(0, len(weight), _PIECE))
    return sum((rows[:, piece] * weight[piece]) @ rows[:, piece].T for piece in pieces)


def tails(y: np.ndarray) -> np.ndarray:
    """How many areas have more than 0, 1, 2... events."""
    return len(y) - np.cumsum(np.bincount(y.astype(int)))[:-1]


def log_likelihood(y: np.ndarray, mean: np.ndarray, alpha: float, beyond: np.ndarray) -> float:
    """Of the negative binomial at any alpha from 0, where it is that of Poisson; `beyond` as from `tails`.

    The gamma functions of its usual form are written as sums of logarithms: Γ(y + 1/alpha) alpha^y / Γ(1/alpha) is the
    product of 1 + alpha j over j < y, which keeps every digit as alpha goes to 0.
    """
    from scipy.special import gammaln

    rising = beyond @ np.log1p(alpha * np.arange(len(beyond)))
    return float(rising - gammaln(y + 1).sum() + _about_mean(y, mean, alpha))


def _about_mean(y, mean, alpha: float) -> float:
    """The part of the log-likelihood that hangs on the means."""
    from scipy.special import xlogy

    t = alpha * mean
    if alpha == 0:
        return float((xlogy(y, mean) - mean).sum())
    return float((xlogy(y, mean) - y * np.log1p(t) - np.log1p(t) / alpha).sum())


def _information(turned, mean, alpha: float) -> np.ndarray:
    return weighted_square(turned, mean / (1 + alpha * mean))


def _start(y, turned, offset) -> np.ndarray:
    """A line through the logarithms, as near to the fit as one regression comes."""
    weight, aim = y + 0.1, np.log(y + 0.1) - offset
    return np.linalg.solve(weighted_square(turned, weight), turned @ (weight * aim))


def _climb(y, turned, offset, alpha: float, b) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients at a given alpha by Fisher scoring from `b`, and the means they give."""
    mean = np.exp(b @ turned + offset)
    reached = _about_mean(y, mean, alpha)
    for _ in range(_STEPS):
        score = turned @ ((y - mean) / (1 + alpha * mean))
        step = np.linalg.solve(_information(turned, mean, alpha), score)
        b, mean, reached, part = _ahead(y, turned, offset, alpha, b, step, mean, reached)
        if np.abs(part * step).max() < (_SETTLED if alpha else _SETTLED_NEWTON):
            break
    return b, mean


def _ahead(y, turned, offset, alpha, b, step, mean, reached) -> tuple:
    """One step, halved while the likelihood would fall by more than rounding; with the part of it that was taken."""
    for part in 0.5 ** np.arange(40):
        with np.errstate(over="ignore", invalid="ignore"):
            tried = np.exp((b + part * step) @ turned + offset)
            likelihood = _about_mean(y, tried, alpha)
        if likelihood >= reached - ROUNDING * abs(reached):
            return b + part * step, tried, likelihood, part
    return b, mean, reached, 0.0


def _in_turn(y, turned, offset, beyond, found) -> tuple[float, tuple]:
    """Alpha and the coefficients, each at its best given the other, until neither moves."""
    alpha = _best_alpha(y, found[1], beyond, DISPERSIONS)
    for _ in range(_STEPS):
        if alpha == 0:
            break
        found, before = _climb(y, turned, offset, alpha, found[0]), alpha
        alpha = _best_alpha(y, found[1], beyond, np.array([alpha / 1.5, alpha * 1.5]))
        if abs(alpha - before) <= _SETTLED * before:
            break
    return alpha, found


def _best_alpha(y, mean, beyond, looked_at: np.ndarray) -> float:
    """The likeliest alpha at given means."""
    found = peaks(lambda alpha: slope(y, mean, alpha, beyond), looked_at)
    if not found and len(looked_at) < len(DISPERSIONS):
        found = peaks(lambda alpha: slope(y, mean, alpha, beyond), DISPERSIONS)
    return max(found, key=lambda alpha: log_likelihood(y, mean, alpha, beyond), default=0.0)


def peaks(slope_at: Callable[[float], float], looked_at: np.ndarray) -> list[float]:
    """Where between the values looked at a slope falls through 0."""
    from scipy.optimize import brentq

    slopes = np.array([slope_at(alpha) for alpha in looked_at])
    falls = np.flatnonzero((slopes[:-1] > 0) & (slopes[1:] <= 0))
    return [brentq(slope_at, looked_at[i], looked_at[i + 1], xtol=1e-300, rtol=1e-13) for i in falls]


def slope(y: np.ndarray, mean: np.ndarray, alpha: float, beyond: np.ndarray) -> float:
    """Derivative of the log-likelihood by alpha; at 0 it is half the sum of (y - mean)² - y."""
    events, t = np.arange(len(beyond)), alpha * mean
    series = 1 / 2 - t * (2 / 3 - t * (3 / 4 - t * (4 / 5)))
    with np.errstate(invalid="ignore", divide="ignore"):
        closed = (np.log1p(t) - t / (1 + t)) / t**2
    curved = np.where(t < _SERIES_BELOW, series, closed)
    return float(beyond @ (events / (1 + alpha * events)) + (mean**2 * curved - y * mean / (1 + t)).sum())
