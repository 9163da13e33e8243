"""What the pages on trends and admissions ask, on the invented partnership: limits, the year before, ranges."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_app import cards, opened, troubles

from analytics import rates, spc
from answers import admissions, trends
from data import publish, store

pytestmark = pytest.mark.usefixtures("on_demo")


@pytest.fixture(scope="module")
def every(demo: Path) -> store.Scope:
    """Police records of the last two years, as a named analyst sees them."""
    first, last = pd.Timestamp("2024-01-01"), pd.Timestamp("2025-12-01")
    return store.Scope("restricted", publish.current(demo).name, start=first, end=last, sources=("police",))


def test_limits_are_those_of_an_xmr_chart_that_begins_anew_at_the_recording_change(every: store.Scope) -> None:
    found = trends.months(every, "source")
    wide = every.but(start=pd.Timestamp("2022-01-01"))
    n = store.monthly_counts(wide)["n"]
    expected = spc.xmr(n, direction="decrease", rebase=[3])  # April 2022: violence with injury recorded more fully
    assert found["month"].min() == pd.Timestamp("2022-01-01")
    for column in ("centre", "lower", "upper"):
        np.testing.assert_allclose(found[column], expected[column])
    assert found["segment"].tolist()[:4] == [1, 1, 1, 2]


def test_the_year_before_stands_beside_each_month_and_the_rolling_year_adds_twelve(every: store.Scope) -> None:
    found = trends.months(every, "source").set_index("month")
    wide = store.monthly_counts(every.but(start=pd.Timestamp("2021-01-01"))).set_index("month")["n"]
    may = pd.Timestamp("2025-05-01")
    assert found.loc[may, "n_before"] == wide[pd.Timestamp("2024-05-01")]
    assert found.loc[may, "rolling_sum"] == wide["2024-06-01":"2025-05-01"].sum()


def test_rare_groups_have_no_limits_and_are_named(every: store.Scope) -> None:
    found = trends.months(every, "offence_group")
    rare = found.attrs["rare"]
    assert "attempted_murder" in rare
    assert found.loc[found["offence_group"].isin(rare), "centre"].isna().all()
    assert found.loc[~found["offence_group"].isin(rare), "centre"].notna().any()


def test_the_recording_change_is_no_signal_of_its_group(every: store.Scope) -> None:
    """Without a new beginning, its first months would all lie above the old level."""
    about = every.but(start=pd.Timestamp("2022-01-01"), end=pd.Timestamp("2022-12-01"))
    found = trends.months(about, "offence_group").set_index(["offence_group", "month"])
    group = found.loc["violence_with_injury"]
    assert (group.loc["2022-04-01":"2022-06-01", "signal"] == "").all()
    old = store.monthly_counts(about.but(start=pd.Timestamp("2020-01-01")), by=("offence_group",))
    old = old[old["offence_group"] == "violence_with_injury"]
    plain = spc.xmr(old["n"], direction="decrease").set_index(old["month"].to_numpy())
    assert (plain.loc["2022-04-01":, "signal"] == "concern").any()


def test_the_intervention_is_signalled_as_an_improvement_or_not_called_a_concern(every: store.Scope) -> None:
    city = trends.months(every.but(area="E06000045", start=pd.Timestamp("2023-01-01")), "source")
    assert "concern" not in set(city.loc[city["month"] >= "2025-10-01", "signal"])


def test_withheld_numbers_of_admissions_are_told_as_a_range(every: store.Scope) -> None:
    found = admissions.months(every, "X85_Y09")
    raw = store.run(every, store.table(every, "admissions"))
    march = raw[(raw["period"] == "2024-03") & (raw["icd_group"] == "X85_Y09") & (raw["age_band5"] == "all")]
    row = found[found["month"] == "2024-03-01"].iloc[0]
    withheld = int(march["suppressed"].sum())
    assert withheld > 0
    assert row["n_lower"] == march["episodes"].sum() + withheld
    assert row["n_upper"] == march["episodes"].sum() + 7 * withheld
    assert np.isnan(row["n"])


def test_pooled_rates_are_the_standardised_rates_of_the_least_and_the_most(every: store.Scope) -> None:
    found = admissions.pooled(every, "X85_Y09")
    row = found[(found["authority_code"] == "E06000045") & (found["period"] == "2022/23-2024/25")].iloc[0]
    raw = store.run(every, store.table(every, "admissions"))
    here = raw[
        (raw["authority_code"] == "E06000045") & (raw["period"] == row["period"]) & (raw["icd_group"] == "X85_Y09")
    ]
    here = here[(here["age_band5"] != "all") & (here["sex"] != "all")]
    people = store.run(every, store.table(every, "population"))
    people = people[(people["area_code"] == "E06000045") & (people["pop_type"] == "resident")]
    people = people[people["year"].isin([2022, 2023, 2024])].groupby(["age_band5", "sex"])["population"].sum()
    groups = here.join(people, on=["age_band5", "sex"])
    for value, column in ((1, "rate_lower"), (7, "rate_upper")):
        by_hand = rates.directly_standardised(groups.assign(count=groups["episodes"].fillna(value)))
        assert row[column] == pytest.approx(by_hand["rate"].iat[0])
    assert row["lower"] < row["rate_lower"] < row["rate_upper"] < row["upper"]
    few = found[found["n_lower"] < 10]
    assert few["rate_upper"].isna().all()


def test_compare_and_admissions_open_for_those_who_may_and_say_why_not_to_others() -> None:
    app = opened("compare")
    assert troubles(app) == []
    assert {"funnel", "league", "bars"} <= set(cards(app))
    assert "chance" in cards(app)["funnel"].finding
    app = opened("admissions", tier="public")
    assert troubles(app) == []
    assert cards(app) == {}


def test_level_changes_leave_the_register_s_date_to_the_register_and_say_when_too_little_is_held(
    every: store.Scope,
) -> None:
    found = trends.changes(every)
    assert found.attrs["enough"]
    assert not found["month"].between("2022-03-01", "2022-05-01").any()


def test_a_forecast_is_shown_only_where_earlier_ones_beat_the_year_before(every: store.Scope) -> None:
    found = trends.ahead(every)
    assert found["month"].tolist() == list(pd.date_range("2026-01-01", periods=6, freq="MS"))
    assert found.attrs["shown"] == bool(found["beats_naive"].fillna(False).all())
    assert found.attrs["summary"]["mase"] < 1
    assert (found["lower_95"] <= found["lower_80"]).all() and (found["upper_80"] <= found["upper_95"]).all()
