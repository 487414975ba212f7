"""A training in a run folder: from the data set to the saved model and its record."""

import sys
import time
import tomllib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import structs

from fcnet.data.dataset import Dataset, Part, split
from fcnet.errors import AlreadySaidError, DivergedError, RunError, UnknownNameError
from fcnet.extension import is_own, place
from fcnet.files import exists, names_in, read_file, remove, remove_leftovers, write_atomically
from fcnet.lock import locked
from fcnet.net.layers import walk
from fcnet.net.losses import accuracy_and_loss
from fcnet.records import (
    FORMAT,
    SEALED,
    RunFolder,
    environment,
    read_json,
    try_again,
    write_json,
)
from fcnet.registry import advised
from fcnet.runs.differing import data_record, other_data, other_settings
from fcnet.runs.engines import Workplace, workplace
from fcnet.schema import HISTORY_LIMIT, SETTINGS_LIMIT, Data
from fcnet.train.callbacks import Callback
from fcnet.train.checkpoint import Checkpoint, digest_of, load_checkpoint, save_checkpoint
from fcnet.train.config import TrainConfig
from fcnet.train.engine import Engine
from fcnet.train.fit import Fit
from fcnet.train.history import Evaluation, history_lines, read_history
from fcnet.train.model import Model
from fcnet.train.workers import Workers
from fcnet.wording import shown


def train_run(
    config: TrainConfig,
    dataset: Dataset,
    folder: Path,
    resume: bool = False,
    callback: Callback | None = None,
) -> dict[str, Any]:
    """Train a network and leave a complete run folder.

    Parameters
    ----------
    config : the settings
    dataset : its test set is not used
    folder : where the run goes
    resume : resume the run in the folder; return at once if it is finished
    callback : called at every step and evaluation

    Returns
    -------
    record : as in record.json

    Raises
    ------
    RunError : the folder holds a run and `resume` is False, or one with other settings, or cannot be written;
        another process trains in it; a file in it was cut or altered, or is of a newer version of fcnet
    DataError : settings and data do not fit
    DivergedError : the loss became NaN or infinite; model.safetensors then holds the last good weights
    TooLargeError : the training needs more memory than there is
    FcnetError : the settings ask for PyTorch, and it is not installed
    KeyboardInterrupt : Ctrl-C or SIGTERM, after a checkpoint was written
    """
    run = RunFolder(folder)
    with workplace(config) as place, ExitStack() as held:
        finished = place.workers.from_first(lambda: _take_folder(run, config, dataset, resume, held))
        if finished:
            record: dict[str, Any] = place.workers.from_first(run.read_record)
            return record
        return _train(config, dataset, run, callback or Callback(), place)


def _train(
    config: TrainConfig, dataset: Dataset, run: RunFolder, callback: Callback, place: Workplace
) -> dict[str, Any]:
    workers = place.workers
    train, validation = split(dataset.train, config.validation)
    start = time.perf_counter()
    engine = place.engine(train, dataset)
    first = workers.rank == 0
    fit = Fit(
        engine=engine,
        config=config,
        train=train,
        validation=validation,
        callback=callback if first else Callback(),
        seconds_before=time.perf_counter() - start,
    )
    # not before settings and data are known to fit
    workers.from_first(lambda: _write_start(run, config, dataset))
    if first:
        fit.save = _saving(run, dataset)
    checkpoint = load_checkpoint(run.checkpoint)
    _check_same_start(workers, checkpoint, run)
    if checkpoint is not None:
        workers.from_first(lambda: _check_belongings(checkpoint, run, dataset))
        fit.resume(checkpoint, _rows(checkpoint, run))
    try:
        history = fit.run()
    except DivergedError as error:
        if not first:
            raise AlreadySaidError(str(error)) from error
        model_of(engine, dataset).save(run.path)
        raise DivergedError(f"{error}; the weights of step {fit.step} are kept in {run.path}") from error
    record: dict[str, Any] = workers.from_first(
        lambda: _finish(run, config, dataset, engine, history, train, validation)
    )
    return record


