"""Sentences about one figure, one place, or the data themselves, worked out from a Release as in findings."""

from collections.abc import Iterable

import pandas as pd

from analytics.disclosure import Release
from ui import words

NOTHING = "There is nothing to show for this choice."
MAP_AREAS = {"lsoa": "small areas (LSOA)", "msoa": "neighbourhoods (MSOA)"}  # that records say they lie in


def quarters(release: Release) -> str:
    """The newest quarter beside the same quarter a year before, as far as both may be shown."""
    table = release.table.sort_values("month")
    known = table[table["status"] != "not supplied"]
    if known.empty:
        return NOTHING
    newest = known["month"].max()
    now, before = (known[known["month"] == m] for m in (newest, newest - pd.DateOffset(years=1)))
    when = words.quarter(newest)
    if len(now) != 1 or len(before) != 1:
        return f"Newest quarter held: {when}. Small numbers are bands, others are rounded to the nearest 5."
    return f"{when}: {now['shown'].iloc[0]}; the same quarter a year before: {before['shown'].iloc[0]} (nearest 5)."


def against_expectation(release: Release) -> str:
    """The newest month against the range it was expected in from its own history."""
    known = release.table.dropna(subset=["n"])
    if known.empty:
        return NOTHING
    last = known.iloc[-1]
    month, n = words.month(last["month"]), words.number(last["n"])
    if pd.isna(last["expected_lower"]):
        return f"{month}: {n}. No expected range: {last['method']}."
    low, high = words.number(last["expected_lower"]), words.number(last["expected_upper"])
    where = {"inside": "as expected", "above": "more than expected", "below": "fewer than expected"}[last["position"]]
    return f"{month}: {n}, {where} ({low} to {high} from its own history)."


def interval(release: Release) -> str:
    """The interval of the first row's rate."""
    row = release.table.iloc[0] if len(release.table) else None
    if row is None or pd.isna(row["rate"]):
        return "No rate: residents or records are not held."
    return f"{words.number(row['lower'], 1)} to {words.number(row['upper'], 1)} ({row['method']})"


def residents(release: Release) -> str:
    """Of which year the residents of the first row are."""
    row = release.table.iloc[0] if len(release.table) else None
    if row is None or pd.isna(row["population"]):
        return "No residents are held."
    return f"As estimated for {row['year']:.0f}"


def areas(release: Release, *, noun: str = "area", value: str = "n", what: str = "records") -> str:
    """How uneven the places are: how few of them hold half of the records, or of the harm."""
    known = release.table[value].dropna().sort_values(ascending=False)
    total = known.sum()
    if not total:
        return NOTHING
    half = int((known.cumsum() < total / 2).sum()) + 1
    hold = "holds" if half == 1 else "hold"
    return f"{half:,} of {words.count(len(known), noun)} {hold} half of the {words.number(total)} {what}."


def spread(release: Release, column: str, *, noun: str, per: str = "per 1,000 residents") -> str:
    """How uneven the places are, by the column that is shown: `n`, `harm` or `rate`. per : what a rate is per."""
    if column == "rate":
        return _rates(release, noun, per)
    return areas(release, noun=noun, value=column, what="days of harm" if column == "harm" else "records")


def _rates(release: Release, noun: str, per: str) -> str:
    """How far the rates of the places lie apart: the middle half of them, and the highest."""
    known = release.table["rate"].dropna()
    if known.empty:
        return NOTHING
    low, high, most = (words.number(v) for v in (*known.quantile([0.25, 0.75]), known.max()))
    places = words.count(len(known), noun)
    return f"Half of the {places} lie between {low} and {high} {per}; the highest is {most}."


def authorities(release: Release) -> str:
    """Which authorities moved most between the last twelve months and the twelve before, where both are held."""
    table = release.table
    newest = table["month"].max()
    recent = table[table["month"] > newest - pd.DateOffset(months=12)]
    before = table[table["month"].between(newest - pd.DateOffset(months=23), newest - pd.DateOffset(months=12))]
    now, then = (part.groupby("authority_name")["n"].agg(lambda n: n.sum(skipna=False)) for part in (recent, before))
    if now.isna().any():
        return "Months are missing in the last twelve, so the authorities' years cannot be added up."
    if then.empty or then.isna().any() or len(before) < len(recent):
        top = now.idxmax()
        return f"{top} recorded most, {words.number(now.max())} in twelve months. No year before to compare with."
    ratio = (now / then).where(then >= 5)
    up, down = ratio.idxmax(), ratio.idxmin()
    return f"From year to year, {up} rose most ({_percent(ratio[up])}) and {down} least ({_percent(ratio[down])})."


