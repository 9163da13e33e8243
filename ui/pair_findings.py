"""Sentences over maps that are read together, worked out from what they show; a row is a place, or one in a month."""

import pandas as pd

from analytics.disclosure import MISSING, SHOWN, Release
from data import store
from ui import findings, remarks, words


def heading(scope: store.Scope, lacking: int) -> str:
    """What a map of a period is called; where months lack it says so, for then two maps are not like with like."""
    span = words.period(scope.start, scope.end)
    return f"{span} ({words.count(lacking, 'month')} not supplied)" if lacking else span


def one(release: Release, heading: str, show: str, noun: str) -> str:
    """What one of two maps shows, after what it is."""
    told = findings.map_cells(release, noun=noun) if show == "hot" else remarks.areas(release, noun=noun)
    return f"{heading}. {told}"


def both(moved: pd.DataFrame, headings: tuple[str, str], noun: str, *, alike: bool = True) -> str:
    """How many hotspots the two maps share. alike : as many months were supplied of both."""
    kinds = moved["hot_in"].value_counts()
    shared = int(kinds.get("both", 0))
    left, right = (int(kinds.get(f"{heading} alone", 0)) for heading in headings)
    if not shared and not left and not right:
        return f"Neither map has a hotspot ({words.many(noun)})."
    are = "is a hotspot" if shared == 1 else "are hotspots"
    alone = f"{left:,} on {headings[0]} alone, {right:,} on {headings[1]} alone"
    care = "" if alike else " Not like with like: fewer months were supplied of one of them."
    return f"{words.count(shared, noun)} {are} on both maps; {alone}.{care}"


def steps(found: pd.DataFrame, window: int) -> pd.DataFrame:
    """The rows with `step`, what each picture is called, in order of time, and the status of each."""
    months = sorted(found["month"].unique())
    names = [_step(month, window) for month in months]
    step = pd.Categorical(found["month"].map(dict(zip(months, names, strict=True))), categories=names, ordered=True)
    n = found["n"].astype(float)
    status = pd.Series(SHOWN, found.index).where(n.notna(), MISSING)
    return found.assign(step=step, n=n, n_lower=n, n_upper=n, status=status)


def span(found: pd.DataFrame, window: int) -> str:
    """The months that all pictures reach over."""
    return words.period(found["month"].min() - pd.DateOffset(months=window - 1), found["month"].max())


def _step(month: pd.Timestamp, window: int) -> str:
    first = month - pd.DateOffset(months=window - 1)
    return f"{month:%B %Y}" if window == 1 else words.period(first, month)


def played(found: pd.DataFrame, key: str, noun: str, show: str) -> str:
    """How many pictures there are, and what is in them."""
    pictures, missing = found["month"].nunique(), found.loc[found["n"].isna(), "month"].nunique()
    gone = f"; {words.count(missing, 'picture')} lack a month and stay empty" if missing else ""
    known = found.dropna(subset=["n"])
    if known.empty:
        return remarks.NOTHING
    if show == "hot":
        often = known[known["hot"] > 0].groupby(key)["month"].nunique()
        if often.empty:
            return f"No {noun} is a hotspot in any of {words.count(pictures, 'picture')}{gone}."
        ever = words.count(len(often), noun)
        are = "is" if len(often) == 1 else "are"
        return f"{ever} {are} hot in at least one of {pictures} pictures, at most in {often.max()}{gone}."
    total = known.groupby("month")["n"].sum()
    high, low = total.idxmax(), total.idxmin()
    span = f"from {words.number(total.min())} ({words.month(low)}) to {words.number(total.max())} ({words.month(high)})"
    return f"{words.count(pictures, 'picture')}, {span} records each{gone}."
