"""The app in a real Chromium: links, pictures that have drawn, clicks, downloads; nothing asked of anybody else."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from in_browser import FLAGS, ROOT, _answers, chromium, colours, places_of, until

from ui import palettes
from ui.frame import PAGES

PORTSMOUTH = "E06000044"
STREAMLITS_OWN = ("/_stcore/health", "/_stcore/host-config")  # asked for below the page's path, where there is nothing
WATER = [0xDD, 0xE3, 0xE7]
HOT, EXPECTED = ([int(palettes.DIVERGING[i][k : k + 2], 16) for k in (1, 3, 5)] for i in (6, 3))

pytestmark = [pytest.mark.browser, pytest.mark.slow]


# ------------------------------------------------------------------------------------------- the app and its visitors


@contextmanager
def running(folder: Path, log: Path) -> Iterator[str]:
    """The app on a free port, reading a data folder; gives its address without waiting for it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = {name: value for name, value in os.environ.items() if name != "EXPLORER_PARTNERSHIP"}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, cwd=ROOT, env=here | {"EXPLORER_DATA": str(folder)}, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def app(browser: object, demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app with the invented partnership."""
    with running(demo, tmp_path_factory.mktemp("server") / "log") as address:
        _answers(f"{address}/_stcore/health")
        yield address


class Visit:
    """One visitor's tab, and what went wrong in it."""

    def __init__(self, browser: object, address: str, *, theme: str = "light", height: int = 1300) -> None:
        self.address = address
        self.context = browser.new_context(viewport={"width": 1366, "height": height}, color_scheme=theme)
        self.page = self.context.new_page()
        self.errors, self.elsewhere, self.types = [], [], {}
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._request)
        self.page.on("response", lambda r: self.types.update({urlsplit(r.url).path: r.headers.get("content-type")}))

    def _console(self, message: object) -> None:
        if message.type == "error" and not urlsplit(message.location["url"]).path.endswith(STREAMLITS_OWN):
            self.errors.append(f"{message.text} {message.location['url']}")

    def _request(self, request: object) -> None:
        if not request.url.startswith((self.address, "blob:", "data:")):
            self.elsewhere.append(request.url)

    def go(self, link: str) -> "Visit":
        self.page.goto(f"{self.address}/{link}")
        self.page.wait_for_selector("h2", timeout=60_000)
        return self.settled()

    def settled(self) -> "Visit":
        """Until the script has run and the pictures stand still."""
        self.page.wait_for_timeout(300)  # for the run that a click starts to begin
        self.page.wait_for_selector("[data-test-script-state=notRunning]", timeout=60_000)
        last = b""
        for _ in range(20):
            self.page.wait_for_timeout(350)
            now = self.page.screenshot()
            if now == last:
                break
            last = now
        return self

    def asked(self) -> dict[str, list[str]]:
        """The parameters in the address bar."""
        return parse_qs(urlsplit(self.page.url).query)

    def box(self, css: str) -> dict:
        found = self.page.locator(css).first
        found.scroll_into_view_if_needed()
        return found.bounding_box()

    def choose(self, label: str, option: str) -> "Visit":
        self.page.get_by_label(label, exact=True).first.click()
        self.page.get_by_role("option", name=option, exact=True).click()
        return self.settled()

    def clean(self) -> None:
        assert self.errors == []
        assert self.elsewhere == []


@pytest.fixture
def visit(browser: object, app: str) -> Iterator[SimpleNamespace]:
    """Opens tabs; when the test is done none of them may have complained or asked anybody else."""
    visits: list[Visit] = []

    def opened(link: str, **how: object) -> Visit:
        visits.append(Visit(browser, app, **how))
        return visits[-1].go(link)

    yield opened
    for one in visits:
        one.context.close()
        one.clean()


def picture_of(visit: Visit, css: str) -> np.ndarray:
    return colours(visit.page, visit.box(css))


# ------------------------------------------------------------------------------------------- links


