"""Fetches open data where there is a network, and loads it. A row of the answer is one file fetched anew.

What to fetch is in definitions/sync.toml. A download goes on where it broke off, lands beside its place as `.part` and
is moved there whole; a small JSON beside it says what the server called it, so that a file is fetched again only when
the server says that it changed. Nothing a server answers is ever quoted in a message.
"""

import csv
import fnmatch
import hashlib
import http.client
import json
import os
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data import definitions, ingest, publish
from data.errors import SourceProblem

LISTED = definitions.HERE / "sync.toml"
AGENT = "violence-explorer-sync"
CHUNK = 1 << 18  # bytes read at once
FURTHER = 1 << 20  # bytes that count as getting further: tries are counted anew after them
LONGEST_WAIT_S = 60
MOST_PAGES = 200
MOST_MEMBER = 500 << 20  # bytes of one unpacked member; a force's month of street crime is about 10 MB
SAY_EVERY_S = 10
PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers worth another try
DAY_S = 86_400
TOO_LARGE = "it is larger than what was asked for should be"

Progress = Callable[[str, int, int | None], None]


class Failed(Exception):
    """Something could not be fetched; the message says why, to whoever ran the command."""


class Unreachable(Failed):
    """Its server was never reached: nothing else there needs to be tried."""


class Incomplete(LookupError):
    """Some of what was asked for was not fetched or not loaded; `fetched` lists what was."""

    def __init__(self, message: str, fetched: list[str]):
        super().__init__(message)
        self.fetched = fetched


class _Again(Exception):
    """It did not work this time. wait_s : how long the server asks to be left alone. reached : whether it answered."""

    def __init__(self, message: str, wait_s: float = 0, *, reached: bool = True):
        super().__init__(message)
        self.wait_s, self.reached = wait_s, reached


@dataclass(frozen=True)
class Entry:
    """One thing to fetch; the head of sync.toml says what the fields mean."""

    name: str
    source: str
    address: str
    file: str
    most_mb: int
    licence: str
    confirmed: str
    note: str = ""
    page: int = 0
    each: int = 0
    table: bool = False
    members: str = ""


@dataclass(frozen=True)
class Line:
    """How to speak to servers: with whom, how patiently, and how to tell how far it is."""

    origins: frozenset[str]
    timeout_s: float = 60
    attempts: int = 5
    ask_again_days: float = 30
    sleep: Callable[[float], None] = time.sleep
    progress: Progress = field(default=lambda name, done, total: None)


def listed(path: Path = LISTED) -> tuple[dict, list[Entry]]:
    """What sync.toml says: its settings, and its entries in order."""
    with path.open("rb") as file:
        raw = tomllib.load(file)
    return raw, [Entry(name=name, **entry) for name, entry in raw["fetch"].items()]


def sync(
    *,
    folder: Path | None = None,
    base: dict[str, str] | None = None,
    say: Callable[[str], None] = print,
    progress: Progress | None = None,
    sleep: Callable[[float], None] = time.sleep,
    timeout_s: float | None = None,
    path: Path = LISTED,
) -> list[str]:
    """Fetch what sync.toml lists and load it; what fails stops nothing else.

    folder : the data folder. base : host to the address that stands in for it (a mirror, a test server).
    say : is told what happens. progress : is told name, bytes so far and in all; by default `say` is, now and then.

    Returns the names of the files fetched anew. Raises Incomplete at the end where something failed.
    """
    settings, entries = listed(path)
    base = base or {}
    line = Line(
        frozenset(_origin(base.get(host, f"https://{host}")) for host in settings["hosts"]),
        timeout_s or settings["timeout_s"],
        settings["attempts"],
        settings["ask_again_days"],
        sleep,
        progress or _teller(say),
    )
    fetched, failures, silent = [], [], set()
    for source in dict.fromkeys(entry.source for entry in entries):
        ready: dict[str, list[Path]] = {}
        for entry in (e for e in entries if e.source == source):
            host = urllib.parse.urlsplit(entry.address).netloc
            try:
                if host in silent:
                    raise Unreachable("its server could not be reached just now")
                ready[entry.name], fresh = _fetch(entry, line, folder, base)
                fetched += fresh
                say(f"{entry.name}: {f'{len(fresh)} file(s) fetched' if fresh else 'nothing new'}")
            except (Failed, OSError) as problem:
                words = (
                    str(problem) if isinstance(problem, Failed) else "it could not be written here: is the disk full?"
                )
                silent |= {host} if isinstance(problem, Unreachable) else set()
                failures.append(f"{entry.name} was not fetched: {words}")
                say(failures[-1])
        failures += _load(source, ready, folder, say)
    say(f"{len(fetched)} file(s) fetched." if fetched else "Nothing new was fetched.")
    if failures:
        raise Incomplete("\n".join([f"{len(failures)} thing(s) did not work:", *failures]), fetched)
    return fetched


