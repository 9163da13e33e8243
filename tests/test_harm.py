"""Harm totals against sums done by hand with published weights."""

import pandas as pd
import pytest

from analytics import harm

# ONS Crime Severity Score weights of 2016, as published then
WEIGHTS = pd.DataFrame(
    {"offence": ["homicide", "attempted murder", "assault with injury"], "weight": [7979, 4663, 184]}
)


def counts(**n: float | None) -> pd.DataFrame:
    return pd.DataFrame({"offence": [name.replace("_", " ") for name in n], "n": list(n.values())})


def test_one_homicide_against_forty_assaults():
    # 7,979 + 40 x 184 = 15,339; the homicide is 52.0% of it; without it 7,360 remain; over 100,000 people 0.15339
    row = harm.weighted(counts(homicide=1, assault_with_injury=40), WEIGHTS, population=100_000).iloc[0]
    assert row["harm"] == 15_339
    assert row["top_offence"] == "homicide"
    assert row["top_share"] == pytest.approx(7_979 / 15_339)
    assert row["harm_without_top"] == 7_360
    assert row["rate"] == pytest.approx(0.15339)


def test_the_top_offence_is_the_one_with_most_harm_not_the_heaviest():
    row = harm.weighted(counts(homicide=1, assault_with_injury=100), WEIGHTS).iloc[0]  # 7,979 against 18,400
    assert (row["top_offence"], row["harm_without_top"]) == ("assault with injury", 7_979)
    assert pd.isna(row["rate"])


def test_months_of_one_offence_are_added_up():
    months = pd.concat([counts(homicide=1, assault_with_injury=30), counts(assault_with_injury=10)])
    both = harm.weighted(months, WEIGHTS)
    pd.testing.assert_frame_equal(both, harm.weighted(counts(homicide=1, assault_with_injury=40), WEIGHTS))


def test_what_has_no_weight_or_no_count_is_left_out_and_told():
    row = harm.weighted(counts(homicide=1, shoplifting=70, attempted_murder=None), WEIGHTS).iloc[0]
    assert (row["harm"], row["n"], row["without_weight"], row["without_count"]) == (7_979, 1, 70, 1)


def test_no_events_are_no_harm_and_no_top_offence():
    row = harm.weighted(counts(homicide=0, assault_with_injury=0), WEIGHTS, population=10).iloc[0]
    assert (row["harm"], row["rate"], row["harm_without_top"]) == (0, 0, 0)
    assert pd.isna(row["top_offence"]) and pd.isna(row["top_share"])


def test_nothing_known_is_not_nothing():
    for table in (counts(homicide=None), counts(shoplifting=3), counts(homicide=1)[:0]):
        row = harm.weighted(table, WEIGHTS).iloc[0]
        assert pd.isna(row["harm"]) and pd.isna(row["harm_without_top"])


def test_two_weights_for_one_offence_are_refused_and_inputs_left_alone():
    with pytest.raises(ValueError, match="more than one weight"):
        harm.weighted(counts(homicide=1), pd.concat([WEIGHTS, WEIGHTS]))
    with pytest.raises(ValueError, match="not below 0"):
        harm.weighted(counts(homicide=-1), WEIGHTS)
    given = counts(homicide=1)
    before = given.copy()
    harm.weighted(given, WEIGHTS)
    pd.testing.assert_frame_equal(given, before)
