"""The same numbers through minivae and through PyTorch: values, gradients and dtypes must agree.

**How far apart two arrays are** is the largest difference of their entries, relative to the largest entry of
PyTorch's; absolute where that is below 1. Inputs and cotangents here are of order 1, so a smaller result is a
difference of such numbers, and its own size says nothing about the rounding that went into it.

**How far apart they may be:** see `TOLERANCE`.

Cotangents are random, never ones: the gradient of a sum of a softmax is zero, right or wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from minivae.autodiff import Tensor
from minivae.autodiff.graph import ancestors

torch = pytest.importorskip(
    "torch", reason='PyTorch, to compare with, is not installed; it comes with  pip install "minivae[bench]"'
)
torch.set_num_threads(1)
F = torch.nn.functional

DTYPES = (np.float64, np.float32)

TOLERANCE = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 2e-5}
"""float64: what is promised. A rounding is 1e-16, so it is a million roundings wide.

float32: a rounding is 6e-8, and each library adds up in an order of its own, some hundred terms at most. That gives
1e-6, and more where a draw amplifies it: values close together that are divided by their standard deviation, sums
whose terms nearly cancel, twenty steps of an optimiser. In 60 random draws a test the worst was 3.4e-6."""

examples = settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
"""Decorates every test that draws: a modest number of draws, the same ones in every run."""

WORST: dict[tuple[str, np.dtype], float] = {}
"""The largest difference seen, by what was compared; printed at the end of a run."""


class Case:
    """A function of ours, PyTorch's, and what to call both with.

    Args:
        ours, theirs: called as `f(*tensors, **options)`; the value is a tensor or a sequence of them.
        inputs: float64 arrays, which become tensors that need a gradient; None stays None.
        options: the same for both, names and all.
    """

    def __init__(self, ours: Callable, theirs: Callable, *inputs: np.ndarray | None, **options: Any) -> None:
        self.ours, self.theirs, self.inputs, self.options = ours, theirs, inputs, options

    def __repr__(self) -> str:
        """What hypothesis prints of a draw that fails."""
        shapes = [x if x is None else x.shape for x in self.inputs]
        return f"Case({getattr(self.ours, '__name__', self.ours)}, shapes {shapes}, {self.options})"


def compare(name: str, case: Case, dtype: type, layout: Callable[[np.ndarray], np.ndarray] = np.copy) -> set[str]:
    """Both functions on the same inputs: the values agree, and so do the gradients from the same random cotangent.

    Returns the names of the primitives that ours was made of.
    """
    arrays = [x if x is None else x.astype(dtype) for x in case.inputs]
    ours = [x if x is None else Tensor(layout(x), requires_grad=True) for x in arrays]
    theirs = [x if x is None else torch.tensor(x, requires_grad=True) for x in arrays]

    values = _as_tuple(case.ours(*ours, **case.options))
    expected = _as_tuple(case.theirs(*theirs, **case.options))
    assert len(values) == len(expected)
    for value, other in zip(values, expected, strict=True):
        agree(f"{name}: value", value.data, other, dtype)

    cotangents = [cotangent(other.shape, dtype, seed) for seed, other in enumerate(expected)]
    for value, g in zip(values, cotangents, strict=True):
        value.backward(g, retain_graph=True)
    torch.autograd.backward(expected, [torch.from_numpy(g) for g in cotangents])
    for i, (x, other) in enumerate(zip(ours, theirs, strict=True)):
        if x is not None:
            agree(f"{name}: gradient", _gradient(x, dtype), _gradient(other, dtype), dtype, f"input {i}")
    return {node.op for value in values for node in ancestors(value.node)}


def agree(what: str, ours: Any, theirs: Any, dtype: type, detail: str = "") -> None:
    """Assert that shape and dtype are equal, and that the arrays are no further apart than `TOLERANCE`."""
    if isinstance(theirs, torch.Tensor):
        theirs = theirs.detach().numpy()
    assert ours is not None, f"{what} {detail}: there is none"
    assert (ours.shape, ours.dtype, theirs.dtype) == (theirs.shape, dtype, dtype), f"{what} {detail}"
    if not ours.size:
        return
    error = float(np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max()))
    key = (what, np.dtype(dtype))
    WORST[key] = max(error, WORST.get(key, 0.0))
    allowed = TOLERANCE[np.dtype(dtype)]  # and NaN is never below it
    assert error <= allowed, f"{what} {detail}: {error:.3g} apart, allowed {allowed:g}\nours {ours}\nPyTorch's {theirs}"


def cotangent(shape: tuple[int, ...], dtype: type, seed: int = 0) -> np.ndarray:
    """Standard normal numbers of this shape."""
    return np.asarray(np.random.default_rng([seed, *shape]).normal(size=tuple(shape))).astype(dtype)


def torch_dtype(dtype: type) -> torch.dtype:
    """PyTorch's name for a NumPy dtype."""
    return getattr(torch, np.dtype(dtype).name)


