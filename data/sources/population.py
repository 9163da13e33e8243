"""Population by age band and sex. A row is the people of one area, year, five-year age band and sex.

Reads four shapes: single years of age in columns (small-area estimates), long tables (Nomis), the census table of
authorities by sex, and the mid-year table of authorities by name. Only the finest figures a file gives are held, so
that rows may be added up; what they add up to is set aside and counted. People other than residents (workday, ambient,
or a custom count to divide by) are told by a column `pop_type` or by the name of the file or sheet.
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
NOT_A_NUMBER = "the number of people is not a number"
NOT_READ = "the age, the sex or the year is written in a way not known"
UNEVEN = "the ages do not add up to the total the file gives"
REPEATED = "the same area, year, age and sex twice"
BROAD = "an age band that is not of five years"
TOTAL = "a total or a part of other rows"
PERCENT = "a percentage"
OTHER_LEVEL = "population is held for small areas, neighbourhoods, authorities and the force area only"
NOT_FAULTS = (TOTAL, PERCENT, OTHER_LEVEL)
AGED_85_TO_89 = 0.625  # of those of 85 and over: 1.5% against 0.9% of residents, Census 2021, England and Wales
TODAY = "2021"  # the edition of small areas that localise brings everything to
RESIDENT, KINDS = "resident", ("workday", "ambient", "custom")  # in a column, or in the name of the file or sheet
KIND_HEADERS = ("pop_type", "population type", "population_type")
TITLE_ROWS = 15  # at most so many stand above the headings of a published sheet
LEVELS = {
    **dict.fromkeys(("E01", "W01"), "lsoa"),
    **dict.fromkeys(("E02", "W02"), "msoa"),
    **dict.fromkeys(("E06", "E07", "E08", "E09", "W06"), "lad"),
    **dict.fromkeys(("E23", "W15"), "pfa"),
}
CODE_HEADER = re.compile(
    r"(lsoa|msoa|lad|la|ltla|pfa)[ _]?(\d{4}|\d{2})?[ _]?(?:code|cd)(?: \(.*\))?"
    r"|area[ _]?codes?|geography[ _]code|mnemonic|code",
    re.I,
)
AGE_HEADER = re.compile(r"([FMP]?) ?(?:age )?(\d{1,2})\+?", re.I)
TOTAL_HEADERS = ("total", "all ages", "total_population", "all persons")
CENSUS = {"total_females": "female", "total_males": "male"}
MID_YEAR = re.compile(r"mid[- ](\d{4})", re.I)
LONG = {  # our name: headings of long tables in lower case, best first
    "year": ("year", "date_name", "date"),
    "age": ("age_band5", "c_age_name", "age_name", "age_band", "age"),
    "sex": ("c_sex_name", "gender_name", "sex_name", "sex", "gender"),
    "people": ("obs_value", "population", "observation", "value"),
    "measure": ("measures_name", "measure"),
}
SEXES = {
    **dict.fromkeys(("female", "females", "f", "2"), "female"),
    **dict.fromkeys(("male", "males", "m", "1"), "male"),
    **dict.fromkeys(("all", "total", "persons", "all persons", "p", "all people", "0", ""), "all"),
}


def read(piece: Piece) -> pd.DataFrame:
    """The table, or the sheets that hold one, as delivered; `told` is what the file and the sheet are called."""
    tables = {told: raw for told, raw in _tables(piece).items() if _shape(raw)}
    if not tables:
        hint = "Ages stand in columns 0, 1 ... 90+ (or F0 ... M90) beside an area code, or one to a row with obs_value."
        raise SourceProblem(piece.name, [Problem("no table of people by area was found", hint=hint)])
    raw = pd.concat([table.assign(told=told) for told, table in tables.items()], ignore_index=True)
    _year(raw, piece)
    return raw


def _tables(piece: Piece) -> dict[str, pd.DataFrame]:
    if piece.suffix == ".csv":
        return {piece.name: files.text_table(piece)}
    import pyarrow as pa
    from python_calamine import CalamineError

    try:
        content = io.BytesIO(piece.read_bytes())
        if piece.suffix == ".parquet":
            table = pd.read_parquet(content)
            return {piece.name: table.set_axis([str(c) for c in table], axis=1)}
        sheets = pd.read_excel(content, sheet_name=None, header=None, dtype="str", engine="calamine")
    except (CalamineError, pa.ArrowInvalid, ValueError, OSError) as error:
        broken = Problem("the file is damaged or locked with a password", hint="Save it again, or export it as CSV.")
        raise SourceProblem(piece.name, [broken]) from error
    return {f"{piece.name} {name}": _below_titles(sheet) for name, sheet in sheets.items()}


def _below_titles(sheet: pd.DataFrame) -> pd.DataFrame:
    """The table under the title rows; no rows where the sheet holds notes."""
    for row in range(min(TITLE_ROWS, len(sheet))):
        headings = sheet.iloc[row].fillna("").str.strip()
        if headings.map(lambda h: bool(CODE_HEADER.fullmatch(h))).any() and (headings != "").sum() > 2:
            table = sheet.iloc[row + 1 :].set_axis(headings, axis=1).loc[:, headings[headings != ""].tolist()]
            return table.dropna(how="all").fillna("")
    return pd.DataFrame()


def _shape(raw: pd.DataFrame) -> str:
    """What kind of table it is: names, long, census, ages; empty for none of these."""
    if "Name" in raw and any(MID_YEAR.fullmatch(c) for c in raw):
        return "names"
    if _code_header(raw) is None:
        return ""
    found = _long_headers(raw)
    if "people" in found and {"age", "sex", "year"} & set(found):
        return "long"
    if set(CENSUS) <= set(raw):
        return "census"
    return "ages" if any(set(ages) == set(range(91)) for ages in _age_headers(raw).values()) else ""


def _code_header(raw: pd.DataFrame) -> str | None:
    """The heading of the codes; that of a small area before that of the authority it lies in."""
    matches = [(c, m[1]) for c in raw if (m := CODE_HEADER.fullmatch(c))]
    order = ("lsoa", "msoa", None, "lad", "la", "ltla", "pfa")
    return min(matches, key=lambda cm: order.index(cm[1] and cm[1].lower()))[0] if matches else None


def _long_headers(raw: pd.DataFrame) -> dict[str, str]:
    lower = {c.lower(): c for c in raw}
    return {name: lower[w] for name, wanted in LONG.items() for w in [next((w for w in wanted if w in lower), "")] if w}


def _age_headers(raw: pd.DataFrame) -> dict[str, dict[int, str]]:
    """By sex (F, M, or P for persons): the column of each single year of age."""
    found: dict[str, dict[int, str]] = {}
    for column in raw:
        if match := AGE_HEADER.fullmatch(column):
            found.setdefault((match[1] or "P").upper(), {})[int(match[2])] = column
    return found


def _year(raw: pd.DataFrame, piece: Piece | None = None) -> pd.Series:
    """The year of each line: a column's, else the one in the name of the sheet or file; refused where none says."""
    given = _long_headers(raw).get("year")
    if given:
        return pd.to_numeric(raw[given].astype("str").str.extract(r"((?:19|20)\d{2})", expand=False))
    if _shape(raw) == "census":
        return pd.Series(2021.0, index=raw.index)  # this table exists for that census only
    if _shape(raw) == "names":
        return pd.Series(np.nan, index=raw.index)  # its years are headings
    patterns = (r"mid[- ]?((?:19|20)\d{2})", r"(?<!\d)((?:19|20)\d{2})(?!\d)", r"population_?(\d{2})(?!\d)")
    told = raw["told"].drop_duplicates()
    years = [next((m[1] for p in patterns if (m := re.search(p, t, re.I))), None) for t in told]
    if None in years:
        hint = "Put it in the file's name, as in population-2020.csv, or in a column called year."
        raise SourceProblem(piece.name if piece else LABEL, [Problem("nothing says of which year it is", hint=hint)])
    return raw["told"].map({t: float(y if len(y) == 4 else f"20{y}") for t, y in zip(told, years, strict=True)})


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per area, year, age band and sex, with `problem`; `authority_name` where a file has names for codes."""
    shape = _shape(raw)
    rows = {"names": _of_names, "long": _of_long, "census": _of_census, "ages": _of_ages}[shape](raw)
    level = rows["area_code"].str[:3].map(LEVELS).astype("str")
    rows["area_level"] = level.where(rows["authority_name"].isna(), "lad") if "authority_name" in rows else level
    header = re.search(r"(?:20)?(11|21)(?!\d)", _code_header(raw) or "")
    small = rows["area_level"].isin(["lsoa", "msoa"])
    edition = pd.Series(f"20{header[1]}" if header else "", index=rows.index)
    rows["vintage"] = edition.where(small & (edition != ""), rows["year"].astype("Int64").astype("str"))
    rows["pop_type"] = _kind_of_people(raw).reindex(rows.index)
    other = np.where(rows["pop_type"] == RESIDENT, "", ":" + rows["pop_type"])
    rows["feed_id"] = f"population:{shape}" + pd.Series(other, rows.index)  # shapes and kinds do not replace each other
    rules = [
        (rows["problem"] != "", rows["problem"]),
        (rows["area_level"].isna(), OTHER_LEVEL),
        (rows["year"].isna(), NOT_READ),
        (rows["population"].isna() | (rows["population"] < 0), NOT_A_NUMBER),
    ]
    rows["problem"] = np.select([bad for bad, _ in rules], [reason for _, reason in rules], default="")
    return rows


def _kind_of_people(raw: pd.DataFrame) -> pd.Series:
    """Who is counted in each line: what a column called pop_type says, else the name of the file or sheet."""
    given = next((c for c in raw if c.lower() in KIND_HEADERS), "told")
    known = {text: next((k for k in KINDS if k in text.lower()), RESIDENT) for text in raw[given].dropna().unique()}
    return raw[given].map(known).fillna(RESIDENT)


def _rows(index: np.ndarray, **columns: object) -> pd.DataFrame:
    fixed = {"estimated": False, "problem": ""}
    return pd.DataFrame(fixed | columns, index=index)


def _numbers(values: pd.Series) -> np.ndarray:
    text = values if values.dtype.kind in "iuf" else values.astype("str").str.replace(",", "")
    return pd.to_numeric(text, errors="coerce").to_numpy(dtype=float)


def _of_names(raw: pd.DataFrame) -> pd.DataFrame:
    columns = [c for c in raw if MID_YEAR.fullmatch(c)]
    return _rows(
        np.repeat(raw.index.to_numpy(), len(columns)),
        authority_name=np.repeat(raw["Name"].str.strip().to_numpy(), len(columns)),
        area_code="",
        year=np.tile([float(MID_YEAR.fullmatch(c)[1]) for c in columns], len(raw)),
        age_band5="all",
        sex="all",
        population=np.column_stack([_numbers(raw[c]) for c in columns]).ravel(),
    )


def _of_census(raw: pd.DataFrame) -> pd.DataFrame:
    people = np.column_stack([_numbers(raw[c]) for c in CENSUS])
    total = _numbers(raw["total_population"]) if "total_population" in raw else people.sum(axis=1)
    return _rows(
        np.repeat(raw.index.to_numpy(), len(CENSUS)),
        area_code=np.repeat(raw[_code_header(raw)].to_numpy(), len(CENSUS)),
        year=np.repeat(_year(raw).to_numpy(), len(CENSUS)),
        age_band5="all",
        sex=np.tile(list(CENSUS.values()), len(raw)),
        population=people.ravel(),
        problem=np.repeat(np.where(people.sum(axis=1) == total, "", UNEVEN), len(CENSUS)),
    )


def _of_ages(raw: pd.DataFrame) -> pd.DataFrame:
    """Single years in columns, added up to five-year bands; sexes by column, or by sheet."""
    sexes = {s: ages for s, ages in _age_headers(raw).items() if set(ages) == set(range(91))}
    sexes = {s: ages for s, ages in sexes.items() if s != "P"} if {"F", "M"} <= set(sexes) else sexes
    single = [np.column_stack([_numbers(raw[ages[a]]) for a in range(91)]) for ages in sexes.values()]
    bands = np.stack([np.add.reduceat(people, range(0, 91, 5), axis=1) for people in single], axis=1)
    total = next((_numbers(raw[c]) for c in raw if c.lower() in TOTAL_HEADERS), bands.sum(axis=(1, 2)))
    sheet = raw["told"].str.lower()
    of_sheet = np.select(
        [sheet.str.contains("females"), sheet.str.contains("males")], ["female", "male"], default="all"
    )
    cells = bands.shape[1] * bands.shape[2]
    named = np.stack([of_sheet if s == "P" else np.full(len(raw), SEXES[s.lower()]) for s in sexes], axis=1)
    fair = np.isclose(bands.sum(axis=(1, 2)), total) | np.isnan(bands).any(axis=(1, 2))
    rows = _rows(
        np.repeat(raw.index.to_numpy(), cells),
        area_code=np.repeat(raw[_code_header(raw)].to_numpy(), cells),
        year=np.repeat(_year(raw).to_numpy(), cells),
        age_band5=np.tile(AGE_BANDS, len(raw) * bands.shape[1]),
        sex=np.repeat(named.ravel(), bands.shape[2]),
        population=bands.ravel(),
        problem=np.repeat(np.where(fair, "", UNEVEN), cells),
    )
    if raw["told"].nunique() > 1:  # sheets for persons beside sheets for each sex
        rows.loc[_both_sexes_given(rows) & (rows["sex"] == "all"), "problem"] = TOTAL
    return rows


def _both_sexes_given(rows: pd.DataFrame) -> pd.Series:
    place = [rows["area_code"], rows["year"]]
    return rows["sex"].eq("female").groupby(place).transform("any") & rows["sex"].eq("male").groupby(place).transform(
        "any"
    )


def _of_long(raw: pd.DataFrame) -> pd.DataFrame:
    found = _long_headers(raw)
    ages = raw[found["age"]].astype("str") if "age" in found else pd.Series("all", index=raw.index)
    spans = ages.map({text: _span(text) for text in ages.unique()})
    sexes = raw[found["sex"]].astype("str").str.strip().str.lower().map(SEXES) if "sex" in found else "all"
    rows = _rows(
        raw.index.to_numpy(),
        area_code=raw[_code_header(raw)].astype("str").str.strip().to_numpy(),
        year=_year(raw).to_numpy(dtype=float),
        low=spans.str[0].to_numpy(dtype=float),
        high=spans.str[1].to_numpy(dtype=float),
        sex=sexes if isinstance(sexes, str) else sexes.to_numpy(),
        population=_numbers(raw[found["people"]]),
    )
    kind = raw[found["measure"]].str.lower().to_numpy() if "measure" in found else np.full(len(raw), "value")
    unread = rows["low"].isna() | rows["sex"].isna()
    rows["problem"] = np.select([kind == "percent", unread], [PERCENT, NOT_READ], default="")
    same = rows.duplicated(["area_code", "year", "sex", "low", "high", "problem"])
    rows.loc[(rows["problem"] == "") & same, "problem"] = REPEATED
    return _added_to_bands(_finest(rows))


def _span(age: str) -> tuple[float, float]:
    """First and last year of age that a wording means; 0 to infinity for all ages, missing for one not known.

    «Age 5 to 9», «5-9», «Aged 4 years and under», «Under 1», «90+», «Aged 85 years and over», «Age 17», «All ages».
    """
    words, numbers = age.lower(), [float(n) for n in re.findall(r"\d+", age)]
    if not numbers:
        return (0, np.inf) if re.search(r"all|total", words) else (np.nan, np.nan)
    if len(numbers) == 2:
        return numbers[0], numbers[1]
    if "under" in words:
        return 0, numbers[0] - ("and under" not in words)
    return numbers[0], np.inf if re.search(r"\+|over|older", words) else numbers[0]


def _finest(rows: pd.DataFrame) -> pd.DataFrame:
    """Set aside what finer rows add up to: all people where sexes are given, bands and all ages where years are."""
    low, high, live = rows["low"], rows["high"], rows["problem"] == ""
    open_, width = np.isinf(high), high - low
    grains = [width.eq(0), width.eq(4) & low.mod(5).eq(0), open_ & low.eq(0), open_ & low.ge(85)]
    grain = pd.Series(np.select(grains, [0, 1, 2, np.nan], default=3), rows.index).where(live)
    place = [rows["area_code"], rows["year"], rows["sex"]]
    best = grain.groupby(place).transform("min")
    from_90 = (live & low.ge(90)).groupby(place).transform("any")
    oldest_spare = grain.isna() & (best.gt(1) | (low.eq(85) & (from_90 | best.eq(0))))
    coarser = grain.gt(best) & best.lt(3)
    both = _both_sexes_given(rows) & rows["sex"].eq("all")
    reasons = [~live, both | oldest_spare | coarser, grain.eq(3)]
    return rows.assign(problem=np.select(reasons, [rows["problem"], TOTAL, BROAD], default=""))


def _added_to_bands(rows: pd.DataFrame) -> pd.DataFrame:
    """Single years added up to five-year bands; those of 85 and over shared between the last two bands."""
    live = rows["problem"] == ""
    whole = np.isinf(rows["high"]) & rows["low"].eq(0)
    band = rows["low"].clip(upper=90) // 5 * 5
    names = band.map({float(b): AGE_BANDS[b // 5] for b in range(0, 91, 5)})
    rows = rows.assign(age_band5=names.where(~whole, "all").where(live, "all"))
    open_85 = live & rows["low"].eq(85) & np.isinf(rows["high"])
    younger = (rows["population"] * AGED_85_TO_89).round()
    older = rows[open_85].assign(age_band5="90+", estimated=True, population=(rows["population"] - younger)[open_85])
    rows.loc[open_85, "population"] = younger[open_85]
    rows.loc[open_85, "estimated"] = True
    rows = pd.concat([rows, older]).drop(columns=["low", "high"])
    keys = ["area_code", "year", "age_band5", "sex"]
    kept, rest = rows[rows["problem"] == ""], rows[rows["problem"] != ""]
    people = kept.groupby(keys)["population"].transform(lambda p: p.sum(skipna=False))
    return pd.concat([kept.assign(population=people).drop_duplicates(keys), rest])


def localise(rows: pd.DataFrame, geography: Geography, partnership: Partnership) -> pd.DataFrame:
    """The partnership's areas on today's edition, and their sums by neighbourhood and authority; the rest OUTSIDE.

    People of a small area that was split are shared over its parts by land area, in whole people, so that every total
    holds; such rows are `estimated`. Neighbourhoods and authorities that the file does not give are added up.
    """
    rows = _with_codes(rows, partnership)
    successors = _successors(rows, geography)
    level, code = rows["area_level"], rows["area_code"]
    good = rows["problem"] == ""
    current = (
        (level.eq("lsoa") & code.isin(geography.parents.index))
        | (level.eq("msoa") & code.isin(geography.msoas["area_code"]))
        | (level.eq("lad") & code.isin(partnership.codes))
        | (level.eq("pfa") & code.eq(partnership.force_area))
    )
    old = good & ~current & level.eq("lsoa") & code.isin(successors["from_code"])
    same = rows.assign(
        problem=rows["problem"].mask(good & ~current & ~old, OUTSIDE),
        vintage=rows["vintage"].mask(good & current & level.eq("lsoa"), TODAY),
    )[~old]
    moved = _shared(rows[old], successors)
    found = pd.concat([same, moved]) if len(moved) else same
    found = _with_sums(found, geography).drop(columns="from_code", errors="ignore")
    split = int(successors.loc[successors["from_code"].isin(code[old]), "from_code"].duplicated(keep=False).sum())
    found.attrs = {"notes": {"small areas whose people were shared out by land area": split}}
    return found


def _with_codes(rows: pd.DataFrame, partnership: Partnership) -> pd.DataFrame:
    """Names turned to codes where a file has names only; all of the partnership's authorities must be found."""
    if "authority_name" not in rows:
        return rows
    codes = {a.name: a.code for a in partnership.authorities}
    missing = len(set(codes) - set(rows["authority_name"]))
    if missing:
        rule = f"{missing} of the partnership's {len(codes)} authorities are not among its names"
        raise SourceProblem(LABEL, [Problem(rule, "Name", hint="Use a table with area codes.")])
    return rows.assign(area_code=rows["authority_name"].map(codes).fillna("")).drop(columns="authority_name")


