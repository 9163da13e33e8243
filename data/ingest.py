"""The one way in: read, tidy, place, check, write aside, publish. A row of the summary is one delivered file."""

import hashlib
import importlib
import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from data import definitions, harmonise, publish, schema, tiers
from data.errors import Problem, SourceProblem
from data.sources import files
from data.sources.files import Piece

MOST_SET_ASIDE = (
    0.05  # of a file's rows; beyond it the file is taken for a wrong one (rows outside the area not counted)
)
NOT_FAULTS = (harmonise.OUTSIDE, harmonise.ELSEWHERE)
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
)


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
    progress: Callable[[Iterable[Piece]], Iterable[Piece]] = iter,
) -> Summary:
    """Load files of one source into the next snapshot; all of them, or none.

    source : one of SOURCES. paths : files, folders or zips. again : load files already received once more (after the
    boundaries changed, say). dry_run : do everything but publish. progress : wraps the list of files, to show a bar.

    Returns the Summary. Raises SourceProblem with every problem of every file, nothing changed.
    """
    before = publish.current(folder)
    geography = geography_of(before) if before else nowhere()
    known = set() if again or not before else _received(before, source)
    summary = Summary(source)

    def build(aside: Path) -> dict:
        nonlocal summary
        summary, changed = stage(aside, source, paths, geography, salt(folder), known=known, progress=progress)
        if not summary.loads or dry_run:
            raise _NothingToPublish
        rows = tiers.build(aside, before, changed)
        return {"rows": rows, "invented": bool(before and publish.manifest(before).get("invented"))}

    try:
        summary.snapshot = publish.publish(build, folder).name
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
    progress: Callable[[Iterable[Piece]], Iterable[Piece]] = iter,
) -> tuple[Summary, set[tuple[str, str]]]:
    """Put files of one source into a snapshot being built: its parts, its loads, its lines set aside.

    aside : the folder of the snapshot being built. known : hashes of files already received, which are passed over.

    Returns the Summary, and the (table, source) pairs that changed. Raises SourceProblem as `ingest` does.
    """
    adapter = _adapter(source)
    found = list(files.pieces([Path(p) for p in paths], adapter.SUFFIXES))
    if not found:
        wanted = " or ".join(adapter.SUFFIXES)
        hint = f"This source reads {wanted} files."
        raise SourceProblem(source, [Problem("none of the files given can be read", hint=hint)])
    summary, known, problems = Summary(source), set(known), []
    work = _Work(adapter, source, aside, geography, salt_)
    for piece in progress(found):
        try:
            file_hash = hashlib.sha256(piece.read_bytes()).hexdigest()
            if file_hash in known:
                summary.skipped += 1
                continue
            known.add(file_hash)
            summary.loads.append(work.load(piece, file_hash))
        except SourceProblem as problem:
            problems.append(problem)
    if problems:
        raise problems[0] if len(problems) == 1 else _all_of(problems)
    if summary.loads:
        work.close(summary, aside.name.removeprefix(publish.BUILDING))
    return summary, work.changed


class _NothingToPublish(Exception):
    """Every file was received before, or this is only a check."""


def _all_of(problems: list[SourceProblem]) -> SourceProblem:
    everything = [Problem(f"{p.file}: {problem}") for p in problems for problem in p.problems]
    return SourceProblem(f"{len(problems)} files", everything)


