"""Lesson 08: two gradients of an expectation, the error of a mean, a baseline, and a loss whose draws must be right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.exercises.elbo_sampling_mistakes import SAMPLING_MISTAKES
from minivae.grading.program import Program, Step, Values

Rng = np.random.Generator
Function = Callable[[Array], Array]
N, L = 13, 5
SIZES = {N: "N", L: "L"}
THE_DRAW = tuple(m for m in SAMPLING_MISTAKES if m.code in {"K5", "Z2", "Z4", "Z6", "Z7", "Z8", "Z11", "Z13"})


def _bumpy(z: Array) -> Array:
    """A function of each row: smooth, of no particular symmetry."""
    return (np.exp(0.3 * z) + np.sin(z)).sum(axis=1) + 0.5 * z[:, 0] * z[:, -1]


def _bumpy_slope(z: Array) -> Array:
    """Some function of the shape of a slope."""
    return 0.3 * np.exp(0.3 * z) + np.cos(z)


def _normal(rng: Rng) -> tuple[Array, Array, Array]:
    """(mu, logvar, eps), with log-variances on both sides of 0."""
    return rng.standard_normal(L), rng.permutation(np.linspace(-1.7, 1.3, L)), rng.standard_normal((N, L))


def _draws(rng: Rng) -> tuple[Array, Array, Array]:
    """(z, mu, logvar)."""
    mu, logvar, eps = _normal(rng)
    return mu + np.exp(logvar / 2) * eps, mu, logvar


# --- references -----------------------------------------------------------------------------------------------


def score(z: Array, mu: Array, logvar: Array) -> tuple[Array, Array]:
    """∇ log q(z) with respect to μ and to logvar: (z − μ)/σ² and ½((z − μ)²/σ² − 1)."""
    s_mu = (z - mu) / np.exp(logvar)
    return s_mu, 0.5 * ((z - mu) * s_mu - 1)


def score_function_estimates(f: Function, z: Array, mu: Array, logvar: Array) -> tuple[Array, Array]:
    """f(z) times the score."""
    s_mu, s_logvar = score(z, mu, logvar)
    return f(z)[:, None] * s_mu, f(z)[:, None] * s_logvar


def pathwise_estimates(f_prime: Function, mu: Array, logvar: Array, eps: Array) -> tuple[Array, ...]:
    """z = μ + σε, d_z = f′(z), and from it d_mu = d_z, d_logvar = d_z·½σε."""
    noise = np.exp(logvar / 2) * eps
    d_z = f_prime(mu + noise)
    return mu + noise, d_z, d_z, 0.5 * d_z * noise


def mean_with_error(x: Array) -> tuple[Array, Array]:
    """The mean over axis 0, and s/√N with s² = Σ (x − mean)²/(N − 1)."""
    return x.mean(axis=0), x.std(axis=0, ddof=1) / np.sqrt(len(x))


def leave_one_out(values: Array, s: Array) -> tuple[Array, Array]:
    """The mean of the other values, and (value − that)·score."""
    baseline = (values.sum() - values) / (len(values) - 1)
    return baseline, (values - baseline)[:, None] * s


def sampled_loss(x: Array, mu: Array, logvar: Array, eps: Array, tau2: float) -> dict[str, Array]:
    """−ELBO and its gradient, with p(x|z) = N(z, τ²), q = N(μ, e^logvar), a standard normal prior."""
    n = len(eps)
    noise = np.exp(logvar / 2) * eps
    z = mu + noise
    reconstruction = 0.5 * np.sum((x - z) ** 2 / tau2 + np.log(2 * np.pi * tau2)) / n
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)
    d_z = (z - x) / (tau2 * n)
    d_logvar = np.sum(0.5 * d_z * noise, axis=0) + 0.5 * (np.exp(logvar) - 1)
    named = {"z": z, "reconstruction": reconstruction, "kl": kl, "loss": reconstruction + kl}
    return named | {"d_z": d_z, "d_mu": d_z.sum(axis=0) + mu, "d_logvar": d_logvar}


# --- the same in steps ----------------------------------------------------------------------------------------

SCORE: dict[str, Step] = {
    "variance": lambda v: np.exp(v.logvar),
    "distance": lambda v: v.z - v.mu,
    "s_mu": lambda v: v.distance / v.variance,
    "half": lambda v: 0.5,
    "one": lambda v: 1.0,
    "per_logvar": lambda v: 1.0,
    "s_logvar": lambda v: v.half * (v.distance**2 / v.variance - v.one) * v.per_logvar,
}
ESTIMATES: dict[str, Step] = {
    "weight": lambda v: v.f(v.z)[:, None],
    "d_mu": lambda v: v.weight * v.s_mu,
    "d_logvar": lambda v: v.weight * v.s_logvar,
}
DRAW: dict[str, Step] = {
    "sigma": lambda v: np.exp(v.logvar / 2),
    "noise": lambda v: v.eps,
    "z": lambda v: v.mu + v.sigma * v.noise,
    "g_to_mu": lambda v: 1.0,
    "g_to_logvar": lambda v: 0.5 * v.eps * np.exp(v.logvar / 2),
}
PATHWISE: dict[str, Step] = {
    "at": lambda v: v.z,
    "d_z": lambda v: v.f_prime(v.at),
    "d_mu": lambda v: v.d_z * v.g_to_mu,
    "d_logvar": lambda v: v.d_z * v.g_to_logvar,
}
LOSS: dict[str, Step] = {
    "n": lambda v: len(v.eps),
    "constant": lambda v: np.log(2 * np.pi * v.tau2),
    "reconstruction": lambda v: 0.5 * np.sum((v.x - v.z) ** 2 / v.tau2 + v.constant) / v.n,
    "kl_half": lambda v: 0.5,
    "kl": lambda v: v.kl_half * np.sum(v.mu**2 + np.exp(v.logvar) - 1 - v.logvar),
    "loss": lambda v: v.reconstruction + v.kl,
    "g_n": lambda v: len(v.eps),
    "g_error": lambda v: (v.z - v.x) / v.tau2,
    "d_z": lambda v: v.g_error / v.g_n,
    "g_kl_half": lambda v: 0.5,
    "g_kl_mu": lambda v: 2 * v.g_kl_half * v.mu,
    "g_kl_logvar": lambda v: v.g_kl_half * (np.exp(v.logvar) - 1),
    "d_mu": lambda v: np.sum(v.d_z * v.g_to_mu, axis=0) + v.g_kl_mu,
    "d_logvar": lambda v: np.sum(v.d_z * v.g_to_logvar, axis=0) + v.g_kl_logvar,
}


def _density(v: Values) -> Array:
    """q(z), one value for each draw."""
    return np.exp(-0.5 * np.sum(np.log(2 * np.pi) + v.logvar + v.distance**2 / v.variance, axis=1))[:, None]


# --- the mistakes ---------------------------------------------------------------------------------------------

S_MU, S_LOGVAR = "(z − μ)/σ²", "½((z − μ)²/σ² − 1)"

SCORE_MISTAKES = (
    Mistake(
        "S1",
        "the standard deviation is taken for the variance",
        "(z − μ)/σ",
        S_MU,
        "Which power of σ stands under (z − μ)² in log q? Does a derivative with respect to μ change it?",
        "exp(logvar) is σ², exp(logvar/2) is σ.",
        changes=(
            {"variance": lambda v: np.exp(v.logvar / 2)},
            {"s_mu": lambda v: v.distance / np.exp(v.logvar / 2)},
            {"s_logvar": lambda v: 0.5 * (v.distance**2 / np.exp(v.logvar / 2) - 1)},
        ),
    ),
    Mistake(
        "S2",
        "the sign of the inner derivative: this is the slope along z",
        "(μ − z)/σ²",
        S_MU,
        "A draw lies to the right of μ. Does its density grow or fall when μ moves to the right?",
        "d/dμ of −½(z − μ)²/σ² is +(z − μ)/σ²: two minus signs meet.",
        changes=({"s_mu": lambda v: -v.distance / v.variance},),
    ),
    Mistake(
        "S3",
        "the −1 is missing: the normalising constant depends on σ, too",
        "½(z − μ)²/σ²",
        S_LOGVAR,
        "Which mean has your score? Which must every score have?",
        "log q contains −½ logvar, which contributes −½.",
        changes=({"one": lambda v: 0.0},),
    ),
    Mistake(
        "S4",
        "the ½ is missing",
        "(z − μ)²/σ² − 1",
        S_LOGVAR,
        "With which factor do both terms stand in log q?",
        "log q = −½(log 2π + logvar + (z − μ)² e^−logvar).",
        changes=({"half": lambda v: 1.0},),
    ),
    Mistake(
        "S5",
        "the derivative with respect to σ, not to logvar",
        "((z − μ)²/σ² − 1)/σ",
        S_LOGVAR,
        "Which parameter is it that the learner of this model moves?",
        "d/dlogvar = ½ σ d/dσ. Or write σ² as e^logvar before you differentiate.",
        changes=({"half": lambda v: 1.0, "per_logvar": lambda v: np.exp(-v.logvar / 2)},),
    ),
    Mistake(
        "S6",
        "the derivative with respect to σ², not to logvar",
        "½((z − μ)²/σ² − 1)/σ²",
        S_LOGVAR,
        "Which parameter is it that the learner of this model moves?",
        "d/dlogvar = σ² d/dσ². Or write σ² as e^logvar before you differentiate.",
        changes=({"per_logvar": lambda v: np.exp(-v.logvar)},),
    ),
    Mistake(
        "S7",
        "the gradient of the density, not of its logarithm",
        "∇q",
        "∇ log q = ∇q / q",
        "What is the derivative of log q, by the chain rule?",
        "The draws come from q, which is the weight q in the integral. What is left of ∇q is ∇q/q.",
        changes=(
            {
                "s_mu": lambda v: _density(v) * v.distance / v.variance,
                "s_logvar": lambda v: _density(v) * 0.5 * (v.distance**2 / v.variance - 1),
            },
        ),
    ),
)

ESTIMATE_MISTAKES = (
    Mistake(
        "S8",
        "f is taken at the mean, not at the draw",
        "f(μ)·∇ log q(z)",
        "f(z)·∇ log q(z)",
        "Which draws does your estimate favour?",
        "f(z) says how good this draw was; f(μ) is the same for all of them, and the score alone has mean 0.",
        changes=({"weight": lambda v: v.f(v.mu[None])[:, None]},),
    ),
    Mistake(
        "S9",
        "the score alone: f is missing",
        "∇ log q(z)",
        "f(z)·∇ log q(z)",
        "What is the mean of the score?",
        "It is 0, whatever f is. Multiply by f(z).",
        changes=({"weight": lambda v: 1.0},),
    ),
    Mistake(
        "S10",
        "the wrong sign",
        "−f(z)·∇ log q(z)",
        "f(z)·∇ log q(z)",
        "Is the gradient of E[f] or of −E[f] asked for?",
        "No minus appears in ∇q = q ∇ log q.",
        changes=({"weight": lambda v: -v.f(v.z)[:, None]},),
    ),
    Mistake(
        "S11",
        "one mean of f for all draws, not the f of each",
        "mean(f)·∇ log q(z)",
        "f(z)·∇ log q(z)",
        "Is the mean of a product the product of the means?",
        "Each draw's score is weighted by that draw's own value.",
        changes=({"weight": lambda v: np.mean(v.f(v.z))},),
    ),
)

ERROR = "s / √N,  s² = Σ (x − mean)²/(N − 1)"
ERROR_MISTAKES = tuple(
    Mistake(code, name, yours, ERROR, question, more, wrong=lambda x, error=error: (x.mean(axis=0), error(x)))
    for code, name, yours, question, more, error in (
        (
            "M1",
            "the standard deviation of one number, not the standard error of their mean",
            "s",
            "A hundred times as many numbers: do they scatter less, or is their mean better known?",
            "The variance of a mean of N independent numbers is s²/N.",
            lambda x: x.std(axis=0, ddof=1),
        ),
        (
            "M2",
            "the variance, not the standard error",
            "s²",
            "In which unit is your error: that of x, or its square?",
            "Divide the variance by N, then take the square root.",
            lambda x: x.var(axis=0, ddof=1),
        ),
        (
            "M3",
            "the square of the standard error: the root is missing",
            "s²/N",
            "In which unit is your error: that of x, or its square?",
            "s²/N is the variance of the mean; the standard error is its root.",
            lambda x: x.var(axis=0, ddof=1) / len(x),
        ),
        (
            "M4",
            "divided by N, not by √N",
            "s / N",
            "Add the variances of N independent numbers, and divide by N². What is left?",
            "s²/N is the variance of the mean; its root is s/√N.",
            lambda x: x.std(axis=0, ddof=1) / len(x),
        ),
        (
            "M5",
            "N in place of N − 1 in the variance",
            "s / √N,  s² = Σ (x − mean)²/N",
            "With one number, N = 1: how well do you know how much such numbers scatter?",
            "x.std(axis=0, ddof=1) divides by N − 1.",
            lambda x: x.std(axis=0) / np.sqrt(len(x)),
        ),
    )
)

OTHERS = "b_n = Σ_{m≠n} f_m / (N − 1)"
BASELINE: dict[str, Step] = {
    "baseline": lambda v: (v.values.sum() - v.values) / (len(v.values) - 1),
    "weight": lambda v: v.values - v.baseline,
    "estimates": lambda v: v.weight[:, None] * v.s,
}
BASELINE_MISTAKES = (
    Mistake(
        "L1",
        "the baseline depends on the draw that it is subtracted for",
        "b_n = Σ_m f_m / N",
        OTHERS,
        "Is draw n itself in your baseline? Then is E[b_n s_n] still 0?",
        "With the mean of all, the estimate's mean is (1 − 1/N) times the gradient. Leave draw n out.",
        changes=({"baseline": lambda v: np.full(len(v.values), v.values.mean())},),
    ),
    Mistake(
        "L2",
        "the others are summed, but divided by the number of all",
        "b_n = Σ_{m≠n} f_m / N",
        OTHERS,
        "How many numbers are in your sum?",
        "N − 1 of them.",
        changes=({"baseline": lambda v: (v.values.sum() - v.values) / len(v.values)},),
    ),
    Mistake(
        "L3",
        "the baseline is added",
        "(f_n + b_n) s_n",
        "(f_n − b_n) s_n",
        "If all values were equal, how large should every estimate be?",
        "0: the baseline is subtracted.",
        changes=({"weight": lambda v: v.values + v.baseline},),
    ),
    Mistake(
        "L4",
        "each draw is its own baseline",
        "b_n = f_n",
        OTHERS,
        "What is left of f_n − f_n?",
        "The baseline of draw n is made of all draws but n.",
        changes=({"baseline": lambda v: v.values},),
    ),
    Mistake(
        "L5",
        "the baseline is not used",
        "f_n s_n",
        "(f_n − b_n) s_n",
        "Where did the baseline go?",
        "Subtract it from the value, before the score multiplies.",
        changes=({"weight": lambda v: v.values},),
    ),
    Mistake(
        "L6",
        "the baseline is subtracted after the score has multiplied",
        "f_n s_n − b_n",
        "(f_n − b_n) s_n",
        "Is the mean of b_n itself 0, or that of b_n s_n?",
        "Only what the score multiplies averages away.",
        changes=({"estimates": lambda v: v.values[:, None] * v.s - v.baseline[:, None]},),
    ),
)

LOSS_MISTAKES = (
    Mistake(
        "N1",
        "the 1/N of the mean over the draws is missing",
        "d_z = (z − x)/τ²",
        "d_z = (z − x)/(τ² N)",
        "The loss is a mean over N draws. By how much does it change if one of a thousand moves?",
        "The factor 1/N stands in front of the sum, and stays there.",
        changes=({"g_n": lambda v: 1},),
    ),
    Mistake(
        "N2",
        "the sign of d_z: this is the gradient of log p(x|z)",
        "d_z = (x − z)/(τ² N)",
        "d_z = (z − x)/(τ² N)",
        "If z is larger than x and grows, does the loss grow or fall?",
        "The loss is −log p(x|z): it grows with the distance.",
        changes=({"g_error": lambda v: (v.x - v.z) / v.tau2},),
    ),
    Mistake(
        "K19",
        "the KL term is absent from the backward pass",
        "d_mu = Σ_n d_z,  d_logvar = Σ_n ½ d_z ε σ",
        "d_mu = Σ_n d_z + μ,  d_logvar = Σ_n ½ d_z ε σ + ½(σ² − 1)",
        "Of how many terms is your loss the sum?",
        "The KL term depends on μ and logvar directly, not through z.",
        changes=({"g_kl_mu": lambda v: 0 * v.mu, "g_kl_logvar": lambda v: 0 * v.mu},),
    ),
    Mistake(
        "K1",
        "no ½ in the KL term",
        "Σ (μ² + σ² − 1 − logvar)",
        "½ Σ (μ² + σ² − 1 − logvar)",
        "What is the KL divergence for μ = 2 and σ = 1? It is ½ of a squared distance.",
        "The ½ comes from the ½ in the exponent of the normal density.",
        changes=({"kl_half": lambda v: 1.0, "g_kl_half": lambda v: 1.0},),
    ),
    Mistake(
        "N3",
        "log 2πτ² is left out",
        "½ Σ_j (x − z)²/τ²",
        "½ Σ_j ((x − z)²/τ² + log 2πτ²)",
        "Is your number the negative logarithm of a density, or that and a constant?",
        "It changes no gradient, but without it the loss cannot be held against −log p(x).",
        changes=({"constant": lambda v: 0.0},),
    ),
)

# --- the exercises --------------------------------------------------------------------------------------------


def _outputs(names: str) -> dict[str, str]:
    return {name: name for name in names.split()}


def _score_terms(weight: Step) -> dict[str, tuple[Term, ...]]:
    """What the pieces of a score are made of, each times the weight."""
    whole = "whole result"
    return {
        "mu": (Term("(z − μ)/σ²", lambda v: weight(v) * v.distance / v.variance),),
        "logvar": (
            Term("½(z − μ)²/σ²", lambda v: weight(v) * 0.5 * v.distance**2 / v.variance, group=whole),
            Term("−½", lambda v: weight(v) * -0.5 * np.ones_like(v.z), group=whole),
        ),
    }


def _loss_case(rng: Rng) -> Arguments:
    return (2 * rng.standard_normal(L), *_normal(rng), float(rng.uniform(0.2, 0.6)))


register(
    Exercise(
        name="score",
        reference=score,
        cases=_draws,
        returns=("s_mu", "s_logvar"),
        sizes=SIZES,
        program=Program(SCORE, ("z", "mu", "logvar"), _outputs("s_mu s_logvar")),
        mistakes=SCORE_MISTAKES,
        terms={f"s_{name}": terms for name, terms in _score_terms(lambda v: 1.0).items()},
    )
)

register(
    Exercise(
        name="score_function_estimates",
        reference=score_function_estimates,
        cases=lambda rng: (_bumpy, *_draws(rng)),
        returns=("d_mu", "d_logvar"),
        sizes=SIZES,
        program=Program(SCORE | ESTIMATES, ("f", "z", "mu", "logvar"), _outputs("d_mu d_logvar")),
        mistakes=ESTIMATE_MISTAKES + SCORE_MISTAKES,
        terms={f"d_{name}": terms for name, terms in _score_terms(lambda v: v.f(v.z)[:, None]).items()},
    )
)

register(
    Exercise(
        name="pathwise_estimates",
        reference=pathwise_estimates,
        cases=lambda rng: (_bumpy_slope, *_normal(rng)),
        returns=("z", "d_z", "d_mu", "d_logvar"),
        sizes=SIZES,
        program=Program(DRAW | PATHWISE, ("f_prime", "mu", "logvar", "eps"), _outputs("z d_z d_mu d_logvar")),
        mistakes=(
            *THE_DRAW,
            Mistake(
                "Z15",
                "the slope is taken at the mean, not at the draw",
                "d_z = f′(μ)",
                "d_z = f′(z)",
                "At which number does f get its input?",
                "f is applied to z, so its slope is taken at z.",
                changes=({"at": lambda v: v.mu + 0 * v.eps},),
            ),
        ),
        terms={
            "z": (Term("μ", lambda v: v.mu + 0 * v.eps), Term("σ ε", lambda v: np.exp(v.logvar / 2) * v.eps)),
            "d_logvar": (
                Term("½ d_z ε σ", lambda v: 0.5 * v.d_z * v.eps * np.exp(v.logvar / 2)),
                Term("½ d_z ε", lambda v: 0.5 * v.d_z * v.eps, 0),
                Term("½ d_z σ", lambda v: 0.5 * v.d_z * np.exp(v.logvar / 2), 0),
                Term("½ d_z ε σ²", lambda v: 0.5 * v.d_z * v.eps * np.exp(v.logvar), 0),
            ),
        },
    )
)

register(
    Exercise(
        name="mean_with_error",
        reference=mean_with_error,
        cases=lambda rng: (2 + 3 * rng.standard_normal((N, L)),),
        returns=("mean", "error"),
        sizes=SIZES,
        mistakes=ERROR_MISTAKES,
    )
)

register(
    Exercise(
        name="leave_one_out",
        reference=leave_one_out,
        cases=lambda rng: (2 + rng.standard_normal(N), rng.standard_normal((N, L))),
        returns=("baseline", "estimates"),
        sizes=SIZES,
        program=Program(BASELINE, ("values", "s"), _outputs("baseline estimates")),
        mistakes=BASELINE_MISTAKES,
    )
)

register(
    Exercise(
        name="sampled_loss",
        reference=sampled_loss,
        cases=_loss_case,
        sizes=SIZES,
        program=Program(
            DRAW | LOSS,
            ("x", "mu", "logvar", "eps", "tau2"),
            _outputs("z reconstruction kl loss d_z d_mu d_logvar"),
        ),
        mistakes=THE_DRAW + LOSS_MISTAKES,
        terms={
            "d_mu": (
                Term("Σ_n d_z", lambda v: v.d_z.sum(axis=0), group="reconstruction term"),
                Term("μ", lambda v: v.mu, group="KL term"),
            ),
            "d_logvar": (
                Term("Σ_n ½ d_z ε σ", lambda v: np.sum(v.d_z * v.g_to_logvar, axis=0), group="reconstruction term"),
                Term("½ σ²", lambda v: 0.5 * np.exp(v.logvar), group="KL term"),
                Term("−½", lambda v: -0.5 * np.ones_like(v.logvar), group="KL term"),
            ),
        },
    )
)
