"""Cases for the distributions: densities, entropies, moments, reparameterised samples, and every closed-form KL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minivae import distributions
from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, Categorical, Normal, kl_divergence
from minivae.distributions.kl import kl_to_standard_normal
from minivae.random import Rng
from minivae.selfcheck.case import Case, Check, Draw, between, binary, normal, op, positive

_LABELS = np.array([4, 0, 2])


def distribution(subject: str, variant: str, call: Callable[..., Tensor], **inputs: Draw) -> Case:
    """A case for `minivae.distributions.<subject>`; `call` gets the class and the inputs."""

    def build(target: Any, rng: Rng) -> Check:
        return Check(lambda *tensors: call(target, *tensors), {name: draw(rng) for name, draw in inputs.items()})

    return Case("distribution", subject, variant, getattr(distributions, subject), build)


def kl(variant: str, call: Callable[..., tuple[Any, Any]], **inputs: Draw) -> Case:
    """A case for `kl_divergence`; `call` makes p and q from the inputs."""

    def build(target: Any, rng: Rng) -> Check:
        return Check(lambda *tensors: target(*call(*tensors)), {name: draw(rng) for name, draw in inputs.items()})

    return Case("distribution", "kl_divergence", variant, kl_divergence, build)


NORMAL: list[Case] = [
    distribution(
        "Normal",
        "log_prob",
        lambda d, x, loc, s: d(loc, s).log_prob(x),
        x=normal(3, 5),
        loc=normal(3, 5),
        scale=positive(3, 5),
    ),
    distribution(
        "Normal",
        "log_prob, from_logvar, broadcast",
        lambda d, x, loc, logvar: d.from_logvar(loc, logvar).log_prob(x),
        x=normal(3, 1, 5),
        loc=normal(4, 1),
        logvar=normal(),
    ),
    distribution(
        "Normal",
        "log_prob, scale a number",
        lambda d, x, loc: d(loc, 0.3).log_prob(x),
        x=normal(3, 5),
        loc=normal(3, 5),
    ),
    distribution("Normal", "log_prob, standard", lambda d, x: d(0, 1).log_prob(x), x=normal(3, 5)),
    distribution("Normal", "entropy", lambda d, loc, s: d(loc, s).entropy(), loc=normal(3, 5), scale=positive(3, 5)),
    distribution(
        "Normal",
        "entropy, from_logvar",
        lambda d, mu, v: d.from_logvar(mu, v).entropy(),
        loc=normal(3, 5),
        logvar=normal(5),
    ),
    distribution(
        "Normal",
        "rsample",
        lambda d, mu, s, e: d(mu, s).rsample(e),
        loc=normal(3, 5),
        scale=positive(3, 5),
        eps=normal(3, 5),
    ),
    distribution(
        "Normal",
        "rsample, from_logvar",
        lambda d, mu, v, e: d.from_logvar(mu, v).rsample(e),
        loc=normal(3, 5),
        logvar=normal(3, 5),
        eps=normal(3, 5),
    ),
    distribution(
        "Normal",
        "rsample, 2 draws, broadcast",
        lambda d, mu, v, e: d.from_logvar(mu, v).rsample(e, sample_shape=(2,)),
        loc=normal(3, 1),
        logvar=normal(5),
        eps=normal(2, 3, 5),
    ),
    distribution(
        "Normal",
        "moments",
        lambda d, mu, s: d(mu, s).mean * d(mu, s).variance * d(mu, s).stddev,
        loc=normal(3, 5),
        scale=positive(5),
    ),
    distribution("Normal", "variance, from_logvar", lambda d, v: d.from_logvar(0.0, v).variance, logvar=normal(3, 5)),
]

DISCRETE: list[Case] = [
    distribution(
        "Bernoulli", "log_prob", lambda d, x, l: d(logits=l).log_prob(x), x=binary(3, 5), logits=normal(3, 5, scale=2)
    ),
    distribution("Bernoulli", "entropy", lambda d, l: d(logits=l).entropy(), logits=normal(3, 5, scale=2)),
    distribution("Bernoulli", "moments", lambda d, l: d(logits=l).mean * d(logits=l).variance, logits=normal(3, 5)),
    distribution(
        "GreyBCE",
        "log_prob",
        lambda d, x, l: d(logits=l).log_prob(x),
        x=between(0.1, 0.9, 3, 5),
        logits=normal(3, 5, scale=2),
    ),
    distribution("GreyBCE", "mean", lambda d, l: d(logits=l).mean, logits=normal(3, 5)),
    distribution("Categorical", "log_prob", lambda d, l: d(logits=l).log_prob(_LABELS), logits=normal(3, 5, scale=2)),
    distribution(
        "Categorical",
        "log_prob, more axes",
        lambda d, l: d(logits=l).log_prob(_LABELS.reshape(1, 3)),
        logits=normal(1, 3, 5, scale=2),
    ),
    distribution("Categorical", "entropy", lambda d, l: d(logits=l).entropy(), logits=normal(3, 5, scale=2)),
    distribution("Categorical", "probs", lambda d, l: d(logits=l).probs, logits=normal(3, 5)),
]

DIVERGENCES: list[Case] = [
    op("kl_to_standard_normal", function=kl_to_standard_normal, loc=normal(3, 5), logvar=normal(3, 5)),
    op(
        "kl_to_standard_normal",
        "broadcast",
        function=kl_to_standard_normal,
        loc=normal(3, 1, 5),
        logvar=normal(4, 1, scale=1e-2),
    ),
    kl(
        "Normal ‖ N(0, 1)",
        lambda mu, v: (Normal.from_logvar(mu, v), Normal(0, 1)),
        loc=normal(3, 5),
        logvar=normal(3, 5),
    ),
    kl(
        "Normal ‖ N(0, 1), by scale",
        lambda mu, s: (Normal(mu, s), Normal(0, 1)),
        loc=normal(3, 5),
        scale=positive(3, 5),
    ),
    kl(
        "Normal ‖ Normal",
        lambda a, s, b, t: (Normal(a, s), Normal(b, t)),
        loc_p=normal(3, 5),
        scale_p=positive(3, 5),
        loc_q=normal(3, 5),
        scale_q=positive(3, 5),
    ),
    kl(
        "Normal ‖ Normal, from_logvar, broadcast",
        lambda a, v, b, w: (Normal.from_logvar(a, v), Normal.from_logvar(b, w)),
        loc_p=normal(3, 5),
        logvar_p=normal(5),
        loc_q=normal(3, 1),
        logvar_q=normal(),
    ),
    kl("N(0, 1) ‖ Normal", lambda b, t: (Normal(0, 1), Normal(b, t)), loc_q=normal(3, 5), scale_q=positive(3, 5)),
    kl(
        "Bernoulli ‖ Bernoulli",
        lambda a, b: (Bernoulli(logits=a), Bernoulli(logits=b)),
        logits_p=normal(3, 5, scale=2),
        logits_q=normal(5, scale=2),
    ),
    kl(
        "Categorical ‖ Categorical",
        lambda a, b: (Categorical(logits=a), Categorical(logits=b)),
        logits_p=normal(3, 5, scale=2),
        logits_q=normal(3, 5, scale=2),
    ),
]

CASES = NORMAL + DISCRETE + DIVERGENCES
