"""Rates: crude, standardised and smoothed, with their intervals; a row is an area, a group or a period.

scipy is imported inside the functions: it is slow to load and most pages start without it.
"""

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import inequality as gap

FEWEST_FOR_BYAR = 10  # below this the cube-root approximation drifts, and the exact interval is used
FEWEST_FOR_STANDARDISING = 10  # a directly standardised rate of fewer events is not given (Morris et al 2018)

# European Standard Population 2013: Eurostat (2013), Revision of the European Standard Population; sums to 100,000.
ESP_2013 = {
    **{"0-4": 5000, "5-9": 5500, "10-14": 5500, "15-19": 5500, "20-24": 6000, "25-29": 6000, "30-34": 6500},
    **{"35-39": 7000, "40-44": 7000, "45-49": 7000, "50-54": 7000, "55-59": 6500, "60-64": 6000, "65-69": 5500},
    **{"70-74": 5000, "75-79": 4000, "80-84": 2500, "85-89": 1500, "90+": 1000},
}


def crude(count, population, *, per: float = 100_000, confidence: float = 0.95) -> pd.DataFrame:
    """How many events for so many people, with an interval for chance alone.

    count, population : one value per row (Series, array or number); population in persons or person-years.
    per : people the rate is given for.

    Returns `rate`, `lower`, `upper` (per `per` people) and `method`: exact Poisson below 10 events, Byar from 10.
    Misleads when events come in clusters (one brawl, five victims), when the people at risk are not the residents
    (a town centre at night), and when areas differ in age: then standardise. No population, no rate.
    Source: Breslow & Day (1987), Statistical Methods in Cancer Research II, 69-71; OHID Technical Guide (2018).
    """
    rows = as_rows(count=count, population=population)
    people = rows["population"].where(rows["population"] > 0)
    lower, upper, method = _poisson_interval(rows["count"], confidence)
    rate = rows["count"] / people * per
    method = method.where(rate.notna()).mask(rows["population"].eq(0), "no population")
    return pd.DataFrame({"rate": rate, "lower": lower / people * per, "upper": upper / people * per, "method": method})


