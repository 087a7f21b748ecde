"""Lesson 12: the best thing a decoder can say at z, and how much of a picture's power is in fine detail."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.program import Program, Step

Rng = np.random.Generator
Wrong = Callable[..., object]
LOG_Q = "log q_n(z) = −½ Σ_j [logvar + (z − μ)²/exp(logvar)] + constant"
SHARE = "Σ power at |f| > cut / Σ power at |f| > 0"
N, L, D = 13, 5, 7


def best_decoder_output(z: Array, mu: Array, logvar: Array, images: Array) -> tuple[Array, Array]:
    """The weights q_n(z)/Σ q_n(z) of all images, and the mean of the images with these weights."""
    log_q = -0.5 * (logvar + (z - mu) ** 2 / np.exp(logvar)).sum(axis=1)
    weights = np.exp(log_q - log_q.max())
    weights /= weights.sum()
    return weights, weights @ images


def high_frequency_share(images: Array, cut: float) -> float:
    """The share of the spectral power, without the mean, at frequencies above `cut` cycles per pixel."""
    power = np.abs(np.fft.fft2(images)) ** 2
    frequency = _frequency(images)
    return power[:, frequency > cut].sum() / power[:, frequency > 0].sum()


def _frequency(images: Array) -> Array:
    """|f| of each entry of an image's spectrum, in cycles per pixel."""
    rows, columns = (np.fft.fftfreq(n) for n in images.shape[1:])
    return np.hypot(rows[:, None], columns)


# --- the best output -------------------------------------------------------------------------------------------


def _codes(rng: Rng) -> Arguments:
    images = rng.uniform(0, 1, (N, D))
    return rng.standard_normal(L), rng.standard_normal((N, L)), rng.uniform(-1.2, 1.2, (N, L)), images


def _far_codes(rng: Rng) -> Arguments:
    z, mu, _, images = _codes(rng)
    return z, mu, np.full((N, L), -9.0), images


OUTPUT_STEPS: dict[str, Step] = {
    "log_norm": lambda v: v.logvar,
    "square": lambda v: (v.z - v.mu) ** 2 / np.exp(v.logvar),
    "log_q": lambda v: -0.5 * (v.log_norm + v.square).sum(axis=1),
    "unscaled": lambda v: np.exp(v.log_q - v.log_q.max()),
    "weights": lambda v: v.unscaled / v.unscaled.sum(),
    "output": lambda v: v.weights @ v.images,
}


def _mistake(code: str, name: str, yours: str, right: str, question: str, more: str, *changes: dict) -> Mistake:
    return Mistake(code, name, yours, right, question, more, changes=changes)


register(
    Exercise(
        name="best_decoder_output",
        reference=best_decoder_output,
        cases=_codes,
        returns=("weights", "output"),
        sizes={N: "N", L: "L", D: "D"},
        program=Program(OUTPUT_STEPS, ("z", "mu", "logvar", "images"), {"weights": "weights", "output": "output"}),
        extremes={"posteriors so narrow that every density rounds to 0": _far_codes},
        terms={"output": (Term("Σ_n w_n x_n", lambda v: v.weights @ v.images),)},
        mistakes=(
            _mistake(
                "Y10",
                "the height of the densities, 1/σ, is left out",
                "log q_n(z) = −½ Σ_j (z − μ)²/exp(logvar)",
                LOG_Q,
                "At its centre, is a narrow normal density as high as a wide one?",
                "Each density has 1/√(2πσ²) in front. 2π is the same for all images; σ² is not.",
                {"log_norm": lambda v: 0 * v.logvar},
            ),
            _mistake(
                "Y11",
                "divided by σ, not by σ²",
                "(z − μ)²/exp(logvar/2)",
                LOG_Q,
                "If logvar = log σ², what is exp(logvar/2)?",
                "The square of a distance is measured in units of the variance.",
                {"square": lambda v: (v.z - v.mu) ** 2 / np.exp(v.logvar / 2)},
            ),
            _mistake(
                "Y12",
                "the nearest image alone",
                "w_n = 1 for the largest q_n(z), else 0",
                "w_n = q_n(z) / Σ_n q_n(z)",
                "If two images give z the same density, which one does the decoder see there?",
                "Each as often as its density says: the best output is the mean with the weights q_n(z).",
                {"weights": lambda v: (v.log_q == v.log_q.max()).astype(float)},
            ),
            _mistake(
                "Y13",
                "the weights do not sum to 1",
                "w_n = q_n(z)",
                "w_n = q_n(z) / Σ_n q_n(z)",
                "What do your weights sum to? What is the mean of thirteen white images?",
                "Divide by the sum over the images.",
                {"weights": lambda v: np.exp(v.log_q)},
                {"weights": lambda v: np.exp(v.log_q - 0.5 * v.mu.shape[1] * np.log(2 * np.pi))},
                {"weights": lambda v: v.unscaled},
            ),
            _mistake(
                "Y14",
                "every posterior is given the variance 1",
                "log q_n(z) = −½ Σ_j (z − μ)²",
                LOG_Q,
                "Where is logvar in your weights?",
                "q_n(z) is a normal density with mean μ_n and log-variance logvar_n.",
                {"log_norm": lambda v: 0 * v.logvar, "square": lambda v: (v.z - v.mu) ** 2},
            ),
            _mistake(
                "Y15",
                "the sign: the image that is farthest away has the largest weight",
                "w = softmax(−log q)",
                "w = softmax(log q)",
                "Which image should count most at z: one that is often encoded there, or one that never is?",
                "log q is largest, not smallest, where the density is.",
                {"unscaled": lambda v: np.exp(v.log_q.min() - v.log_q)},
            ),
            _mistake(
                "Y16",
                "averaged over the latent dimensions",
                "log q_n(z) = −½ (1/L) Σ_j […]",
                LOG_Q,
                "Of independent dimensions: is the joint density the product, or a root of the product?",
                "Densities multiply, so their logarithms add.",
                {"log_q": lambda v: -0.5 * (v.log_norm + v.square).mean(axis=1)},
            ),
            _mistake(
                "Y17",
                "logvar is read as log σ; here it is log σ²",
                "−½ Σ_j [2·logvar + (z − μ)²/exp(2·logvar)]",
                LOG_Q,
                "If logvar is 0.5, what is σ²?",
                "σ² = exp(logvar).",
                {"log_norm": lambda v: 2 * v.logvar, "square": lambda v: (v.z - v.mu) ** 2 / np.exp(2 * v.logvar)},
            ),
            _mistake(
                "Y23",
                "the ½ is missing",
                "log q_n(z) = −Σ_j [logvar + (z − μ)²/exp(logvar)]",
                LOG_Q,
                "If log q_n(z) is doubled, what becomes of the ratio of two densities?",
                "A normal density has −½ (z − μ)²/σ² in its exponent, and 1/σ = exp(−½ logvar) in front.",
                {"log_q": lambda v: -(v.log_norm + v.square).sum(axis=1)},
            ),
        ),
    )
)


