"""Our NumPy network, through the engine that `fcnet train` uses."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np

from fcnet.data.dataset import Dataset, Origin, Part
from fcnet.data.minibatches import Minibatch
from fcnet.runs.engines import workplace
from fcnet.train.config import TrainConfig
from fcnet.train.engine import Engine, NumpyEngine
from problem import Problem

NAME, NEEDS, PRECISION = "fcnet", (), "float32"


def config(problem: Problem, **others: Any) -> TrainConfig:
    """The problem as settings of a training."""
    return TrainConfig(
        hidden=problem.hidden, initialisation="he", preprocessing="standardised",
        batch_size=problem.batch, momentum=problem.momentum, learning_rate=problem.learning_rate,
        reg=problem.reg, mirror=problem.mirror, shift=problem.shift, seed=problem.seed, **others,
    )  # fmt: skip


class Engined:
    """A peer made of an engine, which draws the same initial weights as the problem does."""

    def __init__(self, engine: Engine, problem: Problem) -> None:
        self.engine = engine
        # where images are deformed, each has its own deformation; the first one leaves it as it is
        self.views = np.random.default_rng(problem.seed).integers(engine.views, size=len(problem.labels))

    def step(self, rows: Any, learning_rate: float) -> float:
        return self.engine.step(Minibatch(rows, self.views[rows]), learning_rate)

    def logits(self, images: Any) -> Any:
        return self.engine.logits(images)

    def parameters(self) -> dict[str, Any]:
        return self.engine.model().params


def names(problem: Problem) -> tuple[str, ...]:
    """Names for the classes."""
    return tuple(str(number) for number in range(problem.classes))


def engined(problem: Problem, **others: Any) -> Engined:
    """A peer made of the engine that such settings ask for, as `fcnet train` makes it."""
    settings, part = config(problem, **others), Part(problem.images, problem.labels)
    origin = Origin("memory", "", None)
    dataset = Dataset("benchmark", part, part, names(problem), problem.image_shape, origin)
    opened = ExitStack()
    place = opened.enter_context(workplace(settings))
    peer = Engined(place.engine(part, dataset), problem)
    peer.opened = opened.pop_all()  # type: ignore[attr-defined]  # open as long as the peer lives
    return peer


def setup(problem: Problem) -> Engined:
    part = Part(problem.images, problem.labels)
    return Engined(NumpyEngine(config(problem), part, problem.image_shape, names(problem)), problem)
