"""How soon something happens: import fcnet, fcnet --help, and the first step of a training.

Seconds from the start of the process; for the first step until it is done, for the others until the process
has ended, the interpreter's own start included, which stands beside it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from harness import Plan, spread
from machine import Watch
from measured import Told, record_of
from processes import Program, in_turn, say, script

QUESTION = "How long until something happens, from the start of the process?"

GOALS = {"import fcnet": 0.05, "fcnet --help": 0.2, "first step, the exercise's net": 0.6}
"""Seconds."""


def programs() -> list[Program]:
    """What is started, the interpreter alone first."""
    python = sys.executable
    return [
        Program("the interpreter alone", (python, "-c", "pass")),
        Program("import numpy", (python, "-c", "import numpy")),
        Program("import fcnet", (python, "-c", "import fcnet")),
        Program("fcnet --help", (python, "-m", "fcnet", "--help")),
        Program("first step, the exercise's net", script("imports", {"recipe": "default"})),
        Program("first step, recipe quick", script("imports", {"recipe": "quick"})),
    ]


def measured(plan: Plan, told: Told, keep: Any) -> dict[str, Any]:
    """Start each program ten times, in turn."""
    rounds = plan.rounds_of(10)
    started = programs()
    told(rounds * len(started))
    start = Watch.now()
    rows = []
    for name, outcomes in in_turn(started, rounds, told).items():
        seconds = [outcome.said.get("at", outcome.seconds) for outcome in outcomes]
        rows.append({"program": name, **spread(seconds), "n": len(seconds), "seconds": seconds,
                     "goal": GOALS.get(name)})  # fmt: skip
    table = [
        [row["program"], f"{row['median']:.3f} s", f"{row['q1']:.3f} to {row['q3']:.3f} s", str(row["n"]),
         f"{row['goal']:.2f} s" if row["goal"] else ""]
        for row in rows
    ]  # fmt: skip
    return record_of(
        "imports", QUESTION, start, plan, rounds=rounds, rows=rows,
        columns=["program", "median", "quartiles", "n", "wanted, at most"], table=table,
    )  # fmt: skip


class DoneError(Exception):
    """The step is done."""


def first_step(recipe: str) -> None:
    """Everything that `fcnet train` does until its first step is done."""
    from fcnet.cli.loading import load
    from fcnet.data.dataset import split
    from fcnet.experiments.recipes import RECIPES, suited
    from fcnet.runs.engines import workplace
    from fcnet.train.callbacks import Callback
    from fcnet.train.fit import Fit

    class Stop(Callback):
        def on_batch_end(self, step: int, total: int, loss: float) -> None:
            raise DoneError

    dataset = load(None)
    config = suited(RECIPES[recipe], dataset)
    train, validation = split(dataset.train, config.validation)
    with workplace(config) as place:
        try:
            Fit(place.engine(train, dataset), config, train, validation, Stop()).run()
        except DoneError:
            say(data=dataset.label)


if __name__ == "__main__":
    first_step(**json.loads(sys.argv[1]))
