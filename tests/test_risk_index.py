"""The vulnerability index and two-way classes against sums by hand and the ranks of scipy."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics import risk_index


def four_areas():
    factors = pd.DataFrame({"income": [10.0, 20.0, 30.0, 40.0], "school": [4.0, 1.0, 3.0, 2.0]}, index=list("abcd"))
    return factors, {"income": 3, "school": 1}


def many_areas(seed=0, n=60, k=4):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.gamma(2, size=(n, k)), columns=[f"f{j}" for j in range(k)])


# --- the index ---


def test_the_rank_index_is_the_weighted_mean_of_places_worked_by_hand():
    # places from 0 to 100 in steps of 100/3: income 0, 33.3, 66.7, 100; school 100, 0, 66.7, 33.3
    # (3 income + school) / 4: 25, 25, 66.67, 83.33; a and b share the best rank, 3
    found = risk_index.vulnerability_index(*four_areas())
    np.testing.assert_allclose(found["score"], [25, 25, 200 / 3, 250 / 3])
    assert found["rank"].tolist() == [3, 3, 2, 1]


def test_a_factor_of_which_more_is_better_is_turned_round():
    # school turned round: places 0, 100, 33.3, 66.7; scores (3*0 + 0)/4 = 0, (100 + 100)/4 = 50, (200 + 33.3)/4, ...
    factors, weights = four_areas()
    found = risk_index.vulnerability_index(factors, weights, polarity={"school": -1})
    np.testing.assert_allclose(found["score"], [0, 50, (200 + 100 / 3) / 4, (300 + 200 / 3) / 4])


def test_min_max_and_z_scores_are_those_worked_by_hand():
    factors, weights = four_areas()
    # min-max of equally spaced values is their place: the same as by rank
    by_range = risk_index.vulnerability_index(factors, weights, method="minmax")["score"]
    np.testing.assert_allclose(by_range, [25, 25, 200 / 3, 250 / 3])
    # income: mean 25, variance (225 + 25 + 25 + 225)/4 = 125; z = -1.3416, -0.4472, 0.4472, 1.3416 (and for school
    # 1.3416, -1.3416, 0.4472, -0.4472): (3 * -1.3416 + 1.3416) / 4 = -0.67082, (3 * -0.4472 - 1.3416) / 4 = -0.67082
    by_z = risk_index.vulnerability_index(factors, weights, method="z")["score"]
    np.testing.assert_allclose(by_z, [-0.670820, -0.670820, 0.447214, 0.894427], atol=1e-6)


def test_the_vulnerable_localities_index_has_a_mean_of_100_and_is_that_worked_by_hand():
    # each variable over its mean, times 100, averaged over the six (UCL Jill Dando Institute);
    # the means are 4, 10, 0.2, 0.1, 50, 20
    variables = ["burglary", "damage", "income", "employment", "young", "education"]
    rows = [[2, 5, 0.1, 0.05, 25, 10], [4, 10, 0.2, 0.1, 50, 20], [6, 15, 0.3, 0.15, 75, 30]]
    factors = pd.DataFrame(rows, columns=variables)
    found = risk_index.vulnerability_index(factors, dict.fromkeys(variables, 1), method="vli")
    np.testing.assert_allclose(found["score"], [50, 100, 150])
    # one more area with burglary alone: burglary 0, 0, 0, 8 (mean 2) gives 0, 0, 0, 400 and all else 100:
    # 500/6 and 900/6
    flat = pd.DataFrame({name: [1.0] * 4 for name in variables}).assign(burglary=[0.0, 0, 0, 8])
    score = risk_index.vulnerability_index(flat, dict.fromkeys(variables, 1), method="vli")["score"]
    np.testing.assert_allclose(score, [500 / 6] * 3 + [900 / 6])
    assert score.mean() == pytest.approx(100)


def test_only_the_order_of_weights_to_each_other_counts():
    factors = many_areas()
    once = risk_index.vulnerability_index(factors, {"f0": 1, "f1": 2, "f2": 0, "f3": 1})
    pd.testing.assert_frame_equal(once, risk_index.vulnerability_index(factors, {"f0": 5, "f1": 10, "f2": 0, "f3": 5}))


def test_rank_limits_without_draws_are_the_lowest_and_highest_of_every_change_of_one_weight():
    factors, given = many_areas(), np.array([1.0, 2, 3, 4])
    found = risk_index.vulnerability_index(factors, dict(zip(factors, given, strict=True)), draws=0)
    place = (stats.rankdata(factors, axis=0) - 1) / 59
    ranks = [stats.rankdata(-np.round(place @ given, 9), method="min")]
    for j, times in itertools.product(range(4), (0, 0.5, 2)):
        changed = given.copy()
        changed[j] *= times
        ranks.append(stats.rankdata(-np.round(place @ (changed / changed.sum()), 9), method="min"))
    np.testing.assert_array_equal(found["rank"].to_numpy(dtype=int), ranks[0])
    np.testing.assert_array_equal(found["rank_lower"].to_numpy(dtype=int), np.min(ranks, axis=0))
    np.testing.assert_array_equal(found["rank_upper"].to_numpy(dtype=int), np.max(ranks, axis=0))


def test_random_weights_widen_the_limits_and_lie_around_the_given_ones():
    factors = many_areas(seed=3)
    weights = dict.fromkeys(factors, 1)
    few, many = (risk_index.vulnerability_index(factors, weights, draws=draws, seed=1) for draws in (0, 2_000))
    assert (many["rank_lower"] <= few["rank_lower"]).all() and (many["rank_upper"] >= few["rank_upper"]).all()
    assert (many["rank_upper"] - many["rank_lower"]).sum() > (few["rank_upper"] - few["rank_lower"]).sum()
    # Dirichlet(a) has mean a / sum(a) and variance m (1 - m) / (sum(a) + 1) (any textbook); sum(a) is 4 for each factor
    given = np.array([0.1, 0.2, 0.7, 0.0])
    drawn = risk_index._drawn(given, 200_000, 0)
    np.testing.assert_allclose(drawn.mean(axis=1), given, atol=2e-3)
    np.testing.assert_allclose(drawn.var(axis=1), given * (1 - given) / (4 * 3 + 1), atol=1e-3)
    np.testing.assert_allclose(drawn.sum(axis=0), 1)


def test_an_area_first_in_every_factor_is_first_whatever_the_weights():
    factors = many_areas()
    factors.loc[7] = factors.max() + 1
    found = risk_index.vulnerability_index(factors, {"f0": 1, "f1": 5, "f2": 2, "f3": 1})
    assert found.loc[7, ["rank", "rank_lower", "rank_upper"]].tolist() == [1, 1, 1]


def test_an_area_with_a_missing_factor_has_no_score_and_counts_nowhere():
    factors = many_areas()
    weights = {"f0": 1, "f1": 2, "f2": 1, "f3": 1}
    alone = risk_index.vulnerability_index(factors.drop(index=5), weights)
    factors.loc[5, "f1"] = np.nan
    found = risk_index.vulnerability_index(factors, weights)
    new = ["score", "rank", "rank_lower", "rank_upper", "method"]
    assert found.loc[5, new].isna().all()
    pd.testing.assert_frame_equal(found.drop(index=5), alone)
    none = risk_index.vulnerability_index(factors.assign(f1=np.nan), weights)
    assert none[new].isna().all(axis=None)


@pytest.mark.parametrize(("method", "same"), [("rank", 50), ("minmax", 50), ("z", 0), ("vli", 100)])
def test_a_factor_equal_everywhere_tells_no_area_from_another(method, same):
    factors = pd.DataFrame({"a": [2.0, 2.0, 2.0], "b": [0.0, 0.0, 0.0]})
    found = risk_index.vulnerability_index(factors, {"a": 1, "b": 1}, method=method)
    np.testing.assert_allclose(found["score"], same)
    assert found[["rank", "rank_lower", "rank_upper"]].eq(1).all(axis=None)
    one = risk_index.vulnerability_index(factors[:1], {"a": 1, "b": 1}, method=method)
    assert one["score"].tolist() == [same] and one["rank"].tolist() == [1]


def test_equal_areas_share_a_rank_however_their_sums_round():
    base = many_areas(n=7, k=3)
    factors = pd.concat([base, base, base], ignore_index=True)
    found = risk_index.vulnerability_index(factors, {"f0": 0.1, "f1": 0.7, "f2": 0.3}, method="z")
    ranks = found[["rank", "rank_lower", "rank_upper"]].to_numpy(dtype=int)
    np.testing.assert_array_equal(ranks[:7], ranks[7:14])
    np.testing.assert_array_equal(ranks[:7], ranks[14:])


def test_wrong_weights_polarity_and_methods_are_named():
    factors, weights = four_areas()
    with pytest.raises(ValueError, match="rent"):
        risk_index.vulnerability_index(factors, weights | {"rent": 1})
    with pytest.raises(ValueError, match="rent"):
        risk_index.vulnerability_index(factors, weights, polarity={"rent": 1})
    with pytest.raises(ValueError, match="0 or more"):
        risk_index.vulnerability_index(factors, {"income": -1, "school": 2})
    with pytest.raises(ValueError, match="at least one above 0"):
        risk_index.vulnerability_index(factors, {"income": 0})
    with pytest.raises(ValueError, match="polarity"):
        risk_index.vulnerability_index(factors, weights, polarity={"income": 0})
    with pytest.raises(ValueError, match="method"):
        risk_index.vulnerability_index(factors, weights, method="sum")
    with pytest.raises(ValueError, match="Vulnerable Localities"):
        risk_index.vulnerability_index(factors, weights, method="vli", polarity={"income": -1})


# --- what a score is made of, and what it hangs on ---


def test_contributions_add_up_to_the_score():
    # area c: income place 66.67 times 3/4 = 50 points, school 66.67 times 1/4 = 16.67 points: shares 3/4 and 1/4
    factors, weights = four_areas()
    parts = risk_index.contributions(factors, weights)
    of_c = parts[parts["area"] == "c"]
    np.testing.assert_allclose(of_c["points"], [50, 50 / 3])
    np.testing.assert_allclose(of_c["share"], [0.75, 0.25])
    score = risk_index.vulnerability_index(factors, weights)["score"]
    np.testing.assert_allclose(parts.groupby("area")["points"].sum(), score)
    by_z = risk_index.contributions(factors, weights, method="z")
    assert by_z["share"].isna().all() and by_z["points"].notna().all()
    factors.loc["b", "income"] = np.nan
    parts = risk_index.contributions(factors, weights)
    assert parts.loc[parts["area"] == "b", ["points", "share"]].isna().all(axis=None)
    assert parts["area"].tolist() == ["a", "a", "b", "b", "c", "c", "d", "d"]


def test_the_effect_of_each_weight_is_that_of_working_the_index_out_again():
    factors, weights = many_areas(n=45), {"f0": 1.0, "f1": 2.0, "f2": 3.0, "f3": 4.0}
    found = risk_index.weight_effects(factors, weights).set_index(["factor", "weight_change"])
    assert len(found) == 12
    before = risk_index.vulnerability_index(factors, weights)
    times = {"left out": 0, "halved": 0.5, "doubled": 2}
    for factor, change in itertools.product(weights, times):
        after = risk_index.vulnerability_index(factors, weights | {factor: weights[factor] * times[change]})
        top = before["rank"] <= 5  # a tenth of 45, rounded up
        row = found.loc[(factor, change)]
        assert row["moved"] == (after["rank"][top] > 5).sum()
        assert row["largest_move"] == (after["rank"] - before["rank"]).abs().max()
        expected = stats.spearmanr(before["score"].round(9), after["score"].round(9)).statistic
        assert row["rank_correlation"] == pytest.approx(expected)
    assert found["moved"].max() > 0


def test_leaving_out_the_only_factor_has_no_value():
    found = risk_index.weight_effects(many_areas(), {"f0": 2})
    assert found[["moved", "largest_move", "rank_correlation"]].isna().all(axis=None)
    assert found["weight_change"].tolist() == ["left out", "halved", "doubled"]


# --- two-way classes ---


def test_two_way_classes_are_thirds_of_the_order():
    # 9 distinct values: three in each class; high y and low x is class (3 - 1) * 3 + 1 = 7
    x = np.array([3.0, 1, 2, 9, 8, 7, 4, 5, 6])
    found = risk_index.bivariate_classes(x, -x)
    assert found["x_class"].tolist() == [1, 1, 1, 3, 3, 3, 2, 2, 2]
    assert found["y_class"].tolist() == [3, 3, 3, 1, 1, 1, 2, 2, 2]
    assert found["bivariate_class"].tolist() == [7, 7, 7, 3, 3, 3, 5, 5, 5]


def test_equal_values_share_a_class():
    # eight noughts of ten: mean rank 4.5, class floor(3 * 4 / 10) + 1 = 2; the others floor(3 * 8.5 / 10) + 1 = 3
    found = risk_index.bivariate_classes([0] * 8 + [1, 2], range(10))
    assert found["x_class"].tolist() == [2] * 8 + [3, 3]
    # four noughts of ten: mean rank 2.5, class floor(3 * 2 / 10) + 1 = 1
    assert risk_index.bivariate_classes([0] * 4 + list(range(1, 7)), range(10))["x_class"].tolist()[:4] == [1] * 4


def test_all_equal_is_in_the_middle():
    assert risk_index.bivariate_classes([5.0] * 4, [1, 2, 3, 4])["x_class"].tolist() == [2] * 4
    assert risk_index.bivariate_classes([5.0] * 4, [1, 2, 3, 4], classes=2)["x_class"].tolist() == [2] * 4
    assert risk_index.bivariate_classes([5.0], [1.0]).iloc[0].tolist() == [2, 2, 5]


def test_missing_values_have_no_class_and_do_not_count():
    x = pd.Series([1.0, np.nan, 2.0, 3.0], index=list("pqrs"))
    found = risk_index.bivariate_classes(x, [3.0, 2.0, np.nan, 1.0])
    assert found.index.tolist() == list("pqrs")
    assert found["x_class"].tolist() == [1, pd.NA, 2, 3]
    assert found["y_class"].tolist() == [3, 2, pd.NA, 1]
    assert found["bivariate_class"].isna().tolist() == [False, True, True, False]
    assert len(risk_index.bivariate_classes([], [])) == 0


def test_wrong_class_numbers_and_lengths_are_refused():
    with pytest.raises(ValueError, match="at least 2"):
        risk_index.bivariate_classes([1, 2], [1, 2], classes=1)
    with pytest.raises(ValueError, match="one table"):
        risk_index.bivariate_classes([1, 2], [1, 2, 3])


def test_nothing_given_is_changed():
    factors, weights = four_areas()
    before, given = factors.copy(), dict(weights)
    risk_index.vulnerability_index(factors, weights, polarity={"school": -1})
    risk_index.contributions(factors, weights)
    risk_index.weight_effects(factors, weights)
    pd.testing.assert_frame_equal(factors, before)
    assert weights == given
