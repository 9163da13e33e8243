"""What pages ask of a snapshot: a Scope in, a table in full out (zeros included, months not supplied said to be so).

Every question is one ibis expression over the snapshot's Parquet, so the same question runs on the embedded DuckDB
or on a warehouse. Sources are never added up: they count different things at different places.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from operator import and_, or_
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
from ibis import _

from data import definitions, protected, publish
from data.engine import Engine

ALL = "all"
EARLIEST, LATEST = pd.Timestamp("2000-01-01"), pd.Timestamp("2100-01-01")  # all there can be
SHOWN, HIDDEN, MISSING = "shown", "hidden", "not supplied"
FIRST_OF_YEAR = 4  # the month a financial year begins with
NIGHT = (18, 6)  # from six in the evening to six in the morning
OVERALL_TENTH = r"^(imd\d{4}|demo_deprivation)_decile$"  # the indicators that hold a small area's tenth by deprivation
FIXED = " is held here in fixed tables: by authority and quarter, some by neighbourhood and year, no finer."
OFF_THE_MAP = ("domestic", "sexual")  # flags whose records are never placed finer than MSOA
COHORTS = {"under_10": (0, 9), "10-17": (10, 17), "18-24": (18, 24), "under_25": (0, 24), "25_plus": (25, 200)}
MOST_DAYS = 500  # records whose days are told: a chart of them is for what is rare
ADULT = 18
APART, UNKNOWN_AGE = ("under_10", "10-17", "18-24", "25_plus"), "unknown"  # cohorts that share nobody
FINENESS = ("hex", "lsoa", "ward", "msoa", "lad")
TAKEN = {"lsoa": "small area", "msoa": "neighbourhood"}
AREA_COLUMN = {"lsoa": "lsoa_code", "ward": "ward_code", "msoa": "msoa_code", "lad": "authority_code"}
WARD = "lsoa_ward"  # the lookup that says in which ward most of a small area lies


class NotHeld(Exception):
    """The question asks for something this snapshot or tier does not hold. The message is for someone at a page."""


@dataclass(frozen=True)
class Scope:
    """What is asked about, by whom, of which snapshot; hashable, so that a cached answer never crosses tiers or loads.

    area : an authority's code, or `all`. start, end : first days of the first and last month, both included.
    groups, sources : keys; no groups means all violence. age : a cohort. setting : domestic, public. time : day, night.
    mark : a kind of record (`definitions.marks`). place : an area or cell within the area, empty for all of it.
    """

    tier: str
    snapshot: str
    area: str = ALL
    start: pd.Timestamp = EARLIEST
    end: pd.Timestamp = LATEST
    groups: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    age: str = ""
    setting: str = ""
    time: str = ""
    mark: str = ""
    place: str = ""

    def but(self, **changes: object) -> "Scope":
        """The same scope with some parts changed."""
        return replace(self, **changes)


def snapshot_facts() -> dict | None:
    """What the current snapshot says of itself, or None where nothing has been published."""
    found = publish.current()
    return publish.manifest(found) if found else None


def monthly_counts(scope: Scope, *, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Records per source and month, and per `by` (authority_code, offence_group, cohort); months not supplied are gaps.

    Returns source, month, the columns of `by`, n, n_lower, n_upper, status. Sources a partner sees only as protected
    aggregates answer by quarter (`period_type` says so).
    """
    if banded := banded_sources(scope):
        codes = definitions.partnership().codes if scope.area == ALL else (scope.area,)
        rows = protected.quarters(_protected(scope, banded), _measures(scope), scope.area, by, codes)
        rest = tuple(s for s in scope.sources if s not in banded)
        return pd.concat([monthly_counts(scope.but(sources=rest), by=by), rows]) if rest else rows
    keys = ["source", "month", *by]
    rows = records(scope)
    if "cohort" in by:
        if unable := [s for s in scope.sources if not answers(s, "age")]:
            raise NotHeld(f"{_names(tuple(unable))}: the age of victims is not recorded.")
        rows = rows.mutate(cohort=_cohort(rows))
    counted = run(scope, rows.group_by(keys).agg(n=_.count()))
    full = _every_month(scope, by).merge(counted, on=keys, how="left")
    return _with_bounds(full[keys].assign(n=full["n"].fillna(0).where(full["held"])))


def area_counts(scope: Scope, *, level: str, per: str = "resident") -> pd.DataFrame:
    """Records per source and area of a level over the period, with the people there.

    per : which people, a kind of `denominators`; `largest` is the harm of the one record that has most of it.

    Returns source, the columns of the areas, population, months (how many were supplied), n, n_lower, n_upper, status.
    Finer than MSOA, domestic and sexual records are left out, as are groups that may not be placed. Protected
    aggregates answer for the newest financial year of the period; `.attrs["period"]` says which.
    """
    if banded := banded_sources(scope):
        counts, year = protected.areas(_protected(scope, banded), _measures(scope), level)
        if counts.empty:
            raise NotHeld(_names(banded) + FIXED)
        return _with_places(scope, level, counts, year)
    column = _column(level)
    rows = records(scope, level=level)
    counted = run(scope, rows.group_by("source", area_code=rows[column]).agg(n=_.count(), **_harm()))
    places = _areas(scope, level).select("area_code", "name", "everyday_name", "authority_code", "area_km2", "x", "y")
    people = _people(scope, level, per)
    places = run(scope, places.left_join(people, "area_code").select(*places.columns, "population", "year"))
    parts = [places.sort_values("area_code").assign(source=s, months=_months(scope, s)) for s in sorted(scope.sources)]
    full = pd.concat(parts or [places.head(0).assign(source="", months=0)], ignore_index=True)
    full = full.merge(counted, on=["source", "area_code"], how="left")
    supplied = full["months"] > 0
    return _with_bounds(
        full.assign(n=full["n"].fillna(0).where(supplied), **full[["harm", "largest", "weighed"]].fillna(0.0))
    )


