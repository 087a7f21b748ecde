"""The exercises of lesson 03: references are right, mistakes are named as themselves, right forms pass."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import minivae as mv
from minivae.grading.changes import changes
from minivae.grading.exercise import EXERCISES
from minivae.grading.exercises.adam import adam_step
from minivae.grading.exercises.cross_entropy import cross_entropy_backward
from minivae.grading.exercises.dense_layer import dense_backward
from minivae.grading.exercises.dense_network import network_backward
from minivae.grading.exercises.initialisation import init_scale
from minivae.grading.exercises.momentum import momentum_step
from minivae.grading.exercises.residual_layer import residual_backward
from minivae.grading.judge import judge
from minivae.verify import check_gradient

NAMES = (
    "dense_backward",
    "residual_backward",
    "cross_entropy_backward",
    "init_scale",
    "network_backward",
    "momentum_step",
    "adam_step",
)


def with_mistakes(name, *made):
    """The reference with these mistakes in it, as a function like a learner's."""
    exercise = EXERCISES[name]
    if made[0].mistake.wrong is not None:
        (change,) = made
        return change.mistake.wrong
    steps = {step: value for change in made for step, value in change.steps.items()}

    def wrong(*arguments):
        run = exercise.program.run(arguments, steps)
        named = {output: run[step] for output, step in exercise.program.outputs.items()}
        return named if isinstance(exercise.right_answer(arguments), dict) else tuple(named.values())

    return wrong


def arguments(name, number=7):
    return EXERCISES[name].cases(np.random.default_rng(number))


def verdict(name, function):
    return judge(EXERCISES[name], function)


# --- the references are right ---------------------------------------------------------------------------------


def test_the_backward_pass_of_a_dense_layer_is_that_of_its_formula():
    x, w, b, g = arguments("dense_backward")
    gradients = dict(zip("xwb", dense_backward(x, w, b, g), strict=True))
    point = {"x": x, "w": w, "b": b}
    assert check_gradient(lambda p: np.sum(g * (p["x"] @ p["w"] + p["b"])), lambda p: gradients, point)


def test_the_backward_pass_with_a_shortcut_is_that_of_its_formula():
    x, w, b, g = arguments("residual_backward")
    gradients = dict(zip("xwb", residual_backward(x, w, b, g)[1:], strict=True))

    def value(p):
        return np.sum(g * (p["x"] + np.maximum(p["x"] @ p["w"] + p["b"], 0)))

    assert check_gradient(value, lambda p: gradients, {"x": x, "w": w, "b": b})


def cross_entropy(logits, labels):
    return np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels])


def test_the_gradient_of_the_cross_entropy_is_that_of_its_formula():
    logits, labels = arguments("cross_entropy_backward")
    gradient = cross_entropy_backward(logits, labels)
    assert check_gradient(lambda values: cross_entropy(values, labels), lambda values: gradient, logits)


def test_the_backward_pass_of_the_network_is_that_of_its_loss():
    x, labels, p = arguments("network_backward")

    def loss(p):
        h1 = np.maximum(x @ p["w1"] + p["b1"], 0)
        h2 = np.maximum(h1 @ p["w2"] + p["b2"], 0)
        return cross_entropy(h2 @ p["w3"] + p["b3"], labels)

    d = network_backward(x, labels, p)
    assert check_gradient(loss, lambda p: {name: d[f"d_{name}"] for name in p}, p)


def test_the_initial_scale_keeps_the_mean_square_through_layers_with_relu():
    rng = np.random.default_rng(0)
    h = np.abs(rng.standard_normal((300, 150)))
    sigma = init_scale(150, 400)
    draws = [np.maximum(h @ (sigma * rng.standard_normal((150, 400))), 0) for _ in range(10)]
    assert abs(np.mean(np.square(draws)) / np.mean(h**2) - 1) < 0.05


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_the_steps_are_those_of_the_library(name):
    rng = np.random.default_rng(0)
    w = rng.standard_normal((5, 3))
    tensor = mv.Tensor(w.copy(), requires_grad=True)
    library = (
        mv.optim.SGD([tensor], lr=0.1, momentum=0.9)
        if name == "momentum"
        else mv.optim.Adam([tensor], lr=0.1, eps=0.01)
    )
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, 6):
        g = rng.standard_normal(w.shape)
        if name == "momentum":
            v, w = momentum_step(w, v, g, 0.1, 0.9)
        else:
            m, v, w = adam_step(w, m, v, t, g, 0.1, 0.9, 0.999, 0.01)
        library.zero_grad()
        (tensor * mv.Tensor(g)).sum().backward()
        library.step()
        np.testing.assert_allclose(tensor.data, w, rtol=1e-12)


# --- mistakes -------------------------------------------------------------------------------------------------


def test_every_mistake_changes_an_output():
    for name in NAMES:
        listed = {mistake.code for mistake in EXERCISES[name].mistakes}
        assert listed == {change.mistake.code for change in changes(EXERCISES[name])}


def test_the_codes_are_used_once():
    codes = [mistake.code for name in NAMES for mistake in EXERCISES[name].mistakes]
    elsewhere = {m.code for name, exercise in EXERCISES.items() if name not in NAMES for m in exercise.mistakes}
    assert len(set(codes)) == len(codes)
    assert not elsewhere & set(codes)


