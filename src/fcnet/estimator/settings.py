"""The parameters of the classifier, checked when it is fitted: in scikit-learn, `__init__` checks nothing."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from fcnet.data.minibatches import steps_per_epoch
from fcnet.errors import DataError
from fcnet.net.architecture import Architecture
from fcnet.train.ranges import RANGES, check_settings, require

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
        auto = isinstance(given.batch_size, str) and given.batch_size == "auto"
        if not auto:
            sizes = RANGES["batch_size"]
            sizes._replace(wanted=f'{sizes.wanted} or "auto"').number("batch_size", given.batch_size)
        special = {
            "hidden": _sizes(given.hidden),
            "batch_size": None if auto else given.batch_size,
            "label_smoothing": getattr(given, "label_smoothing", 0.0),
            "initialisation": str(given.initialisation),
            "loss": given._loss,
        }
        others = {one.name: getattr(given, one.name) for one in fields(cls) if one.name not in special}
        settings = cls(**check_settings(special | others, optional=("batch_size", "patience")))
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


def _sizes(hidden: Any) -> tuple[int, ...]:
    words = isinstance(hidden, bytes | bytearray)  # whose letters count as numbers
    try:
        each = tuple(hidden) if hasattr(hidden, "__iter__") and not words else (hidden,)
        return tuple(int(RANGES["hidden"].number("hidden", size)) for size in each)
    except (TypeError, DataError) as error:
        wanted = "give the units of each hidden layer, such as (100,)"
        raise DataError(f"hidden is {hidden!r}, {wanted}") from error


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
