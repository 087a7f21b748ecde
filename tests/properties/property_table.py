"""Every op as something to draw from: how its shapes and options vary together, and which shape must come out.

Values lie on a grid in random order. So no two of them are equal, none is near 0, and no op is near a kink.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from minivae import ops
from minivae.autodiff import Tensor
from minivae.distributions.kl import kl_to_standard_normal

Shape = tuple[int, ...]
REAL, POSITIVE = "real", "positive"


@dataclass(frozen=True)
class Call:
    """An op with its options, the shapes (and kinds of values) of its arguments, and the shape of its value."""

    f: Callable[..., Tensor]
    arguments: tuple[tuple[Shape, str], ...]
    shape: Shape

    def arrays(self, seed: int, kind: str | None = None) -> list[np.ndarray]:
        """Float64 arguments; all of one kind, where it is given."""
        sizes = [math.prod(shape) for shape, _ in self.arguments]
        n = sum(sizes)
        grid = np.random.default_rng(seed).permutation(n) + 0.5
        step = min(0.07, 6 / max(n, 1))
        values = np.split(grid, np.cumsum(sizes)[:-1])
        return [
            (0.3 + step * v if (kind or own) == POSITIVE else step * (v - (n + n % 2) / 2)).reshape(shape)
            for v, (shape, own) in zip(values, self.arguments, strict=True)
        ]


Builder = Callable[[st.DrawFn, int], Call]
"""From Hypothesis's `draw` and the smallest length of an axis, a call."""


def lengths(least: int) -> st.SearchStrategy[int]:
    return st.integers(least, 4)


def shapes(least: int, dims: int = 0) -> st.SearchStrategy[Shape]:
    """A shape of `dims` to 3 axes."""
    return st.lists(lengths(least), min_size=dims, max_size=3).map(tuple)


# --- entry by entry -----------------------------------------------------------------------------------------


def entrywise(op: Callable[..., Tensor], *kinds: str, **options: Any) -> Builder:
    """Arguments of these kinds, whose shapes broadcast."""

    def build(draw: st.DrawFn, least: int) -> Call:
        drawn = draw(mutually_broadcastable_shapes(num_shapes=len(kinds), min_side=least, max_side=4, max_dims=3))
        arguments = tuple(zip(drawn.input_shapes, kinds, strict=True))
        return Call(lambda *xs: op(*xs, **options), arguments, drawn.result_shape)

    return build


def where(draw: st.DrawFn, least: int) -> Call:
    drawn = draw(mutually_broadcastable_shapes(num_shapes=3, min_side=least, max_side=4, max_dims=3))
    condition, *others = drawn.input_shapes
    mask = np.arange(math.prod(condition)).reshape(condition) % 3 == 1
    return Call(lambda x, y: ops.where(mask, x, y), tuple((s, REAL) for s in others), drawn.result_shape)


def dropout(draw: st.DrawFn, least: int) -> Call:
    shape = draw(shapes(least))
    kept = tuple(n if draw(st.booleans()) else 1 for n in shape)
    mask = np.arange(math.prod(kept)).reshape(kept) % 3 != 1
    return Call(lambda x: ops.dropout(x, mask, 0.25), ((shape, REAL),), shape)


# --- along axes ---------------------------------------------------------------------------------------------


def reduction(op: Callable[..., Tensor], **options: Any) -> Builder:
    def build(draw: st.DrawFn, least: int) -> Call:
        shape = draw(shapes(least))
        axes = draw(st.lists(st.integers(0, len(shape) - 1), unique=True)) if shape else []
        everything = draw(st.booleans())
        keepdim = draw(st.booleans())
        reduced = range(len(shape)) if everything else axes
        result = tuple(1 if i in reduced else n for i, n in enumerate(shape) if keepdim or i not in reduced)
        dim = None if everything else tuple(a - len(shape) if a % 2 else a for a in axes)
        return Call(lambda x: op(x, dim, keepdim=keepdim, **options), ((shape, REAL),), result)

    return build


def along_one(op: Callable[..., Tensor]) -> Builder:
    def build(draw: st.DrawFn, least: int) -> Call:
        shape = draw(shapes(least, 1))
        dim = draw(st.integers(-len(shape), len(shape) - 1))
        return Call(lambda x: op(x, dim), ((shape, REAL),), shape)

    return build