class _Work:
    """One run over the files of a source: what was written where, and which record was seen."""

    def __init__(self, adapter, source: str, aside: Path, geography: harmonise.Geography, salt_: bytes):
        self.adapter, self.source, self.aside, self.geography, self.salt = adapter, source, aside, geography, salt_
        self.seen: dict[tuple[str, str], list[np.ndarray]] = {}
        self.changed: set[tuple[str, str]] = set()
        self.set_aside: list[pd.DataFrame] = []

    def load(self, piece: Piece, file_hash: str) -> Load:
        """Read one file and write its rows aside."""
        load = Load(piece, file_hash)
        rows = self._harmonised(piece, load)
        self._count_problems(rows, load)
        good = rows[rows["problem"] == ""]
        table = self.adapter.TABLE
        if table == "incidents":
            good = _with_definitions(good)
            load.unplaced = int((good["precision"] == "none").sum())
        clean = schema.typed(good, table)
        schema.check(clean, table, piece.name)
        for (feed, period), part in clean.groupby(_part_keys(clean, self.adapter), observed=True, sort=False):
            self._write(part, feed, period, load)
        load.accepted = load.rows_read - load.quarantined - load.duplicate
        return load

    def _harmonised(self, piece: Piece, load: Load) -> pd.DataFrame:
        raw = self.adapter.read(piece)
        load.rows_read = len(raw)
        rows = (
            self.adapter.tidy(raw, salt=self.salt)
            if self.source in ("police_extract", "istv", "ambulance")
            else self.adapter.tidy(raw)
        )
        load.rows_read = len(rows)
        if self.adapter.TABLE == "incidents":
            if self.geography.lsoas.empty:
                hint = "Load boundaries first: python -m data ingest boundaries FILE"
                raise SourceProblem(piece.name, [Problem("there are no areas yet to place records in", hint=hint)])
            rows = harmonise.placed(rows, self.geography)
            load.notes["old area that was split, not settled by a point"] = int(rows["unresolved"].sum())
        elif hasattr(self.adapter, "localise"):
            rows = self.adapter.localise(rows, self.geography, definitions.partnership())
            load.rows_read = len(rows)
        return rows

    def _count_problems(self, rows: pd.DataFrame, load: Load) -> None:
        bad = rows["problem"][rows["problem"] != ""]
        load.reasons = {str(k): int(v) for k, v in bad.value_counts().items()}
        faults = {k: v for k, v in load.reasons.items() if k not in NOT_FAULTS}
        if sum(faults.values()) > MOST_SET_ASIDE * len(rows):
            hint = f"More than {MOST_SET_ASIDE:.0%} of the rows break a rule: is this the right file and source?"
            raise SourceProblem(load.piece.name, [Problem(k, rows=v, hint=hint) for k, v in faults.items()])
        lines = pd.DataFrame({"file": load.piece.name, "line": bad.index + 2, "reason": bad.to_numpy()})
        self.set_aside.append(lines)

    def _write(self, part: pd.DataFrame, feed: str, period: str, load: Load) -> None:
        place = self.aside / "parts" / self.adapter.TABLE / self._source_of(feed) / feed.replace(":", "~")
        if (feed, period) not in self.seen:
            for old in place.glob(f"{period}.*.parquet"):
                old.unlink()
        if self.adapter.TABLE == "incidents":
            ids = part["record_id"].to_numpy()
            repeated = part["record_id"].duplicated().to_numpy() | np.isin(
                ids, np.concatenate(self.seen.get((feed, period), [[]]))
            )
            load.duplicate += int(repeated.sum())
            part = part[~repeated]
            self.seen.setdefault((feed, period), []).append(part["record_id"].to_numpy())
        else:
            self.seen.setdefault((feed, period), [])
        place.mkdir(parents=True, exist_ok=True)
        part.to_parquet(place / f"{period}.{load.file_hash[:12]}.parquet", index=False, compression="zstd")
        load.periods.add((feed, period))
        self.changed.add((self.adapter.TABLE, self._source_of(feed)))

    def _source_of(self, feed: str) -> str:
        return feed.split(":")[0]

    def close(self, summary: Summary, snapshot: str) -> None:
        """Record every file in the table `loads`, and the lines set aside."""
        received = datetime.now(UTC).replace(tzinfo=None)
        earlier = [pd.read_parquet(p) for p in (self.aside / "parts" / "loads").rglob("*.parquet")]
        fresh = [_load_row(load, self.source, self.adapter.TABLE, received, snapshot) for load in summary.loads]
        past = pd.concat(earlier) if earlier else schema.typed(pd.DataFrame(), "loads")
        past = _superseded(past, summary, self.aside / "parts" / self.adapter.TABLE)
        loads = schema.typed(pd.concat([past, schema.typed(pd.DataFrame(fresh), "loads")]), "loads")
        schema.check(loads, "loads", "loads")
        place = self.aside / "parts" / "loads"
        publish.remove(place) if place.exists() else None
        place.mkdir(parents=True)
        loads.to_parquet(place / "loads.parquet", index=False)
        lines = pd.concat(self.set_aside)
        if len(lines):
            (self.aside / "parts" / "quarantine").mkdir(parents=True, exist_ok=True)
            lines.to_parquet(
                self.aside / "parts" / "quarantine" / f"{snapshot}.parquet", index=False, compression="zstd"
            )


