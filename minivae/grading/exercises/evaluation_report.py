"""Lesson 10: the report on a trained model, whatever β it was trained with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.exercises.elbo_steps import softplus
from minivae.grading.program import Program, Step

Rng = np.random.Generator
Encode = Callable[[Array], tuple[Array, Array]]
Decode = Callable[[Array], Array]


def evaluation_report(x: Array, encode: Encode, decode: Decode, eps: Array, beta: float) -> dict[str, float]:
    """Both terms, the loss that was minimised and the −ELBO, in nats per image, from one draw for each image."""
    mu, logvar = encode(x)
    logits = decode(mu + np.exp(logvar / 2) * eps)
    reconstruction = (softplus(logits) - x * logits).sum() / len(x)
    kl = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum() / len(x)
    named = {"reconstruction": reconstruction, "kl": kl}
    return named | {"trained_loss": reconstruction + beta * kl, "neg_elbo": reconstruction + kl}


def _case(rng: Rng) -> Arguments:
    """13 images of 7 pixels, 5 latent numbers, an encoder and a decoder that are not linear."""
    to_mu, to_logvar, to_logits = rng.standard_normal((7, 5)), rng.standard_normal((7, 5)), rng.standard_normal((5, 7))

    def encode(x: Array) -> tuple[Array, Array]:
        return x @ to_mu / 2, np.tanh(x @ to_logvar)

    def decode(z: Array) -> Array:
        return np.tanh(z) @ to_logits

    x = (rng.random((13, 7)) < 0.5).astype(float)
    return x, encode, decode, rng.standard_normal((13, 5)), float(rng.choice([0.3, 2.5]))


STEPS: dict[str, Step] = {
    "q": lambda v: v.encode(v.x),
    "mu": lambda v: v.q[0],
    "logvar": lambda v: v.q[1],
    "sigma": lambda v: np.exp(v.logvar / 2),
    "noise": lambda v: v.eps,
    "logits": lambda v: v.decode(v.mu + v.sigma * v.noise),
    "images": lambda v: len(v.x),
    "pixels": lambda v: 1,
    "latents": lambda v: 1,
    "reconstruction": lambda v: (softplus(v.logits) - v.x * v.logits).sum() / v.images / v.pixels,
    "kl": lambda v: 0.5 * (v.mu**2 + np.exp(v.logvar) - 1 - v.logvar).sum() / v.images / v.latents,
    "trained_loss": lambda v: v.reconstruction + v.beta * v.kl,
    "neg_elbo": lambda v: v.reconstruction + v.kl,
}
Z, REC = "z = μ + σ·ε", "Σ_d (softplus(l) − x·l), mean over images"

register(
    Exercise(
        name="evaluation_report",
        reference=evaluation_report,
        cases=_case,
        sizes={13: "N", 7: "D", 5: "L"},
        program=Program(
            STEPS,
            ("x", "encode", "decode", "eps", "beta"),
            {name: name for name in ("reconstruction", "kl", "trained_loss", "neg_elbo")},
        ),
        mistakes=(
            Mistake(
                "Z11",
                "no noise: the mean is decoded",
                "z = μ",
                Z,
                "The bound is a mean over z from q(z|x). Which z does your report use?",
                "The KL charges for a code of limited precision. Then the code must be used with that precision.",
                changes=({"noise": lambda v: 0 * v.eps},),
            ),
            Mistake(
                "K5",
                "the standard deviation is taken as e^logvar when drawing",
                "z = μ + e^logvar·ε",
                Z,
                "e^logvar is σ². Which power of σ multiplies ε?",
                "σ = exp(logvar/2).",
                changes=({"sigma": lambda v: np.exp(v.logvar)},),
            ),
            Mistake(
                "FV40",
                "β in the −ELBO",
                "reconstruction + β·KL",
                "reconstruction + KL",
                "The −ELBO bounds −log p(x). Does the bound know with which β the model was trained?",
                "Whatever was minimised, the bound is the sum of both terms with weight 1.",
                changes=({"neg_elbo": lambda v: v.reconstruction + v.beta * v.kl},),
            ),
            Mistake(
                "K16",
                "β is missing from the loss that was minimised",
                "reconstruction + KL",
                "reconstruction + β·KL",
                "Two of your numbers are equal. Should they be, if β is not 1?",
                "trained_loss is what the optimiser saw: with β.",
                changes=({"trained_loss": lambda v: v.reconstruction + v.kl},),
            ),
            Mistake(
                "R1",
                "the mean over the pixels",
                "mean over images and pixels",
                REC,
                "Your reconstruction is the cost of one pixel. Is your KL that of one pixel, too?",
                "Sum over the pixels (axis 1), mean over the images.",
                changes=({"pixels": lambda v: v.x.shape[1]},),
            ),
            Mistake(
                "K13",
                "the KL averaged over the latent numbers",
                "(1/L) Σ_j ½ (…)",
                "Σ_j ½ (…), mean over images",
                "Do two latent numbers carry as much as one, or twice as much?",
                "Sum over the latent numbers (axis 1), mean over the images.",
                changes=({"latents": lambda v: v.mu.shape[1]},),
            ),
            Mistake(
                "FV60",
                "both terms summed over the images",
                "Σ_n …",
                "(1/N) Σ_n …",
                "Would an image cost more if others were tested with it?",
                "Nats per image: divide by the number of images.",
                changes=({"images": lambda v: 1},),
            ),
        ),
    )
)
