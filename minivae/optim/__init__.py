"""Optimisers, gradient clipping, and learning-rate schedules."""

from minivae.optim.adam import Adam, AdamW
from minivae.optim.clipping import clip_grad_norm_
from minivae.optim.optimizer import Optimizer
from minivae.optim.schedules import (
    ConstantLR,
    CosineAnnealingLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
)
from minivae.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "ConstantLR",
    "CosineAnnealingLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "Optimizer",
    "SequentialLR",
    "clip_grad_norm_",
]
