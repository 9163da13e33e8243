"""A matrix of shares: who was there, quarter by quarter. A row is a cell."""

import altair as alt
import pandas as pd

from analytics.disclosure import Release
from ui import chart_parts, words
from ui.chart_parts import INK, MUTED, TEXT
from ui.picture import Picture

ROW = 34
RAMP = ("rgba(15,127,196,0.06)", "rgba(15,127,196,0.85)")  # from none to all, on light and dark alike


def shares(release: Release, *, row: str, column: str, value: str, of: str, heading: str) -> Picture:
    """Where are the gaps? One cell per `row` and `column`, its share in words and the stronger the colour the more.

    of : the column with what the share is of; a cell without any is left open.
    """
    table = release.table
    data = pd.DataFrame({"row": [words.value(row, code) for code in table[row]], "column": table[column]})
    data["value"] = table[value].astype(float)
    data["text"] = [words.percent(v) if pd.notna(v) else "–" for v in data["value"]]
    data["of"] = [words.count(n, of) for n in table[of + "s"]]
    order, across = list(dict.fromkeys(data["row"])), list(dict.fromkeys(data["column"]))

    def draw() -> alt.LayerChart:
        base = alt.Chart(data).encode(
            x=alt.X("column:O", sort=across, axis=_axis(across), scale=alt.Scale(paddingInner=0.05)),
            y=alt.Y("row:N", sort=order, axis=chart_parts.names_axis(), scale=alt.Scale(paddingInner=0.08)),
        )
        tips = [alt.Tooltip(f"{c}:N", title=t) for c, t in (("row", "Who"), ("column", "When"), ("of", "Of"))]
        scale = alt.Scale(domain=[0, 1], range=list(RAMP))
        squares = base.transform_filter("isValid(datum.value)").mark_rect(cornerRadius=3)
        return alt.layer(
            squares.encode(color=alt.Color("value:Q", scale=scale, legend=None), tooltip=tips),
            base.mark_text(fontSize=TEXT - 1, color=INK).encode(text="text:N"),
            chart_parts.text(heading, y=-16, bold=True),
            *chart_parts.key([("–", MUTED, f"no {of}")], below=48),
        ).properties(height=ROW * max(1, len(order)))

    low = data.groupby("row")["value"].mean().sort_values()
    alt_text = f"{heading}: lowest {low.index[0]}, {words.percent(low.iloc[0])}." if len(low) else heading
    return chart_parts.picture(draw, alt_text, ROW * max(1, len(order)) + 90)


def _axis(across: list[str]) -> alt.Axis:
    shown = across[:: max(1, len(across) // 8)]
    return alt.Axis(
        title=None, values=shown, labelAngle=0, labelFontSize=TEXT, labelColor=INK, ticks=False, domain=False
    )
