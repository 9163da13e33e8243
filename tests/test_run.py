"""The one command: what it asks of a machine, when it installs, and what it says where something is lacking."""

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import run

ROOT = Path(__file__).parent.parent


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the requirements, and in place of an environment's Python one that notes what it is asked."""
    for name in ("requirements.txt", "requirements-tests.txt"):
        (tmp_path / name).write_text("one==1\n")
    monkeypatch.setattr(run, "HERE", tmp_path)
    monkeypatch.setattr(run, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(run, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    return tmp_path


def pretend_python(folder: Path, code: int = 0) -> None:
    """A Python that writes down its arguments and ends with this code."""
    run.PYTHON.parent.mkdir(parents=True, exist_ok=True)
    run.PYTHON.write_text(f'#!/bin/sh\necho "$*" >> "{folder}/asked"\nexit {code}\n')
    run.PYTHON.chmod(0o755)


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text().splitlines() if (folder / "asked").exists() else []


posix = pytest.mark.skipif(os.name != "posix", reason="the pretended Python is a shell script")


def test_it_runs_on_a_machine_with_nothing_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import run"]
    )
    assert done.returncode == 0


def test_an_older_python_gets_as_far_as_the_message() -> None:
    source = (ROOT / "run.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))
    assert any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in tree.body)  # no annotation is run


@pytest.mark.parametrize("version", [(3, 7, 17), (3, 10, 12)])
def test_an_older_python_is_told_what_is_needed(bare_machine: Path, monkeypatch, version: tuple) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed"):
        run.prepare("requirements.txt")
    assert not run.VENV.exists()


def test_a_missing_venv_module_is_named_with_the_remedy(bare_machine: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)  # as Debian ships Python
    with pytest.raises(SystemExit, match="python3-venv"):
        run.prepare("requirements.txt")


def test_an_environment_that_cannot_be_made_is_no_traceback(bare_machine: Path, monkeypatch) -> None:
    (bare_machine / "file").write_text("")
    monkeypatch.setattr(run, "VENV", bare_machine / "file" / ".venv")
    monkeypatch.setattr(run, "PYTHON", bare_machine / "file" / ".venv" / "bin" / "python")
    with pytest.raises(SystemExit) as raised:
        run.prepare("requirements.txt")
    assert "could not be made" in str(raised.value)


@posix
def test_packages_are_installed_once_and_again_only_when_the_requirements_change(bare_machine, capsys) -> None:
    pretend_python(bare_machine)
    run.prepare("requirements.txt")
    assert "MB" in capsys.readouterr().out  # the size is said first
    run.prepare("requirements.txt")
    assert len(asked(bare_machine)) == 1
    assert asked(bare_machine)[0].startswith("-m pip install") and "requirements.txt" in asked(bare_machine)[0]
    run.prepare("requirements-tests.txt")
    run.prepare("requirements-tests.txt")
    assert len(asked(bare_machine)) == 2
    (bare_machine / "requirements.txt").write_text("one==2\n")
    run.prepare("requirements-tests.txt")  # it builds on the other
    run.prepare("requirements.txt")
    assert len(asked(bare_machine)) == 4


@posix
def test_a_failed_installation_says_so_and_is_tried_again(bare_machine: Path) -> None:
    pretend_python(bare_machine, code=1)
    for _ in range(2):
        with pytest.raises(SystemExit, match="could not be installed"):
            run.prepare("requirements.txt")
    assert len(asked(bare_machine)) == 2


def test_an_environment_whose_python_is_gone_is_made_anew(bare_machine: Path, monkeypatch) -> None:
    run.VENV.mkdir()
    (run.VENV / "installed-requirements.txt").write_text(run._hash("requirements.txt"))
    monkeypatch.setitem(sys.modules, "ensurepip", None)  # so that it stops where it would make one
    with pytest.raises(SystemExit, match="python3-venv"):
        run.prepare("requirements.txt")


@posix
def test_the_invented_partnership_is_published_only_where_nothing_is(bare_machine: Path) -> None:
    pretend_python(bare_machine)
    run.publish_if_empty()
    assert asked(bare_machine) == ["-m data demo"]
    (bare_machine / "data" / "snapshots").mkdir(parents=True)
    (bare_machine / "data" / "snapshots" / "current").write_text("some")
    run.publish_if_empty()
    assert len(asked(bare_machine)) == 1


@posix
def test_the_app_is_started_on_this_machine_only_and_its_address_is_said(bare_machine: Path, capsys) -> None:
    pretend_python(bare_machine)
    assert run.main([]) == 0
    started = asked(bare_machine)[-1]
    assert "streamlit run app.py" in started and "--server.address 127.0.0.1" in started
    port = started.split("--server.port ")[1].split()[0]
    assert f"http://127.0.0.1:{port}" in capsys.readouterr().out


@posix
def test_tests_are_run_with_the_words_that_follow_and_their_exit_code(bare_machine: Path) -> None:
    pretend_python(bare_machine)
    assert run.main(["tests", "-k", "walls"]) == 0
    assert asked(bare_machine)[-1] == "-m pytest -k walls"
    pretend_python(bare_machine, code=5)
    assert run.main(["tests"]) == 5


@pytest.mark.parametrize("words", [["test"], ["--help"], ["start", "tests"]])
def test_other_words_are_answered_with_the_two_commands(words: list[str], capsys) -> None:
    assert run.main(words) == 2
    assert "python run.py tests" in capsys.readouterr().out


def test_a_port_that_is_taken_is_passed_over(monkeypatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        assert run._free_port() > port


def test_a_port_that_is_free_is_used_and_one_that_is_no_number_is_refused(monkeypatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("PORT", str(port))
    assert run._free_port() == port
    for odd in ("eighty", "-1", "70000"):
        monkeypatch.setenv("PORT", odd)
        with pytest.raises(SystemExit, match="PORT"):
            run._free_port()
