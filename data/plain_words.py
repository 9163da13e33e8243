"""Words that people type for others to read: made plain, and refused where they look as if they told of a person."""

import re
import unicodedata

from data.sources import identifiers

LONGEST_NAME = 80  # letters of who writes

# A sentence is not a column, where values have to be many before they count: here one is enough.
FORENAMES = "|".join(identifiers.FORENAMES.split())
NO_SURNAME = """and are arms as at avenue ave bridge building by car centre church clinic close college court crescent
dock drive estate for from gardens green grove hall has hill hospital hotel house in infirmary inn is lane memorial mews
of on or parade park pier place point prison pub quay rd retail road row school shopping square st station street
surgery terrace the this to university walk ward was way where which wing with"""  # after a forename: no person's name
NO_PERSON = rf"(?! (?:{'|'.join(NO_SURNAME.split())})\b)"
NO_SAINT = "".join(rf"(?<!\b{word} )" for word in ("st", r"st\.", "saint", "king", "queen", "prince", "princess"))
PERSONAL = [
    *identifiers.VALUES.items(),
    ("names of people", rf"(?i){NO_SAINT}\b(?:{FORENAMES})(?: [a-z]\.?)?{NO_PERSON} [a-z][a-z'’-]+"),
    ("names of people", rf"\b[A-Z][A-Za-z'’-]+, ?(?i:(?:{FORENAMES})\b{NO_PERSON})"),
    ("long numbers (of records, telephones, the NHS)", r"\d{7}|\b\d{3}[ -]\d{3}[ -]\d{4}\b"),
    ("national insurance numbers", r"(?i)\b[a-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[a-d]\b"),
    ("number plates", r"\b[A-Z]{2}\d{2} ?[A-Z]{3}\b"),
    ("dates of birth", r"(?i)\b(?:d\.?o\.?b|born|birth)\b\D{0,20}\d"),
]


def plain(text: str) -> str:
    """The text without what cannot be seen (which could part a number or a name), and with single blanks."""
    shown = unicodedata.normalize("NFKC", text)
    return " ".join("".join(c for c in shown if c.isspace() or unicodedata.category(c)[0] != "C").split())


def wrong_with(text: str, *, called: str, says: str, shortest: int, longest: int) -> list[str]:
    """What is wrong with a plain text, in sentences that quote nothing.

    called : what the text is to whoever writes it ("reason"). says : what it ought to say ("why").
    shortest, longest : letters, both allowed.

    Misleads where a forename is not in the list, and where a place is called like a person ("John Pounds Centre").
    """
    wrong = []
    if not shortest <= len(text) <= longest:
        wrong.append(f"Give a {called} of {shortest} to {longest} letters; this one has {len(text)}.")
    if found := dict.fromkeys(what for what, pattern in PERSONAL if re.search(pattern, text)):
        held = ", ".join(found)
        wrong.append(f"The {called} looks as if it held {held}: say {says} without them, and name nobody.")
    return wrong


def wrong_name(by: str, *, who: str) -> list[str]:
    """What is wrong with the name of whoever writes. who : in words ("who judges")."""
    return [] if 0 < len(by) <= LONGEST_NAME else [f"Say {who}, in at most {LONGEST_NAME} letters."]
