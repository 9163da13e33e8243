"""Boundaries: shapes of small areas, neighbourhoods, wards, authorities and police force areas. A row is one area.

Level and edition are read off the header (LSOA21CD, ltla24_code, PFA23CD ...), or off the codes where the header is
general. Small areas and neighbourhoods are held in one edition; those of older editions are set aside and counted.
"""

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from data.definitions import Partnership
from data.errors import Problem, SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.sources import files
from data.sources.files import Piece

TABLE = "areas"
LABEL = "Boundaries (Office for National Statistics, Ordnance Survey)"
INSIDE = (".gpkg", ".parquet", ".geoparquet", ".geojson", ".json", ".topojson", ".shp")
SUFFIXES = (*INSIDE, ".zip")  # a zip stays whole: a shapefile is several files
PART = ["area_level", "vintage"]
CURRENT = {"lsoa": "2021", "msoa": "2021"}  # the edition the app speaks; wards, authorities and forces: the newest held
OLDER = "older vintage: recoded by the lookup instead"
NO_SHAPE = "no shape"
BAD_CODE = "the code is not one of an area of this level"
REPEATED = "the area is in the file twice"
NOT_FAULTS = (OLDER,)
UNDATED = "undated"
MOST_OF_IT = 0.8  # of an authority: so much and its small areas are all held (some shapes reach out to low tide)
DISSOLVED = "boundaries:dissolved"  # feed of authorities made from their small areas
HALF = 0.5  # an area belongs to the authority that covers at least this part of it
MAGIC = {".gpkg": b"SQLite format 3", ".parquet": b"PAR1", ".geoparquet": b"PAR1", ".shp": b"\x00\x00\x27\x0a"}
LEVEL_OF = {  # by the first three characters of a code
    **dict.fromkeys(("E01", "W01", "S01"), "lsoa"),
    **dict.fromkeys(("E02", "W02", "S02"), "msoa"),
    **dict.fromkeys(("E05", "W05", "S13", "N08"), "ward"),
    **dict.fromkeys(("E06", "E07", "E08", "E09", "W06", "S12", "N09"), "lad"),
    **dict.fromkeys(("E23", "W15", "S32", "N23"), "pfa"),
}
WORDS = {"lsoa": "lsoa", "msoa": "msoa", "ward": "ward", "wd": "ward", "ltla": "lad", "lad": "lad", "pfa": "pfa"}
CODE_HEADER = re.compile(r"(lsoa|msoa|ward|wd|ltla|lad|pfa)_?(\d{4}|\d{2})?_?(?:cd|code)", re.I)
GENERAL_HEADERS = ("areacd", "area_code", "areacode", "geography_code", "gss_code", "code")
AUTHORITY_HEADER = re.compile(r"ladcd_active|(?:lad|ltla)_?\d*_?(?:cd|code)", re.I)
NAMES = ("areanm", "area_name", "areaname", "geography_name", "name")


def read(piece: Piece) -> pd.DataFrame:
    """Every layer of the file, or of the files in the zip: code, name, level, vintage, authority_code, geometry.

    Shapes come in EPSG:27700 metres whatever the file uses; one that names no system and holds degrees is WGS84.
    """
    inside = files.pieces([piece.path], INSIDE) if piece.suffix == ".zip" else [piece]
    found, problems = [], []
    for part in inside:
        for name, shapes in _layers(part):
            try:
                found.append(_described(shapes, f"{piece.path.stem} {part.member} {name}"))
            except SourceProblem as problem:
                problems += [Problem(f"layer {name}: {p.rule}", p.column, p.rows, p.hint) for p in problem.problems]
    if not found and not problems:
        problems = [Problem("there is no layer of shapes in it", hint=f"Boundaries come as {', '.join(INSIDE)}.")]
    if problems:
        raise SourceProblem(piece.name, problems)
    return pd.concat(found, ignore_index=True)


