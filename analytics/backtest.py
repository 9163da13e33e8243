"""How well would a map or forecast have done? Scores against later events; a row is a cell, or a map and month."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from analytics.errors import NotEnoughData

HISTORY = 12  # months of the plain count that a map has to beat: each season once
LAST_YEAR = "last year's count"  # the plain count of the HISTORY months before
CHANCE = "chance"  # cells in random order
FEWEST_MONTHS = 2  # below this months have no spread, so a mean no interval
ALIKE = 1e-9  # relative: areas this close are equal (areas of hexagons differ in the last digits)


def score(cells: pd.DataFrame, *, order: str = "predicted", events: str = "n", area: str = "area_km2") -> pd.DataFrame:
    """Had one gone to the first cells of this order, what share of later events would one have met, in what area?

    cells : one row per cell of the whole study area, those without events as well, with the columns `order` (higher
        comes first), `events` (those after the order was made) and `area`.

    Returns the rows by falling `order` with, added up to and including each row: `hit_rate` (share of all events),
    `area_share` (share of all area), `pai` (hit rate over area share: 1 is no better than chance) and `pei` (pai over
    that of the best possible choice of as many cells: 1 is the best there is).
    Cells of equal `order` have no order: `hit_rate` and `area_share` are the expected values of a random one, and the
    others follow from them, so no figure depends on how the table was sorted. A cell without `order` comes last and has
    no value, and its events and area still count in the totals; one without events or area has no value and counts
    nowhere. Finding the best choice is quick for cells of equal area; for n unequal ones it takes about n squared steps
    (a second for 5,000).
    Misleads when events are those the order was made from; when areas chosen differ between maps (a smaller area has
    the higher pai); and where a cell counts although nobody could be anywhere else.
    Source: Chainey, Tompson & Uhlig (2008), Security Journal 21(1-2), 4-28; NIJ Real-Time Crime Forecasting Challenge
    (2017); Hunt (2016) for pei.
    """
    rank, n, size = (cells[name].to_numpy(dtype=float, na_value=np.nan) for name in (order, events, area))
    known = _known(n, size)
    placed = np.flatnonzero(known & ~np.isnan(rank))
    placed = placed[np.argsort(-rank[placed], kind="stable")]
    caught, covered = (_shared_out(part[placed], rank[placed]) for part in (n, size))
    best = _best_density(n[known], size[known], len(placed))
    hit_rate, area_share = caught / n[known].sum(), covered / size[known].sum()
    columns = {"hit_rate": hit_rate, "area_share": area_share, "pai": hit_rate / area_share}
    columns["pei"] = caught / covered / best
    rest = np.setdiff1d(np.arange(len(cells)), placed)
    missing = np.full(len(rest), np.nan)
    columns = {name: np.concatenate([values, missing]) for name, values in columns.items()}
    return cells.iloc[np.concatenate([placed, rest])].assign(**columns)


def rri(earlier_events, later_events) -> pd.DataFrame:
    """Recapture rate: did the chosen cells keep their share of events, or did events move on?

    earlier_events, later_events : events of each cell before and after, one per cell, in the order chosen; all cells of
        the study area. A cell with either missing has no value and counts nowhere.

    Returns `rri`, one row per cell, for the cells up to and including it: (n2 / n1) / (N2 / N1). 1 = their share
    stayed, above = it grew; missing while they had no earlier event.
    Misleads when cells were chosen by the same earlier events: the highest counts of one year are partly luck, so the
    next year falls below 1 though nothing changed (regression to the mean). It knows nothing of how many were caught.
    Source: Levine (2008), Security Journal 21(4), 295-302.
    """
    earlier, later = (pd.Series(part).to_numpy(dtype=float, na_value=np.nan) for part in (earlier_events, later_events))
    if len(earlier) != len(later):
        raise ValueError(f"There are {len(earlier)} earlier counts and {len(later)} later ones.")
    both = np.isfinite(earlier) & np.isfinite(later)
    if (earlier[both] < 0).any() or (later[both] < 0).any():
        raise ValueError("Counts are not below 0.")
    first, second = np.where(both, earlier, 0).cumsum(), np.where(both, later, 0).cumsum()
    if not (both.any() and first[-1] > 0 and second[-1] > 0):
        raise NotEnoughData("The recapture rate compares events before and after, and one of the two has none.")
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(both & (first > 0), second / first / (second[-1] / first[-1]), np.nan)
    return pd.DataFrame({"rri": value}, index=earlier_events.index if isinstance(earlier_events, pd.Series) else None)


def predict(counts: pd.DataFrame, rankings: dict[str, Callable[[pd.DataFrame], pd.DataFrame]], months) -> pd.DataFrame:
    """Predictions of each month from the months before it alone: a map made this way cannot have seen the answer.

    counts : `month` and whatever the rankings read.
    rankings : by name, what makes a table of `cell_id`, `predicted` from the rows of the months before.
    months : those to be predicted.

    Returns `ranked_by`, `month`, `cell_id`, `predicted`, for `rolling`.
    """
    made = [
        make(counts[counts["month"] < month].copy()).assign(ranked_by=name, month=month)
        for month in pd.to_datetime(pd.Series(months))
        for name, make in rankings.items()
    ]
    return pd.concat(made, ignore_index=True)[["ranked_by", "month", "cell_id", "predicted"]]


def rolling(predictions: pd.DataFrame, counts: pd.DataFrame, cells: pd.DataFrame, *, area_share: float) -> pd.DataFrame:
    """Month after month, how much would each map have caught in the same area, against the plain count and chance?

    predictions : `ranked_by` (name of the map or method), `month`, `cell_id`, `predicted` (higher comes first), each
        made from earlier months only (`predict` sees to that; nothing here can).
    counts : `cell_id`, `month`, `n`; a month that has any row was supplied, and a cell without a row has 0 in it. A
        cell whose `n` is missing stands outside that month.
    cells : `cell_id`, `area_km2`, one row per cell of the whole study area.
    area_share : the part of the area that may be covered, the same for all. The last cell is covered in part if need
        be, so that it is exactly this; cells of equal prediction, and after all others those without any, are in random
        order (expected values).

    Returns one row per month and `ranked_by`, with the rows `last year's count` (of the 12 months before; missing where
    these were not all supplied) and `chance` added: `n` (events of the month), `hit_rate`, `area_share`, `pai`, `pei`
    (against the best choice of the same area, made afterwards) and `rri` (against the 12 months before). A month
    without events, or not supplied, has no scores.
    Misleads as `score` and `rri` do; and where cells were chosen for patrols that then prevented events, a good map
    looks bad.
    Source: as for `score`; rolling origin: Tashman (2000), International Journal of Forecasting 16(4), 437-450.
    """
    if not 0 < area_share <= 1:
        raise ValueError("area_share is a part of the area, above 0 and at most 1.")
    table, size = _by_month(counts, cells), cells["area_km2"].to_numpy(dtype=float, na_value=np.nan)
    if not (size > 0).all():
        raise ValueError("Every cell needs an area above 0.")
    ranked = _aligned(predictions, cells)
    rows = []
    for month in sorted({month for _, month in ranked}):
        later, before = _month(table, month), _year_before(table, month)
        maps = {name: rank for (name, when), rank in ranked.items() if when == month}
        maps |= {LAST_YEAR: before, CHANCE: np.zeros(len(cells))}
        rows += [
            {"ranked_by": name, "month": month, "area_share": area_share} | _at(area_share, rank, later, before, size)
            for name, rank in maps.items()
        ]
    columns = ["ranked_by", "month", "n", "hit_rate", "area_share", "pai", "pei", "rri"]
    return pd.DataFrame(rows, columns=columns)


def summary(scores: pd.DataFrame, *, baseline: str = LAST_YEAR, confidence: float = 0.95) -> pd.DataFrame:
    """Over all the months together, what did each map catch, and did it beat the plain count?

    scores : as from `rolling`, of one `area_share`. baseline : the `ranked_by` to be beaten.

    Returns one row per `ranked_by`: `months` (with a score), `n` (their events), `hit_rate` (of all these events
    together) with `lower`, `upper`, `pai`, `pei` (mean of the months); `difference` (its hit rate less the baseline's,
    over the months that both have) with `difference_lower`, `difference_upper`, `against_baseline` (`better`, `worse`,
    `no clear difference`, `too few months`) and `method`. The intervals are those of a ratio of sums over months, each
    month one draw, with Student's t: events of one month are not independent, months nearly are. The interval of the
    difference is paired, so what makes a month easy or hard for all drops out.
    Misleads with few months (under about six an interval is a rough guess, and with one there is none), when the months
    were those on which the map was tuned, and when many maps are tried: the best of twenty beats the baseline by luck.
    Source: Cochran (1977), Sampling Techniques, 3rd edition, section 6.4, for the ratio.
    """
    if scores["area_share"].nunique() > 1:
        raise ValueError("These scores are of different areas: a smaller area has the lower hit rate.")
    if baseline not in set(scores["ranked_by"]):
        raise ValueError(f"The scores have no row of the baseline, {baseline}.")
    share, names = scores["area_share"].iloc[0], scores["ranked_by"].unique()
    scores = scores[scores["hit_rate"].notna()]
    caught = (scores["hit_rate"] * scores["n"]).groupby([scores["month"], scores["ranked_by"]]).sum().unstack()
    caught, n = caught.reindex(columns=names), scores.groupby("month")["n"].first()
    pei = scores.groupby("ranked_by")["pei"].mean()
    method = f"ratio over months, t {100 * confidence:g}%"
    rows = [
        {"ranked_by": name, "area_share": share, "pei": pei.get(name, np.nan), "method": method}
        | _caught(caught[name], n, share, confidence)
        | _against(caught[name] - caught[baseline], n, confidence, is_baseline=name == baseline)
        for name in names
    ]
    columns = ["ranked_by", "months", "n", "hit_rate", "lower", "upper", "area_share", "pai", "pei"]
    columns += ["difference", "difference_lower", "difference_upper", "against_baseline", "method"]
    return pd.DataFrame(rows, columns=columns)


def _known(n, size) -> np.ndarray:
    known = np.isfinite(n) & np.isfinite(size)
    if (n[known] < 0).any() or (size[known] <= 0).any():
        raise ValueError("Events are 0 or more, and areas above 0.")
    if not n[known].sum() > 0:
        raise NotEnoughData("There is no event to be caught, so no map can be scored.")
    return known


def _shared_out(part: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Running sum down the order; within cells of equal rank, what a random order gives on average."""
    if not len(rank):
        return np.zeros(0)
    starts = np.flatnonzero(np.r_[True, rank[1:] != rank[:-1]])
    sums, sizes = np.add.reduceat(part, starts), np.diff(np.r_[starts, len(rank)])
    tie = np.repeat(np.arange(len(starts)), sizes)
    passed = np.arange(1, len(rank) + 1) - starts[tie]
    return (sums.cumsum() - sums)[tie] + sums[tie] * (passed / sizes[tie])


