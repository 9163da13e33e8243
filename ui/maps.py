"""Maps: a Release in, a Picture out; a row is one hexagon or one area. The map is its own paper: no tiles, no network.

Every layer sits in a list inside the deck's list of layers: Streamlit fades what it finds at the top level as soon as
something is selected, and leaves nested lists alone. So a click is an event (`clicked`), and what is selected is drawn
from here. There is one layer per class, of one colour: the legend is the list of those layers.
"""

import json
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import pydeck as pdk

from analytics.disclosure import BAND, HIDDEN, MISSING, SHOWN, Release
from ui import area_canvas, map_ground, map_stills, palettes, words
from ui.map_ground import Context, Shapes, View, context, view_of
from ui.picture import LegendEntry, Picture

__all__ = ["Context", "Shapes", "View", "areas", "cells", "clicked", "context", "shapes", "view_of"]

FAINT = 0.01  # of the highest: below this, a cell without events is left as bare land
FEW_AREAS = 250  # above this, outlines are sent once and only colours travel
STEP = 100_000  # centres of cells travel as whole hundred-thousandths of a degree (about 1 m) from the view's middle
MARKED = {
    "": "Nothing",
    "school": "Schools",
    "station": "Stations",
    "hospital": "Hospitals",
    "pharmacy": "Pharmacies",
    "licensed": "Licensed premises",
}  # kinds of place that may be marked on the map, as points without a name or a count
JUDGED = {"dropped": "set aside by judgement", "moved": "belongs elsewhere", "here": "belongs here"}
FONT = "Source Sans, Source Sans Pro, Liberation Sans, Arial, sans-serif"


class Drawn(NamedTuple):
    """The rows to draw, the class of each (its position in the legend), the legend, and what each row says."""

    table: pd.DataFrame
    index: np.ndarray
    legend: list[LegendEntry]
    text: list[str]
    also: list[str]


class Deck(pdk.Deck):
    """A deck with compact JSON (a fifth of the bytes) and no base map."""

    def to_json(self) -> str:
        return json.dumps(self, default=pdk.bindings.json_tools.default_serialize, separators=(",", ":"))


