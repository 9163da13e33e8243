"""Steps that sources share: where a row lies, as the areas of one vintage know it. A row is a record being loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd

OUTSIDE = "outside the area"
ELSEWHERE = "no place given, and reported by a force from elsewhere"
NEAREST_M = (
    250.0  # a snapped point on the edge of a split area goes to the part this near; the master points sit on roads
)


@dataclass(frozen=True)
class Geography:
    """The areas a load is placed in.

    lsoas, msoas, lads : rows of the table `areas` of those levels. lookups, postcodes : those tables, whole.
    box : west, south, east, north in metres; points beyond it are outside. forces : whose unplaced crimes are ours.
    """

    lsoas: pd.DataFrame
    msoas: pd.DataFrame
    lads: pd.DataFrame
    lookups: pd.DataFrame
    postcodes: pd.DataFrame
    box: tuple[float, float, float, float]
    forces: tuple[str, ...]

    @cached_property
    def parents(self) -> pd.DataFrame:
        """By LSOA code: `msoa_code` and `authority_code`."""
        rows = self.lsoas.drop_duplicates("area_code").set_index("area_code")
        named = rows.rename(columns={"parent": "msoa_code"})[["msoa_code", "authority_code"]]
        return named.assign(msoa_code=named["msoa_code"].where(named["msoa_code"] != named["authority_code"]))

    @cached_property
    def successors(self) -> dict[str, list[str]]:
        """Old LSOA code: the codes of the new areas inside the partnership that it became."""
        recode = self.lookups[self.lookups["kind"] == "lsoa11_lsoa21"]
        ours = recode[recode["to_code"].isin(self.parents.index)]
        return ours.drop_duplicates(["from_code", "to_code"]).groupby("from_code")["to_code"].apply(list).to_dict()

    @cached_property
    def successor_authority(self) -> dict[str, str]:
        """Old LSOA code: the authority in which all that it became lies, where that is one."""
        found = {old: set(self.parents["authority_code"].reindex(new)) for old, new in self.successors.items()}
        return {old: codes.pop() for old, codes in found.items() if len(codes) == 1}

    @cached_property
    def tree(self):  # shapely is imported only when something is loaded
        """A spatial index of the LSOA polygons, in row order."""
        import shapely

        return shapely.STRtree(self.lsoas.geometry.to_numpy())

    def at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The LSOA code each point lies in; None where in none."""
        import shapely

        found = np.full(len(x), None, dtype=object)
        point, polygon = self.tree.query(shapely.points(x, y), predicate="intersects")
        found[point] = self.lsoas["area_code"].to_numpy()[polygon]
        return found


def placed(rows: pd.DataFrame, geography: Geography) -> pd.DataFrame:
    """Give each record its point in both systems, its LSOA of today, MSOA and authority.

    The area code in a file is believed before its coordinates: published points are snapped to streets, and
    4 to 15% of them fall in a neighbour's polygon. Old codes turn into today's; where an old area was split, the
    point decides. `problem` gains the rows that belong elsewhere; `unresolved` marks split areas no point could settle.
    """
    rows = _with_points(rows, geography)
    if "lsoa_code" not in rows:
        rows["lsoa_code"] = pd.Series(None, index=rows.index, dtype="str")
    given = rows["lsoa_code"]
    rows["lsoa_code"], rows["unresolved"] = _todays_lsoa(rows, geography)
    parents = geography.parents.reindex(rows["lsoa_code"])
    rows["msoa_code"] = parents["msoa_code"].to_numpy()
    known = parents["authority_code"].to_numpy()
    if rows["unresolved"].any():
        split = given.map(geography.successor_authority).where(rows["unresolved"])
        known = np.where(pd.isna(known), split.to_numpy(), known)
    rows["authority_code"] = rows["authority_code"].where(pd.isna(known), known) if "authority_code" in rows else known
    return _with_problems(rows, given.notna(), geography)


def _with_points(rows: pd.DataFrame, geography: Geography) -> pd.DataFrame:
    """Both coordinate systems; a point outside the box is dropped where a code says the row is ours."""
    rows = rows.copy()
    for columns in (("easting", "northing"), ("lon", "lat")):
        for column in columns:
            if column not in rows:
                rows[column] = np.nan
    if "postcode" in rows:
        by_postcode = geography.postcodes.set_index("postcode")[["easting", "northing"]]
        points = by_postcode.reindex(rows["postcode"].str.replace(" ", "").str.upper())
        empty = (rows["easting"].isna() & rows["lon"].isna()).to_numpy()
        for column in ("easting", "northing"):
            rows[column] = rows[column].where(~empty, points[column].to_numpy())
        rows.loc[empty & rows["easting"].notna().to_numpy(), "precision"] = "address"
        rows = rows.drop(columns="postcode")
    degrees = (rows["easting"].isna() & rows["lon"].notna()).to_numpy()
    if degrees.any():
        rows.loc[degrees, ["easting", "northing"]] = to_metres(rows.loc[degrees, "lon"], rows.loc[degrees, "lat"])
    metres = (rows["lon"].isna() & rows["easting"].notna()).to_numpy()
    if metres.any():
        rows.loc[metres, ["lon", "lat"]] = to_degrees(rows.loc[metres, "easting"], rows.loc[metres, "northing"])
    west, south, east, north = geography.box
    rows["beyond"] = rows["easting"].notna() & ~(
        rows["easting"].between(west, east) & rows["northing"].between(south, north)
    )
    if rows["beyond"].any():
        rows.loc[rows["beyond"], ["easting", "northing", "lon", "lat"]] = np.nan
    return rows


