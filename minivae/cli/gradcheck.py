"""`minivae gradcheck`: every gradient of the library against finite differences."""

from __future__ import annotations

import argparse
from typing import Any

DESCRIPTION = """\
Check the gradient of every op, layer, distribution, objective and model of minivae against finite
differences, in float64, with random cotangents, and print one table: name, inputs checked, worst relative
error, pass or fail. The exit code is 0 if all pass, 1 if one fails.

With --mutants the checks themselves are checked: hundreds of named mistakes are put in the place of
right code, and the table says which check caught each. The exit code is 0 if all are caught, 1 if one
survives."""

EPILOG = """\
examples:
  minivae gradcheck                everything
  minivae gradcheck conv           what has "conv" in its name
  minivae gradcheck --seed 7       other inputs, other cotangents
  minivae gradcheck --mutants      are wrong ops, layers, distributions, objectives and optimisers caught?
  minivae gradcheck kl --mutants   wrong versions of what has "kl" in its name

To check a function of your own:  import minivae as mv; print(mv.gradcheck(f, x, y))"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "gradcheck",
        help="verify every gradient of the library",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument("pattern", metavar="PATTERN", nargs="?", help="check only what has this in its name")
    group = parser.add_argument_group("options")
    group.add_argument("--mutants", action="store_true", help="try wrong versions of everything; each must be caught")
    group.add_argument("--seed", type=int, default=0, help="of inputs and cotangents (default: 0)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the checks, or the zoo; the exit code says whether all passed, or all mutants were caught."""
    if args.mutants:
        from minivae.selfcheck import zoo

        return zoo.main(args.pattern, args.seed)
    from minivae.selfcheck import main

    return main(args.pattern, args.seed)
