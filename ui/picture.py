"""What a chart or map hands to the page: the live picture, the same picture for a file, and its words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import altair


class LegendEntry(NamedTuple):
    """One line of a legend as drawn: the colour and what it stands for, with units."""

    colour: str
    label: str


@dataclass(frozen=True)
class Picture:
    """One picture of a Release, drawn once for the screen and once for a file.

    kind: "altair", "deck" or "areas" (which Streamlit element shows `live`).
    live: an altair chart, a pydeck Deck, or the dict of data for ui.area_canvas.
    still: makes the same picture as an altair chart on white, for export.
    alt: the text alternative.
    legend: what the colours mean, for pictures that draw no legend themselves (maps). The page shows it beside `live`
        and the export draws it under `still`, so neither holds it; charts carry their own and leave it empty.
    classes_only: its colours stand for verdicts (hotspot, more, fewer), not for numbers: it may be taken away where
        numbers may not.
    selects: name of the id column a click returns; empty when nothing can be selected.
    """

    kind: str
    live: object
    still: Callable[[], altair.Chart]
    alt: str
    legend: tuple[LegendEntry, ...] = ()
    legend_title: str = ""
    height: int = 480
    selects: str = ""
    classes_only: bool = False
