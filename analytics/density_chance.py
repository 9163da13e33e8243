"""Chance in a ratio of densities: how often random labels give as many, or as few, cases in reach of a centre."""

import numpy as np
import pandas as pd

from analytics import density_sums as sums
from analytics import significance

BLOCK = 64  # relabellings at a time
ROUNDING = 1e-12  # relative: sums of the same numbers in another order differ in the last digits


def labelled(cases, controls) -> pd.DataFrame:
    """One row per place, with its `cases` and `controls`."""
    frames = []
    for name, (x, y, n) in zip(("cases", "controls"), (sums.collapsed(*cases), sums.collapsed(*controls)), strict=True):
        frames.append(pd.DataFrame({"x": x, "y": y, name: n}))
    return pd.concat(frames).groupby(["x", "y"], sort=False, as_index=False)[["cases", "controls"]].sum()


def pearson_p(observed, first, second, third, cases: float, controls: float) -> np.ndarray:
    """Two-sided p of a sum of kernels over cases drawn without replacement, by three exact moments and Pearson III."""
    n = cases + controls
    mean = first / n
    spread = np.maximum(second / n - mean**2, 0)
    lean = third / n - 3 * mean * second / n + 2 * mean**3
    variance = cases * controls / (n - 1) * spread
    even = variance <= ROUNDING * cases * second / n  # every labelling gives the same
    skew = cases * controls * (controls - cases) / ((n - 1) * max(n - 2, 1)) * lean
    with np.errstate(invalid="ignore", divide="ignore"):
        z, skew = (observed - cases * mean) / np.sqrt(variance), skew / variance**1.5
    return np.where(even, 1.0, np.minimum(1.0, 2 * np.minimum(_pearson_upper(z, skew), _pearson_upper(-z, -skew))))


def _pearson_upper(z, skew) -> np.ndarray:
    """Chance of z or more, of mean 0, variance 1 and this skewness: a gamma curve, moved, and turned for skew < 0."""
    from scipy.special import gammainc, gammaincc, ndtr

    shape = 4 / np.maximum(np.abs(skew), 1e-4) ** 2
    place = np.maximum(shape + np.sign(skew) * z * np.sqrt(shape), 0)
    curve = np.where(skew > 0, gammaincc(shape, place), gammainc(shape, place))
    return np.where(np.abs(skew) < 1e-4, ndtr(-z), curve)


def relabelled(x, y, case, control, centres, h, kernel, permutations: int, seed: int) -> np.ndarray:
    """Two-sided Monte Carlo p: the same number of cases drawn from all, again and again."""
    pooled = case + control
    if (pooled != np.rint(pooled)).any():
        raise ValueError("Random labelling needs whole numbers of controls.")
    weights, known = _kernel_matrix(x, y, centres, h, kernel)
    observed, slack = weights @ case, ROUNDING * (weights @ pooled)
    rng, tails = np.random.default_rng(seed), np.zeros((2, len(observed)))
    for done in range(0, permutations, BLOCK):
        size = min(BLOCK, permutations - done)
        drawn = rng.multivariate_hypergeometric(pooled.astype(np.int64), int(case.sum()), size, method="marginals")
        simulated = weights @ drawn.T.astype(float)
        tails[0] += (simulated >= (observed - slack)[:, None]).sum(axis=1)
        tails[1] += (simulated <= (observed + slack)[:, None]).sum(axis=1)
    p = np.full(centres.shape[1], np.nan)
    p[known] = significance.two_sided(*tails, permutations)
    return p


def _kernel_matrix(x, y, centres, h, kernel: str):
    """Kernel of each event at each known centre (rows), as a sparse matrix; and which centres these are."""
    from scipy.spatial import cKDTree

    known = np.flatnonzero(np.isfinite(centres).all(axis=0))
    trees = cKDTree(centres[:, known].T), cKDTree(np.column_stack([x, y]))
    near = trees[0].sparse_distance_matrix(trees[1], sums.reach(h, kernel), output_type="coo_matrix")
    near.data = sums.kernel_at((near.data / h) ** 2, kernel)
    return near.tocsr(), known
