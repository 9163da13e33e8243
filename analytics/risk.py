"""What goes with violence between areas: all methods under one name. A row is a factor, or an area."""

from analytics.rates import inequality
from analytics.risk_collinear import collinearity
from analytics.risk_correlations import correlations, modified_t_test
from analytics.risk_counts import count_model, per_sd, per_tenth
from analytics.risk_index import bivariate_classes, contributions, vulnerability_index, weight_effects
from analytics.risk_learned import boosted_trees, elastic_net, partial_dependence
from analytics.risk_local import local_relationships
from analytics.risk_spatial import spatial_alternative
from analytics.risk_unexplained import unexplained

__all__ = [
    "bivariate_classes",
    "boosted_trees",
    "collinearity",
    "contributions",
    "correlations",
    "count_model",
    "elastic_net",
    "inequality",
    "local_relationships",
    "modified_t_test",
    "partial_dependence",
    "per_sd",
    "per_tenth",
    "spatial_alternative",
    "unexplained",
    "vulnerability_index",
    "weight_effects",
]
