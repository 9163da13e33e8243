"""Which data are held: how fresh, how complete, what was set aside, what is new. Map: see conftest."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from conftest import EXTRACT, OTHER_FORCE, W1, crime, record, street_file, text_file

from data import ingest, publish, tracker
from data.store import Scope

JANUARY, MARCH = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-03-01")
LATER = pd.Timestamp("2024-06-01")


@pytest.fixture(scope="module", autouse=True)
def stocked(tiny_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Street crime of January and March, March delivered twice; then four records of the police in January."""
    home = tmp_path_factory.mktemp("tracked")
    shutil.copytree(tiny_template / "data", home / "data")
    both = [crime(n, month=f"2024-0{1 + 2 * (n % 2)}") for n in range(38)]  # 19 in each month
    both += [crime(50, kind="Sheep stealing"), crime(51, lsoa="E01999999")]  # not understood; outside
    again = [crime(n, month="2024-03") for n in range(3)] + [crime(9, at=None, lsoa="", force=OTHER_FORCE)]
    police = [
        record("A1", age="16", knife="Y"),
        record("A2", knife=""),
        record("A3", at=None, lsoa=W1, when="2024-01-10"),
        record("A4", at=None),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(home / "data"))
        patch.setenv("EXPLORER_PARTNERSHIP", str(tiny_template / "partnership.toml"))
        ingest.ingest("police_uk", [street_file(home / "both.csv", both)])
        ingest.ingest("police_uk", [street_file(home / "again.csv", again)])
        ingest.ingest("police_extract", [text_file(home / "police.csv", [EXTRACT, *police])])
        yield


def scope(tier: str = "restricted", *sources: str) -> Scope:
    return Scope(tier, publish.current().name, sources=sources or ("police_uk", "police"))


def test_freshness_says_what_is_covered_and_what_is_lacking() -> None:
    found = tracker.freshness(scope(), LATER).set_index("source")
    assert set(found.index) == {"boundaries", "lookups", "police", "police_uk", "population"}
    street = found.loc["police_uk"]
    assert (street["first_month"], street["last_month"]) == (JANUARY, MARCH)
    assert (street["deliveries"], street["months"], street["months_missing"]) == (2, 2, 1)  # February
    assert found.loc["lookups", "deliveries"] == 3
    assert found.loc[["lookups", "boundaries"], ["first_month", "months", "months_missing"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("day", "state"),
    [  # March ends on the 31st; April's file is published about 62 days after April has ended, on 1 or 2 July
        ("2024-05-01", "up to date"),
        ("2024-07-02", "up to date"),  # 31 days after the end of March plus 62
        ("2024-07-03", "due"),
        ("2024-08-02", "due"),
        ("2024-08-03", "overdue"),
    ],
)
def test_a_source_is_late_by_its_own_rhythm(day: str, state: str) -> None:
    found = tracker.freshness(scope(), pd.Timestamp(day)).set_index("source")["state"]
    assert found["police_uk"] == state


def test_a_source_expected_each_month_without_delay_is_late_sooner() -> None:
    # the police's own January ends on the 31st: due from 2 March, overdue from 2 April
    states = [
        tracker.freshness(scope(), pd.Timestamp(day)).set_index("source").loc["police", "state"]
        for day in ("2024-03-02", "2024-03-03", "2024-04-02", "2024-04-03")
    ]
    assert states == ["up to date", "due", "due", "overdue"]


def test_months_held_have_a_row_for_every_month_between() -> None:
    found = tracker.months_held(scope()).set_index(["source", "month"])["held"]
    assert found.to_dict() == {
        ("police", JANUARY): True,
        ("police", pd.Timestamp("2024-02-01")): False,
        ("police", MARCH): False,
        ("police_uk", JANUARY): True,
        ("police_uk", pd.Timestamp("2024-02-01")): False,
        ("police_uk", MARCH): True,
    }


def test_completeness_is_the_share_of_records_that_say_it() -> None:
    found = tracker.completeness(scope()).set_index(["source", "field"])
    police = found.loc["police"]["filled"]
    assert set(found.loc["police"]["n"]) == {4}
    # of A1 to A4: a point 2, a small area 3, a time 3 (A3 has a day), an age 1, a knife flag that says yes or no 3
    wanted = {"easting": 0.5, "lsoa_code": 0.75, "time_known": 0.75, "victim_age_band": 0.25, "knife": 0.75}
    assert police[list(wanted)].to_dict() == wanted
    street = found.loc["police_uk"]["filled"]
    assert (street["easting"], street["time_known"], street["knife"]) == (1.0, 0.0, 0.0)


def test_rows_set_aside_are_counted_by_reason_over_the_loads_that_still_hold() -> None:
    found = tracker.set_aside(scope()).set_index(["source", "reason"])["n"].to_dict()
    assert found == {
        ("police_uk", "crime type not in the list"): 1,
        ("police_uk", "outside the area"): 1,
        ("police_uk", "no place given, and reported by a force from elsewhere"): 1,
    }


def test_what_is_new_is_what_the_last_load_brought_and_how_many_records_that_made() -> None:
    new = tracker.new_since_last(scope()).iloc[0]
    assert (new["source"], new["files"], new["records_held"]) == ("police", 1, new["accepted"])
    assert pd.isna(new["records_before"])  # the first of their kind
    earlier = [m["id"] for m in publish.kept()][1]
    again = tracker.new_since_last(Scope("restricted", earlier)).iloc[0]
    # 38 crimes of January and March, then March anew: its 19 gave way to the 3 of the second delivery
    assert (again["source"], again["records_before"], again["records_held"]) == ("police_uk", 38, 22)


def test_the_public_learn_of_no_delivery_of_a_closed_source() -> None:
    public = scope("public")
    assert "police" not in set(tracker.freshness(public, LATER)["source"])
    assert set(tracker.months_held(public)["source"]) == {"police_uk"}
    assert set(tracker.completeness(public)["source"]) == {"police_uk"}
    assert tracker.new_since_last(public).empty
