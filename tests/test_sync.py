"""Fetching open data: whole or not at all, going on where it broke off, from named hosts only. A local server plays
the publishers, with the faults that real ones and the networks between have."""

import hashlib
import io
import json
import threading
import time
import tomllib
import urllib.parse
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

from data import __main__ as commands
from data import definitions, ingest, publish, sync

REAL = Path(__file__).parent.parent.parent / "shared" / "real"
BODY = bytes(range(256)) * 12_000  # 3,072,000 bytes: more than one read, more than what counts as getting further
MEGABYTE = 1 << 20


class Site:
    """What the server has: by path a body, or what makes one of the query; and the faults of the next answers."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes | Callable[[dict], bytes]] = {}
        self.etags: dict[str, str | None] = {}
        self.faults: dict[str, list[str]] = {}
        self.asked: list[tuple[str, dict]] = []
        self.address = ""

    def put(self, path: str, body: bytes | Callable[[dict], bytes], etag: str | None = "auto") -> str:
        """Put something on the server; returns its address."""
        self.bodies[path] = body
        mark = f'"{hashlib.sha256(body).hexdigest()[:12]}"' if isinstance(body, bytes) else None
        self.etags[path] = mark if etag == "auto" else etag
        return self.address + path

    def headers(self, name: str) -> list[str | None]:
        """What each request said under a header."""
        return [sent.get(name) for _, sent in self.asked]


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            site.asked.append((self.path, dict(self.headers)))
            fault, _, detail = (site.faults.get(path) or [""]).pop(0).partition(" ")
            self.close_connection = True
            if path not in site.bodies or fault == "status":
                return self.answer(int(detail or 404), b"", {"Retry-After": "7"})
            if fault == "stall":
                time.sleep(0.9)
                return None
            if fault == "redirect":
                return self.answer(302, b"", {"Location": detail})
            body = site.bodies[path]
            body = body if isinstance(body, bytes) else body(dict(urllib.parse.parse_qsl(query)))
            return self.send_file(body, site.etags[path], fault, detail)

        def send_file(self, body: bytes, etag: str | None, fault: str, detail: str) -> None:
            marks = {"ETag": etag} if etag else {}
            if etag and self.headers.get("If-None-Match") == etag and fault != "unconditional":
                return self.answer(304, b"", marks)
            asked = self.headers.get("Range") if fault not in ("no-ranges", "cut-no-ranges") else None
            if asked and (self.headers.get("If-Range") == etag or fault == "ignore-if-range"):
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    return self.answer(416, b"", marks)
                said = f"bytes {start + (5 if fault == 'wrong-start' else 0)}-{len(body) - 1}/{len(body)}"
                return self.answer(206, body[start:], marks | {"Content-Range": said}, fault, detail)
            return self.answer(200, body, marks, fault, detail)

        def answer(self, code: int, body: bytes, headers: dict, fault: str = "", detail: str = "") -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            if fault == "chunked":
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"%x\r\n" % len(body) + body + (b"" if detail == "cut" else b"\r\n0\r\n\r\n"))
                return
            self.send_header("Content-Length", str(len(body) + (int(detail) if fault == "wrong-length" else 0)))
            self.end_headers()
            self.wfile.write(body[: int(detail)] if fault.startswith("cut") else body)

    return Handler


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "*")
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(site))
    server.handle_error = lambda *_: None  # a client that hangs up is part of the tests
    site.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield site
    server.shutdown()
    server.server_close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def line(site: Site, waits: list[float]) -> sync.Line:
    return sync.Line(frozenset([site.address]), timeout_s=0.6, attempts=3, sleep=waits.append)


def fetch(site: Site, line: sync.Line, folder: Path, path: str = "/a.csv", most: int = 10 * MEGABYTE) -> bool:
    return sync.download(site.address + path, folder / path.strip("/"), line=line, most_bytes=most)


def left_over(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


# --------------------------------------------------------------------------------------------------- one file


def test_a_file_arrives_whole_with_what_the_server_said_of_it(site: Site, line: sync.Line, tmp_path: Path) -> None:
    site.put("/a.csv", BODY, etag='"one"')
    assert fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == BODY
    said = json.loads((tmp_path / "a.csv.meta.json").read_text())
    assert (said["etag"], said["length"], said["sha256"]) == ('"one"', len(BODY), hashlib.sha256(BODY).hexdigest())
    assert left_over(tmp_path) == ["a.csv", "a.csv.meta.json"]


def test_a_finished_file_is_fetched_again_only_when_the_server_says_it_changed(
    site: Site, line: sync.Line, tmp_path: Path
) -> None:
    site.put("/a.csv", b"a,b\n1,2\n")
    assert fetch(site, line, tmp_path)
    assert not fetch(site, line, tmp_path)
    assert site.headers("If-None-Match")[1] == site.etags["/a.csv"]
    site.put("/a.csv", b"a,b\n3,4\n")
    assert fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == b"a,b\n3,4\n"


def test_a_file_sent_again_unchanged_is_nothing_new(site: Site, line: sync.Line, tmp_path: Path) -> None:
    site.put("/a.csv", BODY)
    assert fetch(site, line, tmp_path)
    site.faults["/a.csv"] = ["unconditional"]
    assert not fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == BODY
    assert left_over(tmp_path) == ["a.csv", "a.csv.meta.json"]


def test_a_server_without_marks_is_not_asked_again_for_a_while(site: Site, line: sync.Line, tmp_path: Path) -> None:
    site.put("/a.csv", b"a\n1\n", etag=None)
    assert fetch(site, line, tmp_path)
    assert not fetch(site, line, tmp_path)
    assert len(site.asked) == 1
    meta = tmp_path / "a.csv.meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"asked": time.time() - 31 * 86_400}))
    assert not fetch(site, line, tmp_path)  # asked, and the same came
    assert len(site.asked) == 2


def test_the_same_file_from_another_address_is_fetched_anew(site: Site, line: sync.Line, tmp_path: Path) -> None:
    site.put("/a.csv", b"a\n1\n")
    site.put("/b.csv", b"a\n2\n")
    assert fetch(site, line, tmp_path)
    assert sync.download(f"{site.address}/b.csv", tmp_path / "a.csv", line=line, most_bytes=100)
    assert (tmp_path / "a.csv").read_bytes() == b"a\n2\n"


# ------------------------------------------------------------------------------------------ broken connections


def test_a_truncated_reply_goes_on_where_it_broke_off(
    site: Site, line: sync.Line, waits: list[float], tmp_path: Path
) -> None:
    site.put("/a.csv", BODY, etag='"one"')
    site.faults["/a.csv"] = ["cut 1000000", "cut 500000"]
    assert fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == BODY
    assert site.headers("Range") == [None, "bytes=1000000-", "bytes=1500000-"]
    assert site.headers("If-Range") == [None, '"one"', '"one"']
    assert waits == [2.0, 4.0]  # 2 and 4 seconds: longer each time


def test_a_download_goes_on_in_the_next_run(site: Site, line: sync.Line, tmp_path: Path) -> None:
    site.put("/a.csv", BODY, etag='"one"')
    site.faults["/a.csv"] = ["cut 400000", "cut 0", "cut 0"]
    with pytest.raises(sync.Failed, match=r"ended before the file did \(3 tries in a row; what came so far is kept\)"):
        fetch(site, line, tmp_path)
    assert left_over(tmp_path) == ["a.csv.part", "a.csv.part.meta.json"]
    assert fetch(site, line, tmp_path)
    assert site.headers("Range")[-1] == "bytes=400000-"
    assert (tmp_path / "a.csv").read_bytes() == BODY


def test_tries_are_counted_anew_while_a_download_gets_further(site: Site, line: sync.Line, tmp_path: Path) -> None:
    big = BODY * 3  # 9.2 MB, broken off after every 1.5 MB: six times, where three tries in a row are allowed
    site.put("/a.csv", big)
    site.faults["/a.csv"] = ["cut 1500000"] * 6
    assert fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == big


def test_a_server_that_ignores_ranges_is_read_from_the_start(site: Site, line: sync.Line, tmp_path: Path) -> None:
    site.put("/a.csv", BODY)
    site.faults["/a.csv"] = ["cut 1000000", "no-ranges"]
    assert fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == BODY


def test_a_server_that_ignores_ranges_and_always_breaks_off_is_given_up(
    site: Site, line: sync.Line, waits: list[float], tmp_path: Path
) -> None:
    site.put("/a.csv", BODY)
    site.faults["/a.csv"] = ["cut-no-ranges 2000000"] * 9
    with pytest.raises(sync.Failed, match="ended before"):
        fetch(site, line, tmp_path)
    assert len(site.asked) <= 4  # the first two megabytes count as getting further, the same ones again do not


@pytest.mark.parametrize("fault", ["", "ignore-if-range"])
def test_a_file_that_changed_in_between_is_fetched_from_the_start(
    site: Site, line: sync.Line, tmp_path: Path, fault: str
) -> None:
    site.put("/a.csv", BODY, etag='"one"')
    site.faults["/a.csv"] = ["cut 1000000", "cut 0", "cut 0"]
    with pytest.raises(sync.Failed):
        fetch(site, line, tmp_path)
    later = BODY[::-1]
    site.put("/a.csv", later, etag='"two"')
    site.faults["/a.csv"] = [fault]
    assert fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == later


def test_a_part_with_only_a_weak_mark_is_not_gone_on_with(site: Site, line: sync.Line, tmp_path: Path) -> None:
    site.put("/a.csv", BODY, etag='W/"one"')
    site.faults["/a.csv"] = ["cut 1000000"]
    assert fetch(site, line, tmp_path)
    assert site.headers("Range") == [None, None]


def test_a_range_that_starts_elsewhere_is_not_put_together(site: Site, line: sync.Line, tmp_path: Path) -> None:
    site.put("/a.csv", BODY)
    site.faults["/a.csv"] = ["cut 1000000", "wrong-start"]
    assert fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == BODY


def test_a_part_beyond_the_end_is_thrown_away(site: Site, line: sync.Line, tmp_path: Path) -> None:
    address = site.put("/a.csv", b"a\n1\n", etag='"one"')
    (tmp_path / "a.csv.part").write_bytes(b"x" * 99)
    (tmp_path / "a.csv.part.meta.json").write_text(json.dumps({"url": address, "etag": '"one"', "length": 4}))
    assert fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == b"a\n1\n"


def test_a_download_killed_before_it_was_moved_needs_no_network(site: Site, line: sync.Line, tmp_path: Path) -> None:
    (tmp_path / "a.csv.part").write_bytes(b"a\n1\n")
    facts = {"url": f"{site.address}/a.csv", "etag": '"one"', "modified": None, "length": 4}
    (tmp_path / "a.csv.part.meta.json").write_text(json.dumps(facts))
    assert fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == b"a\n1\n" and site.asked == []


@pytest.mark.parametrize("fault", ["wrong-length 10", "chunked cut"])
def test_a_length_that_is_never_reached_is_no_file(site: Site, line: sync.Line, tmp_path: Path, fault: str) -> None:
    site.put("/a.csv", b"a\n1\n", etag=None)
    site.faults["/a.csv"] = [fault] * 9
    with pytest.raises(sync.Failed, match="connection"):
        fetch(site, line, tmp_path)
    assert not (tmp_path / "a.csv").exists()


def test_a_file_of_untold_length_arrives(site: Site, line: sync.Line, tmp_path: Path) -> None:
    site.put("/a.csv", BODY)
    site.faults["/a.csv"] = ["chunked"]
    assert fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == BODY


def test_a_server_that_does_not_answer_in_time_is_asked_again(site: Site, line: sync.Line, tmp_path: Path) -> None:
    site.put("/a.csv", b"a\n1\n")
    site.faults["/a.csv"] = ["stall", "stall"]
    assert fetch(site, line, tmp_path)
    site.faults["/a.csv"] = ["stall"] * 3
    (tmp_path / "a.csv.meta.json").unlink()
    with pytest.raises(sync.Failed, match="did not answer in time"):
        fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == b"a\n1\n"  # what was there stays


def test_a_busy_server_is_left_alone_as_long_as_it_asks(
    site: Site, line: sync.Line, waits: list[float], tmp_path: Path
) -> None:
    site.put("/a.csv", b"a\n1\n")
    site.faults["/a.csv"] = ["status 503", "status 429"]
    assert fetch(site, line, tmp_path)
    assert waits == [7, 7]  # Retry-After


@pytest.mark.parametrize(("code", "words"), [(404, "nothing at its address"), (403, "refuses"), (410, "any more")])
def test_what_is_not_there_is_not_asked_for_twice(
    site: Site, line: sync.Line, waits: list[float], tmp_path: Path, code: int, words: str
) -> None:
    site.put("/a.csv", b"a\n1\n")
    site.faults["/a.csv"] = [f"status {code}"]
    with pytest.raises(sync.Failed, match=words):
        fetch(site, line, tmp_path)
    assert len(site.asked) == 1 and waits == []


def test_nobody_there_is_said_in_words(line: sync.Line, site: Site, tmp_path: Path) -> None:
    nobody = sync.Line(frozenset(["http://127.0.0.1:9"]), timeout_s=0.3, attempts=2, sleep=lambda _: None)
    with pytest.raises(sync.Failed, match="is there a network"):
        sync.download("http://127.0.0.1:9/a", tmp_path / "a", line=nobody, most_bytes=1)


# --------------------------------------------------------------------------------------- what is not taken


@pytest.mark.parametrize("fault", ["", "chunked"])
def test_more_than_was_asked_for_is_not_taken(site: Site, line: sync.Line, tmp_path: Path, fault: str) -> None:
    site.put("/a.csv", BODY)
    site.faults["/a.csv"] = [fault]
    with pytest.raises(sync.Failed, match="larger"):
        fetch(site, line, tmp_path, most=MEGABYTE)
    assert left_over(tmp_path) == []


def test_a_sign_in_page_in_place_of_a_file_is_not_taken(site: Site, line: sync.Line, tmp_path: Path) -> None:
    site.put("/a.csv", b"\n<!DOCTYPE html><p>Please sign in, Alex Example</p>")
    site.put("/a.zip", b"not a zip")
    for path in ("/a.csv", "/a.zip"):
        with pytest.raises(sync.Failed, match="sign-in page") as problem:
            fetch(site, line, tmp_path, path)
        assert "Alex" not in str(problem.value)
    assert left_over(tmp_path) == []


def test_redirects_are_followed_to_named_hosts_only(site: Site, line: sync.Line, tmp_path: Path) -> None:
    site.put("/a.csv", b"")
    site.put("/b.csv", b"a\n1\n")
    site.faults["/a.csv"] = ["redirect /b.csv"]
    assert fetch(site, line, tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == b"a\n1\n"
    port = int(site.address.rpartition(":")[2])
    for place in (f"http://localhost:{port}/b.csv", f"https://127.0.0.1:{port}/b.csv", "http://127.0.0.1/b.csv"):
        site.faults["/a.csv"] = [f"redirect {place}"]
        with pytest.raises(sync.Failed, match="host that sync"):
            fetch(site, line, tmp_path)
    site.faults["/a.csv"] = ["redirect file:///etc/hostname"]
    with pytest.raises(sync.Failed):
        fetch(site, line, tmp_path)


@pytest.mark.parametrize(
    "address",
    ["http://data.police.uk/a", "https://data.police.uk.example.org/a", "file:///a", "https://x@data.police.uk/"],
)
def test_only_the_hosts_named_are_spoken_to_and_only_over_https(tmp_path: Path, address: str) -> None:
    line = sync.Line(frozenset(["https://data.police.uk"]))
    with pytest.raises(sync.Failed, match="does not name"):
        sync.download(address, tmp_path / "a", line=line, most_bytes=1)


# ------------------------------------------------------------------------------------------ what is fetched


ENTRY = """
[fetch.{name}]
source = "{source}"
address = "https://data.example.org{path}"
file = "{file}"
most_mb = 5
licence = "Open Government Licence v3.0"
confirmed = ""
{more}
"""


def entry(name: str, source: str, path: str, file: str, more: str = "") -> str:
    return ENTRY.format(name=name, source=source, path=path, file=file, more=more)


def listing(folder: Path, *entries: str) -> Path:
    path = folder / "sync.toml"
    head = 'hosts = ["data.example.org"]\ntimeout_s = 20\nattempts = 2\nask_again_days = 30\n'
    path.write_text(head + "".join(entries), encoding="utf-8")
    return path


def run(site: Site, folder: Path, path: Path) -> tuple[list[str], list[str]]:
    """What was fetched, and what was said."""
    said: list[str] = []
    base = {"data.example.org": site.address}
    return sync.sync(folder=folder, base=base, say=said.append, sleep=lambda _: None, path=path), said


NAMES = b"msoa21cd,msoa21hclnm\nE02000001,City of London\n"
TWO_AREAS = [("E01000001", -1.10), ("E01000002", -1.09)]


def shapes(query: dict) -> bytes:
    """Two small areas beside each other near Basingstoke, a page at a time, as the boundary service gives them."""
    start, most = int(query["resultOffset"]), int(query["resultRecordCount"])
    some = [
        {
            "type": "Feature",
            "properties": {"LSOA21CD": code, "LSOA21NM": code},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[x, 51.26], [x + 0.01, 51.26], [x + 0.01, 51.27], [x, 51.27], [x, 51.26]]],
            },
        }
        for code, x in TWO_AREAS[start : start + most]
    ]
    return json.dumps({"type": "FeatureCollection", "features": some}).encode()


def pairs(query: dict) -> bytes:
    start, most = int(query["resultOffset"]), int(query["resultRecordCount"])
    rows = [{"attributes": {"LSOA21CD": code, "LAD24CD": "E07000084"}} for code, _ in TWO_AREAS]
    more = start + most < len(rows)
    return json.dumps({"features": rows[start : start + most], "exceededTransferLimit": more}).encode()


def people(query: dict) -> bytes:
    rows = [
        f"2022,{code},{sex},Aged {age} years,{age}"
        for code in query["geography"].split(",")
        for sex in ("Male", "Female")
        for age in range(90)
    ]
    return "\n".join(["DATE_NAME,GEOGRAPHY_CODE,GENDER_NAME,C_AGE_NAME,OBS_VALUE", *rows]).encode()


def street(force: str, month: str, n: int) -> bytes:
    head = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
    ids = [hashlib.sha256(f"{month}{i}".encode()).hexdigest() for i in range(n)]
    rows = [f"{i},{month},{force},{force},-1.095,51.265,On or near Road,E01000001,x,Robbery,," for i in ids]
    return "\r\n".join([head + "Last outcome category,Context", *rows]).encode()


def archive(months: dict[str, int]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for month, n in months.items():
            name = f"{month}/{month}-hampshire-street.csv"
            packed.writestr(name, street("Hampshire Constabulary", month, n))
            packed.writestr(name.replace("hampshire", "dorset"), street("Dorset Police", month, 9))
            packed.writestr(name.replace("hampshire", "new-hampshire"), street("New Hampshire", month, 9))
            packed.writestr(name.replace("street", "outcomes"), b"Crime ID\r\n")
    return content.getvalue()


WHOLE = (
    entry(
        "pairs",
        "lookups",
        "/pairs?{authorities}&resultOffset={offset}&resultRecordCount={page}",
        "pairs.csv",
        "page = 1\ntable = true",
    ),
    entry(
        "areas",
        "boundaries",
        "/areas?box={box}&resultOffset={offset}&resultRecordCount={page}",
        "areas.geojson",
        "page = 1",
    ),
    entry("people", "population", "/people?geography={lsoas}", "people.csv", "each = 1"),
    entry("crime", "police_uk", "/archive/latest.zip", "crime.zip", 'members = "*/????-??-{force}-street.csv"'),
)


def publishers(site: Site) -> None:
    site.put("/pairs", pairs)
    site.put("/areas", shapes)
    site.put("/people", people)
    site.put("/archive/latest.zip", archive({"2024-01": 5, "2024-02": 7}))


def test_everything_listed_is_fetched_and_loaded_and_a_second_run_changes_nothing(site: Site, tmp_path: Path) -> None:
    publishers(site)
    path = listing(tmp_path, *WHOLE)
    fetched, said = run(site, tmp_path, path)
    assert fetched == [
        *("pairs-000.json", "pairs-001.json"),
        *("areas-000.geojson", "areas-001.geojson", "areas-002.geojson"),  # the third shows that there are no more
        *("people-000.csv", "people-001.csv", "crime-hampshire.zip"),
    ]
    assert said[-1] == "8 file(s) fetched."
    rows = publish.manifest(publish.current(tmp_path))["rows"]
    assert rows["incidents"] == 12  # 5 and 7 of this force; the 36 of the others never left the archive
    assert {code for sent, _ in site.asked if "%27E07000084%27" in sent for code in [sent.split("?")[0]]} == {"/pairs"}
    raw = tmp_path / "raw" / "open" / "police_uk"
    assert left_over(raw) == ["crime-hampshire.zip", "crime.zip.meta.json"]  # the archive itself is not kept

    # a second run fetches nothing and changes nothing
    before, asked = publish.current(tmp_path), len(site.asked)
    fetched, said = run(site, tmp_path, path)
    assert fetched == [] and said[-1] == "Nothing new was fetched."
    assert publish.current(tmp_path) == before
    again = site.asked[asked:]  # the only server that can say whether its file changed
    assert [sent for sent, _ in again] == ["/archive/latest.zip"]
    site.put("/archive/latest.zip", archive({"2024-02": 7, "2024-03": 4}))
    assert run(site, tmp_path, path)[0] == ["crime-hampshire.zip"]
    assert publish.manifest(publish.current(tmp_path))["rows"]["incidents"] == 16  # January is kept: 5, 7 and 4


def test_an_archive_fetched_but_not_yet_unpacked_is_unpacked_in_the_next_run(site: Site, tmp_path: Path) -> None:
    publishers(site)
    path = listing(tmp_path, WHOLE[-1])
    raw = tmp_path / "raw" / "open" / "police_uk"
    with pytest.raises(sync.Incomplete, match="Load boundaries first"):  # fetched and unpacked, but not placed
        run(site, tmp_path, path)
    (raw / "crime.zip").write_bytes(archive({"2024-01": 5, "2024-02": 7}))  # as a kill after the download leaves it
    (raw / "crime-hampshire.zip").unlink()
    with pytest.raises(sync.Incomplete, match="Load boundaries first"):
        run(site, tmp_path, path)
    assert left_over(raw) == ["crime-hampshire.zip", "crime.zip.meta.json"]


def test_what_fails_stops_nothing_else_and_is_named_at_the_end(site: Site, tmp_path: Path) -> None:
    site.put("/names.csv", NAMES)
    site.put("/broken.csv", b"colour,taste\nred,Alex Example\n")
    path = listing(
        tmp_path,
        entry("missing", "lookups", "/missing.csv", "missing.csv"),
        entry("broken", "lookups", "/broken.csv", "broken.csv"),
        entry("names", "lookups", "/names.csv", "names.csv"),
        entry("people", "population", "/people?{lsoas}", "people.csv", "each = 1"),
    )
    with pytest.raises(sync.Incomplete) as problem:
        run(site, tmp_path, path)
    words = str(problem.value)
    assert words.startswith("3 thing(s) did not work:")
    assert "missing was not fetched: there is nothing at its address (404)" in words
    assert "broken was fetched but not loaded" in words
    assert "people was not fetched: there are no small areas yet" in words
    assert "Alex" not in words and site.address not in words
    assert problem.value.fetched == ["broken.csv", "names.csv"]
    assert publish.manifest(publish.current(tmp_path))["rows"]["lookups"] == 1


def test_a_server_that_never_answers_is_not_tried_for_everything_it_has(site: Site, tmp_path: Path) -> None:
    entries = [entry(f"names{i}", "lookups", f"/{i}.csv", f"{i}.csv") for i in range(5)]
    waits: list[float] = []
    with pytest.raises(sync.Incomplete, match="names4 was not fetched: its server could not be reached") as problem:
        sync.sync(
            folder=tmp_path,
            base={"data.example.org": "http://127.0.0.1:9"},
            say=lambda _: None,
            sleep=waits.append,
            path=listing(tmp_path, *entries),
        )
    assert len(waits) == 1  # two tries for the first, none for the others
    assert str(problem.value).startswith("5 thing(s) did not work")


def test_a_damaged_archive_and_one_without_the_force_are_said_so(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = archive({"2024-01": 50})
    damaged = whole[:60] + bytes(40) + whole[100:]
    path = listing(tmp_path, WHOLE[-1])
    site.put("/archive/latest.zip", damaged)
    with pytest.raises(sync.Incomplete, match="archive is damaged"):
        run(site, tmp_path, path)
    assert left_over(tmp_path / "raw" / "open" / "police_uk") == []
    site.put("/archive/latest.zip", whole)
    ours = (definitions.HERE / "partnership.toml").read_text(encoding="utf-8")
    for force, words in (("rutland", "no file of the configured force"), ("", "does not say its force")):
        other = tmp_path / f"partnership-{force}.toml"
        other.write_text(ours.replace('police_uk_force = "hampshire"', f'police_uk_force = "{force}"'), "utf-8")
        monkeypatch.setenv("EXPLORER_PARTNERSHIP", str(other))
        with pytest.raises(sync.Incomplete, match=words):
            run(site, tmp_path, path)


@pytest.mark.parametrize("answer", [b'{"error": {"message": "Alex Example"}}', b"[]", b"not json"])
def test_an_error_in_place_of_records_is_not_taken_for_them(site: Site, tmp_path: Path, answer: bytes) -> None:
    site.put("/pairs", answer)
    with pytest.raises(sync.Incomplete, match="something else than records") as problem:
        run(site, tmp_path, listing(tmp_path, WHOLE[0]))
    assert "Alex" not in str(problem.value)
    assert left_over(tmp_path / "raw" / "open" / "lookups") == []


def test_pages_of_a_longer_answer_do_not_outlive_it(site: Site, tmp_path: Path) -> None:
    site.put("/pairs", pairs)
    path = listing(tmp_path, WHOLE[0])
    run(site, tmp_path, path)
    raw = tmp_path / "raw" / "open" / "lookups"
    assert len((raw / "pairs.csv").read_text().splitlines()) == 3  # the headings and two pairs
    for meta in raw.glob("*.meta.json"):
        meta.unlink()
    site.put(
        "/pairs", json.dumps({"features": [{"attributes": {"LSOA21CD": "E01000001", "LAD24CD": "E07000084"}}]}).encode()
    )
    site.bodies["/pairs"] = lambda query: (
        pairs({"resultOffset": query["resultOffset"], "resultRecordCount": "9"})
        if query["resultOffset"] == "0"
        else b'{"features": []}'
    )
    run(site, tmp_path, path)
    assert not (raw / "pairs-002.json").exists()
    assert len((raw / "pairs.csv").read_text().splitlines()) == 3


def test_how_far_a_download_is_is_told(site: Site, tmp_path: Path) -> None:
    site.put("/names.csv", NAMES)
    told: list[tuple[str, int, int | None]] = []
    sync.sync(
        folder=tmp_path,
        base={"data.example.org": site.address},
        say=lambda _: None,
        progress=lambda *state: told.append(state),
        path=listing(tmp_path, entry("names", "lookups", "/names.csv", "names.csv")),
    )
    assert told[-1] == ("names.csv", len(NAMES), len(NAMES))


def test_the_command_ends_with_1_where_something_failed(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    monkeypatch.setattr(
        sync.sync,
        "__kwdefaults__",
        sync.sync.__kwdefaults__
        | {
            "base": {"data.example.org": site.address},
            "path": listing(tmp_path, entry("missing", "lookups", "/missing.csv", "missing.csv")),
        },
    )
    assert commands.main(["sync"]) == 1
    shown = capsys.readouterr()
    assert "missing was not fetched" in shown.err and "Traceback" not in shown.err
    site.put("/missing.csv", NAMES)
    assert commands.main(["sync"]) == 0


# ------------------------------------------------------------------------------------------------- sync.toml


def test_sync_toml_names_https_addresses_on_named_hosts_for_sources_that_can_be_loaded() -> None:
    settings, entries = sync.listed()
    assert {e.source for e in entries} == {
        "lookups",
        "boundaries",
        "population",
        "deprivation",
        "fingertips",
        "police_uk",
    }
    assert [e.source for e in entries].index("lookups") < [e.source for e in entries].index("boundaries")
    assert len({(e.source, e.file) for e in entries}) == len(entries)
    for e in entries:
        split = urllib.parse.urlsplit(e.address)
        assert split.scheme == "https" and split.netloc in settings["hosts"], e.name
        assert e.source in ingest.SOURCES and e.licence and e.note, e.name
        assert ("{offset}" in e.address) == bool(e.page) and ("{lsoas}" in e.address) == bool(e.each), e.name
        assert 0 < e.most_mb <= 4000 and "/" not in e.file, e.name
        facts = dict.fromkeys(
            ("force", "force_area", "authorities", "box", "indicators", "lsoas", "offset", "page"), "1"
        )
        assert "{" not in (e.address + e.members).format_map(facts)
    assert all("/" not in host and host == host.lower() for host in settings["hosts"])


def test_sync_toml_says_what_was_not_confirmed() -> None:
    text = sync.LISTED.read_text(encoding="utf-8")
    assert "could be reached from where it was written" in text
    for name, said in tomllib.loads(text)["fetch"].items():
        assert said["confirmed"] == "" or pd.Timestamp(said["confirmed"]), name


# ---------------------------------------------------------------------------------------------------- real files


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="../shared is not here")
def test_real_boundaries_and_street_crime_arrive_through_a_bad_line(site: Site, tmp_path: Path) -> None:
    """All 2025 files of two forces as one archive, cut off twice; the areas in two pages; the real lookup."""
    import geopandas as gpd

    lsoas = gpd.read_file(REAL / "geography" / "hiow_boundaries_bgc.gpkg", layer="lsoa2021")
    lsoas = lsoas[["LSOA21CD", "LSOA21NM", "LADCD_ACTIVE", "geometry"]]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as whole:
        for path in sorted((REAL / "police_uk").glob("*_street_2025-01_2025-12.zip")):
            with zipfile.ZipFile(path) as one:
                for info in one.infolist():
                    if not info.is_dir():
                        whole.writestr(info.filename, one.read(info))

    def page(query: dict) -> bytes:
        start = int(query["resultOffset"])
        return lsoas.iloc[start : start + int(query["resultRecordCount"])].to_json().encode()

    site.put("/areas", page)
    site.put("/archive/latest.zip", content.getvalue())
    site.faults["/archive/latest.zip"] = ["cut 9000000", "cut 9000000"]
    more = entry(
        "areas",
        "boundaries",
        "/areas?resultOffset={offset}&resultRecordCount={page}",
        "lsoa_2021.geojson",
        "page = 700",
    )
    crime = WHOLE[-1].replace("most_mb = 5", "most_mb = 200")
    fetched, _ = run(site, tmp_path, listing(tmp_path, more.replace("most_mb = 5", "most_mb = 100"), crime))
    assert fetched == ["lsoa_2021-000.geojson", "lsoa_2021-001.geojson", "crime-hampshire.zip"]
    rows = publish.manifest(publish.current(tmp_path))["rows"]
    # 164,975 rows in the 12 Hampshire files; a hundred or so lie outside the area (README of the real files)
    assert 164_975 - 200 < rows["incidents"] < 164_975
    assert [h for h in site.headers("Range") if h] == ["bytes=9000000-", "bytes=18000000-"]
