"""Meaning as data: every column, source, group and partnership that the code relies on is defined and documented."""

import importlib
from pathlib import Path

import pytest
from conftest import EAST, WEST

from data import definitions, event_register, ingest, schema, store, tracker

# The 14 local authorities: ONS, Local Authority Districts (April 2023) Names and Codes
AUTHORITIES = {
    "E07000084": "Basingstoke and Deane",
    "E07000085": "East Hampshire",
    "E07000086": "Eastleigh",
    "E07000087": "Fareham",
    "E07000088": "Gosport",
    "E07000089": "Hart",
    "E07000090": "Havant",
    "E07000091": "New Forest",
    "E07000092": "Rushmoor",
    "E07000093": "Test Valley",
    "E07000094": "Winchester",
    "E06000044": "Portsmouth",
    "E06000045": "Southampton",
    "E06000046": "Isle of Wight",
}


@pytest.mark.parametrize("table", sorted(schema.TABLES))
def test_every_column_of_every_table_is_documented_and_nothing_else_is(table: str) -> None:
    documented = [c for c in definitions.tables()[table].columns if c != "geometry"]
    assert documented == list(schema.TABLES[table])
    for name in documented:
        column = definitions.columns()[name]
        assert column.label and column.definition
        assert column.definition.strip().endswith("."), name


@pytest.mark.parametrize("table", sorted(schema.TABLES))
def test_types_in_the_documents_are_those_of_the_tables(table: str) -> None:
    fits = {
        "str": {"text", "category"},
        "int64": {"integer"},
        "float64": {"number", "integer", "share"},
        "datetime64[us]": {"date", "datetime", "month"},
        "boolean": {"boolean"},
        "bool": {"boolean"},
    }
    for name, field in schema.TABLES[table].items():
        assert definitions.columns()[name].type in fits[field.type], name


@pytest.mark.parametrize("table", sorted(schema.TABLES))
def test_allowed_values_have_words_for_people(table: str) -> None:
    for name, field in schema.TABLES[table].items():
        words = definitions.columns()[name].values
        if field.values and words:
            assert set(field.values) <= set(words), name


def test_what_the_store_answers_with_is_documented() -> None:
    assert {"n", "n_lower", "n_upper", "status"} <= set(definitions.tables()["counts"].columns)
    assert {store.SHOWN, store.MISSING} <= set(definitions.columns()["status"].values)


def test_fields_whose_completeness_is_followed_exist() -> None:
    assert set(tracker.FIELDS) <= set(schema.INCIDENTS)


def test_every_source_that_can_be_loaded_is_described_and_has_its_adapter() -> None:
    described = {source.module: source for source in definitions.sources().values()}
    for module in ingest.SOURCES:
        adapter = importlib.import_module(f"data.sources.{module}")
        assert adapter.TABLE in schema.TABLES
        assert described[module].table == adapter.TABLE
        assert described[module].label and described[module].controller and described[module].licence
    assert set(described) == set(ingest.SOURCES)


def test_every_source_of_incidents_is_described_with_its_place_and_floor() -> None:
    for name in schema.SOURCES:
        source = definitions.source(name)
        assert source.basis and source.floor_m >= 150
    # Published points are moved to streets: the partnership's table of minimums maps them from 500 m
    assert definitions.source("police_uk").floor_m == 500
    assert definitions.source("police").floor_m == 150


def test_open_street_crime_answers_none_of_the_filters_it_has_no_field_for() -> None:
    assert definitions.source("police_uk").answers == frozenset()
    assert definitions.source("police").answers == {"time", "age", "setting", "knife", "serious"}
    assert definitions.source("ed_istv").answers == {"time", "age", "knife"}


def test_the_partnership_has_its_fourteen_authorities_by_their_official_codes(monkeypatch) -> None:
    monkeypatch.delenv("EXPLORER_PARTNERSHIP", raising=False)
    ours = definitions.partnership()
    assert {a.code: a.name for a in ours.authorities} == AUTHORITIES
    # Census 2021 usual residents: the area has 1,998,300 to the nearest hundred
    assert sum(a.residents_2021 for a in ours.authorities) == pytest.approx(1_998_300, abs=1_000)
    assert ours.force_area == "E23000030" and ours.forces


def test_another_partnership_is_another_file(tiny: Path) -> None:
    assert definitions.partnership().codes == (WEST, EAST)
    assert definitions.partnership().short_name == "Marches Violence Reduction Partnership"  # none given: the name


def test_offence_groups_are_whole_and_every_code_leads_to_one() -> None:
    groups = definitions.offence_groups()
    for scheme in ("police_uk", "ho_code"):
        codes = definitions.offence_codes(scheme)
        assert codes and set(codes.values()) <= set(groups)
    assert {g.place_rule for g in groups.values()} == {"point", "msoa", "area_year"}
    assert set(definitions.harm_weights()) <= set(groups)
    assert all(weight > 0 for weight in definitions.harm_weights().values())


def test_what_may_not_be_placed_is_said_by_the_groups() -> None:
    rules = {key: group.place_rule for key, group in definitions.offence_groups().items()}
    assert rules["homicide"] == "area_year"
    assert rules["rape"] == rules["sexual_other"] == "msoa"


def test_events_are_dated_in_order_and_about_places_that_exist() -> None:
    events = definitions.events()
    assert list(events) == sorted(events, key=lambda e: e.date)
    assert {e.scope for e in events} <= {"all", *AUTHORITIES}


def test_events_of_the_file_keep_the_rules_that_those_of_analysts_keep() -> None:
    events = definitions.events()
    assert {e.kind for e in events} <= set(event_register.KINDS)
    assert {e.kind for e in events if e.rebase} <= set(event_register.REBASING)
    assert all(len(e.note) >= event_register.SHORTEST_CAUSE for e in events if e.rebase)
    assert all(e.until is None or e.date <= e.until for e in events)
    same = [(e.kind, e.date, e.scope, e.invented) for e in events]
    assert len(set(same)) == len(same)


def test_events_of_the_file_are_told_to_everybody_and_written_by_nobody() -> None:
    for event in definitions.events():
        assert not event.closed and not event.id and not event.by and event.at is None and event.undone_at is None
