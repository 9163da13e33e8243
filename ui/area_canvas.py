"""All small areas at once on a canvas: outlines travel once, after that only classes and words. A row is an area.

One component, mounted twice: first with what never changes (outlines, land, borders, names), to which Streamlit sends
only a reference from the second run on; then with one digit and one short text per area, or with one digit per area
and step for a map that plays (`frames`). What is called an area here may as well be a hexagon (ui.linked_maps).
"""

import base64
import zlib
from collections.abc import Callable
from functools import cache
from itertools import chain
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
NOBODY = "-"  # the digit of an area that has no row: bare land
MOST_FRAMES = 570_000  # bytes of a playing map's digits and texts; with titles and the rest a change is under 600 kB
SCRIPT = Path(__file__).with_suffix(".js")
HTML = """<div class="map"><canvas tabindex="0" role="application"></canvas><div class="tip" role="status" hidden></div>
<div class="zoom"><button name="in" aria-label="Zoom in">+</button><button name="out" aria-label="Zoom out">−</button>
<button name="home" aria-label="Back to the first view">⌂</button>
<button name="full" aria-label="Fill the screen" hidden><svg viewBox="0 0 16 16" aria-hidden="true">
<path d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"/></svg></button></div><div class="legend"></div>
<div class="player" role="group" aria-label="Play through time" hidden><div class="step"></div>
<div class="row"><button name="play" aria-label="Play">▶</button><input type="range" min="0" step="1" aria-label="Step">
</div></div></div>"""
CSS = """
.map { position: relative; font-family: var(--st-font); border-radius: var(--st-base-radius); overflow: hidden;
  display: flex; flex-direction: column; container-type: inline-size; }
.map:fullscreen { width: 100%; height: 100% !important; border-radius: 0; }
.map[hidden], .tip[hidden], .player[hidden], button[hidden] { display: none; }
canvas { display: block; width: 100%; flex: 1 1 0; min-height: 0; touch-action: none; cursor: grab; }
canvas:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: -3px; }
.tip { position: absolute; pointer-events: none; white-space: pre-line; max-width: 20rem; width: max-content;
  padding: 0.4rem 0.6rem; font-size: 0.875rem; border-radius: 0.3rem; border: 1px solid var(--st-border-color);
  background: var(--st-background-color); color: var(--st-text-color); box-shadow: 0 2px 8px #0004; }
.zoom { position: absolute; right: 0.6rem; top: 0.6rem; display: flex; flex-direction: column; gap: 0.25rem; }
button { width: 2rem; height: 2rem; font: 600 1.1rem/1 var(--st-font); cursor: pointer; border-radius: 0.3rem;
  border: 1px solid var(--st-border-color); background: var(--st-background-color); color: var(--st-text-color); }
button:focus-visible, input:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
svg { width: 1rem; height: 1rem; vertical-align: middle; fill: none; stroke: currentColor; stroke-width: 2; }
.legend { display: none; flex-wrap: wrap; gap: 0.3rem 1.4rem; padding: 0.6rem 0.8rem; font-size: 1.25rem;
  background: var(--st-background-color); color: var(--st-text-color); }
.map:fullscreen .legend { display: flex; }
.legend i { display: inline-block; width: 1em; height: 1em; margin-right: 0.4em; vertical-align: -0.12em;
  border: 1px solid #8888; }
.player { padding: 0.4rem 0.8rem 0.6rem; background: var(--st-background-color); color: var(--st-text-color);
  border: 1px solid var(--st-border-color); border-top: none; border-radius: 0 0 0.3rem 0.3rem; }
.step { font-size: clamp(1.25rem, 5cqw, 2.25rem); font-weight: 700; line-height: 1.25; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; }
.map:fullscreen .step { font-size: clamp(1.25rem, 5cqw, max(2.25rem, 6vh)); }
.row { display: flex; align-items: center; gap: 0.8rem; }
.row button { width: 2.75rem; height: 2.25rem; flex: none; }
.row input { flex: 1; min-width: 0; height: 2.25rem; margin: 0; accent-color: var(--st-primary-color); }
@media print { .zoom, .row { display: none; } }
"""


