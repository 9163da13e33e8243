"""The register of events: of the file and of analysts, told to whom they may be, undone, marked on charts."""

import datetime
import json
import logging
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from data import definitions, event_register, journal, judgements, publish
from data.event_register import EventRefused
from data.store import NotHeld, Scope
from ui import events

ROOT = Path(__file__).parent.parent
DAY, LATER = datetime.date(2024, 6, 3), datetime.date(2024, 9, 30)
PORTSMOUTH, SOUTHAMPTON = "E06000044", "E06000045"
WHY = "A new crime system: knife flags are set by hand"
MARCH, DECEMBER = pd.Timestamp("2024-03-01"), pd.Timestamp("2024-12-01")


def snapshot(*, invented: bool = False) -> str:
    """Publish a snapshot that holds nothing."""

    def build(aside: Path) -> dict:
        (aside / "parts").mkdir(exist_ok=True)
        return {"rows": {}, "invented": invented}

    return publish.publish(build).name


@pytest.fixture
def scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scope]:
    """An analyst with a data folder in which nobody wrote an event."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("EXPLORER_PARTNERSHIP", raising=False)
    yield Scope("restricted", snapshot(), start=MARCH, end=DECEMBER)
    publish.remove(tmp_path / "data")


def write(scope: Scope, **changes: object) -> definitions.Event:
    said = {"date": DAY, "kind": "policy", "area": "all", "note": WHY, "rebase": False, "by": "A. Analyst"}
    return event_register.record(scope, **(said | changes))


def refusal(act: Callable, *args: object, **changes: object) -> str:
    """The words of a refusal; nothing may have been written."""
    before = content()
    with pytest.raises(EventRefused) as refused:
        act(*args, **changes)
    assert content() == before
    return str(refused.value)


def content() -> bytes:
    path = publish.root() / "events.jsonl"
    return path.read_bytes() if path.exists() else b""


def written(scope: Scope) -> list[definitions.Event]:
    """The events in force that are not of the file."""
    return [event for event in event_register.held(scope) if event.id]


# ------------------------------------------------------------------------------------ kept and told


def test_an_event_is_kept_with_its_days_and_its_cause(scope: Scope) -> None:
    made = write(scope, note="  A new crime system:\n knife flags\tare set by hand ", rebase=True, until=LATER)
    assert written(scope) == [made]
    assert (made.date, made.until, made.kind, made.scope) == (DAY, LATER, "policy", "all")
    assert (made.note, made.rebase, made.closed, made.invented, made.by) == (WHY, True, False, False, "A. Analyst")
    assert made.at.tzinfo is not None and made.at.microsecond == 0 and made.undone_at is None and len(made.id) == 16


def test_a_time_is_taken_for_its_day(scope: Scope) -> None:
    made = write(scope, date=pd.Timestamp("2024-06-03 14:00"), until=datetime.datetime(2024, 9, 30, 23, 59))
    assert (made.date, made.until) == (DAY, LATER) and written(scope) == [made]
    assert write(scope, kind="programme", until=pd.NaT).until is None


def test_events_of_the_file_and_of_analysts_stand_together_oldest_first(scope: Scope) -> None:
    of_file = [event for event in definitions.events() if not event.invented]
    assert list(event_register.held(scope)) == of_file and {event.id for event in of_file} == {""}
    for day in ("2023-03-01", "2010-01-01", "2024-01-01"):
        write(scope, date=datetime.date.fromisoformat(day))
    together = event_register.held(scope)
    days = [event.date for event in together]
    assert days == sorted(days) and len(together) == len(of_file) + 3
    assert [event for event in together if not event.id] == of_file
    assert together[0].date == datetime.date(2010, 1, 1)


def test_events_on_invented_data_and_on_real_ones_never_mix(scope: Scope) -> None:
    real, invented = write(scope), scope.but(snapshot=snapshot(invented=True))
    assert written(invented) == [] and event_register.history(invented).empty
    assert {event.invented for event in event_register.held(invented)} == {True}
    made = write(invented)  # the same event, of invented data
    assert written(invented) == [made] and written(scope) == [real]
    assert refusal(event_register.undo, invented, real.id, by="A") == "There is no such event."


def test_events_outlive_the_snapshot_they_were_written_on(scope: Scope) -> None:
    made = write(scope)
    publish.remove(publish.root() / "snapshots" / scope.snapshot)
    assert written(scope.but(snapshot=snapshot())) == [made]


def test_an_event_that_has_come_into_the_file_is_told_once(scope: Scope) -> None:
    file = next(event for event in definitions.events() if event.kind == "policy" and not event.invented)
    with event_register.REGISTER.writing() as kept:  # written before the file had it
        twin = definitions.Event(file.date, file.kind, file.scope, "As analysts had it", False, False, id="a1", by="A")
        event_register.REGISTER.record(kept, replace(twin, at=journal.now()))
    assert written(scope) == [] and file in event_register.held(scope)
    assert event_register.history(scope)["note"].tolist() == ["As analysts had it"]


def test_a_snapshot_that_was_withdrawn_says_so(scope: Scope) -> None:
    gone = scope.but(snapshot="20000101T000000Z-000")
    for ask in (event_register.held, event_register.version, event_register.history, write):
        with pytest.raises(NotHeld, match="withdrawn"):
            ask(gone)


def test_events_and_judgements_have_files_of_their_own(scope: Scope) -> None:
    write(scope)
    assert judgements.history(scope).empty and judgements.verify()
    assert {path.name for path in publish.root().glob("*.jsonl")} == {"events.jsonl"}


# --------------------------------------------------------------------------------------------- tiers


def test_closed_events_and_operations_are_told_to_the_restricted_tier_alone(scope: Scope) -> None:
    shown = write(scope)
    write(scope, kind="operation", note="Operation Longname: visible patrols")
    write(scope, kind="programme", closed=True, note="A programme not yet announced")
    event_register.undo(scope, write(scope, kind="covid", closed=True, note="A closed one, undone").id, by="B")
    assert len(written(scope)) == 3 and len(event_register.history(scope)) == 4
    partner = scope.but(tier="partner")
    assert written(partner) == [replace(shown, by="")]
    assert event_register.history(partner)[["id", "by"]].to_numpy().tolist() == [[shown.id, ""]]


def test_an_operation_is_closed_whoever_says_otherwise(scope: Scope) -> None:
    assert write(scope, kind="operation", closed=False).closed
    assert written(scope.but(tier="partner")) == []


@pytest.mark.parametrize("tier", ["public", "", "Restricted", "Partner"])
def test_all_others_are_told_what_stands_in_the_file(scope: Scope, tier: str) -> None:
    event_register.undo(scope, write(scope).id, by="B")
    write(scope)
    lower = scope.but(tier=tier)
    assert list(event_register.held(lower)) == [event for event in definitions.events() if not event.invented]
    assert event_register.history(lower).empty


@pytest.mark.parametrize("tier", ["partner", "public", "", "Restricted"])
def test_only_the_restricted_tier_may_write_or_undo(scope: Scope, tier: str) -> None:
    made, lower = write(scope), scope.but(tier=tier)
    words = "Only analysts and tactical members may change the register of events."
    assert refusal(write, lower, kind="programme") == words
    assert refusal(event_register.undo, lower, made.id, by="C") == words


# ---------------------------------------------------------------------------------------------- undo


def test_an_event_that_is_undone_is_told_no_more_and_can_be_written_anew(scope: Scope) -> None:
    first = write(scope)
    undone = event_register.undo(scope, first.id, by=" B. Analyst ")
    assert (undone.id, undone.undone_by) == (first.id, "B. Analyst") and undone.undone_at >= first.at
    assert written(scope) == []
    second = write(scope, until=LATER)
    seen = event_register.history(scope)
    assert seen["id"].tolist() == [second.id, first.id] and seen["undone_by"].tolist() == ["", "B. Analyst"]
    assert seen["undone_at"].isna().tolist() == [True, False] and seen["until"].isna().tolist() == [False, True]


def test_what_is_unknown_undone_or_of_the_file_cannot_be_undone(scope: Scope) -> None:
    made = write(scope)
    assert refusal(event_register.undo, scope, "0123456789abcdef", by="B") == "There is no such event."
    assert "Say who writes this down" in refusal(event_register.undo, scope, made.id, by=" ")
    in_the_file = "This event stands in the file events.toml and can only be changed there."
    assert refusal(event_register.undo, scope, event_register.held(scope)[0].id, by="B") == in_the_file
    event_register.undo(scope, made.id, by="B")
    assert refusal(event_register.undo, scope, made.id, by="B") == "This event has been undone already."


def test_the_history_has_the_same_columns_and_types_with_nothing_and_can_be_changed(scope: Scope) -> None:
    nothing = event_register.history(scope)
    assert nothing.empty and nothing.columns.tolist() == [
        "id", "date", "until", "event_kind", "area", "note", "rebase", "closed", "by", "at", "undone_by", "undone_at",
    ]  # fmt: skip
    write(scope, until=LATER)
    seen = event_register.history(scope)
    assert seen.dtypes.equals(nothing.dtypes)
    assert seen[["date", "until"]].iloc[0].tolist() == [pd.Timestamp(DAY), pd.Timestamp(LATER)]
    assert seen[["event_kind", "area", "note", "rebase", "closed", "by"]].iloc[0].tolist() == [
        "policy", "all", WHY, False, False, "A. Analyst",
    ]  # fmt: skip
    seen.loc[:, "note"] = "spoilt"
    assert event_register.history(scope)["note"].tolist() == [WHY]


# ------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"date": None}, "Say on which day it began."),
        ({"date": pd.NaT}, "Say on which day it began."),
        ({"until": DAY - datetime.timedelta(days=1)}, "Its last day is before its first."),
        ({"kind": "hearsay"}, "Choose the kind of event: recording change, policy, operation, programme, covid, data"),
        ({"kind": ""}, "Choose the kind of event"),
        ({"area": ""}, "An event is about the whole area or one of its authorities."),
        ({"area": "E06000001"}, "one of its authorities"),  # Hartlepool
        ({"area": "E01017140"}, "one of its authorities"),  # a small area
        ({"note": "Too short"}, "Give a note of 10 to 120 letters; this one has 9."),
        ({"note": "x " * 60 + "xy"}, "this one has 122."),
        ({"note": "a\u200b" + " \n" * 20}, "this one has 1."),  # what cannot be seen is no letter
        ({"by": ""}, "Say who writes this down, in at most 80 letters."),
        ({"by": "x" * 81}, "Say who writes this down"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(scope: Scope, changes: dict, words: str) -> None:
    assert words in refusal(write, scope, **changes)


def test_everything_wrong_is_said_at_once(scope: Scope) -> None:
    words = refusal(write, scope, date=None, kind="x", area="y", note="short", by="", rebase=True)
    for part in ("which day", "kind of event", "whole area", "Give a note", "who writes", "only for a", "named cause"):
        assert part in words


@pytest.mark.parametrize(
    ("today", "earliest_refused", "last_taken"),
    [("2026-05-10", "2027-05-11", "2027-05-10"), ("2024-02-29", "2025-03-01", "2025-02-28")],
)
def test_an_event_lies_between_2000_and_a_year_ahead(
    scope: Scope, today: str, earliest_refused: str, last_taken: str
) -> None:
    today = datetime.date.fromisoformat(today)
    for bad in (datetime.date(1999, 12, 31), datetime.date.fromisoformat(earliest_refused)):
        words = "The days of an event lie from 2000 on, and at most a year ahead."
        assert words in refusal(write, scope, date=bad, today=today)
    assert words in refusal(write, scope, until=bad, today=today)  # of the last day too
    last = datetime.date.fromisoformat(last_taken)
    assert write(scope, date=datetime.date(2000, 1, 1), until=last, today=today).until == last
    assert write(scope, date=last, until=last, today=today).date == last  # one day long


def test_the_day_of_today_is_now_where_it_is_not_said(scope: Scope) -> None:
    now = datetime.datetime.now(datetime.UTC).date()
    assert write(scope, date=now + datetime.timedelta(days=360)).id
    assert "at most a year ahead" in refusal(write, scope, date=now + datetime.timedelta(days=370))


@pytest.mark.parametrize("kind", event_register.KINDS)
def test_limits_begin_anew_only_for_what_changes_how_records_are_made(scope: Scope, kind: str) -> None:
    if kind in ("recording_change", "policy", "data_gap"):
        assert write(scope, kind=kind, rebase=True).rebase
    else:
        assert "only for a recording change, a policy or a gap" in refusal(write, scope, kind=kind, rebase=True)
        assert not write(scope, kind=kind).rebase


def test_limits_begin_anew_only_for_a_cause_of_twenty_letters(scope: Scope) -> None:
    nineteen, twenty = "New recording rules", "New recording rules!"
    assert (len(nineteen), len(twenty)) == (19, 20)
    assert "named cause: say it in 20 letters or more" in refusal(write, scope, note=nineteen, rebase=True)
    assert write(scope, note=nineteen).note == nineteen  # without, it may be as short
    assert write(scope, note=twenty, rebase=True, area=PORTSMOUTH).rebase


def test_limits_begin_anew_for_partners_too_so_the_cause_cannot_be_closed(scope: Scope) -> None:
    assert "cannot be closed: partners see the limits too" in refusal(write, scope, rebase=True, closed=True)
    write(scope, rebase=True)
    rebased = {
        tier: [e.date for e in event_register.held(scope.but(tier=tier)) if e.rebase]
        for tier in ("restricted", "partner")
    }
    assert rebased["restricted"] == rebased["partner"] and DAY in rebased["partner"]


def test_the_same_kind_day_and_area_is_told_once(scope: Scope) -> None:
    made = write(scope)
    words = refusal(write, scope, note="Said in other words, and closed", closed=True, until=LATER)
    assert words.startswith("The register has an event of this kind, day and area already")
    for other in ({"kind": "programme"}, {"area": SOUTHAMPTON}, {"date": LATER}):
        assert write(scope, **other).id
    event_register.undo(scope, made.id, by="B")
    assert write(scope).id


def test_what_stands_in_the_file_is_not_written_again(scope: Scope) -> None:
    # the Serious Violence Duty began on 31 January 2023 (the Home Office's statutory guidance on it)
    again = {"date": datetime.date(2023, 1, 31), "kind": "policy"}
    assert "has an event of this kind, day and area already" in refusal(write, scope, **again)
    assert write(scope.but(snapshot=snapshot(invented=True)), **again).invented  # where the file has none


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("call 07700 900123 after five", "telephone numbers"),
        ("write to someone@example.org", "e-mail addresses"),
        ("seen at 14 High Street again", "addresses"),
        ("found at PO1 2AB on the day", "full postcodes"),
        ("John Smith is released on the day", "names of people"),
        ("fights with Example, John", "names of people"),
        ("a man, DOB 1.2.90, is charged", "dates of birth"),
        ("of QQ 12 34 56 C alone, a case", "national insurance numbers"),
        ("the car AB12 CDE stands here", "number plates"),
        ("crime 44250012345 counted twice", "long numbers"),
    ],
)
def test_a_note_that_tells_of_a_person_is_refused_without_quoting_it(scope: Scope, text: str, what: str) -> None:
    words = refusal(write, scope, note=text)
    assert what in words and "say what happened without them, and name nobody" in words and text not in words


@pytest.mark.parametrize(
    "text",
    [
        "Operation Sceptre: a week of knife searches (13 to 19 May 2024)",
        "Operation Ruby: patrols of hotspots",  # one called like a person: the colon tells them apart
        "The force moves to a new crime system (Athena), 3 June 2024",
        "Ambulance: June 2024 not supplied, 2,500 journeys expected",
        "Counting rules of the Home Office, April 2024: one crime per victim",
        "Night-time economy: late licences in Albert Road end",
    ],
)
def test_ordinary_notes_pass(scope: Scope, text: str) -> None:
    assert write(scope, note=text).note == text


def test_words_in_any_script_come_back_as_they_were_written(scope: Scope) -> None:
    said = 'Więzienie – «strażnicy» zapisują 监狱 😀 {"deed": 1}'
    made = write(scope, note=said, by="Łucja O’Neill")
    assert written(scope) == [made] and (made.note, made.by) == (said, "Łucja O’Neill") and event_register.verify()


# ----------------------------------------------------------------------------------------- at once


def test_the_version_changes_with_what_is_in_force_and_with_nothing_else(scope: Scope) -> None:
    before = event_register.version(scope)
    assert len(before) == 16 and before == event_register.version(scope.but(area=PORTSMOUTH, snapshot=snapshot()))
    made = write(scope)
    with_it = event_register.version(scope)
    event_register.undo(scope, made.id, by="B")
    assert before == event_register.version(scope) != with_it
    write(scope)
    assert event_register.version(scope) not in (before, with_it)  # written anew it is another event


def test_the_version_of_a_tier_tells_nothing_of_what_it_may_not_know(scope: Scope) -> None:
    partner, public = scope.but(tier="partner"), scope.but(tier="public")
    before = [event_register.version(s) for s in (scope, partner, public)]
    write(scope, kind="operation")
    write(scope.but(snapshot=snapshot(invented=True)))
    after = [event_register.version(s) for s in (scope, partner, public)]
    assert after[0] != before[0] and after[1:] == before[1:]
    write(scope)
    assert event_register.version(partner) != before[1] and event_register.version(public) == before[2]


def test_pages_are_given_the_same_version(scope: Scope) -> None:
    before = events.version(scope)
    write(scope)
    assert events.version(scope) == event_register.version(scope) != before


def in_a_process(scope: Scope, script: str) -> subprocess.Popen:
    """A process that can `write(by)` the event of these tests and says whether it was kept."""
    head = f"""
        import datetime, sys
        sys.path.insert(0, {str(ROOT)!r})
        from data import event_register
        from data.store import Scope
        scope = Scope("restricted", {scope.snapshot!r})
        def write(by, day):
            said = dict(kind="policy", area="all", note={WHY!r}, rebase=False, by=by)
            try:
                event_register.record(scope, date=datetime.date(2024, 6, day), **said)
                print("kept", day, by, flush=True)
            except event_register.EventRefused as why:
                print("refused", day, str(why).replace(" ", "_"), flush=True)
    """
    code = textwrap.dedent(head) + textwrap.dedent(script)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_an_event_of_another_process_shows_at_once(scope: Scope) -> None:
    before = event_register.version(scope)
    with in_a_process(scope, 'write("other", 3)') as process:
        assert process.stdout.read() == "kept 3 other\n"
    assert [event.by for event in written(scope)] == ["other"] and event_register.version(scope) != before


def test_two_processes_that_write_the_same_events_at_once_keep_each_once(scope: Scope, tmp_path: Path) -> None:
    go = tmp_path / "go"
    script = f"""
        import pathlib, time
        print("ready", flush=True)
        while not pathlib.Path({str(go)!r}).exists():
            time.sleep(0.001)
        for day in range(1, 21):
            write(NAME, day)
    """
    both = [in_a_process(scope, script.replace("NAME", repr(name))) for name in ("one", "two")]
    for process in both:
        assert process.stdout.readline().strip() == "ready"
    go.touch()
    told = [line.split() for process in both for line in process.communicate(timeout=120)[0].splitlines()]
    assert [process.returncode for process in both] == [0, 0]
    kept = {(int(day), said) for what, day, said in told if what == "kept"}
    assert sorted(day for day, _ in kept) == list(range(1, 21))
    assert {said[:26] for what, _, said in told if what == "refused"} == {"The_register_has_an_event_"}
    assert {(event.date.day, event.by) for event in written(scope)} == kept and event_register.verify()


# ------------------------------------------------------------------------------------- file and log


def test_a_line_is_plain_to_read_and_says_its_days_as_days(scope: Scope) -> None:
    made = write(scope, until=LATER)
    said = json.loads(content())
    assert said.pop("hash") and said == {
        "deed": "record", "before": "", "id": made.id, "at": made.at.isoformat(), "by": "A. Analyst", "closed": False,
        "date": "2024-06-03", "until": "2024-09-30", "kind": "policy", "scope": "all", "note": WHY, "rebase": False,
        "invented": False,
    }  # fmt: skip


def test_an_event_whose_line_was_changed_is_not_told_and_nothing_is_added(scope: Scope) -> None:
    made = write(scope)
    other = write(scope, kind="programme")
    (publish.root() / "events.jsonl").write_bytes(content().replace(b"2024-06-03", b"2023-06-03", 1))
    assert written(scope) == [other] and not event_register.verify()
    words = "The events kept so far were changed by another hand, so nothing is added until the file is restored."
    assert refusal(write, scope, area=PORTSMOUTH) == words
    assert refusal(event_register.undo, scope, made.id, by="B") == words


def test_the_log_has_a_line_for_each_deed_and_tells_neither_note_nor_day_nor_person(
    scope: Scope, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "explorer.event_register"):
        made = write(scope, rebase=True)
        refusal(write, scope)
        event_register.undo(scope, made.id, by="B. Analyst")
    assert caplog.messages == [
        f"recorded id={made.id} kind=policy rebase=True line=1",
        f"undone id={made.id} kind=policy rebase=True line=2",
    ]


# ---------------------------------------------------------------------------------------- on a chart


def test_events_of_the_period_are_marked_with_a_number_and_told_in_the_key(scope: Scope) -> None:
    write(scope, date=datetime.date(2024, 12, 31))
    write(scope, until=LATER, kind="programme", note="Street pastors on weekend nights")
    marks = events.register(scope)
    assert marks[["date", "words", "when", "note"]].to_numpy().tolist() == [
        [pd.Timestamp(DAY), "Street pastors on weekend nights", "Jun 2024 to Sep 2024", "1"],
        [pd.Timestamp("2024-12-31"), WHY, "Dec 2024", "2"],
    ]
    assert marks["until"].tolist() == [pd.Timestamp(LATER), pd.NaT]
    assert events.key(marks) == (
        f"Events 1: Street pastors on weekend nights (Jun 2024 to Sep 2024); 2: {WHY} (Dec 2024)",
    )


def test_without_events_there_is_no_mark_and_no_key(scope: Scope) -> None:
    marks = events.register(scope)
    assert marks.empty and {"date", "until", "words", "when", "note"} == set(marks.columns)
    assert events.key(marks) == ()
    write(scope, until=LATER)
    assert events.register(scope).dtypes[["date", "until"]].equals(marks.dtypes[["date", "until"]])


@pytest.mark.parametrize(
    ("days", "drawn"),
    [
        (("2024-02-29", None), None),
        (("2025-01-01", None), None),
        (("2024-02-01", "2024-02-29"), None),
        (("2025-01-01", "2025-02-01"), None),
        (("2024-03-01", None), ("2024-03-01", None)),
        (("2024-02-01", "2024-03-01"), ("2024-03-01", "2024-03-01")),
        (("2024-02-01", "2025-02-01"), ("2024-03-01", "2024-12-31")),
        (("2024-12-31", "2025-02-01"), ("2024-12-31", "2024-12-31")),
        (("2024-06-03", "2024-06-03"), ("2024-06-03", "2024-06-03")),
    ],
)
def test_an_event_that_lasts_is_drawn_for_its_days_inside_the_period(
    scope: Scope, days: tuple, drawn: tuple | None
) -> None:
    first, last = (day and datetime.date.fromisoformat(day) for day in days)
    write(scope, date=first, until=last, today=datetime.date(2026, 1, 1))
    marks = events.register(scope)
    expected = [] if drawn is None else [[pd.Timestamp(drawn[0]), pd.Timestamp(drawn[1]) if drawn[1] else pd.NaT]]
    assert marks[["date", "until"]].to_numpy(dtype=object).tolist() == expected


def test_the_key_tells_the_days_outside_the_period_too(scope: Scope) -> None:
    write(scope, date=datetime.date(2024, 1, 8), until=datetime.date(2024, 4, 30))
    write(scope, date=DAY, until=datetime.date(2024, 6, 9))
    assert events.register(scope)["when"].tolist() == ["Jan 2024 to Apr 2024", "Jun 2024"]


def test_events_elsewhere_and_gaps_in_the_data_are_not_marked(scope: Scope) -> None:
    write(scope, area=PORTSMOUTH, kind="programme")
    write(scope, kind="data_gap")
    whole, there, elsewhere = (scope.but(area=area) for area in ("all", PORTSMOUTH, SOUTHAMPTON))
    assert [len(events.register(asked)) for asked in (whole, there, elsewhere)] == [1, 1, 0]


def test_a_chart_marks_no_more_than_its_reader_may_know(scope: Scope) -> None:
    write(scope, kind="operation", note="Operation Longname: visible patrols")
    write(scope)
    assert [len(events.register(scope.but(tier=tier))) for tier in ("restricted", "partner", "public")] == [2, 1, 0]


def test_lockdowns_last_while_people_were_told_to_stay_at_home(scope: Scope) -> None:
    # SI 2020/350 regulation 6 to 1 June 2020 (SI 2020/558); SI 2020/1200 to 2 December 2020 (SI 2020/1374);
    # SI 2021/8 to 29 March 2021 (SI 2021/364): the last days are those before.
    period = scope.but(start=pd.Timestamp("2020-01-01"), end=pd.Timestamp("2021-06-01"), tier="public")
    assert events.key(events.register(period)) == (
        "Events 1: First Covid lockdown (Mar 2020 to May 2020); 2: Second Covid lockdown (Nov 2020 to Dec 2020); "
        "3: Third Covid lockdown (Jan 2021 to Mar 2021)",
    )
    assert events.register(period)["until"].dt.strftime("%Y-%m-%d").tolist() == [
        "2020-05-31", "2020-12-01", "2021-03-28",
    ]  # fmt: skip
