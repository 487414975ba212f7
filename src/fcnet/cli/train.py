"""`fcnet train`: anybody's fully-connected net."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fcnet.cli import tell
from fcnet.cli.start import Trains, fitted_and_told, words_of
from fcnet.errors import DivergedError, FcnetError
from fcnet.extension import program
from fcnet.wording import percent, seconds, validated

if TYPE_CHECKING:
    from fcnet.data.dataset import DataOptions, Dataset
    from fcnet.runs.tensorboard import TensorBoard
    from fcnet.train.callbacks import Callback


@dataclass(frozen=True)
class Train(Trains):
    """Train a network and keep everything about it in a run folder.

    Without options the settings are the exercise's poor defaults, for ten epochs; --recipe has better ones.
    --data takes your own data too: a folder with a folder of pictures for each class, an .npz file of X and
    y, or a table with --target. Under torchrun, --engine torch shares each minibatch among the workers.

    Example: fcnet train --out runs/small --hidden 256 --initialisation he --preprocessing standardised
    --learning-rate 0.02 --momentum 0.9 --schedule cosine --reg 1e-4 --epochs 5
    """

    out: Path
    """Folder for the run."""
    resume: bool = False
    """Resume a run that was stopped, with its own data and settings if none are given."""
    overwrite: bool = False
    """Train again in a folder that holds a run: that one is renamed OUT-1, OUT-2, and so on."""
    tensorboard: bool = False
    """Write curves for TensorBoard into RUN/tensorboard while it trains."""
    watch: bool = False
    """Serve a live page of the training until it ends, and print its address."""

    def run(self) -> int:
        from fcnet.cli.loading import as_before, first_worker, load_any
        from fcnet.runs.earlier import data_of, move_aside
        from fcnet.runs.tensorboard import TensorBoard
        from fcnet.runs.training import train_run

        if self.resume and self.overwrite:
            raise FcnetError("--resume and --overwrite exclude each other, give one of them")
        first = first_worker()
        curves = [TensorBoard(self.out)] if self.tensorboard and first else []
        asked = as_before(data_of(self.out) if self.resume else {}, self.source())
        dataset = load_any(asked)
        settings = fitted_and_told(self.settings, dataset, self.recipe)
        moved = move_aside(self.out) if self.overwrite and first else None
        if moved:
            tell(f"moved the run in {self.out} to {moved}", sys.stdout)
        try:
            with self._watching(dataset, curves) if first else nullcontext() as callback:
                record = train_run(settings, dataset, self.out, self.resume, callback)
        except KeyboardInterrupt as stop:
            raise type(stop)(f"resume with: {self._command('--resume')}") from None
        except DivergedError as error:
            lower = ("--config", f"{self.out}/config.toml", "--learning-rate")
            again = self._command(*lower, f"{settings.learning_rate / 10:g}", "--overwrite", data=asked)
            raise DivergedError(f"{error}; start again with: {again}") from error
        except FcnetError:
            if moved and not self.out.exists():  # it was refused, and left nothing
                moved.rename(self.out)
                tell(f"moved it back to {self.out}", sys.stdout)
            raise
        if first:
            tell(
                f"{self.out}: training accuracy {percent(record['metrics']['train_accuracy'])}, validation "
                f"accuracy {validated(record)} on {dataset.label} after {seconds(record['seconds'])} s",
                sys.stdout,
            )
        return 0

    def _command(self, *options: str, data: DataOptions | None = None) -> str:
        """The command that trains in this folder, with these options and on these data, as one types it."""
        words = ["train", "--out", str(self.out), *options]
        words += ["--tensorboard"] if self.tensorboard else []
        words += ["--watch"] if self.watch else []
        words += ["--require-cifar10"] if self.require_cifar10 else []
        words += [] if data is None else words_of(data)
        return f"{program()} {shlex.join(words)}"

    @contextmanager
    def _watching(self, dataset: Dataset, curves: Sequence[TensorBoard]) -> Iterator[Callback]:
        """Who watches the training: progress on the screen, TensorBoard's files, the live page."""
        from fcnet.cli.loading import page_beside_if
        from fcnet.cli.progress import TrainingProgress
        from fcnet.runs.observer import Observer
        from fcnet.train.callbacks import Callbacks

        live = [Observer(self.out, dataset, "train")] if self.watch else []
        with page_beside_if(self.watch, self.out), ExitStack() as stack:
            progress = stack.enter_context(TrainingProgress(self.out.name, lines=None))
            yield Callbacks(progress, *live, *(stack.enter_context(closing(one)) for one in curves))
