"""Trends and classes of hotspots against published values, series by hand, enumeration and other libraries."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from analytics import emerging, grids, hotspots, neighbours, significance
from analytics.errors import NotEnoughData

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"
needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="../shared is not here")
WOBBLE = 0.01  # added to z in turn up, down, so that a level series has no trend


def hexagons(side: int) -> tuple[pd.DataFrame, sparse.csr_array]:
    q, r = (a.ravel() for a in np.meshgrid(np.arange(side), np.arange(side)))
    cells = pd.DataFrame({"cell_id": [f"{a},{b}" for a, b in zip(q, r, strict=True)], "q": q, "r": r})
    return cells, grids.ring(cells)


def long(cells: pd.DataFrame, x: np.ndarray) -> pd.DataFrame:
    """Counts by place and month as one row each."""
    months = pd.date_range("2020-01-01", periods=x.shape[1], freq="MS")
    table = pd.DataFrame(x, index=pd.Index(cells["cell_id"], name="cell_id"), columns=pd.Index(months, name="month"))
    return table.stack().rename("n").reset_index()


def kinds_of_series(steps: int) -> np.ndarray:
    """Without ties, with many, nearly all nought, rising, and all equal."""
    rng = np.random.default_rng(steps)
    parts = [rng.normal(size=(20, steps)), rng.poisson(2, (20, steps)), rng.poisson(0.1, (20, steps))]
    rising = rng.poisson(np.linspace(1, 4, steps), (20, steps))
    return np.concatenate([*parts, rising, np.full((1, steps), 0.1), np.zeros((1, steps))])


def flags(pattern: str, trend: str = "level") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """z, hot and cold of one place from a pattern such as "..HHC." and the way its z moves over all."""
    mark = np.array(list(pattern))
    slope = {"level": 0, "rising": 1, "falling": -1}[trend]
    z = np.select([mark == "H", mark == "C"], [3.0, -3.0], 0.0)
    steps = np.arange(len(mark))
    z = z + (slope * WOBBLE * steps if slope else WOBBLE * (-1.0) ** steps)
    return z[None, :], (mark == "H")[None, :], (mark == "C")[None, :]


# --- Mann-Kendall ---


@pytest.mark.parametrize("steps", [2, 3, 10, 60, 127, 128, 200])  # ranks of one byte end at 127
def test_mann_kendall_gives_the_numbers_of_pymannkendall_and_scipy(steps):
    peer = pytest.importorskip("pymannkendall")
    series = kinds_of_series(steps)
    found = emerging.mann_kendall(series)
    for row, values in zip(found.itertuples(), series, strict=True):
        theirs = peer.original_test(values)
        assert (row.s, row.variance) == (theirs.s, theirs.var_s)
        assert row.z == pytest.approx(theirs.z, abs=1e-12)
        assert row.p_value == pytest.approx(theirs.p, abs=1e-12)
        tau = stats.kendalltau(np.arange(steps), values).statistic  # tau-b; theirs is tau-a
        assert row.tau == pytest.approx(tau, abs=1e-12, nan_ok=True)


@needs_reference
@pytest.mark.parametrize(
    ("file", "column", "expected"),
    [
        # R package Kendall, MannKendall(PrecipGL): "tau = 0.265, 2-sided pvalue =0.00029206" (in single precision)
        ("precipgl.csv", "precip", {"tau": (0.265, 5e-4), "p_value": (0.00029206, 5e-8)}),
        # R package trend, vignette, mk.test(maxau[, "Q"])
        (
            "maxau_q.csv",
            "Q",
            {
                "s": (-144, 0),
                "variance": (10450, 0),
                "tau": (-0.1454545, 5e-8),
                "z": (-1.3989, 5e-5),
                "p_value": (0.1619, 5e-5),
            },
        ),
    ],
)
def test_mann_kendall_of_the_series_of_the_r_packages_is_what_they_print(file, column, expected):
    found = emerging.mann_kendall(pd.read_csv(REFERENCE / file)[column]).iloc[0]
    for name, (value, half_a_digit) in expected.items():
        assert found[name] == pytest.approx(value, abs=half_a_digit), name


@needs_reference
def test_trends_of_gi_star_in_boston_are_those_that_sfdep_documents():
    # sfdep 0.2, help page of emerging_hotspot_analysis (168 tracts, 10 years; queen neighbours and the tract itself,
    # weights standardised, the year before included, k = 1): column tau times its 45 pairs. Their table names places
    # in the order of the map, but its numbers are in the order of the codes (split() sorts): so taken here.
    documented = [5, -15, -9, -27, -21, -15, -15, -27, -15, -19, 1, -17, -15, 21, 13, 17, 17, 3, 17, 21]
    documented += [7, -11, 21, 15, 15, -9, 17, 27, 25, 25]
    p_values = {5: 0.720514774, -27: 0.020044670, 1: 1.0, 21: 0.073638275, -19: 0.107404657, 25: 0.031823158}
    areas = pd.read_csv(REFERENCE / "bos_regions.csv", dtype=str)["region"]
    table = pd.read_csv(REFERENCE / "bos_ecometric.csv", dtype={".region_id": str})
    x = table.pivot(index=".region_id", columns="year", values="value").loc[areas].to_numpy()
    near = neighbours.from_edges(pd.read_csv(REFERENCE / "bos_queen_edges.csv") - 1, len(areas))
    w = neighbours.row_standardised(neighbours.with_self(near)).toarray()
    z, n = np.empty(x.shape), len(areas)
    for year in range(10):  # the formula of local_g_spt, with the same weights for the year before
        times = 2 if year else 1
        lag, total, squares = w @ x[:, [year, year - 1][:times]].sum(axis=1), times * w.sum(1), times * (w**2).sum(1)
        now = x[:, year]
        z[:, year] = (lag - total * now.mean()) / np.sqrt(now.var() * (n * squares - total**2) / (n - 1))
    found = emerging.mann_kendall(z).iloc[np.argsort(areas)]
    np.testing.assert_allclose(found["s"][:30], documented)
    np.testing.assert_allclose(found["tau"][:30], np.array(documented) / 45)
    for s, p in p_values.items():
        assert found.loc[found["s"] == s, "p_value"].to_numpy() == pytest.approx(p, abs=1e-6)


def test_mann_kendall_by_hand():
    # 1 3 2 2: pairs +, +, +, -, -, 0: s = 1. Ties: one pair: variance (4*3*13 - 2*1*9)/18 = 138/18. z = 0 as s - 1 = 0.
    # tau-b = 1 / sqrt(6 * 5)
    found = emerging.mann_kendall([1, 3, 2, 2]).iloc[0]
    assert found.tolist() == pytest.approx([1, 138 / 18, 0, 1, 1 / np.sqrt(30)])


def test_chance_of_a_trend_is_nearly_that_of_every_order_of_eight_values():
    # all 40,320 orders: the share with |s| at least as large, against the normal p with continuity correction
    every = np.array(list(permutations(range(8))), dtype=float)
    s = emerging.mann_kendall(every)["s"].to_numpy()
    found = emerging.mann_kendall(every).drop_duplicates("s")
    for row in found.itertuples():
        assert row.p_value == pytest.approx((np.abs(s) >= abs(row.s)).mean(), abs=0.013)
    assert s.var() == pytest.approx(found["variance"].iloc[0])  # n (n - 1)(2n + 5)/18, exactly


def test_equal_values_have_z_nought_and_p_one_and_no_tau():
    # as in pymannkendall (z 0, p 1); Kendall (R) warns and gives p 1
    for series in ([0.1] * 12, [0] * 60, [5, 5]):
        found = emerging.mann_kendall(series).iloc[0]
        assert found[["s", "variance", "z", "p_value"]].tolist() == [0, 0, 0, 1]
        assert np.isnan(found["tau"])


def test_missing_values_are_dropped_from_each_series_by_itself():
    series = kinds_of_series(30)
    gaps = np.random.default_rng(2).random(series.shape) < 0.3
    series[gaps] = np.nan
    series[0], series[1, 1:] = np.nan, np.nan
    series[2, 3] = np.inf  # no value either
    found = emerging.mann_kendall(series)
    for row, values in zip(found.to_numpy()[2:], series[2:], strict=True):
        kept = values[np.isfinite(values)]
        np.testing.assert_allclose(row, emerging.mann_kendall(kept).to_numpy()[0])
    assert found.iloc[:2].isna().all(axis=None)  # no value, and one value


def test_tables_keep_their_index_and_inputs_stay_as_they_were():
    table = pd.DataFrame({"a": [1, 2], "b": [3, None], "c": [2, 5]}, index=[9, 4]).astype("Float64")
    before = table.copy()
    for function in (emerging.mann_kendall, emerging.sen_slope):
        found = function(table)
        assert found.index.tolist() == [9, 4]
        np.testing.assert_allclose(found.to_numpy()[0], function([1, 3, 2]).to_numpy()[0])
        np.testing.assert_allclose(function(pd.Series([1, 3, 2])), function([1, 3, 2]))
    pd.testing.assert_frame_equal(table, before)
    assert emerging.mann_kendall(np.empty((0, 5))).empty


@pytest.mark.parametrize("series", [[], [3], [[1], [2]]])
def test_one_step_is_no_trend(series):
    for function in (emerging.mann_kendall, emerging.sen_slope):
        with pytest.raises(NotEnoughData, match="at least 2 periods"):
            function(series)


# --- Sen's slope ---


@pytest.mark.parametrize("steps", [2, 3, 10, 61])
def test_sen_slope_gives_the_numbers_of_pymannkendall_and_scipy(steps):
    peer = pytest.importorskip("pymannkendall")
    series = kinds_of_series(steps)
    found = emerging.sen_slope(series)
    for row, values in zip(found.itertuples(), series, strict=True):
        slope, intercept = peer.sens_slope(values)
        assert (row.slope, row.intercept) == pytest.approx((slope, intercept), abs=1e-12)
        scipy_slope, scipy_intercept, _, _ = stats.theilslopes(values, np.arange(steps))
        assert (row.slope, row.intercept) == pytest.approx((scipy_slope, scipy_intercept), abs=1e-12)


def test_sen_slope_with_gaps_keeps_the_distance_of_steps():
    series = np.array([0, np.nan, np.nan, 6, 8, 10])  # 2 a step throughout
    assert emerging.sen_slope(series).iloc[0].tolist() == [2, 0]
    rng = np.random.default_rng(1)
    many = rng.normal(size=(20, 15))
    many[rng.random(many.shape) < 0.4] = np.nan
    many[0], many[1, 1:] = np.nan, np.nan
    found = emerging.sen_slope(many)
    for row, values in zip(found.to_numpy()[2:], many[2:], strict=True):
        kept = np.flatnonzero(~np.isnan(values))
        expected = stats.theilslopes(values[kept], kept)
        assert row == pytest.approx([expected.slope, expected.intercept])
    assert found.iloc[:2]["slope"].isna().all()


# --- the classes ---

BY_HAND = [
    # pattern, movement of z, current definition, older definition
    (".........H", "level", "new", "new"),
    (".......HHH", "level", "consecutive", "consecutive"),
    ("..HHHHHHHH", "level", "consecutive", "consecutive"),  # 80%
    ("HHHHHHHHHH", "rising", "intensifying", "intensifying"),
    (".HHHHHHHHH", "rising", "intensifying", "intensifying"),  # 90% is enough, and goes before consecutive
    ("HHHHHHHHHH", "level", "persistent", "persistent"),
    ("HHHH.HHHHH", "level", "persistent", "persistent"),
    ("HHHHHHHHHH", "falling", "diminishing", "diminishing"),
    ("H..H.HH..H", "level", "sporadic", "sporadic"),
    ("..HH.HHHHH", "level", "sporadic", "sporadic"),
    ("H..H.HH...", "level", "none", "sporadic"),  # hot before, not now: the two definitions part
    ("...H......", "level", "none", "sporadic"),
    ("HHHHHHHH..", "level", "none", "sporadic"),  # 80%
    ("C..H.H...H", "level", "oscillating", "oscillating"),
    ("C........H", "level", "oscillating", "oscillating"),  # cold before goes before new,
    ("C......HHH", "level", "oscillating", "oscillating"),  # consecutive,
    ("..HC.HHHHH", "level", "oscillating", "oscillating"),  # and sporadic
    ("CHHHHHHHHH", "level", "persistent", "persistent"),  # but not before 90%
    ("HHHHHHHHH.", "level", "historical", "historical"),
    ("HHHHHHHHH.", "falling", "historical", "historical"),
    ("HHHHHHHHHC", "level", "historical", "historical"),
    ("..........", "level", "none", "none"),
    ("..........", "rising", "none", "none"),  # a trend without a hotspot is no class
    ("C..H.H....", "level", "none", "none"),
]
MIRROR = str.maketrans("HC", "CH")
OPPOSITE = {"level": "level", "rising": "falling", "falling": "rising"}


@pytest.mark.parametrize(("pattern", "trend", "current", "older"), BY_HAND)
def test_each_history_made_by_hand_has_its_class_in_both_definitions(pattern, trend, current, older):
    z, hot, cold = flags(pattern, trend)
    assert (emerging.mann_kendall(z)["p_value"].item() < 0.05) or trend == "level"
    assert emerging.classify_series(z, hot, cold).tolist() == [current]
    assert emerging.classify_series(z, hot, cold, definition="older").tolist() == [older]
    if "C" not in pattern:
        assert emerging.classify_series(z, hot).tolist() == [current]


@pytest.mark.parametrize(("pattern", "trend", "current", "older"), BY_HAND)
def test_each_history_has_its_cold_mirror(pattern, trend, current, older):
    if pattern == "HHHHHHHHHC":
        current = older = "cold_historical"
        assert emerging.classify_series(*flags("CCCCCCCCCH")).tolist() == ["oscillating"]  # hot classes go first
        return
    z, hot, cold = flags(pattern.translate(MIRROR), OPPOSITE[trend])
    for definition, expected in (("current", current), ("older", older)):
        mirrored = expected if expected == "none" else f"cold_{expected}"
        assert emerging.classify_series(z, hot, cold, definition=definition).tolist() == [mirrored]


def test_there_are_seventeen_classes_and_each_is_reached():
    hot = {row[2] for row in BY_HAND}
    assert hot == {*emerging.CLASSES, "none"}
    assert len(hot) + len(emerging.CLASSES) == 17


def in_words(pattern: str, rises: bool, falls: bool, older: bool) -> str:
    """The table of classes read out for one place, hot side only: Esri's wording, one sentence after the other."""
    hot, last = pattern.count("H"), pattern[-1] == "H"
    if hot and hot * 10 >= 9 * len(pattern):
        if not last:
            return "historical"
        return "intensifying" if rises else "diminishing" if falls else "persistent"
    if last and "C" in pattern:
        return "oscillating"
    if last and "H" not in pattern[:-1]:
        return "new"
    if last and set(pattern.rstrip("H")) <= {"."}:
        return "consecutive"
    if (last or (older and hot)) and "C" not in pattern:
        return "sporadic"
    return "none"