def geometry(areas: pd.DataFrame, polygons: list, *, edges: bool = True) -> dict:
    """Outlines for the canvas, made once per snapshot.

    areas : one row per area: area_code, name. polygons : for each its polygons, lists of rings of [lon, lat].
    edges : whether thin lines part the areas when seen from near.

    Returns `codes` and `names` in the order of the areas (no names where all are empty), the outlines `packed`, `edges`
    and an `id` of all that.
    """
    packed = base64.b64encode(_packed(polygons)).decode()
    codes, names = areas["area_code"].astype(str).tolist(), areas["name"].astype(str).tolist()
    names = names if any(names) else []
    mark = zlib.crc32("|".join([*codes, *names, packed]).encode())
    return {"id": f"{mark:x}", "world": WORLD, "codes": codes, "names": names, "packed": packed, "edges": edges}


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
    points: list | None = None,
    camera: str = "",
    frames: dict | None = None,
) -> dict:
    """What `mount` needs: `fixed`, the same for every filter, and `change`, one digit and one text per area.

    points : [lon, lat] of what is marked with a ring, without names.
    camera : a name; maps of one page with the same name and first view move together and point at the same area.
    frames : what `frames` returned, for a map that plays; digits and texts are then those of its steps.
    """
    fixed = _fixed(shapes, context)
    change = {
        "fixed": fixed["id"],
        **({"classes": "", "texts": [], "also": []} if frames else _said(drawn, shapes, second)),
        "frames": frames,
        "colours": [entry.colour for entry in drawn.legend],
        "legend": [entry.label for entry in drawn.legend],
        "title": title,
        "second": second,
        "selected": selected,
        "alt": alt,
        "points": points or [],
        "camera": camera,
        "view": {"longitude": view.longitude, "latitude": view.latitude, "zoom": view.zoom},
    }
    return {"fixed": fixed, "change": change}


def frames(drawn: "Drawn", shapes: Shapes, steps: list[str], at: np.ndarray, absent: dict[int, int]) -> dict:
    """The steps of a map that plays, one digit per area and step.

    drawn : one row per area and step. steps : what each step is called, in order. at : the step of each row.
    absent : steps nothing is known of, and the class (position in the legend) that covers the whole map then.

    Returns `labels`, `classes` (one string per step, a digit per area), `absent` and `texts`: `words`, which classes
    (`of`) say one of them, and per step a variable-length integer per area of those classes, in the order of the areas.
    Classes that say no more than their legend carry no text; none does where all would weigh over MOST_FRAMES bytes.
    """
    place = pd.Index(shapes.packed["codes"]).get_indexer(drawn.table["area_code"])
    digits = np.full((len(steps), len(shapes.packed["codes"])), NOBODY.encode(), dtype="S1")
    digits[at, place] = np.array(list(DIGITS), dtype="S1")[drawn.index]
    for step, digit in absent.items():
        digits[step] = DIGITS[digit].encode()
    return {
        "labels": steps,
        "classes": [row.tobytes().decode("ascii") for row in digits],
        "absent": absent,
        "texts": _texts(drawn, at, place, absent, digits.shape),
    }


def _fixed(shapes: Shapes, context: Context) -> dict:
    paint = {
        "land": palettes.LAND,
        "around": palettes.AROUND,
        "coast": palettes.COAST,
        "border": palettes.BORDER,
        "ink": palettes.INK,
        "halo": palettes.HALO,
        "mark": palettes.MARK,
    }
    ground = {"land": context.land, "borders": context.borders, "towns": context.towns}
    mark = f"{shapes.packed['id']}-{context.id}"
    return {**shapes.packed, **ground, "paint": paint, "raised": map_ground.RAISED, "id": mark}


