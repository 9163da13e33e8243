"""What the partner tier may hold, made from true counts at publish. A row is a cell: source, measure, place, period."""

import tomllib
from pathlib import Path

import pandas as pd

from data.protection_audit import ALL, BAND, CELL, HIDDEN, MISSING, SHOWN, TABLE, YEAR, audit_and_repair

DEFINITION = Path(__file__).parent / "definitions" / "disclosure.toml"
LEVELS = ("area", "lad", "msoa", "lsoa")  # coarse to fine; each place lies in one place of the level before
CODES = {"lad": "authority_code", "msoa": "msoa_code", "lsoa": "lsoa_code"}
PERIODS = {"financial_year": (YEAR, 12), "quarter": ("Q-DEC", 3)}  # coarse to fine: pandas name, months
ROUND_TO = 5
CUBE = [
    *CELL,
    "parent",
    "population",
    "period_end",
    "n",
    "kind",
    "threshold",
    "sensitive",
    "rule",
    "offered",
    "withheld",
]
RELEASED = ["source", "measure", "area_level", "area_code", "parent", "period_type", "month", "period_end"]
RELEASED += ["n", "n_lower", "n_upper", "status", "rule"]


def thresholds(tier: str = "partner", path: Path = DEFINITION) -> pd.DataFrame:
    """Which counts a tier holds, from `disclosure.toml`: one row per source and measure.

    Returns `source`, `measure`, `kind` (group or flag), `threshold` (smaller counts are banded; 0: as published),
    `sensitive`, `rule` (its id), `words`, `grids` (tuple of (area_level, period_type), empty where nothing is offered).
    """
    read = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = []
    for offer in read["offer"]:
        rule = read["rules"][offer["rule"]]
        grids = tuple(tuple(grid.split()) for grid in offer.get(tier, []))
        for measure in offer["measures"]:
            sensitive = offer.get("sensitive", False) and measure != ALL
            row = (offer["source"], measure, offer["kind"], rule["threshold"], sensitive, offer["rule"], rule["words"])
            rows.append((*row, grids))
    names = ["source", "measure", "kind", "threshold", "sensitive", "rule", "words", "grids"]
    return pd.DataFrame(rows, columns=names)


def limits(path: Path = DEFINITION) -> dict[str, float]:
    """The settings of the audit: `narrowest` (values), `repairs` (cells), `sparse` (share)."""
    return tomllib.loads(path.read_text(encoding="utf-8"))["audit"]


