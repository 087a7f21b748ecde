"""Compare one value of an answer with the right one: is it a number at all, has it the shape, does it agree?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivae.autodiff import Tensor
from minivae.backend import to_numpy

FLOAT32_TOLERANCE = 2e-5  # relative to the largest entry; rounding of a few dozen operations
NEARLY = 1e-4  # differences below are small enough to come from an approximation rather than from another formula


@dataclass(frozen=True)
class Comparison:
    """One value beside the right one.

    Attributes:
        name: the value's name.
        ok: whether it agrees.
        problem: a sentence, if it cannot be compared at all (type, shape, NaN).
        got, expected: float64 arrays, if it can.
        error: the largest difference, relative to the largest right entry.
        rounded: whether the answer came in float32 or float16.
        wrong: which entries are not right.
    """

    name: str
    ok: bool
    problem: str = ""
    got: Any = None
    expected: Any = None
    error: float = 0.0
    rounded: bool = False
    wrong: Any = None

    def entry(self) -> str:
        """The entry that differs most, both values of it."""
        index = np.unravel_index(np.argmax(np.abs(self.got - self.expected)), self.expected.shape)
        digits = 6 if self.error > 1e-4 else 16
        both = f"yours {number(self.got[index], digits)}, right {number(self.expected[index], digits)}"
        at = f" at [{', '.join(str(i) for i in index)}]" if index else ""
        return f"{self.name}{at}: {both}"


def number(value: Any, digits: int = 6) -> str:
    """A number with that many digits; −0 is 0."""
    return f"{float(value) + 0.0:.{digits}g}"


def compare(
    name: str,
    got: Any,
    right: Any,
    tolerance: float = 1e-9,
    sizes: Mapping[int, str] | None = None,
    each: bool = False,
) -> Comparison:
    """Compare one value; extra dimensions of size 1, Tensors, float32 and other number types are all welcome.

    Errors are relative to the largest right entry. With `each`, for a value that was typed in and not summed up of
    others, they are relative to each entry itself, and of a wrong shape no cause is guessed.
    """
    expected = np.asarray(plain(right), dtype=np.float64)
    array = plain(got)
    if sentence := not_a_number(name, got, array):
        return Comparison(name, False, sentence, expected=expected)
    if not same_shape(array.shape, expected.shape):
        sentence = wrong_shape(name, array.shape, expected.shape, sizes or {}, guess=not each)
        return Comparison(name, False, sentence, expected=expected)
    rounded = array.dtype.kind == "f" and array.dtype.itemsize < 8
    array = array.astype(np.float64).reshape(expected.shape)
    scale = np.abs(expected) if each else np.abs(expected).max(initial=0.0)
    scale = np.where(scale == 0, 1.0, scale)
    if not np.isfinite(array).all() and np.isfinite(expected).all():
        return Comparison(name, False, not_finite(name, array), array, expected, np.inf, rounded)
    errors = np.abs(array - expected) / scale
    wrong = ~(errors <= (max(tolerance, FLOAT32_TOLERANCE) if rounded else tolerance))
    return Comparison(name, not wrong.any(), "", array, expected, float(errors.max(initial=0.0)), rounded, wrong)


def plain(value: Any) -> Any:
    """The NumPy array in a Tensor, a torch tensor, a CuPy array, a list or a number; None if there is none."""
    if value is None or isinstance(value, (str, bytes, Mapping, set)) or callable(value):
        return None
    value = value.data if isinstance(value, Tensor) else value
    value = value.detach().cpu() if hasattr(value, "detach") else value
    try:
        return to_numpy(value)
    except Exception:  # whatever an object of the learner's does when it is asked for numbers
        return None


# --- the sentences --------------------------------------------------------------------------------------------


def not_a_number(name: str, got: Any, array: Any) -> str:
    """A sentence if this is no array of real numbers."""
    if got is None:
        return f"{name} is None. Was it calculated, and is it in the `return` line?"
    if got is Ellipsis:
        return f"{name} is still `...`."
    if callable(got):
        return f"{name} is a function. Are the parentheses of a call missing?"
    if array is None or array.dtype.kind not in "fiub":
        if array is not None and array.dtype.kind == "c":
            return f"{name} is complex; a real number is expected. Take the .real part, or the .imag part."
        if isinstance(got, np.ndarray):
            return f"{name} is an array of dtype {got.dtype}; numbers are expected, as of dtype=float64."
        return f"{name} is a {type(got).__name__}; a NumPy array or a number is expected."
    return ""


def not_finite(name: str, array: Any) -> str:
    """The sentence on NaN and infinite entries."""
    wrong = ~np.isfinite(array)
    what = "NaN" if np.isnan(array).any() else "infinite"
    cause = (
        "NaN comes from log or sqrt of a negative number, 0/0, or inf - inf."
        if what == "NaN"
        else "An infinity comes from exp of a large number, log(0), or a division by 0."
    )
    if array.ndim == 0:
        return f"{name} is {what}. {cause}"
    at = ", ".join(str(i) for i in np.argwhere(wrong)[0])
    are = "is" if wrong.sum() == 1 else "are"
    return f"{name}: {wrong.sum()} of {array.size} entries {are} {what}, the first at [{at}]. {cause}"


def same_shape(got: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Equal, up to axes of size 1 that were kept or dropped."""
    return got == expected or [n for n in got if n != 1] == [n for n in expected if n != 1]


