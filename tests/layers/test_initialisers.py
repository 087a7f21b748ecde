"""What the papers claim: which variance a weight has, and that signals and gradients keep theirs through depth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.layers import Conv2d, ConvTranspose2d, Dense
from minivae.layers.initialisers import (
    constant,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    orthogonal,
    torch_default,
    zeros,
)
from minivae.random import stream

FAN_IN, FAN_OUT = 300, 500
VARIANCES = [
    (torch_default, 1 / (3 * FAN_IN)),
    (glorot_uniform, 2 / (FAN_IN + FAN_OUT)),
    (glorot_normal, 2 / (FAN_IN + FAN_OUT)),
    (he_uniform, 2 / FAN_IN),
    (he_normal, 2 / FAN_IN),
    (lecun_normal, 1 / FAN_IN),
]


@pytest.mark.parametrize(("init", "variance"), VARIANCES)
def test_weights_have_the_variance_of_the_paper_and_mean_zero(init, variance):
    w = init((FAN_IN, FAN_OUT), FAN_IN, FAN_OUT, stream(1)).astype(np.float64).ravel()
    assert abs(w.mean()) < 4 * math.sqrt(variance / w.size)
    squares = w**2
    assert abs(squares.mean() - variance) < 4 * squares.std() / math.sqrt(w.size)


@pytest.mark.parametrize(
    ("init", "bound"),
    [
        (torch_default, 1 / math.sqrt(FAN_IN)),
        (glorot_uniform, math.sqrt(6 / (FAN_IN + FAN_OUT))),
        (he_uniform, math.sqrt(6 / FAN_IN)),
    ],
)
def test_uniform_weights_fill_their_interval(init, bound):
    w = init((FAN_IN, FAN_OUT), FAN_IN, FAN_OUT, stream(2))
    assert np.abs(w).max() <= bound * (1 + 1e-6)
    assert w.max() > 0.999 * bound
    assert w.min() < -0.999 * bound


def depth_ratios(init, activation, width: int, depth: int, networks: int, transposed: bool = False) -> np.ndarray:
    """|output|² / |input|² of `networks` random networks of `depth` layers, or backwards with a random relu mask."""
    rng = stream(3)
    ratios = []
    for _ in range(networks):
        x = rng.standard_normal(width)
        x *= math.sqrt(width) / np.linalg.norm(x)
        for _ in range(depth):
            w = init((width, width), width, width, rng).astype(np.float64)
            x = activation(x @ (w.T if transposed else w))
        ratios.append(np.sum(x**2) / width)
    return np.array(ratios)


def relu(x):
    return np.maximum(x, 0)


@pytest.mark.parametrize("init", [he_normal, he_uniform])
def test_he_keeps_the_second_moment_through_twenty_relu_layers(init):
    # A relu lets half of a symmetric signal's second moment through, weights of variance 2/fan_in double it: the mean
    # over networks is exactly 1 at any depth. The ratio of one network is log-normal, hence many of them.
    ratios = depth_ratios(init, relu, 80, 20, 300)
    error = ratios.std() / math.sqrt(ratios.size)
    assert error < 0.2
    assert abs(ratios.mean() - 1) < 4 * error


def test_lecun_and_glorot_shrink_through_relu_layers_by_half_each():
    for init in (lecun_normal, glorot_normal):
        ratios = depth_ratios(init, relu, 60, 12, 300) * 2**12
        assert abs(ratios.mean() - 1) < 4 * ratios.std() / math.sqrt(ratios.size)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("init", [lecun_normal, glorot_normal, glorot_uniform])
def test_lecun_and_glorot_keep_the_variance_through_linear_layers_both_ways(init, transposed):
    ratios = depth_ratios(init, lambda x: x, 60, 20, 150, transposed)
    assert abs(ratios.mean() - 1) < 4 * ratios.std() / math.sqrt(ratios.size)


def test_torch_default_shrinks_a_relu_network_sixfold_a_layer():
    ratios = depth_ratios(torch_default, relu, 60, 8, 200) * 6**8
    assert abs(ratios.mean() - 1) < 4 * ratios.std() / math.sqrt(ratios.size)


@pytest.mark.parametrize("shape", [(7, 7), (3, 8), (8, 3), (6, 2, 3, 3), (40, 2, 3, 3)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape):
    w = orthogonal(shape, 1, 1, stream(4))
    assert w.dtype == np.float32
    matrix = w.reshape(shape[0], -1).astype(np.float64)
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)


def test_orthogonal_is_uniform_over_rotations():
    # Without the sign of R's diagonal the trace of Q is biased; uniform (Haar) means E[trace] = 0, var = 1.
    traces = np.array([np.trace(orthogonal((3, 3), 1, 1, stream(5, i))) for i in range(2000)], np.float64)
    assert abs(traces.mean()) < 4 / math.sqrt(2000)
    assert abs((traces**2).mean() - 1) < 4 * (traces**2).std() / math.sqrt(2000)


def test_orthogonal_keeps_lengths_exactly_through_linear_layers():
    ratios = depth_ratios(orthogonal, lambda x: x, 30, 20, 3)
    np.testing.assert_allclose(ratios, 1, rtol=1e-5)


@pytest.mark.parametrize("init", [i for i, _ in VARIANCES] + [orthogonal, zeros, constant(0.5)])
def test_every_initialiser_draws_float32_of_the_shape_and_depends_on_the_seed_alone(init):
    a, b = (init((4, 6), 4, 6, stream(6)) for _ in range(2))
    assert a.dtype == np.float32
    assert a.shape == (4, 6)
    np.testing.assert_array_equal(a, b)


def test_bias_is_uniform_by_default_and_zero_with_a_named_initialiser():
    bound = 1 / math.sqrt(25)
    bias = Dense(25, 2000).bias.data
    assert bound * 0.99 < np.abs(bias).max() <= bound
    assert not Dense(25, 200, init=he_normal).bias.data.any()
    np.testing.assert_array_equal(Dense(2, 3, init=constant(0.25)).weight.data, np.full((2, 3), 0.25))


@pytest.mark.parametrize(
    ("layer", "fan"),
    [
        (Conv2d(8, 600, 3), 8 * 9),
        (Conv2d(8, 600, (3, 5), groups=4), 2 * 15),
        (ConvTranspose2d(600, 8, 3, stride=2), 8 * 9),  # PyTorch's count: out_channels/groups · area
        (ConvTranspose2d(600, 8, 3, groups=4), 2 * 9),
    ],
)
def test_convolutions_draw_like_pytorch_by_default(layer, fan):
    bound = 1 / math.sqrt(fan)
    assert 0.99 * bound < np.abs(layer.weight.data).max() <= bound * (1 + 1e-6)
    assert np.abs(layer.bias.data).max() <= bound


@pytest.mark.parametrize("groups", [1, 2])
def test_he_keeps_the_second_moment_through_a_convolution_and_its_transpose(rng, groups):
    x = np.maximum(rng.standard_normal((4, 16, 14, 14)), 0).astype(np.float32)
    moment = (x**2).mean()
    for make, inner in (
        (lambda seed: Conv2d(16, 16, 3, groups=groups, init=he_normal, rng=stream(seed)), slice(None)),
        (
            lambda seed: ConvTranspose2d(16, 16, 4, stride=2, groups=groups, init=he_normal, rng=stream(seed)),
            slice(4, -4),  # at the border fewer products are summed
        ),
    ):
        ratios = np.array([(make(i)(x).data[:, :, inner, inner] ** 2).mean() / moment / 2 for i in range(30)])
        assert abs(ratios.mean() - 1) < 4 * ratios.std() / math.sqrt(ratios.size)
