"""The filter bar and the address: a link restores what was seen, defaults are not written, nonsense falls back."""

import re

import pandas as pd
import pytest
from in_app import cards, heading, opened, told, troubles, turned
from streamlit.testing.v1 import AppTest

from data import store
from ui import filters
from ui.frame import PAGES

PORTSMOUTH = "E06000044"
MONTHS = pd.date_range("2019-01-01", "2025-12-01", freq="MS")  # of the invented police records
DEFAULT = {
    "area": "all",
    "start": pd.Timestamp("2025-01-01"),
    "end": pd.Timestamp("2025-12-01"),
    "groups": (),
    "sources": ("police",),
    "age": "",
    "setting": "",
    "time": "",
}

pytestmark = pytest.mark.usefixtures("on_demo")


def stands_for(app: AppTest) -> dict:
    """The parts of the scope that differ from the default."""
    scope = app.session_state["scope"]
    return {name: getattr(scope, name) for name, usual in DEFAULT.items() if getattr(scope, name) != usual}


# ------------------------------------------------------------------------------------------- the address

LINKS = [  # what stands in the address, and how the question differs from the default one
    ({"area": PORTSMOUTH}, {"area": PORTSMOUTH}),
    (
        {"from": "2021-03", "to": "2021-08"},
        {"start": pd.Timestamp("2021-03-01"), "end": pd.Timestamp("2021-08-01")},
    ),
    ({"from": "2021-03"}, {"start": pd.Timestamp("2021-03-01")}),
    ({"preset": "lastfy"}, {"start": pd.Timestamp("2024-04-01"), "end": pd.Timestamp("2025-03-01")}),
    ({"preset": "fy"}, {"start": pd.Timestamp("2025-04-01")}),
    ({"preset": "year_ago"}, {"start": pd.Timestamp("2024-01-01"), "end": pd.Timestamp("2024-12-01")}),
    ({"preset": "all"}, {"start": pd.Timestamp("2019-01-01")}),
    ({"group": "robbery_personal"}, {"groups": ("robbery_personal",)}),
    ({"group": ["robbery_personal", "rape"]}, {"groups": ("robbery_personal", "rape")}),
    ({"source": "ed_istv"}, {"sources": ("ed_istv",)}),
    ({"source": ["police", "ed_istv"]}, {"sources": ("police", "ed_istv")}),
    ({"age": "10-17"}, {"age": "10-17"}),
    ({"setting": "domestic"}, {"setting": "domestic"}),
    ({"setting": "public"}, {"setting": "public"}),
    ({"time": "night"}, {"time": "night"}),
    (
        {"area": PORTSMOUTH, "group": ["rape", "homicide"], "age": "18-24", "time": "day", "preset": "all"},
        {"area": PORTSMOUTH, "groups": ("rape", "homicide"), "age": "18-24", "time": "day", "start": MONTHS[0]},
    ),
]


@pytest.mark.parametrize(("link", "differs"), LINKS, ids=lambda v: "-".join(v))
def test_a_link_is_understood_and_stays_in_the_address(link: dict, differs: dict) -> None:
    app = opened("methods", link=link)  # the quickest page: the bar is the same on all
    assert troubles(app) == []
    assert stands_for(app) == differs
    stays = link | ({"preset": "own"} if {"from", "to"} & set(link) else {})
    for _ in range(2):
        assert app.query_params == stays
        app.run()
        assert stands_for(app) == differs


def test_without_parameters_the_question_is_the_default_one_and_the_address_stays_bare() -> None:
    app = opened("methods")
    assert stands_for(app) == {}
    assert app.query_params == {}


@pytest.mark.parametrize(
    "link",
    [
        {"area": "all"},
        {"preset": "12m"},
        {"source": "police"},
        {"time": ""},
        {"from": "2025-01", "to": "2025-12"},
    ],
    ids=lambda v: "-".join(v),
)
def test_a_default_is_taken_out_of_the_address(link: dict) -> None:
    app = opened("methods", link=link)
    assert stands_for(app) == {}
    assert not set(link) & set(app.query_params)


@pytest.mark.parametrize(
    "link",
    [
        {"area": "E06000999"},
        {"area": "<script>alert(1)</script>"},
        {"from": "2021-13", "to": "never"},
        {"from": "1066-10", "to": "2999-01"},
        {"preset": "sometime"},
        {"group": ["arson_at_sea", "piracy"]},
        {"source": ["hearsay"]},
        {"age": "old"},
        {"setting": "space"},
        {"time": "dusk"},
    ],
    ids=lambda v: "-".join(v.keys()),
)
def test_a_value_nobody_knows_falls_back_to_the_default(link: dict) -> None:
    app = opened("methods", link=link)
    assert troubles(app) == []
    assert stands_for(app) == {}
    assert not set(link) & set(app.query_params) - {"preset"}


