"""Overview: what is happening now, against what we expected."""

import pandas as pd
import streamlit as st

from analytics import trends
from data import store
from ui import charts, events, filters, findings, frame, remarks, tables

page = frame.open_page("overview")
scope = filters.scope(page)
EXPECTED = ("expected_lower", "expected_upper")


@st.cache_data(show_spinner="Counting…", max_entries=64)
def history(scope: store.Scope) -> pd.DataFrame:
    """Every month held of one source up to the end of the period, with the range each was expected in."""
    first = min(store.held_months(scope, scope.sources[0]), default=scope.start)
    months = store.monthly_counts(scope.but(start=min(first, scope.start)))
    return trends.expected_range(months)


@st.cache_data(show_spinner="Counting…", max_entries=64)
def by_authority(scope: store.Scope) -> pd.DataFrame:
    """Monthly counts of one source in each authority over the three years to the end of the period."""
    return store.monthly_counts(scope.but(start=scope.end - pd.DateOffset(months=35)), by=("authority_code",))


with page.explaining():
    records = {source: history(scope.but(sources=(source,))) for source in scope.sources}

for column, (source, months) in zip(st.columns(max(len(records), 3)), records.items(), strict=False):
    compared = trends.same_period_last_year(months, scope.start, scope.end)
    change = trends.change(compared["now"], compared["before"])
    numbers = compared.join(change[["ratio", "lower", "upper", "verdict"]]).assign(n=compared["now"])
    only = scope.but(sources=(source,))
    asked = page.release(numbers, counts=["n"], title="Records in the period", scope=only)
    latest = page.release(months, counts=["n"], derived=["expected", *EXPECTED], title="Latest month", scope=only)
    said = f"{remarks.same_period(asked)} {remarks.against_expectation(latest)}"
    with column:
        page.headline(asked, label=page.source_label(source), column="n", change=said)

main = scope.sources[0]
months_scope = scope.but(sources=(main,), start=records[main]["month"].min())
months = page.release(
    records[main],
    counts=["n"],
    derived=["expected", *EXPECTED],
    title=f"{page.source_label(main)} by month",
    scope=months_scope,
    notes=("The shaded range is where a month was expected from its own earlier months, 95%",),
)
ranged = EXPECTED if months.table["expected"].notna().any() else None
with page.explaining():
    picture = charts.trend(
        months, expected=ranged, flags=events.flags(months_scope), events=events.register(months_scope)
    )
page.show(months, picture, finding=findings.trend(months), key="months")

if scope.area == store.ALL:
    with page.explaining():
        counts = by_authority(scope.but(sources=(main,)))
    counts = counts.assign(authority_name=counts["authority_code"].map(page.labels("authority_code")))
    areas = page.release(
        counts,
        counts=["n"],
        title="Records by month in each authority",
        scope=scope.but(sources=(main,), start=counts["month"].min()),
    )
    page.show(
        areas, charts.small_multiples(areas, by="authority_name"), finding=remarks.authorities(areas), key="areas"
    )

left, right = st.columns(2)
with left, page.explaining():
    fresh = tables.freshness(page)
    page.show(fresh, finding=remarks.freshness(fresh), key="fresh", open_table=True)
with right, page.explaining():
    page.show(tables.news(page), finding="What the latest snapshot brought", key="news", open_table=True)
