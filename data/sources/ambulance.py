"""Ambulance calls to assaults. A row is one call; its place is where the patient was picked up."""

import pandas as pd

from data.sources import identifiers, mapping, written
from data.sources.files import Piece
from data.sources.mapping import field
from data.sources.written import first_reason, flags, meanings

TABLE = "incidents"
SOURCE = "ambulance"
LABEL = "Ambulance calls to assaults"
SUFFIXES = (".csv", ".xlsx")
CARD = r"^0*(\d{1,2})[A-EO]\d{1,2}([A-Z]?)$"  # a triage code such as 27D05S: card, urgency, number, last letter
KNIFE = {"stabbing": True, "gunshot": False, "sexual assault": False}  # a bare "assault" does not say
WEAPON = {"stabbing": "sharp object", "gunshot": "firearm", "penetrating wound": "sharp object or firearm"}

NO_CALL = "no date of the call"
NOT_ASSAULT = "not a call to an assault"
BAD_COMPLAINT = "complaint: wording not in the list"
BAD_SEX = "sex: wording not in the list"
BAD_ALCOHOL = "alcohol: wording not in the list"
BAD_LSOA = "code of the small area is not written E01 and six digits"


def read(piece: Piece) -> pd.DataFrame:
    """The fields that sources.toml names, all text."""
    return mapping.mapped(piece, SOURCE)


def tidy(raw: pd.DataFrame, *, salt: bytes = b"") -> pd.DataFrame:
    """One row per call, with `problem` naming why it cannot be used (empty where it can)."""
    service = field(raw, "service").str.lower().str.replace(r"[^a-z0-9]+", "-", regex=True)
    feed = (SOURCE + ":" + service).where(service.ne(""), SOURCE)
    call, bad_date = written.moments(field(raw, "call"))
    places, bad_point = written.points(raw)
    lsoa, bad_lsoa = written.lsoa_codes(raw)
    complaint = field(raw, "complaint").str.upper().str.replace(CARD, r"\1\2", regex=True)
    about, bad_complaint = meanings(complaint, "ambulance_complaint")
    sex, bad_sex = meanings(field(raw, "sex"), "sex")
    age, bad_age = written.age_groups(field(raw, "age"), field(raw, "age_band"))
    alcohol, bad_alcohol = flags(field(raw, "alcohol"))
    rows = pd.DataFrame(
        {
            "record_id": identifiers.record_ids(raw, feed, salt),
            "source": SOURCE,
            "feed_id": feed,
            "place_basis": "pickup",
            "month": call["when"].dt.to_period("M").dt.to_timestamp(),
            "dt_from": call["when"],
            "dt_to": call["when"].where(call["timed"], call["when"] + pd.Timedelta(hours=23, minutes=59, seconds=59)),
            "dt_recorded": call["when"],
            "time_known": call["timed"],
            **places,
            "precision": written.place_precision(places, lsoa, field(raw, "point_precision")),
            "postcode": field(raw, "postcode"),
            "lsoa_code": lsoa,
            "offence_group": "amb_assault",
            "knife": about.map(KNIFE).astype("boolean"),
            "firearm": about.map({"gunshot": True, "stabbing": False}).astype("boolean"),
            "sexual": about.map({"sexual assault": True}).astype("boolean"),
            "weapon": about.map(WEAPON),
            "alcohol": alcohol,
            "victim_age_band": age,
            "victim_sex": sex,
        }
    )
    rows["problem"] = first_reason(
        [
            (bad_date, written.BAD_DATE),
            (call["when"].isna(), NO_CALL),
            (about.eq("not an assault"), NOT_ASSAULT),
            (bad_complaint | about.isna(), BAD_COMPLAINT),
            (bad_point, written.BAD_POINT),
            (bad_lsoa, BAD_LSOA),
            (bad_sex, BAD_SEX),
            (bad_age, written.BAD_AGE),
            (bad_alcohol, BAD_ALCOHOL),
        ]
    )
    return rows
