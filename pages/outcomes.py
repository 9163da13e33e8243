"""Outcomes: the logic model as a living table; each measure with its value, how sure it is, and a page of its own."""

import pandas as pd
import streamlit as st

from answers import outcomes
from data import store
from pages.parts import measure
from ui import events, filters, frame, outcome_findings

STAGES = {
    "impact": "Impacts",
    "medium_outcome": "Outcomes",
    "output": "Outputs",
    "activity": "Activities",
    "input": "Inputs",
}

page = frame.open_page("outcomes")
scope = filters.scope(page).but(area=store.ALL, mark="")  # a measure says itself which records it is about


@st.cache_data(show_spinner="Taking stock of every measure…", max_entries=16)
def stock(scope: store.Scope, written: str) -> pd.DataFrame:
    """One row per measure of the logic model. written : the version of the register of events, which limits follow."""
    return outcomes.measures(scope)


with page.explaining():
    if page.visitor.tier == "public":  # its measures name the sources that partners share
        raise store.NotHeld(
            "The outcomes framework is shown to the partnership; what is published stands on other pages."
        )
    scope = scope.but(sources=tuple(store.sources(scope)))
    every = outcome_findings.in_words(stock(scope, events.version(scope)))
known = every.set_index("measure_id", drop=False)
about = {"scope": scope.but(sources=()), "basis": "", "freshness": "", "sources": ("The partnership's logic model",)}
if page.selected() in known.index:
    if st.button("Back to the framework", icon=":material/arrow_back:"):
        page.select(page.selected())
    measure.own_page(page, scope, known.loc[page.selected()], about)
    st.stop()
stage = page.control("stage", st.segmented_control, "Part", list(STAGES), value="impact", format_func=STAGES.get)
part = every[every["stage"] == stage]
told = {"title": f"Outcomes framework: {STAGES[stage].lower()}", "notes": outcome_findings.NOTES} | about
table = page.release(part, counts=[], **told)
columns = ("measure", "value_said", "period", "baseline_said", "signal_said", "data_said", "owner", "needs")
said = outcome_findings.stock(table, STAGES[stage].lower())
page.select(page.show(table, finding=said, key="measures", columns=columns, rows_select="measure_id", open_table=True))
