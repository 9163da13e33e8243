"""The shared controls: one bar on every page, a Scope out, and the address bar always in step."""

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from data import definitions, store
from ui import access, words

LISTS = ("group", "source", "steady", "factors", "of_index")
PRESETS = {
    "12m": "Last 12 months",
    "fy": "This financial year",
    "lastfy": "Last financial year",
    "year_ago": "The 12 months before",
    "all": "Everything held",
    "own": "Choose months",
}
AGES = {
    "": "All ages",
    "under_10": "Under 10",
    "10-17": "10 to 17",
    "18-24": "18 to 24",
    "under_25": "Under 25",
    "25_plus": "25 and over",
}
SETTINGS = {"": "Any setting", "domestic": "Domestic", "public": "Public space"}
TIMES = {"": "Day and night", "day": "Day, 6 am to 6 pm", "night": "Night, 6 pm to 6 am"}
ALL_CRIME = "all"  # value of `group`: every group, not only violence
VIEW = "view"  # session state: parameter -> text or list of texts, as the address bar shows them
SCOPE = "scope"


def bar(page: str) -> None:
    """Draw the filter bar and keep the scope it stands for. Only `app.py` calls this."""
    seed()
    facts, visitor = store.snapshot_facts(), access.visitor()
    if facts is None or visitor is None:
        return
    base = store.Scope(visitor.tier, facts["id"])
    held = store.sources(base)
    if not held:
        st.session_state[SCOPE] = base
        _view_as()
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="filter_bar"):
        area = _choice("area", "Area", _areas(), width=250)
        sources = _choices("source", "Source", {s: definitions.source(s).label for s in held}, first=held[0], width=290)
        base = base.but(sources=tuple(sources) or (held[0],))
        months = sorted({m for s in base.sources for m in store.held_months(base, s)})
        start, end = _period(months)
        labels = {g: definitions.offence_groups()[g].label for g in store.offence_groups(base)}
        groups = _choices(
            "group", "Offence group", labels | {ALL_CRIME: "All recorded crime"}, empty="All violence", width=290
        )
        with st.popover("More filters", icon=":material/tune:", width=160):
            _view_as()
            age = _answerable("age", "Age of victim", AGES, base.sources)
            setting = _answerable("setting", "Setting", SETTINGS, base.sources)
            time = _answerable("time", "Time of day", TIMES, base.sources)
            mark = _choice("record", "Kind of record", _marks(base.sources))
    chosen = base.but(
        area=area, start=start, end=end, groups=_groups(groups, labels), age=age, setting=setting, time=time, mark=mark
    )
    st.session_state[SCOPE] = chosen


def scope(page: object) -> store.Scope:
    """What the filter bar stands for; where no records are held there is nothing to choose, and the page ends here."""
    found = st.session_state[SCOPE]
    if not found.sources:
        st.info("No records are held at this level of access. The data tracker says what has been loaded.")
        st.stop()
    return found


def seed() -> None:
    """Take the address the visitor came with, once a session; then the controls lead and the address follows."""
    if VIEW not in st.session_state:
        given = {k: st.query_params.get_all(k) for k in st.query_params}
        st.session_state[VIEW] = {k: v if k in LISTS else v[-1] for k, v in given.items() if v}


def keep(name: str, value: str | list[str], default: str | list[str]) -> None:
    """Put one parameter into the address, or take it out where it is the default."""
    view = st.session_state[VIEW]
    if value == default:
        view.pop(name, None)
    else:
        view[name] = value
    if {k: st.query_params.get_all(k) for k in st.query_params} != {
        k: v if isinstance(v, list) else [v] for k, v in view.items()
    }:
        st.query_params.from_dict(view)


def kept(name: str, default: str) -> str:
    """What the address says of one parameter."""
    seed()
    return st.session_state[VIEW].get(name, default)


def kept_list(name: str, default: list[str]) -> list[str]:
    """What the address says of a parameter that may stand in it several times."""
    found = kept(name, default)
    return found if isinstance(found, list) else [found]


