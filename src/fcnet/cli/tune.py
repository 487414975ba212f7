"""`fcnet tune`: search for better settings."""

from __future__ import annotations

import shlex
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fcnet.cli import tell
from fcnet.cli.start import Trains, fitted_and_told, words_of
from fcnet.errors import DivergedError
from fcnet.extension import program
from fcnet.train.config import TrainConfig
from fcnet.train.ranges import AT_LEAST_1, POSITIVE
from fcnet.wording import shown

if TYPE_CHECKING:
    from fcnet.data.dataset import Dataset
    from fcnet.tuning.search import Search
    from fcnet.tuning.status import Status

LIMITS = {"trials": AT_LEAST_1, "workers": AT_LEAST_1, "minutes": POSITIVE}
"""Valid values of these options."""


@dataclass(frozen=True)
class Tune(Trains):
    """Search for better settings on validation examples, and keep the whole search in a folder.

    The settings below, or those of --recipe or --config, apply where nothing is varied, and are the first
    trial. Hopeless trials are pruned. Ctrl-C stops the search, --resume resumes it. best.toml holds the best
    settings, for fcnet train --config.

    Example: fcnet tune --out searches/quick --recipe quick --trials 60 --workers 2
    """

    out: Path
    """Folder for the search with its trials, record and figures."""
    trials: int | None = None
    """Trials in all, including pruned ones and those before --resume; 60 if not given."""
    workers: int = 1
    """Processes that run trials at the same time; the cores are divided among them."""
    vary: tuple[str, ...] | None = None
    """Settings to vary: any of learning-rate, schedule, decay, warmup-epochs, reg, lasso, depth, hidden,
    batch-size, momentum, dropout, label-smoothing, augmentation (or mirror, shift, rotate, zoom),
    initialisation, components and whitening-floor; all but depth, lasso and warmup-epochs if not given."""
    resume: bool = False
    """Resume the search in the folder, with its own data, settings and space if none are given."""
    watch: bool = False
    """Serve a live page of the trials until the search ends, and print its address."""
    minutes: float | None = None
    """Minutes after which no trial begins; running trials finish."""
    storage: Annotated[str | None, "ADDRESS"] = None
    """Address of a database that any number of machines share, each with its own folder:
    postgresql://USER@HOST/DATABASE, or env:NAME for an address in the environment variable NAME. The password
    comes from PGPASSWORD, ~/.pgpass or that variable. If not given, a file in the folder."""
    study: str = "fcnet"
    """Name of the search in that database."""

    def run(self) -> int:
        from fcnet.extras import require as require_package

        require_package("optuna", "tune")
        from fcnet.cli.loading import load_any, page_beside_if
        from fcnet.tuning.figures import draw
        from fcnet.tuning.run import run
        from fcnet.tuning.view import View

        search = self._search()
        dataset = load_any(search.source)
        if not (self.resume and self.settings == TrainConfig()):
            search = replace(search, base=fitted_and_told(self.settings, dataset, self.recipe))
        if self.minutes is not None:
            search = replace(search, deadline=time.time() + 60 * self.minutes)
        if not self.resume and search.base.engine == "numpy":
            print(_expected(search, dataset), flush=True)
        try:
            with page_beside_if(self.watch, self.out):
                status = run(search, dataset, View())
        except KeyboardInterrupt as stop:
            raise type(stop)(f"resume with: {self._command()}") from None
        draw(search.record, search.figures)
        if status.fruitless:
            raise DivergedError(summary(status, dataset.label))
        same = "".join(f" {shlex.quote(word)}" for word in words_of(search.source))
        *told, command = summary(status, dataset.label, same).splitlines()
        for line in told:
            tell(line, sys.stdout)
        print(shown(command))  # not broken into lines, so that it can be copied
        return 0

    def _search(self) -> Search:
        """What the options ask for.

        Raises
        ------
        FcnetError : an option has an invalid value
        """
        from fcnet.cli.loading import as_before
        from fcnet.records import read_json, without_password
        from fcnet.schema import Data, checked
        from fcnet.tuning.search import Search
        from fcnet.tuning.space import check_names
        from fcnet.tuning.storage import url_of

        for name, limit in LIMITS.items():
            if getattr(self, name) is not None:
                limit.number(f"--{name}", getattr(self, name))
        check_names(self.vary or ())
        if self.storage and without_password(self.storage) != self.storage:
            print(
                "warning: other users of this machine can read the password in --storage from the list of "
                "processes; use PGPASSWORD, ~/.pgpass or --storage env:NAME",
                file=sys.stderr,
            )
        search = Search(
            self.out,
            vary=self.vary,
            trials=self.trials or 0,
            workers=self.workers,
            resume=self.resume,
            storage=self.storage and url_of(self.storage),
            study=self.study,
            source=self.source(),
            watch=self.watch,
        )
        if self.resume and search.record.is_file():
            origin = read_json(search.record).get("data", {})
            checked(origin, Data, search.record)
            if origin.get("kind"):  # the resumed search has its own data
                return replace(search, source=as_before(origin, search.source))
        return search

    def _command(self) -> str:
        """The command that resumes this search."""
        from fcnet.records import without_password

        words = ["tune", "--out", str(self.out), "--resume"]
        if self.workers > 1:
            words += ["--workers", str(self.workers)]
        if self.watch:
            words.append("--watch")
        if self.storage:
            words += ["--storage", without_password(self.storage), "--study", self.study]
        return f"{program()} {shlex.join(words + words_of(self.source()))}"


