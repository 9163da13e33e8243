"""The inner loops of the scan statistic: the strongest window of the data, and of each simulation.

Simulations lie side by side in blocks of `WIDTH` lanes, so that one instruction serves many of them. Nothing here
imports numba when it loads: `compiled` does, when a scan is run.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np

WIDTH = 64  # lanes, one simulation each: counts of 16 bits then fill two registers of 512 bits, or four of 256
ROUNDING = 1e-9  # relative: strengths this close are equal, as sums of the same numbers in another order differ
_LOST = 1e-100  # a level below this says nothing of smaller circles, and could end up as 0
_STALE = 1.05  # limits are worked out again once a best has grown by 5%: older ones stay valid, only less sharp


class Circles(NamedTuple):
    """Areas by distance from each centre in turn: those of centre i are members[first[i]:first[i + 1]]; a circle ends
    where `is_circle`, so that areas at equal distance enter together."""

    members: np.ndarray
    first: np.ndarray
    is_circle: np.ndarray


class Windows(NamedTuple):
    """Lengths in periods; row i of the rest belongs to lengths[i]. starts : groups of start periods that expect nearly
    the same, each in rising order, the groups one after the other. cuts : where groups begin; the last is the end.
    groups : how many. shares : the smallest part of all expected events in a window of the group, all areas."""

    lengths: np.ndarray
    starts: np.ndarray
    cuts: np.ndarray
    groups: np.ndarray
    shares: np.ndarray


class Model(NamedTuple):
    """total : events. people : all people in the Bernoulli model, 0 in the Poisson one. fewest : events of a window.
    alike : the share of each period is the same in all areas."""

    total: float
    people: float
    fewest: int
    alike: bool


class Bins(NamedTuple):
    """Expected numbers in steps: bin b holds those from edges[b], and is int(scale * fourth root), at most the last."""

    edges: np.ndarray
    scale: float


@cache
def compiled(kernel):
    """The same function as machine code, kept on disk; it leaves Python's lock, so that threads run side by side."""
    import numba

    _register()
    return numba.njit(kernel, cache=True, nogil=True)


@cache
def _register():
    """Lets compiled functions call these."""
    from numba.extending import register_jitable

    for part in (llr, _term, _strongest, _raise_limits, _limit, _settle, _peaks, _above, _lowest, _improve, _least):
        register_jitable(part)
    for part in (_levels, _add, _take):
        register_jitable(part)


def llr(inside, expected, model):
    """Log likelihood ratio of a window that holds more than expected, else 0.

    c ln(c/E) + (C - c) ln((C - c)/(C - E)); in the Bernoulli model the same once more for the people who are no case.
    """
    if inside <= expected or expected >= model.total:
        return 0.0
    if expected <= 0:
        return np.inf
    value = _term(inside, expected) + _term(model.total - inside, model.total - expected)
    if model.people > 0:
        crowd = expected * model.people / model.total
        if inside > crowd * (1 + ROUNDING):
            return np.inf
        outside, others = model.people - crowd, model.total - inside
        value += _term(crowd - inside, crowd - expected)
        value += _term(outside - others, outside - (model.total - expected))
    return value


def _term(x, expected):
    return x * math.log(x / expected) if x > 0 else 0.0


# --- the data themselves ---


def strongest_observed(counts, expected, circles, windows, model):
    """The strongest window of each centre: its llr (0: none), number of areas, start and length.

    counts, expected : areas, periods. Of equally strong windows the smaller circle, then the shorter, then the earlier.
    """
    periods = counts.shape[1]
    found = np.zeros((len(circles.first) - 1, 4))
    for centre in range(len(found)):
        held, awaited = np.zeros(periods + 1), np.zeros(periods + 1)
        for place in range(circles.first[centre], circles.first[centre + 1]):
            n, e, area = 0.0, 0.0, circles.members[place]
            for period in range(periods):
                n += counts[area, period]
                e += expected[area, period]
                held[period + 1] += n
                awaited[period + 1] += e
            if circles.is_circle[place]:
                best, start, length = _strongest(held, awaited, found[centre, 0], windows, model)
                if best > found[centre, 0]:
                    found[centre, 0], found[centre, 1] = best, place - circles.first[centre] + 1
                    found[centre, 2], found[centre, 3] = start, length
    return found


