"""Sentences over and under the map of hotspots, worked out from its Release; a row is a place."""

from collections.abc import Callable, Mapping

import pandas as pd

from analytics.disclosure import Release
from ui import findings, remarks, words
from ui.shows import PEOPLE

FEW = 0.5  # of the records: where fewer have a harm weight the sentence says so


def said(release: Release, show: str, noun: str, per: str = "") -> str:
    """The sentence over the map, by what it shows (a key of `ui.shows`). noun : what one place is. per : of a rate."""
    told = SENTENCES.get(show)
    if told:
        return told(release, noun)
    return remarks.spread(release, {"count": "n"}.get(show, show), noun=noun, **({"per": per} if per else {}))


def hot(release: Release, noun: str) -> str:
    """How many hotspots, how much they hold, how many fall away under control."""
    return findings.map_cells(release, noun=noun)


def densest(release: Release, noun: str) -> str:
    """How dense it is at the densest place, against the typical place with records."""
    known = release.table.loc[release.table["n"] > 0, "density"].dropna()
    if known.empty:
        return remarks.NOTHING
    most, typical = words.number(known.max()), words.number(known.median(), 1)
    top = release.table["in_top"].fillna(0) if "in_top" in release.table else pd.Series(dtype=float)
    said = f"Densest: {most} records per square kilometre; the typical {noun} with records has {typical}."
    if not (top > 0).any():
        return said
    stay = words.percent((top > 0.99).sum() / (top > 0).sum())
    return f"{said} {stay} of the densest stay so with half and double the window."


def riskier(release: Release, noun: str) -> str:
    """Where records are denser than the comparison, and how far that is beyond chance."""
    risk = release.table["risk"]
    most = release.table.loc[risk > 0, "density_ratio"].max()
    more, less = int((risk > 0).sum()), int((risk < 0).sum())
    if not more and not less:
        of = f"{len(risk):,} {words.many(noun)}"
        return f"In none of {of} are records denser or thinner than the comparison beyond chance."
    of = f"In {words.count(more, noun)} records are denser than the comparison beyond chance, in {less:,} thinner."
    return f"{of} At most {words.number(most, 1)} times as dense." if more else of


def harmful(release: Release, noun: str) -> str:
    """How many hotspots of harm there are, and how many hang on a single record."""
    kinds = release.table["harm_hot"]
    hot, one = int((kinds > 0).sum()), int((kinds == 1).sum())
    n, all_of_them = (release.table[c].sum() for c in ("weighed", "n"))
    few = f" Only {words.percent(n / all_of_them)} of the records have a weight." if n < FEW * all_of_them else ""
    if not hot:
        return f"Harm concentrates in no {noun} beyond chance.{few}"
    rest = "rests on one record" if one == 1 else "rest on one record each"
    return f"Harm concentrates in {words.count(hot, noun)}; {one:,} of them {rest} and would be none without it.{few}"


def outbreaks(release: Release, noun: str) -> str:
    """How many clusters in space and time there are, and where and when the most likely one is."""
    table = release.table.dropna(subset=["cluster"])
    if table.empty:
        return f"No {words.many(noun)} and months stand out together beyond what place and month explain."
    first, number = table[table["cluster"] == 1], int(table["cluster"].max())
    are = "1 cluster stands" if number == 1 else f"{number} clusters stand"
    when = words.period(first["from_month"].iloc[0], first["to_month"].iloc[0])
    size, risk = words.count(len(first), noun), words.number(first["relative_risk"].iloc[0], 1)
    again = ""
    if "recurrence_interval" in first:
        again = f" Chance alone gives one as strong every {words.number(first['recurrence_interval'].iloc[0])} months."
    risk = f"{risk} times as many as elsewhere, each against what is expected"
    return f"{are} out. The most likely, of {size}, lasted {when}: {risk}.{again}"


def clusters(release: Release, noun: str) -> str:
    """How many clusters there are, and how strong the most likely one is."""
    table = release.table.dropna(subset=["cluster"])
    if table.empty:
        return f"No cluster of neighbouring {words.many(noun)} stands out from chance, given where people live."
    first, number = table[table["cluster"] == 1], int(table["cluster"].max())
    are = "1 cluster stands" if number == 1 else f"{number} clusters stand"
    times = words.number(first["relative_risk"].iloc[0], 1)
    size = words.count(len(first), noun)
    return f"{are} out from chance. The most likely, of {size}, has {times} times the rate of the rest."


def persistent(release: Release, noun: str) -> str:
    """How many places were hotspots for long."""
    months_hot, periods = release.table["periods_hot"], release.table["periods"].max()
    if not periods or months_hot.eq(0).all():
        return f"No {noun} was a hotspot in any single month; a month holds few records."
    always, half, once = (int((months_hot >= least).sum()) for least in (periods, periods / 2, 1))
    were = "was a hotspot" if once == 1 else "were hotspots"
    least = f"{words.count(once, noun)} {were} in at least one of {words.count(periods, 'month')}"
    return f"{least}, {half:,} in half of them or more, {always:,} in all."


