"""A right answer passes in any form."""

from __future__ import annotations

import numpy as np
import pytest
from learner import with_lines

import minivae as mv
from minivae.grading import trials
from minivae.grading.exercise import EXERCISES, Exercise
from minivae.grading.exercises import elbo
from minivae.grading.judge import case, judge

FUNCTIONS = trials.functions()


def sigmoid(a):
    return 0.5 * (1 + np.tanh(a / 2))


def per_row(function, *arrays):
    return np.stack([function(*(array[i] for array in arrays)) for i in range(len(arrays[0]))])


VARIANTS = {
    "sample_z": [
        lambda mu, logvar, eps: mu + np.sqrt(np.exp(logvar)) * eps,
        lambda mu, logvar, eps: eps * np.exp(0.5 * logvar) + mu,
        lambda mu, logvar, eps: mu + np.exp(logvar) ** 0.5 * eps,
        lambda mu, logvar, eps: np.float32(mu) + np.exp(np.float32(logvar) / 2) * np.float32(eps),
        lambda mu, logvar, eps: mv.distributions.Normal.from_logvar(mv.Tensor(mu), mv.Tensor(logvar)).rsample(eps),
        lambda mu, logvar, eps: per_row(lambda m, v, e: m + np.exp(v / 2) * e, mu, logvar, eps),
    ],
    "kl_term": [
        lambda mu, logvar: 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(1).mean(),
        lambda mu, logvar: -0.5 * (1 + logvar - mu**2 - np.exp(logvar)).sum(axis=-1).mean(0),
        lambda mu, logvar: 0.5 * np.mean(mu**2 + np.expm1(logvar) - logvar) * mu.shape[1],
        lambda mu, logvar: float(np.sum(np.square(mu) / 2 + np.exp(logvar) / 2 - 0.5 - logvar / 2) / len(mu)),
        lambda mu, logvar: np.mean([0.5 * sum(m**2 + np.exp(v) - 1 - v) for m, v in zip(mu, logvar, strict=True)]),
        lambda mu, logvar: (0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)).sum(1, keepdims=True).mean(0, keepdims=True),
        lambda mu, logvar: np.sum(np.log(np.exp(-logvar / 2)) + (np.exp(logvar) + mu**2) / 2 - 0.5) / len(mu),
        lambda mu, logvar: mv.distributions.kl_divergence(
            mv.distributions.Normal.from_logvar(mv.Tensor(mu), mv.Tensor(logvar)), mv.distributions.Normal(0, 1)
        ).sum() / len(mu),
        lambda mu, logvar: 0.5 * np.sum(np.float32(mu) ** 2 + np.exp(np.float32(logvar)) - 1 - np.float32(logvar)) / 13,
    ],
    "reconstruction_term": [
        lambda x, logits: (np.maximum(logits, 0) - x * logits + np.log1p(np.exp(-abs(logits)))).sum() / len(x),
        lambda x, logits: (x * np.logaddexp(0, -logits) + (1 - x) * np.logaddexp(0, logits)).sum(1).mean(),
        lambda x, logits: mv.ops.binary_cross_entropy_with_logits(mv.Tensor(logits), x).sum() / len(x),
    ],
    "logits_backward": [
        lambda x, logits: (sigmoid(logits) - x) / len(x),
        lambda x, logits: (0.5 * np.tanh(logits / 2) + 0.5 - x) / x.shape[0],
        lambda x, logits: -(x - sigmoid(logits)) * (1 / len(x)),
    ],
    "dense_backward": [],
    "sampling_backward": [
        lambda d_z, logvar, eps: (d_z, d_z * (np.exp(logvar / 2) * eps) / 2),
        lambda d_z, logvar, eps: [d_z.copy(), d_z * eps * 0.5 * np.sqrt(np.exp(logvar))],
        lambda d_z, logvar, eps: (mv.Tensor(d_z), mv.Tensor(0.5 * np.exp(logvar / 2) * d_z * eps)),
    ],
    "kl_backward": [
        lambda mu, logvar, beta: (beta * mu / mu.shape[0], 0.5 * beta * np.expm1(logvar) / len(mu)),
        lambda mu, logvar, beta: (mu * (beta / 13), (np.exp(logvar) - 1) * (beta / 26)),
        # a head that puts out log σ, with its own Jacobian: dKL/dlog σ = σ² − 1, and dlog σ/dlogvar = ½
        lambda mu, logvar, beta: (beta * mu / 13, 0.5 * beta * (np.exp(2 * (logvar / 2)) - 1) / 13),
        # by way of σ: dKL/dσ = σ − 1/σ, and dσ/dlogvar = σ/2
        lambda mu, logvar, beta: (
            beta * mu / 13,
            beta / 13 * (np.exp(logvar / 2) - np.exp(-logvar / 2)) * np.exp(logvar / 2) / 2,
        ),
    ],
    "heads_backward": [
        lambda d_z, mu, logvar, eps, beta: (
            d_z + beta * mu / 13,
            0.5 * (d_z * eps * np.exp(logvar / 2) + beta * (np.exp(logvar) - 1) / 13),
        ),
        lambda d_z, mu, logvar, eps, beta: tuple(
            a.astype(np.float32) for a in elbo.heads_backward(d_z, mu, logvar, eps, beta)
        ),
    ],
}  # fmt: skip
NAMED = [(name, i) for name, variants in VARIANTS.items() for i in range(len(variants))]


