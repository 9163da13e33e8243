"""How partners write flags, words, ages, numbers and points. A row is a row of a delivered file, all text.

Every reader here returns the values, missing where nothing stands, and a mask of the rows it does not understand.
"""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from data import definitions, schema
from data.sources.mapping import field

BAD_POINT = "coordinates are not a pair of numbers"
BAD_WORDING = "not written as expected, or wording not in the list"
REPEATED = "given twice"
OLDEST = 120  # years; a higher age is a slip
COHORTS = {"under_10": (0, 9), "10-17": (10, 17), "18-24": (18, 24), "25_plus": (25, OLDEST)}
AGES = (
    (r"(\d{1,3})(?:\.0)?", lambda age: (age, age)),
    (r"(\d{1,3}) ?(?:-|–|to) ?(\d{1,3})", lambda low, high: (low, high)),
    (r"(\d{1,3}) ?(?:\+|plus|and over|or over|and above)", lambda low: (low, OLDEST)),
    (r"(?:under|below|<) ?(\d{1,3})", lambda over: (0, over - 1)),
    (r"(?:over|>) ?(\d{1,3})", lambda under: (under + 1, OLDEST)),
)


def meanings(text: pd.Series, kind: str) -> tuple[pd.Series, pd.Series]:
    """What the words of a column mean by the list `words.<kind>` of sources.toml; missing where they say nothing."""
    words = definitions.wording(kind)
    found = of_each(text, lambda word: words.get(" ".join(word.casefold().split())))
    return found.where(found.ne("unknown")), found.isna()


def flags(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Yes and no as true and false; unknown is missing."""
    found, bad = meanings(text, "flag")
    return found.map({"yes": True, "no": False}).astype("boolean"), bad


def age_groups(years: pd.Series, bands: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Ages in years as their cohort, five-year bands as they are, other bands as the cohort they lie in.

    years : goes before the bands where it says anything. A band that straddles two cohorts (`16-24`) is missing;
    `15-19` stays a band of five years, from which no cohort can be told.
    """
    silent = definitions.wording("unknown_age")
    said = years.mask(years.str.casefold().isin(silent), bands).str.casefold()
    said = said.mask(said.isin(silent), "")
    odd = of_each(said, lambda text: text not in ("", *COHORTS) and not _ages(text))
    return of_each(said, _age_group).astype("str"), odd.astype(bool)


def _age_group(text: str) -> str | None:
    if text in COHORTS or not (ages := _ages(text)):
        return text if text in COHORTS else None
    low, high = ages
    band = "90+" if ages == (90, OLDEST) else f"{low}-{high}"
    cohort = next((c for c, (least, most) in COHORTS.items() if least <= low and high <= most), None)
    return band if band in schema.AGE_BANDS else cohort


def _ages(text: str) -> tuple[int, int] | None:
    """The first and last age of what is written; None where it is no age."""
    text = " ".join(re.sub(r"years?|yrs?", "", text).split())
    for pattern, span in AGES:
        if match := re.fullmatch(pattern, text):
            low, high = span(*(int(number) for number in match.groups()))
            return (low, high) if low <= high <= OLDEST else None
    return None


def numbers(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Numbers, with or without commas for thousands."""
    bare = text.str.replace(r"[, ]", "", regex=True)
    found = pd.to_numeric(bare.where(bare.ne("")), errors="coerce").astype("float64")
    found = found.where(np.isfinite(found))
    return found, found.isna() & bare.ne("")


def points(raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """`easting` and `northing`, else `lon` and `lat`. Two zeros are no place; half a pair is not understood."""
    found, bad = {}, pd.Series(False, index=raw.index)
    for pair in (("easting", "northing"), ("lon", "lat")):
        (x, bad_x), (y, bad_y) = (numbers(field(raw, name)) for name in pair)
        half = (x.isna() != y.isna()) | bad_x | bad_y
        nowhere = half | (x.eq(0) & y.eq(0))
        found |= {pair[0]: x.mask(nowhere), pair[1]: y.mask(nowhere)}
        bad |= half
    for name in ("lon", "lat"):
        found[name] = found[name].where(found["easting"].isna())
    return pd.DataFrame(found), bad


def lsoa_codes(raw: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Codes of small areas, of England or Wales."""
    codes = field(raw, "lsoa").str.upper()
    return codes.where(codes.ne("")), codes.ne("") & ~codes.str.fullmatch(r"[EW]01\d{6}")


def place_precision(places: pd.DataFrame, lsoa: pd.Series, of_points: pd.Series) -> np.ndarray:
    """How exact each place is: `of_points` where there are coordinates, the small area where only its code is given."""
    has_point = places["easting"].notna() | places["lon"].notna()
    return np.select([has_point, lsoa.notna()], [of_points, "lsoa"], default="none")


def not_understood(told: dict[str, tuple[pd.Series, pd.Series]]) -> list[tuple[pd.Series, str]]:
    """A rule for each column that was read, named by what people call it."""
    return [(bad, f"{definitions.columns()[name].label}: {BAD_WORDING}") for name, (_, bad) in told.items()]


def first_reason(rules: list[tuple[pd.Series, str]]) -> np.ndarray:
    """The reason of the first rule each row breaks, empty where it breaks none."""
    return np.select([np.asarray(bad, dtype=bool) for bad, _ in rules], [reason for _, reason in rules], default="")


def without_repeats(rows: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Rows that are sound and say again what a sound row before them says about the same thing get a reason too."""
    sound = rows["problem"].eq("")
    again = sound & rows.assign(sound=sound).duplicated([*key, "sound"])
    return rows.assign(problem=rows["problem"].mask(again, REPEATED))


def of_each(text: pd.Series, meaning: Callable[[str], object]) -> pd.Series:
    """A function of the text, worked out once per different text."""
    which, texts = pd.factorize(text)
    found = np.array([meaning(t) for t in texts] + [None], dtype=object)
    return pd.Series(found[which], index=text.index, dtype=object)
