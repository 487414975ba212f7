"""How close a training step is to the matrix products that it cannot do without, and beside every framework.

The floor is the products of the network on arrays that are there already: two forward, two for the gradients
of the weights, one to pass the error back. A step does these, and besides picks its images out of 20,000,
turns their pixels into floats, adds biases, ReLU, softmax and loss, and updates the weights, with L2.
"""

from __future__ import annotations

from floor import sizes_of, training_products
from harness import Benchmark, Case, Contestant, Timed
from libraries import NUMPY, SCIPY
from peers import Entry, entries
from problem import make_problem
from steps import Steps, judge

AUGMENTED = 1024
"""Hidden units at which mirroring and shifting are measured."""

SLOWS = 50
"""The most hidden units at which programs take part that are too slow for a training."""


def cases(widths: tuple[int, ...], images: int, batch: int) -> tuple[Case, ...]:
    """Every width with plain SGD and with momentum."""
    return tuple(
        {"hidden": width, "momentum": momentum, "batch": batch, "images": images}
        for width in widths
        for momentum in (0.0, 0.9)
    )


BENCHMARK = Benchmark(
    name="step",
    question="A training step on 3,072 pixels with L2: how far above its matrix products?",
    cases=cases((50, 256, 1024, 4096), images=20_000, batch=200),
    # without momentum, a quick `small` runs
    quick_cases=({"hidden": 8, "momentum": 0.9, "batch": 10, "images": 1000, "pixels": "random"},),
    baseline=NUMPY,
    judge=judge,
    reference="plain NumPy",
    rounds=9,
)


@BENCHMARK.contestant(SCIPY)
def scipys_products(case: Case) -> Timed:
    """The floor, in the BLAS that comes with SciPy."""
    return training_products(sizes_of(case), case["batch"], SCIPY)


@BENCHMARK.contestant(NUMPY)
def numpys_products(case: Case) -> Timed:
    """The floor, in the BLAS that comes with NumPy, which fcnet uses."""
    return training_products(sizes_of(case), case["batch"], NUMPY)


def enter(entry: Entry) -> None:
    """A peer takes part in every case; one that compiles for a minute leaves out the quick ones.

    One whose whole trainings would take too long leaves out the wide nets: a step takes it seconds there.
    """

    def prepare(case: Case) -> Timed:
        problem = make_problem(case)
        return Steps(entry.setup(problem), problem, entry.precision)

    def takes(case: Case) -> bool:
        compiles = entry.module == "torch_compiled" and case in BENCHMARK.quick_cases
        return not compiles and not (entry.slow and case["hidden"] > SLOWS)

    BENCHMARK.contestants[entry.name] = Contestant(entry.name, prepare, entry.lacking, takes)


for one in entries().values():
    enter(one)


@BENCHMARK.contestant(
    "fcnet, mirrored and shifted", takes=lambda case: case["hidden"] == AUGMENTED and not case["momentum"]
)
def augmented(case: Case) -> Timed:
    """The same with images mirrored and shifted by up to 3 pixels, so its states are its own."""
    problem = make_problem({**case, "mirror": True, "shift": 3})
    steps = Steps(entries()["fcnet"].setup(problem), problem, "float32")
    return steps.__call__


@BENCHMARK.contestant("fcnet, velocity whole", takes=lambda case: case["momentum"] > 0)
def whole_velocity(case: Case) -> Timed:
    """Momentum as the textbook has it: what `fcnet.net.velocity` saves is the difference to fcnet's own."""
    from fcnet.net import velocity

    velocity.LARGEST = 0.0  # every share of W in the velocity is added up at once
    problem = make_problem(case)
    return Steps(entries()["fcnet"].setup(problem), problem, "float32")
