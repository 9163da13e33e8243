"""Release in, picture out: time, order and the week. A mark stands for one row; what may not be shown leaves a gap."""

import math
import textwrap
from collections.abc import Callable, Mapping

import altair as alt
import pandas as pd

from analytics.disclosure import BAND, HIDDEN, MISSING, SHOWN, Release
from ui import words
from ui.picture import Picture

# Mid-tones that stand out on white and on Streamlit's dark background alike.
CATEGORICAL = ["#0f7fc4", "#d9601a", "#129a75", "#b85fc9", "#a8791c", "#5f74e0", "#c8476b", "#6f7f8a"]
ON_SCREEN, ON_PAPER = "#7b818c", "#31333f"  # text: readable on white and dark; and dark on white paper
GRID, HATCH, WARN, MUTED = "#9aa0a833", "#9aa0a8", "#d9601a", "#8d96a3"
FONT = "Liberation Sans, Arial, Helvetica, DejaVu Sans, sans-serif"
TEXT = 14  # pixels: read from the back of a room when the page fills a projector
PAPER_WIDTH = 900  # pixels of a plot in a file, before scaling
NARROW = 700  # pixels of the narrowest plot on a laptop: what is placed by hand must fit this
MOST_LABELLED = 8  # lines that can be told apart; more get a legend

Draw = Callable[[str], alt.Chart | alt.LayerChart]


def on_paper(chart: alt.Chart | alt.LayerChart, *, width: int = PAPER_WIDTH) -> alt.Chart | alt.LayerChart:
    """The chart for a file: white, dark ink, fonts that the renderer brings along."""
    ink = {"labelColor": ON_PAPER, "titleColor": ON_PAPER}
    return (
        chart.properties(width=width)
        .configure(background="white", font=FONT, padding=4)
        .configure_view(stroke=None)
        .configure_axis(domainColor=HATCH, tickColor=HATCH, **ink)
        .configure_legend(**ink)
    )


def _picture(draw: Draw, alt_text: str, height: int) -> Picture:
    return Picture("altair", draw(ON_SCREEN), lambda: on_paper(draw(ON_PAPER)), alt_text, height=height)


# ------------------------------------------------------------------------------------------------ months


def trend(
    release: Release,
    *,
    value: str = "n",
    by: str | None = None,
    labels: Mapping[str, str] | None = None,
    flags: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    expected: tuple[str, str] | None = None,
) -> Picture:
    """How does it change from month to month?

    release : one row per `month`, or per month and `by`.
    labels : the words for the values of `by` where columns.toml has none.
    flags : `month`, `reason`: months whose figures need care.
    events : `date`, `note`: what happened that a reader should know of.
    expected : names of the columns of the release with the range a month is expected in.

    Months without a row count as not supplied. Misleads where recording changed: say so as an event.
    """
    months = _monthly(release, value, by, labels)
    top = _ceiling(release.table, [value, "n_upper", *(expected or ())])
    gaps, key = _gaps(months), []
    if expected:
        key.append(("▒", MUTED, "expected range"))
    if flags is not None and len(flags):
        key.append(("▲", WARN, "month to read with care"))
    if months["status"].eq(BAND).any():
        key.append(("▌", MUTED, "small number, shown as a range"))

    def draw(ink: str) -> alt.LayerChart:
        x = _month_axis(months)
        y = alt.Y("value:Q", title=None, axis=_counts_axis(), scale=alt.Scale(domain=[0, top], nice=False))
        colour = _series_colours(months)
        layers = [
            *_gap_layers(gaps, top, ink),
            *([_expected_layer(release.table, expected)] if expected else []),
            *_line_layers(months, x, y, colour, by),
            *_flag_layers(months, flags),
            *_event_layers(events, months, ink),
            *(_end_labels(months, top, ink) if 1 < months["series"].nunique() <= MOST_LABELLED else []),
            _text(words.heading(value), ink, y=-12 - _event_space(events, months), bold=True),
            *_key_layers(key, ink),
        ]
        return alt.layer(*layers).properties(height=340)

    return _picture(draw, _trend_words(months, value, flags), 460)


