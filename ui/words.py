"""Labels, units and number formats, from columns.toml. British, short, with no more decimals than a reader can use."""

from collections.abc import Iterable, Mapping
from typing import SupportsFloat

import pandas as pd

from data import definitions

UNKNOWN = "not known"
DATES = {"month": "MMM YYYY", "date": "D MMM YYYY", "datetime": "D MMM YYYY, HH:mm"}
FEWEST_FOR_PERCENT = 100  # below this, one event more or less moves a percentage by a point or more


def number(value: SupportsFloat | None, decimals: int = 0) -> str:
    """1234.4 as "1,234"; missing as "not known"."""
    return UNKNOWN if pd.isna(value) else f"{float(value):,.{decimals}f}"


def rate(value: SupportsFloat | None, *, per: int = 100_000, decimals: int = 1) -> str:
    """A rate with what it is per: "31.2 per 1,000 people"."""
    return UNKNOWN if pd.isna(value) else f"{number(value, decimals)} per {per:,} people"


def percent(share: SupportsFloat | None, decimals: int = 0) -> str:
    """A share from 0 to 1 as "23%". What is above 0 or below 1 never reads "0%" or "100%"."""
    if pd.isna(share):
        return UNKNOWN
    value, least = 100 * float(share), 10.0**-decimals
    if 0 < value < least / 2:
        return f"under {least:.{decimals}f}%"
    if 100 - least / 2 <= value < 100:
        return f"over {100 - least:.{decimals}f}%"
    return f"{value:,.{decimals}f}%"


def month(when: object) -> str:
    """A date as "Mar 2025"."""
    return UNKNOWN if pd.isna(when) else f"{pd.Timestamp(when):%b %Y}"


def quarter(first: object) -> str:
    """The quarter that begins with a month, as "Apr to Jun 2025"."""
    start = pd.Timestamp(first)
    return f"{start:%b} to {start + pd.DateOffset(months=2):%b %Y}"


def quarter_short(first: object) -> str:
    """The quarter that begins with a month, where there is little room: "Q2 2025" is April to June."""
    start = pd.Timestamp(first)
    return f"Q{start.quarter} {start:%Y}"


def period(first: object, last: object) -> str:
    """Two months as "Apr 2024 to Mar 2025", one month as itself."""
    return month(first) if month(first) == month(last) else f"{month(first)} to {month(last)}"


def count(n: SupportsFloat, noun: str, plural: str = "") -> str:
    """A number and its noun: "1 cell", "1,200 cells", "14 authorities"."""
    return f"{number(n)} {noun if number(n) == '1' else plural or many(noun)}"


def many(noun: str) -> str:
    """The plural of one of our nouns: "cells", "authorities"."""
    return noun.removesuffix("y") + "ies" if noun.endswith("ty") else noun + "s"


def listed(items: Iterable[object]) -> str:
    """Things in a row: "a", "a and b", "a, b and c"."""
    *most, last = [str(item) for item in items] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def some(names: Iterable[str]) -> str:
    """A few names, and how many more: "a, b and 3 others"."""
    known = list(names)
    return listed(known if len(known) <= 3 else [*known[:2], count(len(known) - 2, "other")])


def label(column: str) -> str:
    """The heading of a column; a name that is not defined is at least made readable."""
    defined = definitions.columns().get(column)
    return defined.label if defined else column.replace("_", " ").capitalize()


def unit(column: str) -> str:
    """What one of it is: "metres"; empty when the label says it."""
    defined = definitions.columns().get(column)
    return defined.unit if defined else ""


def heading(column: str) -> str:
    """The heading with its unit: "Cell size (metres)"."""
    return f"{label(column)} ({unit(column)})" if unit(column) else label(column)


def decimals(column: str) -> int:
    """How many decimals the numbers of a column are shown with."""
    defined = definitions.columns().get(column)
    return defined.decimals if defined else 0


def chance(p: SupportsFloat) -> str:
    """A p-value as people read it: "0.03", "under 0.001"; missing as a dash."""
    if pd.isna(p):
        return "–"
    return "under 0.001" if p < 0.001 else number(p, 3 if p < 0.1 else 2)


def decimals_of(value: SupportsFloat, figures: int = 3) -> int:
    """With how many decimals a number that may be of any size has about three figures."""
    if pd.isna(value):
        return 0
    whole = len(f"{abs(float(value)):.0f}") if abs(float(value)) >= 1 else 1
    return max(0, figures - whole)


def figure(column: str, value: SupportsFloat | None) -> str:
    """One number of a column as people read it: a share as a percentage, others with the decimals of the column."""
    return percent(value, decimals(column)) if kind(column) == "share" else number(value, decimals(column))


def kind(column: str) -> str:
    """The type of a column; a name that is not defined is taken as a number."""
    defined = definitions.columns().get(column)
    return defined.type if defined else "number"


