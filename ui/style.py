"""The one place where the page's own style sheet stands: constants only, reviewed by reading it."""

import streamlit as st

CSS = """
<style>
.stMainBlockContainer { padding: 3.4rem 2rem 2rem; }
.stMain h2 { font-size: 1.5rem; padding: 0.2rem 0 0.4rem; }
.stMain h3 { font-size: 1.25rem; padding: 0.4rem 0 0; }
.stMain h4 { font-size: 1.06rem; line-height: 1.35; padding: 0 0 0.2rem; font-weight: 600; }
.stMain [data-testid="stCaptionContainer"] p { font-size: 0.82rem; line-height: 1.35; }
[data-testid="stAlert"] { margin-top: 0.35rem; }
.st-key-filter_bar { gap: 0.6rem; }
.st-key-filter_bar label p { font-size: 0.82rem; }
@media print { [data-testid="stHeader"], .st-key-filter_bar { display: none; } }
</style>
"""
MEETING = """
<style>
[data-testid="stHeader"], .st-key-filter_bar, .stMain h2 { display: none; }
.stMainBlockContainer { padding: 0.6rem 1.2rem 1rem; }
.stMain h4 { font-size: 1.35rem; }
</style>
"""


def meeting() -> None:
    """The map and the list alone, larger: for a screen at the end of a room."""
    st.html(MEETING)


def apply() -> None:
    """Put the style sheet into the page; once per run, from the front door."""
    st.html(CSS)
