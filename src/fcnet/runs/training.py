"""A training in a run folder: from the data set to the saved model and its record."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fcnet.data.dataset import Dataset, Part, split
from fcnet.errors import AlreadySaidError, DivergedError, RunError
from fcnet.files import write_atomically
from fcnet.records import FORMAT, RunFolder, environment, write_json
from fcnet.runs.engines import Workplace, workplace
from fcnet.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from fcnet.train.config import TrainConfig
from fcnet.train.engine import Engine
from fcnet.train.fit import Fit, accuracy_and_loss
from fcnet.train.history import Evaluation, history_lines, read_history
from fcnet.train.listeners import Listener, Silence
from fcnet.train.workers import Workers


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
    FcnetError : the settings ask for PyTorch, and it is not installed
    KeyboardInterrupt : after a checkpoint was written
    """
    with workplace(config) as place:
        return _train(config, dataset, RunFolder(folder), resume, listener or Silence(), place)


def _train(
    config: TrainConfig, dataset: Dataset, run: RunFolder, resume: bool, listener: Listener, place: Workplace
) -> dict[str, Any]:
    workers = place.workers
    finished = workers.from_first(lambda: _take_folder(run, config, dataset, resume))
    if finished:
        record: dict[str, Any] = workers.from_first(run.read_record)
        return record
    train, validation = split(dataset.train, config.validation)
    start = time.perf_counter()
    engine = place.engine(train, dataset)
    first = workers.rank == 0
    fit = Fit(
        engine=engine,
        config=config,
        train=train,
        validation=validation,
        listener=listener if first else Silence(),
        save=_saving(run, dataset) if first else None,
        seconds_before=time.perf_counter() - start,
    )
    # not before settings and data are known to fit
    workers.from_first(lambda: None if run.config.exists() else _write_config(run, config))
    checkpoint = load_checkpoint(run.checkpoint)
    if checkpoint is not None and checkpoint.data != dataset.origin.sha256:
        raise RunError(
            f"{run.path} was started on other data than {dataset.origin.path}, choose another folder"
        )
    _check_same_start(workers, checkpoint, run)
    if checkpoint is not None:
        fit.resume(checkpoint, read_history(run.history))
    try:
        history = fit.run()
    except DivergedError as error:
        if not first:
            raise AlreadySaidError(str(error)) from error
        engine.model().save(run.path)
        raise DivergedError(f"{error}; the weights of step {fit.step} are kept in {run.path}") from error
    record = workers.from_first(lambda: _finish(run, config, dataset, engine, history, train, validation))
    return record


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


def _take_folder(run: RunFolder, config: TrainConfig, dataset: Dataset, resume: bool) -> bool:
    """Make sure that the folder can be written, and that it is empty or holds this run; is it finished?"""
    run.create()
    if not run.config.exists():
        if any(not path.name.startswith(".") for path in run.path.iterdir()):  # a killed process leaves such
            raise RunError(f"{run.path} is not empty and not a run of fcnet, choose another folder")
        return False
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
    return run.finished


def _write_config(run: RunFolder, config: TrainConfig) -> None:
    import tomli_w

    write_atomically(run.config, tomli_w.dumps(config.to_dict()))


def _check_same_start(workers: Workers, checkpoint: Checkpoint | None, run: RunFolder) -> None:
    """Workers on several machines go on from one checkpoint, which all of them have to see."""
    mine = checkpoint.step if checkpoint is not None else 0
    if workers.from_first(lambda: mine) != mine:
        raise RunError(
            f"worker {workers.rank} does not see the checkpoint of the first worker in {run.path}, "
            f"put the folder on a file system that all machines share"
        )


def _saving(run: RunFolder, dataset: Dataset) -> Callable[[Checkpoint, list[Evaluation]], None]:
    def save(checkpoint: Checkpoint, history: list[Evaluation]) -> None:
        # the history first: a checkpoint never counts rows that are missing
        write_atomically(run.history, history_lines(history))
        save_checkpoint(run.checkpoint, replace(checkpoint, data=dataset.origin.sha256))

    return save


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
        "engine": engine.describe(),
        "environment": environment(),
    }
    write_json(run.record, record)
    run.checkpoint.unlink(missing_ok=True)
    return record
