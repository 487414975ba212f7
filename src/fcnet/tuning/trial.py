"""One training as a trial: an ordinary run folder, reported at each evaluation, pruned if it is hopeless.

A trial's value is the validation accuracy of the weights at the end, not the best on the way: a training with
these settings ends there, and an epoch chosen by its accuracy would reward luck.
"""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from fcnet.data.dataset import Dataset
from fcnet.data.whitening import covariance_kept
from fcnet.errors import DivergedError, TooLargeError
from fcnet.files import holding, remove, write_atomically
from fcnet.records import RunFolder
from fcnet.runs.observer import Observer
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback, Callbacks
from fcnet.train.config import TrainConfig
from fcnet.train.history import Evaluation, history_lines, read_history
from fcnet.tuning.study import POINTS, Trials


class Superfluous(Exception):
    """A trial that began at the same moment as the last trial wanted."""


GONE = (Superfluous, UpdateFinishedTrialError)
"""A trial that another worker has taken over, because this process stood still for too long."""


class Unfinished(BaseException):
    """Carries the exception that stopped a training past Optuna, which would mark the trial as failed."""

    def __init__(self, why: BaseException) -> None:
        self.why = why


def work(trials: Trials, dataset: Dataset, look: Callable[[], None] = lambda: None) -> None:
    """One worker: run trials until there are enough, or until no trial may begin.

    Parameters
    ----------
    look : called after each evaluation

    Raises
    ------
    KeyboardInterrupt : Ctrl-C; the running trial waits for the next start, with a checkpoint
    FcnetError : a trial cannot run; it waits too
    """
    begun: list[int] = []

    def objective(trial: optuna.Trial) -> float:
        begun.append(trial.number)
        try:
            trial.set_user_attr("worker", {"here": trials.search.here, "process": os.getpid()})
            if trials.superfluous(trial.number):
                trial.set_user_attr("superfluous", True)
                raise Superfluous
            return run_trial(trial, trials, dataset, look)
        except (optuna.TrialPruned, *GONE):
            raise
        except (KeyboardInterrupt, Exception) as stop:
            trials.release(trial.number)
            raise Unfinished(stop) from stop

    with covariance_kept():
        while trials.wanted():
            begun.clear()
            try:
                trials.study.optimize(objective, n_trials=1, catch=GONE)
            except Unfinished as unfinished:
                raise unfinished.why from None
            except ValueError:  # Optuna refuses to end a trial that another process has ended or taken
                if not begun or trials.now(begun[0]).state == TrialState.RUNNING:
                    raise
            _keep_best_weights(trials)


class Reporter(Callback):
    """Tells the study of each evaluation, and prunes a hopeless training.

    Parameters
    ----------
    trial : that this training is
    known : points that were reported before the training was stopped, or its worker killed
    look : called after each evaluation
    """

    def __init__(self, trial: optuna.Trial, known: Iterable[int], look: Callable[[], None]) -> None:
        self.trial = trial
        self.known = {0, *known}
        self.look = look
        self.rows: list[Evaluation] = []
        self.total = 0

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        self.total = total

    def on_evaluation(self, row: Evaluation) -> None:
        """Report the first evaluation since each of the points at which trials are compared."""
        self.rows.append(row)
        point = POINTS * row.step // self.total
        new = point not in self.known
        if new:
            self.known.add(point)
            self.trial.report(row.val_accuracy, point)
        self.look()
        if new and row.step < self.total and self.trial.should_prune():
            raise optuna.TrialPruned


def run_trial(trial: optuna.Trial, trials: Trials, dataset: Dataset, look: Callable[[], None]) -> float:
    """Train with the settings that the study suggests.

    Returns
    -------
    accuracy : validation accuracy of the trained network, a fraction in [0, 1]

    Raises
    ------
    optuna.TrialPruned : it was hopeless, its loss became infinite, or it does not fit into memory
    FcnetError : it could not run
    KeyboardInterrupt : Ctrl-C, with a checkpoint
    """
    search = trials.search
    if "run" not in trial.user_attrs:  # a retry in a database keeps the folder of the trial that it repeats
        trial.set_user_attr("run", f"{trial.number:04}")
    run = RunFolder(search.runs / trial.user_attrs["run"])
    values = search.space.suggested(trial)
    config = search.base if trial.user_attrs.get("base") else search.space.settings(search.base, values)
    reporter = Reporter(trial, trials.now(trial.number).intermediate_values, look)
    start = time.perf_counter()
    failure: BaseException | None = None
    try:
        live = [Observer(run.path, dataset, "tune")] if search.watch else []
        callbacks = Callbacks(*live, reporter)
        record = train_run(config, dataset, run.path, resume=True, callback=callbacks)
        return float(record["metrics"]["val_accuracy"])
    except (DivergedError, TooLargeError, optuna.TrialPruned) as end:
        failure = end
        abandon(run, reporter.rows)
        raise optuna.TrialPruned from None
    finally:
        rows = _history(run)
        outcome = {
            "diverged": isinstance(failure, DivergedError),
            "too_large": isinstance(failure, TooLargeError),
            "seconds": rows[-1].seconds if rows else time.perf_counter() - start,
            "epochs": rows[-1].epoch if rows else 0.0,
            "threads": threads(config),
        }
        with suppress(UpdateFinishedTrialError):  # another process has ended it; do not hide the reason
            trial.set_user_attr("outcome", outcome)


def _history(run: RunFolder) -> list[Evaluation]:
    return read_history(run.history) if run.history.exists() else []


def abandon(run: RunFolder, rows: list[Evaluation]) -> None:
    """Keep the settings and the history of a pruned training; `rows` are the history since its start."""
    earlier = [row for row in _history(run) if not rows or row.step < rows[0].step]
    write_atomically(run.history, history_lines(earlier + rows))
    with holding(run.path):
        remove(run.checkpoint)
    drop_weights(run)


def drop_weights(run: RunFolder) -> None:
    """Remove the trained weights from a run folder, and the hashes of its files; its settings remain."""
    if not run.path.is_dir():
        return
    with holding(run.path):
        for path in (run.path / "model.safetensors", run.path / "input.safetensors", run.sums):
            remove(path)


def _keep_best_weights(trials: Trials) -> None:
    """Keep only the best trial's trained weights; the settings of the others can reproduce theirs."""
    complete = trials.having(TrialState.COMPLETE)
    ranking = sorted(complete, key=lambda trial: (-(trial.value or 0.0), trial.number))
    for trial in (*ranking[1:], *trials.having(TrialState.PRUNED)):
        drop_weights(RunFolder(trials.search.runs / trial.user_attrs["run"]))


def threads(config: TrainConfig) -> int:
    """The number of threads with which the engine multiplies matrices."""
    from threadpoolctl import threadpool_info

    with_openmp = config.engine == "torch" or config.precision == "bfloat16"
    kinds = ("blas", "openmp") if with_openmp else ("blas",)
    pools = [pool for pool in threadpool_info() if pool["user_api"] in kinds]
    return max((int(pool["num_threads"]) for pool in pools), default=1)
