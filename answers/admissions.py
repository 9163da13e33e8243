"""Residents admitted to hospital for assault: rates of three years and of one, and months of the whole area.

Counts of 1 to 7 are withheld by their owner. What needs one of them is told as a range: from 1 for each to 7 for each.
A row is an authority and period, an age band, or a month.
"""

import numpy as np
import pandas as pd

from analytics import rates
from analytics.errors import NotEnoughData
from data import admission_questions, store
from data.store import Scope

LEAST, MOST = 1, 7  # what a withheld number may be
YEARS = {"three_years": 3, "financial_year": 1}
PUBLISHED = {"X85_Y09": "violence_admissions_yearly", "X99": "knife_admissions_yearly"}  # see indicators.toml
COHORTS = {"0 to 9": (0, 9), "10 to 19": (10, 19), "20 to 24": (20, 24), "25 to 39": (25, 39), "40 and over": (40, 200)}


def pooled(scope: Scope, cause: str) -> pd.DataFrame:
    """Three years pooled, directly standardised (ESP 2013), by authority and period.

    Returns authority_code, period, n_lower, n_upper (with what is withheld at least and at most), withheld (how many
    parts), `rate_lower`, `rate_upper` (the standardised rate per 100,000 at either), `lower`, `upper` (the widest 95%
    limits of the two), `method`, and `rate`, missing where anything is withheld and the two differ.
    """
    return _standardised(scope, cause, "three_years")


def standardised_years(scope: Scope, cause: str) -> pd.DataFrame:
    """Single financial years, directly standardised: as published by their owner, else from ages, by authority.

    Returns the columns of `pooled`; `method` says which. Rates of the owner, whose rules exempt them from 10 admissions
    on, are exact where counts by age of one year are all but withheld.
    """
    published = admission_questions.published_rates(scope, PUBLISHED[cause]) if cause in PUBLISHED else None
    if published is None or published.empty:
        return _standardised(scope, cause, "financial_year")
    ends = {"rate_lower": published["rate"], "rate_upper": published["rate"]}
    return published.assign(**ends, withheld=published["rate"].isna().astype(int), method="standardised by its owner")


def _standardised(scope: Scope, cause: str, length: str) -> pd.DataFrame:
    groups = _with_people(admission_questions.by_age(scope, length), scope, YEARS[length])
    groups = groups[groups["icd_group"] == cause]
    if groups.empty:
        raise NotEnoughData("No admissions by age are held for this choice, so no rate can be standardised.")
    keys = ["authority_code", "period"]
    ends = []
    for value in (LEAST, MOST):
        filled = groups.assign(count=groups["n"].fillna(value))
        ends.append(rates.directly_standardised(filled, by=keys).set_index(keys))
    least, most = ends
    withheld = groups.groupby(keys)["withheld"].sum()
    answer = pd.DataFrame({"n_lower": least["n"], "n_upper": most["n"], "withheld": withheld.reindex(least.index)})
    answer = answer.assign(rate_lower=least["rate"], rate_upper=most["rate"])
    answer = answer.assign(lower=least["lower"], upper=most["upper"], method=most["method"])
    few = answer["n_lower"] < rates.FEWEST_FOR_STANDARDISING  # fewer for certain: no rate, whatever is withheld
    told = ["rate_lower", "rate_upper", "lower", "upper"]
    answer[told] = answer[told].mask(few)
    answer["rate"] = answer["rate_lower"].where(answer["withheld"] == 0)
    return answer.reset_index()


def yearly(scope: Scope, cause: str) -> pd.DataFrame:
    """Crude rates per 100,000 residents by authority and financial year: n, withheld, rate, lower, upper, method.

    Where the number itself is withheld there is no rate.
    """
    found = admission_questions.totals(scope, "financial_year")
    found = found[found["icd_group"] == cause].reset_index(drop=True)
    people = _people(scope).groupby(["authority_code", "year"])["population"].sum().rename("population").reset_index()
    found = _nearest_year(found.assign(year=found["period"].str[:4].astype(int)), people)
    return found.join(rates.crude(found["n"], found["population"]))


