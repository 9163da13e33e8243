"""Records of a police force, one row per crime (or per victim, the crime's reference repeated), by a column mapping."""

import re

import pandas as pd

from data import definitions
from data.sources import dates, identifiers, mapping, written
from data.sources.files import Piece
from data.sources.mapping import field

TABLE = "incidents"
SOURCE = "police"
LABEL = "Police records"
SUFFIXES = (".csv", ".xlsx")
SEXUAL_GROUPS = ("rape", "sexual_other")
FLAGS = ("knife", "firearm", "domestic", "sexual", "public_space", "alcohol", "drugs", "nte")
WORDINGS = {"location_type": 200, "knife_method": 50, "weapon": 100, "victim_ethnicity": 100}  # at most
CODE = re.compile(r"0*(?P<number>\d{1,3})(?P<letter>[A-Z]?)(?:[/.]0*(?P<part>\d{1,3})[A-Z]?)?")
CODE_TURNED_DATE = r"(?:\d{4}-\d\d-\d\d.*|\d{1,2}-[A-Za-z]{3}(?:-\d+)?|[A-Za-z]{3}-\d+|\d{1,2}/\d{1,2}/\d{4})"

NO_REFERENCE = "no reference"
NO_DATE = "neither a from-date nor a recorded date"
NO_CODE = "no offence code"
CODE_AS_DATE = "offence code was turned into a date by Excel"
UNKNOWN_CODE = "offence code is not in the list"
ENDS_BEFORE = "the to-date lies before the from-date"
AFTER_RECORDING = "the from-date lies after the recorded date"


def read(piece: Piece) -> pd.DataFrame:
    """The fields that sources.toml names, all text."""
    return mapping.mapped(piece, SOURCE, most_wordings=WORDINGS)


def tidy(raw: pd.DataFrame, *, salt: bytes = b"") -> pd.DataFrame:
    """One row per row of the file, with `problem` naming why it cannot be used (empty where it can).

    salt : the secret that keeps references from being worked back; see `identifiers.pseudonym`.
    """
    reference, written_code = field(raw, "reference"), field(raw, "offence_code")
    when, bad_dates = _span(raw)
    places, bad_point = written.points(raw)
    code = offence_codes(written_code)
    group = code.map(definitions.offence_codes("ho_code"))
    told = _told(raw)
    rows = pd.DataFrame(
        {
            "record_id": identifiers.pseudonym(reference, salt),
            "source": SOURCE,
            "feed_id": SOURCE,
            "place_basis": "occurrence",
            "month": dates.months(when["dt_from"].fillna(when["dt_recorded"])),
            **when,
            **places,
            "precision": written.place_precision(places, told["lsoa_code"][0], field(raw, "point_precision")),
            "postcode": field(raw, "postcode"),
            "ho_code": code,
            "offence_group": group,
            **{name: values for name, (values, _) in told.items()},
            **{name: field(raw, name).replace("", None) for name in WORDINGS},
        }
    )
    rows["sexual"] = rows["sexual"].mask(group.isin(SEXUAL_GROUPS), True)
    rules = [
        (reference.eq(""), NO_REFERENCE),
        (bad_dates, dates.BAD_DATE),
        (rows["month"].isna(), NO_DATE),
        (when["dt_to"] < when["dt_from"], ENDS_BEFORE),
        (when["dt_from"].dt.normalize() > when["dt_recorded"].dt.normalize(), AFTER_RECORDING),
        (written_code.eq(""), NO_CODE),
        (written_code.str.fullmatch(CODE_TURNED_DATE), CODE_AS_DATE),
        (group.isna(), UNKNOWN_CODE),
        (bad_point, written.BAD_POINT),
    ]
    rows["problem"] = written.first_reason(rules + written.not_understood(told))
    return rows


def offence_codes(text: pd.Series) -> pd.Series:
    """Home Office codes as the list has them: `8N/1` to `8N`, `001` to `1`, `4/01` to `4/1`; missing where it is none.

    A class listed whole (`1`, `8N`) covers its parts; of class 4 some parts are listed, so `4/3` stays what it is.
    """
    known = definitions.offence_codes("ho_code")

    def code(text: str) -> str | None:
        if not (match := CODE.fullmatch(text.upper().replace(" ", ""))):
            return None
        whole = match["number"] + match["letter"]
        exact = f"{whole}/{match['part']}"
        return exact if match["part"] and (exact in known or whole not in known) else whole

    return written.of_each(text, code).astype("str")


def _told(raw: pd.DataFrame) -> dict[str, tuple[pd.Series, pd.Series]]:
    """What columns of words say, and where they are not understood."""
    return {
        "lsoa_code": written.lsoa_codes(raw),
        **{name: written.flags(field(raw, name)) for name in FLAGS},
        "victim_sex": written.meanings(field(raw, "victim_sex"), "sex"),
        "victim_age_band": written.age_groups(field(raw, "victim_age"), field(raw, "victim_age_band")),
        "suspect_age_band": written.age_groups(field(raw, "suspect_age"), field(raw, "suspect_age_band")),
    }


def _span(raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """`dt_from`, `dt_to`, `dt_recorded`, `time_known`, and the rows whose dates are not understood.

    Midnight is a time only where the to-time is another one: alone, with 00:00 or with 23:59 it is what systems write
    when nobody knew. Without a time of day a record spans its whole day; without a to-date, or with no more than the
    same day, it ends when it began.
    """
    start, bad_start = dates.moments(field(raw, "from"), field(raw, "from_time"))
    end, bad_end = dates.moments(field(raw, "to"), field(raw, "to_time"))
    recorded, bad_recorded = dates.moments(field(raw, "recorded"))
    first_day, last_day = start["when"].dt.normalize(), end["when"].dt.normalize()
    end_clock = end["when"] - last_day
    end_timed = end["timed"] & ~(end_clock.eq(pd.Timedelta(0)) & first_day.eq(last_day))
    telling = end_timed & end_clock.between(pd.Timedelta(0), pd.Timedelta(hours=23, minutes=59), inclusive="neither")
    known = start["timed"] & (start["when"].ne(first_day) | telling)
    ends = end["when"].where(end_timed & (known | telling), last_day + dates.TO_END_OF_DAY)
    ends = ends.mask(known & ~end_timed & first_day.eq(last_day), start["when"])
    alone = start["when"].where(known, first_day + dates.TO_END_OF_DAY)
    when = {
        "dt_from": start["when"].where(known, first_day),
        "dt_to": ends.fillna(alone),
        "dt_recorded": recorded["when"],
        "time_known": known,
    }
    return pd.DataFrame(when), bad_start | bad_end | bad_recorded
