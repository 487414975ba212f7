"""Validation accuracy against seconds: the same net, schedule, minibatches and epochs in every program.

Two nets, on standardised pixels with momentum and a cosine schedule, since all programs can do that: the
recipe quick, and a wide one. Each program trains in its own process, one after the other, and says after
each epoch where it stands; then the round begins again with another program, and what counts is the median of
the seconds. Seconds are those of training, evaluation and compilation; imports and loading are in `cold`.
Besides, how soon the recipes of this project reach 50, 55 and 60 %, one training each.

The record is written after each run. What an unfinished record holds, with the same settings and commit, is
kept when the benchmark is started again.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.data.dataset import Part, split
from fcnet.data.find import find
from fcnet.data.load import load_known
from fcnet.data.minibatches import minibatches, steps_per_epoch
from fcnet.errors import FcnetError
from fcnet.experiments.recipes import QUICK, RECIPES
from fcnet.records import environment, read_json
from fcnet.train.config import TrainConfig
from fcnet.train.fit import accuracy_and_loss, make_schedule
from harness import BenchmarkError, Plan
from machine import Watch, cores
from measured import Told, record_of
from peers import Entry, entries
from problem import Problem
from processes import Program, run, say, script

QUESTION = "Validation accuracy against seconds, on the same net, schedule, minibatches and epochs"

NETS = {"quick": QUICK, "wide": replace(QUICK, hidden=(1024,), epochs=4)}
"""What all programs train."""

LEVELS = (0.5, 0.55, 0.6)
"""Validation accuracies whose times are asked for."""

ROUNDS = 3
"""Trainings of each program on each net: one alone meets a machine in a good or in a bad minute."""

TIMED_RECIPES = ("quick", "tuned")
"""Recipes of this project that are timed until they reach the last level, or end."""

APART = {"float32": 0.02, "bfloat16": 0.03}
"""How far a program's last accuracy may be from plain NumPy's. A thousand images leave a standard
deviation of 0.016 to each, but the images are the same and the nets nearly so."""


def measured(plan: Plan, told: Told, keep: Any) -> dict[str, Any]:
    """Run all programs on all nets, one after the other."""
    if find(None) is None:
        raise BenchmarkError("accuracy needs CIFAR-10, get it: fcnet data fetch, or name it in $FCNET_DATA")
    everyone = entries().values()
    rounds = plan.rounds_of(ROUNDS)
    present = [one for one in everyone if not (one.lacking or one.slow)]
    if plan.quick:  # which needs no minute of compiling
        present = [one for one in present if one.module != "torch_compiled"]
    jobs = list(all_jobs(present, rounds, plan.quick))
    told(len(jobs))
    start = Watch.now()
    runs = kept(keep, jobs)
    for job in jobs:
        if not any(one["job"] == job for one in runs):
            runs.append({"job": job, **curve(job)})
            keep(record_of("accuracy", QUESTION, start, plan, finished=False, runs=runs))
        told()
    curves = medians(runs)
    if not plan.quick:
        compare(curves)
    rows = [row_of(one) for one in curves]
    return record_of(
        "accuracy", QUESTION, start, plan, finished=True, rounds=rounds, runs=runs, curves=curves, rows=rows,
        levels=LEVELS,
        left_out={one.name: why for one in everyone if (why := one.lacking or one.slow)},
        columns=["net", "program", "seconds", "validation", *(f"to {100 * level:.0f} %" for level in LEVELS)],
        table=[cells(row) for row in rows],
    )  # fmt: skip


def all_jobs(present: list[Entry], rounds: int, quick: bool) -> Iterator[dict[str, Any]]:
    """What is to be run, each described completely, so that a run is known again."""
    nets = list(NETS.items())[: 1 if quick else None]
    for turn in range(rounds):
        first = turn % len(present)
        for net, config in nets:
            for one in present[first:] + present[:first]:
                settings = asdict(replace(config, epochs=1) if quick else config)
                yield job_of(net, one.name, settings, turn, images=1000 if quick else None)
    if not quick:
        for recipe in TIMED_RECIPES:
            yield job_of(recipe, f"recipe {recipe}", RECIPES[recipe].to_dict(), 0, images=None)


def job_of(net: str, program: str, settings: dict[str, Any], turn: int, images: int | None) -> dict[str, Any]:
    """One run; `commit` is there because another version of this project may be faster."""
    given = {
        "net": net, "program": program, "settings": settings, "round": turn, "images": images,
        "cores": cores(),
    }  # fmt: skip
    commit = environment()["commit"].removesuffix("-dirty")  # the record itself makes it that
    plain: dict[str, Any] = json.loads(json.dumps(given | {"commit": commit}))
    return plain


def kept(keep: Any, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs of an unfinished record that belong to this one."""
    path: Path | None = getattr(keep, "path", None)
    if path is None or not path.exists():
        return []
    try:
        record = read_json(path)
    except FcnetError:
        return []
    if record.get("finished", True):
        return []
    return [one for one in record["runs"] if one["job"] in jobs]


