"""How many events the coming months may bring, and how such forecasts did before. A row is a series and a month.

A month that is not there, or has no count, is a gap; it is never taken for zero.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analytics import rates, trends
from analytics.errors import NotEnoughData

FEWEST_MONTHS = 24  # months held before a forecast is shown: with fewer there is no telling season from chance
MOST_GAPS = 3  # of the last twelve months: with more the level now is not known
FARTHEST = 12  # months ahead: beyond, the same month a year before is not known either
FEWEST_COMPARED = 12  # forecasts compared before one is said to beat the month a year before
METHOD = "discounted level and season, negative binomial, as wide as its own errors"
_KEPT = np.array([0.3, 0.5, 0.7, 0.8, 0.9, 0.95])  # what a month still weighs in the level one month later
_FAVOUR = 4  # the level with half the squared error of another weighs 2 to this power times as much
_FIRST = 12  # months held before the first forecast made for the record
_HALF_A_YEAR_HELD = 6  # months a year needs to tell its own level
_MEMORY = 0.95  # what an error still weighs in the record one month later: half after 14 months
_TRIALS = 4.0  # how many forecasts "just wide enough" the record starts from
_CLIPPED = 4.0  # one odd month (a lockdown) counts in the record as no farther out than this
_STEP = 0.25  # of the logarithm of the variance: how fast limits answer to their own misses
_WANDER = 0.025  # per month: how much a level moves before its own record tells
_SPARE = 12  # degrees of freedom of a width without any record
_SERIES_AT_ONCE = 300  # a matter of memory: about 100 MB


def monthly(
    months: pd.DataFrame,
    *,
    horizon: int = 6,
    by: str | Sequence[str] | None = None,
    value: str = "n",
    history: int = 60,
    confidence: Sequence[float] = (0.8, 0.95),
    fewest: int = FEWEST_MONTHS,
) -> pd.DataFrame:
    """How many events will each of the next months bring, and between which numbers?

    months : one row per series and month, with `month`, `value` (events) and the columns of `by`.
    horizon : months ahead, 1 to 12. The forecast of a month does not depend on it.
    by : the columns that tell series apart; None for one series. Series are forecast each by itself.
    history : months looked back on for the season, in whole years, at least 24.
    confidence : how often the month comes to lie inside; one pair of limits each.
    fewest : months a series has to hold, at least 12; below 18 there is no season in the forecast.

    Returns one row per series and month after the last one held by any: the columns of `by`, `month`, `forecast` (the
    mean of what may come, so not a whole number), `naive` (the same month a year before), `lower_80`, `upper_80`,
    `lower_95`, `upper_95` (events, whole numbers, both included), `method`, and `beats_naive`: whether earlier
    forecasts of this series over these steps were nearer than `naive`, both in mean absolute and in mean squared error
    (missing with fewer than 12 to compare). Show a forecast only where `beats_naive` is true.
    With too few months, or more than 3 gaps in the last 12, the numbers are missing and `method` says why.
    Misleads as a target, and after anything new (a lockdown, other recording rules): it knows the past of its own
    series only. With few events the mean can lie above the upper limit: 0.3 a month is mostly 0.
    Source: own; the parts are in docs/methods.md. Level: Harvey & Fernandes (1989), Journal of Business & Economic
    Statistics 7(4), 407-417. Weights: after Bates & Granger (1969), Operational Research Quarterly 20(4), 451-468.
    """
    _check(horizon, history, confidence, fewest)
    panel = _panel(months, _names(by), value)
    tables = [_next_months(*part, horizon, history, confidence, fewest) for part in _blocks(panel)]
    return pd.concat(tables, ignore_index=True)


def backtest(
    months: pd.DataFrame,
    *,
    horizon: int = 6,
    by: str | Sequence[str] | None = None,
    value: str = "n",
    history: int = 60,
    confidence: Sequence[float] = (0.8, 0.95),
    fewest: int = FEWEST_MONTHS,
) -> pd.DataFrame:
    """What would have been forecast each month, with the months before it alone, and what came?

    The arguments are those of `monthly`.

    Returns one row per series, last month known and step: the columns of `by`, `origin` (the last month known),
    `months_ahead` (1 to `horizon`), `month`, `actual`, `forecast`, `naive`, the limits, and `covered_80`, `covered_95`:
    whether `actual` is inside. Months that are gaps, and origins without a forecast, have no row.
    Misleads where figures have been revised since: at the time the last months were not yet complete.
    Source: rolling origin, Tashman (2000), International Journal of Forecasting 16(4), 437-450.
    """
    _check(horizon, history, confidence, fewest)
    panel = _panel(months, _names(by), value)
    tables = [_past_months(*part, horizon, history, confidence, fewest) for part in _blocks(panel)]
    return pd.concat(tables, ignore_index=True)


def summary(tested: pd.DataFrame, *, by: str | Sequence[str] | None = None) -> pd.DataFrame:
    """Did the intervals hold what they promise, and were the forecasts nearer than the same month a year before?

    tested : the rows of `backtest`, all or some of them.
    by : the columns a row is wanted for; None for one row over all.

    Returns one row per `by`: `n` (forecasts), `coverage_80`, `coverage_95` (share inside) with `coverage_80_lower` and
    so on (Wilson 95%), `compared` (forecasts with a month a year before), and of these `mae`, `mae_naive` (mean
    absolute error, events), `mase` (the first over the second: below 1 is nearer), `rmse`, `rmse_naive`, and
    `beats_naive` (nearer in both; missing with fewer than 12 compared). `mase` is missing where `mae_naive` is 0.
    Misleads where forecasts overlap: six of them are about one month and neighbouring origins share their errors, so
    the limits of coverage are too narrow. Errors in events let large series speak for small ones: use `by`.
    Source: Hyndman & Koehler (2006), International Journal of Forecasting 22(4), 679-688, here with the naive error of
    the very months forecast; Kolassa (2020), International Journal of Forecasting 36(1), 208-211, for asking both
    errors (with rare events the absolute one favours a forecast of nought).
    """
    names = _names(by)
    keys = [tested[name] for name in names] or [np.zeros(len(tested), dtype=int)]
    covered = [name for name in tested.columns if name.startswith("covered_")]
    rows = pd.concat([tested[covered].astype(float), _errors(tested)], axis=1)
    groups = rows.groupby(keys, sort=False, dropna=False)
    answer = pd.DataFrame({"n": groups.size()})
    for name in covered:
        inside, share = groups[name].sum(), name.replace("covered", "coverage")
        held = rates.proportion(inside.to_numpy(), answer["n"].to_numpy()).set_index(answer.index)
        answer[[share, f"{share}_lower", f"{share}_upper"]] = held[["value", "lower", "upper"]]
    answer = answer.join(_compared(groups))
    return answer.rename_axis(names).reset_index() if names else answer.reset_index(drop=True)


# --- tables ---


class _Panel(NamedTuple):
    """Series as rows of `counts`, gaps missing; `keys` has the columns of `by`, `first` is the first month's number."""

    keys: pd.DataFrame
    first: int
    counts: np.ndarray


