"""What is known of one place: its months, its offences, its week. Each comes as a Release, ready to be shown."""

import pandas as pd
import streamlit as st

from analytics.disclosure import Release
from data import definitions, store
from data.store import Scope
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
def _week(scope: Scope) -> pd.DataFrame:
    return store.weekday_hour(scope)


def months(page: Page, scope: Scope) -> Release:
    """Records by month, of each source."""
    return page.release(_months(scope), counts=["n"], title="Records by month", scope=scope)


def mix(page: Page, scope: Scope) -> Release:
    """Records by offence group."""
    return page.release(_mix(scope), counts=["n"], title="Records by offence group", scope=scope)


def week(page: Page, scope: Scope) -> Release | None:
    """Records by weekday and hour, or None where no chosen source says the hour."""
    timed = tuple(s for s in scope.sources if store.answers(s, "time"))
    if not timed:
        return None
    scope = scope.but(sources=timed[:1])
    hours = _week(scope)
    left_out = hours.attrs.get("left_out", 0)
    notes = (f"{left_out:,} records whose hour is not known are left out",) if left_out else ()
    return page.release(hours, counts=["n"], title="Records by weekday and hour", scope=scope, notes=notes)
