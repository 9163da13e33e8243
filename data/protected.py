"""Answers from the protected aggregates: what a partner may know of closed sources. A row is a period or an area.

Only the periods, places and breakdowns that were published exist: quarters for an authority or the whole area,
financial years for neighbourhoods. Nothing is added up here but the bounds of a choice of several groups, which
tells no more than its parts.
"""

import pandas as pd

from data import definitions

ALL_RECORDS, SERIOUS = "all", "sv_local"
SHOWN, BAND, MISSING = "shown", "band", "not supplied"
QUARTER, YEAR = "quarter", "financial_year"
WHOLE = "area"
Measures = tuple[str, ...]


def quarters(
    table: pd.DataFrame, measures: Measures, area: str, by: tuple[str, ...], codes: tuple[str, ...]
) -> pd.DataFrame:
    """Counts per source and quarter: source, month (its first), `by`, n, status, period_type.

    table : protected aggregates of the sources and time asked about. measures : offence groups, none for the widest.
    area : an authority's code, or `all`. codes : the authorities, for `by=("authority_code",)`.
    """
    rows = table[table["period_type"] == QUARTER]
    if "authority_code" in by:
        rows = rows[(rows["area_level"] == "lad") & rows["area_code"].isin(codes)]
        rows = rows.assign(authority_code=rows["area_code"])
    else:
        rows = rows[rows["area_level"] == WHOLE] if area == "all" else rows[rows["area_code"] == area]
    return _chosen(rows, measures, ["source", "month", *by], split="offence_group" in by)


def areas(table: pd.DataFrame, measures: tuple[str, ...], level: str) -> tuple[pd.DataFrame, str]:
    """Counts of the newest financial year per area of a level: source, area_code, n, ...; and that year in words."""
    rows = table[(table["period_type"] == YEAR) & (table["area_level"] == level)]
    rows = _newest(rows)
    return _chosen(rows, measures, ["source", "area_code"], split=False), _in_words(rows)


def mix(table: pd.DataFrame, area: str) -> pd.DataFrame:
    """Counts of the newest financial year per offence group: source, offence_group, n, ..."""
    rows = table[(table["period_type"] == YEAR) & table["measure"].isin(definitions.offence_groups())]
    rows = rows[rows["area_level"] == WHOLE] if area == "all" else rows[rows["area_code"] == area]
    rows = _newest(rows)
    return rows.rename(columns={"measure": "offence_group"})[
        ["source", "offence_group", "n", "n_lower", "n_upper", "status"]
    ]


def admissions(table: pd.DataFrame, area: str) -> pd.DataFrame:
    """Residents admitted, by financial year and cause: period, icd_group, n, ..., withheld (none: they are bands)."""
    rows = table[table["area_level"] == WHOLE] if area == "all" else table[table["area_code"] == area]
    rows = rows[rows["status"] != MISSING].sort_values(["month", "measure"])
    years = rows["month"].dt.year
    period = years.astype(str) + "/" + ((years + 1) % 100).map("{:02d}".format)
    cause = rows["measure"].replace(ALL_RECORDS, "X85_Y09")
    return rows.assign(period=period, icd_group=cause, withheld=0)[
        ["period", "icd_group", "n", "n_lower", "n_upper", "status", "withheld"]
    ]


def _newest(rows: pd.DataFrame) -> pd.DataFrame:
    supplied = rows[rows["status"] != MISSING]
    return rows[rows["month"] == supplied["month"].max()]


def _in_words(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "no financial year held"
    start = rows["month"].iloc[0]
    return f"financial year {start.year}/{(start.year + 1) % 100:02d}"


def _chosen(rows: pd.DataFrame, measures: tuple[str, ...], keys: list[str], *, split: bool) -> pd.DataFrame:
    """The rows of the measures asked for; several become a range, the sums of the lower and of the upper bounds."""
    rows = rows.assign(offence_group=rows["measure"])
    held = set(rows["measure"])
    if split:
        rows = rows[rows["measure"].isin(measures or held - {ALL_RECORDS, SERIOUS})]
    elif not measures:
        widest = {
            source: SERIOUS if SERIOUS in set(part["measure"]) else ALL_RECORDS
            for source, part in rows.groupby("source")
        }
        rows = rows[rows["measure"] == rows["source"].map(widest)]
    else:
        rows = rows[rows["measure"].isin(measures)]
    kept = [*keys, "n", "n_lower", "n_upper", "status", "period_type"]
    if split or rows.empty or not rows.duplicated(keys).any():
        return rows[kept].sort_values(keys, ignore_index=True)
    return _ranges(rows, keys)[kept]


def _ranges(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    known = rows["status"].isin([SHOWN, BAND])
    added = (
        rows.assign(known=known)
        .groupby(keys, as_index=False)
        .agg(
            n_lower=("n_lower", "sum"),
            n_upper=("n_upper", "sum"),
            known=("known", "all"),
            period_type=("period_type", "first"),
        )
    )
    added["status"] = added["known"].map({True: BAND, False: MISSING})
    return added.assign(n=float("nan"))
