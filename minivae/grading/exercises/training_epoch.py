"""Lesson 10: one epoch of training, and the two terms that it reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.models import VAE
from minivae.optim import Adam

Rng = np.random.Generator
Batches = list[tuple[Array, Array]]
Answer = tuple[float, float]


def train_epoch(model: Any, optimizer: Any, batches: Batches, beta: float) -> Answer:
    """A step for each batch (x, eps); the mean reconstruction and KL over the images of the epoch."""
    return mean_over_images(walk(model, optimizer, batches, beta))


def walk(
    model: Any,
    optimizer: Any,
    batches: Batches,
    beta: float,
    clear: bool = True,
    step: bool = True,
    objective: Callable[[Any], Any] = lambda terms: terms.loss,
) -> Array:
    """The steps; images, reconstruction and KL of each batch, (batches, 3).  Some lines can be left out."""
    rows = []
    for x, eps in batches:
        terms = model.elbo(x, eps=eps, beta=beta)
        if clear:
            optimizer.zero_grad()
        objective(terms).backward()
        if step:
            optimizer.step()
        rows.append((len(x), terms.reconstruction.item(), terms.kl.item()))
    return np.array(rows, dtype=np.float64)


def mean_over_images(rows: Array) -> Answer:
    """A batch counts as often as it has images."""
    reconstruction, kl = rows[:, 0] @ rows[:, 1:] / rows[:, 0].sum()
    return float(reconstruction), float(kl)


def _mean_over_batches(rows: Array) -> Answer:
    return float(rows[:, 1].mean()), float(rows[:, 2].mean())


def _weighted_kl(model: Any, optimizer: Any, batches: Batches, beta: float) -> Answer:
    reconstruction, kl = train_epoch(model, optimizer, batches, beta)
    return reconstruction, beta * kl


def _case(rng: Rng) -> Arguments:
    """A small model in float64, its optimiser, four batches of which the last is smaller, and β ≠ 1."""
    model = VAE((1, 3, 3), hidden=(5,), latent_dim=2, activation="tanh", seed=int(rng.integers(1_000)))
    model.to(np.float64)
    batches = [((rng.random((n, 1, 3, 3)) < 0.4).astype(float), rng.standard_normal((n, 2))) for n in (7, 7, 7, 3)]
    return model, Adam(model.parameters(), lr=0.1), batches, float(rng.uniform(1.4, 2.2))


MEAN = "Σ_batches B·term / Σ_batches B"

register(
    Exercise(
        name="train_epoch",
        reference=train_epoch,
        cases=_case,
        returns=("reconstruction", "kl"),
        mistakes=(
            Mistake(
                "FV10",
                "the gradients of earlier batches are never cleared",
                "backward(), step()",
                "zero_grad(), backward(), step()",
                "backward() adds to what lies in .grad. What lies there when the second batch comes?",
                "Call optimizer.zero_grad() for each batch, before backward().",
                wrong=lambda m, o, b, beta: mean_over_images(walk(m, o, b, beta, clear=False)),
            ),
            Mistake(
                "FV11",
                "the parameters stay what they are during the epoch",
                "no step(), or one after the loop",
                "one step() for each batch",
                "Which line changes the weights, and how often does it run in an epoch?",
                "optimizer.step() stands inside the loop, after backward().",
                wrong=lambda m, o, b, beta: mean_over_images(walk(m, o, b, beta, step=False)),
            ),
            Mistake(
                "FV12",
                "every batch counts the same, though the last one is smaller",
                "Σ_batches term / number of batches",
                MEAN,
                "The last batch has fewer images. How much does each of them weigh in your mean, beside others?",
                "Multiply each batch's mean by len(x), add up, and divide by the number of images at the end.",
                wrong=lambda *given: _mean_over_batches(walk(*given)),
            ),
            Mistake(
                "FV13",
                "only the last batch is reported",
                "the terms of the last batch",
                MEAN,
                "What becomes of the terms of the first batch?",
                "Add them up in the loop.",
                wrong=lambda *given: mean_over_images(walk(*given)[-1:]),
            ),
            Mistake(
                "FV14",
                "the reported KL is weighted with β",
                "β·KL",
                "KL",
                "Two people train with different β. Could they compare your numbers?",
                "β belongs into the loss that is minimised. terms.kl is the KL itself.",
                wrong=_weighted_kl,
            ),
            Mistake(
                "FV15",
                "trained without β",
                "reconstruction + KL is minimised",
                "reconstruction + β·KL is minimised",
                "Where does your loop use beta?",
                "model.elbo(x, eps=eps, beta=beta).",
                wrong=lambda model, optimizer, batches, beta: train_epoch(model, optimizer, batches, 1.0),
            ),
            Mistake(
                "FV16",
                "the reconstruction alone is minimised",
                "terms.reconstruction.backward()",
                "terms.loss.backward()",
                "Which of the three terms walks back in your loop?",
                "terms.loss is reconstruction + β·KL.",
                wrong=lambda m, o, b, beta: mean_over_images(
                    walk(m, o, b, beta, objective=lambda terms: terms.reconstruction)
                ),
            ),
            Mistake(
                "FV17",
                "the two terms exchanged",
                "(KL, reconstruction)",
                "(reconstruction, KL)",
                "Which of the two should be the larger at the start?",
                "The reconstruction comes first.",
                wrong=lambda *given: train_epoch(*given)[::-1],
            ),
            Mistake(
                "FV18",
                "the means of the batches are added up, not averaged",
                "Σ_batches term",
                MEAN,
                "Does your number double when the epoch has twice as many batches?",
                "Divide by the number of images that were seen.",
                wrong=lambda *given: tuple(walk(*given)[:, 1:].sum(axis=0)),
            ),
        ),
    )
)
