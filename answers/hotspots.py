"""What the first map of hotspots shows of each place, a cell or an area: counts, rates, Gi*. A row is a place.

Every answer about places takes a scope of one source, a level, the size of cells, and `tell`, which is called with the
share that is done and a word for the step; so that what takes long can be watched, and left (`ui.beside`).
"""

from collections.abc import Callable

import pandas as pd
from scipy import sparse

from analytics import grids, hotspots, neighbours, rates, significance
from data import store
from data.store import Scope

PERMUTATIONS = 99_999  # fewer could not tell a hotspot among twenty thousand cells from chance
TOWN_M = 8_000  # metres: a place farther from any town is in none
CRIME = "crime"  # the denominator that is all recorded crime of the same source
HOT = 0.05  # corrected p-value below which a place counts as a hotspot, as in `hotspots.persistence`

Tell = Callable[[float, str], None]


def untold(share: float, step: str = "") -> None:
    """For callers who do not watch."""


def key_of(level: str) -> str:
    """The column that tells the places of a level apart."""
    return "cell_id" if level == "hex" else "area_code"


def places(scope: Scope, level: str, size_m: int, per: str = "resident") -> pd.DataFrame:
    """Every place of a level with its records, harm and names (`street`, `area`; or `name`, `everyday_name`).

    per : what the crude rate with its interval is per 1,000 of, a kind of `store.denominators`.
    """
    if level == "hex":
        cells = store.cell_counts(scope, size_m=size_m)
        found = cells.merge(store.cell_names(scope, size_m=size_m), on="cell_id", how="left")
        if per != CRIME:
            return found
        return _rated(found, store.cell_counts(of_all_crime(scope), size_m=size_m), "cell_id")
    found = store.area_counts(scope, level=level, per="resident" if per == CRIME else per)
    if per == CRIME:
        return _rated(found, store.area_counts(of_all_crime(scope), level=level), "area_code")
    rated = found.join(rates.crude(found["n"], found["population"], per=1_000))
    rated.attrs = found.attrs  # the period, where it is not the one asked for
    return rated


def of_all_crime(scope: Scope) -> Scope:
    """The same scope with every group its source records, violent or not."""
    return scope.but(groups=tuple(store.offence_groups(scope)), mark="")


def has_other_crime(scope: Scope) -> bool:
    """Whether the source records anything besides what is asked for, to set it against."""
    return not store.banded_sources(scope) and bool(
        scope.mark
        or set(store.offence_groups(scope)) - set(scope.groups or store.violent_groups()) - set(store.rare_groups())
    )


def _rated(found: pd.DataFrame, crime: pd.DataFrame, key: str) -> pd.DataFrame:
    """Places with `population` all recorded crime there, and the proportion per 1,000 of it that the records are."""
    all_of_it = found[key].map(crime.set_index(key)["n"])
    share = rates.proportion(found["n"], all_of_it.where(all_of_it > 0), per=1_000)
    rated = found.assign(population=all_of_it).join(share.rename(columns={"value": "rate"}))
    rated.attrs = found.attrs
    return rated


def near(scope: Scope, level: str, found: pd.DataFrame) -> sparse.csr_array:
    """Who is next to whom among the places, in their order."""
    if level == "hex":
        return grids.ring(found)
    return neighbours.contiguity(store.areas(scope, level=level))


def surface(scope: Scope, level: str, size_m: int, per: str = "resident") -> pd.DataFrame:
    """`places` with `town` and what `hotspots.survey` says: Gi* of rates where residents are known, else of counts."""
    found = places(scope, level, size_m, per)
    value = "rate" if level != "hex" and found["rate"].notna().any() else "n"
    answer = hotspots.survey(found, near(scope, level, found), value=value, permutations=PERMUTATIONS)
    answer["town"] = nearest_town(scope, answer)
    answer.attrs = found.attrs
    return answer


def nearest_town(scope: Scope, found: pd.DataFrame) -> pd.Series:
    """The town each place is nearest to, as far as there is one within TOWN_M; missing elsewhere."""
    from scipy.spatial import cKDTree

    towns = store.towns(scope)
    if towns.empty:
        return pd.Series(None, found.index, dtype="str")
    away, at = cKDTree(towns[["x", "y"]].to_numpy(float)).query(found[["x", "y"]].to_numpy(float))
    return pd.Series(towns["name"].to_numpy()[at], found.index, dtype="str").where(away <= TOWN_M)


def hot(found: pd.DataFrame, around: sparse.csr_array, *, value: str = "n") -> pd.Series:
    """Which places are hotspots: Gi* is high, and its p-value after Benjamini-Hochberg below HOT."""
    drawn = hotspots.gi_star(found, around, value=value, permutations=PERMUTATIONS)
    return (drawn["z"] > 0) & (significance.benjamini_hochberg(drawn["p_value"]) < HOT)


def held(scope: Scope) -> list[pd.Timestamp]:
    """The months of the period that the scope's source supplied."""
    return [m for m in store.held_months(scope, scope.sources[0]) if scope.start <= m <= scope.end]


def months(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """Records by place and month supplied: the key of the level, month, n; none is no row."""
    if level == "hex":
        return store.cell_months(scope, size_m=size_m)
    return store.area_months(scope, level=level)