def _harm() -> dict[str, ibis.Value]:
    return {"harm": _.harm_cchi.sum(), "largest": _.harm_cchi.max(), "weighed": _.harm_cchi.count()}


def _months(scope: Scope, source: str) -> int:
    """How many months of the period were supplied by a source."""
    return sum(scope.start <= month <= scope.end for month in held_months(scope, source))


def _with_places(scope: Scope, level: str, counts: pd.DataFrame, year: str) -> pd.DataFrame:
    """Protected counts beside the areas they are about; an area without a row is not held."""
    places = _areas(scope, level).select("area_code", "name", "everyday_name", "authority_code", "area_km2", "x", "y")
    known = run(scope, places).merge(
        run(scope, _people(scope, level, "resident"))[["area_code", "population", "year"]], how="left"
    )
    found = known.merge(counts, on="area_code", how="left")
    found["status"] = found["status"].fillna(MISSING)
    found.attrs["period"] = year
    return found


def cell_counts(scope: Scope, *, size_m: int, origin: tuple[float, float] = (0.0, 0.0)) -> pd.DataFrame:
    """Records per hexagon of one source over the period; every cell on the land of the area, zeros included.

    size_m : metres across the flats.
    Returns cell_id, q, r, x, y, harm, largest (of one record), n, n_lower, n_upper, status.
    Domestic and sexual records, and groups that may not be placed, are left out; below the source's floor: NotHeld.
    """
    _check_map(scope, size_m)
    rows = records(scope, level="hex")
    q, r = hexagon(rows.easting - origin[0], rows.northing - origin[1], size_m)
    counted = run(scope, rows.group_by(q=q, r=r).agg(n=_.count(), **_harm()))
    land = _land_cells(scope, size_m, origin)
    cells = land.merge(counted, on=["q", "r"], how="outer")
    radius = size_m / np.sqrt(3)
    cells["x"] = origin[0] + 1.5 * radius * cells["q"]
    cells["y"] = origin[1] + size_m * (cells["r"] + cells["q"] / 2)
    cells["cell_id"] = [f"{size_m:g}:{q}:{r}" for q, r in zip(cells["q"], cells["r"], strict=True)]
    supplied = any(scope.start <= month <= scope.end for month in held_months(scope, scope.sources[0]))
    sums = ["n", "harm", "largest", "weighed"]
    cells[sums] = cells[sums].fillna(0 if supplied else np.nan)
    return _with_bounds(cells[["cell_id", "q", "r", "x", "y", *sums]])


def cell_months(scope: Scope, *, size_m: int) -> pd.DataFrame:
    """Records per hexagon and month supplied, as `cell_counts` counts them: cell_id, month, n; none is no row."""
    _check_map(scope, size_m)
    rows = records(scope, level="hex")
    q, r = hexagon(rows.easting, rows.northing, size_m)
    found = run(scope, rows.group_by(q=q, r=r, month=rows.month).agg(n=_.count()))
    found["cell_id"] = [f"{size_m:g}:{q}:{r}" for q, r in zip(found["q"], found["r"], strict=True)]
    return _of_months_held(scope, found)[["cell_id", "month", "n"]]


def area_months(scope: Scope, *, level: str) -> pd.DataFrame:
    """Records of one source per area and month supplied: area_code, month, n; none is no row."""
    rows = records(scope, level=level)
    found = run(scope, rows.group_by(area_code=rows[_column(level)], month=rows.month).agg(n=_.count()))
    return _of_months_held(scope, found)[["area_code", "month", "n"]]


def _of_months_held(scope: Scope, found: pd.DataFrame) -> pd.DataFrame:
    """Late deliveries hold a few crimes of months that were never supplied: those months are gaps all the same."""
    return found[found["month"].isin(held_months(scope, scope.sources[0]))]


def cell_names(scope: Scope, *, size_m: int) -> pd.DataFrame:
    """What to call each hexagon with records: cell_id, street (the commonest published label), area (where most lie).

    `area` is the everyday name of the neighbourhood, else its authority's. Sources without labels have no street; a
    venue is told by its kind alone ("near a supermarket").
    """
    _check_map(scope, size_m)
    rows = records(scope, level="hex")
    q, r = hexagon(rows.easting, rows.northing, size_m)
    place = ibis.coalesce(rows.lsoa_code, rows.authority_code)
    parts = run(scope, rows.group_by(q=q, r=r, street=rows.location_key, place=place).agg(n=_.count()))
    found = _commonest(parts, "street").merge(_commonest(parts, "place"), on=["q", "r"], how="right")
    known = run(scope, table(scope, "areas").select("area_code", "name", "everyday_name")).set_index("area_code")
    found["street"] = _told(found["street"])
    found["area"] = found["place"].map(known["everyday_name"].fillna(known["name"]))
    found["cell_id"] = [f"{size_m:g}:{q}:{r}" for q, r in zip(found["q"], found["r"], strict=True)]
    return found[["cell_id", "street", "area"]]


