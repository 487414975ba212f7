"""The training loop: one for every network.

It walks through the epochs, hands each minibatch and learning rate to the engine, evaluates now and then,
and keeps a checkpoint. It knows nothing of what kind of network the engine holds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Part
from fcnet.data.minibatches import Minibatch, minibatches, steps_per_epoch
from fcnet.errors import DivergedError
from fcnet.train.checkpoint import Checkpoint
from fcnet.train.config import TrainConfig
from fcnet.train.engine import Engine
from fcnet.train.history import Evaluation
from fcnet.train.interruption import deferred_interrupt
from fcnet.train.schedules import Cosine, EpochDecay, Schedule

CHECKPOINT_SECONDS = 10.0
"""Training time between two checkpoints."""


class Listener(Protocol):
    """Whoever wants to watch a training: a progress bar, a diagnosis, a test."""

    def before_step(self, step: int) -> None: ...

    def after_step(self, step: int, total: int, loss: float) -> None: ...

    def evaluated(self, row: Evaluation) -> None: ...


class Silence:
    """A listener that does nothing; others override what they need."""

    def before_step(self, step: int) -> None:
        """Called before each step, counted from 0."""

    def after_step(self, step: int, total: int, loss: float) -> None:
        """Called after each step: steps done, steps in all, the loss that the step started from."""

    def evaluated(self, row: Evaluation) -> None:
        """Called after each evaluation."""


@dataclass
class Fit:
    """A training in progress.

    Parameters
    ----------
    engine : the network
    config : the settings
    train, validation : the splits; the loop reads labels and, to evaluate, images
    listener : told of every step and evaluation
    save : called with a checkpoint and all evaluations; None keeps no checkpoints
    """

    engine: Engine
    config: TrainConfig
    train: Part
    validation: Part
    listener: Listener = field(default_factory=Silence)
    save: Callable[[Checkpoint, list[Evaluation]], None] | None = None

    def __post_init__(self) -> None:
        self.steps_per_epoch = steps_per_epoch(len(self.train), self.config.batch_size)
        self.total = self.config.iterations or self.config.epochs * self.steps_per_epoch
        self.evaluate_every = self.config.evaluate_every or self.steps_per_epoch
        self.schedule = make_schedule(self.config, self.steps_per_epoch, self.total)
        self.step = 0
        self.losses: list[float] = []
        self.history: list[Evaluation] = []
        self._seconds_before = 0.0

    def resume(self, checkpoint: Checkpoint, history: list[Evaluation]) -> None:
        """Go on from a checkpoint and the history up to it."""
        self.engine.load_state(checkpoint.state)
        self.step = checkpoint.step
        self.losses = list(checkpoint.losses)
        self.history = history[: checkpoint.evaluations]
        self._seconds_before = checkpoint.seconds

    def run(self) -> list[Evaluation]:
        """Train to the end.

        Returns
        -------
        history : one row an evaluation; the last one is of the last step

        Raises
        ------
        DivergedError : the loss became NaN or infinite; names step and rate
        KeyboardInterrupt : Ctrl-C, after the step at hand, with a checkpoint of just that step
        """
        self._start = self._saved_at = time.perf_counter()
        with deferred_interrupt() as interruption, np.errstate(over="ignore", invalid="ignore"):
            while self.step < self.total:
                for batch in self._rest_of_epoch():
                    self._one_step(batch)
                    if interruption.requested:
                        self._save()
                        raise KeyboardInterrupt
                    if self.step == self.total:
                        break
        return self.history

    @property
    def seconds(self) -> float:
        """Training time so far, over all resumptions."""
        return self._seconds_before + time.perf_counter() - self._start

    def _rest_of_epoch(self) -> Any:
        epoch, done = divmod(self.step, self.steps_per_epoch)
        return minibatches(
            len(self.train), self.config.batch_size, self.engine.views, self.config.seed, epoch, skip=done
        )

    def _one_step(self, batch: Minibatch) -> None:
        learning_rate = self.schedule(self.step)
        self.listener.before_step(self.step)
        loss = self.engine.step(batch, learning_rate)
        if not math.isfinite(loss):
            raise DivergedError(self._divergence(loss, learning_rate))
        self.step += 1
        self.losses.append(loss)
        self.listener.after_step(self.step, self.total, loss)
        if self.step % self.evaluate_every == 0 or self.step == self.total:
            self._evaluate(learning_rate)
            if self.step == self.total or time.perf_counter() - self._saved_at >= CHECKPOINT_SECONDS:
                self._save()

    def _divergence(self, loss: float, learning_rate: float) -> str:
        kept = ""
        if self.save is not None and self.history:
            kept = "; the run keeps its last checkpoint"
        return (
            f"the loss became {loss} in step {self.step + 1} of {self.total} at learning rate {learning_rate:g}, "
            f"choose a lower one{kept}"
        )

    def _evaluate(self, learning_rate: float) -> None:
        known = slice(len(self.validation))  # as many training images as there are validation images
        train_accuracy, _ = accuracy_and_loss(
            self.engine.logits(self.train.images[known]), self.train.labels[known]
        )
        val_accuracy, val_loss = accuracy_and_loss(
            self.engine.logits(self.validation.images), self.validation.labels
        )
        loss = float(np.mean(self.losses))
        row = Evaluation(
            step=self.step,
            epoch=self.step / self.steps_per_epoch,
            seconds=self.seconds,
            learning_rate=learning_rate,
            loss=loss,
            objective=loss + self.engine.penalty(),
            train_accuracy=train_accuracy,
            val_accuracy=val_accuracy,
            val_loss=val_loss,
        )
        self.losses = []
        self.history.append(row)
        self.listener.evaluated(row)

    def _save(self) -> None:
        if self.save is not None:
            state = self.engine.state()
            self.save(Checkpoint(self.step, self.seconds, len(self.history), self.losses, state), self.history)
            self._saved_at = time.perf_counter()


def make_schedule(config: TrainConfig, steps_per_epoch: int, total: int) -> Schedule:
    """The schedule that the settings ask for."""
    if config.schedule == "cosine":
        return Cosine(config.learning_rate, round(config.warmup_epochs * steps_per_epoch), total)
    return EpochDecay(config.learning_rate, config.decay, steps_per_epoch)


def accuracy_and_loss(logits: NDArray[Any], labels: NDArray[np.int64]) -> tuple[float, float]:
    """The fraction of correct labels in [0, 1] and eq. 12 in nats, from class scores (N, K)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=1, dtype=np.float64))
    losses = log_total - shifted[np.arange(len(labels)), labels]
    return float((logits.argmax(axis=1) == labels).mean()), float(losses.mean())
