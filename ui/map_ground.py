"""What lies under and over a map and never changes with a filter: camera, land, borders, names, outlines of areas."""

import json
import math
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

GRID, WORLD = "EPSG:27700", "EPSG:4326"
CONTEXT_M, AREA_M = 120, 40  # how far a simplified outline may lie from the true one
FINE, COARSE = 5, 4  # decimals of a degree: about 1 m and 10 m
PIXELS = (600, 520)  # the smallest map we expect: the first view fits into it
RAISED = 18  # pixels a name stands above its place: hot spots lie in the middle of towns
MOST_NAMES = 150
LETTER, NAME_GAP, LINE = 15, 5, 22  # pixels: size of a name, room beside it, room from line to line
_PROJECTING = ThreadPoolExecutor(1)  # pyproj sets up anew in every thread (30 ms), and each run of a page is one
NEAR_M = 500  # a harbour town may stand on the water of a simplified coast


@dataclass(frozen=True)
class View:
    """Where the camera starts, and the box (EPSG:27700 metres) that a still shows. The same for every filter."""

    longitude: float
    latitude: float
    zoom: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Context:
    """Land, authority borders and names, made once per partnership.

    land : polygons as lists of rings of [lon, lat]. borders : lines of [lon, lat].
    towns : [lon, lat, name], the most important first; of two names that collide the first stays.
    grid : the same three in EPSG:27700 metres, for stills. id : says whether two are the same.
    """

    land: list
    borders: list
    towns: list
    grid: dict
    id: str


@dataclass(frozen=True)
class Shapes:
    """Outlines of areas, simplified together so that neighbours still touch; made once per snapshot.

    frame : area_code, name, geometry (EPSG:27700). polygons : the same in degrees, in the same order.
    edges : lines between areas, each once (only where a deck draws them). packed : all of it for ui.area_canvas.
    """

    frame: pd.DataFrame
    polygons: list
    edges: list
    packed: dict


def view_of(geometry: object) -> View:
    """The camera that shows a geometry (shapely, EPSG:27700) whole. Take the authority's, never the filtered rows'."""
    west, south, east, north = geometry.bounds
    (left, right), (low, high) = np.array(degrees([(west, south), (east, north)])).T
    wide = (right - left) / 360 * 512
    tall = (_mercator(high) - _mercator(low)) / 360 * 512
    zoom = math.log2(min(PIXELS[0] / wide, PIXELS[1] / tall)) - 0.1
    margin = 0.03 * max(east - west, north - south)
    box = (west - margin, south - margin, east + margin, north + margin)
    return View(round(float(left + right) / 2, 4), round(float(low + high) / 2, 4), round(zoom, 2), box)


def context(areas_lad: pd.DataFrame, towns: pd.DataFrame) -> Context:
    """Land, borders and names under and over every map.

    areas_lad : one row per authority: name, geometry (shapely, EPSG:27700).
    towns : one row per town: name, x, y, and `population` where known (else the order is the importance).
    """
    import shapely

    simple = simplified(areas_lad["geometry"], CONTEXT_M)
    land = rings(shapely.union_all(simple))
    inner = shapely.difference(shapely.union_all(shapely.boundary(simple)), shapely.boundary(shapely.union_all(simple)))
    lines = shapely.get_parts(shapely.line_merge(inner))
    grid = {
        "land": land,
        "borders": [_pairs(line) for line in lines],
        "towns": _names(areas_lad, simple, towns),
    }
    named = [[*degrees([(x, y)], COARSE)[0], name] for x, y, name in grid["towns"]]
    world = ([degrees_of(part, COARSE) for part in land], [degrees(line, COARSE) for line in grid["borders"]], named)
    return Context(*world, grid, f"{zlib.crc32(json.dumps(world).encode()):x}")


def simplified(geometry: pd.Series, within_m: float) -> np.ndarray:
    """Outlines with fewer points, together, so that neighbours still touch (one row per area, EPSG:27700)."""
    import shapely

    return shapely.coverage_simplify(_polygons(geometry), within_m)


def degrees(points: object, places: int = FINE) -> list[list[float]]:
    """Points in EPSG:27700 as [lon, lat]."""
    x, y = np.asarray(points, dtype=float).T
    return np.round(np.column_stack(_PROJECTING.submit(_projected, x, y).result()), places).tolist()


