"""The curves of a training for TensorBoard, written while it trains."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from fcnet.extras import require
from fcnet.files import exists, make_folder, names_in, os_errors_as, remove
from fcnet.records import RunFolder
from fcnet.train.callbacks import Callback
from fcnet.train.engine import Engine
from fcnet.train.history import Evaluation, read_history

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

CURVES = {
    "loss/training": "loss", "loss/objective": "objective", "loss/validation": "val_loss",
    "accuracy/training_sample": "train_accuracy", "accuracy/validation": "val_accuracy",
    "learning_rate": "learning_rate",
}  # fmt: skip
"""Names in TensorBoard, and what of a history's row they show."""


class TensorBoard(Callback):
    """A callback that writes RUN/tensorboard, one point a curve and evaluation.

    A resumed training repeats the evaluations between its last checkpoint and the stop. It therefore writes
    its files anew from the run's history, and no point appears twice.

    Parameters
    ----------
    folder : of the run

    Raises
    ------
    MissingExtraError : tensorboardX is not installed
    """

    def __init__(self, folder: Path) -> None:
        require("tensorboardX", "tensorboard")
        self.run = RunFolder(folder)
        self.folder = folder / "tensorboard"
        self.writer: SummaryWriter | None = None
        self.last_step = 0

    def on_train_begin(self, engine: Engine) -> None:
        """Open the files, and write the points of the run's history."""
        from tensorboardX import SummaryWriter

        rows = read_history(self.run.history) if exists(self.run.history) else []
        with os_errors_as(f"cannot write {self.folder}", "fix that or omit --tensorboard"):
            make_folder(self.folder)
            for name in names_in(self.folder):
                if name.startswith("events.out.tfevents."):
                    remove(self.folder / name)
            self.writer = SummaryWriter(str(self.folder))
        for row in rows:
            self._write(row, time.time() - rows[-1].seconds + row.seconds)

    def on_evaluation(self, row: Evaluation) -> None:
        """Write a row unless its step has been written."""
        if row.step > self.last_step:
            self._write(row, time.time())

    def close(self) -> None:
        """Write what is still in memory."""
        if self.writer is not None:
            self.writer.close()

    def _write(self, row: Evaluation, when: float) -> None:
        assert self.writer is not None
        for name, quantity in CURVES.items():
            self.writer.add_scalar(name, getattr(row, quantity), row.step, when)
        self.writer.flush()
        self.last_step = row.step
