"""What is known of one place on the map: its week, harm, repeats, surroundings. The scope's `place` says which.

A row is an hour of the week, an offence, a kind of venue, a factor. Where and how wide a place is: `Spot`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics import concentration, near_repeat, spc, temporal
from analytics.errors import NotEnoughData
from data import place_questions, store
from data.store import Scope

LONGEST_H = 24  # spans longer than a day say too little of the hour
NEAR_M = 500  # what lies within a few minutes' walk of the edge
PAIRS_M, PAIRS_DAYS = 200, 14  # how close in space and time a repeat is near
AROUND_M = 1_000  # events around a place among whose pairs near repeats are looked for
FEWEST_EVENTS = 30  # below this pairs say nothing worth showing
FACTORS_TOLD = 8
SNAPPED_M = 500  # a source that is never mapped finer has points that are no addresses
HISTORY = 24  # months before the period from which the control limits are drawn too


@dataclass(frozen=True)
class Spot:
    """The middle of a place (EPSG:27700 metres) and how far its edge is from there."""

    x: float
    y: float
    reach_m: float


def spot_of(row: pd.Series, level: str, size_m: int) -> Spot:
    """Where a place of the map lies. row : one of `answers.hotspots.places`."""
    reach = size_m / np.sqrt(3) if level == "hex" else np.sqrt(row["area_km2"] * 1e6 / np.pi)
    return Spot(float(row["x"]), float(row["y"]), float(reach))


def control_chart(scope: Scope) -> pd.DataFrame:
    """Records of one place by month with the limits of an XmR chart: month, n, and the columns of `spc.xmr`.

    From HISTORY months before the period on, so that limits rest on more than the period itself. A month not supplied
    is a gap and ends a run. NotEnoughData where the months are too few, or hold too little each (`spc.choose`).
    """
    wide = scope.but(start=scope.start - pd.DateOffset(months=HISTORY))
    months = store.monthly_counts(wide)
    known = months["n"].first_valid_index()
    months = months.loc[known:].reset_index(drop=True) if known is not None else months
    suits = spc.choose(months["n"]).iloc[0]
    if suits["chart"] != "XmR":
        raise NotEnoughData(suits["reason"])
    chart = spc.xmr(months["n"], direction="decrease")
    return months.join(chart.drop(columns="value").set_index(months.index))


def week(scope: Scope) -> pd.DataFrame:
    """Records by weekday and hour, uncertain times shared out over their span: 168 rows of `temporal.week_expected`.

    `.attrs["left_out"]`: records whose span is unknown or longer than LONGEST_H hours.
    """
    spans = place_questions.time_spans(scope)
    hours = temporal.aoristic(spans["starts"], spans["ends"], longest_h=LONGEST_H, counts=spans["n"])
    left_out = hours.attrs["left_out"]
    answer = temporal.week_expected(hours, scope.start, scope.end + pd.offsets.MonthEnd(0))
    answer.attrs["left_out"] = left_out
    return answer


def venues(scope: Scope) -> pd.DataFrame:
    """Records by kind of venue, fullest first: venue (missing: not said), n, share."""
    found = place_questions.venue_types(scope)
    return found.assign(share=found["n"] / found["n"].sum() if found["n"].sum() else np.nan)


def harm(scope: Scope) -> pd.DataFrame:
    """Harm of the records of a place by offence: offence, offence_group, n, harm, share; the greatest first.

    `.attrs`: `harm` (in all), `largest_share` (of the one heaviest record), `without_weight` (records not weighed).
    """
    found = place_questions.harm_by_offence(scope)
    total = found["harm"].sum()
    known = found[found["harm"] > 0].sort_values("harm", ascending=False, ignore_index=True)
    answer = known.assign(share=known["harm"] / total if total > 0 else np.nan)
    largest = known["largest"].max() / total if len(known) else np.nan
    unweighed = int((found["n"] - found["weighed"]).sum())
    answer.attrs |= {"harm": total, "largest_share": largest, "without_weight": unweighed}
    return answer[["offence", "offence_group", "n", "harm", "share"]]


def repeats(scope: Scope, spot: Spot) -> pd.DataFrame:
    """Does it happen where, or soon after, it has happened before? One row per `measure`, of `value`, `lower`, `upper`.

    The share of records at spots with more than one (`repeat_locations`), and how many times as many pairs of events
    lie within PAIRS_M metres and PAIRS_DAYS days as place and time by themselves explain (Knox), among events within
    AROUND_M of the place. Measures that cannot be told are left out; `.attrs["why_not"]` says why.
    """
    rows, why_not = [], []
    exact = store.floor_m(scope) < SNAPPED_M
    spots = place_questions.spots(scope) if exact else pd.DataFrame()
    if not exact:
        why_not.append("Points of this source are snapped to a street or written down in words: a spot is no address")
    if len(spots):
        again = concentration.repeat_locations(spots["n"]).iloc[0]
        rows.append({"measure": "repeat_location", "value": again["share_of_events"], "n": again["events"]})
    events = place_questions.moments(scope.but(place=""), x=spot.x, y=spot.y, reach_m=spot.reach_m + AROUND_M)
    if len(events) < FEWEST_EVENTS:
        why_not.append(f"Near repeats: fewer than {FEWEST_EVENTS} events around the place have a day")
    else:
        try:
            near = near_repeat.nearby(events, within_m=PAIRS_M, within_days=PAIRS_DAYS).iloc[0]
            rows.append(
                {"measure": "near_repeat", "value": near["ratio"], "lower": near["lower"], "upper": near["upper"]}
                | {"p_value": near["p_value"], "n": len(events)}
            )
        except NotEnoughData as reason:
            why_not.append(str(reason))
    answer = pd.DataFrame(rows, columns=["measure", "value", "lower", "upper", "p_value", "n"])
    answer.attrs["why_not"] = tuple(why_not)
    return answer


def nearby(scope: Scope, spot: Spot) -> pd.DataFrame:
    """Schools, stations and services within NEAR_M of the edge of a place, by kind: kind, premises, nearest_m."""
    return place_questions.nearby(scope, x=spot.x, y=spot.y, reach_m=spot.reach_m + NEAR_M)


def factors(scope: Scope, spot: Spot, level: str) -> pd.DataFrame:
    """Risk and protective factors of the small areas of a place that stand out most: name, unit, kind, value, standing.

    `standing` is the share of all small areas that have less of it (ties half), of the mean over the small areas of the
    place; of a cell, over those whose middles lie in it, or of the nearest one. The FACTORS_TOLD that stand out most.
    """
    wide = scope.but(area=store.ALL)
    if level == "hex":
        codes = place_questions.small_areas(wide, x=spot.x, y=spot.y, reach_m=spot.reach_m)
    else:
        codes = place_questions.small_areas_of(wide, level, scope.place)
    every = place_questions.factors(scope)
    rows = []
    for (_, name, unit, kind, _, period), one in every.groupby(list(place_questions.FACTOR), sort=False):
        here = one.loc[one["area_code"].isin(codes), "value"].mean()
        if pd.notna(here):
            below, level = (one["value"] < here).mean(), (one["value"] == here).mean()
            rows.append((name, unit, kind, period, here, below + level / 2))
    found = pd.DataFrame(rows, columns=["name", "unit", "kind", "period", "value", "standing"])
    far = (found["standing"] - 0.5).abs()
    answer = found.loc[far.sort_values(ascending=False, kind="stable").index[:FACTORS_TOLD]]
    answer = answer.sort_values("standing", ascending=False, ignore_index=True)
    answer.attrs |= {"areas": len(codes), "of": every["area_code"].nunique()}
    return answer
