"""Clipping gradients by their common norm."""

from __future__ import annotations

from collections.abc import Iterable

from minivae.autodiff import Tensor
from minivae.backend import Array, array_module
from minivae.errors import ConfigError, GraphError


def clip_grad_norm_(parameters: Iterable[Tensor] | Tensor, max_norm: float) -> Array:
    """Scale all gradients by min(1, max_norm / norm), norm = √(Σ g²) over all entries of all gradients together.

    The direction stays, only the length is limited (Pascanu et al. 2013). Each `.grad` is replaced, never changed.
    As in PyTorch 1e-6 is added to the norm that divides.

    Args:
        parameters: those whose gradients are clipped; one without a gradient is left out.
        max_norm: the largest norm to leave, above 0.

    Returns:
        The norm before clipping, an array of shape (); on a GPU it is not waited for.

    Raises:
        ConfigError: max_norm is not above 0.
        GraphError: no parameter has a gradient.
    """
    if not max_norm > 0:
        raise ConfigError(f"clip_grad_norm_: max_norm is {max_norm!r}; expected a number above 0")
    tensors = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    gradients = [(p, p.grad) for p in tensors if p.grad is not None]
    if not gradients:
        raise GraphError("clip_grad_norm_: no parameter has a gradient; call loss.backward() first")
    xp = array_module(gradients[0][1])
    squares = [xp.vdot(g, g) for _, g in gradients]
    norm = xp.sqrt(xp.stack(squares).sum())
    scale = xp.minimum(max_norm / (norm + 1e-6), 1)
    for p, g in gradients:
        p.grad = g * scale.astype(g.dtype)
    return xp.asarray(norm)
