"""The lines and rules of control charts, for many series at once. A row is a point: one series at one time.

Points of all series stand one after another, so that a chart of 420 series costs little more than one of a long series.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

HALF_WIDTH = 2.66  # 3 / 1.128: three standard deviations from the mean moving range of two (Shewhart's d2)
NEAR = 2 / 3  # the near lines lie at two standard deviations
SCREEN = 3.267  # D4 of two: chance hardly ever makes a moving range so many times their mean (Nelson 1982)
FEWEST_POINTS = 13  # fewer give only provisional limits (Making Data Count asks for about so many)
BETTER = {"increase": 1, "decrease": -1, "neutral": 0}
LINES = ["centre", "lower", "upper", "near_lower", "near_upper"]
RULES = ["outside", "trend", "two_of_three", "run"]  # the first that holds names the point (NHSRplotthedots #180)
ROUNDING = 1e-12  # relative: a value this close to a line lies on it (a mean of equal numbers may miss them)


@dataclass(frozen=True)
class Points:
    """The known values of all series one after another: what each is, where it stands, and what it follows."""

    value: np.ndarray
    row: np.ndarray  # its row in the table
    group: np.ndarray  # its segment, counted from 0 over all series
    segment: np.ndarray  # its segment, counted from 1 in its own series
    place: np.ndarray  # its place in the segment, from 0
    follows: np.ndarray  # whether it comes right after the point before it, in the same segment


@dataclass(frozen=True)
class Reading:
    """How a chart is read: the settings that every chart shares."""

    run: int
    trend: int
    direction: str
    baseline: int | None

    def __post_init__(self):
        if self.run < 2 or self.trend < 2 or (self.baseline is not None and self.baseline < 2):
            raise ValueError("`run`, `trend` and `baseline` are at least 2 points.")
        if self.direction not in BETTER:
            raise ValueError("`direction` is `increase`, `decrease` or `neutral`.")

    def sets_limits(self, points: Points) -> np.ndarray:
        """Whether each point is one of those that set the limits of its segment."""
        return points.place < (np.inf if self.baseline is None else self.baseline)


def points_of(values, starts, split_at_gaps: bool, *, series=None, order=None) -> Points:
    """The points of one or many series.

    values : one per row, a missing one is a gap. series : a number per row; None: one series, its rows in the order
    of time or in `order`. starts : whether a named cause begins a new segment at the row.
    """
    series = np.zeros(len(values)) if series is None else series
    order = np.argsort(series, kind="stable") if order is None else order
    known = np.flatnonzero(np.isfinite(values[order]))
    row, causes = order[known], np.cumsum(starts[order])[known]
    same = np.diff(series[row], prepend=np.nan) == 0
    gap = np.diff(known, prepend=-1) > 1
    new = ~same | (np.diff(causes, prepend=0) > 0) | (gap & split_at_gaps)
    group, here = np.cumsum(new) - 1, np.arange(len(row))
    first = np.maximum.accumulate(np.where(same, 0, group))
    place = here - np.maximum.accumulate(np.where(new, here, 0))
    return Points(values[row], row, group, group - first + 1, place, ~new & ~gap)


def lines_of(centre, half, *, floor: float = -np.inf, ceiling: float = np.inf) -> dict[str, np.ndarray]:
    """Centre, limits and near lines, kept within what the value can be."""
    lines = [centre, centre - half, centre + half, centre - NEAR * half, centre + NEAR * half]
    return dict(zip(LINES, [np.clip(line, floor, ceiling) for line in lines], strict=True))


def individual_lines(points: Points, values, screen: bool, reading: Reading) -> dict[str, np.ndarray]:
    """Mean and 2.66 mean moving ranges of each segment, at each of its points."""
    used = reading.sets_limits(points)
    ranges, kept = np.abs(values - _before(values, 0)), used & points.follows
    if screen:
        usual = mean_of(points, ranges, kept)
        kept = kept & ((ranges < SCREEN * usual) | (usual == 0))
    return lines_of(mean_of(points, values, used), HALF_WIDTH * mean_of(points, ranges, kept))


def mean_of(points: Points, values, kept) -> np.ndarray:
    """Mean of the kept values of each segment, at each of its points; missing where none is kept."""
    groups, size = points.group[kept], points.group[-1] + 1 if len(points.group) else 0
    total, number = np.bincount(groups, values[kept], size), np.bincount(groups, minlength=size)
    return np.divide(total, number, out=np.full(size, np.nan), where=number > 0)[points.group]


def chart_of(points: Points, lines, reading: Reading, index: pd.Index, *, middle=None) -> pd.DataFrame:
    """The table of a chart, one row per row of the series; `middle` parts the sides where it is not the centre."""
    flags, way = _signals(points, lines, lines["centre"] if middle is None else middle, reading)
    rule = np.select([flags[name] for name in RULES], RULES, default="").astype(object)
    better = BETTER[reading.direction]
    meaning = np.where(better == 0, "neutral", np.where(way == better, "improvement", "concern"))
    few = np.bincount(points.group, reading.sets_limits(points))[points.group] < FEWEST_POINTS
    rows = len(index)
    columns = {name: placed(line, points, rows) for name, line in ({"value": points.value} | lines).items()}
    for name, flag in (flags | {"provisional": few}).items():
        columns[name] = pd.array(placed(flag, points, rows), dtype="boolean")
    for name, words in {"rule": rule, "signal": np.where(rule == "", "", meaning)}.items():
        columns[name] = pd.array(placed(words.astype(object), points, rows), dtype="str")
    columns["segment"] = pd.array(placed(points.segment, points, rows), dtype="Int64")
    shown = ["value", *LINES, "outside", "run", "trend", "two_of_three", "rule", "signal", "segment", "provisional"]
    table = pd.DataFrame(columns, index=index)[shown]
    table.loc[table["upper"].isna(), ["outside", "two_of_three"]] = pd.NA  # without limits, nobody knows
    return table


def placed(values: np.ndarray, points: Points, rows: int) -> np.ndarray:
    """The values of the points in the rows they came from; other rows missing."""
    column = np.full(rows, np.nan, dtype=object if values.dtype == object else float)
    column[points.row] = values
    return column


def starts_of(rebase, rows: int) -> np.ndarray:
    """Whether a named cause begins a new segment at each row; `rebase` as positions or a boolean column."""
    starts, given = np.zeros(rows, dtype=bool), pd.Series([] if rebase is None else rebase).convert_dtypes()
    if pd.api.types.is_bool_dtype(given):
        if len(given) != rows:
            raise ValueError("`rebase` is a column with one row for each value, or a list of positions.")
        return given.fillna(False).to_numpy(dtype=bool)
    places = given.to_numpy(dtype=int)
    if ((places < 0) | (places >= rows)).any():
        raise ValueError("Positions in `rebase` count rows from 0.")
    starts[places] = True
    return starts


def stretch(goes_on: np.ndarray) -> np.ndarray:
    """How long the unbroken stretch is that each point belongs to; `goes_on`: it continues that of the point before."""
    which = np.cumsum(~goes_on)
    return np.bincount(which)[which] if len(which) else which


def _signals(points: Points, lines, middle, reading: Reading) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Which rules hold at each point; and which way it says things went (1 up, -1 down)."""
    value, follows = points.value, points.follows
    slack = ROUNDING * np.maximum(np.abs(value), np.abs(middle))
    side = np.where(np.abs(value - middle) <= slack, 0, np.sign(value - middle))
    outside = (value > lines["upper"] + slack) | (value < lines["lower"] - slack)
    near = ~outside & ((value > lines["near_upper"] + slack) | (value < lines["near_lower"] - slack))
    comes = _long_steps(value, follows, reading.trend)
    goes = _after(comes, 0)
    trend = (comes != 0) | (goes != 0)
    run = (side != 0) & (stretch(follows & (side == _before(side, 0))) >= reading.run)
    way = np.where(trend & ~outside, np.where(goes != 0, goes, comes), side)  # a turning point belongs to what follows
    two_of_three = _two_of_three(near, side, follows)
    return {"outside": outside, "run": run, "trend": trend, "two_of_three": two_of_three}, way


