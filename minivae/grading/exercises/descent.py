"""Lesson 03: backward of a dense layer and of a network of them, initialisation, momentum and Adam."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.program import Program, Step, Values

Rng = np.random.Generator
LAYER = {7: "B", 5: "I", 3: "O"}

BIAS_MEAN = Mistake(
    code="DN1",
    name="the bias's gradient averaged over the batch",
    yours="d_b = mean over the batch",
    right="d_b = sum over the batch",
    question="The bias is copied to every example. What happens to a cotangent when a copy is undone?",
    more="It is summed. A 1/B, if the loss has one, is in the incoming cotangent already.",
)


# --- one layer ------------------------------------------------------------------------------------------------


def _layer_case(rng: Rng) -> Arguments:
    return tuple(rng.standard_normal(shape) for shape in ((7, 5), (5, 3), (3,), (7, 3)))


def dense_backward(x: Array, w: Array, b: Array, g: Array) -> tuple[Array, Array, Array]:
    """Of x·w + b: g·wᵀ, xᵀ·g, and the sum of g over the batch."""
    return g @ w.T, x.T @ g, g.sum(axis=0)


register(
    Exercise(
        name="dense_backward",
        reference=dense_backward,
        cases=_layer_case,
        returns=("d_x", "d_w", "d_b"),
        sizes=LAYER,
        terms={
            "d_x": (Term("g·wᵀ", lambda v: v["g"] @ v["w"].T),),
            "d_w": (Term("xᵀ·g", lambda v: v["x"].T @ v["g"]),),
            "d_b": (Term("Σ_b g", lambda v: v["g"].sum(axis=0)),),
        },
        mistakes=(
            replace(
                BIAS_MEAN,
                wrong=lambda x, w, b, g: (g @ w.T, x.T @ g, g.mean(axis=0)),
            ),
            Mistake(
                code="DN2",
                name="the weight's gradient averaged over the batch",
                yours="d_w = xᵀ·g / B",
                right="d_w = xᵀ·g",
                question="Is there a mean in y = x·w + b?",
                more="The 1/B belongs to the loss; it is in g already.",
                wrong=lambda x, w, b, g: (g @ w.T, x.T @ g / len(x), g.sum(axis=0)),
            ),
            Mistake(
                code="DN3",
                name="the cotangent is missing from d_w",
                yours="d_w = xᵀ·1",
                right="d_w = xᵀ·g",
                question="Does your d_w change when g does?",
                more="d_w[i, o] = Σ_b x[b, i]·g[b, o].",
                wrong=lambda x, w, b, g: (g @ w.T, x.T @ np.ones_like(g), g.sum(axis=0)),
            ),
            Mistake(
                code="DN4",
                name="the bias added to its own gradient",
                yours="d_b = Σ_b (g + b)",
                right="d_b = Σ_b g",
                question="How fast does y change with b? Does that depend on the value of b?",
                more="The slope of x·w + b along b is 1, whatever b is.",
                wrong=lambda x, w, b, g: (g @ w.T, x.T @ g, (g + b).sum(axis=0)),
            ),
        ),
    )
)


def _relu_mask(a: Array) -> Array:
    return (a > 0).astype(float)


RESIDUAL_STEPS: dict[str, Step] = {
    "a": lambda v: v.x @ v.w + v.b,
    "d_a": lambda v: v.g * _relu_mask(v.a),
    "d_x": lambda v: v.g + v.d_a @ v.w.T,
    "d_w": lambda v: v.x.T @ v.d_a,
    "d_b": lambda v: v.d_a.sum(axis=0),
}


def residual_backward(x: Array, w: Array, b: Array, g: Array) -> tuple[Array, Array, Array, Array]:
    """Of y = x + relu(x·w + b): the gradients at a = x·w + b, x (along both paths), w and b."""
    d_a = g * (x @ w + b > 0)
    return d_a, g + d_a @ w.T, x.T @ d_a, d_a.sum(axis=0)


register(
    Exercise(
        name="residual_backward",
        reference=residual_backward,
        cases=lambda rng: tuple(rng.standard_normal(shape) for shape in ((7, 5), (5, 5), (5,), (7, 5))),
        returns=("d_a", "d_x", "d_w", "d_b"),
        sizes={7: "B", 5: "I"},
        program=Program(RESIDUAL_STEPS, ("x", "w", "b", "g"), {name: name for name in ("d_a", "d_x", "d_w", "d_b")}),
        terms={
            "d_x": (
                Term("g, along the shortcut", lambda v: v.g),
                Term("d_a·wᵀ, along the layer", lambda v: v.d_a @ v.w.T),
            )
        },
        mistakes=(
            Mistake(
                code="DN5",
                name="the shortcut's gradient overwritten, not added to",
                yours="d_x = d_a·wᵀ",
                right="d_x = g + d_a·wᵀ",
                question="Along how many paths does x reach y? How many of them does your d_x know?",
                more="Two paths, two contributions, and they add up: += and not =.",
                changes=({"d_x": lambda v: v.d_a @ v.w.T},),
            ),
            Mistake(
                code="DN6",
                name="the layer's gradient is missing from d_x",
                yours="d_x = g",
                right="d_x = g + d_a·wᵀ",
                question="Along how many paths does x reach y? How many of them does your d_x know?",
                more="The second one leads through the layer: d_a·wᵀ.",
                changes=({"d_x": lambda v: v.g},),
            ),
            Mistake(
                code="DN7",
                name="the transpose is missing",
                yours="d_x = g + d_a·w",
                right="d_x = g + d_a·wᵀ",
                question="w is square here, so both products exist. Which index of w must be summed over?",
                more="d_x[b, i] = Σ_o d_a[b, o]·w[i, o]: the second index of w, so w.T stands on the right.",
                changes=({"d_x": lambda v: v.g + v.d_a @ v.w},),
            ),
            Mistake(
                code="DN8",
                name="the slope of the ReLU taken at the output y",
                yours="d_a = g where y > 0",
                right="d_a = g where a > 0",
                question="Which number does the ReLU see: a, or y = x + relu(a)?",
                more="Its slope is 1 where a > 0 and 0 elsewhere.",
                changes=({"d_a": lambda v: v.g * _relu_mask(v.x + np.maximum(v.a, 0))},),
            ),
            Mistake(
                code="DN9",
                name="the ReLU is missing on the way back",
                yours="d_a = g",
                right="d_a = g where a > 0, else 0",
                question="If a is negative and moves a little, does y move?",
                more="Multiply by (a > 0).",
                changes=({"d_a": lambda v: v.g},),
            ),
            Mistake(
                code="DN10",
                name="the shortcut led through the ReLU",
                yours="d_x = d_a + d_a·wᵀ",
                right="d_x = g + d_a·wᵀ",
                question="Which operations does the shortcut pass on its way from x to y?",
                more="Only the sum. So g arrives as it is, not d_a.",
                changes=({"d_x": lambda v: v.d_a + v.d_a @ v.w.T},),
            ),
            replace(BIAS_MEAN, code="DN11", changes=({"d_b": lambda v: v.d_a.mean(axis=0)},)),
        ),
    )
)


# --- the loss -------------------------------------------------------------------------------------------------


def _softmax(logits: Array, axis: int | None = 1) -> Array:
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _one_hot(labels: Array, classes: int) -> Array:
    return np.eye(classes)[labels]


def _wrong_loss(value: Any) -> Any:
    """A wrong version from a formula in the logits and the one-hot labels."""
    return lambda logits, labels: value(logits, _one_hot(labels, logits.shape[1]))


def cross_entropy_backward(logits: Array, labels: Array) -> Array:
    """(softmax − one-hot) / B."""
    return (_softmax(logits) - _one_hot(labels, logits.shape[1])) / len(labels)


def _labels(rng: Rng) -> Array:
    return rng.permutation(np.array([0, 1, 2, 2, 1, 0, 2]))


register(
    Exercise(
        name="cross_entropy_backward",
        reference=cross_entropy_backward,
        cases=lambda rng: (2 * rng.standard_normal((7, 3)), _labels(rng)),
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
        ),
    )
)


# --- initialisation -------------------------------------------------------------------------------------------


def init_scale(fan_in: int, fan_out: int) -> Any:
    """√(2/fan_in)."""
    return np.sqrt(2 / fan_in)


register(
    Exercise(
        name="init_scale",
        reference=init_scale,
        cases=lambda rng: (int(rng.integers(20, 60)), int(rng.integers(70, 200))),
        returns=("sigma",),
        mistakes=(
            Mistake(
                code="DN20",
                name="the wrong fan: the number of outputs",
                yours="√(2/fan_out)",
                right="√(2/fan_in)",
                question="Over how many summands does the sum in one a_o run?",
                more="Over the inputs of the layer. (fan_out keeps the size of the cotangent on the way back.)",
                wrong=lambda fan_in, fan_out: np.sqrt(2 / fan_out),
            ),
            Mistake(
                code="DN21",
                name="the ReLU forgotten",
                yours="√(1/fan_in)",
                right="√(2/fan_in)",
                question="What does the ReLU do to the mean square of a?",
                more="It halves it. The weights must make up for that.",
                wrong=lambda fan_in, fan_out: np.sqrt(1 / fan_in),
            ),
            Mistake(
                code="DN22",
                name="the variance in place of the standard deviation",
                yours="2/fan_in",
                right="√(2/fan_in)",
                question="Is your result σ or σ²?",
                more="fan_in·σ²/2 = 1 gives σ²; the root is still to be taken.",
                wrong=lambda fan_in, fan_out: 2 / fan_in,
            ),
            Mistake(
                code="DN23",
                name="the compromise between both fans, for layers without ReLU",
                yours="√(2/(fan_in + fan_out))",
                right="√(2/fan_in)",
                question="Does the number of outputs appear in the mean square of one a_o?",
                more="No. (This is Glorot and Bengio's rule of 2010, for symmetric activations.)",
                wrong=lambda fan_in, fan_out: np.sqrt(2 / (fan_in + fan_out)),
            ),
            Mistake(
                code="DN24",
                name="upside down",
                yours="√(fan_in/2)",
                right="√(2/fan_in)",
                question="With more inputs, must each weight be larger or smaller?",
                more="Solve fan_in·σ²/2 = 1 for σ.",
                wrong=lambda fan_in, fan_out: np.sqrt(fan_in / 2),
            ),
            Mistake(
                code="DN25",
                name="the root of the denominator alone",
                yours="2/√fan_in",
                right="√(2/fan_in)",
                question="Is √(2/n) the same as 2/√n?",
                more="The 2 stands under the root too.",
                wrong=lambda fan_in, fan_out: 2 / np.sqrt(fan_in),
            ),
            Mistake(
                code="DN52",
                name="the end of a uniform distribution, not the standard deviation",
                yours="√(6/fan_in)",
                right="√(2/fan_in)",
                question="Is your number the standard deviation, or the largest weight that can be drawn?",
                more="Numbers drawn evenly from −r to r have the standard deviation r/√3.",
                wrong=lambda fan_in, fan_out: np.sqrt(6 / fan_in),
            ),
        ),
    )
)


# --- a network of three layers --------------------------------------------------------------------------------

Parameters = dict[str, Array]


def _network_case(rng: Rng) -> Arguments:
    """7 examples, 5 inputs, twice 4 hidden units, 3 classes: the middle weight is square, as in the lesson."""
    shapes = {"w1": (5, 4), "b1": (4,), "w2": (4, 4), "b2": (4,), "w3": (4, 3), "b3": (3,)}
    p = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return rng.standard_normal((7, 5)), _labels(rng), p


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
    "d_a2": lambda v: v.d_h2 * _relu_mask(v.a2),
    "d_w2": lambda v: v.h1.T @ v.d_a2,
    "d_b2": lambda v: v.d_a2.sum(axis=0),
    "d_h1": lambda v: v.d_a2 @ v.p["w2"].T,
    "d_a1": lambda v: v.d_h1 * _relu_mask(v.a1),
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
                    {"d_a1": lambda v: v.d_h1 * _relu_mask(v.a2)},
                    {"d_a2": lambda v: v.d_h2 * _relu_mask(v.a1)},
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


# --- descent --------------------------------------------------------------------------------------------------


def _momentum_case(rng: Rng) -> Arguments:
    w, v, g = rng.standard_normal((3, 7, 5))
    return w, v, g, float(rng.uniform(0.2, 0.6)), float(rng.uniform(0.6, 0.9))


MOMENTUM_STEPS: dict[str, Step] = {
    "v_new": lambda v: v.momentum * v.v + v.g,
    "w_new": lambda v: v.w - v.lr * v.v_new,
}


def momentum_step(w: Array, v: Array, g: Array, lr: float, momentum: float) -> tuple[Array, Array]:
    """v ← momentum·v + g, then w ← w − lr·v; returns the new v and w."""
    v = momentum * v + g
    return v, w - lr * v


def _momentum(v: Values) -> tuple[Array, Array]:
    return momentum_step(v.w, v.v, v.g, v.lr, v.momentum)


register(
    Exercise(
        name="momentum_step",
        reference=momentum_step,
        cases=_momentum_case,
        returns=("v", "w"),
        program=Program(MOMENTUM_STEPS, ("w", "v", "g", "lr", "momentum"), {"v": "v_new", "w": "w_new"}),
        terms={
            "v": (Term("momentum·v", lambda v: v.momentum * v.v), Term("g", lambda v: v.g)),
            "w": (Term("w", lambda v: v.w), Term("−lr·v", lambda v: -v.lr * v.v_new)),
        },
        mistakes=(
            Mistake(
                code="DN32",
                name="ascent in place of descent",
                yours="w + lr·v",
                right="w − lr·v",
                question="The gradient points to where the loss grows. Where do you want to go?",
                more="Against it: subtract.",
                changes=({"w_new": lambda v: v.w + v.lr * v.v_new},),
            ),
            Mistake(
                code="DN33",
                name="the gradient subtracted from the velocity, and the velocity from the weight",
                yours="v = momentum·v − g, w − lr·v",
                right="v = momentum·v + g, w − lr·v",
                question="How often does a minus turn the direction of g on its way to w?",
                more="Once is right. Here the minus stands in the second line alone.",
                changes=({"v_new": lambda v: v.momentum * v.v - v.g},),
            ),
            Mistake(
                code="DN34",
                name="an average in place of the sum",
                yours="v = momentum·v + (1 − momentum)·g",
                right="v = momentum·v + g",
                question="How large is v after many equal gradients, with your formula and with the lesson's?",
                more="With the factor (1 − momentum), v tends to g; without it to g/(1 − momentum). Adam averages.",
                changes=({"v_new": lambda v: v.momentum * v.v + (1 - v.momentum) * v.g},),
            ),
            Mistake(
                code="DN35",
                name="the step taken with the old velocity",
                yours="w − lr·(old v)",
                right="w − lr·(new v)",
                question="Which is done first: the new velocity, or the step?",
                more="The new gradient must already count in this step.",
                changes=({"w_new": lambda v: v.w - v.lr * v.v},),
            ),
            Mistake(
                code="DN36",
                name="the velocity forgotten in the step",
                yours="w − lr·g",
                right="w − lr·v",
                question="Does the velocity have any effect on your w?",
                more="The step follows v, which contains g.",
                changes=({"w_new": lambda v: v.w - v.lr * v.g},),
            ),
            Mistake(
                code="DN37",
                name="the learning rate inside the velocity",
                yours="v = momentum·v + lr·g, w − v",
                right="v = momentum·v + g, w − lr·v",
                question="If lr is changed during training, which part of the old velocity should feel it?",
                more="Keep v free of lr, and multiply once, in the step.",
                changes=(
                    {"v_new": lambda v: v.momentum * v.v + v.lr * v.g, "w_new": lambda v: v.w - v.v_new},
                    {"v_new": lambda v: v.momentum * v.v + v.lr * v.g},
                ),
            ),
            Mistake(
                code="DN38",
                name="the momentum on the gradient, not on the velocity",
                yours="v + momentum·g",
                right="momentum·v + g",
                question="Which of the two should fade with time?",
                more="The old velocity: each step keeps the share `momentum` of it.",
                changes=({"v_new": lambda v: v.v + v.momentum * v.g},),
            ),
            Mistake(
                code="DN53",
                name="the results in another order",
                yours="return w, v",
                right="return v, w",
                question="In which order does the docstring want the results?",
                more="First the velocity, then the weight.",
                changes=({"v_new": lambda v: _momentum(v)[1], "w_new": lambda v: _momentum(v)[0]},),
            ),
        ),
    )
)


def _adam_case(rng: Rng) -> Arguments:
    """Few steps so far, and a large ε, so that neither the correction nor the place of ε can hide."""
    w, m, g = rng.standard_normal((3, 7, 5))
    v = rng.uniform(0.1, 2, (7, 5))
    betas = float(rng.uniform(0.6, 0.8)), float(rng.uniform(0.85, 0.95))
    return w, m, v, int(rng.integers(2, 6)), g, float(rng.uniform(0.2, 0.6)), *betas, float(rng.uniform(0.1, 0.3))


ADAM_STEPS: dict[str, Step] = {
    "square": lambda v: v.g**2,
    "m_new": lambda v: v.beta1 * v.m + (1 - v.beta1) * v.g,
    "v_new": lambda v: v.beta2 * v.v + (1 - v.beta2) * v.square,
    "m_hat": lambda v: v.m_new / (1 - v.beta1**v.t),
    "v_hat": lambda v: v.v_new / (1 - v.beta2**v.t),
    "under": lambda v: np.sqrt(v.v_hat) + v.eps,
    "w_new": lambda v: v.w - v.lr * v.m_hat / v.under,
}


def adam_step(
    w: Array, m: Array, v: Array, t: int, g: Array, lr: float, beta1: float, beta2: float, eps: float
) -> tuple[Array, Array, Array]:
    """One step of Adam, the t-th (t = 1, 2, ...); returns the new m, v and w."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return m, v, w - lr * m_hat / (np.sqrt(v_hat) + eps)


