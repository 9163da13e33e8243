"""What happened in the invented area, and who recorded it. A row is one event of one source, known in full.

Where, when and in what setting follow from the ground, the calendar and the planted truths; how partners write it
down, and what they leave out, is in demo_files.
"""

import numpy as np
import pandas as pd

from data import demo_planted
from data.demo_ground import Ground
from data.demo_planted import Planted

FIRST, LAST = np.datetime64("2019-01"), np.datetime64("2025-12")
MONTHS = np.arange(FIRST, LAST + 1)
EXPECTED = {"police": 188_000, "ed_istv": 53_000, "ambulance": 33_000, "street": 62_000}  # events, planted ones aside
SETTINGS = ("home", "street", "work", "school", "night_out")
# By source: the mix of settings away from town centres, and what the pull of a centre adds to each. Our assumptions.
MIX = {
    "police": ([0.50, 0.26, 0.15, 0.08, 0.01], [0.00, 0.12, 0.10, 0.00, 0.45]),
    "ed_istv": ([0.34, 0.38, 0.13, 0.10, 0.05], [0.00, 0.15, 0.05, 0.00, 0.90]),
    "ambulance": ([0.42, 0.36, 0.12, 0.05, 0.05], [0.00, 0.15, 0.05, 0.00, 0.80]),
    "street": ([0.38, 0.42, 0.18, 0.01, 0.01], [0.00, 0.30, 0.60, 0.00, 0.10]),
}
UNEVEN_MONTHS = 6.0  # shape of the gamma that makes months of a small area vary: a variance of mu + mu²/6
SUMMER, DECEMBER = 0.09, 0.13  # how far above the mean
LOCKED = {"2020-03": 0.85, "2020-04": 0.6, "2020-05": 0.75, "2020-06": 0.88, "2020-11": 0.85}  # what Covid left of it
LOCKED |= {"2021-01": 0.72, "2021-02": 0.75, "2021-03": 0.85}
LOCKED_POWER = {"home": 0.3, "street": 1.0, "work": 1.2, "school": 3.0, "night_out": 6.0}  # how each setting felt it
TERM = (1.0, 0.9, 1.0, 0.6, 1.0, 1.1, 0.8, 0.1, 1.1, 0.9, 1.1, 0.8)  # January to December, in schools

# Weights of the hours of the day, and of the days from Monday. A night belongs to the day on which it begins.
HOURS = {
    "home": [4, 3, 2, 1, 1, 1, 1, 2, 3, 3, 4, 4, 4, 4, 4, 5, 5, 6, 7, 7, 7, 7, 7, 6],
    "street": [3, 2, 2, 1, 1, 1, 1, 2, 3, 3, 4, 4, 5, 5, 6, 8, 8, 8, 8, 7, 7, 6, 5, 5],
    "work": [1, 1, 0, 0, 0, 0, 1, 2, 4, 6, 7, 7, 7, 7, 7, 7, 7, 6, 5, 4, 3, 2, 2, 1],
    "school": [0, 0, 0, 0, 0, 0, 0, 1, 8, 3, 4, 4, 9, 6, 5, 24, 14, 4, 2, 1, 1, 0, 0, 0],
    "night_out": [14, 15, 14, 11, 5, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3, 4, 5, 7, 9, 12],
}
DAYS = {
    "home": [1.0, 0.95, 0.95, 0.95, 1.0, 1.15, 1.2],
    "street": [1.0, 1.0, 1.0, 1.0, 1.1, 1.1, 0.9],
    "work": [1.0, 1.0, 1.0, 1.0, 1.1, 1.1, 0.7],
    "school": [1.0, 1.05, 1.05, 1.05, 1.0, 0.03, 0.03],
    "night_out": [0.4, 0.4, 0.5, 0.7, 2.0, 2.6, 0.6],
}
NIGHT_ENDS_H = 5
ROUNDED = 0.6  # share of times given to a quarter of an hour

# Offence groups: their weight in each setting, in the order of SETTINGS.
GROUPS = {
    "violence_without_injury": (34, 32, 38, 40, 31),
    "violence_with_injury": (20, 23, 15, 23, 33),
    "public_order": (7, 20, 22, 6, 20),
    "stalking_harassment": (24, 9, 15, 18, 1.5),
    "sexual_other": (5, 3, 4, 8, 6),
    "rape": (4, 1, 0.5, 1, 2.5),
    "threats_to_kill": (3, 2, 1.5, 0, 1),
    "robbery_personal": (0, 6, 0, 2, 3),
    "robbery_business": (0, 0, 3, 0, 0),
    "weapons_possession": (0.8, 1.8, 0, 0, 0.5),
    "weapons_blade": (0.4, 3, 1, 2, 1.5),
    "attempted_murder": (0.03, 0.05, 0, 0, 0.06),
    "homicide": (0.08, 0.05, 0, 0, 0.06),
}


