"""Kernel density, its edges, bandwidths and ratios against sums by hand, closed forms and other libraries."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from scipy import integrate, stats

from analytics import density, density_chance, density_sums
from analytics.errors import NotEnoughData

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"
needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="../shared is not here")
WEST, SOUTH = 440_000.0, 110_000.0  # where the south of England lies on the national grid


def places(x, y, **columns):
    return pd.DataFrame({"x": np.asarray(x, dtype=float), "y": np.asarray(y, dtype=float), **columns})


def squares(side, size=100.0):
    x, y = np.meshgrid(WEST + np.arange(side) * size, SOUTH + np.arange(side) * size)
    return places(x.ravel(), y.ravel())


def hexagons(side, size=100.0):
    q, r = (axis.ravel() for axis in np.meshgrid(np.arange(side), np.arange(side)))
    return places(WEST + size * np.sqrt(3) / 2 * q, SOUTH + size * (r + q / 2))


def scattered(n, extent, seed=0):
    where = np.random.default_rng(seed).random((2, n)) * extent
    return places(WEST + where[0], SOUTH + where[1])


def events(n, extent, seed=1):
    """Half of them in a cluster, half anywhere, some beyond the edge."""
    rng = np.random.default_rng(seed)
    loose = rng.uniform(-0.1, 1.1, (n, 2)) * extent
    loose[: n // 2] = rng.normal(0.5, 0.07, (n // 2, 2)) * extent
    return places(WEST + loose[:, 0], SOUTH + loose[:, 1])


def cluster(rng, n, spread, offset):
    """Events about the place so far east and north of the south-western corner."""
    return places(WEST + rng.normal(offset, spread, n), SOUTH + rng.normal(offset, spread, n))


def direct(points, grid, h, kernel, weights=None):
    """The definition: a sum over all events, one centre at a time."""
    total = []
    for x, y in zip(grid["x"], grid["y"], strict=True):
        u2 = ((points["x"] - x) ** 2 + (points["y"] - y) ** 2).to_numpy() / h**2
        if kernel == "quartic":
            each = np.where(u2 < 1, 3 / (np.pi * h**2) * (1 - u2) ** 2, 0)
        else:
            each = np.exp(-u2 / 2) / (2 * np.pi * h**2)
        total.append((each * (1 if weights is None else weights)).sum() * 1e6)
    return np.array(total)


def furthest(found, expected):
    """Largest difference, as a share of the peak."""
    return np.abs(np.asarray(found) - expected).max() / np.max(expected)


# --- the density itself ---


def test_one_event_gives_the_kernel_worked_by_hand():
    # Quartic, radius 1 km: 3/pi = 0.954930 in the middle; half way (1 - 1/4)^2 = 9/16 of it, 0.537148; nought at 1 km.
    # Gaussian, sd 1 km: 1/(2 pi) = 0.159155 in the middle, times exp(-1/8) = 0.140454 at 500 m, exp(-1/2) at 1 km.
    grid, event = places([0, 500, 0, 700], [0, 0, 1_000, 800]), places([0], [0])
    quartic = density.kernel_density(event, grid, bandwidth_m=1_000)["density"]
    np.testing.assert_allclose(quartic, [0.954930, 0.537148, 0, 0], atol=5e-7)
    gaussian = density.kernel_density(event, grid, bandwidth_m=1_000, kernel="gaussian")["density"]
    # 700 and 800 m: exp(-(0.49 + 0.64) / 2) = exp(-0.565) = 0.568360
    np.testing.assert_allclose(gaussian, [0.159155, 0.140454, 0.096532, 0.090457], atol=5e-7)


@needs_reference
def test_robberies_in_memphis_have_the_density_of_the_sfhotspot_vignette():
    # sfhotspot, "Introduction": hotspot_kde(memphis_robberies), bandwidth 5,588 metres in EPSG:32616, first ten cells.
    # Its kernel (SpatialKDE, quartic, not scaled) is 1 in the middle: ours times pi h^2 / 3, in square kilometres.
    from pyproj import Transformer

    published = [15.7, 16.9, 18.4, 20.1, 22.5, 26.3, 31.2, 36.6, 42.1, 47.1]
    robberies = pd.read_csv(REFERENCE / "memphis_robberies_epsg2843.csv")
    x, y = Transformer.from_crs(2843, 32616, always_xy=True).transform(robberies["x"], robberies["y"])
    west = -90.08418 + 0.00524 * np.arange(10)  # the cells as printed, in degrees
    to_metres = Transformer.from_crs(4326, 32616, always_xy=True)
    cells = [
        shapely.Polygon(zip(*to_metres.transform([w, w + 0.00524] * 2, [34.99475] * 2 + [34.99999] * 2), strict=True))
        .convex_hull.centroid for w in west
    ]  # fmt: skip
    grid = places([c.x for c in cells], [c.y for c in cells])
    found = density.kernel_density(places(x, y), grid, bandwidth_m=5_588)["density"]
    np.testing.assert_allclose(found * np.pi * 5.588**2 / 3, published, atol=0.06)  # printed to 0.1, bandwidth to 1 m


@needs_reference
@pytest.mark.parametrize("kernel", density.KERNELS)
def test_robberies_in_memphis_have_the_density_summed_directly(kernel):
    robberies = pd.read_csv(REFERENCE / "memphis_robberies_epsg2843.csv")
    grid = pd.read_csv(REFERENCE / "memphis_grid1000.csv").rename(columns={"cx": "x", "cy": "y"})[::3]
    for h in (200, 1_500, 5_588):  # far below a cell, about one, many
        found = density.kernel_density(robberies, grid, bandwidth_m=h, kernel=kernel)["density"]
        assert furthest(found, direct(robberies, grid, h, kernel)) < 1e-6


def test_the_gaussian_is_that_of_scipy_with_a_scalar_bandwidth():
    # scipy's bandwidth is a factor on the covariance of the data: on points whose covariance is exactly s^2 times the
    # identity, a factor f is a bandwidth of f s
    rng, s = np.random.default_rng(4), 1_000
    raw = rng.gamma(2, size=(400, 2))
    raw = (raw - raw.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T * s
    grid = places(*rng.uniform(-2_000, 2_000, (2, 300)))
    theirs = stats.gaussian_kde(raw.T, bw_method=0.35)(grid[["x", "y"]].T.to_numpy()) * 400 * 1e6
    found = density.kernel_density(places(*raw.T), grid, bandwidth_m=350, kernel="gaussian")["density"]
    assert furthest(found, theirs) < 1e-6


def test_the_gaussian_is_that_of_scikit_learn():
    from sklearn.neighbors import KernelDensity

    points, grid = events(2_000, 5_000), hexagons(25, 200)
    model = KernelDensity(bandwidth=300, kernel="gaussian").fit(points[["x", "y"]].to_numpy())
    theirs = np.exp(model.score_samples(grid[["x", "y"]].to_numpy())) * 2_000 * 1e6
    found = density.kernel_density(points, grid, bandwidth_m=300, kernel="gaussian")["density"]
    assert furthest(found, theirs) < 1e-6


@pytest.mark.parametrize("kernel", density.KERNELS)
@pytest.mark.parametrize("h", [20, 90, 400, 3_000])
@pytest.mark.parametrize("grid", [squares(30), hexagons(30), scattered(700, 3_000), squares(30).sample(500)])
def test_any_grid_and_any_bandwidth_give_the_direct_sum(grid, h, kernel):
    points = events(300, 3_000)
    found = density.kernel_density(points, grid, bandwidth_m=h, kernel=kernel)["density"]
    assert furthest(found, direct(points, grid, h, kernel)) < 1e-6


LARGE = [
    ("quartic", 700, squares(240)),  # seven nodes to the bandwidth, the fewest there are
    ("quartic", 1_600, squares(240)),
    ("quartic", 1_600, hexagons(240)),
    ("quartic", 900, scattered(80_000, 24_000)),
    ("gaussian", 700, squares(240)),
    ("gaussian", 260, hexagons(240)),  # nodes in between
    ("gaussian", 700, squares(240).sample(20_000, random_state=1)),
    ("gaussian", 700, scattered(30_000, 24_000)),
]


def by_lattice(points, grid, h, kernel):
    """So many events that they go by way of the lattice; the density, and a sample of centres with their exact one."""
    centres = grid[["x", "y"]].to_numpy().T
    assert density_sums._pairs(len(points), centres, h, kernel) > density_sums.EXACT_TO
    found = density.kernel_density(points, grid, bandwidth_m=h, kernel=kernel)["density"]
    some = np.random.default_rng(2).choice(len(grid), 100, replace=False)
    some[:50] = found.argsort()[-50:]  # the peak among them
    return found, found.iloc[some], direct(points, grid.iloc[some], h, kernel)


@pytest.mark.parametrize(("kernel", "h", "grid"), LARGE)
def test_many_events_by_way_of_a_lattice_are_exact_to_a_thousandth_of_the_peak(kernel, h, grid):
    reach = h if kernel == "quartic" else h * density_sums.GAUSSIAN_REACH
    n = int(1.05 * density_sums.EXACT_TO / density_sums._pairs(1, grid[["x", "y"]].to_numpy().T, h, kernel))
    assert n > 3_000 and reach > 0
    _, some, exact = by_lattice(events(n, 24_000), grid, h, kernel)
    assert furthest(some, exact) < 6e-4


@pytest.mark.parametrize("offset", [(50, 50), (50, 0), (0, 0)])
def test_a_pile_of_events_at_one_place_is_exact_wherever_it_lies_between_the_centres(offset):
    # what the lattice alone cannot do: without its own sum a pile would be off by up to 0.55% of the peak
    pile = places(np.full(400_000, WEST + 12_000 + offset[0]), np.full(400_000, SOUTH + 12_000 + offset[1]))
    points = pd.concat([events(800_000, 24_000), pile])
    grid = squares(240)
    found, some, exact = by_lattice(points, grid, 700, "quartic")
    assert furthest(some, exact) < 3e-4
    ring = np.abs(np.hypot(grid["x"] - pile["x"][0], grid["y"] - pile["y"][0]) - 600) < 150  # where its kernel ends
    ring = grid.index[ring][::2]
    assert np.abs(found[ring] - direct(points, grid.loc[ring], 700, "quartic")).max() < 3e-4 * found.max()


@pytest.mark.parametrize("kernel", density.KERNELS)
def test_density_times_area_over_a_grid_that_covers_all_adds_up_to_the_events(kernel):
    rng = np.random.default_rng(5)
    points = cluster(rng, 200, 500, 6_000).assign(share=rng.random(200))
    grid, cell_km2 = squares(120), 0.01
    found = density.kernel_density(points, grid, bandwidth_m=800, kernel=kernel)["density"]
    assert found.sum() * cell_km2 == pytest.approx(200, rel=2e-5)
    weighted = density.kernel_density(points, grid, bandwidth_m=800, kernel=kernel, weight="share")["density"]
    assert weighted.sum() * cell_km2 == pytest.approx(points["share"].sum(), rel=2e-5)
    np.testing.assert_allclose(
        weighted.sample(50, random_state=1),
        direct(points, grid.sample(50, random_state=1), 800, kernel, points["share"].to_numpy()),
        atol=1e-6 * weighted.max(),
    )
    many = pd.concat([points] * 700)  # by way of the lattice
    assert density.kernel_density(many, grid, bandwidth_m=2_000, kernel=kernel)["density"].sum() * cell_km2 == (
        pytest.approx(140_000, rel=2e-5) if kernel == "quartic" else pytest.approx(140_000, rel=0.02)
    )  # the gaussian of 2 km spills over the edge


def test_no_events_give_nought_everywhere():
    grid = squares(5)
    for empty in (places([], []), places([np.nan], [1.0]), places([WEST + 1e6], [SOUTH])):
        for function in (density.kernel_density, density.adaptive_kernel_density):
            assert (function(empty, grid, bandwidth_m=300)["density"] == 0).all()


def test_weights_of_nought_count_nothing_and_rows_with_anything_missing_are_left_out():
    points = places([0, 100, np.nan, 50, 70, np.inf], [0, 0, 0, np.nan, 20, 3], n=[2, 0, 5, 5, np.nan, 1])
    grid = places([0, 100, 300], [0, 0, 0])
    kept = places([0, 0], [0, 0])
    expected = density.kernel_density(kept, grid, bandwidth_m=250)
    found = density.kernel_density(points.astype({"n": "Float64"}), grid, bandwidth_m=250, weight="n")
    pd.testing.assert_frame_equal(found, expected)
    nothing = density.kernel_density(points.assign(n=0), grid, bandwidth_m=250, weight="n")
    assert (nothing["density"] == 0).all()


def test_missing_weights_and_coordinates_are_left_out_by_way_of_the_lattice_too():
    points, grid = events(130_000, 24_000), squares(240)
    gaps = points.assign(n=2.0)
    gaps.loc[::3, "x"], gaps.loc[1::3, "n"] = np.nan, np.nan
    found = density.kernel_density(gaps, grid, bandwidth_m=4_000, weight="n")["density"]
    some = grid.sample(100, random_state=1)
    assert density_sums._pairs(len(gaps), grid.to_numpy().T, 4_000, "quartic") > density_sums.EXACT_TO
    expected = 2 * direct(points[2::3], some, 4_000, "quartic")
    assert np.abs(found[some.index] - expected).max() < 1e-4 * found.max()


def test_a_centre_without_coordinates_has_no_density_and_disturbs_no_other():
    grid = squares(10)
    gaps = grid.astype("Float64")
    gaps.loc[[3, 50], "x"] = pd.NA
    points = events(100, 1_000)
    land = shapely.box(WEST - 1e4, SOUTH - 1e4, WEST + 1e4, SOUTH + 1e4)
    for land_given in (None, land):
        whole = density.kernel_density(points, grid, bandwidth_m=300, land=land_given)["density"]
        found = density.kernel_density(points, gaps, bandwidth_m=300, land=land_given)["density"]
        assert found[[3, 50]].isna().all()
        np.testing.assert_allclose(found.drop([3, 50]), whole.drop([3, 50]))
    assert density.ratio(points, events(50, 1_000, 2), gaps, bandwidth_m=300).loc[3, ["ratio", "p_value"]].isna().all()


def test_a_grid_of_one_cell_of_one_row_of_one_place_and_of_none():
    points = events(50, 1_000)
    for grid in (squares(1), squares(20).iloc[:20], squares(20).iloc[::20], pd.concat([squares(1)] * 3)):
        found = density.kernel_density(points, grid, bandwidth_m=400)["density"]
        np.testing.assert_allclose(found, direct(points, grid, 400, "quartic"))
    assert density.kernel_density(points, squares(5).iloc[:0], bandwidth_m=400)["density"].tolist() == []


@pytest.mark.parametrize(
    "function", [density.kernel_density, density.adaptive_kernel_density, density.sensitivity, density.ratio]
)
def test_inputs_stay_as_they_were_and_index_columns_and_order_are_kept(function):
    points = events(80, 1_000).assign(offence="robbery")
    grid = squares(10).sample(frac=1, random_state=1).assign(cell_id="a")
    before = points.copy(), grid.copy()
    given = (points, events(90, 1_000, 3)) if function is density.ratio else (points,)
    land = shapely.box(WEST, SOUTH, WEST + 500, SOUTH + 500)
    shape = shapely.to_wkb(land)
    found = function(*given, grid, bandwidth_m=200, land=land)
    pd.testing.assert_frame_equal(points, before[0])
    pd.testing.assert_frame_equal(grid, before[1])
    pd.testing.assert_frame_equal(found[grid.columns], grid)
    assert shapely.to_wkb(land) == shape


@pytest.mark.parametrize("width", [0, -5, np.nan, np.inf])
def test_a_bandwidth_that_is_no_length_is_refused(width):
    with pytest.raises(ValueError, match="above 0, in metres"):
        density.kernel_density(events(5, 100), squares(3), bandwidth_m=width)


def test_an_unknown_kernel_is_refused():
    with pytest.raises(ValueError, match="one of quartic, gaussian"):
        density.kernel_density(events(5, 100), squares(3), bandwidth_m=100, kernel="box")


# --- edges ---


def mass(grid, h, kernel, land):
    """What the edge correction divides by: density without land over density with it."""
    points = grid  # an event at every centre: density nowhere nought
    plain, corrected = (
        density.kernel_density(points, grid, bandwidth_m=h, kernel=kernel, land=given)["density"]
        for given in (None, land)
    )
    return (plain / corrected).to_numpy()


DISTANCE = np.array([0, 1, 50, 200, 500, 900, 1_500.0])


def half_plane(turn=0.0):
    """Land to the right of a straight border through (WEST, SOUTH), turned; and centres so far from it."""
    land = shapely.box(WEST, SOUTH - 1e5, WEST + 1e5, SOUTH + 1e5)
    centres = places(WEST + DISTANCE * np.cos(turn), SOUTH + DISTANCE * np.sin(turn))
    return shapely.affinity.rotate(land, turn, origin=(WEST, SOUTH), use_radians=True), centres


@pytest.mark.parametrize("turn", [0.0, 0.3, 2.0])
def test_beside_a_straight_border_the_mass_is_that_in_closed_form(turn):
    land, centres = half_plane(turn)
    if turn:
        centres = centres.iloc[1:]  # a centre on a border at an angle lies, in floating point, on either side of it
    distance = DISTANCE[-len(centres) :] / 1_000
    gaussian = mass(centres, 1_000, "gaussian", land)
    np.testing.assert_allclose(gaussian, stats.norm.cdf(distance), atol=2e-7)  # Phi(d/h)

    def quartic(d):
        value, _ = integrate.dblquad(
            lambda y, x: 3 / np.pi * (1 - x * x - y * y) ** 2,
            -min(d, 1),
            1,
            lambda x: -np.sqrt(max(0, 1 - x * x)),
            lambda x: np.sqrt(max(0, 1 - x * x)),
        )
        return value

    np.testing.assert_allclose(mass(centres, 1_000, "quartic", land), [quartic(d) for d in distance], atol=2e-7)


def test_on_a_corner_a_quarter_counts_and_on_a_narrow_quay_what_is_there():
    land = shapely.box(WEST, SOUTH, WEST + 10_000, SOUTH + 10_000)
    corner = places([WEST], [SOUTH])
    for kernel in density.KERNELS:
        assert mass(corner, 900, kernel, land)[0] == pytest.approx(0.25, abs=2e-7)
    # a quay 20 m wide and endless: 2 Phi(10 / h) - 1 = 0.00797884 for h = 1,000 m
    quay = shapely.box(WEST - 1e5, SOUTH - 10, WEST + 1e5, SOUTH + 10)
    assert mass(corner, 1_000, "gaussian", quay)[0] == pytest.approx(0.00797871, rel=1e-5)


def boxed(land_boxes, grid, h):
    """Gaussian mass in boxes: products of normal probabilities. A box with -1 is a hole."""
    total = 0.0
    for x0, y0, x1, y1, sign in land_boxes:
        wide = stats.norm.cdf((x1 - grid["x"]) / h) - stats.norm.cdf((x0 - grid["x"]) / h)
        total = total + sign * wide * (stats.norm.cdf((y1 - grid["y"]) / h) - stats.norm.cdf((y0 - grid["y"]) / h))
    return np.asarray(total)


@pytest.mark.parametrize("h", [60, 400, 1_000, 5_000])
def test_islands_and_holes_have_the_mass_in_closed_form(h):
    x, y = WEST, SOUTH
    main, lake = (x, y, x + 2_000, y + 2_000), (x + 400, y + 500, x + 1_100, y + 900)
    islands = [(x + 2_200, y, x + 2_500, y + 700), (x + 700, y + 600, x + 800, y + 700)]  # one in the lake
    land = shapely.union_all([shapely.box(*main) - shapely.box(*lake), *(shapely.box(*box) for box in islands)])
    grid = squares(52, 50.0)
    found = mass(grid, h, "gaussian", land)
    expected = boxed([(*main, 1), (*lake, -1), *((*box, 1) for box in islands)], grid, h)
    on_land = shapely.intersects_xy(land, grid["x"], grid["y"])
    np.testing.assert_array_equal(np.isfinite(found), on_land)
    np.testing.assert_allclose(found[on_land], expected[on_land], rtol=2e-4)


def layered(centre, h, land):
    """Quartic mass on land as a sum over discs: the integral of -K'(r) times the area of land within r."""
    nodes, shares = np.polynomial.legendre.leggauss(60)
    r = (nodes + 1) / 2 * h
    fall = 12 / (np.pi * h**4) * r * (1 - (r / h) ** 2)
    areas = [shapely.Point(centre).buffer(radius, quad_segs=256).intersection(land).area for radius in r]
    return (fall * areas * shares).sum() * h / 2


