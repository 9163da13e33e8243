"""The one way in: what a load counts, keeps, replaces and refuses, and what it leaves untouched. Map: see conftest."""

import gzip
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from conftest import (
    ASB,
    CENTRE,
    E1,
    E2,
    EAST,
    EXTRACT,
    LOOKUPS,
    OLD_MERGED,
    OLD_SPLIT,
    OTHER_FORCE,
    ROBBERY,
    STREET,
    W1,
    W2,
    W3,
    W4,
    WEST,
    crime,
    record,
    street_file,
    text_file,
)

from data import harmonise, ingest, publish
from data.errors import SourceProblem

ROOT = Path(__file__).parent.parent
AWAY = "E01999999"  # a small area of somewhere else
JANUARY, FEBRUARY, MARCH = (pd.Timestamp(2024, month, 1) for month in (1, 2, 3))


def load(*paths: Path, source: str = "police_uk", **how: object) -> ingest.Summary:
    return ingest.ingest(source, paths, **how)


def refused(*paths: Path, source: str = "police_uk") -> str:
    with pytest.raises(SourceProblem) as raised:
        load(*paths, source=source)
    return str(raised.value)


def incidents(source: str = "police_uk") -> pd.DataFrame:
    return pd.read_parquet(publish.current() / "restricted" / "incidents" / f"{source}.parquet")


def months(source: str = "police_uk") -> dict[str, int]:
    """Records by month."""
    return incidents(source)["month"].dt.strftime("%Y-%m").value_counts().sort_index().to_dict()


def loads() -> pd.DataFrame:
    return pd.read_parquet(publish.current() / "restricted" / "loads.parquet")


def counts(summary: ingest.Summary) -> tuple[int, int, int, int]:
    """Read, accepted, set aside, duplicate; of every file the first is the sum of the others."""
    for file in summary.loads:
        assert file.rows_read == file.accepted + file.quarantined + file.duplicate
    return tuple(summary.total(name) for name in ("rows_read", "accepted", "quarantined", "duplicate"))


def content(folder: Path) -> dict[str, str]:
    """Every file under a folder, with its content."""
    found = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


# ------------------------------------------------------------------------------------ what is taken and counted


def test_every_row_is_accepted_set_aside_or_a_duplicate(tiny: Path, tmp_path: Path) -> None:
    rows = [crime(n) for n in range(40)]  # 40 good ones
    rows += [crime(1), crime(2)]  # 2 that repeat a Crime ID
    rows += [crime(None, kind=ASB)] * 3  # 3 alike that have none: all of them records
    rows += [crime(50, kind="Sheep stealing"), crime(51, month="Jan 2024")]  # 2 of 56 not understood
    rows += [crime(60, lsoa=AWAY), crime(61, at=(441_000, 300_000), lsoa="")]  # 2 outside
    rows += [crime(70, at=None, lsoa=""), crime(71, at=None, lsoa="", force=OTHER_FORCE)]  # no place: ours, another's
    rows += [crime(80, at=None, lsoa=W2)] + [crime(n) for n in range(90, 94)]  # no point but a code; 4 more
    summary = load(street_file(tmp_path / "a.csv", rows))
    # 56 rows: 40 + 3 + 1 + 1 + 4 taken, 2 + 2 + 1 set aside, 2 repeated
    assert counts(summary) == (56, 49, 5, 2)
    assert summary.loads[0].unplaced == 1
    assert summary.loads[0].reasons == {
        "crime type not in the list": 1,
        "month is not written YYYY-MM": 1,
        harmonise.OUTSIDE: 2,
        harmonise.ELSEWHERE: 1,
    }
    held = incidents()
    assert len(held) == 49
    assert held["record_id"].is_unique
    assert (held["offence_group"] == "street_asb").sum() == 3
    assert (held["precision"] == "none").sum() == 1
    assert held.loc[held["precision"] == "lsoa", "lsoa_code"].tolist() == [W2]
    row = loads().query("source == 'police_uk'").iloc[0]
    told = ["rows_read", "accepted", "quarantined", "duplicate", "unplaced"]
    assert row[told].tolist() == [56, 49, 5, 2, 1]
    assert (row["first_month"], row["last_month"], row["status"]) == (JANUARY, JANUARY, "loaded")
    assert json.loads(row["reasons"])["set aside"][harmonise.OUTSIDE] == 2


