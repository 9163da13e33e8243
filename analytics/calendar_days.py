"""Days that differ: weekdays, holidays, paydays, each against like days of the same month. A row is a kind of day."""

from statistics import NormalDist

import numpy as np
import pandas as pd

from analytics import risk_counts
from analytics.errors import NotEnoughData

FEWEST_DAYS = 56  # eight weeks: with fewer, seven weekdays cannot be told from chance
FEWEST_EVENTS = 100  # with fewer, most kinds of day have hardly any
FEWEST_OF_A_KIND = 3  # days of a kind, inside months that hold others too


def effects(days: pd.DataFrame, kinds: list[str], *, value: str = "n", confidence: float = 0.95) -> pd.DataFrame:
    """How many times as many events do days of a kind bring as like days of the same month?

    days : one row per day: `date`, `value` (events), and a column of true and false for each of `kinds`. A day that is
        not there is a gap. kinds : may overlap; each is told with the others held still.

    Returns one row per weekday but the first (`weekday_1` is Tuesday against Monday ... `weekday_6` Sunday) and per
    kind: `day_kind`, `days_compared` (of that kind, in months with other days), `ratio`, `lower`, `upper`, `p_value`
    and `method`.
    Every month has a level of its own, so neither season nor trend nor a recording change at the first of a month is
    taken for an effect; a kind that fills whole months (August in school holidays) is told by its other months alone.
    A kind with fewer than 3 days beside others of their month, or without an event, has no ratio.
    Misleads where the kind and the day's weather or events go together (bank holidays are in spring), and by date
    recorded: use the day it happened. Records of which only a span of days is known stand on the first.
    Source: quasi-Poisson regression with one level per month, after the time-stratified case-crossover
    design; Armstrong, Gasparrini & Tobias (2014), BMC Medical Research Methodology 14:122.
    """
    held = days.dropna(subset=[value])
    if len(held) < FEWEST_DAYS:
        raise NotEnoughData(f"Days are compared from {FEWEST_DAYS} days on; {len(held)} are held.")
    if held[value].sum() < FEWEST_EVENTS:
        raise NotEnoughData(f"Days are compared from {FEWEST_EVENTS} events on; there are {held[value].sum():,.0f}.")
    month = held["date"].dt.to_period("M")
    weekday = held["date"].dt.day_of_week
    design = pd.DataFrame({f"weekday_{k}": weekday.eq(k).astype(float) for k in range(1, 7)})
    telling = {kind: _telling(held[kind].astype(bool), month) for kind in kinds}
    some = {kind for kind in kinds if held.loc[held[kind].astype(bool), value].sum() > 0}  # without events: no ratio
    used = [kind for kind in kinds if telling[kind] >= FEWEST_OF_A_KIND and kind in some]
    design = design.assign(**{kind: held[kind].astype(float) for kind in used})
    full = month.map(held.groupby(month)[value].sum()).gt(0)  # a month without events says nothing of its days
    levels = pd.get_dummies(month[full].astype(str), dtype=float).iloc[:, 1:]
    fit = risk_counts.count_model(
        held.loc[full, value], design[full].join(levels.add_prefix("level ")), family="quasipoisson"
    )
    found = fit.set_index("factor").reindex([*design.columns, *(k for k in kinds if k not in used)])
    answer = pd.DataFrame({"day_kind": found.index, "ratio": found["rate_ratio"].to_numpy()})
    reach = _quantile(confidence) * found["standard_error"].to_numpy()
    log = np.log(answer["ratio"])
    answer["days_compared"] = [
        telling.get(k, int(design.get(k, pd.Series(dtype=float)).sum())) for k in answer["day_kind"]
    ]
    answer = answer.assign(lower=np.exp(log - reach), upper=np.exp(log + reach), p_value=found["p_value"].to_numpy())
    method = f"quasi-Poisson, one level per month, {100 * confidence:g}%"
    return answer.assign(method=np.where(answer["ratio"].notna(), method, "too few such days beside others"))


def _telling(of_kind: pd.Series, month: pd.Series) -> int:
    """How many days of a kind lie in a month that has other days too."""
    mixed = of_kind.groupby(month).transform("mean").between(0, 1, inclusive="neither")
    return int((of_kind & mixed).sum())


def _quantile(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)
