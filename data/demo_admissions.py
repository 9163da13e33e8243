"""Invented hospital admissions for assault. A row is one authority, period, age band, sex and cause, as their owner sends it."""

import numpy as np
import pandas as pd

from data import demo_records, schema
from data.demo_ground import Ground

A_YEAR = 850  # admissions of residents: about 42 per 100,000
CAUSES = {"Y04": 0.62, "X99": 0.11, "X93-X95": 0.01, "": 0.26}  # under X85-Y09; the last is all else
WHOLE = "X85-Y09"
AGES = (
    0.02,
    0.005,
    0.03,
    0.11,
    0.155,
    0.14,
    0.12,
    0.1,
    0.08,
    0.065,
    0.05,
    0.04,
    0.03,
    0.02,
    0.012,
    0.01,
    0.006,
    0.004,
    0.003,
)
MEN, REPEATED = 0.72, 0.05
WITHHELD, ROUNDED = 7, 5  # counts of 1 to 7 are written *, others to the nearest 5


def admissions(ground: Ground, seed: int = 0) -> dict[str, pd.DataFrame]:
    """How many residents of each authority were admitted after an assault?

    Returns the files by name: months and financial years for all ages, and three years pooled by age band and sex.
    """
    people = _people(ground, np.random.default_rng([seed, 30]))
    codes = np.unique(ground.areas["authority_code"])
    months = [str(month) for month in demo_records.MONTHS]
    years = [f"{year}/{(year + 1) % 100:02}" for year in range(2019, 2025)]
    pooled = [f"{first}-{last}" for first, last in zip(years[:-2], years[2:], strict=True)]
    in_pooled = [people[people["year"].isin(years[i : i + 3])].assign(pooled=name) for i, name in enumerate(pooled)]
    every_age = [schema.AGE_BANDS, ["Female", "Male"]]
    return {
        "admissions_months": _counted(people, "month", [codes, months, [WHOLE, "X99"], ["All"], ["All"]]),
        "admissions_years": _counted(
            people, "year", [codes, years, [WHOLE, "X99", "X93-X95", "Y04"], ["All"], ["All"]]
        ),
        "admissions_three_years": _counted(pd.concat(in_pooled), "pooled", [codes, pooled, [WHOLE, "X99"], *every_age]),
    }


def _people(ground: Ground, rng: np.random.Generator) -> pd.DataFrame:
    """One row per admission: authority, month, year, age, sex, cause and person."""
    risk = (ground.areas["rate"] * ground.areas["population"]).groupby(ground.areas["authority_code"]).sum()
    season = demo_records.seasons()[demo_records.SETTINGS.index("street")]
    n = rng.poisson(A_YEAR * len(season) / 12)
    month = np.sort(rng.choice(len(season), n, p=season))
    start = demo_records.MONTHS[month].astype(int) // 12 + 1970 - (demo_records.MONTHS[month].astype(int) % 12 < 3)
    again = rng.random(n) < REPEATED
    return pd.DataFrame(
        {
            "AuthorityCode": rng.choice(risk.index.to_numpy(dtype=object), n, p=risk / risk.sum()),
            "month": demo_records.MONTHS[month].astype(str),
            "year": [f"{year}/{(year + 1) % 100:02}" for year in start],
            "AgeBand": rng.choice(np.array(schema.AGE_BANDS, dtype=object), n, p=np.array(AGES) / sum(AGES)),
            "Sex": np.where(rng.random(n) < MEN, "Male", "Female"),
            "ICD10": rng.choice(list(CAUSES), n, p=list(CAUSES.values())),
            "again": again,
        }
    )


def _counted(people: pd.DataFrame, period: str, values: list) -> pd.DataFrame:
    """Counts for every combination, zeros too, small ones withheld and the others rounded."""
    keys = ["AuthorityCode", "Period", "ICD10", "AgeBand", "Sex"]
    people = people.assign(Period=people[period])
    rows = pd.concat([people.assign(ICD10=WHOLE), people])
    for key, allowed in zip(keys, values, strict=True):
        rows = rows.assign(**{key: "All"}) if list(allowed) == ["All"] else rows
    counted = rows.groupby(keys).agg(Episodes=("again", "size"), repeats=("again", "sum"))
    full = counted.reindex(pd.MultiIndex.from_product(values, names=keys), fill_value=0).reset_index()
    full["Persons"] = full["Episodes"] - full.pop("repeats")
    hidden = full["Episodes"].between(1, WITHHELD) | full["Persons"].between(1, WITHHELD)
    for name in ("Episodes", "Persons"):
        shown = (ROUNDED * (full[name] / ROUNDED).round()).astype(int).astype("str")
        full[name] = shown.mask(hidden, "*")
    return full
