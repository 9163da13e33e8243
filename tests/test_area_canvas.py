"""The canvas of all small areas: outlines travel once and unharmed, a change is small, a click gives a code."""

import base64
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from in_browser import colours, opened, places_of, until
from test_maps import CONTEXT, ORIGIN, VIEW, given

from ui import area_canvas, maps, palettes

SIDE = 20  # areas along a side: 400, more than a deck draws


def squares(count: int = SIDE) -> pd.DataFrame:
    """Areas of 500 m in rows from the south-west."""
    x, y = ORIGIN
    boxes = [
        shapely.box(x + 500 * i, y + 500 * j, x + 500 * (i + 1), y + 500 * (j + 1))
        for j in range(count)
        for i in range(count)
    ]
    codes = [f"E{k:08d}" for k in range(len(boxes))]
    return pd.DataFrame({"area_code": codes, "name": [f"Place {k}" for k in range(len(boxes))], "geometry": boxes})


SHAPES = maps.shapes(squares())


def drawn(values: list, **how: object) -> maps.Picture:
    table = pd.DataFrame({"area_code": SHAPES.frame["area_code"][: len(values)], "n": values})
    settings = {"colour": "n", "title": "Events", "unit": "events"} | how
    return maps.areas(given(table), shapes=SHAPES, context=CONTEXT, view=VIEW, **settings)


def unpacked(packed: str, count: int = SIDE**2) -> list[list[list[tuple[int, int]]]]:
    """The rings of each area in steps, read by the description in area_canvas (independent of its writer)."""
    stream = iter(base64.b64decode(packed))

    def whole() -> int:
        value = shift = 0
        while True:
            byte = next(stream)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def signed() -> int:
        value = whole()
        return value >> 1 if value % 2 == 0 else -((value + 1) >> 1)

    x, y = whole(), whole()
    areas = []
    for _ in range(count):
        rings = []
        for _ in range(whole()):
            ring = []
            for _ in range(whole()):
                x, y = x + signed(), y + signed()
                ring.append((x, y))
            rings.append(ring)
        areas.append(rings)
    return areas


def test_outlines_arrive_where_they_were():
    world = 2**23
    for polygons, rings in zip(SHAPES.polygons, unpacked(SHAPES.packed["packed"]), strict=True):
        (polygon,), (ring,) = polygons, rings
        lon = [x / world * 360 - 180 for x, _ in ring]
        lat = [math.degrees(2 * math.atan(math.exp(math.pi * (1 - 2 * y / world))) - math.pi / 2) for _, y in ring]
        assert len(ring) == len(polygon[0]) - 1  # without the closing point
        # Half a step is 180 / 2^23 = 0.00002 degrees, about 1.5 m here.
        assert np.abs(np.array(polygon[0][:-1]) - np.column_stack([lon, lat])).max() < 2.3e-5


def test_neighbours_share_their_corners_to_the_step():
    first, second = unpacked(SHAPES.packed["packed"])[:2]
    assert len(set(first[0]) & set(second[0])) == 2


def test_whole_numbers_are_written_seven_bits_a_byte():
    # By hand: 300 = 2 * 128 + 44, so 44 with the top bit set, then 2; 2^35 - 1 is five bytes of ones.
    written = area_canvas._integers(np.array([0, 127, 128, 300, 2**35 - 1]))
    assert written == bytes([0, 127, 128, 1, 44 | 128, 2, 255, 255, 255, 255, 127])


def test_areas_with_holes_and_islands_keep_their_rings():
    def ring(west: float, count: int) -> list:
        points = [[west + 0.1 * math.cos(k), 50 + 0.1 * math.sin(k)] for k in range(count)]
        return [*points, points[0]]

    frame = pd.DataFrame({"area_code": ["a", "b", "c"], "name": ["A", "B", "C"]})
    polygons = [[[ring(0, 5), ring(0, 3)]], [], [[ring(1, 4)], [ring(2, 6)]]]  # a hole; nothing; two islands
    rings = unpacked(area_canvas.geometry(frame, polygons)["packed"], 3)
    assert [[len(ring) for ring in area] for area in rings] == [[5, 3], [], [4, 6]]
    assert rings[2][1][0][0] == round((2.1 + 180) / 360 * 2**23)


