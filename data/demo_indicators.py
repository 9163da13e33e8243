"""Invented public health indicators, as Fingertips exports them. A row is one indicator, area and period."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data import definitions, demo_admissions, schema
from data.demo_ground import Ground

HEADERS = [
    "Indicator ID",
    "Indicator Name",
    "Parent Code",
    "Parent Name",
    "Area Code",
    "Area Name",
    "Area Type",
    "Sex",
    "Age",
    "Category Type",
    "Category",
    "Time period",
    "Value",
    "Lower CI 95.0 limit",
    "Upper CI 95.0 limit",
    "Lower CI 99.8 limit",
    "Upper CI 99.8 limit",
    "Count",
    "Denominator",
    "Value note",
    "Recent Trend",
    "Compared to England value or percentiles",
    "Compared to Region value or percentiles",
    "Time period Sortable",
    "New data",
    "Compared to goal",
]
ENGLAND = "E92000001"
YEARLY = "violence_admissions_yearly"  # see indicators.toml
YEARS = range(2019, 2025)
ESP_2013 = [5000, 5500, 5500, 5500, 6000, 6000, 6500, 7000, 7000, 7000, 7000, 6500, 6000, 5500, 5000, 4000, 2500, 1500]
ESP_2013 += [1000]  # the European Standard Population by five-year band, 0-4 to 90+
FEWEST = 10  # admissions below which the owner publishes no rate
Z = 1.959964


@dataclass(frozen=True)
class Invented:
    """One indicator: what it is per, its mean, how much authorities and years differ (logarithms), and who counts."""

    id: str
    name: str
    per: float
    mean: float
    spread: float
    drift: float
    share: float  # of residents in the base
    sex: str = "Persons"
    age: str = "All ages"
    with_deprivation: float = 0.5  # correlation with deprivation, below 0 for what protects


INDICATORS = (
    Invented("10301", "Pupil absence (invented)", 100, 5.2, 0.12, 0.06, 0.14, age="5-15 yrs", with_deprivation=0.8),
    Invented(
        "10401",
        "First time entrants to the youth justice system (invented)",
        1e5,
        180,
        0.35,
        -0.05,
        0.09,
        age="10-17 yrs",
        with_deprivation=0.7,
    ),
    Invented(
        "21001", "Admissions for intentional self-harm (invented)", 1e5, 170, 0.25, 0.0, 1.0, with_deprivation=0.6
    ),
    Invented(
        "90280",
        "Social care users with as much contact as they like (invented)",
        100,
        45,
        0.05,
        0.0,
        0.01,
        age="18+ yrs",
        with_deprivation=-0.3,
    ),
)


def indicators(ground: Ground, population: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The published indicators of every authority, the region and England, with the yearly rate of admissions.

    Returns the rows of one export, all text.
    """
    rng = np.random.default_rng([seed, 40])
    codes = list(definitions.partnership().codes)
    people = population[(population["area_level"] == "lsoa") & (population["pop_type"] == "resident")]
    people = people[people["year"] == people["year"].max()]
    inside = ground.areas.set_index("area_code")["authority_code"]
    people = people.assign(area_code=people["area_code"].map(inside))
    residents = people.groupby("area_code")["population"].sum().reindex(codes)
    poor = ground.areas.groupby("authority_code")["rate"].mean().reindex(codes)
    standing = ((poor - poor.mean()) / poor.std()).to_numpy()
    rows = [row for one in INDICATORS for row in _published(one, residents, standing, rng)]
    rows += _standardised(ground, people, seed)
    told = pd.DataFrame(rows).reindex(columns=HEADERS).fillna("")
    return told.astype("str")


def _published(one: Invented, residents: pd.Series, standing: np.ndarray, rng: np.random.Generator) -> list[dict]:
    own = rng.normal(0, 1, len(residents))
    away = one.with_deprivation * standing + np.sqrt(1 - one.with_deprivation**2) * own
    rows = []
    for number, year in enumerate(YEARS):
        level = one.mean / one.per * np.exp(one.drift * number)
        chance = level * np.exp(one.spread * away + rng.normal(0, one.spread / 5, len(residents)))
        base = (one.share * residents).round().astype(int)
        count = rng.poisson(base * chance)
        for code, n, of in zip(residents.index, count, base, strict=True):
            rows.append(_row(one.id, one.name, code, year, n, of, one.per, one.sex, one.age))
        for wide in (definitions.partnership().region, ENGLAND):
            if wide:
                value = round(float(level * one.per * np.exp(rng.normal(0, one.spread / 8))), 2)
                said = {"Area Code": wide, "Time period": str(year), "Value": value, "Sex": one.sex, "Age": one.age}
                rows.append({"Indicator ID": one.id, "Indicator Name": one.name} | said)
    return rows


def _row(id: str, name: str, code: str, year: int, n: int, of: int, per: float, sex: str, age: str) -> dict:
    """One authority's row; the interval is Wilson's of a percentage, Byar's of a rate."""
    if per == 100:
        p, middle = n / of, (n + Z**2 / 2) / (of + Z**2)
        half = Z / (of + Z**2) * np.sqrt(of * p * (1 - p) + Z**2 / 4)
        low, high = middle - half, middle + half
    else:
        low, high = (end / of for end in _byar(n))
    said = {"Value": n / of * per, "Lower CI 95.0 limit": low * per, "Upper CI 95.0 limit": high * per}
    told = {column: round(float(value), 3) for column, value in said.items()}
    where = {"Area Code": code, "Time period": str(year), "Sex": sex, "Age": age}
    return {"Indicator ID": id, "Indicator Name": name, "Count": int(n), "Denominator": int(of)} | where | told


def _byar(n: float) -> tuple[float, float]:
    low = n * (1 - 1 / (9 * n) - Z / (3 * np.sqrt(n))) ** 3 if n else 0.0
    return low, (n + 1) * (1 - 1 / (9 * (n + 1)) + Z / (3 * np.sqrt(n + 1))) ** 3


def _standardised(ground: Ground, people: pd.DataFrame, seed: int) -> list[dict]:
    """Admissions for violence by financial year, directly standardised by the owner with Dobson's limits."""
    admitted = demo_admissions.people(ground, seed)
    counts = admitted.groupby(["AuthorityCode", "year", "AgeBand"]).size()
    bands = people.groupby(["area_code", "age_band5"])["population"].sum()
    weight = pd.Series(ESP_2013, schema.AGE_BANDS) / sum(ESP_2013)
    rows = []
    for code in definitions.partnership().codes:
        for year in sorted(y for y in admitted["year"].unique() if 2019 <= int(y[:4]) <= 2024):
            n = counts.reindex([(code, year, band) for band in schema.AGE_BANDS], fill_value=0).to_numpy()
            of = bands.reindex([(code, band) for band in schema.AGE_BANDS]).to_numpy()
            rate, total = float((weight * n / of).sum()), int(n.sum())
            spread = float(np.sqrt((weight**2 * n / of**2).sum() / total)) if total else 0.0
            low, high = (rate + spread * (end - total) for end in _byar(total))
            told = {"Value": rate, "Lower CI 95.0 limit": low, "Upper CI 95.0 limit": high}
            told = {c: round(1e5 * v, 3) if total >= FEWEST else "" for c, v in told.items()}
            name = "Yearly admissions for violence (invented)"
            where = {"Area Code": code, "Time period": year, "Sex": "Persons", "Age": "All ages"}
            rows.append({"Indicator ID": YEARLY, "Indicator Name": name} | where | told)
    return rows
