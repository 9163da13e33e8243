"""Who was at the partnership's meetings, by class of authority. A row is one meeting and one organisation's answer.

Never a person: a file with names of people is refused, and which organisation of a class came is not kept.
"""

import pandas as pd

from data.sources import dates, mapping, written
from data.sources.files import Piece
from data.sources.mapping import field

TABLE = "attendance"
SOURCE = "attendance"
LABEL = "Attendance at the partnership's meetings"
SUFFIXES = (".csv", ".xlsx")
PART = ["forum", "date"]  # a meeting is what a later delivery replaces whole

NO_DATE = "the day of the meeting is not given"
NOT_SAID = "it is not said whether anybody was there"


def read(piece: Piece) -> pd.DataFrame:
    """The fields that sources.toml names, all text."""
    return mapping.mapped(piece, SOURCE)


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per answer, with `problem` naming why it cannot be used (empty where it can).

    `attended` is true where a member or a deputy came. Several organisations of one class may answer for a meeting: an
    `organisation` tells their rows apart and is left out; without one, a class that stands twice is a repeat.
    """
    when, bad_date = dates.moments(field(raw, "date"))
    attended, bad_attended = written.flags(field(raw, "attended"))
    deputy, bad_deputy = written.flags(field(raw, "deputy"))
    told = {
        "forum": written.meanings(field(raw, "forum"), "forum"),
        "authority_class": written.meanings(field(raw, "authority"), "authority_class"),
        "attended": (attended, bad_attended),
        "deputy": (deputy, bad_deputy),
    }
    rows = pd.DataFrame({name: values for name, (values, _) in told.items()}).assign(
        date=when["when"].dt.normalize(), attended=attended.mask(deputy.fillna(False), True), feed_id=SOURCE
    )
    rules = [
        (bad_date, dates.BAD_DATE),
        (rows["date"].isna(), NO_DATE),
        *written.not_understood(told),
        (rows["attended"].isna(), NOT_SAID),
    ]
    rows["problem"] = written.first_reason(rules)
    keys = ["date", "forum", "authority_class", "organisation"]
    organisation = field(raw, "organisation").str.casefold()
    return written.without_repeats(rows.assign(organisation=organisation), keys).drop(columns="organisation")