def test_a_ragged_coast_has_the_mass_summed_disc_by_disc():
    angle = np.linspace(0, 2 * np.pi, 900, endpoint=False)
    rng = np.random.default_rng(8)
    radius = 2_000 + 150 * np.sin(7 * angle) + 60 * np.sin(45 * angle) + rng.normal(0, 15, 900)
    land = shapely.Polygon(np.column_stack([WEST + radius * np.cos(angle), SOUTH + radius * np.sin(angle)]))
    land = shapely.union(land, shapely.Point(WEST + 2_600, SOUTH).buffer(200))
    grid = places(WEST + np.array([0, 1_200, 1_700, 1_950, 2_600]), SOUTH + np.array([0, 300, 900, 60, 0]))
    for h in (500, 1_500):
        expected = [layered((x, y), h, land) for x, y in zip(grid["x"], grid["y"], strict=True)]
        np.testing.assert_allclose(mass(grid, h, "quartic", land), expected, rtol=5e-4)


@pytest.mark.parametrize("kernel", density.KERNELS)
def test_on_a_fine_grid_the_mass_between_nodes_is_that_at_each_centre(kernel):
    # a grid finer than the nodes the mass is worked out at; each centre alone is worked out by itself
    land = (
        shapely.Point(WEST + 1_000, SOUTH + 1_000)
        .buffer(1_100)
        .difference(shapely.box(WEST, SOUTH, WEST + 700, SOUTH + 900))
    )
    grid = squares(100, 20.0)
    found = mass(grid, 900, kernel, land)
    some = grid[np.isfinite(found)].sample(40, random_state=2)
    alone = [mass(some.iloc[[i]], 900, kernel, land)[0] for i in range(40)]
    np.testing.assert_allclose(found[some.index], alone, rtol=2e-4)


