"""The app in a real Chromium, on the invented partnership: every page opens and draws, and asks nobody else."""

import pytest
from in_browser import ROOT, opened, until

pytestmark = pytest.mark.browser
PAGES = (
    "",
    "hotspots",
    "compare",
    "area_profile",
    "trends",
    "outcomes",
    "admissions",
)  # the overview is the front door
PAGES += ("risk_factors", "factor_catalogue", "data_tracker", "methods")
OWN = ("_stcore/health", "host-config", "404")  # Streamlit looks for its own addresses below each page's first


@pytest.fixture(scope="module")
def visit(demo, tmp_path_factory):
    """One server and one browser on the invented partnership."""
    patch = pytest.MonkeyPatch()
    patch.setenv("EXPLORER_DATA", str(demo))
    with opened(ROOT / "app.py", wait_for=".st-key-card_months") as seen:
        yield seen
    patch.undo()


def went(visit, link: str) -> None:
    """Open a link as a new visitor and wait until its first card is there."""
    address = visit.page.url.split("/", 3)
    visit.page.goto(f"{address[0]}//{address[2]}/{link}")
    visit.page.locator(".stMain h2").first.wait_for(timeout=60_000)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_by_its_link_with_its_heading_and_says_the_data_are_invented(visit, name: str) -> None:
    went(visit, name)
    assert until(lambda: "Invented data" in visit.page.inner_text("body"), seconds=60)
    assert until(lambda: visit.page.locator("[class*=st-key-card_], .stExpander").count() > 0, seconds=60)
    assert visit.page.locator(".stException").count() == 0


def test_the_map_of_hexagons_is_drawn_in_more_than_one_colour(visit) -> None:
    went(visit, "hotspots?area=E06000044&show=count")
    canvas = visit.page.locator(".st-key-card_map canvas").first
    canvas.wait_for(timeout=60_000)

    def many() -> bool:
        return len(set(canvas.screenshot())) > 200  # a blank canvas packs into a few different bytes

    assert until(many, seconds=60)
    assert "per place" in visit.page.inner_text(".st-key-card_map")  # the legend with its unit


def test_a_click_on_a_row_selects_the_place_and_the_address_says_so(visit) -> None:
    went(visit, "hotspots?area=E06000044&selected=")
    table = visit.page.locator(".st-key-card_list [data-testid=stDataFrame]")
    table.wait_for(timeout=60_000)

    def chosen() -> bool:
        box = table.bounding_box()
        visit.page.mouse.click(box["x"] + 18, box["y"] + 54)  # the tick of the first row, below the headings
        return until(lambda: "selected=500" in visit.page.url, seconds=8)

    assert until(chosen, seconds=60)
    assert until(lambda: visit.page.locator(".st-key-card_place_trend").count() == 1, seconds=60)


def test_no_page_asked_anything_of_another_machine_and_the_console_is_clean(visit) -> None:
    assert visit.elsewhere == []
    assert [e for e in visit.errors if not any(own in e for own in OWN)] == []
