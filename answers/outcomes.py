"""How the measures of the outcomes framework stand, and the series behind each. A row is a measure, or a period of one.

A measure is told of the scope's area, up to its last month; its own definition says of which records. What cannot be
told is missing, with the reason; what no data are held for says what would fill it.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from analytics import rates, spc
from analytics.errors import NotEnoughData
from answers import registers
from answers.registers import attendance_matrix, people_reached, survey_cohorts
from data import definitions, event_register, store
from data import outcome_questions as questions
from data.definitions import outcomes
from data.definitions.outcomes import Measure
from data.store import NotHeld, Scope

__all__ = ["attendance_matrix", "measure", "measures", "people_reached", "series", "standing", "survey_cohorts", "told"]

LOCAL = "local_serious_violence"
NO_VERSION = "The protected tables were published by the definition in force, and by no other."
CHARTED, TOO_FEW = "XmR", "too few to chart"
BAND = "band"  # a count of the protected tables of which only the range is told
COMMON, SPECIAL = "common_cause", "special_cause"
WHOLE, CARE = "whole", "with care"
SETTLED = 3  # months that a new way to set a marker has to last, or it is a stray month
YEARS_POOLED = 3
PER = 100_000
PERIODS = {"month": 1, "quarter": 3, "financial_year": 12, "three_years": 36}  # months
IN_A_BASELINE = {"month": 12, "quarter": 4, "financial_year": 1, "three_years": 1}  # rows that end in one year
LINES = ["centre", "lower", "upper", "near_lower", "near_upper"]
MARKS = ["rule", "signal", "segment", "provisional"]
SERIES = ["month", "end", "period", "n", "n_lower", "n_upper", "n_unknown", "status", "complete", "value"]
SERIES += [*LINES, *MARKS, "method", "note"]
STANDING = ["period", "value", "lower", "upper", "method", "n_unknown", "baseline_period", "baseline"]
STANDING += ["signal", "rule", "variation", "assurance", "supplied", "newest_complete", "flagged", "data_confidence"]
COLUMNS = ["measure_id", "stage", "objective", "measure", "definition", "owner", "direction", "unit", "target"]
COLUMNS += ["source", *STANDING, "reason", "caveats", "needs"]
NUMBERS = ["value", "lower", "upper", "n_unknown", "baseline", "target", "supplied"]
TYPES = dict.fromkeys(COLUMNS, "str") | dict.fromkeys(NUMBERS, "float64")
TYPES |= {"newest_complete": "boolean", "flagged": "Int64"}


def measures(scope: Scope) -> pd.DataFrame:
    """How does every measure of the logic model stand?

    Returns one row per measure, in the order of the logic model: what it is (`measure_id`, `stage`, `objective`,
    `measure`, `definition`, `owner`, `direction`, `unit`, `target`, `source`); the newest complete `period`, its
    `value` with `lower`, `upper` and their `method`; `baseline`, the mean of the periods of `baseline_period`, in the
    same unit; `signal` of the newest point (improvement, concern, neutral, empty for none), the `rule` behind it,
    `variation` (common_cause, special_cause, too few to chart) and `assurance` (passes, fails, hit_and_miss, with a
    target alone); `n_unknown`, records that lack the marker; `supplied` (share of periods), `newest_complete`,
    `flagged` (months of the newest year that depart from their source's history) and `data_confidence` (whole, with
    care); `reason` why a measure that could have data has none here; `caveats`, and `needs`, what would fill it where
    it has no data.
    Misleads as a count of successes: of a hundred measures without change some show a signal. A baseline is missing
    where a recording change lies between it and the newest period.
    """
    rows = [standing(scope, one) for one in outcomes.framework().values()]
    return pd.DataFrame(rows, columns=COLUMNS).astype(TYPES)


def versions() -> dict[str, str]:
    """The versions of serious violence that the measure LOCAL may be told by: key to words, the one in force first."""
    return {key: mark.label for key, mark in definitions.marks().items() if key.startswith(definitions.IN_FORCE)}


def measure(measure_id: str) -> Measure:
    """How a measure is defined."""
    return outcomes.framework()[measure_id]


def origin(measure_id: str) -> str:
    """The register of the partnership that fills a measure, and who keeps it; empty where none does."""
    register = {"attendance": "attendance", "survey": "surveys", "programme_returns": "programme_returns"}
    if (feed := outcomes.framework()[measure_id].feed) not in register:
        return ""
    source = definitions.source(register[feed])
    return f"{source.label} ({source.controller}, {source.licence})"


def of_version(version: str) -> Measure:
    """The measure of serious violence by another version of its definition; by the one in force, as it stands."""
    measure = outcomes.framework()[LOCAL]
    if version == definitions.IN_FORCE:
        return measure
    mark = definitions.marks()[version]
    said = f"{mark.label}. {mark.note}"
    told = f"Shown by another version than the one in force. {measure.caveats.split('. ', 2)[-1]}"
    return replace(
        measure, mark=version, flag="", label=mark.label, definition=said, caveats=told, protected_note=NO_VERSION
    )


def series(scope: Scope, measure_id: str) -> pd.DataFrame:
    """The periods of one measure, oldest first, gaps as rows without a number: the columns SERIES.

    `month` and `end` are the first and last month of the period; `n` counts records, `value` is what is charted: n of
    complete months, a rate, a count of a year, a share. With `.attrs["chart"]` XmR or p `lower` and `upper` are control
    limits, else the ends of the interval named under `method`. `note` names the cause where limits begin anew.
    `.attrs` also: `every`, how long a period is; `unit`; `why` that chart, or which quarters lack a return. Raises
    NotHeld, with the reason, where there is nothing to tell.
    """
    known = outcomes.framework()
    if measure_id not in known:
        raise NotHeld("There is no such measure.")
    return told(scope, known[measure_id])


def told(scope: Scope, measure: Measure) -> pd.DataFrame:
    """`series` of a measure that need not stand in the file."""
    tell = {outcomes.MONTHLY: _monthly, outcomes.POOLED: _pooled, outcomes.YEARLY: _yearly, outcomes.STATED: _stated}
    if measure.feed:
        rows, facts = registers.OF_FEED[measure.feed](scope, measure)
        return _as_series(rows, **facts)
    if measure.kind not in tell:
        raise NotHeld(measure.needs)
    return tell[measure.kind](scope, measure)


def standing(scope: Scope, measure: Measure) -> dict[str, object]:
    """One row of `measures`, of a measure that need not stand in the file."""
    names = ["measure_id", "stage", "objective", "definition", "owner", "direction", "unit", "target", "source"]
    row = {name: getattr(measure, name) for name in names} | {"measure": measure.label, "reason": ""}
    row |= {"caveats": measure.caveats, "needs": measure.needs} | dict.fromkeys(STANDING)
    try:
        rows = told(scope, measure)
    except NotHeld as why:
        return row | {"reason": str(why) if measure.fillable else ""}
    supplied = rows[rows["complete"] & rows["status"].ne(store.MISSING)]
    if supplied.empty:
        return row | {"reason": "No period of it was supplied whole.", **_care(rows)}
    newest = supplied.iloc[-1]
    if newest[["value", "upper"]].isna().all():
        row["reason"] = "Its newest period may not be told: it is small, or a part of it was withheld or is protected."
    row |= {name: newest[name] for name in ("period", "value", "lower", "upper", "method", "n_unknown")}
    row |= _against_baseline(rows, measure, newest) | _variation(rows, measure, newest) | _care(rows, newest)
    row["flagged"] = _flagged(scope, measure, newest)
    if row["flagged"]:
        row["data_confidence"] = CARE
    notes = [measure.caveats, measure.protected_note if rows.attrs.get("protected") else ""]
    return row | {"needs": "", "unit": rows.attrs["unit"], "caveats": " ".join(filter(None, notes))}


# ------------------------------------------------------------------------------------------------ the kinds of measures


def _monthly(scope: Scope, measure: Measure) -> pd.DataFrame:
    """Monthly counts with control limits; of protected sources quarters, as they were published."""
    protected = questions.is_protected(scope, measure.source)
    if protected and measure.mark:
        raise NotHeld(NO_VERSION)
    ask = questions.protected_quarters if protected else questions.flagged_months
    every = "quarter" if protected else "month"
    rows = _dated(ask(scope, measure), every)
    rows["complete"] = _complete(scope, measure.source, rows)
    rows["note"] = _causes(scope, measure, rows)
    rows["value"] = rows["n"].where(rows["complete"])
    hidden = rows["status"].isin([store.HIDDEN, BAND]).any()  # limits of the larger numbers alone would be too high
    chart, why = (TOO_FEW, "") if hidden else spc.choose(rows["value"])[["chart", "reason"]].iloc[0]
    rows = rows.assign(**(_limits(rows, measure) if chart == CHARTED else _bands(rows)))
    facts = {"unit": f"{measure.unit} a {every}", "every": every, "protected": protected}
    return _as_series(rows, chart=chart, why="" if protected else why, **facts)  # `why` speaks of months


def _bands(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Where only a band may be told, its ends."""
    band = rows["status"].eq(BAND)
    ends = {"lower": rows["n_lower"].where(band), "upper": rows["n_upper"].where(band)}
    return ends | {"method": pd.Series("the band it lies in", rows.index).where(band)}