PAIRS = [
    (name, a, b)
    for name in ("residual_backward", "network_backward", "adam_step")
    for a, b in itertools.combinations(changes(EXERCISES[name]), 2)
    if not a.steps.keys() & b.steps.keys() and a.mistake is not b.mistake
]


@pytest.mark.parametrize(("name", "a", "b"), PAIRS[::9])
def test_two_mistakes_are_both_named_or_the_same_numbers_come_from_one(name, a, b):
    found = verdict(name, with_mistakes(name, a, b))
    assert found.status == "wrong"
    both = {a.mistake.code, b.mistake.code}
    if set(found.codes) != both:  # then another explanation has the very same numbers
        explanations = [
            with_mistakes(name, c) for c in changes(EXERCISES[name]) if {c.mistake.code} == set(found.codes)
        ]
        given = arguments(name)
        exercise = EXERCISES[name]
        got = exercise.named(with_mistakes(name, a, b)(*given))
        assert any(
            all(np.allclose(value, got[key], rtol=1e-12) for key, value in exercise.named(other(*given)).items())
            for other in explanations
        ), found.text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda x, w, b, g: (g @ w.T, g.T @ x, g.sum(axis=0)), "d_w has shape (3, 5) = (O, I); expected (5, 3)"),
        (lambda x, w, b, g: (x.T @ g, g @ w.T, g.sum(axis=0)), "d_x has shape (5, 3) = (I, O); expected (7, 5)"),
        (lambda x, w, b, g: (g @ w.T, x.T @ g, g), "Axis 0 is still there: is a sum or a mean over it missing?"),
        (lambda x, w, b, g: (g @ w.T, x.T @ g, g.sum(axis=1)), "d_b has shape (7,) = (B,); expected (3,)"),
        (lambda x, w, b, g: (g @ w, x.T @ g, g.sum(axis=0)), "g @ w"),
    ],
    ids=["transposed", "swapped", "bias not summed", "wrong axis", "transpose missing"],
)
def test_a_wrong_shape_has_its_own_sentence(wrong, sentence):
    found = verdict("dense_backward", wrong)
    assert found.status in ("wrong", "error")
    assert found.codes == ()
    assert sentence in " ".join(found.text.split())


@pytest.mark.parametrize("factor", [0.3, 7.0])
def test_an_unknown_factor_is_measured_and_not_misnamed(factor):
    found = verdict("residual_backward", lambda x, w, b, g: _scaled_layer(x, w, b, g, factor))
    assert found.codes == ()
    assert found.first_wrong == "d_x"
    assert found.coefficients["d_a·wᵀ, along the layer"] == pytest.approx(factor)
    assert found.coefficients["g, along the shortcut"] == pytest.approx(1)


def _scaled_layer(x, w, b, g, factor):
    d_a, _, d_w, d_b = residual_backward(x, w, b, g)
    return d_a, g + factor * d_a @ w.T, d_w, d_b


def test_a_softmax_that_overflows_is_told_so():
    def naive(logits, labels):
        e = np.exp(logits)
        return (e / e.sum(axis=1, keepdims=True) - np.eye(logits.shape[1])[labels]) / len(labels)

    found = verdict("cross_entropy_backward", naive)
    assert found.status == "wrong"
    assert "logits of ±1000" in found.text


# --- right forms ----------------------------------------------------------------------------------------------


def in_place_dense(x, w, b, g):
    d_w = np.zeros_like(w)
    for one, cotangent in zip(x, g, strict=True):
        d_w += np.outer(one, cotangent)
    return np.einsum("bo,io->bi", g, w), d_w, np.ones(len(g)) @ g


def cross_entropy_by_subtraction(logits, labels):
    d = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    d[np.arange(len(labels)), labels] -= 1
    return d / len(labels)


def adam_with_the_correction_in_the_rate(w, m, v, t, g, lr, beta1, beta2, eps):
    m = m + (1 - beta1) * (g - m)
    v = v + (1 - beta2) * (g * g - v)
    root = np.sqrt(1 - beta2**t)
    return m, v, w - lr * root / (1 - beta1**t) * m / (np.sqrt(v) + root * eps)


def residual_with_where(x, w, b, g):
    d_a = np.where(x @ w + b > 0, g, 0)
    return d_a, d_a @ w.T + g, x.T @ d_a, d_a.sum(axis=0, keepdims=True)


def network_in_float32(x, labels, p):
    p = {name: value.astype(np.float32) for name, value in p.items()}
    d = network_backward(x.astype(np.float32), labels, p)
    return {name: value.astype(np.float32) for name, value in d.items()}


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("dense_backward", in_place_dense),
        ("cross_entropy_backward", cross_entropy_by_subtraction),
        ("init_scale", lambda fan_in, fan_out: (0.5 * fan_in) ** -0.5),
        ("momentum_step", lambda w, v, g, lr, momentum: (g + v * momentum, w - lr * momentum * v - lr * g)),
        ("adam_step", adam_with_the_correction_in_the_rate),
        ("residual_backward", residual_with_where),
        ("network_backward", network_in_float32),
        ("momentum_step", lambda w, v, g, lr, momentum: [momentum * v + g, w - lr * (momentum * v + g)]),
    ],
)
def test_right_answers_in_another_form_pass(name, right):
    found = verdict(name, right)
    assert found.status == "right", found.text


@pytest.mark.parametrize("name", NAMES)
def test_an_unsolved_stub_is_not_attempted(name):
    def stub(*arguments):
        raise NotImplementedError

    assert verdict(name, stub).status == "not attempted"
