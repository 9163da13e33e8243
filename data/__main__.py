"""The commands: `python -m data ingest | check | demo | sync | snapshots | rollback | dictionary`."""

import argparse
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from data import ingest, publish, sync, tiers
from data.errors import SourceProblem

SPOKEN = (SourceProblem, publish.Busy, publish.NoSuchSnapshot, sync.Incomplete, tiers.ProtectionFailed)  # for people


def main(words: list[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 with a clear message when it could not."""
    asked = _parser().parse_args(words)
    try:
        asked.run(asked)
    except SPOKEN as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing was changed.", file=sys.stderr)
        return 1
    except Exception:
        print(f"Something went wrong; nothing was changed. {_logged()}", file=sys.stderr)
        return 1
    return 0


def _logged() -> str:
    """Put the trace of an error that is our fault where whoever looks after this can find it, and say where."""
    log = publish.root() / "errors.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{pd.Timestamp.now()}\n{traceback.format_exc()}\n")
    except OSError:
        return f"The data folder {publish.root()} (EXPLORER_DATA) cannot be written to."
    return f"{log} says more."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m data", description="Load, publish and look after the data.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, words in (
        ("ingest", _ingest, "load files of one source into a new snapshot"),
        ("check", _check, "say what a load would do, and change nothing"),
    ):
        command = commands.add_parser(name, help=words, description=words)
        command.add_argument("source", choices=ingest.SOURCES, metavar="SOURCE", help=", ".join(ingest.SOURCES))
        command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files, folders or zips")
        command.add_argument("--again", action="store_true", help="load files that were already received once more")
        command.set_defaults(run=run)
    for name, run, words in (
        ("demo", _demo, "publish the invented partnership"),
        ("sync", _sync, "fetch open data for the configured force (needs a network)"),
        ("snapshots", _snapshots, "list the snapshots kept"),
        ("dictionary", _dictionary, "print every column with its meaning"),
    ):
        commands.add_parser(name, help=words, description=words).set_defaults(run=run)
    back = commands.add_parser(
        "rollback", help="go back to an earlier snapshot", description="go back to an earlier one"
    )
    back.add_argument("snapshot", nargs="?", default="", help="its id; the one before the current if left out")
    back.set_defaults(run=_rollback)
    return parser


def _ingest(asked: argparse.Namespace) -> None:
    summary = ingest.ingest(asked.source, asked.files, again=asked.again, progress=_bar)
    print(in_words(summary))


def _check(asked: argparse.Namespace) -> None:
    summary = ingest.ingest(asked.source, asked.files, again=asked.again, dry_run=True, progress=_bar)
    print(in_words(summary, dry_run=True))


def _demo(_: argparse.Namespace) -> None:
    from data import demo

    print(f"The invented partnership is published as snapshot {demo.publish_invented(progress=_bar)}.")


def _sync(_: argparse.Namespace) -> None:
    sync.sync(say=print)


def _snapshots(_: argparse.Namespace) -> None:
    kept = publish.kept()
    if not kept:
        print("Nothing has been published yet. `python -m data demo` publishes the invented partnership.")
    for m in kept:
        mark = "current" if m["current"] else ""
        print(f"{m['id']}  {m['published']}  {m['rows'].get('incidents', 0):>10,} incidents  {mark}")


def _rollback(asked: argparse.Namespace) -> None:
    print(f"Pages now read snapshot {publish.rollback(asked.snapshot)}.")


def _dictionary(_: argparse.Namespace) -> None:
    from data import definitions, schema

    words = definitions.columns()
    for table, fields in schema.TABLES.items():
        print(f"\n{table}")
        for name, field in fields.items():
            allowed = f" One of: {', '.join(field.values)}." if 0 < len(field.values) <= 12 else ""
            print(f"  {name:<22}{field.type:<16}{words[name].definition}{allowed}")


def _bar(done: Iterable, total: int) -> Iterator:
    """A bar on the terminal for what takes more than two seconds."""
    from tqdm import tqdm

    return iter(tqdm(done, total=total, unit="file", delay=2, leave=False, disable=not sys.stderr.isatty()))


def in_words(summary: ingest.Summary, *, dry_run: bool = False) -> str:
    """What a load did, or would do, in plain words and counts."""
    lines = []
    if summary.skipped:
        lines.append(f"{summary.skipped} file(s) had been received before: nothing to do for them.")
    if summary.loads:
        total = {
            name: summary.total(name) for name in ("rows_read", "accepted", "quarantined", "duplicate", "unplaced")
        }
        lines.append(f"{summary.source}: {len(summary.loads)} file(s), {total['rows_read']:,} rows read")
        lines.append(f"  accepted     {total['accepted']:>10,}   of them without a place: {total['unplaced']:,}")
        lines.append(f"  set aside    {total['quarantined']:>10,}")
        lines += [f"    {rows:>10,}   {reason}" for reason, rows in _added_up(summary, "reasons").items()]
        lines.append(f"  duplicate    {total['duplicate']:>10,}")
        lines += [f"  noted        {rows:>10,}   {note}" for note, rows in _added_up(summary, "notes").items() if rows]
        lines += _months(summary)
        lines += [f"  look at      {note}" for note in summary.notes]
    lines.append("This was a check: nothing was changed." if dry_run else f"Current snapshot: {summary.snapshot}")
    return "\n".join(lines)


def _added_up(summary: ingest.Summary, name: str) -> dict[str, int]:
    total: dict[str, int] = {}
    for load in summary.loads:
        for reason, rows in getattr(load, name).items():
            total[reason] = total.get(reason, 0) + rows
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def _months(summary: ingest.Summary) -> list[str]:
    periods = {p for load in summary.loads for _, p in load.periods if len(p) == 7 and p[4] == "-"}
    if not periods:
        return []
    months = sorted(pd.Timestamp(p) for p in periods)
    missing = ingest.months_missing(months)
    lines = [f"  months       {months[0]:%b %Y} to {months[-1]:%b %Y}, {len(months)} supplied"]
    return lines + ([f"  missing      {_spans(missing)}"] if missing else [])


def _spans(months: list[pd.Timestamp]) -> str:
    """Months in a row as their first and last."""
    numbers = pd.Series([m.year * 12 + m.month for m in months])
    runs = pd.Series(months).groupby((numbers.diff() != 1).cumsum())
    ends = [(run.iloc[0], run.iloc[-1]) for _, run in runs]
    return ", ".join(f"{a:%b %Y}" if a == b else f"{a:%b %Y} to {b:%b %Y}" for a, b in ends)


if __name__ == "__main__":
    sys.exit(main())
