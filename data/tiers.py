"""What each tier holds: one folder of Parquet per tier, built from the parts. A lower tier lacks what it may not see.

restricted : everything harmonised. public : sources already published by their owner. partner : the public
data, the protected aggregates of the rest (see protection), and the partnership's own registers added up (see surveys,
programme_returns; attendance says nothing of persons and is held as it is).
"""

import json
from pathlib import Path

import duckdb
import pandas as pd

from data import definitions, publish, schema

OPEN_INCIDENTS = ("police_uk",)  # published by their owner at the level held
ROW_GROUP = 122_880  # rows; DuckDB's own size, one authority's year of a large force
FLAGS = ("sv_local", "knife", "domestic", "sexual")
SORTED = {"incidents": "authority_code, month, offence_group"}
OPEN_TABLES = ("population", "indicators", "areas", "places")
REGISTERS = ("attendance", "survey", "programme_returns")
COUNTED = ["rows_read", "accepted", "quarantined", "duplicate", "unplaced"]
DEPARTS = {  # what a partner is told of a month of a closed source that departs from its history
    "total": "Its total departs from the months around it",
    "group": "The mix of offences departs from the months around it",
    "area": "The share of an area departs from the months around it",
    "completeness": "A field is filled in more or less often than in the months around it",
    "unplaced": "More or fewer records without a place than in the months around it",
}
LATEST_WINS = "QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY filename DESC) = 1"


class ProtectionFailed(Exception):
    """The audit of the protected tables did not pass; nothing is published."""


def build(snapshot: Path, before: Path | None, changed: set[tuple[str, str]]) -> dict[str, int]:
    """Write the datasets of all tiers into a snapshot being built.

    before : the snapshot that was current, whose files are linked where nothing changed.
    changed : (table, source) pairs whose parts differ from it.

    Returns rows by table.
    """
    (snapshot / "restricted" / "incidents").mkdir(parents=True)
    rows = {"incidents": 0}
    for folder in sorted((snapshot / "parts" / "incidents").glob("*")):
        target = snapshot / "restricted" / "incidents" / f"{folder.name}.parquet"
        rows["incidents"] += _incidents(
            folder, target, _same(before, target, snapshot, ("incidents", folder.name), changed)
        )
    for table in ("areas", "admissions", "population", "indicators", "places", "lookups", "loads", *REGISTERS):
        rows[table] = _whole(snapshot, table)
    _coverage(snapshot)
    _flags(snapshot)
    _public(snapshot)
    _partner(snapshot, before)
    return rows


def _same(before: Path | None, target: Path, snapshot: Path, key: tuple[str, str], changed: set) -> Path | None:
    """The file of the last snapshot that still holds, if nothing that goes into it changed."""
    if before is None or key in changed:
        return None
    earlier = before / target.relative_to(snapshot)
    return earlier if earlier.exists() else None


def _incidents(parts: Path, target: Path, earlier: Path | None) -> int:
    if earlier:
        publish.link(earlier, target)
    else:
        once = "" if parts.name in OPEN_INCIDENTS else LATEST_WINS
        columns = ", ".join(schema.INCIDENTS)
        _write(
            f"SELECT {columns} FROM read_parquet('{_sql(parts)}/*/*.parquet', filename = true) {once} "
            f"ORDER BY {SORTED['incidents']}, record_id",
            target,
        )
    with duckdb.connect() as engine:
        return engine.execute(f"SELECT count(*) FROM '{_sql(target)}'").fetchone()[0]


def _whole(snapshot: Path, table: str) -> int:
    """One file for a table whose sources fit in memory together; registers without rows are not held, and have none."""
    frame = _parts(snapshot, table)
    if table == "areas":
        frame = _one_geography(frame, _parts(snapshot, "lookups"))
    elif table == "population":
        from data.sources import population

        frame = _with_sums(population.finest(frame), pd.read_parquet(snapshot / "restricted" / "areas.parquet"))
    if len(frame) or table not in REGISTERS:
        frame.to_parquet(snapshot / "restricted" / f"{table}.parquet", index=False, compression="zstd")
    return len(frame)


def _parts(snapshot: Path, table: str) -> pd.DataFrame:
    files = sorted((snapshot / "parts" / table).rglob("*.parquet"))
    return pd.concat([pd.read_parquet(f) for f in files], ignore_index=True) if files else schema.empty(table)


