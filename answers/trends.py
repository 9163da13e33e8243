"""Change over time, for charts: months with their rolling year, the year before, and control limits. A row is a month
of one series."""

import numpy as np
import pandas as pd

from analytics import calendar_days, forecast, season, spc, spc_rare, trends
from data import event_register, profile_questions, store
from data.definitions import calendar
from data.store import Scope

HISTORY = 24  # months before the period that control limits are drawn from too
FEWEST_A_MONTH = 5  # below this on average, monthly counts are too rare for an XmR chart (`spc.choose`)
PER = 100_000
HORIZON = 6  # months ahead
FEWEST_HELD = 24  # months from which changes of level can be told (`season.change_points`)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LIMITS = ["centre", "lower", "upper", "rule", "signal", "segment", "provisional"]


def months(scope: Scope, split: str) -> pd.DataFrame:
    """Records by month for each value of a split, from HISTORY months before the period on.

    split : source, offence_group, authority_code or cohort. Returns month, the split, n with its bounds and status,
    `rolling_sum` (twelve months), `n_before` (the same month a year before), `monthly_rate` (per 100,000 residents),
    `adjusted` where a season shows beyond chance (`season.adjusted`), and the limits of an XmR chart: the columns of
    `spc.xmr`. Limits begin anew where the register of events says that levels cannot be compared, and after a gap;
    series with fewer than FEWEST_A_MONTH records a month have none. `.attrs["rare"]`: which those are.
    """
    by = () if split == "source" else (split,)
    rows = store.monthly_counts(scope.but(start=scope.start - pd.DateOffset(months=HISTORY + 12)), by=by)
    rows = pd.concat([trends.rolling_sum(part) for _, part in rows.groupby(split, sort=False)], ignore_index=True)
    before = rows[[split, "month", "n"]].assign(month=rows["month"] + pd.DateOffset(years=1))
    rows = rows.merge(before.rename(columns={"n": "n_before"}), on=[split, "month"], how="left")
    rows = rows[rows["month"] >= scope.start - pd.DateOffset(months=HISTORY)].reset_index(drop=True)
    means = rows.groupby(split)["n"].mean()
    rare = means.index[means < FEWEST_A_MONTH]
    still = season.adjusted(rows, by=split)[["adjusted", "season_p_value"]]
    answer = rows.join(_limits(scope, rows, "n", split).mask(rows[split].isin(rare))).join(still)
    answer["monthly_rate"] = PER * answer["n"] / _people(scope, answer, split)  # of cohorts residents are not held
    answer.attrs["rare"] = tuple(rare)
    return answer


def without_season(scope: Scope, split: str) -> pd.DataFrame:
    """`months` with control limits drawn from the counts without their season, where one shows beyond chance.

    `adjusted` is what is charted: the plain count of series without a season.
    """
    rows = months(scope, split)
    rows["adjusted"] = rows["adjusted"].where(rows["adjusted"].notna(), rows["n"])
    rare = rows[split].isin(rows.attrs["rare"])
    answer = rows.drop(columns=LIMITS).join(_limits(scope, rows, "adjusted", split).mask(rare))
    answer.attrs = rows.attrs
    return answer


def _limits(scope: Scope, rows: pd.DataFrame, value: str, split: str) -> pd.DataFrame:
    rebase = _rebased(scope, rows["month"], rows[split] if split == "authority_code" else None)
    return spc.xmr_many(rows[value], rows[split], direction="decrease", rebase=rebase)[LIMITS]


def _people(scope: Scope, rows: pd.DataFrame, split: str) -> pd.Series | float:
    """Residents of the authority of each row, or of all of the scope's area."""
    people = profile_questions.residents(scope)
    if split == "cohort":
        return np.nan
    if split == "authority_code":
        return rows[split].map(people)
    return people.sum(min_count=1) if scope.area == store.ALL else people.get(scope.area, np.nan)


def beside(scope: Scope) -> pd.DataFrame:
    """The months of every source that can be asked the same, from a year before the period on, each by itself."""
    able = []
    for source in store.sources(scope):
        one = scope.but(sources=(source,))
        if set(scope.groups) <= set(store.offence_groups(one)) and not store.banded_sources(one):
            able += [source] if store.can_answer(scope, source) else []
    return store.monthly_counts(scope.but(sources=tuple(able), start=scope.start - pd.DateOffset(years=1)))