def _best_density(n: np.ndarray, size: np.ndarray, most: int) -> np.ndarray:
    """Events per area of the best choice of 1, 2, 3... cells."""
    if size.max() - size.min() <= ALIKE * size.max():
        counts = np.arange(1, most + 1)
        return np.sort(n)[::-1].cumsum()[:most] / (counts * size.mean())
    best, density = np.empty(most), (n / size).max()
    for k in range(1, most + 1):  # Dinkelbach: the best choice at a density that is too low has a higher one
        density = _densest(n, size, k, density)
        while (higher := _densest(n, size, k, density)) > density * (1 + ALIKE):
            density = higher
        best[k - 1] = density = max(density, higher)
    return best


def _densest(n, size, k: int, density: float) -> float:
    """Events per area of the k cells with most events above what this density gives."""
    chosen = np.argpartition(density * size - n, k - 1)[:k]
    return n[chosen].sum() / size[chosen].sum()


def _by_month(counts: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Events by cell (rows, as in `cells`) and supplied month (columns); no row is 0, a missing count stays missing."""
    if cells["cell_id"].duplicated().any():
        raise ValueError("A cell is twice in `cells`.")
    if not counts["cell_id"].isin(cells["cell_id"]).all():
        raise ValueError("Some events are in cells that `cells` does not have: score the whole study area.")
    month = pd.to_datetime(counts["month"])
    n = counts["n"].astype("Float64").astype(float)
    table = n.groupby([counts["cell_id"], month]).sum(skipna=False).unstack(fill_value=0)
    return table.reindex(cells["cell_id"], fill_value=0)


def _aligned(predictions: pd.DataFrame, cells: pd.DataFrame) -> dict[tuple, np.ndarray]:
    """By map and month, the predictions in the order of `cells`."""
    if predictions.duplicated(["ranked_by", "month", "cell_id"]).any():
        raise ValueError("A map has more than one prediction for a cell and month.")
    if predictions["ranked_by"].isin([LAST_YEAR, CHANCE]).any():
        raise ValueError(f"`{LAST_YEAR}` and `{CHANCE}` are worked out here: give maps other names.")
    groups = predictions.groupby([predictions["ranked_by"], pd.to_datetime(predictions["month"])], sort=False)
    return {
        key: rows.set_index("cell_id")["predicted"].reindex(cells["cell_id"]).to_numpy(dtype=float, na_value=np.nan)
        for key, rows in groups
    }


def _month(table: pd.DataFrame, month: pd.Timestamp) -> np.ndarray:
    return table[month].to_numpy() if month in table else np.full(len(table), np.nan)


def _year_before(table: pd.DataFrame, month: pd.Timestamp) -> np.ndarray:
    """Events of the 12 months before; missing where not all were supplied."""
    months = [month - pd.DateOffset(months=back) for back in range(1, HISTORY + 1)]
    return sum(_month(table, earlier) for earlier in months)


def _at(share: float, rank, later, before, size) -> dict:
    """Scores of one map in one month when this share of the area is covered; cells of unknown events are left out."""
    known = ~np.isnan(later)
    rank, later, before, size = (part[known] for part in (rank, later, before, size))
    n, reach = later.sum() if known.any() else np.nan, share * size.sum()
    if np.isnan(rank).all() or not n > 0:
        return {"n": n} | dict.fromkeys(["hit_rate", "pai", "pei", "rri"], np.nan)
    hit_rate = _within(reach, rank, later, size) / n
    best = _within(reach, later / size, later, size) / n
    earlier = _within(reach, rank, before, size) / before.sum() if before.sum() > 0 else np.nan
    rri = hit_rate / earlier if earlier > 0 else np.nan
    return {"n": n, "hit_rate": hit_rate, "pai": hit_rate / share, "pei": hit_rate / best, "rri": rri}


def _within(reach: float, rank, part, size) -> float:
    """Sum of `part` over the first cells by `rank` until their area is `reach`, the last ones in part."""
    rank = np.where(np.isnan(rank), -np.inf, rank)
    order = np.argsort(-rank, kind="stable")
    ends = np.flatnonzero(np.r_[rank[order][1:] != rank[order][:-1], True])
    return float(np.interp(reach, np.r_[0, size[order].cumsum()[ends]], np.r_[0, part[order].cumsum()[ends]]))


def _caught(caught: pd.Series, n: pd.Series, share: float, confidence: float) -> dict:
    own = caught.dropna()
    value, lower, upper = _ratio(own, n.loc[own.index], confidence)
    row = {"months": len(own), "n": n.loc[own.index].sum(), "hit_rate": value, "pai": value / share}
    return row | {"lower": np.maximum(lower, 0), "upper": np.minimum(upper, 1)}


def _against(difference: pd.Series, n: pd.Series, confidence: float, *, is_baseline: bool) -> dict:
    paired = difference.iloc[:0] if is_baseline else difference.dropna()
    value, low, high = _ratio(paired, n.loc[paired.index], confidence)
    verdict = "better" if low > 0 else "worse" if high < 0 else "no clear difference"
    if np.isnan(low):
        verdict = np.nan if is_baseline else "too few months"
    return {"difference": value, "difference_lower": low, "difference_upper": high, "against_baseline": verdict}


def _ratio(part: pd.Series, whole: pd.Series, confidence: float) -> tuple[float, float, float]:
    """Sum over sum, and its limits when each month is one draw."""
    from scipy import special

    months = len(part)
    if not months:
        return np.nan, np.nan, np.nan
    value = part.sum() / whole.sum()
    if months < FEWEST_MONTHS:
        return value, np.nan, np.nan
    left = (part - value * whole).to_numpy()
    error = np.sqrt(months / (months - 1) * (left @ left)) / whole.sum()
    half = special.stdtrit(months - 1, (1 + confidence) / 2) * error
    return value, value - half, value + half
