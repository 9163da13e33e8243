"""A measure of the outcomes framework on a page of its own: its series, its particulars, and what stands behind it."""

import pandas as pd
import streamlit as st

from answers import outcomes
from data import store
from ui import chart_matrix, chart_ranges, chart_rare, charts, events, outcome_findings, words
from ui.frame import Page

CONTROL = ("XmR", "p")
COLUMNS = ("period", "value", "lower", "upper", "rule")


@st.cache_data(show_spinner="Looking at the measure…", max_entries=64)
def _periods(scope: store.Scope, measure: str, version: str, written: str) -> pd.DataFrame:
    if measure == outcomes.LOCAL:
        return outcomes.told(scope, outcomes.of_version(version))
    return outcomes.series(scope, measure)


@st.cache_data(show_spinner=False, max_entries=64)
def _standing(scope: store.Scope, version: str, written: str) -> pd.DataFrame:
    return pd.DataFrame([outcomes.standing(scope, outcomes.of_version(version))])


def own_page(page: Page, scope: store.Scope, chosen: pd.Series, about: dict) -> None:
    """Everything about one measure. about : where its figures come from, if not from one source."""
    version, written = "", events.version(scope)
    if origin := outcomes.origin(chosen["measure_id"]):  # figures of a register, not of the logic model itself
        about = about | {"sources": (origin,)}
    if chosen["measure_id"] == outcomes.LOCAL:
        version = page.choice("version", "Definition of serious violence", outcomes.versions(), width=420)
        chosen = outcome_findings.in_words(_standing(scope, version, written)).iloc[0]
    st.markdown(f"### {outcome_findings.title(chosen)}")
    st.caption(outcome_findings.about(chosen))
    with page.explaining(go_on=True):
        rows = _periods(scope, chosen["measure_id"], version, written)
        source = str(chosen["source"])
        if len(rows) < outcome_findings.FEWEST_DRAWN:
            raise store.NotHeld(outcome_findings.single(chosen))
        _series(page, rows, chosen, {"scope": scope.but(sources=(source,)), "freshness": ""} if source else about)
        _behind(page, scope, rows, chosen, about)
    _particulars(page, chosen, about)


def _particulars(page: Page, chosen: pd.Series, about: dict) -> None:
    """Definition, owner, baseline, target and care in one small table."""
    rows = outcome_findings.particulars(chosen)
    found = page.release(rows, counts=[], title=f"{chosen['measure']}: particulars", **about)
    page.show(found, finding=outcome_findings.one_line(chosen), key="particulars", open_table=True)


def _series(page: Page, rows: pd.DataFrame, chosen: pd.Series, about: dict) -> None:
    drawn, notes = outcome_findings.drawn(rows, chosen), outcome_findings.how(rows)
    told = {"title": str(chosen["measure"]), "period": outcome_findings.span(rows), "notes": notes} | about
    found = page.release(drawn, counts=[], derived=["value", "centre", "lower", "upper"], **told)
    if rows.attrs["chart"] == "p":
        picture = chart_rare.meetings(found)
    elif rows.attrs["chart"] in CONTROL:
        picture = charts.trend(found, value="value", control=True)
    elif drawn["value"].isna().any():  # what is withheld leaves a range, which is no value with an interval
        heading = str(chosen["unit"]).capitalize()
        picture = chart_ranges.ranges(found, category="period", low="lower", high="upper", heading=heading)
    else:
        picture = charts.bars(found, category="period", value="value", lower="lower", upper="upper", in_order=True)
    page.show(found, picture, finding=outcome_findings.one(found, chosen), key="measure", columns=COLUMNS)


def _behind(page: Page, scope: store.Scope, rows: pd.DataFrame, chosen: pd.Series, about: dict) -> None:
    """What stands behind figures of the partnership's registers: who came, who said it, who was reached."""
    measure = outcomes.measure(chosen["measure_id"])
    period = {"period": outcome_findings.span(rows)}
    if measure.forums:
        matrix = outcomes.attendance_matrix(scope, measure.forums[0] if len(measure.forums) == 1 else "")
        matrix = matrix.assign(quarter_said=matrix["quarter"].map(words.quarter_short))
        found = page.release(matrix, counts=[], derived=["share"], title="Attendance by authority", **period, **about)
        shape = {"row": "authority_class", "column": "quarter_said", "value": "share", "of": "meeting"}
        picture = chart_matrix.shares(found, **shape, heading="Share of meetings attended, by quarter")
        columns = ("authority_class", "quarter", "meetings", "meetings_attended", "share")
        page.show(found, picture, finding=outcome_findings.attendance(found), key="matrix", columns=columns)
    if measure.question:
        cohorts = outcomes.survey_cohorts(scope, measure.question)
        found = page.release(cohorts, counts=[], derived=["value", "lower", "upper"], title="By age", **period, **about)
        bars = charts.bars(found, category="cohort", value="value", lower="lower", upper="upper", in_order=True)
        columns = ("cohort", "wave", "n", "value", "lower", "upper")
        page.show(found, bars, finding=outcome_findings.cohorts(found), key="cohorts", columns=columns)
    if measure.counted:
        reached = outcomes.people_reached(scope)
        reached = reached.assign(reached_kind=[words.value("reached_kind", kind) for kind in reached["reached_kind"]])
        found = page.release(reached, counts=["n"], title="People reached, by quarter", **period, **about)
        columns = ("reached_kind", "period", "n", "programmes", "returned")
        said = outcome_findings.reached(found)
        page.show(found, finding=said, key="reached", columns=columns, open_table=True)
