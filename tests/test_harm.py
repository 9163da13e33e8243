"""Harm totals against sums done by hand with published weights; places without one record against a second map."""

import functools

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from analytics import harm, harm_places, hotspots, neighbours, significance
from analytics.errors import NotEnoughData

# ONS Crime Severity Score weights of 2016, as published then
WEIGHTS = pd.DataFrame(
    {"offence": ["homicide", "attempted murder", "assault with injury"], "weight": [7979, 4663, 184]}
)


def counts(**n: float | None) -> pd.DataFrame:
    return pd.DataFrame({"offence": [name.replace("_", " ") for name in n], "n": list(n.values())})


def test_one_homicide_against_forty_assaults():
    # 7,979 + 40 x 184 = 15,339; the homicide is 52.0% of it; without it 7,360 remain; over 100,000 people 0.15339
    row = harm.weighted(counts(homicide=1, assault_with_injury=40), WEIGHTS, population=100_000).iloc[0]
    assert row["harm"] == 15_339
    assert row["top_offence"] == "homicide"
    assert row["top_share"] == pytest.approx(7_979 / 15_339)
    assert row["harm_without_top"] == 7_360
    assert row["rate"] == pytest.approx(0.15339)


def test_the_top_offence_is_the_one_with_most_harm_not_the_heaviest():
    row = harm.weighted(counts(homicide=1, assault_with_injury=100), WEIGHTS).iloc[0]  # 7,979 against 18,400
    assert (row["top_offence"], row["harm_without_top"]) == ("assault with injury", 7_979)
    assert pd.isna(row["rate"])


def test_months_of_one_offence_are_added_up():
    months = pd.concat([counts(homicide=1, assault_with_injury=30), counts(assault_with_injury=10)])
    both = harm.weighted(months, WEIGHTS)
    pd.testing.assert_frame_equal(both, harm.weighted(counts(homicide=1, assault_with_injury=40), WEIGHTS))


def test_what_has_no_weight_or_no_count_is_left_out_and_told():
    row = harm.weighted(counts(homicide=1, shoplifting=70, attempted_murder=None), WEIGHTS).iloc[0]
    assert (row["harm"], row["n"], row["without_weight"], row["without_count"]) == (7_979, 1, 70, 1)


def test_no_events_are_no_harm_and_no_top_offence():
    row = harm.weighted(counts(homicide=0, assault_with_injury=0), WEIGHTS, population=10).iloc[0]
    assert (row["harm"], row["rate"], row["harm_without_top"]) == (0, 0, 0)
    assert pd.isna(row["top_offence"]) and pd.isna(row["top_share"])


def test_nothing_known_is_not_nothing():
    for table in (counts(homicide=None), counts(shoplifting=3), counts(homicide=1)[:0]):
        row = harm.weighted(table, WEIGHTS).iloc[0]
        assert pd.isna(row["harm"]) and pd.isna(row["harm_without_top"])


def test_two_weights_for_one_offence_are_refused_and_inputs_left_alone():
    with pytest.raises(ValueError, match="more than one weight"):
        harm.weighted(counts(homicide=1), pd.concat([WEIGHTS, WEIGHTS]))
    with pytest.raises(ValueError, match="not below 0"):
        harm.weighted(counts(homicide=-1), WEIGHTS)
    given = counts(homicide=1)
    before = given.copy()
    harm.weighted(given, WEIGHTS)
    pd.testing.assert_frame_equal(given, before)


# --- places that rest on one record ---

HOMICIDE, WOUNDING, ASSAULT = 7_979.0, 1_000.0, 184.0
VERDICT = ["hot", "hot_without", "rests_on_one"]


def grid(side):
    x, y = (a.ravel() for a in np.meshgrid(np.arange(float(side)), np.arange(float(side))))
    cells = pd.DataFrame({"x": x, "y": y})
    return cells, neighbours.within(cells, 1.5)  # eight neighbours, fewer at the edge


def assaults(side=15, seed=1):
    """One to three assaults in every cell."""
    cells, near = grid(side)
    n = np.random.default_rng(seed).integers(1, 4, len(cells))
    return cells.assign(harm=n * ASSAULT, largest=ASSAULT), near


def rough_places(seed, side=20):
    """Some neighbourhoods with many offences, now and then a homicide, most cells with little or none."""
    rng = np.random.default_rng(seed)
    cells, near = grid(side)
    rate = rng.gamma(0.5, 2, len(cells))
    rate[rng.integers(len(cells), size=8)] += 120
    n = rng.poisson((near @ rate + rate) / 9)
    records = [rng.choice([10, ASSAULT, WOUNDING, HOMICIDE], p=[0.6, 0.382, 0.015, 0.003], size=size) for size in n]
    harms = {"harm": [w.sum() for w in records], "largest": [w.max(initial=0) for w in records]}
    return cells.assign(**harms), near


