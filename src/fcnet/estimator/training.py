"""Epoch after epoch: train, evaluate, record, report, and stop early if asked to."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.estimator.examples import Examples
from fcnet.estimator.history import Epoch
from fcnet.estimator.learner import Learner, diverged, evaluate
from fcnet.train.schedules import Schedule

Array = NDArray[Any]


@dataclass
class Training:
    """The common parts of all epochs.

    learner : the network, changed in place
    examples, validation : for training, and for evaluation
    schedule : the learning rate of each step
    history : rows are added to it
    told : called with each row; training stops if it returns True
    row : what a row of the history is
    unit : what a loss is multiplied by before it is shown
    """

    learner: Learner
    examples: Examples
    validation: Examples | None
    schedule: Schedule
    history: list[Any]
    told: Callable[[Any], bool]
    row: Callable[..., Any] = Epoch
    unit: float = 1.0

    def run(self, epochs: int, patience: int | None = None) -> float:
        """Train for `epochs` epochs, or until the validation loss has not fallen for `patience` of them.

        With patience, the final weights are those of the lowest validation loss.

        Returns
        -------
        loss : of the final weights on the training examples

        Raises
        ------
        DivergedError : the loss became NaN or infinite
        """
        best, best_params = math.inf, dict[str, Array]()
        loss, waited = math.nan, 0
        for _ in range(epochs):
            with np.errstate(over="ignore", invalid="ignore"):  # a divergence is noticed in the loss
                row = self._epoch()
            waited += 1
            if patience is None or row.validation_loss is None:
                loss = row.loss
            elif row.validation_loss < best:
                best, loss, waited = row.validation_loss, row.loss, 0
                best_params = {name: value.copy() for name, value in self.learner.params.items()}
            if self.told(row) or (patience is not None and waited >= patience):
                break
        if best_params:
            self.learner.load(best_params)
        return loss

    def _epoch(self) -> Any:
        start = time.perf_counter()
        learning_rate = self.learner.train(self.examples, self.schedule)
        network = self.learner.network
        loss, score = evaluate(network, self.examples)
        validation = None if self.validation is None else evaluate(network, self.validation)
        if not math.isfinite(loss + (validation or (0.0,))[0]):  # the epoch's last update went too far
            raise diverged(loss, self.learner.epoch, learning_rate)
        seconds = time.perf_counter() - start
        number, (val_loss, val_score) = len(self.history) + 1, validation or (None, None)
        val_loss = None if val_loss is None else self.unit * val_loss
        row = self.row(number, learning_rate, self.unit * loss, score, val_loss, val_score, seconds)
        self.history.append(row)
        return row
