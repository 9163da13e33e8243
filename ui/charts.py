"""Release in, picture out: time, order and the week. A mark stands for one row; what may not be shown leaves a gap."""

import math
import textwrap
from collections.abc import Callable, Mapping
from typing import NamedTuple

import altair as alt
import pandas as pd

from analytics.disclosure import BAND, HIDDEN, MISSING, SHOWN, Release
from ui import words
from ui.picture import Picture

# Mid-tones that stand out on white and on Streamlit's dark background alike.
CATEGORICAL = ["#0f7fc4", "#d9601a", "#129a75", "#b85fc9", "#a8791c", "#5f74e0", "#c8476b", "#6f7f8a"]
ON_SCREEN, ON_PAPER = "#7b818c", "#31333f"  # text: readable on white and dark; and dark on white paper
GRID, HATCH, WARN, MUTED, EXPECTED = "#9aa0a833", "#9aa0a8", "#d9601a", "#8d96a3", "#8d96a360"
FONT = "Liberation Sans, Arial, Helvetica, DejaVu Sans, sans-serif"
TEXT = 14  # pixels: read from the back of a room when the page fills a projector
PAPER_WIDTH = 900  # pixels of a plot in a file, before scaling
NARROW = 700  # pixels of the narrowest plot on a laptop: what is placed by hand must fit this
MOST_LABELLED = 8  # lines that can be told apart; more become small multiples
BROKEN = {"invalid": "break-paths-show-path-domains", "strokeJoin": "round"}  # no line through a gap

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

    Months without a row count as not supplied. More than 8 lines become small multiples. Misleads where recording changed: say so as an event.
    """
    months = _monthly(release, value, by, labels)
    if months["series"].nunique() > MOST_LABELLED:
        return small_multiples(release, value=value, by=by, labels=labels)
    top = _ceiling(release.table, [value, "n_upper", *(expected or ())])
    gaps, key = _gaps(months), []
    if expected:
        key.append(("■", EXPECTED, "expected range"))
    if flags is not None and len(flags):
        key.append(("▲", WARN, "month to read with care"))
    if months["status"].eq(BAND).any():
        key.append(("▌", MUTED, "small number, shown as a range"))

    def draw(ink: str) -> alt.LayerChart:
        x = _month_axis(months)
        y = alt.Y("value:Q", title=None, axis=_counts_axis(), scale=alt.Scale(domain=[0, top], nice=False))
        colour = _series_colours(months)
        layers = [
            *_gap_layers(gaps, months["month"].max() - months["month"].min(), top, ink),
            *([_expected_layer(release.table, expected)] if expected else []),
            *_line_layers(months, x, y, colour, by),
            *_flag_layers(months, flags),
            *_event_layers(events, months, ink),
            *(_end_labels(months, top) if months["series"].nunique() > 1 else []),
            _text(words.heading(value), ink, y=-16 - _event_space(events, months), bold=True),
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
        base.mark_line(strokeWidth=2.5, **BROKEN).encode(y=y),
        ranges.mark_rule(strokeWidth=6, opacity=0.5).encode(
            x=x, color=colour, y="n_lower:Q", y2="n_upper:Q", tooltip=tips
        ),
        alt.Chart(months.dropna(subset="value"))
        .mark_point(filled=True, size=size, opacity=1)
        .encode(x=x, y=y, color=colour, tooltip=tips),
    ]


def _series_colours(months: pd.DataFrame) -> object:
    names = list(dict.fromkeys(months["series"]))
    if len(names) <= 1:
        return alt.value(CATEGORICAL[0])
    return alt.Color("series:N", scale=alt.Scale(domain=names, range=CATEGORICAL), legend=None)


def _end_labels(months: pd.DataFrame, top: float) -> list[alt.Chart]:
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
    why = states.map(
        lambda s: "not supplied" if s == {MISSING} else "small numbers hidden" if s <= {MISSING, HIDDEN} else ""
    )
    stretch = why.ne(why.shift()).cumsum()
    rows = why.index.to_frame(name="month").assign(why=why, stretch=stretch).groupby("stretch")
    out = pd.DataFrame({"start": rows["month"].min(), "end": rows["month"].max(), "why": rows["why"].first()})
    half = pd.Timedelta(days=15)
    return out[out["why"].ne("")].assign(start=lambda d: d["start"] - half, end=lambda d: d["end"] + half)


def _gap_layers(gaps: pd.DataFrame, span: pd.Timedelta, top: float, ink: str) -> list[alt.Chart]:
    if gaps.empty:
        return []
    wide = gaps["end"] - gaps["start"]
    middle = gaps.assign(at=gaps["start"] + wide / 2, y=top / 2)
    upright = wide < 0.16 * span  # too narrow for the words to lie flat
    labels = [
        alt.Chart(rows)
        .mark_text(angle=angle, fontSize=TEXT - 1, fontStyle="italic", color=ink)
        .encode(x="at:T", y="y:Q", text="why:N")
        for rows, angle in ((middle[upright], 270), (middle[~upright], 0))
        if len(rows)
    ]
    band = alt.Chart(gaps).mark_rect(color=HATCH, opacity=0.10).encode(x="start:T", x2="end:T")
    lines = alt.Chart(_hatching(gaps, span, top)).mark_rule(color=HATCH, opacity=0.45, strokeWidth=1)
    return [band, lines.encode(x="x:T", x2="x2:T", y="y:Q", y2="y2:Q"), *labels]


def _hatching(gaps: pd.DataFrame, span: pd.Timedelta, top: float, lines: int = 24) -> pd.DataFrame:
    """Slanting lines across each gap, cut at its edges; a plain pattern that also prints in grey."""
    out = []
    for gap in gaps.itertuples():
        rise = top * max(0.05, min(2.0, 2.2 * (gap.end - gap.start) / max(span, gap.end - gap.start)))
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
    area = alt.Chart(rows.sort_values("month")).mark_area(color=EXPECTED, opacity=1)
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


class Label(NamedTuple):
    """Where the words of one event stand: `row` counts upwards from the plot, `left` of the rule or right of it."""

    date: pd.Timestamp
    lines: list[str]
    at: float
    wide: float
    left: bool = False
    row: int = 0


def _placed(events: pd.DataFrame | None, months: pd.DataFrame) -> list[Label]:
    """Labels that touch neither each other nor another event's rule, in pixels of the narrowest plot."""
    if events is None or events.empty or months.empty:
        return []
    first, last = months["month"].min(), months["month"].max() + pd.offsets.MonthEnd()
    labels = []
    for event in events[events["date"].between(first, last)].sort_values("date").itertuples():
        lines = textwrap.wrap(event.note, 26)
        labels.append(
            Label(event.date, lines, NARROW * ((event.date - first) / (last - first)), 7.6 * max(map(len, lines)) + 14)
        )
    split = _split(labels)
    rightward, leftward = labels[:split], labels[split:]
    return _stacked(rightward[::-1], left=False) + _stacked(leftward, left=True)


