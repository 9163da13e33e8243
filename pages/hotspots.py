"""Hotspots: where violence concentrates, and how sure we are."""

from functools import partial

import pandas as pd
import streamlit as st

from answers import hotspots, judged, shown, sureness
from data import store
from pages.parts import judging, place, scores
from ui import atlas, beside, filters, frame, map_findings, maps, remarks, shows, words
from ui.shows import SHOWS

LISTED = 25  # places in the list beside the map

page = frame.open_page("hotspots")
scope = filters.scope(page)
with st.container(horizontal=True, vertical_alignment="bottom", key="map_controls"), page.explaining():
    source = page.one_source(scope)
    scope = scope.but(sources=(source,))
    levels = store.map_levels(scope)
    level = page.choice("level", "Places", {name: shows.LEVELS[name] for name in levels}, width=210)
    people = store.denominators(scope, level="lsoa" if level == "hex" else level)
    held = {"people": people, "other_crime": hotspots.has_other_crime(scope)}
    known = shows.offered(level, levels, health=sureness.health_source(scope), **held)
    show = page.choice("show", "Show", {name: SHOWS[name].label for name in known}, value="hot", width=230)
    further = shows.choices(show, level, **held)
    option = page.choice("how", SHOWS[show].asks, further, width=250) if further else ""
    size = page.cell_size(level, store.floor_m(scope))
    with st.popover("Map and list", icon=":material/tune:"):
        wide = page.choice("list", "List", shows.LISTS)
        marked = page.choice("mark", "Mark on the map", maps.MARKED)
    page.meeting()
key, noun, per = hotspots.key_of(level), shows.NOUNS[level], option if show == "rate" else "resident"


@st.cache_data(show_spinner="Looking for hotspots…", max_entries=16)
def surface(scope: store.Scope, level: str, size_m: int, per: str) -> pd.DataFrame:
    """One row per place: its name, counts, harm, rate, rank, and Gi* after false-discovery control."""
    found = hotspots.surface(scope, level, size_m, per)
    street, area = ("street", "area") if level == "hex" else ("name", "everyday_name")
    ranks = words.span(found["rank_lower"], found["rank_upper"])
    return found.assign(
        place=words.place(found[street], found[area]), rank_range=ranks, sure=words.sure(found["confidence"])
    )


@st.cache_data(show_spinner=False, max_entries=256)
def beyond(scope: store.Scope, level: str) -> int:
    """How many records the map leaves out."""
    return store.left_out(scope, level)


with page.explaining():
    places = surface(scope, level, size, per)
    ground, view = atlas.ground(scope), atlas.camera(scope)
    left_out = beyond(scope, level)
    judgements = judged.in_force(scope, level, size)
    places = judging.named(judged.marked(places, level, judgements), judgements, key)
    about, answers = places.attrs, {}  # the period, where it is not the one asked for
    wanted = [name for name in (SHOWS[show].answer, "everything" if wide == "full" else "") if name]
    for name in wanted:
        more = (option,) if further and name != "everything" else ()
        label = SHOWS[show].label if name == SHOWS[show].answer else "All columns of the list"
        answers[name] = beside.answer(partial(shown.ANSWERS[name], scope, level, size, *more), label)
for found in [answer for answer in answers.values() if answer is not None]:
    fresh = [c for c in found.columns if c == key or c not in places]
    places, about = places.merge(found[fresh], on=key, how="left"), {**about, **found.attrs}
places = words.of_list(places, page.labels("source"))
if answers.get(SHOWS[show].answer, places) is None:  # still being worked out: the first map meanwhile
    show = "hot"
now = SHOWS[show]
unit = shows.PER[option] if show == "rate" else now.unit
notes = (
    *map_findings.notes(places, about, show, judgements, hotspots.PERMUTATIONS),
    *([remarks.left_out(left_out)] if left_out else []),
    remarks.not_held(store.levels(scope)),
    "A hotspot is where records concentrate, not where risk per person is high" if level == "hex" else "",
)
told = {"notes": tuple(filter(None, notes))} | ({"period": about["period"]} if "period" in about else {})
told |= {"title": f"{now.label} by {noun}", "scope": scope}
if "health" in about and show == "hidden":  # the marking and the origin are those of both sources
    told["scope"] = scope.but(sources=(source, about["health"]))
if "asked" in about:
    told["scope"] = scope.but(sources=about["asked"])
counts = [c for c in ("n", "n_health", "n_now", "n_before") if c in places]
found = page.release(places, counts=counts, derived=[c for c in shows.DERIVED if c in places], **told)
kept = store.kept_back(told["scope"], level)
selected = page.selected()
how = {"colour": now.column, "scheme": now.scheme, "unit": unit, "title": now.title, "labels": now.labels}
how |= {"context": ground, "view": view, "selected": selected or None, "height": page.map_height()}
how |= {"points": atlas.points(scope, marked)}
if level == "hex":
    picture = maps.cells(found, size_m=size, **how)
else:
    picture = maps.areas(found, shapes=atlas.outlines(scope, level), **how)
left, right = st.columns([11, 9]) if wide == "short" else (st.container(), st.container())
with left:
    said = map_findings.said(found, show, noun, unit if show == "rate" else "")
    clicked = page.show(found, picture, finding=said, key="map", kept_back=kept)
with right:
    listed = found.table[found.table["judged"].ne("dropped").fillna(True)].dropna(subset=[now.by])
    by = "lower" if (show, option) == ("rate", "crime") else now.by  # of few crimes all may be violent: the least it is
    top = listed.sort_values([by, "n"], ascending=False).head(LISTED)
    listed = page.part(found, top, title=f"The {LISTED} highest places")
    columns = shows.listed(show, top, full=answers.get("everything") is not None)
    said = map_findings.listed(listed, show, now.by, unit if show == "rate" else "")
    row = page.show(listed, finding=said, key="list", columns=columns, rows_select=key, open_table=True, kept_back=kept)
page.select(clicked or row)
if selected in set(places[key]):
    chosen = places.set_index(key, drop=False).loc[selected]
    if store.banded_sources(scope):
        st.info("What is held here of this source has no more to tell of one place than the map and the list.")
    else:
        with page.explaining():
            place.profile(page, scope, level, size, chosen)
    judging.form(page, scope, level, places, chosen)
judging.kept(page, scope, level, judgements, places, key)
with page.explaining():
    scores.beneath(page, scope, level, size, found, noun, show)
