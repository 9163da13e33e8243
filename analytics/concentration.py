"""How much of it happens in how few places: Lorenz curve, Gini, repeat locations. A row is a place."""

import numpy as np
import pandas as pd

from analytics.errors import NotEnoughData

ROUNDING = 1e-12  # relative: a share of events this close to the one asked for is reached


def gini(counts, *, generalised: bool = False) -> pd.DataFrame:
    """How unevenly are events spread over places, in one number?

    counts : events per place (Series or array), places without events as 0; missing ones are left out.
    generalised : compare with the most even spread these events can have, one place each, not with an equal share for
        every place (whole numbers only). The same where there are at least as many events as places.

    Returns one row: `gini`, from 0 (as even as can be) to 1 - 1/n (all in one of n places; generalised: of the smaller
    of the number of places and of events).
    Misleads with few events: 5 events in 100 places give 0.95 or more wherever they fall. Use the generalised one, and
    `gini_by_chance` to see what chance alone gives: even so, events at random are not evenly spread. Not comparable
    between kinds of place (streets, cells, areas).
    Source: Bernasco & Steenbeek (2017), Journal of Quantitative Criminology 33(3), 451-467.
    """
    ordered = _whole(counts) if generalised else _fewest_first(counts)
    return pd.DataFrame([{"gini": _gini(ordered, generalised)}])


def lorenz(counts) -> pd.DataFrame:
    """Which share of places holds which share of events?

    counts : as in `gini`.

    Returns one row more than places, from (0, 0) to (1, 1), places with fewest events first: `share_of_places`,
    `share_of_events`, and `share_if_even`, the most even spread these events can have: the diagonal, or with fewer
    events than places one event each in as many places, the rest empty (the generalised curve).
    Misleads as `gini`. Read from the right, it says which share of events the fullest places hold.
    Source: Lorenz (1905), Publications of the American Statistical Association 9(70), 209-219; Bernasco & Steenbeek
    (2017).
    """
    ordered = _fewest_first(counts)
    n, held = len(ordered), np.append(0, np.cumsum(ordered))
    place, filled = np.arange(n + 1), min(held[-1], n) if _are_whole(ordered) else n  # weights can be split
    columns = {"share_of_places": place / n, "share_of_events": held / held[-1]}
    return pd.DataFrame(columns | {"share_if_even": np.maximum(place - (n - filled), 0) / filled})


def share_of_places(counts, share: float = 0.5) -> pd.DataFrame:
    """How few places hold half of all events?

    counts : as in `gini`. share : of events, from 0 to 1.

    Returns one row: `share_of_places`, the smallest share of all places (those without events included) that holds at
    least `share`; `places`, their number; `share_of_events`, what they hold.
    Misleads where there are fewer events than places: half of 10 events lie in at most 5 places, however many there
    are. Set it against the share of places that have any (`repeat_locations`).
    Source: Weisburd (2015), Criminology 53(2), 133-157.
    """
    if not 0 <= share <= 1:
        raise ValueError("`share` is a fraction, from 0 to 1.")
    held = np.append(0, np.cumsum(_fewest_first(counts)[::-1]))
    held = held / held[-1]
    places = int(np.searchsorted(held, share - ROUNDING))
    row = {"share_of_places": places / (len(held) - 1), "places": places, "share_of_events": held[places]}
    return pd.DataFrame([row])


def repeat_locations(counts, *, at_least: int = 2) -> pd.DataFrame:
    """How much of it happens where it has happened before?

    counts : whole numbers of events per place, as in `gini`. at_least : events that make a repeat location.

    Returns one row: `places`, `events`, `prevalence` (share of places with any event), `incidence` (events per place),
    `concentration` (events per place that has any), `repeat_places` and `repeat_events` (places with `at_least`
    events, and the events there), `share_of_places` and `share_of_events` (those two as shares of all places and of
    all events) and `repeats` (share of events that were not the first at their place).
    Misleads with a short period, which cuts series of events in two, and with places of uneven size; where points are
    moved to a street or a car park, many addresses look like one.
    Source: Trickett, Osborn, Seymour & Pease (1992), British Journal of Criminology 32(1), 81-89, for prevalence,
    incidence and concentration; Farrell & Pease (1993), Once Bitten, Twice Bitten, for repeats.
    """
    n = _whole(counts)
    any_event, repeat = n > 0, n >= max(at_least, 1)
    row = {
        "places": len(n),
        "events": n.sum(),
        "prevalence": any_event.mean(),
        "incidence": n.mean(),
        "concentration": n[any_event].mean(),
        "repeat_places": repeat.sum(),
        "repeat_events": n[repeat].sum(),
        "share_of_places": repeat.mean(),
        "share_of_events": n[repeat].sum() / n.sum(),
        "repeats": 1 - any_event.sum() / n.sum(),
    }
    return pd.DataFrame([row])


