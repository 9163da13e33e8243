"""Season and change points: published examples, statsmodels as a second opinion, sums by hand, and planted truths."""

import numpy as np
import pandas as pd
import pytest

from analytics import season, season_fits

# R datasets::Nile, annual flow at Aswan 1871 to 1970 (Cobb 1978, Biometrika 65, 243-251)
NILE = """1120 1160 963 1210 1160 1160 813 1230 1370 1140 995 935 1110 994 1020 960 1180 799 958 1140 1100 1210 1150
1250 1260 1220 1030 1100 774 840 874 694 940 833 701 916 692 1020 1050 969 831 726 456 824 702 1120 1100 832
764 821 768 845 864 862 698 845 744 796 1040 759 781 865 845 944 984 897 822 1010 771 676 649 846 812 742
801 1040 860 874 848 890 744 749 838 1050 918 986 797 923 975 815 1020 906 901 1170 912 746 919 718 714 740"""
# R boot::coal, British coal mining disasters with ten deaths or more, a year, 1851 to 1962 (Jarrett 1979)
COAL = """4 5 4 1 0 4 3 4 0 6 3 3 4 0 2 6 3 3 5 4 5 3 1 4 4 1 5 5 3 4 2 5 2 2 3 4 2 1 3 2 2 1 1 1 1 3 0 0 1 0 1 1 0 0
3 1 0 3 2 2 0 1 1 1 0 1 0 1 0 0 0 2 1 0 0 0 1 1 0 2 3 3 1 1 2 1 1 1 1 2 3 3 0 0 0 1 4 0 0 0 1 0 0 0 0 0 1 0
0 1 0 1"""
# R datasets::UKDriverDeaths, drivers killed or seriously injured a month, January 1969 to December 1984
DRIVERS = """1687 1508 1507 1385 1632 1511 1559 1630 1579 1653 2152 2148 1752 1765 1717 1558 1575 1520 1805 1800 1719
2008 2242 2478 2030 1655 1693 1623 1805 1746 1795 1926 1619 1992 2233 2192 2080 1768 1835 1569 1976 1853
1965 1689 1778 1976 2397 2654 2097 1963 1677 1941 2003 1813 2012 1912 2084 2080 2118 2150 1608 1503 1548
1382 1731 1798 1779 1887 2004 2077 2092 2051 1577 1356 1652 1382 1519 1421 1442 1543 1656 1561 1905 2199
1473 1655 1407 1395 1530 1309 1526 1327 1627 1748 1958 2274 1648 1401 1411 1403 1394 1520 1528 1643 1515
1685 2000 2215 1956 1462 1563 1459 1446 1622 1657 1638 1643 1683 2050 2262 1813 1445 1762 1461 1556 1431
1427 1554 1645 1653 2016 2207 1665 1361 1506 1360 1453 1522 1460 1552 1548 1827 1737 1941 1474 1458 1542
1404 1522 1385 1641 1510 1681 1938 1868 1726 1456 1445 1456 1365 1487 1558 1488 1684 1594 1850 1998 2079
1494 1057 1218 1168 1236 1076 1174 1139 1427 1487 1483 1513 1357 1165 1282 1110 1297 1185 1222 1284 1444
1575 1737 1763"""
YEAR = np.array([80, 85, 90, 100, 110, 120, 130, 120, 100, 95, 90, 80])  # adds up to 1,200


def numbers(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=float)


def monthly(n, start: str = "2015-01-01") -> pd.DataFrame:
    return pd.DataFrame({"month": pd.date_range(start, periods=len(n), freq="MS"), "n": np.asarray(n, dtype=float)})


def many(counts: np.ndarray) -> pd.DataFrame:
    series, months = counts.shape
    table = pd.concat([monthly(row) for row in counts], ignore_index=True)
    return table.assign(area=np.repeat(np.arange(series), months))


def years(changes: pd.DataFrame, first: int) -> pd.DataFrame:
    """Yearly numbers were given as if they were months from January 1900: back to years."""
    counted = {name: (changes[name].dt.year - 1900) * 12 + changes[name].dt.month - 1 + first for name in DATES}
    return changes.assign(**counted)


DATES = ["month", "earliest", "latest"]
WAVE = 0.25 * np.sin(np.arange(84) / 12 * 2 * np.pi)


# --- the season -------------------------------------------------------------------------------------------------------