def proportion(count, total, *, per: float = 1, confidence: float = 0.95) -> pd.DataFrame:
    """What share of a total, with Wilson's interval.

    count, total : one value per row; count is part of total.
    per : 1 for a share, 100 for a percentage.

    Returns `value`, `lower`, `upper` (in the unit of `per`) and `method`.
    Misleads when count is not a part of total (use `crude`), or when members of the total are not independent.
    Source: Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    rows = as_rows(count=count, total=total)
    if (rows["count"] > rows["total"]).any():
        raise ValueError("A count is larger than its total: that is a rate, not a proportion.")
    n, z = rows["total"].where(rows["total"] > 0), _z(confidence)
    share = rows["count"] / n
    middle, half = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # the limit at 0 and at 1 is exactly 0 and 1; rounding alone puts it a hair outside
    lower, upper = ((middle - half) / (1 + z**2 / n)).clip(lower=0), ((middle + half) / (1 + z**2 / n)).clip(upper=1)
    method = _label("Wilson", confidence, share)
    return pd.DataFrame({"value": share * per, "lower": lower * per, "upper": upper * per, "method": method})


def byar(count, *, confidence: float = 0.95) -> pd.DataFrame:
    """Between which values the expected number of events lies, by Byar's approximation.

    Returns `rate` (the count itself), `lower`, `upper` (events) and `method`. At 0 events `lower` is 0. Where the
    approximation would fall below 0 (1 event at 99.8%) it has no lower limit, and that is missing.
    Misleads below 10 events: use `exact_poisson`.
    Source: Breslow & Day (1987), Statistical Methods in Cancer Research II, 69.
    """
    n = as_rows(count=count)["count"]
    lower, upper = _byar(n, confidence)
    return pd.DataFrame({"rate": n, "lower": lower, "upper": upper, "method": _label("Byar", confidence, n)})


def exact_poisson(count, *, confidence: float = 0.95) -> pd.DataFrame:
    """Between which values the expected number of events lies, exactly.

    Returns `rate` (the count itself), `lower`, `upper` (events) and `method`. At 0 events `lower` is 0.
    Misleads when events are not independent; covers a little more than it says, most so for small counts.
    Source: Garwood (1936), Biometrika 28, 437-442.
    """
    n = as_rows(count=count)["count"]
    lower, upper = _exact(n, confidence)
    return pd.DataFrame({"rate": n, "lower": lower, "upper": upper, "method": _label("exact Poisson", confidence, n)})


def directly_standardised(
    groups: pd.DataFrame,
    *,
    by: str | list[str] | None = None,
    count: str = "count",
    population: str = "population",
    age: str = "age_band5",
    standard: str = "esp2013",
    repeats: list[str] | None = None,
    per: float = 100_000,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The rate each group would have if its people were of the same ages as the standard population.

    groups : one row per `by` and age band (or several, which are added up: two sexes, three years).
    standard : `esp2013`, joined by `age` (bands `0-4`, `5-9` ... `90+`), or the name of a column of weights, one row
        per band. Only the bands in the table are standardised over, so a table of 10 to 24 gives a rate of 10 to 24.
    repeats : columns with the number of people who had 1, 2, 3... events, where one person can have several
        (admissions): the interval is then wider. Missing means none, if they add up to the events.

    Returns one row per `by`: `n` (events), `population`, `rate`, `lower`, `upper` (per `per`) and `method`. A group
    with fewer than 10 events, a band or a count missing, or a band without people has no rate; `method` says why.
    Misleads when age patterns differ between areas (one number hides it), or when repeats are not told.
    Source: Dobson et al (1991), Statistics in Medicine 10, 457-462; OHID PHEindicatormethods; ESP: Eurostat (2013).
    """
    bands, groups_of = _groups(groups, by, [count, population, *(repeats or [])])
    bands, whole = _weighed(bands, groups, age, standard)
    n, people, weight = bands[count], bands[population].where(bands[population] > 0), bands["_weight"]
    spread, counted = _repeated(bands, repeats) if repeats else (n, n)
    bands = bands.assign(_rate=weight * n / people, _variance=(weight / people) ** 2 * spread, _people=people)
    bands["_unlike"] = (counted - n).abs().gt(1e-9)
    sums = bands.groupby("_group").sum(skipna=False).reindex(groups_of.index)
    known = bands[count].groupby(bands["_group"]).sum().reindex(groups_of.index, fill_value=0)

    refusals = {
        f"fewer than {FEWEST_FOR_STANDARDISING} events": known.lt(FEWEST_FOR_STANDARDISING),
        "an age band is missing": sums["_weight"].lt(whole * (1 - 1e-9)),
        "a count is missing": sums[count].isna(),
        "a population is missing or 0": sums["_people"].isna(),
        "repeats do not add up to the events": sums["_unlike"].gt(0),
    }
    refused = np.logical_or.reduce(list(refusals.values()))
    total = sums[count].mask(refused)
    rate = sums["_rate"] / sums["_weight"]
    # Dobson: the interval of the total count, stretched to the spread of the weighted rate
    stretch = np.sqrt(sums["_variance"] / total) / sums["_weight"]
    lower, upper = _byar(total, confidence)
    name = f"Dobson, Byar {100 * confidence:g}%" + (", repeats counted" if repeats else "")
    answer = {
        "n": sums[count],
        "population": sums["_people"],
        "rate": rate.mask(refused) * per,
        "lower": (rate + stretch * (lower - total)) * per,
        "upper": (rate + stretch * (upper - total)) * per,
        "method": np.select(list(refusals.values()), list(refusals), default=name),
    }
    return groups_of.assign(**answer)


