"""Events per square kilometre, smoothed, and how they compare with a second pattern. A row is a cell's centre."""

from math import ceil

import numpy as np
import pandas as pd

from analytics import density_chance as chance
from analytics import density_mass as mass
from analytics import density_sums as sums
from analytics.errors import NotEnoughData

KERNELS = ("quartic", "gaussian")
RULES = ("scott", "robust")
QUARTIC_RADIUS = 460.8 ** (1 / 6)  # 2.78: quartic radius over gaussian sd of equal efficiency, see `choose_bandwidth`
NORMAL_IQR = 1.349  # interquartile range of a normal distribution, in standard deviations
TRIM = 5  # an adaptive bandwidth is at most so many times the geometric mean, else lone events cover the county
TOP = 0.05  # share of cells called the top in `sensitivity`: about what a force can visit


def kernel_density(
    points: pd.DataFrame,
    grid: pd.DataFrame,
    *,
    bandwidth_m: float,
    kernel: str = "quartic",
    weight: str | None = None,
    land=None,
) -> pd.DataFrame:
    """Where do events lie densest, seen through a window of stated width?

    points : one row per event, `x`, `y` in metres; a missing coordinate or weight leaves the row out. Events outside
        the grid count in the cells they reach.
    grid : one row per cell, `x`, `y` of its centre: squares, hexagons, or centres anywhere.
    bandwidth_m : where the quartic reaches zero; the standard deviation of the gaussian (see `choose_bandwidth`).
    weight : the column that says how many events a row stands for; none: one each.
    land : one shapely geometry, for edge correction: density over the share of the kernel inside it.

    Returns `grid` with `density`, events per square kilometre at the centre, to 0.1% of the highest. Nought without
    events. With `land`, cells whose centre lies outside are missing.
    Misleads: another bandwidth is another map (`sensitivity`); density follows people (`ratio`); it paints fields
    between streets, and few events as smooth hills. With `land`, all events given count: those recorded beyond a
    border that is not a coast must be left out, else the border counts twice. On narrow spits the correction is
    large, and so is the noise.
    Source: Silverman (1986), Density Estimation, 4.2; Diggle (1985), Applied Statistics 34(2), 138-147, for edges.
    """
    _check(kernel, bandwidth_m)
    centres = _centres(grid)
    density = sums.density(_events(points, weight), centres, bandwidth_m, kernel)
    if land is not None:
        density /= mass.mass_inside(centres, np.float64(bandwidth_m), kernel, mass.polygons(land))
    return grid.assign(density=density)


def adaptive_kernel_density(
    points: pd.DataFrame,
    grid: pd.DataFrame,
    *,
    bandwidth_m: float,
    pilot_m: float | None = None,
    narrowest_m: float = 0.0,
    kernel: str = "quartic",
    weight: str | None = None,
    land=None,
) -> pd.DataFrame:
    """As `kernel_density`, with a narrower window where events are many and a wider one where they are few.

    bandwidth_m : the geometric mean of the events' bandwidths. pilot_m : bandwidth of the first, fixed density that
        sets them; the same if not given. narrowest_m : no bandwidth is below this, as for points snapped to a street.
        Other arguments as in `kernel_density`.

    Returns `grid` with `density`. Each event's bandwidth goes with one over the square root of the pilot density at
    its place, up to 5 times the mean. With `land`, the kernel at a centre has the bandwidth an event there would have.
    Misleads: two maps of different periods have different bandwidths in the same place. Without `narrowest_m` a
    bandwidth goes down to a few metres at a pile of snapped events, whose peak then is that of the snapping.
    Source: Abramson (1982), Annals of Statistics 10(4), 1217-1223; Silverman (1986), 5.3.
    """
    _check(kernel, bandwidth_m, pilot_m or bandwidth_m)
    x, y, w = sums.collapsed(*_events(points, weight))
    centres = _centres(grid)
    if not w.any():
        return kernel_density(points, grid, bandwidth_m=bandwidth_m, kernel=kernel, land=land)
    x, y, w = x[w != 0], y[w != 0], w[w != 0]
    pilot_m = np.float64(pilot_m or bandwidth_m)
    pilot = sums.exact(x, y, w, pilot_m, np.stack([x, y]), kernel)
    level = np.exp(np.average(np.log(pilot), weights=w))
    own = _abramson(pilot, level, bandwidth_m, narrowest_m)
    density = sums.per_km2(sums.exact(x, y, w / own**2, own, centres, kernel), 1.0, kernel)
    if land is not None:
        there = _abramson(sums.exact(x, y, w, pilot_m, centres, kernel), level, bandwidth_m, narrowest_m)
        density /= mass.mass_inside(centres, there, kernel, mass.polygons(land))
    return grid.assign(density=density)


