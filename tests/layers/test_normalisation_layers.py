from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.errors import ConfigError, ShapeError
from minivae.layers import BatchNorm, Dense, GroupNorm, LayerNorm, Sequential

SHAPES = [(6, 4), (3, 4, 5), (3, 4, 2, 5)]


def randomise(layer, rng):
    """Scales and shifts away from 1 and 0, where mistakes hide."""
    for parameter in layer.parameters():
        parameter.data += rng.standard_normal(parameter.shape)
    return layer


def channels(array, x):
    return array.reshape(-1, *(1,) * (x.ndim - 2))


def other_axes(x):
    return (0, *range(2, x.ndim))


# --- batch normalisation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm_in_training_gives_each_channel_mean_bias_and_deviation_weight(rng, shape):
    layer = randomise(BatchNorm(4, eps=1e-12, dtype=np.float64), rng)
    x = 5 + 3 * rng.standard_normal(shape)
    y = layer(x).data
    np.testing.assert_allclose(y.mean(other_axes(x)), layer.bias.data, atol=1e-12)
    np.testing.assert_allclose(y.std(other_axes(x)), np.abs(layer.weight.data), rtol=1e-9)


def test_batch_norm_in_training_undoes_any_scale_and_shift_of_a_channel(rng):
    layer = BatchNorm(4, eps=1e-14, dtype=np.float64)
    x = rng.standard_normal((7, 4, 3, 2))
    scale, shift = channels(np.array([0.1, 1.0, 7.0, 100.0]), x), channels(np.arange(4.0), x)
    np.testing.assert_allclose(layer(x * scale + shift).data, layer(x).data, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_running_statistics_are_an_exponential_average_with_unbiased_variance(rng, shape):
    layer = BatchNorm(4, momentum=0.3, dtype=np.float64)
    x = 5 + 3 * rng.standard_normal(shape)
    for t in range(1, 4):
        layer(x)
        weight = 1 - 0.7**t  # of the batch, all the same here, against the start at 0 and 1
        np.testing.assert_allclose(layer.running_mean.data, weight * x.mean(other_axes(x)), rtol=1e-12)
        variance = x.var(other_axes(x), ddof=1)
        np.testing.assert_allclose(layer.running_var.data, 1 - weight + weight * variance, rtol=1e-12)


def test_batch_norm_in_evaluation_uses_the_running_statistics_and_leaves_them(rng):
    layer = randomise(BatchNorm(4, dtype=np.float64), rng)
    layer.running_mean.data = rng.standard_normal(4)
    layer.running_var.data = rng.random(4) + 0.5
    state = layer.state_dict()
    x = rng.standard_normal((5, 4, 3, 2))
    mean, variance, weight, bias = (
        channels(state[name], x) for name in ("running_mean", "running_var", "weight", "bias")
    )
    expected = weight * (x - mean) / np.sqrt(variance + 1e-5) + bias
    np.testing.assert_allclose(layer.eval()(x).data, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(layer(x[:1]).data, expected[:1], rtol=1e-10, atol=1e-12)  # each example alone
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, state[name])


def test_with_momentum_one_evaluation_repeats_training_up_to_bessels_factor(rng):
    layer = BatchNorm(4, eps=1e-12, momentum=1.0, dtype=np.float64)
    x = rng.standard_normal((5, 4))
    y = layer(x).data
    np.testing.assert_allclose(layer.eval()(x).data, y * math.sqrt(4 / 5), rtol=1e-9)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 2, 4)])
def test_batch_norm_gradients(layer_gradcheck, rng, shape, training, affine):
    layer = randomise(BatchNorm(3, affine=affine, dtype=np.float64), rng).train(training)
    layer.running_var.data = rng.random(3) + 0.5
    assert layer_gradcheck(layer, rng.standard_normal(shape))


def test_without_running_statistics_evaluation_uses_the_batch(rng):
    layer = BatchNorm(4, affine=False, track_running_stats=False, dtype=np.float64)
    x = rng.standard_normal((5, 4))
    y = layer(x).data
    np.testing.assert_array_equal(layer.eval()(x).data, y)
    assert layer.state_dict() == {}


def test_running_statistics_are_saved_but_not_learned(rng):
    layer = BatchNorm(4)
    assert list(layer.state_dict()) == ["weight", "bias", "running_mean", "running_var"]
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    layer(rng.standard_normal((9, 4), dtype=np.float32))
    assert layer.running_var.dtype == np.float32
    assert layer.to(np.float64).running_mean.dtype == np.float64
    fresh = BatchNorm(4, dtype=np.float64)
    fresh.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(fresh.running_var.data, layer.running_var.data)


@pytest.mark.parametrize("shape", [(1, 4), (1, 4, 1, 1)])
def test_one_value_a_channel_has_no_variance_to_train_on(shape):
    x = np.ones(shape, np.float32)
    with pytest.raises(ShapeError, match=r"at least 2.*larger batch.*eval\(\)"):
        BatchNorm(4)(x)
    assert BatchNorm(4).eval()(x).shape == shape
    assert BatchNorm(4)(np.ones((1, 4, 2, 1), np.float32)).shape == (1, 4, 2, 1)


