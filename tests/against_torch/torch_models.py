"""The VAE and the ConvVAE as one would write them in PyTorch, and their ELBO out of torch.distributions.

The modules have our modules' names, so that weights move by `state_dict`. Nothing else is shared with ours.
"""

from __future__ import annotations

import itertools
import math

from torch_compare import F, torch

nn, td = torch.nn, torch.distributions

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU, "gelu": nn.GELU, "elu": nn.ELU}


class Encoder(nn.Module):
    """x to the mean and log-variance of q(z|x)."""

    def __init__(self, trunk, features, latent_dim):
        super().__init__()
        self.trunk = nn.Sequential(*trunk)
        self.mu = nn.Linear(features, latent_dim)
        self.logvar = nn.Linear(features, latent_dim)

    def forward(self, x):
        h = self.trunk(x)
        return td.Normal(self.mu(h), torch.exp(self.logvar(h) / 2))


class Decoder(nn.Module):
    """z to what p(x|z) is made of."""

    def __init__(self, trunk, output, image_shape):
        super().__init__()
        self.trunk = nn.Sequential(*trunk)
        self.output = output
        self.image_shape = image_shape

    def forward(self, z):
        return self.output(self.trunk(z)).reshape(-1, *self.image_shape)


class Likelihood(nn.Module):
    """log p(x|z) of each pixel."""

    def __init__(self, name, sigma):
        super().__init__()
        self.name, self.sigma = name, sigma
        if name == "gaussian-learned":
            self.log_sigma = nn.Parameter(torch.full((1,), math.log(sigma)))

    def forward(self, output, x):
        if self.name in ("bernoulli", "grey-bce"):
            return -F.binary_cross_entropy_with_logits(output, x, reduction="none")
        sigma = torch.exp(self.log_sigma) if self.name == "gaussian-learned" else self.sigma
        return td.Normal(output, sigma).log_prob(x)


class TorchVAE(nn.Module):
    """An encoder, a decoder and a likelihood."""

    def __init__(self, encoder, decoder, likelihood, sigma):
        super().__init__()
        self.encoder, self.decoder, self.likelihood = encoder, decoder, Likelihood(likelihood, sigma)

    def elbo(self, x, eps, beta=1.0):
        """(loss, reconstruction, KL), each the mean over the batch of sums over all else."""
        q = self.encoder(x)
        z = q.mean + q.stddev * eps
        reconstruction = -self.likelihood(self.decoder(z), x).flatten(1).sum(1).mean()
        kl = td.kl_divergence(q, td.Normal(torch.zeros_like(z), torch.ones_like(z))).sum(1).mean()
        return reconstruction + beta * kl, reconstruction, kl


def dense_vae(image_shape, hidden, latent_dim, activation, likelihood, sigma):
    """The twin of `minivae.models.VAE`."""
    act, size = ACTIVATIONS[activation], math.prod(image_shape)

    def stack(widths):
        return [layer for a, b in itertools.pairwise(widths) for layer in (nn.Linear(a, b), act())]

    encoder = Encoder([nn.Flatten(), *stack([size, *hidden])], hidden[-1], latent_dim)
    decoder = Decoder(stack([latent_dim, *hidden[::-1]]), nn.Linear(hidden[0], size), image_shape)
    return TorchVAE(encoder, decoder, likelihood, sigma)


def conv_vae(image_shape, channels, latent_dim, activation, likelihood, sigma):
    """The twin of `minivae.models.ConvVAE`: kernels of 4, strides of 2."""
    act, (colours, height, width) = ACTIVATIONS[activation], image_shape
    smallest = (channels[-1], height // 2 ** len(channels), width // 2 ** len(channels))
    down = [(nn.Conv2d(a, b, 4, 2, 1), act()) for a, b in itertools.pairwise([colours, *channels])]
    up = [(nn.ConvTranspose2d(a, b, 4, 2, 1), act()) for a, b in itertools.pairwise(channels[::-1])]
    encoder = Encoder([*itertools.chain(*down), nn.Flatten()], math.prod(smallest), latent_dim)
    first = [nn.Linear(latent_dim, math.prod(smallest)), act(), nn.Unflatten(1, smallest)]
    output = nn.ConvTranspose2d(channels[0], colours, 4, 2, 1)
    return TorchVAE(encoder, Decoder([*first, *itertools.chain(*up)], output, image_shape), likelihood, sigma)
