"""What is published of authorities: indicators beside their benchmarks, and what authorities are like. A row is an
authority, or one indicator of it. As in `data.store`: a Scope in, a table out; of it the tier and snapshot count."""

import numpy as np
import pandas as pd
from ibis import _

from data import definitions, store
from data.sources.partner_indicators import ABOUT_PEOPLE, FROM_POLICE
from data.store import ALL, NotHeld, Scope

AVERAGED = "mean of small areas, weighted by residents"
OF_BASE = "mean of small areas, weighted by what it is a share of"
EDITION = r"^imd(\d{4})_"  # of several editions of the index the newest is told
NO_MEAN = ("rank", "decile", "tenth")  # units of orders, of which a mean says nothing
COUNTED = ("people", "households")  # units of counts, which say how large an area is
YOUNG, OLD = (10, 24), (65, 200)  # ages of the characteristics
KEYS = ["indicator_id", "period"]
ROUNDED = 0.02  # published values are rounded: what n and its base give may differ by so much


def authority_indicators(scope: Scope) -> pd.DataFrame:
    """Every indicator of every authority in the newest period that is held of it, beside its benchmarks.

    Returns one row per indicator and authority: indicator_id, name, kind, polarity, unit, publisher,
    period, area_code, value, lower, upper, method (how the value was made, where it is not as published),
    before and before_period (the period held before that), partnership, region, england (of the same period).
    Of indicators published for small areas the authority's value is their mean, weighted by what they are shares of
    where that is published, else by residents. Ranks, tenths and counts have no mean, who lives somewhere (ethnic
    groups) is no measure of it, and rates from crime records would rank authorities by policing: these are left out,
    and of an index all editions but the newest. partnership : from the counts where all are published, else a mean
    weighted by residents.
    """
    rows = store.table(scope, "indicators")
    published = store.run(scope, rows.filter(_.area_level.isin(["lad", "region", "country"])))
    ours = published[published["area_code"].isin(definitions.partnership().codes)].assign(method="as published")
    people = residents(scope)
    averaged = _averaged(scope, set(ours["indicator_id"]))
    every = pd.concat([ours, averaged], ignore_index=True).dropna(subset=["value"])
    if every.empty:
        raise NotHeld("No indicators are held of authorities.")
    newest = every.groupby("indicator_id")["period"].transform("max")
    now = every[every["period"] == newest].reset_index(drop=True)
    now = now.join(_before(every[every["period"] < newest]), on=["indicator_id", "area_code"])
    now["partnership"] = now["indicator_id"].map(now.groupby("indicator_id").apply(_whole, people))
    for column, wanted in (("region", definitions.partnership().region), ("england", "E92000001")):
        wide = published[published["area_code"] == wanted].drop_duplicates(KEYS).set_index(KEYS)["value"]
        now = now.join(wide.rename(column), on=KEYS)
    now = now.rename(columns={"source": "publisher"})
    told = ["indicator_id", "name", "kind", "polarity", "unit", "publisher", "period", "area_code", "value", "lower"]
    told += ["upper", "method", "before", "before_period", "partnership", "region", "england"]
    return now[told].sort_values(["publisher", "name", "area_code"], kind="stable", ignore_index=True)


def characteristics(scope: Scope) -> pd.DataFrame:
    """What each authority is like, from what is published: its index the codes, one column per characteristic.

    Residents, residents per square kilometre, shares aged 10 to 24 and 65 and over, mean deprivation score of its
    small areas and the share of them in England's most deprived fifth; what is not held is no column.
    """
    wide = scope.but(area=ALL)
    people = store.table(scope, "population").filter(_.area_level == "lad", _.pop_type == "resident")
    people = store.run(scope, people.filter(_.year == people.year.max()).select("area_code", "age_band5", "population"))
    places = store.run(scope, store.table(scope, "areas").filter(_.area_level == "lad"))
    places = places[places["area_code"].isin(definitions.partnership().codes)].set_index("area_code").sort_index()
    total = people.groupby("area_code")["population"].sum().reindex(places.index)
    answer = pd.DataFrame({"population": total, "residents_per_km2": total / places["area_km2"]})
    first = pd.to_numeric(people["age_band5"].str.extract(r"^(\d+)", expand=False))
    if first.notna().all():
        for name, (low, high) in (("share_10_24", YOUNG), ("share_65_over", OLD)):
            answer[name] = people[first.between(low, high)].groupby("area_code")["population"].sum() / total
    return answer.join(_deprivation(wide)).dropna(axis=1, how="all")


