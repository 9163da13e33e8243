"""What goes with violence between areas, asked of one source, level and period. A row is a factor, or an area.

The outcome is the records of the scope's one source; its rate is per resident and the length of the period supplied.
Everything here is about areas, never about the people in them.
"""

import contextlib
import math
import re

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import neighbours, rates, risk, significance
from analytics.errors import NotEnoughData
from data import definitions, factor_questions, store
from data.store import NotHeld, Scope

CLASSES = 52  # of distance: 13 let too much through where areas are alike over short distances (docs/methods.md)
FOUND = "Found by police action"  # how offence_groups.csv says that records follow police action
BUSY = 5  # times the rate of all: there people come who do not live there
RANKED = ("risk", "protective")
SURE = 0.05  # q-value below which a factor stands
PER = 1_000
FEWEST_AREAS = 50  # below this no factor but the strongest could be told from chance
FEWEST_IN_AUTHORITY = 20
MANY, FEW_CLASSES = 1_000, 13  # areas from which there are enough pairs for CLASSES; the classes below that
MOST_OF_A_YEAR = 9  # months supplied, for a year to be told
MOST_IN_MODEL = 8  # factors a reader can hold in mind, and of which a model can tell the parts
SHUFFLES = 199  # the least p is 1 in 200, which of 8 factors together can still be told from chance
ALONE, INCOME, HALF = "deprivation", r"imd\d{4}_income_score", 0.5
LEVELS = {"lsoa": "small areas", "msoa": "neighbourhoods"}


def needed_r(n: int) -> float:
    """How large |r| has to be for p < 0.05 (two-sided, ordinary test) with so many areas."""
    from scipy import stats

    t = stats.t.ppf(0.975, n - 2)
    return float(t / math.sqrt(t**2 + n - 2))


def refuse_few(scope: Scope) -> None:
    """Why factors are not set against violence between whole authorities."""
    n = len(store.areas(scope.but(area=store.ALL), level="lad"))
    raise NotEnoughData(
        f"Between {n} authorities a correlation would have to be beyond {needed_r(n):.2f} to differ from nought, even "
        f"before looking at more than one factor: whatever came out on top would be chance. Choose small areas (LSOA) "
        f"or neighbourhoods (MSOA)."
    )


def refuse_found_by_police(scope: Scope) -> None:
    """Records that follow where police look are never set against factors: that would rank areas by policing."""
    groups = definitions.offence_groups()
    found = [groups[g].label for g in scope.groups if groups[g].note.startswith(FOUND)]
    if found:
        told = ", ".join(found)
        raise NotEnoughData(f"{told}: found by police action, so areas with more of it are those where police look.")


def areas(scope: Scope, level: str) -> pd.DataFrame:
    """Every area of a level with what is set against each other, its index area_code.

    Returns name, everyday_name, authority_code, x, y, n, residents, rate (records per PER residents over the period;
    missing without residents) and one column per factor; `.attrs` of `factor_questions.factors`.
    """
    found = factor_questions.factors(scope, level)
    n, people = factor_questions.outcome(scope, level), factor_questions.exposure(scope, level)
    places = store.areas(scope, level=level).set_index("area_code")
    about = places[["name", "everyday_name", "authority_code", "x", "y"]].reindex(found.index)
    counts = pd.DataFrame({"n": n, "residents": people}).reindex(found.index)
    if counts["n"].notna().any() and not counts["n"].sum() > 0:
        raise NotEnoughData(
            "No record of this kind is placed at this level: domestic and sexual ones are told by neighbourhood (MSOA)."
        )
    rate = PER * counts["n"] / counts["residents"].where(counts["residents"] > 0)
    if rate.notna().sum() < FEWEST_AREAS:
        raise NotEnoughData(
            f"{rate.notna().sum()} {LEVELS[level]} have records and residents here; it takes {FEWEST_AREAS} to tell "
            "what goes with violence from chance."
        )
    answer = about.join(counts).assign(rate=rate).join(found)
    answer.attrs = found.attrs | {"period": n.attrs.get("period", "")}
    return answer


