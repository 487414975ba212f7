"""How long something takes on this machine, said before it begins: from a measurement of half a second."""

from __future__ import annotations

import math
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fcnet.data.dataset import Dataset
    from fcnet.train.config import TrainConfig

PROBE = 0.0125
"""Seconds of one `step` on the machine of the full run: two cores of an Intel Xeon, results/probe.json."""

TIMES = {"reproduce": 898.0, "quick": 75.0, "ex2_FCnet.py": 60.0, "ex2_pytorch.py": 78.0, "tests": 600.0}
"""Seconds that each takes there on CIFAR-10, its trainings and what is drawn and written afterwards.

"quick" and "ex2_FCnet.py" were timed on another machine of two cores. That of the tests is said only until
they have run once on a machine: afterwards it is what they took.
"""

PRODUCTS = 2 * 200 * 3072 * 1024
"""Multiplications of one `step`."""

ABOVE_PRODUCTS, PER_NUMBER, WHITENING = 1.15, 2.4e-9, 5.0
"""What a training step costs there: this multiple of its products, and seconds for each number of its
minibatch besides, three times as many where images are deformed. Whitening takes so many seconds at first."""

MEASURED = 0.5
"""Seconds that the measurement takes."""


def step() -> float:
    """Seconds of the matrix products of a training step: 200 images, 1,024 hidden units, float32."""
    rng = np.random.default_rng(0)
    X, W1, delta = (
        rng.standard_normal(shape, dtype=np.float32) for shape in ((200, 3072), (3072, 1024), (200, 1024))
    )
    Z, dW1 = np.empty_like(delta), np.empty_like(W1)
    taken: list[float] = []
    while len(taken) < 3 or sum(taken) < MEASURED:
        start = time.perf_counter()
        np.matmul(X, W1, out=Z)
        np.matmul(X.T, delta, out=dW1)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def expected(what: str, processes: int = 1) -> str:
    """How long one of `TIMES` takes here, in words: `about 15 minutes on this machine`.

    processes : that share the work, each as fast as `step` in this one
    """
    return f"{about(TIMES[what] * step() / PROBE / processes)} on this machine"


def trained(config: TrainConfig, dataset: Dataset) -> float:
    """Seconds, roughly, that a training with the NumPy engine takes here."""
    examples, inputs = len(dataset.train) - config.validation, math.prod(dataset.image_shape)
    steps = config.iterations or config.epochs * max(1, examples // config.batch_size)
    products = config.step_products(inputs, len(dataset.classes))
    deformed = 3 if config.mirror or config.shift or config.rotate or config.zoom else 1
    speed = step() / PROBE
    one = PROBE * ABOVE_PRODUCTS * products / PRODUCTS + PER_NUMBER * deformed * config.batch_size * inputs
    last = examples / config.batch_size * PROBE * products / PRODUCTS / 4  # forward alone, without gradients
    return speed * (steps * one + last + WHITENING * config.whitens * inputs / 3072)


def about(seconds: float) -> str:
    """A time in one or two figures: `about 40 seconds`, `about 15 minutes`, `about 3 hours`."""
    if seconds < 95:
        return f"about {max(10, round(seconds, -1)):.0f} seconds"
    if seconds < 5400:
        return f"about {round(seconds / 60)} minutes"
    return f"about {round(seconds / 3600)} hours"
