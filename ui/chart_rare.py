"""Charts of the days between rare events, with their control limits. A row is an event."""

import altair as alt
import pandas as pd

from analytics.disclosure import Release
from ui import chart_control, chart_parts, words
from ui.chart_parts import MAIN, MUTED
from ui.picture import Picture

HEIGHT = 340


def between(release: Release) -> Picture:
    """Are rare events coming closer together, or farther apart?

    release : one row per event, as `trends.rare` answers: `event`, `quarter`, `value` (days since the one before) and
    limits. Events stand in order, not by date; the higher, the longer the quiet.
    """
    table = release.table.dropna(subset=["value"])
    data = table[["event", "value", "centre", "lower", "upper", "segment"]].astype(float)
    data["when"] = table["quarter"].map(words.quarter)
    data["said"] = [words.count(v, "day") for v in table["value"]]
    data["colour"] = table["signal"].map(chart_control.SIGNALS).fillna(MAIN)
    top = chart_parts.ceiling(data[["value", "upper"]])

    def draw() -> alt.LayerChart:
        base = alt.Chart(data)
        x = alt.X("event:Q", axis=chart_parts.numbers_axis("event"), scale=alt.Scale(nice=False, zero=False))
        y = alt.Y("value:Q", axis=chart_parts.numbers_axis("n"), scale=alt.Scale(domain=[0, top], nice=False))
        line = base.encode(x=x, detail="segment:N")
        tips = [alt.Tooltip(f"{c}:N", title=t) for c, t in (("when", "Quarter"), ("said", "Since the one before"))]
        points = base.mark_point(filled=True, size=90, opacity=1)
        return alt.layer(
            line.mark_line(color=MUTED, strokeWidth=1.5, strokeDash=[6, 4]).encode(y="centre:Q"),
            line.mark_line(color=MUTED, strokeWidth=1.5).encode(y="upper:Q"),
            line.mark_line(color=MUTED, strokeWidth=1.5).encode(y="lower:Q"),
            line.mark_line(color=MAIN, strokeWidth=1.5).encode(y=y),
            points.encode(x=x, y=y, color=alt.Color("colour:N", scale=None), tooltip=tips),
            chart_parts.text("Days since the event before, by number of the event", y=-16, bold=True),
            *chart_parts.key(_key(table), below=48),
        ).properties(height=HEIGHT)

    alt_text = f"Days between {words.count(len(data) + 1, 'event')}: median {words.number(data['value'].median())}."
    return chart_parts.picture(draw, alt_text, HEIGHT + 80)


def _key(table: pd.DataFrame) -> chart_parts.Key:
    means = {"improvement": "longer than chance", "concern": "shorter than chance"}
    present = [s for s in means if table["signal"].eq(s).any()]
    signals = [("●", chart_control.SIGNALS[s], means[s]) for s in present]
    return [("━", MUTED, "control limits"), ("┅", MUTED, "centre"), *signals]
