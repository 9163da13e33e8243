"""How partners write dates, flags, words, ages, numbers and points. A row is a row of a delivered file, all text.

Every reader here returns the values, missing where nothing stands, and a mask of the rows whose text it does not understand.
"""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from data import definitions, schema
from data.sources.mapping import field

BAD_DATE = "date is not written day/month/year, year-month-day or as an Excel day number"
BAD_POINT = "coordinates are not a pair of numbers"
BAD_WORDING = "not written as expected, or wording not in the list"
HOME = "Europe/London"  # whose clock local times are on
TO_END_OF_DAY = pd.Timedelta(hours=23, minutes=59, seconds=59)
OLDEST = 120  # years; a higher age is a slip
COHORTS = {"under_10": (0, 9), "10-17": (10, 17), "18-24": (18, 24), "25_plus": (25, OLDEST)}
SERIALS = (10_000, 80_000)  # Excel day numbers from 1927 to 2119
MONTHS = {m: i for i, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)}
MOMENT = re.compile(
    r"^(?:(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})|(?P<year2>(?:19|20)\d\d)(?P<month2>\d\d)(?P<day2>\d\d)"
    r"|(?P<day3>\d{1,2})[-/. ](?P<month3>\d{1,2}|[A-Za-z]{3,9})[-/. ](?P<year3>\d{4}|\d\d))"
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)? ?(?P<half>[AaPp][Mm])?(?P<zone>Z|[+-]\d\d:?\d\d)?)?$"
)
CLOCK = re.compile(r"^(?P<hour>\d{1,2}):?(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)? ?(?P<half>[AaPp][Mm])?$")


def moments(text: pd.Series, clock: pd.Series | None = None) -> tuple[pd.DataFrame, pd.Series]:
    """Dates, with the time of day where one is written.

    text : `31/12/2025 14:05`, `31-Dec-25`, ISO, `20251231` or an Excel day number; day before month. clock : the time of day where it
    stands in a column of its own; it goes before one in `text`.

    Returns `when` (local time, midnight where no time is written) and `timed`. Where a column has month-first dates, all of its dates
    with slashes are left not understood: the others cannot be told from day-first ones.
    """
    text = text.str.strip()
    parts = text.str.extract(MOMENT)
    day = _number(parts["day"], parts["day2"], parts["day3"])
    named = parts["month3"].str[:3].str.lower().map(MONTHS).astype("float64")
    month = _number(parts["month"], parts["month2"], parts["month3"]).fillna(named)
    year = _number(parts["year"], parts["year2"], parts["year3"])
    year = year + np.select([parts["year3"].str.len().ne(2).to_numpy(), year < 70], [0, 2000], default=1900)
    when = pd.to_datetime(pd.DataFrame({"year": year, "month": month, "day": day}), errors="coerce").astype(
        "datetime64[us]"
    )
    month_first = parts["day3"].notna() & named.isna()
    if (month_first & (month > 12)).any() and not (month_first & (day > 12)).any():
        when = when.mask(month_first)
    since, bad_time = _since_midnight(parts)
    when, timed = when + since.fillna(pd.Timedelta(0)), since.notna()
    when = _local(when, parts["zone"])
    serial = pd.to_numeric(text.where(text.str.fullmatch(r"\d{5}(?:\.\d+)?")), errors="coerce")
    serial = serial.where(serial.between(*SERIALS))
    from_serial = pd.to_datetime(serial, unit="D", origin="1899-12-30").dt.round("s").astype("datetime64[us]")
    when, timed = when.fillna(from_serial), timed | (serial % 1 > 0)
    if clock is not None:
        since, bad_clock = clocks(clock)
        when = when.where(since.isna(), when.dt.normalize() + since)
        timed, bad_time = timed | since.notna(), bad_time | bad_clock
    return pd.DataFrame({"when": when, "timed": timed & when.notna()}), (when.isna() & text.ne("")) | bad_time


def months(when: pd.Series) -> pd.Series:
    """The first day of the month of each date."""
    return when.dt.normalize() - pd.to_timedelta(when.dt.day - 1, unit="D")


