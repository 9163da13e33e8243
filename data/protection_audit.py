"""Shows that no count left out of a release can be worked back, and hides more where one could. A row is one cell.

The attacker is taken to know every interval, that cells add up over places, periods and kinds, how many records at most
lack a place or a kind, and the definitions. A count is safe once whole-number tables that agree with all of this have
been found, in one of which it is 0 and in another large enough. The search starts from the true table; more are sought
by linear programming, and integer programmes have the last word. Hiding only adds tables that agree: safe stays safe.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

ALL = "all"  # every record of a source, and the code of the whole area
SHOWN, BAND, HIDDEN, MISSING = "shown", "band", "hidden", "not supplied"
CELL = ["source", "measure", "area_level", "area_code", "period_type", "month"]  # what names a cell
NAME = ["source", "measure", "area_code", "period_type", "month"]  # the same: a code is a place of one level
TABLE = ["source", "measure", "area_level", "period_type"]  # a breakdown at one level
YEAR = "Y-MAR"  # financial years, which quarters add up to
NEAR = 1e-6  # a solution of a linear programme is whole, or a bound reached, within this
MOST_NODES = 1_000  # of an integer programme; what is not found by then counts as not safe (a clock would not repeat)


@dataclass
class System:
    """Counts that sums tie together, one position each: `sums @ counts = totals`, each between `lower` and `upper`.

    row : its row among the cells; -1 for a remainder that no table offers (knife offences of other kinds, say).
    small : below its threshold, so 0 must remain possible.
    listed : banded or hidden in a table that is offered, so 0 and at least `width` values must remain possible.
    low, high : its least and greatest value in the whole-number tables found so far.
    """

    sums: Any  # scipy.sparse.csc_array
    row: np.ndarray
    truth: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    small: np.ndarray
    listed: np.ndarray
    width: int
    totals: np.ndarray = field(init=False)
    low: np.ndarray = field(init=False)
    high: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.totals = self.sums @ self.truth
        self.low, self.high = self.truth.copy(), self.truth.copy()

    def above(self) -> np.ndarray:
        """Counts not yet seen to be possibly 0."""
        return (self.small | self.listed) & (self.low > 0)

    def narrow(self) -> np.ndarray:
        """Counts not yet seen to be possibly large enough."""
        return self.listed & (self.high < self.width - 1)

    def weak(self) -> np.ndarray:
        """Counts not yet known to be safe."""
        return self.above() | self.narrow()

    def enough(self, some: np.ndarray) -> np.ndarray:
        """Upper bounds, but for `some` no more than has to be possible, so that others get their share of a sum."""
        return np.where(some, np.minimum(self.upper, np.maximum(self.width - 1, self.truth)), self.upper)

    def accept(self, counts: np.ndarray | None) -> None:
        """Take note of a table if it is whole and agrees with every sum and interval exactly."""
        if counts is None:
            return
        whole = np.rint(counts)
        inside = (whole >= self.lower).all() and (whole <= self.upper).all()
        if inside and np.array_equal(self.sums @ whole, self.totals):
            self.low, self.high = np.minimum(self.low, whole), np.maximum(self.high, whole)


@dataclass
class Ledger:
    """What the release says of each cell while it is repaired, one position per cell.

    breakdown : number of its table (source, measure, level, period). loss : what hiding it costs.
    repairs : cells hidden so far, by breakdown. most : when there are more, the breakdown is left out.
    """

    status: np.ndarray
    offered: np.ndarray
    breakdown: np.ndarray
    loss: np.ndarray
    repairs: np.ndarray
    most: int


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
    narrowest : values that must remain possible for a banded or hidden count, 0 among them. For a count below its
        threshold in a table that is not offered, only 0 must remain possible.
    most_repairs : when a breakdown needs more hidden cells than this, it is left out at that level.
    previous : the table of the last snapshot; what was hidden then is hidden first.

    Returns the cells with `status`, `n_lower`, `n_upper` and `offered` changed, and the report: cells of each status,
    `repairs`, `share_hidden`, `minimum_width` (proven, at least), `not_safe`, `outside`, `left_out`.
    Misleads when the reader knows a count from elsewhere: that is no part of the attacker's knowledge.
    Source: Fischetti & Salazar-González (2001), Management Science 47(7), 1008-1027 (the attacker's programmes).
    """
    table = cells.reset_index(drop=True)
    breakdown = table.groupby(TABLE).ngroup().to_numpy()
    book = Ledger(
        status=table["status"].to_numpy(object, copy=True),
        offered=table["offered"].to_numpy(bool, copy=True),
        breakdown=breakdown,
        loss=_loss(table, previous),
        repairs=np.zeros(breakdown.max(initial=-1) + 1, dtype=int),
        most=most_repairs,
    )
    systems = _systems(table, links, narrowest)
    not_safe = sum(_secure(system, systems, book, table["threshold"].to_numpy()) for system in systems)
    hidden = book.status == HIDDEN
    left_out = table.loc[table["offered"] & ~book.offered, TABLE].drop_duplicates().assign(reason="too many repairs")
    lower, upper = table["n_lower"].mask(hidden, 0), table["n_upper"].mask(hidden, np.inf)
    table = table.assign(status=book.status, offered=book.offered, n_lower=lower, n_upper=upper)
    report = _counted(table[table["offered"]], systems)
    repairs = {"repairs": int(book.repairs.sum()), "left_out": left_out.to_dict("records")}
    return table, {**report, **repairs, "not_safe": int(not_safe), "narrowest": narrowest}