def _strongest(held, awaited, best, windows, model):
    """The strongest window of one circle, if it beats `best`. Logarithms are taken only where a bound beats it:
    d^2 (1 / 2E + 1 / (C - E)), d the events above E, as (1 + u) ln(1 + u) - u is at most u^2 / 2 for u > 0 and u^2
    for u < 0. (The Bernoulli llr is larger, so there all are taken.)"""
    total, first, span = model.total, 0, 0
    for i in range(len(windows.lengths)):
        length = windows.lengths[i]
        end = len(held) - length
        begin = end - windows.cuts[i, windows.groups[i]]  # either all starts or only the last
        hopeful = 0
        for start in range(begin, end):
            e = awaited[start + length] - awaited[start]
            d = held[start + length] - held[start] - e
            hopeful += (d > 0) & (d * d * (total + e) > 2 * best * e * (total - e))
        if hopeful == 0 and model.people == 0:
            continue
        for start in range(begin, end):
            n, e = held[start + length] - held[start], awaited[start + length] - awaited[start]
            if n > model.fewest - 0.5 and n > e:
                value = llr(n, e, model)
                if value > best * (1 + ROUNDING):
                    best, first, span = value, start, length
    return best, first, span


# --- simulations ---


def spread(uniform, ends, counts, lane):
    """Puts events into cells. uniform : rising, 0 to 1. ends : shares of the cells, added up. counts : cells, lanes."""
    cell = 0
    for u in uniform:
        while u >= ends[cell]:
            cell += 1
        counts[cell, lane] += 1


def put(cells, counts, lane):
    """Puts one event into each of the cells named."""
    for cell in cells:
        counts[cell, lane] += 1


def accumulate(counts):
    """Running sums over the periods, in place. counts : areas, periods + 1, lanes; period 0 is empty."""
    for area in range(counts.shape[0]):
        for period in range(1, counts.shape[1]):
            for lane in range(WIDTH):
                counts[area, period, lane] += counts[area, period - 1, lane]


def largest_circle(totals, circles):
    """The most events that any circle holds in any simulation. totals : areas, lanes."""
    most = 0
    for centre in range(len(circles.first) - 1):
        for lane in range(WIDTH):
            held = 0
            for place in range(circles.first[centre], circles.first[centre + 1]):
                held += totals[circles.members[place], lane]
            most = max(most, held)
    return most


def strongest_simulated(best, sums, expected, circles, windows, bins, model):
    """Raises `best` to the largest llr of each simulation, exactly, but looks only where it could be beaten.

    best : 0, or infinity for a lane without a simulation. sums : areas, periods + 1, lanes, from `accumulate`.
    expected : areas, periods.

    From the largest circle about a centre inwards, events in a window only become fewer. The most events of a circle in
    windows of one length therefore bound those of every smaller circle, which can beat the best of no simulation as
    long as it expects enough: `settled` is the level down to which this holds, and those circles are passed over.
    """
    periods = sums.shape[1] - 1
    zone, peak = np.zeros((periods + 1, WIDTH), sums.dtype), np.zeros(WIDTH, sums.dtype)
    limits, used = np.zeros((len(bins.edges), WIDTH), sums.dtype), np.full(WIDTH, -1.0)
    settled = np.empty(len(windows.lengths))
    for centre in range(len(circles.first) - 1):
        _raise_limits(limits, used, best, bins, model)
        begin, end = circles.first[centre], circles.first[centre + 1]
        awaited, level = _levels(expected, circles.members[begin:end], model.alike)
        zone[:] = 0
        settled[:] = np.inf
        for place in range(begin, end):
            _add(zone, sums, circles.members[place])
        for place in range(end - 1, begin - 1, -1):
            k = place - begin
            if k + 1 < len(level) and level[k] > level[k + 1]:
                settled[:] = np.inf
            if circles.is_circle[place]:
                for i in range(len(windows.lengths)):
                    if level[k] < settled[i]:
                        room = _settle(best, zone, awaited[k], i, windows, peak, limits, bins, model)
                        settled[i] = level[k] * room
            _take(zone, sums, circles.members[place])


def _raise_limits(limits, used, best, bins, model):
    """limits[bin, lane]: the most events that do not beat the best of the lane, at the lower edge of the bin."""
    ceiling = min(int(model.total), np.iinfo(limits.dtype).max)
    for lane in range(WIDTH):
        if best[lane] > used[lane] * _STALE:
            used[lane] = best[lane]
            count = model.fewest - 1
            for b in range(len(bins.edges)):
                count = _limit(count, bins.edges[b], best[lane], ceiling, model)
                limits[b, lane] = count


def _limit(count, expected, best, ceiling, model):
    """The most events, `count` or more, whose llr is at most `best`: by doubling steps, then by halving ones."""
    step = 1
    while count + step <= ceiling and llr(count + step, expected, model) <= best:
        count += step
        step *= 2
    while step > 1:
        step //= 2
        if count + step <= ceiling and llr(count + step, expected, model) <= best:
            count += step
    return count


