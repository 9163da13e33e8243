"""The invented records as partners write them down: gaps, spans, slips and all. A row is a row of a partner's file."""

import hashlib

import numpy as np
import pandas as pd

from data import definitions, demo_records
from data.demo_ground import Ground

SITES = {  # emergency departments: name and where it stands
    "XED01": ("Hospital 1 (invented)", 440_200, 114_900),
    "XED02": ("Hospital 2 (invented)", 466_300, 105_900),
    "XED03": ("Hospital 3 (invented)", 465_200, 153_200),
    "XED04": ("Hospital 4 (invented)", 449_300, 90_100),
}
MISSING = {"XED02": ("2022-08",), "ambulance": ("2021-09", "2021-10"), "police_uk": ("2024-05",)}  # never supplied
FIRST_DAY, LAST_DAY = demo_records.FIRST.astype("datetime64[D]"), (demo_records.LAST + 1).astype("datetime64[D]") - 1
PUBLISHED_FROM = np.datetime64("2023-01")  # street-level months: the last three years
ELSEWHERE = [(414_000, 130_000), (409_000, 91_500), (443_500, 168_900), (396_000, 91_000), (415_000, 184_500)]  # other counties

# Shares, all assumptions of ours
UNPLACED, OUTSIDE, TWICE, LATER = 0.025, 0.003, 0.004, 0.002  # LATER: delivered once more, a month on
SPAN, NO_TIME = 0.15, 0.05  # times known only within hours; only the day known
LONGEST_H = 10  # of such a span, before and after
LATE_DAYS = 75  # mean delay of what is not reported within days
LATE = {"rape": 0.4, "sexual_other": 0.35, "stalking_harassment": 0.12, "threats_to_kill": 0.06}  # others 0.04

CODES = {  # offence group: codes with their weights
    "homicide": {"1": 8, "4/1": 2},
    "attempted_murder": {"2": 1},
    "threats_to_kill": {"3B": 1},
    "violence_with_injury": {"8N": 85, "5D": 6, "8S": 5, "5E": 2, "8P": 2},
    "violence_without_injury": {"105A": 92, "104": 5, "105B": 3},
    "stalking_harassment": {"8R": 45, "8L": 40, "8Q": 15},
    "rape": {"19C": 70, "19D": 12, "19E": 8, "19F": 6, "19G": 2, "19H": 2},
    "sexual_other": {"20A": 65, "20B": 18, "17A": 12, "17B": 5},
    "robbery_personal": {"34B": 1},
    "robbery_business": {"34A": 1},
    "weapons_possession": {"10C": 85, "10B": 12, "10A": 3},
    "weapons_blade": {"10D": 1},
    "public_order": {"9A": 88, "9B": 9, "62A": 3},
}
KNIFE = {"homicide": 0.4, "attempted_murder": 0.5, "threats_to_kill": 0.15, "violence_with_injury": 0.06, "rape": 0.01}
KNIFE |= {"sexual_other": 0.005, "robbery_personal": 0.2, "robbery_business": 0.25}  # the offences that can be knife-enabled
BY_SETTING = {  # chance of: domestic, public space, alcohol, drugs, night-time economy; age: middle, spread, youngest
    "home": (0.68, 0.02, 0.25, 0.06, 0.01, 35, 14, 1),
    "street": (0.14, 0.95, 0.20, 0.06, 0.03, 28, 14, 7),
    "work": (0.05, 0.55, 0.08, 0.03, 0.02, 38, 13, 16),
    "school": (0.02, 0.05, 0.00, 0.01, 0.00, 13, 2.5, 4),
    "night_out": (0.06, 0.65, 0.60, 0.10, 0.85, 27, 8, 17),
}
KINDS = {  # kind of place: in the words of the police, and of emergency departments
    "home": (["Dwelling", "Garden or drive", "Hostel"], ["Home"]),
    "street": (["Street", "Park", "Car park", "Public transport"], ["Street", "Park or open space", "Public transport"]),
    "work": (["Shop", "Office", "Hospital", "Care home"], ["Shop", "Workplace", "Health or care"]),
    "school": (["School", "College"], ["School or college"]),
    "night_out": (["Licensed premises", "Street", "Takeaway"], ["Licensed premises", "Street", "Food outlet"]),
}
ETHNICITIES = {"White": 0.86, "Asian": 0.06, "Black": 0.03, "Mixed": 0.03, "Other": 0.02}
STREET_TYPES = {"Anti-social behaviour": 30, "Criminal damage and arson": 16, "Shoplifting": 15, "Other theft": 11, "Vehicle crime": 10}
STREET_TYPES |= {"Burglary": 7, "Drugs": 4, "Bicycle theft": 3, "Theft from the person": 2, "Other crime": 2}
PUBLISHED_AS = {"robbery_personal": "Robbery", "robbery_business": "Robbery", "weapons_possession": "Possession of weapons"}
PUBLISHED_AS |= {"weapons_blade": "Possession of weapons", "public_order": "Public order"}
VIOLENCE = "Violence and sexual offences"