def clocks(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Times of day as time since midnight: `14:05`, `1405`, `2:05 pm`, or Excel's part of a day (`0.5868`)."""
    text = text.str.strip()
    since, bad = _since_midnight(text.str.extract(CLOCK))
    part = pd.to_numeric(text.where(text.str.fullmatch(r"0?\.\d+|0")), errors="coerce")
    since = since.fillna(pd.to_timedelta(part, unit="D").dt.round("s"))
    return since, bad | (since.isna() & text.ne(""))


def _number(*options: pd.Series) -> pd.Series:
    """The first option that stands in each row, as a number."""
    found = options[0]
    for option in options[1:]:
        found = found.fillna(option)
    return pd.to_numeric(found, errors="coerce").astype("float64")


def _since_midnight(parts: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    hour, minute, second = (pd.to_numeric(parts[c]).astype("float64") for c in ("hour", "minute", "second"))
    half = parts["half"].str.lower()
    bad = (hour > np.where(half.notna(), 12, 23)) | (half.notna() & hour.eq(0)) | (minute > 59) | (second > 59)
    hour = hour.where(half.isna(), hour % 12 + 12 * half.eq("pm"))
    seconds = (hour * 3600 + minute * 60 + second.fillna(0)).mask(bad)
    return pd.to_timedelta(seconds, unit="s"), bad


def _local(when: pd.Series, zone: pd.Series) -> pd.Series:
    """Times written with a zone, as the clock here showed them."""
    if zone.isna().all():
        return when
    offset = zone.replace("Z", "+0000").str.replace(":", "")
    minutes = (offset.str[1:3].astype("float64") * 60 + offset.str[3:].astype("float64")) * np.where(
        offset.str[0] == "-", -1, 1
    )
    utc = (when - pd.to_timedelta(minutes, unit="min")).dt.tz_localize("UTC")
    return utc.dt.tz_convert(HOME).dt.tz_localize(None).fillna(when)


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
    """Ages as groups that never straddle two cohorts: years as their cohort; bands of five years as they are, others as their cohort.

    years : ages in years, which go before the bands. A band that straddles two cohorts (`16-24`) is missing; `15-19` stays a band of
    five years, from which no cohort can be told.
    """
    by_year, bad_years = of_each(years, _cohort_of_age), of_each(years, _odd_age).astype(bool)
    by_band, bad_bands = of_each(bands, _group_of_band), of_each(bands, _odd_band).astype(bool)
    return by_year.fillna(by_band).astype("str"), bad_years | bad_bands


def _age_span(text: str) -> tuple[int, int] | None:
    """First and last age of what is written; None where it is no age."""
    text = " ".join(text.casefold().replace("years", "").replace("yrs", "").split())
    for pattern, span in (
        (r"(\d{1,3})(?:\.0)?", lambda a: (a, a)),
        (r"(\d{1,3}) ?(?:-|–|to) ?(\d{1,3})", lambda a, b: (a, b)),
        (r"(\d{1,3}) ?(?:\+|plus|and over|or over|and above)", lambda a: (a, OLDEST)),
        (r"(?:under|below|<) ?(\d{1,3})", lambda a: (0, a - 1)),
        (r"(?:over|>) ?(\d{1,3})", lambda a: (a + 1, OLDEST)),
    ):
        if match := re.fullmatch(pattern, text):
            low, high = span(*(int(number) for number in match.groups()))
            return (low, high) if low <= high <= OLDEST else None
    return None


def _cohort(span: tuple[int, int] | None) -> str | None:
    return next((c for c, (low, high) in COHORTS.items() if span and low <= span[0] and span[1] <= high), None)


def _cohort_of_age(text: str) -> str | None:
    return _cohort(_age_span(text)) if _is_age(text) else None


def _is_age(text: str) -> bool:
    span = _age_span(text)
    return span is not None and span[0] == span[1]


def _group_of_band(text: str) -> str | None:
    span = _age_span(text)
    five = f"{span[0]}-{span[1]}" if span and span[1] < OLDEST else "90+" if span == (90, OLDEST) else ""
    if span and span[0] == span[1]:  # an age in years in the column of bands
        return _cohort(span)
    return five if five in schema.AGE_BANDS else text.strip() if text.strip() in COHORTS else _cohort(span)


def _silent(text: str) -> bool:
    return text.strip().casefold() in definitions.wording("unknown_age")


def _odd_age(text: str) -> bool:
    return not _silent(text) and not _is_age(text)


def _odd_band(text: str) -> bool:
    return not _silent(text) and text.strip() not in COHORTS and _age_span(text) is None


def numbers(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Numbers, with or without commas for thousands."""
    bare = text.str.replace(r"[, ]", "", regex=True)
    found = pd.to_numeric(bare.where(bare.ne("")), errors="coerce").astype("float64")
    found = found.where(np.isfinite(found))
    return found, found.isna() & bare.ne("")


def points(raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """`easting` and `northing`, or `lon` and `lat` where those are not given. Two zeros are no place; half a pair is not understood."""
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


def of_each(text: pd.Series, meaning: Callable[[str], object]) -> pd.Series:
    """A function of the text, worked out once per different text."""
    which, texts = pd.factorize(text)
    found = np.array([meaning(t) for t in texts] + [None], dtype=object)
    return pd.Series(found[which], index=text.index, dtype=object)
