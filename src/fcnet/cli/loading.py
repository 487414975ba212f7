"""The data set of a command, with whatever has to be said about it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from fcnet.data.dataset import Dataset


def load(data: Path | None, require_cifar10: bool = False) -> Dataset:
    """CIFAR-10, found or fetched with a progress bar; else digits, and a line that says so.

    Raises
    ------
    DataError : as `load_or_fetch`
    """
    from fcnet.cli.data import fetch_progress
    from fcnet.data.find import find
    from fcnet.data.load import load_or_fetch

    if find(data) is not None:
        return load_or_fetch(data, require_cifar10)
    with fetch_progress() as progress:
        dataset = load_or_fetch(data, require_cifar10, progress=progress)
    if (notice := digits_notice(dataset)) and first_worker():
        print(notice, file=sys.stderr)
    return dataset


def first_worker() -> bool:
    """Whether this process talks: the only one, or the first of those that torchrun started and numbered."""
    return os.environ.get("RANK", "0") == "0"


def load_as_recorded(record: dict[str, Any], data: Path | None) -> Dataset:
    """The kind of data that a run was trained on: digits, or CIFAR-10 from the usual places.

    Whether it is the same copy is for the hash to decide, see `use_test_set`.

    Raises
    ------
    DataError : there is no CIFAR-10
    """
    if record["data"]["name"] == "digits":
        from fcnet.data.digits import load_digits

        return load_digits()
    from fcnet.data.load import load_cifar10

    return load_cifar10(data)


def digits_notice(dataset: Dataset) -> str:
    """The line that says that this is not CIFAR-10; empty if it is."""
    if dataset.name != "digits":
        return ""
    return (
        "NOTE: CIFAR-10 could not be had, so all numbers here are of scikit-learn's digits "
        "(fcnet data fetch gets CIFAR-10)"
    )
