"""Sentences over hospital admissions, worked out from their numbers; a row is an authority, a cohort or a month."""

import pandas as pd

from analytics.disclosure import Release
from ui import remarks, words

ROUNDED = ("Their owner withholds numbers of 1 to 7 and rounds others to the nearest 5",)


def standardised(newest: pd.DataFrame) -> tuple[str, ...]:
    """How the rates were made, and what none could be made of."""
    few = newest["rate_upper"].isna().sum()
    have = "has" if few == 1 else "have"
    left = (f"{words.count(few, 'authority')} with fewer than 10 admissions for certain {have} no rate",) if few else ()
    return (*ROUNDED, "European Standard Population 2013, Dobson limits; residents of the nearest years held", *left)


def pooled(release: Release) -> str:
    """Which authority is surely above which, as far as what is withheld allows."""
    known = release.table.dropna(subset=["rate_upper"])
    if known.empty:
        return "Nowhere are there 10 admissions for certain: too few, or too many withheld, for a standardised rate."
    sure = known.dropna(subset=["lower"])
    top = known.sort_values("rate_upper", ascending=False).iloc[0]
    above = sure[sure["lower"] > known["upper"].min()]
    could = f"{words.number(top['rate_lower'], 1)} to {words.number(top['rate_upper'], 1)}"
    could = could if pd.notna(top["rate_lower"]) else f"up to {words.number(top['rate_upper'], 1)}"
    if above.empty:
        return f"No authority is clearly above another: too much is withheld. {top['name']} may be highest, at {could}."
    return f"{words.some(above['name'])}: clearly above the lowest. {top['name']} may be highest, at {could}."


def yearly(release: Release) -> str:
    """The highest crude rate of the newest year, and how many have none."""
    table = release.table
    known = table.dropna(subset=["rate_100k"])
    gone = len(table) - len(known)
    rest = f" {words.count(gone, 'authority')} withheld." if gone else ""
    if known.empty:
        return f"All numbers of this year are withheld as 1 to 7.{rest}"
    top = known.sort_values("rate_100k", ascending=False).iloc[0]
    limits = f"{words.number(top['lower'], 1)} to {words.number(top['upper'], 1)}"
    rate = words.number(top["rate_100k"], 1)
    return f"{top['name']} has the highest crude rate, {rate} per 100,000 ({limits}).{rest}"


def ages(release: Release) -> str:
    """Which cohort is surely the most affected."""
    table = release.table
    top = table.sort_values("rate_lower", ascending=False).iloc[0]
    others = table[table["who"] != top["who"]]
    sure = top["rate_lower"] > others["rate_upper"].max()
    said = f"{words.number(top['rate_lower'], 1)} to {words.number(top['rate_upper'], 1)} per 100,000 a year"
    return f"Most affected{'' if sure else ', as far as what is withheld allows'}: {top['who']}, {said}."


def monthly(release: Release) -> str:
    """How much of the months is known."""
    table = release.table
    if table.empty:
        return remarks.NOTHING
    ranged = int(table["admitted"].isna().sum())
    low, high = table["n_lower"].sum(), table["n_upper"].sum()
    known = f"{ranged:,} of {words.count(len(table), 'month')} only as a range" if ranged else "every month in full"
    return f"{words.number(low)} to {words.number(high)} admissions over the period; {known}."


def years(release: Release) -> str:
    """How the standardised rate moved from the first year held to the newest, and where it is highest."""
    known = release.table.dropna(subset=["rate_upper"])
    if known.empty:
        return "Nowhere are there 10 admissions of one year for certain, so no yearly rate is standardised."
    newest = known[known["period"] == known["period"].max()].sort_values("rate_upper", ascending=False)
    top = newest.iloc[0]
    said = f"{words.number(top['rate_upper'], 1)} per 100,000 ({words.number(top['lower'], 1)} to "
    others = newest.iloc[1:]
    clear = len(others) and top["lower"] > others["upper"].max()
    sure = "" if clear else "; others may be as high"
    first = known["period"].min()
    span = f"{first} to {top['period']}" if first != top["period"] else top["period"]
    return f"Yearly, {span}: in {top['period']} {top['name']} is highest, {said}{words.number(top['upper'], 1)}){sure}."


def years_notes(rows: pd.DataFrame) -> tuple[str, ...]:
    """Who standardised, and what is left out."""
    gone = int(rows["rate_upper"].isna().sum())
    left = (f"{words.count(gone, 'year')} with fewer than 10 admissions left open",) if gone else ()
    how = dict.fromkeys(rows["method"].dropna())
    return (*(f"Rates {method}" if method.startswith("standard") else method for method in how), *left)
