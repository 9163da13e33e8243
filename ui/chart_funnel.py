"""The funnel: rates of areas against how many people live there, with the limits of chance. A row is an area."""

import math

import altair as alt
import pandas as pd

from analytics.disclosure import Release
from ui import chart_parts, words
from ui.chart_parts import INK, MAIN, MUTED, TEXT, WARN
from ui.picture import Picture

HEIGHT, PLOT = 420, 560  # pixels of the plot; the width on a laptop, for names that must not touch
LETTER, LINE = 8, 18  # pixels of a letter and of a line of names
NAMED = 12  # areas outside the inner limits that are named, those with most people first
LIMITS = ["lower_95", "upper_95", "lower_998", "upper_998"]
OUTSIDE = {"high_998": WARN, "high_95": WARN, "low_998": MAIN, "low_95": MAIN, "inside": MUTED}


def funnel(release: Release, *, per: str, highlight: str = "") -> Picture:
    """Which areas differ from all together by more than chance, given how many people live there?

    release : one row per area: name, population, rate, position, benchmark and the limits of `rates.funnel_limits`.
    per : what a rate is per ("per 1,000 residents"). highlight : the name of the area that the page is about.
    Misleads when most lie outside: then chance is not all that differs.
    """
    rows = release.table.dropna(subset=["rate", "position"])
    rows = rows[["name", "population", "rate", "position", "benchmark", *LIMITS]].sort_values("population")
    rows["colour"] = rows["position"].map(OUTSIDE)
    rows["said"] = [f"{words.number(r, 1)} {per}" for r in rows["rate"]]
    rows["people"] = rows["population"].map(words.number)
    top = 1.08 * max(rows["rate"].max(), rows["upper_95"].quantile(0.9)) if len(rows) else 1.0

    named = _named(rows, top, highlight)

    def draw() -> alt.LayerChart:
        x = alt.X("population:Q", axis=chart_parts.numbers_axis("population"), scale=alt.Scale(zero=False, nice=True))
        y = alt.Y("rate:Q", axis=chart_parts.numbers_axis("rate"), scale=alt.Scale(domain=[0, top], nice=False))
        base, lines = alt.Chart(rows), []
        for edge in LIMITS:
            dash = [6, 4] if edge.endswith("95") else [1, 0]
            line = base.transform_filter(f"datum.{edge} <= {top}").mark_line(
                color=MUTED, strokeWidth=1.5, strokeDash=dash
            )
            lines.append(line.encode(x=x, y=alt.Y(f"{edge}:Q", scale=alt.Scale(domain=[0, top], nice=False))))
        mean = base.mark_line(color=INK, strokeWidth=1.5).encode(x=x, y="benchmark:Q")
        titles = {"name": "Area", "said": "Rate", "people": words.label("population")}
        tips = [alt.Tooltip(f"{field}:N", title=title) for field, title in titles.items()]
        points = base.mark_point(filled=True, size=90, opacity=1).encode(
            x=x, y=y, color=alt.Color("colour:N", scale=None), tooltip=tips
        )
        names = alt.Chart(named).mark_text(align="left", dx=8, dy=-6, fontSize=TEXT, color=INK)
        return alt.layer(
            *lines,
            mean,
            points,
            names.encode(x=x, y=y, text="name:N"),
            chart_parts.text(f"Rate {per}, by {words.label('population').lower()}", y=-14, bold=True),
            *chart_parts.key(_key(), below=56),
        ).properties(height=HEIGHT)

    outside = int((rows["position"] != "inside").sum())
    alt_text = f"Funnel of {words.count(len(rows), 'area')}; {outside:,} lie outside the 95% limits."
    return chart_parts.picture(draw, alt_text, HEIGHT + 100)


def _named(rows: pd.DataFrame, top: float, highlight: str) -> pd.DataFrame:
    """The areas to name: the one the page is about, then those furthest outside, as far as names do not touch."""
    outside = rows[(rows["position"] != "inside") | (rows["name"] == highlight)]
    away = (outside["rate"] / outside["benchmark"]).where(outside["rate"] > 0).map(math.log).abs()
    order = away * outside["population"] ** 0.5 + 1e9 * (outside["name"] == highlight)
    wide = max(rows["population"].max() - rows["population"].min(), 1)
    taken: list[tuple] = []
    for at in order.sort_values(ascending=False).index:
        row = outside.loc[at]
        x = PLOT * (row["population"] - rows["population"].min()) / wide
        y, length = HEIGHT * row["rate"] / top, LETTER * len(row["name"])
        if len(taken) < NAMED and not any(abs(y - b) < LINE and x < a + w and a < x + length for a, b, w, _ in taken):
            taken.append((x, y, length, at))
    return outside.loc[[at for *_, at in taken]]


def _key() -> chart_parts.Key:
    return [
        ("●", WARN, "above 95% limit"),
        ("●", MAIN, "below"),
        ("┅", MUTED, "95% limits"),
        ("━", MUTED, "99.8% limits"),
        ("━", INK, "all together"),
    ]


def ranks(table: pd.DataFrame) -> pd.Series:
    """Ranks with their intervals in words: "3 (2 to 5)"."""
    low, high = (table[c].astype("Int64").astype("str") for c in ("rank_lower", "rank_upper"))
    return table["rank"].astype("Int64").astype("str") + " (" + low + " to " + high + ")"


def interval(table: pd.DataFrame) -> pd.Series:
    """The 95% interval of each rate in words: "57.1 to 59.0"."""
    low, high = (table[c].map(lambda v: words.number(v, 1)) for c in ("lower", "upper"))
    return low + " to " + high
