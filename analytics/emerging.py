"""New, growing, persistent and fading hotspots: how clustering changes over time. A row is a place."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import hotspots, neighbours, significance
from analytics.errors import NotEnoughData

FEWEST_STEPS = 10  # below this neither a trend nor a history can be told from chance, so places are not classed
MOSTLY = 0.9  # share of steps from which a place counts as hot nearly always (Esri's definition)
DEFINITIONS = ("current", "older")  # of `sporadic`: must the last step be hot, or not
CLASSES = ("new", "consecutive", "intensifying", "persistent", "diminishing", "sporadic", "oscillating", "historical")
COLD = "cold_"  # prefix of the mirrored classes
NONE = "none"
_DIGITS = 9  # of z: the same counts in another order give another last digit, and are a tie all the same
_BYTE = 127  # largest whole number of one byte: up to so many steps ranks and sums fit in it


def mann_kendall(series) -> pd.DataFrame:
    """Does a series rise or fall steadily, more than a shuffled one would?

    series : array or table (places, steps), or (steps,) for one place; steps in order of time, equally far apart.
        Missing values are dropped, each series by itself.

    Returns one row per place: `s` (pairs that rise minus pairs that fall), `variance` (of s under chance, less for
    ties), `z` ((s - 1) or (s + 1) over its root, 0 for s = 0), `p_value` (two-sided, normal, not corrected for the
    number of places) and `tau` (tau-b, -1 to 1). A series of equal values has z 0 and p 1, and no tau; one with fewer
    than 2 values has nothing.
    Misleads where neighbouring steps resemble each other (season, slow change): the test takes steps as independent
    and then sees trends too often. A rise followed by a fall is no trend.
    Source: Mann (1945), Econometrica 13(3), 245-259; Kendall (1975), Rank Correlation Methods.
    """
    x, index = _series(series)
    parts = [_score_and_ties(part) for part in _in_blocks(x, x.shape[1])]
    s, n, tied_pairs, tied = (np.concatenate(part) for part in zip(*parts, strict=True))
    variance, pairs = (n * (n - 1) * (2 * n + 5) - tied) / 18, n * (n - 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(s == 0, 0.0, (s - np.sign(s)) / np.sqrt(variance))
        tau = s / np.sqrt(pairs * (pairs - tied_pairs))
    table = pd.DataFrame({"s": s, "variance": variance, "z": z, "p_value": _two_sided(z), "tau": tau}, index=index)
    table[n < 2] = np.nan
    return table


def sen_slope(series) -> pd.DataFrame:
    """By how much does a series change from one step to the next, typically?

    series : as in `mann_kendall`; missing values are dropped and the steps keep their distance.

    Returns one row per place: `slope` (the median slope over all pairs of steps, in units per step) and `intercept`
    (median value less slope times median step, the first step being 0), missing with fewer than 2 values.
    Misleads on sparse counts: where most pairs are ties the slope is 0 whatever the rest does.
    Source: Sen (1968), Journal of the American Statistical Association 63(324), 1379-1389; the intercept, Conover
    (1980), Practical Nonparametric Statistics.
    """
    x, index = _series(series)
    steps = x.shape[1]
    slope = np.concatenate([_median(_slopes(part)) for part in _in_blocks(x, steps * (steps - 1) // 2)])
    middle = _median(np.where(np.isnan(x), np.nan, np.arange(steps)))
    intercept = np.where(np.isnan(slope), np.nan, _median(x) - slope * middle)
    return pd.DataFrame({"slope": slope, "intercept": intercept}, index=index)


def classify_series(z, hot, cold=None, *, alpha: float = 0.05, definition: str = "current") -> np.ndarray:
    """Which history of hot and cold does each place have: one of eight classes, their cold mirrors, or none?

    z : Gi* by place and step; its trend decides between intensifying, persistent and diminishing. Steps without a z
        are left out of that place's series, and "last" is the last step that has one.
    hot, cold : in which steps the place is a significant hot, and cold, spot; no `cold` means never cold.
    alpha : a trend is significant below this two-sided p-value.
    definition : "current" asks a `sporadic` place to be hot in the last step; "older" does not.

    Returns an array of words, one per place (`class` in the table of docs/methods.md). Hot in nearly all steps (90%)
    comes first: `historical` when the last is not hot, else by the trend. Then, when the last step is hot: cold
    before makes it `oscillating`; hot only now `new`; hot in one run up to now `consecutive`; else `sporadic`. The
    cold classes mirror this and are given where no hot class is. A place without any z has None.
    Misleads as a ranking: classes say how, not how much.
    Source: Esri, How Emerging Hot Spot Analysis works (ArcGIS Pro); its older definition as in sfdep (R).
    """
    z, hot, cold = _aligned(z, hot, cold)
    return _classes(~np.isnan(z), hot, cold, _trend(z), alpha, definition)


def simple_classes(
    hot, cold=None, *, hot_prop: float = 0.1, persistent_prop: float = 0.8, recent_prop: float = 0.2
) -> np.ndarray:
    """The same history in four words: persistent, emerging, former or intermittent?

    hot, cold : array (places, steps), in which steps the place is a significant hot, and cold, spot; no `cold` means
        never cold. A step without a z is neither, and counts as a step.
    hot_prop : least share of steps that makes a hotspot of any kind. persistent_prop : least share of all steps for
        `persistent`. recent_prop : the last share of steps is "recent" (whole steps, rounded down, at least one).

    Returns an array of words, the first that holds: `persistent`; `emerging` (hot in at least `hot_prop` of the
    recent steps and of less than that of the earlier ones); `former` (the reverse); `intermittent` (at least
    `hot_prop` of all); `none`. Cold ones have the prefix `cold_`; hot and cold both: `mixed`.
    Misleads with few steps, where one month makes a place emerging.
    Source: Ashby, sfhotspot (R), as its documentation of hotspot_classify words it; its code counts the step before
    the recent ones on both sides, and asks 20% of the recent steps, not 10%, of an emerging place.
    """
    _, hot, cold = _aligned(np.zeros(np.shape(hot)), hot, cold)
    steps = hot.shape[1]
    if steps < 2:
        raise NotEnoughData(f"Recent and earlier times need at least 2 periods; there is {steps}.")
    recent = min(max(1, int(recent_prop * steps + 1e-9)), steps - 1)
    found, found_cold = (_simple(flags, recent, hot_prop, persistent_prop) for flags in (hot, cold))
    mirrored = np.where(found_cold == NONE, NONE, COLD + found_cold)
    return np.where((found != NONE) & (found_cold != NONE), "mixed", np.where(found != NONE, found, mirrored))


def by_step(
    cells: pd.DataFrame,
    counts: pd.DataFrame,
    near: sparse.csr_array,
    *,
    value: str = "n",
    permutations: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """Where was it hot in each month? Gi* of every step, each against the other places in the same step.

    cells, counts, near, value, permutations, seed : as in `classify`.

    Returns `counts` with `z`, `p_value` (two-sided) and `q_value` (Benjamini-Hochberg over the places of that step).
    Misleads and source as `hotspots.gi_star`.
    """
    x, rows, columns = _wide(cells, counts, near, value)
    z, p = _gi_star(x, near, permutations, seed)
    found = {"z": z, "p_value": p, "q_value": _q_values(p)}
    return counts.assign(**{name: values[rows, columns] for name, values in found.items()})


def classify(
    cells: pd.DataFrame,
    counts: pd.DataFrame,
    near: sparse.csr_array,
    *,
    value: str = "n",
    alpha: float = 0.05,
    definition: str = "current",
    permutations: int = 0,
    seed: int = 0,
    tell: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Which places are new, growing, lasting, fading or former hotspots?

    cells : one row per place, with `cell_id`. near : their neighbours, in the same order, as in `hotspots.gi_star`.
    counts : one row per place and month: `cell_id`, `month` and the column `value`, zeros present. A row that lacks,
        or lacks its value, is unknown, not 0, and has no z. A month no row has is no step.
    alpha : a place is hot, or cold, in a step where its Gi* is significant after Benjamini-Hochberg over the places
        of that step; also the level of the trend.
    definition : of `sporadic`, see `classify_series`.
    permutations : 0 for the normal p-value of Gi*; else conditional permutations in each step (prefer these when most
        counts are 0; 9,999 or more where many cells are tested).
    tell : called after each step with the share of them that is done.

    Returns `cells` with `class` (see `classify_series`), `simple_class` (see `simple_classes`), `steps_hot`,
    `steps_cold`, `trend_z` and `trend_p_value` (Mann-Kendall of the place's z, two-sided, not corrected for the
    number of places), and `method`, which says the definition used. Places with fewer than ten steps with a z (all
    those without neighbours) have no class.
    Misleads as a forecast: classes describe the past. Each step is compared within itself, so a general rise or fall
    shows nowhere, and a place can "cool" because others rise. One bad month makes a place new.
    Source: Esri, How Emerging Hot Spot Analysis works; Ord & Getis (1995); Mann (1945).
    """
    x, _, _ = _wide(cells, counts, near, value)
    if x.shape[1] < FEWEST_STEPS:
        raise NotEnoughData(f"Classes of hotspots need at least {FEWEST_STEPS} periods; there are {x.shape[1]}.")
    z, p = _gi_star(x, near, permutations, seed, tell)
    significant, trend, known = _q_values(p) < alpha, _trend(z), ~np.isnan(z)
    hot, cold = significant & (z > 0), significant & (z < 0)
    words = {
        "class": _classes(known, hot, cold, trend, alpha, definition),
        "simple_class": simple_classes(hot, cold),
    }
    few = known.sum(axis=1) < FEWEST_STEPS
    words = {name: pd.array(np.where(few, None, column.astype(object)), dtype="str") for name, column in words.items()}
    steps = {"steps_hot": hot.sum(axis=1), "steps_cold": cold.sum(axis=1)}
    trends = {"trend_z": trend["z"].to_numpy(), "trend_p_value": trend["p_value"].to_numpy()}
    return cells.assign(**words, **steps, **trends, method=_method(alpha, definition, permutations))


