"""Convolution and transposed convolution: one linear map, read forwards and backwards.

What deep learning calls a convolution is a correlation: lay the kernel w on each window of x, multiply, add. For a
fixed w that is a linear map of x; write it y = A_w x. All gradients follow from two remarks.

**Why the gradient of a convolution is a transposed convolution.** If x changes by dx then y changes by A_w dx, and the
loss by ⟨g, A_w dx⟩, g being the cotangent of y. Moving the matrix to the other side, that is ⟨A_wᵀ g, dx⟩. So the
gradient for x is A_wᵀ g, for a convolution as for any matrix. A *transposed convolution* is the layer whose value is
A_wᵀ x: it puts the kernel, times a pixel, on the window that the pixel came from, and so enlarges what a convolution
with the same settings would shrink. Its own gradient is (A_wᵀ)ᵀ g = A_w g: a convolution.

**The kernel.** A_w x is linear in w too. So ⟨g, A_w x⟩ = ⟨W(x, g), w⟩ for some W(x, g), and that is the
gradient for w. For a transposed convolution, ⟨g, A_wᵀ x⟩ = ⟨A_w g, x⟩ = ⟨W(g, x), w⟩: the same W, x and g swapped.

                        value       gradient for x    gradient for w
    conv2d              A_w x       A_wᵀ g            W(x, g)
    conv_transpose2d    A_wᵀ x      A_w g             W(g, x)

Three products, in `minivae/ops/correlation.py`, are the whole of both layers.

**Sizes** (Dumoulin & Visin 2016), along each axis, with reach = dilation·(kernel − 1) + 1:

    conv2d              out = ⌊(in + 2·padding − reach) / stride⌋ + 1
    conv_transpose2d    out = (in − 1)·stride − 2·padding + reach + output_padding

With a stride, up to `stride` sizes of x give the same size of y. The transposed convolution must be told which of them
it goes back to: that is what output_padding is for.
"""

from __future__ import annotations

from minivae.autodiff import Forward, primitive
from minivae.backend import Array
from minivae.errors import ConfigError, ShapeError
from minivae.ops.channels import sum_over_pixels
from minivae.ops.correlation import correlate, correlate_transpose, correlate_weight
from minivae.ops.windows import Grid, IntOrPair, Pair, lay, pair, reach


@primitive
def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> Forward:
    """y = A_w x + bias: x (N, I, H, W), weight (O, I/groups, kh, kw), bias (O,) -> (N, O, H', W').

    H' = ⌊(H + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1, and the same for W'.

    Args:
        stride: the distance between neighbouring windows.
        padding: zeros added on each side of x.
        dilation: the distance between the entries of a window.
        groups: the channels fall into this many groups that do not see each other.

    Raises:
        ShapeError: the channels do not match, or the kernel is larger than the padded image.
        ConfigError: an option that is not a whole number, or a pair of them, in its range.

    d/dx = A_wᵀ g, d/dweight = W(x, g), d/dbias = Σ_{n,h,w} g.
    """
    options = _options("conv2d", weight, stride, padding, dilation, groups)
    grid = lay("conv2d", x, *options)
    if x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise ShapeError(
            f"conv2d: x has shape {x.shape}, weight {weight.shape}, groups = {groups}. The weight is "
            f"(O, I/groups, kh, kw), so x must have {weight.shape[1] * groups} channels (its "
            f"axis 1, here {x.shape[1]}), and groups must divide O = {weight.shape[0]}."
        )
    y = _add_bias("conv2d", correlate(x, weight, grid), bias)
    return y, (
        lambda g: correlate_transpose(g, weight, grid),
        lambda g: correlate_weight(x, g, grid),
        sum_over_pixels,
    )


