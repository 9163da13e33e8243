"""All small areas at once on a canvas: outlines travel once, after that only classes and words. A row is an area.

One component, mounted twice: first with what never changes (outlines, land, borders, names), to which Streamlit sends
only a reference from the second run on; then with one digit and one short text per area.
"""

import base64
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ui import map_ground, palettes
from ui.map_ground import Context, Shapes, View

if TYPE_CHECKING:
    from ui.maps import Drawn

WORLD = 2**23  # steps around the world: about 3 m each at this latitude, finer than the outlines are simplified
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
SCRIPT = Path(__file__).with_suffix(".js")
HTML = """<div class="map"><canvas tabindex="0" role="application"></canvas><div class="tip" role="status" hidden></div>
<div class="zoom"><button name="in" aria-label="Zoom in">+</button><button name="out" aria-label="Zoom out">−</button>
<button name="home" aria-label="Back to the first view">⌂</button></div></div>"""
CSS = """
.map { position: relative; font-family: var(--st-font); border-radius: var(--st-base-radius); overflow: hidden; }
.map[hidden], .tip[hidden] { display: none; }
canvas { display: block; width: 100%; height: 100%; touch-action: none; cursor: grab; border-radius: inherit; }
canvas:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: -3px; }
.tip { position: absolute; pointer-events: none; white-space: pre-line; max-width: 20rem; width: max-content;
  padding: 0.4rem 0.6rem; font-size: 0.875rem; border-radius: 0.3rem; border: 1px solid var(--st-border-color);
  background: var(--st-background-color); color: var(--st-text-color); box-shadow: 0 2px 8px #0004; }
.zoom { position: absolute; right: 0.6rem; top: 0.6rem; display: flex; flex-direction: column; gap: 0.25rem; }
.zoom button { width: 2rem; height: 2rem; font: 600 1.1rem/1 var(--st-font); cursor: pointer; border-radius: 0.3rem;
  border: 1px solid var(--st-border-color); background: var(--st-background-color); color: var(--st-text-color); }
.zoom button:focus-visible { outline: 3px solid var(--st-primary-color); }
@media print { .zoom { display: none; } }
"""


def geometry(areas: pd.DataFrame, polygons: list) -> dict:
    """Outlines for the canvas, made once per snapshot.

    areas : one row per area: area_code, name. polygons : for each its polygons, lists of rings of [lon, lat].

    Returns `codes` and `names` in the order of the areas, the outlines `packed`, and an `id` of all that.
    """
    packed = base64.b64encode(_packed(polygons)).decode()
    codes, names = areas["area_code"].astype(str).tolist(), areas["name"].astype(str).tolist()
    mark = zlib.crc32("|".join([*codes, *names, packed]).encode())
    return {"id": f"{mark:x}", "world": WORLD, "codes": codes, "names": names, "packed": packed}


def data(
    drawn: "Drawn",
    shapes: Shapes,
    context: Context,
    view: View,
    *,
    title: str,
    second: str,
    alt: str,
    selected: str | None,
) -> dict:
    """What `mount` needs: `fixed`, the same for every filter, and `change`, one digit and one text per area."""
    paint = {
        "land": palettes.LAND,
        "around": palettes.AROUND,
        "coast": palettes.COAST,
        "border": palettes.BORDER,
        "ink": palettes.INK,
        "halo": palettes.HALO,
    }
    fixed = {
        **shapes.packed,
        "land": context.land,
        "borders": context.borders,
        "towns": context.towns,
        "paint": paint,
        "raised": map_ground.RAISED,
    }
    fixed["id"] = f"{shapes.packed['id']}-{context.id}"
    rows = pd.DataFrame({"digit": [DIGITS[i] for i in drawn.index], "text": drawn.text}, index=drawn.table["area_code"])
    rows["also"] = drawn.also or ""
    rows = rows.reindex(shapes.packed["codes"]).fillna({"digit": "-", "text": "", "also": ""})
    change = {
        "fixed": fixed["id"],
        "classes": "".join(rows["digit"]),
        "colours": [entry.colour for entry in drawn.legend],
        "texts": rows["text"].tolist(),
        "also": rows["also"].tolist() if second else [],
        "title": title,
        "second": second,
        "selected": selected,
        "alt": alt,
        "view": {"longitude": view.longitude, "latitude": view.latitude, "zoom": view.zoom},
    }
    return {"fixed": fixed, "change": change}


def mount(data: dict, *, key: str, height: int = 560, on_click: Callable[[], None] | None = None) -> str | None:
    """Draws the map in a Streamlit page.

    data : `live` of a Picture of kind "areas". key : constant, so that view and selection outlive a filter.
    on_click : called before the run that a click starts.

    Returns the area_code that was just clicked, in that one run; else None.
    """
    import streamlit as st

    component = _component()
    with st.container(gap=None):
        component(key=f"{key}-outlines", data=data["fixed"])
        result = component(
            key=key, data={**data["change"], "map": key, "height": height}, on_clicked_change=on_click or _nothing
        )
    return result.clicked


@cache
def _component() -> Callable:
    import streamlit as st

    return st.components.v2.component("area_canvas", html=HTML, css=CSS, js=SCRIPT.read_text(encoding="utf-8"))


def _nothing() -> None:
    """Streamlit hands on a value only where there is something to call."""


def _packed(polygons: list) -> bytes:
    """Origin; then for each area its rings, for each ring its points, for each point the step from the point before.

    Every number is a variable-length integer (seven bits a byte); steps are zigzag and run on from ring to ring.
    """
    rings = [[_steps(ring) for polygon in area for ring in polygon] for area in polygons]
    every = np.concatenate([ring for area in rings for ring in area]) if rings else np.zeros((1, 2), int)
    origin = every.min(axis=0)
    numbers, last = [*origin.tolist()], origin
    for area in rings:
        numbers.append(len(area))
        for ring in area:
            moves = np.diff(ring, axis=0, prepend=last[None])
            numbers += [len(ring), *np.where(moves < 0, -2 * moves - 1, 2 * moves).ravel().tolist()]
            last = ring[-1]
    return b"".join(_bytes(number) for number in numbers)


def _steps(ring: list) -> np.ndarray:
    """A ring without its closing point, in whole steps of the web's world square, east and south."""
    lon, lat = np.radians(ring[:-1]).T
    east, south = (lon + np.pi) / (2 * np.pi), 0.5 - np.log(np.tan(np.pi / 4 + lat / 2)) / (2 * np.pi)
    return np.round(np.column_stack([east, south]) * WORLD).astype(int)


def _bytes(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])
