"""One factor against violence: scatter and two-way map linked by selection, its gradient, and the same elsewhere."""

import pandas as pd
import streamlit as st

from answers import risk
from data import store
from ui import atlas, chart_forest, chart_scatter, charts, filters, maps, risk_findings, words
from ui.frame import Page

RATE = "Records per 1,000 residents"
TWO_WAY = {1: "low, low", 2: "middle, low", 3: "high, low", 4: "low, middle", 5: "middle, middle"}
TWO_WAY |= {6: "high, middle", 7: "low, high", 8: "middle, high", 9: "high, high"}


@st.cache_data(show_spinner="Looking closer…", max_entries=64)
def _pair(scope: store.Scope, level: str, factor: str) -> pd.DataFrame:
    return risk.pair(scope, level, factor)


@st.cache_data(show_spinner="Asking elsewhere…", max_entries=64)
def _elsewhere(scope: store.Scope, level: str, factor: str, method: str, steady: tuple[str, ...]) -> pd.DataFrame:
    return risk.elsewhere(scope, level, factor, method=method, controls=steady)


def shown(page: Page, scope: store.Scope, level: str, factor: pd.Series, how_made: tuple, about: dict) -> None:
    """All that is told of one factor. factor : its row of `risk.correlations`. how_made : its method, and what was held
    steady."""
    rows = _pair(scope, level, factor["factor"])
    names = dict(zip(rows["area_code"], words.place(rows["name"], rows["everyday_name"]), strict=True))
    chosen = page.choice("place", "Find an area", {"": "None"} | names, width=420)
    name, unit = factor["name"], "" if factor["unit"] == "as published" else f" ({factor['unit']})"
    rows = rows.assign(place=words.place(rows["name"], rows["everyday_name"]), selected=rows["area_code"].eq(chosen))
    kept = store.kept_back(scope, level)
    told = about | {"title": f"{name} and violence", "scope": scope}
    told |= {"notes": (f"{name}: {factor['made']}", *about["notes"])}
    found = page.release(rows, counts=["n"], derived=["rate"], **told)
    columns = ("place", "factor_value", "rate", "n", "residents", "tenth")
    left, right = st.columns(2)
    with left:
        picture = chart_scatter.scatter(found, x="factor_value", y="rate", x_title=f"{name}{unit}", y_title=RATE)
        said = risk_findings.scatter(found, name, factor, "; others held steady" if how_made[1] else "")
        page.show(found, picture, finding=said, key="scatter", columns=columns, kept_back=kept)
    with right:
        shape = {"shapes": atlas.outlines(scope, level), "context": atlas.ground(scope), "view": atlas.camera(scope)}
        title = "The factor, then violence, in thirds"
        drawn = maps.areas(
            found,
            colour="bivariate_class",
            scheme="two_way",
            labels=TWO_WAY,
            title=title,
            selected=chosen or None,
            **shape,
        )
        both = int(rows["bivariate_class"].eq(9).sum())
        said = f"{words.count(both, 'area')} are in the highest third of both {name} and violence."
        clicked = page.show(found, drawn, finding=said, key="two_way", columns=columns, kept_back=kept)
        if clicked is not None:  # an area clicked in the map is ringed in both; a second click lets it go
            filters.keep("place", "" if clicked == chosen else clicked, "")
            page.forget("place")
            st.rerun()
    left, right = st.columns(2)
    with left:
        _gradient(page, scope, rows, name, about)
    with right:
        _same_elsewhere(page, scope, level, factor, how_made, about)


def _gradient(page: Page, scope: store.Scope, rows: pd.DataFrame, name: str, about: dict) -> None:
    tenths = risk.gradient(rows)
    told = about | {"title": f"Rate by tenth of {name}, lowest tenth first", "scope": scope}
    told |= {"notes": about["notes"][:1]}
    found = page.release(tenths, counts=["n"], derived=["rate", "lower", "upper"], **told)
    bars = charts.bars(found, category="tenth", value="rate", lower="lower", upper="upper", in_order=True)
    columns = ("tenth", "areas", "n", "population", "rate", "lower", "upper")
    page.show(found, bars, finding=risk_findings.gradient(found, name), key="gradient", columns=columns)


def _same_elsewhere(
    page: Page, scope: store.Scope, level: str, factor: pd.Series, how_made: tuple, about: dict
) -> None:
    rows = _elsewhere(scope, level, factor["factor"], *how_made)
    names = page.labels("authority_code") | page.labels("source")
    rows = rows.assign(
        where_said=rows["where"].map(names).fillna(rows["where"]),
        interval_r=risk_findings.interval(rows),
        q_said=rows["q_value"].map(words.chance),
    )
    rows = rows.rename(columns={"n": "areas"}).assign(part=[words.value("part", part) for part in rows["part"]])
    told = {"title": f"{factor['name']}: the same in each authority, year and source", "scope": scope}
    found = page.release(rows, counts=[], derived=["r", "lower", "upper"], notes=about["notes"][:1], **told)
    shape = {"category": "where_said", "value": "r", "lower": "lower", "upper": "upper", "none": 0}
    picture = chart_forest.forest(found, **shape, heading="Correlation (95%)", key=risk_findings.KEY)
    columns = ("part", "where_said", "r", "interval_r", "q_said", "areas")
    page.show(found, picture, finding=risk_findings.elsewhere(found, factor["r"]), key="elsewhere", columns=columns)
