"""What a trained model is judged by: −ELBO and its terms, the importance-weighted bound, active units."""

from minivae.metrics.evaluation import Estimate, Evaluation, evaluate
from minivae.metrics.importance import ImportanceBound, importance_weighted_bound
from minivae.metrics.posterior import ActiveUnits, active_units, decoded_means, posterior_means, to_model

__all__ = [
    "ActiveUnits",
    "Estimate",
    "Evaluation",
    "ImportanceBound",
    "active_units",
    "decoded_means",
    "evaluate",
    "importance_weighted_bound",
    "posterior_means",
    "to_model",
]
