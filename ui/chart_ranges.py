"""Figures known only within a range: a thick bar from the least to the most, a thin line for chance besides."""

import altair as alt
import pandas as pd

from analytics.disclosure import Release
from ui import chart_parts, words
from ui.chart_parts import INK, MAIN, MUTED, TEXT
from ui.picture import Picture

ROW = 34


def ranges(
    release: Release, *, category: str, low: str, high: str, heading: str, lower: str = "", upper: str = ""
) -> Picture:
    """Between which values does each lie?

    release : one row per `category`. low, high : columns with the least and the most that the figure can be, the same
        where it is known. lower, upper : columns with the limits of chance beyond these; missing where there are none.
    """
    rows = release.table.dropna(subset=[high])
    data = pd.DataFrame({"name": rows[category], "high": rows[high].astype(float)})
    data["low"] = rows[low].astype(float).fillna(0.0)
    data["known"] = [MUTED if a < b else MAIN for a, b in zip(data["low"], data["high"], strict=True)]
    data["lower"] = rows[lower].astype(float).fillna(data["low"]) if lower else data["low"]
    data["upper"] = rows[upper].astype(float).fillna(data["high"]) if upper else data["high"]
    data["text"] = [_said(a, b) for a, b in zip(data["low"], data["high"], strict=True)]
    data["dot"] = data["low"].where(data["low"] == data["high"])
    order = data.sort_values("high", ascending=False, kind="stable")["name"].tolist()
    top = 1.25 * chart_parts.ceiling(data[["upper"]])

    def draw() -> alt.LayerChart:
        base = alt.Chart(data).encode(y=alt.Y("name:N", sort=order, axis=chart_parts.names_axis()))
        tips = [alt.Tooltip("name:N", title=words.label(category)), alt.Tooltip("text:N", title=heading)]
        x = alt.X("low:Q", scale=alt.Scale(domain=[0, top], nice=False), axis=chart_parts.numbers_axis("rate"))
        colour = alt.Color("known:N", scale=None)
        return alt.layer(
            base.mark_rule(strokeWidth=2, color=INK).encode(x=alt.X("lower:Q", title=None), x2="upper:Q"),
            base.mark_bar(size=14).encode(x=x, x2="high:Q", color=colour, tooltip=tips),
            base.mark_point(filled=True, size=120, color=MAIN, opacity=1).encode(x="dot:Q", tooltip=tips),
            base.mark_text(align="left", dx=8, fontSize=TEXT, color=INK).encode(x="upper:Q", text="text:N"),
            chart_parts.text(heading, y=-14, bold=True),
            *chart_parts.key(_key(bool(lower)), below=46),
        ).properties(height=ROW * max(1, len(data)))

    alt_text = f"{heading}: " + "; ".join(f"{n} {t}" for n, t in zip(data["name"], data["text"], strict=True))
    return chart_parts.picture(draw, alt_text, ROW * max(1, len(data)) + 90)


def _said(low: float, high: float) -> str:
    return words.number(high, 1) if low == high else f"{words.number(low, 1)} to {words.number(high, 1)}"


def _key(chance: bool) -> chart_parts.Key:
    drawn = [("●", MAIN, "known"), ("■", MUTED, "range: numbers of 1 to 7 withheld")]
    return drawn + ([("━", INK, "95% limits besides")] if chance else [])
