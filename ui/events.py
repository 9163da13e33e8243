"""What a reader of a trend should know of: the register of events, and the months that depart from their history."""

import pandas as pd

from data import definitions, store
from data.store import Scope


def register(scope: Scope) -> pd.DataFrame:
    """Events of the period that concern the scope's area: date, note."""
    facts = store.snapshot_facts() or {}
    invented = bool(facts.get("invented"))
    rows = [e for e in definitions.events() if invented or not e.invented]
    rows = [e for e in rows if e.scope in ("all", scope.area) or scope.area == store.ALL]
    found = pd.DataFrame({"date": [pd.Timestamp(e.date) for e in rows], "note": [e.note for e in rows]})
    if found.empty:
        return found
    return found[found["date"].between(scope.start, scope.end + pd.offsets.MonthEnd(1))]


def flags(scope: Scope) -> pd.DataFrame:
    """Months of the chosen sources that depart from their own history: month, reason."""
    found = store.flags(scope)
    inside = found["source"].isin(scope.sources) & found["month"].between(scope.start, scope.end)
    return found[inside].groupby("month", as_index=False)["reason"].agg("; ".join)
