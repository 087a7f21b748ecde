"""Lesson 10: β as an exchange rate between the two terms, and the β that hides in a wrong mean."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.program import Program, Step

Rng = np.random.Generator


def beta_bookkeeping(reconstruction: Array, kl: Array, betas: Array) -> tuple[Array, Array, Array]:
    """The loss that each run minimised, its −ELBO, and the exchange rate between neighbouring runs."""
    return reconstruction + betas * kl, reconstruction + kl, -np.diff(reconstruction) / np.diff(kl)


def _runs(rng: Rng) -> Arguments:
    """Five runs with growing β: the reconstruction grows, the KL falls."""
    betas = np.cumsum(rng.uniform(0.3, 1.5, 5))
    kl = 30 - np.cumsum(rng.uniform(1, 5, 5))
    reconstruction = 200 + np.cumsum(rng.uniform(2, 9, 5))
    return reconstruction, kl, betas


BOOKS: dict[str, Step] = {
    "weighed": lambda v: v.reconstruction + v.betas * v.kl,
    "neg_elbo": lambda v: v.reconstruction + v.kl,
    "paid": lambda v: np.diff(v.reconstruction),
    "saved": lambda v: -np.diff(v.kl),
    "rate": lambda v: v.paid / v.saved,
}
RATE = "(D₂ − D₁)/(R₁ − R₂)"

register(
    Exercise(
        name="beta_bookkeeping",
        reference=beta_bookkeeping,
        cases=_runs,
        returns=("trained_loss", "neg_elbo", "exchange_rate"),
        sizes={5: "runs", 4: "pairs of neighbours"},
        program=Program(
            BOOKS,
            ("reconstruction", "kl", "betas"),
            {"trained_loss": "weighed", "neg_elbo": "neg_elbo", "exchange_rate": "rate"},
        ),
        mistakes=(
            Mistake(
                "FV40",
                "β in the −ELBO",
                "D + β·R",
                "D + R",
                "The −ELBO bounds −log p(x). Does the bound know with which β the model was trained?",
                "Whatever was minimised, the bound is the sum of both terms with weight 1.",
                changes=({"neg_elbo": lambda v: v.reconstruction + v.betas * v.kl},),
            ),
            Mistake(
                "K16",
                "β is missing from the loss that was minimised",
                "D + R",
                "D + β·R",
                "What makes the runs differ, if they all minimised the same?",
                "trained_loss is what the optimiser saw: with β.",
                changes=({"weighed": lambda v: v.reconstruction + v.kl},),
            ),
            Mistake(
                "K17",
                "β weighs the reconstruction",
                "β·D + R",
                "D + β·R",
                "A large β should make the KL small. Which of the two terms does yours press down?",
                "β multiplies the KL.",
                changes=({"weighed": lambda v: v.betas * v.reconstruction + v.kl},),
            ),
            Mistake(
                "FV41",
                "the exchange rate is upside down: nats of KL for one nat of reconstruction",
                "(R₁ − R₂)/(D₂ − D₁)",
                RATE,
                "How many nats of reconstruction are given for one nat of KL? What stands above the line, then?",
                "Nats of reconstruction over nats of KL.",
                changes=({"rate": lambda v: v.saved / v.paid},),
            ),
            Mistake(
                "FV42",
                "the sign: what is saved counts as spent",
                "(D₂ − D₁)/(R₂ − R₁)",
                RATE,
                "From one run to the next D grows and R falls. Which sign has your rate? Which sign has a price?",
                "np.diff(kl) is negative; the saving is −np.diff(kl).",
                changes=({"saved": lambda v: np.diff(v.kl)},),
            ),
            Mistake(
                "FV43",
                "the KL terms were weighted before they were compared",
                "(D₂ − D₁)/(β₁R₁ − β₂R₂)",
                RATE,
                "β is what the rate should turn out to be. Should it stand in the formula?",
                "Measure both in plain nats.",
                changes=({"saved": lambda v: -np.diff(v.betas * v.kl)},),
            ),
            Mistake(
                "FV44",
                "the terms divided, not their differences",
                "D/R",
                RATE,
                "What is paid for the next nat, or what was paid on average for all of them?",
                "A rate of exchange compares two runs: what one has more, what the other has less.",
                changes=({"rate": lambda v: v.reconstruction[1:] / v.kl[1:]},),
            ),
        ),
    )
)

HIDDEN = np.array([1.0, 784.0, 39.2, 0.01, 0.05])


def _hidden(code: str, name: str, yours: str, right: str, question: str, more: str, wrong: list[float]) -> Mistake:
    return Mistake(code, name, yours, right, question, more, wrong=lambda: np.array(wrong))


register(
    Exercise(
        name="hidden_betas",
        reference=HIDDEN,
        mistakes=(
            _hidden(
                "FV50",
                "upside down",
                "b/a",
                "a/b, where the loss is D/a + R/b",
                "If the reconstruction is divided by 784, does the KL weigh more or less beside it?",
                "Multiply the whole loss by a: D + (a/b)·R. The minimum stays where it is.",
                [1.0, 1 / 784, 20 / 784, 100.0, 20.0],
            ),
            _hidden(
                "FV51",
                "in the third loss, the mean over the latent numbers is forgotten",
                "784",
                "784/20",
                "By how many numbers does .mean() divide the KL there, beside the 100 images?",
                "It is divided by B·L.",
                [1.0, 784.0, 784.0, 0.01, 0.05],
            ),
            _hidden(
                "FV54",
                "in the third loss, two means are taken for the same factor",
                "1",
                "784/20",
                "By how many numbers does .mean() divide the reconstruction there, by how many the KL?",
                "By B·784 and by B·L: only the images cancel.",
                [1.0, 784.0, 1.0, 0.01, 0.05],
            ),
            _hidden(
                "FV55",
                "in the third loss, both factors push the same way",
                "784·20",
                "784/20",
                "A mean makes the reconstruction weigh less there. What does the other mean do to the KL?",
                "a = 784 and b = 20, and β = a/b.",
                [1.0, 784.0, 15680.0, 0.01, 0.05],
            ),
            _hidden(
                "FV52",
                "in the fourth loss, the batch divides the wrong term",
                "100",
                "1/100",
                "Which term is the larger by a factor of 100 there?",
                "The reconstruction is not divided by 100: D·100 + R has the minimum of D + R/100.",
                [1.0, 784.0, 39.2, 100.0, 0.05],
            ),
            _hidden(
                "FV53",
                "in the last loss, the mean over the latent numbers makes the KL weigh less, not more",
                "20",
                "1/20",
                "Is a mean over 20 numbers larger than their sum, or smaller?",
                "D + R/20: a β of 1/20.",
                [1.0, 784.0, 39.2, 0.01, 20.0],
            ),
        ),
    )
)
