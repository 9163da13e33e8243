"""Knife-enabled records and the versions of serious violence, asked of records written line by line."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import EXTRACT, record, text_file
from in_app import cards, opened, troubles

from answers import outcomes
from data import definitions, ingest, publish, store
from data.store import NotHeld, Scope

LINES = [
    record("A1", code="8N", knife="Y"),  # violence with injury
    record("A2", code="8N"),
    record("A3", code="105A"),  # common assault: violence without injury
    record("A4", code="105A", knife="Y"),
    record("A5", code="34A"),  # robbery of a business
    record("A6", code="34B"),  # of a person
    record("A7", code="8N", knife=""),  # nobody knows
    record("A8", code="1", knife="Y"),  # a homicide: in no month
]


@pytest.fixture
def held(tiny: Path, tmp_path: Path) -> Scope:
    ingest.ingest("police_extract", [text_file(tmp_path / "p.csv", [EXTRACT, *LINES])])
    start, end = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-01")
    return Scope("restricted", publish.current().name, start=start, end=end, sources=("police",))


def counted(scope: Scope, **changes: object) -> int:
    return int(store.monthly_counts(scope.but(**changes))["n"].sum())


def test_each_kind_counts_its_own_records(held: Scope) -> None:
    assert counted(held) == 7
    assert counted(held, mark="knife") == 2  # A1, A4; one unknown is in neither
    assert counted(held, mark="serious") == 5  # A1, A2, A7 and the robberies
    assert counted(held, mark="serious_core") == 2  # the knives
    assert counted(held, mark="serious_london") == 4  # not the robbery of a business


def test_a_kind_within_an_offence_group_counts_what_is_both(held: Scope) -> None:
    assert counted(held, mark="knife", groups=("violence_without_injury",)) == 1


def test_the_version_in_force_is_the_one_records_were_loaded_with(held: Scope) -> None:
    rows = store.run(held, store.table(held, "incidents").select("offence_group", "sv_local"))
    groups = set(definitions.marks()[definitions.IN_FORCE].groups)
    assert (rows["offence_group"].isin(groups) == rows["sv_local"]).all()


def test_a_homicide_is_in_no_count_by_kind_even_where_years_are_told(held: Scope) -> None:
    year = held.but(start=pd.Timestamp("2023-04-01"), end=pd.Timestamp("2024-03-01"))
    assert "homicide" in set(store.offence_mix(year)["offence_group"])
    assert "homicide" not in set(store.offence_mix(year.but(mark="knife"))["offence_group"])


def test_a_source_that_cannot_tell_a_kind_says_so(held: Scope) -> None:
    with pytest.raises(NotHeld, match="cannot be filtered that way"):
        store.monthly_counts(held.but(sources=("police_uk",), mark="knife"))


def test_every_version_names_groups_and_markers_that_exist() -> None:
    for mark in definitions.marks().values():
        assert set(mark.groups) <= set(definitions.offence_groups())
        assert set(mark.also) <= {"knife", "firearm"}
        assert mark.groups or mark.also
        assert mark.note


def test_partners_are_told_kinds_from_the_protected_tables_or_not_at_all(on_demo: Path) -> None:
    scope = Scope("partner", publish.current().name, sources=("police",))
    scope = scope.but(start=pd.Timestamp("2025-01-01"), end=pd.Timestamp("2025-12-01"))
    knife = store.monthly_counts(scope.but(mark="knife"))
    assert set(knife["period_type"]) == {"quarter"}
    with pytest.raises(NotHeld, match="were not published that way"):
        store.monthly_counts(scope.but(mark="serious_core"))
    with pytest.raises(NotHeld, match="were not published that way"):
        store.monthly_counts(scope.but(mark="knife", groups=("rape",)))


@pytest.mark.parametrize("page", ["overview", "hotspots", "trends", "area_profile", "compare"])
def test_pages_say_which_kind_they_show(on_demo: Path, page: str) -> None:
    app = opened(page, link={"record": "knife"})
    assert not troubles(app)
    assert any(
        "Only knife-enabled; records whose marker is not known are left out" in c.note for c in cards(app).values()
    )


def test_measures_of_the_framework_are_about_their_own_records_whatever_the_filter_says(on_demo: Path) -> None:
    scope = Scope("restricted", publish.current().name, sources=("police",))
    scope = scope.but(start=pd.Timestamp("2025-01-01"), end=pd.Timestamp("2025-12-01"))
    wanted = ["value", "baseline", "upper"]
    plain, marked = (outcomes.measures(scope.but(mark=mark)).set_index("measure_id")[wanted] for mark in ("", "knife"))
    pd.testing.assert_frame_equal(plain, marked)


def test_the_mix_of_protected_offences_is_not_told_by_kind(on_demo: Path) -> None:
    with pytest.raises(NotHeld, match="do not split"):
        store.offence_mix(Scope("partner", publish.current().name, sources=("police",), mark="knife"))


def test_a_measure_of_a_register_names_the_register_as_its_source(on_demo: Path) -> None:
    found = cards(opened("outcomes", link={"selected": "attendance_svrp"}))
    label = definitions.source("attendance").label
    assert all(label in found[key].note for key in ("measure", "matrix"))
    assert label not in cards(opened("outcomes", link={"selected": "knife_crime"}))["measure"].note
