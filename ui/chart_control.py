"""What makes a monthly line a control chart: its limits, its centre, and the points that chance does not explain."""

import altair as alt
import pandas as pd

from ui import chart_parts, words
from ui.chart_parts import INK, MUTED, WARN

SIGNALS = {"concern": WARN, "improvement": "#0a8a4a", "neutral": "#7a4fb5"}
MEANS = {"concern": "above chance", "improvement": "below chance", "neutral": "unusual"}


def marks(table: pd.DataFrame, value: str = "n") -> list[alt.Chart]:
    """The centre line and the points with a signal. table : one row per `month`: `value`, centre, signal, rule."""
    shown = table[["month", "centre", "lower", "upper", "segment"]]
    shown = shown.assign(lower=shown["lower"].clip(lower=0))  # the drawing is cut at nought, not the figure
    base = alt.Chart(shown).encode(x="month:T", detail="segment:N")  # months not supplied stay in: they break the lines
    centre = base.mark_line(color=MUTED, strokeWidth=1.5, strokeDash=[6, 4], **chart_parts.BROKEN)
    limit = base.mark_line(color=MUTED, strokeWidth=1.5, **chart_parts.BROKEN)
    limits = [limit.encode(y=f"{edge}:Q") for edge in ("upper", "lower")]
    flagged = table[table["signal"].isin(list(SIGNALS)) & table[value].notna()]
    told = flagged.assign(
        colour=flagged["signal"].map(SIGNALS),
        when=flagged["month"].map(words.month),
        text=[words.figure(value, v) for v in flagged[value]],
        why=[words.value("rule", rule) for rule in flagged["rule"]],
    )[["month", value, "colour", "when", "text", "why"]]
    titles = {"when": "Month", "text": words.heading(value), "why": words.label("rule")}
    tips = [alt.Tooltip(f"{field}:N", title=title) for field, title in titles.items()]
    points = alt.Chart(told).mark_point(filled=True, size=130, opacity=1, stroke=INK, strokeWidth=1)
    return [
        *limits,
        centre.encode(y="centre:Q"),
        points.encode(x="month:T", y=f"{value}:Q", color=alt.Color("colour:N", scale=None), tooltip=tips),
    ]


def key(table: pd.DataFrame) -> chart_parts.Key:
    """What the marks mean, as far as there are any."""
    present = [s for s in SIGNALS if table["signal"].eq(s).any()]
    signals = [("●", SIGNALS[signal], MEANS[signal]) for signal in present]
    return [("━", MUTED, "control limits"), ("┅", MUTED, "mean"), *signals]
