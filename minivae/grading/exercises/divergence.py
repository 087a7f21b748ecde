"""Lesson 06: likelihoods of pixels in nats, what is none, KL divergences in closed form and by Monte Carlo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register

Rng = np.random.Generator
Wrong = Callable[..., object]
LOG2PI = float(np.log(2 * np.pi))
PIXELS = {13: "B", 7: "D"}
LATENTS = {13: "B", 5: "L"}


# --- references -----------------------------------------------------------------------------------------------


def bits_per_dimension(nats: float, dimensions: int) -> float:
    """nats / (D · ln 2)."""
    return float(nats / (dimensions * np.log(2)))


def bernoulli_nll(logits: Array, x: Array) -> Array:
    """Σ_d softplus(l) − x·l."""
    return (np.logaddexp(0, logits) - x * logits).sum(axis=1)


def grey_bce_floor(x: Array) -> Array:
    """Σ_d −x log x − (1 − x) log(1 − x), with 0 log 0 = 0."""
    return (_x_log_x(x) + _x_log_x(1 - x)).sum(axis=1)


def gaussian_nll(x: Array, mu: Array, log_var: Array) -> Array:
    """Σ_d ½ (log 2π + log σ² + (x − μ)²/σ²)."""
    return 0.5 * (LOG2PI + log_var + (x - mu) ** 2 * np.exp(-log_var)).sum(axis=1)


def level_probabilities(mean: float, scale: float) -> Array:
    """F(upper edge) − F(lower edge) of 256 levels, F the logistic distribution function; the ends are open."""
    below = _logistic(((np.arange(255) + 0.5) / 255 - mean) / scale)
    return np.diff(np.concatenate([[0.0], below, [1.0]]))


def one_sigma_nll(x: Array, mu: Array, log_var: float) -> Array:
    """D/2 · (log 2π + log σ²) + Σ_d (x − μ)²/(2σ²), with one σ for all pixels."""
    return gaussian_nll(x, mu, np.full_like(x, log_var))


def kl_to_standard_normal(mu: Array, log_var: Array) -> Array:
    """½ Σ_j (μ² + σ² − 1 − log σ²)."""
    return 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)


def kl_normals(mu_q: Array, log_var_q: Array, mu_p: Array, log_var_p: Array) -> Array:
    """½ (σq²/σp² + (μq − μp)²/σp² − 1 − log(σq²/σp²)), of each entry."""
    distance = (mu_q - mu_p) ** 2 * np.exp(-log_var_p)
    return 0.5 * (np.exp(log_var_q - log_var_p) + distance - 1 - (log_var_q - log_var_p))


def mean_and_standard_error(values: Array) -> tuple[float, float]:
    """The mean of n values, and s/√n with s² = Σ (v − mean)²/(n − 1)."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _x_log_x(x: Array) -> Array:
    """−x log x, 0 at x = 0."""
    return -x * np.log(np.where(x > 0, x, 1))


def _logistic(t: Array) -> Array:
    return np.exp(-np.logaddexp(0, -t))


# --- arguments ------------------------------------------------------------------------------------------------


def _bits_case(rng: Rng) -> Arguments:
    return float(rng.uniform(50, 500)), int(rng.integers(20, 900))


def _coins(rng: Rng) -> Arguments:
    return 2 * rng.standard_normal((13, 7)), rng.integers(0, 2, (13, 7)).astype(float)


def _sure_coins(rng: Rng) -> Arguments:
    return np.tile([1000.0, -1000.0, 40.0, -40.0], (13, 1)), np.tile([0.0, 1.0, 1.0, 0.0], (13, 1))


def _densities(rng: Rng) -> Arguments:
    return rng.standard_normal((13, 7)), rng.standard_normal((13, 7)), rng.uniform(-1.5, 1.5, (13, 7))


def _posterior(rng: Rng) -> Arguments:
    return rng.standard_normal((13, 5)) + 0.3, rng.uniform(-2, 1.5, (13, 5))


# --- mistakes that several exercises share --------------------------------------------------------------------


def _base_2(code: str, reference: Callable[..., Array], right: str) -> Mistake:
    return Mistake(
        code=code,
        name="a logarithm to base 2: bits, not nats",
        yours=right.replace("log", "log₂"),
        right=right,
        question="What is the unit of a loss in this course? Which logarithm belongs to it?",
        more="np.log is the natural logarithm, whose unit is the nat; 1 nat = 1/ln 2 = 1.44 bits.",
        wrong=lambda *arguments: reference(*arguments) / np.log(2),
    )


def _negative(code: str, reference: Callable[..., Array], right: str) -> Mistake:
    return Mistake(
        code=code,
        name="the sign is wrong",
        yours=f"−({right})",
        right=right,
        question="A code cannot have fewer than no symbols, and no divergence is negative. What is the sign of yours?",
        more="A loss is minus a logarithm of a probability.",
        wrong=lambda *arguments: -reference(*arguments),
    )