@pytest.mark.parametrize("definition", ["current", "older"])
@pytest.mark.parametrize("steps", [1, 2, 10, 20, 30, 70])
def test_random_histories_have_the_class_that_the_table_read_out_gives(steps, definition):
    rng = np.random.default_rng(steps)
    share = rng.random((3_000, 1)) ** 0.1  # mostly hot, to meet the 90% from both sides
    mark = np.where(rng.random((3_000, steps)) < share, "H", rng.choice([".", "C"], (3_000, steps), p=[0.9, 0.1]))
    z = rng.normal(0, 0.1, mark.shape) + rng.choice([-1, 0, 1], (3_000, 1)) * np.arange(steps)
    if steps == 1:
        with pytest.raises(NotEnoughData, match="2 periods"):
            emerging.classify_series(z, mark == "H", mark == "C")
        return
    found = emerging.classify_series(z, mark == "H", mark == "C", definition=definition)
    trend = emerging.mann_kendall(z)
    sure = trend["p_value"] < 0.05
    expected = []
    for row, up, down in zip(mark, sure & (trend["z"] > 0), sure & (trend["z"] < 0), strict=True):
        pattern = "".join(row)
        word = in_words(pattern, up, down, definition == "older")
        mirrored = in_words(pattern.translate(MIRROR), down, up, definition == "older")
        expected.append(word if word != "none" else mirrored if mirrored == "none" else f"cold_{mirrored}")
    assert found.tolist() == expected
    assert len(set(expected)) > (3 if steps == 2 else 6)


