"""What is wrong with a record: each finding is one line.

The record states everything twice: the seeds and what they are drawn from, the result and what it follows
from, each entry of the log and its hash. All of it is computed again. A published plan, the recipe's file or
the run folders, where they are given, are compared too.
"""

import math
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec

from fcnet.errors import DataError
from fcnet.protocol.contents import CORES, Ended, Plan, Record, Started, Use, digest
from fcnet.protocol.log import broken, ended
from fcnet.protocol.plan import seeds_of, settings_of
from fcnet.protocol.recipe import check_recipe, config_of, fewest
from fcnet.protocol.result import result_of
from fcnet.registry import ADVICE, needs_own_code

SLACK = 1.0
"""Seconds by which the clocks of a training and of its log may differ."""

CLOSE = 1e-9
"""Relative difference of two numbers that were computed from the same ones by different machines."""


def findings(record: Record) -> Iterator[str]:
    """Everything that is wrong with a record, line by line; nothing for one that nobody touched."""
    yield from _of_plan(record.plan)
    yield from _of_log(record)
    yield from _of_seeds(record)
    yield from _of_result(record)


def _of_plan(plan: Plan) -> Iterator[str]:
    """The seeds are those that were drawn, and there are enough; the settings are those of the recipe."""
    if digest(plan.recipe) != plan.recipe_sha256:
        yield "the recipe differs from the plan: its hash is not the one that the plan states"
    wanted = seeds_of(plan, len(plan.seeds))
    for seed in plan.seeds:
        if seed not in wanted:
            yield (
                f"seed {seed} was not drawn: recipe, settings, data, source, record to beat and nonce of "
                f"the plan give others"
            )
    if plan.seeds != wanted and sorted(plan.seeds) == sorted(wanted):
        yield "the plan's seeds stand in another order than they were drawn"
    least = max(fewest(plan.recipe.budget), plan.recipe.seeds or 0)
    if len(plan.seeds) < least:
        yield (
            f"the plan has {len(plan.seeds)} seeds, and its budget of {plan.recipe.budget.minutes:g} "
            f"minutes or its recipe asks for {least}"
        )
    try:
        check_recipe(plan.recipe, "the recipe")
        planned = settings_of(config_of(plan.recipe, 0))
    except DataError as error:
        if needs_own_code(error):
            yield f"{error}; another version of fcnet may know it, or a file of your own: {ADVICE}"
        else:
            yield f"{error}; another version of fcnet may know it"
        return
    for name, value in plan.recipe.settings.items():
        if name in planned and name != "device" and plan.settings.get(name) != planned[name]:
            yield f"the setting {name} is {value} in the recipe and {plan.settings.get(name)} in the plan"


def _of_log(record: Record) -> Iterator[str]:
    """The chain holds, the moments follow one another, and each entry belongs to a seed of the plan."""
    plan, log = record.plan, record.log
    wrong = broken(plan, log)
    if wrong is not None:
        yield (
            f"entry {wrong} of the log was edited, or entries before it were removed or moved: "
            f"the hashes do not fit"
        )
    moments = [plan.when, *(entry.when for entry in log)]
    for number, (before, after) in enumerate(pairwise(moments), 1):
        if after < before:
            yield f"entry {number} of the log is older than what stands before it"
    begun: set[int] = set()
    over: set[int] = set()
    for entry in log:
        event = entry.event
        if event.seed not in plan.seeds:
            yield f"seed {event.seed} stands in the log and is not in the plan: it was not drawn"
        if event.seed in over:
            yield f"seed {event.seed} was trained again after it had ended"
        if isinstance(event, Started):
            begun.add(event.seed)
            yield from _of_start(plan, event)
        else:
            over.add(event.seed)
            if event.seed not in begun:
                yield f"seed {event.seed} ended and never started"
    for seed in plan.seeds:
        if seed not in over:
            yield f"seed {seed} was drawn and is left out"