def catalogue(scope: Scope) -> pd.DataFrame:
    """Every indicator held, and whether it may be set against violence: `factor_questions.catalogue`."""
    return factor_questions.catalogue(scope)


def values(scope: Scope, level: str, factor: str) -> pd.DataFrame:
    """One factor of every area of the scope's area: area_code, name, everyday_name, factor_value."""
    found = factor_questions.factors(scope, level, ids=[factor])
    places = store.areas(scope, level=level).set_index("area_code").reindex(found.index)
    return places[["name", "everyday_name"]].assign(factor_value=found[factor]).reset_index()


def names(scope: Scope, level: str) -> dict[str, str]:
    """The names of the factors held at a level, by their identifiers."""
    return factor_questions.factors(scope, level).attrs["names"]


def controls(scope: Scope, level: str) -> dict[str, str]:
    """What may be held steady: every factor and control, those that are neither risk nor protective first."""
    facts = factor_questions.factors(scope, level).attrs
    order = sorted(facts["names"], key=lambda c: facts["kinds"][c] in RANKED)
    return {c: facts["names"][c] for c in order}


def months(scope: Scope) -> int:
    """How many months of the period were supplied."""
    return sum(scope.start <= month <= scope.end for month in store.held_months(scope, scope.sources[0]))


def correlations(scope: Scope, level: str, *, method: str = "spearman", controls: tuple[str, ...] = ()) -> pd.DataFrame:
    """Which factors go with the rate of records, strongest first?

    controls : factors held steady. What is neither risk nor protective is not ranked, but may be held steady. Returns
    the columns of `risk.correlations` with `raw_lower`, `raw_upper` (the ordinary interval at n), name, kind, polarity,
    unit, period, made, `factor_cluster` (`risk.collinearity`) and `side`: above and below (stands, more or less
    violence where there is more of the factor), faded (stood before neighbours and many tests were allowed for), and
    neither. `.attrs`: areas, records, middle (records of the middle area), busy_share (of the records, in areas with
    BUSY times the usual rate).
    """
    table = areas(scope, level)
    names, held = table.attrs["names"], list(table.attrs["names"])
    factors = table[[c for c in held if c not in controls and table.attrs["kinds"][c] in RANKED]]
    if factors.empty:
        raise NotEnoughData("No risk or protective factor is held at this level; load some first.")
    steady = table[list(controls)] if controls else None
    classes = CLASSES if len(table) >= MANY else FEW_CLASSES
    settings = {"method": method, "classes": classes, "controls": steady}
    found = risk.correlations(table["rate"], factors, table[["x", "y"]], **settings).dropna(subset=["r"])
    if found.empty:
        raise NotEnoughData("Too few areas have records and values to correlate anything.")
    same = risk.collinearity(factors.rank() if method == "spearman" else factors).set_index("factor")
    for column, told in (("name", names), *((k, table.attrs[v]) for k, v in _TOLD.items())):
        found[column] = found["factor"].map(told)
    found["factor_cluster"] = found["factor"].map(same["factor_cluster"])
    found["side"] = sides(found)
    away = 1.959964 / np.sqrt((found["n"] - 3).clip(lower=1))  # Fisher's z at n, as if areas knew nothing of each other
    found["raw_lower"], found["raw_upper"] = (np.tanh(np.arctanh(found["r"]) + sign * away) for sign in (-1, 1))
    answer = found.sort_values("r", key=np.abs, ascending=False, kind="stable").reset_index(drop=True)
    dense = table["n"] / table["residents"] > BUSY * table["n"].sum() / table["residents"].sum()
    answer.attrs = {
        "period": table.attrs["period"],
        "left_out": store.left_out(scope, level),
        "areas": int(table["rate"].notna().sum()),
        "records": float(table["n"].sum()),
        "middle": float(table["n"].median()),
        "busy_share": float(table.loc[dense, "n"].sum() / max(table["n"].sum(), 1)),
    }
    return answer