def test_every_page_opens_by_its_own_link_before_anybody_opened_the_front_door(
    browser: object, tmp_path: Path
) -> None:
    """One server for each page, so that its visitor is the first one ever; without data they start at once."""
    names = [name for name in PAGES if name != "overview"]  # whose address is the front door
    with ExitStack() as all_of_them:
        addresses = {n: all_of_them.enter_context(running(tmp_path / "data", tmp_path / n)) for n in names}
        for name, address in addresses.items():
            _answers(f"{address}/_stcore/health")
            one = Visit(browser, address).go(f"{name}?area={PORTSMOUTH}&group=rape&group=homicide")
            assert one.page.locator("h2").inner_text().startswith(f"{PAGES[name][0]}: ")
            assert "front door" not in one.page.locator("body").inner_text()
            assert urlsplit(one.page.url).path == f"/{name}"
            assert one.asked() == {"area": [PORTSMOUTH], "group": ["rape", "homicide"]}
            one.context.close()
            one.clean()


def test_a_link_restores_the_view_with_its_selection_and_a_reload_keeps_it(visit: object) -> None:
    link = f"hotspots?area={PORTSMOUTH}&level=lsoa&show=count&preset=year_ago&group=violence_with_injury"
    one = visit(link)
    row = one.box(".st-key-card_list [data-testid=stDataFrame]")
    one.page.mouse.click(row["x"] + 18, row["y"] + 35 + 17)
    one.settled()
    shared = one.page.url
    name = one.page.locator("h3").inner_text()
    assert "selected" in one.asked()
    other = visit(shared.split("/", 3)[3])
    for _ in range(2):
        assert other.page.url == shared
        assert other.page.locator("h3").inner_text() == name
        assert other.page.locator("[class*=st-key-card_place]").count() == 3
        bar = other.page.locator(".st-key-filter_bar").inner_text()
        assert all(said in bar for said in ("Portsmouth", "The 12 months before", "Violence with injury"))
        other.page.reload()
        other.page.wait_for_selector("h3", timeout=60_000)
        other.settled()


# ------------------------------------------------------------------------------------------- what is drawn

DRAWN = {  # page and what to look at: the least number of colours a picture that has drawn has
    "": {".st-key-card_months canvas": 20, ".st-key-card_areas canvas": 20},
    "hotspots": {".st-key-card_map canvas": 20},
    "hotspots?level=lsoa&show=count": {".st-key-card_map canvas": 20},
    f"area_profile?area={PORTSMOUTH}": {
        ".st-key-card_map canvas": 20,
        ".st-key-card_order canvas": 20,
        ".st-key-card_week canvas": 20,
    },
    "trends?split=offence_group": {".st-key-card_trend canvas": 20, ".st-key-card_mix canvas": 20},
    "data_tracker": {".st-key-card_held canvas": 3},
}


@pytest.mark.parametrize("link", DRAWN)
def test_the_pictures_of_a_page_have_drawn(link: str, visit: object) -> None:
    one = visit(link)
    assert one.page.get_by_text("Invented data.").count()
    assert "Something went wrong" not in one.page.locator("body").inner_text()
    for css, least in DRAWN[link].items():
        pixels = picture_of(one, css)
        found = np.unique(pixels.reshape(-1, 3), axis=0)
        assert len(found) >= least, css
        most = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)[1].max() / pixels[..., 0].size
        assert most < 0.995, f"{css} is one colour all over"


def test_pages_follow_the_viewers_light_or_dark(visit: object) -> None:
    ground = {}
    for theme in ("light", "dark"):
        one = visit("trends", theme=theme)
        pixels = picture_of(one, ".st-key-card_trend canvas").reshape(-1, 3)
        ground[theme] = np.median(pixels, axis=0).mean()
        words = np.abs(pixels.mean(axis=1) - ground[theme]) > 150  # of the axis, on the ground of the page
        assert words.sum() > 100
    assert ground["light"] > 240
    assert ground["dark"] < 40


# ------------------------------------------------------------------------------------------- clicks


def water(visit: Visit) -> np.ndarray:
    return (picture_of(visit, ".st-key-card_map canvas") == WATER).all(axis=2)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return (one & other).sum() / (one | other).sum()


def test_a_filter_changes_the_map_and_keeps_the_camera(visit: object) -> None:
    one = visit(f"hotspots?area={PORTSMOUTH}&show=count")
    first = water(one)
    where = one.box(".st-key-card_map canvas")
    one.page.mouse.move(where["x"] + where["width"] * 0.4, where["y"] + where["height"] * 0.6)
    one.page.mouse.wheel(0, -400)
    assert until(lambda: overlap(first, water(one)) < 0.8)
    one.settled()
    before, picture = water(one), picture_of(one, ".st-key-card_map canvas")
    one.choose("Period", "The 12 months before")
    assert one.asked()["preset"] == ["year_ago"]
    assert overlap(before, water(one)) > 0.98
    assert (picture != picture_of(one, ".st-key-card_map canvas")).any(axis=2).mean() > 0.005


