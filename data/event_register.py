"""What a reader of a trend should know of: the events of events.toml and those that analysts write. A row is an event.

Analysts' events are kept in `events.jsonl` beside the snapshots and outlive them: one line for each event and each
undoing of one, never changed (see `data.journal`). They show at once, although the snapshot is the same: an answer that
depends on events and is remembered has to have `version(scope)` beside the scope in what it is remembered by.
"""

import datetime
import hashlib
import logging
import secrets
from dataclasses import replace

import pandas as pd

from data import definitions, journal
from data.definitions import Event
from data.journal import on_invented
from data.plain_words import plain, wrong_name, wrong_with
from data.store import ALL, Scope

KINDS = ("recording_change", "policy", "operation", "programme", "covid", "data_gap")
OPERATION = "operation"  # its note may name one that is not known: for the restricted tier alone
REBASING = ("recording_change", "policy", "data_gap")  # what can change how records are made, rather than violence
EARLIEST = datetime.date(2000, 1, 1)  # nothing held is older (`store.EARLIEST`)
SHORTEST, LONGEST = 10, 120  # letters of a note: it stands beside a chart
SHORTEST_CAUSE = 20  # letters of a note for which limits begin anew: less names no cause
WHO = "who writes this down"
FLAGS, TEXTS = ["rebase", "closed"], ["id", "event_kind", "area", "note", "by", "undone_by"]
HISTORY = ["id", "date", "until", "kind", "scope", "note", *FLAGS, "by", "at", "undone_by", "undone_at"]
NAMES = {"kind": "event_kind", "scope": "area"}  # of columns, where these words mean other things
log = logging.getLogger("explorer.event_register")


class EventRefused(ValueError):
    """An event that is not kept, or cannot be undone. The message is for someone at a page and quotes nothing."""


def _event(**said: object) -> Event:
    """An event from what a line says, its days as text."""
    until = said["until"] and datetime.date.fromisoformat(said["until"])
    return Event(**said | {"date": datetime.date.fromisoformat(said["date"]), "until": until})


REGISTER = journal.Journal("events", "an event", _event, EventRefused)


def record(
    scope: Scope,
    *,
    date: datetime.date,
    kind: str,
    area: str,
    note: str,
    rebase: bool,
    by: str,
    until: datetime.date | None = None,
    closed: bool = False,
    today: datetime.date | None = None,
) -> Event:
    """Keep an event for everybody of the tiers that may know of it, beside the kind of data the scope looks at.

    date, until : first and last day, from 2000 to a year after `today`; no `until` where it is a moment, or goes on.
    kind : one of KINDS. area : "all", or an authority's code. note : what happened, 10 to 120 letters, naming nobody.
    rebase : the level before and after cannot be compared, so control limits begin anew; of REBASING alone, with a note
    of 20 letters or more that names the cause. closed : for the restricted tier alone; operations always are.
    by : who writes it down. today : as of now, where it is not said.

    Raises EventRefused with all that is wrong with it, in sentences.
    Misleads where it is marked as rebasing though violence changed, not its records: the change is hidden by it. The
    public never gets these events: their limits begin anew only where events.toml says so.
    """
    _only_restricted(scope)
    made = Event(
        date=_day(date), until=_day(until), kind=kind, scope=area, note=plain(note), rebase=bool(rebase),
        closed=bool(closed) or kind == OPERATION, invented=on_invented(scope),
        id=secrets.token_hex(8), by=plain(by), at=journal.now(),
    )  # fmt: skip
    today = today or made.at.date()
    REGISTER.refuse([*_wrong_words(made), *_wrong_days(made, today), *_wrong_kind(made), *_wrong_rebase(made)])
    with REGISTER.writing() as kept:
        REGISTER.refuse(_wrong_beside(made, kept.entries))
        line = REGISTER.record(kept, made)
    log.info("recorded id=%s kind=%s rebase=%s line=%d", made.id, kind, made.rebase, line)
    return made


def undo(scope: Scope, id: str, *, by: str) -> Event:
    """Take back an event that an analyst wrote; those of the file have no `id` and are changed in the file alone.

    To change an event, undo it and write it anew: the history keeps both.
    """
    _only_restricted(scope)
    by = plain(by)
    REGISTER.refuse(wrong_name(by, who=WHO))
    if not id:
        raise EventRefused("This event stands in the file events.toml and can only be changed there.")
    undone, line = REGISTER.undo(id, by=by, invented=on_invented(scope))
    log.info("undone id=%s kind=%s rebase=%s line=%d", id, undone.kind, undone.rebase, line)
    return undone