def _split(labels: list[Label]) -> int:
    """How many labels stand to the right of their rule; the others, nearer the right edge, stand to the left."""

    def trouble(k: int) -> float:
        right, left = (
            max((e.at + e.wide for e in labels[:k]), default=0),
            min((e.at - e.wide for e in labels[k:]), default=NARROW),
        )
        return max(0, right - NARROW) + max(0, -left) + max(0, right - left)

    return min(range(len(labels), -1, -1), key=trouble)


def _stacked(labels: list[Label], *, left: bool) -> list[Label]:
    """Each label above those whose rule it would cross."""
    out: list[Label] = []
    for label in labels:
        below = [other.row for other in out if abs(other.at - label.at) < label.wide]
        out.append(label._replace(left=left, row=1 + max(below, default=-1)))
    return out


def _event_space(events: pd.DataFrame | None, months: pd.DataFrame) -> int:
    placed = _placed(events, months)
    return 0 if not placed else (1 + max(p.row for p in placed)) * _row_height(placed) + 8


def _row_height(placed: list[Label]) -> int:
    return 16 * max(len(p.lines) for p in placed) + 6


def _event_layers(events: pd.DataFrame | None, months: pd.DataFrame, ink: str) -> list[alt.Chart]:
    layers, placed = [], _placed(events, months)
    for label in placed:
        base = alt.Chart(pd.DataFrame({"date": [label.date], "text": ["\n".join(label.lines)]})).encode(x="date:T")
        top, left = alt.value(-(label.row + 1) * _row_height(placed)), label.left
        rule = base.mark_rule(color=ink, strokeDash=[4, 3], strokeWidth=1.5)
        text = base.mark_text(
            align="right" if left else "left",
            baseline="top",
            dx=-6 if left else 6,
            fontSize=13,
            color=ink,
            lineBreak="\n",
        )
        layers += [rule.encode(y=top, y2=alt.value(alt.expr("height"))), text.encode(y=top, text="text:N")]
    return layers


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width)) or text


