"""Indicators that a partner sends as a tidy table: one row is one indicator, area and period.

School exclusions and absence, the claimant count, or anything else that is published for areas. The table of indicators
is open to all, so only what an open licence covers is taken: the rest is set aside with a reason.
"""

import re

import pandas as pd

from data import definitions
from data.errors import Problem, SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.sources import fingertips, mapping, written
from data.sources.files import Piece
from data.sources.mapping import field

TABLE = "indicators"
SOURCE = "partner_indicators"
LABEL = "Indicators sent by partners"
SUFFIXES = (".csv", ".xlsx")
PART = ["indicator_id", "period"]
PREFIX = "partner_"  # no identifier of a partner's is ever taken for one of a publisher's
LEVELS = fingertips.LEVELS  # by the first three letters of a code
SAID = ("name", "kind", "unit", "polarity", "source", "licence")  # alike on all rows of an indicator
NUMBERS = ("value", "lower", "upper", "numerator", "denominator")
PERIOD = r"\d{4}(?:/\d\d)?(?:-\d{4}(?:/\d\d)?)?|\d{4}-(?:0[1-9]|1[0-2])"  # 2021-03 is a month, 2021-2023 three years
WITHHELD = r"\[?[cxz]\]?|\*|:|\.\."  # how publishers write that they give no number; 0 is a true zero
OPEN = r"(?i)(?:open government licen[cs]e|ogl|creative commons|cc[ -]?by|cc0|public domain|open parliament licen[cs]e)"
ABOUT_PEOPLE = re.compile(
    r"ethnic|religio|\b(?:race|racial|faith|asian|black|white|arab|roma|gypsy|travellers?|muslims?|islam|christian"
    r"|jewish|hindus?|sikhs?|buddhists?)\b",
    re.IGNORECASE,
)
FROM_POLICE = re.compile(  # of the crime records themselves, or of what police and courts do
    r"never a factor|police|\b(?:crim(?:e|inal)|violen(?:ce|t)|homicide|assault|stabbing|kni(?:fe|ves)|weapon|robber"
    r"|burglar|theft|stalking|public order|anti[ -]?social behaviou?r|offen[cd]|arrest|stop and search|youth justice)",
    re.IGNORECASE,
)
NEVER = "; context only: never a factor"

NO_INDICATOR = "no identifier or no name of the indicator"
BAD_WORD = "kind is not risk, protective or context, or polarity not low_is_good, high_is_good or neutral"
NOT_SAID = "the unit, the source or the licence is missing"
NOT_OPEN = "the licence does not let everybody see it, and indicators are shown to everybody"
UNLIKE = "the name, kind, unit, polarity, source or licence differs from that of the indicator's first row"
BAD_PERIOD = "period is not a year (2023), one from spring or summer on (2023/24), a month (2024-05) or several years"
BAD_NUMBER = "a value, limit, numerator or denominator is not a number"
BAD_LIMITS = "the limits do not enclose the value"
NO_AREA = "the area code is not one of an area that is held"
NOT_FAULTS = (fingertips.COUNTY,)
OLD_CODES = "it is on small areas of 2011"
OLD_HINT = "Ask for it on those of 2021 (LSOA21CD); sharing it out over the new areas would be a guess."
NO_WARDS = "nothing says which wards are those of the partnership"
WARD_HINT = "Load the lookup of small areas to wards first: python -m data ingest lookups FILE"


