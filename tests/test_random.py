"""Random streams: a seed and a place in the program fix every number."""

from __future__ import annotations

import threading

import numpy as np

from minivae import random


def test_same_seed_and_path_same_numbers():
    a = random.normal(random.stream(3, "noise", 17), (5,))
    b = random.normal(random.stream(3, "noise", 17), (5,))
    assert np.array_equal(a, b)


def test_another_seed_name_or_step_gives_other_numbers():
    draws = [
        random.normal(random.stream(*path), (5,)).tolist()
        for path in [(3, "noise", 17), (4, "noise", 17), (3, "shuffle", 17), (3, "noise", 18), (3, "noise")]
    ]
    assert len({tuple(draw) for draw in draws}) == 5


def test_noise_does_not_depend_on_dtype():
    a = random.normal(random.stream(0), (100,), np.float32)
    b = random.normal(random.stream(0), (100,), np.float64)
    assert a.dtype == np.float32
    assert b.dtype == np.float64
    assert np.array_equal(a, b)


def test_manual_seed_fixes_the_default_generator_of_this_thread_only():
    random.manual_seed(7)
    first = random.default_rng().random()
    random.manual_seed(7)
    other = []
    thread = threading.Thread(target=lambda: other.append(random.default_rng().random()))
    thread.start()
    thread.join()
    assert random.default_rng().random() == first
    assert other != [first]


def test_neighbouring_steps_are_independent():
    """The correlation of 2,000 first draws with their neighbours is zero within four standard errors."""
    first = np.array([random.stream(0, "step", i).standard_normal() for i in range(2_001)])
    correlation = np.corrcoef(first[:-1], first[1:])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(2_000)
