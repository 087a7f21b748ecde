"""Activation functions, entry by entry. None overflows, however large |x| is.

They use maximum, minimum and abs where a textbook writes two cases: `where` computes both sides and costs twenty
times as much as `maximum`.
"""

from __future__ import annotations

from minivae.autodiff import Forward, primitive
from minivae.backend import Array, array_module
from minivae.ops.erf import normal_cdf, normal_pdf


@primitive
def tanh(x: Array) -> Forward:
    """y = tanh x.  d/dx = 1 − y²."""
    y = array_module(x).tanh(x)
    return y, lambda g: g * (1 - y * y)


@primitive
def sigmoid(x: Array) -> Forward:
    """y = 1/(1 + exp(−x)).  d/dx = y·(1 − y)."""
    y = logistic(x)
    return y, lambda g: g * (y * (1 - y))


def logistic(x: Array) -> Array:
    """The sigmoid on plain arrays: 1/(1 + t) for x ≥ 0 and t/(1 + t) for x < 0, with t = exp(−|x|) ≤ 1."""
    xp = array_module(x)
    t = xp.exp(-xp.abs(x))
    y = xp.maximum(t, x >= 0)  # 1 or t
    y /= 1 + t
    return y


@primitive
def softplus(x: Array) -> Forward:
    """y = log(1 + exp x) = max(x, 0) + log(1 + exp(−|x|)).  d/dx = sigmoid x = exp(x − y)."""
    xp = array_module(x)
    y = xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))
    return y, lambda g: g * xp.exp(x - y)


@primitive
def relu(x: Array) -> Forward:
    """y = max(x, 0).  d/dx = 1 for x > 0, otherwise 0; at the kink 0 too."""
    y = array_module(x).maximum(x, 0)

    def pullback(g: Array) -> Array:
        slope = (y > 0).astype(g.dtype)
        slope *= g
        return slope

    return y, pullback


@primitive
def leaky_relu(x: Array, negative_slope: float = 0.01) -> Forward:
    """x for x > 0, negative_slope·x for x ≤ 0.  d/dx = 1 or negative_slope (Maas, Hannun and Ng 2013)."""
    xp = array_module(x)
    y = xp.maximum(x, 0) + negative_slope * xp.minimum(x, 0)
    return y, lambda g: g * (x > 0) + negative_slope * g * (x <= 0)


@primitive
def elu(x: Array, alpha: float = 1.0) -> Forward:
    """x for x > 0, α(exp x − 1) for x ≤ 0.  d/dx = 1 or α exp x (Clevert, Unterthiner and Hochreiter 2016, eq. 15)."""
    xp = array_module(x)
    y = xp.maximum(x, 0) + alpha * xp.expm1(xp.minimum(x, 0))

    def pullback(g: Array) -> Array:
        slope = xp.exp(xp.minimum(x, 0))  # for α = 1 on both sides of 0
        return g * slope if alpha == 1 else g * (x > 0) + alpha * g * slope * (x <= 0)

    return y, pullback


@primitive
def gelu(x: Array) -> Forward:
    """x·Φ(x), Φ the standard normal distribution function.  d/dx = Φ(x) + x·φ(x) (Hendrycks and Gimpel 2016)."""
    cdf = normal_cdf(x)
    return x * cdf, lambda g: g * (cdf + x * normal_pdf(x))


@primitive
def silu(x: Array) -> Forward:
    """y = x·s with s = sigmoid x, also called swish.  d/dx = s + y·(1 − s) (Elfwing, Uchibe and Doya 2018)."""
    s = logistic(x)
    y = x * s
    return y, lambda g: g * (s + y * (1 - s))
