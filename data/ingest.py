"""The one way in: read, tidy, place, check, write aside, publish. A row of the summary is one delivered file."""

import hashlib
import importlib
import json
import multiprocessing
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from data import definitions, harmonise, publish, quality, schema, tiers
from data.errors import Problem, SourceProblem
from data.sources import dates, files
from data.sources.files import Piece

MOST_SET_ASIDE = (
    0.05  # of a file's rows; beyond it the file is taken for a wrong one (rows outside the area not counted)
)
NOT_FAULTS = (harmonise.OUTSIDE, harmonise.ELSEWHERE)
WITH_REFERENCES = ("police_extract", "istv", "ambulance")  # their references become pseudonyms, which takes the salt
FEWEST_SHARED, SMALLEST_SHARED, PROCESSES = 24, 40_000_000, 2  # files and bytes from which processes pay
SOURCES = (
    "lookups",
    "codepoint",
    "boundaries",
    "population",
    "deprivation",
    "places",
    "police_uk",
    "police_extract",
    "istv",
    "ambulance",
    "admissions",
    "fingertips",
    "census",
    "needs_index",
    "partner_indicators",
    "attendance",
    "surveys",
    "programme_returns",
)


Progress = Callable[[Iterable, int], Iterable]  # wraps what comes, of which there will be so many, to show a bar


@dataclass
class Load:
    """What became of one delivered file."""

    piece: Piece
    file_hash: str
    rows_read: int = 0
    accepted: int = 0
    duplicate: int = 0
    unplaced: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    periods: set[tuple[str, str]] = field(default_factory=set)

    @property
    def quarantined(self) -> int:
        """Rows set aside, whatever the reason."""
        return sum(self.reasons.values())


@dataclass
class Summary:
    """What a command did, in counts."""

    source: str
    loads: list[Load] = field(default_factory=list)
    skipped: int = 0
    snapshot: str = ""
    notes: list[str] = field(default_factory=list)  # months that changed much since they were last delivered

    def total(self, name: str) -> int:
        """A count added up over the files."""
        return sum(getattr(load, name) for load in self.loads)


def ingest(
    source: str,
    paths: Iterable[Path],
    *,
    folder: Path | None = None,
    again: bool = False,
    dry_run: bool = False,
    progress: Progress = lambda done, total: done,
) -> Summary:
    """Load files of one source into the next snapshot; all of them, or none.

    source : one of SOURCES. paths : files, folders or zips. again : load files already received once more (after the
    boundaries changed, say). dry_run : do everything but publish. progress : wraps the list of files, to show a bar.

    Returns the Summary. Raises SourceProblem with every problem of every file, nothing changed.
    """
    found = before = publish.current(folder)
    if before and publish.manifest(before).get("invented"):
        before = None  # real data never join invented ones: they start afresh
    geography = geography_of(before) if before else nowhere()
    known = set() if again or not before else _received(before, source)
    summary = Summary(source)

    def build(aside: Path) -> dict:
        nonlocal summary
        if publish.current(folder) != found:
            raise publish.Busy("Another load was published just now; start this one again.")
        summary, changed = stage(aside, source, paths, geography, salt(folder), known=known, progress=progress)
        if before and _adapter(source).TABLE == "incidents":
            summary.notes = quality.held_for_review(before, aside)
        if not summary.loads or dry_run:
            raise _NothingToPublish
        rows = tiers.build(aside, before, changed)
        return {"rows": rows, "invented": False}

    try:
        summary.snapshot = publish.publish(build, folder, fresh=before is None).name
    except _NothingToPublish:
        summary.snapshot = before.name if before else ""
    return summary


