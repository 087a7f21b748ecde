"""What a training run leaves behind: its pictures, and a summary that says what is where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minivae.cli.runs import picture_inputs, spread


def draw_pictures(folder: Path, model: Any, test: Any, history: Any, description: dict[str, Any]) -> dict[str, str]:
    """Write the pictures of a run into its folder; returns file name -> what it shows.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    from minivae import plots

    run = f"{folder.name}, step {description['progress']['step']:,}"
    drawn = {"loss_curves.png": "losses of each epoch"}
    is_picture = len(test.image_shape) == 3 and test.image_shape[0] in (1, 3)
    unit = "nats per image" if is_picture else "nats per example"
    plots.loss_curves(history, title=f"Training · {folder.name}", unit=unit, path=folder / "loss_curves.png")
    if is_picture:
        shown = test[spread(test, 24)]
        inputs = picture_inputs(shown, description["settings"]["binarise"])
        plots.reconstructions(
            model,
            shown.images,
            inputs=inputs,
            title=f"Reconstructions of test images · {run}",
            path=folder / "reconstructions.png",
        )
        drawn["reconstructions.png"] = "test images and what is left of them after the latent space"
        plots.samples(model, 64, title=f"Samples · {run}", path=folder / "samples.png")
        drawn["samples.png"] = "images that the model made up"
        if model.config["latent_dim"] == 2:
            plots.latent_map(
                model,
                test,
                binarise=description["settings"]["binarise"],
                title=f"The latent space · {run}",
                path=folder / "latent_map.png",
            )
            drawn["latent_map.png"] = "the two latent dimensions: where images go, what comes from where"
    return drawn


def print_summary(folder: Path, history: Any, pictures: dict[str, str]) -> None:
    """Print the last losses, the files, and what to try next."""
    last, labels = history[-1], history.labels
    print(
        f"\ntest {labels['loss']} {last['test_loss']:.2f} nats per example = {labels['reconstruction']} "
        f"{last['test_reconstruction']:.2f} + KL {last['test_kl']:.2f}, after {last['seconds']:.0f} s\n"
    )
    files = {
        "checkpoint.json": "the model and all that is needed to go on",
        "metrics.csv": "losses of each epoch, in nats per example",
    }
    width = max(map(len, files | pictures))
    print(f"in {folder}:")
    for name, what in (files | pictures).items():
        print(f"  {name:<{width}}  {what}")
    print("\nnext, for instance:")
    for command in ("sample", "interpolate", "evaluate") if "samples.png" in pictures else ("evaluate",):
        print(f"  minivae {command} {folder}")
    print(f"  minivae train --resume {folder} --epochs {2 * last['epoch']}")