def held(scope: Scope) -> tuple[Event, ...]:
    """The events in force that the scope's tier may know of, of the file and of analysts, oldest first; of all areas.

    The public gets those of the file, partners those of analysts that are not closed too, without who wrote them.
    One that has come into the file since (kind, day and area the same) is told as the file has it.
    """
    invented = on_invented(scope)
    file = [event for event in definitions.events() if event.invented == invented]
    in_file = {_same(event) for event in file}
    written = [event for event in _told(scope) if not event.undone_at and _same(event) not in in_file]
    if scope.tier != "restricted":
        written = [replace(event, by="") for event in written]
    return tuple(sorted([*file, *written], key=lambda event: event.date))


def version(scope: Scope) -> str:
    """Sixteen digits that change whenever `held` does: of the scope, only its tier and its kind of data count."""
    return hashlib.sha256(repr(held(scope)).encode()).hexdigest()[:16]


def history(scope: Scope) -> pd.DataFrame:
    """Every event that analysts wrote and the scope's tier may know of, undone ones too, newest writing first.

    Returns id, date, until (may be missing), event_kind, area, note, rebase, closed, by, at, undone_by and undone_at
    (UTC; missing while it is in force). Who wrote is empty below the restricted tier.
    """
    rows = journal.table(list(reversed(_told(scope))), HISTORY, scope).rename(columns=NAMES)
    days = {day: pd.to_datetime(rows[day]).astype("datetime64[us]") for day in ("date", "until")}
    return rows.assign(**days).astype(dict.fromkeys(TEXTS, "str") | dict.fromkeys(FLAGS, "bool"))


def verify() -> bool:
    """Whether the file of analysts' events is as it was written: see `journal.Journal.verify`."""
    return REGISTER.verify()


def _told(scope: Scope) -> list[Event]:
    """What analysts wrote beside this kind of data that the scope's tier may know of, undone ones too, oldest first."""
    if scope.tier not in ("restricted", "partner"):
        return []
    invented = on_invented(scope)
    return [e for e in REGISTER.entries() if e.invented == invented and (scope.tier == "restricted" or not e.closed)]


def _same(event: Event) -> tuple[str, datetime.date, str]:
    return event.kind, event.date, event.scope


def _only_restricted(scope: Scope) -> None:
    if scope.tier != "restricted":
        raise EventRefused("Only analysts and tactical members may change the register of events.")


def _day(said: datetime.date | None) -> datetime.date | None:
    """The day alone, of a day or a time; None where nothing is said."""
    if said is None or said is pd.NaT:
        return None
    return said.date() if isinstance(said, datetime.datetime) else said


def _wrong_words(made: Event) -> list[str]:
    """What is wrong with the note and with who writes it."""
    words = wrong_with(made.note, called="note", says="what happened", shortest=SHORTEST, longest=LONGEST)
    return [*wrong_name(made.by, who=WHO), *words]


def _wrong_days(made: Event, today: datetime.date) -> list[str]:
    if made.date is None:
        return ["Say on which day it began."]
    latest = (pd.Timestamp(today) + pd.DateOffset(years=1)).date()
    wrong = []
    if not all(EARLIEST <= day <= latest for day in (made.date, made.until or made.date)):
        wrong.append(f"The days of an event lie from {EARLIEST.year} on, and at most a year ahead.")
    if made.until and made.until < made.date:
        wrong.append("Its last day is before its first.")
    return wrong


def _wrong_kind(made: Event) -> list[str]:
    """What is wrong with the kind and with the area."""
    wrong = []
    if made.kind not in KINDS:
        wrong.append(f"Choose the kind of event: {', '.join(KINDS).replace('_', ' ')}.")
    if made.scope not in (ALL, *definitions.partnership().codes):
        wrong.append("An event is about the whole area or one of its authorities.")
    return wrong


def _wrong_rebase(made: Event) -> list[str]:
    """What forbids that limits begin anew: whoever sees them has to be told a cause, and violence itself is none."""
    if not made.rebase:
        return []
    wrong = []
    if made.kind not in REBASING:
        wrong.append("Limits begin anew only for a recording change, a policy or a gap in the data.")
    if len(made.note) < SHORTEST_CAUSE:
        wrong.append(f"Limits begin anew only for a named cause: say it in {SHORTEST_CAUSE} letters or more.")
    if made.closed and made.kind != OPERATION:
        wrong.append("An event for which limits begin anew cannot be closed: partners see the limits too.")
    return wrong


def _wrong_beside(made: Event, kept: tuple[Event, ...]) -> list[str]:
    """What forbids it among the events in force, of the file too: one is told once."""
    others = [e for e in (*definitions.events(), *kept) if not e.undone_at and e.invented == made.invented]
    if any(_same(event) == _same(made) for event in others):
        return [
            "The register has an event of this kind, day and area already: undo that one, or tell of both in one note."
        ]
    return []