def test_even_events_on_land_have_an_even_density_up_to_the_coast():
    # a lattice of events 20 m apart on land only: 2,500 per square kilometre everywhere, and half of it on the coast
    # without the correction
    x, y = np.meshgrid(WEST + 10 + np.arange(0, 3_000, 20.0), SOUTH + 10 + np.arange(0, 3_000, 20.0))
    land = shapely.box(WEST, SOUTH, WEST + 3_000, SOUTH + 3_000)
    grid = squares(31)
    found = density.kernel_density(places(x.ravel(), y.ravel()), grid, bandwidth_m=600, land=land)["density"]
    np.testing.assert_allclose(found, 2_500, rtol=2e-3)
    plain = density.kernel_density(places(x.ravel(), y.ravel()), grid, bandwidth_m=600)["density"]
    assert plain[15] == pytest.approx(1_250, rel=2e-3)


def test_land_that_reaches_everywhere_changes_nothing():
    points, grid = events(200, 1_000), squares(10)
    land = shapely.box(WEST - 1e6, SOUTH - 1e6, WEST + 1e6, SOUTH + 1e6)
    for kernel in density.KERNELS:
        plain = density.kernel_density(points, grid, bandwidth_m=300, kernel=kernel)
        found = density.kernel_density(points, grid, bandwidth_m=300, kernel=kernel, land=land)
        pd.testing.assert_frame_equal(found, plain, rtol=1e-6)