def test_old_and_new_codes_land_in_the_areas_of_today(tiny: Path, tmp_path: Path) -> None:
    rows = [
        crime(1, lsoa=W1),  # unchanged since 2011
        *[crime(n + 2, lsoa=old, at=CENTRE[E2]) for n, old in enumerate(OLD_MERGED)],
        crime(4, lsoa=OLD_SPLIT, at=CENTRE[W3]),
        crime(5, lsoa=OLD_SPLIT, at=CENTRE[W4]),
        crime(6, lsoa=OLD_SPLIT, at=CENTRE[E2]),  # its point lies in neither part
        crime(7, lsoa=OLD_SPLIT, at=None),
        crime(8, lsoa=W4, at=CENTRE[W4]),  # a code of 2021
        crime(9, lsoa="", at=CENTRE[W2]),  # no code: by its point
    ]
    summary = load(street_file(tmp_path / "a.csv", rows, end="\r\n"))
    assert counts(summary) == (9, 9, 0, 0)
    assert summary.loads[0].notes["old area that was split, not settled by a point"] == 2
    assert incidents()["lsoa_code"].value_counts(dropna=False).to_dict() == {W1: 1, W2: 1, W3: 1, W4: 2, E2: 2} | {
        key: 2 for key in incidents()["lsoa_code"].unique() if pd.isna(key)
    }
    assert incidents()["authority_code"].value_counts().to_dict() == {WEST: 7, EAST: 2}


def test_plain_gzipped_and_zipped_files_load_together(tiny: Path, tmp_path: Path) -> None:
    january, february, march = (
        "\r\n".join([STREET, crime(1, month=month), crime(None, kind=ASB, month=month), ""])
        for month in ("2024-01", "2024-02", "2024-03")
    )
    folder = tmp_path / "delivery"
    folder.mkdir()
    (folder / "a.csv").write_bytes(january.encode())
    (folder / "b.csv.gz").write_bytes(gzip.compress(february.encode()))
    with zipfile.ZipFile(folder / "c.zip", "w") as archive:  # as data.police.uk hands it out
        archive.mkdir("2024-03")
        archive.writestr("2024-03/2024-03-marches-street.csv", march)
        archive.writestr("2024-03/2024-03-marches-outcomes.csv", "Crime ID,Month,Outcome type\n")
        archive.writestr("2024-03/2024-03-marches-stop-and-search.csv", "Type,Date\n")
    summary = load(folder)
    assert counts(summary) == (6, 6, 0, 0)
    assert len(summary.loads) == 3  # the other tables of the archive are passed over
    assert months() == {"2024-01": 2, "2024-02": 2, "2024-03": 2}


# --------------------------------------------------------------------------------------------- what is refused


def test_a_twentieth_of_unknown_wording_is_set_aside_by_line_and_reason(tiny: Path, tmp_path: Path) -> None:
    rows = [crime(n) for n in range(19)] + [crime(19, kind="Sheep stealing")]
    assert counts(load(street_file(tmp_path / "a.csv", rows))) == (20, 19, 1, 0)
    (path,) = (publish.current() / "parts" / "quarantine").glob("*.parquet")
    line = pd.read_parquet(path).iloc[0]
    assert (line["file"], line["line"]) == ("a.csv", 21)  # the header is line 1
    assert line["reason"] == "crime type not in the list"
    assert "Sheep" not in pd.read_parquet(path).to_csv()