def months(scope: Scope, cause: str) -> pd.DataFrame:
    """The whole area by month, as a range: month, n_lower and n_upper (withheld parts at least and at most), n, status.

    `n` is their middle, to be drawn with its range; it is no count.
    """
    wide = scope.but(area=store.ALL)
    found = admission_questions.totals(wide, "month")
    found = found[found["icd_group"] == cause]
    if found.empty:
        raise NotEnoughData("No admissions by month are held for this choice.")
    sums = found.groupby("period").agg(n=("n", "sum"), withheld=("withheld", "sum")).reset_index()
    low, high = sums["n"] + LEAST * sums["withheld"], sums["n"] + MOST * sums["withheld"]
    month = pd.to_datetime(sums["period"]).astype("datetime64[us]")
    status = np.where(sums["withheld"] > 0, "band", "shown")
    return pd.DataFrame(
        {"month": month, "n": low.where(low == high), "n_lower": low, "n_upper": high, "status": status}
    )


def ages(scope: Scope, cause: str) -> pd.DataFrame:
    """The newest three years by cohort and sex: period, cohort, sex, n_lower, n_upper, population and rates.

    `rate_lower`, `rate_upper` per 100,000 a year, crude; from what is withheld at least to at most.
    """
    groups = _with_people(admission_questions.by_age(scope), scope, 3)
    groups = groups[(groups["icd_group"] == cause) & (groups["period"] == groups["period"].max())]
    if groups.empty:
        raise NotEnoughData("No admissions by age are held for this choice.")
    first = groups["age_band5"].str.extract(r"(\d+)", expand=False).astype(int)
    of = {age: name for name, (low, high) in COHORTS.items() for age in range(low, min(high, 95) + 1)}
    filled = groups.assign(cohort=first.map(of), least=groups["n"].fillna(LEAST), most=groups["n"].fillna(MOST))
    sums = filled.groupby(["period", "cohort", "sex"], sort=False)[["least", "most", "population"]].sum().reset_index()
    order = list(COHORTS)
    sums = sums.sort_values(["cohort", "sex"], key=lambda c: c.map(order.index) if c.name == "cohort" else c)
    ends = {f"rate_{end}": 1e5 * sums[c] / sums["population"] for end, c in (("lower", "least"), ("upper", "most"))}
    return sums.rename(columns={"least": "n_lower", "most": "n_upper"}).assign(**ends).reset_index(drop=True)


def _with_people(groups: pd.DataFrame, scope: Scope, years: int) -> pd.DataFrame:
    """Rows with the residents of their years added up, of the nearest years held where one is not."""
    people, parts = _people(scope), []
    for period in groups["period"].unique():
        first = int(period[:4])
        for year in range(first, first + years):
            rows = groups[groups["period"] == period].assign(year=year)
            parts.append(_nearest_year(rows, people))
    if not parts:
        return groups.assign(population=np.nan)
    keys = ["authority_code", "period", "icd_group", "age_band5", "sex"]
    summed = pd.concat(parts).groupby(keys, sort=False)["population"].sum(min_count=years).rename("population")
    return groups.merge(summed.reset_index(), on=keys)


def _nearest_year(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Rows with `population` of their `year`, or of the nearest year that is held."""
    held = sorted(people["year"].unique())
    if not held:
        return rows.assign(population=np.nan)
    nearest = {year: min(held, key=lambda h, year=year: abs(h - year)) for year in rows["year"].unique()}
    shared = [c for c in ("authority_code", "age_band5", "sex") if c in people and c in rows]
    found = rows.assign(year=rows["year"].map(nearest)).merge(people, on=[*shared, "year"], how="left")
    return found


def _people(scope: Scope) -> pd.DataFrame:
    return admission_questions.residents(scope)