def click_cell(visit: Visit, place: np.ndarray) -> None:
    where = visit.box(".st-key-card_map canvas")
    visit.page.mouse.move(where["x"] + place[0], where["y"] + place[1])
    visit.page.wait_for_timeout(400)
    visit.page.mouse.click(where["x"] + place[0], where["y"] + place[1])


def test_a_click_on_a_hexagon_selects_it_and_the_others_keep_their_colours(visit: object) -> None:
    one = visit(f"hotspots?area={PORTSMOUTH}")
    css = ".st-key-card_map canvas"
    before = picture_of(one, css)
    hot = places_of(before, HOT)
    assert len(hot)
    for _ in range(3):  # the first click after a page has loaded is sometimes lost
        click_cell(one, hot[len(hot) // 2])
        if until(lambda: "selected" in one.asked(), seconds=5):
            break
    one.settled()
    [cell] = one.asked()["selected"]
    assert re.fullmatch(r"500:-?\d+:-?\d+", cell)
    assert one.page.locator("h3").count() == 1
    assert one.page.locator("[class*=st-key-card_place]").count() == 3
    one.page.mouse.move(5, 5)
    one.settled()
    after = picture_of(one, css)
    for colour in (HOT, EXPECTED):
        was, now = ((p == colour).all(axis=2) for p in (before, after))
        assert overlap(was, now) > 0.85  # all but the outline of the one that was selected
    one.choose("Period", "The 12 months before")
    assert one.asked()["selected"] == [cell]  # a click long past selects nothing anew


def test_a_click_on_a_row_of_the_list_selects_its_place_until_another_is_clicked(visit: object) -> None:
    one = visit(f"hotspots?area={PORTSMOUTH}")
    assert one.page.locator("h3").count() == 0
    chosen = []
    for number in (1, 3):
        row = one.box(".st-key-card_list [data-testid=stDataFrame]")
        one.page.mouse.click(row["x"] + 18, row["y"] + 35 + 35 * number + 17)
        one.settled()
        chosen += one.asked()["selected"]
        assert one.page.locator("[class*=st-key-card_place]").count() == 3
    assert len(set(chosen)) == 2
    one.choose("Period", "The 12 months before")
    assert one.asked()["selected"] == chosen[-1:]  # the list has changed, the place has not


# ------------------------------------------------------------------------------------------- what is taken away


def test_numbers_and_pictures_come_as_real_files_of_their_kind(visit: object) -> None:
    one = visit("trends")
    card = one.page.locator(".st-key-card_trend")
    for button, kind, begins in (("CSV", "text/csv", b"\xef\xbb\xbf# Title: "), ("Picture", "image/png", b"\x89PNG")):
        with one.page.expect_download() as waiting:
            card.get_by_role("button", name=button).click()
        taken = waiting.value
        content = Path(taken.path()).read_bytes()
        assert content.startswith(begins)
        assert len(content) > 500
        assert one.types[urlsplit(taken.url).path].startswith(kind)
        name = r"each-month-by-source_hampshire-isle-of-wight_jan-2025-to-dec-2025_[\w-]+\.(csv|png)"
        assert re.fullmatch(name, taken.suggested_filename)
        assert taken.suggested_filename.endswith({"CSV": ".csv", "Picture": ".png"}[button])


# ------------------------------------------------------------------------------------------- keyboard


def test_the_keyboard_reaches_the_filter_bar_and_changes_the_area(visit: object) -> None:
    one = visit("methods")
    for _ in range(25):
        one.page.keyboard.press("Tab")
        if one.page.evaluate("!!document.activeElement.closest('.st-key-filter_bar')"):
            break
    else:
        pytest.fail("25 presses of the tab key do not reach the filter bar")
    one.page.keyboard.type("Gosport")
    one.page.keyboard.press("Enter")
    one.settled()
    assert one.asked() == {"area": ["E07000088"]}
