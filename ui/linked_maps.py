"""Maps that are read together: two beside each other, or one that plays months. A row is a place, or a place and step.

Both are maps for ui.area_canvas, of areas or of hexagons, with one classification and one legend for everything shown,
so that a colour means the same left and right, then and now.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import altair as alt
import numpy as np
import pandas as pd

from analytics.disclosure import MISSING, SHOWN, Release
from ui import area_canvas, map_ground, map_stills, maps, palettes
from ui.map_ground import Context, Shapes, View
from ui.maps import Drawn
from ui.picture import LegendEntry, Picture

__all__ = ["cell_shapes", "playback", "side_by_side"]

CAMERA = "side by side"  # a page with two pairs of maps names its cameras itself
PANELS, ACROSS = 12, 3  # small multiples in a file at most, and in a row: more would be too small to read on a slide
GAP = 14  # pixels between small multiples
HALF_PIXEL = 0.5  # outlines of areas as exact as a small multiple can show; hexagons keep their corners
CELLS = "cell_id"


def cell_shapes(cells: pd.DataFrame, size_m: float) -> Shapes:
    """Outlines of hexagons for the canvas, exact, made once per grid.

    cells : one row per cell: cell_id, x, y (centre, EPSG:27700), and `place` where it has a name.
    size_m : metres across the flats.

    Returns Shapes in the order of the cells; `area_code` is the cell_id. Neighbours share their corners.
    """
    import shapely

    angles = np.radians([0, 60, 120, 180, 240, 300, 0])
    corners = size_m / 3**0.5 * np.column_stack([np.cos(angles), np.sin(angles)])
    rings = cells[["x", "y"]].to_numpy(float)[:, None] + corners
    names = cells["place"].fillna("") if "place" in cells else ""
    frame = pd.DataFrame({"area_code": cells["cell_id"].to_numpy(object)}).assign(name=np.asarray(names))
    frame["geometry"] = pd.Series(list(shapely.polygons(rings)), dtype=object)
    polygons = _in_degrees(rings)
    return Shapes(frame, polygons, [], area_canvas.geometry(frame, polygons, edges=False))


def side_by_side(
    left: Release,
    right: Release,
    *,
    colour: str,
    shapes: Shapes,
    context: Context,
    view: View,
    title: str,
    headings: tuple[str, str],
    id_column: str,
    selected: str | None = None,
    scheme: str = "count",
    unit: str = "",
    labels: Mapping[int, str] | None = None,
    breaks: tuple[float, ...] = (),
    height: int = 520,
    camera: str = CAMERA,
) -> tuple[Picture, Picture]:
    """Where do two times or two sources differ? Two maps with one legend and one camera.

    left, right : one row per place each: the column `id_column` ("area_code" or "cell_id") and the column `colour`.
    shapes : of all places, from maps.shapes or cell_shapes. A place without a row is bare land; so is a hexagon
        without events.
    headings : what the maps show ("2024", "2025"); the page writes them above, here they go into the text alternatives.
    selected : the place outlined in both. camera : its name; maps with the same name move together.
    title, view, scheme, unit, labels, breaks : as in maps.cells. Classes part where both tables together part.

    Returns two pictures with the same legend.
    Misleads where the two have different lengths of time or different numbers of records: compare like with like.
    """
    both = pd.concat([_with_status(left).assign(side=0), _with_status(right).assign(side=1)], ignore_index=True)
    how = _classes(id_column, scheme, unit, labels, breaks)
    drawn = _drawn_on(shapes, replace(left, table=both), colour, id_column, how)

    def picture(side: int) -> Picture:
        mine = _rows(drawn, drawn.table["side"].eq(side).to_numpy())
        alt_text = maps._alt(f"{title}, {headings[side]}", mine, _what(mine, id_column))
        live = area_canvas.data(
            mine,
            shapes,
            context,
            view,
            title=title,
            second=maps._second(drawn, left),
            selected=selected,
            alt=alt_text,
            camera=camera,
        )
        still = _still(mine, shapes, context, view, selected, edges=id_column != CELLS)
        return Picture("areas", live, still, alt_text, tuple(drawn.legend), title, height, id_column, scheme == "class")

    return picture(0), picture(1)


def playback(
    frames: Release,
    *,
    colour: str,
    shapes: Shapes,
    context: Context,
    view: View,
    title: str,
    id_column: str,
    step_column: str = "step",
    selected: str | None = None,
    scheme: str = "count",
    unit: str = "",
    labels: Mapping[int, str] | None = None,
    breaks: tuple[float, ...] = (),
    height: int = 640,
) -> Picture:
    """How does the map change from month to month? One map that plays, with one legend for all its steps.

    frames : one row per place and step: `id_column`, `step_column`, the column `colour`, and `status`.
    step_column : what each step is called ("March 2025"): an ordered category, text in the order it first comes in, or
        dates (called by their month where all are the first of one). Rows without a step are left out.
        A step whose rows are all "not supplied", or that has no row, covers the whole map in that tint and says so.
    The rest as in `side_by_side`. Hovering says the number; where all numbers together are too many to send
    (area_canvas.MOST_FRAMES), it says the class. In a file the map is small multiples: the last step and up to 11 more.

    Misleads where numbers are small: places flicker by chance alone, and the eye takes flicker for change.
    """
    steps, at = _steps(frames.table[step_column])
    gaps = _absent(frames.table, at, len(steps))
    table = frames.table.assign(step_at=at, **{colour: frames.table[colour].mask(np.isin(at, gaps))})[at >= 0]
    how = _classes(id_column, scheme, unit, labels, breaks)
    drawn = _drawn_on(shapes, replace(frames, table=table), colour, id_column, how)
    drawn, absent = _covered(drawn, gaps)
    names = [f"{step}: {MISSING}" if k in absent else step for k, step in enumerate(steps)]
    alt_text = _alt(title, drawn, steps, gaps, id_column)
    live = area_canvas.data(
        drawn,
        shapes,
        context,
        view,
        title=title,
        second="",
        selected=selected,
        alt=alt_text,
        frames=area_canvas.frames(drawn, shapes, names, drawn.table["step_at"].to_numpy(), absent),
    )
    still = _still(drawn, shapes, context, view, selected, edges=False)  # for no steps at all: the bare land
    if names:
        still = _multiples(drawn, shapes, context, view, selected, names, absent, coarse=id_column != CELLS)
    return Picture("areas", live, still, alt_text, tuple(drawn.legend), title, height, id_column, scheme == "class")


def _in_degrees(rings: np.ndarray) -> list:
    """For each hexagon its one polygon of one ring; a corner of three hexagons is projected once and shared."""
    corners, which = np.unique(rings.round(1) @ [1, 1j], return_inverse=True)
    points = map_ground.degrees(np.column_stack([corners.real, corners.imag]))
    return [[[[points[k] for k in ring]]] for ring in which.reshape(rings.shape[:2]).tolist()]


# ------------------------------------------------------------------------------------------ classes


def _classes(
    id_column: str, scheme: str, unit: str, labels: Mapping[int, str] | None, breaks: tuple[float, ...]
) -> dict:
    shares = palettes.TAIL if id_column == CELLS else palettes.FIFTHS
    return {"scheme": scheme, "unit": unit, "labels": labels, "breaks": breaks, "shares": shares}


def _drawn_on(shapes: Shapes, release: Release, colour: str, id_column: str, how: dict) -> Drawn:
    """The rows that lie on the map, classed together: with `area_code`, and `position`, their place in the shapes."""
    table = maps._worth_drawing(release, colour, how["scheme"]) if id_column == CELLS else release.table
    others = {"area_code", "name", "geometry", "position"} - {id_column}
    table = table.drop(columns=list(others), errors="ignore").rename(columns={id_column: "area_code"})
    position = pd.Index(shapes.frame["area_code"]).get_indexer(table["area_code"])
    table = table.assign(position=position)[position >= 0].reset_index(drop=True)
    return maps._drawn(table, release, colour, how)


def _with_status(release: Release) -> pd.DataFrame:
    """A table without `status` is shown whole; beside one that has it, it has to say so."""
    return release.table if "status" in release.table else release.table.assign(status=SHOWN)


def _rows(drawn: Drawn, which: np.ndarray) -> Drawn:
    kept = np.flatnonzero(which).tolist()
    also = [drawn.also[k] for k in kept] if drawn.also else []
    return Drawn(drawn.table[which], drawn.index[which], drawn.legend, [drawn.text[k] for k in kept], also)


def _what(drawn: Drawn, id_column: str) -> str:
    count, one = drawn.table["area_code"].nunique(), "hexagon" if id_column == CELLS else "area"
    return f"{count:,} {one}{'' if count == 1 else 's'}"


# ------------------------------------------------------------------------------------------ steps


def _steps(column: pd.Series) -> tuple[list[str], np.ndarray]:
    """What the steps are called, in order, and which one each row belongs to."""
    if pd.api.types.is_datetime64_any_dtype(column):
        days = pd.Index(column.dropna().unique()).sort_values()
        how = "%B %Y" if (days.day == 1).all() else "%d %B %Y"
        return days.strftime(how).tolist(), days.get_indexer(column)
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Series(pd.Categorical(column, column.dropna().unique()))
    return [str(step) for step in column.cat.categories], column.cat.codes.to_numpy().astype(int)


def _absent(table: pd.DataFrame, at: np.ndarray, count: int) -> list[int]:
    """The steps of which no row was supplied."""
    supplied = ~table["status"].eq(MISSING).to_numpy() if "status" in table else np.ones(len(table), dtype=bool)
    return sorted(set(range(count)) - set(at[supplied].tolist()))


def _covered(drawn: Drawn, gaps: list[int]) -> tuple[Drawn, dict[int, int]]:
    """The class that covers each step not supplied; it joins the legend where no row has brought it there."""
    if gaps and all(entry.colour != palettes.NOT_SUPPLIED for entry in drawn.legend):
        drawn = drawn._replace(legend=[*drawn.legend, LegendEntry(palettes.NOT_SUPPLIED, MISSING)])
    cover = next((i for i, entry in enumerate(drawn.legend) if entry.colour == palettes.NOT_SUPPLIED), -1)
    return drawn, dict.fromkeys(gaps, cover)


def _alt(title: str, drawn: Drawn, steps: list[str], gaps: list[int], id_column: str) -> str:
    if not steps:
        return f"Map: {title}. Nothing to show."
    last = _rows(drawn, drawn.table["step_at"].eq(len(steps) - 1).to_numpy())
    span = f"A map that plays {len(steps):,} steps, {steps[0]} to {steps[-1]}."
    lacking = f" Not supplied: {', '.join(steps[k] for k in gaps)}." if gaps else ""
    return f"{span}{lacking} The last step: {maps._alt(title, last, _what(last, id_column))}"


# ------------------------------------------------------------------------------------------ stills


def _fills(drawn: Drawn, rings: Callable[[int], list]) -> list[list]:
    """For each class its polygons as lists of rings, EPSG:27700. rings : those of the shape at a position."""
    at = drawn.table["position"].to_numpy()
    return [[polygon for k in at[drawn.index == i].tolist() for polygon in rings(k)] for i in range(len(drawn.legend))]


def _rings(geometry: np.ndarray) -> Callable[[int], list]:
    return cache(lambda position: map_ground.rings(geometry[position]))


def _outline(shapes: Shapes, selected: str | None) -> list:
    chosen = shapes.frame.loc[shapes.frame["area_code"] == selected, "geometry"]
    return [ring for shape in chosen for polygon in map_ground.rings(shape) for ring in polygon]


def _still(
    drawn: Drawn, shapes: Shapes, context: Context, view: View, selected: str | None, *, edges: bool
) -> Callable[[], alt.LayerChart]:
    def still() -> alt.LayerChart:
        fills = _fills(drawn, _rings(shapes.frame["geometry"].to_numpy()))
        outline = _outline(shapes, selected)
        return map_stills.draw(drawn.legend, fills, outline, context.grid, view.box, edges=edges)

    return still


def _multiples(
    drawn: Drawn,
    shapes: Shapes,
    context: Context,
    view: View,
    selected: str | None,
    names: list[str],
    absent: dict[int, int],
    *,
    coarse: bool,
) -> Callable[[], alt.ConcatChart]:
    """Small multiples: steps evenly apart, the last one included. coarse : whether outlines may be simplified."""

    def fills(step: int, rings: Callable[[int], list]) -> list[list]:
        if step not in absent:
            return _fills(_rows(drawn, drawn.table["step_at"].eq(step).to_numpy()), rings)
        everywhere = [polygon for k in range(len(shapes.frame)) for polygon in rings(k)]
        return [everywhere if i == absent[step] else [] for i in range(len(drawn.legend))]

    def still() -> alt.ConcatChart:
        outline, geometry = _outline(shapes, selected), shapes.frame["geometry"]
        simple = map_ground.simplified(geometry, HALF_PIXEL / _scale(view.box)) if coarse else geometry.to_numpy()
        rings = _rings(simple)
        panels = [
            _panel(names[k], drawn.legend, fills(k, rings), outline, context.grid, view.box, bare=k not in absent)
            for k in _evenly(len(names))
        ]
        return alt.concat(*panels, columns=ACROSS, spacing=GAP).configure(
            background="white", font=map_stills.FONT, padding=4
        )

    return still


def _evenly(count: int) -> list[int]:
    """Up to PANELS of `count` steps, evenly apart, the last one included."""
    return np.unique(np.linspace(0, count - 1, min(count, PANELS)).round().astype(int)).tolist()


def _scale(box: tuple[float, float, float, float]) -> float:
    """Pixels of a small multiple per metre."""
    return (map_stills.WIDE / ACROSS - GAP) / (box[2] - box[0])


def _panel(
    name: str,
    legend: list[LegendEntry],
    fills: list[list],
    outline: list,
    grid: dict,
    box: tuple[float, float, float, float],
    *,
    bare: bool,
) -> alt.LayerChart:
    """One step as in map_stills.draw, smaller, without names, and without edges: they would drown small areas."""
    west, south, east, north = box
    scale = _scale(box)
    land = {"type": "MultiPolygon", "coordinates": grid["land"]}
    ground = palettes.LAND if bare else palettes.NOT_SUPPLIED
    layers = [
        map_stills._shape(land, fill=ground, stroke=palettes.COAST, strokeWidth=0.6),
        map_stills._classes(legend, fills, False),
        map_stills._lines(grid["borders"], palettes.BORDER, 0.5),
        map_stills._lines(outline, palettes.HALO, 3),
        map_stills._lines(outline, palettes.INK, 1.5),
    ]
    title = alt.TitleParams(name, anchor="start", fontSize=15, fontWeight="bold", color=palettes.INK, offset=4)
    size = {"width": round((east - west) * scale), "height": round((north - south) * scale)}
    place = {"scale": scale, "translate": [-west * scale, north * scale], "reflectY": True}
    water = alt.ViewBackground(fill=palettes.AROUND, stroke=None)
    return alt.layer(*layers).project("identity", **place).properties(**size, title=title, view=water)
