"""`fcnet train`: anybody's fully-connected net."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from fcnet.train.config import TrainConfig

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


Recipe = Literal["default", "quick", "tuned", "pytorch", "deep"]
"""Names of `fcnet.experiments.recipes.RECIPES`."""


@dataclass(frozen=True)
class Train:
    """Train a network and keep everything about it in a run folder.

    Without options the settings are the exercise's poor defaults, for ten epochs; --recipe has better ones.
    Under torchrun, --engine torch shares each minibatch among the workers.

    Example: fcnet train --out runs/small --hidden 256 --initialisation he --preprocessing standardised
    --learning-rate 0.02 --momentum 0.9 --schedule cosine --reg 1e-4 --epochs 5
    """

    out: Path
    """Folder for the run."""
    data: Path | None = None
    """Folder with CIFAR-10; $FCNET_DATA, ./data, ./datasets and the user's cache if not given."""
    require_cifar10: bool = False
    """Fail rather than train on scikit-learn's digits where CIFAR-10 cannot be had."""
    resume: bool = False
    """Go on with a run that was stopped; its own settings hold if none are given."""
    recipe: Recipe | None = None
    """Start from the settings of a recipe; further options change them."""
    config: TrainConfig = field(default_factory=TrainConfig)

    def run(self) -> int:
        from fcnet.cli.loading import first_worker, load
        from fcnet.runs.training import train_run

        dataset = load(self.data, self.require_cifar10)
        first = first_worker()
        try:
            with self._progress() if first else nullcontext() as progress:
                record = train_run(self._settings(), dataset, self.out, self.resume, progress)
        except KeyboardInterrupt as stop:
            raise type(stop)(f"{self.out} goes on with --resume") from None
        metrics = record["metrics"]
        if first:
            print(
                f"{self.out}: training accuracy {100 * metrics['train_accuracy']:.1f} %, validation accuracy "
                f"{100 * metrics['val_accuracy']:.1f} % on {dataset.label} after {record['seconds']:.1f} s"
            )
        return 0

    def _progress(self) -> AbstractContextManager[Any]:
        from fcnet.cli.progress import TrainingProgress

        return TrainingProgress(self.out.name)

    @classmethod
    def from_recipe(cls, arguments: Sequence[str]) -> Train:
        """The command before its other options are read: with the recipe's settings, if one is named."""
        import tyro

        from fcnet.experiments.recipes import RECIPES

        named = [word.partition("=")[2] for word in arguments if word.startswith("--recipe=")]
        named += [b for a, b in pairwise(arguments) if a == "--recipe"]
        known = [name for name in named if name in get_args(Recipe)]
        return cls(out=tyro.MISSING, config=RECIPES[known[-1]] if known else TrainConfig())

    def _settings(self) -> TrainConfig:
        """Those given, or those of the run that is resumed."""
        from fcnet.records import RunFolder
        from fcnet.runs.training import read_config

        own = RunFolder(self.out).config
        if self.resume and self.config == TrainConfig() and own.exists():
            return read_config(own)
        return self.config
