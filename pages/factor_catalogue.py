"""The catalogue of factors: how complete each is and where it is high; and what is none, with the reason."""

import pandas as pd
import streamlit as st

from answers import risk
from data import store
from ui import atlas, filters, frame, maps, risk_findings, words

SHOWN = {"factors": "Factors", "controls": "To hold steady", "all": "All that is held"}
COLUMNS = ("name", "kind", "area_level", "period", "unit", "completeness", "publisher", "licence", "reason")

page = frame.open_page("factor_catalogue")
scope = filters.scope(page)


@st.cache_data(show_spinner="Listing what is held…", max_entries=16)
def catalogue(scope: store.Scope) -> pd.DataFrame:
    """One row per indicator and level."""
    return risk.catalogue(scope)


@st.cache_data(show_spinner=False, max_entries=64)
def values(scope: store.Scope, level: str, factor: str) -> pd.DataFrame:
    """One row per area: the value of one factor."""
    return risk.values(scope, level, factor)


with page.explaining():
    every = catalogue(scope.but(area=store.ALL))
with st.container(horizontal=True, vertical_alignment="bottom"):
    which = page.control("which", st.segmented_control, "Show", list(SHOWN), value="factors", format_func=SHOWN.get)
rows = every[
    every["factor"] if which == "factors" else every["control"] if which == "controls" else every["name"].notna()
]
rows = rows.assign(key=rows["indicator_id"] + "|" + rows["area_level"]).reset_index(drop=True)
told = rows.assign(
    kind=[words.value("kind", k) for k in rows["kind"]],
    area_level=[words.value("area_level", v) for v in rows["area_level"]],
)
about = {"scope": scope.but(sources=(), area=store.ALL), "basis": "", "freshness": "", "period": "Newest held of each"}
about |= {"sources": tuple(dict.fromkeys(rows["publisher"])) or ("Nothing held",)}
found = page.release(told, counts=[], title="Catalogue of factors", notes=risk_findings.CATALOGUE, **about)
said = risk_findings.catalogue(found, every)
clicked = page.show(found, finding=said, key="catalogue", columns=COLUMNS, rows_select="key", open_table=True)
mapped = rows[rows["area_level"].isin(["lsoa", "msoa"]) & (rows["factor"] | rows["control"])]
if len(mapped):
    options = dict(
        zip(mapped["key"], mapped["name"] + " (" + mapped["area_level"].map(risk_findings.LEVELS) + ")", strict=True)
    )
    page.turn_to("mapped", clicked if clicked in options else None)
    chosen = page.choice("mapped", "On the map", options, width=560)
    factor, level = chosen.split("|")
    with page.explaining(go_on=True):
        table = values(scope, level, factor)
        table = table.assign(place=words.place(table["name"], table["everyday_name"]))
        row = mapped.set_index("key").loc[chosen]
        one = about | {"scope": scope.but(sources=()), "sources": (row["publisher"],), "period": str(row["period"])}
        drawn = page.release(table, counts=[], derived=["factor_value"], title=row["name"], **one)
        shape = {"shapes": atlas.outlines(scope, level), "context": atlas.ground(scope), "view": atlas.camera(scope)}
        unit = "" if row["unit"] == "as published" else row["unit"]
        picture = maps.areas(drawn, colour="factor_value", title=row["name"], unit=unit, **shape)
        said = risk_findings.mapped(drawn, row["name"], unit)
        page.show(drawn, picture, finding=said, key="mapped", columns=("place", "factor_value"))
