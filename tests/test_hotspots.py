"""Gi*, Gi, Moran and ranks against published values, sums by hand, enumeration and other libraries."""

from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from analytics import grids, hotspots, neighbours, significance
from analytics.errors import NotEnoughData

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"
needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="../shared is not here")


def six_points():
    """The example in the documentation of esda.getisord.G_Local (PySAL): six points, a band of 15, binary weights."""
    points = pd.DataFrame({"x": [10, 20, 40, 15, 30, 30], "y": [10, 10, 10, 20, 20, 30]})
    return points.assign(n=[2, 3, 3.2, 5, 8, 7]), neighbours.within(points, 15)


def guerry():
    """Moral statistics of France: 85 departments and their queen neighbours."""
    cells = pd.read_csv(REFERENCE / "guerry.csv")
    edges = pd.read_csv(REFERENCE / "guerry_queen_edges.csv") - 1
    return cells, neighbours.from_edges(edges, len(cells))


def sparse_counts(seed, side=10):
    """A grid of hexagons with counts as violence has them: mostly nought, a few many."""
    q, r = (a.ravel() for a in np.meshgrid(np.arange(side), np.arange(side)))
    n = np.random.default_rng(seed).negative_binomial(0.4, 0.15, side * side)
    cells = pd.DataFrame({"q": q, "r": r, "n": n})
    return cells, grids.ring(cells)


# --- Gi* and Gi ---


def test_gi_star_and_gi_give_the_values_of_the_pysal_documentation():
    cells, near = six_points()
    star = [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331]
    without = [-1.0136729, -0.04361589, 1.31558703, -0.31412676, 1.15373986, 1.77833941]
    np.testing.assert_allclose(hotspots.gi_star(cells, near)["z"], star, atol=5e-9)
    np.testing.assert_allclose(hotspots.gi(cells, near)["z"], without, atol=5e-8)


def test_gi_star_of_a_lone_peak_is_that_worked_by_hand():
    # 3 x 3 squares, 9 events in the middle one. Mean 1; mean square 81/9 = 9, variance 9 - 1 = 8.
    # Corner: 4 squares with itself, sum 9: (9 - 4) / sqrt(8 * (9*4 - 16) / 8) = 5 / sqrt(20) = 1.118034
    # Side: 6 squares, sum 9: (9 - 6) / sqrt(8 * (9*6 - 36) / 8) = 3 / sqrt(18) = 0.707107
    # Middle: its neighbourhood is the whole area, so nothing could have been otherwise: no value.
    x, y = (a.ravel() for a in np.meshgrid(np.arange(3.0), np.arange(3.0)))
    cells = pd.DataFrame({"x": x, "y": y, "n": [0, 0, 0, 0, 9, 0, 0, 0, 0]})
    found = hotspots.gi_star(cells, neighbours.within(cells, 1.5))
    corner, side = 1.1180340, 0.7071068
    expected = [corner, side, corner, side, np.nan, side, corner, side, corner]
    np.testing.assert_allclose(found["z"], expected, atol=1e-7)
    # two-sided normal: 2 * (1 - Phi(1.118034)) = 0.26355, 2 * (1 - Phi(0.707107)) = 0.47950 (tables)
    np.testing.assert_allclose(found["p_value"][[0, 1]], [0.26355, 0.47950], atol=1e-5)
    # Gi of a corner: the 8 others have mean 9/8 and variance 81/8 - 81/64 = 567/64; three neighbours, sum 9:
    # (9 - 27/8) / sqrt(567/64 * (8*3 - 9) / 7) = 5.625 / sqrt(18.984375) = 1.290994
    assert hotspots.gi(cells, neighbours.within(cells, 1.5))["z"][0] == pytest.approx(1.290994, abs=1e-6)