def _yearly(scope: Scope, measure: Measure) -> pd.DataFrame:
    """Counts of financial years with their Poisson interval; what lacks the marker stands in the upper limit."""
    if questions.is_protected(scope, measure.source):
        raise NotHeld(measure.protected_note)
    rows = _dated(questions.domestic_years(scope, measure), "financial_year")
    rows["complete"] = _complete(scope, measure.source, rows)
    least, most = rates.exact_poisson(rows["n"]), rates.exact_poisson(rows["n"] + rows["n_unknown"])
    rows = rows.assign(value=rows["n"], lower=least["lower"], upper=most["upper"], method=least["method"])
    return _as_series(rows, unit=measure.unit, every="financial_year", chart=TOO_FEW)


def _pooled(scope: Scope, measure: Measure) -> pd.DataFrame:
    """Crude yearly rates of three financial years together, from the least to the most where numbers are withheld."""
    years = questions.admission_years(scope, measure)
    if len(years) < YEARS_POOLED:
        raise NotHeld("Fewer than three financial years of hospital admissions are held up to the end of the period.")
    sums = years[["n", "n_lower", "n_upper", "population"]].rolling(YEARS_POOLED).sum()
    rows = sums.assign(month=years["month"].shift(YEARS_POOLED - 1), status=_together(years["status"]))
    rows = _dated(rows.iloc[YEARS_POOLED - 1 :].reset_index(drop=True), "three_years")
    exact = rows["status"].eq(store.SHOWN)
    if questions.is_protected(scope, measure.source):  # a rate of a band would tell the band's ends
        rows[["n_lower", "n_upper"]] = rows[["n_lower", "n_upper"]].where(exact)
    middle, least, most = (rates.crude(rows[c], rows["population"], per=PER) for c in ("n", "n_lower", "n_upper"))
    rows = rows.assign(value=middle["rate"], lower=least["lower"], upper=most["upper"], complete=True)
    apart = rows["n_lower"] < rows["n_upper"]
    rows["method"] = middle["method"].mask(apart, "Byar 95% of the least and the most").where(rows["upper"].notna())
    return _as_series(rows, unit=measure.unit, every="three_years", chart=TOO_FEW)


