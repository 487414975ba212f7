"""A training step on small tables, where the Python around the products is most of the time.

The programs of `step`, which get rows of 10 to 64 numbers instead of images and have 8 to 64 hidden
units, and with 30 numbers up to 2,048, to see from where on the products decide.
All else is as there: the same weights, minibatches and settings, and states that are compared. The floor is
five products that NumPy is asked for, so it has five times the cost of a call in it.
"""

from __future__ import annotations

from typing import Any

from floor import sizes_of, training_products
from harness import Benchmark, Case, Contestant, Timed
from libraries import NUMPY
from peers import Entry, entries
from problem import make_problem
from steps import Steps, judge


def case(inputs: int, hidden: int, classes: int, batch: int = 32, **others: Any) -> Case:
    sizes = {"inputs": inputs, "hidden": hidden, "classes": classes, "batch": batch}
    return {**sizes, "images": 1000, "momentum": 0.0, **others}


BENCHMARK = Benchmark(
    name="small",
    question="A training step on small tables: how long does it take beside the other programs'?",
    cases=(
        case(10, 16, 2), case(24, 8, 2, 200), case(30, 8, 3), case(30, 32, 3), case(30, 32, 3, momentum=0.9),
        case(30, 128, 3), case(30, 512, 3), case(30, 2048, 3), case(64, 32, 10), case(64, 64, 10, 200),
    ),
    quick_cases=(case(30, 32, 3),),
    baseline=NUMPY,
    judge=judge,
    reference="plain NumPy",
    seconds=0.5,
    rounds=5,
)  # fmt: skip


@BENCHMARK.contestant(NUMPY)
def numpys_products(case: Case) -> Timed:
    timed: Timed = training_products(sizes_of(case), case["batch"], NUMPY)
    return timed


def enter(entry: Entry) -> None:
    """A peer takes part in every case."""

    def prepare(case: Case) -> Timed:
        problem = make_problem(case)
        return Steps(entry.setup(problem), problem, entry.precision)

    def takes(case: Case) -> bool:
        # scikit-learn gives two classes one output, the difference of our two: another network
        return entry.module != "sklearn_mlp" or case["classes"] > 2

    BENCHMARK.contestants[entry.name] = Contestant(entry.name, prepare, entry.lacking, takes)


for one in entries().values():
    if (
        "bfloat16" not in one.name and one.module != "torch_compiled"
    ):  # nothing of theirs shows at these sizes
        enter(one)