def _expected(search: Search, dataset: Dataset) -> str:
    """How long the search takes, said before it begins."""
    from fcnet.experiments.duration import about, trained
    from fcnet.tuning.search import TRIALS

    trials = search.trials or TRIALS
    seconds = about(trials * trained(search.base, dataset))
    return f"{trials} trials like the first take {seconds} here, pruned ones less"


def summary(status: Status, label: str, same_data: str = "") -> str:
    """What was found, and how to use it; `same_data` are options that name the data."""
    from fcnet.tuning.status import in_words
    from fcnet.wording import percent

    search, best = status.search, status.best
    if status.fruitless:
        return f"{search.out}: no trial is complete, {_fruitless(status)}"
    if best is None or best.settings is None:
        return f"{search.out}: no trial is complete, resume with --resume"
    base = next((row for row in status.rows if row.base and row.value is not None), None)
    reached = f"a validation accuracy of {percent(best.value or 0)}"
    if best is base:
        found = f"the base is the best, with {reached}"
    else:
        before = "" if base is None else f", the base {percent(base.value or 0)}"
        found = f"the best has {reached}{before}: {in_words(best.settings, search.base)}"
    elsewhere = f", {len(status.running)} more are still running elsewhere" if status.running else ""
    variable = "OMP_NUM_THREADS" if best.settings.engine == "torch" else "OPENBLAS_NUM_THREADS"
    threads = f"{variable}={best.threads} " if best.threads else ""
    config = shlex.quote(str(search.best))
    return (
        f"{shown(search.out)}: {len(status.done)} trials{elsewhere}\n"
        f"{shown(label)}: {found}\n"
        f"train it with: {threads}{shown(program())} train --config {shown(config)} --out RUN"
        f"{shown(same_data)}"
    )


def _fruitless(status: Status) -> str:
    """Why no trial could be trained, and what to search instead."""
    base, many = status.search.base, f"all {len(status.done)}"
    if status.counts["too large"]:
        half = " ".join(str(max(1, units // 2)) for units in base.hidden)
        why, less = (
            f"{many} diverged or were too large for the memory",
            f"smaller layers: --out OTHER --hidden {half}",
        )
    else:
        lower = f"--learning-rate {base.learning_rate / 10:g}"
        why, less = f"{many} diverged", f"a lower learning rate: --out OTHER {lower}"
    return f"{why}; search in another folder with {less}"
