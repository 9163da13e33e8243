"""Words: what people read instead of column names, codes and raw numbers."""

import math

import pandas as pd
import pytest

from data import definitions, schema
from ui import words


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(0, 0, "0"), (1234567, 0, "1,234,567"), (3.14159, 1, "3.1"), (-1200.4, 0, "-1,200"), (None, 0, "not known")],
)
def test_numbers_have_thousands_separators_and_no_more_decimals_than_asked(value, decimals, text):
    assert words.number(value, decimals) == text


def test_missing_numbers_are_said_to_be_unknown_not_zero():
    assert {words.number(math.nan), words.rate(pd.NA), words.percent(None), words.month(pd.NaT)} == {"not known"}


def test_a_rate_says_what_it_is_per():
    assert words.rate(31.24, per=1000) == "31.2 per 1,000 people"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (0.061, "6%"),
        (1, "100%"),
        (0.001, "under 1%"),  # something happened: "0%" would say nothing did
        (0.999, "over 99%"),  # not all: "100%" would say all did
        (1.5, "150%"),
        (-0.25, "-25%"),
    ],
)
def test_percentages_never_round_something_to_nothing_or_most_to_all(share, text):
    assert words.percent(share) == text


def test_months_and_periods_are_british():
    assert words.month(pd.Timestamp("2025-03-01")) == "Mar 2025"
    assert words.period(pd.Timestamp("2024-04-01"), pd.Timestamp("2025-03-01")) == "Apr 2024 to Mar 2025"
    assert words.period(pd.Timestamp("2024-04-01"), pd.Timestamp("2024-04-30")) == "Apr 2024"


def test_plurals_follow_the_number():
    assert [words.count(n, "cell") for n in (0, 1, 2, 1200)] == ["0 cells", "1 cell", "2 cells", "1,200 cells"]
    assert words.count(2, "authority", "authorities") == "2 authorities"


def test_lists_end_with_and():
    assert [words.listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_labels_come_from_the_dictionary_and_an_unknown_name_is_still_readable():
    assert words.label("authority_code") == "Local authority code"
    assert words.heading("size_m") == "Cell size (metres)"
    assert words.heading("n") == "Records"  # the unit is the label: said once
    assert words.label("never_heard_of") == "Never heard of"


def test_codes_become_words_and_labels_passed_in_come_first():
    assert words.value("source", "ed_istv") == "Emergency departments"
    assert words.value("offence_group", "rape", {"rape": "Rape"}) == "Rape"
    assert words.value("source", "something else") == "something else"
    assert words.value("source", None) == "not known"


def test_offence_groups_have_their_words_without_being_asked():
    assert words.value("offence_group", "violence_with_injury") == "Violence with injury"


def test_figures_take_the_decimals_and_the_kind_of_their_column():
    assert words.figure("rate", 31.27) == "31.3"
    assert words.figure("n", 1234.0) == "1,234"
    assert words.figure("share", 0.234) == "23%"
    assert words.figure("never_heard_of", 7.6) == "8"


def test_tables_show_columns_with_their_heading_definition_and_format():
    config = {name: words.column_config(name) for name in ("rate", "share", "month", "name", "never_heard_of")}
    assert config["rate"]["label"] == "Rate (per 1,000 residents)"
    assert config["rate"]["help"] == definitions.columns()["rate"].definition
    assert config["rate"]["type_config"]["format"] == "%,.1f"
    assert config["share"]["type_config"]["format"] == "%.1f%%"
    assert config["month"]["type_config"]["format"] == "MMM YYYY"
    assert config["never_heard_of"]["label"] == "Never heard of"


def test_every_column_has_a_label_a_known_type_and_a_definition_that_is_a_sentence():
    kinds = {"text", "category", "integer", "number", "share", "boolean", "month", "date", "datetime", "shape"}
    for name, column in definitions.columns().items():
        assert column.label and "_" not in column.label, name
        assert column.type in kinds, name
        assert column.definition.endswith("."), name


def test_the_dictionary_lists_the_harmonised_tables_as_the_schema_has_them():
    listed = {name: [c for c in table.columns if c != "geometry"] for name, table in definitions.tables().items()}
    assert {name: listed[name] for name in schema.TABLES} == {n: list(fields) for n, fields in schema.TABLES.items()}
    assert {c for table in definitions.tables().values() for c in table.columns} <= set(definitions.columns())


def test_every_allowed_value_that_people_meet_has_words():
    meant_for_people = {name: fields for name, fields in schema.TABLES.items() if name != "lookups"}
    for table, fields in meant_for_people.items():
        for name, field in fields.items():
            known = definitions.columns()[name].values
            if field.values and known:
                assert set(field.values) <= set(known), (table, name)


@pytest.mark.parametrize(
    "name",
    # one or more from every group of functions that pages call
    [
        "n",
        "n_lower",
        "n_upper",
        "status",
        "shown",
        "cell_id",
        "q",
        "r",
        "x",
        "y",
        "z",
        "p_value",
        "q_value",
        "rate",
        "lower",
        "upper",
        "method",
        "rank",
        "rank_lower",
        "rank_upper",
        "i",
        "quadrant",
        "density",
        "class",
        "steps_hot",
        "trend_z",
        "trend_p_value",
        "relative_risk",
        "llr",
        "ratio",
        "observed",
        "expected",
        "centre",
        "signal",
        "rule",
        "segment",
        "benchmark",
        "position",
        "weekday",
        "hour",
        "harm",
        "top_offence",
        "top_share",
        "gini",
        "effective_n",
        "vif",
        "rate_ratio",
    ],
)
def test_every_column_that_analytics_hand_to_pages_is_defined(name):
    assert name in definitions.columns()
