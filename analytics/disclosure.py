"""What people may see of a table: a Release. Labels and rounds; never bands (that is done once, at publish)."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

SHOWN, BAND, HIDDEN, MISSING = "shown", "band", "hidden", "not supplied"


@dataclass(frozen=True)
class Rules:
    """How numbers of one tier are labelled.

    tier : `public`, `partner` or `restricted`.
    words : the rule in plain words, as it stands under every chart and in every file.
    mark : the protective marking of pictures and files.
    figures : significant figures kept of derived numbers; None keeps them as they are.
    """

    tier: str
    words: str
    mark: str = "OFFICIAL"
    figures: int | None = None


@dataclass(frozen=True)
class Provenance:
    """Where a table comes from: what every picture and file has to carry.

    `sources` are labels with their licence or controller; `basis` says what the place means (where it
    happened, was picked up, was treated, lives); `notes` are caveats and flags in plain words.
    """

    area: str
    period: str
    sources: tuple[str, ...]
    basis: str
    snapshot: str
    published: str
    freshness: str
    invented: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """A table that may be shown, with everything a reader needs to judge it.

    table : the rows; counts that may not be shown are missing and say so in `status` and `shown`.
    title : what the table is about (the finding is computed from it, see ui.findings).
    counts, derived : which columns are counts, and which are worked out from them.
    n : records behind the table, where that may be said.
    """

    table: pd.DataFrame
    title: str
    counts: tuple[str, ...]
    derived: tuple[str, ...]
    rules: Rules
    provenance: Provenance
    n: int | None = None
    attrs: dict = field(default_factory=dict)


def release(
    frame: pd.DataFrame, *, counts: list[str], derived: list[str] = [], title: str, rules: Rules, provenance: Provenance
) -> Release:
    """Make a table fit to be seen: what depends on a count that is not shown is dropped, the rest is rounded.

    frame : one row per thing counted. With a column `status` (`shown`, `band`, `hidden`, `not supplied`) and
        `n_upper`, as the store answers; without `status` every row is shown.

    Returns a Release whose table has `shown`, the first count as text ("1,234", "<8", "hidden", "not supplied").
    """
    table = frame.copy()
    status = table["status"] if "status" in table else pd.Series(SHOWN, index=table.index)
    visible = status.eq(SHOWN)
    for column in derived:
        table[column] = _figures(table[column], rules.figures).where(visible)
    for column in counts:
        table[column] = table[column].where(visible)
    for column in ("n_lower", "n_upper"):
        if column in table:
            table[column] = table[column].where(status.isin([SHOWN, BAND]))
    if counts:
        table["shown"] = _shown(table, counts[0], status)
    n = round(table[counts[0]].sum()) if counts and visible.all() and len(table) else None
    return Release(table, title, tuple(counts), tuple(derived), rules, provenance, n)


def _shown(table: pd.DataFrame, count: str, status: pd.Series) -> pd.Series:
    words = {n: f"{n:,.0f}" for n in table[count].dropna().unique()}  # counts are often few different ones
    text = table[count].map(words).astype(object).fillna(MISSING)
    banded = status.eq(BAND)
    if "n_upper" in table and banded.any():
        lower = table["n_lower"] if "n_lower" in table else pd.Series(0.0, table.index)
        text[banded] = list(map(_band, lower[banded], table.loc[banded, "n_upper"]))
    return text.mask(status.eq(HIDDEN), HIDDEN).mask(status.eq(MISSING), MISSING)


def _band(lower: float, upper: float) -> str:
    """A count told as a range: "<8" from nothing up, else "45 to 61"."""
    if pd.isna(upper):
        return HIDDEN
    return f"<{upper + 1:.0f}" if not lower > 0 else f"{lower:,.0f} to {upper:,.0f}"


def _figures(values: pd.Series, figures: int | None) -> pd.Series:
    if figures is None or not pd.api.types.is_float_dtype(values):
        return values
    size = np.floor(np.log10(values.abs().where(values != 0)))
    scale = 10.0 ** (figures - 1 - size)
    return ((values * scale).round() / scale).where(values != 0, values)
