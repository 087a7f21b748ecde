"""The distributions and divergences: their trials, and all their wrong versions."""

from __future__ import annotations

from minivae.distributions import Bernoulli, Categorical, GreyBCE, Normal, kl_divergence
from minivae.selfcheck import distributions
from minivae.selfcheck.case import Case
from minivae.selfcheck.zoo.distributions import discrete, divergences, normal
from minivae.selfcheck.zoo.distributions.trials import density, divergence, sampler
from minivae.selfcheck.zoo.subject import Subject, Trial
from minivae.selfcheck.zoo.trials import gradients


def subjects() -> list[Subject]:
    """One for each name in `minivae.distributions`."""
    coins, classes = discrete.BERNOULLI_EXAMPLES, discrete.CATEGORICAL_EXAMPLES
    return [
        Subject(
            "distribution",
            "Normal",
            Normal,
            (density(normal.EXAMPLES), gradients(_cases("Normal")), sampler(normal.EXAMPLES)),
            normal.MUTANTS,
        ),
        Subject(
            "distribution",
            "Bernoulli",
            Bernoulli,
            (density(coins), gradients(_cases("Bernoulli")), sampler(coins)),
            discrete.BERNOULLI,
        ),
        Subject(
            "distribution",
            "GreyBCE",
            GreyBCE,
            (Trial("value", discrete.grey), gradients(_cases("GreyBCE"))),
            discrete.GREY,
        ),
        Subject(
            "distribution",
            "Categorical",
            Categorical,
            (density(classes), gradients(_cases("Categorical")), sampler(classes)),
            discrete.CATEGORICAL,
        ),
        Subject(
            "distribution",
            "kl_divergence",
            kl_divergence,
            (divergence(divergences.PAIRS), gradients(_cases("kl_divergence"))),
            divergences.MUTANTS,
        ),
    ]


def _cases(subject: str) -> list[Case]:
    return [case for case in distributions.CASES if case.subject == subject]
