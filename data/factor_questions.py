"""What may be set against violence between areas, and what each area has of it. A row of `factors` is one area.

As in `data.store`: a Scope in, a table out. Of it the tier, the snapshot and the area count; for `outcome` all does.
Ranks and tenths, what is told from crime records, and what describes groups of people are never factors.
"""

import numpy as np
import pandas as pd
from ibis import _

from data import derived_factors, store
from data.derived_factors import DERIVED, areas_of
from data.profile_questions import AVERAGED, NO_MEAN
from data.sources.partner_indicators import ABOUT_PEOPLE, FROM_POLICE
from data.store import ALL, NotHeld, Scope

LEVELS = {"lsoa": "small areas", "msoa": "neighbourhoods"}
WIDE = ("region", "country")  # levels of which the partnership has no areas: to compare with
SUMMED = ("people", "households")  # units of counts: what holds several areas has all of theirs
LEAST_COVERED = 0.5  # of a neighbourhood's residents: a mean over fewer would be that of another place
PER = (1, 100, 1_000, 10_000, 100_000)  # of what a value may be told
ROUNDED, ROUNDED_AT_MOST = 0.02, 0.05  # values are published rounded: they may differ so much from their counts
EDITION = r"^imd(\d{4})_"  # of several editions of the index the newest is offered, the others if asked for by name
ORDER, POLICE, PEOPLE, CONTROL, CONTEXT = (
    "A rank or a tenth: its score says more.",
    "From crime records, or a count of violence itself.",
    "About groups of people: context only.",
    "Neither a risk nor a protection: to hold steady beside factors.",
    "Context: neither a risk nor a protection.",
)
AS_PUBLISHED, FROM_COUNTS, ADDED = "as published", "from the counts of its small areas", "sum of its small areas"
MADE_HERE = "worked out from residents and places"
SAME = ("name", "kind", "unit", "polarity", "licence", "published")  # said alike on all rows of an indicator
COLUMNS = ["indicator_id", "name", "kind", "area_level", "period", "unit", "polarity", "publisher", "licence"]
COLUMNS += ["published", "areas", "completeness", "factor", "control", "reason"]


def catalogue(scope: Scope) -> pd.DataFrame:
    """Every indicator held, at every level, and whether it may be set against violence; for the whole partnership.

    Returns one row per indicator and level: indicator_id, name, kind, area_level, period (the newest with a value),
    unit, polarity, publisher, licence, published, areas (with a value), completeness (their share of the partnership's
    areas of that level, from 0 to 1; missing for regions and the country), factor (may be set against violence),
    control (may be held steady beside factors), reason (why it is no factor, empty where it is).
    What is made here of residents and places is listed with the rest.
    """
    whole = scope.but(area=ALL)
    parts = [_published(whole), *(derived_factors.listed(whole, level) for level in LEVELS)]
    found = pd.concat([p for p in parts if len(p)] or [pd.DataFrame(columns=COLUMNS)], ignore_index=True)
    of = store.run(whole, store.table(whole, "areas").group_by("area_level").agg(n=_.area_code.nunique()))
    found["completeness"] = found["areas"] / found["area_level"].map(of.set_index("area_level")["n"])
    found["control"] = found["indicator_id"].isin(DERIVED) & found["kind"].eq("context")
    found["reason"] = _reasons(found)
    found["factor"] = found["reason"].eq("")
    return found[COLUMNS].sort_values(["publisher", "name", "area_level"], kind="stable", ignore_index=True)


def factors(scope: Scope, level: str, *, ids: list[str] | None = None) -> pd.DataFrame:
    """What each area of a level has of every factor, in the newest period held; missing stays missing.

    level : lsoa or msoa. ids : which, in this order, factors or controls of `catalogue`; without them all factors and
    controls with a value here, of an index in several editions the newest alone.

    Returns one row per area of the scope's area, sorted, its index area_code; one column per factor. `.attrs` holds
    names, kinds, polarity, units, periods and methods (how the values were made), each by column.
    What is not published for neighbourhoods is, of each: counts over what they are counted out of, where both are
    known; sums of counts; else the mean of their small areas by residents, missing where less than half of the
    residents live in areas with a value.
    """
    _check(level)
    listed = catalogue(scope)
    offered = _offered(listed, level)
    wanted = _newest_editions(offered) if ids is None else _asked(ids, listed, offered)
    values, methods = _values(scope, level, offered.loc[wanted])
    answer = pd.DataFrame(index=areas_of(scope, level).index)
    answer = answer.join(values).join(derived_factors.measured(scope, level)).reindex(columns=wanted)
    answer = answer if ids is not None else answer.dropna(axis=1, how="all")
    if answer.empty:
        raise NotHeld(f"No factors of {LEVELS[level]} are held here.")
    told = offered.loc[list(answer)]
    answer.attrs = {
        **{f"{name}s": told[name].to_dict() for name in ("name", "kind", "unit", "period")},
        "polarity": told["polarity"].to_dict(),
        "methods": {column: methods.get(column, MADE_HERE) for column in answer},
    }
    return answer


