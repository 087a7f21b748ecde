"""Where PyTorch has the thing, arguments have PyTorch's names, order and defaults; where they do not, it says why."""

from __future__ import annotations

import inspect

import pytest
from torch_compare import torch

from minivae import distributions, layers, optim

nn = torch.nn

PAIRS = {
    **{name: (getattr(layers, name), getattr(nn, name)) for name in layers.__all__ if hasattr(nn, name)},
    **{name: (getattr(optim, name), getattr(torch.optim, name)) for name in ("SGD", "Adam", "AdamW")},
    **{
        name: (getattr(optim, name), getattr(torch.optim.lr_scheduler, name))
        for name in optim.__all__
        if name.endswith("LR")
    },
    **{
        name: (getattr(distributions, name), getattr(torch.distributions, name))
        for name in ("Normal", "Bernoulli", "Categorical", "kl_divergence")
    },
    "BatchNorm": (layers.BatchNorm, nn.BatchNorm2d),
    "clip_grad_norm_": (optim.clip_grad_norm_, nn.utils.clip_grad_norm_),
}

NOT_COMPARED = {
    "Module": "the base class, made without arguments",
    "Parameter": "takes dtype, as ours owns its array; PyTorch's takes requires_grad",
    "Buffer": "the same",
    "Sequential": "takes any number of layers",
    "Upsample": "nearest neighbours by a factor only; PyTorch's first argument is a size",
}


@pytest.mark.parametrize("name", sorted(set(PAIRS) - set(NOT_COMPARED)))
def test_positional_arguments_are_torchs_first_ones(name):
    """Those of ours that can be given by position are PyTorch's first ones, in its order and with its defaults."""
    ours, theirs = (_positional(f) for f in PAIRS[name])
    assert [argument for argument, _ in ours] == [argument for argument, _ in theirs[: len(ours)]]
    for (argument, default), (_, other) in zip(ours, theirs, strict=False):
        assert default == other, f"{argument}: {default!r} here, {other!r} in PyTorch"


def _positional(f):
    parameters = inspect.signature(f).parameters.values()
    return [(p.name, p.default) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