def test_cells_outside_the_land_are_missing_and_those_on_its_border_are_not():
    land = shapely.box(WEST, SOUTH, WEST + 400, SOUTH + 400)
    grid = squares(6)
    found = density.kernel_density(events(100, 500), grid, bandwidth_m=300, land=land)["density"]
    outside = (grid["x"] > WEST + 400) | (grid["y"] > SOUTH + 400)
    np.testing.assert_array_equal(found.isna(), outside)
    assert np.isfinite(found[~outside]).all()
    nowhere = density.kernel_density(events(100, 500), grid, bandwidth_m=300, land=shapely.Polygon())["density"]
    assert nowhere.isna().all()


def test_events_beyond_the_land_count_as_given():
    # on a quay, past a generalised coast: the density is that of all events, over the mass inside
    land, grid = shapely.box(WEST, SOUTH, WEST + 500, SOUTH + 500), places([WEST + 100], [SOUTH + 250])
    quay = places([WEST - 30], [SOUTH + 250])
    found = density.kernel_density(quay, grid, bandwidth_m=200, land=land)["density"][0]
    # u^2 = (130/200)^2 = 0.4225; 3 / (pi 0.04) * 0.5775^2 = 7.961875; 100 m = half a radius from a long straight border
    assert found == pytest.approx(7.961875 / layered((WEST + 100, SOUTH + 250), 200, land), rel=1e-5)


