"""Gi* with 9,999 conditional permutations against esda, in one run: seconds, memory, and the same p-values.

    python -m benchmarks.gi_star

Both are warm (esda compiles itself for about 20 seconds on its first call; that is not counted), both get their
neighbours ready-made, and esda keeps no simulations and may use one process or all cores, whichever is faster.
Nothing is extrapolated. Takes three to five minutes. `_mb` is the rise of resident memory above what was held before.
"""

import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from analytics import hotspots, neighbours

PERMUTATIONS = 9_999
AIMS = {1_231: 40, 35_000: 200}  # times faster than esda
POLYGONS = Path(__file__).resolve().parents[2] / "shared/real/geography/lsoa2021_ew_ultra_generalised.parquet"


def seconds(run: Callable, repeats: int) -> float:
    """Best of some repeats: what the work takes when nothing else interrupts it."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return min(taken)


def peak_mb(run: Callable) -> float:
    """Memory above what was held before, at its highest (Linux only, else missing)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # sets the high-water mark back to what is held now
        before = _status_mb("VmRSS")
        run()
        return _status_mb("VmHWM") - before
    except OSError:
        return np.nan


def _status_mb(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def points(n: int) -> tuple[pd.DataFrame, object]:
    """`n` places at random, 8 neighbours each; a long-tailed value without ties, which esda counts on one side only."""
    rng = np.random.default_rng(1)
    cells = pd.DataFrame({"x": rng.random(n), "y": rng.random(n), "n": rng.gamma(0.5, size=n)})
    return cells, neighbours.nearest(cells, 8)


def polygons() -> tuple[pd.DataFrame, object]:
    """The small areas of England and Wales, neighbours by contiguity (0 to 25 of them), a long-tailed value."""
    import geopandas

    areas = geopandas.read_parquet(POLYGONS)
    return pd.DataFrame({"n": np.random.default_rng(1).gamma(0.5, size=len(areas))}), neighbours.contiguity(areas)


def esda_runner(cells: pd.DataFrame, near) -> Callable:
    import esda
    import libpysal

    rows = {i: near.indices[near.indptr[i] : near.indptr[i + 1]].tolist() for i in range(len(cells))}
    weights, values = libpysal.weights.W(rows, silence_warnings=True), cells["n"].to_numpy()
    fixed = {"transform": "B", "star": True, "keep_simulations": False, "seed": 1}
    return lambda permutations, jobs: esda.G_Local(values, weights, permutations=permutations, n_jobs=jobs, **fixed)


def compare(name: str, cells: pd.DataFrame, near) -> dict:
    """One line of the table."""
    theirs = esda_runner(cells, near)

    def ours():
        return hotspots.gi_star(cells, near, permutations=PERMUTATIONS, seed=1)

    their_seconds = {}
    for jobs in (1, -1):
        theirs(9, jobs)  # compile, here and in the worker processes
        their_seconds[jobs] = seconds(partial(theirs, PERMUTATIONS, jobs), 2 if len(cells) > 10_000 else 5)
    ours()
    our_seconds = seconds(ours, 20)
    return {
        "places": name,
        "n": len(cells),
        "ours_ms": our_seconds * 1_000,
        "ours_mb": peak_mb(ours),
        "esda_ms": min(their_seconds.values()) * 1_000,
        "esda_mb": peak_mb(partial(theirs, PERMUTATIONS, 1)),
        "times_faster": min(their_seconds.values()) / our_seconds,
        "furthest_p": furthest_p(ours(), theirs(PERMUTATIONS, 1)),
    }


def furthest_p(ours: pd.DataFrame, theirs) -> float:
    """Largest difference of p-values in standard errors of two Monte Carlo runs; a few in thousands pass 4."""
    some = ours["z"].notna().to_numpy()
    p, q = ours["p_value"].to_numpy()[some], np.minimum(1, 2 * theirs.p_sim[some])  # esda's is one-sided
    error = 2 * np.sqrt(np.maximum(p / 2 * (1 - p / 2), 1 / PERMUTATIONS) * 2 / PERMUTATIONS)
    return float(np.abs((p - q) / error).max())


def main() -> pd.DataFrame:
    warnings.simplefilter("ignore")  # esda announces future changes on every call
    rows = [compare("random, 8 nearest", *points(n)) for n in AIMS]
    if POLYGONS.exists():
        rows.append(compare("small areas, contiguous", *polygons()))
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.1f}"))
    for n, aim in AIMS.items():
        reached = table.loc[table["n"] == n, "times_faster"].iloc[0]
        assert reached >= aim, f"{n:,} places: {reached:.0f} times faster than esda; the aim is {aim}"
    assert (table["furthest_p"] < 6).all(), "p-values differ by more than chance"
    return table


if __name__ == "__main__":
    main()
