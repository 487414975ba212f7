"""The test set on a finished run: once, and counted."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset
from fcnet.data.deformation import Deformation
from fcnet.errors import RunError
from fcnet.extras import missing
from fcnet.files import exists, remove_leftovers
from fcnet.lock import locked
from fcnet.net.losses import accuracy_and_loss
from fcnet.records import RunFolder, read_json, write_json
from fcnet.runs.folding import check_alike
from fcnet.schema import Tested
from fcnet.train.model import Model
from fcnet.wording import times

FOLDED = "test-folded.json"
"""In a run folder, the result of its network with views folded into it."""

AS_TRAINED = Deformation()

Logits = Callable[[NDArray[Any]], NDArray[Any]]
"""From images (N, D) uint8 to class scores (N, K)."""


def use_test_set(
    folder: Path,
    dataset: Dataset,
    again: bool = False,
    views: Deformation = AS_TRAINED,
    others: Sequence[Path] = (),
) -> dict[str, Any]:
    """Use the test set on a finished run, once.

    Parameters
    ----------
    folder : a finished run
    dataset : the one that it was trained on; its hash is compared
    again : use the test set even if it was used before; the count goes up
    views : of each image, whose mean logits are tested: those of the network with the views folded into it,
        see `fcnet.runs.folding`, to rounding. That result has a file and a count of its own
    others : finished runs whose networks enter the mean, likewise

    Returns
    -------
    result : as in test.json: accuracy, loss, confusion (K, K) with true classes in rows, count

    Raises
    ------
    RunError : not a finished run, other data, or the test set was used before and `again` is False; another
        process works in the folder
    """
    run = RunFolder(folder)
    place = _place(folder, views, others)
    record = run.read_record()
    with locked(folder, "and try again"):  # otherwise two processes at once would count as one use
        remove_leftovers(folder, (place.name,))
        _check_use(run, place, record, dataset, again)
        models = [Model.load(one) for one in (folder, *others)]
        check_alike(models)
        images, tables = dataset.test.images, views.tables(dataset.image_shape)
        shown = [images] if views == AS_TRAINED else (images.take(table, axis=1) for table in tables)
        networks = [_logits_of(one, record) for one in models]
        scores = [logits(seen) for seen in shown for logits in networks]
        result = _tested(np.mean(scores, axis=0), dataset, _times_used(place) + 1)
        write_json(place, result)
        return result


def read_test(
    folder: Path, views: Deformation = AS_TRAINED, others: Sequence[Path] = ()
) -> dict[str, Any] | None:
    """The result of an earlier use of the test set, as `use_test_set` gives it; None before.

    Raises
    ------
    RunError : the file is damaged
    """
    place = _place(folder, views, others)
    return read_json(place, Tested) if exists(place) else None


def _place(folder: Path, views: Deformation, others: Sequence[Path]) -> Path:
    """The file of the result; that of what is folded stands beside the network's own."""
    return folder / FOLDED if others or views != AS_TRAINED else RunFolder(folder).test


def _check_use(run: RunFolder, place: Path, record: dict[str, Any], dataset: Dataset, again: bool) -> None:
    folder, used = run.path, _times_used(place)
    if used and not again:
        raise RunError(
            f"the test set was already used {times(used)} on {folder}, see {place}; "
            f"a number chosen by looking at it is not a test result (--again uses it anyway, and counts)"
        )
    if record["data"]["sha256"] != dataset.origin.sha256:
        raise RunError(
            f"{folder} was trained on {record['data']['name']} from {record['data']['path']}, "
            f"and {dataset.origin.path} holds other data; give the same with --data"
        )


def _logits_of(model: Model, record: dict[str, Any]) -> Logits:
    """A network's scores: from a GPU if it was trained on one and one is here, else from NumPy.

    On a GPU 18 views of a network of 42 million weights take a second instead of half a minute.
    """
    if (
        record["engine"]["name"] == "torch"
        and record["engine"]["device"] not in ("cpu", "mps")
        and not missing("torch")
    ):
        from fcnet.torch_net.weights import gpu_scores

        return partial(model.logits, scores=gpu_scores(model.architecture, model.params))
    return model.logits


def _tested(logits: NDArray[Any], dataset: Dataset, count: int) -> dict[str, Any]:
    accuracy, loss = accuracy_and_loss(logits, dataset.test.labels)
    K = logits.shape[1]
    confusion = np.zeros((K, K), dtype=np.int64)
    np.add.at(confusion, (dataset.test.labels, logits.argmax(axis=1)), 1)
    return {
        "accuracy": accuracy,
        "loss": loss,
        "images": len(dataset.test),
        "count": count,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "classes": list(dataset.classes),
        "confusion": confusion.tolist(),
    }


def _times_used(place: Path) -> int:
    return int(read_json(place, Tested)["count"]) if exists(place) else 0
