"""Two maps with one legend and one camera, and a map that plays: what travels, what is hidden, what a file shows."""

import base64
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_browser import colours, opened, until
from test_area_canvas import SHAPES
from test_maps import CONTEXT, ORIGIN, VIEW, given, hexagons
from vl_convert import vegalite_to_svg

from ui import area_canvas, linked_maps, palettes
from ui.picture import Picture

CELLS = hexagons([0] * 60).drop(columns="n")  # 30 columns of 2 cells, 500 metres
HEXAGONS = linked_maps.cell_shapes(CELLS, 500)
ON = {"shapes": HEXAGONS, "context": CONTEXT, "view": VIEW}
SIDES = {"headings": ("2024", "2025"), "id_column": "cell_id", "unit": "events", "title": "Events per cell"}
MONTHS = ["January 2025", "February 2025", "March 2025", "April 2025"]  # not the order of the alphabet


def pair(left: list, right: list, **how: object) -> tuple[Picture, Picture]:
    tables = [given(CELLS.head(len(values)).assign(n=values)) for values in (left, right)]
    return linked_maps.side_by_side(*tables, **ON | SIDES | {"colour": "n"} | how)


def months(values: dict[str, list], cells: pd.DataFrame = CELLS) -> pd.DataFrame:
    """One row per cell and step; steps in the order of MONTHS, rows by cell."""
    parts = [cells.head(len(each)).assign(step=step, n=each, status="shown") for step, each in values.items()]
    table = pd.concat(parts).sort_values("cell_id", kind="stable", ignore_index=True)
    return table.assign(step=pd.Categorical(table["step"], [m for m in MONTHS if m in values], ordered=True))


def played(table: pd.DataFrame, **how: object) -> Picture:
    settings = {"colour": "n", "title": "Events per cell", "unit": "events", "id_column": "cell_id"}
    return linked_maps.playback(given(table), **ON | settings | how)


