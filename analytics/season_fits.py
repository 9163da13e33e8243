"""The arithmetic of `season`: one quasi-Poisson regression for many series, and the best levels of each.

Arrays are (series, months); a gap is a missing count. scipy is imported inside the functions that need it.
"""

import numpy as np

from analytics import rates

SHORTEST_MONTHS = 6  # of a level: shorter ones are runs of odd months, which a control chart shows better
DATE_CUT = 7.352  # 95% limit of the likelihood ratio of a date of change: Hansen (2000), -2 log(1 - sqrt(0.95))
_MONTHS_TO_KNOT = 12  # the trend may bend once a year: slower than any season, faster than most levels
_ROUNDS = 10  # of weighted least squares: six settle a mean to six figures, more are for series of few events
_STEEPEST = 30.0  # e^30 events: past any count, and keeps a stretch without events finite
_RIDGE = 1e-9  # against a knot or a calendar month without data; moves no coefficient that has any
_TURNS = 20  # of levels and season fitted in turn: settles both to six figures
_STRENGTHS = np.linspace(0, 0.8, 17)  # of a month's resemblance to the month before; past 0.8 a level wanders
_OVERSHOOT = 0.583  # a random walk in steps passes a limit by so many standard deviations: Siegmund (1985), ch. 10


def regression(
    counts: np.ndarray, of_year: np.ndarray, offset: np.ndarray, weekend: np.ndarray | None, *, seasonal: bool
) -> dict:
    """Trend, season and spread of each series; `of_year` (0 to 11), `offset` (logarithm) and `weekend` per month."""
    from scipy import special

    held, y = ~np.isnan(counts), np.nan_to_num(counts)
    years, events = _by_calendar_month(held, of_year), _by_calendar_month(y, of_year)
    # a calendar month without events has mean 0 whatever the trend: it fits itself, and leaves the regression
    none = (years > 0) & (events == 0) & seasonal
    told = held & ~none[:, of_year]
    trend = _trend(counts.shape[1])
    plain = trend if weekend is None else np.column_stack([trend, weekend])
    contrasts = np.vstack([np.eye(11), -np.ones(11)]) if seasonal else np.zeros((12, 0))
    whole = np.column_stack([contrasts[of_year], plain])

    coefficients, covariance, mean, used = _fit(y, told, whole, offset)
    _, _, mean_plain, used_plain = _fit(y, held, plain, offset)
    free = held.sum(axis=1) - used - none.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = np.where(told, (y - mean) ** 2 / mean, 0).sum(axis=1)
        phi = np.where(free >= 1, np.maximum(squares / free, 1), np.nan)
        apart = used + none.sum(axis=1) - used_plain
        f = (_deviance(y, mean_plain, held) - _deviance(y, mean, told)) / apart / phi
        p = special.fdtrc(apart, free, np.maximum(f, 0)) if seasonal else np.full(len(y), np.nan)
    size = contrasts.shape[1]
    effect = np.exp(np.clip(coefficients[:, :size] @ contrasts.T, -_STEEPEST, _STEEPEST))
    effect = np.where(years > 0, np.where(none, 0, effect), np.nan)
    level = np.maximum(_nanmean(effect), 1e-300)
    shift = 0 if weekend is None else coefficients[:, -1:] * weekend
    base = np.exp(np.clip(coefficients[:, size:] @ plain.T, -_STEEPEST, _STEEPEST) + offset) * held
    return {
        "index": effect / level,
        "error": _index_error(effect, contrasts, covariance[:, :size, :size], phi),
        "offset": offset + shift,
        "years": years,
        "without_season": _by_calendar_month(base, of_year) * level,
        "phi": phi,
        "free": free,
        "p": p,
    }