def _told(label: pd.Series) -> pd.Series:
    """Labels of streets as they are, kinds of venue in words; what may be a single venue's name is missing."""
    road = rf"(?:{'|'.join(map(re.escape, definitions.street_words()))})$|^[ABM]\d+(?:\(M\))?$"
    kinds = label.map(definitions.venue_labels())
    return kinds.fillna(label.where(label.str.contains(road, na=False)))


def _commonest(parts: pd.DataFrame, column: str) -> pd.DataFrame:
    """The value of a column that most records of each hexagon have, of equals the first in the alphabet: q, r, it."""
    counts = parts.groupby(["q", "r", column], as_index=False, sort=True)["n"].sum()
    return counts.sort_values("n", ascending=False, kind="stable").drop_duplicates(["q", "r"])[["q", "r", column]]


def hexagon(x: ibis.Value, y: ibis.Value, size_m: float) -> tuple[ibis.Value, ibis.Value]:
    """The axial column and row of the flat-topped hexagon that holds a point, in arithmetic any engine knows.

    Written as `analytics.grids.cell_of` is, step by step, so that both agree to the last bit on an edge too.
    """
    q = x * 2 / (3**0.5 * size_m)
    r = y / size_m - q / 2
    s = -q - r
    rq, rr, rs = ((v + 0.5).floor() for v in (q, r, s))
    dq, dr, ds = (rq - q).abs(), (rr - r).abs(), (rs - s).abs()
    column = ibis.ifelse((dq > dr) & (dq > ds), -rr - rs, rq)
    row = ibis.ifelse((dr >= dq) & (dr > ds), -rq - rs, rr)
    return column.cast("int64"), row.cast("int64")


def event_days(scope: Scope) -> pd.Series:
    """The day of each record of one source in whole authorities, oldest first, where it is known: for charts of days
    between rare events. Not for partners or the public, not of places, and not of more than MOST_DAYS records.
    """
    if scope.tier != "restricted" or scope.place or len(scope.sources) != 1:
        raise NotHeld("Days between events are told to named members, of one source and whole authorities.")
    rows = records(scope).filter(_.dt_from.notnull())
    if not answers(scope.sources[0], "time"):
        raise NotHeld(f"{_names(scope.sources)} gives no more than the month, so days between events are not known.")
    days = run(scope, rows.select(day=_.dt_from.date()).order_by("day").limit(MOST_DAYS + 1))["day"]
    if len(days) > MOST_DAYS:
        raise NotHeld(f"More than {MOST_DAYS} records: days between events are for what is rare.")
    return pd.to_datetime(days).astype("datetime64[us]")


def days_counts(scope: Scope) -> pd.DataFrame:
    """Records of one source per day of the months supplied, zeros included, where the day is known: date, n."""
    if not answers(scope.sources[0], "time"):
        raise NotHeld(f"{_names(scope.sources)} gives no more than the month, so days cannot be compared.")
    rows = records(scope).filter(_.dt_from.notnull())
    found = run(scope, rows.group_by(date=_.dt_from.date()).agg(n=_.count()))
    found["date"] = pd.to_datetime(found["date"]).astype("datetime64[us]")
    every = [pd.date_range(m, m + pd.offsets.MonthEnd(0)) for m in held_months(scope, scope.sources[0])]
    days = pd.DatetimeIndex([d for month in every for d in month if scope.start <= month[0] <= scope.end])
    full = pd.DataFrame({"date": days.astype("datetime64[us]")}).merge(found, on="date", how="left")
    return full.assign(n=full["n"].fillna(0.0).astype(float))


def source_counts(scope: Scope) -> pd.DataFrame:
    """What each source holds of the scope's place and period, one row per source; they are never added up.

    Sources that cannot answer the filters, do not know every offence group asked for, or may not be placed so finely
    are left out; records of months that were not supplied are not counted.

    Returns source, months (how many were supplied), n, n_lower, n_upper, status.
    """
    rows = []
    for source in sources(scope):
        only = scope.but(sources=(source,))
        if not set(scope.groups) <= set(offence_groups(only)):
            continue
        try:
            by_month = run(only, records(only).group_by("month").agg(n=_.count()))
        except NotHeld:
            continue
        n, months = _of_months_held(only, by_month)["n"].sum(), _months(only, source)
        rows.append({"source": source, "months": months, "n": n if months else None})
    return _with_bounds(pd.DataFrame(rows, columns=["source", "months", "n"]))


def records_held(scope: Scope) -> pd.DataFrame:
    """Records of all kinds by source in this snapshot and in the one before it: source, records_held, records_before.

    Nothing stands in `records_before` where there is no snapshot before, or one of invented data was built over.
    """
    facts = {m["id"]: m for m in publish.kept()}
    older = max((name for name in facts if name < scope.snapshot), default=None)
    alike = older and bool(facts[older].get("invented")) == bool(facts[scope.snapshot].get("invented"))
    both = {"records_held": scope.snapshot} | ({"records_before": older} if alike else {})
    counts = {
        name: _contents(str(publish.root()), snapshot, scope.tier).groupby("source")["n"].sum()
        for name, snapshot in both.items()
        if holds(scope.but(snapshot=snapshot), "incidents")
    }
    found = pd.DataFrame(counts).rename_axis("source").reset_index()
    return found.reindex(columns=["source", "records_held", "records_before"])


