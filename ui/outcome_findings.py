"""Words for the outcomes framework, worked out from its measures; a row is a measure, or a period of one."""

import re

import pandas as pd

from analytics.disclosure import SHOWN, Release
from ui import words

FEWEST_DRAWN = 2  # periods from which there is something to draw
NOTES = (
    "Signals by the rules of NHS Making Data Count; of many measures without change some show one",
    "No targets are set but where the logic model states one",
)
SIGNALS = {"improvement": "Better", "concern": "Worse", "neutral": "Changed"}


def in_words(measures: pd.DataFrame) -> pd.DataFrame:
    """Measures with what a table says of each: value_said, baseline_said, signal_said, data_said."""
    rows = [row for _, row in measures.iterrows()]
    return measures.assign(
        value_said=[_value(row) for row in rows],
        baseline_said=[_figure(row["baseline"], "") or "–" for row in rows],
        signal_said=[_signal(row) for row in rows],
        data_said=[_data(row) for row in rows],
        period=[when(period) for period in measures["period"]],
        needs=measures["needs"].where(measures["value"].isna() & measures["upper"].isna(), "–"),
    )


def when(period: object) -> str:
    """A period in words: a month as "Nov 2025", years as they are."""
    if pd.isna(period) or not str(period):
        return "–"
    if re.fullmatch(r"\d{4}-\d\d", str(period)):
        return words.month(f"{period}-01")
    day = re.fullmatch(r"(\d{4}-\d\d-\d\d)(.*)", str(period))  # a meeting, with its forum where there are several
    return f"{pd.Timestamp(day[1]):%d %b %Y}{day[2]}" if day else str(period)


def stock(release: Release, part: str) -> str:
    """How many measures of a part have a value."""
    table = release.table
    filled = int((table["value"].notna() | table["upper"].notna()).sum())
    worse, better = (int((table["signal"] == s).sum()) for s in ("concern", "improvement"))
    moved = f" {worse:,} signal a concern, {better:,} an improvement." if filled else ""
    return f"{filled:,} of {len(table):,} {part} have data; the others say what would fill them.{moved}"


def title(measure: pd.Series) -> str:
    """The heading of one measure."""
    return words.plain(str(measure["measure"]))


def about(measure: pd.Series) -> str:
    """What one measure is, who answers for it, and when it misleads."""
    parts = [measure["definition"], f"Owner: {measure['owner']}", f"Part: {measure['objective']}", measure["caveats"]]
    if measure["direction"] in ("decrease", "increase"):
        parts.append("Lower is better" if measure["direction"] == "decrease" else "Higher is better")
    return words.plain(" ".join(f"{str(part).rstrip('.')}." for part in parts if part and pd.notna(part)))


def single(measure: pd.Series) -> str:
    """What is known of a measure with one figure."""
    return f"{measure['value_said']} ({measure['period']}). There is no series to draw."


def drawn(rows: pd.DataFrame, measure: pd.Series) -> pd.DataFrame:
    """The periods that can be drawn: those complete, with their status."""
    known = rows["value"].notna() | rows["n"].isna()  # a period still coming in is neither a figure nor a gap
    found = rows[known | (rows.attrs["chart"] not in ("XmR", "p"))].assign(signal=rows["signal"].fillna(""))
    if rows.attrs["chart"] in ("XmR", "p"):
        return found.assign(n=found["value"])
    return found.dropna(subset=["upper"]).assign(status=SHOWN)  # of what is withheld the range may be told


def how(rows: pd.DataFrame) -> tuple[str, ...]:
    """Which chart it is and why, and where limits begin anew."""
    said = [str(rows.attrs[key]).rstrip(".") for key in ("why",) if rows.attrs.get(key)]
    anew = rows.loc[rows["note"].fillna("").ne(""), ["period", "note"]]
    said += [f"Limits begin anew in {when(row.period)}: {row.note}" for row in anew.itertuples()]
    methods = rows["method"].dropna().unique() if "method" in rows else []
    said += [f"Interval: {methods[0]}"] if len(methods) == 1 else []
    return tuple(said)


def span(rows: pd.DataFrame) -> str:
    """The periods from the first to the last."""
    first, last = when(rows["period"].iloc[0]), when(rows["period"].iloc[-1])
    return first if first == last else f"{first} to {last}"


def one(release: Release, measure: pd.Series) -> str:
    """The newest figure of one measure against its baseline."""
    base = "" if measure["baseline_said"] == "–" else f" Baseline: {measure['baseline_said']}."
    signal = "" if measure["signal_said"] in ("–", "") else f" {measure['signal_said']}."
    return f"{measure['period']}: {measure['value_said']}.{base}{signal}"


