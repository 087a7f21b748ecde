"""`minivae evaluate`: how good a trained model is, in numbers with standard errors and their protocol."""

from __future__ import annotations

import argparse
import contextlib
import time
from typing import Any

from minivae.cli.options import add_backend, add_run_folder, use_backend, whole_number
from minivae.cli.runs import OpenRun

DESCRIPTION = """\
Evaluate a trained model on its test data: −ELBO and its two terms in nats per image, bits per dimension,
and the number of latent dimensions in use. With --iwae K also a tighter bound on −log p(x)."""

EPILOG = """\
examples:
  minivae evaluate runs/fashion-mnist-conv
  minivae evaluate runs/mnist-vae --samples 10
  minivae evaluate runs/mnist-vae --iwae 1000 --limit 1000     1,000 draws for each of 1,000 images

Numbers compare only if their protocols do, so the protocol is printed beside them."""


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "evaluate", help="measure a trained model on test data", description=DESCRIPTION, epilog=EPILOG
    )
    add_run_folder(parser)
    group = parser.add_argument_group("options")
    group.add_argument(
        "--samples", type=whole_number(1), default=1, metavar="S", help="draws of z for each image (default: 1)"
    )
    group.add_argument(
        "--iwae",
        type=whole_number(1),
        metavar="K",
        help="also the importance-weighted bound with K draws (Burda et al. 2016); slow: K decodings an image",
    )
    group.add_argument("--limit", type=whole_number(1), metavar="N", help="only the first N test images (default: all)")
    group.add_argument("--data", metavar="NAME", help="another data set (default: the run's own)")
    group.add_argument(
        "--batch-size", type=whole_number(1), default=256, metavar="N", help="images at a time (default: 256)"
    )
    group.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="N", help="of noise and binarisation (default: 0)"
    )
    add_backend(group)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    from minivae.metrics import active_units, evaluate, importance_weighted_bound
    from minivae.training.progress import new_bar

    use_backend(args)
    opened = OpenRun(args.run_folder, args.data)
    test = opened.test if args.limit is None else opened.test[: args.limit]
    how = {"binarise": opened.binarise, "seed": args.seed}
    part = f"all {len(test):,}" if len(test) == len(opened.test) else f"first {len(test):,} of {len(opened.test):,}"
    print(f"{opened.folder}, step {opened.description['progress']['step']:,}; {part} test examples\n")

    print(evaluate(opened.model, test, batch_size=args.batch_size, samples=args.samples, **how))
    used = active_units(opened.model, test, batch_size=args.batch_size, **how)
    print(f"\nlatent dimensions in use: {used} (variance of the posterior mean above {used.threshold:g})", flush=True)
    if args.iwae:
        start = time.monotonic()
        bar = new_bar(f"{args.iwae:,} draws for each image", len(test))
        on_batch = bar.update if bar is not None else None
        with contextlib.closing(bar) if bar is not None else contextlib.nullcontext():
            bound = importance_weighted_bound(opened.model, test, args.iwae, on_batch=on_batch, **how)
        print(f"\n{bound}")
        print(f"time: {time.monotonic() - start:.0f} s")
    return 0