def offence_mix(scope: Scope) -> pd.DataFrame:
    """Records per source and offence group over the period, fullest first; groups without any are left out.

    Homicide is told for the whole area and whole financial years, and left out of anything else.
    """
    if banded := banded_sources(scope):
        if scope.mark:
            raise NotHeld(f"{definitions.marks()[scope.mark].label}: the protected tables do not split it by offence.")
        return protected.mix(_protected(scope, banded), scope.area)
    rows = records(scope, rare=True)
    return _answer(scope, rows.group_by(["source", "offence_group"]).agg(n=_.count()).order_by(ibis.desc("n")))


def weekday_hour(scope: Scope) -> pd.DataFrame:
    """Records per source, weekday (0 is Monday) and hour, zeros included; `.attrs["left_out"]`: time unknown."""
    rows = records(scope)
    known = rows.filter(_.time_known, _.dt_from.notnull())
    counted = known.group_by("source", weekday=known.dt_from.day_of_week.index(), hour=known.dt_from.hour()).agg(
        n=_.count()
    )
    found = run(scope, counted)
    total = run(scope, rows.agg(n=_.count()))["n"].iat[0]
    every = pd.MultiIndex.from_product(
        [sorted(set(found["source"])), range(7), range(24)], names=["source", "weekday", "hour"]
    )
    full = found.set_index(["source", "weekday", "hour"])["n"].reindex(every, fill_value=0).reset_index()
    answer = _with_bounds(full)
    answer.attrs["left_out"] = int(total - found["n"].sum())
    return answer


def coverage(scope: Scope) -> pd.DataFrame:
    """Which months were supplied: source, feed_id, month; a month not here is a gap."""
    return _coverage(str(publish.root()), scope.snapshot, scope.tier).copy()


def held_months(scope: Scope, source: str) -> list[pd.Timestamp]:
    """The months of a source that were supplied, in order."""
    rows = coverage(scope)
    return sorted(rows.loc[rows["source"] == source, "month"].unique())


def sources(scope: Scope) -> list[str]:
    """The sources of incidents this tier holds, fullest first."""
    open_ = []
    if holds(scope, "incidents"):
        counted = _contents(str(publish.root()), scope.snapshot, scope.tier).groupby("source")["n"].sum()
        open_ = counted.sort_values(ascending=False).index.tolist()
    if not holds(scope, "protected"):
        return open_
    closed = run(scope, table(scope, "protected").select("source").distinct().order_by("source"))["source"]
    return open_ + [s for s in closed if s not in open_ and definitions.source(s).table == "incidents"]


def banded_sources(scope: Scope) -> tuple[str, ...]:
    """The chosen sources that this tier holds only as protected aggregates."""
    if scope.tier != "partner" or not holds(scope, "protected"):
        return ()
    return tuple(s for s in scope.sources if not definitions.source(s).open)


def offence_groups(scope: Scope) -> list[str]:
    """The offence groups the chosen sources hold, in reading order."""
    found = set()
    if banded := banded_sources(scope):
        rows = table(scope, "protected").filter(_.source.isin(banded)).select("measure").distinct()
        found |= set(run(scope, rows)["measure"])
    if holds(scope, "incidents"):
        rows = _contents(str(publish.root()), scope.snapshot, scope.tier)
        found |= set(rows.loc[rows["source"].isin(scope.sources), "offence_group"])
    return [g for g in definitions.offence_groups() if g in found]


def violent_groups() -> tuple[str, ...]:
    """The groups that count as violence; possession is none, it follows police action."""
    return tuple(g.key for g in definitions.offence_groups().values() if g.violent)


def rare_groups() -> tuple[str, ...]:
    """The groups that are counted by year and for the whole area only."""
    return tuple(g.key for g in definitions.offence_groups().values() if g.place_rule == "area_year")


def areas(scope: Scope, *, level: str) -> pd.DataFrame:
    """The areas of a level within the scope's area, with `geometry` (shapely, EPSG:27700)."""
    import shapely

    found = run(scope, _areas(scope, level).order_by("area_code"))
    found["geometry"] = shapely.from_wkb(found["geometry"].to_numpy())
    return found


def levels(scope: Scope) -> list[str]:
    """The levels of areas that are held, finest first; wards only with the lookup that says what lies in them."""
    held = _levels(str(publish.root()), scope.snapshot, scope.tier)
    return [level for level in ("lsoa", "msoa", "ward", "lad") if level in held]


def denominators(scope: Scope, *, level: str) -> list[str]:
    """Which kinds of people areas of a level have a number of: resident, workday, ambient, custom."""
    if not holds(scope, "population"):
        return []
    kinds = _kinds_of_people(str(publish.root()), scope.snapshot, scope.tier)
    held = {kind for at, kind in kinds if at == ("lsoa" if level == "ward" else level)}
    return [kind for kind in ("resident", "workday", "ambient", "custom") if kind in held]


