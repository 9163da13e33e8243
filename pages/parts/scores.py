"""Under the map: how concentrated it is, and whether maps like it would have worked on months held out."""

from functools import partial

import pandas as pd
import streamlit as st

from analytics import concentration as uneven
from analytics.disclosure import Release
from answers import over_time
from data import store
from ui import beside, charts, map_findings, shows, words
from ui.frame import Page

SHARES = (0.25, 0.5, 0.8)  # of the records: how few places hold them


@st.cache_data(show_spinner=False, max_entries=64)
def _shares(counts: tuple[float, ...]) -> pd.DataFrame:
    n = pd.Series(counts)
    few = [uneven.share_of_places(n, share)["share_of_places"].iat[0] for share in SHARES]
    found = pd.DataFrame({"share_of_events": SHARES, "share_of_places": few})
    by_chance = uneven.gini_by_chance(n, generalised=True, simulations=199).iloc[0]
    found.attrs["gini"] = by_chance.to_dict()
    return found


def concentration(page: Page, scope: store.Scope, found: Release, noun: str) -> None:
    """How few places hold a quarter, half and four fifths of the records, against chance."""
    counts = found.table["n"].dropna()
    if not counts.sum() > 0 or store.banded_sources(scope):
        return
    shares = _shares(tuple(counts))
    rows = shares.assign(share_of_events=[f"{words.percent(s)} of the records" for s in shares["share_of_events"]])
    notes = (map_findings.gini(shares.attrs["gini"]),)
    title = "How few places hold them"
    release = page.release(rows, counts=[], derived=["share_of_places"], title=title, scope=scope, notes=notes)
    bars = charts.bars(release, category="share_of_events", value="share_of_places", in_order=True)
    page.show(release, bars, finding=map_findings.concentrated(release, len(counts), noun), key="concentration")


def board(page: Page, scope: store.Scope, level: str, size_m: int, *, disabled: bool) -> None:
    """PAI, PEI*, hit rate and RRI of the map on months held out, against the plain count and against chance."""
    told = {"value": "no", "format_func": shows.HELD_OUT.get, "disabled": disabled}
    if page.control("score", st.segmented_control, "Would it have worked?", list(shows.HELD_OUT), **told) != "yes":
        return
    scores = beside.answer(partial(over_time.scoreboard, scope, level, size_m), "Scoring the months held out")
    if scores is None:
        return
    months = scores.attrs["months"]
    about = {"title": "Maps scored on months held out", "period": words.period(months[0], months[-1])}
    release = page.release(scores, counts=[], derived=[*shows.SCORES[3:-1]], scope=scope, **about)
    said = map_findings.scoreboard(release, over_time.GI, over_time.PLAIN, over_time.COVERED)
    page.show(release, finding=said, key="scoreboard", columns=shows.SCORES, open_table=True)
