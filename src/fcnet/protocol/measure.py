"""A record, from the recipe to its file: the plan, then one seed after another, or some at a time."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from fcnet.data.dataset import Dataset
from fcnet.errors import DataError, RunError
from fcnet.files import exists, names_in, remove_leftovers, write_atomically
from fcnet.lock import locked
from fcnet.protocol.contents import CORES, Beat, Ended, Plan, Recipe, Record, Started, digest, read, text_of
from fcnet.protocol.folder import RecordFolder
from fcnet.protocol.log import appended, ended, read_log, write_log
from fcnet.protocol.plan import machine, make_plan, source_hash
from fcnet.protocol.result import result_of
from fcnet.protocol.seed import check_source

Perform = Callable[[Plan, Sequence[int]], list[Ended]]
"""Trains seeds of a plan at the same time, each in its run folder, wherever that is done."""


def measure(
    out: Path,
    recipe: Recipe,
    dataset: Dataset,
    perform: Perform,
    beat: Beat | None,
    nonce: str | None,
    at_once: int = 1,
) -> Record:
    """Train all seeds of a recipe and write the record; what is there already is kept.

    Parameters
    ----------
    out : the folder
    recipe, dataset, beat, nonce : as for `make_plan`; they have to be those of a plan that is there
    perform : trains some seeds
    at_once : how many seeds are trained at the same time; more than one on a GPU only

    Raises
    ------
    RunError : the folder has another plan, or cannot be used; the source of fcnet or the machine is not that
        of the plan; as `perform`
    DataError : settings, data and system do not fit
    """
    _check_at_once(recipe, at_once)
    folder = RecordFolder(out)
    with locked(out):
        plan = take_plan(folder, recipe, dataset, beat, nonce)
        check_source(plan)
        log = read_log(folder.log, plan)
        left = [seed for seed in plan.seeds if seed not in ended(log)]
        for start in range(0, len(left), at_once):
            group = left[start : start + at_once]
            here = machine(recipe.budget.device == "gpu")
            if here != plan.machine:
                raise RunError(
                    f"{out} was planned on another machine or with other packages, continue there, or "
                    f"start again with another --out"
                )
            for seed in group:
                log = appended(plan, log, Started(seed, source_hash(), digest(here), _load()))
            write_log(folder.log, log)
            for one in perform(plan, group):
                log = appended(plan, log, one)
            write_log(folder.log, log)
        record = Record(plan, log, result_of(plan, ended(log)))
        write_atomically(folder.record, text_of(record))
        return record


def planned(out: Path, recipe: Recipe, dataset: Dataset, beat: Beat | None, nonce: str | None) -> Plan:
    """Make the plan alone, so that it can be published before anything is trained.

    Raises
    ------
    RunError, DataError : as `measure`
    """
    with locked(out):
        return take_plan(RecordFolder(out), recipe, dataset, beat, nonce)


def take_plan(
    folder: RecordFolder, recipe: Recipe, dataset: Dataset, beat: Beat | None, nonce: str | None
) -> Plan:
    """The plan in the folder, or a new one in an empty folder.

    Raises
    ------
    RunError : the plan is of another recipe, other data, another record to beat or another nonce; the folder
        holds something else
    DataError : as `make_plan`; the system cannot limit the processors of a training
    """
    remove_leftovers(folder.path, (folder.plan.name, folder.log.name, folder.record.name))
    if not exists(folder.plan):
        if any(not name.startswith(".") for name in names_in(folder.path)):
            raise RunError(f"{folder.path} is not empty and holds no plan, choose another --out")
        _check_limit(recipe)
        plan = make_plan(recipe, dataset, beat, nonce)
        write_atomically(folder.plan, text_of(plan))
        return plan
    plan = read(folder.plan, Plan)
    for what, same in (
        ("recipe", digest(plan.recipe) == digest(recipe)),
        ("data", plan.data.sha256 == dataset.origin.sha256),
        ("record to beat", beat is None or plan.beat == beat),
        ("nonce", nonce is None or plan.nonce == nonce),
    ):
        if not same:
            raise RunError(
                f"{folder.plan} is of another {what}, give the same or start again with another --out"
            )
    return plan


def _check_at_once(recipe: Recipe, at_once: int) -> None:
    if at_once < 1 or (at_once > 1 and recipe.budget.device == "cpu"):
        raise DataError(
            f"at_once is {at_once}, choose 1: only a GPU trains several seeds at once, and the budget is of "
            f"one {recipe.budget.device}"
        )


def _check_limit(recipe: Recipe) -> None:
    many = (os.cpu_count() or 1) > CORES
    if recipe.budget.device == "cpu" and many and not hasattr(os, "sched_setaffinity"):
        raise RunError(
            f"this system cannot keep a training on {CORES} processors, measure the record on Linux"
        )


def _load() -> float | None:
    """Processes that want to run, as a mean over the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
