"""The training loop: one for every network.

It walks through the epochs, hands each minibatch and learning rate to the engine, evaluates at intervals,
and keeps a checkpoint. It does not know which kind of network the engine holds.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, SupportsFloat

import numpy as np

from fcnet.data.dataset import Part
from fcnet.data.minibatches import Minibatch, minibatches, steps_per_epoch
from fcnet.errors import DivergedError, RunError
from fcnet.net.losses import accuracy_and_loss
from fcnet.train.averaging import make_average
from fcnet.train.callbacks import Callback
from fcnet.train.checkpoint import Checkpoint
from fcnet.train.config import TrainConfig
from fcnet.train.engine import Engine
from fcnet.train.history import Evaluation
from fcnet.train.interruption import Interruption, deferred_interrupt
from fcnet.train.schedules import Length, make_schedule

CHECKPOINT_SECONDS = 10.0
"""Seconds between two checkpoints, the most training time that a kill can cost."""

CHECKPOINT_SHARE = 0.05
"""Largest share of the time for writing them: they are rarer if the disk is slow or the net large."""

UNREAD = 50
"""Steps whose losses may be unread, so most steps that a training goes on after its loss became infinite."""

WAIT_SECONDS = 0.05
"""Seconds between two questions to a callback whether the training is still to wait."""


@dataclass
class Fit:
    """A training in progress.

    Parameters
    ----------
    engine : the network
    config : the settings
    train, validation : the splits; the loop reads labels and, to evaluate, images
    callback : called for every step and evaluation
    save : called with a checkpoint and all evaluations; None keeps no checkpoints
    seconds_before : training time already spent, such as on building the engine
    """

    engine: Engine
    config: TrainConfig
    train: Part
    validation: Part
    callback: Callback = field(default_factory=Callback)
    save: Callable[[Checkpoint, list[Evaluation]], None] | None = None
    seconds_before: float = 0.0

    def __post_init__(self) -> None:
        self.steps_per_epoch = steps_per_epoch(len(self.train), self.config.batch_size)
        self.total = self.config.iterations or self.config.epochs * self.steps_per_epoch
        self.evaluate_every = self.config.evaluate_every or self.steps_per_epoch
        self.schedule = make_schedule(self.config, self.steps_per_epoch, self.total)
        self.average = make_average(self.config.average, Length(self.steps_per_epoch, self.total))
        self.step = 0
        self.losses: list[float] = []
        self._unread: list[SupportsFloat] = []
        self._latest = math.nan
        self.history: list[Evaluation] = []

    def resume(self, checkpoint: Checkpoint, history: list[Evaluation]) -> None:
        """Continue from a checkpoint and the history up to it.

        Raises
        ------
        RunError : the checkpoint is of another network
        """
        if checkpoint.architecture != self.engine.architecture.dumps():
            raise RunError("the checkpoint is of another network than the settings describe, start a new run")
        try:
            _check_state(checkpoint.state, self.engine.state())
            self.engine.load_state(checkpoint.state)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise RunError(f"the checkpoint does not fit the network ({error}), start a new run") from error
        if checkpoint.evaluations > len(history) or checkpoint.step > self.total:
            raise RunError("the checkpoint counts more steps or evaluations than there are, start a new run")
        self.step = checkpoint.step
        self.losses = list(checkpoint.losses)
        self.history = history[: checkpoint.evaluations]
        self.seconds_before = checkpoint.seconds

    def run(self) -> list[Evaluation]:
        """Train to the end.

        Returns
        -------
        history : one row an evaluation; the last one is of the last step

        Raises
        ------
        DivergedError : the loss became NaN or infinite; the engine holds the weights of the last evaluation
        KeyboardInterrupt : Ctrl-C or SIGTERM, after the current step, with a checkpoint of exactly that step
        """
        self._start = self._saved_at = time.perf_counter()
        self._saving_took = 0.0
        self._remember()
        self.callback.on_train_begin(self.engine)
        with deferred_interrupt() as interruption, np.errstate(over="ignore", invalid="ignore"):
            while self.step < self.total:
                for batch in self._rest_of_epoch():
                    self._one_step(batch)
                    self._wait(interruption)
                    if interruption.requested:
                        self._save()
                        raise interruption.stop()
                    if self.step == self.total:
                        break
        return self.history

    @property
    def seconds(self) -> float:
        """Training time so far, over all resumptions."""
        return self.seconds_before + time.perf_counter() - self._start

    def _rest_of_epoch(self) -> Any:
        epoch, done = divmod(self.step, self.steps_per_epoch)
        return minibatches(
            len(self.train),
            self.config.batch_size,
            self.engine.views,
            self.config.seed,
            epoch,
            skip=done,
            blocks=self.train.blocks,
        )

    def _one_step(self, batch: Minibatch) -> None:
        learning_rate = self.schedule(self.step)
        self.callback.on_batch_begin(self.step)
        loss = self.engine.step(batch, learning_rate)
        self._unread.append(loss)
        self.step += 1
        evaluates = self.step % self.evaluate_every == 0 or self.step == self.total
        first = math.isnan(self._latest)
        if isinstance(loss, float) or first or evaluates or len(self._unread) == UNREAD:
            self._read_losses()
        if self.average is not None and (share := self.average(self.step)):
            self.engine.average(share)
        self.callback.on_batch_end(self.step, self.total, self._latest)
        if evaluates:
            self._evaluate(learning_rate)
        if self.step == self.total or self._checkpoint_is_due():
            self._save()

    def _read_losses(self) -> None:
        """Wait for the losses of the last steps, which a GPU may still be computing.

        Raises
        ------
        DivergedError : one of them is not finite
        """
        values = [float(loss) for loss in self._unread]
        self._unread = []
        for step, loss in enumerate(values, start=self.step - len(values)):
            if not math.isfinite(loss):
                raise self._divergence(step + 1, loss, self.schedule(step))
        self.losses += values
        self._latest = self.losses[-1] if values else self._latest

    def _wait(self, interruption: Interruption) -> None:
        """Wait while a callback asks for it; the time does not count, and a checkpoint is there."""
        if self.step == self.total or not self.callback.waits():
            return
        self._save()
        start = time.perf_counter()
        while self.callback.waits() and not interruption.requested:
            time.sleep(WAIT_SECONDS)
        self._start += time.perf_counter() - start

    def _remember(self) -> None:
        """Keep the good weights of this step in case of a later divergence."""
        self._good = self.step, {name: value.copy() for name, value in self.engine.state().items()}

    def _divergence(self, failed: int, loss: float, learning_rate: float) -> DivergedError:
        """Go back to the last good weights and return the error of step `failed`."""
        self.step, state = self._good
        self.engine.load_state(state)
        return DivergedError(
            f"the loss became {loss} in step {failed} of {self.total} at learning rate {learning_rate:g}, "
            f"choose a lower one"
        )

    def _evaluate(self, learning_rate: float) -> None:
        known = slice(len(self.validation))  # as many training images as there are validation images
        train_accuracy, _ = accuracy_and_loss(
            self.engine.logits(self.train.images[known]), self.train.labels[known]
        )
        logits = self.engine.logits(self.validation.images)
        val_accuracy, val_loss = accuracy_and_loss(logits, self.validation.labels)
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
        for value in (row.val_loss, row.objective):
            if not math.isfinite(value):  # the step began with a finite loss, but its update was too large
                raise self._divergence(self.step, value, learning_rate)
        self.losses = []
        self.history.append(row)
        self._remember()
        self.callback.on_validation(logits)
        self.callback.on_evaluation(row)

    def _checkpoint_is_due(self) -> bool:
        wait = max(CHECKPOINT_SECONDS, self._saving_took / CHECKPOINT_SHARE)
        return time.perf_counter() - self._saved_at >= wait

    def _save(self) -> None:
        """Keep a checkpoint, between two evaluations or right after one: the training stays the same."""
        if self.save is None:
            return
        start = time.perf_counter()
        self._read_losses()
        state = self.engine.state()
        # weights that are not finite diverge in the next step, from the checkpoint before just as from here;
        # right after an evaluation they are known to be good
        if not self.losses or all(np.isfinite(value).all() for value in state.values()):
            self.save(
                Checkpoint(
                    self.step, self.seconds, len(self.history), losses=self.losses, state=state,
                    architecture=self.engine.architecture.dumps(),
                ),
                self.history,
            )  # fmt: skip
        self._saved_at = time.perf_counter()
        self._saving_took = self._saved_at - start


def _check_state(found: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Require that arrays of a checkpoint are as large as the parameters in whose names they are kept.

    Raises
    ------
    ValueError : `NAME has shape ... and dtype ...`
    """
    for name, value in found.items():
        for part in {name, *(f"network.{part}" for part in name.split("."))} & own.keys():
            shape, kind = own[part].shape, own[part].dtype.kind
            shape = () if name.endswith((".scale", ".pull")) else shape
            if value.shape != shape or value.dtype.kind != kind:
                raise ValueError(f"{name} has shape {value.shape} and dtype {value.dtype}, not {shape}")
