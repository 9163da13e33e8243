"""How a snapshot comes to be: built aside, swapped in by one pointer, kept, rolled back.

A snapshot is a folder `<id>` under `snapshots/` that never changes: `parts/` (harmonised rows as loaded, one file per
feed and period), one folder per tier, and `manifest.json`. The file `current` holds the id readers resolve. A crash
at any step leaves `current` on the old folder; what was half built is swept away by the next publisher.
"""

import contextlib
import json
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from data import definitions

KEPT = 24  # snapshots; two years of monthly loads
BUILDING = ".building-"
LOCK_HOURS = 6  # a lock older than this belongs to a publisher that died


class Busy(Exception):
    """Somebody else is publishing."""


class NoSuchSnapshot(LookupError):
    """There is nothing to go back to."""


def root() -> Path:
    """The folder of raw files and snapshots: `data/local`, or what EXPLORER_DATA names."""
    return Path(os.environ.get("EXPLORER_DATA") or Path(__file__).parent / "local")


def current(folder: Path | None = None) -> Path | None:
    """The snapshot readers see, or None where nothing has been published."""
    snapshots = (folder or root()) / "snapshots"
    try:
        found = snapshots / (snapshots / "current").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    return found if (found / "manifest.json").exists() else None


def manifest(snapshot: Path) -> dict:
    """What a snapshot says of itself."""
    return json.loads((snapshot / "manifest.json").read_text(encoding="utf-8"))


def kept(folder: Path | None = None) -> list[dict]:
    """The manifests of the snapshots kept, newest first, with `current` true for the one readers see."""
    now = current(folder)
    found = sorted(((folder or root()) / "snapshots").glob("*/manifest.json"), reverse=True)
    return [manifest(p.parent) | {"current": p.parent == now} for p in found if not p.parent.name.startswith(BUILDING)]


def publish(build: Callable[[Path], dict], folder: Path | None = None, *, fresh: bool = False) -> Path:
    """Make the next snapshot and swap it in.

    fresh : begin with nothing rather than with the parts of the current snapshot.

    build : gets a folder that holds links to the parts of the current snapshot, changes it, builds the tiers in it,
        and returns what the manifest should say. If it raises, nothing has happened.
    """
    home = (folder or root()) / "snapshots"
    home.mkdir(parents=True, exist_ok=True)
    with _only_publisher(home):
        _sweep(home)
        name = _fresh_name(home)
        aside = home / f"{BUILDING}{name}"
        aside.mkdir()
        try:
            before = current(folder)
            if before and not fresh:
                link_tree(before / "parts", aside / "parts")
            said = build(aside)
        except BaseException:
            remove(aside)
            raise
        facts = {"id": name, "published": datetime.now(UTC).isoformat(timespec="seconds"), "code": _code_version()}
        facts["partnership"] = definitions.partnership().id
        _write_durably(aside / "manifest.json", json.dumps(facts | said, indent=1))
        _freeze(aside)
        aside.rename(home / name)
        _point(home, name)
        _prune(home, name)
    return home / name


def rollback(name: str = "", folder: Path | None = None) -> str:
    """Point readers at an earlier snapshot: the one named, else the one before the current. Returns its id."""
    home = (folder or root()) / "snapshots"
    names = [m["id"] for m in kept(folder)]
    now = current(folder)
    if not name:
        earlier = [n for n in names if now and n < now.name]
        if not earlier:
            raise NoSuchSnapshot("There is no earlier snapshot to go back to.")
        name = earlier[0]
    if name not in names:
        raise NoSuchSnapshot("There is no such snapshot; `python -m data snapshots` lists them.")
    with _only_publisher(home):
        _point(home, name)
    return name


def link_tree(source: Path, target: Path) -> None:
    """The same files in another folder, as hard links where the disk can, else as copies."""
    for folder, _, files in os.walk(source):
        place = target / Path(folder).relative_to(source)
        place.mkdir(parents=True, exist_ok=True)
        for file in files:
            link(Path(folder) / file, place / file)


def link(source: Path, target: Path) -> None:
    """One file under a second name."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@contextlib.contextmanager
def _only_publisher(home: Path) -> Iterator[None]:
    lock = home / "publishing"
    with contextlib.suppress(FileNotFoundError):
        if _abandoned(lock):
            lock.unlink()
    try:
        handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError as error:
        raise Busy("Another load is being published; try again when it has ended.") from error
    os.write(handle, str(os.getpid()).encode())
    os.close(handle)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _abandoned(lock: Path) -> bool:
    """Whether the publisher that holds the lock is gone (asked of the system where it can be), or far too old."""
    if time.time() - lock.stat().st_mtime > LOCK_HOURS * 3600:
        return True
    owner = lock.read_text(encoding="ascii")
    if os.name != "posix" or not owner.isdigit():
        return False
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _fresh_name(home: Path) -> str:
    """The time to the second, and a number where two are published within one."""
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    taken = [int(p.name.rsplit("-", 1)[1]) for p in home.glob(f"{name}-*")]
    return f"{name}-{max(taken, default=-1) + 1:03d}"


def _point(home: Path, name: str) -> None:
    aside = home / "current.new"
    _write_durably(aside, name)
    os.replace(aside, home / "current")
    _sync_folder(home)


def _write_durably(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _freeze(folder: Path) -> None:
    """Read-only files, and everything on the disk before the pointer may move."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_mode & stat.S_IWUSR:
            with path.open("rb") as file:
                if os.name == "posix":
                    os.fsync(file.fileno())
            path.chmod(stat.S_IREAD | stat.S_IRGRP | stat.S_IROTH)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows has no handle on a folder to flush
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _prune(home: Path, newest: str) -> None:
    names = sorted((p.name for p in home.iterdir() if (p / "manifest.json").exists()), reverse=True)
    for name in names[KEPT:]:
        if name != newest:
            remove(home / name)


def _sweep(home: Path) -> None:
    for left in home.glob(f"{BUILDING}*"):
        remove(left)


def remove(folder: Path) -> None:
    """Delete a folder of read-only files (Windows refuses those until they are writable)."""
    if os.name != "posix":
        for path in folder.rglob("*"):
            if path.is_file():
                path.chmod(stat.S_IREAD | stat.S_IWRITE)
    shutil.rmtree(folder)


def _code_version() -> str:
    return (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8").split("## ", 1)[1].split()[0]
