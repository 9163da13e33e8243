"""What a reader of a trend should know of: the register of events, and the months that depart from their history."""

import pandas as pd

from data import definitions, store
from data.store import Scope
from ui import words

MOST_TOLD = 2  # flagged months told in full; the data tracker lists them all
DRAWN = ("recording_change", "policy", "operation", "programme", "covid")  # a gap in the data is drawn as a gap


def register(scope: Scope) -> pd.DataFrame:
    """Events of the period that concern the area, oldest first: date, note (a number), words (what happened)."""
    invented = bool((store.snapshot_facts() or {}).get("invented"))
    start, end = scope.start, scope.end + pd.offsets.MonthEnd(1)
    rows = [
        (pd.Timestamp(e.date), e.note)
        for e in definitions.events()
        if e.invented == invented and e.kind in DRAWN and start <= pd.Timestamp(e.date) <= end
        if e.scope == "all" or scope.area in (store.ALL, e.scope)
    ]
    found = pd.DataFrame(rows, columns=["date", "words"])
    return found.assign(note=[str(k + 1) for k in range(len(found))])


def key(marks: pd.DataFrame) -> tuple[str, ...]:
    """What the numbers on the chart stand for."""
    told = [f"{m.note}: {m.words} ({words.month(m.date)})" for m in marks.itertuples()]
    return ("Events " + "; ".join(told),) if told else ()


def flags(scope: Scope) -> pd.DataFrame:
    """Months of the chosen sources that depart from their own history: month, reason."""
    found = store.flags(scope)
    inside = found["source"].isin(scope.sources) & found["month"].between(scope.start, scope.end)
    return found[inside].groupby("month", as_index=False)["reason"].agg("; ".join)


def read_with_care(scope: Scope) -> tuple[str, ...]:
    """The flagged months of a scope in one sentence, for the note under every picture that uses them."""
    if not scope.sources:
        return ()
    found = flags(scope)
    told = [f"{words.month(f.month)}: {f.reason}" for f in found.head(MOST_TOLD).itertuples()]
    more = [f"{words.count(len(found) - MOST_TOLD, 'more month')}"] if len(found) > MOST_TOLD else []
    return ("Read with care: " + "; ".join(told + more),) if told else ()
