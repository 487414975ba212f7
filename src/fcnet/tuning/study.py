"""The trials that all workers share: opened, checked, and resumed.

A trial whose worker stopped or was killed waits again under its own number, with its settings, and its
training resumes from its checkpoint. In a database a silent worker's trial fails, and Optuna's own retry
adds a copy of it that waits.

Every trial carries what fcnet has to know of it as user attributes, besides Optuna's own state:

base        this is the base itself, not a point of the space
run         name of the folder of its training
lost        how often a worker of this folder was killed over it
worker      who works on it: the folder with its machine, and the process; None while it waits again
outcome     seconds, epochs reached, threads, whether it diverged; not of a trial whose worker was killed
superfluous begun at the same moment as the last one wanted, and given up at once
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from fcnet.errors import RunError
from fcnet.tuning.plan import FORMAT, Place, Plan
from fcnet.tuning.sampling import Sampler, pruner
from fcnet.tuning.storage import TRIES
from fcnet.tuning.workers import NOBODY

DONE = (TrialState.COMPLETE, TrialState.PRUNED)
"""Trials that count."""

TAKEN = (*DONE, TrialState.RUNNING)
"""Trials that count, or will."""

PATIENCE_SECONDS = 10.0
"""For another machine that has made the study and not yet said what it is about."""


def find_plan(storage: BaseStorage, place: Place) -> Plan | None:
    """What the study in the storage is about; None where there is no study.

    Raises
    ------
    RunError : it is another program's, or another version's
    """
    if place.name not in optuna.get_all_study_names(storage):
        return None
    study = _load(storage, place, seed=0)
    patience = time.monotonic() + (PATIENCE_SECONDS if place.storage else 0.0)
    while "plan" not in study.user_attrs and time.monotonic() < patience:
        time.sleep(0.2)
    values = study.user_attrs.get("plan", {})
    if not values and all(trial.state == TrialState.WAITING for trial in study.get_trials(deepcopy=False)):
        return None  # its first search was stopped before it had begun
    if "format" not in values:
        raise RunError(f"{place.label} is no study of fcnet's, choose another with --out or --study")
    if values["format"] != FORMAT:
        raise RunError(f"{place.label} is of another version of fcnet, use that one or start a new search")
    return Plan.from_dict(values)


def open_study(storage: BaseStorage, place: Place, plan: Plan) -> Study:
    """The study, made if there is none, with the base as its first trial.

    Raises
    ------
    RunError : the study is about something else
    """
    known = None
    try:
        study = optuna.create_study(
            storage=storage, study_name=place.name, direction="maximize", **_judges(plan.base.seed)
        )
    except DuplicatedStudyError:
        study = _load(storage, place, plan.base.seed)
        known = find_plan(storage, place)
    if known is not None:
        check_same(known, plan, place)
    elif not study.get_trials(deepcopy=False):
        study.enqueue_trial(plan.space.values(plan.base), user_attrs={"base": True})
    if known is None or known.trials != plan.trials:  # the last, since others wait for it
        study.set_user_attr("plan", plan.to_dict())
    return study


def join_study(storage: BaseStorage, place: Place) -> tuple[Study, Plan]:
    """A study that exists, for a worker."""
    plan = find_plan(storage, place)
    if plan is None:
        raise RunError(f"{place.label} has no study, start it with fcnet tune")
    return _load(storage, place, plan.base.seed), plan


def check_same(known: Plan, plan: Plan, place: Place) -> None:
    """Make sure that the study is about what is wanted now.

    Raises
    ------
    RunError : the text says in what they differ
    """
    remedy = "give the same or choose another with --out or, in a database, --study"
    before, now = known.base.to_dict(), plan.base.to_dict()
    if differing := sorted(name for name in before | now if before.get(name) != now.get(name)):
        raise RunError(f"{place.label} was started with other settings ({', '.join(differing)}), {remedy}")
    if known.space != plan.space:
        old, new = ({row["name"]: row for row in one.space.to_list()} for one in (known, plan))
        names = sorted(name for name in old | new if old.get(name) != new.get(name))
        raise RunError(f"{place.label} varies other things ({', '.join(names)}), {remedy}")
    if known.data != plan.data:
        raise RunError(f"{place.label} is about other data, {remedy}")


def _load(storage: BaseStorage, place: Place, seed: int) -> Study:
    return optuna.load_study(study_name=place.name, storage=storage, **_judges(seed))


def _judges(seed: int) -> dict[str, Any]:
    return {"sampler": Sampler(seed), "pruner": pruner()}


def reclaim(study: Study, storage: BaseStorage, place: Place, is_dead: Callable[[int], bool]) -> None:
    """Let the trials of killed workers of this folder wait for another, unless too many were lost over one.

    Parameters
    ----------
    is_dead : whether the process with this number, started from this folder, is gone
    """
    # a worker that was killed before it could say who it is was, in a journal, one of ours
    nobody: dict[str, Any] = {"here": place.here if place.storage is None else "", "process": NOBODY}
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        worker = trial.user_attrs.get("worker") or nobody
        if worker["here"] == place.here and is_dead(worker["process"]):
            release(study, storage, trial, lost=trial.user_attrs.get("lost", 0) + 1)


def release(study: Study, storage: BaseStorage, trial: FrozenTrial, lost: int | None = None) -> None:
    """Let a running trial wait for a worker again, unless another process has ended it.

    Parameters
    ----------
    lost : how many workers were killed over it; None if its worker stopped by itself. After `TRIES`, it fails
    """
    study_id = storage.get_study_id_from_name(study.study_name)
    identity = storage.get_trial_id_from_study_id_trial_number(study_id, trial.number)
    try:
        storage.set_trial_user_attr(identity, "worker", None)  # before anybody else can take it
        if lost is not None:
            storage.set_trial_user_attr(identity, "lost", lost)
        given_up = lost is not None and lost >= TRIES
        storage.set_trial_state_values(identity, TrialState.FAIL if given_up else TrialState.WAITING)
    except UpdateFinishedTrialError:
        return


def is_unfinished(study: Study, wanted: int) -> bool:
    """Whether there is a trial that waits, and not as many as wanted without it."""
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    return bool(waiting) and taken(study) < wanted


def taken(study: Study) -> int:
    """How many trials are done or under way; those whose workers elsewhere have fallen silent wait again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
    return len(study.get_trials(deepcopy=False, states=TAKEN))


def superfluous(study: Study, number: int, wanted: int) -> bool:
    """Whether there are enough trials without this one: numbers are given one at a time, so no two agree."""
    before = [
        trial
        for trial in study.get_trials(deepcopy=False, states=TAKEN)
        if trial.number < number or (trial.number > number and trial.state in DONE)
    ]
    return len(before) >= wanted
