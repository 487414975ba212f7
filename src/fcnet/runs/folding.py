"""Trained networks, and mirrored or shifted views of their images, folded into one: `fcnet fold`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, split
from fcnet.data.deformation import Deformation
from fcnet.errors import DataError, RunError
from fcnet.files import names_in, read_file, write_atomically
from fcnet.lock import locked
from fcnet.net.fold import View, seen_through, side_by_side
from fcnet.net.losses import accuracy_and_loss
from fcnet.records import RunFolder, environment
from fcnet.runs.training import read_config
from fcnet.schema import HISTORY_LIMIT, SETTINGS_LIMIT
from fcnet.train.model import Model

LARGEST = 4 << 30
"""The most bytes of a folded model."""


def fold(models: Sequence[Model], views: NDArray[np.intp] | None = None) -> Model:
    """One model whose logits are the mean over all models, and over all views of each.

    Parameters
    ----------
    models : of the same classes and image shape
    views : (n, D), the pixel that each place of a view shows, from `Deformation.tables`; None for the image
        as it is

    Raises
    ------
    DataError : the models do not belong together, or a network does not begin with a linear layer; views of
        features; the result would be larger than `LARGEST`
    """
    first = models[0]
    check_alike(models)
    places = np.arange(first.architecture.inputs)[None] if views is None else views
    size = 4 * len(places) * sum(model.architecture.size for model in models)
    if size > LARGEST:
        raise DataError(
            f"the folded network would have {size / 2**30:.1f} GiB, more than {LARGEST >> 30}; "
            f"choose a smaller shift or fewer runs"
        )
    networks = [
        (model.architecture, seen_through(model.architecture, model.params, view))
        for model in models
        for view in (_view(model, first, place) for place in places)
    ]
    architecture, params = side_by_side(networks)
    return Model(architecture, params, first.preprocessing, first.classes, first.image_shape, first.mapping)


def check_alike(models: Sequence[Model]) -> None:
    """Make sure that models answer the same question.

    Raises
    ------
    DataError : they have other classes, images or tables
    """
    first = models[0]
    for model in models[1:]:
        if (model.classes, model.image_shape, model.mapping) != (
            first.classes,
            first.image_shape,
            first.mapping,
        ):
            raise DataError(
                "the runs differ in their classes or in the shape of their data, fold runs on the same data"
            )


def _view(model: Model, first: Model, places: NDArray[np.intp]) -> View:
    """What `model` is shown of an image, in terms of what `first` is shown of it."""
    own, base = model.preprocessing, first.preprocessing
    if own.of_features or base.of_features:
        same = np.array_equal(own.mean, base.mean) and np.array_equal(own.scale, base.scale)
        if not same or own.takes != base.takes:
            raise DataError("the runs prepare their features differently, fold runs with the same settings")
        return View(places, 1.0, np.zeros_like(own.mean))
    scale, mean = float(own.scale), own.mean.astype(np.float64)
    return View(places, float(base.scale) / scale, (base.mean.astype(np.float64)[places] - mean) / scale)


def fold_runs(
    folders: Sequence[Path], out: Path, deformation: Deformation, dataset: Dataset
) -> dict[str, Any]:
    """Fold finished runs into one, and leave a complete run folder.

    Parameters
    ----------
    folders : finished runs on one data set
    out : where the folded run goes; an empty or new folder
    deformation : the views, mirrored or shifted; none for the images as they are
    dataset : on which the runs were trained, for the accuracies of the record

    Returns
    -------
    record : as in record.json, of the first run, with the metrics of the folded network; `folded` says what
        was folded and what each run reached alone

    Raises
    ------
    RunError : a run is not finished or damaged; the folder is not empty or cannot be written
    DataError : as `fold`
    """
    sources = [RunFolder(folder) for folder in folders]
    records = [source.read_record() for source in sources]
    for source, record in zip(sources, records, strict=True):
        if record["data"]["sha256"] != dataset.origin.sha256:
            raise RunError(f"{source.path} was trained on other data than {dataset.origin.path}")
    models = [Model.load(folder) for folder in folders]
    moving = deformation != Deformation()
    if moving and models[0].image_shape[1] == 1:
        raise DataError("rows of numbers have no mirror image, leave out --mirror and --shift")
    views = deformation.tables(models[0].image_shape) if moving else None
    with np.errstate(
        all="ignore"
    ):  # weights of 3e38 become infinite, which the folded model refuses in words
        folded = fold(models, views)
    run = RunFolder(out)
    with locked(out):
        if any(not name.startswith(".") for name in names_in(out)):
            raise RunError(f"{out} is not empty, choose another folder with --out")
        return _write(run, sources[0], records, folded, dataset, {
            "runs": [str(folder) for folder in folders], "mirror": deformation.mirror,
            "shift": deformation.shift, "views": 1 if views is None else len(views),
        })  # fmt: skip


def _write(
    run: RunFolder,
    source: RunFolder,
    records: Sequence[dict[str, Any]],
    folded: Model,
    dataset: Dataset,
    how: dict[str, Any],
) -> dict[str, Any]:
    """Write the folded model with the settings and the history of the first run beside it."""
    train, validation = split(dataset.train, read_config(source.config).validation)
    metrics: dict[str, float] = {}
    for name, part in (("train", train), ("val", validation)):
        accuracy, loss = accuracy_and_loss(folded.logits(part.images), part.labels)
        metrics |= {f"{name}_accuracy": accuracy, f"{name}_loss": loss}
    folded.save(run.path)
    write_atomically(run.config, read_file(source.config, SETTINGS_LIMIT))
    write_atomically(run.history, read_file(source.history, HISTORY_LIMIT))
    record = records[0] | {
        "parameters": folded.architecture.size,
        "sizes": list(folded.architecture.sizes),
        "architecture": folded.architecture.to_json(),
        "seconds": sum(record["seconds"] for record in records),
        "metrics": metrics,
        "folded": how | {"alone": [record["metrics"] for record in records]},
        "environment": environment(),
    }
    run.finish(record)
    return record