def _load(source: str, ready: dict[str, list[Path]], folder: Path | None, say: Callable[[str], None]) -> list[str]:
    """Hand the files of a source over together; where they are refused, each entry on its own. Returns what failed."""
    together = [path for paths in ready.values() for path in paths]
    if not together:
        return []
    try:
        summary = ingest.ingest(source, together, folder=folder)
    except publish.Busy as problem:
        return [f"{source} was not loaded: {problem}"]
    except SourceProblem as problem:
        if len(ready) > 1:
            return [words for name in ready for words in _load(source, {name: ready[name]}, folder, say)]
        return [f"{next(iter(ready))} was fetched but not loaded: {problem}"]
    say(f"{source}: {summary.total('accepted'):,} rows loaded, {summary.skipped} file(s) known already")
    return []


# ------------------------------------------------------------------------------------------- what to ask for


def _fetch(entry: Entry, line: Line, folder: Path | None, base: dict[str, str]) -> tuple[list[Path], list[str]]:
    """The files an entry stands for, ready to load, and the names of those fetched anew."""
    place = (folder or publish.root()) / "raw" / "open" / entry.source
    place.mkdir(parents=True, exist_ok=True)
    facts = _facts(entry, folder)
    if entry.members:
        return _members(entry, place, facts, line, base)
    paths, fresh = [], []
    for target, address in _asked(entry, place, facts):
        if download(_moved(address, base), target, line=line, most_bytes=entry.most_mb << 20):
            fresh.append(target.name)
        paths.append(target)
    for left in set(place.glob(paths[0].name.replace("-000.", "-???."))) - set(paths):
        _forget(left)  # a page of an answer that was longer last time
    paths = _not_empty(paths) if entry.page else paths
    return ([_table(paths, place / entry.file)] if entry.table else paths), fresh


def _facts(entry: Entry, folder: Path | None) -> dict[str, str]:
    """What is filled into addresses."""
    ours = definitions.partnership()
    facts = {
        "force": ours.police_uk_force,
        "force_area": ours.force_area,
        "authorities": ",".join(f"'{code}'" for code in ours.codes),
        "box": ",".join(f"{edge:g}" for edge in ours.box),
        "indicators": ",".join(key for key in definitions.indicators() if key.isdigit()),
    }
    lacking = [name for name, value in facts.items() if f"{{{name}}}" in entry.address + entry.members and not value]
    if lacking:
        raise Failed(f"the partnership file does not say its {' or '.join(lacking)}")
    return {name: urllib.parse.quote(value, safe=",") for name, value in facts.items()}


def _asked(entry: Entry, place: Path, facts: dict[str, str]) -> Iterator[tuple[Path, str]]:
    """Where each part of an entry goes and its address; the next page is asked for once the one before it is there."""
    stem, suffix = Path(entry.file).stem, ".json" if entry.table else Path(entry.file).suffix
    if entry.each:
        codes = _small_areas(place.parents[2])
        for number, start in enumerate(range(0, len(codes), entry.each)):
            some = ",".join(codes[start : start + entry.each])
            yield place / f"{stem}-{number:03d}{suffix}", entry.address.format_map(facts | {"lsoas": some})
    elif entry.page:
        for number in range(MOST_PAGES):
            target = place / f"{stem}-{number:03d}{suffix}"
            asked = facts | {"offset": str(number * entry.page), "page": str(entry.page)}
            yield target, entry.address.format_map(asked)
            if not _goes_on(target, entry.page):
                return
        raise Failed(f"the answer does not end after {MOST_PAGES} pages")
    else:
        yield place / entry.file, entry.address.format_map(facts)


