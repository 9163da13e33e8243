"""Police and health records side by side: where one source shows violence that the other does not. A row is a place."""

import numpy as np
import pandas as pd
from scipy import sparse

from analytics import neighbours, rates, significance
from analytics.errors import NotEnoughData

FEWEST_PLACES = 2  # one place holds all of both sources: nothing to set against it


def compare(
    cells: pd.DataFrame,
    near: sparse.csr_array | None = None,
    *,
    health: str = "health",
    police: str = "police",
    expected: str | None = None,
    health_hot: str | None = None,
    police_hot: str | None = None,
    alpha: float = 0.05,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Where is violence that health services see and the police do not; and the reverse?

    cells : one row per place (cell or area) of the whole study area, with counts of health records (emergency
        department, ambulance) and of police records of the same months and kinds of violence. 0 is a true zero.
    near : who is whose neighbour, 0/1; then a place stands for itself and its neighbours together, which is wanted
        where records are snapped to streets or placed by different rules. None: each place alone.
    expected : a column that an even spread would follow (residents, land); None: every place alike.
    health_hot, police_hot : names of true/false columns that say where each source is hot (from Gi* of each, say);
        None: where it holds more than an even spread would give, by the exact binomial test, one-sided, with false
        discoveries held to `alpha` over the places.
    alpha : share of false finds accepted among those called, for heat and for difference alike.

    Returns `cells` with `health_share`, `police_share` (of all records of the source), `ratio` of the first to the
    second with `lower`, `upper`, `p_value` (two-sided, exact, not corrected) and `q_value` (corrected over the places),
    `health_hot`, `police_hot`, `agreement` and `method`:
    `hidden` - hot in health records, and their share is above that of police records (q below alpha), whether or not
        the police see some of it; `police only` - hot in police records alone, and the share of health records is
        below theirs; `both` - hot in both, and not hidden; `unclear` - hot in one alone, and the two shares do not
        differ by more than chance; `neither`. A place without a record in either has no ratio.
    Misleads where a source does not cover the whole area alike (the nearer hospital, one ambulance trust of two); where
    the kinds of violence differ (harassment has no patient); where one event makes several patients or crimes, which
    makes the interval too narrow; and as shares: one great hidden place lowers the share of health records everywhere
    else. It compares patterns, not totals, and cannot say which event is in both.
    Source: Przyborowski & Wilenski (1940), Biometrika 31, 313-323; why the two must be compared and not only each be
    tested: Gelman & Stern (2006), The American Statistician 60(4), 328-331; why it matters: Florence et al (2011), BMJ
    342, d3313 (the Cardiff model); Sutherland et al (2021), Cambridge J. Evid.-Based Policing 5, 20-39.
    """
    counts, known = _counted(cells, health, police)
    a, b, even = (_pooled(part, near) for part in (counts[health], counts[police], _even(cells, expected, known)))
    totals = counts[health].sum(), counts[police].sum()
    a, b = a.where(known), b.where(known)
    answer = rates.ratio_of(a, totals[0], b, totals[1], confidence=confidence)
    p = pd.Series(_two_sided(a, b, totals[0] / sum(totals)), cells.index)
    q = significance.benjamini_hochberg(p)
    hot = [
        _hot(cells, given, part, total, even, known, alpha)
        for given, part, total in ((health_hot, a, totals[0]), (police_hot, b, totals[1]))
    ]
    columns = {"health_share": a / totals[0], "police_share": b / totals[1]}
    columns |= {name: answer[name] for name in ("ratio", "lower", "upper")}
    columns |= {"p_value": p, "q_value": q, "health_hot": hot[0], "police_hot": hot[1]}
    columns["agreement"] = _named(*hot, answer["ratio"], q, alpha)
    return cells.assign(**columns, method=answer["method"] + ("" if near is None else ", with neighbours"))


def overall(
    cells: pd.DataFrame, *, health: str = "health", police: str = "police", simulations: int = 999, seed: int = 0
) -> pd.DataFrame:
    """Do the two sources show one and the same pattern of places, given how few records there are?

    cells, health, police : as in `compare`. simulations : how often all records are dealt out anew to the two sources,
        each place keeping its records of both together.

    Returns one row: `overlap` (the sum over places of the smaller of its two shares: 1 when the maps are alike, 0 when
    they have no place in common), `expected` (its mean when the two are chance draws from one pattern), `lower`,
    `upper` (between which 95% of such draws lie), `p_value` (one-sided, for too little overlap) and `n` (places).
    Misleads without `expected` beside it: sparse maps of the very same pattern overlap little. With many records a
    difference too small to matter is clear.
    Source: 1 less the index of dissimilarity, Duncan & Duncan (1955), American Sociological Review 20(2), 210-217;
    Andresen (2009), Applied Geography 29(3), 333-345, for testing the likeness of two maps by simulation.
    """
    counts, known = _counted(cells, health, police)
    a, b = (counts[name][known].to_numpy(dtype=np.int64) for name in (health, police))
    if (a != counts[health][known]).any() or (b != counts[police][known]).any():
        raise ValueError("Records are dealt out one by one: counts are whole numbers.")
    drawn = np.random.default_rng(seed).multivariate_hypergeometric(a + b, a.sum(), simulations, method="marginals")
    simulated = np.minimum(drawn / a.sum(), (a + b - drawn) / b.sum()).sum(axis=1)
    observed = np.minimum(a / a.sum(), b / b.sum()).sum()
    below = (simulated <= observed + significance.ROUNDING * len(a)).sum()
    lower, upper = np.quantile(simulated, [0.025, 0.975])
    row = {"overlap": observed, "expected": simulated.mean(), "lower": lower, "upper": upper}
    return pd.DataFrame([row | {"p_value": (below + 1) / (simulations + 1), "n": len(a)}])


def _counted(cells: pd.DataFrame, health: str, police: str) -> tuple[pd.DataFrame, pd.Series]:
    """Both counts, 0 where the place is not known, and where it is."""
    counts = cells[[health, police]].astype("Float64").astype(float)
    known = counts.notna().all(axis=1)
    if (counts < 0).any(axis=None):
        raise ValueError("Counts are not below 0.")
    counts = counts.where(known, 0.0, axis=0)
    if known.sum() < FEWEST_PLACES:
        raise NotEnoughData(f"Two sources are compared over at least {FEWEST_PLACES} places; there are {known.sum()}.")
    for name, words in ((health, "health"), (police, "police")):
        if not counts[name].sum() > 0:
            raise NotEnoughData(f"There are no {words} records here, so the two sources cannot be compared.")
    return counts, known


def _pooled(values: pd.Series, near: sparse.csr_array | None) -> pd.Series:
    if near is None:
        return values.astype(float)
    if near.shape != (len(values), len(values)):
        raise ValueError(f"`near` is for {near.shape[0]} places, and there are {len(values)}.")
    if (near.data != 1).any():
        raise ValueError("Records of neighbours are added up: `near` is 0 or 1.")
    return pd.Series(neighbours.with_self(near) @ values.to_numpy(dtype=float), values.index)


def _even(cells: pd.DataFrame, expected: str | None, known: pd.Series) -> pd.Series:
    """The share of records each place would have by an even spread."""
    spread = (
        known.astype(float) if expected is None else cells[expected].astype("Float64").astype(float).where(known, 0)
    )
    if (spread < 0).any() or spread.isna().any() or not spread.sum() > 0:
        raise ValueError(f"`{expected}` is needed for every place with counts, and is not below 0.")
    return spread / spread.sum()


def _two_sided(a: pd.Series, b: pd.Series, share: float) -> np.ndarray:
    """Twice the smaller exact binomial tail of a among a + b: below 1 - confidence where the interval leaves 1 out."""
    tails = _at_least(a, a + b, share), _at_least(b, a + b, 1 - share)
    return np.where(a + b > 0, np.minimum(1.0, 2 * np.minimum(*tails)), np.nan)


def _at_least(count, total, share) -> np.ndarray:
    """Chance of `count` or more among `total` draws, each a hit with chance `share`."""
    from scipy import special

    count, total = np.asarray(count, dtype=float), np.asarray(total, dtype=float)
    some = count > 0
    tail = special.betainc(np.where(some, count, 1), np.where(some, total - count + 1, 1), share)
    return np.where(some, tail, np.where(np.isnan(count), np.nan, 1.0))


def _hot(cells, given: str | None, count, total: float, even, known, alpha: float) -> pd.Series:
    if given is not None:
        return cells[given].astype("boolean").where(known)
    p = pd.Series(_at_least(count, np.where(known, total, np.nan), np.minimum(even, 1.0)), cells.index)
    return significance.benjamini_hochberg(p).lt(alpha).astype("boolean").where(known)


def _named(health: pd.Series, police: pd.Series, ratio, q, alpha: float) -> pd.Series:
    differ = q.lt(alpha)
    hot, seen = health.fillna(False).astype(bool), police.fillna(False).astype(bool)
    kinds = {
        "hidden": hot & differ & ratio.gt(1),
        "both": hot & seen,
        "police only": seen & differ & ratio.lt(1),
        "unclear": hot | seen,
    }
    name = np.select(list(kinds.values()), list(kinds), default="neither")
    return pd.Series(name, health.index, dtype="str").where(health.notna() & police.notna())
