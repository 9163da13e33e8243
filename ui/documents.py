"""The written side of the app: methods, the data dictionary, and the sources with their terms."""

from pathlib import Path

import pandas as pd
import streamlit as st

from data import definitions
from ui.frame import Page

METHODS = Path(__file__).parent.parent / "docs" / "methods.md"


def methods() -> None:
    """docs/methods.md, a heading at a time; links inside the file are left as words."""
    text = METHODS.read_text(encoding="utf-8")
    opening, *sections = text.split("\n## ")
    st.markdown(opening.split("\n", 1)[1])
    for section in sections:
        heading, body = section.split("\n", 1)
        title, _, functions = heading.partition(" (`")
        with st.expander(title):
            st.markdown(body)
            if functions:
                st.caption(f"In the code: `{functions.rstrip(')')}")


def dictionary(page: Page) -> None:
    """Every column people may meet."""
    rows = [
        {"label": c.label, "unit": c.unit, "definition": c.definition, "column": name}
        for name, c in definitions.columns().items()
    ]
    _shown(page, pd.DataFrame(rows), "What each column means", "dictionary")


def sources(page: Page) -> None:
    """Who records what, on what terms, and what its places mean."""
    rows = [
        {
            "source": s.label,
            "controller": s.controller,
            "licence": s.licence,
            "place_basis": s.basis,
            "frequency": s.frequency,
            "note": s.note,
        }
        for s in definitions.sources().values()
    ]
    _shown(page, pd.DataFrame(rows), "Sources and their terms", "sources")


def _shown(page: Page, rows: pd.DataFrame, title: str, key: str) -> None:
    told = page.release(
        rows, counts=[], title=title, sources=("The definitions of this tool",), basis="", period="", freshness=""
    )
    page.show(told, finding=title, key=key, open_table=True)
