"""Models that learn from the areas, tried on parts of the map they have not seen. A row is a factor.

scikit-learn is imported inside the functions: it is slow to load and most pages start without it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analytics import rates, risk_penalised, risk_scores
from analytics.errors import NotEnoughData
from analytics.risk_blocks import spatial_folds

SHUFFLES, SHUFFLED_ROWS = 10, 20_000  # of each factor in each fold: fewer where a fold's areas are many, at least one
TREES, RATE, LEAVES, FEWEST_IN_LEAF = 150, 0.05, 8, 20  # small and fixed: choosing them would ask for a third split
BINS = 64  # of each factor: a quarter of the usual, with a thousand areas no loss, and three times as fast
PULL = 1.0  # of leaves towards the mean (L2)
_PENALTY = 1e-6  # of the count model: nothing to the eye, and two identical factors still have an answer
_ROWS = 2_000  # areas a partial dependence is averaged over: the mean is then known to a few hundredths of its spread

Rate = Callable[[np.ndarray], np.ndarray]  # from factors (areas, factors) to rates


@dataclass(frozen=True)
class _Areas:
    """The complete areas: counts, what they are divided by, factors (areas, factors) and the fold of each."""

    counts: np.ndarray
    exposure: np.ndarray
    values: np.ndarray
    fold: np.ndarray

    def where(self, chosen: np.ndarray) -> "_Areas":
        return _Areas(self.counts[chosen], self.exposure[chosen], self.values[chosen], self.fold[chosen])


def elastic_net(
    counts,
    factors: pd.DataFrame,
    coordinates: pd.DataFrame,
    *,
    exposure=None,
    deprivation: str | None = None,
    folds: int = 5,
    block_m: float | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Which of many factors are worth keeping, when all are drawn towards no effect unless the counts insist?

    counts : events per area. factors : one row per area in the same order, numeric columns. coordinates : `x`, `y`,
        metres. exposure : what counts are divided by (people, hours); None for 1. Rows with anything missing, or no
        exposure, are left out.
    deprivation : the name of the factor that the model has to beat; one of the columns of `factors`.
    folds, block_m, seed : as in `risk_blocks.spatial_folds`; the seed also shuffles factors.

    Returns one row per factor: `factor`, `coefficient` (change of the log rate for one standard deviation; 0 =
        dropped; of all areas together), `importance` (by how much less of the deviance is explained in the part left
        out when the factor is shuffled within it), `lower`, `upper` (the lowest and the highest part) and `method`.
    `.attrs["scores"]` has a row per model: `model`, `deviance_explained` (of the parts left out, against the mean rate
        of what was learned from; below 0 is worse than no factors at all), `lower`, `upper` (lowest and highest part)
        and `beats_deprivation`. `.attrs["said"]` is the verdict in words, `.attrs["penalty"]` the penalty chosen, and
        `n`, `left_out` count areas.
    The penalty is chosen within what was learned from, by leaving out its parts in turn, never by the part the model
    is scored on. "deprivation alone" and "count model" are Poisson regressions without penalty.
    Misleads as an interval: lower and upper are a range of `folds` parts, not a confidence interval. Of two factors
    that say the same, one may be dropped by chance. Coefficients are drawn towards 0, and have no p-values. Nothing
    here shows a cause.
    Source: Zou & Hastie (2005), J. R. Statist. Soc. B 67(2), 301-320; importance, Breiman (2001), Machine Learning
    45(1), 5-32; blocks, Roberts et al. (2017), Ecography 40(8), 913-929.
    """
    areas, counted = _areas(counts, factors, coordinates, exposure, folds, block_m, seed)
    lines, penalty, fits = _nets(areas)
    found = _judged("elastic net", areas, factors.columns, fits, deprivation, seed)
    found.insert(1, "coefficient", lines[1:])
    found.attrs |= counted | {"penalty": penalty}
    return found


