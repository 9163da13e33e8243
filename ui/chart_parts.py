"""What every chart shares: its colours and type, the ink for screen and paper, and the words for each row."""

import textwrap
from collections.abc import Callable, Mapping

import altair as alt
import pandas as pd

from analytics.disclosure import BAND, MISSING, SHOWN, Release
from ui import words
from ui.picture import Picture

# Mid-tones that stand out on white and on Streamlit's dark background alike (at least 3 to 1, tests/test_charts.py).
CATEGORICAL = ("#0f7fc4", "#d9601a", "#129a75", "#b85fc9", "#a8791c", "#5f74e0", "#c8476b", "#6f7f8a")
MAIN, WARN, MUTED = CATEGORICAL[0], CATEGORICAL[1], "#8d96a3"
GRID, HATCH, EXPECTED = "#9aa0a833", "#9aa0a8", "#8d96a360"
LIGHT, DARK = "#e8eaed", "#31333f"
INK = alt.expr(f"luminance(background) < 0.4 ? '{LIGHT}' : '{DARK}'")  # words follow the theme; on paper they are dark
FONT = "Liberation Sans, Arial, Helvetica, DejaVu Sans, sans-serif"  # the first comes with the renderer
TEXT = 14  # pixels: read from the back of a room when the page fills a projector
PAPER_WIDTH = 900  # pixels of a plot in a file, before scaling
BROKEN = {"invalid": "break-paths-show-path-domains", "strokeJoin": "round"}  # no line through a gap
NO_FIGURE = "no figure: not supplied, or hidden"
SMALL = "small number, shown as a range"

Draw = Callable[[], alt.LayerChart]
Key = list[tuple[str, str, str]]  # glyph, its colour, what it means


def picture(draw: Draw, alt_text: str, height: int) -> Picture:
    """The same drawing twice: as wide as the page, in its theme; and for a file."""
    live = draw().properties(autosize={"type": "fit-x", "contains": "padding"})  # the plot keeps its own height
    return Picture("altair", live, lambda: on_paper(draw()), alt_text, height=height)


def on_paper(chart: alt.Chart | alt.LayerChart, *, width: int = PAPER_WIDTH) -> alt.Chart | alt.LayerChart:
    """The chart for a file: white, dark ink, fonts that the renderer brings along."""
    ink = {"labelColor": DARK, "titleColor": DARK}
    return (
        chart.properties(width=width)
        .configure(background="white", font=FONT, padding=4)
        .configure_view(stroke=None)
        .configure_axis(domainColor=HATCH, tickColor=HATCH, **ink)
        .configure_legend(**ink)
    )


def told(release: Release, value: str) -> pd.DataFrame:
    """What may be said of each row: `value`, `status`, `text`, and the range of a small number that is told as one."""
    table = release.table
    rows = pd.DataFrame({"value": table[value].astype("float64")})
    status = table["status"].astype(object) if "status" in table else pd.Series(SHOWN, table.index, dtype=object)
    rows["status"] = status.mask(status.eq(SHOWN) & rows["value"].isna(), MISSING)
    ranged = rows["status"].eq(BAND) & (value in release.counts[:1])  # the store gives ranges for its own count only
    numbers = pd.Series([words.figure(value, v) for v in rows["value"]], table.index, dtype=object)
    rows["text"] = numbers.where(rows["status"].eq(SHOWN), rows["status"])
    rows["text"] = rows["text"].mask(rows["status"].eq(BAND), "small number")
    if "shown" in table:
        rows["text"] = rows["text"].mask(ranged, table["shown"])
    for column in ("n_lower", "n_upper"):
        rows[column] = table[column].astype("float64").where(ranged) if column in table else float("nan")
    return rows


def monthly(release: Release, value: str, by: str | None, labels: Mapping[str, str] | None) -> pd.DataFrame:
    """Every month of every series: `month`, `series`, `value`, `status`, `text`, ranges; no row means not supplied."""
    table = release.table
    rows = told(release, value).assign(month=pd.to_datetime(table["month"]), series="", when="")
    if by:
        rows["series"] = [words.value(by, code, labels) for code in table[by]]
    if rows.empty:
        return rows
    quarters = "period_type" in table and table["period_type"].eq("quarter").all()
    every = pd.date_range(rows["month"].min(), rows["month"].max(), freq="QS" if quarters else "MS")
    full = pd.MultiIndex.from_product([rows["series"].unique(), every], names=["series", "month"])
    rows = rows.set_index(["series", "month"]).reindex(full).reset_index()
    rows[["status", "text"]] = rows[["status", "text"]].fillna(MISSING)
    return rows.assign(when=rows["month"].map(words.quarter if quarters else words.month))


