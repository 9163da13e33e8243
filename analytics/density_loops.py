"""The inner loops of kernel densities, compiled on first use: nothing here imports numba when it loads."""

from functools import cache

import numpy as np


@cache
def compiled(function):
    """Machine code of one of the loops below, kept on disk for the next start."""
    import numba

    return numba.njit(cache=True)(function)


def spread(x, y, w, x0, y0, per_x, per_y, table):
    """Share each event among the 4 x 4 nodes around it by cubic Lagrange weights, which sum to 1."""
    rows, columns = table.shape
    each = 1 if len(w) == len(x) else 0
    for i in range(len(x)):
        a, b, weight = (x[i] - x0) * per_x, (y[i] - y0) * per_y, w[i * each]
        if not (a >= 1 and a < columns - 2 and b >= 1 and b < rows - 2 and abs(weight) < np.inf):
            continue  # out of reach, or missing
        c, r = int(a), int(b)
        s, t = a - c, b - r
        across_0, across_1 = -s * (s - 1) * (s - 2) / 6, (s + 1) * (s - 1) * (s - 2) / 2
        across_2, across_3 = -(s + 1) * s * (s - 2) / 2, (s + 1) * s * (s - 1) / 6
        down = (
            -t * (t - 1) * (t - 2) / 6,
            (t + 1) * (t - 1) * (t - 2) / 2,
            -(t + 1) * t * (t - 2) / 2,
            (t + 1) * t * (t - 1) / 6,
        )
        for k in range(4):
            part = weight * down[k]
            table[r - 1 + k, c - 1] += part * across_0
            table[r - 1 + k, c] += part * across_1
            table[r - 1 + k, c + 1] += part * across_2
            table[r - 1 + k, c + 2] += part * across_3


def add(x, y, w, h, reach, at_x, at_y, starts, low_x, low_y, side, columns, rows, quartic, power, sums):
    """Add each event's weight times kernel to the centres in its reach. Events are complete; `h` and `w` may be one."""
    for i in range(len(x)):
        far, weight = reach[i if len(reach) > 1 else 0], w[i if len(w) > 1 else 0]
        scale = 1 / h[i if len(h) > 1 else 0] ** 2
        first, last = np.floor((y[i] - far - low_y) / side), np.floor((y[i] + far - low_y) / side)
        if last < 0 or first > rows - 1:
            continue
        for row in range(int(max(0, first)), int(min(rows - 1, last)) + 1):
            bottom = low_y + row * side
            away = 0.0  # of the row of boxes from the event
            if row > 0 and y[i] < bottom:
                away = bottom - y[i]
            elif row < rows - 1 and y[i] > bottom + side:
                away = y[i] - bottom - side
            half = np.sqrt(max(far * far - away * away, 0.0)) + side * 1e-9
            left, right = np.floor((x[i] - half - low_x) / side), np.floor((x[i] + half - low_x) / side)
            if right < 0 or left > columns - 1:
                continue
            box, past = row * columns + int(max(0, left)), row * columns + int(min(columns - 1, right)) + 1
            for j in range(starts[box], starts[past]):
                u2 = ((at_x[j] - x[i]) ** 2 + (at_y[j] - y[i]) ** 2) * scale
                if quartic:
                    if u2 < 1:
                        part = shape = (1 - u2) * (1 - u2)
                        for _ in range(power - 1):
                            part *= shape
                        sums[j] += weight * part
                elif u2 <= 30.25:  # GAUSSIAN_REACH squared
                    sums[j] += weight * np.exp(-0.5 * power * u2)


def mass(x, y, h, reach, ax, ay, bx, by, starts, low_x, low_y, side, columns, rows, quartic, mass):
    """Take from each centre's mass the integral of (1 - F) d(angle) / 2 pi along the border in reach.

    An edge is measured from the foot of the perpendicular on its line: p is the distance of the line, signed, s the
    place along it, d(angle) = p / (p^2 + s^2) ds.
    """
    places = (-0.8611363115940526, -0.3399810435848563, 0.3399810435848563, 0.8611363115940526)  # Gauss-Legendre
    shares = (0.34785484513745385, 0.6521451548625461, 0.6521451548625461, 0.34785484513745385)
    for i in range(len(x)):
        far, width = reach[i if len(reach) > 1 else 0], h[i if len(h) > 1 else 0]
        left, right = max(0.0, (x[i] - far - low_x) // side), min(columns - 1.0, (x[i] + far - low_x) // side)
        bottom, top = max(0.0, (y[i] - far - low_y) // side), min(rows - 1.0, (y[i] + far - low_y) // side)
        if left > right or bottom > top:
            continue
        beyond = 0.0
        for row in range(int(bottom), int(top) + 1):
            for j in range(starts[row * columns + int(left)], starts[row * columns + int(right) + 1]):
                long = np.hypot(bx[j] - ax[j], by[j] - ay[j])
                if long == 0:
                    continue
                ux, uy = (bx[j] - ax[j]) / long, (by[j] - ay[j]) / long
                p = ((ax[j] - x[i]) * uy - (ay[j] - y[i]) * ux) / width
                start = ((ax[j] - x[i]) * ux + (ay[j] - y[i]) * uy) / width
                end = start + long / width
                if quartic:  # F / r^2 = 3 - 3 r^2 + r^4 inside the circle
                    if p * p >= 1:
                        continue
                    chord = np.sqrt(1 - p * p)
                    start, end = max(start, -chord), min(end, chord)
                    if end <= start:
                        continue
                    even, square = 3 - 3 * p * p + p**4, 2 * p * p - 3
                    part = p * (even * (end - start) + square * (end**3 - start**3) / 3 + (end**5 - start**5) / 5)
                else:  # F / r^2 is smooth
                    part = 0.0
                    for k in range(4):
                        s = (start + end) / 2 + places[k] * (end - start) / 2
                        r2 = p * p + s * s
                        part += shares[k] * (-np.expm1(-r2 / 2) / r2 if r2 > 0 else 0.5)
                    part *= p * (end - start) / 2
                beyond += np.arctan2(p * (end - start), p * p + start * end) - part
        mass[i] -= beyond / (2 * np.pi)
