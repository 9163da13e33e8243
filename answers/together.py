"""Maps that are read together: two periods or two sources side by side, or one map month by month. A row is a place."""

import numpy as np
import pandas as pd

from answers.hotspots import Tell, held, hot, key_of, months, near, places, surface, untold
from data import store
from data.store import Scope

COUNT, HOT = "count", "hot"
WINDOWS = (1, 3, 12)  # months that each picture of a map that plays holds


def pair(left: Scope, right: Scope, level: str, size_m: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The surface (`answers.hotspots.surface`) of two scopes, of the places that either has, in one order."""
    one, other = surface(left, level, size_m), surface(right, level, size_m)
    key = key_of(level)
    every = pd.Index(one[key]).union(pd.Index(other[key]), sort=False)
    return tuple(_on(found.set_index(key), every, key) for found in (one, other))


def _on(found: pd.DataFrame, every: pd.Index, key: str) -> pd.DataFrame:
    """The places of both maps; one that this map lacks lies off the land and has no record on it."""
    lacking = ~every.isin(found.index)
    wide = found.reindex(every).rename_axis(key).reset_index()
    supplied = found["n"].notna().any()
    none = {"n": 0.0, "n_lower": 0.0, "n_upper": 0.0, "status": store.SHOWN} if supplied else {"status": store.MISSING}
    for column, value in none.items():
        wide.loc[lacking, column] = value
    wide.attrs = found.attrs
    return wide


def before(scope: Scope, what: str) -> Scope:
    """The period to set beside a scope's: `year` (the same months a year before) or `just` (as many months before)."""
    span = (scope.end.year - scope.start.year) * 12 + scope.end.month - scope.start.month + 1
    back = pd.DateOffset(months=12 if what == "year" else span)
    return scope.but(start=scope.start - back, end=scope.end - back)


def frames(scope: Scope, level: str, size_m: int, show: str, window: int, *, tell: Tell = untold) -> pd.DataFrame:
    """The map month by month: one row per place with records and month: its key, x, y, month, n, and `hot`.

    show : COUNT, or HOT, for which `hot` is 3 where Gi* of the counts is significant (Benjamini-Hochberg at 5%) and 0
        elsewhere. window : months that each picture adds up, those up to its month. The first picture is the first that
        is whole; a later one with a month that was not supplied is missing: one row without a place, `n` missing.
    """
    key = key_of(level)
    wide = scope.but(start=scope.start - pd.DateOffset(months=window - 1))
    found, supplied = places(wide, level, size_m), set(held(wide))
    around, counted = near(wide, level, found) if show == HOT else None, months(wide, level, size_m)
    whole = [{m - pd.DateOffset(months=back) for back in range(window)} <= supplied for m in months_of(scope)]
    if not any(whole):
        raise store.NotHeld("No picture of this period is whole: choose shorter ones, or months that were supplied.")
    asked, rows = months_of(scope)[whole.index(True) :], []  # the first may reach back too far
    for number, month in enumerate(asked):
        tell(number / len(asked), f"{month:%B %Y}")
        wanted = [month - pd.DateOffset(months=back) for back in range(window)]
        if not set(wanted) <= supplied:
            rows.append(pd.DataFrame({key: [None], "month": [month], "n": [np.nan], "hot": [np.nan]}))
            continue
        n = counted[counted["month"].isin(wanted)].groupby(key)["n"].sum()
        one = found[[key, "x", "y"]].assign(month=month, n=found[key].map(n).fillna(0.0))
        one["hot"] = np.where(hot(one, around), 3, 0) if show == HOT else 0
        some = one[(one["n"] > 0) | (one["hot"] > 0)]
        rows.append(some if len(some) else one.head(1))  # a quiet month is a picture too
    return pd.concat(rows, ignore_index=True)


def lacking(scope: Scope) -> int:
    """How many months of a scope's period its source did not supply."""
    return len(months_of(scope)) - len(held(scope))


def months_of(scope: Scope) -> pd.DatetimeIndex:
    """The months of a scope's period, supplied or not."""
    return pd.date_range(scope.start, scope.end, freq="MS")


def moved(left: pd.DataFrame, right: pd.DataFrame, key: str) -> pd.DataFrame:
    """Which places are hotspots in both, or in one of two maps alone: key, place, n_left, n_right, hot_in."""
    both = left[[key, "n", "confidence"]].assign(n_right=right["n"], other=right["confidence"])
    one, other = (both[c].fillna(0).to_numpy() > 1 for c in ("confidence", "other"))
    both["hot_in"] = np.select([one & other, one, other], ["both", "left", "right"], default="neither")
    return both.rename(columns={"n": "n_left"})[[key, "n_left", "n_right", "hot_in"]]


def names(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """What to call the places of a level: its key, name and the area it lies in."""
    if level == "hex":
        found = store.cell_names(scope, size_m=size_m)
        return found.rename(columns={"street": "name"})
    areas = store.areas(scope, level=level)
    return areas[["area_code", "name"]].assign(area=areas["everyday_name"])
