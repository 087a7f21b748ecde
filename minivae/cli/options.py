"""What the commands share: the parser, the types of options, and what a run folder is."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that keeps line breaks, allows no abbreviations, and says how to get help."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", _Formatter)
        options.setdefault("allow_abbrev", False)
        is_command = " " in options.get("prog", "")
        super().__init__(**options, add_help=not is_command)

    def error(self, message: str) -> NoReturn:
        """Print the message and where to look, and exit with code 2."""
        self.exit(2, f"{self.prog}: error: {message}\nSee `{self.prog} --help`.\n")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Wider, and with the options in a column of their own."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)

    def add_argument(self, action: argparse.Action) -> None:
        """Leave room for the indentation of subcommands, which argparse forgets before Python 3.13."""
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment


def suggestions(parser: argparse.ArgumentParser, unknown: str) -> str:
    """'Did you mean ...?' for an option that does not exist."""
    known = [name for action in parser._actions for name in action.option_strings]
    if unknown in known:
        return f"It goes after the command: {parser.prog} {unknown}"
    close = difflib.get_close_matches(unknown.partition("=")[0], known, n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    if unknown.startswith("-"):
        return f"Its options are {', '.join(name for name in known if name.startswith('--'))}."
    return "It takes no such value."


def whole_number(at_least: int) -> Callable[[str], int]:
    """The type of an option that is a whole number, `at_least` or more."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = at_least - 1
        if value < at_least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {at_least} or more")
        return value

    return parse


def number(above: float | None = None, at_least: float | None = None) -> Callable[[str], float]:
    """The type of an option that is a finite number within bounds."""
    bound = f" above {above:g}" if above is not None else f" of {at_least:g} or more"

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if above is not None:
            good = above < value < float("inf")
        else:
            good = at_least is not None and at_least <= value < float("inf")
        if not good:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number{bound}")
        return value

    return parse


def whole_numbers(text: str) -> tuple[int, ...]:
    """The type of an option like 300,300: one or more whole numbers above 0."""
    try:
        values = tuple(int(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or min(values) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like 300,300 (whole numbers above 0, commas between)")
    return values


def pairs(text: str) -> list[tuple[int, int]]:
    """The type of an option like 0-1,5-9: pairs of image numbers."""
    try:
        found = [tuple(int(i) for i in part.split("-")) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or any(len(pair) != 2 for pair in found):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of pairs like 0-1,5-9 (numbers of images)")
    return [(pair[0], pair[1]) for pair in found]


def add_run_folder(parser: argparse.ArgumentParser) -> None:
    """The positional argument RUN."""
    parser.add_argument(
        "run_folder", metavar="RUN", help="run folder that `minivae train` made, for instance runs/fashion-mnist-conv"
    )


def add_backend(group: Any) -> None:
    """The option --backend."""
    group.add_argument(
        "--backend",
        choices=("numpy", "cupy", "auto"),
        help="numpy: CPU; cupy: NVIDIA GPU; auto: the GPU if there is one (default: numpy, or MINIVAE_BACKEND)",
    )


def use_backend(args: argparse.Namespace) -> str:
    """Switch to the backend that was asked for; returns the one in use."""
    from minivae.backend import current_backend, use

    return use(args.backend) if args.backend else current_backend()
