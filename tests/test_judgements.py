"""Judgements on hotspots: kept for good, seen by whom they may be, undone, refused with words a person can act on."""

import fcntl
import hashlib
import json
import logging
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from analytics import grids
from data import definitions, journal, judgements, publish
from data.errors import SourceProblem
from data.judgements import JudgementRefused
from data.sources.identifiers import refuse_identifiers
from data.store import NotHeld, Scope

ROOT = Path(__file__).parent.parent
# A cell of 500 m in Southampton: 433.01 * 1021 = 442,106 east and 500 * (-286 + 1021 / 2) = 112,250 north.
CELL, NEXT, FAR = "500:1021:-286", "500:1022:-286", "500:1025:-286"
SMALL, OTHER, MIDDLE, WARD = "E01017140", "E01017141", "E02003549", "E05002455"
WHY = "A prison: staff record what happens inside."
WRITTEN_THEN = [  # by the judgements of commit 0272e1a, which kept their own file
    '{"at": "2026-11-27T20:48:05+00:00", "before": "", "by": "A. Analyst", "deed": "record", "hash": "c9ec8afa'
    '4a3b576904aa3fdcf67aa2d0e085654190db3572717e124a658f6306", "id": "4a8d03ef97d2cb88", "invented": false, "'
    'kind": "dropped", "level": "hex", "moved_to": "", "place": "500:1021:-286", "reason": "A prison: staff re'
    'cord what happens inside.", "snapshot": "20261127T204805Z-000", "source": "police"}',
    '{"at": "2026-11-27T20:48:05+00:00", "before": "c9ec8afa4a3b576904aa3fdcf67aa2d0e085654190db3572717e124a65'
    '8f6306", "by": "A. Analyst", "deed": "record", "hash": "30309e8729f63bbbd04872eff17eea7c9dd5bc9c946938cf2'
    'e2308c162682e86", "id": "377d51a4014d7195", "invented": false, "kind": "moved", "level": "lsoa", "moved_t'
    'o": "E01017141", "place": "E01017140", "reason": "A prison: staff record what happens inside.", "snapshot'
    '": "20261127T204805Z-000", "source": "police"}',
    '{"at": "2026-11-27T20:48:05+00:00", "before": "30309e8729f63bbbd04872eff17eea7c9dd5bc9c946938cf2e2308c162'
    '682e86", "by": "B. Analyst", "deed": "undo", "hash": "a69a943c3e528deae377e45dd4dfe8aa0773f9188d844ba11c2'
    '111555dd8a00d", "id": "4a8d03ef97d2cb88"}',
]  # fmt: skip
AREAS = pd.DataFrame(
    {"area_level": ["lsoa", "lsoa", "msoa", "ward"], "area_code": [SMALL, OTHER, MIDDLE, WARD], "name": list("abcd")}
)


def snapshot(*, invented: bool = False) -> str:
    """Publish a snapshot that holds no more than four areas."""

    def build(aside: Path) -> dict:
        for tier in ("restricted", "partner", "public"):
            (aside / tier).mkdir()
            AREAS.to_parquet(aside / tier / "areas.parquet")
        (aside / "parts").mkdir(exist_ok=True)
        return {"rows": {}, "invented": invented}

    return publish.publish(build).name