def admissions(scope: Scope) -> pd.DataFrame:
    """Residents admitted for assault, by financial year and cause: period, icd_group, n, bounds, status, withheld.

    Of each authority the rows that are split least are added up: the one for all ages and sexes where the file has it.
    What its owner withheld of those (`withheld` counts it) is not in the sum, which is then too low. A partner sees the
    protected aggregates.
    """
    if not holds(scope, "admissions"):
        if not holds(scope, "protected"):
            return _with_bounds(pd.DataFrame(columns=["period", "icd_group", "n", "withheld"]))
        return protected.admissions(run(scope, table(scope, "protected").filter(_.source == "admissions")), scope.area)
    rows = table(scope, "admissions").filter(_.period_type == "financial_year")
    rows = rows if scope.area == ALL else rows.filter(_.authority_code == scope.area)
    keys = ["authority_code", "period", "icd_group"]
    split = [rows.age_band5 != "all", rows.sex != "all", rows.imd_decile.notnull()]  # 0 to 7: by which of them
    rows = rows.mutate(split=sum(by.cast("int8") * 2**place for place, by in enumerate(split)))
    least = rows.group_by(keys).agg(least=_.split.min())
    used = rows.join(least, keys).filter(_.split == _.least)
    added = used.group_by(keys[1:]).agg(n=_.episodes.sum(), withheld=_.suppressed.cast("int64").sum())
    found = _answer(scope, added.select(*keys[1:], "n", "withheld").order_by(keys[1:]))
    return found.assign(status=found["status"].mask(found["n"].isna() & (found["withheld"] > 0), HIDDEN))


def deprivation(scope: Scope) -> pd.DataFrame:
    """Small areas in each tenth of deprivation in the newest index held: decile (1 is most deprived), n, period."""
    rows = table(scope, "indicators").filter(_.area_level == "lsoa", _.indicator_id.re_search(OVERALL_TENTH))
    inside = _areas(scope, "lsoa").select("area_code")
    newest = rows.filter(_.period == rows.period.max()).semi_join(inside, "area_code")
    counted = newest.group_by("period", decile=newest.value.cast("int64")).agg(n=_.count())
    found = run(scope, counted)
    if found.empty:
        return _with_bounds(found)
    full = pd.DataFrame({"decile": range(1, 11)}).merge(found, on="decile", how="left")
    return _with_bounds(full.assign(n=full["n"].fillna(0), period=found["period"].iat[0]))


def places(scope: Scope, *, kind: str = "") -> pd.DataFrame:
    """Schools, stations, hospitals, towns, and premises by type."""
    rows = table(scope, "places")
    return run(scope, rows.filter(_.kind == kind) if kind else rows)


def towns(scope: Scope) -> pd.DataFrame:
    """Towns to name: those that were loaded, else those of the partnership's gazetteer: name, x, y, population."""
    try:
        held = places(scope, kind="town")
    except NotHeld:
        held = pd.DataFrame()
    if len(held):
        return held
    named = pd.DataFrame(definitions.towns(), columns=["name", "x", "y", "population"])
    return named.astype({"x": float, "y": float, "population": float})


def flags(scope: Scope) -> pd.DataFrame:
    """Months that depart from their source's own history: source, month, kind, reason."""
    return _flags(str(publish.root()), scope.snapshot, scope.tier).copy()


def latest_loads(scope: Scope) -> pd.DataFrame:
    """Every delivery, newest first."""
    return run(scope, table(scope, "loads").order_by([ibis.desc("received"), "file"]))


def floor_m(scope: Scope) -> int:
    """Metres below which the places of the chosen sources are never mapped."""
    return max((definitions.source(s).floor_m for s in scope.sources), default=0)


def map_levels(scope: Scope) -> list[str]:
    """What the chosen source may be mapped by: hexagons and small areas; neighbourhoods alone where it is protected."""
    if banded := banded_sources(scope):
        rows = table(scope, "protected").filter(_.source.isin(banded), _.period_type == "financial_year")
        held = set(run(scope, rows.select("area_level").distinct())["area_level"])
        return [level for level in ("msoa", "lad") if level in held]
    return ["hex", *[level for level in levels(scope) if level in AREA_COLUMN and level != "lad"]]


def kept_back(scope: Scope, level: str, *, by_month: bool = False) -> str:
    """Why numbers of places at a level may be looked at but not taken away as a file; empty where they may be.

    by_month : the numbers are those of single months. Whole authorities may always be taken away.
    """
    closed = [s for s in scope.sources if definitions.source(s).take_level and s not in banded_sources(scope)]
    if level == "lad" or not closed:
        return ""
    short = by_month or (scope.end.year - scope.start.year) * 12 + scope.end.month - scope.start.month < 2
    kept = [s for s in closed if short or FINENESS.index(level) < FINENESS.index(definitions.source(s).take_level)]
    if not kept:
        return ""
    finest = " and ".join(sorted({TAKEN[definitions.source(s).take_level] for s in kept}))
    return f"To look at, not to take away: numbers of {_names(tuple(kept))} leave by {finest} and quarter at the finest"


