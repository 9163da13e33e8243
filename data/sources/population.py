"""Population by age band and sex. A row is the people of one area, year, five-year age band and sex.

Reads single years of age in columns (small-area estimates), long tables (Nomis), the census table of authorities and
the mid-year table of authorities by name. Only the finest figures a file gives are held, so that rows may be added up.
"""

import io
import re

import numpy as np
import pandas as pd

from data.definitions import Partnership
from data.errors import Problem, SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.schema import AGE_BANDS
from data.sources import files
from data.sources.files import Piece

TABLE = "population"
LABEL = "Population (Office for National Statistics)"
SUFFIXES = (".csv", ".parquet", ".xlsx")
PART = ["area_level", "year", "pop_type"]
NOT_A_CODE = "the code is not one of an area"
NOT_A_NUMBER = "the number of people is not a number"
NOT_READ = "the age or the sex is written in a way not known"
NO_YEAR = "no year"
UNEVEN = "the ages do not add up to the total the file gives"
TOTAL = "a total of other rows"
BROAD = "an age band that is not of five years"
OTHER_LEVEL = "population is held for small areas, neighbourhoods, authorities and the force area only"
NOT_FAULTS = (TOTAL, OTHER_LEVEL)
OLDEST = 0.625  # of those aged 85 and over, aged 85 to 89: 1.5% against 0.9% of residents, Census 2021, England and Wales
HEADINGS_WITHIN = 15  # rows; title rows stand above the headings of a published sheet
LEVELS = {
    **dict.fromkeys(("E01", "W01"), "lsoa"),
    **dict.fromkeys(("E02", "W02"), "msoa"),
    **dict.fromkeys(("E06", "E07", "E08", "E09", "W06"), "lad"),
    **dict.fromkeys(("E23", "W15"), "pfa"),
}
CODE_HEADER = re.compile(
    r"(?:lsoa|msoa|lad|ltla|pfa)[ _]?(\d{4}|\d{2})?[ _]?(?:code|cd)(?: \((\d{4})\b.*\))?"
    r"|area[ _]?codes?|geography[ _]code|geogcode|code|mnemonic",
    re.I,
)
LONG = {  # our name: headings of long tables in lower case, best first
    "year": ("year", "date_name", "date"),
    "age": ("age_band5", "c_age_name", "age_name", "age_band", "age group", "age", "c_age"),
    "sex": ("c_sex_name", "gender_name", "sex_name", "sex", "gender", "c_sex"),
    "people": ("obs_value", "population", "observation", "value", "count", "n"),
    "measure": ("measures_name", "measure"),
}
SEXES = {
    **dict.fromkeys(("female", "females", "f", "women", "2"), "female"),
    **dict.fromkeys(("male", "males", "m", "men", "1"), "male"),
    **dict.fromkeys(("all", "total", "persons", "all persons", "p", "both", "both sexes", "all people", "0", "t"), "all"),
}
CENSUS = {"total_females": "female", "total_males": "male"}
BY_NAME = re.compile(r"mid[- ](\d{4})", re.I)


def read(piece: Piece) -> pd.DataFrame:
    """The table, long: code (or `authority_name`), vintage, year, age, sex, people and `total`, as text as far as given."""
    tables, problems = _tables(piece), []
    longs = []
    for name, raw in tables:
        try:
            longs.append(_long(raw, f"{piece.name} {name}"))
        except SourceProblem as problem:
            problems += problem.problems
    if not longs:
        raise SourceProblem(piece.name, problems or [Problem("there is no table in it", hint="Export it as CSV.")])
    return _without_persons_sheets(longs)


def _tables(piece: Piece) -> list[tuple[str, pd.DataFrame]]:
    if piece.suffix == ".csv":
        return [("", files.text_table(piece))]
    import pyarrow as pa
    from python_calamine import CalamineError

    try:
        content = io.BytesIO(piece.read_bytes())
        if piece.suffix == ".parquet":
            return [("", pd.read_parquet(content))]
        sheets = pd.read_excel(content, sheet_name=None, header=None, dtype="str", engine="calamine")
    except (CalamineError, pa.ArrowInvalid, ValueError, OSError) as error:
        broken = Problem("the file is damaged or locked with a password", hint="Save it again, or export it as CSV.")
        raise SourceProblem(piece.name, [broken]) from error
    return [(name, table) for name, sheet in sheets.items() if (table := _below_titles(sheet)) is not None]


def _below_titles(sheet: pd.DataFrame) -> pd.DataFrame | None:
    """The table under the title rows; None for a sheet of notes."""
    for row in range(min(HEADINGS_WITHIN, len(sheet))):
        headings = sheet.iloc[row].fillna("").str.strip()
        if headings.map(lambda h: bool(CODE_HEADER.fullmatch(h))).any() and (headings != "").sum() > 2:
            return sheet.iloc[row + 1 :].set_axis(headings, axis=1).fillna("").dropna(how="all")
    return None


def _without_persons_sheets(longs: list[pd.DataFrame]) -> pd.DataFrame:
    """A workbook may give persons, females and males as sheets: persons are then totals, sorted out in `tidy`."""
    return pd.concat(longs) if len(longs) > 1 else longs[0]


