"""What programmes report each quarter. A row is one programme and one quarter, in counts; never a person."""

import re

import pandas as pd

from data.sources import mapping, written
from data.sources.dates import MONTHS
from data.sources.files import Piece
from data.sources.mapping import field

TABLE = "programme_returns"
SOURCE = "programme_returns"
LABEL = "Programme returns"
SUFFIXES = (".csv", ".xlsx")
PART = ["programme_id", "period"]  # what a later delivery replaces whole
REACHED = ["reached_yp", "reached_families", "reached_professionals"]
COUNTS = ["referred", "started", "completed", *REACHED]
THRESHOLD = 8  # counts below it are a band for partners: many are of people under 18 (disclosure rules, 5.6)
ENDED_AFTER = 4  # quarters without a return: a programme silent for a year is taken to have ended with its last one
TOTALS = ["period", "reached_kind", "n", "programmes", "returned"]

FINANCIAL = r"(?:q([1-4]) ?)?(\d{4}) ?[/-] ?(\d\d)(?: ?q([1-4]))?"
MONTHS_OF_YEAR = r"([a-z]{3,9}) ?(?:-|–|to) ?([a-z]{3,9}) (\d{4})"
TWO_MONTHS = r"(\d{4})-(\d\d) ?(?:–|to|-) ?(\d{4})-(\d\d)"

NO_PROGRAMME = "no programme is named"
BAD_QUARTER = "period is not a quarter: 2023/24 Q1, Apr-Jun 2023 or 2023-04 to 2023-06 (Q1 2023 could be two quarters)"
BAD_COUNT = "a count is not a whole number of 0 or more"
NO_COUNT = "no count is given"


def read(piece: Piece) -> pd.DataFrame:
    """The fields that sources.toml names, all text."""
    return mapping.mapped(piece, SOURCE)


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per return, with `problem`. A count not given is missing, never 0."""
    counts = {name: written.numbers(field(raw, name)) for name in COUNTS}
    rows = pd.DataFrame(
        {
            "programme_id": field(raw, "programme"),
            "period": written.of_each(field(raw, "period"), _quarter).astype("str"),
            **{name: values for name, (values, _) in counts.items()},
            "feed_id": SOURCE,
        }
    )
    bad = [wrong | (values < 0) | (values % 1 > 0) for values, wrong in counts.values()]
    rules = [
        (rows["programme_id"].eq(""), NO_PROGRAMME),
        (rows["period"].isna(), BAD_QUARTER),
        *((wrong, BAD_COUNT) for wrong in bad),
        (rows[COUNTS].isna().all(axis=1), NO_COUNT),
    ]
    rows["problem"] = written.first_reason(rules)
    return written.without_repeats(rows, ["programme_id", "period"])


def _quarter(text: str) -> str | None:
    """A quarter as its first and last month; None where it is none, or could be of two kinds of year."""
    said = " ".join(text.casefold().replace("quarter ", "q").replace(",", " ").split())
    first = _of_financial_year(said) or _of_named_months(said) or _of_months(said)
    return None if first is None else f"{first:%Y-%m} to {first + pd.DateOffset(months=2):%Y-%m}"


def _of_financial_year(said: str) -> pd.Timestamp | None:
    match = re.fullmatch(FINANCIAL, said)
    before, year, following, after = match.groups() if match else (None,) * 4
    if bool(before) == bool(after) or (int(year) + 1) % 100 != int(following):
        return None
    return pd.Timestamp(int(year), 4, 1) + pd.DateOffset(months=3 * (int(before or after) - 1))


def _of_named_months(said: str) -> pd.Timestamp | None:
    match = re.fullmatch(MONTHS_OF_YEAR, said)
    first, last = (MONTHS.get(name[:3]) for name in match.groups()[:2]) if match else (None, None)
    return _starting(int(match[3]), first, int(match[3]), last) if first and last else None


def _of_months(said: str) -> pd.Timestamp | None:
    match = re.fullmatch(TWO_MONTHS, said)
    return _starting(*(int(part) for part in match.groups())) if match else None


def _starting(year: int, first: int, last_year: int, last: int) -> pd.Timestamp | None:
    whole = year == last_year and first in (1, 4, 7, 10) and last == first + 2
    return pd.Timestamp(year, first, 1) if whole else None


def totals(rows: pd.DataFrame) -> pd.DataFrame:
    """Added up over programmes, by quarter and kind of person: the columns TOTALS, every quarter from first to last.

    rows : of the table `programme_returns`. `programmes` were to give a number of this kind and `returned` did; `n` is
    the total of those. One is to from its first number on, until it has been silent for a year: it had then ended.
    """
    long = rows.melt(["programme_id", "period"], REACHED, "reached_kind", "n").dropna(subset=["n"])
    given = long.groupby(["period", "reached_kind"], as_index=False).agg(
        n=("n", "sum"), returned=("programme_id", "nunique")
    )
    found = _due(rows, long).merge(given, on=["period", "reached_kind"], how="left")
    return found.assign(returned=found["returned"].fillna(0).astype("int64"))[TOTALS]


def _due(rows: pd.DataFrame, long: pd.DataFrame) -> pd.DataFrame:
    """How many programmes were to give each kind of number in each quarter: period, reached_kind, programmes."""
    first, newest = (_number(rows["period"]).agg(end) for end in ("min", "max"))
    spans = _number(long["period"]).groupby([long["reached_kind"], long["programme_id"]]).agg(["min", "max"])
    until = spans["max"].where(newest - spans["max"] >= ENDED_AFTER, newest)
    return pd.DataFrame(
        [
            (_named(q), kind, int((spans["min"].le(q) & until.ge(q) & (spans.index.get_level_values(0) == kind)).sum()))
            for q in range(first, newest + 1)
            for kind in REACHED
        ],
        columns=["period", "reached_kind", "programmes"],
    )


def _number(period: pd.Series) -> pd.Series:
    """Quarters counted through, so that one more is the next."""
    return 4 * period.str[:4].astype("int64") + period.str[5:7].astype("int64") // 3


def _named(number: int) -> str:
    first = pd.Timestamp(number // 4, 3 * (number % 4) + 1, 1)
    return f"{first:%Y-%m} to {first + pd.DateOffset(months=2):%Y-%m}"


def frozen(totals: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """What partners may hold now, each quarter as it was told first. totals, earlier : `released` now, and before."""
    keys = ["period", "reached_kind"]
    told = earlier[earlier["n"].notna() | earlier["n_upper"].notna()]
    again = pd.MultiIndex.from_frame(totals[keys]).isin(pd.MultiIndex.from_frame(told[keys]))
    kept = told[pd.MultiIndex.from_frame(told[keys]).isin(pd.MultiIndex.from_frame(totals[keys]))]
    return pd.concat([totals[~again], kept], ignore_index=True).sort_values(keys, kind="stable", ignore_index=True)


def released(rows: pd.DataFrame) -> pd.DataFrame:
    """What partners may hold: totals of all programmes by quarter and kind, banded and rounded; of whole quarters only.

    No programme, no year and no sum of kinds is told, so that nothing can be had by subtraction; a quarter that still
    lacks a return has no number, or its later total would tell the late programme's.
    """
    from data import protection

    found = totals(rows)
    whole = found["returned"].eq(found["programmes"])
    cells = protection.primary(found.assign(n=found["n"].where(whole), threshold=THRESHOLD))
    cells["n"] = cells.pop("n_displayed")
    return cells[[*TOTALS, "n_lower", "n_upper", "status"]]