def stage(
    aside: Path,
    source: str,
    paths: Iterable[Path],
    geography: harmonise.Geography,
    salt_: bytes,
    *,
    known: Iterable[str] = (),
    progress: Progress = lambda done, total: done,
) -> tuple[Summary, set[tuple[str, str]]]:
    """Put files of one source into a snapshot being built: its parts, its loads, its lines set aside.

    aside : the folder of the snapshot being built. known : hashes of files already received, which are passed over.

    Returns the Summary, and the (table, source) pairs that changed. Raises SourceProblem as `ingest` does.
    """
    adapter = _adapter(source)
    found = list(dict.fromkeys(files.pieces([Path(p) for p in paths], adapter.SUFFIXES)))
    others = getattr(adapter, "PASSED_OVER", ())
    found = [piece for piece in found if not piece.name.endswith(others)] or found
    if not found:
        wanted = " or ".join(adapter.SUFFIXES)
        hint = f"This source reads {wanted} files."
        raise SourceProblem(source, [Problem("none of the files given can be read", hint=hint)])
    summary, work = Summary(source), _Work(adapter, source, aside, geography, salt_)
    problems, taken = [], set()
    for done in progress(work.each(found, set(known)), len(found)):
        if isinstance(done, SourceProblem):
            problems.append(done)
        elif done is None or done.load.file_hash in taken:  # received before, or the same twice in this run
            summary.skipped += 1
        else:
            taken.add(done.load.file_hash)
            summary.loads.append(work.keep(done))
    if problems:
        raise problems[0] if len(problems) == 1 else _all_of(problems)
    if summary.loads:
        _record(summary, work.set_aside, aside, adapter.TABLE)
    return summary, work.changed


class _NothingToPublish(Exception):
    """Every file was received before, or this is only a check."""


def _all_of(problems: list[SourceProblem]) -> SourceProblem:
    everything = [Problem(f"{p.file}: {problem}") for p in problems for problem in p.problems]
    return SourceProblem(f"The delivery, with {len(problems)} files that have problems,", everything)


@dataclass
class _Done:
    """One file read and written aside, before it is known whether other files repeat its records."""

    load: Load
    set_aside: pd.DataFrame
    written: dict[tuple[str, str], tuple[Path, np.ndarray | None]]  # (feed, period): file, record ids


@dataclass
class _Work:
    """One run over the files of a source: what was written where, and which record was seen."""

    adapter: ModuleType
    source: str
    aside: Path
    geography: harmonise.Geography
    salt: bytes
    seen: dict[tuple[str, str], list[np.ndarray]] = field(default_factory=dict)
    changed: set[tuple[str, str]] = field(default_factory=set)
    set_aside: list[pd.DataFrame] = field(default_factory=list)
    before: dict[tuple[Path, str], set[Path]] = field(default_factory=dict)  # (folder, period): files of earlier loads

    def __post_init__(self) -> None:
        for path in (self.aside / "parts" / self.adapter.TABLE).rglob("*.parquet"):
            self.before.setdefault((path.parent, path.name.split(".")[0]), set()).add(path)

    def each(self, pieces: list[Piece], known: set[str]) -> Iterator[_Done | SourceProblem | None]:
        """What became of every file, in order: read, refused, or (None) received before; many share two processes."""
        size = sum(path.stat().st_size for path in {piece.path for piece in pieces})
        if len(pieces) < FEWEST_SHARED or size < SMALLEST_SHARED:
            yield from map(partial(_attempt, self._reader(), known), pieces)
            return
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        reader = (self._reader(), known)
        with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=_start, initargs=reader) as pool:
            yield from pool.map(_work_on, pieces, chunksize=4)

    def _reader(self) -> "_Reader":
        return _Reader(self.adapter.__name__, self.source, self.aside, self.geography, self.salt)

    def keep(self, done: _Done) -> Load:
        """Take in one file: what it replaces goes, what repeats a record of an earlier file of this run is dropped."""
        for key, (path, ids) in done.written.items():
            if key not in self.seen:
                for old in self.before.get((path.parent, key[1]), set()) - {path}:
                    old.unlink()
            earlier = self.seen.setdefault(key, [])
            if ids is not None:
                repeated = np.isin(ids, np.concatenate(earlier)) if earlier else np.zeros(len(ids), bool)
                if repeated.any():
                    rows = pd.read_parquet(path)
                    rows[~repeated].to_parquet(path, index=False, compression="zstd")
                    done.load.duplicate += int(repeated.sum())
                earlier.append(ids)
            self.changed.add((self.adapter.TABLE, path.parent.parent.name))
        self.set_aside.append(done.set_aside)
        done.load.accepted = done.load.rows_read - done.load.quarantined - done.load.duplicate
        return done.load