def test_steps_without_z_are_left_out_of_a_place_and_its_last_is_the_last_it_has():
    z, hot, cold = flags("..H..HHHH")
    whole = np.insert(z, [0, 3, 9], np.nan, axis=1)
    gaps = [np.insert(part, [0, 3, 9], True, axis=1) for part in (hot, np.zeros_like(cold))]  # flags there do not count
    both = np.concatenate([np.where(np.isnan(whole), np.nan, whole), np.full(whole.shape, np.nan)])
    found = emerging.classify_series(both, *(np.concatenate([part, part]) for part in gaps))
    assert found.tolist() == ["sporadic", None]


def test_flags_that_do_not_fit_are_refused():
    z, hot, cold = flags("..H..HHHHH")
    with pytest.raises(ValueError, match="current, older"):
        emerging.classify_series(z, hot, cold, definition="newest")
    with pytest.raises(ValueError, match="the same in each"):
        emerging.classify_series(z, hot[:, 1:], cold)
    with pytest.raises(ValueError, match="not both"):
        emerging.classify_series(z, hot, hot)


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        # ten periods, so two recent ones: hot in 1 of 2 is 50%, in 1 of 8 earlier ones 12.5%
        ("HHHHHHHH..", "persistent"),  # 80% of periods, whenever
        ("........H.", "emerging"),
        (".......H..", "former"),  # the third from the end is not recent (in the code of sfhotspot it is both)
        ("H.........", "former"),
        ("H........H", "intermittent"),
        ("HHHHHHH..H", "persistent"),
        ("HHHHHH...H", "intermittent"),
        ("..........", "none"),
        ("........C.", "cold_emerging"),
        ("CCCCCCCC..", "cold_persistent"),
        ("C........H", "mixed"),
    ],
)
def test_simple_classes_are_those_of_the_words_of_sfhotspot(pattern, word):
    _, hot, cold = flags(pattern)
    assert emerging.simple_classes(hot, cold).tolist() == [word]


