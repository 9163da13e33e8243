"""Assaults seen in emergency departments (Information Sharing to Tackle Violence). A row is one attendance after an assault."""

import pandas as pd

from data.sources import identifiers, mapping, written
from data.sources.files import Piece
from data.sources.mapping import field
from data.sources.written import first_reason, flags, meanings

TABLE = "incidents"
SOURCE = "ed_istv"
LABEL = "Assaults seen in emergency departments (ISTV)"
SUFFIXES = (".csv", ".xlsx")
KNIFE = {"sharp object": True} | dict.fromkeys(["body part", "blunt object", "firearm", "corrosive", "sexual", "vehicle"], False)
PUBLIC = {"home": False, "workplace": False, "health or care": False, "custody": False} | dict.fromkeys(
    ["street", "licensed premises", "food outlet", "public transport", "park or open space", "shop"], True
)
NIGHT_OUT = ("licensed premises",)
POSTCODE = r"(?i)\b([a-z]{1,2}\d[a-z\d]? ?\d[abd-hjlnp-uw-z]{2})\b"

NO_SITE = "no site code"
NO_ARRIVAL = "no arrival date"
OUTSIDE_PERIOD = "arrival lies outside the period of the return"
AFTER_ARRIVAL = "the assault lies after the arrival"
BAD_METHOD = "assault method: wording not in the list"
BAD_LOCATION = "assault location type: wording not in the list"
BAD_SEX = "sex: wording not in the list"
BAD_ALCOHOL = "alcohol: wording not in the list"
BAD_CONFIDENCE = "geocode confidence: wording not in the list"
BAD_LSOA = "code of the small area is not written E01 and six digits"


def read(piece: Piece) -> pd.DataFrame:
    """The fields that sources.toml names, all text; what stands above the table (site, period) as columns."""
    return mapping.mapped(piece, SOURCE)


def tidy(raw: pd.DataFrame, *, salt: bytes = b"") -> pd.DataFrame:
    """One row per attendance, with `problem` naming why it cannot be used (empty where it can).

    The words of the place are looked through for a postcode and dropped; so are the words of the method. Where the assault has no
    place the row counts where the patient was treated, and lies nowhere on a map.
    """
    feed = SOURCE + ":" + field(raw, "site").str.lower().str.replace(r"[^a-z0-9]+", "-", regex=True)
    when, bad_dates = _times(raw)
    places, bad_point = written.points(raw)
    lsoa, bad_lsoa = written.lsoa_codes(raw)
    postcode, confidence, bad_confidence = _postcodes(raw, places)
    method, bad_method = _methods(raw)
    kind, bad_kind = meanings(field(raw, "location_type"), "ed_location")
    sex, bad_sex = meanings(field(raw, "sex"), "sex")
    age, bad_age = written.age_groups(field(raw, "age"), field(raw, "age_band"))
    alcohol, bad_alcohol = flags(field(raw, "alcohol"))
    precision = written.place_precision(places, lsoa, field(raw, "point_precision"))
    rows = pd.DataFrame(
        {
            "record_id": identifiers.record_ids(raw, feed, salt),
            "source": SOURCE,
            "feed_id": feed,
            "place_basis": pd.Series("occurrence", index=raw.index).where((precision != "none") | postcode.ne(""), "treated"),
            "month": when["dt_from"].dt.to_period("M").dt.to_timestamp(),
            **when,
            **places,
            "precision": precision,
            "geocode_confidence": confidence,
            "postcode": postcode,
            "lsoa_code": lsoa,
            "location_type": kind,
            "offence_group": "ed_assault",
            "knife": method.map(KNIFE).astype("boolean"),
            "firearm": method.eq("firearm").astype("boolean").mask(method.isna() | method.eq("other")),
            "sexual": method.eq("sexual").astype("boolean").where(method.eq("sexual")),
            "public_space": kind.map(PUBLIC).astype("boolean"),
            "alcohol": alcohol,
            "nte": kind.isin(NIGHT_OUT).astype("boolean").mask(kind.isna()),
            "weapon": method,
            "victim_age_band": age,
            "victim_sex": sex,
        }
    )
    start, end = (written.moments(field(raw, name))[0]["when"] for name in ("period_start", "period_end"))
    day = when["dt_recorded"].dt.normalize()
    rows["problem"] = first_reason(
        [
            (field(raw, "site").eq(""), NO_SITE),
            (bad_dates, written.BAD_DATE),
            (when["dt_recorded"].isna(), NO_ARRIVAL),
            ((day < start) | (day > end), OUTSIDE_PERIOD),
            (when["dt_from"] > when["dt_recorded"], AFTER_ARRIVAL),
            (bad_point, written.BAD_POINT),
            (bad_lsoa, BAD_LSOA),
            (bad_method, BAD_METHOD),
            (bad_kind, BAD_LOCATION),
            (bad_confidence, BAD_CONFIDENCE),
            (bad_sex, BAD_SEX),
            (bad_age, written.BAD_AGE),
            (bad_alcohol, BAD_ALCOHOL),
        ]
    )
    return rows


def _times(raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """`dt_from`, `dt_to`, `dt_recorded` (the arrival), `time_known`.

    Where the time of the assault is not given it lies on the day given, or else on the day of arrival, and before the arrival. An
    assault at 00:00 is taken for one whose time nobody knew.
    """
    assault, bad_assault = written.moments(field(raw, "assault"))
    arrival, bad_arrival = written.moments(field(raw, "arrival"))
    day = assault["when"].fillna(arrival["when"]).dt.normalize()
    known = assault["timed"] & assault["when"].ne(day)
    last = day + pd.Timedelta(hours=23, minutes=59, seconds=59)
    last = last.where(~arrival["timed"] | (arrival["when"] > last) | (arrival["when"] < day), arrival["when"])
    when = {
        "dt_from": assault["when"].where(known, day),
        "dt_to": assault["when"].where(known, last),
        "dt_recorded": arrival["when"].where(arrival["timed"], last),
        "time_known": known,
    }
    return pd.DataFrame(when), bad_assault | bad_arrival


def _methods(raw: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """How it was done. Where the method is `other`, the words beside it decide if, as a whole, they are in the list."""
    method, bad = meanings(field(raw, "method"), "ed_method")
    said, _ = meanings(field(raw, "method_other"), "ed_method")
    return method.where(method.ne("other") | said.isna(), said), bad


def _postcodes(raw: pd.DataFrame, places: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Postcode of the assault, from its column or the words of the place; how sure the place is; what is not understood."""
    given = field(raw, "postcode")
    found = field(raw, "location_text").str.extract(POSTCODE)[0].fillna("")
    unplaced = places["easting"].isna() & places["lon"].isna()
    in_words = given.eq("") & found.ne("") & unplaced
    confidence, bad = meanings(field(raw, "confidence"), "confidence")
    return given.mask(in_words, found), confidence.mask(in_words, "high"), bad
