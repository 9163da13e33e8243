"""The frame of a page: guard, heading, data banner, plain-words errors, release, and the card every number comes in."""

import contextlib
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import streamlit as st

from analytics import disclosure
from analytics.disclosure import Provenance, Release, Rules
from analytics.errors import NotEnoughData
from data import definitions, store
from ui import access, cards, events, filters, style, words
from ui.picture import Picture

PAGES = {  # name: (title in the menu, icon, first sentence of the page)
    "overview": ("Overview", "dashboard", "What is happening now, against what we expected"),
    "hotspots": ("Hotspots", "pin_drop", "Where violence concentrates, and how sure we are"),
    "side_by_side": ("Side by side", "splitscreen_right", "Two periods or two sources on one legend and one camera"),
    "month_by_month": ("Month by month", "play_circle", "The map played through the months"),
    "compare": ("Compare", "leaderboard", "Places beside each other, with how far their order is chance"),
    "risk_factors": ("Risk factors", "hub", "What goes with violence between areas, and what that does not prove"),
    "factor_catalogue": ("Catalogue", "inventory_2", "Every factor held, how complete it is, and where it is high"),
    "area_profile": ("Area profile", "location_city", "Everything we know about one local authority"),
    "trends": ("Trends", "show_chart", "Change over time, with what is missing left open"),
    "outcomes": ("Outcomes", "flag", "The logic model as a living table: each measure, its value and how sure it is"),
    "admissions": ("Admissions", "local_hospital", "Residents admitted after an assault, by where they live"),
    "data_tracker": ("Data tracker", "checklist", "Which data we hold, how fresh and how complete they are"),
    "methods": ("Methods", "menu_book", "How each figure is made, and when it misleads"),
}
GROUPS = {  # entries of the menu that stand together
    "Hotspots": ("hotspots", "side_by_side", "month_by_month"),
    "Figures": ("compare", "trends", "outcomes", "admissions"),
    "Factors": ("risk_factors", "factor_catalogue"),
    "About the data": ("data_tracker", "methods"),
}
SIZES_M = (150, 250, 500, 1000, 2000)  # of hexagons
ENTERED, SENT_ROUND = "entered", "sent_round"
RULES = {
    "restricted": Rules(
        "restricted",
        "True counts of places and groups, for named members; not for onward sharing.",
        "OFFICIAL-SENSITIVE: partnership use",
    ),
    "partner": Rules(
        "partner",
        "Counts of 7 or fewer (health, sexual, domestic) or 4 or fewer (other police) are shown as a band; others are "
        "rounded to the nearest 5; totals may not add.",
        "OFFICIAL-SENSITIVE: partnership use",
        figures=3,
    ),
    "public": Rules("public", "Open data as published by its owner.", "OFFICIAL", figures=3),
}
log = logging.getLogger("explorer")


def enter() -> None:
    """Note that this run came through the front door. Only `app.py` calls this."""
    st.session_state[ENTERED] = True
    if not log.handlers:  # what is kept of deeds (judgements) is told at the level of information
        log.addHandler(logging.StreamHandler())
        log.setLevel(logging.INFO)


def menu() -> dict[str, list]:
    """The menu: groups of entries, those of the group without a name by themselves."""
    named = {name for names in GROUPS.values() for name in names}
    alone = [name for name in PAGES if name not in named]
    return {group: [menu_entry(name) for name in names] for group, names in {"": alone, **GROUPS}.items()}


def menu_entry(name: str):  # a StreamlitPage, a type Streamlit does not export
    """The menu entry of a page."""
    title, icon, _ = PAGES[name]
    path = Path(__file__).parent.parent / "pages" / f"{name}.py"
    return st.Page(path, title=title, icon=f":material/{icon}:", url_path=name, default=name == "overview")


def name_of(entry: object) -> str:
    """The name of the page that a menu entry opens."""
    titles = {title: name for name, (title, _, _) in PAGES.items()}
    return titles[entry.title]


