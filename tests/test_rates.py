"""Rates against the OHID method library's own workbooks, R, esda, and sums done by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from analytics import rates

REFERENCE = Path(__file__).parents[1] / ".." / "shared" / "reference"


def reference(name: str) -> pd.DataFrame:
    if not (REFERENCE / name).exists():
        pytest.skip("../shared is not here")
    return pd.read_csv(REFERENCE / name)


# --- intervals of a count ---------------------------------------------------------------------------------------------


def test_byar_agrees_with_the_method_librarys_workbook():
    # PHEindicatormethods, testdata_Byars_Wilson.xlsx
    at_95 = rates.byar([65, 1045, 1])
    assert at_95["lower"].to_numpy() == pytest.approx([50.163187710459454, 982.5932018073325, 0.01307213290150435])
    assert at_95["upper"].to_numpy() == pytest.approx([82.84913854593984, 1110.33121298565, 5.5637557824752605])
    at_998 = rates.byar([65, 10], confidence=0.998)
    assert at_998["lower"].to_numpy() == pytest.approx([42.8802614714802, 2.916318374695686])
    assert at_998["upper"].to_numpy() == pytest.approx([94.00029084431802, 24.193724927880535])
    assert list(at_998["method"]) == ["Byar 99.8%", "Byar 99.8%"]


def test_byar_has_no_lower_limit_where_the_approximation_would_fall_below_0():
    one = rates.byar([1], confidence=0.998)
    assert one["lower"].isna().all() and one["upper"][0] == pytest.approx(9.362180217908362)  # the same workbook
    assert rates.byar([0])["lower"][0] == 0


def test_exact_limits_of_no_events_and_of_one():
    # of none: exp(-upper) = 0.025, so upper = 3.688879; of one: 1 - exp(-lower) = 0.025, so lower = 0.025318
    table = rates.exact_poisson([0, 1])
    assert table["lower"].to_numpy() == pytest.approx([0, -np.log(0.975)])
    assert table["upper"].to_numpy() == pytest.approx([-np.log(0.025), 5.571643390938898])


# --- crude rates and proportions --------------------------------------------------------------------------------------


def test_crude_rates_agree_with_the_workbook_and_change_method_at_ten_events():
    # PHEindicatormethods, testdata_Rate.xlsx, per 100
    table = rates.crude([1, 5, 20, 65], 100, per=100)
    assert table["rate"].to_list() == [1, 5, 20, 65]
    lower = [0.025317807984289897, 1.62348639011842, 12.211428834875937, 50.163187710459454]
    assert table["lower"].to_numpy() == pytest.approx(lower)
    assert table["upper"].to_numpy() == pytest.approx(
        [5.571643390938898, 11.668332079322669, 30.889880369197066, 82.84913854593984]
    )
    methods = rates.crude([9, 10, 11], 100)["method"]
    assert list(methods) == ["exact Poisson 95%", "Byar 95%", "Byar 95%"]


def test_proportions_agree_with_the_workbook():
    # PHEindicatormethods, testdata_Proportion.xlsx; Wilson
    table = rates.proportion([1, 20, 65], 100, per=100, confidence=0.998)
    assert table["value"].to_list() == [1, 20, 65]
    assert table["lower"].to_numpy() == pytest.approx([0.0873065697299977, 10.519162066711433, 49.54946574070441])
    assert table["upper"].to_numpy() == pytest.approx([10.45544528370582, 34.71109417008601, 77.83540614089696])


@pytest.mark.real
@pytest.mark.parametrize(("confidence", "columns"), [(0.95, "95_0cl"), (0.998, "99_8cl")])
def test_every_rate_and_proportion_of_the_workbooks(confidence, columns):
    workbook = {name: reference(f"phe_{name}.csv") for name in ("rate", "proportion")}
    for per, rows in workbook["rate"].groupby("multiplier"):
        ours = rates.crude(rows["Numerator"], rows["Denominator"], per=per, confidence=confidence)
        for column, theirs in {"rate": "value", "lower": f"lower{columns}", "upper": f"upper{columns}"}.items():
            np.testing.assert_allclose(ours[column], rows[theirs], rtol=1e-12)
    for per, rows in workbook["proportion"].groupby("multiplier"):
        ours = rates.proportion(rows["Numerator"], rows["Denominator"], per=per, confidence=confidence)
        for column, theirs in {"value": "value", "lower": f"lower{columns}", "upper": f"upper{columns}"}.items():
            np.testing.assert_allclose(ours[column], rows[theirs], rtol=1e-12)


def test_a_share_of_none_and_of_all_touches_its_end_and_never_passes_it():
    table = rates.proportion([0, 10], [10, 10])
    # Wilson at 0 of n: upper = z^2 / (n + z^2) = 3.8415 / 13.8415
    assert table["upper"].to_list() == pytest.approx([3.841458821 / 13.841458821, 1])
    assert table["lower"].to_list() == [0, pytest.approx(10 / 13.841458821)] and table["upper"].max() <= 1


def test_what_is_missing_stays_missing_and_no_people_means_no_rate():
    table = rates.crude(pd.Series([3, None, 2], dtype="Int64"), [100, 100, 0])
    assert table["rate"].notna().to_list() == [True, False, False]
    assert table["lower"].notna().to_list() == [True, False, False]
    assert table["method"].isna().to_list() == [False, True, False] and table["method"][2] == "no population"
    assert rates.proportion([0], [0])["value"].isna().all()


def test_rows_keep_their_index_and_inputs_are_left_alone():
    count = pd.Series([5, 50], index=["b", "a"])
    before = count.copy()
    table = rates.crude(count, 1000)
    assert table.index.to_list() == ["b", "a"]
    pd.testing.assert_series_equal(count, before)
    assert len(rates.crude(7, 1000)) == 1 and len(rates.crude([], [])) == 0


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="Below 0: count"):
        rates.crude([-1], [10])
    with pytest.raises(ValueError, match="larger than its total"):
        rates.proportion([11], [10])
    with pytest.raises(ValueError, match="indexes differ"):
        rates.crude(pd.Series([1, 2], index=[0, 1]), pd.Series([1, 2], index=[1, 0]))
    with pytest.raises(ValueError, match="not 95"):
        rates.crude([1], [10], confidence=95)


# --- standardised rates -----------------------------------------------------------------------------------------------

# Births and Down's syndrome by mother's age, birth order five and more, Michigan 1950-64, and the weights of all births
DOWNS = pd.DataFrame(
    {
        "count": [0, 8, 63, 112, 262, 295],
        "population": [327, 30666, 123419, 149919, 104088, 34392],
        "weight": [319933, 931318, 786511, 488235, 237863, 61313],
    }
)


def bands(**areas: float) -> pd.DataFrame:
    """One area per argument, with so many events per 1,000 people in each of the 19 bands."""
    ages = list(rates.ESP_2013)
    table = pd.DataFrame({"age_band5": ages * len(areas), "population": 1000})
    return table.assign(area=np.repeat(list(areas), 19), count=np.repeat(list(areas.values()), 19))


def test_the_standard_population_is_complete():
    assert len(rates.ESP_2013) == 19 and sum(rates.ESP_2013.values()) == 100_000


def test_directly_standardised_rate_agrees_with_fleiss_and_dobson():
    # R package dsrTest 1.0.0, vignette: rate 75.52901, Dobson's interval 67.63284 to 83.86703 with exact limits of the
    # total; with Byar's, as here, they move by 0.0001
    row = rates.directly_standardised(DOWNS, standard="weight").iloc[0]
    assert row["rate"] == pytest.approx(75.52901, abs=5e-6)
    assert row["lower"] == pytest.approx(67.63284, abs=2e-4)
    assert row["upper"] == pytest.approx(83.86703, abs=2e-4)
    assert (row["n"], row["population"], row["method"]) == (740, 442_811, "Dobson, Byar 95%")


@pytest.mark.real
def test_standardising_by_name_of_band_equals_the_sum_band_by_band():
    groups = reference("phe_dsr_input.csv").replace({"ageband": {"55-69": "55-59"}})  # a slip in the workbook
    answer = rates.directly_standardised(groups, by="area", population="pop", age="ageband").set_index("area")
    weights = [5000, 5500, 5500, 5500, 6000, 6000, 6500, 7000, 7000, 7000, 7000, 6500, 6000]
    weights += [5500, 5000, 4000, 2500, 1500, 1000]
    for area, total in {"testdata_big": 895, "testdata_small": 91}.items():
        rows = groups[groups["area"] == area]
        rate = variance = 0.0
        for weight, n, people in zip(weights, rows["count"], rows["pop"], strict=True):
            rate += weight * n / people
            variance += weight**2 * n / people**2
        limits = rates.byar(total).iloc[0]
        assert answer.loc[area, "rate"] == pytest.approx(rate)
        assert answer.loc[area, "lower"] == pytest.approx(rate + (variance / total) ** 0.5 * (limits["lower"] - total))
        assert answer.loc[area, "upper"] == pytest.approx(rate + (variance / total) ** 0.5 * (limits["upper"] - total))
    assert answer.loc["testdata_tiny", "method"] == "fewer than 10 events"
    assert pd.isna(answer.loc["testdata_tiny", "rate"])


def test_the_same_rate_in_every_age_is_the_crude_rate_in_any_order_of_rows():
    groups = bands(a=2, b=4)
    shuffled = groups.sample(frac=1, random_state=3)
    for table in (groups, shuffled):
        answer = rates.directly_standardised(table, by="area").set_index("area")
        assert answer["rate"].to_dict() == pytest.approx({"a": 200, "b": 400})  # 2 and 4 in 1,000
    assert rates.directly_standardised(shuffled, by="area")["area"].to_list() == list(dict.fromkeys(shuffled["area"]))


def test_two_rows_of_one_band_are_added_up_before_they_are_weighed():
    one = bands(a=4)
    women, men = one.assign(count=1, population=400), one.assign(count=3, population=600)
    together = rates.directly_standardised(pd.concat([women, men]), by="area")
    pd.testing.assert_frame_equal(together, rates.directly_standardised(one, by="area"))


def test_a_table_of_some_ages_is_standardised_over_those():
    young = bands(a=2).query("age_band5 in ['10-14', '15-19', '20-24']")
    young = young.assign(count=[1, 4, 7])
    # (1 x 5,500 + 4 x 5,500 + 7 x 6,000) / 17,000 in 1,000 = 4.0882 in 1,000
    assert rates.directly_standardised(young, by="area")["rate"][0] == pytest.approx(69_500 / 17_000 * 100)


def test_nine_events_have_no_standardised_rate_and_ten_have():
    few = bands(a=0, b=0)
    few.loc[[0, 19], "count"] = [9, 10]
    answer = rates.directly_standardised(few, by="area")
    assert answer["method"].to_list() == ["fewer than 10 events", "Dobson, Byar 95%"]
    assert answer[["rate", "lower", "upper"]].notna().all(axis=1).to_list() == [False, True]
    assert answer["n"].to_list() == [9, 10]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda t: t.drop(index=3), "an age band is missing"),
        (lambda t: t.assign(count=t["count"].where(t.index != 3)), "a count is missing"),
        (lambda t: t.assign(population=t["population"].where(t.index != 3, 0)), "a population is missing or 0"),
    ],
)
def test_a_gap_leaves_that_area_without_a_rate_and_says_why(spoil, reason):
    answer = rates.directly_standardised(spoil(bands(a=5, b=5)), by="area")
    assert answer["method"].to_list() == [reason, "Dobson, Byar 95%"]
    assert answer[["rate", "lower", "upper"]].isna().all(axis=1).to_list() == [True, False]


def test_a_band_the_standard_does_not_know_is_refused_without_quoting_it():
    with pytest.raises(ValueError, match="1 rows have an age band") as refusal:
        rates.directly_standardised(bands(a=5).replace({"90+": "ninety"}), by="area")
    assert "ninety" not in str(refusal.value)


def test_people_with_several_events_widen_the_interval_by_the_square_of_their_number():
    # one band, 1,000 people, 20 events: 10 people once, 5 twice. Sum of f^2 N = 10 + 4 x 5 = 30, so the variance is
    # 30 / 1000^2 against 20 / 1000^2, and the limits lie sqrt(30/20) = 1.2247 times as far from the rate
    groups = pd.DataFrame({"count": [20], "population": [1000], "weight": [1], "once": [10], "twice": [5]})
    plain = rates.directly_standardised(groups, standard="weight", per=1000).iloc[0]
    repeated = rates.directly_standardised(groups, standard="weight", per=1000, repeats=["once", "twice"]).iloc[0]
    assert plain["rate"] == repeated["rate"] == 20
    assert plain["lower"] == pytest.approx(rates.byar(20)["lower"][0])  # one band: Dobson is Byar
    for side in ("lower", "upper"):
        assert repeated[side] - 20 == pytest.approx(1.5**0.5 * (plain[side] - 20))
    wrong = rates.directly_standardised(groups.assign(twice=4), standard="weight", repeats=["once", "twice"]).iloc[0]
    assert wrong["method"] == "repeats do not add up to the events" and pd.isna(wrong["rate"])


@pytest.mark.real
def test_the_workbook_of_repeats_adds_up_and_widens_every_interval():
    groups = reference("phe_dsr_nonindependent.csv").assign(weight=list(rates.ESP_2013.values()) * 4)
    asked = {"by": "area", "population": "pop", "standard": "weight"}
    plain = rates.directly_standardised(groups, **asked).set_index("area")
    wider = rates.directly_standardised(groups, **asked, repeats=["f1", "f2", "f3", "f4"]).set_index("area")
    shown = plain["rate"].notna()
    assert shown.sum() == 3 and (wider["rate"].notna() == shown).all()
    pd.testing.assert_series_equal(plain["rate"], wider["rate"])
    assert (wider["upper"] > plain["upper"])[shown].all() and (wider["lower"] < plain["lower"])[shown].all()


def test_indirectly_standardised_ratio_by_hand():
    # reference 10/1000 and 40/1000; here 100 and 200 people: expected 1 + 8 = 9; 12 events seen; ratio 1.3333
    # reference crude rate 50/2000 = 2.5 in 100
    groups = pd.DataFrame(
        {
            "area": ["a", "a"],
            "count": [3, 9],
            "population": [100, 200],
            "reference_count": [10, 40],
            "reference_population": [1000, 1000],
        }
    )
    row = rates.indirectly_standardised(groups, by="area", per=100).iloc[0]
    assert (row["observed"], row["expected"]) == (12, pytest.approx(9))
    assert (row["ratio"], row["rate"]) == (pytest.approx(12 / 9), pytest.approx(12 / 9 * 2.5))
    assert row["ratio_lower"] == pytest.approx(rates.byar(12)["lower"][0] / 9)
    assert row["upper"] == pytest.approx(rates.byar(12)["upper"][0] / 9 * 2.5)
    few = rates.indirectly_standardised(groups.assign(count=[3, 6]), by="area").iloc[0]
    assert few["method"] == "exact Poisson 95%"
    assert few["ratio_upper"] == pytest.approx(rates.exact_poisson(9)["upper"][0] / 9)


def test_a_band_without_count_and_people_stands_outside_and_any_other_gap_leaves_no_ratio():
    groups = pd.DataFrame(
        {
            "area": ["a", "a", "b", "b"],
            "count": [12, None, 12, None],
            "population": [100, None, 100, 50],
            "reference_count": 50,
            "reference_population": 1000,
        }
    )
    answer = rates.indirectly_standardised(groups, by="area").set_index("area")
    assert answer.loc["a", "ratio"] == pytest.approx(12 / 5)
    assert answer.loc["a", "method"] == "Byar 95%, 1 of 2 bands"
    assert answer.loc["b", ["ratio", "rate", "lower"]].isna().all()
    assert answer.loc["b", "method"] == "a count or rate is missing"


def test_no_rows_standardise_to_no_groups_and_without_groups_to_one_row_without_a_rate():
    none = DOWNS[:0].assign(area=[], reference_count=[], reference_population=[])
    assert rates.directly_standardised(none, by="area", standard="weight").empty
    assert rates.indirectly_standardised(none, by="area").empty
    assert rates.directly_standardised(none, standard="weight")["method"].to_list() == ["fewer than 10 events"]
    assert rates.indirectly_standardised(none)["ratio"].isna().to_list() == [True]


@pytest.mark.real
def test_indirectly_standardised_workbook_band_by_band():
    groups = reference("phe_isr_input.csv")
    answer = rates.indirectly_standardised(
        groups, by="area", population="pop", reference_count="refcount", reference_population="refpop"
    ).set_index("area")
    for area in ("testdata_big", "testdata_small"):
        rows = groups[groups["area"] == area]
        expected = sum(a / b * c for a, b, c in zip(rows["refcount"], rows["refpop"], rows["pop"], strict=True))
        assert answer.loc[area, "expected"] == pytest.approx(expected)
        assert answer.loc[area, "ratio"] == pytest.approx(rows["count"].sum() / expected)
        crude = rows["refcount"].sum() / rows["refpop"].sum() * 100_000
        assert answer.loc[area, "rate"] == pytest.approx(rows["count"].sum() / expected * crude)
    assert answer.loc["testdata_tiny", "observed"] == 9


# --- ratio of two rates -----------------------------------------------------------------------------------------------


def test_rate_ratio_agrees_with_r():
    # R stats, poisson.test(c(11, 6+8+7), c(800, 1083+1050+878)): 1.971488, 0.8584264 to 4.2772659
    row = rates.ratio_of(11, 800, 21, 3011).iloc[0]
    assert row["ratio"] == pytest.approx(1.971488, abs=5e-7)
    assert row["lower"] == pytest.approx(0.8584264, abs=5e-8)
    assert row["upper"] == pytest.approx(4.2772659, abs=5e-8)


def test_rate_ratio_turned_round_is_one_over_it():
    there, back = rates.ratio_of(30, 1000, 12, 700).iloc[0], rates.ratio_of(12, 700, 30, 1000).iloc[0]
    assert back["ratio"] == pytest.approx(1 / there["ratio"])
    assert (back["lower"], back["upper"]) == (pytest.approx(1 / there["upper"]), pytest.approx(1 / there["lower"]))


def test_rate_ratio_with_no_events():
    # 0 against 3: the share p of a has (1 - p)^3 = 0.025, so the upper odds are 0.025^(-1/3) - 1 = 2.41995
    table = rates.ratio_of([0, 3, 0, 3], 1, [3, 0, 0, None], 1)
    assert table["ratio"].to_list()[:2] == [0, np.inf]
    assert table["upper"].to_list()[:2] == [pytest.approx(0.025 ** (-1 / 3) - 1), np.inf]
    assert table["lower"].to_list()[:2] == [0, pytest.approx(1 / (0.025 ** (-1 / 3) - 1))]
    assert table.iloc[2:].isna().all(axis=None)
    assert rates.ratio_of(3, 0, 3, 10).isna().all(axis=None)


# --- empirical Bayes --------------------------------------------------------------------------------------------------


def test_empirical_bayes_by_hand():
    # 200 and 400 of 1,000: mean 0.3; spread 0.01 - 0.3/1000 = 0.0097; weight 0.0097 / (0.0097 + 0.0003) = 0.97
    table = rates.empirical_bayes([200, 400], [1000, 1000], per=1)
    assert table["weight"].to_list() == pytest.approx([0.97, 0.97])
    assert table["rate"].to_list() == pytest.approx([0.203, 0.397])


def test_no_more_spread_than_chance_gives_everyone_the_mean():
    assert rates.empirical_bayes([2, 4], [10, 10], per=100)["rate"].to_list() == pytest.approx([30, 30])
    assert rates.empirical_bayes([3, 3, 3], [10, 10, 10], per=100)["rate"].to_list() == pytest.approx([30] * 3)
    assert rates.empirical_bayes([0, 0], [10, 10])["rate"].to_list() == [0, 0]


def test_an_area_without_people_or_count_has_no_rate_and_moves_nobody():
    table = rates.empirical_bayes([200, 400, 5, None], [1000, 1000, 0, 700], per=1)
    assert table["rate"].isna().to_list() == [False, False, True, True]
    assert table["rate"][:2].to_list() == pytest.approx([0.203, 0.397])


def test_a_neighbourhood_of_everyone_is_the_global_estimate_whatever_the_diagonal():
    rng = np.random.default_rng(4)
    people = rng.integers(200, 5000, 30)
    count = rng.poisson(people * rng.gamma(4, 0.002, 30))
    everyone = sparse.csr_array(np.ones((30, 30)))
    others = sparse.csr_array(np.ones((30, 30)) - np.eye(30))
    overall = rates.empirical_bayes(count, people)["rate"]
    for near in (everyone, others):
        np.testing.assert_allclose(rates.empirical_bayes(count, people, near)["rate"], overall)


def test_an_island_keeps_its_own_rate_as_its_own_mean():
    alone = sparse.csr_array((2, 2))
    table = rates.empirical_bayes([1, 30], [100, 1000], alone, per=1000)
    assert table["rate"].to_list() == pytest.approx([10, 30])
    with pytest.raises(ValueError, match="near has 2 rows"):
        rates.empirical_bayes([1], [10], alone)


@pytest.mark.slow
def test_empirical_bayes_agrees_with_esda():
    smoothing = pytest.importorskip("esda.smoothing")
    weights = pytest.importorskip("libpysal.weights")
    rng = np.random.default_rng(5)
    people = rng.integers(300, 4000, 100).astype(float)
    count = rng.poisson(people * rng.gamma(3, 0.004, 100)).astype(float)
    lattice = weights.lat2W(10, 10, rook=False)
    theirs = np.asarray(smoothing.Empirical_Bayes(count, people).r).ravel()
    np.testing.assert_allclose(rates.empirical_bayes(count, people, per=1)["rate"], theirs)
    theirs = np.asarray(smoothing.Spatial_Empirical_Bayes(count, people, lattice).r).ravel()
    ours = rates.empirical_bayes(count, people, sparse.csr_array(lattice.sparse), per=1)["rate"]
    np.testing.assert_allclose(ours, theirs)


# --- funnels ----------------------------------------------------------------------------------------------------------

WORDS = {
    "low_998": "Low (0.001)",
    "low_95": "Low (0.025)",
    "inside": "Not significant",
    "high_95": "High (0.025)",
    "high_998": "High (0.001)",
}


def test_funnel_limits_of_a_ratio_agree_with_the_workbook():
    # PHEindicatormethods, testdata_funnel_ratio: 5 and 653 events as the limit at these expected numbers (its solver
    # stops a little early: six figures)
    expected = pd.Series([11.6683331, 705.0634143])
    table = rates.funnel_limits([0, 0], expected, kind="ratio", per=100)
    assert table["lower_95"].to_numpy() == pytest.approx([42.85102213, 92.61578274], rel=2e-6)
    table = rates.funnel_limits([0, 0], pd.Series([1.623486324, 603.8692656]), kind="ratio", per=100)
    assert table["upper_95"].to_numpy() == pytest.approx([307.979188, 108.1359886], rel=2e-6)
    assert (table["benchmark"] == 100).all()


def test_funnel_limits_of_a_proportion_agree_with_the_workbook():
    # PHEindicatormethods, testdata_funnel_prop, around 80.642448%
    table = rates.funnel_limits([0, 0, 0], [1, 8, 664], kind="proportion", per=100, benchmark=80.642448)
    assert table["lower_95"].to_numpy()[:2] == pytest.approx([3.204264, 53.263915], abs=2e-6)
    assert table["lower_998"].to_numpy()[:2] == pytest.approx([0, 37.475315], abs=2e-6)
    assert table["upper_95"].to_list()[:2] == [100, 100]


@pytest.mark.real
def test_every_funnel_position_of_the_workbooks():
    ratio = reference("phe_funnel_ratio_inputs.csv")
    ours = rates.funnel_limits(ratio["obs"], ratio["expected"], kind="ratio")
    assert ours["position"].map(WORDS).to_list() == ratio["significance"].to_list()
    share = reference("phe_funnel_prop_inputs.csv")
    ours = rates.funnel_limits(share["numerator"], share["denominator"], kind="proportion", per=100)
    assert ours["position"].map(WORDS).to_list() == share["significance"].to_list()
    rate = reference("phe_funnel_rate_dsr_inputs.csv")
    ours = rates.funnel_limits(rate["count"], rate["pop"], per=100_000)
    assert ours["position"].map(WORDS).to_list() == rate["crude_per_100000_with_0"].to_list()
    shown = rate[rate["rate_dsr"].notna()]
    ours = rates.funnel_limits(shown["count"], 100_000 * shown["count"] / shown["rate_dsr"], per=100_000)
    assert ours["position"].map(WORDS).to_list() == shown["dsr_per_100000_with_0"].to_list()


@pytest.mark.real
@pytest.mark.parametrize(("limit", "theirs"), [("95", "2s"), ("998", "3s")])
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_every_funnel_limit_of_the_workbooks(limit, theirs, side):
    ratio = reference("phe_funnel_ratio_outputs.csv")
    ours = rates.funnel_limits(ratio["Observed_events"], ratio[f"{side}_{theirs}_exp_events"], kind="ratio", per=100)
    np.testing.assert_allclose(ours[f"{side}_{limit}"], ratio[f"{side}_{theirs}_isr"], rtol=1e-5)
    rate = reference("phe_funnel_rate_outputs.csv")
    people = rate[f"{side}_{theirs}_population_1_year"]
    ours = rates.funnel_limits(rate["Events"], people * 3, per=100_000, benchmark=rate["baseline"][0])
    np.testing.assert_allclose(ours[f"{side}_{limit}"], rate[f"{side}_{theirs}_limit"], rtol=1e-5)


def test_the_limit_is_the_count_whose_exact_interval_touches_the_benchmark():
    limits = rates.exact_poisson([7])
    low = rates.funnel_limits([7], limits["upper"], kind="ratio")  # so many expected that 7 is just low
    assert low["lower_95"][0] * limits["upper"][0] == pytest.approx(7)
    high = rates.funnel_limits([7], limits["lower"], kind="ratio")
    assert high["upper_95"][0] * limits["lower"][0] == pytest.approx(7)


def test_positions_one_below_on_and_one_above_the_limits():
    expected = rates.exact_poisson([20]).iloc[0]
    places = rates.funnel_limits([19, 21], [expected["upper"]] * 2, kind="ratio")["position"]
    assert places.to_list() == ["low_95", "inside"]
    places = rates.funnel_limits([21, 19], [expected["lower"]] * 2, kind="ratio")["position"]
    assert places.to_list() == ["high_95", "inside"]


def test_the_benchmark_is_all_areas_together_and_no_size_has_no_position():
    table = rates.funnel_limits([10, 30, None, 4], [1000, 1000, 500, 0], per=1000)
    assert table["benchmark"].to_list() == [20] * 4  # (10 + 30) / 2000
    assert table["position"].notna().to_list() == [True, True, False, False]
    nothing = rates.funnel_limits([0, 0], [100, 200])
    assert nothing["position"].to_list() == ["inside", "inside"] and (nothing["upper_95"] == 0).all()
    with pytest.raises(ValueError, match="kind is"):
        rates.funnel_limits([1], [1], kind="dsr")


# --- every workbook of the method library -----------------------------------------------------------------------------


@pytest.mark.real
def test_every_interval_of_the_byar_and_wilson_workbook():
    workbook = reference("phe_byars_wilson.csv").astype({"x": float})
    for row in workbook.itertuples():
        confidence = float(row.confidence.rstrip("%")) / 100
        byar = row.method == "Byars"
        ours = (
            rates.byar(row.x, confidence=confidence) if byar else rates.proportion(row.x, row.n, confidence=confidence)
        )
        np.testing.assert_allclose(
            ours.loc[0, ["lower", "upper"]].astype(float), [row.lowercl, row.uppercl], rtol=1e-12
        )


@pytest.mark.real
def test_standardised_rates_of_the_workbook_equal_the_departments_own_python_package():
    # PHStatsMethods 0.1.16 (Department of Health and Social Care), ph_dsr on the same inputs
    theirs = {
        0.95: [[10430.247991469425, 9717.709067985685, 11178.940915479252]],
        0.998: [[10430.247991469425, 9323.287880219905, 11620.595999522062]],
    }
    theirs[0.95] += [[1103.212025300104, 877.455767536709, 1367.0882227251795]]
    theirs[0.998] += [[1103.212025300104, 763.6420357939876, 1530.0328948244762]]
    groups = reference("phe_dsr_input.csv").replace({"ageband": {"55-69": "55-59"}})  # a slip in the workbook
    for confidence, rows in theirs.items():
        asked = {"by": "area", "population": "pop", "age": "ageband", "confidence": confidence}
        ours = rates.directly_standardised(groups, **asked)[["rate", "lower", "upper"]]
        np.testing.assert_allclose(ours[:2], rows, rtol=1e-12)
        assert ours.iloc[2].isna().all()


@pytest.mark.real
def test_rates_on_the_older_standard_equal_the_departments_own_python_package():
    # PHStatsMethods 0.1.16, ph_dsr with the weights of 1976
    groups = reference("phe_dsr_1976.csv")
    for confidence, theirs in {
        0.95: [8592.097585022366, 7991.160931442104, 9225.25388031832],
        0.998: [8592.097585022366, 7659.282106568957, 9599.2117985717],
    }.items():
        ours = rates.directly_standardised(groups, population="pop", standard="esp1976", confidence=confidence)
        np.testing.assert_allclose(ours.loc[0, ["rate", "lower", "upper"]].astype(float), theirs, rtol=1e-12)


@pytest.mark.real
def test_limits_with_repeats_band_by_band():
    # no package with this option at hand: the sum of the manual (variance of f events of one person is f squared)
    groups = reference("phe_dsr_nonindependent.csv")
    groups = groups[groups["area"] == "testdata_nonind_big"].assign(weight=list(rates.ESP_2013.values()))
    rate = variance = 0.0
    for row in groups.fillna(0).rename(columns={"count": "n"}).itertuples():
        rate += row.weight * row.n / row.pop
        variance += row.weight**2 * (row.f1 + 4 * row.f2 + 9 * row.f3 + 16 * row.f4) / row.pop**2
    limits = rates.byar(895).iloc[0]
    ours = rates.directly_standardised(groups, population="pop", standard="weight", repeats=["f1", "f2", "f3", "f4"])
    assert ours["rate"][0] == pytest.approx(rate, rel=1e-12)
    for side in ("lower", "upper"):
        assert ours[side][0] == pytest.approx(rate + (variance / 895) ** 0.5 * (limits[side] - 895), rel=1e-12)


@pytest.mark.real
def test_standardised_ratios_of_the_workbook_equal_the_departments_own_python_package():
    # PHStatsMethods 0.1.16, ph_ISRatio and ph_ISRate
    theirs = {
        0.95: [
            [1.0707232939020275, 1.001714771255399, 1.1432332872498951],
            [0.10886683770400504, 0.08765040101829406, 0.1336657632841891],
            [0.010767049882813686, 0.004923380825095775, 0.02043921455549973],
        ],
        0.998: [
            [1.0707232939020275, 0.9635155619614438, 1.186007041587629],
            [0.10886683770400504, 0.0769542552839211, 0.14897920510466747],
            [0.010767049882813686, 0.0029339306550682674, 0.027105896514690215],
        ],
    }
    groups = reference("phe_isr_input.csv")
    names = {"population": "pop", "reference_count": "refcount", "reference_population": "refpop"}
    for confidence, rows in theirs.items():
        ours = rates.indirectly_standardised(groups, by="area", confidence=confidence, **names)
        np.testing.assert_allclose(ours[["ratio", "ratio_lower", "ratio_upper"]], rows, rtol=1e-12)
        np.testing.assert_allclose(ours["expected"], 835.8835612311742, rtol=1e-12)
        # the third area lacks a band, reference included: unknown here, 0 there, so the rates differ (not the ratios)
        np.testing.assert_allclose(ours["rate"][:2], [10011.137622091057, 1017.8922051511579], rtol=1e-12)
        assert ours["rate"][2] != pytest.approx(100.67065765231231)


@pytest.mark.real
def test_every_limit_of_the_funnel_of_proportions():
    # printed to six figures after the point
    workbook = reference("phe_funnel_prop_outputs.csv")
    benchmark, nobody = workbook["Baseline"][0], np.zeros(len(workbook))
    ours = rates.funnel_limits(nobody, workbook["Population"], kind="proportion", per=100, benchmark=benchmark)
    printed = ["Lower2s0025limit", "Upper2s0025limit", "Lower3s0001limit", "Upper3s0001limit"]
    for limit, theirs in zip(["lower_95", "upper_95", "lower_998", "upper_998"], printed, strict=True):
        np.testing.assert_allclose(ours[limit], workbook[theirs], atol=1e-6)


# --- slope and relative index of inequality ---------------------------------------------------------------------------

# PHEindicatormethods, the example of phe_sii: life expectancy by decile of deprivation, two areas
LIFE_PEOPLE = """7291 7997 6105 7666 5790 6934 5918 5974 7147 7534
21675 20065 19750 24713 20112 19618 22408 19752 18939 19312"""
LIFE_YEARS = "75.9 78.3 83.8 83.6 80.5 81.1 81.7 84.2 80.6 86.3 70.5 71.6 72.5 73.5 73.1 76.2 78.7 80.6 80.9 80"
LIFE_ERRORS = "1.64 1.58 1.51 1.78 1.7 1.56 1.37 1.4 2.43 1.57 .23 .26 .3 .16 .79 .78 .4 .28 .23 .35"
LIFE = pd.DataFrame({"area": np.repeat(["Area1", "Area2"], 10), "decile": np.tile(np.arange(1, 11), 2)})
LIFE = LIFE.assign(population=np.array(LIFE_PEOPLE.split(), dtype=int))
LIFE = LIFE.assign(value=np.array(LIFE_YEARS.split(), float), error=np.array(LIFE_ERRORS.split(), float))
LIFE = LIFE.assign(
    lower=LIFE["value"] - 1.959963984540054 * LIFE["error"], upper=LIFE["value"] + 1.959963984540054 * LIFE["error"]
)
# the same package, DSR_testdata.csv: standardised rates by fifth of deprivation, 2010
FIFTHS = pd.DataFrame(
    {
        "decile": range(1, 6),
        "population": [1434002, 1450590, 1453827, 1440980, 1457780],
        "value": [150.2200205, 131.0221747, 127.4954973, 130.494241, 135.4664241],
        "lower": [147.3194185, 128.3676972, 125.0421198, 128.2469515, 133.2469515],
        "upper": [153.1498241, 133.7051129, 129.975513, 132.7657553, 137.8657553],
    }
)


def test_slope_index_agrees_with_the_method_librarys_example_in_r():
    # R 4.2.2: lm(sqrt_a * value ~ sqrt_a + b_sqrt_a - 1) as in phe_sii, and the quantiles of a million draws
    ours = rates.inequality(LIFE, by="area", value="value", kind="normal")
    assert ours["rate_most"].to_list() == pytest.approx([78.0320787695299, 69.3426196880598], rel=1e-12)
    assert ours["sii"].to_list() == pytest.approx([7.0002347600799, 12.6227385636316], rel=1e-12)
    assert ours["rii"].to_list() == pytest.approx([1.08970970491194, 1.1820343480015], rel=1e-12)
    assert ours["sii_lower"].to_list() == pytest.approx([3.160, 12.010], abs=0.04)
    assert ours["sii_upper"].to_list() == pytest.approx([10.855, 13.234], abs=0.04)
    assert ours["rii_lower"].to_list() == pytest.approx([1.03957, 1.17253], abs=5e-4)
    assert ours["rii_upper"].to_list() == pytest.approx([1.14248, 1.19161], abs=5e-4)


def test_slope_index_of_rates_plain_and_through_logarithms_agrees_with_r():
    # R 4.2.2, value_type 1 of phe_sii, without and with transform
    plain = rates.inequality(FIFTHS, value="value").iloc[0]
    assert plain["sii"] == pytest.approx(-14.8486825847983, rel=1e-12)
    assert plain["rii"] == pytest.approx(0.895675788987982, rel=1e-12)
    assert [plain["sii_lower"], plain["sii_upper"]] == pytest.approx([-18.965, -10.755], abs=0.05)
    assert [plain["rii_lower"], plain["rii_upper"]] == pytest.approx([0.86886, 0.92323], abs=5e-4)
    logs = rates.inequality(FIFTHS, value="value", multiplicative=True).iloc[0]
    assert logs["rate_most"] == pytest.approx(141.880105699715, rel=1e-12)
    assert logs["sii"] == pytest.approx(-14.036843481138, rel=1e-12)
    assert logs["rii"] == pytest.approx(0.901065456556351, rel=1e-12)
    assert [logs["sii_lower"], logs["sii_upper"]] == pytest.approx([-17.957, -10.124], abs=0.05)
    assert [logs["rii_lower"], logs["rii_upper"]] == pytest.approx([0.87526, 0.92760], abs=5e-4)


def test_two_groups_by_hand_and_the_exact_spread_of_the_simulation():
    # 3 and 1 in 1,000, a quarter and three quarters of the people: ranks 0.125 and 0.625, so -2 over half the way is -4
    # for all of it; the line starts at 3 + 0.125 x 4 = 3.5 and ends at -0.5: no ratio
    two = pd.DataFrame({"decile": [1, 2], "population": [1000, 3000], "value": [3.0, 1.0]})
    two = two.assign(lower=two["value"] - 0.1, upper=two["value"] + 0.1)
    row = rates.inequality(two, value="value", kind="normal").iloc[0]
    assert (row["rate_most"], row["rate_least"], row["sii"]) == pytest.approx((3.5, -0.5, -4))
    assert pd.isna(row["rii"]) and pd.isna(row["rii_upper"])
    # the slope is 2 (v2 - v1): its limits are 2 sqrt(2) x 0.1 away
    assert row["sii_upper"] - row["sii"] == pytest.approx(0.2 * 2**0.5, rel=0.02)


def test_counts_are_added_up_in_their_decile_and_turned_to_rates():
    # 10 equal deciles of 10,000: 60 events in the first falling by 5 each: a straight line, 62.5 to 12.5 at the ends
    counts = pd.DataFrame({"decile": range(1, 11), "population": 10_000, "count": range(60, 10, -5)})
    women = counts.assign(population=5_000, count=counts["count"] // 3)
    men = counts.assign(population=5_000, count=counts["count"] - women["count"])
    ours = rates.inequality(pd.concat([women, men]).sample(frac=1, random_state=1), per=10_000).iloc[0]
    assert (ours["rate_most"], ours["rate_least"]) == pytest.approx((62.5, 12.5))
    assert (ours["sii"], ours["rii"]) == pytest.approx((-50, 0.2))
    assert ours["sii_lower"] < -50 < ours["sii_upper"] < 0 and 0 < ours["rii_lower"] < 0.2 < ours["rii_upper"] < 1
    turned = rates.inequality(counts, per=10_000, flip=True).iloc[0]
    assert (turned["sii"], turned["rii"]) == pytest.approx((50, 5))
    assert (turned["sii_lower"], turned["rii_upper"]) == pytest.approx((-ours["sii_upper"], 1 / ours["rii_lower"]))
    shares = rates.inequality(counts, kind="proportion").iloc[0]
    assert (shares["sii"], shares["rii"]) == pytest.approx((-0.005, 0.2))


def test_a_table_of_areas_gives_each_the_interval_it_has_alone():
    together = rates.inequality(LIFE, by="area", value="value", kind="normal", seed=3)
    alone = rates.inequality(LIFE[10:].drop(columns="area"), value="value", kind="normal", seed=3)
    pd.testing.assert_frame_equal(together[1:].drop(columns="area").reset_index(drop=True), alone)


def test_what_has_no_slope_says_why():
    counts = pd.DataFrame({"decile": range(1, 11), "population": 10_000, "count": range(60, 10, -5)})
    full = counts.assign(area="full")
    areas = {
        "lacks one": counts[1:],
        "no people": counts.assign(population=[0, *[10_000] * 9]),
        "unknown": counts.assign(count=counts["count"].where(counts["decile"] > 1)),
        "none": counts.assign(count=counts["count"].where(counts["decile"] < 10, 0)),
    }
    table = pd.concat([full, *(rows.assign(area=name) for name, rows in areas.items())])
    ours = rates.inequality(table, by="area").set_index("area")
    missing = "a count or population is missing or 0"
    reasons = ["a decile is missing", missing, missing, "a decile without events: no limits"]
    assert ours["method"].to_list()[1:] == reasons
    assert ours["sii"].notna().to_list() == [True, False, False, False, True]
    assert ours["sii_lower"].notna().to_list() == [True, False, False, False, False]
    through_logs = rates.inequality(table, by="area", multiplicative=True).set_index("area")
    assert pd.isna(through_logs.loc["none", "sii"]) and rates.inequality(table[:0], by="area").empty
    with pytest.raises(ValueError, match="no decile"):
        rates.inequality(counts.assign(decile=[None, *range(2, 11)]))
    with pytest.raises(ValueError, match="more than one value"):
        rates.inequality(pd.concat([LIFE, LIFE]), by="area", value="value", kind="normal")
    with pytest.raises(ValueError, match="kind is"):
        rates.inequality(LIFE, value="value", kind="normal", multiplicative=True)


def test_without_a_gradient_the_limits_leave_out_0_in_one_case_of_twenty():
    rng = np.random.default_rng(6)
    areas = pd.DataFrame({"area": np.repeat(np.arange(400), 10), "decile": np.tile(np.arange(1, 11), 400)})
    areas = areas.assign(population=10_000, count=rng.poisson(40, 4000))
    before = areas.copy()
    ours = rates.inequality(areas, by="area", draws=2_000)
    outside = (ours["sii_lower"].gt(0) | ours["sii_upper"].lt(0)).mean()
    assert abs(outside - 0.05) < 3 * (0.05 * 0.95 / 400) ** 0.5
    pd.testing.assert_frame_equal(areas, before)
