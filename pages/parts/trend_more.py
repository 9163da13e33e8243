"""Beneath the trends: changes of level, the months to come, the other sources, days that differ, rare events."""

import pandas as pd
import streamlit as st

from answers import trends
from data import store
from ui import chart_forest, chart_rare, charts, findings, trend_findings, words
from ui.frame import Page


@st.cache_data(show_spinner="Looking for changes of level…", max_entries=64)
def _changes(scope: store.Scope, events: str) -> pd.DataFrame:
    return trends.changes(scope)


@st.cache_data(show_spinner="Looking ahead…", max_entries=64)
def _ahead(scope: store.Scope) -> pd.DataFrame:
    return trends.ahead(scope)


@st.cache_data(show_spinner="Asking the other sources…", max_entries=64)
def _beside(scope: store.Scope) -> pd.DataFrame:
    return trends.beside(scope)


@st.cache_data(show_spinner="Comparing days…", max_entries=64)
def _days(scope: store.Scope) -> pd.DataFrame:
    return trends.days_that_differ(scope)


@st.cache_data(show_spinner="Counting the days between…", max_entries=64)
def _rare(scope: store.Scope, events: str) -> pd.DataFrame:
    return trends.rare(scope)


def levels(page: Page, scope: store.Scope, events: str) -> None:
    """When the level of one source changed. events : the version of the register (`events.version`)."""
    rows = _changes(scope, events)
    told = {"title": "Changes of level", "scope": scope, "notes": trend_findings.STEPS, "period": "All months held"}
    found = page.release(rows, counts=[], derived=["ratio", "lower", "upper"], **told)
    columns = ("month", "earliest", "latest", "level_before", "level_after", "ratio", "lower", "upper")
    said = trend_findings.levels(found, enough=rows.attrs["enough"])
    page.show(found, finding=said, key="levels", columns=columns, open_table=True)


def ahead(page: Page, scope: store.Scope) -> None:
    """What the next months may bring, where earlier forecasts were worth showing."""
    coming = _ahead(scope)
    if not coming.attrs["shown"]:
        st.caption(words.plain(trend_findings.no_forecast(coming)))
        return
    notes = trend_findings.tested(coming.attrs["summary"])
    told = {"title": "The months to come", "scope": scope, "notes": notes, "period": "All months held"}
    ranges = {f"range_{level}": words.span(coming[f"lower_{level}"], coming[f"upper_{level}"]) for level in (80, 95)}
    numbers = ["forecast", "lower_80", "upper_80", "lower_95", "upper_95"]
    found = page.release(coming.assign(**ranges), counts=[], derived=numbers, **told)
    said = trend_findings.coming(found)
    page.show(found, finding=said, key="ahead", columns=("month", "forecast", *ranges), open_table=True)


def rare(page: Page, scope: store.Scope, events: str) -> None:
    """Days between events, where months are too rare for a chart; and which chart suits, with the reason."""
    rows = _rare(scope, events)
    chart, reason = rows.attrs["chart"], rows.attrs["reason"]
    if chart not in ("T", "G"):
        st.caption(words.plain(trend_findings.which_chart(chart, reason)))
        return
    notes = trend_findings.rare_notes(chart, reason)
    told = {"title": f"Days between events ({chart} chart)", "scope": scope, "notes": notes}
    found = page.release(rows, counts=[], derived=["value", "centre", "lower", "upper"], **told)
    said, columns = trend_findings.rare(found, rows.attrs["quiet"]), ("event", "quarter", "value", "upper", "rule")
    kept = "To look at, not to take away: events one by one"
    page.show(found, chart_rare.between(found), finding=said, key="rare", columns=columns, kept_back=kept)


def beside(page: Page, scope: store.Scope) -> None:
    """The same in every source, each with what its places mean."""
    rows = _beside(scope)
    whole = scope.but(sources=tuple(dict.fromkeys(rows["source"])), start=rows["month"].min())
    if len(whole.sources) < 2:
        return
    named = {source: f"{page.source_label(source)}: {page.basis(source)}" for source in whole.sources}
    rows = rows.assign(source=rows["source"].map(named))
    told = {"title": "The same in each source, never added up", "scope": whole}
    found = page.release(rows, counts=["n"], notes=trend_findings.BESIDE, **told)
    picture = charts.small_multiples(found, by="source", shared_scale=False)
    kept = store.months_kept_back(whole)
    page.show(found, picture, finding=findings.trend(found, by="source"), key="beside", kept_back=kept)


def days(page: Page, scope: store.Scope) -> None:
    """Weekdays, holidays and paydays against like days of the same month."""
    rows = _days(scope)
    told = {"title": "Days that differ", "scope": scope, "notes": trend_findings.days_notes(rows)}
    told |= {"period": "All months held"}
    found = page.release(rows, counts=[], derived=["ratio", "lower", "upper"], **told)
    shape = {"category": "day_kind", "value": "ratio", "lower": "lower", "upper": "upper", "none": 1}
    picture = chart_forest.forest(found, **shape, **trend_findings.DAYS)
    columns = ("day_kind", "days_compared", "ratio", "lower", "upper")
    page.show(found, picture, finding=trend_findings.days(found), key="days", columns=columns)