def test_known_values_among_unknown_ones_are_kept() -> None:
    app = opened("methods", link={"group": ["piracy", "rape"], "source": ["police", "hearsay"]})
    assert stands_for(app) == {"groups": ("rape",)}
    assert app.query_params == {"group": "rape"}


def test_months_the_wrong_way_round_are_put_in_order() -> None:
    app = opened("methods", link={"from": "2022-08", "to": "2021-02"})
    assert stands_for(app) == {"start": pd.Timestamp("2021-02-01"), "end": pd.Timestamp("2022-08-01")}


def test_a_choice_in_the_bar_goes_into_the_address_and_out_again() -> None:
    app = opened("methods")
    app.selectbox(key="filter_area").select(PORTSMOUTH).run()
    assert app.query_params == {"area": PORTSMOUTH}
    app.multiselect(key="filter_group").select("rape").select("homicide").run()
    assert app.query_params == {"area": PORTSMOUTH, "group": ["rape", "homicide"]}
    app.selectbox(key="filter_preset").select("own").run()
    app.selectbox(key="filter_from").select("2020-05").run()
    assert app.query_params["from"] == "2020-05"
    assert stands_for(app)["start"] == pd.Timestamp("2020-05-01")
    app.selectbox(key="filter_preset").select("12m").run()
    app.selectbox(key="filter_area").select("all").run()
    app.multiselect(key="filter_group").set_value([]).run()
    assert app.query_params == {}
    assert stands_for(app) == {}


@pytest.mark.parametrize("month", pd.date_range("2024-03-01", "2025-04-01", freq="MS"))
def test_presets_count_back_from_the_newest_month_held(month: pd.Timestamp) -> None:
    months = list(pd.date_range("2019-01-01", month, freq="MS"))
    first, last = filters.preset_months("fy", months)
    assert (first.month, last) == (4, month)
    assert len(pd.date_range(first, last, freq="MS")) == (month.month - 4) % 12 + 1
    start, end = filters.preset_months("lastfy", months)
    assert (start, end) == (first - pd.DateOffset(years=1), first - pd.DateOffset(months=1))
    assert len(pd.date_range(*filters.preset_months("12m", months), freq="MS")) == 12
    before, now = filters.preset_months("year_ago", months), filters.preset_months("12m", months)
    assert before == tuple(m - pd.DateOffset(years=1) for m in now)


# --------------------------------------------------------------------------------------- what a source cannot answer


def reason(app: AppTest, label: str) -> str:
    """Why a filter is disabled; empty where it is not."""
    [widget] = [s for s in app.selectbox if s.label == label]
    assert widget.disabled == bool(widget.help)
    return widget.help or ""


UNANSWERED = {  # what the sources do not record (data/definitions/sources.toml)
    "police": [],
    "police_uk": ["Age of victim", "Setting", "Time of day"],
    "ambulance": [],
}


@pytest.mark.parametrize("source", UNANSWERED)
def test_a_filter_that_a_source_cannot_answer_is_shown_disabled_with_the_reason(source: str) -> None:
    app = opened("methods", link={"source": source})
    for label in ("Age of victim", "Setting", "Time of day"):
        if label in UNANSWERED[source]:
            assert re.fullmatch(r"Not recorded in: .*\.", reason(app, label)), label
            assert reason(app, label) in [c.value for c in app.caption]
    usable = {"Age of victim", "Setting", "Time of day"} - set(UNANSWERED[source])
    if source == "police":
        assert [reason(app, label) for label in usable] == ["", "", ""]


def test_a_filter_that_cannot_be_answered_is_ignored_and_never_gives_zero() -> None:
    plain = opened("trends", link={"source": "police_uk"})
    asked = {"source": "police_uk", "time": "night", "age": "10-17", "setting": "domestic"}
    app = opened("trends", link=asked)
    assert troubles(app) == []
    assert stands_for(app) == {"sources": ("police_uk",)}
    assert app.query_params == {"source": "police_uk"}
    assert cards(app)["trend"].finding == cards(plain)["trend"].finding
    [(_, data)] = cards(app)["trend"].charts
    assert not any((rows["value"] == 0).any() for rows in data.values() if "value" in rows)


