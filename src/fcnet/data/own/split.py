"""An order of examples in which every stretch has the classes in nearly their shares.

The end of the training part is held out for validation, so its order has to be mixed, and where classes are
small, chance alone mixes badly.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, Origin, Part
from fcnet.data.tables.mapping import Mapping
from fcnet.errors import DataError

TEST_SHARE = 5
"""Where no test part is given, one example in so many is held out for testing."""


def mixed(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """A permutation of the examples (N,), the same one for the same labels.

    Each class is shuffled and spread evenly from the first place to the last. It does not depend on a
    training's seed, so that trainings with other seeds hold out the same examples.
    """
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(len(labels))
    _, own, counts = np.unique(labels[shuffled], return_inverse=True, return_counts=True)
    by_class = np.argsort(own, kind="stable")
    rank = np.empty(len(labels))
    rank[by_class] = np.concatenate([np.arange(count) for count in counts])
    places = (rank + rng.random(len(counts))[own]) / counts[own]
    order: NDArray[np.int64] = shuffled[np.argsort(places, kind="stable")]
    return order


def held_out(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers for training, and one in `TEST_SHARE` of each class for testing.

    A class keeps most of its examples for training, and gives one where it has two or more.

    Raises
    ------
    DataError : no class has two examples
    """
    order = mixed(labels)
    seen: dict[int, int] = {}
    for_test = np.zeros(len(labels), bool)
    counts = np.bincount(labels)
    wanted = np.maximum(np.round(counts / TEST_SHARE), counts > 1)
    for row in order[::-1]:
        label = int(labels[row])
        for_test[row] = seen.setdefault(label, 0) < wanted[label]
        seen[label] += 1
    if not for_test.any():
        raise DataError("no class has two examples, so none can be held out for testing, give more")
    return order[~for_test[order]], order[for_test[order]]


@dataclass(frozen=True)
class Sizes:
    """How many examples each part has; they lie one after the other."""

    train: int
    validation: int
    test: int


def arranged(labels: dict[str, NDArray[np.int64]]) -> tuple[NDArray[np.int64], Sizes]:
    """Which example stands where: training first, then what is for validation, then what is for testing.

    Parameters
    ----------
    labels : of the parts "train", and where they are given "validation" and "test"

    Returns
    -------
    order : row numbers, counted through the parts in that order
    sizes : of the parts; validation is 0 where it was not given apart

    Raises
    ------
    DataError : as `held_out`
    """
    given = len(labels["train"])
    validation = given + np.arange(len(labels.get("validation", ())))
    if "test" in labels:
        train = mixed(labels["train"])
        test = given + len(validation) + np.arange(len(labels["test"]))
    else:
        train, test = held_out(labels["train"])
    sizes = Sizes(len(train), len(validation), len(test))
    return np.concatenate([train, validation, test]), sizes


def dataset_of(
    name: str, rows: NDArray[Any], labels: NDArray[np.int64], sizes: Sizes, classes: tuple[str, ...],
    shape: tuple[int, int, int], origin: Origin, mapping: Mapping | None = None,
) -> Dataset:  # fmt: skip
    """The parts as views of all rows."""
    cut = sizes.train + sizes.validation
    return Dataset(
        name=name,
        train=Part(rows[:cut], labels[:cut]),
        test=Part(rows[cut:], labels[cut:]),
        classes=classes,
        image_shape=shape,
        origin=origin,
        validation=sizes.validation or None,
        mapping=mapping,
    )
