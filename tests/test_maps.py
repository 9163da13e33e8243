"""Maps: what is drawn is what the legend says, nothing is asked of the network, and a click is an event."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from in_browser import colours, opened, places_of, until

from analytics.disclosure import Provenance, Release, Rules, release
from ui import maps, palettes

REAL = Path(__file__).parent.parent.parent / "shared/real/geography/hiow_boundaries_bgc.gpkg"
ORIGIN = (460_000, 100_000)  # two authorities of 10 km, side by side on the south coast


def given(table: pd.DataFrame, counts: list[str] = ["n"], derived: list[str] = []) -> Release:
    where = Provenance("Here", "2025", ("Police",), "where it happened", "s1", "2025-01-01", "2025-01", False)
    return release(
        table, counts=counts, derived=derived, title="Events", rules=Rules("public", "all"), provenance=where
    )


def hexagons(n: list, size_m: int = 500) -> pd.DataFrame:
    q, r = np.arange(len(n)) % 30, np.arange(len(n)) // 30
    x = ORIGIN[0] + 1.5 * size_m / 3**0.5 * q
    y = ORIGIN[1] + size_m * (r + q / 2)
    return pd.DataFrame({"cell_id": [f"{size_m}:{a}:{b}" for a, b in zip(q, r, strict=True)], "x": x, "y": y, "n": n})


def authorities() -> pd.DataFrame:
    x, y = ORIGIN
    boxes = [shapely.box(x, y, x + 10_000, y + 10_000), shapely.box(x + 10_000, y, x + 20_000, y + 10_000)]
    return pd.DataFrame({"area_code": ["E1", "E2"], "name": ["Westham", "Eastham"], "geometry": boxes})


def towns() -> pd.DataFrame:
    x, y = ORIGIN
    rows = [
        ("Hamlet", x + 5_100, y + 5_000, 50),
        ("Westham", x + 5_000, y + 5_000, 90),
        ("Faraway", x - 9_000, y, 9_999),
    ]
    return pd.DataFrame(rows, columns=["name", "x", "y", "population"])


CONTEXT = maps.context(authorities(), towns())
VIEW = maps.view_of(shapely.union_all(authorities()["geometry"].to_numpy()))


def drawn_cells(table: pd.DataFrame, **how: object) -> maps.Picture:
    settings = {"colour": "n", "size_m": 500, "title": "Events per cell", "unit": "events"} | how
    return maps.cells(given(table), context=CONTEXT, view=VIEW, **settings)


def drawn_areas(table: pd.DataFrame, frame: pd.DataFrame, **how: object) -> maps.Picture:
    settings = {"colour": "n", "title": "Events", "unit": "events"} | how
    return maps.areas(given(table), shapes=maps.shapes(frame), context=CONTEXT, view=VIEW, **settings)


def layers(picture: maps.Picture, kind: str = "") -> dict[str, dict]:
    (stack,) = json.loads(picture.live.to_json())["layers"]
    return {layer["id"]: layer for layer in stack if layer["id"].startswith(kind)}


def hexed(rgb: list[int]) -> str:
    return "#" + "".join(f"{part:02X}" for part in rgb)


# ------------------------------------------------------------------------------------------ legend


def test_the_legend_is_the_list_of_drawn_colours_with_units():
    # By hand, quantiles that occur at 40, 70, 88 and 97 in a hundred of eight values: 3, 8, 21, 21.
    picture = drawn_cells(hexagons([1, 1, 2, 3, 5, 8, 13, 21]))
    assert [entry.label for entry in picture.legend] == [
        "1 to 2 events",
        "3 to 7 events",
        "8 to 20 events",
        "21 events",
    ]
    fills = layers(picture, "cells-")
    assert [hexed(layer["getFillColor"]) for layer in fills.values()] == [entry.colour for entry in picture.legend]
    assert [[row[4] for row in layer["data"]] for layer in fills.values()] == [[1, 1, 2], [3, 5], [8, 13], [21]]


def test_classes_that_would_be_the_same_are_one():
    assert [entry.label for entry in drawn_cells(hexagons([4, 4, 4])).legend] == ["4 events"]
    assert [entry.label for entry in drawn_cells(hexagons([1])).legend] == ["1 event"]


def test_cells_without_events_are_not_drawn_and_none_at_all_is_an_empty_map():
    assert sum(len(layer["data"]) for layer in layers(drawn_cells(hexagons([0, 2, 0])), "cells-").values()) == 1
    empty = drawn_cells(hexagons([0, 0]))
    assert empty.legend == () and layers(empty, "cells-") == {} and "Nothing to show" in empty.alt
    assert drawn_cells(hexagons([1]).head(0)).legend == ()


def test_numbers_that_may_not_be_shown_have_their_own_colour_and_words():
    table = hexagons([12, 3, 0]).assign(status=["shown", "band", "not supplied"], n_upper=[12, 7, 0])
    picture = drawn_cells(table)
    assert [entry.label for entry in picture.legend] == ["12 events", "hidden: fewer than 8", "not supplied"]
    said = [row[4] for layer in layers(picture, "cells-").values() for row in layer["data"]]
    assert said == [12, "<8", "not supplied"]
    assert len({entry.colour for entry in picture.legend} | {palettes.LAND, palettes.AROUND}) == 5


def test_what_is_hidden_beside_a_small_number_is_not_called_small():
    table = hexagons([50, 3]).assign(status=["hidden", "band"], n_upper=[60, 7])
    assert [entry.label for entry in drawn_cells(table).legend] == ["hidden, or fewer than 8"]
    assert [entry.label for entry in drawn_cells(table.head(1)).legend] == ["hidden"]
    assert "50" not in json.dumps([layer["data"] for layer in layers(drawn_cells(table), "cells-").values()])


def test_hot_spots_are_named_and_what_is_neither_hot_nor_cold_is_drawn_where_events_are():
    table = hexagons([9, 4, 0, 0]).assign(k=[3, 0, 0, -2])
    picture = drawn_cells(table, colour="k", scheme="class", title="Hot spots")
    assert [entry.label for entry in picture.legend] == ["cold spot, 95% sure", "as expected", "hot spot, 99% sure"]
    assert [len(layer["data"]) for layer in layers(picture, "cells-").values()] == [1, 1, 1]
    assert picture.live._tooltip["text"].count("{") == 2  # the class, and how many events


def test_ordered_words_keep_their_order_and_get_darker():
    frame = authorities().assign(k=pd.Categorical(["low", "high"], ["low", "middle", "high"], ordered=True), n=[1, 2])
    picture = drawn_areas(frame.drop(columns="geometry"), frame, colour="k", scheme="class")
    assert [entry.label for entry in picture.legend] == ["low", "high"]
    assert [lightness(entry.colour) for entry in picture.legend] == sorted(
        (lightness(entry.colour) for entry in picture.legend), reverse=True
    )


def test_rates_part_at_round_numbers_and_no_class_is_empty():
    values = pd.Series([1.234, 2.345, 3.456, 4.567, 5.678, np.nan])
    index, legend = palettes.classed(values, scheme="count", unit="per 1,000")
    # By hand: the values at 20, 40, 60 and 80 in a hundred are 2.345, 3.456, 4.567, 5.678, to two
    # figures 2.3, 3.5, 4.6, 5.7: 3.456 is in the second class with 2.345, and none is left for the fifth.
    assert [entry.label for entry in legend] == [
        "under 2.3 per 1,000",
        "2.3 to under 3.5 per 1,000",
        "3.5 to under 4.6 per 1,000",
        "4.6 or more per 1,000",
    ]
    assert index.tolist() == [0, 1, 1, 2, 3, -1]


def test_values_around_zero_part_at_the_same_sizes_on_both_sides():
    index, legend = palettes.classed(pd.Series([-3.0, -2.0, 0.0, 2.0, 3.0]), scheme="diverging", breaks=(1.96, 2.58))
    assert [entry.label for entry in legend] == [
        "under −2.58",
        "−2.58 to under −1.96",
        "−1.96 to under 1.96",
        "1.96 to under 2.58",
        "2.58 or more",
    ]
    assert index.tolist() == [0, 1, 2, 3, 4]
    assert legend[2].colour == palettes.DIVERGING[3]  # the middle of seven


def test_equal_fractions_are_one_class_that_says_the_value():
    assert palettes.classed(pd.Series([2.5, 2.5]), scheme="count", unit="per 1,000")[1][0].label == "2.5 per 1,000"


# ------------------------------------------------------------------------------------------ colours

# Machado, Oliveira & Fernandes (2009), severity 1.0, on linear RGB.
SEEN_BY = {
    "everyone": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colour: str, seen_by: str = "everyone") -> np.ndarray:
    """CIE L*a*b* of an sRGB colour under D65 (IEC 61966-2-1; CIE 15)."""
    channel = np.array(palettes.rgb(colour)) / 255
    linear = np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)
    linear = np.clip(SEEN_BY[seen_by] @ linear, 0, 1)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = to_xyz @ linear / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def lightness(colour: str) -> float:
    return lab(colour)[0]


@pytest.mark.parametrize("ramp", [palettes.SEQUENTIAL, palettes.DIVERGING])
def test_ramps_fall_in_lightness_so_that_a_grey_print_keeps_their_order(ramp):
    steps = -np.diff([lightness(colour) for colour in ramp])
    assert steps.min() > 3
    assert lightness(ramp[0]) < lightness(palettes.LAND) < lightness(palettes.HIDDEN)


def test_the_classes_of_counts_are_far_apart_in_grey():
    assert np.diff([lightness(colour) for colour in palettes.SEQUENTIAL]).max() < -10


@pytest.mark.parametrize("eyes", SEEN_BY)
@pytest.mark.parametrize("ramp", [palettes.SEQUENTIAL, palettes.DIVERGING])
def test_no_two_colours_of_a_map_look_alike_to_anyone(ramp, eyes):
    # A difference of 2.3 is just noticeable (Mahy et al. 1994); twice that is seen without looking for it.
    every = [*ramp, palettes.HIDDEN, palettes.NOT_SUPPLIED, palettes.LAND]
    seen = np.array([lab(colour, eyes) for colour in every])
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=2)[np.triu_indices(len(every), 1)]
    assert apart.min() > 4.6


# ------------------------------------------------------------------------------------------ the ground


def test_a_hexagon_is_flat_topped_with_its_first_corner_east_and_has_the_true_area():
    corners = maps.hexagon(1_000, 2_000, 500 / 3**0.5)
    assert corners[0] == corners[-1] == [1288.7, 2000.0]  # 500 / sqrt(3) = 288.68
    assert max(y for _, y in corners) - min(y for _, y in corners) == 500
    assert shapely.Polygon(corners).area == pytest.approx(3**0.5 / 2 * 500**2, rel=1e-3)


def test_cells_are_drawn_where_another_library_puts_them():
    geopandas = pytest.importorskip("geopandas")
    table = hexagons([1, 1, 1])
    (layer,) = layers(drawn_cells(table), "cells-").values()
    lon0, lat0 = re.findall(r"(-?[\d.]+)\+this", layer["getPosition"])
    drawn = [[float(lon0) + row[0] / 100_000, float(lat0) + row[1] / 100_000] for row in layer["data"]]
    true = geopandas.GeoSeries(geopandas.points_from_xy(table["x"], table["y"]), crs=27700).to_crs(4326)
    assert np.abs(np.array(drawn) - np.column_stack([true.x, true.y])).max() < 1.1e-5  # a metre
    assert (layer["diskResolution"], layer["extruded"], layer["radius"]) == (6, False, 288.68)


def test_columns_are_turned_with_the_grid():
    # East of the central meridian, grid north lies to the east of true north by about (lon + 2) * sin(lat):
    # at 1.0 W, 50.83 N that is 0.78 degrees, so the grid's east points that much below true east.
    (layer,) = layers(drawn_cells(hexagons([1])), "cells-").values()
    assert layer["angle"] == pytest.approx(-(VIEW.longitude + 2) * np.sin(np.radians(VIEW.latitude)), abs=0.03)


def test_borders_are_what_authorities_share_and_names_beyond_them_are_left_out():
    x, y = ORIGIN
    assert [sorted(line) for line in CONTEXT.grid["borders"]] == [[[x + 10_000, y], [x + 10_000, y + 10_000]]]
    assert [name for *_, name in CONTEXT.towns] == ["Westham", "EASTHAM", "Hamlet"]  # Faraway is not ours


def test_authorities_are_named_even_where_no_town_is_known():
    bare = maps.context(authorities(), towns().head(0))
    assert [name for *_, name in bare.towns] == ["WESTHAM", "EASTHAM"]


def test_of_two_names_that_collide_the_larger_town_is_written():
    assert [name for *_, name in layers(drawn_cells(hexagons([1])))["towns"]["data"]] == ["Westham", "EASTHAM"]


def test_neighbours_that_are_simplified_still_touch():
    x, y = ORIGIN
    wave = [(x + 500 + 60 * (-1) ** k, y + 100 * k) for k in range(11)]
    left = shapely.Polygon([(x, y), *wave, (x, y + 1_000)])
    right = shapely.Polygon([(x + 1_000, y), *wave, (x + 1_000, y + 1_000)])
    areas = pd.DataFrame({"area_code": ["a", "b"], "name": ["A", "B"], "geometry": [left, right]})
    simple = maps.shapes(areas).frame["geometry"].to_numpy()
    assert shapely.union_all(simple).area == pytest.approx(shapely.area(simple).sum())
    assert shapely.union_all(simple).area == pytest.approx(1_000_000, rel=0.02)


# ------------------------------------------------------------------------------------------ the deck


def test_no_map_asks_the_network_for_anything():
    cells = drawn_cells(hexagons([1, 2, 3])).live.to_json()
    assert json.loads(cells)["mapStyle"] == "__MAP_STYLE__"  # nothing chosen; None would mean a map from the internet
    assert "mapProvider" not in json.loads(cells)
    assert "http" not in cells and "carto" not in cells.lower()


def test_every_layer_is_in_a_list_of_its_own_so_that_a_selection_fades_nothing():
    (stack,) = json.loads(drawn_cells(hexagons([1, 2])).live.to_json())["layers"]
    assert isinstance(stack, list) and len(stack) > 4


def test_a_selection_adds_an_outline_and_changes_no_colour():
    table = hexagons([1, 2, 9])
    plain, chosen = drawn_cells(table), drawn_cells(table, selected="500:2:0")
    assert plain.legend == chosen.legend
    same = [
        [(layer["getFillColor"], layer["data"]) for layer in layers(picture, "cells-").values()]
        for picture in (plain, chosen)
    ]
    assert same[0] == same[1]
    assert layers(plain)["selected"]["data"] == [] and len(layers(chosen)["selected"]["data"][0]) == 7


def test_the_camera_depends_on_the_authority_alone():
    first, second = drawn_cells(hexagons([1])), drawn_cells(hexagons([5] * 40))
    views = [json.loads(picture.live.to_json())["initialViewState"] for picture in (first, second)]
    assert views[0] == views[1]


def test_what_a_tooltip_says_is_plain_text_with_the_number():
    picture = drawn_cells(hexagons([1_234]))
    assert picture.live._tooltip["text"] == "Events per cell: {4}"
    assert [row[4] for row in layers(picture, "cells-")["cells-500-0-"]["data"]] == ["1,234"]
    frame = authorities().assign(n=[3, 4])
    assert drawn_areas(frame.drop(columns="geometry"), frame).live._tooltip == {"text": "{name}\nEvents: {text}"}


def test_a_click_gives_the_id_once_and_then_no_more():
    table = hexagons([1, 2, 9])
    before = drawn_cells(table)
    (name, layer) = list(layers(before, "cells-").items())[-1]
    event = {"selection": {"indices": {name: [0]}, "objects": {name: [layer["data"][0]]}}}
    assert maps.clicked(event, "cell_id") == maps.clicked(event, "cell_id", before.live) == "500:2:0"
    after = drawn_cells(table, selected="500:2:0")
    assert maps.clicked(event, "cell_id", after.live) is None
    assert maps.clicked({"selection": {"indices": {}, "objects": {}}}, "cell_id", after.live) is None


def test_a_click_on_an_area_gives_its_code():
    frame = authorities().assign(n=[3, 4])
    picture = drawn_areas(frame.drop(columns="geometry"), frame)
    (name, layer) = next(iter(layers(picture, "areas-").items()))
    event = {"selection": {"objects": {name: [layer["data"][0]]}}}
    assert maps.clicked(event, picture.selects, picture.live) == "E1"


def test_an_area_without_a_row_stays_bare_land():
    frame = authorities()
    picture = drawn_areas(pd.DataFrame({"area_code": ["E2"], "n": [4]}), frame)
    codes = [f["properties"]["area_code"] for layer in layers(picture, "areas-").values() for f in layer["data"]]
    assert codes == ["E2"]


def test_tables_are_left_as_they_were():
    table = hexagons([1, 0, 3])
    kept = given(table)
    before = kept.table.copy()
    maps.cells(kept, colour="n", size_m=500, context=CONTEXT, view=VIEW, title="t", selected="500:0:0")
    pd.testing.assert_frame_equal(kept.table, before)
    frame = authorities()
    maps.shapes(frame)
    pd.testing.assert_frame_equal(frame, authorities())


# ------------------------------------------------------------------------------------------ the file


def colours_of(chart: object) -> list[str]:
    return next(
        layer["encoding"]["color"]["scale"]["range"] for layer in chart.to_dict()["layer"] if "encoding" in layer
    )


def test_the_still_has_the_colours_of_the_screen_and_becomes_a_picture():
    vl_convert = pytest.importorskip("vl_convert")
    picture = drawn_cells(hexagons([1, 1, 2, 3, 5, 8, 13, 21]), selected="500:2:0")
    chart = picture.still()
    assert colours_of(chart) == [entry.colour for entry in picture.legend]
    svg = vl_convert.vegalite_to_svg(chart.to_dict())
    drawn = {found.upper() for found in re.findall(r'fill="(#[0-9a-fA-F]{6})"', svg)}
    assert drawn >= {entry.colour for entry in picture.legend} | {palettes.LAND, palettes.AROUND}
    assert "Westham" in svg and " km" in svg


def test_the_still_of_areas_has_their_colours_too():
    frame = authorities().assign(n=[3, 4])
    picture = drawn_areas(frame.drop(columns="geometry"), frame)
    assert colours_of(picture.still()) == [entry.colour for entry in picture.legend]


# ------------------------------------------------------------------------------------------ sizes


def real_areas(layer: str, code: str, name: str) -> pd.DataFrame:
    if not REAL.exists():
        pytest.skip("../shared is not here")
    import geopandas

    found = geopandas.read_file(REAL, layer=layer).to_crs(27700)
    return found.rename(columns={code: "area_code", name: "name", "LADCD_ACTIVE": "authority_code"})


@pytest.mark.real
def test_real_maps_travel_light():
    lsoas = real_areas("lsoa2021", "LSOA21CD", "LSOA21NM")
    whole = lsoas.assign(geometry=lsoas.make_valid()).dissolve("authority_code").reset_index().drop(columns="area_code")
    context = maps.context(whole.assign(name=whole["authority_code"]), towns().head(0))
    view = maps.view_of(whole.union_all())
    random = np.random.default_rng(0)
    for size, count, most in ((500, 5_000, 300_000), (250, 10_072, 500_000), (150, 15_400, 500_000)):
        q, r = random.integers(900, 1_060, count), random.integers(-300, -200, count)
        table = pd.DataFrame({"cell_id": [f"{size}:{a}:{b}" for a, b in zip(q, r, strict=True)]})
        table = table.assign(x=random.integers(400_000, 490_000, count), y=random.integers(75_000, 165_000, count))
        table["n"] = random.geometric(0.02, count)
        picture = maps.cells(given(table), colour="n", size_m=size, context=context, view=view, title="Events")
        assert len(picture.live.to_json()) < most
    shapes = maps.shapes(lsoas)
    table = lsoas[["area_code", "name"]].assign(n=random.integers(0, 2_000, len(lsoas)))
    picture = maps.areas(given(table), colour="n", shapes=shapes, context=context, view=view, title="Events")
    assert picture.kind == "areas" and len(json.dumps(picture.live["change"])) < 60_000
    assert len(json.dumps(picture.live["fixed"])) < 350_000


@pytest.mark.real
def test_real_areas_of_one_authority_make_a_light_deck():
    lsoas = real_areas("lsoa2021", "LSOA21CD", "LSOA21NM")
    for code in ("E06000044", "E06000045", "E07000091"):  # Portsmouth, Southampton, New Forest
        some = lsoas[lsoas["authority_code"] == code]
        table = some[["area_code", "name"]].assign(n=range(len(some)))
        picture = drawn_areas(table, some)
        assert picture.kind == "deck" and len(picture.live.to_json()) < 300_000


# ------------------------------------------------------------------------------------------ in a browser

APP = """
import sys
import pandas as pd
import streamlit as st

