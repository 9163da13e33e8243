"""What is dear to work out runs beside the page: one job per question, told how far it is, left when nobody looks on.

A job is known by its function and its arguments, a Scope among them: an answer never crosses tiers or outlives a load.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

import pandas as pd
import streamlit as st

AT_ONCE = 2  # jobs that run at the same time: more would only make each other slower
PATIENCE_S = 0.15  # how long a page waits before it says what it does
WAITING_S = 1.0  # how long it then waits before it goes on without the answer: drawing a map twice takes longer
LOOK_S = 0.5  # how often a page that waits looks again
LEFT_S = 8.0  # a job that no page has asked for in so long is given up
MOST_KEPT = 24  # answers kept for the next who asks

Tell = Callable[[float, str], None]


class Left(Exception):
    """Raised inside a job that nobody waits for any more."""


class Job:
    """One question being answered: how far it is, when somebody last asked, and whether its failure was told."""

    def __init__(self) -> None:
        self.share, self.step, self.told = 0.0, "", False
        self.asked = time.monotonic()
        self.future: Future = Future()

    def tell(self, share: float, step: str = "") -> None:
        """Called by the work itself: the share that is done, and what it is doing."""
        if time.monotonic() - self.asked > LEFT_S:
            raise Left
        self.share, self.step = min(max(share, 0.0), 1.0), step


class Desk:
    """The jobs of all visitors. Finished answers are kept, the ones used longest ago go first.

    A failure is kept until a page has told it; who asks after that begins anew.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="beside")
        self._lock = threading.Lock()
        self._jobs: OrderedDict[Hashable, Job] = OrderedDict()

    def job(self, work: partial) -> Job:
        """The job that answers a question, begun now if nobody has asked before."""
        key = (work.func.__module__, work.func.__qualname__, work.args, tuple(sorted(work.keywords.items())))
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.told:
                job = self._jobs[key] = Job()
                job.future = self._pool.submit(self._run, job, work)
            self._jobs.move_to_end(key)
            while len(self._jobs) > MOST_KEPT:
                self._jobs.popitem(last=False)
        job.asked = time.monotonic()
        return job

    @staticmethod
    def _run(job: Job, work: partial) -> pd.DataFrame:
        job.tell(0.0)  # a job that waited in the queue until everybody had left
        return work(tell=job.tell)


@st.cache_resource(show_spinner=False)
def _desk() -> Desk:
    return Desk()


def answer(work: partial, label: str) -> pd.DataFrame | None:
    """The answer to a question, or None while it is being worked out: then the progress stands where this is called.

    work : a function of hashable arguments that also takes `tell`, to be called with the share done and a word for the
        step. label : what is being worked out, for people. The page is drawn again as soon as the answer is there.
    """
    job, spot = _desk().job(work), st.empty()
    if not _done(job, PATIENCE_S):
        spot.progress(job.share, text=_said(job, label))
        if not _done(job, WAITING_S):
            spot.empty()
            _progress(work, label)
            return None
        spot.empty()
    try:
        return job.future.result().copy()
    except Left:  # given up a moment before somebody asked again
        job.told = True
        return answer(work, label)
    except Exception:
        job.told = True
        raise


def _done(job: Job, within_s: float) -> bool:
    return bool(wait([job.future], timeout=within_s).done)


@st.fragment(run_every=LOOK_S)
def _progress(work: partial, label: str) -> None:
    job = _desk().job(work)
    if job.future.done():
        st.rerun()
    st.progress(job.share, text=_said(job, label))


def _said(job: Job, label: str) -> str:
    step = f" ({job.step})" if job.step else ""
    return f"{label}{step}: being worked out. You can go on; it is given up when you choose something else."
