"""Weekday and hour of events whose time is known only between two moments; a row is an event or an hour of the week.

Times are local clock times (or carry their zone, and are then read on its clock).
"""

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import rates

HOURS = 168  # of a week, from Monday 00:00
_HOUR = 3_600_000_000  # in microseconds, in which everything is reckoned: whole numbers, so that shares stay exact
_MONDAY = 72  # hours from Monday 00:00 to 1 January 1970, a Thursday


def aoristic_weights(starts, ends, *, longest_h: float | None = None) -> sparse.csr_array:
    """In which hours of the week each event may have happened, and with what share.

    starts, ends : earliest and latest moment of each event, in local time.
    longest_h : hours; longer spans say too little and are left out. None keeps them all.

    Returns a sparse array of events by 168 hours, column 0 being Monday 00:00 to 01:00. A weight is the part of the
    span that lies in that hour of the week, so a row sums to 1; an instant has weight 1 in its hour. An event with a
    moment missing, an end before its start, or a span longer than `longest_h` is an empty row.
    Misleads when events are likelier at one end of the span (a theft found in the morning), and by an hour over a
    change of the clocks.
    Source: Ratcliffe & McCullagh (1998), International Journal of Geographical Information Science 12(7), 751-764.
    """
    start, span, kept = _spans(starts, ends, longest_h)
    # whole weeks fall on every hour alike; only what is left over is laid out hour by hour
    weeks, rest = span // (HOURS * _HOUR), span % (HOURS * _HOUR)
    event, hour, inside = _laid_out(start, rest)
    inside = np.where(span[event] > 0, inside, 1)  # an instant has no length: all of it lies in its hour
    long = np.flatnonzero(weeks)
    event = np.concatenate([event, np.repeat(long, HOURS)])
    hour = np.concatenate([(hour + _MONDAY) % HOURS, np.tile(np.arange(HOURS), len(long))])
    inside = np.concatenate([inside, np.repeat(weeks[long] * _HOUR, HOURS)])
    share = inside / np.maximum(span[event], 1)
    return sparse.coo_array((share, (np.flatnonzero(kept)[event], hour)), shape=(len(kept), HOURS)).tocsr()


