"""Releases: labels of what is shown, banded, hidden or not supplied, and rounding of what is worked out from it."""

import numpy as np
import pandas as pd
import pytest

from analytics.disclosure import Provenance, Release, Rules, release

FROM = Provenance("Westmarch", "January 2024", ("Police",), "where it happened", "S1", "2024-02-01", "new", False)
OPEN, PARTNER = Rules("restricted", "True counts."), Rules("partner", "Small numbers are banded.", figures=3)


def released(frame: pd.DataFrame, rules: Rules = PARTNER, derived: list[str] = []) -> Release:
    return release(frame, counts=["n"], derived=derived, title="Records", rules=rules, provenance=FROM)


def cell(n: float | None, lower: float | None, upper: float | None, status: str, rate: float = 1.0) -> dict:
    return {"n": n, "n_lower": lower, "n_upper": upper, "status": status, "rate": rate}


THRESHOLD_8 = [  # as the partner tier holds counts whose threshold is 8: domain rules, 5 * floor((n + 2) / 5) from 8 up
    cell(np.nan, 0, 7, "band"),  # a true 7: one below
    cell(10, 8, 12, "shown"),  # a true 8: on it
    cell(10, 8, 12, "shown"),  # a true 9: one above
]


def test_below_on_and_above_the_threshold_is_shown_as_what_it_is() -> None:
    found = released(pd.DataFrame(THRESHOLD_8), derived=["rate"]).table
    assert found["shown"].tolist() == ["<8", "10", "10"]
    assert found["n"].isna().tolist() == [True, False, False]
    assert found["rate"].isna().tolist() == [True, False, False]  # no rate of a count that is not shown
    assert found[["n_lower", "n_upper"]].to_numpy().tolist() == [[0, 7], [8, 12], [8, 12]]


def test_a_threshold_of_five_says_so() -> None:
    found = released(pd.DataFrame([cell(np.nan, 0, 4, "band"), cell(5, 5, 7, "shown")])).table
    assert found["shown"].tolist() == ["<5", "5"]


def test_a_choice_of_several_groups_is_a_range() -> None:
    assert released(pd.DataFrame([cell(np.nan, 45, 61, "band")])).table["shown"].tolist() == ["45 to 61"]


def test_a_number_that_slipped_in_with_a_status_that_hides_it_is_dropped() -> None:
    frame = pd.DataFrame([cell(3, 0, 7, "band", 12.5), cell(3, 3, 3, "hidden", 12.5), cell(3, 3, 3, "not supplied")])
    found = released(frame, derived=["rate"])
    assert found.table["n"].isna().all() and found.table["rate"].isna().all()
    assert found.table["shown"].tolist() == ["<8", "hidden", "not supplied"]
    assert found.table["n_lower"].isna().tolist() == [False, True, True]  # bounds would tell what is hidden
    assert found.n is None


def test_missing_zero_and_unknown_bounds_are_told_apart() -> None:
    frame = pd.DataFrame(
        [
            cell(0, 0, 0, "shown"),
            cell(np.nan, np.nan, np.nan, "not supplied"),
            cell(np.nan, np.nan, np.nan, "band"),
            cell(1234567, 1234567, 1234567, "shown"),
        ]
    )
    assert released(frame).table["shown"].tolist() == ["0", "not supplied", "hidden", "1,234,567"]


def test_the_number_of_records_is_said_only_where_all_of_them_are_shown() -> None:
    shown = pd.DataFrame({"n": [3, 0, 4], "status": "shown"})
    assert released(shown).n == 7
    assert released(shown.assign(status=["shown", "band", "shown"])).n is None
    assert released(shown.assign(status=["shown", "not supplied", "shown"])).n is None
    assert release(shown, counts=[], title="", rules=OPEN, provenance=FROM).n is None


def test_without_a_status_every_row_is_shown() -> None:
    found = released(pd.DataFrame({"n": [1, 2]}), OPEN)
    assert found.table["shown"].tolist() == ["1", "2"] and found.n == 3


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (123.456, 123.0),
        (0.00123456, 0.00123),
        (-98.765, -98.8),
        (1234567.0, 1230000.0),
        (99.95, 100.0),
        (0.0, 0.0),
        (5.0, 5.0),
        (np.nan, np.nan),
        (np.inf, np.nan),  # no number that could be shown
    ],
)
def test_what_is_worked_out_keeps_three_significant_figures(value: float, rounded: float) -> None:
    frame = pd.DataFrame({"n": [10], "rate": [value]})
    assert released(frame, derived=["rate"]).table["rate"].iat[0] == pytest.approx(rounded, nan_ok=True, rel=1e-12)
    assert released(frame, OPEN, derived=["rate"]).table["rate"].iat[0] == pytest.approx(value, nan_ok=True)


def test_whole_numbers_and_words_that_are_worked_out_are_kept() -> None:
    frame = pd.DataFrame({"n": [1, 2], "rank": [1, 1234], "class": ["new", None]})
    found = released(frame.assign(status=["shown", "hidden"]), derived=["rank", "class"]).table
    assert found["rank"].tolist()[0] == 1 and pd.isna(found["rank"].iat[1])
    assert found["class"].iat[0] == "new" and pd.isna(found["class"].iat[1])


@pytest.mark.parametrize("kind", [float, "object", "Int64"])
def test_an_empty_table_is_released_as_one(kind: object) -> None:
    frame = pd.DataFrame({c: pd.Series([], dtype=kind) for c in ("n", "n_lower", "n_upper", "rate")})
    found = released(frame.assign(status=pd.Series([], dtype="str")), derived=["rate"])
    assert found.table.empty and "shown" in found.table and found.n is None
    assert released(pd.DataFrame({"n": []})).table.empty


def test_nullable_counts_are_taken_too() -> None:
    frame = pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "status": ["shown", "not supplied"]})
    assert released(frame).table["shown"].tolist() == ["1", "not supplied"]


def test_an_odd_index_stays_and_the_table_given_is_left_unchanged() -> None:
    frame = pd.DataFrame([*THRESHOLD_8, THRESHOLD_8[0]], index=[7, 7, 3, 0])
    before = frame.copy()
    found = released(frame, derived=["rate"])
    assert found.table.index.tolist() == [7, 7, 3, 0]
    assert found.table["shown"].tolist() == ["<8", "10", "10", "<8"]
    pd.testing.assert_frame_equal(frame, before)


def test_a_release_carries_its_rules_and_where_it_is_from() -> None:
    found = released(pd.DataFrame({"n": [1]}))
    assert (found.title, found.rules, found.provenance) == ("Records", PARTNER, FROM)
    assert (found.counts, found.derived) == (("n",), ())