def shapes(areas: pd.DataFrame) -> Shapes:
    """Outlines ready to draw, made once per snapshot: one row per area: area_code, name, geometry (EPSG:27700)."""
    frame = pd.DataFrame({"area_code": areas["area_code"].to_numpy(), "name": areas["name"].to_numpy()})
    simple = map_ground.simplified(areas["geometry"], map_ground.AREA_M)
    frame["geometry"] = pd.Series(list(simple), dtype=object)
    polygons = [[map_ground.degrees_of(polygon) for polygon in map_ground.rings(shape)] for shape in simple]
    edges = map_ground.shared_edges(simple) if len(simple) <= FEW_AREAS else []
    return Shapes(frame, polygons, edges, area_canvas.geometry(frame, polygons))


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
    height: int = 560,
    points: list | None = None,
) -> Picture:
    """Where on the ground is it? Hexagons of equal area, drawn where there is something to show.

    release : one row per cell: cell_id ("500:q:r"), x, y (centre, EPSG:27700) and the column `colour`.
    colour : the column that colours: numbers, or for `class` -3 to 3 or an ordered category.
    size_m : metres across the flats. view : of the authority, not of the rows, so that the camera stays.
    title : what the colours mean, with the unit ("Events per cell"). unit : what the legend counts ("events").
    selected : the cell_id that is outlined.
    scheme, labels, breaks : as in palettes.classed. points : [lon, lat] of what is marked, without names.
    Rows with `judged` (see JUDGED) take the tint of that instead of their class.

    Misleads where few people live in a cell or much of it is water: it shows events, not risk.
    """
    how = {"scheme": scheme, "unit": unit, "labels": labels, "breaks": breaks, "shares": palettes.TAIL}
    drawn = _drawn(_worth_drawing(release, colour, scheme), release, colour, how)
    radius = size_m / math.sqrt(3)
    chosen = release.table.loc[release.table["cell_id"] == selected, ["x", "y"]].to_numpy()
    outline = [hexagon(x, y, radius) for x, y in chosen]
    layers = _column_layers(drawn, view, size_m, selected)
    tip = _tip("{4}", "{5}", title, drawn, release)

    def still() -> object:
        centres = drawn.table[["x", "y"]].to_numpy()
        fills = [[[hexagon(x, y, radius)] for x, y in centres[drawn.index == i]] for i in range(len(drawn.legend))]
        return map_stills.draw(drawn.legend, fills, outline, context.grid, view.box)

    alt = _alt(title, drawn, f"hexagons {size_m:,} metres across")
    live = _deck(layers, outline, context, view, tip, height, points)
    return Picture("deck", live, still, alt, tuple(drawn.legend), title, height, "cell_id", scheme == "class")


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
    height: int = 560,
    points: list | None = None,
) -> Picture:
    """Which areas have more, which have less?

    release : one row per area: area_code and the column `colour`. An area without a row is bare land.
    shapes : the outlines, from `shapes(frame)`, made once. The rest as in `cells`.

    Up to 250 areas make a deck (kind "deck"); more go to ui.area_canvas (kind "areas").
    Misleads because large areas catch the eye, and few people live in them.
    """
    how = {"scheme": scheme, "unit": unit, "labels": labels, "breaks": breaks, "shares": palettes.FIFTHS}
    outlines = shapes.frame.assign(position=range(len(shapes.frame)))
    table = outlines.merge(release.table.drop(columns=["name", "geometry"], errors="ignore"), on="area_code")
    drawn = _drawn(table, release, colour, how)
    chosen = shapes.frame.loc[shapes.frame["area_code"] == selected, "geometry"]
    outline = [ring for shape in chosen for polygon in map_ground.rings(shape) for ring in polygon]

    def still() -> object:
        rings = table["geometry"].map(map_ground.rings)
        fills = [[polygon for shape in rings[drawn.index == i] for polygon in shape] for i in range(len(drawn.legend))]
        return map_stills.draw(drawn.legend, fills, outline, context.grid, view.box, edges=True)

    alt = _alt(title, drawn, f"{len(table):,} areas")
    rest = {"alt": alt, "legend": tuple(drawn.legend), "legend_title": title, "height": height, "selects": "area_code"}
    rest["classes_only"] = scheme == "class"
    if len(shapes.frame) > FEW_AREAS:
        second = _second(drawn, release)
        said = {"title": title, "second": second, "selected": selected, "alt": alt}
        live = area_canvas.data(drawn, shapes, context, view, points=points, **said)
        return Picture("areas", live, still, **rest)
    tip = "{name}\n" + _tip("{text}", "{also}", title, drawn, release)
    layers = [*_area_layers(drawn, shapes, selected), _lines("edges", shapes.edges, palettes.LAND, 0.8)]
    return Picture("deck", _deck(layers, outline, context, view, tip, height, points), still, **rest)


def clicked(event: object, selects: str, live: Deck | None = None) -> str | None:
    """The id of the hexagon or area that was clicked on a deck; None when none was.

    event : what st.pydeck_chart returned. selects : the picture's.
    live : the deck of this run. Streamlit repeats the last click on every run; the names of the layers hold what was
        selected when they were drawn, so with `live` a click counts in its own run only.
    """
    found = [(layer, rows[0]) for layer, rows in event["selection"]["objects"].items() if rows]
    now = [layer["id"] for layer in live.layers[0]] if live else [layer for layer, _ in found]
    if not found or found[0][0] not in now:
        return None
    layer, row = found[0]
    return f"{layer.split('-')[1]}:{row[2]}:{row[3]}" if selects == "cell_id" else row["properties"][selects]