def _small_areas(folder: Path) -> list[str]:
    import pandas as pd

    held = publish.current(folder)
    if held is None:
        raise Failed("there are no boundaries yet to ask for; run sync again once they are loaded")
    areas = pd.read_parquet(held / "restricted" / "areas.parquet", columns=["area_code", "area_level"])
    codes = sorted(areas.loc[areas["area_level"] == "lsoa", "area_code"].unique())
    if not codes:
        raise Failed("there are no small areas yet to ask for; run sync again once boundaries are loaded")
    return codes


def _records(page: Path) -> tuple[list[dict], bool | None]:
    """The records of one page of an answer, and whether the service says that there are more, if it says so."""
    try:
        answer = json.loads(page.read_bytes())
        records = answer["features"]
    except (ValueError, KeyError, TypeError):
        _forget(page)
        raise Failed("the service answered with something else than records") from None
    return records, (answer.get("properties") or answer).get("exceededTransferLimit")


def _goes_on(page: Path, most: int) -> bool:
    records, more = _records(page)
    return bool(records) and (len(records) >= most if more is None else more)


def _not_empty(pages: list[Path]) -> list[Path]:
    """The pages with records: where they fill the last page exactly, one empty page follows."""
    full = [page for page in pages if _records(page)[0]]
    if not full:
        raise Failed("the service answered without a single record")
    return full


def _table(pages: list[Path], target: Path) -> Path:
    """The records of all pages as one CSV."""
    rows = [record["attributes"] for page in pages for record in _records(page)[0]]
    aside = _part(target)
    with aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(aside, target)
    return target


def _members(
    entry: Entry, place: Path, facts: dict[str, str], line: Line, base: dict[str, str]
) -> tuple[list[Path], list[str]]:
    """Of an archive the members that are ours, in a smaller zip; the archive itself, gigabytes of others', goes."""
    pattern = entry.members.format_map(facts)
    archive = place / entry.file
    kept = place / f"{archive.stem}-{facts['force']}.zip"
    address = _moved(entry.address.format_map(facts), base)
    new = download(address, archive, line=line, most_bytes=entry.most_mb << 20, stands_for=kept)
    if not new and kept.exists():
        archive.unlink(missing_ok=True)
        return [kept], []
    try:
        _extract(archive, kept, pattern)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, Failed) as problem:
        for left in (archive, _part(kept)):
            _forget(left)
        if isinstance(problem, Failed):
            raise
        raise Failed("the archive is damaged; run sync again to fetch it anew") from None
    archive.unlink()
    return [kept], [kept.name]


def _extract(archive: Path, kept: Path, pattern: str) -> None:
    aside = _part(kept)
    with zipfile.ZipFile(archive) as whole:
        ours = [info for info in whole.infolist() if fnmatch.fnmatchcase(info.filename, pattern)]
        if not ours:
            raise Failed("the archive holds no file of the configured force: check police_uk_force")
        if any(info.file_size > MOST_MEMBER for info in ours):
            raise Failed("the archive unpacks to more than it should")
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as small:
            for info in sorted(ours, key=lambda i: i.filename):
                small.writestr(info.filename, whole.read(info))
    os.replace(aside, kept)


# ------------------------------------------------------------------------------------------------- one file