def test_marked_places_travel_as_bare_points_and_none_by_default():
    assert drawn([1, 2]).live["change"]["points"] == []
    marked = drawn([1, 2], points=[[-1.2, 50.8]]).live
    assert marked["change"]["points"] == [[-1.2, 50.8]] and marked["fixed"]["paint"]["mark"] == palettes.MARK


def test_places_without_names_send_none():
    frame = squares(2).assign(name="")
    assert area_canvas.geometry(frame, SHAPES.polygons[:4])["names"] == []


def test_a_change_is_one_digit_and_one_text_per_area_in_the_order_of_the_outlines():
    picture = drawn([5, 0, 5])
    change = picture.live["change"]
    assert picture.kind == "areas" and len(SHAPES.packed["codes"]) == len(change["classes"]) == SIDE**2
    labels = [picture.legend[int(digit)].label for digit in change["classes"][:3]]
    assert labels == ["5 events", "0 to 4 events", "5 events"]
    assert set(change["classes"][3:]) == {"-"} and change["texts"][:4] == ["5", "0", "5", ""]
    assert change["colours"] == [entry.colour for entry in picture.legend]


def test_outlines_are_the_same_message_whatever_the_filter_and_another_when_they_change():
    first, second = drawn([1, 2, 3]).live, drawn([9] * 400, selected="E00000007").live
    assert json.dumps(first["fixed"]) == json.dumps(second["fixed"])
    renamed = maps.shapes(squares().assign(name="Elsewhere"))
    assert renamed.packed["id"] != SHAPES.packed["id"]
    assert maps.shapes(squares(18)).packed["id"] != SHAPES.packed["id"]


def test_hidden_numbers_travel_as_words_and_never_as_numbers():
    table = pd.DataFrame({"area_code": SHAPES.frame["area_code"], "n": 5, "status": "shown", "n_upper": 7})
    table.loc[3, "status"] = "hidden"
    picture = maps.areas(given(table), colour="n", shapes=SHAPES, context=CONTEXT, view=VIEW, title="Events")
    assert picture.live["change"]["texts"][2:5] == ["5", "hidden", "5"]
    assert picture.legend[-1] == (palettes.HIDDEN, "hidden")


def test_the_count_stands_beside_a_rate():
    table = pd.DataFrame({"area_code": SHAPES.frame["area_code"], "n": 5, "rate": 2.5})
    release = given(table, derived=["rate"])
    change = maps.areas(release, colour="rate", shapes=SHAPES, context=CONTEXT, view=VIEW, title="Rate").live["change"]
    assert change["second"] and change["also"][0] == "5" and change["texts"][0] == "2.5"


def test_a_change_for_1231_areas_is_under_60_kilobytes():
    many = squares(36).head(1_231)
    shapes = maps.shapes(many)
    table = many[["area_code"]].assign(n=range(1_231), rate=np.linspace(0.01, 99, 1_231))
    picture = maps.areas(
        given(table, derived=["rate"]), colour="rate", shapes=shapes, context=CONTEXT, view=VIEW, title="Rate"
    )
    sent = len(json.dumps(picture.live["change"])) + area_canvas.SCRIPT.stat().st_size + len(area_canvas.CSS)
    assert sent < 60_000


def test_the_script_never_makes_html_of_data_and_asks_the_network_for_nothing():
    script = area_canvas.SCRIPT.read_text()
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "fetch(",
        "XMLHttpRequest",
        "http:",
        "https:",
        "import ",
    ):
        assert forbidden not in script
    assert "textContent" in script