def police(events: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The records of the force: one row per crime, some of them twice. `delivered` is the day that decides on the file."""
    rng, n = np.random.default_rng([seed, 20]), len(events)
    when, group = events["when"].to_numpy().astype("datetime64[m]"), events["group"]
    day = when.astype("datetime64[D]")
    late = rng.random(n) < group.map(LATE).fillna(0.04).to_numpy()
    recorded = day + np.where(late, rng.exponential(LATE_DAYS, n), rng.exponential(0.7, n)).astype(int)
    start, end = _spans(when, recorded, rng)
    chance = _by_setting(events)
    knife = rng.random(n) < group.map(KNIFE).fillna(0).to_numpy()
    by_tool = np.where(recorded >= np.datetime64("2021-04-01"), "NDQIS", "Manual")
    rows = pd.DataFrame(
        {
            "delivered": recorded,
            "CrimeRef": "D" + pd.Series(np.arange(1, n + 1)).astype("str").str.zfill(7),
            "OffenceCode": _codes(group, rng),
            "OffenceTitle": group.map({k: g.label for k, g in definitions.offence_groups().items()}),
            "DateTimeFrom": _british(start),
            "DateTimeTo": _british(end),
            "RecordedDate": _british(recorded),
            **_points(events, rng),
            "LocationType": _known(_kinds(events, 0, rng), 0.93, rng),
            "KnifeFlag": _known(np.where(knife, "Y", "N"), 0.97, rng),
            "KnifeMethod": np.where(knife, by_tool, ""),
            "FirearmFlag": _yes(0.004, 0.97, n, rng),
            "DomesticFlag": _yes(chance["domestic"], 0.98, n, rng),
            "PublicSpaceFlag": _yes(chance["public_space"], 0.94, n, rng),
            "AlcoholFlag": _yes(chance["alcohol"], 0.6, n, rng),
            "DrugsFlag": _yes(chance["drugs"], 0.6, n, rng),
            "NightTimeEconomyFlag": _yes(chance["nte"], 0.9, n, rng),
            "Weapon": np.where(knife, "Knife", ""),
            "VictimAge": _ages(chance, 0.85, rng),
            "VictimSex": _known(rng.choice(["Female", "Male"], n, p=[0.52, 0.48]), 0.93, rng),
            "VictimEthnicity": _known(rng.choice(list(ETHNICITIES), n, p=list(ETHNICITIES.values())), 0.7, rng),
            "SuspectAge": _ages(chance, 0.5, rng),
        }
    )
    _slip(rows, "OffenceCode", "999", 0.0025, rng)
    _slip(rows, "DateTimeTo", "01/01/2019 00:30", 0.001, rng)
    _slip(rows, "DomesticFlag", "see notes", 0.001, rng)
    return _delivered(rows[recorded <= LAST_DAY], rng)


def emergency(events: pd.DataFrame, ground: Ground, seed: int = 0) -> pd.DataFrame:
    """The returns of the emergency departments: one row per attendance; `site` and `delivered` decide on the file."""
    rng, n = np.random.default_rng([seed, 21]), len(events)
    when = events["when"].to_numpy().astype("datetime64[m]")
    wait_min = np.where(rng.random(n) < 0.06, rng.uniform(600, 2_000, n), rng.lognormal(np.log(90), 0.7, n))
    arrival = when + (5 + wait_min).astype(int)
    told = rng.random(n)
    assault = np.where(told < 0.85, _iso(when), np.where(told < 0.93, _iso(when.astype("datetime64[D]")), ""))
    sharp = rng.random(n) < 0.055
    methods = rng.choice(["Body part", "Glass or bottle", "Blunt object", "Other", "Unknown"], n, p=[0.76, 0.06, 0.06, 0.06, 0.06])
    away = np.hypot(*(events[["x", "y"]].to_numpy()[:, None] - [site[1:] for site in SITES.values()]).transpose(2, 0, 1))
    nearest = np.where(rng.random(n) < 0.96, away.argmin(axis=1), rng.integers(0, len(SITES), n))
    rows = pd.DataFrame(
        {
            "delivered": arrival.astype("datetime64[D]"),
            "site": np.array(list(SITES))[nearest],
            "AttendanceRef": "A" + pd.Series(np.arange(1, n + 1)).astype("str").str.zfill(6),
            "ArrivalDateTime": _iso(arrival),
            "AssaultDateTime": assault,
            "AssaultMethod": np.where(sharp, "Sharp object", methods),
            "AssaultLocationType": _known(_kinds(events, 1, rng), 0.92, rng),
            **_heard_of(events, ground, rng),
            "Age": _ages(_by_setting(events), 0.96, rng),
            "Sex": rng.choice(["Male", "Female"], n, p=[0.68, 0.32]),
            "Alcohol": _yes(_by_setting(events)["alcohol"], 0.7, n, rng),
        }
    )
    _slip(rows, "AssaultMethod", "see notes", 0.002, rng)
    _slip(rows, "AssaultDateTime", "2026-12-31T12:00", 0.001, rng)
    gone = np.any([(rows["site"] == s) & _in(rows["delivered"], MISSING[s]) for s in SITES if s in MISSING], axis=0)
    return _delivered(rows[~gone & (rows["delivered"] <= LAST_DAY)], rng)


def ambulance(events: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The calls to the ambulance service: one row per call."""
    rng, n = np.random.default_rng([seed, 22]), len(events)
    call = events["when"].to_numpy().astype("datetime64[m]") + rng.integers(3, 45, n)
    words = {"Assault": 0.83, "04D02A": 0.09, "Sexual assault": 0.025, "Stabbing": 0.04, "Penetrating wound": 0.01, "Gunshot": 0.001}
    words |= {"Self-inflicted": 0.003, "Fall": 0.001}
    walked = np.where(rng.random((n, 1)) < 0.08, rng.normal(0, 200, (n, 2)), 0).round()
    moved = events.assign(x=events["x"] + walked[:, 0], y=events["y"] + walked[:, 1])
    placed = _points(moved, rng)
    rows = pd.DataFrame(
        {
            "delivered": call.astype("datetime64[D]"),
            "IncidentNumber": "C" + pd.Series(np.arange(1, n + 1)).astype("str").str.zfill(6),
            "CallDateTime": _iso(call),
            "ChiefComplaint": rng.choice(list(words), n, p=np.array(list(words.values())) / sum(words.values())),
            "PickupEasting": placed["Easting"],
            "PickupNorthing": placed["Northing"],
            "Age": _ages(_by_setting(events), 0.8, rng),
            "Sex": _known(rng.choice(["M", "F"], n, p=[0.62, 0.38]), 0.95, rng),
            "Alcohol": _yes(_by_setting(events)["alcohol"], 0.5, n, rng),
        }
    )
    gone = _in(rows["delivered"], MISSING["ambulance"])
    return _delivered(rows[~gone & (rows["delivered"] <= LAST_DAY)], rng)


def street(police_events: pd.DataFrame, other: pd.DataFrame, ground: Ground, seed: int = 0) -> pd.DataFrame:
    """Street-level crime as published: months, streets, classes. The violence is the police's; the rest is its own."""
    rng = np.random.default_rng([seed, 23])
    crime = police_events["group"].map(PUBLISHED_AS).fillna(VIOLENCE)
    share = np.array(list(STREET_TYPES.values()))
    other = other.assign(crime=rng.choice(list(STREET_TYPES), len(other), p=share / share.sum()))
    events = pd.concat([police_events.assign(crime=crime), other])[["when", "door", "area", "crime"]]
    month = events["when"].to_numpy().astype("datetime64[M]")
    events = events[(month >= PUBLISHED_FROM) & ~_in(events["when"], MISSING["police_uk"])].reset_index(drop=True)
    place = ground.streets.iloc[ground.doors["street"].to_numpy()[events["door"]]].reset_index(drop=True)
    n, force = len(events), definitions.partnership().forces[0]
    seen = rng.random(n) >= UNPLACED
    rows = pd.DataFrame(
        {
            "delivered": events["when"].dt.normalize(),
            "Crime ID": np.where(events["crime"] == "Anti-social behaviour", "", _hashes(n, seed)),
            "Month": events["when"].dt.strftime("%Y-%m"),
            "Reported by": force,
            "Falls within": force,
            "Longitude": place["lon"].map("{:.6f}".format).where(seen, ""),
            "Latitude": place["lat"].map("{:.6f}".format).where(seen, ""),
            "Location": ("On or near " + place["name"]).where(seen, "No location"),
            "LSOA code": ground.areas["area_code"].to_numpy()[events["area"]],
            "LSOA name": ground.areas["name"].to_numpy()[events["area"]],
            "Crime type": events["crime"],
            "Last outcome category": "",
            "Context": "",
        }
    )
    rows.loc[~seen, ["LSOA code", "LSOA name"]] = ""
    _slip(rows, "Crime type", "Not yet classed", 0.001, rng)
    twice = rows["Crime ID"].ne("") & (rng.random(n) < TWICE / 2)
    return pd.concat([rows, rows[twice]]).sort_values(["Month", "LSOA code"], kind="stable", ignore_index=True)


def _spans(when: np.ndarray, recorded: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The earliest and latest time as written: mostly one time, some spans of hours, some whole days."""
    n = len(when)
    sort = rng.random(n)
    before, after = (rng.integers(30, LONGEST_H * 60, n) for _ in range(2))
    day = when.astype("datetime64[D]")
    spanned, unknown = sort < SPAN, (sort >= SPAN) & (sort < SPAN + NO_TIME)
    start = np.where(spanned, np.maximum(when - before, FIRST_DAY.astype("datetime64[m]")), when)
    end = np.where(spanned, np.minimum(when + after, recorded.astype("datetime64[m]") + 24 * 60 - 1), when)
    end = np.where(~spanned & (rng.random(n) < 0.6), np.datetime64("NaT"), end)
    return np.where(unknown, day.astype("datetime64[m]"), start), np.where(unknown, day.astype("datetime64[m]") + 1439, end)


def _points(events: pd.DataFrame, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Coordinates as written: some blank, some 0, some beyond the area."""
    sort = rng.random(len(events))
    beyond = np.array(ELSEWHERE)[rng.integers(0, len(ELSEWHERE), len(events))] + rng.integers(-400, 400, (len(events), 2))
    found = {}
    for name, values, other in (("Easting", events["x"], beyond[:, 0]), ("Northing", events["y"], beyond[:, 1])):
        text = np.where(sort > 1 - OUTSIDE, other, values).astype(int).astype(str)
        found[name] = np.where(sort < UNPLACED / 2, "", np.where(sort < UNPLACED, "0", text))
    return found


def _heard_of(events: pd.DataFrame, ground: Ground, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Places as emergency departments hear of them: a door, a street, or nothing."""
    sort, known = rng.random(len(events)), _points(events, rng)
    street = ground.streets[["x", "y"]].to_numpy()[ground.doors["street"].to_numpy()[events["door"]]].astype(int).astype(str)
    found = {n: np.where(sort < 0.5, known[n], np.where(sort < 0.82, street[:, i], "")) for i, n in enumerate(known)}
    confidence = np.select([sort < 0.5, sort < 0.7, sort < 0.82], ["High", "Medium", "Low"], default="")
    return {**found, "GeocodeConfidence": np.where(found["Easting"] == "", "", confidence)}


def _delivered(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The rows in order of the day, some of them written twice, and some delivered once more a month later."""
    sort = rng.random(len(rows))
    again = rows[(sort >= TWICE) & (sort < TWICE + LATER)]
    again = again.assign(delivered=again["delivered"] + pd.Timedelta(days=31))
    parts = [rows, rows[sort < TWICE], again[again["delivered"] <= LAST_DAY]]
    return pd.concat(parts).sort_values("delivered", kind="stable", ignore_index=True)


def _slip(rows: pd.DataFrame, column: str, wrong: str, share: float, rng: np.random.Generator) -> None:
    rows.loc[rng.random(len(rows)) < share, column] = wrong


def _by_setting(events: pd.DataFrame) -> pd.DataFrame:
    names = ["domestic", "public_space", "alcohol", "drugs", "nte", "middle", "spread", "youngest"]
    return pd.DataFrame.from_dict(BY_SETTING, orient="index", columns=names).loc[events["setting"]].reset_index(drop=True)


def _codes(group: pd.Series, rng: np.random.Generator) -> np.ndarray:
    found = np.empty(len(group), dtype=object)
    for name, codes in CODES.items():
        here = np.flatnonzero(group == name)
        share = np.array(list(codes.values()))
        found[here] = rng.choice(np.array(list(codes), dtype=object), len(here), p=share / share.sum())
    return found


def _kinds(events: pd.DataFrame, whose: int, rng: np.random.Generator) -> np.ndarray:
    """The kind of place: the first word of its setting in seven cases of ten."""
    found = np.empty(len(events), dtype=object)
    for setting, words in KINDS.items():
        here, choice = np.flatnonzero(events["setting"] == setting), words[whose]
        share = np.array([0.7] + [0.3 / max(1, len(choice) - 1)] * (len(choice) - 1))
        found[here] = rng.choice(np.array(choice, dtype=object), len(here), p=share / share.sum())
    return found


def _ages(chance: pd.DataFrame, known: float, rng: np.random.Generator) -> np.ndarray:
    """Ages in whole years, more of them young than old."""
    drawn = chance["middle"] + chance["spread"] * (rng.gamma(4, 0.5, len(chance)) - 2)
    return _known(drawn.clip(chance["youngest"], 97).astype(int).astype("str").to_numpy(), known, rng)


def _yes(chance: pd.Series | float, known: float, n: int, rng: np.random.Generator) -> np.ndarray:
    return _known(np.where(rng.random(n) < chance, "Y", "N"), known, rng)


def _known(values: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(len(values)) < share, values, "")


def _in(days: pd.Series, months: tuple[str, ...]) -> np.ndarray:
    return np.isin(days.to_numpy().astype("datetime64[M]"), np.array(months, dtype="datetime64[M]"))


def _british(when: np.ndarray) -> pd.Series:
    daily = when.dtype == "datetime64[D]"
    return pd.Series(when.astype("datetime64[s]")).dt.strftime("%d/%m/%Y" if daily else "%d/%m/%Y %H:%M").fillna("")


def _iso(when: np.ndarray) -> np.ndarray:
    return np.datetime_as_string(when)


def _hashes(n: int, seed: int) -> np.ndarray:
    return np.array([hashlib.sha256(f"{seed} {i}".encode()).hexdigest() for i in range(n)])
