"""The tables about the data themselves, as Releases: freshness, months, completeness, rows set aside, loads."""

import pandas as pd

from analytics.disclosure import Release
from data import definitions, tracker
from data.store import Scope
from ui import words
from ui.frame import Page


def freshness(page: Page) -> Release:
    """How fresh each source is."""
    rows = tracker.freshness(page.scope, _today(page))
    rows["source"] = rows["source"].map(_label)
    return _release(page, rows, "Freshness by source", counts=[])


def news(page: Page) -> Release:
    """The deliveries that made the current snapshot."""
    rows = tracker.new_since_last(page.scope)
    rows["source"] = rows["source"].map(_label)
    return _release(page, rows, "What the current snapshot brought", counts=[])


def months_held(page: Page) -> Release:
    """Which months of which source were supplied."""
    rows = tracker.months_held(page.scope)
    rows["source"] = rows["source"].map(_label)
    return _release(page, rows, "Months supplied", counts=[])


def completeness(page: Page) -> Release:
    """How often each field is filled in, by source."""
    rows = tracker.completeness(page.scope)
    rows = rows[rows["filled"] > 0]  # a field that is never filled in is none its source records
    rows["source"] = rows["source"].map(_label)
    rows["field"] = rows["field"].map(words.label)
    return _release(page, rows, "How often each field is filled in", counts=[], derived=["filled"])


def set_aside(page: Page) -> Release:
    """Rows that were not taken, by reason."""
    rows = tracker.set_aside(page.scope)
    rows["source"] = rows["source"].map(_label)
    return _release(page, rows, "Rows set aside, by reason", counts=["n"])


def flags(page: Page) -> Release:
    """Months that depart from their source's own history."""
    rows = tracker.store.flags(page.scope)
    rows["source"] = rows["source"].map(_label)
    return _release(page, rows, "Months to read with care", counts=[])


def loads(page: Page) -> Release:
    """Every delivery."""
    rows = tracker.store.latest_loads(page.scope)
    rows["source"] = rows["source"].map(_label)
    return _release(page, rows.drop(columns=["file_hash", "reasons"]), "Deliveries", counts=[])


def _today(page: Page) -> pd.Timestamp:
    """The day lateness is judged by; invented data are looked at a month after they end, for they never grow."""
    if not page.facts.get("invented"):
        return pd.Timestamp.now()
    return tracker.store.coverage(page.scope)["month"].max() + pd.DateOffset(months=2)


def _release(page: Page, rows: pd.DataFrame, title: str, *, counts: list[str], derived: list[str] = []) -> Release:
    everything = Scope(page.scope.tier, page.scope.snapshot)  # of no source: about all of them
    return page.release(
        rows,
        counts=counts,
        derived=derived,
        title=title,
        scope=everything,
        period="Everything held",
        basis="",
        sources=("The record of loads of this tool",),
    )


def _label(source: str) -> str:
    known = definitions.sources().get(source)
    return known.label if known else source.replace("_", " ").capitalize()
