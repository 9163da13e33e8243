"""What the outcomes framework asks of a snapshot. A row is a month, a quarter or a financial year.

As in `data.store`: a Scope in, a table out. Of a scope the tier, the snapshot, the area and the last month count: what
a measure is about stands in its definition, and its baseline may lie before the period a page looks at. All that is
held up to the last month is told, gaps as gaps.
"""

from functools import reduce
from operator import or_

import ibis
import pandas as pd
from ibis import _

from data import definitions, store
from data.definitions.outcomes import Measure
from data.store import MISSING, SHOWN, NotHeld, Scope

FINANCIAL_YEAR = "Y-MAR"  # ends with March
INCOMPLETE = "Not complete"  # how `quality` begins the reason of a month to which records are still to come
LEAST_WITHHELD, MOST_WITHHELD = 1, 7  # what NHS England withholds below national level (HES and ECDS, from 2018)


def flagged_months(scope: Scope, measure: Measure) -> pd.DataFrame:
    """Records of a measure's groups on which its marker (where it has one) is true: month, n, n_unknown, status.

    n_unknown : records of these groups that do not carry the marker; they are in no number. A month in which none
    carries it is not supplied. Homicide is never among them.
    """
    rows = store.records(_asked(scope, measure))
    marked, unknown = _marking(rows, measure)
    counted = rows.group_by("month").agg(
        n=marked.fill_null(False).cast("int64").sum(), n_unknown=unknown.cast("int64").sum(), of=_.count()
    )
    full = _held_months(scope, measure.source).merge(store.run(scope, counted), on="month", how="left")
    counts = full[["n", "n_unknown", "of"]].astype(float).fillna(0.0)
    unsaid = counts["of"].gt(0) & counts["n_unknown"].eq(counts["of"])
    told = counts[["n", "n_unknown"]].where(full["held"] & ~unsaid)
    return _with_bounds(full[["month"]].join(told))


def marker_methods(scope: Scope, measure: Measure) -> pd.Series:
    """How the marker of most of each month's records was set, by month; months that do not say are left out."""
    rows = store.records(_asked(scope, measure))
    said = rows.filter(rows[measure.flag or "knife"], _.knife_method.notnull())
    counts = store.run(scope, said.group_by("month", "knife_method").agg(n=_.count()))
    counts = counts.sort_values(["month", "n", "knife_method"], ascending=[True, False, True])
    return counts.drop_duplicates("month").set_index("month")["knife_method"]


def protected_quarters(scope: Scope, measure: Measure) -> pd.DataFrame:
    """What the protected tables tell partners of a measure, by quarter: month (its first), n, bounds, status."""
    asked = _asked(scope, measure).but(groups=(measure.protected,))
    found = store.monthly_counts(asked)
    found = found[found["month"] + pd.DateOffset(months=2) <= scope.end].reset_index(drop=True)
    if found.empty:
        raise NotHeld("The protected tables hold no quarter of this measure.")
    numbers = found[["n", "n_lower", "n_upper"]].astype("Float64").astype(float)
    return found[["month", "status"]].join(numbers)


def domestic_years(scope: Scope, measure: Measure) -> pd.DataFrame:
    """Homicides not marked domestic, by financial year supplied whole, for the whole area: month, n, n_unknown, status.

    month : the April in which the year begins. n_unknown : those without a marker, in no number.
    """
    if scope.area != store.ALL:
        raise NotHeld("Homicides are few: they are told for the whole area and by year only.")
    _check_held(scope, measure.source)
    held = _held_months(scope, measure.source)
    years = (
        held.assign(month=_first_months(held["month"]))
        .groupby("month", as_index=False)
        .agg(held=("held", "sum"), months=("held", "size"))
    )
    years = years[years["months"].eq(12)].reset_index(drop=True)  # the first and the last may reach beyond the data
    whole = years["held"].eq(12)
    if not whole.any():
        raise NotHeld("Homicides are told by whole financial years, and none was supplied whole.")
    first, last = years["month"].min(), years["month"].max() + pd.DateOffset(months=11)
    rows = store.records(_asked(scope, measure).but(start=first, end=last), rare=True)
    april = (rows.month - ibis.interval(months=3)).year()  # in which the financial year begins
    counted = rows.group_by(april=april).agg(
        n=(~rows.domestic).fill_null(False).cast("int64").sum(), n_unknown=rows.domestic.isnull().cast("int64").sum()
    )
    sums = store.run(scope, counted).set_index("april")
    told = sums.reindex(years["month"].dt.year, fill_value=0).astype(float).reset_index(drop=True)
    return _with_bounds(years[["month"]].join(told.where(whole)))