def test_a_season_that_repeats_exactly_is_found_exactly():
    table = season.seasonal_index(monthly(np.tile(YEAR, 5)))
    np.testing.assert_allclose(table["season_index"], YEAR / 100, rtol=1e-6)  # each over the mean month, 1,200 / 12
    assert table["calendar_month"].to_list() == list(range(1, 13)) and (table["years"] == 5).all()
    assert (table["season_p_value"] < 1e-6).all() and ((table["lower"] < 1) & (table["upper"] > 1)).sum() < 12


def test_growth_is_not_taken_for_season():
    table = season.seasonal_index(monthly(np.tile(YEAR, 6) * 1.01 ** np.arange(72)))
    np.testing.assert_allclose(table["season_index"], YEAR / 100, rtol=1e-6)  # a straight line in the logarithm


def test_index_interval_and_test_agree_with_statsmodels():
    sm = pytest.importorskip("statsmodels.api")
    special = pytest.importorskip("scipy.special")
    n = np.random.default_rng(3).negative_binomial(20, 0.3, 84) * np.exp(WAVE)
    n = np.rint(n)
    contrasts = np.vstack([np.eye(11), -np.ones(11)])[np.arange(84) % 12]
    knots = np.linspace(0, 7, 84)
    trend = np.column_stack([np.interp(knots, range(8), row) for row in np.eye(8)])
    whole = sm.GLM(n, np.hstack([contrasts, trend]), family=sm.families.Poisson()).fit(scale="X2")
    plain = sm.GLM(n, trend, family=sm.families.Poisson()).fit()
    ours = season.seasonal_index(monthly(n))

    effects = np.append(whole.params[:11], -whole.params[:11].sum())
    share = np.exp(effects) / np.exp(effects).sum()
    np.testing.assert_allclose(ours["season_index"], share * 12, rtol=1e-7)
    to_logs = np.vstack([np.eye(11), -np.ones(11)]) - share @ np.vstack([np.eye(11), -np.ones(11)])
    errors = np.sqrt(np.diag(to_logs @ whole.cov_params()[:11, :11] @ to_logs.T))
    t = special.stdtrit(84 - 19, 0.975)
    np.testing.assert_allclose(ours["upper"], share * 12 * np.exp(t * errors), rtol=1e-6)
    np.testing.assert_allclose(ours["lower"], share * 12 * np.exp(-t * errors), rtol=1e-6)
    f = (plain.deviance - whole.deviance) / 11 / whole.scale
    assert whole.scale > 1 and ours["season_p_value"][0] == pytest.approx(special.fdtrc(11, 65, f))


def test_without_a_season_the_test_says_so_in_nineteen_series_of_twenty():
    rng = np.random.default_rng(5)
    for counts in (rng.poisson(3, (300, 60)), rng.negative_binomial(20, 0.5, (300, 60))):
        p = season.seasonal_index(many(counts), by="area")["season_p_value"].to_numpy()[::12]
        assert (p < 0.05).mean() < 0.05 + 3 * (0.05 * 0.95 / 300) ** 0.5


def test_series_fitted_together_are_as_fitted_alone_in_any_order_of_rows():
    counts = np.random.default_rng(6).poisson(30 * np.exp(WAVE), (3, 84)).astype(float)
    counts[1, [5, 40, 41]] = np.nan
    table = many(counts)
    together = season.seasonal_index(table.sample(frac=1, random_state=1).sort_values("area", kind="stable"), by="area")
    for area in range(3):
        alone = season.seasonal_index(table[table["area"] == area].drop(columns="area"))
        part = together[together["area"] == area].drop(columns="area").reset_index(drop=True)
        pd.testing.assert_frame_equal(part, alone, rtol=1e-7)


def test_a_gap_is_not_a_zero():
    n = np.tile(YEAR, 5).astype(float)
    missing = monthly(n).assign(n=pd.Series(n).where(np.arange(60) % 7 != 3))
    dropped = missing.dropna()
    for table in (missing, dropped):
        np.testing.assert_allclose(season.seasonal_index(table)["season_index"], YEAR / 100, rtol=1e-6)