def _monthly(release: Release, value: str, by: str | None, labels: Mapping[str, str] | None) -> pd.DataFrame:
    """Every month for every series: what has no row is not supplied."""
    table = release.table
    series = table[by].map(lambda code: words.value(by, code, labels)) if by else pd.Series("", index=table.index)
    rows = pd.DataFrame({"month": table["month"], "series": series, "value": table[value].astype("float64")})
    rows["status"] = table["status"] if "status" in table else SHOWN
    rows["shown"] = rows["value"].map(lambda v: words.number(v, _decimals(value)))
    if "shown" in table and value == release.counts[0]:
        rows["shown"] = table["shown"]
    rows["n_lower"] = table["n_lower"] if "n_lower" in table else float("nan")
    rows["n_upper"] = table["n_upper"] if "n_upper" in table else float("nan")
    if rows.empty:
        return rows
    every = pd.date_range(rows["month"].min(), rows["month"].max(), freq="MS")
    full = pd.MultiIndex.from_product([rows["series"].unique(), every], names=["series", "month"])
    rows = rows.set_index(["series", "month"]).reindex(full).reset_index()
    rows["status"] = rows["status"].fillna(MISSING)
    rows["status"] = rows["status"].mask(rows["status"].eq(SHOWN) & rows["value"].isna(), MISSING)
    rows["shown"] = rows["shown"].where(rows["status"].ne(MISSING), MISSING)
    rows["when"] = rows["month"].map(words.month)
    return rows


def _month_axis(months: pd.DataFrame) -> alt.X:
    """A label for every 1st, 2nd, 3rd, 6th or 12th month, so that they never touch; years begin in January."""
    every = sorted(months["month"].unique())
    step = next((s for s in (1, 2, 3, 6, 12, 24) if len(every) / s <= 8), 60)
    kept = [m for m in every if (m.year * 12 + m.month - 1) % step == 0] or every[:1]
    axis = alt.Axis(
        title=None,
        values=[alt.DateTime(year=m.year, month=m.month, date=1) for m in kept],
        format="%b %Y",
        labelFontSize=TEXT,
        labelPadding=6,
        labelFlush=False,
        grid=False,
    )
    half = pd.Timedelta(days=15)
    domain = [_date(every[0] - half), _date(every[-1] + half)] if every else alt.Undefined
    return alt.X("month:T", axis=axis, scale=alt.Scale(domain=domain, nice=False))


def _date(day: pd.Timestamp) -> alt.DateTime:
    return alt.DateTime(year=day.year, month=day.month, date=day.day)


def _counts_axis(**more: object) -> alt.Axis:
    return alt.Axis(
        format=",~r", tickMinStep=1, tickCount=5, labelFontSize=TEXT, gridColor=GRID, domain=False, ticks=False, **more
    )


def _line_layers(months: pd.DataFrame, x: alt.X, y: alt.Y, colour: object, by: str | None) -> list[alt.Chart]:
    named = [alt.Tooltip("series:N", title=words.label(by))] if by else []
    tips = [alt.Tooltip("when:N", title="Month"), *named, alt.Tooltip("shown:N", title="Value")]
    base = alt.Chart(months).encode(x=x, color=colour)
    size = 60 if months["month"].nunique() <= 24 else 26  # points alone carry isolated months
    ranges = alt.Chart(months[months["status"].eq(BAND)])
    return [
        base.mark_line(strokeWidth=2.5, invalid="break-paths-show-path-domains").encode(y=y),
        ranges.mark_rule(strokeWidth=6, opacity=0.5).encode(x=x, color=colour, y="n_lower:Q", y2="n_upper:Q", tooltip=tips),
        alt.Chart(months.dropna(subset="value"))
        .mark_point(filled=True, size=size, opacity=1)
        .encode(x=x, y=y, color=colour, tooltip=tips),
    ]


def _series_colours(months: pd.DataFrame) -> object:
    names = list(dict.fromkeys(months["series"]))
    if len(names) <= 1:
        return alt.value(CATEGORICAL[0])
    legend = None if len(names) <= MOST_LABELLED else alt.Legend(title=None, labelFontSize=TEXT, orient="right", labelLimit=0)
    return alt.Color("series:N", scale=alt.Scale(domain=names, range=CATEGORICAL), legend=legend)


