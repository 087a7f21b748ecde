"""`minivae train`: train a model on a data set, and leave a run folder with checkpoint, metrics and pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from minivae.cli.options import add_backend, number, use_backend, whole_number, whole_numbers
from minivae.errors import CheckpointError, ConfigError, require

DEFAULTS: dict[str, Any] = {
    "data": "fashion-mnist",
    "model": "conv",
    "latent_dim": 10,
    "hidden": (400,),
    "channels": (32, 64),
    "activation": "relu",
    "likelihood": "bernoulli",
    "binarise": None,
    "beta": 1.0,
    "epochs": 20,
    "steps": None,
    "batch_size": 64,
    "lr": 1e-3,
    "schedule": "constant",
    "clip_norm": None,
    "seed": 0,
}
"""The settings of a run; options that are not given have these values. A resumed run has those of its checkpoint."""

MAY_CHANGE = ("epochs", "steps")  # of a resumed run

DESCRIPTION = """\
Train a variational autoencoder. Without any option: a small convolutional one on 5,000 images of garments
that come with minivae, in about a minute on two cores.

The run folder then holds the checkpoint, metrics.csv (losses in nats per example) and pictures: loss curves,
reconstructions beside their originals, samples, and a map of the latent space if it has two dimensions."""

EPILOG = """\
examples:
  minivae train                                   the default, into runs/fashion-mnist-conv
  minivae train --latent-dim 2 --run-dir runs/2d  two latent dimensions: leaves a map of them
  minivae train --data mnist --model vae          MNIST, fully connected layers
  minivae train --data ring --model vae --likelihood gaussian    points in the plane
  minivae train --resume runs/2d                  go on after Ctrl-C, to the bit as if never stopped
  minivae train --resume runs/2d --epochs 40      make a finished run longer

