"""Several factors together: the count model and its spatial alternative, what learned models add, what is left over."""

import pandas as pd
import streamlit as st

from answers import risk
from data import store
from ui import atlas, chart_forest, charts, maps, risk_findings, words
from ui.frame import Page

STANDS = dict.fromkeys(range(-3, 4), "as expected") | {-2: "fewer than expected", 2: "more than expected"}
LEARNED = {"elastic_net": "Elastic net", "boosted_trees": "Boosted trees"}


@st.cache_data(show_spinner="Fitting the model…", max_entries=32)
def _asked(what: str, scope: store.Scope, *more: object) -> pd.DataFrame:
    return getattr(risk, what)(scope, *more)


def model(page: Page, scope: store.Scope, level: str, factors: tuple[str, ...], about: dict) -> None:
    """Rate ratios with the others held steady; what learned models add; whether it is the same everywhere."""
    rows = _asked("model", scope, level, factors)
    facts = rows.attrs
    table = rows[rows["factor"] != "intercept"].reset_index(drop=True)
    table = table.assign(p_said=table["p_value"].map(words.chance), side=risk_findings.model_sides(table))
    made = (f"{words.count(facts['n'], risk_findings.NOUNS[level])} in the model", *risk_findings.model_notes(facts))
    derived = [c for c in ("rate_ratio", "lower", "upper", "spatial_ratio") if c in table]
    told = about | {"title": "Rate ratios per standard deviation", "scope": scope, "notes": (*made, *about["notes"])}
    found = page.release(table, counts=[], derived=derived, **told)
    allowed = "spatial_ratio" in table
    ends = ("spatial_ratio", "spatial_lower", "spatial_upper") if allowed else ("rate_ratio", "lower", "upper")
    shape = dict(zip(("value", "lower", "upper"), ends, strict=True)) | {"category": "name", "none": 1, "side": "side"}
    shape |= {"beside": "rate_ratio"} if allowed else {}
    picture = chart_forest.forest(found, **shape, **risk_findings.RATIOS)
    columns = (
        "name",
        "rate_ratio",
        "lower",
        "upper",
        "p_said",
        "vif",
        "spatial_ratio",
        "spatial_lower",
        "spatial_upper",
    )
    columns = tuple(c for c in columns if c in table)
    page.show(found, picture, finding=risk_findings.model(rows), key="model", columns=columns)
    left, right = st.columns(2)
    with left, page.explaining(go_on=True):
        _learned(page, scope, level, factors, about)
    with right, page.explaining(go_on=True):
        _varying(page, scope, level, factors, about)


def _learned(page: Page, scope: store.Scope, level: str, factors: tuple[str, ...], about: dict) -> None:
    kind = page.control(
        "learned", st.segmented_control, "Learned model", list(LEARNED), value="elastic_net", format_func=LEARNED.get
    )
    rows = _asked("learned", scope, level, factors, kind)
    scores = rows.attrs["scores"]
    scores = scores.assign(parts_said=risk_findings.of_parts(scores))
    told = about | {"scope": scope, "notes": (rows.attrs["said"], *about["notes"][:1])}
    found = page.release(scores, counts=[], derived=["deviance_explained"], title="Explained in parts not seen", **told)
    columns = ("model", "deviance_explained", "parts_said", "beats_deprivation")
    page.show(found, finding=rows.attrs["said"], key="scores", columns=columns, open_table=True)
    rows["parts_said"] = [
        f"{words.number(a, 3)} to {words.number(b, 3)}" for a, b in zip(rows["lower"], rows["upper"], strict=True)
    ]
    found = page.release(rows, counts=[], derived=["importance"], title=f"Importance, {LEARNED[kind].lower()}", **told)
    shape = {"category": "name", "value": "importance", "lower": "lower", "upper": "upper"}
    bars = charts.bars(found, **shape)
    said = "How much less is explained when a factor is shuffled; the line is the range of five parts of the map."
    page.show(found, bars, finding=said, key="importance", columns=("name", "importance", "parts_said"))
    if kind == "boosted_trees":
        _dependence(page, scope, level, factors, rows, told)


def _dependence(
    page: Page, scope: store.Scope, level: str, factors: tuple[str, ...], rows: pd.DataFrame, told: dict
) -> None:
    """The rate by the value of one factor, as the trees have it."""
    offered = {f: n for f, n in zip(rows["factor"], rows["name"], strict=True) if f in factors}
    factor = page.choice("bent_by", "How the rate bends with", offered, width=420)
    table = _asked("dependence", scope, level, factors, factor)
    table["value_words"] = [words.number(v, words.decimals_of(v)) for v in table["value"]]
    title = f"Rate by {offered[factor]}, as the trees have it"
    found = page.release(table, counts=[], derived=["rate", "lower", "upper"], title=title, **told)
    bars = charts.bars(found, category="value_words", value="rate", lower="lower", upper="upper", in_order=True)
    said = risk_findings.dependence(found, offered[factor])
    page.show(found, bars, finding=said, key="dependence", columns=("value_words", "rate", "lower", "upper"))


