"""Street-level crime as published monthly. Points are snapped to a street, never an address; no day, no hour."""

import numpy as np
import pandas as pd

from data import definitions
from data.sources import files
from data.sources.files import Piece

TABLE = "incidents"
LABEL = "Police recorded crime, street level (data.police.uk)"
SUFFIXES = (".csv",)
PASSED_OVER = ("-outcomes.csv", "-stop-and-search.csv")  # lie beside the street files in the published archive
COLUMNS = ["Crime ID", "Month", "Reported by", "Longitude", "Latitude", "Location", "LSOA code", "Crime type"]
UNKNOWN_TYPE = "crime type not in the list"
BAD_MONTH = "month is not written YYYY-MM"
BAD_POINT = "coordinates are not two numbers"


def read(piece: Piece) -> pd.DataFrame:
    """The published columns that are used, all text."""
    raw = files.text_table(piece, columns=COLUMNS)
    files.require(raw, COLUMNS, piece, hint="Is this a *-street.csv file?")
    return raw


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per crime, with `problem` naming why a row cannot be used (empty where it can)."""
    month = pd.to_datetime(
        raw["Month"].where(raw["Month"].str.fullmatch(r"20\d{2}-\d{2}")), format="%Y-%m", errors="coerce"
    )
    lon, lat = (pd.to_numeric(raw[c].where(raw[c] != ""), errors="coerce") for c in ("Longitude", "Latitude"))
    group = raw["Crime type"].map(definitions.offence_codes("police_uk"))
    rows = pd.DataFrame(
        {
            "record_id": _record_ids(raw),
            "source": "police_uk",
            "feed_id": feeds(raw["Reported by"]),
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
    written = (raw["Longitude"] != "") | (raw["Latitude"] != "")
    half_written = written & (lon.isna() | lat.isna())
    rules = [(month.isna(), BAD_MONTH), (group.isna(), UNKNOWN_TYPE), (half_written, BAD_POINT)]
    rows["problem"] = np.select([bad for bad, _ in rules], [reason for _, reason in rules], default="")
    return rows


def feeds(forces: pd.Series) -> pd.Series:
    """The feed of what each force reports, by its name."""
    return "police_uk:" + forces.str.lower().str.replace(r"[^a-z]+", "-", regex=True)


def _record_ids(raw: pd.DataFrame) -> np.ndarray:
    """The first 63 bits of the Crime ID; where none is given (anti-social behaviour), of what the row says.

    Rows that say the same are numbered, so that each stays a record of its own; a later release of the month, in
    whatever order, gives the same records.
    """
    given = raw["Crime ID"]
    usual = given.str.fullmatch(r"[0-9A-Fa-f]{64}").to_numpy(dtype=bool)
    ids = np.empty(len(raw), dtype=np.uint64)
    ids[usual] = np.frombuffer(bytes.fromhex("".join(given[usual].str.slice(0, 16))), dtype=">u8")
    rest = raw[~usual]
    told = rest["Crime ID"].where(rest["Crime ID"] != "", rest["Month"].str.cat(rest[COLUMNS[2:]], sep="|"))
    which = told.groupby(told).cumcount().where(rest["Crime ID"] == "", 0)
    ids[~usual] = pd.util.hash_array((told + "#" + which.astype("str")).to_numpy(dtype=object))
    return (ids >> np.uint64(1)).astype(np.int64)
