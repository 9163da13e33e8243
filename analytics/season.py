"""Season and change: which calendar months run high, what is left without them, and when the level changed.

A row is a month of one series. A month that is not there, or has no count, is a gap; it is never taken for zero.
All series of a table are fitted together: one calendar, one set of regressors, arrays of (series, months).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics import rates
from analytics.season_fits import changes, regression, small_sample

FEWEST_MONTHS = 24  # held: with fewer, each calendar month is seen once and season is chance
DAYS_IN_MONTH = 365.2425 / 12  # the mean month, which counts are brought to
WEEKEND_SHARE = 2 / 7  # Fridays and Saturdays among all days


def seasonal_index(
    months: pd.DataFrame,
    *,
    by: str | list[str] | None = None,
    value: str = "n",
    days: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Which calendar months run high or low, and is there a season at all?

    months : one row per month of each series, with `month` and the column `value` (events).
    by : columns that name the series; None for one series.
    days : None; `days` to set each month against its number of days; `weekends` for its number of Fridays and
        Saturdays as well.

    Returns twelve rows per series: `calendar_month` (1 to 12), `season_index` (1 = as in a month without season, the
    year's mean is 1), `lower`, `upper`, `years` (months held), `season_p_value` (F test of all twelve together, not
    corrected for the number of series) and `method`. Fewer than 24 months held: no index, and `method` says so.
    A calendar month never held has no index. One without a single event has index 0 and an upper limit only.
    Misleads when the season itself changes, when one odd year fills a short series, and read month by month where
    `season_p_value` is not small: of twelve intervals one leaves 1 by chance in every second series.
    Source: quasi-Poisson regression (McCullagh & Nelder 1989, chapters 6 and 9); index by the delta method.
    """
    calendar = _calendar(months, by, value)
    fit = _season(calendar, days)
    low, high = _index_limits(fit, confidence)
    table = pd.DataFrame(
        {
            "calendar_month": np.tile(np.arange(1, 13), len(fit["p"])),
            "season_index": fit["index"].ravel(),
            "lower": low.ravel(),
            "upper": high.ravel(),
            "years": fit["years"].ravel().astype(int),
            "season_p_value": np.repeat(fit["p"], 12),
            "method": np.repeat(fit["method"], 12),
        }
    )
    names = calendar.names.loc[calendar.names.index.repeat(12)].reset_index(drop=True)
    return pd.concat([names, table], axis=1)