def matmul(draw: st.DrawFn, least: int) -> Call:
    drawn = draw(mutually_broadcastable_shapes(num_shapes=2, min_side=least, max_side=3, max_dims=2))
    m, k, n = (draw(lengths(least)) for _ in range(3))
    left, right = draw(st.booleans()), draw(st.booleans())
    x = (*drawn.input_shapes[0], m, k) if left else (k,)
    y = (*drawn.input_shapes[1], k, n) if right else (k,)
    batch = np.broadcast_shapes(x[:-2], y[:-2])
    return Call(ops.matmul, ((x, REAL), (y, REAL)), (*batch, *((m,) if left else ()), *((n,) if right else ())))


def dense(draw: st.DrawFn, least: int) -> Call:
    front, inputs, outputs = draw(shapes(least))[:2], draw(lengths(least)), draw(lengths(least))
    bias = (((outputs,), REAL),) if draw(st.booleans()) else ()
    return Call(ops.dense, (((*front, inputs), REAL), ((inputs, outputs), REAL), *bias), (*front, outputs))


# --- other arrangements -------------------------------------------------------------------------------------


def reshape(draw: st.DrawFn, least: int) -> Call:
    shape = draw(shapes(least))
    size = math.prod(shape)
    new = draw(st.sampled_from([(size,), (1, size), (*shape, 1), tuple(reversed(shape)), (*shape[:1], 1, *shape[1:])]))
    return Call(lambda x: ops.reshape(x, new), ((shape, REAL),), new)


def permute(draw: st.DrawFn, least: int) -> Call:
    shape = draw(shapes(least))
    order = tuple(draw(st.permutations(range(len(shape)))))
    return Call(lambda x: ops.permute(x, order), ((shape, REAL),), tuple(shape[i] for i in order))


def broadcast_to(draw: st.DrawFn, least: int) -> Call:
    shape = draw(shapes(least))
    narrow = tuple(1 if draw(st.booleans()) else n for n in shape)[draw(st.integers(0, len(shape))) :]
    return Call(lambda x: ops.broadcast_to(x, shape), ((narrow, REAL),), shape)


def flip(draw: st.DrawFn, least: int) -> Call:
    shape = draw(shapes(least))
    axes = tuple(draw(st.lists(st.integers(0, len(shape) - 1), unique=True))) if shape else ()
    return Call(lambda x: ops.flip(x, axes), ((shape, REAL),), shape)


def getitem(draw: st.DrawFn, least: int) -> Call:
    """A slice, a number or an array of numbers for each axis; here and there a new axis."""
    shape = draw(shapes(least, 1))
    index: list[Any] = []
    for n in shape:
        if draw(st.integers(0, 3)) == 0:
            index.append(None)
        part = draw(st.slices(n))
        if n:
            number = st.integers(-n, n - 1)
            some = st.lists(number, max_size=4).map(lambda numbers: np.array(numbers, dtype=int))
            part = draw(st.one_of(st.just(part), number, some))
        index.append(part)
    arrays = [part for part in index if isinstance(part, np.ndarray)]
    if len({len(array) for array in arrays} - {1}) > 1:  # arrays are indexed together, so their lengths must fit
        index = [part[:1] * 0 if isinstance(part, np.ndarray) and len(part) else part for part in index]
        index = [slice(None) if isinstance(part, np.ndarray) and not len(part) else part for part in index]
    key = tuple(index)
    return Call(lambda x: ops.getitem(x, key), ((shape, REAL),), np.zeros(shape)[key].shape)


def pad(draw: st.DrawFn, least: int) -> Call:
    shape = draw(shapes(least))
    axes = draw(st.integers(0, len(shape)))
    pairs = [(draw(st.integers(-1, 2)), draw(st.integers(0, 2))) for _ in range(axes)]
    pairs = [(max(b, -n), a) for (b, a), n in zip(pairs, shape[::-1], strict=False)]
    new = tuple(n + sum(pair) for n, pair in zip(shape[::-1], pairs + [(0, 0)] * 3, strict=False))[::-1]
    widths = [width for pair in pairs for width in pair]
    return Call(lambda x: ops.pad(x, widths, 0.5), ((shape, REAL),), new)


def concat(draw: st.DrawFn, least: int) -> Call:
    shape = draw(shapes(least, 1))
    dim = draw(st.integers(0, len(shape) - 1))
    parts = draw(st.lists(lengths(least), min_size=1, max_size=3))
    join = lambda n: (*shape[:dim], n, *shape[dim + 1 :])
    return Call(lambda *xs: ops.concat(xs, dim), tuple((join(n), REAL) for n in parts), join(sum(parts)))