def test_simple_classes_with_many_periods_ask_for_a_tenth_of_them():
    # 60 periods: 12 recent, 48 earlier; a tenth is 2 of 12, 5 of 48, 6 of 60
    hot = np.zeros((5, 60), dtype=bool)
    hot[0, -2:] = True  # 2 of 12, nothing before
    hot[1, -1:] = True  # 1 of 12 is too few
    hot[2, :5] = True  # 5 of 48
    hot[3, :4] = True  # 4 of 48 are too few
    hot[4, [3, 13, 23, 33, 43, 50, 55]] = True
    assert emerging.simple_classes(hot).tolist() == ["emerging", "none", "former", "none", "intermittent"]
    assert emerging.simple_classes(hot[[1]], recent_prop=0.05).tolist() == ["emerging"]  # 1 of 3
    with pytest.raises(NotEnoughData, match="at least 2 periods"):
        emerging.simple_classes([[True]])


# --- places, months, neighbours ---


@pytest.mark.parametrize("case", ["whole", "gaps", "weights", "islands", "diagonal"])
def test_each_step_is_gi_star_of_that_step(case):
    rng = np.random.default_rng(4)
    cells, near = hexagons(6)
    x = rng.negative_binomial(0.6, 0.2, (36, 12)).astype(float)
    x[:, 5] = 2  # all equal: no z
    if case == "gaps":
        x[rng.random(x.shape) < 0.2] = np.nan
        x[1:, 7] = np.nan  # one value
        x[:, 8] = np.nan
    if case == "weights":
        near = near * sparse.csr_array(rng.random((36, 36)))
    if case == "islands":
        near = sparse.lil_array(near)
        near[[0, 7], :] = 0
        near = sparse.csr_array(near)
    if case == "diagonal":
        near = sparse.csr_array(near + 0.5 * sparse.eye_array(36))
    counts = long(cells, x) if case != "gaps" else long(cells, np.nan_to_num(x, nan=-1)).replace({"n": {-1: None}})
    found = emerging.by_step(cells, counts, near)
    z = found.pivot(index="cell_id", columns="month", values="z").loc[cells["cell_id"]].to_numpy()
    q = found.pivot(index="cell_id", columns="month", values="q_value").loc[cells["cell_id"]].to_numpy()
    for step in range(12):
        if np.isfinite(x[:, step]).sum() < 3:
            assert np.isnan(z[:, step]).all()
            continue
        expected = hotspots.gi_star(cells.assign(n=x[:, step]), near)
        np.testing.assert_allclose(z[:, step], expected["z"], atol=1e-10)
        np.testing.assert_allclose(q[:, step], significance.benjamini_hochberg(expected["p_value"]), atol=1e-12)
    assert np.isnan(z[:, 5]).all()
    assert np.isfinite(z).sum() > 250