def _averaged(code: str, reference: Callable[..., Array], what: str, sum_: str) -> Mistake:
    return Mistake(
        code=code,
        name=f"the mean over the {what} in place of their sum",
        yours=sum_.replace("Σ", "mean"),
        right=sum_,
        question=f"Of two independent {what}: is the joint probability the product, or the root of the product?",
        more=f"Probabilities of independent {what} multiply, so their logarithms add. Only examples are averaged.",
        wrong=lambda *arguments: reference(*arguments) / np.shape(arguments[0])[1],
    )


def _bits_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, "nats / (D · ln 2)", question, more, wrong)


def _coin_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, "Σ softplus(l) − x·l", question, more, wrong)


def _density_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, GAUSSIAN, question, more, wrong)


def _level_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, "F((k+½)/255) − F((k−½)/255), open ends", question, more, wrong)


def _kl_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, KL, question, more, wrong)


def _kl_of_two_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, KL_OF_TWO, question, more, wrong)


def _error_mistake(code: str, name: str, yours: str, question: str, more: str, error: Wrong) -> Mistake:
    return Mistake(code, name, yours, "s / √n", question, more, lambda values: (values.mean(), error(values)))


COIN = "Σ −x log p − (1 − x) log(1 − p)"
FLOOR = "Σ −x log x − (1 − x) log(1 − x)"
GAUSSIAN = "Σ ½ (log 2π + logvar + (x − μ)²/exp(logvar))"
KL = "½ Σ (μ² + exp(logvar) − 1 − logvar)"
KL_OF_TWO = "½ (σq²/σp² + (μq − μp)²/σp² − 1 − log σq²/σp²)"


# --- likelihoods ----------------------------------------------------------------------------------------------

register(
    Exercise(
        name="bits_per_dimension",
        reference=bits_per_dimension,
        cases=_bits_case,
        mistakes=(
            _bits_mistake(
                "Q1",
                "multiplied by ln 2 in place of divided",
                "nats · ln 2 / D",
                "A coin costs ln 2 = 0.69 nats and 1 bit. Which of the two numbers is the larger?",
                "1 bit = ln 2 nats, so a number of bits is a number of nats divided by ln 2.",
                lambda nats, dimensions: nats * np.log(2) / dimensions,
            ),
            _bits_mistake(
                "Q2",
                "bits for the whole image, not for one dimension",
                "nats / ln 2",
                "Does your number grow when the image has more pixels that cost the same?",
                "Divide by the number of dimensions, too.",
                lambda nats, dimensions: nats / np.log(2),
            ),
            _bits_mistake(
                "Q3",
                "nats, not bits",
                "nats / D",
                "What should a coin give: ½ for each side costs ln 2 nats, and how many bits?",
                "One bit: divide by ln 2.",
                lambda nats, dimensions: nats / dimensions,
            ),
            _bits_mistake(
                "Q4",
                "the logarithm was taken once more",
                "log₂(nats) / D",
                "A number of nats is a logarithm already. What happens to a length when only its unit changes?",
                "A change of unit is a factor: divide by ln 2.",
                lambda nats, dimensions: np.log2(nats) / dimensions,
            ),
        ),
    )
)

register(
    Exercise(
        name="bernoulli_nll",
        reference=bernoulli_nll,
        cases=_coins,
        sizes=PIXELS,
        extremes={"logits of ±40 and ±1000": _sure_coins},
        terms={
            "bernoulli_nll": (
                Term("the softplus term, Σ softplus(l)", lambda v: np.logaddexp(0, v["logits"]).sum(axis=1)),
                Term("the data term, −Σ x·l", lambda v: -(v["x"] * v["logits"]).sum(axis=1)),
            )
        },
        mistakes=(
            _coin_mistake(
                "R7",
                "the half for black pixels is forgotten",
                "Σ −x log p",
                "What does a black pixel, x = 0, cost in your formula? What should it cost where p is 0.99?",
                "The other half is −(1 − x) log(1 − p).",
                lambda logits, x: (x * np.logaddexp(0, -logits)).sum(axis=1),
            ),
            _coin_mistake(
                "Q5",
                "pixels and logits are swapped",
                "Σ softplus(x) − l·x",
                "Which of the two arguments may be any real number, and so needs the softplus?",
                "softplus belongs to the logit: log(1 + e^l).",
                lambda logits, x: (np.logaddexp(0, x) - x * logits).sum(axis=1),
            ),
            _coin_mistake(
                "Q6",
                "black and white are swapped",
                "Σ −(1 − x) log p − x log(1 − p)",
                "If the logit is large, which pixel should be cheap, a white or a black one?",
                "p = σ(l) is the probability of x = 1: pair x with log p.",
                lambda logits, x: (np.logaddexp(0, logits) - (1 - x) * logits).sum(axis=1),
            ),
            _coin_mistake(
                "R4",
                "the sigmoid is applied twice",
                "Σ softplus(σ(l)) − x·σ(l)",
                "Which number goes into the softplus, the logit or the probability?",
                "softplus(l) − x·l contains the sigmoid already.",
                lambda logits, x: bernoulli_nll(_logistic(logits), x),
            ),
            _coin_mistake(
                "Q7",
                "plus x·l where minus x·l belongs",
                "Σ softplus(l) + x·l",
                "What does a white pixel cost as the logit grows?",
                "−log p = softplus(−l) = softplus(l) − l.",
                lambda logits, x: (np.logaddexp(0, logits) + x * logits).sum(axis=1),
            ),
            _coin_mistake(
                "R9",
                "a squared error on logits",
                "Σ ½ (l − x)²",
                "Is a logit a prediction of the pixel?",
                "The logit is log(p/(1 − p)); the loss is −log of the probability that the coin gives to x.",
                lambda logits, x: 0.5 * ((logits - x) ** 2).sum(axis=1),
            ),
            _averaged("R1", bernoulli_nll, "pixels", "Σ softplus(l) − x·l"),
            _negative("Q8", bernoulli_nll, "Σ softplus(l) − x·l"),
            _base_2("Q9", bernoulli_nll, COIN),
        ),
    )
)

