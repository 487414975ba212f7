"""How fast images are classified, beside the products alone: 10,000 of them, from uint8 pixels to scores.

The products alone are done on as many images at once as fcnet takes.
"""

from __future__ import annotations

from fcnet.train.engine import EVALUATION_BATCH
from floor import forward_products, sizes_of
from harness import Benchmark, Case, Contestant, Timed
from libraries import NUMPY, SCIPY
from peers import Entry, entries
from problem import make_problem


def cases(widths: tuple[int, ...], images: int, **others: str) -> tuple[Case, ...]:
    return tuple({"hidden": width, "images": images, **others} for width in widths)


BENCHMARK = Benchmark(
    name="evaluate",
    question="Class scores of 10,000 images: how far above the two matrix products?",
    cases=cases((50, 256, 1024, 4096), images=10_000),
    quick_cases=cases((8,), images=100, pixels="random"),
    baseline=NUMPY,
    rounds=5,
)


@BENCHMARK.contestant(SCIPY)
def scipys_products(case: Case) -> Timed:
    return forward_products(sizes_of(case), case["images"], min(EVALUATION_BATCH, case["images"]), SCIPY)


@BENCHMARK.contestant(NUMPY)
def numpys_products(case: Case) -> Timed:
    return forward_products(sizes_of(case), case["images"], min(EVALUATION_BATCH, case["images"]), NUMPY)


def enter(entry: Entry) -> None:
    """A peer evaluates what it has been given; that its scores are right, the steps' benchmark has seen.

    A quick run starts few of them here: in `step`, all of them have evaluated.
    """

    def prepare(case: Case) -> Timed:
        problem = make_problem(case)
        peer = entry.setup(problem)

        def timed() -> None:
            peer.logits(problem.images)

        return timed

    def takes(case: Case) -> bool:
        return entry.module in ("fcnet", "numpy_plain") or case not in BENCHMARK.quick_cases

    BENCHMARK.contestants[entry.name] = Contestant(entry.name, prepare, entry.lacking or entry.slow, takes)


for one in entries().values():
    if one.module != "torch_compiled":  # what it compiles is its step
        enter(one)
