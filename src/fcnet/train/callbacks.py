"""Callbacks, which observe a training while it runs: progress bars, diagnoses, tests.

The methods have Keras' names. A callback sees everything and changes nothing: the training is the same with
and without it.
"""

from typing import Any

from numpy.typing import NDArray

from fcnet.train.engine import Engine
from fcnet.train.history import Evaluation


class Callback:
    """A callback that does nothing; subclasses define what they need."""

    def on_train_begin(self, engine: Engine) -> None:
        """Called once, before the first step."""

    def on_batch_begin(self, step: int) -> None:
        """Called before each step, counted from 0."""

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        """Called after each step: steps done, steps in all, the loss that the step started from.

        On a GPU, which is still computing, it is the loss of a step shortly before.
        """

    def on_validation(self, logits: NDArray[Any]) -> None:
        """Called before `on_evaluation` with the class scores (N, K) of the validation split."""

    def on_evaluation(self, row: Evaluation) -> None:
        """Called after each evaluation, at the end of an epoch unless the settings say otherwise."""

    def waits(self) -> bool:
        """Whether the training is to wait before its next step; asked until it is not."""
        return False


class Callbacks(Callback):
    """Several callbacks as one."""

    def __init__(self, *callbacks: Callback) -> None:
        self.callbacks = callbacks

    def on_train_begin(self, engine: Engine) -> None:
        for callback in self.callbacks:
            callback.on_train_begin(engine)

    def on_batch_begin(self, step: int) -> None:
        for callback in self.callbacks:
            callback.on_batch_begin(step)

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        for callback in self.callbacks:
            callback.on_batch_end(step, total, loss)

    def on_validation(self, logits: NDArray[Any]) -> None:
        for callback in self.callbacks:
            callback.on_validation(logits)

    def on_evaluation(self, row: Evaluation) -> None:
        for callback in self.callbacks:
            callback.on_evaluation(row)

    def waits(self) -> bool:
        return any(callback.waits() for callback in self.callbacks)