def open_page(name: str) -> "Page":
    """Let the visitor in, or stop. The first call of every page; the menu is a courtesy, this is the lock."""
    if not st.session_state.pop(ENTERED, False):
        _send_round()
    st.session_state.pop(SENT_ROUND, None)
    visitor = access.visitor()
    if visitor is None:
        st.error("No sign-in is configured, so this app answers on its own machine only.")
        st.stop()
    _, _, question = PAGES[name]
    facts = store.snapshot_facts()
    st.markdown(f"## {PAGES[name][0]}: {question[0].lower()}{question[1:]}")
    if facts is None:
        _say_empty()
    page = Page(name, visitor, facts)
    page.banner()
    return page


def _send_round() -> None:
    """A page opened by its own link ran without `app.py` (Streamlit's old page folder): go there.

    Uses an internal of Streamlit 1.67; where it is missing or has not helped, only a link is left.
    """
    from streamlit.runtime.pages_manager import PagesManager

    if hasattr(PagesManager, "uses_pages_directory") and not st.session_state.get(SENT_ROUND):
        st.session_state[SENT_ROUND] = True
        PagesManager.uses_pages_directory = False
        st.rerun()
    st.markdown("This page opens from the front door: [open the explorer](/).")
    st.stop()


def _say_empty() -> None:
    st.info(
        "Nothing has been loaded yet. `python -m data demo` publishes an invented partnership; "
        "the README says how to load your own data.",
        icon=":material/inbox:",
    )
    st.stop()


