"""Sentences on what goes with violence between areas, each from a rule that looks at numbers. A row is a factor."""

import pandas as pd

from analytics.disclosure import Release
from ui import remarks, words

NOUNS = {"lsoa": "small area", "msoa": "neighbourhood"}
KEY = {
    "above": "more violence with it",
    "below": "less violence with it",
    "faded": "raw only: falls away",
    "neither": "no sign of it",
    "raw": "raw interval",
}
RATIOS = {
    "heading": "Rate ratio per standard deviation (95%)",
    "key": {
        "above": "more",
        "below": "less",
        "neither": "not told from none",
        "beside": "as if neighbours were strangers",
    },
}
STRONG = 0.5
FEW = 5  # records in the middle area: below this an area's rate is mostly chance
TOWN = 0.25  # of the records: from here on the few areas where people come say much of what is found
NEAR_TIE = 0.05
MUCH = 0.2  # of the areas


LEVELS = {"lsoa": "small areas", "msoa": "neighbourhoods"}
CATALOGUE = (
    "Never a factor: ranks and tenths, what is told from crime records, and what describes groups of people",
    "Complete: share of the partnership's areas of that level with a value",
)
VARYING = (
    "Each area's own regression of its nearest neighbours; chance by shuffling what is left over, 199 times",
    "A first look: factors that are unmeasured and clustered make others seem to vary",
)
INDEX = (
    "Places in the order of each factor, 0 to 100, added by weight; no record of violence is in it",
    "Begins with one factor of each group that says the same, whatever its tie with violence",
    "A range of ranks is what weights halved, doubled, left out or drawn at random do; chance in the data is not in it",
)
MARKED = {"knife": "knife-enabled violence"}


def outcome(groups: dict[str, str], scope: object) -> str:
    """What is looked at, in words. scope : its groups, kind of record and other filters."""
    named = words.listed(groups[g].lower() for g in scope.groups)
    if scope.mark:
        named = MARKED.get(scope.mark, "serious violence") + (f" ({named})" if named else "")
    narrowed = scope.age or scope.setting or scope.time
    return (named or "violence") + (" (as filtered by age, setting or time)" if narrowed else "")


def question(outcome: str, where: str, level: str) -> str:
    """What is asked, in the words of the page."""
    return f"What goes with {outcome} in {where}, between its {words.many(NOUNS[level])}?"


def ranked(release: Release) -> str:
    """Which factors stand, and which only seemed to."""
    table = release.table
    if table.empty:
        return remarks.NOTHING
    up, down, faded = (table[table["side"] == side] for side in ("above", "below", "faded"))
    if up.empty and down.empty:
        seemed = f" {len(faded)} would have seemed to, had neighbours been taken for strangers." if len(faded) else ""
        return f"None of {words.count(len(table), 'factor')} is told from chance.{seemed}"
    parts = [f"more violence goes with {words.some(up['name'])}"] if len(up) else []
    parts += [f"less with {words.some(down['name'])}"] if len(down) else []
    said = "; ".join(parts)
    falls = "falls" if len(faded) == 1 else "fall"
    away = f" {len(faded)} more {falls} away once neighbours and many tests are allowed for." if len(faded) else ""
    return f"{said[0].upper()}{said[1:]}.{away}"


def areas_are_not_people(facts: dict, level: str) -> str:
    """What the rows are, and how much each of them rests on."""
    noun = words.count(facts["areas"], NOUNS[level])
    middle = facts["middle"]
    half = "have none" if middle < 1 else f"have {words.count(middle, 'record')} or fewer"
    few = f"; half of them {half}, so much of their rates is chance"
    told = f"{noun}, {words.number(facts['records'])} records{few if middle < FEW else ''}"
    return f"{told}: of areas, not of the people there"


def areas_alone(rows: pd.DataFrame, level: str) -> str:
    """What the rows of an index are."""
    return f"{words.count(rows['score'].notna().sum(), NOUNS[level])}: of areas, not of the people there"


def of_parts(scores: pd.DataFrame) -> list[str]:
    """From the lowest to the highest of the parts of the map left out in turn."""
    pairs = zip(scores["lower"], scores["upper"], strict=True)
    return [f"{_signed(a)} to {_signed(b)}" if pd.notna(a) else "–" for a, b in pairs]


def _signed(share: float) -> str:
    return f"−{words.percent(-share)}" if share < 0 else words.percent(share)


def not_cause(table: pd.DataFrame) -> str:
    """Why what stands need not be a cause: who says the same, and what lies near in strength."""
    stand = table[table["side"].isin(["above", "below"])]
    if stand.empty:
        return "No association is told from chance here, which does not show that there is none"
    first = stand.iloc[0]
    same = table[(table["factor_cluster"] == first["factor_cluster"]) & (table["factor"] != first["factor"])]
    if len(same):
        others = words.some(same["name"])
        return f"Association is not cause: {first['name']} says much the same as {others}; which matters is not told"
    others = stand[stand["factor"] != first["factor"]]
    close = others[others["r"].abs() > abs(first["r"]) - NEAR_TIE]
    if len(close):
        return f"Association is not cause: {first['name']} and {words.some(close['name'])} are as strong as each other"
    return f"Association is not cause: what makes places have more of {first['name']} may bring violence by itself"


