"""The exercise's toy problem: five points in four dimensions, three classes, and the numbers to match.

The numbers are the exercise's own. They hold for a network drawn right after `np.random.seed(0)`, which
is `TwoLayerNet(INPUT_SIZE, HIDDEN_SIZE, CLASSES, std=STD)`, on the points drawn after `np.random.seed(1)`.
"""

import numpy as np
from numpy.typing import NDArray

INPUT_SIZE, HIDDEN_SIZE, CLASSES = 4, 10, 3
STD = 0.1
"""Standard deviation of the toy network's weights."""

REG = 0.05
"""lambda at which `LOSS` holds."""

LOSS = 1.30378789133
"""The objective (13), in nats."""

SCORES = np.array(
    [
        [0.36446210, 0.22911264, 0.40642526],
        [0.47590629, 0.17217039, 0.35192332],
        [0.43035767, 0.26164229, 0.30800004],
        [0.41583127, 0.29832280, 0.28584593],
        [0.36328815, 0.32279939, 0.31391246],
    ]
)
"""Probabilities (7) of the five points, (5, 3)."""


def toy_weights() -> dict[str, NDArray[np.float64]]:
    """The toy network's parameters: W1 (4, 10), b1 (10,), W2 (10, 3), b2 (3,)."""
    rng = np.random.RandomState(0)
    return {
        "W1": STD * rng.standard_normal((INPUT_SIZE, HIDDEN_SIZE)),
        "b1": np.zeros(HIDDEN_SIZE),
        "W2": STD * rng.standard_normal((HIDDEN_SIZE, CLASSES)),
        "b2": np.zeros(CLASSES),
    }


def toy_data() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The five points X (5, 4) and their labels y (5,)."""
    X = 10 * np.random.RandomState(1).standard_normal((5, INPUT_SIZE))
    return X, np.array([0, 1, 2, 2, 1])
