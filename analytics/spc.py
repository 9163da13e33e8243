"""Control charts: what is ordinary from month to month, and what is not. A row is a month, or an event."""

import numpy as np
import pandas as pd

from analytics import rates
from analytics.errors import NotEnoughData
from analytics.spc_rare import choose, g_chart, t_chart
from analytics.spc_rules import (
    BETTER,
    Reading,
    chart_of,
    index_of,
    individual_lines,
    lines_of,
    mean_of,
    numbers,
    points_of,
    starts_of,
    stretch,
)

__all__ = ["assurance", "choose", "g_chart", "p_chart", "run_chart", "t_chart", "u_chart", "xmr", "xmr_many"]


def xmr(
    values,
    *,
    screen: bool = True,
    baseline: int | None = None,
    run: int = 7,
    trend: int = 7,
    direction: str = "neutral",
    rebase=None,
    split_at_gaps: bool = True,
) -> pd.DataFrame:
    """Which months differ from the others by more than the usual month-to-month variation?

    values : one per month, in order of time. A missing one ends runs and segments.
    screen : leave moving ranges of 3.267 times their mean or more out of the limits, once.
    baseline : the first so many points of each segment set its limits; None: all.
    run, trend : points in a row on one side, or strictly rising or falling, that make a signal.
    direction : the better way, `increase` or `decrease`; `neutral` where neither is.
    rebase : where a named cause begins a new segment with limits of its own: positions from 0, or a boolean column.
    split_at_gaps : False: a missing month ends runs, and the limits go on.

    Returns `value`; `centre`, `lower`, `upper`, `near_lower`, `near_upper`; the booleans `outside`, `trend`,
    `two_of_three` (near a line, with another of three in a row, all three on that side) and `run`; `rule`, the first
    of these that holds (empty: none); `signal` (`improvement`, `concern`, `neutral`, or empty): by the side of the
    centre, for a trend by its direction; `segment` from 1; `provisional`: limits from fewer than 13 points.
    A missing value has none of these; a segment of one point has no limits, and whether it is outside is unknown.
    Misleads with seasons (summer is no special cause, and a season makes runs), with small counts (see `choose`), and
    where months lean on each other. `lower` can be below 0. Chance alone gives some signal to one series in five of
    24 months, and to six in ten of 84. Rebase only for a cause that can be named.
    Source: NHS England, Making Data Count, as in NHSRplotthedots 0.2; screening Nelson (1982), Journal of Quality
    Technology 14(3), 172-173.
    """
    reading, series = Reading(run, trend, direction, baseline), numbers(values)
    points = points_of(series, starts_of(rebase, len(series)), split_at_gaps)
    lines = individual_lines(points, points.value, screen, reading)
    if not np.isfinite(lines["upper"]).any():
        raise NotEnoughData("A control chart needs two values in a row; this series has none.")
    return chart_of(points, lines, reading, index_of(values))


def xmr_many(
    values,
    by,
    *,
    screen: bool = True,
    baseline: int | None = None,
    run: int = 7,
    trend: int = 7,
    direction: str = "neutral",
    rebase=None,
    split_at_gaps: bool = True,
) -> pd.DataFrame:
    """`xmr` of many series at once, row by row as given.

    values : one per series and month; the rows of one series in order of time, a missing month as a missing value.
    by : which series a row belongs to: a column, or a table of several. The rest as in `xmr`; positions in `rebase`
        count the rows of the table.

    Returns the columns of `xmr`. Series too short for limits have none, rather than refuse all.
    Misleads when many charts are read at once: of 100 ordinary series about 19 have some signal in 24 months, and 60
    in 84.
    """
    reading, all_values, keys = Reading(run, trend, direction, baseline), numbers(values), pd.DataFrame(by)
    if len(keys) != len(all_values):
        raise ValueError("`by` has one row for each value.")
    series = keys.groupby(list(keys.columns), sort=False, dropna=False).ngroup().to_numpy()
    points = points_of(all_values, starts_of(rebase, len(all_values)), split_at_gaps, series=series)
    lines = individual_lines(points, points.value, screen, reading)
    return chart_of(points, lines, reading, index_of(values))


def p_chart(
    count,
    total,
    *,
    baseline: int | None = None,
    run: int = 7,
    trend: int = 7,
    direction: str = "neutral",
    rebase=None,
    split_at_gaps: bool = True,
) -> pd.DataFrame:
    """Which months' shares differ from the others by more than the chance of so few cases?

    count, total : one per month; count is part of total. A month of none is a gap. The rest, and the columns, as in
        `xmr`; limits widen where the total is small, and stay within 0 and 1.
    Misleads with large totals: real months differ by more than chance, and thousands of cases make nearly all of them
    signals. Then chart the share with `xmr`.
    Source: Montgomery (2009), Introduction to Statistical Quality Control, 6th ed., 7.2; as in qcc and qicharts2.
    """
    rows = rates.as_rows(count=count, total=total)
    if (rows["count"] > rows["total"]).any():
        raise ValueError("A count is larger than its total: that is a rate, see `u_chart`.")
    reading, starts = Reading(run, trend, direction, baseline), starts_of(rebase, len(rows))
    return _of_counts(rows, lambda p: np.sqrt(p * (1 - p)), 1.0, starts, split_at_gaps, reading)