def persistence(residuals: np.ndarray, held: np.ndarray, design: np.ndarray) -> float:
    """How many times as spread a long mean is because months resemble the month before (first-order autoregression).

    A regression takes resemblance out of its own residuals. So the correlation of neighbouring residuals is set
    against what each strength of resemblance would leave of it in this very design.
    """
    months = len(design)
    left = np.eye(months) - design @ np.linalg.pinv(design)
    if np.trace(left) < 1:  # as many regressors as months: nothing is left to judge by
        return 1.0
    apart = np.abs(np.subtract.outer(np.arange(months), np.arange(months)))
    neighbours = left[:, :-1] @ left[1:]
    spreads = [strength**apart for strength in _STRENGTHS]
    kept = np.array([(left * spread).sum() for spread in spreads])
    after = np.array([(neighbours * spread).sum() for spread in spreads]) / kept
    pairs = held[1:] & held[:-1]
    products = (residuals[1:] * residuals[:-1])[pairs].sum() / max(pairs.sum(), 1)
    seen = products / max((residuals[held] ** 2).mean(), 1e-300) * (months - 1) / months
    strength = np.interp(seen, after, _STRENGTHS)
    return (1 + strength) / (1 - strength) / np.interp(strength, _STRENGTHS, kept / np.trace(left))


def changes(
    counts: np.ndarray, of_year: np.ndarray, fit: dict, *, seasonal: bool, alpha: float, confidence: float
) -> dict:
    """Every change of level: its series, its month (and between which months it lies), levels, ratio and p-value.

    Twice over: the first division judges by the spread about a broken line, which a large step itself makes larger.
    Where it finds steps, season and spread are worked out again with those steps allowed for, resemblance of
    neighbouring months included, and the division is made anew.
    """
    held, y = ~np.isnan(counts), np.nan_to_num(counts)
    fixed = np.broadcast_to(np.exp(fit["offset"]), y.shape)
    first = _division(y, held, fixed * fit["index"][:, of_year], fit["phi"], fit["free"], alpha)
    some = np.flatnonzero([len(cuts) > 0 for cuts in first["cuts"]])
    y, held = y[some], held[some]
    again = _with_levels(y, held, fixed[some], of_year, [first["cuts"][row] for row in some], seasonal)
    # steps chosen to fit leave too little spread behind: never less than about the broken line
    again["phi"] = np.maximum(again["phi"], fit["phi"][some]) * again["longer"]
    second = _division(y, held, again["exposure"], again["phi"], again["free"], alpha)
    found = [row for at, cuts in enumerate(second["cuts"]) for row in _described(at, cuts, second["sums"], held, again)]
    names = ["series", "month", "earliest", "latest", "n0", "exposure0", "n1", "exposure1", "p_value"]
    table = dict(zip(names, np.array(found, dtype=float).reshape(-1, len(names)).T, strict=True))
    table |= {name: table[name].astype(int) for name in ("series", "month", "earliest", "latest")}
    table |= _ratio(table, again, confidence) | {"drift": _drifts(y, held, again, second)[table["series"]]}
    return table | {"series": some[table["series"]]}


def _division(y, held, exposure, phi, free, alpha: float) -> dict:
    """The best division of each series, with the sums and the penalty behind it."""
    sums = {"n": _from_start(y), "exposure": _from_start(np.where(held, exposure, 0)), "held": _from_start(held)}
    penalty = _critical(sums, free, alpha)
    return {"sums": sums, "penalty": penalty, "cuts": _partition(sums, held, phi, penalty)}


def _with_levels(y, held, fixed, of_year: np.ndarray, cuts: list[list[int]], seasonal: bool) -> dict:
    """Season and spread of each series with its own steps allowed for."""
    months = y.shape[1]
    level_of = np.array([np.searchsorted(found, np.arange(months), side="right") for found in cuts], dtype=int)
    level_of = level_of.reshape(len(cuts), months)
    steps = (level_of[:, :, None] == np.arange(level_of.max(initial=0) + 1)).astype(float)
    years = _by_calendar_month(held, of_year) > 0
    index = _in_turn(y, held, fixed, of_year, level_of, steps, years) if seasonal else np.ones((len(y), 12))
    exposure = fixed * index[:, of_year]
    mean = _level(y, np.where(held, exposure, 0), level_of, steps) * np.where(held, exposure, 0)
    residuals = np.where(mean > 0, (y - mean) / np.sqrt(np.maximum(mean, 1e-300)), 0)
    used = np.array([len(found) for found in cuts]) + (years.sum(axis=1) if seasonal else 1)
    free = np.maximum(held.sum(axis=1) - used, 1)
    phi = np.maximum((residuals**2).sum(axis=1) / free, 1)
    season = (of_year[:, None] == np.arange(11)).astype(float) if seasonal else np.zeros((months, 0))
    longer = [persistence(residuals[row], held[row], np.hstack([season, steps[row]])) for row in range(len(y))]
    return {"exposure": exposure, "phi": phi, "longer": np.array(longer), "free": free}


