"""The test set on a finished run: once, and counted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.data.dataset import Dataset
from fcnet.errors import RunError
from fcnet.files import exists, remove_leftovers
from fcnet.lock import locked
from fcnet.net.losses import accuracy_and_loss
from fcnet.records import RunFolder, read_json, write_json
from fcnet.schema import Tested
from fcnet.train.model import Model


def use_test_set(folder: Path, dataset: Dataset, again: bool = False) -> dict[str, Any]:
    """Use the test set on a finished run, once.

    Parameters
    ----------
    folder : a finished run
    dataset : the one that it was trained on; its hash is compared
    again : use the test set even if it was used before; the count goes up

    Returns
    -------
    result : as in test.json: accuracy, loss, confusion (K, K) with true classes in rows, count

    Raises
    ------
    RunError : not a finished run, other data, or the test set was used before and `again` is False; another
        process works in the folder
    """
    run = RunFolder(folder)
    record = run.read_record()
    with locked(folder):  # otherwise two processes at once would count as one use
        remove_leftovers(folder, (run.test.name,))
        return _use(run, record, dataset, again)


def _use(run: RunFolder, record: dict[str, Any], dataset: Dataset, again: bool) -> dict[str, Any]:
    folder = run.path
    used = _times_used(run)
    if used and not again:
        times = "once" if used == 1 else f"{used} times"
        raise RunError(
            f"the test set was already used {times} on {folder}, see {run.test}; "
            f"a number chosen by looking at it is no test result (--again uses it anyway, and counts)"
        )
    if record["data"]["sha256"] != dataset.origin.sha256:
        raise RunError(
            f"{folder} was trained on {record['data']['name']} from {record['data']['path']}, "
            f"and {dataset.origin.path} holds other images; give the same with --data"
        )
    logits = Model.load(folder).logits(dataset.test.images)
    accuracy, loss = accuracy_and_loss(logits, dataset.test.labels)
    K = logits.shape[1]
    confusion = np.zeros((K, K), dtype=np.int64)
    np.add.at(confusion, (dataset.test.labels, logits.argmax(axis=1)), 1)
    result = {
        "accuracy": accuracy,
        "loss": loss,
        "images": len(dataset.test),
        "count": used + 1,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "classes": list(dataset.classes),
        "confusion": confusion.tolist(),
    }
    write_json(run.test, result)
    return result


def _times_used(run: RunFolder) -> int:
    return int(read_json(run.test, Tested)["count"]) if exists(run.test) else 0
