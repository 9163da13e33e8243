"""Overview: what is happening now, against what we expected."""

import pandas as pd
import streamlit as st

from analytics import trends
from data import store
from ui import charts, events, filters, findings, frame, remarks, tables

page = frame.open_page("overview")
scope = filters.scope(page)
BROUGHT = ("source", "accepted", "records_held", "records_before", "received")
EXPECTED = ("expected_lower", "expected_upper")


@st.cache_data(show_spinner="Counting…", max_entries=128)
def history(scope: store.Scope) -> pd.DataFrame:
    """Every month held of one source up to the end of the period, with the range each was expected in."""
    first = min(store.held_months(scope, scope.sources[0]), default=scope.start)
    months = store.monthly_counts(scope.but(start=min(first, scope.start)))
    return months if store.banded_sources(scope) else trends.expected_range(months)


@st.cache_data(show_spinner="Counting…", max_entries=64)
def by_authority(scope: store.Scope) -> pd.DataFrame:
    """Monthly counts of one source in each authority over the three years to the end of the period."""
    return store.monthly_counts(scope.but(start=scope.end - pd.DateOffset(months=35)), by=("authority_code",))


def headline(source: str, column: object) -> None:
    """The records of one source in the period, against the year before and against expectation."""
    only = scope.but(sources=(source,))
    with column, page.explaining():
        months = history(only)
        if store.banded_sources(only):
            told = page.release(months.tail(1), counts=["n"], title="Newest quarter", scope=only)
            whole = page.release(months, counts=["n"], title="Quarters", scope=only)
            return page.headline(told, label=page.source_label(source), column="n", change=remarks.quarters(whole))
        asked = trends.same_period_last_year(months, scope.start, scope.end).rename(columns={"now": "n"})
        asked = page.release(asked, counts=["n"], title="Records in the period", scope=only)
        ranged = ["expected", *EXPECTED]
        whole = page.release(months, counts=["n"], derived=ranged, title="Records by month", scope=only)
        said = f"{findings.same_period(whole, scope.start, scope.end)} {remarks.against_expectation(whole)}"
        page.headline(asked, label=page.source_label(source), column="n", change=said)


with page.explaining():
    able = [source for source in store.sources(scope) if store.can_answer(scope, source)]
    shown = [*scope.sources, *[source for source in able if source not in scope.sources and not scope.groups]]
for source, column in zip(shown, st.columns(len(shown)), strict=True):
    headline(source, column)

main = scope.but(sources=scope.sources[:1])
with page.explaining():
    rows = history(main)
    whole = main.but(start=rows["month"].min())
    marks, flagged = events.register(whole), events.flags(whole)
ranged = EXPECTED if "expected" in rows and rows["expected"].notna().any() else None
notes = (
    ("The shaded range is where a month was expected from its own earlier months, 95%",) if ranged else ()
) + events.key(marks)
title = f"{page.source_label(main.sources[0])} by month"
derived = ["expected", *EXPECTED] if ranged else []
months = page.release(rows, counts=["n"], derived=derived, title=title, scope=whole, notes=notes)
picture = charts.trend(months, expected=ranged, flags=flagged, events=marks)
page.show(months, picture, finding=findings.trend(months), key="months")

if scope.area == store.ALL:
    with page.explaining():
        counts = by_authority(main)
    counts = counts.assign(authority_name=counts["authority_code"].map(page.labels("authority_code")))
    since = main.but(start=counts["month"].min())
    areas = page.release(counts, counts=["n"], title="Records by month in each authority", scope=since)
    page.show(
        areas, charts.small_multiples(areas, by="authority_name"), finding=remarks.authorities(areas), key="areas"
    )

left, right = st.columns(2)
with left, page.explaining():
    fresh = tables.freshness(page)
    shown = ("source", "last_month", "months_missing", "state")
    page.show(fresh, finding=remarks.freshness(fresh), key="fresh", columns=shown, open_table=True)
with right, page.explaining():
    news = tables.news(page)
    page.show(news, finding=remarks.news(news), key="news", columns=BROUGHT, open_table=True)