def exposure(scope: Scope, level: str) -> pd.Series:
    """Residents of each area of a level in the newest year held, its index area_code; missing where none are told."""
    _check(level)
    people, _year = derived_factors.residents(scope, level)
    if not len(people.columns):
        raise NotHeld(f"The number of residents of {LEVELS[level]} is not held.")
    return people.sum(axis=1, min_count=1).rename("residents")


def outcome(scope: Scope, level: str) -> pd.Series:
    """Records of the scope's one source in each area of a level, its index area_code; missing where not supplied.

    What may not be placed at the level is not counted; a count that a partner sees as a band is missing.
    """
    _check(level)
    if len(scope.sources) != 1:
        raise NotHeld("Factors are set against one source at a time: choose one.")
    found = store.area_counts(scope, level=level)
    counts = found.set_index("area_code")["n"].sort_index().astype(float).rename("n")
    counts.attrs = dict(found.attrs)  # the period, where protected tables have another than was asked for
    return counts


def tenths(scope: Scope) -> pd.DataFrame:
    """The tenth of deprivation of each small area in the newest index held, its index area_code: decile, 1 the most.

    `.attrs["index"]`: which index. The overall index holds recorded crime in part: for gradients, never a factor.
    """
    rows = store.table(scope, "indicators").filter(
        _.area_level == "lsoa", _.indicator_id.re_search(store.OVERALL_TENTH), _.value.notnull()
    )
    newest = rows.filter(_.period == rows.period.max()).select("area_code", "period", decile="value")
    found = store.run(scope, newest)
    if found.empty:
        raise NotHeld("No index of deprivation is held, so there are no tenths to compare.")
    answer = found.set_index("area_code")[["decile"]]
    answer.attrs["index"] = f"Index of {found['period'].iat[0]}"
    return answer


def _check(level: str) -> None:
    if level not in LEVELS:
        raise NotHeld("Factors are told of small areas and of neighbourhoods.")


def _published(scope: Scope) -> pd.DataFrame:
    """The newest period with a value of every indicator and level, of the partnership's areas and wider ones."""
    if not store.holds(scope, "indicators"):
        return pd.DataFrame()
    rows, held = store.table(scope, "indicators"), store.table(scope, "areas")
    rows = rows.filter(_.value.notnull(), _.area_level.isin(WIDE) | _.area_code.isin(held.area_code))
    keys = ["indicator_id", "area_level", "period"]
    said = {name: rows[name].min() for name in SAME} | {"publisher": rows.source.min()}
    found = store.run(scope, rows.group_by(keys).agg(areas=_.area_code.nunique(), **said))
    return found[found["period"] == found.groupby(keys[:2])["period"].transform("max")]


def _reasons(rows: pd.DataFrame) -> np.ndarray:
    """Why each is no factor; empty where it may be one."""
    rules = {
        PEOPLE: rows["name"].map(lambda name: bool(ABOUT_PEOPLE.search(name))),
        POLICE: rows["name"].map(lambda name: bool(FROM_POLICE.search(name))),
        ORDER: rows["unit"].isin(NO_MEAN),
        CONTROL: rows["control"],
        CONTEXT: ~rows["kind"].isin(["risk", "protective"]),
    }
    return np.select([bad.astype(bool) for bad in rules.values()], list(rules), default="").astype(object)