def _long_steps(value, follows, trend: int) -> np.ndarray:
    """1 or -1 where the step to a point is one of enough in a row that all rise, or all fall; else 0."""
    step = np.where(follows, np.sign(value - _before(value, 0)), 0)
    return np.where(stretch(follows & (step == _before(step, 0))) >= trend - 1, step, 0)


def _two_of_three(near, side, follows) -> np.ndarray:
    """Near points that are two or three of three in a row on one side."""
    one, two = _before(side, 0), _before(_before(side, 0), 0)
    together = follows & _before(follows, False) & (side != 0) & (side == one) & (side == two)
    number = near.astype(int) + _before(near, False) + _before(_before(near, False), False)
    ends = together & (number >= 2)
    return near & (ends | _after(ends, False) | _after(_after(ends, False), False))


def _before(values: np.ndarray, first) -> np.ndarray:
    return np.concatenate([[first], values[:-1]]) if len(values) else values


def _after(values: np.ndarray, last) -> np.ndarray:
    return np.concatenate([values[1:], [last]]) if len(values) else values


def numbers(values) -> np.ndarray:
    return pd.Series(values).to_numpy(dtype=float, na_value=np.nan)


def index_of(values) -> pd.Index:
    return values.index if isinstance(values, pd.Series) else pd.RangeIndex(len(values))
