"""The journal: lines that are only added to, whole or as if never written, by one writer at a time, any change seen."""

import datetime
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from data import journal, publish
from data.journal import Journal, Kept
from data.store import NotHeld, Scope

ROOT = Path(__file__).parent.parent
DAY = datetime.date(2024, 2, 29)


class NotWritten(ValueError):
    """How this journal refuses."""


@dataclass(frozen=True)
class Saying:
    """The smallest entry: some words, and the day they were said."""

    id: str
    words: str
    day: datetime.date | None
    invented: bool
    by: str
    at: datetime.datetime
    undone_by: str = ""
    undone_at: datetime.datetime | None = None


def saying(**said: object) -> Saying:
    return Saying(**said | {"day": said["day"] and datetime.date.fromisoformat(said["day"])})


BOOK = Journal("sayings", "a saying", saying, NotWritten)


def write(id: str, *, words: str = "so it is", day: datetime.date | None = DAY, invented: bool = False) -> int:
    with BOOK.writing() as kept:
        return BOOK.record(kept, Saying(id, words, day, invented, "A. Writer", journal.now()))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder in which nothing was ever written."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def file() -> Path:
    return publish.root() / "sayings.jsonl"


def content() -> bytes:
    return file().read_bytes() if file().exists() else b""


def put(content: bytes) -> None:
    file().parent.mkdir(exist_ok=True)
    file().write_bytes(content)


def ids() -> list[str]:
    return [entry.id for entry in BOOK.entries()]


def refusal(act: Callable, *args: object, **more: object) -> str:
    """The words of a refusal; nothing may have been written."""
    before = content()
    with pytest.raises(NotWritten) as refused:
        act(*args, **more)
    assert content() == before
    return str(refused.value)


# ---------------------------------------------------------------------------------------- kept, undone


def test_what_was_written_is_read_again_with_its_days_and_times_oldest_first() -> None:
    assert [write("one"), write("two", words="1\n2 « 监狱 😀", day=None)] == [1, 2]
    one, two = BOOK.entries()
    assert (one.id, one.words, one.day, one.invented, one.by) == ("one", "so it is", DAY, False, "A. Writer")
    assert (two.id, two.words, two.day) == ("two", "1\n2 « 监狱 😀", None)
    assert one.at.utcoffset() == datetime.timedelta(0) and one.at.microsecond == 0 and one.undone_at is None
    assert BOOK.verify()


def test_nothing_written_is_no_entry_and_sound() -> None:
    assert BOOK.entries() == () and BOOK.verify() and not file().exists()


def test_an_entry_is_undone_once_and_keeps_its_place() -> None:
    write("one")
    write("two")
    undone, line = BOOK.undo("one", by="B. Writer", invented=False)
    assert (undone.id, undone.undone_by, line) == ("one", "B. Writer", 3)
    assert BOOK.entries()[0] == undone and ids() == ["one", "two"]
    assert refusal(BOOK.undo, "one", by="C", invented=False) == "This saying has been undone already."
    assert refusal(BOOK.undo, "three", by="C", invented=False) == "There is no such saying."


def test_what_was_written_on_invented_data_is_undone_there_alone() -> None:
    write("one", invented=True)
    assert refusal(BOOK.undo, "one", by="C", invented=False) == "There is no such saying."
    assert BOOK.undo("one", by="C", invented=True)[1] == 2


def test_two_journals_of_one_folder_know_nothing_of_each_other() -> None:
    other = Journal("jokes", "a joke", saying, NotWritten)
    write("one")
    with other.writing() as kept, BOOK.writing() as own:  # a writer of the one does not keep those of the other waiting
        assert (kept.lines, own.lines) == (0, 1)
    assert other.entries() == () and {p.name for p in publish.root().iterdir()} == {
        "sayings.jsonl", "sayings.lock", "jokes.lock",
    }  # fmt: skip


def test_another_folder_is_another_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write("one")
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "elsewhere"))
    assert ids() == []
    write("two")
    assert ids() == ["two"] and BOOK.verify()


def test_a_refusal_tells_all_that_is_wrong_and_nothing_wrong_refuses_nothing() -> None:
    BOOK.refuse([])
    with pytest.raises(NotWritten, match=r"^Too long\. Too late\.$"):
        BOOK.refuse(["Too long.", "Too late."])


