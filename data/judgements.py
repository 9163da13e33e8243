"""What people judge of hotspots: made by how records are kept, or belonging to the place beside. A row is a judgement.

A judgement changes no number: pages mark the place, take it out of the ranked list and say so. They are kept in
`judgements.jsonl` beside the snapshots and outlive them: one line for each judgement and each undoing of one, never
changed (see `data.journal`).
"""

import logging
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from ibis import _

from data import definitions, journal, store
from data.journal import on_invented
from data.plain_words import plain, wrong_name, wrong_with
from data.store import NotHeld, Scope

DROPPED, MOVED = "dropped", "moved"
HEX, AREA_LEVELS = "hex", ("lsoa", "msoa", "ward")
FARTHEST = 3  # cells: a hotspot drawn further off than this is not the same place written down wrongly
SHORTEST, LONGEST = 10, 300  # letters of a reason: enough to say why, too few for a report on a case
WHO = "who judges"
HELD = ["id", "place", "kind", "moved_to", "reason", "by", "at"]
HISTORY = ["id", "source", "level", *HELD[1:], "undone_by", "undone_at"]
CELL = re.compile(r"([1-9][0-9]{0,5}):(0|-?[1-9][0-9]{0,5}):(0|-?[1-9][0-9]{0,5})")
log = logging.getLogger("explorer.judgements")


class JudgementRefused(ValueError):
    """A judgement that is not kept, or cannot be undone. The message is for someone at a page and quotes nothing."""


@dataclass(frozen=True)
class Judgement:
    """What somebody decided about one hotspot of one source, whatever the period and kinds of violence looked at.

    place : a cell ("500:q:r") or an area's code. level : hex, lsoa, msoa, ward. kind : dropped, moved.
    moved_to : the place it belongs to, empty where it was dropped. reason, by : people's own words; show them as text.
    at, undone_at : UTC, to the second. undone_by : empty while it is in force.
    snapshot : what was looked at. invented : whether that was invented data.
    """

    id: str
    place: str
    level: str
    source: str
    kind: str
    moved_to: str
    reason: str
    by: str
    at: datetime
    snapshot: str
    invented: bool
    undone_by: str = ""
    undone_at: datetime | None = None


JOURNAL = journal.Journal("judgements", "a judgement", Judgement, JudgementRefused)


def record(scope: Scope, *, level: str, place: str, kind: str, reason: str, by: str, moved_to: str = "") -> Judgement:
    """Keep a judgement on a hotspot of the scope's one source, for everybody who may see that source.

    level, place : as on the map. kind : `dropped` (the records are there because of who records them: a prison, a
    custody suite, a hospital's car park) or `moved`, then with `moved_to`: cells at most 3 away, or an area.
    by : who judges.

    Raises JudgementRefused with all that is wrong with it, in sentences.
    """
    _only_restricted(scope)
    said = {"level": level, "place": place, "kind": kind, "moved_to": moved_to, "source": _source(scope)}
    whose = {
        "id": secrets.token_hex(8),
        "at": journal.now(),
        "snapshot": scope.snapshot,
        "invented": on_invented(scope),
    }
    made = Judgement(**said, **whose, reason=plain(reason), by=plain(by))
    words = wrong_with(made.reason, called="reason", says="why", shortest=SHORTEST, longest=LONGEST)
    JOURNAL.refuse([*wrong_name(made.by, who=WHO), *words, *_wrong_places(scope, made)])
    with JOURNAL.writing() as kept:
        JOURNAL.refuse(_wrong_beside(made, kept.entries))
        line = JOURNAL.record(kept, made)
    log.info("recorded id=%s kind=%s level=%s source=%s line=%d", made.id, kind, level, made.source, line)
    return made


def undo(scope: Scope, id: str, *, by: str) -> Judgement:
    """Take a judgement back: the place is as if nobody had judged it, and the history says who undid it."""
    _only_restricted(scope)
    by = plain(by)
    JOURNAL.refuse(wrong_name(by, who=WHO))
    undone, line = JOURNAL.undo(id, by=by, invented=on_invented(scope))
    log.info("undone id=%s kind=%s level=%s source=%s line=%d", id, undone.kind, undone.level, undone.source, line)
    return undone


def held(scope: Scope, *, level: str) -> pd.DataFrame:
    """The judgements in force on the scope's one source at a level, newest first; of hexagons those of all sizes.

    Returns id, place, kind, moved_to, reason, by, at (UTC). Below the restricted tier: none on closed sources, and
    `by` is empty.
    """
    if len(scope.sources) != 1:
        raise NotHeld("A map shows one source at a time, and judgements are about one source.")
    return _as_table([j for j in _seen(scope) if j.level == level and not j.undone_at], HELD, scope)


def history(scope: Scope) -> pd.DataFrame:
    """Every judgement on the scope's sources (none named: on all), undone ones too, newest first.

    Returns id, source, level, place, kind, moved_to, reason, by, at, undone_by, undone_at (UTC; missing while it is
    in force). Below the restricted tier: none on closed sources, and who judged is empty.
    """
    return _as_table(_seen(scope), HISTORY, scope)