def _attempt(reader: "_Reader", known: set[str], piece: Piece) -> _Done | SourceProblem | None:
    try:
        file_hash = hashlib.sha256(piece.read_bytes()).hexdigest()
        return None if file_hash in known else reader.read(piece, file_hash)
    except SourceProblem as problem:
        return problem


def _start(reader: "_Reader", known: set[str]) -> None:
    """Give a process of the pool what all its files share."""
    _shared["attempt"] = partial(_attempt, reader, known)


def _work_on(piece: Piece) -> _Done | SourceProblem | None:
    return _shared["attempt"](piece)


_shared: dict[str, Callable] = {}  # filled in the processes of the pool only


@dataclass
class _Reader:
    """Reads one file and writes its rows aside; knows of no other file."""

    module: str
    source: str
    aside: Path
    geography: harmonise.Geography
    salt: bytes

    def read(self, piece: Piece, file_hash: str) -> _Done:
        """Read, tidy, place, check and write one file."""
        adapter, load = importlib.import_module(self.module), Load(piece, file_hash)
        rows = self._harmonised(adapter, piece, load)
        lines = self._count_problems(rows, load, getattr(adapter, "NOT_FAULTS", ()))
        good = rows[rows["problem"] == ""] if load.quarantined else rows
        table = adapter.TABLE
        if table == "incidents":
            good = _with_definitions(good)
            load.unplaced = int((good["precision"] == "none").sum())
            repeated = good["record_id"].duplicated()
            load.duplicate, good = int(repeated.sum()), good[~repeated] if repeated.any() else good
        if table == "areas":
            good = good.assign(geometry=shapely_bytes(good["geometry"]))
        clean = schema.typed(good, table)
        schema.check(clean, table, piece.name, set(good.columns))
        load.notes.update(rows.attrs.get("notes", {}))
        done = _Done(load, lines, {})
        if clean.empty:
            return done
        for (feed, period), part in clean.groupby(_part_keys(clean, adapter), observed=True, sort=False):
            done.written[feed, period] = self._write(part, table, feed, period, file_hash)
        load.periods = set(done.written)
        return done

    def _harmonised(self, adapter: ModuleType, piece: Piece, load: Load) -> pd.DataFrame:
        raw = adapter.read(piece)
        rows = adapter.tidy(raw, salt=self.salt) if self.source in WITH_REFERENCES else adapter.tidy(raw)
        load.rows_read = len(rows)
        if adapter.TABLE == "incidents":
            if self.geography.lsoas.empty:
                hint = "Load boundaries first: python -m data ingest boundaries FILE"
                raise SourceProblem(piece.name, [Problem("there are no areas yet to place records in", hint=hint)])
            rows = harmonise.placed(rows, self.geography)
            load.notes["old area that was split, not settled by a point"] = int(rows["unresolved"].sum())
        elif hasattr(adapter, "localise"):
            rows = adapter.localise(rows, self.geography, definitions.partnership())
            load.rows_read = len(rows)
        return rows

    def _count_problems(self, rows: pd.DataFrame, load: Load, not_faults: tuple[str, ...]) -> pd.DataFrame:
        """Count what is set aside; refuse the file when too much of it breaks a rule; name the lines to put right."""
        bad = rows["problem"][rows["problem"] != ""]
        innocent = {*NOT_FAULTS, *not_faults}
        load.reasons = {str(k): int(v) for k, v in bad.value_counts().items()}
        faults = {k: v for k, v in load.reasons.items() if k not in innocent}
        if sum(faults.values()) > MOST_SET_ASIDE * len(rows):
            hint = f"More than {MOST_SET_ASIDE:.0%} of the rows break a rule: is this the right file and source?"
            raise SourceProblem(load.piece.name, [Problem(k, rows=v, hint=hint) for k, v in faults.items()])
        wrong = bad[~bad.isin(innocent)]  # rows of elsewhere are only counted: a national file has a million of them
        return pd.DataFrame({"file": load.piece.name, "line": wrong.index + 2, "reason": wrong.to_numpy()})

    def _write(
        self, part: pd.DataFrame, table: str, feed: str, period: str, file_hash: str
    ) -> tuple[Path, np.ndarray | None]:
        place = self.aside / "parts" / table / feed.split(":")[0] / feed.replace(":", "~")
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{period}.{file_hash[:12]}.parquet"
        path.unlink(missing_ok=True)  # a link to the same file of the last snapshot, which must not change
        part.to_parquet(path, index=False, compression="zstd")
        return path, part["record_id"].to_numpy() if table == "incidents" else None


