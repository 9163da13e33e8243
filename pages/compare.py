"""Compare: places side by side, with how far their order is chance; never a bare ranking."""

import pandas as pd
import streamlit as st

from analytics import league
from data import store
from ui import chart_funnel, charts, filters, frame, league_findings, shows, words

LEVELS = ("lad", "msoa", "ward", "lsoa")
LISTED = 40

page = frame.open_page("compare")
scope = filters.scope(page)
with st.container(horizontal=True, vertical_alignment="bottom"), page.explaining():
    source = page.one_source(scope)
    scope = scope.but(sources=(source,))
    held = [*store.map_levels(scope), "lad"]
    levels = {
        level: shows.LEVELS[level] for level in LEVELS if level in held and store.denominators(scope, level=level)
    }
    if not levels:
        raise store.NotHeld("No residents are held, so there is no rate to compare places by.")
    level = page.choice("level_compared", "Compare", levels, width=230)
    people = {kind: shows.PEOPLE[kind] for kind in store.denominators(scope, level=level)}
    per = page.choice("per", "Per 1,000 of", people, width=220)
    page.meeting()
whole = scope.but(area=store.ALL) if level == "lad" else scope
noun = shows.NOUNS[level]


@st.cache_data(show_spinner="Comparing the places…", max_entries=64)
def compared(scope: store.Scope, level: str, per: str) -> pd.DataFrame:
    """One row per place: rate with interval, rank with interval, and whether it lies outside the funnel."""
    found = store.area_counts(scope, level=level, per=per)
    answer = league.table(found, per=1_000)
    answer.attrs = found.attrs
    return answer


with page.explaining():
    places = compared(whole, level, per)
places = places.assign(place=words.place(places["name"], places["everyday_name"]), rank_said=chart_funnel.ranks(places))
places["interval_said"] = chart_funnel.interval(places)
places["position_said"] = [words.value("position", p) for p in places["position"]]
notes = league_findings.notes(places)
derived = ["rate", "lower", "upper", "benchmark", *chart_funnel.LIMITS]
told = {"title": f"{shows.LEVELS[level]} compared, {shows.PER[per]}", "scope": whole, "notes": notes}
told |= {"period": places.attrs["period"]} if "period" in places.attrs else {}
found = page.release(places, counts=["n"], derived=derived, **told)
kept = store.kept_back(whole, level)
here = page.labels("authority_code").get(scope.area, "")
left, right = st.columns([11, 9])
with left:
    picture = chart_funnel.funnel(found, per=shows.PER[per], highlight=here)
    page.show(found, picture, finding=league_findings.funnel(found, noun), key="funnel", kept_back=kept)
with right:
    top = page.part(found, found.table.dropna(subset=["rate"]).sort_values("rate", ascending=False), title="In order")
    columns = ("place", "rate", "interval_said", "rank_said", "position_said", "n")
    said = league_findings.order(top, noun)
    page.show(top, finding=said, key="league", columns=columns, open_table=True, kept_back=kept)
if level == "lad":
    bars = charts.bars(top, category="name", value="rate", lower="lower", upper="upper", highlight=here or None)
    page.show(top, bars, finding=league_findings.level(top), key="bars")
