"""One command from a bare machine: `python run.py` starts the app, `python run.py tests` runs the whole suite.

Makes `.venv` beside this file, installs the pinned requirements when they changed, publishes the invented
partnership if nothing is published yet. Standard library only; Linux, macOS and Windows.
"""

from __future__ import annotations  # so that an older Python gets as far as the message that says it is too old

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST = (3, 11)
SIZES = {
    "requirements.txt": "about 310 MB to fetch, 1.2 GB on disk",
    "requirements-tests.txt": "about 400 MB to fetch, 1.5 GB on disk",
}
FIRST_PORT = 8501


def main(words: list[str]) -> int:
    """Do what the words say; the exit code of what was started."""
    if words not in ([], ["tests"]) and words[:1] != ["tests"]:
        print("Use `python run.py` to start the app, or `python run.py tests` to run the tests.")
        return 2
    tests = words[:1] == ["tests"]
    prepare("requirements-tests.txt" if tests else "requirements.txt")
    if tests:
        return subprocess.call([str(PYTHON), "-m", "pytest", *words[1:]], cwd=HERE)
    publish_if_empty()
    return start()


def prepare(requirements: str) -> None:
    """A virtual environment that holds the pinned packages; nothing to do when it already does."""
    if sys.version_info < OLDEST:
        sys.exit(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is Python {sys.version.split()[0]}.")
    mark = VENV / f"installed-{requirements}"
    wanted = _hash(requirements)
    if PYTHON.exists() and mark.exists() and mark.read_text() == wanted:
        return
    if not PYTHON.exists():
        _make_venv()
    print(f"Installing the packages the app needs ({SIZES[requirements]}). This is done once.", flush=True)
    install = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "-r", requirements]
    if subprocess.call(install, cwd=HERE):
        sys.exit("The packages could not be installed; see the lines above. Nothing else was changed.")
    mark.write_text(wanted)


def _hash(requirements: str) -> str:
    """Of the requirements and, as tests build on them, of those they name."""
    text = (HERE / requirements).read_bytes()
    if requirements != "requirements.txt":
        text += (HERE / "requirements.txt").read_bytes()
    return hashlib.sha256(text).hexdigest()


def _make_venv() -> None:
    try:
        import ensurepip  # noqa: F401 - Debian ships Python without it
        import venv
    except ImportError:
        sys.exit("Python's venv module is missing. On Debian or Ubuntu: apt install python3-venv; then try again.")
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.create(VENV, with_pip=True)
    except (OSError, subprocess.CalledProcessError):
        sys.exit(f"The environment {VENV} could not be made: may this folder be written to, and is the disk full?")


def publish_if_empty() -> None:
    """The invented partnership, so that the first start shows something."""
    local = Path(os.environ.get("EXPLORER_DATA") or HERE / "data" / "local")
    if (local / "snapshots" / "current").exists():
        return
    print("Publishing the invented partnership, about a minute; all of its data are made up.", flush=True)
    if subprocess.call([str(PYTHON), "-m", "data", "demo"], cwd=HERE):
        sys.exit("The invented partnership could not be published; see the lines above.")


def start() -> int:
    """Streamlit on the loopback address, on the first free port."""
    port = _free_port()
    print(f"The app is at http://127.0.0.1:{port} on this machine only. Stop it with Ctrl+C.", flush=True)
    command = [
        str(PYTHON),
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.port",
        str(port),
        "--server.address",
        "127.0.0.1",
    ]
    try:
        return subprocess.call(command, cwd=HERE)
    except KeyboardInterrupt:
        return 0


def _free_port() -> int:
    told = os.environ.get("PORT", str(FIRST_PORT))
    if not told.isdigit() or not 0 < int(told) < 65_000:
        sys.exit("PORT must be a number from 1 to 64999, or not be set at all.")
    wanted = int(told)
    for port in range(wanted, wanted + 50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    sys.exit(f"No free port from {wanted} to {wanted + 49}.")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped.")
