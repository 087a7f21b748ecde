"""Checks that code and mathematics agree: finite differences, `gradcheck` and `check_gradient`."""

from minivae.verify.finite_difference import directional_derivative, numerical_gradient
from minivae.verify.gradcheck import gradcheck
from minivae.verify.handwritten import check_gradient
from minivae.verify.report import Failure, GradcheckReport, InputReport

__all__ = [
    "Failure",
    "GradcheckReport",
    "InputReport",
    "check_gradient",
    "directional_derivative",
    "gradcheck",
    "numerical_gradient",
]
