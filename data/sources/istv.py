"""Assaults seen in emergency departments (Information Sharing to Tackle Violence). A row is one attendance."""

import numpy as np
import pandas as pd

from data.sources import dates, identifiers, mapping, written
from data.sources.files import Piece
from data.sources.mapping import field

TABLE = "incidents"
SOURCE = "ed_istv"
LABEL = "Assaults seen in emergency departments (ISTV)"
SUFFIXES = (".csv", ".xlsx")
NEITHER = dict.fromkeys(["body part", "blunt object", "corrosive", "vehicle"], False)
KNIFE = NEITHER | {"sharp object": True, "firearm": False}  # a glass or bottle may have been broken, or not
FIREARM = NEITHER | {"firearm": True, "sharp object": False, "glass or bottle": False}
PUBLIC = dict.fromkeys(["home", "workplace", "health or care", "custody"], False) | dict.fromkeys(
    ["street", "licensed premises", "food outlet", "public transport", "park or open space", "shop"], True
)
POSTCODE = r"(?i)\b([a-z]{1,2}\d[a-z\d]? ?\d[abd-hjlnp-uw-z]{2})\b"

NO_SITE = "no site code"
NO_ARRIVAL = "no arrival date"
OUTSIDE_PERIOD = "the arrival lies outside the period of the return"
AFTER_ARRIVAL = "the assault lies after the arrival"


def read(piece: Piece) -> pd.DataFrame:
    """The fields that sources.toml names, all text; what stands above the table (site, period) as columns."""
    return mapping.mapped(piece, SOURCE)


def tidy(raw: pd.DataFrame, *, salt: bytes = b"") -> pd.DataFrame:
    """One row per attendance, with `problem` naming why it cannot be used (empty where it can).

    The words of the place are looked through for a postcode and dropped; so are the words of the method. Where the
    assault has no place the row counts where the patient was treated, and lies nowhere on a map.
    """
    site = field(raw, "site").str.lower().str.replace(r"[^a-z0-9]+", "-", regex=True)
    when, bad_dates, after = _times(raw)
    places, bad_point = written.points(raw)
    told = _told(raw, places)
    postcode = _postcodes(raw, places)
    precision = written.place_precision(places, told["lsoa_code"][0], field(raw, "point_precision"))
    kind, method = told["location_type"][0], told["weapon"][0]
    rows = pd.DataFrame(
        {
            "record_id": identifiers.record_ids(raw, site, salt),
            "source": SOURCE,
            "feed_id": f"{SOURCE}:" + site,
            "place_basis": np.where((precision != "none") | postcode.ne(""), "occurrence", "treated"),
            "month": dates.months(when["dt_from"].fillna(when["dt_recorded"])),
            **when,
            **places,
            "precision": precision,
            "postcode": postcode,
            "offence_group": "ed_assault",
            "knife": method.map(KNIFE).astype("boolean"),
            "firearm": method.map(FIREARM).astype("boolean"),
            "sexual": method.map({"sexual": True}).astype("boolean"),
            "public_space": kind.map(PUBLIC).astype("boolean"),
            "nte": kind.eq("licensed premises").astype("boolean").mask(kind.isna()),
            **{name: values for name, (values, _) in told.items()},
        }
    )
    start, end = (dates.moments(field(raw, name))[0]["when"] for name in ("period_start", "period_end"))
    day = when["dt_recorded"].dt.normalize()
    rules = [
        (site.eq(""), NO_SITE),
        (bad_dates, dates.BAD_DATE),
        (day.isna(), NO_ARRIVAL),
        ((day < start) | (day > end), OUTSIDE_PERIOD),
        (after, AFTER_ARRIVAL),
        (bad_point, written.BAD_POINT),
    ]
    rows["problem"] = written.first_reason(rules + written.not_understood(told))
    return rows


def _told(raw: pd.DataFrame, places: pd.DataFrame) -> dict[str, tuple[pd.Series, pd.Series]]:
    """What columns of words say, and where they are not understood."""
    confidence, bad_confidence = written.meanings(field(raw, "confidence"), "confidence")
    from_words = field(raw, "postcode").eq("") & _postcodes(raw, places).ne("")
    return {
        "lsoa_code": written.lsoa_codes(raw),
        "geocode_confidence": (confidence.mask(from_words, "high"), bad_confidence),
        "location_type": written.meanings(field(raw, "location_type"), "ed_location"),
        "weapon": _methods(raw),
        "alcohol": written.flags(field(raw, "alcohol")),
        "victim_age_band": written.age_groups(field(raw, "age"), field(raw, "age_band")),
        "victim_sex": written.meanings(field(raw, "sex"), "sex"),
    }


def _methods(raw: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """How it was done. Where the method is `other`, the words beside it decide if, as a whole, they are in the list."""
    method, bad = written.meanings(field(raw, "method"), "ed_method")
    said, _ = written.meanings(field(raw, "method_other"), "ed_method")
    return method.where(method.ne("other") | said.isna(), said), bad


def _postcodes(raw: pd.DataFrame, places: pd.DataFrame) -> pd.Series:
    """Postcode of the assault: as given, else the one in the words of the place where there are no coordinates."""
    given, unplaced = field(raw, "postcode"), places["easting"].isna() & places["lon"].isna()
    in_words = field(raw, "location_text").str.extract(POSTCODE)[0].fillna("")
    return given.mask(given.eq("") & unplaced, in_words)


def _times(raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """`dt_from`, `dt_to`, `dt_recorded` (the arrival), `time_known`; rows not understood; assaults after the arrival.

    An assault whose time nobody knew (no time, or 00:00) lies within its day and before the arrival; one without a day,
    before the arrival.
    """
    assault, bad_assault = dates.moments(field(raw, "assault"))
    arrival, bad_arrival = dates.moments(field(raw, "arrival"))
    day = assault["when"].dt.normalize()
    known = assault["timed"] & assault["when"].ne(day)
    latest = arrival["when"].where(arrival["timed"], arrival["when"] + dates.TO_END_OF_DAY)
    within = (day + dates.TO_END_OF_DAY).where(day + dates.TO_END_OF_DAY < latest, latest)
    when = {
        "dt_from": assault["when"].where(known, day),
        "dt_to": assault["when"].where(known, within),
        "dt_recorded": arrival["when"],
        "time_known": known,
    }
    return pd.DataFrame(when), bad_assault | bad_arrival, when["dt_from"] > latest
