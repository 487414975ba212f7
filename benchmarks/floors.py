"""The true floor: the products of a step in every BLAS that installs as a wheel, and the machine's peak.

`step` divides by the products of one library, NumPy's. Here all of them do the same products, so the fastest
one shows what a program could reach that chose its library freely; and an FMA loop shows what no library can
exceed.
"""

from __future__ import annotations

from typing import Any

from floor import flops, sizes_of, training_products
from harness import Benchmark, Case, Contestant, Plan, Timed
from libraries import NUMPY, PRODUCTS, lacking
from measured import Told, repeated
from peak import peak

TABLE = {"hidden": 32, "inputs": 30, "classes": 3, "batch": 32}
"""A small table, as scikit-learn's wine is one."""

BENCHMARK = Benchmark(
    name="floors",
    question="The products of a step in float32: which library is the fastest, and how far from the peak?",
    cases=(TABLE, *({"hidden": width, "batch": 200} for width in (50, 256, 1024, 4096))),
    quick_cases=({"hidden": 8, "batch": 10},),
    baseline=NUMPY,
    rounds=5,
)


def enter(name: str) -> None:
    """A library takes part in every case."""

    def prepare(case: Case) -> Timed:
        timed: Timed = training_products(sizes_of(case), case["batch"], name)
        return timed

    BENCHMARK.contestants[name] = Contestant(name, prepare, lacking(name))


for one in PRODUCTS:
    enter(one)


def measured(plan: Plan, told: Told, keep: Any) -> dict[str, Any]:
    """The record of the products, with the peak, and each result's operations a second."""
    most = peak()
    record = repeated(BENCHMARK, plan, told)
    for case in record["cases"]:
        work = flops(sizes_of(case["case"]), case["case"]["batch"])
        for row in case["results"]:
            row["flops"] = work / row["median"]
    fastest = max(row["flops"] for case in record["cases"] for row in case["results"])
    how = (
        "an FMA loop in C on all cores at once"
        if most
        else "the fastest product of all, for want of a C compiler"
    )
    return record | {"peak": most or fastest, "peak_how": how}
