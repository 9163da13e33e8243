"""Harm: offences weighed by how serious they are, and what one offence does to the total; a row is an offence."""

import pandas as pd


def weighted(counts: pd.DataFrame, weights: pd.DataFrame, *, population: float | None = None) -> pd.DataFrame:
    """How much harm the offences add up to, and how much of it is a single offence's.

    counts : `offence`, `n` (events); several rows of one offence are added up.
    weights : `offence`, `weight` (harm of one event: days of sentence, or points), each offence once.
    population : residents the harm is shared out over.

    Returns one row: `harm`, `rate` (harm per resident), `top_offence`, `top_share` (of harm), `harm_without_top`,
    `n` (events weighed), `without_weight` (events of offences that have no weight: not in the total) and
    `without_count` (rows whose count is missing: not in the total either).
    Misleads more than most: one homicide outweighs thousands of assaults, so read the total beside
    `harm_without_top`; and weights of another year or index give another order of places.
    Source: Sherman, Neyroud & Neyroud (2016), Policing 10(3), 171-183; ONS (2016), Crime Severity Score.
    """
    if weights["offence"].duplicated().any():
        raise ValueError("An offence has more than one weight: choose one version of the weights.")
    n = counts["n"].astype("Float64")
    if n.lt(0).any() or weights["weight"].lt(0).any():
        raise ValueError("Counts and weights are not below 0.")
    events = n.groupby(counts["offence"], sort=False).sum(min_count=1).dropna()
    each = weights.set_index("offence")["weight"].astype("Float64").reindex(events.index)
    weighed = each.notna()
    harm = (events * each)[weighed].astype(float)
    answer = {"harm": float("nan"), "rate": float("nan"), "top_offence": None, "top_share": float("nan")}
    answer |= {"harm_without_top": float("nan"), "n": float(events[weighed].sum())}
    answer |= {"without_weight": float(events[~weighed].sum()), "without_count": int(n.isna().sum())}
    if len(harm):
        total, top = harm.sum(), harm.max()
        answer |= {"harm": total, "harm_without_top": total - top}
        if population is not None and population > 0:
            answer["rate"] = total / population
        if top > 0:
            answer |= {"top_offence": harm.idxmax(), "top_share": top / total}
    return pd.DataFrame([answer])
