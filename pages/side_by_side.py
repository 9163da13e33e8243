"""Side by side: two periods, or two sources, on maps with one legend and one camera."""

import pandas as pd
import streamlit as st

from answers import hotspots, together
from data import store
from ui import atlas, filters, frame, linked_maps, pair_findings, shows, words
from ui.shows import SHOWS

BESIDE = {"year": "The same months a year before", "just": "As many months just before", "source": "Another source"}
SHOWN = {"hot": "Gi* hotspots", "count": "Count"}
LISTED = 40

page = frame.open_page("side_by_side")
scope = filters.scope(page)
with st.container(horizontal=True, vertical_alignment="bottom"), page.explaining():
    source = page.one_source(scope)
    left = scope.but(sources=(source,))
    others = {s: page.source_label(s) for s in store.sources(scope) if s != source and store.can_answer(scope, s)}
    beside = {key: label for key, label in BESIDE.items() if key != "source" or others}
    against = page.choice("beside", "Beside it", beside, width=300)
    right = together.before(left, against) if against != "source" else left
    if against == "source":
        right = left.but(sources=(page.choice("other", "Other source", others, width=250),))
        if not set(left.groups) <= set(store.offence_groups(right)):
            raise store.NotHeld("The other source does not tell these offence groups apart: choose all violence.")
    levels = [level for level in store.map_levels(left) if level in store.map_levels(right)]
    if not levels:
        raise store.NotHeld("These two sources are told at no level in common, so there are no two maps to compare.")
    level = page.choice("level", "Places", {name: shows.LEVELS[name] for name in levels}, width=210)
    show = page.choice("pair", "Show", SHOWN, width=180)
    size = page.cell_size(level, max(store.floor_m(left), store.floor_m(right)))
    page.meeting()
key, now = hotspots.key_of(level), SHOWS[show]
if right.sources == left.sources:
    headings = tuple(pair_findings.heading(one, together.lacking(one)) for one in (right, left))
    first, second = right, left  # time runs from left to right
else:
    headings = tuple(page.source_label(one.sources[0]) for one in (left, right))
    first, second = left, right


@st.cache_data(show_spinner="Looking at both…", max_entries=32)
def both(first: store.Scope, second: store.Scope, level: str, size_m: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The places of both maps, in one order."""
    return together.pair(first, second, level, size_m)


with page.explaining():
    tables = both(first, second, level, size)
    fixed = [table.attrs.get("period", "") for table in tables]
    if all(fixed):  # protected aggregates answer for a financial year, whatever was asked
        if right.sources == left.sources and fixed[0] == fixed[1]:
            raise store.NotHeld(f"What is held here is told by financial year, and both maps would be of {fixed[0]}.")
        headings = tuple(f"{heading}, {year}" for heading, year in zip(headings, fixed, strict=True))
    ground, view = atlas.ground(scope), atlas.camera(scope)
    outlines = atlas.outlines(scope, level) if level != "hex" else None
releases = [
    page.release(table, counts=["n"], derived=["z"], title=f"{now.label}, {heading}", scope=one)
    for table, heading, one in zip(tables, headings, (first, second), strict=True)
]
if level == "hex":
    seen = (tables[0]["n"].fillna(0) > 0) | (tables[1]["n"].fillna(0) > 0)
    middles = tables[0].assign(x=tables[0]["x"].fillna(tables[1]["x"]), y=tables[0]["y"].fillna(tables[1]["y"]))
    outlines = linked_maps.cell_shapes(middles[seen], size)
how = {"colour": now.column, "scheme": now.scheme, "unit": now.unit, "title": now.title, "labels": now.labels}
how |= {"shapes": outlines, "context": ground, "view": view, "headings": headings, "id_column": key}
how |= {"selected": page.selected() or None, "height": page.map_height()}
pictures = linked_maps.side_by_side(*releases, **how)
clicked = None
for column, release, picture, heading, name in zip(
    st.columns(2), releases, pictures, headings, ("left", "right"), strict=True
):
    with column:
        kept = store.kept_back(first if name == "left" else second, level)
        said = pair_findings.one(release, heading, show, shows.NOUNS[level])
        clicked = page.show(release, picture, finding=said, key=f"map_{name}", kept_back=kept) or clicked
page.select(clicked)
lacking = [together.lacking(one) for one in (first, second)]
if any(
    held == 0
    for held in (len(together.months_of(one)) - gone for one, gone in zip((first, second), lacking, strict=True))
):
    st.info("One of the two has no month that was supplied, so their hotspots cannot be compared.")
    st.stop()
with page.explaining():
    named = together.names(second, level, size).merge(together.names(first, level, size), on=key, how="outer")
    moved = together.moved(*tables, key)
name = words.place(named["name_x"].fillna(named["name_y"]), named["area_x"].fillna(named["area_y"]))
moved["place"] = moved[key].map(dict(zip(named[key], name, strict=True)))
moved = moved[moved["hot_in"] != "neither"].assign(most=moved[["n_left", "n_right"]].max(axis=1))
moved["hot_in"] = moved["hot_in"].map({"both": "both", "left": f"{headings[0]} alone", "right": f"{headings[1]} alone"})
whole = scope.but(sources=tuple(dict.fromkeys(first.sources + second.sources)), start=first.start, end=second.end)
top = moved.sort_values("most", ascending=False).head(LISTED)
release = page.release(top, counts=["n_left", "n_right"], title="Hotspots of both maps", scope=whole)
release = page.part(release, release.table, title="Hotspots of both maps, left and right")
columns = ("place", "hot_in", "n_left", "n_right")
said = pair_findings.both(moved, headings, shows.NOUNS[level], alike=lacking[0] == lacking[1])
row = page.show(
    release,
    finding=said,
    key="pair_list",
    columns=columns,
    rows_select=key,
    open_table=True,
    kept_back=store.kept_back(first, level) or store.kept_back(second, level),
)
page.select(row)