def _record(summary: Summary, set_aside: list[pd.DataFrame], aside: Path, table: str) -> None:
    """Record every file in the table `loads`, and the lines set aside."""
    snapshot = aside.name.removeprefix(publish.BUILDING)
    received = datetime.now(UTC).replace(tzinfo=None)
    earlier = [pd.read_parquet(p) for p in (aside / "parts" / "loads").rglob("*.parquet")]
    fresh = [_load_row(load, summary.source, table, received, snapshot) for load in summary.loads]
    past = pd.concat(earlier) if earlier else schema.empty("loads")
    past = _superseded(past, summary, aside / "parts" / table)
    loads = schema.typed(pd.concat([past, schema.typed(pd.DataFrame(fresh), "loads")]), "loads")
    schema.check(loads, "loads", "loads")
    place = aside / "parts" / "loads"
    if place.exists():
        publish.remove(place)
    place.mkdir(parents=True)
    loads.to_parquet(place / "loads.parquet", index=False)
    lines = pd.concat(set_aside)
    if len(lines):
        (aside / "parts" / "quarantine").mkdir(parents=True, exist_ok=True)
        lines.to_parquet(aside / "parts" / "quarantine" / f"{snapshot}-{summary.source}.parquet", index=False)


def _superseded(past: pd.DataFrame, summary: Summary, parts: Path) -> pd.DataFrame:
    """Mark earlier loads none of whose rows are left, and those of files that were now loaded again."""
    left = {path.name.split(".")[1] for path in parts.rglob("*.parquet")}
    gone = past["accepted"].gt(0) & ~past["file_hash"].str[:12].isin(left)
    gone |= past["file_hash"].isin([load.file_hash for load in summary.loads])
    return past.assign(status=past["status"].mask(gone & past["source"].eq(_known_as(summary.source)), "replaced"))


def _load_row(load: Load, source: str, table: str, received: datetime, snapshot: str) -> dict:
    months = sorted(p for _, p in load.periods if re.fullmatch(r"\d{4}-\d{2}", p)) if table == "incidents" else []
    feeds = sorted({f for f, _ in load.periods})
    return {
        "load_id": load.file_hash[:12],
        "source": _known_as(source),
        "feed_id": feeds[0] if len(feeds) == 1 else source,
        "file": load.piece.name,
        "file_hash": load.file_hash,
        "received": received,
        "first_month": pd.Timestamp(months[0]) if months else pd.NaT,
        "last_month": pd.Timestamp(months[-1]) if months else pd.NaT,
        "rows_read": load.rows_read,
        "accepted": load.accepted,
        "quarantined": load.quarantined,
        "duplicate": load.duplicate,
        "unplaced": load.unplaced,
        "status": "loaded",
        "snapshot_id": snapshot,
        "reasons": json.dumps({"set aside": load.reasons, "noted": {k: v for k, v in load.notes.items() if v}}),
    }