def heaviest_nearby(cells, near, row):
    around = [*np.sort(near[[row]].indices), row]
    return around[int(np.argmax(cells["largest"].to_numpy()[around]))]


def hot_by_formula(harms, near):
    """Gi* written out with a full matrix, and false discovery control by scipy."""
    weight = near.toarray() + np.eye(len(harms))
    degree, n = weight.sum(axis=1), len(harms)
    z = (weight @ harms - harms.mean() * degree) / (harms.std() * np.sqrt((n * degree - degree**2) / (n - 1)))
    return (z > 0) & (stats.false_discovery_control(2 * stats.norm.sf(np.abs(z))) < 0.05)


def hot_by_second_run(harms, near, permutations):
    found = hotspots.gi_star(pd.DataFrame({"n": harms}), near, permutations=permutations, seed=3)
    return ((found["z"] > 0) & (significance.benjamini_hochberg(found["p_value"]) < 0.05)).to_numpy()


def test_a_single_homicide_among_assaults_is_told_and_a_cluster_of_many_records_is_not():
    cells, near = assaults()
    homicide, brawls = 16, 208  # in opposite corners of a map of 15 by 15
    cells.loc[homicide, ["harm", "largest"]] += [HOMICIDE, HOMICIDE - ASSAULT]
    around = [brawls, *near[[brawls]].indices]
    cells.loc[around, "harm"] += 6 * ASSAULT
    found = harm_places.leave_one_out(cells, near)
    assert found.loc[homicide, VERDICT].tolist() == [True, False, True]
    assert found.loc[near[[homicide]].indices, "rests_on_one"].all()
    assert found.loc[homicide, "largest_share"] == HOMICIDE / cells.loc[homicide, "harm"] > 0.9
    assert found.loc[brawls, VERDICT].tolist() == [True, True, False] and not found.loc[around, "rests_on_one"].any()
    assert found.loc[brawls, "largest_share"] == pytest.approx(ASSAULT / cells.loc[brawls, "harm"])


def test_with_permutations_too_one_record_is_told_from_many():
    cells, near = assaults(side=35)
    homicide, brawls = 324, 1_117
    ring = near[[homicide]].indices
    cells.loc[np.unique(near[ring].indices), "harm"] = 3 * ASSAULT  # above the mean of two, and not rare
    cells.loc[homicide, ["harm", "largest"]] = ASSAULT + HOMICIDE, HOMICIDE
    around = [brawls, *near[[brawls]].indices]
    cells.loc[around, "harm"] = 20 * ASSAULT
    found = harm_places.leave_one_out(cells, near, permutations=99_999)
    assert found.loc[around, "hot_without"].all() and not found.loc[around, "rests_on_one"].any()
    assert found.loc[ring, "rests_on_one"].all() and not found.loc[ring, "hot_without"].any()
    assert not found.loc[homicide, "hot"]  # its own record is not in its p-value


@pytest.mark.parametrize("permutations", [0, 9_999])
def test_the_verdict_is_that_of_a_whole_second_map_for_every_hot_place(permutations):
    hot = stay = 0
    runs = {"permutations": permutations} if permutations else {}
    for seed in (1, 3, 4):
        cells, near = rough_places(seed)
        harms = cells["harm"].to_numpy()
        again = functools.partial(hot_by_second_run if permutations else hot_by_formula, near=near, **runs)
        found = harm_places.leave_one_out(cells, near, permutations=permutations, seed=3)
        assert found["hot"].tolist() == again(harms).tolist()
        for row in np.flatnonzero(found["hot"]):
            taken = heaviest_nearby(cells, near, row)
            lighter = harms.copy()
            lighter[taken] -= cells["largest"][taken]
            still = bool(again(lighter)[row])
            assert found.loc[row, VERDICT].tolist() == [True, still, not still]
            hot, stay = hot + 1, stay + still
    assert hot > stay > 0


def test_p_values_without_a_record_are_those_of_a_second_run_for_every_cell(monkeypatch):
    cells, near = rough_places(2, side=12)
    x = cells["harm"].to_numpy()
    for block in (significance.BLOCK, 2_000):  # all samples at once, and in many parts
        monkeypatch.setattr(significance, "BLOCK", block)
        shuffles = harm_places._Shuffles(x, near, 999, 5)
        for place in np.argsort(-cells["largest"])[:6]:
            lighter = x.copy()
            lighter[place] -= cells["largest"][place]
            again = hotspots.gi_star(pd.DataFrame({"n": lighter}), near, permutations=999, seed=5)["p_value"]
            np.testing.assert_array_equal(shuffles.p_without(place, cells["largest"][place]), again)