def test_land_drawn_with_a_crossing_and_a_collection_with_lines_are_read_by_their_area():
    grid, points = squares(6), events(100, 500)
    bow = shapely.Polygon([(WEST, SOUTH), (WEST + 500, SOUTH + 500), (WEST + 500, SOUTH), (WEST, SOUTH + 500)])
    halves = shapely.make_valid(bow)
    line = shapely.LineString([(WEST - 100, SOUTH), (WEST + 900, SOUTH)])
    expected = density.kernel_density(points, grid, bandwidth_m=200, land=halves)
    assert expected["density"].notna().any()
    for drawn in (bow, shapely.GeometryCollection([halves, line])):
        pd.testing.assert_frame_equal(density.kernel_density(points, grid, bandwidth_m=200, land=drawn), expected)


# --- bandwidths ---


def test_scotts_rule_is_that_worked_by_hand():
    # x 0, 2, 4, 6: mean 3, squares 9 + 1 + 1 + 9 = 20, over n - 1 = 3: sd 2.581989; y 0, 0, 3, 3: 9 / 3, sd 1.732051.
    # 4^(-1/6) = 0.793701: 2.049326 and 1.374730; root of their product 1.678472
    found = density.choose_bandwidth(places([0, 2, 4, 6], [0, 0, 3, 3])).iloc[0]
    assert found["bandwidth_x"] == pytest.approx(2.049326, abs=1e-6)
    assert found["bandwidth_y"] == pytest.approx(1.374730, abs=1e-6)
    assert found["bandwidth_m"] == pytest.approx(1.678472, abs=1e-6)
    assert found["method"] == "Scott's rule"