register(
    Exercise(
        name="grey_bce_floor",
        reference=grey_bce_floor,
        cases=lambda rng: (rng.uniform(0.03, 0.97, (13, 7)),),
        sizes=PIXELS,
        extremes={"pixels that are exactly 0 or 1": lambda rng: (np.tile([0.0, 1.0, 0.3], (13, 1)),)},
        mistakes=(
            Mistake(
                "R7",
                "the half with 1 − x is forgotten",
                "Σ −x log x",
                FLOOR,
                "Is your floor the same for a picture and for its negative?",
                "Grey 0.1 and grey 0.9 are the same coin with its sides renamed; both halves are needed.",
                lambda x: _x_log_x(x).sum(axis=1),
            ),
            Mistake(
                "Q10",
                "the loss at p = ½, not at the best p",
                "D · log 2",
                FLOOR,
                "Which p makes x·l − softplus(l) largest? Did you put it in?",
                "The derivative along l is σ(l) − x; it is zero at p = x.",
                lambda x: np.full(len(x), x.shape[1] * np.log(2)),
            ),
            Mistake(
                "Q11",
                "the loss at the logit l = x, not at the probability p = x",
                "Σ softplus(x) − x·x",
                FLOOR,
                "What equals the grey value at the optimum, the logit or the probability?",
                "σ(l) = x, so l = log(x/(1 − x)).",
                lambda x: bernoulli_nll(x, x),
            ),
            _averaged("R1", grey_bce_floor, "pixels", FLOOR),
            _negative("Q12", grey_bce_floor, FLOOR),
            _base_2("Q13", grey_bce_floor, FLOOR),
        ),
    )
)

