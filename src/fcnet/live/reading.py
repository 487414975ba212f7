"""What run folders hold, as the page takes it. Whatever is wrong with one is a sentence of that run."""

import hashlib
import json
import logging
import shlex
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from threading import RLock
from typing import Any

import msgspec
import numpy as np

from fcnet.data.dataset import split
from fcnet.data.load import load_known
from fcnet.errors import FcnetError, RunError
from fcnet.extension import typed
from fcnet.files import AGAIN, exists, holding, os_errors_as
from fcnet.lock import NAME, holder_of
from fcnet.records import RunFolder
from fcnet.runs.listing import Run, find_runs, read_run
from fcnet.runs.observed import (
    ROWS,
    Control,
    LiveFolder,
    Progress,
    Seen,
    State,
    Wish,
    chosen_units,
    frame_of,
    read_live,
    seen_in,
    thinned,
    write_live,
)
from fcnet.train.model import Model
from fcnet.wording import shown

log = logging.getLogger(__name__)

SECONDS_BETWEEN_SEARCHES = 2.0
"""How often new runs are looked for."""

LADDER = "fcnet reproduce: the short trainings of the ladder keep no folders and are not on this page."
"""What is said beside a run of a reproduction that goes on."""


class Watched:
    """The runs in some folders, read anew where their files have changed; for several threads.

    Parameters
    ----------
    roots : folders of runs, or with runs in them; one that is not there yet may come
    """

    def __init__(self, roots: Iterable[Path]) -> None:
        self.roots = tuple(roots)
        self.folders: dict[str, tuple[Path, str]] = {}
        self._searched = -SECONDS_BETWEEN_SEARCHES
        self._told: set[str] = set()
        self._known: dict[str, tuple[object, dict[str, Any]]] = {}
        self._lock = RLock()

    def runs(self) -> list[dict[str, Any]]:
        """Every run in short, in the order in which they were found."""
        with self._lock:
            self._search()
            return [summary_of(self.run(name)) for name in self.folders]

    def run(self, name: str) -> dict[str, Any]:
        """All that there is of a run, by its id.

        Raises
        ------
        KeyError : no run has this id
        """
        with self._lock:
            folder, title = self.folders[name]
            stamp, known = _stamp(folder), self._known.get(name)
            if known is None or known[0] != stamp:
                known = self._known[name] = stamp, readable({"id": name, "name": title} | told(folder))
            return known[1]

    def ask(self, name: str, wish: Wish) -> None:
        """Tell a training what is wished.

        Raises
        ------
        KeyError : no run has this id
        RunError : nothing trains there that could be told; the folder cannot be written
        """
        with self._lock:
            folder = self.folders[name][0]
            if not self.run(name)["controls"]:
                raise RunError(f"no training that was started with --watch goes on in {folder}")
            with os_errors_as(f"cannot write to {folder}", AGAIN), holding(folder):
                write_live(LiveFolder(folder).control, Control(wish))

    def _tell(self, text: str) -> None:
        """Log what a search cannot read, once."""
        if text not in self._told:
            self._told.add(text)
            log.warning("%s", text)

    def _search(self) -> None:
        if time.monotonic() - self._searched < SECONDS_BETWEEN_SEARCHES:
            return
        self._searched = time.monotonic()
        for root in self.roots:
            for folder in find_runs(root, self._tell) if root.is_dir() else ():
                name = hashlib.sha256(bytes(folder.absolute())).hexdigest()[:12]
                within = folder.relative_to(root)
                title = root.resolve().name if folder == root else str(within)
                self.folders.setdefault(name, (folder, title))


def _stamp(folder: Path) -> object:
    """Something that differs once a run has changed."""
    run, live = RunFolder(folder), LiveFolder(folder)
    stamps: list[object] = []
    for path in (
        folder / "model.safetensors", run.config, run.history, run.record, run.test, live.state, live.progress
    ):  # fmt: skip
        try:
            about = path.lstat()
            stamps.append((about.st_mtime_ns, about.st_size, about.st_ino))
        except OSError:
            stamps.append(None)
    return folder.is_dir(), _trains(folder), tuple(stamps)


def _trains(folder: Path) -> bool:
    """Whether a process works in the folder; a lock file that was left behind is told apart."""
    return exists(folder / NAME) and bool(holder_of(folder / NAME))


