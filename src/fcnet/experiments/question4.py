"""Question 4, stage by stage: the two-layer net in PyTorch and NumPy, the study of depth, its best net.

OUT/pytorch/      the two-layer net in PyTorch
OUT/numpy/        the same settings in NumPy
OUT/depth/        every training of the study, each a run folder
OUT/depth.json    the study: its rows, and the signal before the first step
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from fcnet.data.dataset import Dataset, split
from fcnet.experiments.depth import INITIALISATIONS, LAYERS, WIDTH, best_run, study
from fcnet.experiments.recipes import PYTORCH, suited
from fcnet.experiments.signal import signal
from fcnet.files import exists
from fcnet.records import RunFolder, read_json, write_json
from fcnet.runs.testing import read_test, use_test_set
from fcnet.runs.training import train_run
from fcnet.schema import Tested
from fcnet.stages import read_stage
from fcnet.train.callbacks import Callback
from fcnet.train.inputs import make_inputs

ROW = (
    "budget", "layers", "initialisation", "width", "epochs", "validation_images", "parameters", "seconds",
    "training_accuracy_mean", "training_accuracy_std", "validation_accuracy_mean", "validation_accuracy_std",
)  # fmt: skip
"""The fields of a row of the study that belong to the results."""

SIGNAL_IMAGES = 1000
"""Training images that the signal is measured on."""


def two_layers(
    dataset: Dataset, folder: Path, engine: Literal["torch", "numpy"], callback: Callback
) -> dict[str, Any]:
    """The two-layer net of question 4, trained by one of the engines in that folder; its record."""
    config = suited(replace(PYTORCH, engine=engine), dataset)
    return train_run(config, dataset, folder, resume=True, callback=callback)


def depth(
    dataset: Dataset, out: Path, quick: bool, listener_for: Callable[[str, Path], Callback]
) -> dict[str, Any]:
    """The study of depth; existing results are read."""
    path = out / "depth.json"
    if not exists(path):
        rows = study(dataset, out / "depth", quick, listener_for)
        write_json(path, {"rows": rows, "signal": step_zero(dataset)})
    return read_stage(path)


def step_zero(dataset: Dataset) -> list[dict[str, Any]]:
    """The signal through every kind of network of the study, before the first step."""
    config = suited(PYTORCH, dataset)
    train, _ = split(dataset.train, config.validation)
    images, labels = train.images[:SIGNAL_IMAGES], train.labels[:SIGNAL_IMAGES]
    X = make_inputs(config, images).preprocessing(images, dtype="float64")
    return [
        {"layers": layers, "initialisation": how}
        | signal(X, labels, (WIDTH,) * (layers - 1), len(dataset.classes), how)
        for how in INITIALISATIONS
        for layers in LAYERS
    ]


def test_best(dataset: Dataset, out: Path, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The test set on the best net of the study by validation: used if it was not used yet, else read."""
    _, folder = best_run(rows, out / "depth")
    return read_test(folder) or use_test_set(folder, dataset)


def results(out: Path) -> dict[str, Any]:
    """The numbers of question 4, all stages of which must be complete."""
    pytorch, numpy = (RunFolder(out / name).read_record() for name in ("pytorch", "numpy"))
    record = read_stage(out / "depth.json")
    row, folder = best_run(record["rows"], out / "depth")
    test = read_json(RunFolder(folder).test, Tested)
    return {
        "two_layer": {
            "validation_accuracy": pytorch["metrics"]["val_accuracy"],
            "training_accuracy": pytorch["metrics"]["train_accuracy"],
            "training_seconds": pytorch["seconds"],
            "engine": pytorch["engine"],
            "config": pytorch["config"],
            "numpy": {
                "validation_accuracy": numpy["metrics"]["val_accuracy"],
                "training_accuracy": numpy["metrics"]["train_accuracy"],
                "training_seconds": numpy["seconds"],
            },
        },
        "depth": [{name: one[name] for name in ROW} | {"seeds": len(one["seeds"])} for one in record["rows"]],
        "best": {
            "layers": row["layers"],
            "initialisation": row["initialisation"],
            "width": row["width"],
            "budget": row["budget"],
            "validation_accuracy": RunFolder(folder).read_record()["metrics"]["val_accuracy"],
            "test_accuracy": test["accuracy"],
            "test_set_used": test["count"],
        },
    }
