"""The invented records as partners write them down: gaps, spans, slips and all. A row is a row of a partner's file.

The column `delivered` is the day that decides which file a row is in; it, and `site`, are not written as columns.
"""

import hashlib

import numpy as np
import pandas as pd

from data import definitions, demo_records
from data.demo_ground import Ground
from data.demo_wording import (
    UNPLACED,
    ages,
    british,
    chances,
    codes,
    filled,
    kinds,
    one_of,
    points,
    references,
    slip,
    yes,
)

SITES = {  # emergency departments: name and where it stands
    "XED01": ("Hospital 1 (invented)", 440_200, 114_900),
    "XED02": ("Hospital 2 (invented)", 466_300, 105_900),
    "XED03": ("Hospital 3 (invented)", 465_200, 153_200),
    "XED04": ("Hospital 4 (invented)", 449_300, 90_100),
}
MISSING = {"XED02": ["2022-08"], "ambulance": ["2021-09", "2021-10"], "police_uk": ["2024-05"]}  # never supplied
FIRST_DAY, DAY_AFTER = (month.astype("datetime64[D]") for month in (demo_records.FIRST, demo_records.LAST + 1))
PUBLISHED_FROM = np.datetime64("2023-01")  # street-level months: the last three years

# Shares and times, all assumptions of ours
TWICE, LATER = 0.004, 0.002  # written twice; delivered once more, LATER_DAYS on
LATER_DAYS = 31
SPAN, NO_TIME = 0.15, 0.05  # times known only within hours; only the day known
LONGEST_MIN = 600  # of such a span, before and after
DAYS_LATE = 75  # mean delay of what is not reported within days
LATE = {"rape": 0.4, "sexual_other": 0.35, "stalking_harassment": 0.12, "threats_to_kill": 0.06}  # others LATE_ELSE
LATE_ELSE = 0.04
BY_TOOL_FROM = np.datetime64("2021-04-01")  # when knife markers began to be set by software

KNIFE = {"homicide": 0.4, "attempted_murder": 0.5, "threats_to_kill": 0.15, "violence_with_injury": 0.06, "rape": 0.01}
KNIFE |= {"sexual_other": 0.005, "robbery_personal": 0.2, "robbery_business": 0.25}  # those that can be knife-enabled
ETHNICITIES = {"White": 86, "Asian": 6, "Black": 3, "Mixed": 3, "Other": 2}
METHODS = {"Body part": 76, "Sharp object": 5.5, "Glass or bottle": 6, "Blunt object": 6, "Other": 5, "Unknown": 4}
COMPLAINTS = {"Assault": 830, "04D02A": 90, "Stabbing": 40, "Sexual assault": 25, "Penetrating wound": 10, "Gunshot": 1}
COMPLAINTS |= {"Self-inflicted": 3, "Fall": 1}  # not assaults, sent all the same
HEARD = {"High": 0.5, "Medium": 0.2, "Low": 0.12}  # how well emergency departments know the place: door, street, street
STREET_TYPES = {"Anti-social behaviour": 30, "Criminal damage and arson": 16, "Shoplifting": 15, "Other theft": 11}
STREET_TYPES |= {"Vehicle crime": 10, "Burglary": 7, "Drugs": 4, "Bicycle theft": 3, "Theft from the person": 2}
STREET_TYPES |= {"Other crime": 2}
PUBLISHED_AS = {"robbery_personal": "Robbery", "robbery_business": "Robbery", "public_order": "Public order"}
PUBLISHED_AS |= dict.fromkeys(["weapons_possession", "weapons_blade"], "Possession of weapons")
VIOLENCE, NO_ID = "Violence and sexual offences", "Anti-social behaviour"


