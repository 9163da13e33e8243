"""Meaning as data: what an analyst may rightly change, read from the TOML and CSV files beside this one."""

import csv
import datetime
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Column:
    """One column of a table or a result: what people call it, in what unit, what it means.

    type : text, category, integer, number, share, boolean, month, date, datetime or shape.
    decimals : how many to show.
    values : codes of a category with the words people see; empty when they are defined elsewhere.
    width : pixels it takes in a table; 0 as its content asks.
    """

    label: str
    type: str
    definition: str
    unit: str = ""
    decimals: int = 0
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    width: int = 0


@dataclass(frozen=True)
class Table:
    """What one row of a harmonised table is, and its columns in order."""

    row: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """One offence group. `place_rule` is how finely it may be mapped: point, msoa, area_year."""

    key: str
    label: str
    family: str
    violent: bool
    sv_local: bool
    place_rule: str
    note: str


@dataclass(frozen=True)
class Source:
    """Who records what, from sources.toml.

    basis : what its places mean, in words. floor_m : metres below which its places are never mapped.
    answers : the filters its records can answer. open : whether anyone may see it as published.
    take_level : the finest level of areas whose numbers may be taken away as a file; empty for no bound.
    """

    name: str
    label: str
    module: str
    table: str
    controller: str
    licence: str
    open: bool
    basis: str
    floor_m: int
    frequency: str
    answers: frozenset[str]
    note: str
    take_level: str = ""


@dataclass(frozen=True)
class Mark:
    """A kind of record told by offence groups or markers: knife-enabled, or a version of serious violence.

    groups : offence groups that count whole. also : markers that make any record count. needs : what a source has to
    record for it (`Source.answers`). measure : the measure of the protected tables that tells it; empty for none.
    """

    label: str
    groups: tuple[str, ...]
    also: tuple[str, ...]
    needs: str
    note: str
    measure: str = ""


@dataclass(frozen=True)
class Mapping:
    """Which header of a partner's file holds which field; see the head of sources.toml."""

    name: str
    columns: dict[str, tuple[str, ...]]
    required: tuple[str, ...]
    blank_is_no: tuple[str, ...]
    place_text: tuple[str, ...]
    constants: dict[str, str]


@dataclass(frozen=True)
class Indicator:
    """What an indicator means here, from indicators.toml. `sex` and `age` are whom its headline figure is about.

    closed : agreed for named members alone; no lower tier holds it.
    """

    name: str
    kind: str
    polarity: str
    unit: str
    sex: str = "Persons"
    age: str = "All ages"
    note: str = ""
    closed: bool = False


@dataclass(frozen=True)
class Event:
    """What a reader of a trend should know of: from events.toml, or written by an analyst (`data.event_register`).

    date, until : its first and last day; no `until` where it is a moment, or goes on. scope : all, or an authority's
    code. rebase : the level before and after cannot be compared. closed : told to the restricted tier alone.
    id, by, at, undone_by, undone_at : whose it is and since when (UTC); empty for those of the file.
    """

    date: datetime.date
    kind: str
    scope: str
    note: str
    rebase: bool
    invented: bool
    until: datetime.date | None = None
    closed: bool = False
    id: str = ""
    by: str = ""
    at: datetime.datetime | None = None
    undone_by: str = ""
    undone_at: datetime.datetime | None = None


@dataclass(frozen=True)
class Authority:
    """One local authority of the partnership."""

    code: str
    name: str
    residents_2021: int


@dataclass(frozen=True)
class Partnership:
    """Whose violence this is about, from partnership.toml."""

    id: str
    name: str
    short_name: str
    forces: tuple[str, ...]
    police_uk_force: str
    force_area: str
    box: tuple[float, float, float, float]
    authorities: tuple[Authority, ...]
    gazetteer: str = ""
    region: str = ""

    @property
    def codes(self) -> tuple[str, ...]:
        """The authorities' GSS codes, in the order of the file."""
        return tuple(a.code for a in self.authorities)


@cache
def columns() -> dict[str, Column]:
    """Every column people may meet, by its name in the code."""
    return {name: Column(**entry) for name, entry in _toml(HERE / "columns.toml")["columns"].items()}


@cache
def tables() -> dict[str, Table]:
    """The harmonised tables, and the counts the store answers with."""
    listed = _toml(HERE / "columns.toml")["tables"].items()
    return {name: Table(entry["row"], tuple(entry["columns"])) for name, entry in listed}


@cache
def sources() -> dict[str, Source]:
    """Every source, by the name its records carry."""
    return {name: _source(name, entry) for name, entry in _toml(HERE / "sources.toml").items() if "module" in entry}


def source(name: str) -> Source:
    """One source."""
    return sources()[name]


def _source(name: str, entry: dict) -> Source:
    can = {"time": entry.get("hour"), "age": entry.get("age"), "setting": entry.get("domestic")}
    can |= {name: entry.get(name) for name in ("knife", "serious")}
    bases = columns()["place_basis"].values
    return Source(
        name=name,
        label=entry["label"],
        module=entry["module"],
        table=entry["table"],
        controller=entry["controller"],
        licence=entry["licence"],
        open=entry["open"],
        basis=entry.get("basis") or bases.get(entry.get("place_basis", ""), ""),
        floor_m=entry["floor_m"],
        frequency=entry["frequency"],
        answers=frozenset(name for name, able in can.items() if able),
        note=entry.get("note", ""),
        take_level=entry.get("take_level", ""),
    )