def read(piece: Piece) -> pd.DataFrame:
    """The columns that are used, all text."""
    return mapping.mapped(piece, SOURCE)


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per value, with `problem` naming why it cannot be used (empty where it is kept).

    An empty value, or the mark of one withheld, is kept as missing. Indicators of ethnicity or religion, and those of
    crime, violence or policing, are context whatever the file says, and their names say so.
    """
    area = field(raw, "area").str.upper()
    words = {name: written.meanings(field(raw, name), f"indicator_{name}") for name in ("kind", "polarity")}
    told = {name: written.numbers(_given(field(raw, name))) for name in NUMBERS}
    name = field(raw, "name").str.replace(r"\s+", " ", regex=True)
    never = _never(name) | _never(field(raw, "indicator").str.replace(r"[\W_]+", " ", regex=True))
    rows = pd.DataFrame(
        {
            "indicator_id": PREFIX + _slug(field(raw, "indicator")),
            "name": name.mask(never, name + NEVER),
            "kind": words["kind"][0].astype("str").mask(never, "context"),
            "area_code": area,
            "area_level": area.str[:3].map(LEVELS).where(area.str.fullmatch(r"E\d{8}")),
            "period": _periods(field(raw, "period")),
            **{name: values for name, (values, _) in told.items()},
            "polarity": words["polarity"][0].astype("str"),
            **{name: field(raw, name) for name in ("unit", "source", "licence", "published")},
            "feed_id": SOURCE,
        }
    )
    rows["problem"] = written.first_reason(
        _rules(rows, [bad for _, bad in words.values()], [b for _, b in told.values()])
    )
    return written.without_repeats(rows, ["indicator_id", "area_code", "period"])


def _rules(rows: pd.DataFrame, bad_words: list[pd.Series], bad_numbers: list[pd.Series]) -> list[tuple[pd.Series, str]]:
    below, above = rows["lower"] > rows["value"], rows["upper"] < rows["value"]
    unsaid = rows[["unit", "source", "licence"]].eq("").any(axis=1)
    return [
        (rows["indicator_id"].eq(PREFIX) | rows["name"].isin(["", NEVER]), NO_INDICATOR),
        *((bad, BAD_WORD) for bad in bad_words),
        (unsaid, NOT_SAID),
        (~rows["licence"].str.match(OPEN), NOT_OPEN),
        (rows["area_code"].str.fullmatch(r"E10\d{6}"), fingertips.COUNTY),
        (rows["area_level"].isna(), NO_AREA),
        (rows["period"].isna(), BAD_PERIOD),
        *((bad, BAD_NUMBER) for bad in bad_numbers),
        (below | above, BAD_LIMITS),
        (_unlike(rows), UNLIKE),
    ]


def _unlike(rows: pd.DataFrame) -> pd.Series:
    """Rows that say of their indicator something else than its first row does."""
    first = rows.groupby("indicator_id")[list(SAID)].transform("first")
    return rows[list(SAID)].ne(first).any(axis=1)


def _never(text: pd.Series) -> pd.Series:
    """Whether words are about groups of people, or about crime and policing: never factors of violence."""
    return written.of_each(text, lambda words: bool(ABOUT_PEOPLE.search(words) or FROM_POLICE.search(words))).astype(
        bool
    )


def _given(text: pd.Series) -> pd.Series:
    return text.mask(text.str.fullmatch(WITHHELD, case=False), "")


def _periods(text: pd.Series) -> pd.Series:
    bare = text.str.replace(r"\s*(?:-|–|to)\s*", "-", regex=True)
    return bare.where(bare.str.fullmatch(PERIOD))


def _slug(text: pd.Series) -> pd.Series:
    return text.str.lower().str.replace(r"[^a-z0-9]+", "_", regex=True).str.strip("_")


def localise(rows: pd.DataFrame, geography: Geography, partnership: definitions.Partnership) -> pd.DataFrame:
    """The partnership's areas, and regions and the country to compare with; the rest get `problem` OUTSIDE.

    A table on small areas of 2011 is refused, and one on wards where no lookup says which are ours.
    """
    if geography.lsoas.empty:
        hint = "Load boundaries first: python -m data ingest boundaries FILE"
        raise SourceProblem(LABEL, [Problem("there are no areas yet to place indicators in", hint=hint)])
    sound, parents = rows["problem"].eq(""), geography.parents
    old = sound & rows["area_code"].isin(set(geography.successors) - set(parents.index))
    if old.any():
        raise SourceProblem(LABEL, [Problem(OLD_CODES, rows=int(old.sum()), hint=OLD_HINT)])
    wards = geography.lookups[geography.lookups["kind"] == "lsoa_ward"]
    if wards.empty and (sound & rows["area_level"].eq("ward")).any():
        raise SourceProblem(LABEL, [Problem(NO_WARDS, hint=WARD_HINT)])
    ours = {*partnership.codes, partnership.force_area, *parents.index, *parents["msoa_code"].dropna()}
    ours |= set(wards.loc[wards["from_code"].isin(parents.index), "to_code"])
    wide = rows["area_level"].isin(["region", "country"])
    elsewhere = sound & ~wide & ~rows["area_code"].isin(ours)
    return rows.assign(problem=rows["problem"].mask(elsewhere, OUTSIDE))
