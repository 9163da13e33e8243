"""The invented partnership's map: small areas drawn around a hand-written list of settlements. A row is an area.

The authorities and their numbers of residents are real. Every border and every small area is invented and only
indicative; the settlements and the coast were written down from general knowledge, to about a kilometre.
"""

from string import ascii_uppercase
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from data import definitions, schema

if TYPE_CHECKING:
    import geopandas as gpd

FEED, VINTAGE, CRS = "demo", "2021", 27700
FORCE_AREA = "Hampshire and Isle of Wight"
SMALL_AREA, GROUP = 1_650, 4.8  # residents of a small area, small areas of a group: about the national averages
FEWEST = 3  # small areas of a group
GRID_M = 1.0  # every corner sits on this grid, so that neighbours share their edges exactly
AT_HOME, CENTRE_M = 0.55, 900  # share of residents who stay in their area by day; how far a town centre reaches
PERSON = 20  # residents per scattered point: about 80 points are enough to place a small area
TOWN_DENSITY = 3_500  # residents per square kilometre where people live close together
SCATTER = 0.55  # standard deviation of the scatter, as a share of the radius that this density gives
YEARS = range(2021, 2027)
# Percent of residents by five-year band, and the share of women in each band: England 2021, roughly, from memory.
AGES = (5.4, 5.9, 6.0, 5.7, 6.0, 6.6, 7.0, 6.7, 6.3, 6.4, 6.9, 6.8, 5.8, 4.9, 5.0, 3.6, 2.5, 1.6, 0.9)
WOMEN = (*[0.487] * 4, *[0.5] * 3, *[0.507] * 7, 0.52, 0.53, 0.55, 0.59, 0.66)
OLDER, STUDENTS = slice(13, None), [3, 4]  # positions of the bands from 65, and of 15-19 and 20-24


def settlements() -> pd.DataFrame:
    """Which named places lie inside the area?

    Returns one row per place: `name`, `authority_code`, `x`, `y` (EPSG:27700 metres, good to about 1 km),
    `population` (rough; a town's is that of its centre, since its suburbs have rows of their own) and `kind`
    (town, suburb, village, hamlet; the towns are the ones to label on a map).
    """
    places = _places()
    inside = places[places["authority_code"] != ""].reset_index(drop=True)
    return inside[["name", "authority_code", "x", "y", "population", "kind"]]


def areas(seed: int = 0) -> "gpd.GeoDataFrame":
    """What does the invented partnership's map look like?

    seed : fixes how residents are scattered around the settlements, and so where the small areas lie.

    Returns the columns of the table `areas` in EPSG:27700, with the levels lsoa, msoa, lad and pfa. Codes of small
    areas begin with X, so that none is taken for an official one. Neighbours share their edges exactly.
    Misleads when read as the real boundaries: borders run half-way between settlements.
    """
    import geopandas as gpd

    districts = _districts()
    small = _numbered(_small_areas(districts, _people(districts, np.random.default_rng(seed))))
    levels = [("lsoa", "msoa"), ("msoa", "lad"), ("lad", "pfa"), ("pfa", "nothing")]
    rows = pd.concat([_level(small, level, parent) for level, parent in levels], ignore_index=True)
    return gpd.GeoDataFrame(schema.typed(rows, "areas"), geometry="geometry", crs=CRS)


