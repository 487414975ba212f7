"""The records of a reproduction for the figures: a missing record is None, a damaged one an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from fcnet import schema
from fcnet.data.dataset import Dataset
from fcnet.errors import FcnetError, RunError
from fcnet.records import RunFolder, read_json
from fcnet.report.pictures import FILE, Pictures
from fcnet.train.history import Evaluation, read_history
from fcnet.train.model import Model
from fcnet.wording import mean_percent

T = TypeVar("T")

DEFAULT_PICTURES, TUNED_PICTURES = 25, 48
"""Hidden units that are drawn of either run: five rows of five, and six rows of eight."""


def initialisation_name(scheme: str) -> str:
    """Usual names of initialisations; a number is the standard deviation of all weights."""
    return {"he": "He", "pytorch": "PyTorch's default"}.get(scheme, f"N(0, {scheme})")


@dataclass(frozen=True)
class Audited:
    """Central differences and the complex step against the gradient of one parameter.

    errors : for each h the largest relative error; None where a kink leaves nothing to compare
    complex_error : the largest relative error against the complex step; None if it was not finite
    """

    name: str
    errors: tuple[float | None, ...]
    complex_error: float | None


@dataclass(frozen=True)
class Toy:
    """Questions 1 and 2: the toy training's losses in nats; the audit, its steps h, whether it passed."""

    losses: tuple[float, ...]
    steps: tuple[float, ...]
    audited: tuple[Audited, ...]
    passed: bool


@dataclass(frozen=True)
class Diagnosis:
    """Findings by name, as (value, sentence), and the sizes of updates relative to the weights by step."""

    findings: dict[str, tuple[float, str]]
    steps: tuple[int, ...]
    updates: dict[str, tuple[float, ...]]

    def value(self, name: str) -> float | None:
        """The number of the finding `name`, None if it was not measured."""
        return self.findings[name][0] if name in self.findings else None


@dataclass(frozen=True)
class Rung:
    """One change of the settings and the accuracies, fractions, that the net reached with it."""

    change: str
    train_accuracy: float
    val_accuracy: float


@dataclass(frozen=True)
class Accuracy:
    """Mean and standard deviation, fractions, over a number of seeds; one seed has no deviation."""

    mean: float
    std: float
    seeds: int

    def __str__(self) -> str:
        return mean_percent(self.mean, self.std, self.seeds)


@dataclass(frozen=True)
class Depth:
    """One network of the study of depth, and the results of its trainings.

    budget : what it has in common with the others, "width" or "parameters"
    seconds : of one training, the mean over the seeds
    images : held out for validation
    """

    budget: str
    layers: int
    initialisation: str
    width: int
    parameters: int
    seeds: int
    epochs: int
    images: int
    seconds: float
    training: Accuracy
    validation: Accuracy


@dataclass(frozen=True)
class Signal:
    """Before the first step, layer by layer: the root mean square of what leaves it and of its gradient, and
    the fraction of its units that are off for every image.
    """

    layers: int
    initialisation: str
    activations: tuple[float, ...]
    gradients: tuple[float, ...]
    dead: tuple[float, ...]


@dataclass(frozen=True)
class Study:
    """The study of depth: its networks, and the signal through each of them before the first step."""

    networks: tuple[Depth, ...]
    signals: tuple[Signal, ...]

    def of(self, budget: str, initialisation: str | None = None) -> list[Depth]:
        """The networks compared at equal width or parameters, from any or one initialisation."""
        return [
            net
            for net in self.networks
            if net.budget == budget and initialisation in (None, net.initialisation)
        ]

    @property
    def best(self) -> Depth:
        """The network with the highest mean validation accuracy."""
        return max(self.networks, key=lambda net: net.validation.mean)


@dataclass(frozen=True)
class Tested:
    """The use of the test set: fraction right, classes, counts (K, K) of true by predicted class."""

    accuracy: float
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]


REPRODUCTION = ("reproduction.json", "results.json", "toy.json")
"""A folder with any of these files is a reproduction."""

RUN = ("record.json", "config.toml", "history.jsonl")
"""A folder with any of these files, and none of those, is a single run."""