def test_a_month_with_the_same_counts_in_another_order_is_a_tie_and_no_trend():
    # the centre's neighbourhood holds the same seven counts every month, and the rest the same others, each in random
    # order: its z is the same number every month, whatever the last digits of the computer say
    cells, near = hexagons(9)
    rng, centre = np.random.default_rng(3), 40
    inside = np.append(near[[centre]].indices, centre)
    outside = np.setdiff1d(np.arange(81), inside)
    x = np.empty((81, 30))
    values = rng.negative_binomial(0.6, 0.2, 81) + 0.1
    for month in range(30):
        x[inside, month], x[outside, month] = rng.permutation(values[inside]), rng.permutation(values[outside])
    steps = emerging.by_step(cells, long(cells, x), near)
    z = steps.loc[steps["cell_id"] == cells["cell_id"][centre], "z"]
    assert z.nunique() > 1 and np.ptp(z) < 1e-12  # so this test can fail
    found = emerging.classify(cells, long(cells, x), near).loc[centre]
    assert (found["trend_z"], found["trend_p_value"]) == (0, 1)


def test_permutations_are_those_of_gi_star_in_each_step_and_steps_share_no_draws():
    cells, near = hexagons(6)
    x = np.repeat(np.random.default_rng(1).negative_binomial(0.6, 0.2, (36, 1)), 12, axis=1)  # every month the same
    found = emerging.by_step(cells, long(cells, x), near, permutations=999, seed=3)
    p = found.pivot(index="cell_id", columns="month", values="p_value").loc[cells["cell_id"]].to_numpy()
    expected = hotspots.gi_star(cells.assign(n=x[:, 0]), near, permutations=99_999)["p_value"].to_numpy()
    error = 2 * np.sqrt(expected / 2 * (1 - expected / 2) / 999)
    assert (np.abs(p - expected[:, None]) < 5 * error[:, None] + 2 / 1_000).all()
    assert (p.std(axis=1) > 0).mean() > 0.9
    again = emerging.by_step(cells, long(cells, x), near, permutations=999, seed=3)
    pd.testing.assert_frame_equal(found, again)
    assert "999 permutations" in emerging.classify(cells, long(cells, x), near, permutations=999)["method"][0]


