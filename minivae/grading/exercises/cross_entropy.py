"""Lesson 03: the gradient of the cross-entropy along the logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Exercise, Mistake, Term, register

Rng = np.random.Generator


def _softmax(logits: Array, axis: int | None = 1) -> Array:
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _one_hot(labels: Array, classes: int) -> Array:
    return np.eye(classes)[labels]


def _wrong_loss(value: Any) -> Any:
    """A wrong version from a formula in the logits and the one-hot labels."""
    return lambda logits, labels: value(logits, _one_hot(labels, logits.shape[1]))


def _columns_of_labels(logits: Array, labels: Array) -> Array:
    p = _softmax(logits)
    p[:, labels] -= 1
    return p / len(labels)


def cross_entropy_backward(logits: Array, labels: Array) -> Array:
    """(softmax − one-hot) / B."""
    return (_softmax(logits) - _one_hot(labels, logits.shape[1])) / len(labels)


def shuffled_labels(rng: Rng) -> Array:
    """The classes of 7 examples; each of the 3 is there."""
    return rng.permutation(np.array([0, 1, 2, 2, 1, 0, 2]))


register(
    Exercise(
        name="cross_entropy_backward",
        reference=cross_entropy_backward,
        cases=lambda rng: (2 * rng.standard_normal((7, 3)), shuffled_labels(rng)),
        returns=("d_logits",),
        sizes={7: "B", 3: "C"},
        extremes={
            "logits of ±1000": lambda rng: (np.array([[1000.0, 999, -1000], [-1000, 0, -1000]]), np.array([1, 0]))
        },
        terms={
            "d_logits": (
                Term("softmax/B", lambda v: _softmax(v["logits"]) / 7),
                Term("−one-hot/B", lambda v: -_one_hot(v["labels"], 3) / 7),
            )
        },
        mistakes=(
            Mistake(
                code="DN12",
                name="the 1/B of the mean is missing",
                yours="softmax − one-hot",
                right="(softmax − one-hot) / B",
                question="The loss is a mean over B examples. Does one of a thousand weigh as much as one of ten?",
                more="Divide by the number of examples, len(labels).",
                wrong=_wrong_loss(lambda l, y: _softmax(l) - y),
            ),
            Mistake(
                code="DN13",
                name="divided by the number of classes too",
                yours="(softmax − one-hot) / (B·C)",
                right="(softmax − one-hot) / B",
                question="How many losses does the mean run over: one for each example, or one for each logit?",
                more="One for each example: divide by len(labels), not by logits.size.",
                wrong=_wrong_loss(lambda l, y: (_softmax(l) - y) / l.size),
            ),
            Mistake(
                code="DN14",
                name="the wrong sign",
                yours="(one-hot − softmax) / B",
                right="(softmax − one-hot) / B",
                question="If the logit of the true class grows, does the loss grow?",
                more="It falls, so the slope there is negative: p − 1.",
                wrong=_wrong_loss(lambda l, y: (y - _softmax(l)) / len(l)),
            ),
            Mistake(
                code="DN15",
                name="the one-hot part is missing",
                yours="softmax / B",
                right="(softmax − one-hot) / B",
                question="The loss has two parts, log Σ exp and minus one logit. What is the slope of the second?",
                more="−1 at the logit of the true class, 0 elsewhere.",
                wrong=_wrong_loss(lambda l, y: _softmax(l) / len(l)),
            ),
            Mistake(
                code="DN16",
                name="the logits in place of their softmax",
                yours="(logits − one-hot) / B",
                right="(softmax − one-hot) / B",
                question="Of which loss would logits − one-hot be the gradient?",
                more="Of half the squared error. The slope of log Σ exp is the softmax.",
                wrong=_wrong_loss(lambda l, y: (l - y) / len(l)),
            ),
            Mistake(
                code="DN17",
                name="the sigmoid of each logit in place of the softmax of the row",
                yours="(σ(logits) − one-hot) / B",
                right="(softmax − one-hot) / B",
                question="Does each row of your probabilities sum to 1?",
                more="The sigmoid looks at one logit alone; the softmax divides by the sum over the row.",
                wrong=_wrong_loss(lambda l, y: (1 / (1 + np.exp(-l)) - y) / len(l)),
            ),
            Mistake(
                code="DN18",
                name="the softmax along the batch",
                yours="exp / Σ over the examples",
                right="exp / Σ over the classes",
                question="Does each row of your probabilities sum to 1, or each column?",
                more="Sum along axis 1, with keepdims=True.",
                wrong=_wrong_loss(lambda l, y: (_softmax(l, 0) - y) / len(l)),
            ),
            Mistake(
                code="DN19",
                name="one sum for the whole table",
                yours="exp / Σ over everything",
                right="exp / Σ over the classes",
                question="Do the logits of one example change the probabilities of another?",
                more="Sum along axis 1, with keepdims=True.",
                wrong=_wrong_loss(lambda l, y: (_softmax(l, None) - y) / len(l)),
            ),
            Mistake(
                code="DN57",
                name="1 taken off whole columns, those of all labels",
                yours="p[:, labels] −= 1",
                right="p[arange(B), labels] −= 1",
                question="How many entries of p are true classes, and how many does p[:, labels] pick?",
                more="B of them, one in each row: give NumPy the row numbers beside the labels.",
                wrong=_columns_of_labels,
            ),
        ),
    )
)