def _layers(piece: Piece) -> Iterator[tuple[str, pd.DataFrame]]:
    """The layers with shapes in one file, by name, as GeoDataFrames."""
    import geopandas as gpd
    import pyogrio

    _check_content(piece)
    in_zip = piece.member and piece.suffix == ".shp"  # its other files lie beside it in the zip
    source = f"/vsizip/{piece.path.resolve().as_posix()}/{piece.member}" if in_zip else piece.path
    try:
        if piece.suffix in (".parquet", ".geoparquet"):
            import io

            yield piece.path.stem, gpd.read_parquet(io.BytesIO(piece.read_bytes()))
            return
        if not in_zip and (piece.member or piece.path.suffix.lower() == ".gz"):
            source = piece.read_bytes()
        for name, kind in pyogrio.list_layers(source):
            if kind is not None:
                yield name, gpd.read_file(source, layer=name)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, OSError) as error:
        broken = Problem(
            "the file cannot be read as shapes", hint="Download it again; a shapefile needs all its parts."
        )
        raise SourceProblem(piece.name, [broken]) from error


def _check_content(piece: Piece) -> None:
    """The content must be what the ending says, so that no other kind of file reaches the reader."""
    packed = piece.member or piece.path.suffix.lower() == ".gz"
    with piece.path.open("rb") as file:
        start = piece.read_bytes()[:64] if packed else file.read(64)
    expected = MAGIC.get(piece.suffix)
    fits = start.startswith(expected) if expected else start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    if not fits:
        wrong = Problem(f"what is inside is not what the ending {piece.suffix} says", hint="Export it again.")
        raise SourceProblem(piece.name, [wrong])


def _described(shapes: pd.DataFrame, told: str) -> pd.DataFrame:
    """The columns that matter, under one name each; `told` is what the file and layer are called."""
    header, level, year = _code_header(list(shapes.columns))
    if header is None:
        hint = "The column of codes is called like LSOA21CD, lsoa21_code, LAD24CD, WD25CD, PFA23CD or AREACD."
        raise SourceProblem(told, [Problem("no column of area codes was found", hint=hint)])
    codes = shapes[header].astype("str").str.strip()
    levels = pd.Series(level, index=shapes.index, dtype="str") if level else codes.str[:3].map(LEVEL_OF)
    authority = [c for c in shapes if AUTHORITY_HEADER.fullmatch(c) and c != header]
    authority.sort(key=lambda c: c.lower() != "ladcd_active")
    name = _name_header(list(shapes.columns), header)
    return pd.DataFrame(
        {
            "code": codes,
            "name": shapes[name].astype("str") if name else codes,
            "level": levels,
            "vintage": _vintage(year, levels, told),
            "authority_code": shapes[authority[0]].astype("str") if authority else None,
            "geometry": pd.Series(_in_metres(shapes.geometry, told).to_numpy(), index=shapes.index, dtype="object"),
        }
    )


def _code_header(headers: list[str]) -> tuple[str | None, str | None, str | None]:
    """The header of the codes, the level it names and its year; the finest level where there are several."""
    matches = [(h, m) for h in headers if (m := CODE_HEADER.fullmatch(h))]
    if matches:
        finest = ("lsoa", "msoa", "ward", "lad", "pfa")
        header, match = min(matches, key=lambda hm: finest.index(WORDS[hm[1][1].lower()]))
        return header, WORDS[match[1].lower()], match[2]
    general = [h for g in GENERAL_HEADERS for h in headers if h.lower() == g]
    return (general[0] if general else None), None, None


def _name_header(headers: list[str], code: str) -> str | None:
    wanted = [re.sub(r"(?i)code$", "name", code).lower(), re.sub(r"(?i)cd$", "nm", code).lower(), *NAMES]
    return next((h for w in wanted for h in headers if h.lower() == w and h != code), None)


def _vintage(year: str | None, levels: pd.Series, told: str) -> str:
    """The edition: the header's year, else one in the name. Small areas must say it: editions share most codes."""
    small = levels.isin(list(CURRENT)).any()
    if year is None and small:
        match = re.search(r"(?:lsoa|msoa)[ _-]?(2011|2021|11|21)(?!\d)", told, re.I)
        year = match[1] if match else None
        if year is None:
            hint = "Rename the column of codes to LSOA21CD (or MSOA21CD, LSOA11CD ...), as published."
            raise SourceProblem(told, [Problem("nothing says of which year these small areas are", hint=hint)])
    if year is None:
        match = re.search(r"(?<!\d)(20\d{2})(?!\d)", told)
        year = match[1] if match else UNDATED
    return f"20{year}" if len(year) == 2 else year


