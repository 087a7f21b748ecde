"""Data sets (embedded, found on disk, downloaded, or drawn) and the loader that cuts them into batches."""

from minivae.data.binarise import binarised
from minivae.data.catalogue import NAMES, available, density, load, toy
from minivae.data.dataset import Dataset, as_dataset, check_images
from minivae.data.densities import DENSITIES, Density
from minivae.data.loader import Batch, DataLoader
from minivae.data.mnist_files import fashion_mnist, mnist
from minivae.data.shapes import dsprites, factor_values, sprites
from minivae.data.sklearn_digits import digits

__all__ = [
    "DENSITIES",
    "NAMES",
    "Batch",
    "DataLoader",
    "Dataset",
    "Density",
    "as_dataset",
    "available",
    "binarised",
    "check_images",
    "density",
    "digits",
    "dsprites",
    "factor_values",
    "fashion_mnist",
    "load",
    "mnist",
    "sprites",
    "toy",
]
