"""Which column of a partner's file holds which field. A row is a row of the file, all text, under the names used here."""

import csv
import io
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from data import definitions
from data.definitions import Mapping
from data.errors import Problem, SourceProblem
from data.sources import excel, files, identifiers
from data.sources.files import Piece

FIRST_LINES = 30  # titles and the particulars of a return stand above the headers; further down is data
HINT = "Which header holds what is written in data/definitions/sources.toml."


@dataclass(frozen=True)
class _Below(Piece):
    """The part of a piece from its line of headers on."""

    content: bytes = b""

    def read_bytes(self) -> bytes:
        return self.content


def mapped(piece: Piece, source: str) -> pd.DataFrame:
    """The fields of a file, by the mapping of sources.toml that fits it best; the index counts lines from the top.

    Columns that no field uses are searched for personal identifiers with the rest, and left out. A field that stands once
    above the table (`SiteCode,RHU03`) becomes a column. Rows without any value are left out.
    """
    choices = definitions.mappings(source)
    known = {_key(h) for mapping in choices for headers in mapping.columns.values() for h in headers}
    raw = _table(piece, known)
    fitting = [(mapping, _headers(mapping, raw)) for mapping in choices]
    mapping, headers = max(fitting, key=lambda fit: (not _lacking(*fit), len(fit[1])))
    if lacking := _lacking(mapping, headers):
        raise SourceProblem(piece.name, [Problem("this column is missing", column=c, hint=HINT) for c in lacking])
    agreed = {headers[field] for field in mapping.place_text if field in headers}
    identifiers.refuse_identifiers(raw, piece.name, allowed=agreed)
    fields = raw[list(headers.values())].set_axis(list(headers), axis=1).assign(**mapping.constants)
    for flag in (flag for flag in mapping.blank_is_no if flag in headers):
        fields[flag] = fields[flag].replace("", "no")
    return fields[raw.ne("").any(axis=1)]


def field(raw: pd.DataFrame, name: str) -> pd.Series:
    """A field of a file, empty text where the file does not have it; blanks at the ends taken off."""
    return raw[name].str.strip() if name in raw else pd.Series("", index=raw.index, dtype="str")


def listed(fields: pd.DataFrame, most: dict[str, int], piece: Piece) -> pd.DataFrame:
    """The fields, refused where a column that should hold words of a list holds more different ones than `most`: free text."""
    rule = "holds too many different wordings for a list, and may be free text"
    full = [f for f, limit in most.items() if f in fields and fields[f].nunique() > limit]
    if full:
        hint = "Send the kinds, not descriptions or addresses."
        raise SourceProblem(piece.name, [Problem(rule, column=f, hint=hint) for f in full])
    return fields


def _key(header: str) -> str:
    return re.sub(r"[^a-z0-9]", "", header.lower())


def _headers(mapping: Mapping, raw: pd.DataFrame) -> dict[str, str]:
    """Field to header, for the fields the table has."""
    present = {_key(column): column for column in raw.columns}
    found = {f: next((_key(h) for h in hs if _key(h) in present), None) for f, hs in mapping.columns.items()}
    return {f: present[key] for f, key in found.items() if key is not None}


def _lacking(mapping: Mapping, headers: dict[str, str]) -> list[str]:
    """The headers that would have to be there, in the mapping's own words."""
    needed = (options.split("|") for options in mapping.required)
    return [
        " or ".join(mapping.columns[o][0] for o in options) for options in needed if not headers.keys() & set(options)
    ]


def _table(piece: Piece, known: Collection[str]) -> pd.DataFrame:
    """The table under the line that has most of the known headers."""
    raw, above = _from_excel(piece, known) if piece.suffix == ".xlsx" else _from_csv(piece, known)
    repeated = [n for n, times in Counter(_key(c) for c in raw.columns).items() if times > 1 and n in known]
    if repeated:
        twice = "this header stands more than once, and it cannot be told which is meant"
        names = [next(c for c in raw.columns if _key(c) == n) for n in repeated]
        raise SourceProblem(piece.name, [Problem(twice, column=n, hint="Leave one of them.") for n in names])
    raw.index = pd.RangeIndex(len(above), len(above) + len(raw))
    given = {line[0]: line[1].strip() for line in above if len(line) > 1 and _key(line[0]) in known and line[1].strip()}
    return raw.assign(**{header: value for header, value in given.items() if header not in raw})


def _from_excel(piece: Piece, known: Collection[str]) -> tuple[pd.DataFrame, list[list[str]]]:
    found = [(rows, *_line_of_headers(rows[:FIRST_LINES], known)) for rows in excel.sheets(piece)]
    best = max((hits for *_, hits in found), default=0)
    fitting = [(rows, line) for rows, line, hits in found if hits == best]
    if len(fitting) != 1:
        which = "it cannot be told which sheet holds the table" if fitting else "the workbook is empty"
        raise SourceProblem(piece.name, [Problem(which, hint="Leave one sheet with one table.")])
    rows, line = fitting[0]
    return pd.DataFrame(rows[line + 1 :], columns=rows[line], dtype="str"), rows[:line]


def _from_csv(piece: Piece, known: Collection[str]) -> tuple[pd.DataFrame, list[list[str]]]:
    content = piece.read_bytes()
    first = io.StringIO(
        b"\n".join(content.split(b"\n", FIRST_LINES)[:FIRST_LINES]).decode("utf-8-sig", errors="replace")
    )
    reader, rows, ends = csv.reader(first), [], [0]
    for row in reader:
        rows.append(row)
        ends.append(reader.line_num)  # lines of the file, of which a quoted value may take several
    line, _ = _line_of_headers(rows, known)
    below = _Below(piece.path, piece.member, content.split(b"\n", ends[line])[-1] if line else content)
    _refuse_doubled(rows[line] if rows else [], known, piece)
    try:
        return files.text_table(below), rows[:line]
    except SourceProblem as problem:
        return _short_rows(below, problem), rows[:line]


def _refuse_doubled(headers: list[str], known: Collection[str], piece: Piece) -> None:
    """As `_table` does for headers that read alike, for headers that are alike: the reader of CSVs would merge them."""
    twice = [h for h, times in Counter(h.strip() for h in headers).items() if times > 1 and _key(h) in known]
    if twice:
        rule = "this header stands more than once, and it cannot be told which is meant"
        raise SourceProblem(piece.name, [Problem(rule, column=h, hint="Leave one of them.") for h in twice])


def _short_rows(piece: Piece, problem: SourceProblem) -> pd.DataFrame:
    """A CSV whose rows all lack the same last columns, as some exports write them; any other is refused with `problem`."""
    try:
        text = files._decoded(piece.read_bytes())
        raw = pd.read_csv(io.BytesIO(text), dtype="str", keep_default_na=False, skip_blank_lines=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise problem from error
    absent = raw.isna()
    if not isinstance(raw.index, pd.RangeIndex) or (absent.any() & ~absent.all()).any() or raw.empty:
        raise problem
    return raw.fillna("").rename(columns=str.strip)


def _line_of_headers(rows: list[list[str]], known: Collection[str]) -> tuple[int, int]:
    """Which of the first rows holds most known headers, and how many; the first of equals."""
    hits = [len({_key(cell) for cell in row} & set(known)) for row in rows]
    best = max(hits, default=0)
    return (hits.index(best), best) if best else (0, 0)
