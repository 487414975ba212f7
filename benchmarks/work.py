"""How the time of a step grows with the work: with width, batch and depth, on one core and on two."""

from __future__ import annotations

from typing import Any

from floor import sizes_of, training_products
from harness import Benchmark, Case, Timed
from libraries import NUMPY
from peers import entries
from problem import make_problem
from steps import Steps

IMAGES = 20_000


def case(swept: str, hidden: tuple[int, ...], batch: int, threads: int, **others: Any) -> Case:
    return {
        "swept": swept, "hidden": hidden, "batch": batch, "threads": threads, "momentum": 0.0,
        "images": IMAGES,
    } | others  # fmt: skip


def sweep(threads: int) -> list[Case]:
    """One thing changes, the others stay."""
    widths = [case("width", (width,), 200, threads) for width in (50, 128, 256, 512, 1024, 2048, 8192)]
    batches = [case("batch", (256,), batch, threads) for batch in (50, 100, 200, 500, 2000, 5000)]
    depths = [case("depth", (512,) * (depth - 1), 200, threads) for depth in (2, 3, 5, 8)]
    return widths + batches + depths


BENCHMARK = Benchmark(
    name="work",
    question="A training step (float32, plain SGD with L2): how does its time grow with the work?",
    cases=(*sweep(1), *sweep(2)),
    quick_cases=(
        case("width", (8,), 10, 1, images=200, pixels="random"),
        case("depth", (8, 8), 10, 1, images=200, pixels="random"),
    ),
    baseline=NUMPY,
    seconds=0.5,
    rounds=5,
)


@BENCHMARK.contestant(NUMPY)
def numpys_products(case: Case) -> Timed:
    return training_products(sizes_of(case), case["batch"], NUMPY)


@BENCHMARK.contestant("fcnet")
def fcnet(case: Case) -> Timed:
    problem = make_problem(case)
    return Steps(entries()["fcnet"].setup(problem), problem, "float32").__call__