def test_more_than_a_twentieth_refuses_the_file_and_says_so_without_quoting(tiny: Path, tmp_path: Path) -> None:
    before = content(tiny)
    rows = [crime(n) for n in range(18)] + [crime(18, kind="Sheep stealing"), crime(19, month="Secretember")]
    message = refused(street_file(tmp_path / "a.csv", rows))
    assert "a.csv was not loaded; nothing was changed." in message
    assert "crime type not in the list (1 row)" in message and "month is not written YYYY-MM (1 row)" in message
    assert "5%" in message
    assert "Sheep" not in message and "Secretember" not in message
    assert content(tiny) == before


def test_rows_of_elsewhere_fail_no_file_however_many(tiny: Path, tmp_path: Path) -> None:
    rows = [crime(1)] + [crime(n + 2, lsoa=AWAY) for n in range(99)]
    assert counts(load(street_file(tmp_path / "a.csv", rows))) == (100, 1, 99, 0)
    assert not list((publish.current() / "parts").glob("quarantine/*"))  # counted, not listed line by line


def test_one_bad_file_among_several_changes_nothing_and_every_problem_is_named(tiny: Path, tmp_path: Path) -> None:
    load(street_file(tmp_path / "first.csv", [crime(1)]))
    before = content(tiny)
    good = street_file(tmp_path / "a.csv", [crime(2, month="2024-02")])
    wrong = text_file(tmp_path / "b.csv", ["Month,Secret", "2024-02,Secret value"])
    torn = tmp_path / "c.csv.gz"
    torn.write_bytes(gzip.compress(b"Secret value" * 100)[:40])
    odd = street_file(tmp_path / "d.csv", [crime(3, kind="Sheep stealing")])
    message = refused(good, wrong, torn, odd)
    assert all(name in message for name in ("b.csv", "c.csv.gz", "d.csv"))
    assert "«Crime ID»" in message and "damaged" in message and "crime type not in the list" in message
    assert "a.csv" not in message
    assert "Secret value" not in message and "Sheep" not in message and str(tmp_path) not in message
    assert message.splitlines()[0].endswith("was not loaded; nothing was changed.")
    assert content(tiny) == before


def test_records_before_boundaries_are_refused_with_what_to_do(bare: Path, tmp_path: Path) -> None:
    message = refused(street_file(tmp_path / "a.csv", [crime(1)]))
    assert "Load boundaries first" in message
    assert publish.current() is None


def test_a_source_that_does_not_exist_and_files_of_no_use_are_named(tiny: Path, tmp_path: Path) -> None:
    path = text_file(tmp_path / "notes.docx", ["text"])
    assert "police_uk" in refused(path, source="polise")
    assert ".csv" in refused(path)
    assert "no such file" in refused(tmp_path / "gone.csv")


# ---------------------------------------------------------------------------------- loading again, and replacing


def test_the_same_file_twice_changes_nothing(tiny: Path, tmp_path: Path) -> None:
    path = street_file(tmp_path / "a.csv", [crime(1), crime(None, kind=ASB)])
    first = load(path)
    before = content(tiny)
    again = load(path)
    packed = tmp_path / "renamed.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))  # the same table in another coat
    third = load(packed)
    assert (again.snapshot, again.skipped, again.loads) == (first.snapshot, 1, [])
    assert (third.snapshot, third.skipped) == (first.snapshot, 1)
    assert content(tiny) == before


def test_the_same_table_twice_in_one_run_is_loaded_once(tiny: Path, tmp_path: Path) -> None:
    path = street_file(tmp_path / "a.csv", [crime(1), crime(None, kind=ASB), crime(None, kind=ASB)])
    shutil.copy(path, tmp_path / "b.csv")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    summary = load(path, tmp_path / "b.csv", tmp_path / "c.csv.gz", path)
    assert len(incidents()) == 3
    assert counts(summary) == (3, 3, 0, 0)
    assert summary.skipped == 2