def test_a_table_names_who_wrote_to_the_restricted_tier_alone() -> None:
    write("one")
    BOOK.undo("one", by="B. Writer", invented=False)
    names = ["id", "by", "at", "undone_by", "undone_at"]
    told = journal.table(list(BOOK.entries()), names, Scope("restricted", ""))
    assert told[["id", "by", "undone_by"]].to_numpy().tolist() == [["one", "A. Writer", "B. Writer"]]
    assert told["at"].iloc[0] == pd.Timestamp(BOOK.entries()[0].at).tz_localize(None)
    for tier in ("partner", "public", ""):
        lower = journal.table(list(BOOK.entries()), names, Scope(tier, ""))
        assert lower[["id", "by", "undone_by"]].to_numpy().tolist() == [["one", "", ""]]
    assert journal.table([], names, Scope("partner", "")).columns.tolist() == names
    assert journal.table(list(BOOK.entries()), ["id"], Scope("partner", "")).to_numpy().tolist() == [["one"]]


def test_a_snapshot_that_was_withdrawn_says_so() -> None:
    with pytest.raises(NotHeld, match="withdrawn"):
        journal.on_invented(Scope("restricted", "20000101T000000Z-000"))


# ---------------------------------------------------------------------------------- the file, for good


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_each_line_carries_its_own_hash_and_that_of_the_line_before() -> None:
    write("one")
    write("two")
    BOOK.undo("one", by="B", invented=False)
    before = ""
    for line in content().decode().splitlines():
        said = json.loads(line)
        digest = said.pop("hash")
        assert digest == sha256(json.dumps(said, sort_keys=True)) and said["before"] == before
        before = digest
    assert before and BOOK.verify()


def test_any_byte_that_is_changed_is_seen() -> None:
    write("one")
    write("two")
    BOOK.undo("one", by="B", invented=False)
    right = content()
    for place in range(len(right) - 1):  # without the last line end, the last line is one that a crash cut short
        wrong = bytearray(right)
        wrong[place] ^= 1
        put(wrong)
        assert not BOOK.verify(), place
    put(right)
    assert BOOK.verify()


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[1:],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[1], lines[0], lines[2]],
        lambda lines: [*lines, lines[2]],
        lambda lines: [lines[0], b"\n", *lines[1:]],
        lambda lines: [line.replace(b"\n", b"\r\n") for line in lines],
        lambda lines: [*lines, b"[1]\n"],
        lambda lines: [*lines, b"\xff\xfe\n"],
        lambda lines: [*lines, b"[" * 100_000 + b"\n"],
        lambda lines: [*lines, b'{"a": "\\ud800"}\n'],
    ],
)
def test_lines_taken_out_swapped_or_put_in_are_seen_and_nothing_is_added_to_them(change: Callable) -> None:
    for name in ("one", "two", "three"):
        write(name)
    right = content()
    put(b"".join(change(right.splitlines(keepends=True))))
    assert not BOOK.verify()
    assert set(ids()) <= {"one", "two", "three"}  # readers go on, with the lines that are as written
    altered = "The sayings kept so far were changed by another hand, so nothing is added until the file is restored."
    assert refusal(write, "four") == altered
    assert refusal(BOOK.undo, "one", by="B", invented=False) == altered
    put(right)  # from the backup
    write("four")
    assert BOOK.verify() and len(ids()) == 4


@pytest.mark.parametrize(
    ("deed", "changes"),
    [
        ("record", {"day": "2024-02-30"}),
        ("record", {"day": 20240229}),
        ("record", {"at": "yesterday"}),
        ("record", {"colour": "red"}),
        ("undo", {"id": "nobody"}),
    ],
)
def test_a_line_with_a_right_hash_that_makes_no_sense_is_passed_over_and_seen(deed: str, changes: dict) -> None:
    write("one")
    last = json.loads(content())["hash"]
    said = {"id": "two", "words": "so it is", "day": "2024-02-29", "invented": False, "by": "A"}
    said = {"by": "A"} if deed == "undo" else said
    said |= {"at": "2024-03-01T12:00:00+00:00", "deed": deed, "before": last} | changes
    body = json.dumps(said, sort_keys=True)
    put(content() + json.dumps(said | {"hash": sha256(body)}, sort_keys=True).encode() + b"\n")
    assert ids() == ["one"] and not BOOK.verify()


def test_an_entry_whose_line_was_changed_is_not_read() -> None:
    write("one")
    write("two")
    put(content().replace(b'"one"', b'"six"'))
    assert ids() == ["two"] and not BOOK.verify()