register(
    Exercise(
        name="gaussian_nll",
        reference=gaussian_nll,
        cases=_densities,
        sizes=PIXELS,
        terms={
            "gaussian_nll": (
                Term("the constant, D · ½ log 2π", lambda v: np.full(len(v["x"]), v["x"].shape[1] * LOG2PI / 2)),
                Term("the scale, ½ Σ log σ²", lambda v: 0.5 * v["log_var"].sum(axis=1)),
                Term("the square, ½ Σ (x−μ)²/σ²", lambda v: _square(v["x"], v["mu"], v["log_var"])),
                Term("½ Σ (x−μ)²/σ", lambda v: _square(v["x"], v["mu"], v["log_var"] / 2), expected=0),
                Term("½ Σ (x−μ)²", lambda v: _square(v["x"], v["mu"], 0 * v["log_var"]), expected=0),
                Term("½ Σ (x−μ)²/σ⁴", lambda v: _square(v["x"], v["mu"], 2 * v["log_var"]), expected=0),
            )
        },
        mistakes=(
            _density_mistake(
                "R10",
                "the ½ before the square is missing",
                "Σ ½ (log 2π + logvar) + (x − μ)²/exp(logvar)",
                "What is the exponent of a normal density?",
                "exp(−½ (x − μ)²/σ²): the ½ stays when the logarithm is taken.",
                lambda x, mu, log_var: gaussian_nll(x, mu, log_var) + _square(x, mu, log_var),
            ),
            _density_mistake(
                "Q14",
                "the ½ is missing everywhere",
                "Σ log 2π + logvar + (x − μ)²/exp(logvar)",
                "The density has 1/√(2πσ²) in front. What becomes of the root in the logarithm?",
                "log √(2πσ²) = ½ (log 2π + log σ²), and the exponent has its own ½.",
                lambda x, mu, log_var: 2 * gaussian_nll(x, mu, log_var),
            ),
            _density_mistake(
                "Q15",
                "divided by σ, not by σ²",
                "Σ ½ (log 2π + logvar + (x − μ)²/exp(logvar/2))",
                "(x − μ)²/σ² has no unit. Has yours, if x is measured in metres?",
                "The square of a distance is measured in units of the variance, exp(logvar).",
                lambda x, mu, log_var: (
                    gaussian_nll(x, mu, log_var) + _square(x, mu, log_var / 2) - _square(x, mu, log_var)
                ),
            ),
            _density_mistake(
                "K6",
                "logvar is read as log σ; here it is log σ²",
                "Σ ½ (log 2π + 2·logvar + (x − μ)²/exp(2·logvar))",
                "If logvar is 0.5, what is σ²? And σ?",
                "Both conventions are good, but only one can hold in one program: here σ² = exp(logvar).",
                lambda x, mu, log_var: gaussian_nll(x, mu, 2 * log_var),
            ),
            _density_mistake(
                "Q46",
                "the variance is squared once more",
                "Σ ½ (log 2π + logvar + (x − μ)²/exp(logvar)²)",
                "If logvar is 0.5, what is σ²? Which number do you divide by?",
                "exp(logvar) is σ² already, not σ.",
                lambda x, mu, log_var: (
                    gaussian_nll(x, mu, log_var) + _square(x, mu, 2 * log_var) - _square(x, mu, log_var)
                ),
            ),
            _density_mistake(
                "Q16",
                "log σ² where log σ belongs: its ½ is missing",
                "Σ ½ log 2π + logvar + ½ (x − μ)²/exp(logvar)",
                "The density has 1/σ in front. How is log σ written with logvar?",
                "log σ = ½ log σ² = ½ logvar.",
                lambda x, mu, log_var: gaussian_nll(x, mu, log_var) + 0.5 * log_var.sum(axis=1),
            ),
            _density_mistake(
                "Q17",
                "a quarter of logvar: log σ was halved once more",
                "Σ ½ (log 2π + logvar/2 + (x − μ)²/exp(logvar))",
                "log σ = ½ logvar. How often is it halved in your formula?",
                "½ (log 2π + log σ²): inside the parentheses stands log σ², not log σ.",
                lambda x, mu, log_var: gaussian_nll(x, mu, log_var) - 0.25 * log_var.sum(axis=1),
            ),
            _density_mistake(
                "Q18",
                "log 2π is missing",
                "Σ ½ (logvar + (x − μ)²/exp(logvar))",
                "What is the area under exp(−½x²)? Is it 1?",
                "It is √(2π). Without log 2π your density does not integrate to 1, and cannot be compared with others.",
                lambda x, mu, log_var: gaussian_nll(x, mu, log_var) - 0.5 * LOG2PI * x.shape[1],
            ),
            _density_mistake(
                "Q19",
                "the normaliser log σ² is missing",
                "Σ ½ (log 2π + (x − μ)²/exp(logvar))",
                "If σ may be learned, what keeps yours from growing without end?",
                "A wider density is a lower one: ½ log σ² is what its width costs.",
                lambda x, mu, log_var: gaussian_nll(x, mu, log_var) - 0.5 * log_var.sum(axis=1),
            ),
            _density_mistake(
                "Q20",
                "everything is divided by the variance, not the square alone",
                "Σ ½ (log 2π + logvar + (x − μ)²) / exp(logvar)",
                "Which part of your formula does the division reach? Look at the parentheses.",
                "Only (x − μ)² is measured in units of σ².",
                lambda x, mu, log_var: (0.5 * (LOG2PI + log_var + (x - mu) ** 2) / np.exp(log_var)).sum(axis=1),
            ),
            _density_mistake(
                "Q21",
                "multiplied by the variance, not divided",
                "Σ ½ (log 2π + logvar + (x − μ)²·exp(logvar))",
                "Which should a large σ make cheaper, a large error or a small one?",
                "exp(−logvar) = 1/σ².",
                lambda x, mu, log_var: (
                    gaussian_nll(x, mu, log_var) + _square(x, mu, -log_var) - _square(x, mu, log_var)
                ),
            ),
            _averaged("R1", gaussian_nll, "pixels", GAUSSIAN),
            _negative("Q22", gaussian_nll, GAUSSIAN),
            _base_2("Q23", gaussian_nll, "Σ −log N(x; μ, σ²)"),
        ),
    )
)


def _square(x: Array, mu: Array, log_var: Array) -> Array:
    return 0.5 * ((x - mu) ** 2 * np.exp(-log_var)).sum(axis=1)


def _cells(edges: Array, mean: float, scale: float) -> Array:
    """F(upper) − F(lower) of each cell, without open ends."""
    return np.diff(_logistic((edges - mean) / scale))


def _logistic_density(t: Array) -> Array:
    return _logistic(t) * _logistic(-t)