@dataclass
class Page:
    """One page being shown to one visitor. Numbers leave it only as a Release, through `show` and `headline`."""

    name: str
    visitor: access.Visitor
    facts: dict

    @property
    def scope(self) -> store.Scope:
        """What the filter bar stands for."""
        return st.session_state[filters.SCOPE]

    def banner(self) -> None:
        """Say plainly when the data are invented, and through whose eyes one looks."""
        if self.facts.get("invented"):
            st.warning(
                "Invented data. No record, place pattern or trend here is real; the map is indicative.",
                icon=":material/science:",
            )
        if self.visitor.tier != "restricted":
            st.caption(f"Viewed as: {access.TIERS[self.visitor.tier]}. {RULES[self.visitor.tier].words}")

    def control(
        self, param: str, widget: Callable, label: str, options: list, *, value: object, **more: object
    ) -> object:
        """A control of this page alone, whose choice stands in the address and outlives a change of page."""
        key, by_text = f"control_{self.name}_{param}", {str(o): o for o in options}
        if st.session_state.get(key) not in options:
            st.session_state[key] = by_text.get(filters.kept(param, str(value)), value)
        chosen = widget(label, options, key=key, **more)
        chosen = value if chosen is None else chosen
        filters.keep(param, str(chosen), str(value))
        return chosen

    def choice(self, param: str, label: str, options: Mapping, *, value: object = None, **more: object) -> object:
        """One of several in a box that opens. options : value to words; the first is the default, if none is given."""
        value = next(iter(options)) if value is None else value
        return self.control(param, st.selectbox, label, list(options), value=value, format_func=options.get, **more)

    def several(
        self, param: str, label: str, options: Mapping, *, first: tuple[str, ...] = (), most: int | None = None
    ) -> tuple[str, ...]:
        """Any of several, at most so many. options : value to words. first : what is chosen where nothing is said."""
        key = f"control_{self.name}_{param}"
        if key not in st.session_state:  # a link that names nothing known falls back to the first ones
            st.session_state[key] = [v for v in filters.kept_list(param, list(first)) if v in options] or list(first)
        st.session_state[key] = [v for v in st.session_state[key] if v in options][:most]
        chosen = st.multiselect(label, list(options), format_func=options.get, key=key, max_selections=most)
        filters.keep(param, chosen, list(first))
        return tuple(chosen)

    def turn_to(self, param: str, value: str | None) -> None:
        """Let a click answer a control that is drawn further down."""
        if value is not None:
            st.session_state[f"control_{self.name}_{param}"] = value

    def forget(self, param: str) -> None:
        """Let the address answer a control again, in the run that follows."""
        st.session_state.pop(f"control_{self.name}_{param}", None)

    def switch(self, param: str, label: str) -> bool:
        """A switch, off at first, that stands in the address."""
        return self.control(param, _switch, label, ["", "1"], value="") == "1"

    def cell_size(self, level: str, floor_m: int) -> int:
        """Metres across a hexagon, down to the floor of the source; of areas there is nothing to choose."""
        sizes = {size: f"{size:,}" for size in SIZES_M if size >= floor_m}
        said = f"Not below {floor_m:,} m: the places of this source are no more exact." if floor_m else None
        told = {"value": 500, "disabled": level != "hex", "width": 130, "help": said}
        return self.choice("cell_m", "Cell size (metres)", sizes, **told)

    def one_source(self, scope: store.Scope) -> str:
        """The source a map shows: the chosen one, or a choice among the chosen; they are never added up."""
        if len(scope.sources) == 1:
            return scope.sources[0]
        labels = {s: definitions.source(s).label for s in scope.sources}
        return self.control(
            "map_source",
            st.segmented_control,
            "Source on the map",
            list(labels),
            value=scope.sources[0],
            format_func=labels.get,
        )

    def source_label(self, source: str) -> str:
        """What people call a source."""
        return definitions.source(source).label

    def kind_of_record(self, scope: store.Scope) -> tuple[str, ...]:
        """A word on which kind of record is shown, for notes that name their sources themselves."""
        return _kind(scope)

    def basis(self, source: str) -> str:
        """What the places of a source mean, in words."""
        return definitions.source(source).basis.lower()

    def level_label(self, level: str) -> str:
        """What people call a level of areas."""
        return {"lsoa": "small area (LSOA)", "msoa": "neighbourhood (MSOA)", "ward": "ward", "lad": "authority"}[level]

    def labels(self, column: str) -> dict[str, str]:
        """The words for the values of `source`, `offence_group`, `cohort` or `authority_code`."""
        if column == "cohort":
            return definitions.columns()["cohort"].values
        if column == "source":
            return {name: s.label for name, s in definitions.sources().items()}
        if column == "offence_group":
            return {key: group.label for key, group in definitions.offence_groups().items()}
        return {a.code: a.name for a in definitions.partnership().authorities}

    def meeting(self) -> None:
        """A switch that fills the screen with the map and the list, for the room: no menu, no filter bar."""
        on = filters.kept("meeting", "") == "1"
        if st.button("Leave the meeting view" if on else "Meeting view", icon=":material/fit_screen:"):
            filters.keep("meeting", "" if on else "1", "")
            st.rerun()
        if on:
            style.meeting()

    def map_height(self) -> int:
        """Pixels of a map: more of them in a meeting."""
        return 760 if filters.kept("meeting", "") == "1" else 560

    def selected(self) -> str:
        """The place that is selected on this page, empty for none; it stands in the address."""
        return filters.kept("selected", "")

    def select(self, clicked: str | None) -> None:
        """Take a click for the selection, a second one on the same place for letting go, and draw the page again."""
        if clicked is not None:
            filters.keep("selected", "" if clicked == self.selected() else clicked, "")
            st.rerun()

    @contextlib.contextmanager
    def explaining(self, *, go_on: bool = False) -> Iterator[None]:
        """Turn what went wrong into words: too little data, not held, or our fault with a reference to the log.

        go_on : what the data cannot tell ends this part alone, and the rest of the page goes on.
        """
        try:
            yield
        except (NotEnoughData, store.NotHeld) as reason:
            st.info(str(reason), icon=":material/info:")
            if not go_on:
                st.stop()
        except Exception as error:
            if type(error).__module__.startswith("streamlit"):
                raise  # stop and rerun are exceptions too
            reference = secrets.token_hex(4)
            log.exception("page %s, reference %s", self.name, reference)
            st.error(f"Something went wrong. Reference {reference}; the log on the server says more.")
            st.stop()

    def release(
        self, frame: pd.DataFrame, *, counts: list[str], derived: list[str] = [], title: str, **more: object
    ) -> Release:
        """What this visitor may see of a table, with where it comes from. `more` replaces parts of the Provenance."""
        provenance = self.provenance(**more)
        sources = (more.get("scope") or self.scope).sources
        published = bool(sources) and all(definitions.source(s).open for s in sources)
        rules = RULES["public" if published else self.visitor.tier]
        return disclosure.release(
            frame, counts=counts, derived=derived, title=title, rules=rules, provenance=provenance
        )

    def part(self, whole: Release, rows: pd.DataFrame, *, title: str) -> Release:
        """Some rows of a release, as a release of their own."""
        return replace(whole, table=rows, title=title, n=None)

    def provenance(
        self, *, scope: store.Scope | None = None, notes: tuple[str, ...] = (), **more: object
    ) -> Provenance:
        """Where a table of a scope comes from."""
        scope = scope or self.scope
        settings = [definitions.source(s) for s in scope.sources]
        facts = {
            "area": _area_name(scope),
            "period": words.period(scope.start, scope.end),
            "sources": tuple(f"{s.label} ({s.controller}, {s.licence})" for s in settings),
            "basis": words.listed(dict.fromkeys(s.basis for s in settings)),
            "snapshot": self.facts["id"],
            "published": self.facts["published"][:10],
            "freshness": _freshness(scope),
            "invented": bool(self.facts.get("invented")),
            "notes": notes
            if "sources" in more
            else (*notes, *_kind(scope), *_homicide(scope), *events.read_with_care(scope)),
        }
        return Provenance(**(facts | more))

    def show(
        self,
        release: Release,
        picture: Picture | None = None,
        *,
        finding: str,
        key: str,
        columns: tuple[str, ...] = (),
        rows_select: str = "",
        open_table: bool = False,
        kept_back: str = "",
    ) -> str | None:
        """One card: the finding, the picture, what a reader needs to judge it, the numbers, the downloads.

        columns : which columns the table shows, all of them if empty. open_table : show the numbers at once.
        rows_select : the id column a click on a row gives. Returns the id of what was clicked, if anything was.
        kept_back : why the numbers may not be taken away as a file (`store.kept_back`); empty where they may.
        """
        if picture and picture.kind != "altair" and release.provenance.invented:
            picture = replace(picture, legend_title=f"{picture.legend_title} (indicative map)".strip())
        with st.container(border=True, key=f"card_{key}"):
            st.markdown(f"#### {words.plain(finding)}")
            clicked = cards.picture(picture, key) if picture else None
            st.caption(words.plain(cards.note(release)))
            chosen = cards.numbers(
                release, picture, finding, key, columns, rows_select, self.visitor, open_table, kept_back
            )
        return clicked or chosen

    def headline(self, release: Release, *, label: str, column: str, change: str = "", help: str = "") -> None:
        """One large number: the first row's `column`, with the words for how it changed beneath."""
        row = release.table.iloc[0]
        value = row["shown"] if column in release.counts else words.number(row[column], words.decimals(column))
        with st.container(border=True, height="stretch"):
            st.metric(label, value, help=help or None)
            st.caption(words.plain(change))


