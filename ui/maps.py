"""Maps: a Release in, a Picture out; a row is one hexagon or one area. The map is its own paper: no tiles, no network.

Every drawn layer sits in a list inside the deck's list of layers: Streamlit fades what it finds at the top level as soon
as something is selected, and leaves nested lists alone. So a click is an event, and what is selected is drawn from here.
"""

import json
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pydeck as pdk

from analytics.disclosure import BAND, HIDDEN, MISSING, SHOWN, Release
from ui import area_canvas, map_stills, palettes
from ui.picture import LegendEntry, Picture

GRID, WORLD = "EPSG:27700", "EPSG:4326"
FEW_AREAS = 250  # above this the outlines are sent once and only colours travel
CONTEXT_M, AREA_M = 150, 40  # how far a simplified outline may lie from the true one
STEP = 1e5  # places travel as whole hundred-thousandths of a degree (1.1 m) from the middle of the view
PIXELS = (760, 460)  # the smallest map we expect: the first view fits into it
FONT = "Source Sans, Source Sans Pro, Liberation Sans, Arial, sans-serif"


@dataclass(frozen=True)
class View:
    """Where the camera starts, and the box (EPSG:27700 metres) that a still shows. The same for every filter."""

    longitude: float
    latitude: float
    zoom: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Context:
    """What lies under and over every map, made once: land, authority borders, names, in degrees and in grid metres.

    land, borders : rings and lines as lists of [lon, lat].
    towns : [lon, lat, name, weight], the weightiest first; where two names collide the weightier stays.
    grid : the same three in EPSG:27700, for stills.
    """

    land: list
    borders: list
    towns: list
    grid: dict


@dataclass(frozen=True)
class Shapes:
    """Outlines of areas, simplified together so that neighbours still touch; made once per snapshot.

    frame : area_code, name, geometry (EPSG:27700, simplified).
    packed : the same for ui.area_canvas.
    """

    frame: pd.DataFrame
    packed: dict


class Deck(pdk.Deck):
    """A deck whose JSON is compact (a fifth of the bytes) and knows no base map."""

    def to_json(self) -> str:
        return json.dumps(self, default=pdk.bindings.json_tools.default_serialize, separators=(",", ":"))


def view_of(geometry: object) -> View:
    """The camera that shows one geometry (shapely, EPSG:27700) whole. Take the authority, never the filtered rows."""
    west, south, east, north = geometry.bounds
    (left, right), (low, high) = _degrees([west, east], [south, north])
    wide = (right - left) / 360 * 512
    tall = (_mercator(high) - _mercator(low)) / 360 * 512
    zoom = math.floor(100 * math.log2(min(PIXELS[0] / wide, PIXELS[1] / tall))) / 100 - 0.1
    margin = 0.03 * max(east - west, north - south)
    box = (west - margin, south - margin, east + margin, north + margin)
    return View(round((left + right) / 2, 4), round((low + high) / 2, 4), round(zoom, 2), box)


def context(areas_lad: pd.DataFrame, towns: pd.DataFrame) -> Context:
    """Land, borders and names for every map of a partnership.

    areas_lad : one row per authority: name, geometry (shapely, EPSG:27700).
    towns : one row per town: name, x, y, and population where it is known (else the order is the importance).
    """
    import shapely

    simple = shapely.coverage_simplify(_polygons(areas_lad["geometry"]), CONTEXT_M)
    land = shapely.union_all(simple)
    lines = shapely.line_merge(shapely.union_all(shapely.boundary(simple)))
    rings = [[_pairs(ring) for ring in (part.exterior, *part.interiors)] for part in _parts(land)]
    paths = [_pairs(line) for line in _parts(lines)]
    names = _names(areas_lad, towns)
    grid = {"land": rings, "borders": paths, "towns": names}
    degrees = [[*place, *rest] for place, (_, _, *rest) in zip(_places(names), names, strict=True)]
    return Context([[_places(ring) for ring in part] for part in rings], [_places(p) for p in paths], degrees, grid)


def shapes(areas: pd.DataFrame) -> Shapes:
    """Outlines ready to draw: one row per area, with area_code, name and geometry (shapely, EPSG:27700)."""
    import shapely

    frame = areas[["area_code", "name"]].reset_index(drop=True)
    simple = shapely.coverage_simplify(_polygons(areas["geometry"]), AREA_M)
    return Shapes(frame.assign(geometry=pd.Series(list(simple), dtype=object)), area_canvas.geometry(frame, simple))
