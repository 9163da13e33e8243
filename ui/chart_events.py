"""Events on charts of months: a dashed rule with its words above the plot, a band where it lasts. A row is an event."""

import itertools
import textwrap
from typing import NamedTuple

import altair as alt
import pandas as pd

from ui.chart_parts import EXPECTED, INK

NARROW = 700  # pixels of the narrowest plot on a laptop: labels placed by hand must fit this
MOST_TRIED = 6  # labels whose sides are tried in every combination
HALF = pd.Timedelta(days=15)


class Label(NamedTuple):
    """Where the words of one event stand, in pixels of the narrowest plot; `row` counts upwards from the plot."""

    date: pd.Timestamp
    lines: list[str]
    at: float  # its rule
    wide: float
    left: bool = False  # of its rule
    row: int = 0
    until: pd.Timestamp | None = None  # its last day, where it lasts

    @property
    def box(self) -> tuple[float, float]:
        return (self.at - self.wide, self.at) if self.left else (self.at, self.at + self.wide)

    def covers(self, other: "Label") -> bool:
        """Whether the other's rule would run through these words, were they lower."""
        return self.box[0] < other.at < self.box[1]

    def meets(self, other: "Label") -> bool:
        return self.box[0] < other.box[1] and other.box[0] < self.box[1]


def placed(events: pd.DataFrame | None, months: pd.DataFrame) -> list[Label]:
    """Labels that touch neither each other nor another event's rule, where that can be had."""
    if events is None or events.empty or months.empty:
        return []
    first, last = months["month"].min(), months["month"].max() + pd.offsets.MonthEnd()
    labels = []
    lasting = events["until"] if "until" in events else pd.Series(pd.NaT, events.index)
    inside = events["date"].le(last) & lasting.fillna(events["date"]).ge(first)
    for event in events.assign(until=lasting)[inside].sort_values("date").itertuples():
        begun = max(event.date, first)
        lines = textwrap.wrap(event.note, 26)
        at = NARROW * ((begun - first) / (last - first))
        until = None if pd.isna(event.until) else min(event.until, last)
        labels.append(Label(begun, lines, at, 7.6 * max(map(len, lines), default=0) + 14, until=until))
    return _stacked(_sided(labels))


def bands(placed: list[Label]) -> list[alt.Chart]:
    """The months that a lasting event covers, in grey beneath the lines."""
    spans = [(label.date.replace(day=1) - HALF, label.until.replace(day=1) + HALF) for label in placed if label.until]
    if not spans:
        return []
    rows = pd.DataFrame(spans, columns=["first", "last"])
    band = alt.Chart(rows).mark_rect(color=EXPECTED, opacity=0.5, clip=True)
    return [band.encode(x="first:T", x2="last:T", y=alt.value(0), y2=alt.value(alt.expr("height")))]


def _sided(labels: list[Label]) -> list[Label]:
    """The side of its rule each label stands on: inside the plot first, then not in each other's way."""
    if len(labels) > MOST_TRIED:
        return [label._replace(left=label.at + label.wide > NARROW) for label in labels]

    def trouble(sides: tuple[bool, ...]) -> tuple[float, int, int]:
        tried = [label._replace(left=side) for label, side in zip(labels, sides, strict=True)]
        out = sum(max(0.0, -t.box[0]) + max(0.0, t.box[1] - NARROW) for t in tried)
        return out, sum(a.covers(b) and b.covers(a) for a, b in itertools.combinations(tried, 2)), sum(sides)

    best = min(itertools.product((False, True), repeat=len(labels)), key=trouble)
    return [label._replace(left=side) for label, side in zip(labels, best, strict=True)]


def _stacked(labels: list[Label]) -> list[Label]:
    """Each label above those whose rule would run through it, and no two on top of each other."""
    out = list(labels)
    for _ in range(len(out) ** 2):
        before = list(out)
        for i, k in itertools.permutations(range(len(out)), 2):
            above = out[i].covers(out[k]) and not (out[k].covers(out[i]) and i > k)
            same = out[i].row == out[k].row and out[i].meets(out[k])
            if (above and out[i].row <= out[k].row) or (same and i > k and not out[k].covers(out[i])):
                out[i] = out[i]._replace(row=out[k].row + 1)
        if out == before:
            break
    return out


def _row_height(placed: list[Label]) -> int:
    return 16 * max(len(label.lines) for label in placed) + 6


def room(placed: list[Label]) -> int:
    return (1 + max(label.row for label in placed)) * _row_height(placed) + 8 if placed else 0


def marks(placed: list[Label]) -> list[alt.Chart]:
    """A dashed rule per event, with its words above the plot."""
    layers = []
    for label in placed:
        base = alt.Chart(pd.DataFrame({"date": [label.date], "text": ["\n".join(label.lines)]})).encode(x="date:T")
        top = alt.value(-(label.row + 1) * _row_height(placed))
        side = {"align": "right", "dx": -6} if label.left else {"align": "left", "dx": 6}
        rule = base.mark_rule(color=INK, strokeDash=[4, 3], strokeWidth=1.5)
        note = base.mark_text(baseline="top", fontSize=13, color=INK, lineBreak="\n", **side)
        layers += [rule.encode(y=top, y2=alt.value(alt.expr("height"))), note.encode(y=top, text="text:N")]
    return layers
