"""Cases for the ops that networks are made of: convolution, pooling, normalisation, and the losses."""

from __future__ import annotations

import numpy as np

from minivae.selfcheck.case import Case, between, normal, op

CONVOLUTIONS: list[Case] = [
    op("conv2d", x=normal(2, 3, 5, 4), weight=normal(4, 3, 3, 2), bias=normal(4)),
    op("conv2d", "no bias", x=normal(2, 3, 5, 4), weight=normal(4, 3, 2, 3)),
    op("conv2d", "1×1 kernel", x=normal(2, 3, 5, 4), weight=normal(4, 3, 1, 1), bias=normal(4)),
    op(
        "conv2d",
        "stride 2, padding 1",
        {"stride": 2, "padding": 1},
        x=normal(2, 1, 6, 5),
        weight=normal(3, 1, 4, 3),
        bias=normal(3),
    ),
    op(
        "conv2d",
        "stride (3, 2), rest left over",
        {"stride": (3, 2)},
        x=normal(1, 2, 8, 6),
        weight=normal(3, 2, 2, 3),
        bias=normal(3),
    ),
    op(
        "conv2d",
        "dilation (2, 3), padding (2, 1)",
        {"dilation": (2, 3), "padding": (2, 1)},
        x=normal(1, 2, 5, 7),
        weight=normal(3, 2, 3, 2),
        bias=normal(3),
    ),
    op(
        "conv2d",
        "2 groups, stride 2, padding (1, 0)",
        {"groups": 2, "stride": 2, "padding": (1, 0)},
        x=normal(2, 4, 5, 3),
        weight=normal(6, 2, 3, 2),
        bias=normal(6),
    ),
    op(
        "conv2d",
        "depthwise, dilation 2, stride (1, 2)",
        {"groups": 3, "dilation": 2, "stride": (1, 2)},
        x=normal(1, 3, 5, 6),
        weight=normal(6, 1, 3, 2),
        bias=normal(6),
    ),
    op("conv_transpose2d", x=normal(2, 3, 4, 3), weight=normal(3, 4, 3, 2), bias=normal(4)),
    op("conv_transpose2d", "no bias", x=normal(2, 3, 4, 3), weight=normal(3, 4, 2, 3)),
    op(
        "conv_transpose2d",
        "stride 2, padding 1",
        {"stride": 2, "padding": 1},
        x=normal(2, 3, 2, 3),
        weight=normal(3, 1, 4, 3),
        bias=normal(1),
    ),
    op(
        "conv_transpose2d",
        "stride (3, 2), output padding (2, 1)",
        {"stride": (3, 2), "output_padding": (2, 1), "padding": (0, 1)},
        x=normal(1, 3, 2, 3),
        weight=normal(3, 2, 2, 3),
        bias=normal(2),
    ),
    op(
        "conv_transpose2d",
        "dilation (2, 3), padding (2, 1)",
        {"dilation": (2, 3), "padding": (2, 1)},
        x=normal(1, 3, 4, 3),
        weight=normal(3, 2, 3, 2),
        bias=normal(2),
    ),
    op(
        "conv_transpose2d",
        "2 groups, stride 2, dilation 2, output padding 1",
        {"groups": 2, "stride": 2, "dilation": 2, "output_padding": 1},
        x=normal(2, 4, 2, 3),
        weight=normal(4, 3, 3, 2),
        bias=normal(6),
    ),
]

POOLING: list[Case] = [
    op("max_pool2d", options={"kernel_size": 2}, x=normal(2, 3, 4, 5)),
    op(
        "max_pool2d",
        "windows overlap, padding",
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0)},
        x=normal(2, 3, 5, 4),
    ),
    op("max_pool2d", "dilation", {"kernel_size": 2, "stride": 1, "dilation": (2, 3)}, x=normal(2, 1, 5, 7)),
    op("max_pool2d", "negative values, padding", {"kernel_size": 3, "padding": 1}, x=between(-3, -1, 2, 1, 5, 4)),
    op("avg_pool2d", options={"kernel_size": 2}, x=normal(2, 3, 4, 5)),
    op(
        "avg_pool2d",
        "windows overlap, padding",
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0)},
        x=normal(2, 3, 5, 4),
    ),
    op("upsample_nearest", options={"scale_factor": 2}, x=normal(2, 3, 2, 5)),
    op("upsample_nearest", "scale (3, 2)", {"scale_factor": (3, 2)}, x=normal(2, 3, 2, 5)),
]

NORMALISATION: list[Case] = [
    op("batch_norm", "features", x=normal(7, 3), weight=normal(3), bias=normal(3)),
    op("batch_norm", "images", x=normal(5, 3, 2, 4), weight=normal(3), bias=normal(3)),
    op("batch_norm", "eps 0.5", {"eps": 0.5}, x=normal(7, 3), weight=normal(3), bias=normal(3)),
    op("layer_norm", "last axis", x=normal(3, 2, 7), weight=normal(7), bias=normal(7)),
    op("layer_norm", "last two axes", x=normal(3, 2, 5), weight=normal(2, 5), bias=normal(2, 5)),
    op("layer_norm", "eps 0.5", {"eps": 0.5}, x=normal(3, 7), weight=normal(7), bias=normal(7)),
    op("group_norm", "3 groups", {"num_groups": 3}, x=normal(2, 6, 5), weight=normal(6), bias=normal(6)),
    op("group_norm", "images, 1 group", {"num_groups": 1}, x=normal(2, 3, 4, 5), weight=normal(3), bias=normal(3)),
    op("group_norm", "eps 0.5", {"num_groups": 2, "eps": 0.5}, x=normal(3, 4, 5), weight=normal(4), bias=normal(4)),
]

LOSSES: list[Case] = [
    op("binary_cross_entropy_with_logits", logits=normal(3, 5, scale=3), target=between(0, 1, 3, 5)),
    op("binary_cross_entropy_with_logits", "broadcast", logits=normal(5), target=between(0, 1, 3, 1)),
    op("gaussian_log_likelihood", x=normal(3, 5), mean=normal(3, 5), logvar=normal(3, 5)),
    op("gaussian_log_likelihood", "broadcast", x=normal(3, 1, 5), mean=normal(4, 1), logvar=normal()),
    op(
        "cross_entropy",
        call=lambda cross_entropy, logits: cross_entropy(logits, np.array([4, 0, 2])),
        logits=normal(3, 5, scale=2),
    ),
    op(
        "cross_entropy",
        "images",
        call=lambda cross_entropy, logits: cross_entropy(logits, np.array([[[4, 0]], [[2, 2]], [[1, 3]]])),
        logits=normal(3, 5, 1, 2),
    ),
]

CASES = CONVOLUTIONS + POOLING + NORMALISATION + LOSSES
