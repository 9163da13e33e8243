"""Smooth maps: how dense records lie, and how dense against residents or all recorded crime. A row is a cell.

Records stand at the middles of the finest cells their source allows. All take a scope of one source, a level (hexagons
alone), the size of cells and `tell`, as in `answers.hotspots`.
"""

import numpy as np
import pandas as pd
import shapely

from analytics import density as surfaces
from analytics import significance
from answers.hotspots import CRIME, Tell, of_all_crime, places, untold
from data import store
from data.store import Scope

FINEST_M, LEAST_RADIUS_M = 150, 1_000  # cells that records are gathered in; the narrowest window of a density
NARROWEST_M = 500  # an adaptive window never closes further: points are snapped
FEWEST_RECORDS = 30  # below this a density is a picture of single records
WIDTHS = {"normal": 1.0, "half": 0.5, "double": 2.0, "adaptive": 1.0}
AREAS_M = 1_000  # residents stand at the middles of small areas: no narrower window than these are wide
LIMITS = (0.01, 0.05)  # of the corrected p-value: tolerance contours


def density(scope: Scope, level: str, size_m: int, width: str = "normal", *, tell: Tell = untold) -> pd.DataFrame:
    """Records per square kilometre at the middle of each cell, through a window of stated width.

    width : of the window: "normal" (twice the cell size, at least 1,000 m), "half", "double", or "adaptive" (narrower
        where records are many, by Abramson's rule). Edges at the coast and the border are allowed for.

    Returns cell_id, density and `in_top`: at how many of half, this and double the window (a share of the three) the
    cell is among the densest twentieth. `.attrs["method"]` says how it was made.
    """
    cells, points, land = places(scope, level, size_m), _points(scope), _land(scope)
    radius = WIDTHS[width] * max(2 * size_m, LEAST_RADIUS_M)
    how = {"bandwidth_m": radius, "weight": "n", "land": land}
    tell(0.1, "density")
    answer = surfaces.sensitivity(points, cells, **how)[["cell_id", "density", "in_top"]]
    if width == "adaptive":
        tell(0.6, "window by window")
        answer["density"] = surfaces.adaptive_kernel_density(points, cells, narrowest_m=NARROWEST_M, **how)["density"]
    window = f"{radius:,.0f} m" + (" on average, narrower where records are many" if width == "adaptive" else "")
    answer.attrs["method"] = f"Quartic kernel, {window}, edges allowed for"
    return answer


def ratio(scope: Scope, level: str, size_m: int, against: str = CRIME, *, tell: Tell = untold) -> pd.DataFrame:
    """Where records are denser than residents, or than all other recorded crime, lead one to expect: risk ratio.

    against : `answers.hotspots.CRIME` (all other records of the source), or a denominator that small areas hold.

    Returns cell_id, density_ratio (1: as dense as expected; missing where less than one record is expected in reach,
    for a ratio to next to nothing says nothing), ratio_p (two-sided, after Benjamini-Hochberg over the cells with a
    ratio) and `risk`: 3 and 2 more than chance allows at 1% and 5%, -3 and -2 less, 0 neither or not known.
    """
    cells, cases = places(scope, level, size_m), _points(scope)
    radius = max(2 * size_m, LEAST_RADIUS_M) if against == CRIME else max(2 * size_m, 2 * AREAS_M)
    controls = _other_crime(scope, cases) if against == CRIME else _people(scope, against, cells)
    tell(0.1, "ratio of two densities")
    each = cases.loc[cases.index.repeat(cases["n"].astype(int)), ["x", "y"]]
    found = surfaces.ratio(each, controls, cells, bandwidth_m=radius, control_weight="n", land=_land(scope))
    enough = _expected(cases, controls, cells, radius) >= 1
    answer = found[["cell_id"]].assign(density_ratio=found["ratio"].where(enough))
    answer["ratio_p"] = significance.benjamini_hochberg(found["p_value"].where(answer["density_ratio"].notna()))
    sign = np.where(answer["density_ratio"] > 1, 1, -1)
    answer["risk"] = sign * np.select([answer["ratio_p"] < LIMITS[0], answer["ratio_p"] < LIMITS[1]], [3, 2], 0)
    answer.attrs["against"] = against
    answer.attrs["method"] = f"Ratio of two quartic kernels of {radius:,.0f} m, each over its own total; contours by \
random labelling, Benjamini-Hochberg"
    return answer


def _points(scope: Scope) -> pd.DataFrame:
    """Records gathered in fine cells: x, y, n; at least FEWEST_RECORDS of them."""
    finest = store.cell_counts(scope, size_m=max(store.floor_m(scope), FINEST_M))
    points = finest.loc[finest["n"] > 0, ["cell_id", "x", "y", "n"]]
    if points["n"].sum() < FEWEST_RECORDS:
        raise store.NotHeld(f"A smooth map of fewer than {FEWEST_RECORDS} records would show single records.")
    return points


def _land(scope: Scope) -> object:
    return shapely.union_all(store.areas(scope, level="lad").geometry.to_numpy())


def _other_crime(scope: Scope, cases: pd.DataFrame) -> pd.DataFrame:
    """All records of the source that are not among the cases, where they lie."""
    every = _points(of_all_crime(scope)).set_index("cell_id")
    rest = every["n"].sub(cases.set_index("cell_id")["n"], fill_value=0)
    if not rest.gt(0).any():
        raise store.NotHeld("This source records nothing but what is asked for, so there is nothing to compare with.")
    return every.assign(n=rest).loc[lambda rows: rows["n"] > 0].reset_index()


def _expected(cases: pd.DataFrame, controls: pd.DataFrame, cells: pd.DataFrame, radius: float) -> pd.Series:
    """About how many records would lie within the window of each cell, if they lay as the controls do."""
    there = surfaces.kernel_density(controls, cells, bandwidth_m=radius, weight="n")["density"]
    return there * np.pi * (radius / 1_000) ** 2 * cases["n"].sum() / controls["n"].sum()


def _people(scope: Scope, kind: str, cells: pd.DataFrame) -> pd.DataFrame:
    """Residents, or another population, spread evenly over the cells of the finest areas that hold them: x, y, n.

    An area too small to hold the middle of a cell has them at its own middle. Whole numbers, as labelling asks.
    """
    finest = next((level for level in ("lsoa", "msoa") if kind in store.denominators(scope, level=level)), None)
    if finest is None:
        raise store.NotHeld("No small areas with this population are held.")
    shapes = store.areas(scope, level=finest)
    people = store.area_counts(scope, level=finest, per=kind).set_index("area_code")["population"]
    cell, area = shapely.STRtree(shapes.geometry.to_numpy()).query(shapely.points(cells[["x", "y"]]), "intersects")
    inside = pd.DataFrame({"x": cells["x"].to_numpy()[cell], "y": cells["y"].to_numpy()[cell]})
    inside["area_code"] = shapes["area_code"].to_numpy()[area]
    without = shapes.loc[~shapes["area_code"].isin(inside["area_code"]), ["x", "y", "area_code"]]
    spots = pd.concat([inside, without], ignore_index=True)
    each = spots["area_code"].map(people) / spots.groupby("area_code")["x"].transform("size")
    return spots.assign(n=each.round()).loc[lambda rows: rows["n"] > 0, ["x", "y", "n"]]