def model_of(engine: Engine, dataset: Dataset) -> Model:
    """The network as it is now, with what it knows of the columns of a table."""
    return replace(engine.model(), mapping=dataset.mapping)


def read_config(path: Path) -> TrainConfig:
    """Read settings from a TOML file.

    Raises
    ------
    RunError : the file cannot be read or is not TOML
    DataError : a setting is unknown, or its value is out of range
    """
    remedy = "correct or restore that file"
    content = read_file(path, SETTINGS_LIMIT, remedy)
    try:
        values = tomllib.loads(content.decode("utf-8-sig"))  # the mark that Windows Notepad writes
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, a number or a nesting without end
        raise RunError(f"cannot read {path}: {error}; {remedy}") from error
    try:
        return TrainConfig.from_dict(values, str(path))
    except UnknownNameError as error:
        raise advised(error) from error


def _take_folder(
    run: RunFolder, config: TrainConfig, dataset: Dataset, resume: bool, held: ExitStack
) -> bool:
    """Lock the folder until `held` ends, and make sure that it holds this run; whether that is finished."""
    held.enter_context(locked(run.path))
    _check_folder(run, config, resume)
    finished = run.finished
    if finished:
        before = run.read_record()["data"]
        if before["sha256"] != dataset.origin.sha256:
            raise other_data(f"{run.path} was trained", before, dataset)
        run.check(*SEALED)
        remove(run.checkpoint)  # of a process that was killed right after it wrote the record
    for folder in (run.path, run.checkpoint.parent, run.path / "initial"):
        remove_leftovers(folder, (*SEALED, run.data.name, run.sums.name, run.checkpoint.name))
    return finished


def _check_folder(run: RunFolder, config: TrainConfig, resume: bool) -> None:
    """Make sure that the folder is empty, or holds this run and may be resumed."""
    if not exists(run.config):
        if any(not name.startswith(".") for name in names_in(run.path)):  # a killed process leaves such
            raise RunError(f"{run.path} is not empty and not a run of fcnet, choose another folder")
        return
    if not resume:
        raise RunError(
            f"{run.path} holds a run already: --resume resumes it, --overwrite moves it aside, "
            f"and --out names another folder"
        )
    before = read_config(run.config)
    if before != config:
        differing = other_settings(before, config)
        raise RunError(
            f"{run.path} was started with other settings ({differing}), see {run.config}; "
            f"give the same or choose another folder"
        )


def _write_start(run: RunFolder, config: TrainConfig, dataset: Dataset) -> None:
    """Write settings and data, which are known before the first step, if they are missing.

    Raises
    ------
    RunError : a run that was killed before its first checkpoint had begun on other data
    """
    import tomli_w

    if not exists(run.config):
        write_atomically(run.config, tomli_w.dumps(config.to_dict()), try_again())
    if not exists(run.data):
        write_json(run.data, data_record(dataset))
    elif not exists(run.checkpoint):
        before = read_json(run.data, Data)
        if before["sha256"] != dataset.origin.sha256:
            raise other_data(f"{run.path} was started", before, dataset)


def _check_same_start(workers: Workers, checkpoint: Checkpoint | None, run: RunFolder) -> None:
    """Workers on several machines resume from one checkpoint, which all of them have to see."""
    mine = checkpoint.step if checkpoint is not None else 0
    if workers.from_first(lambda: mine) != mine:
        raise RunError(
            f"worker {workers.rank} does not see the checkpoint of the first worker in {run.path}, "
            f"put the folder on a file system that all machines share"
        )


def _rows(checkpoint: Checkpoint, run: RunFolder) -> list[Evaluation]:
    """The history up to a checkpoint; a process that is killed between the two leaves a longer history."""
    return read_history(run.history)[: checkpoint.evaluations] if checkpoint.evaluations else []