def _successors(rows: pd.DataFrame, geography: Geography) -> pd.DataFrame:
    """from_code, area_code and the share of the old area's land, one row per part; refused where it is not loaded."""
    small = rows[rows["area_level"].eq("lsoa") & rows["problem"].eq("")]
    if len(small) and geography.lsoas.empty:
        hint = "Load boundaries first: python -m data ingest boundaries FILE"
        raise SourceProblem(LABEL, [Problem("there are no areas yet to place people in", hint=hint)])
    if small["vintage"].eq("2011").any() and not geography.successors:
        hint = "Load the lookup of small areas 2011 to 2021 first: python -m data ingest lookups FILE"
        raise SourceProblem(
            LABEL, [Problem("it is on small areas of 2011, and nothing says what became of them", hint=hint)]
        )
    parts = [(old, new) for old, found in geography.successors.items() for new in dict.fromkeys(found)]
    table = pd.DataFrame(parts, columns=["from_code", "now"], dtype="str")
    land = (
        table["now"].map(geography.lsoas.drop_duplicates("area_code").set_index("area_code")["area_km2"]).astype(float)
    )
    return table.assign(share=land / land.groupby(table["from_code"]).transform("sum"))


def _shared(rows: pd.DataFrame, successors: pd.DataFrame) -> pd.DataFrame:
    """Each old row over the parts of its area, in whole people: the largest remainders get those left over."""
    line = rows.index
    rows = rows.assign(line=line, row=np.arange(len(rows)), from_code=rows["area_code"])
    rows = rows.merge(successors, on="from_code").sort_values(["row", "now"])
    exact = rows["population"] * rows["share"]
    whole = np.floor(exact)
    left = rows["population"] - whole.groupby(rows["row"]).transform("sum")
    order = (whole - exact).groupby(rows["row"]).rank(method="first")  # 1 has the largest remainder
    extra = np.clip(left - (order - 1), 0, 1)
    several = rows.groupby("row")["share"].transform("size") > 1
    merged = rows.groupby(["now", "year", "age_band5", "sex", "pop_type"])["population"].transform("size") > 1
    rows["population"] = (whole + extra).where(several, rows["population"])
    rows["estimated"] = rows["estimated"] | several
    rows["area_code"], rows["vintage"] = rows["now"], TODAY
    rows = rows.set_index("line").rename_axis(line.name).drop(columns=["row", "now", "share"])
    return _summed(rows, {"from_code": "first"}) if merged.any() else rows


