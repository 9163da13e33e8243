"""Excel workbooks as rows of text. A row is a row of a sheet, formulas as the values they had when saved."""

import datetime
import io
import zipfile

from data.errors import Problem, SourceProblem
from data.sources.files import Piece

MOST_UNPACKED = (
    2 << 30
)  # bytes inside the workbook, which is a zip; a million rows of thirty columns are about half of it
AGAIN = "Save it again as .xlsx without a password, or export it as CSV."


def sheets(piece: Piece) -> list[list[list[str]]]:
    """The visible sheets that hold anything, each as rows of text; numbers without a decimal part have no point.

    Dates become `2025-12-31`, with ` 14:05:00` where any value of the column has a time of day: midnight is then
    midnight and not a bare date.
    """
    import python_calamine as calamine

    content = piece.read_bytes()
    _refuse_unfit(content, piece)
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        shown = [m.name for m in book.sheets_metadata if m.visible == calamine.SheetVisibleEnum.Visible]
        found = [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in shown]
    except (calamine.CalamineError, OSError) as error:
        raise SourceProblem(piece.name, [Problem("the workbook cannot be read", hint=AGAIN)]) from error
    return [_as_text(rows) for rows in found if rows]


def _refuse_unfit(content: bytes, piece: Piece) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as inside:
            unpacked = sum(info.file_size for info in inside.infolist())
    except zipfile.BadZipFile as error:
        unfit = Problem("the file is not an Excel workbook, or it is damaged or locked with a password", hint=AGAIN)
        raise SourceProblem(piece.name, [unfit]) from error
    if unpacked > MOST_UNPACKED:
        raise SourceProblem(piece.name, [Problem("the workbook unpacks to more than a delivery should", hint=AGAIN)])


def _as_text(rows: list[list]) -> list[list[str]]:
    timed = [any(isinstance(value, datetime.datetime) for value in column) for column in zip(*rows, strict=True)]
    return [[_text(value, with_time) for value, with_time in zip(row, timed, strict=True)] for row in rows]


def _text(value: object, with_time: bool) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime) and with_time:
        return f"{value.isoformat()} 00:00:00"
    return value.isoformat(sep=" ") if isinstance(value, datetime.datetime) else str(value)
