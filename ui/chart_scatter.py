"""Scatter of areas by two values, with their names on hover. A row is an area."""

import altair as alt
import pandas as pd

from analytics.disclosure import Release
from ui import chart_parts, palettes, words
from ui.chart_parts import GRID, INK, TEXT
from ui.picture import Picture

HEIGHT = 420


def scatter(release: Release, *, x: str, y: str, x_title: str, y_title: str, name: str = "place") -> Picture:
    """How do two values of areas go together? One dot per area, in the colours of the two-way map.

    release : one row per area: `name`, the columns x and y, `bivariate_class`, and `selected` (true of one at most).
    Misleads where a few areas stand far out: ranks, which are what is correlated, do not see how far.
    """
    rows = release.table.dropna(subset=[x, y])
    data = pd.DataFrame({"x": rows[x].astype(float), "y": rows[y].astype(float), "name": rows[name].fillna("")})
    known = rows["bivariate_class"].notna()
    colours = [
        palettes.TWO_WAY[int(c) - 1] if ok else "#999" for c, ok in zip(rows["bivariate_class"], known, strict=True)
    ]
    data = data.assign(colour=colours, ring=rows["selected"].to_numpy() if "selected" in rows else False)
    data["said_x"] = [words.number(v, words.decimals_of(v)) for v in data["x"]]
    data["said_y"] = [words.number(v, 1) for v in data["y"]]

    def draw() -> alt.LayerChart:
        axis = {"titleFontSize": TEXT, "labelFontSize": TEXT, "labelColor": INK, "titleColor": INK, "gridColor": GRID}
        across = alt.X("x:Q", title=x_title, axis=alt.Axis(tickCount=6, **axis), scale=alt.Scale(zero=False))
        up = alt.Y("y:Q", title=None, axis=alt.Axis(tickCount=6, **axis))
        tips = [alt.Tooltip(f"{c}:N", title=t) for c, t in (("name", "Area"), ("said_x", x_title), ("said_y", y_title))]
        base = alt.Chart(data).encode(x=across, y=up)
        dots = base.mark_point(filled=True, size=46, opacity=0.85, stroke="#6b7280", strokeWidth=0.4)
        ring = base.transform_filter("datum.ring").mark_point(size=260, color=INK, strokeWidth=2.5)
        return alt.layer(
            dots.encode(color=alt.Color("colour:N", scale=None), tooltip=tips),
            ring,
            chart_parts.text(y_title, y=-14, bold=True),
        ).properties(height=HEIGHT)

    alt_text = f"{words.count(len(data), 'area')}: {y_title} against {x_title}."
    return chart_parts.picture(draw, alt_text, HEIGHT + 70)
