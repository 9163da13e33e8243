"""The harmonised tables: types, allowed values, and refusals that name every rule and no value."""

import pandas as pd
import pytest

from data import schema
from data.errors import SourceProblem

ROW = {
    "record_id": 7, "source": "police", "feed_id": "police", "place_basis": "occurrence", "month": "2024-01-01",
    "time_known": False, "precision": "none", "offence_group": "violence_with_injury", "sv_local": True,
}  # fmt: skip


def incidents(**changes: object) -> pd.DataFrame:
    return schema.typed(pd.DataFrame([ROW | changes]), "incidents")


def refusal(frame: pd.DataFrame, table: str = "incidents", given: tuple[str, ...] = ()) -> str:
    with pytest.raises(SourceProblem) as raised:
        schema.check(frame, table, "file.csv", given)
    return str(raised.value)


@pytest.mark.parametrize("table", sorted(schema.TABLES))
def test_an_empty_table_has_every_column_in_its_type_and_passes(table: str) -> None:
    frame = schema.empty(table)
    fields = schema.TABLES[table]
    assert [c for c in frame if c != "geometry"] == list(fields)
    assert {name: str(frame[name].dtype) for name in fields} == {n: f.type for n, f in fields.items()}
    schema.check(frame, table, "nothing")


def test_columns_a_source_does_not_have_are_empty_never_no() -> None:
    frame = incidents()
    assert frame[["knife", "domestic", "lsoa_code", "dt_from", "easting"]].isna().all(axis=None)
    schema.check(frame, "incidents", "file.csv")


def test_columns_of_no_table_are_dropped() -> None:
    assert "postcode" not in incidents(postcode="somewhere")


def test_every_broken_rule_is_named_at_once_with_its_rows_and_no_value() -> None:
    frame = pd.concat([incidents(source="secret source", lat=12.5), incidents(source="other secret", lat=99.5)])
    message = refusal(schema.typed(frame.assign(feed_id=None), "incidents"))
    assert "column «source»: breaks the rule «one of the allowed values» of the table incidents (2 rows)" in message
    assert "column «lat»: breaks the rule «within the allowed range»" in message
    assert "column «feed_id»: breaks the rule «never empty»" in message
    assert not any(value in message for value in ("secret", "12.5", "99.5"))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("precision", "street corner"),
        ("place_basis", "home"),
        ("victim_age_band", "12"),
        ("victim_sex", "F"),
        ("geocode_confidence", "certain"),
        ("lat", 48.9),
        ("lat", 61.1),
        ("lon", 2.2),
        ("easting", -1.0),
        ("northing", 1_300_001.0),
        ("harm_cchi", -1.0),
    ],
)
def test_values_out_of_range_or_list_are_refused(column: str, value: object) -> None:
    assert f"«{column}»" in refusal(incidents(**{column: value}))


@pytest.mark.parametrize(("column", "value"), [("lat", 49.0), ("lat", 61.0), ("easting", 0.0), ("easting", 700_000.0)])
def test_the_ends_of_a_range_belong_to_it(column: str, value: float) -> None:
    schema.check(incidents(**{column: value}), "incidents", "file.csv")


def test_only_what_a_source_gives_is_asked_for_but_what_may_not_be_empty_always_is() -> None:
    frame = incidents(lat=12.5)
    schema.check(frame, "incidents", "file.csv", given=("source", "month"))  # lat is not among them
    assert "«lat»" in refusal(frame, given=("source", "lat"))
    assert "«feed_id»" in refusal(schema.typed(frame.assign(feed_id=None), "incidents"), given=("source",))


@pytest.mark.parametrize(
    ("table", "column"),
    [("admissions", "icd_group"), ("population", "sex"), ("areas", "area_level"), ("loads", "status")],
)
def test_each_table_has_rules_of_its_own(table: str, column: str) -> None:
    fields = schema.TABLES[table]
    filler = {"str": "E06000901", "int64": 2021, "float64": 1.0, "boolean": False, "bool": False}
    row = {name: f.values[0] if f.values else filler.get(f.type, "2024-01-01") for name, f in fields.items()}
    schema.check(schema.typed(pd.DataFrame([row]), table), table, "file.csv")
    assert f"«{column}»" in refusal(schema.typed(pd.DataFrame([row | {column: "secret"}]), table), table)