register(
    Exercise(
        name="level_probabilities",
        reference=level_probabilities,
        cases=lambda rng: (float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.05, 0.3))),
        mistakes=(
            _level_mistake(
                "Q24",
                "the ends are cut off: what lies beyond 0 and 255 belongs to no level",
                "F((k+½)/255) − F((k−½)/255) at k = 0 and 255, too",
                "What do your 256 probabilities sum to?",
                "Level 0 takes everything below its upper edge, level 255 everything above its lower edge.",
                lambda mean, scale: _cells((np.arange(257) - 0.5) / 255, mean, scale),
            ),
            _level_mistake(
                "Q25",
                "each level reaches from k to k + 1, not from k − ½ to k + ½",
                "F((k+1)/255) − F(k/255)",
                "Which numbers round to k?",
                "Those from k − ½ to k + ½: the level stands in the middle of its cell.",
                lambda mean, scale: np.diff(
                    np.concatenate([[0.0], _logistic((np.arange(1, 256) / 255 - mean) / scale), [1.0]])
                ),
            ),
            _level_mistake(
                "Q26",
                "divided by 256, although white, level 255, stands for 1",
                "F((k+½)/256) − F((k−½)/256)",
                "Which grey value does level 255 stand for, and how many steps is it from level 0?",
                "256 levels have 255 steps between them.",
                lambda mean, scale: np.diff(
                    np.concatenate([[0.0], _logistic(((np.arange(255) + 0.5) / 256 - mean) / scale), [1.0]])
                ),
            ),
            _level_mistake(
                "Q27",
                "the density in the middle of the cell times its width",
                "f(k/255) / 255",
                "Is that the area under the curve, or that of a rectangle near it? What do the 256 sum to?",
                "The area from a to b is F(b) − F(a), exactly; and the ends are open.",
                lambda mean, scale: _logistic_density((np.arange(256) / 255 - mean) / scale) / scale / 255,
            ),
            _level_mistake(
                "Q28",
                "the density at the levels, which is no probability",
                "f(k/255)",
                "What do your 256 numbers sum to?",
                "A density has to be integrated over the cell: F(upper edge) − F(lower edge).",
                lambda mean, scale: _logistic_density((np.arange(256) / 255 - mean) / scale) / scale,
            ),
            _level_mistake(
                "Q29",
                "multiplied by the scale, not divided",
                "F(t) = σ((t − m)·s)",
                "If the scale grows, should the distribution become wider or narrower?",
                "F(t) = σ((t − m)/s).",
                lambda mean, scale: level_probabilities(mean, 1 / scale),
            ),
            _level_mistake(
                "Q30",
                "the probability of this level or a lower one",
                "F((k+½)/255)",
                "F of an edge is the probability of all that lies below. How does one get that of one cell?",
                "Subtract F at the lower edge.",
                lambda mean, scale: np.cumsum(level_probabilities(mean, scale)),
            ),
        ),
    )
)

register(
    Exercise(
        name="one_sigma_nll",
        reference=one_sigma_nll,
        cases=lambda rng: (*_densities(rng)[:2], float(rng.uniform(0.4, 1.5) * rng.choice([-1, 1]))),
        sizes=PIXELS,
        terms={
            "one_sigma_nll": (
                Term("the constant, D · ½ log 2π", lambda v: np.full(len(v["x"]), v["x"].shape[1] * LOG2PI / 2)),
                Term("the scale, D · ½ log σ²", lambda v: np.full(len(v["x"]), 0.5 * v["x"].shape[1] * v["log_var"])),
                Term("the square, ½ Σ (x−μ)²/σ²", lambda v: _square(v["x"], v["mu"], v["log_var"])),
            )
        },
        mistakes=tuple(
            Mistake(code, name, yours, "D/2 (log 2π + logvar) + Σ ½ (x − μ)²/exp(logvar)", question, more, wrong)
            for code, name, yours, question, more, wrong in (
                (
                    "Q31",
                    "log σ is counted once, not once for each pixel",
                    "D/2 log 2π + ½ logvar + Σ ½ (x − μ)²/exp(logvar)",
                    "How many normal densities are multiplied? How many factors 1/σ are there?",
                    "A product of D densities has σ^−D in front: ½ logvar comes D times.",
                    lambda x, mu, log_var: one_sigma_nll(x, mu, log_var) - 0.5 * (x.shape[1] - 1) * log_var,
                ),
                (
                    "Q32",
                    "the whole normaliser is counted once, not once for each pixel",
                    "½ (log 2π + logvar) + Σ ½ (x − μ)²/exp(logvar)",
                    "How many normal densities are multiplied? How many factors 1/√(2πσ²) are there?",
                    "The sum over the pixels covers all three terms; σ being shared does not change that.",
                    lambda x, mu, log_var: one_sigma_nll(x, mu, log_var) - 0.5 * (x.shape[1] - 1) * (LOG2PI + log_var),
                ),
                (
                    "Q33",
                    "the squares are averaged, not summed",
                    "D/2 (log 2π + logvar) + mean ½ (x − μ)²/exp(logvar)",
                    "Which terms of your formula come once for each pixel?",
                    "All three: the constant, the scale and the square.",
                    lambda x, mu, log_var: (
                        one_sigma_nll(x, mu, log_var) - (1 - 1 / x.shape[1]) * _square(x, mu, np.asarray(log_var))
                    ),
                ),
                (
                    "R1",
                    "the mean over the pixels in place of their sum",
                    "½ (log 2π + logvar) + mean ½ (x − μ)²/exp(logvar)",
                    "Of two independent pixels: is the joint density the product, or the root of the product?",
                    "Densities of independent pixels multiply, so their logarithms add.",
                    lambda x, mu, log_var: one_sigma_nll(x, mu, log_var) / x.shape[1],
                ),
            )
        ),
    )
)


# --- divergences ----------------------------------------------------------------------------------------------


def _kl_with(change: Callable[[Array, Array], Array]) -> Wrong:
    """½ Σ of a wrong summand."""
    return lambda mu, log_var: 0.5 * change(mu, log_var).sum(axis=1)


