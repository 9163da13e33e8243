"""The spine chart: many indicators of one area, each against a benchmark and its fellows. A row is an indicator."""

import altair as alt
import pandas as pd

from analytics.disclosure import Release
from ui import chart_parts, words
from ui.chart_parts import CATEGORICAL, GRID, INK, MAIN, MUTED, TEXT, WARN
from ui.picture import Picture

ROW, LINE = 34, 18  # pixels of a row of one line, of a further line
WRAP, LONG_WRAP, MANY = 34, 64, 14  # letters of a line; of many rows, so that most have one line
RIGHT = 2.55  # how far the plot reaches beyond the spine, for the numbers in words
COLOURS = {"better": MAIN, "worse": WARN, "higher": CATEGORICAL[3], "lower": CATEGORICAL[3], "similar": MUTED}
SEEN = {"better": "better", "worse": "worse", "higher": "higher or lower", "similar": "no clear difference"}
COLUMNS = ["at", "at_lower", "at_upper", "at_worst", "at_best", "at_low", "at_high"]


def spine(release: Release, *, beside: str) -> Picture:
    """On which indicators does an area differ from a benchmark, and where does it stand among the others?

    release : one row per indicator, as `spine.spine` answers, with `name`, `here_said` and `beside_said` in words;
    rows without a value or benchmark are not drawn. beside : what the benchmark is ("England").
    """
    rows = release.table.dropna(subset=["at"])
    data = (
        rows[COLUMNS]
        .astype(float)
        .assign(name=_names(rows), value=rows["here_said"], beside=rows["beside_said"], said=rows["against"])
    )
    data["colour"] = rows["against"].map(COLOURS).fillna("white")
    data["edge"] = rows["against"].map(COLOURS).fillna(MUTED)
    lines = max((name.count("\n") + 1 for name in data["name"]), default=1)
    height = max(1, len(data)) * (ROW + LINE * (lines - 1))

    def draw() -> alt.LayerChart:
        scale = alt.Scale(domain=[-1.06, RIGHT], nice=False)
        base = alt.Chart(data).encode(y=alt.Y("name:N", sort=list(data["name"]), axis=chart_parts.names_axis(lines)))
        x = alt.X("at_worst:Q", scale=scale, axis=None)
        tips = [
            alt.Tooltip(f"{c}:N", title=t) for c, t in (("name", "Indicator"), ("value", "Here"), ("beside", beside))
        ]
        dot = base.mark_point(filled=True, size=150, opacity=1, strokeWidth=2)
        dot = dot.encode(fill=alt.Color("colour:N", scale=None), stroke=alt.Color("edge:N", scale=None), tooltip=tips)
        words_at = [
            base.mark_text(align="left", fontSize=TEXT, color=INK).encode(x=alt.datum(at), text=f"{column}:N")
            for at, column in ((1.15, "value"), (2.1, "beside"))
        ]
        heads = pd.DataFrame({"at": [-1.0, 1.0, 1.15, 2.1], "text": ["worst", "best", "Here (95%)", beside]})
        heads["align"] = ["left", "right", "left", "left"]
        head = [
            alt.Chart(part)
            .mark_text(align=align, fontSize=TEXT, color=INK, fontWeight="bold", baseline="bottom")
            .encode(x=alt.X("at:Q", scale=scale), y=alt.value(-8), text="text:N")
            for align, part in heads.groupby("align")
        ]
        middle = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=INK, strokeWidth=2)
        return alt.layer(
            base.mark_bar(size=14, color=GRID).encode(x=x, x2="at_best:Q"),
            base.mark_bar(size=14, color=MUTED, opacity=0.45).encode(x=alt.X("at_low:Q"), x2="at_high:Q"),
            middle.encode(x="at:Q"),
            base.mark_rule(color=INK, strokeWidth=2).encode(x="at_lower:Q", x2="at_upper:Q"),
            dot.encode(x="at:Q"),
            *words_at,
            *head,
            *chart_parts.key(_key(set(rows["against"]), beside), below=22),
        ).properties(height=height)

    return chart_parts.picture(draw, _in_words(rows, beside), height + 80)


def _names(rows: pd.DataFrame) -> list[str]:
    """Names in lines; two indicators of one name are still two rows."""
    letters = WRAP if len(rows) < MANY else LONG_WRAP
    names = pd.Series([chart_parts.wrapped(name, letters) for name in rows["name"]], rows.index, dtype="object")
    again = names.groupby(names).cumcount()
    return [f"{name} ({k + 1})" if k else name for name, k in zip(names, again, strict=True)]


def _key(seen: set[str], beside: str) -> chart_parts.Key:
    drawn = [("●", COLOURS[c], SEEN[c]) for c in SEEN if c in seen or (c == "higher" and "lower" in seen)]
    drawn += [("○", MUTED, "no interval")] if "no interval" in seen else []
    return [*drawn, ("■", MUTED, "middle half of the authorities"), ("┃", INK, beside)]


def _in_words(rows: pd.DataFrame, beside: str) -> str:
    counts = rows["against"].value_counts()
    said = ", ".join(f"{n} {word}" for word, n in counts.items())
    return f"Spine chart of {words.count(len(rows), 'indicator')} against {beside}: {said}."