def _one_geography(areas: pd.DataFrame, lookups: pd.DataFrame) -> pd.DataFrame:
    """The newest edition of every level, each area in its parent; authorities without a shape made of their parts."""
    import shapely

    from data.sources import boundaries

    if areas.empty:
        return areas
    areas["geometry"] = shapely.from_wkb(areas["geometry"].to_numpy())
    whole = boundaries.completed(areas, lookups, definitions.partnership())
    everyday = whole["parent"].map(whole.drop_duplicates("area_code").set_index("area_code")["everyday_name"])
    unnamed = whole["area_level"].eq("lsoa") & whole["everyday_name"].isna()  # called by its neighbourhood
    named = whole["everyday_name"].mask(unnamed, everyday)
    return whole.assign(everyday_name=named, geometry=shapely.to_wkb(whole["geometry"].to_numpy()))


def _with_sums(people: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """Residents of neighbourhoods and authorities, added up from small areas where no file gives them."""
    small = people[people["area_level"] == "lsoa"]
    lsoas = areas[areas["area_level"] == "lsoa"].set_index("area_code")
    levels = areas.set_index("area_code")["area_level"]
    found = [people]
    for level, column in (("msoa", "parent"), ("lad", "authority_code")):
        held = people.loc[people["area_level"] == level, ["year", "pop_type"]].drop_duplicates()
        lacking = small.merge(held.assign(held=True), how="left", on=["year", "pop_type"])
        lacking = lacking[lacking["held"].isna()].drop(columns="held")
        lacking["area_code"] = lacking["area_code"].map(lsoas[column])
        lacking = lacking[lacking["area_code"].map(levels) == level].assign(area_level=level)
        keys = [c for c in lacking.columns if c not in ("population", "estimated")]
        found.append(lacking.groupby(keys, as_index=False, dropna=False).agg({"population": "sum", "estimated": "any"}))
    return schema.typed(pd.concat(found, ignore_index=True), "population")


def _coverage(snapshot: Path) -> None:
    """Which months were supplied, by feed: a month without a row here is a gap, never zero."""
    held = [
        (path.parent.parent.name, path.parent.name.replace("~", ":"), pd.Timestamp(path.name.split(".")[0]))
        for path in sorted((snapshot / "parts" / "incidents").glob("*/*/*.parquet"))
    ]
    frame = pd.DataFrame(held, columns=["source", "feed_id", "month"]).drop_duplicates()
    frame["month"] = frame["month"].astype("datetime64[us]")
    _without_other_forces(frame).to_parquet(snapshot / "restricted" / "coverage.parquet", index=False)


def _without_other_forces(coverage: pd.DataFrame) -> pd.DataFrame:
    """A neighbour's file, with the few crimes it has here, does not stand in for a month of the partnership's force."""
    from data.sources import police_uk

    street = coverage["source"] == "police_uk"
    ours = coverage["feed_id"].isin(police_uk.feeds(pd.Series(definitions.partnership().forces, dtype="str")))
    return coverage[~street | ours] if (street & ours).any() else coverage


def _flags(snapshot: Path) -> None:
    """Months that depart from their source's own history."""
    from data import quality

    restricted = snapshot / "restricted"
    found = quality.flags(restricted / "incidents", pd.read_parquet(restricted / "coverage.parquet"))
    found.to_parquet(restricted / "flags.parquet", index=False)


def _public(snapshot: Path) -> None:
    public, restricted = snapshot / "public", snapshot / "restricted"
    (public / "incidents").mkdir(parents=True)
    for source in OPEN_INCIDENTS:
        if (restricted / "incidents" / f"{source}.parquet").exists():
            publish.link(restricted / "incidents" / f"{source}.parquet", public / "incidents" / f"{source}.parquet")
    for table in OPEN_TABLES:
        publish.link(restricted / f"{table}.parquet", public / f"{table}.parquet")
    _without_closed_indicators(restricted, public)
    lookups = pd.read_parquet(restricted / "lookups.parquet")  # of them what maps ask: which ward a small area is in
    lookups[lookups["kind"] == "lsoa_ward"].to_parquet(public / "lookups.parquet", index=False)
    for table in ("coverage", "loads", "flags"):
        frame = pd.read_parquet(restricted / f"{table}.parquet")
        frame[frame["source"].map(_is_open).astype(bool)].to_parquet(public / f"{table}.parquet", index=False)


def _without_closed_indicators(restricted: Path, public: Path) -> None:
    """Indicators agreed for named members alone are in no lower tier."""
    closed = [name for name, indicator in definitions.indicators().items() if indicator.closed]
    rows = pd.read_parquet(restricted / "indicators.parquet")
    held = rows["indicator_id"].str.split(":").str[0].isin(closed)
    if held.any():
        (public / "indicators.parquet").unlink()
        rows[~held].to_parquet(public / "indicators.parquet", index=False, compression="zstd")


def _partner(snapshot: Path, before: Path | None) -> None:
    """The public data; every partner's loads and months, without their counts; and the protected aggregates."""
    partner, restricted = snapshot / "partner", snapshot / "restricted"
    publish.link_tree(snapshot / "public", partner)
    for table in ("coverage", "loads", "flags"):
        (partner / f"{table}.parquet").unlink()
        frame = pd.read_parquet(restricted / f"{table}.parquet")
        closed = ~frame["source"].map(_is_open)
        if table == "loads":
            frame[COUNTED] = frame[COUNTED].astype("Int64").mask(closed)
            frame["reasons"] = frame["reasons"].mask(closed, "{}")
        elif table == "flags":
            frame["reason"] = frame["reason"].mask(closed, frame["kind"].map(DEPARTS))
        frame.to_parquet(partner / f"{table}.parquet", index=False)
    _registers(restricted, partner, before)
    released = _protected(snapshot, before)
    if len(released):  # a file without rows has no types either, and cannot be asked
        released.to_parquet(partner / "protected.parquet", index=False)


def _registers(restricted: Path, partner: Path, before: Path | None) -> None:
    """The partnership's own registers as partners may hold them; a file only where there are rows.

    A quarter of returns once told stays as it was told: from two snapshots a programme that came late would be had by
    subtraction.
    """
    from data.sources import programme_returns, surveys

    files = {table: restricted / f"{table}.parquet" for table in REGISTERS}
    held = {table: pd.read_parquet(file) for table, file in files.items() if file.exists()}
    if "attendance" in held:
        publish.link(files["attendance"], partner / "attendance.parquet")
    if "survey" in held:
        shares = surveys.released(held["survey"], definitions.partnership().codes)
        shares.to_parquet(partner / "survey.parquet", index=False)
    if "programme_returns" in held:
        totals = programme_returns.released(held["programme_returns"])
        earlier = before / "partner" / "programme_returns.parquet" if before else None
        if earlier and earlier.exists():
            totals = programme_returns.frozen(totals, pd.read_parquet(earlier))
        totals.to_parquet(partner / "programme_returns.parquet", index=False)


def _is_open(source: str) -> bool:
    known = definitions.sources().get(source)
    return known is not None and known.open


def _protected(snapshot: Path, before: Path | None) -> pd.DataFrame:
    """The protected aggregates of closed sources; raises ProtectionFailed rather than publish what could be undone."""
    from data import protection, protection_audit

    restricted = snapshot / "restricted"
    closed = [f for f in sorted((restricted / "incidents").glob("*.parquet")) if f.stem not in OPEN_INCIDENTS]
    admissions = pd.read_parquet(restricted / "admissions.parquet")
    if not closed and admissions.empty:
        return pd.DataFrame(columns=protection.RELEASED)
    keys = ", ".join(["source", "offence_group", *FLAGS, "authority_code", "msoa_code", "month"])
    counts = pd.DataFrame(columns=[*keys.split(", "), "n"])
    if closed:
        names = ", ".join(f"'{_sql(f)}'" for f in closed)
        with duckdb.connect() as engine:
            counts = engine.execute(f"SELECT {keys}, count(*) AS n FROM read_parquet([{names}]) GROUP BY ALL").df()
    areas, people = (pd.read_parquet(restricted / f"{t}.parquet") for t in ("areas", "population"))
    people = people[people["pop_type"] == "resident"]
    newest = people[people["year"] == people.groupby("area_level")["year"].transform("max")]
    residents = newest.groupby("area_code")["population"].sum()
    areas = areas[["area_code", "area_level", "parent"]].assign(population=areas["area_code"].map(residents))
    coverage = pd.read_parquet(restricted / "coverage.parquet")[["source", "month"]].drop_duplicates()
    earlier = before / "partner" / "protected.parquet" if before else None
    previous = pd.read_parquet(earlier) if earlier and earlier.exists() else None
    released, report = protection.protect(counts, areas, admissions=admissions, supplied=coverage, previous=previous)
    (snapshot / "protection.json").write_text(json.dumps(report, default=str, indent=1), encoding="utf-8")
    if not protection_audit.publishable(report):
        raise ProtectionFailed("The protected tables failed their audit: a hidden number could be worked back.")
    return released


def _write(query: str, target: Path) -> None:
    with duckdb.connect() as engine:
        engine.execute(f"SET memory_limit = '1GB'; SET temp_directory = '{_sql(target.parent)}'; SET threads = 2")
        engine.execute(
            f"COPY ({query}) TO '{_sql(target)}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )


def _sql(path: Path) -> str:
    return path.as_posix().replace("'", "''")
