"""What is asked of the records of one place: spans of time, exact spots, kinds of venue, harm; and what is near.

As in `data.store`: a Scope in, a table out. Nothing here is drawn as it comes: `answers.place` makes sums of it.
"""

import ibis
import numpy as np
import pandas as pd
from ibis import _

from data import definitions, store
from data.store import NotHeld, Scope

NEAR_KINDS = ("school", "station", "hospital", "pharmacy", "licensed")
FACTOR = ("indicator_id", "name", "unit", "kind", "polarity", "period")
MOST_MOMENTS = 20_000  # events whose pairs can be told apart in a moment; a place of a few streets has far fewer


def time_spans(scope: Scope) -> pd.DataFrame:
    """Between which two moments records happened: starts, ends, n; both empty where the hour is not known at all."""
    rows = store.records(scope)
    known = rows.mutate(sure=rows.dt_from.notnull() & rows.dt_to.notnull())
    starts, ends = (ibis.ifelse(known.sure, known[c], ibis.null("timestamp")) for c in ("dt_from", "dt_to"))
    return store.run(scope, known.group_by(starts=starts, ends=ends).agg(n=_.count()))


def moments(scope: Scope, *, x: float, y: float, reach_m: float) -> pd.DataFrame:
    """Events within reach of a point whose day is known, for tests of pairs: x, y, date; the newest MOST_MOMENTS."""
    rows = store.records(scope, level="hex")
    near = (rows.easting - x) ** 2 + (rows.northing - y) ** 2 <= reach_m**2
    same_day = rows.dt_from.date() == rows.dt_to.date()
    found = rows.filter(near, rows.dt_from.notnull(), same_day)
    events = found.select(x="easting", y="northing", date=rows.dt_from.date()).order_by(ibis.desc("date"), "x", "y")
    return store.run(scope, events.limit(MOST_MOMENTS))


def spots(scope: Scope) -> pd.DataFrame:
    """Records at each exact spot (whole metres), the spots themselves untold: n, one row per spot."""
    rows = store.records(scope).filter(_.easting.notnull())
    return store.run(scope, rows.group_by(x=_.easting.round(), y=_.northing.round()).agg(n=_.count()).select("n"))


def venue_types(scope: Scope) -> pd.DataFrame:
    """Records by kind of place, fullest first: venue, n. Of published street crime the label, where it names a kind."""
    rows = store.records(scope)
    known = rows.location_key.isin(list(definitions.venue_labels()))
    kinds = ibis.coalesce(rows.location_type, ibis.ifelse(known, rows.location_key, ibis.null("string")))
    return store.run(scope, rows.group_by(venue=kinds).agg(n=_.count()).order_by(ibis.desc("n")))


def harm_by_offence(scope: Scope) -> pd.DataFrame:
    """Records and harm by offence code, or group where there is no code: offence, n, harm, largest (of one record)."""
    rows = store.records(scope)
    offence = ibis.coalesce(rows.ho_code, rows.offence_group)
    found = rows.group_by(offence=offence, offence_group=rows.offence_group)
    sums = {"n": _.count(), "harm": _.harm_cchi.sum(), "largest": _.harm_cchi.max(), "weighed": _.harm_cchi.count()}
    return store.run(scope, found.agg(**sums).order_by(ibis.desc("n")))


def nearby(scope: Scope, *, x: float, y: float, reach_m: float) -> pd.DataFrame:
    """Schools, stations and services near a point by kind, never by name: kind, premises, nearest_m."""
    if not store.holds(scope, "places"):
        return pd.DataFrame(columns=["kind", "premises", "nearest_m"])
    rows = store.table(scope, "places").filter(_.kind.isin(NEAR_KINDS))
    found = store.run(scope, rows.select("kind", "x", "y"))
    found["nearest_m"] = np.hypot(found["x"] - x, found["y"] - y)
    known = found[found["nearest_m"] <= reach_m].groupby("kind")["nearest_m"].agg(["size", "min"]).reset_index()
    return known.set_axis(["kind", "premises", "nearest_m"], axis=1).sort_values("nearest_m", ignore_index=True)


def small_areas(scope: Scope, *, x: float, y: float, reach_m: float) -> list[str]:
    """The small areas whose middle lies within reach of a point, the nearest first; the nearest one at least."""
    try:
        areas = store.areas(scope, level="lsoa")
    except NotHeld:
        return []
    away = np.hypot(areas["x"] - x, areas["y"] - y)
    order = areas.assign(away=away).sort_values("away")
    return order.loc[order["away"] <= max(reach_m, away.min()), "area_code"].tolist() if len(order) else []


def small_areas_of(scope: Scope, level: str, code: str) -> list[str]:
    """The small areas that make up an area of a level."""
    if level == "lsoa":
        return [code]
    try:
        if level == "ward":
            wards = store.run(scope, store.wards(scope))
            return wards.loc[wards["ward_code"] == code, "lsoa_code"].tolist()
        areas = store.areas(scope, level="lsoa")
    except NotHeld:
        return []
    return areas.loc[areas["parent" if level == "msoa" else "authority_code"] == code, "area_code"].tolist()


def factors(scope: Scope) -> pd.DataFrame:
    """The newest risk and protective indicators of all small areas: indicator_id, name, unit, kind, polarity, period,
    area_code, value. Of the newest year alone, so that an older edition of the same index does not stand twice.

    Ranks and tenths are left out (scores say the same), and what is made of recorded crime: it would explain itself.
    """
    if not store.holds(scope, "indicators"):
        return pd.DataFrame(columns=[*FACTOR, "area_code", "value"])
    rows = store.table(scope, "indicators")
    told = _.kind.isin(("risk", "protective")) & _.unit.notin(("rank", "decile"))
    rows = rows.filter(_.area_level == "lsoa", told, _.value.notnull())
    return store.run(scope, rows.filter(_.period == rows.period.max()).select(*FACTOR, "area_code", "value"))
