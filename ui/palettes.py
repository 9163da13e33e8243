"""Colours of maps and charts, and the classes they stand for; a row of a legend is one colour and what it means.

A map is a light plate in both themes (land on a pale ground), so a colour means the same on every screen, in every file
and on paper. Every ramp falls in lightness (CIE L*) from less to more: printed in grey, darker is always more.
Neighbouring classes stay apart under protanopia, deuteranopia and tritanopia (Machado 2009; tests/test_maps.py).
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from ui.picture import LegendEntry

SEQUENTIAL = ("#F4BE6E", "#EA9247", "#D15A38", "#9C2440", "#4C0D3E")  # L* 80, 68, 53, 35, 16
DIVERGING = ("#8CF3FE", "#9AD9FA", "#AECAE8", "#C0BEB9", "#E8964A", "#BE432C", "#5E0C33")  # L* 90 to 77 to 20
TWO_WAY = (  # first factor rising to the right (orange), outcome rising upwards (blue), both high darkest
    *("#E8E4DC", "#E9B98A", "#DE8A45"),
    *("#A9BDD6", "#A88F95", "#9C6A55"),
    *("#5A8FC7", "#55698F", "#3B2A3D"),
)
HIDDEN = "#FFFFFF"  # a number that may not be shown: lighter than every class
NOT_SUPPLIED = "#E1DED7"  # no number at all
LAND, AROUND = "#F0EFEA", "#DDE3E7"  # the partnership's land; water and neighbours
COAST, BORDER = "#8C979E", "#4F5B66"
JUDGED = {"dropped": "#6F7F8A", "moved": "#9AA7B0", "here": "#5F74E0"}  # told by people, not by numbers
MARK = "#1D4FD8"  # rings of schools, stations, services
INK, HALO = "#1F2933", "#FFFFFF"  # words on the map, and the edge that keeps them legible

SIGNIFICANCE = {
    3: "hot spot, 99% sure",
    2: "hot spot, 95% sure",
    1: "hot spot, 90% sure",
    0: "as expected",
    -1: "cold spot, 90% sure",
    -2: "cold spot, 95% sure",
    -3: "cold spot, 99% sure",
}
FIFTHS = (0.2, 0.4, 0.6, 0.8)
TAIL = (0.4, 0.7, 0.88, 0.97)  # for skewed counts per cell: the darkest class is the top 3%


def spread(count: int, ramp: tuple[str, ...] = SEQUENTIAL) -> tuple[str, ...]:
    """`count` colours of a ramp, from its light end to its dark end."""
    if count == 1:
        return (ramp[len(ramp) // 2],)
    return tuple(ramp[round(i)] for i in np.linspace(0, len(ramp) - 1, count))


def rgb(colour: str) -> list[int]:
    """A hex colour as the three numbers deck.gl wants."""
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def classed(
    values: pd.Series,
    *,
    scheme: str,
    unit: str = "",
    shares: tuple[float, ...] = FIFTHS,
    breaks: tuple[float, ...] = (),
    labels: dict[int, str] | None = None,
) -> tuple[np.ndarray, list[LegendEntry]]:
    """Which class each value is in, and the legend of the classes that are there.

    values : numbers, or for `class` whole numbers from -3 to 3 or an ordered category; missing is in no class.
    scheme : `count` (more is darker), `diverging` (around zero), `class` (the column is the class) or `two_way` (1 to
    9, as `risk.bivariate_classes` gives them, with their labels).
    unit : what is counted, in the plural ("events"), or the unit of a rate ("per 1,000 people").
    shares : where the classes part, as shares of the values (quantiles that occur, so no class is empty).
    breaks : sizes where diverging classes part, on both sides of zero; worked out when empty.
    labels : words for the classes -3 to 3; those of hot spot significance when missing.

    Returns the position in the legend of each value (-1 for missing), and the legend from less to more.
    """
    known = values[values.notna()]
    if known.empty:
        return np.full(len(values), -1), []
    if scheme == "class":
        steps, words, ramp = _named(known, labels or SIGNIFICANCE)
    elif scheme == "two_way":
        steps, words, ramp = known.to_numpy(int) - 1, [labels[step] for step in range(1, 10)], TWO_WAY
    elif scheme == "diverging":
        steps, words, ramp = _both_sides(known.astype(float), breaks, unit)
    else:
        steps, words, ramp = _upwards(known.astype(float), shares, unit)
    there = np.unique(steps)
    index = np.full(len(values), -1)
    index[values.notna().to_numpy()] = np.searchsorted(there, steps)
    return index, [LegendEntry(ramp[step], words[step]) for step in there]


def figure(value: float) -> str:
    """A number as people read it: thousands parted, two decimals at most, a real minus sign."""
    text = f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) < 100 else f"{value:,.0f}"
    return "0" if text == "-0" else text.replace("-", "−")


def _named(known: pd.Series, labels: dict[int, str]) -> tuple[np.ndarray, list[str], tuple[str, ...]]:
    if isinstance(known.dtype, pd.CategoricalDtype):
        words = [str(word) for word in known.cat.categories]
        ramp = DIVERGING if len(words) > len(SEQUENTIAL) else SEQUENTIAL
        return known.cat.codes.to_numpy(), words, spread(len(words), ramp)
    return known.to_numpy(int) + 3, [labels[step] for step in range(-3, 4)], DIVERGING


def _upwards(known: pd.Series, shares: tuple[float, ...], unit: str) -> tuple[np.ndarray, list[str], tuple[str, ...]]:
    whole = bool((known % 1 == 0).all())
    lows = np.unique([known.min(), *known.quantile(shares, interpolation="higher")])
    if not whole:
        lows = np.unique([known.min(), *_rounded(lows[1:])])
    steps = np.searchsorted(lows, known, side="right") - 1
    lows = lows[np.unique(steps)]  # rounding can leave a class with nothing in it
    steps = np.searchsorted(lows, known, side="right") - 1
    words = _whole_words(lows, known.max(), unit) if whole else _part_words(lows[1:], known.max(), unit)
    return steps, words, spread(len(lows))


def _both_sides(known: pd.Series, breaks: tuple[float, ...], unit: str) -> tuple[np.ndarray, list[str], tuple]:
    sizes = np.array(breaks) if breaks else np.unique(_rounded(known.abs().quantile((0.35, 0.7, 0.92)).to_numpy()))
    sizes = sizes[sizes > 0][:3]
    edges = np.concatenate([-sizes[::-1], sizes])
    steps = np.searchsorted(edges, known, side="right")
    middle = len(DIVERGING) // 2
    return steps, _part_words(edges, known.max(), unit), DIVERGING[middle - len(sizes) : middle + len(sizes) + 1]


def _rounded(values: np.ndarray) -> np.ndarray:
    """To two significant figures, so that a legend can be read aloud."""
    return np.array([float(f"{value:.2g}") for value in values])


def _whole_words(lows: np.ndarray, most: float, unit: str) -> list[str]:
    words = []
    for low, high in zip(lows, [*lows[1:] - 1, most], strict=True):
        span = figure(low) if low == high else f"{figure(low)} to {figure(high)}"
        one = span == "1" and " " not in unit
        words.append(f"{span} {unit.removesuffix('s') if one else unit}".strip())
    return words


def _part_words(edges: np.ndarray, most: float, unit: str) -> list[str]:
    if len(edges) == 0:
        return [f"{figure(most)} {unit}".strip()]
    inner = [f"{figure(low)} to under {figure(high)}" for low, high in pairwise(edges)]
    return [f"{span} {unit}".strip() for span in [f"under {figure(edges[0])}", *inner, f"{figure(edges[-1])} or more"]]
