"""Checks that code and mathematics agree.

Of gradients: finite differences, `gradcheck`, `check_gradient`. Of meaning: `check_sampler`, `check_kl`, `check_elbo`,
`check_model`, which draw numbers and say how surprising they are.
"""

from minivae.verify.bound import check_elbo
from minivae.verify.divergence import check_kl
from minivae.verify.finite_difference import directional_derivative, numerical_gradient
from minivae.verify.gradcheck import gradcheck
from minivae.verify.handwritten import check_gradient
from minivae.verify.model_bound import check_model
from minivae.verify.report import Failure, GradcheckReport, InputReport
from minivae.verify.sampler import check_sampler
from minivae.verify.statistic import MeaningReport, Statistic

__all__ = [
    "Failure",
    "GradcheckReport",
    "InputReport",
    "MeaningReport",
    "Statistic",
    "check_elbo",
    "check_gradient",
    "check_kl",
    "check_model",
    "check_sampler",
    "directional_derivative",
    "gradcheck",
    "numerical_gradient",
]
