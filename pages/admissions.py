"""Hospital admissions: residents admitted after an assault, by where they live; what is withheld is told as a range."""

import pandas as pd
import streamlit as st

from analytics.errors import NotEnoughData
from answers import admissions
from data import store
from ui import admission_findings, chart_ranges, charts, filters, frame, words

CAUSES = ("X99", "X85_Y09", "Y04", "X93_X95")

page = frame.open_page("admissions")
scope = filters.scope(page).but(sources=("admissions",))
with page.explaining():
    if not store.holds(scope, "admissions"):
        raise store.NotHeld("This is not held at the level of access you have; partners find it in the area profile.")
    causes = {code: words.value("icd_group", code) for code in CAUSES}
    cause = page.choice("cause", "Cause", causes, width=320)


@st.cache_data(show_spinner="Standardising…", max_entries=64)
def asked(scope: store.Scope, what: str, cause: str) -> pd.DataFrame:
    """One of the answers on admissions."""
    return getattr(admissions, what)(scope, cause)


about = {"basis": "Where people live", "freshness": "", "scope": scope}
names = page.labels("authority_code")
whole, named = causes[cause].lower(), lambda rows: rows.assign(name=rows["authority_code"].map(names))
left, right = st.columns(2)
with left:
    try:
        pooled = named(asked(scope, "pooled", cause))
        newest = pooled[pooled["period"] == pooled["period"].max()]
        period = f"{newest['period'].iat[0]}, three years pooled"
        derived = ["rate_lower", "rate_upper", "lower", "upper"]
        told = {"title": f"Admitted, {whole}", "notes": admission_findings.standardised(newest), "period": period}
        found = page.release(newest, counts=[], derived=derived, **told, **about)
        how = {"category": "name", "low": "rate_lower", "high": "rate_upper", "lower": "lower", "upper": "upper"}
        picture = chart_ranges.ranges(found, heading="Standardised rate per 100,000 a year", **how)
        page.show(found, picture, finding=admission_findings.pooled(found), key="pooled")
    except NotEnoughData as reason:
        st.info(str(reason))
with right:
    yearly = named(asked(scope, "yearly", cause)).rename(columns={"n": "admitted", "rate": "rate_100k"})
    newest = yearly[yearly["period"] == yearly["period"].max()] if len(yearly) else yearly
    told = {
        "title": f"Admitted, {whole}, crude",
        "notes": admission_findings.ROUNDED,
        "period": "Newest financial year",
    }
    found = page.release(newest, counts=["admitted"], derived=["rate_100k", "lower", "upper"], **told, **about)
    columns = ("name", "period", "admitted", "rate_100k", "lower", "upper")
    page.show(found, finding=admission_findings.yearly(found), key="yearly", columns=columns, open_table=True)
    try:
        by_age = asked(scope, "ages", cause)
        by_age = by_age.assign(who=by_age["cohort"] + ", " + by_age["sex"].map(lambda s: words.value("sex", s).lower()))
        told = {"title": f"By age and sex, {whole}", "notes": admission_findings.ROUNDED}
        told["period"] = f"{by_age['period'].iat[0]}, three years pooled"
        found = page.release(by_age, counts=[], derived=["rate_lower", "rate_upper"], **told, **about)
        how = {"category": "who", "low": "rate_lower", "high": "rate_upper"}
        picture = chart_ranges.ranges(found, heading="Rate per 100,000 a year", **how)
        page.show(found, picture, finding=admission_findings.ages(found), key="ages")
    except NotEnoughData as reason:
        st.info(str(reason))
try:
    years = named(asked(scope, "standardised_years", cause))
    told = {"title": f"Standardised rates by year, {whole}", "notes": admission_findings.years_notes(years)}
    told["period"] = "Financial years held"
    wide = years.assign(month=pd.to_datetime(years["period"].str[:4] + "-04-01"), authority_name=years["name"])
    wide["rate_100k"] = wide["rate_upper"].where(wide["rate_lower"].eq(wide["rate_upper"]))
    found = page.release(
        wide, counts=[], derived=["rate_100k", "rate_lower", "rate_upper", "lower", "upper"], **told, **about
    )
    columns = ("name", "period", "rate_100k", "lower", "upper")
    newest = page.part(found, found.table[found.table["period"] == found.table["period"].max()], title=told["title"])
    how = {"category": "name", "low": "rate_lower", "high": "rate_upper", "lower": "lower", "upper": "upper"}
    picture = chart_ranges.ranges(newest, heading="Standardised rate of the newest year, per 100,000", **how)
    page.show(found, picture, finding=admission_findings.years(found), key="years", columns=columns)
except NotEnoughData as reason:
    st.info(f"No yearly standardised rate is held for this cause: ask its owner for one. {reason}")
try:
    monthly = asked(scope.but(area=store.ALL), "months", cause)
    monthly = monthly[monthly["month"].between(scope.start, scope.end)]
    told = {"title": f"By month, whole area, {whole}", "notes": admission_findings.ROUNDED}
    found = page.release(
        monthly.rename(columns={"n": "admitted"}),
        counts=["admitted"],
        **told,
        **(about | {"scope": scope.but(area=store.ALL)}),
    )
    page.show(found, charts.trend(found, value="admitted"), finding=admission_findings.monthly(found), key="monthly")
except NotEnoughData as reason:
    st.info(str(reason))
