"""The invented partnership: seven years of records with planted truths, sent through the one way in like anybody's.

What partners would send is written to `raw/demo` in the data folder (CSV files, worth a look before asking a partner
for theirs) and loaded from there. The map, residents, places and factors are written straight into the snapshot.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import shapely

from data import (
    definitions,
    demo_admissions,
    demo_files,
    demo_geography,
    demo_ground,
    demo_indicators,
    demo_planted,
    demo_records,
    demo_registers,
    ingest,
    publish,
    schema,
    tiers,
)
from data.demo_geography import FEED
from data.demo_ground import Ground

SOURCES = ("police_extract", "istv", "ambulance", "admissions", "fingertips", "police_uk", *demo_registers.SOURCES)
YEARS = np.arange(demo_records.FIRST, demo_records.LAST, 12)  # January of each
BEGINS = {  # months with which a delivery begins: history at first, then what is new
    "police": np.concatenate([YEARS, np.arange(YEARS[-1], demo_records.LAST + 1)]),
    "istv": YEARS[[0, -1]],
    "ambulance": YEARS,
}


@dataclass(frozen=True)
class World:
    """The invented area: its map (rows of `areas`), residents (`population`), and the ground its records lie on."""

    areas: pd.DataFrame
    population: pd.DataFrame
    ground: Ground


def publish_invented(
    folder: Path | None = None, *, seed: int = 0, progress: ingest.Progress = lambda done, total: done
) -> str:
    """Publish the invented partnership as the next snapshot; nothing of an earlier snapshot is kept in it.

    folder : the data folder. seed : fixes everything that chance decides. progress : wraps each source's files.

    Returns the id of the snapshot.
    """
    raw = (folder or publish.root()) / "raw" / FEED
    invented = world(seed)
    write_files(raw, files(invented, seed) | demo_registers.files(seed))

    def build(aside: Path) -> dict:
        changed = _write_parts(aside, invented, seed)
        geography = ingest.geography_of(aside)
        for source in SOURCES:
            _, loaded = ingest.stage(aside, source, [raw / source], geography, ingest.salt(folder), progress=progress)
            changed |= loaded
        return {"rows": tiers.build(aside, None, changed), "invented": True}

    return publish.publish(build, folder, fresh=True).name


def world(seed: int = 0) -> World:
    """The invented area, the same for the same seed."""
    areas = demo_geography.areas(seed)
    population = demo_geography.population(areas, seed)
    by_day = demo_geography.workday(areas, population)
    everybody = pd.concat([population, by_day], ignore_index=True)
    return World(areas, everybody, demo_ground.ground(areas, population, demo_planted.planted(), seed))


def events(invented: World, seed: int = 0) -> dict[str, pd.DataFrame]:
    """What became known to each source, as `demo_records.happened` gives it."""
    planted = demo_planted.planted()
    return {source: demo_records.happened(source, invented.ground, planted, seed) for source in demo_records.EXPECTED}


def files(invented: World, seed: int = 0) -> dict[str, dict[str, pd.DataFrame]]:
    """The files of each source, by name without its ending, as partners would send them: all of it text."""
    known, ground, force = events(invented, seed), invented.ground, definitions.partnership().police_uk_force
    police = demo_files.police(known["police"], seed)
    emergency = demo_files.emergency(known["ed_istv"], ground, seed)
    calls = demo_files.ambulance(known["ambulance"], seed)
    street = demo_files.street(known["police"], known["street"], ground, seed)
    sites = [_deliveries(part, f"istv_{site}", BEGINS["istv"]) for site, part in emergency.groupby("site")]
    months = {f"{m}/{m}-{force}-street": rows for m, rows in street.groupby("Month")}
    return {
        "police_extract": _deliveries(police, "police", BEGINS["police"]),
        "istv": {name: rows for site in sites for name, rows in site.items()},
        "ambulance": _deliveries(calls, "ambulance", BEGINS["ambulance"]),
        "admissions": demo_admissions.admissions(ground, seed),
        "fingertips": {"indicators": demo_indicators.indicators(ground, invented.population, seed)},
        "police_uk": months,
    }


def write_files(raw: Path, files: dict[str, dict[str, pd.DataFrame]]) -> None:
    """Write every file as CSV under its source's folder, in place of those of an earlier time."""
    if raw.exists():
        shutil.rmtree(raw)
    for source, named in files.items():
        for name, rows in named.items():
            path = raw / source / f"{name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, rows)


def _deliveries(rows: pd.DataFrame, name: str, begins: np.ndarray) -> dict[str, pd.DataFrame]:
    """The rows by delivery, under the months it holds; none reaches over a month that was not supplied."""
    month = rows["delivered"].to_numpy().astype("datetime64[M]")
    held = np.unique(month)
    after_a_gap = np.diff(held, prepend=held[0]) > np.timedelta64(1, "M")
    delivery = np.cumsum(after_a_gap | np.isin(held, begins))
    found = {}
    for _, part in rows.groupby(delivery[np.searchsorted(held, month)]):
        first, last = (part["delivered"].agg(end).strftime("%Y-%m") for end in ("min", "max"))
        found[f"{name}_{first}" if first == last else f"{name}_{first}_{last}"] = part
    return found


def _write(path: Path, rows: pd.DataFrame) -> None:
    """A CSV without quotes; an emergency department's return says its site and period above the table."""
    lines = []
    if "site" in rows:
        first, last = rows["delivered"].agg(["min", "max"])
        period = (("PeriodStart", first.replace(day=1)), ("PeriodEnd", last + pd.offsets.MonthEnd(0)))
        lines = [f"SiteCode,{rows['site'].iloc[0]}", *(f"{name},{day:%d/%m/%Y}" for name, day in period)]
    table = pa.Table.from_pandas(rows.drop(columns=["delivered", "site"], errors="ignore"), preserve_index=False)
    with path.open("wb") as file:
        file.write("\n".join([*lines, ",".join(table.column_names), ""]).encode())
        pa_csv.write_csv(table, file, pa_csv.WriteOptions(include_header=False, quoting_style="none"))


def _write_parts(aside: Path, invented: World, seed: int) -> set[tuple[str, str]]:
    """The tables that no partner sends, as parts of the snapshot; the (table, source) pairs they fill."""
    places = demo_ground.places(invented.ground, invented.areas, demo_files.SITES, seed)
    tables = {"areas": invented.areas, "population": invented.population, "places": places}
    tables["indicators"] = demo_ground.indicators(invented.ground)
    for table, rows in tables.items():
        clean = schema.typed(pd.DataFrame(rows), table)
        schema.check(clean, table, f"the invented {table}")
        if table == "areas":
            clean = clean.assign(geometry=shapely.to_wkb(clean["geometry"].to_numpy()))
        place = aside / "parts" / table / FEED / FEED
        place.mkdir(parents=True)
        clean.to_parquet(place / f"{FEED}.{FEED}.parquet", index=False, compression="zstd")
    return {(table, FEED) for table in tables}