IN_FORCE = "serious"  # the mark of the version of serious violence that records are loaded with


@cache
def marks() -> dict[str, Mark]:
    """Kinds of records that can be asked for, by the word that stands in an address."""
    knife = "Knife or sharp object used, threatened or believed present. Possession alone is not knife-enabled."
    found = {"knife": Mark("Knife-enabled", (), ("knife",), "knife", knife, "knife")}
    groups = tuple(key for key, group in offence_groups().items() if group.sv_local)
    note = "The definition in force: column sv_local of offence_groups.csv."
    found[IN_FORCE] = Mark("Serious violence, as defined here", groups, (), "serious", note, "sv_local")
    for name, entry in _toml(HERE / "serious_violence.toml").items():
        told = {"groups": tuple(entry["groups"]), "also": tuple(entry["also"]), "note": entry["note"]}
        found[f"{IN_FORCE}_{name}"] = Mark(f"Serious violence, {entry['label']}", needs="serious", **told)
    return found


@cache
def mappings(source_name: str) -> tuple[Mapping, ...]:
    """The ways a source's files may call their columns, in the order of the file."""
    listed = _toml(HERE / "sources.toml")[source_name].get("mappings", {})
    return tuple(
        Mapping(
            name=name,
            columns={field: tuple(headers) for field, headers in entry["columns"].items()},
            required=tuple(entry["required"]),
            blank_is_no=tuple(entry.get("blank_is_no", ())),
            place_text=tuple(entry.get("place_text", ())),
            constants=dict(entry.get("constants", {})),
        )
        for name, entry in listed.items()
    )


@cache
def wording(kind: str) -> dict[str, str]:
    """Word a partner writes, in small letters, to what it means; `unknown` for words that say nothing."""
    listed = _toml(HERE / "sources.toml")["words"][kind]
    return {word.casefold(): meaning for meaning, words in listed.items() for word in words}


@cache
def indicators() -> dict[str, Indicator]:
    """Indicators whose meaning is settled, by the identifier their publisher gives."""
    return {key: Indicator(**entry) for key, entry in _toml(HERE / "indicators.toml").items()}


@cache
def events() -> tuple[Event, ...]:
    """The events of the file, oldest first; with those that analysts wrote: `event_register.held`."""
    return tuple(sorted((Event(**e) for e in _toml(HERE / "events.toml")["events"]), key=lambda e: e.date))


def partnership() -> Partnership:
    """The partnership file, or the one that EXPLORER_PARTNERSHIP names."""
    return _partnership(Path(os.environ.get("EXPLORER_PARTNERSHIP") or HERE / "partnership.toml"))


@cache
def _partnership(path: Path) -> Partnership:
    raw = _toml(path)
    authorities = tuple(Authority(a["code"], a["name"], a.get("residents_2021", 0)) for a in raw["authorities"])
    return Partnership(
        id=raw["id"],
        name=raw["name"],
        short_name=raw.get("short_name", raw["name"]),
        forces=tuple(raw["forces"]),
        police_uk_force=raw.get("police_uk_force", ""),
        force_area=raw.get("force_area", ""),
        region=raw.get("region", ""),
        box=tuple(raw["box"]),
        gazetteer=str(path.parent / raw["gazetteer"]) if "gazetteer" in raw else "",
        authorities=authorities,
    )


def venue_labels() -> dict[str, str]:
    """Kinds of place that published records name instead of a street: label, and how a place is called by it."""
    return _labels()["kinds"]


def street_words() -> tuple[str, ...]:
    """The last words by which a label is known to be a street's."""
    return tuple(_labels()["streets"]["words"])


@cache
def _labels() -> dict[str, dict]:
    with (HERE / "venue_labels.toml").open("rb") as file:
        return tomllib.load(file)


def towns() -> list[dict[str, str]]:
    """The towns to name on a map, from the partnership's gazetteer: name, x, y, population (rough); largest first."""
    gazetteer = partnership().gazetteer
    named = [row for row in _rows(Path(gazetteer)) if row["kind"] == "town"] if gazetteer else []
    return sorted(named, key=lambda row: -int(row["population"]))


@cache
def offence_groups() -> dict[str, Group]:
    """Every offence group by its key, in the order people read them."""
    rows = sorted(_rows(HERE / "offence_groups.csv"), key=lambda r: int(r["order"]))
    return {
        r["group"]: Group(
            r["group"], r["label"], r["family"], r["violent"] == "1", r["sv_local"] == "1", r["place_rule"], r["note"]
        )
        for r in rows
    }


@cache
def offence_codes(scheme: str) -> dict[str, str]:
    """Code or wording of a scheme (`police_uk`, `ho_code`) to offence group."""
    return {r["code"]: r["group"] for r in _rows(HERE / "offence_codes.csv") if r["scheme"] == scheme}


@cache
def harm_weights() -> dict[str, float]:
    """Days by offence group, of the version in the file; groups without a weight are not in it."""
    return {r["group"]: float(r["weight"]) for r in _rows(HERE / "harm_weights.csv") if r["weight"]}


def _toml(path: Path) -> dict:
    with path.open("rb") as file:
        return tomllib.load(file)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
