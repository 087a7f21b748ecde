"""Ops that go entry by entry, with broadcasting. `CASES[name]` draws a `Case`; what is before a comma is the op."""

from __future__ import annotations

import itertools

import hypothesis.extra.numpy as hnp
from hypothesis import strategies as st
from torch_compare import Case, F, dropout_mask, fraction, kinky, nonzero, positive, real, shapes, standard, torch

from minivae import ops


@st.composite
def one(draw, ours, theirs, values, **options):
    """A function of one array; each option is a strategy, and has the same name in both."""
    return Case(
        ours,
        theirs,
        draw(values(draw(shapes(min_side=0)))),
        **{name: draw(strategy) for name, strategy in options.items()},
    )


@st.composite
def broadcast(draw, ours, theirs, *values):
    """A function of arrays whose shapes broadcast, axes of length 0 and arrays of one number included."""
    drawn = draw(hnp.mutually_broadcastable_shapes(num_shapes=len(values), min_side=0, max_side=4, max_dims=4))
    return Case(ours, theirs, *(draw(of(shape)) for of, shape in zip(values, drawn.input_shapes, strict=True)))


@st.composite
def power_of_constant(draw):
    exponent = draw(st.sampled_from([-2, -0.5, 0, 0.5, 1, 2, 3]))
    values = real if exponent in (0, 1, 2, 3) else positive
    return Case(lambda x: ops.power(x, exponent), lambda x: x**exponent, draw(values(draw(shapes()))))


@st.composite
def clip(draw):
    low, high = sorted(draw(st.tuples(*[st.sampled_from([-1.5, -0.5, 0.2, 0.5, 1.0])] * 2)))
    bounds = draw(st.sampled_from([{"min": low}, {"max": high}, {"min": low, "max": high}]))
    return Case(ops.clip, torch.clip, draw(kinky(draw(shapes()))), **bounds)


@st.composite
def where(draw):
    drawn = draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_side=4, max_dims=3)).input_shapes
    x, y = (draw(standard(shape)) for shape in drawn[:2])
    condition = draw(standard(drawn[2])) > 0
    return Case(lambda x, y: ops.where(condition, x, y), lambda x, y: torch.where(torch.tensor(condition), x, y), x, y)


@st.composite
def dropout(draw):
    """PyTorch draws the mask itself, so ours is given the mask that it draws; of single entries, or of channels."""
    p, seed, whole_channels = draw(st.floats(0, 0.9)), draw(st.integers(0, 1000)), draw(st.booleans())
    x = draw(standard(draw(shapes(4, 4) if whole_channels else shapes())))
    drop = F.dropout2d if whole_channels else F.dropout

    def ours(x):
        mask = dropout_mask(x.shape, p, x.dtype, seed, drop)
        return ops.dropout(x, mask[:, :, :1, :1] if whole_channels else mask, p)

    def theirs(x):
        torch.manual_seed(seed)
        return drop(x, p)

    return Case(ours, theirs, x)


def gaussian(x, mean, logvar):
    return torch.distributions.Normal(mean, (0.5 * logvar).exp()).log_prob(x)


CASES = {
    "add": broadcast(ops.add, torch.add, real, real),
    "sub": broadcast(ops.sub, torch.sub, real, real),
    "mul": broadcast(ops.mul, torch.mul, real, real),
    "div": broadcast(ops.div, torch.div, real, nonzero),
    "neg": one(ops.neg, torch.neg, real),
    "square": one(ops.square, torch.square, real),
    "sqrt": one(ops.sqrt, torch.sqrt, positive),
    "power": broadcast(ops.power, torch.pow, positive, standard),
    "power, of a constant": power_of_constant(),
    "abs": one(ops.abs, torch.abs, kinky),
    "maximum": broadcast(ops.maximum, torch.maximum, kinky, kinky),
    "minimum": broadcast(ops.minimum, torch.minimum, kinky, kinky),
    "clip": clip(),
    "where": where(),
    "exp": one(ops.exp, torch.exp, standard),
    "log": one(ops.log, torch.log, positive),
    "log1p": one(ops.log1p, torch.log1p, positive),
    "expm1": one(ops.expm1, torch.expm1, standard),
    "tanh": one(ops.tanh, torch.tanh, real),
    "sigmoid": one(ops.sigmoid, torch.sigmoid, real),
    # PyTorch rounds softplus(x) to x above its `threshold` of 20, which is wrong by up to 2e-9.
    "softplus": one(ops.softplus, lambda x: F.softplus(x, threshold=700), real),
    "relu": one(ops.relu, F.relu, kinky),
    "leaky_relu": one(ops.leaky_relu, F.leaky_relu, kinky, negative_slope=st.floats(0, 0.5)),
    "leaky_relu, default": one(ops.leaky_relu, F.leaky_relu, kinky),
    "elu": one(ops.elu, F.elu, kinky, alpha=st.floats(0.2, 3)),
    "elu, default": one(ops.elu, F.elu, kinky),
    "gelu": one(ops.gelu, F.gelu, real),
    "silu": one(ops.silu, F.silu, real),
    "dropout": dropout(),
    "binary_cross_entropy_with_logits": broadcast(
        ops.binary_cross_entropy_with_logits,
        lambda logits, target: F.binary_cross_entropy_with_logits(
            *torch.broadcast_tensors(logits, target), reduction="none"
        ),
        real,
        fraction,
    ),
    "gaussian_log_likelihood": broadcast(ops.gaussian_log_likelihood, gaussian, standard, standard, standard),
}

SAME_WORDS = {
    "arithmetic": lambda x, y: (1 - x) * 3 + x / (2 + y * y) - (-y) / 4 + 2 / (1.5 + abs(x)),
    "powers": lambda x, y: x**3 + (1 + y * y) ** 0.5 + 2.0 ** (0.1 * x),
    "methods": lambda x, y: (x.sigmoid() * y.tanh() + x.relu()).exp().sqrt() + (y.square() + 1).log() + x.abs(),
    "matrices": lambda x, y: x @ y.T + x.reshape(4, 3).T[:3, 1:] @ y.permute(1, 0)[:, :3].reshape((3, 4))[:, :3].T,
    "picking": lambda x, y: x[1:, None, ::2] + y[0, -2:] + x[..., -1][None, :, None] + y[[0, 2, 0]][1, 2],
    "sums": lambda x, y: x.sum() + y.sum(0) * x.mean(dim=(0, 1), keepdim=True) + y.mean(-1, keepdim=True) + x.var(),
    "spread": lambda x, y: x.var(0, correction=0) + y.var(dim=1, keepdim=True) + x.max() - y.min(),
    "one tensor again and again": lambda x, y: x * x + x * y * x + (x + x).flatten(0, 1).sum() + x.flatten(1),
}
"""Written once, run by both: operators and methods of tensors have the same names. x and y are 3 × 4."""


def same_words(f) -> st.SearchStrategy[Case]:
    pairs = st.tuples(standard((3, 4)), standard((3, 4)))
    return pairs.map(lambda arrays: Case(f, f, *arrays))


def names_without_variants(cases) -> set[str]:
    """The ops in a table of cases: what is before the comma."""
    return {name for name, _ in itertools.groupby(cases, lambda name: name.partition(",")[0])}
