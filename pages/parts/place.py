"""The profile of the place selected on the map: how it changed, when, what, how grave, how often, what is near."""

import pandas as pd
import streamlit as st

from analytics.errors import NotEnoughData
from answers import place
from data import store
from ui import charts, events, findings, place_findings, profiles, remarks, words
from ui.frame import Page


@st.cache_data(show_spinner="Looking at the place…", max_entries=128)
def _asked(scope: store.Scope, what: str, *more: object) -> pd.DataFrame:
    return getattr(place, what)(scope, *more)


def profile(page: Page, scope: store.Scope, level: str, size_m: int, row: pd.Series) -> None:
    """All that is known of one place. row : of the map's table, with its name, middle and level."""
    inside, spot = scope.but(place=page.selected()), place.spot_of(row, level, size_m)
    named = words.within(row["place"], row.get("town")) if pd.notna(row["place"]) else "The place selected"
    st.markdown(f"### {words.plain(named)}")
    monthly = {"kept_back": store.kept_back(inside, level, by_month=True)}
    whole = {"kept_back": store.kept_back(inside, level)}
    left, right = st.columns(2)
    with left:
        _months(page, inside, **monthly)
        mix = profiles.mix(page, inside)
        page.show(mix, charts.mix(mix), finding=findings.mix(mix), key="place_mix", **whole)
        _venues(page, inside, **whole)
        _repeats(page, inside, spot, **whole)
    with right:
        seen = profiles.sources(page, inside)
        every = store.kept_back(inside.but(sources=tuple(store.sources(inside))), level)
        bars = charts.bars(seen, category="source", value="n", in_order=True)
        page.show(seen, bars, finding=remarks.sources(seen), key="place_sources", kept_back=every)
        _week(page, inside, **whole)
        _harm(page, inside, **whole)
        _around(page, inside, spot)
        _factors(page, inside, spot, level)


def _months(page: Page, scope: store.Scope, **more: str) -> None:
    """The months with control limits; without them where they are too few or too rare for a chart."""
    said = findings.trend(profiles.months_and_year_before(page, scope))
    try:
        chart = _asked(scope, "control_chart")
    except NotEnoughData as reason:
        months = profiles.months(page, scope)
        page.show(months, charts.trend(months, flags=events.flags(scope)), finding=said, key="place_trend", **more)
        st.caption(words.plain(f"No control limits: {reason}"))
        return
    wide = scope.but(start=max(chart["month"].min(), scope.start - pd.DateOffset(months=place.HISTORY)))
    notes = (place_findings.control(chart),)
    derived = ["centre", "lower", "upper"]
    months = page.release(chart, counts=["n"], derived=derived, title="Control chart by month", scope=wide, notes=notes)
    picture = charts.trend(months, flags=events.flags(wide), control=True)
    columns = ("month", "n", "centre", "lower", "upper", "rule")
    signals = place_findings.signals(months)
    page.show(months, picture, finding=f"{said} {signals}", key="place_trend", columns=columns, **more)


def _week(page: Page, scope: store.Scope, **more: str) -> None:
    banded = store.banded_sources(scope)
    if not any(store.answers(s, "time") and s not in banded for s in scope.sources):
        st.info("Which weekday or hour is not known here: the source chosen gives no more than the month.")
        return
    hours = _asked(scope, "week")
    notes = (place_findings.hours(hours, place.LONGEST_H),)
    week = page.release(
        hours, counts=["n"], derived=["expected", "ratio"], title="Weekday by hour", scope=scope, notes=notes
    )
    said = findings.weekday_hour(week)
    page.show(week, charts.weekday_hour(week), finding=said, key="place_week", **more)


def _venues(page: Page, scope: store.Scope, **more: str) -> None:
    kinds = _asked(scope, "venues")
    known = kinds.dropna(subset=["venue"]).head(12)
    if known.empty:
        return
    unsaid = kinds.loc[kinds["venue"].isna(), "n"].sum()
    notes = ("Kinds of place, as records name them; no single venue is counted",)
    notes += (f"{words.count(unsaid, 'record')} name no kind",) if unsaid else ()
    venues = page.release(known, counts=["n"], derived=["share"], title="Kinds of place", scope=scope, notes=notes)
    bars = charts.bars(venues, category="venue", value="n")
    page.show(venues, bars, finding=place_findings.venues(venues, unsaid), key="place_venues", **more)


def _repeats(page: Page, scope: store.Scope, spot: place.Spot, **more: str) -> None:
    found = _asked(scope, "repeats", spot)
    if found.empty:
        st.info(words.plain(f"{'. '.join(found.attrs['why_not'])}."))
        return
    named = place_findings.measured(found)
    notes = (*place_findings.pairs(place.PAIRS_M, place.PAIRS_DAYS, place.AROUND_M), *found.attrs["why_not"])
    derived = ["value", "lower", "upper"]
    release = page.release(named, counts=[], derived=derived, title="Repeats", scope=scope, notes=notes)
    columns, said = ("measure", "said", "n"), place_findings.repeats(found)
    page.show(release, finding=said, key="place_repeats", columns=columns, open_table=True, **more)


def _harm(page: Page, scope: store.Scope, **more: str) -> None:
    found = _asked(scope, "harm")
    if found.empty:
        return
    named = found.assign(offence_group=[words.value("offence_group", g) for g in found["offence_group"]])
    named = named.groupby("offence_group", as_index=False, sort=False)[["n", "harm", "share"]].sum()
    release = page.release(
        named,
        counts=["n"],
        derived=["harm", "share"],
        title="Harm by offence group",
        scope=scope,
        notes=place_findings.weights(found),
    )
    bars = charts.bars(release, category="offence_group", value="harm")
    page.show(release, bars, finding=place_findings.harm(found, release), key="place_harm", **more)


def _around(page: Page, scope: store.Scope, spot: place.Spot) -> None:
    found = _asked(scope, "nearby", spot)
    if found.empty:
        return
    named = found.assign(kind=[words.value("kind", kind) for kind in found["kind"]])
    notes = (f"Within {place.NEAR_M} m of its edge. Kinds only, as places held are listed; none is said to be violent",)
    about = {"title": "What is near", "scope": scope, "notes": notes} | profiles.open_source("places")
    release = page.release(named, counts=[], **about)
    page.show(release, finding=place_findings.near(release), key="place_near", open_table=True)


def _factors(page: Page, scope: store.Scope, spot: place.Spot, level: str) -> None:
    found = _asked(scope, "factors", spot, level)
    if found.empty:
        return
    notes = place_findings.areas_not_people(found)
    named = found.assign(kind=[words.value("kind", kind) for kind in found["kind"]])
    about = profiles.open_source("deprivation", f"Edition of {words.listed(sorted(set(found['period'])))}")
    release = page.release(
        named, counts=[], derived=["value", "standing"], title="Area factors", scope=scope, notes=notes, **about
    )
    columns, said = ("name", "standing", "value", "unit"), place_findings.factors(release)
    page.show(release, finding=said, key="place_factors", columns=columns, open_table=True)