def police(events: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The records of the force: one row per crime, some of them twice."""
    rng, n = np.random.default_rng([seed, 20]), len(events)
    when, group = events["when"].to_numpy().astype("datetime64[m]"), events["group"]
    recorded = _recorded(when, group, rng)
    start, end = _spans(when, recorded, rng)
    chance = chances(events)
    easting, northing = points(events["x"], events["y"], rng)
    knife = rng.random(n) < group.map(KNIFE).fillna(0).to_numpy()
    rows = pd.DataFrame(
        {
            "delivered": recorded,
            "CrimeRef": references("D", n),
            "OffenceCode": codes(group, rng),
            "OffenceTitle": group.map({k: g.label for k, g in definitions.offence_groups().items()}),
            "DateTimeFrom": british(start),
            "DateTimeTo": british(end),
            "RecordedDate": british(recorded),
            "Easting": easting,
            "Northing": northing,
            "LocationType": filled(kinds(events, 0, rng), 0.93, rng),
            "KnifeFlag": filled(np.where(knife, "Y", "N"), 0.97, rng),
            "KnifeMethod": np.where(knife, np.where(recorded < BY_TOOL_FROM, "Manual", "NDQIS"), ""),
            "FirearmFlag": yes(0.004, 0.97, n, rng),
            "DomesticFlag": yes(chance["domestic"], 0.98, n, rng),
            "PublicSpaceFlag": yes(chance["public_space"], 0.94, n, rng),
            "AlcoholFlag": yes(chance["alcohol"], 0.6, n, rng),
            "DrugsFlag": yes(chance["drugs"], 0.6, n, rng),
            "NightTimeEconomyFlag": yes(chance["nte"], 0.9, n, rng),
            "Weapon": np.where(knife, "Knife", ""),
            "VictimAge": ages(chance, 0.85, rng),
            "VictimSex": filled(one_of({"Female": 52, "Male": 48}, n, rng), 0.93, rng),
            "VictimEthnicity": filled(one_of(ETHNICITIES, n, rng), 0.7, rng),
            "SuspectAge": ages(chance, 0.5, rng),
        }
    )
    slip(rows, "OffenceCode", "999", 0.0025, rng)
    slip(rows, "DateTimeTo", "01/01/2019 00:30", 0.001, rng)
    slip(rows, "DomesticFlag", "see notes", 0.001, rng)
    return _delivered(rows, "police", rng)


def emergency(events: pd.DataFrame, ground: Ground, seed: int = 0) -> pd.DataFrame:
    """The returns of the emergency departments: one row per attendance, some of them twice."""
    rng, n = np.random.default_rng([seed, 21]), len(events)
    when = events["when"].to_numpy().astype("datetime64[m]")
    next_day = rng.random(n) < 0.06
    wait_min = np.where(next_day, rng.uniform(600, 2_000, n), rng.lognormal(np.log(90), 0.7, n))
    arrival = when + (5 + wait_min).astype(int)
    told, iso = rng.random(n), np.datetime_as_string
    easting, northing, confidence = _heard_of(events, ground, rng)
    rows = pd.DataFrame(
        {
            "delivered": arrival.astype("datetime64[D]"),
            "site": _sites(events, rng),
            "AttendanceRef": references("A", n),
            "ArrivalDateTime": iso(arrival),
            "AssaultDateTime": np.select([told < 0.85, told < 0.93], [iso(when), iso(when, unit="D")], default=""),
            "AssaultMethod": one_of(METHODS, n, rng),
            "AssaultLocationType": filled(kinds(events, 1, rng), 0.92, rng),
            "Easting": easting,
            "Northing": northing,
            "GeocodeConfidence": confidence,
            "Age": ages(chances(events), 0.96, rng),
            "Sex": one_of({"Male": 68, "Female": 32}, n, rng),
            "Alcohol": yes(chances(events)["alcohol"], 0.7, n, rng),
        }
    )
    slip(rows, "AssaultMethod", "see notes", 0.002, rng)
    slip(rows, "AssaultDateTime", "2026-12-31T12:00", 0.001, rng)
    return _delivered(rows, "ed_istv", rng)


def ambulance(events: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The calls to the ambulance service: one row per call, some of them twice."""
    rng, n = np.random.default_rng([seed, 22]), len(events)
    call = events["when"].to_numpy().astype("datetime64[m]") + rng.integers(3, 45, n)
    walked_m = np.where(rng.random((n, 1)) < 0.08, rng.normal(0, 200, (n, 2)), 0).round()
    easting, northing = points(events["x"] + walked_m[:, 0], events["y"] + walked_m[:, 1], rng)
    rows = pd.DataFrame(
        {
            "delivered": call.astype("datetime64[D]"),
            "IncidentNumber": references("C", n),
            "CallDateTime": np.datetime_as_string(call),
            "ChiefComplaint": one_of(COMPLAINTS, n, rng),
            "PickupEasting": easting,
            "PickupNorthing": northing,
            "Age": ages(chances(events), 0.8, rng),
            "Sex": filled(one_of({"M": 62, "F": 38}, n, rng), 0.95, rng),
            "Alcohol": yes(chances(events)["alcohol"], 0.5, n, rng),
        }
    )
    return _delivered(rows, "ambulance", rng)


def street(police_events: pd.DataFrame, other: pd.DataFrame, ground: Ground, seed: int = 0) -> pd.DataFrame:
    """Street-level crime as published: months, streets, classes. The violence is the police's; the rest is its own."""
    rng = np.random.default_rng([seed, 23])
    violence = police_events.assign(crime=police_events["group"].map(PUBLISHED_AS).fillna(VIOLENCE))
    events = pd.concat([violence, other.assign(crime=one_of(STREET_TYPES, len(other), rng))])
    month = events["when"].to_numpy().astype("datetime64[M]")
    events = events[(month >= PUBLISHED_FROM) & ~_in(events["when"], MISSING["police_uk"])].reset_index(drop=True)
    place = ground.streets.iloc[ground.doors["street"].to_numpy()[events["door"]]].reset_index(drop=True)
    area, n, force = ground.areas.iloc[events["area"]], len(events), definitions.partnership().forces[0]
    rows = pd.DataFrame(
        {
            "Crime ID": np.where(events["crime"] == NO_ID, "", _hashes(n, seed)),
            "Month": events["when"].dt.strftime("%Y-%m"),
            "Reported by": force,
            "Falls within": force,
            "Longitude": place["lon"].map("{:.6f}".format),
            "Latitude": place["lat"].map("{:.6f}".format),
            "Location": "On or near " + place["name"],
            "LSOA code": area["area_code"].to_numpy(),
            "LSOA name": area["name"].to_numpy(),
            "Crime type": events["crime"],
            "Last outcome category": "",
            "Context": "",
        }
    )
    unplaced = rng.random(n) < UNPLACED
    rows.loc[unplaced, ["Longitude", "Latitude", "LSOA code", "LSOA name"]] = ""
    rows.loc[unplaced, "Location"] = "No location"
    slip(rows, "Crime type", "Not yet classed", 0.001, rng)
    twice = rows["Crime ID"].ne("") & (rng.random(n) < TWICE / 2)
    return pd.concat([rows, rows[twice]]).sort_values(["Month", "LSOA code"], kind="stable", ignore_index=True)


def _recorded(when: np.ndarray, group: pd.Series, rng: np.random.Generator) -> np.ndarray:
    """The day each crime was recorded: mostly within days, some months later."""
    late = rng.random(len(when)) < group.map(LATE).fillna(LATE_ELSE).to_numpy()
    days = np.where(late, rng.exponential(DAYS_LATE, len(when)), rng.exponential(0.7, len(when)))
    return when.astype("datetime64[D]") + days.astype(int)


def _spans(when: np.ndarray, recorded: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The earliest and latest time as written: mostly one time, some spans of hours, some whole days."""
    n = len(when)
    sort, alone = rng.random(n), rng.random(n) < 0.6
    before, after = (rng.integers(30, LONGEST_MIN, n) for _ in range(2))
    day = when.astype("datetime64[D]").astype("datetime64[m]")
    end_of_recording = recorded.astype("datetime64[m]") + 24 * 60 - 1
    kinds = [sort < SPAN, sort < SPAN + NO_TIME]
    start = np.select(kinds, [np.maximum(when - before, FIRST_DAY.astype("datetime64[m]")), day], default=when)
    end = np.select(kinds, [np.minimum(when + after, end_of_recording), day + 24 * 60 - 1], default=when)
    return start, np.where(alone & ~kinds[1], np.datetime64("NaT"), end)


def _sites(events: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """The emergency department each patient went to: nearly always the nearest."""
    sites = np.array([site[1:] for site in SITES.values()])
    away_m = np.hypot(*(events[["x", "y"]].to_numpy()[:, None] - sites).transpose(2, 0, 1))
    n = len(events)
    return np.array(list(SITES))[np.where(rng.random(n) < 0.96, away_m.argmin(axis=1), rng.integers(0, len(SITES), n))]


def _heard_of(events: pd.DataFrame, ground: Ground, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Easting, northing and confidence of places as emergency departments hear of them: a door, a street, or none."""
    door, sort = points(events["x"], events["y"], rng), rng.random(len(events))
    middle = ground.streets[["x", "y"]].astype(int).astype("str").to_numpy()
    street = middle[ground.doors["street"].to_numpy()[events["door"]]].T
    bounds = np.cumsum(list(HEARD.values()))
    how = np.select([sort < bound for bound in bounds], list(HEARD), default="")
    spots = [np.select([how == "High", how != ""], [door[i], street[i]], default="") for i in (0, 1)]
    return *spots, np.where(spots[0] == "", "", how)


def _delivered(rows: pd.DataFrame, source: str, rng: np.random.Generator) -> pd.DataFrame:
    """The rows in order of the day, some twice, some once more a month later; without what was never supplied."""
    rows = _supplied(rows, source)
    sort = rng.random(len(rows))
    later = rows[(sort >= TWICE) & (sort < TWICE + LATER)]
    later = later.assign(delivered=later["delivered"] + pd.Timedelta(days=LATER_DAYS))
    everything = pd.concat([rows, rows[sort < TWICE], _supplied(later, source)])
    return everything.sort_values("delivered", kind="stable", ignore_index=True)


def _supplied(rows: pd.DataFrame, source: str) -> pd.DataFrame:
    who = rows["site"] if "site" in rows else pd.Series(source, index=rows.index)
    gone = [who.eq(name) & _in(rows["delivered"], months) for name, months in MISSING.items()]
    return rows[~np.any(gone, axis=0) & (rows["delivered"] < DAY_AFTER)]


def _in(days: pd.Series, months: list[str]) -> np.ndarray:
    return np.isin(days.to_numpy().astype("datetime64[M]"), np.array(months, dtype="datetime64[M]"))


def _hashes(n: int, seed: int) -> np.ndarray:
    return np.array([hashlib.sha256(f"{seed} {i}".encode()).hexdigest() for i in range(n)])
