"""Opens a small app in a real Chromium: one server, one page, and what went wrong on it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


def chromium() -> str:
    """Where the browser is; without one the test is skipped, and on a build machine it fails."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        needed = os.environ.get("EXPLORER_NEEDS_BROWSER")
        (pytest.fail if needed else pytest.skip)("no Chromium on this machine (PATH or CHROMIUM)")
    return found


@contextmanager
def opened(script: Path, *, wait_for: str) -> Iterator[SimpleNamespace]:
    """The app of one file in a browser: `page`, `elsewhere` (requests off the host), `errors`, `received` (bytes).

    Hidden files and other machines' settings play no part: the server runs in the folder of the script.
    """
    from playwright.sync_api import sync_playwright

    browser_path = chromium()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", "--server.headless=true"]
    command += ["--server.address=127.0.0.1", "--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    server = subprocess.Popen(
        command, cwd=script.parent, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL
    )
    try:
        _answers(f"{address}/_stcore/health")
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=browser_path, args=FLAGS)
            page = browser.new_page(viewport={"width": 1366, "height": 900})
            seen = SimpleNamespace(page=page, elsewhere=[], errors=[], received=[])
            page.on(
                "request",
                lambda r: None if r.url.startswith((address, "blob:", "data:")) else seen.elsewhere.append(r.url),
            )
            page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
            page.on("websocket", lambda s: s.on("framereceived", lambda frame: seen.received.append(len(frame))))
            page.goto(address)
            page.wait_for_selector(wait_for, timeout=60_000)
            yield seen
            browser.close()
    finally:
        server.terminate()
        server.wait()


def colours(page: object, area: dict) -> np.ndarray:
    """The pixels of a part of the page, as rows of red, green, blue."""
    from PIL import Image

    return np.asarray(Image.open(BytesIO(page.screenshot(clip=area))).convert("RGB")).astype(int)


def places_of(picture: np.ndarray, colour: list[int]) -> np.ndarray:
    """The pixels [left, top] of exactly this colour whose neighbours have it too."""
    same = (picture == colour).all(axis=2)
    inner = same.copy()
    for down, right in ((0, 3), (0, -3), (3, 0), (-3, 0)):
        inner &= np.roll(same, (down, right), axis=(0, 1))
    return np.argwhere(inner)[:, ::-1]


def until(true: object, *, seconds: float = 20) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.2)
    return False


def _answers(url: str) -> None:
    def up() -> bool:
        try:
            return urllib.request.urlopen(url, timeout=1).status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    assert until(up, seconds=60), "the app did not start"
