"""What is known of one place: its months, its offences, its week. Each comes as a Release, ready to be shown."""

import pandas as pd
import streamlit as st

from analytics.disclosure import Release
from data import definitions, store
from data.store import Scope
from ui import words
from ui.frame import Page


@st.cache_data(show_spinner=False, max_entries=256)
def _months(scope: Scope) -> pd.DataFrame:
    return store.monthly_counts(scope)


@st.cache_data(show_spinner=False, max_entries=256)
def _mix(scope: Scope) -> pd.DataFrame:
    found = store.offence_mix(scope)
    labels = {key: group.label for key, group in definitions.offence_groups().items()}
    return found.assign(offence_group=found["offence_group"].map(labels))


@st.cache_data(show_spinner=False, max_entries=256)
def _sources(scope: Scope) -> pd.DataFrame:
    return store.source_counts(scope)


@st.cache_data(show_spinner=False, max_entries=256)
def _week(scope: Scope) -> pd.DataFrame:
    return store.weekday_hour(scope)


def months(page: Page, scope: Scope) -> Release:
    """Records by month, of each source."""
    return page.release(_months(scope), counts=["n"], title="Records by month", scope=scope)


def months_and_year_before(page: Page, scope: Scope) -> Release:
    """Records by month from a year before the period on, to say what changed."""
    return months(page, scope.but(start=scope.start - pd.DateOffset(years=1)))


def mix(page: Page, scope: Scope) -> Release:
    """Records by offence group."""
    return page.release(_mix(scope), counts=["n"], title="Records by offence group", scope=scope)


def sources(page: Page, scope: Scope) -> Release:
    """What each source holds of a place and period, with what its places mean."""
    found = _sources(scope)
    settings = [definitions.source(s) for s in found["source"]]
    named = found.assign(source=[s.label for s in settings], place_basis=[s.basis for s in settings])
    whole = scope.but(sources=tuple(found["source"]))
    release = page.release(named, counts=["n"], title="Records by source", scope=whole)
    return page.part(release, release.table, title="Records by source, never added up")


def week(page: Page, scope: Scope) -> Release | None:
    """Records by weekday and hour, or None where no chosen source says the hour."""
    banded = store.banded_sources(scope)
    timed = tuple(s for s in scope.sources if store.answers(s, "time") and s not in banded)
    if not timed:
        return None
    scope = scope.but(sources=timed[:1])
    hours = _week(scope)
    left_out = hours.attrs.get("left_out", 0)
    notes = (f"{left_out:,} records whose hour is not known are left out",) if left_out else ()
    return page.release(hours, counts=["n"], title="Records by weekday and hour", scope=scope, notes=notes)


def deprivation(page: Page, scope: Scope) -> Release:
    """Small areas of an authority in each tenth of deprivation."""
    rows = store.deprivation(scope)
    rows = rows.rename(columns={"n": "areas"})
    tenths = rows.assign(decile=rows["decile"].map(_tenth)) if len(rows) else rows
    year = f"Index of {rows['period'].iat[0]}" if len(rows) else "No index held"
    return page.release(
        tenths,
        counts=["areas"],
        title="Small areas by tenth of deprivation",
        scope=scope,
        **open_source("deprivation", year),
    )


def admissions(page: Page, scope: Scope) -> Release | None:
    """Residents admitted to hospital for assault, by financial year and cause; the public do not hear of the source."""
    yearly = store.admissions(scope).rename(columns={"n": "admitted"})
    if yearly.empty and page.visitor.tier == "public":
        return None
    yearly["icd_group"] = [words.value("icd_group", code) for code in yearly["icd_group"]]
    withheld = int(yearly["withheld"].sum())
    notes = (
        (f"{withheld} parts were withheld by their owner as too small; sums that need them are too low",)
        if withheld
        else ()
    )
    settings = definitions.source("admissions")
    return page.release(
        yearly,
        counts=["admitted"],
        title="Hospital admissions for assault",
        scope=scope.but(sources=("admissions",)),
        notes=notes,
        period="Financial years held",
        basis=settings.basis,
        freshness="",
    )


def open_source(source: str, period: str = "Newest held") -> dict[str, object]:
    """Where figures of a source that is not of records come from, for `Page.release`."""
    settings = definitions.source(source)
    label = f"{settings.label} ({settings.controller}, {settings.licence})"
    return {"sources": (label,), "basis": settings.basis, "period": period, "freshness": ""}


def _tenth(decile: int) -> str:
    return {1: "1, most deprived", 10: "10, least deprived"}.get(decile, str(decile))
