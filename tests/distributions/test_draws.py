"""Where noise comes from, what the most extreme noise gives, and parameters that are plain numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, Categorical, Distribution, Normal
from minivae.errors import ShapeError
from minivae.random import default_rng, manual_seed, stream

DISTRIBUTIONS = {
    "Normal": Normal(np.zeros((3, 5)), 1.0),
    "Bernoulli": Bernoulli(logits=np.zeros((3, 5))),
    "Categorical": Categorical(logits=np.zeros((3, 5, 7))),
}
every = pytest.mark.parametrize("name", DISTRIBUTIONS)


def draw(name, rng=None):
    drawn = DISTRIBUTIONS[name].sample(rng, (4,))
    return drawn.data if isinstance(drawn, Tensor) else drawn


@every
def test_a_generator_that_is_given_is_the_only_source(name):
    """The draw repeats with the seed, and leaves this thread's own generator where it was."""
    manual_seed(1)
    a, b, c = draw(name, stream(5)), draw(name, stream(5)), draw(name, stream(6))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
    assert default_rng().random() == stream(1).random()


@every
def test_without_a_generator_it_is_this_threads(name):
    manual_seed(1)
    a = draw(name)
    np.testing.assert_array_equal(a, draw(name, stream(1)))
    assert (draw(name) != a).any()


class Noise:
    """A generator that draws one number."""

    def __init__(self, value):
        self.value = value

    def random(self, shape, dtype):
        return np.full(shape, self.value, dtype)


LARGEST = np.nextafter(np.float32(1), np.float32(0))
"""The largest number below 1 that a uniform generator draws in float32."""


@pytest.mark.parametrize(
    ("noise", "label"),
    [(0.0, 1), (0.2, 1), (LARGEST, 3)],
)
def test_a_class_of_probability_0_is_never_drawn(noise, label):
    """Neither before the first possible class, at noise 0, nor behind the last, at noise just below 1."""
    for logits in ([-1e4, 0, -1, 0.5, -1e4], [[-1e4, 0, -1, 0.5, -1e4]], [[[-1e4, 3, 0, 2.5, -1e4]]]):
        labels = Categorical(logits=np.array(logits)).sample(Noise(noise))
        np.testing.assert_array_equal(labels, np.full(np.shape(logits)[:-1], label))


def test_a_coin_that_cannot_fall_on_one_side_does_not():
    for noise in (0.0, LARGEST):
        np.testing.assert_array_equal(Bernoulli(logits=np.array([-1e4, 1e4])).sample(Noise(noise)).data, [0, 1])


def test_classes_lie_along_the_last_axis_and_there_must_be_one():
    for shape in [(), (0,), (3, 0)]:
        with pytest.raises(ShapeError, match="last axis of K classes"):
            Categorical(logits=np.zeros(shape))
    only = Categorical(logits=np.zeros((2, 1)))
    np.testing.assert_array_equal(only.sample(stream(0)), 0)
    np.testing.assert_array_equal(only.log_prob(np.zeros(2, int)).data, 0)
    empty = Categorical(logits=np.zeros((0, 3)))
    assert empty.sample(stream(0)).shape == empty.entropy().shape == (0,)


# --- parameters that are numbers, and noise that is differentiated ------------------------------------------


@pytest.mark.parametrize("logvar", [-1.4, 0.0, 0.6, 2.0])
def test_a_log_variance_that_is_a_number_means_what_an_array_of_it_means(logvar):
    """σ = e^(v/2) on both roads: Python's exponential for a number, an op for a Tensor."""
    number, array = Normal.from_logvar(0.3, logvar), Normal.from_logvar(0.3, np.full(4, logvar))
    assert number.scale == pytest.approx(math.exp(logvar / 2), rel=1e-15)
    assert Normal(0.3, number.scale).logvar == pytest.approx(logvar, rel=1e-14, abs=1e-15)
    np.testing.assert_allclose(array.scale.data, number.scale, rtol=1e-14)
    eps = np.array([-1.0, 0.0, 0.5, 3.0])
    np.testing.assert_allclose(Normal.from_logvar(np.full(4, 0.3), logvar).rsample(eps).data, array.rsample(eps).data)


def test_noise_takes_the_dtype_of_whichever_parameter_is_an_array():
    for dtype in (np.float32, np.float64):
        ones = np.ones(3, dtype)
        for q in (Normal(0.0, ones), Normal(ones, 1.0), Normal.from_logvar(0.0, ones), Normal.from_logvar(ones, 0.0)):
            assert q.rsample().dtype == dtype
            assert q.rsample().shape == (3,)
    assert Normal(0.0, 1.0).rsample().dtype == np.float32


def test_gradients_reach_noise_that_is_a_tensor():
    """z = μ + σ·ε has dz/dε = σ: a flow, or a hierarchy, hands its own draw on as noise."""
    eps = Tensor(np.array([0.5, -1.0]), requires_grad=True)
    Normal(np.zeros(2), np.array([2.0, 3.0])).rsample(eps).sum().backward()
    np.testing.assert_array_equal(eps.grad, [2, 3])


def test_what_a_distribution_lacks_is_said_by_its_name():
    class Cauchy(Distribution):
        shape = (2,)

    p = Cauchy()
    assert repr(p) == "Cauchy(shape=(2,))"
    for missing, words in [
        (lambda: p.log_prob(0.0), "no log_prob"),
        (lambda: p.entropy(), "no entropy"),
        (lambda: p.sample(), "cannot be sampled"),
        (lambda: p.rsample(), "no reparameterised sample"),
        (lambda: p.mean, "no mean"),
        (lambda: p.variance, "no variance"),
    ]:
        with pytest.raises(NotImplementedError, match=f"^Cauchy (has )?{words}"):
            missing()
