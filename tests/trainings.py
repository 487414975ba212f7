"""Trainings on scikit-learn's digits that take a fraction of a second, and a finger on Ctrl-C."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

from fcnet.train.callbacks import Callback
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


class StopAfter(Callback):
    """Presses Ctrl-C in the middle of a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        if step == self.step:
            signal.raise_signal(signal.SIGINT)