def sources(release: Release) -> str:
    """What each source saw in one place."""
    table = release.table
    seen = [f"{source} {shown}" for source, shown in zip(table["source"], table["shown"], strict=True)]
    if len(seen) < 2:
        return f"Only one source can be asked about this place: {words.listed(seen)}."
    return f"{words.listed(seen)}. They overlap and are not added up."


def left_out(n: int) -> str:
    """Why a map holds fewer records than the figure beside it."""
    return f"{words.count(n, 'record')} that may not be placed this finely, or have no place, are left out"


def deprivation(release: Release) -> str:
    """How many small areas are among the most deprived tenth, and fifth, of England."""
    if release.table.empty:
        return "No index of deprivation is held."
    n = release.table["areas"].to_numpy()
    areas = words.count(n.sum(), "small area")
    first = f"{words.number(n[0])} lie in England's most deprived tenth"
    return f"Of {areas}, {first}, {words.number(n[:2].sum())} in the first two."


def admissions(release: Release) -> str:
    """The newest financial year of admissions for assault of any kind."""
    if release.table.empty:
        return "No hospital admissions for assault are held."
    rows = release.table[release.table["icd_group"] == words.value("icd_group", "X85_Y09")].sort_values("period")
    if rows.empty or pd.isna(rows["admitted"].iloc[-1]):
        return "Residents admitted to hospital for assault"
    return (
        f"{words.number(rows['admitted'].iloc[-1])} admissions of residents for assault in {rows['period'].iloc[-1]}."
    )


def freshness(release: Release) -> str:
    """How many sources are late."""
    table = release.table
    late = table.loc[table["state"] == "overdue", "source"].tolist()
    held = words.count(len(table), "source has", "sources have")
    return (
        f"{held} been loaded; {words.listed(late)} {'is' if len(late) == 1 else 'are'} overdue."
        if late
        else (f"{held} been loaded; none is overdue.")
    )


def news(release: Release) -> str:
    """What the newest snapshot took in, and by how much the records held became more or fewer."""
    table = release.table
    if table.empty:
        return "The newest snapshot brought no new rows."
    told = table.dropna(subset=["accepted"])
    rows = words.count(told["accepted"].sum(), "row")
    took = f"The newest snapshot took in {rows} of {words.some(told['source'])}" if len(told) else ""
    apart = table.loc[table["accepted"].isna(), "source"]
    if len(apart):
        also = f"{words.some(apart)}, whose counts are not shown"
        took = f"{took}; also {also}" if took else f"The newest snapshot took in {also}"
    took += "."
    grown = table.dropna(subset=["records_held"])
    grown = grown if table["records_before"].notna().any() else grown.head(0)  # a first snapshot compares with nothing
    changes = grown["records_held"] - grown["records_before"].fillna(0)
    told = [f"{source} {change:+,.0f}" for source, change in zip(grown["source"], changes, strict=True)]
    return f"{took} Records held: {words.listed(told)}." if told else took


def completeness(release: Release) -> str:
    """Which field is filled in least often."""
    if release.table.empty:
        return NOTHING
    least = release.table.loc[release.table["filled"].idxmin()]
    return f"{least['field']} is filled in least often: in {words.percent(least['filled'])} of {least['source']}."


def loads(release: Release) -> str:
    """How many deliveries there were, and when the newest came."""
    if release.table.empty:
        return NOTHING
    newest = release.table["received"].max()
    deliveries = words.count(len(release.table), "delivery", "deliveries")
    return f"{deliveries}; the newest came on {newest.day} {words.month(newest)}."


def not_held(levels: Iterable[str]) -> str:
    """Which areas of a map are not held; empty where none is lacking."""
    lacking = [name for level, name in MAP_AREAS.items() if level not in levels]
    return f"Not held here: {words.listed(lacking)}." if lacking else ""


def months_held(release: Release) -> str:
    """How many months are missing from the first delivery of each source on."""
    table = release.table
    first = table["source"].map(table[table["held"]].groupby("source")["month"].min())
    missing = table[~table["held"] & (table["month"] > first)].groupby("source").size()
    if missing.empty:
        return "No month is missing."
    return "Not supplied: " + "; ".join(f"{words.count(n, 'month')} of {source}" for source, n in missing.items()) + "."


def set_aside(release: Release) -> str:
    """How many rows were not taken, and mostly why."""
    table = release.table
    if table.empty:
        return "No row was set aside."
    top = table.iloc[0]
    return f"{words.number(table['n'].sum())} rows were set aside; most because: {top['reason']}."


def flagged(release: Release) -> str:
    """How many months depart from their source's own history."""
    if release.table.empty:
        return "No month departs from its source's own history."
    months = release.table[["source", "month"]].drop_duplicates()
    return (
        f"{words.count(len(months), 'month departs', 'months depart')} from the history of the source: read with care."
    )


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f}%"