def _with_definitions(rows: pd.DataFrame) -> pd.DataFrame:
    serious = {key: group.sv_local for key, group in definitions.offence_groups().items()}
    return rows.assign(
        sv_local=harmonise.once_each(rows["offence_group"], lambda keys: keys.map(serious).astype(bool)),
        harm_cchi=harmonise.once_each(rows["offence_group"], lambda k: k.map(definitions.harm_weights()).astype(float)),
    )


def _part_keys(rows: pd.DataFrame, adapter) -> list[pd.Series]:
    """By feed and period: incidents by the month they were recorded in, so that a late record replaces nothing else.

    A record that does not say when lies in its own month where the file has others of it, else in the file's newest.
    """
    if adapter.TABLE == "incidents":
        recorded = harmonise.once_each(rows["dt_recorded"], dates.months)
        if recorded.notna().any():
            late = recorded.isna() & ~rows["month"].isin(recorded.dropna())
            recorded = recorded.mask(late, recorded.max())
        period = harmonise.once_each(recorded.fillna(rows["month"]), lambda days: days.dt.strftime("%Y-%m"))
    else:
        period = rows[adapter.PART].astype("str").agg("_".join, axis=1).str.replace(r"[^\w-]+", "-", regex=True)
    return [rows["feed_id"], period]


def _adapter(source: str):
    if source not in SOURCES:
        raise SourceProblem(source, [Problem("there is no such source", hint=f"Sources: {', '.join(SOURCES)}.")])
    return importlib.import_module(f"data.sources.{source}")


def geography_of(snapshot: Path) -> harmonise.Geography:
    """The areas of a snapshot, for placing records."""
    import shapely

    from data.sources import boundaries

    def part(table: str) -> pd.DataFrame:
        found = [pd.read_parquet(p) for p in sorted((snapshot / "parts" / table).rglob("*.parquet"))]
        return pd.concat(found, ignore_index=True) if found else schema.empty(table)

    areas, lookups = part("areas"), part("lookups")
    areas["geometry"] = shapely.from_wkb(areas["geometry"].to_numpy())
    partnership = definitions.partnership()
    areas = boundaries.completed(areas, lookups, partnership) if len(areas) else areas
    level = areas["area_level"]
    return harmonise.Geography(
        lsoas=areas[level == "lsoa"].reset_index(drop=True),
        msoas=areas[level == "msoa"].reset_index(drop=True),
        lads=areas[level == "lad"].reset_index(drop=True),
        lookups=lookups,
        postcodes=part("postcodes"),
        box=partnership.box,
        forces=partnership.forces,
    )


def shapely_bytes(geometry: pd.Series) -> np.ndarray:
    """Shapes as well-known binary, as Parquet keeps them."""
    import shapely

    return shapely.to_wkb(geometry.to_numpy())


def nowhere() -> harmonise.Geography:
    """A geography without areas, before any boundaries are loaded."""
    empty, partnership = schema.empty("areas"), definitions.partnership()
    lookups, postcodes = (schema.empty(t) for t in ("lookups", "postcodes"))
    return harmonise.Geography(empty, empty, empty, lookups, postcodes, partnership.box, partnership.forces)


def salt(folder: Path | None = None) -> bytes:
    """The secret that turns references into pseudonyms, made once per data folder and never shown."""
    path = (folder or publish.root()) / "salt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(secrets.token_bytes(32))
        path.chmod(0o600)
    return path.read_bytes()


def _received(snapshot: Path, source: str) -> set[str]:
    loads = pd.read_parquet(snapshot / "restricted" / "loads.parquet")
    ours = loads["source"].eq(_known_as(source)) & loads["status"].eq("loaded")
    return set(loads.loc[ours, "file_hash"])


def _known_as(source: str) -> str:
    """The name that records of a source carry, which for two is not that of their adapter."""
    return {"police_extract": "police", "istv": "ed_istv"}.get(source, source)


def months_missing(months: Iterable[pd.Timestamp]) -> list[pd.Timestamp]:
    """The months between the first and the last that are not there."""
    held = sorted(set(months))
    return [m for m in pd.date_range(held[0], held[-1], freq="MS") if m not in held] if held else []
