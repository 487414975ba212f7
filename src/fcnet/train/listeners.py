"""Who watches a training: progress bars, diagnoses, tests."""

from __future__ import annotations

from typing import Protocol

from fcnet.train.engine import Engine
from fcnet.train.history import Evaluation


class Listener(Protocol):
    """Whoever wants to watch a training: a progress bar, a diagnosis, a test."""

    def started(self, engine: Engine) -> None: ...

    def before_step(self, step: int) -> None: ...

    def after_step(self, step: int, total: int, loss: float) -> None: ...

    def evaluated(self, row: Evaluation) -> None: ...


class Listeners:
    """Several listeners as one."""

    def __init__(self, *listeners: Listener) -> None:
        self.listeners = listeners

    def started(self, engine: Engine) -> None:
        for listener in self.listeners:
            listener.started(engine)

    def before_step(self, step: int) -> None:
        for listener in self.listeners:
            listener.before_step(step)

    def after_step(self, step: int, total: int, loss: float) -> None:
        for listener in self.listeners:
            listener.after_step(step, total, loss)

    def evaluated(self, row: Evaluation) -> None:
        for listener in self.listeners:
            listener.evaluated(row)


class Silence:
    """A listener that does nothing; others override what they need."""

    def started(self, engine: Engine) -> None:
        """Called once, before the first step."""

    def before_step(self, step: int) -> None:
        """Called before each step, counted from 0."""

    def after_step(self, step: int, total: int, loss: float) -> None:
        """Called after each step: steps done, steps in all, the loss that the step started from."""

    def evaluated(self, row: Evaluation) -> None:
        """Called after each evaluation."""
