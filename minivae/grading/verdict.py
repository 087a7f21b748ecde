"""`Verdict`: what a check found."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verdict:
    """What a check found, in words (`text`) and for programs (the rest).

    Attributes:
        exercise: the exercise's name.
        status: "right", "wrong", "not attempted", or "error" (the answer could not be compared at all).
        text: what was printed.
        codes: the mistakes named, as in the catalogue ("K5"); empty when none is proved.
        mistakes: the names of those mistakes.
        first_wrong: the first wrong value in the order of the derivation.
        coefficients: where the terms were measured, the coefficient found for each; 1 is right for a term that
            belongs there, 0 for one that does not.
        residual: the part of the answer, relative to its size, that is not made of those terms.
    """

    exercise: str
    status: str
    text: str
    codes: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()
    first_wrong: str | None = None
    coefficients: dict[str, float] = field(default_factory=dict)
    residual: float | None = None
