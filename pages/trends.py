"""Trends: change over time, with what is missing left open."""

import pandas as pd
import streamlit as st

from answers import trends
from data import store
from pages.parts import event_list, trend_more
from ui import charts, events, filters, findings, frame, profiles, trend_findings

SPLITS = {"source": "Source", "offence_group": "Offence group", "authority_code": "Authority", "cohort": "Age"}
VALUES = {"n": "Each month", "control": "Control chart", "rolling_sum": "Rolling 12 months", "year": "Year before"}
VALUES |= {
    "adjusted": "Season taken out",
    "still": "Control chart without season",
    "monthly_rate": "Per 100,000 residents",
}
SCALES = {"one": "One for all", "own": "Each its own"}

page = frame.open_page("trends")
scope = filters.scope(page)
with st.container(horizontal=True, vertical_alignment="bottom"):
    splits = [s for s in SPLITS if s != "authority_code" or scope.area == store.ALL]
    if not all(store.answers(s, "age") and s not in store.banded_sources(scope) for s in scope.sources):
        splits.remove("cohort")
    split = page.control(
        "split", st.segmented_control, "Lines for each", splits, value="source", format_func=SPLITS.get
    )
    source = page.one_source(scope) if split != "source" else ""
    asked = scope.but(sources=(source,)) if source else scope
    alone = split == "source" and len(asked.sources) == 1
    values = ["n"] if store.banded_sources(asked) else [v for v in VALUES if v != "year" or alone]
    if split == "cohort" and "monthly_rate" in values:
        values.remove("monthly_rate")  # residents are held in bands that do not make these ages
    value = page.choice("value", "Show", {v: VALUES[v] for v in values}, width=280)
    several = {"value": "own" if split == "offence_group" else "one", "format_func": SCALES.get, "disabled": alone}
    scale = page.control("scale", st.segmented_control, "Scale", list(SCALES), **several)


@st.cache_data(show_spinner="Counting…", max_entries=128)
def months_of(scope: store.Scope, split: str, still: bool, written: str) -> pd.DataFrame:
    """Months of each series with rolling year, year before and control limits; protected sources have counts alone.

    still : limits of the counts without their season. written : the version of the register of events, which limits
    follow."""
    if store.banded_sources(scope):
        by = () if split == "source" else (split,)
        return store.monthly_counts(scope.but(start=scope.start - pd.DateOffset(months=23)), by=by)
    return trends.without_season(scope, split) if still else trends.months(scope, split)


with page.explaining():
    written = events.version(asked)
    rows = months_of(asked, split, value == "still", written)
    marks, flagged = events.register(asked), events.flags(asked)
rare = [page.labels(split)[code] for code in rows.attrs.get("rare", ())]
rows = rows.assign(**{split: rows[split].map(page.labels(split))})
told = {
    "counts": ["n"],
    "derived": [
        c for c in ("rolling_sum", "n_before", "adjusted", "monthly_rate", "centre", "lower", "upper") if c in rows
    ],
    "title": f"{VALUES[value]}, by {SPLITS[split].lower()}",
    "notes": (
        *events.key(marks),
        *(trend_findings.limits(rows, rare, trends.FEWEST_A_MONTH) if value in ("control", "still") else ()),
    ),
}
inside = rows[rows["month"] >= scope.start]
compared = page.release(rows[rows["month"] >= scope.start - pd.DateOffset(months=12)], scope=asked, **told)
months = page.release(inside, scope=asked, **told)
many = split if inside[split].nunique() > 1 else None
how = {"flags": flagged, "events": marks, "shared_scale": scale == "one"}
if value in ("control", "still"):
    picture = charts.trend(months, value="n" if value == "control" else "adjusted", by=split, control=True, **how)
    said = trend_findings.signals(months, split, page.scope.end) if many else trend_findings.last_signal(months)
elif value == "year":
    both = page.part(months, trend_findings.beside_year_before(inside), title="This period and the year before")
    picture = charts.trend(both, by="period", **how)
    said = findings.trend(compared, by=many)
else:
    picture = charts.trend(months, value=value, by=split, **how)
    # a rolling year compares with nothing: its own range is told
    said = findings.trend(compared if value == "n" else months, value=value, by=many)
if value == "adjusted":
    without = inside.groupby(split)["adjusted"].count().eq(0)
    if without.any():
        st.info(trend_findings.no_season(list(without.index[without])))
page.show(months, picture, finding=said, key="trend", kept_back=store.months_kept_back(asked, split=split))

open_ = not store.banded_sources(asked)
one = asked.but(sources=asked.sources[:1])
if alone and open_:
    if value == "control":
        with page.explaining(go_on=True):
            trend_more.rare(page, one, written)
    with page.explaining(go_on=True):
        trend_more.levels(page, one, written)
    with page.explaining(go_on=True):
        trend_more.ahead(page, one)
if open_:
    with page.explaining(go_on=True):
        trend_more.beside(page, asked)
left, right = st.columns(2)
with left, page.explaining():
    mix = profiles.mix(page, asked.but(sources=asked.sources[:1]))
    page.show(mix, charts.mix(mix), finding=findings.mix(mix), key="mix")
with right, page.explaining():
    week = profiles.week(page, asked)
    if week:
        page.show(week, charts.weekday_hour(week), finding=findings.weekday_hour(week), key="week")
    else:
        st.info("Which weekday or hour is not known here: the source chosen gives no more than the month.")
if open_ and week:
    with page.explaining(go_on=True):
        trend_more.days(page, one)
with page.explaining(go_on=True):
    event_list.shown(page, asked)
