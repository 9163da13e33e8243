"""Area profile: everything we know about one local authority."""

import pandas as pd
import streamlit as st

from answers import profile
from data import store
from pages.parts import standing
from ui import atlas, charts, events, filters, findings, frame, maps, profile_findings, profiles, remarks, words

PARTS = {"now": "What happens here", "standing": "How it compares", "people": "Hotspots, deprivation, health"}

page = frame.open_page("area_profile")
scope = filters.scope(page)
names = page.labels("authority_code")
if scope.area == store.ALL:
    st.info("Choose an area in the bar above; until then this is the first of the list.")
    scope = scope.but(area=next(iter(names)))
with st.container(horizontal=True, vertical_alignment="bottom"):
    part = page.control("part", st.segmented_control, "Part", list(PARTS), value="now", format_func=PARTS.get)
    source = page.one_source(scope)
name, scope = names[scope.area], scope.but(sources=(source,))


@st.cache_data(show_spinner="Counting…", max_entries=64)
def small_areas(scope: store.Scope, level: str) -> pd.DataFrame:
    """One row per small area of the authority: records and residents."""
    return store.area_counts(scope, level=level)


@st.cache_data(show_spinner="Looking for hotspots…", max_entries=32)
def hot_inside(scope: store.Scope) -> pd.DataFrame:
    """The small areas of the authority that are hotspots among those of the whole partnership."""
    return profile.hot_inside(scope)


def happens() -> None:
    """Where, when and what."""
    with page.explaining():
        level = next(level for level in store.map_levels(scope) if level != "hex")
        places, left_out = small_areas(scope, level), store.left_out(scope, level)
        marks, flagged = events.register(scope), events.flags(scope)
        months, mix, week = profiles.months(page, scope), profiles.mix(page, scope), profiles.week(page, scope)
        before = profiles.months_and_year_before(page, scope)
    told = {"period": places.attrs["period"]} if "period" in places.attrs else {}
    notes = (remarks.left_out(left_out),) if left_out else ()
    about = f"Records by {page.level_label(level)}"
    drawn = page.release(places, counts=["n"], title=about, scope=scope, notes=notes, **told)
    shapes = {"shapes": atlas.outlines(scope, level), "context": atlas.ground(scope), "view": atlas.camera(scope)}
    said = {"title": "Records over the period", "unit": "records", "selected": page.selected() or None}
    left, right = st.columns(2)
    with left:
        picture, kept = maps.areas(drawn, colour="n", **shapes, **said), store.kept_back(scope, level)
        page.select(page.show(drawn, picture, finding=remarks.areas(drawn), key="map", kept_back=kept))
    with right:
        picture = charts.trend(months, flags=flagged, events=marks)
        page.show(
            months, picture, finding=findings.trend(before), key="months", kept_back=store.months_kept_back(scope)
        )
    with left:
        page.show(mix, charts.mix(mix), finding=findings.mix(mix), key="mix")
    with right:
        if week:
            page.show(week, charts.weekday_hour(week), finding=findings.weekday_hour(week), key="week")
        else:
            st.info("Which weekday or hour is not known here: the source chosen gives no more than the month.")


def compares() -> None:
    """Against the others, the region, England, its like, and itself a year ago."""
    with page.explaining(go_on=True):
        standing.spine(page, scope)
    left, right = st.columns(2)
    with left, page.explaining(go_on=True):
        standing.funnel(page, scope, name)
    with right, page.explaining(go_on=True):
        standing.year_before(page, scope)
    with page.explaining(go_on=True):
        standing.alike(page, scope, name)


def people() -> None:
    """The hotspots inside, how deprived it is, and who is admitted to hospital."""
    left, right = st.columns(2)
    with left, page.explaining(go_on=True):
        hot = hot_inside(scope)
        hot["place"] = words.place(hot["name"], hot["everyday_name"])
        notes = ("Gi* among all small areas of the partnership, after Benjamini-Hochberg at 5%",)
        told = {"title": "Hotspots inside, by small area", "scope": scope, "notes": notes}
        found = page.release(hot, counts=["n"], derived=["rate", "lower", "upper", "z", "share"], **told)
        columns, kept = ("place", "n", "rate", "z", "share"), store.kept_back(scope, profile.HOT_LEVEL)
        said = profile_findings.hot(found, hot.attrs["of"])
        page.show(found, finding=said, key="hot", columns=columns, open_table=True, kept_back=kept)
    with right, page.explaining(go_on=True):
        tenths = profiles.deprivation(page, scope)
        bars = charts.bars(tenths, category="decile", value="areas", in_order=True) if len(tenths.table) else None
        page.show(tenths, bars, finding=remarks.deprivation(tenths), key="deprivation")
    with page.explaining(go_on=True):
        admitted = profiles.admissions(page, scope)
        columns = ("period", "icd_group", "admitted", "withheld")
        if admitted:
            said = remarks.admissions(admitted)
            page.show(admitted, finding=said, key="admissions", columns=columns, open_table=True)


st.markdown(f"### {name}")
with page.explaining(go_on=True):
    standing.headlines(page, scope)
{"now": happens, "standing": compares, "people": people}[part]()
