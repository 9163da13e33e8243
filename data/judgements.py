"""What people judge of hotspots: made by how records are kept, or belonging to the place beside. A row is a judgement.

A judgement changes no number: pages mark the place, take it out of the ranked list and say so. They are kept in
`judgements.jsonl` beside the snapshots and outlive them: one line for each judgement and each undoing of one, never
changed, with a hash of itself and that of the line before, so that a change of what was written is seen.
"""

import contextlib
import hashlib
import json
import logging
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import pandas as pd
from ibis import _

from data import definitions, publish, store
from data.sources import identifiers
from data.store import NotHeld, Scope

DROPPED, MOVED = "dropped", "moved"
HEX, AREA_LEVELS = "hex", ("lsoa", "msoa", "ward")
FARTHEST = 3  # cells: a hotspot drawn further off than this is not the same place written down wrongly
SHORTEST, LONGEST = 10, 300  # letters of a reason: enough to say why, too few for a report on a case
LONGEST_NAME = 80  # letters of who judges
WAIT_S = 10  # for another writer; one line takes some milliseconds
HELD = ["id", "place", "kind", "moved_to", "reason", "by", "at"]
HISTORY = ["id", "source", "level", *HELD[1:], "undone_by", "undone_at"]
CELL = re.compile(r"([1-9][0-9]{0,5}):(0|-?[1-9][0-9]{0,5}):(0|-?[1-9][0-9]{0,5})")
ALTERED = "The judgements kept so far were changed by another hand, so nothing is added until the file is restored."
log = logging.getLogger("explorer.judgements")

# A sentence is not a column, where values have to be many before they count: here one is enough.
FORENAMES = "|".join(identifiers.FORENAMES.split())
NO_SURNAME = """and are arms as at avenue ave bridge building by car centre church clinic close college court crescent
dock drive estate for from gardens green grove hall has hill hospital hotel house in infirmary inn is lane memorial mews
of on or parade park pier place point prison pub quay rd retail road row school shopping square st station street
surgery terrace the this to university walk ward was way where which wing with"""  # after a forename: no person's name
NO_PERSON = rf"(?! (?:{'|'.join(NO_SURNAME.split())})\b)"
NO_SAINT = "".join(rf"(?<!\b{word} )" for word in ("st", r"st\.", "saint", "king", "queen", "prince", "princess"))
PERSONAL = [
    *identifiers.VALUES.items(),
    ("names of people", rf"(?i){NO_SAINT}\b(?:{FORENAMES})(?: [a-z]\.?)?{NO_PERSON} [a-z][a-z'’-]+"),
    ("names of people", rf"\b[A-Z][A-Za-z'’-]+, ?(?i:(?:{FORENAMES})\b{NO_PERSON})"),
    ("long numbers (of records, telephones, the NHS)", r"\d{7}|\b\d{3}[ -]\d{3}[ -]\d{4}\b"),
    ("national insurance numbers", r"(?i)\b[a-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[a-d]\b"),
    ("number plates", r"\b[A-Z]{2}\d{2} ?[A-Z]{3}\b"),
    ("dates of birth", r"(?i)\b(?:d\.?o\.?b|born|birth)\b\D{0,20}\d"),
]


class JudgementRefused(ValueError):
    """A judgement that is not kept, or cannot be undone. The message is for someone at a page and quotes nothing."""


@dataclass(frozen=True)
class Judgement:
    """What somebody decided about one hotspot of one source, whatever the period and kinds of violence looked at.

    place : a cell ("500:q:r") or an area's code. level : hex, lsoa, msoa, ward. kind : dropped, moved.
    moved_to : the place it belongs to, empty where it was dropped. reason, by : people's own words; show them as text.
    at, undone_at : UTC, to the second. undone_by : empty while it is in force.
    snapshot : what was looked at. invented : whether that was invented data.
    """

    id: str
    place: str
    level: str
    source: str
    kind: str
    moved_to: str
    reason: str
    by: str
    at: datetime
    snapshot: str
    invented: bool
    undone_by: str = ""
    undone_at: datetime | None = None


