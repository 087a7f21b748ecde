"""Cases for the ops that reduce, rearrange, join, cut and multiply arrays."""

from __future__ import annotations

import numpy as np

from minivae.selfcheck.case import Case, normal, op

REDUCTIONS: list[Case] = [
    op(name, variant, options, x=normal(3, 5, 2))
    for name in ("sum", "mean", "var", "max", "min", "logsumexp")
    for variant, options in (
        ("dim 1", {"dim": 1}),
        ("dim (0, -1)", {"dim": (0, -1)}),
        ("dim 1 kept", {"dim": 1, "keepdim": True}),
        ("all dims", {"dim": (0, 1, 2)}),
    )
]
REDUCTIONS += [
    *(op(name, "dim None", x=normal(3, 5)) for name in ("sum", "mean", "var", "max", "min")),
    op("var", "correction 0", {"dim": 1, "correction": 0}, x=normal(3, 5, 2)),
    op("var", "far from 0", {"dim": 0}, call=lambda var, x: var(x + 100.0, 0), x=normal(5, 3)),
    op("sum", "0-d", x=normal()),
    op("softmax", "dim 1", {"dim": 1}, x=normal(3, 5, 2)),
    op("softmax", "last dim", {"dim": -1}, x=normal(3, 7, scale=3)),
    op("log_softmax", "dim 1", {"dim": 1}, x=normal(3, 5, 2)),
    op("log_softmax", "last dim", {"dim": -1}, x=normal(3, 7, scale=3)),
]

PRODUCTS: list[Case] = [
    op("matmul", "2-d by 2-d", x=normal(3, 5), y=normal(5, 2)),
    op("matmul", "batched", x=normal(2, 3, 5), y=normal(2, 5, 4)),
    op("matmul", "batches broadcast", x=normal(2, 1, 3, 5), y=normal(7, 5, 4)),
    op("matmul", "matrix by vector", x=normal(3, 5), y=normal(5)),
    op("matmul", "vector by matrix", x=normal(5), y=normal(5, 2)),
    op("matmul", "vector by batch", x=normal(5), y=normal(3, 5, 2)),
    op("matmul", "vector by vector", x=normal(5), y=normal(5)),
    op("matmul", "square, where no shape shows a forgotten transpose", x=normal(4, 4), y=normal(4, 4)),
    op("dense", x=normal(3, 5), weight=normal(5, 2), bias=normal(2)),
    op("dense", "no bias", x=normal(3, 5), weight=normal(5, 2)),
    op(
        "dense",
        "square, where no shape shows a forgotten transpose",
        x=normal(3, 4),
        weight=normal(4, 4),
        bias=normal(4),
    ),
    op("dense", "more axes", x=normal(3, 2, 5), weight=normal(5, 4), bias=normal(4)),
]

_REPEATED = np.array([2, 0, 2, -1, 0, 2])

REARRANGING: list[Case] = [
    op("reshape", options={"shape": (5, 6)}, x=normal(3, 2, 5)),
    op("reshape", "with -1", {"shape": (2, -1)}, x=normal(3, 2, 5)),
    op("reshape", "to 0-d", {"shape": ()}, x=normal(1, 1)),
    op("flatten", options={"start_dim": 1}, x=normal(3, 2, 5)),
    op("permute", options={"dims": (2, 0, 1)}, x=normal(3, 2, 5)),
    op("broadcast_to", options={"shape": (4, 3, 5)}, x=normal(3, 1)),
    op("flip", "dim 1", {"dims": 1}, x=normal(3, 5)),
    op("flip", "dims (0, 2)", {"dims": (0, 2)}, x=normal(3, 2, 5)),
    op("concat", "dim 1", call=lambda concat, x, y: concat([x, y], 1), x=normal(3, 5), y=normal(3, 2)),
    op("concat", "three, dim 0", call=lambda concat, *t: concat(t), x=normal(3, 2), y=normal(1, 2), z=normal(5, 2)),
    op("concat", "one twice", call=lambda concat, x: concat([x, x], -1), x=normal(3, 5)),
    op("stack", "dim 1", call=lambda stack, x, y: stack([x, y], 1), x=normal(3, 5), y=normal(3, 5)),
    op("stack", "last dim", call=lambda stack, *t: stack(t, -1), x=normal(3, 2), y=normal(3, 2), z=normal(3, 2)),
    op(
        "split",
        "sizes 2, 2, 1",
        call=lambda split, x: split(x, 2, 1)[0] * split(x, 2, 1)[1] + split(x, 2, 1)[2],
        x=normal(3, 5),
    ),
    op("split", "sections", call=lambda split, x: split(x, [1, 4], -1)[1], x=normal(3, 5)),
    op("pad", options={"pad": (1, 2)}, x=normal(3, 5)),
    op("pad", "two axes, value 7", {"pad": (1, 0, 2, 3), "value": 7.0}, x=normal(2, 3, 5)),
    op("pad", "cutting off", {"pad": (-1, 2, 1, -2)}, x=normal(5, 3)),
]

INDEXING: list[Case] = [
    op("getitem", variant, {"index": index}, x=normal(4, 3, 5))
    for variant, index in (
        ("a number", 2),
        ("slices with steps", (slice(None, None, 2), slice(1, None), slice(None, None, -2))),
        ("dots and a new axis", (..., None, 1)),
        ("an array, entries repeated", _REPEATED % 4),
        ("an array on axis 1", (slice(None), _REPEATED % 3)),
        ("two arrays", (np.array([3, 0, 3]), np.array([1, 2, 1]))),
        ("an array and slices", (slice(1, 3), np.array([[0, 2], [2, 2]]), slice(None, None, 2))),
    )
]

CASES = REDUCTIONS + PRODUCTS + REARRANGING + INDEXING