def _check(horizon: int, history: int, confidence: Sequence[float], fewest: int) -> None:
    if not 1 <= horizon <= FARTHEST:
        raise ValueError(f"horizon is 1 to {FARTHEST} months.")
    if history < 24:
        raise ValueError("history is at least 24 months.")
    if not all(0.5 <= level < 1 for level in confidence):
        raise ValueError("confidence is at least 0.5 and below 1.")
    if fewest < _FIRST:
        raise ValueError(f"fewest is at least {_FIRST} months.")


def _names(by: str | Sequence[str] | None) -> list[str]:
    return [] if by is None else [by] if isinstance(by, str) else list(by)


def _panel(months: pd.DataFrame, names: list[str], value: str) -> _Panel:
    if months["month"].isna().any():
        raise ValueError("A row has no month.")
    if months.duplicated([*names, "month"]).any():
        raise ValueError("A month has more than one row: name in `by` the columns that tell series apart.")
    n = rates.as_rows(n=months[value])["n"].to_numpy()
    number = (months["month"].dt.year * 12 + months["month"].dt.month - 1).to_numpy(dtype=int)
    held = ~np.isnan(n)
    if not held.any():
        raise NotEnoughData("There is no month with a count, so there is nothing to forecast from.")
    keys = months[names].drop_duplicates().reset_index(drop=True) if names else pd.DataFrame(index=[0])
    which = months.groupby(names, sort=False, dropna=False).ngroup().to_numpy() if names else np.zeros(len(n), int)
    first, last = number[held].min(), number[held].max()
    counts = np.full((len(keys), last - first + 1), np.nan)
    counts[which[held], number[held] - first] = n[held]
    return _Panel(keys, int(first), counts)


