"""Sixty correlations tested for spatial autocorrelation against one test at a time: seconds, memory, the same p-values.

    python -m benchmarks.correlations            speed and exactness, two to five minutes
    python -m benchmarks.correlations study      false discoveries and power on made-up maps, about half an hour

The peers are the same test (Clifford, Richardson & Hemon with Dutilleul's traces, 13 classes), one indicator after the
other as R's SpatialPack does it: once in numpy, once as a compiled loop over pairs that meets each pair only once
(SpatialPack meets it fifteen times). Both are given the largest distance, ours has to find it. At 35,000 areas the
peers are run on two indicators and compared on two; nothing is extrapolated.
"""

import sys
from functools import partial

import numba
import numpy as np
import pandas as pd
from scipy.special import fdtrc

from analytics import risk_classes
from analytics.risk_correlations import correlations
from benchmarks.gi_star import peak_mb, seconds

CLASSES = 13
FACTORS = 60
FEW = 2  # indicators, for peers that would take hours
AIMS = {1_231: 1.0, 5_000: np.inf, 35_000: 10.0}  # seconds for all sixty
TIMES_FASTER = {"numpy": 40, "loop": 10}  # for all sixty, at 1,231 areas
EXACT = 1e-9  # relative, of effective n


def areas(n: int, factors: int) -> tuple[pd.Series, pd.DataFrame, pd.DataFrame]:
    """Centres in towns and between them, and maps that are smooth over several distances."""
    rng = np.random.default_rng(1)
    towns = rng.random((25, 2)) * 90_000
    place = np.where(rng.random((n, 1)) < 0.7, towns[rng.integers(0, 25, n)] + rng.normal(0, 3_000, (n, 2)),
                     rng.random((n, 2)) * 90_000)  # fmt: skip
    waves = rng.normal(0, 1 / 8_000, (30, 2, factors + 1))
    smooth = np.cos(np.einsum("nd,wdf->wnf", place, waves) + rng.random((30, 1, factors + 1)) * 7).sum(axis=0) / 4
    maps = smooth + rng.normal(0, 0.5, smooth.shape)
    return pd.Series(maps[:, 0]), pd.DataFrame(maps[:, 1:]), pd.DataFrame(place, columns=["x", "y"])


def one_by_one(way, outcome, factors, place) -> np.ndarray:
    """Effective n and p of each factor by one of the peers."""
    at = place.to_numpy()
    edges = np.cumsum(np.full(CLASSES, risk_classes.farthest(at) / CLASSES)) * (1 + 1e-9)
    return np.array([tested(way, factors[c].to_numpy(), outcome.to_numpy(), at, edges**2) for c in factors])


def tested(way, x, y, place, edges) -> tuple[float, float]:
    x, y = ((v - v.mean()) / v.std() for v in (x, y))
    sums_x, sums_y, around = way(x, y, np.ascontiguousarray(place[:, 0]), np.ascontiguousarray(place[:, 1]), edges)
    n, pairs = len(x), around.sum(axis=0)
    a, b = (s / np.where(pairs > 0, pairs, 1) for s in (sums_x, sums_y))
    row_x, row_y = 1 + around @ a, 1 + around @ b
    both = n + (pairs * a) @ b + (row_x.sum() * row_y.sum() / n - 2 * row_x @ row_y) / n
    effective_n = 1 + (n - row_x.sum() / n) * (n - row_y.sum() / n) / both
    r = x @ y / n
    return effective_n, fdtrc(1, effective_n - 2, (effective_n - 2) * r**2 / (1 - r**2))