def months_in_words(months: pd.DataFrame, value: str, flags: pd.DataFrame | None = None) -> str:
    """The text alternative: the span, the highest month, and what is missing."""
    known = months.dropna(subset="value")
    if known.empty:
        return f"{words.label(value)} by month: no figures to show."
    high = known.loc[known["value"].idxmax()]
    gone = int(months.groupby("month")["value"].count().eq(0).sum())
    span = words.period(months["month"].min(), months["month"].max())
    of = f" ({high['series']})" if high["series"] else ""
    parts = [f"{words.label(value)} by month, {span}. Highest {high['text']} in {high['when']}{of}."]
    if gone:
        parts.append(f"{words.count(gone, 'month')} without a figure.")
    if flags is not None and len(flags):
        parts.append(f"{words.count(flags['month'].nunique(), 'month')} to read with care.")
    return " ".join(parts)


def text(string: str, *, colour: object = INK, x: int = 0, y: object = 0, bold: bool = False) -> alt.Chart:
    """Words at a place in pixels, counted from the upper left corner of the plot."""
    mark = alt.Chart(pd.DataFrame({"text": [string]})).mark_text(
        align="left", baseline="middle", fontSize=TEXT, color=colour, fontWeight="bold" if bold else "normal"
    )
    return mark.encode(x=alt.value(x), y=alt.value(y), text="text:N")


def key(entries: Key, *, below: int) -> list[alt.Chart]:
    """A line under the plot that says what the marks mean."""
    layers, x = [], 0
    for glyph, colour, meaning in entries:
        at = alt.expr(f"height + {below}")
        layers += [text(glyph, colour=colour, x=x, y=at), text(meaning, x=x + 18, y=at)]
        x += 44 + int(7.2 * len(meaning))
    return layers


def key_of_missing(rows: pd.DataFrame) -> Key:
    """The entries for rows without a number, if there are any."""
    gone, small = rows["value"].isna() & rows["status"].ne(BAND), rows["n_upper"].notna()
    return [*([("■", HATCH, NO_FIGURE)] if gone.any() else []), *([("▌", MUTED, SMALL)] if small.any() else [])]


def ceiling(*frames: pd.DataFrame) -> float:
    """The top of a scale that begins at 0: a little above the highest value."""
    highest = max((frame.astype("float64").max().max() for frame in frames if frame.size), default=0.0)
    return 1.08 * float(highest) if highest > 0 else 1.0


def wrapped(string: str, width: int) -> str:
    """The words in lines of at most `width` characters."""
    return "\n".join(textwrap.wrap(string, width, break_long_words=False)) or string


def numbers_axis(column: str) -> alt.Axis:
    """An axis for the numbers of a column: few ticks, thousands parted, whole where it counts, faint lines."""
    return alt.Axis(
        title=None,
        format=axis_format(column),
        tickMinStep=1 if words.kind(column) == "integer" else alt.Undefined,
        tickCount=5,
        labelFontSize=TEXT,
        labelColor=INK,
        labelFlush=False,
        gridColor=GRID,
        domain=False,
        ticks=False,
    )


def names_axis(lines: int = 1) -> alt.Axis:
    """Long names take a second line instead of being cut."""
    return alt.Axis(
        title=None,
        labelFontSize=TEXT,
        labelColor=INK,
        labelLimit=0,
        labelOverlap=False,
        labelOffset=-4 * (lines - 1),  # the first line stands at the bar: half way to the middle of them all
        labelPadding=8,
        labelExpr="split(datum.label, '\\n')",
        ticks=False,
        domain=False,
    )


def axis_format(column: str) -> str:
    """How d3 writes the numbers of a column."""
    return ".0%" if words.kind(column) == "share" else ",~r"