def test_a_calendar_month_without_events_has_index_0_and_one_never_held_has_none():
    n = np.tile([20.0] * 12, 4)
    n[11::12], n[7::12] = 0, np.nan
    table = season.seasonal_index(monthly(n)).set_index("calendar_month")
    # ten months of 20 and one of 0: a mean of 200/11, so each of the ten stands at 20 x 11 / 200 = 1.1
    assert table.loc[1, "season_index"] == pytest.approx(1.1)
    assert np.isnan(table.loc[8, "season_index"]) and table.loc[8, "years"] == 0
    assert table.loc[12, ["season_index", "lower"]].to_list() == [0, 0]
    # none in four months of 200/11: at most -log(0.025) / (4 x 200/11) = 0.0507; times (t / z) squared, with Student's
    # t at 44 months - 11 calendar months - 5 knots + 1 shared = 29 degrees of freedom: 2.04522964 (any table)
    t = 2.04522964
    assert table.loc[12, "upper"] == pytest.approx(-np.log(0.025) / (800 / 11) * (t / 1.95996398) ** 2, rel=1e-6)


def test_too_short_and_empty_series_have_no_index_and_say_why():
    short, none = monthly(np.tile(YEAR, 2)[:23]), monthly(np.zeros(36))
    assert set(season.seasonal_index(short)["method"]) == {"fewer than 24 months"}
    assert season.seasonal_index(short)["season_index"].isna().all()
    assert set(season.adjusted(none)["method"]) == {"no events"} and season.change_points(none).empty
    assert season.seasonal_index(monthly(np.tile(YEAR, 2)))["season_index"].notna().all()
    empty = short.head(0).assign(area=pd.Series(dtype=str))
    for answer in (season.seasonal_index, season.adjusted, season.change_points):
        assert answer(empty, by="area").empty


def test_all_equal_months_have_no_season():
    table = season.seasonal_index(monthly([7] * 48))
    np.testing.assert_allclose(table["season_index"], 1)
    assert (table["season_p_value"] > 0.999).all() and season.change_points(monthly([7] * 48)).empty


def test_a_month_twice_is_refused_and_inputs_stay_as_they_were():
    table = monthly(np.tile(YEAR, 3))
    before = table.copy()
    for answer in (season.seasonal_index, season.adjusted, season.change_points, season.month_days):
        answer(table)
    pd.testing.assert_frame_equal(table, before)
    with pytest.raises(ValueError, match="more than one row"):
        season.seasonal_index(pd.concat([table, table]))
    with pytest.raises(ValueError, match="days is"):
        season.seasonal_index(table, days="nights")


# --- adjusted series --------------------------------------------------------------------------------------------------


def test_a_plain_season_divides_out_and_rows_keep_their_order_and_index():
    table = monthly(np.tile(YEAR, 5) * 2).sample(frac=1, random_state=2)
    answer = season.adjusted(table)
    np.testing.assert_allclose(answer["adjusted"], 200, rtol=1e-6)
    pd.testing.assert_frame_equal(answer[["month", "n"]], table)


def test_only_where_the_season_is_there():
    rng = np.random.default_rng(9)
    counts = np.vstack([rng.poisson(60 * np.exp(WAVE)), rng.poisson(60, 84)])
    answer = season.adjusted(many(counts), by="area").groupby("area")
    assert answer["adjusted"].count().to_list() == [84, 0]
    assert answer["method"].first().to_list()[1] == "no season beyond chance"
    assert (answer["season_p_value"].first() < 0.05).to_list() == [True, False]


# --- days of the month ------------------------------------------------------------------------------------------------


def test_days_of_a_month_by_the_calendar():
    # February 2024 began on a Thursday, March 2024 on a Friday: 29 and 31 days
    table = season.month_days(pd.DataFrame({"month": pd.to_datetime(["2024-02-01", "2024-03-01", None])}))
    assert table.iloc[0, 1:].to_list() == [29, 21, 4, 4]
    assert table.iloc[1, 1:].to_list() == [31, 21, 5, 5]
    assert table.iloc[2, 1:].isna().all()


def test_months_that_differ_only_in_length_have_no_season_once_days_are_counted():
    table = season.month_days(monthly([0] * 84))
    table = table.assign(n=table["days"] * 100.0)
    plain, counted = (season.seasonal_index(table, days=days) for days in (None, "days"))
    # February: 28.29 days (two leap years in seven) against a mean month of 30.44
    february = (28 * 5 + 29 * 2) / 7 / (365 * 5 + 366 * 2) * 7 * 12
    assert plain["season_index"][1] == pytest.approx(february, rel=1e-3) and plain["season_p_value"][1] < 1e-9
    np.testing.assert_allclose(counted["season_index"], 1, rtol=1e-6)


