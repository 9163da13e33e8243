"""How far a hotspot can be relied upon: on other grids, in other sources, without one record. A row is a place.

All take a scope of one source, a level, the size of cells and `tell`, as in `answers.hotspots`.
"""

import numpy as np
import pandas as pd

from analytics import agreement, grids, harm_places, hotspots
from analytics.errors import NotEnoughData
from answers import over_time, surfaces
from answers.hotspots import PERMUTATIONS, Tell, held, hot, key_of, near, places, untold
from answers.hotspots import months as counted_months
from data import definitions, store
from data.store import Scope

HEALTH = ("ed_istv", "ambulance")  # whose records are set beside those of the police, the first that is held
SEEN = {"hidden": 3, "both": 2, "unclear": 1, "police only": -1}
ORIGINS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5))  # of other grids, in cells
SIZES = (0.7, 1.0, 1.4)  # of other grids, against the one shown


def health_source(scope: Scope) -> str:
    """The source of health records to set beside police records; empty where there is none, or these are not shown."""
    if definitions.source(scope.sources[0]).table != "incidents" or not scope.sources[0].startswith("police"):
        return ""
    held = [s for s in HEALTH if s in store.sources(scope) and store.can_answer(scope, s)]
    return held[0] if held and not store.banded_sources(scope.but(sources=(held[0],))) else ""


def hidden(scope: Scope, level: str, size_m: int, *, tell: Tell = untold) -> pd.DataFrame:
    """Where health records are hot and police records are not, and the reverse: its key, n_health, agreement, seen.

    Both are counted over the months that both sources supplied, all violence. Each is hot where its own Gi* says so;
    `agreement.compare` pools a cell with its neighbours. `seen` is the agreement as a number: 3 hidden, 2 both, 1
    unclear, -1 police only, 0 neither. `.attrs`: `health` (which source), `months` (those compared), `method`.
    """
    key, source = key_of(level), health_source(scope)
    if scope.groups:
        raise store.NotHeld("Health records do not tell offence groups apart: choose all violence to compare them.")
    both = sorted(set(held(scope)) & set(held(scope.but(sources=(source,)))))
    if not both:
        raise store.NotHeld("There is no month of this period that both police and health records were supplied for.")
    cells = places(scope, level, size_m)
    around = near(scope, level, cells)
    cells = cells[[key]]
    for name, one in (("police", scope), ("health", scope.but(sources=(source,)))):
        months = counted_months(one, level, size_m)
        cells[name] = cells[key].map(months[months["month"].isin(both)].groupby(key)["n"].sum()).fillna(0.0)
        cells[f"{name}_hot"] = hot(cells, around, value=name)
    pooled = around if level == "hex" else None
    answer = agreement.compare(cells, pooled, health_hot="health_hot", police_hot="police_hot")
    answer["seen"] = answer["agreement"].map(SEEN).fillna(0).astype(int)
    answer = answer.rename(columns={"health": "n_health"})[[key, "n_health", "health_share", "agreement", "seen"]]
    pools = "; a cell is compared together with its neighbours" if level == "hex" else ""
    answer.attrs = {"health": source, "months": tuple(both), "method": f"Shares of all violence in each source{pools}"}
    return answer


def robustness(scope: Scope, level: str, size_m: int, *, tell: Tell = untold) -> pd.DataFrame:
    """In what share of other ways to draw the map each cell lies in a hotspot: cell_id, variants, variants_hot,
    robustness, and `robust`, its class: 0 in none, 1 in some, 2 in half, 3 in all.

    The ways are this grid and those that begin half a cell further east, north, and both, at 0.7, 1 and 1.4 times the
    size (never below the floor of the source); and the same origins with neighbours two cells away counted too.
    """
    found = store.cell_counts(scope, size_m=size_m)
    ways, sizes = [], sorted({max(store.floor_m(scope), round(size_m * part)) for part in SIZES})
    drawn = [(size, 1) for size in sizes] + [(size_m, 2)]
    for size, rings in drawn:
        for east, north in ORIGINS:
            cells = store.cell_counts(scope, size_m=size, origin=(east * size, north * size))
            tell(len(ways) / (len(drawn) * len(ORIGINS)), f"grid of {size:,} m")
            variant = f"{size} m from {east}, {north}, {rings}"
            ways.append(cells[["x", "y"]].assign(variant=variant, hot=hot(cells, grids.ring(cells, rings=rings))))
    answer = hotspots.robustness(found, pd.concat(ways, ignore_index=True))
    answer["robust"] = np.searchsorted((1e-9, 0.5, 1), answer["robustness"], side="right")
    answer = answer[["cell_id", "variants", "variants_hot", "robustness", "robust"]]
    ways = f"{len(sizes) * len(ORIGINS)} grids of other origins and sizes and {len(ORIGINS)} wider neighbourhoods"
    answer.attrs["method"] = f"{ways}, Gi* with Benjamini-Hochberg at 5% in each"
    return answer


