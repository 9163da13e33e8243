"""Findings: sentences that say what the numbers say, no more, and that know what they cannot say."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest

from analytics.disclosure import Provenance, Release, Rules, release
from ui import findings

RULES = Rules("public", "Published figures, shown as published.")
PROVENANCE = Provenance("Portsmouth", "2024 to 2025", ("Police",), "Where it happened", "s1", "2026", "to 2025", True)


def made(frame: pd.DataFrame, *, counts=("n",), derived=()) -> Release:
    return release(
        frame, counts=list(counts), derived=list(derived), title="Violence", rules=RULES, provenance=PROVENANCE
    )


def years(*values: float | None, start: str = "2024-01") -> pd.DataFrame:
    frame = pd.DataFrame({"month": pd.date_range(start, periods=len(values), freq="MS"), "n": values})
    return frame.assign(n=frame["n"].astype("float64"), status=np.where(frame["n"].isna(), "not supplied", "shown"))


def test_a_clear_rise_is_said_with_its_range_and_a_word_on_recording():
    # 12 x 100 then 12 x 150: half as many again; months do not vary, so the spread is 1 and the range is
    # 1.5 x exp(+-1.96 x sqrt(11/9) x sqrt(1/1800 + 1/1200)) = 1.5 x exp(+-0.08075) = 1.384 to 1.626
    said = findings.compare_last_year(made(years(*[100] * 12, *[150] * 12)))
    assert said == (
        "1,800 records in the 12 months to Dec 2025: 50% more than in the 12 months before "
        "(likely 38% to 63% more). A change in recording would look the same."
    )


def test_a_fall_names_the_nearer_end_first():
    # the same the other way round: 1 / 1.62615 = 0.61495 to 1 / 1.38364 = 0.72273, so 27.7% to 38.5% fewer
    said = findings.compare_last_year(made(years(*[150] * 12, *[100] * 12)))
    assert "33% fewer than in the 12 months before (likely 28% to 39% fewer)" in said


def test_a_small_change_is_not_called_a_change():
    said = findings.trend(made(years(*[100] * 12, *[102] * 12)))
    assert "no clear change from the 12 months before (likely between" in said
    assert findings.RECORDING not in said


def test_the_range_is_that_of_a_quasi_poisson_regression():
    """Oracle: statsmodels, counts on month of the year and year, dispersion from Pearson's chi-square."""
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    season = 100 + 30 * np.sin(np.arange(12))
    before, now = rng.negative_binomial(8, 8 / (8 + season)), rng.negative_binomial(8, 8 / (8 + 1.3 * season))
    both = pd.DataFrame({"now": now.astype(float), "before": before.astype(float)})
    low, high = findings._interval(both, 0.95)
    design = np.column_stack([np.tile(np.eye(12), (2, 1)), np.repeat([0, 1], 12)])
    fitted = sm.GLM(np.concatenate([before, now]), design, family=sm.families.Poisson()).fit(scale="X2")
    assert fitted.scale > 1.5  # the months vary more than chance, or this would test nothing
    assert np.log(high / low) / 2 == pytest.approx(1.959964 * np.sqrt(11 / 9) * fitted.bse[-1], rel=1e-6)
    assert np.sqrt(high * low) == pytest.approx(np.exp(fitted.params[-1]), rel=1e-6)


def test_gaps_are_left_out_on_both_sides_and_said():
    # February 2024 was not supplied, so February 2025 is not compared: 11 x 150 = 1,650
    values = [100, None, *[100] * 10, *[150] * 12]
    said = findings.compare_last_year(made(years(*values)))
    assert said.startswith("1,650 records in the 11 months of the year to Dec 2025 that can be compared: 50% more")


@pytest.mark.parametrize("values", [[100], [100] * 12, [None] * 12 + [100] * 12])
def test_without_a_year_before_there_is_no_month_to_compare_with(values):
    said = findings.trend(made(years(*values)))
    assert "There is no month to compare with" in said
    assert "%" not in said


