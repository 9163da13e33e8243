"""Code-Point Open: where postcodes lie, to place records that give nothing else. A row is one postcode; never shown."""

import numpy as np
import pandas as pd

from data.definitions import Partnership
from data.errors import Problem, SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.sources import files
from data.sources.files import Piece

TABLE = "postcodes"
LABEL = "Code-Point Open (Ordnance Survey)"
SUFFIXES = (".csv",)
PART = ["feed_id"]
COLUMNS = ["postcode", "quality", "easting", "northing"]  # of ten; the file itself has no header
FEWEST_COLUMNS = 10
UNPLACED = 90  # Ordnance Survey's mark for a postcode without coordinates; it writes 0, 0
BAD_POSTCODE = "not a postcode"
NO_POINT = "no coordinates published for it"
NOT_FAULTS = (NO_POINT,)
PATTERN = r"[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}"


def read(piece: Piece) -> pd.DataFrame:
    """Postcode, positional quality, easting and northing, all text. The page of headings in Doc/ gives no rows."""
    raw = files.text_table(piece, header=False)
    if raw.shape[1] < FEWEST_COLUMNS:
        hint = "Use the CSV edition, as downloaded: ten columns and no header."
        raise SourceProblem(piece.name, [Problem("this is not a Code-Point Open table", hint=hint)])
    raw = raw.iloc[:, : len(COLUMNS)].set_axis(COLUMNS, axis=1)
    return raw[~raw["postcode"].isin(["PC", "Postcode"])]


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per postcode, written in capitals without blanks, with `problem`."""
    postcode = raw["postcode"].str.upper().str.replace(" ", "")
    numbers = {c: pd.to_numeric(raw[c], errors="coerce") for c in COLUMNS[1:]}
    nowhere = numbers["easting"].fillna(0).eq(0) | numbers["quality"].eq(UNPLACED)
    area = postcode.str.extract(r"^([A-Z]{1,2})", expand=False).str.lower()
    rows = pd.DataFrame(
        {
            "postcode": postcode,
            "easting": numbers["easting"],
            "northing": numbers["northing"],
            "feed_id": "codepoint:" + area,  # a part of its own for each area, as the files are cut
        }
    )
    bad = ~postcode.str.fullmatch(PATTERN)
    rows["problem"] = np.select([bad, nowhere], [BAD_POSTCODE, NO_POINT], default="")
    return rows


def localise(rows: pd.DataFrame, geography: Geography, partnership: Partnership) -> pd.DataFrame:
    """Postcodes beyond the partnership's box get `problem` OUTSIDE; those just over its border are kept."""
    west, south, east, north = geography.box
    inside = rows["easting"].between(west, east) & rows["northing"].between(south, north)
    return rows.assign(problem=rows["problem"].where((rows["problem"] != "") | inside, OUTSIDE))
