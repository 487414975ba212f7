"""The parameters of the classifier, checked when it is fitted: in scikit-learn, `__init__` checks nothing."""

from __future__ import annotations

import operator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from fcnet.data.minibatches import steps_per_epoch
from fcnet.errors import DataError
from fcnet.net.architecture import Architecture
from fcnet.net.optimisers import Optimiser, make_optimiser
from fcnet.train.ranges import RANGES, check_settings, require
from fcnet.train.schedules import Constant, Schedule, make_schedule

LARGEST_BATCH = 64
"""Most examples per step with batch_size="auto"."""

STEPS = 10
"""Least steps per epoch with batch_size="auto", if there are enough examples."""


@dataclass(frozen=True)
class Settings:
    """The checked parameters of an `FCNetClassifier` or `FCNetRegressor`, and its loss."""

    hidden: tuple[int, ...]
    activation: str
    norm: str
    blocks: int
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
    loss: str

    @classmethod
    def of(cls, given: Any) -> Settings:
        """Those of an estimator.

        Raises
        ------
        DataError : `NAME is V, give ...`
        """
        patience, batch_size = given.patience, given.batch_size
        settings = cls(
            hidden=_sizes(given.hidden),
            activation=_text("activation", given.activation),
            norm=_text("norm", given.norm),
            blocks=_whole("blocks", given.blocks, smallest=0),
            epochs=_whole("epochs", given.epochs),
            batch_size=None if _is(batch_size, "auto") else _whole("batch_size", batch_size, 'or "auto"'),
            learning_rate=_number(given, "learning_rate"),
            optimiser=_text("optimiser", given.optimiser),
            momentum=_number(given, "momentum"),
            schedule=_text("schedule", given.schedule),
            reg=_number(given, "reg"),
            dropout=_number(given, "dropout"),
            label_smoothing=_number(given, "label_smoothing") if hasattr(given, "label_smoothing") else 0.0,
            initialisation=str(given.initialisation),
            validation_fraction=_number(given, "validation_fraction"),
            patience=None if patience is None else _whole("patience", patience, "or None"),
            loss=given._loss,
        )
        check_settings(asdict(settings))
        _check_switches(given)
        if given.callback is not None and not callable(given.callback):
            raise DataError(f"callback is {given.callback!r}, give a function of one argument or None")
        return settings

    decay, warmup_epochs = 1.0, 0.0
    """What the schedules of a training look at beside these, docs/estimator.md."""

    def architecture(self, inputs: int, classes: int) -> Architecture:
        """The network, for this number of features and classes."""
        return Architecture.of(
            inputs, self.hidden, classes, activation=self.activation, norm=self.norm, blocks=self.blocks,
            dropout=self.dropout,
        )  # fmt: skip

    def examples_per_step(self, examples: int) -> int:
        """The batch size, at most as many examples as there are."""
        wanted = min(LARGEST_BATCH, -(-examples // STEPS)) if self.batch_size is None else self.batch_size
        return min(wanted, examples)

    def steps_per_epoch(self, examples: int) -> int:
        """Minibatches that one pass over the examples takes."""
        return steps_per_epoch(examples, self.examples_per_step(examples))

    def make_optimiser(self) -> Optimiser:
        """The update rule."""
        return make_optimiser(self.optimiser, self)

    def schedule_of(self, steps: int, steps_per_epoch: int) -> Schedule:
        """The learning rate of each of `steps` steps."""
        return make_schedule(self, steps_per_epoch, steps)

    def constant(self) -> Schedule:
        """The learning rate of a training without a known end."""
        return Constant(self.learning_rate)


def _sizes(hidden: Any) -> tuple[int, ...]:
    words = isinstance(hidden, bytes | bytearray)  # whose letters count as numbers
    try:
        each = tuple(hidden) if hasattr(hidden, "__iter__") and not words else (hidden,)
        sizes = tuple(0 if isinstance(size, bool) else operator.index(size) for size in each)
    except TypeError:
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise DataError(f"hidden is {hidden!r}, give the units of each hidden layer, such as (100,)")
    return sizes


def _whole(name: str, value: Any, otherwise: str = "", smallest: int = 1) -> int:
    try:
        number = operator.index(value) if not isinstance(value, bool) else smallest - 1
    except TypeError:
        number = smallest - 1
    if number < smallest:
        raise DataError(
            f"{name} is {value!r}, give a whole number of at least {smallest} {otherwise}".rstrip()
        )
    return number


def _number(given: Any, name: str) -> float:
    value = getattr(given, name)
    require(name, value, value is not None, RANGES[name][1])
    check_settings({name: value})
    return float(value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise DataError(f"{name} is {value!r}, give a name")
    return str(value)


def _check_switches(given: Any) -> None:
    """Require what is looked at only for whether it is true, and what the random numbers start from.

    A word such as "no" would count as true.
    """
    for name in ("standardise", "warm_start", "verbose"):
        value = getattr(given, name)
        require(name, value, isinstance(value, bool | np.bool_ | int | np.integer), "True or False")
    state = given.random_state
    try:
        check_random_state(state)
    except ValueError as error:
        wanted = "a whole number from 0 to 4294967295, a RandomState or None"
        raise DataError(f"random_state is {state!r}, give {wanted}") from error


def _is(value: Any, text: str) -> bool:
    """Whether a value that may be anything, an array too, is this text."""
    return isinstance(value, str) and value == text
