"""English Indices of Deprivation 2015, 2019 and 2025. A row is one measure of one small area.

Reads the government's own files (File 1, File 7 ...) and the tidied copies of them, by what their headings say. The
crime domain is made from police records, and the overall index holds it: both are context, never a factor of violence.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.definitions import Partnership
from data.errors import Problem, SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.sources import excel, files
from data.sources.files import Piece

TABLE = "indicators"
LABEL = "English Indices of Deprivation (Ministry of Housing, Communities and Local Government)"
SUFFIXES = (".csv", ".xlsx")
PART = ["indicator_id"]
LICENCE = "Open Government Licence v3.0"
PUBLISHED = {"2015": "2015-09-30", "2019": "2019-09-26", "2025": "2025-10-30"}
NOT_A_CODE = "the code is not one of a small area in England"
NOT_A_NUMBER = "the value is not a number"
NEVER = "; from recorded crime: never a factor"
SPLIT = "; area split since: the old area's value"
MERGED = "; areas merged or redrawn since: mean of the old areas"
CODE_HEADER = re.compile(r"lsoa ?code \(?(2011|2021)\)?|lsoa_?(11|21)_?(?:cd|code)", re.I)
DOMAINS = {  # headings in lower case with blanks for other signs: domain, and what people call it
    "imd": ("imd", "Index of Multiple Deprivation"),
    "index of multiple deprivation imd": ("imd", "Index of Multiple Deprivation"),
    "income": ("income", "Income deprivation"),
    "employment": ("employment", "Employment deprivation"),
    "education": ("education", "Education, skills and training deprivation"),
    "education skills and training": ("education", "Education, skills and training deprivation"),
    "health": ("health", "Health deprivation and disability"),
    "health deprivation and disability": ("health", "Health deprivation and disability"),
    "crime": ("crime", "Crime domain"),
    "housing and access": ("housing", "Barriers to housing and services"),
    "housing and services": ("housing", "Barriers to housing and services"),
    "barriers to housing and services": ("housing", "Barriers to housing and services"),
    "environment": ("environment", "Living environment deprivation"),
    "living environment": ("environment", "Living environment deprivation"),
    "income deprivation affecting children index idaci": ("idaci", "Income deprivation affecting children"),
    "income deprivation affecting older people idaopi": ("idaopi", "Income deprivation affecting older people"),
    "income deprivation affecting older people index idaopi": ("idaopi", "Income deprivation affecting older people"),
    "children and young people": ("children", "Education of children and young people"),
    "adult skills": ("adult_skills", "Adult skills"),
    "geographical barriers": ("geographical_barriers", "Geographical barriers to services"),
    "wider barriers": ("wider_barriers", "Wider barriers to housing"),
    "indoors": ("indoors", "Indoor living environment"),
    "outdoors": ("outdoors", "Outdoor living environment"),
}
POLICE_RECORDS = ("crime", "violence", "stalking", "burglary", "theft", "damage", "public order", "anti social")
OF_RISK = (  # underlying indicators whose direction is beyond doubt; the others are context, without a better side
    "adult skills and english",
    "entry to higher education",
    "staying on in education",
    "years of potential life lost",
    "comparative illness",
    "acute morbidity",
    "mood and anxiety",
    "mental health",
    "overcrowding",
    "homelessness",
    "poor condition",
    "central heating",
)


@dataclass(frozen=True)
class Measure:
    """What one column of numbers is."""

    id: str
    name: str
    kind: str
    unit: str
    polarity: str


def read(piece: Piece) -> pd.DataFrame:
    """The sheet or table of small areas: `code`, `vintage`, `edition`, and its measures under their own headings."""
    for raw in _tables(piece):
        header = next((c for c in raw if CODE_HEADER.fullmatch(str(c).strip())), None)
        measures = [c for c in raw if c != header and measure(str(c)) is not None]
        if header is not None and measures:
            vintage = "20" + (CODE_HEADER.fullmatch(header.strip())[1] or CODE_HEADER.fullmatch(header.strip())[2])[-2:]
            facts = pd.DataFrame({"code": raw[header], "vintage": vintage, "edition": _edition(raw, vintage)})
            return facts.join(raw[measures])
    hint = "Small areas are headed «LSOA code (2021)» or lsoa21_code, measures «Income Rank ...» or Income_rank."
    raise SourceProblem(piece.name, [Problem("no table of measures by small area was found", hint=hint)])


def _tables(piece: Piece) -> list[pd.DataFrame]:
    if piece.suffix != ".xlsx":
        return [files.text_table(piece)]
    return [pd.DataFrame(rows[1:], columns=rows[0], dtype="str") for rows in excel.sheets(piece)]


def _edition(raw: pd.DataFrame, vintage: str) -> str:
    """2025 stands on the small areas of 2021; 2019 and 2015 on those of 2011, told apart by the year of authorities."""
    if vintage == "2021":
        return "2025"
    return "2015" if any("(2013)" in str(c) for c in raw) else "2019"


def measure(header: str) -> Measure | None:
    """What a heading means, for any edition; None for one that is not a measure. `id` and `name` lack the edition."""
    words = re.sub(r"[^a-z0-9]+", " ", header.lower()).strip()
    match = re.match(r"(.+?) (?:sub domain )?(score|rank|decile)\b", words)
    if match and match[1] in DOMAINS:
        return _of_domain(*DOMAINS[match[1]], match[2])
    if not re.search(r"indicator|numerator|rate per|ratio|connectivity", words):
        return None
    words = words.replace(" indicator", "").replace("1 000", "1000")
    kind = "risk" if any(w in words for w in OF_RISK) else "context"
    from_police = any(w in words for w in POLICE_RECORDS)
    polarity = "low_is_good" if kind == "risk" or from_police else "neutral"
    return Measure(
        words.replace(" ", "_"),
        words.replace("1000", "1,000").capitalize() + (NEVER if from_police else ""),
        kind,
        _unit(words),
        polarity,
    )


def _of_domain(domain: str, name: str, what: str) -> Measure:
    unit = "share of people" if what == "score" and domain in ("income", "employment", "idaci", "idaopi") else what
    from_police = {"crime": NEVER, "imd": "; part is recorded crime: never a factor"}.get(domain, "")
    return Measure(
        what if domain == "imd" else f"{domain}_{what}",
        f"{name}, {what}{'' if what == 'score' else ' (1 = most deprived)'}{from_police}",
        "context" if from_police else "risk",
        unit,
        "low_is_good" if what == "score" else "high_is_good",  # rank and decile 1 are the most deprived
    )


def _unit(words: str) -> str:
    units = {"numerator": "people", "per 1000": "per 1,000", " km": "km", "percent": "%", "ratio": "ratio"}
    return next((unit for word, unit in units.items() if word in words), "index")


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per small area and measure, with `problem`; empty values stay empty. `vintage` is that of the areas."""
    columns = [c for c in raw if c not in ("code", "vintage", "edition")]
    measures = [measure(c) for c in columns]
    edition = raw["edition"].iloc[0] if len(raw) else ""
    value = np.column_stack([_numbers(raw[c]) for c in columns]).ravel()
    bad_value = np.isnan(value) & np.column_stack([raw[c].str.strip() != "" for c in columns]).ravel()
    bad_code = np.repeat(~raw["code"].str.fullmatch(r"E01\d{6}").to_numpy(), len(columns))
    fields = {
        "indicator_id": _tiled([f"imd{edition}_{m.id}" for m in measures], len(raw)),
        "name": _tiled([f"{m.name} ({edition})" for m in measures], len(raw)),
        "kind": _tiled([m.kind for m in measures], len(raw)),
        "area_code": np.repeat(raw["code"].to_numpy(dtype=object), len(columns)),
        "area_level": _tiled(["lsoa"], len(raw) * len(columns)),
        "period": _tiled([edition], len(raw) * len(columns)),
        "value": value,
        "unit": _tiled([m.unit for m in measures], len(raw)),
        "polarity": _tiled([m.polarity for m in measures], len(raw)),
        "source": _tiled([f"English Indices of Deprivation {edition}"], len(raw) * len(columns)),
        "licence": _tiled([LICENCE], len(raw) * len(columns)),
        "published": _tiled([PUBLISHED.get(edition, "")], len(raw) * len(columns)),
        "feed_id": _tiled(["deprivation"], len(raw) * len(columns)),
        "vintage": np.repeat(raw["vintage"].to_numpy(dtype=object), len(columns)),
        "problem": np.select([bad_code, bad_value], [NOT_A_CODE, NOT_A_NUMBER], default="").astype(object),
    }
    index = np.repeat(
        raw.index.to_numpy(), len(columns)
    )  # the line in the file, for whoever looks up what was set aside
    return pd.DataFrame({name: pd.Series(values, index=index, dtype=_kept(values)) for name, values in fields.items()})


