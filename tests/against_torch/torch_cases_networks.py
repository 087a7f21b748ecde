"""Convolution, pooling, normalisation: all options, alone and together. `CASES[name]` draws a `Case`."""

from __future__ import annotations

import math

from hypothesis import strategies as st
from torch_compare import Case, F, both, int_or_pair, kinky, real, shapes, standard

from minivae import ops


def image_sizes(draw, kernel, padding, dilation, least=1):
    """Height and width, so that at least one window fits."""
    return tuple(
        max(least, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 5))
        for k, p, d in zip(both(kernel), both(padding), both(dilation), strict=True)
    )


def weights(draw, first, second, kernel, bias):
    weight = draw(standard((first, second, *both(kernel))))
    return weight, draw(standard((bias,))) if draw(st.booleans()) else None


@st.composite
def conv2d(draw):
    groups, per_group_in, per_group_out = (draw(st.integers(1, 3)) for _ in range(3))
    kernel = draw(int_or_pair(1, 4))
    options = {
        "stride": draw(int_or_pair(1, 3)),
        "padding": draw(int_or_pair(0, 3)),
        "dilation": draw(int_or_pair(1, 3)),
        "groups": groups,
    }
    size = image_sizes(draw, kernel, options["padding"], options["dilation"])
    x = draw(standard((draw(st.integers(1, 3)), groups * per_group_in, *size)))
    out = groups * per_group_out
    return Case(ops.conv2d, F.conv2d, x, *weights(draw, out, per_group_in, kernel, out), **options)


@st.composite
def conv_transpose2d(draw):
    """Padding is drawn so small that there is an output."""
    groups, per_group_in, per_group_out = (draw(st.integers(1, 3)) for _ in range(3))
    kernel, stride, dilation = (draw(st.tuples(st.integers(1, n), st.integers(1, n))) for n in (4, 3, 3))
    options = {
        "stride": stride,
        "padding": tuple(draw(st.integers(0, d * (k - 1) // 2)) for k, d in zip(kernel, dilation, strict=True)),
        "output_padding": tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)),
        "groups": groups,
        "dilation": dilation,
    }
    size = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    x = draw(standard((draw(st.integers(1, 3)), groups * per_group_in, *size)))
    drawn = weights(draw, groups * per_group_in, per_group_out, kernel, groups * per_group_out)
    return Case(ops.conv_transpose2d, F.conv_transpose2d, x, *drawn, **options)


@st.composite
def pooling(draw, ours, theirs, dilated):
    """Images of at least the dilation: on smaller ones a window may lie in the padding alone. PyTorch's maximum of
    none is −∞, ours is an error."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    options = {
        "kernel_size": kernel,
        "stride": draw(st.one_of(st.none(), int_or_pair(1, 3))),
        "padding": tuple(draw(st.integers(0, k // 2)) for k in kernel),
    }
    if dilated:
        options["dilation"] = draw(int_or_pair(1, 3))
    size = image_sizes(draw, kernel, options["padding"], options.get("dilation", 1), least=3)
    return Case(ours, theirs, draw(kinky((*draw(shapes(2, 2, max_side=3)), *size))), **options)


@st.composite
def upsample_nearest(draw):
    x = draw(standard(draw(shapes(4, 4, max_side=4))))
    return Case(ops.upsample_nearest, F.interpolate, x, scale_factor=draw(int_or_pair(1, 3)))


eps = st.sampled_from([1e-5, 1e-3, 0.5])

# At least four values are normalised together: with two or three, chance often puts them so close together that
# dividing by their standard deviation leaves float32 few digits, in both libraries.
normalized_shapes = shapes(1, 3, min_side=2).filter(lambda shape: math.prod(shape) >= 4)


def scale_and_shift(draw, shape):
    """Weight and bias, one of them, or none."""
    return tuple(draw(standard(shape)) if draw(st.booleans()) else None for _ in range(2))


@st.composite
def batch_norm(draw):
    x = draw(real((draw(st.integers(4, 9)), *draw(shapes(1, 3)))))
    return Case(
        ops.batch_norm,
        lambda x, weight, bias, eps: F.batch_norm(x, None, None, weight, bias, training=True, eps=eps),
        x,
        *scale_and_shift(draw, x.shape[1:2]),
        eps=draw(eps),
    )


@st.composite
def layer_norm(draw):
    normalized = draw(normalized_shapes)
    weight, bias = scale_and_shift(draw, normalized)
    # Without both, only the layer knows how many axes to normalise over; our op then takes all but the first.
    lead = draw(shapes(1, 1)) if weight is None and bias is None else draw(shapes(0, 2))
    return Case(
        ops.layer_norm,
        lambda x, weight, bias, eps: F.layer_norm(x, normalized, weight, bias, eps),
        draw(real((*lead, *normalized))),
        weight,
        bias,
        eps=draw(eps),
    )


@st.composite
def group_norm(draw):
    """No bias without a weight: PyTorch 2.13 fails in the backward pass of that."""
    groups, per_group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    x = draw(real((draw(st.integers(1, 4)), groups * per_group, *draw(normalized_shapes))))
    weight, bias = scale_and_shift(draw, x.shape[1:2])
    return Case(
        ops.group_norm,
        lambda x, weight, bias, num_groups, eps: F.group_norm(x, num_groups, weight, bias, eps),
        x,
        weight,
        None if weight is None else bias,
        num_groups=groups,
        eps=draw(eps),
    )


CASES = {
    "conv2d": conv2d(),
    "conv_transpose2d": conv_transpose2d(),
    "max_pool2d": pooling(ops.max_pool2d, F.max_pool2d, dilated=True),
    "avg_pool2d": pooling(ops.avg_pool2d, F.avg_pool2d, dilated=False),
    "upsample_nearest": upsample_nearest(),
    "batch_norm": batch_norm(),
    "layer_norm": layer_norm(),
    "group_norm": group_norm(),
}
