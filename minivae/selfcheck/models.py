"""Cases for the models: all terms of the ELBO, for data, noise and every parameter."""

from __future__ import annotations

from typing import Any

from minivae import models
from minivae.models import LIKELIHOODS
from minivae.random import Rng
from minivae.selfcheck.case import Case, Check, Draw, between, binary, normal
from minivae.selfcheck.layers import module_check
from minivae.selfcheck.objectives import terms

_DATA = {"bernoulli": binary, "grey-bce": lambda *shape: between(0.1, 0.9, *shape)}


def model(subject: str, variant: str, batch: int, image_shape: tuple[int, ...], **options: Any) -> Case:
    """A case for `minivae.models.<subject>` of these options."""
    likelihood = options["likelihood"]
    sigma = 0.6 if "gaussian" in likelihood else None

    def build(target: Any, rng: Rng) -> Check:
        module = target(image_shape=image_shape, **options, sigma=sigma, seed=int(rng.integers(1000)))
        draw: Draw = _DATA.get(likelihood, normal)(batch, *image_shape)
        inputs = {"x": draw(rng), "eps": rng.standard_normal((batch, module.latent_dim))}
        return module_check(module, rng, lambda m, x, eps: terms(m.elbo(x, eps, beta=0.7)), inputs, 0.1)

    return Case("model", subject, f"{likelihood}, {variant}", getattr(models, subject), build, full_below=60)


CASES: list[Case] = [
    *(
        model("VAE", "tanh", 3, (1, 5, 2), hidden=(7,), latent_dim=2, activation="tanh", likelihood=likelihood)
        for likelihood in LIKELIHOODS
    ),
    *(
        model("ConvVAE", "silu", 3, (1, 8, 4), channels=(3, 5), latent_dim=2, activation="silu", likelihood=likelihood)
        for likelihood in LIKELIHOODS
    ),
    model("VAE", "linear", 5, (7,), hidden=(), latent_dim=3, likelihood="gaussian-learned"),
    model("VAE", "relu, two hidden", 3, (5,), hidden=(7, 4), latent_dim=2, activation="relu", likelihood="grey-bce"),
    model(
        "ConvVAE", "relu, colour", 2, (3, 4, 6), channels=(5,), latent_dim=2, activation="relu", likelihood="grey-bce"
    ),
]
