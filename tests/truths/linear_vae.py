"""minivae's own VAE without hidden layers, and expectations over its noise that are exact.

Encoder and decoder are linear, so the reconstruction term is a polynomial of second degree in ε. The average of such a
polynomial over N(0, I) is its average over the 2L points ±√L e_j, which have the same mean and covariance. Hence the
ELBO that `model.elbo` estimates from random ε comes out exactly if those are the ε.
"""

from __future__ import annotations

import math

import numpy as np

from minivae.models import VAE


def second_order_points(d):
    """2d points with mean 0 and covariance I: (2d, d)."""
    return math.sqrt(d) * np.concatenate([np.eye(d), -np.eye(d)])


def rotation(k, rng):
    """A random orthogonal matrix, (k, k)."""
    return np.linalg.qr(rng.standard_normal((k, k)))[0]


def data_with(eigenvalues, rng, mean=0.0):
    """2D points whose sample covariance has just these eigenvalues: (2D, D)."""
    d = len(eigenvalues)
    return mean + second_order_points(d) * np.sqrt(eigenvalues) @ rotation(d, rng)


def linear_vae(d, k, sigma, likelihood="gaussian", seed=0):
    """p(x|z) = N(Wz + b, σ²I); q(z|x) = N(Vx + c, diag exp(Sx + s)): a VAE with no hidden layer, in float64."""
    return VAE((d,), hidden=(), latent_dim=k, likelihood=likelihood, sigma=float(sigma), seed=seed).to(np.float64)


def put(model, weight, mean, variance):
    """Decoder W z + μ, and the best encoder for it if p(x|z) has this variance: M⁻¹Wᵀ(x − μ), variances σ²/M_jj."""
    m = weight.T @ weight + variance * np.eye(weight.shape[1])
    back = np.linalg.solve(m, weight.T).T
    model.decoder.output.weight.data[...] = weight.T
    model.decoder.output.bias.data[...] = mean
    model.encoder.mu.weight.data[...] = back
    model.encoder.mu.bias.data[...] = -mean @ back
    model.encoder.logvar.weight.data[...] = 0
    model.encoder.logvar.bias.data[...] = np.log(variance / np.diag(m))
    return model


def exact_elbo(model, x, beta=1.0):
    """`model.elbo` with the average over ε taken exactly."""
    eps = second_order_points(model.latent_dim)
    rows = np.repeat(np.asarray(x, np.float64), len(eps), axis=0)
    return model.elbo(rows, eps=np.tile(eps, (len(x), 1)), beta=beta)


def distortion(model, terms):
    """E|x − x̂|², from the reconstruction term D/2 · log 2πσ² + E|x − x̂|²/2σ²."""
    variance, d = model.likelihood.sigma**2, model.image_shape[0]
    return 2 * variance * (terms.reconstruction.item() - 0.5 * d * math.log(2 * math.pi * variance))