def emerging(release: Release, noun: str) -> str:
    """How many places are lasting, new, former hotspots."""
    kinds = release.table["emergence"]
    lasting, new, again, former = (int((kinds == kind).sum()) for kind in (3, 2, 1, -1))
    if not kinds.ne(0).any():
        return f"No {noun} was a hotspot often enough to be called persistent, emerging or former."
    are = "is a persistent hotspot" if lasting == 1 else "are persistent hotspots"
    return f"{words.count(lasting, noun)} {are}, {new:,} emerging, {again:,} now and then, {former:,} former."


def hidden(release: Release, noun: str) -> str:
    """How many places health services see more of than the police do, and the reverse."""
    seen = release.table["seen"]
    more, both, police = (int((seen == kind).sum()) for kind in (3, 2, -1))
    if not more:
        return f"No {noun} holds clearly more of the health than of the police records; {both:,} are hot in both."
    hold = f"{words.count(more, noun)} {'holds' if more == 1 else 'hold'} clearly more of the health records"
    return f"{hold} than of the police records; {both:,} hot in both, {police:,} in police records only."


def robust(release: Release, noun: str) -> str:
    """How many hotspots hang on where the lines of the grid are drawn."""
    kinds, ways = release.table["robust"], release.table["variants"].max()
    every, half, some = (int((kinds == kind).sum()) for kind in (3, 2, 1))
    if not (every or half or some):
        return f"No {noun} is a hotspot on any of {ways:,.0f} ways to draw the map."
    are = "is a hotspot" if every == 1 else "are hotspots"
    of = f"on all of {ways:,.0f} ways to draw the map, {half:,} on half or more, {some:,} on some"
    return f"{words.count(every, noun)} {are} {of}."


def concentrated(release: Release, places: int, noun: str) -> str:
    """How few places hold half of the records."""
    half = release.table["share_of_places"].iloc[1]
    many = max(1, round(half * places))
    hold = "holds" if many == 1 else "hold"
    return f"{words.count(many, noun)} of {places:,} ({words.percent(half, 1)}) {hold} half of the records."


def against(about: Mapping[str, object], show: str) -> str:
    """What a risk ratio is against."""
    if show != "ratio":
        return ""
    named = {"crime": "all other records of the source"} | {k: v.lower() for k, v in PEOPLE.items() if k != "crime"}
    return f"Against {named[str(about['against'])]}"


def weighed(places: pd.DataFrame, show: str) -> str:
    """How many records have a harm weight."""
    if show != "harm":
        return ""
    n, all_of_them = places["weighed"].sum(), places["n"].sum()
    of = f"{words.number(n)} of {words.number(all_of_them)} records"
    return f"{of} have a harm weight; the others count for nothing here"


def gini(against: Mapping[str, float]) -> str:
    """The Gini coefficient beside what as many records falling at random would give."""
    ours, low, high = (words.number(against[k], 2) for k in ("gini", "lower", "upper"))
    return f"Gini (generalised) {ours}; as many records falling at random give {low} to {high}"


def judged(judgements: pd.DataFrame) -> str:
    """How many hotspots people marked."""
    if judgements.empty:
        return ""
    aside, moved = int((judgements["kind"] == "dropped").sum()), int((judgements["kind"] == "moved").sum())
    told = [f"{words.count(aside, 'hotspot')} set aside"] if aside else []
    told += [f"{words.count(moved, 'hotspot')} said to belong elsewhere"] if moved else []
    return f"By judgement (reasons below): {words.listed(told)}"


def scoreboard(release: Release, ranked_by: str, baseline: str, share: float) -> str:
    """Would the map have worked, and does it beat the plain count?"""
    ours, plain = (release.table[release.table["ranked_by"] == name].iloc[0] for name in (ranked_by, baseline))
    verdict = {"better": "better than", "worse": "worse than", "no clear difference": "not clearly different from"}
    told = verdict.get(ours["against_baseline"], "over too few months to be set against")
    named = ranked_by.removesuffix(" of the months before").replace("Density", "density")
    caught = f"{words.percent(ours['hit_rate'])} of the records on {words.percent(share)} of the area"
    months = words.count(ours["months"], "month")
    count = f"the plain count ({words.percent(plain['hit_rate'])})"
    return f"In {months} held out, a map by {named} would have caught {caught}, {told} {count}."


def changed(release: Release, noun: str) -> str:
    """How many places changed beyond chance."""
    change = release.table["changed"]
    more, fewer = int((change > 0).sum()), int((change < 0).sum())
    seen = int((release.table["n_now"] + release.table["n_before"]).gt(0).sum())
    if not more and not fewer:
        return f"None of {words.count(seen, noun)} with records changed clearly, allowing for the number looked at."
    of = f"{more:,} of {words.count(seen, noun)} with records have clearly more than before"
    return f"{of} and {fewer:,} clearly fewer, allowing for the number looked at."


