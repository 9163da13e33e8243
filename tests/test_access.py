"""Who sees what: nothing without the front door, nothing off this machine, and in each tier no more than it may see."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from conftest import EXTRACT, record, text_file
from in_app import alone, bar, cards, everything, heading, opened, told, troubles, turned
from test_pages import files  # noqa: F401 - a fixture

from data import ingest, store
from ui import access
from ui.frame import PAGES

CLOSED = ("police", "ed_istv", "ambulance")
NAMES = ("Police records", "Emergency departments", "Ambulance", "Hospital admissions")
DOOR = "This page opens from the front door: [open the explorer](/)."


@pytest.fixture(params=["0.0.0.0", "192.0.2.7", ""])
def off_this_machine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The app is served on an address that others can reach; "" stands for every address."""
    before = st.get_option("server.address")
    st.config.set_option("server.address", request.param or None)
    yield request.param
    st.config.set_option("server.address", before)


# ------------------------------------------------------------------------------------------- outsiders


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opened_alone_as_a_file_shows_the_way_to_the_front_door_and_nothing_else(
    on_demo: Path, name: str
) -> None:
    app = alone(name)
    assert troubles(app) == []
    assert [m.value for m in app.markdown] == [DOOR]
    assert len(app.main.children) == 1
    assert not cards(app)


def test_a_page_opened_alone_shows_no_more_where_others_can_reach_the_app(on_demo: Path, off_this_machine: str) -> None:
    for name in PAGES:
        app = alone(name)
        assert [m.value for m in app.markdown] == [DOOR]
        assert len(app.main.children) == 1


def test_without_sign_in_nobody_is_served_from_another_address(on_demo: Path, off_this_machine: str) -> None:
    assert access.visitor() is None
    for name in PAGES:
        app = opened(name)
        assert [e.value for e in app.error] == [
            "No sign-in is configured, so this app answers on its own machine only."
        ]
        assert not bar(app)
        assert not cards(app)
        assert not re.search(r"\d{3}", "".join(m.value for m in app.markdown))


def test_whoever_writes_another_tier_into_the_session_gets_the_local_one(on_demo: Path) -> None:
    app = opened("overview", tier="everything")
    assert troubles(app) == []
    assert app.session_state["scope"].tier in access.TIERS


# ------------------------------------------------------------------------------------------- tiers


def true_totals(scope: store.Scope) -> set[int]:
    """Totals of closed sources, of each year and of all, which the lower tiers must never meet.

    Only those that are no multiple of 5, as a rounded number would be, and of five digits, so that few other numbers
    look like them.
    """
    found = set()
    for source in CLOSED:
        months = store.monthly_counts(scope.but(sources=(source,)))
        for totals in (months.groupby(months["month"].dt.year)["n"].sum(), pd.Series([months["n"].sum()])):
            found |= {int(n) for n in totals if n >= 10_000 and n % 5}
    return found


def met(text: str, numbers: set[int]) -> list[str]:
    """Where one of the numbers stands in the text, as 25391, 25,391 or 25391.0.

    Letters beside it make it a part of something else: ids of files and elements are hexadecimal, and new in each run.
    """
    written = "|".join(f"{n}|{n:,}" for n in numbers)
    return [
        text[max(m.start() - 60, 0) : m.end() + 20]
        for m in re.finditer(rf"(?<![\w.,])({written})(?!\w|,\d{{3}})", text)
    ]


@pytest.fixture(scope="module")
def secrets(demo: Path) -> set[int]:
    """True totals, which the highest tier does show: else not finding them would mean nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(demo))
        app = opened("overview", link={"preset": "all"})
        every = store.Scope("restricted", app.session_state["scope"].snapshot)
        every = every.but(start=pd.Timestamp("2019-01-01"), end=pd.Timestamp("2025-12-01"))
        found = true_totals(every)
        police = int(store.monthly_counts(every.but(sources=("police",)))["n"].sum())
    assert len(found) >= 5
    assert met(everything(app), {police})
    return found | {police}


def sent(page: str, tier: str, made: dict, **link: object) -> str:
    """All that a visitor of a tier gets of a page, the CSV files behind its buttons included."""
    app = opened(page, tier=tier, link=link)
    assert troubles(app) == [], f"{page} as {tier}"
    taken = [made[card.files["CSV"]]().decode("utf-8-sig") for card in cards(app).values() if "CSV" in card.files]
    return everything(app) + "\n".join(taken)


@pytest.mark.parametrize("tier", ["partner", "public"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_in_a_lower_tier_says_so_and_shows_no_true_total(
    on_demo: Path,
    name: str,
    tier: str,
    secrets: set[int],
    files: dict,  # noqa: F811
) -> None:
    for link in ({"preset": "all"}, {"area": "E06000044"}):
        text = sent(name, tier, files, **link)
        assert f"Viewed as: {access.TIERS[tier]}" in text
        assert met(text, secrets) == []


@pytest.mark.parametrize("source", CLOSED)
def test_a_partner_gets_bands_and_numbers_rounded_to_five_of_a_closed_source(
    on_demo: Path,
    source: str,
    files: dict,  # noqa: F811
) -> None:
    for name, key in (("overview", "months"), ("overview", "areas"), ("trends", "trend")):
        app = opened(name, tier="partner", link={"source": source, "preset": "all"})
        assert troubles(app) == []
        drawn = [
            rows["value"].dropna() for _, data in cards(app)[key].charts for rows in data.values() if "value" in rows
        ]
        assert drawn and len(pd.concat(drawn))
        assert (pd.concat(drawn) % 5 == 0).all(), f"{name}: {key}"


@pytest.mark.parametrize("name", [n for n in PAGES if n != "methods"])
def test_the_public_meets_not_even_the_names_of_closed_sources(on_demo: Path, name: str, files: dict) -> None:  # noqa: F811
    text = sent(name, "public", files, source=["police", "ed_istv"], time="night")
    assert not [label for label in NAMES if label in text]


def test_a_link_does_not_choose_the_tier(on_demo: Path) -> None:
    app = opened("overview", tier="public", link={"view_as": "restricted", "tier": "restricted"})
    assert app.session_state["scope"].tier == "public"


def test_looking_through_other_eyes_and_back_in_one_visit_mixes_nothing(on_demo: Path, secrets: set[int]) -> None:
    app = opened("overview")
    own = {key: card.finding for key, card in cards(app).items()}
    app.session_state["view_as"] = "public"
    app.run()
    assert troubles(app) == []
    assert met(everything(app), secrets) == []
    turned(app, "hotspots")
    assert troubles(app) == []
    assert "Published street-level crime" in cards(app)["map"].note
    app.session_state["view_as"] = "restricted"
    turned(app, "overview")
    assert cards(app)["fresh"].finding == own["fresh"]


@pytest.mark.parametrize("name", PAGES)
def test_where_the_public_may_see_nothing_a_page_says_so(tiny: Path, tmp_path: Path, name: str) -> None:
    rows = [record(f"R{i}", when=f"2024-01-{1 + i:02d} 14:00", recorded="2024-02-01") for i in range(30)]
    ingest.ingest("police_extract", [text_file(tmp_path / "extract.csv", [EXTRACT, *rows])])
    assert troubles(opened(name)) == []
    app = opened(name, tier="public")
    assert troubles(app) == []
    assert heading(app)
    if name not in ("methods", "data_tracker"):
        assert told(app) == ["No records are held at this level of access. The data tracker says what has been loaded."]
        assert not cards(app)
    assert "View as" in [s.label for s in app.selectbox]
