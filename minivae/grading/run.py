"""Run a learner's function safely: every way to go wrong has a sentence of its own."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import inspect
import io
import linecache
import os
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

PRINT_LIMIT = 2000  # characters of output that are kept,
LINE_LIMIT = 20  # and lines of it
LIBRARIES = tuple(os.path.dirname(os.path.realpath(path)) + os.sep for path in (np.__file__, os.__file__))
HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep  # minivae itself


class TimeIsUp(BaseException):
    """The function took too long. Not an Exception, so that `except Exception` in it does not swallow this."""


@dataclass
class Outcome:
    """What one call did: its value, or a sentence on why there is none."""

    value: Any = None
    problem: str = ""
    attempted: bool = True
    printed: str = ""
    warned: str = ""


def call(function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Outcome:
    """Call the function on copies of the arguments."""
    name = getattr(function, "__name__", "your function")
    if sentence := wrong_signature(function, name, arguments):
        return Outcome(problem=sentence)
    given = copy.deepcopy(arguments)
    out = Outcome()
    screen = Screen()
    try:
        with (
            warnings.catch_warnings(record=True) as caught,
            contextlib.redirect_stdout(screen),
            np.errstate(divide="warn", over="warn", invalid="warn"),
            time_limit(seconds),
        ):
            warnings.simplefilter("always")
            out.value = function(*given)
    except NotImplementedError as stub:
        if is_library(traceback.extract_tb(stub.__traceback__)[-1].filename):
            out.problem = explain(name, stub, function, given)
        out.attempted = bool(out.problem)
    except TimeIsUp:
        out.problem = (
            f"{name} was stopped after {seconds:g} s. Is there a loop that does not end? The answer needs well under "
            "a second: whole arrays at a time, not one entry after the other."
        )
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        out.problem = explain(name, error, function, given)
    out.printed = screen.text()
    out.warned = "; ".join(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)))
    if out.attempted and not out.problem and (changed := differences(arguments, given)):
        out.problem = mutation(function, name, arguments, names_of(function, arguments), changed, seconds)
    return out


# --- the sentences --------------------------------------------------------------------------------------------


def wrong_signature(function: Callable[..., Any], name: str, arguments: tuple[Any, ...]) -> str:
    """A sentence if the function cannot take that many arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ""
    try:
        signature.bind(*arguments)
    except TypeError:
        takes = len(signature.parameters)
        return (
            f"{name} takes {takes} argument{'s' * (takes != 1)} {signature}, but the exercise gives it "
            f"{len(arguments)}. Keep the first line (def ...) as the exercise wrote it."
        )
    return ""


def explain(name: str, error: BaseException, function: Callable[..., Any], arguments: tuple[Any, ...]) -> str:
    """The sentences on an exception."""
    return f"{name} stopped with {type(error).__name__}: {error}\n{where(error)}{describe(function, arguments)}"


def is_library(filename: str) -> bool:
    """Whether this is a file of Python, of an installed package, or of minivae, and not the learner's."""
    path = os.path.realpath(filename)
    return (
        path.startswith((*LIBRARIES, HERE)) or "site-packages" in path or filename.startswith(("<frozen", "<__array"))
    )


def where(error: BaseException) -> str:
    """The learner's lines that led to the error, without the frames of the libraries and of this package."""
    frames = []
    for frame in traceback.extract_tb(error.__traceback__):
        if not is_library(frame.filename):
            line = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
            frames.append(f"    line {frame.lineno} of {frame.name}:   {line}\n")
    if isinstance(error, RecursionError):
        return "".join(frames[:1]) + "    It calls itself without end.\n"
    return "".join(frames[-4:])


def describe(function: Callable[..., Any], arguments: tuple[Any, ...]) -> str:
    """The arguments of the call, each in a few words."""
    if not arguments:
        return ""
    names = names_of(function, arguments)
    return "It was called with " + ", ".join(
        f"{name}: {in_words(value)}" for name, value in zip(names, arguments, strict=True)
    )


def in_words(value: Any) -> str:
    """A value in a few words: its shape, or the number itself."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"{value.dtype} array {value.shape}"
    if callable(value):
        return f"the function {getattr(value, '__name__', '')}"
    if isinstance(value, dict):
        return "dict of " + ", ".join(value)
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else repr(value)[:60]


def names_of(function: Callable[..., Any], arguments: tuple[Any, ...]) -> list[str]:
    """The function's own names for its arguments."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    return [names[i] if i < len(names) else f"argument {i + 1}" for i in range(len(arguments))]


def differences(before: Any, after: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in nested tuples, lists and dicts two sets of arguments differ: the keys that lead there."""
    if isinstance(before, np.ndarray):
        return [] if np.array_equal(before, after, equal_nan=before.dtype.kind == "f") else [path]
    if isinstance(before, dict):
        if before.keys() != after.keys():
            return [path]
        return [where for key in before for where in differences(before[key], after[key], (*path, key))]
    if isinstance(before, (list, tuple)):
        if len(before) != len(after):
            return [path]
        return [where for i in range(len(before)) for where in differences(before[i], after[i], (*path, i))]
    return []


def mutation(
    function: Callable[..., Any],
    name: str,
    arguments: tuple[Any, ...],
    names: list[str],
    changed: list[tuple[Any, ...]],
    seconds: float,
) -> str:
    """The sentence on changed arguments, with the line: a second call on read-only arrays stops there."""
    what = " and ".join(names[path[0]] + "".join(f"[{key!r}]" for key in path[1:]) for path in changed[:3])
    which, whose = ("argument", "that array") if len(changed) == 1 else ("arguments", "those arrays")
    line = ""
    frozen = freeze(copy.deepcopy(arguments))
    with contextlib.suppress(TimeIsUp), contextlib.redirect_stdout(Screen()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with time_limit(seconds):
                function(*frozen)
        except Exception as error:
            line = where(error)
    return (
        f"{name} changes its {which} {what}: whoever called it still needs {whose}.\n{line}"
        f"    `a -= b`, `a[...] = b` and `out=a` write into a itself; `a = a - b` makes a new array."
    )


def freeze(value: Any) -> Any:
    """The same arguments, with every array read-only."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        freeze(inner)
    return value


# --- the screen and the clock ---------------------------------------------------------------------------------


class Screen(io.TextIOBase):
    """Keeps the first characters that are printed and counts the rest."""

    def __init__(self) -> None:
        self.kept = ""
        self.count = 0

    def write(self, text: str) -> int:
        """Keep what there is room for."""
        self.kept += text[: PRINT_LIMIT - len(self.kept)]
        self.count += len(text)
        return len(text)

    def text(self) -> str:
        """What was printed; a flood is cut, and its size is told."""
        lines = self.kept.splitlines(keepends=True)
        if self.count <= PRINT_LIMIT and len(lines) <= LINE_LIMIT:
            return self.kept
        self.kept = "".join(lines[:LINE_LIMIT])
        return f"{self.kept.rstrip()} ...\n[It printed {self.count:,} characters; the rest is left out.]\n"


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeIsUp in the block after that many seconds.

    On the main thread of a Unix system an alarm does it, which also wakes a `sleep`; elsewhere a second thread
    raises the exception in this one, between two Python instructions.
    """
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        before = signal.signal(signal.SIGALRM, _ring)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        return
    thread = ctypes.c_ulong(threading.get_ident())
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    clock = threading.Timer(seconds, lambda: raise_in(thread, ctypes.py_object(TimeIsUp)))
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


def _ring(signum: int, frame: Any) -> None:
    raise TimeIsUp
