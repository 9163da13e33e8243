"""What the pages on trends and admissions ask, on the invented partnership: limits, the year before, ranges."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_app import cards, clicked, opened, troubles
from streamlit.testing.v1 import AppTest

from analytics import rates, spc
from analytics.errors import NotEnoughData
from answers import admissions, event_book, trends
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
    expected = spc.xmr(n, direction="decrease", rebase=[3])  # April 2022: violence without injury recorded more fully
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
    group = found.loc["violence_without_injury"]
    assert (group.loc["2022-04-01":"2022-06-01", "signal"] == "").all()
    old = store.monthly_counts(about.but(start=pd.Timestamp("2020-01-01")), by=("offence_group",))
    old = old[old["offence_group"] == "violence_without_injury"]
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


# ------------------------------------------------------------------------------- rates, seasons, rare events, sources


def test_a_monthly_rate_is_the_months_records_over_the_residents(every: store.Scope) -> None:
    found = trends.months(every, "authority_code").set_index(["authority_code", "month"])
    people = store.area_counts(every, level="lad").set_index("area_code")["population"]
    one = found.loc[("E06000045", pd.Timestamp("2025-05-01"))]
    assert one["monthly_rate"] == pytest.approx(1e5 * one["n"] / people["E06000045"])
    whole = trends.months(every, "source")
    np.testing.assert_allclose(whole["monthly_rate"], 1e5 * whole["n"] / people.sum())


def test_limits_without_season_are_those_of_the_adjusted_counts(every: store.Scope) -> None:
    found = trends.without_season(every, "source")
    assert found["season_p_value"].iat[0] < 0.05
    expected = spc.xmr(found["adjusted"], direction="decrease", rebase=[3])
    np.testing.assert_allclose(found["upper"], expected["upper"])
    plain = trends.months(every, "source")
    assert (found["upper"] - found["centre"]).mean() < (plain["upper"] - plain["centre"]).mean()


def test_where_there_is_no_season_the_plain_counts_are_charted(every: store.Scope) -> None:
    found = trends.without_season(every.but(area="E07000089", groups=("threats_to_kill",)), "source")
    assert found["season_p_value"].iat[0] > 0.05
    assert found["adjusted"].equals(found["n"])


def test_rare_events_are_charted_by_the_days_between_them(every: store.Scope) -> None:
    scope = every.but(area="E06000045", groups=("robbery_business",))
    found = trends.rare(scope)
    wide = scope.but(start=pd.Timestamp("2022-01-01"))
    assert found.attrs["chart"] == "G"  # some on the same day
    assert "fewer than 5 on average" in found.attrs["reason"]
    days = store.event_days(wide)
    assert len(days) == store.monthly_counts(wide)["n"].sum()
    np.testing.assert_array_equal(found["value"].dropna(), days.diff().dt.days.dropna())
    assert found.attrs["quiet"] == (pd.Timestamp("2025-12-31") - days.max()).days
    assert not found.columns.str.contains("day|date").any()  # a number and a quarter, not the day


def test_what_is_common_or_too_rare_has_no_chart_of_days_and_says_why(every: store.Scope) -> None:
    common = trends.rare(every)
    assert (common.attrs["chart"], len(common)) == ("XmR", 0)
    few = trends.rare(every.but(area="E07000089", groups=("attempted_murder",)))
    assert (few.attrs["chart"], len(few)) == ("too few to chart", 0)
    assert "at least 13" in few.attrs["reason"]


def test_days_between_events_do_not_reach_over_a_month_that_was_not_supplied(every: store.Scope) -> None:
    scope = every.but(sources=("ambulance",), area="E07000089", start=pd.Timestamp("2021-01-01"))
    scope = scope.but(end=pd.Timestamp("2022-06-01"))  # September and October 2021 were never supplied
    found = trends.rare(scope)
    after = store.event_days(scope.but(start=pd.Timestamp("2021-11-01")))
    assert len(found) in (0, len(after))
    assert f"{len(after):,} events in 8 months" in found.attrs["reason"]


@pytest.mark.parametrize("tier", ["partner", "public"])
def test_days_of_events_are_told_to_named_members_alone(every: store.Scope, tier: str) -> None:
    for source in ("police", "police_uk"):
        with pytest.raises(store.NotHeld):
            store.event_days(every.but(tier=tier, sources=(source,), groups=("robbery_business",)))


def test_days_of_events_are_not_told_of_a_place_nor_of_what_is_common_nor_of_homicide(every: store.Scope) -> None:
    rare = every.but(groups=("robbery_business",))
    place = store.areas(every, level="lsoa")["area_code"].iat[0]
    for scope in (
        rare.but(place=place),
        every,
        every.but(groups=("homicide",)),
        rare.but(sources=("police", "ambulance")),
    ):
        with pytest.raises(store.NotHeld):
            store.event_days(scope)


def test_the_sources_stand_beside_each_other_with_what_their_places_mean(every: store.Scope) -> None:
    app = opened("trends")
    assert not troubles(app)
    card = cards(app)["beside"]
    drawn = card.tables[0] if card.tables else None
    [(_, data)] = card.charts
    names = {n for rows in data.values() if "series" in rows for n in rows["series"]}
    assert any(name.startswith("Ambulance: where the patient was picked up") for name in names), drawn
    assert "never added up" in card.note or "Each source counts other events" in card.note


def test_paydays_and_holidays_make_no_difference_in_invented_records_that_have_none(every: store.Scope) -> None:
    found = trends.days_that_differ(every).set_index("day_kind")
    payday = found.loc["Payday and the two days after"]
    assert payday["lower"] < 1.02 and payday["upper"] > 0.98
    assert found.loc["Saturday (against Monday)", "lower"] > 1  # planted: weekends


# ------------------------------------------------------------------------------------------------- cohorts and kinds


def test_cohorts_add_up_to_all_records_and_agree_with_the_filter(every: store.Scope) -> None:
    found = store.monthly_counts(every, by=("cohort",)).groupby("cohort")["n"].sum()
    assert found.sum() == store.monthly_counts(every)["n"].sum()
    for cohort in ("10-17", "18-24", "25_plus"):
        assert found[cohort] == store.monthly_counts(every.but(age=cohort))["n"].sum()


def test_a_source_that_does_not_know_ages_has_no_cohorts(every: store.Scope) -> None:
    with pytest.raises(store.NotHeld, match="age of victims"):
        store.monthly_counts(every.but(sources=("police_uk",)), by=("cohort",))


def test_a_page_by_cohort_opens(every: store.Scope) -> None:
    app = opened("trends", link={"split": "cohort", "area": "E06000045"})
    assert not troubles(app)
    assert "10 to 17" in cards(app)["trend"].finding
    assert trends.months(every, "cohort")["monthly_rate"].isna().all()  # residents of all ages are no base of a cohort


# ------------------------------------------------------------------------------------------- the register of events


@pytest.fixture
def own_register(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The invented partnership with a register of its own, so that what a test writes stays there."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    (tmp_path / "snapshots").symlink_to(demo / "snapshots")
    return tmp_path


def write_event(app: AppTest, note: str) -> None:
    app.date_input[0].set_value(pd.Timestamp("2024-06-10").date())
    next(t for t in app.text_input if t.label.startswith("What happened")).set_value(note)
    next(c for c in app.checkbox if c.label.startswith("Levels before")).check()
    clicked(app, "Keep this event")


def test_an_analyst_writes_an_event_and_limits_begin_anew_at_once(own_register: Path) -> None:
    link = {"value": "control", "preset": "all"}
    app = opened("trends", link=link)
    before = cards(app)["trend"].note
    write_event(app, "New crime recording system: fields filled in otherwise")
    assert not troubles(app)
    scope = app.session_state["scope"]
    found = trends.months(scope, "source")
    assert (
        found.loc[found["month"] >= "2024-06-01", "segment"].iat[0]
        > found.loc[found["month"] < "2024-06-01", "segment"].iat[-1]
    )
    after = cards(app)
    assert "New crime recording system" in after["trend"].note and "New crime recording system" not in before
    assert "New crime recording system" in " ".join(after["register"].tables[0]["note"])
    clicked(app, "Undo")
    assert "New crime recording system" not in cards(app)["trend"].note


def test_a_note_that_names_somebody_is_refused_in_words(own_register: Path) -> None:
    app = opened("trends")
    write_event(app, "Sergeant John Smith moved to another station, all changed")
    assert any("names of people" in e.value for e in app.error)
    assert "1 of them" in cards(opened("trends"))["register"].finding  # as it was


def test_partners_see_the_register_and_write_nothing(own_register: Path) -> None:
    app = opened("trends", tier="partner")
    assert "register" in cards(app)
    assert not any(b.label == "Keep this event" for b in app.button)
    assert "by" not in cards(app)["register"].tables[0]


# ------------------------------------------------------------------------------------------- yearly standardised rates


def test_yearly_rates_of_the_owner_are_held_by_named_members_alone(on_demo: Path) -> None:
    """With their limits they give the count away."""
    current = publish.current().name
    for tier, held in (("restricted", True), ("partner", False), ("public", False)):
        scope = store.Scope(tier, current)
        rows = store.run(scope, store.table(scope, "indicators").select("indicator_id").distinct())
        assert ("violence_admissions_yearly" in set(rows["indicator_id"])) is held
        assert "10301" in set(rows["indicator_id"])  # what is published is in every tier


def test_a_yearly_rate_is_the_owner_s_as_it_was_sent(on_demo: Path) -> None:
    scope = store.Scope("restricted", publish.current().name, area="E06000045")
    found = admissions.standardised_years(scope, "X85_Y09").set_index("period")
    sent = pd.read_csv(on_demo / "raw" / "demo" / "fingertips" / "indicators.csv", dtype=str)
    one = sent[sent["Indicator ID"].eq("violence_admissions_yearly") & sent["Area Code"].eq("E06000045")]
    one = one.set_index("Time period")
    assert found.index.tolist() == one.index.tolist()
    assert found.loc["2023/24", "rate"] == float(one.loc["2023/24", "Value"])
    assert found.loc["2023/24", "upper"] == float(one.loc["2023/24", "Upper CI 95.0 limit"])
    assert (found["method"] == "standardised by its owner").all()


def test_without_the_owner_s_rate_and_without_ages_of_a_year_there_is_none(on_demo: Path) -> None:
    scope = store.Scope("restricted", publish.current().name)
    with pytest.raises(NotEnoughData, match="by age"):
        admissions.standardised_years(scope, "Y04")


# ------------------------------------------------------------------------------------------- what may be taken away


@pytest.mark.parametrize(
    ("changes", "split", "kept"),
    [
        ({}, "", False),
        ({}, "authority_code", False),
        ({}, "offence_group", True),
        ({}, "cohort", True),
        ({"groups": ("rape",)}, "", True),
        ({"groups": ("rape", "robbery_personal")}, "", False),  # added up, neither stands by itself
        ({"setting": "domestic"}, "", True),
        ({"age": "10-17"}, "", True),
        ({"age": "25_plus"}, "", False),
        ({"sources": ("police_uk",)}, "offence_group", False),  # as its owner publishes it
    ],
)
def test_months_of_sexual_domestic_and_child_victims_records_are_not_taken_away(
    every: store.Scope, changes: dict, split: str, kept: bool
) -> None:
    assert bool(store.months_kept_back(every.but(**changes), split=split)) is kept


def test_a_chart_by_age_has_no_file(every: store.Scope) -> None:
    card = cards(opened("trends", link={"split": "cohort"}))["trend"]
    assert not card.files
    assert cards(opened("trends"))["trend"].files


def test_events_of_one_authority_begin_its_own_limits_anew_beside_the_others(own_register: Path) -> None:
    scope = opened("trends", link={"preset": "all"}).session_state["scope"]
    event_book.record(
        scope, date=pd.Timestamp("2024-06-10").date(), kind="recording_change", area="E06000045",
        note="New crime recording system in the city", rebase=True, by="An analyst",
    )  # fmt: skip
    found = trends.months(scope, "authority_code").set_index(["authority_code", "month"])["segment"]
    june, may = pd.Timestamp("2024-06-01"), pd.Timestamp("2024-05-01")
    assert found["E06000045", june] == found["E06000045", may] + 1
    assert found["E06000044", june] == found["E06000044", may]
