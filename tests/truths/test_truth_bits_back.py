"""Bits-back coding turns the ELBO into bits: lossless, and what was borrowed comes back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bits_back import PRECISION, BitsBack, frequencies, pop, push

from minivae.distributions import kl_divergence
from minivae.models import VAE
from minivae.objectives.elbo import STANDARD_NORMAL

D, N = 12, 40


@pytest.fixture
def images():
    return (np.random.default_rng(2).random((N, D)) < 0.4).astype(np.float64)


@pytest.fixture
def model():
    vae = VAE((D,), hidden=(9,), latent_dim=2, activation="tanh", likelihood="bernoulli", seed=5).to(np.float64)
    for parameter in vae.parameters():  # as after training: q differs from x to x
        parameter.data[...] *= 2.0
    return vae


def first_bits(seed, count=3000):
    """A random message, of `count` bits."""
    return int.from_bytes(np.random.default_rng(seed).bytes(count // 8), "big") | 1 << count


def exact_negative_elbo(model, x):
    """−ELBO of one x in bits, with the average over z by Gauss–Hermite quadrature in ε."""
    node, weight = np.polynomial.hermite_e.hermegauss(40)
    eps = np.stack(np.meshgrid(node, node, indexing="ij"), axis=-1).reshape(-1, 2)
    weight = np.outer(weight, weight).ravel() / weight.sum() ** 2
    q = model.encode(x[None])
    p = model.decode(q.rsample(eps[:, None], sample_shape=(len(eps),)).reshape(-1, 2))
    reconstruction = -weight @ p.log_prob(np.tile(x, (len(eps), 1))).data.sum(axis=1)
    return (reconstruction + kl_divergence(q, STANDARD_NORMAL).sum().item()) / math.log(2)


def test_push_and_pop_undo_each_other_and_cost_minus_log_p(rng):
    f = frequencies(rng.dirichlet(np.ones(7)))
    assert f.sum() == 2**PRECISION
    for symbol in range(7):
        before = first_bits(symbol)
        after = push(before, f, symbol)
        assert pop(after, f) == (before, symbol)
        assert math.log2(after) - math.log2(before) == pytest.approx(-math.log2(f[symbol] / 2**PRECISION), abs=1e-9)


def test_popping_random_bits_draws_from_the_distribution(rng):
    f = frequencies(np.array([0.5, 0.3, 0.2]))
    drawn = [pop(int(s), f)[1] for s in rng.integers(0, 2**40, 20_000)]
    share = np.bincount(drawn, minlength=3) / 20_000
    assert (np.abs(share - f / 2**PRECISION) < 4.5 * np.sqrt(share * (1 - share) / 20_000)).all()


def test_decoding_is_lossless_and_gives_the_first_bits_back(model, images):
    codec = BitsBack(model, images, bins=32)
    start = message = first_bits(0)
    for n, x in enumerate(images):
        message, _ = codec.encode(message, n, x)
    assert message > start << D  # it did grow
    for n in reversed(range(N)):
        message, x = codec.decode(message, n)
        assert x == images[n].tolist()
    assert message == start


def test_each_image_costs_log_q_minus_log_p_of_the_z_that_was_drawn(model, images):
    codec = BitsBack(model, images, bins=32)
    message = first_bits(1)
    for n, x in enumerate(images):
        before = math.log2(message)
        message, at = codec.encode(message, n, x)
        assert math.log2(message) - before == pytest.approx(codec.net_bits(n, x)[codec.index(at)], abs=1e-8)


def test_net_bits_per_image_are_minus_the_elbo_within_the_standard_error(model, images):
    """The average over random first bits, new ones for each image.

    In a chain of images z is drawn from the bits that the image before has left, among them its own z. Those are as
    good as random only if the aggregate posterior is the prior, and here, without training, it is not.
    """
    codec = BitsBack(model, images, bins=32)
    expected = sum(codec.negative_elbo(n, x) for n, x in enumerate(images)) / N
    found = []
    for seed in range(60):
        starts = [first_bits(seed * N + n, 400) for n in range(N)]
        ends = [codec.encode(start, n, images[n])[0] for n, start in enumerate(starts)]
        found.append(sum(map(math.log2, ends)) / N - sum(map(math.log2, starts)) / N)
    error = np.std(found, ddof=1) / math.sqrt(len(found))
    assert abs(np.mean(found) - expected) < 4.5 * error
    assert error < 0.02 * expected
    assert expected > D * 0.5


def test_a_finer_grid_comes_down_to_the_elbo_of_the_continuous_posterior(model, images):
    exact = np.array([exact_negative_elbo(model, x) for x in images])
    gaps = []
    for bins in (4, 8, 16, 32, 64):
        codec = BitsBack(model, images, bins)
        gaps.append(np.mean([codec.negative_elbo(n, x) for n, x in enumerate(images)]) - exact.mean())
    assert np.all(np.diff(np.abs(gaps)) < 0)
    assert abs(gaps[-1]) < 0.01 * exact.mean()


def test_getting_bits_back_saves_the_entropy_of_q(model, images):
    """Without getting bits back, z costs −log₂ p(z) in full; the difference is the entropy of q."""
    codec = BitsBack(model, images, bins=32)
    for n, x in enumerate(images[:5]):
        q = 2 ** codec.log_q(n)
        assert q.sum() == pytest.approx(1.0, rel=1e-12)
        without = q @ (codec.net_bits(n, x) - codec.log_q(n))
        assert without - codec.negative_elbo(n, x) == pytest.approx(-q @ codec.log_q(n), rel=1e-12)
