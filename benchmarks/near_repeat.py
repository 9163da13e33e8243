"""Knox test of 10,000 events with 999 permutations against pointpats, in one run: seconds, memory, the same counts.

    python -m benchmarks.near_repeat

One band (closer than 100 m and 7 days), and the time of our full table of 8 by 8 bands, which pointpats has no way to
ask for in one go. Ours is warm (numba compiles it for about two seconds on its first run ever; that is not counted);
pointpats compiles nothing and is run once, all 999 permutations, nothing extrapolated. Its bands include their limit,
so it is given 6 days and a hair less than 100 m. Takes one to three minutes. `_mb` is the rise of resident memory above
what was held before.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from analytics import near_repeat
from benchmarks.gi_star import peak_mb, seconds

N, PERMUTATIONS = 10_000, 999
AIM = 100  # times faster than pointpats in one band
BURGLARIES = Path(__file__).resolve().parents[2] / "shared/real/benchmark_points/chicago_be.csv"
ONE = {"distance_bands_m": [0, 100], "time_bands_days": [0, 7]}
FULL = {"distance_bands_m": np.arange(0, 900, 100), "time_bands_days": np.arange(0, 63, 7)}


def made_up() -> pd.DataFrame:
    """Events about 400 places in a 30 km square, over three years."""
    rng = np.random.default_rng(1)
    centre = rng.uniform(0, 30_000, (400, 2))[rng.integers(400, size=N)]
    x, y = (centre + rng.normal(0, 100, (N, 2))).T
    return pd.DataFrame({"x": x, "y": y, "date": rng.integers(0, 1_096, N)})


def burglaries() -> pd.DataFrame:
    """The first 10,000 residential burglaries of Chicago in 2016 with place and date, dates as day numbers."""
    table = pd.read_csv(BURGLARIES, parse_dates=["date"]).rename(columns={"X": "x", "Y": "y"}).dropna().head(N)
    return table.assign(date=(table["date"] - table["date"].min()).dt.days)


def pointpats_runner(points: pd.DataFrame) -> Callable:
    from pointpats.spacetime import Knox

    places, days = points[["x", "y"]].to_numpy(), points[["date"]].to_numpy()
    np.random.seed(1)  # pointpats takes no seed of its own
    return lambda: Knox(places, days, delta=100 - 1e-6, tau=6, permutations=PERMUTATIONS)


def compare(name: str, points: pd.DataFrame) -> dict:
    """One line of the table."""

    def one() -> pd.DataFrame:
        return near_repeat.knox(points, permutations=PERMUTATIONS, **ONE)

    def full() -> pd.DataFrame:
        return near_repeat.knox(points, permutations=PERMUTATIONS, **FULL)

    near_repeat.knox(points.head(100), permutations=9, **ONE)  # compile
    our_mb, table_mb = peak_mb(one), peak_mb(full)  # before anything else has left memory behind to use again
    ours, table, theirs, run = one(), full(), [], pointpats_runner(points)
    start = time.perf_counter()
    their_mb = peak_mb(lambda: theirs.append(run()))
    their_seconds = time.perf_counter() - start
    our_seconds = seconds(one, 10)
    return {
        "events": name,
        "ours_ms": our_seconds * 1_000,
        "ours_mb": our_mb,
        "pointpats_s": their_seconds,
        "pointpats_mb": their_mb,
        "times_faster": their_seconds / our_seconds,
        "observed": ours["observed"].iloc[0],
        "theirs": theirs[0].nst,
        "p": ours["p_value"].iloc[0],
        "their_p": theirs[0].p_sim,
        "table_ms": seconds(full, 5) * 1_000,
        "table_mb": table_mb,
        "table_pairs": table["observed"].sum(),
    }


def main() -> pd.DataFrame:
    rows = [compare("made up", made_up())]
    if BURGLARIES.exists():
        rows.append(compare("burglaries", burglaries()))
    table = pd.DataFrame(rows)
    print(table.T.to_string(header=False, float_format=lambda value: f"{value:,.3f}"))
    assert (table["observed"] == table["theirs"]).all(), "the counts differ from those of pointpats"
    error = np.sqrt(np.maximum(table["p"] * (1 - table["p"]), 1 / PERMUTATIONS) * 2 / PERMUTATIONS)
    assert ((table["p"] - table["their_p"]).abs() < 5 * error).all(), "p-values differ by more than chance"
    assert (table["times_faster"] >= AIM).all(), f"the aim is {AIM} times faster than pointpats"
    return table


if __name__ == "__main__":
    main()