def adjusted(
    months: pd.DataFrame,
    *,
    by: str | list[str] | None = None,
    value: str = "n",
    days: str | None = None,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """What each month would have been without its season.

    months, by, value, days : as for `seasonal_index`.
    alpha : the season is taken out only where `season_p_value` is below this.

    Returns `months` with `season_index` (what was divided by, length of the month included where `days` asks for
    it), `adjusted` (events), `season_p_value` and `method`. Where no season shows beyond chance, `season_index` and
    `adjusted` are missing: the plain count is then the one to read.
    Misleads as a record: an adjusted month is an estimate, and not a whole number. The newest months move a little
    whenever a month is added.
    Source: as for `seasonal_index`.
    """
    calendar = _calendar(months, by, value)
    fit = _season(calendar, days)
    there = fit["p"] < alpha
    effect = np.where(there[:, None], fit["index"][:, calendar.of_year] * np.exp(fit["offset"]), np.nan)
    method = np.where(there, fit["method"], np.where(np.isnan(fit["p"]), fit["method"], "no season beyond chance"))
    index = effect[calendar.series, calendar.place]
    counts = calendar.counts[calendar.series, calendar.place]
    with np.errstate(divide="ignore", invalid="ignore"):
        without = np.where(index > 0, counts / index, np.nan)
    return months.assign(
        season_index=index,
        adjusted=without,
        season_p_value=fit["p"][calendar.series],
        method=method[calendar.series],
    )


def change_points(
    months: pd.DataFrame,
    *,
    by: str | list[str] | None = None,
    value: str = "n",
    days: str | None = None,
    seasonal: bool = True,
    alpha: float = 0.05,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """When did the level change by more than chance?

    months, by, value, days : as for `seasonal_index`.
    seasonal : whether a season is taken out first; False for series that can have none (years, say).
    alpha : how often a series in which nothing changes is given a change, at most.

    Returns one row per change, none for a series without: `month` (the first month held of the new level), `earliest`
    and `latest` (between which it lies, 95%), `p_value` (two-sided, of a change at the best of all dates between the
    changes on either side), `level_before`, `level_after` (events in a mean month), `ratio`, `lower`, `upper`,
    `drift` (a steady rise or fall over the whole series explains as much as the steps: then read it as that) and
    `method`. A level lasts 6 months held or more; gaps count on neither side. No row for a series of fewer than 24
    months held.
    Misleads as a cause: the date is what fits best, and new recording rules change levels too. A shock that fades
    within months (a lockdown) is no level and may hide: see a control chart. A change found in a
    weak signal looks larger than it is, having been picked as the largest. Over many series, correct `p_value`
    (`significance.benjamini_hochberg`).
    Source: optimal partitioning (Jackson et al 2005, IEEE Signal Processing Letters 12, 105-108) on the quasi-Poisson
    likelihood; p-value of the best date: James, James & Siegmund (1987), Biometrika 74, 71-83; dates: Hansen (2000).
    """
    calendar = _calendar(months, by, value)
    fit = _season(calendar, days, seasonal=seasonal)
    fitted = np.flatnonzero(~np.isnan(fit["phi"]))
    part = {name: fit[name][fitted] for name in ("index", "phi", "free")}
    part["offset"] = fit["offset"][fitted] if fit["offset"].ndim == 2 else fit["offset"]
    rows = changes(
        calendar.counts[fitted], calendar.of_year, part, seasonal=seasonal, alpha=alpha, confidence=confidence
    )
    series, place = fitted[rows.pop("series")], {name: rows.pop(name) for name in ("month", "earliest", "latest")}
    dates = pd.DataFrame({name: calendar.dates[at] for name, at in place.items()})
    names = calendar.names.iloc[series].reset_index(drop=True)
    method = f"optimal partitioning, quasi-Poisson {100 * confidence:g}%" + (", season taken out" if seasonal else "")
    return pd.concat([names, dates, pd.DataFrame(rows)], axis=1).assign(method=method)


def month_days(months: pd.DataFrame) -> pd.DataFrame:
    """How many days, working days, Fridays and Saturdays a month has.

    Returns `months` with `days`, `working_days` (Monday to Friday, bank holidays not taken off), `fridays` and
    `saturdays`.
    """
    first = pd.to_datetime(months["month"]).to_numpy().astype("datetime64[M]")
    start, end = first.astype("datetime64[D]"), (first + 1).astype("datetime64[D]")
    known = ~np.isnat(start)
    masks = {"days": "1111111", "working_days": "1111100", "fridays": "0000100", "saturdays": "0000010"}
    counted = {}
    for name, mask in masks.items():
        counted[name] = pd.array(np.zeros(len(months)), dtype="Int64")
        counted[name][known] = np.busday_count(start[known], end[known], weekmask=mask)
        counted[name][~known] = pd.NA
    return months.assign(**counted)


@dataclass(frozen=True)
class _Calendar:
    """All series over all months from the first to the last of the table, and where each row stands among them."""

    names: pd.DataFrame
    dates: pd.DatetimeIndex
    counts: np.ndarray
    series: np.ndarray
    place: np.ndarray

    @property
    def of_year(self) -> np.ndarray:
        return self.dates.month.to_numpy() - 1


def _calendar(months: pd.DataFrame, by: str | list[str] | None, value: str) -> _Calendar:
    if months["month"].isna().any():
        raise ValueError("A row has no month.")
    keys = [by] if isinstance(by, str) else list(by or [])
    series = months.groupby(keys, sort=False, dropna=False).ngroup().to_numpy() if keys else np.zeros(len(months), int)
    names = months[keys].drop_duplicates().reset_index(drop=True) if keys else pd.DataFrame(index=pd.RangeIndex(1))
    number = (months["month"].dt.year * 12 + months["month"].dt.month - 1).to_numpy(dtype=int)
    first, last = (number.min(), number.max()) if len(number) else (0, -1)
    if pd.DataFrame({"series": series, "month": number}).duplicated().any():
        raise ValueError("A month has more than one row: name the columns of the series in `by`, or add them up first.")
    counts = np.full((len(names), last - first + 1), np.nan)
    counts[series, number - first] = rates.as_rows(n=months[value])["n"]
    dates = pd.DatetimeIndex([pd.Timestamp(at // 12, at % 12 + 1, 1) for at in range(first, last + 1)])
    return _Calendar(names, dates, counts, series, number - first)


def _season(calendar: _Calendar, days: str | None, *, seasonal: bool = True) -> dict:
    """The regression of all series, with a method for each; nothing for those without enough months or events."""
    if days not in (None, "days", "weekends"):
        raise ValueError("days is None, days or weekends.")
    lengths = month_days(pd.DataFrame({"month": calendar.dates})).drop(columns="month").astype(float)
    offset = np.log(lengths["days"] / DAYS_IN_MONTH).to_numpy() * (days is not None)
    share = ((lengths["fridays"] + lengths["saturdays"]) / lengths["days"]).to_numpy() - WEEKEND_SHARE
    weekend = share if days == "weekends" else None
    fit = regression(calendar.counts, calendar.of_year, offset, weekend, seasonal=seasonal)
    few = (~np.isnan(calendar.counts)).sum(axis=1) < FEWEST_MONTHS
    none = np.nansum(calendar.counts, axis=1) == 0
    refused = few | none | np.isnan(fit["phi"])
    for name in ("index", "error", "phi", "p"):
        fit[name] = np.where(refused if fit[name].ndim == 1 else refused[:, None], np.nan, fit[name])
    name = "quasi-Poisson, twelve months and trend" + ("" if days is None else f", {days} allowed for")
    reasons = [f"fewer than {FEWEST_MONTHS} months", "no events", "too many gaps"]
    return fit | {"method": np.select([few, none, refused], reasons, default=name).astype(object)}


def _index_limits(fit: dict, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Interval of each index: Student's t on the logarithm; for a month without events, exact from 0 upwards."""
    from scipy import special

    tail = (1 - confidence) / 2
    t = special.stdtrit(fit["free"], 1 - tail)[:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        low, high = (fit["index"] * np.exp(side * t * fit["error"]) for side in (-1, 1))
        # none of Poisson mean m has chance exp(-m); the spread stretches it
        most = -np.log(tail) * (fit["phi"] * small_sample(fit["free"], confidence))[:, None] / fit["without_season"]
    none = fit["index"] == 0
    return np.where(none, 0, low), np.where(none, most, high)
