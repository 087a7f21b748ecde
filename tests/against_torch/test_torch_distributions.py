"""Densities, entropies, moments, reparameterised draws and closed-form KLs against torch.distributions.

Logits stay below 20 in size: beyond, PyTorch's softplus, of which its entropies and KLs are made, is off by 2e-9.
"""

from __future__ import annotations

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch_compare import (
    DTYPES,
    Case,
    F,
    coins,
    compare,
    examples,
    fraction,
    layouts,
    positive,
    shapes,
    standard,
    torch,
)

from minivae.distributions import Bernoulli, Categorical, GreyBCE, Normal, kl_divergence
from minivae.distributions.kl import _FORMULAS

td = torch.distributions
both_dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=["float64", "float32"])


def from_logvar(loc, logvar):
    return td.Normal(loc, (0.5 * logvar).exp())


@st.composite
def arrays(draw, ours, theirs, *values, same_shape=False):
    """`ours` and `theirs` of arrays that broadcast, or have one shape."""
    if same_shape:
        drawn = [draw(shapes())] * len(values)
    else:
        drawn = draw(hnp.mutually_broadcastable_shapes(num_shapes=len(values), max_side=4, max_dims=3)).input_shapes
    return Case(ours, theirs, *(draw(of(shape)) for of, shape in zip(values, drawn, strict=True)))


def normal_expression(f, *more):
    """The same expression of a Normal, by its scale and by its log-variance."""
    return {
        "scale": arrays(
            lambda loc, scale, *x: f(Normal(loc, scale), *x),
            lambda loc, scale, *x: f(td.Normal(loc, scale), *x),
            standard,
            positive,
            *more,
        ),
        "logvar": arrays(
            lambda loc, logvar, *x: f(Normal.from_logvar(loc, logvar), *x),
            lambda loc, logvar, *x: f(from_logvar(loc, logvar), *x),
            standard,
            standard,
            *more,
        ),
    }


def logits_expression(ours, theirs, f, *more, same_shape=False):
    return arrays(
        lambda logits, *x: f(ours(logits=logits), *x),
        lambda logits, *x: f(theirs(logits=logits), *x),
        lambda shape: standard(shape).map(lambda a: 3 * a),
        *more,
        same_shape=same_shape,
    )


@st.composite
def categorical(draw, f, with_labels=False):
    batch, k = draw(shapes(0, 3, max_side=4)), draw(st.integers(1, 6))
    labels = np.asarray(np.random.default_rng(draw(st.integers(0, 999))).integers(0, k, batch))
    mine, other = ((labels,), (torch.tensor(labels),)) if with_labels else ((), ())
    logits = 3 * draw(standard((*batch, k)))
    return Case(lambda x: f(Categorical(logits=x), *mine), lambda x: f(td.Categorical(logits=x), *other), logits)


EXPRESSIONS = {
    "log_prob": lambda d, x: d.log_prob(x),
    "entropy": lambda d: d.entropy(),
    "mean": lambda d: d.mean,
    "variance": lambda d: d.variance,
    "stddev": lambda d: d.stddev,
    "probs": lambda d: d.probs,
}

CASES = {
    f"Normal by {parameter}, {name}": case
    for name, more in {"log_prob": (standard,), "entropy": (), "mean": (), "variance": (), "stddev": ()}.items()
    for parameter, case in normal_expression(EXPRESSIONS[name], *more).items()
}
CASES |= {
    f"Bernoulli, {name}": logits_expression(Bernoulli, td.Bernoulli, EXPRESSIONS[name], *more)
    for name, more in {"log_prob": (coins,), "entropy": (), "mean": (), "variance": (), "probs": ()}.items()
}
CASES |= {
    f"Categorical, {name}": categorical(EXPRESSIONS[name], name == "log_prob")
    for name in ("log_prob", "entropy", "probs")
}
CASES |= {
    "GreyBCE, log_prob": arrays(
        lambda logits, x: GreyBCE(logits=logits).log_prob(x),
        lambda logits, x: -F.binary_cross_entropy_with_logits(logits, x, reduction="none"),
        standard,
        fraction,
        same_shape=True,
    ),
    "GreyBCE, mean": logits_expression(GreyBCE, td.Bernoulli, EXPRESSIONS["mean"]),
    # Numbers in place of tensors hold for every entry; PyTorch would make them float32.
    "Normal, log-variance a number": arrays(
        lambda loc, x: Normal.from_logvar(loc, 0.7).log_prob(x) * Normal.from_logvar(loc, 0.7).stddev,
        lambda loc, x: from_logvar(loc, torch.full_like(loc, 0.7)).log_prob(x) * math.exp(0.35),
        standard,
        standard,
    ),
    # PyTorch draws the noise itself; its draw is loc + scale · noise.
    "Normal, rsample": arrays(
        lambda loc, scale, eps: Normal(loc, scale).rsample(eps),
        lambda loc, scale, eps: loc + scale * eps,
        standard,
        positive,
        standard,
        same_shape=True,
    ),
}