def _varying(page: Page, scope: store.Scope, level: str, factors: tuple[str, ...], about: dict) -> None:
    if not page.switch("local", "Ask whether it is the same everywhere (some seconds)"):
        return
    rows = _asked("varying", scope, level, factors)
    rows["q_said"] = rows["q_value"].map(words.chance)
    told = about | {"title": "Does it differ over the map?", "scope": scope}
    told |= {"notes": (*risk_findings.VARYING, *about["notes"][:1])}
    found = page.release(rows, counts=[], derived=["ratio_low", "ratio_middle", "ratio_high"], **told)
    columns = ("name", "ratio_low", "ratio_middle", "ratio_high", "q_said", "bandwidth")
    page.show(found, finding=risk_findings.varying(rows), key="varying", columns=columns, open_table=True)


def unexplained(page: Page, scope: store.Scope, level: str, factors: tuple[str, ...], about: dict) -> None:
    """Areas with far more or less than their factors lead one to expect, on a map and in a list."""
    rows = _asked("unexplained", scope, level, factors)
    names = rows.attrs["names"]
    rows = rows.assign(place=words.place(rows["name"], rows["everyday_name"])).sort_values("q_value", kind="stable")
    rows["q_said"] = rows["q_value"].map(words.chance)
    rows = rows.assign(stands_class=rows["stands_out"].map({"less": -2, "more": 2}).fillna(0).astype(int))
    rows = rows.reset_index(drop=True)
    made = (f"Given {words.listed(names)}", *risk_findings.UNEXPLAINED, *about["notes"])
    told = about | {"title": "Beyond what factors lead one to expect", "scope": scope, "notes": made}
    found = page.release(rows, counts=["n"], derived=["expected", "ratio", "lower", "upper"], **told)
    shape = {"shapes": atlas.outlines(scope, level), "context": atlas.ground(scope), "view": atlas.camera(scope)}
    how = {"colour": "stands_class", "scheme": "class", "labels": STANDS, "title": "Against what is expected"}
    picture = maps.areas(found, **how, selected=page.selected() or None, **shape)
    columns = ("place", "n", "expected", "ratio", "lower", "upper", "q_said")
    kept = store.kept_back(scope, level)
    said = risk_findings.unexplained(found, risk_findings.NOUNS[level])
    how = {"columns": columns, "rows_select": "area_code", "open_table": True, "kept_back": kept}
    page.select(page.show(found, picture, finding=said, key="unexplained", **how))


def inequality(page: Page, scope: store.Scope, about: dict) -> None:
    """The rate by tenth of deprivation, with the slope index."""
    rows = _asked("inequality", scope)
    gap = rows.attrs["inequality"]
    made = f"{rows.attrs['index']}; small areas; line through all tenths ({gap['method']})"
    told = about | {"title": "Rate by tenth of deprivation, the most deprived first", "scope": scope}
    told |= {"notes": (made, about["notes"][0], *about["notes"][2:])}
    found = page.release(rows, counts=["n"], derived=["rate", "lower", "upper"], **told)
    bars = charts.bars(found, category="decile", value="rate", lower="lower", upper="upper", in_order=True)
    columns = ("decile", "areas", "n", "population", "rate", "lower", "upper")
    page.show(found, bars, finding=risk_findings.inequality(found, gap), key="inequality", columns=columns)


def index(page: Page, scope: store.Scope, level: str, factors: tuple[str, ...], about: dict) -> None:
    """An index of risk with its weights in the open, and what each weight does to the order."""
    names = risk.names(scope, level)
    with st.container(horizontal=True):
        weights = tuple(
            (f, float(page.control(f"weight_{f}", st.select_slider, names.get(f, f), [0, 0.5, 1, 2, 3], value=1)))
            for f in factors
        )
    rows = _asked("index", scope, level, weights)
    rows = rows.assign(place=words.place(rows["name"], rows["everyday_name"]))
    rows["rank_range"] = words.span(rows["rank_lower"], rows["rank_upper"])
    made = (*risk_findings.INDEX, risk_findings.areas_alone(rows, level))
    told = {"title": "Index of risk", "scope": scope.but(sources=()), "notes": made, "freshness": "", "basis": ""}
    told |= {"sources": ("Indicators of the catalogue of factors",), "period": "Newest held of each"}
    found = page.release(rows, counts=[], derived=["score"], **told)
    shape = {"shapes": atlas.outlines(scope, level), "context": atlas.ground(scope), "view": atlas.camera(scope)}
    picture = maps.areas(
        found, colour="score", title="Index of risk", unit="points", selected=page.selected() or None, **shape
    )
    columns = ("place", "score", "rank", "rank_range")
    how = {"columns": columns, "rows_select": "area_code", "open_table": True}
    page.select(page.show(found, picture, finding=risk_findings.index(found), key="index", **how))
    effects = _asked("weight_effects", scope, level, weights)
    effects = effects.assign(name=effects["factor"].map(names))
    found = page.release(
        effects, counts=[], title="What each weight does", **{k: v for k, v in told.items() if k != "title"}
    )
    said = f"Changing one weight moves up to {words.count(effects['moved'].max(), 'area')} out of the highest tenth."
    columns = ("name", "weight_change", "moved", "largest_move", "rank_correlation")
    page.show(found, finding=said, key="effects", columns=columns, open_table=True)