@primitive
def conv_transpose2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    output_padding: IntOrPair = 0,
    groups: int = 1,
    dilation: IntOrPair = 1,
) -> Forward:
    """y = A_wᵀ x + bias: x (N, I, H, W), weight (I, O/groups, kh, kw), bias (O,) -> (N, O, H', W').

    H' = (H − 1)·stride − 2·padding + dilation·(kh − 1) + 1 + output_padding, and the same for W'.

    Args:
        stride, padding, dilation, groups: those of the convolution of which this is the transpose.
        output_padding: which of the sizes that this convolution maps to H × W the output has: so many rows and
            columns more than the smallest. They are computed like all others; nothing is padded.

    Raises:
        ShapeError: the channels do not match, output_padding is not smaller than stride or dilation, or the output
            would be empty.
        ConfigError: an option that is not a whole number, or a pair of them, in its range.

    d/dx = A_w g, d/dweight = W(g, x), d/dbias = Σ_{n,h,w} g.
    """
    op = "conv_transpose2d"
    kernel, steps, border, spread, groups = _options(op, weight, stride, padding, dilation, groups)
    if x.ndim != 4:
        raise ShapeError(f"{op}: x has shape {x.shape}; expected images as (N, C, H, W)")
    if x.shape[1] != weight.shape[0] or weight.shape[0] % groups:
        raise ShapeError(
            f"{op}: x has shape {x.shape}, weight {weight.shape}, groups = {groups}. The weight is "
            f"(I, O/groups, kh, kw), so x must have I = {weight.shape[0]} channels (its axis 1, here {x.shape[1]}), "
            "and groups must divide I."
        )
    extra = pair(op, "output_padding", output_padding, 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, steps, spread, strict=True)):
        raise ShapeError(
            f"{op}: output_padding = {extra} must be smaller than stride = {steps} or dilation = {spread}: it chooses "
            f"among the sizes of which the convolution makes those of x, {x.shape}"
        )
    count, extent = (x.shape[2], x.shape[3]), reach(kernel, spread)
    height, width = (
        (n - 1) * s - 2 * p + r + e for n, s, p, r, e in zip(count, steps, border, extent, extra, strict=True)
    )
    if min(height, width) < 1:
        raise ShapeError(
            f"{op}: the output would have size {(height, width)}. x has shape {x.shape}, weight {weight.shape}, stride "
            f"= {steps}, padding = {border}, dilation = {spread}; expected (in − 1)·stride − 2·padding + "
            "dilation·(kernel − 1) + 1 + output_padding >= 1: take less padding."
        )
    grid = Grid((height, width), count, kernel, steps, border, spread, groups)
    y = _add_bias(op, correlate_transpose(x, weight, grid), bias)
    return y, (
        lambda g: correlate(g, weight, grid),
        lambda g: correlate_weight(g, x, grid),
        sum_over_pixels,
    )


def _options(
    op: str, weight: Array, stride: IntOrPair, padding: IntOrPair, dilation: IntOrPair, groups: int
) -> tuple[Pair, Pair, Pair, Pair, int]:
    """The kernel's size and the options, checked: kernel, stride, padding, dilation, groups."""
    if weight.ndim != 4 or 0 in weight.shape:
        raise ShapeError(f"{op}: weight has shape {weight.shape}; expected four axes, the last two the kernel's")
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
        raise ConfigError(f"{op}: groups is {groups!r}; expected a whole number of at least 1")
    return (
        (weight.shape[2], weight.shape[3]),
        pair(op, "stride", stride, 1),
        pair(op, "padding", padding, 0),
        pair(op, "dilation", dilation, 1),
        groups,
    )


def _add_bias(op: str, y: Array, bias: Array | None) -> Array:
    """y + bias, one for each channel. y was just made, so it may be changed."""
    if bias is None:
        return y
    if bias.shape != y.shape[1:2]:
        raise ShapeError(
            f"{op}: bias has shape {bias.shape}, y {y.shape}; expected one entry a channel, ({y.shape[1]},)"
        )
    y += bias[:, None, None]
    return y
