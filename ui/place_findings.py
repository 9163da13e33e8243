"""Sentences about one place on the map, worked out from what was found there; a row is a month, a kind, a measure."""

import pandas as pd

from analytics.disclosure import Release
from ui import remarks, words

MEASURES = {
    "repeat_location": "Records at spots with more than one",
    "near_repeat": "Pairs soon and near, against chance",
}
CLEAR = 0.05
TALL = 0.9  # of all small areas: from here on a factor stands out


def control(chart: pd.DataFrame) -> str:
    """How the limits were made, and whether they can be relied upon."""
    said = "XmR chart: limits at 2.66 mean moving ranges, rules of NHS Making Data Count"
    known = chart.dropna(subset=["n"])
    return f"{said}. Trial limits: fewer than 13 months" if known["provisional"].any() else said


def signals(release: Release) -> str:
    """Which of the newest months chance does not explain."""
    flagged = release.table[release.table["signal"].isin(["concern", "improvement"])]
    if flagged.empty:
        return "No month stands out from the usual variation."
    last = flagged.iloc[-1]
    more = {"concern": "more", "improvement": "fewer"}[last["signal"]]
    rule = words.value("rule", last["rule"]).lower()
    return f"Last signal: {words.month(last['month'])}, {more} than chance explains ({rule})."


def hours(week: pd.DataFrame, longest_h: int) -> str:
    """How uncertain times were dealt with, and how many records have none."""
    left_out = week.attrs.get("left_out", 0)
    said = "Records of uncertain time are shared out over their span"
    return f"{said}; {words.count(left_out, 'record')} unknown or longer than {longest_h} hours are left out"


def venues(release: Release, unsaid: float) -> str:
    """The commonest kind of place, if most records name one. unsaid : records that name none."""
    table = release.table
    if unsaid > table["n"].sum():
        return f"Most records name no kind of place; of those that do, {str(table['venue'].iloc[0]).lower()} leads."
    first = table.iloc[0]
    rest = f", then {table['venue'].iloc[1].lower()}" if len(table) > 1 else ""
    return f"Most often: {str(first['venue']).lower()} ({first['shown']}){rest}."


def pairs(within_m: int, within_days: int, around_m: int) -> tuple[str, ...]:
    """What a near repeat is."""
    near = f"pairs within {within_m} m and {within_days} days, of events within {around_m:,} m of the place"
    return (f"Near repeat (Knox): {near}", "A spot is a point to the metre; snapped points make many addresses one")


def measured(found: pd.DataFrame) -> pd.DataFrame:
    """The measures in words: a share as a percentage, a ratio with its interval."""
    said = [
        words.percent(row.value)
        if row.measure == "repeat_location"
        else f"{words.number(row.value, 2)} times ({words.number(row.lower, 2)} to {words.number(row.upper, 2)})"
        for row in found.itertuples()
    ]
    return found.assign(measure=[MEASURES[m] for m in found["measure"]], said=said)


def repeats(found: pd.DataFrame) -> str:
    """How much happens again where, and soon after, it happened before."""
    rows = found.set_index("measure")
    said = []
    if "repeat_location" in rows.index:
        share = words.percent(rows.loc["repeat_location", "value"])
        said.append(f"{share[0].upper()}{share[1:]} of the records lie at spots with more than one.")
    if "near_repeat" in rows.index:
        row = rows.loc["near_repeat"]
        clear = "more than" if row["value"] > 1 else "fewer than"
        clear = f"clearly {clear}" if row["p_value"] < CLEAR else "not clearly different from what"
        times = words.number(row["value"], 1)
        said.append(f"Pairs close in time and space are {times} times as many, {clear} chance gives.")
    return " ".join(said) or remarks.NOTHING


def weights(found: pd.DataFrame) -> tuple[str, ...]:
    """Which records have no weight; and that the weights are indicative."""
    unweighed = found.attrs["without_weight"]
    rest = (f"{words.count(unweighed, 'record')} of offences without a weight are not in it",) if unweighed else ()
    return (*rest, "Indicative weights: days of sentence at the starting point")


def harm(found: pd.DataFrame, release: Release) -> str:
    """What most of the harm is, and how much of it is one record."""
    total, one = found.attrs["harm"], found.attrs["largest_share"]
    if not total > 0 or release.table.empty:
        return "No record here has a harm weight."
    top = release.table.sort_values("harm", ascending=False).iloc[0]
    share = words.percent(top["share"])
    unweighed = found.attrs["without_weight"]
    rest = f" {words.count(unweighed, 'record')} have no weight." if unweighed else ""
    said = f"{words.number(total)} days of harm, {share} of it {top['offence_group'].lower()}"
    return f"{said}; the heaviest single record is {words.percent(one)}.{rest}"


def near(release: Release) -> str:
    """Which kinds of services are near."""
    each = zip(release.table["kind"], release.table["premises"], release.table["nearest_m"], strict=True)
    told = [f"{kind.lower()} ({n:,}, nearest {words.number(round(m, -1))} m)" for kind, n, m in each]
    return f"Nearby: {words.listed(told)}."


def factors(release: Release) -> str:
    """Which factors stand out in the small areas of the place."""
    table = release.table
    high, low = table[table["standing"] >= TALL], table[table["standing"] <= 1 - TALL]
    told = [f"high in {words.some(high['name'])}"] if len(high) else []
    told += [f"low in {words.some(low['name'])}"] if len(low) else []
    return f"Against other small areas this place is {' and '.join(told)}." if told else "No factor stands out here."


def areas_not_people(found: pd.DataFrame) -> tuple[str, ...]:
    """What the factors are about."""
    n = found.attrs["areas"]
    of = f"{words.count(n, 'small area')} in or nearest to the place, against {found.attrs['of']:,}"
    return (of, "Areas are not people, and what goes with violence need not cause it")