def recording(source: str, basis: str, facts: dict, months: int) -> str:
    """How recording could produce what is found."""
    told = f"{source}: {basis.lower()}"
    if facts["busy_share"] >= TOWN:
        share = words.percent(facts["busy_share"])
        return (
            f"{told}; {share} lie in areas with over five times the usual rate, where people come who do not live "
            "there: rates per resident are high there whatever the factors are"
        )
    if "police" in source.lower() or "street" in source.lower():
        return (
            f"{told}; where police are called or go more often, more is recorded, and that may differ with the factor"
        )
    gaps = f"; {words.count(months, 'month')} supplied" if months < 12 else ""
    return f"{told}; who comes to this service may differ with the factor{gaps}"


def interval(table: pd.DataFrame) -> list[str]:
    """The 95% interval of each correlation in words."""
    pairs = zip(table["lower"], table["upper"], strict=True)
    return [f"{words.number(a, 2)} to {words.number(b, 2)}" if pd.notna(a) else "–" for a, b in pairs]


def gradient(release: Release, name: str) -> str:
    """The lowest tenth against the highest."""
    table = release.table.dropna(subset=["rate"])
    if len(table) < 2:
        return remarks.NOTHING
    low, high = table.iloc[0], table.iloc[-1]
    apart = low["upper"] < high["lower"] or high["upper"] < low["lower"]
    times = words.number(high["rate"] / low["rate"], 1) if low["rate"] > 0 else ""
    ends = [words.number(row["rate"], 1) for row in (low, high)]
    said = f"{ends[0]} per 1,000 where {name} is lowest, {ends[1]} where highest"
    if not apart:
        return f"{said}: not told from chance."
    return f"{said}{f', {times} times' if times else ''}."


def scatter(release: Release, name: str, row: pd.Series, steady: str) -> str:
    """The strength in words, with its interval. steady : what was held steady for it, which the dots are not."""
    if pd.isna(row["r"]):
        return remarks.NOTHING
    r, low, high = (words.number(row[c], 2) for c in ("r", "lower", "upper"))
    how = "strongly" if abs(row["r"]) >= STRONG else "loosely"
    way = "more" if row["r"] > 0 else "less"
    if row["side"] not in ("above", "below"):
        return f"{name}: r {r} ({low} to {high}){steady}, not told from chance once neighbours are allowed for."
    return f"{name}: {how} tied, {way} violence where there is more of it (r {r}, {low} to {high}{steady})."


def elsewhere(release: Release, r: float) -> str:
    """In how many authorities, years and sources the sign is that of the whole. r : the correlation of the whole."""
    known = release.table.dropna(subset=["r"])
    parts = []
    for part, noun in (("Authority", "authority"), ("Year", "year"), ("Source", "source")):
        rows = known[known["part"] == part]
        if len(rows) < 2:  # the whole itself, asked again
            continue
        same, clear = rows["r"] * r > 0, rows["q_value"] < 0.05
        against = int((clear & ~same).sum())
        other = f", {against} clearly the other way" if against else ""
        point = f"{int(same.sum())} of {words.count(len(rows), noun)} point the same way"
        parts.append(f"{point}, {int((same & clear).sum())} clearly{other}")
    return f"{'; '.join(parts)}." if parts else "There is nowhere else with enough areas to ask the same."


def model(found: pd.DataFrame) -> str:
    """Which factors keep their part when the others are held steady, by the intervals that hold."""
    table = found[found["factor"] != "intercept"]
    if "why_not" in found.attrs:
        return "Neighbours stay alike in what the model leaves over: which factors differ from none is not told."
    allowed = "spatial_lower" in table
    low, high = ("spatial_lower", "spatial_upper") if allowed else ("lower", "upper")
    up, down = table[table[low] > 1], table[table[high] < 1]
    rest = len(table) - len(up) - len(down)
    held = "With the others held steady and neighbours allowed for" if allowed else "With the others held steady"
    if rest == len(table):
        return f"{held}, none of these factors is told from no effect."
    parts = [f"more with {words.some(up['name'])}"] if len(up) else []
    parts += [f"less with {words.some(down['name'])}"] if len(down) else []
    other = f"; {words.count(rest, 'factor')} not told from none" if rest else ""
    return f"{held}: {'; '.join(parts)}{other}."


def model_sides(table: pd.DataFrame) -> list[str]:
    """Which side of no effect each factor is on, by the intervals that hold."""
    low, high = ("spatial_lower", "spatial_upper") if "spatial_lower" in table else ("lower", "upper")
    pairs = zip(table[low], table[high], strict=True)
    return ["above" if a > 1 else "below" if b < 1 else "neither" for a, b in pairs]


