"""The commands as people type them: what they say, how they end, and that nobody ever sees a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ASB, OTHER_FORCE, crime, street_file, text_file

from data import __main__ as commands
from data import publish, schema

ROOT = Path(__file__).parent.parent


@pytest.fixture
def type_in(capsys: pytest.CaptureFixture[str]):
    """Run one command in this process: its exit code, what it said, and what it complained of."""

    def run(*words: object) -> tuple[int, str, str]:
        code = commands.main([str(word) for word in words])
        said, complained = capsys.readouterr()
        assert "Traceback" not in said + complained
        return code, said, complained

    return run


def test_a_load_is_summed_up_in_plain_words(tiny: Path, tmp_path: Path, type_in) -> None:
    rows = [crime(n, month=month) for n, month in enumerate(["2023-11"] * 10 + ["2024-01"] * 10 + ["2024-04"] * 10)]
    rows += [crime(1, month="2023-11"), crime(None, kind=ASB), crime(40, at=None, lsoa="")]
    rows += [crime(41, kind="Sheep stealing"), crime(42, lsoa="E01999999"), crime(43, lsoa="E01999999")]
    code, said, complained = type_in("ingest", "police_uk", street_file(tmp_path / "a.csv", rows))
    assert (code, complained) == (0, "")
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert lines == [
        "police_uk: 1 file(s), 36 rows read",
        "accepted 32 of them without a place: 1",  # 30, anti-social behaviour and the one without a place
        "set aside 3",
        "2 outside the area",
        "1 crime type not in the list",
        "duplicate 1",
        "months Nov 2023 to Apr 2024, 3 supplied",
        "missing Dec 2023, Feb 2024 to Mar 2024",
        f"Current snapshot: {publish.current().name}",
    ]
    code, said, _ = type_in("ingest", "police_uk", tmp_path / "a.csv")
    assert code == 0 and "1 file(s) had been received before" in said and publish.current().name in said
    code, said, _ = type_in("ingest", "police_uk", "--again", tmp_path / "a.csv")
    assert code == 0 and "36 rows read" in said


def test_a_check_says_the_same_and_changes_nothing(tiny: Path, tmp_path: Path, type_in) -> None:
    before = sorted(p.name for p in (tiny / "snapshots").iterdir())
    path = street_file(tmp_path / "a.csv", [crime(1), crime(1), crime(2, force=OTHER_FORCE)])
    code, said, _ = type_in("check", "police_uk", path)
    assert code == 0
    assert "3 rows read" in said and "This was a check: nothing was changed." in said
    assert "Current snapshot" not in said
    assert sorted(p.name for p in (tiny / "snapshots").iterdir()) == before


def test_a_bad_file_ends_in_one_clear_message(tiny: Path, tmp_path: Path, type_in) -> None:
    bad = text_file(tmp_path / "bad.csv", ["Month,Secret", "2024-01,Secret value"])
    for command in ("ingest", "check"):
        code, said, complained = type_in(command, "police_uk", bad, tmp_path / "gone.csv")
        assert (code, said) == (1, "")
        assert "gone.csv was not loaded; nothing was changed." in complained
        code, said, complained = type_in(command, "police_uk", bad)
        assert (code, said) == (1, "")
        assert complained.startswith("bad.csv was not loaded; nothing was changed.")
        assert "«Crime ID»" in complained and "Secret value" not in complained


@pytest.mark.parametrize("words", [[], ["load"], ["ingest"], ["ingest", "polise", "a.csv"], ["rollback", "a", "b"]])
def test_words_that_are_no_command_are_answered_with_the_usage(words: list[str], type_in, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        type_in(*words)
    assert ended.value.code == 2
    assert "usage: python -m data" in capsys.readouterr().err


def test_snapshots_are_listed_and_rolled_back(bare: Path, tmp_path: Path, type_in) -> None:
    code, said, _ = type_in("snapshots")
    assert code == 0 and "Nothing has been published yet" in said
    code, _, complained = type_in("rollback")
    assert code == 1 and "no earlier snapshot" in complained
    one, two = (publish.publish(lambda _, n=n: {"rows": {"incidents": n}}).name for n in (1_234, 5))
    code, said, _ = type_in("snapshots")
    newest, oldest = said.splitlines()
    assert newest.startswith(two) and newest.endswith("current") and "5 incidents" in newest
    assert oldest.startswith(one) and "1,234 incidents" in oldest and "current" not in oldest
    code, said, _ = type_in("rollback")
    assert code == 0 and one in said and publish.current().name == one
    code, said, _ = type_in("rollback", two)
    assert code == 0 and publish.current().name == two
    code, _, complained = type_in("rollback", "20000101T000000Z-000")
    assert code == 1 and "no such snapshot" in complained


def test_the_dictionary_has_a_line_for_every_column_of_every_table(type_in) -> None:
    code, said, complained = type_in("dictionary")
    assert (code, complained) == (0, "")
    blocks = {block.splitlines()[0]: block.splitlines()[1:] for block in said.strip().split("\n\n")}
    assert set(blocks) == set(schema.TABLES)
    for table, fields in schema.TABLES.items():
        assert [line.split()[0] for line in blocks[table]] == list(fields)
        assert all(len(line.split()) > 3 for line in blocks[table])  # name, type and words


def test_a_load_while_another_is_published_is_asked_to_wait(tiny: Path, tmp_path: Path, type_in) -> None:
    (tiny / "snapshots" / "publishing").write_text(str(os.getpid()))  # the lock of a publisher that is alive
    code, _, complained = type_in("ingest", "police_uk", street_file(tmp_path / "a.csv", [crime(1)]))
    assert code == 1 and "try again" in complained


def test_an_error_of_ours_is_said_kindly_and_its_trace_kept_in_the_log(tiny: Path, type_in) -> None:
    # a manifest that lost a line: a KeyError, whose message would be a bare word
    snapshot = tiny / "snapshots" / "20990101T000000Z-000"
    snapshot.mkdir()
    (snapshot / "manifest.json").write_text('{"id": "20990101T000000Z-000", "rows": {}}')
    code, said, complained = type_in("snapshots")
    assert (code, said) == (1, "")
    assert complained.startswith("Something went wrong") and "errors.log" in complained
    assert "KeyError" in (tiny / "errors.log").read_text()


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch, type_in) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "file"))
    code, _, complained = type_in("ingest", "lookups", text_file(tmp_path / "a.csv", ["a,b", "1,2"]))
    assert code == 1 and "EXPLORER_DATA" in complained


def test_a_partnership_file_that_is_not_there_is_named(tiny: Path, tmp_path: Path, monkeypatch, type_in) -> None:
    monkeypatch.setenv("EXPLORER_PARTNERSHIP", str(tmp_path / "gone.toml"))
    code, _, complained = type_in("ingest", "police_uk", street_file(tmp_path / "a.csv", [crime(1)]))
    assert code == 1 and complained


def test_the_command_itself_ends_with_its_code_and_no_traceback(bare: Path, tmp_path: Path) -> None:
    bad = street_file(tmp_path / "a.csv", [crime(1)])  # no boundaries are loaded yet
    command = [sys.executable, "-m", "data", "ingest", "police_uk", str(bad)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert "Load boundaries first" in done.stderr and "Traceback" not in done.stderr
