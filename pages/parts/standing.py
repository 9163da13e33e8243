"""Where one authority stands: the spine of its indicators, the funnel, its like, and itself a year ago."""

import pandas as pd
import streamlit as st

from answers import profile
from data import store
from ui import chart_forest, chart_funnel, chart_spine, profile_findings, profiles, remarks, words
from ui.frame import Page

SPINE = ("name", "period", "here_said", "against", "partnership_said", "region_said", "england_said")
SPINE += ("before_said", "better_side", "unit", "publisher")
EVERY = "every"


@st.cache_data(show_spinner="Setting the indicators against each other…", max_entries=64)
def _standing(scope: store.Scope, benchmark: str) -> pd.DataFrame:
    return profile.standing(scope, benchmark)


@st.cache_data(show_spinner="Looking for its like…", max_entries=32)
def _alike(scope: store.Scope) -> pd.DataFrame:
    return profile.alike(scope)


@st.cache_data(show_spinner="Comparing the authorities…", max_entries=64)
def _compared(scope: store.Scope) -> pd.DataFrame:
    return profile.compared(scope)


@st.cache_data(show_spinner="Looking a year back…", max_entries=64)
def _year_before(scope: store.Scope) -> pd.DataFrame:
    return profile.year_before(scope)


def headlines(page: Page, scope: store.Scope) -> None:
    """Records, rate and residents in large numbers."""
    rows = _compared(scope)
    told = {"period": rows.attrs["period"]} if "period" in rows.attrs else {}
    here = rows[rows["area_code"] == scope.area].reset_index(drop=True)
    title = "Records per 1,000 residents over the period"
    found = page.release(here, counts=["n"], derived=["rate", "lower", "upper"], title=title, scope=scope, **told)
    one, two, three = st.columns(3)
    with one:
        label = page.source_label(scope.sources[0])
        page.headline(found, label="Records in the period", column="n", change=label)
    with two:
        page.headline(found, label="Per 1,000 residents", column="rate", change=remarks.interval(found))
    with three:
        page.headline(found, label="Residents", column="population", change=remarks.residents(found))


def spine(page: Page, scope: store.Scope) -> None:
    """Every indicator against all authorities, the region or England."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        benchmark = page.control(
            "against",
            st.segmented_control,
            "Against",
            list(profile.BENCHMARKS),
            value="partnership",
            format_func=profile_findings.BENCHMARKS.get,
        )
        rows = _standing(scope.but(sources=tuple(store.sources(scope))), benchmark)
        origins = {EVERY: "All of them"} | {origin: origin for origin in dict.fromkeys(rows["publisher"])}
        origin = page.choice("indicators", "Indicators", origins, width=380)
    rows = rows if origin == EVERY else rows[rows["publisher"] == origin].reset_index(drop=True)
    rows = profile_findings.standing(rows, benchmark)
    beside = profile_findings.BENCHMARKS[benchmark]
    told = {"title": f"Indicators against {beside.lower() if benchmark != 'england' else beside}", "scope": scope}
    notes = (*profile_findings.spine_notes(rows, benchmark), *page.kind_of_record(scope))
    told |= {"notes": notes, "basis": "", "freshness": ""}
    told |= {"sources": tuple(dict.fromkeys(rows["publisher"])), "period": "Newest held of each; records: the period"}
    found = page.release(rows, counts=[], derived=["value", "lower", "upper", *profile.BENCHMARKS], **told)
    picture = chart_spine.spine(found, beside=beside) if found.table["at"].notna().any() else None
    page.show(found, picture, finding=profile_findings.spine(found, beside), key="spine", columns=SPINE)


def funnel(page: Page, scope: store.Scope, name: str) -> None:
    """Where the authority lies in the funnel of its rate."""
    rows = _compared(scope)
    told = {"title": "Records per 1,000 residents, by residents", "scope": scope.but(area=store.ALL)}
    told |= {"period": rows.attrs["period"]} if "period" in rows.attrs else {}
    derived = ["rate", "lower", "upper", "benchmark", *chart_funnel.LIMITS]
    rows = rows.assign(rank_said=chart_funnel.ranks(rows), position_said=_positions(rows))
    found = page.release(rows, counts=["n"], derived=derived, **told)
    picture = chart_funnel.funnel(found, per="per 1,000 residents", highlight=name)
    columns = ("name", "rate", "lower", "upper", "rank_said", "position_said", "n")
    page.show(found, picture, finding=profile_findings.funnel(found, name), key="funnel", columns=columns)


def _positions(rows: pd.DataFrame) -> list[str]:
    return [words.value("position", p) for p in rows["position"]]


def alike(page: Page, scope: store.Scope, name: str) -> None:
    """The authorities most like this one, and what they are like."""
    rows = _alike(scope)
    used = rows.attrs["characteristics"]
    rows = rows.assign(authority_name=rows["area_code"].map(page.labels("authority_code")))
    told = {"title": "Most similar authorities", "scope": scope, "notes": profile_findings.alike_notes(used)}
    told |= profiles.open_source("population") | {"period": "Newest held of each characteristic"}
    found = page.release(rows, counts=[], derived=["distance"], **told)
    columns = ("authority_name", "distance", *used)
    said = profile_findings.alike(found, name)
    page.show(found, finding=said, key="alike", columns=columns, open_table=True)


def year_before(page: Page, scope: store.Scope) -> None:
    """The same months a year ago, by offence group."""
    rows = _year_before(scope)
    labels = page.labels("offence_group") | {"all": "All of these"}
    title = "Times as many records as in the same months a year before"
    told = {"title": title, "scope": scope, "notes": profile_findings.YEAR_NOTES}
    told |= {"period": profile_findings.months_compared(rows.attrs)}
    named = rows.assign(offence_group=rows["offence_group"].map(labels))
    found = page.release(named, counts=["n", "n_before"], derived=["ratio", "lower", "upper"], **told)
    found = page.part(found, found.table, title=title)  # the first row is the sum of the others: they are not added up
    picture = chart_forest.forest(
        found, category="offence_group", value="ratio", lower="lower", upper="upper", none=1, **profile_findings.RATIO
    )
    columns = ("offence_group", "n", "n_before", "ratio", "lower", "upper")
    said = profile_findings.year_before(found, rows.attrs["months"])
    page.show(found, picture, finding=said, key="year_before", columns=columns)
