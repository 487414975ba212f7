"""A record: what every benchmark states besides its own numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol

from harness import Benchmark, Plan, measure
from machine import Watch, describe


class Told(Protocol):
    """Hears of progress: of the number of measurements once, and then of each."""

    def __call__(self, total: int | None = None) -> None: ...


def record_of(name: str, question: str, start: Watch, plan: Plan, **content: Any) -> dict[str, Any]:
    """A record in the form that all have."""
    return {
        "format": 2,
        "benchmark": name,
        "question": question,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(start, Watch.now()),
        "quick": plan.quick,
        **content,
    }


def repeated(benchmark: Benchmark, plan: Plan, told: Told) -> dict[str, Any]:
    """Measure what repeats in rounds, and make its record."""
    rounds = plan.repetitions(benchmark)
    contestants = sum(len(benchmark.present(case)) for case in plan.cases(benchmark))
    told((contestants - len(plan.cases(benchmark))) * rounds)  # of the baselines nothing is told
    start = Watch.now()
    cases = measure(benchmark, plan, told)
    return record_of(
        benchmark.name,
        benchmark.question,
        start,
        plan,
        rounds=rounds,
        least_seconds=plan.seconds * benchmark.seconds,
        baseline=benchmark.baseline,
        tolerance=benchmark.tolerance,
        left_out=benchmark.left_out(),
        cases=cases,
    )