def test_months_with_more_weekend_nights_are_evened_out_once_those_are_counted():
    table = season.month_days(monthly([0] * 84))
    nights = table["fridays"] + table["saturdays"]
    each = (table["days"] - nights) * 10.0 + nights * 40.0  # four times as many on a weekend night
    table = table.assign(n=each * np.tile(YEAR, 7) / 100)
    spread = {}
    for days in ("days", "weekends"):
        without = season.adjusted(table, days=days)["adjusted"]
        spread[days] = without.std() / without.mean()
    assert spread["days"] > 0.015 and spread["weekends"] < 0.001


# --- changes of level -------------------------------------------------------------------------------------------------


def test_the_nile_fell_after_1898():
    # R strucchange 1.5-3, breakpoints(Nile ~ 1): last year of the old level 1898, 95% interval 1895 to 1902
    found = years(season.change_points(monthly(numbers(NILE), "1900-01-01"), seasonal=False), 1871)
    assert found["month"].to_list() == [1899]
    # as first years of the new level 1896 to 1903; their interval is Bai's (1997), ours Hansen's (2000): within a year
    assert abs(found["earliest"][0] - 1896) <= 1 and abs(found["latest"][0] - 1903) <= 1
    # means of the first 28 years and of the other 72
    assert found["level_before"][0] == pytest.approx(numbers(NILE)[:28].mean())
    assert found["ratio"][0] == pytest.approx(numbers(NILE)[28:].mean() / numbers(NILE)[:28].mean())


def test_coal_mining_disasters_fell_after_1891():
    # Carlin, Gelfand & Smith (1992), Applied Statistics 41, 389-405, one change: most likely after year 41 (1891), from
    # about 3.1 disasters a year. That the rate fell once more, in 1948, is a second step they did not look for.
    found = years(season.change_points(monthly(numbers(COAL), "1900-01-01"), seasonal=False), 1851)
    assert found["month"].to_list() == [1892, 1948]
    assert round(found["level_before"][0], 1) == 3.1 and found["p_value"][0] < 1e-6 and found["p_value"][1] > 0.01
    # 127 disasters in the first 41 years, 60 in the next 56: 1.0714 / 3.0976
    assert found["ratio"][0] == pytest.approx(60 / 56 / (127 / 41))


def test_seat_belts_show_in_the_month_they_became_law():
    # the law came into force on 31 January 1983 (Harvey & Durbin 1986, JRSS A 149, 187-227); the example of R
    # strucchange names two breaks: the oil crisis of 1973 and the law
    found = season.change_points(monthly(numbers(DRIVERS), "1969-01-01"))
    assert found["month"].to_list()[-1] == pd.Timestamp("1983-02-01")
    assert 0.75 < found["ratio"].to_list()[-1] < 0.87
    oil = found[found["month"].between("1973-10-01", "1974-01-01")]
    assert len(oil) == 1 and oil["upper"].iloc[0] < 1


def test_the_best_division_is_the_best_of_all():
    # every pair of cuts tried one by one on a short series: none beats the one found
    n = np.random.default_rng(4).poisson(np.repeat([20, 40, 25], [12, 11, 13]))
    held = np.ones((1, 36), dtype=bool)
    sums = {
        name: np.r_[0, np.cumsum(of)][None] for name, of in {"n": n, "exposure": np.ones(36), "held": held[0]}.items()
    }
    penalty = 9.0

    def score(*cuts: int) -> float:
        levels = np.split(n, cuts)
        return sum(2 * part.sum() * np.log(part.mean()) for part in levels) - penalty * len(levels)

    pairs = [(a, b) for a in range(6, 25) for b in range(a + 6, 31)]
    best = max([*pairs, *((a,) for a in range(6, 31)), ()], key=lambda cuts: score(*cuts))
    assert tuple(season_fits._partition(sums, held, np.ones(1), np.array([penalty]))[0]) == best


@pytest.mark.parametrize("spread", ["Poisson 3", "Poisson 50", "twice Poisson", "seasonal"])
def test_series_without_a_change_seldom_get_one(spread):
    rng = np.random.default_rng(11)
    draw = {
        "Poisson 3": lambda: rng.poisson(3, (400, 60)),
        "Poisson 50": lambda: rng.poisson(50, (400, 60)),
        "twice Poisson": lambda: rng.negative_binomial(20, 0.5, (400, 60)),
        "seasonal": lambda: rng.poisson(50 * np.exp(WAVE[:60]), (400, 60)),
    }[spread]
    found = season.change_points(many(draw()), by="area")
    assert found["area"].nunique() / 400 <= 0.05


