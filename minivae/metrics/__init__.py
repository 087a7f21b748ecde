"""What a trained model is judged by: −ELBO and its terms, the importance-weighted bound, active units.

And the yardsticks beside it: probabilistic PCA, and normal distributions with a full covariance.
"""

from minivae.metrics.evaluation import Estimate, Evaluation, evaluate
from minivae.metrics.gaussian import normal_kl, normal_log_density
from minivae.metrics.importance import ImportanceBound, importance_weighted_bound
from minivae.metrics.posterior import ActiveUnits, active_units, decoded_means, posterior_means, to_model
from minivae.metrics.ppca import ProbabilisticPCA, probabilistic_pca

__all__ = [
    "ActiveUnits",
    "Estimate",
    "Evaluation",
    "ImportanceBound",
    "ProbabilisticPCA",
    "active_units",
    "decoded_means",
    "evaluate",
    "importance_weighted_bound",
    "normal_kl",
    "normal_log_density",
    "posterior_means",
    "probabilistic_pca",
    "to_model",
]
