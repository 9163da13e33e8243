"""What is asked of hospital admissions beside yearly totals: by age and sex over three years, and by month.

Counts of 1 to 7 were withheld by their owner; a row that is withheld has no number and `withheld` 1.
"""

import pandas as pd
from ibis import _

from data import store
from data.store import ALL, NotHeld, Scope

KEYS = ["authority_code", "period", "icd_group"]


def by_age(scope: Scope, period_type: str = "three_years") -> pd.DataFrame:
    """Three years pooled, or one, by authority, age band and sex: period, icd_group, age_band5, sex, n, withheld.

    Of authorities within the scope's area; none where the file does not split them.
    """
    rows = _held(scope, period_type).filter(_.age_band5 != "all", _.sex != "all", _.imd_decile.isnull())
    found = rows.select(*KEYS, "age_band5", "sex", n="episodes", withheld=rows.suppressed.cast("int64"))
    return store.run(scope, found.order_by([*KEYS, "age_band5", "sex"]))


def totals(scope: Scope, period_type: str) -> pd.DataFrame:
    """All ages and sexes by authority and period (`month`, `financial_year`): period, icd_group, n, withheld."""
    rows = _held(scope, period_type).filter(_.age_band5 == "all", _.sex == "all", _.imd_decile.isnull())
    found = rows.select(*KEYS, n="episodes", withheld=rows.suppressed.cast("int64"))
    return store.run(scope, found.order_by(KEYS))


def residents(scope: Scope) -> pd.DataFrame:
    """Residents of each authority by year, age band and sex: authority_code, year, age_band5, sex, population."""
    rows = store.table(scope, "population").filter(
        _.area_level == "lad", _.pop_type == "resident", _.age_band5 != "all", _.sex != "all"
    )
    found = rows.group_by(["year", "age_band5", "sex", "area_code"]).agg(population=_.population.sum())
    return store.run(scope, found).rename(columns={"area_code": "authority_code"})


def published_rates(scope: Scope, indicator: str) -> pd.DataFrame:
    """A rate of authorities as its owner publishes it: authority_code, period, rate, lower, upper; none is no row."""
    rows = store.table(scope, "indicators").filter(_.indicator_id == indicator, _.area_level == "lad")
    rows = rows if scope.area == ALL else rows.filter(_.area_code == scope.area)
    found = rows.select("period", "lower", "upper", authority_code="area_code", rate="value")
    return store.run(scope, found.order_by(["authority_code", "period"]))


def _held(scope: Scope, period_type: str):
    if not store.holds(scope, "admissions"):
        raise NotHeld("Hospital admissions by age, or by month, are not held at the level of access you have.")
    rows = store.table(scope, "admissions").filter(_.period_type == period_type)
    return rows if scope.area == ALL else rows.filter(_.authority_code == scope.area)