def _superseded(past: pd.DataFrame, summary: Summary, parts: Path) -> pd.DataFrame:
    """Mark earlier loads none of whose rows are left."""
    left = {path.name.split(".")[1] for path in parts.rglob("*.parquet")}
    gone = past["source"].eq(summary.source) & ~past["file_hash"].str[:12].isin(left)
    return past.assign(status=past["status"].mask(gone, "replaced"))


def _load_row(load: Load, source: str, table: str, received: datetime, snapshot: str) -> dict:
    months = sorted(p for _, p in load.periods if re.fullmatch(r"\d{4}-\d{2}", p)) if table == "incidents" else []
    feeds = sorted({f for f, _ in load.periods})
    return {
        "load_id": load.file_hash[:12],
        "source": {"police_extract": "police", "istv": "ed_istv"}.get(source, source),
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
    groups = definitions.offence_groups()
    return rows.assign(
        sv_local=rows["offence_group"].map({k: g.sv_local for k, g in groups.items()}).astype(bool),
        harm_cchi=rows["offence_group"].map(definitions.harm_weights()).astype(float),
    )


def _part_keys(rows: pd.DataFrame, adapter) -> list[pd.Series]:
    """By feed and period: incidents by the month they were recorded in, so that a late record replaces nothing else."""
    if adapter.TABLE == "incidents":
        period = rows["dt_recorded"].fillna(rows["month"]).dt.strftime("%Y-%m")
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

    def part(table: str) -> pd.DataFrame:
        found = [pd.read_parquet(p) for p in sorted((snapshot / "parts" / table).rglob("*.parquet"))]
        return pd.concat(found, ignore_index=True) if found else schema.typed(pd.DataFrame(), table)

    areas, lookups = part("areas"), part("lookups")
    areas["geometry"] = shapely.from_wkb(areas["geometry"].to_numpy())
    level = areas["area_level"]
    partnership = definitions.partnership()
    return harmonise.Geography(
        lsoas=areas[level == "lsoa"].reset_index(drop=True),
        msoas=areas[level == "msoa"].reset_index(drop=True),
        lads=areas[level == "lad"].reset_index(drop=True),
        lookups=lookups,
        postcodes=part("postcodes"),
        box=partnership.box,
        forces=partnership.forces,
    )


def nowhere() -> harmonise.Geography:
    """A geography without areas, before any boundaries are loaded."""
    empty, partnership = schema.typed(pd.DataFrame(), "areas"), definitions.partnership()
    lookups, postcodes = (schema.typed(pd.DataFrame(), t) for t in ("lookups", "postcodes"))
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
    name = {"police_extract": "police", "istv": "ed_istv"}.get(source, source)
    loads = pd.read_parquet(snapshot / "restricted" / "loads.parquet")
    return set(loads.loc[loads["source"].eq(name) & loads["status"].eq("loaded"), "file_hash"])


def months_missing(months: Iterable[pd.Timestamp]) -> list[pd.Timestamp]:
    """The months between the first and the last that are not there."""
    held = sorted(set(months))
    return [m for m in pd.date_range(held[0], held[-1], freq="MS") if m not in held] if held else []
