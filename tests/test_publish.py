"""Snapshots: built aside, swapped in by one pointer, kept, rolled back, safe from a kill at any step."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from data import publish

ROOT = Path(__file__).parent.parent


def content(text: str):
    """A build that leaves one file behind."""

    def build(aside: Path) -> dict:
        (aside / "parts").mkdir(exist_ok=True)
        for old in (aside / "parts").glob("*"):
            old.unlink()
        (aside / "parts" / "a.txt").write_text(text)
        return {"rows": {"incidents": len(text)}}

    return build


def read(folder: Path) -> str:
    return (publish.current(folder) / "parts" / "a.txt").read_text()


def test_nothing_is_current_before_the_first_publish(tmp_path: Path) -> None:
    assert publish.current(tmp_path) is None
    assert publish.kept(tmp_path) == []


def test_a_snapshot_is_swapped_in_and_its_files_cannot_be_written(tmp_path: Path) -> None:
    publish.publish(content("one"), tmp_path)
    assert read(tmp_path) == "one"
    mode = (publish.current(tmp_path) / "parts" / "a.txt").stat().st_mode
    assert not mode & 0o222


def test_a_build_that_fails_leaves_the_old_snapshot_and_no_litter(tmp_path: Path) -> None:
    publish.publish(content("one"), tmp_path)

    def broken(aside: Path) -> dict:
        (aside / "parts" / "half.txt").write_text("half")
        raise ValueError("full disk")

    with pytest.raises(ValueError, match="full disk"):
        publish.publish(broken, tmp_path)
    assert read(tmp_path) == "one"
    publish.publish(content("two"), tmp_path)
    assert read(tmp_path) == "two"
    assert not list((tmp_path / "snapshots").glob(f"{publish.BUILDING}*"))
    assert not list((tmp_path / "snapshots").rglob("half.txt"))


def test_rollback_goes_to_the_one_before_and_to_one_by_name(tmp_path: Path) -> None:
    names = [publish.publish(content(text), tmp_path).name for text in ("one", "two", "three")]
    assert len(set(names)) == 3
    assert publish.rollback(folder=tmp_path) == names[1]
    assert read(tmp_path) == "two"
    publish.rollback(names[2], folder=tmp_path)
    assert read(tmp_path) == "three"
    publish.rollback(names[0], folder=tmp_path)
    with pytest.raises(LookupError, match="no earlier snapshot"):
        publish.rollback(folder=tmp_path)
    with pytest.raises(LookupError, match="no such snapshot"):
        publish.rollback("20000101T000000Z-0", folder=tmp_path)


def test_the_last_24_are_kept(tmp_path: Path) -> None:
    for number in range(publish.KEPT + 3):
        publish.publish(content(str(number)), tmp_path)
    kept = publish.kept(tmp_path)
    assert len(kept) == publish.KEPT
    assert kept[0]["current"]
    assert read(tmp_path) == str(publish.KEPT + 2)


def test_two_cannot_publish_at_once(tmp_path: Path) -> None:
    def second(aside: Path) -> dict:
        with pytest.raises(publish.Busy):
            publish.publish(content("other"), tmp_path)
        return content("one")(aside)

    publish.publish(second, tmp_path)
    assert read(tmp_path) == "one"


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a POSIX signal")
@pytest.mark.parametrize("step", ["mkdir", "_write_durably", "_freeze", "_point", "_prune"])
def test_a_kill_at_any_step_leaves_a_whole_snapshot_readable(tmp_path: Path, step: str) -> None:
    publish.publish(content("one"), tmp_path)
    script = f"""
        import os, signal, sys
        from pathlib import Path
        sys.path.insert(0, {str(ROOT)!r})
        from data import publish
        def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
        folder = Path({str(tmp_path)!r})
        def build(aside):
            if {step!r} == "mkdir": die()
            (aside / "parts" / "b.txt").write_text("two")
            return {{"rows": {{}}}}
        if hasattr(publish, {step!r}): setattr(publish, {step!r}, die)
        publish.publish(build, folder)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert read(tmp_path) == "one"  # old or new, a whole snapshot: both hold a.txt
    publish.publish(content("three"), tmp_path)  # the lock and the litter of the dead do not stop the next
    assert read(tmp_path) == "three"
