"""Days that differ: planted and null effects, the same fit by statsmodels, and what the calendar says of the days."""

import numpy as np
import pandas as pd
import pytest

from analytics import calendar_days
from analytics.errors import NotEnoughData
from data.definitions import calendar


def days(seed: int, *, holiday: float = 1.0, saturday: float = 1.0, months: int = 24, spread: float = 0.0):
    """Days with a level per month, more on Saturdays, and a holiday of five days in every second month."""
    rng = np.random.default_rng(seed)
    date = pd.date_range("2023-01-01", periods=months, freq="MS")
    date = pd.date_range(date[0], date[-1] + pd.offsets.MonthEnd(0))
    of_kind = (date.month % 2 == 0) & (date.day > 10) & (date.day <= 15)
    level = np.exp(rng.normal(3, 0.3, months + 1))[(date.year - 2023) * 12 + date.month]
    mean = level * np.where(of_kind, holiday, 1) * np.where(date.day_of_week == 5, saturday, 1)
    mean = mean * rng.gamma(1 / spread, spread, len(date)) if spread else mean
    return pd.DataFrame({"date": date, "n": rng.poisson(mean).astype(float), "holiday": of_kind})


def test_planted_effects_lie_in_their_intervals_as_often_as_promised():
    inside = []
    for seed in range(60):
        found = calendar_days.effects(days(seed, holiday=1.3, saturday=1.5, spread=0.02), ["holiday"])
        found = found.set_index("day_kind")
        inside += [
            found.loc[k, "lower"] <= truth <= found.loc[k, "upper"]
            for k, truth in (("holiday", 1.3), ("weekday_5", 1.5))
        ]
    assert np.mean(inside) > 0.88


def test_without_an_effect_one_interval_in_twenty_leaves_out_one():
    out = [calendar_days.effects(days(seed, spread=0.05), ["holiday"])["p_value"].lt(0.05) for seed in range(60)]
    assert np.concatenate(out).mean() < 0.08  # 420 intervals; three standard errors above 5%


def test_the_ratios_are_those_of_statsmodels():
    sm = pytest.importorskip("statsmodels.api")
    rows = days(1, holiday=1.2)
    month = rows["date"].dt.to_period("M").astype(str)
    x = pd.get_dummies(rows["date"].dt.day_of_week, prefix="w", drop_first=True, dtype=float)
    x = x.assign(holiday=rows["holiday"].astype(float)).join(pd.get_dummies(month, drop_first=True, dtype=float))
    fit = sm.GLM(rows["n"], sm.add_constant(x), family=sm.families.Poisson()).fit(scale="X2")
    found = calendar_days.effects(rows, ["holiday"]).set_index("day_kind")
    assert found.loc["holiday", "ratio"] == pytest.approx(np.exp(fit.params["holiday"]), rel=1e-6)
    assert found.loc["weekday_5", "ratio"] == pytest.approx(np.exp(fit.params["w_5"]), rel=1e-6)
    assert np.log(found.loc["holiday", "upper"] / found.loc["holiday", "ratio"]) == pytest.approx(
        1.959964 * fit.bse["holiday"], rel=1e-4
    )


def test_a_step_at_the_first_of_a_month_is_no_effect_of_a_holiday():
    rows = days(2)
    rows.loc[rows["date"] >= "2024-02-01", "n"] *= 3
    one = calendar_days.effects(rows, ["holiday"]).set_index("day_kind").loc["holiday"]
    assert one["lower"] < 1 < one["upper"]


def test_a_kind_that_fills_whole_months_cannot_be_told():
    rows = days(3)
    rows["august"] = rows["date"].dt.month.eq(8)
    found = calendar_days.effects(rows, ["holiday", "august"]).set_index("day_kind")
    assert np.isnan(found.loc["august", "ratio"])
    assert found.loc["august", "days_compared"] == 0
    assert found.loc["august", "method"] == "too few such days beside others"


def test_few_days_are_refused_and_months_without_events_are_passed_over():
    with pytest.raises(NotEnoughData, match="56 days"):
        calendar_days.effects(days(4).head(55), ["holiday"])
    rows = days(5)
    rows.loc[rows["date"].dt.month.eq(3), "n"] = 0.0
    assert calendar_days.effects(rows, ["holiday"])["ratio"].notna().all()


# ------------------------------------------------------------------------------------------------- the calendar


def test_paydays_are_the_last_working_day_and_the_two_after():
    kind = calendar.kinds()["paydays"]
    dates = pd.date_range("2025-01-01", "2025-12-31")
    paid = dates[kind.among(dates)]
    # July 31st 2025 was a Thursday; August ends on a Sunday, the Friday before is the 29th
    in_august = [d.day for d in paid if d.month == 8]
    assert in_august == [1, 2, 29, 30, 31]
    # December 31st 2024 was a Tuesday: its two days after are in January
    assert [str(d.date()) for d in paid if d.month == 1][:2] == ["2025-01-01", "2025-01-02"]
    # May 26th 2025 was a bank holiday; the 30th a Friday
    assert "2025-05-30" in [str(d.date()) for d in paid]


def test_bank_holidays_are_eight_a_year_but_for_the_two_of_the_crown():
    dates = pd.date_range("2019-01-01", "2026-12-31")
    kind = calendar.kinds()["bank_holidays"]
    a_year = pd.Series(kind.among(dates)).groupby(dates.year).sum()
    assert a_year.to_dict() == {2019: 8, 2020: 8, 2021: 8, 2022: 10, 2023: 9, 2024: 8, 2025: 8, 2026: 8}
    mondays = dates[kind.among(dates)]
    assert all(d.day_of_week < 5 for d in mondays)  # those that fall on a weekend are given in lieu


def test_school_holidays_are_shown_with_the_invented_partnership_alone():
    assert calendar.kinds()["school_holidays"].invented
    assert not calendar.kinds()["bank_holidays"].invented


def test_a_list_covers_the_years_it_speaks_of():
    dates = pd.DatetimeIndex(["2018-12-31", "2019-06-01", "2040-01-01"])
    assert calendar.kinds()["bank_holidays"].covers(dates).tolist() == [False, True, False]
    assert calendar.kinds()["paydays"].covers(dates).all()


def test_few_events_are_refused_in_words_and_a_kind_without_an_event_has_no_ratio():
    rows = days(6)
    with pytest.raises(NotEnoughData, match="100 events"):
        calendar_days.effects(rows.assign(n=(rows.index % 20 == 0).astype(float)), ["holiday"])
    rows.loc[rows["holiday"], "n"] = 0.0
    found = calendar_days.effects(rows, ["holiday"]).set_index("day_kind")
    assert np.isnan(found.loc["holiday", "ratio"])
    assert found.loc["weekday_1", "ratio"] > 0