def boosted_trees(
    counts,
    factors: pd.DataFrame,
    coordinates: pd.DataFrame,
    *,
    exposure=None,
    deprivation: str | None = None,
    folds: int = 5,
    block_m: float | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Which factors tell areas apart when bends, thresholds and combinations are allowed?

    Arguments, columns and `.attrs` as in `elastic_net`, without `coefficient` and `penalty`.
    Misleads most where there are few areas: then a straight line usually does better, and `.attrs["said"]` says so.
    Trees cannot reach beyond the values they learned from.
    Source: Friedman (2001), Annals of Statistics 29(5), 1189-1232, as in scikit-learn's HistGradientBoostingRegressor
    with the Poisson deviance: the rate is learned, weighted by exposure. 150 trees of 8 leaves, learning rate 0.05,
    each factor in 64 bins.
    """
    areas, counted = _areas(counts, factors, coordinates, exposure, folds, block_m, seed)
    found = _judged("boosted trees", areas, factors.columns, list(_each(areas, _trees)), deprivation, seed)
    found.attrs |= counted
    return found


def partial_dependence(
    counts,
    factors: pd.DataFrame,
    coordinates: pd.DataFrame,
    factor: str,
    *,
    exposure=None,
    folds: int = 5,
    block_m: float | None = None,
    seed: int = 0,
    points: int = 20,
) -> pd.DataFrame:
    """How does the rate the boosted trees give go up or down with one factor, the others left as they are?

    Arguments as in `boosted_trees`. factor : a column of `factors`. points : values of it, at equal steps of the order
        from its 2.5% to its 97.5% point; equal ones once.

    Returns one row per value: `value`, `rate` (in the unit of counts / exposure; the mean over the models that each
        left out a part of the map, each the mean over areas by exposure), `lower`, `upper` (lowest and highest model).
    Misleads where factors go together: it asks for areas that do not exist, rich in income and poor in everything
    else. A range of models, not a confidence interval.
    Source: Friedman (2001), Annals of Statistics 29(5), 1189-1232.
    """
    if factor not in factors.columns:
        raise ValueError("The factor is not a column of factors.")
    areas, _ = _areas(counts, factors, coordinates, exposure, folds, block_m, seed)
    at = factors.columns.get_loc(factor)
    steps = np.quantile(areas.values[:, at], np.linspace(0.025, 0.975, points), method="nearest")
    steps, some = np.unique(steps), np.arange(len(areas.counts))
    if len(some) > _ROWS:
        some = np.random.default_rng(seed).choice(some, _ROWS, replace=False)
    stacked = np.tile(areas.values[some], (len(steps), 1))
    stacked[:, at] = np.repeat(steps, len(some))
    rated = [rate(stacked).reshape(len(steps), -1) for rate in _each(areas, _trees)]
    rows = np.array([np.average(one, axis=1, weights=areas.exposure[some]) for one in rated])
    return pd.DataFrame({"value": steps, "rate": rows.mean(0), "lower": rows.min(0), "upper": rows.max(0)})


def _areas(counts, factors, coordinates, exposure, folds, block_m, seed) -> tuple[_Areas, dict]:
    own = rates.as_rows(counts=counts, exposure=1.0 if exposure is None else exposure).to_numpy()
    values = factors.to_numpy(dtype=float, na_value=np.nan)
    places = coordinates[["x", "y"]].to_numpy(dtype=float, na_value=np.nan)
    if not len(own) == len(values) == len(places):
        raise ValueError("counts, factors and coordinates are not rows of one table: their lengths differ.")
    known = np.isfinite(np.column_stack([own, values, places])).all(axis=1) & (own[:, 1] > 0)
    if not own[known, 0].sum() > 0:
        raise NotEnoughData("A model of counts needs areas with events and complete factors; there are none.")
    fold = spatial_folds(pd.DataFrame(places[known], columns=["x", "y"]), folds=folds, block_m=block_m, seed=seed)
    areas = _Areas(own[known, 0], own[known, 1], values[known], fold)
    if any(areas.counts[fold != one].sum() == 0 for one in range(folds)):
        raise NotEnoughData("All events lie in one part of the map: without it there is nothing to learn from.")
    return areas, {"n": int(known.sum()), "left_out": int((~known).sum())}


def _each(areas: _Areas, fit: Callable[[_Areas], Rate]) -> Iterator[Rate]:
    """The model fitted without each fold in turn."""
    return (fit(areas.where(areas.fold != one)) for one in range(areas.fold.max() + 1))


def _mean(areas: _Areas) -> Rate:
    rate = areas.counts.sum() / areas.exposure.sum()
    return lambda values: np.full(len(values), rate)


def _poisson(areas: _Areas) -> Rate:
    from sklearn.linear_model import PoissonRegressor

    mean, spread = _spread(areas.values)
    relative, weight, rate = _relative(areas)
    model = PoissonRegressor(alpha=_PENALTY, solver="newton-cholesky", tol=1e-9, max_iter=1_000)
    model.fit((areas.values - mean) / spread, relative, sample_weight=weight)
    return lambda values: rate * model.predict((values - mean) / spread)


def _trees(areas: _Areas) -> Rate:
    from sklearn.ensemble import HistGradientBoostingRegressor

    relative, weight, rate = _relative(areas)
    shape = {"max_iter": TREES, "learning_rate": RATE, "max_leaf_nodes": LEAVES, "min_samples_leaf": FEWEST_IN_LEAF}
    model = HistGradientBoostingRegressor(
        loss="poisson", max_bins=BINS, l2_regularization=PULL, early_stopping=False, random_state=0, **shape
    )
    model.fit(areas.values, relative, sample_weight=weight)
    return lambda values: rate * model.predict(values)


def _relative(areas: _Areas) -> tuple[np.ndarray, np.ndarray, float]:
    """Rates over their mean, weights with mean 1, that mean: penalties bite alike in any unit of exposure."""
    rate = areas.counts.sum() / areas.exposure.sum()
    return areas.counts / areas.exposure / rate, areas.exposure / areas.exposure.mean(), rate


def _nets(areas: _Areas) -> tuple[np.ndarray, float, list[Rate]]:
    """The line through all areas, its penalty, and for each fold the model that has not seen it.

    A model without the folds f and g tries penalties on g for the model that is scored on f, and on f for that on g.
    """
    folds = range(areas.fold.max() + 1)
    mean, spread = _spread(areas.values)
    everywhere = (areas.values - mean) / spread
    along = risk_penalised.penalties(everywhere, areas.counts, areas.exposure)
    tried = np.zeros((len(folds), len(along)))  # deviance in the other folds, for the model scored on this one
    for f, g in ((f, g) for f in folds for g in folds if f < g):
        without = areas.where((areas.fold != f) & (areas.fold != g))
        if without.counts.sum() > 0:
            lines = _path(without, along)
            tried[f] += [_deviance(areas.where(areas.fold == g), line) for line in lines]
            tried[g] += [_deviance(areas.where(areas.fold == f), line) for line in lines]
    chosen, final = [], np.zeros(len(along))
    for f in folds:
        lines = _path(areas.where(areas.fold != f), along)
        chosen.append(lines[tried[f].argmin()])
        final += [_deviance(areas.where(areas.fold == f), line) for line in lines]
    best = int(final.argmin())
    line = risk_penalised.path(everywhere, areas.counts, areas.exposure, along[: best + 1])[-1]
    return line, float(along[best]), chosen


def _path(areas: _Areas, along: np.ndarray) -> list[Rate]:
    mean, spread = _spread(areas.values)
    lines = risk_penalised.path((areas.values - mean) / spread, areas.counts, areas.exposure, along)
    lines[:, 1:] /= spread  # for factors as they are
    lines[:, 0] -= lines[:, 1:] @ mean
    return [lambda values, line=line: np.exp(line[0] + values @ line[1:]) for line in lines]


def _spread(learned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the areas learned from; infinite for a constant factor, which then is nought."""
    return learned.mean(axis=0), np.where(np.ptp(learned, axis=0) > 0, learned.std(axis=0), np.inf)


def _deviance(areas: _Areas, rate: Rate | np.ndarray) -> float:
    """Twice the sum of counts log(counts / mu) - (counts - mu)."""
    from scipy.special import xlogy

    mu = areas.exposure * (rate if isinstance(rate, np.ndarray) else rate(areas.values))
    return float(2 * (xlogy(areas.counts, areas.counts / mu) - areas.counts + mu).sum())


def _judged(name, areas, columns, fits, deprivation, seed) -> pd.DataFrame:
    """One row per factor with its importance; in attrs the scores of this model and of plainer ones."""
    if deprivation is not None and deprivation not in columns:
        raise ValueError("deprivation is not the name of a column of factors.")
    parts = [areas.where(areas.fold == one) for one in range(len(fits))]
    models = {"no factors": list(_each(areas, _mean))}
    if deprivation is not None:
        at = columns.get_loc(deprivation)
        alone = replace(areas, values=areas.values[:, [at]])
        models["deprivation alone"] = [_of_one(rate, at) for rate in _each(alone, _poisson)]
    models |= {"count model": list(_each(areas, _poisson)), name: fits}
    lost = {model: [_deviance(*pair) for pair in zip(parts, own, strict=True)] for model, own in models.items()}
    lost = pd.DataFrame(lost)
    scores = risk_scores.scores(lost)
    found = _importance(parts, fits, columns, lost, name, seed)
    found.attrs = {"scores": scores, "said": risk_scores.said(scores, lost, name)}
    return found


def _of_one(rate: Rate, at: int) -> Rate:
    return lambda values: rate(values[:, [at]])


def _importance(parts, fits, columns, lost, name, seed) -> pd.DataFrame:
    rng, more = np.random.default_rng(seed), np.empty((len(parts), len(columns)))
    shuffles = int(np.clip(SHUFFLED_ROWS // max(len(part.counts) for part in parts), 1, SHUFFLES))
    for row, (part, rate) in enumerate(zip(parts, fits, strict=True)):
        for at in range(len(columns)):
            rated = rate(_shuffled(part.values, at, shuffles, rng)).reshape(shuffles, -1)
            more[row, at] = np.mean([_deviance(part, one) for one in rated]) - lost.loc[row, name]
    none = lost["no factors"].to_numpy()
    of_part = more / none[:, None]
    method = f"range of {len(parts)} parts of the map, {shuffles} shuffles each"
    table = {"factor": columns, "importance": more.sum(axis=0) / none.sum()}
    return pd.DataFrame(table | {"lower": of_part.min(axis=0), "upper": of_part.max(axis=0), "method": method})


def _shuffled(values: np.ndarray, at: int, times: int, rng: np.random.Generator) -> np.ndarray:
    """The areas several times over, one factor in another order each time."""
    copies = np.tile(values, (times, 1))
    copies[:, at] = rng.permuted(copies[:, at].reshape(times, -1), axis=1).ravel()
    return copies