def events_per_place(counts) -> pd.DataFrame:
    """How many places had no event, one, two, and so on; and how many would have by chance?

    counts : as in `repeat_locations`.

    Returns one row per number of events that some place has, rising: `n`, `places`, `share_of_places`,
    `share_of_events` and `expected` (places with so many, on average, had each event fallen in any place with equal
    chance; it sums to less than all places, as numbers that no place has are not listed).
    Misleads as a test: places differ in people and in opening hours, so chance alone never gives equal places.
    Source: the binomial distribution; Johnson, Kotz & Kemp (1992), Univariate Discrete Distributions, chapter 3.
    """
    n = _whole(counts)
    total, places = n.sum(), len(n)
    number, found = np.unique(n, return_counts=True)
    columns = {"n": number, "places": found, "share_of_places": found / places}
    columns |= {"share_of_events": number * found / total, "expected": places * _binomial(number, total, 1 / places)}
    return pd.DataFrame(columns)


def gini_by_chance(counts, *, generalised: bool = False, simulations: int = 999, seed: int = 0) -> pd.DataFrame:
    """Is this more concentrated than as many events falling at random would be?

    counts : as in `repeat_locations`. generalised : as in `gini`.
    simulations : each drops the same number of events on the same number of places, all places alike.

    Returns one row: `gini`, `expected` (mean of the simulated ones), `lower` and `upper` (95% of them lie between;
    not an interval about `gini`), `p_value` (one-sided, (r + 1)/(M + 1), r the simulated ones at least as large) and
    `method`.
    Misleads where places differ in size or people: then equal chances are not the fair comparison, and nearly
    everything is "more concentrated than chance".
    Source: Bernasco & Steenbeek (2017); Hipp & Kim (2017), Journal of Quantitative Criminology 33(3), 595-632.
    """
    n = _whole(counts)
    rng, total, places = np.random.default_rng(seed), int(n.sum()), len(n)
    drawn = (np.bincount(rng.integers(places, size=total), minlength=places) for _ in range(simulations))
    simulated = np.array([_gini_of_whole(sample, generalised) for sample in drawn])
    observed = _gini_of_whole(n, generalised)
    lower, upper = np.quantile(simulated, [0.025, 0.975])
    row = {"gini": observed, "expected": simulated.mean(), "lower": lower, "upper": upper}
    p = ((simulated >= observed - ROUNDING).sum() + 1) / (simulations + 1)
    return pd.DataFrame([row | {"p_value": p, "method": f"95% of {simulations:,} random allocations"}])


def _fewest_first(counts) -> np.ndarray:
    """The counts there are, in rising order."""
    n = pd.Series(counts).to_numpy(dtype=float, na_value=np.nan)
    n = np.sort(n[np.isfinite(n)])
    if len(n) and n[0] < 0:
        raise ValueError("Concentration needs counts: some are below 0.")
    if not n.sum() > 0:
        raise NotEnoughData("There are no events here, so nothing can be concentrated.")
    return n


def _whole(counts) -> np.ndarray:
    """The counts there are in rising order, as whole numbers."""
    n = _fewest_first(counts)
    if not _are_whole(n):
        raise ValueError("This needs whole numbers of events per place, not weights or rates.")
    return n.astype(np.int64)


def _are_whole(n: np.ndarray) -> bool:
    return bool((n == np.floor(n)).all())


def _gini(ordered: np.ndarray, generalised: bool) -> float:
    """2 sum(i x) / (n sum x) - (n + 1) / n, i the rank from the fewest."""
    n, total = len(ordered), ordered.sum()
    plain = float(np.arange(1 - n, n, 2) @ ordered / (n * total))  # the same sum, centred: no loss of digits
    return _against_most_even(plain, n, total) if generalised else plain


def _gini_of_whole(n: np.ndarray, generalised: bool) -> float:
    """The same from how often each number occurs: no sorting."""
    alike = np.bincount(n)
    rank = 2 * np.cumsum(alike) - alike - len(n)  # sum of 2 i - n - 1 over places that are alike, for each of them
    total = n.sum()
    plain = float((rank * alike) @ np.arange(len(alike)) / (len(n) * total))
    return _against_most_even(plain, len(n), total) if generalised else plain


def _against_most_even(plain: float, places: int, events: int) -> float:
    return float(1 - (1 - plain) * max(1.0, places / events))


def _binomial(k: np.ndarray, trials: int, chance: float) -> np.ndarray:
    from scipy.special import gammaln, xlog1py, xlogy

    ways = gammaln(trials + 1) - gammaln(k + 1) - gammaln(trials - k + 1)
    return np.exp(ways + xlogy(k, chance) + xlog1py(trials - k, -chance))
