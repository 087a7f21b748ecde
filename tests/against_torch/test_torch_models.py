"""The models against the same models in PyTorch: ELBO, gradients, and the losses of twenty steps of Adam."""

from __future__ import annotations

import numpy as np
import pytest
from torch_compare import DTYPES, agree, torch, torch_dtype
from torch_models import conv_vae, dense_vae
from torch_move import same_gradients, same_state, to_torch

from minivae import ops
from minivae.distributions import Bernoulli, Normal
from minivae.models import LIKELIHOODS, MODELS, VAE, ConvVAE
from minivae.objectives import elbo, iwae, log_weight
from minivae.optim import Adam

both_dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=["float64", "float32"])
every_likelihood = pytest.mark.parametrize("likelihood", LIKELIHOODS)

# Sizes of which no two are equal, so that no axis passes for another.
SIZES = {
    "VAE": ((2, 6, 5), {"hidden": (23, 17), "latent_dim": 4}),
    "ConvVAE": ((2, 12, 8), {"channels": (5, 7), "latent_dim": 3}),
}
every_model = pytest.mark.parametrize("kind", MODELS)

BATCH = 9
SIGMA = 0.3


def twins(kind, likelihood, activation, dtype):
    """Our model and PyTorch's, with our initial weights."""
    image_shape, options = SIZES[kind]
    sigma = SIGMA if likelihood.startswith("gaussian") else None
    ours = {"VAE": VAE, "ConvVAE": ConvVAE}[kind](
        image_shape, **options, activation=activation, likelihood=likelihood, seed=3, sigma=sigma
    ).to(dtype)
    build = {"VAE": dense_vae, "ConvVAE": conv_vae}[kind]
    theirs = build(image_shape, **options, activation=activation, likelihood=likelihood, sigma=SIGMA)
    theirs.to(torch_dtype(dtype))
    to_torch(ours, theirs)
    return ours, theirs


def batch(ours, likelihood, dtype, seed=0):
    """Data that the likelihood takes, and noise."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=(BATCH, *ours.image_shape))
    if likelihood == "bernoulli":
        x = x < 0.4
    return x.astype(dtype), rng.normal(size=(BATCH, ours.latent_dim)).astype(dtype)


def test_every_model_has_a_twin():
    assert set(MODELS) == set(SIZES)


@both_dtypes
@pytest.mark.parametrize("activation", ["relu", "tanh", "silu", "gelu", "elu"])
@every_likelihood
@every_model
def test_elbo_and_all_gradients_agree(kind, likelihood, activation, dtype):
    ours, theirs = twins(kind, likelihood, activation, dtype)
    x, eps = batch(ours, likelihood, dtype)
    terms = ours.elbo(x, eps, beta=0.7)
    expected = theirs.elbo(torch.tensor(x), torch.tensor(eps), beta=0.7)
    for name, other in zip(("loss", "reconstruction", "kl"), expected, strict=True):
        agree(f"{kind}: {name}", getattr(terms, name).data, other, dtype)
    terms.loss.backward()
    expected[0].backward()
    same_gradients(kind, ours, theirs, dtype)


@both_dtypes
@every_likelihood
@every_model
def test_twenty_steps_of_training_agree(kind, likelihood, dtype):
    """The sequence of losses, and in float64 the weights at its end: the runs stay together as closely as single ops.

    Not so in float32 the single weight: Adam takes a whole step along a gradient that is all rounding.
    """
    ours, theirs = twins(kind, likelihood, "relu", dtype)
    mine, other = Adam(ours.parameters(), lr=1e-2), torch.optim.Adam(theirs.parameters(), lr=1e-2)
    losses, expected = [], []
    for step in range(20):
        x, eps = batch(ours, likelihood, dtype, seed=step)
        mine.zero_grad()
        loss = ours.elbo(x, eps).loss
        loss.backward()
        mine.step()
        losses.append(loss.item())

        other.zero_grad()
        loss = theirs.elbo(torch.tensor(x), torch.tensor(eps))[0]
        loss.backward()
        other.step()
        expected.append(loss.item())
    assert losses[-1] < losses[0]
    agree(f"{kind}: losses of training", np.array(losses, dtype), np.array(expected, dtype), dtype)
    if dtype is np.float64:
        same_state(f"{kind}: after training", ours, theirs, dtype)


@both_dtypes
@every_model
def test_reconstructions_and_samples_agree(kind, dtype):
    ours, theirs = twins(kind, "bernoulli", "relu", dtype)
    x, _ = batch(ours, "bernoulli", dtype)
    with torch.no_grad():
        agree(f"{kind}: mean of q", ours.encode(x).mean.data, theirs.encoder(torch.tensor(x)).mean, dtype)
        agree(f"{kind}: sd of q", ours.encode(x).stddev.data, theirs.encoder(torch.tensor(x)).stddev, dtype)
        means = torch.sigmoid(theirs.decoder(theirs.encoder(torch.tensor(x)).mean))
    agree(f"{kind}: reconstruction", ours.reconstruct(x), means, dtype)


@both_dtypes
def test_objectives_agree(dtype):
    """An ELBO with a prior of its own, and the importance-weighted bound, out of log-probabilities alone."""
    rng, td = np.random.default_rng(1), torch.distributions
    x = (rng.uniform(size=(5, 7)) < 0.5).astype(dtype)
    logits, (loc, logvar, eps) = rng.normal(size=(4, 5, 7)).astype(dtype), rng.normal(size=(3, 5, 2)).astype(dtype)
    t = torch.tensor

    terms = elbo(x, Bernoulli(logits=logits[0]), Normal.from_logvar(loc, logvar), Normal(0.5, 2.0), beta=3.0)
    q = td.Normal(t(loc), (0.5 * t(logvar)).exp())
    prior = td.Normal(t(0.5, dtype=torch_dtype(dtype)), t(2.0, dtype=torch_dtype(dtype)))
    reconstruction = -td.Bernoulli(logits=t(logits[0])).log_prob(t(x)).sum(1).mean()
    kl = td.kl_divergence(q, prior).sum(1).mean()
    agree("elbo: reconstruction", terms.reconstruction.data, reconstruction, dtype)
    agree("elbo: kl", terms.kl.data, kl, dtype)
    agree("elbo: loss", terms.loss.data, reconstruction + 3 * kl, dtype)

    standard = td.Normal(t(0.0, dtype=torch_dtype(dtype)), t(1.0, dtype=torch_dtype(dtype)))
    ours, theirs = [], []
    for k in range(4):
        mine = Normal.from_logvar(loc, logvar)
        ours.append(log_weight(x, Bernoulli(logits=logits[k]), mine, mine.rsample(eps + k)))
        z = q.mean + q.stddev * t(eps + k)
        log_p = td.Bernoulli(logits=t(logits[k])).log_prob(t(x)).sum(1) + standard.log_prob(z).sum(1)
        theirs.append(log_p - q.log_prob(z).sum(1))
    bound = torch.logsumexp(torch.stack(theirs), 0) - torch.log(t(4.0, dtype=torch_dtype(dtype)))
    agree("iwae", iwae(ops.stack(ours)).data, bound, dtype)
