"""Personal identifiers: files that hold them are refused by column, and record references become pseudonyms.

Every value is looked at, once per different value of a column. A row of what is looked at is any row of a delivered file.
"""

import hashlib
import re
from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.errors import Problem, SourceProblem

HINT = "Take the column out, or replace it, and send the file again."
FEWEST_NHS = 3  # different ten-digit values with a right check digit before a column counts as NHS numbers ...
SHARE_NHS = 0.3  # ... and their share of its ten-digit values; by chance one in eleven has it
NUMBERING = r"(?:1\d|20|23|24|28|29|3[0347]|5[56]|7\d|8[0478])"  # what follows the 0 of a telephone number here

# Words of a header, run together and in small letters, that give an identifier away.
HEADERS = {
    "names of people": r"(fore|sur|maiden|nick)names?|(first|last|middle|full|given|family)\s?names?|initials|alias(es)?|signature"
    r"|next of kin|(victim|suspect|offender|patient|person|witness|complainant|aggrieved|perpetrator|officer|nominal|client"
    r"|staff|mother|father|guardian|carer|gp|doctor|clinician|consultant|contact|informant|caller|child|pupil|user)s?( full)? names?",
    "dates of birth": r"dob|(date|day) of birth|birth ?(date|day)",
    "NHS or hospital numbers": r"nhs ?(number|no|num|id)|hospital ?(number|no)|mrn",
    "national identifiers": r"national insurance|nino|passport|pnc ?(id|number|no)|driving licen[cs]e|driver number",
    "telephone numbers": r"(tele)?phone|mobile|tel( no| number)?|contact ?(number|no)",
    "e-mail addresses": r"e ?mails?",
    "addresses": r"address(es)?(?! type)|house ?(number|no|name)|flat ?(number|no)|uprn",
}

# What values look like. Each is tried on every different value of a column.
VALUES = {
    "e-mail addresses": r"[\w.+-]+@[\w-]+\.\w",
    "telephone numbers": r"(?:^|[^\w.-])(?:(?:\+|00)44[\s().-]*(?:\(0\))?|\(?0)[\s().-]*"
    + NUMBERING
    + r"(?:[\s().-]*\d){7,8}(?:$|\D)",
    "NHS or hospital numbers": r"(?:^|\D)\d{3}[ -]\d{3}[ -]\d{4}(?:$|\D)",
    "names of people": r"\b(?:Mr|Mrs|Ms)\.? [A-Z][a-z]",
}
PLACE_VALUES = {
    "full postcodes": r"(?i)\b[a-z]{1,2}\d[a-z\d]? ?\d[abd-hjlnp-uw-z]{2}\b",
    "addresses": r"\b\d{1,4}[A-Za-z]?,? (?:[A-Z][A-Za-z'’-]+ ){1,3}(?:Road|ROAD|Street|STREET|Avenue|AVENUE|Close|CLOSE|Lane|LANE|Drive"
    r"|DRIVE|Crescent|CRESCENT|Terrace|TERRACE|Rd|RD|St|ST|Ave|AVE)\b"
    r"|(?i:\b\d{1,4}[a-z]?,? [a-z]+ (?:road|street|avenue|crescent|terrace)\b)",
}


def refuse_identifiers(raw: pd.DataFrame, piece_name: str, *, allowed: Collection[str] = ()) -> None:
    """Refuse a file that holds personal identifiers, naming every column and how many rows, and quoting nothing.

    raw : the file as read, all text. allowed : headers agreed to hold postcodes or the words of a place; they are still
    searched for everything else. A column without any value is let pass.
    """
    problems = [
        Problem(f"looks like {what}, which must not be sent", column=column, rows=rows, hint=HINT)
        for place, column in enumerate(raw.columns)
        for what, rows in _found(str(column), raw.iloc[:, place], column in allowed).items()
    ]
    if problems:
        raise SourceProblem(piece_name, problems)


def _found(header: str, values: pd.Series, agreed: bool) -> dict[str, int]:
    """What a column seems to hold, and in how many rows."""
    counts = pc.value_counts(pa.array(values.astype("str"), pa.string()).drop_null())
    texts, rows = pc.utf8_trim_whitespace(counts.field("values")), counts.field("counts").to_numpy(zero_copy_only=False)
    filled = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    if not filled.any():
        return {}
    named = {what: int(rows[filled].sum()) for what in _by_header(header) if not (agreed and what == "addresses")}
    if named or pc.all(pc.match_substring_regex(texts, r"^(?:[0-9a-f]{64}|\D{0,3}|\d{1,6})$")).as_py():
        return named  # nothing else can stand in ids of 64 hex digits, or in values this short
    patterns = VALUES if agreed else VALUES | PLACE_VALUES
    hits = {what: int(rows[_matches(texts, pattern)].sum()) for what, pattern in patterns.items()}
    hits["NHS or hospital numbers"] += _nhs_rows(texts, rows)
    return {what: count for what, count in hits.items() if count}


def _by_header(header: str) -> Iterator[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    words = re.sub(r"[^a-z0-9]+", " ", spaced.lower()).strip()
    yield from (what for what, pattern in HEADERS.items() if re.search(rf"\b(?:{pattern})\b", words))


def _matches(texts: pa.Array, pattern: str) -> np.ndarray:
    return pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)


def _nhs_rows(texts: pa.Array, rows: np.ndarray) -> int:
    """Rows whose value is an NHS number, where too many have a right check digit (modulus 11) for chance."""
    ten = _matches(texts, r"^\d{10}(?:\.0)?$")
    found = np.array(pc.utf8_slice_codeunits(texts.filter(pa.array(ten)), 0, 10).to_pylist())
    if not len(found):
        return 0
    digits = found.astype("U10").view("U1").reshape(-1, 10).astype(int)
    check = 11 - digits[:, :9] @ np.arange(10, 1, -1) % 11
    right = (check % 11 == digits[:, 9]) & (digits.min(axis=1) < digits.max(axis=1))
    return int(rows[ten][right].sum()) if right.sum() >= FEWEST_NHS and right.mean() > SHARE_NHS else 0


def pseudonym(references: pd.Series, salt: bytes) -> np.ndarray:
    """A number for each reference that cannot be led back to it without the salt: 63 bits of keyed BLAKE2b.

    Blanks around and the case of a reference do not matter. The same reference and salt always give the same number.
    """
    which, texts = pd.factorize(references.str.strip().str.upper())
    digests = (hashlib.blake2b(text.encode(), digest_size=8, key=salt).digest() for text in texts)
    return np.array([int.from_bytes(d, "big") >> 1 for d in digests], dtype=np.int64)[which]


def record_ids(raw: pd.DataFrame, feed: pd.Series, salt: bytes) -> np.ndarray:
    """A number for each row: of its `reference` where the file has one, else of all that the row says.

    Rows that say the same are told apart by their order, so that each is counted, and a file sent again gives the same numbers.
    """
    said = raw.iloc[:, 0].str.cat([raw[c] for c in raw.columns[1:]], sep="\x1f")
    again = said.groupby(said).cumcount().astype("str")
    key = said + "\x1f" + again
    if "reference" in raw:
        key = raw["reference"].str.strip().where(raw["reference"].str.strip().ne(""), key)
    return pseudonym(feed + "\x1f" + key, salt)
