"""Sentences about where one authority stands, worked out from a Release; and its tables made ready in words."""

import pandas as pd

from analytics.disclosure import Release
from ui import words

BENCHMARKS = {"partnership": "All authorities", "region": "Region", "england": "England"}
NONE = "There is nothing to show for this choice."


def standing(rows: pd.DataFrame, benchmark: str) -> pd.DataFrame:
    """Indicators with their values, intervals and change in words, ready to be told."""
    units = rows["unit"].replace("as published", "")
    said = rows.assign(
        name=rows["name"].where(units.eq(""), rows["name"] + ", " + units),
        here_said=[_with_interval(*v) for v in zip(rows["value"], rows["lower"], rows["upper"], strict=True)],
        beside_said=rows[benchmark].map(_short),
        better_side=rows["polarity"].map({"low_is_good": "lower", "high_is_good": "higher", "neutral": "neither"}),
        before_said=[
            f"{_short(v)} ({p})" if pd.notna(v) else ""
            for v, p in zip(rows["before"], rows["before_period"], strict=True)
        ],
    )
    for column in BENCHMARKS:
        said[f"{column}_said"] = rows[column].map(_short)
    return said


def spine(release: Release, beside: str) -> str:
    """How many indicators differ from the benchmark, and which way."""
    found = release.table["against"].value_counts()
    judged = int(found.reindex(["better", "worse", "higher", "lower", "similar"]).sum())
    if not judged:
        return f"No indicator here has both an interval and a value of {_the(beside)}, so none can be judged."
    parts = [f"{found[c]} {c}" for c in ("worse", "better", "higher", "lower") if c in found]
    apart = words.listed(parts) if parts else "none differs"
    return f"Of {words.count(judged, 'indicator')} with an interval, against {_the(beside)}: {apart}."


def spine_notes(rows: pd.DataFrame, benchmark: str) -> tuple[str, ...]:
    """How the chart was made, and what it leaves out."""
    without = int(rows[benchmark].isna().sum())
    left = f"{words.count(without, 'indicator')} without a value of {_the(BENCHMARKS[benchmark])} not drawn"
    how = "Judged by whether the interval leaves out the benchmark; of twenty, one differs by chance"
    scale = "To the right is the better side; of those where neither is better, the higher"
    scale += ". All authorities: from counts where these are published, else a mean weighted by residents"
    made = tuple(f"Value here: {m}" for m in dict.fromkeys(rows["method"]) if m.startswith("mean"))
    return (*((left,) if without else ()), how, scale, *made)


def funnel(release: Release, name: str) -> str:
    """Where one authority lies in the funnel, with its rank and how far that is chance."""
    row = release.table[release.table["name"] == name]
    if row.empty or pd.isna(row["rank"].iloc[0]):
        return NONE
    row = row.iloc[0]
    where = words.value("position", row["position"])
    ranks = f"{row['rank']:.0f} of {release.table['rank'].notna().sum()}"
    if row["rank_lower"] != row["rank_upper"]:
        ranks += f" ({row['rank_lower']:.0f} to {row['rank_upper']:.0f} as far as chance allows)"
    return f"{name} in the funnel of all authorities: {where[0].lower()}{where[1:]}; rank {ranks}."


def alike(release: Release, name: str) -> str:
    """Which authorities are most like one."""
    others = release.table.loc[release.table["rank"] > 0, "authority_name"]
    return f"Most like {name}, by what is published of them: {words.listed(others)}." if len(others) else NONE


def alike_notes(used: tuple[str, ...]) -> tuple[str, ...]:
    """The method, in full."""
    told = words.listed(words.label(c).lower() for c in used)
    return (
        f"Distance over {told}, each in standard deviations and weighing the same; 0 is the same in all, "
        "about 1.4 two authorities taken at random. Likeness among these authorities only",
    )


def months_compared(facts: dict) -> str:
    """The months that were compared, in words."""
    return f"{words.count(facts['months'], 'month')} within {words.period(facts['first'], facts['last'])}"


def year_before(release: Release, months: int) -> str:
    """How the whole compares with the same months a year before."""
    table = release.table
    if table.empty or pd.isna(table["ratio"].iloc[0]):
        return NONE
    row = table.iloc[0]
    change = words.percent(abs(row["ratio"] - 1))
    way = "more" if row["ratio"] > 1 else "fewer"
    sure = "" if row["lower"] > 1 or row["upper"] < 1 else ", which chance alone could do"
    span = f"the same {words.count(months, 'month')} a year before"
    if row["ratio"] == 1:
        return f"As many records as in {span}."
    return f"{change} {way} records than in {span}{sure}."


RATIO = {
    "heading": "Times as many as a year before (95%)",
    "key": {"above": "more", "below": "fewer", "neither": "within chance"},
}
YEAR_NOTES = (
    "Intervals are as wide as the months of the two years differ; they know nothing of recording",
    "Months supplied in one of the two years alone, or not complete yet, are left out of both",
)


def hot(release: Release, of: int) -> str:
    """Which small areas inside are hotspots of the whole partnership."""
    table = release.table
    if table.empty:
        return f"None of its {words.count(of, 'small area')} is a hotspot among those of the whole partnership."
    share = words.percent(table["share"].sum())
    is_ = "is a hotspot" if len(table) == 1 else "are hotspots"
    areas = words.count(of, "small area")
    return f"{len(table):,} of its {areas} {is_}; they hold {share} of the records placed in the whole partnership."


def _with_interval(value: float, lower: float, upper: float) -> str:
    if pd.isna(value):
        return words.UNKNOWN
    return (
        _short(value) if pd.isna(lower) or pd.isna(upper) else f"{_short(value)} ({_short(lower)} to {_short(upper)})"
    )


def _short(value: float) -> str:
    """A published value with as many decimals as three figures leave."""
    if pd.isna(value):
        return ""
    return words.number(value, words.decimals_of(value))


def _the(beside: str) -> str:
    return {"All authorities": "all authorities together", "Region": "the region"}.get(beside, beside)
