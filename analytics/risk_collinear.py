"""Factors that say the same: how far each follows from the others, and which go together. A row is a factor."""

import numpy as np
import pandas as pd

SAME = 1e-10  # part of a factor's variance that the others leave unsaid: below this it is rounding, not data
ALIKE = 0.3  # average distance 1 - |Spearman| up to which factors are one cluster: on average |r| of 0.7 or more
_PLAINLY = 1e-6  # far above what rounding makes of squares: no need to look closer
_FLAT = 1e-12  # relative: a range this small is rounding


def collinearity(factors: pd.DataFrame) -> pd.DataFrame:
    """Which factors say the same as others, so that a model cannot tell them apart?

    factors : one row per area, one column of numbers per factor; areas with any value missing are left out.

    Returns one row per `factor`: `vif` (variance inflation, 1/(1 - R²) of the factor on all others: 1 nothing shared,
    above about 5 hard to tell apart, infinite where it follows from them) and `factor_cluster` (factors that say the
    same, numbered from 1 in their order: average linkage on 1 - |Spearman|, cut at 0.3, so an average |r| of 0.7 or
    more). A factor that is the same in every area, or has no value, has neither, and is left out of the others'.
    Misleads as a rule for leaving out: a high figure makes the interval wide, and the interval says so itself. With as
    many factors as areas everything follows from everything.
    Source: Marquardt (1970), Technometrics 12(3), 591-612; average linkage: Sokal & Michener (1958).
    """
    x = numeric(factors)
    told = x.loc[:, ~constant(x)].dropna()
    told = told.loc[:, ~constant(told)]
    at = x.columns.get_indexer(told.columns)
    vif, cluster = np.full(x.shape[1], np.nan), np.full(x.shape[1], np.nan)
    if at.size:
        vif[at], cluster[at] = _inflation(told.to_numpy()), _clusters(told)
    return pd.DataFrame({"factor": list(x.columns), "vif": vif, "factor_cluster": pd.array(cluster, dtype="Int64")})


def numeric(factors) -> pd.DataFrame:
    """The factors as numbers, missing and infinite ones missing."""
    factors = pd.DataFrame(factors)
    if not factors.columns.is_unique:
        raise ValueError("Two factors have the same name.")
    wrong = [str(name) for name in factors if not pd.api.types.is_numeric_dtype(factors[name])]
    if wrong:
        raise ValueError(f"Factors are numbers; these are not: {', '.join(wrong)}.")
    values = factors.to_numpy(dtype=float, na_value=np.nan)
    return pd.DataFrame(np.where(np.isfinite(values), values, np.nan), index=factors.index, columns=factors.columns)


def constant(x: pd.DataFrame) -> np.ndarray:
    """Which columns are the same in every row with a value, or have none."""
    extent, size = x.max() - x.min(), x.abs().max()
    return ~(extent > _FLAT * size).to_numpy()


def nought(columns: np.ndarray) -> np.ndarray:
    """The combinations of the columns that are nought in every row; one per column of the answer, length 1."""
    if len(columns) and np.linalg.eigvalsh(columns.T @ columns)[0] > _PLAINLY * len(columns):
        return np.zeros((columns.shape[1], 0))
    sizes, parts = _axes(columns)  # exact where squaring has lost the digits
    return parts[sizes**2 <= SAME * len(columns)].T


def _axes(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Singular values, one per column, and the combinations of the columns they belong to (rows)."""
    _, sizes, parts = np.linalg.svd(np.linalg.qr(columns, mode="r"))
    return np.concatenate([sizes, np.zeros(len(parts) - len(sizes))]), parts


def _inflation(x: np.ndarray) -> np.ndarray:
    """The diagonal of the inverse of the correlation matrix; infinite for columns that follow from others."""
    sizes, parts = _axes((x - x.mean(axis=0)) / x.std(axis=0))
    kept = sizes**2 > SAME * len(x)
    inflation = len(x) * ((parts[kept] / sizes[kept, None]) ** 2).sum(axis=0)
    follows = (parts[~kept] ** 2).sum(axis=0) > SAME
    return np.where(follows, np.inf, np.maximum(inflation, 1.0))


def _clusters(x: pd.DataFrame) -> np.ndarray:
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    if x.shape[1] == 1:
        return np.ones(1)
    apart = 1 - np.abs(np.corrcoef(x.rank().to_numpy(), rowvar=False))
    apart = np.clip((apart + apart.T) / 2, 0, None)
    np.fill_diagonal(apart, 0)
    tree = hierarchy.linkage(squareform(apart, checks=False), "average")
    return pd.factorize(hierarchy.fcluster(tree, ALIKE, criterion="distance"))[0] + 1.0
