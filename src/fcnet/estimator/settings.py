"""The parameters of the classifier, checked when it is fitted: in scikit-learn, `__init__` checks nothing."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

from fcnet.data.minibatches import steps_per_epoch
from fcnet.errors import DataError
from fcnet.net.initialisation import standard_deviation
from fcnet.net.optimisers import SGD, Adam, Optimiser
from fcnet.train.schedules import Cosine, EpochDecay, Schedule

OPTIMISERS = ("adam", "sgd", "nesterov")
SCHEDULES = ("cosine", "constant")

LARGEST_BATCH = 64
"""Examples per step at most, if the batch size is ours to choose."""

STEPS = 10
"""Steps that an epoch has at least, if the batch size is ours to choose and there are examples for them."""


@dataclass(frozen=True)
class Settings:
    """The parameters of an `FCNetClassifier`, of the types and in the ranges that they must have."""

    hidden: tuple[int, ...]
    epochs: int
    batch_size: int | None
    learning_rate: float
    optimiser: str
    momentum: float
    schedule: str
    reg: float
    dropout: float
    label_smoothing: float
    initialisation: str
    validation_fraction: float
    patience: int | None

    @classmethod
    def of(cls, given: Any) -> Settings:
        """Those of a classifier.

        Raises
        ------
        DataError : `NAME is V, give ...`
        """
        patience, batch_size = given.patience, given.batch_size
        settings = cls(
            hidden=_sizes(given.hidden),
            epochs=_whole("epochs", given.epochs),
            batch_size=None if _is(batch_size, "auto") else _whole("batch_size", batch_size, 'or "auto"'),
            learning_rate=_number(given, "learning_rate", lambda x: 0 < x < float("inf"), "above 0"),
            optimiser=_choice("optimiser", given.optimiser, OPTIMISERS),
            momentum=_fraction(given, "momentum"),
            schedule=_choice("schedule", given.schedule, SCHEDULES),
            reg=_number(given, "reg", lambda x: 0 <= x < float("inf"), "of at least 0"),
            dropout=_fraction(given, "dropout"),
            label_smoothing=_fraction(given, "label_smoothing"),
            initialisation=str(given.initialisation),
            validation_fraction=_fraction(given, "validation_fraction"),
            patience=None if patience is None else _whole("patience", patience, "or None"),
        )
        standard_deviation(settings.initialisation, 1)
        if given.callback is not None and not callable(given.callback):
            raise DataError(f"callback is {given.callback!r}, give a function of one argument or None")
        return settings

    def examples_per_step(self, examples: int) -> int:
        """The batch size, at most as many examples as there are."""
        wanted = min(LARGEST_BATCH, -(-examples // STEPS)) if self.batch_size is None else self.batch_size
        return min(wanted, examples)

    def steps_per_epoch(self, examples: int) -> int:
        """Minibatches that one pass over the examples takes."""
        return steps_per_epoch(examples, self.examples_per_step(examples))

    def make_optimiser(self) -> Optimiser:
        """The update rule."""
        if self.optimiser == "adam":
            return Adam()
        return SGD(self.momentum, nesterov=self.optimiser == "nesterov" and self.momentum > 0)

    def schedule_of(self, steps: int) -> Schedule:
        """The learning rate of each of so many steps."""
        if self.schedule == "cosine":
            return Cosine(self.learning_rate, 0, steps)
        return self.constant()

    def constant(self) -> Schedule:
        """The learning rate of training without an end in sight."""
        return EpochDecay(self.learning_rate, 1.0, 1)


def _sizes(hidden: Any) -> tuple[int, ...]:
    try:
        sizes = (
            (operator.index(hidden),)
            if not hasattr(hidden, "__iter__")
            else tuple(map(operator.index, hidden))
        )
    except TypeError:
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise DataError(f"hidden is {hidden!r}, give the units of each hidden layer, such as (100,)")
    return sizes


def _whole(name: str, value: Any, otherwise: str = "") -> int:
    try:
        number = operator.index(value) if not isinstance(value, bool) else 0
    except TypeError:
        number = 0
    if number < 1:
        raise DataError(f"{name} is {value!r}, give a whole number of at least 1 {otherwise}".rstrip())
    return number


def _number(given: Any, name: str, fits: Callable[[float], bool], wanted: str) -> float:
    value = getattr(given, name)
    if not isinstance(value, Real) or isinstance(value, bool) or not fits(float(value)):
        raise DataError(f"{name} is {value!r}, give a number {wanted}")
    return float(value)


def _fraction(given: Any, name: str) -> float:
    return _number(given, name, lambda x: 0 <= x < 1, "from 0 up to, but not including, 1")


def _choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    for choice in choices:
        if _is(value, choice):
            return choice
    raise DataError(f"{name} is {value!r}, choose from {', '.join(map(repr, choices))}")


def _is(value: Any, text: str) -> bool:
    """Whether a value that may be anything, an array too, is this text."""
    return isinstance(value, str) and value == text
