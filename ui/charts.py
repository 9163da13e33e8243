"""Release in, picture out: months, places in order, what a whole is made of, and the week. No Streamlit here."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from analytics.disclosure import MISSING, Release
from ui import chart_parts, words
from ui.chart_months import trend
from ui.chart_panels import small_multiples
from ui.chart_parts import CATEGORICAL, INK, MAIN, MUTED, TEXT, on_paper
from ui.picture import Picture

__all__ = ["CATEGORICAL", "bars", "mix", "on_paper", "small_multiples", "trend", "weekday_hour"]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEK_RAMP = ("rgba(15,127,196,0.07)", "rgba(15,127,196,1)")  # from the background, light or dark, to full colour
BAR, WRAP = 20, 40  # pixels of a bar; characters of a label before it takes a second line
LETTER = 0.018  # of the axis of half a page, for one character at the end of a bar


def bars(
    release: Release,
    *,
    category: str,
    value: str,
    lower: str | None = None,
    upper: str | None = None,
    highlight: str | list[str] | None = None,
    labels: Mapping[str, str] | None = None,
    in_order: bool = False,
) -> Picture:
    """Which is highest? Ranked bars, each with its interval; what may not be shown stands last and says so.

    release : one row per `category`.
    lower, upper : names of the columns with the interval.
    highlight : the category, or categories, that the page is about.
    in_order : keep the order of the rows, where the categories have one of their own.

    Misleads when the intervals overlap and the order is read as certain.
    """
    rows = _ranked(release, category, value, labels)
    rows = rows.reindex(release.table.index) if in_order else rows
    chosen = [highlight] if isinstance(highlight, str) else list(highlight or [])
    rows["colour"] = [MAIN if not chosen or code in chosen else MUTED for code in rows["code"]]
    if not (lower and upper):
        return _bars(rows, category, value)
    method = release.table["method"].dropna().unique() if "method" in release.table else []
    interval = release.table[[lower, upper]].astype("float64").where(rows["value"].notna(), axis=0)
    rows[["lower", "upper"]] = interval.reindex(rows.index).to_numpy()
    return _bars(rows, category, value, interval=f"interval ({method[0]})" if len(method) == 1 else "interval")


def mix(
    release: Release, *, category: str = "offence_group", value: str = "n", labels: Mapping[str, str] | None = None
) -> Picture:
    """What is the whole made of? Ranked bars, each with its count and its share of those shown.

    release : one row per `category`; together they are the whole. Below 100 records there are no shares.
    """
    rows = _ranked(release, category, value, labels)
    total = rows["value"].sum()
    if total >= words.FEWEST_FOR_PERCENT:
        share = rows["value"] / total
        rows["text"] = [
            t if pd.isna(s) else f"{t} ({words.percent(s)})" for t, s in zip(rows["text"], share, strict=True)
        ]
    return _bars(rows.assign(colour=MAIN), category, value)


def _ranked(release: Release, category: str, value: str, labels: Mapping[str, str] | None) -> pd.DataFrame:
    """Rows from highest to lowest with the words for each; ties keep their order, missing ones come last."""
    rows = chart_parts.told(release, value).assign(code=release.table[category], lower=None, upper=None)
    names = pd.Series(
        [chart_parts.wrapped(words.value(category, code, labels), WRAP) for code in rows["code"]], rows.index
    )
    again = names.groupby(names).cumcount()  # two places of one name are still two bars
    rows["name"] = [f"{name} ({k + 1})" if k else name for name, k in zip(names, again, strict=True)]
    return rows.sort_values("value", ascending=False, kind="stable", na_position="last")


def _bars(rows: pd.DataFrame, category: str, value: str, *, interval: str = "") -> Picture:
    heading, most = words.heading(value), max((name.count("\n") + 1 for name in rows["name"]), default=1)
    height = max(1, len(rows)) * (32 if most == 1 else 4 + 18 * most)
    data = rows[["name", "value", "lower", "upper", "n_lower", "n_upper", "text", "colour"]].astype(
        {"lower": float, "upper": float}
    )
    data["end"] = data[["value", "upper", "n_upper"]].max(axis=1).clip(lower=0).fillna(0.0)
    low = min(0.0, 1.1 * data[["value", "lower"]].min().min()) if len(data) else 0.0
    room = 1.05 + LETTER * max((len(text) for text in data["text"]), default=0)  # for the words at the end of a bar
    scale = alt.Scale(domain=[low, room * chart_parts.ceiling(data[["end"]])], nice=False)

    def draw() -> alt.LayerChart:
        base = alt.Chart(data).encode(y=alt.Y("name:N", sort=list(data["name"]), axis=chart_parts.names_axis(most)))
        tips = [alt.Tooltip("name:N", title=words.label(category)), alt.Tooltip("text:N", title=heading)]
        x = alt.X("value:Q", scale=scale, axis=chart_parts.numbers_axis(value))
        layers = [
            base.mark_bar(size=BAR).encode(x=x, color=alt.Color("colour:N", scale=None), tooltip=tips),
            base.mark_bar(size=BAR, opacity=0.35, color=MUTED).encode(x="n_lower:Q", x2="n_upper:Q", tooltip=tips),
            base.mark_text(align="left", dx=8, fontSize=TEXT, color=INK).encode(x="end:Q", text="text:N"),
            chart_parts.text(heading, y=-14, bold=True),
        ]
        if interval:
            layers.insert(2, base.mark_rule(color=INK, strokeWidth=2.5).encode(x="lower:Q", x2="upper:Q"))
        meaning = [("━", INK, interval)] if interval else []
        return alt.layer(*layers, *chart_parts.key(meaning, below=46)).properties(height=height)

    return chart_parts.picture(draw, _order_in_words(rows, value), height + (90 if interval else 60))


def _order_in_words(rows: pd.DataFrame, value: str) -> str:
    known = rows.dropna(subset="value").head(3)
    if known.empty:
        return f"{words.label(value)}: no figures to show."
    first = "; ".join(f"{name} {text}" for name, text in zip(known["name"], known["text"], strict=True))
    return f"Bars of {words.label(value).lower()}, highest first: {first}.".replace("\n", " ")


def weekday_hour(release: Release, *, value: str = "n") -> Picture:
    """When in the week? A square per hour; the stronger the colour, the more.

    release : one row per `weekday` (0 = Monday) and `hour` (0 to 23); an hour without a row has no figure.
    """
    cells = _week(release, value)
    top = cells["value"].max()
    missing = [("–", MUTED, chart_parts.NO_FIGURE)] if cells["value"].isna().any() else []

    def draw() -> alt.LayerChart:
        titles = {"day": "Day", "span": "Hour", "text": words.heading(value)}
        grid = alt.Chart(cells).encode(
            x=alt.X("hour:O", axis=_hours_axis(), scale=alt.Scale(paddingInner=0.06)),
            y=alt.Y("day:O", sort=list(WEEKDAYS), axis=chart_parts.names_axis(), scale=alt.Scale(paddingInner=0.06)),
            tooltip=[alt.Tooltip(f"{field}:N", title=title) for field, title in titles.items()],
        )
        legend = alt.Legend(
            title=words.heading(value),
            labelFontSize=TEXT,
            titleFontSize=TEXT,
            titleLimit=0,
            format=chart_parts.axis_format(value),
            gradientLength=220,
            tickCount=4,
            tickMinStep=1 if words.decimals(value) == 0 else alt.Undefined,
        )
        ramp = alt.Scale(domain=[0, top if top > 0 else 1.0], range=list(WEEK_RAMP))
        known = grid.transform_filter("isValid(datum.value)").mark_rect()
        none = grid.transform_filter("!isValid(datum.value)").mark_text(text="–", color=INK, fontSize=TEXT)
        squares = known.encode(color=alt.Color("value:Q", scale=ramp, legend=legend))
        return alt.layer(squares, none, *chart_parts.key(missing, below=44)).properties(height=280)

    return chart_parts.picture(draw, _week_in_words(cells), 350)


def _week(release: Release, value: str) -> pd.DataFrame:
    """All 168 hours of the week, Monday first, each with its words."""
    every = pd.MultiIndex.from_product([range(7), range(24)], names=["weekday", "hour"]).to_frame(index=False)
    held = chart_parts.told(release, value).join(release.table[["weekday", "hour"]])
    cells = every.merge(held, on=["weekday", "hour"], how="left")
    cells["day"] = [WEEKDAYS[d] for d in cells["weekday"]]
    cells["span"] = [f"{h:02d}:00 to {(h + 1) % 24:02d}:00" for h in cells["hour"]]
    cells["text"] = cells["text"].astype(object).fillna(MISSING)
    return cells[["day", "hour", "span", "value", "text"]]


def _hours_axis() -> alt.Axis:
    return alt.Axis(
        title=None,
        labelFontSize=TEXT,
        labelColor=INK,
        values=list(range(0, 24, 3)),
        labelExpr="pad(datum.label, 2, '0', 'left') + ':00'",
        labelAngle=0,
        labelPadding=6,
        ticks=False,
        domain=False,
    )


def _week_in_words(cells: pd.DataFrame) -> str:
    if not cells["value"].sum() > 0:
        return "Weekday by hour: no figures to show."
    peak = cells.loc[cells["value"].idxmax()]
    return f"Weekday by hour. Highest: {peak['day']} {peak['span']}, {peak['text']}."
