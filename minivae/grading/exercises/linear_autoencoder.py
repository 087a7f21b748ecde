"""Lesson 05: the way back through a linear autoencoder, z = x·W_enc, x̂ = z·W_dec, with the squared error."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.program import Program, Step

Rng = np.random.Generator
NAMES = ("z", "x_hat", "loss", "d_x_hat", "d_W_dec", "d_z", "d_W_enc")


def linear_autoencoder_backward(x: Array, W_enc: Array, W_dec: Array) -> dict[str, Array]:
    """The loss (1/B) Σ (x̂ − x)² and its gradient along both weights, with every intermediate."""
    z = x @ W_enc
    x_hat = z @ W_dec
    loss = np.sum((x_hat - x) ** 2) / len(x)
    d_x_hat = 2 * (x_hat - x) / len(x)
    d_z = d_x_hat @ W_dec.T
    named = {"z": z, "x_hat": x_hat, "loss": loss, "d_x_hat": d_x_hat}
    return named | {"d_W_dec": z.T @ d_x_hat, "d_z": d_z, "d_W_enc": x.T @ d_z}


STEPS: dict[str, Step] = {
    "z": lambda v: v.x @ v.W_enc,
    "x_hat": lambda v: v.z @ v.W_dec,
    "n": lambda v: len(v.x),
    "factor": lambda v: 1.0,
    "loss": lambda v: v.factor * np.sum((v.x_hat - v.x) ** 2) / v.n,
    "g_n": lambda v: len(v.x),
    "g_factor": lambda v: 2.0,
    "g_error": lambda v: v.x_hat - v.x,
    "d_x_hat": lambda v: v.g_factor * v.g_error / v.g_n,
    "d_W_dec": lambda v: v.z.T @ v.d_x_hat,
    "d_z": lambda v: v.d_x_hat @ v.W_dec.T,
    "d_W_enc": lambda v: v.x.T @ v.d_z,
}
D_X_HAT = "d_x_hat = 2 (x̂ − x)/B"


def _case(rng: Rng) -> Arguments:
    """7 examples of 5 pixels, 3 numbers in the code."""
    return tuple(rng.standard_normal(shape) for shape in ((7, 5), (5, 3), (3, 5)))


register(
    Exercise(
        name="linear_autoencoder_backward",
        reference=linear_autoencoder_backward,
        cases=_case,
        sizes={7: "B", 5: "D", 3: "L"},
        program=Program(STEPS, ("x", "W_enc", "W_dec"), {name: name for name in NAMES}),
        mistakes=(
            Mistake(
                "AE23",
                "the 2 of the square is missing in the gradient",
                "d_x_hat = (x̂ − x)/B",
                D_X_HAT,
                "What is the derivative of a square? Has this loss a ½ in front?",
                "d(x̂ − x)²/dx̂ = 2 (x̂ − x).",
                changes=({"g_factor": lambda v: 1.0},),
            ),
            Mistake(
                "AE24",
                "a ½ in the loss that this lesson does not have",
                "loss = (1/B) Σ ½ (x̂ − x)²",
                "loss = (1/B) Σ (x̂ − x)²",
                "The loss should be the squared error, so that it can be compared with eigenvalues. Is yours?",
                "Drop the ½. Its gradient then has a factor 2.",
                changes=(
                    {"factor": lambda v: 0.5},
                    {"factor": lambda v: 0.5, "g_factor": lambda v: 1.0},
                ),
            ),
            Mistake(
                "AE25",
                "summed over the batch, not averaged",
                "Σ_b Σ_d (x̂ − x)²",
                "(1/B) Σ_b Σ_d (x̂ − x)²",
                "If the same batch came twice, should the loss for each image change?",
                "Divide by B, in the loss and in its gradient.",
                changes=({"n": lambda v: 1, "g_n": lambda v: 1},),
            ),
            Mistake(
                "AE26",
                "averaged over the pixels, too",
                "(1/(B·D)) Σ_b Σ_d (x̂ − x)²",
                "(1/B) Σ_b Σ_d (x̂ − x)²",
                "An image with twice as many pixels, each as wrong as before: is its error the same?",
                "Sum over pixels, mean over the batch.",
                changes=({"n": lambda v: v.x.size, "g_n": lambda v: v.x.size},),
            ),
            Mistake(
                "AE27",
                "the wrong sign",
                "d_x_hat = 2 (x − x̂)/B",
                D_X_HAT,
                "If x̂ is larger than x and grows, does the loss grow or fall?",
                "The gradient points to where the loss grows; it is descent that subtracts it.",
                changes=({"g_error": lambda v: v.x - v.x_hat},),
            ),
            Mistake(
                "AE28",
                "the reconstruction in place of its error",
                "d_x_hat = 2 x̂/B",
                D_X_HAT,
                "What should the gradient be where x̂ = x?",
                "It is zero there: a perfect reconstruction is left alone.",
                changes=({"g_error": lambda v: v.x_hat},),
            ),
            Mistake(
                "AE29",
                "the encoder's weight on the way back through the decoder",
                "d_z = d_x_hat·W_enc",
                "d_z = d_x_hat·W_decᵀ",
                "Which weight lies between z and x̂?",
                "W_enc and W_decᵀ have the same shape, so that both products exist. Only one is the chain rule.",
                changes=({"d_z": lambda v: v.d_x_hat @ v.W_enc},),
            ),
            Mistake(
                "AE30",
                "the reconstruction in place of the input",
                "d_W_enc = x̂ᵀ·d_z",
                "d_W_enc = xᵀ·d_z",
                "What does W_enc multiply on the way forward?",
                "z = x·W_enc: the input of the encoder is x.",
                changes=({"d_W_enc": lambda v: v.x_hat.T @ v.d_z},),
            ),
            Mistake(
                "AE31",
                "the weights' gradients averaged over the batch once more",
                "zᵀ·d_x_hat / B,  xᵀ·d_z / B",
                "zᵀ·d_x_hat,  xᵀ·d_z",
                "Where does the 1/B of the mean enter? How often?",
                "Once, in d_x_hat. Everything after it inherits it.",
                changes=(
                    {
                        "d_W_dec": lambda v: v.z.T @ v.d_x_hat / len(v.x),
                        "d_W_enc": lambda v: v.x.T @ v.d_z / len(v.x),
                    },
                    {"d_W_dec": lambda v: v.z.T @ v.d_x_hat / len(v.x)},
                    {"d_W_enc": lambda v: v.x.T @ v.d_z / len(v.x)},
                ),
            ),
        ),
        terms={
            "d_x_hat": (
                Term("2 x̂/B", lambda v: 2 * v.x_hat / len(v.x)),
                Term("−2 x/B", lambda v: -2 * v.x / len(v.x)),
            ),
            "d_W_dec": (
                Term("zᵀ·d_x_hat", lambda v: v.z.T @ v.d_x_hat),
                Term("W_encᵀ", lambda v: v.W_enc.T, 0),
            ),
            "d_z": (
                Term("d_x_hat·W_decᵀ", lambda v: v.d_x_hat @ v.W_dec.T),
                Term("z", lambda v: v.z, 0),
            ),
            "d_W_enc": (
                Term("xᵀ·d_z", lambda v: v.x.T @ v.d_z),
                Term("W_enc", lambda v: v.W_enc, 0),
            ),
        },
    )
)