def u_chart(
    count,
    exposure,
    *,
    baseline: int | None = None,
    run: int = 7,
    trend: int = 7,
    direction: str = "neutral",
    rebase=None,
    split_at_gaps: bool = True,
) -> pd.DataFrame:
    """Which months' rates differ from the others by more than chance?

    count : events of each month. exposure : what to divide them by (people, days), in the unit the rate is wanted in.
        A month without exposure is a gap. The rest, and the columns, as in `xmr`; `lower` is not below 0.
    Misleads as `p_chart` does: violence comes in clusters, so its counts vary more than chance allows, and the limits
    of large areas are far too narrow. Then chart the rate with `xmr`.
    Source: Montgomery (2009), 7.3.2; as in qcc and qicharts2.
    """
    rows = rates.as_rows(count=count, exposure=exposure)
    reading, starts = Reading(run, trend, direction, baseline), starts_of(rebase, len(rows))
    return _of_counts(rows, np.sqrt, np.inf, starts, split_at_gaps, reading)


def run_chart(values) -> pd.DataFrame:
    """Has a series shifted, without asking how its values are spread?

    values : one per month, in order of time; missing ones and those on the median are passed over.

    Returns one row: `median`, `n` (useful points), `longest_run` on one side of the median with the longest that
    chance explains, `longest_run_limit`; `crossings` of the median with the fewest, `crossings_limit`; and `shifted`:
    a run longer, or crossings fewer, than that.
    Misleads below 10 points, and about single extreme months, to which it is blind. Chance alone makes one series in
    thirty of 24 months look shifted, one in fifteen of 84.
    Source: Anhøj & Olesen (2014), PLoS ONE 9(11), e113825: round(log2 n) + 3, and the 5% point of the binomial
    distribution of n - 1 with 1/2; as in qicharts2.
    """
    from scipy import special

    known = numbers(values)
    known = known[np.isfinite(known)]
    median = np.median(known) if len(known) else np.nan
    side = np.sign(known - median)
    side = side[side != 0]
    if not len(side):
        raise NotEnoughData("A run chart needs values on either side of their median; this series has none.")
    n, crossings = len(side), int((np.diff(side) != 0).sum())
    longest, most = int(stretch(np.diff(side, prepend=0) == 0).max()), int(np.round(np.log2(n))) + 3
    fewest = int(np.argmax(special.bdtr(np.arange(n), n - 1, 0.5) >= 0.05))
    answer = {"median": median, "n": n, "longest_run": longest, "longest_run_limit": most}
    answer |= {"crossings": crossings, "crossings_limit": fewest}
    return pd.DataFrame([answer | {"shifted": longest > most or crossings < fewest}])


def assurance(chart: pd.DataFrame, target: float, direction: str) -> pd.DataFrame:
    """Will the target be met, as things are: always, never, or by chance?

    chart : as from `xmr` and the others; its last row with a value counts, with the limits that hold there.
    target : in the unit of `value`. direction : the better way, `increase` or `decrease`.

    Returns one row: `passes` (met even at the worse limit), `fails` (missed even at the better one), `hit_and_miss`
    (between the limits, or on one). All missing for `neutral`, and where the last segment has no limits.
    Misleads while the chart shows signals: limits promise nothing about a process that is changing.
    Source: NHS England, Making Data Count, as in NHSRplotthedots.
    """
    better, limits = BETTER[direction], chart.loc[chart["value"].notna(), ["lower", "upper"]].tail(1)
    if better == 0 or pd.isna(target) or limits.isna().any(axis=None) or limits.empty:
        return pd.DataFrame({name: pd.array([pd.NA], "boolean") for name in ["passes", "fails", "hit_and_miss"]})
    lower, upper = limits.to_numpy()[0]
    beyond = int(target > upper) - int(target < lower)
    answer = {"passes": beyond == -better, "fails": beyond == better, "hit_and_miss": beyond == 0}
    return pd.DataFrame({name: pd.array([holds], "boolean") for name, holds in answer.items()})


def _of_counts(
    rows: pd.DataFrame, spread, ceiling: float, starts, split_at_gaps: bool, reading: Reading
) -> pd.DataFrame:
    """A chart of count over size: the pooled ratio, and three times `spread` of it over the root of the size."""
    count, size = rows.to_numpy().T
    values = np.divide(count, size, out=np.full(len(size), np.nan), where=size > 0)
    points = points_of(values, starts, split_at_gaps)
    if not len(points.value):
        raise NotEnoughData("A control chart needs at least one month with cases to divide by; this series has none.")
    used = reading.sets_limits(points)
    ratio = mean_of(points, count[points.row], used) / mean_of(points, size[points.row], used)
    lines = lines_of(ratio, 3 * spread(ratio) / np.sqrt(size[points.row]), floor=0.0, ceiling=ceiling)
    return chart_of(points, lines, reading, rows.index)
