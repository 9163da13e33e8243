"""What residents and young people say when asked. A row is one wave, authority, age cohort and question, as a share."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from data import definitions, harmonise
from data.errors import Problem, SourceProblem
from data.sources import mapping, written
from data.sources.admissions import AUTHORITY, NOT_AUTHORITY, WITHHELD
from data.sources.files import Piece
from data.sources.mapping import field

TABLE = "survey"
SOURCE = "surveys"
LABEL = "Surveys of residents and young people"
SUFFIXES = (".csv", ".xlsx")
PART = ["wave", "question"]  # what a later delivery replaces whole: send the authorities of a wave together
WAVE = r"(?:19|20)\d\d(?:-(?:0[1-9]|1[0-2]))?"
EVERYBODY, WHOLE_AREA = "all", "all"
FEWEST_ASKED = 100  # people behind a share that is told (the partnership's disclosure rules, 5.5)
FINE_FROM = 4_000  # people from which a share is told to one decimal, else in whole per cent (the same)
KEYS = ["wave", "question", "area_code", "cohort"]
POOLED = [*KEYS, "n", "pct"]

BAD_WAVE = "wave is not a year (2024) or the month people were asked (2024-05)"
OTHER_QUESTION = "a question that no measure asks for"
BAD_NUMBER = "the number of people who answered is not a whole number of 0 or more"
BAD_SHARE = "a share or its limit is not a percentage from 0 to 100"
BAD_LIMITS = "the limits do not enclose the share"
NOT_GIVEN = "the number of people or the share is not given, nor * for withheld"
FRACTIONS = "looks like fractions, where percentages are wanted"
NOT_FAULTS = (NOT_AUTHORITY, OTHER_QUESTION)  # surveys ask more, and stand beside regions and the country


def read(piece: Piece) -> pd.DataFrame:
    """The fields that sources.toml names, all text. A file of fractions is refused: each would be told a hundredth."""
    raw = mapping.mapped(piece, SOURCE)
    shares, _ = _percentages(field(raw, "pct"))
    if 0 < shares.max() <= 1:
        raise SourceProblem(piece.name, [Problem(FRACTIONS, column="Percent", hint="Write 62 for 62 in a hundred.")])
    return raw


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per share, with `problem`. A share withheld by its owner (`*`) is missing, as is its number of people."""
    question, _ = written.meanings(field(raw, "question"), "survey_question")
    cohort, bad_cohort = written.meanings(field(raw, "cohort"), "survey_cohort")
    n, bad_n = written.numbers(field(raw, "n").replace(WITHHELD, ""))
    shares = {name: _percentages(field(raw, name)) for name in ("pct", "lower", "upper")}
    withheld = field(raw, "n").eq(WITHHELD) | field(raw, "pct").eq(WITHHELD)
    rows = pd.DataFrame(
        {
            "wave": field(raw, "wave"),
            "area_code": field(raw, "area").str.upper(),
            "cohort": cohort,
            "question": question,
            "n": n,
            **{name: values for name, (values, _) in shares.items()},
            "feed_id": SOURCE,
        }
    )
    inside = ~(rows["lower"] > rows["pct"]) & ~(rows["upper"] < rows["pct"])
    rules = [
        (~rows["wave"].str.fullmatch(WAVE), BAD_WAVE),
        (~rows["area_code"].str.fullmatch(AUTHORITY), NOT_AUTHORITY),
        (question.isna(), OTHER_QUESTION),
        *written.not_understood({"cohort": (cohort, bad_cohort)}),
        (bad_n | (n < 0) | (n % 1 > 0), BAD_NUMBER),
        *((bad | ~values.fillna(0).between(0, 100), BAD_SHARE) for values, bad in shares.values()),
        (~inside, BAD_LIMITS),
        (rows[["n", "pct"]].isna().any(axis=1) & ~withheld & ~n.eq(0), NOT_GIVEN),
    ]
    rows["problem"] = written.first_reason(rules)
    return written.without_repeats(rows, KEYS)


def localise(rows: pd.DataFrame, geography: harmonise.Geography, partnership: definitions.Partnership) -> pd.DataFrame:
    """Rows of other partnerships' authorities are set aside as outside the area."""
    elsewhere = rows["problem"].eq("") & ~rows["area_code"].isin(partnership.codes)
    return rows.assign(problem=rows["problem"].mask(elsewhere, harmonise.OUTSIDE))


def _percentages(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    return written.numbers(text.replace(WITHHELD, "").str.removesuffix("%"))


def pooled(rows: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """How many answered and what share of them, in each authority and over the whole area: the columns POOLED.

    rows : of the table `survey`. codes : the authorities of the partnership. Everybody of an authority is its row for
    all ages, else its cohorts together. The whole area (`all`) is all its authorities together, each answer counting
    once: without a row where an authority has none, missing where one was withheld.
    """
    known = rows.assign(yes=rows["n"] * rows["pct"].mask(rows["n"].eq(0), 0) / 100)[[*KEYS, "n", "yes"]]
    known = known[known["area_code"].isin(codes)]
    parts, said = (known[known["cohort"].eq(EVERYBODY) == whole] for whole in (False, True))
    silent = _added(parts, ["wave", "question", "area_code"]).assign(cohort=EVERYBODY)
    everybody = pd.concat([said, silent]).drop_duplicates(["wave", "question", "area_code"])  # as written goes first
    by_area = pd.concat([everybody, parts])
    asked = by_area.groupby(["wave", "question", "cohort"])["area_code"].transform("nunique")
    whole = _added(by_area[asked.eq(len(codes))], ["wave", "question", "cohort"]).assign(area_code=WHOLE_AREA)
    found = pd.concat([whole, by_area])
    shares = (100 * found["yes"] / found["n"].where(found["n"] > 0)).clip(0, 100)
    return found.assign(pct=shares)[POOLED].sort_values(KEYS, ignore_index=True)


def _added(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return rows.groupby(keys, as_index=False)[["n", "yes"]].sum(skipna=False)


def rounded(shares: pd.Series, n: pd.Series) -> pd.Series:
    """Shares as they may be told: in whole per cent, of 4,000 people and more to one decimal."""
    finer = np.where(n >= FINE_FROM, 10, 1)
    return np.floor(shares * finer + 0.5) / finer


def released(rows: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """What partners may hold: everybody of each authority, and each cohort of the whole area: the columns POOLED.

    No cohort of one authority. A share of fewer than 100 people is missing, with its number; and where subtraction
    from the total would give the share of fewer than 100, the next smallest is missing too.
    """
    every = pooled(rows, codes)
    of_area, of_cohort = every["cohort"].eq(EVERYBODY), every["area_code"].eq(WHOLE_AREA)
    totals = every[of_area & of_cohort].set_index(["wave", "question"])["n"]
    hidden = ~(every["n"] >= FEWEST_ASKED)
    for margin in (of_area & ~of_cohort, of_cohort & ~of_area):
        for key, part in every[margin].groupby(["wave", "question"]):
            hidden |= every.index.isin(_next_hidden(part["n"], totals.get(key, np.nan)))
    every["pct"] = rounded(every["pct"], every["n"])
    every[["n", "pct"]] = every[["n", "pct"]].mask(hidden)
    return every[of_area | of_cohort].reset_index(drop=True)


def _next_hidden(n: pd.Series, total: float) -> pd.Index:
    """The row to hide besides the small ones, where those that are not told are fewer than 100 people together."""
    shown = n[n >= FEWEST_ASKED].sort_values(kind="stable")
    return shown.index[:1] if 0 < total - shown.sum() < FEWEST_ASKED else shown.index[:0]
