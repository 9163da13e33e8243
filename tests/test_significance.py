"""Chance: corrected p-values against published ones, shared samples against exact enumeration."""

from collections import Counter
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from analytics import significance

# Benjamini & Hochberg (1995), section 2.3: 15 comparisons of two treatments after a heart attack
PUBLISHED = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
PUBLISHED += [0.7590, 1.0000]


def test_benjamini_and_hochberg_reject_the_four_smallest_of_their_own_example_and_holm_three():
    assert (significance.benjamini_hochberg(np.array(PUBLISHED)) <= 0.05).sum() == 4
    assert (significance.holm(np.array(PUBLISHED)) <= 0.05).sum() == 3  # as Bonferroni does in the paper


def test_adjusted_p_values_are_those_worked_by_hand_in_the_order_given():
    p = pd.Series([0.01, 0.04, 0.03, 0.005], index=["b", "d", "c", "a"])
    # sorted .005 .01 .03 .04; times 4/1 4/2 4/3 4/4 = .02 .02 .04 .04, already rising
    expected = pd.Series([0.02, 0.04, 0.04, 0.02], index=p.index)
    pd.testing.assert_series_equal(significance.benjamini_hochberg(p), expected)
    # times 4 3 2 1 = .02 .03 .06 .04; the last may not fall below .06
    pd.testing.assert_series_equal(significance.holm(p), pd.Series([0.03, 0.06, 0.06, 0.02], index=p.index))


@pytest.mark.parametrize(("ours", "theirs"), [("benjamini_hochberg", "fdr_bh"), ("holm", "holm")])
def test_adjusted_p_values_are_those_of_statsmodels_with_ties_and_large_values(ours, theirs):
    from statsmodels.stats.multitest import multipletests

    p = np.round(np.random.default_rng(1).random(200) ** 2, 2)
    np.testing.assert_allclose(getattr(significance, ours)(p), multipletests(p, method=theirs)[1], atol=1e-12)


def test_a_missing_p_value_stays_missing_and_does_not_count():
    p = pd.Series([0.01, None, 0.04], dtype="Float64")
    # two tests: .01 * 2/1 = .02 and .04 * 2/2 = .04
    np.testing.assert_allclose(significance.benjamini_hochberg(p), [0.02, np.nan, 0.04])
    np.testing.assert_allclose(significance.holm(p), [0.02, np.nan, 0.04])
    assert p.isna().sum() == 1


def test_no_tests_give_no_adjusted_p_values():
    assert len(significance.benjamini_hochberg(np.array([]))) == 0
    assert len(significance.holm(pd.Series([], dtype=float))) == 0
    assert len(significance.confidence_bins(pd.Series([], dtype=float), pd.Series([], dtype=float))) == 0


def test_confidence_bins_step_at_ten_five_and_one_per_cent_with_the_sign_of_z():
    z = pd.Series([3.0, 2.2, 1.7, 1.0, -1.0, -1.7, -2.2, -3.0, 0.0], index=list("abcdefghi"))
    p = [0.0099, 0.0499, 0.0999, 0.1, 0.1, 0.0999, 0.0499, 0.0099, 0.001]
    bins = significance.confidence_bins(z, p)
    assert bins.tolist() == [3, 2, 1, 0, 0, -1, -2, -3, 0]
    assert bins.index.equals(z.index)
    assert list(significance.confidence_bins(z.to_numpy(), np.array(p))) == bins.tolist()


def test_confidence_bins_belong_to_the_next_bin_up_at_exactly_a_limit():
    assert significance.confidence_bins(np.array([2.0, 2.0, 2.0]), np.array([0.01, 0.05, 0.10])).tolist() == [2, 1, 0]


def test_a_cell_without_a_z_or_a_p_value_has_no_bin():
    bins = significance.confidence_bins(pd.Series([np.nan, 3.0, 3.0]), pd.Series([0.001, np.nan, 0.001]))
    assert bins.isna().tolist() == [True, True, False]


def test_two_sided_p_values_count_the_observed_one_and_stop_at_one():
    # 2 (0 + 1) / (9 + 1), 2 (3 + 1) / 10, 2 (9 + 1) / 10 cut to 1
    np.testing.assert_allclose(significance.two_sided(np.array([0, 3, 9]), np.array([9, 6, 9]), 9), [0.2, 0.8, 1.0])
    np.testing.assert_allclose(significance.one_sided(np.array([0, 3, 9]), np.array([9, 6, 9]), 9), [0.1, 0.4, 1.0])


