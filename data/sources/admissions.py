"""Hospital admissions for assault, by where patients live. A row is one authority, period, age band, sex and cause."""

import re

import pandas as pd

from data import definitions, harmonise, schema
from data.sources import mapping, written
from data.sources.files import Piece
from data.sources.mapping import field

TABLE = "admissions"
SOURCE = "admissions"
LABEL = "Hospital admissions for assault"
SUFFIXES = (".csv", ".xlsx")
PART = ["period", "icd_group"]  # what a later delivery replaces whole
AUTHORITY = r"E0[6-9]\d{6}"
PERIODS = {
    "month": r"(\d{4})-(\d\d)",
    "financial_year": r"(\d{4})[/-](\d\d)",
    "three_years": r"(\d{4})/(\d\d) ?(?:-|–|to) ?(?:\d\d)?(\d\d)/(\d\d)",
}
WITHHELD = "*"

NOT_AUTHORITY = "the area is not a local authority of England"
BAD_PERIOD = "period is not a month (2023-04), a financial year (2023/24) or three of them (2021/22-2023/24)"
BAD_COUNT = "a count is not a whole number of 0 or more, nor * for withheld"
NO_COUNT = "no count is given"
BAD_DECILE = "deprivation tenth is not 1 to 10"
NOT_FAULTS = (NOT_AUTHORITY,)  # regions and the country stand in such tables, and are no fault of theirs


def read(piece: Piece) -> pd.DataFrame:
    """The fields that sources.toml names, all text."""
    return mapping.mapped(piece, SOURCE)


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per count, with `problem` naming why it cannot be used (empty where it can).

    A count withheld by its owner (`*`) is missing and `suppressed`; 0 stays 0; an empty count is not given.
    """
    authority = field(raw, "authority").str.upper()
    length, bad_length = written.meanings(field(raw, "period_type"), "period_type")
    period, length = _periods(field(raw, "period"), length)
    counts = {name: written.numbers(field(raw, name).replace(WITHHELD, "")) for name in ("episodes", "persons")}
    withheld = field(raw, "episodes").eq(WITHHELD) | field(raw, "persons").eq(WITHHELD)
    decile, bad_decile = written.numbers(field(raw, "imd_decile"))
    told = {
        "period_type": (length, bad_length),
        "age_band5": _age_bands(field(raw, "age_band")),
        "sex": written.meanings(field(raw, "sex"), "sex_or_all"),
        "icd_group": written.meanings(field(raw, "icd"), "icd_group"),
    }
    rows = pd.DataFrame(
        {
            "authority_code": authority,
            "period": period,
            **{name: values for name, (values, _) in told.items()},
            **{name: values for name, (values, _) in counts.items()},
            "imd_decile": decile,
            "place_basis": "residence",
            "suppressed": withheld,
            "feed_id": SOURCE,
        }
    )
    bad_count = [bad | (values < 0) | (values % 1 > 0) for values, bad in counts.values()]
    keys = ["authority_code", "period", "age_band5", "sex", "icd_group", "imd_decile"]
    rules = [
        (~authority.str.fullmatch(AUTHORITY), NOT_AUTHORITY),
        (period.isna(), BAD_PERIOD),
        *((bad, BAD_COUNT) for bad in bad_count),
        (rows["episodes"].isna() & rows["persons"].isna() & ~withheld, NO_COUNT),
        (bad_decile | ~decile.fillna(1).isin(range(1, 11)), BAD_DECILE),
        *written.not_understood(told),
    ]
    rows["problem"] = written.first_reason(rules)
    return written.without_repeats(rows, keys)


def localise(rows: pd.DataFrame, geography: harmonise.Geography, partnership: definitions.Partnership) -> pd.DataFrame:
    """Rows of other partnerships' authorities are set aside as outside the area."""
    elsewhere = rows["problem"].eq("") & ~rows["authority_code"].isin(partnership.codes)
    return rows.assign(problem=rows["problem"].mask(elsewhere, harmonise.OUTSIDE))


def _periods(text: pd.Series, given: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Period as this house writes it, and its length; missing where it is none, or not of the length given."""
    found = [_period(t, g) for t, g in zip(text, given.fillna(""), strict=True)]
    both = pd.DataFrame(found, index=text.index, columns=["period", "length"]).astype("str")
    return both["period"], both["length"].fillna(given)


def _period(text: str, given: str) -> tuple[str | None, str | None]:
    """`2011-12` is December unless the file says that it is a financial year."""
    for length, pattern in PERIODS.items():
        if given in ("", length) and (match := re.fullmatch(pattern, text)):
            year, *rest = (int(part) for part in match.groups())
            following = [(year + n) % 100 for n in (1, 2, 3)]
            if length == "month" and 1 <= rest[0] <= 12:
                return f"{year}-{rest[0]:02}", length
            if length == "financial_year" and rest == following[:1]:
                return f"{year}/{rest[0]:02}", length
            if length == "three_years" and rest == following:
                return f"{year}/{rest[0]:02}-{year + 2}/{rest[2]:02}", length
    return None, None


def _age_bands(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Bands of five years, or `all`; anything wider cannot be standardised and is not understood."""
    bands = (
        text.str.lower()
        .str.replace(r" ?(?:–|-|to) ?", "-", regex=True)
        .str.replace(r" ?(?:\+|and over)$", "+", regex=True)
    )
    bands = bands.replace({"": "all", "all ages": "all"})
    fits = bands.isin([*schema.AGE_BANDS, "all"])
    return bands.where(fits), ~fits