def record(scope: Scope, *, level: str, place: str, kind: str, reason: str, by: str, moved_to: str = "") -> Judgement:
    """Keep a judgement on a hotspot of the scope's one source, for everybody who may see that source.

    level, place : as on the map. kind : `dropped` (the records are there because of who records them: a prison, a
    custody suite, a hospital's car park) or `moved`, then with `moved_to`: cells at most 3 away, or an area.
    by : who judges.

    Raises JudgementRefused with all that is wrong with it, in sentences.
    """
    _only_restricted(scope)
    said = {"level": level, "place": place, "kind": kind, "moved_to": moved_to, "source": _source(scope)}
    whose = {"id": secrets.token_hex(8), "at": _now(), "snapshot": scope.snapshot, "invented": _invented(scope)}
    made = Judgement(**said, **whose, reason=_plain(reason), by=_plain(by))
    _refuse([*_wrong_words(made), *_wrong_places(scope, made)])
    with _only_writer() as kept:
        _refuse(_wrong_beside(made, kept.judgements))
        line = _append(kept, "record", {name: value for name, value in asdict(made).items() if "undone" not in name})
    log.info("recorded id=%s kind=%s level=%s source=%s line=%d", made.id, kind, level, made.source, line)
    return made


def undo(scope: Scope, id: str, *, by: str) -> Judgement:
    """Take a judgement back: the place is as if nobody had judged it, and the history says who undid it."""
    _only_restricted(scope)
    by, at = _plain(by), _now()
    _refuse(_wrong_name(by))
    with _only_writer() as kept:
        found = next((j for j in kept.judgements if j.id == id and j.invented == _invented(scope)), None)
        if found is None:
            raise JudgementRefused("There is no such judgement.")
        if found.undone_at:
            raise JudgementRefused("This judgement has been undone already.")
        line = _append(kept, "undo", {"id": id, "by": by, "at": at})
    log.info("undone id=%s kind=%s level=%s source=%s line=%d", id, found.kind, found.level, found.source, line)
    return replace(found, undone_by=by, undone_at=at)


def held(scope: Scope, *, level: str) -> pd.DataFrame:
    """The judgements in force on the scope's one source at a level, newest first; of hexagons those of all sizes.

    Returns id, place, kind, moved_to, reason, by, at (UTC). Below the restricted tier: none on closed sources, and
    `by` is empty.
    """
    if len(scope.sources) != 1:
        raise NotHeld("A map shows one source at a time, and judgements are about one source.")
    return _as_table([j for j in _seen(scope) if j.level == level and not j.undone_at], HELD, scope)


def history(scope: Scope) -> pd.DataFrame:
    """Every judgement on the scope's sources (none named: on all), undone ones too, newest first.

    Returns id, source, level, place, kind, moved_to, reason, by, at, undone_by, undone_at (UTC; missing while it is
    in force). Below the restricted tier: none on closed sources, and who judged is empty.
    """
    return _as_table(_seen(scope), HISTORY, scope)


def verify() -> bool:
    """Whether no line has been changed, put in, taken out or moved since it was written.

    Misleads where lines at the end were taken off whole, or all were written anew with hashes that fit: compare with
    the log of the app, which numbers them.
    """
    return _kept(anew=True).sound


def _only_restricted(scope: Scope) -> None:
    if scope.tier != "restricted":
        raise JudgementRefused("Only analysts and tactical members may judge a hotspot.")


def _source(scope: Scope) -> str:
    known = [name for name in scope.sources if name in definitions.sources()]
    if len(scope.sources) != 1 or not known or definitions.source(known[0]).table != "incidents":
        raise JudgementRefused("Choose one source first: a judgement is about what one source holds of a place.")
    return known[0]


def _invented(scope: Scope) -> bool:
    return _is_invented(str(publish.root()), scope.snapshot)


@lru_cache(maxsize=32)
def _is_invented(root: str, snapshot: str) -> bool:
    """Whether a snapshot, which never changes, is of invented data."""
    try:
        return bool(publish.manifest(Path(root) / "snapshots" / snapshot).get("invented"))
    except FileNotFoundError:
        raise NotHeld("This snapshot has been withdrawn; reload the page.") from None


def _plain(text: str) -> str:
    """The text without what cannot be seen (which could part a number or a name), and with single blanks."""
    shown = unicodedata.normalize("NFKC", text)
    return " ".join("".join(c for c in shown if c.isspace() or unicodedata.category(c)[0] != "C").split())


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise JudgementRefused(" ".join(wrong))


def _wrong_name(by: str) -> list[str]:
    return [] if 0 < len(by) <= LONGEST_NAME else [f"Say who judges, in at most {LONGEST_NAME} letters."]


