"""Months that depart from their source's own history, and why. A row of a profile is one part of a source's month.

Every month is compared with the 12 held months nearest to it (six before, six after where there are), by medians, so
that one bad month spoils no other; a season that other years show too is taken off first. A lasting change (a new
recording practice) is flagged once, where it starts; the months after it are compared with each other. A source with
fewer than 12 months near each other is flagged only for what halved or doubled. Flags are worked out anew at each
publishing, from all months held: what an old month is flagged for changes only when the months near it do.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from data import definitions, schema

KINDS = ("total", "group", "area", "completeness", "unplaced")
COLUMNS = ["source", "month", "kind", "reason"]
FIELDS = (  # what a record should say, as far as its source can; places have their own kind
    "time_known",
    "easting",
    "lsoa_code",
    "location_type",
    "knife",
    "firearm",
    "domestic",
    "sexual",
    "public_space",
    "alcohol",
    "drugs",
    "nte",
    "weapon",
    "victim_age_band",
    "victim_sex",
    "victim_ethnicity",
    "suspect_age_band",
)
PLACE_FIELDS = ("easting", "lsoa_code")  # not said twice where whole places are missing
NEAR, REACH = 12, 12  # held months each is compared with, and how many calendar months away they may lie
FULL, FEW = 11, 3  # of those: fewer than 11 are no year, so only gross departures count; fewer than 3 are no comparison
BEFORE, AFTER, LEAST_AFTER = 12, 6, 3  # months on either side of a lasting change
AT_ONCE = 0.5  # of a lasting change must come within three months, or it is a trend
UNUSUAL = 4.5  # robust standard deviations of a share; about 50 shares are looked at each month
UNUSUAL_TOTAL, UNUSUAL_LASTING = 4.0, 4.0
SMALLEST, SMALLEST_PART = 30, 20  # records of a month, and of a group or area in it, below which a share says little
LEAST_POINTS = {"group": 0.01, "area": 0.01, "completeness": 0.15, "unplaced": 0.05}  # change of a share
LEAST_RATIO = {"total": 1.2, "group": 1.25, "area": 1.25}  # of counts, or of the odds of a share
LEAST_RATIO_LASTING = {"total": 1.15, "group": 1.15, "area": 1.15}
GROSS_RATIO, GROSS_POINTS = 2.0, 0.05
GONE_EXPECTED, GONE_SHARE = 50, 0.2  # a small share is flagged too when fewer than a fifth of 50 or more are left
STILL_GROWING = 0.05  # share of a month's records that usually arrive later, from which it is said
SETTLED = 6  # months after which a month hardly grows
LEAST_COME = 0.5  # of a month's records: while fewer have arrived its total is not judged
TIE = 1e-6  # of two shares that changed alike the smaller is named
NAMED = 3  # groups or areas named in one reason
BY_PART = """
    SELECT source, month, coalesce(offence_group, authority_code, feed_id) AS part, count(*) AS n,
        CASE 0 WHEN grouping(offence_group) THEN 'group' WHEN grouping(feed_id) THEN 'feed' ELSE 'area' END AS kind
    FROM records
    GROUP BY GROUPING SETS ((source, month, offence_group), (source, month, authority_code), (source, month, feed_id))
