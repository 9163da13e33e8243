"""Places that help to read a map: schools, stations, hospitals, pharmacies, premises, towns. A row is one place.

Schools, stations, hospitals and towns have their names. Premises are known by their type alone: their names, and what
would lead to them in a register, are not read.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.definitions import Partnership
from data.errors import Problem, SourceProblem
from data.harmonise import OUTSIDE, Geography, to_metres
from data.sources import files
from data.sources.files import Piece

TABLE = "places"
LABEL = "Places (Department for Education, rail, NHS, Food Standards Agency)"
SUFFIXES = (".csv",)
PART = ["kind"]
KINDS = ("school", "station", "licensed", "hospital", "pharmacy", "town")
NAMED = ("school", "station", "hospital", "town")  # the others are premises
TYPES = {
    "Pub/bar/nightclub": "Pub, bar or nightclub",
    "Takeaway/sandwich shop": "Takeaway",
}  # sold to drinkers at night
PREMISES = {"licensed": "Licensed premises", "pharmacy": "Pharmacy"}
NO_POINT = "no coordinates"
NO_NAME = "no name"
BAD_KIND = "the kind of place is not one of those held"
OTHER_TYPE = "a type of business that is not held"
CLOSED = "closed"
NOT_FAULTS = (NO_POINT, OTHER_TYPE, CLOSED)


@dataclass(frozen=True)
class Headings:
    """How one publisher calls its columns. `east`, `north`: longitude and latitude, or metres where `metres`.

    known_by : a column that must be there, and is not read.
    """

    feed: str
    kind: str
    name: str
    east: str
    north: str
    source: str
    metres: bool = False
    known_by: str = ""

    @property
    def used(self) -> list[str]:
        """The columns without which the file cannot be read."""
        return [c for c in (self.name, self.east, self.north, "" if self.kind else "kind") if c]


GIAS, ORR, NHS, FSA = (
    "Get Information about Schools (DfE)",
    "Railway stations (ORR)",
    "NHS",
    "Food Hygiene Ratings (FSA)",
)
PUBLISHED = (
    Headings("schools", "school", "EstablishmentName", "Lng", "Lat", GIAS),
    Headings("schools", "school", "EstablishmentName", "Easting", "Northing", GIAS, metres=True),
    Headings("stations", "station", "Station Name", "lng", "lat", ORR),
    Headings("stations", "station", "Station Name", "long", "lat", ORR),
    Headings("hospitals", "hospital", "hospital22_name", "longitude", "latitude", NHS),
    Headings("pharmacies", "pharmacy", "", "Longitude", "Latitude", NHS, known_by="OrganisationName"),
    Headings("premises", "licensed", "BusinessType", "Geocode/Longitude", "Geocode/Latitude", FSA),
    Headings("list", "", "name", "easting", "northing", "List of places", metres=True),
    Headings("list", "", "name", "lon", "lat", "List of places"),
)
STATUS, AUTHORITY = "EstablishmentStatus (name)", "LocalAuthorityCode"  # used where they are given


def read(piece: Piece) -> pd.DataFrame:
    """The columns that are used, all text; `feed` names the publisher. The names of premises are left in the file."""
    raw = files.text_table(piece)
    fitting = [h for h in PUBLISHED if set(h.used) <= set(raw) and (not h.known_by or h.known_by in raw)]
    if not fitting:
        hint = "A list of your own has the columns kind, name and easting, northing (or lon, lat)."
        raise SourceProblem(piece.name, [Problem("these are not columns of places", hint=hint)])
    keep = [*fitting[0].used, *(c for c in (STATUS, AUTHORITY) if c in raw)]
    return raw[keep].assign(feed=fitting[0].feed)


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per place, with `problem`; points in metres."""
    feeds = set(raw["feed"]) or {h.feed for h in PUBLISHED}  # an empty file goes by its columns
    headings = next(h for h in PUBLISHED if h.feed in feeds and set(h.used) <= set(raw))
    kind = pd.Series(headings.kind, index=raw.index) if headings.kind else raw["kind"].str.strip().str.lower()
    name = raw[headings.name].str.strip() if headings.name else pd.Series("", index=raw.index)
    typed = name.map(TYPES) if headings.feed == "premises" else kind.map(PREMISES)
    points = _points(raw, headings)
    rows = pd.DataFrame(
        {
            "kind": kind,
            "name": name.where(kind.isin(NAMED), typed),
            "x": points[:, 0],
            "y": points[:, 1],
            "source": headings.source,
            "feed_id": _feed(raw, headings),
        }
    )
    status = raw[STATUS] if STATUS in raw else pd.Series("Open", index=raw.index)
    rules = [
        (~kind.isin(KINDS), BAD_KIND),
        (rows["name"].isna(), OTHER_TYPE),
        (rows["name"] == "", NO_NAME),
        (~status.str.startswith("Open"), CLOSED),
        (rows["x"].isna(), NO_POINT),
    ]
    rows["problem"] = np.select([bad for bad, _ in rules], [reason for _, reason in rules], default="")
    return rows


def _points(raw: pd.DataFrame, headings: Headings) -> np.ndarray:
    east, north = (pd.to_numeric(raw[c], errors="coerce") for c in (headings.east, headings.north))
    nowhere = east.isna() | north.isna() | (east.eq(0) & north.eq(0))
    found = np.full((len(raw), 2), np.nan)
    there = (
        np.column_stack([east[~nowhere], north[~nowhere]])
        if headings.metres
        else to_metres(east[~nowhere], north[~nowhere])
    )
    found[~nowhere] = np.where(np.isfinite(there).all(axis=1, keepdims=True), there, np.nan)
    return found


def _feed(raw: pd.DataFrame, headings: Headings) -> pd.Series | str:
    """Premises come a file for each authority, and each replaces its own only."""
    feed = f"places:{headings.feed}"
    return feed + "_" + raw[AUTHORITY].str.replace(r"\W+", "-", regex=True) if AUTHORITY in raw else feed


def localise(rows: pd.DataFrame, geography: Geography, partnership: Partnership) -> pd.DataFrame:
    """The places on the partnership's land with their small area and authority; the rest get `problem` OUTSIDE."""
    if geography.lsoas.empty:
        hint = "Load boundaries first: python -m data ingest boundaries FILE"
        raise SourceProblem(LABEL, [Problem("there are no areas yet to place anything in", hint=hint)])
    code = np.full(len(rows), None, dtype=object)
    good = (rows["problem"] == "").to_numpy()
    code[good] = geography.at(rows.loc[good, "x"].to_numpy(), rows.loc[good, "y"].to_numpy())
    found = rows.assign(area_code=pd.Series(code, index=rows.index, dtype="str"))
    found["authority_code"] = geography.parents["authority_code"].reindex(found["area_code"]).to_numpy()
    outside = good & ~found["authority_code"].isin(partnership.codes)
    found["problem"] = found["problem"].mask(outside, OUTSIDE)
    found["place_id"] = _ids(found[found["problem"] == ""]).reindex(found.index)
    return found


def _ids(rows: pd.DataFrame) -> pd.Series:
    """The same place has the same number in every delivery; it comes from kind, name and place, so tells no more."""
    metres = rows[["x", "y"]].round().astype("int64").astype("str")
    told = rows["kind"] + "|" + rows["name"] + "|" + metres["x"] + "|" + metres["y"]
    told = told + "|" + told.groupby(told).cumcount().astype("str")
    digests = [hashlib.blake2b(text.encode(), digest_size=6).hexdigest() for text in told]
    return rows["kind"] + ":" + pd.Series(digests, index=rows.index, dtype="str")