def _settle(best, zone, awaited, i, windows, peak, limits, bins, model):
    """Looks at all windows of one circle and length; returns to what part of this circle's expected a smaller one may
    fall while none of its windows can beat the best of any simulation."""
    length, room = windows.lengths[i], 0.0
    for group in range(windows.groups[i]):
        begin, end = windows.cuts[i, group], windows.cuts[i, group + 1]
        _peaks(zone, windows.starts, i, begin, end, length, peak)
        if model.alike:
            least = awaited[-1] * windows.shares[i, group]
        else:
            least = _least(awaited, windows.starts[i, begin:end], length)
        b = min(int(bins.scale * math.sqrt(math.sqrt(least))), len(bins.edges) - 1)
        if _above(peak, limits, b):
            _improve(best, zone, peak, windows.starts[i, begin:end], length, awaited, limits, b, model)
            room = 1.0
        elif room < 1 and least > 0:
            room = max(room, bins.edges[_lowest(peak, limits, b)] / least)
    return room


def _peaks(zone, starts, i, begin, end, length, peak):
    """peak[lane]: the most events in any window of this length that begins at one of starts[i, begin:end]."""
    kind, at = peak.dtype.type, begin
    for lane in range(WIDTH):
        peak[lane] = 0
    while at < end:
        p = starts[i, at]
        q = p + length
        if at + 3 < end and starts[i, at + 3] == p + 3:  # four in a row: peaks are fetched and stored once for all
            for lane in range(WIDTH):
                a = kind(zone[q, lane] - zone[p, lane])
                b = kind(zone[q + 1, lane] - zone[p + 1, lane])
                c = kind(zone[q + 2, lane] - zone[p + 2, lane])
                d = kind(zone[q + 3, lane] - zone[p + 3, lane])
                peak[lane] = max(max(max(a, b), max(c, d)), peak[lane])
            at += 4
        else:
            for lane in range(WIDTH):
                peak[lane] = max(kind(zone[q, lane] - zone[p, lane]), peak[lane])
            at += 1


def _above(peak, limits, b):
    above = 0
    for lane in range(WIDTH):
        above |= peak[lane] > limits[b, lane]
    return above != 0


def _lowest(peak, limits, b):
    """The lowest bin, down from `b`, whose limits no peak exceeds: by doubling steps, then by halving ones."""
    step = 1
    while b - step >= 0 and not _above(peak, limits, b - step):
        b -= step
        step *= 2
    while step > 1:
        step //= 2
        if b - step >= 0 and not _above(peak, limits, b - step):
            b -= step
    return b


def _improve(best, zone, peak, starts, length, awaited, limits, b, model):
    """Works out the windows that may beat the best of their simulation."""
    for lane in range(WIDTH):
        if peak[lane] > limits[b, lane]:
            for start in starts:
                inside = zone[start + length, lane] - zone[start, lane]
                if inside > limits[b, lane]:
                    best[lane] = max(best[lane], llr(inside, awaited[start + length] - awaited[start], model))


def _least(awaited, starts, length):
    least = np.inf
    for start in starts:
        least = min(least, awaited[start + length] - awaited[start])
    return max(least, 0.0)


def _levels(expected, circle, alike):
    """Expected of each circle about a centre, added up over the periods; and a level for each, such that every window
    of a smaller circle expects at least its level over the larger one's, times what the larger expects there. Where
    that says nothing, as a period expects none in the smaller circle, the level rises, and what was settled is void."""
    periods, n = expected.shape[1], len(circle)
    each, awaited = np.zeros((n, periods)), np.zeros((n, periods + 1))
    for k in range(n):
        for period in range(periods):
            each[k, period] = expected[circle[k], period] + (each[k - 1, period] if k else 0.0)
            awaited[k, period + 1] = awaited[k, period] + each[k, period]
    if alike:
        return awaited, awaited[:, -1].copy()
    level = np.ones(n)
    for k in range(n - 2, -1, -1):
        share = 1.0
        for period in range(periods):
            if each[k + 1, period] > 0:
                share = min(share, each[k, period] / each[k + 1, period])
        level[k] = level[k + 1] * share
        if level[k] < _LOST:
            level[k] = level[k + 1] + 1
    return awaited, level


def _add(zone, sums, area):
    for period in range(1, len(zone)):
        for lane in range(WIDTH):
            zone[period, lane] += sums[area, period, lane]


def _take(zone, sums, area):
    for period in range(1, len(zone)):
        for lane in range(WIDTH):
            zone[period, lane] -= sums[area, period, lane]
