"""Sentences over charts of change, worked out from their numbers; a row is a month of one series."""

import pandas as pd

from analytics.disclosure import Release
from ui import remarks, words

NEWEST = 3  # months in which a signal is news
TOLD = {"concern": "more than chance explains", "improvement": "fewer than chance explains"}
THIS, BEFORE = "This period", "A year before"


def last_signal(release: Release) -> str:
    """The newest month of one series that chance does not explain."""
    known = release.table.dropna(subset=["n"])
    if known.empty:
        return remarks.NOTHING
    if known["centre"].isna().all():
        return "Too few records a month for control limits; the months are shown without them."
    flagged = known[known["signal"].isin(list(TOLD))]
    if flagged.empty:
        return f"No month stands out: all {len(known):,} lie within the usual variation."
    last = flagged.iloc[-1]
    rule = words.value("rule", last["rule"]).lower()
    now = "The newest month" if last["month"] == known["month"].max() else f"Last signal: {words.month(last['month'])}"
    return f"{now} has {TOLD[last['signal']]} ({rule}). {words.count(len(flagged), 'month')} of {len(known):,} signal."


def signals(release: Release, by: str, newest: pd.Timestamp) -> str:
    """Which of several series have a signal in the newest months."""
    table = release.table
    recent = table[table["month"] > newest - pd.DateOffset(months=NEWEST)].dropna(subset=["n"])
    told = []
    for signal, said in TOLD.items():
        names = list(dict.fromkeys(recent.loc[recent["signal"] == signal, by]))
        told += [f"{words.some(names)}: {said}"] if names else []
    charted = table.groupby(by)["centre"].count().gt(0).sum()
    if not told:
        return f"In the newest {NEWEST} months none of {charted:,} series stands out from its usual variation."
    return f"In the newest {NEWEST} months, of {charted:,} series, {'; '.join(told)}."


def limits(rows: pd.DataFrame, rare: list[str], fewest: int) -> tuple[str, ...]:
    """How limits were made, for whom there are none, and what to expect of many charts."""
    said = ["XmR: limits at 2.66 mean moving ranges, from up to two years before the period on"]
    said += [f"No limits, fewer than {fewest} a month: {words.some(rare)}"] if rare else []
    said += ["Trial limits: fewer than 13 months"] if rows["provisional"].fillna(False).any() else []
    return (*said, "Of 100 ordinary series about 19 have a signal somewhere in two years; seasons are no special cause")


def beside_year_before(months: pd.DataFrame) -> pd.DataFrame:
    """The months twice: as they were, and those of a year before in their place, named by `period`."""
    before = months.assign(n=months["n_before"], n_lower=months["n_before"], n_upper=months["n_before"], period=BEFORE)
    before["status"] = before["status"].where(before["n"].notna(), "not supplied")
    before.loc[before["n"].notna(), "status"] = "shown"
    return pd.concat([months.assign(period=THIS), before], ignore_index=True)


STEPS = (
    "Season allowed for; at most one series in twenty of those without a change has one by chance",
    "Changes at a date of the register that makes levels incomparable are left out",
)


def no_season(names: list[str]) -> str:
    """Which series have no season to take out."""
    return f"No season beyond chance, or too few months to tell: {words.some(names)}. Read the plain count there."


def levels(release: Release, *, enough: bool) -> str:
    """When the level changed, and by how much. enough : whether enough months are held to tell."""
    table = release.table
    if not enough:
        return "Too few months are held to tell changes of level from season and chance: it takes 24."
    if table.empty:
        return "No change of level beyond chance and season in all months held."
    last = table.iloc[-1]
    times = f"{words.number(last['ratio'], 2)} times the level before ({words.number(last['lower'], 2)} to "
    said = f"{words.count(len(table), 'change')} of level; the last in {words.month(last['month'])}, to {times}"
    drift = " A steady drift explains as much: read it as that." if bool(last["drift"]) else ""
    return f"{said}{words.number(last['upper'], 2)}).{drift}"


