"""The whole search, from an empty folder to its outcome, in this process or by several workers.

A library for matrices starts its threads when NumPy loads, so their number is in the environment of a
worker before it begins. A worker receives its search on its standard input, where no list of processes shows
a password; the end of that input tells the worker that its search has ended.
"""

import json
import math
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from fcnet.data.augmentation import Pipeline
from fcnet.data.dataset import Dataset, split
from fcnet.errors import DataError, FcnetError, RunError
from fcnet.extension import OWN_FILE, own_file
from fcnet.files import exists
from fcnet.lock import locked
from fcnet.net.libraries import THREAD_VARIABLES
from fcnet.records import cores, read_json
from fcnet.runs.differing import other_options
from fcnet.train.config import TrainConfig
from fcnet.train.interruption import stopped_by_sigterm
from fcnet.tuning.search import Search
from fcnet.tuning.status import Status, status_of, write_outcome
from fcnet.tuning.storage import opened_storage
from fcnet.tuning.study import NOBODY, Trials, find_search
from fcnet.tuning.trial import work
from fcnet.tuning.view import View

LOOK_SECONDS = 0.5
"""Seconds between two looks at the study."""

STOP_SECONDS = 60.0
"""Seconds for a worker to end its step and write its checkpoint."""

LOST = 6
"""Killed workers, with no finished trial in between, after which the search stops."""

STOPPED = 130
"""The exit status of a worker that was interrupted."""