"""
LOAD_CHANGE, LOAD_SMALLEST = 0.30, 20  # of the rows of a month delivered again; below 20 rows it says nothing


def flags(incidents: Path | list[Path], coverage: pd.DataFrame) -> pd.DataFrame:
    """Which months depart from their source's own history, and why: for every chart that uses them.

    incidents : the Parquet files of the harmonised records, or their folder.
    coverage : one row per source, feed_id and month that was supplied.

    Returns source, month, kind (one of KINDS), reason in plain words; one row per source, month and kind.
    Misleads where a source has changed slowly: a trend is no departure.
    """
    with duckdb.connect() as engine:
        records = _records(engine, incidents)
        if records is None or coverage.empty:
            return _typed([])
        return departures(_profile(records, coverage), _growth(records, coverage))


def profile(incidents: Path | list[Path], coverage: pd.DataFrame) -> pd.DataFrame:
    """What each source's months are made of, as far as they were supplied.

    incidents, coverage : as for `flags`.

    Returns source, month, kind, part (a key: group, area, field or feed), n (records) and of (the month's records);
    a month missing between held ones is a row of kind total with no n.
    """
    with duckdb.connect() as engine:
        records = _records(engine, incidents)
        if records is None or coverage.empty:
            return pd.DataFrame(columns=["source", "month", "kind", "part", "n", "of"])
        return _profile(records, coverage)


def _records(engine: duckdb.DuckDBPyConnection, incidents: Path | list[Path]) -> duckdb.DuckDBPyRelation | None:
    files = sorted(incidents.glob("*.parquet")) if isinstance(incidents, Path) and incidents.is_dir() else incidents
    names = [str(f) for f in ([files] if isinstance(files, Path) else files)]
    return engine.read_parquet(names) if names else None


def _profile(records: duckdb.DuckDBPyRelation, coverage: pd.DataFrame) -> pd.DataFrame:
    known = {f: f"count(*) FILTER ({f})" if schema.INCIDENTS[f].type == schema.YESNO else f"count({f})" for f in FIELDS}
    filled = ", ".join(f"{sql} AS {field}" for field, sql in known.items())
    months = records.aggregate(
        f"source, month, count(*) AS n, count(*) FILTER (precision = 'none') AS unplaced, {filled}"
    ).df()
    split = records.query("records", BY_PART).df()
    held = coverage[["source", "month"]].drop_duplicates()
    months = held.merge(months, on=["source", "month"], how="left").fillna(dict.fromkeys(["n", "unplaced", *FIELDS], 0))
    parts = [months.assign(kind="total", part="")[["source", "month", "kind", "part", "n"]], _gaps(held)]
    parts.append(months.assign(kind="unplaced", part="").drop(columns="n").rename(columns={"unplaced": "n"}))
    wide = months.drop(columns="n").melt(["source", "month"], list(FIELDS), var_name="part", value_name="n")
    parts.append(wide.assign(kind="completeness"))
    parts.append(split[split["part"].notna()].merge(held, on=["source", "month"]))
    rows = pd.concat([p[["source", "month", "kind", "part", "n"]] for p in parts], ignore_index=True)
    rows["n"] = rows["n"].astype(float)
    whole = months[["source", "month", "n"]].rename(columns={"n": "of"}).astype({"of": float})
    rows = rows.merge(whole, on=["source", "month"], how="left")
    area = rows["kind"] == "area"  # of those that have one: a month without places is no month without areas
    rows.loc[area, "of"] = rows[area].groupby(["source", "month"])["n"].transform("sum")
    return rows


def _gaps(held: pd.DataFrame) -> pd.DataFrame:
    """The months between a source's first and last that were not supplied."""
    rows = [
        (source, month, "total", "", np.nan)
        for source, months in held.groupby("source")["month"]
        for month in pd.date_range(months.min(), months.max(), freq="MS").difference(pd.DatetimeIndex(months))
    ]
    return pd.DataFrame(rows, columns=["source", "month", "kind", "part", "n"]).astype({"month": held["month"].dtype})


def _growth(records: duckdb.DuckDBPyRelation, coverage: pd.DataFrame) -> dict[str, np.ndarray]:
    """By source: the share of a month's records that had been recorded 0, 1, ... 5 months after it, usually."""
    late = (
        records.filter("dt_recorded IS NOT NULL")
        .aggregate("source, month, greatest(0, datediff('month', month, dt_recorded)) AS late, count(*) AS n")
        .df()
    )
    newest = coverage.groupby("source")["month"].max()
    late = late.merge(coverage[["source", "month"]].drop_duplicates(), on=["source", "month"])
    late = late[late["month"] <= late["source"].map(newest) - pd.DateOffset(months=SETTLED)]
    shares = {}
    for source, rows in late.groupby("source"):
        wide = rows.pivot_table(index="month", columns="late", values="n", aggfunc="sum", fill_value=0)
        wide = wide.reindex(columns=range(int(wide.columns.max()) + SETTLED), fill_value=0)
        if len(wide) >= FEW:
            cumulated = wide.cumsum(axis=1).div(wide.sum(axis=1), axis=0)
            shares[source] = cumulated.tail(24).median().to_numpy()[:SETTLED]
    return shares


def departures(profiled: pd.DataFrame, growth: dict[str, np.ndarray] | None = None) -> pd.DataFrame:
    """The flags of months already profiled.

    profiled : as `profile` returns it. growth : by source, the share of a month recorded 0, 1, ... months after it.
    """
    found: list[dict] = []
    for source, rows in profiled.groupby("source"):
        said = _Reasons()
        _judge_totals(rows, (growth or {}).get(source, np.ones(1)), said)
        for kind in ("group", "area", "unplaced", "completeness"):
            _judge_shares(rows[rows["kind"] == kind], kind, said)
        _name_missing_feeds(rows, said)
        found += [{"source": source, "month": m, "kind": k, "reason": said.text(m, k)} for m, k in sorted(said.found)]
    return _typed(found)


def _typed(rows: list[dict]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype({"source": "str", "month": schema.DAY, "kind": "str", "reason": "str"})


class _Reasons:
    """What is said of each month and kind, the weightiest first."""

    def __init__(self) -> None:
        self.found: dict[tuple[pd.Timestamp, str], list[tuple[float, str]]] = {}

    def add(self, month: pd.Timestamp, kind: str, weight: float, words: str) -> None:
        self.found.setdefault((month, kind), []).append((weight, words))

    def text(self, month: pd.Timestamp, kind: str) -> str:
        words = [w for _, w in sorted(self.found[month, kind], key=lambda item: -item[0])]
        more = f"; and {len(words) - NAMED} more" if len(words) > NAMED else ""
        return "; ".join(words[:NAMED]) + more


def _judge_totals(rows: pd.DataFrame, growth: np.ndarray, said: _Reasons) -> None:
    held = rows[(rows["kind"] == "total") & rows["n"].notna()].sort_values("month")
    months, n = _number(held["month"]), held["n"].to_numpy(float)
    age = np.minimum(months.max() - months, SETTLED)
    come = np.append(growth[:SETTLED], np.ones(SETTLED + 1))[age]
    judged = _judge("total", months, (n / np.maximum(come, LEAST_COME))[:, None], None)
    usual, before, after, lasting = (a[:, 0] for a in (judged.usual, judged.before, judged.after, judged.lasting))
    usual = usual * come
    single = judged.unusual[:, 0] & _large("total", n, usual, few=judged.few) & (come >= LEAST_COME)
    for t, month in enumerate(held["month"]):
        if lasting[t]:
            said.add(month, "total", 9, _lasting_words(before[t], after[t]))
        elif single[t]:
            said.add(month, "total", 9, _total_words(n[t], usual[t], judged.around[t]))
        if 1 - come[t] >= STILL_GROWING:
            said.add(month, "total", 1, f"Not complete: usually {1 - come[t]:.0%} of a month's records arrive later")


def _lasting_words(before: float, after: float) -> str:
    way = "above" if after > before else "below"
    return f"From here on the total stays about {abs(after / before - 1):.0%} {way} the months before"


def _total_words(n: float, expected: float, around: str) -> str:
    if n == 0:
        return f"No records, though the month was supplied; about {expected:,.0f} expected"
    way = "above" if n > expected else "below"
    return f"Total {abs(n / expected - 1):.0%} {way} {around} ({n:,.0f} records, about {expected:,.0f} expected)"


def _judge_shares(rows: pd.DataFrame, kind: str, said: _Reasons) -> None:
    rows = rows[rows["of"] >= SMALLEST]
    if rows.empty:
        return
    counts = rows.pivot_table(index="month", columns="part", values="n", aggfunc="sum", fill_value=0).sort_index()
    of = rows.groupby("month")["of"].first().to_numpy(float)
    k = counts.to_numpy(float)
    judged = _judge(kind, _number(counts.index), k, of)
    share, usual, lasting = k / of[:, None], judged.usual, judged.lasting
    single = judged.unusual & ~lasting & _large(kind, share, usual, of[:, None], few=judged.few[:, None])
    single &= ~_mirrored(single, share, usual)
    lasting &= ~_mirrored(lasting, judged.after, judged.before)
    for t, j in zip(*np.nonzero(single | lasting), strict=True):
        month, part = counts.index[t], counts.columns[j]
        if part in PLACE_FIELDS and (month, "unplaced") in said.found:
            continue
        now, then = (judged.after, judged.before) if lasting[t, j] else (share, usual)
        words = _share_words(kind, part, now[t, j], then[t, j], lasting[t, j])
        said.add(month, kind, abs(now[t, j] - then[t, j]), words)


def _large(
    kind: str,
    now: np.ndarray,
    then: np.ndarray,
    of: np.ndarray | float = 1.0,
    *,
    few: np.ndarray | bool = False,
    ratios: dict[str, float] = LEAST_RATIO,
) -> np.ndarray:
    """Whether a count, or a share of `of`, changed enough to matter, however sure the change is."""
    points, gross = np.abs(now - then), np.maximum(now, then) >= GROSS_RATIO * np.minimum(now, then)
    if kind == "total":
        return np.maximum(now, then) + 0.5 >= np.where(few, GROSS_RATIO, ratios[kind]) * (np.minimum(now, then) + 0.5)
    large = points >= np.where(few, np.maximum(GROSS_POINTS, LEAST_POINTS[kind]), LEAST_POINTS[kind])
    large &= gross | ~np.asarray(few)
    if kind in ratios:
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = np.abs(np.log(now / (1 - now)) - np.log(then / (1 - then)))
        gone = (then * of >= GONE_EXPECTED) & (now <= GONE_SHARE * then)
        large = (large & (odds >= np.log(ratios[kind])) & (np.maximum(now, then) * of >= SMALLEST_PART)) | gone
    return large


def _mirrored(found: np.ndarray, share: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Shares that fell only because another rose more, or the other way round: shares add up to one."""
    points, usual = np.where(found, share - usual, 0), np.where(found, usual, 0)
    most = (np.abs(points) - TIE * usual).argmax(axis=1)
    lead = np.take_along_axis(points, most[:, None], axis=1)
    return found & (np.sign(points) != np.sign(lead))


def _share_words(kind: str, part: str, now: float, then: float, lasting: bool) -> str:
    what = {
        "group": lambda: f"{_group(part)} {_percent(now)} of records",
        "area": lambda: f"{_area(part)} {_percent(now)} of the records that have a place",
        "completeness": lambda: f"“{_field(part)}” filled in on {_percent(now)} of records",
        "unplaced": lambda: f"Place missing on {_percent(now)} of records",
    }[kind]()
    return f"{what} from here on, before {_percent(then)}" if lasting else f"{what}, usually {_percent(then)}"


def _percent(share: float) -> str:
    """Whole per cent, one decimal below ten: 0.4% and 0.8% must not both be 1%."""
    return f"{share:.1%}" if 0 < share < 0.0995 else f"{share:.0%}"


def _group(key: str) -> str:
    found = definitions.offence_groups().get(key)
    return found.label if found else "An offence group not in the list"


def _field(name: str) -> str:
    return {"time_known": "Time", "easting": "Point on the map"}.get(name) or definitions.columns()[name].label


def _area(code: str) -> str:
    names = {a.code: a.name for a in definitions.partnership().authorities}
    return names.get(code, "An area outside the partnership")


def _name_missing_feeds(rows: pd.DataFrame, said: _Reasons) -> None:
    """A month that some of a source's feeds did not deliver, between months they did, is held in part only."""
    feeds = rows[rows["kind"] == "feed"]
    held = sorted(rows.loc[(rows["kind"] == "total") & (rows["n"] > 0), "month"])
    for _, own in feeds.groupby("part"):
        if own["n"].median() < SMALLEST_PART:
            continue  # a month without any may be chance
        usual, there = own["n"].sum() / own["of"].sum(), set(own["month"])
        words = f"One of its {feeds['part'].nunique()} feeds did not deliver, usually {usual:.0%} of records"
        for month in [m for m in held if min(there) < m < max(there) and m not in there]:
            said.add(month, "total", 5, words)


@dataclass(frozen=True)
class _Judged:
    """One row per month and one column per series; shares, or counts where there is no whole.

    usual : what the months near it would have it be. unusual : whether it lies beyond chance. few : too few months
    near it for any but gross departures. lasting : a lasting change starts here, from `before` to `after`.
    """

    usual: np.ndarray
    unusual: np.ndarray
    few: np.ndarray
    around: list[str]
    lasting: np.ndarray
    before: np.ndarray
    after: np.ndarray


def _judge(kind: str, months: np.ndarray, k: np.ndarray, of: np.ndarray | None) -> _Judged:
    """Compare every month of every series with the months near it.

    months : numbers of the months held, in order. k : counts, one row per month. of : what they are shares of.
    """
    value, noise, back = _scaled(k, of)
    near = _near(months)
    few = np.array([len(i) < FULL for i in near])
    off = value - _levels(value, _years(months))
    season, plain, alone = _season(months, off, few)
    spread = np.where(alone[:, None], _spread(off / noise, few), _spread((off - plain) / noise, few))
    settled = value - season
    z, before, after = _moves(months, settled, noise * spread)
    size = 1.0 if of is None else of[:, None]
    z[~_large(kind, back(after), back(before), size, ratios=LEAST_RATIO_LASTING)] = 0
    lasting = _starts(z, settled)
    level = _levels(settled, near)
    for j in np.flatnonzero(lasting.any(axis=0)):
        part = np.cumsum(lasting[:, j])
        own = [i[part[i] == part[t]] for t, i in enumerate(near)]
        level[:, [j]] = _levels(settled[:, [j]], own)
        near = own if kind == "total" else near
    with np.errstate(invalid="ignore"):
        unusual = np.abs((settled - level) / noise / spread) >= (UNUSUAL_TOTAL if kind == "total" else UNUSUAL)
    around = [_around(months[t], months[i]) for t, i in enumerate(near)]
    return _Judged(back(level + season), unusual, few, around, lasting, back(before), back(after))


def _scaled(k: np.ndarray, of: np.ndarray | None):
    """Counts and shares on the scale where chance is equally wide everywhere, its width, and the way back."""
    if of is None:
        return np.sqrt(k), 0.5, lambda v: np.maximum(v, 0) ** 2
    share = np.clip(k / of[:, None], 0, 1)
    return np.arcsin(np.sqrt(share)), 0.5 / np.sqrt(of)[:, None], lambda v: np.sin(np.clip(v, 0, np.pi / 2)) ** 2


def _number(months: pd.Series | pd.Index) -> np.ndarray:
    dates = pd.DatetimeIndex(months)
    return (dates.year * 12 + dates.month - 1).to_numpy()


def _near(months: np.ndarray) -> list[np.ndarray]:
    """For each month the rows of the held months nearest to it, itself left out."""
    found = []
    for t, month in enumerate(months):
        away = np.abs(months - month)
        order = np.lexsort((months, away))
        found.append(np.sort([i for i in order if i != t and away[i] <= REACH][:NEAR]).astype(int))
    return found


def _years(months: np.ndarray) -> list[np.ndarray]:
    """For each month the rows of a whole year about it, itself included, so that every season weighs alike."""
    starts = np.clip(months - 6, months[0], max(months[0], months[-1] - 11))
    return [np.flatnonzero((months >= start) & (months < start + 12)) for start in starts]


def _levels(value: np.ndarray, near: list[np.ndarray]) -> np.ndarray:
    nothing = np.full(value.shape[1], np.nan)
    return np.array([np.median(value[i], axis=0) if len(i) >= FEW else nothing for i in near])


def _season(months: np.ndarray, off: np.ndarray, few: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the same month of other years was off its level by: their median.

    One or two other years can only explain this month, never make it look odd: what they and it agree on.
    Returns that, the plain median of the others (for the scatter), and which months no other year speaks of.
    """
    season, plain, alone = np.zeros_like(off), np.zeros_like(off), np.ones(len(off), dtype=bool)
    for t in np.flatnonzero(~few):
        others = [i for i in np.flatnonzero((months % 12 == months[t] % 12) & ~few) if i != t]
        if others:
            season[t] = plain[t] = np.median(off[others], axis=0)
            alone[t] = False
        if 0 < len(others) < FEW:
            same = (np.sign(off[others]) == np.sign(off[t])).all(axis=0)
            season[t] = np.where(same, np.sign(off[t]) * np.abs(off[[*others, t]]).min(axis=0), 0)
    return season, plain, alone


def _spread(rest: np.ndarray, few: np.ndarray) -> np.ndarray:
    """How widely each series scatters, against pure chance: its own median deviation, no less than its siblings'."""
    if few.all():
        return np.ones(rest.shape[1])
    own = 1.4826 * np.median(np.abs(rest[~few]), axis=0)
    return np.maximum(np.maximum(own, np.median(own)), 1)


def _moves(months: np.ndarray, value: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far each series moves to another level at each month and stays there, in robust standard deviations, and the
    levels before and after. A trend is no such move: half of it must show between three months before and three after.
    """
    shape = value.shape
    z, before, after = np.zeros(shape), np.full(shape, np.nan), np.full(shape, np.nan)
    width = np.broadcast_to(width, shape)
    for t, month in enumerate(months):
        earlier = np.flatnonzero((months < month) & (months >= month - BEFORE))
        later = np.flatnonzero((months >= month) & (months < month + AFTER))
        if len(earlier) < FULL or len(later) < LEAST_AFTER:
            continue
        before[t], after[t] = np.median(value[earlier], axis=0), np.median(value[later], axis=0)
        change = after[t] - before[t]
        close = np.median(value[later[:3]], axis=0) - np.median(value[earlier[-3:]], axis=0)
        chance = 1.25 * width[t] * np.sqrt(1 / len(earlier) + 1 / len(later))
        z[t] = np.where(close * np.sign(change) >= AT_ONCE * np.abs(change), change / chance, 0)
    return z, before, after


def _starts(z: np.ndarray, value: np.ndarray) -> np.ndarray:
    """One start per lasting change: of the months that show it, the one that splits before from after best."""
    lasting = np.zeros(z.shape, dtype=bool)
    for j in np.flatnonzero((np.abs(z) >= UNUSUAL_LASTING).any(axis=0)):
        left = np.abs(z[:, j]).copy()
        while left.max() >= UNUSUAL_LASTING:
            peak = int(left.argmax())
            first, last = max(0, peak - BEFORE), peak + AFTER
            close = [t for t in range(max(1, peak - AFTER), min(len(left), last)) if left[t] >= UNUSUAL_LASTING]
            misfit = {t: _misfit(value[first:t, j]) + _misfit(value[t:last, j]) for t in close}
            start = min(misfit, key=misfit.get)
            lasting[start, j] = misfit[start] < _misfit_of_line(value[first:last, j])
            left[max(0, peak - BEFORE + 1) : peak + BEFORE] = 0
    return lasting


def _misfit(values: np.ndarray) -> float:
    return float(np.abs(values - np.median(values)).sum())


def _misfit_of_line(values: np.ndarray) -> float:
    place = np.arange(len(values))
    return float(np.abs(values - np.polyval(np.polyfit(place, values, 1), place)).sum())


def _around(month: int, near: np.ndarray) -> str:
    side = "before it" if (near < month).all() else "after it" if (near > month).all() else "around it"
    return f"the {len(near)} months {side}"


def held_for_review(before: Path | None, after: Path) -> list[str]:
    """Months delivered again whose rows changed by more than 30%: notes for whoever loads them; nothing is refused.

    before, after : the folders of the last snapshot and of the one being built.
    """
    if before is None:
        return []
    old, new = _rows(before), _rows(after)
    notes = []
    for source, month in sorted(old.keys() & new.keys()):
        was, now = old[source, month], new[source, month]
        if max(was, now) >= LOAD_SMALLEST and abs(now - was) > LOAD_CHANGE * was:
            label = definitions.sources()[source].label if source in definitions.sources() else source
            way = "more" if now > was else "fewer"
            notes.append(
                f"{label}, {pd.Timestamp(month):%b %Y}: {now:,} records, {was:,} when last delivered "
                f"({abs(now / was - 1):.0%} {way}). Ask its owner before relying on it."
            )
    return notes


def _rows(snapshot: Path) -> dict[tuple[str, str], int]:
    """Rows by source and month, as the files themselves say."""
    import pyarrow.parquet as pq

    rows: dict[tuple[str, str], int] = {}
    for path in (snapshot / "parts" / "incidents").glob("*/*/*.parquet"):
        key = (path.parent.parent.name, path.name.split(".")[0])
        rows[key] = rows.get(key, 0) + pq.read_metadata(path).num_rows
    return rows
