"""What holds for every op: its gradient, its dtype, and that memory layout does not matter."""

from __future__ import annotations

import numpy as np
import pytest

from minivae import ops
from minivae.autodiff import PRIMITIVES, Tensor, pull_back
from minivae.verify import gradcheck


def normal(*shape):
    """Fixed numbers on both sides of 0, none of them near it, where several ops have a kink."""
    x = np.random.default_rng(list(shape)).normal(size=shape)
    return x + 0.1 * np.sign(x)


def positive(*shape):
    return np.abs(normal(*shape)) + 0.2


MASK = normal(3, 4) > 0

# name: (the op as a function of Tensors, its inputs); written so that no two axes have the same length.
EXAMPLES = {
    "add": (ops.add, normal(3, 1, 5), normal(4, 1)),
    "sub": (ops.sub, normal(3, 1, 5), normal(4, 1)),
    "mul": (ops.mul, normal(3, 1, 5), normal(4, 1)),
    "div": (ops.div, normal(3, 1, 5), positive(4, 1)),
    "neg": (ops.neg, normal(3, 4)),
    "square": (ops.square, normal(3, 4)),
    "sqrt": (ops.sqrt, positive(3, 4)),
    "power": (ops.power, positive(3, 1, 5), normal(4, 1)),
    "abs": (ops.abs, normal(3, 4)),
    "maximum": (ops.maximum, normal(3, 1, 5), normal(4, 1)),
    "minimum": (ops.minimum, normal(3, 1, 5), normal(4, 1)),
    "clip": (lambda x: ops.clip(x, -0.7, 0.8), normal(3, 4)),
    "where": (lambda x, y: ops.where(MASK, x, y), normal(3, 4), normal(2, 1, 4)),
    "exp": (ops.exp, normal(3, 4)),
    "log": (ops.log, positive(3, 4)),
    "log1p": (ops.log1p, positive(3, 4)),
    "expm1": (ops.expm1, normal(3, 4)),
    "tanh": (ops.tanh, normal(3, 4)),
    "sigmoid": (ops.sigmoid, normal(3, 4)),
    "softplus": (ops.softplus, normal(3, 4)),
    "relu": (ops.relu, normal(3, 4)),
    "leaky_relu": (lambda x: ops.leaky_relu(x, 0.2), normal(3, 4)),
    "elu": (lambda x: ops.elu(x, 1.7), normal(3, 4)),
    "gelu": (ops.gelu, normal(3, 4)),
    "silu": (ops.silu, normal(3, 4)),
    "sum": (lambda x: ops.sum(x, (0, -1)), normal(3, 4, 5)),
    "mean": (lambda x: ops.mean(x, 1, keepdim=True), normal(3, 4, 5)),
    "var": (lambda x: ops.var(x, (0, 2)), normal(3, 4, 5)),
    "max": (lambda x: ops.max(x, 1), normal(3, 4, 5)),
    "min": (lambda x: ops.min(x, (0, 2), keepdim=True), normal(3, 4, 5)),
    "logsumexp": (lambda x: ops.logsumexp(x, 1), normal(3, 4, 5)),
    "softmax": (lambda x: ops.softmax(x, 1), normal(3, 4, 5)),
    "log_softmax": (lambda x: ops.log_softmax(x, -1), normal(3, 4, 5)),
    "matmul": (ops.matmul, normal(2, 1, 3, 4), normal(5, 4, 2)),
    "dense": (ops.dense, normal(2, 3, 4), normal(4, 5), normal(5)),
    "reshape": (lambda x: ops.reshape(x, (5, -1)), normal(3, 4, 5)),
    "permute": (lambda x: ops.permute(x, (2, 0, 1)), normal(3, 4, 5)),
    "broadcast_to": (lambda x: ops.broadcast_to(x, (2, 3, 4)), normal(3, 1)),
    "flip": (lambda x: ops.flip(x, (0, -1)), normal(3, 4, 5)),
    "concat": (lambda x, y, z: ops.concat([x, y, z], 1), normal(3, 4), normal(3, 1), normal(3, 2)),
    "stack": (lambda x, y: ops.stack([x, y, x], -1), normal(3, 4), positive(3, 4)),
    "getitem": (lambda x: x[:, [2, 0, 2, 2]], normal(3, 4, 5)),
    "pad": (lambda x: ops.pad(x, (1, 2, -1, 3), 0.5), normal(2, 3, 4)),
}
FILES = (
    *("arithmetic", "piecewise", "exponential", "activations", "reductions", "softmax"),
    *("linalg", "shapes", "joining", "indexing"),
)
"""EXAMPLES has one example of every primitive in these files."""