_TOLD = {"kind": "kinds", "polarity": "polarity", "unit": "units", "period": "periods", "made": "methods"}


def sides(found: pd.DataFrame) -> np.ndarray:
    """Which factors stand after neighbours and many tests are allowed for, which only before."""
    stands, before = found["q_value"].lt(SURE), found["p_naive"].lt(SURE)
    return np.select([stands & found["r"].gt(0), stands, before], ["above", "below", "faded"], default="neither")


def pair(scope: Scope, level: str, factor: str) -> pd.DataFrame:
    """Every area with the rate, one factor, the class of both (`risk.bivariate_classes`) and the factor's tenth."""
    table = areas(scope, level)
    if factor not in table:
        raise NotHeld("This factor is not held at this level.")
    both = risk.bivariate_classes(table[factor], table["rate"].where(table[factor].notna()))
    tenth = risk.per_tenth(table[[factor]])[factor]
    columns = ["name", "everyday_name", "authority_code", "x", "y", "n", "residents", "rate"]
    answer = table[columns].assign(factor_value=table[factor], tenth=tenth)
    answer["bivariate_class"] = both["bivariate_class"].to_numpy()
    return answer.reset_index()


def gradient(table: pd.DataFrame) -> pd.DataFrame:
    """The rate in each tenth of areas by a factor, least of it first: tenth, areas, n, population, rate, limits.

    table : the rows of `pair`.
    """
    known = table.dropna(subset=["tenth", "rate"])
    sums = known.groupby("tenth").agg(areas=("n", "size"), n=("n", "sum"), population=("residents", "sum"))
    sums = sums.reset_index().astype({"tenth": int})
    return sums.join(rates.crude(sums["n"], sums["population"], per=PER))


def elsewhere(
    scope: Scope, level: str, factor: str, *, method: str = "spearman", controls: tuple[str, ...] = ()
) -> pd.DataFrame:
    """The same factor in each authority, each year held, and against the other sources that tell places.

    method, controls : as in `correlations`. Returns one row per question: part (authority, year, source), where (a
    code, a year, a source), r with lower, upper, effective_n, p_value, `q_value` (within its part) and n. What is too
    little to correlate has no r.
    """
    factors = factor_questions.factors(scope, level, ids=[factor, *(c for c in controls if c != factor)])
    people = factor_questions.exposure(scope, level).reindex(factors.index)
    places = store.areas(scope, level=level).set_index("area_code").reindex(factors.index)
    own = factor_questions.outcome(scope, level).reindex(factors.index)
    asked = [("authority", code, own.where(places["authority_code"] == code)) for code in _authorities(places)]
    asked += [("year", str(year), n.reindex(own.index, fill_value=0.0)) for year, n in _years(scope, level)]
    asked += [("source", source, n.reindex(own.index)) for source, n in _sources(scope, level)]
    found = [
        {"part": part, "where": where}
        | _one(n / people.where(people > 0), factors, places, part == "authority", method)
        for part, where, n in asked
    ]
    answer = pd.DataFrame(found)
    answer["q_value"] = answer.groupby("part")["p_value"].transform(significance.benjamini_hochberg)
    return answer


def _one(rate: pd.Series, factors: pd.DataFrame, places: pd.DataFrame, within: bool, method: str) -> dict:
    """The first of the factors, the others held steady."""
    known = rate.notna() & factors.notna().all(axis=1)
    if known.sum() < (FEWEST_IN_AUTHORITY if within else FEWEST_AREAS) or rate[known].nunique() < 2:
        return dict.fromkeys(["r", "lower", "upper", "effective_n", "p_value"], np.nan) | {"n": int(known.sum())}
    x = factors[known]
    told = {"classes": CLASSES if known.sum() >= MANY else FEW_CLASSES, "method": method}
    told |= {"controls": x.iloc[:, 1:]} if x.shape[1] > 1 else {}
    one = risk.correlations(rate[known], x.iloc[:, :1], places.loc[known, ["x", "y"]], **told).iloc[0]
    return one[["r", "lower", "upper", "effective_n", "p_value", "n"]].to_dict()