register(
    Exercise(
        name="kl_to_standard_normal",
        reference=kl_to_standard_normal,
        cases=_posterior,
        sizes=LATENTS,
        terms={
            "kl_to_standard_normal": (
                Term("½ Σ μ²", lambda v: 0.5 * (v["mu"] ** 2).sum(axis=1)),
                Term("½ Σ σ²", lambda v: 0.5 * np.exp(v["log_var"]).sum(axis=1)),
                Term("−½ once for each dimension", lambda v: np.full(len(v["mu"]), -0.5 * v["mu"].shape[1])),
                Term("−½ Σ log σ²", lambda v: -0.5 * v["log_var"].sum(axis=1)),
                Term("½ Σ σ", lambda v: 0.5 * np.exp(v["log_var"] / 2).sum(axis=1), expected=0),
                Term("½ Σ σ⁴", lambda v: 0.5 * np.exp(2 * v["log_var"]).sum(axis=1), expected=0),
                Term("½ Σ 1/σ²", lambda v: 0.5 * np.exp(-v["log_var"]).sum(axis=1), expected=0),
                Term("½ Σ μ²/σ²", lambda v: _square(v["mu"], np.zeros(()), v["log_var"]), expected=0),
                Term("½ Σ μ", lambda v: 0.5 * v["mu"].sum(axis=1), expected=0),
            )
        },
        mistakes=(
            _kl_mistake(
                "K1",
                "the ½ of the KL divergence is missing",
                "Σ (μ² + exp(logvar) − 1 − logvar)",
                "Take μ = 1, σ = 1 in one dimension: how far apart are the two log-densities, on average?",
                "The log-density of a Gaussian is −½(…): every part of the KL divergence inherits that ½.",
                lambda mu, log_var: 2 * kl_to_standard_normal(mu, log_var),
            ),
            _negative("K2", kl_to_standard_normal, KL),
            _kl_mistake(
                "K3",
                "the direction is swapped: KL(p ‖ q) for KL(q ‖ p)",
                "½ Σ ((1 + μ²)/exp(logvar) − 1 + logvar)",
                "From which of the two do the draws come over which log q − log p is averaged?",
                "From q. So σ², the mean square of q's draws, stands above the line, measured in units of the 1 of p.",
                _kl_with(lambda mu, log_var: (1 + mu**2) * np.exp(-log_var) - 1 + log_var),
            ),
            _kl_mistake(
                "K4",
                "the −1 is missing",
                "½ Σ (μ² + exp(logvar) − logvar)",
                "What should KL be where q is the prior, μ = 0 and σ = 1? What is yours?",
                "−1 comes from the mean of −((z − μ)/σ)², which is −1 for every dimension.",
                _kl_with(lambda mu, log_var: mu**2 + np.exp(log_var) - log_var),
            ),
            _kl_mistake(
                "K4b",
                "−1 once for each example, not once for each latent dimension",
                "½ (Σ (μ² + exp(logvar) − logvar) − 1)",
                "What is your KL where q is the prior in all L dimensions? Is the −1 inside your sum?",
                "KL of independent dimensions is a sum of one-dimensional KLs; each brings its own −1.",
                lambda mu, log_var: 0.5 * ((mu**2 + np.exp(log_var) - log_var).sum(axis=1) - 1),
            ),
            _kl_mistake(
                "K6",
                "logvar is read as log σ; here it is log σ²",
                "½ Σ (μ² + exp(2·logvar) − 1 − 2·logvar)",
                "If logvar is 0.5, what is σ²? And σ?",
                "Both conventions are good, but only one can hold in one program: here σ² = exp(logvar).",
                lambda mu, log_var: kl_to_standard_normal(mu, 2 * log_var),
            ),
            _kl_mistake(
                "K8",
                "(log σ)² where log σ² belongs",
                "½ Σ (μ² + exp(logvar) − 1 − (logvar/2)²)",
                "log σ²: what is squared, σ or its logarithm?",
                "log(σ²) = 2·log σ = logvar. It is already what you were given.",
                _kl_with(lambda mu, log_var: mu**2 + np.exp(log_var) - 1 - (log_var / 2) ** 2),
            ),
            _kl_mistake(
                "K9",
                "+ logvar where − logvar belongs",
                "½ Σ (μ² + exp(logvar) − 1 + logvar)",
                "What happens to your KL when σ goes to 0? What should happen, for a q that is a needle?",
                "−log σ² is what keeps σ from 0: KL has its minimum, 0, at logvar = 0.",
                _kl_with(lambda mu, log_var: mu**2 + np.exp(log_var) - 1 + log_var),
            ),
            _kl_mistake(
                "K10",
                "μ is not squared",
                "½ Σ (μ + exp(logvar) − 1 − logvar)",
                "Can a KL divergence be negative? What is yours at μ = −3, σ = 1?",
                "Only the distance from the prior's mean counts, not the direction: μ².",
                _kl_with(lambda mu, log_var: mu + np.exp(log_var) - 1 - log_var),
            ),
            _kl_mistake(
                "K11",
                "log σ where log σ² belongs",
                "½ Σ (μ² + exp(logvar) − 1 − logvar/2)",
                "Where is the minimum of your KL over logvar? Where should it be?",
                "exp(logvar) − c·logvar has its minimum at exp(logvar) = c; so c must be 1.",
                _kl_with(lambda mu, log_var: mu**2 + np.exp(log_var) - 1 - log_var / 2),
            ),
            _kl_mistake(
                "Q34",
                "σ where σ² belongs",
                "½ Σ (μ² + exp(logvar/2) − 1 − logvar)",
                "What is the mean of (z − μ)² over draws from q: σ or σ²?",
                "σ² = exp(logvar); exp(logvar/2) is σ.",
                _kl_with(lambda mu, log_var: mu**2 + np.exp(log_var / 2) - 1 - log_var),
            ),
            _kl_mistake(
                "Q47",
                "the variance is squared once more",
                "½ Σ (μ² + exp(logvar)² − 1 − logvar)",
                "If logvar is 0.5, what is σ²? Which number do you add?",
                "exp(logvar) is σ² already, not σ.",
                _kl_with(lambda mu, log_var: mu**2 + np.exp(2 * log_var) - 1 - log_var),
            ),
            _averaged("K13", kl_to_standard_normal, "latent dimensions", KL),
            _base_2("Q35", kl_to_standard_normal, KL.replace("logvar", "log σ²").replace("exp(log σ²)", "σ²")),
        ),
    )
)


