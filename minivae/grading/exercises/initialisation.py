"""Lesson 03: how large the first weights of a layer with a ReLU are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivae.grading.exercise import Exercise, Mistake, register


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
