"""Forest plots: estimates with their intervals about the line of no difference. A row is an estimate."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from analytics.disclosure import Release
from ui import chart_parts, words
from ui.chart_parts import INK, MAIN, MUTED, TEXT, WARN
from ui.picture import Picture

ROW, LINE = 32, 18  # pixels of a row of one line, of a further line
WRAP, LONG_WRAP, MANY = 34, 64, 14  # letters of a line; of many rows, so that each has one line
COLOURS = {"above": WARN, "below": MAIN, "faded": MUTED, "neither": MUTED}
BROAD = 1.4  # how far the plot reaches beyond the estimates, for the numbers in words


def forest(
    release: Release,
    *,
    category: str,
    value: str,
    lower: str,
    upper: str,
    none: float,
    heading: str,
    key: Mapping[str, str],
    beside: str = "",
    side: str = "",
    raw: tuple[str, str] | None = None,
) -> Picture:
    """Which estimates leave out the value that means no difference, and on which side?

    release : one row per `category`, in the order to draw. none : no difference: 1 of ratios, which get a logarithmic
    axis, 0 of others. key : the words for "above", "below", "faded" and "neither", and for "beside".
    beside : a column with an estimate made in another way, drawn hollow. side : a column that says above, below, faded
    (drawn as neither, hollow) or neither; without it by whether the interval leaves out `none`.
    raw : columns with the limits before anything was allowed for, drawn thick behind; `key` has the words for "raw".
    Misleads: of twenty rows with 95% intervals one leaves out `none` by chance.
    """
    rows = release.table.dropna(subset=[value])
    data = rows[[value, lower, upper]].astype(float).set_axis(["value", "lower", "upper"], axis=1)
    data["beside"] = rows[beside].astype(float) if beside else float("nan")
    data[["raw_lower", "raw_upper"]] = rows[list(raw)].astype(float).to_numpy() if raw else float("nan")
    data["name"] = [
        chart_parts.wrapped(words.value(category, code), WRAP if len(rows) < MANY else LONG_WRAP)
        for code in rows[category]
    ]
    data["side"] = rows[side] if side else _sides(data, none)
    data["colour"] = data["side"].map(COLOURS)
    data["fill"] = data["colour"].where(data["side"] != "faded", "white")
    decimals = words.decimals(value)
    data["text"] = [
        f"{words.number(v, decimals)} ({words.number(a, decimals)} to {words.number(b, decimals)})"
        for v, a, b in zip(data["value"], data["lower"], data["upper"], strict=True)
    ]
    low, high = _ends(data, none)
    data[["lower", "upper"]] = data[["lower", "upper"]].clip(low, high)
    data["words"] = high
    lines = max((name.count("\n") + 1 for name in data["name"]), default=1)
    height = max(1, len(data)) * (ROW + LINE * (lines - 1))

    def draw() -> alt.LayerChart:
        scale = alt.Scale(domain=_domain(low, high, none), nice=False, type="log" if none == 1 else "linear")
        base = alt.Chart(data).encode(y=alt.Y("name:N", sort=list(data["name"]), axis=chart_parts.names_axis(lines)))
        x = alt.X("lower:Q", scale=scale, axis=chart_parts.numbers_axis(value))
        tips = [alt.Tooltip("name:N", title=words.label(category)), alt.Tooltip("text:N", title=heading)]
        colour, stroke = alt.Color("colour:N", scale=None), alt.Stroke("colour:N", scale=None)
        middle = alt.Chart(pd.DataFrame({"at": [none]})).mark_rule(color=INK, strokeWidth=2)
        hollow = base.transform_filter("isValid(datum.beside)").mark_point(
            shape="diamond", size=90, color=INK, strokeWidth=1.5
        )
        return alt.layer(
            middle.encode(x=alt.X("at:Q", scale=scale)),
            *(
                [base.mark_rule(strokeWidth=12, opacity=0.35, color=MUTED).encode(x="raw_lower:Q", x2="raw_upper:Q")]
                if raw
                else []
            ),
            base.mark_rule(strokeWidth=3).encode(x=x, x2="upper:Q", color=colour),
            base.mark_point(size=140, opacity=1, strokeWidth=2).encode(
                x="value:Q", stroke=stroke, fill=alt.Fill("fill:N", scale=None), tooltip=tips
            ),
            *([hollow.encode(x="beside:Q")] if beside else []),
            base.mark_text(align="left", dx=10, fontSize=TEXT, color=INK).encode(x="words:Q", text="text:N"),
            chart_parts.text(heading, y=-14, bold=True),
            *chart_parts.key(_key(set(data["side"]), key, bool(beside), bool(raw)), below=46),
        ).properties(height=height)

    return chart_parts.picture(draw, _in_words(data, heading, none), height + 90)


def _ends(data: pd.DataFrame, none: float) -> tuple[float, float]:
    """The least and the most to draw; an interval without end, or far beyond the estimates, is cut there."""
    values = pd.concat([data["value"], data["beside"].dropna(), pd.Series([none])])
    ends = pd.concat([data["lower"], data["upper"]])
    if none == 1:
        floor, top = values[values > 0].min() / 3, values.max() * 3
        inside = ends[(ends >= floor) & (ends <= top)]
        return float(min(inside.min(), values[values > 0].min())), float(max(inside.max(), values.max()))
    finite = ends[ends.abs() < float("inf")]
    return float(min(finite.min(), values.min())), float(max(finite.max(), values.max()))


def _domain(low: float, high: float, none: float) -> list[float]:
    """The ends of the axis, with room on the right for the words."""
    if none == 1:
        return [low / 1.05, high * (high / low) ** (BROAD - 1) * 1.05]
    return [low - 0.03 * (high - low), high + (BROAD - 1) * (high - low)]


def _sides(data: pd.DataFrame, none: float) -> pd.Series:
    apart = (data["lower"] > none) | (data["upper"] < none)
    side = pd.Series("neither", data.index).mask(apart & data["value"].gt(none), "above")
    return side.mask(apart & data["value"].lt(none), "below")


def _key(sides: set[str], meaning: Mapping[str, str], beside: bool, raw: bool) -> chart_parts.Key:
    glyphs = {"above": "●", "below": "●", "faded": "○", "neither": "●"}
    drawn = [(glyphs[side], colour, meaning[side]) for side, colour in COLOURS.items() if side in sides]
    drawn += [("◇", INK, meaning["beside"])] if beside else []
    return [*drawn, *([("▬", MUTED, meaning["raw"])] if raw else [])]


def _in_words(data: pd.DataFrame, heading: str, none: float) -> str:
    above, below = (int(data["side"].eq(side).sum()) for side in ("above", "below"))
    return f"{heading} of {words.count(len(data), 'row')}: {above} above {none:g}, {below} below."
