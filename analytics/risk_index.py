"""A vulnerability index with its weights in the open, and two-way classes for a map. A row is an area.

No weights are right. So every score comes with the ranks it would have had with others, and with what moves it.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

METHODS = ("rank", "minmax", "z", "vli")
HALVED, DOUBLED = 0.5, 2.0  # as far as people who disagree about a weight usually are apart
DRAWN_PER_FACTOR = 4  # Dirichlet: a drawn weight then has about half of itself as standard deviation
TOP = 0.1  # the part of the areas whose coming and going is counted
_DECIMALS = 9  # scores equal to here are equal: sums of the same numbers differ in the last digits
_CHANGES = {"left out": 0.0, "halved": HALVED, "doubled": DOUBLED}
_BLOCK = 4_000_000  # numbers ranked at a time: 32 MB


def vulnerability_index(
    factors: pd.DataFrame,
    weights: Mapping[str, float],
    *,
    polarity: Mapping[str, int] | None = None,
    method: str = "rank",
    draws: int = 1_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Which areas carry the most risk at once, and how much of that order is our choice of weights?

    factors : one row per area, a column per factor (rates or shares, not counts of people).
    weights : of each factor, in any unit; they are divided by their sum.
    polarity : 1 where more is worse (so where not given), -1 where more is better: that factor is turned round.
    method : how factors in different units are made alike. `rank`: place in the order, 0 (best) to 100 (worst), equal
        values sharing the mean place. `minmax`: 0 at the smallest, 100 at the largest. `z`: standard deviations from
        the mean (with n). `vli`: 100 times the value over the mean of the areas; with equal weights and its six
        variables this is the Vulnerable Localities Index of University College London, no factor turned round.
    draws, seed : random weights around the given ones.

    Returns `factors` with `score` (the weighted mean), `rank` (1 = highest score; equal scores share the best rank),
    `rank_lower`, `rank_upper` and `method`. The two limits are the lowest and the highest rank among: each weight
    halved, doubled and left out in turn, and the middle 95% of the draws. They say what the weights do; chance in the
    data is not in them. An area with a missing factor has no score and counts nowhere; a factor that is equal
    everywhere tells no area from another (50, 50, 0, 100 by method).
    Misleads as a measurement: the sum of unlike things has no unit, factors that say the same count twice, and `vli`
    and `minmax` follow one extreme area. About areas, not people. Never put records made by policing into it.
    Source: OECD & JRC (2008), Handbook on Constructing Composite Indicators, 5 and 7; `vli`, Chainey (2008),
    Policing 2(2), 196-209.
    """
    alike, weight, known = _alike(factors, weights, polarity, method)
    score, best, lower, upper = (np.full(len(factors), np.nan) for _ in range(4))
    if known.any():
        score[known] = alike @ weight
        tried = np.column_stack([weight, *(other for _, _, other in _changed(weight) if other is not None)])
        best[known] = _ranks(alike, weight[:, None])[:, 0]
        lower[known], upper[known] = _rank_limits(alike, tried, _drawn(weight, draws, seed))
    ranks = {"rank": best, "rank_lower": lower, "rank_upper": upper}
    columns = {name: pd.array(values, dtype="Int64") for name, values in ranks.items()}
    said = f"{method}; ranks over {draws:,} draws and each weight halved, doubled, left out"
    return factors.assign(score=score, **columns, method=pd.Series(said, factors.index, dtype=object).where(known))


def contributions(
    factors: pd.DataFrame,
    weights: Mapping[str, float],
    *,
    polarity: Mapping[str, int] | None = None,
    method: str = "rank",
) -> pd.DataFrame:
    """What is an area's score made of?

    factors, weights, polarity, method : as in `vulnerability_index`.

    Returns one row per area and factor, areas in their order: `area` (the label of its row), `factor`, `points`
    (weight times the factor made alike; they add up to the score) and `share` (of the score; missing where that is 0,
    and for `z`, where points of both signs cancel). Missing for an area without score.
    """
    alike, weight, known = _alike(factors, weights, polarity, method)
    points = np.full((len(factors), len(weight)), np.nan)
    points[known] = alike * weight
    total = points.sum(axis=1, keepdims=True)
    share = np.divide(points, total, out=np.full(points.shape, np.nan), where=(total > 0) & (method != "z"))
    area = factors.index.repeat(len(weight))
    names = np.tile(np.asarray(list(weights), dtype=object), len(factors))
    return pd.DataFrame({"area": area, "factor": names, "points": points.ravel(), "share": share.ravel()})


