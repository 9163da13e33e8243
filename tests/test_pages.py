"""Every page on the invented partnership and on none: it runs, says whose data it shows, and makes no zero of a gap."""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_app import Card, cards, everything, heading, opened, told, troubles, turned
from streamlit.runtime.media_file_manager import MediaFileManager

from data import ingest, store
from ui.frame import PAGES

YEAR, END = "Jan 2025 to Dec 2025", "to Dec 2025"  # the newest twelve months of the invented records
NOT_ABOUT_A_PERIOD = ("methods",)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What a click on a download button would fetch, by the id of the file."""
    made, deferred = {}, MediaFileManager.add_deferred

    def noted(manager: MediaFileManager, data: object, *args: object, **more: object) -> str:
        name = deferred(manager, data, *args, **more)
        made[name] = data
        return name

    monkeypatch.setattr(MediaFileManager, "add_deferred", noted)
    return made


# ------------------------------------------------------------------------------------------- with records


@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_and_says_that_its_data_are_invented_and_where_they_come_from(on_demo: Path, name: str) -> None:
    app = opened(name)
    assert troubles(app) == []
    assert heading(app).startswith(f"## {PAGES[name][0]}: ")
    assert [w.value for w in app.warning if "Invented data" in w.value]
    shown = cards(app)
    assert shown
    for card in shown.values():
        assert card.finding
        assert card.note.startswith("INVENTED DATA. ")
    if name not in (*NOT_ABOUT_A_PERIOD, "data_tracker", "outcomes", "admissions", "factor_catalogue"):
        assert any("Police records" in card.note and END in card.note for card in shown.values())


def test_every_chart_and_map_can_be_taken_away_as_numbers_and_as_a_picture(on_demo: Path) -> None:
    for name in PAGES:
        for key, card in cards(opened(name, link={"source": "police_uk"})).items():
            if card.charts or card.maps:
                assert set(card.files) == {"CSV", "Picture"}, f"{name}: {key}"
            elif card.tables:
                assert set(card.files) == {"CSV"}, f"{name}: {key}"


def test_pages_follow_one_another_in_one_visit(on_demo: Path) -> None:
    app = opened("overview")
    for name in (*PAGES, *PAGES):
        turned(app, name)
        assert troubles(app) == []
        assert heading(app).startswith(f"## {PAGES[name][0]}: ")


def test_text_on_the_pages_has_no_column_names_and_no_missing_values_in_it(on_demo: Path) -> None:
    for name in ("overview", "hotspots", "area_profile", "trends", "data_tracker"):
        app = opened(name)
        words = " ".join([m.value for m in app.markdown] + [c.value for c in app.caption] + told(app))
        assert not re.findall(r"\b(?:nan|None|NaT|<NA>|[a-z]+_[a-z_]+|\d+e[+-]\d+|\d+\.\d{4,})\b|  ", words), name


# ------------------------------------------------------------------------------------------- without


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_kind_when_nothing_has_been_loaded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    app = opened(name)
    assert troubles(app) == []
    assert heading(app).startswith(f"## {PAGES[name][0]}: ")
    assert "python -m data demo" in told(app)[0]
    assert not cards(app)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_kind_when_areas_are_held_but_no_records(tiny: Path, name: str) -> None:
    app = opened(name)
    assert troubles(app) == []
    assert told(app) or cards(app)


# ------------------------------------------------------------------------------------------- gaps


def lines(card: Card) -> pd.DataFrame:
    """The rows of a chart that a month belongs to, whichever layer draws them."""
    [(_, data)] = card.charts
    return next(rows for rows in data.values() if {"month", "value"} <= set(rows))


def test_a_month_that_was_not_supplied_is_no_point_of_the_line_and_never_zero(on_demo: Path) -> None:
    app = opened("trends", link={"source": "police_uk", "preset": "all"})
    drawn = lines(cards(app)["trend"]).set_index("month")["value"]
    scope = app.session_state["scope"]
    held = set(store.held_months(scope, "police_uk"))
    every = pd.date_range(min(held), max(held), freq="MS")
    missing = [month for month in every if month not in held]
    assert missing, "the invented street data are to lack a month"
    assert drawn.reindex(missing).isna().all()
    assert drawn.dropna().gt(0).all()
    assert set(drawn.dropna().index) == held


def test_small_multiples_leave_the_same_gap_in_every_authority(on_demo: Path) -> None:
    app = opened("overview", link={"source": "police_uk"})
    scope = app.session_state["scope"]
    held = set(store.held_months(scope, "police_uk"))
    [(_, data)] = cards(app)["areas"].charts
    drawn = next(rows for rows in data.values() if {"month", "value"} <= set(rows)).dropna(subset=["value"])
    assert set(drawn["month"]) <= held
    assert drawn["value"].gt(0).all()


# ------------------------------------------------------------------------------------------- what is taken away


def table_of(csv: bytes) -> tuple[list[str], pd.DataFrame]:
    text = csv.decode("utf-8-sig")
    notes = [line for line in text.splitlines() if line.startswith("#")]
    return notes, pd.read_csv(io.StringIO(text), comment="#")


def test_a_csv_holds_the_numbers_the_card_shows_and_where_they_come_from(on_demo: Path, files: dict) -> None:
    card = cards(opened("trends", link={"area": "E06000044"}))["trend"]
    notes, table = table_of(files[card.files["CSV"]]())
    drawn = lines(card)
    assert table["Records"].tolist() == drawn["value"].tolist()
    about = "\n".join(notes)
    for said in ("INVENTED DATA", card.finding, "Area: Portsmouth", f"Period: {YEAR}", "Source: Police records"):
        assert said in about
    assert f"Records (n): {int(drawn['value'].sum()):,}" in about
    assert "Snapshot: " in about and "Marking: " in about


def test_the_csv_of_the_ranked_list_is_the_list(on_demo: Path, files: dict) -> None:
    card = cards(opened("hotspots", link={"source": "police_uk"}))["list"]
    _, table = table_of(files[card.files["CSV"]]())
    [shown] = card.tables
    assert len(shown) == 25
    assert table["Records"].tolist() == shown["n"].tolist()
    assert np.allclose(100 * table["Share (0 to 1)"], shown["share"])


@pytest.mark.parametrize(
    ("source", "level", "files"),
    [
        ("police_uk", "hex", {"CSV", "Picture"}),  # published by its owner
        ("police", "hex", {"Picture"}),
        ("police", "lsoa", {"CSV", "Picture"}),  # a year of small areas
        ("ed_istv", "lsoa", {"Picture"}),
        ("ed_istv", "msoa", {"CSV", "Picture"}),
    ],
)
def test_numbers_of_closed_sources_leave_no_finer_than_they_may(
    source: str, level: str, files: set, on_demo: Path
) -> None:
    card = cards(opened("hotspots", link={"source": source, "level": level}))["map"]
    assert set(card.files) == files
    month = {"from": "2025-05", "to": "2025-05"}
    assert "CSV" not in cards(opened("hotspots", link={"source": "police", "level": "msoa", **month}))["map"].files


def test_of_a_place_no_number_of_a_closed_source_leaves_in_a_file_or_a_picture(on_demo: Path) -> None:
    cells = store.cell_counts(
        store.Scope(
            "restricted",
            store.snapshot_facts()["id"],
            start=pd.Timestamp("2025-01-01"),
            end=pd.Timestamp("2025-12-01"),
            sources=("police",),
        ),
        size_m=500,
    )
    place = cells.nlargest(1, "n")["cell_id"].iat[0]
    closed = cards(opened("hotspots", link={"selected": place}))
    assert [set(closed[f"place_{key}"].files) for key in ("trend", "mix", "week", "sources")] == [set()] * 4
    published = cards(opened("hotspots", link={"selected": place, "source": "police_uk"}))
    assert set(published["place_trend"].files) == {"CSV", "Picture"}
    assert set(published["place_sources"].files) == set()  # other sources stand beside it


def test_a_picture_is_a_png(on_demo: Path, files: dict) -> None:
    card = cards(opened("trends"))["trend"]
    assert files[card.files["Picture"]]()[:8] == b"\x89PNG\r\n\x1a\n"


# ------------------------------------------------------------------------------------------- real records


@pytest.fixture(scope="module")
def hampshire(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real boundaries and published crime of 2025 and early 2024, loaded by the one way in."""
    folder = tmp_path_factory.mktemp("hampshire")
    geography = real / "geography"
    lookups = ["lookup_lsoa11_lsoa21_ltla22.csv.gz", "lookup_lsoa21_ward24_ltla24.csv.gz"]
    street = ["hampshire_street_2025-01_2025-12.zip", "hampshire_street_2024-01_2024-04.zip"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(folder))
        ingest.ingest("lookups", [geography / name for name in lookups])
        ingest.ingest("boundaries", [geography / "hiow_boundaries_bgc.gpkg"])
        ingest.ingest("police_uk", [real / "police_uk" / name for name in street])
    return folder


@pytest.mark.real
@pytest.mark.slow
def test_real_months_without_the_year_before_are_not_compared(hampshire: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_DATA", str(hampshire))
    app = opened("overview", link={"from": "2025-05", "to": "2025-12"})
    assert troubles(app) == []
    assert not app.warning
    assert any("No month to compare with" in c.value for c in app.caption)
    app = opened("overview", link={"from": "2025-03", "to": "2025-06"})  # two of these four months are held in 2024
    assert any("2 of 4 were supplied" in c.value for c in app.caption)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_on_real_records(hampshire: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_DATA", str(hampshire))
    app = opened(name)
    assert troubles(app) == []
    calm = ("No residents are held", "No factors of small areas are held")  # here are street crime and areas alone
    assert cards(app) or told(app)[0].startswith(calm)
    assert "INVENTED" not in everything(app).replace("INVENTED DATA: made up", "") or name == "methods"
