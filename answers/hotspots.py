"""What the hotspots page shows of each place, cell or area: counts, sureness, steadiness, change. A row is a place."""

import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from analytics import agreement, backtest, grids, hotspots, neighbours, rates, scan, significance
from analytics import density as surfaces
from analytics import emerging as classes
from analytics.errors import NotEnoughData
from data import definitions, store
from data.store import Scope

PERMUTATIONS = 99_999  # fewer could not tell a hotspot among twenty thousand cells from chance
LASTING = (1e-9, 1 / 3, 0.8)  # shares of the months from which a place was a hotspot in some, in many, nearly always
HOT = 0.05  # corrected p-value below which a cell counts as a hotspot, as in `hotspots.persistence`
FINEST_M, LEAST_RADIUS_M = 150, 1_000  # cells that records are gathered in; the narrowest window of a density
LARGEST_CLUSTER, SIMULATIONS = 0.1, 999  # share of residents in a circle: small enough to act upon
HEALTH = ("ed_istv", "ambulance")  # whose records are set beside those of the police, the first that is held
SEEN = {"hidden": 3, "both": 2, "unclear": 1, "police only": -1}
PLAIN, GI = "Plain count of the months before", "Gi* of the months before"
COVERED = 0.01  # share of the area that each map may cover on the scoreboard
FEWEST_BEFORE = 6  # months of the year before, or there is too little to make a map from
MOST_HELD_OUT = 12
EMERGENCE = {"persistent": 3, "emerging": 2, "intermittent": 1, "mixed": 1, "former": -1}
LONG = 24  # months; longer periods are looked at by quarters, if they hold enough of them
ORIGINS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5))  # of other grids, in cells
SIZES = (0.7, 1.0, 1.4)  # of other grids, against the one shown


def key_of(level: str) -> str:
    """The column that tells the places of a level apart."""
    return "cell_id" if level == "hex" else "area_code"


