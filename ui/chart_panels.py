"""Small multiples: one small panel per place, all in one picture, so that it fits any width. A row is one panel."""

import math
from collections.abc import Mapping

import altair as alt
import pandas as pd

from analytics.disclosure import BAND, Release
from ui import chart_control, chart_parts, words
from ui.chart_parts import GRID, HATCH, INK, MAIN, MUTED, TEXT
from ui.picture import Picture

PANEL = 170  # pixels high
LEFT, WIDE, LOW, TALL = 0.05, 0.84, 0.18, 0.50  # the plot inside a panel, as shares of the panel
EDGES = ("centre", "lower", "upper")
LETTERS = 110  # of a name that fit side by side in one row of panels
ROUNDED = 4  # decimals of a place in the picture: a ten thousandth of a panel


def small_multiples(
    release: Release,
    *,
    value: str = "n",
    by: str = "authority_name",
    labels: Mapping[str, str] | None = None,
    shared_scale: bool = True,
    control: bool = False,
) -> Picture:
    """How does each place change? One small panel each, in the order of the release.

    release : one row per `month` and `by`.
    shared_scale : the same scale everywhere, to compare sizes; otherwise each its own, to compare shapes.
    control : the release is a control chart (the columns of `spc.xmr_many`): limits and signals are drawn.
    """
    months = chart_parts.monthly(release, value, by, labels)
    if control:
        months = _with_limits(months, release.table, by, labels)
    names = list(dict.fromkeys(months["series"]))
    columns = next(c for most, c in ((1, 1), (4, 2), (6, 3), (math.inf, 5)) if len(names) <= most)
    rows = max(1, math.ceil(len(names) / columns))
    panels = _panels(months, names, columns, rows, shared_scale, value)
    placed = _in_panels(months, panels)
    own = "" if shared_scale else ", which is each panel's own"
    heading = f"{words.heading(value)} each month, from 0 to the figure on the upper line{own}"

    def draw() -> alt.LayerChart:
        x = alt.X("left:Q", axis=None, scale=alt.Scale(domain=[0, columns], nice=False))
        y = alt.Y("ceiling:Q", axis=None, scale=alt.Scale(domain=[0, rows], nice=False))
        layers = [
            *_frames(panels, x, y),
            *(_limits(placed) if control else []),
            *_lines(placed, value, by),
            *(_signals(placed) if control else []),
            chart_parts.text(heading, y=-10),
            *chart_parts.key(chart_parts.key_of_missing(months) + (_key(placed) if control else []), below=12),
        ]
        return alt.layer(*layers).properties(height=PANEL * rows)

    scale = "the same scale in all" if shared_scale else "each with its own scale"
    alt_text = f"{words.count(len(names), 'small line chart')}, {scale}. {chart_parts.months_in_words(months, value)}"
    return chart_parts.picture(draw, alt_text, PANEL * rows + 60)


