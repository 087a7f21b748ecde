"""The dense VAE: sizes, linear case, tables, and a short real training."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.errors import ConfigError
from minivae.models import VAE, ConvVAE
from minivae.optim import Adam
from minivae.random import stream


def test_number_of_parameters():
    assert VAE().num_parameters() == (784 * 400 + 400) + 2 * (400 * 20 + 20) + (20 * 400 + 400) + (400 * 784 + 784)
    deep = VAE((784,), hidden=(300, 200), latent_dim=10)
    encoder = (784 * 300 + 300) + (300 * 200 + 200) + 2 * (200 * 10 + 10)
    decoder = (10 * 200 + 200) + (200 * 300 + 300) + (300 * 784 + 784)
    assert deep.num_parameters() == encoder + decoder
    assert VAE((5,), (), 2, likelihood="gaussian-learned").num_parameters() == 2 * (5 * 2 + 2) + (2 * 5 + 5) + 1


def test_without_hidden_layers_encoder_and_decoder_are_affine(rng):
    model = VAE((5,), hidden=(), latent_dim=2, likelihood="gaussian").to(np.float64)
    x, y = rng.normal(size=(2, 3, 5))
    for part in (lambda x: model.encode(x).mean.numpy(), lambda x: model.encode(x).logvar.numpy(), model.reconstruct):
        np.testing.assert_allclose(part(0.3 * x + 0.7 * y), 0.3 * part(x) + 0.7 * part(y), rtol=1e-12)


def test_a_table_is_a_batch_of_rows(rng):
    x = rng.normal(size=(6, 5)).astype(np.float32)
    model = VAE((5,), hidden=(8,), latent_dim=2, likelihood="gaussian")
    assert model.reconstruct(x).shape == (6, 5)
    assert model.sample(3).shape == (3, 5)


@pytest.mark.parametrize("hidden", [(0,), (400, -1), 400, (2.5,)])
def test_hidden_must_be_positive_widths(hidden):
    with pytest.raises(ConfigError, match="hidden"):
        VAE(hidden=hidden)


@pytest.mark.no_debug
@pytest.mark.parametrize(
    "model",
    [
        VAE((1, 8, 8), hidden=(64,), latent_dim=4),
        VAE((1, 8, 8), hidden=(64,), latent_dim=4, likelihood="gaussian-learned", sigma=0.5),
        ConvVAE((1, 8, 8), channels=(16, 32), latent_dim=4),
    ],
    ids=["dense", "gaussian", "convolutional"],
)
def test_hundred_steps_of_adam_learn_handwritten_digits(model):
    """Far below the start, and below the best that a model without latent variables could do on these pixels."""
    datasets = pytest.importorskip("sklearn.datasets")
    grey = (datasets.load_digits().images[:, None] / 16).astype(np.float32)
    binary = model.likelihood.label == "NLL" and model.config["likelihood"] == "bernoulli"
    x = (grey > 0.5).astype(np.float32) if binary else grey
    model.check_data(x)
    order, noise = stream(0, "order"), stream(0, "noise")
    optimizer = Adam(model.parameters(), lr=1e-2)
    start = model.elbo(x, rng=stream(1)).loss.item()
    for _ in range(100):
        optimizer.zero_grad()
        terms = model.elbo(x[order.integers(0, len(x), 128)], rng=noise)
        terms.loss.backward()
        optimizer.step()
    end = model.elbo(x, rng=stream(1))
    assert end.loss.item() < independent_pixels(x, binary) - 1
    assert end.loss.item() < start - 20
    assert end.kl.item() > 0.5


def independent_pixels(x, binary):
    """−log-likelihood of the best distribution in which every pixel is on its own, in nats per image."""
    mean = x.mean(axis=0, dtype=np.float64)
    if binary:
        p = mean.clip(1e-9, 1 - 1e-9)
        return -(p * np.log(p) + (1 - p) * np.log1p(-p)).sum()
    variance = ((x - mean) ** 2).mean()
    return 0.5 * mean.size * (np.log(2 * np.pi * variance) + 1)
