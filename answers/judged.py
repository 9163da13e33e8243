"""What people judged of the hotspots on the map, beside the places it is about; a row is a place or a judgement."""

import pandas as pd

from answers.hotspots import key_of
from data import judgements
from data.judgements import JudgementRefused
from data.store import Scope

__all__ = ["JudgementRefused", "in_force", "marked", "record", "undo"]

HERE = "here"  # the place that a hotspot was moved to
record, undo = judgements.record, judgements.undo


def in_force(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """The judgements in force about places of this level (of cells, this size), newest first: see `judgements.held`."""
    found = judgements.held(scope, level=level)
    if level != "hex":
        return found
    return found[found["place"].str.startswith(f"{size_m}:")].reset_index(drop=True)


def marked(found: pd.DataFrame, level: str, judged: pd.DataFrame) -> pd.DataFrame:
    """Places with `judged`: dropped, moved, here (moved to from elsewhere), or missing where nobody judged."""
    what = dict.fromkeys(judged["moved_to"][judged["moved_to"] != ""], HERE)
    what |= dict(zip(judged["place"], judged["kind"], strict=True))
    marks = found.assign(judged=found[key_of(level)].map(what).astype("str"))
    marks.attrs = found.attrs
    return marks