def told(folder: Path) -> dict[str, Any]:
    """All that the page shows of a run."""
    if not folder.is_dir():
        return _about(Run(folder, "damaged"), "vanished", f"{folder} has vanished: it was moved or deleted")
    run, problems = read_run(folder), []
    problems += [run.problem] if run.problem else []
    live: dict[type, Any] = {}
    for kind, path in ((State, LiveFolder(folder).state), (Progress, LiveFolder(folder).progress)):
        try:
            live[kind] = read_live(path, kind)
        except FcnetError as error:
            problems.append(str(error))
    state, progress = live.get(State), live.get(Progress)
    standing: str = run.state
    if _trains(folder) and run.state != "finished":
        standing = "paused" if progress is not None and progress.paused else "training"
    about = _about(run, standing, "; ".join(problems))
    about |= _inside(run, state) if state is not None else _from_model(run)
    if state is not None and state.command == "reproduce" and standing != "finished":
        about["note"] = LADDER
    if progress is not None and run.state != "finished":
        about |= {"step": progress.step, "total": progress.total, "running_loss": progress.loss}
        about["progress"] = progress.step / progress.total
        about["left"] = progress.left if standing == "training" else None
    about["controls"] = state is not None and standing in ("training", "paused")
    about["resume"] = _resume(run, state) if standing == "unfinished" else ""
    return about


def summary_of(run: dict[str, Any]) -> dict[str, Any]:
    """A run in short."""
    short = ("id", "name", "state", "problem", "note", "progress", "left", "controls", "resume")
    last = run["rows"][-1] if run["rows"] else {}
    return {name: run[name] for name in short} | {"val_accuracy": last.get("val_accuracy")}


def _about(run: Run, state: str, problem: str) -> dict[str, Any]:
    """What every run has, whatever else is known."""
    rows = [asdict(row) for row in thinned(list(run.history), ROWS)]
    done, seconds = run.progress, run.seconds
    left = seconds * (1 - done) / done if state == "training" and done and seconds is not None else None
    return {
        "state": state, "problem": problem, "note": "", "progress": done, "left": left, "rows": rows,
        "measured": [], "frames": [], "seen": None, "classes": [], "shape": None, "controls": False,
        "resume": "", "data": run.data, "metrics": None if run.record is None else run.record["metrics"],
    }  # fmt: skip


def _inside(run: Run, state: State) -> dict[str, Any]:
    """What a training has kept for the page."""
    inside: dict[str, Any] = msgspec.to_builtins(state)
    newer = len(run.history) == 0 or (bool(state.rows) and state.rows[-1].step > run.history[-1].step)
    if not newer:
        inside.pop("rows")
    return inside


def _from_model(run: Run) -> dict[str, Any]:
    """The same of a run that nothing was kept of, as far as its model and its data go."""
    if run.state != "finished" or run.record is None or run.config is None:
        curves = "Started without --watch, so there are only curves, as of the last checkpoint."
        return {"note": "" if run.problem else curves}  # one sentence of each run
    found: dict[str, Any] = {}
    try:
        model = Model.load(run.folder)
        found |= {"classes": list(model.classes), "shape": list(model.image_shape)}
        if model.image_shape[1] > 1 and model.architecture.first_weight is not None:
            W = model.first_layer
            frame = frame_of(run.record["steps"], W[:, chosen_units(W.shape[1], W.shape[0])])
            found["frames"] = [msgspec.to_builtins(frame)]
        found["seen"] = msgspec.to_builtins(_seen(model, run.record["data"], run.config.validation))
    except FcnetError as error:
        found["note"] = f"No confusion matrix and no mistakes: {error}"
    return found


def _seen(model: Model, data: dict[str, Any], held_out: int) -> Seen:
    """What a finished model says of its validation split.

    Raises
    ------
    FcnetError : the data set is not here, is another copy, or consists of the user's own files
    """
    if data.get("kind"):
        raise RunError("the run was trained on your own data, without --watch")
    dataset = load_known(data["name"])
    if dataset.origin.sha256 != data["sha256"]:
        raise RunError(f"the run was trained on another copy of {data['name']}")
    _, validation = split(dataset.train, held_out)
    return seen_in(model.logits(np.asarray(validation.images)), validation, model.image_shape[1] > 1)


def _resume(run: Run, state: State | None) -> str:
    """The command that goes on with a training that was stopped."""
    program = typed(state.own_file if state is not None and state.own_file else None)
    match None if state is None else state.command:
        case "tune":
            return f"{program} {shlex.join(['tune', '--out', str(run.folder.parent.parent), '--resume'])}"
        case "reproduce":
            return "the same fcnet reproduce command"
    return f"{program} {shlex.join(['train', '--out', str(run.folder), '--resume'])}"


def readable(told: Any) -> Any:
    """The same with the words of others as `shown` writes them; pictures in base64 stay as they are."""
    match told:
        case str():
            return told if told.isprintable() else shown(told)
        case dict():
            return {readable(name): readable(value) for name, value in told.items()}
        case list() | tuple():
            return [readable(one) for one in told]
    return told


def as_text(content: Any) -> tuple[bytes, str]:
    """JSON, and a name that changes with it."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
    return text, f'"{hashlib.sha256(text).hexdigest()[:20]}"'
