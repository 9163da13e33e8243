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

Progress = Callable[[str, int, int | None], None]


class Failed(Exception):
    """Something could not be fetched; the message says why, to whoever ran the command."""


class Incomplete(LookupError):
    """Some of what was asked for was not fetched or not loaded; `fetched` lists what was."""

    def __init__(self, message: str, fetched: list[str]):
        super().__init__(message)
        self.fetched = fetched


class _Again(Exception):
    """It did not work this time. wait_s : how long the server asks to be left alone."""

    def __init__(self, message: str, wait_s: float = 0):
        super().__init__(message)
        self.wait_s = wait_s


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
    say : is told what happens. progress : is told name, bytes so far and bytes in all; by default `say` is, now and then.

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
    fetched, failures = [], []
    for source in dict.fromkeys(entry.source for entry in entries):
        ready: dict[str, list[Path]] = {}
        for entry in (e for e in entries if e.source == source):
            try:
                ready[entry.name], fresh = _fetch(entry, line, folder, base)
                fetched += fresh
                say(f"{entry.name}: {f'{len(fresh)} file(s) fetched' if fresh else 'nothing new'}")
            except (Failed, OSError) as problem:
                words = str(problem) if isinstance(problem, Failed) else "it could not be written: is the disk full?"
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
        if _download(entry, address, target, line, base):
            fresh.append(target.name)
        paths.append(target)
    for left in place.glob(f"{Path(entry.file).stem}-[0-9]*"):  # pages of a longer answer, last time
        if left not in paths and not left.name.endswith((".json.json", ".part")) and left.suffix != ".json":
            left.unlink()
    return ([_table(paths, place / entry.file)] if entry.table else paths), fresh
