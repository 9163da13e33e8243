"""Geographically weighted regression against mgwr, in one run: seconds, memory, and the same coefficients.

    python -m benchmarks.local_relationships

Search of the bandwidth and fit with standard errors, both warm and on one core. mgwr is not a dependency of this
project: `pip install mgwr` beside it first. Takes about two minutes. `_mb` is the rise of resident memory above what
was held before. The test whether a relationship varies is left out of the race: mgwr searches again for each of the
shuffles, so that its 99 take some 99 times its search.
"""

from functools import partial

import numpy as np
import pandas as pd

from analytics import risk_local
from benchmarks.gi_star import peak_mb, seconds

AIMS = {400: 5, 1_231: 5}  # times faster than mgwr; about 8 were measured
FACTORS = 6


def made_up(n: int) -> tuple[pd.Series, pd.DataFrame, pd.DataFrame]:
    """A rate that goes with six factors, one of them more so in the east."""
    rng = np.random.default_rng(1)
    places = pd.DataFrame(rng.random((n, 2)) * 60_000, columns=["x", "y"])
    factors = pd.DataFrame(rng.normal(size=(n, FACTORS)), columns=[f"factor_{j}" for j in range(FACTORS)])
    slope = places["x"] / 60_000
    return pd.Series(slope * factors["factor_0"] + 0.3 * factors["factor_1"] + rng.normal(size=n)), factors, places


def theirs(rate, factors, places):
    """mgwr's search and fit, with the standard errors of Fotheringham et al. (2002)."""
    from mgwr.gwr import GWR
    from mgwr.sel_bw import Sel_BW

    given = places.to_numpy(), rate.to_numpy()[:, None], factors.to_numpy()
    nearest = Sel_BW(*given, n_jobs=1).search()
    fit = GWR(*given, bw=nearest, sigma2_v1=False, n_jobs=1).fit()
    return nearest, fit, fit.bse


def compare(n: int) -> dict:
    """One line of the table."""
    given = made_up(n)
    ours = partial(risk_local.local_relationships, *given, permutations=0)
    their_nearest, fit, errors = theirs(*given)  # compiles what mgwr compiles
    same = risk_local.local_relationships(*given, permutations=0, bandwidth=int(their_nearest))
    our_seconds, their_seconds = seconds(ours, 5), seconds(partial(theirs, *given), 2)
    return {
        "areas": n,
        "ours_s": our_seconds,
        "ours_mb": peak_mb(ours),
        "mgwr_s": their_seconds,
        "mgwr_mb": peak_mb(partial(theirs, *given)),
        "times_faster": their_seconds / our_seconds,
        "aicc_ours": ours().attrs["aicc"],
        "aicc_mgwr": fit.aicc,
        "furthest_coefficient": np.abs(same["coefficient"].to_numpy() - fit.params.ravel()).max(),
        "furthest_error": np.abs(same["standard_error"].to_numpy() - errors.ravel()).max(),
    }


def main() -> pd.DataFrame:
    table = pd.DataFrame([compare(n) for n in AIMS])
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.3g}"))
    for n, aim in AIMS.items():
        reached = table.loc[table["areas"] == n, "times_faster"].iloc[0]
        assert reached >= aim, f"{n:,} areas: {reached:.1f} times faster than mgwr; the aim is {aim}"
    assert (table[["furthest_coefficient", "furthest_error"]] < 1e-6).all(axis=None), "not the same regression"
    assert (table["aicc_ours"] <= table["aicc_mgwr"] + 1e-6).all(), "mgwr found a better bandwidth"
    return table


if __name__ == "__main__":
    main()
