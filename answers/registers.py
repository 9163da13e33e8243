"""What the partnership's own registers tell: attendance, surveys and people reached. A row is a period of one measure.

Registers are small: no more than a few hundred meetings, waves or quarters.
"""

import numpy as np
import pandas as pd

from analytics import rates, spc
from analytics.errors import NotEnoughData
from data import outcome_questions, schema, store
from data import register_questions as questions
from data.definitions.outcomes import Measure
from data.store import NotHeld, Scope

SHARES, COUNTS, TOO_FEW = "p", "XmR", "too few to chart"
BAND = "band"
CLASSES = len(schema.CLASSES)
LIMITS = ["value", "centre", "lower", "upper", "near_lower", "near_upper"]
WILSON = ["value", "lower", "upper"]


def attendance_matrix(scope: Scope, forum: str = "") -> pd.DataFrame:
    """Which classes of authority come to a forum, quarter by quarter?

    forum : one of SVRP, TVRP, DAWG, Engagement, Comms; empty for all of them together.

    Returns one row per class (in the order of the Duty) and quarter, quarters without a meeting too: `authority_class`,
    `quarter` (its first month), `meetings` for which the register says whether the class was there,
    `meetings_attended`, and `share` of them (a fraction; missing without a meeting). A deputy counts.
    Misleads by its few meetings: of three, one missed is a third. Raises NotHeld where there is no register.
    """
    if forum and forum not in schema.FORUMS:
        raise NotHeld("There is no such forum.")
    found = questions.class_quarters(scope, (forum,) if forum else schema.FORUMS)
    held = found["meetings"].where(found["meetings"] > 0)
    return found.assign(share=found["meetings_attended"] / held)


def survey_cohorts(scope: Scope, question: str) -> pd.DataFrame:
    """What does each age cohort say, in the newest wave?

    question : one of trust, safety, willingness, informed, heard.

    Returns one row per cohort, youngest first: `cohort`, `wave`, `n` (people who answered), `value`, `lower`, `upper`
    (per cent, Wilson's 95% interval), `method`, `status`. Shares of fewer than 100 people are not told (`hidden`).
    Misleads where who answers differs from who lives there, and where one cohort answered elsewhere than another.
    Raises NotHeld where no survey asks it; partners are told cohorts of the whole area alone.
    """
    found = questions.cohorts(scope, question)
    return found.drop(columns="pct").join(_with_interval(found))


def people_reached(scope: Scope) -> pd.DataFrame:
    """How many young people, families and professionals did programmes reach each quarter?

    Returns one row per `reached_kind` (reached_yp, reached_families, reached_professionals) and quarter: `month` (its
    first), `period`, `n` with `n_lower`, `n_upper` and `status`, `programmes` that were to return a number,
    `returned`, and `complete`: all of them did. n is the total of those that did; for partners, who are told whole
    quarters alone, it is rounded to 5, and below 8 a band. Kinds are never added up.
    Misleads as a count of people: one reached in two quarters or by two programmes counts twice.
    """
    found = questions.quarters(scope)
    columns = ["reached_kind", "month", "period", "n", "n_lower", "n_upper", "status", "programmes", "returned"]
    return found[columns].assign(complete=found["returned"].eq(found["programmes"]) & found["programmes"].gt(0))


# ------------------------------------------------------------------------------ the series of measures, for `outcomes`