def test_scotts_rule_is_that_of_spatstat_and_of_scipy():
    # bw.scott.iso of spatstat prints 0.3871331 for these six points
    six = places([0.25, 0.75, 0.75, 1.75, 2.25, 2.25], [1.25, 1.25, 1.75, 1.25, 1.25, 0.75])
    assert density.choose_bandwidth(six)["bandwidth_m"][0] == pytest.approx(0.3871331, abs=5e-8)
    points = events(500, 1_000)
    theirs = stats.gaussian_kde(points.to_numpy().T).scotts_factor() * points.std()
    np.testing.assert_allclose(density.choose_bandwidth(points)[["bandwidth_x", "bandwidth_y"]].iloc[0], theirs)


def test_the_quartic_radius_is_that_of_equal_efficiency():
    # (R(K) / variance^2)^(1/6) of the quartic over that of the gaussian, by integration over the disc and the plane
    def constant(shape, reach):
        r_of_k = integrate.quad(lambda r: shape(r) ** 2 * 2 * np.pi * r, 0, reach)[0]
        variance = integrate.quad(lambda r: shape(r) * np.pi * r**3, 0, reach)[0]
        return (r_of_k / variance**2) ** (1 / 6)

    quartic = constant(lambda r: 3 / np.pi * (1 - r * r) ** 2, 1)
    gaussian = constant(lambda r: np.exp(-r * r / 2) / (2 * np.pi), 12)
    row = density.choose_bandwidth(events(50, 1_000)).iloc[0]
    assert row["quartic_radius_m"] / row["bandwidth_m"] == pytest.approx(quartic / gaussian, rel=2e-4)


def test_the_robust_rule_is_not_widened_by_a_few_far_events():
    points = events(400, 1_000)
    far = pd.concat([points, places([WEST + 1e5] * 3, [SOUTH + 1e5] * 3)])
    plain, robust = (density.choose_bandwidth(far, rule=rule)["bandwidth_m"][0] for rule in ("scott", "robust"))
    assert plain > 5 * robust
    # x 0..8: quartiles 2 and 6, 4 / 1.349 = 2.965; sd 2.738613 is smaller and stays: times 9^(-1/6) = 0.693361
    nine = places(range(9), range(9))
    assert density.choose_bandwidth(nine, rule="robust")["bandwidth_x"][0] == pytest.approx(1.898848, abs=1e-6)
    mostly_one_place = places([0] * 8 + [9], range(9))  # a quarter range of nought says nothing: the sd stays
    assert density.choose_bandwidth(mostly_one_place, rule="robust")["bandwidth_x"][0] > 0


def test_events_along_a_line_have_the_bandwidth_along_it():
    found = density.choose_bandwidth(places([0, 2, 4, 6], [5, 5, 5, 5])).iloc[0]
    assert found["bandwidth_y"] == 0
    assert found["bandwidth_m"] == found["bandwidth_x"] > 0


@pytest.mark.parametrize("points", [places([], []), places([1], [1]), places([1, 1, np.nan], [2, 2, 5])])
def test_events_at_fewer_than_two_places_have_no_bandwidth(points):
    with pytest.raises(NotEnoughData, match="events at two places at least"):
        density.choose_bandwidth(points)
    with pytest.raises(ValueError, match="one of scott, robust"):
        density.choose_bandwidth(events(9, 100), rule="guess")


# --- adaptive ---


@pytest.mark.parametrize("kernel", density.KERNELS)
def test_adaptive_bandwidths_follow_the_square_root_law_written_out(kernel):
    points, grid, h, pilot_h = events(150, 2_000), scattered(60, 2_000), 300, 450
    weights = np.random.default_rng(1).integers(1, 4, 150).astype(float)
    pilot = direct(points, points, pilot_h, kernel, weights)
    middle = np.exp((weights * np.log(pilot)).sum() / weights.sum())
    own = h * np.minimum(np.sqrt(middle / pilot), 5)
    expected = [
        sum(
            direct(points.iloc[[i]], grid.iloc[[c]], own[i], kernel, weights[[i]])[0] for i in range(150)
        ) for c in range(10)
    ]  # fmt: skip
    found = density.adaptive_kernel_density(
        points.assign(n=weights), grid, bandwidth_m=h, pilot_m=pilot_h, kernel=kernel, weight="n"
    )["density"]
    np.testing.assert_allclose(found[:10], expected, rtol=1e-5, atol=1e-7 * found.max())


def test_adaptive_density_adds_up_to_the_events_and_is_sharper_at_the_peak():
    points, grid = events(600, 4_000), squares(120, 50.0)
    points = points[points["x"].between(WEST + 1_000, WEST + 3_000) & points["y"].between(SOUTH + 1_000, SOUTH + 3_000)]
    settings = {"bandwidth_m": 400, "kernel": "quartic"}
    wide = squares(320, 50.0) - [4_000, 4_000]
    adaptive = density.adaptive_kernel_density(points, wide, **settings)["density"]
    assert adaptive.sum() * 0.0025 == pytest.approx(len(points), rel=1e-3)
    assert adaptive.max() > 1.2 * density.kernel_density(points, grid, **settings)["density"].max()


def test_where_all_lie_at_one_place_adaptive_is_fixed():
    points, grid = places([WEST + 30] * 5, [SOUTH + 80] * 5), squares(6)
    land = shapely.box(WEST, SOUTH, WEST + 400, SOUTH + 400)
    found = density.adaptive_kernel_density(points, grid, bandwidth_m=300)
    pd.testing.assert_frame_equal(found, density.kernel_density(points, grid, bandwidth_m=300))
    with_land = density.adaptive_kernel_density(points, grid, bandwidth_m=300, land=land)["density"]
    assert with_land.isna().sum() == 36 - 25


