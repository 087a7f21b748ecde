"""`minivae sample | reconstruct | interpolate`: pictures of a trained model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from minivae.cli.options import add_backend, add_run_folder, pairs, use_backend, whole_number
from minivae.cli.runs import OpenRun, choose, picture_inputs, spread
from minivae.errors import DataError


def add(commands: Any) -> None:
    """Add the three commands."""
    parser = commands.add_parser(
        "sample",
        help="draw images that a trained model makes up",
        description="Draw z from the prior N(0, I), decode it, and write the means of p(x|z) as a picture.",
        epilog="examples:\n  minivae sample runs/fashion-mnist-conv\n"
        "  minivae sample runs/2d -n 100 --seed 3 --out more.png",
    )
    add_run_folder(parser)
    group = parser.add_argument_group("options")
    group.add_argument("-n", type=whole_number(1), default=64, metavar="N", help="how many images (default: 64)")
    group.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="of the noise (default: 0)")
    _add_out(parser, group, "samples.png")
    parser.set_defaults(run=sample)

    parser = commands.add_parser(
        "reconstruct",
        help="draw test images beside their reconstructions",
        description="Encode test images, decode the posterior means, and write both, side by side, as a picture.",
        epilog="examples:\n  minivae reconstruct runs/fashion-mnist-conv\n"
        "  minivae reconstruct runs/fashion-mnist-conv -n 48 --out many.png",
    )
    add_run_folder(parser)
    group = parser.add_argument_group("options")
    group.add_argument(
        "-n", type=whole_number(1), default=24, metavar="N", help="how many images, all classes in turn (default: 24)"
    )
    _add_data(group)
    _add_out(parser, group, "reconstructions.png")
    parser.set_defaults(run=reconstruct)

    parser = commands.add_parser(
        "interpolate",
        help="draw the way from one image to another through the latent space",
        description="Encode two test images and decode points on the straight line between their codes, row by row.",
        epilog="examples:\n  minivae interpolate runs/fashion-mnist-conv\n"
        "  minivae interpolate runs/fashion-mnist-conv --pairs 0-7,3-12 --points 8",
    )
    add_run_folder(parser)
    group = parser.add_argument_group("options")
    group.add_argument(
        "--pairs",
        type=pairs,
        metavar="I-J,I-J,...",
        help="numbers of test images, from 0 (default: six pairs of different classes)",
    )
    group.add_argument(
        "--points", type=whole_number(2), default=10, metavar="N", help="decoded points a row (default: 10)"
    )
    _add_data(group)
    _add_out(parser, group, "interpolations.png")
    parser.set_defaults(run=interpolate)


def sample(args: argparse.Namespace) -> int:
    """Write samples."""
    from minivae import plots

    opened = _open(args)
    path = _path(args, opened)
    plots.samples(opened.model, args.n, seed=args.seed, title=opened.title(f"{args.n} samples"), path=path)
    print(f"{args.n} samples in {path}")
    return 0


def reconstruct(args: argparse.Namespace) -> int:
    """Write originals and reconstructions."""
    from minivae import plots

    opened = _open(args)
    shown = choose(opened.test, spread(opened.test, args.n))
    path = _path(args, opened)
    plots.reconstructions(
        opened.model,
        shown.images,
        inputs=picture_inputs(shown, opened.binarise),
        title=opened.title("Reconstructions of test images"),
        path=path,
    )
    print(f"{len(shown)} test images and their reconstructions in {path}")
    return 0


def interpolate(args: argparse.Namespace) -> int:
    """Write interpolations."""
    from minivae import plots

    opened = _open(args)
    chosen = args.pairs
    if chosen is None:
        numbers = spread(opened.test, 12)
        half = len(numbers) // 2
        chosen = list(zip(numbers[:half], numbers[half:], strict=False))
    ends = [choose(opened.test, [pair[side] for pair in chosen]) for side in (0, 1)]
    codes = [picture_inputs(end, opened.binarise) for end in ends]
    path = _path(args, opened)
    plots.interpolation(
        opened.model,
        ends[0].images,
        ends[1].images,
        inputs=None if codes[0] is None else (codes[0], codes[1]),
        steps=args.points,
        title=opened.title("Between test images"),
        path=path,
    )
    print("test images " + ", ".join(f"{i} → {j}" for i, j in chosen) + f" in {path}")
    return 0


def _add_out(parser: argparse.ArgumentParser, group: Any, name: str) -> None:
    group.add_argument(
        "--out", metavar="FILE", help=f"where to write the picture, a file or a folder (default: {name} in RUN)"
    )
    add_backend(group)
    parser.set_defaults(picture=name)


def _add_data(group: Any) -> None:
    group.add_argument("--data", metavar="NAME", help="take the images of another data set (default: the run's own)")


def _open(args: argparse.Namespace) -> OpenRun:
    use_backend(args)
    opened = OpenRun(args.run_folder, getattr(args, "data", None))
    shape = opened.model.config["image_shape"]
    if len(shape) != 3:
        raise DataError(f"this model makes rows of {shape[0]} numbers, not images; there is no picture to draw")
    return opened


def _path(args: argparse.Namespace, opened: OpenRun) -> Path:
    path = Path(args.out) if args.out else opened.folder
    path = path / args.picture if path.is_dir() else path
    return path if path.suffix else path.with_suffix(".png")
