"""What only a browser can show of maps and cards: the camera and the choice outlive a filter, files arrive."""

from io import BytesIO

import numpy as np
import pytest
from in_browser import ROOT, opened, until
from PIL import Image

pytestmark = pytest.mark.browser
MAP = "[class*=st-key-card_map] canvas:visible"  # the map of areas keeps its outlines in a hidden one
HEX, AREAS = "hotspots?area=E06000044&show=count", "hotspots?level=lsoa&show=count"


@pytest.fixture(scope="module")
def visit(demo, tmp_path_factory):
    """One server and one browser on the invented partnership."""
    patch = pytest.MonkeyPatch()
    patch.setenv("EXPLORER_DATA", str(demo))
    with opened(ROOT / "app.py", wait_for=".st-key-card_months") as seen:
        seen.page.set_viewport_size({"width": 1366, "height": 1400})  # the filter bar and the map whole, unscrolled
        yield seen
    patch.undo()


def went(visit, link: str) -> None:
    """Open a link as a new visitor and wait until the map is there and still."""
    address = visit.page.url.split("/", 3)
    visit.page.goto(f"{address[0]}//{address[2]}/{link}")
    visit.page.locator(MAP).first.wait_for(timeout=60_000)
    still(visit)


def still(visit) -> np.ndarray:
    """The map's pixels once the script has run and two looks in a row see the same."""
    seen = [picture(visit)]

    def same() -> bool:
        seen.append(picture(visit))
        busy = visit.page.locator("[data-testid=stStatusWidget]").count()
        return not busy and seen[-1].shape == seen[-2].shape and np.array_equal(seen[-1], seen[-2])

    assert until(same, seconds=60)
    return seen[-1]


def picture(visit) -> np.ndarray:
    canvas = visit.page.locator(MAP).first
    return np.asarray(Image.open(BytesIO(canvas.screenshot())).convert("RGB")).astype(int)


def chosen(visit, label: str, words: str) -> None:
    """Choose something in a control of the filter bar."""
    box = visit.page.get_by_role("combobox", name=label, exact=True)
    box.fill(words)
    visit.page.get_by_role("option", name=words, exact=True).first.wait_for()
    visit.page.keyboard.press("Enter")


def shown(visit) -> str:
    return visit.page.locator("[class*=st-key-card_map]").inner_text()


def alike(one: np.ndarray, other: np.ndarray, sea: np.ndarray) -> float:
    """The share of pixels that are sea in both or in neither: what no filter changes, but for cells on the coast."""
    return float(((one == sea).all(axis=2) == (other == sea).all(axis=2)).mean())


@pytest.mark.parametrize("link", [HEX, AREAS])
def test_the_camera_stays_where_the_visitor_put_it_when_a_filter_changes(visit, link: str) -> None:
    went(visit, link)
    start = still(visit)
    box = visit.page.locator(MAP).first.bounding_box()
    visit.page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    for _ in range(4):
        visit.page.mouse.wheel(0, -240)
        visit.page.wait_for_timeout(150)
    near = still(visit)
    sea = start[2, 2]
    assert alike(start, near, sea) < 0.8, "the wheel did not move the camera"
    before = shown(visit)
    chosen(visit, "Period", "The 12 months before")
    assert until(lambda: shown(visit) != before, seconds=60)
    after = still(visit)
    assert alike(near, after, sea) > 0.9
    assert alike(start, after, sea) < 0.8


def test_a_place_that_was_chosen_stays_chosen_when_a_filter_changes(visit) -> None:
    went(visit, HEX)
    table = visit.page.locator(".st-key-card_list [data-testid=stDataFrame]")

    def clicked() -> bool:
        box = table.bounding_box()
        visit.page.mouse.click(box["x"] + 18, box["y"] + 54)  # the tick of the first row, below the headings
        return until(lambda: "selected=" in visit.page.url, seconds=8)

    assert until(clicked, seconds=60)
    place = visit.page.url.split("selected=")[1].split("&")[0]
    before = shown(visit)
    chosen(visit, "Period", "The 12 months before")
    assert until(lambda: shown(visit) != before, seconds=60)
    assert f"selected={place}" in visit.page.url
    assert until(lambda: visit.page.locator(".st-key-card_place_sources").count() == 1, seconds=60)


@pytest.mark.parametrize(("button", "begins"), [("CSV", b"\xef\xbb\xbf#"), ("Picture", b"\x89PNG")])
def test_a_click_on_a_download_brings_the_file(visit, button: str, begins: bytes) -> None:
    went(visit, f"{HEX}&source=police_uk")
    card = visit.page.locator("[class*=st-key-card_map]").first
    with visit.page.expect_download(timeout=60_000) as waiting:
        card.get_by_role("button", name=button).click()
    assert waiting.value.path().read_bytes().startswith(begins)


def test_every_page_is_legible_on_dark_ground(visit) -> None:
    visit.page.emulate_media(color_scheme="dark")
    try:
        for name in ("", "hotspots", "trends"):
            address = visit.page.url.split("/", 3)
            visit.page.goto(f"{address[0]}//{address[2]}/{name}")
            visit.page.locator(".stMain h2").first.wait_for(timeout=60_000)
            ground, ink = visit.page.evaluate(
                """() => [getComputedStyle(document.querySelector('.stApp')).backgroundColor,
                          getComputedStyle(document.querySelector('.stMain h2')).color]"""
            )
            assert brightness(ground) < 60 < 180 < brightness(ink), name
    finally:
        visit.page.emulate_media(color_scheme="light")


def brightness(colour: str) -> float:
    """Of a colour as the browser writes it: rgb(1, 2, 3)."""
    return sum(float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]) / 3
