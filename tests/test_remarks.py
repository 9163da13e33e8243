"""Remarks: short sentences about one figure, one place, or the data themselves."""

import pandas as pd
import pytest
from test_findings import made

from ui import remarks

DAY = pd.Timestamp("2026-11-27 14:30")


def news(**columns: list) -> pd.DataFrame:
    return pd.DataFrame(columns).assign(received=DAY)


def test_news_say_what_was_taken_in_and_how_many_records_that_made() -> None:
    rows = news(
        source=["Ambulance", "Police records"],
        accepted=[40, 1_200],
        records_held=[500.0, 9_000.0],
        records_before=[None, 7_766.0],
    )
    assert remarks.news(made(rows, counts=())) == (
        "The newest snapshot took in 1,240 rows of Ambulance and Police records. "
        "Records held: Ambulance +500 and Police records +1,234."
    )


def test_news_of_a_first_snapshot_compare_with_nothing() -> None:
    rows = news(source=["Boundaries"], accepted=[1], records_held=[None], records_before=[None])
    assert remarks.news(made(rows, counts=())) == "The newest snapshot took in 1 row of Boundaries."
    assert remarks.news(made(rows.head(0), counts=())) == "The newest snapshot brought no new rows."


def test_the_field_filled_in_least_is_named_with_its_source() -> None:
    rows = pd.DataFrame({"source": ["A", "B"], "field": ["Easting", "Age of suspect"], "filled": [0.97, 0.504]})
    said = remarks.completeness(made(rows, counts=(), derived=("filled",)))
    assert said == "Age of suspect is filled in least often: in 50% of B."


def test_deliveries_are_counted_and_the_newest_is_dated() -> None:
    rows = pd.DataFrame({"received": [DAY, DAY - pd.DateOffset(days=3)]})
    assert remarks.loads(made(rows, counts=())) == "2 deliveries; the newest came on 27 Nov 2026."


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (["lsoa", "lad"], "Not held here: neighbourhoods (MSOA)."),
        (["lad"], "Not held here: small areas (LSOA) and neighbourhoods (MSOA)."),
        (["lsoa", "msoa", "ward", "lad"], ""),
    ],
)
def test_levels_that_are_not_held_are_named(held: list[str], said: str) -> None:
    assert remarks.not_held(held) == said


def test_sources_of_a_place_are_told_one_by_one() -> None:
    rows = pd.DataFrame({"source": ["Police records", "Ambulance"], "n": [12.0, None]})
    both = made(rows.assign(status=["shown", "not supplied"]))
    assert remarks.sources(both) == "Police records 12 and Ambulance not supplied. They overlap and are not added up."
    assert remarks.sources(made(rows.head(1))) == "Only one source can be asked about this place: Police records 12."


def test_what_is_not_held_is_said_in_so_many_words() -> None:
    nothing = pd.DataFrame({"areas": [], "icd_group": []})
    assert remarks.deprivation(made(nothing, counts=())) == "No index of deprivation is held."
    assert remarks.admissions(made(nothing, counts=())) == "No hospital admissions for assault are held."