def test_overlapping_releases_in_one_run_count_each_record_once(tiny: Path, tmp_path: Path) -> None:
    asb = [crime(None, kind=ASB, at=CENTRE[code], lsoa=code) for code in (W1, W1, W2)]
    one = street_file(tmp_path / "a.csv", [crime(1), crime(2), *asb])
    # a later release of the month: another order, one crime more, one report of anti-social behaviour more
    two = street_file(tmp_path / "b.csv", [*reversed(asb), asb[2], crime(3), crime(2), crime(1)])
    summary = load(one, two)
    # of 12 rows: 5 in the first; 1, 2 and three reports repeated in the second, 3 and one report new
    assert counts(summary) == (12, 7, 0, 5)
    assert [file.duplicate for file in summary.loads] == [0, 5]
    held = incidents()
    assert len(held) == 7 and held["record_id"].is_unique
    assert (held["offence_group"] == "street_asb").sum() == 4


def test_a_month_delivered_again_is_replaced_and_no_other(tiny: Path, tmp_path: Path) -> None:
    year = [crime(n, month=f"2024-{n % 3 + 1:02d}") for n in range(30)]  # ten crimes in each of three months
    quarter = street_file(tmp_path / "quarter.csv", year)
    load(quarter)
    assert months() == {"2024-01": 10, "2024-02": 10, "2024-03": 10}
    summary = load(street_file(tmp_path / "february.csv", [crime(n, month="2024-02") for n in (1, 4, 100)]))
    assert counts(summary) == (3, 3, 0, 0)  # what it replaces is no duplicate
    assert months() == {"2024-01": 10, "2024-02": 3, "2024-03": 10}
    assert loads().query("source == 'police_uk'")["status"].tolist() == ["loaded", "loaded"]  # parts of both are held
    load(street_file(tmp_path / "rest.csv", [crime(200, month="2024-01"), crime(201, month="2024-03")]))
    assert loads().query("source == 'police_uk'")["status"].tolist() == ["replaced", "loaded", "loaded"]
    assert load(quarter).skipped == 0  # what was replaced may come back
    assert months() == {"2024-01": 10, "2024-02": 10, "2024-03": 10}


def test_a_file_none_of_whose_rows_are_ours_is_not_read_again(tiny: Path, tmp_path: Path) -> None:
    elsewhere = street_file(tmp_path / "elsewhere.csv", [crime(1, lsoa=AWAY)])
    load(elsewhere)
    load(street_file(tmp_path / "ours.csv", [crime(2)]))
    assert load(elsewhere).skipped == 1


def test_again_loads_a_file_once_more_and_records_it_once(tiny: Path, tmp_path: Path) -> None:
    path = street_file(tmp_path / "a.csv", [crime(1, lsoa=OLD_SPLIT, at=None), crime(2)])
    first = load(path)
    kept = {name: file for name, file in content(tiny).items() if f"snapshots/{first.snapshot}" in name}
    # since then the lookup has learnt that the old area became W3 alone
    changed = [line.replace(f"{OLD_SPLIT},{W4},S", f"{W4},{W4},U") for line in LOOKUPS["recode.csv"]]
    load(text_file(tmp_path / "recode.csv", changed), source="lookups")
    assert set(incidents()["lsoa_code"].dropna()) == {W1}  # what is placed stays until it is loaded again
    again = load(path, again=True)
    assert again.snapshot != first.snapshot
    assert set(incidents()["lsoa_code"]) == {W1, W3}
    assert len(incidents()) == 2
    statuses = loads().query("source == 'police_uk'")["status"].tolist()
    assert statuses == ["replaced", "loaded"]
    assert {n: f for n, f in content(tiny).items() if f"snapshots/{first.snapshot}" in n} == kept  # untouched


# ------------------------------------------------------------------------------------------- partners' extracts


def extract(path: Path, *rows: str) -> Path:
    return text_file(path, [EXTRACT, *rows])


