"""Whole programs, from the start of the process: their time, what they say, and the memory they took."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import fcnet
from harness import BenchmarkError
from machine import THREAD_VARIABLES, cores
from runner import on_cores

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Program:
    """A command that is measured.

    name : in the tables
    command : its words
    lacking : why it is left out; empty if it is not
    seeded : whether each run is given its number as a last word, to use as its seed
    """

    name: str
    command: tuple[str, ...]
    lacking: str = ""
    seeded: bool = False


@dataclass
class Outcome:
    """What came of one run.

    seconds : wall clock, from before the process was started until it had ended
    peak : bytes of memory that were resident at most
    said : what its last line of output holds, if that is JSON; `at` in it is the time since the start
    """

    seconds: float
    peak: int
    said: dict[str, Any] = field(default_factory=dict)


def script(name: str, options: dict[str, Any]) -> tuple[str, ...]:
    """The command that runs a file of this folder as a program, with its options as JSON."""
    return (sys.executable, str(HERE / f"{name}.py"), json.dumps(options))


def say(**content: Any) -> None:
    """What a program says to us: a line of JSON, with the moment on a clock that all processes share."""
    print(json.dumps(content | {"at": time.monotonic()}), flush=True)


def run(program: Program, heard: Callable[[dict[str, Any]], None] = lambda said: None) -> Outcome:
    """Run a program to its end.

    Parameters
    ----------
    heard : told of each line of JSON as it comes, `at` counted from the start of the process

    Raises
    ------
    BenchmarkError : it ended with another status than 0
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([source(), str(HERE)])}
    said: dict[str, Any] = {}
    with tempfile.TemporaryFile("w+") as errors:
        start = time.monotonic()
        with on_cores(cores()):
            process = subprocess.Popen(
                program.command, stdout=subprocess.PIPE, stderr=errors, text=True,
                env=environment | {name: os.environ[name] for name in THREAD_VARIABLES},
            )  # fmt: skip
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("{"):
                    said = json.loads(line)
                    said["at"] -= start
                    heard(said)
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        errors.seek(0)
        if process.returncode:
            raise BenchmarkError(
                f"{program.name}: ended with status {process.returncode}:\n{errors.read()[-2000:]}"
            )
    return Outcome(seconds, resident(usage.ru_maxrss), said)


def source() -> str:
    """The folder that fcnet was imported from, for programs that import it again."""
    return str(Path(fcnet.__file__).resolve().parents[1])


def resident(maxrss: int) -> int:
    """Bytes from what getrusage counts in: kilobytes, but on macOS bytes."""
    return maxrss if sys.platform == "darwin" else maxrss * 1024


def own_peak() -> int:
    """Bytes of this process, which those it starts inherit as their least peak on Linux."""
    return resident(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def in_turn(programs: Sequence[Program], rounds: int, told: Callable[[], None]) -> dict[str, list[Outcome]]:
    """Run all programs, round after round, each round beginning with another."""
    outcomes: dict[str, list[Outcome]] = {program.name: [] for program in programs}
    for turn in range(rounds):
        first = turn % len(programs)
        for program in [*programs[first:], *programs[:first]]:
            command = (*program.command, str(turn)) if program.seeded else program.command
            outcomes[program.name].append(run(replace(program, command=command)))
            told()
    return outcomes
