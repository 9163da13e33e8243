"""The elastic net for counts: Poisson regression whose coefficients are drawn towards 0, by coordinate descent.

Written here because scikit-learn has no L1 penalty for counts, and its elastic net of log((n + 0.5) / exposure) leans
on the half event wherever counts are small.
"""

import numpy as np

PENALTIES = 15  # of a path, from the smallest that leaves every coefficient at 0 down to its thousandth
SMALLEST = 1e-3
MIX = 0.5  # half absolute, half squared: factors that say the same stay together (Zou & Hastie 2005)
_STEPS, _SWEEPS = 50, 1_000  # of Newton, and of coordinate descent within each: reached by no data seen so far
_STILL = 1e-4  # after a Newton step this small the next would be about its square


def penalties(factors: np.ndarray, counts: np.ndarray, exposure: np.ndarray, *, mix: float = MIX) -> np.ndarray:
    """The penalties of a path, falling. factors : standardised, one row per area."""
    away = counts - exposure * counts.sum() / exposure.sum()
    largest = np.abs(factors.T @ away).max(initial=0.0) / len(counts) / mix
    return max(largest, np.finfo(float).tiny) * np.geomspace(1, SMALLEST, PENALTIES)


def path(
    factors: np.ndarray, counts: np.ndarray, exposure: np.ndarray, along: np.ndarray, *, mix: float = MIX
) -> np.ndarray:
    """Intercept and coefficients (log rate), one row for each of the penalties `along`, which fall.

    Each minimises, with mu = exposure exp(intercept + factors b) and n rows,
        sum(mu - counts log mu) / n + penalty (mix sum |b| + (1 - mix) sum b^2 / 2).

    factors : standardised, one row per area; a constant one as nought. counts : not all 0. exposure : above 0.
    Source: Friedman, Hastie & Tibshirani (2010), Journal of Statistical Software 33(1), 1-22; Zou & Hastie (2005),
    J. R. Statist. Soc. B 67(2), 301-320.
    """
    at = np.zeros(1 + factors.shape[1])
    at[0] = np.log(counts.sum() / exposure.sum())
    found = np.empty((len(along), len(at)))
    for row, penalty in enumerate(along):
        at = found[row] = _least(factors, counts, np.log(exposure), at, penalty * mix, penalty * (1 - mix))
    return found


def _least(factors, counts, offset, start, absolute, squared) -> np.ndarray:
    """Newton's steps, each the least of the quadratic that touches the deviance there, halved while that overshoots."""
    at, (worth, mu) = start, _worth(factors, counts, offset, start, absolute, squared)
    for _ in range(_STEPS):
        aim = _next(factors, counts, mu, at, absolute, squared)
        moved = aim - at
        for _ in range(_STEPS):
            aim_worth, aim_mu = _worth(factors, counts, offset, aim, absolute, squared)
            if aim_worth <= worth + abs(worth) * 1e-12:
                break
            aim = (at + aim) / 2
        at, worth, mu = aim, aim_worth, aim_mu
        if np.abs(moved).max() < _STILL:
            break
    return at


def _worth(factors, counts, offset, at, absolute, squared) -> tuple[float, np.ndarray]:
    with np.errstate(over="ignore"):  # a step too far is halved
        line = offset + at[0] + factors @ at[1:]
        mu = np.exp(line)
        fit = (mu - counts * line).mean()
    return fit + absolute * np.abs(at[1:]).sum() + squared * (at[1:] ** 2).sum() / 2, mu


def _next(factors, counts, mu, at, absolute, squared) -> np.ndarray:
    """The intercept is solved for in passing, so that the descent is over the coefficients alone."""
    n, mean, away = len(counts), mu.mean(), counts - mu
    weighted = factors * mu[:, None]
    pull = weighted.sum(axis=0) / n
    curve = factors.T @ weighted / n - np.outer(pull, pull) / mean
    slope = factors.T @ away / n - pull * away.mean() / mean
    b = _descend(curve, slope + curve @ at[1:], at[1:], absolute, squared)
    return np.concatenate([[at[0] + (away.mean() - pull @ (b - at[1:])) / mean], b])


def _descend(curve, slope, start, absolute, squared) -> np.ndarray:
    """The least of b'curve b / 2 - slope'b + absolute sum |b| + squared sum b^2 / 2.

    One coefficient after the other, until their signs are those of the answer: what is left is then linear equations.
    """
    b = start.copy()
    for _ in range(_SWEEPS):
        before = b.copy()
        _sweep(curve, slope, b, absolute, squared)
        if (np.sign(b) == np.sign(before)).all():
            solved = _solved(curve, slope, np.sign(b), absolute, squared)
            if solved is not None:
                return solved
        if np.abs(b - before).max(initial=0.0) < _STILL**3:
            break
    return b


def _sweep(curve, slope, b, absolute, squared) -> None:
    own, rest = curve.diagonal(), slope - curve @ b
    for j in np.flatnonzero(own > 0):
        alone = rest[j] + own[j] * b[j]
        size = abs(alone) - absolute
        now = np.copysign(size, alone) / (own[j] + squared) if size > 0 else 0.0
        if now != b[j]:
            rest -= curve[j] * (now - b[j])
            b[j] = now


def _solved(curve, slope, sign, absolute, squared) -> np.ndarray | None:
    """The answer, if these are its signs: those of the coefficients; no other is pulled harder than its penalty."""
    some = sign != 0
    b = np.zeros(len(slope))
    left = curve[np.ix_(some, some)] + squared * np.eye(some.sum())
    try:
        b[some] = np.linalg.solve(left, slope[some] - absolute * sign[some])
    except np.linalg.LinAlgError:  # two that say the same, and no squared penalty to choose between them
        return None
    pull = np.abs(slope - curve @ b)[~some]
    agrees = (np.sign(b) == sign).all() and pull.max(initial=0.0) <= absolute * (1 + 1e-9)
    return b if agrees else None
