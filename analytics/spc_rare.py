"""Charts of rare events: the days between them, and which chart suits a series. A row is an event, or a month."""

import numpy as np
import pandas as pd

from analytics.errors import NotEnoughData
from analytics.spc_rules import (
    FEWEST_POINTS,
    Points,
    Reading,
    chart_of,
    index_of,
    individual_lines,
    lines_of,
    mean_of,
    numbers,
    placed,
    points_of,
    starts_of,
)

POWER = 3.6  # the 3.6th root makes exponential times nearly normal (Nelson 1994)
FEWEST_A_MONTH = 5  # below this on average monthly counts are too small and too skewed for an XmR chart


def t_chart(
    dates,
    *,
    screen: bool = True,
    baseline: int | None = None,
    run: int = 7,
    trend: int = 7,
    direction: str = "neutral",
    rebase=None,
) -> pd.DataFrame:
    """Are rare events coming closer together, or farther apart?

    dates : the day or time of each event; sorted inside, the answer in the order given. The rest as in `xmr`;
        `direction` is that of the days, so `increase` is the better way for violence.

    Returns the columns of `xmr`, one row per event: `value` is the days since the event before, which the first and
    the undated ones lack. Limits are those of an XmR chart of the 3.6th roots, put back to days; `lower` is not
    below 0. Rules are those of the roots.
    Misleads where several events share a day: nought days fall below the lower limit by rounding alone (see
    `g_chart`). The quiet time since the last event is not on the chart until the next one ends it.
    Source: Nelson (1994), Journal of Quality Technology 26(3), 239-240; as in qicharts2, but screened as `xmr` is.
    """
    reading, points = Reading(run, trend, direction, baseline), _spans(dates, rebase, whole=False)
    roots = individual_lines(points, points.value ** (1 / POWER), screen, reading)
    lines = {name: np.maximum(line, 0) ** POWER for name, line in roots.items()}
    if not np.isfinite(lines["upper"]).any():
        raise NotEnoughData("A T chart needs at least three dated events, for two spans between them.")
    return chart_of(points, lines, reading, index_of(dates))


def g_chart(
    dates,
    *,
    baseline: int | None = None,
    run: int = 7,
    trend: int = 7,
    direction: str = "neutral",
    rebase=None,
) -> pd.DataFrame:
    """Are rare events coming closer together, where only their days are known and some share one?

    dates, the rest : as in `t_chart`. Events of one day keep the order given, nought days apart.

    Returns the columns of `xmr`, one row per event, and `median`. `value` is the whole days since the event before;
    limits are the mean and three times sqrt(mean (mean + 1)), the spread of a geometric count; `lower` is not below 0
    (it never is above). Runs, and the side that `signal` tells, are told from the `median`: two spans in three are
    below the mean.
    Misleads as a search for rises: with no lower limit, only runs below the median show events coming faster. And a
    long span is common: chance alone puts one in 55 above the upper limit, so a third of charts of 24 spans have one.
    Source: Benneyan (2001), Health Care Management Science 4(4), 305-318; for the median, Provost & Murray (2011), The
    Health Care Data Guide, 228; as in qicharts2, which draws the median for the centre.
    """
    reading, points = Reading(run, trend, direction, baseline), _spans(dates, rebase, whole=True)
    if not len(points.value):
        raise NotEnoughData("A G chart needs at least two dated events, for one span between them.")
    used = reading.sets_limits(points)
    median = pd.Series(points.value[used]).groupby(points.group[used]).median().to_numpy()[points.group]
    mean = mean_of(points, points.value, used)
    lines = lines_of(mean, 3 * np.sqrt(mean * (mean + 1)), floor=0.0)
    chart = chart_of(points, lines, reading, index_of(dates), middle=median)
    return chart.assign(median=placed(median, points, len(chart)))


def choose(counts=None, *, dates=None) -> pd.DataFrame:
    """Which chart suits this series: of monthly counts, or of the days between events?

    counts : events of each month, quiet months as 0, gaps missing; None: counted from `dates`, from the first event's
        month to the last's.
    dates : the day (or time) of each event. Without them days between events are unknown.

    Returns one row: `chart` (`XmR`, `T`, `G` or `too few to chart`), `n` (the points it would have) and `reason`.
    Five or more a month on average: `XmR`. Fewer: `T`, or `G` where two events have the same time (of dates without
    hours: the same day). Fewer than 13 points: `too few to chart`.
    Misleads where the level changed: an average of 5 may be 9 before and 1 after. Counted from `dates`, quiet months
    before the first and after the last event are not seen.
    Source: own, by the limits named above; charts of rare events for few counts as in Provost & Murray (2011).
    """
    if counts is None and dates is None:
        raise ValueError("Give the monthly counts, the dates of the events, or both.")
    between = np.array([]) if dates is None else days_between(dates)[0]
    months = numbers(_monthly(dates) if counts is None else counts)
    months = months[np.isfinite(months)]
    chart, n, reason = _chart(months, between[~np.isnan(between)], dates is not None)
    return pd.DataFrame({"chart": [chart], "n": [n], "reason": [reason]})


def days_between(dates, *, whole: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Days since the event before, for each event in its place, and the rows in order of time.

    The first event has none. Events at the same time stay in the order given, nought days apart. An event without a
    date has none and is passed over. `whole` counts midnights, so that time of day plays no part.
    """
    when = pd.to_datetime(pd.Series(dates)).reset_index(drop=True)
    if when.dt.tz is not None:
        when = when.dt.tz_localize(None)  # days by the calendar people live by, not by hours passed
    order = np.argsort(when.to_numpy(), kind="stable")  # undated ones come last
    time = (when.dt.normalize() if whole else when).iloc[order]
    between = np.full(len(when), np.nan)
    between[order[1:]] = time.diff().iloc[1:] / pd.Timedelta(days=1)
    return between, order


def _spans(dates, rebase, whole: bool) -> Points:
    days, order = days_between(dates, whole=whole)
    return points_of(days, starts_of(rebase, len(days)), False, order=order)


def _chart(months: np.ndarray, between: np.ndarray, dated: bool) -> tuple[str, int, str]:
    held = f"{months.sum():,.0f} events in {len(months)} months"
    if len(months) and months.mean() >= FEWEST_A_MONTH:
        if len(months) < FEWEST_POINTS:
            return _too_few(len(months), held)
        return "XmR", len(months), f"{held}, {FEWEST_A_MONTH} or more on average: enough to chart the monthly counts."
    rare = f"{held}, fewer than {FEWEST_A_MONTH} on average"
    if not dated:
        return _too_few(0, f"{rare}, and the days of the events are not known")
    if len(between) < FEWEST_POINTS:
        return _too_few(len(between), f"{rare}, and {len(between)} spans between events are known")
    if (between == 0).any():
        return "G", len(between), f"{rare}, and some at the same time: chart the whole days between events."
    return "T", len(between), f"{rare}: chart the time between events."


def _too_few(n: int, why: str) -> tuple[str, int, str]:
    return "too few to chart", n, f"{why}; a chart needs at least {FEWEST_POINTS} points."


def _monthly(dates) -> pd.Series:
    when = pd.to_datetime(pd.Series(dates)).dropna()
    number = when.dt.year * 12 + when.dt.month
    return number.value_counts().reindex(range(number.min(), number.max() + 1), fill_value=0) if len(number) else number
