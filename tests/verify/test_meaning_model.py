"""`check_model`: minivae's own models, from the encoder to what backward leaves in `.grad`."""

from __future__ import annotations

import numpy as np
import pytest

from minivae import ops
from minivae.autodiff import Tensor
from minivae.distributions import Normal
from minivae.errors import ConfigError
from minivae.models import VAE, ConvVAE
from minivae.random import stream
from minivae.verify import check_model


def make(kind, L=2, seed=0, **options):
    if kind == "VAE":
        model = VAE((1, 4, 4), hidden=(9,), latent_dim=L, activation="tanh", seed=seed, **options)
    else:
        model = ConvVAE((1, 4, 4), channels=(3,), latent_dim=L, activation="tanh", seed=seed, **options)
    model.to(np.float64)
    for parameter in model.parameters():  # as after training: not at the start, where much is nearly zero
        parameter.data[...] *= 2.5
    x = stream(seed, "x").random((1, 1, 4, 4))
    return model, (x < 0.5).astype(np.float64) if model.likelihood.label == "NLL" else x


@pytest.mark.parametrize("kind", ["VAE", "ConvVAE"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian-learned"])
def test_minivae_models_estimate_their_elbo_and_its_gradient(kind, likelihood):
    model, x = make(kind, likelihood=likelihood, **({"sigma": 0.7} if "gaussian" in likelihood else {}))
    before = model.state_dict()
    report = check_model(model, x).require()
    assert "gradient for encoder.mu.bias" in str(report)
    assert report.values["gap"] > 0.01
    assert all((before[name] == value).all() for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_any_small_parameter_of_the_encoder_can_be_tested():
    model, x = make("VAE", L=1)
    check_model(model, x[0], ["encoder.trunk.1.bias", "encoder.mu.weight"]).require()
    with pytest.raises(ConfigError, match=r"no parameter 'encoder.sigma.bias'; it has: encoder"):
        check_model(model, x, ["encoder.sigma.bias"])
    with pytest.raises(ConfigError, match=r"float32; convert the model: .to\(np.float64\)"):
        check_model(model.to(np.float32), x)


class ScaledByTheVariance(Normal):
    """K5, in the library's own clothes: kl and log_prob take log σ², rsample multiplies by e^lv."""

    def rsample(self, eps=None, rng=None, sample_shape=()):
        noise = Tensor(rng.standard_normal((*sample_shape, *self.shape))) if eps is None else eps
        return self.loc + ops.exp(self.logvar) * noise


class Detached(Normal):
    """Z9: the sample does not remember where it came from."""

    def rsample(self, eps=None, rng=None, sample_shape=()):
        return Tensor(super().rsample(eps, rng, sample_shape).data)


@pytest.mark.parametrize(
    ("wrong", "failing"),
    [(ScaledByTheVariance, "gradient for encoder.logvar.bias"), (Detached, "gradient for encoder.mu.bias")],
)
def test_a_model_with_a_wrong_posterior_is_caught(wrong, failing):
    model, x = make("VAE")
    encoder = model.encoder
    forward = encoder.forward
    encoder.forward = lambda x: (lambda q: wrong.from_logvar(q.loc, q.logvar))(forward(x))
    assert failing in check_model(model, x).failed
