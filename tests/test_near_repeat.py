"""Near repeats against the Near Repeat Calculator, R's NearRepeat, pointpats, enumeration and sums by hand."""

import re
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics import near_repeat
from analytics.errors import NotEnoughData

BENCHMARKS = Path(__file__).resolve().parents[2] / "shared" / "real" / "benchmark_points"
needs_chicago = pytest.mark.skipif(not BENCHMARKS.exists(), reason="../shared is not here")

# The Near Repeat Calculator's labels are one off: what it calls "8 to 14" days holds gaps of 7 to 13. These are the
# bands it counts in (vignette "NRC" of the R package NearRepeat; Manhattan distance, 100 m, 7 days, 20 iterations).
CALCULATOR = {"distance_bands_m": [0, 1, 100, 200, 300, np.inf], "time_bands_days": [0, 7, 14, 21, np.inf]}


def january():
    """970 residential burglaries of Chicago, 31 December 2015 to 31 January 2016."""
    points = pd.read_csv(BENCHMARKS / "chicago_be_month1.csv", header=None, names=["x", "y", "date"])
    return points.assign(date=pd.to_datetime(points["date"]))


def calculator():
    """What the Near Repeat Calculator 1.3 published for them: by cell, observed, and the counts of its 19 shuffles."""
    text = next(BENCHMARKS.glob("chicago_be_month1_NRverbose_*.csv")).read_text()
    cells = {}
    for row, column, drawn, observed, p in re.findall(
        r"Row (\d) Column (\d)\s+Expected,([\d,\s]+?)\s*Observed, (\d+).*?P value, ([\d.]+)", text, re.DOTALL
    ):
        shuffles = np.array([int(n) for n in re.findall(r"\d+", drawn)])
        cells[int(row), int(column)] = (int(observed), shuffles, float(p))
    return [cells[row, column] for row in range(1, 6) for column in range(1, 5)]