def curve(job: dict[str, Any]) -> dict[str, Any]:
    """Run one program: (epochs, seconds, validation accuracy) after each of its epochs."""
    points: list[dict[str, Any]] = []
    program = Program(f"{job['program']} on {job['net']}", script("accuracy", job))
    outcome = run(program, heard=points.append)
    return {"points": points, "seconds": outcome.seconds}


def medians(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One curve for each program on each net: the median of its seconds after each epoch, over its runs.

    The accuracies are those of the first run: all runs of a program start alike and see the same minibatches,
    so that they differ by rounding at most.
    """
    known: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in runs:
        known.setdefault((one["job"]["net"], one["job"]["program"]), []).append(one)
    return [
        {
            "job": group[0]["job"],
            "points": [
                point | {"seconds": statistics.median(other["points"][epoch]["seconds"] for other in group)}
                for epoch, point in enumerate(group[0]["points"])
            ],
        }
        for group in known.values()
    ]


def compare(runs: list[dict[str, Any]]) -> None:
    """Hold every program's last accuracy against plain NumPy's.

    Raises
    ------
    BenchmarkError : they have not trained the same net
    """
    precision = {one.name: one.precision for one in entries().values()}
    last = {(one["job"]["net"], one["job"]["program"]): one["points"][-1]["val_accuracy"] for one in runs}
    for (net, program), accuracy in last.items():
        if program not in precision:
            continue
        wanted = last[net, "plain NumPy"]
        if not abs(accuracy - wanted) <= APART[precision[program]]:
            raise BenchmarkError(f"{program}: {accuracy:.3f} on {net}, plain NumPy ends at {wanted:.3f}")


def row_of(one: dict[str, Any]) -> dict[str, Any]:
    """What a run comes to: its last accuracy, and the seconds to each level, None if not reached."""
    points = one["points"]
    reached = [
        next((point["seconds"] for point in points if point["val_accuracy"] >= level), None)
        for level in LEVELS
    ]
    return {
        "net": one["job"]["net"], "program": one["job"]["program"], "seconds": points[-1]["seconds"],
        "val_accuracy": points[-1]["val_accuracy"], "to_level": reached,
    }  # fmt: skip


def cells(row: dict[str, Any]) -> list[str]:
    """A row on a terminal."""
    levels = [f"{seconds:.1f} s" if seconds is not None else "" for seconds in row["to_level"]]
    accuracy = f"{100 * row['val_accuracy']:.1f} %"
    return [row["net"], row["program"], f"{row['seconds']:.1f} s", accuracy, *levels]


def train(net: str, program: str, settings: dict[str, Any], images: int | None, **_: Any) -> None:
    """One run, in its own process: a peer on a net, or a recipe of this project."""
    config = TrainConfig.from_dict(
        {name: value for name, value in settings.items() if value is not None}, "the settings"
    )
    dataset = load_known("CIFAR-10")
    part, validation = split(dataset.train, config.validation)
    if program in (known := entries()):
        train_peer(known[program], config, Part(part.images[:images], part.labels[:images]), validation)
    else:
        train_recipe(config, part, validation, dataset)


def train_peer(entry: Entry, config: TrainConfig, part: Part, validation: Part) -> None:
    """The loop of `fcnet.train.fit`, for any program that can do a step."""
    per_epoch = steps_per_epoch(len(part), config.batch_size)
    schedule = make_schedule(config, per_epoch, config.epochs * per_epoch)
    # a smaller last minibatch would make scikit-learn and compilers do something else
    whole = len(part) - len(part) % config.batch_size
    problem = Problem(
        np.array(part.images[:whole]), np.array(part.labels[:whole]), "CIFAR-10", config.hidden,
        config.batch_size, config.momentum, config.reg, config.learning_rate, cores(), seed=config.seed,
    )  # fmt: skip
    peer = entry.setup(problem)
    steps, start = 0, time.perf_counter()
    for epoch in range(config.epochs):
        for batch in minibatches(whole, config.batch_size, 1, config.seed, epoch):
            peer.step(batch.rows, schedule(steps))
            steps += 1
        accuracy, _ = accuracy_and_loss(peer.logits(validation.images), validation.labels)
        say(epoch=epoch + 1, seconds=time.perf_counter() - start, val_accuracy=accuracy)


def train_recipe(config: TrainConfig, part: Part, validation: Part, dataset: Any) -> None:
    """A recipe, until it reaches the last level."""
    from fcnet.runs.engines import workplace
    from fcnet.train.callbacks import Callback
    from fcnet.train.fit import Fit
    from fcnet.train.history import Evaluation

    class EnoughError(Exception):
        """The last level is reached."""

    class Callback(Callback):
        def on_evaluation(self, row: Evaluation) -> None:
            say(epoch=row.epoch, seconds=row.seconds, val_accuracy=row.val_accuracy)
            if row.val_accuracy >= LEVELS[-1]:
                raise EnoughError

    start = time.perf_counter()
    with workplace(config) as place:
        engine = place.engine(part, dataset)
        spent = time.perf_counter() - start
        with suppress(EnoughError):
            Fit(engine, config, part, validation, Callback(), seconds_before=spent).run()


if __name__ == "__main__":
    train(**json.loads(sys.argv[1]))