def admission_years(scope: Scope, measure: Measure) -> pd.DataFrame:
    """Residents admitted for a cause by financial year: month (its April), n, bounds, status, population.

    Where the owner withheld numbers there is no n, and the bounds count each of them as 1 to 7. A year without a row
    of every authority is not supplied. population : residents of the year in which it begins, or the nearest held.
    """
    found = store.admissions(scope)
    found = found.assign(month=pd.to_datetime(found["period"].str[:4] + "-04-01"))
    found = found[(found["icd_group"] == measure.cause) & (found["month"] + pd.DateOffset(months=11) <= scope.end)]
    if found.empty:
        raise NotHeld("No hospital admissions for this cause and period are held at your level of access.")
    numbers = found[["n", "n_lower", "n_upper", "withheld"]].astype("Float64").astype(float)
    found = found[["month", "period", "status"]].join(numbers)
    if store.holds(scope, "admissions"):
        found = _between_withheld(found, _whole_years(scope, measure.cause))
    every = pd.DataFrame({"month": pd.date_range(found["month"].min(), found["month"].max(), freq="YS-APR")})
    full = every.merge(found.drop(columns=["period", "withheld"]), on="month", how="left")
    full["status"] = full["status"].fillna(MISSING)
    return full.assign(population=_residents(scope, full["month"].dt.year).to_numpy())


def sharing_months(scope: Scope) -> pd.DataFrame:
    """Sources that are not open data of which the month is held: month, n, status."""
    held = store.coverage(scope)
    closed = [name for name, source in definitions.sources().items() if not source.open]
    ours = held[held["source"].isin(closed) & (held["month"] <= scope.end)]
    if ours.empty:
        raise NotHeld("No deliveries of partners' own data are told at your level of access.")
    months = pd.DataFrame({"month": pd.date_range(ours["month"].min(), ours["month"].max(), freq="MS")})
    n = months["month"].map(ours.groupby("month")["source"].nunique()).fillna(0).astype(float)
    return _with_bounds(months.assign(n=n))


def incomplete_months(scope: Scope, source: str) -> set[pd.Timestamp]:
    """Months to which records are still to come. Partners are not told why a month departs from its history: of a
    closed source every newest month whose total does is taken for incomplete."""
    flags = store.flags(scope)
    flags = flags[(flags["source"] == source) & (flags["kind"] == "total")]
    said = flags.loc[flags["reason"].str.contains(INCOMPLETE, regex=False), "month"]
    newest = store.held_months(scope, source)[-1:]
    unsure = flags.loc[flags["month"].isin(newest), "month"] if is_protected(scope, source) else []
    return {*said, *unsure}


def is_protected(scope: Scope, source: str) -> bool:
    """Whether this tier holds a source as protected aggregates only."""
    return source in store.banded_sources(scope.but(sources=(source,)))


def _marking(rows: ibis.Table, measure: Measure) -> tuple[ibis.Value, ibis.Value]:
    """That a record counts, and that it lacks a marker that could have made it count."""
    if measure.mark:
        counts = store.marked(rows, measure.mark)
        lacking = [rows[flag].isnull() for flag in definitions.marks()[measure.mark].also]
        return counts, ~counts & reduce(or_, lacking, ibis.literal(False))
    marked = rows[measure.flag] if measure.flag else rows.offence_group.notnull()
    return marked, marked.isnull()


