"""Local Moran with 9,999 conditional permutations against esda, in one run: seconds, memory, and the same p-values.

    python -m benchmarks.local_moran

Places, neighbours and rules are those of `benchmarks.gi_star`: both are warm and get their neighbours ready-made, esda
keeps no simulations and may use one process or all cores, whichever is faster. Nothing is extrapolated. Takes three to
five minutes. `_mb` is the rise of resident memory above what was held before, free memory given back first.
"""

import ctypes
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from analytics import hotspots
from benchmarks.gi_star import AIMS, PERMUTATIONS, POLYGONS, peak_mb, points, polygons, seconds


def esda_runner(cells: pd.DataFrame, near) -> Callable:
    import esda
    import libpysal

    rows = {i: near.indices[near.indptr[i] : near.indptr[i + 1]].tolist() for i in range(len(cells))}
    weights, values = libpysal.weights.W(rows, silence_warnings=True), cells["n"].to_numpy()
    fixed = {"transformation": "r", "keep_simulations": False, "seed": 1}
    return lambda permutations, jobs: esda.Moran_Local(values, weights, permutations=permutations, n_jobs=jobs, **fixed)


def risen_mb(run: Callable) -> float:
    """`peak_mb` after giving free memory back: else a warm run works in what earlier ones left, and shows 0."""
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of the GNU C library only
    if give_back is not None:
        give_back(0)
    return peak_mb(run)


def compare(name: str, cells: pd.DataFrame, near) -> dict:
    """One line of the table."""
    theirs = esda_runner(cells, near)

    def ours():
        return hotspots.local_moran(cells, near, permutations=PERMUTATIONS, seed=1)

    large, their_seconds = len(cells) > 10_000, {}
    for jobs in (1, -1):
        theirs(9, jobs)  # compile, here and in the worker processes
        their_seconds[jobs] = seconds(partial(theirs, PERMUTATIONS, jobs), 2 if large else 20)
    ours()
    our_seconds = seconds(ours, 20 if large else 200)  # runs of milliseconds are easily interrupted
    found, other = ours(), theirs(PERMUTATIONS, 1)
    return {
        "places": name,
        "n": len(cells),
        "ours_ms": our_seconds * 1_000,
        "ours_mb": risen_mb(ours),
        "esda_ms": min(their_seconds.values()) * 1_000,
        "esda_mb": risen_mb(partial(theirs, PERMUTATIONS, 1)),
        "times_faster": min(their_seconds.values()) / our_seconds,
        "furthest_i": furthest_i(found, other),
        "furthest_p": furthest_p(found, other),
    }


def furthest_i(ours: pd.DataFrame, theirs) -> float:
    """Largest difference of the statistic itself; esda divides by n - 1 where we divide by n."""
    some, n = ours["i"].notna().to_numpy(), len(ours)
    return float(np.abs(ours["i"].to_numpy() * (n - 1) / n - theirs.Is)[some].max())


def furthest_p(ours: pd.DataFrame, theirs) -> float:
    """Largest difference of p-values, both the smaller tail, in standard errors of two Monte Carlo runs; a few in
    thousands pass 4."""
    some = ours["i"].notna().to_numpy()
    p, q = ours["p_value"].to_numpy()[some], theirs.p_sim[some]
    error = np.sqrt(np.maximum(p * (1 - p), 1 / PERMUTATIONS) * 2 / PERMUTATIONS)
    return float(np.abs((p - q) / error).max())


def main() -> pd.DataFrame:
    warnings.simplefilter("ignore")  # esda announces future changes on every call
    rows = [compare("random, 8 nearest", *points(n)) for n in AIMS]
    if POLYGONS.exists():
        rows.append(compare("small areas, contiguous", *polygons()))
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, formatters={"furthest_i": "{:.0e}".format}, float_format="{:,.1f}".format))
    for n, aim in AIMS.items():
        reached = table.loc[table["n"] == n, "times_faster"].iloc[0]
        assert reached >= aim, f"{n:,} places: {reached:.0f} times faster than esda; the aim is {aim}"
    assert (table["furthest_i"] < 1e-9).all(), "the statistic itself differs"
    assert (table["furthest_p"] < 6).all(), "p-values differ by more than chance"
    return table


if __name__ == "__main__":
    main()
