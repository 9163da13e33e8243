"""Ambulance calls to assaults. A row is one call; its place is where the patient was picked up."""

import pandas as pd

from data.sources import dates, identifiers, mapping, written
from data.sources.files import Piece
from data.sources.mapping import field

TABLE = "incidents"
SOURCE = "ambulance"
LABEL = "Ambulance calls to assaults"
SUFFIXES = (".csv", ".xlsx")
CARD = r"^0*(\d{1,2})[A-EO]\d{1,2}([A-Z]?)$"  # a triage code such as 27D05S: card, urgency, number, last letter
KNIFE = {"stabbing": True, "gunshot": False}  # an assault, or a penetrating wound, does not say
FIREARM = {"stabbing": False, "gunshot": True}
WEAPON = {"stabbing": "sharp object", "gunshot": "firearm"}

NO_CALL = "no date of the call"
NO_COMPLAINT = "nothing says what the call was about"
NOT_ASSAULT = "not a call to an assault"
BAD_COMPLAINT = "complaint: wording not in the list"
NOT_FAULTS = (NOT_ASSAULT,)  # a delivery may hold all calls of a triage card, and that is no fault of it


def read(piece: Piece) -> pd.DataFrame:
    """The fields that sources.toml names, all text."""
    return mapping.mapped(piece, SOURCE)


def tidy(raw: pd.DataFrame, *, salt: bytes = b"") -> pd.DataFrame:
    """One row per call, with `problem` naming why it cannot be used (empty where it can).

    Calls are stamped by a machine, so a time of 00:00 is a time here.
    """
    service = field(raw, "service").str.lower().str.replace(r"[^a-z0-9]+", "-", regex=True)
    call, bad_date = dates.moments(field(raw, "call"))
    places, bad_point = written.points(raw)
    complaint = field(raw, "complaint").str.upper().str.replace(CARD, r"\1\2", regex=True)
    about, bad_complaint = written.meanings(complaint, "ambulance_complaint")
    told = _told(raw)
    rows = pd.DataFrame(
        {
            "record_id": identifiers.record_ids(raw, service, salt),
            "source": SOURCE,
            "feed_id": (f"{SOURCE}:" + service).where(service.ne(""), SOURCE),
            "place_basis": "pickup",
            "month": dates.months(call["when"]),
            "dt_from": call["when"],
            "dt_to": call["when"].where(call["timed"], call["when"] + dates.TO_END_OF_DAY),
            "dt_recorded": call["when"],
            "time_known": call["timed"],
            **places,
            "precision": written.place_precision(places, told["lsoa_code"][0], field(raw, "point_precision")),
            "postcode": field(raw, "postcode"),
            "offence_group": "amb_assault",
            "knife": about.map(KNIFE).astype("boolean"),
            "firearm": about.map(FIREARM).astype("boolean"),
            "sexual": about.map({"sexual assault": True}).astype("boolean"),
            "weapon": about.map(WEAPON),
            **{name: values for name, (values, _) in told.items()},
        }
    )
    rules = [
        (bad_date, dates.BAD_DATE),
        (call["when"].isna(), NO_CALL),
        (complaint.eq(""), NO_COMPLAINT),
        (bad_complaint, BAD_COMPLAINT),
        (about.eq("not an assault"), NOT_ASSAULT),
        (bad_point, written.BAD_POINT),
    ]
    rows["problem"] = written.first_reason(rules + written.not_understood(told))
    return rows


def _told(raw: pd.DataFrame) -> dict[str, tuple[pd.Series, pd.Series]]:
    """What columns of words say, and where they are not understood."""
    return {
        "lsoa_code": written.lsoa_codes(raw),
        "alcohol": written.flags(field(raw, "alcohol")),
        "victim_age_band": written.age_groups(field(raw, "age"), field(raw, "age_band")),
        "victim_sex": written.meanings(field(raw, "sex"), "sex"),
    }
