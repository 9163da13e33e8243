"""Data tracker: which data we hold, how fresh and how complete they are."""

import streamlit as st

from ui import chart_data, frame, remarks, tables

DELIVERY = ("source", "file", "received", "first_month", "last_month", "rows_read", "accepted", "quarantined")
DELIVERY += ("duplicate", "unplaced", "status")

page = frame.open_page("data_tracker")

with page.explaining():
    fresh = tables.freshness(page)
    page.show(fresh, finding=remarks.freshness(fresh), key="fresh", open_table=True)
    held = tables.months_held(page)
    if len(held.table):
        page.show(held, chart_data.months_held(held), finding=remarks.months_held(held), key="held")

left, right = st.columns(2)
with left, page.explaining():
    if page.scope.sources:
        filled = tables.completeness(page)
        page.show(filled, chart_data.completeness(filled), finding=remarks.completeness(filled), key="filled")
with right, page.explaining():
    aside = tables.set_aside(page)
    page.show(aside, finding=remarks.set_aside(aside), key="aside", open_table=True)

with page.explaining():
    flagged = tables.flags(page)
    page.show(
        flagged, finding=remarks.flagged(flagged), key="flags", columns=("source", "month", "reason"), open_table=True
    )
    loads = tables.loads(page)
    page.show(loads, finding=remarks.loads(loads), key="loads", columns=DELIVERY, open_table=True)
