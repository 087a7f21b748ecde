"""Distributions: densities, entropies, samples whose noise is an argument, and divergences in closed form."""

from minivae.distributions.bernoulli import Bernoulli, GreyBCE
from minivae.distributions.categorical import Categorical
from minivae.distributions.distribution import Distribution
from minivae.distributions.kl import kl_divergence, register_kl
from minivae.distributions.normal import Normal

__all__ = ["Bernoulli", "Categorical", "Distribution", "GreyBCE", "Normal", "kl_divergence", "register_kl"]
