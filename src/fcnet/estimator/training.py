"""Epoch after epoch: train, evaluate, report, and stop early if asked to."""

import math
import time
from collections.abc import Callable

import numpy as np

from fcnet.arrays import Array
from fcnet.estimator.inputs import Examples
from fcnet.estimator.learner import Learner, diverged, evaluate
from fcnet.train.schedules import Schedule

Told = Callable[[float, tuple[float, float], tuple[float, float] | None, float], bool]
"""Called after each epoch with the learning rate of its last step, loss and score on the training examples,
those on the validation examples, and its seconds; training stops if it returns True."""


def train(
    learner: Learner,
    examples: Examples,
    validation: Examples | None,
    schedule: Schedule,
    told: Told,
    epochs: int,
    patience: int | None = None,
) -> float:
    """Train for `epochs` epochs, or until the validation loss has not fallen for `patience` of them.

    With patience, the final weights are those of the lowest validation loss.

    Parameters
    ----------
    learner : the network, changed in place
    examples, validation : for training, and for evaluation
    schedule : the learning rate of each step
    told : of each epoch

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
        start = time.perf_counter()
        with np.errstate(over="ignore", invalid="ignore"):  # a divergence is noticed in the loss
            learning_rate = learner.train(examples, schedule)
            found = evaluate(learner.network, examples)
            validated = None if validation is None else evaluate(learner.network, validation)
        if not math.isfinite(found[0] + (validated[0] if validated else 0.0)):
            raise diverged(found[0], learner.epoch, learning_rate)  # the epoch's last update went too far
        seconds, waited = time.perf_counter() - start, waited + 1
        if patience is None or validated is None:
            loss = found[0]
        elif validated[0] < best:
            best, loss, waited = validated[0], found[0], 0
            best_params = {name: value.copy() for name, value in learner.params.items()}
        if told(learning_rate, found, validated, seconds) or (patience is not None and waited >= patience):
            break
    if best_params:
        learner.load(best_params)
    return loss