KLS = {
    "Normal ‖ Normal, by scale": arrays(
        lambda a, b, c, d: kl_divergence(Normal(a, b), Normal(c, d)),
        lambda a, b, c, d: td.kl_divergence(td.Normal(a, b), td.Normal(c, d)),
        standard,
        positive,
        standard,
        positive,
    ),
    "Normal ‖ Normal, by logvar": arrays(
        lambda a, b, c, d: kl_divergence(Normal.from_logvar(a, b), Normal.from_logvar(c, d)),
        lambda a, b, c, d: td.kl_divergence(from_logvar(a, b), from_logvar(c, d)),
        standard,
        standard,
        standard,
        standard,
    ),
    "Normal ‖ Normal, standard": arrays(
        lambda loc, logvar: kl_divergence(Normal.from_logvar(loc, logvar), Normal(0, 1)),
        lambda loc, logvar: td.kl_divergence(from_logvar(loc, logvar), td.Normal(0.0, 1.0)),
        standard,
        standard,
    ),
    "Normal ‖ Normal, numbers on the right": arrays(
        lambda loc, logvar: kl_divergence(Normal.from_logvar(loc, logvar), Normal(0.4, 1.7)),
        lambda loc, logvar: td.kl_divergence(
            from_logvar(loc, logvar), td.Normal(torch.full_like(loc, 0.4), torch.full_like(loc, 1.7))
        ),
        standard,
        standard,
    ),
    "Normal ‖ Normal, numbers on the left": arrays(
        lambda loc, scale: kl_divergence(Normal.from_logvar(0.4, 0.7), Normal(loc, scale)),
        lambda loc, scale: td.kl_divergence(
            td.Normal(torch.full_like(loc, 0.4), torch.full_like(loc, math.exp(0.35))), td.Normal(loc, scale)
        ),
        standard,
        positive,
    ),
    # PyTorch's formula does not broadcast (it writes through masks), so the logits are broadcast for it.
    "Bernoulli ‖ Bernoulli": arrays(
        lambda a, b: kl_divergence(Bernoulli(logits=a), Bernoulli(logits=b)),
        lambda a, b: td.kl_divergence(*(td.Bernoulli(logits=logits) for logits in torch.broadcast_tensors(a, b))),
        standard,
        standard,
    ),
    "Categorical ‖ Categorical": arrays(
        lambda a, b: kl_divergence(Categorical(logits=a), Categorical(logits=b)),
        lambda a, b: td.kl_divergence(td.Categorical(logits=a), td.Categorical(logits=b)),
        lambda batch: standard((*batch, 5)),
        lambda batch: standard((*batch, 5)),
    ),
}


def test_every_closed_form_is_compared():
    pairs = {f"{p.__name__} ‖ {q.__name__}" for p, q in _FORMULAS}
    assert pairs == {name.partition(",")[0] for name in KLS}


@both_dtypes
@pytest.mark.parametrize("name", CASES | KLS)
@examples
@given(data=st.data())
def test_distribution_agrees_with_torch(name, dtype, data):
    compare(name, data.draw((CASES | KLS)[name]), dtype, data.draw(layouts))
