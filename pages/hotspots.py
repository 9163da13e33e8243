"""Hotspots: where violence concentrates, and how sure we are."""

import pandas as pd
import streamlit as st

from analytics import grids, hotspots, neighbours, rates, significance
from data import store
from ui import atlas, charts, filters, findings, frame, maps, words

PERMUTATIONS = 99_999  # fewer could not tell a hotspot among twenty thousand cells from chance
FEWEST_HOT = 0.05  # a place is called a hotspot below this, after false-discovery control
LISTED = 25  # places in the list beside the map
LEVELS = {"hex": "Hexagons", "lsoa": "Small areas (LSOA)", "msoa": "Neighbourhoods (MSOA)"}
SHOWS = {"count": "Count", "rate": "Rate", "harm": "Harm", "hot": "Gi* hotspots"}
COLOURS = {"count": ("n", "count", "records"), "rate": ("rate", "count", "per 1,000 residents")}
COLOURS |= {"harm": ("harm", "count", "days of harm"), "hot": ("confidence", "class", "")}

page = frame.open_page("hotspots")
scope = filters.scope(page)
with st.container(horizontal=True, vertical_alignment="bottom"):
    levels = ["hex", *[level for level in store.levels(scope) if level in LEVELS]]
    level = page.control("level", st.segmented_control, "Places", levels, value="hex", format_func=LEVELS.get)
    shows = list(SHOWS) if level != "hex" else [s for s in SHOWS if s != "rate"]
    show = page.control("show", st.segmented_control, "Show", shows, value="hot", format_func=SHOWS.get)
    sizes = [s for s in (150, 250, 500, 1000, 2000) if s >= store.floor_m(scope)]
    size = page.control("cell_m", st.select_slider, "Cell size (metres)", sizes, value=500, disabled=level != "hex")
    source = page.one_source(scope)
scope = scope.but(sources=(source,))


@st.cache_data(show_spinner="Looking for hotspots…", max_entries=64)
def surface(scope: store.Scope, level: str, size_m: int) -> pd.DataFrame:
    """One row per place: counts, harm, rate, Gi* with 9,999 permutations and false-discovery control."""
    if level == "hex":
        places = store.cell_counts(scope, size_m=size_m)
        found = hotspots.gi_star(places, grids.ring(places), permutations=PERMUTATIONS, seed=0)
        found = found.merge(store.cell_names(scope, size_m=size_m), on="cell_id", how="left")
        found["name"] = words.place(found["street"], found["area"])
    else:
        places = store.area_counts(scope, level=level)
        places["name"] = words.place(places["name"], places["everyday_name"])
        rate = rates.crude(places["n"], places["population"], per=1_000)["rate"]
        near = neighbours.contiguity(store.areas(scope, level=level))
        found = hotspots.gi_star(places.assign(rate=rate), near, value="rate", permutations=PERMUTATIONS, seed=0)
    found["q_value"] = significance.benjamini_hochberg(found["p_value"])
    found["confidence"] = significance.confidence_bins(found["z"], found["q_value"])
    found["share"] = found["n"] / found["n"].sum()
    some = hotspots.rank(found[found["n"] > 0])  # a place without records ranks below all of them
    return found.join(some[["rank", "rank_lower", "rank_upper"]])


with page.explaining():
    places = surface(scope, level, size)
    column, scheme, unit = COLOURS[show]
    key = "cell_id" if level == "hex" else "area_code"
    left_out = store.left_out(scope, level)

notes = [f"Gi*: {PERMUTATIONS:,} conditional permutations, Benjamini-Hochberg over {len(places):,} places"]
notes += [f"{left_out:,} records that may not be placed this finely are left out"] if left_out else []
notes += ["A hotspot is where records concentrate, not where risk per person is high"] if level == "hex" else []
found = page.release(
    places,
    counts=["n"],
    derived=["rate", "harm", "z", "share"] if level != "hex" else ["harm", "z", "share"],
    title=f"{SHOWS[show]} by {LEVELS[level].lower()}",
    scope=scope,
    notes=tuple(notes),
)
selected = page.selected()
with page.explaining():
    ground, view = atlas.ground(scope), atlas.camera(scope)
    title = {"count": "Records per place", "rate": "Records", "harm": "Harm", "hot": "Hotspots (Gi*)"}[show]
    how = {
        "colour": column,
        "scheme": scheme,
        "unit": unit,
        "context": ground,
        "view": view,
        "selected": selected or None,
    }
    if level == "hex":
        picture = maps.cells(found, size_m=size, title=title, height=560, **how)
    else:
        picture = maps.areas(found, shapes=atlas.outlines(scope, level), title=title, height=560, **how)

left, right = st.columns([3, 2])
with left:
    clicked = page.show(found, picture, finding=findings.map_cells(found), key="map")
with right:
    top = found.table.sort_values("n", ascending=False).head(LISTED)
    listed = page.part(found, top, title=f"The {LISTED} places with most records")
    shown = ("name", "n", "share", "rank_lower", "rank_upper", "z", "q_value")
    row = page.show(
        listed,
        finding=findings.ranking(listed, category="name"),
        key="list",
        columns=shown,
        rows_select=key,
        open_table=True,
    )
page.select(clicked or row)

if selected and selected in set(places[key]):
    name = places.set_index(key).loc[selected, "name"]
    st.markdown(f"### {words.plain(name) if pd.notna(name) else 'The place selected'}")
    inside = scope.but(place=selected)
    with page.explaining():
        months, mix, week = page.profile(inside)
    one, two, three = st.columns(3)
    with one:
        page.show(months, charts.trend(months), finding=findings.trend(months), key="place_trend")
    with two:
        page.show(mix, charts.mix(mix, category="offence_group"), finding=findings.mix(mix), key="place_mix")
    with three:
        if week:
            page.show(week, charts.weekday_hour(week), finding=findings.weekday_hour(week), key="place_week")
        else:
            st.info("This source does not say the hour.")
