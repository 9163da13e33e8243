"""The front door: the menu this visitor may see and the one filter bar; then it runs the chosen page."""

import streamlit as st

from ui import filters, frame, style

st.set_page_config(page_title="Violence Hotspot and Risk Explorer", page_icon="📍", layout="wide")
style.apply()
frame.enter()
page = st.navigation(frame.menu(), position="top")
filters.bar(frame.name_of(page))
page.run()