def _offered(listed: pd.DataFrame, level: str) -> pd.DataFrame:
    """Factors and controls by indicator: as published at the level, else of small areas to make neighbourhoods of."""
    own = listed["area_level"].eq(level)
    parts = listed["area_level"].eq("lsoa") & ~listed["indicator_id"].isin(DERIVED)
    may = listed["factor"] | listed["control"]
    both = pd.concat([listed[may & own], listed[may & parts]])
    return both.drop_duplicates("indicator_id").set_index("indicator_id")


def _newest_editions(offered: pd.DataFrame) -> list[str]:
    edition = pd.Series(offered.index, index=offered.index).str.extract(EDITION, expand=False)
    return list(offered.index[edition.isna() | edition.eq(edition.max())])


def _asked(ids: list[str], listed: pd.DataFrame, offered: pd.DataFrame) -> list[str]:
    """The factors asked for; what is none is refused with the reason."""
    for one in ids:
        if one not in offered.index:
            told = listed[listed["indicator_id"] == one]
            why = next((f"{n}: {r}" for n, r in zip(told["name"], told["reason"], strict=True) if r), "")
            raise NotHeld(why or "One of the factors asked for is not held at this level.")
    return list(dict.fromkeys(ids))


def _values(scope: Scope, level: str, offered: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """What is published, by area and indicator, and how each was made."""
    wanted = offered[~offered.index.isin(DERIVED)].reset_index()
    if wanted.empty:
        return pd.DataFrame(), {}
    rows = store.table(scope, "indicators").filter(_.indicator_id.isin(wanted["indicator_id"].tolist()))
    keys = ["indicator_id", "area_level", "period"]
    rows = store.run(scope, rows.select(*keys, "area_code", "value", "numerator", "denominator"))
    rows = rows.merge(wanted[keys]).drop_duplicates(["indicator_id", "area_code"])
    own = _wide(rows[rows["area_level"] == level], "value")
    methods = dict.fromkeys(own, AS_PUBLISHED)
    parts = rows[rows["area_level"] != level]
    if parts.empty:
        return own, methods
    made, how = _of_neighbourhoods(scope, parts, wanted.set_index("indicator_id")["unit"])
    return own.join(made, how="outer"), methods | how


def _wide(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    table = rows.pivot(index="area_code", columns="indicator_id", values=column)
    return table.astype(float).rename_axis(columns=None)


def _of_neighbourhoods(scope: Scope, rows: pd.DataFrame, units: pd.Series) -> tuple[pd.DataFrame, dict[str, str]]:
    """Indicators of small areas as those of the neighbourhoods they lie in, and how each was made."""
    small = areas_of(scope, "lsoa")
    value, n, of = (_wide(rows, c).reindex(small.index) for c in ("value", "numerator", "denominator"))
    people, _year = derived_factors.residents(scope, "lsoa")
    weight = value.notna().mul(people.sum(axis=1), axis=0)
    parent = small["parent"]
    covered = weight.groupby(parent).sum().div(people.sum(axis=1).groupby(parent).sum(), axis=0)
    made = (value * weight).groupby(parent).sum() / weight.groupby(parent).sum().where(lambda w: w > 0)
    how = dict.fromkeys(made, AVERAGED)
    for column in made:
        if per := _per(value[column], n[column], of[column]):
            known = of[column].where(value[column].notna())
            base = known.groupby(parent).sum()
            made[column] = per * n[column].where(known.notna()).groupby(parent).sum() / base.where(base > 0)
            how[column] = FROM_COUNTS
    made = made.where(covered >= LEAST_COVERED)
    for column in made.columns[made.columns.map(units).isin(SUMMED)]:
        whole = value[column].notna().groupby(parent).all()
        made[column], how[column] = value[column].groupby(parent).sum().where(whole), ADDED
    return made.rename_axis("area_code"), how


def _per(value: pd.Series, n: pd.Series, of: pd.Series) -> int:
    """Of how many a value is told, where it is one count over another in every area that has it; else 0."""
    known = value.notna()
    if not known.any() or n[known].isna().any() or of[known].isna().any():
        return 0
    share = (n / of.where(of > 0))[known].dropna()
    for per in PER:
        allowed = np.maximum(ROUNDED * value[share.index].abs(), min(ROUNDED_AT_MOST, per / 2_000))
        if len(share) and share.gt(0).any() and ((value[share.index] - per * share).abs() <= allowed).all():
            return per
    return 0
