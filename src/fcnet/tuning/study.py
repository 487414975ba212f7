"""The trials that all workers share: opened, checked, chosen, pruned and resumed.

A trial whose worker stopped or was killed waits again under its own number, with its settings, and its
training resumes from its checkpoint. In a database a silent worker's trial fails, and Optuna's own retry
adds a copy of it that waits.

Besides Optuna's own state, every trial has these user attributes:

base        this is the base itself, not a point of the space
run         name of the folder of its training
lost        how often a worker of this folder was killed during it
worker      the worker of the trial: the folder with its machine, and the process; None while it waits again
outcome     seconds, epochs reached, threads, whether it diverged or did not fit into memory; absent if its
            worker was killed
superfluous begun at the same moment as the last trial wanted, and abandoned at once

Sampler. Optuna's default, the tree-structured Parzen estimator, with a seed that follows from the search's
seed and the trial's number. So no two workers draw the same, and a resumed search does not start its random
numbers again.

Pruner. All trials train for the same number of epochs, and with a cosine schedule a high learning rate looks
bad until late and wins in the end. Successive halving keeps a fraction of the trials at a few early rungs
and would prefer small rates. The median of the completed trials, which are already a selection, would prune
every second trial. So only hopeless trials are pruned: none in the first quarter of its training, and
afterwards one whose best validation accuracy so far is below that of three quarters of the completed trials
at the same point.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, UpdateFinishedTrialError
from optuna.pruners import BasePruner, PercentilePruner
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from fcnet.errors import RunError, UnknownNameError
from fcnet.registry import advised
from fcnet.tuning.contents import check_plan, check_trials
from fcnet.tuning.search import FORMAT, Search
from fcnet.tuning.storage import TRIES

DONE = (TrialState.COMPLETE, TrialState.PRUNED)
"""States of trials that count."""

TAKEN = (*DONE, TrialState.RUNNING)
"""States of trials that count, or will count."""

NOBODY = 0
"""Process number for a trial that began a moment ago, or whose worker was killed in that moment."""

PATIENCE_SECONDS = 10.0
"""Seconds to wait for another machine that has created the study but not described it yet."""

POINTS = 20
"""Points of a training, equally far apart, at which trials are compared; batch sizes may differ."""

KEPT = 75.0
"""Per cent of the completed trials; a trial that is below all of them is pruned."""

SPARED = POINTS // 4
"""Points before which no trial is pruned."""

STARTUP = 8
"""Trials that have to be complete before any is pruned."""


def pruner() -> BasePruner:
    """The rule that prunes trials."""
    return PercentilePruner(KEPT, n_startup_trials=STARTUP, n_warmup_steps=SPARED)


class Sampler(TPESampler):
    """Optuna's default sampler, whose draws for a trial follow from (seed, trial number, trials so far)."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self.seed = seed

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        seed = int(np.random.SeedSequence([self.seed, trial.number]).generate_state(1)[0])
        super().__init__(seed=seed)
        super().before_trial(study, trial)


def find_search(search: Search, storage: BaseStorage) -> Search | None:
    """The search that the study records; None if there is no study.

    Raises
    ------
    RunError : it belongs to another program or another version, or is damaged
    """
    if search.study not in optuna.get_all_study_names(storage):
        return None
    study = optuna.load_study(study_name=search.study, storage=storage)
    patience = time.monotonic() + (PATIENCE_SECONDS if search.storage else 0.0)
    while "plan" not in study.user_attrs and time.monotonic() < patience:
        time.sleep(0.2)
    about = study.user_attrs.get("plan", {})
    if not about and all(trial.state == TrialState.WAITING for trial in study.get_trials(deepcopy=False)):
        return None  # its first search was stopped before it had begun
    if "format" not in about:
        raise RunError(f"{search.label} is not a study of fcnet, choose another with --out or --study")
    if about["format"] != FORMAT:
        raise RunError(f"{search.label} is of another version of fcnet, use that one or start a new search")
    check_plan(about, search.label)
    try:
        return search.recorded(about)
    except UnknownNameError as error:
        raise advised(error) from error


class Trials:
    """The trials of a search, in a study that exists."""

    def __init__(self, search: Search, storage: BaseStorage) -> None:
        self.search = search
        self.storage = storage
        self.study = optuna.load_study(
            study_name=search.study, storage=storage, sampler=Sampler(search.base.seed), pruner=pruner()
        )

    @classmethod
    def begun(cls, search: Search, storage: BaseStorage) -> Trials:
        """The trials of a study, which is created with the base as its first trial if it does not exist.

        Raises
        ------
        RunError : the study belongs to another search, or is damaged
        """
        known = None
        try:
            optuna.create_study(storage=storage, study_name=search.study, direction="maximize")
        except DuplicatedStudyError:
            known = find_search(search, storage)
        trials = cls(search, storage)
        if known is not None:
            search.check_same(known)
            check_trials(trials.having(), search.space, search.label)
        elif not trials.having():
            trials.study.enqueue_trial(search.space.values(search.base), user_attrs={"base": True})
        if known is None or known.trials != search.trials:  # the last, since others wait for it
            trials.study.set_user_attr("plan", search.about())
        return trials

    def having(self, *states: TrialState) -> list[FrozenTrial]:
        """The trials in one of these states, or all trials."""
        return self.study.get_trials(deepcopy=False, states=states or None)

    def now(self, number: int) -> FrozenTrial:
        """One trial as the storage has it now."""
        return self.having()[number]

    def wanted(self) -> bool:
        """Whether another trial may begin: fewer than wanted are done or running, and there is time.

        Trials of silent workers elsewhere wait again.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            optuna.storages.fail_stale_trials(self.study)
        deadline = self.search.deadline
        return len(self.having(*TAKEN)) < self.search.trials and (deadline is None or time.time() < deadline)

    def superfluous(self, number: int) -> bool:
        """Whether there are enough trials without this one: numbers are unique, so workers agree."""
        first = [one for one in self.having(*TAKEN) if one.number < number]
        later = [one for one in self.having(*DONE) if one.number > number]
        return len(first) + len(later) >= self.search.trials

    def release(self, number: int, killed: bool = False) -> None:
        """Let a running trial wait for a worker again, unless another process has ended it.

        Parameters
        ----------
        killed : its worker was killed. After `TRIES` killed workers, the trial fails
        """
        study_id = self.storage.get_study_id_from_name(self.search.study)
        identity = self.storage.get_trial_id_from_study_id_trial_number(study_id, number)
        lost = self.now(number).user_attrs.get("lost", 0) + killed
        try:
            self.storage.set_trial_user_attr(identity, "worker", None)  # before another worker can take it
            self.storage.set_trial_user_attr(identity, "lost", lost)
            given_up = killed and lost >= TRIES
            self.storage.set_trial_state_values(identity, TrialState.FAIL if given_up else TrialState.WAITING)
        except UpdateFinishedTrialError:
            return

    def reclaim(self, is_dead: Callable[[int], bool] = lambda process: True) -> None:
        """Release the trials of killed workers of this folder.

        Parameters
        ----------
        is_dead : whether the process with this number, started from this folder, is gone
        """
        here = self.search.here
        # in a journal, a worker that was killed before it recorded its name was one of ours
        nobody: dict[str, Any] = {"here": "" if self.search.storage else here, "process": NOBODY}
        for trial in self.having(TrialState.RUNNING):
            worker = trial.user_attrs.get("worker") or nobody
            if worker["here"] == here and is_dead(worker["process"]):
                self.release(trial.number, killed=True)