def _text(text: str, ink: str, *, x: int = 0, y: object = 0, bold: bool = False) -> alt.Chart:
    mark = alt.Chart(pd.DataFrame({"text": [text]})).mark_text(
        align="left", baseline="middle", fontSize=TEXT, color=ink, fontWeight="bold" if bold else "normal"
    )
    return mark.encode(x=alt.value(x), y=alt.value(y), text="text:N")


def _key_layers(entries: list[tuple[str, str, str]], ink: str, *, below: int = 48) -> list[alt.Chart]:
    """A line under the plot that says what the marks mean."""
    layers, x = [], 0
    for glyph, colour, meaning in entries:
        at = alt.expr(f"height + {below}")
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


# ------------------------------------------------------------------------------------------------ many places


def small_multiples(
    release: Release,
    *,
    value: str = "n",
    by: str = "authority_name",
    labels: Mapping[str, str] | None = None,
    shared_scale: bool = True,
) -> Picture:
    """How does each place change? One small panel each, in the order of the release.

    release : one row per `month` and `by`.
    shared_scale : the same scale everywhere, to compare sizes; otherwise each its own, to compare shapes.
    """
    months = _monthly(release, value, by, labels)
    names = list(dict.fromkeys(months["series"]))
    columns = 1 if len(names) == 1 else 2 if len(names) <= 4 else 3 if len(names) <= 6 else 5
    rows = math.ceil(len(names) / columns) or 1
    panels = _panels(names, columns, rows, months, shared_scale, value)
    placed = _in_panels(months, panels)
    gone, small = months["value"].isna() & months["status"].ne(BAND), months["status"].eq(BAND)
    key = [("■", HATCH, "no figure: not supplied, or hidden")] if gone.any() else []
    key += [("▌", MUTED, "small number, shown as a range")] if small.any() else []

    def draw(ink: str) -> alt.LayerChart:
        x = alt.X("left:Q", axis=None, scale=alt.Scale(domain=[0, columns], nice=False))
        y = alt.Y("ceiling:Q", axis=None, scale=alt.Scale(domain=[0, rows], nice=False))
        heading = _text(f"{words.heading(value)} each month, from 0 to the figure on the upper line", ink, y=-10)
        layers = [*_panel_layers(panels, placed, value, by, x, y, ink), heading, *_key_layers(key, ink, below=12)]
        return alt.layer(*layers).properties(height=PANEL * rows)

    scale = "the same scale in every panel" if shared_scale else "each panel has its own scale"
    return _picture(
        draw, f"{len(names)} small line charts, {scale}. {_trend_words(months, value, None)}", PANEL * rows + 60
    )


PANEL = 160  # pixels
LEFT, WIDE, LOW, TALL = 0.05, 0.84, 0.18, 0.50  # the plot inside a panel, as shares of it