def test_there_are_at_least_thirty():
    assert len(NAMED) >= 30


@pytest.mark.parametrize(("name", "number"), NAMED)
def test_another_formula_for_the_same_thing_passes(name, number):
    verdict = judge(EXERCISES[name], VARIANTS[name][number])
    assert verdict.status == "right", verdict.text


@pytest.mark.parametrize("exercise", FUNCTIONS, ids=lambda exercise: exercise.name)
def test_the_reference_and_its_other_forms_pass(exercise):
    assert judge(exercise, exercise.reference).status == "right"
    for form, function in trials.right_forms(exercise):
        verdict = judge(exercise, function)
        assert verdict.status == "right", f"{form}: {verdict.text}"


def test_a_learners_own_solution_passes_in_double_and_in_single_precision():
    exercise = EXERCISES["elbo_backward"]
    solution = with_lines()
    assert judge(exercise, solution).status == "right"

    def in_float32(x, params, eps, beta):
        params = {name: np.float32(value) for name, value in params.items()}
        return solution(np.float32(x), params, np.float32(eps), beta)

    assert judge(exercise, in_float32).status == "right"


def test_a_gradient_with_respect_to_log_sigma_passes_under_its_own_name():
    exercise = EXERCISES["elbo_backward"]
    solution = with_lines()

    def renamed(factor):
        def elbo_backward(x, params, eps, beta):
            answer = solution(x, params, eps, beta)
            answer["d_logsigma"] = factor * answer.pop("d_logvar")
            answer["logsigma"] = answer.pop("logvar") / 2
            return answer

        return elbo_backward

    assert judge(exercise, renamed(2.0)).status == "right"
    assert judge(exercise, renamed(1.0)).first_wrong == "d_logvar"  # without its Jacobian


def test_more_keys_than_asked_for_do_no_harm():
    solution = with_lines()
    assert (
        judge(
            EXERCISES["elbo_backward"], lambda x, params, eps, beta: {**solution(x, params, eps, beta), "more": 1}
        ).status
        == "right"
    )


def test_one_percent_wrong_in_float32_is_not_right():
    exercise = EXERCISES["kl_term"]
    assert judge(exercise, lambda mu, logvar: np.float32(1.01 * elbo.kl_term(mu, logvar))).status == "wrong"


def test_a_formula_that_overflows_is_right_on_ordinary_numbers_only():
    verdict = judge(
        EXERCISES["reconstruction_term"], lambda x, logits: np.sum(np.log(1 + np.exp(logits)) - x * logits) / len(x)
    )
    assert verdict.status == "wrong"
    assert "right on ordinary numbers, but not at logits of ±800" in verdict.text


def test_a_clipped_probability_is_seen_where_it_stops_the_gradient():
    def logits_backward(x, logits):
        p = sigmoid(logits)
        return np.where((p > 1e-7) & (p < 1 - 1e-7), p - x, 0) / len(x)

    assert "not at logits of ±800" in judge(EXERCISES["logits_backward"], logits_backward).text


def test_a_finite_difference_is_told_from_the_exact_formula():
    def kl_backward(mu, logvar, beta):
        step = 1e-6
        kl = lambda m, v: beta * 0.5 * (m**2 + np.exp(v) - 1 - v) / len(m)
        here = kl(mu, logvar)
        return (kl(mu + step, logvar) - here) / step, (kl(mu, logvar + step) - here) / step

    verdict = judge(EXERCISES["kl_backward"], kl_backward)
    assert verdict.status == "wrong"
    assert "A finite difference" in verdict.text


def test_the_same_arguments_are_tried_every_time():
    for exercise in FUNCTIONS:
        if exercise.statistics is None and not any(callable(a) for a in case(exercise, 0)):
            first, second = (
                exercise.named(exercise.right_answer(case(exercise, 0))),
                exercise.named(exercise.right_answer(case(exercise, 0))),
            )
            for name in first:
                np.testing.assert_array_equal(np.asarray(first[name], float), np.asarray(second[name], float))


def test_a_plain_value_passes_as_number_array_or_tensor():
    exercise = Exercise(name="bits", reference=np.log2(10))
    for value in (
        np.log2(10),
        float(np.log(10) / np.log(2)),
        np.array([np.log2(10)]),
        mv.Tensor(np.array(np.log2(10))),
    ):
        assert judge(exercise, value).status == "right"
    assert judge(exercise, 2.3).status == "wrong"
    assert "3.32" not in judge(exercise, 2.3).text  # the right value is not given away
    assert judge(exercise, ...).status == "not attempted"
