"""Lesson 03: the way back through a network of three dense layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.exercises.cross_entropy import cross_entropy_backward, shuffled_labels
from minivae.grading.exercises.dense_layer import BIAS_MEAN, dense_backward
from minivae.grading.exercises.residual_layer import relu_mask
from minivae.grading.program import Program, Step, Values

Rng = np.random.Generator
Parameters = dict[str, Array]


def _network_case(rng: Rng) -> Arguments:
    """7 examples, 5 inputs, twice 4 hidden units, 3 classes: the middle weight is square, as in the lesson."""
    shapes = {"w1": (5, 4), "b1": (4,), "w2": (4, 4), "b2": (4,), "w3": (4, 3), "b3": (3,)}
    p = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return rng.standard_normal((7, 5)), shuffled_labels(rng), p


NETWORK_STEPS: dict[str, Step] = {
    "a1": lambda v: v.x @ v.p["w1"] + v.p["b1"],
    "h1": lambda v: np.maximum(v.a1, 0),
    "a2": lambda v: v.h1 @ v.p["w2"] + v.p["b2"],
    "h2": lambda v: np.maximum(v.a2, 0),
    "logits": lambda v: v.h2 @ v.p["w3"] + v.p["b3"],
    "d_logits": lambda v: cross_entropy_backward(v.logits, v.labels),
    "d_w3": lambda v: v.h2.T @ v.d_logits,
    "d_b3": lambda v: v.d_logits.sum(axis=0),
    "d_h2": lambda v: v.d_logits @ v.p["w3"].T,
    "d_a2": lambda v: v.d_h2 * relu_mask(v.a2),
    "d_w2": lambda v: v.h1.T @ v.d_a2,
    "d_b2": lambda v: v.d_a2.sum(axis=0),
    "d_h1": lambda v: v.d_a2 @ v.p["w2"].T,
    "d_a1": lambda v: v.d_h1 * relu_mask(v.a1),
    "d_w1": lambda v: v.x.T @ v.d_a1,
    "d_b1": lambda v: v.d_a1.sum(axis=0),
}
NETWORK_OUTPUTS = [name for name in NETWORK_STEPS if name.startswith("d_")]


def network_backward(x: Array, labels: Array, p: Parameters) -> dict[str, Array]:
    """From the loss back to every parameter, one layer after the other, each intermediate by its name."""
    a1 = x @ p["w1"] + p["b1"]
    h1 = np.maximum(a1, 0)
    a2 = h1 @ p["w2"] + p["b2"]
    h2 = np.maximum(a2, 0)
    d = {"d_logits": cross_entropy_backward(h2 @ p["w3"] + p["b3"], labels)}
    d_h2, d["d_w3"], d["d_b3"] = dense_backward(h2, p["w3"], p["b3"], d["d_logits"])
    d["d_h2"], d["d_a2"] = d_h2, d_h2 * (a2 > 0)
    d_h1, d["d_w2"], d["d_b2"] = dense_backward(h1, p["w2"], p["b2"], d["d_a2"])
    d["d_h1"], d["d_a1"] = d_h1, d_h1 * (a1 > 0)
    _, d["d_w1"], d["d_b1"] = dense_backward(x, p["w1"], p["b1"], d["d_a1"])
    return d


def _mean_bias(k: int, behind: str) -> dict[str, Step]:
    return {f"d_b{k}": lambda v: v[behind].mean(axis=0)}


def _unmasked(k: int) -> dict[str, Step]:
    return {f"d_a{k}": lambda v: v[f"d_h{k}"]}


def _before_relu(v: Values, k: int) -> Array:
    return v[f"a{k - 1}"].T @ v["d_logits" if k == 3 else f"d_a{k}"]


register(
    Exercise(
        name="network_backward",
        reference=network_backward,
        cases=_network_case,
        sizes={7: "B", 5: "I", 4: "H", 3: "C"},
        program=Program(NETWORK_STEPS, ("x", "labels", "p"), {name: name for name in NETWORK_OUTPUTS}),
        mistakes=(
            Mistake(
                code="DN26",
                name="the 1/B of the loss is missing",
                yours="d_logits = softmax − one-hot",
                right="d_logits = (softmax − one-hot) / B",
                question="Every gradient is B times too large. Where does a mean over the batch enter?",
                more="In the loss, so in d_logits, and nowhere else.",
                changes=({"d_logits": lambda v: cross_entropy_backward(v.logits, v.labels) * len(v.labels)},),
            ),
            Mistake(
                code="DN27",
                name="a ReLU is missing on the way back",
                yours="d_a = d_h",
                right="d_a = d_h where a > 0, else 0",
                question="If a hidden unit is switched off, does a small change of its a reach the loss?",
                more="Multiply d_h by (a > 0), in every layer that has a ReLU.",
                changes=(_unmasked(2) | _unmasked(1), _unmasked(1), _unmasked(2)),
            ),
            Mistake(
                code="DN28",
                name="the transpose of the square weight is missing",
                yours="d_h1 = d_a2·w2",
                right="d_h1 = d_a2·w2ᵀ",
                question="w2 is square, so both products exist. Which index of w2 must be summed over?",
                more="a2[b, o] = Σ_i h1[b, i]·w2[i, o], so d_h1[b, i] = Σ_o d_a2[b, o]·w2[i, o].",
                changes=({"d_h1": lambda v: v.d_a2 @ v.p["w2"]},),
            ),
            Mistake(
                code="DN29",
                name="the ReLU of another layer on the way back",
                yours="d_a1 = d_h1 where a2 > 0",
                right="d_a1 = d_h1 where a1 > 0",
                question="Which of the two ReLUs lies between a1 and h1?",
                more="Each layer keeps its own a for the way back.",
                changes=(
                    {"d_a1": lambda v: v.d_h1 * relu_mask(v.a2)},
                    {"d_a2": lambda v: v.d_h2 * relu_mask(v.a1)},
                ),
            ),
            replace(
                BIAS_MEAN,
                code="DN30",
                changes=(
                    _mean_bias(3, "d_logits") | _mean_bias(2, "d_a2") | _mean_bias(1, "d_a1"),
                    _mean_bias(3, "d_logits"),
                    _mean_bias(2, "d_a2"),
                    _mean_bias(1, "d_a1"),
                ),
            ),
            Mistake(
                code="DN31",
                name="the layer's input taken before its ReLU",
                yours="d_w = aᵀ·d, with the a of the layer below",
                right="d_w = hᵀ·d, with h = relu(a)",
                question="What does the weight multiply on the way forward: a, or h?",
                more="The input of a layer is the output of the ReLU below it.",
                changes=(
                    {"d_w3": lambda v: _before_relu(v, 3), "d_w2": lambda v: _before_relu(v, 2)},
                    {"d_w3": lambda v: _before_relu(v, 3)},
                    {"d_w2": lambda v: _before_relu(v, 2)},
                ),
            ),
        ),
    )
)
