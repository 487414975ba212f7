"""A contestant in its process, and what it says to the process that asks."""

from __future__ import annotations

import gc
import math
import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from machine import THREAD_VARIABLES, cores, threads

Case = Mapping[str, Any]
"""The sizes and settings of one case, by name."""

Timed = Callable[[], Any]
"""What is timed: one call is one repetition. It may have a method `state()`, what it has come to so far, with
the number of repetitions as `steps`."""

FIRST = 10
"""Repetitions before states are compared for the first time."""


class BenchmarkError(Exception):
    """A contestant that failed, or that computes something else than the others."""


class Runner:
    """A contestant in its process, waiting to be asked.

    Parameters
    ----------
    benchmark : the name of its module
    contestant : by name
    case : its sizes; `threads` in it are the cores that the process gets, all of ours if it has none
    """

    def __init__(self, benchmark: str, contestant: str, case: Case) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = contestant
        self.times: list[float] = []
        self.beside: list[float] = []
        """The baseline's time right before each of these."""
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, benchmark, contestant, case), daemon=True)
        with on_cores(case.get("threads", cores())):
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

    def ask(self, what: str, *value: Any) -> Any:
        """Ask for something and wait for it."""
        with suppress(OSError):  # a process that died says so when it is listened to
            self.connection.send((what, *value))
        return self.receive()

    def measure(self) -> None:
        """Ask for one measurement: seconds per repetition."""
        self.times.append(self.ask("measure"))

    def stop(self) -> None:
        """End the process and wait for it, so that its use of the processor is counted."""
        self.connection.close()
        self.process.join(timeout=10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Processes that start within it use at most this number of cores, and their libraries know it."""
    told = dict.fromkeys(THREAD_VARIABLES, str(count))
    if count == 1:  # XLA looks at neither of them
        told["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    before = {name: os.environ.get(name) for name in told}
    pinned = hasattr(os, "sched_setaffinity")
    allowed = os.sched_getaffinity(0) if pinned else set()
    os.environ.update(told)
    try:
        if pinned:
            os.sched_setaffinity(0, sorted(allowed)[:count])
        yield
    finally:
        if pinned:
            os.sched_setaffinity(0, allowed)
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def serve(connection: Connection, module: str, contestant: str, case: Case) -> None:
    """What a contestant's process does: prepare, compute a little, and then whatever it is asked."""
    try:
        prepare = partial(import_module(module).BENCHMARK.contestants[contestant].prepare, case)
        timed: Timed = prepare()
        state = getattr(timed, "state", None)
        result = timed()
        if state is not None:
            for _ in range(FIRST - 1):
                timed()
            result = state()
        connection.send(("result", result))
        repeats = 1
        while question := connection.recv():
            match question:
                case ("measure",):
                    connection.send(("seconds", duration(timed, repeats) / repeats))
                case ("repeat", seconds):
                    repeats = enough(timed, seconds)
                    connection.send(("repeats", repeats))
                case ("state",):
                    connection.send(("state", state() if state is not None else None))
                case ("replay", counts):
                    connection.send(("states", replayed(prepare(), counts)))
                case ("threads",):
                    connection.send(("threads", threads()))
    except (EOFError, KeyboardInterrupt):
        return
    except BaseException:
        with suppress(OSError):  # nobody listens any more
            connection.send(("failed", traceback.format_exc()))


def replayed(timed: Any, counts: Iterable[int]) -> dict[int, Any]:
    """The states of something new after each of these numbers of repetitions."""
    states, done = {}, 0
    for count in sorted(set(counts)):
        for _ in range(count - done):
            timed()
        done = count
        states[count] = timed.state()
    return states


def enough(timed: Timed, seconds: float) -> int:
    """The number of repetitions that take about this many seconds."""
    repeats = 1
    while (took := duration(timed, repeats)) < seconds / 2:
        repeats *= 2
    return max(1, math.ceil(repeats * seconds / took))


def duration(timed: Timed, repeats: int) -> float:
    """Seconds for this number of repetitions, without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(repeats):
            timed()
        return time.perf_counter() - start
    finally:
        gc.enable()
