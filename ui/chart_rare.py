"""Control charts whose points are events or meetings in their order, not months. A row is a point."""

import altair as alt
import pandas as pd

from analytics.disclosure import Release
from ui import chart_control, chart_parts, words
from ui.chart_parts import MAIN, MUTED
from ui.picture import Picture

HEIGHT = 340
SPANS = {"improvement": "longer than chance", "concern": "shorter than chance"}
SHARES = {"improvement": "better than chance", "concern": "worse than chance"}


def between(release: Release) -> Picture:
    """Are rare events coming closer together, or farther apart?

    release : one row per event, as `trends.rare` answers: `event`, `quarter`, `value` (days since the one before) and
    limits. Events stand in order, not by date; the higher, the longer the quiet.
    """
    table = release.table.dropna(subset=["value"])
    said = [words.count(v, "day") for v in table["value"]]
    rows = table.assign(point=table["event"], when=table["quarter"].map(words.quarter), said=said)
    return _in_order(rows, "Days since the event before, by number of the event", SPANS)


def meetings(release: Release) -> Picture:
    """Is the share rising or falling? release : one row per meeting, with `period`, `value` and limits."""
    table = release.table.reset_index(drop=True)
    said = [f"{words.number(v)}%" for v in table["value"]]
    rows = table.assign(point=table.index + 1, when=table["period"], said=said).dropna(subset=["value"])
    return _in_order(rows, "Per cent, meeting by meeting", SHARES, top=100)


def _in_order(rows: pd.DataFrame, heading: str, means: dict[str, str], top: float = 0) -> Picture:
    data = rows[["point", "value", "centre", "lower", "upper"]].astype(float)
    data = data.assign(when=rows["when"], said=rows["said"], segment=rows["segment"].astype(str))
    data["colour"] = rows["signal"].map(chart_control.SIGNALS).fillna(MAIN)
    top = top or chart_parts.ceiling(data[["value", "upper"]])

    def draw() -> alt.LayerChart:
        base = alt.Chart(data)
        x = alt.X("point:Q", axis=chart_parts.numbers_axis("event"), scale=alt.Scale(nice=False, zero=False))
        y = alt.Y("value:Q", axis=chart_parts.numbers_axis("n"), scale=alt.Scale(domain=[0, top], nice=False))
        line = base.encode(x=x, detail="segment:N")
        tips = [alt.Tooltip(f"{c}:N", title=t) for c, t in (("when", "When"), ("said", heading.split(",")[0]))]
        points = base.mark_point(filled=True, size=90, opacity=1)
        limit = line.mark_line(color=MUTED, strokeWidth=1.5, clip=True)
        return alt.layer(
            line.mark_line(color=MUTED, strokeWidth=1.5, strokeDash=[6, 4]).encode(y="centre:Q"),
            limit.encode(y="upper:Q"),
            limit.encode(y="lower:Q"),
            line.mark_line(color=MAIN, strokeWidth=1.5).encode(y=y),
            points.encode(x=x, y=y, color=alt.Color("colour:N", scale=None), tooltip=tips),
            chart_parts.text(heading, y=-16, bold=True),
            *chart_parts.key(_key(rows, means), below=48),
        ).properties(height=HEIGHT)

    alt_text = f"{heading}: {words.count(len(data), 'point')}, median {words.number(data['value'].median())}."
    return chart_parts.picture(draw, alt_text, HEIGHT + 80)


def _key(rows: pd.DataFrame, means: dict[str, str]) -> chart_parts.Key:
    signals = [("●", chart_control.SIGNALS[s], means[s]) for s in means if rows["signal"].eq(s).any()]
    return [("━", MUTED, "control limits"), ("┅", MUTED, "centre"), *signals]