def _end_labels(months: pd.DataFrame, top: float, ink: str) -> list[alt.Chart]:
    """The name of each line beside its last point, moved apart until no two touch."""
    last = months.dropna(subset="value").groupby("series", sort=False).tail(1).sort_values("value")
    room, at = top * 18 / 340, -math.inf
    layers, names = [], list(dict.fromkeys(months["series"]))
    for row in last.itertuples():
        at = max(row.value, at + room)
        label = alt.Chart(pd.DataFrame({"y": [at], "text": [row.series]})).mark_text(
            align="left", dx=8, fontSize=TEXT, fontWeight="bold", color=CATEGORICAL[names.index(row.series)]
        )
        layers.append(label.encode(x=alt.value(alt.expr("width")), y="y:Q", text="text:N"))
    return layers


def _gaps(months: pd.DataFrame) -> pd.DataFrame:
    """One row per stretch of months in which no series has a value: `start`, `end` (dates), `why`."""
    if months.empty:
        return pd.DataFrame(columns=["start", "end", "why"])
    states = months.groupby("month")["status"].agg(set)
    why = states.map(lambda s: "not supplied" if s == {MISSING} else "hidden" if s <= {MISSING, HIDDEN} else "")
    stretch = why.ne(why.shift()).cumsum()
    rows = why.index.to_frame(name="month").assign(why=why, stretch=stretch).groupby("stretch")
    out = pd.DataFrame({"start": rows["month"].min(), "end": rows["month"].max(), "why": rows["why"].first()})
    half = pd.Timedelta(days=15)
    return out[out["why"].ne("")].assign(start=lambda d: d["start"] - half, end=lambda d: d["end"] + half)


def _gap_layers(gaps: pd.DataFrame, top: float, ink: str) -> list[alt.Chart]:
    if gaps.empty:
        return []
    lines = alt.Chart(_hatching(gaps, top)).mark_rule(color=HATCH, opacity=0.45, strokeWidth=1)
    band = alt.Chart(gaps).mark_rect(color=HATCH, opacity=0.10).encode(x="start:T", x2="end:T")
    middle = gaps.assign(at=gaps["start"] + (gaps["end"] - gaps["start"]) / 2, y=top / 2)
    label = alt.Chart(middle).mark_text(angle=270, fontSize=TEXT - 1, fontStyle="italic", color=ink)
    return [
        band,
        lines.encode(x="x:T", x2="x2:T", y="y:Q", y2="y2:Q"),
        label.encode(x="at:T", y="y:Q", text="why:N"),
    ]


def _hatching(gaps: pd.DataFrame, top: float, lines: int = 24) -> pd.DataFrame:
    """Slanting lines across each gap, cut at its edges; a plain pattern that also prints in grey."""
    span = (gaps["end"].max() - gaps["start"].min()) or pd.Timedelta(days=1)
    out = []
    for gap in gaps.itertuples():
        rise = top * max(0.05, min(1.0, 2.0 * (gap.end - gap.start) / span))
        for k in range(-lines, lines):
            low = k * top / lines
            a, b = max(0.0, -low / rise), min(1.0, (top - low) / rise)  # the part of the line inside the plot
            if a < b:
                wide = gap.end - gap.start
                out.append((gap.start + a * wide, gap.start + b * wide, low + a * rise, low + b * rise))
    return pd.DataFrame(out, columns=["x", "x2", "y", "y2"])


def _expected_layer(table: pd.DataFrame, expected: tuple[str, str]) -> alt.Chart:
    lower, upper = expected
    rows = pd.DataFrame({"month": table["month"], "lower": table[lower].clip(lower=0), "upper": table[upper]})
    area = alt.Chart(rows.sort_values("month")).mark_area(color=MUTED, opacity=0.28)
    return area.encode(x="month:T", y="lower:Q", y2="upper:Q")


def _flag_layers(months: pd.DataFrame, flags: pd.DataFrame | None) -> list[alt.Chart]:
    if flags is None or flags.empty:
        return []
    height = months.groupby("month", as_index=False)["value"].max().fillna({"value": 0.0})
    marked = flags.merge(height, on="month").assign(when=lambda d: d["month"].map(words.month))
    mark = alt.Chart(marked).mark_point(shape="triangle-up", filled=True, size=120, color=WARN, opacity=1, yOffset=-14)
    tips = [alt.Tooltip("when:N", title="Month"), alt.Tooltip("reason:N", title="Read with care")]
    return [mark.encode(x="month:T", y="value:Q", tooltip=tips)]


