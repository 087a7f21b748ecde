"""Who lives in the zoo, and who ought to."""

from __future__ import annotations

from collections.abc import Iterable

from minivae import distributions as distributions_of_minivae
from minivae import layers as layers_of_minivae
from minivae import objectives as objectives_of_minivae
from minivae import ops as ops_of_minivae
from minivae import optim as optim_of_minivae
from minivae.autodiff import PRIMITIVES
from minivae.layers import Module
from minivae.selfcheck.zoo import autodiff, distributions, layers, objectives, ops, optim
from minivae.selfcheck.zoo.subject import Subject

BASES = {"Module", "Distribution", "Optimizer", "LRScheduler", "register_kl"}
"""These compute nothing themselves."""


def subjects() -> list[Subject]:
    """Everything that has wrong versions, from the machinery to the optimisers."""
    return [
        subject for part in (autodiff, ops, layers, distributions, objectives, optim) for subject in part.subjects()
    ]


def unguarded(kept: Iterable[Subject] | None = None) -> list[str]:
    """What minivae has and the zoo has no wrong version of: 'op sinc'. There should be nothing.

    Args:
        kept: who is in the zoo, by default `subjects()`.
    """
    guarded = {(s.group, s.name) for s in (subjects() if kept is None else kept) if s.mutants}
    operations = (name for name in ops_of_minivae.__all__ if callable(getattr(ops_of_minivae, name)))
    modules = (name for name in layers_of_minivae.__all__ if _is_layer(getattr(layers_of_minivae, name)))
    functions = (n for n in objectives_of_minivae.__all__ if not isinstance(getattr(objectives_of_minivae, n), type))
    present = [
        *(("op", name) for name in [*PRIMITIVES, *operations]),
        *(("layer", name) for name in modules),
        *(("distribution", name) for name in distributions_of_minivae.__all__),
        *(("objective", name) for name in functions),
        *(("optimiser", name) for name in optim_of_minivae.__all__),
    ]
    return [
        f"{group} {name}"
        for group, name in dict.fromkeys(present)
        if (group, name) not in guarded and name not in BASES
    ]


def _is_layer(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Module)