def _of_start(plan: Plan, started: Started) -> Iterator[str]:
    if started.source_sha256 != plan.source_sha256:
        yield f"seed {started.seed} was trained with another source of fcnet than the plan's"
    if started.machine_sha256 != digest(plan.machine):
        yield f"seed {started.seed} was trained on another machine, or with other packages, than planned"


def _of_seeds(record: Record) -> Iterator[str]:
    """Each seed kept to the recipe, the budget and the test images."""
    starts: dict[int, str] = {}
    for entry in record.log:
        event = entry.event
        if isinstance(event, Started):
            starts.setdefault(event.seed, entry.when)
            continue
        yield from _of_seed(record.plan, event)
        if event.seed in starts:
            passed = datetime.fromisoformat(entry.when) - datetime.fromisoformat(starts[event.seed])
            if event.seconds > passed.total_seconds() + SLACK:
                yield (
                    f"seed {event.seed} states {event.seconds:.1f} s of training, and its log covers only "
                    f"{passed.total_seconds():.1f} s"
                )


def _of_seed(plan: Plan, one: Ended) -> Iterator[str]:
    seed, budget = f"seed {one.seed}", plan.recipe.budget
    if one.settings_sha256 != digest(plan.settings):
        yield f"{seed} was trained with other settings than the plan's"
    if not one.failed and one.seconds > budget.seconds:
        yield (
            f"{seed} took {one.seconds:.1f} s of a budget of {budget.seconds:g} s and is not counted as "
            f"a failure"
        )
    if budget.device == "cpu" and one.cores > CORES:
        yield f"{seed} could use {one.cores} processors, and its budget has {CORES}"
    device = one.engine.get("device", "")
    if not one.failed and (device == "cpu") != (budget.device == "cpu"):
        yield f"{seed} was trained on {str(device)[:40]!r}, and its budget is of one {budget.device}"
    if one.failed and (one.plain or one.folded):
        yield f"{seed} is a failure and has a test accuracy"
    if not one.failed and one.plain is None:
        yield f"{seed} has no test accuracy"
    if not one.failed and (one.folded is None) != (plan.recipe.fold is None):
        yield f"{seed} was folded, or not folded, against the recipe"
    for kind, use in (("", one.plain), (" when it was folded", one.folded)):
        if use is not None:
            yield from _of_use(plan, f"{seed}{kind}", use)


def _of_use(plan: Plan, what: str, use: Use) -> Iterator[str]:
    if use.count != 1:
        yield f"{what} saw the test images {use.count} times"
    if use.images != plan.data.test_images:
        yield f"{what} was tested on {use.images:,} images, and there are {plan.data.test_images:,}"
    if abs(use.accuracy * use.images - round(use.accuracy * use.images)) > 1e-6:
        yield f"{what} has a test accuracy of {use.accuracy!r}, which is not a whole number of images"


def _of_result(record: Record) -> Iterator[str]:
    """Every number of the result follows from the log."""
    try:
        wanted = result_of(record.plan, ended(record.log))
    except KeyError:
        return  # a seed that is left out has its own line
    yield from _differences("", msgspec.to_builtins(record.result), msgspec.to_builtins(wanted))


def _differences(place: str, stated: Any, wanted: Any) -> Iterator[str]:
    if isinstance(wanted, dict):
        for name in wanted:
            yield from _differences(f"{place} {name}".strip().replace("_", " "), stated[name], wanted[name])
    elif isinstance(wanted, list) and isinstance(stated, list) and len(wanted) == len(stated):
        for number, (one, other) in enumerate(zip(stated, wanted, strict=True), 1):
            yield from _differences(f"{place} {number}", one, other)
    elif not _same(stated, wanted):
        yield f"the result states {place} {_said(stated)}, and the log gives {_said(wanted)}"


def _same(stated: Any, wanted: Any) -> bool:
    if isinstance(stated, float) and isinstance(wanted, float):
        return math.isclose(stated, wanted, rel_tol=CLOSE, abs_tol=1e-12)
    return bool(stated == wanted)


def _said(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
