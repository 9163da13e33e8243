"""What the map of hotspots can show: which column colours it, what its legend and its list say. A row is a choice."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

PLAIN = ("n", "rank_range", "share", "sure")  # what the list says of a place, whatever the map shows
FULL = (
    "town",
    "n",
    "share",
    "density",
    "rank_range",
    "sure",
    "robustness",
    "persistence_said",
    "class",
    "sources_agree",
)
FULL += ("since_quarter",)

LEVELS = {
    "hex": "Hexagons",
    "lsoa": "Small areas (LSOA)",
    "ward": "Wards",
    "msoa": "Neighbourhoods (MSOA)",
    "lad": "Authorities",
}
NOUNS = {"hex": "cell", "lsoa": "small area", "ward": "ward", "msoa": "neighbourhood", "lad": "authority"}
SCORES = (
    "ranked_by",
    "months",
    "n",
    "hit_rate",
    "hit_rate_lower",
    "hit_rate_upper",
    "pai",
    "pei",
    "rri",
    "against_baseline",
)
BENEATH = {"no": "Nothing", "few": "How few places hold it", "yes": "Would it have worked?"}
LISTS = {"short": "Short list", "full": "All columns"}
PEOPLE = {
    "resident": "Residents",
    "workday": "Workday population",
    "ambient": "People about (ambient)",
    "custom": "A count of our own",
    "crime": "All recorded crime",
}
PER = {
    "resident": "per 1,000 residents",
    "workday": "per 1,000 workday population",
    "ambient": "per 1,000 people about",
    "custom": "per 1,000 of our own count",
    "crime": "per 1,000 recorded crimes",
}


@dataclass(frozen=True)
class Show:
    """One choice.

    column, scheme, unit, title, labels : as the maps take them. by : the column the list is ordered by.
    listed : the columns of the list besides the place. answer : what has to be worked out besides the counts.
    asks, options : a further choice it offers, and its label; the first is the default.
    """

    label: str
    column: str
    title: str
    scheme: str = "count"
    unit: str = ""
    by: str = "n"
    listed: tuple[str, ...] = PLAIN
    answer: str = ""
    labels: Mapping[int, str] | None = field(default=None, hash=False)
    asks: str = ""
    options: Mapping[str, str] = field(default_factory=dict, hash=False)


def _classes(**told: str) -> dict[int, str]:
    """Words for the classes from -3 to 3: `up3` to `up1`, `none`, `down1` to `down3`; those not said are not used."""
    names = {3: "up3", 2: "up2", 1: "up1", 0: "none", -1: "down1", -2: "down2", -3: "down3"}
    return {number: told.get(name, "") for number, name in names.items()}


LASTING = _classes(
    up3="80% of the months or more", up2="a third of the months or more", up1="some months", none="no month"
)
EMERGENCE = _classes(up3="persistent", up2="emerging", up1="now and then", none="no pattern", down1="former")
SEEN = _classes(
    up3="health records more than police records",
    up2="both",
    up1="one, unclear",
    none="neither",
    down1="police records only",
)
CLUSTERS = _classes(up3="most likely cluster", up2="another cluster", none="in none")
ROBUST = _classes(up3="every way", up2="half of the ways or more", up1="some ways", none="none")
CHANGED = _classes(up2="clearly more", none="no clear change", down2="clearly fewer")
RISK = _classes(
    up3="clearly more (p < 0.01)",
    up2="more (p < 0.05)",
    none="as chance allows",
    down2="less (p < 0.05)",
    down3="clearly less (p < 0.01)",
)

SHOWS = {
    "hot": Show("Gi* hotspots", "confidence", "Hotspots (Gi*)", "class"),
    "count": Show("Count", "n", "Records per place", unit="records"),
    "rate": Show(
        "Rate",
        "rate",
        "Records",
        by="rate",
        listed=("rate", "lower", "upper", "n", "population"),
        asks="Per 1,000 of",
        options=PEOPLE,
    ),
    "harm": Show(
        "Harm",
        "harm",
        "Harm, as days of sentence",
        unit="days",
        by="harm",
        listed=("harm", "largest_share", "rests_on_one", "n"),
        answer="harm",
    ),
    "density": Show(
        "Density",
        "density",
        "Records",
        unit="per km²",
        by="density",
        listed=("density", "in_top", "n", "sure"),
        answer="density",
        asks="Window",
        options={"normal": "As usual", "half": "Half as wide", "double": "Twice as wide", "adaptive": "Adaptive"},
    ),
    "ratio": Show(
        "Risk ratio",
        "risk",
        "Denser than the comparison",
        "class",
        by="risk",
        listed=("density_ratio", "risk_said", "n"),
        answer="ratio",
        labels=RISK,
        asks="Against",
        options={key: PEOPLE[key] for key in ("crime", "resident", "workday", "ambient", "custom")},
    ),
    "clusters": Show(
        "Clusters in space",
        "in_cluster",
        "Spatial scan",
        "class",
        by="in_cluster",
        listed=("cluster", "relative_risk", "n"),
        answer="clusters",
        labels=CLUSTERS,
    ),
    "outbreaks": Show(
        "Clusters in space and time",
        "in_cluster",
        "Space-time scan",
        "class",
        by="in_cluster",
        listed=("cluster", "from_month", "to_month", "relative_risk", "recurrence_interval"),
        answer="outbreaks",
        labels=CLUSTERS,
        asks="Look for",
        options={"any": "Any months", "now": "Those that reach the newest month"},
    ),
    "persistence": Show(
        "Persistence",
        "lasting",
        "Hotspot in",
        "class",
        by="persistence",
        listed=("periods_hot", "periods_hot_day", "periods_hot_night", "n"),
        answer="persistence",
        labels=LASTING,
    ),
    "robustness": Show(
        "Robustness",
        "robust",
        "Hotspot, however drawn",
        "class",
        by="robustness",
        listed=("robustness", "n", "sure"),
        answer="robustness",
        labels=ROBUST,
    ),
    "emerging": Show(
        "Emerging",
        "emergence",
        "Over the months",
        "class",
        by="steps_hot",
        listed=("class", "steps_hot", "n"),
        answer="emerging",
        labels=EMERGENCE,
    ),
    "hidden": Show(
        "Hidden violence",
        "seen",
        "Hot in",
        "class",
        by="seen",
        listed=("agreement", "n_health", "n"),
        answer="hidden",
        labels=SEEN,
    ),
    "change": Show(
        "Change",
        "changed",
        "Against the earlier months",
        "class",
        by="ratio_lower",
        listed=("n_now", "n_before", "ratio", "ratio_lower"),
        answer="change",
        labels=CHANGED,
        asks="Against",
        options={"year": "The same months a year before", "quarter": "The newest three months, the three before"},
    ),
}
DERIVED = ("rate", "lower", "upper", "harm", "largest_share", "z", "share", "density", "in_top", "density_ratio")
DERIVED += ("relative_risk", "health_share", "ratio", "ratio_lower", "ratio_upper", "persistence", "robustness")
OWN_FIRST = {"rate", "harm", "ratio", "clusters", "outbreaks", "hidden", "change"}  # whose column the long list lacks
PLAYED = _classes(up3="hotspot", none="as expected")
NOT_FOR_CELLS = {"clusters", "outbreaks"}  # they need residents, or places that have neighbours of their own size
FOR_CELLS_ALONE = {"density", "ratio", "robustness"}
TRUE_COUNTS_ALONE = {"harm", "clusters", "outbreaks", "persistence", "emerging", "change", "robustness"}


def offered(level: str, levels: list[str], *, health: str, people: list[str], other_crime: bool) -> list[str]:
    """The choices that a level of places can answer; protected aggregates (no hexagons) have counts and rates alone.

    health : the source of health records to compare with; empty for none. people, other_crime : as in `choices`.
    """
    lacking = set(NOT_FOR_CELLS) if level == "hex" else set(FOR_CELLS_ALONE)
    lacking |= TRUE_COUNTS_ALONE if "hex" not in levels else set()
    lacking |= set() if health else {"hidden"}
    every = (name for name in SHOWS if name not in lacking)
    answerable = {"rate", "ratio"} & {n for n in SHOWS if choices(n, level, people, other_crime=other_crime)}
    return [name for name in every if name in answerable or name not in ("rate", "ratio")]


def listed(show: str, top: pd.DataFrame, *, full: bool) -> list[str]:
    """The columns of the list beside the map, of those there are. full : everything that is known of a place."""
    none = "cluster" in top and not top["cluster"].notna().any()
    own = SHOWS[show].listed[:1] if show in OWN_FIRST else ()
    wanted = (*own, *FULL) if full else PLAIN if none else SHOWS[show].listed
    return [column for column in ("place", *wanted) if column in top]


def choices(show: str, level: str, people: list[str], *, other_crime: bool) -> dict[str, str]:
    """The further choices of a map that can be answered: denominators only where they are held.

    people : the kinds of population that areas of the level (or, of cells, small areas) hold. other_crime : whether
        the source records anything else to compare with.
    """
    asked = SHOWS[show].options
    if show not in ("rate", "ratio"):
        return dict(asked)
    held = {*(people if show == "ratio" or level != "hex" else ()), *(["crime"] if other_crime else [])}
    return {key: label for key, label in asked.items() if key in held}