APP = """
import sys
import streamlit as st

sys.path.insert(0, TESTS)
from test_area_canvas import drawn
from ui import area_canvas

more = st.toggle("More")
chosen = st.session_state.get("chosen")
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
picture = drawn([(k * 7 + more) % 11 for k in range(400)], selected=chosen, title="<b>Events</b>", height=420,
                points=[[-1.13, 50.82]])
clicked = area_canvas.mount(picture.live, key="map", height=picture.height)
if clicked:
    st.session_state["chosen"] = None if clicked == chosen else clicked
    st.rerun()
st.text(f"chosen {chosen}")
st.text(f"run {st.session_state['runs']}")
"""


@pytest.mark.browser
def test_the_canvas_selects_keeps_view_and_colours_and_sends_outlines_once(tmp_path):
    script = tmp_path / "app.py"
    script.write_text(APP.replace("TESTS", repr(str(Path(__file__).parent))))
    with opened(script, wait_for="canvas[data-drawn]") as seen:
        page = seen.page
        page.wait_for_timeout(1_000)
        canvas = page.locator("canvas[data-drawn]")
        box = canvas.bounding_box()
        assert box["height"] == 420 and box["width"] > 650
        sizes = canvas.evaluate("it => [it.width, it.clientWidth * devicePixelRatio]")
        assert sizes[0] == pytest.approx(sizes[1], abs=1)  # as sharp as the screen

        first = colours(page, box)
        legend = drawn([(k * 7) % 11 for k in range(400)]).legend
        for entry in legend:
            assert (first == palettes.rgb(entry.colour)).all(axis=2).sum() > 500
        assert (first == palettes.rgb(palettes.MARK)).all(axis=2).sum() > 9  # the ring of a marked place
        spots = places_of(first, palettes.rgb(legend[-1].colour))
        left, top = spots[len(spots) // 2].tolist()
        page.mouse.click(box["x"] + left, box["y"] + top)
        assert until(lambda: page.get_by_text("chosen E0").count() == 1)
        name = page.get_by_text("chosen E0").inner_text()
        code = name.split()[1]
        assert code in [f"E{k:08d}" for k in range(400) if (k * 7) % 11 >= 8]  # the darkest class: 8 to 10

        tip = page.locator(".tip:not([hidden])")
        assert tip.inner_text().startswith(f"Place {int(code[1:])}\n<b>Events</b>: ")  # words, not HTML
        page.mouse.move(5, 5)
        page.wait_for_timeout(500)
        second = colours(page, box)
        for entry in legend:
            before, after = ((shot == palettes.rgb(entry.colour)).all(axis=2).sum() for shot in (first, second))
            assert after > 0.9 * before

        page.mouse.move(box["x"] + left, box["y"] + top)
        page.mouse.wheel(0, -300)
        page.mouse.move(5, 5)
        page.wait_for_timeout(500)
        zoomed = colours(page, box)
        assert (zoomed != second).any()
        seen.received.clear()
        page.get_by_text("More").click()
        assert until(lambda: page.get_by_text(name).count() == 1 and page.get_by_text("run 4").count() == 1)
        page.wait_for_timeout(1_000)
        assert sum(seen.received) < 60_000
        changed = colours(page, box)
        around, ink = palettes.rgb(palettes.AROUND), palettes.rgb(palettes.INK)
        for kept in (around, ink):  # the view and the outline are where they were
            assert ((zoomed == kept).all(axis=2) == (changed == kept).all(axis=2)).mean() > 0.999

        canvas.focus()
        for key in ("0", "ArrowLeft", "ArrowLeft", "Enter"):
            page.keyboard.press(key)
        assert until(lambda: page.get_by_text(name).count() == 0)  # the keyboard selects what is in the middle
        assert "Events" in canvas.get_attribute("aria-label")
        assert seen.elsewhere == []
        assert [text for text in seen.errors if "404" not in text] == []
