"""Trends: change over time, with what is missing left open."""

import pandas as pd
import streamlit as st

from answers import trends
from data import store
from ui import charts, events, filters, findings, frame, profiles, trend_findings, words

SPLITS = {"source": "Source", "offence_group": "Offence group", "authority_code": "Authority"}
VALUES = {"n": "Each month", "control": "Control chart", "rolling_sum": "Rolling 12 months", "year": "Year before"}
VALUES |= {"adjusted": "Season taken out"}
SCALES = {"one": "One for all", "own": "Each its own"}

page = frame.open_page("trends")
scope = filters.scope(page)
with st.container(horizontal=True, vertical_alignment="bottom"):
    splits = [s for s in SPLITS if s != "authority_code" or scope.area == store.ALL]
    split = page.control(
        "split", st.segmented_control, "Lines for each", splits, value="source", format_func=SPLITS.get
    )
    source = page.one_source(scope) if split != "source" else ""
    asked = scope.but(sources=(source,)) if source else scope
    alone = split == "source" and len(asked.sources) == 1
    values = ["n"] if store.banded_sources(asked) else [v for v in VALUES if v != "year" or alone]
    value = page.control("value", st.segmented_control, "Show", values, value="n", format_func=VALUES.get)
    several = {"value": "own" if split == "offence_group" else "one", "format_func": SCALES.get, "disabled": alone}
    scale = page.control("scale", st.segmented_control, "Scale", list(SCALES), **several)


@st.cache_data(show_spinner="Counting…", max_entries=128)
def months_of(scope: store.Scope, split: str) -> pd.DataFrame:
    """Months of each series with rolling year, year before and control limits; protected sources have counts alone."""
    if store.banded_sources(scope):
        by = () if split == "source" else (split,)
        return store.monthly_counts(scope.but(start=scope.start - pd.DateOffset(months=23)), by=by)
    return trends.months(scope, split)


@st.cache_data(show_spinner="Looking for changes of level…", max_entries=64)
def changes_of(scope: store.Scope) -> pd.DataFrame:
    """When the level of one source changed."""
    return trends.changes(scope)


@st.cache_data(show_spinner="Looking ahead…", max_entries=64)
def ahead_of(scope: store.Scope) -> pd.DataFrame:
    """What the next months may bring."""
    return trends.ahead(scope)


with page.explaining():
    rows = months_of(asked, split)
    marks, flagged = events.register(asked), events.flags(asked)
rare = [page.labels(split)[code] for code in rows.attrs.get("rare", ())]
rows = rows.assign(**{split: rows[split].map(page.labels(split))})
told = {
    "counts": ["n"],
    "derived": [c for c in ("rolling_sum", "n_before", "adjusted", "centre", "lower", "upper") if c in rows],
    "title": f"{VALUES[value]}, by {SPLITS[split].lower()}",
    "notes": (
        *events.key(marks),
        *(trend_findings.limits(rows, rare, trends.FEWEST_A_MONTH) if value == "control" else ()),
    ),
}
inside = rows[rows["month"] >= scope.start]
compared = page.release(rows[rows["month"] >= scope.start - pd.DateOffset(months=12)], scope=asked, **told)
months = page.release(inside, scope=asked, **told)
many = split if inside[split].nunique() > 1 else None
how = {"flags": flagged, "events": marks, "shared_scale": scale == "one"}
if value == "control":
    picture = charts.trend(months, by=split, control=True, **how)
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
page.show(months, picture, finding=said, key="trend")

if alone and not store.banded_sources(asked):
    with page.explaining():
        levels = changes_of(asked)
    told = {"title": "Changes of level", "scope": asked, "notes": trend_findings.STEPS, "period": "All months held"}
    found = page.release(levels, counts=[], derived=["ratio", "lower", "upper"], **told)
    columns = ("month", "earliest", "latest", "level_before", "level_after", "ratio", "lower", "upper")
    said = trend_findings.levels(found, enough=levels.attrs["enough"])
    page.show(found, finding=said, key="levels", columns=columns, open_table=True)
    with page.explaining():
        coming = ahead_of(asked)
    if not coming.attrs["shown"]:
        st.caption(words.plain(trend_findings.no_forecast(coming)))
    else:
        told |= {"title": "The months to come", "notes": trend_findings.tested(coming.attrs["summary"])}
        ranges = ["forecast", "lower_80", "upper_80", "lower_95", "upper_95"]
        found = page.release(coming, counts=[], derived=ranges, **told)
        said = trend_findings.coming(found)
        page.show(found, finding=said, key="ahead", columns=("month", *ranges), open_table=True)

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
