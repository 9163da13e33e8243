"""Lookups: how official codes of one kind turn into codes of another. A row is one pair of codes.

Recognised by header, as the Office for National Statistics writes it (LSOA11CD) or as tidied copies do (lsoa11_code).
"""

import re

import numpy as np
import pandas as pd

from data.definitions import Partnership
from data.errors import Problem, SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.sources import files
from data.sources.files import Piece

TABLE = "lookups"
LABEL = "Lookups between official codes (Office for National Statistics, House of Commons Library)"
SUFFIXES = (".csv",)
PART = ["kind"]
NOT_A_CODE = "not an official code"
BAD_CHANGE = "the kind of change is not one of U, S, M, X"
HEADER = re.compile(r"(lsoa|msoa|ward|wd|ltla|lad|pfa)(\d{2})(cd|_code|nm|_name|hclnm)", re.I)
OTHER_HEADERS = {
    "chgind": "change",
    "change_code": "change",
    "ladcd": "lad_old",
    "ladcd_active": "lad_now",
    "ladnm_active": "lad_now_name",
}
WORDS = {"wd": "ward", "ltla": "lad"}
PAIRS = {  # kind: the columns of its codes
    "lsoa11_lsoa21": ("lsoa11", "lsoa21"),
    "msoa11_msoa21": ("msoa11", "msoa21"),
    "lsoa_ward": ("lsoa21", "ward"),
    "lsoa_lad": ("lsoa21", "lad"),
    "lsoa_msoa": ("lsoa21", "msoa21"),
    "lad_pfa": ("lad", "pfa"),
    "lad_lad": ("lad_old", "lad_now"),
    "msoa_name": ("msoa21", "msoa21"),
}


def read(piece: Piece) -> pd.DataFrame:
    """The columns of codes and names, under one name each: lsoa11, lsoa21, lsoa21_name, lad, change ..."""
    raw = files.text_table(piece)
    names = {c: name for c in raw if (name := _name(c))}
    raw = raw[list(names)].rename(columns=names)
    raw = raw.loc[:, ~raw.columns.duplicated()]
    if not _kinds(raw):
        hint = (
            "Columns are called like LSOA11CD and LSOA21CD, lsoa21_code and ltla24_code, or msoa21cd and msoa21hclnm."
        )
        raise SourceProblem(piece.name, [Problem("no pair of codes that is used was found", hint=hint)])
    return raw


def _name(header: str) -> str | None:
    """lsoa11, lsoa11_name, msoa21_spoken, lad (of any year), ward, pfa; None for a column that is not used."""
    match = HEADER.fullmatch(header)
    if not match:
        return OTHER_HEADERS.get(header.lower())
    level, year, what = WORDS.get(match[1].lower(), match[1].lower()), match[2], match[3].lower()
    name = level + (year if level in ("lsoa", "msoa") else "")
    return name + {"cd": "", "_code": "", "hclnm": "_spoken"}.get(what, "_name")


def _kinds(raw: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """The kinds of pairs the columns give."""
    found = {kind: pair for kind, pair in PAIRS.items() if set(pair) <= set(raw)}
    if "msoa21_spoken" not in raw:
        found.pop("msoa_name", None)
    if {"lsoa11", "msoa11"} <= set(raw) and "lsoa_msoa" not in found:  # used where both still stand: boundaries.knit
        found["lsoa_msoa"] = ("lsoa11", "msoa11")
    return found


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per pair and kind, each once, with `problem`; `authority_code`, where it is given, for `localise`."""
    rows = pd.concat([_of_kind(raw, kind, *pair) for kind, pair in _kinds(raw).items()])
    return rows[~rows.duplicated(["kind", "from_code", "to_code"])]


def _of_kind(raw: pd.DataFrame, kind: str, start: str, end: str) -> pd.DataFrame:
    name = {"msoa_name": "msoa21_spoken"}.get(kind, f"{end}_name")
    change = raw["change"] if kind == "lsoa11_lsoa21" and "change" in raw else None
    lad = next((raw[c] for c in ("lad_now", "lad") if c in raw), None)
    rows = pd.DataFrame(
        {
            "kind": kind,
            "from_code": raw[start].str.strip(),
            "to_code": raw[end].str.strip(),
            "name": raw[name].where(raw[name] != "") if name in raw else None,
            "change": change,
            "feed_id": "lookups",
            "authority_code": lad,
        },
        index=raw.index,
    ).astype({"name": "str", "change": "str", "authority_code": "str"})
    code = r"[A-Z]\d{8}"
    official = rows["from_code"].str.fullmatch(code) & rows["to_code"].str.fullmatch(code)
    known = rows["change"].isna() | rows["change"].isin(["U", "S", "M", "X"])
    rows["problem"] = np.select([~official, ~known], [NOT_A_CODE, BAD_CHANGE], default="")
    return rows


def localise(rows: pd.DataFrame, geography: Geography, partnership: Partnership) -> pd.DataFrame:
    """Pairs of authorities outside the partnership get `problem` OUTSIDE; a file without authorities is kept whole."""
    outside = rows["authority_code"].notna() & ~rows["authority_code"].isin(partnership.codes)
    return rows.assign(problem=rows["problem"].where((rows["problem"] != "") | ~outside, OUTSIDE))
