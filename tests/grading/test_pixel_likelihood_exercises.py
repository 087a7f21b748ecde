"""Lesson 12's exercises: references are right, each mistake is named as itself, right answers pass in any form."""

from __future__ import annotations

import numpy as np
import pytest

import minivae as mv
from minivae.grading.exercise import EXERCISES
from minivae.grading.exercises import import_all
from minivae.grading.exercises.bits_of_a_density import density_to_bits, logistic_bits
from minivae.grading.exercises.blur import best_decoder_output, high_frequency_share
from minivae.grading.exercises.bound_report import bound_report
from minivae.grading.exercises.discretised_logistic import logistic_backward, logistic_log_prob, some_tails
from minivae.grading.exercises.grey_level_likelihood import level_probabilities
from minivae.grading.exercises.optimal_scale import optimal_scale
from minivae.grading.judge import case, judge

import_all()

ALL_LEVELS = np.arange(256)[None] / 255


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


# --- the references are right ---------------------------------------------------------------------------------


def test_no_other_scale_costs_less_than_the_optimal_one():
    x, mean = case(EXERCISES["optimal_scale"], 0)
    variance, nats = optimal_scale(x, mean)
    for factor in (0.9, 1.0, 1.1):
        p = mv.distributions.Normal(mv.Tensor(mean), float(np.sqrt(factor * variance)))
        cost = -p.log_prob(mv.Tensor(x)).data.sum() / len(x)
        assert cost == pytest.approx(nats, rel=1e-12) if factor == 1 else cost > nats


def test_no_other_output_has_a_smaller_squared_error_under_the_posteriors():
    z, mu, logvar, images = case(EXERCISES["best_decoder_output"], 0)
    weights, output = best_decoder_output(z, mu, logvar, images)
    density = np.exp(-0.5 * (logvar + (z - mu) ** 2 / np.exp(logvar)).sum(axis=1))

    def error(m):
        return np.sum(density[:, None] * (images - m) ** 2)

    assert weights.sum() == pytest.approx(1)
    for step in 1e-3 * np.random.default_rng(0).standard_normal((5, images.shape[1])):
        assert error(output) < error(output + step)


def test_a_checkerboard_is_all_fine_detail_and_a_slow_wave_has_none():
    rows, columns = np.indices((8, 12))
    assert high_frequency_share(((rows + columns) % 2.0)[None], 0.3) == pytest.approx(1)
    assert high_frequency_share(np.sin(2 * np.pi * columns / 12)[None], 0.3) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("mean", "log_scale"), [(0.4, -2.0), (-0.7, -1.0), (1.2, -6.0), (0.5, 1.0)])
def test_the_256_probabilities_sum_to_one(mean, log_scale):
    log_p = logistic_log_prob(ALL_LEVELS, np.full((1, 256), mean), np.full((1, 256), log_scale))
    assert np.exp(log_p).sum() == pytest.approx(1, abs=1e-12)


def test_log_probabilities_are_those_of_lesson_06():
    log_p = logistic_log_prob(ALL_LEVELS, np.full((1, 256), 0.3), np.full((1, 256), np.log(0.1)))[0]
    np.testing.assert_allclose(np.exp(log_p), level_probabilities(0.3, 0.1), rtol=1e-10)


