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


def beneath(page: Page, scope: store.Scope, level: str, size_m: int, found: Release, noun: str, show: str) -> None:
    """What is asked for beneath the map: nothing, unless somebody wants it. show : what the map shows."""
    about = {name: said for name, said in shows.BENEATH.items() if not store.banded_sources(scope) or name == "no"}
    told = {"value": "no", "format_func": about.get, "disabled": len(about) == 1}
    chosen = page.control("score", st.segmented_control, "Beneath the map", list(about), **told)
    if chosen == "few":
        _concentration(page, scope, level, size_m, found, noun)
    elif chosen == "yes":
        _board(page, scope, level, size_m, over_time.DENSITY if show == "density" else over_time.GI)


@st.cache_data(show_spinner=False, max_entries=64)
def _shares(scope: store.Scope, level: str, size_m: int, _counts: pd.Series) -> pd.DataFrame:
    few = [uneven.share_of_places(_counts, share)["share_of_places"].iat[0] for share in SHARES]
    found = pd.DataFrame({"share_of_events": SHARES, "share_of_places": few})
    found.attrs["gini"] = uneven.gini_by_chance(_counts, generalised=True, simulations=199).iloc[0].to_dict()
    return found


def _concentration(page: Page, scope: store.Scope, level: str, size_m: int, found: Release, noun: str) -> None:
    """How few places hold a quarter, half and four fifths of the records, against chance."""
    counts = found.table["n"].dropna()
    if not counts.sum() > 0:
        return
    shares = _shares(scope, level, size_m, counts)
    rows = shares.assign(share_of_events=[f"{words.percent(s)} of the records" for s in shares["share_of_events"]])
    notes = (map_findings.gini(shares.attrs["gini"]),)
    title = "How few places hold them"
    release = page.release(rows, counts=[], derived=["share_of_places"], title=title, scope=scope, notes=notes)
    bars = charts.bars(release, category="share_of_events", value="share_of_places", in_order=True)
    page.show(release, bars, finding=map_findings.concentrated(release, len(counts), noun), key="concentration")


def _board(page: Page, scope: store.Scope, level: str, size_m: int, ranked_by: str) -> None:
    """PAI, PEI*, hit rate and RRI of the map on months held out, against the plain count and against chance."""
    scores = beside.answer(partial(over_time.scoreboard, scope, level, size_m), "Scoring the months held out")
    if scores is None:
        return
    months = scores.attrs["months"]
    about = {"title": "Maps scored on months held out", "period": words.period(months[0], months[-1])}
    release = page.release(scores, counts=[], derived=[*shows.SCORES[3:-1]], scope=scope, **about)
    said = map_findings.scoreboard(release, ranked_by, over_time.PLAIN, over_time.COVERED)
    page.show(release, finding=said, key="scoreboard", columns=shows.SCORES, open_table=True)