def _blocks(panel: _Panel) -> Iterator[_Panel]:
    for start in range(0, len(panel.keys), _SERIES_AT_ONCE):
        part = slice(start, start + _SERIES_AT_ONCE)
        yield _Panel(panel.keys.iloc[part], panel.first, panel.counts[part])


def _next_months(keys, first, counts, horizon, history, confidence, fewest) -> pd.DataFrame:
    ahead = _predictions(counts, horizon, history, confidence)
    too_short, gaps = _refused(counts, fewest)
    shown = ~(too_short | gaps)
    now = counts.shape[1]
    series = np.repeat(np.arange(len(keys)), horizon)
    mean = np.where(shown[:, now, None], ahead.mean[:, now], np.nan).ravel()
    limits = _limits(mean, [variance[:, now].ravel() for variance in ahead.variances], confidence)
    reasons = [f"fewer than {fewest} months held", f"more than {MOST_GAPS} gaps in the last 12 months"]
    method = np.select([too_short[:, now], gaps[:, now]], reasons, default=METHOD)
    naive = _year_before(counts, horizon)[:, now].ravel()
    table = keys.iloc[series].reset_index(drop=True)
    table["month"] = _dates(first + now + np.tile(np.arange(horizon), len(keys)))
    table = table.assign(forecast=mean, naive=naive, **limits, method=method[series])
    beats = _beats(counts, np.where(shown[:, :, None], ahead.mean, np.nan))
    return table.assign(beats_naive=pd.array(beats, dtype="boolean")[series])


def _past_months(keys, first, counts, horizon, history, confidence, fewest) -> pd.DataFrame:
    ahead, actual = _predictions(counts, horizon, history, confidence), _after(counts, horizon)
    too_short, gaps = _refused(counts, fewest)
    tried = ~np.isnan(actual) & ~(too_short | gaps)[:, :, None]
    series, origin, step = np.nonzero(tried)
    mean, came, naive = (part[tried] for part in (ahead.mean, actual, _year_before(counts, horizon)))
    limits = _limits(mean, [variance[tried] for variance in ahead.variances], confidence)
    table = keys.iloc[series].reset_index(drop=True)
    table = table.assign(origin=_dates(first + origin - 1), months_ahead=step + 1, month=_dates(first + origin + step))
    table = table.assign(actual=came, forecast=mean, naive=naive, **limits)
    for level in map(_label, confidence):
        table[f"covered_{level}"] = table["actual"].between(table[f"lower_{level}"], table[f"upper_{level}"])
    return table


def _refused(counts: np.ndarray, fewest: int) -> tuple[np.ndarray, np.ndarray]:
    """For every number of months known, 0 to all: are fewer held than asked, are too many of the last 12 gaps?"""
    held = np.pad(~np.isnan(counts), ((0, 0), (1, 0))).cumsum(axis=1)
    lately = held - np.pad(held, ((0, 0), (12, 0)))[:, : held.shape[1]]
    return held < fewest, lately < 12 - MOST_GAPS


def _limits(mean: np.ndarray, variances: list[np.ndarray], confidence: Sequence[float]) -> dict[str, np.ndarray]:
    """The limits by rising confidence. Each learns from its own misses, so the wider is held to hold the narrower."""
    limits, lowest, highest = {}, np.inf, -np.inf
    for at in np.argsort(confidence):
        lower, upper = _whole_range(mean, variances[at], confidence[at])
        lowest, highest = np.minimum(lower, lowest), np.maximum(upper, highest)
        limits |= {f"lower_{_label(confidence[at])}": lowest, f"upper_{_label(confidence[at])}": highest}
    return limits


