"""Clusters by the scan statistic: circles of areas, and of areas and months. A row is an area.

All take a scope of one source, a level (areas alone), the size of cells (unused) and `tell`, as in `answers.hotspots`.
"""

import numpy as np
import pandas as pd

from analytics import scan
from answers.hotspots import HOT, Tell, held, months, places, untold
from data import store
from data.store import Scope

LARGEST, SIMULATIONS = 0.1, 999  # share of residents in a circle: small enough to act upon
MOST_MONTHS = 30  # the longest window of a cluster in space and time, or half the months if that is less
FEWEST_MONTHS = 4  # below this there is no "when"
ALIVE = "now"


def clusters(scope: Scope, level: str, size_m: int, *, tell: Tell = untold) -> pd.DataFrame:
    """Which circles of neighbouring areas hold more records than their residents lead one to expect? By area_code.

    Returns `cluster` (1 the most likely; missing outside all with p below 0.05), `in_cluster` (3 in the most likely, 2
    in another, 0 in none), `relative_risk` and `cluster_p`. `.attrs["method"]` says how it was looked for.
    """
    found = places(scope, level, size_m).rename(columns={"n": "cases"})
    known = found[found["population"] > 0]
    circles = scan.spatial(known, max_population=LARGEST, simulations=SIMULATIONS, tell=tell)
    answer = _by_area(found, circles)
    share = f"{100 * LARGEST:g}% of residents"
    answer.attrs["method"] = f"Kulldorff's spatial scan, circles of up to {share}, {SIMULATIONS} simulations"
    return answer


def outbreaks(scope: Scope, level: str, size_m: int, when: str = "any", *, tell: Tell = untold) -> pd.DataFrame:
    """Where and when were there more records than the place and the months by themselves explain? By area_code.

    The space-time permutation scan: no population is needed, busy places and busy months are no clusters. Months that
    were not supplied are left out of both. when : "any" months, or ALIVE: windows that reach the newest month.

    Returns what `clusters` does of areas, and `from_month`, `to_month`; of ALIVE also `recurrence_interval`: how many
    months pass between alarms as strong by chance. Of an area in several clusters the strongest is told.
    """
    found, supplied = places(scope, level, size_m), held(scope)
    if len(supplied) < FEWEST_MONTHS:
        raise store.NotHeld(f"Clusters in space and time need {FEWEST_MONTHS} months; there are {len(supplied)}.")
    counts = months(scope, level, size_m)
    order = {month: number for number, month in enumerate(supplied)}  # gaps close: the months before and after touch
    known = found.loc[found["population"].gt(0), ["area_code", "x", "y", "population"]]
    every = pd.DataFrame({"area_code": known["area_code"].iat[0], "month": range(len(supplied)), "n": 0.0})
    counts = pd.concat([counts.assign(month=counts["month"].map(order)), every], ignore_index=True)
    longest = min(MOST_MONTHS, len(supplied) // 2)
    tell(0.1, f"{SIMULATIONS} simulations over {len(supplied)} months")
    how = {"max_population": LARGEST, "max_months": longest, "prospective": when == ALIVE, "simulations": SIMULATIONS}
    circles = scan.permutation(known, counts, tell=tell, **how)
    for name, column in (("from_month", "start"), ("to_month", "end")):
        circles[name] = circles[column].map(dict(enumerate(supplied)))
    answer = _by_area(found, circles, "from_month", "to_month", *(["recurrence_interval"] if when == ALIVE else []))
    share, span = f"{100 * LARGEST:g}% of residents", f"up to {longest} months"
    reach = ", windows that reach the newest month" if when == ALIVE else ""
    gaps = "; months not supplied are passed over" if len(supplied) < _span(scope) else ""
    answer.attrs["method"] = (
        f"Space-time permutation scan, circles of up to {share}, {span}{reach}, {SIMULATIONS} simulations{gaps}"
    )
    return answer


def _span(scope: Scope) -> int:
    return (scope.end.year - scope.start.year) * 12 + scope.end.month - scope.start.month + 1


def _by_area(found: pd.DataFrame, circles: pd.DataFrame, *more: str) -> pd.DataFrame:
    """The strongest cluster with p below HOT that each area is in: cluster, in_cluster, relative_risk, cluster_p."""
    circles = circles[circles["p_value"] < HOT]
    circles = circles.assign(cluster=range(1, len(circles) + 1))
    parts = circles[["cluster", "area_codes", "relative_risk", "p_value", *more]].explode("area_codes")
    parts = parts.rename(columns={"area_codes": "area_code", "p_value": "cluster_p"}).drop_duplicates("area_code")
    answer = found[["area_code"]].merge(parts, on="area_code", how="left")
    answer["in_cluster"] = np.select([answer["cluster"] == 1, answer["cluster"] > 1], [3, 2], 0)
    return answer