def _in_metres(shapes, told: str):  # a GeoSeries; geopandas is imported only when something is loaded
    if shapes.crs is None:
        west, south, east, north = shapes.total_bounds
        if west >= -180 and east <= 180 and south >= -90 and north <= 90:
            shapes = shapes.set_crs(4326)
        elif west >= 0 and east <= 700_000 and south >= 0 and north <= 1_300_000:
            shapes = shapes.set_crs(27700)
        else:
            hint = "Export it in EPSG:27700 or EPSG:4326, with the .prj file where it is a shapefile."
            raise SourceProblem(told, [Problem("nothing says in which coordinates the shapes are", hint=hint)])
    return shapes.to_crs(27700)


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per area with `problem`; `attrs["repaired"]` counts invalid shapes that are polygons again."""
    import shapely

    shapes = raw["geometry"].to_numpy().copy()
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    shapes[broken] = [_polygons(shape) for shape in shapely.make_valid(shapes[broken])]
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes) | (shapely.area(shapes) == 0)
    centres = shapely.point_on_surface(shapes)
    rows = pd.DataFrame(
        {
            "area_code": raw["code"],
            "area_level": raw["level"],
            "name": raw["name"],
            "everyday_name": pd.Series(None, index=raw.index, dtype="str"),
            "parent": pd.Series(None, index=raw.index, dtype="str"),
            "authority_code": raw["authority_code"].astype("str").where(raw["level"] != "lad", raw["code"]),
            "vintage": raw["vintage"],
            "area_km2": shapely.area(shapes) / 1e6,
            "x": shapely.get_x(centres),
            "y": shapely.get_y(centres),
            "feed_id": "boundaries",
            "geometry": pd.Series(shapes, index=raw.index, dtype="object"),
            "repaired": broken,
        }
    )
    rules = [
        (empty, NO_SHAPE),
        ((rows["area_code"].str[:3].map(LEVEL_OF) != rows["area_level"]).to_numpy(), BAD_CODE),
        ((rows["vintage"] < rows["area_level"].map(CURRENT).fillna("")).to_numpy(), OLDER),
        (rows.duplicated(["area_code", "area_level", "vintage"]).to_numpy(), REPEATED),
    ]
    rows["problem"] = np.select([bad for bad, _ in rules], [reason for _, reason in rules], default="")
    return _noted(rows)


def _polygons(shape):  # of what a repair leaves: lines and points have no area and go
    import shapely

    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.union_all(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])


def _noted(rows: pd.DataFrame) -> pd.DataFrame:
    repaired = int((rows["repaired"] & (rows["problem"] == "")).sum())
    rows.attrs = {"repaired": repaired, "notes": {"invalid shapes repaired": repaired}}
    return rows


def localise(rows: pd.DataFrame, geography: Geography, partnership: Partnership) -> pd.DataFrame:
    """The partnership's areas with their authority, parent and everyday name; the others get `problem` OUTSIDE.

    The authority is what the file says; else the lookup of small areas; else the authority that covers half of the
    area or more, from the shapes held or in the same file. Raises SourceProblem where none of these can tell.
    """
    rows = rows.copy()
    usable = (rows["problem"] == "").to_numpy()
    rows.loc[usable, "authority_code"] = _authorities(rows[usable], geography, partnership)
    ours = rows["authority_code"].isin(partnership.codes) | (
        rows["area_level"].eq("pfa") & rows["area_code"].eq(partnership.force_area)
    )
    rows.loc[usable & ~ours.to_numpy(), "problem"] = OUTSIDE
    kept = (rows["problem"] == "").to_numpy()
    others = geography.msoas[~geography.msoas["area_code"].isin(rows.loc[kept, "area_code"])]
    related = knit(pd.concat([rows[kept], others]) if len(others) else rows[kept], geography.lookups)[: kept.sum()]
    for column in ("parent", "everyday_name"):
        rows.loc[kept, column] = related[column].to_numpy()
    return _noted(rows)


def _authorities(rows: pd.DataFrame, geography: Geography, partnership: Partnership) -> pd.Series:
    """The authority code of each row; empty where it lies in none of the partnership's."""
    codes = rows["authority_code"].copy()
    lookup = _pairs(geography.lookups, "lsoa_lad")
    small = rows["area_level"].eq("lsoa")
    if len(lookup):
        codes = codes.where(codes.notna() | ~small, rows["area_code"].map(lookup))
    open_ = codes.isna() & ~rows["area_level"].eq("pfa") & ~(small & bool(len(lookup)))
    if open_.any():
        known = pd.concat([rows.assign(authority_code=codes), geography.lsoas, geography.lads])
        lads = known[known["area_level"].eq("lad") & known["authority_code"].isin(partnership.codes)]
        missing = known[known["authority_code"].isin(set(partnership.codes) - set(lads["area_code"]))]
        lads = pd.concat([lads, dissolve_authorities(missing[missing["area_level"].eq("lsoa")])])
        if lads.empty:
            hint = "Load the lookup of small areas to authorities, or the authorities' boundaries, first."
            rule = "the file does not say in which authority an area lies, and nothing held does"
            raise SourceProblem(LABEL, [Problem(rule, rows=int(open_.sum()), hint=hint)])
        codes[open_] = _covered_by(rows.loc[open_, "geometry"].to_numpy(), lads)
    return codes