@pytest.mark.parametrize(
    ("n", "width"), [(5, 3), (4, 3), (4, 4)]
)  # drawn again on repeats; shuffled whole; all of them
def test_every_ordering_is_drawn_equally_often(n, width):
    drawn = significance.orderings(np.random.default_rng(3), n, width, 60_000)
    seen = Counter(map(tuple, drawn.T.tolist()))
    possible = list(permutations(range(n), width))
    assert set(seen) == set(possible)
    assert stats.chisquare([seen[order] for order in possible]).pvalue > 0.001


def test_many_orderings_of_many_cells_are_drawn_in_blocks_without_repeats(monkeypatch):
    monkeypatch.setattr(significance, "BLOCK", 500)
    for width in (40, 60):  # place by place; shuffled whole
        drawn = significance.orderings(np.random.default_rng(0), 100, width, 23)
        assert drawn.shape == (width, 23)
        assert all(len(set(column)) == width for column in drawn.T.tolist())


def neighbourhoods(sizes, seed):
    """A directed 0/1 matrix in which row i has sizes[i] neighbours."""
    rng, n = np.random.default_rng(seed), len(sizes)
    near = np.zeros((n, n))
    for i, size in enumerate(sizes):
        near[i, rng.choice(np.delete(np.arange(n), i), size, replace=False)] = 1
    return sparse.csr_array(near)


def exact_tails(values, near):
    """Every set of as many others as each cell has neighbours: share with a sum at least, and at most, the observed."""
    shares = []
    for i, row in enumerate(near.toarray()):
        others = np.delete(values, i)
        sums = np.array([sum(chosen) for chosen in combinations(others, int(row.sum()))])
        observed = row @ values
        shares.append([(sums >= observed - 1e-9).mean(), (sums <= observed + 1e-9).mean()])
    return np.array(shares).T


CASES = [
    (np.array([0, 0, 0, 1, 1, 2, 5]), [2, 3, 0, 1, 6, 2, 3]),  # ties, no neighbours, all others as neighbours
    (np.array([0.1, 0.2, 0.3, 0.3, 0.6, 0.1, 0.7]), [2] * 7),  # ties that rounding would break: .1 + .2 and .3
    (np.array([1.5, -2.0, 8.0, 3.25, 0.0, 1e3, 7.0]), [3, 1, 2, 3, 1, 2, 2]),
]


@pytest.mark.parametrize(("values", "sizes"), CASES)
def test_over_all_orderings_shared_samples_give_exactly_the_enumerated_shares(values, sizes):
    # The claim itself, with no chance in it: strike the cell out of an ordering, and over all orderings of the cells
    # every set of others comes up equally often.
    near = neighbourhoods(sizes, seed=2)
    every = np.array(list(permutations(range(7), max(sizes) + 1))).T
    observed = near @ values.astype(float)
    tails = significance._tails(values.astype(float), np.diff(near.indptr), observed - 1e-9, observed + 1e-9, every)
    some = np.array(sizes) > 0
    np.testing.assert_allclose(tails[:, some] / every.shape[1], exact_tails(values, near)[:, some], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("values", "sizes"), CASES)
def test_drawn_samples_agree_with_enumeration_over_many_seeds_without_bias(values, sizes):
    near, exact, some = (
        neighbourhoods(sizes, seed=2),
        exact_tails(values, neighbourhoods(sizes, 2)),
        np.array(sizes) > 0,
    )
    seeds, m = 500, 99
    shares = [significance.neighbour_tails(values.astype(float), near, permutations=m, seed=s) for s in range(seeds)]
    error = np.sqrt(exact * (1 - exact) / (m * seeds))
    off = (np.mean(shares, axis=0) / m - exact)[:, some]
    assert (np.abs(off) <= 4.5 * error[:, some] + 1e-12).all()


def test_samples_in_blocks_are_as_good_as_at_once(monkeypatch):
    values, near = CASES[0][0].astype(float), neighbourhoods(CASES[0][1], seed=2)
    monkeypatch.setattr(significance, "BLOCK", 1_000)
    at_least, at_most = significance.neighbour_tails(values, near, permutations=20_001, seed=1)
    some, exact = np.array(CASES[0][1]) > 0, exact_tails(values, near)
    assert (at_least + at_most >= 20_001)[some].all()  # a sample is at least, at most, or both
    assert (np.abs(np.array([at_least, at_most]) / 20_001 - exact)[:, some] < 5 * np.sqrt(0.25 / 20_001)).all()


def test_the_same_seed_gives_the_same_tails_and_another_seed_others():
    values, near = np.arange(40.0) ** 2, neighbourhoods([4] * 40, seed=1)
    first = significance.neighbour_tails(values, near, permutations=500, seed=5)
    again = significance.neighbour_tails(values, near, permutations=500, seed=5)
    other = significance.neighbour_tails(values, near, permutations=500, seed=6)
    assert (first[0] == again[0]).all()
    assert (first[0] != other[0]).any()