def _with_sums(rows: pd.DataFrame, geography: Geography) -> pd.DataFrame:
    """Add neighbourhoods and authorities as sums of the small areas, where no row of that level is given."""
    small = rows[rows["area_level"].eq("lsoa") & rows["problem"].eq("")]
    if small.empty:
        return rows
    parents, given = geography.parents.reindex(small["area_code"]), set(rows.loc[rows["problem"] == "", "area_level"])
    sums = []
    for level, column in (("msoa", "msoa_code"), ("lad", "authority_code")):
        upper = small.assign(area_code=parents[column].to_numpy(), area_level=level)
        upper = upper[upper["area_code"].notna()]
        if level not in given and len(upper):
            if "from_code" in upper:  # what was shared out within one area is no estimate of that area
                upper["estimated"] &= upper.groupby("from_code")["area_code"].transform("nunique").gt(1)
            sums.append(_summed(upper, {}))
    return pd.concat([rows, *sums])


def _summed(rows: pd.DataFrame, others: dict[str, str]) -> pd.DataFrame:
    keys = ["area_code", "area_level", "year", "age_band5", "sex", "pop_type", "vintage", "feed_id", "problem"]
    index = rows.index
    found = rows.assign(line=index).groupby(keys, as_index=False, sort=False)
    return (
        found.agg({"population": "sum", "estimated": "any", "line": "first"} | others)
        .set_index("line")
        .rename_axis(index.name)
    )


def finest(rows: pd.DataFrame) -> pd.DataFrame:
    """Of several files on one level and year, the one that says most: ages and sexes, then ages, sexes, totals.

    rows : the table `population`, of any number of loads. Without this, people would be counted once for each file.
    """
    place = [rows["area_level"], rows["year"], rows["pop_type"]]
    said = [rows["age_band5"].ne("all"), rows["sex"].ne("all")]
    ages, sexes = (given.groupby([*place, rows["feed_id"]]).transform("any") for given in said)
    detail = ages * 2 + sexes
    rows = rows[detail.eq(detail.groupby(place).transform("max"))]
    first = rows.groupby(["area_level", "year", "pop_type"])["feed_id"].transform("min")
    return rows[rows["feed_id"] == first]