def test_adaptive_edge_correction_uses_the_bandwidth_an_event_would_have_there():
    land, centres = half_plane()
    points, h = events(300, 3_000), 400
    pilot = direct(points, points, h, "gaussian")
    middle = np.exp(np.log(pilot).mean())
    there = h * np.minimum(np.sqrt(middle / direct(points, centres, h, "gaussian")), 5)
    settings = {"bandwidth_m": h, "kernel": "gaussian"}
    plain = density.adaptive_kernel_density(points, centres, **settings)["density"]
    corrected = density.adaptive_kernel_density(points, centres, land=land, **settings)["density"]
    np.testing.assert_allclose(plain / corrected, stats.norm.cdf(DISTANCE / there), atol=1e-5)


# --- sensitivity ---


def test_sensitivity_counts_in_how_many_of_three_bandwidths_a_cell_is_in_the_top():
    points, grid = events(500, 2_000), squares(20)
    land = shapely.box(WEST, SOUTH, WEST + 1_900, SOUTH + 1_500)
    found = density.sensitivity(points, grid, bandwidth_m=300, land=land, top=0.1)
    counted = 0
    for name, width in (("density_half", 150), ("density", 300), ("density_double", 600)):
        alone = density.kernel_density(points, grid, bandwidth_m=width, land=land)["density"]
        pd.testing.assert_series_equal(found[name], alone, check_names=False)
        counted = counted + (alone.rank(ascending=False, method="min") <= 32)  # 320 cells on land, a tenth of them
    on_land = found["density"].notna()
    assert on_land.sum() == 320
    np.testing.assert_allclose(found.loc[on_land, "in_top"], counted[on_land] / 3)
    assert found.loc[~on_land, "in_top"].isna().all()
    assert set(counted[on_land]) == {0, 1, 2, 3}


def test_cells_as_dense_as_the_last_in_the_top_belong_to_it_and_empty_ones_never():
    grid = places([0, 1_000, 2_000, 3_000], [0, 0, 0, 0])
    found = density.sensitivity(places([0, 1_000], [0, 0]), grid, bandwidth_m=100, top=0.25)
    assert found["in_top"].tolist() == [1, 1, 0, 0]
    assert density.sensitivity(places([], []), grid, bandwidth_m=100)["in_top"].tolist() == [0, 0, 0, 0]


# --- ratio ---


@pytest.mark.parametrize("kernel", density.KERNELS)
def test_the_ratio_is_that_of_two_densities_each_over_its_own_total(kernel):
    cases, controls, grid = events(80, 2_000, 1), events(500, 2_000, 2), scattered(200, 2_000)
    found = density.ratio(cases, controls, grid, bandwidth_m=500, kernel=kernel)
    expected = direct(cases, grid, 500, kernel) / 80 / (direct(controls, grid, 500, kernel) / 500)
    np.testing.assert_allclose(found["ratio"], expected, rtol=1e-5)


def test_people_at_a_place_count_as_so_many_controls():
    cases, grid = events(60, 2_000, 1), squares(20)
    areas = scattered(40, 2_000, 3).assign(population=np.arange(1, 41))
    people = areas.loc[areas.index.repeat(areas["population"])]
    for permutations in (0, 99):
        settings = {"bandwidth_m": 500, "permutations": permutations, "seed": 1}
        weighted = density.ratio(cases, areas, grid, control_weight="population", **settings)
        pd.testing.assert_frame_equal(weighted, density.ratio(cases, people, grid, **settings))


def every_labelling(cases, controls, grid, h):
    """Two-sided p over all ways to call as many of the pooled events cases; the mean sums of kernels too."""
    pooled = pd.concat([cases, controls], ignore_index=True)
    kernels = np.array([direct(pooled.iloc[[i]], grid, h, "quartic") for i in range(len(pooled))])
    observed = kernels[: len(cases)].sum(axis=0)
    drawn = np.array([kernels[list(some)].sum(axis=0) for some in combinations(range(len(pooled)), len(cases))])
    high, low = (drawn >= observed - 1e-9).mean(axis=0), (drawn <= observed + 1e-9).mean(axis=0)
    return np.minimum(1, 2 * np.minimum(high, low)), kernels.sum(axis=0) > 0


def test_random_labelling_has_the_p_value_of_all_labellings():
    cases, controls, grid = events(5, 1_000, 1), events(11, 1_000, 2), squares(8, 150.0)  # 4,368 labellings
    expected, some = every_labelling(cases, controls, grid, 400)
    m = 9_999
    found = density.ratio(cases, controls, grid, bandwidth_m=400, permutations=m, seed=3)["p_value"]
    error = 2 * np.sqrt(expected / 2 * (1 - expected / 2) / m)
    assert found[~some].isna().all()
    assert (np.abs(found - expected)[some] <= 5 * error[some] + 2 / (m + 1)).all()
    assert len(set(np.round(expected, 3))) > 10


def test_the_approximation_has_the_mean_variance_and_skewness_of_all_labellings():
    rng = np.random.default_rng(3)
    k, cases, n = rng.gamma(0.5, size=12), 4, 12
    sums = np.array([k[list(some)].sum() for some in combinations(range(n), cases)])
    z = (2.5 - sums.mean()) / sums.std()
    expected = stats.pearson3.sf(z, stats.skew(sums))
    assert stats.skew(sums) > 0.25
    moments = [np.array([(k**power).sum()]) for power in (1, 2, 3)]
    found = density_chance.pearson_p(np.array([2.5]), *moments, cases, n - cases)[0]
    assert found == pytest.approx(min(1, 2 * min(expected, 1 - expected)), rel=1e-9)
    mirrored = density_chance.pearson_p(np.array([k.sum() - 2.5]), *moments, n - cases, cases)[0]
    assert mirrored == pytest.approx(found, rel=1e-9)  # what is not a case is a control


