"""How everything here is measured: each contestant in a process of its own, in rounds that take turns.

A benchmark is a file with one `Benchmark` in it; a contestant is a function that gets a case, prepares
whatever it needs, and returns what is to be timed. Contestants of one case are started together, compute
once, which warms them up and is compared, and are then asked in turn, A B C, B C A, ..., so that whatever
else happens on the machine happens to all of them.
"""

from __future__ import annotations

import gc
import math
import multiprocessing
import statistics
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from machine import threads

Case = Mapping[str, Any]
"""The sizes and settings of one case, by name."""

Timed = Callable[[], Any]
"""What is timed: one call is one repetition. Its result is compared if the benchmark has a tolerance."""


@dataclass(frozen=True)
class Contestant:
    """A program in a benchmark.

    name : as in the table
    prepare : gets the case, returns what is to be timed
    needs : a package without which the contestant stays out; empty if none
    """

    name: str
    prepare: Callable[[Case], Timed]
    needs: str = ""


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
    tolerance : how far results may lie from the baseline's, as a part of its largest number (at least 1);
        None where the contestants do not compute the same
    """

    name: str
    question: str
    cases: tuple[Case, ...]
    quick_cases: tuple[Case, ...]
    baseline: str
    tolerance: float | None = None
    contestants: dict[str, Contestant] = field(default_factory=dict)

    def contestant(
        self, name: str, needs: str = ""
    ) -> Callable[[Callable[[Case], Timed]], Callable[[Case], Timed]]:
        """Enter the function below into the benchmark."""

        def enter(prepare: Callable[[Case], Timed]) -> Callable[[Case], Timed]:
            self.contestants[name] = Contestant(name, prepare, needs)
            return prepare

        return enter


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    rounds : measurements of each contestant
    seconds : duration of one measurement, which repeats what is timed as often as that takes, at least once
    settle : seconds between two measurements: the threads of a BLAS spin for a while before they sleep
    quick : small cases, which only show that everything runs
    """

    rounds: int = 9
    seconds: float = 0.3
    settle: float = 0.2
    quick: bool = False

    def cases(self, benchmark: Benchmark) -> tuple[Case, ...]:
        """The cases to measure."""
        return benchmark.quick_cases if self.quick else benchmark.cases


class BenchmarkError(Exception):
    """A contestant that failed, or that computes something else than the others."""


class Runner:
    """A contestant in its process, waiting to be asked."""

    def __init__(self, benchmark: Benchmark, contestant: str, case: Case, seconds: float) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = contestant
        self.times: list[float] = []
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=serve, args=(theirs, benchmark.name, contestant, case, seconds), daemon=True
        )
        self.process.start()
        theirs.close()

    def receive(self) -> Any:
        """The next thing that the process has to say.

        Raises
        ------
        BenchmarkError : the contestant failed or its process died
        """
        try:
            what, value = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            raise BenchmarkError(
                f"{self.name}: its process ended with status {self.process.exitcode}"
            ) from None
        if what == "failed":
            raise BenchmarkError(f"{self.name} failed:\n{value}")
        return value

    def measure(self) -> None:
        """Ask for one measurement: seconds per repetition."""
        self.connection.send(True)
        self.times.append(self.receive())

    def stop(self) -> None:
        """End the process and wait for it, so that its use of the processor is counted."""
        self.connection.close()
        self.process.join(timeout=10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def serve(connection: Connection, module: str, contestant: str, case: Case, seconds: float) -> None:
    """What a contestant's process does: prepare, compute once, and measure whenever asked."""
    try:
        benchmark: Benchmark = import_module(module).BENCHMARK
        timed = benchmark.contestants[contestant].prepare(case)
        result = timed()
        connection.send(("result", result if benchmark.tolerance is not None else None))
        repeats = enough(timed, seconds)
        connection.send(("ready", {"repeats": repeats, "threads": threads()}))
        while connection.recv():
            connection.send(("seconds", duration(timed, repeats) / repeats))
    except (EOFError, KeyboardInterrupt):
        return
    except BaseException:
        with suppress(OSError):  # nobody listens any more
            connection.send(("failed", traceback.format_exc()))


def enough(timed: Timed, seconds: float) -> int:
    """How many repetitions take about so many seconds."""
    repeats = 1
    while (took := duration(timed, repeats)) < seconds / 2:
        repeats *= 2
    return max(1, math.ceil(repeats * seconds / took))


def duration(timed: Timed, repeats: int) -> float:
    """Seconds that so many repetitions take, without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(repeats):
            timed()
        return time.perf_counter() - start
    finally:
        gc.enable()


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
            facts = start(benchmark, case, plan, runners)
            take_turns(runners, plan, told)
        finally:
            for runner in runners:
                runner.stop()
        results = [summary(runner, runners[0]) | facts[runner.name] for runner in runners]
        cases.append({"case": dict(case), "results": results})
    return cases


def start(benchmark: Benchmark, case: Case, plan: Plan, runners: list[Runner]) -> dict[str, dict[str, Any]]:
    """Start the contestants, the baseline first, and compare their results.

    Parameters
    ----------
    runners : filled, one a contestant

    Returns
    -------
    facts : per contestant, difference (from the baseline's result), repeats and threads
    """
    facts, expected = {}, None
    for name in present(benchmark):
        runners.append(Runner(benchmark, name, case, plan.seconds))
        result = runners[-1].receive()
        difference = None
        if benchmark.tolerance is not None:
            expected = result if expected is None else expected
            difference = compare(name, result, expected, benchmark.tolerance)
        facts[name] = {"difference": difference} | runners[-1].receive()
    return facts


def take_turns(runners: list[Runner], plan: Plan, told: Callable[[], None]) -> None:
    """Measure all, round after round, each round beginning with another."""
    for turn in range(plan.rounds):
        first = turn % len(runners)
        for runner in runners[first:] + runners[:first]:
            time.sleep(plan.settle)
            runner.measure()
            told()


def present(benchmark: Benchmark) -> Iterator[str]:
    """The contestants whose packages are installed, the baseline first."""
    names = sorted(benchmark.contestants, key=lambda name: name != benchmark.baseline)
    for name in names:
        needs = benchmark.contestants[name].needs
        if not needs or find_spec(needs):
            yield name


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


def summary(runner: Runner, base: Runner) -> dict[str, Any]:
    """What a contestant's times come to; the ratio is taken within each round, and then its median."""
    ratios = [mine / theirs for mine, theirs in zip(runner.times, base.times, strict=True)]
    return {
        "contestant": runner.name,
        "median": statistics.median(runner.times),
        "min": min(runner.times),
        "max": max(runner.times),
        "n": len(runner.times),
        "ratio": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "seconds": runner.times,
    }