def _numbers(text: pd.Series) -> np.ndarray:
    return pd.to_numeric(text.str.replace(",", ""), errors="coerce").to_numpy(dtype=float)


def _tiled(values: list[str], times: int) -> np.ndarray:
    return np.tile(np.array(values, dtype=object), times)


def _kept(values: np.ndarray) -> str:
    return "float64" if values.dtype.kind == "f" else "object"  # text shares its words: a million rows stay small


def localise(rows: pd.DataFrame, geography: Geography, partnership: Partnership) -> pd.DataFrame:
    """The partnership's small areas, on today's edition; the rest get `problem` OUTSIDE.

    A small area that was split gives its value to each part (numbers of people are shared equally, as small areas are
    drawn to hold alike numbers); one that was merged or redrawn gets the mean of the old ones (numbers: their sum).
    `source` says so on each such row, `attrs["notes"]` counts the areas.
    """
    successors = _successors(rows, geography)
    current = rows["area_code"].isin(geography.parents.index)
    old = (rows["problem"] == "") & ~current & rows["area_code"].isin(successors.index)
    outside = (rows["problem"] == "") & ~current & ~old
    same = rows.assign(problem=rows["problem"].mask(outside, OUTSIDE))[~old]
    moved = _moved(rows[old], successors) if old.any() else rows[old]
    found = pd.concat([same, moved]) if len(moved) else same
    found.attrs = {
        "notes": {
            "small areas of 2011 that were split: each part has the old value": _areas_noted(moved, SPLIT),
            "small areas of 2011 that were merged or redrawn: the mean of the old values": _areas_noted(moved, MERGED),
        }
    }
    return found


