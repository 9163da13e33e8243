"""Shows that no count left out of a release can be worked back, and hides more where one could. A row is one cell.

The attacker is taken to know every interval, that cells add up over places, periods and kinds, how many records lack a
place or a kind, and the definitions. A count is safe once whole-number tables that agree with all of this have been found
in which it is far enough apart. The true table is the first of them; more are sought by linear programming, and the last
word is an integer programme. Hiding only adds tables that agree, so what is safe stays safe.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

ALL = "all"  # every record of a source, and the code of the whole area
SHOWN, BAND, HIDDEN, MISSING = "shown", "band", "hidden", "not supplied"
CELL = ["source", "measure", "area_level", "area_code", "period_type", "month"]  # what names a cell
TABLE = ["source", "measure", "area_level", "period_type"]  # a breakdown at one level
YEAR = "Y-MAR"  # financial years, which quarters add up to
NAME = ["source", "measure", "area_code", "period_type", "month"]  # the same, as a code is one place at one level
NEAR = 1e-6  # a solution of a linear programme is whole, or a bound reached, within this


@dataclass
class System:
    """Counts that sums tie together, one position each: `sums @ counts = totals`, each between `lower` and `upper`.

    row : its row among the cells; -1 for a remainder that no table offers (knife offences of other kinds, say).
    low, high : its least and greatest value in the whole-number tables found so far.
    small : it must be possible that it is 0. wide : at least `width` values must remain possible.
    """

    sums: Any  # scipy.sparse.csc_array, equations in rows
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

    def weak(self) -> np.ndarray:
        """Counts not yet known to be safe."""
        return self.above() | self.narrow()

    def accept(self, counts: np.ndarray | None) -> bool:
        """Take note of a table if it is whole and agrees with every sum and interval exactly."""
        if counts is None:
            return False
        whole = np.rint(counts)
        inside = (whole >= self.lower).all() and (whole <= self.upper).all()
        if not inside or not np.array_equal(self.sums @ whole, self.totals):
            return False
        self.low, self.high = np.minimum(self.low, whole), np.maximum(self.high, whole)
        return True


@dataclass
class Ledger:
    """What the release says of each cell while it is repaired, one position per cell.

    breakdown : number of its table (source, measure, level, period). loss : what hiding it costs.
    repairs : cells hidden so far, by breakdown. most : so many, then the breakdown is left out.
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
    narrowest : values that must remain possible for a banded or hidden count. A count below its threshold must also remain
        possibly 0, in tables that are not offered too (how many values remain there is not asked).
    most_repairs : when a breakdown needs more hidden cells than this, it is left out at that level.
    previous : the table of the last snapshot; what was hidden then is hidden first.

    Returns the cells with `status`, `n_lower`, `n_upper` and `offered` changed, and the report: cells of each status,
    `repairs`, `share_hidden`, `minimum_width` (proven, at least), `not_safe`, `outside`, `left_out`.
    Misleads when the reader knows a count from elsewhere: that is no part of the attacker's knowledge.
    Source: Fischetti & Salazar-González (2001), Management Science 47(7), 1008-1027 (the attacker's programmes).
    """
    table = cells.reset_index(drop=True)
    breakdown = table.groupby(TABLE, sort=True).ngroup().to_numpy()
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
    lower, upper = table["n_lower"].mask(hidden, 0), table["n_upper"].mask(hidden, np.inf)
    left_out = table.loc[table["offered"] & ~book.offered, TABLE].drop_duplicates()
    table = table.assign(status=book.status, offered=book.offered, n_lower=lower, n_upper=upper)
    return table, _report(table, systems, book, left_out, not_safe, narrowest)


def publishable(report: dict) -> bool:
    """Whether the audit passed: nothing can be worked back, and every interval holds the truth."""
    wide_enough = report["minimum_width"] is None or report["minimum_width"] >= report["narrowest"]
    return wide_enough and report["not_safe"] == 0 and report["outside"] == 0


def _report(table, systems, book, left_out, not_safe, narrowest) -> dict:
    kept = table[table["offered"]]
    count = kept["status"].value_counts()
    widths = [(s.high - s.low)[s.wide] + 1 for s in systems]
    least = min((int(w.min()) for w in widths if len(w)), default=None)
    known = kept["n"].notna()
    outside = known & ~kept["n"].between(kept["n_lower"], kept["n_upper"])
    cells = {status.replace(" ", "_"): int(count.get(status, 0)) for status in (SHOWN, BAND, HIDDEN, MISSING)}
    return {
        "cells": len(kept),
        **cells,
        "repairs": int(book.repairs.sum()),
        "share_hidden": round(cells[HIDDEN] / max(int(known.sum()), 1), 4),
        "minimum_width": least,
        "narrowest": narrowest,
        "not_safe": int(not_safe),
        "outside": int(outside.sum()),
        "left_out": left_out.assign(reason="too many repairs").to_dict("records"),
    }


def _loss(table: pd.DataFrame, previous: pd.DataFrame | None) -> np.ndarray:
    """What hiding each cell costs: the number it shows times the people it is about; next to nothing if hidden before.

    Only what is displayed counts, never the true number, so that the choice tells nothing about it.
    """
    displayed = table["n_displayed"].fillna(table["threshold"] / 2).clip(lower=1)
    loss = displayed * table["population"].fillna(1).clip(lower=1)
    if previous is not None:
        gone = previous.loc[previous["status"].eq(HIDDEN), CELL]
        before = pd.MultiIndex.from_frame(table[CELL]).isin(pd.MultiIndex.from_frame(gone))
        loss = loss.mask(before, 0)
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
    return int(lost.sum())


def _choose(system: System, at: int, pins: np.ndarray, book: Ledger) -> int | None:
    """The least costly published count whose interval pins the one at `at`: siblings first, itself last."""
    published = (system.row >= 0) & np.isfinite(system.upper)
    sums = system.sums.tocsr()[system.sums[:, [at]].indices]
    tied, part = np.zeros(len(pins), dtype=bool), np.zeros(len(pins), dtype=bool)
    tied[sums.indices] = True
    as_part = sums[np.flatnonzero(sums[:, [at]].toarray().ravel() < 0)]
    part[as_part.indices[as_part.data < 0]] = True
    alone = np.arange(len(pins)) == at
    for pool in (pins & part & ~alone, pins & ~alone, tied & ~alone, alone):
        open_to = np.flatnonzero(pool & published)
        if len(open_to):
            return int(open_to[np.argmin(book.loss[system.row[open_to]])])
    return None


def _hide(system: System, at: int, systems: list[System], book: Ledger) -> None:
    """Hide one cell; leave its whole breakdown out when that makes too many."""
    row = system.row[at]
    breakdown = book.breakdown[row]
    book.status[row] = HIDDEN
    book.repairs[breakdown] += 1
    system.lower[at], system.upper[at], system.wide[at] = 0, np.inf, True
    if book.repairs[breakdown] <= book.most:
        return
    book.offered[book.breakdown == breakdown] = False
    for each in systems:
        mine = (each.row >= 0) & (book.breakdown[each.row] == breakdown)
        each.lower[mine], each.upper[mine], each.wide[mine] = 0, np.inf, False


def _search(system: System) -> None:
    """Look for whole-number tables that settle many counts at once, until one settles nothing new."""
    for unsettled, sign in ((system.above, 1.0), (system.narrow, -1.0)):
        before = np.inf
        while 0 < (left := unsettled()).sum() < before:
            before = left.sum()
            enough = np.maximum(system.low + system.width - 1, system.truth)
            upper = np.where(left, np.minimum(system.upper, enough), system.upper) if sign < 0 else system.upper
            cost = np.where(left, sign, 0.0)
            system.accept(_mended(system, _solved(system, cost, upper).x, cost, upper))


def _pins(system: System, at: int) -> np.ndarray | None:
    """Which counts' intervals pin the one at `at` (none known: all False); None when it turns out not to be pinned."""
    aims = {
        sign: np.where(np.arange(len(system.row)) == at, sign, 0.0) for sign in (1.0, -1.0)
    }  # least, greatest value
    around = _beside(system, _beside(system, aims[1.0] > 0))
    for cost in aims.values():
        if system.weak()[at]:
            system.accept(_solved_near(system, system.truth, around, cost, system.upper))
    small, pins, ends = system.small[at], np.zeros(len(system.row), dtype=bool), {}
    for sign in (1.0, -1.0) if small else (-1.0, 1.0):
        if not system.weak()[at]:
            return None
        solved = _solved(system, aims[sign], system.upper)
        system.accept(solved.x)
        ends[sign] = sign * np.ceil(solved.fun - NEAR)
        active = np.abs(np.column_stack([solved.lower.marginals, solved.upper.marginals])).max(axis=1) > NEAR
        pins = active if small else pins | active
        if (small and ends[1.0] > 0) or (len(ends) == 2 and ends[-1.0] - ends[1.0] < system.width - 1):
            return pins
    for cost in aims.values():  # possible in fractions: the integer programme decides
        if system.weak()[at]:
            system.accept(_whole(system.sums, system.totals, cost, system.lower, system.upper))
    return np.zeros_like(pins) if system.weak()[at] else None


def _beside(system: System, some: np.ndarray) -> np.ndarray:
    """The counts that share a sum with `some`, and these."""
    sums = system.sums.tocsr()[np.unique(system.sums[:, some].indices)]
    return some | (np.diff(sums.tocsc().indptr) > 0)


def _solved(system: System, cost: np.ndarray, upper: np.ndarray) -> Any:
    """The linear programme: least `cost` over all tables, whole or not, that agree with sums and intervals."""
    from scipy.optimize import linprog

    bounds = np.column_stack([system.lower, upper])
    solved = linprog(cost, A_eq=system.sums, b_eq=system.totals, bounds=bounds, method="highs-ds")
    if solved.status != 0:
        raise RuntimeError(f"the audit's linear programme ended with status {solved.status}")
    return solved


def _solved_near(system: System, counts: np.ndarray, free: np.ndarray, cost: np.ndarray, upper: np.ndarray):
    """The integer programme over the counts that are `free`, the others as in `counts`; None when there is no table."""
    touched = np.unique(system.sums[:, free].indices)
    sums = system.sums.tocsr()[touched].tocsc()
    totals = system.totals[touched] - sums[:, ~free] @ counts[~free]
    solved = _whole(sums[:, free], totals, cost[free], system.lower[free], upper[free])
    if solved is None:
        return None
    whole = counts.copy()
    whole[free] = solved
    return whole


def _whole(sums, totals, cost, lower, upper) -> np.ndarray | None:
    """The integer programme: least `cost` over whole-number tables; None when there is none."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    tie = LinearConstraint(sums, totals, totals)
    return milp(cost, integrality=np.ones(len(cost)), bounds=Bounds(lower, upper), constraints=tie).x


def _mended(system: System, counts: np.ndarray, cost: np.ndarray, upper: np.ndarray) -> np.ndarray | None:
    """A table made whole: what is fractional, and what shares a sum with it, is solved again in whole numbers."""
    whole = np.rint(counts)
    torn = np.abs(counts - whole) > NEAR
    return _solved_near(system, whole, _beside(system, torn), cost, upper) if torn.any() else whole


def _systems(table: pd.DataFrame, links: pd.DataFrame | None, width: int) -> list[System]:
    """The cells that are supplied, split into systems that share no sum."""
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    held = table[table["status"].ne(MISSING)]
    sums, most = _equations(held, links)
    cells, counts = len(held), sums.shape[1]
    row = np.concatenate([held.index.to_numpy(), np.full(counts - cells, -1)])
    truth, lower, upper = np.zeros(counts), np.zeros(counts), np.append(np.full(cells, np.inf), most)
    truth[:cells] = held["n"]
    remainder = sums[:, cells:].tocoo()
    truth[cells + remainder.col] = (sums[:, :cells] @ truth[:cells])[remainder.row]
    told = np.flatnonzero(held["offered"] & held["status"].isin([SHOWN, BAND]))
    lower[told], upper[told] = held["n_lower"].to_numpy(float)[told], held["n_upper"].to_numpy(float)[told]
    small, wide = np.zeros(counts, dtype=bool), np.zeros(counts, dtype=bool)
    small[:cells] = held["n"] < held["threshold"]
    wide[:cells] = held["offered"] & held["status"].isin([BAND, HIDDEN])
    both = sparse.block_array([[None, sums], [sums.T, None]])
    label = connected_components(both, directed=False)[1][sums.shape[0] :]
    systems = []
    for one in np.unique(label[small | wide]):
        at = np.flatnonzero(label == one)
        part = sums[:, at]
        part = part.tocsr()[np.unique(part.indices)].tocsc()
        systems.append(System(part, row[at], truth[at], lower[at], upper[at], small[at], wide[at], width))
    return systems


def _equations(held: pd.DataFrame, links: pd.DataFrame | None) -> tuple[Any, np.ndarray]:
    """Every sum that holds between cells, one per row: +1 for the whole, -1 for each part.

    Columns after the cells' are remainders, whose greatest possible values come second.
    """
    from scipy import sparse

    cells = held.reset_index(drop=True)
    names = pd.MultiIndex.from_frame(cells[NAME])

    def find(some: pd.DataFrame, **change: Any) -> np.ndarray:
        """Where the cells are that differ from `some` in this; -1 for none."""
        return names.get_indexer(pd.MultiIndex.from_frame(some[NAME].assign(**change)))

    entries = pd.concat([*_hierarchies(cells, find), *_flags(cells, find, links)], ignore_index=True)
    sums = entries.groupby(["kind", "whole"]).ngroup()
    most = entries["most"].groupby(sums).max().dropna()  # sums that have a remainder
    rows = np.concatenate([sums, most.index])
    columns = np.concatenate([entries["count"], len(cells) + np.arange(len(most))])
    signs = np.concatenate([entries["sign"], np.full(len(most), -1)]).astype(float)
    shape = (sums.max() + 1 if len(sums) else 0, len(cells) + len(most))
    return sparse.csc_array((signs, (rows, columns)), shape=shape), most.to_numpy()


def _entries(kind: str, whole: Any, count: Any, sign: int, most: Any = np.nan) -> pd.DataFrame:
    """Counts in sums, one per row; a sum is named by its kind and the position of its whole; `most` its remainder can be."""
    rows = pd.DataFrame({"kind": kind, "whole": whole, "count": count, "sign": sign, "most": most})
    return rows[rows["whole"].ge(0) & rows["count"].ge(0)]


def _hierarchies(cells: pd.DataFrame, find: Any) -> Iterator[pd.DataFrame]:
    """Places add up to the place above, quarters to the year, offence groups to all.

    How many records lack a place is taken as known, but not of which kind they are.
    """
    quarter, group = (
        cells[cells["period_type"].eq("quarter")],
        cells[cells["kind"].eq("group") & cells["measure"].ne(ALL)],
    )
    year = find(quarter, period_type="financial_year", month=quarter["month"].dt.to_period(YEAR).dt.start_time)
    for kind, whole, some in (("time", year, quarter), ("group", find(group, measure=ALL), group)):
        parts = _entries(kind, whole, some.index, -1)
        heads = parts["whole"].unique()
        yield from (parts, _entries(kind, heads, heads, 1))
    below = cells[cells["parent"].notna()]
    parts = _entries("place", find(below, area_code=below["parent"]), below.index, -1)
    placed = cells["n"].reindex(parts["count"]).groupby(parts["whole"].to_numpy()).sum()
    heads = placed.index.to_numpy()
    nowhere = cells["n"].reindex(heads) - placed
    most = nowhere.reindex(find(cells.iloc[heads], measure=ALL)).to_numpy()
    most = np.where(cells["measure"].iloc[heads].ne(ALL) & (most > 0), most, np.nan)
    yield from (parts, _entries("place", heads, heads, 1, most))


def _flags(cells: pd.DataFrame, find: Any, links: pd.DataFrame | None) -> Iterator[pd.DataFrame]:
    """A flag is the groups inside it and a remainder; all is the flag, the groups outside it and a remainder."""
    flags = cells[cells["kind"].eq("flag") & cells["measure"].ne(ALL)]
    flags = flags[find(flags, measure=ALL) >= 0]
    for (source, flag), some in flags.groupby(["source", "measure"]):
        known = pd.DataFrame(columns=["group", "inside"], dtype=object)
        if links is not None:
            known = links[links["source"].eq(source) & links["flag"].eq(flag)]
        whole, total = some.index, find(some, measure=ALL)
        yield _entries(f"outside {flag}", whole, total, 1, np.inf)
        yield _entries(f"outside {flag}", whole, whole, -1)
        if known["inside"].any():
            yield _entries(f"inside {flag}", whole, whole, 1, np.inf)
        for group, inside in zip(known["group"], known["inside"], strict=True):
            side = "inside" if inside else "outside"
            yield _entries(f"{side} {flag}", whole, find(some, measure=group), -1)
