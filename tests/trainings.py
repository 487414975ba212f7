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


KINDS: dict[str, dict[str, Any]] = {
    "two layers": {"hidden": (24,)},
    "five layers": {"hidden": (16, 14, 12, 10), "schedule": "cosine", "warmup_epochs": 0.5},
    "deformed, whitened": {"preprocessing": "whitened", "components": 30, "mirror": True, "shift": 1},
    "symmetric, PyTorch's weights": {"preprocessing": "symmetric", "initialisation": "pytorch"},
    "centred, nesterov": {"preprocessing": "centred", "optimiser": "nesterov", "learning_rate": 1e-3},
    "adam, smoothed": {"optimiser": "adam", "learning_rate": 0.003, "label_smoothing": 0.1},
    "tanh, adamw": {"activation": "tanh", "optimiser": "adamw", "learning_rate": 0.003, "reg": 0.1},
    "lasso": {"hidden": (16, 14), "lasso": 1e-4, "reg": 1e-3},
    "lasso, nesterov, ZCA": {
        "lasso": 1e-4, "optimiser": "nesterov", "preprocessing": "zca", "components": 40,
        "receptive_field": 3.0,
    },
    "lasso, adam": {"lasso": 1e-3, "optimiser": "adam", "learning_rate": 0.003},
    "normed": {"hidden": (16, 14), "norm": "layernorm", "schedule": "constant"},
    "residual": {
        "hidden": (16,), "blocks": 2, "norm": "layernorm", "activation": "gelu", "optimiser": "adamw",
        "learning_rate": 0.003, "preprocessing": "whitened", "components": 30,
    },
}  # fmt: skip
"""Settings that differ from those of `small`, which both engines train alike."""


class StopAfter(Callback):
    """Presses Ctrl-C in the middle of a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        if step == self.step:
            signal.raise_signal(signal.SIGINT)