def aoristic(starts, ends, *, longest_h: float | None = None, counts=None) -> pd.DataFrame:
    """How many events fall in each hour of the week, those of uncertain time shared out over their span.

    starts, ends, longest_h : as for `aoristic_weights`.
    counts : how many events share that start and end (grouped rows of a database); None: one each.

    Returns 168 rows, `weekday` (0 = Monday), `hour`, `n` (events, with fractions); `.attrs["left_out"]` is the number
    of events that could not be placed, to be told beside any picture, and `.attrs["without_count"]` the number of rows
    whose count is missing, which count nowhere.
    Misleads as `aoristic_weights` does; and wide spans flatten the pattern, they do not show that there is none.
    Source: as for `aoristic_weights`.
    """
    weights = aoristic_weights(starts, ends, longest_h=longest_h)
    events, without = _events(counts, weights.shape[0])
    hours = np.arange(HOURS)
    table = pd.DataFrame({"weekday": hours // 24, "hour": hours % 24, "n": weights.T @ events})
    left_out = float(events[np.diff(weights.indptr) == 0].sum())
    table.attrs["left_out"] = int(left_out) if left_out.is_integer() else left_out
    table.attrs["without_count"] = without
    return table


def week_expected(hours: pd.DataFrame, first, last) -> pd.DataFrame:
    """Which hours of the week have more events than an even spread, or than their weekday and their hour, explain?

    hours : the 168 rows of `aoristic`, in any order: `weekday`, `hour`, `n` (events). A missing `n` has no figures and
        is no part of the total, nor its hours of the exposure that the total is shared over.
    first, last : the first and last day of the period, both included.

    Returns `hours` with `exposure_h` (how many hours of that weekday and hour the period holds), `expected` (events,
    if they fell evenly: the total times the share of `exposure_h`), `ratio` (`n` over `expected`; missing where none
    is expected), `lower`, `upper` (95%: of `n` by Poisson, over `expected`), `method`, and `expected_independent`
    (events of the weekday times events of the hour, over the total: the excess beyond it is of that weekday at that
    hour; missing throughout where an `n` is missing).
    The interval takes `n` with fractions as it is, between those of the whole numbers on either side. Sharing an event
    out makes a count steadier than Poisson, so it is on the wide side for chance; but where in its span an event lies
    is a guess that no interval tells.
    Misleads over a change of the clocks: a period has an hour less of one hour of Sunday, or more of another, which is
    not counted here. Of 168 hours about eight lie outside their interval by chance. Spans that reach beyond the period
    put events where it has no hours.
    Source: own; interval as in `rates.crude`.
    """
    day, hour = (hours[column].to_numpy(dtype=int) for column in ("weekday", "hour"))
    if not np.array_equal(np.sort(day * 24 + hour), np.arange(HOURS)) or (hour // 24).any():
        raise ValueError("A week has 168 rows, each weekday (0 to 6) and hour (0 to 23) once.")
    n = pd.Series(hours["n"].to_numpy(dtype=float, na_value=np.nan), hours.index)
    exposure = pd.Series(_days(first, last)[day], hours.index)
    expected = n.sum() * exposure.where(n.notna()) / exposure.where(n.notna()).sum()
    interval = rates.crude(n, expected, per=1).rename(columns={"rate": "ratio"})
    interval["method"] = interval["method"].where(expected > 0)
    by_day, by_hour = (n.groupby(part).transform("sum", skipna=False) for part in (day, hour))
    independent = by_day * by_hour / (n.sum(skipna=False) or 1.0)  # no events at all: none expected
    return hours.assign(exposure_h=exposure, expected=expected, **interval, expected_independent=independent)


def _days(first, last) -> np.ndarray:
    """How many Mondays, Tuesdays, ... Sundays there are from one day to another, both included."""
    first, last = (pd.Timestamp(day).tz_localize(None) for day in (first, last))
    if not first <= last:
        raise ValueError("A period has a first day, and a last one that is not before it.")
    weeks, rest = divmod((last.normalize() - first.normalize()).days + 1, 7)
    return weeks + ((np.arange(7) - first.day_of_week) % 7 < rest)


def _events(counts, rows: int) -> tuple[np.ndarray, int]:
    """Events of each row, a missing count as none, and how many are missing."""
    if counts is None:
        return np.ones(rows), 0
    events = pd.Series(counts).to_numpy(dtype=float, na_value=np.nan)
    if len(events) != rows:
        raise ValueError(f"There are {rows} spans and {len(events)} counts.")
    if (events < 0).any():
        raise ValueError("Counts are not below 0.")
    missing = np.isnan(events)
    return np.where(missing, 0.0, events), int(missing.sum())


def _spans(starts, ends, longest_h: float | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start and length of the spans that can be placed, in microseconds, and which events those are."""
    start, end = _clock(starts), _clock(ends)
    if len(start) != len(end):
        raise ValueError(f"There are {len(start)} starts and {len(end)} ends.")
    kept = start.notna().to_numpy() & end.notna().to_numpy()
    start, end = (moments.to_numpy().astype("datetime64[us]").astype(np.int64) for moments in (start, end))
    span = np.where(kept, end - start, 0)
    kept &= (span >= 0) & (span <= (np.inf if longest_h is None else longest_h * _HOUR))
    return start[kept], span[kept], kept


def _laid_out(start: np.ndarray, span: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every hour that each span touches: row of the span, hour since 1970, microseconds of the span inside it."""
    first = start // _HOUR
    last = np.maximum((start + span - 1) // _HOUR, first)  # a span that ends on the hour does not touch the next one
    touched = last - first + 1
    row = np.repeat(np.arange(len(start)), touched)
    hour = np.arange(len(row)) + np.repeat(first - (np.cumsum(touched) - touched), touched)
    inside = np.minimum((start + span)[row], (hour + 1) * _HOUR) - np.maximum(start[row], hour * _HOUR)
    return row, hour, inside


def _clock(moments) -> pd.Series:
    """Moments as read on the wall clock."""
    moments = pd.to_datetime(pd.Series(moments))
    return moments.dt.tz_localize(None) if moments.dt.tz is not None else moments
