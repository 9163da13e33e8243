"""The gap between the most and the least deprived as one line through all groups; a column is a group.

The table's side is `rates.inequality`; here is the formula on arrays.
"""

import numpy as np

COLUMNS = ["rate_most", "rate_least", "sii", "sii_lower", "sii_upper", "rii", "rii_lower", "rii_upper", "method"]

# how the value of a group is spread: on the scale on which its interval is symmetric (PHEindicatormethods, phe_sii)
TO_LINE = {"rate": np.log, "proportion": lambda share: np.log(share / (1 - share)), "normal": lambda value: value}
FROM_LINE = {"rate": np.exp, "proportion": lambda odds: 1 / (1 + np.exp(-odds)), "normal": lambda value: value}


def ranks(people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of the people in each group, and how far up the whole population its middle person stands (0 to 1)."""
    shares = people / people.sum()
    return shares, np.cumsum(shares) - shares / 2


def ends(values: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The fitted line at the first and at the last person: least squares weighted by people; values (..., groups)."""
    shares, rank = ranks(people)
    apart = rank - 0.5  # the middles of the shares always average a half
    slope = values @ (shares * apart) / (shares @ apart**2)
    middle = values @ shares
    return middle - slope / 2, middle + slope / 2


def limits(
    values: np.ndarray,
    errors: np.ndarray,
    people: np.ndarray,
    *,
    kind: str,
    multiplicative: bool,
    confidence: float,
    draws: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of the slope index and of the relative index: lines through groups drawn within their own intervals."""
    chance = np.random.default_rng(seed).standard_normal((draws, len(values)))
    drawn = TO_LINE[kind](values) + errors * chance
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    if multiplicative:
        first, last = ends(drawn, people)
        slope, middle = np.quantile(last - first, tails), np.mean(ends(TO_LINE[kind](values), people))
        # the line turns about its middle, as in phe_sii: the level itself is not drawn
        low, high = FROM_LINE[kind](middle - slope / 2), FROM_LINE[kind](middle + slope / 2)
        return high - low, high / low
    first, last = ends(FROM_LINE[kind](drawn), people)
    # a line drawn down to nothing among the most deprived has no upper limit of the ratio
    ratio = np.divide(np.maximum(last, 0), first, out=np.full(draws, np.inf), where=first > 0)
    return np.quantile(last - first, tails), np.quantile(ratio, tails, method="nearest")


def row(values, lower, upper, people, deciles, z, kind, multiplicative, flip, simulation) -> dict:
    """The row of one group: the line's ends, both indices and their limits."""
    into, out_of = (TO_LINE[kind], FROM_LINE[kind]) if multiplicative else (np.asarray, np.asarray)
    if len(values) < max(deciles, 2):
        return {"method": "a decile is missing"}
    if not (people > 0).all() or np.isnan(values).any():
        return {"method": "a count or population is missing or 0"}
    if multiplicative and not _inside(values, kind).all():
        return {"method": "a decile without events has no logarithm"}
    most, least = (float(out_of(end)) for end in ends(into(values), people))
    answer = {"rate_most": most, "rate_least": least, "sii": least - most}
    answer |= {"rii": least / most} if most > 0 and least > 0 else {}
    name = f"{'log-linear' if multiplicative else 'linear'} regression on rank, simulated"
    answer["method"] = f"{name} {100 * simulation['confidence']:g}%"
    if not (_inside(values, kind) & _inside(lower, kind) & _inside(upper, kind)).all():
        return _turned(answer, flip) | {"method": "a decile without events: no limits"}
    errors = (TO_LINE[kind](upper) - TO_LINE[kind](lower)) / z / 2
    sii, rii = limits(values, errors, people, kind=kind, multiplicative=multiplicative, **simulation)
    answer |= {"sii_lower": sii[0], "sii_upper": sii[1]}
    answer |= {"rii_lower": rii[0], "rii_upper": rii[1]} if "rii" in answer else {}
    return _turned(answer, flip)


def _inside(values, kind: str) -> np.ndarray:
    """Whether the scale of `kind` has a place for the value: a rate of 0 has no logarithm."""
    bounds = {"rate": (0, np.inf), "proportion": (0, 1), "normal": (-np.inf, np.inf)}[kind]
    return (values > bounds[0]) & (values < bounds[1])


def _turned(row: dict, flip: bool) -> dict:
    """The most deprived against the least: the difference changes its sign, the ratio is turned over."""
    if not flip:
        return row
    turned = {"sii": "sii", "sii_lower": "sii_upper", "sii_upper": "sii_lower"}
    turned = {name: -row[other] for name, other in turned.items() if other in row}
    over = {"rii": "rii", "rii_lower": "rii_upper", "rii_upper": "rii_lower"}
    with np.errstate(divide="ignore"):
        return row | turned | {name: float(1 / np.float64(row[other])) for name, other in over.items() if other in row}