def particulars(measure: pd.Series) -> pd.DataFrame:
    """What is fixed of a measure and how far its data can be relied on: a row each."""
    better = {"decrease": "Lower is better", "increase": "Higher is better"}.get(measure["direction"], "Neither way")
    target = _figure(measure["target"], str(measure["unit"])) or "None is set"
    sure = {
        "passes": "met as things stand",
        "fails": "missed as things stand",
        "hit_and_miss": "met or missed by chance",
    }
    baseline = measure["baseline_said"]
    baseline = f"{baseline} ({measure['baseline_period']})" if baseline != "–" else "None that can be compared"
    told = {
        "Part of the logic model": measure["objective"],
        "Owner": measure["owner"],
        "Which way is better": better,
        "Newest figure": f"{measure['value_said']} ({measure['period']})",
        "Baseline": baseline,
        "Variation": measure["signal_said"],
        "Target": f"{target}, {sure[measure['assurance']]}" if measure["assurance"] in sure else target,
        "Data": measure["data_said"],
        "What would fill it": measure["needs"],
    }
    kept = {name: str(value) for name, value in told.items() if pd.notna(value) and str(value) not in ("", "–")}
    return pd.DataFrame({"particular": list(kept), "in_words": list(kept.values())})


def one_line(measure: pd.Series) -> str:
    """The newest figure, or that there is none."""
    if measure["value_said"] == "No data":
        return "No data are held for this measure yet."
    return f"{measure['period']}: {measure['value_said']}."


def attendance(release: Release) -> str:
    """Who comes most and least."""
    table = release.table
    sums = table.groupby("authority_class", sort=False)[["meetings", "meetings_attended"]].sum()
    share = (sums["meetings_attended"] / sums["meetings"].where(sums["meetings"] > 0)).dropna().sort_values()
    if share.empty:
        return "No meeting is in the register yet."
    low, high = (words.value("authority_class", share.index[k]) for k in (0, -1))
    return f"{high} came to {words.percent(share.iloc[-1])} of the meetings, {low} to {words.percent(share.iloc[0])}."


def cohorts(release: Release) -> str:
    """Which age says so least, as far as the intervals tell."""
    known = release.table.dropna(subset=["value"]).sort_values("value")
    if len(known) < 2:
        return "Too few answered to tell ages apart."
    low, high = known.iloc[0], known.iloc[-1]
    names = [words.value("cohort", row["cohort"]) for row in (low, high)]
    figures = [f"{words.number(row['value'])}%" for row in (low, high)]
    sure = "" if low["upper"] < high["lower"] else ", as far as chance tells"
    return f"Lowest among {names[0]} ({figures[0]}), highest among {names[1]} ({figures[1]}){sure}."


def reached(release: Release) -> str:
    """Whether all programmes returned in the newest quarter."""
    table = release.table
    newest = table[table["period"] == table["period"].iloc[-1]]
    back, of = int(newest["returned"].min()), int(newest["programmes"].max())
    return f"In the newest quarter {back} of {words.count(of, 'programme')} returned. Kinds are never added up."


def _figure(value: object, unit: str) -> str:
    if pd.isna(value):
        return ""
    decimals = 0 if abs(float(value)) >= 100 or float(value) == round(float(value)) else 1
    return f"{words.number(value, decimals)}{'' if unit.startswith('%') else ' '}{unit}".strip()


def _value(row: pd.Series) -> str:
    if pd.notna(row["value"]):
        if pd.isna(row["lower"]) or row["variation"] in ("common_cause", "special_cause"):
            return _figure(row["value"], row["unit"])
        return f"{_figure(row['value'], row['unit'])} ({_figure(row['lower'], '')} to {_figure(row['upper'], '')})"
    if pd.notna(row["upper"]):
        return f"{_figure(row['lower'], '') or '0'} to {_figure(row['upper'], row['unit'])}"
    return "No data"


def _signal(row: pd.Series) -> str:
    if row["signal"] in SIGNALS:
        return f"{SIGNALS[row['signal']]}: {words.value('rule', row['rule']).lower()}"
    return {"common_cause": "No change beyond chance", "too few to chart": "Too few to chart"}.get(
        row["variation"], "–"
    )


def _data(row: pd.Series) -> str:
    told = {"whole": "Whole", "with care": "Read with care"}.get(row["data_confidence"], "–")
    share = f", {words.percent(row['supplied'])} supplied" if pd.notna(row["supplied"]) and row["supplied"] < 1 else ""
    return told + share if told != "–" else (str(row["reason"]) if row["reason"] else "–")
