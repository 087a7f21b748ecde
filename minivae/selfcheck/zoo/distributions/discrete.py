"""Wrong versions of the Bernoulli and the categorical distribution, and of the grey BCE."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, Categorical, GreyBCE
from minivae.errors import DataError
from minivae.random import uniform
from minivae.selfcheck.zoo.definitions import rows
from minivae.selfcheck.zoo.distributions.trials import Example
from minivae.selfcheck.zoo.sabotage import methods
from minivae.selfcheck.zoo.subject import Verdict
from minivae.selfcheck.zoo.trials import all_of, compare

bce = ops.binary_cross_entropy_with_logits

# --- coins --------------------------------------------------------------------------------------------------

LOGITS = np.array([[0.4, -1.3, 2.2], [-0.2, 0.9, -3.0]])
COINS = rows.each(rows.sigmoid)(LOGITS)
SIDES = np.stack([np.zeros(LOGITS.shape), np.ones(LOGITS.shape)])

BERNOULLI_EXAMPLES = [
    Example("coins", lambda d: d(logits=Tensor(LOGITS)), SIDES, 1.0, COINS, COINS * (1 - COINS)),
]


def _sample(share: Any) -> Any:
    """Bernoulli that draws 1 where uniform noise is below share(self)."""

    def sample(self: Any, rng: Any = None, sample_shape: tuple[int, ...] = ()) -> Tensor:
        noise = uniform(rng, (*sample_shape, *self.shape), self.logits.dtype)
        return Tensor((noise < share(self)).astype(self.logits.dtype))

    return methods(Bernoulli, sample=sample)


def _one_draw_for_all(self: Any, rng: Any = None, sample_shape: tuple[int, ...] = ()) -> Tensor:
    noise = uniform(rng, (*sample_shape, *(1,) * len(self.shape)), self.logits.dtype)
    return Tensor((noise < self.probs.data).astype(self.logits.dtype))


BERNOULLI: dict[str, Any] = {
    "log_prob: the term of x = 0 forgotten": methods(
        Bernoulli, log_prob=lambda self, x: -ops.softplus(-self.logits) * x
    ),
    "log_prob: zeros and ones swapped": methods(Bernoulli, log_prob=lambda self, x: -bce(-self.logits, x)),
    "log_prob: the sign lost": methods(Bernoulli, log_prob=lambda self, x: bce(self.logits, x)),
    "log_prob: sigmoid twice": methods(Bernoulli, log_prob=lambda self, x: -bce(self.probs, x)),
    "log_prob: squared error": methods(Bernoulli, log_prob=lambda self, x: -ops.square(x - self.probs)),
    "log_prob: in bits": methods(Bernoulli, log_prob=lambda self, x: -bce(self.logits, x) / math.log(2)),
    "mean: the logit": methods(Bernoulli, mean=property(lambda self: self.logits)),
    "variance: p": methods(Bernoulli, variance=property(lambda self: self.probs)),
    "variance: √(p(1 − p))": methods(
        Bernoulli, variance=property(lambda self: ops.sqrt(self.probs * ops.sigmoid(-self.logits)))
    ),
    "entropy: −p log p alone": methods(Bernoulli, entropy=lambda self: self.probs * ops.softplus(-self.logits)),
    "entropy: in bits": methods(Bernoulli, entropy=lambda self: Bernoulli.entropy(self) / math.log(2)),
    "entropy: the sign lost": methods(Bernoulli, entropy=lambda self: -Bernoulli.entropy(self)),
    "draws: zeros and ones swapped": _sample(lambda self: 1 - self.probs.data),
    "draws: p rounded": _sample(lambda self: np.round(self.probs.data)),
    "draws: the logit taken for p": _sample(lambda self: self.logits.data),
    "draws: fair coins": _sample(lambda self: 0.5),
    "draws: one noise for all entries": methods(Bernoulli, sample=_one_draw_for_all),
}


def grey(target: Any, seed: int) -> Verdict:
    """x log p + (1 − x) log(1 − p) at grey x, not called a likelihood, and x outside [0, 1] refused."""
    x = np.linspace(0.05, 0.95, LOGITS.size).reshape(LOGITS.shape)
    d = target(logits=Tensor(LOGITS))
    expected = -rows.each(rows.cross_entropy_of_coin)(LOGITS, x)
    try:
        d.check_support(x + 0.5)
        refused = False
    except DataError:
        refused = True
    return all_of(
        [
            compare(d.log_prob(x).data, expected, what="log_prob"),
            compare(d.mean.data, COINS, what="mean"),
            Verdict(d.label == "grey BCE" and not d.is_likelihood, f"it is called {d.label}, as of a likelihood"),
            Verdict(refused, "x outside [0, 1] is taken"),
        ]
    )


GREY: dict[str, Any] = {
    "squared error": methods(GreyBCE, log_prob=lambda self, x: -ops.square(x - self.probs)),
    "the pixel rounded to 0 or 1": methods(GreyBCE, log_prob=lambda self, x: -bce(self.logits, np.round(x))),
    "the term of 1 − x forgotten": methods(GreyBCE, log_prob=lambda self, x: x * -ops.softplus(-self.logits)),
    "its smallest value subtracted": methods(
        GreyBCE, log_prob=lambda self, x: -bce(self.logits, x) + bce(Tensor(np.log(x / (1 - x))), x)
    ),
    "the sign lost": methods(GreyBCE, log_prob=lambda self, x: bce(self.logits, x)),
    "the target's gradient cut": methods(GreyBCE, log_prob=lambda self, x: -bce(self.logits, Tensor(x).detach())),
    "the mean is the logit": methods(GreyBCE, mean=property(lambda self: self.logits)),
    "called a likelihood": methods(GreyBCE, is_likelihood=True),
    "labelled NLL": methods(GreyBCE, label="NLL"),
    "takes any real x": methods(GreyBCE, check_support=lambda self, x: None),
}

# --- classes ------------------------------------------------------------------------------------------------

SCORES = np.array([[0.4, -1.3, 2.2, 0.1], [-0.2, 0.9, -2.0, 0.5], [0.0, 3.0, 1.0, -1.0]])
CLASSES = rows.along(rows.probabilities)(SCORES, -1)
LABELS = np.repeat(np.arange(4)[:, None], 3, axis=1)
_MEAN = CLASSES @ np.arange(4.0)

CATEGORICAL_EXAMPLES = [
    Example(
        "classes",
        lambda d: d(logits=Tensor(SCORES)),
        LABELS,
        1.0,
        _MEAN,
        CLASSES @ np.arange(4.0) ** 2 - _MEAN**2,
    ),
]


def _labels(choose: Any) -> Any:
    """Categorical that draws choose(self's probabilities (..., K), noise (..., 1))."""

    def sample(self: Any, rng: Any = None, sample_shape: tuple[int, ...] = ()) -> Any:
        noise = uniform(rng, (*sample_shape, *self.shape), np.float64)[..., None]
        probs = np.broadcast_to(self.probs.data, (*noise.shape[:-1], self.num_classes))
        return choose(probs, noise)

    return methods(Categorical, sample=sample)


def _below(probs: Any, noise: Any) -> Any:
    return (probs.cumsum(axis=-1) <= noise).sum(axis=-1)


def _of_label(values: Tensor, labels: Any) -> Tensor:
    onehot = np.eye(values.shape[-1], dtype=values.dtype)[np.asarray(labels)]
    return (values * onehot).sum(-1)


CATEGORICAL: dict[str, Any] = {
    "log_prob: the logit, not normalised": methods(
        Categorical, log_prob=lambda self, x: _of_label(self.logits + 0.0, x)
    ),
    "log_prob: the sign lost": methods(Categorical, log_prob=lambda self, x: -Categorical.log_prob(self, x)),
    "log_prob: labels counted from 1": methods(
        Categorical, log_prob=lambda self, x: Categorical.log_prob(self, (np.asarray(x) + 1) % self.num_classes)
    ),
    "log_prob: normalised over the wrong axis": methods(
        Categorical, log_prob=lambda self, x: _of_label(ops.log_softmax(self.logits, 0), x)
    ),
    "log_prob: p, the logarithm forgotten": methods(
        Categorical, log_prob=lambda self, x: ops.exp(Categorical.log_prob(self, x))
    ),
    "log_prob: the normaliser detached": methods(
        Categorical,
        log_prob=lambda self, x: _of_label(self.logits, x) - ops.logsumexp(self.logits, -1).detach(),
    ),
    "probs: over the wrong axis": methods(Categorical, probs=property(lambda self: ops.softmax(self.logits, 0))),
    "probs: exp, not normalised": methods(Categorical, probs=property(lambda self: ops.exp(self.logits))),
    "entropy: the sign lost": methods(Categorical, entropy=lambda self: -Categorical.entropy(self)),
    "entropy: the mean over the classes": methods(
        Categorical, entropy=lambda self: Categorical.entropy(self) / self.num_classes
    ),
    "entropy: −Σ log p": methods(Categorical, entropy=lambda self: -ops.log_softmax(self.logits, -1).sum(-1)),
    "draws: the likeliest class": _labels(lambda probs, noise: probs.argmax(axis=-1)),
    "draws: all classes alike": _labels(lambda probs, noise: (noise[..., 0] * probs.shape[-1]).astype(int)),
    "draws: one class too far": _labels(lambda probs, noise: (_below(probs, noise) + 1) % probs.shape[-1]),
    "draws: from the squares of p": _labels(
        lambda probs, noise: _below(probs**2 / (probs**2).sum(axis=-1, keepdims=True), noise)
    ),
    "draws: the last class never": _labels(lambda probs, noise: np.minimum(_below(probs, noise), probs.shape[-1] - 2)),
}
