"""Parts of the map to leave out in turn: is a model right in places it has not seen? A row is an area."""

import numpy as np
import pandas as pd

from analytics import grids
from analytics.errors import NotEnoughData

BLOCKS = 50  # ten for each of five folds: large enough to part neighbours, enough to balance the folds
_HALVINGS = 20  # of the search for the size of a block: to a millionth of the map


def spatial_folds(
    coordinates: pd.DataFrame, *, folds: int = 5, block_m: float | None = None, seed: int = 0
) -> np.ndarray:
    """Which areas to leave out together, so that a model is tried on places whose neighbours it has not learned from?

    coordinates : `x`, `y` (metres), one row per area.
    block_m : the size of the hexagonal blocks, across the flats; None for the largest of which the areas fill at least
        50 (or one for each place, where there are fewer). Larger than the distance over which areas are alike is best.
    seed : blocks are shuffled, and each goes to the fold with the fewest areas so far.

    Returns the fold of each area, 0 to folds - 1, as whole numbers; decimals with missing values where a coordinate is
    missing. No block is in two folds; the largest fold has at most one block's areas more than the smallest.
    Misleads at the edges of blocks, where an area is still next to one learned from. There is no buffer between: with
    blocks of this size it would take away most of what there is to learn from. Where whole districts are unlike any
    other, all such scores are low: the question was whether the model holds there, and it does not.
    Source: Roberts et al. (2017), Ecography 40(8), 913-929.
    """
    x, y = (coordinates[name].to_numpy(dtype=float, na_value=np.nan) for name in ("x", "y"))
    known = np.isfinite(x) & np.isfinite(y)
    block = _blocks(x[known], y[known], block_m)
    sizes = np.bincount(block)
    if len(sizes) < folds:
        raise NotEnoughData(
            f"Leaving out {folds} parts of the map in turn needs at least {folds} blocks of areas; "
            f"there {'is' if len(sizes) == 1 else 'are'} {len(sizes)}."
        )
    fold_of, filled = np.zeros(len(sizes), dtype=np.int64), np.zeros(folds, dtype=np.int64)
    for one in np.random.default_rng(seed).permutation(len(sizes)):
        fold_of[one] = filled.argmin()
        filled[fold_of[one]] += sizes[one]
    if known.all():
        return fold_of[block]
    found = np.full(len(x), np.nan)
    found[known] = fold_of[block]
    return found


def _blocks(x: np.ndarray, y: np.ndarray, block_m: float | None) -> np.ndarray:
    """The number of the block of each place, from 0, in order of their columns and rows."""
    if block_m is not None and not block_m > 0:
        raise ValueError("block_m is a size in metres, above 0.")
    if not len(x):
        return np.zeros(0, dtype=np.int64)
    if block_m is None:
        places, block = np.unique(np.column_stack([x, y]), axis=0, return_inverse=True)
        if len(places) <= BLOCKS:
            return block.ravel()
        block_m = _size(x, y)
    cells = np.column_stack(grids.cell_of(x, y, size_m=block_m))
    return np.unique(cells, axis=0, return_inverse=True)[1].ravel()


def _size(x: np.ndarray, y: np.ndarray) -> float:
    """About the largest size of which the areas fill at least `BLOCKS`, by halving."""
    large = 2 * max(np.ptp(x), np.ptp(y))
    small = large
    while _filled(x, y, small) < BLOCKS:
        small /= 2
    for _ in range(_HALVINGS):
        middle = (small + large) / 2
        small, large = (middle, large) if _filled(x, y, middle) >= BLOCKS else (small, middle)
    return small


def _filled(x: np.ndarray, y: np.ndarray, block_m: float) -> int:
    q, r = grids.cell_of(x, y, size_m=block_m)
    return len(np.unique(q * 2.0**31 + r))