def months_kept_back(scope: Scope, *, split: str = "") -> str:
    """Why months of whole authorities may be looked at but not taken away; empty where they may.

    Sexual and domestic records, and those of victims under 18, leave by year at the finest. split : how months are
    split, if they are: by offence_group or cohort such records stand by themselves.
    """
    closed = [s for s in scope.sources if not definitions.source(s).open and s not in banded_sources(scope)]
    groups = definitions.offence_groups()
    asked = scope.groups or (offence_groups(scope) if split == "offence_group" else ())
    apart = split == "offence_group" or set(asked) <= {g for g in asked if groups[g].place_rule == "msoa"}
    sexual = apart and any(groups[g].place_rule == "msoa" for g in asked)
    child = split == "cohort" or (scope.age and COHORTS[scope.age][0] < ADULT)
    if not closed or not (sexual or child or scope.setting == "domestic"):
        return ""
    return "To look at, not to take away: sexual and domestic records and those of children leave by year at the finest"


def left_out(scope: Scope, level: str) -> int:
    """How many records of the scope may not be placed at a level, or carry no place."""
    if banded_sources(scope):
        return 0
    rows = records(scope)
    if level == "ward" and "ward_code" not in rows.columns:
        rows = _with_ward(scope, rows)
    placed = [condition.fill_null(False) for condition in _placed(rows, level)]
    counts = run(scope, rows.agg(n=_.count(), placed=reduce(and_, placed).sum())).iloc[0].fillna(0)
    return int(counts["n"] - counts["placed"])


def answers(source: str, filter_name: str) -> bool:
    """Whether a source's records can answer a filter (`time`, `age`, `setting`)."""
    return filter_name in definitions.source(source).answers


def can_answer(scope: Scope, source: str) -> bool:
    """Whether a source's records can answer every filter that is set."""
    wanted = [name for name in ("time", "age", "setting") if getattr(scope, name)]
    wanted += [definitions.marks()[scope.mark].needs] if scope.mark else []
    return all(answers(source, name) for name in wanted)


def _whole_area_and_year(scope: Scope) -> bool:
    """Whole financial years alone: of any twelve months, thirteen less twelve would tell one."""
    years = scope.start.month == FIRST_OF_YEAR and (scope.end + pd.DateOffset(months=1)).month == FIRST_OF_YEAR
    return scope.area == ALL and not (scope.place or scope.age or scope.setting or scope.time or scope.mark) and years


def records(scope: Scope, *, level: str = "", rare: bool = False) -> ibis.Table:
    """The incidents a scope is about. All conditions go into one filter: every further one takes ibis 4 ms to merge.

    level : keep those alone that may be shown at this level, and have a place there.
    rare : homicide may be among them, if it is about the whole area and whole financial years; else it never is.
    """
    few = set(rare_groups())
    if scope.groups and not rare and set(scope.groups) <= few:
        raise NotHeld(
            "Homicides are few: they are counted by financial year and for the whole area only, in the mix of offences."
        )
    if banded := banded_sources(scope):
        raise NotHeld(_names(banded) + FIXED)
    if unable := [s for s in scope.sources if not can_answer(scope, s)]:
        names = ", ".join(definitions.source(s).label for s in unable)
        raise NotHeld(f"{names} cannot be filtered that way: it does not say the hour, age, setting or kind.")
    rows = _incidents(scope)
    if "ward" in (level, _level_of(scope.place)):
        rows = _with_ward(scope, rows)
    groups = set(scope.groups or violent_groups())
    if not (rare and _whole_area_and_year(scope)):
        groups -= few  # whatever else is asked for: a total less its other parts would tell them
    wanted = [
        rows.source.isin(scope.sources),
        rows.month.between(scope.start, scope.end),
        rows.offence_group.isin(sorted(groups)),
    ]
    if scope.area != ALL:
        wanted.append(rows.authority_code == scope.area)
    if scope.age:
        wanted.append(rows.victim_age_band.isin(_bands(scope.age)))
    if scope.setting:
        wanted.append(rows.domestic if scope.setting == "domestic" else rows.public_space)
    if scope.time:
        hour = rows.dt_from.hour()
        night = (hour >= NIGHT[0]) | (hour < NIGHT[1])
        wanted += [rows.time_known, night if scope.time == "night" else ~night]
    if scope.mark:
        wanted.append(marked(rows, scope.mark))
    if scope.place:
        wanted += _inside(scope, rows)
    if level:
        wanted += _placed(rows, level)
    return rows.filter(*wanted)


def marked(rows: ibis.Table, kind: str) -> ibis.Value:
    """That a record is of a kind (`definitions.marks`); one whose marker is not known is not."""
    mark = definitions.marks()[kind]
    counts = [rows[flag].fill_null(False) for flag in mark.also]
    return reduce(or_, counts, rows.offence_group.isin(mark.groups)) if mark.groups else reduce(or_, counts)


def _inside(scope: Scope, rows: ibis.Table) -> list[ibis.Value]:
    """That a record lies in the scope's place, and may be shown there: no more of them than the map of its level."""
    if ":" not in scope.place:
        level = _level_of(scope.place)
        return [*_allowed(rows, level), rows[AREA_COLUMN[level]] == scope.place]
    try:
        size, q, r = (int(part) for part in scope.place.split(":"))
    except ValueError:
        raise NotHeld("There is no such place on the map.") from None
    _check_floor(scope, size)
    column, row = hexagon(rows.easting, rows.northing, size)
    return [*_allowed(rows, "hex"), column == q, row == r]