@pytest.fixture
def scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scope]:
    """An analyst who looks at police records in a data folder without judgements."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("EXPLORER_PARTNERSHIP", raising=False)
    yield Scope("restricted", snapshot(), sources=("police",))
    publish.remove(tmp_path / "data")


def drop(scope: Scope, place: str = CELL, **changes: str) -> judgements.Judgement:
    said = {"level": "hex", "kind": "dropped", "reason": WHY, "by": "A. Analyst"}
    return judgements.record(scope, place=place, **(said | changes))


def refusal(act: Callable, *args: object, **changes: str) -> str:
    """The words of a refusal; nothing may have been written."""
    before = content()
    with pytest.raises(JudgementRefused) as refused:
        act(*args, **changes)
    assert content() == before
    return str(refused.value)


def file() -> Path:
    return publish.root() / "judgements.jsonl"


def content() -> bytes:
    return file().read_bytes() if file().exists() else b""


def places(scope: Scope, level: str = "hex") -> list[str]:
    return judgements.held(scope, level=level)["place"].tolist()


# ------------------------------------------------------------------------------------ kept and shown


def test_a_judgement_is_kept_and_shown_with_its_reason(scope: Scope) -> None:
    made = drop(scope, reason="  A prison:\n staff record\twhat happens inside. ")
    row = judgements.held(scope, level="hex").iloc[0]
    assert row[["id", "place", "kind", "moved_to", "reason", "by"]].tolist() == [
        made.id, CELL, "dropped", "", WHY, "A. Analyst",
    ]  # fmt: skip
    assert made.at.tzinfo is not None and made.at.microsecond == 0
    assert row["at"] == pd.Timestamp(made.at).tz_localize(None)
    assert (made.source, made.snapshot, made.invented, made.undone_at) == ("police", scope.snapshot, False, None)


def test_a_hotspot_is_moved_to_the_place_beside(scope: Scope) -> None:
    drop(scope, kind="moved", moved_to=NEXT)
    drop(scope, SMALL, level="lsoa", kind="moved", moved_to=OTHER)
    assert judgements.held(scope, level="hex")["moved_to"].tolist() == [NEXT]
    assert judgements.held(scope, level="lsoa")["moved_to"].tolist() == [OTHER]


def test_each_level_and_source_has_its_own(scope: Scope) -> None:
    drop(scope)
    for level, code in (("lsoa", SMALL), ("msoa", MIDDLE), ("ward", WARD)):
        drop(scope, code, level=level)
        assert places(scope, level) == [code]
    assert places(scope) == [CELL] and places(scope, "lad") == []
    assert places(scope.but(sources=("ambulance",))) == []
    drop(scope.but(sources=("ambulance",)))  # what one source holds of a place says nothing of another
    assert len(judgements.history(scope.but(sources=()))) == 5
    assert len(judgements.history(scope)) == 4


def test_the_newest_comes_first_also_within_one_second(scope: Scope) -> None:
    cells = [f"500:{q}:-286" for q in range(1021, 1027)]
    for cell in cells:
        drop(scope, cell)
    assert places(scope) == cells[::-1]
    assert judgements.history(scope)["place"].tolist() == cells[::-1]


def test_nothing_judged_gives_the_same_columns_and_types(scope: Scope) -> None:
    none_held, none_ever = judgements.held(scope, level="hex"), judgements.history(scope)
    assert none_held.columns.tolist() == ["id", "place", "kind", "moved_to", "reason", "by", "at"]
    assert none_held.empty and none_ever.empty and judgements.verify() and not file().exists()
    drop(scope)
    assert judgements.held(scope, level="hex").dtypes.equals(none_held.dtypes)
    assert judgements.history(scope).dtypes.equals(none_ever.dtypes)


def test_the_tables_handed_out_can_be_changed_without_changing_the_next(scope: Scope) -> None:
    drop(scope)
    handed_out = judgements.held(scope, level="hex")
    handed_out.loc[:, "place"] = "spoilt"
    assert places(scope) == [CELL]


def test_judgements_outlive_the_snapshot_they_were_made_on(scope: Scope) -> None:
    drop(scope)
    publish.remove(publish.root() / "snapshots" / scope.snapshot)
    assert places(scope.but(snapshot=snapshot())) == [CELL]


def test_judgements_on_invented_data_and_on_real_ones_never_mix(scope: Scope) -> None:
    real = drop(scope)
    invented = scope.but(snapshot=snapshot(invented=True))
    assert places(invented) == [] and judgements.history(invented).empty
    drop(invented, NEXT)
    drop(invented)  # the same place, on invented data
    assert places(invented) == [CELL, NEXT] and places(scope) == [CELL]
    assert "no such judgement" in refusal(judgements.undo, invented, real.id, by="A. Analyst")


def test_a_snapshot_that_was_withdrawn_says_so(scope: Scope) -> None:
    gone = scope.but(snapshot="20000101T000000Z-000")
    for ask in (lambda: judgements.held(gone, level="hex"), lambda: judgements.history(gone), lambda: drop(gone)):
        with pytest.raises(NotHeld, match="withdrawn"):
            ask()


# --------------------------------------------------------------------------------------------- tiers


@pytest.mark.parametrize("tier", ["partner", "public"])
def test_below_the_restricted_tier_only_open_sources_show_and_nobody_is_named(scope: Scope, tier: str) -> None:
    assert not definitions.source("police").open and definitions.source("police_uk").open
    open_ = scope.but(sources=("police_uk",))
    drop(scope)
    undone = drop(open_, NEXT)
    judgements.undo(open_, undone.id, by="B. Analyst")
    drop(open_)
    lower, closed = open_.but(tier=tier), scope.but(tier=tier)
    assert places(closed) == [] and judgements.history(closed).empty
    assert judgements.held(lower, level="hex")[["place", "reason", "by"]].to_numpy().tolist() == [[CELL, WHY, ""]]
    seen = judgements.history(lower.but(sources=()))
    assert set(seen["source"]) == {"police_uk"} and len(seen) == 2
    assert set(seen["by"]) | set(seen["undone_by"]) == {""}
    assert seen["undone_at"].notna().tolist() == [False, True]
    assert len(judgements.history(scope.but(sources=()))) == 3


@pytest.mark.parametrize("tier", ["partner", "public", "", "Restricted"])
def test_only_the_restricted_tier_may_judge_or_undo(scope: Scope, tier: str) -> None:
    made = drop(scope.but(sources=("police_uk",)))
    lower = scope.but(tier=tier, sources=("police_uk",))
    assert refusal(drop, lower, NEXT) == "Only analysts and tactical members may judge a hotspot."
    assert "Only analysts" in refusal(judgements.undo, lower, made.id, by="C. Partner")


def test_a_judgement_on_a_source_that_is_no_longer_defined_is_for_the_restricted_tier(scope: Scope) -> None:
    drop(scope)
    line = json.loads(content())
    del line["hash"]
    body = json.dumps(line | {"source": "gone"}, sort_keys=True)
    file().write_text(json.dumps(json.loads(body) | {"hash": sha256(body)}, sort_keys=True) + "\n")
    assert len(judgements.history(scope.but(sources=()))) == 1
    assert judgements.history(scope.but(sources=(), tier="partner")).empty


# ---------------------------------------------------------------------------------------------- undo


def test_undoing_brings_the_place_back_and_keeps_the_history(scope: Scope) -> None:
    first = drop(scope)
    undone = judgements.undo(scope, first.id, by=" B. Analyst ")
    assert (undone.undone_by, undone.id, undone.place) == ("B. Analyst", first.id, CELL)
    assert undone.undone_at >= first.at
    assert places(scope) == []
    second = drop(scope)  # it can be judged again
    seen = judgements.history(scope)
    assert seen["id"].tolist() == [second.id, first.id]
    assert seen["undone_by"].tolist() == ["", "B. Analyst"]
    assert seen["undone_at"].isna().tolist() == [True, False]


def test_what_is_unknown_or_undone_cannot_be_undone(scope: Scope) -> None:
    made = drop(scope)
    assert refusal(judgements.undo, scope, "0123456789abcdef", by="B") == "There is no such judgement."
    assert "Say who judges" in refusal(judgements.undo, scope, made.id, by=" ")
    judgements.undo(scope, made.id, by="B")
    assert refusal(judgements.undo, scope, made.id, by="B") == "This judgement has been undone already."


# ------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": "Too short"}, "Give a reason of 10 to 300 letters; this one has 9."),
        ({"reason": "x " * 150 + "xy"}, "this one has 302."),
        ({"reason": "a\u200b" + " \n" * 20}, "this one has 1."),  # what cannot be seen is no letter
        ({"by": ""}, "Say who judges, in at most 80 letters."),
        ({"by": "x" * 81}, "Say who judges"),
        ({"level": "lad"}, "Hexagons, small areas, neighbourhoods and wards can be judged, nothing else."),
        ({"kind": "hidden"}, "A hotspot is either dropped or moved."),
        ({"moved_to": NEXT}, "A dropped hotspot belongs to no other place"),
        ({"kind": "moved"}, "Say to which place it belongs."),
        ({"kind": "moved", "moved_to": CELL}, "It is moved to the place where it is; choose another."),
        ({"kind": "moved", "moved_to": FAR}, "It can be moved by 3 cells at most; this would be 4."),
        ({"kind": "moved", "moved_to": "1000:511:-143"}, "to a cell of its own size only"),
        ({"kind": "moved", "moved_to": "next door"}, "There is no such place on the map."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(scope: Scope, changes: dict, words: str) -> None:
    assert words in refusal(drop, scope, **changes)


@pytest.mark.parametrize(
    "place",
    [
        "", "500", "500:1021", "500:1021:-286:1", "500:1021:x", "500: 1021:-286", "500:01021:-286", "0:1021:-286",
        "-500:1021:-286", "500:1021:-0", "500.0:1021:-286", "500:1021:-286\n", "500:١٠٢١:-286", "5e2:1021:-286",
        "500:0:0",  # off Cornwall
        "500:0:224", "500:1500:-526",  # as far north as Southampton: 0 and 649,519 m east
        "500:1021:289", "500:1021:-511",  # as far east: 399,750 and -250 m north
        SMALL,
    ],
)  # fmt: skip
def test_what_names_no_cell_of_the_partnership_is_refused(scope: Scope, place: str) -> None:
    assert refusal(drop, scope, place) == "There is no such place on the map."


@pytest.mark.parametrize(("level", "place"), [("lsoa", "E01999999"), ("lsoa", MIDDLE), ("msoa", ""), ("ward", CELL)])
def test_an_area_that_is_not_held_at_the_level_is_refused(scope: Scope, level: str, place: str) -> None:
    assert refusal(drop, scope, place, level=level) == "There is no such place on the map."
    moved = refusal(drop, scope, SMALL, level="lsoa", kind="moved", moved_to="E01999999")
    assert moved == "There is no such place on the map."


def test_cells_finer_than_the_source_is_exact_are_refused(scope: Scope) -> None:
    assert definitions.source("police").floor_m == 150
    words = refusal(drop, scope, "149:3426:-960")  # 129.04 * 3426 = 442,083 east; 149 * (-960 + 1713) = 112,197 north
    assert words == "The points of this source are not exact enough for cells below 150 m."
    drop(scope, "150:3403:-953")


def test_everything_wrong_is_said_at_once(scope: Scope) -> None:
    words = refusal(drop, scope, "nowhere", reason="short", by="", kind="moved")
    for part in ("Say who judges", "Give a reason", "no such place", "Say to which place"):
        assert part in words


@pytest.mark.parametrize("sources", [(), ("police", "ambulance"), ("nobody",), ("admissions",)])
def test_a_judgement_is_about_one_source_of_records(scope: Scope, sources: tuple[str, ...]) -> None:
    assert "Choose one source first" in refusal(drop, scope.but(sources=sources))


def test_held_is_asked_of_one_source(scope: Scope) -> None:
    for sources in ((), ("police", "ambulance")):
        with pytest.raises(NotHeld, match="one source"):
            judgements.held(scope.but(sources=sources), level="hex")


def test_a_place_is_judged_once_until_that_is_undone(scope: Scope) -> None:
    made = drop(scope)
    again = refusal(drop, scope, kind="moved", moved_to=NEXT)
    assert again == "This place is judged already; undo that judgement first."
    judgements.undo(scope, made.id, by="B")
    drop(scope, kind="moved", moved_to=NEXT)


def test_nothing_is_moved_to_a_place_that_is_judged_itself_nor_judged_once_something_was(scope: Scope) -> None:
    drop(scope, kind="moved", moved_to=NEXT)
    assert "Another hotspot was moved to this place" in refusal(drop, scope, NEXT)
    assert "Another hotspot" in refusal(drop, scope, NEXT, kind="moved", moved_to=CELL)  # no going in circles
    words = refusal(drop, scope, "500:1023:-286", kind="moved", moved_to=CELL)
    assert words.startswith("The place it would be moved to is judged itself")
    drop(scope, "500:1023:-286", kind="moved", moved_to=NEXT)  # two may belong to one place


def test_a_hexagon_is_moved_three_rings_at_most(scope: Scope) -> None:
    # The oracle is the grid of the analytics, which finds rings by another way (a lookup of keys).
    block = pd.DataFrame([(q, r) for q in range(1016, 1027) for r in range(-291, -280)], columns=["q", "r"])
    middle = block.index[block["q"].eq(1021) & block["r"].eq(-286)][0]
    near = grids.ring(block, rings=3)[[middle]].toarray()[0]
    assert near.sum() == 36  # 6 + 12 + 18
    for (q, r), allowed in zip(block.itertuples(index=False), near, strict=True):
        if (q, r) == (1021, -286):
            continue
        if allowed:
            made = drop(scope, kind="moved", moved_to=f"500:{q}:{r}")
            judgements.undo(scope, made.id, by="B")
        else:
            assert "by 3 cells at most" in refusal(drop, scope, kind="moved", moved_to=f"500:{q}:{r}")


# ------------------------------------------------------------------------------- what a reason may not hold

REFUSED_IN_FILES = [  # as in test_identifiers, where files that hold one such value are refused
    "call 07700 900123 after five", "07700900123", "+44 7700 900123", "+44 (0)23 9201 8123", "0044 20 7946 0018",
    "(01632) 960 123", "023 8001 8234", "0118 496 0123", "write to someone@example.org", "a.b+c@nhs.example.uk",
    "Mrs Example was hit", "seen at 14 High Street", "14a, Saint George's Road", "9 LONDON ROAD",
    "12 high street", "found at PO1 2AB", "so140aa", "NHS no 943 476 5919", "401-023-2137",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED_IN_FILES)
def test_what_is_refused_in_files_is_refused_in_a_reason(scope: Scope, text: str) -> None:
    with pytest.raises(SourceProblem):
        refuse_identifiers(pd.DataFrame({"Remarks": [text]}, dtype="str"), "file.csv")
    words = refusal(drop, scope, reason=f"A hospital car park; {text}")
    assert "say why without them, and name nobody" in words and text not in words


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("because of 9434765919 again", "long numbers"),
        ("this is 44250012345 counted twice", "long numbers"),
        ("943 476 5918 and 943 476 5919", "long numbers"),
        ("mobile ９４３４７６５９１９ rings", "long numbers"),  # digits of full width
        ("0770\u200b0900\u200b123 rings", "telephone numbers"),  # parted by what cannot be seen
        ("John Smith is kept here", "names of people"),
        ("all of it is john smith", "names of people"),
        ("all of it is JOHN SMITH", "names of people"),
        ("Emma J. Example lives here", "names of people"),
        ("fights with Example, John", "names of people"),
        ("Jo\u00adhn Smith is kept here", "names of people"),
        ("Ｊｏｈｎ Ｓｍｉｔｈ is kept here", "names of people"),  # letters of full width
        ("against John Smith alone", "names of people"),  # the st of against makes no saint
        ("Mr Example is kept here", "names of people"),
        ("a man, DOB 1.2.90, is kept here", "dates of birth"),
        ("a man born on 1 February 1990", "dates of birth"),
        ("of QQ 12 34 56 C alone", "national insurance numbers"),
        ("the car AB12 CDE stands here", "number plates"),
    ],
)  # fmt: skip
def test_one_personal_detail_in_a_reason_is_enough(scope: Scope, text: str, what: str) -> None:
    assert what in refusal(drop, scope, reason=text)


@pytest.mark.parametrize(
    "text",
    [
        "HMP Winchester: staff record what happens inside.",
        "Custody suite; every detainee's assault is recorded here, 2019 to 2024.",
        "Queen Alexandra Hospital car park (A&E): recorded on arrival.",
        "Princess Anne Hospital, the records are of its staff.",
        "St Mary's Stadium; belongs to Victoria Park, next door.",
        "St James Park, King George Playing Fields, Queen Elizabeth Hall",
        "On or near George Street: the points are snapped to it.",
        "Belongs to the pub in Albert Road, SO14, 50 m east.",
        "The A27 and M27 junction, not a place where people meet.",
        "Counter of the police station; reports taken 2024-01-10 to 2024-03-31.",
        "Records of 10,442 journeys are placed at the depot.",
    ],
)
def test_ordinary_reasons_pass(scope: Scope, text: str) -> None:
    assert drop(scope, reason=text).reason == text


def test_a_reason_of_exactly_ten_and_of_300_letters_passes(scope: Scope) -> None:
    assert len(drop(scope, reason="abcde fghi").reason) == 10
    assert len(drop(scope, NEXT, reason="ab " * 99 + "abc").reason) == 300


def test_words_in_any_script_come_back_as_they_were_written(scope: Scope) -> None:
    said = 'Więzienie – «strażnicy» zapisują 监狱 😀 {"deed": 1}'
    drop(scope, reason=said, by="Łucja O’Neill")
    row = judgements.held(scope, level="hex").iloc[0]
    assert (row["reason"], row["by"]) == (said, "Łucja O’Neill")
    assert judgements.verify()


# ------------------------------------------------------------------------------------------- the log


def test_the_log_has_a_line_for_each_deed_and_tells_neither_place_nor_reason_nor_person(
    scope: Scope, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "explorer.judgements"):
        made = drop(scope, kind="moved", moved_to=NEXT)
        refusal(drop, scope)
        judgements.undo(scope, made.id, by="B. Analyst")
    assert caplog.messages == [
        f"recorded id={made.id} kind=moved level=hex source=police line=1",
        f"undone id={made.id} kind=moved level=hex source=police line=2",
    ]


# ---------------------------------------------------------------------------------- the file, for good


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_each_line_carries_its_own_hash_and_that_of_the_line_before(scope: Scope) -> None:
    made = drop(scope)
    drop(scope, NEXT)
    judgements.undo(scope, made.id, by="B")
    before = ""
    for line in content().decode().splitlines():
        said = json.loads(line)
        digest = said.pop("hash")
        assert digest == sha256(json.dumps(said, sort_keys=True)) and said["before"] == before
        before = digest
    assert before and judgements.verify()


def test_what_was_written_before_the_journal_was_shared_is_read_as_it_was(scope: Scope) -> None:
    file().parent.mkdir(exist_ok=True)
    file().write_text("\n".join([*WRITTEN_THEN, ""]))
    assert judgements.verify()
    seen = judgements.history(scope)
    assert seen[["id", "place", "moved_to", "undone_by"]].to_numpy().tolist() == [
        ["377d51a4014d7195", SMALL, OTHER, ""], ["4a8d03ef97d2cb88", CELL, "", "B. Analyst"],
    ]  # fmt: skip
    assert places(scope) == [] and places(scope, "lsoa") == [SMALL]
    drop(scope)
    assert judgements.verify() and content().decode().splitlines()[:3] == WRITTEN_THEN


def test_a_judgement_whose_line_was_changed_is_not_shown_and_nothing_is_added(scope: Scope) -> None:
    made = drop(scope)
    drop(scope, NEXT)
    file().write_bytes(content().replace(CELL.encode(), b"500:1020:-286"))
    assert places(scope) == [NEXT] and not judgements.verify()
    words = "The judgements kept so far were changed by another hand, so nothing is added until the file is restored."
    assert refusal(drop, scope, FAR) == words
    assert refusal(judgements.undo, scope, made.id, by="B") == words


# ---------------------------------------------------------------------------------- several at a time


def in_a_process(scope: Scope, script: str) -> subprocess.Popen:
    """A process with `drop_at(q)`, which judges a cell of column q and prints its place."""
    head = f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        from data import judgements
        from data.store import Scope
        scope = Scope("restricted", {scope.snapshot!r}, sources=("police",))
        def drop_at(q):
            said = dict(level="hex", kind="dropped", reason={WHY!r}, by="other")
            print(judgements.record(scope, place=f"500:{{q}}:-286", **said).place, flush=True)
    """
    code = textwrap.dedent(head) + textwrap.dedent(script)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_two_processes_that_write_at_once_lose_nothing_and_judge_no_place_twice(scope: Scope, tmp_path: Path) -> None:
    shared = [f"500:{q}:-286" for q in range(1021, 1041)]
    own = {name: [f"500:{q}:{r}" for q in range(1021, 1041)] for name, r in (("one", -290), ("two", -291))}
    script = """
        import json, pathlib, time
        print("ready", flush=True)
        while not pathlib.Path({go!r}).exists():
            time.sleep(0.001)
        for cell in {cells!r}:
            said = dict(level="hex", kind="dropped", reason={why!r}, by={name!r})
            try:
                judgements.record(scope, place=cell, **said)
                print(json.dumps([{name!r}, cell, "kept"]), flush=True)
            except judgements.JudgementRefused as reason:
                print(json.dumps([{name!r}, cell, str(reason)]), flush=True)
    """
    go, both = tmp_path / "go", []
    for name, cells in own.items():
        mine = [cell for pair in zip(cells, shared, strict=True) for cell in pair]
        both.append(in_a_process(scope, script.format(go=str(go), cells=mine, why=WHY, name=name)))
    for process in both:
        assert process.stdout.readline().strip() == "ready"
    go.touch()
    told = [json.loads(line) for process in both for line in process.communicate(timeout=120)[0].splitlines()]
    assert [process.returncode for process in both] == [0, 0]
    assert len(told) == 80
    kept = [(cell, name) for name, cell, words in told if words == "kept"]
    assert sorted(cell for cell, _ in kept) == sorted([*shared, *own["one"], *own["two"]])
    assert {words for _, _, words in told} <= {"kept", "This place is judged already; undo that judgement first."}
    found = judgements.held(scope, level="hex")
    assert sorted(zip(found["place"], found["by"], strict=True)) == sorted(kept)
    assert judgements.verify()


def test_another_processes_judgement_shows_at_once(scope: Scope) -> None:
    assert places(scope) == []
    with in_a_process(scope, "drop_at(1030)") as process:
        assert process.stdout.read() == "500:1030:-286\n"
    assert places(scope) == ["500:1030:-286"]


def test_a_writer_waits_for_another_and_gives_up_kindly_while_readers_go_on(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(scope)
    monkeypatch.setattr(journal, "WAIT_S", 0.1)
    with (publish.root() / "judgements.lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert "Somebody else is writing down a judgement" in refusal(drop, scope, NEXT)
        assert places(scope) == [CELL]
    drop(scope, NEXT)
