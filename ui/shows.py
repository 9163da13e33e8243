"""What the map of hotspots can show: which column colours it, what its legend and its list say. A row is a choice."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PLAIN = ("n", "rank_range", "share", "sure")  # what the list says of a place, whatever the map shows

LEVELS = {"hex": "Hexagons", "lsoa": "Small areas (LSOA)", "msoa": "Neighbourhoods (MSOA)", "lad": "Authorities"}
NOUNS = {"hex": "cell", "lsoa": "small area", "msoa": "neighbourhood", "lad": "authority"}
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
HELD_OUT = {"no": "Leave out", "yes": "Score the map on months held out"}


@dataclass(frozen=True)
class Show:
    """One choice.

    column, scheme, unit, title, labels : as the maps take them. by : the column the list is ordered by.
    listed : the columns of the list besides the place. answer : what has to be worked out besides the counts.
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


LASTING = {3: "80% of the months or more", 2: "a third of the months or more", 1: "some months", 0: "no month"}
LASTING |= dict.fromkeys((-1, -2, -3), "")
EMERGENCE = {3: "persistent", 2: "emerging", 1: "now and then", 0: "no pattern", -1: "former", -2: "", -3: ""}
SEEN = {
    3: "health records more than police records",
    2: "both",
    1: "one, unclear",
    0: "neither",
    -1: "police records only",
}
SEEN |= {-2: "", -3: ""}
CLUSTERS = {3: "most likely cluster", 2: "another cluster", 0: "in none"} | dict.fromkeys((1, -1, -2, -3), "")
ROBUST = {3: "every grid", 2: "half of the grids or more", 1: "some grids", 0: "none"} | dict.fromkeys((-1, -2, -3), "")
CHANGED = {2: "clearly more", 1: "", 0: "no clear change", -1: "", -2: "clearly fewer", 3: "", -3: ""}
SHOWS = {
    "hot": Show("Gi* hotspots", "confidence", "Hotspots (Gi*)", "class"),
    "count": Show("Count", "n", "Records per place", unit="records"),
    "rate": Show(
        "Rate",
        "rate",
        "Records",
        unit="per 1,000 residents",
        by="rate",
        listed=("rate", "lower", "upper", "population"),
    ),
    "harm": Show("Harm", "harm", "Harm, as days of sentence", unit="days", by="harm", listed=("harm", "n")),
    "density": Show(
        "Density",
        "density",
        "Records",
        unit="per km²",
        by="density",
        listed=("density", "n", "sure"),
        answer="density",
    ),
    "clusters": Show(
        "Clusters",
        "in_cluster",
        "Spatial scan",
        "class",
        by="in_cluster",
        listed=("cluster", "relative_risk", "n"),
        answer="clusters",
        labels=CLUSTERS,
    ),
    "persistence": Show(
        "Persistence",
        "lasting",
        "Hotspot in",
        "class",
        by="persistence",
        listed=("periods_hot", "n", "sure"),
        answer="persistence",
        labels=LASTING,
    ),
    "robustness": Show(
        "Robustness",
        "robust",
        "Hotspot on",
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
        "Against the year before",
        "class",
        by="ratio_lower",
        listed=("n_now", "n_before", "ratio", "ratio_lower"),
        answer="change",
        labels=CHANGED,
    ),
}


def offered(level: str, levels: list[str], *, health: str) -> list[str]:
    """The choices that a level of places can answer; protected aggregates (no hexagons) have counts and rates alone.

    health : the source of health records to compare with; empty for none.
    """
    protected = "hex" not in levels
    lacking = {"rate", "clusters"} if level == "hex" else {"density"}
    lacking |= {"harm", "clusters", "persistence", "emerging", "change"} if protected else set()
    lacking |= set() if level == "hex" else {"robustness"}
    return [name for name in SHOWS if name not in lacking and (name != "hidden" or health)]
