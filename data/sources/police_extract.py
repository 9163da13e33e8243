"""Records of a police force, one row per crime (or per victim, the crime's reference repeated), by a column mapping."""

import re

import pandas as pd

from data import definitions
from data.sources import identifiers, mapping, written
from data.sources.files import Piece
from data.sources.mapping import field
from data.sources.written import first_reason, flags

TABLE = "incidents"
SOURCE = "police"
LABEL = "Police records"
SUFFIXES = (".csv", ".xlsx")
SEXUAL_GROUPS = ("rape", "sexual_other")
FLAGS = ("knife", "firearm", "domestic", "sexual", "public_space", "alcohol", "drugs", "nte")
WORDINGS = {"location_type": 200, "knife_method": 50, "weapon": 100, "victim_ethnicity": 100}  # different ones; more is free text
DAY_LESS_A_SECOND = pd.Timedelta(hours=23, minutes=59, seconds=59)

NO_REFERENCE = "no reference"
NO_DATE = "neither a from-date nor a recorded date"
NO_CODE = "no offence code"
CODE_AS_DATE = "offence code was turned into a date by Excel"
UNKNOWN_CODE = "offence code is not in the list"
ENDS_BEFORE = "the to-date lies before the from-date"
AFTER_RECORDING = "the from-date lies after the recorded date"
BAD_SEX = "sex of victim: wording not in the list"
BAD_LSOA = "code of the small area is not written E01 and six digits"


def read(piece: Piece) -> pd.DataFrame:
    """The fields that sources.toml names, all text."""
    return mapping.listed(mapping.mapped(piece, SOURCE), WORDINGS, piece)


def tidy(raw: pd.DataFrame, *, salt: bytes = b"") -> pd.DataFrame:
    """One row per row of the file, with `problem` naming why it cannot be used (empty where it can).

    salt : the secret that keeps references from being worked back; see `identifiers.pseudonym`.
    """
    reference = field(raw, "reference")
    when, bad_dates = _span(raw)
    places, bad_point = written.points(raw)
    lsoa, bad_lsoa = written.lsoa_codes(raw)
    code = offence_codes(field(raw, "offence_code"))
    group = code.map(definitions.offence_codes("ho_code"))
    marks = {name: flags(field(raw, name)) for name in FLAGS}
    sex, bad_sex = written.meanings(field(raw, "victim_sex"), "sex")
    ages = {who: written.age_groups(field(raw, f"{who}_age"), field(raw, f"{who}_age_band")) for who in ("victim", "suspect")}
    rows = pd.DataFrame(
        {
            "record_id": identifiers.pseudonym(reference, salt),
            "source": SOURCE,
            "feed_id": SOURCE,
            "place_basis": "occurrence",
            "month": when["dt_from"].fillna(when["dt_recorded"]).dt.to_period("M").dt.to_timestamp(),
            **when,
            **places,
            "precision": written.place_precision(places, lsoa, field(raw, "point_precision")),
            "postcode": field(raw, "postcode"),
            "lsoa_code": lsoa,
            **{name: field(raw, name).replace("", None) for name in WORDINGS},
            "ho_code": code,
            "offence_group": group,
            **{name: values for name, (values, _) in marks.items()},
            "victim_sex": sex,
            **{f"{who}_age_band": values for who, (values, _) in ages.items()},
        }
    )
    rows["sexual"] = rows["sexual"].mask(group.isin(SEXUAL_GROUPS), True)
    rows["problem"] = first_reason(
        [
            (reference.eq(""), NO_REFERENCE),
            (bad_dates, written.BAD_DATE),
            (rows["month"].isna(), NO_DATE),
            (when["dt_to"] < when["dt_from"], ENDS_BEFORE),
            (when["dt_from"].dt.normalize() > when["dt_recorded"].dt.normalize(), AFTER_RECORDING),
            (code.isna() & field(raw, "offence_code").eq(""), NO_CODE),
            (field(raw, "offence_code").str.fullmatch(DATE_LIKE), CODE_AS_DATE),
            (group.isna(), UNKNOWN_CODE),
            (bad_point, written.BAD_POINT),
            (bad_lsoa, BAD_LSOA),
            *((bad, f"{name.replace('_', ' ')} flag: wording not in the list") for name, (_, bad) in marks.items()),
            (bad_sex, BAD_SEX),
            *((bad, f"{who}: {written.BAD_AGE}") for who, (_, bad) in ages.items()),
        ]
    )
    return rows


CODE = re.compile(r"^0*(?P<number>\d{1,3})(?P<letter>[A-Z]?)(?:[/.]0*(?P<part>\d{1,3})[A-Z]?)?$")
DATE_LIKE = r"\d{4}-\d\d-\d\d.*|\d{1,2}-[A-Za-z]{3}(?:-\d+)?|\d{1,2}/\d{1,2}/\d{4}"


def offence_codes(text: pd.Series) -> pd.Series:
    """Home Office codes as the list has them: `8N/1` to `8N`, `001` to `1`, `4/01` to `4/1`; missing where it is no such code.

    A class with a letter, or one listed whole (`1`), covers its parts; `4/1` and `4/3` are listed, or not, by themselves.
    """
    listed = definitions.offence_codes("ho_code")

    def code(text: str) -> str | None:
        if not (match := CODE.fullmatch(text.strip().upper().replace(" ", ""))):
            return None
        whole = match["number"] + match["letter"]
        exact = f"{whole}/{match['part']}"
        return exact if exact in listed or (match["part"] and whole not in listed) else whole

    return written.of_each(text, code).astype("str")


def _span(raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """`dt_from`, `dt_to`, `dt_recorded`, `time_known`.

    Midnight is a time only where the to-time is another one: alone, with 00:00 or with 23:59 it is what systems write when nobody
    knew. Without a time of day a record spans its whole day; without a to-date it ends when it began.
    """
    start, bad_start = written.moments(field(raw, "from"), field(raw, "from_time"))
    end, bad_end = written.moments(field(raw, "to"), field(raw, "to_time"))
    recorded, bad_recorded = written.moments(field(raw, "recorded"))
    end_clock = end["when"] - end["when"].dt.normalize()
    end_timed = end["timed"] & end_clock.ne(pd.Timedelta(0)) & (end_clock < pd.Timedelta(hours=23, minutes=59))
    midnight = start["when"].eq(start["when"].dt.normalize())
    known = start["timed"] & (~midnight | end_timed)
    first_day = start["when"].where(known, start["when"].dt.normalize())
    last_moment = end["when"].where(end["timed"] & ~(~known & ~end_timed), end["when"].dt.normalize() + DAY_LESS_A_SECOND)
    same_day = end["when"].dt.normalize().eq(start["when"].dt.normalize())
    last_moment = last_moment.mask(known & ~end["timed"] & same_day, start["when"])
    alone = start["when"].where(known, start["when"].dt.normalize() + DAY_LESS_A_SECOND)
    when = {"dt_from": first_day, "dt_to": last_moment.fillna(alone), "dt_recorded": recorded["when"], "time_known": known}
    return pd.DataFrame(when), bad_start | bad_end | bad_recorded