def indirectly_standardised(
    groups: pd.DataFrame,
    *,
    by: str | list[str] | None = None,
    count: str = "count",
    population: str = "population",
    reference_count: str = "reference_count",
    reference_population: str = "reference_population",
    per: float = 100_000,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many events there were against how many the reference's age-specific rates would give.

    groups : one row per `by` and age band, with the reference's events and people of that band in every row.

    Returns one row per `by`: `observed`, `expected`, `ratio`, `ratio_lower`, `ratio_upper` (1 = as expected), `rate`,
    `lower`, `upper` (ratio times the reference's crude rate, per `per`) and `method`. A band with neither count nor
    people stands outside the comparison, and `method` says so; any other gap leaves the group without a ratio.
    Misleads when two areas are compared with each other: each is weighed by its own ages. Compare with the reference.
    Source: Breslow & Day (1987), Statistical Methods in Cancer Research II, 65-71; OHID PHEindicatormethods.
    """
    columns = [count, population, reference_count, reference_population]
    bands, groups_of = _groups(groups, by, columns)
    bands = bands.assign(_bands=1.0)
    outside = bands[count].isna() & bands[population].isna()
    # per band, not per table: a missing reference must not pass for a reference of no events
    bands["_expected"] = bands[population] * bands[reference_count] / bands[reference_population].where(lambda n: n > 0)
    sums = bands[~outside].groupby("_group").sum(skipna=False).reindex(groups_of.index)
    observed, expected = sums[count], sums["_expected"].where(sums["_expected"] > 0)
    lower, upper, method = _poisson_interval(observed, confidence)
    reference = sums[reference_count] / sums[reference_population] * per
    held, asked = sums["_bands"], bands["_bands"].groupby(bands["_group"]).sum().reindex(groups_of.index)
    method = [
        f"{name}, {a:.0f} of {b:.0f} bands" if a < b else name for name, a, b in zip(method, held, asked, strict=True)
    ]
    method = pd.Series(method, groups_of.index, dtype=object).where(observed.notna() & expected.notna())
    ratios = {"ratio": observed / expected, "ratio_lower": lower / expected, "ratio_upper": upper / expected}
    rates = {"rate": ratios["ratio"], "lower": ratios["ratio_lower"], "upper": ratios["ratio_upper"]}
    answer = {"observed": observed, "expected": sums["_expected"], **ratios}
    answer |= {name: ratio * reference for name, ratio in rates.items()}
    return groups_of.assign(**answer, method=method.fillna("a count or rate is missing"))


def ratio_of(count_a, exposure_a, count_b, exposure_b, *, confidence: float = 0.95) -> pd.DataFrame:
    """How many times as high rate a is as rate b.

    count_a, count_b : events. exposure_a, exposure_b : what they are divided by (people, days, months), in one unit.

    Returns `ratio`, `lower`, `upper` and `method`. With no event in b the ratio has no upper limit (infinite); with
    none in either there is no ratio.
    Misleads when events come in clusters: the interval is then too narrow. It knows nothing of season: compare
    like months.
    Source: Przyborowski & Wilenski (1940), Biometrika 31, 313-323; limits by Clopper & Pearson (1934).
    """
    from scipy import special

    rows = as_rows(count_a=count_a, exposure_a=exposure_a, count_b=count_b, exposure_b=exposure_b)
    a, b = rows["count_a"], rows["count_b"]
    scale = rows["exposure_b"].where(rows["exposure_b"] > 0) / rows["exposure_a"].where(rows["exposure_a"] > 0)
    tail = (1 - _checked(confidence)) / 2
    # given a + b, a is binomial: the limits of its share are those of the odds, and so of the ratio
    low = pd.Series(special.betaincinv(a, b + 1, tail), rows.index).where(a > 0, 0)
    high = pd.Series(special.betaincinv(a + 1, b, 1 - tail), rows.index).where(b > 0, 1)
    answer = pd.DataFrame({"ratio": a / b, "lower": low / (1 - low), "upper": high / (1 - high)})
    answer = answer.mul(scale, axis=0).where((a + b).gt(0))
    return answer.assign(method=_label("exact conditional", confidence, answer["ratio"]))


def empirical_bayes(count, population, near: sparse.csr_array | None = None, *, per: float = 100_000) -> pd.DataFrame:
    """Rates of small areas drawn towards the mean, the more so the fewer people live there.

    count, population : one value per area.
    near : who is whose neighbour, 0/1; then each is drawn towards the mean of its neighbourhood (itself and its
        neighbours), with the spread measured about that mean. None: towards the mean of all.

    Returns `rate` (per `per`), `weight` (1 = the area's own rate, 0 = the mean) and `method`.
    Misleads as a ranking (it hides real extremes in small places) and where neighbours differ in kind. An area
    without people or without a count has no rate and is nobody's neighbour.
    Source: Marshall (1991), Applied Statistics 40, 283-294; local form as in Anselin, Lozano & Koschinsky (2006).
    """
    rows = as_rows(count=count, population=population)
    own = rows["count"] / rows["population"].where(rows["population"] > 0)
    held = own.notna().to_numpy()
    n, people = np.where(held, rows["count"], 0.0), np.where(held, rows["population"], 0.0)
    together = _neighbourhood(near, len(rows))
    areas, pooled = together(held.astype(float)), together(people)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = together(n) / pooled
        squares = together(np.where(held, n**2 / people, 0)) - mean**2 * pooled
        between = np.maximum(squares / pooled - mean / (pooled / areas), 0)
        weight = np.where(between > 0, between / (between + mean / people), 0)
    rate = pd.Series(mean + weight * (own.fillna(0).to_numpy() - mean), rows.index).where(held)
    method = "Marshall empirical Bayes, " + ("global" if near is None else "local")
    weight = pd.Series(weight, rows.index).where(held)
    return pd.DataFrame({"rate": rate * per, "weight": weight, "method": pd.Series(method, rows.index).where(held)})


def funnel_limits(
    count, denominator, *, kind: str = "rate", per: float = 1, benchmark: float | None = None
) -> pd.DataFrame:
    """Which areas differ from the benchmark by more than chance, given their size.

    count, denominator : one value per area; denominator is people (`rate`), the total (`proportion`) or the
        expected number (`ratio`). For a directly standardised rate give per * count / rate as the denominator.
    kind : `rate`, `ratio` or `proportion`.
    benchmark : in the unit of `per`; None for all areas together, and for 1 (times `per`) for a ratio.

    Returns `value`, `benchmark`, `lower_95`, `upper_95`, `lower_998`, `upper_998` (in the unit of `per`) and
    `position`: `low_998`, `low_95`, `inside`, `high_95`, `high_998`.
    Misleads when most areas fall outside (chance is not all that differs: the counts are overdispersed), and for one
    area in twenty, which is outside 95% by chance.
    Source: Spiegelhalter (2005), Statistics in Medicine 24, 1185-1202; OHID PHEindicatormethods.
    """
    if kind not in ("rate", "ratio", "proportion"):
        raise ValueError("kind is rate, ratio or proportion.")
    rows = as_rows(count=count, denominator=denominator)
    size = rows["denominator"].where(rows["denominator"] > 0)
    value = rows["count"] / size
    if benchmark is not None:
        middle = benchmark / per
    else:
        middle = 1.0 if kind == "ratio" else rows["count"].where(value.notna()).sum() / size.where(value.notna()).sum()
    limits = {}
    for name, confidence in {"95": 0.95, "998": 0.998}.items():
        low, high = (_proportion_funnel if kind == "proportion" else _poisson_funnel)(middle, size, confidence)
        limits |= {f"lower_{name}": low, f"upper_{name}": high}
    positions = {
        "low_998": value < limits["lower_998"],
        "high_998": value > limits["upper_998"],
        "low_95": value < limits["lower_95"],
        "high_95": value > limits["upper_95"],
    }
    answer = pd.DataFrame({"value": value, "benchmark": middle, **limits}) * per
    where = np.select(list(positions.values()), list(positions), default="inside")
    return answer.assign(position=pd.Series(where, rows.index).where(value.notna()))


def inequality(
    groups: pd.DataFrame,
    *,
    by: str | list[str] | None = None,
    decile: str = "decile",
    count: str = "count",
    population: str = "population",
    value: str | None = None,
    lower: str = "lower",
    upper: str = "upper",
    kind: str = "rate",
    multiplicative: bool = False,
    flip: bool = False,
    per: float = 100_000,
    confidence: float = 0.95,
    draws: int = 100_000,
    seed: int = 0,
) -> pd.DataFrame:
    """How far apart the most and the least deprived are, by one line through all groups between.

    groups : one row per `by` and `decile` (1 = most deprived; fifths or wards in order do as well). Rows of one
        decile (two sexes, three years) are added up.
    value : None for crude rates of `count` in `population` (shares where `kind` says so); else a column of rates
        already worked out (standardised, say), with the columns `lower` and `upper` of their 95% limits, one row per
        decile.
    kind : of the value: `rate`, `proportion` (a share of 1) or `normal` (anything with a symmetric interval).
    multiplicative : the line is drawn through the logarithms (log odds of a proportion): for ratios over 2 or so.
    flip : the most deprived against the least, instead of the least against the most.
    draws, seed : of the simulation behind the limits.

    Returns one row per `by`: `rate_most`, `rate_least` (the line at the most and the least deprived person), `sii`
    (least minus most, in the unit of `per`: below 0 when the deprived have more), `sii_lower`, `sii_upper`, `rii`
    (least over most), `rii_lower`, `rii_upper` and `method`. A group with a decile missing, a gap or no people has no
    values; with a decile without events no limits, and `rii` only where the line stays above 0 at both ends.
    Misleads when the gradient is not a line (one decile far above all others), and says nothing about why.
    Source: Low & Low (2004), Journal of Public Health 26, 388-395; OHID PHEindicatormethods, phe_sii.
    """
    if kind not in gap.TO_LINE or (multiplicative and kind == "normal"):
        raise ValueError("kind is rate, proportion or normal; only a rate or a proportion can be multiplicative.")
    if groups[decile].isna().any():
        raise ValueError("A row has no decile: leave it out, or give it one.")
    columns = [count, population] if value is None else [value, lower, upper, population]
    bands, groups_of = _groups(groups, by, columns)
    bands = bands.assign(_decile=groups[decile]).groupby(["_group", "_decile"])
    if value is not None and (bands.size() > 1).any():
        raise ValueError("A decile has more than one value: choose one period and one sex.")
    bands = bands.sum(min_count=1, skipna=False).reset_index()
    if value is None:
        own = (
            proportion(bands[count], bands[population], per=1)
            if kind == "proportion"
            else crude(bands[count], bands[population], per=per)
        )
        bands = bands.assign(_value=own.iloc[:, 0], _lower=own["lower"], _upper=own["upper"])
    else:
        bands = bands.rename(columns={value: "_value", lower: "_lower", upper: "_upper"})
    deciles, z = bands["_decile"].nunique(), _z(0.95)
    simulation = {"confidence": _checked(confidence), "draws": draws, "seed": seed}
    rows = []
    for group in groups_of.index:
        band = bands[bands["_group"].eq(group)].sort_values("_decile")
        numbers = band[["_value", "_lower", "_upper", population]].to_numpy(float).T
        rows.append(gap.row(*numbers, deciles, z, kind, multiplicative, flip, simulation))
    return groups_of.join(pd.DataFrame(rows, columns=gap.COLUMNS, index=groups_of.index))


def as_rows(**given) -> pd.DataFrame:
    """The arguments as one table of numbers, with the index of the first Series; one number serves all rows."""
    arrays = np.broadcast_arrays(*(_numbers(values) for values in given.values()))
    indexes = [v.index for v in given.values() if isinstance(v, pd.Series) and len(v) == len(arrays[0])]
    if any(not index.equals(indexes[0]) for index in indexes):
        raise ValueError("These columns are not rows of one table: their indexes differ.")
    table = pd.DataFrame(dict(zip(given, arrays, strict=True)), index=indexes[0] if indexes else None)
    if (table < 0).any(axis=None):
        raise ValueError(f"Below 0: {', '.join(table.columns[(table < 0).any()])}.")
    return table


def _numbers(values) -> np.ndarray:
    return pd.Series(values).astype("Float64").to_numpy(dtype=float, na_value=np.nan)


def _groups(groups, by, columns) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The columns as numbers with the group of each row, and the groups in order of first appearance."""
    keys = [by] if isinstance(by, str) else list(by or [])
    rows = as_rows(**{column: groups[column] for column in columns})
    if not keys:
        return rows.assign(_group=0), pd.DataFrame(index=pd.RangeIndex(1))
    rows["_group"] = groups.groupby(keys, sort=False, dropna=False).ngroup()
    return rows, groups[keys].drop_duplicates().reset_index(drop=True)


def _weighed(rows, groups, age, standard) -> tuple[pd.DataFrame, float]:
    """One row per group and band with its weight, and the weight of all bands together."""
    if standard != "esp2013":
        rows["_weight"] = as_rows(weight=groups[standard])["weight"]
        return rows, rows["_weight"].groupby(rows["_group"]).sum().max()
    rows["_weight"] = groups[age].map(ESP_2013).astype(float)
    strangers = rows["_weight"].isna().sum()
    if strangers:
        raise ValueError(f"{strangers} rows have an age band that is not one of the 19 of ESP 2013 (0-4 ... 90+).")
    # rows of one band are one band: its events and people are added up before its rate is weighed
    bands = rows.assign(_age=groups[age]).groupby(["_group", "_age", "_weight"], sort=False).sum(skipna=False)
    return bands.reset_index().drop(columns="_age"), sum(ESP_2013[band] for band in groups[age].unique())


def _repeated(bands, repeats) -> tuple[pd.Series, pd.Series]:
    """The variance of the events when people return (their number of events squared), and the events told so."""
    people, times = bands[repeats].fillna(0), np.arange(1, len(repeats) + 1)
    return (people * times**2).sum(axis=1), (people * times).sum(axis=1)


def _neighbourhood(near: sparse.csr_array | None, n: int):
    """The sum over an area's neighbourhood, itself included once; over all areas where there is no `near`."""
    if near is None:
        return lambda values: np.full(n, values.sum())
    if near.shape != (n, n):
        raise ValueError(f"near has {near.shape[0]} rows, the counts {n}.")
    others = sparse.csr_array(near, dtype=float, copy=True)
    others.setdiag(0)
    return lambda values: others @ values + values


def _poisson_interval(count: pd.Series, confidence: float) -> tuple[pd.Series, pd.Series, pd.Series]:
    few = count < FEWEST_FOR_BYAR
    exact, approximate = _exact(count.where(few), confidence), _byar(count.mask(few), confidence)
    method = _label("Byar", confidence, count).mask(few, f"exact Poisson {100 * confidence:g}%")
    return exact[0].where(few, approximate[0]), exact[1].where(few, approximate[1]), method


def _byar(count: pd.Series, confidence: float) -> tuple[pd.Series, pd.Series]:
    z, n, more = _z(confidence), count.where(count > 0), count + 1
    lower = n * (1 - 1 / (9 * n) - z / (3 * np.sqrt(n))) ** 3
    upper = more * (1 - 1 / (9 * more) + z / (3 * np.sqrt(more))) ** 3
    return lower.where(lower >= 0).mask(count.eq(0), 0.0), upper


def _exact(count: pd.Series, confidence: float) -> tuple[pd.Series, pd.Series]:
    from scipy import special

    tail = (1 - _checked(confidence)) / 2
    # half a chi-square quantile with 2n degrees of freedom is the gamma quantile of shape n
    lower = pd.Series(special.gammaincinv(count, tail), count.index).mask(count.eq(0), 0.0)
    return lower, pd.Series(special.gammaincinv(count + 1, 1 - tail), count.index)


def _poisson_funnel(middle: float, size: pd.Series, confidence: float) -> tuple[pd.Series, pd.Series]:
    """The count, not only whole ones, whose exact interval just touches the benchmark, over the denominator."""
    from scipy import special

    tail, expected = (1 - confidence) / 2, middle * size
    lower = pd.Series(special.gdtrib(1, 1 - tail, expected) - 1, size.index).clip(lower=0)
    upper = pd.Series(special.gdtrib(1, tail, expected), size.index)
    return lower.mask(expected.eq(0), 0) / size, upper.mask(expected.eq(0), 0) / size


def _proportion_funnel(middle: float, size: pd.Series, confidence: float) -> tuple[pd.Series, pd.Series]:
    half = _z(confidence) * np.sqrt(middle * (1 - middle) / size)
    return (middle - half).clip(lower=0), (middle + half).clip(upper=1)


def _z(confidence: float) -> float:
    from scipy import special

    return float(special.ndtri((1 + _checked(confidence)) / 2))


def _checked(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError("confidence lies between 0 and 1 (0.95, not 95).")
    return confidence


def _label(name: str, confidence: float, values: pd.Series) -> pd.Series:
    return pd.Series(f"{name} {100 * confidence:g}%", values.index, dtype=object).where(values.notna())
