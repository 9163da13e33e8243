"""What was planted in the invented records is found by what the pages do, and nothing is found where nothing is.

Hexagons of 500 m over the whole area, Gi* with conditional permutations and Benjamini-Hochberg at 5%, as on the page.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics import grids, hotspots, rates, significance, trends
from data import demo_planted, publish, store
from data.demo_planted import Planted

SIZE_M = 500
PERMUTATIONS = 99_999
FALSE = 0.05  # share of the hotspots that may be none
FIRST, LAST = pd.Timestamp("2019-01-01"), pd.Timestamp("2025-12-01")

pytestmark = pytest.mark.usefixtures("on_demo")


@pytest.fixture(scope="module")
def every(demo: Path) -> store.Scope:
    """All police records of the seven years, as a named analyst sees them."""
    return store.Scope("restricted", publish.current(demo).name, start=FIRST, end=LAST, sources=("police",))


@pytest.fixture(scope="module")
def planted() -> dict[str, list[Planted]]:
    found = demo_planted.planted()
    return {kind: [p for p in found if p.kind == kind] for kind in {p.kind for p in found}}


def hot_cells(cells: pd.DataFrame, *, permutations: int = PERMUTATIONS, seed: int = 0) -> pd.DataFrame:
    """The cells with `hot`: more around them than chance allows, the number of cells looked at allowed for."""
    found = hotspots.gi_star(cells, grids.ring(cells), permutations=permutations, seed=seed)
    return found.assign(hot=(found["z"] > 0) & (significance.benjamini_hochberg(found["p_value"]) < FALSE))


def hot_in(one: Planted, scope: store.Scope) -> pd.Series:
    """Which of the cells in a planted place are hot."""
    cells = hot_cells(store.cell_counts(scope, size_m=SIZE_M))
    inside = demo_planted.inside(one, cells["x"].to_numpy(), cells["y"].to_numpy())
    assert inside.sum() >= 2
    assert cells["hot"].mean() < 0.02  # a map that is hot everywhere would find anything
    return cells.loc[inside, "hot"]


def months(scope: store.Scope, first: str, last: str) -> store.Scope:
    return scope.but(start=pd.Timestamp(first), end=pd.Timestamp(last))


# ------------------------------------------------------------------------------------------- places


@pytest.mark.parametrize("number", range(3))
def test_a_persistent_place_is_hot_in_every_year_and_in_all_its_cells_over_all(
    number: int, every: store.Scope, planted: dict
) -> None:
    """In a year of lockdowns one of its cells may not be told from chance."""
    one = planted["persistent"][number]
    assert hot_in(one, every).all()
    years = {y: hot_in(one, months(every, f"{y}-01-01", f"{y}-12-01")) for y in range(2019, 2026)}
    assert all(hot.any() for hot in years.values())
    assert sum(not hot.all() for hot in years.values()) <= 1


def test_the_emerging_place_is_hot_late_and_not_early(every: store.Scope, planted: dict) -> None:
    (one,) = planted["emerging"]
    assert one.start == pd.Timestamp("2024-07-01").date()
    assert hot_in(one, months(every, "2025-01-01", "2025-12-01")).any()
    assert not hot_in(one, months(every, "2019-01-01", "2024-06-01")).any()


def test_the_fading_place_is_hot_early_and_not_late(every: store.Scope, planted: dict) -> None:
    (one,) = planted["fading"]
    assert (one.start.year, one.end.year) == (2021, 2023)
    assert hot_in(one, months(every, "2019-01-01", "2020-12-01")).any()
    assert not hot_in(one, months(every, "2024-01-01", "2025-12-01")).any()


def test_the_night_time_place_is_hot_by_night_and_not_by_day(every: store.Scope, planted: dict) -> None:
    (one,) = planted["night"]
    assert hot_in(one, every.but(time="night")).all()
    assert not hot_in(one, every.but(time="day")).any()


def test_the_hidden_place_is_hot_for_emergency_departments_and_not_for_the_police(
    every: store.Scope, planted: dict
) -> None:
    (one,) = planted["hidden"]
    assert one.source == ("ed_istv",)
    assert hot_in(one, every.but(sources=("ed_istv",))).any()
    assert not hot_in(one, every).any()


# ------------------------------------------------------------------------------------------- changes


def total(scope: store.Scope, groups: tuple[str, ...], first: str, last: str) -> float:
    return store.monthly_counts(months(scope, first, last).but(groups=groups))["n"].sum()


def test_the_recording_change_stands_out_in_its_first_month_and_in_its_group_alone(
    every: store.Scope, planted: dict
) -> None:
    (one,) = planted["recording_change"]
    others = tuple(g for g in store.violent_groups() if g not in one.groups)
    start = pd.Timestamp(one.start)
    for groups, position in ((one.groups, "above"), (others, "inside")):
        rows = trends.expected_range(store.monthly_counts(every.but(groups=groups))).set_index("month")
        assert rows.loc[start, "position"] == position
        before = rows.loc[(rows.index < start) & rows["expected"].notna(), "position"]
        assert (before == "inside").mean() > 0.8


def test_the_recording_change_is_as_large_as_it_was_made(every: store.Scope, planted: dict) -> None:
    (one,) = planted["recording_change"]
    others = tuple(g for g in store.violent_groups() if g not in one.groups)
    before, after = ("2021-04-01", "2022-03-01"), ("2022-04-01", "2023-03-01")
    found = rates.ratio_of(
        total(every, one.groups, *after),
        total(every, others, *after),
        total(every, one.groups, *before),
        total(every, others, *before),
    ).iloc[0]
    assert found["lower"] < one.effect < found["upper"]
    assert found["lower"] > 1.1


def in_neighbourhoods(scope: store.Scope, one: Planted) -> tuple[float, float]:
    """Records in the neighbourhoods with their middle in the place, and in all others."""
    areas = store.area_counts(scope.but(groups=one.groups), level="msoa")
    inside = demo_planted.inside(one, areas["x"].to_numpy(), areas["y"].to_numpy())
    assert inside.sum() >= 5
    return areas.loc[inside, "n"].sum(), areas.loc[~inside, "n"].sum()


def test_the_intervention_lowers_its_group_by_as_much_as_it_was_made(every: store.Scope, planted: dict) -> None:
    (one,) = planted["intervention"]
    before = in_neighbourhoods(months(every, "2019-01-01", "2023-03-01"), one)
    after = in_neighbourhoods(months(every, "2023-04-01", "2025-12-01"), one)
    found = rates.ratio_of(after[0], after[1], before[0], before[1]).iloc[0]
    assert found["lower"] < one.effect < found["upper"]
    assert found["upper"] < 1


# ------------------------------------------------------------------------------------------- nothing there


@pytest.mark.parametrize(("area", "size_m"), [(store.ALL, 1000), ("E06000044", 500)])
def test_shuffled_counts_have_no_hotspots_beyond_the_error_rate(area: str, size_m: int, every: store.Scope) -> None:
    """With the counts dealt out at random every hotspot is false: at 5%, one map in twenty may show any."""
    cells = store.cell_counts(every.but(area=area), size_m=size_m)
    assert hot_cells(cells, permutations=9_999)["hot"].sum() >= 10  # as they are, there are hotspots to be found
    maps = []
    for seed in range(60):
        dealt = np.random.default_rng(seed).permutation(cells["n"].to_numpy())
        maps.append(hot_cells(cells.assign(n=dealt), permutations=9_999, seed=seed))
    assert sum(found["hot"].any() for found in maps) <= 8  # of 60 with chance 1/20: more than 8 in 0.4% of all tries
    without_allowance = np.mean([(found["p_value"] < 0.05).mean() for found in maps])
    assert 0.02 < without_allowance < 0.06
