"""Where one authority stands: on every indicator, among its fellows, in the funnel, and against itself a year ago.

A row is an indicator, an authority or an offence group. Of a scope the area is the authority the profile is about.
"""

import contextlib

import numpy as np
import pandas as pd

from analytics import league, rates, similar, spine, trends
from answers import hotspots
from data import definitions, outcome_questions, profile_questions, store
from data.store import NotHeld, Scope

RECORDS = "Records of the partners"
BENCHMARKS = ("partnership", "region", "england")
PER = 1_000
ALIKE = 4  # neighbours told
HOT_LEVEL = "lsoa"


def standing(scope: Scope, benchmark: str) -> pd.DataFrame:
    """On which indicators does the authority differ from a benchmark, and where is it among the authorities?

    scope : its period and filters are those of the partners' records; indicators have their own newest period.
    benchmark : partnership, region or england. Returns one row per indicator: the columns of
    `profile_questions.authority_indicators` and of `spine.spine`. An indicator without that benchmark keeps its row.
    """
    parts = [_of_records(scope)]
    with contextlib.suppress(NotHeld):  # then the records stand alone
        parts.append(profile_questions.authority_indicators(scope))
    every = pd.concat([part for part in parts if len(part)], ignore_index=True)
    if every.empty:
        raise NotHeld("Neither records nor indicators of authorities are held.")
    return spine.spine(every, area=scope.area, benchmark=benchmark).reset_index(drop=True)


def _of_records(scope: Scope) -> pd.DataFrame:
    """Records per 1,000 residents of every source that can be asked, as an indicator each."""
    rows = []
    for source in scope.sources:
        asked = scope.but(area=store.ALL, sources=(source,))
        try:
            found = store.area_counts(asked, level="lad")
        except NotHeld:
            continue
        exact = found["n"].where(found["status"] == store.SHOWN)
        whole = exact.sum(skipna=False) / found["population"].sum(skipna=False) * PER
        label = definitions.source(source).label
        told = {"indicator_id": f"records:{source}", "name": f"{_what(scope)}: {label}", "kind": "context"}
        told |= {"polarity": "low_is_good", "unit": "per 1,000 residents", "publisher": RECORDS}
        told |= {"period": found.attrs.get("period", ""), "partnership": whole, "region": np.nan, "england": np.nan}
        rate = rates.crude(exact, found["population"], per=PER).rename(columns={"rate": "value"})
        rows.append(found[["area_code"]].assign(**told).join(rate))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


def _what(scope: Scope) -> str:
    """What the records are of, where the filters have not narrowed it."""
    narrowed = scope.groups or scope.mark or scope.age or scope.setting or scope.time
    return "Records as chosen in the filters" if narrowed else "Records of violence"


def alike(scope: Scope) -> pd.DataFrame:
    """Which authorities are most like this one, and what all of them are like?

    Returns this authority (rank 0) and the ALIKE most like it: area_code, rank, distance (`similar.nearest_neighbours`)
    and one column per characteristic. `.attrs["characteristics"]`: the columns that likeness was told by.
    """
    known = profile_questions.characteristics(scope)
    near = similar.nearest_neighbours(known, to=scope.area, k=ALIKE)
    order = [scope.area, *near.index]
    answer = known.loc[order].join(near).rename_axis("area_code").reset_index()
    answer.loc[0, ["distance", "rank"]] = 0.0, 0
    answer.attrs["characteristics"] = tuple(near.attrs["characteristics"])
    return answer


def compared(scope: Scope) -> pd.DataFrame:
    """The authorities by their rate of one source, with ranks and funnel limits: the columns of `league.table`."""
    found = store.area_counts(scope.but(area=store.ALL), level="lad")
    answer = league.table(found, per=PER)
    answer.attrs = found.attrs
    return answer


def year_before(scope: Scope) -> pd.DataFrame:
    """How do the records of one source compare with the same months a year before?

    Months supplied in both years are compared; others, and months to which records are still to come, are left out of
    both. Returns one row per offence group, "all" first: offence_group, n, n_before, ratio with lower, upper and method
    (`trends.paired_ratio`; no ratio where there were none before). `.attrs`: months (how many were compared), first and
    last of them.
    """
    if store.banded_sources(scope):
        raise NotHeld("Protected tables are by quarter and banded, so years are not divided by each other.")
    rows = store.monthly_counts(scope.but(start=scope.start - pd.DateOffset(years=1)), by=("offence_group",))
    wide = rows.pivot(index="month", columns="offence_group", values="n").dropna(how="any")
    unsure = outcome_questions.incomplete_months(scope, scope.sources[0])
    now = wide[(wide.index >= scope.start) & ~wide.index.isin(list(unsure))]
    before = wide.reindex(now.index - pd.DateOffset(years=1)).set_axis(now.index).dropna(how="any")
    now = now.loc[before.index]
    if now.empty:
        raise NotHeld(
            "No month of the period was supplied whole in the year before too, so there is nothing to compare."
        )
    order = now.sum().sort_values(ascending=False, kind="stable").index
    parts = {"all": (now.sum(axis=1), before.sum(axis=1))} | {group: (now[group], before[group]) for group in order}
    answer = pd.concat([trends.paired_ratio(*pair) for pair in parts.values()], ignore_index=True)
    answer.insert(0, "offence_group", list(parts))
    answer = answer[answer[["n", "n_before"]].sum(axis=1) > 0].reset_index(drop=True)
    answer.attrs = {"months": len(now), "first": now.index.min(), "last": now.index.max()}
    return answer


def hot_inside(scope: Scope) -> pd.DataFrame:
    """Which small areas of the authority are hotspots by the measure of the whole partnership?

    Gi* among all small areas of the partnership, as on the page of hotspots: the rows of `hotspots.surface` inside the
    authority that are hot, hottest first. `.attrs["of"]`: how many small areas it has.
    """
    every = hotspots.surface(scope.but(area=store.ALL), HOT_LEVEL, 0)
    inside = every[every["authority_code"] == scope.area]
    hot = inside[(inside["z"] > 0) & (inside["q_value"] < hotspots.HOT)]
    answer = hot.sort_values("z", ascending=False, kind="stable").reset_index(drop=True)
    answer.attrs = every.attrs | {"of": len(inside)}
    return answer