def _series(series) -> tuple[np.ndarray, pd.Index]:
    """Places in rows, steps in columns; what is not finite is missing."""
    if isinstance(series, pd.DataFrame | pd.Series):
        x = series.to_numpy(dtype=float, na_value=np.nan)
    else:
        x = np.asarray(series, dtype=float)
    if x.ndim > 2 or x.shape[-1:] < (2,):
        raise NotEnoughData("A trend needs at least 2 periods.")
    x = np.atleast_2d(x)
    x = x if np.isfinite(x).all() else np.where(np.isfinite(x), x, np.nan)
    return x, series.index if isinstance(series, pd.DataFrame) else pd.RangeIndex(len(x))


def _in_blocks(x: np.ndarray, width: int) -> list[np.ndarray]:
    """The rows in blocks whose working tables, `width` numbers a row, stay small; at least one."""
    rows = max(1, significance.BLOCK // max(width, 1))
    return [x[start : start + rows] for start in range(0, max(len(x), 1), rows)]


def _score_and_ties(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of each row: s, the values it has, its tied pairs, and the sum of t (t - 1) (2 t + 5) over groups of t ties."""
    places, steps = x.shape
    order = np.argsort(x, axis=1)  # missing values come last
    ordered = np.take_along_axis(x, order, axis=1)
    fresh = np.ones((places, steps), dtype=bool)  # a missing value equals nothing, so it ties with nothing
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=fresh[:, 1:])
    start = np.flatnonzero(fresh)
    tied = np.diff(start, append=fresh.size)
    row, tied = start[tied > 1] // steps, tied[tied > 1].astype(float)
    tied_pairs = np.bincount(row, tied * (tied - 1) / 2, minlength=places)
    term = np.bincount(row, tied * (tied - 1) * (2 * tied + 5), minlength=places)
    n = steps - np.isnan(ordered).sum(axis=1)
    if steps <= _BYTE and (n == steps).all():  # ranks of one byte are compared eight times as fast as values
        ranks = np.empty((places, steps), dtype=np.int8)
        np.put_along_axis(ranks, order, np.cumsum(fresh, axis=1, dtype=np.int8), axis=1)
        x = ranks
    return _score(x), n.astype(float), tied_pairs, term


def _score(x: np.ndarray) -> np.ndarray:
    """Pairs of steps that rise minus pairs that fall, by row; a missing value neither rises nor falls."""
    by_step = np.ascontiguousarray(x.T)
    room = np.int8 if len(by_step) <= _BYTE else np.int64
    s = np.zeros(len(x))
    for k in range(len(by_step) - 1):
        rises, falls = by_step[k + 1 :] > by_step[k], by_step[k + 1 :] < by_step[k]
        s += (rises.view(np.int8) - falls.view(np.int8)).sum(axis=0, dtype=room)
    return s


def _slopes(x: np.ndarray) -> np.ndarray:
    """The slope between each two steps, by row: all pairs 1 step apart, then 2, and so on."""
    return np.concatenate([(x[:, k:] - x[:, :-k]) / k for k in range(1, x.shape[1])], axis=1)


def _median(x: np.ndarray) -> np.ndarray:
    """Median of each row over the values it has; missing where it has none."""
    middle = np.median(x, axis=1)  # missing where any is
    lacking = np.isnan(x).any(axis=1) & ~np.isnan(x).all(axis=1)
    middle[lacking] = np.nanmedian(x[lacking], axis=1)
    return middle


def _two_sided(z: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return 2 * ndtr(-np.abs(z))


def _aligned(z, hot, cold) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three tables (places, steps) of one shape; where z is missing the flags do not count."""
    z = np.atleast_2d(np.asarray(z, dtype=float))
    hot = np.atleast_2d(np.asarray(hot, dtype=bool))
    cold = np.zeros_like(hot) if cold is None else np.atleast_2d(np.asarray(cold, dtype=bool))
    if not z.shape == hot.shape == cold.shape:
        raise ValueError("`z`, `hot` and `cold` need one row per place and one column per step, the same in each.")
    known = ~np.isnan(z)
    if (hot & cold & known).any():
        raise ValueError("A place is hot or cold in a step, not both.")
    return z, hot & known, cold & known


def _trend(z: np.ndarray) -> pd.DataFrame:
    return mann_kendall(np.round(z, _DIGITS))


def _classes(known, hot, cold, trend: pd.DataFrame, alpha: float, definition: str) -> np.ndarray:
    """The class of each place; `known`: the steps that have a z."""
    if definition not in DEFINITIONS:
        raise ValueError(f"`definition` is one of {', '.join(DEFINITIONS)}.")
    if not known.all():  # known steps to the right, in their order, so that the last column is the last of them
        order = np.argsort(known, axis=1, kind="stable")
        hot, cold = (np.take_along_axis(flags, order, axis=1) for flags in (hot, cold))
    steps = known.sum(axis=1)
    direction = np.where(trend["p_value"] < alpha, np.sign(trend["z"]), 0)
    found = _one_side(hot, cold, steps, direction, definition)
    mirrored = _one_side(cold, hot, steps, -direction, definition)
    found = np.where(found != NONE, found, np.where(mirrored != NONE, COLD + mirrored, NONE))
    return np.where(steps > 0, found, None)


def _one_side(hot, cold, steps, direction, definition: str) -> np.ndarray:
    """The hot class of each place, the first rule that holds; `direction`: of the trend, 0 where not significant."""
    times, last = hot.sum(axis=1), hot[:, -1]
    run = np.logical_and.accumulate(hot[:, ::-1], axis=1).sum(axis=1)  # steps in a row up to the last
    mostly = (times > 0) & (times >= MOSTLY * steps)
    ever_cold = cold.any(axis=1)
    rules = {
        "historical": mostly & ~last,
        "intensifying": mostly & (direction > 0),
        "diminishing": mostly & (direction < 0),
        "persistent": mostly,
        "oscillating": last & ever_cold,
        "new": last & (times == 1),
        "consecutive": last & (times == run),
        "sporadic": (last if definition == "current" else times > 0) & ~ever_cold,
    }
    return np.select(list(rules.values()), list(rules), NONE).astype(object)


def _simple(flags, recent: int, hot_prop: float, persistent_prop: float) -> np.ndarray:
    whole, late, early = (part.mean(axis=1) for part in (flags, flags[:, -recent:], flags[:, :-recent]))
    rules = {
        "persistent": whole >= persistent_prop,
        "emerging": (early < hot_prop) & (late >= hot_prop),
        "former": (early >= hot_prop) & (late < hot_prop),
        "intermittent": whole >= hot_prop,
    }
    return np.select(list(rules.values()), list(rules), NONE).astype(object)


def _wide(cells, counts, near, value: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The values by place and step, missing where there is no row; and where each row of `counts` stands there."""
    if near.shape != (len(cells), len(cells)):
        raise ValueError(f"`near` needs one row and one column per place: {near.shape} for {len(cells)} places.")
    places = pd.Index(cells["cell_id"])
    if not places.is_unique:
        raise ValueError("`cells` needs one row per `cell_id`.")
    codes, named = pd.factorize(counts["cell_id"])  # looks up each place once, not each row
    rows = np.append(places.get_indexer(named), -1)[codes]
    columns, months = pd.factorize(counts["month"], sort=True)
    if (rows < 0).any() or (columns < 0).any():
        raise ValueError("Each row of `counts` needs a month, and a `cell_id` that is in `cells`.")
    if not len(months):
        raise NotEnoughData("There are no counts to look for hotspots in.")
    at = rows * len(months) + columns
    if np.bincount(at).max(initial=0) > 1:
        raise ValueError("`counts` needs one row per `cell_id` and `month`.")
    x = np.full(len(cells) * len(months), np.nan)
    x[at] = counts[value].to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(x), x, np.nan).reshape(len(cells), len(months)), rows, columns


def _gi_star(x, near, permutations: int, seed: int, tell=None) -> tuple[np.ndarray, np.ndarray]:
    """z and p of Gi* by place and step; as `hotspots.gi_star` of each step by itself."""
    if len(x) < hotspots.FEWEST_CELLS:
        raise NotEnoughData(f"Gi* needs at least {hotspots.FEWEST_CELLS} cells; this area has {len(x)}.")
    z = _z(x, near)
    if not permutations:
        return z, _two_sided(z)
    p = np.full(x.shape, np.nan)
    seeds = np.random.SeedSequence(seed).generate_state(x.shape[1])  # steps share no draws
    for step in np.flatnonzero(~np.isnan(z).all(axis=0)):
        column, draws = pd.DataFrame({"n": x[:, step]}), {"permutations": permutations, "seed": int(seeds[step])}
        p[:, step] = hotspots.gi_star(column, near, **draws)["p_value"]
        if tell:
            tell((step + 1) / x.shape[1])
    return z, np.where(np.isnan(z), np.nan, p)


def _z(x: np.ndarray, near: sparse.csr_array) -> np.ndarray:
    """(sum w x - mean W) / sqrt(variance (n sum w^2 - W^2) / (n - 1)) in each column, over the values it has."""
    star = neighbours.with_self(sparse.csr_array(near, dtype=float))
    star.eliminate_zeros()
    known = ~np.isnan(x)
    counted = known.astype(float) if not known.all() else np.ones((len(x), 1))  # one column stands for all steps
    n = counted.sum(axis=0)
    weight, weight2, linked = star @ counted, star.multiply(star).tocsr() @ counted, (star != 0).astype(float) @ counted
    with np.errstate(divide="ignore", invalid="ignore"):  # no value: fewer than 2 known, all equal, the whole area
        away = np.where(known, x - np.nansum(x, axis=0) / n, 0.0)
        variance = (away**2).sum(axis=0) / n
        room = n * weight2 - weight**2
        z = (star @ away) / np.sqrt(variance * room / (n - 1))
    differ = np.nanmax(np.where(known, x, -np.inf), axis=0) > np.nanmin(np.where(known, x, np.inf), axis=0)
    tested = known & (linked > counted) & (room > hotspots.FLAT * weight**2) & differ & (n >= hotspots.FEWEST_CELLS)
    return np.where(tested, z, np.nan)


def _q_values(p: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg within each step."""
    return np.stack([significance.benjamini_hochberg(column) for column in p.T], axis=1)


def _method(alpha: float, definition: str, permutations: int) -> str:
    chance = f"{permutations:,} permutations" if permutations else "normal p"
    return f"Gi* by step ({chance}), Benjamini-Hochberg at {alpha:g} within each; sporadic: {definition} definition"