def planted(side: int = 20) -> tuple[pd.DataFrame, sparse.csr_array, np.ndarray, dict]:
    """Poisson counts with mean 2 over 24 months, and five places whose surroundings have a history of their own."""
    cells, near = hexagons(side)
    rate = np.full((side * side, 24), 2.0)
    month = np.arange(24)
    histories = {
        "new": np.where(month == 23, 12, 0),
        "consecutive": np.where(month >= 19, 12, 0),
        "intensifying": 10 + month,
        "diminishing": 10 + month[::-1],
        "historical": np.where(month < 23, 12, 0),
    }
    centres = {}
    low, middle, high = (int(side * share) for share in (0.15, 0.45, 0.75))
    corners = [(low, low), (low, high), (high, low), (high, high), (middle, middle)]
    for (kind, extra), (q, r) in zip(histories.items(), corners, strict=True):
        centre = int(np.flatnonzero((cells["q"] == q) & (cells["r"] == r))[0])
        around = np.append(near[[centre]].indices, centre)
        rate[around] += extra
        centres[kind] = centre
    return cells, near, np.random.default_rng(5).poisson(rate), centres


def far_from(cells: pd.DataFrame, centres: dict) -> np.ndarray:
    place = cells[["q", "r"]].to_numpy()
    apart = np.abs(place[:, None] - place[list(centres.values())]).max(axis=2)
    return (apart > 3).all(axis=1)