@pytest.mark.parametrize(
    ("values", "start", "end", "expected"),
    [
        # the numbers of the first test: 50% more, 38% to 63%
        (
            [100] * 12 + [150] * 12,
            "2025-01",
            "2025-12",
            "50% more than in the same months a year before (likely 38%",
        ),
        ([100] * 24, "2025-04", "2025-12", "No clear change from the same months a year before (likely between"),
        ([100] * 12 + [150] * 12, "2025-03", "2025-03", "50% more than in the same month a year before, too few"),
        ([None] * 12 + [100] * 12, "2025-01", "2025-12", "No month to compare with"),
        ([100, None, *[100] * 22], "2025-01", "2025-12", "Not compared: of the same months a year before, 11 of 12"),
        ([100] * 22 + [None] * 2, "2025-01", "2025-12", "2 months of the period not supplied. Not compared"),
        ([100] * 12 + [None] * 12, "2025-01", "2025-12", "No month of this period was supplied."),
        ([2] * 11 + [0] * 12 + [4], "2025-12", "2025-12", "Too few to compare with the 0 in the same month"),
    ],
)
def test_a_period_is_compared_with_the_same_months_only_if_all_are_held(values, start, end, expected):
    said = findings.same_period(made(years(*values)), pd.Timestamp(start), pd.Timestamp(end))
    assert said.startswith(expected)


def test_the_headline_and_the_chart_beneath_it_give_the_same_range():
    months = made(years(*[100, 90, 140] * 4, *[150, 130, 120] * 4))
    whole = findings.trend(months)
    said = findings.same_period(months, pd.Timestamp("2025-01"), pd.Timestamp("2025-12"))
    assert re.search(r"\(likely .*?\)", said).group() in whole


def test_a_few_months_cannot_tell_a_change_from_chance():
    said = findings.trend(made(years(*[100] * 12, 150, 150)))
    assert "2 months of the year to Feb 2025 that can be compared" in said
    assert "too few months to tell a change from chance" in said


def test_very_small_counts_are_not_turned_into_percentages():
    said = findings.trend(made(years(*[0] * 11, 2, *[0] * 11, 1)))
    assert said == "1 record in the 12 months to Dec 2025: too few to compare with the 2 in the 12 months before."


def test_hidden_months_are_never_compared():
    frame = years(*[100] * 12, *[150] * 12)
    frame.loc[20, "status"] = "hidden"
    assert "11 months" in findings.trend(made(frame))


def test_series_are_judged_one_by_one_and_never_added_up():
    rising, flat = [100] * 12 + [150] * 12, [100] * 12 + [101] * 12
    parts = {"police": rising, "ed_istv": flat, "ambulance": [None] * 12 + [50] * 12}
    frame = pd.concat([years(*values).assign(source=name) for name, values in parts.items()])
    said = findings.trend(made(frame), by="source")
    assert said == (
        "Clearly more than a year earlier: Police records (50% more). No clear change: Emergency departments. "
        "No month to compare with: Ambulance. A change in recording would look the same."
    )


def test_looking_at_many_series_asks_more_of_each():
    # 1,240 against 1,100: z = ln(1.127) / (sqrt(11/9) x sqrt(1/1240 + 1/1100)) = 2.62: clear alone (1.96), not
    # among 14 (z of 1 - 0.05/28 is 2.91)
    values = [*[1100 / 12] * 12, *[1240 / 12] * 12]
    alone = findings.trend(made(years(*values).assign(area_name="A")), by="area_name")
    many = pd.concat([years(*values).assign(area_name=f"Area {k}") for k in range(14)])
    assert "Clearly more" in alone
    assert findings.trend(made(many), by="area_name") == "No clear change: Area 0, Area 1 and 12 others."


def test_figures_that_are_not_counts_get_a_range_and_no_claim():
    frame = years(*[10] * 6).assign(rate=[30.0, 31.0, 29.0, 35.0, 30.0, 30.0])
    said = findings.trend(made(frame, derived=["rate"]), value="rate")
    assert said == ("Rate: highest 35.0 per 1,000 residents in Apr 2024, lowest 29.0 per 1,000 residents in Mar 2024.")


PLACES = pd.DataFrame(
    {
        "authority_name": ["Hart", "Gosport", "Fareham", "Havant"],
        "n": [3.0, 90.0, 80.0, 10.0],
        "rate": [5.0, 30.0, 29.0, 10.0],
        "lower": [1.0, 25.0, 24.0, 5.0],
        "upper": [15.0, 35.0, 34.0, 18.0],
    }
)