# ------------------------------------------------------------------------------------------------ events


def _placed(events: pd.DataFrame | None, months: pd.DataFrame) -> list[tuple[pd.Timestamp, list[str], int, bool]]:
    """Date, lines of the label, its row, and whether it stands left of its rule: no two labels touch."""
    if events is None or events.empty or months.empty:
        return []
    first, last = months["month"].min(), months["month"].max()
    wide = (last - first) or pd.Timedelta(days=1)
    placed, ends = [], []
    for event in events[events["date"].between(first, last)].sort_values("date").itertuples():
        lines = textwrap.wrap(event.note, 26)
        at, size = NARROW * ((event.date - first) / wide), 7.6 * max(map(len, lines)) + 14
        left = at + size > NARROW
        start, stop = (at - size, at) if left else (at, at + size)
        row = next((i for i, end in enumerate(ends) if end <= start), len(ends))
        ends[row : row + 1] = [stop]
        placed.append((event.date, lines, row, left))
    return placed


def _event_space(events: pd.DataFrame | None, months: pd.DataFrame) -> int:
    placed = _placed(events, months)
    return 0 if not placed else (1 + max(p[2] for p in placed)) * _row_height(placed) + 8


def _row_height(placed: list) -> int:
    return 16 * max(len(p[1]) for p in placed) + 6


def _event_layers(events: pd.DataFrame | None, months: pd.DataFrame, ink: str) -> list[alt.Chart]:
    layers, placed = [], _placed(events, months)
    for date, lines, row, left in placed:
        base = alt.Chart(pd.DataFrame({"date": [date], "text": ["\n".join(lines)]})).encode(x="date:T")
        top = alt.value(-(row + 1) * _row_height(placed))
        rule = base.mark_rule(color=ink, strokeDash=[4, 3], strokeWidth=1.5)
        text = base.mark_text(
            align="right" if left else "left", baseline="top", dx=-6 if left else 6, fontSize=13, color=ink, lineBreak="\n"
        )
        layers += [rule.encode(y=top, y2=alt.value(alt.expr("height"))), text.encode(y=top, text="text:N")]
    return layers


def _text(text: str, ink: str, *, x: int = 0, y: object = 0, bold: bool = False) -> alt.Chart:
    mark = alt.Chart(pd.DataFrame({"text": [text]})).mark_text(
        align="left", baseline="middle", fontSize=TEXT, color=ink, fontWeight="bold" if bold else "normal"
    )
    return mark.encode(x=alt.value(x), y=alt.value(y), text="text:N")


def _key_layers(entries: list[tuple[str, str, str]], ink: str) -> list[alt.Chart]:
    """A line under the plot that says what the marks mean."""
    layers, x = [], 0
    for glyph, colour, meaning in entries:
        at = alt.expr("height + 48")
        layers += [_text(glyph, colour, x=x, y=at), _text(meaning, ink, x=x + 18, y=at)]
        x += 40 + int(7.4 * len(meaning))
    return layers


def _trend_words(months: pd.DataFrame, value: str, flags: pd.DataFrame | None) -> str:
    if months["value"].notna().sum() == 0:
        return f"{words.label(value)} by month: nothing to show."
    known = months.dropna(subset="value")
    high = known.loc[known["value"].idxmax()]
    gone = months.groupby("month")["value"].count().eq(0).sum()
    parts = [
        f"Line chart: {words.label(value).lower()} by month, {words.period(months['month'].min(), months['month'].max())}.",
        f"Highest {high['shown']} in {high['when']}{' (' + high['series'] + ')' if high['series'] else ''}.",
        f"{words.count(gone, 'month')} without a figure." if gone else "",
        f"{words.count(len(flags), 'month')} to read with care." if flags is not None and len(flags) else "",
    ]
    return " ".join(part for part in parts if part)


def _ceiling(table: pd.DataFrame, columns: list[str]) -> float:
    """The top of a scale that begins at 0: a little above the highest value."""
    highest = pd.concat([table[c].astype("float64") for c in columns if c in table]).max()
    return 1.08 * float(highest) if highest > 0 else 1.0


def _decimals(column: str) -> int:
    from data import definitions

    defined = definitions.columns().get(column)
    return defined.decimals if defined else 0