def _said(drawn: "Drawn", shapes: Shapes, second: str) -> dict:
    """One digit, one text and, beside a rate, one count per area, in the order of the outlines."""
    rows = pd.DataFrame(
        {"digit": [DIGITS[i] for i in drawn.index], "text": drawn.text}, drawn.table["area_code"], dtype=object
    )
    rows["also"] = drawn.also or ""
    rows = rows.reindex(shapes.packed["codes"]).fillna({"digit": NOBODY, "text": "", "also": ""})
    also = rows["also"].tolist() if second else []
    return {"classes": "".join(rows["digit"]), "texts": rows["text"].tolist(), "also": also}


def _texts(drawn: "Drawn", at: np.ndarray, place: np.ndarray, absent: dict[int, int], size: tuple[int, int]) -> dict:
    """`texts` of `frames`; size: how many steps and areas."""
    rows = pd.DataFrame({"step": at, "place": place, "class": drawn.index, "text": drawn.text})
    rows = rows[~rows["step"].isin(list(absent))]
    labels = dict(enumerate(entry.label for entry in drawn.legend))
    telling = sorted(rows["class"][rows["text"] != rows["class"].map(labels)].unique())
    rows = rows[rows["class"].isin(telling)].sort_values(["step", "place"])
    spoken = rows["text"].value_counts().index  # the most frequent first: they take one byte
    packed = [""] * size[0]
    for step, texts in rows.groupby("step")["text"]:
        packed[step] = base64.b64encode(_integers(spoken.get_indexer(texts))).decode()
    if sum(map(len, packed)) + sum(len(text) + 4 for text in spoken) + size[0] * size[1] > MOST_FRAMES:
        return {"words": [], "of": "", "packed": [""] * size[0]}
    return {"words": spoken.tolist(), "of": "".join(DIGITS[i] for i in telling), "packed": packed}


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
    rings = [sum(map(len, area)) for area in polygons]
    every = list(chain.from_iterable(chain.from_iterable(polygons)))
    points = np.array([len(ring) - 1 for ring in every], dtype=int)
    ring_starts = np.concatenate([[0], np.cumsum(points)]).astype(int)  # the last is the end
    area_starts = ring_starts[np.cumsum([0, *rings])[:-1]]
    places = _steps(list(chain.from_iterable(ring[:-1] for ring in every)))  # without the closing points
    origin = places.min(axis=0) if len(places) else np.zeros(2, dtype=int)
    moves = np.diff(places, axis=0, prepend=origin[None])
    zigzag = np.where(moves < 0, -2 * moves - 1, 2 * moves).ravel()
    before = 2 * np.concatenate([area_starts, ring_starts[:-1]])  # of two at one place np.insert keeps the order
    counted = np.insert(zigzag, before, np.concatenate([rings, points]).astype(int))
    return _integers(np.concatenate([origin, counted]))


def _steps(places: list) -> np.ndarray:
    """Points [lon, lat] in whole steps of the web's world square, east and south."""
    lon, lat = np.radians(np.array(places, dtype=float).reshape(-1, 2)).T
    east, south = (lon + np.pi) / (2 * np.pi), 0.5 - np.log(np.tan(np.pi / 4 + lat / 2)) / (2 * np.pi)
    return np.round(np.column_stack([east, south]) * WORLD).astype(int)


def _integers(numbers: np.ndarray) -> bytes:
    """Whole numbers from 0 to 2^35 - 1: seven bits a byte, the lowest first, the top bit says that more follow."""
    parts = (numbers[:, None] >> np.arange(0, 35, 7)) & 127
    lengths = 1 + (numbers[:, None] >= 1 << np.arange(7, 35, 7)).sum(axis=1)
    number = np.arange(5)
    parts |= np.where(number < lengths[:, None] - 1, 128, 0)
    return parts[number < lengths[:, None]].astype(np.uint8).tobytes()