def harm(scope: Scope, level: str, size_m: int, *, tell: Tell = untold) -> pd.DataFrame:
    """Where harm concentrates, and what one record does to it: its key, harm_hot, rests_on_one, largest_share.

    `harm_hot` by Gi* of harm: 2 a hotspot, 1 one that is none without the heaviest single record in its neighbourhood
    (`rests_on_one`), 0 none. `largest_share` is that of the heaviest record in the harm of the place.
    """
    found = places(scope, level, size_m)
    if not found["harm"].gt(0).any():
        raise store.NotHeld("No record here has a harm weight: the table of weights names offences this source lacks.")
    around = near(scope, level, found)
    drawn = harm_places.leave_one_out(found, around, permutations=PERMUTATIONS)
    answer = drawn[[key_of(level), "largest_share", "rests_on_one"]]
    one, all_hot = (drawn[c].fillna(False).to_numpy(bool) for c in ("rests_on_one", "hot"))
    answer["harm_hot"] = np.select([one, all_hot], [1, 2], 0)
    answer.attrs["method"] = "Gi* of harm, Benjamini-Hochberg at 5%; leave-one-out: without the heaviest record nearby"
    return answer


def agreeing(scope: Scope, level: str, size_m: int, *, tell: Tell = untold) -> pd.DataFrame:
    """In which of the sources held each place is a hotspot: its key, sources_hot (keys, joined by "|"), sources_asked.

    Each source is tested by itself, on its own records of the period; sources that cannot answer the filters, or whose
    places are not exact enough for the level, are not asked. `.attrs["asked"]`: which were.
    """
    key, asked, found = key_of(level), [], {}
    answer = places(scope, level, size_m)[[key]]
    every = store.sources(scope)
    for number, source in enumerate(every):
        tell(number / len(every), source)
        one = scope.but(sources=(source,))
        if source != scope.sources[0] and not set(scope.groups) <= set(store.offence_groups(one)):
            continue
        try:
            cells = store.cell_counts(one, size_m=size_m) if level == "hex" else store.area_counts(one, level=level)
            known = cells["n"].notna().any() and len(cells) > hotspots.FEWEST_CELLS
        except store.NotHeld:
            continue
        if known:
            asked.append(source)
            found[source] = dict(zip(cells[key], hot(cells, near(one, level, cells)), strict=True))
    of = [[source for source in asked if found[source].get(place, False)] for place in answer[key]]
    answer = answer.assign(sources_hot=["|".join(names) for names in of], sources_asked=len(asked))
    answer.attrs["asked"] = tuple(asked)
    return answer


def everything(scope: Scope, level: str, size_m: int, *, tell: Tell = untold) -> pd.DataFrame:
    """All that the long list says of a place, put together: what cannot be answered is a column that is not there.

    Returns its key, density (hexagons), robustness (hexagons), periods_hot and periods, class, sources_hot and
    sources_asked, and ratio_quarter, its limits and changed_quarter: the newest three months against the three before.
    """
    key = key_of(level)
    steps = {
        "density": lambda t: surfaces.density(scope, level, size_m, tell=t)[["cell_id", "density"]],
        "other grids": lambda t: robustness(scope, level, size_m, tell=t)[["cell_id", "robustness"]],
        "persistence": lambda t: over_time.persistence(scope, level, size_m, tell=t),
        "kinds of hotspot": lambda t: over_time.emerging(scope, level, size_m, tell=t)[[key, "class"]],
        "sources": lambda t: agreeing(scope, level, size_m, tell=t),
        "the quarter before": lambda t: _since_last_quarter(scope, level, size_m),
    }
    asked = {step: ask for step, ask in steps.items() if level == "hex" or step not in ("density", "other grids")}
    answer, asked_of = places(scope, level, size_m)[[key]], ()
    for number, (step, ask) in enumerate(asked.items()):
        inner = lambda share, _="", at=number, step=step: tell((at + share) / len(asked), step)  # noqa: E731
        inner(0.0)
        try:
            found = ask(inner)
            asked_of = found.attrs.get("asked", asked_of)
            answer = answer.merge(found, on=key, how="left")
        except (NotEnoughData, store.NotHeld):
            continue  # too few months for a kind, too few records for a density: the rest can still be said
    answer = answer.drop(columns=["persistence", "lasting"], errors="ignore")
    answer.attrs = {"asked": asked_of} if asked_of else {}
    return answer


def _since_last_quarter(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    found = over_time.change(scope, level, size_m, "quarter")
    named = {c: f"{c}_quarter" for c in ("n_now", "n_before", "ratio", "ratio_lower", "ratio_upper", "changed")}
    return found.rename(columns=named)