@needs_reference
def test_gi_star_and_gi_of_crime_in_france_are_those_of_spdep():
    # sfdep documentation, local_gstar and local_g_perm, first six departments (spdep::localG, queen neighbours)
    cells, near = guerry()
    star = [1.342359, 2.595578, 2.388872, -1.848187, -1.209736, -2.034142]
    without = [0.8991367, 2.4455980, 2.1976551, -1.5838690, -1.1902425, -1.6527255]
    np.testing.assert_allclose(hotspots.gi_star(cells, near, value="Crm_prs")["z"][:6], star, atol=5e-7)
    np.testing.assert_allclose(hotspots.gi(cells, near, value="Crm_prs")["z"][:6], without, atol=5e-8)


def test_weights_other_than_nought_and_one_are_used_as_given():
    # the formula of Ord and Getis (1995), equation 14, term by term
    rng = np.random.default_rng(8)
    x, w = rng.gamma(2, size=7), rng.random((7, 7)) * (rng.random((7, 7)) < 0.6)
    np.fill_diagonal(w, [0.3, 0, 0.7, 2, 0, 1, 0.1])
    expected = []
    for i in range(7):
        row = w[i].copy()
        row[i] = row[i] or 1.0
        s = np.sqrt((x**2).mean() - x.mean() ** 2)
        below = s * np.sqrt((7 * (row**2).sum() - row.sum() ** 2) / 6)
        expected.append((row @ x - x.mean() * row.sum()) / below)
    found = hotspots.gi_star(pd.DataFrame({"n": x}), sparse.csr_array(w))
    np.testing.assert_allclose(found["z"], expected)


def test_a_filled_diagonal_is_kept_by_gi_star_and_left_out_by_gi():
    cells, near = six_points()
    full = neighbours.with_self(near)
    pd.testing.assert_frame_equal(hotspots.gi_star(cells, full), hotspots.gi_star(cells, near))
    pd.testing.assert_frame_equal(hotspots.gi(cells, full), hotspots.gi(cells, near))
    standard = hotspots.gi_star(cells, neighbours.row_standardised(full))  # a factor per row drops out of z
    np.testing.assert_allclose(standard["z"], hotspots.gi_star(cells, near)["z"])


@pytest.mark.parametrize("function", [hotspots.gi_star, hotspots.gi])
def test_permutation_p_values_are_those_of_every_possible_draw(function):
    # nine cells with tied counts; every set of as many others as a cell has neighbours (at most 70 sets)
    x = np.array([0, 0, 0, 0, 1, 1, 2, 4, 9])
    places = pd.DataFrame({"x": [0, 1, 2, 0, 1, 2, 0, 1, 2], "y": [0, 0, 0, 1, 1, 1, 2, 2, 2.0]})
    cells = places.assign(n=[4, 9, 0, 2, 0, 1, 0, 0, 1])
    near = neighbours.from_edges(
        pd.DataFrame(
            [(i, j) for i in range(9) for j in range(9) if abs(i - j) <= 1 + i % 3], columns=["focal", "neighbour"]
        ),
        9,
    )
    assert sorted(cells["n"]) == sorted(x)
    expected = []
    for i, row in enumerate(near.toarray()):
        sums = [sum(chosen) for chosen in combinations(np.delete(cells["n"].to_numpy(), i), int(row.sum()))]
        observed = row @ cells["n"]
        expected.append(min(1, 2 * min(np.mean(sums >= observed), np.mean(sums <= observed))))
    m = 99_999
    found = function(cells, near, permutations=m, seed=4)["p_value"]
    error = 2 * np.sqrt(np.array(expected) / 2 * (1 - np.array(expected) / 2) / m)
    assert (np.abs(found - expected) <= 5 * error + 2 / (m + 1)).all()
    assert len(set(np.round(expected, 3))) > 5


