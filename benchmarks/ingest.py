"""Ingest of 4.0 million street-level crimes of 2025, published, against pandas reading the same CSVs. A row is a run.

    python -m benchmarks.ingest

The crimes are first written out as the monthly files they were published in (not timed; kept in the system's temporary
folder for the next run), with invented Crime IDs where there was one, under a partnership that covers England and
Wales. Then, in processes of their own: `python -m data ingest police_uk` up to the published snapshot, and pandas
putting the same files into one Parquet file with nothing read, placed, checked, sorted or recorded. Linux only (asks
/proc). `cpu_s` adds up all processes of a run; `peak_mb` is the highest sum of their resident memory, shared pages
counted once in each. Takes about three minutes, the first time two more.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared/real"
CRIMES = REAL / "police_uk/all_forces_street_2025.parquet"
SMALL_AREAS = REAL / "geography/lsoa2021_ew_ultra_generalised.parquet"
LOOKUPS = [REAL / f"geography/lookup_{name}.csv.gz" for name in ("lsoa11_lsoa21_ltla22", "lsoa21_ward24_ltla24")]
FOLDER = Path(tempfile.gettempdir()) / "explorer-benchmark-ingest"
COLUMNS = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type"
COLUMNS += ",Last outcome category,Context"
GREAT_BRITAIN = [0, 0, 700_000, 1_300_000]  # metres: west, south, east, north
MOST_SECONDS, MOST_MB = 60, 2_048  # the aims, on a machine with nothing else to do
MOST_TIMES = 8  # the CPU seconds of pandas, which only reads and writes
SAMPLED_S = 0.1
PEER = """
import sys, pandas as pd
from pathlib import Path
files = sorted(Path(sys.argv[1]).rglob("*-street.csv"))
whole = pd.concat([pd.read_csv(f, dtype={"Crime ID": "str", "Context": "str"}) for f in files], ignore_index=True)
whole.to_parquet(sys.argv[2], index=False, compression="zstd")
print(f"{len(whole)} rows")
"""


def written(folder: Path) -> Path:
    """The crimes as monthly files in the layout of the published archive: `2025-01/2025-01-dorset-street.csv`."""
    if (folder / "done").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    crimes = pd.read_parquet(CRIMES)
    names = pd.read_csv(LOOKUPS[1], usecols=["lsoa21_code", "lsoa21_name"]).set_index("lsoa21_code")["lsoa21_name"]
    texts = np.random.default_rng(1).bytes(32 * len(crimes)).hex()
    ids = np.array([texts[i : i + 64] for i in range(0, len(texts), 64)], dtype=object)
    degrees = {c: crimes[c].map("{:.6f}".format, na_action="ignore") for c in ("Longitude", "Latitude")}
    crimes = crimes.assign(
        **degrees,
        **{"Crime ID": np.where(crimes["has_crime_id"], ids, None), "Falls within": crimes["Reported by"]},
        **{"LSOA name": crimes["LSOA code"].astype("str").map(names), "Context": None},
    )[COLUMNS.split(",")]
    for (force, month), rows in crimes.groupby(["Reported by", "Month"], observed=True):
        path = folder / month / f"{month}-{re.sub('[^a-z]+', '-', force.lower())}-street.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(path, index=False)
    (folder / "done").touch()
    return folder


def partnership(path: Path, files: Iterable[Path]) -> Path:
    """A partnership file of every authority of England and Wales and every force that has a file."""
    authorities = pd.read_csv(LOOKUPS[1])[["ltla24_code", "ltla24_name"]]
    forces = sorted({pd.read_csv(f, usecols=["Reported by"], nrows=1).iat[0, 0] for f in files})
    head = ['id = "ew"', 'name = "England and Wales"', f"forces = {forces}", f"box = {GREAT_BRITAIN}"]
    rows = [
        f'[[authorities]]\ncode = "{code}"\nname = "{name}"'
        for code, name in authorities.drop_duplicates().itertuples(index=False)
    ]
    path.write_text("\n".join(head + rows), encoding="utf-8")
    return path


def measured(name: str, command: list[str], env: dict[str, str]) -> dict:
    """Run one command to its end: seconds, CPU seconds of it and its children, the most memory they held at once."""
    before, start, peak = os.times(), time.perf_counter(), 0.0
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as run:
        while run.poll() is None:
            peak = max(peak, sum(_resident_mb(process) for process in _family(run.pid)))
            time.sleep(SAMPLED_S)
        said = run.stdout.read()
    seconds, after = time.perf_counter() - start, os.times()
    assert run.returncode == 0, f"{name} failed; see above"
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"run": name, "seconds": seconds, "cpu_s": cpu, "peak_mb": peak, "said": said}


def _family(process: int) -> list[int]:
    """A process and its descendants, as far as they still run."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [process, *(one for child in children for one in _family(int(child)))]


def _resident_mb(process: int) -> float:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return 0.0


def main() -> pd.DataFrame:
    if not CRIMES.exists():
        sys.exit("../shared is not here: it holds the crimes and the boundaries this measures with")
    files = written(FOLDER / "files")
    held = FOLDER / "data"
    shutil.rmtree(held, ignore_errors=True)
    authorities = partnership(FOLDER / "partnership.toml", files.rglob("*-street.csv"))
    env = {**os.environ, "EXPLORER_DATA": str(held), "EXPLORER_PARTNERSHIP": str(authorities)}
    ingest = [sys.executable, "-m", "data", "ingest"]
    for source, paths in (("lookups", LOOKUPS), ("boundaries", [SMALL_AREAS])):
        measured(source, [*ingest, source, *map(str, paths)], env)
    ours = measured("ingest police_uk", [*ingest, "police_uk", str(files)], env)
    peer = measured("pandas, CSV to Parquet", [sys.executable, "-c", PEER, str(files), str(held / "peer.parquet")], env)
    table = pd.DataFrame([ours, peer])
    print(ours["said"])
    print(table.drop(columns="said").to_string(index=False, float_format=lambda value: f"{value:,.1f}"))
    rows = int(peer["said"].split()[0])
    assert f"{rows:,} rows read" in ours["said"], "the two did not read the same rows"
    times = ours["cpu_s"] / peer["cpu_s"]
    print(f"{rows / ours['seconds']:,.0f} rows a second; {times:.1f} times the CPU seconds of pandas")
    if ours["seconds"] > MOST_SECONDS:
        print(f"Over the aim of {MOST_SECONDS} s, which only a machine with nothing else to do can judge.")
    assert times <= MOST_TIMES, f"{times:.1f} times the CPU seconds of pandas; the aim is {MOST_TIMES}"
    assert ours["peak_mb"] <= MOST_MB, f"{ours['peak_mb']:,.0f} MB; the aim is {MOST_MB:,}"
    return table


if __name__ == "__main__":
    main()