def scattered(seed, n=200, side=1_000, days=60):
    """Events with place and date at random: some places and some days have more, but the two know nothing of each
    other."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, side, (n // 4, 2))[rng.integers(n // 4, size=n)] + rng.normal(0, 15, (n, 2))
    dates = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.floor(rng.beta(2, 3, n) * days), unit="D")
    return pd.DataFrame({"x": places[:, 0], "y": places[:, 1], "date": dates})


def brute(points, edges_m, edges_days, power=2):
    """Pair by pair."""
    x, y = points["x"].to_numpy(), points["y"].to_numpy()
    days = (points["date"] - points["date"].min()).dt.days.to_numpy()
    counts = np.zeros((len(edges_m) - 1, len(edges_days) - 1), dtype=int)
    for i in range(len(points)):
        for j in range(i):
            apart = (abs(x[i] - x[j]) ** power + abs(y[i] - y[j]) ** power) ** (1 / power)
            gap = abs(days[i] - days[j])
            for a in range(len(edges_m) - 1):
                for b in range(len(edges_days) - 1):
                    counts[a, b] += edges_m[a] <= apart < edges_m[a + 1] and edges_days[b] <= gap < edges_days[b + 1]
    return counts.ravel()


# --- against others ---


@needs_chicago
def test_the_near_repeat_calculators_published_result_is_met():
    # observed: deterministic, as printed in the file and in the vignette; expected and p within what 19 shuffles allow
    ours = near_repeat.knox(january(), metric="manhattan", permutations=9_999, **CALCULATOR)
    published = calculator()
    assert list(ours["observed"]) == [observed for observed, _, _ in published]
    assert list(ours["observed"][:4]) == [28, 5, 5, 2] and list(ours["observed"][16:]) == [182194, 146149, 95237, 45879]
    for (_, row), (_, shuffles, p) in zip(ours.iterrows(), published, strict=True):
        assert len(shuffles) == 19
        assert abs(row["expected"] - shuffles.mean()) < 4.5 * shuffles.std(ddof=1) / np.sqrt(19)
        assert abs(row["p_value"] - p) < 4 * np.sqrt(max(row["p_value"] * (1 - row["p_value"]), 0.01) / 19) + 1 / 20
    np.testing.assert_allclose(ours["ratio"], ours["observed"] / ours["expected"])


@needs_chicago
def test_the_introduction_of_rs_near_repeat_is_met():
    # NearRepeat 0.1.1, vignette "NearRepeat": chicago_be of January, Manhattan, 999 replications, set.seed(9489)
    observed = [28, 5, 5, 141, 69, 27, 186, 140, 100, 237, 192, 128]
    ratio = [1.8027842, 0.4043552, 0.6128082, 1.4121203, 0.8621871, 0.5170609]
    ratio += [1.0144070, 0.9499294, 1.0511474, 0.9754211, 0.9806536, 1.0071754]
    p = np.array([0.001, 1.000, 0.943, 0.001, 0.929, 1.000, 0.435, 0.785, 0.312, 0.696, 0.635, 0.479])
    bands = {"distance_bands_m": [0, 0.1, 200, 400, 600], "time_bands_days": [0, 7, 14, 21]}
    ours = near_repeat.knox(january(), metric="manhattan", permutations=9_999, **bands)
    assert list(ours["observed"]) == observed
    # a mean of 999 counts of about m pairs has a relative error of about 1 / sqrt(999 m)
    assert (np.abs(ours["ratio"] / ratio - 1) < 4 / np.sqrt(999 * ours["expected"])).all()
    assert (np.abs(ours["p_value"] - p) < 4 * np.sqrt(np.maximum(p * (1 - p), 0.001) / 999)).all()


@needs_chicago
def test_bands_of_the_other_labels_give_the_other_table_of_the_vignette():
    # the same vignette "NRC": sds = c(0, 1, 101, 201, 301, Inf), tds = c(0, 8, 15, 22, Inf)
    table = [29, 4, 5, 2, 45, 15, 7, 2, 106, 48, 21, 13, 88, 64, 46, 15, 206611, 138108, 88321, 36415]
    bands = {"distance_bands_m": [0, 1, 101, 201, 301, np.inf], "time_bands_days": [0, 8, 15, 22, np.inf]}
    ours = near_repeat.knox(january(), metric="manhattan", permutations=0, **bands)
    assert list(ours["observed"]) == table
    assert ours["observed"].sum() == 970 * 969 // 2


def test_the_pathological_example_of_the_vignette_lies_in_its_right_band():
    # the same vignette "NRC": one pair, 100 m and 3 days apart; the Near Repeat Calculator says "4 to 6 days"
    points = pd.DataFrame({"x": [0, 0], "y": [0, 100], "date": pd.to_datetime(["2019-01-01", "2019-01-04"])})
    table = near_repeat.knox(points, distance_bands_m=[0, 1, 100, 200], time_bands_days=[0, 3, 6])
    assert list(table["observed"]) == [0, 0, 0, 0, 0, 1]
    hit = table.iloc[5]
    assert (hit["distance_from"], hit["distance_to"], hit["days_from"], hit["days_to"]) == (100, 200, 3, 6)
    assert (hit["expected"], hit["ratio"], hit["p_value"]) == (1, 1, 1)  # two dates swapped are as far apart


@pytest.mark.filterwarnings("ignore")  # of geopandas and libpysal, about their own future
def test_burkitts_lymphoma_has_the_counts_in_pointpats_documentation():
    # pointpats.Knox, example: delta=20, tau=5, both limits included: 13 pairs, 10.1438161 expected of 3429 and 52
    libpysal = pytest.importorskip("libpysal")
    geopandas = pytest.importorskip("geopandas")
    cases = geopandas.read_file(libpysal.examples.get_path("burkitt.shp"))
    points = pd.DataFrame({"x": cases["X"], "y": cases["Y"], "date": cases["T"]})
    table = near_repeat.knox(
        points, distance_bands_m=[0, 20.001, np.inf], time_bands_days=[0, 6, np.inf], permutations=0
    )
    assert list(table["observed"]) == [13, 3_416, 39, 14_110]
    np.testing.assert_allclose(table["expected"], [10.1438161, 3_418.85618, 41.8561839, 14_107.1438], rtol=1e-7)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [1, 2])
def test_one_band_is_that_of_pointpats(seed):
    spacetime = pytest.importorskip("pointpats.spacetime")
    points = scattered(seed)
    days = (points["date"] - points["date"].min()).dt.days
    np.random.seed(0)  # pointpats takes no seed of its own
    theirs = spacetime.Knox(
        points[["x", "y"]].to_numpy(), days.to_frame().to_numpy(), delta=40, tau=6, permutations=999
    )
    ours = near_repeat.knox(points, distance_bands_m=[0, 40], time_bands_days=[0, 7], permutations=9_999).iloc[0]
    assert ours["observed"] == theirs.nst > 0
    assert ours["expected"] == pytest.approx(theirs.expected[0, 0], rel=0.02)
    p = ours["p_value"]
    assert abs(p - theirs.p_sim) < 4.5 * np.sqrt(max(p * (1 - p), 0.001) / 999)


@pytest.mark.parametrize(("metric", "power"), [("euclidean", 2), ("manhattan", 1)])
def test_observed_pairs_are_those_counted_one_by_one(metric, power):
    points = scattered(3, n=120)
    points[["x", "y"]] = points[["x", "y"]].round(-1)  # many at one place, many exactly on an edge
    edges = {"distance_bands_m": [0, 10, 50, 100, np.inf], "time_bands_days": [0, 1, 7, 14, np.inf]}
    ours = near_repeat.knox(points, permutations=9, metric=metric, **edges)
    assert list(ours["observed"]) == list(brute(points, *edges.values(), power))
    assert ours["observed"].sum() == 120 * 119 // 2


def test_p_values_and_expected_pairs_are_those_of_every_order_of_the_dates():
    points = pd.DataFrame({"x": [0, 1, 3, 6, 6, 9], "y": [0, 0, 0, 0, 0, 0], "date": [0, 1, 1, 3, 3, 8]})
    edges = {"distance_bands_m": [0, 1, 4, 20], "time_bands_days": [0, 1, 3, 10]}
    when = pd.to_timedelta(points["date"], unit="D") + pd.Timestamp("2024-01-01")
    every = [
        brute(points.assign(date=when.to_numpy()[list(order)]), *edges.values()) for order in permutations(range(6))
    ]
    observed = brute(points.assign(date=when), *edges.values())
    share = (np.array(every) >= observed).mean(axis=0)
    exact = near_repeat.knox(points, permutations=0, **edges)
    np.testing.assert_allclose(exact["expected"], np.mean(every, axis=0), atol=1e-12)
    assert exact["p_value"].isna().all()
    drawn = near_repeat.knox(points, permutations=49_999, **edges)
    assert list(drawn["observed"]) == list(observed)
    assert np.abs(drawn["expected"] - np.mean(every, axis=0)).max() < 5 * np.std(every, axis=0).max() / np.sqrt(49_999)
    assert (np.abs(drawn["p_value"] - share) < 5 * np.sqrt(share * (1 - share) / 49_999) + 1 / 50_000).all()
    assert len(set(share.round(3))) > 4


# --- chance and truth ---


def test_shuffled_dates_give_p_values_within_their_error_rate():
    # 400 sets with events bunched in places and in weeks, but place and date independent. p is uniform but for ties:
    # no more than its share may fall below any level (99.9% binomial limit), and not much fewer either.
    p = [
        near_repeat.knox(
            scattered(seed, n=120), distance_bands_m=[0, 60], time_bands_days=[0, 7], permutations=199, seed=seed
        )["p_value"].iloc[0]
        for seed in range(400)
    ]
    for level in (0.01, 0.05, 0.1, 0.25, 0.5):
        below = sum(value <= level for value in p)
        assert below <= stats.binom.ppf(0.999, 400, level)
        if level > 0.01:
            assert below >= stats.binom.ppf(0.001, 400, level * 0.8)


def test_planted_near_repeats_are_found_in_their_band_and_no_other():
    rng = np.random.default_rng(5)
    points = pd.DataFrame(rng.uniform(0, 20_000, (1_000, 2)), columns=["x", "y"])
    points["date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, 1_000), unit="D")
    follow = points.head(60).assign(
        x=lambda t: t["x"] + rng.uniform(-60, 60, 60),
        y=lambda t: t["y"] + rng.uniform(-60, 60, 60),
        date=lambda t: t["date"] + pd.to_timedelta(rng.integers(0, 7, 60), unit="D"),
    )
    table = near_repeat.knox(
        pd.concat([points, follow]), distance_bands_m=np.arange(0, 500, 100), time_bands_days=np.arange(0, 35, 7)
    )
    first = (table["distance_from"] == 0) & (table["days_from"] == 0)
    assert table.loc[first, "observed"].iloc[0] >= 60
    assert table.loc[first, "ratio"].iloc[0] > 10 and table.loc[first, "p_value"].iloc[0] == 0.001
    assert (table.loc[~first, "p_value"] > 0.001).all()


# --- the table, bands, dates ---


def test_rows_go_by_distance_then_time_and_carry_their_bands():
    table = near_repeat.knox(scattered(1), distance_bands_m=[0, 50, 100], time_bands_days=[0, 7, 14], permutations=9)
    assert list(table) == [
        *("distance_from", "distance_to", "days_from", "days_to"),
        *("observed", "expected", "ratio", "p_value"),
    ]
    assert list(table["distance_from"]) == [0, 0, 50, 50] and list(table["days_to"]) == [7, 14, 7, 14]
    assert table["observed"].dtype.kind == "i" and list(table.index) == [0, 1, 2, 3]


def test_a_pair_on_an_edge_belongs_to_the_band_above_and_one_place_to_the_first():
    points = pd.DataFrame({"x": [0, 0, 60, 300], "y": [0, 0, 80, 0], "date": [0, 7, 7, 100]})
    table = near_repeat.knox(points, distance_bands_m=[0, 100, 200], time_bands_days=[0, 7, 14], permutations=9)
    # 0-1: 0 m, 7 days; 0-2: 100 m, 7 days; 1-2: 100 m, 0 days; the fourth is farther than 200 m from all
    assert list(table["observed"]) == [0, 1, 1, 1]


def test_a_distance_is_on_its_edge_whatever_the_last_digit_says():
    # 0.3 - 0.2 is 0.09999999999999998 in floating point: on the edge of 0.1, so not below it
    points = pd.DataFrame({"x": [0.2, 0.3], "y": [0.0, 0.0], "date": [0, 0]})
    table = near_repeat.knox(points, distance_bands_m=[0, 0.1, 1], time_bands_days=[0, 1], permutations=0)
    assert list(table["observed"]) == [0, 1]


def test_bands_may_begin_above_nought():
    points = scattered(4, n=100)
    whole = {"distance_bands_m": [0, 20, 60, 100, np.inf], "time_bands_days": [0, 3, 7, 14]}
    part = {"distance_bands_m": [20, 60, 100, np.inf], "time_bands_days": [3, 7, 14]}
    all_bands, some = (near_repeat.knox(points, permutations=199, **edges) for edges in (whole, part))
    inside = all_bands[(all_bands["distance_from"] >= 20) & (all_bands["days_from"] >= 3)].reset_index(drop=True)
    pd.testing.assert_frame_equal(inside[["observed", "days_to"]], some[["observed", "days_to"]])
    exact = near_repeat.knox(points, permutations=0, **part)["expected"]
    np.testing.assert_allclose(some["expected"], exact, rtol=0.15)
    alone = near_repeat.knox(points, distance_bands_m=[50, np.inf], time_bands_days=[0, np.inf], permutations=9)
    assert alone["observed"].iloc[0] == brute(points, [50, np.inf], [0, np.inf])[0] == alone["expected"].iloc[0]


def test_dates_moments_and_day_numbers_tell_the_same_days():
    points = scattered(6)
    edges = {"distance_bands_m": [0, 50, 100], "time_bands_days": [0, 7, 14], "permutations": 199}
    plain = near_repeat.knox(points, **edges)
    days = (points["date"] - pd.Timestamp("2000-01-01")).dt.days
    for same in (points["date"].dt.date, days, days.astype("Int64"), points["date"].dt.tz_localize("Europe/London")):
        pd.testing.assert_frame_equal(near_repeat.knox(points.assign(date=same), **edges), plain)


def test_hours_count_where_they_are_known():
    moments = pd.to_datetime(["2024-01-01 23:00", "2024-01-02 22:59", "2024-01-02 23:00"])
    points = pd.DataFrame({"x": [0.0, 0, 0], "y": [0.0, 0, 0], "date": moments})
    table = near_repeat.knox(points, distance_bands_m=[0, 1], time_bands_days=[0, 1 / 1440, 1, 2], permutations=0)
    # gaps: 23 h 59 min, 24 h, 1 min (on the edge of the second band)
    assert list(table["observed"]) == [0, 2, 1]


def test_edges_between_whole_days_part_the_days_on_either_side():
    points = pd.DataFrame({"x": [0.0, 0, 0], "y": [0.0, 0, 0], "date": [0, 6, 13]})  # gaps 6, 7 and 13 days
    table = near_repeat.knox(points, distance_bands_m=[0, 1], time_bands_days=[0, 6.5, 7.5, 13.5], permutations=19)
    assert list(table["observed"]) == [1, 1, 1]
    assert list(table["expected"]) == [1, 1, 1]  # all at one place: dates may lie anywhere


def test_long_and_finely_timed_records_are_counted_as_short_ones_are():
    # seconds over a year do not fit 16 bits, nor microseconds 32: same gaps, same shuffles, same answer
    points = scattered(7)
    edges = {"distance_bands_m": [0, 50], "time_bands_days": [0, 7, 14], "permutations": 199}
    plain = near_repeat.knox(points, **edges)
    for unit in ("s", "us"):
        shifted = points["date"] + pd.to_timedelta(np.arange(len(points)) % 2, unit=unit)
        observed = near_repeat.knox(points.assign(date=shifted), **edges)
        assert np.abs(observed["observed"] - plain["observed"]).max() <= 5  # a pair of 7 days less a second moves
        np.testing.assert_allclose(observed["expected"], plain["expected"], rtol=0.15)


def test_more_pairs_than_a_small_counter_holds_are_counted_whole():
    points = pd.DataFrame({"x": np.zeros(400), "y": np.zeros(400), "date": np.zeros(400)})
    table = near_repeat.knox(points, distance_bands_m=[0, 1], time_bands_days=[0, 1], permutations=70)
    assert list(table.iloc[0, 4:]) == [79_800, 79_800, 1, 1]  # 400 * 399 / 2, in every shuffle too


def test_rows_with_a_gap_are_left_out_and_told():
    points = scattered(8, n=50)
    edges = {"distance_bands_m": [0, 50, 100], "time_bands_days": [0, 7, 14]}
    whole = near_repeat.knox(points, **edges)
    gaps = pd.DataFrame(
        {"x": [np.nan, 1, 2], "y": [1, None, 2], "date": [points["date"][0], points["date"][1], pd.NaT]}
    )
    table = near_repeat.knox(pd.concat([points, gaps], ignore_index=True), **edges)
    assert table.attrs["left_out"] == 3 and whole.attrs["left_out"] == 0
    pd.testing.assert_frame_equal(table, whole, check_flags=False)


def test_no_pair_nearby_gives_noughts_and_no_ratio():
    points = pd.DataFrame({"x": [0, 1_000, 2_000], "y": [0, 0, 0], "date": [0, 1, 2]})
    table = near_repeat.knox(points, distance_bands_m=[0, 10], time_bands_days=[0, 7], permutations=19)
    assert list(table.iloc[0, 4:6]) == [0, 0] and np.isnan(table["ratio"][0]) and table["p_value"][0] == 1


def test_the_seed_decides_and_more_shuffles_begin_with_the_same_ones():
    points, edges = scattered(9), {"distance_bands_m": [0, 50], "time_bands_days": [0, 7]}
    first, again, other = (near_repeat.knox(points, seed=seed, **edges) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert first["expected"][0] != other["expected"][0]
    # r, the shuffles with as many pairs, grows by 0 or 1 with each more; with fresh ones every time it would jump about
    p = [near_repeat.knox(points, seed=1, permutations=m, **edges)["p_value"][0] for m in range(1, 100)]
    r = np.round(np.array(p) * np.arange(2, 101)) - 1
    assert set(np.diff(r)) == {0, 1}


def test_inputs_are_left_as_they_were():
    points = scattered(10)
    points.index = points.index[::-1] * 3
    before = points.copy()
    near_repeat.knox(points, distance_bands_m=[0, 50], time_bands_days=[0, 7], permutations=70)
    pd.testing.assert_frame_equal(points, before)


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_events_are_refused_kindly(n):
    with pytest.raises(NotEnoughData, match=f"at least 2 are needed, and there are {n}"):
        near_repeat.knox(scattered(1).head(n), distance_bands_m=[0, 50], time_bands_days=[0, 7])


@pytest.mark.parametrize("bands", [[0], [100, 0], [0, 0, 100], [-1, 5], [0, np.nan], []])
def test_bands_that_are_no_bands_are_refused(bands):
    with pytest.raises(ValueError, match="at least two edges, rising"):
        near_repeat.knox(scattered(1), distance_bands_m=bands, time_bands_days=[0, 7])
    with pytest.raises(ValueError, match="at least two edges, rising"):
        near_repeat.knox(scattered(1), distance_bands_m=[0, 50], time_bands_days=bands)


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="euclidean or manhattan"):
        near_repeat.knox(scattered(1), distance_bands_m=[0, 50], time_bands_days=[0, 7], metric="road")


# --- one band, told in one row ---


@pytest.mark.filterwarnings("ignore")  # of geopandas and libpysal, about their own future
def test_nearby_gives_burkitts_lymphoma_as_pointpats_documents_it():
    # 13 pairs of 10.1438161 expected (pointpats.Knox, as above; its limits are included, so ours lie just beyond).
    # Ratio 1.281569. Byar of 13: 13 (1 - 1/117 - 1.959964 / (3 sqrt 13))^3 = 6.9152 and
    # 14 (1 - 1/126 + 1.959964 / (3 sqrt 14))^3 = 22.2317 pairs, over 10.1438161.
    libpysal = pytest.importorskip("libpysal")
    geopandas = pytest.importorskip("geopandas")
    cases = geopandas.read_file(libpysal.examples.get_path("burkitt.shp"))
    points = pd.DataFrame({"x": cases["X"], "y": cases["Y"], "date": cases["T"]})
    row = near_repeat.nearby(points, within_m=20.001, within_days=6, permutations=0)
    assert (len(row), row["observed"][0], row["events"][0]) == (1, 13, 188)
    assert row["ratio"][0] == pytest.approx(1.281569, abs=1e-6)
    assert [row["lower"][0], row["upper"][0]] == pytest.approx([6.9152 / 10.1438161, 22.2317 / 10.1438161], abs=1e-5)
    assert row["method"][0] == "Byar 95%"


def test_nearby_is_the_row_of_the_knox_table_with_that_band():
    points = scattered(2)
    row = near_repeat.nearby(points, within_m=60, within_days=7, permutations=199, seed=4)
    knox = near_repeat.knox(points, distance_bands_m=[0, 60], time_bands_days=[0, 7], permutations=199, seed=4)
    pd.testing.assert_frame_equal(row[knox.columns], knox)
    assert (row["lower"] < row["ratio"]).all() and (row["ratio"] < row["upper"]).all()
    plain = near_repeat.nearby(points)
    assert plain.loc[0, ["distance_from", "distance_to", "days_from", "days_to"]].tolist() == [0, 200, 0, 14]


def test_nearby_counts_the_events_it_could_place_and_tells_the_others():
    points = pd.concat(
        [scattered(8, n=50), pd.DataFrame({"x": [np.nan], "y": [1.0], "date": [pd.Timestamp("2024-01-05")]})]
    )
    before = points.copy()
    row = near_repeat.nearby(points, permutations=19)
    assert row["events"][0] == 50 and row.attrs["left_out"] == 1
    pd.testing.assert_frame_equal(points, before)


def test_nearby_without_an_expected_pair_has_no_ratio_and_no_interval():
    points = pd.DataFrame({"x": [0, 1_000, 2_000], "y": [0, 0, 0], "date": [0, 1, 2]})
    row = near_repeat.nearby(points, permutations=19).iloc[0]
    assert (row["observed"], row["expected"], row["p_value"], row["events"]) == (0, 0, 1, 3)
    assert row[["ratio", "lower", "upper", "method"]].isna().all()
    with pytest.raises(NotEnoughData, match="at least 2 are needed, and there are 1"):
        near_repeat.nearby(points.head(1))


def test_planted_near_repeats_stand_out_in_the_one_row():
    rng = np.random.default_rng(5)
    points = pd.DataFrame(rng.uniform(0, 20_000, (500, 2)), columns=["x", "y"])
    points["date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, 500), unit="D")
    follow = points.head(30).assign(x=lambda t: t["x"] + 50, date=lambda t: t["date"] + pd.Timedelta(days=3))
    row = near_repeat.nearby(pd.concat([points, follow])).iloc[0]
    assert row["observed"] >= 30 and row["lower"] > 2 and row["p_value"] == 0.001


def test_the_interval_holds_one_where_place_and_date_know_nothing_of_each_other():
    # 200 sets bunched in places and weeks: no more than 5% of the intervals (99.9% binomial limit) leave 1 out
    rows = [near_repeat.nearby(scattered(s, n=120), within_m=60, within_days=7, permutations=0) for s in range(200)]
    rows = pd.concat(rows)
    assert ((rows["lower"] > 1) | (rows["upper"] < 1)).sum() <= stats.binom.ppf(0.999, 200, 0.05)