def _covered_by(shapes: np.ndarray, lads: pd.DataFrame) -> np.ndarray:
    """The code of the authority that covers HALF of each shape or more; None where none does."""
    import shapely

    grounds = lads["geometry"].to_numpy()
    shape, ground = shapely.STRtree(grounds).query(shapes, predicate="intersects")
    share = shapely.area(shapely.intersection(shapes[shape], grounds[ground])) / shapely.area(shapes[shape])
    found = np.full(len(shapes), None, dtype=object)
    found[shape[share >= HALF]] = lads["area_code"].to_numpy()[ground[share >= HALF]]
    return found


def knit(areas: pd.DataFrame, lookups: pd.DataFrame) -> pd.DataFrame:
    """Who belongs to whom: `parent` and `everyday_name` of every area, from what is held of the levels above.

    A small area's parent is the neighbourhood the lookup names, if that one is held; else the neighbourhood its
    representative point lies in (a 2011 lookup cannot say where a split neighbourhood's small areas went); else,
    where no neighbourhoods are held, the lookup's word, or the authority. Inputs are unchanged.
    """
    areas = areas.copy()
    level = areas["area_level"]
    msoas = areas[level == "msoa"]
    named = areas["area_code"].map(_pairs(lookups, "lsoa_msoa")).astype("str")
    if len(msoas):
        named = named.where(named.isin(msoas["area_code"]))
        named = named.where(named.notna() | (level != "lsoa"), pd.Series(_at(areas, msoas), index=areas.index))
    parent = areas["authority_code"].where(level.isin(["lsoa", "msoa", "ward"])).astype("str")
    parent = named.where((level == "lsoa") & named.notna(), parent)
    areas["parent"] = parent.where(level != "lad", areas["area_code"].map(_pairs(lookups, "lad_pfa")).astype("str"))
    spoken = lookups[lookups["kind"] == "msoa_name"].drop_duplicates("from_code").set_index("from_code")["name"]
    given = areas["area_code"].map(spoken).astype("str")
    areas["everyday_name"] = given.where((level == "msoa") & given.notna(), areas["everyday_name"])
    return areas


def _at(areas: pd.DataFrame, msoas: pd.DataFrame) -> np.ndarray:
    import shapely

    points = shapely.points(areas["x"].to_numpy(), areas["y"].to_numpy())
    point, polygon = shapely.STRtree(msoas["geometry"].to_numpy()).query(points, predicate="intersects")
    found = np.full(len(areas), None, dtype=object)
    found[point] = msoas["area_code"].to_numpy()[polygon]
    return found