def integers(packed: str) -> Iterator[int]:
    """Read by the description in area_canvas (independent of its writer)."""
    value = shift = 0
    for byte in base64.b64decode(packed):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def hexagon_corners(shapes: linked_maps.Shapes) -> np.ndarray:
    """The corners that travel, in steps: cell, corner, east and south."""
    origin_x, origin_y, *rest = integers(shapes.packed["packed"])
    cells = np.array(rest).reshape(-1, 14)
    assert (cells[:, :2] == [1, 6]).all()  # one ring of six points
    moves = cells[:, 2:].reshape(-1, 2)
    signed = np.where(moves % 2, -(moves + 1) // 2, moves // 2)
    return (np.array([origin_x, origin_y]) + np.cumsum(signed, axis=0)).reshape(-1, 6, 2)


def said(change: dict, step: int) -> list[str]:
    """What hovering says of each cell at a step; empty where nothing is drawn."""
    frames = change["frames"]
    texts, read = frames["texts"], integers(frames["texts"]["packed"][step])
    words = []
    for digit in frames["classes"][step]:
        number = texts["packed"][step] and digit in texts["of"]
        label = "" if digit == "-" else change["legend"][int(digit, 36)]
        words.append(texts["words"][next(read)] if number else label)
    assert next(read, None) is None
    return words


# ------------------------------------------------------------------------------------------ hexagons


def test_hexagons_arrive_where_another_library_puts_them():
    geopandas = pytest.importorskip("geopandas")
    radius, world = 500 / math.sqrt(3), 2**23
    for k, (dx, dy) in enumerate(
        [(1, 0), (0.5, 0.75**0.5), (-0.5, 0.75**0.5), (-1, 0), (-0.5, -(0.75**0.5)), (0.5, -(0.75**0.5))]
    ):
        points = geopandas.points_from_xy(CELLS["x"] + dx * radius, CELLS["y"] + dy * radius, crs=27700).to_crs(3857)
        circumference = 2 * math.pi * 6_378_137  # of the sphere of EPSG:3857, metres
        east, south = points.x / circumference * world + world / 2, world / 2 - points.y / circumference * world
        off = hexagon_corners(HEXAGONS)[:, k] - np.column_stack([east, south])
        assert np.abs(off).max() < 0.5 + 0.25  # half a step, and a fifth decimal of a degree


def test_neighbouring_hexagons_share_two_corners_to_the_step():
    corners = [set(map(tuple, cell)) for cell in hexagon_corners(HEXAGONS).tolist()]
    at = dict(zip(CELLS["cell_id"], corners, strict=True))
    assert len(at["500:3:0"] & at["500:3:1"]) == len(at["500:3:1"] & at["500:4:0"]) == 2
    assert len(at["500:3:0"] & at["500:4:1"]) == 0


def test_a_hexagon_has_its_id_its_true_size_and_the_name_of_its_place_or_none():
    named = linked_maps.cell_shapes(CELLS.assign(place=["Harbour", None, *["Hill"] * 58]), 500)
    assert HEXAGONS.packed["codes"] == HEXAGONS.frame["area_code"].tolist() == CELLS["cell_id"].tolist()
    assert HEXAGONS.packed["names"] == [] and set(HEXAGONS.frame["name"]) == {""}
    assert named.packed["names"][:3] == ["Harbour", "", "Hill"]
    assert HEXAGONS.frame["geometry"][0].area == pytest.approx(3**0.5 / 2 * 500**2)
    assert HEXAGONS.frame["geometry"][0].centroid.coords[0] == pytest.approx((CELLS["x"][0], CELLS["y"][0]))
    assert [len(ring) for ((ring,),) in HEXAGONS.polygons] == [7] * 60


def test_no_hexagons_are_no_outlines():
    none = linked_maps.cell_shapes(CELLS.head(0), 500)
    assert (none.polygons, none.packed["codes"], len(none.frame)) == ([], [], 0)


@pytest.mark.parametrize("size_m", [150, 500, 2_000])
def test_outlines_take_under_60_bytes_a_hexagon_with_their_ids(size_m: int):
    q, r = np.divmod(np.arange(5_000), 70)
    r = r - q // 2
    x, y = ORIGIN[0] + 1.5 * size_m / 3**0.5 * q, ORIGIN[1] + size_m * (r + q / 2)
    ids = [f"{size_m}:{a + 500}:{b}" for a, b in zip(q, r, strict=True)]
    shapes = linked_maps.cell_shapes(pd.DataFrame({"cell_id": ids, "x": x, "y": y}), size_m)
    assert len(json.dumps(shapes.packed)) < 60 * 5_000


# ------------------------------------------------------------------------------------------ side by side


def test_both_maps_part_their_classes_where_both_tables_together_part():
    left, right = pair([1, 1, 2, 3], [5, 8, 13, 21])
    # By hand, quantiles that occur at 40, 70, 88 and 97 in a hundred of all eight: 3, 8, 21, 21.
    assert [entry.label for entry in left.legend] == ["1 to 2 events", "3 to 7 events", "8 to 20 events", "21 events"]
    assert left.legend == right.legend
    assert left.live["change"]["colours"] == right.live["change"]["colours"]
    assert [side.live["change"]["classes"][:5] for side in (left, right)] == ["0001-", "1223-"]


def test_both_maps_have_one_camera_one_ground_and_one_selection():
    left, right = pair([1, 2], [3, 4], selected="500:1:0")
    changes = [side.live["change"] for side in (left, right)]
    assert left.live["fixed"] == right.live["fixed"]
    for what in ("camera", "view", "selected", "fixed"):
        assert changes[0][what] == changes[1][what] != ""
    assert changes[0]["selected"] == "500:1:0" and (left.kind, left.selects) == ("areas", "cell_id")
    other, _ = pair([1], [2], camera="another pair")
    assert other.live["change"]["camera"] != changes[0]["camera"]


def test_headings_are_said_in_the_text_alternatives_alone():
    left, right = pair([1, 1, 2], [3, 0, 0])
    assert left.alt.startswith("Map: Events per cell, 2024, by 3 hexagons.")
    assert right.alt.startswith("Map: Events per cell, 2025, by 1 hexagon.")
    assert "1 event: 2; " in left.alt and "1 event: 0; " in right.alt  # how many are in each class, map by map
    assert left.live["change"]["alt"] == left.alt
    assert "2024" not in json.dumps({**left.live["change"], "alt": ""})


def test_a_hexagon_without_events_is_bare_and_an_area_without_events_is_in_a_class():
    left, _ = pair([0, 4], [4, 4])
    assert left.live["change"]["classes"][:2] == "-0"
    table = pd.DataFrame({"area_code": SHAPES.frame["area_code"], "n": [0, *[4] * 399]})
    places = {"shapes": SHAPES, "id_column": "area_code"}
    left, _ = linked_maps.side_by_side(given(table), given(table), colour="n", **ON | SIDES | places)
    assert left.live["change"]["classes"][:2] == "01" and left.legend[0].label == "0 to 3 events"


def test_a_number_hidden_on_one_side_travels_as_a_word_and_tells_nothing_on_the_other():
    table = CELLS.head(3).assign(n=[7, 96, 5], status=["shown", "hidden", "shown"])
    other = table.assign(n=[1, 2, 3], status="shown")
    left, right = linked_maps.side_by_side(given(table), given(other), colour="n", **ON | SIDES)
    assert left.live["change"]["texts"][:3] == ["7", "hidden", "5"]
    assert right.live["change"]["texts"][:3] == ["1", "2", "3"]
    assert left.legend == right.legend and left.legend[-1] == (palettes.HIDDEN, "hidden")
    assert "96" not in json.dumps([left.live["change"], right.live["change"]])


def test_a_table_that_is_shown_whole_can_stand_beside_one_with_hidden_rows():
    table = CELLS.head(2).assign(n=[7, 0])
    hidden = table.assign(status=["shown", "hidden"])
    left, right = linked_maps.side_by_side(given(table), given(hidden), colour="n", **ON | SIDES)
    assert [side.live["change"]["classes"][:2] for side in (left, right)] == ["0-", "01"]


def test_the_count_stands_beside_a_rate_on_both_sides():
    tables = [given(CELLS.head(2).assign(n=[4, 5], rate=rates), derived=["rate"]) for rates in ([0.5, 2.5], [1.5, 3.5])]
    left, right = linked_maps.side_by_side(*tables, colour="rate", **ON | SIDES)
    for side, rates in ((left, ["0.5", "2.5"]), (right, ["1.5", "3.5"])):
        assert (side.live["change"]["texts"][:2], side.live["change"]["also"][:2]) == (rates, ["4", "5"])


def test_files_of_both_maps_have_the_same_classes_in_the_same_colours():
    scales = [side.still().to_dict()["layer"][1]["encoding"]["color"]["scale"] for side in pair([1, 2], [3, 9])]
    assert scales[0] == scales[1] and scales[0]["domain"] == ["1 to 2 events", "3 to 8 events", "9 events"]


def test_a_file_shows_the_hexagons_of_its_own_side():
    left, _ = pair([1, 2, 3], [3, 9])
    still = left.still().to_dict()
    assert polygons(still, still["layer"][1]) == {"1 to 2 events": 2, "3 to 8 events": 1, "9 events": 0}


def polygons(still: dict, layer: dict) -> dict[str, int]:
    """How many polygons a layer draws of each class."""
    rows = json.loads(still["datasets"][layer["data"]["name"]])
    return {row["properties"]["class"]: len(row["geometry"]["coordinates"]) for row in rows}


# ------------------------------------------------------------------------------------------ playback


def test_steps_come_in_their_own_order_with_one_digit_per_cell_and_one_legend():
    table = months({"January 2025": [1, 1], "February 2025": [2, 3], "March 2025": [5, 8], "April 2025": [13, 21]})
    picture = played(table)
    frames = picture.live["change"]["frames"]
    assert frames["labels"] == MONTHS and {len(step) for step in frames["classes"]} == {60}
    # The eight values by hand, as above: classes from 1, 3, 8 and 21.
    assert [entry.label for entry in picture.legend] == [
        "1 to 2 events",
        "3 to 7 events",
        "8 to 20 events",
        "21 events",
    ]
    assert [step[:3] for step in frames["classes"]] == ["00-", "01-", "12-", "23-"]
    assert [said(picture.live["change"], k)[:3] for k in (0, 3)] == [["1", "1", ""], ["13", "21", ""]]


def test_words_as_steps_keep_the_order_they_first_come_in():
    table = months({"January 2025": [1], "February 2025": [2]})
    words = played(table.assign(step=table["step"].astype(str))).live["change"]["frames"]["labels"]
    assert words == ["January 2025", "February 2025"]


def test_dates_as_steps_are_in_order_and_called_by_their_month():
    table = months({"January 2025": [1, 3], "February 2025": [2, 4]})
    dated = table.assign(step=pd.to_datetime(["2025-02-01", "2025-01-01", "2025-02-01", "2025-01-01"]))
    frames = played(dated).live["change"]["frames"]
    assert frames["labels"] == ["January 2025", "February 2025"]
    weekly = table.assign(step=pd.to_datetime(["2025-02-03", "2025-01-27"] * 2))
    assert played(weekly).live["change"]["frames"]["labels"] == ["27 January 2025", "03 February 2025"]


def test_rows_without_a_step_are_in_no_step():
    table = months({"January 2025": [1, 2]}).assign(step=["January 2025", None])
    assert played(table).live["change"]["frames"]["classes"] == ["0" + "-" * 59]


def test_an_area_beside_the_hexagon_in_the_table_is_not_taken_for_it():
    table = CELLS.head(2).assign(n=[1, 2], area_code="E1", name="Westham")
    left, _ = linked_maps.side_by_side(given(table), given(table), colour="n", **ON | SIDES)
    assert left.live["change"]["classes"][:3] == "01-" and left.live["fixed"]["names"] == []


def test_a_step_not_supplied_covers_the_whole_map_and_says_so():
    table = months({"January 2025": [1, 2], "February 2025": [7, 7], "March 2025": [3, 4]})
    table.loc[table["step"].eq("February 2025"), "status"] = "not supplied"
    picture = played(table)
    change = picture.live["change"]
    digit = str(len(picture.legend) - 1)
    assert picture.legend[-1] == (palettes.NOT_SUPPLIED, "not supplied")
    assert change["frames"]["labels"] == ["January 2025", "February 2025: not supplied", "March 2025"]
    assert change["frames"]["classes"][1] == digit * 60 and change["frames"]["absent"] == {1: int(digit)}
    assert said(change, 1) == ["not supplied"] * 60  # cells without a row too
    assert said(change, 2)[:3] == ["3", "4", ""]
    assert "Not supplied: February 2025." in picture.alt
    assert "7" not in change["frames"]["texts"]["words"]


def test_a_step_not_supplied_is_covered_in_its_own_tint_whatever_ends_the_legend():
    table = months({"January 2025": [1, 2], "February 2025": [7, 7]}).assign(judged=None)
    table.loc[0, "judged"] = "dropped"
    table.loc[table["step"].eq("February 2025"), "status"] = "not supplied"
    picture = played(table)
    assert picture.legend[-1].colour == palettes.JUDGED["dropped"]
    change = picture.live["change"]
    assert {change["colours"][int(digit)] for digit in change["frames"]["classes"][1]} == {palettes.NOT_SUPPLIED}


def test_a_step_without_any_row_is_not_supplied_rather_than_quiet():
    table = months({"January 2025": [1], "March 2025": [2]})
    table["step"] = table["step"].cat.set_categories(MONTHS[:3])
    picture = played(table)
    assert picture.live["change"]["frames"]["absent"] == {1: len(picture.legend) - 1}
    assert picture.legend[-1].label == "not supplied"


def test_a_step_without_events_is_bare_land():
    frames = played(months({"January 2025": [0, 0], "March 2025": [2, 1]})).live["change"]["frames"]
    assert frames["classes"][0] == "-" * 60 and frames["absent"] == {}


def test_a_hidden_cell_is_hidden_at_its_step_alone_and_its_number_never_travels():
    table = months({"January 2025": [3, 4321], "February 2025": [3, 5]})
    table.loc[table["n"].eq(4321), "status"] = "hidden"
    picture = played(table)
    change = picture.live["change"]
    assert [said(change, k)[:2] for k in (0, 1)] == [["3", "hidden"], ["3", "5"]]
    assert picture.legend[-1] == (palettes.HIDDEN, "hidden")
    assert "4321" not in json.dumps(picture.live) and "4,321" not in json.dumps(picture.live)


def test_classes_that_are_words_say_their_words_without_sending_them_again():
    table = months({"January 2025": [3, 3], "February 2025": [3, 3]}).assign(k=[0, 2, -2, 0])
    change = played(table, colour="k", scheme="class").live["change"]
    assert change["frames"]["texts"]["words"] == []
    assert said(change, 0)[0] == "as expected" and said(change, 1)[0] == "hot spot, 95% sure"


def crowd(mean: float) -> tuple[pd.DataFrame, linked_maps.Shapes]:
    """84 steps of 5,000 cells."""
    cells = hexagons([0] * 5_000)
    counts = np.random.default_rng(1).poisson(mean, 84 * 5_000)
    step = np.repeat(np.arange(84), 5_000)
    table = pd.concat([cells.drop(columns="n")] * 84, ignore_index=True)
    return table.assign(step=[f"Step {k}" for k in step], n=counts), linked_maps.cell_shapes(cells, 500)


@pytest.mark.parametrize(("mean", "numbers"), [(0.2, True), (30, False)])
def test_84_steps_of_5000_cells_are_under_600_kilobytes_with_numbers_where_they_fit(mean: float, numbers: bool):
    table, shapes = crowd(mean)
    picture = played(table, shapes=shapes)
    change = picture.live["change"]
    assert len(json.dumps(change)) < 600_000
    first, words = table.head(5_000)["n"], said(change, 0)
    if numbers:
        assert words == ["" if n == 0 else str(n) for n in first]
    else:  # no room: each says its class, and the class is the one of its number
        assert set(words) <= {entry.label for entry in picture.legend}
        lows = [int(word.split()[0]) for word in words]
        highs = [int(word.split()[-2]) for word in words]
        assert ((np.array(lows) <= first) & (first <= np.array(highs))).all()


def test_84_steps_of_all_small_areas_of_a_partnership_travel_with_their_rates():
    codes = SHAPES.frame["area_code"].tolist()
    table = pd.DataFrame({"area_code": codes * 84, "step": np.repeat([f"Step {k}" for k in range(84)], 400)})
    table["n"], table["rate"] = 5, np.random.default_rng(2).uniform(0, 99, len(table)).round(1)
    release = given(table, derived=["rate"])
    places = {"shapes": SHAPES, "id_column": "area_code"}
    picture = linked_maps.playback(release, colour="rate", title="Rate", **ON | places)
    assert said(picture.live["change"], 83) == [palettes.figure(rate) for rate in table["rate"].tail(400)]


def test_inputs_are_left_as_they_were_and_nothing_at_all_is_kindly_empty():
    table = months({"January 2025": [1, 2], "February 2025": [0, 4]})
    before, release = table.copy(), given(table)
    kept = release.table.copy()
    linked_maps.playback(release, colour="n", title="Events", id_column="cell_id", **ON)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(release.table, kept)
    left, _ = pair([], [])
    assert left.alt == "Map: Events per cell, 2024. Nothing to show." and left.legend == ()
    nothing = table.head(0).assign(step=table["step"].head(0).cat.remove_unused_categories())
    assert played(nothing).alt == "Map: Events per cell. Nothing to show."
    assert "svg" in vegalite_to_svg(played(nothing).still().to_dict())


def test_a_place_that_is_not_on_the_map_is_left_out():
    table = months({"January 2025": [1, 2]})
    stray = table.head(1).assign(cell_id="500:999:999", n=50)
    picture = played(pd.concat([table, stray], ignore_index=True))
    assert [entry.label for entry in picture.legend] == ["1 event", "2 events"]


def test_the_steps_in_a_file_are_evenly_apart_and_end_with_the_last():
    # By hand: 83 / 11 = 7.55 steps apart, each to the nearest whole step.
    assert linked_maps._evenly(84) == [0, 8, 15, 23, 30, 38, 45, 53, 60, 68, 75, 83]
    assert linked_maps._evenly(3) == [0, 1, 2] and linked_maps._evenly(1) == [0]


def test_a_file_shows_small_multiples_with_the_name_of_each_step():
    table = months({"January 2025": [1, 2], "February 2025": [7, 7], "March 2025": [3, 4]})
    table.loc[table["step"].eq("February 2025"), "status"] = "not supplied"
    still = played(table, selected="500:1:0").still().to_dict()
    assert [panel["title"]["text"] for panel in still["concat"]] == [
        "January 2025",
        "February 2025: not supplied",
        "March 2025",
    ]
    grounds = [panel["layer"][0]["mark"]["fill"] for panel in still["concat"]]
    assert grounds == [palettes.LAND, palettes.NOT_SUPPLIED, palettes.LAND]
    counts = [list(polygons(still, panel["layer"][1]).values()) for panel in still["concat"]]
    # By hand, what was supplied: those at 40, 70, 88 and 97 in a hundred of 1, 2, 3, 4 are 3, 4, 4, 4.
    assert counts == [[2, 0, 0, 0], [0, 0, 0, 60], [0, 1, 1, 0]]
    drawn = vegalite_to_svg(still)
    assert all(month in drawn for month in MONTHS[:3]) and palettes.INK.lower() in drawn.lower()


def test_a_file_of_areas_draws_each_area_of_a_step_once_in_its_class():
    table = pd.DataFrame({"area_code": SHAPES.frame["area_code"], "step": "March 2025", "n": [0] * 100 + [4] * 300})
    still = played(table, shapes=SHAPES, id_column="area_code").still().to_dict()
    (panel,) = still["concat"]
    assert list(polygons(still, panel["layer"][1]).values()) == [100, 300]
    assert panel["layer"][1]["mark"]["strokeWidth"] == 0  # edges would drown small areas


def test_maps_that_stand_alone_still_travel_without_camera_and_frames():
    legend = list(pair([1], [1])[0].legend)
    one = linked_maps.Drawn(pd.DataFrame({"area_code": ["500:1:0"]}), np.array([0]), legend, ["1"], [])
    alone = area_canvas.data(one, HEXAGONS, CONTEXT, VIEW, title="Events", second="", alt="Map", selected=None)
    assert (alone["change"]["camera"], alone["change"]["frames"]) == ("", None)
    assert alone["change"]["classes"][:3] == "-0-"


# ------------------------------------------------------------------------------------------ in a browser

APP = """
import sys
import streamlit as st

sys.path.insert(0, TESTS)
from test_linked_maps import CELLS, MONTHS, linked_maps, months, pair, played
from ui import area_canvas

st.set_page_config(layout="wide")
chosen = st.session_state.get("chosen")
left, right = pair([k % 9 + 1 for k in range(60)], [k % 7 + 1 for k in range(60)], height=360, selected=chosen)
for column, picture, key in zip(st.columns(2), (left, right), ("left", "right")):
    with column:
        if clicked := area_canvas.mount(picture.live, key=key, height=picture.height):
            st.session_state["chosen"] = clicked
            st.rerun()
st.text(f"chosen {chosen}")
table = months({step: [(k + 3 * i) % 8 + 1 for k in range(60)] for i, step in enumerate(MONTHS)})
table.loc[table["step"].eq("February 2025"), "status"] = "not supplied"
picture = played(table, height=460)
area_canvas.mount(picture.live, key="plays", height=picture.height)
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
st.button("Again")
st.text(f"run {st.session_state['runs']}")
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    script = tmp_path_factory.mktemp("linked") / "app.py"
    script.write_text(APP.replace("TESTS", repr(str(Path(__file__).parent))))
    with opened(script, wait_for="canvas[data-drawn]") as found:
        found.page.set_viewport_size({"width": 1366, "height": 1200})
        assert until(lambda: found.page.locator("canvas[data-drawn]").count() == 3)
        found.page.wait_for_timeout(500)
        yield found
        assert found.elsewhere == []
        assert [text for text in found.errors if "404" not in text] == []


def canvas(seen, which: int):
    return seen.page.locator("canvas[data-drawn]").nth(which)


def sea(seen, which: int) -> np.ndarray:
    """Where a map shows water: the same on two maps that look at the same place."""
    seen.page.wait_for_timeout(300)
    box = canvas(seen, which).bounding_box()
    clear = {**box, "x": box["x"], "width": box["width"] - 60}  # without the buttons
    return (colours(seen.page, clear) == palettes.rgb(palettes.AROUND)).all(axis=2)


@pytest.mark.browser
def test_two_maps_move_together_and_point_at_the_same_cell(seen):
    page = seen.page
    start = sea(seen, 0)
    assert (start == sea(seen, 1)).mean() > 0.99
    box = canvas(seen, 0).bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] - 40, steps=5)
    page.mouse.up()
    page.mouse.move(5, 5)
    panned = sea(seen, 0)
    assert (panned != start).mean() > 0.05 and (panned == sea(seen, 1)).mean() > 0.99
    page.mouse.move(*middle)
    page.mouse.wheel(0, 200)
    page.mouse.move(5, 5)
    smaller = sea(seen, 1)
    assert (smaller != panned).mean() > 0.05 and (sea(seen, 0) == smaller).mean() > 0.99
    page.get_by_role("button", name="Back to the first view").nth(1).click()  # of the other map
    page.mouse.move(5, 5)
    assert (sea(seen, 0) == start).mean() > 0.99 and (sea(seen, 1) == start).mean() > 0.99

    legend = pair([k % 9 + 1 for k in range(60)], [k % 7 + 1 for k in range(60)])[0].legend
    shot = colours(page, box)
    cells = (shot[:, :, None] == [palettes.rgb(entry.colour) for entry in legend]).all(axis=3).any(axis=2)
    top, left = np.argwhere(cells)[len(np.argwhere(cells)) // 2]
    page.mouse.move(box["x"] + int(left), box["y"] + int(top))
    tips = page.locator(".tip:not([hidden])")
    assert until(lambda: tips.count() == 2)
    # The tip gives the number of the cell on its own map: of all cells, some must have just these two numbers.
    numbers = [int(text.removeprefix("Events per cell: ")) for text in tips.all_inner_texts()]
    assert numbers in [[k % 9 + 1, k % 7 + 1] for k in range(60)]
    page.mouse.move(5, 5)
    assert until(lambda: tips.count() == 0)

    edges = [outlined(seen, which) for which in (0, 1)]
    page.mouse.click(box["x"] + int(left), box["y"] + int(top))
    assert until(lambda: page.get_by_text("chosen 500:").count() == 1)
    place = CELLS.index[CELLS["cell_id"] == page.get_by_text("chosen 500:").inner_text().split()[1]][0]
    assert numbers == [place % 9 + 1, place % 7 + 1]
    page.mouse.move(5, 5)
    page.wait_for_timeout(500)
    assert all(outlined(seen, which) > edges[which] for which in (0, 1))


def outlined(seen, which: int) -> int:
    """Pixels in the ink that outlines what is chosen (names of towns have it too)."""
    return int((colours(seen.page, canvas(seen, which).bounding_box()) == palettes.rgb(palettes.INK)).all(axis=2).sum())


@pytest.mark.browser
def test_the_slider_shows_the_step_which_outlives_a_rerun_and_play_goes_to_the_end(seen):
    page = seen.page
    slider, step = page.get_by_role("slider", name="Step"), page.locator(".player:visible .step")
    assert (slider.get_attribute("aria-valuetext"), step.inner_text()) == ("January 2025", "January 2025")
    page.wait_for_timeout(1_200)
    assert step.inner_text() == "January 2025"  # nothing plays by itself
    assert float(step.evaluate("it => parseFloat(getComputedStyle(it).fontSize)")) >= 32

    before = colours(page, canvas(seen, 2).bounding_box())
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == step.inner_text() == "February 2025: not supplied"
    page.wait_for_timeout(300)
    covered = colours(page, canvas(seen, 2).bounding_box())
    tint, land = palettes.rgb(palettes.NOT_SUPPLIED), palettes.rgb(palettes.LAND)
    assert (covered == tint).all(axis=2).sum() > 10_000 > (before == tint).all(axis=2).sum()
    assert not (covered == land).all(axis=2).any()

    runs = int(page.get_by_text("run ").inner_text().split()[1])
    page.get_by_role("button", name="Again").click()
    assert until(lambda: page.get_by_text(f"run {runs + 1}").count() == 1)
    page.wait_for_timeout(500)
    assert step.inner_text() == "February 2025: not supplied"

    page.get_by_role("button", name="Play", exact=True).click()
    assert page.get_by_role("button", name="Pause").count() == 1
    assert until(lambda: step.inner_text() == "March 2025", seconds=5)
    assert until(lambda: page.get_by_role("button", name="Play", exact=True).count() == 1, seconds=5)
    assert slider.get_attribute("aria-valuetext") == step.inner_text() == "April 2025"  # it stops at the end


@pytest.mark.browser
def test_a_map_fills_the_screen_with_its_legend_and_comes_back(seen):
    page = seen.page
    before, view = canvas(seen, 2).bounding_box(), sea(seen, 2)
    page.get_by_role("button", name="Fill the screen").nth(2).click()
    leave = page.get_by_role("button", name="Leave full screen")
    assert until(lambda: leave.count() == 1 and canvas(seen, 2).bounding_box()["height"] > 1.5 * before["height"])
    assert canvas(seen, 2).bounding_box()["width"] == 1366
    assert page.locator(".legend:visible").inner_text().startswith("Events per cell")
    sharp = canvas(seen, 2).evaluate("it => [it.width, it.clientWidth * devicePixelRatio]")
    assert sharp[0] == pytest.approx(sharp[1], abs=1)
    page.keyboard.press("Escape")
    assert until(lambda: leave.count() == 0 and canvas(seen, 2).bounding_box() == before)
    page.mouse.move(5, 5)
    assert (sea(seen, 2) == view).mean() > 0.99