def _panels(months: pd.DataFrame, names: list[str], columns: int, rows: int, shared: bool, value: str) -> pd.DataFrame:
    """One row per panel: its corners, its scale and the words around it."""
    own = months.groupby("series")[["value", "n_upper"]].max().max(axis=1).reindex(names)
    top = pd.Series(own.max(), own.index) if shared else own
    panels = pd.DataFrame({"series": names, "top": top.fillna(1.0).replace(0.0, 1.0).to_numpy()})
    place = panels.index.to_series()
    return panels.assign(
        scale=[words.figure(value, v) for v in panels["top"]],
        name=[chart_parts.wrapped(name, LETTERS // columns) for name in names],
        left=place % columns + LEFT,
        right=place % columns + LEFT + WIDE,
        base=rows - 1 - place // columns + LOW,
        ceiling=rows - 1 - place // columns + LOW + TALL,
        head=rows - 1 - place // columns + LOW + TALL + 0.09,
        foot=rows - 1 - place // columns + 0.08,
        first=words.month(months["month"].min()),
        last=words.month(months["month"].max()),
    )


def _in_panels(months: pd.DataFrame, panels: pd.DataFrame) -> pd.DataFrame:
    """Months with their place in the picture; `alone` has no figure before or after it, so no line reaches it."""
    rows = months.merge(panels, on="series")
    steps = rows["month"].dt.year * 12 + rows["month"].dt.month
    step = WIDE / max(1, steps.max() - steps.min()) if len(rows) else WIDE
    rows["px"] = rows["left"] + step * (steps - steps.min())
    rows["from"], rows["to"] = (
        (rows["px"] - step / 2).clip(lower=rows["left"]),
        (rows["px"] + step / 2).clip(upper=rows["right"]),
    )
    for source, target in (("value", "py"), ("n_lower", "plow"), ("n_upper", "phigh")):
        rows[target] = rows["base"] + TALL * rows[source] / rows["top"]
    value = rows.groupby("series")["value"]
    return rows.assign(alone=value.shift(1).isna() & value.shift(-1).isna() & rows["value"].notna())


def _frames(panels: pd.DataFrame, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """The lines and words around each panel."""
    frame, small = alt.Chart(panels), {"fontSize": TEXT - 2, "color": INK}
    name = {"fontSize": TEXT, "fontWeight": "bold", "baseline": "line-bottom", "lineBreak": "\n", "color": INK}
    return [
        frame.mark_rule(color=GRID).encode(x=x, x2="right:Q", y=y),
        frame.mark_rule(color=HATCH).encode(x="left:Q", x2="right:Q", y="base:Q"),
        frame.mark_text(align="left", **name).encode(x="left:Q", y="head:Q", text="name:N"),
        frame.mark_text(align="right", baseline="bottom", dy=-2, **small).encode(
            x="right:Q", y="ceiling:Q", text="scale:N"
        ),
        frame.mark_text(align="left", **small).encode(x="left:Q", y="foot:Q", text="first:N"),
        frame.mark_text(align="right", **small).encode(x="right:Q", y="foot:Q", text="last:N"),
    ]


def _with_limits(months: pd.DataFrame, table: pd.DataFrame, by: str, labels: Mapping[str, str] | None) -> pd.DataFrame:
    """Months with `centre`, `lower`, `upper`, `signal` of their control charts."""
    limits = table[["month", "centre", "lower", "upper", "signal", "segment"]].assign(
        month=pd.to_datetime(table["month"])
    )
    limits["series"] = [words.value(by, code, labels) for code in table[by]]
    return months.merge(limits.assign(lower=limits["lower"].clip(lower=0)), on=["series", "month"], how="left")


def _limits(placed: pd.DataFrame) -> list[alt.Chart]:
    """Centre and limits of each panel, cut where the panel's scale ends."""
    rows = placed.assign(
        **{f"p{edge}": placed["base"] + TALL * (placed[edge] / placed["top"]).clip(upper=1) for edge in EDGES}
    )
    sent = rows[["series", "segment", "px", *(f"p{edge}" for edge in EDGES)]].round(ROUNDED)
    line = alt.Chart(sent).encode(x="px:Q", detail=["series:N", "segment:N"])
    thin = {"strokeWidth": 1, "color": MUTED, **chart_parts.BROKEN}
    return [
        line.mark_line(**thin, strokeDash=[4, 3]).encode(y="pcentre:Q"),
        *(line.mark_line(**thin).encode(y=f"p{edge}:Q") for edge in ("lower", "upper")),
    ]


def _signals(placed: pd.DataFrame) -> list[alt.Chart]:
    """The points that chance does not explain."""
    flagged = placed[placed["signal"].isin(list(chart_control.SIGNALS)) & placed["value"].notna()]
    told = flagged.assign(colour=flagged["signal"].map(chart_control.SIGNALS))
    points = alt.Chart(told[["px", "py", "colour"]]).mark_point(filled=True, size=44, opacity=1)
    return [points.encode(x="px:Q", y="py:Q", color=alt.Color("colour:N", scale=None))]


def _key(placed: pd.DataFrame) -> chart_parts.Key:
    return chart_control.key(placed)


def _lines(placed: pd.DataFrame, value: str, by: str) -> list[alt.Chart]:
    """The line of each panel, its gaps in grey, and small numbers as a range."""
    titles = {"series": words.label(by), "when": "Month", "text": words.label(value)}
    tips = [alt.Tooltip(f"{field}:N", title=title) for field, title in titles.items()]
    where = ["px", "py", "from", "to", "base", "ceiling", "plow", "phigh"]
    sent = placed[[*titles, "month", "value", *where]].round(ROUNDED)
    points, alone = (
        alt.Chart(sent[[*titles, "month", "value", "px", "py"]]),
        alt.Chart(sent.loc[placed["alone"], ["px", "py"]]),
    )
    gone = alt.Chart(sent[placed["value"].isna() & placed["status"].ne(BAND)])
    small = alt.Chart(sent[placed["n_upper"].notna()])
    return [
        gone.mark_rect(color=HATCH, opacity=0.3).encode(
            x="from:Q", x2="to:Q", y="base:Q", y2="ceiling:Q", tooltip=tips
        ),
        small.mark_rule(strokeWidth=3, opacity=0.5, color=MAIN).encode(
            x="px:Q", y="plow:Q", y2="phigh:Q", tooltip=tips
        ),
        points.mark_line(strokeWidth=2, color=MAIN, **chart_parts.BROKEN).encode(x="px:Q", y="py:Q", detail="series:N"),
        alone.mark_point(filled=True, size=18, color=MAIN, opacity=1).encode(x="px:Q", y="py:Q"),
        points.mark_point(filled=True, size=160, opacity=0).encode(x="px:Q", y="py:Q", tooltip=tips),
    ]