def degrees_of(polygon: list, places: int = FINE) -> list:
    """A polygon, a list of rings, as [lon, lat]."""
    return [degrees(ring, places) for ring in polygon]


def rings(shape: object) -> list[list[list[tuple[float, float]]]]:
    """The polygons of a geometry, each a list of rings (the outer first) of whole metres."""
    import shapely

    return [[_pairs(ring) for ring in (part.exterior, *part.interiors)] for part in shapely.get_parts(shape)]


def shared_edges(areas: np.ndarray) -> list:
    """The outlines as lines of [lon, lat], what two areas share only once."""
    import shapely

    lines = shapely.line_merge(shapely.union_all(shapely.boundary(areas)))
    return [degrees(shapely.get_coordinates(line)) for line in shapely.get_parts(lines)]


def _projected(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _to_degrees().transform(x, y)


@cache
def _to_degrees() -> object:
    from pyproj import Transformer

    return Transformer.from_crs(GRID, WORLD, always_xy=True)


def _polygons(geometry: pd.Series) -> np.ndarray:
    """Valid polygons and nothing else: a repaired outline can hold stray lines, which have no area to colour."""
    import shapely

    found = shapely.make_valid(np.asarray(geometry, dtype=object))
    stray = np.flatnonzero(shapely.get_type_id(found) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for i in stray:
        parts = shapely.get_parts(found[i])
        found[i] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    return found


def _pairs(line: object) -> list[tuple[float, float]]:
    import shapely

    return np.round(shapely.get_coordinates(line)).astype(int).tolist()


def _names(areas_lad: pd.DataFrame, simple: np.ndarray, towns: pd.DataFrame) -> list[list]:
    """[x, y, name]: towns an authority is named after, the other authorities in capitals, then towns by residents."""
    import shapely

    towns = towns[_inside(towns, simple)]
    if "population" in towns:
        towns = towns.sort_values("population", ascending=False, kind="stable", na_position="last")
    towns = towns.drop_duplicates("name").head(MOST_NAMES)
    chief = towns["name"].isin(areas_lad["name"])
    nameless = ~areas_lad["name"].isin(towns["name"]).to_numpy()
    middle = shapely.get_coordinates(shapely.point_on_surface(simple[nameless])).tolist()
    others = [[x, y, name.upper()] for (x, y), name in zip(middle, areas_lad["name"][nameless], strict=True)]
    first, rest = (towns.loc[which, ["x", "y", "name"]].to_numpy().tolist() for which in (chief, ~chief))
    return [[round(x), round(y), name] for x, y, name in [*first, *others, *rest]]


def _inside(towns: pd.DataFrame, areas: np.ndarray) -> np.ndarray:
    """A name on the empty ground around the map would say that nothing happens there."""
    import shapely

    return shapely.dwithin(shapely.union_all(areas), shapely.points(towns["x"], towns["y"]), NEAR_M)


def _mercator(latitude: float) -> float:
    return math.degrees(math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2)))


def half_width(name: str, size: float) -> float:
    """About half the pixels a name takes: capitals are wider."""
    return len(name) * size * (0.34 if name.isupper() else 0.28)


def grid_angle(view: View) -> float:
    """How far the grid's east is turned from true east at the middle of the view, in degrees anticlockwise."""
    west, south, east, north = view.box
    x, y = (west + east) / 2, (south + north) / 2
    (left, low), (right, high) = degrees([(x - 5_000, y), (x + 5_000, y)])
    return round(math.degrees(math.atan2(_mercator(high) - _mercator(low), right - left)), 2)


def with_room(towns: list, view: View, height: int) -> list[list]:
    """[lon, lat, name] of the names that touch none before them when the camera shows the first view."""
    pixels = 512 * 2**view.zoom / 360
    taken: list[tuple] = []
    kept = []
    for lon, lat, name in towns:
        left, top = (lon - view.longitude) * pixels, (_mercator(view.latitude) - _mercator(lat)) * pixels
        half = half_width(name, LETTER) + NAME_GAP
        if abs(top) < height / 2 and not any(abs(left - a) < half + b and abs(top - c) < LINE for a, b, c in taken):
            taken.append((left, half, top))
            kept.append([lon, lat, name])
    return kept
