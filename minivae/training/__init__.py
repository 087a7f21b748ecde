"""Training: the loop, its history, checkpoints that resume to the bit."""

from minivae.training.checkpoint import (
    Checkpoint,
    delete_checkpoint,
    load_checkpoint,
    read_description,
    save_checkpoint,
)
from minivae.training.history import COLUMNS, History
from minivae.training.interrupts import TrainingInterrupted
from minivae.training.loop import fit, loss_labels
from minivae.training.restore import load_model
from minivae.training.schedule import SCHEDULES, make_schedule

__all__ = [
    "COLUMNS",
    "SCHEDULES",
    "Checkpoint",
    "History",
    "TrainingInterrupted",
    "delete_checkpoint",
    "fit",
    "load_checkpoint",
    "load_model",
    "loss_labels",
    "make_schedule",
    "read_description",
    "save_checkpoint",
]
