"""League tables: rates as `rates` gives them, ranks with intervals against what the binomial and symmetry give."""

import numpy as np
import pandas as pd
import pytest

from analytics import league, rates

AREAS = pd.DataFrame(
    {"name": list("abcd"), "n": [900, 300, 310, 20], "population": [100_000, 100_000, 100_000, 100_000]},
    index=[7, 3, 9, 1],
)


def test_rates_intervals_and_funnel_are_those_of_the_rates_module() -> None:
    found = league.table(AREAS)
    crude = rates.crude(AREAS["n"], AREAS["population"])
    funnel = rates.funnel_limits(AREAS["n"], AREAS["population"], per=100_000)
    assert found["rate"].tolist() == pytest.approx([900, 300, 310, 20])
    for column in ("lower", "upper"):
        assert found[column].tolist() == pytest.approx(crude[column].tolist())
    assert found["position"].tolist() == funnel["position"].tolist() == ["high_998", "low_998", "low_998", "low_998"]
    assert found.index.tolist() == AREAS.index.tolist()


def test_places_far_apart_have_a_certain_rank_and_level_ones_share_it() -> None:
    found = league.table(AREAS).set_index("name")
    assert found.loc["a", ["rank", "rank_lower", "rank_upper"]].tolist() == [1, 1, 1]
    assert found.loc["d", ["rank", "rank_lower", "rank_upper"]].tolist() == [4, 4, 4]
    # 310 against 300: by the normal approximation the larger is ahead in P(Z < 10 / sqrt(610)) = 66% of draws
    assert found.loc["b", ["rank_lower", "rank_upper"]].tolist() == [2, 3]
    assert found.loc["c", ["rank_lower", "rank_upper"]].tolist() == [2, 3]
    assert found.loc["c", "rank"] == 2


def test_equal_areas_may_each_be_anywhere_in_the_order() -> None:
    same = pd.DataFrame({"n": [50] * 20, "population": [10_000] * 20})
    found = league.table(same)
    assert found["rank"].eq(1).all()  # ties share the best
    assert found["rank_lower"].eq(1).all()
    assert found["rank_upper"].eq(20).all()
    assert found["position"].eq("inside").all()


def test_an_interval_of_ranks_holds_the_true_rank_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    truth = np.linspace(20, 60, 15)
    order = (-truth).argsort().argsort() + 1
    held = []
    for seed in range(60):
        drawn = pd.DataFrame({"n": rng.poisson(truth), "population": 1_000.0})
        found = league.table(drawn, draws=1_000, seed=seed)
        held.append(((found["rank_lower"] <= order) & (order <= found["rank_upper"])).mean())
    assert np.mean(held) > 0.93


def test_areas_without_people_or_records_known_are_in_no_rank_and_nothing_else_changes() -> None:
    more = pd.concat([AREAS, pd.DataFrame({"name": ["e", "f"], "n": [np.nan, 5], "population": [50_000, 0]})])
    before = more.copy(deep=True)
    found = league.table(more)
    assert found[["rate", "rank", "rank_lower"]].iloc[4:].isna().all(axis=None)
    alone = league.table(AREAS)
    pd.testing.assert_frame_equal(found.iloc[:4][["rate", "rank", "lower_95"]], alone[["rate", "rank", "lower_95"]])
    pd.testing.assert_frame_equal(more, before)


def test_one_area_is_first_and_inside() -> None:
    found = league.table(AREAS.head(1))
    assert found[["rank", "rank_lower", "rank_upper"]].iloc[0].tolist() == [1, 1, 1]
    assert found["position"].tolist() == ["inside"]