def verify() -> bool:
    """Whether the file of judgements is as it was written: see `journal.Journal.verify`."""
    return JOURNAL.verify()


def _only_restricted(scope: Scope) -> None:
    if scope.tier != "restricted":
        raise JudgementRefused("Only analysts and tactical members may judge a hotspot.")


def _source(scope: Scope) -> str:
    known = [name for name in scope.sources if name in definitions.sources()]
    if len(scope.sources) != 1 or not known or definitions.source(known[0]).table != "incidents":
        raise JudgementRefused("Choose one source first: a judgement is about what one source holds of a place.")
    return known[0]


def _wrong_places(scope: Scope, made: Judgement) -> list[str]:
    """What is wrong with the kind, with the place, and with where it is moved to."""
    if made.level != HEX and made.level not in AREA_LEVELS:
        return ["Hexagons, small areas, neighbourhoods and wards can be judged, nothing else."]
    if made.kind not in (DROPPED, MOVED):
        return ["A hotspot is either dropped or moved."]
    places = [made.place, made.moved_to] if made.moved_to else [made.place]
    wrong = _off_the_map(scope, made, places)
    if made.kind == DROPPED and made.moved_to:
        wrong.append("A dropped hotspot belongs to no other place; say that it is moved, or leave the other place out.")
    if made.kind == MOVED and not made.moved_to:
        wrong.append("Say to which place it belongs.")
    if made.moved_to and made.moved_to == made.place:
        wrong.append("It is moved to the place where it is; choose another.")
    if made.level == HEX and made.moved_to and not wrong:
        wrong += _too_far(_cell(made.place), _cell(made.moved_to))
    return wrong


def _off_the_map(scope: Scope, made: Judgement, places: list[str]) -> list[str]:
    if made.level == HEX:
        cells = [_cell(place) for place in places]
        known = all(cell and _in_the_box(*cell) for cell in cells)
        floor = definitions.source(made.source).floor_m
        if known and min(size for size, _q, _r in cells) < floor:
            return [f"The points of this source are not exact enough for cells below {floor:,} m."]
    else:
        areas = store.table(scope, "areas").filter(_.area_level == made.level, _.area_code.isin(places))
        known = set(store.run(scope, areas.select("area_code"))["area_code"]) == set(places)
    return [] if known else ["There is no such place on the map."]


def _cell(place: str) -> tuple[int, int, int] | None:
    """Size in metres, column and row of a cell, if that is what the name says, in the one way to say it."""
    found = CELL.fullmatch(place)
    return tuple(int(part) for part in found.groups()) if found else None


def _in_the_box(size: int, q: int, r: int) -> bool:
    """Whether some of the cell may lie in the partnership's box: its centre is inside, or a cell's width off."""
    west, south, east, north = definitions.partnership().box
    x, y = 3**0.5 / 2 * size * q, size * (r + q / 2)
    return west - size <= x <= east + size and south - size <= y <= north + size


def _too_far(cell: tuple[int, int, int], other: tuple[int, int, int]) -> list[str]:
    (size, q, r), (other_size, other_q, other_r) = cell, other
    if size != other_size:
        return ["It can be moved to a cell of its own size only."]
    steps = max(abs(q - other_q), abs(r - other_r), abs(q + r - other_q - other_r))
    return [] if steps <= FARTHEST else [f"It can be moved by {FARTHEST} cells at most; this would be {steps}."]


def _wrong_beside(made: Judgement, kept: tuple[Judgement, ...]) -> list[str]:
    """What forbids it among the judgements in force: a place is judged once, and nothing is moved twice."""
    same = (made.source, made.level, made.invented)
    others = [j for j in kept if not j.undone_at and (j.source, j.level, j.invented) == same]
    if any(j.place == made.place for j in others):
        return ["This place is judged already; undo that judgement first."]
    if any(j.moved_to == made.place for j in others):
        return ["Another hotspot was moved to this place; undo that judgement first."]
    if made.moved_to and any(j.place == made.moved_to for j in others):
        return ["The place it would be moved to is judged itself; choose another, or undo that judgement first."]
    return []


def _seen(scope: Scope) -> list[Judgement]:
    """The judgements on the scope's sources (none named: on all) that its tier may see beside its snapshot."""
    restricted, invented = scope.tier == "restricted", on_invented(scope)
    open_ = {name for name, source in definitions.sources().items() if source.open}
    chosen = [j for j in JOURNAL.entries() if j.invented == invented and (restricted or j.source in open_)]
    return [j for j in reversed(chosen) if not scope.sources or j.source in scope.sources]


def _as_table(judgements: list[Judgement], columns: list[str], scope: Scope) -> pd.DataFrame:
    rows = journal.table(judgements, columns, scope)
    return rows.astype({column: "str" for column in columns if not column.endswith("at")})