def _switch(label: str, options: list[str], key: str) -> str:
    """A toggle that answers with one of two words, as the other controls do."""
    on = st.toggle(label, value=st.session_state[key] == options[1], key=f"{key}_on")
    st.session_state[key] = options[int(on)]
    return st.session_state[key]


def _area_name(scope: store.Scope) -> str:
    partnership = definitions.partnership()
    names = {a.code: a.name for a in partnership.authorities}
    return names.get(scope.area, partnership.short_name)


def _kind(scope: store.Scope) -> tuple[str, ...]:
    """Which kind of record is shown, where not all are, and that others may only lack the marker."""
    if not scope.mark:
        return ()
    mark = definitions.marks()[scope.mark]
    lacking = "; records whose marker is not known are left out" if mark.also else ""
    return (f"Only {mark.label[0].lower()}{mark.label[1:]}{lacking}. {mark.note.rstrip('.')}",)


def _homicide(scope: store.Scope) -> tuple[str, ...]:
    """A word on what is in no figure by month or place, where a source holds it."""
    if not set(store.rare_groups()) & set(store.offence_groups(scope)):
        return ()
    alone = "by financial year and for the whole area alone, in the mix of offences"
    return (f"Homicide is told {alone}, and is in no other figure",)


def _freshness(scope: store.Scope) -> str:
    """The newest month each chosen source holds."""
    held = store.coverage(scope)
    newest = held[held["source"].isin(scope.sources)].groupby("source")["month"].max()
    return "; ".join(f"{definitions.source(s).label} to {words.month(m)}" for s, m in newest.items())
