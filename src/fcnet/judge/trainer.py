"""One training of the submission's network, with settings under the names that its method has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.case import Case
from fcnet.judge.isolation.reply import Record
from fcnet.judge.probes import Probe
from fcnet.judge.student import PENALTIES, Answer, Student, array_of

ALIASES = {
    "learning_rate": ("learning_rate", "lr", "alpha", "eta", "learningrate", "step_size"),
    "learning_rate_decay": ("learning_rate_decay", "lr_decay", "decay", "learning_decay"),
    "reg": PENALTIES,
    "num_iters": ("num_iters", "num_iter", "n_iters", "iterations", "iters", "max_iters", "num_iterations"),
    "batch_size": ("batch_size", "batchsize", "B", "minibatch_size", "mini_batch_size"),
    "verbose": ("verbose",),
}


@dataclass(frozen=True)
class Settings:
    """The settings of a training."""

    learning_rate: float = 1e-3
    learning_rate_decay: float = 0.95
    reg: float = 5e-6
    num_iters: int = 100
    batch_size: int = 200


@dataclass
class Trained(Answer):
    """What a training gave and the parameters that it left; the records are those of calls with labels."""

    params: Mapping[str, Array] | None = None


def train(
    case: Case,
    data: Probe,
    settings: Settings,
    *,
    val: tuple[Array, Array] | None = None,
    spy: bool = False,
) -> Trained:
    """Train from the probe's parameters on its examples."""
    student = case.student
    target, failure = student.prepare(data)
    method = student.train_method or "train"
    if failure is not None:
        return Trained(failure=failure)
    X_val, y_val = val if val is not None else (data.X[:2], data.y[:2])
    keywords = keywords_of(student, method, settings)
    required = [p.name for p in student.methods[method] if not p.default and p.name not in keywords]
    args = [np.array(data.X), np.array(data.y), X_val, y_val][: max(len(required), 2)]
    spied = student.gradients_method if spy and student.gradients_method else ""
    answer = student.call(target, method, args, keywords, spy=spied)
    if answer.failure is not None:
        return Trained(failure=answer.failure)
    records = [record for record in answer.records if labelled(record)]
    return Trained(answer.value, changed=answer.changed, records=records, params=student.parameters(target))


def keywords_of(student: Student, method: str, settings: Settings) -> dict[str, Any]:
    """The settings under the names that the method has; those that it lacks are left out."""
    names = [parameter.name for parameter in student.methods[method]]
    keywords: dict[str, Any] = {}
    for name, value in {**settings.__dict__, "verbose": False}.items():
        known = next((alias for alias in ALIASES[name] if alias in names), None)
        if known is None and method in student.takes_any_name:
            known = name
        if known is not None:
            keywords[known] = value
    return keywords


def labelled(record: Record) -> bool:
    """Whether a recorded call had labels; predictions call the same method without."""
    given = [*record.args[1:], *record.keywords.values()]
    return any((array := array_of(value)) is not None and array.ndim > 0 for value in given)