def test_the_gradient_is_that_of_the_log_probability():
    x, mean, log_scale = case(EXERCISES["logistic_backward"], 0)

    def gradient(p):
        named = logistic_backward(x, p["mean"], p["log_scale"])
        return {"mean": named["d_mean"], "log_scale": named["d_log_scale"]}

    assert mv.check_gradient(
        lambda p: logistic_log_prob(x, p["mean"], p["log_scale"]).sum(),
        gradient,
        {"mean": mean, "log_scale": log_scale},
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows_in_the_tails_and_the_dtype_stays(dtype):
    x, mean, log_scale = (a.astype(dtype) for a in some_tails(np.random.default_rng(0)))
    with np.errstate(all="raise", under="ignore"):
        answers = [logistic_log_prob(x, mean, log_scale), *logistic_backward(x, mean, log_scale).values()]
    for answer in answers:
        assert answer.dtype == dtype
        assert np.isfinite(answer).all()


def test_a_uniform_density_on_cells_costs_the_logarithm_of_their_number():
    assert density_to_bits(0.0, 784, 1 / 256) == pytest.approx(8)
    assert logistic_bits(ALL_LEVELS, 0 * ALL_LEVELS + 0.5, 0 * ALL_LEVELS + 5)[0] > 8


def test_the_bound_is_that_of_the_library():
    log_w, dimensions = case(EXERCISES["bound_report"], 0)
    per_image, nats, error, bits = bound_report(log_w, dimensions)
    np.testing.assert_allclose(per_image, mv.objectives.iwae(log_w).data, rtol=1e-12)
    estimate = mv.metrics.Estimate.of(-per_image)
    assert (nats, error) == pytest.approx((estimate.mean, estimate.error))
    assert bits == pytest.approx(nats / np.log(2) / dimensions)


# --- the mistakes are named as themselves ---------------------------------------------------------------------


def colleague(x, mean, log_scale):
    """The function of the lesson's bug: half-widths that belong to pixels from −1 to 1."""
    lower = (x - 1 / 255 - mean) / np.exp(log_scale)
    upper = (x + 1 / 255 - mean) / np.exp(log_scale)
    p = np.where(x < 0.001, sigmoid(upper), np.where(x > 0.999, 1 - sigmoid(lower), sigmoid(upper) - sigmoid(lower)))
    return -np.log2(p).mean(axis=1)


def without_stability(x, mean, log_scale):
    lower = (x - 0.5 / 255 - mean) / np.exp(log_scale)
    upper = (x + 0.5 / 255 - mean) / np.exp(log_scale)
    with np.errstate(all="ignore"):
        p = np.where(x == 0, sigmoid(upper), np.where(x == 1, 1 - sigmoid(lower), sigmoid(upper) - sigmoid(lower)))
        return np.log(p)


def along_the_scale(x, mean, log_scale):
    named = dict(logistic_backward(x, mean, log_scale))
    named["d_log_scale"] = named["d_log_scale"] / np.exp(log_scale)
    named["d_mean"] = -named["d_mean"]
    return named


WRITTEN_BY_HAND = {
    "the colleague of the lesson": ("logistic_bits", colleague, ("Y25",)),
    "−0.5 bits per dimension": ("density_to_bits", lambda n, d, w: n / d / np.log(2), ("Y60",)),
    "two at once": ("logistic_backward", along_the_scale, ("Y46", "Y49")),
    "σ and its loss": (
        "optimal_scale",
        lambda x, m: ((x - m).std(), 3.5 * (np.log(2 * np.pi * (x - m).std()) + 1)),
        None,
    ),
    "root mean square": (
        "optimal_scale",
        lambda x, m: (
            np.sqrt(np.mean((x - m) ** 2)),
            3.5 * (np.log(2 * np.pi * np.sqrt(np.mean((x - m) ** 2))) + 1),
        ),
        ("Y2",),
    ),
    "no 1/σ": (
        "best_decoder_output",
        lambda z, m, v, x: (
            (w := np.exp(-0.5 * ((z - m) ** 2 / np.exp(v)).sum(axis=1))) / w.sum(),
            w @ x / w.sum(),
        ),
        ("Y10",),
    ),
    "amplitudes": (
        "high_frequency_share",
        lambda x, cut: (
            (a := np.abs(np.fft.fft2(x)))[
                :, (f := np.hypot(np.fft.fftfreq(8)[:, None], np.fft.fftfreq(9)[None])) > cut
            ].sum()
            / a[:, f > 0].sum()
        ),
        ("Y18",),
    ),
}


@pytest.mark.parametrize("what", WRITTEN_BY_HAND)
def test_a_mistake_in_the_learners_own_words_is_named(what):
    name, wrong, codes = WRITTEN_BY_HAND[what]
    verdict = judge(EXERCISES[name], wrong)
    assert verdict.status == "wrong"
    assert verdict.codes == (codes or ()), verdict.text


def test_differences_of_sigmoids_pass_until_they_round_to_nothing():
    verdict = judge(EXERCISES["logistic_log_prob"], without_stability)
    assert verdict.status == "wrong"
    assert "means far away" in verdict.text


def test_a_mistake_that_nobody_listed_is_measured():
    def scaled(x, mean, log_scale):
        named = dict(logistic_backward(x, mean, log_scale))
        a = (x - 0.5 / 255 - mean) / np.exp(log_scale)
        return named | {"d_log_scale": named["d_log_scale"] - 0.5 * a * named["d_a"]}

    verdict = judge(EXERCISES["logistic_backward"], scaled)
    assert verdict.codes == ()
    assert verdict.coefficients["−a·d_a"] == pytest.approx(1.5)


# --- right in another form ------------------------------------------------------------------------------------


def salimans(x, mean, log_scale):
    """softplus form, as published: log σ(b), −softplus(a), and a difference inside, here by logarithms."""
    inverse = np.exp(-log_scale)
    b, a = (x + 0.5 / 255 - mean) * inverse, (x - 0.5 / 255 - mean) * inverse
    log_b, log_a = -np.logaddexp(0, -b), -np.logaddexp(0, -a)
    inside = -np.logaddexp(0, -b) - np.logaddexp(0, a) + np.log1p(-np.exp(a - b))
    return np.where(x == 0, log_b, np.where(x == 1, log_a - a, inside))


def by_autodiff(x, mean, log_scale):
    """The gradient by the library's autodiff; d_b, d_a, d_delta by hand."""
    m, t = mv.Tensor(mean, requires_grad=True), mv.Tensor(log_scale, requires_grad=True)
    ops = mv.ops
    inverse = ops.exp(-t)
    b, a = (x + 0.5 / 255 - m) * inverse, (x - 0.5 / 255 - m) * inverse
    up, low = (x < 0.999).astype(float), (x > 0.001).astype(float)
    log_p = -up * ops.softplus(-b) - low * ops.softplus(a) + up * low * ops.log(1.0 - ops.exp(a - b))
    log_p.sum().backward()
    named = dict(logistic_backward(x, mean, log_scale))
    return named | {"d_mean": m.grad, "d_log_scale": t.grad}


RIGHT = {
    "where instead of masks": ("logistic_log_prob", salimans),
    "lists": ("optimal_scale", lambda x, m: list(optimal_scale(x, m))),
    "σ² by hand": (
        "optimal_scale",
        lambda x, m: ((s := ((x - m) ** 2).sum() / x.size), 0.5 * x.shape[1] * np.log(2 * np.pi * np.e * s)),
    ),
    "float32": ("density_to_bits", lambda n, d, w: np.float32(density_to_bits(n, d, w))),
    "in two steps": ("density_to_bits", lambda n, d, w: n / np.log(2) / d - np.log2(w)),
    "library": (
        "bound_report",
        lambda w, d: (
            (b := mv.objectives.iwae(w).data),
            -b.mean(),
            b.std(ddof=1) / np.sqrt(b.size),
            -b.mean() / d / np.log(2),
        ),
    ),
    "from the log-probability": (
        "logistic_bits",
        lambda x, m, t: -logistic_log_prob(x, m, t).sum(axis=1) / x.shape[1] / np.log(2),
    ),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_answer_in_another_form_passes(what):
    name, answer = RIGHT[what]
    verdict = judge(EXERCISES[name], answer)
    assert verdict.status == "right", verdict.text


def test_a_gradient_by_autodiff_passes():
    exercise = EXERCISES["logistic_backward"]
    given = case(exercise, 0)
    for name, value in by_autodiff(*given).items():
        np.testing.assert_allclose(value, exercise.reference(*given)[name], rtol=1e-9, atol=1e-12)
