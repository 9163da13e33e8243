"""Community Needs Index of 2023 by small area: how far a place lacks what holds a community together. A row is one
measure of one area.

A higher score is a greater need, rank 1 the greatest. The domains are civic assets (places to meet), connectedness
(services, transport, jobs, digital) and active and engaged community (charities, turnout, taking part). Pubs count as
civic assets: here they speak for a place, in the density of licensed premises against it.
"""

import numpy as np
import pandas as pd

from data import definitions
from data.definitions import Partnership
from data.errors import Problem, SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.sources import files, written
from data.sources.files import Piece

TABLE = "indicators"
SOURCE = "needs_index"
LABEL = "Community Needs Index (OCSI for Local Trust)"
SUFFIXES = (".csv",)
PART = ["indicator_id"]
CODE = "lsoa21_code"
EDITION, PUBLISHED = "2023", "2023-05-24"  # announced by OCSI on that day
WHOLE = f"Community Needs Index {EDITION}"
DOMAINS = {
    WHOLE: ("", "Community needs"),
    "Civic Assets Domain": ("civic_assets_", "Lack of civic assets"),
    "Connectedness Domain": ("connectedness_", "Lack of connectedness"),
    "Active and Engaged Community Domain": ("active_community_", "Lack of an active and engaged community"),
}
HEADINGS = {f"{domain} {what}": (*told, what.lower()) for domain, told in DOMAINS.items() for what in ("Score", "Rank")}
NOT_A_CODE = "the code is not one of a small area in England"
NOT_A_NUMBER = "the value is not a number"
HINT = f"Small areas are headed {CODE}, measures «{WHOLE} Score», «Connectedness Domain Rank» ..."


def read(piece: Piece) -> pd.DataFrame:
    """The code of each small area and the measures there are, as text; a file without the score of 2023 is refused."""
    raw = files.text_table(piece)
    files.require(raw, [CODE, f"{WHOLE} Score"], piece, hint=HINT)
    return raw[[CODE, *(heading for heading in HEADINGS if heading in raw)]]


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """One row per small area and measure, with `problem`; empty values stay empty, an area given twice counts once."""
    measures = [heading for heading in HEADINGS if heading in raw]
    rows = raw.assign(line=raw.index).melt(["line", CODE], measures, "heading", "given")
    rows["value"], bad = written.numbers(rows["given"])
    prefix, name, what = (rows["heading"].map({h: told[i] for h, told in HEADINGS.items()}) for i in range(3))
    order = what.eq("rank")
    rows = rows.assign(
        indicator_id=f"cni{EDITION}_" + prefix + what,
        name=name + ", " + what + order.map({True: " (1 = greatest need)", False: ""}) + f" ({EDITION})",
        kind="risk",
        unit=what,
        polarity=np.where(order, "high_is_good", "low_is_good"),
        area_code=rows[CODE].str.strip().str.upper(),
        **{"area_level": "lsoa", "period": EDITION, "published": PUBLISHED, "source": LABEL, "feed_id": SOURCE},
        licence=definitions.source(SOURCE).licence,
    )
    bad_code = ~rows["area_code"].str.fullmatch(r"E01\d{6}")
    rows["problem"] = written.first_reason([(bad_code, NOT_A_CODE), (bad, NOT_A_NUMBER)])
    rows = written.without_repeats(rows, ["indicator_id", "area_code"]).drop(columns=[CODE, "heading", "given"])
    return rows.set_index("line").rename_axis(None).sort_index(kind="stable")


def localise(rows: pd.DataFrame, geography: Geography, partnership: Partnership) -> pd.DataFrame:
    """The partnership's small areas; the rest get `problem` OUTSIDE."""
    if geography.lsoas.empty:
        hint = "Load boundaries first: python -m data ingest boundaries FILE"
        raise SourceProblem(LABEL, [Problem("there are no areas yet to place measures in", hint=hint)])
    elsewhere = rows["problem"].eq("") & ~rows["area_code"].isin(geography.parents.index)
    return rows.assign(problem=rows["problem"].mask(elsewhere, OUTSIDE))