def _todays_lsoa(rows: pd.DataFrame, geography: Geography) -> tuple[pd.Series, np.ndarray]:
    """Today's code of each row, and which rows lie in a split area that no point could settle."""
    position, given = pd.factorize(rows["lsoa_code"])
    new = [geography.successors.get(code, []) for code in given]
    today = [
        code if code in geography.parents.index else one[0] if len(one) == 1 else None
        for code, one in zip(given, new, strict=True)
    ]
    split = np.array([len(parts) > 1 and now is None for parts, now in zip(new, today, strict=True)], dtype=bool)
    codes = np.array([*today, None], dtype=object)[position]  # position -1, no code, is the last
    in_split = np.array([*split, False])[position]
    has_point = rows["easting"].notna().to_numpy()
    x, y = rows["easting"].to_numpy(), rows["northing"].to_numpy()
    for old in np.unique(position[in_split & has_point]):
        these = np.flatnonzero((position == old) & has_point)
        codes[these] = _part_at(x[these], y[these], geography, new[old])
    by_point = (position == -1) & has_point
    if by_point.any():
        codes[by_point] = geography.at(x[by_point], y[by_point])
    return pd.Series(codes, index=rows.index, dtype="str"), in_split & pd.isna(codes)


def _part_at(x: np.ndarray, y: np.ndarray, geography: Geography, parts: list[str]) -> np.ndarray:
    """Which of the areas an old one was split into holds each point, or is nearest within NEAREST_M; None else."""
    import shapely

    areas = geography.lsoas[geography.lsoas["area_code"].isin(parts)]
    distance = shapely.distance(areas.geometry.to_numpy()[:, None], shapely.points(x, y)[None, :])
    nearest = areas["area_code"].to_numpy(dtype=object)[distance.argmin(axis=0)]
    return np.where(distance.min(axis=0) <= NEAREST_M, nearest, None)


def _with_problems(rows: pd.DataFrame, coded: pd.Series, geography: Geography) -> pd.DataFrame:
    no_authority = rows["authority_code"].isna()
    placed_somewhere = rows["beyond"] | rows["easting"].notna() | coded
    ours = rows["reported_by"].isin(geography.forces) if "reported_by" in rows else True
    reasons = [
        (no_authority & placed_somewhere & ~rows["unresolved"], OUTSIDE),
        (no_authority & ~placed_somewhere & ~np.asarray(ours), ELSEWHERE),
    ]
    found = np.select([np.asarray(bad) for bad, _ in reasons], [reason for _, reason in reasons], default="")
    rows["problem"] = rows["problem"].where(rows["problem"] != "", found)
    nowhere, coded = rows["easting"].isna(), rows["lsoa_code"].notna()
    rows.loc[nowhere & coded, "precision"] = "lsoa"
    rows.loc[nowhere & ~coded, "precision"] = np.where(no_authority[nowhere & ~coded], "none", "lad")
    return rows


def once_each(column: pd.Series, meaning: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """What a column means, worked out once for each value that it repeats."""
    position, values = pd.factorize(column, use_na_sentinel=False)
    return meaning(pd.Series(values)).take(position).set_axis(column.index)


def to_metres(lon: pd.Series, lat: pd.Series) -> np.ndarray:
    """WGS84 degrees to EPSG:27700 metres, two columns."""
    return _transformed("EPSG:4326", "EPSG:27700", lon, lat)


def to_degrees(x: pd.Series, y: pd.Series) -> np.ndarray:
    """EPSG:27700 metres to WGS84 degrees, longitude and latitude."""
    return _transformed("EPSG:27700", "EPSG:4326", x, y)


def _transformed(source: str, target: str, x: pd.Series, y: pd.Series) -> np.ndarray:
    if not len(x):
        return np.empty((0, 2))
    return np.column_stack(_transformer(source, target).transform(x.to_numpy(), y.to_numpy()))


@cache
def _transformer(source: str, target: str):  # pyproj is imported only when something is loaded
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True)