def run(search: Search, dataset: Dataset, view: View) -> Status:
    """Search for better settings on validation images, and write best.toml and study.json.

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
    with locked(search.out) as lock, stopped_by_sigterm():
        used = check_folder(search)
        known = None
        if used or search.storage:
            with opened_storage(search) as storage:
                known = find_search(search, storage)
        search = search.settled(known, dataset)
        if known is not None and known.data != search.data:
            before = read_json(search.record).get("data", {}) if exists(search.record) else {}
            raise search.other_data(other_options(before, dataset).values())
        check_fit(search.base, dataset)  # write nothing before everything is known to fit
        search.runs.mkdir(exist_ok=True)
        with opened_storage(search) as storage:
            trials = Trials.begun(search, storage)
            trials.reclaim()  # this search alone holds the folder, and has started no worker yet
            watch = Watch(trials, dataset, view)
            with view.screen:
                watch.look()
                try:
                    if search.workers == 1:
                        work(trials, dataset, watch)
                    else:
                        _supervise(trials, watch, lock.descriptor)
                finally:
                    status = watch.look(write=True)
        return status


def check_fit(base: TrainConfig, dataset: Dataset) -> None:
    """Make sure that these settings can be trained with these images.

    Raises
    ------
    DataError : more validation images, components or shifts than there is room for
    """
    split(dataset.train, base.validation)
    size = math.prod(dataset.image_shape)
    if base.whitens and base.components > size:
        raise DataError(f"components is {base.components}, choose at most the {size} numbers of an example")
    Pipeline.of(base.augmentations, dataset.image_shape, len(dataset.classes)).deformation.tables(
        dataset.image_shape
    )


def check_folder(search: Search) -> bool:
    """Make sure that the folder is empty, or holds a search that is to be resumed; does it hold one?

    Raises
    ------
    RunError : it holds a search and `resume` is False, or something else, or a link, a pipe or a device,
        through which a folder from elsewhere could change other files
    """
    found = [path for path in search.out.iterdir() if not path.name.startswith(".")]
    used = any(path in (search.journal, search.record, search.runs) for path in found)
    if used and not search.resume:
        raise RunError(
            f"{search.out} holds a search already, resume it with --resume or choose another folder with "
            "--out"
        )
    if not used and found:
        raise RunError(f"{search.out} is not empty and holds no search of fcnet, choose another folder")
    for folder in (search.out, search.runs, search.logs, search.figures):  # the first checks the others
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise RunError(
                    f"{path} is a link, a pipe or a device, remove it or choose another with --out"
                )
    return used


class Watch:
    """Looks at the study while trials run: shows it, and keeps best.toml and study.json up to date."""

    def __init__(self, trials: Trials, dataset: Dataset, view: View) -> None:
        self.trials = trials
        self.dataset = dataset
        self.view = view
        self.looked = 0.0

    def __call__(self) -> None:
        """Look, unless the last look was just now: small nets are evaluated many times a second."""
        if time.monotonic() - self.looked >= LOOK_SECONDS:
            self.look()

    def look(self, write: bool = False) -> Status:
        """Look now, and write the outcome if a trial has ended or `write` is set."""
        status = status_of(self.trials)
        if self.view.update(status) or write:
            write_outcome(self.trials.study, status, self.dataset)
        self.looked = time.monotonic()
        return status


def _supervise(trials: Trials, watch: Watch, held: int | None) -> None:
    """Run workers until there are enough trials; a new worker replaces a killed one.

    `held` is the descriptor of the folder's lock.
    """
    workers = Workers(trials.search, held)
    lost = killed = 0
    done = -1
    try:
        # a worker may be killed after the others have seen enough trials under way, and ended
        while workers.running or trials.wanted():
            if killed or not workers.running:
                workers.start()
            time.sleep(LOOK_SECONDS)
            killed = workers.reap()
            trials.reclaim(workers.is_gone)
            before, done = done, len(watch.look().done)
            lost = killed + (lost if done == before else 0)
            if lost >= LOST:
                raise RunError(
                    f"{lost} workers were killed and no trial finished, is there enough memory? "
                    "Try fewer workers"
                )
    finally:
        workers.stop()
        trials.reclaim()


class Workers:
    """The processes of one search.

    search : that they work for
    held : descriptor of the folder's lock, which they inherit. So a search that was killed releases the
        folder with the last of its workers
    running : by their place, from 1
    """

    def __init__(self, search: Search, held: int | None) -> None:
        self.search = search
        self.kept = () if held is None or os.name == "nt" else (held,)  # Windows passes none on
        self.running: dict[int, subprocess.Popen[str]] = {}

    def start(self) -> None:
        """Start the missing workers."""
        self.search.logs.mkdir(exist_ok=True)
        for place in set(range(1, self.search.workers + 1)) - set(self.running):
            self._log(place).unlink(missing_ok=True)
            with self._log(place).open("x") as log:
                process = subprocess.Popen(
                    (sys.executable, "-m", "fcnet.cli.tune_worker"),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    text=True,
                    env=surroundings(self.search.workers),
                    pass_fds=self.kept,
                    start_new_session=True,  # Ctrl-C reaches the search, which stops them
                )
            self.running[place] = process
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # it ended at once; `reap` says why
                process.stdin.write(json.dumps(self.search.to_dict() | {OWN_FILE: own_file()}) + "\n")
                process.stdin.flush()

    def is_gone(self, process: int) -> bool:
        """Whether a trial's worker is not running; a trial without a worker may still get one."""
        living = {one.pid for one in self.running.values() if one.poll() is None}
        return process not in living and (process != NOBODY or not living)

    def reap(self) -> int:
        """Remove the workers that have ended; returns how many of them were killed.

        Raises
        ------
        FcnetError : the message of a worker that ended with an error
        KeyboardInterrupt : a worker was asked to stop, on the live page
        """
        ended = {place: process for place, process in self.running.items() if process.poll() is not None}
        for place, process in ended.items():
            _close(self.running.pop(place))
            if process.returncode == STOPPED:
                raise KeyboardInterrupt
            if process.returncode > 0:
                raise FcnetError(self._said(place))
        return sum(process.returncode < 0 for process in ended.values())

    def stop(self) -> None:
        """Let each worker end its step and write a checkpoint; kill those that take too long."""
        for process in self.running.values():
            process.terminate()
        patience = time.monotonic() + STOP_SECONDS
        try:
            for process in self.running.values():
                process.wait(max(patience - time.monotonic(), 0.1))
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            for process in self.running.values():
                process.kill()
        for process in self.running.values():
            process.wait()
            _close(process)
        self.running.clear()

    def _log(self, place: int) -> Path:
        return self.search.logs / f"worker-{place}.log"

    def _said(self, place: int) -> str:
        """The last line of a worker that failed."""
        lines = self._log(place).read_text(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "it said nothing"
        if last.startswith("error: "):
            return last.removeprefix("error: ")
        return f"a worker failed ({last}), see {self._log(place)} and resume with --resume"


def _close(process: subprocess.Popen[str]) -> None:
    """Close the input of a process that has ended, whatever is still in it."""
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()


def threads_each(workers: int) -> int:
    """The number of cores for each worker, at least one."""
    return max(1, cores() // workers)


def surroundings(workers: int) -> dict[str, str]:
    """The environment of a worker; an existing smaller number of threads stays."""
    share = threads_each(workers)
    wanted = {name: os.environ.get(name, "") for name in THREAD_VARIABLES}
    return os.environ | {
        name: str(min(share, int(value)) if value.isdigit() and int(value) > 0 else share)
        for name, value in wanted.items()
    }
