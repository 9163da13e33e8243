"""What a reader of a trend should know of: the register of events, and the months that depart from their history."""

import pandas as pd

from data import event_register, store
from data.definitions import Event
from data.store import Scope
from ui import words

MOST_TOLD = 2  # flagged months told in full; the data tracker lists them all
DRAWN = ("recording_change", "policy", "operation", "programme", "covid")  # a gap in the data is drawn as a gap
MARKS = ["date", "until", "words", "when"]


def register(scope: Scope) -> pd.DataFrame:
    """Events of the period that concern the area and that the tier may know of, oldest first.

    Returns date and until (its first and last day inside the period; no `until`: a moment, or it goes on), words (what
    happened), when (in words, also of days outside the period) and note (a number, as on the chart). They show at once
    when an analyst writes them: ask for them outside of what is cached.
    """
    start, end = scope.start, scope.end + pd.offsets.MonthEnd(1)
    rows = []
    for event in event_register.held(scope):
        first, last = pd.Timestamp(event.date), pd.Timestamp(event.until or event.date)
        here = event.scope == store.ALL or scope.area in (store.ALL, event.scope)
        if event.kind in DRAWN and here and first <= end and last >= start:
            until = min(last, end) if event.until else pd.NaT
            rows.append((max(first, start), until, event.note, _when(event)))
    found = pd.DataFrame(rows, columns=MARKS).astype({"date": "datetime64[us]", "until": "datetime64[us]"})
    return found.assign(note=[str(k + 1) for k in range(len(found))])


def version(scope: Scope) -> str:
    """Changes with the events that the scope's tier may know of: for what an answer that hangs on them is kept by."""
    return event_register.version(scope)


def _when(event: Event) -> str:
    """March 2020, or March 2020 to May 2020."""
    months = [words.month(pd.Timestamp(day)) for day in (event.date, event.until) if day]
    return " to ".join(dict.fromkeys(months))


def key(marks: pd.DataFrame) -> tuple[str, ...]:
    """What the numbers on the chart stand for."""
    told = [f"{m.note}: {m.words} ({m.when})" for m in marks.itertuples()]
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