def listed(release: Release, show: str, by: str, per: str = "") -> str:
    """The sentence over the list, whose first row is the highest by the column `by`. per : what a rate is per."""
    if show == "rate" and per:
        told = "{0} {1} ({2} to {3}, 95%); rates of few people swing most"
        limits = lambda row: (words.number(v) for v in (row.lower, row.upper))  # noqa: E731
        return _first(release, lambda row: told.format(words.number(row.rate), per, *limits(row)))
    if show == "persistence" and not release.table["periods_hot"].gt(0).any():
        return "No place in the list was a hotspot in any month."
    if show == "emerging" and not release.table["steps_hot"].gt(0).any():
        return "No place in the list was a hotspot in any step."
    if show == "persistence":
        return _first(release, lambda row: f"a hotspot in {row.periods_hot:.0f} of {words.count(row.periods, 'month')}")
    if show == "ratio":
        told = "{0} times as dense as the comparison, {1}"
        verdict = lambda row: words.value("risk", int(row.risk)).lower()  # noqa: E731
        return _first(release, lambda row: told.format(words.number(row.density_ratio, 1), verdict(row)))
    if show == "harm":
        told = "{0} days of harm, {1} of it from one record"
        return _first(release, lambda row: told.format(words.number(row.harm), words.percent(row.largest_share)))
    if show in ("clusters", "outbreaks") and not release.table["cluster"].notna().any():
        return findings.ranking(release, category="place", value="n")
    if show == "outbreaks":
        told = "in cluster {0:.0f}, {1}"
        return _first(release, lambda row: told.format(row.cluster, words.period(row.from_month, row.to_month)))
    if show == "density":
        return _first(release, lambda row: f"{words.number(row.density)} records per square kilometre around it")
    if show == "clusters":
        told = "in cluster {0:.0f}, which has {1} times the rate of the rest"
        return _first(release, lambda row: told.format(row.cluster, words.number(row.relative_risk, 1)))
    if show == "emerging":
        return _first(release, lambda row: f"a hotspot in {row.steps_hot:,.0f} of the steps in time, more than in most")
    if show == "hidden":
        return _first(release, lambda row: f"{words.value('agreement', row.agreement).lower()}")
    if show == "robustness":
        return _first(
            release, lambda row: f"a hotspot on {row.variants_hot:,.0f} of {row.variants:,.0f} ways to draw it"
        )
    if show == "change":
        least = "at least {0} times as many as before, as far as chance allows"
        return _first(release, lambda row: least.format(words.figure("ratio_lower", row.ratio_lower)))
    limits = {"lower": "lower", "upper": "upper"} if by == "rate" else {}
    return findings.ranking(release, category="place", value=by, **limits)


def _first(release: Release, told: Callable[[object], str]) -> str:
    if release.table.empty:
        return remarks.NOTHING
    row = release.table.iloc[0]
    if pd.isna(row["place"]):
        return "The first place has no records of its own, and so no name."
    return f"{row.place}: {told(row)}."


def notes(
    places: pd.DataFrame, about: Mapping[str, object], show: str, judgements: pd.DataFrame, permutations: int
) -> tuple[str, ...]:
    """How what the map shows was made; empty where there is nothing to say."""
    return (
        tested(places, permutations),
        method(about, show),
        against(about, show),
        weighed(places, show),
        judged(judgements),
    )


def tested(places: pd.DataFrame, permutations: int) -> str:
    """How Gi* was tested, and over how many places."""
    n = places["p_value"].count()  # a cell without neighbours is not tested
    return f"Gi*: {permutations:,} conditional permutations, Benjamini-Hochberg over {words.count(n, 'place')}"


def method(about: Mapping[str, object], show: str) -> str:
    """How what the map shows besides counts was made, and of which months; empty where there is nothing to say."""
    months = about.get("months", ())
    told = [str(about["method"])] if about.get("method") else []
    if months:
        quarter = about.get("back") == 3
        whose = "supplied by both sources" if show == "hidden" else "held in both periods"
        earlier = "the three months before" if quarter else "a year before"
        against = "" if show == "hidden" else f" against {earlier}"
        span = words.period(months[0], months[-1])
        told.append(f"{words.count(len(months), 'month')} {whose}, {span}{against}")
    return ". ".join(told)


SENTENCES = {
    "hot": hot,
    "harm": harmful,
    "density": densest,
    "ratio": riskier,
    "outbreaks": outbreaks,
    "clusters": clusters,
    "persistence": persistent,
    "emerging": emerging,
    "robustness": robust,
    "hidden": hidden,
    "change": changed,
}