def _panels(names: list[str], columns: int, rows: int, months: pd.DataFrame, shared: bool, value: str) -> pd.DataFrame:
    """One row per panel: its corner, its scale and the words around it."""
    own = months.groupby("series")[["value", "n_upper"]].max().max(axis=1).reindex(names)
    top = pd.Series(own.max(), index=own.index) if shared else own
    panels = pd.DataFrame({"series": names, "column": [i % columns for i in range(len(names))]})
    panels["row"] = [rows - 1 - i // columns for i in range(len(names))]
    panels["top"] = list(top.fillna(1.0).replace(0, 1.0))
    panels["scale"] = panels["top"].map(lambda v: words.number(v, _decimals(value)))
    panels["left"], panels["right"] = panels["column"] + LEFT, panels["column"] + LEFT + WIDE
    panels["base"], panels["ceiling"] = panels["row"] + LOW, panels["row"] + LOW + TALL
    panels["head"], panels["foot"] = panels["ceiling"] + 0.09, panels["row"] + 0.08
    panels["name"] = panels["series"].map(lambda name: _wrapped(name, 22))
    return panels.assign(first=words.month(months["month"].min()), last=words.month(months["month"].max()))


def _in_panels(months: pd.DataFrame, panels: pd.DataFrame) -> pd.DataFrame:
    """Months with their place in the picture: `px`, `py`, and `none` where there is nothing to show."""
    rows = months.merge(panels, on="series")
    steps = rows["month"].dt.year * 12 + rows["month"].dt.month
    rows["px"] = rows["left"] + WIDE * (steps - steps.min()) / max(1, steps.max() - steps.min())
    for source, target in (("value", "py"), ("n_lower", "plow"), ("n_upper", "phigh")):
        rows[target] = rows["base"] + TALL * rows[source] / rows["top"]
    return rows


def _neighbours_missing(placed: pd.DataFrame) -> pd.Series:
    value = placed.groupby("series")["value"]
    return value.shift(1).isna() & value.shift(-1).isna()


def _panel_layers(
    panels: pd.DataFrame, placed: pd.DataFrame, value: str, by: str, x: alt.X, y: alt.Y, ink: str
) -> list[alt.Chart]:
    tips = [
        alt.Tooltip("series:N", title=words.label(by)),
        alt.Tooltip("when:N", title="Month"),
        alt.Tooltip("shown:N", title=words.label(value)),
    ]
    frame, points = alt.Chart(panels), alt.Chart(placed)
    gone = alt.Chart(placed[placed["value"].isna() & placed["status"].ne(BAND)])
    small = alt.Chart(placed[placed["status"].eq(BAND)])
    alone = alt.Chart(placed[placed["value"].notna() & _neighbours_missing(placed)])
    step = WIDE / max(1, placed["month"].nunique() - 1) / 2
    blank = gone.transform_calculate(a=f"datum.px - {step}", b=f"datum.px + {step}").mark_rect(color=HATCH, opacity=0.3)
    name = frame.mark_text(
        align="left", baseline="line-bottom", lineBreak="\n", fontSize=TEXT, fontWeight="bold", color=ink
    )
    edge = {"fontSize": TEXT - 2, "color": ink}
    return [
        frame.mark_rule(color=GRID).encode(x=x, x2="right:Q", y=y),
        frame.mark_rule(color=HATCH).encode(x="left:Q", x2="right:Q", y="base:Q"),
        blank.encode(x="a:Q", x2="b:Q", y="base:Q", y2="ceiling:Q", tooltip=tips),
        small.mark_rule(strokeWidth=3, opacity=0.5, color=CATEGORICAL[0]).encode(x="px:Q", y="plow:Q", y2="phigh:Q"),
        points.mark_line(strokeWidth=2, color=CATEGORICAL[0], **BROKEN).encode(x="px:Q", y="py:Q", detail="series:N"),
        alone.mark_point(filled=True, size=18, color=CATEGORICAL[0], opacity=1).encode(x="px:Q", y="py:Q"),
        points.mark_point(size=160, opacity=0, filled=True).encode(x="px:Q", y="py:Q", tooltip=tips),
        name.encode(x="left:Q", y="head:Q", text="name:N"),
        frame.mark_text(align="right", baseline="bottom", dy=-2, **edge).encode(
            x="right:Q", y="ceiling:Q", text="scale:N"
        ),
        frame.mark_text(align="left", **edge).encode(x="left:Q", y="foot:Q", text="first:N"),
        frame.mark_text(align="right", **edge).encode(x="right:Q", y="foot:Q", text="last:N"),
    ]


# ------------------------------------------------------------------------------------------------ order


def bars(
    release: Release,
    *,
    category: str,
    value: str,
    lower: str | None = None,
    upper: str | None = None,
    highlight: str | list[str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Picture:
    """Which is highest? Ranked bars, each with its interval; what may not be shown stands last and says so.

    release : one row per `category`.
    lower, upper : names of the columns with the interval.
    highlight : the category, or categories, that the page is about.

    Misleads when the intervals overlap and the order is read as certain.
    """
    rows = _ranked(release, category, value, labels)
    rows["lower"], rows["upper"] = ((rows[c] if c else rows["value"]) for c in (lower, upper))
    chosen = [highlight] if isinstance(highlight, str) else list(highlight or [])
    rows["colour"] = [CATEGORICAL[0] if not chosen or code in chosen else MUTED for code in rows[category]]
    method = rows["method"].dropna().unique() if "method" in rows else []
    key = [("━", "ink", f"interval ({method[0]})" if len(method) == 1 else "interval")] if lower and upper else []
    return _bars(rows, words.heading(value), key, category, _bars_words(rows, value))


def mix(
    release: Release, *, category: str = "offence_group", value: str = "n", labels: Mapping[str, str] | None = None
) -> Picture:
    """What is the whole made of? Ranked bars, each with its count and its share of those shown.

    release : one row per `category`; together they are the whole. Shares are left out below 100 records.
    """
    rows = _ranked(release, category, value, labels)
    total = rows["value"].sum()
    if total >= words.FEWEST_FOR_PERCENT:
        known = rows["value"].notna()
        rows.loc[known, "text"] += [f" ({words.percent(v / total)})" for v in rows.loc[known, "value"]]
    rows["lower"] = rows["upper"] = rows["value"]
    rows["colour"] = CATEGORICAL[0]
    return _bars(rows, words.heading(value), [], category, _bars_words(rows, value))


def _ranked(release: Release, category: str, value: str, labels: Mapping[str, str] | None) -> pd.DataFrame:
    """Rows from highest to lowest with the words for each; ties keep their order, missing ones come last."""
    rows = release.table.copy()
    rows["value"] = rows[value].astype("float64")
    rows["name"] = [_wrapped(words.value(category, code, labels), 34) for code in rows[category]]
    again = rows.groupby("name").cumcount()
    rows["name"] = rows["name"].mask(again > 0, rows["name"] + " (" + (again + 1).astype(str) + ")")
    rows["text"] = [words.number(v, _decimals(value)) for v in rows["value"]]
    instead = rows["shown"] if "shown" in rows and value == release.counts[0] else pd.Series("not shown", rows.index)
    rows["text"] = rows["text"].astype(object).where(rows["value"].notna(), instead)
    for column in ("n_lower", "n_upper"):
        known = column in rows and value == release.counts[0]
        rows[column] = rows[column].where(rows["value"].isna()) if known else float("nan")
    return rows.sort_values("value", ascending=False, kind="stable", na_position="last")


def _bars(rows: pd.DataFrame, heading: str, key: list[tuple[str, str, str]], category: str, alt_text: str) -> Picture:
    lines = rows["name"].str.count("\n").max() + 1 if len(rows) else 1
    height = max(1, len(rows)) * (32 if lines == 1 else 4 + 18 * int(lines))
    data = rows[["name", "value", "lower", "upper", "n_lower", "n_upper", "text", "colour"]].copy()
    data["end"] = data[["value", "upper", "n_upper"]].max(axis=1).clip(lower=0).fillna(0.0)
    low = min(0.0, 1.1 * data[["value", "lower"]].min().min()) if len(data) else 0.0
    scale = alt.Scale(domain=[low, 1.15 * max(data["end"].max(), 1e-9) if len(data) else 1.0], nice=False)

    def draw(ink: str) -> alt.LayerChart:
        names = alt.Axis(
            title=None,
            labelFontSize=TEXT,
            labelLimit=0,
            labelPadding=8,
            labelExpr="split(datum.label, '\\n')",
            ticks=False,
            domain=False,
        )
        y = alt.Y("name:N", sort=list(data["name"]), axis=names)
        axis = alt.Axis(
            title=None,
            format="~s" if data["end"].max() >= 1e5 else ",~r",
            labelFontSize=TEXT,
            gridColor=GRID,
            tickCount=5,
        )
        x = alt.X("value:Q", scale=scale, axis=axis)
        tips = [alt.Tooltip("name:N", title=words.label(category)), alt.Tooltip("text:N", title=heading)]
        base = alt.Chart(data).encode(y=y)
        layers = [
            base.mark_bar(size=20).encode(x=x, color=alt.Color("colour:N", scale=None), tooltip=tips),
            base.mark_bar(size=20, opacity=0.35, color=MUTED).encode(x="n_lower:Q", x2="n_upper:Q", tooltip=tips),
            base.mark_text(align="left", dx=8, fontSize=TEXT, color=ink).encode(x="end:Q", text="text:N"),
            _text(heading, ink, y=-14, bold=True),
        ]
        if key:
            layers.insert(2, base.mark_rule(color=ink, strokeWidth=2.5).encode(x="lower:Q", x2="upper:Q"))
        return alt.layer(*layers, *_key_layers([(g, ink, m) for g, _, m in key], ink, below=46)).properties(
            height=height
        )

    return _picture(draw, alt_text, height + (90 if key else 60))


def _bars_words(rows: pd.DataFrame, value: str) -> str:
    known = rows.dropna(subset="value")
    if known.empty:
        return f"{words.label(value)}: nothing to show."
    first = ", ".join(f"{r.name_} {r.text}" for r in known.head(3).rename(columns={"name": "name_"}).itertuples())
    return f"Bars of {words.label(value).lower()}, highest first: {first}.".replace("\n", " ")


# ------------------------------------------------------------------------------------------------ the week

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def weekday_hour(release: Release, *, value: str = "n") -> Picture:
    """When in the week? A square per hour; the stronger the colour, the more.

    release : one row per `weekday` (0 = Monday) and `hour` (0 to 23); those without a row are not known.
    """
    every = pd.MultiIndex.from_product([range(7), range(24)], names=["weekday", "hour"]).to_frame(index=False)
    cells = every.merge(release.table, on=["weekday", "hour"], how="left").assign(
        value=lambda d: d[value].astype("float64")
    )
    cells["day"] = cells["weekday"].map(dict(enumerate(WEEKDAYS)))
    cells["span"] = [f"{h:02d}:00 to {(h + 1) % 24:02d}:00" for h in cells["hour"]]
    text = [words.number(v, 1 if v % 1 else 0) for v in cells["value"]]
    cells["text"] = cells["shown"].fillna(MISSING) if "shown" in cells and value == release.counts[0] else text
    cells = cells[["day", "hour", "span", "value", "text"]]
    top = cells["value"].max()

    def draw(ink: str) -> alt.LayerChart:
        days = alt.Axis(title=None, labelFontSize=TEXT, ticks=False, domain=False, labelPadding=8)
        hours = alt.Axis(
            title=None,
            labelFontSize=TEXT,
            values=list(range(0, 24, 3)),
            labelExpr="pad(datum.label, 2, '0', 'left') + ':00'",
            labelAngle=0,
            ticks=False,
            domain=False,
        )
        legend = alt.Legend(
            title=words.heading(value),
            labelFontSize=TEXT,
            titleFontSize=TEXT,
            format=",~r",
            gradientLength=200,
            tickCount=4,
        )
        ramp = alt.Scale(domain=[0, top if top > 0 else 1.0], range=WEEK_RAMP)
        tips = [
            alt.Tooltip("day:N", title="Day"),
            alt.Tooltip("span:N", title="Hour"),
            alt.Tooltip("text:N", title="Value"),
        ]
        grid = alt.Chart(cells).encode(
            x=alt.X("hour:O", axis=hours, scale=alt.Scale(paddingInner=0.06)),
            y=alt.Y("day:O", sort=list(WEEKDAYS), axis=days, scale=alt.Scale(paddingInner=0.06)),
            tooltip=tips,
        )
        known = grid.transform_filter("isValid(datum.value)").mark_rect()
        none = grid.transform_filter("!isValid(datum.value)").mark_text(text="–", color=ink, fontSize=TEXT)
        return alt.layer(known.encode(color=alt.Color("value:Q", scale=ramp, legend=legend)), none).properties(
            height=280
        )

    return _picture(draw, _week_words(cells), 330)


WEEK_RAMP = ["rgba(15,127,196,0.07)", "rgba(15,127,196,1)"]  # from the background, light or dark, to full colour


def _week_words(cells: pd.DataFrame) -> str:
    if cells["value"].fillna(0).sum() == 0:
        return "Weekday by hour: nothing to show."
    peak = cells.loc[cells["value"].idxmax()]
    return f"Grid of weekday by hour. Highest: {peak['day']} {peak['span']}, {peak['text']}."
