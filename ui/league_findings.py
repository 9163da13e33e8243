"""Sentences over league tables and funnels, worked out from their numbers; a row is a place."""

import pandas as pd

from analytics.disclosure import Release
from ui import remarks, words

MOST_OUTSIDE = 0.3  # of the places: beyond this chance is plainly not all that differs


def funnel(release: Release, noun: str) -> str:
    """How many places differ by more than chance."""
    position = release.table["position"].dropna()
    if position.empty:
        return remarks.NOTHING
    high, low = (int(position.isin([f"{side}_95", f"{side}_998"]).sum()) for side in ("high", "low"))
    of = f"{high:,} of {words.count(len(position), noun)} lie above what chance allows for their size, {low:,} below"
    spread = (high + low) / len(position)
    much = (
        " So many outside means more than chance differs: people, places, recording." if spread > MOST_OUTSIDE else ""
    )
    return f"{of}.{much}"


def order(release: Release, noun: str) -> str:
    """Who is first, and who might be."""
    table = release.table.dropna(subset=["rank"])
    if table.empty:
        return remarks.NOTHING
    first, might = table.iloc[0], int((table["rank_lower"] == 1).sum())
    if might <= 1:
        return f"{first['place']} has the highest rate, and would be first in 95 of 100 draws."
    return f"{first['place']} has the highest rate; {words.count(might, noun)} might be first as far as chance allows."


def level(release: Release) -> str:
    """How wide the ranks are."""
    table = release.table.dropna(subset=["rank"])
    sure = int((table["rank_lower"] == table["rank_upper"]).sum())
    return f"{sure:,} of {len(table):,} places in the order are certain within chance; the others are shared."


def notes(places: pd.DataFrame) -> tuple[str, ...]:
    """How ranks and limits were made, and who is left out."""
    without = int(places["rate"].isna().sum())
    left = (f"{words.count(without, 'place')} without records or people are left out",) if without else ()
    return (*left, "Ranks: 10,000 draws; limits: exact Poisson about all together. An order is not a judgement")