def _long(raw: pd.DataFrame, told: str) -> pd.DataFrame:
    raw = raw.set_axis([str(c).strip() for c in raw], axis=1)
    if {"Name"} <= set(raw) and any(BY_NAME.fullmatch(c) for c in raw):
        return _by_name(raw)
    header = _code_header(raw)
    if header is None:
        hint = "The column of codes is called like «LSOA 2021 Code», lsoa11_code, GEOGRAPHY_CODE or area_code."
        raise SourceProblem(told, [Problem("no column of area codes was found", hint=hint)])
    vintage = re.search(r"(20)?(11|21|2[2-9])(?!\d)", header)
    rows = raw.assign(code=raw[header].astype("str"), vintage=f"20{vintage[2]}" if vintage else "")
    columns = {c.lower(): c for c in raw}
    found = {name: next((columns[h] for h in wanted if h in columns), None) for name, wanted in LONG.items()}
    if found["people"] and (found["age"] or found["sex"] or found["year"]):
        return _from_long(rows, found, told)
    if set(CENSUS) <= set(raw):
        return _melted(rows, {c: ("all", sex) for c, sex in CENSUS.items()}, "2021", "total_population")
    ages = {c: age for c in raw if (age := _single_year(c))}
    if len(ages) < 91:
        hint = "Ages stand in columns 0, 1 ... 90+ (or F0 ... M90), or one to a row with the people in obs_value."
        raise SourceProblem(told, [Problem("neither ages in columns nor a long table of people was found", hint=hint)])
    return _melted(rows, ages, _year_told(raw, told), next((c for c in raw if _is_total(c)), None))


def _code_header(raw: pd.DataFrame) -> str | None:
    """The heading of the finest level: a small area comes before the authority it lies in."""
    found = [c for c in raw if CODE_HEADER.fullmatch(c)]
    order = ("lsoa", "msoa", "", "lad", "ltla", "pfa")
    return min(found, key=lambda c: order.index(m[0].lower() if (m := re.match("lsoa|msoa|lad|ltla|pfa", c, re.I)) else ""), default=None)


def _single_year(heading: str) -> tuple[str, str] | None:
    match = re.fullmatch(r"([FMP]?) ?(?:Age )?(\d{1,2})(\+?)", heading, re.I)
    return (match[2] + ("+" if match[2] == "90" else ""), SEXES[(match[1] or "p").lower()]) if match else None


def _is_total(heading: str) -> bool:
    return heading.lower() in ("total", "all ages", "total_population", "all persons")


def _year_told(raw: pd.DataFrame, told: str) -> str:
    """The year a column says, else the one in the name of the file or sheet; refused where neither does."""
    column = next((c for c in raw if c.lower() in ("year", "date")), None)
    if column:
        return raw[column].astype("str")
    match = re.search(r"mid-?\s?(20\d{2})", told, re.I) or re.search(r"(?<!\d)(20\d{2})(?!\d)", told)
    short = re.search(r"population_?(\d{2})(?!\d)", told, re.I)
    if not match and not short:
        hint = "Put it in the file's name, as in population-2020.csv, or in a column called year."
        raise SourceProblem(told, [Problem("nothing says of which year the numbers are", hint=hint)])
    return match[1] if match else f"20{short[1]}"


def _by_name(raw: pd.DataFrame) -> pd.DataFrame:
    columns = {c: BY_NAME.fullmatch(c)[1] for c in raw if BY_NAME.fullmatch(c)}
    wide = raw.set_index(raw["Name"].str.strip())[list(columns)].rename(columns=columns)
    long = wide.rename_axis("authority_name").melt(var_name="year", value_name="people", ignore_index=False).reset_index()
    county = np.tile((raw["Geography"] if "Geography" in raw else pd.Series("", raw.index)).to_numpy(), len(columns))
    long = long.assign(code="", vintage="", age="all", sex="all", total=np.nan, level=county)
    return long.set_index(np.tile(raw.index.to_numpy(), len(columns)))


def _from_long(rows: pd.DataFrame, found: dict[str, str | None], told: str) -> pd.DataFrame:
    if found["measure"]:
        rows = rows[rows[found["measure"]].str.lower().isin(["value", "count", ""])]
    given = {name: rows[found[name]].astype("str") for name in ("year", "age", "sex", "people") if found[name]}
    year = given.get("year", _year_told(rows, told) if not found["year"] else None)
    return pd.DataFrame(
        {"code": rows["code"], "vintage": rows["vintage"], "age": "all", "sex": "all", "total": np.nan} | given | {"year": year}
    )


def _melted(rows: pd.DataFrame, columns: dict, year, total: str | None) -> pd.DataFrame:
    """Long from wide: one row per line and column; `columns` says the (age, sex) of each."""
    names, lines = list(columns), len(rows)
    ages, sexes = (np.tile(np.array([columns[c][i] for c in names], dtype=object), lines) for i in (0, 1))
    repeated = np.repeat(np.arange(lines), len(names))
    people = np.column_stack([_numbers(rows[c]) for c in names]).ravel()
    fields = {
        "code": rows["code"].to_numpy(dtype=object)[repeated],
        "vintage": rows["vintage"].iloc[0] if lines else "",
        "year": year.to_numpy(dtype=object)[repeated] if isinstance(year, pd.Series) else year,
        "age": ages,
        "sex": sexes,
        "people": people,
        "total": _numbers(rows[total])[repeated] if total else np.nan,
    }
    index = rows.index.to_numpy()[repeated]
    return pd.DataFrame({k: pd.Series(v, index=index, dtype=None if np.isscalar(v) else v.dtype) for k, v in fields.items()}, index=index)


def _numbers(values: pd.Series) -> np.ndarray:
    text = values if values.dtype.kind in "iuf" else values.astype("str").str.replace(",", "")
    return pd.to_numeric(text, errors="coerce").to_numpy(dtype=float)
