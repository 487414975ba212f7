"""One training as a trial: an ordinary run folder, told on at each evaluation, stopped if it is hopeless.

What decides is the validation accuracy of the weights at the end, not the best on the way: that is what a
training with these settings gives, and choosing an epoch by its accuracy would choose luck.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna

from fcnet.data.dataset import Dataset
from fcnet.errors import DivergedError
from fcnet.files import write_atomically
from fcnet.records import RunFolder
from fcnet.runs.training import train_run
from fcnet.train.config import TrainConfig
from fcnet.train.history import Evaluation, history_lines, read_history
from fcnet.train.listeners import Silence
from fcnet.tuning.plan import Place, Plan
from fcnet.tuning.sampling import POINTS


class Reporter(Silence):
    """Tells the study of each evaluation, and ends a hopeless training.

    Parameters
    ----------
    trial : that this training is
    run : its folder
    told : called after each evaluation
    """

    def __init__(self, trial: optuna.Trial, run: RunFolder, told: Callable[[], None]) -> None:
        self.trial = trial
        self.told = told
        self.earlier = read_history(run.history) if run.history.exists() else []
        self.rows: list[Evaluation] = []
        self.total = 0
        self.point = 0

    def after_step(self, step: int, total: int, loss: float) -> None:
        if not self.total:
            self.total = total
            self.rows = [row for row in self.earlier if row.step < step]
            for row in self.rows:  # a training that goes on
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
        self.trial.report(row.val_accuracy, point)
        self.point = point
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
        trial.set_user_attr("outcome", outcome)


def _run_name(trial: optuna.Trial) -> str:
    """The folder of its training: that of the trial before, where one is tried again."""
    if "run" not in trial.user_attrs:
        trial.set_user_attr("run", f"{trial.number:04}")
    return str(trial.user_attrs["run"])


def abandon(run: RunFolder, rows: list[Evaluation]) -> None:
    """Of a training that was given up, keep the settings and the history."""
    write_atomically(run.history, history_lines(rows))
    run.checkpoint.unlink(missing_ok=True)
    drop_weights(run.path)


def drop_weights(run: Path) -> None:
    """Remove the trained weights from a run folder, and the sums that vouch for them; its settings remain."""
    for path in (run / "model.safetensors", run / "input.safetensors", RunFolder(run).sums):
        path.unlink(missing_ok=True)


def threads(config: TrainConfig) -> int:
    """With how many threads the engine multiplies matrices."""
    from threadpoolctl import threadpool_info

    kinds = ("blas", "openmp") if config.engine == "torch" else ("blas",)
    pools = [pool for pool in threadpool_info() if pool["user_api"] in kinds]
    return max((int(pool["num_threads"]) for pool in pools), default=1)