def test_planted_histories_are_found_and_nothing_far_from_them():
    cells, near, x, centres = planted()
    found = emerging.classify(cells, long(cells, x), near)
    assert {kind: found["class"][centre] for kind, centre in centres.items()} == {kind: kind for kind in centres}
    simple = [found["simple_class"][centres[kind]] for kind in ("consecutive", "intensifying", "historical")]
    assert simple == ["emerging", "persistent", "persistent"]
    assert found["steps_hot"][centres["consecutive"]] == 5
    assert found["trend_z"][centres["intensifying"]] > 0 > found["trend_z"][centres["diminishing"]]
    far = far_from(cells, centres)
    assert far.sum() > 80
    assert found["class"][far].isin(["none", "new"]).mean() > 0.97
    assert found["steps_hot"][far].mean() < 0.05 * 24


def test_planted_histories_are_hot_by_permutations_too_with_fewer_steps_as_the_place_itself_stays():
    cells, near, x, centres = planted()
    normal, drawn = (emerging.classify(cells, long(cells, x), near, permutations=m) for m in (0, 9_999))
    lasting = [centres[kind] for kind in ("intensifying", "diminishing", "historical")]
    assert (drawn["steps_hot"][lasting] >= 12).all()
    assert (drawn["steps_hot"][lasting] <= normal["steps_hot"][lasting]).all()
    assert drawn["steps_hot"][far_from(cells, centres)].mean() < 0.01 * 24
    for column in ("trend_z", "trend_p_value"):  # z is the formula's, whatever p is
        pd.testing.assert_series_equal(normal[column], drawn[column])


def test_months_in_random_order_give_a_significant_trend_no_more_often_than_the_error_rate():
    # 60 shuffles of the months of a map with real hotspots; a share of places within each, so compare the mean
    cells, near, x, _ = planted(12)
    rng, shares = np.random.default_rng(0), []
    for _ in range(60):
        found = emerging.classify(cells, long(cells, x[:, rng.permutation(24)]), near)
        assert not {"intensifying", "diminishing"} & set(found.loc[found["trend_p_value"] >= 0.05, "class"])
        shares.append((found["trend_p_value"] < 0.05).mean())
    error = np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) < 0.05 + 3 * error
    assert np.mean(shares) > 0.02  # and the test can be failed
    trending = emerging.classify(cells, long(cells, x), near)
    assert (trending["trend_p_value"] < 0.05).mean() > 0.1


def test_events_at_random_give_hardly_any_class_beside_none():
    # 144 places, 24 months, no pattern: false-discovery control lets about one month in twenty show any place
    cells, near = hexagons(12)
    rng, classed, months = np.random.default_rng(1), [], 0
    for seed in range(20):
        counts = long(cells, rng.poisson(1.0, (144, 24)))
        classed.append(
            (emerging.classify(cells, counts, near, permutations=9_999, seed=seed)["class"] != "none").mean()
        )
        q = emerging.by_step(cells, counts, near, permutations=9_999, seed=seed)
        months += (q.groupby("month")["q_value"].min() < 0.05).sum()
    assert np.mean(classed) < 0.01
    assert months <= stats.binom.ppf(0.999, 20 * 24, 0.05)  # 39


# --- what goes in ---


def test_rows_may_come_in_any_order_and_inputs_stay_as_they_were():
    cells, near, x, _ = planted(12)
    counts = long(cells, x)
    cells.index = np.arange(500, 500 + len(cells))[::-1]
    before = cells.copy(), counts.copy(), near.copy()
    found = emerging.classify(cells, counts, near)
    shuffled = emerging.classify(cells, counts.sample(frac=1, random_state=0), near)
    pd.testing.assert_frame_equal(found, shuffled)
    pd.testing.assert_index_equal(found.index, cells.index)
    assert found.columns.tolist()[: len(cells.columns)] == cells.columns.tolist()
    pd.testing.assert_frame_equal(cells, before[0])
    pd.testing.assert_frame_equal(counts, before[1])
    assert (near != before[2]).nnz == 0
    steps = emerging.by_step(cells, counts.sample(frac=1, random_state=0), near)
    pd.testing.assert_frame_equal(steps.sort_index(), emerging.by_step(cells, counts, near))


