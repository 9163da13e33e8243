"""Learned models against other libraries, sums by hand, planted truth and chance; and the parts left out in turn."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from analytics import risk_blocks, risk_learned, risk_penalised, risk_scores
from analytics.errors import NotEnoughData


def made_up(seed=0, n=400, factors=5, effects=(0.5, -0.3), spread=8.0):
    """Counts of about 8 an area, in places of 20 km; the first factors change the log rate by so much."""
    rng = np.random.default_rng(seed)
    places = pd.DataFrame(rng.random((n, 2)) * 20_000, columns=["x", "y"])
    table = pd.DataFrame(rng.normal(size=(n, factors)), columns=[f"f{j}" for j in range(factors)])
    people = pd.Series(rng.uniform(1_000, 3_000, n))
    log_rate = np.log(0.004) + table.to_numpy()[:, : len(effects)] @ np.array(effects)
    counts = pd.Series(rng.poisson(people * np.exp(log_rate) * rng.gamma(spread, 1 / spread, n)))
    return counts, table, places, people


def deviance(counts, mu):
    terms = np.where(counts > 0, counts * np.log(np.maximum(counts, 1) / mu), 0)
    return 2 * (terms - counts + mu).sum()


# --- the parts of the map ---


def test_no_block_is_in_two_folds_and_folds_are_even():
    places = made_up(n=900)[2]
    folds = risk_blocks.spatial_folds(places, block_m=3_000, seed=1)
    block = risk_blocks._blocks(places["x"].to_numpy(), places["y"].to_numpy(), 3_000)
    assert pd.Series(folds).groupby(block).nunique().max() == 1
    sizes, blocks = np.bincount(folds), np.bincount(block)
    assert len(sizes) == 5 and sizes.max() - sizes.min() <= blocks.max()


def test_blocks_are_hexagons_of_the_size_given():
    # no two places of one block farther apart than its corners (2/sqrt(3) of the size); about area / hexagon blocks
    places = made_up(n=900)[2].to_numpy()
    block = risk_blocks._blocks(*places.T, 3_000)
    widest = max(
        np.hypot(*(places[block == b][:, None] - places[block == b][None]).transpose(2, 0, 1)).max()
        for b in range(block.max() + 1)
    )
    assert 2_000 < widest <= 3_000 * 2 / 3**0.5
    assert 400 / (0.8660254 * 9) <= block.max() + 1 <= 1.6 * 400 / (0.8660254 * 9)  # more at the edge


def test_blocks_are_about_fifty_where_no_size_is_given():
    places = made_up(n=900)[2]
    assert 50 <= risk_blocks._blocks(places["x"].to_numpy(), places["y"].to_numpy(), None).max() + 1 <= 55


def test_folds_follow_the_seed_and_a_place_without_coordinates_has_none():
    places = made_up(n=300)[2]
    first = risk_blocks.spatial_folds(places, seed=3)
    np.testing.assert_array_equal(first, risk_blocks.spatial_folds(places, seed=3))
    assert (first != risk_blocks.spatial_folds(places, seed=4)).any()
    lost = pd.concat([places, pd.DataFrame({"x": [np.nan], "y": [1.0]})], ignore_index=True)
    folds = risk_blocks.spatial_folds(lost, seed=3)
    assert np.isnan(folds[-1])
    np.testing.assert_array_equal(folds[:-1], first)


def test_too_few_blocks_are_refused_kindly():
    with pytest.raises(NotEnoughData, match="at least 5 blocks of areas; there is 1"):
        risk_blocks.spatial_folds(pd.DataFrame({"x": [1.0] * 9, "y": [2.0] * 9}))
    with pytest.raises(NotEnoughData, match="there are 3"):
        risk_blocks.spatial_folds(pd.DataFrame({"x": [1.0, 2, 3], "y": [2.0] * 3}))
    with pytest.raises(NotEnoughData, match="there are 0"):
        risk_blocks.spatial_folds(pd.DataFrame({"x": [], "y": []}))
    with pytest.raises(ValueError, match="above 0"):
        risk_blocks.spatial_folds(made_up()[2], block_m=0)
    alone = risk_blocks.spatial_folds(pd.DataFrame({"x": [1.0, 2, 3, 4, 5], "y": [2.0] * 5}))
    assert sorted(alone) == [0, 1, 2, 3, 4]  # each place its own block


# --- the elastic net ---


def test_coefficients_are_those_of_another_minimiser_at_the_same_penalty():
    # each coefficient as the difference of two that are not below 0, to make the sum of sizes smooth: L-BFGS of scipy
    counts, factors, places, people = made_up(1, n=250)
    found = risk_learned.elastic_net(counts, factors, places, exposure=people)
    alike, penalty = ((factors - factors.mean()) / factors.std(ddof=0)).to_numpy(), found.attrs["penalty"]

    def worth(at):
        b = at[1:6] - at[6:]
        line = np.log(people) + at[0] + alike @ b
        slope = alike.T @ (np.exp(line) - counts) / 250 + penalty * b / 2
        fit = (np.exp(line) - counts * line).mean() + penalty * (at[1:].sum() + (b**2).sum() / 2) / 2
        return fit, np.r_[(np.exp(line) - counts).mean(), slope + penalty / 2, -slope + penalty / 2]

    bounds, start = [(None, None)] + [(0, None)] * 10, np.r_[np.log(0.004), np.zeros(10)]
    least = optimize.minimize(worth, start, jac=True, bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-9}).x
    np.testing.assert_allclose(found["coefficient"], least[1:6] - least[6:], atol=1e-6)
    assert found["factor"].tolist() == list(factors)


@pytest.mark.parametrize("mix", [0.5, 1.0])
def test_each_line_of_a_path_is_a_minimum(mix):
    # Karush-Kuhn-Tucker: the slope of the deviance is the penalty where a coefficient is not 0, no more where it is;
    # twenty factors that go together, two of them the same
    rng = np.random.default_rng(2)
    factors = rng.normal(size=(300, 1)) + rng.normal(size=(300, 20))
    factors[:, 7] = factors[:, 6]
    factors = (factors - factors.mean(0)) / factors.std(0)
    people = rng.uniform(100, 900, 300)
    counts = rng.poisson(people * 0.02 * np.exp(0.3 * factors[:, 0] - 0.2 * factors[:, 6]))
    along = risk_penalised.penalties(factors, counts, people, mix=mix)
    lines = risk_penalised.path(factors, counts, people, along, mix=mix)
    np.testing.assert_allclose(lines[0, 1:], 0, atol=1e-12)  # the first penalty leaves nothing
    assert (lines[-1, 1:] != 0).sum() > 5
    for line, penalty in zip(lines, along, strict=True):
        away = counts - people * np.exp(line[0] + factors @ line[1:])
        slope, b = factors.T @ away / 300, line[1:]
        assert abs(away.sum()) < 1e-5 * counts.sum()
        pull = slope - penalty * (1 - mix) * b
        np.testing.assert_allclose(pull[b != 0], penalty * mix * np.sign(b[b != 0]), atol=2e-6)
        assert (np.abs(pull[b == 0]) <= penalty * mix + 2e-6).all()


def test_without_an_absolute_penalty_it_is_the_ridge_of_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    counts, factors, _, _ = made_up(3)
    alike = ((factors - factors.mean()) / factors.std(ddof=0)).to_numpy()
    ours = risk_penalised.path(alike, counts.to_numpy(float), np.ones(400), np.array([0.3]), mix=0.0)[0]
    theirs = linear.PoissonRegressor(alpha=0.3, tol=1e-10, solver="newton-cholesky").fit(alike, counts)
    np.testing.assert_allclose(ours, np.r_[theirs.intercept_, theirs.coef_], atol=1e-7)


def test_planted_factors_are_kept_and_matter_and_the_others_hardly():
    counts, factors, places, people = made_up(4, n=900)
    found = risk_learned.elastic_net(counts, factors, places, exposure=people).set_index("factor")
    np.testing.assert_allclose(found.loc[["f0", "f1"], "coefficient"], [0.5, -0.3], atol=0.08)
    assert found.loc[["f2", "f3", "f4"], "coefficient"].abs().max() < 0.05
    assert found["importance"].idxmax() == "f0" and found.loc["f1", "importance"] > 0.05
    assert found.loc[["f2", "f3", "f4"], "importance"].abs().max() < 0.01
    assert (found["lower"] <= found["importance"]).all() and (found["importance"] <= found["upper"]).all()


# --- scores ---


def test_scores_are_those_of_leaving_out_each_part_worked_by_other_means():
    # the plain count model and deprivation alone by statsmodels, without each fold in turn
    api = pytest.importorskip("statsmodels.api")
    counts, factors, places, people = made_up(5)
    found = risk_learned.elastic_net(counts, factors, places, exposure=people, deprivation="f1", seed=2)
    scores = found.attrs["scores"].set_index("model")
    folds, poisson = risk_blocks.spatial_folds(places, seed=2), api.families.Poisson()
    for model, columns in {"count model": list(factors), "deprivation alone": ["f1"]}.items():
        design, none, left = api.add_constant(factors[columns]), [], []
        for fold in range(5):
            out = folds == fold
            fit = api.GLM(counts[~out], design[~out], family=poisson, offset=np.log(people[~out])).fit()
            left.append(deviance(counts[out], fit.predict(design[out], offset=np.log(people[out]))))
            none.append(deviance(counts[out], people[out] * counts[~out].sum() / people[~out].sum()))
        assert scores.loc[model, "deviance_explained"] == pytest.approx(1 - sum(left) / sum(none), abs=1e-5)
        of_part = 1 - np.array(left) / np.array(none)
        np.testing.assert_allclose(
            scores.loc[model, ["lower", "upper"]].astype(float), [of_part.min(), of_part.max()], atol=1e-5
        )
    assert scores.loc["no factors", ["deviance_explained", "lower", "upper"]].tolist() == [0, 0, 0]
    assert scores["beats_deprivation"].tolist() == [False, pd.NA, True, True]
    assert scores.index.tolist() == ["no factors", "deprivation alone", "count model", "elastic net"]


def test_where_nothing_is_to_be_learned_the_models_explain_nothing_and_say_so():
    explained = []
    for seed in range(12):
        counts, factors, places, people = made_up(seed, n=150, factors=8, effects=())
        found = risk_learned.elastic_net(counts, factors, places, exposure=people)
        explained.append(found.attrs["scores"].set_index("model").loc["elastic net", "deviance_explained"])
        assert ("no better than one rate for all" in found.attrs["said"]) == (explained[-1] <= 0)
    assert np.mean(explained) < 0.01 and np.min(explained) > -0.2


def test_scores_and_verdict_are_those_worked_by_hand():
    # two parts with deviances 10 and 30 at one rate for all (40 together); the model leaves 5 and 27: 1 - 32/40 = 20%,
    # parts 50% and 10%; deprivation leaves 8 and 20: 30%, parts 20% and 33.3%
    lost = pd.DataFrame({"no factors": [10.0, 30], "deprivation alone": [8.0, 20], "boosted trees": [5.0, 27]})
    scores = risk_scores.scores(lost)
    np.testing.assert_allclose(scores["deviance_explained"], [0, 0.3, 0.2])
    np.testing.assert_allclose(scores["lower"], [0, 0.2, 0.1])
    np.testing.assert_allclose(scores["upper"], [0, 1 / 3, 0.5])
    assert scores["beats_deprivation"].tolist() == [False, pd.NA, False]
    assert risk_scores.said(scores, lost, "boosted trees") == (
        "A model of boosted trees explains 20.0% of how rates differ in parts of the map it has not seen. It is not "
        "better than deprivation: deprivation alone explains 30.0%. Do not use it in place of deprivation."
    )
    better = lost.assign(**{"boosted trees": [5.0, 21]})  # 1 - 26/40 = 35%, ahead in the first part only
    assert risk_scores.said(risk_scores.scores(better), better, "boosted trees").endswith(
        "explains 35.0% of how rates differ in parts of the map it has not seen. It is better than deprivation: "
        "deprivation alone explains 30.0%. It is ahead in 1 of 2 parts."
    )
    poor = lost.assign(**{"deprivation alone": [11.0, 33], "boosted trees": [11.0, 30]})  # both below 0
    assert risk_scores.scores(poor)["beats_deprivation"].tolist() == [False, pd.NA, False]
    assert risk_scores.said(risk_scores.scores(poor), poor, "boosted trees") == (
        "A model of boosted trees is no better than one rate for all, in parts of the map it has not seen. "
        "Nor is deprivation alone."
    )


def test_boosted_trees_worse_than_deprivation_say_so():
    counts, factors, places, people = made_up(6, n=120, factors=10, effects=(0.5,))
    found = risk_learned.boosted_trees(counts, factors, places, exposure=people, deprivation="f0")
    scores = found.attrs["scores"].set_index("model")
    assert scores.loc["boosted trees", "deviance_explained"] < scores.loc["deprivation alone", "deviance_explained"]
    assert not scores.loc["boosted trees", "beats_deprivation"]
    assert "It is not better than deprivation" in found.attrs["said"]
    assert "Do not use it in place of deprivation." in found.attrs["said"]
    assert f"{scores.loc['deprivation alone', 'deviance_explained']:.1%}" in found.attrs["said"]


def test_boosted_trees_find_a_threshold_that_lines_cannot():
    rng = np.random.default_rng(7)
    _, factors, places, people = made_up(7, n=500)
    rate = 0.01 * np.where(factors["f0"].abs() > 1, 3.0, 1.0)
    counts = pd.Series(rng.poisson(people * rate))
    found = risk_learned.boosted_trees(counts, factors, places, exposure=people, deprivation="f1")
    scores = found.attrs["scores"].set_index("model")["deviance_explained"]
    assert scores["boosted trees"] > 0.6 and scores["count model"] < 0.1
    assert "It is better than deprivation" in found.attrs["said"] and "5 of 5 parts" in found.attrs["said"]
    assert found.set_index("factor")["importance"].idxmax() == "f0"
    shape = risk_learned.partial_dependence(counts, factors, places, "f0", exposure=people)
    inside, outside = (shape.loc[m, "rate"] for m in (shape["value"].abs() < 0.8, shape["value"].abs() > 1.3))
    np.testing.assert_allclose(inside, 0.01, rtol=0.15)
    np.testing.assert_allclose(outside, 0.03, rtol=0.15)
    assert (shape["lower"] <= shape["rate"]).all() and (shape["rate"] <= shape["upper"]).all()


def test_partial_dependence_is_that_of_scikit_learn():
    inspection = pytest.importorskip("sklearn.inspection")
    ensemble = pytest.importorskip("sklearn.ensemble")
    counts, factors, places, people = made_up(8, n=200)
    found = risk_learned.partial_dependence(counts, factors, places, "f0", exposure=people, points=6)
    folds, theirs = risk_blocks.spatial_folds(places), []
    # the model as docs/methods.md describes it
    shape = {"max_iter": 150, "learning_rate": 0.05, "max_leaf_nodes": 8, "min_samples_leaf": 20, "max_bins": 64}
    for fold in range(5):
        seen = folds != fold
        rate = counts[seen].sum() / people[seen].sum()
        model = ensemble.HistGradientBoostingRegressor(
            loss="poisson", l2_regularization=1.0, early_stopping=False, random_state=0, **shape
        ).fit(
            factors[seen].to_numpy(), (counts / people / rate)[seen], sample_weight=people[seen] / people[seen].mean()
        )
        given = {"kind": "average", "method": "brute", "custom_values": {0: found["value"].to_numpy()}}
        own = inspection.partial_dependence(model, factors.to_numpy(), [0], sample_weight=people.to_numpy(), **given)
        theirs.append(rate * own["average"][0])
    np.testing.assert_allclose(found["rate"], np.mean(theirs, axis=0))
    np.testing.assert_allclose(found["lower"], np.min(theirs, axis=0))
    np.testing.assert_allclose(found["upper"], np.max(theirs, axis=0))


# --- edges ---


def test_a_constant_factor_does_nothing_and_a_repeated_one_is_no_trouble():
    counts, factors, places, people = made_up(9, n=160)
    odd = factors.assign(same=3.0, f0_again=factors["f0"])
    found = risk_learned.elastic_net(counts, odd, places, exposure=people).set_index("factor")
    assert found.loc["same", "coefficient"] == 0
    np.testing.assert_allclose(found.loc["same", ["importance", "lower", "upper"]].astype(float), 0, atol=1e-12)
    assert found.loc["f0", "coefficient"] == pytest.approx(found.loc["f0_again", "coefficient"], abs=1e-5)
    trees = risk_learned.boosted_trees(counts, odd, places).set_index("factor")
    assert trees.loc["same", "importance"] == pytest.approx(0, abs=1e-12)


def test_areas_with_anything_missing_or_nobody_in_them_are_left_out():
    counts, factors, places, people = made_up(10)
    whole = risk_learned.elastic_net(counts[4:], factors[4:], places[4:], exposure=people[4:])
    counts, people = counts.astype(float), people.copy()
    counts[0], people[1], factors.loc[2, "f3"], places.loc[3, "x"] = np.nan, 0, np.nan, np.nan
    found = risk_learned.elastic_net(counts, factors, places, exposure=people)
    pd.testing.assert_frame_equal(found, whole)
    assert (found.attrs["n"], found.attrs["left_out"]) == (396, 4)


def test_what_has_no_value_is_refused_kindly():
    counts, factors, places, _ = made_up(11, n=100)
    with pytest.raises(NotEnoughData, match="there are none"):
        risk_learned.elastic_net(counts * 0, factors, places)
    one = pd.Series(0, index=counts.index)
    one[5] = 9
    with pytest.raises(NotEnoughData, match="one part of the map"):
        risk_learned.boosted_trees(one, factors, places)
    with pytest.raises(NotEnoughData, match="blocks"):
        risk_learned.elastic_net(counts[:4], factors[:4], places[:4])
    with pytest.raises(ValueError, match="deprivation"):
        risk_learned.elastic_net(counts, factors, places, deprivation="imd")
    with pytest.raises(ValueError, match="column of factors"):
        risk_learned.partial_dependence(counts, factors, places, "imd")
    with pytest.raises(ValueError, match="lengths"):
        risk_learned.elastic_net(counts, factors[:50], places)


def test_the_same_seed_gives_the_same_and_nothing_given_is_changed():
    counts, factors, places, people = made_up(12, n=150)
    before = [table.copy() for table in (counts, factors, places, people)]
    for model in (risk_learned.elastic_net, risk_learned.boosted_trees):
        first, second = (model(counts, factors, places, exposure=people, seed=5) for _ in range(2))
        pd.testing.assert_frame_equal(first, second)
        pd.testing.assert_frame_equal(first.attrs["scores"], second.attrs["scores"])
        assert "was not set against deprivation" in first.attrs["said"]
    pd.testing.assert_series_equal(counts, before[0])
    pd.testing.assert_frame_equal(factors, before[1])
    pd.testing.assert_frame_equal(places, before[2])
    pd.testing.assert_series_equal(people, before[3])
