"""One training as a trial: an ordinary run folder, reported at each evaluation, pruned if it is hopeless.

A trial's value is the validation accuracy of the weights at the end, not the best on the way: the end is what
a training with these settings gives, and an epoch chosen by its accuracy would reward luck.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import TrialState

from fcnet.data.dataset import Dataset
from fcnet.data.whitening import covariance_kept
from fcnet.errors import DivergedError
from fcnet.files import write_atomically
from fcnet.records import RunFolder
from fcnet.runs.training import train_run
from fcnet.train.config import TrainConfig
from fcnet.train.history import Evaluation, history_lines, read_history
from fcnet.train.listeners import Silence
from fcnet.tuning.plan import Place, Plan
from fcnet.tuning.sampling import POINTS
from fcnet.tuning.study import DONE, release, superfluous, taken


class Superfluous(Exception):
    """A trial that was begun at the same moment as the last one wanted."""


GONE = (Superfluous, UpdateFinishedTrialError)
"""A trial that is not this worker's any more; for the latter, this process had stood still for too long."""


class Unfinished(BaseException):
    """Takes what stopped a training past Optuna, which would let the trial fail for ever."""

    def __init__(self, why: BaseException) -> None:
        self.why = why


def work(
    study: Study,
    storage: BaseStorage,
    place: Place,
    plan: Plan,
    dataset: Dataset,
    deadline: float | None = None,
    told: Callable[[], None] = lambda: None,
) -> None:
    """One worker: run trials until there are enough, or until no new one may begin.

    Parameters
    ----------
    deadline : after which no trial begins, in seconds of `time.time()`
    told : called after each evaluation

    Raises
    ------
    KeyboardInterrupt : Ctrl-C; the running trial waits for the next start, with a checkpoint
    FcnetError : a trial cannot be run; it waits too
    """
    begun: list[optuna.Trial] = []

    def objective(trial: optuna.Trial) -> float:
        begun.append(trial)
        try:
            trial.set_user_attr("worker", {"here": place.here, "process": os.getpid()})
            if superfluous(study, trial.number, plan.trials):
                trial.set_user_attr("superfluous", True)
                raise Superfluous
            return run_trial(trial, place, plan, dataset, told)
        except (optuna.TrialPruned, *GONE):
            raise
        except (KeyboardInterrupt, Exception) as stop:
            release(study, storage, _frozen(trial))
            raise Unfinished(stop) from stop

    with covariance_kept():
        while taken(study) < plan.trials and (deadline is None or time.time() < deadline):
            begun.clear()
            try:
                study.optimize(objective, n_trials=1, catch=GONE)
            except Unfinished as unfinished:
                raise unfinished.why from None
            except ValueError:  # Optuna refuses to end a trial that another process has ended or taken
                if not begun or _frozen(begun[0]).state == TrialState.RUNNING:
                    raise
            _keep_best_weights(study, place)


def _frozen(trial: optuna.Trial) -> optuna.trial.FrozenTrial:
    """The trial as the storage has it now."""
    return trial.study.get_trials(deepcopy=False)[trial.number]


class Reporter(Silence):
    """Tells the study of each evaluation, and prunes a hopeless training.

    Parameters
    ----------
    trial : that this training is
    run : its folder
    told : called after each evaluation
    """

    def __init__(self, trial: optuna.Trial, run: RunFolder, told: Callable[[], None]) -> None:
        self.trial = trial
        self.told = told
        self.known = set(_frozen(trial).intermediate_values)
        self.earlier = read_history(run.history) if run.history.exists() else []
        self.rows: list[Evaluation] = []
        self.total = 0
        self.point = 0

    def after_step(self, step: int, total: int, loss: float) -> None:
        if not self.total:
            self.total = total
            self.rows = [row for row in self.earlier if row.step < step]
            for row in self.rows:  # of a training that is resumed
                self._report(row)

    def evaluated(self, row: Evaluation) -> None:
        self.rows.append(row)
        reported = self._report(row)
        self.told()
        if reported and row.step < self.total and self.trial.should_prune():
            raise optuna.TrialPruned

    def _report(self, row: Evaluation) -> bool:
        """Tell the study, if this is the first evaluation since a point at which trials are compared."""
        point = POINTS * row.step // self.total
        if point == self.point:
            return False
        self.point = point
        if point in self.known:  # reported before the training was stopped, or its worker killed
            return False
        self.trial.report(row.val_accuracy, point)
        return True