def publishable(report: dict) -> bool:
    """Whether the audit passed: nothing can be worked back, and every interval holds the truth."""
    wide_enough = report["minimum_width"] is None or report["minimum_width"] >= report["narrowest"]
    return wide_enough and report["not_safe"] == 0 and report["outside"] == 0


def _counted(kept: pd.DataFrame, systems: list[System]) -> dict:
    """The report's numbers: cells of each status, share hidden, the least proven width, intervals without the truth."""
    cells = {
        status.replace(" ", "_"): int(kept["status"].eq(status).sum()) for status in (SHOWN, BAND, HIDDEN, MISSING)
    }
    widths = np.concatenate([np.array([np.inf]), *[(s.high - s.low)[s.listed] + 1 for s in systems]])
    least = None if np.isinf(widths.min()) else int(widths.min())
    outside = kept["n"].notna() & ~kept["n"].between(kept["n_lower"], kept["n_upper"])
    share = round(cells[HIDDEN] / max(int(kept["n"].notna().sum()), 1), 4)
    return {"cells": len(kept), **cells, "share_hidden": share, "minimum_width": least, "outside": int(outside.sum())}


def _loss(table: pd.DataFrame, previous: pd.DataFrame | None) -> np.ndarray:
    """What hiding each cell costs: the number it shows times the people it is about; nothing if it was hidden before.

    Only what is displayed counts, never the true number, so that the choice tells nothing about it.
    """
    displayed = table["n_displayed"].fillna(table["threshold"] / 2).clip(lower=1)
    loss = displayed * table["population"].fillna(1).clip(lower=1)
    if previous is not None:
        before = pd.MultiIndex.from_frame(previous.loc[previous["status"].eq(HIDDEN), CELL])
        loss = loss.mask(pd.MultiIndex.from_frame(table[CELL]).isin(before), 0)
    return loss.to_numpy(float)


def _secure(system: System, systems: list[System], book: Ledger, threshold: np.ndarray) -> int:
    """Prove or repair each count of one system, the most sensitive first; returns how many could not be made safe."""
    order = np.argsort(np.where(system.row < 0, 0, -threshold[system.row]), kind="stable")
    lost = np.zeros(len(order), dtype=bool)
    _search(system)
    while (weak := order[(system.weak() & ~lost)[order]]).size:
        pins = _pins(system, weak[0])
        if pins is None:
            continue
        chosen = _choose(system, weak[0], pins, book)
        if chosen is None:
            lost[weak[0]] = True
        else:
            _hide(system, chosen, systems, book)
    return int((lost & system.weak()).sum())