def _asked(scope: Scope, measure: Measure) -> Scope:
    """The scope of a measure: its own groups and source, everybody, at any time and place of the area."""
    _check_held(scope, measure.source)
    groups = measure.groups or tuple(definitions.offence_groups())
    everyone = {"age": "", "setting": "", "time": "", "mark": "", "place": ""}
    return scope.but(start=store.EARLIEST, groups=groups, sources=(measure.source,), **everyone)


def _check_held(scope: Scope, source: str) -> None:
    """Without this a tier that knows of a delivery, and holds no record of it, would count none."""
    if source not in store.sources(scope):
        raise NotHeld(f"{definitions.source(source).label}: not held at your level of access, or not loaded.")


def _held_months(scope: Scope, source: str) -> pd.DataFrame:
    """Every month from the first to the last held up to the scope's end: month, held."""
    held = [month for month in store.held_months(scope, source) if month <= scope.end]
    if not held:
        raise NotHeld(f"{definitions.source(source).label}: no month up to the end of the period was supplied.")
    months = pd.DataFrame({"month": pd.date_range(held[0], held[-1], freq="MS").astype("datetime64[us]")})
    return months.assign(held=months["month"].isin(held))


def _first_months(months: pd.Series) -> pd.Series:
    """The April in which the financial year of each month begins."""
    return months.dt.to_period(FINANCIAL_YEAR).dt.start_time.astype("datetime64[us]")


def _whole_years(scope: Scope, cause: str) -> set[str]:
    """The financial years in which every authority of the area has a row for a cause."""
    rows = store.table(scope, "admissions").filter(_.period_type == "financial_year", _.icd_group == cause)
    rows = rows.filter(_.authority_code.isin(list(_authorities(scope))))
    seen = store.run(scope, rows.group_by("period").agg(authorities=_.authority_code.nunique()))
    return set(seen.loc[seen["authorities"] == len(_authorities(scope)), "period"])


def _between_withheld(found: pd.DataFrame, whole: set[str]) -> pd.DataFrame:
    """Bounds that count every withheld number as 1 to 7; years that lack an authority are not supplied."""
    known, withheld = found["n"].fillna(0.0), found["withheld"].fillna(0.0)
    supplied = found["period"].isin(whole) & (found["n"].notna() | withheld.gt(0))
    return found.assign(
        n=found["n"].where(supplied & withheld.eq(0)),
        n_lower=(known + LEAST_WITHHELD * withheld).where(supplied),
        n_upper=(known + MOST_WITHHELD * withheld).where(supplied),
        status=found["status"].mask(withheld.gt(0), store.HIDDEN).where(supplied, MISSING),
    )


def _residents(scope: Scope, years: pd.Series) -> pd.Series:
    """Residents of the area in each year, or in the nearest year held."""
    if not store.holds(scope, "population"):
        return pd.Series(float("nan"), years.index)
    rows = store.table(scope, "population").filter(_.area_level == "lad", _.pop_type == "resident")
    rows = rows.filter(_.area_code.isin(list(_authorities(scope))))
    found = store.run(scope, rows.group_by("year").agg(n=_.population.sum(), areas=_.area_code.nunique()))
    held = found[found["areas"] == len(_authorities(scope))].set_index("year")["n"].sort_index()
    nearest = [min(held.index, key=lambda known, year=year: (abs(known - year), known), default=None) for year in years]
    return pd.Series([held.get(year, float("nan")) for year in nearest], years.index)


def _authorities(scope: Scope) -> tuple[str, ...]:
    return definitions.partnership().codes if scope.area == store.ALL else (scope.area,)


def _with_bounds(rows: pd.DataFrame) -> pd.DataFrame:
    """True counts are their own bounds; one that is missing was not supplied."""
    known = rows["n"].notna()
    return rows.assign(n_lower=rows["n"], n_upper=rows["n"], status=known.map({True: SHOWN, False: MISSING}))
