"""What a training step costs besides its arithmetic, counted and not timed: allocations and calls.

Times in a test are noise. What a step allocates in its steady state, and how many functions of Python and of
C it calls, is the same on every machine, and it is what makes a small net slow.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from itertools import cycle

import numpy as np
import pytest

from fcnet.data.dataset import Part
from fcnet.data.minibatches import minibatches
from fcnet.train.config import TrainConfig
from fcnet.train.engine import NumpyEngine

B, HIDDEN = 200, 256

ALLOCATIONS = {
    # a minibatch of pixels as float32 is 2.4 MB, of hidden units 205 kB, W1 3.1 MB: none of them fits below
    "plain": ({}, 40),
    "momentum": ({"momentum": 0.9}, 40),
    "nesterov": ({"momentum": 0.9, "optimiser": "nesterov"}, 40),
    "adam": ({"optimiser": "adam"}, 40),
    "dropout": ({"dropout": 0.5}, 40),
    "label smoothing": ({"label_smoothing": 0.1}, 40),
    "symmetric pixels": ({"preprocessing": "symmetric"}, 40),
    "whitened": ({"preprocessing": "whitened", "components": 64, "side": 8}, 40),
    "mirrored and shifted": ({"mirror": True, "shift": 3}, 40),
    "turned and zoomed": ({"mirror": True, "shift": 3, "rotate": 15.0, "zoom": 0.15}, 40),
}
"""Settings, and how many KiB a step may allocate at its peak: vectors of the batch, of the hidden units and
of the classes, and NumPy's own buffers for mixed types; 36 when this was written."""

CALLS = {"plain": 220, "momentum": 295}
"""Calls of functions in a step of the exercise's net, Python's and C's together; 210 and 281 when
this was written. A product is 15 of them, two to see that its output shares no memory with a factor."""


def stepper(hidden: tuple[int, ...] = (HIDDEN,), side: int = 32, **settings: object) -> Callable[[], float]:
    """One call is one step on random images, with everything that is allocated once allocated."""
    rng = np.random.default_rng(0)
    given = {"initialisation": "he", "preprocessing": "standardised", "reg": 1e-4} | settings
    config = TrainConfig(hidden=hidden, batch_size=B, **given)  # type: ignore[arg-type]
    part = Part(rng.integers(256, size=(2 * B, 3 * side**2), dtype=np.uint8), rng.integers(10, size=2 * B))
    engine = NumpyEngine(config, part, (3, side, side), tuple("0123456789"))
    batches = cycle([*minibatches(2 * B, B, engine.views, seed=0, epoch=0)])

    def step() -> float:
        return engine.step(next(batches), 1e-4)

    for _ in range(3):
        step()
    return step


def allocated(step: Callable[[], object]) -> tuple[float, float]:
    """KiB at the peak of two steps, and KiB that they left behind."""
    tracemalloc.start()
    try:
        step()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        step()
        step()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (peak - before) / 1024, (after - before) / 1024


def calls(step: Callable[[], object]) -> Counter[str]:
    """Functions that a step calls, by what they are ("call" Python's, "c_call" C's)."""
    counted: Counter[str] = Counter()
    sys.setprofile(lambda frame, event, argument: counted.update([event]))
    try:
        step()
    finally:
        sys.setprofile(None)
    counted["c_call"] -= 1  # that of setprofile itself
    return counted


@pytest.mark.parametrize("name", ALLOCATIONS)
def test_a_step_allocates_nothing_large_and_keeps_nothing(name):
    settings, most = ALLOCATIONS[name]
    peak, kept = allocated(stepper(**settings))
    assert peak <= most
    assert kept <= 1


@pytest.mark.parametrize("name", CALLS)
def test_a_step_of_a_small_net_calls_few_functions(name):
    counted = calls(stepper((50,), **ALLOCATIONS[name][0]))
    assert counted["call"] + counted["c_call"] <= CALLS[name]


def test_the_calls_of_a_step_are_the_same_each_time():
    step = stepper((50,))
    assert calls(step) == calls(step)


def test_an_array_as_large_as_a_minibatch_would_be_seen():
    step = stepper()
    kept = []
    peak, _ = allocated(lambda: (step(), np.empty((B, HIDDEN), np.float32)))
    assert peak > 150
    peak, left = allocated(lambda: (step(), kept.append(np.empty(3000))))
    assert left > 20
    few, more = calls(step), calls(lambda: (step(), abs(1), abs(1)))
    assert more["c_call"] == few["c_call"] + 2
