"""How long the exercise takes on this machine, said before it begins: from a measurement of half a second."""

from __future__ import annotations

import statistics
import time

import numpy as np

PROBE = 0.0141
"""Seconds of one `step` on the machine of the times below: two cores of an AMD EPYC, results/benchmarks."""

TIMES = {"reproduce": 880.0, "quick": 75.0, "ex2_FCnet.py": 60.0, "ex2_pytorch.py": 60.0}
"""Seconds that each takes there on CIFAR-10, its trainings and what is drawn and written afterwards."""

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


def expected(what: str) -> str:
    """How long one of `TIMES` takes here, in words: `about 15 minutes on this machine`."""
    return f"{about(TIMES[what] * step() / PROBE)} on this machine"


def about(seconds: float) -> str:
    """A time in one or two figures: `about 40 seconds`, `about 15 minutes`, `about 3 hours`."""
    if seconds < 95:
        return f"about {max(10, round(seconds, -1)):.0f} seconds"
    if seconds < 5400:
        return f"about {round(seconds / 60)} minutes"
    return f"about {round(seconds / 3600)} hours"