def _level_of(place: str) -> str:
    """The level of a place by its code, hex for a cell's."""
    return "hex" if ":" in place else {"01": "lsoa", "02": "msoa", "05": "ward"}.get(place[1:3], "lad")


def _placed(rows: ibis.Table, level: str) -> list[ibis.Value]:
    """That a record may be shown at a level and has a place there."""
    return [*_allowed(rows, level), rows["easting" if level == "hex" else _column(level)].notnull()]


def _allowed(rows: ibis.Table, level: str) -> list[ibis.Value]:
    """That a record may be placed at a level: homicide not below the authority, sexual and domestic not below MSOA."""
    if level == "lad":
        return []
    groups = definitions.offence_groups().values()
    if level == "msoa":
        return [rows.offence_group.isin([g.key for g in groups if g.place_rule != "area_year"])]
    clean = [rows[flag].fill_null(False) == ibis.literal(False) for flag in OFF_THE_MAP]
    return [rows.offence_group.isin([g.key for g in groups if g.place_rule == "point"]), *clean]


def _check_map(scope: Scope, size_m: int) -> None:
    if len(scope.sources) != 1:
        raise NotHeld("A map shows one source at a time: they count different things at different places.")
    _check_floor(scope, size_m)


def _check_floor(scope: Scope, size_m: int) -> None:
    floor = max(floor_m(scope), 1)
    if size_m < floor:
        raise NotHeld(f"The points of this source are not exact enough for cells below {floor:,} m.")


def _column(level: str) -> str:
    if level not in AREA_COLUMN:
        raise NotHeld("Records do not say in which area of this kind they lie.")
    return AREA_COLUMN[level]


def _bands(cohort: str) -> list[str]:
    """What records of a cohort may say: the cohort, one that lies in it, or a five-year band that begins in it."""
    low, high = COHORTS[cohort]
    bands = [f"{a}-{a + 4}" for a in range(0, 90, 5)] + ["90+"]
    cohorts = [name for name, (first, last) in COHORTS.items() if low <= first and last <= high]
    return [*cohorts, *(b for b in bands if low <= int(b.split("-")[0].rstrip("+")) <= high)]


def _cohort(rows: ibis.Table) -> ibis.Value:
    """The one of the cohorts APART that a record's band begins in, or that its age is not known."""
    known = {band: name for name in reversed(APART) for band in [name, *_bands(name)]}
    return rows.victim_age_band.cases(*known.items(), else_=UNKNOWN_AGE)


def _every_month(scope: Scope, by: tuple[str, ...]) -> pd.DataFrame:
    """Every combination of source, month and the values of `by`, in order, with `held`: whether it was supplied."""
    months = pd.date_range(scope.start, scope.end, freq="MS").astype("datetime64[us]")
    values = [sorted(scope.sources), months, *(sorted(_values(scope, column)) for column in by)]
    grid = pd.MultiIndex.from_product(values, names=["source", "month", *by]).to_frame(index=False)
    supplied = pd.MultiIndex.from_frame(coverage(scope)[["source", "month"]])
    return grid.assign(held=pd.MultiIndex.from_frame(grid[["source", "month"]]).isin(supplied))


def _values(scope: Scope, column: str) -> list[str]:
    if column == "cohort":
        return [*APART, UNKNOWN_AGE]
    if column == "authority_code":
        return list(definitions.partnership().codes) if scope.area == ALL else [scope.area]
    wanted = set(scope.groups or violent_groups()) - set(rare_groups())
    return [g for g in offence_groups(scope) if g in wanted]


def _people(scope: Scope, level: str, kind: str) -> ibis.Table:
    """Of the newest year held at a level, both sexes and all ages added up; of wards the small areas most in them."""
    people = table(scope, "population").filter(_.area_level == level, _.pop_type == kind)
    if level == "ward":
        parts = table(scope, "population").filter(_.area_level == "lsoa", _.pop_type == kind)
        inside = wards(scope)
        people = parts.join(inside, parts.area_code == inside.lsoa_code).mutate(area_code=_.ward_code)
    newest = people.filter(_.year == people.year.max())
    return newest.group_by(["area_code", "year"]).agg(population=_.population.sum(), estimated=_.estimated.any())


def _with_ward(scope: Scope, rows: ibis.Table) -> ibis.Table:
    """Records with the ward that most of their small area lies in."""
    if "ward" not in levels(scope):
        raise NotHeld("Records do not say in which ward they lie: no lookup of small areas to wards is held.")
    return rows.left_join(wards(scope), "lsoa_code").drop("lsoa_code_right")


def wards(scope: Scope) -> ibis.Table:
    """Small areas and the ward most of each lies in: lsoa_code, ward_code."""
    rows = table(scope, "lookups").filter(_.kind == WARD)
    return rows.select(lsoa_code=_.from_code, ward_code=_.to_code).distinct()


def _areas(scope: Scope, level: str) -> ibis.Table:
    rows = table(scope, "areas").filter(_.area_level == level)
    return rows if scope.area == ALL else rows.filter(_.authority_code == scope.area)


def _incidents(scope: Scope) -> ibis.Table:
    return table(scope, "incidents")


