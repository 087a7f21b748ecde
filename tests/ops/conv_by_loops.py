"""conv2d and conv_transpose2d as their definitions, loops over every product, and random settings for them."""

from __future__ import annotations

import itertools

import numpy as np

from minivae.autodiff import Tensor


def products(x_shape, w_shape, y_shape, stride, padding, dilation, groups):
    """The definition: every (pixel of x, weight, pixel of y) that a convolution multiplies and adds, as indices."""
    n, _, height, width = x_shape
    _, outputs, ho, wo = y_shape
    _, inputs, kh, kw = w_shape
    for b, o, u, v, c, i, j in itertools.product(*map(range, (n, outputs, ho, wo, inputs, kh, kw))):
        row, column = u * stride[0] + i * dilation[0] - padding[0], v * stride[1] + j * dilation[1] - padding[1]
        if 0 <= row < height and 0 <= column < width:
            channel = o // (outputs // groups) * inputs + c
            yield (b, channel, row, column), (o, c, i, j), (b, o, u, v)


def conv2d_by_loops(x, w, bias, g, grid):
    """y[v] += x[u]·w[k] for all products, and what the product rule makes of it: (y, dx, dw, dbias)."""
    y, dx, dw = np.zeros_like(g), np.zeros_like(x), np.zeros_like(w)
    for u, k, v in products(x.shape, w.shape, g.shape, *grid):
        y[v] += x[u] * w[k]
        dx[u] += g[v] * w[k]
        dw[k] += g[v] * x[u]
    return y + bias.reshape(-1, 1, 1), dx, dw, g.sum(axis=(0, 2, 3))


def conv_transpose2d_by_loops(x, w, bias, g, grid):
    """The same products with x and y in each other's place: y[u] += x[v]·w[k]."""
    y, dx, dw = np.zeros_like(g), np.zeros_like(x), np.zeros_like(w)
    for u, k, v in products(g.shape, w.shape, x.shape, *grid):
        y[u] += x[v] * w[k]
        dx[v] += g[u] * w[k]
        dw[k] += g[u] * x[v]
    return y + bias.reshape(-1, 1, 1), dx, dw, g.sum(axis=(0, 2, 3))


class Setting:
    """Random shapes and options, such that at least one window fits."""

    def __init__(self, seed):
        rng = self.rng = np.random.default_rng(seed)

        def pair(low, high):
            return tuple(int(n) for n in rng.integers(low, high, size=2, endpoint=True))

        self.kernel, self.stride, self.dilation = pair(1, 4), pair(1, 3), pair(1, 3)
        self.count = pair(1, 4)
        reach = [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        smallest = [(n - 1) * s + r for n, s, r in zip(self.count, self.stride, reach, strict=True)]
        self.padding = tuple(int(rng.integers(0, min(3, (m - 1) // 2), endpoint=True)) for m in smallest)
        self.exact = tuple(m - 2 * p for m, p in zip(smallest, self.padding, strict=True))
        rest = [int(rng.integers(0, s)) for s in self.stride]
        self.size = tuple(e + r for e, r in zip(self.exact, rest, strict=True))
        steps = zip(self.stride, self.dilation, strict=True)
        self.output_padding = tuple(int(rng.integers(0, max(s, d))) for s, d in steps)
        self.groups = int(rng.integers(1, 3, endpoint=True))
        self.n, self.inputs, self.outputs = (int(k) for k in rng.integers(1, 2, size=3, endpoint=True))
        self.inputs, self.outputs = self.inputs * self.groups, self.outputs * self.groups
        self.grid = (self.stride, self.padding, self.dilation, self.groups)
        self.options = {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    def normal(self, *shape):
        return self.rng.normal(size=shape)


def value_and_gradients(op, arrays, g, **options):
    leaves = [Tensor(a, requires_grad=True) for a in arrays]
    y = op(*leaves, **options)
    y.backward(g)
    return y.data, *(leaf.grad for leaf in leaves)


def assert_all_close(ours, expected, rtol):
    for name, a, b in zip(("value", "dx", "dweight", "dbias"), ours, expected, strict=False):
        assert a.shape == b.shape, name
        assert np.abs(a - b).max() <= rtol * max(np.abs(b).max(), 1e-300), name
