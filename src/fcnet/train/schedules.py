"""The learning rate of every step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Schedule(Protocol):
    """Maps a step, counted from 0, to its learning rate."""

    def __call__(self, step: int) -> float: ...


@dataclass(frozen=True)
class EpochDecay:
    """The exercise's schedule: after each epoch the learning rate is multiplied by `factor`."""

    learning_rate: float
    factor: float
    steps_per_epoch: int

    def __call__(self, step: int) -> float:
        return self.learning_rate * self.factor ** (step // self.steps_per_epoch)


@dataclass(frozen=True)
class Cosine:
    """Up in a straight line for `warmup` steps, then down to zero along half a cosine.

    The descent is that of Loshchilov and Hutter (2017): its first step has the full rate, and the step after
    the last would have none.
    """

    learning_rate: float
    warmup: int
    total: int

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return self.learning_rate * (step + 1) / (self.warmup + 1)
        progress = (step - self.warmup) / max(self.total - self.warmup, 1)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