def _pairs(lookups: pd.DataFrame, kind: str) -> pd.Series:
    return lookups[lookups["kind"] == kind].drop_duplicates("from_code").set_index("from_code")["to_code"]


def completed(areas: pd.DataFrame, lookups: pd.DataFrame, partnership: Partnership) -> pd.DataFrame:
    """All that is held made one geography: the newest edition of each, authorities as fine as their parts, knit.

    areas : rows of the table `areas` of any number of loads. Call it whenever areas or lookups have changed.
    """
    areas = areas[areas["feed_id"] != DISSOLVED]
    edition = areas["vintage"].where(areas["vintage"] != UNDATED, "")
    whose = areas["authority_code"].fillna(areas["area_code"])
    newest = edition.groupby([areas["area_level"], whose]).transform("max")
    areas = areas[edition == newest].drop_duplicates(["area_code", "area_level"])
    lsoas = areas[areas["area_level"] == "lsoa"]
    lacking = ~lsoas["authority_code"].isin(areas.loc[areas["area_level"] == "lad", "area_code"])
    made = dissolve_authorities(lsoas, {a.code: a.name for a in partnership.authorities})
    areas = _as_fine_as_their_parts(areas, made)
    made = made[made["area_code"].isin(lsoas.loc[lacking, "authority_code"])]
    return knit(pd.concat([areas, made], ignore_index=True) if len(made) else areas, lookups)


def _as_fine_as_their_parts(areas: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
    """Authorities drawn more coarsely than their small areas take the outline of these, so that both fit on a map.

    made : the authorities as their small areas together. Where these cover less than MOST_OF_IT of an authority's own
    shape, some are not held, and it keeps its own.
    """
    import shapely

    if made.empty:
        return areas
    areas, together = areas.reset_index(drop=True), made.set_index("area_code")
    own = areas[areas["area_level"].eq("lad") & areas["area_code"].isin(together.index)]
    other = together.loc[own["area_code"]].set_index(own.index)
    points = [shapely.get_num_coordinates(rows["geometry"].to_numpy()) for rows in (own, other)]
    better = other[(points[1] > points[0]) & (other["area_km2"] >= MOST_OF_IT * own["area_km2"])]
    for column in ("geometry", "area_km2", "x", "y"):
        areas.loc[better.index, column] = better[column]
    return areas


def dissolve_authorities(lsoas: pd.DataFrame, names: Mapping[str, str] = {}) -> pd.DataFrame:
    """The authorities as their small areas together: rows of `areas`, for where no authority shapes are held.

    lsoas : rows of `areas` of the level lsoa. names : by authority code; the code stands where none is given.
    """
    import shapely

    shapes = {code: _together(part["geometry"].to_numpy()) for code, part in lsoas.groupby("authority_code")}
    codes, grounds = list(shapes), np.array(list(shapes.values()), dtype=object)
    centres = shapely.point_on_surface(grounds)
    return pd.DataFrame(
        {
            "area_code": pd.Series(codes, dtype="str"),
            "area_level": "lad",
            "name": pd.Series([names.get(code, code) for code in codes], dtype="str"),
            "everyday_name": pd.Series(None, index=range(len(codes)), dtype="str"),
            "parent": pd.Series(None, index=range(len(codes)), dtype="str"),
            "authority_code": pd.Series(codes, dtype="str"),
            "vintage": lsoas["vintage"].max() if len(lsoas) else "",
            "area_km2": shapely.area(grounds) / 1e6,
            "x": shapely.get_x(centres),
            "y": shapely.get_y(centres),
            "feed_id": DISSOLVED,
            "geometry": pd.Series(grounds, dtype="object"),
        }
    )


def _together(shapes: np.ndarray):
    """Shapes that share their edges exactly join fast; where they do not quite, the slower exact union does it."""
    import shapely

    try:
        joined = shapely.coverage_union_all(shapes)
    except shapely.errors.GEOSException:
        return shapely.union_all(shapes)
    return joined if joined.is_valid else shapely.union_all(shapes)
