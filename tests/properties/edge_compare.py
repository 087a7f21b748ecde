"""What the tests of extreme inputs share: gradients, and truths in long double to compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minivae.autodiff import Tensor

both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
Wide = np.longdouble


def tensors(dtype: Any, *arrays: Any) -> list[Tensor]:
    return [Tensor(np.array(a, dtype), requires_grad=True) for a in arrays]


def value_and_gradients(f: Callable[..., Tensor], dtype: Any, *arrays: Any, cotangent: Any = None) -> list[np.ndarray]:
    """f's value and the gradients of ⟨cotangent, f⟩ (of the sum of f, without one). Debug mode is on in every test:
    whatever is not finite on the way, forwards or back, raises."""
    leaves = tensors(dtype, *arrays)
    y = f(*leaves)
    y.backward(np.ones(y.shape, dtype) if cotangent is None else np.broadcast_to(cotangent, y.shape).astype(dtype))
    found = [y.data, *(leaf.grad for leaf in leaves)]
    assert {a.dtype for a in found} == {np.dtype(dtype)}
    return found


def wide(dtype: Any, *arrays: Any) -> list[np.ndarray]:
    """The arrays as the dtype holds them, in long double: what the truth is to be computed from."""
    return [np.array(a, dtype).astype(Wide) for a in arrays]


def assert_right(found: Any, truth: Any, dtype: Any, digits_lost: float = 4, absolute: float = 0.0) -> None:
    """Equal to `digits_lost` units of the dtype's rounding; or `absolute` of them, where the truth is nearly 0."""
    eps, tiny = np.finfo(dtype).eps, float(np.finfo(dtype).smallest_normal)
    truth = np.broadcast_to(np.asarray(truth, Wide), np.shape(found))
    error = np.abs(np.asarray(found, Wide) - truth)
    allowed = digits_lost * eps * np.abs(truth) + absolute * eps + tiny  # below `tiny` digits are lost by design
    if not (error <= allowed).all():
        worst = np.unravel_index(int((error - allowed).argmax()), error.shape)
        values = [float(np.broadcast_to(array, error.shape)[worst]) for array in (found, truth, error, allowed)]
        raise AssertionError("at {}: found {!r}, should be {!r}; off by {:.3g}, allowed {:.3g}".format(worst, *values))


# Truths in long double; each in the form in which nothing cancels or overflows.


def sigmoid(x: Any) -> np.ndarray:
    t = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, t) / (1 + t)


def softplus(x: Any) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(x: np.ndarray) -> np.ndarray:
    """The largest logit's own probability by log1p of the others', which keeps its digits near 0."""
    shifted = x - x.max(axis=-1, keepdims=True)
    rest = np.exp(shifted)
    np.put_along_axis(rest, shifted.argmax(axis=-1)[..., None], 0, axis=-1)
    return shifted - np.log1p(rest.sum(axis=-1, keepdims=True))