def _two_normals(rng: Rng) -> Arguments:
    mu_q, log_var_q = _posterior(rng)
    return mu_q, log_var_q, rng.standard_normal((13, 5)) - 0.4, rng.uniform(-1, 1.8, (13, 5))


def _distance(mu_q: Array, mu_p: Array, log_var: Array) -> Array:
    return 0.5 * (mu_q - mu_p) ** 2 * np.exp(-log_var)


register(
    Exercise(
        name="kl_normals",
        reference=kl_normals,
        cases=_two_normals,
        sizes=LATENTS,
        terms={
            "kl_normals": (
                Term("½ σq²/σp²", lambda v: 0.5 * np.exp(v["log_var_q"] - v["log_var_p"])),
                Term("½ (μq − μp)²/σp²", lambda v: _distance(v["mu_q"], v["mu_p"], v["log_var_p"])),
                Term("−½", lambda v: np.full_like(v["mu_q"], -0.5)),
                Term("−½ log σq²", lambda v: -0.5 * v["log_var_q"]),
                Term("½ log σp²", lambda v: 0.5 * v["log_var_p"]),
                Term("½ (μq − μp)²/σq²", lambda v: _distance(v["mu_q"], v["mu_p"], v["log_var_q"]), expected=0),
                Term("½ (μq − μp)²", lambda v: _distance(v["mu_q"], v["mu_p"], 0 * v["mu_p"]), expected=0),
                Term("½ σq²", lambda v: 0.5 * np.exp(v["log_var_q"]), expected=0),
            )
        },
        mistakes=(
            _kl_of_two_mistake(
                "K3",
                "the direction is swapped: KL(p ‖ q) for KL(q ‖ p)",
                "½ (σp²/σq² + (μq − μp)²/σq² − 1 − log σp²/σq²)",
                "From which of the two do the draws come over which log q − log p is averaged?",
                "From q, the first of the two. p is the code that is used: its σ² stands below the line.",
                lambda mu_q, log_var_q, mu_p, log_var_p: kl_normals(mu_p, log_var_p, mu_q, log_var_q),
            ),
            _kl_of_two_mistake(
                "Q36",
                "the distance of the means is measured in units of σq",
                "½ (σq²/σp² + (μq − μp)²/σq² − 1 − log σq²/σp²)",
                "Where does the distance come from: from log q or from log p?",
                "From −log p = ½ (z − μp)²/σp² + …, averaged over z from q.",
                lambda mu_q, log_var_q, mu_p, log_var_p: (
                    kl_normals(mu_q, log_var_q, mu_p, log_var_p)
                    + _distance(mu_q, mu_p, log_var_q)
                    - _distance(mu_q, mu_p, log_var_p)
                ),
            ),
            _kl_of_two_mistake(
                "Q37",
                "the distance of the means is not measured in units of σp",
                "½ (σq²/σp² + (μq − μp)² − 1 − log σq²/σp²)",
                "Does your KL change if z is measured in centimetres, not metres? Should it?",
                "Divide (μq − μp)² by σp².",
                lambda mu_q, log_var_q, mu_p, log_var_p: (
                    kl_normals(mu_q, log_var_q, mu_p, log_var_p)
                    + _distance(mu_q, mu_p, 0 * mu_p)
                    - _distance(mu_q, mu_p, log_var_p)
                ),
            ),
            _kl_of_two_mistake(
                "K9",
                "the sign of the logarithm",
                "½ (σq²/σp² + (μq − μp)²/σp² − 1 + log σq²/σp²)",
                "What happens to your KL as σq goes to 0?",
                "A needle is expensive: −log σq² must go to +∞.",
                lambda mu_q, log_var_q, mu_p, log_var_p: (
                    kl_normals(mu_q, log_var_q, mu_p, log_var_p) + log_var_q - log_var_p
                ),
            ),
            _kl_of_two_mistake(
                "Q38",
                "σ where σ² belongs, in the ratio",
                "½ (σq/σp + (μq − μp)²/σp² − 1 − log σq²/σp²)",
                "What is the mean of (z − μq)² over draws from q: σq or σq²?",
                "σq²/σp² = exp(logvar_q − logvar_p), with no ½ in the exponent.",
                lambda mu_q, log_var_q, mu_p, log_var_p: (
                    kl_normals(mu_q, log_var_q, mu_p, log_var_p)
                    + 0.5 * np.exp((log_var_q - log_var_p) / 2)
                    - 0.5 * np.exp(log_var_q - log_var_p)
                ),
            ),
            _kl_of_two_mistake(
                "K6",
                "log-variances are read as log σ; here they are log σ²",
                "σ² = exp(2·logvar), log σ² = 2·logvar",
                "If logvar is 0.5, what is σ²? And σ?",
                "Both conventions are good, but only one can hold in one program: here σ² = exp(logvar).",
                lambda mu_q, log_var_q, mu_p, log_var_p: kl_normals(mu_q, 2 * log_var_q, mu_p, 2 * log_var_p),
            ),
            _kl_of_two_mistake(
                "K1",
                "the ½ is missing",
                "σq²/σp² + (μq − μp)²/σp² − 1 − log σq²/σp²",
                "What is it for two normals with σ = 1 and means 1 apart? Compare with lesson 06's ½μ².",
                "Every part of a Gaussian log-density has a ½.",
                lambda *normals: 2 * kl_normals(*normals),
            ),
            _kl_of_two_mistake(
                "K4",
                "the −1 is missing",
                "½ (σq²/σp² + (μq − μp)²/σp² − log σq²/σp²)",
                "What is your KL of a distribution and itself?",
                "−1 is the mean of −((z − μq)/σq)².",
                lambda *normals: kl_normals(*normals) + 0.5,
            ),
            _kl_of_two_mistake(
                "K10",
                "the difference of the means is not squared",
                "½ (σq²/σp² + (μq − μp)/σp² − 1 − log σq²/σp²)",
                "Does it matter to which side q lies of p?",
                "Only the distance counts: (μq − μp)².",
                lambda mu_q, log_var_q, mu_p, log_var_p: (
                    kl_normals(mu_q, log_var_q, mu_p, log_var_p)
                    - _distance(mu_q, mu_p, log_var_p)
                    + 0.5 * (mu_q - mu_p) * np.exp(-log_var_p)
                ),
            ),
        ),
    )
)

