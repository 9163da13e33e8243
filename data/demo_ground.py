"""The invented ground: small areas with risk factors, streets, and doors on the streets. A row is one of these."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from data import demo_geography, demo_planted
from data.demo_planted import Planted

STREETS, FEWEST = 7, 4  # streets of a small area, at most and at least: 8,000 in all
DOORS, STREET_M = 8, 70.0  # places along a street where something can happen, and half the length of a street
PERSON = 60  # residents per point that streets are chosen from
UNEVEN_STREETS, UNEVEN_DOORS, UNEVEN_AREAS = 0.7, 0.9, 0.2  # standard deviations of log weights that nothing explains
CENTRE_M = 350.0  # how far the pull of a town centre reaches: the standard deviation of its bell
CATCHMENT_M, VISITORS = 2_500, 20_000  # residents this near a centre; as many of them double what is pulled there
REACHES_M, OWN = {2_500: 1.0, 9_000: 0.3}, 0.6  # metres over which factors are alike, with weights; and not alike
CROWDED = {"demo_not_in_school": 0.9}  # weight of the density of residents

# Indicator: name, kind, unit, polarity, middle and standard deviation of its values
FACTORS = {
    "demo_not_in_school": ("Young people out of school or work (invented)", "risk", "%", "low_is_good", 6, 1.6),
    "demo_short_tenancies": ("Tenancies under a year (invented)", "risk", "%", "low_is_good", 14, 3.5),
    "demo_trusted_adults": ("Young people with a trusted adult (invented)", "protective", "%", "high_is_good", 74, 5),
    "demo_empty_shops": ("Empty shops (invented)", "risk", "%", "low_is_good", 11, 2.5),
    "demo_walk_to_park": ("Walk to the nearest park (invented)", "risk", "minutes", "low_is_good", 9, 2),
}
# fmt: off
FIRST_WORDS = ["Station", "Church", "Mill", "Park", "Manor", "Queen", "King", "Victoria", "Albert", "Oak", "Elm",
               "Meadow", "Orchard", "Spring", "Well", "Ferry", "Harbour", "Castle", "Abbey", "Priory", "Market", "West",
               "East", "North", "South", "Long", "Green", "Heath", "Common", "River", "Forge", "Chapel", "Chalk"]
LAST_WORDS = ["Road", "Street", "Lane", "Avenue", "Close", "Drive", "Way", "Crescent", "Terrace", "Gardens", "Walk"]
# fmt: on
KINDS = ("Supermarket", "Car Park", "Shopping Area", "Park/Open Space", "Pub", "Petrol Station", "Bus Station")
SCHOOLS, LICENSED = 320, 450
WORDS = {"school": ("School",), "licensed": ("Pub", "Bar", "Club", "Restaurant"), "station": ("Station",)}


@dataclass(frozen=True)
class Ground:
    """Where things happen.

    areas : one row per small area, in order of its code: area_code, name, authority_code, area_km2, x, y, population,
        the factors
        in standard deviations, and `rate`, how much happens there for each resident, town centres aside.
    streets : x, y, lon, lat, area (its row in areas), name.
    doors : x, y, street, area, weight (its share of what happens, town centres aside), pull (how many times as much a
        town centre adds); in order of area.
    """

    areas: pd.DataFrame
    streets: pd.DataFrame
    doors: pd.DataFrame


def ground(areas: pd.DataFrame, population: pd.DataFrame, planted: tuple[Planted, ...], seed: int = 0) -> Ground:
    """What does the invented area look like to those who are out in it?

    areas, population : as `demo_geography` gives them. planted : the factors among them have an effect on `rate`.

    Returns the Ground.
    """
    rng = np.random.default_rng([seed, 101])
    small = areas[areas["area_level"] == "lsoa"].sort_values("area_code", ignore_index=True)
    people = population[population["year"] == population["year"].min()].groupby("area_code")["population"].sum()
    rows = pd.DataFrame(small[["area_code", "name", "authority_code", "area_km2", "x", "y"]])
    rows["population"] = people.reindex(rows["area_code"]).to_numpy()
    shapes = small["geometry"].to_numpy()
    streets = _streets(shapes, rng)
    doors = _doors(streets, shapes, rng)
    doors["pull"] = _pull(rows, doors)
    centre = np.log1p(doors.groupby("area")["pull"].mean().to_numpy())
    chance = rng.normal(0, UNEVEN_AREAS, len(rows))
    rows = rows.assign(**_factors(rows, [centre, chance, rows["population"].to_numpy()], rng))
    effects = demo_planted.factors(planted)
    log_rate = chance + sum(effect * rows[name] for name, effect in effects.items())
    rows["rate"] = np.exp(log_rate)
    uneven = rng.normal(0, UNEVEN_STREETS, len(streets))[doors["street"]] + rng.normal(0, UNEVEN_DOORS, len(doors))
    share = pd.Series(np.exp(uneven)).pipe(lambda w: w / w.groupby(doors["area"].to_numpy()).transform("sum"))
    doors["weight"] = share * (rows["rate"] * rows["population"]).to_numpy()[doors["area"]]
    doors["weight"] /= doors["weight"].sum()
    return Ground(rows, streets, doors)


def indicators(ground: Ground) -> pd.DataFrame:
    """The columns of the table `indicators`: the five factors, and deprivation in tenths (1 is the most deprived)."""
    fixed = {"area_level": "lsoa", "source": "Invented", "licence": "Invented data", "feed_id": demo_geography.FEED}
    fixed |= {"area_code": ground.areas["area_code"], "published": "2025"}
    found = []
    for key, (name, kind, unit, polarity, middle, spread) in FACTORS.items():
        said = {"indicator_id": key, "name": name, "kind": kind, "unit": unit, "polarity": polarity, "period": "2024"}
        found.append(pd.DataFrame({**said, **fixed, "value": (middle + spread * ground.areas[key]).round(2)}))
    lacking = ground.areas["demo_not_in_school"] + ground.areas["demo_short_tenancies"]
    worst = lacking.rank(ascending=False, method="first")
    said = {"indicator_id": "demo_deprivation_decile", "name": "Deprivation tenth (invented; 1 = most deprived)"}
    said |= {"kind": "context", "unit": "tenth", "polarity": "high_is_good", "period": "2025"}
    found.append(pd.DataFrame({**said, **fixed, "value": np.ceil(10 * worst / len(worst))}))
    return pd.concat(found, ignore_index=True)


def places(ground: Ground, areas: pd.DataFrame, sites: dict[str, tuple[str, int, int]], seed: int = 0) -> pd.DataFrame:
    """The columns of the table `places`: towns as they are; hospitals, schools, stations, licensed premises invented.

    sites : code of each emergency department: its name and coordinates.
    """
    rng = np.random.default_rng([seed, 2])
    towns, streets = _towns(), ground.streets
    lively = 0.05 + ground.doors.groupby("street")["pull"].mean().to_numpy()
    tree = shapely.STRtree(shapely.points(streets["x"], streets["y"]))
    chosen = {
        "school": np.sort(rng.choice(len(streets), SCHOOLS, replace=False)),
        "licensed": np.sort(rng.choice(len(streets), LICENSED, replace=False, p=lively / lively.sum())),
        "station": tree.nearest(shapely.points(towns["x"], towns["y"])),
    }
    found = [towns[["name", "x", "y"]].assign(kind="town")]
    found.append(pd.DataFrame(list(sites.values()), columns=["name", "x", "y"]).assign(kind="hospital"))
    for kind, where in chosen.items():
        names = [f"{WORDS[kind][i % len(WORDS[kind])]} {i + 1}" for i in range(len(where))]
        found.append(streets.iloc[where][["x", "y"]].assign(kind=kind, name=names))
    rows = pd.concat(found, ignore_index=True)
    small = areas[areas["area_level"] == "lsoa"].reset_index(drop=True)
    area = shapely.STRtree(small["geometry"].to_numpy()).nearest(shapely.points(rows["x"], rows["y"]))
    ids = "demo_" + rows["kind"] + "_" + (rows.groupby("kind").cumcount() + 1).astype("str")
    codes = {column: small[column].to_numpy()[area] for column in ("area_code", "authority_code")}
    return rows.assign(place_id=ids, source="Invented", feed_id=demo_geography.FEED, **codes)


def _towns() -> pd.DataFrame:
    return demo_geography.settlements().query("kind == 'town'").reset_index(drop=True)


def _streets(shapes: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Streets lie where people live: at points of the crowd around the settlements, and anywhere where it is thin."""
    settled = demo_geography.settlements()
    crowd = settled.loc[settled.index.repeat(settled["population"] // PERSON + 1)]
    radius_m = 1_000 * np.sqrt(crowd["population"].to_numpy() / (demo_geography.TOWN_DENSITY * np.pi))
    spots = crowd[["x", "y"]].to_numpy() + rng.normal(size=(len(crowd), 2)) * demo_geography.SCATTER * radius_m[:, None]
    spots = rng.permutation(spots.round())
    point, area = shapely.STRtree(shapes).query(shapely.points(spots), predicate="within")
    found = pd.DataFrame({"x": spots[point, 0], "y": spots[point, 1], "area": area})
    found = found[found.groupby("area").cumcount() < STREETS]
    held = np.bincount(found["area"], minlength=len(shapes))
    thin = [_anywhere(shapes[i], i, FEWEST - held[i], rng) for i in np.flatnonzero(held < FEWEST)]
    found = pd.concat([found, *thin]).sort_values("area", kind="stable", ignore_index=True)
    names = pd.Series(rng.choice(FIRST_WORDS, len(found)), dtype="str") + " " + rng.choice(LAST_WORDS, len(found))
    found["name"] = names.where(rng.random(len(found)) > 0.08, rng.choice(KINDS, len(found)))
    return found.assign(**_degrees(found))


def _anywhere(shape: shapely.Geometry, area: int, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """So many whole-metre points inside one small area."""
    west, south, east, north = shape.bounds
    spots = np.column_stack([rng.uniform(west, east, 400), rng.uniform(south, north, 400)]).round()
    inside = spots[shapely.contains_xy(shape, spots[:, 0], spots[:, 1])][:n]
    return pd.DataFrame({"x": inside[:, 0], "y": inside[:, 1], "area": area})


def _degrees(points: pd.DataFrame) -> dict[str, np.ndarray]:
    from data.harmonise import to_degrees

    lon_lat = to_degrees(points["x"], points["y"]).round(6)
    return {"lon": lon_lat[:, 0], "lat": lon_lat[:, 1]}


def _doors(streets: pd.DataFrame, shapes: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Doors stand along both sides of a straight street; one that falls into another small area goes to its middle."""
    street = np.repeat(np.arange(len(streets)), DOORS)
    bearing = rng.uniform(0, np.pi, len(streets))[street]
    along = rng.uniform(-STREET_M, STREET_M, len(street))
    aside = rng.choice([-8.0, 8.0], len(street))
    middle, area = streets[["x", "y"]].to_numpy()[street], streets["area"].to_numpy()[street]
    east = np.cos(bearing) * along - np.sin(bearing) * aside
    north = np.sin(bearing) * along + np.cos(bearing) * aside
    spots = (middle + np.column_stack([east, north])).round()
    shapely.prepare(shapes)
    outside = ~shapely.contains_xy(shapes[area], spots[:, 0], spots[:, 1])
    spots[outside] = middle[outside]
    return pd.DataFrame({"x": spots[:, 0], "y": spots[:, 1], "street": street, "area": area})


def _pull(areas: pd.DataFrame, doors: pd.DataFrame) -> np.ndarray:
    """How many times as much happens at each door because a town centre is near."""
    towns = _towns()[["x", "y"]].to_numpy()
    near = np.hypot(*(towns[:, None] - areas[["x", "y"]].to_numpy()).transpose(2, 0, 1)) < CATCHMENT_M
    strength = near @ areas["population"].to_numpy() / VISITORS
    away_m = np.hypot(*(doors[["x", "y"]].to_numpy()[:, None] - towns).transpose(2, 0, 1))
    return (strength * np.exp(-0.5 * (away_m / CENTRE_M) ** 2)).sum(axis=1)


def _factors(areas: pd.DataFrame, unrelated: list[np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Factors alike over neighbourhoods, of mean 0 and deviation 1, unrelated to each other and to `unrelated`."""
    spots = areas[["x", "y"]].to_numpy()
    squared = ((spots[:, None] - spots) ** 2).sum(axis=2)
    smooth = sum(share * _kernel(squared, reach) for reach, share in REACHES_M.items())
    density = np.log(areas["population"] / areas["area_km2"])
    crowded = ((density - density.mean()) / density.std()).to_numpy()
    taken, found = [np.ones(len(areas)), *unrelated], {}
    for name in FACTORS:
        raw = smooth @ rng.normal(size=len(areas)) + OWN * rng.normal(size=len(areas)) + CROWDED.get(name, 0) * crowded
        basis = np.column_stack(taken)
        rest = raw - basis @ np.linalg.lstsq(basis, raw, rcond=None)[0]
        found[name] = rest / rest.std()
        taken.append(found[name])
    return found


def _kernel(squared: np.ndarray, reach_m: float) -> np.ndarray:
    """Weights that make chance alike over so many metres, and of variance 1 in town and country."""
    near = np.exp(-0.5 * squared / reach_m**2)
    return near / np.sqrt((near**2).sum(axis=1, keepdims=True))
