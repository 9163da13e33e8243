"""Factors made here of residents and of places: density, ages, premises, schools and the like. A row is an area.

As in `data.store`: a Scope in, a table out. Of it the tier, the snapshot and the area count. Lists of places are as old
as their publisher left them, and hold what lies inside the partnership alone.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from ibis import _

from data import definitions, store
from data.store import ALL, Scope

YOUNG, OLD = ("10-14", "15-19", "20-24"), ("65-69", "70-74", "75-79", "80-84", "85-89", "90+")
NEAR_M = 1_000.0  # metres as the crow flies: a walk of a quarter of an hour to a station
STRAY_M = 250.0  # metres a place without a code may lie off the land as drawn, such as on a pier
BY_AUTHORITY = "premises_"  # in the feed of lists that come a file for each authority: without one, nothing is known


@dataclass(frozen=True)
class Derived:
    """What one such factor is. source : whose data it is made of, in sources.toml. place : the kind that is counted."""

    name: str
    kind: str
    unit: str
    source: str = "places"
    place: str = ""
    polarity: str = "neutral"  # which side is the better one is nobody's published judgement


DERIVED = {
    "residents_per_km2": Derived("Residents per km²", "context", "residents per km²", "population"),
    "share_10_24": Derived("Residents aged 10 to 24", "risk", "share of residents", "population"),
    "share_65_over": Derived("Residents aged 65 and over", "context", "share of residents", "population"),
    "licensed_per_km2": Derived("Licensed premises per km²", "risk", "places per km²", place="licensed"),
    "schools_per_km2": Derived("Schools per km²", "context", "places per km²", place="school"),
    "pharmacies_per_km2": Derived("Pharmacies per km²", "protective", "places per km²", place="pharmacy"),
    "stations_within_1km": Derived("Stations within 1 km of the centre", "context", "stations", place="station"),
}


def measured(scope: Scope, level: str) -> pd.DataFrame:
    """Of each area of a level in the scope's area, sorted, what DERIVED names and the snapshot can tell.

    level : lsoa or msoa. Residents are those of the newest year (`.attrs["year"]`); shares are fractions, missing where
    nobody lives. A kind of place of which none is held has no column, nor have ages where only totals are.
    """
    areas = areas_of(scope, level)
    people, year = residents(scope, level)
    found = {}
    if len(people.columns):
        total = people.sum(axis=1, min_count=1)
        found["residents_per_km2"] = total / areas["area_km2"].where(areas["area_km2"] > 0)
        for name, bands in (("share_10_24", YOUNG), ("share_65_over", OLD)):
            if "all" not in people:
                found[name] = people.reindex(columns=bands).sum(axis=1) / total.where(total > 0)
    answer = pd.DataFrame(found, index=areas.index).join(_of_places(scope, level, areas))
    answer.attrs["year"] = year
    return answer


def areas_of(scope: Scope, level: str) -> pd.DataFrame:
    """Areas of a level in the scope's area, sorted, their index area_code: parent, authority_code, area_km2, x, y."""
    rows = store.table(scope, "areas").filter(_.area_level == level)
    rows = rows if scope.area == ALL else rows.filter(_.authority_code == scope.area)
    columns = ["area_code", "parent", "authority_code", "area_km2", "x", "y"]
    return store.run(scope, rows.select(*columns).order_by("area_code")).set_index("area_code")


def residents(scope: Scope, level: str) -> tuple[pd.DataFrame, str]:
    """Residents of each area of a level by age band (one column `all` where ages are not told), and of which year."""
    index = areas_of(scope, level).index
    if not store.holds(scope, "population"):
        return pd.DataFrame(index=index), ""
    people = store.table(scope, "population").filter(_.area_level == level, _.pop_type == "resident")
    newest = people.filter(_.year == people.year.max())
    found = store.run(scope, newest.group_by(["area_code", "age_band5"]).agg(n=_.population.sum(), year=_.year.max()))
    table = found.pivot(index="area_code", columns="age_band5", values="n").reindex(index).rename_axis(columns=None)
    return table.astype(float), str(found["year"].iat[0]) if len(found) else ""


