"""The data set of a command, with whatever has to be said about it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from fcnet.data.dataset import Dataset
from fcnet.errors import DataError


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


def load_any(
    data: Path | None, require_cifar10: bool = False, image_size: int | None = None, told: bool = True
) -> Dataset:
    """A user's own data, if `data` names such, read with a progress bar and told of; else as `load`.

    Parameters
    ----------
    data, require_cifar10 : as for `load`
    image_size : side of the squares that pictures become; None where their own size decides
    told : print a line about a user's own data

    Raises
    ------
    DataError : as `load_own` and `load`; settings for the one kind of data with the other
    """
    from fcnet.data.find import expanded
    from fcnet.data.own.load import is_own

    path = expanded(data, "--data") if data is not None else None
    if path is not None and path.is_file() and not path.name.endswith((".gz", ".tgz", ".npz", ".npy")):
        raise DataError(
            f"{path} (--data) is no data set, give a folder of pictures by class, an .npz file of X and y, "
            f"or CIFAR-10"
        )
    if path is None or not is_own(path):
        if image_size is not None:
            raise DataError("--image-size is for pictures of one's own, name their folder with --data")
        return load(data, require_cifar10)
    if require_cifar10:
        raise DataError(f"--require-cifar10, and --data names other data, {path}; leave one of them away")
    dataset = _load_own(path, image_size)
    if told and first_worker():
        print(f"{dataset.name}: {dataset.origin.how}", flush=True)
    return dataset


def _load_own(path: Path, image_size: int | None) -> Dataset:
    from fcnet.cli.progress import reading_progress
    from fcnet.data.own.load import load_own

    with reading_progress() as progress:
        return load_own(path, image_size, progress)


def first_worker() -> bool:
    """Whether this process talks: the only one, or the first of those that torchrun started and numbered."""
    return os.environ.get("RANK", "0") == "0"


def load_as_recorded(record: dict[str, Any], data: Path | None) -> Dataset:
    """The kind of data that a run was trained on: digits, CIFAR-10 from the usual places, or a user's own.

    Whether it is the same copy is for the hash to decide, see `use_test_set`.

    Raises
    ------
    DataError : there is no CIFAR-10, or the user's own data are gone or damaged
    """
    origin = record["data"]
    if origin.get("kind"):
        return _load_own(data or Path(origin["path"]), origin.get("image_size"))
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