@pytest.mark.filterwarnings("ignore")  # of esda and libpysal, about their own future
@pytest.mark.slow  # esda compiles itself on its first call
@pytest.mark.parametrize("star", [True, False])
def test_permutation_p_values_are_those_of_esda_on_data_of_real_size(star):
    esda = pytest.importorskip("esda")
    libpysal = pytest.importorskip("libpysal")
    rng, n, m = np.random.default_rng(5), 1_231, 999
    cells = pd.DataFrame({"x": rng.random(n), "y": rng.random(n), "n": rng.gamma(0.5, size=n)})
    near = neighbours.within(cells, 0.045)  # from 0 to about 20 neighbours
    near = near + near.T
    near.data[:] = 1
    rows = {i: near.indices[near.indptr[i] : near.indptr[i + 1]].tolist() for i in range(n)}
    theirs = esda.G_Local(
        cells["n"].to_numpy(),
        libpysal.weights.W(rows, silence_warnings=True),
        transform="B",
        star=star,
        permutations=m,
        n_jobs=1,
        keep_simulations=False,
        seed=1,
    )
    ours = (hotspots.gi_star if star else hotspots.gi)(cells, near, permutations=9_999)
    some = ours["z"].notna().to_numpy()
    assert 0 < (~some).sum() < 30  # islands: esda gives them a z of their own value, we do not
    np.testing.assert_allclose(ours["z"][some], theirs.Zs[some], atol=1e-9)
    p, q = ours["p_value"][some], np.minimum(1, 2 * theirs.p_sim[some])  # theirs is one-sided
    error = 2 * np.sqrt(np.maximum(p / 2 * (1 - p / 2), 1 / m) * (1 / m + 1 / 9_999))
    assert (np.abs(p - q) < 5.5 * error).all()
    assert np.corrcoef(p, q)[0, 1] > 0.995


def test_gi_star_and_gi_have_one_permutation_p_value_as_the_cell_itself_stays():
    cells, near = sparse_counts(1)
    star, without = (f(cells, near, permutations=999, seed=2) for f in (hotspots.gi_star, hotspots.gi))
    pd.testing.assert_series_equal(star["p_value"], without["p_value"])
    assert not np.allclose(star["z"], without["z"])


def test_p_values_of_many_permutations_come_near_the_normal_ones_on_even_data():
    cells, near = sparse_counts(2, side=30)
    cells["n"] = np.random.default_rng(3).normal(100, 10, len(cells))
    near = neighbours.nearest(cells.rename(columns={"q": "x", "r": "y"}), 60)
    normal = hotspots.gi(cells, near)["p_value"]
    assert np.abs(hotspots.gi(cells, near, permutations=20_000)["p_value"] - normal).max() < 0.03


def test_shuffled_data_report_hotspots_no_more_often_than_the_error_rate():
    # Over 200 shuffles, false-discovery control at 5% lets at most about 5% of maps show any hotspot at all. The
    # normal approximation does not hold this on sparse counts (which also shows that this test can fail).
    cells, near = sparse_counts(11)
    rng, maps_with_hotspots, by_the_normal, raw = np.random.default_rng(0), 0, 0, []
    for seed in range(200):
        shuffled = cells.assign(n=rng.permutation(cells["n"]))
        p = hotspots.gi_star(shuffled, near, permutations=9_999, seed=seed)["p_value"]
        maps_with_hotspots += (significance.benjamini_hochberg(p) < 0.05).any()
        raw.append((p < 0.05).mean())
        normal = hotspots.gi_star(shuffled, near)["p_value"]
        by_the_normal += (significance.benjamini_hochberg(normal) < 0.05).any()
    assert by_the_normal > 30
    assert maps_with_hotspots <= stats.binom.ppf(0.999, 200, 0.05)  # 20
    assert 0.02 < np.mean(raw) < 0.055  # uncorrected: about one cell in twenty, a little fewer because counts tie


def test_a_planted_cluster_is_found_and_nothing_far_from_it():
    cells, near = sparse_counts(11, side=20)
    cells["n"] = np.random.default_rng(1).poisson(2, len(cells))
    middle = near[[210]].toarray()[0] > 0  # the six cells around cell 210, and itself
    middle[210] = True
    cells.loc[middle, "n"] += 12
    found = hotspots.gi_star(cells, near, permutations=9_999)
    hot = (significance.benjamini_hochberg(found["p_value"]) < 0.05) & (found["z"] > 0)
    far = (np.abs(cells["q"] - 10) > 4) | (np.abs(cells["r"] - 10) > 4)
    assert hot[middle].all()
    assert hot[far].sum() == 0


