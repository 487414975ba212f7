"""Run folders, finished or not, whole or damaged, as `fcnet runs` and `fcnet compare` show them."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from fcnet.errors import FcnetError, RunError
from fcnet.files import exists
from fcnet.notebook import Rows, curves, table
from fcnet.records import RunFolder, read_json
from fcnet.registry import needs_own_code
from fcnet.runs.training import read_config
from fcnet.schema import Data, Tested
from fcnet.train.config import TrainConfig
from fcnet.train.history import Evaluation, read_history
from fcnet.wording import percent, seconds, setting

State = Literal["finished", "unfinished", "diverged", "needs own code", "damaged"]

MARKS = ("config.toml", "record.json", "history.jsonl")
"""Any of these makes a folder that of a run."""

WITHIN = {"checkpoint", "tensorboard", "initial", "live"}
"""Folders of a run that hold no other runs."""

DEEPEST = 30
"""Folders inside folders in which runs are looked for."""


@dataclass(frozen=True)
class Run:
    """One run.

    folder : where it lies
    state : "unfinished" if it is being trained or was stopped; "needs own code" if its settings name what
        code of a user's own adds
    problem : what is damaged or needed, in one line; empty if nothing is
    config : the settings, None if they cannot be read
    history : the evaluations so far
    record : of a finished run
    test : content of test.json, once the test set was used
    origin : content of data.json, which every run has from its first step on
    """

    folder: Path
    state: State
    problem: str = ""
    config: TrainConfig | None = None
    history: tuple[Evaluation, ...] = ()
    record: dict[str, Any] | None = None
    test: dict[str, Any] | None = None
    origin: dict[str, Any] | None = None

    @property
    def progress(self) -> float:
        """The fraction of the training that is done, in [0, 1]; 0 if it is unknown."""
        if self.state == "finished":
            return 1.0
        if not self.history or self.config is None:
            return 0.0
        last, steps = self.history[-1], self.config.iterations
        return min(1.0, last.step / steps if steps else last.epoch / self.config.epochs)

    @property
    def val_accuracy(self) -> float | None:
        """The last validation accuracy, a fraction in [0, 1]."""
        if self.record is not None:
            return float(self.record["metrics"]["val_accuracy"])
        return self.history[-1].val_accuracy if self.history else None

    @property
    def test_accuracy(self) -> float | None:
        return None if self.test is None else float(self.test["accuracy"])

    @property
    def seconds(self) -> float | None:
        if self.record is not None:
            return float(self.record["seconds"])
        return self.history[-1].seconds if self.history else None

    @property
    def data(self) -> str:
        """The label of its data set; "" if it is unknown."""
        return str(self._data.get("label", ""))

    @property
    def task(self) -> tuple[str, str]:
        """The name of its data set, and the column that is predicted if that is a table; "" if unknown."""
        return str(self._data.get("name", "")), str((self._data.get("table") or {}).get("target") or "")

    @property
    def _data(self) -> dict[str, Any]:
        data = (self.record or {}).get("data", self.origin)
        return data if isinstance(data, dict) else {}

    def _repr_html_(self) -> str:
        reached = {"validation": self.val_accuracy, "test": self.test_accuracy}
        rows = [
            ("run", self.folder), ("state", self.problem or self.state), ("data", self.data),
            *((f"{name} accuracy", percent(value)) for name, value in reached.items() if value is not None),
        ]  # fmt: skip
        if self.seconds is not None:
            rows.append(("training time", f"{seconds(self.seconds)} s"))
        if self.config is not None:
            rows += self.config.changed(TrainConfig()).items()
        return table(("what", "value"), rows) + (
            curves(Rows(self.history).accuracies()) if self.history else ""
        )

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "folder": str(self.folder),
            "state": self.state,
            "problem": self.problem,
            "progress": self.progress,
            "validation_accuracy": self.val_accuracy,
            "test_accuracy": self.test_accuracy,
            "seconds": self.seconds,
            "data": self.data,
            "settings": self.config.to_dict() if self.config else {},
        }


def find_runs(folder: Path, unread: Callable[[str], object]) -> Iterator[Path]:
    """Every run folder in a folder or below it, that folder itself included, sorted by name.

    Parameters
    ----------
    folder : to look in
    unread : called with a line for each folder that cannot be entered

    Raises
    ------
    RunError : there is no such folder, or it cannot be read itself
    """
    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder, name one with runs in it")

    def tell(error: OSError) -> None:
        said = f"cannot read {error.filename}: {error.strerror}"
        if Path(error.filename) == folder:
            raise RunError(f"{said}, name another folder")
        unread(f"{said}, so runs in it are not listed")

    for where, folders, names in os.walk(folder, onerror=tell):
        folders[:] = sorted(name for name in folders if name not in WITHIN and not name.startswith("."))
        if len(Path(where).relative_to(folder).parts) == DEEPEST:
            folders.clear()
        if any(mark in names for mark in MARKS):
            yield Path(where)


def read_run(folder: Path) -> Run:
    """Read a run folder; `problem` says what cannot be read, and nothing is raised."""
    run = RunFolder(folder)
    problems: list[FcnetError] = []
    found: dict[str, Any] = {}

    def attempt(what: str, path: Path, read: Any) -> None:
        if exists(path) or what == "config":
            try:
                found[what] = read()
            except FcnetError as error:
                problems.append(error)

    attempt("config", run.config, lambda: read_config(run.config))
    attempt("history", run.history, lambda: tuple(read_history(run.history)))
    attempt("record", run.record, run.read_record)
    attempt("test", run.test, lambda: read_json(run.test, Tested))
    attempt("origin", run.data, lambda: read_json(run.data, Data))
    known = Run(folder, "finished" if run.finished else "unfinished", **found)
    state = known.state
    if problems:
        state = "needs own code" if all(map(needs_own_code, problems)) else "damaged"
    elif state == "unfinished" and (folder / "model.safetensors").exists() and known.progress < 1:
        state = "diverged"  # a training that ends well writes the record right after the model
    return Run(folder, state, "; ".join(map(str, problems)), **found)


def by_data(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs under the labels of their data sets, in the order of the first of each.

    Tables of one label of which several columns are predicted are several data sets.
    """
    targets: dict[str, set[str]] = {}
    for run in runs:
        targets.setdefault(run.data, set()).add(run.task[1])
    groups: dict[str, list[Run]] = {}
    for run in runs:
        several = len(targets[run.data]) > 1
        groups.setdefault(f"{run.data}, {run.task[1]}" if several else run.data, []).append(run)
    return groups


def apart(runs: Sequence[Run]) -> list[str]:
    """For each run the settings that set it apart: those that are not the most frequent ones."""
    configs = [run.config for run in runs if run.config is not None]
    usual = {
        field.name: Counter(getattr(config, field.name) for config in configs).most_common(1)[0][0]
        for field in fields(TrainConfig)
        if configs
    }
    return [
        ", ".join(
            f"{name} {setting(getattr(run.config, name))}"
            for name, value in usual.items()
            if getattr(run.config, name) != value
        )
        if run.config
        else ""
        for run in runs
    ]