def in_numpy(x, y, east, north, edges):
    """Sums of products by class, from both ends, and the number of others in each class: some rows at a time."""
    sums, around, rows = np.zeros((2, CLASSES)), np.empty((len(x), CLASSES)), max(1, 2_000_000 // len(x))
    for start in range(0, len(x), rows):
        part = slice(start, start + rows)
        apart = (east[part, None] - east) ** 2 + (north[part, None] - north) ** 2
        k = np.minimum(np.searchsorted(edges, apart), CLASSES - 1)
        for total, v in zip(sums, (x, y), strict=True):
            total += np.bincount(k.ravel(), np.outer(v[part], v).ravel(), minlength=CLASSES)
        shifted = k + CLASSES * np.arange(len(k))[:, None]
        around[part] = np.bincount(shifted.ravel(), minlength=CLASSES * len(k)).reshape(-1, CLASSES)
    sums[:, 0] -= len(x)  # each with itself
    around[:, 0] -= 1
    return sums[0], sums[1], around


@numba.njit
def in_a_loop(x, y, east, north, edges):
    """The same, pair by pair."""
    sums_x, sums_y, around = np.zeros(len(edges)), np.zeros(len(edges)), np.zeros((len(x), len(edges)))
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            apart_x, apart_y = east[i] - east[j], north[i] - north[j]
            apart, k = apart_x * apart_x + apart_y * apart_y, 0
            while k < len(edges) - 1 and apart > edges[k]:
                k += 1
            sums_x[k] += 2 * x[i] * x[j]
            sums_y[k] += 2 * y[i] * y[j]
            around[i, k] += 1
            around[j, k] += 1
    return sums_x, sums_y, around


def compare(n: int) -> dict:
    """One line of the table."""
    outcome, factors, place = areas(n, FACTORS)
    few = factors if n <= min(AIMS) else factors.iloc[:, :FEW]
    repeats = 5 if n <= min(AIMS) else 1
    whole = partial(correlations, outcome, factors, place, method="pearson")
    ours = partial(correlations, outcome, few, place, method="pearson")
    peers = {name: partial(one_by_one, way, outcome, few, place) for name, way in WAYS.items()}
    found, theirs = ours(), peers["loop"]()
    bounded = np.where(theirs[:, 0] > 0, np.minimum(theirs[:, 0], n), np.nan)
    row = {"areas": n, "ours_60_s": seconds(whole, repeats), "ours_60_mb": peak_mb(whole), "compared": few.shape[1]}
    row["ours_s"] = row["ours_60_s"] if few is factors else seconds(ours, repeats)
    row |= {f"{name}_s": seconds(peer, 1) for name, peer in peers.items()}
    row |= {f"times_{name}": row[f"{name}_s"] / row["ours_s"] for name in peers}
    row["furthest_n"] = np.nanmax(np.abs(found["effective_n"] / bounded - 1))
    row["furthest_p"] = np.nanmax(np.abs(found["p_value"] - np.where(theirs[:, 0] <= n, theirs[:, 1], np.nan)))
    return row


WAYS = {"numpy": in_numpy, "loop": in_a_loop}


def main() -> pd.DataFrame:
    compile_first = areas(50, 2)
    correlations(*compile_first)
    one_by_one(in_a_loop, *compile_first)
    table = pd.DataFrame([compare(n) for n in AIMS])
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.3g}"))
    for row in table.to_dict("records"):
        assert row["furthest_n"] < EXACT, f"{row['areas']:,} areas: effective n is not that of all pairs"
        assert row["furthest_p"] < EXACT, f"{row['areas']:,} areas: p-values are not those of all pairs"
        assert row["ours_60_s"] <= AIMS[row["areas"]], f"{row['areas']:,} areas take {row['ours_60_s']:.1f} s"
    for peer, aim in TIMES_FASTER.items():
        reached = table[f"times_{peer}"][0]
        assert reached >= aim, f"{reached:.0f} times faster than {peer}; the aim is {aim}"
    last = table.iloc[-1]
    assert last["ours_60_s"] < last["loop_s"], "sixty at 35,000 areas take longer than two in a loop over pairs"
    return table


# name: (correlation at a distance in km, share of noise of the area's own)
FIELDS = {
    "exp 2 km": (lambda km: np.exp(-km / 2), 0.0),
    "exp 5 km": (lambda km: np.exp(-km / 5), 0.0),
    "exp 15 km": (lambda km: np.exp(-km / 15), 0.0),
    "exp 40 km, half noise": (lambda km: np.exp(-km / 40), 0.5),
    "exp 40 km": (lambda km: np.exp(-km / 40), 0.0),
    "gauss 10 km": (lambda km: np.exp(-((km / 10) ** 2)), 0.0),
    "gauss 30 km": (lambda km: np.exp(-((km / 30) ** 2)), 0.0),
}
TESTS = {
    "naive": {"adjust": "none"},
    "13 classes": {},
    "26 classes": {"classes": 26},
    "52 classes": {"classes": 52},
    "permutation": {"adjust": "permutation"},
}


def study(seeds: int = 200, n: int = 1_231, planted: int = 6) -> pd.DataFrame:
    """How often sixty smooth factors, unrelated to the outcome, are called related; and how often planted ones are.

    `p_05` : share of the unrelated with p below 0.05. `any` : share of seeds with one or more at q below 0.05, where
    none is related. `fdr` : mean share of the unrelated among those found at q below 0.05 where `planted` of the sixty
    are related (correlation about 0.35), and `power` : the share of the planted that is found.
    """
    place = areas(n, 1)[2]
    km = np.sqrt(((place.to_numpy()[:, None] - place.to_numpy()) ** 2).sum(axis=-1)) / 1_000
    rows = []
    for field, (alike, noise) in FIELDS.items():
        near = (1 - noise) * alike(km) + noise * np.eye(n)
        root, rng = np.linalg.cholesky(near + 1e-6 * np.eye(n)), np.random.default_rng(0)
        kept = {name: [] for name in TESTS}
        for seed in range(seeds):
            maps = root @ rng.normal(size=(n, FACTORS + 1))
            mixed = maps[:, 0] + 0.4 * maps[:, 1 : planted + 1].sum(axis=1)
            for name, settings in TESTS.items():
                ask = partial(correlations, factors=pd.DataFrame(maps[:, 1:]), coordinates=place, seed=seed, **settings)
                kept[name].append(_score(ask(pd.Series(maps[:, 0])), ask(pd.Series(mixed)), planted))
        for name, scores in kept.items():
            means = np.nanmean(scores, axis=0)
            rows.append([field, name, *means])
            print(field, "|", name, "|", *(f"{value:.3f}" for value in means), flush=True)
    return pd.DataFrame(rows, columns=["field", "test", "p_05", "any", "fdr", "power"])


def _score(null: pd.DataFrame, mixed: pd.DataFrame, planted: int) -> list[float]:
    hits = (mixed["q_value"] < 0.05).to_numpy()
    false = hits[planted:].sum() / max(1, hits.sum())
    return [(null["p_value"] < 0.05).mean(), (null["q_value"] < 0.05).any(), false, hits[:planted].mean()]


if __name__ == "__main__":
    study() if "study" in sys.argv else main()