def _of_places(scope: Scope, level: str, areas: pd.DataFrame) -> pd.DataFrame:
    """Places of each kind held: how many to the square kilometre of an area, or how many near its centre."""
    held = store.places(scope) if store.holds(scope, "places") else pd.DataFrame(columns=["kind"])
    small = areas_of(scope.but(area=ALL), "lsoa")
    held = held[held["kind"].isin([d.place for d in DERIVED.values() if d.place])]
    held = held.assign(area_code=_small_areas(scope, held, small)) if len(held) else held
    found = {}
    for name, derived in DERIVED.items():
        listed = held[held["kind"] == derived.place]
        if len(listed) and derived.place == "station":
            found[name] = _near(areas, listed)
        elif len(listed):
            counts = listed.groupby("area_code").size().reindex(small.index, fill_value=0).astype(float)
            if derived.place == "licensed":
                counts = counts.where(small["authority_code"].isin(_covered(listed, small)))
            if level == "msoa":
                counts = counts.groupby(small["parent"]).sum(min_count=1)
            found[name] = counts.reindex(areas.index) / areas["area_km2"].where(areas["area_km2"] > 0)
    return pd.DataFrame(found, index=areas.index)


def _small_areas(scope: Scope, places: pd.DataFrame, small: pd.DataFrame) -> pd.Series:
    """The small area of each place: as held, else the one it lies in, or the nearest within STRAY_M; missing beyond."""
    known = places["area_code"].where(places["area_code"].isin(small.index))
    lost = known.isna().to_numpy()
    if not lost.any():
        return known
    import shapely

    shapes = store.areas(scope.but(area=ALL), level="lsoa")
    tree = shapely.STRtree(shapes["geometry"].to_numpy())
    points = shapely.points(places.loc[lost, "x"], places.loc[lost, "y"])
    (point, shape) = tree.query_nearest(points, max_distance=STRAY_M, all_matches=False)
    codes = known.to_numpy(dtype=object, copy=True)
    codes[np.flatnonzero(lost)[point]] = shapes["area_code"].to_numpy()[shape]
    return pd.Series(codes, index=places.index, dtype="str")


def _covered(premises: pd.DataFrame, small: pd.DataFrame) -> set[str]:
    """Authorities whose premises are held. A file for one authority is that of the one where most of its premises lie,
    as a few stray beyond the border; any other list is about every authority in which it has some.
    """
    counts = premises.groupby(["feed_id", premises["area_code"].map(small["authority_code"])]).size()
    found = set()
    for feed, by_authority in counts.groupby(level=0):
        codes = by_authority.droplevel(0)
        found |= {codes.idxmax()} if BY_AUTHORITY in feed else set(codes.index)
    return found


def _near(areas: pd.DataFrame, places: pd.DataFrame) -> np.ndarray:
    """How many places lie within NEAR_M of each centre, that distance included."""
    east, north = (areas[c].to_numpy()[:, None] - places[c].to_numpy()[None, :] for c in ("x", "y"))
    return (np.hypot(east, north) <= NEAR_M).sum(axis=1).astype(float)


def listed(scope: Scope, level: str) -> pd.DataFrame:
    """What `measured` can tell of the scope's area, one row per factor, as the table of indicators would say it."""
    values = measured(scope, level)
    rows = [
        {
            "indicator_id": name,
            "name": DERIVED[name].name,
            "kind": DERIVED[name].kind,
            "area_level": level,
            "period": values.attrs["year"] if DERIVED[name].source == "population" else "",
            "unit": DERIVED[name].unit,
            "polarity": DERIVED[name].polarity,
            "publisher": definitions.source(DERIVED[name].source).label,
            "licence": definitions.source(DERIVED[name].source).licence,
            "published": "",
            "areas": int(values[name].notna().sum()),
        }
        for name in values
    ]
    return pd.DataFrame(rows)
