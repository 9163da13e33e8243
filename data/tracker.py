"""Which data are held, how fresh and how complete. A row is a source, a month of one, or a delivery."""

import json

import pandas as pd
from ibis import _

from data import definitions, store
from data.store import Scope

FIELDS = (  # what a record should say, as far as its source can
    "easting",
    "lsoa_code",
    "time_known",
    "location_type",
    "victim_age_band",
    "victim_sex",
    "suspect_age_band",
    "knife",
    "domestic",
    "public_space",
    "alcohol",
)
DUE_DAYS = {"monthly": 31, "quarterly": 92, "yearly": 366}
LATE_AFTER = {"police_uk": 62}  # days: published about two months after the month ends
GREEN, AMBER, RED = "up to date", "due", "overdue"


def freshness(scope: Scope, today: pd.Timestamp) -> pd.DataFrame:
    """Each source that has been loaded: when last received, the months it covers and lacks, and whether it is late.

    today : the day to judge lateness by.

    Returns source, received, deliveries, first_month, last_month, months, months_missing, state.
    """
    loads = store.latest_loads(scope)
    held = store.coverage(scope).drop_duplicates(["source", "month"]).groupby("source")["month"]
    rows = loads.groupby("source", as_index=False).agg(received=("received", "max"), deliveries=("load_id", "count"))
    span = pd.DataFrame({"first_month": held.min(), "last_month": held.max(), "months": held.count()})
    rows = rows.merge(span.reset_index(), on="source", how="left")
    first, last = rows["first_month"].dt, rows["last_month"].dt
    rows["months_missing"] = 12 * (last.year - first.year) + last.month - first.month + 1 - rows["months"]
    rows["state"] = [_state(row, today) for row in rows.itertuples()]
    return rows.sort_values(["source"], ignore_index=True)


def _state(row: object, today: pd.Timestamp) -> str:
    source = definitions.sources().get(row.source)
    days = DUE_DAYS.get(source.frequency) if source else None
    if days is None:
        return "no fixed date"
    covered = row.last_month + pd.offsets.MonthEnd(1) if pd.notna(row.last_month) else row.received
    age = (today - covered).days - LATE_AFTER.get(row.source, 0)
    return GREEN if age <= days else AMBER if age <= 2 * days else RED


def months_held(scope: Scope) -> pd.DataFrame:
    """Every source and month from the first to the last held by any: source, month, held."""
    held = store.coverage(scope)[["source", "month"]].drop_duplicates().assign(held=True)
    if held.empty:
        return held
    months = pd.date_range(held["month"].min(), held["month"].max(), freq="MS")
    grid = pd.MultiIndex.from_product([sorted(held["source"].unique()), months], names=["source", "month"]).to_frame(
        index=False
    )
    full = grid.merge(held, on=["source", "month"], how="left")
    return full.assign(held=full["held"].eq(True))


def completeness(scope: Scope) -> pd.DataFrame:
    """How often each field is filled in, by source: source, field, filled (share of records), n."""
    rows = store.table(scope, "incidents").filter(_.source.isin(scope.sources))
    filled = {f: (rows[f] if f == "time_known" else rows[f].notnull()).cast("float64").mean() for f in FIELDS}
    wide = store.run(scope, rows.group_by("source").agg(n=_.count(), **filled))
    return wide.melt(id_vars=["source", "n"], value_vars=list(FIELDS), var_name="field", value_name="filled")


def set_aside(scope: Scope) -> pd.DataFrame:
    """Rows that were not taken, by source and reason: source, reason, n."""
    loads = store.latest_loads(scope)
    found = [
        (load.source, reason, n)
        for load in loads[loads["status"] == "loaded"].itertuples()
        for reason, n in json.loads(load.reasons or "{}").get("set aside", {}).items()
    ]
    rows = pd.DataFrame(found, columns=["source", "reason", "n"])
    return (
        rows.groupby(["source", "reason"], as_index=False)["n"]
        .sum()
        .sort_values("n", ascending=False, ignore_index=True)
    )


def new_since_last(scope: Scope) -> pd.DataFrame:
    """What made the current snapshot differ from the one before it, by source.

    Returns source, files, rows_read, accepted, received, records_held and records_before (of incidents, in all).
    """
    loads = store.table(scope, "loads").filter(_.snapshot_id == scope.snapshot)
    deliveries = loads.group_by("source").agg(
        files=_.count(), rows_read=_.rows_read.sum(), accepted=_.accepted.sum(), received=_.received.max()
    )
    found = store.run(scope, deliveries.order_by("source"))
    return found.merge(store.records_held(scope), on="source", how="left")