def test_late_records_of_an_extract_remove_no_other_month(tiny: Path, tmp_path: Path) -> None:
    january = [record(f"J{n}", when="2024-01-10 14:00", recorded="2024-01-12") for n in range(8)]
    load(extract(tmp_path / "january.csv", *january), source="police_extract")
    late = record("L1", when="2024-01-20 14:00", recorded="2024-02-03")  # happened in January, recorded in February
    unsaid = record("L2", when="2024-01-21 14:00", recorded="")  # nothing says when it was recorded
    anew = record("J0", code="5D", when="2024-01-10 14:00", recorded="2024-02-01")  # reclassified, and recorded anew
    own = [record(f"F{n}", when="2024-02-05 14:00", recorded="2024-02-06") for n in range(5)]
    summary = load(extract(tmp_path / "february.csv", late, unsaid, anew, *own), source="police_extract")
    assert counts(summary) == (8, 8, 0, 0)
    assert months("police") == {"2024-01": 10, "2024-02": 5}  # of January 8 and 2 late ones; one of the 8 is told anew
    assert incidents("police")["ho_code"].value_counts().to_dict() == {"8N": 14, "5D": 1}


def test_a_replaced_extract_is_said_to_be_and_may_come_back(tiny: Path, tmp_path: Path) -> None:
    first = extract(tmp_path / "first.csv", record("A1"), record("A2"))
    load(first, source="police_extract")
    load(extract(tmp_path / "second.csv", record("A1")), source="police_extract")
    held = loads().query("source == 'police'").set_index("file")["status"]
    assert held.to_dict() == {"first.csv": "replaced", "second.csv": "loaded"}
    assert load(first, source="police_extract").skipped == 0
    assert len(incidents("police")) == 2


def test_references_are_kept_as_pseudonyms_that_hold_within_a_folder(tiny: Path, tmp_path: Path) -> None:
    rows = [record("REF-SECRET-1"), record("REF-SECRET-1"), record("REF-SECRET-2")]  # a crime with two victims
    summary = load(extract(tmp_path / "a.csv", *rows), source="police_extract")
    assert counts(summary) == (3, 2, 0, 1)
    held = b"".join(p.read_bytes() for p in publish.current().rglob("*") if p.is_file())
    assert b"REF-SECRET" not in held
    assert ingest.salt() == ingest.salt() and len(ingest.salt()) == 32
    if os.name == "posix":
        assert not (tiny / "salt").stat().st_mode & 0o077  # nobody else may read it


# ------------------------------------------------------------------------------- dry runs, kills, and what is invented


def test_a_dry_run_counts_the_same_and_leaves_the_folder_as_it_was(tiny: Path, tmp_path: Path) -> None:
    path = street_file(tmp_path / "a.csv", [crime(1), crime(1), crime(2, lsoa=AWAY)])
    before = content(tiny / "snapshots")
    dry = load(path, dry_run=True)
    assert counts(dry) == (3, 1, 1, 1)
    assert dry.snapshot == publish.current().name
    assert content(tiny / "snapshots") == before
    assert counts(load(path)) == (3, 1, 1, 1)


