"""Monthly lines: a point is one month of one series; a month without a figure is a gap, never zero."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from analytics.disclosure import HIDDEN, MISSING, Release
from ui import chart_control, chart_events, chart_panels, chart_parts, words
from ui.chart_events import HALF
from ui.chart_parts import CATEGORICAL, EXPECTED, HATCH, INK, MAIN, MUTED, TEXT, WARN
from ui.picture import Picture

PLOT = 340  # pixels high
NARROW = 700  # pixels of the narrowest plot on a laptop: labels placed by hand must fit this
MOST_LINES = 8  # that can be told apart
MOST_TRIED = 6  # labels whose sides are tried in every combination


def trend(
    release: Release,
    *,
    value: str = "n",
    by: str | None = None,
    labels: Mapping[str, str] | None = None,
    flags: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    expected: tuple[str, str] | None = None,
    control: bool = False,
    shared_scale: bool = True,
) -> Picture:
    """How does it change from month to month?

    release : one row per `month`, or per month and `by`.
    labels : the words for the values of `by`, where the definitions have none.
    flags : `month`, `reason`: months whose figures need care.
    events : `date`, `note`: what happened that a reader should know of.
    expected : names of the columns of the release with the range a month is expected in.
    control : the release is a control chart (the columns of `spc.xmr`): its limits, centre and signals are drawn.

    shared_scale : of small multiples, see `chart_panels.small_multiples`.

    Months without a row count as not supplied. More than 8 lines become small multiples, as do several control charts.
    Misleads where recording changed: say so as an event.
    """
    months = chart_parts.monthly(release, value, by, labels)
    panels = control and months["series"].nunique() > 1  # limits of several series on one plot cannot be told apart
    if panels or months["series"].nunique() > MOST_LINES:
        return chart_panels.small_multiples(
            release, value=value, by=by, labels=labels, shared_scale=shared_scale, control=control
        )
    bounds = ["upper"] if control else [*(expected or ())]
    top = chart_parts.ceiling(months[["value", "n_upper"]], release.table[bounds])
    key = _key(months, flags, expected) + (chart_control.key(release.table) if control else [])
    placed = chart_events.placed(events, months)

    def draw() -> alt.LayerChart:
        y = alt.Y("value:Q", axis=chart_parts.numbers_axis(value), scale=alt.Scale(domain=[0, top], nice=False))
        layers = [
            *_gaps(months, top),
            *chart_events.bands(placed),
            *(_expected(release.table, expected) if expected else []),
            *_lines(months, _month_axis(months), y, by, words.heading(value)),
            *(chart_control.marks(release.table, value) if control else []),
            *_flags(months, flags),
            *chart_events.marks(placed),
            *(_line_names(months, top) if by else []),
            chart_parts.text(words.heading(value), y=-16 - chart_events.room(placed), bold=True),
            *chart_parts.key(key, below=48),
        ]
        return alt.layer(*layers).properties(height=PLOT)

    return chart_parts.picture(
        draw, chart_parts.months_in_words(months, value, flags), PLOT + 80 + chart_events.room(placed)
    )


def _key(months: pd.DataFrame, flags: pd.DataFrame | None, expected: tuple[str, str] | None) -> chart_parts.Key:
    return [
        *([("■", EXPECTED, "expected range")] if expected else []),
        *([("▲", WARN, "month to read with care")] if flags is not None and len(flags) else []),
        *([("▌", MUTED, chart_parts.SMALL)] if months["n_upper"].notna().any() else []),
    ]


def _month_axis(months: pd.DataFrame) -> alt.X:
    """A label for every 1st, 2nd, 3rd, 6th or 12th month, so that they never touch; years begin in January."""
    every = sorted(months["month"].unique())
    if not every:
        return alt.X("month:T", axis=None)
    step = next((s for s in (1, 2, 3, 6, 12, 24) if len(every) / s <= 8), 60)
    kept = [m for m in every if (m.year * 12 + m.month - 1) % step == 0] or every[:1]
    axis = alt.Axis(
        title=None,
        values=[_day(m) for m in kept],
        format="%b %Y",
        labelFontSize=TEXT,
        labelColor=INK,
        labelPadding=6,
        labelFlush=False,
        grid=False,
    )
    return alt.X(
        "month:T",
        axis=axis,
        scale=alt.Scale(domain=[_day(every[0] - HALF), _day(every[-1] + HALF)], nice=False),
    )


def _day(day: pd.Timestamp) -> alt.DateTime:
    return alt.DateTime(year=day.year, month=day.month, date=day.day)


# ---------------------------------------------------------------------------------------------- marks


def _lines(months: pd.DataFrame, x: alt.X, y: alt.Y, by: str | None, heading: str) -> list[alt.Chart]:
    """Lines broken at gaps, points that also carry months standing alone, bars for small numbers told as a range."""
    names = list(dict.fromkeys(months["series"]))
    colour = alt.Color("series:N", scale=alt.Scale(domain=names, range=list(CATEGORICAL)), legend=None)
    colour = colour if by else alt.value(MAIN)
    named = [alt.Tooltip("series:N", title=words.label(by))] if by else []
    tips = [alt.Tooltip("when:N", title="Month"), *named, alt.Tooltip("text:N", title=heading)]
    base = alt.Chart(months).encode(x=x, color=colour)
    points = alt.Chart(months.dropna(subset="value")).encode(x=x, y=y, color=colour, tooltip=tips)
    ranges = alt.Chart(months.dropna(subset="n_upper")).encode(
        x=x, y="n_lower:Q", y2="n_upper:Q", color=colour, tooltip=tips
    )
    return [
        base.mark_line(strokeWidth=2.5, **chart_parts.BROKEN).encode(y=y),
        ranges.mark_rule(strokeWidth=6, opacity=0.5),
        points.mark_point(filled=True, size=60 if months["month"].nunique() <= 24 else 26, opacity=1),
    ]


def _line_names(months: pd.DataFrame, top: float) -> list[alt.Chart]:
    """The name of each line beside its end, moved apart until no two touch."""
    last = months.dropna(subset="value").groupby("series", sort=False).tail(1).sort_values("value")
    names = list(dict.fromkeys(months["series"]))
    heights = _apart(list(last["value"]), room=top * (TEXT + 4) / PLOT, top=top)
    layers = []
    for name, height in zip(last["series"], heights, strict=True):
        mark = alt.Chart(pd.DataFrame({"value": [height], "text": [name]})).mark_text(
            align="left", dx=8, fontSize=TEXT, fontWeight="bold", color=CATEGORICAL[names.index(name)]
        )
        layers.append(mark.encode(x=alt.value(alt.expr("width")), y="value:Q", text="text:N"))
    return layers


def _apart(heights: list[float], *, room: float, top: float) -> list[float]:
    """Rising heights moved until each is `room` above the one below; pushed down again where they pass the top."""
    out: list[float] = []
    for height in heights:
        out.append(max(height, out[-1] + room) if out else height)
    for i in range(len(out) - 1, -1, -1):
        out[i] = min(out[i], top if i == len(out) - 1 else out[i + 1] - room)
    return out


def _expected(table: pd.DataFrame, expected: tuple[str, str]) -> list[alt.Chart]:
    lower, upper = expected
    rows = pd.DataFrame({"month": table["month"], "lower": table[lower].clip(lower=0), "upper": table[upper]})
    area = alt.Chart(rows.sort_values("month")).mark_area(color=EXPECTED, opacity=1)
    return [area.encode(x="month:T", y="lower:Q", y2="upper:Q")]


def _flags(months: pd.DataFrame, flags: pd.DataFrame | None) -> list[alt.Chart]:
    if flags is None or flags.empty:
        return []
    height = months.groupby("month", as_index=False)["value"].max().fillna({"value": 0.0})
    marked = flags[["month", "reason"]].merge(height, on="month").assign(when=lambda d: d["month"].map(words.month))
    mark = alt.Chart(marked).mark_point(shape="triangle-up", filled=True, size=120, color=WARN, opacity=1, yOffset=-14)
    tips = [alt.Tooltip("when:N", title="Month"), alt.Tooltip("reason:N", title="Read with care")]
    return [mark.encode(x="month:T", y="value:Q", tooltip=tips)]


# ---------------------------------------------------------------------------------------------- gaps


def _gaps(months: pd.DataFrame, top: float) -> list[alt.Chart]:
    """Hatched bands over the months in which no series has a figure, with the reason written on them."""
    gaps = gap_rows(months)
    if gaps.empty:
        return []
    wide, span = gaps["end"] - gaps["start"], months["month"].max() - months["month"].min()
    middle = gaps.assign(at=gaps["start"] + wide / 2, y=top / 2)
    upright = wide < 0.20 * span  # too narrow for the words to lie flat
    labels = [
        alt.Chart(rows)
        .mark_text(angle=angle, fontSize=TEXT - 1, fontStyle="italic", color=INK)
        .encode(x="at:T", y="y:Q", text="why:N")
        for rows, angle in ((middle[upright], 270), (middle[~upright], 0))
        if len(rows)
    ]
    band = alt.Chart(gaps).mark_rect(color=HATCH, opacity=0.10).encode(x="start:T", x2="end:T")
    lines = alt.Chart(_hatching(gaps, span, top)).mark_rule(color=HATCH, opacity=0.45, strokeWidth=1)
    return [band, lines.encode(x="x:T", x2="x2:T", y="y:Q", y2="y2:Q"), *labels]


def gap_rows(months: pd.DataFrame) -> pd.DataFrame:
    """One row per stretch of months without any figure: `start` and `end` in the middle between months, and `why`."""
    if months.empty:
        return pd.DataFrame(columns=["start", "end", "why"])
    states = months.groupby("month")["status"].agg(set)
    why = states.map(
        lambda held: MISSING if held == {MISSING} else "small numbers hidden" if held <= {MISSING, HIDDEN} else ""
    )
    rows = why.index.to_frame(name="month").assign(why=why).groupby(why.ne(why.shift()).cumsum())
    out = pd.DataFrame({"start": rows["month"].min(), "end": rows["month"].max(), "why": rows["why"].first()})
    return out[out["why"].ne("")].assign(start=lambda d: d["start"] - HALF, end=lambda d: d["end"] + HALF)


def _hatching(gaps: pd.DataFrame, span: pd.Timedelta, top: float, lines: int = 24) -> pd.DataFrame:
    """Slanting lines across each gap, cut at its edges; a pattern that also prints in grey."""
    out = []
    for gap in gaps.itertuples():
        wide = gap.end - gap.start
        rise = top * max(0.05, min(2.0, 2.2 * wide / max(span, wide)))
        for low in (top * k / lines for k in range(-2 * lines, lines)):
            a, b = max(0.0, -low / rise), min(1.0, (top - low) / rise)  # the part of the line inside the plot
            if a < b:
                out.append((gap.start + a * wide, gap.start + b * wide, low + a * rise, low + b * rise))
    return pd.DataFrame(out, columns=["x", "x2", "y", "y2"])