def hexagon(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    """The closed outline of a flat-topped hexagon, the first corner to the east."""
    angles = np.radians([0, 60, 120, 180, 240, 300, 0])
    return np.column_stack([x + radius * np.cos(angles), y + radius * np.sin(angles)]).round(1).tolist()


# ------------------------------------------------------------------------------------------ classes and words


def _worth_drawing(release: Release, colour: str, scheme: str) -> pd.DataFrame:
    """Cells with events, cells whose number may not be said, and cells whose class stands out."""
    table = release.table
    events = table[release.counts[0]] if release.counts else table[colour]
    kept = events.fillna(0).ne(0) | _status(table).ne(SHOWN)
    if scheme == "class":
        kept |= table[colour].notna() & table[colour].ne(0)
    elif scheme == "count":
        kept |= table[colour] > FAINT * table[colour].max()  # a density spreads over cells without events
    return table[kept]


def _drawn(table: pd.DataFrame, release: Release, colour: str, how: dict) -> Drawn:
    index, legend = palettes.classed(table[colour], **how)
    status = _status(table)
    hidden = (table[colour].isna() & status.isin([BAND, HIDDEN])).to_numpy()
    absent = table[colour].isna().to_numpy() & ~hidden
    for rows, tint in ((hidden, palettes.HIDDEN), (absent, palettes.NOT_SUPPLIED)):
        if rows.any():
            index[rows] = len(legend)
            legend.append(LegendEntry(tint, _why(table[rows], status[rows])))
    text = [legend[i].label for i in index]
    for judgement, said in JUDGED.items():
        rows = (table["judged"] == judgement).fillna(False).to_numpy(bool) if "judged" in table else np.zeros(0, bool)
        if rows.any():
            text = [f"{word} ({said})" if marked else word for word, marked in zip(text, rows, strict=True)]
            index[rows] = len(legend)
            legend.append(LegendEntry(palettes.JUDGED[judgement], said))
    if how["scheme"] != "class":
        values = table[colour].to_numpy(float, na_value=np.nan).tolist()
        text = [said if math.isnan(value) else palettes.figure(value) for said, value in zip(text, values, strict=True)]
    if "shown" in table:
        text = [s if kept else said for said, s, kept in zip(text, table["shown"], status.ne(SHOWN), strict=True)]
    also = [] if colour in release.counts or "shown" not in table else table["shown"].astype(str).tolist()
    return Drawn(table, index, legend, text, also)


def _status(table: pd.DataFrame) -> pd.Series:
    return table["status"] if "status" in table else pd.Series(SHOWN, index=table.index)


def _why(rows: pd.DataFrame, status: pd.Series) -> str:
    """Words for what has no number: withheld for being small (a band), withheld beside one (hidden), not there."""
    if status.isin([BAND, HIDDEN]).all():
        banded = status.eq(BAND) & (rows["n_upper"].notna() if "n_upper" in rows else False)
        below = f"fewer than {rows['n_upper'][banded].max() + 1:,.0f}" if banded.any() else ""
        return (f"hidden, or {below}" if status.eq(HIDDEN).any() else f"hidden: {below}") if below else "hidden"
    return MISSING if status.eq(MISSING).all() else "no value"


def _second(drawn: Drawn, release: Release) -> str:
    """The heading of the second line of a tooltip, when the colour is not the count itself."""
    return words.label(release.counts[0]) if drawn.also else ""


def _tip(value: str, count: str, title: str, drawn: Drawn, release: Release) -> str:
    second = _second(drawn, release)
    return f"{title}: {value}" + (f"\n{second}: {count}" if second else "")


def _alt(title: str, drawn: Drawn, what: str) -> str:
    if not len(drawn.table):
        return f"Map: {title}. Nothing to show."
    share = [f"{entry.label}: {(drawn.index == i).sum():,}" for i, entry in enumerate(drawn.legend)]
    return f"Map: {title}, by {what}. How many are in each class: {'; '.join(share)}."


# ------------------------------------------------------------------------------------------ layers


def _deck(
    layers: list[dict],
    outline: list,
    context: Context,
    view: View,
    tip: str,
    height: int,
    points: list | None = None,
) -> Deck:
    ring = [map_ground.degrees(part) for part in outline]
    around = [[[-30, 40], [30, 40], [30, 65], [-30, 65]]]
    coast = {"getLineColor": palettes.rgb(palettes.COAST), "getLineWidth": 1.2, "lineWidthUnits": "pixels"}
    stack = [
        {"@@type": "SolidPolygonLayer", "id": "around", "data": around, **_fill(palettes.AROUND)},
        {"@@type": "PolygonLayer", "id": "land", "data": context.land, **_fill(palettes.LAND), **coast},
        *layers,
        _lines("borders", context.borders, palettes.BORDER, 1.1),
        *([_points(points)] if points else []),
        _lines("selected-edge", ring, palettes.HALO, 6),
        _lines("selected", ring, palettes.INK, 3),
        _labels(context.towns, view, height),
    ]
    camera = {"longitude": view.longitude, "latitude": view.latitude, "zoom": view.zoom, "pitch": 0, "bearing": 0}
    still_camera = {"dragRotate": False, "touchRotate": False}  # a turned or tilted map is never wanted here
    return Deck(
        [stack],
        views=[pdk.View(type="MapView", controller=still_camera)],
        initial_view_state={**camera, "minZoom": view.zoom - 1, "maxZoom": 16},
        map_provider=None,
        tooltip={"text": tip},
    )


def _column_layers(drawn: Drawn, view: View, size_m: int, selected: str | None) -> list[dict]:
    """Six-sided columns without height. A row is [east, north, q, r, what it says], about 25 bytes."""
    centres = drawn.table[["x", "y"]].to_numpy()
    places = np.array(map_ground.degrees(centres)) if len(centres) else np.empty((0, 2))
    offsets = np.round((places - [view.longitude, view.latitude]) * STEP).astype(int)
    qr = drawn.table["cell_id"].str.split(":", expand=True).iloc[:, 1:3].astype(int).to_numpy()
    said = [[int(word) if word.isdigit() else word for word in column] for column in (drawn.text, drawn.also) if column]
    rows = [[*o, *a, *s] for o, a, *s in zip(offsets.tolist(), qr.tolist(), *said, strict=True)]
    position = f"@@=[{view.longitude}+this[0]/{STEP},{view.latitude}+this[1]/{STEP}]"
    angle = map_ground.grid_angle(view)
    return [
        {
            "@@type": "ColumnLayer",
            "id": f"cells-{size_m}-{i}-{selected or ''}",
            "data": [rows[k] for k in np.flatnonzero(drawn.index == i)],
            "getPosition": position,
            "getFillColor": palettes.rgb(entry.colour),
            "diskResolution": 6,
            "radius": round(size_m / math.sqrt(3), 2),
            "angle": angle,
            "extruded": False,
            "pickable": True,
        }
        for i, entry in enumerate(drawn.legend)
    ]


def _area_layers(drawn: Drawn, shapes: Shapes, selected: str | None) -> list[dict]:
    columns = [drawn.table[name] for name in ("area_code", "name", "position")]
    features = []
    for code, name, at, *said in zip(*columns, drawn.text, drawn.also or drawn.text, strict=True):
        properties = {"area_code": code, "name": name, **dict(zip(("text", "also"), said, strict=True))}
        shape = {"type": "MultiPolygon", "coordinates": shapes.polygons[at]}
        features.append({"type": "Feature", "geometry": shape, "properties": properties})
    return [
        {
            "@@type": "GeoJsonLayer",
            "id": f"areas-{i}-{selected or ''}",
            "data": [features[k] for k in np.flatnonzero(drawn.index == i)],
            "getFillColor": palettes.rgb(entry.colour),
            "stroked": False,  # stroked polygons are picked too slowly for a click without a graphics card
            "pickable": True,
        }
        for i, entry in enumerate(drawn.legend)
    ]


def _fill(colour: str) -> dict:
    return {"getPolygon": "@@=-", "getFillColor": palettes.rgb(colour)}


def _points(points: list) -> dict:
    """What is marked: small rings, the same at every zoom."""
    ring = {"getRadius": 4, "radiusUnits": "pixels", "stroked": True, "lineWidthMinPixels": 2}
    colours = {"getFillColor": palettes.rgb(palettes.HALO), "getLineColor": palettes.rgb(palettes.MARK)}
    place = {"getPosition": "@@=[this[0],this[1]]"}
    return {"@@type": "ScatterplotLayer", "id": "marked", "data": points, **place, **ring, **colours}


def _lines(name: str, data: list, colour: str, pixels: float) -> dict:
    line = {"getPath": "@@=-", "getColor": palettes.rgb(colour), "getWidth": pixels, "widthUnits": "pixels"}
    return {"@@type": "PathLayer", "id": name, "data": data, **line, "jointRounded": True, "capRounded": True}


def _labels(towns: list, view: View, height: int) -> dict:
    """Names with room in the first view. Deck has a filter for collisions; it half fades names and doubles a frame."""
    return {
        "@@type": "TextLayer",
        "id": "towns",
        "data": map_ground.with_room(towns, view, height),
        "getPosition": "@@=[this[0],this[1]]",
        "getText": "@@=this[2]",
        "getSize": map_ground.LETTER,
        "getPixelOffset": [0, -map_ground.RAISED],
        "getColor": palettes.rgb(palettes.INK),
        "characterSet": "auto",
        "fontFamily": FONT,
        "fontWeight": 600,
        "fontSettings": {"fontSize": 64, "sdf": True, "buffer": 12, "radius": 16, "smoothing": 0.1},
        "outlineWidth": 8,
        "outlineColor": palettes.rgb(palettes.HALO),
    }