def _wrong_words(made: Judgement) -> list[str]:
    """What is wrong with the reason and with who gives it."""
    wrong = _wrong_name(made.by)
    if not SHORTEST <= len(made.reason) <= LONGEST:
        wrong.append(f"Give a reason of {SHORTEST} to {LONGEST} letters; this one has {len(made.reason)}.")
    if found := dict.fromkeys(what for what, pattern in PERSONAL if re.search(pattern, made.reason)):
        wrong.append(f"The reason looks as if it held {', '.join(found)}: say why without them, and name nobody.")
    return wrong


def _wrong_places(scope: Scope, made: Judgement) -> list[str]:
    """What is wrong with the kind, with the place, and with where it is moved to."""
    if made.level != HEX and made.level not in AREA_LEVELS:
        return ["Hexagons, small areas, neighbourhoods and wards can be judged, nothing else."]
    if made.kind not in (DROPPED, MOVED):
        return ["A hotspot is either dropped or moved."]
    places = [made.place, made.moved_to] if made.moved_to else [made.place]
    wrong = _off_the_map(scope, made, places)
    if made.kind == DROPPED and made.moved_to:
        wrong.append("A dropped hotspot belongs to no other place; say that it is moved, or leave the other place out.")
    if made.kind == MOVED and not made.moved_to:
        wrong.append("Say to which place it belongs.")
    if made.moved_to and made.moved_to == made.place:
        wrong.append("It is moved to the place where it is; choose another.")
    if made.level == HEX and made.moved_to and not wrong:
        wrong += _too_far(_cell(made.place), _cell(made.moved_to))
    return wrong


def _off_the_map(scope: Scope, made: Judgement, places: list[str]) -> list[str]:
    if made.level == HEX:
        cells = [_cell(place) for place in places]
        known = all(cell and _in_the_box(*cell) for cell in cells)
        floor = definitions.source(made.source).floor_m
        if known and min(size for size, _q, _r in cells) < floor:
            return [f"The points of this source are not exact enough for cells below {floor:,} m."]
    else:
        areas = store.table(scope, "areas").filter(_.area_level == made.level, _.area_code.isin(places))
        known = set(store.run(scope, areas.select("area_code"))["area_code"]) == set(places)
    return [] if known else ["There is no such place on the map."]


def _cell(place: str) -> tuple[int, int, int] | None:
    """Size in metres, column and row of a cell, if that is what the name says, in the one way to say it."""
    found = CELL.fullmatch(place)
    return tuple(int(part) for part in found.groups()) if found else None


def _in_the_box(size: int, q: int, r: int) -> bool:
    """Whether some of the cell may lie in the partnership's box: its centre is inside, or a cell's width off."""
    west, south, east, north = definitions.partnership().box
    x, y = 3**0.5 / 2 * size * q, size * (r + q / 2)
    return west - size <= x <= east + size and south - size <= y <= north + size


def _too_far(cell: tuple[int, int, int], other: tuple[int, int, int]) -> list[str]:
    (size, q, r), (other_size, other_q, other_r) = cell, other
    if size != other_size:
        return ["It can be moved to a cell of its own size only."]
    steps = max(abs(q - other_q), abs(r - other_r), abs(q + r - other_q - other_r))
    return [] if steps <= FARTHEST else [f"It can be moved by {FARTHEST} cells at most; this would be {steps}."]


def _wrong_beside(made: Judgement, kept: tuple[Judgement, ...]) -> list[str]:
    """What forbids it among the judgements in force: a place is judged once, and nothing is moved twice."""
    same = (made.source, made.level, made.invented)
    others = [j for j in kept if not j.undone_at and (j.source, j.level, j.invented) == same]
    if any(j.place == made.place for j in others):
        return ["This place is judged already; undo that judgement first."]
    if any(j.moved_to == made.place for j in others):
        return ["Another hotspot was moved to this place; undo that judgement first."]
    if made.moved_to and any(j.place == made.moved_to for j in others):
        return ["The place it would be moved to is judged itself; choose another, or undo that judgement first."]
    return []


