"""The optimisers, clipping and the schedules, with all their wrong versions."""

from __future__ import annotations

from minivae.optim import SGD, Adam, AdamW, clip_grad_norm_
from minivae.selfcheck.zoo.optim import adam, clipping, schedules, sgd
from minivae.selfcheck.zoo.subject import Subject


def subjects() -> list[Subject]:
    """One for each name in `minivae.optim`."""
    return [
        Subject("optimiser", "SGD", SGD, sgd.TRIALS, sgd.MUTANTS),
        Subject("optimiser", "Adam", Adam, adam.ADAM_TRIALS, adam.ADAM_MUTANTS),
        Subject("optimiser", "AdamW", AdamW, adam.ADAMW_TRIALS, adam.ADAMW_MUTANTS),
        Subject("optimiser", "clip_grad_norm_", clip_grad_norm_, clipping.TRIALS, clipping.MUTANTS),
        *schedules.subjects(),
    ]