register(
    Exercise(
        name="mean_and_standard_error",
        reference=mean_and_standard_error,
        returns=("mean", "standard_error"),
        cases=lambda rng: (rng.standard_exponential(37) * 3 - 1,),
        mistakes=(
            _error_mistake(
                "Q39",
                "the standard deviation in place of the standard error",
                "s",
                "With a hundred times as many draws, does your number shrink? Does the mean become surer?",
                "s says how far one draw scatters; the mean of n draws scatters by s/√n.",
                lambda values: values.std(ddof=1),
            ),
            _error_mistake(
                "Q48",
                "the standard deviation (with n for n − 1) in place of the standard error",
                "√(Σ (v − mean)² / n)",
                "With a hundred times as many draws, does your number shrink? Does the mean become surer?",
                "s = values.std(ddof=1) says how far one draw scatters; the mean of n draws scatters by s/√n.",
                lambda values: values.std(),
            ),
            _error_mistake(
                "Q40",
                "divided by n, not by √n",
                "s / n",
                "The variance of a mean is s²/n. What is its root?",
                "√(s²/n) = s/√n.",
                lambda values: values.std(ddof=1) / len(values),
            ),
            _error_mistake(
                "Q41",
                "the variance of the mean: the root is missing",
                "s² / n",
                "In which unit is your number, if the values are in nats?",
                "s²/n is in nats squared; take its root.",
                lambda values: values.var(ddof=1) / len(values),
            ),
            _error_mistake(
                "Q42",
                "s² where s belongs",
                "s² / √n",
                "In which unit is your number, if the values are in nats?",
                "Use the standard deviation, values.std(ddof=1).",
                lambda values: values.var(ddof=1) / np.sqrt(len(values)),
            ),
            _error_mistake(
                "Q43",
                "n where n − 1 belongs in the standard deviation",
                "√(Σ (v − mean)² / n) / √n",
                "How far does a single value scatter about the mean of itself? What does that teach about the scatter?",
                "NumPy's std divides by n unless told ddof=1. The mean was fitted to the same values: n − 1 are free.",
                lambda values: values.std() / np.sqrt(len(values)),
            ),
            _error_mistake(
                "Q44",
                "divided by √(n − 1) on top of the n − 1 in the standard deviation",
                "s / √(n − 1)",
                "The n − 1 is in s already. By how many draws is the mean taken?",
                "s²/n is the variance of a mean of n values.",
                lambda values: values.std(ddof=1) / np.sqrt(len(values) - 1),
            ),
            Mistake(
                "Q45",
                "the median in place of the mean",
                "median(values)",
                "mean(values)",
                "Of which quantity is a KL divergence an average?",
                "An expectation is estimated by the mean, rare large values included.",
                lambda values: (np.median(values), mean_and_standard_error(values)[1]),
            ),
        ),
    )
)
