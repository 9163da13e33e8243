"""How places came to be hotspots and whether a map of them would have worked; a row is a place, or a way to rank.

All take a scope of one source, a level, the size of cells and `tell`, as in `answers.hotspots`.
"""

import numpy as np
import pandas as pd

from analytics import backtest, density, grids, hotspots
from analytics import emerging as classes
from analytics.errors import NotEnoughData
from answers.hotspots import HOT, PERMUTATIONS, Tell, held, key_of, near, places, untold
from answers.hotspots import months as counted_months
from answers.surfaces import LEAST_RADIUS_M
from data import store
from data.store import Scope

LASTING = (1e-9, 1 / 3, 0.8)  # shares of the months from which a place was a hotspot in some, in many, nearly always
PARTS = {"": "periods_hot", "day": "periods_hot_day", "night": "periods_hot_night"}
PLAIN, GI = "Plain count per km² of the months before", "Gi* of the months before"
DENSITY = "Density of the months before"
COVERED = 0.01  # share of the area that each map may cover on the scoreboard
FEWEST_BEFORE = 6  # months of the year before, or there is too little to make a map from
MOST_HELD_OUT = 12
EMERGENCE = {"persistent": 3, "emerging": 2, "intermittent": 1, "mixed": 1, "former": -1}
LONG = 24  # months; longer periods are looked at by quarters, if they hold enough of them
QUARTER = 3  # months


def persistence(scope: Scope, level: str, size_m: int, *, tell: Tell = untold) -> pd.DataFrame:
    """In what share of the months supplied each place was a hotspot: its key, periods, periods_hot, persistence.

    Where the source says the hour, and none is asked for, `periods_hot_day` and `periods_hot_night` are the months hot
    by the records of the day alone, and of the night alone. `lasting` is the class of `persistence`: 0 in no month, 1
    in some, 2 in a third of them or more, 3 in four fifths or more.
    """
    key, found = key_of(level), places(scope, level, size_m)
    around, supplied, answer = near(scope, level, found), held(scope), found[[key]]
    timed = store.answers(scope.sources[0], "time") and not scope.time
    parts = list(PARTS) if timed else [""]
    for number, part in enumerate(parts):
        one = scope.but(time=part) if part else scope
        words = f"months, {part}" if part else "months"
        step = lambda share, at=number, words=words: tell((at + share) / len(parts), words)  # noqa: E731
        how = {"months": supplied, "key": key, "permutations": PERMUTATIONS, "tell": step}
        hot = hotspots.persistence(found, counted_months(one, level, size_m), around, **how)
        answer = answer.assign(**{PARTS[part]: hot["periods_hot"]})
        if not part:
            answer = answer.assign(periods=hot["periods"], persistence=hot["persistence"])
    answer["lasting"] = np.searchsorted(LASTING, answer["persistence"].fillna(0.0), side="right")
    answer.attrs["method"] = "Hot in a month: Gi* of that month's counts, Benjamini-Hochberg at 5%"
    return answer


def change(scope: Scope, level: str, size_m: int, against: str = "year", *, tell: Tell = untold) -> pd.DataFrame:
    """Each place against the same months a year before, or the newest three months against the three before them.

    against : "year" or "quarter". Only months held on both sides are compared.

    Returns its key, n_now, n_before, ratio, ratio_lower, ratio_upper and `changed` (after false-discovery control: 2
    clearly more, -2 clearly fewer, 0 neither). `.attrs`: `months` (those compared), `back` (how many months before).
    """
    key = key_of(level)
    both, back = (_newest_quarter(scope), QUARTER) if against == "quarter" else (_of_both_years(scope), 12)
    if not both:
        before = "the months before" if against == "quarter" else "a year before"
        raise store.NotHeld(f"There is no month to compare with: none of this period was supplied {before} too.")
    step = pd.DateOffset(months=back)
    wide = scope.but(start=min(both) - step, end=max(both))
    months = counted_months(wide, level, size_m)
    found = places(wide, level, size_m)[[key]]  # a cell off the land is one only while it has records
    for column, wanted in (("n_now", both), ("n_before", [m - step for m in both])):
        counted = months[months["month"].isin(wanted)].groupby(key)["n"].sum()
        found[column] = found[key].map(counted).fillna(0.0)
    answer = hotspots.change(found, now="n_now", before="n_before")
    clear = answer["q_value"] < HOT
    answer["changed"] = np.select([clear & (answer["ratio"] > 1), clear], [2, -2], 0)
    endless = ["ratio", "upper"]  # none a year before: there is no ratio, but a least one
    answer[endless] = answer[endless].replace(np.inf, np.nan)
    answer = answer.rename(columns={"lower": "ratio_lower", "upper": "ratio_upper"})
    answer = answer[[key, "n_now", "n_before", "ratio", "ratio_lower", "ratio_upper", "changed"]]
    answer.attrs = {"months": tuple(both), "back": back}
    return answer


def _of_both_years(scope: Scope) -> list[pd.Timestamp]:
    supplied = set(store.held_months(scope, scope.sources[0]))
    return [m for m in held(scope) if m - pd.DateOffset(years=1) in supplied]


def _newest_quarter(scope: Scope) -> list[pd.Timestamp]:
    """The newest month supplied and the two before it, as far as each and the one three months back were supplied."""
    supplied, newest = set(store.held_months(scope, scope.sources[0])), held(scope)[-1:]
    wanted = [m - pd.DateOffset(months=back) for m in newest for back in (2, 1, 0)]
    return [m for m in wanted if m in supplied and m - pd.DateOffset(months=QUARTER) in supplied]


