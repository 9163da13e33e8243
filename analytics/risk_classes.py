"""Sums over all pairs of places, by class of distance: exact, without looking at most pairs one by one.

Places are halved, and halved again, across the longer side. Where all pairs of two such groups lie in one class of
distance, their products add up to the product of the groups' sums; where not, both groups are halved. Of the n^2 steps
about n^1.5 remain. Nothing here imports numba or scipy when it loads.
"""

import functools
from typing import NamedTuple

import numpy as np

from analytics import neighbours

LEAF = 4  # places in the smallest groups: with fewer the steps cost more than the pairs they save
_STACK = 256  # pairs of groups still to look at: three for each halving and one more


class Classes(NamedTuple):
    """products : (classes, columns of `values`), the sum of v_i v_j over the pairs of each class, each pair once.
    around : (places, classes, columns of `basis`), the sum of `basis` over the other places in each class."""

    products: np.ndarray
    around: np.ndarray


class _Groups(NamedTuple):
    """Group h is places first[h] to last[h] - 1 of `order` and falls into the groups 2h + 1 and 2h + 2. box : west,
    east, south, north. levels : the groups of each level, as slices."""

    order: np.ndarray
    first: np.ndarray
    last: np.ndarray
    box: np.ndarray
    levels: list


def by_distance(place: np.ndarray, values: np.ndarray, basis: np.ndarray, classes: int) -> Classes:
    """Products of pairs, and sums around each place, in classes of equal width up to the largest distance.

    place : (places, 2). values, basis : (places, columns), none missing. A distance on an edge belongs to the nearer
    class, and one within a part in 10^9 of an edge lies on it.
    """
    groups = _halved(place)
    x, y, v, b = (np.ascontiguousarray(part[groups.order]) for part in (*place.T, values, basis))
    products = np.zeros((classes, v.shape[1]))
    of_groups, of_places = (np.zeros((n, classes, b.shape[1])) for n in (len(groups.first), len(x)))
    sums, sums_b = _group_sums(groups, v), _group_sums(groups, b)
    edges = _edges(place, classes)
    tree = (groups.first, groups.last, groups.box, groups.levels[-1].start)
    _compiled(_walk)(x, y, v, b, *tree, sums, sums_b, edges, products, of_groups, of_places)
    products[0] -= 0.5 * (v**2).sum(axis=0)  # a place is no pair with itself
    of_places[:, 0] -= b
    around = np.empty_like(of_places)
    around[groups.order] = of_places + _handed_down(groups, of_groups)
    return Classes(products, around)


