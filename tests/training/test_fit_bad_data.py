"""Data that cannot be trained on are refused before the first step: what was given, what is expected, what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minivae.data import Dataset
from minivae.errors import ConfigError, DataError, ShapeError
from minivae.layers import BatchNorm, Dense, Module, Sequential
from minivae.models import ConvVAE
from minivae.training import fit


def images(n=20, shape=(1, 4, 4), **changes):
    array = np.random.Generator(np.random.Philox(1)).random((n, *shape), dtype=np.float32)
    for index, value in changes.get("put", {}).items():
        array[index] = value
    return Dataset(array * changes.get("scale", 1), name="made up")


def no_step(model):
    """Make sure that the error comes before training."""

    def elbo(*args, **options):
        raise AssertionError("a step was made")

    model.elbo = elbo
    return model


def train(model, data, test=None, **options):
    return fit(no_step(model), data, test, **({"epochs": 1, "batch_size": 5, "progress": False} | options))


def test_an_array_is_trained_on_as_a_dataset_is(bars, small_vae):
    as_arrays = [dataset.images for dataset in bars]
    losses = [fit(small_vae(), *data, epochs=1, batch_size=20).test_loss for data in (bars, as_arrays)]
    assert losses[0] == losses[1]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs a folder in which nobody can write")
def test_a_folder_that_cannot_be_written_to_is_noticed_before_the_first_step(bars, small_vae):
    with pytest.raises(ConfigError, match=r"'/proc/self/task' cannot be written to: .* Choose another one"):
        fit(no_step(small_vae()), bars[0], epochs=1, batch_size=20, run_dir="/proc/self/task")


def test_empty_data(small_vae):
    with pytest.raises(
        DataError, match=r"training data \(made up\).*empty: shape \(0, 1, 4, 4\).*at least one example"
    ):
        train(small_vae(), images(0))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("likelihood", ["bernoulli", "grey-bce", "gaussian"])
def test_values_that_are_not_finite(small_vae, value, likelihood):
    bad = images(put={(7, 0, 1, 2): value})
    with pytest.raises(DataError, match=r"training data.*1 of 320 values.*at index \(7, 0, 1, 2\).*Expected finite"):
        train(small_vae(likelihood), bad)


def test_the_test_data_are_checked_too(small_vae):
    with pytest.raises(DataError, match=r"the test data \(made up\).*NaN"):
        train(small_vae(), images(), images(put={(0, 0, 0, 0): np.nan}))


@pytest.mark.parametrize("likelihood", ["bernoulli", "grey-bce"])
@pytest.mark.parametrize(("scale", "fix"), [(255, "uint8.*divide by 255"), (-1, "Rescale.*gaussian")])
def test_values_outside_the_unit_interval_under_a_bernoulli_likelihood(small_vae, likelihood, scale, fix):
    with pytest.raises(DataError, match=rf"values from .* to .*expected \[0, 1\].*{fix}"):
        train(small_vae(likelihood), images(scale=scale))


def test_any_finite_value_is_fine_under_a_gaussian_likelihood(small_vae):
    fit(small_vae("gaussian"), images(scale=-300), epochs=1, batch_size=5, lr=1e-6, progress=False)


def test_wrong_channel_count_says_how_to_make_the_model():
    model = ConvVAE(image_shape=(1, 4, 4), channels=(2,), latent_dim=2)
    with pytest.raises(ShapeError, match=r"shape \(3, 4, 4\).*made for \(1, 4, 4\).*channels.*image_shape=\(3, 4, 4\)"):
        train(model, images(shape=(3, 4, 4)))


def test_channels_last_says_how_to_move_them():
    model = ConvVAE(image_shape=(3, 4, 8), channels=(2,), latent_dim=2)
    with pytest.raises(ShapeError, match=r"shape \(4, 8, 3\).*transpose\(0, 3, 1, 2\)"):
        train(model, images(shape=(4, 8, 3)))


def test_another_size_says_how_to_make_the_model(small_vae):
    with pytest.raises(ShapeError, match=r"shape \(1, 8, 8\).*made for \(1, 4, 4\).*image_shape=\(1, 8, 8\)"):
        train(small_vae(), images(shape=(1, 8, 8)))


def test_an_optimizer_that_is_none(small_vae):
    with pytest.raises(ConfigError, match=r"optimizer is 'adam'; expected .*mv\.optim\.SGD\(model\.parameters"):
        train(small_vae(), images(), optimizer="adam")


def test_a_batch_larger_than_the_data(small_vae):
    with pytest.raises(ConfigError, match=r"batch_size 128 is larger.*made up: 20 examples.*batch_size=20 or less"):
        train(small_vae(), images(), batch_size=128)


@pytest.mark.parametrize("size", [0, -3, 2.5, True])
def test_a_batch_size_that_is_none(small_vae, size):
    with pytest.raises(ConfigError, match=rf"batch_size is {size}; expected a whole number, 1 or more"):
        train(small_vae(), images(), batch_size=size)


def test_batch_size_one_works_without_batch_normalisation(small_vae):
    history = fit(small_vae(), images(3), images(2), epochs=1, batch_size=1, progress=False)
    assert np.isfinite(history.train_loss).all()


def with_batch_norm(model):
    class Trunk(Module):
        def __init__(self, inner):
            self.inner = Sequential(inner, Dense(8, 8), BatchNorm(8))

        def forward(self, x):
            return self.inner(x)

    model.encoder.trunk = Trunk(model.encoder.trunk)
    return model


def test_batch_size_one_with_batch_normalisation(small_vae):
    with pytest.raises(ConfigError, match=r"batch_size is 1, but the model has batch normalisation.*layer or group"):
        train(with_batch_norm(small_vae()), images(), batch_size=1)


def test_a_last_batch_of_one_with_batch_normalisation(small_vae):
    with pytest.raises(ConfigError, match=r"last batch of each epoch has 1 \(21 % 5\).*batch normalisation"):
        train(with_batch_norm(small_vae()), images(21))
