"""A person's judgement on a hotspot: set it aside or say where it belongs, with a reason; shown to all, undoable."""

import pandas as pd
import streamlit as st

from answers import judged
from data import store
from ui import words
from ui.frame import Page

KINDS = {
    "dropped": "Set it aside: the records are there because of who records them",
    "moved": "It belongs to a place beside it",
}
NEXT_TO = 3  # cells, or the nearest areas: how far a hotspot may be moved
OFFERED = 36  # places to choose from


def form(page: Page, scope: store.Scope, level: str, places: pd.DataFrame, chosen: pd.Series) -> None:
    """The form under the profile of a place, for named members."""
    if page.visitor.tier != "restricted" or level == "lad":
        return
    key = "cell_id" if level == "hex" else "area_code"
    with st.expander("Judge this hotspot", icon=":material/gavel:"), st.form(f"judge_{chosen[key]}", border=False):
        st.caption(
            "For what the map cannot know: a prison, a custody suite, a hospital's car park. No number changes; the "
            "place is marked, leaves the list, and everybody who sees this source sees the reason. It can be undone."
        )
        kind = st.radio("Judgement", list(KINDS), format_func=KINDS.get)
        near = _beside(places, chosen, key)
        to = st.selectbox("The place it belongs to (only if it belongs elsewhere)", list(near), format_func=near.get)
        reason = st.text_input("Reason, of a place and never of a person", max_chars=300)
        if st.form_submit_button("Keep this judgement"):
            _keep(page, scope, level, chosen[key], kind, reason, to if kind == "moved" else "")


def kept(page: Page, scope: store.Scope, level: str, judgements: pd.DataFrame, places: pd.DataFrame, key: str) -> None:
    """The judgements in force, with their reasons, for everybody who may see this source."""
    if judgements.empty:
        return
    names = places.set_index(key)["place"]
    rows = judgements.assign(
        place=judgements["place"].map(names).fillna("A place outside this area"),
        moved_to=judgements["moved_to"].map(names).fillna(""),
        judged=[words.value("judged", kind) for kind in judgements["kind"]],
    )
    title = "Judgements of hotspots"
    release = page.release(rows, counts=[], title=title, scope=scope, notes=("A judgement changes no number",))
    are = "is" if len(rows) == 1 else "are"
    said = f"{words.count(len(rows), 'hotspot')} {are} marked by people who know the place."
    columns = ("place", "judged", "moved_to", "reason", "by", "at")
    how = {"rows_select": "id", "open_table": True, "kept_back": store.kept_back(scope, level)}
    row = page.show(release, finding=said, key="judged", columns=columns, **how)
    if page.visitor.tier == "restricted":
        _undoing(page, scope, judgements, rows, row)


def named(places: pd.DataFrame, judgements: pd.DataFrame, key: str) -> pd.DataFrame:
    """Places with the name of where they belong, where somebody said so."""
    if judgements.empty:
        return places
    moved = judgements[judgements["kind"] == "moved"].set_index("place")["moved_to"]
    names = places.set_index(key)["place"]
    belongs = places[key].map(moved).map(names)
    said = belongs + " (by judgement; records at " + places["place"] + ")"
    found = places.assign(place=said.fillna(places["place"]))
    found.attrs = places.attrs
    return found


def _beside(places: pd.DataFrame, chosen: pd.Series, key: str) -> dict[str, str]:
    """The nearest places, the nearest first: key to name and where it lies."""
    east, north = places["x"] - chosen["x"], places["y"] - chosen["y"]
    away = (east**2 + north**2) ** 0.5
    near = places.assign(away=away, east=east, north=north)[places[key] != chosen[key]].nsmallest(OFFERED, "away")
    if key == "cell_id":
        near = near[near["away"] <= (NEXT_TO + 0.1) * float(chosen[key].split(":")[0])]
    return {row[key]: f"{_said(row)}, {row['away']:,.0f} m {_bearing(row)}" for _, row in near.iterrows()}


def _said(row: pd.Series) -> str:
    return row["place"] if pd.notna(row["place"]) else "A place without records"


def _bearing(row: pd.Series) -> str:
    north = "north" if row["north"] > abs(row["east"]) / 2 else "south" if row["north"] < -abs(row["east"]) / 2 else ""
    east = "east" if row["east"] > abs(row["north"]) / 2 else "west" if row["east"] < -abs(row["north"]) / 2 else ""
    return f"to the {north}{'-' if north and east else ''}{east}"


def _keep(page: Page, scope: store.Scope, level: str, place: str, kind: str, reason: str, to: str) -> None:
    try:
        judged.record(scope, level=level, place=place, kind=kind, reason=reason, by=page.visitor.name, moved_to=to)
    except judged.JudgementRefused as why:
        st.error(words.plain(str(why)))
        return
    st.rerun()


def _undoing(page: Page, scope: store.Scope, judgements: pd.DataFrame, rows: pd.DataFrame, clicked: str | None) -> None:
    labels = dict(zip(rows["id"], rows["place"] + ": " + rows["reason"], strict=True))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = list(labels).index(clicked) if clicked in labels else 0
        which = st.selectbox("Judgement to undo", list(labels), index=first, format_func=labels.get, width=560)
        if st.button("Undo", icon=":material/undo:"):
            try:
                judged.undo(scope, which, by=page.visitor.name)
            except judged.JudgementRefused as why:
                st.error(words.plain(str(why)))
                return
            st.rerun()
