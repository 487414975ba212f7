"""Trainings on scikit-learn's digits that take a fraction of a second."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fcnet.train.config import TrainConfig

SMALL = TrainConfig(
    hidden=(24,),
    initialisation="he",
    preprocessing="standardised",
    batch_size=60,
    epochs=3,
    learning_rate=0.05,
    momentum=0.9,
    reg=1e-4,
    validation=200,
)


def small(**settings: Any) -> TrainConfig:
    """Three epochs of 21 steps, the last of each with a smaller minibatch."""
    return replace(SMALL, **settings)