def _in_turn(y, held, fixed, of_year, level_of, steps, years) -> np.ndarray:
    """The calendar months' index where levels and season are fitted in turn, until both stand (Poisson likelihood)."""
    index = np.ones((len(y), 12))
    for _ in range(_TURNS):
        level = _level(y, np.where(held, fixed * index[:, of_year], 0), level_of, steps)
        index = _over(_by_calendar_month(y, of_year), _by_calendar_month(np.where(held, fixed * level, 0), of_year))
    return index / np.maximum(_nanmean(np.where(years, index, np.nan)), 1e-300)


def _level(y, usual, level_of, steps) -> np.ndarray:
    """Events over what is usual, of the step each month belongs to."""
    level = _over(np.einsum("st,stk->sk", y, steps), np.einsum("st,stk->sk", usual, steps))
    return np.take_along_axis(level, level_of, axis=1)


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _drifts(y, held, fit: dict, division: dict) -> np.ndarray:
    """Whether a steady rise or fall over the whole series explains as much as the steps, each paying for itself."""
    from scipy import special

    told = held & (fit["exposure"] > 0)
    offset = np.log(np.where(told, fit["exposure"], 1))
    flat, line = np.ones((y.shape[1], 1)), np.linspace(-1, 1, y.shape[1])[:, None]
    means = [_fit(y, told, x, offset)[2] for x in (flat, np.hstack([flat, line]))]
    by_line = _deviance(y, means[0], told) - _deviance(y, means[1], told)
    by_steps = np.array([_gain_of_steps(row, cuts, division["sums"]) for row, cuts in enumerate(division["cuts"])])
    price = special.stdtrit(fit["free"], 0.975) ** 2
    paid = np.array([len(cuts) for cuts in division["cuts"]]) * division["penalty"]
    return by_line / fit["phi"] - price >= by_steps / fit["phi"] - paid


def _gain_of_steps(row: int, cuts: list[int], sums: dict) -> float:
    bounds = [0, *cuts, sums["n"].shape[1] - 1]
    n, exposure = sums["n"][row, bounds], sums["exposure"][row, bounds]
    return float(_gain(np.diff(n), np.diff(exposure)).sum() - _gain(n[-1], exposure[-1]))


def _ratio(table: dict, fit: dict, confidence: float) -> dict:
    """The level after over that before: the exact interval of counts that are `phi` times as spread."""
    n0, n1, e0, e1 = (table.pop(name) for name in ("n0", "n1", "exposure0", "exposure1"))
    phi = (fit["phi"] * small_sample(fit["free"], confidence))[table["series"]]
    limits = rates.ratio_of(n1 / phi, e1, n0 / phi, e0, confidence=confidence)
    levels = {"level_before": n0 / e0, "level_after": n1 / e1}
    return levels | {name: limits[name].to_numpy() for name in ("ratio", "lower", "upper")}


def small_sample(free: np.ndarray, confidence: float) -> np.ndarray:
    """Student's t against the normal, squared: the spread itself is only estimated."""
    from scipy import special

    tail = (1 + confidence) / 2
    return (special.stdtrit(free, tail) / special.ndtri(tail)) ** 2