def download(address: str, target: Path, *, line: Line, most_bytes: int, stands_for: Path | None = None) -> bool:
    """Fetch one file, going on where an earlier try broke off. Whether something new came.

    target : where it goes; beside it `.part` while it comes and `.meta.json` once it is there.
    most_bytes : more than that is not what was asked for. stands_for : a file made of it that may stand in its place.

    Raises Failed, in words, when it cannot be had: at once where trying again is of no use.
    """
    _check_origin(address, line)
    known = _said(target, address) if target.exists() or (stands_for and stands_for.exists()) else {}
    if known and not _validators(known) and time.time() - known["asked"] < line.ask_again_days * DAY_S:
        return False
    failures = 0
    while True:
        before = _size(_part(target))
        try:
            return _try(address, target, known, line, most_bytes)
        except Failed:
            _forget(_part(target))
            raise
        except _Again as trouble:
            failures = 1 if _size(_part(target)) >= before + FURTHER else failures + 1
            if failures >= line.attempts:
                words = f"{trouble} ({failures} tries in a row; what came so far is kept)"
                raise (Failed if trouble.reached else Unreachable)(words) from None
            line.sleep(min(max(2.0**failures, trouble.wait_s), LONGEST_WAIT_S))


def _try(address: str, target: Path, known: dict, line: Line, most_bytes: int) -> bool:
    part = _part(target)
    begun = _said(part, address) if part.exists() else {}
    start = _size(part) if _resumable(begun) else 0
    if start and start == begun.get("length"):
        return _keep(target, begun, known)  # whole already: only the last step was missed
    asked = {"User-Agent": AGENT, "Accept-Encoding": "identity", **_conditions(begun if start else {}, known, start)}
    try:
        answer = _opener(line).open(urllib.request.Request(address, headers=asked), timeout=line.timeout_s)
    except urllib.error.HTTPError as error:
        return _refused(error, target, known)
    except (OSError, http.client.HTTPException) as error:
        raise _Again(_why(error), reached=False) from None
    with answer:
        facts = {"url": address, "etag": answer.headers.get("ETag"), "modified": answer.headers.get("Last-Modified")}
        start = _agreed_start(answer, start, begun, facts, part)
        facts["length"] = _length(answer, start)
        if not start and known and _validators(known) and _same(known, facts):
            return False  # sent again although nothing changed
        if (facts["length"] or 0) > most_bytes:
            raise Failed(TOO_LARGE)
        _say_of(part, facts)
        _pour(answer, part, start, facts["length"], most_bytes, line)
    return _keep(target, facts, known)


def _conditions(begun: dict, known: dict, start: int) -> dict[str, str]:
    """Ask for the rest of the same file, or for the file if it changed."""
    if start:
        return {"Range": f"bytes={start}-", "If-Range": begun["etag"] or begun["modified"]}
    names = (("If-None-Match", "etag"), ("If-Modified-Since", "modified"))
    return {header: known[name] for header, name in names if known.get(name)}


def _refused(error: urllib.error.HTTPError, target: Path, known: dict) -> bool:
    with error:
        if error.code == 304 and known:
            _say_of(target, known)
            return False
        if error.code == 416:
            _forget(_part(target))
            raise _Again("the server could not go on where the download broke off")
        if error.code in PASSING:
            wait = error.headers.get("Retry-After", "")
            raise _Again(f"the server is busy or out of order ({error.code})", float(wait) if wait.isdigit() else 0)
    words = {404: "there is nothing at its address", 410: "there is nothing at its address any more"}
    reason = words.get(error.code, "the server refuses it")
    raise Failed(f"{reason} ({error.code}); look for the new address and put it in sync.toml")


def _agreed_start(answer, start: int, begun: dict, facts: dict, part: Path) -> int:
    """Where the bytes that come belong: on after those we have, or from the first where the server starts anew."""
    if answer.status != 206:
        return 0
    said = answer.headers.get("Content-Range", "")
    same = facts["etag"] in (None, begun.get("etag")) and said.startswith(f"bytes {start}-")
    total = said.rpartition("/")[2]
    if not start or not same or (begun.get("length") and total.isdigit() and int(total) != begun["length"]):
        _forget(part)
        raise _Again("the file changed while it was being fetched")
    facts["etag"], facts["modified"] = begun["etag"], begun["modified"]
    return start


def _length(answer, start: int) -> int | None:
    """The bytes of the whole file, where the server says."""
    total = answer.headers.get("Content-Range", "").rpartition("/")[2] if start else ""
    if total.isdigit():
        return int(total)
    said = answer.headers.get("Content-Length", "")
    return int(said) + start if said.isdigit() else None


