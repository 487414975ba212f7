"""The data set of a command, with remarks on it."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fcnet.cli import tell
from fcnet.data.dataset import Dataset, TableOptions

if TYPE_CHECKING:
    from fcnet.data.load import Watchers

NAMED = 20
"""Classes that are named with their numbers of examples; of others it is said how many there are."""


def load(data: Path | None, require_cifar10: bool = False) -> Dataset:
    """A published data set, found or fetched with a progress bar; else digits, and a line that says so.

    Raises
    ------
    DataError : as `fcnet.data.load.load`
    """
    return _load(data, require_cifar10, None, own=False)


def load_any(
    data: Path | None,
    require_cifar10: bool = False,
    image_size: int | None = None,
    told: bool = True,
    skip_damaged: bool = False,
    table: TableOptions | None = None,
    stream: bool = False,
) -> Dataset:
    """As `load`; a user's own data too, which are read with a progress bar and described.

    Parameters
    ----------
    data, require_cifar10 : as for `load`
    image_size : side of the squares that pictures become; None where their own size decides
    told : describe a user's own data
    skip_damaged : leave out pictures that cannot be read
    table : what is asked of a table
    stream : read a user's own rows while training

    Raises
    ------
    DataError : as `fcnet.data.load.load`; settings for the one kind of data with the other
    """
    dataset = _load(
        data, require_cifar10, image_size, own=True, skip_damaged=skip_damaged, table=table, stream=stream
    )
    if dataset.origin.kind and told and first_worker():
        tell(f"{dataset.name}: {dataset.origin.how}", sys.stdout)
        tell(f"{dataset.name}: {counted(dataset)}", sys.stdout)
    return dataset


def _load(
    data: Path | None,
    required: bool,
    image_size: int | None,
    own: bool,
    skip_damaged: bool = False,
    table: TableOptions | None = None,
    stream: bool = False,
) -> Dataset:
    from fcnet.data.load import load

    dataset = load(
        data, required=required, image_size=image_size, skip_damaged=skip_damaged, table=table, stream=stream,
        own=own,
        watchers=_watchers(),
    )  # fmt: skip
    if (notice := digits_notice(dataset)) and first_worker():
        tell(notice)
    return dataset


def _watchers() -> Watchers:
    from fcnet.cli.data import fetch_progress
    from fcnet.cli.progress import reading_progress
    from fcnet.data.load import Watchers

    return Watchers(fetch_progress, reading_progress)


def as_before(
    origin: dict[str, Any], data: Path | None, image_size: int | None
) -> tuple[Path | None, int | None]:
    """`--data` and `--image-size` as given; if neither is, as an earlier run or search had them.

    Parameters
    ----------
    origin : what its record says of the data; empty if there is none
    data, image_size : as given
    """
    if data is not None or image_size is not None or not origin:
        return data, image_size
    if origin.get("kind"):
        return Path(str(origin["path"])), origin.get("image_size")
    if not origin.get("note") and origin.get("name") == "digits":
        return Path("digits"), None
    path = Path(str(origin.get("path")))
    return (path if path.is_dir() else None), None


def table_of(origin: dict[str, Any]) -> TableOptions:
    """What an earlier run or search asked of its table.

    Raises
    ------
    RunError : what its record says cannot be
    """
    import msgspec

    from fcnet.errors import RunError

    try:
        return msgspec.convert(origin.get("table") or {}, TableOptions)
    except ValueError as error:
        raise RunError(f"the record describes its table wrongly: {error}; give --data again") from error


def counted(dataset: Dataset) -> str:
    """The names of the classes and how many examples each has, e.g. `cats 20, dogs 31`."""
    labels = np.concatenate([dataset.train.labels, dataset.test.labels])
    counts = np.bincount(labels, minlength=len(dataset.classes))
    pairs = [f"{name} {count:,}" for name, count in zip(dataset.classes, counts, strict=True)]
    more = f", and {len(pairs) - NAMED} other classes" if len(pairs) > NAMED else ""
    return ", ".join(pairs[:NAMED]) + more


def first_worker() -> bool:
    """Whether this process talks: the only one, or the first of those that torchrun started and numbered."""
    return os.environ.get("RANK", "0") == "0"


def load_as_recorded(record: dict[str, Any], data: Path | None) -> Dataset:
    """The kind of data that a run was trained on: a published data set, or a user's own.

    Whether it is the same copy is for the hash to decide, see `use_test_set`.

    Raises
    ------
    DataError : there is no copy of the data set, or the user's own data are gone or damaged
    """
    origin = record["data"]
    if origin.get("kind"):
        from fcnet.cli.progress import reading_progress
        from fcnet.data.own.load import load_own

        with reading_progress() as progress:
            path, skip = data or Path(origin["path"]), bool(origin.get("skipped"))
            asked, stream = table_of(origin), origin.get("streamed") is True
            return load_own(path, origin.get("image_size"), progress, skip, asked, stream)
    from fcnet.data.load import load_known

    return load_known(origin["name"], data or _where_it_was(origin))


def _where_it_was(origin: dict[str, Any]) -> Path | None:
    """The place of a published data set at the time of a run; None if it is gone or $FCNET_DATA names one."""
    from fcnet.data.datasets import titled
    from fcnet.data.find import chosen_place, look

    path = Path(str(origin["path"]))
    return (
        path
        if chosen_place(None) is None and path.is_dir() and look(path, [titled(origin["name"])])
        else None
    )


def page_beside_if(wanted: bool, folder: Path) -> AbstractContextManager[None]:
    """Serve the live page of a folder during the block if it is wanted, and print its address.

    Raises
    ------
    FcnetError : the page cannot be served
    """
    if not wanted:
        return nullcontext()
    from fcnet.live.beside import page_beside

    return page_beside(folder, lambda text: tell(text, sys.stdout))


def digits_notice(dataset: Dataset) -> str:
    """The line that says that the digits stand in for CIFAR-10; empty if they do not."""
    from fcnet.data.load import UNAVAILABLE

    if dataset.origin.note != UNAVAILABLE:
        return ""
    return (
        f"NOTE: {UNAVAILABLE}, so all numbers here are of scikit-learn's digits "
        "(fcnet data fetch gets CIFAR-10)"
    )
