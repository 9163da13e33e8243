"""Days of the year that may differ from others, from calendar.toml: holidays and paydays."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

FILE = Path(__file__).with_name("calendar.toml")
LAST_WORKING_DAY = "last_working_day"


@dataclass(frozen=True)
class Days:
    """One kind of day; its fields are explained at the head of calendar.toml."""

    label: str
    note: str
    days: tuple[str, ...] = ()
    rule: str = ""
    after: int = 0
    invented: bool = False

    def among(self, dates: pd.DatetimeIndex) -> np.ndarray:
        """Which of some dates are such days."""
        if self.rule == LAST_WORKING_DAY:
            first = self._last_working_days(dates)
            return dates.isin(first.append([first + pd.Timedelta(days=k) for k in range(1, self.after + 1)]))
        return dates.isin(self._listed())

    def covers(self, dates: pd.DatetimeIndex) -> np.ndarray:
        """Which dates lie in a year that the list says something of; of a rule all."""
        return np.ones(len(dates), dtype=bool) if self.rule else np.isin(dates.year, self._listed().year)

    def _listed(self) -> pd.DatetimeIndex:
        spans = [(stretch.split()[0], stretch.split()[-1]) for stretch in self.days]
        return pd.DatetimeIndex([day for first, last in spans for day in pd.date_range(first, last)])

    def _last_working_days(self, dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
        months = pd.period_range(dates.min() - pd.DateOffset(months=1), dates.max(), freq="M")
        every = pd.date_range(months[0].start_time, months[-1].end_time.normalize())
        free = kinds()["bank_holidays"].among(every) | (every.day_of_week >= 5)
        working = every[~free]
        return pd.DatetimeIndex(working.to_series().groupby(working.to_period("M")).max())


@cache
def kinds() -> dict[str, Days]:
    """Every kind of day by its name, in the order of the file."""
    with FILE.open("rb") as file:
        listed = tomllib.load(file)
    return {name: Days(**(entry | {"days": tuple(entry.get("days", ()))})) for name, entry in listed.items()}