def dropout_mask(shape: tuple[int, ...], p: float, dtype: type, seed: int, drop: Callable = F.dropout) -> np.ndarray:
    """Which entries PyTorch's dropout keeps after `manual_seed(seed)`: what becomes of ones tells."""
    torch.manual_seed(seed)
    return (drop(torch.ones(shape, dtype=torch_dtype(dtype)), p) != 0).numpy()


def _gradient(x: Any, dtype: type) -> Any:
    """The gradient; zeros if there is none, as for the scale in the mean of a normal distribution."""
    return np.zeros(tuple(x.shape), dtype) if x.grad is None else x.grad


def _as_tuple(value: Any) -> tuple:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


# --- draws ----------------------------------------------------------------------------------------------------

Shape = tuple[int, ...]
Arrays = Callable[[Shape], st.SearchStrategy[np.ndarray]]


def _arrays(make: Callable[[np.random.Generator, Shape], Any]) -> Arrays:
    """A strategy for arrays of a given shape. Hypothesis draws the seed alone: that is faster, and nothing shrinks to
    an array of equal numbers, on which wrong formulas agree."""
    seeds = st.integers(0, 2**32 - 1)
    return lambda shape: seeds.map(lambda seed: np.asarray(make(np.random.default_rng(seed), tuple(shape))))


real = _arrays(lambda rng, shape: rng.choice([0.3, 1.0, 5.0]) * rng.normal(size=shape))
standard = _arrays(lambda rng, shape: rng.normal(size=shape))
positive = _arrays(lambda rng, shape: rng.uniform(0.3, 3.0, shape))
nonzero = _arrays(lambda rng, shape: rng.choice([-1.0, 1.0], shape) * rng.uniform(0.3, 3.0, shape))
fraction = _arrays(lambda rng, shape: rng.uniform(0.0, 1.0, shape))
coins = _arrays(lambda rng, shape: rng.integers(0, 2, shape).astype(np.float64))
halves = _arrays(lambda rng, shape: rng.integers(-3, 4, shape) / 2)


def kinky(shape: Shape) -> st.SearchStrategy[np.ndarray]:
    """Real numbers, or multiples of ½: many ties and zeros, which lie on the kinks, where both must choose alike."""
    return st.one_of(standard(shape), halves(shape))


def shapes(min_dims: int = 0, max_dims: int = 4, min_side: int = 1, max_side: int = 5) -> st.SearchStrategy[Shape]:
    """Lengths of axes."""
    return st.lists(st.integers(min_side, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


def int_or_pair(low: int, high: int) -> st.SearchStrategy[int | tuple[int, int]]:
    """A whole number, or one for the height and one for the width."""
    number = st.integers(low, high)
    return st.one_of(number, st.tuples(number, number))


def both(value: int | tuple[int, int]) -> tuple[int, int]:
    """The pair that a whole number stands for."""
    return value if isinstance(value, tuple) else (value, value)


def _first_axis_fastest(x: np.ndarray) -> np.ndarray:
    return np.array(x, order="F")


def _every_other(x: np.ndarray) -> np.ndarray:
    wide = np.full(tuple(2 * n for n in x.shape), np.nan, x.dtype)
    wide[(slice(None, None, 2),) * x.ndim] = x
    return wide[(..., *(slice(None, None, 2),) * x.ndim)]


def _backwards(x: np.ndarray) -> np.ndarray:
    reverse = (..., *(slice(None, None, -1),) * x.ndim)
    return x[reverse].copy()[reverse]


layouts = st.sampled_from([np.copy, _first_axis_fastest, _every_other, _backwards])
"""How our input lies in memory; PyTorch's is contiguous."""
