"""Lesson 08: the draw z = μ + σ·ε, and the gradient along its path."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Exercise, Mistake, Term, register
from minivae.grading.exercises.elbo_sampling_mistakes import SAMPLING_MISTAKES
from minivae.grading.exercises.normal_draws import SIZES, Function, bumpy_slope, normal_and_noise
from minivae.grading.program import Program, Step

THE_DRAW = tuple(m for m in SAMPLING_MISTAKES if m.code in {"K5", "Z2", "Z4", "Z6", "Z7", "Z8", "Z11", "Z13"})


def pathwise_estimates(f_prime: Function, mu: Array, logvar: Array, eps: Array) -> tuple[Array, ...]:
    """z = μ + σε, d_z = f′(z), and from it d_mu = d_z, d_logvar = d_z·½σε."""
    noise = np.exp(logvar / 2) * eps
    d_z = f_prime(mu + noise)
    return mu + noise, d_z, d_z, 0.5 * d_z * noise


DRAW: dict[str, Step] = {
    "sigma": lambda v: np.exp(v.logvar / 2),
    "noise": lambda v: v.eps,
    "z": lambda v: v.mu + v.sigma * v.noise,
    "g_to_mu": lambda v: 1.0,
    "g_to_logvar": lambda v: 0.5 * v.eps * np.exp(v.logvar / 2),
}
PATHWISE: dict[str, Step] = {
    "at": lambda v: v.z,
    "d_z": lambda v: v.f_prime(v.at),
    "d_mu": lambda v: v.d_z * v.g_to_mu,
    "d_logvar": lambda v: v.d_z * v.g_to_logvar,
}

register(
    Exercise(
        name="pathwise_estimates",
        reference=pathwise_estimates,
        cases=lambda rng: (bumpy_slope, *normal_and_noise(rng)),
        returns=("z", "d_z", "d_mu", "d_logvar"),
        sizes=SIZES,
        program=Program(
            DRAW | PATHWISE,
            ("f_prime", "mu", "logvar", "eps"),
            {name: name for name in ("z", "d_z", "d_mu", "d_logvar")},
        ),
        mistakes=(
            *THE_DRAW,
            Mistake(
                "Z15",
                "the slope is taken at the mean, not at the draw",
                "d_z = f′(μ)",
                "d_z = f′(z)",
                "At which number does f get its input?",
                "f is applied to z, so its slope is taken at z.",
                changes=({"at": lambda v: v.mu + 0 * v.eps},),
            ),
        ),
        terms={
            "z": (Term("μ", lambda v: v.mu + 0 * v.eps), Term("σ ε", lambda v: np.exp(v.logvar / 2) * v.eps)),
            "d_logvar": (
                Term("½ d_z ε σ", lambda v: 0.5 * v.d_z * v.eps * np.exp(v.logvar / 2)),
                Term("½ d_z ε", lambda v: 0.5 * v.d_z * v.eps, 0),
                Term("½ d_z σ", lambda v: 0.5 * v.d_z * np.exp(v.logvar / 2), 0),
                Term("½ d_z ε σ²", lambda v: 0.5 * v.d_z * v.eps * np.exp(v.logvar), 0),
            ),
        },
    )
)