def test_a_ranking_says_when_the_order_is_not_certain():
    said = findings.ranking(
        made(PLACES, derived=["rate"]), category="authority_name", value="rate", lower="lower", upper="upper"
    )
    assert said == (
        "Gosport is highest: 30.0 per 1,000 residents (likely 25.0 to 35.0). The range of Fareham overlaps with it, "
        "so their order is not certain. A place picked for being highest often looks less extreme the next time."
    )


def test_a_ranking_with_one_clear_leader_says_so():
    clear = PLACES[PLACES["authority_name"] != "Fareham"]
    said = findings.ranking(made(clear), category="authority_name", value="rate", lower="lower", upper="upper")
    assert "No other range reaches as high." in said
    assert findings.REGRESSION not in said


def test_ranked_counts_of_places_are_not_read_as_risk():
    said = findings.ranking(made(PLACES), category="authority_name")
    assert said == "Gosport is highest: 90 records. Counts follow how many people are there; rates allow for that."


@pytest.mark.parametrize(
    ("n", "said"),
    [
        ([5, 5, 5], "All 3 are level at 5 records."),
        ([5, 5, 1], "Gosport and Hart are highest: 5 records."),
        ([5, None, None], "Gosport: 5 records. 2 others are not shown."),
        ([5, 1, None], "Gosport is highest: 5 records."),
        ([None, None, None], findings.NOTHING),
    ],
)
def test_ties_single_rows_and_hidden_rows_are_told(n, said):
    frame = pd.DataFrame({"authority_name": ["Gosport", "Hart", "Fareham"], "n": pd.array(n, dtype="Float64")})
    frame = frame.astype({"n": "float64"}).assign(status=["shown" if v is not None else "hidden" for v in n])
    told = findings.ranking(made(frame), category="authority_name")
    assert told.startswith(said)
    assert ("1 other is not shown." in told) == (n == [5, 1, None])


def test_the_mix_names_the_largest_group_and_its_share():
    # 150 of 300 is 50%; 150 + 90 + 40 = 280 of 300 is 93%
    frame = pd.DataFrame({"offence_group": ["rape", "violence_with_injury", "homicide", "robbery_personal"]})
    said = findings.mix(made(frame.assign(n=[40, 150, 20, 90])))
    assert said == ("Violence with injury is the largest group: 150 of 300 (50%). The first three together make 93%.")


def test_the_mix_counts_only_what_is_shown_and_says_so():
    frame = pd.DataFrame({"offence_group": ["rape", "homicide"], "n": [200.0, 3.0], "status": ["shown", "hidden"]})
    said = findings.mix(made(frame))
    assert (
        said
        == "Rape is the largest group: 200 of 200 (100% of those shown). 1 group is not shown and not counted here."
    )


def test_the_mix_of_few_records_has_no_percentages():
    frame = pd.DataFrame({"offence_group": ["rape", "homicide"], "n": [60, 39]})
    assert findings.mix(made(frame)) == "Rape is the largest group: 60 of 99; too few for percentages."


def cells(hot: int, borderline: int, others: int) -> pd.DataFrame:
    """Cells of 10 records, the hot ones of 40."""
    count = hot + borderline + others
    frame = pd.DataFrame({"cell_id": [f"500:{k}:0" for k in range(count)], "n": [40.0] * hot + [10.0] * (count - hot)})
    frame["z"] = [5.0] * hot + [2.1] * borderline + [0.0] * others
    frame["p_value"] = [0.0001] * hot + [0.03] * borderline + [1.0] * others
    return frame.assign(q_value=[0.001] * hot + [0.3] * borderline + [1.0] * others)


def test_hotspots_are_counted_after_allowing_for_how_many_were_looked_at():
    # 5 x 40 = 200 of 200 + 95 x 10 = 1,150 records is 17%, on 5 of 100 cells
    said = findings.map_cells(made(cells(5, 2, 93)))
    assert said == (
        "5 of 100 cells stand out as hotspots, allowing for the number looked at. They hold 17% of the records on 5% "
        "of the cells. 2 more would stand out only without that allowance."
    )


def test_hotspots_without_correction_say_that_nothing_was_allowed_for():
    said = findings.map_cells(made(cells(5, 2, 93).drop(columns="q_value")))
    assert said.startswith("7 of 100 cells stand out as hotspots, not allowing for the number looked at.")