def residents(scope: Scope) -> pd.Series:
    """Residents of each authority in the newest year held."""
    if not store.holds(scope, "population"):
        return pd.Series(dtype=float)
    people = store.table(scope, "population").filter(_.area_level == "lad", _.pop_type == "resident")
    newest = people.filter(_.year == people.year.max()).group_by("area_code").agg(n=_.population.sum())
    return store.run(scope, newest).set_index("area_code")["n"].astype(float)


def _deprivation(scope: Scope) -> pd.DataFrame:
    """By authority: share of small areas in the most deprived fifth, and their mean tenth."""
    rows = store.table(scope, "indicators").filter(_.area_level == "lsoa")
    tenths = rows.filter(_.indicator_id.re_search(store.OVERALL_TENTH))
    newest = tenths.filter(_.period == tenths.period.max()).select("area_code", "value")
    inside = store.table(scope, "areas").filter(_.area_level == "lsoa").select("area_code", "authority_code")
    found = store.run(scope, newest.join(inside, "area_code").select("authority_code", "value"))
    groups = found.groupby("authority_code")["value"]
    return pd.DataFrame({"deprived_fifth": groups.apply(lambda v: (v <= 2).mean()), "mean_tenth": groups.mean()})


def _averaged(scope: Scope, published: set[str]) -> pd.DataFrame:
    """Indicators of small areas as means of their authorities, weighted by residents; those published are left out."""
    if not store.holds(scope, "population"):
        return pd.DataFrame()
    people = store.table(scope, "population").filter(_.area_level == "lsoa", _.pop_type == "resident")
    people = people.filter(_.year == people.year.max()).group_by("area_code").agg(people=_.population.sum())
    inside = store.table(scope, "areas").filter(_.area_level == "lsoa").select("area_code", "authority_code")
    rows = store.table(scope, "indicators").filter(
        _.area_level == "lsoa", ~_.unit.isin([*NO_MEAN, *COUNTED]), ~_.indicator_id.isin(sorted(published))
    )
    rows = rows.join(people, "area_code").join(inside, "area_code").filter(_.value.notnull())
    keys = ["indicator_id", "period", "authority_code"]
    said = {name: rows[name].min() for name in ("name", "kind", "polarity", "unit", "source")}
    sums = {"by_people": (_.value * _.people).sum(), "people": _.people.sum(), "of": _.denominator.sum()}
    sums |= {"by_base": (_.value * _.denominator).sum(), "bases": _.denominator.count(), "areas": _.count()}
    found = store.run(scope, rows.group_by(keys).agg(**sums, **said)).rename(columns={"authority_code": "area_code"})
    based = found["bases"].eq(found["areas"]) & found["of"].gt(0)  # shares of something that is published with them
    base = found["of"].astype(float).where(based)
    mean = found["by_people"] / found["people"].where(found["people"] > 0)
    found["value"] = (found["by_base"] / base).where(based, mean)
    found["numerator"], found["denominator"] = found["by_base"].astype(float).where(based), base
    found["method"] = np.where(based, OF_BASE, AVERAGED)
    found = found.assign(lower=np.nan, upper=np.nan)
    never = [bool(ABOUT_PEOPLE.search(name) or FROM_POLICE.search(name)) for name in found["name"]]
    edition = found["indicator_id"].str.extract(EDITION, expand=False)
    return found[~np.array(never, dtype=bool) & (edition.isna() | edition.eq(edition.max())).to_numpy()]


def _before(earlier: pd.DataFrame) -> pd.DataFrame:
    """The newest of earlier periods, by indicator and authority."""
    last = earlier.sort_values("period", kind="stable").drop_duplicates(["indicator_id", "area_code"], keep="last")
    named = last.rename(columns={"value": "before", "period": "before_period"})
    return named.set_index(["indicator_id", "area_code"])[["before", "before_period"]]


def _whole(rows: pd.DataFrame, people: pd.Series) -> float:
    """The value of all authorities together: from their counts where it is one part of another; else a mean."""
    known = rows.set_index("area_code").reindex(list(definitions.partnership().codes))
    n, of = known["numerator"], known["denominator"]
    per = (known["value"] * of / n.where(n > 0)).dropna()  # 100 of a percentage, 1,000 of a rate
    if n.notna().all() and of.notna().all() and len(per) and np.allclose(per, per.median(), rtol=ROUNDED):
        return float(n.sum() / of.sum() * per.median())
    weights = people.reindex(known.index)
    return float((known["value"] * weights).sum(skipna=False) / weights.sum(skipna=False))
