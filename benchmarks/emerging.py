"""Emerging hotspots of 35,000 places over 60 months against pymannkendall, in one run: seconds, memory, same numbers.

    python -m benchmarks.emerging

Mann-Kendall: ours on all places; pymannkendall in a loop over the first few hundred and times their number (a series
takes it as long as any other of that length; the figure is marked x), and `original_test` as it stands, which also
works out Sen's slope. So that this flatters nobody, its test is also timed without the slope: the four steps of its
own module that give s, variance, z and p. Sen's slope likewise. `classify` is the whole way from a long table of
2.1 million counts to classes, and has no peer in Python. `_mb` is what the work allocates at its highest.
Takes a minute or two.
"""

import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pandas as pd

from analytics import emerging, neighbours

PLACES, STEPS = 35_000, 60
SAMPLE = 300  # series for the loop of the peer
AIM = 100  # times faster than a loop over pymannkendall
PERMUTATIONS = 9_999


def seconds(run: Callable, repeats: int) -> float:
    """Best of some repeats: what the work takes when nothing else interrupts it."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return min(taken)


def peak_mb(run: Callable) -> float:
    """Memory that the work itself takes at its highest, its answer included (arrays of numpy are counted)."""
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def places_and_counts() -> tuple[pd.DataFrame, pd.DataFrame, object, np.ndarray]:
    """Places at random with 8 neighbours each, and counts as violence has them: mostly nought, a few many."""
    rng = np.random.default_rng(1)
    cells = pd.DataFrame(
        {"cell_id": [f"c{i}" for i in range(PLACES)], "x": rng.random(PLACES), "y": rng.random(PLACES)}
    )
    x = rng.negative_binomial(0.4, 0.15, (PLACES, STEPS))
    months = pd.date_range("2020-01-01", periods=STEPS, freq="MS")
    counts = pd.DataFrame({"cell_id": np.repeat(cells["cell_id"], STEPS).array, "month": np.tile(months, PLACES)})
    return cells, counts.assign(n=x.ravel()), neighbours.nearest(cells, 8), x.astype(float)


def trend_only(values: np.ndarray) -> tuple[float, float, float, float]:
    """pymannkendall's test without the slope it adds: its own steps, by the names they have in its module."""
    from pymannkendall import pymannkendall as peer

    def step(name: str, *arguments):
        return getattr(peer, f"__{name}")(*arguments)

    s = step("mk_score", values, len(values))
    variance = step("variance_s", values, len(values))
    z = step("z_score", s, variance)
    return s, variance, z, step("p_value", z, 0.05)[0]


def furthest(ours: pd.DataFrame, series: np.ndarray) -> float:
    """Largest difference to pymannkendall in s, variance, z and p."""
    import pymannkendall

    theirs = [pymannkendall.original_test(values) for values in series]
    wanted = np.array([(one.s, one.var_s, one.z, one.p) for one in theirs])
    return float(np.abs(ours[["s", "variance", "z", "p_value"]].to_numpy()[: len(series)] - wanted).max())


def compare(name: str, series: np.ndarray) -> list[dict]:
    """Lines of the table for one kind of series."""
    import pymannkendall

    part = series[:SAMPLE]
    peers = {
        "Mann-Kendall, and slope": pymannkendall.original_test,
        "Mann-Kendall": trend_only,
        "Sen's slope": pymannkendall.sens_slope,
    }
    ours = {
        "Mann-Kendall, and slope": lambda: (emerging.mann_kendall(series), emerging.sen_slope(series)),
        "Mann-Kendall": lambda: emerging.mann_kendall(series),
        "Sen's slope": lambda: emerging.sen_slope(series),
    }
    difference = furthest(emerging.mann_kendall(series), part)
    rows = []
    for what, peer in peers.items():
        taken = seconds(ours[what], 3)

        def loop(peer=peer):
            return [peer(values) for values in part]

        theirs = seconds(loop, 2) * len(series) / len(part)
        row = {"what": what, "series": name, "ours_ms": taken * 1_000, "ours_mb": peak_mb(ours[what])}
        row |= {"peer_ms_x": theirs * 1_000, "peer_mb": peak_mb(loop), "times_faster": theirs / taken}
        rows.append(row | {"furthest": difference if "Mann" in what else np.nan})
    return rows


def main() -> pd.DataFrame:
    cells, counts, near, x = places_and_counts()
    z = emerging.by_step(cells, counts, near)["z"].to_numpy().reshape(x.shape)
    table = pd.DataFrame(compare("z of Gi*", z) + compare("counts, many ties", x))
    for name, draws in (("classify", 0), (f"classify, {PERMUTATIONS:,} permutations", PERMUTATIONS)):

        def whole(draws=draws):
            return emerging.classify(cells, counts, near, permutations=draws)

        row = {
            "what": name,
            "series": "2.1 million counts",
            "ours_ms": seconds(whole, 2) * 1_000,
            "ours_mb": peak_mb(whole),
        }
        table = pd.concat([table, pd.DataFrame([row])], ignore_index=True)
    print(f"{PLACES:,} places, {STEPS} steps; x: from {SAMPLE} series, times {PLACES / SAMPLE:.0f}")
    print(table.to_string(index=False, na_rep="", float_format=lambda value: f"{value:,.1f}"))
    print(f"furthest from pymannkendall in s, variance, z, p: {table['furthest'].max():.1e}")
    trends = table[table["what"] == "Mann-Kendall"]
    assert (trends["times_faster"] >= AIM).all(), (
        f"Mann-Kendall is to be {AIM} times faster than pymannkendall's test alone"
    )
    assert table["furthest"].max() < 1e-10, "the numbers are to be those of pymannkendall"
    return table


if __name__ == "__main__":
    main()
