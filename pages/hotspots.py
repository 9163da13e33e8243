"""Hotspots: where violence concentrates, and how sure we are."""

import pandas as pd
import streamlit as st

from answers import hotspots
from data import store
from ui import atlas, charts, events, filters, findings, frame, map_findings, maps, profiles, remarks, words
from ui.shows import HELD_OUT, LEVELS, NOUNS, SCORES, SHOWS, offered

LISTED = 25  # places in the list beside the map

page = frame.open_page("hotspots")
scope = filters.scope(page)
with st.container(horizontal=True, vertical_alignment="bottom"), page.explaining():
    source = page.one_source(scope)
    scope = scope.but(sources=(source,))
    levels = store.map_levels(scope)
    level = page.control("level", st.segmented_control, "Places", levels, value=levels[0], format_func=LEVELS.get)
    names = {name: SHOWS[name].label for name in offered(level, levels, health=hotspots.health_source(scope))}
    show = page.control("show", st.segmented_control, "Show", list(names), value="hot", format_func=names.get)
    sizes = [size for size in (150, 250, 500, 1000, 2000) if size >= store.floor_m(scope)]
    size = page.control("cell_m", st.segmented_control, "Cell size (metres)", sizes, value=500, disabled=level != "hex")
shown, key, noun = SHOWS[show], hotspots.key_of(level), NOUNS[level]


@st.cache_data(show_spinner="Looking for hotspots…", max_entries=64)
def surface(scope: store.Scope, level: str, size_m: int) -> pd.DataFrame:
    """One row per place: its name, counts, harm, rate, rank, and Gi* after false-discovery control."""
    found = hotspots.surface(scope, level, size_m)
    street, area = ("street", "area") if level == "hex" else ("name", "everyday_name")
    ranks = words.span(found["rank_lower"], found["rank_upper"])
    return found.assign(
        place=words.place(found[street], found[area]), rank_range=ranks, sure=words.sure(found["confidence"])
    )


@st.cache_data(show_spinner="Comparing the months…", max_entries=64)
def besides(scope: store.Scope, level: str, size_m: int, what: str) -> pd.DataFrame:
    """What else is to be shown of each place: persistence, kind of hotspot, change."""
    return words.told(words.told(getattr(hotspots, what)(scope, level, size_m), "class"), "agreement")


with page.explaining():
    places = surface(scope, level, size)
    about = places.attrs  # the period, where it is not the one asked for
    if shown.answer:
        more = besides(scope, level, size, shown.answer)
        places, about = places.merge(more, on=key, how="left"), {**about, **more.attrs}
    left_out = store.left_out(scope, level)
    ground, view = atlas.ground(scope), atlas.camera(scope)
notes = (
    map_findings.tested(places, hotspots.PERMUTATIONS),
    map_findings.method(about, show),
    remarks.left_out(left_out) if left_out else "",
    remarks.not_held(store.levels(scope)),
    "A hotspot is where records concentrate, not where risk per person is high" if level == "hex" else "",
)
derived = ("rate", "lower", "upper", "harm", "z", "share", "ratio", "ratio_lower", "ratio_upper", "persistence")
derived += ("density", "relative_risk", "health_share")
derived = [c for c in derived if c in places]
told = {"notes": tuple(filter(None, notes))} | ({"period": about["period"]} if "period" in about else {})
counts = [c for c in ("n", "n_health", "n_now", "n_before") if c in places]
told |= {"title": f"{shown.label} by {noun}", "scope": scope}
if "health" in about:  # the marking and the origin are those of both sources
    told["scope"] = scope.but(sources=(source, about["health"]))
found = page.release(places, counts=counts, derived=derived, **told)
kept = store.kept_back(told["scope"], level)
selected = page.selected()

how = {"colour": shown.column, "scheme": shown.scheme, "unit": shown.unit, "title": shown.title, "labels": shown.labels}
how |= {"context": ground, "view": view, "selected": selected or None, "height": 560}
if level == "hex":
    picture = maps.cells(found, size_m=size, **how)
else:
    picture = maps.areas(found, shapes=atlas.outlines(scope, level), **how)
left, right = st.columns([11, 9])
with left:
    clicked = page.show(found, picture, finding=map_findings.said(found, show, noun), key="map", kept_back=kept)
with right:
    top = found.table.dropna(subset=[shown.by]).sort_values([shown.by, "n"], ascending=False).head(LISTED)
    listed = page.part(found, top, title=f"The {LISTED} highest places")
    said, columns = map_findings.listed(listed, show, shown.by), ("place", *shown.listed)
    more = {"open_table": True, "kept_back": kept}
    row = page.show(listed, finding=said, key="list", columns=columns, rows_select=key, **more)
page.select(clicked or row)

if selected in set(places[key]):
    name = places.set_index(key).loc[selected, "place"]
    st.markdown(f"### {words.plain(name) if pd.notna(name) else 'The place selected'}")
    inside = scope.but(place=selected)
    with page.explaining():
        months, mix, week = profiles.months(page, inside), profiles.mix(page, inside), profiles.week(page, inside)
        said = findings.trend(profiles.months_and_year_before(page, inside))
        seen = profiles.sources(page, inside)
    inner = {"kept_back": store.kept_back(inside, level, by_month=True)}
    every = store.kept_back(inside.but(sources=tuple(store.sources(inside))), level)
    left, right = st.columns(2)
    with left:
        page.show(months, charts.trend(months, flags=events.flags(inside)), finding=said, key="place_trend", **inner)
        page.show(mix, charts.mix(mix), finding=findings.mix(mix), key="place_mix", **inner)
    with right:
        bars = charts.bars(seen, category="source", value="n", in_order=True)
        page.show(seen, bars, finding=remarks.sources(seen), key="place_sources", kept_back=every)
        if week:
            page.show(week, charts.weekday_hour(week), finding=findings.weekday_hour(week), key="place_week", **inner)
        else:
            st.info("Which weekday or hour is not known here: the source chosen gives no more than the month.")

told = {"value": "no", "format_func": HELD_OUT.get, "disabled": "hex" not in levels}
if page.control("score", st.segmented_control, "Would it have worked?", list(HELD_OUT), **told) == "yes":
    with page.explaining():
        scores = besides(scope, level, size, "scoreboard")
    months = scores.attrs["months"]
    about = {"title": "Maps scored on months held out", "period": words.period(months[0], months[-1])}
    board = page.release(scores, counts=[], derived=[*SCORES[3:-1]], scope=scope, **about)
    said = map_findings.scoreboard(board, hotspots.GI, hotspots.PLAIN, hotspots.COVERED)
    page.show(board, finding=said, key="scoreboard", columns=SCORES, open_table=True)