def weight_effects(
    factors: pd.DataFrame,
    weights: Mapping[str, float],
    *,
    polarity: Mapping[str, int] | None = None,
    method: str = "rank",
) -> pd.DataFrame:
    """Which weight does the order hang on?

    factors, weights, polarity, method : as in `vulnerability_index`.

    Returns one row per factor and change (`left out`, `halved`, `doubled`): `factor`, `weight_change`, `moved` (areas
    of the highest tenth that leave it; the tenth is rounded up, and equal ranks at its edge are all in),
    `largest_move` (ranks, of any area) and `rank_correlation` (Spearman, with the order as given). Missing where it
    is the only factor (nothing would be left, or changed) or no area has a score.
    """
    alike, weight, known = _alike(factors, weights, polarity, method)
    rows, n = [], int(known.sum())
    before = _ranks(alike, weight[:, None])[:, 0]
    tenth = np.ceil(round(TOP * n, 9))
    for at, change, other in _changed(weight):
        row = {"factor": list(weights)[at], "weight_change": change}
        if other is not None and n:
            after = _ranks(alike, other[:, None])[:, 0]
            row["moved"] = int(((before <= tenth) & (after > tenth)).sum())
            row["largest_move"] = int(np.abs(after - before).max())
            row["rank_correlation"] = _spearman(alike @ weight, alike @ other)
        rows.append(row)
    table = pd.DataFrame(rows, columns=["factor", "weight_change", "moved", "largest_move", "rank_correlation"])
    return table.astype({"moved": "Int64", "largest_move": "Int64", "rank_correlation": float})


def bivariate_classes(x, y, *, classes: int = 3) -> pd.DataFrame:
    """Two figures on one map: is the area low, middle or high in each?

    x, y : one value per area, Series or array.
    classes : of each, by the place in the order: with n known values and mean rank r the class is
        floor(classes (r - 1/2) / n) + 1. Equal values share a rank and so a class, even where the classes then differ
        in size; all equal are in the middle one (of an even number the upper middle): neither low nor high.

    Returns `x_class`, `y_class` (1 = lowest) and `bivariate_class` = (y_class - 1) classes + x_class, 1 at low and
    low. Missing where a value is; the other one keeps its class.
    Misleads: classes hide how far apart values are, the two side by side look like cause and effect, and where most
    areas have nought, nought is the middle class.
    """
    if classes < 2:
        raise ValueError("A two-way map needs at least 2 classes.")
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} values, y {len(y)}: they are not columns of one table.")
    index = next((values.index for values in (x, y) if isinstance(values, pd.Series)), None)
    first, second = (pd.array(_class_of(values, classes), dtype="Int64") for values in (x, y))
    both = (second - 1) * classes + first
    return pd.DataFrame({"x_class": first, "y_class": second, "bivariate_class": both}, index=index)


def _class_of(values, classes: int) -> np.ndarray:
    rank = pd.Series(pd.Series(values).to_numpy(dtype=float, na_value=np.nan)).rank()
    return np.floor(classes * (rank - 0.5) / rank.notna().sum()).to_numpy() + 1


