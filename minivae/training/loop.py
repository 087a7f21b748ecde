"""`fit`: the training loop."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from minivae.data import DataLoader, as_dataset
from minivae.errors import ConfigError
from minivae.metrics import evaluate
from minivae.optim import Adam, Optimizer, clip_grad_norm_
from minivae.random import manual_seed
from minivae.training.checks import check_batch_size, check_data, choose_binarise, describe_data, likelihood_of
from minivae.training.history import History
from minivae.training.interrupts import StopRequest, TrainingInterrupted
from minivae.training.progress import Progress
from minivae.training.run import Run
from minivae.training.schedule import make_schedule

LOOK_EVERY = 0.5  # seconds between two looks at the loss; on a GPU each look waits for the device


def fit(
    model: Any,
    train: Any,
    test: Any = None,
    *,
    epochs: int = 20,
    steps: int | None = None,
    batch_size: int = 128,
    lr: float = 1e-3,
    beta: float = 1.0,
    binarise: str | None = None,
    optimizer: Optimizer | None = None,
    schedule: str = "constant",
    clip_norm: float | None = None,
    seed: int = 0,
    run_dir: str | Path | None = None,
    resume: bool = False,
    checkpoint_every: float = 60.0,
    progress: bool = True,
) -> History:
    """Train a VAE: minimise reconstruction + beta · KL over the training data, in random batches.

    All randomness at a step depends on the seed and the number of the step alone, never on what was drawn before. So a
    run that was stopped or killed, and is then resumed, ends with the same parameters, to the bit, as one that never
    stopped (on the same machine with the same number of threads).

    Args:
        model: has `elbo(x, beta=...)`, `encode`, `decode` and `parameters()`; a `minivae.models.VAE`, or your own.
        train: a `minivae.data.Dataset`, or an array of examples.
        test: another one; evaluated after every epoch.
        epochs: passes over the training data.
        steps: the length of the run in steps (batches); if given, `epochs` does not count.
        batch_size: examples in a step.
        lr: the learning rate of Adam.
        beta: weight of the KL term (Higgins et al. 2017); 1 is the ELBO.
        binarise: how grey pixels become 0 or 1 (see `DataLoader`). None: "dynamic" where a Bernoulli likelihood meets
            grey pixels, else pixels stay as they are.
        optimizer: one made of `model.parameters()`; by default Adam. Then its own lr counts.
        schedule: "constant", "cosine", "warmup" or "warmup-cosine".
        clip_norm: largest norm of the gradient; None: any.
        seed: of shuffling, binarisation and noise (not of the initial weights: those are the model's).
        run_dir: folder for checkpoints and metrics.csv; None: nothing is written.
        resume: go on from the checkpoint in `run_dir`.
        checkpoint_every: seconds between checkpoints within an epoch; there is one after each epoch anyway.
        progress: print a table with a line an epoch, and a progress bar where there is a terminal.

    Returns:
        The history: a row an epoch, losses in nats per example. `metrics.csv` has the same rows.

    Raises:
        DataError, ShapeError: the data are empty, not finite, outside the likelihood's support, of another shape.
        ConfigError: a setting cannot work.
        CheckpointError: the checkpoint to resume belongs to another model, other data or settings.
        NonFiniteError: the loss or a parameter became NaN or infinite; says at which step and what to try.
        TrainingInterrupted: Ctrl-C or SIGTERM; a KeyboardInterrupt raised after the step at hand was saved.
    """
    train, test = as_dataset(train), None if test is None else as_dataset(test)
    binarise = choose_binarise(model, train, binarise)
    _check_settings(epochs=epochs, steps=steps, beta=beta, clip_norm=clip_norm, checkpoint_every=checkpoint_every)
    check_data(model, train, "training", binarise)
    check_batch_size(model, train, batch_size)
    if test is not None:
        check_data(model, test, "test", binarise)

    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise ConfigError(f"optimizer is {optimizer!r}; expected for instance mv.optim.SGD(model.parameters(), lr=0.1)")
    loader = DataLoader(train, batch_size, seed=seed, binarise=binarise)
    optimizer = optimizer or Adam(model.parameters(), lr=lr)
    run = Run(
        model=model,
        optimizer=optimizer,
        data={"train": describe_data(train), "test": None if test is None else describe_data(test)},
        settings={
            "epochs": epochs,
            "steps": steps,
            "batch_size": batch_size,
            "optimizer": type(optimizer).__name__,
            "lr": optimizer.lr,
            "schedule": schedule,
            "clip_norm": clip_norm,
            "beta": beta,
            "binarise": binarise,
            "seed": seed,
        },
        history=History(labels=loss_labels(model, beta)),
        folder=None if run_dir is None else Path(run_dir),
    )
    total = epochs * len(loader) if steps is None else steps
    learning_rate = make_schedule(schedule, optimizer, total)
    if resume:
        run.restore()
    else:
        run.prepare_folder()

    bar = Progress(progress, run.history.labels, test is not None)
    bar.start(run.history)
    model.train()
    with StopRequest() as stop:
        try:
            while run.step < total:
                bar.start_epoch(run.epoch + 1, -(-total // len(loader)), len(train), run.examples)
                look = time.monotonic() + LOOK_EVERY

                for batch in loader.epoch(run.epoch, start=run.batch):
                    manual_seed(seed, "step", run.step)  # for the noise in elbo(), and for dropout
                    optimizer.lr = learning_rate.lr_at(run.step)
                    optimizer.zero_grad()
                    terms = model.elbo(batch.x, beta=beta)
                    terms.loss.backward()
                    if clip_norm is not None:
                        clip_grad_norm_(model.parameters(), clip_norm)
                    optimizer.step()
                    run.count(terms, len(batch.x))

                    bar.advance(len(batch.x))
                    if time.monotonic() > look:
                        bar.show(run.means())
                        look = time.monotonic() + LOOK_EVERY
                    if run.step == total or stop.requested:
                        break
                    if run.since_saved() > checkpoint_every:
                        run.save()

                if run.batch == len(loader) or run.step == total:
                    _end_epoch(run, test, len(loader), beta, bar)
                run.save()
                if stop.requested and run.step < total:
                    raise TrainingInterrupted(_how_to_go_on(run, total), run.history)
        finally:
            bar.close()
    return run.history


def loss_labels(model: Any, beta: float = 1.0) -> dict[str, str]:
    """What the loss and its reconstruction term are to be called: −ELBO and NLL only where they are that."""
    proper = likelihood_of(model) != "grey-bce"
    loss = "−ELBO" if proper and beta == 1 else f"loss, β={beta:g}" if beta != 1 else "loss"
    return {"loss": loss, "reconstruction": "NLL" if proper else "grey BCE"}


def _end_epoch(run: Run, test: Any, batches: int, beta: float, bar: Progress) -> None:
    """Evaluate, add a row to the history, and move on to the next epoch if this one is complete."""
    row: dict[str, Any] = {"epoch": run.epoch + 1, "step": run.step}
    row |= {f"train_{term}": value for term, value in run.means().items()}
    if test is not None:
        settings = run.settings
        result = evaluate(run.model, test, binarise=settings["binarise"], seed=settings["seed"])
        row["test_reconstruction"], row["test_kl"] = float(result.reconstruction), float(result.kl)
        row["test_loss"] = row["test_reconstruction"] + beta * row["test_kl"]
    row["seconds"] = round(run.elapsed(), 3)
    if len(run.history) and run.history[-1]["epoch"] == row["epoch"]:
        run.history.rows.pop()  # a run that ended within this epoch has been made longer
    run.history.append(row)
    bar.end_epoch(row)
    if run.batch == batches:
        run.next_epoch()


def _how_to_go_on(run: Run, total: int) -> str:
    where = f"stopped after step {run.step} of {total} (epoch {run.epoch + 1})"
    if run.folder is None:
        return f"{where}. Nothing was saved: no run_dir was given."
    return f"{where}; all is saved in {run.folder}.\nTo go on: fit(..., run_dir={str(run.folder)!r}, resume=True)"


def _check_settings(**settings: Any) -> None:
    """Raise ConfigError for a setting that cannot work."""
    for name in ("epochs", "steps"):
        value = settings[name]
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise ConfigError(f"{name} is {value!r}; expected a whole number, 1 or more")
    for name in ("beta", "checkpoint_every"):
        if not settings[name] >= 0:
            raise ConfigError(f"{name} is {settings[name]!r}; expected a number, 0 or more")
    if settings["clip_norm"] is not None and not settings["clip_norm"] > 0:
        raise ConfigError(f"clip_norm is {settings['clip_norm']!r}; expected a number above 0, or None")
