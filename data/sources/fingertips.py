"""Public health indicators as Fingertips exports them. A row is one indicator, area, sex, age and period."""

import re

import pandas as pd

from data import definitions, harmonise
from data.sources import mapping, written
from data.sources.files import Piece
from data.sources.mapping import field

TABLE = "indicators"
SOURCE = "fingertips"
LABEL = "Public health indicators (Fingertips)"
SUFFIXES = (".csv", ".xlsx")
PART = ["indicator_id", "period"]  # what a later delivery replaces whole
LEVELS = {"E01": "lsoa", "E02": "msoa", "E05": "ward", "E23": "pfa", "E12": "region", "E92": "country"}
LEVELS |= dict.fromkeys(["E06", "E07", "E08", "E09"], "lad")
AS_PUBLISHED = "as published"
CLOSED = "By agreement with its owner; not for publication"

GROUPED = "a group of people or places inside an area, such as a tenth by deprivation: not held"
COUNTY = "a county: no level for it here"
OTHER_AREA = "a kind of area that is not held"
BAD_PERIOD = "period is not a year (2015), a financial year (2010/11) or several (2021/22 - 23/24)"
BAD_NUMBER = "a value, limit or count is not a number"
NO_INDICATOR = "no indicator identifier"
NOT_FAULTS = (GROUPED, COUNTY, OTHER_AREA, written.REPEATED)  # in every export, and no fault of it


def read(piece: Piece) -> pd.DataFrame:
    """The columns that are used, all text."""
    return mapping.mapped(piece, SOURCE)


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per value, with `problem` naming why it cannot be used or is left out (empty where it is kept).

    The headline figure keeps the publisher's identifier; other sexes and ages of the indicator get one of their own
    (`90280:female`, `90280:65plus`). An empty value is kept as missing: the publisher gives none for that row.
    """
    known, open_ = definitions.indicators(), definitions.source(SOURCE).licence
    identifier, sex, age = field(raw, "indicator"), field(raw, "sex"), field(raw, "age")
    area, told = field(raw, "area").str.upper(), {}
    for name in ("value", "lower", "upper", "numerator", "denominator"):
        told[name] = written.numbers(field(raw, name))
    beside = _beside_headline(identifier, sex, age)
    name = field(raw, "name").str.replace(r"\s+", " ", regex=True)
    rows = pd.DataFrame(
        {
            "indicator_id": identifier + beside.map(lambda parts: "".join(f":{_slug(p)}" for p in parts)),
            "name": name + beside.map(lambda parts: "".join(f", {p.lower()}" for p in parts)),
            "kind": identifier.map({k: i.kind for k, i in known.items()}).fillna("context"),
            "area_code": area,
            "area_level": area.str[:3].map(LEVELS),
            "period": _periods(field(raw, "period")),
            **{name: values for name, (values, _) in told.items()},
            "unit": identifier.map({k: i.unit for k, i in known.items()}).fillna(AS_PUBLISHED),
            "polarity": identifier.map({k: i.polarity for k, i in known.items()}).fillna("neutral"),
            "source": LABEL,
            "licence": identifier.map({k: CLOSED for k, i in known.items() if i.closed}).fillna(open_),
            "feed_id": SOURCE,
        }
    )
    rules = [
        (field(raw, "category_type").ne(""), GROUPED),
        (area.str.startswith("E10"), COUNTY),
        (rows["area_level"].isna(), OTHER_AREA),
        (identifier.eq(""), NO_INDICATOR),
        (rows["period"].isna(), BAD_PERIOD),
        *((bad, BAD_NUMBER) for _, bad in told.values()),
    ]
    rows["problem"] = written.first_reason(rules)
    return written.without_repeats(rows, ["indicator_id", "area_code", "period"])


def localise(rows: pd.DataFrame, geography: harmonise.Geography, partnership: definitions.Partnership) -> pd.DataFrame:
    """Areas of other partnerships are set aside as outside the area; regions and the country stay, to compare with."""
    parents = geography.parents
    ours = {*partnership.codes, partnership.force_area, *parents.index, *parents["msoa_code"].dropna()}
    wide = rows["area_level"].isin(["region", "country", "ward"])
    elsewhere = rows["problem"].eq("") & ~wide & ~rows["area_code"].isin(ours)
    return rows.assign(problem=rows["problem"].mask(elsewhere, harmonise.OUTSIDE))


def _beside_headline(identifier: pd.Series, sex: pd.Series, age: pd.Series) -> pd.Series:
    """The sex and age of each row where they are not those of the indicator's headline figure."""
    known = definitions.indicators()
    headline = {i: (known[i].sex, known[i].age) if i in known else ("Persons", "All ages") for i in identifier.unique()}
    pairs = zip(identifier, sex, age, strict=True)
    found = [tuple(p for p, own in zip(said, headline[i], strict=True) if p and p != own) for i, *said in pairs]
    return pd.Series(found, index=identifier.index, dtype=object)


def _slug(text: str) -> str:
    words = re.sub(r"\b(?:yrs?|years?)\b", "", text.lower()).replace("+", "plus").replace("<", "under")
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")


def _periods(text: pd.Series) -> pd.Series:
    """Years as they are; spans with both ends whole: `2001-2003` for `2001 - 03`."""
    found = text.str.extract(r"^(\d{4}(?:/\d\d)?)(?: ?- ?(?:\d\d)?(\d\d(?:/\d\d)?))?$")
    last = found[0].str[:2] + found[1]
    return found[0].where(found[1].isna(), found[0] + "-" + last)
