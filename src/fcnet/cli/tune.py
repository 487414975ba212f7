"""`fcnet tune`: search for better settings."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fcnet.cli.start import Recipe, fitted_and_told, start_of
from fcnet.errors import FcnetError
from fcnet.train.config import TrainConfig

if TYPE_CHECKING:
    from fcnet.tuning.plan import Place
    from fcnet.tuning.standing import Standing

Varied = Literal[
    "learning-rate", "schedule", "decay", "warmup-epochs", "reg", "depth", "hidden", "batch-size", "momentum",
    "dropout", "label-smoothing", "augmentation", "mirror", "shift", "rotate", "zoom", "initialisation",
    "components", "whitening-floor",
]  # fmt: skip
"""Names of `fcnet.tuning.ranges.NAMES`."""


@dataclass(frozen=True)
class Tune:
    """Search for better settings on validation images, and keep the whole search in a folder.

    The settings below, or those of --recipe or --config, hold where nothing is varied, and are the first
    trial. Hopeless trials end early. Ctrl-C stops, --resume goes on. What is found is best.toml, for
    fcnet train --config.

    Example: fcnet tune --out searches/quick --recipe quick --trials 60 --workers 2
    """

    out: Path
    """Folder for the search: its trials, its record, its figures."""
    trials: int | None = None
    """Trials in all, hopeless ones and those before --resume among them; 60 if not given."""
    workers: int = 1
    """Processes that run trials at the same time; the cores are divided among them."""
    vary: tuple[Varied, ...] | None = None
    """What is varied; without it all that is usual: everything but depth and warmup-epochs."""
    resume: bool = False
    """Go on with the search in the folder; its own settings and space hold if none are given."""
    minutes: float | None = None
    """No trial begins after so many minutes; those at hand are finished."""
    storage: str | None = None
    """Database that any number of machines share, each with a folder of its own, as
    postgresql://USER@HOST/DATABASE; a file in the folder if not given."""
    study: str = "fcnet"
    """Name of the search in that database."""
    data: Path | None = None
    """Folder with CIFAR-10 ($FCNET_DATA, ./data, ./datasets and the user's cache if not given), or data of
    one's own, see fcnet train."""
    image_size: int | None = None
    """Side of the squares that pictures of one's own become, in pixels, see fcnet train."""
    require_cifar10: bool = False
    """Fail rather than search on scikit-learn's digits where CIFAR-10 cannot be had."""
    recipe: Recipe | None = None
    """Start from the settings of a recipe; further options change them."""
    config: Path | None = None
    """Start from the settings in a TOML file, such as a run's config.toml; further options change them."""
    settings: TrainConfig = field(default_factory=TrainConfig)

    def run(self) -> int:
        from fcnet.cli.loading import load_any
        from fcnet.tuning.live import View
        from fcnet.tuning.search import Request, search

        self._check()
        dataset = load_any(self.data, self.require_cifar10, self.image_size)
        continued = self.resume and self.settings == TrainConfig()
        settings = self.settings if continued else fitted_and_told(self.settings, dataset)
        place = self._place()
        request = Request(
            place,
            settings,
            self.vary,
            self.trials,
            self.workers,
            self.resume,
            self.minutes,
            command=(sys.executable, "-m", "fcnet.cli.tune_worker"),
            order=self._order(),
        )
        try:
            standing = search(request, dataset, View(self.workers))
        except KeyboardInterrupt as stop:
            raise type(stop)(f"{self.out} goes on with --resume") from None
        self._draw(place)
        print(summary(standing, place, dataset.label, self._same_data()))
        return 0

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Tune:
        """The command before its other options are read: with the settings of the recipe or file it names.

        Raises
        ------
        FcnetError : it names a recipe and a file, or the file is no settings
        """
        import tyro

        return cls(out=tyro.MISSING, settings=start_of("tune", arguments))

    def _check(self) -> None:
        for name in ("trials", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise FcnetError(f"--{name} is {value}, give at least 1")
        if self.minutes is not None and not self.minutes > 0:
            raise FcnetError(f"--minutes is {self.minutes:g}, give more than 0")

    def _place(self) -> Place:
        from fcnet.tuning.plan import Place

        return Place(self.out, self.storage, self.study)

    def _order(self) -> dict[str, Any]:
        """What a worker has to know: see `fcnet.cli.tune_worker`."""
        return {
            "out": str(self.out),
            "storage": self.storage,
            "study": self.study,
            "data": None if self.data is None else str(self.data),
            "require_cifar10": self.require_cifar10,
            "image_size": self.image_size,
        }

    def _same_data(self) -> str:
        """The options of `fcnet train` for the data of this search."""
        data = "" if self.data is None else f" --data {shlex.quote(str(self.data))}"
        return data + ("" if self.image_size is None else f" --image-size {self.image_size}")

    def _draw(self, place: Place) -> None:
        from fcnet.tuning.figures import draw

        draw(place.record, place.figures)


def summary(standing: Standing, place: Place, label: str, same_data: str = "") -> str:
    """What was found, and how to use it; `same_data` are options that name the data."""
    from fcnet.tuning.standing import in_words

    best = standing.best
    if best is None or best.settings is None:
        return f"{place.out}: no trial is complete, go on with --resume"
    base = next((row for row in standing.rows if row.base and row.value is not None), None)
    before = "" if base is None else f", the base {100 * (base.value or 0):.1f} %"
    elsewhere = f", {len(standing.running)} more are still running elsewhere" if standing.running else ""
    variable = "OMP_NUM_THREADS" if best.settings.engine == "torch" else "OPENBLAS_NUM_THREADS"
    threads = f"{variable}={best.threads} " if best.threads else ""
    return (
        f"{place.out}: {len(standing.done)} trials{elsewhere}\n"
        f"{label}: the best has {100 * (best.value or 0):.1f} % of the validation images right{before}: "
        f"{in_words(best.settings, standing.plan.base)}\n"
        f"train it with: {threads}fcnet train --config {place.best} --out RUN{same_data}"
    )