def table(scope: Scope, name: str) -> ibis.Table:
    """One table of the tier's dataset, as an expression."""
    tables = _engine_of(scope).tables
    if name not in tables:
        raise NotHeld("This is not held at the level of access you have.")
    return tables[name]


@lru_cache(maxsize=8)
def _engine(root: str, snapshot: str, tier: str) -> Engine:
    """One engine per snapshot and tier, with the tier's files as its only tables."""
    folder = Path(root) / "snapshots" / snapshot / tier
    if not folder.is_dir():
        raise NotHeld("This snapshot has been withdrawn; reload the page.")
    return Engine(folder)


def _engine_of(scope: Scope) -> Engine:
    return _engine(str(publish.root()), scope.snapshot, scope.tier)


@lru_cache(maxsize=32)
def _contents(root: str, snapshot: str, tier: str) -> pd.DataFrame:
    """Records per source and offence group of a whole snapshot, which never change: every run of every page asks."""
    scope = Scope(tier, snapshot)
    return run(scope, _incidents(scope).group_by(["source", "offence_group"]).agg(n=_.count()))


@lru_cache(maxsize=32)
def _levels(root: str, snapshot: str, tier: str) -> frozenset[str]:
    scope = Scope(tier, snapshot)
    held = set(run(scope, table(scope, "areas").select("area_level").distinct())["area_level"])
    if not (holds(scope, "lookups") and len(run(scope, wards(scope).limit(1)))):
        held.discard("ward")
    return frozenset(held)


@lru_cache(maxsize=32)
def _kinds_of_people(root: str, snapshot: str, tier: str) -> frozenset[tuple[str, str]]:
    scope = Scope(tier, snapshot)
    found = run(scope, table(scope, "population").select("area_level", "pop_type").distinct())
    return frozenset(zip(found["area_level"], found["pop_type"], strict=True))


@lru_cache(maxsize=32)
def _flags(root: str, snapshot: str, tier: str) -> pd.DataFrame:
    scope = Scope(tier, snapshot)
    return run(scope, table(scope, "flags").order_by(["source", "month"]))


@lru_cache(maxsize=32)
def _coverage(root: str, snapshot: str, tier: str) -> pd.DataFrame:
    scope = Scope(tier, snapshot)
    return run(scope, table(scope, "coverage").order_by(["source", "feed_id", "month"]))


def run(scope: Scope, question: ibis.Table) -> pd.DataFrame:
    """The answer to an expression."""
    return _engine_of(scope).answer(question)


def _answer(scope: Scope, question: ibis.Table) -> pd.DataFrame:
    return _with_bounds(run(scope, question))


def holds(scope: Scope, name: str) -> bool:
    return name in _engine_of(scope).tables


def _names(sources: tuple[str, ...]) -> str:
    return ", ".join(definitions.source(s).label for s in sources)


def _measures(scope: Scope) -> tuple[str, ...]:
    """What is asked of the protected tables: offence groups, or the measure that tells a kind of record."""
    if not scope.mark:
        return scope.groups
    mark = definitions.marks()[scope.mark]
    if not mark.measure or scope.groups:
        raise NotHeld(f"{mark.label}: the protected tables were not published that way.")
    return (mark.measure,)


def _protected(scope: Scope, banded: tuple[str, ...]) -> pd.DataFrame:
    """The protected aggregates of some sources within the period; filters they were not published by are refused."""
    if scope.age or scope.setting or scope.time or scope.place:
        raise NotHeld(f"{_names(banded)} is held here in fixed tables, which cannot be filtered that way.")
    rows = table(scope, "protected").filter(_.source.isin(banded), _.month <= scope.end, _.period_end >= scope.start)
    return run(scope, rows)


def _with_bounds(frame: pd.DataFrame) -> pd.DataFrame:
    """True counts are their own bounds; a count that is missing was not supplied."""
    n = frame["n"].astype(float)
    return frame.assign(n=n, n_lower=n, n_upper=n, status=np.where(n.isna(), MISSING, SHOWN))


def _land_cells(scope: Scope, size_m: int, origin: tuple[float, float]) -> pd.DataFrame:
    return _cells_on(str(publish.root()), scope.snapshot, scope.tier, scope.area, size_m, origin)


@lru_cache(maxsize=32)
def _cells_on(root: str, snapshot: str, tier: str, area: str, size_m: int, origin: tuple[float, float]) -> pd.DataFrame:
    """The cells whose centre lies on the land of an area: q, r."""
    import shapely

    land = shapely.union_all(areas(Scope(tier, snapshot, area=area), level="lad").geometry.to_numpy())
    west, south, east, north = land.bounds
    column = 1.5 * size_m / 3**0.5
    q = np.arange(np.floor((west - origin[0]) / column), np.ceil((east - origin[0]) / column) + 1)
    tall = np.arange(np.floor((south - origin[1]) / size_m), np.ceil((north - origin[1]) / size_m) + 1)
    q, tall = (a.ravel() for a in np.meshgrid(q, tall))
    r = tall - np.floor(q / 2)
    shapely.prepare(land)
    inside = shapely.contains_xy(land, origin[0] + column * q, origin[1] + size_m * (r + q / 2))
    return pd.DataFrame({"q": q[inside].astype("int64"), "r": r[inside].astype("int64")})