def stack(draw: st.DrawFn, least: int) -> Call:
    shape = draw(shapes(least))
    dim, n = draw(st.integers(0, len(shape))), draw(st.integers(1, 3))
    return Call(lambda *xs: ops.stack(xs, dim), ((shape, REAL),) * n, (*shape[:dim], n, *shape[dim:]))


def split(draw: st.DrawFn, least: int) -> Call:
    """One of the parts, the last one."""
    shape = draw(shapes(least, 1))
    dim = draw(st.integers(0, len(shape) - 1))
    length = draw(st.integers(0, shape[dim]))
    sections = [shape[dim] - length, length]
    result = (*shape[:dim], length, *shape[dim + 1 :])
    return Call(lambda x: ops.split(x, sections, dim)[-1], ((shape, REAL),), result)


def flatten(draw: st.DrawFn, least: int) -> Call:
    shape = draw(shapes(least, 1))
    first = draw(st.integers(0, len(shape) - 1))
    last = draw(st.integers(first, len(shape) - 1))
    result = (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])
    return Call(lambda x: ops.flatten(x, first, last), ((shape, REAL),), result)


# --- images -------------------------------------------------------------------------------------------------

PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3))


def conv2d(draw: st.DrawFn, least: int) -> Call:
    stride, dilation, groups = draw(PAIR), draw(st.tuples(*[st.integers(1, 2)] * 2)), draw(st.integers(1, 2))
    padding, kernel = draw(st.tuples(*[st.integers(0, 2)] * 2)), draw(PAIR)
    n, inputs, outputs = draw(lengths(least)), draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    size = [max(r - 2 * p, least) + draw(st.integers(0, 3)) for r, p in zip(reach, padding, strict=True)]
    count = [(m + 2 * p - r) // s + 1 for m, p, r, s in zip(size, padding, reach, stride, strict=True)]
    arguments = [(n, inputs * groups, *size), (outputs, inputs, *kernel)]
    arguments += [(outputs,)] if draw(st.booleans()) else []
    f = lambda x, w, b=None: ops.conv2d(x, w, b, stride, padding, dilation, groups)
    return Call(f, tuple((s, REAL) for s in arguments), (n, outputs, *count))


def conv_transpose2d(draw: st.DrawFn, least: int) -> Call:
    stride, dilation, groups = draw(PAIR), draw(st.tuples(*[st.integers(1, 2)] * 2)), draw(st.integers(1, 2))
    kernel, count = draw(PAIR), draw(PAIR)
    n, inputs, outputs = draw(lengths(least)), groups * draw(st.integers(1, 2)), draw(st.integers(1, 2))
    extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    whole = [
        (c - 1) * s + d * (k - 1) + 1 + e for c, s, d, k, e in zip(count, stride, dilation, kernel, extra, strict=True)
    ]
    padding = tuple(draw(st.integers(0, min(2, (w - 1) // 2))) for w in whole)
    size = [w - 2 * p for w, p in zip(whole, padding, strict=True)]
    arguments = [(n, inputs, *count), (inputs, outputs, *kernel)]
    arguments += [(outputs * groups,)] if draw(st.booleans()) else []
    f = lambda x, w, b=None: ops.conv_transpose2d(x, w, b, stride, padding, extra, groups, dilation)
    return Call(f, tuple((s, REAL) for s in arguments), (n, outputs * groups, *size))


def pooling(op: Callable[..., Tensor]) -> Builder:
    def build(draw: st.DrawFn, least: int) -> Call:
        kernel, stride = draw(PAIR), draw(st.none() | PAIR)
        padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
        n, channels = draw(lengths(least)), draw(lengths(least))
        size = [max(1, k - 2 * p) + draw(st.integers(0, 3)) for k, p in zip(kernel, padding, strict=True)]
        steps = kernel if stride is None else stride
        count = [(m + 2 * p - k) // s + 1 for m, p, k, s in zip(size, padding, kernel, steps, strict=True)]
        f = lambda x: op(x, kernel, stride, padding)
        return Call(f, (((n, channels, *size), REAL),), (n, channels, *count))

    return build


def upsample_nearest(draw: st.DrawFn, least: int) -> Call:
    scale, shape = draw(PAIR), tuple(draw(lengths(least)) for _ in range(4))
    result = (*shape[:2], shape[2] * scale[0], shape[3] * scale[1])
    return Call(lambda x: ops.upsample_nearest(x, scale), ((shape, REAL),), result)


# --- norms and losses ---------------------------------------------------------------------------------------


def batch_norm(draw: st.DrawFn, least: int) -> Call:
    shape = (draw(lengths(least)), draw(lengths(least)), *draw(shapes(least))[:2])
    weights = (((shape[1],), REAL),) * 2 if draw(st.booleans()) else ()
    return Call(lambda *xs: ops.batch_norm(*xs, eps=0.1), ((shape, REAL), *weights), shape)


def group_norm(draw: st.DrawFn, least: int) -> Call:
    groups, each = draw(st.integers(1, 3)), draw(lengths(least))
    shape = (draw(lengths(least)), groups * each, *draw(shapes(least))[:2])
    weights = (((shape[1],), REAL),) * 2 if draw(st.booleans()) else ()
    return Call(lambda *xs: ops.group_norm(*xs, num_groups=groups, eps=0.1), ((shape, REAL), *weights), shape)


def layer_norm(draw: st.DrawFn, least: int) -> Call:
    front, last = draw(shapes(least, 1))[:2], draw(shapes(least, 1))[:2]
    weights = ((last, REAL),) * 2 if draw(st.booleans()) else ()
    return Call(lambda *xs: ops.layer_norm(*xs, eps=0.1), (((*front, *last), REAL), *weights), (*front, *last))


def cross_entropy(draw: st.DrawFn, least: int) -> Call:
    n, classes, rest = draw(lengths(least)), draw(st.integers(1, 4)), draw(shapes(least))[:2]
    labels = np.arange(n * math.prod(rest)).reshape(n, *rest) * 7 % classes
    return Call(lambda x: ops.cross_entropy(x, labels), (((n, classes, *rest), REAL),), (n, *rest))


BROADCASTING: dict[str, Builder] = {
    "add": entrywise(ops.add, REAL, REAL),
    "sub": entrywise(ops.sub, REAL, REAL),
    "mul": entrywise(ops.mul, REAL, REAL),
    "div": entrywise(ops.div, REAL, POSITIVE),
    "power": entrywise(ops.power, POSITIVE, REAL),
    "maximum": entrywise(ops.maximum, REAL, REAL),
    "minimum": entrywise(ops.minimum, REAL, REAL),
    "binary_cross_entropy_with_logits": entrywise(ops.binary_cross_entropy_with_logits, REAL, POSITIVE),
    "gaussian_log_likelihood": entrywise(ops.gaussian_log_likelihood, REAL, REAL, REAL),
    "kl_to_standard_normal": entrywise(kl_to_standard_normal, REAL, REAL),
}
OPS: dict[str, Builder] = {
    **BROADCASTING,
    **{
        op.__name__: entrywise(op, REAL)
        for op in (
            *(ops.neg, ops.square, ops.abs, ops.exp, ops.expm1, ops.tanh, ops.sigmoid, ops.softplus),
            *(ops.relu, ops.leaky_relu, ops.elu, ops.gelu, ops.silu),
        )
    },
    **{op.__name__: entrywise(op, POSITIVE) for op in (ops.sqrt, ops.log, ops.log1p)},
    "clip": entrywise(ops.clip, REAL, min=-0.7001, max=0.8001),
    "where": where,
    "dropout": dropout,
    **{op.__name__: reduction(op) for op in (ops.sum, ops.mean, ops.max, ops.min, ops.logsumexp)},
    "var": reduction(ops.var, correction=0),
    "softmax": along_one(ops.softmax),
    "log_softmax": along_one(ops.log_softmax),
    "matmul": matmul,
    "dense": dense,
    "reshape": reshape,
    "flatten": flatten,
    "permute": permute,
    "broadcast_to": broadcast_to,
    "flip": flip,
    "getitem": getitem,
    "pad": pad,
    "concat": concat,
    "stack": stack,
    "split": split,
    "conv2d": conv2d,
    "conv_transpose2d": conv_transpose2d,
    "max_pool2d": pooling(ops.max_pool2d),
    "avg_pool2d": pooling(ops.avg_pool2d),
    "upsample_nearest": upsample_nearest,
    "batch_norm": batch_norm,
    "group_norm": group_norm,
    "layer_norm": layer_norm,
    "cross_entropy": cross_entropy,
}


@st.composite
def calls(draw: st.DrawFn, name: str, least: int = 1) -> Call:
    """A call of the op of this name, its axes at least so long."""
    return OPS[name](draw, least)
