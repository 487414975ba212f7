"""`fcnet tune`: search for better settings."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcnet.cli.start import Recipe, fitted_and_told, start_of
from fcnet.errors import FcnetError
from fcnet.train.config import TrainConfig

if TYPE_CHECKING:
    from fcnet.tuning.plan import Place
    from fcnet.tuning.status import Status


@dataclass(frozen=True)
class Source:
    """What a search is about, as its options name it."""

    data: Path | None
    image_size: int | None
    skip_damaged: bool

    def options(self) -> str:
        """The options that name this data."""
        named = "" if self.data is None else f" --data {shlex.quote(str(self.data))}"
        named += "" if self.image_size is None else f" --image-size {self.image_size}"
        return named + (" --skip-damaged" if self.skip_damaged else "")


@dataclass(frozen=True)
class Tune:
    """Search for better settings on validation images, and keep the whole search in a folder.

    The settings below, or those of --recipe or --config, hold where nothing is varied, and are the first
    trial. Hopeless trials are pruned. Ctrl-C stops the search, --resume resumes it. The best settings are in
    best.toml, for fcnet train --config.

    Example: fcnet tune --out searches/quick --recipe quick --trials 60 --workers 2
    """

    out: Path
    """Folder for the search: its trials, its record, its figures."""
    trials: int | None = None
    """Trials in all, including pruned ones and those before --resume; 60 if not given."""
    workers: int = 1
    """Processes that run trials at the same time; the cores are divided among them."""
    vary: tuple[str, ...] | None = None
    """What is varied: any of learning-rate, schedule, decay, warmup-epochs, reg, depth, hidden, batch-size,
    momentum, dropout, label-smoothing, augmentation (or mirror, shift, rotate, zoom), initialisation,
    components and whitening-floor; all but depth and warmup-epochs if not given."""
    resume: bool = False
    """Resume the search in the folder, with its own data, settings and space if none are given."""
    minutes: float | None = None
    """No trial begins after so many minutes; running trials are finished."""
    storage: str | None = None
    """Database that any number of machines share, each with a folder of its own: its address, such as
    postgresql://USER@HOST/DATABASE, or env:NAME for an address in the environment variable NAME. The password
    comes from PGPASSWORD, ~/.pgpass or that variable. Without it, a file in the folder."""
    study: str = "fcnet"
    """Name of the search in that database."""
    data: Path | None = None
    """Folder with CIFAR-10 (if not given: $FCNET_DATA, ./data, ./datasets and the user's cache), or your own
    data, see fcnet train."""
    image_size: int | None = None
    """Side of the squares that your own pictures become, in pixels, see fcnet train."""
    skip_damaged: bool = False
    """Leave out pictures of your own that cannot be read, see fcnet train."""
    require_cifar10: bool = False
    """Fail rather than search on scikit-learn's digits where CIFAR-10 is not available."""
    recipe: Recipe | None = None
    """Start from the settings of a recipe; further options change them."""
    config: Path | None = None
    """Start from the settings in a TOML file, such as a run's config.toml; further options change them."""
    settings: TrainConfig = field(default_factory=TrainConfig)

    def run(self) -> int:
        from fcnet.extras import require

        require("optuna", "tune")
        from fcnet.cli.loading import load_any
        from fcnet.tuning.figures import draw
        from fcnet.tuning.search import Request, search
        from fcnet.tuning.view import View

        self._check()
        place = self._place()
        own = self._known_data(place)
        dataset = load_any(own.data, self.require_cifar10, own.image_size, skip_damaged=own.skip_damaged)
        resumed = self.resume and self.settings == TrainConfig()
        request = Request(
            place,
            self.settings if resumed else fitted_and_told(self.settings, dataset),
            self.vary,
            self.trials,
            self.workers,
            self.resume,
            self.minutes,
            command=(sys.executable, "-m", "fcnet.cli.tune_worker"),
            order=self._order(place, own),
        )
        try:
            status = search(request, dataset, View(self.workers))
        except KeyboardInterrupt as stop:
            raise type(stop)(f"resume with: {self._command()}") from None
        draw(place.record, place.figures)
        print(summary(status, place, dataset.label, own.options()))
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
        from fcnet.tuning.ranges import check_names

        for name in ("trials", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise FcnetError(f"--{name} is {value}, give at least 1")
        if self.minutes is not None and not self.minutes > 0:
            raise FcnetError(f"--minutes is {self.minutes:g}, give more than 0")
        check_names(self.vary or ())

    def _place(self) -> Place:
        from fcnet.tuning.plan import Place
        from fcnet.tuning.storage import shows_password, url_of

        if self.storage and shows_password(self.storage):
            print(
                "warning: other users of this machine can read the password in --storage from the list of "
                "processes; use PGPASSWORD, ~/.pgpass or --storage env:NAME",
                file=sys.stderr,
            )
        return Place(self.out, self.storage and url_of(self.storage), self.study)

    def _known_data(self, place: Place) -> Source:
        """`--data` and how it is read: as given, or as recorded by the resumed search, of your own data."""
        from fcnet.records import read_json

        if self.resume and self.data is None and self.image_size is None and place.record.is_file():
            origin = read_json(place.record).get("data", {})
            if origin.get("kind"):
                return Source(Path(origin["path"]), origin.get("image_size"), bool(origin.get("skipped")))
        return Source(self.data, self.image_size, self.skip_damaged)

    def _order(self, place: Place, own: Source) -> dict[str, Any]:
        """What a worker has to know: see `fcnet.cli.tune_worker`."""
        return {
            "out": str(self.out),
            "storage": place.storage,
            "study": self.study,
            "data": None if own.data is None else str(own.data),
            "require_cifar10": self.require_cifar10,
            "image_size": own.image_size,
            "skip_damaged": own.skip_damaged,
        }

    def _command(self) -> str:
        """The command that resumes this search."""
        from fcnet.records import without_password

        words = ["fcnet", "tune", "--out", str(self.out), "--resume"]
        if self.workers > 1:
            words += ["--workers", str(self.workers)]
        if self.storage:
            words += ["--storage", without_password(self.storage), "--study", self.study]
        return shlex.join(words) + Source(self.data, self.image_size, self.skip_damaged).options()


def summary(status: Status, place: Place, label: str, same_data: str = "") -> str:
    """What was found, and how to use it; `same_data` are options that name the data."""
    from fcnet.tuning.status import in_words

    best = status.best
    if best is None or best.settings is None:
        return f"{place.out}: no trial is complete, resume with --resume"
    base = next((row for row in status.rows if row.base and row.value is not None), None)
    before = "" if base is None else f", the base {100 * (base.value or 0):.1f} %"
    elsewhere = f", {len(status.running)} more are still running elsewhere" if status.running else ""
    variable = "OMP_NUM_THREADS" if best.settings.engine == "torch" else "OPENBLAS_NUM_THREADS"
    threads = f"{variable}={best.threads} " if best.threads else ""
    return (
        f"{place.out}: {len(status.done)} trials{elsewhere}\n"
        f"{label}: the best has {100 * (best.value or 0):.1f} % of the validation images right{before}: "
        f"{in_words(best.settings, status.plan.base)}\n"
        f"train it with: {threads}fcnet train --config {place.best} --out RUN{same_data}"
    )
