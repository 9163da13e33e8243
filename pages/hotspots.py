"""Hotspots: where violence concentrates, and how sure we are."""

import pandas as pd
import streamlit as st

from analytics import grids, hotspots, neighbours, rates, significance
from data import store
from ui import atlas, charts, events, filters, findings, frame, maps, profiles, remarks, words

PERMUTATIONS = 99_999  # fewer could not tell a hotspot among twenty thousand cells from chance
LISTED = 25  # places in the list beside the map
LEVELS = {"hex": "Hexagons", "lsoa": "Small areas (LSOA)", "msoa": "Neighbourhoods (MSOA)", "lad": "Authorities"}
NOUNS = {"hex": "cell", "lsoa": "small area", "msoa": "neighbourhood", "lad": "authority"}
SHOWS = {"hot": "Gi* hotspots", "count": "Count", "rate": "Rate", "harm": "Harm"}
COLOURS = {  # what to show: column, colour scheme, unit, title of the legend
    "hot": ("confidence", "class", "", "Hotspots (Gi*)"),
    "count": ("n", "count", "records", "Records per place"),
    "rate": ("rate", "count", "per 1,000 residents", "Records"),
    "harm": ("harm", "count", "days", "Harm, as days of sentence"),
}
BY = {"rate": ("rate", "lower", "upper", "population"), "harm": ("harm", "n")}
BY |= dict.fromkeys(("hot", "count"), ("n", "rank_range", "share", "sure"))

page = frame.open_page("hotspots")
scope = filters.scope(page)
with st.container(horizontal=True, vertical_alignment="bottom"), page.explaining():
    source = page.one_source(scope)
    scope = scope.but(sources=(source,))
    levels = store.map_levels(scope)
    level = page.control("level", st.segmented_control, "Places", levels, value=levels[0], format_func=LEVELS.get)
    shows = [show for show in SHOWS if show != ("rate" if level == "hex" else "harm" if len(levels) == 1 else "")]
    show = page.control("show", st.segmented_control, "Show", shows, value="hot", format_func=SHOWS.get)
    sizes = [size for size in (150, 250, 500, 1000, 2000) if size >= store.floor_m(scope)]
    size = page.control("cell_m", st.segmented_control, "Cell size (metres)", sizes, value=500, disabled=level != "hex")


@st.cache_data(show_spinner="Looking for hotspots…", max_entries=64)
def surface(scope: store.Scope, level: str, size_m: int) -> pd.DataFrame:
    """One row per place: its name, counts, harm, rate, rank, and Gi* after false-discovery control."""
    if level == "hex":
        places = store.cell_counts(scope, size_m=size_m)
        found = hotspots.gi_star(places, grids.ring(places), permutations=PERMUTATIONS, seed=0)
        found = found.merge(store.cell_names(scope, size_m=size_m), on="cell_id", how="left")
        found["place"] = words.place(found["street"], found["area"])
    else:
        places = store.area_counts(scope, level=level)
        places = places.join(rates.crude(places["n"], places["population"], per=1_000))
        near = neighbours.contiguity(store.areas(scope, level=level))
        value = "rate" if places["rate"].notna().any() else "n"
        few = places[value].notna().sum() < hotspots.FEWEST_CELLS  # one authority among authorities, say
        none = places.assign(z=float("nan"), p_value=float("nan"))
        found = none if few else hotspots.gi_star(places, near, value=value, permutations=PERMUTATIONS, seed=0)
        found["place"] = words.place(found["name"], found["everyday_name"])
    found["q_value"] = significance.benjamini_hochberg(found["p_value"])
    found["confidence"] = significance.confidence_bins(found["z"], found["q_value"])
    found["sure"] = words.sure(found["confidence"])
    found["share"] = found["n"] / found["n"].sum()
    some = hotspots.rank(found[found["n"] > 0])  # a place without records ranks below all of them
    some["rank_range"] = words.span(some["rank_lower"], some["rank_upper"])
    answer = found.join(some[["rank", "rank_lower", "rank_upper", "rank_range"]])
    answer.attrs = places.attrs  # the period, where it is not the one asked for
    return answer


with page.explaining():
    places = surface(scope, level, size)
    left_out = store.left_out(scope, level)
    ground, view = atlas.ground(scope), atlas.camera(scope)
column, scheme, unit, title = COLOURS[show]
key = "cell_id" if level == "hex" else "area_code"
tested = places["p_value"].count()  # a cell without neighbours is not tested
notes = [f"Gi*: {PERMUTATIONS:,} conditional permutations, Benjamini-Hochberg over {tested:,} places"]
notes += [remarks.left_out(left_out)] if left_out else []
notes += [remarks.not_held(store.levels(scope))]
notes += ["A hotspot is where records concentrate, not where risk per person is high"] if level == "hex" else []
derived = [c for c in ("rate", "lower", "upper", "harm", "z", "share") if c in places]
about = f"{SHOWS[show]} by {NOUNS[level]}"
told = {"period": places.attrs["period"]} if "period" in places.attrs else {}
found = page.release(
    places, counts=["n"], derived=derived, title=about, scope=scope, notes=tuple(filter(None, notes)), **told
)
selected = page.selected()

how = {"colour": column, "scheme": scheme, "unit": unit, "context": ground, "view": view, "title": title}
how |= {"selected": selected or None, "height": 560}
if level == "hex":
    picture = maps.cells(found, size_m=size, **how)
else:
    picture = maps.areas(found, shapes=atlas.outlines(scope, level), **how)
left, right = st.columns([11, 9])
with left:
    noun = NOUNS[level]
    said = findings.map_cells(found, noun=noun) if show == "hot" else remarks.spread(found, COLOURS[show][0], noun=noun)
    clicked = page.show(found, picture, finding=said, key="map")
with right:
    by = BY[show]
    top = found.table.dropna(subset=[by[0]]).sort_values(by[0], ascending=False).head(LISTED)
    listed = page.part(found, top, title=f"The {LISTED} highest places")
    limits = {"lower": "lower", "upper": "upper"} if by[0] == "rate" else {}
    said = findings.ranking(listed, category="place", value=by[0], **limits)
    row = page.show(listed, finding=said, key="list", columns=("place", *by), rows_select=key, open_table=True)
page.select(clicked or row)

if selected in set(places[key]):
    name = places.set_index(key).loc[selected, "place"]
    st.markdown(f"### {words.plain(name) if pd.notna(name) else 'The place selected'}")
    inside = scope.but(place=selected)
    with page.explaining():
        months, mix, week = profiles.months(page, inside), profiles.mix(page, inside), profiles.week(page, inside)
        said = findings.trend(profiles.months_and_year_before(page, inside))
        seen = profiles.sources(page, inside)
    left, right = st.columns(2)
    with left:
        page.show(months, charts.trend(months, flags=events.flags(inside)), finding=said, key="place_trend")
        page.show(mix, charts.mix(mix), finding=findings.mix(mix), key="place_mix")
    with right:
        bars = charts.bars(seen, category="source", value="n", in_order=True)
        page.show(seen, bars, finding=remarks.sources(seen), key="place_sources")
        if week:
            page.show(week, charts.weekday_hour(week), finding=findings.weekday_hour(week), key="place_week")
        else:
            st.info("Which weekday or hour is not known here: the source chosen gives no more than the month.")
