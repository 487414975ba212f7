"""How all that repeats is measured: each contestant in its own process, beside the baseline, in rounds.

A benchmark is a file with one `Benchmark` in it; a contestant is a function that gets a case, prepares
whatever it needs, and returns what is to be timed. Contestants of one case are started together, compute
a little, which warms them up and is compared, and are then asked in turn, B C D, C D B, ..., each right after
the baseline: a machine that is quick at one moment and slow at the next is the same one for both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np

from machine import handover
from runner import BenchmarkError, Case, Runner, Timed

__all__ = ["Benchmark", "BenchmarkError", "Case", "Contestant", "Plan", "Timed", "compare", "measure"]


@dataclass(frozen=True)
class Contestant:
    """A program in a benchmark.

    name : as in the table
    prepare : gets the case, returns what is to be timed
    lacking : why it stays out, such as a package that is not installed; empty if it does not
    takes : whether it takes part in a case
    """

    name: str
    prepare: Callable[[Case], Timed]
    lacking: str = ""
    takes: Callable[[Case], bool] = lambda case: True


Judge = Callable[[str, Any, Any, str], "float | None"]
"""From a contestant's name, its state, the reference's and when ("first", "end") to their difference."""


@dataclass
class Benchmark:
    """A question and the programs whose times answer it.

    Parameters
    ----------
    name : of the file, and of the record
    question : what the times answer, one sentence
    cases : the sizes to measure
    quick_cases : small ones, which only show that everything runs
    baseline : the contestant that the others are divided by
    tolerance : how far first results may lie from the baseline's, as a part of its largest number (at least
        1); None where the contestants do not compute the same
    judge : compares states with the reference's, early and after all that was timed; raises BenchmarkError
    reference : whose state is the right one; to be compared with a program at the end, it begins anew and
        repeats as often as that program has
    seconds : duration of one measurement, as a part of what the plan says
    rounds : measurements of each contestant unless the plan says how many
    """

    name: str
    question: str
    cases: tuple[Case, ...]
    quick_cases: tuple[Case, ...]
    baseline: str
    tolerance: float | None = None
    judge: Judge | None = None
    reference: str = ""
    seconds: float = 1.0
    rounds: int = 9
    contestants: dict[str, Contestant] = field(default_factory=dict)

    def contestant(
        self, name: str, needs: str = "", takes: Callable[[Case], bool] = lambda case: True
    ) -> Callable[[Callable[[Case], Timed]], Callable[[Case], Timed]]:
        """Enter the function below into the benchmark."""

        def enter(prepare: Callable[[Case], Timed]) -> Callable[[Case], Timed]:
            lacking = f"needs {needs}" if needs and not find_spec(needs) else ""
            self.contestants[name] = Contestant(name, prepare, lacking, takes)
            return prepare

        return enter

    def present(self, case: Case) -> list[str]:
        """The contestants of a case that can run here, the baseline first."""
        names = sorted(self.contestants, key=lambda name: name != self.baseline)
        return [n for n in names if not self.contestants[n].lacking and self.contestants[n].takes(case)]

    def left_out(self) -> dict[str, str]:
        """The contestants that cannot run here, and why."""
        return {name: one.lacking for name, one in sorted(self.contestants.items()) if one.lacking}


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    rounds : measurements of each contestant; None leaves it to the benchmark, or to `quick`
    seconds : duration of one measurement, which repeats what is timed as often as that takes, at least once
    settle : seconds between two measurements: the threads of a BLAS spin for a while before they sleep
    quick : small cases, which only show that everything runs
    """

    rounds: int | None = None
    seconds: float = 0.3
    settle: float = 0.1
    quick: bool = False

    def cases(self, benchmark: Benchmark) -> tuple[Case, ...]:
        """The cases to measure."""
        return benchmark.quick_cases if self.quick else benchmark.cases

    def rounds_of(self, usual: int, quick: int = 1) -> int:
        """How often to measure what is measured `usual` times, and `quick` times where it shall only run."""
        return self.rounds or (quick if self.quick else usual)

    def repetitions(self, benchmark: Benchmark) -> int:
        """Rounds of what repeats in its own process: a second one costs no second start."""
        return self.rounds_of(benchmark.rounds, quick=2)