def _label(level: float) -> str:
    return f"{100 * level:g}".replace(".", "")


def _dates(number: np.ndarray) -> np.ndarray:
    return (number - 1970 * 12).astype("datetime64[M]").astype("datetime64[us]")


def _errors(tested: pd.DataFrame) -> pd.DataFrame:
    """Of the forecasts with a month a year before: absolute and squared errors of both."""
    ours, naive = (tested["actual"] - tested[name] for name in ("forecast", "naive"))
    ours = ours.where(naive.notna())
    return pd.DataFrame({"mae": ours.abs(), "mae_naive": naive.abs(), "rmse": ours**2, "rmse_naive": naive**2})


def _compared(groups) -> pd.DataFrame:
    columns = ["mae", "mae_naive", "rmse", "rmse_naive"]
    means, compared = groups[columns].mean(), groups["mae"].count()
    nearer = (means["mae"] < means["mae_naive"]) & (means["rmse"] < means["rmse_naive"])
    means["mase"] = means["mae"] / means["mae_naive"].where(means["mae_naive"] > 0)
    means[["rmse", "rmse_naive"]] **= 0.5
    means = means[["mae", "mae_naive", "mase", "rmse", "rmse_naive"]]
    means.insert(0, "compared", compared)
    return means.assign(beats_naive=nearer.astype("boolean").where(compared >= FEWEST_COMPARED))


