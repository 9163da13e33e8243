"""How files are opened: one Piece is one table as delivered (a file, or a member of a zip)."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from data.errors import Problem, SourceProblem

MOST_MEMBERS = 5_000  # in one archive; a force's whole history is about 700
MOST_UNPACKED = 4 << 30  # bytes; an archive that unpacks to more is not a delivery of tables
MOST_RATIO = 200  # unpacked to packed; street files reach about 12


@dataclass(frozen=True)
class Piece:
    """One table as delivered. `member` names it inside the zip `path`, and is empty for a plain file."""

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        """What messages call it: never a whole path."""
        return f"{self.path.name} › {self.member}" if self.member else self.path.name

    @property
    def suffix(self) -> str:
        """The ending that says what is inside, with `.gz` looked through."""
        name = PurePosixPath(self.member or self.path.name)
        return PurePosixPath(name.stem).suffix.lower() if name.suffix.lower() == ".gz" else name.suffix.lower()

    def read_bytes(self) -> bytes:
        """The content, unpacked."""
        try:
            if self.member:
                with zipfile.ZipFile(self.path) as archive:
                    content = archive.read(self.member)
            else:
                content = self.path.read_bytes()
            return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, RuntimeError) as error:
            damaged = Problem("the file is damaged, cut short or locked with a password", hint="Ask for it again.")
            raise SourceProblem(self.name, [damaged]) from error


def pieces(paths: Iterable[Path], suffixes: tuple[str, ...]) -> Iterator[Piece]:
    """Every table in the files, folders and zips given, in order of name. Other files in them are passed over."""
    for path in paths:
        if path.is_dir():
            yield from pieces(sorted(p for p in path.rglob("*") if p.is_file()), suffixes)
        elif not path.exists():
            raise SourceProblem(path.name, [Problem("there is no such file", hint="Check the name and the folder.")])
        elif path.suffix.lower() == ".zip" and ".zip" not in suffixes:
            yield from (piece for piece in _members(path) if piece.suffix in suffixes)
        elif Piece(path).suffix in suffixes and not _left_behind(path.name):
            yield Piece(path)


def _members(path: Path) -> list[Piece]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except zipfile.BadZipFile as error:
        raise SourceProblem(
            path.name, [Problem("the zip is damaged or cut short", hint="Ask for it again.")]
        ) from error
    packed, unpacked = sum(i.compress_size for i in infos), sum(i.file_size for i in infos)
    if len(infos) > MOST_MEMBERS or unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * max(packed, 1):
        bomb = Problem("the zip unpacks to more than a delivery of tables should", hint="Unpack it and look inside.")
        raise SourceProblem(path.name, [bomb])
    return [Piece(path, name) for name in sorted(info.filename for info in infos) if not _left_behind(name)]


def _left_behind(name: str) -> bool:
    """Whether a system put it there: what a Mac adds to zips and shared drives, Excel's mark on an open workbook."""
    return "__MACOSX" in name or PurePosixPath(name).name.startswith(("._", "~$"))


def text_table(piece: Piece, *, columns: list[str] | None = None, header: bool = True) -> pd.DataFrame:
    """A CSV as published: every value text, empty where nothing stands; headers stripped; columns without one left out.

    columns : read only these of the headers there are.
    Byte-order marks, CRLF, quoted line breaks, Windows, UTF-8 and UTF-16 text are all taken.
    """
    text = decoded(piece.read_bytes())
    read = pa_csv.ReadOptions(autogenerate_column_names=not header)
    parse = pa_csv.ParseOptions(newlines_in_values=b'"' in text)
    try:
        names = pa_csv.open_csv(io.BytesIO(text), read_options=read, parse_options=parse).schema.names
        keep = [n for n in names if (n.strip() if columns is None else n.strip() in columns)]
        twice = sorted({n.strip() for n in keep if [m.strip() for m in names].count(n.strip()) > 1})
        if twice and header:
            raise SourceProblem(piece.name, [Problem("this header stands more than once", column=c) for c in twice])
        convert = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), include_columns=keep, strings_can_be_null=False
        )
        table = pa_csv.read_csv(io.BytesIO(text), read_options=read, parse_options=parse, convert_options=convert)
        table = table.select(keep)  # an empty list to include would have meant all
    except pa.ArrowInvalid as error:
        broken = Problem(
            "the file is empty or is not a table of comma-separated values", hint="Export it again as CSV."
        )
        raise SourceProblem(piece.name, [broken]) from error
    return table.rename_columns([n.strip() for n in keep]).to_pandas()


def decoded(content: bytes) -> bytes:
    """UTF-8 without a byte-order mark; what is not UTF-8 is read as Windows-1252, as Excel writes it here."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace").encode()
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace").encode()
    return content


def require(raw: pd.DataFrame, columns: Iterable[str], piece: Piece, *, hint: str) -> None:
    """Refuse a file that lacks columns, naming all of them at once."""
    missing = [Problem("this column is missing", column=c, hint=hint) for c in columns if c not in raw]
    if missing:
        raise SourceProblem(piece.name, missing)
