"""Trends: change over time, with what is missing left open."""

import pandas as pd
import streamlit as st

from analytics import trends
from data import store
from ui import charts, events, filters, findings, frame, profiles

SPLITS = {"source": "Source", "offence_group": "Offence group", "authority_code": "Authority"}
VALUES = {"n": "Each month", "rolling_sum": "Rolling 12 months"}

page = frame.open_page("trends")
scope = filters.scope(page)
with st.container(horizontal=True, vertical_alignment="bottom"):
    splits = [s for s in SPLITS if s != "authority_code" or scope.area == store.ALL]
    split = page.control(
        "split", st.segmented_control, "Lines for each", splits, value="source", format_func=SPLITS.get
    )
    source = page.one_source(scope) if split != "source" else ""
    values = ["n"] if store.banded_sources(scope) else list(VALUES)
    value = page.control("value", st.segmented_control, "Show", values, value="n", format_func=VALUES.get)
asked = scope.but(sources=(source,)) if source else scope


@st.cache_data(show_spinner="Counting…", max_entries=128)
def months_of(scope: store.Scope, split: str) -> pd.DataFrame:
    """Monthly counts for each value of the split, with their rolling year, from a year before the period on."""
    by = () if split == "source" else (split,)
    rows = store.monthly_counts(scope.but(start=scope.start - pd.DateOffset(months=23)), by=by)
    if store.banded_sources(scope):
        return rows
    series = [trends.rolling_sum(part) for _, part in rows.groupby(split, sort=False)]
    found = pd.concat(series, ignore_index=True)
    return found[found["month"] >= scope.start - pd.DateOffset(months=12)]


with page.explaining():
    rows = months_of(asked, split)
    marks, flagged = events.register(asked), events.flags(asked)
rows = rows.assign(**{split: rows[split].map(page.labels(split))})
title = f"{VALUES[value]}, by {SPLITS[split].lower()}"
told = {
    "counts": ["n"],
    "derived": ["rolling_sum"] if "rolling_sum" in rows else [],
    "title": title,
    "scope": asked,
    "notes": events.key(marks),
}
compared = page.release(rows, **told)
months = page.release(rows[rows["month"] >= scope.start], **told)
picture = charts.trend(months, value=value, by=split, flags=flagged, events=marks)
several = split if rows[split].nunique() > 1 else None
told_by = compared if value == "n" else months  # a rolling year compares with nothing: its own range is told
page.show(months, picture, finding=findings.trend(told_by, value=value, by=several), key="trend")

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
