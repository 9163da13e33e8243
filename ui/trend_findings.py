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