def _areas_noted(rows: pd.DataFrame, mark: str) -> int:
    return int(rows.loc[rows["source"].str.endswith(mark), "area_code"].nunique()) if len(rows) else 0


def _successors(rows: pd.DataFrame, geography: Geography) -> pd.Series:
    """New code by old code, one row each; refuses to guess where what is needed has not been loaded."""
    if geography.lsoas.empty:
        hint = "Load boundaries first: python -m data ingest boundaries FILE"
        raise SourceProblem(LABEL, [Problem("there are no areas yet to place measures in", hint=hint)])
    if rows["vintage"].eq("2011").any() and not geography.successors:
        hint = "Load the lookup of small areas 2011 to 2021 first: python -m data ingest lookups FILE"
        raise SourceProblem(
            LABEL, [Problem("it is on small areas of 2011, and nothing says what became of them", hint=hint)]
        )
    found = {old: list(dict.fromkeys(new)) for old, new in geography.successors.items()}  # once, if loaded twice
    return pd.Series(found, dtype="object").explode()


def _moved(rows: pd.DataFrame, successors: pd.Series) -> pd.DataFrame:
    parts = successors.groupby(level=0).size()
    line = rows.index
    rows = rows.assign(line=line, parts=rows["area_code"].map(parts))
    rows = rows.merge(successors.rename("now"), left_on="area_code", right_index=True)
    people = rows["unit"] == "people"
    rows["value"] = rows["value"].where(~people, rows["value"] / rows["parts"])
    group = rows.groupby(["indicator_id", "now"])
    together = group["area_code"].transform("size") > 1
    mean, total = group["value"].transform("mean"), group["value"].transform(lambda v: v.sum(min_count=1))
    rows["value"] = rows["value"].where(~together, mean.where(~people, total))
    mark = np.select([together, rows["parts"] > 1], [MERGED, SPLIT], default="")
    rows["source"] = rows["source"] + mark
    rows["area_code"] = rows["now"]
    rows = rows.drop_duplicates(["indicator_id", "now"]).set_index("line").rename_axis(line.name)
    return rows.drop(columns=["now", "parts"])
