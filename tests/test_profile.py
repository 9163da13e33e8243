"""Where one authority stands: spine, likeness, itself a year ago. By hand, by another library, and on the pages."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import E1, EAST, RESIDENTS, W1, W2, WEST, text_file
from in_app import cards, opened, told, troubles

from analytics import similar, spine, trends
from analytics.errors import NotEnoughData
from answers import profile
from data import ingest, profile_questions, publish, store
from ui import findings

AREAS = ["A", "B", "C", "D"]


def indicator(values: list, *, polarity: str = "low_is_good", limits: tuple = (None, None), benchmark=10.0, id="x"):
    """One indicator of four areas; the limits are those of A."""
    lower, upper = ([end, None, None, None] for end in limits)
    rows = {"indicator_id": id, "area_code": AREAS, "value": values, "lower": lower, "upper": upper}
    return pd.DataFrame(rows | {"polarity": polarity, "benchmark": benchmark}).astype(
        dict.fromkeys(["value", "lower", "upper", "benchmark"], float)
    )


def test_positions_are_distances_from_the_benchmark_over_the_largest_with_the_better_side_on_the_right():
    # distances from 10: -2, +4, 0, -1; low is good, so the sides change: +2, -4, 0, +1; the largest is 4
    one = spine.spine(indicator([8, 14, 10, 9], limits=(7, 9.5)), area="A").iloc[0]
    assert one[["at", "at_worst", "at_best", "n_areas"]].tolist() == [0.5, -1.0, 0.5, 4]
    assert (one["at_lower"], one["at_upper"]) == (0.125, 0.75)  # of 9.5 and 7
    assert (one["at_low"], one["at_high"]) == (-0.25, 0.3125)  # quartiles of -4, 0, 1, 2: -1 and 1.25, over 4


@pytest.mark.parametrize(
    ("polarity", "limits", "said"),
    [
        ("low_is_good", (7, 9.5), "better"),
        ("high_is_good", (7, 9.5), "worse"),
        ("neutral", (7, 9.5), "lower"),
        ("low_is_good", (7, 10), "similar"),  # the benchmark is the end of the interval
        ("low_is_good", (None, None), "no interval"),
    ],
)
def test_an_area_differs_when_its_interval_leaves_out_the_benchmark(polarity: str, limits: tuple, said: str):
    assert spine.spine(indicator([8, 14, 10, 9], polarity=polarity, limits=limits), area="A")["against"].item() == said


def test_the_other_side_of_the_benchmark_is_told_as_well():
    above = indicator([14, 8, 10, 9], limits=(13, 15))
    assert spine.spine(above, area="A")["against"].item() == "worse"
    assert spine.spine(above.assign(polarity="neutral"), area="A")["against"].item() == "higher"
    assert spine.spine(above.assign(polarity="high_is_good"), area="A")["against"].item() == "better"


def test_areas_that_are_all_at_the_benchmark_stand_in_the_middle():
    one = spine.spine(indicator([10, 10, 10, 10]), area="A").iloc[0]
    assert one[["at", "at_worst", "at_best", "at_low", "at_high"]].eq(0).all()


def test_what_has_no_value_or_no_benchmark_keeps_its_row_without_a_position():
    rows = pd.concat([indicator([None, 1, 2, 3], id="a"), indicator([1, 2, 3, 4], benchmark=None, id="b")])
    found = spine.spine(rows, area="A")
    assert found["indicator_id"].tolist() == ["a", "b"]
    assert found[["at", "against"]].isna().all(axis=None)


def test_a_spine_leaves_its_rows_as_they_were():
    rows = indicator([8, 14, 10, 9])
    before = rows.copy(deep=True)
    spine.spine(rows, area="A")
    pd.testing.assert_frame_equal(rows, before)


def test_likeness_is_the_distance_of_standardised_characteristics_as_scipy_has_it():
    from scipy.spatial.distance import cdist
    from scipy.stats import zscore

    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(14, 5)) * [1, 10, 100, 3, 7], index=[f"a{k}" for k in range(14)])
    found = similar.nearest_neighbours(table, to="a3")
    away = cdist(zscore(table.to_numpy()), zscore(table.to_numpy()))[3] / np.sqrt(5)
    expected = pd.Series(away, table.index).drop("a3").sort_values()
    pd.testing.assert_series_equal(found["distance"], expected, check_names=False)
    assert found["rank"].tolist() == list(range(1, 14))


def test_areas_drawn_at_random_are_the_root_of_two_apart_in_the_mean_square():
    table = pd.DataFrame(np.random.default_rng(1).normal(size=(400, 30)))
    found = similar.nearest_neighbours(table, to=0)
    own = (table.iloc[0] ** 2).mean()  # of this one area; of any 1
    assert np.sqrt((found["distance"] ** 2).mean()) == pytest.approx(np.sqrt(1 + own), rel=0.05)


def test_characteristics_that_say_nothing_are_left_out():
    table = pd.DataFrame({"same": [1.0, 1, 1], "gap": [1, None, 2], "said": [1.0, 2, 4]}, index=list("abc"))
    found = similar.nearest_neighbours(table, to="a", k=1)
    assert found.index.tolist() == ["b"]
    assert found.attrs["characteristics"] == ["said"]
    with pytest.raises(NotEnoughData, match="No characteristic"):
        similar.nearest_neighbours(table[["same", "gap"]], to="a")
    with pytest.raises(NotEnoughData, match="at least 3"):
        similar.nearest_neighbours(table.head(2), to="a")


def test_a_year_against_the_one_before_is_as_wide_as_its_months_differ():
    # 60 and 50 over 5 months; share 6/11; pearson by hand: sum (now - t s)^2 / (t s (1 - s)), t the months' totals
    now, before = [12, 12, 12, 12, 12], [2, 18, 2, 18, 10]
    totals, share = [14, 30, 14, 30, 22], 60 / 110
    pearson = sum((n - t * share) ** 2 / (t * share * (1 - share)) for n, t in zip(now, totals, strict=True))
    reach = 1.959964 * ((pearson / 4) * (4 / 2) * (1 / 60 + 1 / 50)) ** 0.5
    found = trends.paired_ratio(now, before).iloc[0]
    assert found["ratio"] == 1.2
    assert found["upper"] == pytest.approx(1.2 * np.exp(reach), rel=1e-6)
    assert found["lower"] == pytest.approx(1.2 * np.exp(-reach), rel=1e-6)


def test_the_sentence_over_a_trend_and_the_table_of_years_use_one_interval():
    rng = np.random.default_rng(2)
    both = pd.DataFrame({"now": rng.poisson(40, 12), "before": rng.poisson(45, 12)}).astype(float)
    found = trends.paired_ratio(both["now"], both["before"]).iloc[0]
    assert findings._interval(both, 0.95) == pytest.approx((found["lower"], found["upper"]))


def test_a_ratio_of_rare_events_is_the_exact_one():
    found = trends.paired_ratio([1, 0, 0, 1], [3, 0, 1, 4]).iloc[0]
    # R: poisson.test(c(2, 8)): ratio 0.25, 95% 0.02594 to 1.25197
    assert found[["ratio", "lower", "upper"]].tolist() == pytest.approx([0.25, 0.02594, 1.25197], abs=2e-3)
    assert found["method"] == "exact conditional 95%"


def test_intervals_of_equal_years_leave_out_one_in_one_of_twenty():
    rng, out = np.random.default_rng(3), 0
    for _ in range(600):
        level = 30 * rng.gamma(20, 1 / 20, (2, 12))  # months that differ by more than chance
        n = rng.poisson(level)
        found = trends.paired_ratio(n[0], n[1]).iloc[0]
        out += not found["lower"] <= 1 <= found["upper"]
    assert out / 600 < 0.075


# ------------------------------------------------------------------------------------------------- published indicators

HEADS = (
    "Indicator ID,Indicator Name,Parent Code,Parent Name,Area Code,Area Name,Area Type,Sex,Age,Category Type,Category"
)
HEADS += ",Time period,Value,Lower CI 95.0 limit,Upper CI 95.0 limit,Lower CI 99.8 limit,Upper CI 99.8 limit,Count"
HEADS += ",Denominator,Value note,Recent Trend,Compared to England value or percentiles"
HEADS += ",Compared to Region value or percentiles,Time period Sortable,New data,Compared to goal"


def published(area: str, value: float, count: object = "", of: object = "", *, period="2020", id=99) -> str:
    cells = [id, "Something", "", "", area, "", "", "Persons", "All ages", "", "", period, value, value - 1, value + 1]
    return ",".join(map(str, [*cells, "", "", count, of, *[""] * 7]))


def held_with(tmp_path: Path, *lines: str) -> store.Scope:
    ingest.ingest("fingertips", [text_file(tmp_path / "f.csv", [HEADS, *lines])])
    return store.Scope("restricted", publish.current().name, area=WEST)


def test_all_authorities_together_are_worked_out_from_their_counts(tiny: Path, tmp_path: Path):
    lines = [published(WEST, 10, 10, 100), published(EAST, 30, 90, 300), published("E92000001", 22)]
    found = profile_questions.authority_indicators(held_with(tmp_path, *lines))
    assert found["area_code"].tolist() == [WEST, EAST]
    assert found["partnership"].tolist() == [25.0, 25.0]  # (10 + 90) / (100 + 300), as a percentage
    assert found["england"].tolist() == [22.0, 22.0]
    assert found["region"].isna().all()  # this partnership's file names none


def test_without_counts_they_are_a_mean_weighted_by_residents(tiny: Path, tmp_path: Path):
    found = profile_questions.authority_indicators(held_with(tmp_path, published(WEST, 10), published(EAST, 30)))
    west, east = sum(list(RESIDENTS.values())[:4]), sum(list(RESIDENTS.values())[4:])
    assert found["partnership"].iloc[0] == pytest.approx((10 * west + 30 * east) / (west + east))


def test_the_newest_period_is_told_beside_the_one_before_and_an_authority_left_out_leaves_no_whole(
    tiny: Path, tmp_path: Path
):
    lines = [published(WEST, 10, period="2019"), published(WEST, 12), published(EAST, 30, period="2019")]
    found = profile_questions.authority_indicators(held_with(tmp_path, *lines)).set_index("area_code")
    assert found.index.tolist() == [WEST]
    assert found.loc[WEST, ["period", "value", "before", "before_period"]].tolist() == ["2020", 12.0, 10.0, "2019"]
    assert np.isnan(found.loc[WEST, "partnership"])


# ------------------------------------------------------------------------------------------------- the page


def test_the_page_says_how_the_authority_compares(on_demo: Path):
    app = opened("area_profile", link={"area": "E06000045", "part": "standing"})
    assert not troubles(app)
    found = cards(app)
    assert list(found) == ["spine", "funnel", "year_before", "alike"]
    assert "against all authorities together" in found["spine"].finding
    assert found["funnel"].finding.startswith("Southampton in the funnel of all authorities: ")
    assert "standard deviations" in found["alike"].note  # the method, printed
    assert found["alike"].tables[0]["authority_name"].iloc[0] == "Southampton"


def test_a_year_ago_is_the_same_months_added_up_by_the_store(on_demo: Path):
    scope = store.Scope("restricted", publish.current().name, area="E06000045", sources=("police",))
    scope = scope.but(start=pd.Timestamp("2024-01-01"), end=pd.Timestamp("2024-06-01"))
    found = profile.year_before(scope).set_index("offence_group")
    now = store.monthly_counts(scope)["n"].sum()
    before = store.monthly_counts(scope.but(start=pd.Timestamp("2023-01-01"), end=pd.Timestamp("2023-06-01")))[
        "n"
    ].sum()
    assert found.loc["all", ["n", "n_before"]].tolist() == [now, before]
    assert found.drop("all")["n"].sum() == now


def test_months_missing_in_one_of_the_years_are_left_out_of_both(on_demo: Path):
    scope = store.Scope("restricted", publish.current().name, area="E06000045", sources=("police_uk",))
    scope = scope.but(start=pd.Timestamp("2025-05-01"), end=pd.Timestamp("2025-06-01"))  # May 2024 was never published
    assert profile.year_before(scope).attrs["months"] == 1


def test_hotspots_inside_are_those_of_the_whole_partnership(on_demo: Path):
    scope = store.Scope("restricted", publish.current().name, area="E06000045", sources=("police",))
    scope = scope.but(start=pd.Timestamp("2025-01-01"), end=pd.Timestamp("2025-12-01"))
    found = profile.hot_inside(scope)
    assert found.attrs["of"] == len(store.areas(scope, level="lsoa"))
    assert (found["authority_code"] == "E06000045").all()
    assert (found["q_value"] < 0.05).all()
    assert found["z"].is_monotonic_decreasing
    assert np.hypot(found["x"] - 445_200, found["y"] - 113_900).min() < 600  # the one planted east of the river


@pytest.mark.parametrize("tier", ["partner", "public"])
def test_other_tiers_see_what_is_published_and_a_calm_word_for_the_rest(on_demo: Path, tier: str):
    for part in ("now", "standing", "people"):
        app = opened("area_profile", tier=tier, link={"area": "E06000045", "part": part})
        assert not troubles(app)
        assert cards(app) or told(app)


OGL = "Open Government Licence v3.0"
TIDY = "indicator,name,kind,area_code,period,value,numerator,denominator,unit,polarity,source,licence"


def test_a_share_of_small_areas_is_put_together_by_what_it_is_a_share_of(tiny: Path, tmp_path: Path):
    """Two areas of Westmarch, one of Eastmarch: 10 of 100 and 90 of 300 are 100 of 400, whatever the residents."""
    shares = {W1: (10, 100), W2: (90, 300), E1: (30, 100)}
    lines = [
        f"renting,Households that rent,risk,{code},2021,{100 * n / of},{n},{of},%,neutral,Survey,{OGL}"
        for code, (n, of) in shares.items()
    ]
    ingest.ingest("partner_indicators", [text_file(tmp_path / "t.csv", [TIDY, *lines])])
    scope = store.Scope("restricted", publish.current().name, area=WEST)
    found = profile_questions.authority_indicators(scope).set_index("area_code")
    assert found.loc[WEST, "value"] == 25.0
    assert found["partnership"].iloc[0] == pytest.approx(100 * 130 / 500)
    assert found.loc[WEST, "method"] == profile_questions.OF_BASE


def test_ethnic_groups_and_rates_from_crime_records_rank_no_authority(tiny: Path, tmp_path: Path):
    names = {"a": "Households that rent", "b": "Ethnic group: Mixed", "c": "Violence with injury rate"}
    lines = [
        f"{key},{name},context,{code},2021,10,,,%,neutral,Survey,{OGL}"
        for key, name in names.items()
        for code in (W1, W2, E1)
    ]
    ingest.ingest("partner_indicators", [text_file(tmp_path / "t.csv", [TIDY, *lines])])
    scope = store.Scope("restricted", publish.current().name, area=WEST)
    assert set(profile_questions.authority_indicators(scope)["name"]) == {"Households that rent"}
