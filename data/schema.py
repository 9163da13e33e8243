"""The harmonised tables: which columns each has, of what type, with which values. Words are in columns.toml."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import pandas as pd

from data.errors import Problem, SourceProblem

SOURCES = ("police", "police_uk", "ed_istv", "ambulance")
PLACE_BASES = ("occurrence", "pickup", "treated", "residence")
PRECISIONS = ("exact", "address", "street", "snap", "lsoa", "lad", "none")
LEVELS = ("lsoa", "msoa", "ward", "lad", "pfa")
AGE_BANDS = (*(f"{a}-{a + 4}" for a in range(0, 90, 5)), "90+")
COHORTS = ("under_10", "10-17", "18-24", "25_plus")
SEXES = ("female", "male", "all")
FORUMS = ("SVRP", "TVRP", "DAWG", "Engagement", "Comms")
CLASSES = (  # of authority: the six specified and the three relevant ones of the Serious Violence Duty
    "police",
    "fire",
    "icb",
    "local_authority",
    "youth_justice",
    "probation",
    "prison",
    "youth_custody",
    "education",
)
QUESTIONS = ("trust", "safety", "willingness", "informed", "heard")
TEXT, WHOLE, NUMBER, DAY, FLAG, YESNO = "str", "int64", "float64", "datetime64[us]", "boolean", "bool"


@dataclass(frozen=True)
class Field:
    """One column: its pandas type, whether it may be empty, the values or range it may take."""

    type: str
    empty: bool = True
    values: tuple[str, ...] = ()
    lowest: float | None = None
    highest: float | None = None


def _text(*values: str, empty: bool = True) -> Field:
    return Field(TEXT, empty, values)


def _number(lowest: float | None = None, highest: float | None = None, *, empty: bool = True) -> Field:
    return Field(NUMBER, empty, (), lowest, highest)


INCIDENTS = {
    "record_id": Field(WHOLE, empty=False),
    "source": _text(*SOURCES, empty=False),
    "feed_id": _text(empty=False),
    "place_basis": _text(*PLACE_BASES, empty=False),
    "month": Field(DAY, empty=False),
    "dt_from": Field(DAY),
    "dt_to": Field(DAY),
    "dt_recorded": Field(DAY),
    "time_known": Field(YESNO, empty=False),
    "lat": _number(49, 61),
    "lon": _number(-9, 2.1),
    "easting": _number(0, 700_000),
    "northing": _number(0, 1_300_000),
    "precision": _text(*PRECISIONS, empty=False),
    "geocode_confidence": _text("high", "medium", "low"),
    "lsoa_code": _text(),
    "msoa_code": _text(),
    "authority_code": _text(),
    "location_key": _text(),
    "location_type": _text(),
    "ho_code": _text(),
    "offence_group": _text(empty=False),
    "sv_local": Field(YESNO, empty=False),
    "knife": Field(FLAG),
    "knife_method": _text(),
    "firearm": Field(FLAG),
    "domestic": Field(FLAG),
    "sexual": Field(FLAG),
    "public_space": Field(FLAG),
    "alcohol": Field(FLAG),
    "drugs": Field(FLAG),
    "nte": Field(FLAG),
    "weapon": _text(),
    "victim_age_band": _text(*AGE_BANDS, *COHORTS),
    "victim_sex": _text("female", "male"),
    "victim_ethnicity": _text(),
    "suspect_age_band": _text(*AGE_BANDS, *COHORTS),
    "harm_cchi": _number(0),
    "harm_css": _number(0),
}

ADMISSIONS = {
    "authority_code": _text(empty=False),
    "period": _text(empty=False),
    "period_type": _text("month", "financial_year", "three_years", empty=False),
    "age_band5": _text(*AGE_BANDS, "all", empty=False),
    "sex": _text(*SEXES, empty=False),
    "icd_group": _text("X85_Y09", "X99", "X93_X95", "Y04", empty=False),
    "episodes": _number(0),
    "persons": _number(0),
    "imd_decile": _number(1, 10),
    "place_basis": _text("residence", empty=False),
    "suppressed": Field(YESNO, empty=False),
    "feed_id": _text(empty=False),
}

POPULATION = {
    "area_code": _text(empty=False),
    "area_level": _text(*LEVELS, empty=False),
    "year": Field(WHOLE, empty=False, lowest=1990, highest=2100),
    "age_band5": _text(*AGE_BANDS, "all", empty=False),
    "sex": _text(*SEXES, empty=False),
    "population": _number(0, empty=False),
    "pop_type": _text("resident", "workday", "ambient", "custom", empty=False),
    "vintage": _text(empty=False),
    "estimated": Field(YESNO, empty=False),
    "feed_id": _text(empty=False),
}

INDICATORS = {
    "indicator_id": _text(empty=False),
    "name": _text(empty=False),
    "kind": _text("risk", "protective", "context", empty=False),
    "area_code": _text(empty=False),
    "area_level": _text(*LEVELS, "region", "country", empty=False),
    "period": _text(empty=False),
    "value": _number(),
    "lower": _number(),
    "upper": _number(),
    "numerator": _number(),
    "denominator": _number(),
    "unit": _text(empty=False),
    "polarity": _text("low_is_good", "high_is_good", "neutral", empty=False),
    "source": _text(empty=False),
    "licence": _text(empty=False),
    "published": _text(),
    "feed_id": _text(empty=False),
}

ATTENDANCE = {
    "date": Field(DAY, empty=False),
    "forum": _text(*FORUMS, empty=False),
    "authority_class": _text(*CLASSES, empty=False),
    "attended": Field(YESNO, empty=False),
    "deputy": Field(FLAG),
    "feed_id": _text(empty=False),
}

SURVEY = {
    "wave": _text(empty=False),
    "area_code": _text(empty=False),
    "cohort": _text(*COHORTS, "all", empty=False),
    "question": _text(*QUESTIONS, empty=False),
    "n": _number(0),
    "pct": _number(0, 100),
    "lower": _number(0, 100),
    "upper": _number(0, 100),
    "feed_id": _text(empty=False),
}

PROGRAMME_RETURNS = {
    "programme_id": _text(empty=False),
    "period": _text(empty=False),
    "referred": _number(0),
    "started": _number(0),
    "completed": _number(0),
    "reached_yp": _number(0),
    "reached_families": _number(0),
    "reached_professionals": _number(0),
    "feed_id": _text(empty=False),
}

AREAS = {  # with `geometry`, shapely in EPSG:27700
    "area_code": _text(empty=False),
    "area_level": _text(*LEVELS, empty=False),
    "name": _text(empty=False),
    "everyday_name": _text(),
    "parent": _text(),
    "authority_code": _text(),
    "vintage": _text(empty=False),
    "area_km2": _number(0, empty=False),
    "x": _number(0, 700_000, empty=False),
    "y": _number(0, 1_300_000, empty=False),
    "feed_id": _text(empty=False),
}

PLACES = {
    "place_id": _text(empty=False),
    "kind": _text("school", "station", "licensed", "hospital", "pharmacy", "town", empty=False),
    "name": _text(empty=False),
    "x": _number(0, 700_000, empty=False),
    "y": _number(0, 1_300_000, empty=False),
    "area_code": _text(),
    "authority_code": _text(),
    "source": _text(empty=False),
    "feed_id": _text(empty=False),
}

LOOKUPS = {  # how codes of one kind turn into codes of another; change: U same, S split, M merged, X redrawn
    "kind": _text(
        "lsoa11_lsoa21",
        "msoa11_msoa21",
        "lsoa_ward",
        "lsoa_lad",
        "lsoa_msoa",
        "lad_pfa",
        "lad_lad",
        "msoa_name",
        empty=False,
    ),
    "from_code": _text(empty=False),
    "to_code": _text(empty=False),
    "name": _text(),
    "change": _text("U", "S", "M", "X"),
    "feed_id": _text(empty=False),
}

POSTCODES = {  # used while reading extracts, never shown
    "postcode": _text(empty=False),
    "easting": _number(0, 700_000, empty=False),
    "northing": _number(0, 1_300_000, empty=False),
    "feed_id": _text(empty=False),
}

LOADS = {
    "load_id": _text(empty=False),
    "source": _text(empty=False),
    "feed_id": _text(empty=False),
    "file": _text(empty=False),
    "file_hash": _text(empty=False),
    "received": Field(DAY, empty=False),
    "first_month": Field(DAY),
    "last_month": Field(DAY),
    "rows_read": Field(WHOLE, empty=False, lowest=0),
    "accepted": Field(WHOLE, empty=False, lowest=0),
    "quarantined": Field(WHOLE, empty=False, lowest=0),
    "duplicate": Field(WHOLE, empty=False, lowest=0),
    "unplaced": Field(WHOLE, empty=False, lowest=0),
    "status": _text("loaded", "replaced", empty=False),
    "snapshot_id": _text(),
    "reasons": _text(),  # JSON: reason -> rows set aside, and what was repaired
}

TABLES = {
    "incidents": INCIDENTS,
    "admissions": ADMISSIONS,
    "population": POPULATION,
    "indicators": INDICATORS,
    "attendance": ATTENDANCE,
    "survey": SURVEY,
    "programme_returns": PROGRAMME_RETURNS,
    "areas": AREAS,
    "places": PLACES,
    "lookups": LOOKUPS,
    "postcodes": POSTCODES,
    "loads": LOADS,
}


def typed(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """The columns of a table in their order and types; columns a source does not have are empty."""
    fields = TABLES[table]
    whole = frame.reindex(columns=[*fields, *(["geometry"] if table == "areas" else [])])
    return whole.astype({name: field.type for name, field in fields.items()})


def empty(table: str) -> pd.DataFrame:
    """A table without rows."""
    return typed(pd.DataFrame(), table)


def check(frame: pd.DataFrame, table: str, file: str, given: Iterable[str] = ()) -> None:
    """Refuse rows that break the table's rules, naming every rule at once and quoting no value.

    given : the columns the source has; the others are empty by construction, and only asked whether they may be.
    """
    import pandera.errors

    fields = TABLES[table]
    asked = tuple(name for name, field in fields.items() if not given or name in given or not field.empty)
    try:
        _schema(table, asked).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases.groupby(["column", "check"], dropna=False).size()
        problems = [
            Problem(
                f"breaks the rule «{_in_words(str(check))}» of the table {table}", column=str(column), rows=int(rows)
            )
            for (column, check), rows in cases.items()
        ]
        raise SourceProblem(file, problems) from None  # pandera's own message quotes values


def _in_words(check: str) -> str:
    if check.startswith("isin"):
        return "one of the allowed values"
    if check.startswith(("in_range", "greater", "less")):
        return "within the allowed range"
    return {"not_nullable": "never empty", "field_uniqueness": "no repeats"}.get(check, "the declared type")


@cache
def _schema(table: str, columns: tuple[str, ...]):  # pandera too is imported only then
    import pandera.pandas as pa

    def checks(field: Field) -> list:
        found = [pa.Check.isin(field.values)] if field.values else []
        if field.lowest is not None:
            found.append(pa.Check.ge(field.lowest))
        if field.highest is not None:
            found.append(pa.Check.le(field.highest))
        return found

    fields = {name: TABLES[table][name] for name in columns}
    return pa.DataFrameSchema({name: pa.Column(f.type, checks(f), nullable=f.empty) for name, f in fields.items()})