def _stated(scope: Scope, measure: Measure) -> pd.DataFrame:
    """The number that the logic model gives."""
    rows = pd.DataFrame({"period": [measure.period], "value": [float(measure.stated)], "status": [store.SHOWN]})
    return _as_series(rows.assign(month=pd.NaT, end=pd.NaT), unit=measure.unit, every="", chart="")


def _as_series(rows: pd.DataFrame, **facts: object) -> pd.DataFrame:
    full = rows.assign(complete=rows.get("complete", True)).reindex(columns=SERIES)
    full[["signal", "rule", "note", "method"]] = full[["signal", "rule", "note", "method"]].astype("str")
    full["note"] = full["note"].fillna("")
    full.attrs = facts
    return full


def _dated(rows: pd.DataFrame, every: str) -> pd.DataFrame:
    """Rows with the last month of their period, and the period in words."""
    end = rows["month"] + pd.DateOffset(months=PERIODS[every] - 1)
    words: dict[str, Callable] = {
        "month": lambda first, last: f"{first:%Y-%m}",
        "quarter": lambda first, last: f"{first:%Y-%m} to {last:%Y-%m}",
        "financial_year": lambda first, last: _year(first),
        "three_years": lambda first, last: f"{_year(first)}-{_year(last - pd.DateOffset(months=11))}",
    }
    period = [words[every](first, last) for first, last in zip(rows["month"], end, strict=True)]
    return rows.assign(end=end, period=period)


def _year(april: pd.Timestamp) -> str:
    return f"{april.year}/{(april.year + 1) % 100:02d}"


def _together(status: pd.Series) -> pd.Series:
    """Of three years together: not supplied if any is, hidden if any is, a band if any is, else shown."""
    order = [store.SHOWN, BAND, store.HIDDEN, store.MISSING]
    worst = status.map(order.index).rolling(YEARS_POOLED).max()
    return worst.map(lambda place: order[int(place)], na_action="ignore")


def _complete(scope: Scope, source: str, rows: pd.DataFrame) -> pd.Series:
    """Whether no record of a period is still to come."""
    open_months = questions.incomplete_months(scope, source)
    spans = zip(rows["month"], rows["end"], strict=True)
    return pd.Series([not any(first <= m <= last for m in open_months) for first, last in spans], rows.index)


# ------------------------------------------------------------------------------------------ limits and where they begin


