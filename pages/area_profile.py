"""Area profile: everything we know about one local authority."""

import pandas as pd
import streamlit as st

from analytics import rates
from data import store
from ui import atlas, charts, events, filters, findings, frame, maps, profiles, remarks

page = frame.open_page("area_profile")
scope = filters.scope(page)
names = page.labels("authority_code")
if scope.area == store.ALL:
    st.info("Choose an area in the bar above; until then this is the first of the list.")
    scope = scope.but(area=next(iter(names)))
source = page.one_source(scope)
scope = scope.but(sources=(source,))


@st.cache_data(show_spinner="Comparing the authorities…", max_entries=64)
def authorities(scope: store.Scope) -> pd.DataFrame:
    """One row per authority: records, residents, crude rate per 1,000 with its interval."""
    found = store.area_counts(scope.but(area=store.ALL), level="lad")
    return found.assign(**rates.crude(found["n"], found["population"], per=1_000))


@st.cache_data(show_spinner="Counting…", max_entries=64)
def small_areas(scope: store.Scope, level: str) -> pd.DataFrame:
    """One row per small area of the authority: records and residents."""
    found = store.area_counts(scope, level=level)
    return found.assign(**rates.crude(found["n"], found["population"], per=1_000))


st.markdown(f"### {names[scope.area]}")
with page.explaining():
    compared = authorities(scope)
    months, compared_months = profiles.months(page, scope), profiles.months_and_year_before(page, scope)
    mix = profiles.mix(page, scope)
    week = profiles.week(page, scope)
    level = next(level for level in store.map_levels(scope) if level != "hex")
    places = small_areas(scope, level)
    left_out = store.left_out(scope, level)

derived = ["rate", "lower", "upper"]
title = "Records per 1,000 residents over the period"
told = {"period": compared.attrs["period"]} if "period" in compared.attrs else {}
order = page.release(compared, counts=["n"], derived=derived, title=title, scope=scope.but(area=store.ALL), **told)
here = page.part(order, order.table[order.table["area_code"] == scope.area], title=title)
one, two, three = st.columns(3)
with one:
    page.headline(here, label="Records in the period", column="n", change=page.source_label(source))
with two:
    page.headline(here, label="Per 1,000 residents", column="rate", change=remarks.interval(here))
with three:
    page.headline(here, label="Residents", column="population", change=remarks.residents(here))

left, right = st.columns([3, 2])
with left:
    about = f"Records by {page.level_label(level)}"
    notes = (remarks.left_out(left_out),) if left_out else ()
    kept = store.kept_back(scope, level)
    drawn = page.release(places, counts=["n"], derived=derived, title=about, scope=scope, notes=notes, **told)
    picture = maps.areas(
        drawn,
        colour="n",
        shapes=atlas.outlines(scope, level),
        context=atlas.ground(scope),
        view=atlas.camera(scope),
        title="Records over the period",
        unit="records",
        selected=page.selected() or None,
    )
    page.select(page.show(drawn, picture, finding=remarks.areas(drawn), key="map", kept_back=kept))
with right:
    bars = charts.bars(order, category="name", value="rate", lower="lower", upper="upper", highlight=names[scope.area])
    page.show(order, bars, finding=remarks.place_in_order(order, names[scope.area]), key="order")

with page.explaining():
    marks, flagged = events.register(scope), events.flags(scope)
picture = charts.trend(months, flags=flagged, events=marks)
page.show(months, picture, finding=findings.trend(compared_months), key="months")
left, right = st.columns(2)
with left:
    page.show(mix, charts.mix(mix), finding=findings.mix(mix), key="mix")
with right:
    if week:
        page.show(week, charts.weekday_hour(week), finding=findings.weekday_hour(week), key="week")
    else:
        st.info("Which weekday or hour is not known here: the source chosen gives no more than the month.")

left, right = st.columns(2)
with left, page.explaining():
    tenths = profiles.deprivation(page, scope)
    bars = charts.bars(tenths, category="decile", value="areas", in_order=True) if len(tenths.table) else None
    page.show(tenths, bars, finding=remarks.deprivation(tenths), key="deprivation")
with right, page.explaining():
    held = profiles.indicators(page, scope)
    shown = ("name", "period", "value", "lower", "upper", "england", "unit")
    page.show(held, finding=remarks.indicators(held), key="indicators", columns=shown, open_table=True)
with page.explaining():
    admitted = profiles.admissions(page, scope)
    shown = ("period", "icd_group", "admitted", "withheld")
    if admitted:
        page.show(admitted, finding=remarks.admissions(admitted), key="admissions", columns=shown, open_table=True)