def happened(source: str, ground: Ground, planted: tuple[Planted, ...], seed: int = 0) -> pd.DataFrame:
    """What became known to one source over the seven years?

    source : police, ed_istv, ambulance, or `street`: what is published by street besides violence.
    planted : the truths to plant. More is drawn than there will be, and thinned by each event's own effect, so that a
        planted ratio holds for every kind of event.

    Returns door, area, x, y, when (to the minute), setting and group, in order of time.
    """
    rng = np.random.default_rng([seed, 40 + list(EXPECTED).index(source)])  # a stream of its own for each source
    greatest = demo_planted.most(planted, source, ground.doors["x"], ground.doors["y"])
    area, setting, month = _cells(source, ground, greatest, rng)
    door = _doors(source, ground, greatest, area, setting, rng)
    when = _moments(month, setting, rng)
    spots = ground.doors[["x", "y"]].to_numpy()[door]
    group = _groups(setting, rng) if source == "police" else None
    effect = demo_planted.effects(planted, source, spots[:, 0], spots[:, 1], when, group)
    kept = (rng.random(len(door)) * greatest[door] < effect) & (when.astype("datetime64[M]") <= LAST)
    rows = {"door": door, "area": area, "x": spots[:, 0], "y": spots[:, 1], "when": when}
    rows |= {"setting": np.array(SETTINGS)[setting]} | ({"group": group} if source == "police" else {})
    return pd.DataFrame(rows)[kept].sort_values(["when", "door"], ignore_index=True)


def weights(source: str, ground: Ground) -> np.ndarray:
    """Expected events at each door and in each setting over the seven years, planted ones aside: doors by settings."""
    away, pulled = (np.array(mix) for mix in MIX[source])
    by_door = ground.doors["weight"].to_numpy()[:, None] * (away + ground.doors["pull"].to_numpy()[:, None] * pulled)
    return by_door * EXPECTED[source] / by_door.sum()


def _cells(source: str, ground: Ground, greatest: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Small area, setting and month (as positions) of every event drawn."""
    by_door = weights(source, ground) * greatest[:, None]
    by_area = np.add.reduceat(by_door, np.flatnonzero(np.diff(ground.doors["area"], prepend=-1)))
    uneven = rng.gamma(UNEVEN_MONTHS, 1 / UNEVEN_MONTHS, (len(by_area), 1, len(MONTHS)))
    drawn = rng.poisson(by_area[:, :, None] * seasons() * uneven)
    return np.unravel_index(np.repeat(np.arange(drawn.size), drawn.ravel()), drawn.shape)


def seasons() -> np.ndarray:
    """The share of each setting's seven years that falls in each month: settings by months, in their order."""
    number = MONTHS.astype(int) % 12
    days = ((MONTHS + 1).astype("datetime64[D]") - MONTHS.astype("datetime64[D]")).astype(int)
    usual = days * (1 + SUMMER * np.cos(2 * np.pi * (number - 6) / 12) + DECEMBER * (number == 11))
    locked = np.array([LOCKED.get(str(month), 1.0) for month in MONTHS])
    shares = np.array([usual * locked ** LOCKED_POWER[s] for s in SETTINGS])
    shares[SETTINGS.index("school")] *= np.array(TERM)[number]
    return shares / shares.sum(axis=1, keepdims=True)


def _doors(
    source: str, ground: Ground, greatest: np.ndarray, area: np.ndarray, setting: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A door of the small area for each event, by the doors' weights in its setting."""
    by_door, of_door = weights(source, ground) * greatest[:, None], ground.doors["area"].to_numpy()
    door = np.empty(len(area), dtype=int)
    last = np.searchsorted(of_door, np.arange(of_door[-1] + 1), side="right") - 1
    for position in range(len(SETTINGS)):
        here = setting == position
        reached = np.concatenate([[0], np.cumsum(by_door[:, position])])
        low, high = reached[last[area[here] - 1] + 1] * (area[here] > 0), reached[last[area[here]] + 1]
        door[here] = np.searchsorted(reached, rng.uniform(low, high), side="right") - 1
    return door.clip(0, len(of_door) - 1)


def _moments(month: np.ndarray, setting: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A minute in the month for each event, by its setting's days and hours; people round to quarters of an hour."""
    first = MONTHS[month].astype("datetime64[D]")
    days = ((MONTHS[month] + 1).astype("datetime64[D]") - first).astype(int)
    night, hour, open_ = np.empty(len(month), dtype=int), np.empty(len(month), dtype=int), np.arange(len(month))
    while len(open_):  # a fifth week that the month has not is drawn anew: every day gets its weekday's share
        weekday = np.empty(len(open_), dtype=int)
        for position, name in enumerate(SETTINGS):
            here = np.flatnonzero(setting[open_] == position)
            week = np.outer(DAYS[name], HOURS[name]).ravel().astype(float)
            weekday[here], hour[open_[here]] = np.divmod(rng.choice(len(week), len(here), p=week / week.sum()), 24)
        until = (weekday - (first[open_].astype(int) + 3)) % 7  # days from the first; 1970-01-01 was a Thursday
        night[open_] = until + 7 * rng.integers(0, 5, len(open_))
        open_ = open_[night[open_] >= days[open_]]
    n = len(month)
    minute = np.where(rng.random(n) < ROUNDED, 15 * rng.integers(0, 4, n), rng.integers(0, 60, n))
    minute += 5 * ((hour == 0) & (minute == 0))  # 00:00 is what systems write when nobody knew
    day = first + night + (hour < NIGHT_ENDS_H)
    return day.astype("datetime64[m]") + 60 * hour + minute


def _groups(setting: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An offence group for each police record."""
    group = np.empty(len(setting), dtype=object)
    for position, share in enumerate(np.array(list(GROUPS.values())).T):
        here = np.flatnonzero(setting == position)
        group[here] = rng.choice(np.array(list(GROUPS), dtype=object), len(here), p=share / share.sum())
    return group
