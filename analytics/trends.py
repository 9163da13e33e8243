"""Change over time: the range a month is expected in, rolling sums, and the same period a year before.

A row is a month. A month that is not there, or has no count, is a gap; it is never taken for zero.
"""

from statistics import NormalDist

import numpy as np
import pandas as pd

from analytics import rates

FEWEST_MONTHS = 24  # earlier months held: with fewer there is no telling season from chance
MOST_GAPS = 3  # of the twelve months before: with more the level now is not known
FEWEST_TO_COMPARE = 5  # events in either period: below this a ratio says nothing
FEWEST_PAIRS = 4  # months held in both years: fewer cannot say how much months differ
_HALF_A_YEAR_HELD = 6  # months a year needs to tell its own level
_TRIALS = 12  # how many ranges "just wide enough" the record of past ranges starts from
_FARTHEST = 3.0  # one odd month (a lockdown) counts in that record as no farther out than this


def expected_range(
    months: pd.DataFrame, *, value: str = "n", history: int = 60, confidence: float = 0.95
) -> pd.DataFrame:
    """Was this month's number to be expected, from the months before it?

    months : one row per month, with `month` and the column `value` (events).
    history : months looked back on, in whole years, at least 24.
    confidence : how often a month in which nothing has changed falls inside.

    Returns `months` with `expected`, `expected_lower`, `expected_upper` (events, whole numbers), `position` (`below`,
    `inside`, `above`) and `method`. Each month is judged by earlier months alone: the level of the twelve before it,
    times the season of its calendar month (drawn towards no season where few events or years speak for it), with a
    negative binomial range as wide as the spread about them asks, and wider where earlier ranges proved too narrow.
    Without 24 earlier months, or with more than 3 gaps in the last 12, there is no range and `method` says why.
    Misleads as an alarm: one month in twenty falls outside by chance, and among 14 areas at least one in every second
    month. After a step (new recording rules) it takes a year to catch up, and a steady trend is followed half a year
    late: months are then outside on one side, and rightly so.
    Source: own; the parts are in docs/methods.md. After Farrington et al (1996), JRSS A 159(3), 547-563.
    """
    if history < FEWEST_MONTHS:
        raise ValueError(f"history is at least {FEWEST_MONTHS} months.")
    series, place = _calendar(months, value)
    held, counts = _years_before(series, history // 12)
    usable = held & (held.sum(axis=2) >= _HALF_A_YEAR_HELD)[:, :, None]
    few = (held.sum(axis=(1, 2)) < FEWEST_MONTHS) | (usable.any(axis=2).sum(axis=1) < 2)
    gaps = held[:, 0].sum(axis=1) < 12 - MOST_GAPS
    mean, variance = _prediction(np.where(usable, counts, 0.0), usable, confidence)
    mean[few | gaps] = np.nan
    variance = variance * _record(series, mean, variance, history)
    lower, upper = _negative_binomial_range(mean, variance, confidence)

    with np.errstate(invalid="ignore"):
        position = np.select([series < lower, series > upper], ["below", "above"], default="inside").astype(object)
    position[np.isnan(series) | np.isnan(mean)] = None
    method = np.select(
        [few, gaps],
        [f"fewer than {FEWEST_MONTHS} earlier months", f"more than {MOST_GAPS} gaps in the 12 months before"],
        default=f"seasonal level, negative binomial {100 * confidence:g}%",
    )
    columns = {"expected": mean, "expected_lower": lower, "expected_upper": upper, "position": position}
    return months.assign(**{name: values[place] for name, values in (columns | {"method": method}).items()})


def rolling_sum(months: pd.DataFrame, window: int = 12, *, value: str = "n") -> pd.DataFrame:
    """The sum of each month and the months before it: the year's total, free of season.

    window : months.

    Returns `months` with `rolling_sum`: missing while the series is shorter than the window, and wherever a month in
    the window is a gap.
    Misleads as a trend line: it turns half a window late, and one bad month stays in it for a whole window.
    """
    series, place = _calendar(months, value)
    return months.assign(rolling_sum=pd.Series(series).rolling(window, min_periods=window).sum().to_numpy()[place])


def change(now, before, exposure_now=1.0, exposure_before=1.0, *, confidence: float = 0.95) -> pd.DataFrame:
    """Is this period's number higher or lower than that of the same period a year before?

    now, before : events. exposure_now, exposure_before : what to divide them by (people, days), in one unit.

    Returns `now`, `before`, `ratio`, `lower`, `upper` (1 = no change), `verdict` (`higher`, `lower`,
    `no clear change`, `too few`) and `method`. With fewer than 5 events in either period the verdict is `too few`
    and there is no ratio.
    Misleads where events come in clusters, the rule rather than the exception in violence: the interval knows only
    chance, so `higher` may still be an ordinary year. And one year before is one year, not a normal one.
    Source: as for `rates.ratio_of`.
    """
    answer = rates.ratio_of(now, exposure_now, before, exposure_before, confidence=confidence)
    counts = rates.as_rows(now=now, before=before, exposure_now=exposure_now, exposure_before=exposure_before)
    few = counts[["now", "before"]].lt(FEWEST_TO_COMPARE).any(axis=1)
    known = counts[["now", "before"]].notna().all(axis=1)
    ratios = answer[["ratio", "lower", "upper"]].mask(few)
    verdict = np.select([few & known, ratios["lower"] > 1, ratios["upper"] < 1], ["too few", "higher", "lower"], "")
    verdict = pd.Series(verdict, answer.index, dtype=object).replace("", "no clear change")
    verdict = verdict.where(known & (few | ratios["ratio"].notna()))
    return counts[["now", "before"]].join(ratios).assign(verdict=verdict, method=answer["method"])


def same_period_last_year(months: pd.DataFrame, start, end, *, value: str = "n") -> pd.DataFrame:
    """How many there were from `start` to `end`, and in the same months a year before.

    start, end : any day of the first and of the last month.

    Returns one row: `now`, `before` (events in the months held; missing if none is), `months` asked for,
    `months_now`, `months_before` held, and `comparable`: whether every month is held in both years.
    Misleads when shown although not `comparable`; and Easter, five weekends or a leap year move a month by a few
    per cent.
    """
    series, _ = _calendar(months, value)
    first = _number(months["month"]).min() if len(months) else 0
    opens, closes = _number(pd.Series(pd.to_datetime([start, end])))
    asked = np.arange(opens, closes + 1)
    if not len(asked):
        raise ValueError("The period ends before it starts.")
    held = pd.Series(series, index=first + np.arange(len(series)))
    now, before = held.reindex(asked), held.reindex(asked - 12)
    answer = {"now": now.sum(min_count=1), "before": before.sum(min_count=1), "months": len(asked)}
    answer |= {"months_now": int(now.notna().sum()), "months_before": int(before.notna().sum())}
    both = now.notna().to_numpy() & before.notna().to_numpy()
    return pd.DataFrame([answer | {"comparable": bool(both.all())}])


def paired_ratio(now, before, *, confidence: float = 0.95) -> pd.DataFrame:
    """How many times as many events did some months bring as the same months a year before?

    now, before : events by month, in one order, none missing.

    Returns one row: `n`, `n_before` (their sums), `ratio`, `lower`, `upper` and `method`. The limits are those of two
    Poisson counts, widened by the root of how much more the monthly ratios differ than chance (Pearson, at least 1)
    and for the months being few; with fewer than 5 events in either year, or fewer than 4 months, the exact
    conditional limits of the sums (`rates.ratio_of`).
    Misleads where recording changed between the years, and where one odd month makes the change: then they are wide.
    Source: McCullagh & Nelder (1989), Generalized Linear Models, 4.5 (extra-binomial spread of paired counts).
    """
    pairs = rates.as_rows(now=now, before=before).reset_index(drop=True)
    n, n_before = float(pairs["now"].sum()), float(pairs["before"].sum())
    sums = pd.DataFrame({"n": [n], "n_before": [n_before]})
    if min(n, n_before) < FEWEST_TO_COMPARE or len(pairs) < FEWEST_PAIRS:
        return sums.join(rates.ratio_of([n], [1], [n_before], [1], confidence=confidence))
    share, total = n / (n + n_before), pairs.sum(axis=1)
    pearson = ((pairs["now"] - total * share) ** 2 / (total * share * (1 - share)))[total > 0].sum()
    spread = max(1.0, pearson / (len(pairs) - 1))
    few = (len(pairs) - 1) / (len(pairs) - 3)  # the spread itself is uncertain when months are few
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * np.sqrt(few * spread * (1 / n + 1 / n_before))
    ends = {"ratio": n / n_before, "lower": n / n_before * np.exp(-reach), "upper": n / n_before * np.exp(reach)}
    return sums.assign(**ends, method=f"paired months {100 * confidence:g}%")


def _calendar(months: pd.DataFrame, value: str) -> tuple[np.ndarray, np.ndarray]:
    """The counts of every month from the first to the last, gaps missing; and where each row stands among them."""
    number = _number(months["month"])
    if pd.Series(number).duplicated().any():
        raise ValueError("A month has more than one row: choose one area and one group, or add them up first.")
    counts = rates.as_rows(n=months[value])["n"].to_numpy()
    place = number - number.min() if len(number) else number
    series = np.full(place.max() + 1 if len(place) else 0, np.nan)
    series[place] = counts
    return series, place


def _number(month: pd.Series) -> np.ndarray:
    if month.isna().any():
        raise ValueError("A row has no month.")
    return (month.dt.year * 12 + month.dt.month).to_numpy(dtype=int)


def _years_before(series: np.ndarray, years: int) -> tuple[np.ndarray, np.ndarray]:
    """For each month the twelve before it, the twelve before those, and so on: (month, year back, 12)."""
    back = np.arange(len(series))[:, None, None] - 12 * np.arange(1, years + 1)[:, None] + np.arange(12)
    counts = np.where(back >= 0, series[np.maximum(back, 0)], np.nan)
    return ~np.isnan(counts), counts


def _prediction(counts: np.ndarray, held: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the month after the years in `counts` (month, year back, 12), whose first is the season's.

    Three rounds are enough for level and season to settle on each other.
    """
    season, slope, phi = np.ones((len(counts), 12)), np.zeros(len(counts)), None
    middle, total = np.arange(12) - 5.5, counts.sum(axis=2)
    known = held.any(axis=2)
    with np.errstate(all="ignore"):
        for _ in range(3):
            within = np.exp(slope[:, None] * middle)[:, None, :]
            # half an event more, so that a year without any still has a level
            level = np.where(known, (total + 0.5) / (held * within * season[:, None, :]).sum(axis=2), 0)
            slope = _slope(level, np.where(known, total + 0.5, 0))
            flat = np.where(held, level[:, :, None] * np.exp(slope[:, None] * middle)[:, None, :], 0)
            weight = flat.sum(axis=1)
            raw = np.where(weight > 0, counts.sum(axis=1) / weight, 1)
            spare = held.sum(axis=(1, 2)) - known.sum(axis=1)
            if phi is None:
                phi = _dispersion(counts, flat * raw[:, None, :], spare - 11)
            # how much the calendar months truly differ: what chance cannot explain (Marshall's moments)
            between = np.maximum(((raw - 1) ** 2 * weight).sum(axis=1) - 11 * phi, 0) / weight.sum(axis=1) * 12 / 11
            trust = between[:, None] * weight / (between[:, None] * weight + phi[:, None])
            season = np.maximum(1 + trust * (raw - 1), 0.05)
            season /= season.mean(axis=1, keepdims=True)
            free = np.maximum(spare - np.maximum(trust.sum(axis=1) - 1, 0), 4)
            phi = _dispersion(counts, flat * season[:, None, :], free)
        mean = level[:, 0] * season[:, 0]
        unsure = phi / (level[:, 0] * (held[:, 0] * season).sum(axis=1)) + between * (1 - trust[:, 0])
        return mean, (mean * phi + mean**2 * unsure) * _small_sample(free, confidence)


def _slope(level: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Growth per month between the years, so that growth within a year does not pass for season."""
    when = -12.0 * np.arange(level.shape[1])
    logs, total = np.where(weight > 0, np.log(level), 0), weight.sum(axis=1, keepdims=True)
    apart = when - (weight * when).sum(axis=1, keepdims=True) / total
    return np.nan_to_num((weight * apart * logs).sum(axis=1) / (weight * apart**2).sum(axis=1))


def _dispersion(counts: np.ndarray, fitted: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Pearson: how many times as spread as Poisson, never less than once."""
    squares = np.where(fitted > 0, (counts - fitted) ** 2 / fitted, 0).sum(axis=(1, 2))
    return np.maximum(squares / np.maximum(free, 1), 1)


def _small_sample(free: np.ndarray, confidence: float) -> np.ndarray:
    """Student's t against the normal, squared: the dispersion itself is only estimated."""
    from scipy import special

    tail = (1 + confidence) / 2
    return (special.stdtrit(free, tail) / special.ndtri(tail)) ** 2


def _record(series: np.ndarray, mean: np.ndarray, variance: np.ndarray, history: int) -> np.ndarray:
    """How many times too narrow the earlier ranges proved (variance), at least 1: a level that wanders shows here."""
    misses = np.minimum((series - mean) ** 2 / variance, _FARTHEST**2)
    tried = ~np.isnan(misses)
    squares = np.concatenate([[0], np.cumsum(np.where(tried, misses, 0))])
    number = np.concatenate([[0], np.cumsum(tried)])
    here = np.arange(len(series))
    since = np.maximum(here - history, 0)
    return np.maximum((_TRIALS + squares[here] - squares[since]) / (_TRIALS + number[here] - number[since]), 1)


def _negative_binomial_range(mean: np.ndarray, variance: np.ndarray, confidence: float) -> tuple:
    from scipy import stats

    tail = (1 - confidence) / 2
    variance = np.maximum(variance, mean * (1 + 1e-6))  # the Poisson limit, where the size would be infinite
    size, share = mean**2 / (variance - mean), mean / variance
    return stats.nbinom.ppf(tail, size, share), stats.nbinom.ppf(1 - tail, size, share)
