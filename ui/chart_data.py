"""Pictures of the data themselves: which months were supplied, how often a field is filled in. A mark is one row."""

import altair as alt

from analytics.disclosure import Release
from ui import chart_parts, words
from ui.chart_parts import CATEGORICAL, GRID, INK, MAIN, TEXT
from ui.picture import Picture

ROW = 44  # pixels of a source
HELD = {True: "supplied", False: "not supplied"}


def months_held(release: Release) -> Picture:
    """Which months of which source were supplied? A square per month; an open one is a gap.

    release : one row per source and month, with `held`.
    """
    rows = release.table.assign(said=release.table["held"].map(HELD), when=release.table["month"].map(words.month))
    names = rows["source"].drop_duplicates().tolist()
    ends = rows["month"] + rows["month"].map(lambda m: m.to_period("M").to_timestamp("M") - m)
    rows = rows.assign(end=ends)[["source", "month", "end", "said", "when"]]

    def draw() -> alt.LayerChart:
        scale = alt.Scale(domain=list(HELD.values()), range=[MAIN, GRID])
        squares = (
            alt.Chart(rows)
            .mark_rect(stroke=INK, strokeWidth=0.3)
            .encode(
                x=alt.X(
                    "month:T",
                    title=None,
                    axis=alt.Axis(labelFontSize=TEXT, labelColor=INK, format="%Y", tickCount="year"),
                ),
                x2="end:T",
                y=alt.Y("source:N", sort=names, title=None, axis=_names(), scale=alt.Scale(padding=0.25)),
                color=alt.Color("said:N", scale=scale, legend=_legend(symbolStrokeWidth=0.5)),
                tooltip=[alt.Tooltip("source:N", title="Source"), alt.Tooltip("when:N", title="Month"), "said:N"],
            )
        )
        return alt.layer(squares).properties(height=ROW * len(names))

    gaps = int((~release.table["held"]).sum())
    words_for_it = f"Months supplied by source, one square each; {words.count(gaps, 'month')} not supplied."
    return chart_parts.picture(draw, words_for_it, ROW * len(names) + 80)


def completeness(release: Release) -> Picture:
    """How often is each field filled in? A bar per field and source; unknown is no error, but it is not "no".

    release : one row per source and field, with `filled` (share of records).
    """
    rows = release.table.dropna(subset=["filled"])
    rows = rows.assign(text=rows["filled"].map(words.percent))[["source", "field", "filled", "text"]]
    fields, sources = rows["field"].drop_duplicates().tolist(), rows["source"].drop_duplicates().tolist()

    def draw() -> alt.LayerChart:
        base = alt.Chart(rows).encode(
            y=alt.Y("field:N", sort=fields, title=None, axis=_names()),
            yOffset=alt.YOffset("source:N", sort=sources),
            x=alt.X("filled:Q", title=None, scale=alt.Scale(domain=[0, 1.08]), axis=_percents()),
            tooltip=[
                alt.Tooltip(f"{c}:N", title=t)
                for c, t in (("source", "Source"), ("field", "Field"), ("text", "Filled"))
            ],
        )
        scale = alt.Scale(domain=sources, range=list(CATEGORICAL[: len(sources)]))
        bars = base.mark_bar().encode(color=alt.Color("source:N", scale=scale, legend=_legend()))
        labels = base.mark_text(align="left", dx=4, fontSize=TEXT - 2, color=INK).encode(text="text:N")
        return alt.layer(bars, labels).properties(height=(22 * len(sources) + 10) * len(fields))

    height = (22 * len(sources) + 10) * len(fields) + 90
    return chart_parts.picture(draw, "How often each field is filled in, by source.", height)


def _names() -> alt.Axis:
    return alt.Axis(labelFontSize=TEXT, labelColor=INK, labelLimit=320, domain=False, ticks=False, labelPadding=8)


def _percents() -> alt.Axis:
    return alt.Axis(
        format="%", values=[0, 0.25, 0.5, 0.75, 1], labelFontSize=TEXT, labelColor=INK, grid=True, gridColor=GRID
    )


def _legend(**more: object) -> alt.Legend:
    return alt.Legend(title=None, orient="top", labelFontSize=TEXT, labelLimit=320, labelColor=INK, **more)