def model_notes(facts: dict) -> tuple[str, ...]:
    """How the model fits, and whether neighbours are still alike in what it leaves over."""
    spread = f"Counts vary {words.number(facts['dispersion'], 2)} beyond chance (alpha of the negative binomial)"
    moran = words.number(facts["residual_moran_i"], 2)
    if not facts["clustered"]:
        return (spread, f"What is left over is not clustered (Moran's I {moran}): intervals hold")
    if "why_not" in facts:
        return (
            spread,
            f"What is left over stays clustered (Moran's I {moran}), so intervals are too narrow",
            facts["why_not"],
        )
    return (
        spread,
        f"What is left over stays clustered (Moran's I {moran}): beside it the same with patterns of neighbours in it, "
        "whose intervals are the ones to go by",
    )


def scores(release: Release) -> str:
    """Which model tells most of places it has not seen."""
    known = release.table.dropna(subset=["deviance_explained"])
    if known.empty:
        return remarks.NOTHING
    best = known.loc[known["deviance_explained"].idxmax()]
    return f"Best in parts of the map not seen: {best['model']}, {words.percent(best['deviance_explained'])} explained."


def dependence(release: Release, name: str) -> str:
    """From the least to the most of a factor, the others as they are."""
    table = release.table.dropna(subset=["rate"])
    if len(table) < 2:
        return remarks.NOTHING
    first, last = (words.number(table["rate"].iloc[k], 1) for k in (0, -1))
    return f"From {first} per 1,000 at the least of {name} to {last} at the most, the other factors as they are."


def varying(table: pd.DataFrame) -> str:
    """Whether any relationship differs over the map."""
    clear = table[table["q_value"] < 0.05]
    if clear.empty:
        return "No relationship is told to differ over the map, which does not show that all are the same everywhere."
    return f"Not the same everywhere: {words.some(clear['name'])}. Look where, before acting on one figure for all."


def unexplained(release: Release, noun: str) -> str:
    """Where there is far more or less than these factors lead one to expect."""
    table = release.table
    more, less = (table[table["stands_out"] == side] for side in ("more", "less"))
    of = words.count(len(table), noun)
    if more.empty and less.empty:
        return f"None of {of} has more or less than its factors lead one to expect, beyond chance."
    first = (
        f" Most of all {more.iloc[0]['place']}: {words.number(more.iloc[0]['ratio'], 1)} times." if len(more) else ""
    )
    much = " So many mean that these factors leave much unsaid." if len(more) + len(less) > MUCH * len(table) else ""
    return f"Of {of}, {len(more)} have more than expected and {len(less)} fewer.{first}{much}"


UNEXPLAINED = (
    "Ratios are drawn towards 1 where little is known",
    "Fewer than expected: where to look for what protects. More: what these factors do not say, recording included",
)


def inequality(release: Release, told: dict) -> str:
    """How far apart the most and the least deprived are."""
    if pd.isna(told["sii"]):
        return "No line through the tenths: one of them has no people or no records."
    most, least = words.number(told["rate_most"], 1), words.number(told["rate_least"], 1)
    if pd.isna(told["sii_lower"]):
        return "Too few records in some tenths to tell how far the most and the least deprived are apart."
    ends = f"{words.number(-told['sii_upper'], 1)} to {words.number(-told['sii_lower'], 1)}"
    gap = words.number(-told["sii"], 1)
    return f"From {most} per 1,000 at the most deprived end to {least} at the least: a gap of {gap} ({ends})."


def index(release: Release) -> str:
    """Who is first, and how much of that is the choice of weights."""
    table = release.table.dropna(subset=["score"])
    if table.empty:
        return remarks.NOTHING
    first = table.iloc[0]
    wide = (table["rank_upper"] - table["rank_lower"]).median()
    return (
        f"{first['place']} carries most risk at once (rank {first['rank_lower']:.0f} to {first['rank_upper']:.0f} as "
        f"weights change); half of the areas move by {words.number(wide)} ranks or more."
    )


def catalogue(release: Release, every: pd.DataFrame) -> str:
    """How many factors are held, and how complete they are."""
    factors = every[every["factor"]]
    if factors.empty:
        return "No risk or protective factor is held yet."
    gaps = int((factors["completeness"] < 1).sum())
    kinds = factors["kind"].value_counts()
    told = (
        f"{words.count(kinds.get('risk', 0), 'risk factor')} and {words.number(kinds.get('protective', 0))} protective"
    )
    return f"{told} are held by level; {gaps} of them lack some areas."


def mapped(release: Release, name: str, unit: str) -> str:
    """The span of one factor over the areas."""
    known = release.table["factor_value"].dropna()
    if known.empty:
        return f"{name}: no value is held here."
    low, middle, high = (words.number(v, words.decimals_of(v)) for v in known.quantile([0.1, 0.5, 0.9]))
    return f"{name}: {middle} {unit} in the middle area; one in ten lies below {low}, one in ten above {high}.".replace(
        "  ", " "
    )