def _fit(y: np.ndarray, told: np.ndarray, x: np.ndarray, offset: np.ndarray) -> tuple:
    """Poisson regression of every series on the same columns: coefficients, inverse information, means, columns used.

    Columns without data cost a ridge and count for nothing: the number used is the trace of the hat matrix.
    """
    columns = x.shape[1]
    squares = (x[:, :, None] * x[:, None, :]).reshape(len(x), columns**2)
    start = y.sum(axis=1, keepdims=True) / np.maximum((told * np.exp(offset)).sum(axis=1, keepdims=True), 1e-9)
    mean = (y + np.maximum(start * np.exp(offset), 0.1)) / 2
    eta = np.log(mean)
    for _ in range(_ROUNDS):
        weight = np.where(told, mean, 0)
        information = (weight @ squares).reshape(-1, columns, columns)
        scale = np.trace(information, axis1=1, axis2=2)[:, None, None] / columns + 1e-12
        ridged = information + _RIDGE * scale * np.eye(columns)
        working = weight * (eta - offset) + np.where(told, y - mean, 0)
        coefficients = np.linalg.solve(ridged, (working @ x)[:, :, None])[:, :, 0]
        eta = np.clip(coefficients @ x.T, -_STEEPEST, _STEEPEST) + offset
        mean = np.exp(eta)
    inverse = np.linalg.inv(ridged)
    used = np.rint(np.einsum("sij,sji->s", inverse, information))
    return coefficients, inverse, mean, used


def _trend(months: int) -> np.ndarray:
    """A broken line with a knot a year: column k is 1 at knot k, falls to 0 at its neighbours, is 0 beyond."""
    pieces = max(1, round(months / _MONTHS_TO_KNOT))
    at = np.linspace(0, pieces, months)
    return np.clip(1 - np.abs(at[:, None] - np.arange(pieces + 1)), 0, None)