def _choose(system: System, at: int, pins: np.ndarray, book: Ledger) -> int | None:
    """The least costly published count among those that pin the one at `at`: siblings first, itself last."""
    published = (system.row >= 0) & np.isfinite(system.upper)
    sums = system.sums.tocsr()[system.sums[:, [at]].indices]
    whole = sums[np.flatnonzero(sums[:, [at]].toarray().ravel() < 0)]  # the sums it is a part of
    sibling, tied, other = np.zeros_like(pins), np.zeros_like(pins), np.arange(len(pins)) != at
    sibling[whole.indices[whole.data < 0]], tied[sums.indices] = True, True
    for pool in (pins & sibling & other, pins & other, tied & other, ~other):
        candidates = np.flatnonzero(pool & published)
        if len(candidates):
            return int(candidates[np.argmin(book.loss[system.row[candidates]])])
    return None


def _hide(system: System, at: int, systems: list[System], book: Ledger) -> None:
    """Hide one cell; leave its whole breakdown out when that makes too many."""
    breakdown = book.breakdown[system.row[at]]
    book.status[system.row[at]] = HIDDEN
    book.repairs[breakdown] += 1
    system.lower[at], system.upper[at], system.listed[at] = 0, np.inf, True
    if book.repairs[breakdown] > book.most:
        book.offered[book.breakdown == breakdown] = False
        for each in systems:
            mine = (each.row >= 0) & (book.breakdown[each.row] == breakdown)
            each.lower[mine], each.upper[mine], each.listed[mine] = 0, np.inf, False


def _search(system: System) -> None:
    """Look for whole-number tables that settle many counts at once, until one settles nothing new."""
    for unsettled, sign in ((system.above, 1.0), (system.narrow, -1.0)):
        before = np.inf
        while 0 < (left := unsettled()).sum() < before:
            before = left.sum()
            upper, cost = system.enough(left), np.where(left, sign, 0.0)
            counts = _solved(system, np.ones(len(left), dtype=bool), cost, upper)[1]
            whole, torn = np.rint(counts), np.abs(counts - np.rint(counts)) > NEAR
            system.accept(_solved_near(system, whole, _beside(system, torn), cost, upper) if torn.any() else whole)


def _pins(system: System, at: int) -> np.ndarray | None:
    """Which counts' intervals pin the one at `at` (none known: all False); None when it turns out not to be pinned."""
    mine = np.arange(len(system.row)) == at
    aims, upper = (mine * 1.0, mine * -1.0), system.enough(mine)  # its least value, and its greatest
    around = _beside(system, _beside(system, _beside(system, mine)))
    for cost in aims:
        if system.weak()[at]:
            system.accept(_solved_near(system, system.truth, around, cost, upper))
    for cost, unsettled, needed in zip(aims, (system.above, system.narrow), (0, 1 - system.width), strict=True):
        for some in (around, np.ones_like(mine)):  # pinned by few sums is pinned by all; not pinned needs all
            if unsettled()[at]:
                least, counts, active = _solved(system, some, cost, upper)
                if np.ceil(least - NEAR) > needed:
                    return active
                system.accept(counts)
    for cost in aims:  # possible in fractions: the integer programme decides
        if system.weak()[at]:
            system.accept(_whole(system.sums, system.totals, cost, system.lower, upper))
    return np.zeros(len(system.row), dtype=bool) if system.weak()[at] else None


def _beside(system: System, some: np.ndarray) -> np.ndarray:
    """The counts that share a sum with `some`, and these."""
    sums = system.sums.tocsr()[np.unique(system.sums[:, some].indices)]
    return some | (np.diff(sums.tocsc().indptr) > 0)


