"""The data set of a command, with remarks on it."""

import os
import shlex
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.cli import tell
from fcnet.cli.start import words_of
from fcnet.data.dataset import DataOptions, Dataset, TableOptions, given
from fcnet.data.datasets import DATASETS, titled
from fcnet.errors import DataError

NAMED = 20
"""Classes that are named with their numbers of examples; of others it is said how many there are."""


def load(data: Path | None, require_cifar10: bool = False) -> Dataset:
    """A published data set, found or fetched with a progress bar; else digits, and a line that says so.

    Raises
    ------
    DataError : as `fcnet.data.load.load`
    """
    return _load(DataOptions(data, require_cifar10), own=False)


def load_any(asked: DataOptions, told: bool = True) -> Dataset:
    """As `load`; a user's own data too, which are read with a progress bar and, if `told`, described.

    Raises
    ------
    DataError : as `fcnet.data.load.load`; settings for the one kind of data with the other
    """
    dataset = _load(asked, own=True)
    if dataset.origin.kind and told and first_worker():
        tell(f"{dataset.name}: {dataset.origin.how}", sys.stdout)
        tell(f"{dataset.name}: {counted(dataset)}", sys.stdout)
    return dataset


def _load(asked: DataOptions, own: bool) -> Dataset:
    from fcnet.cli.progress import showing
    from fcnet.data.load import load

    dataset = load(asked, own=own, shown=showing)
    if (notice := digits_notice(dataset)) and first_worker():
        tell(notice)
    return dataset


def as_before(origin: dict[str, Any], asked: DataOptions) -> DataOptions:
    """What is asked for; without `--data`, or with that of an earlier run, what is not given is as it had it.

    Parameters
    ----------
    origin : what its record says of the data; empty if there is none
    asked : as given

    Raises
    ------
    RunError : as `recorded`
    DataError : `the recorded data PATH do not exist any more, say where they are now: --data PLACE ...`
    """
    if not origin:
        return asked
    before = recorded(origin)
    if asked.data is not None and (before.data is None or asked.data.absolute() != before.data.absolute()):
        return asked
    if origin.get("kind") and before.data is not None and not before.data.exists():
        options = shlex.join(words_of(replace(before, data=Path("PLACE"))))
        raise DataError(
            f"the recorded data {before.data} do not exist any more, say where they are now: {options}"
        )
    return replace(before, **given(asked) | {"table": replace(before.table, **given(asked.table))})


def recorded(origin: dict[str, Any]) -> DataOptions:
    """What an earlier run or search asked for, as its record says.

    A published data set is named only if it has no files, as the digits, or its folder is still there.

    Raises
    ------
    DataError : the data set is one that code of a user's own adds, and is not known here
    RunError : what the record says of its table cannot be
    """
    return DataOptions(
        _place(origin),
        image_size=origin.get("image_size"),
        skip_damaged=bool(origin.get("skipped")),
        stream=origin.get("streamed") is True,
        table=_table_of(origin),
    )


def _place(origin: dict[str, Any]) -> Path | None:
    path = Path(str(origin.get("path")))
    if origin.get("kind"):
        return path
    if origin.get("note") or path.is_dir():
        return path if path.is_dir() else None
    about = titled(str(origin.get("name")))
    return None if about.files else Path(next(name for name, one in DATASETS.items() if one is about))


def _table_of(origin: dict[str, Any]) -> TableOptions:
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
        from fcnet.cli.progress import showing
        from fcnet.data.own.load import load_own

        with showing("files") as progress:
            return load_own(data or Path(origin["path"]), recorded(origin), progress)
    from fcnet.data.load import load_known

    return load_known(origin["name"], data or _where_it_was(origin))


def load_if_there(record: dict[str, Any], data: Path | None, missing: str = "") -> Dataset | None:
    """As `load_as_recorded`; None if the data are not found and `data` names no place for them.

    Parameters
    ----------
    missing : what is lacking then, which is printed with the reason; empty for nothing
    """
    try:
        return load_as_recorded(record, data)
    except DataError as error:
        if data is not None:
            raise
        if missing:
            tell(f"note: {missing}: {error}", sys.stdout)
        return None


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