def _alike(factors, weights, polarity, method) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The factors of the complete areas in one unit (areas, factors), the weights with sum 1, which are complete."""
    names, weight = _checked(factors, weights, polarity or {}, method)
    values = factors[names].to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(values).all(axis=1)
    signs = np.array([(polarity or {}).get(name, 1) for name in names], dtype=float)
    values = values[known]
    if method == "vli" and ((values < 0).any() or (signs < 0).any()):
        raise ValueError("The Vulnerable Localities Index needs factors of 0 and more, of which more is worse.")
    return _MADE_ALIKE[method](values * signs), weight, known


def _checked(factors, weights, polarity, method) -> tuple[list[str], np.ndarray]:
    names, weight = list(weights), np.array([weights[name] for name in weights], dtype=float)
    strangers = [str(name) for name in [*names, *polarity] if name not in factors.columns]
    if method not in METHODS:
        raise ValueError(f"method is one of {', '.join(METHODS)}.")
    if strangers:
        raise ValueError(f"Not a column of factors: {', '.join(strangers)}.")
    if not set(polarity.values()) <= {1, -1}:
        raise ValueError("polarity is 1 (more is worse) or -1 (more is better).")
    if not np.isfinite(weight).all() or (weight < 0).any() or weight.sum() <= 0:
        raise ValueError("Weights are 0 or more, and at least one above 0; a factor is turned round by its polarity.")
    return names, weight / weight.sum()


def _by_rank(values: np.ndarray) -> np.ndarray:
    place = pd.DataFrame(values).rank().to_numpy() - 1
    return 100 * place / (len(values) - 1) if len(values) > 1 else np.full(values.shape, 50.0)


def _by_range(values: np.ndarray) -> np.ndarray:
    if not len(values):
        return values
    low, wide = values.min(axis=0), np.ptp(values, axis=0)
    return np.where(wide > 0, 100 * (values - low) / np.where(wide > 0, wide, 1), 50.0)


def _by_deviation(values: np.ndarray) -> np.ndarray:
    if not len(values):
        return values
    spread = np.where(np.ptp(values, axis=0) > 0, values.std(axis=0), 1)
    return np.where(np.ptp(values, axis=0) > 0, values - values.mean(axis=0), 0.0) / spread


def _by_mean(values: np.ndarray) -> np.ndarray:
    if not len(values):
        return values
    mean = values.mean(axis=0)
    return np.where(mean > 0, 100 * values / np.where(mean > 0, mean, 1), 100.0)


_MADE_ALIKE = {"rank": _by_rank, "minmax": _by_range, "z": _by_deviation, "vli": _by_mean}


def _changed(weight: np.ndarray):
    """Each factor and change with the weights it gives, of sum 1; None where nothing is left."""
    for at in range(len(weight)):
        for change, times in _CHANGES.items():
            other = weight.copy()
            other[at] *= times
            yield at, change, other / other.sum() if np.delete(weight, at).sum() > 0 else None


def _drawn(weight: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Weights of sum 1 around the given ones (factors, draws); a weight of 0 stays 0."""
    drawn, some = np.zeros((len(weight), draws)), weight > 0
    sizes = DRAWN_PER_FACTOR * some.sum() * weight[some]
    drawn[some] = np.random.default_rng(seed).dirichlet(sizes, size=draws).T
    return drawn


def _ranks(alike: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """1 + the number of areas with a higher score, for each set of weights (areas, sets)."""
    scores = np.round(alike @ weights, _DECIMALS)
    ranks = np.empty(scores.shape)
    for column, score in enumerate(scores.T):
        ranks[:, column] = len(score) - np.searchsorted(np.sort(score), score, side="right") + 1
    return ranks


def _rank_limits(alike, tried, drawn) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest rank with any of the weights `tried`, and in the middle 95% of those `drawn`."""
    ranks = _ranks(alike, tried)
    if drawn.shape[1]:
        ranks = np.concatenate([ranks, _middle(alike, drawn)], axis=1)
    return ranks.min(axis=1), ranks.max(axis=1)


def _middle(alike, drawn) -> np.ndarray:
    """The two ranks between which the middle 95% of the draws lie."""
    draws = drawn.shape[1]
    ranks = np.empty((len(alike), draws), dtype=np.int32)
    step = max(1, _BLOCK // len(alike))
    for start in range(0, draws, step):
        ranks[:, start : start + step] = _ranks(alike, drawn[:, start : start + step])
    ends = [int(np.floor(0.025 * draws)), int(np.ceil(0.975 * draws)) - 1]
    ranks.partition(ends, axis=1)
    return ranks[:, ends]


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    ranks = pd.DataFrame({"a": np.round(first, _DECIMALS), "b": np.round(second, _DECIMALS)}).rank()
    return ranks["a"].corr(ranks["b"])