def measure(
    benchmark: Benchmark, plan: Plan, told: Callable[[], None] = lambda: None
) -> list[dict[str, Any]]:
    """Measure every case.

    Parameters
    ----------
    told : called after every measurement

    Returns
    -------
    cases : each with its sizes and, per contestant, the seconds of every round and what follows from them

    Raises
    ------
    BenchmarkError : a contestant failed, or its result is not the baseline's
    """
    cases = []
    for case in plan.cases(benchmark):
        runners: list[Runner] = []
        try:
            runners += [Runner(benchmark.name, name, case) for name in benchmark.present(case)]
            facts = warm(benchmark, plan, runners)
            handovers = take_turns(runners, plan.repetitions(benchmark), plan.settle, told)
            for name, difference in judged_at_end(benchmark, runners).items():
                facts[name]["difference_at_end"] = difference
        finally:
            for runner in runners:
                runner.stop()
        results = [summary(runner) | facts[runner.name] for runner in runners]
        cases.append({"case": dict(case), "handovers": handovers, "results": results})
    return cases


def warm(benchmark: Benchmark, plan: Plan, runners: list[Runner]) -> dict[str, dict[str, Any]]:
    """Compare first results, and let each repeat what it does until it is warm.

    Returns
    -------
    facts : per contestant, difference (from the baseline or the reference), repeats and threads
    """
    results = {runner.name: runner.receive() for runner in runners}
    differences: dict[str, float | None] = dict.fromkeys(results)
    if benchmark.judge is not None:
        reference = results[benchmark.reference]
        differences = {n: benchmark.judge(n, state, reference, "first") for n, state in results.items()}
    elif benchmark.tolerance is not None:
        expected = results[runners[0].name]
        differences = {n: compare(n, one, expected, benchmark.tolerance) for n, one in results.items()}
    return {
        runner.name: {
            "difference": differences[runner.name],
            "repeats": runner.ask("repeat", plan.seconds * benchmark.seconds),
            "threads": runner.ask("threads"),
        }
        for runner in runners
    }


def judged_at_end(benchmark: Benchmark, runners: list[Runner]) -> dict[str, float | None]:
    """How far each state is from the reference's after as many repetitions; nothing without a judge."""
    if benchmark.judge is None:
        return {}
    states = {runner.name: runner.ask("state") for runner in runners}
    reached = {name: state for name, state in states.items() if state is not None}
    reference = next(runner for runner in runners if runner.name == benchmark.reference)
    right = reference.ask("replay", [state.steps for state in reached.values()])
    differences: dict[str, float | None] = dict.fromkeys(states)
    for name, state in reached.items():
        differences[name] = benchmark.judge(name, state, right[state.steps], "end")
    return differences


def take_turns(
    runners: list[Runner], rounds: int, settle: float, told: Callable[[], None]
) -> list[float | None]:
    """Measure all but the baseline, which is the first, each right after it; each round begins with another.

    Returns
    -------
    handovers : what `handover` said before each round
    """
    baseline, others = runners[0], runners[1:]
    handovers = []
    for turn in range(rounds):
        handovers.append(handover())
        first = turn % max(len(others), 1)
        for runner in others[first:] + others[:first]:
            for one in (baseline, runner):
                time.sleep(settle)
                one.measure()
            runner.beside.append(baseline.times[-1])
            told()
    return handovers


def compare(name: str, result: Mapping[str, Any], expected: Mapping[str, Any], tolerance: float) -> float:
    """The largest difference of two results, as a part of the largest number.

    Raises
    ------
    BenchmarkError : it is above the tolerance, or a part is missing or of another shape
    """
    worst = 0.0
    for key, value in expected.items():
        if key not in result or np.shape(result[key]) != np.shape(value):
            raise BenchmarkError(f"{name}: {key} is missing or not of the baseline's shape {np.shape(value)}")
        scale = max(1.0, float(np.abs(value).max()))
        difference = float(np.abs(np.asarray(result[key]) - value).max()) / scale
        if not difference <= tolerance:
            raise BenchmarkError(f"{name}: {key} differs from the baseline's by {difference:.1e}")
        worst = max(worst, difference)
    return worst


def spread(values: list[float]) -> dict[str, float]:
    """Median, quartiles and extremes, by their names in the records."""
    q1, middle, q3 = (float(q) for q in np.quantile(values, (0.25, 0.5, 0.75)))
    return {"median": middle, "q1": q1, "q3": q3, "min": min(values), "max": max(values)}


def summary(runner: Runner) -> dict[str, Any]:
    """What a contestant's times come to; each ratio is to the baseline's time right before it."""
    beside = runner.beside or runner.times  # the baseline has itself
    ratios = spread([mine / theirs for mine, theirs in zip(runner.times, beside, strict=True)])
    return {
        "contestant": runner.name,
        **spread(runner.times),
        "n": len(runner.times),
        "ratio": ratios.pop("median"),
        **{f"ratio_{name}": value for name, value in ratios.items()},
        "seconds": runner.times,
        "beside": beside,
    }
