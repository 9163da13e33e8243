"""How partners write dates and times of day. A row is a row of a delivered file, all text; times are local."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

BAD_DATE = "date is not written day/month/year, year-month-day or as an Excel day number"
HOME = "Europe/London"
TO_END_OF_DAY = pd.Timedelta(hours=23, minutes=59, seconds=59)
YEARS = (1900, 2100)  # beyond them it is a slip
SERIALS = (10_000, 75_000)  # Excel day numbers: 1927 to 2105
MONTHS = {
    m: i + 1 for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
}
TIME = r"(?P<hour>\d{1,2}):?(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)? ?(?P<half>[AaPp][Mm])?"
MOMENT = (
    r"^(?:(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})"
    r"|(?P<year2>(?:19|20)\d\d)(?P<month2>\d\d)(?P<day2>\d\d)"
    r"|(?P<day3>\d{1,2})[-/. ](?:(?P<month3>\d{1,2})|(?P<named>[A-Za-z]{3,9}))[-/. ](?P<year3>\d\d(?:\d\d)?))"
    rf"(?:[T ,]+{TIME} ?(?P<zone>Z|[+-]\d\d:?\d\d)?)?$"
)


def moments(text: pd.Series, clock: pd.Series | None = None) -> tuple[pd.DataFrame, pd.Series]:
    """Dates, with the time of day where one is written, and the rows that are not understood.

    text : `31/12/2025 14:05`, `31-Dec-25`, ISO, `20251231` or an Excel day number; day before month.
    clock : the time of day where it stands in a column of its own; it goes before one in `text`.

    Returns `when` (midnight where no time is written) and `timed`. Where a column has month-first dates, none of its
    dates with slashes is understood: the others cannot be told from day-first ones.
    """
    text = text.str.strip()
    when, since, bad_time = _from_parts(_parts(text, MOMENT))
    from_number, part_of_day = _from_serial(text)
    when, timed = when.fillna(from_number), since.notna() | part_of_day
    if clock is not None:
        since, bad_clock = clocks(clock)
        when = when.where(since.isna(), when.dt.normalize() + since)
        timed, bad_time = timed | since.notna(), bad_time | bad_clock
    return pd.DataFrame({"when": when, "timed": timed & when.notna()}), (when.isna() & text.ne("")) | bad_time


def clocks(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Times of day as time since midnight: `14:05`, `1405`, `2:05 pm`, or Excel's part of a day (`0.5868`)."""
    text = text.str.strip()
    since, bad = _since_midnight(_parts(text, f"^{TIME}$"))
    part = pd.to_numeric(text.where(text.str.fullmatch(r"(?:0?\.\d+|0)")), errors="coerce")
    since = since.fillna(pd.to_timedelta(part, unit="D").dt.round("s"))
    return since, bad | (since.isna() & text.ne(""))


def months(when: pd.Series) -> pd.Series:
    """The first day of the month of each date."""
    return when.dt.normalize() - pd.to_timedelta(when.dt.day - 1, unit="D")


def _parts(text: pd.Series, pattern: str) -> pd.DataFrame:
    """The named groups of a pattern, numbers where they are digits; missing where they take no part."""
    found = pc.extract_regex(pa.array(text, pa.string()), pattern)
    columns = {}
    for name in [field.name for field in found.type]:
        part = pc.struct_field(found, name)
        part = pc.if_else(pc.equal(part, ""), None, part)
        columns[name] = part.to_pandas() if name in ("named", "half", "zone") else part.cast(pa.float64()).to_pandas()
    return pd.DataFrame(columns).set_axis(text.index)


def _from_parts(parts: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    """The moment, the time since midnight where it is given, and the rows whose time of day cannot be."""
    year, month, day = (parts[c].fillna(parts[f"{c}2"]) for c in ("year", "month", "day"))
    short = parts["year3"] < 100
    year = year.fillna(parts["year3"] + np.select([~short, parts["year3"] < 70], [0, 2000], default=1900))
    named = parts["named"].str[:3].str.lower().map(MONTHS).astype("float64")
    month, day = month.fillna(parts["month3"]).fillna(named), day.fillna(parts["day3"])
    when, either = _days(year, month, day), parts["month3"].notna()
    if (either & (month > 12)).any() and not (either & (day > 12)).any():
        when = when.mask(either)
    since, bad = _since_midnight(parts)
    return _at_home(when + since.fillna(pd.Timedelta(0)), parts["zone"]), since, bad


def _days(year: pd.Series, month: pd.Series, day: pd.Series) -> pd.Series:
    given = year.between(*YEARS) & month.between(1, 12) & day.between(1, 31)
    first = ((year - 1970) * 12 + month - 1).where(given, 0).to_numpy().astype("int64").astype("datetime64[M]")
    days = first.astype("datetime64[D]") + (day.where(given, 1) - 1).to_numpy().astype("timedelta64[D]")
    given &= days.astype("datetime64[M]") == first  # a 31 June runs into July
    return pd.Series(days.astype("datetime64[us]"), index=year.index).where(given)


def _since_midnight(parts: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    hour, minute, second, half = (parts[c] for c in ("hour", "minute", "second", "half"))
    bad = (hour > np.where(half.notna(), 12, 23)) | (half.notna() & hour.eq(0)) | (minute > 59) | (second > 59)
    hour = hour.where(half.isna(), hour % 12 + 12 * half.str.lower().eq("pm"))
    seconds = (hour * 3600 + minute * 60 + second.fillna(0)).mask(bad)
    return pd.to_timedelta(seconds, unit="s").astype("timedelta64[us]"), bad


def _at_home(when: pd.Series, zone: pd.Series) -> pd.Series:
    """Times written with a zone, as the clock here showed them."""
    if zone.isna().all():
        return when
    offset = zone.replace("Z", "+0000").str.replace(":", "")
    minutes = offset.str[1:3].astype("float64") * 60 + offset.str[3:].astype("float64")
    utc = when - pd.to_timedelta(minutes * np.where(offset.str[0] == "-", -1, 1), unit="min")
    return utc.dt.tz_localize("UTC").dt.tz_convert(HOME).dt.tz_localize(None).fillna(when)


def _from_serial(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Excel's day numbers as moments, and whether they have a part of a day."""
    number = pd.to_numeric(text.where(text.str.fullmatch(r"\d{5}(?:\.\d+)?")), errors="coerce")
    number = number.where(number.between(*SERIALS)).astype("float64")
    when = pd.to_datetime(number, unit="D", origin="1899-12-30").dt.round("s").astype("datetime64[us]")
    return when, number % 1 > 0
