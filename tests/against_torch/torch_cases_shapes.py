"""Ops that reduce, rearrange, join and pick, and matrix products. `CASES[name]` draws a `Case`."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st
from torch_compare import Case, F, kinky, real, shapes, standard, torch

from minivae import ops


def a_dim(draw, ndim):
    return draw(st.integers(-ndim, ndim - 1))


def some_dims(draw, ndim, at_least=1):
    """Several different axes, some of them counted from the end."""
    axes = draw(st.lists(st.integers(0, ndim - 1), min_size=at_least, max_size=ndim, unique=True))
    return tuple(axis - ndim * draw(st.booleans()) for axis in axes)


def maybe_dims(draw, ndim):
    """An axis, several, or None for all."""
    if not ndim:
        return None
    return draw(st.sampled_from([None, a_dim(draw, ndim), some_dims(draw, ndim)]))


@st.composite
def reduction(draw, ours, theirs, values=real):
    x = draw(values(draw(shapes())))
    return Case(ours, theirs, x, dim=maybe_dims(draw, x.ndim), keepdim=draw(st.booleans()))


@st.composite
def variance(draw):
    x = draw(real(draw(shapes(min_dims=1, min_side=2))))
    options = {"dim": maybe_dims(draw, x.ndim), "correction": draw(st.sampled_from([0, 1])), "keepdim": True}
    return Case(ops.var, torch.var, x, **options)


@st.composite
def logsumexp(draw):
    """PyTorch has no dim=None here: it must be told all axes."""
    x = draw(real(draw(shapes())))
    dim, keepdim = maybe_dims(draw, x.ndim), draw(st.booleans())
    every = tuple(range(x.ndim)) if dim is None else dim
    return Case(
        lambda x: ops.logsumexp(x, dim, keepdim=keepdim), lambda x: torch.logsumexp(x, every, keepdim=keepdim), x
    )


@st.composite
def along_one(draw, ours, theirs):
    x = draw(real(draw(shapes(min_dims=1))))
    return Case(ours, theirs, x, dim=a_dim(draw, x.ndim))


@st.composite
def matmul(draw):
    """Matrices and vectors on either side, leading axes broadcast."""
    m, k, n = (draw(st.integers(1, 6)) for _ in range(3))
    batch = draw(shapes(0, 2, max_side=3))
    left = draw(st.sampled_from([(k,), (m, k), (*batch, m, k), (*(1 for _ in batch), m, k)]))
    right = draw(st.sampled_from([(k,), (k, n), (*batch, k, n), (*batch[1:], k, n)]))
    return Case(ops.matmul, torch.matmul, draw(standard(left)), draw(standard(right)))


@st.composite
def dense(draw):
    """PyTorch's linear takes the weight as (O, I)."""
    i, o = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    x, weight = draw(standard((*draw(shapes(0, 3, min_side=0)), i))), draw(standard((i, o)))
    bias = draw(standard((o,))) if draw(st.booleans()) else None
    return Case(ops.dense, lambda x, weight, bias: F.linear(x, weight.T, bias), x, weight, bias)


@st.composite
def cross_entropy(draw):
    """(K,), (N, K) and (N, K, ...) with labels of any integer type."""
    k = draw(st.integers(1, 6))
    batch = draw(shapes(0, 3, max_side=4))
    shape = (*batch[:1], k, *batch[1:])
    seed = draw(st.integers(0, 1000))
    labels = np.asarray(np.random.default_rng(seed).integers(0, k, batch)).astype(
        draw(st.sampled_from([np.int64, np.int32, np.uint8]))
    )
    return Case(
        ops.cross_entropy,
        lambda logits, labels: F.cross_entropy(logits, torch.tensor(labels.astype(np.int64)), reduction="none"),
        draw(real(shape)),
        labels=labels,
    )


@st.composite
def reshape(draw):
    shape = draw(shapes(min_dims=1))
    new = list(draw(st.permutations(shape)))
    if draw(st.booleans()):
        new[draw(st.integers(0, len(new) - 1))] = -1
    return Case(ops.reshape, torch.reshape, draw(standard(shape)), shape=tuple(new))


@st.composite
def flatten(draw):
    x = draw(standard(draw(shapes(min_dims=1))))
    start, end = sorted(draw(st.tuples(*[st.integers(0, x.ndim - 1)] * 2)))
    return Case(ops.flatten, torch.flatten, x, start_dim=start - x.ndim * draw(st.booleans()), end_dim=end)


@st.composite
def permute(draw):
    x = draw(standard(draw(shapes(min_side=0))))
    return Case(ops.permute, torch.permute, x, dims=tuple(draw(st.permutations(range(x.ndim)))))


@st.composite
def broadcast_to(draw):
    shape = draw(shapes(min_dims=1))
    narrow = tuple(1 if draw(st.booleans()) else n for n in shape)[draw(st.integers(0, len(shape))) :]
    return Case(ops.broadcast_to, lambda x, shape: torch.broadcast_to(x, shape), draw(standard(narrow)), shape=shape)


