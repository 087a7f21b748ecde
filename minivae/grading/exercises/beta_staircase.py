"""Lesson 11: what a linear β-VAE does with each eigenvalue: reverse water-filling."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.program import Program, Step, Values

Rng = np.random.Generator

LEVEL = "v = βσ²"
RATE = "Σ over λ_j > v of ½ log(λ_j/v)"
DISTORTION = "Σ over all j of min(λ_j, v)"


def beta_staircase(values: Array, sigma2: float, beta: float) -> tuple[int, Array, Array]:
    """Active units, rate in nats, distortion, at the optimum of reconstruction + β · KL with σ² held fixed."""
    level = beta * sigma2
    above = values[values > level]
    return len(above), 0.5 * np.sum(np.log(above / level)), np.sum(np.minimum(values, level))


STEPS: dict[str, Step] = {
    "level": lambda v: v.beta * v.sigma2,
    "above": lambda v: v.values[v.values > v.level],
    "active": lambda v: len(v.above),
    "half": lambda v: 0.5,
    "rate": lambda v: v.half * np.sum(np.log(v.above / v.level)),
    "distortion": lambda v: np.sum(np.minimum(v.values, v.level)),
}


def _dropped(v: Values) -> Array:
    return np.sum(v.values[v.values <= v.level])


def _case(rng: Rng) -> Arguments:
    """Seven eigenvalues; the level βσ² lies between the third and the fourth, and σ, σ², β, σ²/β between others."""
    values = np.array([9.0, 6.0, 4.0, 1.3, 0.6, 0.2, 0.05]) * rng.uniform(0.95, 1.05, 7)
    return values, float(rng.uniform(0.7, 0.8)), float(rng.uniform(2.8, 3.2))


register(
    Exercise(
        name="beta_staircase",
        reference=beta_staircase,
        cases=_case,
        returns=("active", "rate", "distortion"),
        sizes={7: "D"},
        program=Program(STEPS, ("values", "sigma2", "beta"), {name: name for name in ("active", "rate", "distortion")}),
        mistakes=(
            Mistake(
                "LV40",
                "β does not move the level",
                "v = σ²",
                LEVEL,
                "Does your number of active units depend on β?",
                "reconstruction + β · KL is β times the loss of a VAE whose noise has the variance βσ².",
                changes=({"level": lambda v: v.sigma2},),
            ),
            Mistake(
                "LV41",
                "β on the wrong side: it divides",
                "v = σ²/β",
                LEVEL,
                "If the KL term costs more, do more units live or fewer?",
                "The distortion is divided by σ² and the KL multiplied by β: divide both by β.",
                changes=({"level": lambda v: v.sigma2 / v.beta},),
            ),
            Mistake(
                "LV42",
                "σ² is missing",
                "v = β",
                LEVEL,
                "In which unit are the eigenvalues measured, and in which is β?",
                "β is a plain number. It multiplies a variance.",
                changes=({"level": lambda v: v.beta},),
            ),
            Mistake(
                "LV43",
                "σ is taken for σ²",
                "v = βσ",
                LEVEL,
                "Is sigma2 a variance or a standard deviation?",
                "sigma2 is σ² already; no root is needed.",
                changes=({"level": lambda v: v.beta * np.sqrt(v.sigma2)},),
            ),
            Mistake(
                "LV44",
                "the ½ of the rate is missing",
                "Σ log(λ_j/v)",
                RATE,
                "The KL of one unit is ½(μ² + s − 1 − log s), where the first three cancel. What is left?",
                "½ log(1/s) with s = v/λ.",
                changes=({"half": lambda v: 1.0},),
            ),
            Mistake(
                "LV45",
                "the rate is summed over all units: the dead ones take something away",
                "Σ over all j of ½ log(λ_j/v)",
                RATE,
                "What is the KL divergence of a unit whose posterior is the prior? Can it be negative?",
                "A unit with λ_j < v has rate 0.",
                changes=({"rate": lambda v: v.half * np.sum(np.log(v.values / v.level))},),
            ),
            Mistake(
                "LV46",
                "the signal's variance over the noise, λ − v for λ",
                "Σ ½ log((λ_j − v)/v)",
                RATE,
                "Which variance has the posterior of a unit? What becomes of your rate as λ comes down to v?",
                "s = v/λ, as M_jj = ℓ² + v = λ. The rate has to go to 0 at the threshold.",
                changes=({"rate": lambda v: v.half * np.sum(np.log((v.above - v.level) / v.level))},),
            ),
            Mistake(
                "LV47",
                "the rate in bits, not in nats",
                "Σ ½ log₂(λ_j/v)",
                RATE,
                "Which base has the logarithm of a nat?",
                "np.log, not np.log2.",
                changes=({"rate": lambda v: v.half * np.sum(np.log2(v.above / v.level))},),
            ),
            Mistake(
                "LV48",
                "only the dropped eigenvalues: PCA's error",
                "Σ over λ_j ≤ v of λ_j",
                DISTORTION,
                "Is a unit that lives reconstructed without error, from a drawn z?",
                "Its z is noisy, and is shrunk towards 0. Together that costs v along its axis.",
                changes=({"distortion": _dropped},),
            ),
            Mistake(
                "LV49",
                "σ² along the axes that live, not βσ²",
                "Σ over λ_j > v of σ² + Σ over the others of λ_j",
                DISTORTION,
                "With a larger β the codes are noisier. Where would your distortion show it?",
                "Each axis that lives costs v = βσ².",
                changes=({"distortion": lambda v: _dropped(v) + v.active * v.sigma2},),
            ),
        ),
    )
)