# --- layer and group normalisation ------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "normalised"), [((5, 4), 4), ((2, 3, 4), (3, 4)), ((2, 3, 4), (4,))])
def test_layer_norm_gives_each_example_mean_zero_and_variance_one(rng, shape, normalised):
    for affine in (True, False):
        layer = LayerNorm(normalised, eps=1e-12, elementwise_affine=affine, dtype=np.float64)
        y = layer(5 + 3 * rng.standard_normal(shape)).data
        axes = tuple(range(-len(layer.normalized_shape), 0))
        np.testing.assert_allclose(y.mean(axes), 0, atol=1e-12)
        np.testing.assert_allclose(y.std(axes), 1, rtol=1e-9)


def test_layer_norm_scales_and_shifts_each_entry(rng):
    layer = LayerNorm((3, 4), dtype=np.float64)
    x = rng.standard_normal((2, 3, 4))
    plain = layer(x).data
    randomise(layer, rng)
    np.testing.assert_allclose(layer(x).data, plain * layer.weight.data + layer.bias.data, rtol=1e-12, atol=1e-12)


def test_group_norm_with_one_group_is_layer_norm_over_the_example(rng):
    x = rng.standard_normal((3, 6, 2, 5))
    layer = LayerNorm((6, 2, 5), elementwise_affine=False, dtype=np.float64)
    np.testing.assert_allclose(GroupNorm(1, 6, dtype=np.float64)(x).data, layer(x).data, rtol=1e-10, atol=1e-12)


def test_group_norm_with_a_group_a_channel_is_batch_norm_of_each_example_alone(rng):
    x = rng.standard_normal((3, 6, 2, 5))
    batch = BatchNorm(6, dtype=np.float64)
    expected = np.concatenate([batch(x[i : i + 1]).data for i in range(3)])
    np.testing.assert_allclose(GroupNorm(6, 6, dtype=np.float64)(x).data, expected, rtol=1e-10, atol=1e-12)


def test_group_norm_does_not_mix_groups_or_examples(rng):
    layer = randomise(GroupNorm(2, 6, dtype=np.float64), rng)
    x = rng.standard_normal((3, 6, 2, 5))
    changed = x.copy()
    changed[1, 3:] += rng.standard_normal((3, 2, 5))
    difference = layer(changed).data - layer(x).data
    assert (difference[1, 3:] != 0).all()
    difference[1, 3:] = 0
    np.testing.assert_array_equal(difference, 0)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (LayerNorm(4, dtype=np.float64), (3, 4)),
        (LayerNorm((2, 4), bias=False, dtype=np.float64), (3, 2, 4)),
        (LayerNorm(4, elementwise_affine=False), (3, 2, 4)),
        (GroupNorm(2, 4, dtype=np.float64), (2, 4, 3, 2)),
        (GroupNorm(2, 4, affine=False), (3, 4)),
    ],
)
def test_layer_and_group_norm_gradients(layer_gradcheck, rng, layer, shape):
    assert layer_gradcheck(randomise(layer, rng), rng.standard_normal(shape))


@pytest.mark.parametrize("layer", [LayerNorm(4), GroupNorm(2, 4)])
def test_layer_and_group_norm_do_the_same_in_training_and_evaluation(rng, layer):
    x = rng.standard_normal((1, 4), dtype=np.float32)
    np.testing.assert_array_equal(layer.train()(x).data, layer.eval()(x).data)


@pytest.mark.parametrize("layer", [BatchNorm(4), BatchNorm(4).eval(), LayerNorm(4), GroupNorm(2, 4)])
def test_float32_stays_float32(rng, layer):
    assert layer(rng.standard_normal((5, 4), dtype=np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchNorm(0), "num_features is 0"),
        (lambda: BatchNorm(3, eps=0), "eps is 0"),
        (lambda: BatchNorm(3, momentum=None), "momentum is None"),
        (lambda: BatchNorm(3, momentum=1.5), "momentum is 1.5"),
        (lambda: LayerNorm(()), "normalized_shape is empty"),
        (lambda: LayerNorm((3, 0)), "normalized_shape is 0"),
        (lambda: GroupNorm(3, 4), "num_groups = 3 must divide num_channels = 4"),
        (lambda: GroupNorm(0, 4), "num_groups is 0"),
    ],
)
def test_options_that_cannot_work_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize("layer", [BatchNorm(4), LayerNorm((4, 2)), GroupNorm(2, 4)])
def test_wrong_shapes_say_what_was_given_and_expected(layer):
    with pytest.raises(ShapeError, match=r"x has shape \(5, 3\).*4"):
        layer(np.ones((5, 3), np.float32))


def test_a_network_with_batch_norm_trains_and_evaluates(rng):
    model = Sequential(Dense(5, 4), BatchNorm(4), Dense(4, 2))
    x = rng.standard_normal((8, 5), dtype=np.float32)
    model(x).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert model.eval()(x[:1]).shape == (1, 2)


def test_numpy_numbers_as_options_leave_float32_alone(rng):
    layer = BatchNorm(3, eps=np.float64(1e-5), momentum=np.float32(0.1))
    x = rng.normal(size=(5, 3)).astype(np.float32)
    layer(x)
    assert layer.running_var.dtype == layer.eval()(x).dtype == np.float32