def _pour(answer, part: Path, start: int, length: int | None, most_bytes: int, line: Line) -> None:
    name, done = part.name.removesuffix(".part"), start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        while True:
            try:
                piece = answer.read1(CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise _Again(_why(error)) from None
            if not piece:
                break
            done += len(piece)
            if done > most_bytes:
                raise Failed(TOO_LARGE)
            file.write(piece)
            line.progress(name, done, length)
        file.flush()
        os.fsync(file.fileno())
    if length is not None and done != length:
        raise _Again("the connection ended before the file did")


def _keep(target: Path, facts: dict, known: dict) -> bool:
    """Move a whole download to its place, unless it is a web page in place of the file. Whether it is new."""
    part = _part(target)
    with part.open("rb") as file:
        head = file.read(512).lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if head.startswith((b"<!doctype html", b"<html")) or (target.suffix == ".zip" and not head.startswith(b"pk")):
        raise Failed("something else came in place of the file: a sign-in page of this network, or a notice?")
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    facts |= {"length": _size(part), "sha256": digest}
    os.replace(part, target)
    _say_of(target, facts)
    _meta(part).unlink(missing_ok=True)
    return digest != known.get("sha256")


# ---------------------------------------------------------------------------------------- what is known of a file


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _meta(path: Path) -> Path:
    return path.with_name(f"{path.name}.meta.json")


def _said(path: Path, address: str) -> dict:
    """What the server said of a file when it came from this address; nothing where it came from another."""
    try:
        facts = json.loads(_meta(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if facts.get("url") == address else {}


def _say_of(path: Path, facts: dict) -> None:
    aside = path.with_name(f"{path.name}.meta.new")
    aside.write_text(json.dumps(facts | {"asked": time.time()}, indent=1), encoding="utf-8")
    os.replace(aside, _meta(path))


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)
    _meta(path).unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _validators(facts: dict) -> bool:
    return bool(facts.get("etag") or facts.get("modified"))


def _resumable(begun: dict) -> bool:
    """Whether the server can be asked for the rest: a weak mark (W/) promises the same meaning, not the same bytes."""
    return _validators(begun) and not (begun.get("etag") or "").startswith("W/")


def _same(known: dict, facts: dict) -> bool:
    return all(known.get(name) == facts.get(name) for name in ("etag", "modified", "length"))


# ----------------------------------------------------------------------------------------------- who is spoken to


class _NamedHostsOnly(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to an origin that sync.toml names."""

    def __init__(self, line: Line):
        self.line = line

    def redirect_request(self, request, file, code, message, headers, address):
        _check_origin(address, self.line)
        return super().redirect_request(request, file, code, message, headers, address)


def _opener(line: Line) -> urllib.request.OpenerDirector:
    opener = urllib.request.build_opener(_NamedHostsOnly(line))
    opener.addheaders = []
    return opener


def _check_origin(address: str, line: Line) -> None:
    if _origin(address) not in line.origins:
        raise Failed("its address leads to a host that sync.toml does not name")


def _origin(address: str) -> str:
    """Scheme and host; something that no list holds where it is not a web address."""
    split = urllib.parse.urlsplit(address)
    return f"{split.scheme}://{split.netloc}" if split.scheme in ("https", "http") else ""


def _moved(address: str, base: dict[str, str]) -> str:
    """The address at the server that stands in for its host."""
    split = urllib.parse.urlsplit(address)
    stand_in = base.get(split.netloc)
    return address.replace(f"{split.scheme}://{split.netloc}", stand_in, 1) if stand_in else address


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError) or "timed out" in str(reason):
        return "the server did not answer in time"
    return "the connection broke or could not be made: is there a network?"


def _teller(say: Callable[[str], None]) -> Progress:
    """Says how far a download is, every few seconds."""
    last = {"": time.monotonic()}

    def tell(name: str, done: int, total: int | None) -> None:
        if time.monotonic() - last[""] >= SAY_EVERY_S:
            last[""] = time.monotonic()
            of = f" of {total / 1e6:,.0f}" if total else ""
            say(f"  {name}: {done / 1e6:,.0f}{of} MB")

    return tell
