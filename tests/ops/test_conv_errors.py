"""What conv2d and conv_transpose2d say to shapes and options that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.errors import ConfigError, DtypeError, ShapeError
from minivae.ops.conv import conv2d, conv_transpose2d

X, W = np.zeros((2, 3, 8, 9)), np.zeros((4, 3, 3, 3))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: conv2d(X[:, :2], W),
            ShapeError,
            [r"conv2d: x has shape \(2, 2, 8, 9\)", r"\(4, 3, 3, 3\)", "3 channels"],
        ),
        (lambda: conv2d(X[:, :1], W[:, :, :2]), ShapeError, ["must have 3 channels", "here 1"]),
        (lambda: conv2d(X, W[:, :1], groups=3), ShapeError, ["groups = 3", "must divide O = 4"]),
        (lambda: conv2d(X[..., :2], W), ShapeError, ["larger than the image", r"\(8, 2\)", r"\(3, 3\)"]),
        (lambda: conv2d(X, W, dilation=4), ShapeError, ["larger than the image", r"reaches over \(9, 9\)"]),
        (lambda: conv2d(X[0], W), ShapeError, ["conv2d", r"\(3, 8, 9\)", r"\(N, C, H, W\)"]),
        (lambda: conv2d(X, W[0]), ShapeError, ["weight has shape", "four axes"]),
        (lambda: conv2d(X, W[:, :, :0]), ShapeError, ["weight has shape"]),
        (lambda: conv2d(X, W, np.zeros(3)), ShapeError, [r"bias has shape \(3,\)", r"\(4,\)"]),
        (lambda: conv2d(X, W, stride=0), ConfigError, ["conv2d: stride is 0", "at least 1"]),
        (lambda: conv2d(X, W, padding=-1), ConfigError, ["padding is -1", "at least 0"]),
        (lambda: conv2d(X, W, padding=(1, 2, 3)), ConfigError, [r"padding is \(1, 2, 3\)", "pair"]),
        (lambda: conv2d(X, W, dilation=1.5), ConfigError, ["dilation is 1.5"]),
        (lambda: conv2d(X, W, padding="same"), ConfigError, ["padding is 'same'"]),
        (lambda: conv2d(X, W, dilation=0), ConfigError, ["dilation is 0", "at least 1"]),
        (lambda: conv2d(X, W, groups=0), ConfigError, ["groups is 0"]),
        (lambda: conv2d(X, W, groups=True), ConfigError, ["groups is True"]),
        (lambda: conv2d(X, W, groups="2"), ConfigError, ["groups is '2'"]),
        (lambda: conv2d(X, W.astype(np.float32)), DtypeError, ["conv2d", "float32", "float64"]),
        (
            lambda: conv_transpose2d(X, W),
            ShapeError,
            [r"conv_transpose2d: x has shape \(2, 3, 8, 9\)", "I = 4 channels", "here 3"],
        ),
        (lambda: conv_transpose2d(X, W[:3], groups=2), ShapeError, ["groups = 2", "must divide I"]),
        (lambda: conv_transpose2d(X[0], W[:3]), ShapeError, [r"\(N, C, H, W\)"]),
        (
            lambda: conv_transpose2d(X, W[:3], stride=2, output_padding=2),
            ShapeError,
            ["output_padding", "smaller than"],
        ),
        (lambda: conv_transpose2d(X, W[:3], output_padding=-1), ConfigError, ["output_padding is -1"]),
        (lambda: conv_transpose2d(X, W[:3], padding=5), ShapeError, [r"size \(0, 1\)", "less padding"]),
        (lambda: conv_transpose2d(X, W[:3], np.zeros((3, 1))), ShapeError, ["bias has shape"]),
    ],
)
def test_errors_say_what_was_given_and_what_is_expected(call, error, words):
    for word in words:
        with pytest.raises(error, match=word):
            call()
