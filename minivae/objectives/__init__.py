"""Objectives: each returns its terms by name, in nats per example."""

from minivae.objectives.elbo import ELBO, elbo
from minivae.objectives.importance import iwae, log_weight, per_example

__all__ = ["ELBO", "elbo", "iwae", "log_weight", "per_example"]