def test_a_cell_without_neighbours_has_neither_z_nor_p_value_but_counts_in_the_mean():
    cells, near = six_points()
    cells = pd.concat([cells, pd.DataFrame({"x": [500], "y": [500], "n": [40.0]})], ignore_index=True)
    near = neighbours.within(cells, 15)
    for permutations_asked in (0, 99):
        for function in (hotspots.gi_star, hotspots.gi, hotspots.local_moran):
            found = function(cells, near, permutations=permutations_asked)
            assert found.iloc[6][found.columns.difference(cells.columns)].isna().all()
    alone = hotspots.gi_star(cells.iloc[:6], neighbours.within(cells.iloc[:6], 15))
    assert not np.allclose(hotspots.gi_star(cells, near)["z"][:6], alone["z"])


def test_all_values_equal_have_no_z():
    _, near = six_points()
    for function in (hotspots.gi_star, hotspots.gi):
        for same in (0, 0.1, 7):
            cells = pd.DataFrame({"n": [same] * 6})
            assert function(cells, near)[["z", "p_value"]].isna().all(axis=None)
            found = function(cells, near, permutations=99)
            assert found["z"].isna().all()
            assert (found["p_value"] == 1).all()  # every shuffle is as extreme


def test_gi_has_no_z_where_only_the_cell_itself_differs():
    _, near = six_points()
    found = hotspots.gi(pd.DataFrame({"n": [0.1, 0.1, 0.1, 9.0, 0.1, 0.1]}), near)["z"]
    assert found.isna().tolist() == [False, False, False, True, False, False]


def test_a_missing_value_gives_a_missing_result_and_counts_nowhere():
    cells, near = six_points()
    kept = [0, 1, 3, 4, 5]
    whole = cells.astype({"n": "Float64"})
    whole.loc[2, "n"] = pd.NA
    part, part_near = cells.iloc[kept], near[kept][:, kept]
    for permutations_asked in (0, 199):
        for function in (hotspots.gi_star, hotspots.gi):
            found = function(whole, near, permutations=permutations_asked)
            expected = function(part, part_near, permutations=permutations_asked)
            assert found.loc[2, ["z", "p_value"]].isna().all()
            np.testing.assert_allclose(found.loc[kept, ["z", "p_value"]], expected[["z", "p_value"]])


def test_inputs_stay_as_they_were_and_the_index_and_order_are_kept():
    cells, near = six_points()
    cells.index = [30, 20, 10, 5, 99, 1]
    table, matrix = cells.copy(), near.copy()
    for function in (hotspots.gi_star, hotspots.gi, hotspots.local_moran):
        found = function(cells, near, permutations=99)
        assert found.index.tolist() == cells.index.tolist()
        pd.testing.assert_frame_equal(found[table.columns], table)
    hotspots.moran(cells["n"], near, permutations=99)
    hotspots.rank(cells.assign(n=[1, 2, 3, 4, 5, 6]), draws=10)
    pd.testing.assert_frame_equal(cells, table)
    assert (near != matrix).nnz == 0


def test_a_stored_nought_is_no_neighbour():
    cells, near = six_points()
    padded = near.copy().tolil()
    padded[0, 5] = 1
    padded = padded.tocsr()
    padded[0, 5] = 0  # stays stored
    assert padded.nnz == near.nnz + 1
    for permutations_asked in (0, 99):
        found = hotspots.gi_star(cells, padded, permutations=permutations_asked)
        pd.testing.assert_frame_equal(found, hotspots.gi_star(cells, near, permutations=permutations_asked))


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_fewer_than_three_cells_are_refused_in_words_for_people(rows):
    cells = pd.DataFrame({"n": [3.0] * rows})
    with pytest.raises(NotEnoughData, match=f"Gi\\* needs at least 3 cells with a value; this area has {rows}"):
        hotspots.gi_star(cells, sparse.csr_array((rows, rows)))


