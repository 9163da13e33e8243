"""The space-time scan on 1,231 areas and 60 months, 999 simulations, against a plain loop in the same run.

    python -m benchmarks.scan

No Python package offers it, so the opponent is our own: every window of every simulation one by one, compiled by numba,
a logarithm each. It is timed on a few simulations and its 999 are **extrapolated linearly**; ours are run in full, warm
(the first run ever compiles for some seconds, not counted), on two threads. Seconds are of the processor, all threads
together, and of the clock; `ours_mb` is the rise of resident memory above what was held before. The maxima of the plain
loop are compared with ours for the same simulated data. Takes two to four minutes.
"""

import math
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numba
import numpy as np
import pandas as pd

from analytics import scan, scan_kernels
from benchmarks.gi_star import peak_mb

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"
SIMULATIONS, MONTHS, LONGEST, THREADS = 999, 60, 30, 2
AIM = 50  # times less processor time than the plain loop, in each setting
PLAIN = 2  # simulations that the plain loop is timed on, and compared for


def data() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Areas and counts; `seasonal` is what a year with a fifth more in summer, and a fifth less in winter, expects."""
    areas = pd.read_csv(REFERENCE / "scan_hiow_areas.csv").rename(columns={"area": "area_code"})
    counts = pd.read_csv(REFERENCE / "scan_hiow_cases.csv").rename(columns={"area": "area_code", "cases": "n"})
    months = pd.MultiIndex.from_product([areas["area_code"], range(1, MONTHS + 1)], names=["area_code", "month"])
    full = months.to_frame(index=False).merge(counts, how="left").fillna({"n": 0})
    people = full["area_code"].map(areas.set_index("area_code")["population"])
    return areas, full.assign(seasonal=people * (1 - 0.2 * np.cos(2 * np.pi * (full["month"] - 0.5) / 12)))


@numba.njit
def plain(counts, expected, members, first, total, longest):
    """The largest log likelihood ratio of one simulation: circles grow area by area, windows are added up from sums."""
    months, best = counts.shape[1], 0.0
    held, awaited = np.zeros(months + 1), np.zeros(months + 1)
    for centre in range(len(first) - 1):
        held[:] = 0
        awaited[:] = 0
        for place in range(first[centre], first[centre + 1]):
            n, e = 0.0, 0.0
            for month in range(months):
                n += counts[members[place], month]
                e += expected[members[place], month]
                held[month + 1] += n
                awaited[month + 1] += e
            for length in range(1, longest + 1):
                for start in range(months - length + 1):
                    c, x = held[start + length] - held[start], awaited[start + length] - awaited[start]
                    if c >= 2 and c > x:
                        value = c * math.log(c / x)
                        if c < total:
                            value += (total - c) * math.log((total - c) / (total - x))
                        best = max(best, value)
    return best


def processor_and_clock(run: Callable) -> tuple[float, float]:
    processor, clock = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - processor, time.perf_counter() - clock


def same_maxima(areas: pd.DataFrame, full: pd.DataFrame, most: float, expected: str | None) -> tuple[float, float]:
    """Processor seconds of the plain loop for one simulation, and how far its maxima are from ours."""
    n = full["n"].to_numpy().reshape(-1, MONTHS)
    e = full[expected].to_numpy() if expected else np.repeat(areas["population"].to_numpy(dtype=float), MONTHS)
    e = e.reshape(-1, MONTHS) * n.sum() / e.sum()
    circles = scan._circles(areas, areas["population"], most)
    study = scan._study(n, e, circles, scan._windows(e, LONGEST, False), 2, scan._multinomial(e))
    ours = scan._maxima(study, PLAIN, 0, 1)
    sums = scan._sums(study, np.random.default_rng([0, 0]), PLAIN, int(n.sum()))
    drawn = np.diff(sums.astype(np.int64), axis=1)
    plain(drawn[:2, :, 0], e[:2], circles.members[:1] * 0, np.array([0, 1]), float(n.sum()), 2)  # compile
    start = time.process_time()
    theirs = [
        plain(np.ascontiguousarray(drawn[:, :, i]), e, circles.members, circles.first, float(n.sum()), LONGEST)
        for i in range(PLAIN)
    ]
    return (time.process_time() - start) / PLAIN, float(np.abs(ours - theirs).max())


def memory(most: float, expected: str | None) -> float:
    """Peak memory of ours with four blocks of simulations, the same as with more: a thread holds one at a time."""
    areas, full = data()
    fixed = {"max_months": LONGEST, "expected": expected, "threads": THREADS}
    scan.space_time(areas.head(20), full.head(20 * MONTHS), simulations=2, **fixed)  # the compiler is not counted
    run = partial(scan.space_time, areas, full, max_population=most, **fixed)
    return peak_mb(partial(run, simulations=4 * scan_kernels.WIDTH))


def apart(run: Callable, *arguments) -> float:
    """In a process of its own, so that memory which earlier runs gave back is not there to be used again."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(run, *arguments).result()


def compare(name: str, areas: pd.DataFrame, full: pd.DataFrame, most: float, expected: str | None) -> dict:
    """One line of the table."""
    fixed = {"max_population": most, "max_months": LONGEST, "expected": expected, "threads": THREADS}
    ours = partial(scan.space_time, areas, full, simulations=SIMULATIONS, **fixed)
    processor, clock = processor_and_clock(ours)
    one, furthest = same_maxima(areas, full, most, expected)
    return {
        "setting": name,
        "ours_cpu_s": processor,
        "ours_wall_s": clock,
        "ours_mb": apart(memory, most, expected),
        "plain_1_cpu_s": one,
        "plain_999_cpu_s_extrapolated": one * SIMULATIONS,
        "times_faster": one * SIMULATIONS / processor,
        "furthest": furthest,
    }


def main() -> pd.DataFrame:
    areas, full = data()
    for expected in (None, "seasonal"):  # compile
        scan.space_time(areas.head(20), full.head(20 * MONTHS), expected=expected, simulations=2)
    settings = [("circles to 10%, even", 0.1, None), ("to 50%, even", 0.5, None), ("to 10%, seasonal", 0.1, "seasonal")]
    table = pd.DataFrame([compare(name, areas, full, most, expected) for name, most, expected in settings])
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.2f}"))
    assert (table["furthest"] < 1e-8).all(), "the maxima differ from those of the plain loop"
    assert (table["times_faster"] >= AIM).all(), f"less than {AIM} times faster than the plain loop"
    return table


if __name__ == "__main__":
    main()
