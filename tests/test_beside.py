"""Work beside the page: once for all who ask, told how far it is, left when nobody looks on, never across scopes.

Questions here are plain functions, held up and let go by events; time is not waited for but set back.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

import pandas as pd
import pytest

from data.store import Scope
from ui import beside
from ui.beside import Desk, Job, Left

ENOUGH_S = 10  # for another thread to get on; reached only when a test fails


class Question:
    """Something to work out, that says how often it began and waits where it is told to."""

    def __init__(self, *, held_up: bool = False, fails: int = 0) -> None:
        self.began, self.asked, self.fails = threading.Event(), [], fails
        self.go, self.lock = threading.Event(), threading.Lock()
        if not held_up:
            self.go.set()

    def __hash__(self) -> int:
        return id(self)


def worked_out(question: Question, scope: object, size_m: int = 500, *, tell: beside.Tell) -> pd.DataFrame:
    with question.lock:
        question.asked.append(scope)
        number = len(question.asked)
    question.began.set()
    assert question.go.wait(ENOUGH_S)
    tell(0.5, "half of it")
    if number <= question.fails:
        raise ValueError("It went wrong.")
    found = pd.DataFrame({"n": [1, 2, 3]}).assign(size_m=size_m, tier=getattr(scope, "tier", ""))
    found.attrs = {"method": "by hand", "months": [1]}
    return found


def another(question: Question, scope: object, size_m: int = 500, *, tell: beside.Tell) -> pd.DataFrame:
    return worked_out(question, scope, size_m, tell=tell)


SCOPE = Scope("restricted", "20260101T000000Z-000", sources=("police",))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def fresh() -> Iterator[None]:
    """No answer of an earlier test is kept."""
    beside._desk.clear()
    yield
    beside._desk.clear()


def unasked(job: Job) -> None:
    """As if everybody had left just longer ago than a job is kept for."""
    job.asked -= beside.LEFT_S + 1


def ended(job: Job) -> None:
    wait([job.future], timeout=ENOUGH_S)
    assert job.future.done()


# ------------------------------------------------------------------------------------------------------- once


def test_two_who_ask_the_same_at_the_same_time_have_one_job(desk: Desk) -> None:
    question = Question(held_up=True)
    work, ready = partial(worked_out, question, SCOPE), threading.Barrier(8)

    def ask(_: int) -> Job:
        ready.wait(ENOUGH_S)
        return desk.job(work)

    with ThreadPoolExecutor(8) as visitors:
        jobs = list(visitors.map(ask, range(8)))
    question.go.set()
    assert all(job is jobs[0] for job in jobs)
    assert jobs[0].future.result(ENOUGH_S)["n"].tolist() == [1, 2, 3]
    assert question.asked == [SCOPE]


def test_an_answer_is_kept_for_the_next_who_asks(desk: Desk) -> None:
    question = Question()
    first = desk.job(partial(worked_out, question, SCOPE, size_m=500))
    ended(first)
    assert desk.job(partial(worked_out, question, SCOPE, size_m=500)) is first
    assert len(question.asked) == 1


def test_an_answer_that_failed_is_told_once_and_then_worked_out_again(fresh: None) -> None:
    question = Question(fails=1)
    work = partial(worked_out, question, SCOPE)
    failed = beside._desk().job(work)
    ended(failed)
    assert beside._desk().job(work) is failed  # until a page has told it
    with pytest.raises(ValueError, match="It went wrong"):
        beside.answer(work, "Working")
    assert beside.answer(work, "Working")["n"].tolist() == [1, 2, 3]
    assert beside._desk().job(work) is not failed
    assert len(question.asked) == 2


def test_the_answers_used_longest_ago_go_first(desk: Desk) -> None:
    questions = [Question() for _ in range(beside.MOST_KEPT)]
    for question in questions:
        ended(desk.job(partial(worked_out, question, SCOPE)))
    ended(desk.job(partial(worked_out, questions[0], SCOPE)))  # used again, so that the second is now the oldest
    ended(desk.job(partial(worked_out, Question(), SCOPE)))
    ended(desk.job(partial(worked_out, questions[0], SCOPE)))
    ended(desk.job(partial(worked_out, questions[1], SCOPE)))
    assert (len(questions[0].asked), len(questions[1].asked), len(questions[2].asked)) == (1, 2, 1)


# ------------------------------------------------------------------------------------------------------- apart


@pytest.mark.parametrize(
    "changes",
    [
        {"tier": "partner"},
        {"tier": "public"},
        {"snapshot": "20260201T000000Z-001"},
        {"area": "E06000045"},
        {"sources": ("police_uk",)},
        {"start": pd.Timestamp("2025-01-01")},
        {"end": pd.Timestamp("2025-12-01")},
        {"groups": ("robbery_personal",)},
        {"age": "10-17"},
        {"setting": "public"},
        {"time": "night"},
        {"place": "500:1:1"},
    ],
    ids=lambda changes: next(iter(changes)) + "=" + str(next(iter(changes.values()))),
)
def test_two_scopes_never_share_an_answer(desk: Desk, changes: dict) -> None:
    question, other = Question(), SCOPE.but(**changes)
    jobs = [desk.job(partial(worked_out, question, scope)) for scope in (SCOPE, other)]
    for job in jobs:
        ended(job)
    assert jobs[0] is not jobs[1]
    assert set(question.asked) == {SCOPE, other} and len(question.asked) == 2
    assert jobs[1].future.result()["tier"].tolist() == [other.tier] * 3


def test_other_arguments_and_other_functions_are_other_questions(desk: Desk) -> None:
    question = Question()
    works = [
        partial(worked_out, question, SCOPE, 500),
        partial(worked_out, question, SCOPE, 250),
        partial(worked_out, question, SCOPE, size_m=1_000),
        partial(another, question, SCOPE, 500),
    ]
    jobs = [desk.job(work) for work in works]
    for job in jobs:
        ended(job)
    assert len({id(job) for job in jobs}) == len(question.asked) == 4
    assert [job.future.result()["size_m"].iat[0] for job in jobs] == [500, 250, 1_000, 500]


# ------------------------------------------------------------------------------------------------------- left


def test_a_job_that_nobody_waits_for_is_given_up_at_its_next_word_and_begun_anew_for_who_comes_back(
    fresh: None,
) -> None:
    question = Question(held_up=True)
    work = partial(worked_out, question, SCOPE)
    job = beside._desk().job(work)
    assert question.began.wait(ENOUGH_S)
    unasked(job)
    question.go.set()
    ended(job)
    assert isinstance(job.future.exception(), Left)
    assert beside.answer(work, "Working")["n"].tolist() == [1, 2, 3]  # who comes back hears nothing of it
    assert len(question.asked) == 2


def test_who_asks_again_in_time_keeps_a_job_alive(desk: Desk) -> None:
    question = Question(held_up=True)
    work = partial(worked_out, question, SCOPE)
    job = desk.job(work)
    assert question.began.wait(ENOUGH_S)
    unasked(job)
    assert desk.job(work) is job
    question.go.set()
    assert len(job.future.result(ENOUGH_S)) == 3
    assert len(question.asked) == 1


def test_a_job_still_in_the_queue_when_everybody_left_never_begins(desk: Desk) -> None:
    busy = [Question(held_up=True) for _ in range(beside.AT_ONCE)]
    running = [desk.job(partial(worked_out, question, SCOPE)) for question in busy]
    for question in busy:
        assert question.began.wait(ENOUGH_S)
    waiting = Question()
    queued = desk.job(partial(worked_out, waiting, SCOPE))
    assert not waiting.began.is_set()  # no more than AT_ONCE run at the same time
    unasked(queued)
    for question in busy:
        question.go.set()
    for job in (*running, queued):
        ended(job)
    assert isinstance(queued.future.exception(), Left)
    assert waiting.asked == []
    assert all(len(job.future.result()) == 3 for job in running)


def test_a_job_says_what_share_is_done_and_never_less_than_none_or_more_than_all() -> None:
    job = Job()
    assert (job.share, job.step) == (0, "")
    for share, told in ((0.25, 0.25), (-1, 0), (7, 1)):
        job.tell(share, "a step")
        assert (job.share, job.step) == (told, "a step")
    unasked(job)
    with pytest.raises(Left):
        job.tell(0.5)
    assert job.share == 1  # what was said last


# ------------------------------------------------------------------------------------------------------- answers


def test_answers_are_copies_so_that_no_page_changes_what_another_is_shown(fresh: None) -> None:
    question = Question()
    work = partial(worked_out, question, SCOPE)
    mine = beside.answer(work, "Working")
    mine["n"] = 0
    mine["more"] = 1
    mine.attrs["method"] = "changed"
    mine.attrs["months"].append(2)
    yours = beside.answer(work, "Working")
    assert yours["n"].tolist() == [1, 2, 3]
    assert "more" not in yours
    assert yours.attrs == {"method": "by hand", "months": [1]}
    assert len(question.asked) == 1


def test_while_it_is_worked_out_there_is_no_answer_and_then_there_is(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "PATIENCE_S", 0.01)
    monkeypatch.setattr(beside, "WAITING_S", 0.01)
    question = Question(held_up=True)
    work = partial(worked_out, question, SCOPE)
    assert beside.answer(work, "Working") is None
    question.go.set()
    ended(beside._desk().job(work))
    assert beside.answer(work, "Working")["n"].tolist() == [1, 2, 3]
    assert len(question.asked) == 1


def test_all_visitors_share_one_desk(fresh: None) -> None:
    assert beside._desk() is beside._desk()
    assert isinstance(beside._desk(), Desk)
