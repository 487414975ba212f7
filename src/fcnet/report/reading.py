"""The records of a reproduction as figures need them: what is missing is None, what is damaged an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from fcnet.errors import RunError
from fcnet.records import read_json
from fcnet.report.pictures import FILE, Pictures
from fcnet.train.history import Evaluation, read_history
from fcnet.train.model import Model

T = TypeVar("T")

DEFAULT_PICTURES, TUNED_PICTURES = 25, 48
"""Hidden units that are drawn of either run: five rows of five, and six rows of eight."""


def initialisation_name(scheme: str) -> str:
    """What people call an initialisation; a number is the standard deviation of all weights."""
    return {"he": "He", "pytorch": "PyTorch"}.get(scheme, f"N(0, {scheme})")


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
        """The number of the finding `name`, None if it was not looked for."""
        return self.findings[name][0] if name in self.findings else None


@dataclass(frozen=True)
class Rung:
    """One change of the settings and the accuracies, fractions, that the net reached with it."""

    change: str
    train_accuracy: float
    val_accuracy: float


@dataclass(frozen=True)
class Depth:
    """One network of the study of depth: mean and standard deviation of its accuracies, fractions."""

    budget: str
    layers: int
    initialisation: str
    width: int
    training: tuple[float, float]
    validation: tuple[float, float]


@dataclass(frozen=True)
class Signal:
    """Root mean squares before the first step: of what leaves each layer, and of each layer's gradient."""

    layers: int
    initialisation: str
    activations: tuple[float, ...]
    gradients: tuple[float, ...]


@dataclass(frozen=True)
class Study:
    """The study of depth: its networks, how many seeds and epochs each had, and the signal at step 0."""

    networks: tuple[Depth, ...]
    seeds: int
    epochs: int
    signals: tuple[Signal, ...]


@dataclass(frozen=True)
class Tested:
    """The use of the test set: fraction right, classes, counts (K, K) of true by predicted class."""

    accuracy: float
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Records:
    """The folder of a reproduction; each part is read when it is first asked for.

    Raises, in every part
    ------
    RunError : its file is damaged; the text names it
    """

    out: Path
    given_label: str | None = None
    single: bool = False
    """Whether `out` is the folder of one run, which then stands for the tuned one."""

    @property
    def run(self) -> Path:
        """The folder of the tuned run."""
        return self.out if self.single else self.out / "tuned"

    @property
    def name(self) -> str:
        """What that run is called in sentences."""
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
        return _read(self.out / "depth.json", _study)

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        return _read(self.out / "default" / "diagnosis.json", _diagnosis)

    @cached_property
    def test(self) -> Tested | None:
        return _read(self.run / "test.json", _tested)

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
    def label(self) -> str:
        """The data set's name with what must be known about this copy; "" where no run says it."""
        if self.given_label is not None:
            return self.given_label
        for run in (self.run, self.out / "default"):
            label = _read(run / "record.json", lambda record: str(record["data"]["label"]))
            if label:
                return label
        return ""


def _read(path: Path, convert: Callable[[dict[str, Any]], T]) -> T | None:
    if not path.exists():
        return None
    record = read_json(path)
    try:
        return convert(record)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise RunError(f"{path} is damaged: {what}; restore it or repeat the run") from error


def _history(folder: Path) -> list[Evaluation] | None:
    """None also where a training was stopped before its first evaluation."""
    path = folder / "history.jsonl"
    return (read_history(path) or None) if path.exists() else None


def _pictures(folder: Path, count: int) -> Pictures | None:
    there = any((folder / name).exists() for name in (FILE, "model.safetensors"))
    if not there or (not (folder / FILE).exists() and Model.load(folder).preprocessing.takes == "float32"):
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


def _study(record: dict[str, Any]) -> Study:
    rows = record["rows"]
    networks = tuple(
        Depth(
            str(row["budget"]), int(row["layers"]), str(row["initialisation"]), int(row["width"]),
            (float(row["training_accuracy_mean"]), float(row["training_accuracy_std"])),
            (float(row["validation_accuracy_mean"]), float(row["validation_accuracy_std"])),
        )
        for row in rows
    )  # fmt: skip
    signals = tuple(
        Signal(
            int(one["layers"]), str(one["initialisation"]),
            tuple(float(value) for value in one["activations"]),
            tuple(float(value) for value in one["gradients"]),
        )
        for one in record["signal"]
    )  # fmt: skip
    return Study(networks, len(rows[0]["seeds"]), int(rows[0]["epochs"]), signals)


def _tested(record: dict[str, Any]) -> Tested:
    classes = tuple(str(name) for name in record["classes"])
    confusion = tuple(tuple(int(count) for count in row) for row in record["confusion"])
    if any(len(row) != len(classes) for row in (confusion, *confusion)):
        raise ValueError(f"confusion is not {len(classes)} x {len(classes)}")
    return Tested(float(record["accuracy"]), classes, confusion)


def _maybe(value: float | None) -> float | None:
    return None if value is None else float(value)
