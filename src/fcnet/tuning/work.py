"""One worker: trial after trial, until the search has as many as it wants."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import optuna
from optuna.study import Study

from fcnet.data.dataset import Dataset
from fcnet.data.whitening import covariance_kept
from fcnet.tuning.outcome import tidy_weights
from fcnet.tuning.plan import Place, Plan
from fcnet.tuning.study import DONE, TAKEN, reclaim, taken, tried_again
from fcnet.tuning.trial import run_trial


class Superfluous(Exception):
    """A trial that was begun at the same moment as the last one wanted."""


def work(
    study: Study,
    place: Place,
    plan: Plan,
    dataset: Dataset,
    deadline: float | None = None,
    told: Callable[[], None] = lambda: None,
) -> None:
    """Run trials until there are enough, or until no new one may begin.

    Parameters
    ----------
    deadline : after which no trial begins, in seconds of `time.time()`
    told : called after each evaluation

    Raises
    ------
    KeyboardInterrupt : Ctrl-C; the trial at hand waits for the next start, with a checkpoint
    FcnetError : a trial cannot be run at all
    """
    at_hand = [-1]

    def objective(trial: optuna.Trial) -> float:
        at_hand[:] = [trial.number]
        trial.set_user_attr("worker", {"here": place.here, "process": os.getpid()})
        if superfluous(study, trial.number, plan.trials):
            trial.set_user_attr("superfluous", True)
            raise Superfluous
        return run_trial(trial, place, plan, dataset, told)

    with covariance_kept():
        while taken(study) < plan.trials and (deadline is None or time.time() < deadline):
            try:
                study.optimize(objective, n_trials=1, catch=(Superfluous,))
            except BaseException as error:
                if isinstance(error, Exception) and tried_again(study, at_hand[0]):
                    continue  # this process had stood still, and was taken for lost by another
                reclaim(study, place, is_dead=lambda process: process == os.getpid())
                raise
            tidy_weights(study, place)


def superfluous(study: Study, number: int, wanted: int) -> bool:
    """Whether there are enough trials without this one: numbers are given one at a time, so no two agree."""
    before = [
        trial
        for trial in study.get_trials(deepcopy=False, states=TAKEN)
        if trial.number < number or (trial.number > number and trial.state in DONE)
    ]
    return len(before) >= wanted