def sensitivity(
    points: pd.DataFrame,
    grid: pd.DataFrame,
    *,
    bandwidth_m: float,
    kernel: str = "quartic",
    weight: str | None = None,
    land=None,
    top: float = TOP,
) -> pd.DataFrame:
    """Would the map say the same with half, or double, the bandwidth?

    top : share of cells with a value that are called the top, rounded up; cells as dense as the last one belong to it,
        empty ones never. Other arguments as in `kernel_density`; the cells should be of one size.

    Returns `grid` with `density_half`, `density`, `density_double` and `in_top`, the share (0, 1/3, 2/3 or 1) of these
    three in which the cell is in the top. Missing outside `land`.
    Misleads: a cell that stays in the top is robust to the bandwidth, not to chance.
    """
    names = {"density_half": bandwidth_m / 2, "density": bandwidth_m, "density_double": bandwidth_m * 2}
    settings = {"kernel": kernel, "weight": weight, "land": land}
    maps = {
        name: kernel_density(points, grid, bandwidth_m=width, **settings)["density"] for name, width in names.items()
    }
    in_top = sum(_top(density.to_numpy(), top).astype(float) for density in maps.values()) / len(maps)
    return grid.assign(**maps, in_top=np.where(maps["density"].isna(), np.nan, in_top))


def choose_bandwidth(points: pd.DataFrame, *, rule: str = "scott") -> pd.DataFrame:
    """A first bandwidth, from how widely the events are spread.

    points : one row per event, `x`, `y` in metres; rows with a missing coordinate are left out.
    rule : `scott`: standard deviation (n - 1) times n^(-1/6). `robust`: the same, with the interquartile range over
        1.349 for the standard deviation where that is smaller, so that a few far events do not widen it.

    Returns one row: `bandwidth_x`, `bandwidth_y`, `bandwidth_m` (their geometric mean, for the gaussian kernel),
    `quartic_radius_m` (for the quartic: 2.78 times that, the radius of equal efficiency), `method`.
    Misleads where events cluster, as crime does: the rule is made for one bell-shaped hill and smooths several into
    one. Take it as an upper end, and look at half of it.
    Source: Scott (1992), Multivariate Density Estimation, 6.42; the factor between kernels: Marron & Nolan (1988),
    Statistics & Probability Letters 7(3), 195-199, in two dimensions: the sixth root of the ratio of
    (integral of K^2) / (variance)^2 = 9/(5 pi) * 64 to 1/(4 pi).
    """
    if rule not in RULES:
        raise ValueError(f"The rule is one of {', '.join(RULES)}.")
    x, y, _ = _events(points, None)
    known = np.isfinite(x) & np.isfinite(y)
    place = np.column_stack([x[known], y[known]])
    if len(place) < 2 or (place == place[0]).all():
        raise NotEnoughData("A bandwidth needs events at two places at least, to see how widely they are spread.")
    spread = place.std(axis=0, ddof=1)
    if rule == "robust":
        quarters = np.subtract(*np.percentile(place, [75, 25], axis=0)) / NORMAL_IQR
        spread = np.where(quarters > 0, np.minimum(spread, quarters), spread)
    wide_x, wide_y = spread * len(place) ** (-1 / 6)
    one = np.sqrt(wide_x * wide_y) if min(wide_x, wide_y) > 0 else max(wide_x, wide_y)  # events along a line
    row = {"bandwidth_x": wide_x, "bandwidth_y": wide_y, "bandwidth_m": one, "quartic_radius_m": one * QUARTIC_RADIUS}
    return pd.DataFrame([row | {"method": "Scott's rule" if rule == "scott" else "Scott's rule, robust spread"}])