# --- the share of fine detail ----------------------------------------------------------------------------------


def _pictures(rng: Rng) -> Arguments:
    return 2 + np.cumsum(rng.standard_normal((5, 8, 9)), axis=2), float(rng.uniform(0.2, 0.3))


def _power(images: Array) -> Array:
    return np.abs(np.fft.fft2(images)) ** 2


def _share(power: Array, above: Array, counted: Array) -> float:
    return power[:, above].sum() / power[:, counted].sum()


def _share_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, SHARE, question, more, wrong=wrong)


register(
    Exercise(
        name="high_frequency_share",
        reference=high_frequency_share,
        cases=_pictures,
        sizes={5: "N", 8: "H", 9: "W"},
        mistakes=(
            _share_mistake(
                "Y18",
                "the amplitude in place of the power",
                "Σ |F|",
                "Parseval's theorem: which power of |F| adds up to the sum of the squared pixels?",
                "The power is |F|².",
                lambda images, cut: _share(np.sqrt(_power(images)), _frequency(images) > cut, _frequency(images) > 0),
            ),
            _share_mistake(
                "Y19",
                "the mean brightness, frequency 0, is counted in the total",
                "Σ power at |f| > cut / Σ power",
                "If all images become brighter by the same amount, should the share of fine detail fall?",
                "Leave out the entry with |f| = 0.",
                lambda images, cut: _share(_power(images), _frequency(images) > cut, _frequency(images) >= 0),
            ),
            _share_mistake(
                "Y20",
                "the share of the low frequencies",
                "Σ power at 0 < |f| ≤ cut / Σ power at |f| > 0",
                "Which images should have the larger share, sharp ones or blurred ones?",
                "Count the power where |f| > cut.",
                lambda images, cut: 1 - high_frequency_share(images, cut),
            ),
            _share_mistake(
                "Y21",
                "the mean of the images' shares, not the share of their summed power",
                "(1/N) Σ_n share of image n",
                "Should an almost empty image count as much as one full of detail?",
                "Sum the power over the images first, then divide.",
                lambda images, cut: np.mean([high_frequency_share(image[None], cut) for image in images]),
            ),
            _share_mistake(
                "Y22",
                "only the frequency along the columns counts",
                "|f| = |f_x|",
                "Stripes from left to right are fine detail, too. Which frequency do they have?",
                "The frequency is a vector (f_y, f_x); take its length, np.hypot.",
                lambda images, cut: _share(
                    _power(images),
                    np.abs(np.fft.fftfreq(images.shape[2])) + 0 * _frequency(images) > cut,
                    _frequency(images) > 0,
                ),
            ),
        ),
    )
)
