"""What is planted in the invented records, from planted.toml, and how many more or fewer records there are for it."""

import tomllib
from dataclasses import dataclass
from datetime import date

import numpy as np

from data import definitions

FACTOR = "factor"
DAY_H = 24


@dataclass(frozen=True)
class Planted:
    """One planted truth; its fields are explained in planted.toml (`start` and `end` are `from` and `to` there)."""

    kind: str
    effect: float
    source: tuple[str, ...]
    place: str = ""
    x: float = 0.0
    y: float = 0.0
    radius: float = float("inf")
    start: date = date.min
    end: date = date.max
    hours: tuple[int, ...] = tuple(range(DAY_H))
    groups: tuple[str, ...] = ()
    indicator: str = ""


def planted() -> tuple[Planted, ...]:
    """Everything that is planted, in the order of the file."""
    with (definitions.HERE / "planted.toml").open("rb") as file:
        listed = tomllib.load(file)["planted"]
    return tuple(_planted(entry) for entry in listed)


def _planted(entry: dict) -> Planted:
    names = {"from": "start", "to": "end"}  # `from` is a word of Python's own
    fields = {names.get(name, name): value for name, value in entry.items()}
    return Planted(**{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()})


def factors(planted: tuple[Planted, ...]) -> dict[str, float]:
    """Log rate ratio of one standard deviation more, by indicator."""
    return {p.indicator: p.effect for p in planted if p.kind == FACTOR}


def inside(one: Planted, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether points lie in the place of a planted truth."""
    return np.hypot(np.asarray(x) - one.x, np.asarray(y) - one.y) <= one.radius


def most(planted: tuple[Planted, ...], source: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How many times as many records there may at most be at each point, at any time and of any group."""
    greatest = np.ones(len(x))
    for one in _of(planted, source):
        greatest *= np.where(inside(one, x, y), max(1.0, one.effect), 1.0)
    return greatest


def effects(
    planted: tuple[Planted, ...],
    source: str,
    x: np.ndarray,
    y: np.ndarray,
    when: np.ndarray,
    group: np.ndarray | None = None,
) -> np.ndarray:
    """How many times as many records there are of each, at its place, time and group, as there would have been.

    when : datetime64. group : offence groups, where the source has any.
    """
    times = np.ones(len(x))
    hour = (when.astype("datetime64[h]").astype(int) % DAY_H).astype(int)
    for one in _of(planted, source):
        reached = inside(one, x, y) & np.isin(hour, one.hours)
        if one.groups:
            reached &= np.isin(group, one.groups)
        times *= np.where(reached, _strength(one, when), 1.0)
    return times


def _of(planted: tuple[Planted, ...], source: str) -> list[Planted]:
    return [one for one in planted if one.kind != FACTOR and source in one.source]


def _strength(one: Planted, when: np.ndarray) -> np.ndarray:
    start, end = (np.datetime64(day, "D") for day in (one.start, one.end))
    day = when.astype("datetime64[D]")
    if one.kind not in ("emerging", "fading"):
        return np.where((day >= start) & (day <= end), one.effect, 1.0)
    gone = np.clip((day - start) / (end - start), 0, 1)
    return one.effect ** (gone if one.kind == "emerging" else 1 - gone)