def test_a_refused_load_leaves_nothing_behind(tiny: Path, tmp_path: Path) -> None:
    refused(street_file(tmp_path / "a.csv", [crime(1, kind="Sheep stealing")]))
    assert not list((tiny / "snapshots").glob(f"{publish.BUILDING}*"))


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a POSIX signal")
def test_a_kill_while_loading_leaves_the_old_snapshot_and_stops_no_later_load(tiny: Path, tmp_path: Path) -> None:
    first = load(street_file(tmp_path / "a.csv", [crime(1)]))
    held = content(tiny / "snapshots" / first.snapshot)
    street_file(tmp_path / "b.csv", [crime(2), crime(3, month="2024-02")])
    script = f"""
        import os, signal, sys
        from pathlib import Path
        sys.path.insert(0, {str(ROOT)!r})
        from data import ingest
        def killed(done, total):
            for file in done:
                yield file
                os.kill(os.getpid(), signal.SIGKILL)
        ingest.ingest("police_uk", [Path({str(tmp_path / "b.csv")!r})], progress=killed)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert list((tiny / "snapshots").glob(f"{publish.BUILDING}*"))  # it was killed half-way: the test tests something
    assert publish.current().name == first.snapshot
    assert content(publish.current()) == held
    load(tmp_path / "b.csv")
    assert months() == {"2024-01": 1, "2024-02": 1}  # January delivered again holds one crime


def test_real_data_do_not_join_invented_ones(tiny: Path, tmp_path: Path) -> None:
    load(street_file(tmp_path / "a.csv", [crime(1)]))
    publish.publish(lambda aside: {"rows": {}, "invented": True})  # what is held is now said to be made up
    assert "Load boundaries first" in refused(street_file(tmp_path / "b.csv", [crime(2)]))
    lookup = text_file(tmp_path / "authorities.csv", LOOKUPS["authorities.csv"])
    summary = load(lookup, source="lookups")
    facts = publish.manifest(publish.current())
    assert facts["invented"] is False and facts["id"] == summary.snapshot
    assert {p.name for p in (publish.current() / "parts").iterdir()} == {"lookups", "loads"}
    assert loads()["source"].tolist() == ["lookups"]


def test_a_load_that_was_overtaken_is_not_built_on_what_is_gone(tiny: Path, tmp_path: Path, monkeypatch) -> None:
    ours = street_file(tmp_path / "a.csv", [crime(1)])
    looked_up = ingest.geography_of

    def slowly(snapshot: Path) -> harmonise.Geography:  # while this load gets ready, somebody else publishes
        monkeypatch.setattr(ingest, "geography_of", looked_up)
        load(text_file(tmp_path / "extract.csv", [EXTRACT, record("A1")]), source="police_extract")
        return looked_up(snapshot)

    monkeypatch.setattr(ingest, "geography_of", slowly)
    with pytest.raises(publish.Busy, match="start this one again"):
        load(ours)
    assert counts(load(ours)) == (1, 1, 0, 0)
    assert len(incidents("police")) == 1


def test_many_files_share_two_processes_and_give_the_same(tiny: Path, tmp_path: Path, monkeypatch) -> None:
    for month in range(1, 5):
        rows = [crime(10 * month + n, month=f"2024-{month:02d}") for n in range(3)]
        street_file(tmp_path / "in" / f"{month}.csv", [*rows, crime(1, month=f"2024-{month:02d}", kind=ROBBERY)])
    alone = load(tmp_path / "in")
    held = incidents()
    monkeypatch.setattr(ingest, "FEWEST_SHARED", 2)
    monkeypatch.setattr(ingest, "SMALLEST_SHARED", 1)
    shared = load(tmp_path / "in", again=True)
    assert counts(shared) == counts(alone) == (16, 16, 0, 0)
    assert [f.piece.name for f in shared.loads] == ["1.csv", "2.csv", "3.csv", "4.csv"]
    pd.testing.assert_frame_equal(incidents(), held)
    street_file(tmp_path / "in" / "5.csv", [crime(500, kind="Sheep stealing")])
    assert "5.csv" in refused(tmp_path / "in")


# --------------------------------------------------------------------------------------------------- months held


def test_months_between_the_first_and_last_are_named_as_missing() -> None:
    assert ingest.months_missing([JANUARY, pd.Timestamp("2024-04-01"), JANUARY]) == [FEBRUARY, MARCH]
    assert ingest.months_missing([JANUARY]) == []
    assert ingest.months_missing([]) == []


def test_another_forces_file_does_not_stand_in_for_a_month_of_ours(tiny: Path, tmp_path: Path) -> None:
    load(street_file(tmp_path / "ours.csv", [crime(1)]))
    theirs = [crime(2, month="2024-02", force=OTHER_FORCE, lsoa=E1), crime(3, force=OTHER_FORCE, lsoa=E1)]
    # it replaces nothing of ours, and its crimes in our area count
    load(street_file(tmp_path / "theirs.csv", theirs))
    assert months() == {"2024-01": 2, "2024-02": 1}
    coverage = pd.read_parquet(publish.current() / "restricted" / "coverage.parquet")
    assert coverage["month"].tolist() == [JANUARY]  # February of our force was not supplied
