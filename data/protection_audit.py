"""Shows that no count left out of a release can be worked back, and hides more where one could. A row is one cell.

The attacker is taken to know every interval, that cells add up over places, periods and kinds, how many records lack a
place or a kind, and the definitions. A count is safe once whole-number tables that agree with all of this have been found
in which it is far enough apart. The true table is the first of them; more are sought by linear programming, and the last
word is an integer programme. Hiding only adds tables that agree, so what is safe stays safe.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

ALL = "all"  # every record of a source, and the code of the whole area
SHOWN, BAND, HIDDEN, MISSING = "shown", "band", "hidden", "not supplied"
CELL = ["source", "measure", "area_level", "area_code", "period_type", "month"]  # what names a cell
TABLE = ["source", "measure", "area_level", "period_type"]  # a breakdown at one level
NAME = ["source", "measure", "area_code", "period_type", "month"]  # a place's code is its own at every level
NEAR = 1e-6  # a solution of the linear programme is whole, or a bound reached, within this


@dataclass
class System:
    """Counts that sums tie together, one position each: `sums @ counts = totals`, each between `lower` and `upper`.

    row : its row among the cells; -1 for a remainder that no table offers (knife offences of other kinds, say).
    low, high : its least and greatest value in the whole-number tables found so far.
    small : it must be possible that it is 0. wide : at least `width` values must remain possible.
    """

    sums: object
    row: np.ndarray
    truth: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    small: np.ndarray
    wide: np.ndarray
    width: int
    totals: np.ndarray = field(init=False)
    low: np.ndarray = field(init=False)
    high: np.ndarray = field(init=False)

    def __post_init__(self):
        self.totals = self.sums @ self.truth
        self.low, self.high = self.truth.copy(), self.truth.copy()

    def above(self) -> np.ndarray:
        """Counts not yet seen to be possibly 0."""
        return self.small & (self.low > 0)

    def narrow(self) -> np.ndarray:
        """Counts not yet seen to have enough possible values."""
        return self.wide & (self.high - self.low < self.width - 1)

    def accept(self, counts: np.ndarray) -> bool:
        """Take note of a table if it is whole, and agrees with every sum and interval exactly."""
        whole = np.rint(counts)
        agrees = np.array_equal(self.sums @ whole, self.totals)
        if agrees and (whole >= self.lower).all() and (whole <= self.upper).all():
            self.low, self.high = np.minimum(self.low, whole), np.maximum(self.high, whole)
            return True
        return False


def audit_and_repair(
    cells: pd.DataFrame,
    links: pd.DataFrame | None = None,
    *,
    narrowest: int = 5,
    most_repairs: int = 200,
    previous: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, dict]:
    """Hide cells until nobody can work back a banded or hidden count; say what it took.

    cells : as from `protection.secondary`: every cell that counts add up from, offered or not, with the true `n`.
    links : offence groups wholly inside or outside a flag, as from `protection.links`.
    narrowest : values that must remain possible for a banded or hidden count. A count below its threshold must also remain
        possibly 0, in the tables that are not offered too (there, how many values remain is not asked).
    most_repairs : when one table (source, measure, level, period) needs more hidden cells than this, it is left out.
    previous : the table of the last snapshot; what was hidden then is hidden first.

    Returns the cells with `status`, `n_lower`, `n_upper` and `offered` changed, and the report: cells of each status,
    `repairs`, `share_hidden`, `minimum_width` (proven, at least), `not_safe`, `outside`, `left_out`.
    Misleads when the reader knows a count from elsewhere: that is not part of the attacker's knowledge.
    Source: Fischetti & Salazar-Gonzalez (2001), Management Science 47(7), 1008-1027 (the attacker's programme).
    """
    table = cells.reset_index(drop=True)
    blank = pd.DataFrame(columns=["source", "flag", "group", "inside"])
    systems = _systems(table, blank if links is None else links, narrowest)
    loss = _loss(table, previous)
    repairs, left_out, stuck = [], [], 0
    for system in systems:
        stuck += _secure(system, systems, table, loss, most_repairs, repairs, left_out)
    return table, _report(table, systems, repairs, left_out, stuck, narrowest)


def publishable(report: dict) -> bool:
    """Whether the audit passed: nothing can be worked back, and every interval holds the truth."""
    enough = report["minimum_width"] is None or report["minimum_width"] >= report["narrowest"]
    return report["not_safe"] == 0 and report["outside"] == 0 and enough


def _secure(system, systems, table, loss, most_repairs, repairs, left_out) -> int:
    """Prove or repair each count of one system, the most sensitive first; returns how many could not be made safe."""
    threshold = np.where(system.row < 0, 0, table["threshold"].to_numpy()[system.row])
    order = np.argsort(-threshold, kind="stable")
    lost = np.zeros(len(order), dtype=bool)
    while True:
        _search(system)
        weak = order[((system.above() | system.narrow()) & ~lost)[order]]
        if not len(weak):
            return int(lost.sum())
        pins = _pins(system, weak[0])
        if pins is None:
            continue
        chosen = _choose(system, weak[0], pins, table, loss)
        if chosen is None:
            lost[weak[0]] = True
        else:
            repairs.append(_hide(system, chosen, table))
            _leave_out(systems, table, repairs, left_out, most_repairs)


def _hide(system, at, table):
    row = system.row[at]
    ...
