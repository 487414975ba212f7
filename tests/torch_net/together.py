"""What a process does alone or among its workers, one thing after the other: to start PyTorch takes long.

Tasks are `[["gradients", "PREFIX"], ["train", ...], ...]`; a first word other than `gradients` is a command
of fcnet. Trainings write a checkpoint every hundredth of a second, and shuffle rows in windows of few rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from unittest.mock import patch

import numpy as np

from fcnet.cli import main
from fcnet.data import blocks
from fcnet.data.dataset import split
from fcnet.data.digits import load_digits
from fcnet.data.minibatches import Minibatch
from fcnet.runs.engines import workplace
from fcnet.torch_net.engine import TorchEngine
from fcnet.torch_net.weights import gradients_of
from fcnet.train.config import TrainConfig

PLAIN = TrainConfig(
    hidden=(24, 12), initialisation="he", preprocessing="standardised", dropout=0.3, mirror=True,
    label_smoothing=0.1, validation=200, engine="torch", device="cpu", precision="float64",
)  # fmt: skip
KINDS = {
    "plain": PLAIN,
    "augmented": replace(PLAIN, cutout=3, mixup=0.4),
    "banked": replace(PLAIN, preprocessing="whitened", components=30, bank=1),
}
EXAMPLES = (50, 2)


def gradients(prefix: str) -> None:
    """Write loss and gradients of a minibatch of 50 and of one of 2 examples, of each kind."""
    digits = load_digits()
    train, _ = split(digits.train, 200)
    with workplace(PLAIN) as place:
        for kind, config in KINDS.items():
            engine = TorchEngine(config, train, digits.image_shape, digits.classes, place.workers)
            for examples in EXAMPLES:
                rng = np.random.default_rng(3)
                rows, views = rng.permutation(len(train))[:examples], rng.integers(2, size=examples)
                engine.network.zero_grad()
                engine.optimiser.step = lambda learning_rate: None  # the gradients stay
                loss = engine.step(Minibatch(rows, views), 0.1)
                if place.workers.rank == 0:
                    found = gradients_of(engine.network)
                    np.savez(f"{prefix}-{kind}-{examples}.npz", loss=loss, **found)
        del engine  # it holds the group's threads, which are to end with the group


def do(tasks: Iterable[list[str]]) -> int:
    """One after the other; the exit status of the first that is refused, or 0."""
    often = patch("fcnet.train.fit.CHECKPOINT_SECONDS", 0.01)
    small = patch.multiple(blocks, BLOCK=800, WINDOW=3200)  # 4 and 16 rows of 200 bytes
    starts = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
    for number, (first, *words) in enumerate(tasks, starts):
        start = {"TORCHELASTIC_RESTART_COUNT": str(number)}  # or the groups would meet at the same place
        with often, small, patch.dict(os.environ, start):
            if first == "gradients":
                gradients(*words)
            elif status := main([first, *words]):
                return status
    return 0
