"""Census 2021 by small area: tenure, household deprivation, ethnic group. A row is one share of one area.

Reads the long tables (one category to a row, with the total beside it) and the tables of Nomis (one category to a
column). Shares are in per cent, with what was counted and out of how many; a count of everybody has no limits.
"""

import io
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.definitions import Partnership
from data.errors import Problem, SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.sources import files, written
from data.sources.files import Piece

TABLE = "indicators"
LABEL = "Census 2021 (Office for National Statistics)"
SUFFIXES = (".csv", ".parquet")
PART = ["indicator_id", "area_level"]  # a later table of neighbourhoods leaves that of small areas as it is
PERIOD, DAY = "2021", "2021-03-21"  # Census Day
LICENCE = "Open Government Licence v3.0"
NEVER = "; context only: never a factor"
LEVELS = {"01": "lsoa", "02": "msoa", "06": "lad", "07": "lad", "08": "lad", "09": "lad"}  # by the digits of a code
CODE = r"[EW](0[126789])\d{6}"
NOT_A_CODE = "the code is not one of a small area, neighbourhood or authority"
INCOMPLETE = "the categories of this area are not all there once, as whole numbers that add up to its total"
LONG_CODES = ("lsoa21_code", "msoa21_code", "ltla21_code")
NOMIS_CODE, NOMIS_DATE = "geography code", "date"
VALUE = "; measures: Value"  # how some tables of Nomis end their headings
HINT = "It reads lsoa21_code, a total, a category and n; or Nomis's «geography code» and one column for each category."


@dataclass(frozen=True)
class Share:
    """One share: the categories that are counted together, in the words of the census."""

    id: str
    name: str
    kind: str
    polarity: str
    of: tuple[str, ...]


@dataclass(frozen=True)
class Topic:
    """One table of the census. long : its headings of total and category. nomis : what its columns begin with."""

    long: tuple[str, str]
    nomis: str
    total: str
    unit: str
    shares: tuple[Share, ...]

    @property
    def categories(self) -> dict[str, str]:
        """Category in small letters to the share that counts it."""
        return {category.casefold(): share.id for share in self.shares for category in share.of}


def _ethnic(id: str, *of: str) -> Share:
    return Share(f"ethnicity_{id}", f"Residents: {of[0]}{NEVER}", "context", "neutral", of)


# Which tenure is the better one is no judgement of the census, and renting no fault of anybody: neutral. Owned is what
# renting leaves, so that beside both it would say the same twice: context. Deprived households are so by its own rule.
TOPICS = (
    Topic(
        ("total_households", "tenure"),
        "Tenure of household: ",
        "Total: All households",
        "% of households",
        (
            Share(
                "tenure_owned",
                "Households that own their home, outright, with a mortgage or in part",
                "context",
                "neutral",
                (
                    "Owned: Owns outright",
                    "Owned: Owns with a mortgage or loan",
                    "Shared ownership: Shared ownership",
                ),
            ),
            Share(
                "tenure_social_rented",
                "Households that rent from a council or social landlord",
                "risk",
                "neutral",
                ("Social rented: Rents from council or Local Authority", "Social rented: Other social rented"),
            ),
            Share(
                "tenure_private_rented",
                "Households that rent privately",
                "risk",
                "neutral",
                ("Private rented: Private landlord or letting agency", "Private rented: Other private rented"),
            ),
            Share("tenure_rent_free", "Households that live rent free", "context", "neutral", ("Lives rent free",)),
        ),
    ),
    Topic(
        ("total_households", "deprivation_dimensions"),
        "Household deprivation: ",
        "Total: All households",
        "% of households",
        (
            Share(
                "households_not_deprived",
                "Households not deprived in any of four ways (work, education, health, housing)",
                "protective",
                "high_is_good",
                ("Household is not deprived in any dimension",),
            ),
            Share(
                "households_deprived_1",
                "Households deprived in one of four ways (work, education, health, housing)",
                "context",
                "neutral",
                ("Household is deprived in one dimension",),
            ),
            Share(
                "households_deprived_2plus",
                "Households deprived in two or more of four ways (work, education, health, housing)",
                "risk",
                "low_is_good",
                tuple(f"Household is deprived in {n} dimensions" for n in ("two", "three", "four")),
            ),
        ),
    ),
    Topic(
        ("total_residents", "ethnic_group"),
        "Ethnic group: ",
        "Total: All usual residents",
        "% of residents",
        (
            _ethnic("asian", "Asian, Asian British or Asian Welsh"),
            _ethnic("black", "Black, Black British, Black Welsh, Caribbean or African"),
            _ethnic("mixed", "Mixed or Multiple ethnic groups"),
            _ethnic("white", "White"),
            _ethnic("other", "Other ethnic group"),
        ),
    ),
)


def read(piece: Piece) -> pd.DataFrame:
    """One row per area and category, as text: `code`, `topic` (which of TOPICS), `category`, `n`, `total`.

    A table that lacks a category, or has one not known, is refused: its shares would not be what they say.
    """
    raw = _table(piece)
    for place, topic in enumerate(TOPICS):
        if set(topic.long) <= set(raw):
            found = _from_long(raw, topic)
        elif any(str(c).startswith(topic.nomis) for c in raw):
            found = _from_nomis(raw, topic, piece)
        else:
            continue
        if found is None or set(found["category"]) != set(topic.categories):
            raise _refused(piece, "this table of the census lacks columns or categories, or has others")
        return found.assign(topic=place)
    raise _refused(piece, "no table of tenure, household deprivation or ethnic group was found")