def rare(scope: Scope) -> pd.DataFrame:
    """Days between events of one source that are too rare for a chart of months, with limits: a T or a G chart.

    Which chart suits is decided by `spc.choose` of the months and days from HISTORY months before the period on, or
    from the last month that was not supplied.
    Returns the columns of `spc.t_chart` or `spc.g_chart` with `event` (its number) and `quarter` (its first day); with
    `.attrs`: `chart` (XmR, T, G or "too few to chart": of the first and last there are no rows), `reason`, and `quiet`
    (days from the last event to the end of what is held).
    """
    wide = scope.but(start=scope.start - pd.DateOffset(months=HISTORY))
    rows = store.monthly_counts(wide)
    gap = rows.loc[rows["n"].isna(), "month"].max()  # days over a month not supplied are not days between events
    if pd.notna(gap):
        wide, rows = wide.but(start=gap + pd.DateOffset(months=1)), rows[rows["month"] > gap]
    counts = rows["n"]
    if counts.mean() >= FEWEST_A_MONTH:
        answer, chosen = pd.DataFrame(), spc_rare.choose(counts)
    else:
        days = store.event_days(wide)
        chosen, answer = spc_rare.choose(counts, dates=days), pd.DataFrame({"day": days})
    chart, reason = chosen.loc[0, ["chart", "reason"]]
    if chart not in ("T", "G"):
        answer = pd.DataFrame(columns=["event", "quarter", "value"])
        answer.attrs = {"chart": chart, "reason": reason}
        return answer
    months = days.dt.to_period("M").dt.to_timestamp()
    draw = spc_rare.t_chart if chart == "T" else spc_rare.g_chart
    begun = np.searchsorted(months, sorted(_named(scope)))  # the first event of or after a month that levels begin with
    rebase = np.isin(np.arange(len(days)), begun[begun > 0])
    found = draw(days, direction="increase", rebase=rebase).reset_index(drop=True)
    quarter = days.dt.to_period("Q").dt.start_time.reset_index(drop=True)
    answer = found.assign(event=np.arange(1, len(found) + 1), quarter=quarter)
    quiet = (scope.end + pd.offsets.MonthEnd(1) - days.max()).days
    answer.attrs = {"chart": chart, "reason": reason, "quiet": quiet}
    return answer


def days_that_differ(scope: Scope) -> pd.DataFrame:
    """Weekdays, and the days of calendar.toml, against like days of the same month, of all months held of one source.

    Returns the columns of `calendar_days.effects`, `day_kind` in words. Of a list the days of its years alone are used.
    `.attrs["notes"]`: what the kinds are, in the words of the file.
    """
    held = store.held_months(scope, scope.sources[0])
    rows = store.days_counts(scope.but(start=min(held), end=max(held)))
    dates = pd.DatetimeIndex(rows["date"])
    invented = bool((store.snapshot_facts() or {}).get("invented"))
    kinds = {name: kind for name, kind in calendar.kinds().items() if invented or not kind.invented}
    known = np.logical_and.reduce([kind.covers(dates) for kind in kinds.values()])
    rows = rows.assign(**{name: kind.among(dates) for name, kind in kinds.items()})[known].reset_index(drop=True)
    found = calendar_days.effects(rows, list(kinds))
    labels = {f"weekday_{k}": f"{day} (against Monday)" for k, day in enumerate(WEEKDAYS)}
    answer = found.assign(day_kind=found["day_kind"].map(labels | {name: kind.label for name, kind in kinds.items()}))
    answer.attrs["notes"] = tuple(f"{kind.label}: {kind.note.rstrip('.')}" for kind in kinds.values())
    return answer


def changes(scope: Scope) -> pd.DataFrame:
    """When the level of one source changed beyond chance and season, of all months held: see `season.change_points`.

    A change within two months of one that the register names as making levels incomparable is left to the register.
    `.attrs["enough"]`: whether enough months are held to tell.
    """
    held = store.held_months(scope, scope.sources[0])
    rows = store.monthly_counts(scope.but(start=min(held), end=max(held)))
    found = season.change_points(rows)
    named = [rows["month"][at] for at in np.flatnonzero(_rebased(scope, rows["month"]))]
    near = [any(abs((m - n).days) < 62 for n in named) for m in found["month"]]
    answer = found[~np.array(near, dtype=bool)].reset_index(drop=True)
    answer.attrs["enough"] = rows["n"].count() >= FEWEST_HELD
    return answer


def ahead(scope: Scope) -> pd.DataFrame:
    """What the next months of one source may bring, from all months held: the columns of `forecast.monthly`.

    `.attrs`: `shown` (whether earlier forecasts were nearer than the same month a year before, so that a page may show
    it) and `summary` (of the earlier forecasts: `forecast.summary`, as a dict).
    """
    held = store.held_months(scope, scope.sources[0])
    rows = store.monthly_counts(scope.but(start=min(held), end=max(held)))
    answer = forecast.monthly(rows, horizon=HORIZON)
    tested = forecast.backtest(rows, horizon=HORIZON)
    answer.attrs["shown"] = bool(answer["beats_naive"].fillna(False).all()) and answer["forecast"].notna().all()
    answer.attrs["summary"] = forecast.summary(tested).iloc[0].to_dict() if len(tested) else {}
    return answer


def _rebased(scope: Scope, month: pd.Series, where: pd.Series | None = None) -> np.ndarray:
    """Whether a month is the first after a change that makes levels incomparable, by the register of events.

    where : the authority of each row, of which its own events count too.
    """
    found = month.isin(_named(scope))
    for code in [] if where is None else where.unique():
        found = found | (where.eq(code) & month.isin(_named(scope.but(area=code))))
    return found.to_numpy()


def _named(scope: Scope) -> set[pd.Timestamp]:
    """The months in which levels begin anew in the scope's area."""
    return {
        pd.Timestamp(event.date).to_period("M").to_timestamp()
        for event in event_register.held(scope)
        if event.rebase and event.scope in (store.ALL, scope.area)
    }
