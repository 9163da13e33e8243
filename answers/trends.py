"""Change over time, for charts: months with their rolling year, the year before, and control limits. A row is a month
of one series."""

import numpy as np
import pandas as pd

from analytics import forecast, season, spc, trends
from data import definitions, store
from data.store import Scope

HISTORY = 24  # months before the period that control limits are drawn from too
FEWEST_A_MONTH = 5  # below this on average, monthly counts are too rare for an XmR chart (`spc.choose`)
HORIZON = 6  # months ahead
FEWEST_HELD = 24  # months from which changes of level can be told (`season.change_points`)
LIMITS = ["centre", "lower", "upper", "rule", "signal", "segment", "provisional"]


def months(scope: Scope, split: str) -> pd.DataFrame:
    """Records by month for each value of a split, from HISTORY months before the period on.

    split : source, offence_group or authority_code. Returns month, the split, n with its bounds and status,
    `rolling_sum` (twelve months), `n_before` (the same month a year before), `adjusted` where a season shows beyond
    chance (`season.adjusted`), and the limits of an XmR chart: the columns of `spc.xmr`. Limits begin anew where the
    register of events says that levels cannot be compared, and after a gap; series with fewer than FEWEST_A_MONTH
    records a month have none. `.attrs["rare"]`: which those are.
    """
    by = () if split == "source" else (split,)
    rows = store.monthly_counts(scope.but(start=scope.start - pd.DateOffset(months=HISTORY + 12)), by=by)
    rows = pd.concat([trends.rolling_sum(part) for _, part in rows.groupby(split, sort=False)], ignore_index=True)
    before = rows[[split, "month", "n"]].assign(month=rows["month"] + pd.DateOffset(years=1))
    rows = rows.merge(before.rename(columns={"n": "n_before"}), on=[split, "month"], how="left")
    rows = rows[rows["month"] >= scope.start - pd.DateOffset(months=HISTORY)].reset_index(drop=True)
    limits = spc.xmr_many(rows["n"], rows[split], direction="decrease", rebase=_rebased(scope, rows["month"]))
    means = rows.groupby(split)["n"].mean()
    rare = means.index[means < FEWEST_A_MONTH]
    limits = limits[LIMITS].mask(rows[split].isin(rare))
    still = season.adjusted(rows, by=split)[["adjusted", "season_p_value"]]
    answer = rows.join(limits).join(still)
    answer.attrs["rare"] = tuple(rare)
    return answer


def changes(scope: Scope) -> pd.DataFrame:
    """When the level of one source changed beyond chance and season, of all months held: see `season.change_points`.

    A change within two months of one that the register names as making levels incomparable is left to the register.
    `.attrs["enough"]`: whether enough months are held to tell.
    """
    held = store.held_months(scope, scope.sources[0])
    rows = store.monthly_counts(scope.but(start=min(held), end=max(held)))
    found = season.change_points(rows)
    named = [rows["month"][at] for at in np.flatnonzero(_rebased(scope, rows["month"]))]
    near = [any(abs((m - n).days) < 62 for n in named) for m in found["month"]]
    answer = found[~np.array(near, dtype=bool)].reset_index(drop=True)
    answer.attrs["enough"] = rows["n"].count() >= FEWEST_HELD
    return answer


def ahead(scope: Scope) -> pd.DataFrame:
    """What the next months of one source may bring, from all months held: the columns of `forecast.monthly`.

    `.attrs`: `shown` (whether earlier forecasts were nearer than the same month a year before, so that a page may show
    it) and `summary` (of the earlier forecasts: `forecast.summary`, as a dict).
    """
    held = store.held_months(scope, scope.sources[0])
    rows = store.monthly_counts(scope.but(start=min(held), end=max(held)))
    answer = forecast.monthly(rows, horizon=HORIZON)
    tested = forecast.backtest(rows, horizon=HORIZON)
    answer.attrs["shown"] = bool(answer["beats_naive"].fillna(False).all()) and answer["forecast"].notna().all()
    answer.attrs["summary"] = forecast.summary(tested).iloc[0].to_dict() if len(tested) else {}
    return answer


def _rebased(scope: Scope, month: pd.Series) -> np.ndarray:
    """Whether a month is the first after a change that makes levels incomparable, by the register of events."""
    invented = bool((store.snapshot_facts() or {}).get("invented"))
    named = {
        pd.Timestamp(event.date).to_period("M").to_timestamp()
        for event in definitions.events()
        if event.rebase and event.invented == invented and event.scope in ("all", scope.area)
    }
    return month.isin(named).to_numpy()
