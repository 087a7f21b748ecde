"""Mistakes in the reconstruction term (Bernoulli, from logits), its gradient, and the direction of the whole."""

from __future__ import annotations

import numpy as np

from minivae.grading.exercise import Mistake
from minivae.grading.exercises.elbo_steps import constant, sigmoid, softplus

REC = "Σ_d (softplus(l) − x·l)"
CROSS = "−x·log p − (1−x)·log(1−p)"
D_LOGITS = "d_logits = (p − x)/B"


RECONSTRUCTION_MISTAKES = (
    Mistake(
        "R1",
        "the reconstruction term is averaged over the pixels",
        "(1/D) Σ_d (softplus(l) − x·l)",
        REC,
        "An image with twice the pixels says twice as much. Does your reconstruction term?",
        "With the mean over D pixels the KL term weighs D times too much, and the latent space goes unused.",
        changes=({"rec_pixels": lambda v: v.x.shape[1], "g_rec_pixels": lambda v: v.x.shape[1]},),
    ),
    Mistake(
        "R2",
        ".mean() everywhere: over pixels and over latent dimensions",
        "rec/D + β · KL/L",
        "rec + β · KL",
        "What does your .mean() divide by, in the one term and in the other?",
        "Sum over pixels, sum over latent dimensions, and take the mean over the batch alone.",
        changes=(
            {
                "rec_pixels": lambda v: v.x.shape[1],
                "kl_latents": lambda v: v.logvar.shape[1],
                "g_rec_pixels": lambda v: v.x.shape[1],
                "g_kl_latents": lambda v: v.logvar.shape[1],
            },
        ),
    ),
    Mistake(
        "R3",
        "the reconstruction term is summed over the batch",
        "Σ_b rec_b",
        "(1/B) Σ_b rec_b",
        "If the same batch came twice, should the loss for each example change?",
        "Both terms are nats per example: sum over pixels and latent dimensions, mean over the batch.",
        changes=({"rec_batch": constant(1), "g_rec_batch": constant(1)},),
    ),
    Mistake(
        "R4",
        "the sigmoid is applied twice",
        "softplus(p) − x·p,  p = sigmoid(l)",
        "softplus(l) − x·l",
        "Does the formula you use want logits or probabilities, and which does it get?",
        "softplus(l) − x·l has the sigmoid inside. Give it the logits as they are.",
        changes=(
            {
                "pixels": lambda v: softplus(v.p) - v.x * v.p,
                "g_pixels": lambda v: (sigmoid(sigmoid(v.logits)) - v.x) * sigmoid(v.logits) * (1 - sigmoid(v.logits)),
            },
            {
                "pixels": lambda v: softplus(v.p) - v.x * v.p,
                "g_pixels": lambda v: sigmoid(sigmoid(v.logits)) - v.x,
            },
            {"g_pixels": lambda v: sigmoid(sigmoid(v.logits)) - v.x},
        ),
    ),
    Mistake(
        "R6",
        "the sign of the logits' gradient",
        "d_logits = (x − p)/B",
        D_LOGITS,
        "A black pixel, x = 0, and p = 0.9. Which way must the logit go, and which way does −gradient send it?",
        "Descent subtracts the gradient: where p is too large, the gradient is positive.",
        changes=({"g_pixels": lambda v: v.x - sigmoid(v.logits)},),
    ),
    Mistake(
        "R6b",
        "the log-likelihood, not its negative",
        "Σ_d (x·l − softplus(l))",
        REC,
        "A loss falls when things get better. Does yours, when p comes closer to x?",
        "The loss is −ELBO, so its reconstruction term is −log p(x|z), which is never negative for pixels of 0 or 1.",
        changes=(
            {
                "pixels": lambda v: v.x * v.logits - softplus(v.logits),
                "g_pixels": lambda v: v.x - sigmoid(v.logits),
            },
        ),
    ),
    Mistake(
        "R7",
        "(1−x)·log(1−p) is forgotten",
        "−x·log p",
        CROSS,
        "What does your loss charge for a black pixel, x = 0, that is drawn white, p = 0.99?",
        "Both outcomes have a probability, p and 1−p. Without the second half, p = 1 everywhere is free.",
        changes=(
            {
                "pixels": lambda v: v.x * softplus(-v.logits),
                "g_pixels": lambda v: -v.x * (1 - sigmoid(v.logits)),
            },
        ),
    ),
    Mistake(
        "R9",
        "a squared error on the logits",
        "½ (l − x)²",
        "softplus(l) − x·l",
        "x lies between 0 and 1. Where do the logits lie?",
        "Logits are log-odds, any real number. It is p = sigmoid(l) that compares with x, in a cross-entropy.",
        changes=(
            {"pixels": lambda v: 0.5 * (v.logits - v.x) ** 2, "g_pixels": lambda v: v.logits - v.x},
            {"pixels": lambda v: (v.logits - v.x) ** 2, "g_pixels": lambda v: 2 * (v.logits - v.x)},
        ),
    ),
    Mistake(
        "R11",
        "the two arguments of the cross-entropy are swapped",
        "−p·log x − (1−p)·log(1−x)",
        CROSS,
        "Which of the two may be exactly 0 or 1, and stands inside your logarithm?",
        "The logarithm is of the model's probability; the data weigh it.",
        changes=(
            {
                "pixels": lambda v: -v.p * np.log(v.x) - (1 - v.p) * np.log(1 - v.x),
                "g_pixels": lambda v: sigmoid(v.logits) * (1 - sigmoid(v.logits)) * (np.log(1 - v.x) - np.log(v.x)),
            },
        ),
    ),
    Mistake(
        "R12",
        "a squared error on the probabilities",
        "½ (p − x)²",
        CROSS,
        "Of which distribution of x is your loss the negative log-density?",
        "A squared error belongs to a Gaussian. For a Bernoulli variable it is the cross-entropy, and its gradient "
        "with respect to the logits is simply p − x.",
        changes=(
            {
                "pixels": lambda v: 0.5 * (v.p - v.x) ** 2,
                "g_pixels": lambda v: (sigmoid(v.logits) - v.x) * sigmoid(v.logits) * (1 - sigmoid(v.logits)),
            },
        ),
    ),
    Mistake(
        "R13",
        "the derivative with respect to p, not to the logits",
        "d_logits = (p − x)/(p (1−p))/B",
        D_LOGITS,
        "With respect to what did you differentiate: the probability, or the logit that made it?",
        "∂/∂l = ∂/∂p · dp/dl, and dp/dl = p(1−p) cancels the denominator.",
        changes=({"g_pixels": lambda v: (sigmoid(v.logits) - v.x) / (sigmoid(v.logits) * (1 - sigmoid(v.logits)))},),
    ),
    Mistake(
        "B1",
        "not divided by the batch size",
        "Σ_b (...)",
        "(1/B) Σ_b (...)",
        "If the same batch came twice, should the loss for each example change?",
        "The mean over the batch: 1/B in both terms. Adam hides it, the learning rate of SGD does not.",
        changes=(
            {
                "rec_batch": constant(1),
                "kl_batch": constant(1),
                "g_rec_batch": constant(1),
                "g_kl_batch": constant(1),
            },
        ),
    ),
    Mistake(
        "B3",
        "every gradient has the wrong sign",
        "−∇loss",
        "∇loss",
        "Is this the gradient of the loss, or the direction to walk in?",
        "The optimiser subtracts. What it gets is the gradient itself.",
        changes=({"g_sign": constant(-1.0)},),
    ),
)
