"""Invented hospital admissions for assault. A row is one authority, period, age band, sex and cause, as sent."""

import numpy as np
import pandas as pd

from data import definitions, demo_records, schema
from data.demo_ground import Ground
from data.demo_wording import one_of

A_YEAR = 850  # admissions of residents: about 42 per 100,000
CAUSES = {"Y04": 62, "X99": 11, "X93-X95": 1, "": 26}  # weights under X85-Y09; the last is all else
WHOLE, KNIFE = "X85-Y09", "X99"
AGES = [20, 5, 30, 110, 155, 140, 120, 100, 80, 65, 50, 40, 30, 20, 12, 10, 6, 4, 3]  # weights of the age bands
MEN, REPEATED = 0.72, 0.05
WITHHELD, ROUNDED = 7, 5  # counts of 1 to 7 are written *, others to the nearest 5


def admissions(ground: Ground, seed: int = 0) -> dict[str, pd.DataFrame]:
    """How many residents of each authority were admitted after an assault?

    Returns the files by name: months and financial years for all ages, and three years pooled by age band and sex.
    """
    found = people(ground, seed)
    months = [str(month) for month in demo_records.MONTHS]
    years = [_financial_year(year) for year in range(2019, 2025)]
    spans = [years[i : i + 3] for i in range(len(years) - 2)]
    pooled = pd.concat([found[found["year"].isin(s)].assign(pooled=f"{s[0]}-{s[-1]}") for s in spans])
    both = ["Female", "Male"]
    return {
        "admissions_months": _counted(found, "month", months, [WHOLE, KNIFE]),
        "admissions_years": _counted(found, "year", years, [WHOLE, *filter(None, CAUSES)]),
        "admissions_three_years": _counted(
            pooled, "pooled", sorted(set(pooled["pooled"])), [WHOLE, KNIFE], schema.AGE_BANDS, both
        ),
    }


def people(ground: Ground, seed: int) -> pd.DataFrame:
    """One row per admission; `again` where that person was admitted before in the period."""
    rng = np.random.default_rng([seed, 30])
    risk = (ground.areas["rate"] * ground.areas["population"]).groupby(ground.areas["authority_code"]).sum()
    season = demo_records.seasons()[demo_records.SETTINGS.index("street")]
    n = rng.poisson(A_YEAR * len(season) / 12)
    month = demo_records.MONTHS[np.sort(rng.choice(len(season), n, p=season))]
    starts = (month - 3).astype("datetime64[Y]").astype(int) + 1970  # financial years begin in April
    return pd.DataFrame(
        {
            "AuthorityCode": one_of(risk.to_dict(), n, rng),
            "month": month.astype(str),
            "year": [_financial_year(year) for year in starts],
            "AgeBand": one_of(dict(zip(schema.AGE_BANDS, AGES, strict=True)), n, rng),
            "Sex": np.where(rng.random(n) < MEN, "Male", "Female"),
            "ICD10": one_of(CAUSES, n, rng),
            "again": rng.random(n) < REPEATED,
        }
    )


def _financial_year(start: int) -> str:
    return f"{start}/{(start + 1) % 100:02}"


def _counted(
    people: pd.DataFrame,
    period: str,
    periods: list[str],
    causes: list[str],
    ages: tuple = ("All",),
    sexes: list = ("All",),
) -> pd.DataFrame:
    """Counts for every combination, zeros too, small ones withheld and the others rounded."""
    keys = ["AuthorityCode", "Period", "ICD10", "AgeBand", "Sex"]
    values = [definitions.partnership().codes, periods, causes, ages, sexes]
    rows = pd.concat([people.assign(ICD10=WHOLE), people]).assign(Period=lambda r: r[period])
    whole = {key: "All" for key, allowed in (("AgeBand", ages), ("Sex", sexes)) if "All" in allowed}
    counted = rows.assign(**whole).groupby(keys).agg(Episodes=("again", "size"), repeats=("again", "sum"))
    full = counted.reindex(pd.MultiIndex.from_product(values, names=keys), fill_value=0).reset_index()
    full["Persons"] = full["Episodes"] - full.pop("repeats")
    withheld = full["Episodes"].between(1, WITHHELD) | full["Persons"].between(1, WITHHELD)
    for name in ("Episodes", "Persons"):
        full[name] = (ROUNDED * (full[name] / ROUNDED).round()).astype(int).astype("str").mask(withheld, "*")
    return full