def _seen(scope: Scope) -> list[Judgement]:
    """The judgements on the scope's sources (none named: on all) that its tier may see beside its snapshot."""
    restricted, invented = scope.tier == "restricted", _invented(scope)
    open_ = {name for name, source in definitions.sources().items() if source.open}
    chosen = [j for j in _kept().judgements if j.invented == invented and (restricted or j.source in open_)]
    return [j for j in reversed(chosen) if not scope.sources or j.source in scope.sources]


def _as_table(judgements: list[Judgement], columns: list[str], scope: Scope) -> pd.DataFrame:
    """One row per judgement, times as everywhere (UTC, no zone); who judged is for the restricted tier."""
    rows = pd.DataFrame([vars(j) for j in judgements], columns=[f.name for f in fields(Judgement)])
    for when in ("at", "undone_at"):
        rows[when] = pd.to_datetime(rows[when], utc=True).dt.tz_localize(None).astype("datetime64[us]")
    if scope.tier != "restricted":
        rows[["by", "undone_by"]] = ""
    return rows[columns].astype({c: "str" for c in columns if not c.endswith("at")})


@dataclass(frozen=True)
class _Kept:
    """What the file says: its judgements, oldest first; how many whole lines, and at which byte they end."""

    judgements: tuple[Judgement, ...] = ()
    lines: int = 0
    end: int = 0
    ended: bool = True  # the last whole line has its line end
    last: str = ""  # the hash of it
    sound: bool = True


def _path() -> Path:
    return publish.root() / "judgements.jsonl"


def _kept(*, anew: bool = False) -> _Kept:
    """The file as it is. anew : read it whatever its size and time say, which can be set to what they were."""
    read = _read.__wrapped__ if anew else _read
    try:
        stat = _path().stat()
    except FileNotFoundError:
        return _Kept()
    return read(_path(), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, mtime_ns: int, size: int) -> _Kept:
    """The whole lines of the file as it was; a last one that was cut short was never promised to anybody.

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
        done = deed is not None and _done(found, deed)
        sound = sound and done and deed["before"] == last
        last = deed["hash"] if deed else ""
    return _Kept(tuple(found.values()), len(lines), len(content) - ended * len(rest), ended, last, sound)


def _deed(line: bytes) -> dict | None:
    """What a line says, or None where it is not as it was written."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(said, dict) and {"before", "hash"} <= set(said)
    return said if whole and _line({k: v for k, v in said.items() if k != "hash"}) == line else None


def _done(found: dict[str, Judgement], deed: dict) -> bool:
    """Do what a line says to the judgements found so far; False where it cannot be done."""
    said = {name: value for name, value in deed.items() if name not in ("deed", "before", "hash")}
    try:
        at = datetime.fromisoformat(said.pop("at"))
        if deed["deed"] == "record":
            found[said["id"]] = Judgement(**said, at=at)
        else:
            found[said["id"]] = replace(found[said["id"]], undone_by=said["by"], undone_at=at)
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _line(said: dict) -> bytes:
    """The one way to write a line: what it says in order of names, and a hash of that."""
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return json.dumps(said | {"hash": digest}, sort_keys=True).encode()


def _append(kept: _Kept, deed: str, said: dict) -> int:
    """Add a line for good in place of what a crash cut short, and say which it is. For the only writer."""
    line = _line(said | {"at": said["at"].isoformat(), "deed": deed, "before": kept.last}) + b"\n"
    line = line if kept.ended else b"\n" + line
    with _path().open("ab", buffering=0) as file:
        file.truncate(kept.end)
        try:
            if file.write(line) < len(line):
                raise OSError("The disk took only a part of the line.")
            os.fsync(file.fileno())
        except OSError:
            file.truncate(kept.end)
            raise
    _sync_folder()
    return kept.lines + 1


def _sync_folder() -> None:
    """The name of a new file onto the disk too; Windows has no handle on a folder to flush."""
    if os.name == "posix":
        handle = os.open(publish.root(), os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _only_writer() -> Iterator[_Kept]:
    """What the file says, for one writer at a time, of all processes; the system takes the lock from one that dies."""
    publish.root().mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + WAIT_S
    with (publish.root() / "judgements.lock").open("ab") as file:  # closing it gives the lock back
        while not _locked(file):
            if time.monotonic() > until:
                raise JudgementRefused("Somebody else is writing down a judgement; try again in a moment.")
            time.sleep(0.01)
        kept = _kept(anew=True)
        if not kept.sound:
            raise JudgementRefused(ALTERED)
        yield kept


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
