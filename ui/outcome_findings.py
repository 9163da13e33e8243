"""Words for the outcomes framework, worked out from its measures; a row is a measure, or a period of one."""

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
    return words.month(f"{period}-01") if len(str(period)) == 7 and str(period)[4] == "-" else str(period)


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
    found = rows[known | (rows.attrs["chart"] != "XmR")].assign(signal=rows["signal"].fillna(""))
    if rows.attrs["chart"] == "XmR":
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


def _figure(value: object, unit: str) -> str:
    if pd.isna(value):
        return ""
    decimals = 0 if abs(float(value)) >= 100 or float(value) == round(float(value)) else 1
    return f"{words.number(value, decimals)} {unit}".strip()


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