def _beats(counts: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """`beats_naive` of each series, from every earlier forecast whose month has come."""
    actual, naive = _after(counts, mean.shape[2]), _year_before(counts, mean.shape[2])
    tried = ~np.isnan(actual) & ~np.isnan(mean)
    series = np.nonzero(tried)[0]
    rows = pd.DataFrame({"actual": actual[tried], "forecast": mean[tried], "naive": naive[tried]})
    found = _compared(_errors(rows).groupby(series))["beats_naive"]
    return found.reindex(range(len(counts))).to_numpy(dtype=object, na_value=pd.NA)


# --- formulas: arrays of (series, months known, step); the months known go from none to all ---


class _Ahead(NamedTuple):
    mean: np.ndarray
    variances: list[np.ndarray]  # one for each confidence


class _Season(NamedTuple):
    shape: np.ndarray  # of the twelve months ahead, mean 1
    doubt: np.ndarray  # its variance
    spread: np.ndarray  # how many times as spread as Poisson, at least once
    usual: np.ndarray  # events a month over the years looked back on


def _predictions(counts: np.ndarray, horizon: int, history: int, confidence: Sequence[float]) -> _Ahead:
    """Every forecast there could have been, each from the months known then alone."""
    shape, doubt, spread, usual = _season(counts, history // 12)
    level, worth = _levels(counts, shape, usual)
    after, spread = _after(counts, horizon), spread[:, :, None]
    shape, doubt = shape[:, :, :horizon], doubt[:, :, :horizon]
    means = level[:, :, None] * shape[..., None]
    too_short, gaps = _refused(counts, _FIRST)
    means[too_short | gaps] = np.nan
    weight = _weights(means, after, spread)
    mean = (means * weight).sum(axis=3)
    unsure = shape * (weight / np.sqrt(worth[:, :, None])).sum(axis=3) ** 2
    moved = doubt + _WANDER**2 * np.arange(1, horizon + 1)
    variance = mean * spread * (1 + unsure) + mean**2 * moved
    total, trials = _so_far(np.minimum((after - mean) ** 2 / variance, _CLIPPED**2))
    variance = variance * (_TRIALS + total) / (_TRIALS + trials)
    free, which = np.unique(_SPARE + trials, return_inverse=True)  # few differ, and Student's quantiles are slow
    widened = [variance * trends._small_sample(free, level)[which] for level in confidence]
    return _Ahead(mean, [_steered(mean, wide, after, level) for wide, level in zip(widened, confidence, strict=True)])


def _season(counts: np.ndarray, years: int) -> _Season:
    """Two rounds are enough for level, growth and season to settle on each other."""
    held, n = _years_back(counts, years)
    known, total, middle = held.any(axis=2), n.sum(axis=2), np.arange(12) - 5.5
    shape, slope = np.ones((len(n), 12)), np.zeros(len(n))
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(2):
            growth = np.exp(slope[:, None] * middle)
            # half an event more, so that a year without any still has a level
            level = np.where(known, (total + 0.5) / (held * (growth * shape)[:, None]).sum(axis=2), 0)
            slope = trends._slope(level, np.where(known, total + 0.5, 0))
            flat = np.where(held, level[:, :, None] * np.exp(slope[:, None] * middle)[:, None], 0)
            shape, doubt, spread = _shrunk(n, flat, held, known)
        usual = (total.sum(axis=1) + 0.5) / held.sum(axis=(1, 2))
    size = (len(counts), counts.shape[1] + 1)
    return _Season(*(part.reshape(*size, *part.shape[1:]) for part in (shape, doubt, spread, usual)))


def _years_back(counts: np.ndarray, years: int) -> tuple[np.ndarray, np.ndarray]:
    """The twelve months known last, the twelve before those, and so on: (series and months known, year back, 12)."""
    known = np.arange(counts.shape[1] + 1)[:, None, None]
    back = known - 12 * np.arange(1, years + 1)[:, None] + np.arange(12)
    n = np.where(back >= 0, counts[:, np.maximum(back, 0)], np.nan).reshape(-1, years, 12)
    held = ~np.isnan(n)
    held &= (held.sum(axis=2) >= _HALF_A_YEAR_HELD)[:, :, None]
    return held, np.where(held, n, 0.0)


def _shrunk(n, flat, held, known) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Season, its variance and the spread about it, from what level alone would give (`flat`).

    What the calendar months differ by beyond chance (Marshall's moments) says how far each is to be believed; a single
    year says nothing of it.
    """
    weight, spare = flat.sum(axis=1), held.sum(axis=(1, 2)) - known.sum(axis=1)
    raw = np.where(weight > 0, n.sum(axis=1) / weight, 1)
    spread = trends._dispersion(n, flat * raw[:, None], spare - 11)
    between = np.maximum(((raw - 1) ** 2 * weight).sum(axis=1) - 11 * spread, 0) / weight.sum(axis=1) * 12 / 11
    between = np.where(known.sum(axis=1) >= 2, between, 0)[:, None]
    trust = between * weight / (between * weight + spread[:, None])
    shape = np.maximum(1 + trust * (raw - 1), 0.05)
    shape /= shape.mean(axis=1, keepdims=True)
    free = np.maximum(spare - np.maximum(trust.sum(axis=1) - 1, 0), 4)
    return shape, between * (1 - trust), trends._dispersion(n, flat * shape[:, None], free)


def _levels(counts: np.ndarray, shape: np.ndarray, usual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Events a month free of season, one level for each of `_KEPT`, and how many months' worth each rests on.

    Discounted events over discounted months, each month counted as its season; the usual level counts as one month.
    """
    n, held = np.nan_to_num(counts), ~np.isnan(counts)
    events = np.zeros((*usual.shape, len(_KEPT)))
    worth, months = np.zeros_like(events), np.zeros((len(counts), 12, len(_KEPT)))
    for known in range(1, usual.shape[1]):
        events[:, known] = events[:, known - 1] * _KEPT + n[:, known - 1, None]
        months = np.roll(months, -1, axis=1) * _KEPT  # by calendar month, the one that comes next first
        months[:, -1] += held[:, known - 1, None]
        worth[:, known] = np.einsum("sk,skw->sw", shape[:, known], months)
    return (events + usual[:, :, None]) / (worth + 1), worth + 1


def _weights(means: np.ndarray, after: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """What each level counts: the smaller its squared errors so far at this many months ahead, the more."""
    errors = (after[..., None] - means) ** 2 / means.mean(axis=3, keepdims=True)
    total, trials = _so_far(errors)
    score = (_TRIALS * spread[..., None] + total) / (_TRIALS + trials)
    favour = (score.min(axis=3, keepdims=True) / score) ** _FAVOUR
    return favour / favour.sum(axis=3, keepdims=True)


def _so_far(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of the values whose month has come, of the same step; older ones fade."""
    told = ~np.isnan(values)
    values = np.stack([np.where(told, values, 0.0), told], axis=-1)
    sums = np.zeros_like(values)
    for now in range(1, values.shape[1]):
        sums[:, now] = sums[:, now - 1] * _MEMORY
        for step in range(min(values.shape[2], now)):
            sums[:, now, step] += values[:, now - 1 - step, step]
    return sums[..., 0], sums[..., 1]


def _steered(mean: np.ndarray, variance: np.ndarray, after: np.ndarray, confidence: float) -> np.ndarray:
    """The variance, larger after each month that fell outside its limits and smaller after each inside.

    The two steps balance where misses are as frequent as they ought to be (adaptive conformal inference).
    """
    steer, answer = np.zeros((len(mean), mean.shape[2])), variance.copy()
    missed = np.zeros_like(mean)
    for now in range(_FIRST, mean.shape[1]):
        for step in range(min(mean.shape[2], now)):
            steer[:, step] += missed[:, now - 1 - step, step]
        answer[:, now] *= np.exp(steer)
        outside = _outside(after[:, now], mean[:, now], answer[:, now], confidence)
        missed[:, now] = _STEP * np.where(np.isnan(after[:, now] + mean[:, now]), 0, outside - (1 - confidence))
    return answer


def _outside(n: np.ndarray, mean: np.ndarray, variance: np.ndarray, confidence: float) -> np.ndarray:
    """Would `n` lie outside `_whole_range`? The same rule, told from `n` without looking for the limits."""
    size, share = _size_and_share(mean, variance)
    middle = (_up_to(n, size, share) + _up_to(n - 1, size, share)) / 2
    tail = (1 - confidence) / 2
    left_out = np.where(share**size / 2 > tail, 0, tail)
    return (middle < tail) | (middle > confidence + left_out)


def _after(counts: np.ndarray, horizon: int) -> np.ndarray:
    """The counts of the months after those known."""
    padded = np.pad(counts, ((0, 0), (0, horizon)), constant_values=np.nan)
    return np.stack([padded[:, step : step + counts.shape[1] + 1] for step in range(horizon)], axis=2)


def _year_before(counts: np.ndarray, horizon: int) -> np.ndarray:
    """The counts of the same months a year before those after."""
    return _after(np.pad(counts, ((0, 0), (12, 0)), constant_values=np.nan), horizon)[:, : counts.shape[1] + 1]


def _whole_range(mean: np.ndarray, variance: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers between which the negative binomial lies as nearly as can be with this probability.

    What the lower limit does not leave out (it cannot go below 0) the upper one may.
    """
    size, share = _size_and_share(mean, variance)
    lower = _nearest((1 - confidence) / 2, size, share) + 1
    upper = _nearest(confidence + _up_to(lower - 1, size, share), size, share)
    return lower, np.maximum(lower, upper)


def _size_and_share(mean: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the negative binomial is told by; at least as spread as Poisson, where its size would be infinite."""
    variance = np.maximum(variance, mean * (1 + 1e-6))
    return mean**2 / (variance - mean), mean / variance


def _nearest(probability, size: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The whole number, -1 included, up to which the negative binomial lies with most nearly this probability."""
    from scipy import stats

    k = stats.nbinom.ppf(probability, size, share)
    above, below = (_up_to(at, size, share) - probability for at in (k, k - 1))
    return np.where(-below < above, k - 1, k)


def _up_to(k: np.ndarray, size: np.ndarray, share: np.ndarray) -> np.ndarray:
    from scipy import special

    return np.where(k >= 0, special.betainc(size, np.maximum(k, 0) + 1, share), np.where(np.isnan(k), np.nan, 0.0))