def run_trial(
    trial: optuna.Trial, place: Place, plan: Plan, dataset: Dataset, told: Callable[[], None]
) -> float:
    """Train with the settings that the study suggests.

    Returns
    -------
    accuracy : fraction in [0, 1] of the validation images that the trained network has right

    Raises
    ------
    optuna.TrialPruned : it was hopeless, or its loss became infinite
    FcnetError : it could not be run
    KeyboardInterrupt : Ctrl-C, with a checkpoint
    """
    run = RunFolder(place.trials / _run_name(trial))
    values = plan.space.suggested(trial)
    config = plan.base if trial.user_attrs.get("base") else plan.space.settings(plan.base, values)
    reporter = Reporter(trial, run, told)
    start = time.perf_counter()
    outcome: dict[str, Any] = {"diverged": False, "complete": False}
    try:
        record = train_run(config, dataset, run.path, resume=True, listener=reporter)
        outcome["complete"] = True
        return float(record["metrics"]["val_accuracy"])
    except (DivergedError, optuna.TrialPruned) as end:
        outcome["diverged"] = isinstance(end, DivergedError)
        abandon(run, reporter.rows)
        raise optuna.TrialPruned from None
    finally:
        rows = reporter.rows or reporter.earlier
        outcome["seconds"] = rows[-1].seconds if rows else time.perf_counter() - start
        outcome["epochs"] = rows[-1].epoch if rows else 0.0
        outcome["threads"] = threads(config)
        with suppress(UpdateFinishedTrialError):  # another process has ended it; this one must not hide why
            trial.set_user_attr("outcome", outcome)


def _run_name(trial: optuna.Trial) -> str:
    """The folder of its training; a retry in a database keeps that of the trial that it repeats."""
    if "run" not in trial.user_attrs:
        trial.set_user_attr("run", f"{trial.number:04}")
    return str(trial.user_attrs["run"])


def abandon(run: RunFolder, rows: list[Evaluation]) -> None:
    """Of a pruned training, keep the settings and the history."""
    write_atomically(run.history, history_lines(rows))
    run.checkpoint.unlink(missing_ok=True)
    drop_weights(run.path)


def drop_weights(run: Path) -> None:
    """Remove the trained weights from a run folder, and the hashes of its files; its settings remain."""
    for path in (run / "model.safetensors", run / "input.safetensors", RunFolder(run).sums):
        path.unlink(missing_ok=True)


def _keep_best_weights(study: Study, place: Place) -> None:
    """Keep the trained weights of the best trial only; the settings of the others make theirs again."""
    ended = study.get_trials(deepcopy=False, states=DONE)
    complete = [trial for trial in ended if trial.state == TrialState.COMPLETE]
    best = max(complete, key=lambda trial: (trial.value or 0.0, -trial.number), default=None)
    for trial in ended:
        run = place.trials / trial.user_attrs.get("run", "")
        if trial is not best and (run / "model.safetensors").exists():
            drop_weights(run)


def threads(config: TrainConfig) -> int:
    """With how many threads the engine multiplies matrices."""
    from threadpoolctl import threadpool_info

    kinds = ("blas", "openmp") if config.engine == "torch" else ("blas",)
    pools = [pool for pool in threadpool_info() if pool["user_api"] in kinds]
    return max((int(pool["num_threads"]) for pool in pools), default=1)