def _adam(v: Values) -> tuple[Array, Array, Array]:
    return adam_step(v.w, v.m, v.v, v.t, v.g, v.lr, v.beta1, v.beta2, v.eps)


def _adam_mistake(code: str, texts: tuple[str, str, str, str, str], *changes: dict[str, Step]) -> Mistake:
    name, yours, right, question, more = texts
    return Mistake(code=code, name=name, yours=yours, right=right, question=question, more=more, changes=changes)


_no_m_hat: dict[str, Step] = {"m_hat": lambda v: v.m_new}
_no_v_hat: dict[str, Step] = {"v_hat": lambda v: v.v_new}
CORRECTED = "m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)"

register(
    Exercise(
        name="adam_step",
        reference=adam_step,
        cases=_adam_case,
        returns=("m", "v", "w"),
        program=Program(
            ADAM_STEPS,
            ("w", "m", "v", "t", "g", "lr", "beta1", "beta2", "eps"),
            {"m": "m_new", "v": "v_new", "w": "w_new"},
        ),
        terms={
            "m": (Term("β₁·m", lambda v: v.beta1 * v.m), Term("(1 − β₁)·g", lambda v: (1 - v.beta1) * v.g)),
            "v": (Term("β₂·v", lambda v: v.beta2 * v.v), Term("(1 − β₂)·g²", lambda v: (1 - v.beta2) * v.g**2)),
            "w": (Term("w", lambda v: v.w), Term("−lr·m̂/(√v̂ + ε)", lambda v: -v.lr * v.m_hat / v.under)),
        },
        mistakes=(
            _adam_mistake(
                "DN39",
                (
                    "no bias correction",
                    "w − lr·m/(√v + ε)",
                    "w − lr·m̂/(√v̂ + ε)",
                    "At t = 1, with m and v starting from 0, how large are m and √v beside g?",
                    f"Divide by what is missing: {CORRECTED}.",
                ),
                _no_m_hat | _no_v_hat,
            ),
            _adam_mistake(
                "DN40",
                (
                    "the bias correction of v is missing",
                    "w − lr·m̂/(√v + ε)",
                    "w − lr·m̂/(√v̂ + ε)",
                    "Both averages start at 0. How many of them do you correct?",
                    CORRECTED,
                ),
                _no_v_hat,
            ),
            _adam_mistake(
                "DN41",
                (
                    "the bias correction of m is missing",
                    "w − lr·m/(√v̂ + ε)",
                    "w − lr·m̂/(√v̂ + ε)",
                    "Both averages start at 0. How many of them do you correct?",
                    CORRECTED,
                ),
                _no_m_hat,
            ),
            _adam_mistake(
                "DN42",
                (
                    "ε inside the root",
                    "√(v̂ + ε)",
                    "√v̂ + ε",
                    "How large is √(v̂ + ε) at v̂ = 0 and ε = 1e-8? And √v̂ + ε?",
                    "1e-4 against 1e-8. Add ε after the root.",
                ),
                {"under": lambda v: np.sqrt(v.v_hat + v.eps)},
            ),
            _adam_mistake(
                "DN43",
                (
                    "the root is missing",
                    "m̂/(v̂ + ε)",
                    "m̂/(√v̂ + ε)",
                    "If all gradients are ten times as large, does your step change?",
                    "v̂ is a square; its root has the size of a gradient.",
                ),
                {"under": lambda v: v.v_hat + v.eps},
            ),
            _adam_mistake(
                "DN44",
                (
                    "the gradient not squared in v",
                    "v = β₂·v + (1 − β₂)·g",
                    "v = β₂·v + (1 − β₂)·g²",
                    "Can your v become negative? What is its root then?",
                    "v averages g².",
                ),
                {"square": lambda v: v.g},
                {"square": lambda v: np.abs(v.g)},
            ),
            _adam_mistake(
                "DN45",
                (
                    "the two betas are exchanged",
                    "β₂ for m, β₁ for v",
                    "β₁ for m, β₂ for v",
                    "Which average has the longer memory in the paper, that of g or that of g²?",
                    "That of g²: β₂ = 0.999 belongs to v.",
                ),
                {
                    "m_new": lambda v: v.beta2 * v.m + (1 - v.beta2) * v.g,
                    "v_new": lambda v: v.beta1 * v.v + (1 - v.beta1) * v.square,
                    "m_hat": lambda v: v.m_new / (1 - v.beta2**v.t),
                    "v_hat": lambda v: v.v_new / (1 - v.beta1**v.t),
                },
            ),
            _adam_mistake(
                "DN46",
                (
                    "ascent in place of descent",
                    "w + lr·m̂/(√v̂ + ε)",
                    "w − lr·m̂/(√v̂ + ε)",
                    "The gradient points to where the loss grows. Where do you want to go?",
                    "Against it: subtract.",
                ),
                {"w_new": lambda v: v.w + v.lr * v.m_hat / v.under},
            ),
            _adam_mistake(
                "DN47",
                (
                    "the steps counted from 0",
                    "1 − β^(t−1)",
                    "1 − βᵗ",
                    "What is your correction at the very first step, t = 1?",
                    "1 − β⁰ = 0, a division by 0. The first step has t = 1.",
                ),
                {
                    "m_hat": lambda v: v.m_new / (1 - v.beta1 ** (v.t - 1)),
                    "v_hat": lambda v: v.v_new / (1 - v.beta2 ** (v.t - 1)),
                },
            ),
            _adam_mistake(
                "DN48",
                (
                    "the correction without its power t",
                    "m/(1 − β₁), v/(1 − β₂)",
                    CORRECTED,
                    "After many steps, how much correction is still needed? And how much does your formula apply?",
                    "βᵗ tends to 0, and the correction disappears.",
                ),
                {"m_hat": lambda v: v.m_new / (1 - v.beta1), "v_hat": lambda v: v.v_new / (1 - v.beta2)},
            ),
            _adam_mistake(
                "DN49",
                (
                    "multiplied by the correction in place of divided",
                    "m·(1 − β₁ᵗ), v·(1 − β₂ᵗ)",
                    CORRECTED,
                    "At t = 1 the average is too small. Does your correction make it larger?",
                    "m = (1 − β₁ᵗ)·g for equal gradients, so divide by that.",
                ),
                {
                    "m_hat": lambda v: v.m_new * (1 - v.beta1**v.t),
                    "v_hat": lambda v: v.v_new * (1 - v.beta2**v.t),
                },
            ),
            _adam_mistake(
                "DN50",
                (
                    "a sum in place of the average",
                    "m = β₁·m + g, v = β₂·v + g²",
                    "m = β₁·m + (1 − β₁)·g, v = β₂·v + (1 − β₂)·g²",
                    "After many equal gradients g, is your m equal to g?",
                    "An average gives the new value the weight 1 − β.",
                ),
                {"m_new": lambda v: v.beta1 * v.m + v.g, "v_new": lambda v: v.beta2 * v.v + v.square},
                {"m_new": lambda v: v.beta1 * v.m + v.g},
                {"v_new": lambda v: v.beta2 * v.v + v.square},
            ),
            _adam_mistake(
                "DN51",
                (
                    "the gradient itself in place of its average in the step",
                    "w − lr·g/(√v̂ + ε)",
                    "w − lr·m̂/(√v̂ + ε)",
                    "Does m have any effect on your w?",
                    "The step follows m̂. (Without m this is RMSprop, with a correction.)",
                ),
                {"w_new": lambda v: v.w - v.lr * v.g / v.under},
            ),
            _adam_mistake(
                "DN54",
                (
                    "the corrected averages kept for the next step",
                    "m = m/(1 − β₁ᵗ), v = v/(1 − β₂ᵗ)",
                    CORRECTED,
                    "The next step corrects again. How often would today's gradient be corrected in the end?",
                    "Give the corrected averages names of their own, and return the others.",
                ),
                {
                    "m_new": lambda v: _adam(v)[0] / (1 - v.beta1**v.t),
                    "v_new": lambda v: _adam(v)[1] / (1 - v.beta2**v.t),
                    **_no_m_hat,
                    **_no_v_hat,
                },
            ),
            _adam_mistake(
                "DN55",
                (
                    "the results in another order",
                    "return w, m, v",
                    "return m, v, w",
                    "In which order does the docstring want the results?",
                    "First the two averages, then the weight.",
                ),
                {"m_new": lambda v: _adam(v)[2], "v_new": lambda v: _adam(v)[0], "w_new": lambda v: _adam(v)[1]},
            ),
        ),
    )
)