def places(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """Every place of a level with its records, harm and names (`street`, `area`; or `name`, `everyday_name`).

    Areas have `population` and their crude rate per 1,000 residents with its interval too.
    """
    if level == "hex":
        cells = store.cell_counts(scope, size_m=size_m)
        return cells.merge(store.cell_names(scope, size_m=size_m), on="cell_id", how="left")
    found = store.area_counts(scope, level=level)
    rated = found.join(rates.crude(found["n"], found["population"], per=1_000))
    rated.attrs = found.attrs  # the period, where it is not the one asked for
    return rated


def near(scope: Scope, level: str, found: pd.DataFrame) -> sparse.csr_array:
    """Who is next to whom among the places, in their order."""
    if level == "hex":
        return grids.ring(found)
    return neighbours.contiguity(store.areas(scope, level=level))


def surface(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """`places` with what `hotspots.survey` says of each: Gi* of the rate where residents are known, else of counts."""
    found = places(scope, level, size_m)
    value = "rate" if level != "hex" and found["rate"].notna().any() else "n"
    answer = hotspots.survey(found, near(scope, level, found), value=value, permutations=PERMUTATIONS)
    answer.attrs = found.attrs
    return answer


def density(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """Records per square kilometre at the middle of each cell, through a window of stated width: cell_id, density.

    Records stand at the middles of the finest cells their source allows, edges at the coast and the border are allowed
    for. Quartic kernel of twice the cell size, at least 1,000 m. `.attrs["method"]` says so.
    """
    cells = places(scope, level, size_m)
    finest = store.cell_counts(scope, size_m=max(store.floor_m(scope), FINEST_M))
    land = shapely.union_all(store.areas(scope, level="lad").geometry.to_numpy())
    radius = max(2 * size_m, LEAST_RADIUS_M)
    found = surfaces.kernel_density(finest[finest["n"] > 0], cells, bandwidth_m=radius, weight="n", land=land)
    answer = found[["cell_id", "density"]]
    answer.attrs["method"] = f"Quartic kernel, {radius:,} m, edges allowed for"
    return answer


def clusters(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """Which circles of neighbouring areas hold more records than their residents lead one to expect? By area_code.

    Returns `cluster` (1 the most likely; missing outside all with p below 0.05), `in_cluster` (3 in the most likely, 2
    in another, 0 in none), `relative_risk` and `cluster_p`. `.attrs["method"]` says how it was looked for.
    """
    found = places(scope, level, size_m).rename(columns={"n": "cases"})
    known = found[found["population"] > 0]
    circles = scan.spatial(known, max_population=LARGEST_CLUSTER, simulations=SIMULATIONS)
    circles = circles[circles["p_value"] < HOT].assign(cluster=range(1, int((circles["p_value"] < HOT).sum()) + 1))
    parts = circles[["cluster", "area_codes", "relative_risk", "p_value"]].explode("area_codes")
    parts = parts.rename(columns={"area_codes": "area_code", "p_value": "cluster_p"})
    answer = found[["area_code"]].merge(parts, on="area_code", how="left")
    answer["in_cluster"] = np.select([answer["cluster"] == 1, answer["cluster"] > 1], [3, 2], 0)
    share = f"{100 * LARGEST_CLUSTER:g}% of residents"
    answer.attrs["method"] = f"Kulldorff's spatial scan, circles of up to {share}, {SIMULATIONS} simulations"
    return answer


def persistence(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """In what share of the months supplied each place was a hotspot: its key, periods, periods_hot, persistence.

    `lasting` is its class: 0 in no month, 1 in some, 2 in a third of them or more, 3 in four fifths or more.
    """
    found = places(scope, level, size_m)
    key = key_of(level)
    months = _months(scope, level, size_m)
    how = {"months": _held(scope), "key": key, "permutations": PERMUTATIONS}
    answer = hotspots.persistence(found, months, near(scope, level, found), **how)
    answer["lasting"] = np.searchsorted(LASTING, answer["persistence"].fillna(0.0), side="right")
    answer = answer[[key, "periods", "periods_hot", "persistence", "lasting"]]
    answer.attrs["method"] = "Hot in a month: Gi* of that month's counts, Benjamini-Hochberg at 5%"
    return answer


def change(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """Each place against the same months a year before, of those held in both years.

    Returns its key, n_now, n_before, ratio, ratio_lower, ratio_upper and `changed` (after false-discovery control: 2
    clearly more, -2 clearly fewer, 0 neither). `.attrs["months"]`: the months compared.
    """
    key, year = key_of(level), pd.DateOffset(years=1)
    held = set(store.held_months(scope, scope.sources[0]))
    both = [m for m in _held(scope) if m - year in held]
    if not both:
        raise store.NotHeld("There is no month to compare with: none of this period was supplied a year before too.")
    wide = scope.but(start=scope.start - year, end=scope.end)
    months = _months(wide, level, size_m)
    found = places(wide, level, size_m)[[key]]  # a cell off the land is one only while it has records
    for column, wanted in (("n_now", both), ("n_before", [m - year for m in both])):
        counted = months[months["month"].isin(wanted)].groupby(key)["n"].sum()
        found[column] = found[key].map(counted).fillna(0.0)
    answer = hotspots.change(found, now="n_now", before="n_before")
    clear = answer["q_value"] < HOT
    answer["changed"] = np.select([clear & (answer["ratio"] > 1), clear], [2, -2], 0)
    endless = ["ratio", "upper"]  # none a year before: there is no ratio, but a least one
    answer[endless] = answer[endless].replace(np.inf, np.nan)
    answer = answer.rename(columns={"lower": "ratio_lower", "upper": "ratio_upper"})
    answer = answer[[key, "n_now", "n_before", "ratio", "ratio_lower", "ratio_upper", "changed"]]
    answer.attrs["months"] = tuple(both)
    return answer


def emerging(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """How each place came to be hot or ceased to be, over the months supplied: its key, class, emergence, steps_hot.

    Steps are months; of long periods calendar quarters, which hold enough records to tell (only those held whole).
    `class` is one of the 17; `emergence` the simple four as numbers (3 persistent, 2 emerging, 1 now and then, -1
    former, 0 none). `.attrs["method"]` says which definitions. Raises NotEnoughData below ten months.
    """
    key = key_of(level)
    found = places(scope, level, size_m)
    months = _months(scope, level, size_m).rename(columns={key: "cell_id"})
    held = pd.Series(_held(scope))
    steps = held if len(held) <= LONG or _quarters(held).nunique() < classes.FEWEST_STEPS else _quarters(held)
    step_of = pd.Series(steps.to_numpy(), held.to_numpy())
    counted = months.assign(month=months["month"].map(step_of)).groupby(["cell_id", "month"])["n"].sum()
    full = pd.MultiIndex.from_product([found[key], steps.dropna().unique()], names=["cell_id", "month"])
    counts = counted.reindex(full, fill_value=0).reset_index()
    cells, around = found[[key]].rename(columns={key: "cell_id"}), near(scope, level, found)
    answer = classes.classify(cells, counts, around, permutations=PERMUTATIONS).rename(columns={"cell_id": key})
    answer["emergence"] = answer["simple_class"].map(EMERGENCE).fillna(0).astype(int)
    step = "month" if steps is held else "quarter"
    said = f"{answer['method'].iat[0]}; of counts, by {step}" if len(answer) else ""
    answer = answer[[key, "class", "emergence", "steps_hot"]]
    answer.attrs = {"method": said, "step": step}
    return answer


def health_source(scope: Scope) -> str:
    """The source of health records to set beside police records; empty where there is none, or these are not shown."""
    if definitions.source(scope.sources[0]).table != "incidents" or not scope.sources[0].startswith("police"):
        return ""
    held = [s for s in HEALTH if s in store.sources(scope) and store.can_answer(scope, s)]
    return held[0] if held and not store.banded_sources(scope.but(sources=(held[0],))) else ""


def hidden(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """Where health records are hot and police records are not, and the reverse: its key, n_health, agreement, seen.

    Both are counted over the months that both sources supplied, all violence. Each is hot where its own Gi* says so;
    `agreement.compare` pools a cell with its neighbours. `seen` is the agreement as a number: 3 hidden, 2 both, 1
    unclear, -1 police only, 0 neither. `.attrs`: `health` (which source), `months` (those compared), `method`.
    """
    key, source = key_of(level), health_source(scope)
    if scope.groups:
        raise store.NotHeld("Health records do not tell offence groups apart: choose all violence to compare them.")
    both = sorted(set(_held(scope)) & set(_held(scope.but(sources=(source,)))))
    if not both:
        raise store.NotHeld("There is no month of this period that both police and health records were supplied for.")
    cells = places(scope, level, size_m)
    around = near(scope, level, cells)
    cells = cells[[key]]
    for name, one in (("police", scope), ("health", scope.but(sources=(source,)))):
        months = _months(one, level, size_m)
        cells[name] = cells[key].map(months[months["month"].isin(both)].groupby(key)["n"].sum()).fillna(0.0)
        drawn = hotspots.gi_star(cells, around, value=name, permutations=PERMUTATIONS)
        cells[f"{name}_hot"] = (drawn["z"] > 0) & (significance.benjamini_hochberg(drawn["p_value"]) < HOT)
    pooled = around if level == "hex" else None
    answer = agreement.compare(cells, pooled, health_hot="health_hot", police_hot="police_hot")
    answer["seen"] = answer["agreement"].map(SEEN).fillna(0).astype(int)
    answer = answer.rename(columns={"health": "n_health"})[[key, "n_health", "health_share", "agreement", "seen"]]
    pools = "; a cell is compared together with its neighbours" if level == "hex" else ""
    answer.attrs = {"health": source, "months": tuple(both), "method": f"Shares of all violence in each source{pools}"}
    return answer


def scoreboard(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """Would the maps have worked? Each month judged by maps made from the year before it, on one share of the area.

    Returns one row per `ranked_by` (Gi* of counts, the plain count, chance) as `backtest.summary`, with `rri`. Months
    are held out where at least FEWEST_BEFORE of the twelve before them were supplied. `.attrs["months"]`: which.
    """
    key, wide = key_of(level), scope.but(start=scope.start - pd.DateOffset(months=24))
    found = places(wide, level, size_m)  # a cell off the land is one only while it has records
    cells = found[[key]].rename(columns={key: "cell_id"})
    cells["area_km2"] = grids.area_km2(size_m) if level == "hex" else found["area_km2"]
    counts = _months(wide, level, size_m).rename(columns={key: "cell_id"})
    year = pd.DateOffset(months=12)
    before = {m: [h for h in _held(wide) if m - year <= h < m] for m in _held(scope)}
    asked = [m for m, known in before.items() if len(known) >= FEWEST_BEFORE][-MOST_HELD_OUT:]
    if not asked:
        raise NotEnoughData(f"No month of the period has {FEWEST_BEFORE} months before it to make a map from.")
    around, maps = near(scope, level, found), []
    for month in asked:
        earlier = counts[counts["month"].isin(before[month])].groupby("cell_id")["n"].sum()
        plain = cells.assign(predicted=cells["cell_id"].map(earlier).fillna(0.0), ranked_by=PLAIN, month=month)
        z = hotspots.gi_star(plain, around, value="predicted")["z"]
        maps += [plain, plain.assign(predicted=z, ranked_by=GI)]
    scores = backtest.rolling(pd.concat(maps, ignore_index=True), counts, cells, area_share=COVERED)
    scores = scores[scores["ranked_by"] != backtest.LAST_YEAR]  # the plain count is that, and knows gaps
    answer = backtest.summary(scores, baseline=PLAIN)
    answer["rri"] = answer["ranked_by"].map(scores.groupby("ranked_by")["rri"].mean())
    answer["ranked_by"] = answer["ranked_by"].replace(backtest.CHANCE, "Chance")
    answer = answer.rename(columns={"lower": "hit_rate_lower", "upper": "hit_rate_upper"})
    answer.attrs["months"] = tuple(asked)
    return answer


def _held(scope: Scope) -> list[pd.Timestamp]:
    """The months of the period that the scope's source supplied."""
    return [m for m in store.held_months(scope, scope.sources[0]) if scope.start <= m <= scope.end]


def _quarters(months: pd.Series) -> pd.Series:
    """The first month of the calendar quarter of each month; missing where not all three are held."""
    first = months.dt.to_period("Q").dt.to_timestamp().astype(months.dtype)
    return first.where(first.groupby(first).transform("count") == 3)


def robustness(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    """In what share of grids each cell lies in a hotspot: cell_id, variants, variants_hot, robustness, robust.

    The grids are this one and those that begin half a cell further east, north, and both, at 0.7, 1 and 1.4 times the
    size (never below the floor of the source). `robust` is its class: 0 on none, 1 on some, 2 on half, 3 on all.
    """
    found = store.cell_counts(scope, size_m=size_m)
    ways = []
    for size in sorted({max(store.floor_m(scope), round(size_m * part)) for part in SIZES}):
        for east, north in ORIGINS:
            cells = store.cell_counts(scope, size_m=size, origin=(east * size, north * size))
            drawn = hotspots.gi_star(cells, grids.ring(cells), permutations=PERMUTATIONS)
            hot = (drawn["z"] > 0) & (significance.benjamini_hochberg(drawn["p_value"]) < HOT)
            ways.append(drawn[["x", "y"]].assign(variant=f"{size} m from {east}, {north}", hot=hot))
    answer = hotspots.robustness(found, pd.concat(ways, ignore_index=True))
    answer["robust"] = np.searchsorted((1e-9, 0.5, 1), answer["robustness"], side="right")
    answer = answer[["cell_id", "variants", "variants_hot", "robustness", "robust"]]
    answer.attrs["method"] = f"{len(ways)} grids of other origins and sizes, Gi* with Benjamini-Hochberg at 5% on each"
    return answer


def _months(scope: Scope, level: str, size_m: int) -> pd.DataFrame:
    if level == "hex":
        return store.cell_months(scope, size_m=size_m)
    return store.area_months(scope, level=level)
