"""Street-level crime as published monthly. Points are snapped to a street, never an address; no day, no hour."""

import hashlib

import numpy as np
import pandas as pd

from data import definitions
from data.sources import files
from data.sources.files import Piece

TABLE = "incidents"
LABEL = "Police recorded crime, street level (data.police.uk)"
SUFFIXES = (".csv",)
COLUMNS = ["Crime ID", "Month", "Reported by", "Longitude", "Latitude", "Location", "LSOA code", "Crime type"]
UNKNOWN_TYPE = "crime type not in the list"
BAD_MONTH = "month is not written YYYY-MM"
BAD_POINT = "coordinates are not numbers"


def read(piece: Piece) -> pd.DataFrame:
    """The published columns that are used, all text."""
    raw = files.text_table(piece, columns=COLUMNS)
    files.require(raw, COLUMNS, piece, hint="Is this a *-street.csv file?")
    return raw


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per crime, with `problem` naming why a row cannot be used (empty where it can)."""
    month = pd.to_datetime(
        raw["Month"].where(raw["Month"].str.fullmatch(r"\d{4}-\d{2}")), format="%Y-%m", errors="coerce"
    )
    lon, lat = (pd.to_numeric(raw[c].where(raw[c] != ""), errors="coerce") for c in ("Longitude", "Latitude"))
    group = raw["Crime type"].map(definitions.offence_codes("police_uk"))
    feed = "police_uk:" + raw["Reported by"].str.lower().str.replace(r"[^a-z]+", "-", regex=True)
    rows = pd.DataFrame(
        {
            "record_id": _record_ids(raw["Crime ID"], feed, raw["Month"]),
            "source": "police_uk",
            "feed_id": feed,
            "reported_by": raw["Reported by"],
            "place_basis": "occurrence",
            "month": month,
            "time_known": False,
            "lon": lon,
            "lat": lat,
            "precision": np.where(lon.notna() & lat.notna(), "snap", "none"),
            "lsoa_code": raw["LSOA code"].where(raw["LSOA code"] != ""),
            "location_key": raw["Location"].str.removeprefix("On or near ").where(lon.notna()),
            "offence_group": group,
        }
    )
    half_written = (lon.isna() & (raw["Longitude"] != "")) | (lat.isna() & (raw["Latitude"] != ""))
    rules = [(month.isna(), BAD_MONTH), (group.isna(), UNKNOWN_TYPE), (half_written, BAD_POINT)]
    rows["problem"] = np.select([bad for bad, _ in rules], [reason for _, reason in rules], default="")
    return rows


def _record_ids(crime_ids: pd.Series, feed: pd.Series, month: pd.Series) -> np.ndarray:
    """The first 63 bits of the Crime ID; where none is given (anti-social behaviour), a running number of its file."""
    known = (crime_ids.str.len() == 64).to_numpy()
    start = hashlib.blake2b(f"{feed.iloc[0]} {month.iloc[0]}".encode(), digest_size=8).digest() if len(feed) else b""
    ids = (int.from_bytes(start, "big") + np.arange(len(crime_ids), dtype=np.uint64)) & np.uint64(2**63 - 1)
    ids[known] = np.array([int(text[:16], 16) >> 1 for text in crime_ids[known]], dtype=np.uint64)
    return ids.astype(np.int64)