def _index_error(effect: np.ndarray, contrasts: np.ndarray, covariance: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Standard error of log(index), index = effect over the mean effect (delta method)."""
    share = np.nan_to_num(effect) / np.maximum(np.nansum(effect, axis=1, keepdims=True), 1e-300)
    slopes = contrasts - (share @ contrasts)[:, None, :]
    return np.sqrt(np.einsum("smi,sij,smj->sm", slopes, covariance, slopes) * phi[:, None])


def _deviance(y: np.ndarray, mean: np.ndarray, told: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(y > 0, y * np.log(y / mean), 0)
    return 2 * np.where(told, logs - (y - mean), 0).sum(axis=1)


def _by_calendar_month(values: np.ndarray, of_year: np.ndarray) -> np.ndarray:
    return values @ (of_year[:, None] == np.arange(12)).astype(float)


def _nanmean(values: np.ndarray) -> np.ndarray:
    known = ~np.isnan(values)
    return (np.nansum(values, axis=1) / np.maximum(known.sum(axis=1), 1))[:, None]


def _from_start(values: np.ndarray) -> np.ndarray:
    """Sums up to each month, with 0 in front: the sum from a to b is entry b less entry a."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def _gain(n: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Twice the Poisson log-likelihood of a level, but for what all divisions share."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((n > 0) & (exposure > 0), 2 * n * np.log(n / exposure), 0)


def _partition(sums: dict, held: np.ndarray, phi: np.ndarray, penalty: np.ndarray) -> list[list[int]]:
    """The first months of the later levels in the division with the most likelihood less `penalty` for each change."""
    series, months = held.shape
    best = np.full((series, months + 1), -np.inf)
    best[:, 0], came_from = 0, np.zeros((series, months + 1), dtype=int)
    for end in range(SHORTEST_MONTHS, months + 1):
        n, exposure, length = (sums[name][:, end, None] - sums[name][:, :end] for name in ("n", "exposure", "held"))
        score = best[:, :end] + _gain(n, exposure) / phi[:, None] - penalty[:, None]
        score = np.where(length >= SHORTEST_MONTHS, score, -np.inf)
        if end < months:  # a level begins in a month held: a gap belongs to the level before it
            score[~held[:, end]] = -np.inf
        came_from[:, end], best[:, end] = score.argmax(axis=1), score.max(axis=1)
    cuts = []
    for row in range(series):
        at, found = came_from[row, months] if np.isfinite(best[row, months]) else 0, []
        while at > 0:
            found.insert(0, int(at))
            at = came_from[row, at]
        cuts.append(found)
    return cuts


def _described(series: int, cuts: list[int], sums: dict, held: np.ndarray, fit: dict) -> list[tuple]:
    """One row per change, judged between the changes on either side of it."""
    n, exposure = sums["n"][series], sums["exposure"][series]
    bounds, rows = [0, *cuts, held.shape[1]], []
    for first, cut, last in zip(bounds, cuts, bounds[2:], strict=False):
        dates = np.arange(first + 1, last)
        dates = dates[held[series, dates] & (sums["held"][series, dates] > sums["held"][series, first])]
        gain = _gain(n[dates] - n[first], exposure[dates] - exposure[first])
        gain = (gain + _gain(n[last] - n[dates], exposure[last] - exposure[dates])) / fit["phi"][series]
        here = gain[dates == cut][0]
        none = _gain(n[last] - n[first], exposure[last] - exposure[first]) / fit["phi"][series]
        between = dates[gain >= here - DATE_CUT]
        window = {
            name: (values[series] - values[series, first])[None, first : last + 1] for name, values in sums.items()
        }
        p = _chance_of_largest(_normal(here - none, fit["free"][series]), *_steps(window))[0]
        counts = (n[cut] - n[first], exposure[cut] - exposure[first], n[last] - n[cut], exposure[last] - exposure[cut])
        rows.append((series, cut, min(between.min(), cut), max(between.max(), cut), *counts, p))
    return rows


def _critical(sums: dict, free: np.ndarray, alpha: float) -> np.ndarray:
    """The gain (over phi) that the best of all dates passes in a share `alpha` of series without a change."""
    from scipy import special

    middle, width = _steps(sums)
    low, high = np.zeros(len(free)), np.full(len(free), 10.0)
    for _ in range(40):  # halving: 10 standard deviations to a hundred-millionth
        at = (low + high) / 2
        above = _chance_of_largest(at, middle, width) > alpha
        low, high = np.where(above, at, low), np.where(above, high, at)
    return special.stdtrit(free, special.ndtr(-high)) ** 2


def _steps(sums: dict) -> tuple[np.ndarray, np.ndarray]:
    """Where in the exposure (0 to 1) each date stands, and how far the date before is; 0 where none is possible."""
    exposure, held = sums["exposure"], sums["held"]
    at = exposure / np.maximum(exposure[:, -1:], 1e-300)
    width = np.zeros_like(at)
    width[:, 1:] = np.diff(at, axis=1)
    possible = (held >= SHORTEST_MONTHS) & (held[:, -1:] - held >= SHORTEST_MONTHS)
    return np.where(possible, at, 0.5), np.where(possible, width, 0)


def _chance_of_largest(z: np.ndarray, middle: np.ndarray, width: np.ndarray) -> np.ndarray:
    """How often the largest of |z| over all dates is this large by chance (James, James & Siegmund 1987)."""
    from scipy import special

    z = np.atleast_1d(np.asarray(z, dtype=float))[:, None]
    room = np.maximum(middle * (1 - middle), 1e-12)
    steps = width / room * np.exp(-_OVERSHOOT * z * np.sqrt(width / room))
    largest = z[:, 0] * np.exp(-(z[:, 0] ** 2) / 2) / np.sqrt(2 * np.pi) * steps.sum(axis=1)
    one = 2 * special.ndtr(-z[:, 0])
    # below the peak of z exp(-z^2/2) the approximation turns down again, where all is chance anyway
    return np.where(z[:, 0] < 1, 1, np.clip(np.maximum(largest, one), 0, 1))


def _normal(gain, free):
    """The normal deviate as rare as a gain whose phi was estimated with `free` degrees of freedom."""
    from scipy import special

    return -special.ndtri(special.stdtr(free, -np.sqrt(np.maximum(gain, 0))))