def test_the_definition_used_is_said_in_each_row():
    cells, near, x, _ = planted(12)
    for definition in emerging.DEFINITIONS:
        method = emerging.classify(cells, long(cells, x), near, definition=definition)["method"]
        assert method.unique().tolist() == [
            f"Gi* by step (normal p), Benjamini-Hochberg at 0.05 within each; sporadic: {definition} definition"
        ]
    older, current = (
        emerging.classify(cells, long(cells, x), near, definition=d)["class"] for d in ("older", "current")
    )
    assert (older == "sporadic").sum() > (current == "sporadic").sum()
    with pytest.raises(ValueError, match="current, older"):
        emerging.classify(cells, long(cells, x), near, definition="esri")


def test_no_events_or_equal_counts_have_no_class_as_nothing_stands_out():
    cells, near = hexagons(5)
    for same in (0, 3):
        found = emerging.classify(cells, long(cells, np.full((25, 12), same)), near)
        assert found[["class", "simple_class", "trend_z", "trend_p_value"]].isna().all(axis=None)
        assert (found[["steps_hot", "steps_cold"]] == 0).all(axis=None)


def test_one_event_makes_one_month_and_too_few_for_a_class():
    cells, near = hexagons(5)
    x = np.zeros((25, 12))
    x[12, 4] = 1
    steps = emerging.by_step(cells, long(cells, x), near).dropna(subset="z")
    assert steps["month"].unique().tolist() == [pd.Timestamp("2020-05-01")]
    assert emerging.classify(cells, long(cells, x), near)["class"].isna().all()


def test_a_place_without_neighbours_or_with_under_ten_known_months_has_no_class():
    cells, near, x, centres = planted(20)
    near = sparse.lil_array(near)
    near[0, :], near[:, 0] = 0, 0
    counts = long(cells, x)
    few = (counts["cell_id"] == cells["cell_id"][centres["new"]]) & (counts["month"] < "2021-03-01")  # 14 of 24 months
    nine = (counts["cell_id"] == cells["cell_id"][centres["historical"]]) & (counts["month"] < "2021-04-01")
    counts = counts[~few].assign(n=counts["n"].astype("Int64").mask(nine))  # one lacks rows, one lacks values
    found = emerging.classify(cells, counts, sparse.csr_array(near))
    assert found.loc[[0, centres["historical"]], "class"].isna().all()
    assert found.loc[[0, centres["historical"]], "simple_class"].isna().all()
    assert found.loc[centres["new"], "class"] == "new"
    assert found["class"].isna().sum() == 2


def test_too_few_months_or_places_are_refused_kindly():
    cells, near, x, _ = planted(12)
    with pytest.raises(NotEnoughData, match="at least 10 periods; there are 9"):
        emerging.classify(cells, long(cells, x[:, :9]), near)
    emerging.classify(cells, long(cells, x[:, :10]), near)
    one = cells.iloc[:1]
    with pytest.raises(NotEnoughData, match="at least 3 cells; this area has 1"):
        emerging.classify(one, long(one, x[:1]), sparse.csr_array((1, 1)))
    with pytest.raises(NotEnoughData, match="no counts"):
        emerging.by_step(cells, long(cells, x).iloc[:0], near)


def test_counts_that_do_not_fit_the_places_are_refused():
    cells, near, x, _ = planted(12)
    counts = long(cells, x)
    wrong = {
        "one row per `cell_id` and `month`": (cells, pd.concat([counts, counts.iloc[[7]]])),
        "`cell_id` that is in `cells`": (cells, counts.assign(cell_id=counts["cell_id"].replace("3,3", "elsewhere"))),
        "needs a month": (cells, counts.assign(month=counts["month"].mask(counts.index == 5))),
        "one row per `cell_id`": (cells.assign(cell_id="same"), counts),
    }
    for words, (places, table) in wrong.items():
        with pytest.raises(ValueError, match=words):
            emerging.classify(places, table, near)
    with pytest.raises(ValueError, match="one row and one column per place"):
        emerging.classify(cells, counts, near[:5][:, :5])


def test_another_column_can_be_the_value():
    cells, near, x, _ = planted(12)
    counts = long(cells, x)
    named = counts.rename(columns={"n": "rate"}).assign(n=0)
    pd.testing.assert_frame_equal(
        emerging.classify(cells, named, near, value="rate"), emerging.classify(cells, counts, near)
    )
