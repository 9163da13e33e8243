"""Which column of a partner's file holds which field. A row is a row of the file, all text, under our names."""

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
LONGEST_WORDING = 60  # letters; the longest kinds of place in use here have about 40
HINT = "Which header holds what is written in data/definitions/sources.toml."


@dataclass(frozen=True)
class _Below(Piece):
    """The part of a piece from its line of headers on."""

    content: bytes = b""

    def read_bytes(self) -> bytes:
        return self.content


def mapped(piece: Piece, source: str, *, most_wordings: dict[str, int] | None = None) -> pd.DataFrame:
    """The fields of a file, by the mapping of sources.toml that fits it best; the index counts lines from the top.

    Columns that no field uses are searched for personal identifiers with the rest, and left out. A field that stands
    once above the table (`SiteCode,RHU03`) becomes a column. Rows without any value are left out.
    most_wordings : by field, how many different wordings a list has at most; a file with more is refused as free text.
    """
    choices = definitions.mappings(source)
    known = {_key(h) for mapping in choices for headers in mapping.columns.values() for h in headers}
    raw = _table(piece, known)
    fitting = [(mapping, _headers(mapping, raw)) for mapping in choices]
    mapping, headers = max(fitting, key=lambda fit: (not _lacking(*fit), len(fit[1])))
    if lacking := _lacking(mapping, headers):
        raise SourceProblem(piece.name, [Problem("this column is missing", column=c, hint=HINT) for c in lacking])
    agreed = {headers[field] for field in mapping.place_text if field in headers}
    references = {headers[field] for field in mapping.columns if field == "reference" and field in headers}
    identifiers.refuse_identifiers(raw, piece.name, allowed=agreed, references=references)
    _refuse_free_text(raw, {headers[f]: most for f, most in (most_wordings or {}).items() if f in headers}, piece)
    fields = raw[list(headers.values())].set_axis(list(headers), axis=1).assign(**mapping.constants)
    for flag in (flag for flag in mapping.blank_is_no if flag in headers):
        fields[flag] = fields[flag].str.strip().replace("", "no")
    return fields


def field(raw: pd.DataFrame, name: str) -> pd.Series:
    """A field of a file, empty text where the file does not have it; blanks at the ends taken off."""
    return raw[name].str.strip() if name in raw else pd.Series("", index=raw.index, dtype="str")


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


def _refuse_free_text(raw: pd.DataFrame, most: dict[str, int], piece: Piece) -> None:
    rule, hint = "holds free text where the words of a list should be", "Send the kinds, not descriptions or addresses."
    free = [h for h, limit in most.items() if raw[h].nunique() > limit or raw[h].str.len().gt(LONGEST_WORDING).any()]
    if free:
        raise SourceProblem(piece.name, [Problem(rule, column=header, hint=hint) for header in free])


def _table(piece: Piece, known: Collection[str]) -> pd.DataFrame:
    """The table under the line that has most of the known headers, without its empty rows."""
    raw, above = _from_excel(piece, known) if piece.suffix == ".xlsx" else _from_csv(piece, known)
    raw.index = pd.RangeIndex(len(above), len(above) + len(raw))
    raw = raw[raw.ne("").any(axis=1)]
    given = {line[0]: line[1].strip() for line in above if len(line) > 1 and _key(line[0]) in known and line[1].strip()}
    return raw.assign(**{header: value for header, value in given.items() if header not in raw})


def _from_excel(piece: Piece, known: Collection[str]) -> tuple[pd.DataFrame, list[list[str]]]:
    found = [(rows, *_line_of_headers(rows[:FIRST_LINES], known)) for rows in excel.sheets(piece)]
    best = max((hits for *_, hits in found), default=0)
    fitting = [(rows, line) for rows, line, hits in found if hits == best]
    if not fitting or (best and len(fitting) > 1):
        which = "it cannot be told which sheet holds the table" if fitting else "the workbook is empty"
        raise SourceProblem(piece.name, [Problem(which, hint="Leave one sheet with one table.")])
    rows, line = fitting[0]
    _refuse_repeats(rows[line], known, piece)
    return pd.DataFrame(rows[line + 1 :], columns=rows[line], dtype="str"), rows[:line]


def _from_csv(piece: Piece, known: Collection[str]) -> tuple[pd.DataFrame, list[list[str]]]:
    content = files.decoded(piece.read_bytes())
    rows, ends = _first_lines(content)
    line, _ = _line_of_headers(rows, known)
    _refuse_repeats(rows[line] if rows else [], known, piece)
    below = _Below(piece.path, piece.member, content.split(b"\n", ends[line])[-1] if line else content)
    try:
        return files.text_table(below), rows[:line]
    except SourceProblem as problem:
        return _short_rows(below, problem), rows[:line]


def _first_lines(content: bytes) -> tuple[list[list[str]], list[int]]:
    """The first rows, and the line of the file each begins on: a quoted value may take several."""
    text = b"\n".join(content.split(b"\n", FIRST_LINES)[:FIRST_LINES]).decode(errors="replace")
    reader, rows, ends = csv.reader(io.StringIO(text, newline="")), [], [0]
    try:
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
    except csv.Error:  # whatever this is, the reader of tables says it better
        return [], [0]
    return rows, ends


def _refuse_repeats(headers: list[str], known: Collection[str], piece: Piece) -> None:
    counts = Counter(_key(header) for header in headers)
    rule, hint = "this header stands more than once, and it cannot be told which is meant", "Leave one of them."
    twice = {_key(h): h.strip() for h in headers if _key(h) in known and counts[_key(h)] > 1}
    if twice:
        raise SourceProblem(piece.name, [Problem(rule, column=h, hint=hint) for h in twice.values()])


def _short_rows(piece: Piece, problem: SourceProblem) -> pd.DataFrame:
    """A CSV whose rows all lack the same last columns, as some exports do; any other is refused with `problem`."""
    try:
        rows = [row for row in csv.reader(io.StringIO(piece.read_bytes().decode(), newline="")) if row]
    except csv.Error as error:
        raise problem from error
    header, lengths = (rows or [[]])[0], {len(row) for row in rows[1:]}
    if len(lengths) != 1 or max(lengths) > len(header):
        raise problem
    empty = [""] * (len(header) - lengths.pop())
    return pd.DataFrame([row + empty for row in rows[1:]], columns=[h.strip() for h in header], dtype="str")


def _line_of_headers(rows: list[list[str]], known: Collection[str]) -> tuple[int, int]:
    """Which of the first rows holds most known headers, and how many; the first of equals."""
    hits = [len({_key(cell) for cell in row} & set(known)) for row in rows]
    best = max(hits, default=0)
    return (hits.index(best), best) if best else (0, 0)