def admission_counts(admissions: pd.DataFrame, authorities: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """People admitted by financial year in the form that `cube` reads, and the months they cover.

    admissions : rows of the harmonised table; only financial years are used, because people counted month by month do
        not add up to people in a year. Where a total over ages, sexes or deprivation stands beside its parts, it alone
        counts. A suppressed row stays missing, and so does every total it belongs to.
    authorities : codes of all authorities; one without a row is missing, not zero.
    """
    rows = admissions[admissions["period_type"].eq("financial_year")]
    keys = ["authority_code", "month", "measure"]
    rows = rows.assign(
        month=pd.to_datetime(rows["period"].str[:4] + "-04-01"),
        measure=rows["icd_group"].astype(object).replace("X85_Y09", ALL),
        n=rows["persons"].mask(rows["suppressed"].fillna(False).astype(bool)),
    )
    for total in (rows["age_band5"].eq("all"), rows["sex"].eq("all"), rows["imd_decile"].isna()):
        total = total.reindex(rows.index)
        rows = rows[total | ~total.groupby([rows[key] for key in keys]).transform("any")]
    every = pd.MultiIndex.from_product(
        [sorted(set(authorities)), *[rows[key].unique() for key in keys[1:]]], names=keys
    )
    counts = every.to_frame(index=False).merge(rows[[*keys, "n", "suppressed"]], how="left", on=keys)
    months = [m for s in sorted(set(rows["month"])) for m in pd.date_range(s, periods=12, freq="MS")]
    supplied = pd.DataFrame({"source": "admissions", "month": pd.DatetimeIndex(months)})
    return counts.assign(source="admissions"), supplied


def cube(
    counts: pd.DataFrame, areas: pd.DataFrame, offered: pd.DataFrame, *, supplied: pd.DataFrame | None = None
) -> pd.DataFrame:
    """True counts of every cell that the offered tables add up from, zeros filled in; to be protected, never shown.

    counts : one row per finest combination: source, offence_group, the columns of the flags, authority_code, msoa_code,
        month, `n` (missing: not known; `suppressed`: because its owner hides it). A row that has a `measure` counts
        for that one alone.
    areas : area_code, area_level, parent, population. Places where nobody lives have no cells.
    offered : as from `thresholds`. Sources with threshold 0 or without grids, and flags nobody filled, are left out.
    supplied : source, month. A period counts as supplied when all its months are. Missing: the months in `counts`.

    Returns the columns of `CELL`, parent, population, period_end, `n` (missing where not supplied, never 0), `kind`,
    `threshold`, `sensitive`, `rule`, `offered` (its table is one of those to be shown) and `withheld` (supplied, but a
    count in it was suppressed by its owner).
    Every margin is counted from the records themselves: a record without a place is in the totals above it.
    """
    months = counts if supplied is None else supplied
    tables = []
    for source, rules in _held(counts, offered).groupby("source"):
        dates = months.loc[months["source"].eq(source), "month"]
        records = _nested(_by_measure(counts[counts["source"].eq(source)], rules), areas)
        widest = tuple(grid for grids in rules["grids"] for grid in grids)
        grids = [(level, period) for level in LEVELS for period in PERIODS if _reached(level, period, widest)]
        tables += [_cells(records, areas, dates, rules, *grid).assign(source=source) for grid in grids if len(dates)]
    if not tables:
        return pd.DataFrame(columns=CUBE).astype(
            {"month": "datetime64[ns]", "n": float, "offered": bool, "withheld": bool}
        )
    return pd.concat(tables)[CUBE].sort_values(CELL, ignore_index=True)


def _held(counts: pd.DataFrame, offered: pd.DataFrame) -> pd.DataFrame:
    """The lines of `offered` that have a grid and a threshold, and of which the records of the source say something."""
    filled = {}
    for source, rows in counts.groupby("source"):
        filled[source] = {ALL} | {name for name in rows if rows[name].notna().any()}
        filled[source] |= set(rows["measure"].dropna()) if "measure" in rows else set()
    told = offered["measure"].where(offered["kind"].eq("flag") | offered["measure"].eq(ALL), "offence_group")
    known = pd.Series([m in filled.get(s, ()) for s, m in zip(offered["source"], told, strict=True)], offered.index)
    return offered[offered["grids"].map(bool) & offered["threshold"].gt(0) & known]


def _reached(level: str, period: str, grids: tuple) -> bool:
    """Whether a table is one of the grids, or coarser than one."""
    at, of = LEVELS.index(level), list(PERIODS).index(period)
    return any(at <= LEVELS.index(place) and of <= list(PERIODS).index(time) for place, time in grids)


def _by_measure(counts: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    """The records once for each measure they count for."""
    counts = counts if "suppressed" in counts else counts.assign(suppressed=False)
    given = counts["measure"].notna() if "measure" in counts else pd.Series(False, index=counts.index)
    rest = counts[~given]
    parts = [counts[given], rest.assign(measure=ALL)]
    if "offence_group" in rest:
        parts.append(rest.assign(measure=rest["offence_group"]))
    for flag in set(rules.loc[rules["kind"].eq("flag"), "measure"]) & set(rest.columns):
        parts.append(rest[rest[flag].fillna(False).astype(bool)].assign(measure=flag))
    keep = ["measure", *[code for code in CODES.values() if code in counts], "month", "n", "suppressed"]
    records = pd.concat([part[keep] for part in parts if len(part)])
    return records[records["measure"].isin(rules["measure"])]


def _nested(records: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """The records with small areas only where they lie in the record's authority: places have to nest."""
    parent = areas.set_index("area_code")["parent"]
    for level in LEVELS[2:]:
        code, above = CODES[level], CODES[LEVELS[LEVELS.index(level) - 1]]
        if code in records:
            inside = records[code].map(parent).eq(records[above])
            records = records.assign(**{code: records[code].where(inside)})
    return records


def _cells(
    records: pd.DataFrame, areas: pd.DataFrame, dates: pd.Series, rules: pd.DataFrame, level: str, period: str
) -> pd.DataFrame:
    """The full grid of one level and period: every measure, populated place, and period from the first to the last."""
    name, length = PERIODS[period]
    spans = pd.Series(pd.to_datetime(dates).unique()).dt.to_period(name).value_counts()
    complete = spans.index[spans.ge(length)]
    span = pd.DataFrame({"span": pd.period_range(spans.index.min(), spans.index.max(), freq=name)})
    grid = rules.merge(_places(areas, level), how="cross").merge(span, how="cross")
    place = ALL if level == "area" else records[CODES[level]]
    found = records.assign(
        area_code=place,
        span=records["month"].dt.to_period(name),
        gap=records["n"].isna(),
        withheld=records["suppressed"].eq(True),
    )
    sums = {"n": ("n", "sum"), "gap": ("gap", "any"), "withheld": ("withheld", "any")}
    found = found.groupby(["measure", "area_code", "span"], as_index=False).agg(**sums)
    grid = grid.merge(found, on=["measure", "area_code", "span"], how="left")
    supplied = grid["span"].isin(complete)
    start, end = grid["span"].dt.start_time, grid["span"].dt.end_time.dt.normalize()
    shown = [_reached(level, period, grids) for grids in grid["grids"]]
    n = grid["n"].astype(float).fillna(0).where(supplied & ~grid["gap"].eq(True))
    grid = grid.assign(n=n, offered=shown, withheld=supplied & grid["withheld"].eq(True))
    return grid.assign(area_level=level, period_type=period, month=start, period_end=end)


def _places(areas: pd.DataFrame, level: str) -> pd.DataFrame:
    people = areas[areas["population"].gt(0)]
    if level == "area":
        total = people.loc[people["area_level"].eq("lad"), "population"].sum()
        return pd.DataFrame({"area_code": [ALL], "parent": [None], "population": [total]})
    here = people.loc[people["area_level"].eq(level), ["area_code", "parent", "population"]]
    return here.assign(parent=ALL) if level == "lad" else here


def links(counts: pd.DataFrame, offered: pd.DataFrame) -> pd.DataFrame:
    """Offence groups that lie wholly inside or outside a flag: sums that anyone who knows the definition can use.

    Returns one row per pair: `source`, `flag`, `group`, `inside` (true or false); mixed pairs are not rows.
    """
    rows = []
    plain = counts[counts["offence_group"].notna()] if "offence_group" in counts else counts.iloc[:0]
    for source, rules in _held(counts, offered).groupby("source"):
        mine = plain[plain["source"].eq(source)]
        groups = rules.loc[rules["kind"].eq("group"), "measure"]
        for flag in rules.loc[rules["kind"].eq("flag") & rules["measure"].isin(mine.columns), "measure"]:
            yes = mine[flag].fillna(False).astype(bool)
            share = yes.groupby(mine["offence_group"]).mean().reindex(groups).dropna()
            rows += [(source, flag, group, part == 1) for group, part in share.items() if part in (0, 1)]
    return pd.DataFrame(rows, columns=["source", "flag", "group", "inside"])


def primary(cells: pd.DataFrame) -> pd.DataFrame:
    """Band what is below its threshold, round the rest to the nearest 5.

    cells : `n` true counts (missing: not supplied), `threshold`.

    Returns the cells with `n_displayed`, `n_lower`, `n_upper` and `status` (shown, band, not supplied). Zero is inside
    the band; what is rounded says which counts it may stand for. With threshold 0 the count is shown as published.
    """
    n, threshold = cells["n"], cells["threshold"]
    band, exact = n < threshold, threshold.eq(0)
    displayed = (ROUND_TO * ((n + ROUND_TO // 2) // ROUND_TO)).mask(exact, n)
    lower = (displayed - 2).clip(lower=threshold).mask(exact, n)
    upper = (displayed + 2).mask(exact, n)
    status = pd.Series(SHOWN, index=cells.index, dtype=object).mask(band, BAND).mask(n.isna(), MISSING)
    lower, upper = lower.mask(band, 0), upper.mask(band, threshold - 1)
    return cells.assign(n_displayed=displayed.mask(band), n_lower=lower, n_upper=upper, status=status)


def secondary(cells: pd.DataFrame, *, sparse: float = 0.5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out tables that are mostly bands; hide a sensitive kind that makes up nearly all of a total.

    A kind makes up nearly all when the rest is fewer than its threshold.

    sparse : a table below the whole area with a larger share of its cells in the band is not offered at that level.

    Returns the cells with `offered`, `status` and the bounds changed, and what was left out: source, measure,
    area_level, period_type, `reason`, `share` of cells in the band. Coarser tables are offered with each, and stay.
    """
    below = cells[cells["offered"] & cells["area_level"].ne("area") & cells["status"].ne(MISSING)]
    share = below["status"].eq(BAND).groupby([below[name] for name in TABLE]).mean()
    dropped = share[share > sparse].rename("share").reset_index().assign(reason="mostly in the band")
    gone = pd.MultiIndex.from_frame(cells[TABLE]).isin(pd.MultiIndex.from_frame(dropped[TABLE]))
    total = cells["n"].where(cells["measure"].eq(ALL)).groupby([cells[name] for name in CELL if name != "measure"])
    rest = total.transform("max") - cells["n"]
    alone = cells["sensitive"] & cells["status"].eq(SHOWN) & rest.lt(cells["threshold"])
    upper, lower = cells["n_upper"].mask(alone, float("inf")), cells["n_lower"].mask(alone, 0)
    status = cells["status"].mask(alone, HIDDEN)
    return cells.assign(offered=cells["offered"] & ~gone, status=status, n_lower=lower, n_upper=upper), dropped


def protect(
    counts: pd.DataFrame,
    areas: pd.DataFrame,
    *,
    tier: str = "partner",
    admissions: pd.DataFrame | None = None,
    supplied: pd.DataFrame | None = None,
    previous: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, dict]:
    """The protected aggregates of a tier, from true counts: what may be written to its files, and the audit of it.

    counts, areas, supplied : as for `cube`. admissions : the harmonised table.
    previous : the table of the last snapshot, so that what was hidden then is hidden again first.

    Returns the table (`RELEASED`; `n` only where shown, rounded; bounds missing where hidden or not supplied) and the
    report of `audit_and_repair` with `left_out`. Nothing may be published unless `publishable(report)`.
    """
    if admissions is not None:
        people, years = admission_counts(admissions, areas.loc[areas["area_level"].eq("lad"), "area_code"])
        supplied = counts[["source", "month"]] if supplied is None else supplied
        counts, supplied = pd.concat([counts, people]), pd.concat([supplied, years])
    offered, settings = thresholds(tier), limits()
    cells, dropped = secondary(primary(cube(counts, areas, offered, supplied=supplied)), sparse=settings["sparse"])
    cells, report = audit_and_repair(
        cells,
        links(counts, offered),
        narrowest=int(settings["narrowest"]),
        most_repairs=int(settings["repairs"]),
        previous=previous,
    )
    return _released(cells), {**report, "left_out": dropped.to_dict("records") + report["left_out"]}


def _released(cells: pd.DataFrame) -> pd.DataFrame:
    kept = cells[cells["offered"]]
    shown, known = kept["status"].eq(SHOWN), kept["status"].isin([SHOWN, BAND])
    n, lower, upper = kept["n_displayed"].where(shown), kept["n_lower"].where(known), kept["n_upper"].where(known)
    status = kept["status"].mask(kept["withheld"], HIDDEN)  # what its owner suppressed is no gap
    table = kept.assign(n=n, n_lower=lower, n_upper=upper, status=status)
    table = table[RELEASED].sort_values(CELL, ignore_index=True)
    return table.astype({"n": "Int64", "n_lower": "Int64", "n_upper": "Int64"})
