"""The whole search, from an empty folder to its outcome."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage
from optuna.study import Study

from fcnet.data.augmentation import Pipeline
from fcnet.data.dataset import Dataset, split
from fcnet.errors import DataError, RunError
from fcnet.records import make_writable
from fcnet.train.config import TrainConfig
from fcnet.tuning.locks import only_search_in
from fcnet.tuning.plan import Place, Plan
from fcnet.tuning.ranges import make_space
from fcnet.tuning.status import Status, status, write_outcome
from fcnet.tuning.storage import opened_storage
from fcnet.tuning.study import find_plan, is_unfinished, open_study, reclaim
from fcnet.tuning.trial import work
from fcnet.tuning.view import View
from fcnet.tuning.workers import Processes, stopped_by_sigterm

TRIALS = 60
"""How many, if nothing is said."""

LOOK_SECONDS = 0.5
"""Between two looks at the study."""

LOST = 6
"""Workers killed, with no trial done in between, after which it makes no sense to start more."""


def no_worker_lives(process: int) -> bool:
    """Of a search that has started no worker yet, or stopped all of them."""
    return True


@dataclass(frozen=True)
class Request:
    """What is asked of a search.

    place : where it is kept
    base : the settings that hold where nothing is varied
    vary : names of what is varied; None for the usual ones, or those of the resumed search
    trials : how many in all; None for 60, or those of the resumed search
    workers : processes on this machine
    resume : resume the search in the folder
    minutes : after which no trial begins
    command, order : that start a worker, and what it is told besides the place; for more than one worker
    """

    place: Place
    base: TrainConfig
    vary: tuple[str, ...] | None = None
    trials: int | None = None
    workers: int = 1
    resume: bool = False
    minutes: float | None = None
    command: Sequence[str] = ()
    order: dict[str, Any] | None = None


def search(request: Request, dataset: Dataset, view: View) -> Status:
    """Search for better settings on validation images, and leave best.toml, study.json and figures.

    Returns
    -------
    status : of all trials at the end

    Raises
    ------
    RunError : the folder holds a search and `resume` is False, or another one, or is in use, or cannot be
        written
    DataError : settings and data do not fit
    FcnetError : the database cannot be used, or a trial cannot be run
    KeyboardInterrupt : Ctrl-C or SIGTERM; every running trial has left a checkpoint, and resumes
    """
    place = request.place
    make_writable(place.out)
    with only_search_in(place.out) as held, stopped_by_sigterm():
        used = _check_folder(place, request.resume)
        # nothing is written before all is known to fit
        plan = make_plan(request, _known_plan(place) if used or place.storage else None, dataset)
        check_fit(plan.base, dataset)
        place.trials.mkdir(exist_ok=True)
        with opened_storage(place) as storage:
            study = open_study(storage, place, plan)
            reclaim(study, storage, place, no_worker_lives)  # this search alone holds the folder
            watch = Watch(study, plan, request, dataset, view)
            with view:
                watch()
                try:
                    _run(request, plan, study, storage, dataset, watch, held)
                finally:
                    watch.look()
                    watch.write()
        return watch.status


def _known_plan(place: Place) -> Plan | None:
    with opened_storage(place) as storage:
        return find_plan(storage, place)


def make_plan(request: Request, known: Plan | None, dataset: Dataset) -> Plan:
    """What is searched: as asked for, or as before where nothing is asked for."""
    base, known_trials = request.base, TRIALS
    if known is not None:
        known_trials = known.trials
        if request.resume and base == TrainConfig():
            base = known.base
    if known is not None and request.resume and request.vary is None and base == known.base:
        space = known.space
    else:
        space = make_space(base, request.vary, dataset.image_shape)
    return Plan(base, space, dataset.origin.sha256, request.trials or known_trials)


def check_fit(base: TrainConfig, dataset: Dataset) -> None:
    """Make sure that these settings can be trained with these images.

    Raises
    ------
    DataError : more validation images, components or shifts than there is room for
    """
    split(dataset.train, base.validation)
    size = math.prod(dataset.image_shape)
    if base.preprocessing == "whitened" and base.components > size:
        raise DataError(f"components is {base.components}, choose at most the {size} numbers of an image")
    Pipeline.of(base.augmentations, dataset.image_shape).deformation.tables(dataset.image_shape)


def _check_folder(place: Place, resume: bool) -> bool:
    """Make sure that the folder is empty, or holds a search that is to be resumed; does it hold one?

    Raises
    ------
    RunError : it holds a search and `resume` is False, or something else, or a link, a pipe or a device
    """
    found = [path for path in place.out.iterdir() if not path.name.startswith(".")]
    used = any(path in (place.journal, place.record, place.trials) for path in found)
    if used and not resume:
        raise RunError(
            f"{place.out} holds a search already, resume it with --resume or choose another folder with --out"
        )
    if not used and found:
        raise RunError(f"{place.out} is not empty and not a search of fcnet, choose another folder")
    folders = (place.trials, place.logs, place.figures)
    for path in (*place.out.iterdir(), *(path for folder in folders for path in _inside(folder))):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise RunError(f"{path} is a link, a pipe or a device, remove it or choose another with --out")
    return used


def _inside(folder: Path) -> list[Path]:
    """What a folder holds that is not a link itself."""
    return list(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


class Watch:
    """Looks at the study: shows it, and keeps best.toml and study.json up to date."""

    def __init__(self, study: Study, plan: Plan, request: Request, dataset: Dataset, view: View) -> None:
        self.study = study
        self.plan = plan
        self.request = request
        self.dataset = dataset
        self.view = view
        self.status = status(study, plan)
        self.written = -1
        self.looked = 0.0

    def __call__(self) -> None:
        """Look, unless that was done just now: small nets are evaluated many times a second."""
        if time.monotonic() - self.looked < LOOK_SECONDS:
            return
        self.look()

    def look(self) -> None:
        """Look now."""
        self.status = status(self.study, self.plan)
        self.view.update(self.status)
        self.looked = time.monotonic()
        if len(self.status.done) != self.written:
            self.write()

    def write(self) -> None:
        """Write the outcome as it is now."""
        write_outcome(self.study, self.status, self.request.place, self.dataset, self.request.workers)
        self.written = len(self.status.done)


def _run(
    request: Request,
    plan: Plan,
    study: Study,
    storage: BaseStorage,
    dataset: Dataset,
    watch: Watch,
    held: int | None,
) -> None:
    """Let the workers work until there are enough trials."""
    place = request.place
    deadline = None if request.minutes is None else time.time() + 60 * request.minutes
    if request.workers == 1:
        work(study, storage, place, plan, dataset, deadline, watch)
        return
    order = {**(request.order or {}), "deadline": deadline}
    processes = Processes(request.command, order, request.workers, place.logs, held)
    try:
        more = True
        while more:  # a worker may be killed after the others have seen enough trials under way, and ended
            _attend(processes, lambda is_dead: reclaim(study, storage, place, is_dead), watch)
            reclaim(study, storage, place, no_worker_lives)
            more = is_unfinished(study, plan.trials) and (deadline is None or time.time() < deadline)
    finally:
        processes.stop()
        reclaim(study, storage, place, no_worker_lives)


def _attend(processes: Processes, reclaimed: Callable[[Callable[[int], bool]], None], watch: Watch) -> None:
    """Wait until all have ended by themselves; another takes the place of one that is killed."""
    processes.start()
    lost, done = 0, len(watch.status.done)
    while processes.running:
        time.sleep(LOOK_SECONDS)
        killed = processes.reap()
        if killed:
            reclaimed(processes.is_gone)
        watch()
        lost = lost + killed if len(watch.status.done) == done else killed
        done = len(watch.status.done)
        if lost >= LOST:
            raise RunError(
                f"{lost} workers were killed and no trial was done, is there memory enough? Try fewer workers"
            )
        if killed:
            processes.start()
