"""The register of events for pages: what is in force, and the way to write in it. A row is an event."""

import pandas as pd

from data import definitions, event_register, store
from data.event_register import KINDS, REBASING, EventRefused
from data.store import Scope

__all__ = ["KINDS", "REBASING", "EventRefused", "in_force", "record", "undo"]

record, undo = event_register.record, event_register.undo
GAP = "data_gap"
COLUMNS = ["id", "date", "until", "event_kind", "area", "note", "rebase", "closed", "by", "at"]


def in_force(scope: Scope) -> pd.DataFrame:
    """Every event that the scope's tier may know of and that concerns its area, newest first.

    The public is not told of gaps in the data: they name sources it does not know of.

    Returns the columns of `event_register.history`, without those of undoing; `area` in words, `id` empty for those of
    the file, which are changed there.
    """
    names = {a.code: a.name for a in definitions.partnership().authorities}
    here = [e for e in event_register.held(scope) if scope.area in (store.ALL, e.scope) or e.scope == store.ALL]
    here = [e for e in here if scope.tier != "public" or e.kind != GAP]
    rows = [
        (e.id, e.date, e.until, e.kind, names.get(e.scope, "Whole area"), e.note, e.rebase, e.closed, e.by, e.at)
        for e in reversed(here)
    ]
    found = pd.DataFrame(rows, columns=COLUMNS)
    for day in ("date", "until"):
        found[day] = pd.to_datetime(found[day]).astype("datetime64[us]")
    found["at"] = pd.to_datetime(found["at"], utc=True).dt.tz_localize(None).astype("datetime64[us]")
    return found
