"""The outcomes framework, from outcomes.toml: each line of the logic model, and how it is measured."""

import datetime
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("outcomes.toml")
STAGES = ("input", "activity", "output", "medium_outcome", "impact")  # in the order in which one is to lead to the next
MONTHLY, POOLED, YEARLY, STATED = "monthly_count", "three_year_rate", "yearly_count", "stated"
REGISTER, SURVEY, NONE = "register", "survey", "none"
NOBODY_YET = "to be named"


@dataclass(frozen=True)
class Measure:
    """One line of the logic model and how it is told; its fields are explained at the head of outcomes.toml."""

    measure_id: str
    words: str
    stage: str
    objective: str
    label: str
    definition: str
    needs: str
    kind: str = NONE
    source: str = ""
    groups: tuple[str, ...] = ()
    flag: str = ""
    mark: str = ""
    cause: str = ""
    setting: str = ""
    feed: str = ""
    forums: tuple[str, ...] = ()
    question: str = ""
    counted: str = ""
    protected: str = ""
    protected_note: str = ""
    direction: str = "neutral"
    unit: str = ""
    baseline: str = ""
    target: float | None = None
    stated: float | None = None
    period: str = ""
    unmoved_by: tuple[datetime.date, ...] = ()
    owner: str = NOBODY_YET
    caveats: str = ""

    @property
    def fillable(self) -> bool:
        """Whether something the tool can hold, or the logic model itself, gives its value."""
        return self.kind in (MONTHLY, POOLED, YEARLY, STATED) or bool(self.feed)


@cache
def framework() -> dict[str, Measure]:
    """Every measure by its id, in the order of the logic model."""
    with FILE.open("rb") as file:
        listed = tomllib.load(file)
    return {name: _measure(name, entry) for name, entry in listed.items()}


def _measure(name: str, entry: dict) -> Measure:
    lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
    return Measure(measure_id=name, **(entry | lists))