def farthest(place: np.ndarray) -> float:
    """The largest distance between two places: between two corners of their convex hull."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        corners = place[ConvexHull(place).vertices]
    except QhullError:  # fewer than three places, or all in one line: the ends of its longer side
        along = place[:, np.argmax(np.ptp(place, axis=0))]
        corners = place[[np.argmin(along), np.argmax(along)]]
    return max(float(np.hypot(*(corners - corner).T).max()) for corner in corners)


def _edges(place: np.ndarray, classes: int) -> np.ndarray:
    """Upper edges of the classes as squares; the last class takes whatever is beyond the one before."""
    upper = np.cumsum(np.full(classes, farthest(place) / classes)) * (1 + neighbours.ROUNDING)
    return upper**2


def _halved(place: np.ndarray) -> _Groups:
    n, order = len(place), np.arange(len(place))
    halvings = max(0, int(np.ceil(np.log2(n / LEAF))))
    cuts = [np.arange(2**level + 1) * n // 2**level for level in range(halvings + 1)]
    for cut in cuts[:-1]:
        at = place[order]
        size = np.maximum.reduceat(at, cut[:-1]) - np.minimum.reduceat(at, cut[:-1])
        group = np.repeat(np.arange(len(cut) - 1), np.diff(cut))
        along = np.where((size[:, 0] >= size[:, 1])[group], at[:, 0], at[:, 1])
        order = order[np.lexsort((along, group))]
    at = place[order]
    west_south = np.concatenate([np.minimum.reduceat(at, cut[:-1]) for cut in cuts])
    east_north = np.concatenate([np.maximum.reduceat(at, cut[:-1]) for cut in cuts])
    box = np.stack([west_south[:, 0], east_north[:, 0], west_south[:, 1], east_north[:, 1]], axis=1)
    first, last = (np.concatenate(ends) for ends in ([cut[:-1] for cut in cuts], [cut[1:] for cut in cuts]))
    return _Groups(order, first, last, box, [slice(2**level - 1, 2 ** (level + 1) - 1) for level in range(len(cuts))])


def _group_sums(groups: _Groups, values: np.ndarray) -> np.ndarray:
    return np.concatenate([np.add.reduceat(values, groups.first[level]) for level in groups.levels])


def _handed_down(groups: _Groups, of_groups: np.ndarray) -> np.ndarray:
    """What each group was given goes to its two halves, and in the end to its places."""
    for above, below in zip(groups.levels[:-1], groups.levels[1:], strict=True):
        of_groups[below] += np.repeat(of_groups[above], 2, axis=0)
    leaves = groups.levels[-1]
    return np.repeat(of_groups[leaves], groups.last[leaves] - groups.first[leaves], axis=0)


def _walk(x, y, v, b, first, last, box, leaves, sums, sums_b, edges, products, of_groups, of_places):
    """Adds every pair of places to `products`, and `b` of each to what is around the other. (Compiled.)"""
    groups_left, left = np.zeros((_STACK, 2), np.int64), 1
    per_edge = 1 / np.sqrt(edges[0]) if edges[0] > 0 else 0.0
    while left:
        left -= 1
        g, h = groups_left[left, 0], groups_left[left, 1]
        nearest, most = _between(box, g, h)
        k = _class_of(nearest, max(0, int(np.sqrt(nearest) * per_edge) - 1), edges)  # begins close, and not beyond
        share = 0.5 if g == h else 1.0  # a group with itself holds every pair twice
        if k == len(edges) - 1 or most <= edges[k]:
            for c in range(v.shape[1]):
                products[k, c] += share * sums[g, c] * sums[h, c]
            for c in range(b.shape[1]):
                of_groups[g, k, c] += sums_b[h, c]
                if g != h:
                    of_groups[h, k, c] += sums_b[g, c]
        elif g >= leaves:
            for i in range(first[g], last[g]):
                for j in range(first[h], last[h]):
                    m = _class_of((x[i] - x[j]) * (x[i] - x[j]) + (y[i] - y[j]) * (y[i] - y[j]), k, edges)
                    for c in range(v.shape[1]):
                        products[m, c] += share * v[i, c] * v[j, c]
                    for c in range(b.shape[1]):
                        of_places[i, m, c] += b[j, c]
                        if g != h:
                            of_places[j, m, c] += b[i, c]
        else:
            for one in range(1, 3):
                for two in range(1 if g != h else one, 3):
                    groups_left[left, 0], groups_left[left, 1] = 2 * g + one, 2 * h + two
                    left += 1


def _between(box, g, h):
    """The squares of the smallest and the largest distance that places of two groups can have.

    Worked out by the same steps as a distance, each of which keeps order after rounding: no pair falls outside.
    """
    gap_x = max(0.0, box[h, 0] - box[g, 1], box[g, 0] - box[h, 1])
    gap_y = max(0.0, box[h, 2] - box[g, 3], box[g, 2] - box[h, 3])
    span_x = max(box[h, 1] - box[g, 0], box[g, 1] - box[h, 0])
    span_y = max(box[h, 3] - box[g, 2], box[g, 3] - box[h, 2])
    return gap_x * gap_x + gap_y * gap_y, span_x * span_x + span_y * span_y


def _class_of(apart, k, edges):
    """The class of a squared distance that lies in class `k` or beyond."""
    while k < len(edges) - 1 and apart > edges[k]:
        k += 1
    return k


@functools.cache
def _compiled(function):
    from numba import njit
    from numba.extending import register_jitable

    for part in (_between, _class_of):
        register_jitable(part)
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # nowhere to keep the compiled code: compile again next time
        return njit(nogil=True)(function)