def _refused(piece: Piece, rule: str) -> SourceProblem:
    return SourceProblem(piece.name, [Problem(rule, hint=HINT)])


def _table(piece: Piece) -> pd.DataFrame:
    if piece.suffix != ".parquet":
        return files.text_table(piece)
    import pyarrow as pa

    try:
        return pd.read_parquet(io.BytesIO(piece.read_bytes()))
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceProblem(piece.name, [Problem("the file is damaged", hint="Ask for it again.")]) from error


def _from_long(raw: pd.DataFrame, topic: Topic) -> pd.DataFrame | None:
    header = next((c for c in LONG_CODES if c in raw), None)
    if header is None or "n" not in raw:
        return None
    total, category = topic.long
    found = raw[[header, category, "n", total]].astype("str").set_axis(["code", "category", "n", "total"], axis=1)
    return found.assign(category=found["category"].str.strip().str.casefold())


def _from_nomis(raw: pd.DataFrame, topic: Topic, piece: Piece) -> pd.DataFrame | None:
    """Sums of some categories (`Owned`), and parts of others, stand beside these and are passed over."""
    bare = {str(c).removeprefix(topic.nomis).removesuffix(VALUE).casefold(): c for c in raw if topic.nomis in str(c)}
    wanted = [*topic.categories, topic.total.casefold()]
    if NOMIS_CODE not in raw or not set(wanted) <= set(bare):
        return None
    if NOMIS_DATE in raw and not raw[NOMIS_DATE].astype("str").str.contains(PERIOD).all():
        raise _refused(piece, f"it is of another census than that of {PERIOD}")
    named = raw[[NOMIS_CODE, *(bare[w] for w in wanted)]].astype("str")
    named = named.set_axis(["code", *topic.categories, "total"], axis=1)
    return named.melt(["code", "total"], list(topic.categories), "category", "n", ignore_index=False)


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per area and share, with `problem`; the index is the line on which the area begins in the file."""
    topic = TOPICS[raw["topic"].iloc[0] if len(raw) else 0]
    areas = _counted(raw, topic)
    names = [share.id for share in topic.shares]
    rows = areas.melt(["area_code", "line", "denominator"], names, "indicator_id", "numerator")
    for field, said in (("name", "{} (" + PERIOD + ")"), ("kind", "{}"), ("polarity", "{}")):
        rows[field] = rows["indicator_id"].map({s.id: said.format(getattr(s, field)) for s in topic.shares})
    digits = rows["area_code"].str.extract(f"^{CODE}$", expand=False)
    no_level, not_whole = digits.isna(), rows["denominator"].isna()
    rows["problem"] = np.select([no_level, not_whole], [NOT_A_CODE, INCOMPLETE], default="")
    rows["value"] = 100 * rows["numerator"] / rows["denominator"].where(rows["denominator"] > 0)
    fixed = {"unit": topic.unit, "period": PERIOD, "source": LABEL, "licence": LICENCE, "published": DAY}
    rows = rows.assign(area_level=digits.map(LEVELS), feed_id="census", **fixed)
    return rows.set_index("line").rename_axis(None).sort_index(kind="stable")


def _counted(raw: pd.DataFrame, topic: Topic) -> pd.DataFrame:
    """One row per area: `area_code`, `line`, `denominator` and a count of each share; empty where it is not whole."""
    (n, _), (total, _) = (written.numbers(raw[column]) for column in ("n", "total"))
    rows = pd.DataFrame({"area_code": raw["code"].str.strip().str.upper(), "category": raw["category"], "n": n})
    rows = rows.assign(total=total, line=raw.index, sound=n.ge(0) & n.mod(1).eq(0) & total.notna())
    by_area = rows.groupby("area_code", sort=False)
    areas = by_area.agg(line=("line", "min"), least=("total", "min"), most=("total", "max"), sound=("sound", "all"))
    once = by_area["category"].nunique().eq(len(topic.categories)) & by_area.size().eq(len(topic.categories))
    whole = once & areas["sound"] & areas["least"].eq(areas["most"]) & by_area["n"].sum().eq(areas["most"])
    counts = rows.groupby(["area_code", rows["category"].map(topic.categories)], sort=False)["n"].sum().unstack()
    found = counts.reindex(columns=[share.id for share in topic.shares]).assign(denominator=areas["most"]).where(whole)
    return found.assign(line=areas["line"]).reset_index()


def localise(rows: pd.DataFrame, geography: Geography, partnership: Partnership) -> pd.DataFrame:
    """The partnership's areas; the rest of England and Wales get `problem` OUTSIDE."""
    if geography.lsoas.empty:
        hint = "Load boundaries first: python -m data ingest boundaries FILE"
        raise SourceProblem(LABEL, [Problem("there are no areas yet to place shares in", hint=hint)])
    parents = geography.parents
    ours = {*partnership.codes, *parents.index, *parents["msoa_code"].dropna()}
    elsewhere = rows["problem"].eq("") & ~rows["area_code"].isin(ours)
    return rows.assign(problem=rows["problem"].mask(elsewhere, OUTSIDE))