def _check_belongings(checkpoint: Checkpoint, run: RunFolder, dataset: Dataset) -> None:
    """Make sure that data, settings and history are those that the checkpoint was written with."""
    if checkpoint.data != dataset.origin.sha256:
        before = read_json(run.data, Data) if exists(run.data) else {}
        raise other_data(f"{run.path} was started", before, dataset)
    rows = len(_rows(checkpoint, run))  # raises if the file is missing or damaged
    lines = _text(run.history, HISTORY_LIMIT).splitlines(keepends=True)[:rows] if rows else []
    for path, text, digest in (
        (run.config, _text(run.config, SETTINGS_LIMIT), checkpoint.settings),
        (run.history, "".join(lines), checkpoint.history),
    ):
        if digest_of(text) != digest:
            raise RunError(
                f"{path} was cut or altered, it does not match {run.checkpoint}; "
                f"restore it, or delete {run.checkpoint} to start this run from the beginning"
            )


def _text(path: Path, limit: int) -> str:
    return read_file(path, limit).decode(errors="replace")


def _saving(run: RunFolder, dataset: Dataset) -> Callable[[Checkpoint, list[Evaluation]], None]:
    settings = digest_of(_text(run.config, SETTINGS_LIMIT))
    written: str | None = None

    def save(checkpoint: Checkpoint, history: list[Evaluation]) -> None:
        nonlocal written
        lines = history_lines(history)
        if lines != written:  # the history first: a checkpoint never counts rows that are missing
            write_atomically(run.history, lines, try_again())
            written = lines
        hashes = {"data": dataset.origin.sha256, "settings": settings, "history": digest_of(lines)}
        save_checkpoint(run.checkpoint, structs.replace(checkpoint, **hashes))

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
    model = model_of(engine, dataset)
    model.save(run.path)
    val_accuracy, val_loss = accuracy_and_loss(model.logits(validation.images), validation.labels)
    _warn_of_what_is_lost(model, history[-1].val_loss, val_loss)
    train_accuracy, train_loss = accuracy_and_loss(model.logits(train.images), train.labels)
    record = {
        "format": FORMAT,
        "config": config.to_dict(),
        "seed": config.seed,
        "data": data_record(dataset),
        "examples": {"train": len(train), "validation": len(validation)},
        "parameters": model.architecture.size,
        "sizes": list(model.architecture.sizes),
        "architecture": model.architecture.to_json(),
        "seconds": history[-1].seconds,
        "steps": history[-1].step,
        "metrics": {
            "train_accuracy": train_accuracy,
            "train_loss": train_loss,
            "val_accuracy": val_accuracy,
            "val_loss": val_loss,
        },
        **_unaveraged(config, engine, validation),
        "engine": engine.describe(),
        "environment": environment(),
    }
    run.finish(record)
    remove(run.checkpoint)
    return record


LOST = 0.02
"""Difference of two losses on the same images that no rounding explains, bfloat16 included; as a part."""


def _warn_of_what_is_lost(model: Model, trained: float, saved: float) -> None:
    """Say so where the saved model has another loss than the network that was trained, by a user's own layer.

    Parameters
    ----------
    trained, saved : on the validation split
    """
    own = [place(layer) for layer in walk(model.architecture.build()) if is_own(layer)]
    if own and abs(trained - saved) > LOST * max(1.0, abs(trained)):
        text = (
            f"the saved model has a validation loss of {saved:.4g}, the trained network {trained:.4g}: "
            f"a layer ({', '.join(dict.fromkeys(own))}) keeps something from step to step "
            f"that is not in declared, so that it is not saved"
        )
        print(f"warning: {shown(text)}", file=sys.stderr)


def _unaveraged(config: TrainConfig, engine: Engine, validation: Part) -> dict[str, Any]:
    """What the record says beside `metrics`, which are of the average: the weights of the last step."""
    if config.average == "none":
        return {}
    logits = engine.model(averaged=False).logits(validation.images)
    accuracy, loss = accuracy_and_loss(logits, validation.labels)
    return {"unaveraged": {"val_accuracy": accuracy, "val_loss": loss}}