def wrong_shape(
    name: str, got: tuple[int, ...], expected: tuple[int, ...], sizes: Mapping[int, str], guess: bool = True
) -> str:
    """The sentence on a shape, with the likely cause."""
    sentence = f"{name} has shape {in_letters(got, sizes)}; expected {in_letters(expected, sizes)}."
    if got == expected[::-1]:
        return sentence + " It is transposed."
    if not guess:
        return sentence
    kept = tuple(i for i, (n, m) in enumerate(zip(got, expected, strict=False)) if n == 1 != m)
    if len(got) == len(expected) > 1 and kept and all(n in (1, m) for n, m in zip(got, expected, strict=True)):
        places = f"{'Axis' if len(kept) == 1 else 'Axes'} {' and '.join(map(str, kept))}"
        return sentence + f" {places} of length 1: was there a sum, a mean or a slice along {it_or_them(kept)}?"
    if len(got) == len(expected) == 1:
        return sentence + " Was a sum taken over the wrong axis?"
    for count in range(1, len(expected) + 1):
        for axes in itertools.combinations(range(len(expected)), count):
            if got == tuple(n for i, n in enumerate(expected) if i not in axes):
                return sentence + f" {axes_in_words(axes)} gone: was there a sum or a mean over {it_or_them(axes)}?"
    for count in range(1, len(got) + 1):
        for axes in itertools.combinations(range(len(got)), count):
            if expected == tuple(n for i, n in enumerate(got) if i not in axes):
                missing = f"is a sum or a mean over {it_or_them(axes)} missing?"
                return sentence + f" {axes_in_words(axes)} still there: {missing}"
    return sentence


def axes_in_words(axes: tuple[int, ...]) -> str:
    """(0,) as "Axis 0 is", (0, 1) as "Axes 0 and 1 are"."""
    return f"Axis {axes[0]} is" if len(axes) == 1 else f"Axes {' and '.join(str(i) for i in axes)} are"


def it_or_them(axes: tuple[int, ...]) -> str:
    """The pronoun for so many axes."""
    return "it" if len(axes) == 1 else "them"


def in_letters(shape: tuple[int, ...], sizes: Mapping[int, str]) -> str:
    """(13, 5) as "(13, 5) = (B, L)", where the letters are known."""
    letters = [sizes.get(n, str(n)) for n in shape]
    if not shape:
        return "(), a single number"
    return f"{shape}" + (
        f" = ({', '.join(letters)}{',' * (len(shape) == 1)})" if set(letters) & set(sizes.values()) else ""
    )
