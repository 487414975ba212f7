"""The trials that all workers know: opened, checked, and gone on with after a stop.

Every trial carries what fcnet has to know of it as user attributes, besides Optuna's own state:

base        this is the base itself, not a point of the space
run         name of the folder of its training; a trial that is tried again keeps it
lost        how often a worker was lost over it
worker      who works on it: the folder with its machine, and the process
outcome     seconds, epochs reached, threads, whether it diverged; not of a trial whose worker was killed
retry_of    number of the failed trial that this one repeats
superfluous begun beside the last one wanted, and given up at once
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from fcnet.errors import FcnetError, RunError
from fcnet.tuning.locks import JournalLock
from fcnet.tuning.plan import FORMAT, Place, Plan
from fcnet.tuning.processes import NOBODY
from fcnet.tuning.sampling import Sampler, pruner

BEAT_SECONDS = 10
"""Between two signs of life of a worker in a database."""

GRACE_SECONDS = 60
"""Without a sign of life, after which a worker elsewhere is taken for lost."""

TRIES = 3
"""Workers lost over one trial, after which it is given up: it may be too large for the machine."""

DONE = (TrialState.COMPLETE, TrialState.PRUNED)
"""Trials that count."""

TAKEN = (*DONE, TrialState.RUNNING)
"""Trials that count, or will."""

PATIENCE_SECONDS = 10.0
"""For another machine that has made the study and not yet said what it is about."""


@contextmanager
def opened_storage(place: Place) -> Iterator[BaseStorage]:
    """The journal in the folder, or the database; its connections are closed afterwards.

    Raises
    ------
    FcnetError : the database cannot be reached, or its driver is not installed
    """
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)  # what there is to say, we say
    if place.storage is None:
        try:
            import fcntl  # noqa: F401
        except ImportError:  # Windows: Optuna's own lock
            yield JournalStorage(JournalFileBackend(str(place.journal)))
            return
        lock: Any = JournalLock(place.journal)
        yield JournalStorage(JournalFileBackend(str(place.journal), lock_obj=lock))
        return
    with storage_errors():
        storage = _database(place.storage)
        try:
            yield storage
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _database(url: str) -> RDBStorage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # heartbeats have been "experimental" since 2021
        return RDBStorage(
            with_driver(url),
            engine_kwargs={"pool_pre_ping": True},
            heartbeat_interval=BEAT_SECONDS,
            grace_period=GRACE_SECONDS,
            heartbeat_stale_trial_callback=try_again,
        )


def with_driver(url: str) -> str:
    """The URL with psycopg 3, where it names PostgreSQL and no driver."""
    kind, separator, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if separator and kind in ("postgres", "postgresql") else url


@contextmanager
def storage_errors() -> Iterator[None]:
    """A database that fails is one clear line; the password in its URL is not part of it."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

    try:
        yield
    except (ArgumentError, NoSuchModuleError) as error:
        raise FcnetError(
            f"--storage is no database URL ({_first_line(error)}), give postgresql://USER@HOST/DATABASE"
        ) from None
    except ImportError as error:
        raise FcnetError(
            f"the database's driver is missing ({_first_line(error)}), for PostgreSQL get it with: "
            f"pip install 'psycopg[binary]'"
        ) from None
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error.__cause__ or error
        raise FcnetError(
            f"the database cannot be used ({_first_line(cause)}), see that it runs and go on with --resume"
        ) from None


def _first_line(error: Any) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


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
        return None  # whoever made it was stopped before it had begun
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


def try_again(study: Study, trial: FrozenTrial) -> None:
    """Let the settings of a failed trial wait for another worker, unless too many were lost over it.

    The folder of its training stays the same, so that it goes on from its last checkpoint.
    """
    # whoever is stopped still says how far it came; whoever is killed says nothing
    lost = trial.user_attrs.get("lost", 0) + int("outcome" not in trial.user_attrs)
    if lost >= TRIES:
        return
    kept = {name: trial.user_attrs[name] for name in ("base", "run") if name in trial.user_attrs}
    fixed = {name: value for name, value in trial.system_attrs.items() if name == "fixed_params"}
    study.add_trial(
        optuna.trial.create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs=kept | {"lost": lost, "retry_of": trial.number},
            system_attrs=fixed,
        )
    )


def reclaim(study: Study, place: Place, is_dead: Callable[[int], bool]) -> None:
    """Let the unfinished trials of workers of this folder that are gone wait for another.

    Parameters
    ----------
    is_dead : whether the process with this number, started from this folder, is gone
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        worker = _worker(trial, place)
        if worker["here"] == place.here and is_dead(worker["process"]):
            fail(study, trial)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.FAIL,)):
        wanted = "superfluous" not in trial.user_attrs and not tried_again(study, trial.number)
        if wanted and _worker(trial, place)["here"] == place.here:
            try_again(study, trial)


def is_unfinished(study: Study, wanted: int) -> bool:
    """Whether there is a trial that waits, and not as many as wanted without it."""
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    return bool(waiting) and taken(study) < wanted


def tried_again(study: Study, number: int) -> bool:
    """Whether this failed trial has been given to another worker."""
    return any(one.user_attrs.get("retry_of") == number for one in study.get_trials(deepcopy=False))


def _worker(trial: FrozenTrial, place: Place) -> dict[str, Any]:
    """Who works on a trial; nobody if it was killed before it could say so, which in a journal was ours."""
    nobody = {"here": place.here if place.storage is None else "", "process": NOBODY}
    found: dict[str, Any] = trial.user_attrs.get("worker", nobody)
    return found


def fail(study: Study, trial: FrozenTrial) -> None:
    """Fail a running trial, unless somebody else has ended it."""
    with suppress(UpdateFinishedTrialError):
        study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)


def taken(study: Study) -> int:
    """How many trials are done or under way; those whose workers elsewhere have fallen silent wait again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
    return len(study.get_trials(deepcopy=False, states=TAKEN))
