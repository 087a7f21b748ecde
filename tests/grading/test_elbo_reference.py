"""The library's own answers of lesson 09 against finite differences, against autodiff, and against their steps."""

from __future__ import annotations

import numpy as np
import pytest

import minivae as mv
from minivae.grading.changes import agrees
from minivae.grading.checker import load
from minivae.grading.exercise import EXERCISES
from minivae.grading.exercises import elbo
from minivae.grading.judge import case

load()
PROGRAMS = [exercise for exercise in EXERCISES.values() if exercise.program is not None]


@pytest.mark.parametrize("exercise", PROGRAMS, ids=lambda exercise: exercise.name)
def test_the_steps_give_what_the_reference_gives(exercise):
    for number in range(3):
        arguments = case(exercise, number)
        right = exercise.named(exercise.right_answer(arguments))
        run = exercise.program.run(arguments)
        assert list(right) == list(exercise.program.outputs)
        for name, step in exercise.program.outputs.items():
            assert agrees(run[step], right[name], right[name], 1e-13), name


def test_every_gradient_of_elbo_backward_is_the_derivative_of_its_loss():
    x, params, eps, beta = case(EXERCISES["elbo_backward"], 0)
    answer = elbo.elbo_backward(x, params, eps, beta)
    for name, weight in params.items():
        loss = lambda w, name=name: elbo.elbo_forward(x, {**params, name: w}, eps, beta)["loss"]
        gradient = lambda w, name=name: elbo.elbo_backward(x, {**params, name: w}, eps, beta)["d_" + name]
        assert mv.check_gradient(loss, gradient, weight), name
        assert answer["d_" + name].shape == weight.shape


def test_elbo_backward_agrees_with_autodiff_to_the_last_digits():
    x, params, eps, beta = case(EXERCISES["elbo_backward"], 1)
    tensors = {name: mv.Tensor(value, requires_grad=True) for name, value in params.items()}
    layer = lambda a, name: mv.ops.dense(a, tensors["W_" + name], tensors["b_" + name])
    h = mv.ops.tanh(layer(mv.Tensor(x), "h"))
    q = mv.distributions.Normal.from_logvar(layer(h, "mu"), layer(h, "logvar"))
    logits = layer(mv.ops.tanh(layer(q.rsample(eps), "dec")), "logits")
    pixels = mv.ops.binary_cross_entropy_with_logits(logits, x)
    kl = mv.distributions.kl_divergence(q, mv.distributions.Normal(0, 1))
    loss = (pixels.sum() + kl.sum() * beta) / len(x)
    loss.backward()
    answer = elbo.elbo_backward(x, params, eps, beta)
    assert float(loss.data) == pytest.approx(float(answer["loss"]), rel=1e-13)
    for name, tensor in tensors.items():
        np.testing.assert_allclose(answer["d_" + name], tensor.grad, rtol=1e-11, atol=1e-14)


def test_cases_hide_nothing():
    """Coprime sizes, β away from 1, log-variances on both sides of 0: otherwise mistakes give the right numbers."""
    x, params, eps, beta = case(EXERCISES["elbo_backward"], 0)
    sizes = {x.shape[0], *params["W_h"].shape, *params["W_dec"].shape}
    assert all(np.gcd(a, b) == 1 for a in sizes for b in sizes if a != b)
    assert len(sizes) == 5
    assert abs(beta - 1) > 0.3
    logvar = elbo.elbo_forward(x, params, eps, beta)["logvar"]
    assert (logvar > 0.2).any()
    assert (logvar < -0.2).any()