def test_permutations_of_weighted_neighbours_are_refused():
    cells, near = six_points()
    with pytest.raises(ValueError, match="0/1 neighbours"):
        hotspots.gi_star(cells, near * 0.5, permutations=99)


def test_a_matrix_for_other_cells_is_refused():
    cells, near = six_points()
    with pytest.raises(ValueError, match="one row and one column per cell"):
        hotspots.gi_star(cells.iloc[:5], near)


# --- Moran's I ---


@needs_reference
def test_moran_of_crime_in_france_is_that_of_spdep():
    # sfdep documentation, global_moran_test (spdep::moran.test, randomisation), Guerry's crimes against persons
    cells, near = guerry()
    found = hotspots.moran(cells["Crm_prs"], near).iloc[0]
    assert found["i"] == pytest.approx(0.411459718, abs=5e-10)
    assert found["expected"] == pytest.approx(-0.011904762, abs=5e-10)
    assert found["variance"] == pytest.approx(0.004899501, abs=5e-10)
    assert found["z"] == pytest.approx(6.0484, abs=5e-5)
    assert found["p_value"] == pytest.approx(2 * 7.316e-10, rel=1e-3)  # theirs is one-sided
    assert len(hotspots.moran(cells["Crm_prs"], near)) == 1


def test_moran_of_a_row_of_four_is_that_worked_by_hand():
    # 1 2 3 4 in a row, mean 2.5, away -1.5 -.5 .5 1.5, squares 5; means of neighbours' away: -.5 -.5 .5 .5
    # I = 4/4 * (.75 + .25 + .25 + .75) / 5 = 0.4; expected -1/3
    near = neighbours.within(pd.DataFrame({"x": [1, 2, 3, 4], "y": [0, 0, 0, 0]}), 1)
    found = hotspots.moran([1, 2, 3, 4], near).iloc[0]
    assert found["i"] == pytest.approx(0.4)
    assert found["expected"] == pytest.approx(-1 / 3)


def test_moran_and_its_moments_are_those_of_esda_with_islands_too():
    esda = pytest.importorskip("esda")
    libpysal = pytest.importorskip("libpysal")
    cells, near = sparse_counts(4)
    near = near.tolil()
    near[7] = 0
    near[:, 7] = 0
    near = near.tocsr()
    near.eliminate_zeros()
    rows = {i: near.indices[near.indptr[i] : near.indptr[i + 1]].tolist() for i in range(100)}
    w = libpysal.weights.W(rows, silence_warnings=True)
    theirs = esda.Moran(cells["n"].to_numpy(), w, transformation="r", permutations=0)
    ours = hotspots.moran(cells["n"], near).iloc[0]
    pairs = {"i": theirs.I, "expected": theirs.EI, "variance": theirs.VI_rand, "z": theirs.z_rand}
    pairs |= {"variance_normal": theirs.VI_norm, "z_normal": theirs.z_norm, "p_value": theirs.p_rand}
    for column, value in pairs.items():
        assert ours[column] == pytest.approx(value, rel=1e-9), column


def test_permutation_p_value_of_moran_is_that_of_all_orders():
    # 7 places in a row with ties: all 5,040 orders
    near = neighbours.within(pd.DataFrame({"x": np.arange(7), "y": 0}), 1)
    x = np.array([0, 0, 1, 3, 3, 2, 9.0])
    weights, away = neighbours.row_standardised(near).toarray(), x - x.mean()
    every = np.array(list(permutations(away)))
    simulated = (every * (every @ weights.T)).sum(axis=1)
    observed = away @ weights @ away
    exact = 2 * min((simulated >= observed - 1e-9).mean(), (simulated <= observed + 1e-9).mean())
    found = hotspots.moran(x, near, permutations=40_000, seed=1).iloc[0]
    assert found["p_value"] == pytest.approx(exact, abs=5 * 2 * np.sqrt(exact / 2 / 40_000))
    assert 0.01 < exact < 0.9
    assert found["z"] == hotspots.moran(x, near).iloc[0]["z"]  # stays the formula's


