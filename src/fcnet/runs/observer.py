"""A callback that lets the live page see a training, pause it and stop it."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from fcnet.arrays import Array
from fcnet.data.dataset import Dataset, split
from fcnet.errors import FcnetError
from fcnet.extension import own_file
from fcnet.files import exists, make_folder, os_errors_as, remove
from fcnet.net.network import Network
from fcnet.records import RunFolder
from fcnet.runs.observed import (
    FRAMES,
    ROWS,
    Control,
    LiveFolder,
    Measured,
    Progress,
    State,
    chosen_units,
    frame_of,
    read_live,
    seen_in,
    thinned,
    write_live,
)
from fcnet.runs.training import read_config
from fcnet.train.callbacks import Callback
from fcnet.train.engine import Engine
from fcnet.train.history import Evaluation, read_history

SHARE = 0.01
"""The largest share of the time that observing may take, beyond the last evaluation."""

EXAMPLES = 200
"""Training images in the fixed batch that gradients and dead units are measured on."""

BETWEEN_PROGRESS = 1.0
BETWEEN_LOOKS = 0.2
"""Seconds between two writings of the progress, and between two looks at the page's wish."""


class Observer(Callback):
    """A callback that writes RUN/live and does what the page wishes.

    An evaluation is measured if observing stays within its share of the time. Others are written with a later
    one.

    Parameters
    ----------
    folder : of the run
    dataset : that it trains on
    command : of fcnet, which started the training
    """

    def __init__(
        self, folder: Path, dataset: Dataset, command: Literal["train", "tune", "reproduce"]
    ) -> None:
        self.run, self.dataset = RunFolder(folder), dataset
        self.live = LiveFolder(folder)
        self.state = State(command, list(dataset.classes), dataset.image_shape, own_file=own_file() or "")
        self.pictures = dataset.image_shape[1] > 1
        self.rows: list[Evaluation] = []
        self.measured: list[Measured] = []
        self.before: dict[str, Array] = {}
        self.progress: Progress | None = None
        self.wish, self.stopped = "run", False

    def on_train_begin(self, engine: Engine) -> None:
        """Take up what an earlier start of the run has left; what was wished then is no wish any more.

        Raises
        ------
        RunError : RUN/live cannot be written
        """
        self.start = self.told = self.looked = time.perf_counter()
        self.engine, self.config = engine, read_config(self.run.config)
        train, self.validation = split(self.dataset.train, self.config.validation)
        self.X = engine.inputs.of(np.asarray(train.images[:EXAMPLES]))
        self.y = np.asarray(train.labels[:EXAMPLES])
        with os_errors_as(f"cannot write {self.live.state.parent}", "fix that or omit --watch"):
            make_folder(self.live.state.parent)
        remove(self.live.control)
        with contextlib.suppress(FcnetError):  # what is damaged is written anew
            earlier = read_live(self.live.state, State)
            if earlier is not None and earlier.shape == self.state.shape:
                self.measured, self.state.frames = earlier.measured, earlier.frames
        if exists(self.run.history):  # it has rows that were not written here before a stop
            self.rows = read_history(self.run.history)
        self.first_step: int | None = None
        if not self.state.frames:
            self._picture(0, engine.weights())
        self._write()  # so that the page knows of it before the first evaluation
        self.spent = time.perf_counter() - self.start
        self.measuring_took = self.progress_took = 0.0

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        """Complete what was measured at the last evaluation; tell the progress about every second."""
        now = time.perf_counter()
        if self.first_step is None:
            self.first_step = step - 1
        if self.before:
            self._timed(self._update)
        before = loss if self.progress is None else self.progress.loss
        left = (now - self.start) / (step - self.first_step) * (total - step)
        self.progress = Progress(step, total, left, 0.99 * before + 0.01 * loss)
        if now - self.told >= max(BETWEEN_PROGRESS, 4 * self.progress_took / SHARE):  # a quarter of the share
            self.progress_took = self._timed(self._tell)
        self._look(now)

    def on_validation(self, logits: Array) -> None:
        self.logits = logits

    def on_evaluation(self, row: Evaluation) -> None:
        """Measure and write, if it is its turn."""
        self.rows = [one for one in self.rows if one.step < row.step] + [row]
        assert self.progress is not None
        last = row.step == self.progress.total
        due = self.spent + self.measuring_took <= SHARE * (time.perf_counter() - self.start)
        if due or last:
            self.measuring_took = self._timed(lambda: self._measure(row.step))
        if last:
            self._timed(self._write)

    def waits(self) -> bool:
        """Whether the page wishes a pause; the time of it is not the training's."""
        if self.wish != "pause":
            return False
        now = time.perf_counter()
        self._look(now)
        if self.progress is not None and self.progress.paused != (self.wish == "pause"):
            self.progress.paused = self.wish == "pause"
            self._tell()
            if self.progress.paused:
                self.paused_at = now
            else:
                self.start += now - self.paused_at
        return self.wish == "pause"

    def _look(self, now: float) -> None:
        """See what the page wishes; to stop is what Ctrl-C does."""
        if now - self.looked < BETWEEN_LOOKS:
            return
        self.looked = now
        with contextlib.suppress(FcnetError):
            control = read_live(self.live.control, Control)
            self.wish = "run" if control is None else control.wish
        if self.wish == "stop" and not self.stopped:
            self.stopped = True
            _stop()

    def _measure(self, step: int) -> None:
        """Gradients and dead units on the fixed batch, weights as pictures, and the validation split."""
        weights = {
            name: np.array(value, np.float32, order="C") for name, value in self.engine.weights().items()
        }
        network = Network(
            self.engine.architecture, np.random.default_rng(0),
            label_smoothing=self.config.label_smoothing, params=weights,
        )  # fmt: skip
        with np.errstate(over="ignore", invalid="ignore"):
            _, gradients = network.loss(self.X, self.y, self.config.reg)
            norms = {name: float(np.linalg.norm(gradients[name])) for name in _matrices(weights)}
        dead = [
            float((Z <= 0).all(axis=0).mean()) for layer, Z in network.trace(self.X) if layer.name == "relu"
        ]
        self.before = {name: weights[name] for name in _matrices(weights)}
        self.measured = [one for one in self.measured if one.step < step]
        self.measured.append(Measured(step, {n: v for n, v in norms.items() if np.isfinite(v)}, dead))
        self._picture(step, weights)
        self.state.seen = seen_in(self.logits, self.validation, self.pictures)

    def _picture(self, step: int, weights: dict[str, Array]) -> None:
        """Keep the first layer's weights, in pixels; at most so many moments, evenly spread."""
        first = self.engine.architecture.first_weight
        if first is None or not self.pictures:
            return
        projection = self.engine.inputs.projection
        units = chosen_units(weights[first].shape[1], self.dataset.train.images.shape[1])
        W = weights[first][:, units]
        frame = frame_of(step, W if projection is None else projection @ W)
        frames = [one for one in self.state.frames if one.step < step]
        if len(frames) >= FRAMES:  # the one whose neighbours are nearest to each other
            gaps = [after.step - before.step for before, after in zip(frames, frames[2:], strict=False)]
            del frames[1 + int(np.argmin(gaps))]
        self.state.frames = [*frames, frame]

    def _update(self) -> None:
        """The update of the step after an evaluation, relative to the weights."""
        now = self.engine.weights()
        sizes = {name: float(np.linalg.norm(value)) for name, value in self.before.items()}
        self.measured[-1].updates = {
            name: float(np.linalg.norm(now[name] - value)) / sizes[name]
            for name, value in self.before.items()
            if sizes[name] > 0
        }
        self.before = {}
        self._write()

    def _tell(self) -> None:
        assert self.progress is not None
        self.told = time.perf_counter()
        with contextlib.suppress(FcnetError):  # looking must not stop a training
            write_live(self.live.progress, self.progress)

    def _write(self) -> None:
        self.state.rows, self.state.measured = thinned(self.rows, ROWS), thinned(self.measured, ROWS)
        with contextlib.suppress(FcnetError):
            write_live(self.live.state, self.state)

    def _timed(self, work: Callable[[], None]) -> float:
        start = time.perf_counter()
        work()
        took = time.perf_counter() - start
        self.spent += took
        return took


def _stop() -> None:
    """Do what Ctrl-C does; torchrun would start a single worker again that ends, and is told to end all."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        os.kill(os.getppid(), signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


def _matrices(weights: dict[str, Array]) -> list[str]:
    return [name for name, value in weights.items() if value.ndim == 2]