def test_a_second_source_that_cannot_answer_takes_the_filter_away_from_both() -> None:
    app = opened("methods", link={"time": "night"})
    assert stands_for(app) == {"time": "night"}
    app.multiselect(key="filter_source").select("police_uk").run()
    assert reason(app, "Time of day") == "Not recorded in: Published street-level crime."
    assert stands_for(app) == {"sources": ("police", "police_uk")}
    assert "time" not in app.query_params


def test_the_store_refuses_rather_than_counts_nothing() -> None:
    scope = opened("methods").session_state["scope"].but(sources=("police_uk",), time="night")
    with pytest.raises(store.NotHeld, match="Published street-level crime cannot be filtered that way"):
        store.monthly_counts(scope)


# ------------------------------------------------------------------------------------------- from page to page


def test_filters_stay_when_the_page_changes() -> None:
    link = {"area": PORTSMOUTH, "group": ["rape", "robbery_personal"], "time": "night", "preset": "lastfy"}
    app = opened("overview", link=link)
    asked = stands_for(app)
    assert len(asked) == 5
    for name in PAGES:
        turned(app, name)
        assert troubles(app) == []
        assert heading(app)
        assert stands_for(app) == asked
        assert app.query_params == link


def chosen(app: AppTest, label: str) -> object:
    [box] = [g for g in app.selectbox if g.label == label]
    return box.value


def test_a_link_sets_the_controls_of_a_page_and_they_survive_a_change_of_page() -> None:
    link = {"area": PORTSMOUTH, "level": "lsoa", "show": "rate"}
    app = opened("hotspots", link=link)
    for _ in range(2):
        assert troubles(app) == []
        assert (chosen(app, "Places"), chosen(app, "Show")) == ("lsoa", "rate")
        assert app.query_params == link
        turned(app, "methods")
        turned(app, "hotspots")


def test_the_size_of_cells_comes_from_the_link_and_sets_what_is_drawn() -> None:
    app = opened("hotspots", link={"area": PORTSMOUTH, "cell_m": "1000"})
    assert chosen(app, "Cell size (metres)") == 1000
    assert app.query_params == {"area": PORTSMOUTH, "cell_m": "1000"}
    [drawn] = cards(app)["map"].maps
    assert '"500:' not in drawn
    turned(app, "trends")
    turned(app, "hotspots")
    assert chosen(app, "Cell size (metres)") == 1000


@pytest.mark.parametrize("link", [{"level": "street"}, {"show": "fear"}, {"cell_m": "7"}, {"cell_m": "-500"}])
def test_a_control_falls_back_where_the_link_names_what_is_not_there(link: dict) -> None:
    app = opened("hotspots", link={"area": PORTSMOUTH, **link})
    assert troubles(app) == []
    assert (chosen(app, "Places"), chosen(app, "Show"), chosen(app, "Cell size (metres)")) == ("hex", "hot", 500)
    assert app.query_params == {"area": PORTSMOUTH}


def test_cells_finer_than_a_source_allows_are_not_offered_and_not_drawn() -> None:
    app = opened("hotspots", link={"area": PORTSMOUTH, "source": "police_uk", "cell_m": "250"})
    assert troubles(app) == []
    assert chosen(app, "Cell size (metres)") == 500
    [sizes] = [g for g in app.selectbox if g.label == "Cell size (metres)"]
    assert sizes.options == ["500", "1,000", "2,000"]
    assert "500 m" in sizes.help


def test_the_place_selected_comes_from_the_link_and_its_profile_is_drawn() -> None:
    plain = opened("hotspots", link={"area": PORTSMOUTH, "level": "lsoa"})
    assert not {"place_trend", "place_mix"} & set(cards(plain))
    scope = plain.session_state["scope"]
    busiest = store.area_counts(scope, level="lsoa").sort_values("n").iloc[-1]
    app = opened("hotspots", link={"area": PORTSMOUTH, "level": "lsoa", "selected": busiest["area_code"]})
    assert troubles(app) == []
    assert {"place_trend", "place_mix", "place_week"} <= set(cards(app))
    assert app.query_params["selected"] == busiest["area_code"]
    [(_, data)] = cards(app)["place_trend"].charts
    drawn = next(rows for rows in data.values() if {"month", "value"} <= set(rows))
    assert drawn["value"].sum() == busiest["n"]


@pytest.mark.parametrize("selected", ["500:999:999", "E01999999", "'; --", "500:x:y"])
def test_a_place_nobody_knows_is_not_selected(selected: str) -> None:
    app = opened("hotspots", link={"area": PORTSMOUTH, "selected": selected})
    assert troubles(app) == []
    assert "place_trend" not in cards(app)
    assert not told(app)