def _solved(
    system: System, some: np.ndarray, cost: np.ndarray, upper: np.ndarray
) -> tuple[float, np.ndarray | None, np.ndarray]:
    """The linear programme: least `cost` over tables, whole or not, that agree with the intervals and sums of `some`.

    Returns the least cost, the table (None when `some` are not all), and which counts' intervals it hangs on.
    """
    from scipy.optimize import linprog

    inside = np.diff(system.sums[:, ~some].tocsr().indptr) == 0
    sums, bounds = system.sums[:, some].tocsr()[inside], np.column_stack([system.lower, upper])[some]
    solved = linprog(cost[some], A_eq=sums, b_eq=system.totals[inside], bounds=bounds, method="highs-ds")
    if solved.status != 0:
        raise RuntimeError(f"the audit's linear programme ended with status {solved.status}")
    active = np.zeros(len(some), dtype=bool)
    active[some] = np.abs(solved.lower.marginals) + np.abs(solved.upper.marginals) > NEAR
    return solved.fun, solved.x if some.all() else None, active


def _solved_near(
    system: System, counts: np.ndarray, free: np.ndarray, cost: np.ndarray, upper: np.ndarray
) -> np.ndarray | None:
    """The integer programme over the counts that are `free`, the others as in `counts`; None when no table is found."""
    touched = np.unique(system.sums[:, free].indices)
    sums = system.sums.tocsr()[touched].tocsc()
    totals = system.totals[touched] - sums[:, ~free] @ counts[~free]
    solved = _whole(sums[:, free], totals, cost[free], system.lower[free], upper[free])
    if solved is None:
        return None
    whole = counts.copy()
    whole[free] = solved
    return whole


