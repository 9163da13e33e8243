"""Personal identifiers: files that hold them are refused by column, and record references become pseudonyms.

Every value is looked at, once per different value of a column. A row is a row of any delivered file.
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

FEWEST_NAMES = 3  # different values that begin with a forename before a column counts as names of people ...
SHARE_NAMES = 0.3  # ... and their share of its values; about one street in twenty is called after somebody
FORENAMES = """aaron adam aisha alan alex alice amanda amelia amy andrew angela anna anne anthony ben benjamin brian
callum carol catherine charles charlotte chloe chris christine christopher claire colin craig daniel darren david dean
deborah donna dylan edward elizabeth ella ellie emily emma ethan eva fatima fiona frank freya gary gemma george
georgia graham grace hannah harry heather helen henry holly ian isaac isabella jack jacob jake james jamie jane janet
jason jean jennifer jessica joan joanne joe john jonathan jordan joseph joshua julie karen kate katie keith kelly
kevin kieran kyle laura lauren lee leon lewis liam linda lisa logan louise lucy luke margaret maria mark martin mary
matthew max megan melissa mia michael michelle mohammed mohammad muhammad nathan neil nicholas nicola nigel noah
oliver olivia oscar pamela patricia patrick paul peter philip poppy rachel raymond rebecca richard robert roger ruby
ruth ryan sally sam samantha samuel sandra sara sarah scott sean sharon shaun simon sophie stephanie stephen steven
stuart susan thomas tina toby tom tracey trevor tyler victoria wayne wendy william zoe"""

# Words of a header, in small letters and with single blanks, that give an identifier away.
PEOPLE = (
    r"(?:victim|suspect|offender|patient|person|witness|complainant|aggrieved|perpetrator|officer|nominal|client|staff"
    r"|mother|father|guardian|carer|gp|doctor|clinician|consultant|contact|informant|caller|child|pupil|user)s?"
)
HEADERS = {
    "names of people": r"(fore|sur|maiden|nick)names?|(first|last|middle|full|given|family) ?names?|initials|alias(es)?"
    rf"|signature|next of kin|{PEOPLE}( full)? names?|names? of( the)? {PEOPLE}",
    "dates of birth": r"dob|(date|day) of birth|birth ?(date|day)",
    "NHS or hospital numbers": r"nhs ?(number|no|num|id)|hospital ?(number|no)|mrn",
    "national identifiers": r"national insurance|nino|passport|pnc ?(id|number|no)|driving licen[cs]e|driver number",
    "telephone numbers": r"(((tele|mobile ?)?phones?|mobile|tel)( ?(number|no))?|contact ?(number|no))$",
    "e-mail addresses": r"e ?mails?",
    "addresses": r"address(es)?(?! type)|house ?(number|no|name)|flat ?(number|no)|uprn",
}

# What values look like. Each is tried on every different value of a column, unless all of them are harmless.
HARMLESS = r"^(?:[0-9a-f]{64}|\D{0,3}|\d{1,6})$"  # hashes of 64 digits, and values too short to say anything
VALUES = {
    "e-mail addresses": r"[\w.+-]+@[\w-]+\.\w",
    "telephone numbers": r"(?:^|[^\w.-])(?:(?:\+|00)44[\s()-]*(?:\(0\))?|\(?0)[\s()-]*"
    + NUMBERING
    + r"(?:[\s()-]*\d){7,8}(?:$|[^\d.])",
    "names of people": r"\b(?:Mr|Mrs|Ms)\.? [A-Z][a-z]",
    "full postcodes": r"(?i)\b[a-z]{1,2}\d[a-z\d]? ?\d[abd-hjlnp-uw-z]{2}\b",
    "addresses": r"\b\d{1,4}[A-Za-z]?,? (?:[A-Z][A-Za-z'’-]+ ){1,3}(?:Road|ROAD|Street|STREET|Avenue|AVENUE|Close|CLOSE"
    r"|Lane|LANE|Drive|DRIVE|Crescent|CRESCENT|Terrace|TERRACE|Rd|RD|St|ST|Ave|AVE)\b"
    r"|(?i:\b\d{1,4}[a-z]?,? [a-z]+ (?:road|street|avenue|crescent|terrace)\b)",
}


def refuse_identifiers(
    raw: pd.DataFrame, piece_name: str, *, allowed: Collection[str] = (), references: Collection[str] = ()
) -> None:
    """Refuse a file that holds personal identifiers, naming every column and how many rows, and quoting nothing.

    raw : the file as read, all text. allowed : headers agreed to hold postcodes or the words of a place.
    references : headers of record references, whose digits are not taken for telephone numbers.
    Both are searched for everything else. A column without any value is let pass.
    """
    problems = [
        Problem(f"looks like {what}, which must not be sent", column=column, rows=rows, hint=HINT)
        for place, column in enumerate(raw.columns)
        for what, rows in _found(str(column), raw.iloc[:, place], *_not_asked(column, allowed, references)).items()
    ]
    if problems:
        raise SourceProblem(piece_name, problems)


def _not_asked(header: str, allowed: Collection[str], references: Collection[str]) -> tuple[str, ...]:
    places = ("full postcodes", "addresses") if header in allowed else ()
    return (*places, "telephone numbers") if header in references else places


def _found(header: str, values: pd.Series, *not_asked: str) -> dict[str, int]:
    """What a column seems to hold, and in how many rows."""
    counts = pc.value_counts(pa.array(values.astype("str"), pa.string()).drop_null())
    texts, rows = pc.utf8_trim_whitespace(counts.field("values")), counts.field("counts").to_numpy(zero_copy_only=False)
    filled = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    named = {what: int(rows[filled].sum()) for what in _by_header(header) if what not in not_asked}
    if named or not filled.any() or pc.all(pc.match_substring_regex(texts, HARMLESS)).as_py():
        return named if filled.any() else {}
    asked = {what: pattern for what, pattern in VALUES.items() if what not in not_asked}
    hits = {what: int(rows[_matches(texts, pattern)].sum()) for what, pattern in asked.items()}
    hits["NHS numbers"] = _nhs_rows(texts, rows)
    hits["names of people"] += _name_rows(texts, rows)
    return {what: count for what, count in hits.items() if count}


def _by_header(header: str) -> Iterator[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", header)
    words = re.sub(r"[^a-z0-9]+", " ", spaced.lower()).strip()
    yield from (what for what, pattern in HEADERS.items() if re.search(rf"\b(?:{pattern})\b", words))


def _matches(texts: pa.Array, pattern: str) -> np.ndarray:
    return pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)


def _nhs_rows(texts: pa.Array, rows: np.ndarray) -> int:
    """Rows with an NHS number: ten digits whose last checks the others (modulus 11).

    Written 3-3-4 one is enough. Ten bare digits may be anything, and one in eleven checks by chance: they must be many.
    """
    found = pc.extract_regex(texts, r"(?:^|\D)(?P<number>\d{3}[ -]?\d{3}[ -]?\d{4})(?:\.0)?(?:$|\D)")
    ten = found.is_valid().to_numpy(zero_copy_only=False)
    if not ten.any():
        return 0
    written = pc.struct_field(found, "number").drop_null()
    bare = pc.equal(pc.utf8_length(written), 10).to_numpy(zero_copy_only=False)
    digits = (
        np.array(pc.replace_substring_regex(written, "[ -]", "").to_pylist()).view("U1").reshape(-1, 10).astype(int)
    )
    check = 11 - digits[:, :9] @ np.arange(10, 1, -1) % 11
    right = (check % 11 == digits[:, 9]) & (digits.min(axis=1) < digits.max(axis=1))  # 1111111111 is a stand-in
    by_chance = (right & bare).sum() < FEWEST_NHS or right[bare].mean() <= SHARE_NHS
    return int(rows[ten][right & ~(bare & by_chance)].sum())


def _name_rows(texts: pa.Array, rows: np.ndarray) -> int:
    """Rows that hold a forename and one or two words more, in either order, where too many do for places called so."""
    names = "|".join(FORENAMES.split())
    found = _matches(texts, rf"(?i)^(?:(?:{names})(?: [a-z'’-]+){{1,2}}|[a-z'’-]+, ?(?:{names})(?: [a-z]+)?)$")
    return int(rows[found].sum()) if found.sum() >= FEWEST_NAMES and found.mean() > SHARE_NAMES else 0


def pseudonym(references: pd.Series, salt: bytes) -> np.ndarray:
    """A number for each reference that cannot be led back to it without the salt: 63 bits of keyed BLAKE2b.

    Blanks around and the case of a reference do not matter. The same reference and salt always give the same number.
    """
    which, texts = pd.factorize(references.str.strip().str.upper())
    digests = (hashlib.blake2b(text.encode(), digest_size=8, key=salt).digest() for text in texts)
    return np.array([int.from_bytes(d, "big") >> 1 for d in digests], dtype=np.int64)[which]


def record_ids(raw: pd.DataFrame, feed: pd.Series, salt: bytes) -> np.ndarray:
    """A number for each row: of its `reference` where the file has one, else of all that the row says.

    Rows that say the same are told apart by their order, so that each is counted and a file sent again gives the same
    numbers.
    """
    said = raw.iloc[:, 0].str.cat([raw[c] for c in raw.columns[1:]], sep="\x1f")
    again = said.groupby(said).cumcount().astype("str")
    key = said + "\x1f" + again
    if "reference" in raw:
        key = raw["reference"].str.strip().where(raw["reference"].str.strip().ne(""), key)
    return pseudonym(feed + "\x1f" + key, salt)
