"""A training in a run folder: from the data set to the saved model and its record."""

from __future__ import annotations

import time
import tomllib
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.data.dataset import Dataset, Part, split
from fcnet.errors import DivergedError, RunError
from fcnet.files import write_atomically
from fcnet.records import FORMAT, RunFolder, environment, read_json, write_json
from fcnet.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from fcnet.train.config import TrainConfig
from fcnet.train.engine import Engine, NumpyEngine
from fcnet.train.fit import Fit, accuracy_and_loss
from fcnet.train.history import Evaluation, history_lines, read_history
from fcnet.train.listeners import Listener, Silence
from fcnet.train.model import Model


def train_run(
    config: TrainConfig,
    dataset: Dataset,
    folder: Path,
    resume: bool = False,
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Train a network and leave a complete run folder.

    Parameters
    ----------
    config : the settings
    dataset : of which the test set is not looked at
    folder : where the run goes
    resume : go on with what is in the folder, and return at once if it is finished
    listener : told of every step and evaluation

    Returns
    -------
    record : as in record.json

    Raises
    ------
    RunError : the folder holds a run and `resume` is False, or one with other settings, or cannot be written
    DataError : settings and data do not fit
    DivergedError : the loss became NaN or infinite; model.safetensors then holds the last good weights
    KeyboardInterrupt : after a checkpoint was written
    """
    import tomli_w

    run = RunFolder(folder)
    _check_folder(run, config, dataset, resume)
    if run.finished:
        return run.read_record()
    train, validation = split(dataset.train, config.validation)
    start = time.perf_counter()
    engine = NumpyEngine(config, train, dataset.image_shape, dataset.classes)
    fit = Fit(
        engine=engine,
        config=config,
        train=train,
        validation=validation,
        listener=listener or Silence(),
        save=lambda checkpoint, history: _save(run, replace(checkpoint, data=dataset.origin.sha256), history),
        seconds_before=time.perf_counter() - start,
    )
    if not run.config.exists():  # not before settings and data are known to fit
        write_atomically(run.config, tomli_w.dumps(config.to_dict()))
    checkpoint = load_checkpoint(run.checkpoint)
    if checkpoint is not None:
        if checkpoint.data != dataset.origin.sha256:
            raise RunError(
                f"{run.path} was started on other data than {dataset.origin.path}, choose another folder"
            )
        fit.resume(checkpoint, read_history(run.history))
    try:
        history = fit.run()
    except DivergedError as error:
        engine.model().save(folder)
        raise DivergedError(f"{error}; the weights of step {fit.step} are kept in {folder}") from error
    return _finish(run, config, dataset, engine, history, train, validation)


def use_test_set(folder: Path, dataset: Dataset, again: bool = False) -> dict[str, Any]:
    """Use the test set on a finished run, once.

    Parameters
    ----------
    folder : a finished run
    dataset : the one that it was trained on, which the hash decides
    again : use the test set although it was used before; the count goes up

    Returns
    -------
    result : as in test.json: accuracy, loss, confusion (K, K) with true classes in rows, count

    Raises
    ------
    RunError : not a finished run, other data, or the test set was used before and `again` is False
    """
    run = RunFolder(folder)
    record = run.read_record()
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
    K = len(dataset.classes)
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
    if not run.test.exists():
        return 0
    count = read_json(run.test).get("count")
    if not isinstance(count, int):
        raise RunError(
            f"{run.test} does not say how often the test set was used; restore it or repeat the run"
        )
    return count


def data_record(dataset: Dataset) -> dict[str, Any]:
    """What a record says of the data."""
    return {"name": dataset.name, "label": dataset.label, **asdict(dataset.origin)}


def read_config(path: Path) -> TrainConfig:
    """Read settings from a TOML file.

    Raises
    ------
    RunError : the file cannot be read or is no TOML
    DataError : an unknown setting, or a value that cannot be
    """
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RunError(f"cannot read the settings {path}: {error}") from error
    return TrainConfig.from_dict(values, str(path))


def _check_folder(run: RunFolder, config: TrainConfig, dataset: Dataset, resume: bool) -> None:
    """Make sure that the folder can be written, and that it is empty or holds this run."""
    run.create()
    if not run.config.exists():
        if any(not path.name.startswith(".") for path in run.path.iterdir()):  # a killed process leaves such
            raise RunError(f"{run.path} is not empty and not a run of fcnet, choose another folder")
        return
    if not resume:
        raise RunError(
            f"{run.path} holds a run already, go on with --resume or choose another folder with --out"
        )
    if read_config(run.config) != config:
        raise RunError(
            f"{run.path} was started with other settings, see {run.config}; "
            f"give the same or choose another folder"
        )
    if run.finished and run.read_record()["data"]["sha256"] != dataset.origin.sha256:
        raise RunError(
            f"{run.path} was trained on other data than {dataset.origin.path}, choose another folder"
        )


def _save(run: RunFolder, checkpoint: Checkpoint, history: list[Evaluation]) -> None:
    # the history first: a checkpoint never counts rows that are missing
    write_atomically(run.history, history_lines(history))
    save_checkpoint(run.checkpoint, checkpoint)


def _finish(
    run: RunFolder,
    config: TrainConfig,
    dataset: Dataset,
    engine: Engine,
    history: list[Evaluation],
    train: Part,
    validation: Part,
) -> dict[str, Any]:
    model = engine.model()
    model.save(run.path)
    val_accuracy, val_loss = accuracy_and_loss(model.logits(validation.images), validation.labels)
    train_accuracy, train_loss = accuracy_and_loss(model.logits(train.images), train.labels)
    record = {
        "format": FORMAT,
        "config": config.to_dict(),
        "seed": config.seed,
        "data": data_record(dataset),
        "examples": {"train": len(train), "validation": len(validation)},
        "parameters": sum(value.size for value in model.params.values()),
        "sizes": list(model.sizes),
        "seconds": history[-1].seconds,
        "steps": history[-1].step,
        "metrics": {
            "train_accuracy": train_accuracy,
            "train_loss": train_loss,
            "val_accuracy": val_accuracy,
            "val_loss": val_loss,
        },
        "environment": environment(),
    }
    write_json(run.record, record)
    run.checkpoint.unlink(missing_ok=True)
    return record
