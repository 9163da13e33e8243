"""The app as one visitor meets it, without a browser: a page is opened, and all that was sent to it can be read."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from streamlit import dataframe_util
from streamlit.testing.v1 import AppTest

from ui import frame

ROOT = Path(__file__).parent.parent
BAR = "filter_bar"


@dataclass
class Card:
    """One card of a page: what it says, what it draws, what it offers to take away."""

    finding: str = ""
    note: str = ""
    tables: list[pd.DataFrame] = field(default_factory=list)
    charts: list[tuple[dict, dict[str, pd.DataFrame]]] = field(default_factory=list)  # Vega-Lite and its data by name
    maps: list[str] = field(default_factory=list)  # as JSON
    files: dict[str, str] = field(default_factory=dict)  # label of the button: id of the file behind it


def opened(page: str = "overview", *, tier: str = "restricted", link: dict | None = None) -> AppTest:
    """A page for a visitor of a tier who followed a link with these parameters."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in (link or {}).items():
        app.query_params[name] = value
    app.session_state["view_as"] = tier
    return turned(app, page)


def turned(app: AppTest, page: str) -> AppTest:
    """The same visitor on another page."""
    return app.switch_page(f"pages/{page}.py").run()


def clicked(app: AppTest, label: str) -> AppTest:
    """After a click on a button of the page.

    AppTest runs the file of a page before the front door does, and what sends it round loses the click: so the run of
    a click is let in as one that came through the front door, with the scope that the bar stood for.
    """
    next(button for button in app.button if button.label == label).click()
    app.session_state[frame.ENTERED] = True
    return app.run()


def alone(page: str) -> AppTest:
    """The file of a page run by itself, without the front door."""
    return AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=60).run()


def troubles(app: AppTest) -> list[str]:
    """What went wrong on the page."""
    return [e.value for e in (*app.exception, *app.error)]


def heading(app: AppTest) -> str:
    return next(m.value for m in app.markdown if m.value.startswith("## "))


def cards(app: AppTest) -> dict[str, Card]:
    """The cards of the page by their key."""
    blocks = (node for node in _nodes(app) if "-card_" in getattr(node.proto, "id", "") and _children(node))
    return {block.proto.id.split("-card_")[1]: _card(block) for block in blocks}


def bar(app: AppTest) -> list[str]:
    """The labels of what stands in the filter bar."""
    found = [node for node in _nodes(app) if getattr(node.proto, "id", "").endswith(f"-{BAR}") and _children(node)]
    return [node.proto.label for block in found for node in _below(block) if hasattr(node.proto, "label")]


def everything(app: AppTest) -> str:
    """All text and all numbers that were sent to the visitor, but the files behind the buttons."""
    return "\n".join(part for node in _nodes(app) for part in _texts(node))


def _card(block: object) -> Card:
    card = Card()
    for node in _below(block):
        kind, proto = node.type, node.proto
        if kind == "markdown" and not card.finding:
            card.finding = node.value.removeprefix("#### ").replace("\\", "")
        elif kind == "caption" and not card.note:
            card.note = node.value.replace("\\", "")
        elif kind == "bidi_component":  # our map of areas, whose message has room for a table and none in it
            card.maps.append(str(proto))
        elif kind == "arrow_data_frame" or hasattr(proto, "arrow_data"):
            card.tables.append(_frame(proto.arrow_data.data))
        elif kind == "vega_lite_chart":
            card.charts.append((json.loads(proto.spec), {d.name: _frame(d.data.data) for d in proto.datasets}))
        elif kind == "deck_gl_json_chart":
            card.maps.append(proto.json)
        elif kind == "download_button":
            card.files[proto.label] = proto.deferred_file_id
    return card


def _texts(node: object) -> Iterator[str]:
    proto = node.proto
    if node.type == "vega_lite_chart":
        yield proto.spec
        yield from (_frame(d.data.data).to_csv() for d in proto.datasets)
    elif hasattr(proto, "arrow_data") and node.type != "bidi_component":
        yield _frame(proto.arrow_data.data).to_csv()
    elif node.type == "deck_gl_json_chart":
        yield proto.json
    elif proto is not None:
        yield str(proto)


def _frame(arrow: bytes) -> pd.DataFrame:
    return dataframe_util.convert_arrow_bytes_to_pandas_df(arrow).reset_index(drop=True)


def _nodes(app: AppTest) -> Iterator[object]:
    yield from _below(app._tree)


def _below(block: object) -> Iterator[object]:
    for child in _children(block):
        yield child
        yield from _below(child)


def _children(node: object) -> list:
    return list(getattr(node, "children", {}).values())


def told(app: AppTest, read: Callable = lambda e: e.value) -> list[str]:
    """The calm notes on the page."""
    return [read(e) for e in app.info]
