"""How an optimiser is tried: its truth is where it goes, which no gradient check sees.

closed form   gradients that are constant, or zero, for which the formula can be solved by hand
trajectory    the algorithm as it is printed, one number at a time, for gradients of all sizes
manners       gradients are not written to; without a gradient nothing moves; a resumed run is the same run, to the bit
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minivae.autodiff import Tensor
from minivae.backend import Array
from minivae.selfcheck.zoo.subject import Trial, Verdict
from minivae.selfcheck.zoo.trials import all_of, compare

STARTS = (np.array([1.5, -0.7, 0.2]), np.array([[0.4, -2.0]]))
"""Where the two parameters start."""

Gradients = Sequence[Sequence[Array | None]]
"""For each step, the gradient of each parameter, or None."""


def path(optimiser: Any, gradients: Gradients, options: dict[str, Any], resume_at: int = -1) -> list[Array]:
    """Both parameters after the steps; a new optimiser takes over from the state of the old one at `resume_at`."""
    params = [Tensor(start.copy(), requires_grad=True) for start in STARTS]
    steps = optimiser(params, **options)
    for t, given in enumerate(gradients):
        if t == resume_at:
            state, steps = steps.state_dict(), optimiser(params, **options)
            steps.load_state_dict(state)
        for p, g in zip(params, given, strict=True):
            p.grad = g
        steps.step()
    return [p.data for p in params]


def random_gradients(seed: int, count: int = 7) -> Gradients:
    """Of sizes from 1e-3 to 1e3."""
    rng = np.random.default_rng(seed)
    return [[rng.standard_normal(p.shape) * 10.0 ** rng.uniform(-3, 3, p.shape) for p in STARTS] for _ in range(count)]


def same(found: Sequence[Array], expected: Sequence[Array], what: str) -> Verdict:
    """Whether both parameters are where they should be."""
    return all_of([compare(a, b, what=what) for a, b in zip(found, expected, strict=True)])


Textbook = Callable[..., float]
"""(p, its gradients, options) -> p after the last of them, all plain numbers."""


def trajectory(textbook: Textbook, settings: Sequence[dict[str, Any]]) -> Trial:
    """Each entry of each parameter goes where the printed algorithm goes, for each of the settings."""

    def run(target: Any, seed: int) -> Verdict:
        gradients = random_gradients(seed)
        gradients[2][1] = None  # type: ignore[index]  # the second parameter counts its own steps
        verdicts = []
        for options in settings:
            found = path(target, gradients, options)
            for i, start in enumerate(STARTS):
                own = [g.ravel() for step in gradients if (g := step[i]) is not None]
                ends = [textbook(p, [float(g[j]) for g in own], **options) for j, p in enumerate(start.ravel())]
                verdicts.append(compare(found[i].ravel(), ends, what=_named(options)))
        return all_of(verdicts)

    return Trial("trajectory", run)


def _named(options: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())


def manners(options: dict[str, Any]) -> Trial:
    """What holds for every optimiser, whatever its formula."""

    def run(target: Any, seed: int) -> Verdict:
        gradients = random_gradients(seed)
        copies = [[np.array(g) for g in step] for step in gradients]
        whole = path(target, gradients, options)
        verdicts = [same(a, b, "a gradient after the step") for a, b in zip(gradients, copies, strict=True)]  # type: ignore[arg-type]
        alone = path(target, [[step[0], None] for step in gradients], options)
        verdicts.append(same(alone, [whole[0], STARTS[1]], "where the second has no gradient"))
        resumed = path(target, gradients, options, resume_at=3)
        verdicts.append(Verdict(all(map(np.array_equal, resumed, whole)), "a resumed run is another run"))
        return all_of(verdicts)

    return Trial("manners", run)


def closed_form(*solutions: tuple[str, dict[str, Any], float, Callable[[Array, int], Array]]) -> Trial:
    """(what, options, the constant gradient, p after t steps from where it starts and t)."""

    def run(target: Any, seed: int) -> Verdict:
        verdicts = []
        for what, options, g, solution in solutions:
            for t in (1, 2, 5):
                found = path(target, [[np.full(p.shape, g) for p in STARTS]] * t, options)
                verdicts.append(same(found, [solution(p, t) for p in STARTS], f"{what}, step {t}"))
        return all_of(verdicts)

    return Trial("closed form", run)