def test_no_hotspot_and_one_hotspot_read_well():
    none, one = findings.map_cells(made(cells(0, 0, 50))), findings.map_cells(made(cells(1, 0, 49)))
    assert none == "None of 50 cells stands out from chance, allowing for the number looked at."
    assert one.startswith("1 of 50 cells stands out as a hotspot, allowing for the number looked at. It holds 8% of")


def test_cold_cells_are_not_called_hotspots():
    frame = cells(5, 0, 95)
    frame["z"] = -frame["z"]
    assert findings.map_cells(made(frame)).startswith("None of 100 cells stands out")


def week(**extra: float) -> pd.DataFrame:
    frame = pd.DataFrame(list(itertools.product(range(7), range(24))), columns=["weekday", "hour"]).assign(n=1.0)
    return frame.assign(**extra)


def test_the_busiest_hours_are_the_six_in_a_row_that_hold_most():
    frame = week()
    at = frame["weekday"] * 24 + frame["hour"]
    frame.loc[at.between(4 * 24 + 21, 4 * 24 + 26), "n"] = 41.0  # Friday 21:00 to Saturday 03:00
    # 6 x 41 = 246 of 246 + 162 = 408 records is 60%; 6 of 168 hours is 4%
    said = findings.weekday_hour(made(frame))
    assert said == "Busiest from Friday 21:00 to Saturday 03:00: 60% of the records in 4% of the week."


def test_the_week_goes_round_from_sunday_night_to_monday():
    frame = week()
    at = frame["weekday"] * 24 + frame["hour"]
    frame.loc[at >= 165, "n"] = 20.0
    frame.loc[at < 3, "n"] = 41.0
    assert "Busiest from Sunday 21:00 to Monday 03:00" in findings.weekday_hour(made(frame))


def test_an_even_week_is_called_even():
    assert findings.weekday_hour(made(week())).startswith("Spread fairly evenly over the week")


def test_too_few_records_do_not_name_hours():
    few = pd.DataFrame({"weekday": [4, 5], "hour": [23, 1], "n": [50.0, 49.0]})
    assert findings.weekday_hour(made(few)) == "99 records with a known time: too few to say which hours are busiest."


def test_records_without_a_time_are_mentioned():
    kept = made(week())
    timed = Release(kept.table, kept.title, kept.counts, (), kept.rules, kept.provenance, kept.n, {"left_out": 42})
    assert "20% have no usable time and are left out." in findings.weekday_hour(timed)  # 42 of 168 + 42


def empty(*columns: str) -> Release:
    return Release(pd.DataFrame(columns=list(columns)), "Nothing", ("n",), (), RULES, PROVENANCE)


@pytest.mark.parametrize(
    "said",
    [
        lambda: findings.trend(empty("month", "n")),
        lambda: findings.trend(empty("month", "n", "source"), by="source"),
        lambda: findings.compare_last_year(empty("month", "n")),
        lambda: findings.ranking(empty("authority_name", "n"), category="authority_name"),
        lambda: findings.mix(empty("offence_group", "n")),
        lambda: findings.map_cells(empty("n", "z", "p_value", "q_value")),
        lambda: findings.weekday_hour(empty("weekday", "hour", "n")),
        lambda: findings.trend(made(years(None, None))),
    ],
)
def test_nothing_to_show_is_said_plainly(said):
    assert said() == findings.NOTHING


def test_no_sentence_shows_more_decimals_than_a_reader_can_use():
    rng = np.random.default_rng(0)
    told = [
        findings.trend(made(years(*(rng.random(30) * 1000)))),
        findings.ranking(made(PLACES.assign(rate=np.pi)), category="authority_name", value="rate"),
        findings.weekday_hour(made(week(n=1.23456))),
    ]
    assert not [t for t in told if re.search(r"\.\d{2,}", t)]


def test_working_out_a_sentence_changes_nothing_in_the_release():
    kept = made(PLACES)
    before = kept.table.copy(deep=True)
    findings.ranking(kept, category="authority_name", value="rate", lower="lower", upper="upper")
    findings.mix(kept, category="authority_name")
    pd.testing.assert_frame_equal(kept.table, before)
