"""The exercises on the ELBO: arguments to try, the mistakes that can happen in each, and the terms to measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, register
from minivae.grading.exercises import elbo
from minivae.grading.exercises.elbo_mistakes import MISTAKES
from minivae.grading.exercises.elbo_steps import STEPS
from minivae.grading.exercises.elbo_terms import TERMS
from minivae.grading.program import Program

B, D, L, H, G = 13, 7, 5, 11, 9  # pairwise coprime, so that no mean over the wrong axis looks right
SIZES = {B: "B", D: "D", L: "L", H: "H", G: "G"}
Rng = np.random.Generator


def values(rng: Rng) -> dict[str, Any]:
    """One of everything that an exercise may ask for: β ≠ 1, log-variances on both sides of 0, grey pixels."""

    def weight(rows: int, columns: int) -> Array:
        return rng.standard_normal((rows, columns)) / np.sqrt(rows)

    shapes = {"h": (D, H), "mu": (H, L), "logvar": (H, L), "dec": (L, G), "logits": (G, D)}
    params = {}
    for name, (rows, columns) in shapes.items():
        params["W_" + name] = 1.5 * weight(rows, columns)
        params["b_" + name] = 0.3 * rng.standard_normal(columns)
    return {
        "params": params,
        "x": rng.uniform(0.05, 0.95, (B, D)),
        "eps": rng.standard_normal((B, L)),
        "beta": float(rng.uniform(1.5, 3.0)),
        "mu": rng.standard_normal((B, L)),
        "logvar": rng.uniform(-2.0, 2.0, (B, L)),
        "logits": 2 * rng.standard_normal((B, D)),
        "h": np.tanh(rng.standard_normal((B, H))),
        "z": rng.standard_normal((B, L)),
        "h_dec": np.tanh(rng.standard_normal((B, G))),
        "d_logits": rng.standard_normal((B, D)),
        "d_z": rng.standard_normal((B, L)),
        "d_mu": rng.standard_normal((B, L)),
        "d_logvar": rng.standard_normal((B, L)),
    }


def exercise(
    reference: Callable[..., Any],
    outputs: str | Mapping[str, str],
    returns: tuple[str, ...] = (),
    **options: Any,
) -> Exercise:
    """Register the exercise of that reference; `outputs` are names, or name -> step where the two differ."""
    steps = {name: name for name in outputs.split()} if isinstance(outputs, str) else outputs
    names = tuple(reference.__code__.co_varnames[: reference.__code__.co_argcount])
    program = Program(STEPS, names, steps)

    def cases(rng: Rng) -> Arguments:
        drawn = values(rng)
        return tuple(drawn[name] for name in names)

    return register(
        Exercise(
            name=reference.__name__,
            reference=reference,
            cases=cases,
            returns=returns,
            program=program,
            mistakes=MISTAKES,
            terms={name: TERMS[step] for name, step in steps.items() if step in TERMS},
            sizes=SIZES,
            **options,
        )
    )


def _sure_logits(rng: Rng) -> Arguments:
    return np.array([[0.0, 1.0, 1.0, 0.0]]), np.array([[-800.0, 800.0, -800.0, 800.0]])


exercise(elbo.sample_z, "z", ("z",))
exercise(elbo.kl_term, "kl", ("kl",))
exercise(
    elbo.reconstruction_term,
    "reconstruction",
    ("reconstruction",),
    extremes={"logits of ±800 (a very sure decoder)": _sure_logits},
)
exercise(elbo.negative_elbo, "reconstruction kl loss")
exercise(elbo.elbo_forward, "h mu logvar z h_dec logits reconstruction kl loss")
exercise(
    elbo.logits_backward,
    "d_logits",
    ("d_logits",),
    extremes={"logits of ±800 (a very sure decoder)": _sure_logits},
)
exercise(elbo.decoder_backward, "d_W_logits d_b_logits d_h_dec d_W_dec d_b_dec d_z")
exercise(elbo.sampling_backward, {"d_mu": "rec_d_mu", "d_logvar": "rec_d_logvar"}, ("d_mu", "d_logvar"))
exercise(elbo.kl_backward, {"d_mu": "kl_d_mu", "d_logvar": "kl_d_logvar"}, ("d_mu", "d_logvar"))
exercise(elbo.heads_backward, "d_mu d_logvar", ("d_mu", "d_logvar"))
exercise(elbo.encoder_backward, "d_W_mu d_b_mu d_W_logvar d_b_logvar d_h d_W_h d_b_h")
exercise(
    elbo.elbo_backward,
    "mu logvar z logits reconstruction kl loss d_logits d_W_logits d_b_logits d_h_dec d_W_dec d_b_dec d_z "
    "d_mu d_logvar d_W_mu d_b_mu d_W_logvar d_b_logvar d_h d_W_h d_b_h",
    other_forms={
        "logsigma": ("logvar", lambda value, v: 2 * value),
        "d_logsigma": ("d_logvar", lambda value, v: value / 2),
    },
)
