"""Files as people send them: plain, gzipped, in zips with folders, in any encoding; and those that are no tables."""

import gzip
import struct
import zipfile
from pathlib import Path

import pytest

from data.errors import SourceProblem
from data.sources import files
from data.sources.files import Piece

CSV = "Name,Number\nalpha,1\nbeta,2\n"


def table(folder: Path, content: bytes, name: str = "a.csv", **how: object) -> list[list[str]]:
    """Header and rows of a file of these bytes."""
    (folder / name).write_bytes(content)
    found = files.text_table(Piece(folder / name), **how)
    return [list(found.columns), *found.to_numpy().tolist()]


def names(folder: Path, suffixes: tuple[str, ...] = (".csv",)) -> list[str]:
    return [piece.name for piece in files.pieces([folder], suffixes)]


def problem(piece: Piece) -> str:
    with pytest.raises(SourceProblem) as raised:
        files.text_table(piece)
    return str(raised.value)


@pytest.mark.parametrize(
    "content",
    [
        CSV.encode(),
        CSV.replace("\n", "\r\n").encode(),
        CSV.rstrip("\n").encode(),  # no line end after the last row
        b"\xef\xbb\xbf" + CSV.encode(),  # as Excel saves "CSV UTF-8"
        CSV.encode("utf-16"),  # as Excel saves "Unicode text", with its mark
        b"\xfe\xff" + CSV.encode("utf-16-be"),
        gzip.compress(CSV.encode()),
        b" Name , Number\nalpha,1\nbeta,2\n",  # blanks around headers
        b'"Name","Number"\n"alpha","1"\n"beta","2"\n',
    ],
)
def test_the_same_table_is_read_however_it_was_saved(tmp_path: Path, content: bytes) -> None:
    assert table(tmp_path, content) == [["Name", "Number"], ["alpha", "1"], ["beta", "2"]]


def test_every_value_stays_text_and_empty_stays_empty(tmp_path: Path) -> None:
    rows = table(tmp_path, b"code,date,flag,none\n007,2024-01,NA,\nnull,1e3,true,\n")
    assert rows[1:] == [["007", "2024-01", "NA", ""], ["null", "1e3", "true", ""]]


def test_text_of_windows_keeps_its_letters(tmp_path: Path) -> None:
    # 0xE9 is e-acute in Windows-1252 and no UTF-8; 0x81 is nothing in Windows-1252 and must not stop the file
    assert table(tmp_path, b"street\nCaf\xe9 Row\n")[1] == ["Café Row"]
    assert len(table(tmp_path, b"street\nCaf\xe9 \x81 Row\n")) == 2


def test_a_line_break_inside_quotes_is_part_of_the_value(tmp_path: Path) -> None:
    assert table(tmp_path, b'a,b\n"one\ntwo",3\n')[1] == ["one\ntwo", "3"]


def test_only_the_columns_asked_for_are_read(tmp_path: Path) -> None:
    assert table(tmp_path, CSV.encode(), columns=["Number", "Absent"]) == [["Number"], ["1"], ["2"]]


def test_blank_headers_of_trailing_commas_are_no_repeats(tmp_path: Path) -> None:
    assert table(tmp_path, b"a,b,,\n1,2,,\n", columns=["a", "b"]) == [["a", "b"], ["1", "2"]]
    whole = table(tmp_path, b"a,b,,\n1,2,,\n")  # as Excel writes a sheet that once was wider
    assert whole == [["a", "b"], ["1", "2"]]


def test_a_header_that_stands_twice_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b,a \n1,2,secret\n")
    message = problem(Piece(tmp_path / "a.csv"))
    assert "«a»" in message and "more than once" in message
    assert "secret" not in message


def test_missing_columns_are_all_named_at_once_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    piece = Piece(tmp_path / "a.csv")
    with pytest.raises(SourceProblem) as raised:
        files.require(files.text_table(piece), ["Name", "Month", "Place"], piece, hint="Is this the right file?")
    message = str(raised.value)
    assert "«Month»" in message and "«Place»" in message and "«Name»" not in message
    assert "Is this the right file?" in message and "a.csv" in message and str(tmp_path) not in message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b\n1,2,secret\n",  # a row longer than its header
        b"a,b\nsecret\n",
        b"\xff\xfea\x00,\x00s",  # UTF-16 cut in the middle of a letter
        gzip.compress(CSV.encode())[:-12],
        b"\x1f\x8b" + b"secret" * 20,
        b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 20,  # a sound gzip head, a spoilt body
    ],
)
def test_what_is_no_table_is_refused_in_plain_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    message = problem(Piece(tmp_path / "a.csv"))
    assert message.startswith("a.csv was not loaded; nothing was changed.")
    assert "secret" not in message


def test_every_file_of_a_folder_and_a_zip_is_found_in_order_of_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.mkdir("2024-01")
        archive.writestr("2024-02/two.csv", CSV)
        archive.writestr("2024-01/one.csv.gz", gzip.compress(CSV.encode()))
        archive.writestr("readme.txt", "no table")
    (tmp_path / "a.CSV").write_text(CSV)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "z.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    (tmp_path / "notes.docx").write_text("no table")
    found = list(files.pieces([tmp_path], (".csv",)))
    assert [p.name for p in found] == ["a.CSV", "b.zip › 2024-01/one.csv.gz", "b.zip › 2024-02/two.csv", "z.csv.gz"]
    assert [len(files.text_table(p)) for p in found] == [2, 2, 2, 2]
    assert {p.suffix for p in found} == {".csv"}


def test_what_systems_leave_beside_files_is_passed_over(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mac.zip", "w") as archive:  # as the Finder compresses a folder
        archive.writestr("2024-01/one.csv", CSV)
        archive.writestr("__MACOSX/2024-01/._one.csv", b"\x00\x05\x16\x07")
    (tmp_path / "._two.csv").write_bytes(b"\x00\x05\x16\x07")  # on shared drives
    (tmp_path / "~$three.xlsx").write_bytes(b"\x05lock")  # Excel, while the workbook is open
    assert names(tmp_path, (".csv", ".xlsx")) == ["mac.zip › 2024-01/one.csv"]


def test_a_zip_stays_whole_for_a_source_that_reads_zips(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("one.csv", CSV)
    assert names(tmp_path, (".zip",)) == ["b.zip"]


def test_a_file_that_is_not_there_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceProblem) as raised:
        list(files.pieces([tmp_path / "gone.csv"], (".csv",)))
    assert "gone.csv" in str(raised.value) and "no such file" in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(SourceProblem, match="damaged or cut short"):
        list(files.pieces([tmp_path / "a.zip"], (".csv",)))


def test_a_member_whose_content_was_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.csv", CSV)
    path.write_bytes(path.read_bytes().replace(b"alpha", b"aleph"))  # its checksum no longer fits
    (piece,) = files.pieces([path], (".csv",))
    assert "damaged" in problem(piece) and "aleph" not in problem(piece)


def test_a_member_locked_with_a_password_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.csv", CSV)
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag that says it is encrypted
        struct.pack_into("<H", content, content.index(mark) + place, 1)
    path.write_bytes(bytes(content))
    (piece,) = files.pieces([path], (".csv",))
    assert "password" in problem(piece)


def test_a_zip_that_unpacks_to_far_too_much_is_refused_unopened(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.csv", b"0" * 5_000_000)  # packs about a thousand to one; street files about 12 to one
    with pytest.raises(SourceProblem, match="unpacks to more"):
        list(files.pieces([tmp_path / "bomb.zip"], (".csv",)))
