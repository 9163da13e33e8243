"""A map for a file: the same classes, colours and legend as on the screen, as an altair chart on white paper."""

import json

import altair as alt

from ui import palettes
from ui.map_ground import RAISED, half_width
from ui.picture import LegendEntry

WIDE, HIGH = 860, 600  # pixels of the map at most, before scaling
FONT = "Liberation Sans, Arial, Helvetica, DejaVu Sans, sans-serif"
NAME = 13  # pixels of a name on the map
BARS_M = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000)


def draw(
    legend: list[LegendEntry],
    fills: list[list],
    outline: list[list],
    grid: dict,
    box: tuple[float, float, float, float],
    *,
    edges: bool = False,
) -> alt.LayerChart:
    """The map of one Picture.

    legend : the classes (drawn by ui.export). fills : for each class its polygons, as lists of rings.
    outline : rings of what is selected.
    grid : land, borders and towns of the context. box : west, south, east, north. Everything in EPSG:27700 metres.
    edges : whether the polygons are parted by thin lines.
    """
    west, south, east, north = box
    scale = min(WIDE / (east - west), HIGH / (north - south))
    size = {"width": round((east - west) * scale), "height": round((north - south) * scale)}
    layers = [
        _shape(
            {"type": "MultiPolygon", "coordinates": grid["land"]},
            fill=palettes.LAND,
            stroke=palettes.COAST,
            strokeWidth=1.2,
        ),
        _classes(legend, fills, edges),
        _lines(grid["borders"], palettes.BORDER, 0.9),
        _lines(outline, palettes.HALO, 5),
        _lines(outline, palettes.INK, 2.5),
        *_names(grid["towns"], box, scale),
        *_scale_bar(size, scale),
    ]
    place = {"scale": scale, "translate": [-west * scale, north * scale], "reflectY": True}
    return (
        alt.layer(*layers)
        .project("identity", **place)
        .properties(**size)
        .configure(background="white", font=FONT, padding=4)
        .configure_view(fill=palettes.AROUND, stroke=None)
    )


def _classes(legend: list[LegendEntry], fills: list[list], edges: bool) -> alt.Chart:
    """One shape per class: thousands of hexagons draw as fast as a handful."""
    shapes = [
        _feature({"type": "MultiPolygon", "coordinates": fill}, {"class": entry.label})
        for entry, fill in zip(legend, fills, strict=True)
    ]
    scale = alt.Scale(domain=[entry.label for entry in legend], range=[entry.colour for entry in legend])
    line = {"stroke": palettes.LAND, "strokeWidth": 0.3} if edges else {"strokeWidth": 0}
    return (
        alt.Chart(_rows(shapes))
        .mark_geoshape(clip=True, **line)
        .encode(color=alt.Color("properties.class:N", scale=scale, sort=None, legend=None))
    )


def _shape(geometry: dict, **mark: object) -> alt.Chart:
    return alt.Chart(_rows([_feature(geometry, {})])).mark_geoshape(clip=True, **mark)


def _lines(lines: list[list], colour: str, pixels: float) -> alt.Chart:
    return _shape({"type": "MultiLineString", "coordinates": lines}, filled=False, stroke=colour, strokeWidth=pixels)


def _rows(rows: list[dict]) -> alt.InlineData:
    """Data as text: altair would check every number of a list against its schema, for seconds."""
    return alt.InlineData(values=json.dumps(rows, separators=(",", ":")), format=alt.JsonDataFormat(type="json"))


def _feature(geometry: dict, properties: dict) -> dict:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _names(towns: list, box: tuple[float, float, float, float], scale: float) -> list[alt.LayerChart]:
    """The names that have room, the most important first, each with a light edge."""
    west, south, east, north = box
    taken, rows = [], []
    for x, y, name in towns:
        left, top, half = (x - west) * scale, (north - y) * scale - RAISED, half_width(name, NAME) + 6
        inside = half < left < (east - west) * scale - half and NAME < top < (north - south) * scale - NAME
        if not inside or any(abs(left - a) < half + c and abs(top - b) < NAME * 1.7 for a, b, c in taken):
            continue
        taken.append((left, top, half))
        rows.append({"left": left, "top": top, "name": name})
    text = alt.Chart(_rows(rows)).encode(
        x=alt.X("left:Q", scale=None, axis=None), y=alt.Y("top:Q", scale=None, axis=None), text="name:N"
    )
    style = {"fontSize": NAME, "fontWeight": "bold"}
    edge = text.mark_text(**style, stroke=palettes.HALO, strokeWidth=3.5, strokeJoin="round", color=palettes.HALO)
    return [edge, text.mark_text(**style, color=palettes.INK)] if rows else []


def _scale_bar(size: dict, scale: float) -> list[alt.Chart]:
    """How far is that? A bar of round length, at most a quarter of the width, at the lower left."""
    metres = max((bar for bar in BARS_M if bar * scale < size["width"] / 4), default=BARS_M[0])
    pixels, low = metres * scale, size["height"] - 14
    bar = alt.Chart(
        alt.Data(values=[{"from": 14, "to": 14 + pixels, "at": low, "what": f"{metres // 1000} km"}])
    ).encode(x=alt.X("from:Q", scale=None, axis=None), y=alt.Y("at:Q", scale=None, axis=None))
    return [
        bar.mark_rule(color=palettes.INK, strokeWidth=2.5).encode(x2="to:Q"),
        bar.mark_text(color=palettes.INK, fontSize=12, align="left", dy=-9).encode(text="what:N"),
    ]