def test_moran_of_equal_values_or_of_hermits_is_missing():
    _, near = six_points()
    for values, links in (([0.1] * 6, near), ([1, 2, 3, 4, 5, 6], sparse.csr_array((6, 6)))):
        for permutations_asked in (0, 9):
            found = hotspots.moran(values, links, permutations=permutations_asked).iloc[0]
            assert found[["i", "z", "p_value"]].isna().all()


def test_moran_leaves_missing_values_out_and_refuses_a_single_place():
    cells, near = six_points()
    kept = [0, 1, 3, 4, 5]
    found = hotspots.moran(cells["n"].mask(cells.index == 2), near)
    pd.testing.assert_frame_equal(found, hotspots.moran(cells["n"][kept], near[kept][:, kept]))
    with pytest.raises(NotEnoughData, match="Moran's I needs at least 2"):
        hotspots.moran([1.0, np.nan], sparse.csr_array((2, 2)))


def test_bivariate_moran_and_lee_are_those_of_esda():
    esda = pytest.importorskip("esda")
    libpysal = pytest.importorskip("libpysal")
    cells, near = sparse_counts(4)
    x, y = cells["n"].to_numpy(float), np.random.default_rng(3).normal(size=100) + cells["q"].to_numpy()
    rows = {i: near.indices[near.indptr[i] : near.indptr[i + 1]].tolist() for i in range(100)}
    w = libpysal.weights.W(rows, silence_warnings=True)
    theirs = esda.Moran_BV(x, y, w, transformation="r", permutations=0)
    assert hotspots.bivariate_moran(x, y, near).iloc[0]["i"] == pytest.approx(theirs.I)
    pearson = esda.Spatial_Pearson(connectivity=w.sparse, permutations=0).fit(x[:, None], y[:, None])
    assert hotspots.lee(x, y, near).iloc[0]["l"] == pytest.approx(pearson.association_[0, 1])


def test_bivariate_moran_of_a_variable_with_itself_is_moran():
    cells, near = six_points()
    alone = hotspots.moran(cells["n"], near).iloc[0]["i"]
    assert hotspots.bivariate_moran(cells["n"], cells["n"], near).iloc[0]["i"] == pytest.approx(alone)


def test_permutation_p_value_of_bivariate_moran_is_that_of_all_orders():
    near = neighbours.within(pd.DataFrame({"x": np.arange(7), "y": 0}), 1)
    x, y = np.array([1, 0, 2, 5, 3, 8, 9.0]), np.array([0, 0, 1, 3, 3, 2, 9.0])
    pull = neighbours.row_standardised(near).toarray().T @ (x - x.mean())
    simulated = np.array(list(permutations(y - y.mean()))) @ pull
    observed = pull @ (y - y.mean())
    exact = 2 * min((simulated >= observed - 1e-9).mean(), (simulated <= observed + 1e-9).mean())
    found = hotspots.bivariate_moran(x, y, near, permutations=40_000).iloc[0]["p_value"]
    assert found == pytest.approx(exact, abs=5 * 2 * np.sqrt(exact / 2 / 40_000))
    assert np.isnan(hotspots.bivariate_moran(x, y, near).iloc[0]["p_value"])


def test_pairs_with_a_missing_half_or_without_variance_are_left_out_or_missing():
    cells, near = six_points()
    x, y = cells["n"], cells["n"].to_numpy()[::-1].copy()
    y[2] = np.nan
    kept = [0, 1, 3, 4, 5]
    found, expected = hotspots.lee(x, y, near), hotspots.lee(x[kept], y[kept], near[kept][:, kept])
    pd.testing.assert_frame_equal(found, expected)
    assert np.isnan(hotspots.lee(x, [1.0] * 6, near).iloc[0]["l"])
    assert np.isnan(hotspots.bivariate_moran(x, [1.0] * 6, near, permutations=9).iloc[0]["i"])


