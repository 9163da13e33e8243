"""Shows that no count which is banded or hidden can be worked back from the others, and hides more where it can. A row is one cell.

The attacker is taken to know every interval, that the cells add up over places, periods and kinds, how many records lack
a place or a kind, and the definitions. A cell is safe once whole-number tables have been found that agree with all of it
and give this cell values far enough apart; the true table is the first of them. Hiding only adds to the tables that agree,
so what is safe stays safe.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

ALL = "all"  # every record of a source, and the code of the whole area
SHOWN, BAND, HIDDEN, MISSING = "shown", "band", "hidden", "not supplied"
CELL = ["source", "measure", "area_level", "area_code", "period_type", "month"]  # what names a cell
ROUNDS = 40  # tables sought for many cells at once before each is tried alone


@dataclass
class Sums:
    """What the attacker holds: `parts @ counts = known`, with every count between `lower` and `upper`.

    low, high : the least and greatest value of each count in the whole-number tables found so far.
    watched : counts to be kept from the attacker. small : those of them that must look as if they could be zero.
    block : the authority of a cell. system : cells in different systems share no sum.
    """

    parts: "object"
    truth: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    low: np.ndarray
    high: np.ndarray
    watched: np.ndarray
    small: np.ndarray
    block: np.ndarray
    system: np.ndarray
    width: int
    wide: np.ndarray = None
    
    def short(self, at):
        return self.watched[at] & (self.needs_low(at) | self.needs_high(at))
    def needs_low(self, at): return self.watched[at] & self.small[at] & (self.low[at] > 0)
    def needs_high(self, at): return self.wide[at] & (self.high[at] - self.low[at] < self.width - 1)


def build(cells, links, width):
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components
    n = len(cells)
    rows, cols, vals = [], [], []
    ix = pd.MultiIndex.from_frame(cells[["source", "measure", "area_code", "period_type", "month"]])
    have = cells["status"].ne(MISSING).to_numpy()
    def find(at, **ch):
        key = cells.iloc[at][["source", "measure", "area_code", "period_type", "month"]].assign(**ch)
        f = ix.get_indexer(pd.MultiIndex.from_frame(key))
        return np.where((f >= 0) & have[f], f, -1)
    def add(whole, parts, r0):
        pass
    r = 0
    def sums(part, whole):
        nonlocal r
        keep = whole >= 0
        part, whole = part[keep], whole[keep]
        ids, inv = np.unique(whole, return_inverse=True)
        rows.extend([r + inv, r + np.arange(len(ids))]); cols.extend([part, ids]); vals.extend([-np.ones(len(part)), np.ones(len(ids))])
        r += len(ids)
    a = np.flatnonzero(have & cells["parent"].notna()); sums(a, find(a, area_code=cells["parent"].iloc[a]))
    a = np.flatnonzero(have & cells["period_type"].eq("quarter")); sums(a, find(a, period_type="financial_year", month=cells["month"].iloc[a].dt.to_period("Y-MAR").dt.start_time))
    a = np.flatnonzero(have & cells["kind"].eq("group") & cells["measure"].ne(ALL)); sums(a, find(a, measure=ALL))
    total = n
    fl = cells[have & cells["kind"].eq("flag") & cells["measure"].ne(ALL)]
    for (s, f), ids in fl.groupby(["source", "measure"]).groups.items():
        at = cells.index.get_indexer(ids)
        mine = links[links["source"].eq(s) & links["flag"].eq(f)]
        for inside in (True, False):
            gs = mine.loc[mine["inside"].eq(inside), "group"]
            if inside and gs.empty: continue
            whole = at if inside else find(at, measure=ALL)
            ok = whole >= 0; k = ok.sum()
            plus = [whole[ok]]; minus = [] if inside else [at[ok]]
            minus += [find(at[ok], measure=g) for g in gs] + [total + np.arange(k)]
            for p in plus: rows.append(r+np.arange(k)); cols.append(p); vals.append(np.ones(k))
            for p in minus: rows.append(r+np.arange(k)); cols.append(p); vals.append(-np.ones(k))
            r += k; total += k
    A = sparse.csc_array((np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols))), shape=(r, total))
    truth = np.zeros(total); truth[:n] = cells["n"].fillna(0)
    # remainders
    resid = A[:, :n] @ truth[:n]
    rest = A[:, n:].tocoo(); truth[n + rest.col] = resid[rest.row]
    lower = np.zeros(total); upper = np.full(total, np.inf)
    st = cells["status"].to_numpy(); off = cells["offered"].to_numpy(bool)
    pub = off & np.isin(st, [SHOWN, BAND])
    lower[:n][pub] = cells["n_lower"].to_numpy(float)[pub]; upper[:n][pub] = cells["n_upper"].to_numpy(float)[pub]
    nn = cells["n"].to_numpy(float); th = cells["threshold"].to_numpy(float)
    small = np.zeros(total, bool); small[:n] = have & (nn < th)
    watched = small.copy(); watched[:n] |= have & off & (st == HIDDEN)
    B = sparse.block_array([[None, A], [A.T, None]])
    system = connected_components(B, directed=False)[1][r:]
    up = dict(zip(cells["area_code"], cells["parent"]))
    def home(c):
        while up.get(c) not in (None, ALL) and not pd.isna(up.get(c)): c = up[c]
        return c
    homes = cells["area_code"].map({c: home(c) for c in up}).to_numpy(object)
    block = np.full(total, "", object); block[:n] = homes
    first = A[:, n:].tocoo()
    # remainder's block: that of any other member
    Ar = A.tocsr()
    member = np.array([Ar.indices[Ar.indptr[i]] for i in range(r)])
    block[n + first.col] = [block[member[i]] if member[i] < n else None for i in first.row]
    codes = pd.factorize(block)[0]; whole = codes[np.flatnonzero(block == ALL)[0]]
    codes[codes == whole] = -1
    wide = np.zeros(total, bool); wide[:n] = have & off & (st != SHOWN)
    return Sums(A, truth, lower, upper, truth.copy(), truth.copy(), watched, small, codes, system, width, wide)


def sub(s, free):
    part = s.parts[:, free]
    t = np.unique(part.indices)
    m = part.tocsr()[t].tocsc()
    return m, m @ s.truth[free]

STAT = {"lp":0,"milp":0,"lpt":0.,"milpt":0.}
import time
def solve(m, rhs, cost, lo, up, whole=False):
    from scipy.optimize import linprog, milp, LinearConstraint, Bounds
    t=time.time()
    if whole:
        res = milp(cost, integrality=np.ones(len(lo)), bounds=Bounds(lo, up), constraints=LinearConstraint(m, rhs, rhs))
        STAT["milp"]+=1; STAT["milpt"]+=time.time()-t
    else:
        res = linprog(cost, A_eq=m, b_eq=rhs, bounds=np.c_[lo, up], method="highs-ds")
        STAT["lp"]+=1; STAT["lpt"]+=time.time()-t
    return res

def accept(s, free, m, rhs, x):
    x = np.rint(x)
    if (m @ x != rhs).any() or (x < s.lower[free]).any() or (x > s.upper[free]).any(): return False
    s.low[free] = np.minimum(s.low[free], x); s.high[free] = np.maximum(s.high[free], x)
    return True

def bulk(s, free, rounds=ROUNDS):
    m, rhs = sub(s, free)
    for side in (0, 1):
        for k in range(rounds):
            o = s.needs_low(free) if side == 0 else s.needs_high(free)
            if not o.any(): break
            before = o.sum()
            lo, up = s.lower[free].copy(), s.upper[free].copy()
            if side: up[o] = np.minimum(up[o], np.maximum(s.low[free][o] + s.width - 1, s.truth[free][o]))
            res = solve(m, rhs, np.where(o, 1. if side == 0 else -1., 0), lo, up)
            if not accept(s, free, m, rhs, res.x):
                res = solve(m, rhs, np.where(o, 1. if side == 0 else -1., 0), lo, up, True)
                if not accept(s, free, m, rhs, res.x): break
            after = (s.needs_low(free) if side == 0 else s.needs_high(free)).sum()
            if after == before: break
def audit_and_repair(*a, **k): ...