def _authorities(places: pd.DataFrame) -> list[str]:
    return sorted(places["authority_code"].dropna().unique())


def _years(scope: Scope, level: str) -> list[tuple[int, pd.Series]]:
    """Records by area in each calendar year of which at least nine months were supplied."""
    months = pd.Series(store.held_months(scope, scope.sources[0]))
    held = months.dt.year.value_counts()
    every = store.area_months(scope.but(start=months.min(), end=months.max()), level=level)
    sums = every.groupby([every["month"].dt.year, "area_code"])["n"].sum()
    return [(int(year), sums.loc[year].astype(float)) for year in sorted(held.index[held >= MOST_OF_A_YEAR])]


def _sources(scope: Scope, level: str) -> list[tuple[str, pd.Series]]:
    """Records by area of every source that can be asked the same, the scope's own first."""
    answers = []
    for source in sorted(store.sources(scope), key=lambda s: s != scope.sources[0]):
        one = scope.but(sources=(source,))
        if store.can_answer(scope, source) and set(scope.groups) <= set(store.offence_groups(one)):
            with contextlib.suppress(NotHeld):  # not placed so finely
                answers.append((source, factor_questions.outcome(one, level)))
    return answers


def chosen(found: pd.DataFrame) -> tuple[str, ...]:
    """The factors a model begins with: of those that stand the strongest of each group that says the same."""
    stand = found[found["side"].isin(["above", "below"])]
    first = stand.drop_duplicates("factor_cluster")
    return tuple(first["factor"].head(MOST_IN_MODEL))


def one_of_each(found: pd.DataFrame) -> tuple[str, ...]:
    """What an index of risk begins with: one factor of each group that says the same, tied with violence or not."""
    first = found.sort_values("factor").drop_duplicates("factor_cluster")
    return tuple(first["factor"].head(MOST_IN_MODEL))


def near(scope: Scope, level: str, codes: pd.Index) -> sparse.csr_array:
    """Who is next to whom among the areas, in their order."""
    shapes = store.areas(scope, level=level).set_index("area_code").loc[codes].reset_index()
    return neighbours.contiguity(shapes)


def model(scope: Scope, level: str, factors: tuple[str, ...]) -> pd.DataFrame:
    """Rate ratios per standard deviation of several factors together, and beside them with neighbours allowed for.

    Returns the columns of `risk.count_model` with name, vif, and where what is left over stays clustered
    `spatial_ratio`, `spatial_lower`, `spatial_upper` of `risk.spatial_alternative`. `.attrs`: those of the plain model,
    `clustered`, and `spatial_moran_p` and `why_not` where no alternative could be made.
    """
    table, x = _complete(scope, level, factors)
    around = near(scope, level, x.index)
    scaled = risk.per_sd(x)
    found = risk.count_model(table["n"], scaled, exposure=table["residents"], near=around)
    found["name"] = found["factor"].map(table.attrs["names"]).fillna("Rate where all are average")
    found["vif"] = found["factor"].map(risk.collinearity(x).set_index("factor")["vif"])
    facts = dict(found.attrs) | {"n": len(x), "clustered": bool(found.attrs["residual_moran_p_value"] < SURE)}
    if facts["clustered"]:
        try:
            beside = risk.spatial_alternative(table["n"], scaled, around, exposure=table["residents"])
            told = beside.set_index("factor")[["rate_ratio", "lower", "upper"]].reindex(found["factor"])
            found[["spatial_ratio", "spatial_lower", "spatial_upper"]] = told.to_numpy()
            facts |= {"spatial_moran_p": beside.attrs["residual_moran_p_value"]}
        except NotEnoughData as reason:
            facts["why_not"] = str(reason)
    found.attrs = facts
    return found


