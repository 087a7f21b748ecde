"""Models, composed from layers, distributions and objectives."""

from minivae.models.base import LatentVariableModel, evaluation
from minivae.models.build import MODELS, build
from minivae.models.conv_vae import ConvVAE
from minivae.models.likelihood import LIKELIHOODS, Likelihood, make_likelihood
from minivae.models.vae import VAE

__all__ = [
    "LIKELIHOODS",
    "MODELS",
    "VAE",
    "ConvVAE",
    "LatentVariableModel",
    "Likelihood",
    "build",
    "evaluation",
    "make_likelihood",
]