def value(column: str, code: object, labels: Mapping[str, str] | None = None) -> str:
    """The words for one value of a category: from `labels` where given (names of areas), else from the definitions."""
    return UNKNOWN if pd.isna(code) else (labels or _values(column)).get(str(code), str(code))


def column_config(column: str) -> dict:
    """How a Streamlit table shows a column: its heading, its definition on hover, its number format."""
    import streamlit as st  # charts use these words too, and know no Streamlit

    defined = definitions.columns().get(column)
    plain = {"label": heading(column), "help": defined.definition if defined else None}
    plain |= {"width": defined.width} if defined and defined.width else {}
    if defined and defined.type in ("integer", "number"):
        return st.column_config.NumberColumn(**plain, format=f"%,.{defined.decimals}f")
    if defined and defined.type == "share":
        return st.column_config.NumberColumn(**plain, format="%.1f%%")  # of a hundred: see cards
    if defined and defined.type in DATES:
        return st.column_config.DatetimeColumn(**plain, format=DATES[defined.type])
    return st.column_config.Column(**plain)


def _values(column: str) -> Mapping[str, str]:
    if column == "offence_group":
        return {key: group.label for key, group in definitions.offence_groups().items()}
    defined = definitions.columns().get(column)
    return defined.values if defined else {}


def plain(text: str) -> str:
    """Text that Markdown leaves alone: names from data must not become links, pictures or colours."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+!|~$:" else c for c in text)


def span(low: pd.Series, high: pd.Series) -> pd.Series:
    """Two whole numbers of each row as "3 to 12", one where they are the same; missing where there are none."""
    first, last = (v.astype("Int64").astype("str") for v in (low, high))
    return (first + " to " + last).where(first != last, first).where(low.notna() & high.notna())


def told(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows with the codes of a category, where it is there, in words; attrs are kept."""
    if column not in frame:
        return frame
    found = frame.assign(**{column: [value(column, code) for code in frame[column]]})
    found.attrs = frame.attrs
    return found


def sure(confidence: pd.Series) -> pd.Series:
    """How sure a hot spot is, for a list: "99% sure"; a dash where there is none."""
    return confidence.map({1: "90% sure", 2: "95% sure", 3: "99% sure"}).fillna("–")


def place(name: pd.Series, area: pd.Series) -> pd.Series:
    """Names of places: "Guildhall Walk, Portsmouth Central"; one part alone where the other is not known."""
    both = name.notna() & area.notna()
    return (name + ", " + area).where(both, name.fillna(area))


def of_list(frame: pd.DataFrame, sources: Mapping[str, str]) -> pd.DataFrame:
    """The rows of a list of places with what was worked out of each put into words; columns that lack are passed over.

    Adds `persistence_said`, `sources_agree`, `since_quarter`; puts `class`, `agreement` and `rests_on_one` into words.
    sources : key of a source to its label.
    """
    found = told(told(frame, "class"), "agreement").copy(deep=False)
    if "risk" in found:
        found["risk_said"] = [value("risk", int(risk)) for risk in found["risk"]]
    if "periods_hot" in found:
        night = "periods_hot_night" in found
        nightly = found["periods_hot_night"] if night else [0] * len(found)
        each = zip(found["periods_hot"], found["periods"], nightly, strict=True)
        found["persistence_said"] = [
            UNKNOWN if pd.isna(hot) else f"{hot:.0f} of {of:.0f}" + (f", nights {at_night:.0f}" if night else "")
            for hot, of, at_night in each
        ]
    if "sources_hot" in found:
        named = found["sources_hot"].fillna("").str.split("|")
        in_words = [listed(sources.get(key, key) for key in keys if key) or "none" for keys in named]
        asked = found["sources_asked"]
        found["sources_agree"] = [
            UNKNOWN if pd.isna(of) else f"{sum(map(bool, keys))} of {of:.0f}: {said}"
            for said, keys, of in zip(in_words, named, asked, strict=True)
        ]
    if "changed_quarter" in found:
        found["since_quarter"] = [
            UNKNOWN if pd.isna(changed) else value("changed", int(changed)) + times(ratio if changed else None)
            for changed, ratio in zip(found["changed_quarter"], found["ratio_quarter"], strict=True)
        ]
    if "rests_on_one" in found:
        found["rests_on_one"] = ["yes" if rests else "–" for rests in found["rests_on_one"].fillna(False)]
    found.attrs = frame.attrs
    return found


def times(ratio: SupportsFloat | None) -> str:
    """A ratio after a word, as ", × 1.8"; nothing where there is none."""
    return "" if pd.isna(ratio) else f", × {number(ratio, 1)}"


def within(place_name: str, town: str | None) -> str:
    """A place with the town it is in, unless its name says that already: "Guildhall Walk, Portsea (Portsmouth)"."""
    return place_name if pd.isna(town) or town in place_name else f"{place_name} ({town})"
