"""Log-likelihoods and their negatives, entry by entry, in nats. Sums and means over entries are the caller's choice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minivae.autodiff import Forward, Tensor, mode, primitive
from minivae.backend import Array, array_module
from minivae.errors import DataError, DtypeError, ShapeError

LOG_2PI = math.log(2 * math.pi)


@primitive
def binary_cross_entropy_with_logits(logits: Array, target: Array) -> Forward:
    """−log p(t) of a Bernoulli variable with log-odds l = `logits`: max(l, 0) − l·t + log(1 + e^−|l|), in nats.

    With p = σ(l) this is −t·log p − (1 − t)·log(1 − p). Written that way it is lost as soon as p rounds to 0 or 1;
    in terms of l no exponential is ever of a positive number, and nothing overflows.

    Args:
        logits: log-odds, any shape.
        target: values in [0, 1], of the same shape or one that broadcasts with it. Only 0 and 1 make the result a
            likelihood; in between ("grey BCE") it is a cross-entropy, whose minimum is not 0.

    d/dl = σ(l) − t, d/dt = −l.
    """
    xp = array_module(logits)
    t = xp.exp(-xp.abs(logits))
    y = xp.maximum(logits, 0) - logits * target  # first, as for a sure and right logit these cancel exactly
    y += xp.log1p(t)

    def pull_logits(g: Array) -> Array:
        probability = xp.maximum(t, logits >= 0)  # σ(l) is 1/(1 + t) or t/(1 + t)
        probability /= 1 + t
        return g * (probability - target)

    return y, (pull_logits, lambda g: -g * logits)


@primitive
def gaussian_log_likelihood(x: Array, mean: Array, logvar: Array) -> Forward:
    """log N(x; mean, e^logvar) = −½ (log 2π + logvar + z²), z = (x − mean)·e^(−½ logvar), in nats.

    Shapes broadcast. The standard deviation enters through its logarithm, so it needs no constraint, and z is
    formed before it is squared, so e^−logvar alone may leave the range of float32.

    d/dx = −z·e^(−½ logvar), d/dmean = z·e^(−½ logvar), d/dlogvar = −½ (1 − z²).
    """
    xp = array_module(x, mean, logvar)
    precision_root = xp.exp(-0.5 * logvar)
    z = (x - mean) * precision_root
    y = -0.5 * (z * z + (logvar + LOG_2PI))
    return y, (
        lambda g: -g * (z * precision_root),
        lambda g: g * (z * precision_root),
        lambda g: g * (0.5 * (z * z - 1)),
    )


@primitive
def cross_entropy(logits: Array, labels: Any) -> Forward:
    """−log softmax(logits)[label] for each example: logits (N, K, ...), labels (N, ...) -> (N, ...), in nats.

    −log p_k = log Σ_j e^(l_j − m) − (l_k − m) with m = max_j l_j, so that no exponential overflows.

    Args:
        logits: unnormalised log-probabilities of K classes along axis 1 (axis 0, if there is only one axis).
        labels: integers from 0 to K − 1, of the shape of the logits without the class axis.

    Raises:
        DtypeError: the labels are not integers.
        ShapeError: the labels do not have one entry for each example.
        DataError: a label is not in 0 ... K − 1. (Labels that already lie on a GPU are looked at in debug mode
            only, as looking waits for the device.)

    d/dlogits = softmax(logits) − onehot(label). No index is scattered to: the one-hot array is a comparison.
    """
    xp = array_module(logits)
    axis = min(1, logits.ndim - 1)
    onehot = _onehot(logits, labels, axis)
    shifted = logits - logits.max(axis=axis, keepdims=True)
    p = xp.exp(shifted)
    total = p.sum(axis=axis, keepdims=True)
    p /= total
    y = xp.log(total).squeeze(axis) - xp.where(onehot, shifted, 0).sum(axis=axis)
    return y, lambda g: xp.expand_dims(g, axis) * (p - onehot)


def _onehot(logits: Array, labels: Any, axis: int) -> Array:
    """True where the class is the label, of the shape of the logits; checks the labels."""
    labels = labels.data if isinstance(labels, Tensor) else labels
    labels = labels if hasattr(labels, "dtype") else np.asarray(labels)
    classes = logits.shape[axis]
    if labels.dtype.kind not in "iu":
        raise DtypeError(
            f"cross_entropy: labels are {labels.dtype}; expected integers from 0 to {classes - 1}. Keep labels as a "
            "plain integer array (a Tensor holds floats), and take the argmax of one-hot labels."
        )
    expected = logits.shape[:axis] + logits.shape[axis + 1 :]
    if labels.shape != expected:
        raise ShapeError(
            f"cross_entropy: labels have shape {labels.shape}, logits {logits.shape}; expected labels of shape "
            f"{expected}: one integer for each example, the class axis {axis} of the logits left out."
        )
    on_host = array_module(labels) is np
    if labels.size and (on_host or mode.debug) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise DataError(
            f"cross_entropy: labels run from {int(labels.min())} to {int(labels.max())}; logits of shape "
            f"{logits.shape} have {classes} classes, so labels must lie in 0 ... {classes - 1}."
        )
    xp = array_module(logits)
    shape = [1] * logits.ndim
    shape[axis] = classes
    return xp.expand_dims(xp.asarray(labels), axis) == xp.arange(classes).reshape(shape)
