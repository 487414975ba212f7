"""How two runs differ, and whether their accuracies differ by more than chance."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fcnet.data.dataset import Dataset, split
from fcnet.runs.listing import Run
from fcnet.train.history import TRAINING_SAMPLE
from fcnet.train.model import Model
from fcnet.wording import percent, points, seconds, setting

SIGNIFICANT = 0.05
"""A difference counts as more than chance if chance alone gives one as large with a lower probability."""


Facts = dict[str, Any]


def differences(first: Run, second: Run) -> dict[str, list[tuple[str, str, str]]]:
    """What differs, under the headings settings, data, and versions and machine: its name, and both in words.

    Nothing, where a run is not known well enough.
    """
    about = {"settings": _settings, "data": _data, "versions and machine": _environment}
    return {heading: list(_differing(facts(first), facts(second))) for heading, facts in about.items()}


def _differing(one: Facts | None, other: Facts | None) -> Iterator[tuple[str, str, str]]:
    if one is None or other is None:
        return
    for name in {**one, **other}:
        if one.get(name) != other.get(name):
            yield name, _text(one.get(name)), _text(other.get(name))


def _text(value: Any) -> str:
    return "" if value is None else setting(value)


def _settings(run: Run) -> Facts | None:
    return None if run.config is None else vars(run.config)


def _data(run: Run) -> Facts | None:
    if run.record is None:
        return None
    data, examples = run.record["data"], run.record["examples"]
    asked = {name: ", ".join(v) if isinstance(v, list) else v for name, v in (data["table"] or {}).items()}
    return {
        "data": data["label"],
        "path": data["path"],
        "sha256": data["sha256"][:16],
        **asked,
        "training examples": examples["train"],
        "validation examples": examples["validation"],
    }


def _environment(run: Run) -> Facts | None:
    if run.record is None:
        return None
    about, engine = run.record["environment"], run.record.get("engine", {})
    machine = {name: about[name] for name in ("python", "system", "processor", "cores", "commit")}
    return {**machine, **about["versions"], **{f"engine's {name}": v for name, v in engine.items()}}


def measured(run: Run) -> dict[str, str]:
    """The results as text: the metrics of a finished run, the last evaluation of an unfinished one."""
    record = run.record or {}
    last = run.history[-1] if run.history else None
    metrics = record.get("metrics", {})
    values = {
        "validation accuracy": _percent(run.val_accuracy),
        "before averaging": _percent((record.get("unaveraged") or {}).get("val_accuracy")),
        "validation loss": _decimal(metrics.get("val_loss", last and last.val_loss)),
        "training accuracy": _percent(metrics.get("train_accuracy")),
        f"accuracy on the {TRAINING_SAMPLE}": _percent(last and last.train_accuracy),
        "training loss": _decimal(metrics.get("train_loss")),
        "test accuracy": _percent(run.test_accuracy),
        "last loss of the curve": _decimal(last and last.loss),
        "last objective": _decimal(last and last.objective),
        "best validation accuracy": _best(run),
        "epochs": _decimal(last and last.epoch, 1),
        "parameters": _decimal(record.get("parameters"), 0),
        "seconds": "" if run.seconds is None else seconds(run.seconds),
    }
    return values


def _percent(value: Any) -> str:
    return percent(value) if isinstance(value, int | float) else ""


def _decimal(value: Any, digits: int = 3) -> str:
    return f"{value:,.{digits}f}" if isinstance(value, int | float) else ""


def _best(run: Run) -> str:
    if not run.history:
        return ""
    best = max(run.history, key=lambda row: row.val_accuracy)
    return f"{percent(best.val_accuracy)} (epoch {best.epoch:.0f})"


def same_task(first: Run, second: Run) -> bool:
    """Whether both predict the same: of one data set, and of one column if that is a table.

    So it is taken to be where the data of one are not known.
    """
    return first.task == second.task or not all((first.task[0], second.task[0]))


def same_validation(first: Run, second: Run) -> bool:
    """Whether both were validated on the same examples: the same data, and as many of them held out."""
    if first.record is None or second.record is None:
        return False
    one, other = first.record, second.record
    same_data = one["data"]["sha256"] == other["data"]["sha256"]
    return bool(same_data and one["examples"]["validation"] == other["examples"]["validation"])


@dataclass(frozen=True)
class Verdict:
    """Whether two accuracies differ by more than the size of the validation set explains.

    difference : accuracy of the second minus that of the first
    standard_error : of that difference, from the size of the validation set
    p : probability of a difference at least so large if both nets are equally good
    text : all of it in one sentence
    """

    difference: float
    standard_error: float
    p: float
    text: str

    @property
    def significant(self) -> bool:
        return self.p < SIGNIFICANT


def of_pairs(only_first: int, only_second: int, images: int, names: tuple[str, str]) -> Verdict:
    """McNemar's exact test: each of two equally good nets is right about as often where the other is wrong.

    Parameters
    ----------
    only_first, only_second : examples that the first net alone, and the second alone, gets right
    images : N
    names : of the two runs
    """
    apart = only_first + only_second
    difference = (only_second - only_first) / images
    error = math.sqrt(apart - (only_second - only_first) ** 2 / images) / images if apart else 0.0
    few = min(only_first, only_second)
    p = min(1.0, 2 * sum(math.comb(apart, k) for k in range(few + 1)) / 2**apart)
    text = (
        f"on the same {images:,} validation examples, {names[0]} alone gets {only_first} right "
        f"and {names[1]} alone {only_second} (McNemar's exact test, p {_p(p)})"
    )
    return Verdict(difference, error, p, text)


def of_accuracies(
    accuracies: tuple[float, float], images: tuple[int, int], names: tuple[str, str]
) -> Verdict:
    """The normal approximation, for accuracies on different examples or on some that may differ.

    Parameters
    ----------
    accuracies : fractions in [0, 1]
    images : how many each was measured on
    names : of the two runs
    """
    difference = accuracies[1] - accuracies[0]
    errors = [math.sqrt(a * (1 - a) / n) for a, n in zip(accuracies, images, strict=True)]
    error = math.hypot(*errors)
    p = math.erfc(abs(difference) / error / math.sqrt(2)) if error else float(difference == 0)
    text = (
        f"with {images[0]:,} and {images[1]:,} validation examples the standard errors of {names[0]} and "
        f"{names[1]} are {points(errors[0], sign=False)} and {points(errors[1], sign=False)} "
        f"(taken as independent, p {_p(p)})"
    )
    return Verdict(difference, error, p, text)


def _p(p: float) -> str:
    return f"= {p:.2g}" if p >= 1e-4 else "< 0.0001"


def judge(first: Run, second: Run, dataset: Dataset | None) -> Verdict | None:
    """Compare the validation accuracies of two finished runs; None if one is not, or for other tasks.

    Parameters
    ----------
    first, second : the runs
    dataset : the one that both were trained on; without it, None, the comparison is weaker

    Raises
    ------
    RunError : a model is damaged
    """
    if first.record is None or second.record is None or not same_task(first, second):
        return None
    names = first.folder.name, second.folder.name
    if names[0] == names[1]:
        names = str(first.folder), str(second.folder)
    counts = first.record["examples"]["validation"], second.record["examples"]["validation"]
    if dataset is not None and same_validation(first, second):
        count = counts[0]
        _, validation = split(dataset.train, count)
        right = [
            Model.load(run.folder).logits(validation.images).argmax(axis=1) == validation.labels
            for run in (first, second)
        ]
        alone = [int((one & ~other).sum()) for one, other in (right, right[::-1])]
        return of_pairs(alone[0], alone[1], count, names)
    one, other = (run.record["metrics"]["val_accuracy"] for run in (first, second) if run.record)
    return of_accuracies((one, other), counts, names)
