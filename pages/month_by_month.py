"""Month by month: the map played through the months of the period."""

from functools import partial

import streamlit as st

from answers import hotspots, together
from data import store
from ui import atlas, beside, filters, frame, linked_maps, pair_findings, shows, words

SHOWN = {"count": "Records", "hot": "Gi* hotspots"}
WINDOWS = {1: "Each month by itself", 3: "Three months up to it", 12: "Twelve months up to it"}

page = frame.open_page("month_by_month")
scope = filters.scope(page)
with st.container(horizontal=True, vertical_alignment="bottom"), page.explaining():
    source = page.one_source(scope)
    scope = scope.but(sources=(source,))
    levels = [level for level in store.map_levels(scope) if not store.banded_sources(scope)]
    if not levels:
        raise store.NotHeld("What is held here of this source has no months: it is told by quarter and by year.")
    level = page.choice("level", "Places", {name: shows.LEVELS[name] for name in levels}, width=210)
    show = page.choice("play", "Show", SHOWN, width=180)
    window = page.choice("window", "Each picture holds", WINDOWS, value=3, width=230)
    size = page.cell_size(level, store.floor_m(scope))
    page.meeting()
key = hotspots.key_of(level)
with page.explaining():
    found = beside.answer(partial(together.frames, scope, level, size, show, window), "Drawing the months")
    if found is None:
        st.stop()
    ground, view = atlas.ground(scope), atlas.camera(scope)
    named = found.dropna(subset=[key]).drop_duplicates(key)
    outlines = linked_maps.cell_shapes(named, size) if level == "hex" else atlas.outlines(scope, level)
rows = pair_findings.steps(found, window)
release = page.release(
    rows,
    counts=["n"],
    title=f"{SHOWN[show]} month by month",
    scope=scope,
    period=pair_findings.span(found, window),
    notes=(WINDOWS[window], *(["Gi* of counts, Benjamini-Hochberg at 5% in each picture"] if show == "hot" else [])),
)
release = page.part(release, release.table, title=release.title)  # pictures overlap: their records add up to nothing
now = shows.SHOWS["count"]
how = {"colour": "n", "scheme": "count", "unit": "records", "title": now.title}
if show == "hot":
    how = {"colour": "hot", "scheme": "class", "title": "Gi* of each picture", "labels": shows.PLAYED}
how |= {"shapes": outlines, "context": ground, "view": view, "id_column": key, "height": page.map_height() + 120}
picture = linked_maps.playback(release, **how)
said = pair_findings.played(found, key, shows.NOUNS[level], show)
kept = store.kept_back(scope, level, by_month=True)  # pictures overlap: their differences are single months
page.show(release, picture, finding=said, key="played", columns=("step", "n"), kept_back=kept)
st.caption(
    words.plain("Small numbers flicker by chance alone: a place that lights up once is no hotspot. See Persistence.")
)
