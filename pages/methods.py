"""Methods: how each figure is made, and when it misleads."""

import streamlit as st

from ui import documents, frame

page = frame.open_page("methods")
methods, definitions, sources = st.tabs(["Methods", "What each column means", "Sources"])
with methods:
    documents.methods()
with definitions:
    documents.dictionary(page)
with sources:
    documents.sources(page)