def emerging(scope: Scope, level: str, size_m: int, *, tell: Tell = untold) -> pd.DataFrame:
    """How each place came to be hot or ceased to be, over the months supplied: its key, class, emergence, steps_hot.

    Steps are months; of long periods calendar quarters, which hold enough records to tell (only those held whole).
    `class` is one of the 17; `emergence` the simple four as numbers (3 persistent, 2 emerging, 1 now and then, -1
    former, 0 none). `.attrs["method"]` says which definitions. Raises NotEnoughData below ten months.
    """
    key = key_of(level)
    found = places(scope, level, size_m)
    months = counted_months(scope, level, size_m).rename(columns={key: "cell_id"})
    supplied = pd.Series(held(scope), dtype="datetime64[us]")
    if supplied.empty:
        raise NotEnoughData("No month of this period was supplied.")
    quarters = _quarters(supplied)
    steps = supplied if len(supplied) <= LONG or quarters.nunique() < classes.FEWEST_STEPS else quarters
    step_of = pd.Series(steps.to_numpy(), supplied.to_numpy())
    counted = months.assign(month=months["month"].map(step_of)).groupby(["cell_id", "month"])["n"].sum()
    full = pd.MultiIndex.from_product([found[key], steps.dropna().unique()], names=["cell_id", "month"])
    counts = counted.reindex(full, fill_value=0).reset_index()
    cells, around = found[[key]].rename(columns={key: "cell_id"}), near(scope, level, found)
    answer = classes.classify(cells, counts, around, permutations=PERMUTATIONS, tell=tell).rename(
        columns={"cell_id": key}
    )
    answer["emergence"] = answer["simple_class"].map(EMERGENCE).fillna(0).astype(int)
    step = "month" if steps is supplied else "quarter"
    said = f"{answer['method'].iat[0]}; of counts, by {step}" if len(answer) else ""
    answer = answer[[key, "class", "emergence", "steps_hot"]]
    answer.attrs = {"method": said, "step": step}
    return answer


def _densest(cells: pd.DataFrame, earlier: pd.Series, size_m: int) -> pd.Series:
    """Kernel density of earlier records at each cell, as the map of densities has it, edges aside."""
    points = cells.assign(n=cells["cell_id"].map(earlier)).dropna(subset=["n"])
    radius = max(2 * size_m, LEAST_RADIUS_M)
    return density.kernel_density(points, cells, bandwidth_m=radius, weight="n")["density"]


def scoreboard(scope: Scope, level: str, size_m: int, *, tell: Tell = untold) -> pd.DataFrame:
    """Would the maps have worked? Each month judged by maps made from the year before it, on one share of the area.

    Returns one row per `ranked_by` (Gi* of counts, of cells their density too, the plain count per km², chance) as
    `backtest.summary`, with `rri`. Months are held out where at least FEWEST_BEFORE of the twelve before them were
    supplied. `.attrs["months"]`: which.
    """
    key, wide = key_of(level), scope.but(start=scope.start - pd.DateOffset(months=24))
    found = places(wide, level, size_m)  # a cell off the land is one only while it has records
    cells = found[[key, "x", "y"]].rename(columns={key: "cell_id"})
    cells["area_km2"] = grids.area_km2(size_m) if level == "hex" else found["area_km2"]
    counts = counted_months(wide, level, size_m).rename(columns={key: "cell_id"})
    year = pd.DateOffset(months=12)
    before = {m: [h for h in held(wide) if m - year <= h < m] for m in held(scope)}
    asked = [m for m, known in before.items() if len(known) >= FEWEST_BEFORE][-MOST_HELD_OUT:]
    if not asked:
        raise NotEnoughData(f"No month of the period has {FEWEST_BEFORE} months before it to make a map from.")
    around, maps = near(scope, level, found), []
    for number, month in enumerate(asked):
        tell(number / len(asked), f"{month:%B %Y}")
        earlier = counts[counts["month"].isin(before[month])].groupby("cell_id")["n"].sum()
        n = cells["cell_id"].map(earlier).fillna(0.0)
        plain = cells.assign(predicted=n / cells["area_km2"], ranked_by=PLAIN, month=month)  # large areas hold more
        z = hotspots.gi_star(plain.assign(n=n), around)["z"]
        maps += [plain, plain.assign(predicted=z, ranked_by=GI)]
        if level == "hex":
            maps.append(plain.assign(predicted=_densest(plain, earlier, size_m), ranked_by=DENSITY))
    scores = backtest.rolling(pd.concat(maps, ignore_index=True), counts, cells, area_share=COVERED)
    scores = scores[scores["ranked_by"] != backtest.LAST_YEAR]  # the plain count is that, and knows gaps
    answer = backtest.summary(scores, baseline=PLAIN)
    answer["rri"] = answer["ranked_by"].map(scores.groupby("ranked_by")["rri"].mean())
    answer["ranked_by"] = answer["ranked_by"].replace(backtest.CHANCE, "Chance")
    answer = answer.rename(columns={"lower": "hit_rate_lower", "upper": "hit_rate_upper"})
    answer.attrs["months"] = tuple(asked)
    return answer


def _quarters(months: pd.Series) -> pd.Series:
    """The first month of the calendar quarter of each month; missing where not all three are held."""
    first = months.dt.to_period("Q").dt.to_timestamp().astype(months.dtype)
    return first.where(first.groupby(first).transform("count") == 3)