@st.composite
def flip(draw):
    x = draw(standard(draw(shapes(min_dims=1))))
    return Case(ops.flip, torch.flip, x, dims=some_dims(draw, x.ndim))


@st.composite
def concat(draw):
    shape = draw(shapes(min_dims=1))
    axis = draw(st.integers(0, len(shape) - 1))
    lengths = draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))
    parts = [draw(standard((*shape[:axis], length, *shape[axis + 1 :]))) for length in lengths]
    return Case(
        lambda *parts, dim: ops.concat(parts, dim), lambda *parts, dim: torch.concat(parts, dim), *parts, dim=axis
    )


@st.composite
def stack(draw):
    shape = draw(shapes(max_dims=3))
    parts = [draw(standard(shape)) for _ in range(draw(st.integers(1, 4)))]
    dim = draw(st.integers(-len(shape) - 1, len(shape)))
    return Case(lambda *x, dim: ops.stack(x, dim), lambda *x, dim: torch.stack(x, dim), *parts, dim=dim)


@st.composite
def split(draw):
    x = draw(standard(draw(shapes(min_dims=1))))
    dim = a_dim(draw, x.ndim)
    n = x.shape[dim]
    cuts = sorted(draw(st.lists(st.integers(0, n), max_size=3)))
    sections = [b - a for a, b in zip([0, *cuts], [*cuts, n], strict=True)]
    sizes = draw(st.one_of(st.integers(1, n + 1), st.just(sections)))
    return Case(ops.split, torch.split, x, split_size_or_sections=sizes, dim=dim)


@st.composite
def pad(draw):
    """Widths may be negative, and fewer than two an axis; what they cut off must be there."""
    x = draw(standard(draw(shapes(min_dims=1, max_dims=3))))
    widths = []
    for n in x.shape[::-1][: draw(st.integers(1, x.ndim))]:
        before = draw(st.integers(-n, 3))
        widths += [before, draw(st.integers(-n - min(before, 0), 3))]
    return Case(ops.pad, F.pad, x, pad=tuple(widths), value=draw(st.sampled_from([0.0, -1.5])))


@st.composite
def getitem(draw):
    """Slices, None and `...`, mixed with integers or with arrays of integers, which are of one shape or broadcast.

    Ours picks as NumPy does. PyTorch puts the axes that arrays pick elsewhere in two cases, which are not drawn: an
    integer beside an array, x[0, :, [1, 2]] (for NumPy it is an array too), and `...` that stands for no axis at all
    between two arrays (for NumPy they are apart). Nor are negative steps, which PyTorch lacks.
    """
    shape = draw(shapes(min_dims=1))
    together = draw(shapes(1, 2, max_side=4))
    with_arrays = draw(st.booleans())

    def number_or_array(n):
        number = st.integers(-n, n - 1)
        if not with_arrays:
            return number
        of_shape = draw(st.sampled_from([together, together[1:] or (1,)]))
        size = math.prod(of_shape)
        return st.lists(number, min_size=size, max_size=size).map(lambda numbers: np.reshape(numbers, of_shape))

    def cut(n):
        bound = st.one_of(st.none(), st.integers(-n - 1, n + 1))
        return st.builds(slice, bound, bound, st.one_of(st.none(), st.integers(1, 3)))

    dots = draw(st.integers(0, len(shape)))  # how many axes come before them; after them, at least one later
    left = [draw(st.one_of(number_or_array(n), cut(n))) for n in shape[:dots]]
    right = [draw(st.one_of(number_or_array(n), cut(n))) for n in shape[draw(st.integers(dots + 1, len(shape) + 1)) :]]
    parts = [*left, ..., *right] if right or draw(st.booleans()) else left
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), None)
    return Case(ops.getitem, getitem_of_torch, draw(standard(shape)), index=tuple(parts))


def getitem_of_torch(x, index):
    return x[tuple(torch.tensor(part) if isinstance(part, np.ndarray) else part for part in index)]


CASES = {
    "sum": reduction(ops.sum, torch.sum),
    "mean": reduction(ops.mean, torch.mean),
    "var": variance(),
    "max": reduction(ops.max, torch.amax, kinky),
    "min": reduction(ops.min, torch.amin, kinky),
    "logsumexp": logsumexp(),
    "softmax": along_one(ops.softmax, torch.softmax),
    "log_softmax": along_one(ops.log_softmax, torch.log_softmax),
    "matmul": matmul(),
    "dense": dense(),
    "cross_entropy": cross_entropy(),
    "reshape": reshape(),
    "flatten": flatten(),
    "permute": permute(),
    "broadcast_to": broadcast_to(),
    "flip": flip(),
    "concat": concat(),
    "stack": stack(),
    "split": split(),
    "pad": pad(),
    "getitem": getitem(),
}
