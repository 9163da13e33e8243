"""The register of events beneath the trends: what every chart marks, and where named members write in it."""

import datetime

import pandas as pd
import streamlit as st

from answers import event_book
from data import store
from ui import trend_findings, words
from ui.frame import Page

COLUMNS = ("date", "until", "event_kind", "area", "note", "rebase", "by")


def shown(page: Page, scope: store.Scope) -> None:
    """The events in force, with a form to add one and a way to undo one."""
    rows = event_book.in_force(scope)
    told = rows.assign(event_kind=[words.value("event_kind", kind) for kind in rows["event_kind"]])
    about = {"title": "Register of events", "scope": scope.but(sources=()), "period": "All that is held", "basis": ""}
    about |= {"sources": ("The partnership's register of events",), "freshness": ""}
    found = page.release(told, counts=[], notes=trend_findings.REGISTER, **about)
    columns = COLUMNS if page.visitor.tier == "restricted" else COLUMNS[:-1]
    said = trend_findings.register(found)
    clicked = page.show(found, finding=said, key="register", columns=columns, rows_select="id", open_table=True)
    if page.visitor.tier == "restricted":
        _form(page, scope)
        _undoing(page, scope, told[told["id"] != ""], clicked)


def _form(page: Page, scope: store.Scope) -> None:
    kinds = {kind: words.value("event_kind", kind) for kind in event_book.KINDS}
    areas = {store.ALL: "Whole area"} | page.labels("authority_code")
    with st.expander("Add an event", icon=":material/event:"), st.form("event", border=False, clear_on_submit=False):
        one, two, three, four = st.columns(4)
        kind = one.selectbox("Kind", list(kinds), format_func=kinds.get)
        area = two.selectbox("Where", list(areas), format_func=areas.get)
        date = three.date_input("First day", value=None, format="DD/MM/YYYY")
        until = four.date_input("Last day, if it lasts", value=None, format="DD/MM/YYYY")
        note = st.text_input("What happened, in plain words and naming nobody", max_chars=120)
        rebase = st.checkbox("Levels before and after cannot be compared: control limits begin anew")
        closed = st.checkbox("For named members alone (operations always are)")
        if st.form_submit_button("Keep this event"):
            told = {"kind": kind, "area": area, "note": note, "rebase": rebase, "closed": closed}
            _keep(page, scope, date, until, told)


def _keep(
    page: Page, scope: store.Scope, date: datetime.date | None, until: datetime.date | None, told: dict[str, object]
) -> None:
    try:
        event_book.record(scope, date=date, until=until, by=page.visitor.name, **told)
    except event_book.EventRefused as why:
        st.error(words.plain(str(why)))
        return
    st.rerun()


def _undoing(page: Page, scope: store.Scope, written: pd.DataFrame, clicked: str | None) -> None:
    if written.empty:
        return
    labels = dict(zip(written["id"], written["date"].map(words.month) + ": " + written["note"], strict=True))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = list(labels).index(clicked) if clicked in labels else 0
        which = st.selectbox("Event to undo", list(labels), index=first, format_func=labels.get, width=560)
        if st.button("Undo", icon=":material/undo:", key="undo_event"):
            try:
                event_book.undo(scope, which, by=page.visitor.name)
            except event_book.EventRefused as why:
                st.error(words.plain(str(why)))
                return
            st.rerun()