# --- local Moran ---


@needs_reference
def test_local_moran_of_crime_in_france_is_that_of_spdep():
    # sfdep documentation, local_moran (spdep::localmoran_perm, mean square with n), departments 1-6, 9, 13, 15, 40
    cells, near = guerry()
    found = hotspots.local_moran(cells, near, value="Crm_prs")
    rows = [0, 1, 2, 3, 4, 5, 8, 12, 14, 39]
    published = [0.522264520, 0.828016509, 0.803539971, 0.741889657, 0.231187184, 0.838909799, -0.019758073]
    published += [-0.216110795, -0.187033812, -0.083982431]
    np.testing.assert_allclose(found["i"][rows], published, atol=5e-10)
    assert found["quadrant"][rows].tolist() == ["HH", "HH", "HH", "LL", "LL", "LL", "LH", "LH", "HL", "HL"]
    assert found["p_value"].isna().all()


@needs_reference
def test_pseudo_p_values_of_local_moran_are_those_of_geoda():
    # rgeoda tutorial, local_moran(queen_w, Crm_prp, permutations = 9999), the first 20 of 85
    published = [0.4187, 0.1265, 0.0004, 0.4679, 0.4545, 0.0728, 0.2312, 0.3071, 0.3115, 0.3088]
    published += [0.2187, 0.4834, 0.2686, 0.0102, 0.2024, 0.1789, 0.1320, 0.0020, 0.4558, 0.3519]
    cells, near = guerry()
    found = hotspots.local_moran(cells, near, value="Crm_prp", permutations=99_999)["p_value"][:20]
    error = np.sqrt(found * (1 - found) * (1 / 9_999 + 1 / 99_999))
    assert (np.abs(found - published) < 4 * error + 2e-4).all()


def test_local_moran_worked_by_hand_and_a_nought_that_no_shuffle_can_change():
    # 0 2 4 2 in a row: mean 2, away -2 0 2 0, mean square 2; means of neighbours' away: 0, 0, 0, 2
    near = neighbours.within(pd.DataFrame({"x": [1, 2, 3, 4], "y": [0, 0, 0, 0]}), 1)
    found = hotspots.local_moran(pd.DataFrame({"n": [0, 2, 4, 2]}), near, permutations=99)
    assert found["i"].tolist() == [0, 0, 0, 0]
    assert found["quadrant"].tolist() == ["LL", "LL", "HL", "LH"]
    assert found["p_value"][1] == found["p_value"][3] == 1
    found = hotspots.local_moran(pd.DataFrame({"n": [0, 0, 4, 4]}), near)  # away -2 -2 2 2: -2*-2/4, -2*0, 2*0, 2*2/4
    assert found["i"].tolist() == [1, 0, 0, 1]


def test_local_moran_takes_weights_equal_within_a_row_and_refuses_to_shuffle_others():
    cells, near = six_points()
    standard = hotspots.local_moran(cells, neighbours.row_standardised(near), permutations=99)
    pd.testing.assert_frame_equal(standard, hotspots.local_moran(cells, near, permutations=99))
    uneven = near.copy()
    uneven.data[0] = 3
    assert hotspots.local_moran(cells, uneven)["i"].notna().all()
    with pytest.raises(ValueError, match="equal within each row"):
        hotspots.local_moran(cells, uneven, permutations=99)


def test_local_moran_of_equal_values_is_missing():
    _, near = six_points()
    found = hotspots.local_moran(pd.DataFrame({"n": [0.1] * 6}), near, permutations=9)
    assert found[["i", "quadrant", "p_value"]].isna().all(axis=None)


# --- ranks ---