MORE = {
    "flatten": (lambda x: ops.flatten(x, 1), normal(3, 4, 5)),
    "split": (lambda x: ops.split(x, (1, 3), 1)[1] * ops.split(x, 3, 1)[0], normal(3, 4)),
    "power of a constant": (lambda x: x**3, normal(3, 4)),
    "matrix times vector": (ops.matmul, normal(2, 3, 4), normal(4)),
    "vector times matrix": (ops.matmul, normal(4), normal(2, 4, 3)),
    "vector times vector": (ops.matmul, normal(4), positive(4)),
    "matmul, one batch for two": (ops.matmul, normal(3, 4), normal(2, 4, 5)),
    "dense without bias": (ops.dense, normal(3, 4), normal(4, 5)),
    "dense of a vector": (ops.dense, normal(4), normal(4, 5), normal(5)),
    "slices": (lambda x: x[1:, None, ::-2, 3], normal(3, 4, 5)),
    "last axis by an array": (lambda x: x[..., np.array([[1, 1], [4, 0]])], normal(3, 4, 5)),
    "two arrays": (lambda x: x[[0, 2, 0, 0], :, [1, 4, 1, 2]], normal(3, 4, 5)),
    "array and integer": (lambda x: x[1, :, [1, 4, 1]], normal(3, 4, 5)),
    "sum of all": (lambda x: x.sum(), normal(3, 4)),
    "a single number": (lambda x: ops.softplus(x) * ops.max(x) + ops.logsumexp(x) + x[None], normal()),
    "both arguments the same": (lambda x: x * x + x / x + x @ x.T, normal(3, 3)),
}

ALL = {**EXAMPLES, **MORE}
every = pytest.mark.parametrize("name", ALL)


def _value_and_gradients(f, arrays):
    leaves = [Tensor(x, requires_grad=True) for x in arrays]
    y = f(*leaves)
    y.backward(np.asarray(normal(*y.shape), y.dtype))
    return y.data, [leaf.grad for leaf in leaves]


def test_every_primitive_of_these_files_has_an_example():
    here = {name for name, op in PRIMITIVES.items() if op.__module__.removeprefix("minivae.ops.") in FILES}
    assert here == set(EXAMPLES)


@every
def test_the_gradient_is_the_derivative(name):
    f, *inputs = ALL[name]
    report = gradcheck(f, *inputs)
    assert report, str(report)


@every
def test_float32_in_float32_out_and_float32_back(name):
    f, *inputs = ALL[name]
    exact, exact_gradients = _value_and_gradients(f, inputs)
    value, gradients = _value_and_gradients(f, [x.astype(np.float32) for x in inputs])
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, exact, rtol=2e-5, atol=2e-6)
    for x, gradient, exact_gradient in zip(inputs, gradients, exact_gradients, strict=True):
        assert (gradient.dtype, gradient.shape) == (np.float32, x.shape)
        np.testing.assert_allclose(gradient, exact_gradient, rtol=2e-5, atol=2e-5)


@every
def test_strides_do_not_matter(name):
    f, *inputs = ALL[name]
    value, gradients = _value_and_gradients(f, inputs)
    for layout in (_every_other, _reversed, _last_axis_slowest):
        other_value, other_gradients = _value_and_gradients(f, [layout(x) for x in inputs])
        np.testing.assert_allclose(other_value, value, rtol=1e-13)
        for gradient, other in zip(gradients, other_gradients, strict=True):
            np.testing.assert_allclose(other, gradient, rtol=1e-12, atol=1e-14)


@every
def test_pullbacks_are_linear_and_can_be_called_twice(name):
    f, *inputs = ALL[name]
    leaves = [Tensor(x, requires_grad=True) for x in inputs]
    y = f(*leaves)
    g, h = normal(*y.shape), positive(*y.shape)

    def pull(cotangent):
        walk = pull_back(y.node, cotangent, retain_graph=True)
        found = {node: gradient for node, gradient, _ in walk}
        return [found[leaf.node] for leaf in leaves]

    for of_g, of_h, of_both, again, of_nothing in zip(
        pull(g), pull(h), pull(2 * g - 3 * h), pull(g), pull(0 * g), strict=True
    ):
        np.testing.assert_allclose(of_both, 2 * of_g - 3 * of_h, rtol=1e-12, atol=1e-13)
        np.testing.assert_array_equal(of_g, again)
        np.testing.assert_array_equal(of_nothing, 0)


def _every_other(x):
    """The same array as every second entry of a larger one."""
    wide = np.full(tuple(2 * n for n in x.shape), np.nan)
    view = wide[(*[slice(None, None, 2)] * x.ndim, ...)]
    view[...] = x
    return view


def _reversed(x):
    """The same array with negative strides."""
    backwards = (slice(None, None, -1),) * x.ndim
    return np.array(x[backwards])[backwards] if x.ndim else x


def _last_axis_slowest(x):
    return np.array(x, order="F")
