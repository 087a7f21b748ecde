"""`main`: finds the command, runs it, and turns a user's mistake into one clear message."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import minivae.errors
from minivae.autodiff import debug
from minivae.cli import evaluate, gradcheck, info, pictures, train
from minivae.cli.options import Parser, suggestions

DESCRIPTION = """\
minivae: variational autoencoders on an autodiff written by hand.

Begin with:  minivae train
It needs no data and no options, takes about a minute, and leaves pictures to look at."""

EPILOG = """\
`minivae COMMAND --help` explains a command and its options, with examples."""

USER_ERRORS: tuple[type[Exception], ...] = (
    *(error for error in vars(minivae.errors).values() if isinstance(error, type) and issubclass(error, Exception)),
    OSError,
)
"""What a user can cause and mend: shown as a message, without a traceback. All else is a bug, and shows one."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 a check failed, 2 a mistake, 130 interrupted."""
    _print_any_character()
    parser = build_parser()
    if not (sys.argv[1:] if argv is None else argv):
        parser.print_help()
        return 0
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        args.parser.error(f"unknown argument {unknown[0]!r}. {suggestions(args.parser, unknown[0])}")
    try:
        with debug() if args.debug else contextlib.nullcontext():
            return args.run(args)
    except BrokenPipeError:  # `minivae info | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        print(f"\n{str(stop) or 'interrupted'}", file=sys.stderr)
        return 130
    except USER_ERRORS as error:
        if args.debug:
            traceback.print_exc()
        print(f"{args.parser.prog}: error: {error}", file=sys.stderr)
        return 2


def build_parser() -> Parser:
    """The whole command line."""
    parser = Parser(prog="minivae", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"minivae {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for part in (train, pictures, evaluate, gradcheck, info):
        part.add(commands)
    for command in commands.choices.values():
        command.set_defaults(parser=command)
        more = command.add_argument_group("when something goes wrong")
        more.add_argument(
            "--debug",
            action="store_true",
            help="check every op for NaN and wrong gradients (slow), and show the traceback of an error",
        )
        more.add_argument("-h", "--help", action="help", help="show this help")
    return parser


def _version() -> str:
    try:
        return version("minivae")
    except PackageNotFoundError:
        return "(not installed)"


def _print_any_character() -> None:
    """A terminal that has no Greek shows a question mark instead of stopping the program."""
    for output in (sys.stdout, sys.stderr):
        if hasattr(output, "reconfigure"):
            output.reconfigure(errors="replace")


__all__ = ["build_parser", "main"]
