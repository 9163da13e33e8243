"""League tables that say how far their order is chance: rates with intervals, ranks with intervals, funnel limits."""

import numpy as np
import pandas as pd

from analytics import rates


def table(
    areas: pd.DataFrame,
    *,
    count: str = "n",
    population: str = "population",
    per: float = 100_000,
    draws: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Which area has the highest rate, how sure is its place in the order, and is it beyond chance at all?

    areas : one row per area with the columns `count` and `population`. per : people a rate is told for.
    draws : how often the order is drawn anew, each area's count from a gamma of shape count + 1/2 over its population
        (the posterior under Jeffreys' prior, so that an area without events has an interval too).

    Returns `areas` with `rate`, `lower`, `upper`, `method` (as `rates.crude`), `rank` (1 the highest, ties share the
    best), `rank_lower`, `rank_upper` (95% of the draws), and `benchmark`, `lower_95`, `upper_95`, `lower_998`,
    `upper_998`, `position` (as `rates.funnel_limits`, against all areas together). Areas whose count or population is
    missing, or without people, have none and are in no rank.
    Misleads when most areas lie outside the funnel: then chance is not all that differs. Ranks of many small areas
    have intervals as wide as the table.
    Source: Goldstein & Spiegelhalter (1996), Journal of the Royal Statistical Society A 159(3), 385-443, for ranks;
    Spiegelhalter (2005), Statistics in Medicine 24, 1185-1202, for the funnel.
    """
    n, people = (pd.to_numeric(areas[c]).astype(float).to_numpy() for c in (count, population))
    known = np.isfinite(n) & (people > 0)
    n, people = np.where(known, n, np.nan), np.where(known, people, np.nan)
    found = rates.crude(n, people, per=per)
    rng = np.random.default_rng(seed)
    drawn = rng.gamma(n[known] + 0.5, size=(draws, int(known.sum()))) / people[known]
    order = (-drawn).argsort(axis=1).argsort(axis=1) + 1
    found["rank"] = found["rate"].rank(ascending=False, method="min")
    limits = np.full((len(areas), 2), np.nan)
    if known.any():
        limits[known] = np.quantile(order, [0.025, 0.975], axis=0, method="nearest").T
    found["rank_lower"], found["rank_upper"] = limits.T
    funnel = rates.funnel_limits(n, people, per=per).drop(columns="value")
    return areas.assign(**{name: column.to_numpy() for name, column in found.join(funnel).items()})