def learned(scope: Scope, level: str, factors: tuple[str, ...], kind: str) -> pd.DataFrame:
    """What a model learned from most of the map tells of the rest, and whether that is more than deprivation alone.

    kind : elastic_net or boosted_trees. Returns what `risk.elastic_net` answers, with name; `.attrs` scores and said.
    Deprivation is the income score of the newest index, else the tenth of the index; without either it is not told.
    """
    table, x = _complete(scope, level, factors)
    x, alone = _with_deprivation(scope, level, x)
    told = {"exposure": table["residents"].loc[x.index], "deprivation": alone, "seed": 0}
    found = getattr(risk, kind)(table["n"].loc[x.index], x, table.loc[x.index, ["x", "y"]], **told)
    facts = found.attrs
    found = found.assign(name=found["factor"].map(table.attrs["names"] | {ALONE: "Deprivation"}))
    found.attrs = facts
    return found


def dependence(scope: Scope, level: str, factors: tuple[str, ...], factor: str) -> pd.DataFrame:
    """What the boosted trees make of one factor: `risk.partial_dependence`, the rate per PER residents."""
    table, x = _complete(scope, level, factors)
    found = risk.partial_dependence(
        table["n"], x, table[["x", "y"]], factor, exposure=table["residents"] / PER, seed=0, points=10
    )
    return found.assign(name=table.attrs["names"][factor])


def _with_deprivation(scope: Scope, level: str, x: pd.DataFrame) -> tuple[pd.DataFrame, str | None]:
    held = [c for c in x if re.fullmatch(INCOME, c)]
    if held:
        return x, held[0]
    with contextlib.suppress(NotHeld):
        every = factor_questions.factors(scope, level)
        if score := [c for c in every if re.fullmatch(INCOME, c)]:
            return x.join(every[score[0]].rename(ALONE)).dropna(), ALONE
    with contextlib.suppress(NotHeld):
        tenth = factor_questions.tenths(scope)["decile"].astype(float).reindex(x.index)
        if tenth.notna().mean() > HALF:
            return x.assign(**{ALONE: tenth}).dropna(), ALONE
    return x, None


def varying(scope: Scope, level: str, factors: tuple[str, ...]) -> pd.DataFrame:
    """Does what goes with violence differ over the map? One row per factor: `varies` of `risk.local_relationships` with
    q_value over the factors, and the rate ratios (per standard deviation) of a low, the middle and a high area."""
    table, x = _complete(scope, level, factors)
    found = risk.local_relationships(
        table["n"], risk.per_sd(x), table[["x", "y"]], exposure=table["residents"], permutations=SHUFFLES, seed=0
    )
    varies = found.attrs["varies"].copy()
    middle = found.groupby("factor")["coefficient"].quantile([0.1, 0.5, 0.9]).unstack()
    ratios = np.exp(middle).rename(columns={0.1: "ratio_low", 0.5: "ratio_middle", 0.9: "ratio_high"})
    varies = varies.join(ratios, on="factor")
    varies = varies[varies["factor"] != "intercept"].reset_index(drop=True)
    varies["q_value"] = significance.benjamini_hochberg(varies["p_value"])
    varies["name"] = varies["factor"].map(table.attrs["names"])
    return varies


def unexplained(scope: Scope, level: str, factors: tuple[str, ...]) -> pd.DataFrame:
    """Which areas have far more or less violence than these factors lead one to expect? The rows of `areas` with
    expected, ratio, lower, upper, stands_out, p_value and q_value of `risk.unexplained`."""
    table, x = _complete(scope, level, factors)
    found = risk.unexplained(table["n"], x, exposure=table["residents"], near=near(scope, level, x.index))
    columns = ["expected", "ratio", "lower", "upper", "stands_out", "p_value", "q_value"]
    answer = table[["name", "everyday_name", "authority_code", "x", "y", "n", "residents", "rate"]].join(found[columns])
    answer = answer.reset_index()
    answer.attrs = {"names": [table.attrs["names"][f] for f in factors]}
    return answer


