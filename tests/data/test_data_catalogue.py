"""Every name in the catalogue loads, and an unknown one is answered with the names there are."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from minivae.data import DENSITIES, NAMES, available, load
from minivae.errors import DataError

NEED_FILES = {"mnist", "fashion-mnist-full"}


@pytest.mark.parametrize("name", sorted(set(NAMES) - NEED_FILES))
def test_every_name_that_needs_no_files_loads(name):
    if name == "digits":
        pytest.importorskip("sklearn")
    train, test = load(name, seed=1)
    assert len(train) > len(test) > 0
    assert train.name == test.name == name
    assert train.image_shape == test.image_shape


def test_every_density_is_in_the_catalogue():
    assert set(DENSITIES) < set(NAMES)


@pytest.mark.parametrize("name", ["digits", "dsprites", "ring"])
def test_the_seed_reaches_what_is_random(name):
    if name == "digits":
        pytest.importorskip("sklearn")
    assert not np.array_equal(load(name, seed=1)[1].images, load(name, seed=2)[1].images)


@pytest.mark.parametrize(
    ("given", "meant"), [("fashion-minst", "fashion-mnist"), ("MNIST", "mnist"), ("fashion_mnist", "fashion-mnist")]
)
def test_an_unknown_name_is_answered_with_the_closest_and_all_names(given, meant):
    with pytest.raises(DataError, match=f"Did you mean '{meant}'") as caught:
        load(given)
    assert all(name in str(caught.value) for name in NAMES)


def test_a_name_like_no_other_gets_the_list_without_a_guess():
    with pytest.raises(DataError, match="unknown data set 'xyzzy'") as caught:
        load("xyzzy")
    assert "Did you mean" not in str(caught.value)


def test_available_has_an_answer_for_every_name():
    answers = available()
    assert list(answers) == list(NAMES)
    assert answers["fashion-mnist"] == "comes with minivae"


def test_importing_the_data_part_imports_none_of_its_extras():
    code = "import sys, minivae.data; print({'pooch', 'tqdm', 'sklearn', 'requests', 'cupy'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