def test_planted_changes_are_found_with_their_date_and_size():
    rng = np.random.default_rng(12)
    step = np.where(np.arange(84) >= 50, 1.5, 1)
    found = season.change_points(many(rng.poisson(50 * np.exp(WAVE) * step, (100, 84))), by="area")
    assert found["area"].nunique() >= 99 and len(found) <= 105
    near = found[found["month"].between("2018-12-01", "2019-07-01")]  # month 50 is March 2019
    assert len(near) >= 99 and near["lower"].le(1.5).mean() > 0.9 and near["upper"].ge(1.5).mean() > 0.9
    inside = near["earliest"].le("2019-03-01") & near["latest"].ge("2019-03-01")
    assert inside.mean() >= 0.95


def test_there_and_back_gives_two_changes():
    rng = np.random.default_rng(13)
    months = np.arange(84)
    pulse = np.where((months >= 40) & (months < 50), 0.5, 1)
    found = season.change_points(many(rng.poisson(50 * pulse, (50, 84))), by="area")
    assert (found.groupby("area").size() == 2).sum() >= 45


def test_a_gap_alone_is_no_change():
    n = np.tile([30.0, 31, 29, 30, 32, 28], 14)
    for gap in (slice(20, 21), slice(30, 40), slice(60, 84)):
        holed = n.copy()
        holed[gap] = np.nan
        assert season.change_points(monthly(holed)).empty
    holed = np.where(np.arange(84) < 44, n, 2 * n)
    holed[38:46] = np.nan  # the change lies in the gap: it is dated at the first month held
    assert season.change_points(monthly(holed))["month"].to_list() == [pd.Timestamp("2018-11-01")]


def test_a_level_lasts_at_least_six_months():
    n = np.full(60, 40.0)
    n[-5:] = 200
    assert season.change_points(monthly(n), seasonal=False)["month"].dt.month.isin([12, 1, 11, 10, 9, 8, 7]).all()
    n[-6] = 200
    assert season.change_points(monthly(n), seasonal=False)["month"].to_list() == [pd.Timestamp("2019-07-01")]


def test_a_steady_rise_is_named_as_that_and_a_plain_step_is_not():
    months = np.arange(84)
    rng = np.random.default_rng(14)
    rise = season.change_points(many(rng.poisson(100 * 1.01**months, (50, 84))), by="area")
    step = season.change_points(many(rng.poisson(100 * np.where(months >= 40, 1.6, 1), (50, 84))), by="area")
    assert rise.groupby("area")["drift"].first().mean() > 0.9 and not step["drift"].any()


def test_a_rise_from_nothing_has_no_upper_limit():
    found = season.change_points(monthly([0] * 24 + [9] * 24), seasonal=False)
    assert found["month"].to_list() == [pd.Timestamp("2017-01-01")]
    assert found["level_before"][0] == 0 and found["ratio"][0] == np.inf and found["upper"][0] == np.inf
    assert found["lower"][0] > 1


def test_chance_of_the_best_date_against_simulation():
    # the best of all dates of 84 normal months with levels of at least 6: as often beyond its limit as said
    rng = np.random.default_rng(15)
    walks = np.cumsum(rng.standard_normal((20_000, 84)), axis=1)
    dates = np.arange(6, 79)
    bridge = walks[:, dates - 1] - walks[:, -1:] * dates / 84
    largest = np.abs(bridge / np.sqrt(dates * (84 - dates) / 84)).max(axis=1)
    sums = {"exposure": np.arange(85.0)[None], "held": np.arange(85.0)[None]}
    limit = season_fits._critical(sums, np.array([1e7]), 0.05)[0] ** 0.5
    assert (largest > limit).mean() == pytest.approx(0.05, abs=0.008)


def test_a_change_is_found_with_weekends_allowed_for_and_dates_follow_the_series():
    counts = np.vstack([np.full(60, 50.0), np.where(np.arange(60) >= 30, 90.0, 50.0)])
    table = season.month_days(many(counts))
    table = table.assign(
        n=(table["n"] * table["days"] / 30).round(), place=np.where(table["area"] == 0, "same", "more")
    )
    found = season.change_points(table, by=["area", "place"], days="weekends")
    assert found[["area", "place"]].to_numpy().tolist() == [[1, "more"]]
    assert found["month"].to_list() == [pd.Timestamp("2017-07-01")]
    assert found["ratio"][0] == pytest.approx(1.8, abs=0.02)
    assert found["level_before"][0] == pytest.approx(50 / 30 * 365.2425 / 12, rel=0.01)  # in a mean month