def no_forecast(coming: pd.DataFrame) -> str:
    """Why there is no forecast."""
    if coming["forecast"].isna().any():
        return f"No forecast: {coming['method'].iat[0]}."
    return "No forecast is shown: earlier ones were no nearer than the same month a year before."


def coming(release: Release) -> str:
    """What the next month may bring."""
    first = release.table.iloc[0]
    low, high = words.number(first["lower_80"]), words.number(first["upper_80"])
    when, about = words.month(first["month"]), words.number(first["forecast"])
    return f"{when}: about {about}, in 8 of 10 cases between {low} and {high}. A range from the past, not a target."


def tested(summary: dict) -> tuple[str, ...]:
    """How earlier forecasts fared."""
    inside = (
        f"{words.percent(summary['coverage_80'])} inside the 80% range, {words.percent(summary['coverage_95'])} inside"
    )
    error = words.number(summary["mase"], 2)
    return (
        f"{words.count(summary['n'], 'earlier forecast')}: {inside} the 95% range",
        f"Their error was {error} of that of the same month a year before",
    )


def which_chart(chart: str, reason: str) -> str:
    """Which chart suits the series, and why there is none of days between events."""
    if chart == "XmR":
        return f"Chart: XmR of months. {reason}"
    return f"No control chart: {reason}"


def rare_notes(chart: str, reason: str) -> tuple[str, ...]:
    """Which chart it is and why."""
    how = {
        "T": "T chart: limits of the 3.6th roots of the days, put back",
        "G": "G chart: limits of a geometric count of days; runs are told about the median",
    }
    return (how[chart], reason.rstrip("."), "The higher the point, the longer the quiet before it")


def rare(release: Release, quiet: int) -> str:
    """Whether events come faster or slower than before."""
    table = release.table.dropna(subset=["value"])
    flagged = table[table["signal"].isin(list(TOLD))]
    typical = words.count(table["value"].median(), "day")
    since = f"The last was {words.count(quiet, 'day')} before the end of the period."
    if flagged.empty:
        return f"Typically {typical} between events; no stretch stands out from chance. {since}"
    last = flagged.iloc[-1]
    way = {"improvement": "longer apart", "concern": "closer together"}[last["signal"]]
    when = words.quarter(last["quarter"])
    return f"Typically {typical} between events; last signal in {when}: {way} than chance explains. {since}"


BESIDE = ("Each source counts other events at another place: compare the way they go, not their size",)
DAYS = {
    "heading": "Times as many as on like days of the month (95%)",
    "key": {"above": "more", "below": "fewer", "neither": "within chance"},
}


def days(release: Release) -> str:
    """Which holidays or paydays differ, and which weekdays."""
    table = release.table.dropna(subset=["ratio"])
    apart = table[(table["lower"] > 1) | (table["upper"] < 1)]
    if apart.empty:
        return "No weekday, holiday or payday differs from like days by more than chance."
    top = apart.loc[(apart["ratio"] - 1).abs().idxmax()]
    times = f"{words.number(top['ratio'], 2)} ({words.number(top['lower'], 2)} to {words.number(top['upper'], 2)})"
    return (
        f"{len(apart)} of {len(table)} kinds of day differ beyond chance; most of all {top['day_kind']}: {times} times."
    )


def days_notes(rows: pd.DataFrame) -> tuple[str, ...]:
    """What is compared with what."""
    without = rows.loc[rows["ratio"].isna(), "day_kind"]
    left = (f"Too few to compare: {words.listed(without)}",) if len(without) else ()
    how = "Weekdays against Monday, other days against days of the same month and weekday; all months held"
    return (how, *left, *rows.attrs["notes"])


REGISTER = (
    "Drawn on every chart of months; gaps in the data are drawn as gaps",
    "Those of the file events.toml are changed there, by whoever keeps the definitions",
)


def register(release: Release) -> str:
    """How many events are known, and how many make limits begin anew."""
    table = release.table
    if table.empty:
        return "No event has been written down yet."
    anew = int(table["rebase"].sum())
    return f"{words.count(len(table), 'event')} in the register; at {anew:,} of them control limits begin anew."