Losses are nats per image: summed over pixels and latent dimensions, averaged over images. In metrics.csv
the column `seconds` alone depends on the machine; the others repeat to the bit in a resumed run."""


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train",
        help="train a model (begin here)",
        usage="minivae train [options]",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.set_defaults(run=run)

    def option(group: Any, name: str, text: str, **how: Any) -> None:
        default = DEFAULTS[name.strip("-").replace("-", "_")]
        if default is not None:
            shown = ",".join(map(str, default)) if isinstance(default, tuple) else f"{default}"
            text += f" (default: {shown})"
        group.add_argument(name, default=argparse.SUPPRESS, help=text, **how)

    group = parser.add_argument_group("what is learned")
    option(group, "--data", "name of a data set; `minivae info` lists them", metavar="NAME")
    option(
        group,
        "--binarise",
        "how grey pixels become 0 or 1: drawn anew each time, drawn once, or cut at ½ "
        "(default: dynamic where a Bernoulli likelihood meets grey pixels, else not at all)",
        choices=("dynamic", "fixed", "threshold"),
    )

    group = parser.add_argument_group("the model")
    option(group, "--model", "vae: fully connected layers; conv: convolutions", choices=("vae", "conv"))
    option(group, "--latent-dim", "number of latent dimensions", type=whole_number(1), metavar="N")
    option(group, "--hidden", "widths of the hidden layers of --model vae", type=whole_numbers, metavar="N,N,...")
    option(group, "--channels", "channels of the layers of --model conv", type=whole_numbers, metavar="N,N,...")
    option(group, "--activation", "relu, elu, gelu, silu, tanh, ...", metavar="NAME")
    option(
        group,
        "--likelihood",
        "p(x|z): bernoulli: pixels are 0 or 1; gaussian: real values, fixed noise; gaussian-learned: noise is "
        "learned too; grey-bce: the cross-entropy of grey pixels, common but not a likelihood",
        choices=("bernoulli", "grey-bce", "gaussian", "gaussian-learned"),
    )

    group = parser.add_argument_group("how it is learned")
    option(group, "--epochs", "passes over the training data", type=whole_number(1), metavar="N")
    option(group, "--steps", "length of the run in batches, instead of --epochs", type=whole_number(1), metavar="N")
    option(group, "--batch-size", "images in a step", type=whole_number(1), metavar="N")
    option(group, "--lr", "learning rate of Adam", type=number(above=0), metavar="X")
    option(
        group,
        "--schedule",
        "how the learning rate changes: not at all, down to 0, up at first, or both",
        choices=("constant", "cosine", "warmup", "warmup-cosine"),
    )
    option(
        group, "--clip-norm", "limit the length of the gradient (default: no limit)", type=number(above=0), metavar="X"
    )
    option(group, "--beta", "weight of the KL term", type=number(at_least=0), metavar="X")
    option(group, "--seed", "of initial weights, order, noise and binarisation", type=whole_number(0), metavar="N")

    group = parser.add_argument_group("where")
    group.add_argument("--run-dir", metavar="RUN", help="run folder (default: runs/DATA-MODEL)")
    group.add_argument("--resume", metavar="RUN", help="go on with the run in this folder, with its settings")
    group.add_argument("--overwrite", action="store_true", help="replace the run that is in the run folder")
    group.add_argument(
        "--checkpoint-every",
        type=number(at_least=0),
        default=60.0,
        metavar="SECONDS",
        help="time between checkpoints within an epoch; each epoch ends with one (default: 60)",
    )
    group.add_argument("--quiet", action="store_true", help="no table and no progress bar")
    add_backend(group)


def run(args: argparse.Namespace) -> int:
    """Train, draw, and say what is where."""
    for module in ("matplotlib", "safetensors.numpy"):
        require(module, "train")  # now, not when they are first needed: that is after the first epoch
    given = {name: value for name, value in vars(args).items() if name in DEFAULTS}
    backend = use_backend(args)
    if args.resume:
        folder = Path(args.resume)
        settings = _settings_of_run(args, folder, given)
    else:
        settings = DEFAULTS | given
        _refuse_idle_options(settings, given)
        folder = Path(args.run_dir or f"runs/{settings['data']}-{settings['model']}")
        _check_folder(folder, args.overwrite)

    from minivae.cli.info import describe_blas
    from minivae.cli.runs import load_data
    from minivae.models import build
    from minivae.training import TrainingInterrupted, delete_checkpoint, fit, read_description

    train, test = load_data(settings["data"])
    before = read_description(folder) if args.resume else {"model": _model_config(settings, train)}
    model = build(before["model"])
    if args.overwrite:
        delete_checkpoint(folder)

    say = (lambda *_: None) if args.quiet else print
    say(f"data     {settings['data']}: {len(train):,} training and {len(test):,} test examples ({train.source})")
    say(f"model    {_describe_model(model)}")
    say(f"machine  {describe_blas() if backend == 'numpy' else backend}")
    say(f"folder   {folder}{'  (resumed)' if args.resume else ''}\n")
    try:
        history = fit(
            model,
            train,
            test,
            **{name: settings[name] for name in _FIT_SETTINGS},
            run_dir=folder,
            resume=bool(args.resume),
            checkpoint_every=args.checkpoint_every,
            progress=not args.quiet,
        )
    except TrainingInterrupted as stop:
        where = str(stop).partition("\nTo go on")[0]
        raise KeyboardInterrupt(f"{where}\nTo go on:  minivae train --resume {folder}") from None

    if args.resume and history[-1]["step"] == before["progress"]["step"]:
        say("\nNothing was left to do. To make this run longer, give more --epochs (or --steps).")

    from minivae.cli.report import draw_pictures, print_summary

    pictures = draw_pictures(folder, model, test, history, read_description(folder))
    if not args.quiet:
        print_summary(folder, history, pictures)
    return 0


_FIT_SETTINGS = (*("epochs", "steps", "batch_size", "lr", "beta", "binarise", "schedule", "clip_norm", "seed"),)
_MODEL_OPTIONS = {"vae": ("hidden",), "conv": ("channels",)}


def _model_config(settings: dict[str, Any], train: Any) -> dict[str, Any]:
    """What `minivae.models.build` takes."""
    names = (*_MODEL_OPTIONS[settings["model"]], "latent_dim", "activation", "likelihood", "seed")
    kind = {"vae": "VAE", "conv": "ConvVAE"}[settings["model"]]
    return {"type": kind, "image_shape": list(train.image_shape), **{name: settings[name] for name in names}}


def _settings_of_run(args: argparse.Namespace, folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    """The settings of the run to be resumed; only its length may be changed.

    Raises:
        ConfigError: other options were given too.
        CheckpointError: the folder has no checkpoint.
    """
    from minivae.training import read_description

    wrong = [name for name in given if name not in MAY_CHANGE]
    wrong += [name for name in ("run_dir", "overwrite") if getattr(args, name)]
    if wrong:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in wrong)
        raise ConfigError(
            f"--resume goes on with the settings of the run, and {options} would change them. "
            "Leave it out, or begin a new run without --resume. Only --epochs or --steps can be changed."
        )
    description = read_description(folder)
    settings = description["settings"] | {"data": description["data"]["train"]["name"]}
    missing = [name for name in _FIT_SETTINGS if name not in settings]
    if missing:
        raise CheckpointError(f"the checkpoint in {folder} lacks the settings {', '.join(missing)}")
    if "epochs" in given and "steps" not in given:
        given = given | {"steps": None}
    return settings | given


def _refuse_idle_options(settings: dict[str, Any], given: dict[str, Any]) -> None:
    """Raise ConfigError for an option that the chosen model would ignore."""
    for model, names in _MODEL_OPTIONS.items():
        idle = [name for name in names if name in given and model != settings["model"]]
        if idle:
            raise ConfigError(f"--{idle[0]} belongs to --model {model}, but the model is {settings['model']}")
    if "steps" in given and "epochs" in given:
        raise ConfigError("--steps and --epochs both say how long to train; give one of them")


def _check_folder(folder: Path, overwrite: bool) -> None:
    """Raise ConfigError if the folder is not empty, unless its run may be replaced."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"the run folder {folder} is a file; name another one with --run-dir")
    if overwrite or not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / "checkpoint.json").exists():
        raise ConfigError(
            f"the folder {folder} holds other files, and no run. Name another one with --run-dir, or add --overwrite "
            "to put the run beside them"
        )
    width = len(f"--resume {folder}") + 3
    raise ConfigError(
        f"the run folder {folder} exists already. Add one of these:\n"
        f"  {f'--resume {folder}':<{width}}go on with that run\n"
        f"  {'--overwrite':<{width}}replace it\n"
        f"  {'--run-dir RUN':<{width}}write into another folder"
    )


def _describe_model(model: Any) -> str:
    config = model.config
    return (
        f"{type(model).__name__}, {sum(p.size for p in model.parameters()):,} parameters, "
        f"{config['latent_dim']} latent dimensions, likelihood {config['likelihood']}"
    )


__all__ = ["DEFAULTS", "add", "run"]