def _limits(rows: pd.DataFrame, measure: Measure) -> dict[str, pd.Series]:
    try:
        chart = spc.xmr(rows["value"], direction=measure.direction, rebase=rows["note"].ne(""))
    except NotEnoughData:  # no two months in a row
        return {}
    method = pd.Series("XmR limits", rows.index).where(chart["upper"].notna())
    return {name: chart[name] for name in [*LINES, *MARKS]} | {"method": method}


def _causes(scope: Scope, measure: Measure, rows: pd.DataFrame) -> pd.Series:
    """Why limits begin anew at a period, empty where they do not: recording changes, and new ways to set a marker."""
    changes = [
        (pd.Timestamp(event.date), event.note)
        for event in event_register.held(scope)
        if event.rebase and event.scope in (store.ALL, scope.area)
        if event.date not in measure.unmoved_by
    ]
    by_marker = measure.flag == "knife" or (measure.mark and "knife" in definitions.marks()[measure.mark].also)
    if by_marker and not questions.is_protected(scope, measure.source):
        changes += _switches(questions.marker_methods(scope.but(area=store.ALL), measure))  # how the force works
    notes = pd.Series("", rows.index)
    for date, note in sorted(changes):
        inside = rows.index[(rows["month"] <= date) & (date <= rows["end"] + pd.offsets.MonthEnd(1))]
        notes[inside] = [f"{said}; {note}" if said else note for said in notes[inside]]
    return notes


def _switches(methods: pd.Series) -> list[tuple[pd.Timestamp, str]]:
    """The months in which the way a marker is set changed for good, and to what."""
    stretch = methods.groupby((methods != methods.shift()).cumsum()).transform("size")
    lasting = methods[stretch >= SETTLED]
    turned = lasting[(lasting != lasting.shift()) & lasting.shift().notna()]
    return [(month, f"The marker is set in another way from here on: {method}") for month, method in turned.items()]


# ------------------------------------------------------------------------------------------------- how a measure stands


def _against_baseline(rows: pd.DataFrame, measure: Measure, newest: pd.Series) -> dict[str, object]:
    """The mean of the periods that end in the baseline's year, if all are known and recorded as the newest one is."""
    if not measure.baseline:
        return {}
    start = pd.Timestamp(int(measure.baseline[:4]), 4, 1)
    within = rows[rows["end"].between(start, start + pd.DateOffset(months=11))]
    whole = len(within) == IN_A_BASELINE[rows.attrs["every"]] and within["value"].notna().all()
    changed = (rows["note"].ne("") & (rows["month"] > start) & (rows["month"] <= newest["month"])).any()
    period = within["period"].iat[0] if len(within) == 1 else measure.baseline
    return {"baseline_period": period, "baseline": within["value"].mean() if whole and not changed else np.nan}


def _variation(rows: pd.DataFrame, measure: Measure, newest: pd.Series) -> dict[str, object]:
    """Whether the newest point is a signal, and whether a target would be met."""
    if rows.attrs["chart"] not in (CHARTED, registers.SHARES):
        return {"variation": rows.attrs["chart"] or None}
    if rows.attrs["chart"] == registers.SHARES and newest["provisional"]:  # limits of few meetings judge nothing yet
        return {"variation": TOO_FEW, "lower": np.nan, "upper": np.nan, "method": None}
    if pd.isna(newest["upper"]):  # a segment of one point has no limits yet
        return {"variation": TOO_FEW}
    answer = {"signal": newest["signal"], "rule": newest["rule"], "variation": SPECIAL if newest["rule"] else COMMON}
    if measure.target is None:
        return answer
    sure = spc.assurance(rows, measure.target, measure.direction).iloc[0]
    return answer | {"assurance": next(iter(sure.index[sure.eq(True).fillna(False)]), None)}


def _care(rows: pd.DataFrame, newest: pd.Series | None = None) -> dict[str, object]:
    """How far the data behind a measure can be relied on, flags aside."""
    if not rows.attrs["every"]:  # a number that the logic model states
        return {}
    held = rows["status"].ne(store.MISSING)
    supplied, complete = held.mean(), bool((held & rows["complete"]).iat[-1])
    whole = supplied == 1 and complete and newest is not None and newest["status"] == store.SHOWN
    return {"supplied": supplied, "newest_complete": complete, "data_confidence": WHOLE if whole else CARE}


def _flagged(scope: Scope, measure: Measure, newest: pd.Series) -> int | None:
    """Months of the year to the newest period that depart from their source's history."""
    if not measure.source:
        return None
    flags = store.flags(scope)
    year = flags["month"].between(newest["end"] - pd.DateOffset(months=11), newest["end"])
    return flags.loc[year & flags["source"].eq(measure.source), "month"].nunique()