def population(areas: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """How many people of each age and sex live in each small area?

    areas : what `areas` returned; its rows of the level lsoa are used.
    seed : fixes how the small areas of an authority differ in size and age.

    Returns the columns of the table `population`, one row per small area, year, age band and sex; whole people. An
    authority's rows of 2021 add up to its real number of residents; growth and ages are rough assumptions of ours.
    """
    rng = np.random.default_rng(seed)
    assumed = pd.read_csv(definitions.HERE / "demo_authorities.csv").set_index("authority_code")
    residents = {a.code: a.residents_2021 for a in definitions.partnership().authorities}
    parts = []
    for code, small in areas[areas["area_level"] == "lsoa"].groupby("authority_code"):
        shares = _age_and_sex(rng, len(small), assumed.loc[code])
        for year in YEARS:
            total = round(residents[code] * (1 + assumed.loc[code, "growth"]) ** (year - YEARS[0]))
            people = _whole(shares[year - YEARS[0]] * total)
            parts.append(_long(people, small["area_code"]).assign(year=year))
    fixed = {"area_level": "lsoa", "pop_type": "resident", "vintage": VINTAGE, "estimated": True, "feed_id": FEED}
    return schema.typed(pd.concat(parts, ignore_index=True).assign(**fixed), "population")


def workday(areas: pd.DataFrame, population: pd.DataFrame) -> pd.DataFrame:
    """How many people are in each small area on a working day? Those at home, and those who come to the nearest towns.

    areas, population : as above. Rows of the table `population` for its newest year, all ages and sexes in one; rough
    assumptions of ours, to show what another denominator does: a town centre has many times its residents by day.
    """
    small = areas[areas["area_level"] == "lsoa"]
    newest = population[population["year"] == population["year"].max()]
    living = small["area_code"].map(newest.groupby("area_code")["population"].sum()).to_numpy(dtype=float)
    towns = settlements()
    away = np.hypot(*(small[["x", "y"]].to_numpy()[:, None] - towns[["x", "y"]].to_numpy()).transpose(2, 0, 1))
    pull = (towns["population"].to_numpy() * np.exp(-0.5 * (away / CENTRE_M) ** 2)).sum(axis=1)
    people = AT_HOME * living + (1 - AT_HOME) * living.sum() * pull / pull.sum()
    fixed = {"area_level": "lsoa", "age_band5": "all", "sex": "all", "vintage": VINTAGE, "estimated": True}
    fixed |= {"year": newest["year"].iat[0], "pop_type": "workday", "feed_id": FEED}
    rows = pd.DataFrame({"area_code": small["area_code"].to_numpy(), "population": np.round(people)})
    return schema.typed(rows.assign(**fixed), "population")


# Where the lines run. `held` is the ground a shape must stay on: first a land mass, then an authority's part of one.


def _districts() -> pd.DataFrame:
    """One row per authority and land mass: the ground nearer to its settlements than to any other authority's."""
    land, places = _land(), _places()
    points = shapely.points(places["x"], places["y"])
    ashore = shapely.STRtree(land).nearest(points)
    faces, held = _faces(land, points, ashore)
    owner = places["authority_code"].to_numpy()[_nearest(faces, held, points, ashore)]
    owner = _connected(faces, owner, held)
    faces = pd.DataFrame({"authority_code": owner, "held": held, "geometry": faces})
    districts = faces.groupby(["authority_code", "held"])["geometry"].agg(_union).reset_index()
    return districts[districts["authority_code"] != ""].reset_index(drop=True)


def _people(districts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One row per `PERSON` residents: a point near a settlement, on the authority's own ground; `held` its district."""
    places = settlements()
    crowd = places.loc[places.index.repeat(places["population"] // PERSON)].reset_index(drop=True)
    radius_m = 1_000 * np.sqrt(crowd["population"].to_numpy() / (TOWN_DENSITY * np.pi))
    crowd[["x", "y"]] += rng.normal(size=(len(crowd), 2)) * SCATTER * radius_m[:, None]
    found = []
    for held, district in districts.iterrows():
        own = crowd[crowd["authority_code"] == district["authority_code"]]
        found.append(own[shapely.contains_xy(district["geometry"], own["x"], own["y"])].assign(held=held))
    return pd.concat(found, ignore_index=True)


def _small_areas(districts: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """One row per small area, all with about as many people: `authority_code`, `group`, `geometry`."""
    residents = {a.code: a.residents_2021 for a in definitions.partnership().authorities}
    weight = people["authority_code"].map(residents) / people.groupby("authority_code")["held"].transform("size")
    seeds = pd.concat([_seeds(crowd, weight[crowd.index].sum()) for _, crowd in people.groupby("held")])
    seeds = seeds.reset_index(drop=True)
    points = shapely.points(seeds["x"], seeds["y"])
    faces, held = _faces(districts["geometry"].to_numpy(), points, seeds["held"].to_numpy())
    seed = _connected(faces, _nearest(faces, held, points, seeds["held"].to_numpy()), held)
    shapes = pd.Series(faces).groupby(seed).agg(_union).rename("geometry")
    small = seeds.join(shapes, how="inner")
    shapes, group, held = (small[column].to_numpy() for column in ("geometry", "group", "held"))
    group = _connected(shapes, group, held, fewest=FEWEST)
    return small.assign(authority_code=districts["authority_code"].to_numpy()[held], group=group)


def _seeds(crowd: pd.DataFrame, residents: float) -> pd.DataFrame:
    """The middles of a district's small areas: `x`, `y`, `held`, and the `group` of neighbours they are in."""
    spots = crowd[["x", "y"]].reset_index(drop=True)
    seeds = spots.groupby(_equal_parts(spots.to_numpy(), max(1, round(residents / SMALL_AREA)))).mean()
    held = crowd["held"].iloc[0]
    group = 1_000 * held + _equal_parts(seeds.to_numpy(), max(1, round(len(seeds) / GROUP)))
    return seeds.assign(held=held, group=group)


def _equal_parts(points: np.ndarray, parts: int) -> np.ndarray:
    """Which of so many equal parts each point is in, when they are cut again and again across their longer side."""
    part = np.zeros(len(points), dtype=int)
    if parts > 1:
        first = parts // 2
        order = points[:, points.std(axis=0).argmax()].argsort(kind="stable")
        low, high = np.split(order, [round(len(points) * first / parts)])
        part[low] = _equal_parts(points[low], first)
        part[high] = first + _equal_parts(points[high], parts - first)
    return part


def _faces(grounds: np.ndarray, points: np.ndarray, points_held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pieces of ground between the lines half-way from point to point, and which ground each piece is on."""
    lines = [shapely.boundary(grounds)]
    for held, ground in enumerate(grounds):
        near = shapely.multipoints(points[points_held == held])
        halfway = shapely.voronoi_polygons(near, extend_to=ground, only_edges=True)
        lines.append([shapely.intersection(halfway, ground)])
    cut = shapely.union_all(np.concatenate(lines), grid_size=GRID_M)  # cut wherever lines cross, so edges are shared
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(cut)))
    face, held = shapely.STRtree(grounds).query(shapely.point_on_surface(faces), predicate="within")
    return faces[face], held  # a face on no ground is water between the lands


def _nearest(faces: np.ndarray, held: np.ndarray, points: np.ndarray, points_held: np.ndarray) -> np.ndarray:
    """For each face the position of the nearest point on the same ground."""
    nearest = np.empty(len(faces), dtype=int)
    for ground in np.unique(held):
        own, here = np.flatnonzero(points_held == ground), held == ground
        nearest[here] = own[shapely.STRtree(points[own]).nearest(shapely.point_on_surface(faces[here]))]
    return nearest


def _connected(shapes: np.ndarray, label: np.ndarray, held: np.ndarray, fewest: int = 1) -> np.ndarray:
    """The labels, once every stray piece has gone to the neighbour on its ground that shares most border with it.

    fewest : a label with fewer pieces than this on its ground is given up.
    """
    label = label.copy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    shared_m = shapely.length(shapely.intersection(shapes[one], shapes[other]))
    border = pd.DataFrame({"one": one, "other": other, "shared_m": shared_m})
    border = border[(shared_m > 0) & (one != other) & (held[one] == held[other])]
    for _ in range(3):  # a piece among stray pieces waits until one of these has found its place
        stray = _stray(shapes, label, held, fewest)
        offers = border[border["one"].isin(stray) & ~border["other"].isin(stray)]
        offers = offers.assign(label=label[offers["other"]]).groupby(["one", "label"])["shared_m"].sum().reset_index()
        best = offers.sort_values("shared_m", kind="stable").drop_duplicates("one", keep="last")
        label[best["one"]] = best["label"]
    return label


def _stray(shapes: np.ndarray, label: np.ndarray, held: np.ndarray, fewest: int) -> np.ndarray:
    """Positions of the shapes that do not hang together with the largest piece of their label on their ground."""
    stray = []
    for members in pd.DataFrame({"label": label, "held": held}).groupby(["label", "held"]).indices.values():
        pieces = shapely.get_parts(_union(shapes[members]))
        largest = pieces[shapely.area(pieces).argmax()]
        lost = ~shapely.contains(largest, shapely.point_on_surface(shapes[members]))
        stray.extend(members[lost] if (~lost).sum() >= fewest else members)
    return np.array(stray, dtype=int)


def _union(shapes: pd.Series | np.ndarray) -> shapely.Geometry:
    """One shape out of pieces that share their edges exactly."""
    return shapely.coverage_union_all(np.asarray(shapes))


# From the hand-written lists to the lines, and from the lines to the table.


def _places() -> pd.DataFrame:
    """Every settlement of the list, with its authority's code: empty for those that only mark the outer border."""
    codes = {a.name: a.code for a in definitions.partnership().authorities} | {"outside": ""}
    places = pd.read_csv(definitions.HERE / "settlements.csv")
    return places.assign(authority_code=places["authority"].map(codes)).astype({"x": float, "y": float})


def _land() -> np.ndarray:
    """The land masses that the points of the coastline go round."""
    coast = pd.read_csv(definitions.HERE / "coastline.csv")
    return np.array([shapely.Polygon(ring[["x", "y"]]) for _, ring in coast.groupby("land", sort=False)])


def _numbered(small: pd.DataFrame) -> pd.DataFrame:
    """Codes and names in the official manner: groups are numbered from the north, small areas are their letters."""
    partnership = definitions.partnership()
    small = small.assign(north=-small.groupby("group")["y"].transform("mean"), south=-small["y"])
    small = small.sort_values(["authority_code", "north", "group", "south"]).reset_index(drop=True)
    number = small.groupby("authority_code")["group"].transform(lambda group: pd.factorize(group)[0] + 1)
    lad_name = small["authority_code"].map({a.code: a.name for a in partnership.authorities})
    msoa_name = lad_name + number.map(" {:03d}".format)
    letter = small.groupby("group").cumcount().map(dict(enumerate(ascii_uppercase)))
    names = {"lsoa_name": msoa_name + letter, "msoa_name": msoa_name, "lad_name": lad_name, "pfa_name": FORCE_AREA}
    return small.assign(
        lsoa=[f"X01{i:06d}" for i in range(1, len(small) + 1)],
        msoa=[f"X02{i:06d}" for i in pd.factorize(small["group"])[0] + 1],
        lad=small["authority_code"],
        pfa=partnership.force_area,
        nothing=None,
        **names,
    )


def _level(small: pd.DataFrame, level: str, parent: str) -> pd.DataFrame:
    """One row per area of a level, drawn by putting its small areas together."""
    columns = {"name": f"{level}_name", "parent": parent, "authority_code": "nothing" if level == "pfa" else "lad"}
    rows = small.groupby(level, sort=False).agg(**{name: (column, "first") for name, column in columns.items()})
    rows["geometry"] = small.groupby(level, sort=False)["geometry"].agg(_union)
    rows = rows.rename_axis("area_code").reset_index()
    spot = shapely.point_on_surface(rows["geometry"])
    everyday = _everyday_names(rows) if level in ("lsoa", "msoa") else rows["name"]
    place = {"everyday_name": everyday, "x": shapely.get_x(spot), "y": shapely.get_y(spot)}
    return rows.assign(
        area_level=level, area_km2=shapely.area(rows["geometry"]) / 1e6, vintage=VINTAGE, feed_id=FEED, **place
    )


def _everyday_names(rows: pd.DataFrame) -> np.ndarray:
    """The largest settlement in each area; where there is none, the nearest of the same authority."""
    places, shapes = (
        settlements().sort_values("population", kind="stable").reset_index(drop=True),
        rows["geometry"].to_numpy(),
    )
    points = shapely.points(places["x"], places["y"])
    nearest = _nearest(shapes, rows["authority_code"].to_numpy(), points, places["authority_code"].to_numpy())
    place, row = shapely.STRtree(shapes).query(points, predicate="within")
    largest = pd.Series(place).groupby(row).max()  # places are in order of size
    nearest[largest.index] = largest
    return places["name"].to_numpy()[nearest]


# Who lives there.


def _age_and_sex(rng: np.random.Generator, areas: int, assumed: pd.Series) -> np.ndarray:
    """Shares of an authority's residents, by year, small area, age band and sex; each year adds up to 1."""
    years = np.arange(len(YEARS))[:, None]
    size = rng.lognormal(0, 0.12, areas) * np.exp(rng.normal(0, 0.004, areas) * years)
    older = np.minimum(assumed["over_65"] * rng.lognormal(0, 0.25, areas) * 1.008**years, 0.6)
    students = np.minimum(assumed["students"] * rng.lognormal(-0.3, 0.8, areas), 0.4)
    ages = np.array(AGES) / np.where(np.arange(len(AGES)) < OLDER.start, sum(AGES[: OLDER.start]), sum(AGES[OLDER]))
    shares = ages * (1 - older)[..., None]
    shares[..., OLDER] = ages[OLDER] * older[..., None]
    shares *= (1 - students)[:, None]
    shares[..., STUDENTS] += students[:, None] * [0.25, 0.75]
    shares = (shares * size[..., None])[..., None] * np.stack([WOMEN, 1 - np.array(WOMEN)], axis=1)
    return shares / shares.sum(axis=(1, 2, 3), keepdims=True)


def _whole(people: np.ndarray) -> np.ndarray:
    """Whole people with the same total: the largest remainders are rounded up."""
    down = np.floor(people)
    short = round((people - down).sum())
    down.flat[(down - people).ravel().argsort(kind="stable")[:short]] += 1
    return down


def _long(people: np.ndarray, codes: pd.Series) -> pd.DataFrame:
    """One row per small area, age band and sex."""
    names = ["area_code", "age_band5", "sex"]
    index = pd.MultiIndex.from_product([codes, schema.AGE_BANDS, ["female", "male"]], names=names)
    return pd.Series(people.ravel(), index, name="population").reset_index()
