"""Maps: a Release in, a Picture out; a row is one hexagon or one area. The map is its own paper: no tiles, no network.

Every drawn layer sits in a list inside the deck's list of layers: Streamlit fades what it finds at the top level as soon
as something is selected, and leaves nested lists alone. So a click is an event (`clicked`), and what is selected is
drawn from here. There is one layer per class, of one colour: the legend is the list of those layers.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pydeck as pdk

from analytics.disclosure import BAND, HIDDEN, MISSING, SHOWN, Release
from ui import area_canvas, map_ground, map_stills, palettes, words
from ui.map_ground import Context, Shapes, View, context, shapes, view_of
from ui.picture import LegendEntry, Picture

__all__ = ["Context", "Shapes", "View", "areas", "cells", "clicked", "context", "shapes", "view_of"]

FEW_AREAS = 250  # above this, outlines are sent once and only colours travel
STEP = 100_000  # places of cells travel as whole hundred-thousandths of a degree (about 1 m) from the view's middle
FONT = "Source Sans, Source Sans Pro, Liberation Sans, Arial, sans-serif"
CLASS_COLUMN = "class"


class Deck(pdk.Deck):
    """A deck with compact JSON (a fifth of the bytes) and no base map."""

    def to_json(self) -> str:
        return json.dumps(self, default=pdk.bindings.json_tools.default_serialize, separators=(",", ":"))


@dataclass(frozen=True)
class Coloured:
    """The rows to draw, the class of each (a position in the legend), the legend, and the words of each row."""

    table: pd.DataFrame
    index: np.ndarray
    legend: list[LegendEntry]
    text: list[str]
    also: list[str]


def cells(
    release: Release,
    *,
    colour: str,
    size_m: int,
    context: Context,
    view: View,
    title: str,
    selected: str | None = None,
    scheme: str = "count",
    unit: str = "",
    labels: Mapping[int, str] | None = None,
    breaks: tuple[float, ...] = (),
    height: int = 480,
) -> Picture:
    """Where on the ground is it? Hexagons of equal area, drawn where there is something to show.

    release : one row per cell: cell_id ("500:q:r"), x, y (centre, EPSG:27700) and the column `colour`.
    colour : the column that colours: numbers, or for `class` -3 to 3 or an ordered category.
    size_m : metres across the flats. view : of the authority, not of the rows, so that the camera stays.
    title : what the colours mean, with the unit ("Events per cell"). unit : what the legend counts ("events").
    selected : the cell_id that is outlined.
    scheme, labels, breaks : see palettes.classed.

    Misleads where a cell holds few residents or much water: it shows events, not risk.
    """
    drawn = _coloured(_worth_drawing(release, colour, scheme), release, colour, scheme, unit, labels, breaks, palettes.TAIL)
    radius = size_m / math.sqrt(3)
    chosen = release.table[release.table["cell_id"] == selected]
    ring = [_hexagon(x, y, radius) for x, y in zip(chosen["x"], chosen["y"], strict=True)]
    layers = _column_layers(drawn, view, size_m, radius)
    deck = _deck(layers, [map_ground.degrees(part) for part in ring], context, view, _tip(title, drawn, release, 4))

    def still() -> object:
        table = drawn.table
        fills = [
            (entry, [[_hexagon(x, y, radius)] for x, y in table.loc[drawn.index == i, ["x", "y"]].to_numpy()])
            for i, entry in enumerate(drawn.legend)
        ]
        return map_stills.draw(fills, ring, context.grid, view.box, title)

    alt = _alt(title, drawn, f"hexagons {size_m:,} metres across")
    return Picture("deck", deck, still, alt, tuple(drawn.legend), title, height, "cell_id")


def areas(
    release: Release,
    *,
    colour: str,
    shapes: Shapes,
    context: Context,
    view: View,
    title: str,
    selected: str | None = None,
    scheme: str = "count",
    unit: str = "",
    labels: Mapping[int, str] | None = None,
    breaks: tuple[float, ...] = (),
    height: int = 480,
) -> Picture:
    """Which areas have more, which less? One row per area: area_code and the column `colour`.

    shapes : the outlines (see `shapes`); what has no row in the release is left as bare land.
    The rest as in `cells`. Up to 250 areas are a deck; more are drawn by ui.area_canvas.

    Misleads because large areas catch the eye and few people live in them.
    """
    frame = shapes.frame.merge(release.table.drop(columns="name", errors="ignore"), on="area_code")
    drawn = _coloured(frame, release, colour, scheme, unit, labels, breaks, palettes.FIFTHS)
    outline = shapes.frame.loc[shapes.frame["area_code"] == selected, "geometry"]
    ring = [part[0] for shape in outline for part in map_ground.rings(shape)]

    def still() -> object:
        fills = [
            (entry, [part for shape in frame.loc[drawn.index == i, "geometry"] for part in map_ground.rings(shape)])
            for i, entry in enumerate(drawn.legend)
        ]
        return map_stills.draw(fills, ring, context.grid, view.box, title, edges=True)

    rest = (_alt(title, drawn, "areas"), tuple(drawn.legend), title, height, "area_code")
    if len(frame) > FEW_AREAS:
        data = area_canvas.data(shapes, context, view, drawn, title, _also(drawn, release), selected, rest[0])
        return Picture("areas", data, still, *rest)
    layers = [*_area_layers(drawn), _lines("edges", _edges(frame), palettes.LAND, 0.7)]
    tip = "{name}\n" + _tip(title, drawn, release, "text", "also")
    return Picture("deck", _deck(layers, [map_ground.degrees(part) for part in ring], context, view, tip), still, *rest)