def _whole(sums: Any, totals: np.ndarray, cost: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray | None:
    """The integer programme: least `cost` over whole-number tables; None when none is found."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    tie, bounds = LinearConstraint(sums, totals, totals), Bounds(lower, upper)
    options = {"node_limit": MOST_NODES}
    return milp(cost, integrality=np.ones(len(cost)), bounds=bounds, constraints=tie, options=options).x


def _systems(table: pd.DataFrame, links: pd.DataFrame | None, width: int) -> list[System]:
    """The cells that are supplied, split into systems that share no sum."""
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    held = table[table["status"].ne(MISSING)]
    sums, most = _equations(held.reset_index(drop=True), links)
    cells, counts = len(held), sums.shape[1]
    row = np.concatenate([held.index.to_numpy(), np.full(counts - cells, -1)])
    truth, lower, upper = np.zeros(counts), np.zeros(counts), np.full(counts, np.inf)
    truth[:cells] = held["n"]
    remainder = sums[:, cells:].tocoo()
    truth[cells + remainder.col] = (sums[:, :cells] @ truth[:cells])[remainder.row]
    lower[cells:] = np.minimum(truth[cells:], 0)  # below 0 where a part was counted larger than its whole
    upper[cells:] = np.maximum(truth[cells:], most)
    told = np.flatnonzero(held["offered"] & held["status"].isin([SHOWN, BAND]))
    lower[told], upper[told] = held["n_lower"].to_numpy(float)[told], held["n_upper"].to_numpy(float)[told]
    small, listed = np.zeros(counts, dtype=bool), np.zeros(counts, dtype=bool)
    small[:cells] = held["n"] < held["threshold"]
    listed[:cells] = held["offered"] & held["status"].isin([BAND, HIDDEN])
    label = connected_components(sparse.block_array([[None, sums], [sums.T, None]]), directed=False)[1][sums.shape[0] :]
    systems = []
    for one in np.unique(label[small | listed]):
        at = np.flatnonzero(label == one)
        mine = sums[:, at].tocsr()[np.unique(sums[:, at].indices)].tocsc()
        systems.append(System(mine, row[at], truth[at], lower[at], upper[at], small[at], listed[at], width))
    return systems


def _equations(cells: pd.DataFrame, links: pd.DataFrame | None) -> tuple[Any, np.ndarray]:
    """Every sum that holds between cells, one per row: +1 for the whole, -1 for each part.

    Columns after the cells' are remainders, whose greatest possible values come second.
    """
    from scipy import sparse

    names = pd.MultiIndex.from_frame(cells[NAME])

    def find(some: pd.DataFrame, **change: Any) -> np.ndarray:
        """Where the cells are that differ from `some` in this; -1 for none."""
        return names.get_indexer(pd.MultiIndex.from_frame(some[NAME].assign(**change)))

    entries = pd.concat([*_hierarchies(cells, find), *_flags(cells, find, links)], ignore_index=True)
    number = entries.groupby(["kind", "whole"]).ngroup()
    most = entries["most"].groupby(number).max().dropna()  # sums that have a remainder
    rows = np.concatenate([number, most.index])
    columns = np.concatenate([entries["count"], len(cells) + np.arange(len(most))])
    signs = np.concatenate([entries["sign"], np.full(len(most), -1)]).astype(float)
    return sparse.csc_array((signs, (rows, columns)), shape=(number.nunique(), len(cells) + len(most))), most.to_numpy()


def _entries(kind: str, whole: Any, count: Any, sign: int, most: Any = np.nan) -> pd.DataFrame:
    """Counts in sums, a row each; a sum is named by its kind and where its whole is; `most` its remainder can be."""
    rows = pd.DataFrame({"kind": kind, "whole": whole, "count": count, "sign": sign, "most": most})
    return rows[rows["whole"].ge(0) & rows["count"].ge(0)]


def _hierarchies(cells: pd.DataFrame, find: Callable[..., np.ndarray]) -> Iterator[pd.DataFrame]:
    """Quarters add up to the year, places to the place above, offence groups to all.

    But for records without a place or a group: no more than there are, of whatever kind (0 remains possible).
    """
    quarter, below = cells[cells["period_type"].eq("quarter")], cells[cells["parent"].notna()]
    group = cells[cells["kind"].eq("group") & cells["measure"].ne(ALL)]
    year = quarter["month"].dt.to_period(YEAR).dt.start_time
    for kind, some, whole in (
        ("time", quarter, find(quarter, period_type="financial_year", month=year)),
        ("place", below, find(below, area_code=below["parent"])),
        ("group", group, find(group, measure=ALL)),
    ):
        parts = _entries(kind, whole, some.index, -1)
        told = cells["n"].reindex(parts["count"]).groupby(parts["whole"].to_numpy()).sum()
        lacking = cells["n"].reindex(told.index) - told
        most = lacking.reindex(find(cells.loc[told.index], measure=ALL)).to_numpy()
        yield from (parts, _entries(kind, told.index, told.index, 1, np.where(most > 0, most, np.nan)))


def _flags(cells: pd.DataFrame, find: Callable[..., np.ndarray], links: pd.DataFrame | None) -> Iterator[pd.DataFrame]:
    """A flag is the groups inside it and a remainder; all is the flag, the groups outside it and a remainder."""
    flags = cells[cells["kind"].eq("flag") & cells["measure"].ne(ALL)]
    flags = flags[find(flags, measure=ALL) >= 0]
    for (source, flag), some in flags.groupby(["source", "measure"]):
        known = pd.DataFrame({"group": [], "inside": []})
        if links is not None:
            known = links[links["source"].eq(source) & links["flag"].eq(flag)]
        whole = some.index
        yield _entries(f"outside {flag}", whole, find(some, measure=ALL), 1, np.inf)
        yield _entries(f"outside {flag}", whole, whole, -1)
        if known["inside"].any():
            yield _entries(f"inside {flag}", whole, whole, 1, np.inf)
        for group, inside in zip(known["group"], known["inside"], strict=True):
            side = "inside" if inside else "outside"
            yield _entries(f"{side} {flag}", whole, find(some, measure=group), -1)