sys.path.insert(0, TESTS)
from test_maps import drawn_cells, hexagons
from ui import maps

more = st.toggle("More")
chosen = st.session_state.get("chosen")
picture = drawn_cells(hexagons([1 + (k * 7 + more) % 9 for k in range(420)], 500), selected=chosen, height=420)
event = st.pydeck_chart(picture.live, on_select="rerun", selection_mode="single-object", key="map", height=420)
clicked = maps.clicked(event, picture.selects, picture.live)
if clicked:
    st.session_state["chosen"] = None if clicked == chosen else clicked
    st.rerun()
st.text(f"chosen {chosen}")
"""


@pytest.mark.browser
def test_a_click_selects_keeps_every_colour_and_the_view_and_a_second_click_lets_go(tmp_path):
    script = tmp_path / "app.py"
    script.write_text(APP.replace("TESTS", repr(str(Path(__file__).parent))))
    with opened(script, wait_for="canvas") as seen:
        page = seen.page
        page.wait_for_timeout(2_000)
        box = page.locator("canvas").bounding_box()
        dark = palettes.rgb(palettes.SEQUENTIAL[-1])
        assert until(lambda: len(places_of(colours(page, box), dark)) > 20)
        first = colours(page, box)
        spots = places_of(first, dark)
        left, top = spots[len(spots) // 2].tolist()

        def click() -> None:
            page.mouse.click(box["x"] + left, box["y"] + top)

        def said(text: str) -> bool:
            return page.get_by_text(text).count() == 1

        def selected() -> bool:
            click()  # the first click after loading may be lost
            return until(lambda: not said("chosen None"), seconds=4)

        assert until(selected, seconds=30)
        page.mouse.move(5, 5)  # no tooltip over the map
        page.wait_for_timeout(1_500)
        second = colours(page, box)
        for entry in drawn_cells(hexagons([1 + k % 9 for k in range(420)])).legend:
            before, after = ((picture == palettes.rgb(entry.colour)).all(axis=2).sum() for picture in (first, second))
            assert after > 0.9 * before > 100  # the outline covers a little of some; a fade would take all

        name = page.get_by_text("chosen 500:").inner_text()
        page.get_by_text("More").click()
        page.wait_for_timeout(2_500)
        assert said(name)
        third = colours(page, box)
        land = [(picture == palettes.rgb(palettes.AROUND)).all(axis=2).sum() for picture in (second, third)]
        assert land[0] == land[1]  # the camera has not moved

        click()
        assert until(lambda: said("chosen None"))
        assert seen.elsewhere == []
        assert [text for text in seen.errors if "404" not in text] == []
