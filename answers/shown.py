"""The answers behind each map of the hotspots page, by name; a row is a place (of `scoreboard` a way to rank)."""

from answers import clusters, over_time, sureness, surfaces

ANSWERS = {
    "density": surfaces.density,
    "ratio": surfaces.ratio,
    "harm": sureness.harm,
    "clusters": clusters.clusters,
    "outbreaks": clusters.outbreaks,
    "persistence": over_time.persistence,
    "robustness": sureness.robustness,
    "emerging": over_time.emerging,
    "hidden": sureness.hidden,
    "change": over_time.change,
    "everything": sureness.everything,
    "scoreboard": over_time.scoreboard,
}