def test_the_approximation_comes_near_random_labelling_where_events_are_many():
    cases, controls, grid = events(200, 5_000, 1), events(1_500, 5_000, 2), squares(12, 400.0)
    near = density.ratio(cases, controls, grid, bandwidth_m=1_500)["p_value"]
    drawn = density.ratio(cases, controls, grid, bandwidth_m=1_500, permutations=4_999, seed=1)["p_value"]
    assert (near - drawn).abs().max() < 0.04
    assert near.corr(drawn) > 0.998


@pytest.mark.parametrize(("cases", "controls", "h"), [(300, 2_000, 1_200), (40, 4_000, 700), (150, 60, 900)])
def test_labels_drawn_at_random_report_places_no_more_often_than_the_error_rate(cases, controls, h):
    grid, by_curve, by_draws = squares(14, 350.0), [], []
    for seed in range(40):
        both = events(cases + controls, 5_000, 1_000 + seed).sample(frac=1, random_state=seed)
        given = both.iloc[:cases], both.iloc[cases:], grid
        by_curve.append(density.ratio(*given, bandwidth_m=h)["p_value"])
        if seed < 15:
            by_draws.append(density.ratio(*given, bandwidth_m=h, permutations=199, seed=seed)["p_value"])
    # means over the places of 40 (15) maps, some 10 independent places in each: three standard errors of a rate of 5%
    # are 0.033 and 0.053, of 1% 0.015
    assert 0.005 < (np.stack(by_curve) < 0.05).mean() < 0.05 + 0.033
    assert (np.stack(by_curve) < 0.01).mean() < 0.01 + 0.015
    assert 0.005 < (np.stack(by_draws) < 0.05).mean() < 0.05 + 0.053


def test_a_planted_risk_is_found_where_it_is_and_not_where_people_are():
    grid, people = squares(25, 200.0), events(4_000, 5_000, 3)
    rng = np.random.default_rng(4)
    cases = pd.concat([people.sample(300, random_state=1), cluster(rng, 40, 150, 1_000)])
    for permutations in (0, 1_999):
        found = density.ratio(cases, people, grid, bandwidth_m=600, permutations=permutations)
        distance = np.hypot(grid["x"] - WEST - 1_000, grid["y"] - SOUTH - 1_000)
        assert (found["p_value"][distance < 300] <= 0.001).all()
        assert (found["ratio"][distance < 300] > 3).all()
        middle = np.hypot(grid["x"] - WEST - 2_500, grid["y"] - SOUTH - 2_500) < 500  # where people are densest
        assert (found["p_value"][middle] > 0.01).all()


def test_with_nobody_in_reach_there_is_neither_ratio_nor_p_and_with_no_control_only_p():
    cases, controls = places([0, 0, 5_000], [0, 10, 0]), places([0, 0, 0, 0], [20, 30, 40, 50])
    grid = places([0, 5_000, 10_000], [0, 0, 0])
    for permutations in (0, 99):
        found = density.ratio(cases, controls, grid, bandwidth_m=1_000, permutations=permutations)
        assert found["ratio"].notna().tolist() == [True, False, False]
        assert found["p_value"].notna().tolist() == [True, True, False]


def test_events_all_at_one_place_have_a_ratio_of_one_and_no_small_p_value():
    one = places([0] * 4, [0] * 4)
    for permutations in (0, 99):
        found = density.ratio(one.iloc[:1], one, places([100], [0]), bandwidth_m=500, permutations=permutations)
        np.testing.assert_allclose(found[["ratio", "p_value"]], [[1, 1]])


def test_the_ratio_is_the_same_with_land_and_missing_outside_it():
    cases, controls, grid = events(80, 2_000, 1), events(500, 2_000, 2), squares(20)
    land = shapely.box(WEST, SOUTH, WEST + 950, SOUTH + 1_950)
    plain = density.ratio(cases, controls, grid, bandwidth_m=500)
    found = density.ratio(cases, controls, grid, bandwidth_m=500, land=land)
    on_land = grid["x"] < WEST + 950
    pd.testing.assert_frame_equal(found[on_land], plain[on_land])
    assert found.loc[~on_land, ["ratio", "p_value"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("cases", "controls"),
    [(places([], []), places([1], [1])), (places([1], [1]), places([], [])), (places([np.nan], [1]), places([1], [1]))],
)
def test_a_comparison_without_cases_or_without_controls_is_refused(cases, controls):
    with pytest.raises(NotEnoughData, match="at least one case and one control"):
        density.ratio(cases, controls, squares(3), bandwidth_m=100)


def test_parts_of_people_cannot_be_labelled_at_random():
    with pytest.raises(ValueError, match="whole numbers"):
        density.ratio(
            places([1], [1]), places([1], [1], n=[0.5]), squares(3), bandwidth_m=100, control_weight="n", permutations=9
        )


def test_the_same_seed_gives_the_same_p_values_and_another_one_others():
    given = events(20, 1_000, 1), events(60, 1_000, 2), squares(5)
    first, again, other = (
        density.ratio(*given, bandwidth_m=400, permutations=99, seed=seed)["p_value"] for seed in (1, 1, 2)
    )
    pd.testing.assert_series_equal(first, again)
    assert (first != other).any()
