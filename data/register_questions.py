"""What the outcomes framework asks of the partnership's own registers. A row is a meeting, a wave or a quarter.

As in `data.store`: a Scope in, a table out. Of a scope the tier, the snapshot, the area and the last month count.
"""

import pandas as pd
from ibis import _

from data import definitions, schema, store
from data.sources import programme_returns, surveys
from data.store import HIDDEN, MISSING, SHOWN, NotHeld, Scope

EVERYBODY = surveys.EVERYBODY
rounded = surveys.rounded


def meetings(scope: Scope, forums: tuple[str, ...]) -> pd.DataFrame:
    """Every meeting of some forums, oldest first: date, forum, n (classes there), said (classes with an answer)."""
    by_class = _by_class(scope, forums)
    return by_class.groupby(["date", "forum"], as_index=False).agg(n=("attended", "sum"), said=("attended", "size"))


def class_quarters(scope: Scope, forums: tuple[str, ...]) -> pd.DataFrame:
    """Every class of authority and quarter from the first meeting to the last, quarters without a meeting too.

    Returns authority_class, quarter, meetings (for which the register says whether it was there), meetings_attended.
    """
    by_class = _by_class(scope, forums)
    by_class["quarter"] = by_class["date"].dt.to_period("Q").dt.start_time.astype("datetime64[us]")
    quarters = pd.date_range(by_class["quarter"].min(), by_class["quarter"].max(), freq="QS").astype("datetime64[us]")
    keys = ["authority_class", "quarter"]
    counts = by_class.groupby(keys).agg(meetings=("attended", "size"), meetings_attended=("attended", "sum"))
    every = pd.MultiIndex.from_product([schema.CLASSES, quarters], names=keys)
    return counts.reindex(every, fill_value=0).reset_index()


def _by_class(scope: Scope, forums: tuple[str, ...]) -> pd.DataFrame:
    """Whether each class was at each meeting, by any of its organisations: date, forum, authority_class, attended."""
    _check_whole(scope, "Meetings are")
    rows = _held(scope, "attendance").filter(_.forum.isin(forums), _.date < _after(scope))
    keys = ["date", "forum", "authority_class"]
    found = store.run(scope, rows.group_by(keys).agg(attended=_.attended.any()).order_by(keys))
    if found.empty:
        raise NotHeld("The register of attendance holds no meeting of this forum up to the end of the period.")
    return found


def waves(scope: Scope, question: str) -> pd.DataFrame:
    """What everybody asked in the area said, by wave: wave, month, end, n, pct, status.

    Of the whole area an authority without a row leaves the wave `not supplied`; shares of fewer than 100 people, or
    withheld by their owner, are `hidden`.
    """
    shares = _shares(scope, question)
    every = _dated(shares[["wave"]].drop_duplicates())
    ours = shares[shares["area_code"].eq(scope.area) & shares["cohort"].eq(EVERYBODY)]
    found = every.merge(ours[["wave", "n", "pct"]], on="wave", how="left", indicator=True)
    return _told(found, found.pop("_merge").eq("both")).sort_values("month", ignore_index=True)


def cohorts(scope: Scope, question: str) -> pd.DataFrame:
    """What each age cohort said in the newest wave: cohort, wave, n, pct, status, youngest first."""
    shares = _shares(scope, question)
    newest = _dated(shares[["wave"]].drop_duplicates()).sort_values("month")["wave"].iat[-1]
    here = shares[shares["wave"].eq(newest) & shares["area_code"].eq(scope.area) & shares["cohort"].ne(EVERYBODY)]
    if here.empty:
        raise NotHeld("No age cohorts of this area are held at your level of access.")
    known = _told(here, here["cohort"].notna())
    order = known["cohort"].map(schema.COHORTS.index)
    return known.loc[order.sort_values().index, ["cohort", "wave", "n", "pct", "status"]].reset_index(drop=True)


def _shares(scope: Scope, question: str) -> pd.DataFrame:
    """Shares by wave, area and cohort. Partners hold them added up already; of others answers are added up here."""
    rows = store.run(scope, _held(scope, "survey").filter(_.question == question))
    rows = rows[_dated(rows[["wave"]])["month"].le(scope.end).to_numpy()]
    if rows.empty:
        raise NotHeld("The surveys held do not ask this question up to the end of the period.")
    return surveys.pooled(rows, definitions.partnership().codes) if "feed_id" in rows else rows


def _dated(waves_: pd.DataFrame) -> pd.DataFrame:
    """Waves with their first and last month: a year, or the month they name."""
    by_month = waves_["wave"].str.len().gt(4)
    month = pd.to_datetime(waves_["wave"].where(by_month, waves_["wave"].str[:4] + "-01")).astype("datetime64[us]")
    return waves_.assign(month=month, end=month.where(by_month, month + pd.DateOffset(months=11)))


def _told(shares: pd.DataFrame, supplied: pd.Series) -> pd.DataFrame:
    enough = shares["n"].ge(surveys.FEWEST_ASKED) & shares["pct"].notna()
    status = supplied.map({True: HIDDEN, False: MISSING}).mask(enough, SHOWN)
    return shares.assign(pct=shares["pct"].where(enough), status=status)


def quarters(scope: Scope) -> pd.DataFrame:
    """People reached by all programmes, by quarter and kind: reached_kind, month, n, bounds, status, programmes,
    returned. A quarter that lacks a return has the total of the others; partners have none of it."""
    _check_whole(scope, "Programme returns are")
    rows = store.run(scope, _held(scope, "programme_returns"))
    if "feed_id" in rows:
        found = programme_returns.totals(rows)
        none = found["returned"].eq(0)
        found = found.assign(n_lower=found["n"], n_upper=found["n"], status=none.map({True: MISSING, False: SHOWN}))
    else:
        found = rows
    month = pd.to_datetime(found["period"].str[:7]).astype("datetime64[us]")
    found = found.assign(month=month)[month + pd.DateOffset(months=2) <= scope.end]
    if found.empty:
        raise NotHeld("No whole quarter of programme returns is held up to the end of the period.")
    return found.sort_values(["reached_kind", "month"], ignore_index=True)


def is_protected(scope: Scope) -> bool:
    """Whether this tier holds the registers of people added up and rounded."""
    return scope.tier == "partner"


def _held(scope: Scope, table: str):
    """A table of a register, which an older snapshot may lack."""
    if not store.holds(scope, table):
        label = next(s.label for s in definitions.sources().values() if s.table == table)
        raise NotHeld(f"{label}: not held at your level of access, or not loaded.")
    return store.table(scope, table)


def _check_whole(scope: Scope, what: str) -> None:
    if scope.area != store.ALL:
        raise NotHeld(f"{what} of the whole partnership, and not told by authority.")


def _after(scope: Scope) -> pd.Timestamp:
    return scope.end + pd.DateOffset(months=1)