def test_ranks_put_most_events_first_and_share_the_best_among_equals():
    found = hotspots.rank(pd.DataFrame({"n": [5, 40, 5, 0, 12]}, index=list("abcde")))
    assert found["rank"].tolist() == [3, 1, 3, 5, 2]
    assert found.index.tolist() == list("abcde")
    assert (found["rank_lower"] <= found["rank"]).all()
    assert (found["rank"] <= found["rank_upper"]).all()


def test_far_apart_counts_keep_their_rank_and_close_ones_do_not():
    found = hotspots.rank(pd.DataFrame({"n": [10_000, 1_000, 31, 30, 29, 0]}))
    assert found["rank_lower"].tolist() == [1, 2, 3, 3, 3, 6]
    assert found["rank_upper"].tolist() == [1, 2, 5, 5, 5, 6]


def test_two_cells_swap_as_often_as_two_poisson_counts_do():
    # P(Poisson(4) > Poisson(12)) + half the ties is about 0.02 (Skellam), below the 2.5% cut; of 6 and 12, 0.08
    for low, chance in ((4, 0.0195), (6, 0.0804)):
        swap = stats.skellam.sf(0, low, 12) + stats.skellam.pmf(0, low, 12) / 2
        assert swap == pytest.approx(chance, abs=0.004)
        found = hotspots.rank(pd.DataFrame({"n": [12, low]}), draws=20_000)
        assert found["rank_upper"].tolist() == ([1, 2] if swap < 0.025 else [2, 2])


def test_equal_counts_may_each_come_anywhere_among_themselves():
    found = hotspots.rank(pd.DataFrame({"n": [0] * 5}))
    assert (found[["rank", "rank_lower"]] == 1).all(axis=None)
    assert (found["rank_upper"] == 5).all()


def test_ranks_of_no_cells_one_cell_and_missing_counts():
    assert hotspots.rank(pd.DataFrame({"n": []})).columns.tolist() == ["n", "rank", "rank_lower", "rank_upper"]
    assert hotspots.rank(pd.DataFrame({"n": [7]}))[["rank", "rank_lower", "rank_upper"]].iloc[0].tolist() == [1, 1, 1]
    found = hotspots.rank(pd.DataFrame({"n": [np.nan, 7, 900]}))
    assert found["rank"].isna().tolist() == [True, False, False]
    assert found["rank"].tolist()[1:] == [2, 1]


def test_ranks_of_negative_values_are_refused():
    with pytest.raises(ValueError, match="below 0"):
        hotspots.rank(pd.DataFrame({"n": [1, -1]}))


def test_ranks_are_the_same_whether_large_counts_are_sorted_or_small_ones_counted(monkeypatch):
    rng = np.random.default_rng(1)
    cells = pd.DataFrame({"n": np.r_[rng.poisson(3, 300), rng.poisson(40, 30), 5_000]})
    counted = hotspots.rank(cells, draws=200)
    monkeypatch.setattr(hotspots, "_COUNTED_TO", 0)
    pd.testing.assert_frame_equal(hotspots.rank(cells, draws=200), counted)


def test_rank_limits_of_many_equal_counts_are_those_of_plain_resampling():
    """Oracle: every cell drawn by numpy's own Poisson generator and sorted, 4,000 times."""
    counts = np.repeat([1, 2, 3, 8, 30], [60, 40, 30, 5, 1])
    rng = np.random.default_rng(2)
    drawn = rng.poisson(counts, (4_000, len(counts))) + rng.random((4_000, len(counts)))
    ranks = len(counts) - drawn.argsort(axis=1).argsort(axis=1)
    found = hotspots.rank(pd.DataFrame({"n": counts}), draws=4_000)
    for value in np.unique(counts):
        lower, upper = np.quantile(ranks[:, counts == value], [0.025, 0.975])
        row = found[found["n"] == value].iloc[0]
        assert row["rank_lower"] == pytest.approx(lower, abs=4)
        assert row["rank_upper"] == pytest.approx(upper, abs=4)
    assert found.groupby("n")[["rank_lower", "rank_upper"]].nunique().eq(1).all(axis=None)  # equals are alike