def attendance(scope: Scope, measure: Measure) -> tuple[pd.DataFrame, dict]:
    """The share of the nine classes at each meeting, with the limits of a p chart (in per cent), and facts of it.

    A meeting for which the register does not say of every class is counted, and has no share.
    """
    found = questions.meetings(scope, measure.forums)
    whole = found["said"].eq(CLASSES)
    month = found["date"].dt.to_period("M").dt.start_time.astype("datetime64[us]")
    period = found["date"].dt.strftime("%Y-%m-%d")
    if len(measure.forums) > 1:
        period = period + " " + found["forum"]
    rows = pd.DataFrame({"month": month, "end": month, "period": period, "n": found["n"].astype(float)})
    unsaid = CLASSES - found["said"]
    rows = rows.assign(n_lower=rows["n"], n_upper=rows["n"] + unsaid, n_unknown=unsaid, status=store.SHOWN)
    rows = rows.assign(complete=whole, value=(100 * rows["n"] / CLASSES).where(whole))
    facts = {"unit": measure.unit, "every": "meeting", "chart": SHARES}
    try:
        total = pd.Series(float(CLASSES), rows.index).where(whole)
        chart = spc.p_chart(rows["n"].where(whole), total, direction=measure.direction, split_at_gaps=False)
    except NotEnoughData:  # of no meeting the register says all
        return rows, facts | {"chart": TOO_FEW}
    chart[LIMITS] = 100 * chart[LIMITS]
    method = pd.Series("p chart limits", rows.index).where(chart["upper"].notna())
    return rows.drop(columns="value").join(chart).assign(method=method), facts


def survey(scope: Scope, measure: Measure) -> tuple[pd.DataFrame, dict]:
    """The share of everybody asked in the area, by wave, with its interval, and facts of it."""
    found = questions.waves(scope, measure.question).rename(columns={"wave": "period"})
    bounds = {"n_lower": found["n"], "n_upper": found["n"], "complete": True}
    rows = found.drop(columns="pct").assign(**bounds).join(_with_interval(found))
    facts = {"unit": measure.unit, "every": "wave", "chart": TOO_FEW}
    return rows, facts | {"protected": questions.is_protected(scope)}


def reached(scope: Scope, measure: Measure) -> tuple[pd.DataFrame, dict]:
    """People of one kind reached by quarter, with control limits where there are enough quarters, and facts of it.

    A quarter that lacks a return is a gap: `n_lower` is what the other programmes reached.
    """
    every = people_reached(scope)
    rows = every[every["reached_kind"].eq(measure.counted)].reset_index(drop=True)
    lacking = rows[~rows["complete"] & rows["programmes"].gt(0)]
    late = [f"{r.period} ({r.returned} of {r.programmes} programmes returned)" for r in lacking.itertuples()]
    told = {
        name: rows[name].where(rows["complete"]) for name in ("n", "n_upper")
    }  # what came in is the least it can be
    told["status"] = rows["status"].where(rows["complete"], store.MISSING)
    rows = rows.assign(end=rows["month"] + pd.DateOffset(months=2), value=told["n"], **told)
    why = f"Not complete: {', '.join(late)}" if late else ""
    banded = rows["status"].eq(BAND)
    chart = TOO_FEW if banded.any() else spc.choose(rows["value"])["chart"].iat[0]
    facts = {"unit": measure.unit, "every": "quarter", "chart": chart, "why": why}
    facts["protected"] = questions.is_protected(scope)
    if chart == COUNTS:
        limits = spc.xmr(rows["value"], direction=measure.direction, split_at_gaps=False)
        method = pd.Series("XmR limits", rows.index).where(limits["upper"].notna())
        return rows.drop(columns="value").join(limits).assign(method=method), facts
    method = pd.Series("the band it lies in", rows.index).where(banded)
    ends = {"lower": rows["n_lower"].where(banded), "upper": rows["n_upper"].where(banded), "method": method}
    return rows.assign(**ends), facts


def _with_interval(shares: pd.DataFrame) -> pd.DataFrame:
    """Shares in per cent with Wilson's interval, as finely as they may be told: value, lower, upper, method."""
    n = shares["n"].where(shares["pct"].notna())
    found = rates.proportion(n * shares["pct"] / 100, n, per=100)
    return found.assign(**{name: questions.rounded(found[name], n).astype(np.float64) for name in WILSON})


def sharing(scope: Scope, measure: Measure) -> tuple[pd.DataFrame, dict]:
    """How many sources gave each month, and facts of it."""
    rows = outcome_questions.sharing_months(scope)
    rows = rows.assign(end=rows["month"], period=rows["month"].dt.strftime("%Y-%m"), value=rows["n"])
    return rows, {"unit": measure.unit, "every": "month", "chart": ""}


OF_FEED = {"coverage": sharing, "attendance": attendance, "survey": survey, "programme_returns": reached}