@dataclass(frozen=True)
class Records:
    """The folder of a reproduction or of a single run; each part is read when it is first asked for.

    out : the folder
    dataset : that it was made from, None where it is not there
    benchmarks : folder with step.json, None where speed was not measured
    given_results : the content of results.json where it is kept elsewhere

    Raises, in every part
    ------
    RunError : its file is damaged; the text names it
    """

    out: Path
    dataset: Dataset | None = field(default=None, compare=False)
    benchmarks: Path | None = None
    given_results: dict[str, Any] | None = field(default=None, compare=False)

    @cached_property
    def single(self) -> bool:
        """Whether the folder is that of one run, which then stands for the tuned one."""
        return not self._has(*REPRODUCTION) and self._has(*RUN)

    def check(self) -> None:
        """Require the folder of a run or of a reproduction.

        Raises
        ------
        RunError : it is neither
        """
        if not self._has(*REPRODUCTION, *RUN):
            raise RunError(
                f"{self.out} is not the folder of a run or a reproduction, name one that fcnet wrote"
            )

    def _has(self, *names: str) -> bool:
        return any((self.out / name).exists() for name in names)

    @property
    def run(self) -> Path:
        """The folder of the tuned run."""
        return self.out if self.single else self.out / "tuned"

    @property
    def name(self) -> str:
        """The name of that run in sentences."""
        return "this run" if self.single else "the tuned run"

    @cached_property
    def toy(self) -> Toy | None:
        return _read(self.out / "toy.json", _toy)

    @cached_property
    def ladder(self) -> tuple[Rung, ...] | None:
        return (
            _read(self.out / "ladder.json", lambda record: tuple(_rung(rung) for rung in record["rungs"]))
            or None
        )

    @cached_property
    def study(self) -> Study | None:
        return _read(self.out / "depth.json", study_of)

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        return _read(self.out / "default" / "diagnosis.json", _diagnosis)

    @cached_property
    def test(self) -> Tested | None:
        return _read(self.run / "test.json", _tested, schema.Tested)

    @cached_property
    def default_history(self) -> list[Evaluation] | None:
        return _history(self.out / "default")

    @cached_property
    def tuned_history(self) -> list[Evaluation] | None:
        return _history(self.run)

    @cached_property
    def default_pictures(self) -> Pictures | None:
        return _pictures(self.out / "default", DEFAULT_PICTURES)

    @cached_property
    def tuned_pictures(self) -> Pictures | None:
        return _pictures(self.run, TUNED_PICTURES)

    @cached_property
    def record(self) -> dict[str, Any] | None:
        """The tuned run's record; a single run must have one."""
        run = RunFolder(self.run)
        return run.read_record() if run.finished or self.single else None

    @cached_property
    def default_record(self) -> dict[str, Any] | None:
        run = RunFolder(self.out / "default")
        return run.read_record() if run.finished else None

    @cached_property
    def results(self) -> dict[str, Any]:
        """results.json, empty where the reproduction is not finished."""
        return self.given_results or self.read("results.json") or {}

    @cached_property
    def label(self) -> str:
        """The data set's name with what must be known about this copy; "" where no run says it."""
        if self.dataset is not None:
            return self.dataset.label
        for run in (self.run, self.out / "default"):
            label = _read(run / "record.json", lambda record: str(record["data"]["label"]))
            if label:
                return label
        return ""

    def read(self, name: str) -> dict[str, Any] | None:
        """A JSON object of the folder, None where there is none."""
        path = self.out / name
        return read_json(path) if path.exists() else None


@contextmanager
def facts_of(path: Path) -> Iterator[None]:
    """Within it a fact that is missing, or not what it should be, is an error that names the file.

    Raises
    ------
    RunError : `PATH is damaged: WHAT; restore it or repeat the run`
    """
    try:
        yield
    except FcnetError:  # it says itself what is wrong
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise RunError(f"{path} is damaged: {what}; restore it or repeat the run") from error


def _read(path: Path, convert: Callable[[dict[str, Any]], T], kind: type[Struct] | None = None) -> T | None:
    if not path.exists():
        return None
    record = read_json(path, kind)
    with facts_of(path):
        return convert(record)


def _history(folder: Path) -> list[Evaluation] | None:
    """None also where a training was stopped before its first evaluation."""
    path = folder / "history.jsonl"
    return (read_history(path) or None) if path.exists() else None


def _pictures(folder: Path, count: int) -> Pictures | None:
    there = any((folder / name).exists() for name in (FILE, "model.safetensors"))
    if not there or (not (folder / FILE).exists() and Model.load(folder).image_shape[1] == 1):
        return None  # weights of features are no pictures
    return Pictures.read(folder, count)


def _toy(record: dict[str, Any]) -> Toy:
    audit = record["audit"]
    steps = tuple(float(h) for h in audit["steps"])
    audited = tuple(
        Audited(
            name, tuple(_maybe(error) for error in parameter["errors"]), _maybe(parameter["complex_error"])
        )
        for name, parameter in audit["parameters"].items()
    )
    if any(len(parameter.errors) != len(steps) for parameter in audited):
        raise ValueError("it has not one error for each h")
    return Toy(tuple(float(loss) for loss in record["loss_history"]), steps, audited, bool(audit["passed"]))


def _diagnosis(record: dict[str, Any]) -> Diagnosis:
    rows = record["updates"]
    names = [name for name in rows[0] if name != "step"] if rows else []
    return Diagnosis(
        {one["name"]: (float(one["value"]), str(one["sentence"])) for one in record["findings"]},
        tuple(int(row["step"]) for row in rows),
        {name: tuple(float(row[name]) for row in rows) for name in names},
    )


def _rung(rung: dict[str, Any]) -> Rung:
    return Rung(str(rung["change"]), float(rung["train_accuracy"]), float(rung["val_accuracy"]))


def study_of(record: dict[str, Any]) -> Study:
    """The study of depth as depth.json has it.

    Raises
    ------
    KeyError, TypeError, ValueError : something is missing, or not what it should be
    """
    networks = tuple(
        Depth(
            str(row["budget"]), int(row["layers"]), str(row["initialisation"]), int(row["width"]),
            int(row["parameters"]), len(row["seeds"]), int(row["epochs"]), int(row["validation_images"]),
            float(row["seconds"]), _accuracy(row, "training"), _accuracy(row, "validation"),
        )
        for row in record["rows"]
    )  # fmt: skip
    signals = tuple(
        Signal(
            int(one["layers"]), str(one["initialisation"]),
            *(tuple(float(value) for value in one[name]) for name in ("activations", "gradients", "dead")),
        )
        for one in record["signal"]
    )  # fmt: skip
    if not networks:
        raise ValueError("it has no network")
    return Study(networks, signals)


def _accuracy(row: dict[str, Any], part: str) -> Accuracy:
    mean, std = float(row[f"{part}_accuracy_mean"]), float(row[f"{part}_accuracy_std"])
    return Accuracy(mean, std, len(row["seeds"]))


def _tested(record: dict[str, Any]) -> Tested:
    classes = tuple(str(name) for name in record["classes"])
    confusion = tuple(tuple(int(count) for count in row) for row in record["confusion"])
    return Tested(float(record["accuracy"]), classes, confusion)


def _maybe(value: float | None) -> float | None:
    return None if value is None else float(value)