def _choice(
    name: str, label: str, options: dict[str, str], *, default: str = "", disabled: str = "", **more: object
) -> str:
    """One of several. `options`: value in the address to words; an unknown value falls back to the first."""
    default = default or next(iter(options))
    key = f"filter_{name}"
    if st.session_state.get(key) not in options:
        given = kept(name, default)
        st.session_state[key] = given if given in options and not disabled else default
    chosen = st.selectbox(
        label, list(options), format_func=options.get, key=key, disabled=bool(disabled), help=disabled or None, **more
    )
    keep(name, chosen, default)
    return chosen


def _choices(
    name: str, label: str, options: dict[str, str], *, first: str = "", empty: str = "", **more: object
) -> list[str]:
    """Any of several; none means `empty`, or `first` where one must be chosen."""
    key = f"filter_{name}"
    default = [first] if first else []
    if key not in st.session_state:
        st.session_state[key] = [v for v in kept(name, default) if v in options] or default
    st.session_state[key] = [v for v in st.session_state[key] if v in options] or default
    chosen = st.multiselect(label, list(options), format_func=options.get, key=key, placeholder=empty, **more)
    keep(name, chosen or default, default)
    return chosen or default


def _answerable(name: str, label: str, options: dict[str, str], sources: Iterable[str]) -> str:
    """A filter that is shown but disabled, with the reason, where a chosen source cannot answer it."""
    unable = [definitions.source(s).label for s in sources if not store.answers(s, name)]
    reason = f"Not recorded in: {words.listed(unable)}." if unable else ""
    if reason:
        st.session_state.pop(f"filter_{name}", None)
        st.session_state[VIEW].pop(name, None)
    chosen = _choice(name, label, options, disabled=reason)
    if reason:
        st.caption(reason)
    return chosen


def _marks(sources: Iterable[str]) -> dict[str, str]:
    """The kinds of records that every chosen source can tell."""
    told = {name: m.label for name, m in definitions.marks().items() if all(store.answers(s, m.needs) for s in sources)}
    return {"": "Any record" if told else "Any record (nothing else is told by these sources)"} | told


def _areas() -> dict[str, str]:
    partnership = definitions.partnership()
    return {store.ALL: f"All of {partnership.short_name}"} | {a.code: a.name for a in partnership.authorities}


def _period(months: list[pd.Timestamp]) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last month of what is asked for; presets count from the newest month held."""
    newest = months[-1]
    default = (
        "own" if {"from", "to"} & set(st.session_state[VIEW]) and "preset" not in st.session_state[VIEW] else "12m"
    )
    preset = _choice("preset", "Period", PRESETS, default="12m", width=190) if default == "12m" else _own_first()
    if preset != "own":
        for name in ("from", "to"):
            keep(name, "", "")
        return preset_months(preset, months)
    texts = {f"{m:%Y-%m}": words.month(m) for m in pd.date_range(months[0], newest, freq="MS")}
    first = _choice(
        "from", "From", texts, default=f"{max(months[0], newest - pd.DateOffset(months=11)):%Y-%m}", width=130
    )
    last = _choice("to", "To", texts, default=f"{newest:%Y-%m}", width=130)
    start, end = sorted([pd.Timestamp(first), pd.Timestamp(last)])
    return start, end


def _own_first() -> str:
    """A link that names months: the preset control starts at «Choose months»."""
    st.session_state.setdefault("filter_preset", "own")
    return _choice("preset", "Period", PRESETS, default="12m", width=190)


def preset_months(preset: str, months: list[pd.Timestamp]) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last month of a preset, counted back from the newest month held."""
    newest = months[-1]
    april = pd.Timestamp(newest.year if newest.month >= 4 else newest.year - 1, 4, 1)
    return {
        "12m": (newest - pd.DateOffset(months=11), newest),
        "year_ago": (newest - pd.DateOffset(months=23), newest - pd.DateOffset(months=12)),
        "fy": (april, newest),
        "lastfy": (april - pd.DateOffset(years=1), april - pd.DateOffset(months=1)),
        "all": (months[0], newest),
    }[preset]


def _groups(chosen: list[str], labels: dict[str, str]) -> tuple[str, ...]:
    """What was chosen; nothing means all violence, which every source knows in its own groups."""
    return tuple(labels) if ALL_CRIME in chosen else tuple(chosen)


def _view_as() -> None:
    st.selectbox("View as", list(access.TIERS), format_func=access.TIERS.get, key=access.VIEW_AS)
