"""Outcomes: the logic model as a living table; each measure with its value, how sure it is, and what would fill it."""

import pandas as pd
import streamlit as st

from answers import outcomes
from data import store
from ui import chart_ranges, charts, filters, frame, outcome_findings

STAGES = {
    "impact": "Impacts",
    "medium_outcome": "Outcomes",
    "output": "Outputs",
    "activity": "Activities",
    "input": "Inputs",
}

page = frame.open_page("outcomes")
scope = filters.scope(page).but(area=store.ALL)
stage = page.control("stage", st.segmented_control, "Part", list(STAGES), value="impact", format_func=STAGES.get)


@st.cache_data(show_spinner="Taking stock of every measure…", max_entries=16)
def stock(scope: store.Scope) -> pd.DataFrame:
    """One row per measure of the logic model."""
    return outcomes.measures(scope)


@st.cache_data(show_spinner="Looking at the measure…", max_entries=64)
def periods(scope: store.Scope, measure: str) -> pd.DataFrame:
    """The periods of one measure."""
    return outcomes.series(scope, measure)


with page.explaining():
    if page.visitor.tier == "public":  # its measures name the sources that partners share
        raise store.NotHeld(
            "The outcomes framework is shown to the partnership; what is published stands on other pages."
        )
    every = stock(scope.but(sources=tuple(store.sources(scope))))
every = outcome_findings.in_words(every)
part = every[every["stage"] == stage]
about = {"scope": scope.but(sources=()), "basis": "", "freshness": "", "sources": ("The partnership's logic model",)}
told = {"title": f"Outcomes framework: {STAGES[stage].lower()}", "notes": outcome_findings.NOTES} | about
table = page.release(part, counts=[], **told)
columns = ("measure", "value_said", "period", "baseline_said", "signal_said", "data_said", "owner", "needs")
said = outcome_findings.stock(table, STAGES[stage].lower())
row = page.show(table, finding=said, key="measures", columns=columns, rows_select="measure_id", open_table=True)
page.select(row)
selected = page.selected()
known = every.set_index("measure_id", drop=False)
filled = part[part["value"].notna() | part["upper"].notna()]
chosen = known.loc[selected] if selected in known.index else (filled if len(filled) else part).iloc[0]
st.markdown(f"### {outcome_findings.title(chosen)}")
st.caption(outcome_findings.about(chosen))
try:
    rows = periods(scope.but(sources=tuple(store.sources(scope))), chosen["measure_id"])
except store.NotHeld as reason:
    st.info(str(reason))
    st.stop()
if len(rows) < outcome_findings.FEWEST_DRAWN:
    st.info(outcome_findings.single(chosen))
    st.stop()
drawn = outcome_findings.drawn(rows, chosen)
notes = outcome_findings.how(rows)
source = str(chosen["source"])
about = {"scope": scope.but(sources=(source,)), "freshness": ""} if source else about
told = {"title": str(chosen["measure"]), "period": outcome_findings.span(rows), "notes": notes} | about
found = page.release(drawn, counts=[], derived=["value", "centre", "lower", "upper"], **told)
if rows.attrs["chart"] == "XmR":
    picture = charts.trend(found, value="value", control=True)
elif drawn["value"].isna().any():  # what is withheld leaves a range, which is no value with an interval
    heading = str(chosen["unit"]).capitalize()
    picture = chart_ranges.ranges(found, category="period", low="lower", high="upper", heading=heading)
else:
    picture = charts.bars(found, category="period", value="value", lower="lower", upper="upper", in_order=True)
columns = ("period", "value", "lower", "upper", "rule")
page.show(found, picture, finding=outcome_findings.one(found, chosen), key="measure", columns=columns)