def ratio(
    cases: pd.DataFrame,
    controls: pd.DataFrame,
    grid: pd.DataFrame,
    *,
    bandwidth_m: float,
    kernel: str = "quartic",
    control_weight: str | None = None,
    land=None,
    permutations: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """Where are cases denser than the controls would make one expect (residents, or all recorded crime)?

    cases : one row per event, `x`, `y` in metres. controls : the same, other events than the cases (all recorded
        crime without the cases); or places with `control_weight` people, a column of whole numbers.
    bandwidth_m, kernel, grid, land : as in `kernel_density`, one bandwidth for both; edge correction cancels out, so
        that `land` only leaves out the cells beyond it.
    permutations : 0 for the approximation below; else so many random labellings, better where few lie in reach.

    Returns `grid` with `ratio` (1: as dense as the controls, each over its own total; missing without controls in
    reach) and `p_value`, two-sided, not corrected for the number of cells; missing with neither in reach. Contours of
    `p_value` at 0.05 are tolerance contours: between them the ratio is what chance gives.
    p asks how often as many of the pooled events in reach, weighted by the kernel, would be cases if the label were
    drawn at random among all. With permutations, min(1, 2 (r + 1)/(M + 1)). Else from the exact mean, variance and
    skewness of all labellings, by a Pearson III curve.
    Misleads where both are rare: a ratio of two small numbers, see p. Residents are not those who are out at night.
    People placed at the middle of an area make its edges look risky: no bandwidth below the size of the areas.
    Source: Kelsall & Diggle (1995), Statistics in Medicine 14(21-22), 2335-2342, for ratio and labellings; Davies &
    Hazelton (2010), Statistics in Medicine 29(23), 2423-2437, for contours; Mielke & Berry (2007), Permutation
    Methods, for the Pearson III curve.
    """
    _check(kernel, bandwidth_m)
    labelled = chance.labelled(_events(cases, None), _events(controls, control_weight))
    total = labelled[["cases", "controls"]].sum()
    if not total.min() > 0:
        raise NotEnoughData("A comparison of densities needs at least one case and one control with a place.")
    centres, h = _centres(grid), np.float64(bandwidth_m)
    if land is not None:
        centres = np.where(mass.inside(centres, mass.polygons(land)), centres, np.nan)
    x, y, case, control = (labelled[name].to_numpy() for name in ("x", "y", "cases", "controls"))
    in_cases, in_controls = (sums.exact(x, y, n, h, centres, kernel) for n in (case, control))
    found = np.full((2, len(grid)), np.nan)
    np.divide(in_cases / total["cases"], in_controls / total["controls"], out=found[0], where=in_controls > 0)
    if permutations:
        found[1] = chance.relabelled(x, y, case, control, centres, h, kernel, permutations, seed)
    else:
        moments = [sums.exact(x, y, case + control, h, centres, kernel, power) for power in (1, 2, 3)]
        found[1] = chance.pearson_p(in_cases, *moments, total["cases"], total["controls"])
    return grid.assign(ratio=found[0], p_value=np.where(in_cases + in_controls > 0, found[1], np.nan))


# --- arguments, an event's own bandwidth, the top ---


def _check(kernel: str, *bandwidths: float) -> None:
    if kernel not in KERNELS:
        raise ValueError(f"The kernel is one of {', '.join(KERNELS)}.")
    if not all(np.isfinite(width) and width > 0 for width in bandwidths):
        raise ValueError("A bandwidth is a length above 0, in metres.")


def _events(points: pd.DataFrame, weight: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and weights; a single weight stands for all. Missing ones are still in."""
    names = ["x", "y"] if weight is None else ["x", "y", weight]
    found = [np.ascontiguousarray(points[name].to_numpy(dtype=float, na_value=np.nan)) for name in names]
    return (*found, np.ones(1)) if weight is None else tuple(found)


def _centres(grid: pd.DataFrame) -> np.ndarray:
    return np.stack([grid[name].to_numpy(dtype=float, na_value=np.nan) for name in ("x", "y")])


def _abramson(pilot: np.ndarray, level: float, bandwidth_m: float, narrowest_m: float) -> np.ndarray:
    """Bandwidths by the square-root law about `level`, the geometric mean of the pilot density over the events."""
    far = level / TRIM**2  # also where the pilot is nought
    return np.maximum(bandwidth_m * np.sqrt(level / np.maximum(pilot, far)), narrowest_m)


def _top(density: np.ndarray, share: float) -> np.ndarray:
    known = density[np.isfinite(density)]
    if not known.size:
        return np.zeros(len(density), dtype=bool)
    last = np.sort(known)[-min(known.size, max(1, ceil(share * known.size)))]
    return (density >= last) & (density > 0)
