"""Count models of 35,000 areas and 12 factors against statsmodels, in one run: seconds, memory, the same coefficients.

    python -m benchmarks.count_model

Processor seconds, best of nine, statsmodels warm: what its import costs a fresh process is shown by itself. Each of its
ways to fit the model has a line. Ours looks for factors that overlap or have no limit as well, which theirs do not.
Nothing is extrapolated. `_mb` is the rise of resident memory.
"""

import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from analytics.risk_counts import count_model
from benchmarks.gi_star import peak_mb

AREAS, FACTORS = 35_000, 12
AIMS = {  # times as fast as statsmodels, by model and way
    ("poisson", "GLM"): 1.2,
    ("poisson", "Poisson, newton"): 0.6,  # level: a bare Newton, without the looking first
    ("negative_binomial", "NegativeBinomial, newton"): 1.5,
}
IMPORT = "import time, {}; print(time.process_time())"
REPEATS = 9
SAME = 1e-6  # of a coefficient


def seconds(run: Callable, repeats: int) -> float:
    """Best of some repeats, in processor seconds: the work itself, whatever else the machine does."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return min(taken)


def areas(n: int = AREAS, factors: int = FACTORS) -> tuple[np.ndarray, pd.DataFrame, np.ndarray]:
    """Residents, overlapping factors, and counts more spread than Poisson (alpha 0.6)."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, factors)) @ (np.eye(factors) + 0.2)
    people = rng.uniform(800, 3_000, n)
    mean = people * np.exp(-5 + x @ rng.normal(0, 0.1, factors))
    counts = rng.poisson(rng.gamma(1 / 0.6, 0.6 * mean))
    return counts, pd.DataFrame(x, columns=[f"x{i}" for i in range(factors)]), people


def their_way(family: str, way: str) -> Callable[[], np.ndarray]:
    """One way of statsmodels to fit the model."""
    import statsmodels.api as sm

    counts, factors, people = areas()
    design, offset = sm.add_constant(factors.to_numpy()), np.log(people)
    if way == "GLM":
        return lambda: sm.GLM(counts, design, family=sm.families.Poisson(), offset=offset).fit().params
    kind = sm.Poisson if family == "poisson" else sm.NegativeBinomial
    return lambda: kind(counts, design, offset=offset).fit(method="newton", disp=0, maxiter=500).params


def compare(family: str, way: str) -> dict:
    """One line of the table."""
    counts, factors, people = areas()
    theirs = their_way(family, way)

    def ours():
        return count_model(counts, factors, exposure=people, family=family)["coefficient"].to_numpy()

    found = ours()
    theirs()
    our_seconds, their_seconds = seconds(ours, REPEATS), seconds(theirs, REPEATS)
    return {
        "family": family,
        "statsmodels": way,
        "ours_ms": our_seconds * 1_000,
        "ours_mb": peak_mb(ours),
        "theirs_ms": their_seconds * 1_000,
        "theirs_mb": peak_mb(theirs),
        "times_faster": their_seconds / our_seconds,
        "furthest_coefficient": np.abs(theirs()[: len(found)] - found).max(),
    }


def import_seconds(module: str) -> float:
    """Processor seconds of a fresh process that imports one module."""
    return float(subprocess.run([sys.executable, "-c", IMPORT.format(module)], capture_output=True, check=True).stdout)


def main() -> pd.DataFrame:
    warnings.simplefilter("ignore")
    for module in ("analytics.risk_counts", "statsmodels.api"):
        print(f"import of {module}: {import_seconds(module):.1f} processor seconds")
    table = pd.DataFrame([compare(*pair) for pair in AIMS])
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.3g}"))
    assert (table["furthest_coefficient"] < SAME).all(), "the coefficients differ"
    for (family, way), aim in AIMS.items():
        reached = table.set_index(["family", "statsmodels"]).loc[(family, way), "times_faster"]
        assert reached >= aim, f"{family}: {reached:.1f} times as fast as {way} of statsmodels; the aim is {aim}"
    return table


if __name__ == "__main__":
    main()