def inequality(scope: Scope) -> pd.DataFrame:
    """The rate of small areas in each tenth of deprivation, most deprived first, with the slope and ratio over all.

    Returns decile, areas, n, population, rate, lower, upper; `.attrs`: the row of `rates.inequality` as a dict, `index`
    (which index and year).
    """
    tenths = factor_questions.tenths(scope)
    counts = pd.DataFrame(
        {"n": factor_questions.outcome(scope, "lsoa"), "residents": factor_questions.exposure(scope, "lsoa")}
    )
    known = counts.join(tenths, how="inner").dropna()
    sums = known.groupby("decile").agg(areas=("n", "size"), n=("n", "sum"), population=("residents", "sum"))
    sums = sums.reset_index().astype({"decile": int})
    if len(sums) < 2:
        raise NotEnoughData("Areas of fewer than two tenths of deprivation are held here, so there is no gradient.")
    table = sums.join(rates.crude(sums["n"], sums["population"], per=PER))
    told = rates.inequality(sums, count="n", per=PER)
    table.attrs = {"inequality": told.iloc[0].to_dict(), "index": tenths.attrs["index"]}
    return table


def index(scope: Scope, level: str, weights: tuple[tuple[str, float], ...]) -> pd.DataFrame:
    """The areas by an index of risk, highest first: name, everyday_name, score, rank, rank_lower, rank_upper.

    weights : factors and how much each counts. What protects is turned round. No record of violence is in it.
    """
    table, told = _of_index(scope, level, weights)
    found = risk.vulnerability_index(table[list(told["weights"])], **told)
    columns = ["score", "rank", "rank_lower", "rank_upper"]
    answer = table[["name", "everyday_name", "authority_code", "x", "y"]].join(found[columns])
    return answer.sort_values("rank", kind="stable").reset_index()


def weight_effects(scope: Scope, level: str, weights: tuple[tuple[str, float], ...]) -> pd.DataFrame:
    """What each weight does to the order: `risk.weight_effects`."""
    table, told = _of_index(scope, level, weights)
    return risk.weight_effects(table[list(told["weights"])], **told)


def _of_index(scope: Scope, level: str, weights: tuple[tuple[str, float], ...]) -> tuple[pd.DataFrame, dict]:
    kept = {factor: weight for factor, weight in weights if weight > 0}
    if not kept:
        raise NotEnoughData("Give at least one factor a weight above nought.")
    found = factor_questions.factors(scope, level, ids=list(kept))
    places = store.areas(scope, level=level).set_index("area_code").reindex(found.index)
    about = places[["name", "everyday_name", "authority_code", "x", "y"]]
    kinds, better = found.attrs["kinds"], found.attrs["polarity"]
    turned = {c: -1 if kinds[c] == "protective" or better[c] == "high_is_good" else 1 for c in found}
    return about.join(found), {"weights": kept, "polarity": turned}


def _complete(scope: Scope, level: str, factors: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The areas of which the outcome, the residents and all these factors are known, and their factors."""
    table = areas(scope, level)
    wanted = [f for f in factors if f in table]
    if not wanted:
        raise NotEnoughData("No factor is chosen, or none of those chosen is held here.")
    known = table["rate"].notna() & table[wanted].notna().all(axis=1)
    if known.sum() < FEWEST_AREAS:
        raise NotEnoughData(
            f"All of these factors are known of {known.sum()} areas only; a model takes {FEWEST_AREAS}."
        )
    kept = table[known]
    kept.attrs = table.attrs
    return kept, kept[wanted]
