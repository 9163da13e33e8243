"""The partnership's own registers, invented: meetings, surveys and programme returns, as they would be sent.

What is planted in them stands in planted.toml under [[registers]]. Everything else here is an assumption of ours.
"""

import tomllib
from functools import cache

import numpy as np
import pandas as pd

from data import definitions, schema

SOURCES = ("attendance", "surveys", "programme_returns")
FIRST, LAST = pd.Timestamp(2023, 4, 1), pd.Timestamp(2025, 12, 1)
EVERY = {"SVRP": 3, "TVRP": 1, "DAWG": 1, "Engagement": 3, "Comms": 3}  # months from meeting to meeting
COMES = {  # chance that a class comes when its register begins, and when it ends
    "police": (0.9, 0.9),
    "fire": (0.75, 0.75),
    "icb": (0.65, 0.65),
    "local_authority": (0.85, 0.85),
    "youth_justice": (0.7, 0.7),
    "probation": (0.4, 0.75),  # drifts up
    "prison": (0.5, 0.5),
    "youth_custody": (0.15, 0.15),  # poor
    "education": (0.3, 0.65),  # drifts up
}
WRITTEN = {
    "police": "Police",
    "fire": "Fire and rescue",
    "icb": "Integrated care board",
    "local_authority": "Local authority",
    "youth_justice": "Youth justice service",
    "probation": "Probation service",
    "prison": "Prison",
    "youth_custody": "Youth custody service",
    "education": "Education",
}
BY_DEPUTY = 0.25  # of those who come
WAVES = (2022, 2023, 2024, 2025)
ASKED = {"10-17": 130, "18-24": 110, "25_plus": 260}  # people who answer in a middling authority
COHORTS = {"10-17": "10 to 17", "18-24": "18 to 24", "25_plus": "25 and over"}
UNEVEN = (0.6, 1.5)  # times as many, in the smallest and the largest authority
SAY_YES = {  # per cent who say yes; the willing are asked among the young alone
    "trust": {"10-17": 46, "18-24": 50, "25_plus": 60},
    "safety": {"10-17": 55, "18-24": 58, "25_plus": 66},
    "willingness": {"10-17": 41, "18-24": 47},
}
AREAS_DIFFER = 3.0  # points, standard deviation between authorities
RETURNS_FROM, LATE = pd.Timestamp(2021, 4, 1), ("P05", pd.Timestamp(2023, 7, 1))  # the return that has not come
REACHES = {"P01": 90, "P02": 60, "P03": 80, "P04": 45, "P05": 70, "P06": 30, "P07": 110, "P08": 25}  # young people
REFERRED, STARTED, COMPLETED = 0.6, 0.8, 0.7  # of those reached, of those referred, of those started
FAMILIES, PROFESSIONALS = 0.3, 0.2  # to one young person


def files(seed: int = 0) -> dict[str, dict[str, pd.DataFrame]]:
    """The files of each register, by name without its ending: all of it text."""
    meetings, asked, returns = (make(seed) for make in (attendance, surveys, programme_returns))
    waves = {f"survey_{wave}": rows for wave, rows in asked.groupby("Wave")}
    years = {f"returns_{year.replace('/', '-')}": r for year, r in returns.groupby(returns["Quarter"].str[:7])}
    return {"attendance": {"attendance": meetings}, "surveys": waves, "programme_returns": years}


@cache
def planted() -> dict[str, dict]:
    """The planted change of each register, by its source."""
    with (definitions.HERE / "planted.toml").open("rb") as file:
        return {entry["source"]: entry for entry in tomllib.load(file)["registers"]}


def attendance(seed: int = 0) -> pd.DataFrame:
    """Every meeting of five forums and every class, present or not."""
    rng, change = np.random.default_rng([seed, 40]), planted()["attendance"]
    meetings = [
        (month + pd.Timedelta(days=int(rng.integers(2, 26))), forum)
        for forum, months in EVERY.items()
        for month in pd.date_range(FIRST, LAST, freq=f"{months}MS")
    ]
    rows = [(*meeting, name) for meeting in meetings for name in schema.CLASSES]
    found = pd.DataFrame(rows, columns=["date", "Forum", "name"]).sort_values(
        ["date", "Forum"], kind="stable", ignore_index=True
    )
    gone = (found["date"] - FIRST) / (LAST - FIRST)
    start, end = (found["name"].map({k: v[i] for k, v in COMES.items()}) for i in (0, 1))
    chance = start + (end - start) * gone.clip(0, 1)
    more = found["Forum"].eq(change["forum"]) & found["date"].ge(pd.Timestamp(change["from"]))
    odds = chance / (1 - chance) * np.where(more, change["effect"], 1)
    comes = rng.random(len(found)) < odds / (1 + odds)
    deputy = comes & (rng.random(len(found)) < BY_DEPUTY)
    yes = {True: "Y", False: "N"}
    return pd.DataFrame(
        {
            "Date": found["date"].dt.strftime("%d/%m/%Y"),
            "Forum": found["Forum"],
            "Authority class": found["name"].map(WRITTEN),
            "Attended": comes.map(yes),
            "Deputy": deputy.map(yes),
        }
    )


def surveys(seed: int = 0) -> pd.DataFrame:
    """Every wave, authority, age cohort and question it is asked: how many answered, and how many in a hundred yes."""
    rng, change = np.random.default_rng([seed, 41]), planted()["surveys"]
    people = pd.Series({a.code: a.residents_2021 for a in definitions.partnership().authorities})
    size = np.interp(people.rank(), [1, len(people)], UNEVEN)
    differ = rng.normal(0, AREAS_DIFFER, len(people))
    rows = []
    for wave in WAVES:
        for code, times, own in zip(people.index, size, differ, strict=True):
            for question, yes in SAY_YES.items():
                changed = question == change["question"] and wave >= change["from"].year
                more = change["effect"] if changed else 0
                for cohort, share in yes.items():
                    n = int(rng.poisson(ASKED[cohort] * times))
                    said = 100 * rng.binomial(n, (share + own + more) / 100) / n
                    rows.append((str(wave), code, COHORTS[cohort], question, str(n), f"{said:.1f}"))
    return pd.DataFrame(rows, columns=["Wave", "Authority code", "Cohort", "Question", "Respondents", "Percent"])


def programme_returns(seed: int = 0) -> pd.DataFrame:
    """Every programme's return of every quarter but the late one."""
    rng, change = np.random.default_rng([seed, 42]), planted()["programme_returns"]
    rows = []
    for quarter in pd.date_range(RETURNS_FROM, LAST, freq="3MS"):
        for name, usual in REACHES.items():
            grown = name == change["programme"] and quarter >= pd.Timestamp(change["from"])
            young = int(rng.poisson(usual * (change["effect"] if grown else 1)))
            referred = int(rng.binomial(young, REFERRED))
            started = int(rng.binomial(referred, STARTED))
            counts = (referred, started, int(rng.binomial(started, COMPLETED)), young)
            others = (int(rng.poisson(usual * part)) for part in (FAMILIES, PROFESSIONALS))
            if (name, quarter) != LATE:
                rows.append((name, _quarter(quarter), *map(str, (*counts, *others))))
    counted = ["Referred", "Started", "Completed", "Young people reached", "Families reached", "Professionals reached"]
    return pd.DataFrame(rows, columns=["Programme", "Quarter", *counted])


def _quarter(first: pd.Timestamp) -> str:
    year = first.year - (first.month < 4)
    return f"{year}/{(year + 1) % 100:02} Q{(first.month - 4) % 12 // 3 + 1}"
