"""Lesson 09: the ELBO of a dense VAE and every step of its gradient, by hand.

    h = tanh(x W_h + b_h)      mu, logvar = two heads of h      z = mu + exp(logvar/2)·eps
    h_dec = tanh(z W_dec + b_dec)      logits = h_dec W_logits + b_logits
    loss = (1/B) Σ (softplus(l) − x·l) + β · (1/B) Σ ½ (mu² + exp(logvar) − 1 − logvar)      nats per example

`params` is a dict: W_h (D, H), W_mu and W_logvar (H, L), W_dec (L, G), W_logits (G, D), and a b_ for each W_.
Each function below is the library's own answer to the exercise of that name.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minivae.backend import Array
from minivae.grading.exercises.dense_layer import dense_backward
from minivae.grading.exercises.elbo_steps import sigmoid, softplus

Params = Mapping[str, Array]
Values = dict[str, Array]

# --- values ---------------------------------------------------------------------------------------------------


def sample_z(mu: Array, logvar: Array, eps: Array) -> Array:
    """z = μ + σ·ε, a draw from N(μ, σ²) made of a draw ε from N(0, 1).  All (B, L)."""
    return mu + np.exp(logvar / 2) * eps


def kl_term(mu: Array, logvar: Array) -> Array:
    """KL(N(μ, σ²) ‖ N(0, 1)), summed over latent dimensions, averaged over the batch, in nats.  (B, L) -> ()."""
    return 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar) / len(mu)


def reconstruction_term(x: Array, logits: Array) -> Array:
    """−log p(x|z) of Bernoulli pixels, summed over pixels, averaged over the batch, in nats.  (B, D) -> ()."""
    return np.sum(softplus(logits) - x * logits) / len(x)


def negative_elbo(x: Array, logits: Array, mu: Array, logvar: Array, beta: float) -> Values:
    """The loss and its two terms, in nats per example."""
    reconstruction, kl = reconstruction_term(x, logits), kl_term(mu, logvar)
    return {"reconstruction": reconstruction, "kl": kl, "loss": reconstruction + beta * kl}


def elbo_forward(x: Array, params: Params, eps: Array, beta: float) -> Values:
    """Everything on the way from x to the loss."""
    h = np.tanh(x @ params["W_h"] + params["b_h"])
    mu = h @ params["W_mu"] + params["b_mu"]
    logvar = h @ params["W_logvar"] + params["b_logvar"]
    z = sample_z(mu, logvar, eps)
    h_dec = np.tanh(z @ params["W_dec"] + params["b_dec"])
    logits = h_dec @ params["W_logits"] + params["b_logits"]
    hidden = {"h": h, "mu": mu, "logvar": logvar, "z": z, "h_dec": h_dec, "logits": logits}
    return hidden | negative_elbo(x, logits, mu, logvar, beta)


# --- gradients ------------------------------------------------------------------------------------------------


def logits_backward(x: Array, logits: Array) -> Array:
    """d_logits = (p − x)/B, p = sigmoid(logits): the gradient of the reconstruction term.  (B, D)."""
    return (sigmoid(logits) - x) / len(x)


def decoder_backward(d_logits: Array, z: Array, h_dec: Array, params: Params) -> Values:
    """From the logits back to z."""
    d_h_dec, d_W_logits, d_b_logits = dense_backward(h_dec, params["W_logits"], params["b_logits"], d_logits)
    d_a_dec = d_h_dec * (1 - h_dec**2)
    d_z, d_W_dec, d_b_dec = dense_backward(z, params["W_dec"], params["b_dec"], d_a_dec)
    return {
        "d_W_logits": d_W_logits,
        "d_b_logits": d_b_logits,
        "d_h_dec": d_h_dec,
        "d_W_dec": d_W_dec,
        "d_b_dec": d_b_dec,
        "d_z": d_z,
    }


def sampling_backward(d_z: Array, logvar: Array, eps: Array) -> tuple[Array, Array]:
    """Back through z = μ + exp(logvar/2)·ε: d_mu = d_z, d_logvar = ½ d_z ε σ.  All (B, L)."""
    return d_z, 0.5 * d_z * eps * np.exp(logvar / 2)


def kl_backward(mu: Array, logvar: Array, beta: float) -> tuple[Array, Array]:
    """The gradient of β·KL: d_mu = β μ/B, d_logvar = β (exp(logvar) − 1)/(2B).  All (B, L)."""
    return beta * mu / len(mu), beta * (np.exp(logvar) - 1) / (2 * len(mu))


def heads_backward(d_z: Array, mu: Array, logvar: Array, eps: Array, beta: float) -> tuple[Array, Array]:
    """All that arrives at μ and at logvar: through z, and straight from the KL term.  All (B, L)."""
    from_z, from_kl = sampling_backward(d_z, logvar, eps), kl_backward(mu, logvar, beta)
    return from_z[0] + from_kl[0], from_z[1] + from_kl[1]


def encoder_backward(d_mu: Array, d_logvar: Array, x: Array, h: Array, params: Params) -> Values:
    """From both heads back to the encoder's weights. h is used twice, so it gets a sum."""
    through_mu, d_W_mu, d_b_mu = dense_backward(h, params["W_mu"], params["b_mu"], d_mu)
    through_logvar, d_W_logvar, d_b_logvar = dense_backward(h, params["W_logvar"], params["b_logvar"], d_logvar)
    d_h = through_mu + through_logvar
    d_a = d_h * (1 - h**2)
    return {
        "d_W_mu": d_W_mu,
        "d_b_mu": d_b_mu,
        "d_W_logvar": d_W_logvar,
        "d_b_logvar": d_b_logvar,
        "d_h": d_h,
        "d_W_h": x.T @ d_a,
        "d_b_h": d_a.sum(axis=0),
    }


def elbo_backward(x: Array, params: Params, eps: Array, beta: float) -> Values:
    """The whole: the loss, its two terms, and its gradient with respect to every parameter and intermediate."""
    v = elbo_forward(x, params, eps, beta)
    d_logits = logits_backward(x, v["logits"])
    decoder = decoder_backward(d_logits, v["z"], v["h_dec"], params)
    d_mu, d_logvar = heads_backward(decoder["d_z"], v["mu"], v["logvar"], eps, beta)
    encoder = encoder_backward(d_mu, d_logvar, x, v["h"], params)
    forward = {name: v[name] for name in ("mu", "logvar", "z", "logits", "reconstruction", "kl", "loss")}
    return forward | {"d_logits": d_logits} | decoder | {"d_mu": d_mu, "d_logvar": d_logvar} | encoder
