"""What people write for others to read, kept for good: files that are only added to. A line is one deed on one entry.

Deeds are `record` and `undo`. Each line carries a hash of itself and that of the line before, so that a change of what
was written is seen. One may write at a time, of all processes; a last line that a crash cut short was promised to
nobody and is passed over. The files lie beside the snapshots and outlive them.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Generic, Protocol, TypeVar

import pandas as pd

from data import publish
from data.store import NotHeld, Scope

WAIT_S = 10  # for another writer; one line takes some milliseconds
ALTERED = "were changed by another hand, so nothing is added until the file is restored."
UNDONE = ("undone_by", "undone_at")  # said by the deed that undoes, not by the one that records


class Written(Protocol):
    """What every entry has beside what it says; a frozen dataclass. at, undone_at : UTC, to the second."""

    id: str
    invented: bool
    by: str
    at: datetime
    undone_by: str
    undone_at: datetime | None


Entry = TypeVar("Entry", bound=Written)


@dataclass(frozen=True)
class Kept(Generic[Entry]):
    """What a file says: its entries, oldest first; how many whole lines, and at which byte they end."""

    entries: tuple[Entry, ...] = ()
    lines: int = 0
    end: int = 0
    ended: bool = True  # the last whole line has its line end
    last: str = ""  # the hash of it
    sound: bool = True


@dataclass(frozen=True)
class Journal(Generic[Entry]):
    """One file, `<many>.jsonl`, with an empty one beside it, `<many>.lock`, that keeps two writers apart.

    many, one : what its entries are called: "judgements", "a judgement".
    entry : makes an entry of what a line says, dates as text save `at`; raises KeyError, TypeError or ValueError where
        it cannot.
    refused : how a person is told that nothing was written.
    """

    many: str
    one: str
    entry: Callable[..., Entry]
    refused: type[ValueError]

    @property
    def path(self) -> Path:
        """The file of the data folder in use."""
        return publish.root() / f"{self.many}.jsonl"

    def entries(self) -> tuple[Entry, ...]:
        """Every entry whose lines are as they were written, undone ones too, oldest first."""
        return _kept(self).entries

    def verify(self) -> bool:
        """Whether no line has been changed, put in, taken out or moved since it was written.

        Misleads where lines at the end were taken off whole, or all were written anew with hashes that fit: compare
        with the log of the app, which numbers them.
        """
        return _kept(self, anew=True).sound

    def refuse(self, wrong: list[str]) -> None:
        """Tell a person all that is wrong, if anything is."""
        if wrong:
            raise self.refused(" ".join(wrong))

    @contextlib.contextmanager
    def writing(self) -> Iterator[Kept[Entry]]:
        """What the file says, for one writer at a time; the system takes the lock from one that dies."""
        publish.root().mkdir(parents=True, exist_ok=True)
        until = time.monotonic() + WAIT_S
        with self.path.with_suffix(".lock").open("ab") as file:  # closing it gives the lock back
            while not _locked(file):
                if time.monotonic() > until:
                    raise self.refused(f"Somebody else is writing down {self.one}; try again in a moment.")
                time.sleep(0.01)
            kept = _kept(self, anew=True)
            if not kept.sound:
                raise self.refused(f"The {self.many} kept so far {ALTERED}")
            yield kept

    def record(self, kept: Kept[Entry], made: Entry) -> int:
        """Keep an entry, and say which line it is. For the only writer, with what `writing` gave."""
        return self._append(kept, "record", {k: v for k, v in asdict(made).items() if k not in UNDONE})

    def undo(self, id: str, *, by: str, invented: bool) -> tuple[Entry, int]:
        """Take an entry back, of those on invented data or of the others; the entry and which line says so."""
        at, noun = now(), self.one.split()[-1]
        with self.writing() as kept:
            found = next((e for e in kept.entries if e.id == id and e.invented == invented), None)
            if found is None:
                raise self.refused(f"There is no such {noun}.")
            if found.undone_at:
                raise self.refused(f"This {noun} has been undone already.")
            line = self._append(kept, "undo", {"id": id, "by": by, "at": at})
        return replace(found, undone_by=by, undone_at=at), line

    def _append(self, kept: Kept[Entry], deed: str, said: dict) -> int:
        """Add a line for good in place of what a crash cut short, and say which it is."""
        said = {name: value.isoformat() if isinstance(value, date) else value for name, value in said.items()}
        line = _line(said | {"deed": deed, "before": kept.last}) + b"\n"
        line = line if kept.ended else b"\n" + line
        with self.path.open("ab", buffering=0) as file:
            file.truncate(kept.end)
            try:
                if file.write(line) < len(line):
                    raise OSError("The disk took only a part of the line.")
                os.fsync(file.fileno())
            except OSError:
                file.truncate(kept.end)
                raise
        _sync(self.path.parent)
        return kept.lines + 1


def now() -> datetime:
    """The time of a deed."""
    return datetime.now(UTC).replace(microsecond=0)


def on_invented(scope: Scope) -> bool:
    """Whether a scope looks at invented data: what is written there never shows on real ones, nor the reverse."""
    return _is_invented(str(publish.root()), scope.snapshot)


def table(entries: list[Entry], columns: list[str], scope: Scope) -> pd.DataFrame:
    """One row per entry, times as everywhere (UTC, no zone); who wrote is for the restricted tier."""
    rows = pd.DataFrame([vars(entry) for entry in entries], columns=columns)
    for when in {"at", "undone_at"} & set(columns):
        rows[when] = pd.to_datetime(rows[when], utc=True).dt.tz_localize(None).astype("datetime64[us]")
    if scope.tier != "restricted":
        rows[[who for who in ("by", "undone_by") if who in columns]] = ""
    return rows


@lru_cache(maxsize=32)
def _is_invented(root: str, snapshot: str) -> bool:
    """Whether a snapshot, which never changes, is of invented data."""
    try:
        return bool(publish.manifest(Path(root) / "snapshots" / snapshot).get("invented"))
    except FileNotFoundError:
        raise NotHeld("This snapshot has been withdrawn; reload the page.") from None


def _kept(journal: Journal[Entry], *, anew: bool = False) -> Kept[Entry]:
    """The file as it is. anew : read it whatever its size and time say, which can be set to what they were."""
    read = _read.__wrapped__ if anew else _read
    try:
        stat = journal.path.stat()
    except FileNotFoundError:
        return Kept()
    return read(journal, journal.path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _read(journal: Journal[Entry], path: Path, mtime_ns: int, size: int) -> Kept[Entry]:
    """The whole lines of the file as it was.

    A line that does not fit its own hash is passed over; one that does not fit the line before makes all unsound.
    """
    with path.open("rb") as file:
        content = file.read(size)
    *lines, rest = content.split(b"\n")
    ended = _deed(rest) is None  # else somebody's editor took the last line end away
    lines += [] if ended else [rest]
    found, last, sound = {}, "", True
    for line in lines:
        deed = _deed(line)
        done = deed is not None and _done(journal, found, deed)
        sound = sound and done and deed["before"] == last
        last = deed["hash"] if deed else ""
    return Kept(tuple(found.values()), len(lines), len(content) - ended * len(rest), ended, last, sound)


def _deed(line: bytes) -> dict | None:
    """What a line says, or None where it is not as it was written."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(said, dict) and {"before", "hash"} <= set(said)
    return said if whole and _line({k: v for k, v in said.items() if k != "hash"}) == line else None


def _done(journal: Journal[Entry], found: dict[str, Entry], deed: dict) -> bool:
    """Do what a line says to the entries found so far; False where it cannot be done."""
    said = {name: value for name, value in deed.items() if name not in ("deed", "before", "hash")}
    try:
        at = datetime.fromisoformat(said.pop("at"))
        if deed["deed"] == "record":
            found[said["id"]] = journal.entry(**said, at=at)
        else:
            found[said["id"]] = replace(found[said["id"]], undone_by=said["by"], undone_at=at)
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _line(said: dict) -> bytes:
    """The one way to write a line: what it says in order of names, and a hash of that."""
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return json.dumps(said | {"hash": digest}, sort_keys=True).encode()


def _sync(folder: Path) -> None:
    """The name of a new file onto the disk too; Windows has no handle on a folder to flush."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _locked(file: BinaryIO) -> bool:
    """Take the lock of an open file if nobody has it."""
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
