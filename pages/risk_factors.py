"""Risk factors: what goes with violence between areas, and what that does not prove."""

import pandas as pd
import streamlit as st

from answers import risk
from data import store
from pages.parts import risk_models, risk_pair
from ui import chart_forest, filters, frame, remarks, risk_findings, words

LEVELS = {"lsoa": "Small areas (LSOA)", "msoa": "Neighbourhoods (MSOA)", "lad": "Authorities"}
PARTS = {"factors": "What goes with it", "model": "Together, in a model", "unexplained": "What is left unexplained"}
PARTS |= {"inequality": "Inequality", "index": "Index of risk"}
COLUMNS = ("name", "kind", "r", "interval_r", "effective_n", "q_said", "q_naive_said", "areas", "period")

page = frame.open_page("risk_factors")
scope = filters.scope(page)
with st.container(horizontal=True, vertical_alignment="bottom"):
    part = page.control("look", st.segmented_control, "Look at", list(PARTS), value="factors", format_func=PARTS.get)
with st.container(horizontal=True, vertical_alignment="bottom"):
    source = page.one_source(scope)
    scope = scope.but(sources=(source,))
    level = page.choice("level_of_factors", "Between", LEVELS, width=260)
    methods = {"spearman": "Of ranks (Spearman)", "pearson": "Of values (Pearson)"}
    method = page.choice("method", "Correlation", methods, width=240)


@st.cache_data(show_spinner="Setting factors against violence…", max_entries=32)
def ranked(scope: store.Scope, level: str, method: str, controls: tuple[str, ...]) -> pd.DataFrame:
    """One row per factor: its correlation with the rate, raw and adjusted."""
    return risk.correlations(scope, level, method=method, controls=controls)


@st.cache_data(show_spinner=False, max_entries=32)
def steady(scope: store.Scope, level: str) -> dict[str, str]:
    """What may be held steady: its identifier and name."""
    return risk.controls(scope, level)


with page.explaining():
    risk.refuse_found_by_police(scope)
    if level == "lad":
        risk.refuse_few(scope)
    offered = steady(scope, level)
    held = page.several("steady", "Hold steady", offered)
    found = ranked(scope, level, method, held)
outcome = risk_findings.outcome(page.labels("offence_group"), scope)
where = page.labels("authority_code").get(scope.area, "all areas")
st.markdown(f"### {risk_findings.question(outcome, where, level)}")
basis = (page.source_label(source), page.basis(source), found.attrs, risk.months(scope))
left_out = found.attrs["left_out"]
notes = (
    risk_findings.areas_are_not_people(found.attrs, level),
    risk_findings.not_cause(found),
    risk_findings.recording(*basis),
    *((remarks.left_out(left_out),) if left_out else ()),
)
period = {"period": found.attrs["period"]} if found.attrs["period"] else {}
if part == "factors":
    steadily = (f"Held steady: {words.listed(offered[c] for c in held)}",) if held else ()
    notes = (*notes, *steadily)
    told = {"title": "Factors by the strength of their tie", "scope": scope, "notes": notes} | period
    kinds = [words.value("kind", kind) for kind in found["kind"]]
    chances = {f"{q}_said": found[c].map(words.chance) for q, c in (("q", "q_value"), ("q_naive", "q_naive"))}
    rows = found.assign(kind=kinds, interval_r=risk_findings.interval(found), **chances).rename(columns={"n": "areas"})
    shown = page.release(rows, counts=[], derived=["r", "lower", "upper"], **told)
    shape = {"category": "name", "value": "r", "lower": "lower", "upper": "upper", "none": 0, "side": "side"}
    shape |= {"raw": ("raw_lower", "raw_upper")}
    drawn = page.part(shown, shown.table.sort_values("r", ascending=False), title=told["title"])
    picture = chart_forest.forest(drawn, **shape, heading="Correlation (95%)", key=risk_findings.KEY)
    said = risk_findings.ranked(shown)
    how = {"columns": COLUMNS, "rows_select": "factor", "open_table": True}
    page.turn_to("closer", page.show(shown, picture, finding=said, key="factors", **how))
    factor = page.choice("closer", "Look closer at", dict(zip(found["factor"], found["name"], strict=True)), width=520)
    with page.explaining(go_on=True):
        row = found.set_index("factor", drop=False).loc[factor]
        risk_pair.shown(page, scope, level, row, (method, held), {"notes": notes} | period)
elif part == "inequality":
    with page.explaining(go_on=True):
        risk_models.inequality(page, scope, {"notes": notes} | period)
else:
    first = risk.one_of_each(found) if part == "index" else risk.chosen(found)
    names = dict(zip(found["factor"], found["name"], strict=True))
    picked = page.several(
        "of_index" if part == "index" else "factors", "Factors", names, first=first, most=risk.MOST_IN_MODEL
    )
    with page.explaining(go_on=True):
        {"model": risk_models.model, "unexplained": risk_models.unexplained, "index": risk_models.index}[part](
            page, scope, level, picked, {"notes": notes} | period
        )