def test_z_p_and_q_are_those_of_gi_star_and_benjamini_hochberg():
    cells, near = rough_places(1)
    found = harm_places.leave_one_out(cells, near, permutations=99, seed=2)
    gi_star = hotspots.gi_star(cells, near, value="harm", permutations=99, seed=2)
    pd.testing.assert_frame_equal(found[["z", "p_value"]], gi_star[["z", "p_value"]])
    np.testing.assert_allclose(found["q_value"], stats.false_discovery_control(gi_star["p_value"]))


def test_of_equally_heavy_records_a_neighbours_goes_before_the_cells_own():
    cells, near = assaults(side=3)
    _, heaviest = cells["harm"], cells["largest"].to_numpy()
    assert harm_places._heaviest_at(4, heaviest, near) == 0  # the first neighbour of the middle cell
    assert harm_places._heaviest_at(4, np.where(np.arange(9) == 4, HOMICIDE, heaviest), near) == 4


def test_null_maps_seldom_have_a_hot_place():
    # heavy-tailed harm scattered at random: with corrected p-values at most 5 maps of 100 should show any hotspot
    cells, near = rough_places(4, side=10)
    rng, shown = np.random.default_rng(6), 0
    for seed in range(100):
        order = rng.permutation(len(cells))
        shuffled = cells.assign(harm=cells["harm"].to_numpy()[order], largest=cells["largest"].to_numpy()[order])
        found = harm_places.leave_one_out(shuffled, near, permutations=9_999, seed=seed)
        assert not found["rests_on_one"][~found["hot"]].any()
        shown += found["hot"].any()
    assert shown <= stats.binom.ppf(0.999, 100, 0.05)


def test_missing_harm_and_islands_have_no_verdict_and_an_unknown_record_leaves_it_open():
    cells, near = assaults()
    cells.loc[16, ["harm", "largest"]] += [HOMICIDE, HOMICIDE - ASSAULT]
    near = near.tolil()
    near[100, :], near[:, 100] = 0, 0  # an island
    near = sparse.csr_array(near)
    gaps = cells.assign(harm=cells["harm"].mask(cells.index == 120), largest=cells["largest"].mask(cells.index == 17))
    found = harm_places.leave_one_out(gaps, near)
    assert found.loc[[100, 120], VERDICT].isna().all(axis=None) and np.isnan(found.loc[120, "largest_share"])
    assert found.loc[100, "largest_share"] == ASSAULT / cells.loc[100, "harm"]
    assert found.loc[16, "hot"] and found.loc[[16], VERDICT[1:]].isna().all(axis=None)  # 17 is its neighbour
    assert np.isnan(found.loc[17, "largest_share"]) and not found.loc[224, "hot"]


def test_a_map_without_harm_or_all_alike_has_no_hot_place():
    cells, near = assaults(side=5)
    for level in (0.0, ASSAULT):
        for permutations in (0, 99):
            found = harm_places.leave_one_out(cells.assign(harm=level, largest=level), near, permutations=permutations)
            assert not found[VERDICT].fillna(False).any(axis=None)
            assert found["largest_share"].isna().all() if level == 0 else (found["largest_share"] == 1).all()


def test_records_heavier_than_their_cell_and_harm_below_nought_are_refused():
    cells, near = assaults(side=3)
    with pytest.raises(ValueError, match="more harm than its whole cell"):
        harm_places.leave_one_out(cells.assign(largest=HOMICIDE), near)
    with pytest.raises(ValueError, match="not below 0"):
        harm_places.leave_one_out(cells.assign(harm=-1.0), near)
    with pytest.raises(NotEnoughData, match="Gi\\* needs at least 3 cells"):
        harm_places.leave_one_out(cells.head(2), near[:2, :2])


def test_columns_may_have_other_names_rows_keep_their_order_and_inputs_stay():
    cells, near = rough_places(1)
    named = cells.rename(columns={"harm": "days", "largest": "most"}).set_index(cells.index[::-1] * 2)
    before, before_near = named.copy(), near.copy()
    found = harm_places.leave_one_out(named, near, harm="days", largest="most", permutations=99)
    assert list(found.index) == list(named.index)
    plain = harm_places.leave_one_out(cells, near, permutations=99)
    pd.testing.assert_frame_equal(found[VERDICT].reset_index(drop=True), plain[VERDICT])
    pd.testing.assert_frame_equal(named, before)
    assert (near != before_near).nnz == 0


def test_the_seed_decides():
    cells, near = rough_places(4)
    one, same, other = (harm_places.leave_one_out(cells, near, permutations=999, seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    assert (one["p_value"] != other["p_value"]).any()