def test_a_change_is_seen_although_size_and_time_are_as_before() -> None:
    write("one", words="a prison")
    assert ids() == ["one"]  # now it is remembered
    stat = file().stat()
    put(content().replace(b"prison", b"school"))
    os.utime(file(), ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not BOOK.verify()
    assert "changed by another hand" in refusal(write, "two")


def test_a_last_line_cut_short_anywhere_is_as_if_it_had_never_been() -> None:
    write("one")
    first = content()
    write("two")
    both = content()
    for end in range(len(first), len(both) - 1):
        put(both[:end])
        assert ids() == ["one"] and BOOK.verify(), end
    for end in range(len(first), len(both) - 1, 17):  # and the next line stands where it stood
        put(both[:end])
        assert write("two") == 2
        assert ids() == ["one", "two"] and BOOK.verify()
        assert content().startswith(first) and content().count(b"\n") == 2


def test_a_line_that_lacks_only_its_end_is_kept() -> None:
    write("one")
    whole = content()
    put(whole[:-1])  # as some editors leave a file
    assert ids() == ["one"] and BOOK.verify()
    write("two")
    assert ids() == ["one", "two"] and BOOK.verify() and content().startswith(whole)


def test_a_file_of_nothing_but_a_cut_line_is_begun_anew() -> None:
    for rest in (b"", b"\0" * 100, b'{"at": "2026'):
        put(rest)
        assert ids() == [] and BOOK.verify()
    write("one")
    assert ids() == ["one"] and content().startswith(b"{")


# ---------------------------------------------------------------------------------- several at a time


def in_a_process(script: str) -> subprocess.Popen:
    """A process that has this module as `here`."""
    head = f"""
        import sys
        sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
        import test_journal as here
    """
    code = textwrap.dedent(head) + textwrap.dedent(script)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_two_processes_that_write_at_once_lose_nothing_and_see_each_other(tmp_path: Path) -> None:
    script = """
        import pathlib, time
        def once(kept: here.Kept, id: str) -> str:  # an id is taken by whoever comes first
            if any(entry.id == id for entry in kept.entries):
                return "taken"
            return str(here.BOOK.record(kept, here.Saying(id, "", None, False, {name!r}, here.journal.now())))
        print("ready", flush=True)
        while not pathlib.Path({go!r}).exists():
            time.sleep(0.001)
        for number in range(20):
            for id in (f"{name}-{{number}}", f"both-{{number}}"):
                with here.BOOK.writing() as kept:
                    print(id, once(kept, id), flush=True)
    """
    go = tmp_path / "go"
    both = [in_a_process(script.format(go=str(go), name=name)) for name in ("left", "right")]
    for process in both:
        assert process.stdout.readline().strip() == "ready"
    go.touch()
    told = [line.split() for process in both for line in process.communicate(timeout=120)[0].splitlines()]
    assert [process.returncode for process in both] == [0, 0] and len(told) == 80
    kept = {int(line): id for id, line in told if line != "taken"}
    assert sorted(kept) == list(range(1, 61))  # each line was promised once
    assert ids() == [kept[line] for line in sorted(kept)] and len(set(ids())) == 60
    assert BOOK.verify()


def test_what_was_promised_is_there_after_a_kill_and_the_next_can_write() -> None:
    with in_a_process("for n in range(500): print(here.write(str(n)), flush=True)") as process:
        promised = [process.stdout.readline().strip() for _ in range(5)]
        process.send_signal(signal.SIGKILL)
        promised += process.stdout.read().split()
    assert process.returncode == -signal.SIGKILL
    assert ids()[: len(promised)] == [str(int(line) - 1) for line in promised]
    assert len(ids()) - len(promised) in (0, 1) and BOOK.verify()
    write("next")  # the lock of the dead does not stop the next
    assert BOOK.verify()


def test_a_full_disk_leaves_the_file_as_it_was() -> None:
    write("one")
    before = content()
    script = f"""
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 40}, {len(before) + 40}))
        try:
            here.write("two")
        except OSError:
            print("no room")
    """
    with in_a_process(script) as process:
        assert process.stdout.read() == "no room\n"
    assert content() == before and BOOK.verify()


def test_what_another_process_writes_shows_at_once() -> None:
    assert ids() == []
    with in_a_process('print(here.write("one"))') as process:
        assert process.stdout.read() == "1\n"
    assert ids() == ["one"]


def test_a_writer_waits_for_another_and_gives_up_kindly_while_readers_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    write("one")
    monkeypatch.setattr(journal, "WAIT_S", 0.1)
    with (publish.root() / "sayings.lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert refusal(write, "two") == "Somebody else is writing down a saying; try again in a moment."
        assert ids() == ["one"]
    write("two")
    assert BOOK.entries()[1].id == "two"


def test_what_a_writer_is_given_is_what_the_file_says() -> None:
    write("one")
    with BOOK.writing() as kept:
        assert isinstance(kept, Kept) and kept.entries == BOOK.entries() and (kept.lines, kept.ended) == (1, True)
        assert kept.end == len(content()) and kept.last == json.loads(content())["hash"]
