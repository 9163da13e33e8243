"""Which areas are most like one another, by what is published of them. A row is an area."""

import numpy as np
import pandas as pd

from analytics.errors import NotEnoughData

FEWEST_AREAS = 3  # with two, each is the other's nearest whatever they are like


def nearest_neighbours(characteristics: pd.DataFrame, *, to: object, k: int | None = None) -> pd.DataFrame:
    """Which areas are most like one, on many characteristics together?

    characteristics : one row per area, its index the areas, one numeric column per characteristic. Columns in which
        all areas are equal, or that are missing for some, say nothing and are left out.
    to : the area, a label of the index. k : how many to tell; None for all others.

    Returns one row per other area, the most like first (ties in the order given): the index of `characteristics`,
    `distance` (Euclidean over characteristics in standard deviations, over the root of their number: 0 is the same
    in all, about 1.4 is what two areas taken at random are apart), `rank` from 1; `.attrs["characteristics"]`: those
    used.
    Misleads: every characteristic weighs the same, so two that say the same count twice; likeness among these areas
    alone, however unlike all others they are.
    Source: nearest neighbours of local authorities as CIPFA and the ONS make them: standardised, squared, summed.
    """
    if len(characteristics) < FEWEST_AREAS:
        raise NotEnoughData(f"Likeness needs at least {FEWEST_AREAS} areas; there are {len(characteristics)}.")
    values = characteristics.astype(float)
    used = [c for c in values if values[c].notna().all() and values[c].nunique() > 1]
    if not used:
        raise NotEnoughData("No characteristic is held of all areas, so none can be said to be like another.")
    scores = (values[used] - values[used].mean()) / values[used].std(ddof=0)
    away = np.sqrt(((scores - scores.loc[to]) ** 2).mean(axis=1)).drop(to)
    order = away.sort_values(kind="stable")
    answer = pd.DataFrame({"distance": order, "rank": np.arange(1, len(order) + 1)}).head(k or len(order))
    answer.attrs["characteristics"] = used
    return answer
