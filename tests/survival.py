"""Trainings on digits that are killed with SIGKILL, resumed, and compared with one that nobody killed.

    python tests/survival.py --kills 200 --torch-kills 20 --out results/survival.json

Kills are of two kinds. One strikes at a system call: a file, and a moment in its writing, are drawn, and
the process kills itself there (see `victim.py`). The other strikes a real `fcnet train` after a time that is
drawn. Each training is killed several times before it is left to finish.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fcnet.records import RunFolder, environment, write_json
from killing import (
    IN_ORDER,
    PATIENCE,
    SETTINGS,
    TORCH,
    Victims,
    drawn_death,
    log_of,
    start,
    victims,
    wait_until_at_work,
)
from run_folders import differences, hit, leftovers, step_of, worst_difference

KILLS_PER_RUN = 5

ROUNDING = 1e-5
"""Relative difference that PyTorch may show: its kernels choose an order of summation by the memory that they
find, and float32 has seven digits; NumPy's products have one order on one machine with as many threads."""


@dataclass(frozen=True)
class Kill:
    """One kill: how it was aimed, what it hit, and the step of the checkpoint that was there afterwards."""

    aim: str
    hit: str
    step: int


@dataclass
class Outcome:
    """What came of many kills.

    kills : all of them
    runs : trainings that they were spread over
    resumed : kills after which the next start with --resume went on or found the run finished
    identical : kills whose training ended as if it had not been killed
    worst : largest relative difference of a loss to that of the training that nobody killed
    failures : what went wrong, in words
    """

    kills: list[Kill] = field(default_factory=list)
    runs: int = 0
    resumed: int = 0
    identical: int = 0
    worst: float = 0.0
    failures: list[str] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """Its numbers, for people."""
        return {
            "kills": len(self.kills),
            "runs": self.runs,
            "resumed": self.resumed,
            "identical": self.identical,
            "largest_relative_difference_of_a_loss": self.worst,
            "hit": dict(sorted(Counter(kill.hit for kill in self.kills).items())),
            "each": [f"{kill.aim}; {kill.hit}; step {kill.step}" for kill in self.kills],
        }


def kill_at_calls(ready: Victims, run: RunFolder, rng: random.Random, kills: int) -> Iterator[Kill]:
    """Up to so many kills at drawn system calls of one training, the later moments last."""
    deaths = sorted((drawn_death(rng) for _ in range(kills)), key=lambda die: IN_ORDER.index(die["file"]))
    for die in deaths:
        if run.finished:  # there is nothing left to disturb
            return
        before = leftovers(run)
        status = ready.start(run.path, die)
        if status == -9:
            yield Kill(f"{die['file']} {die['call']}", hit(run, before), step_of(run))
        elif status != 0:
            raise AssertionError(f"after {die}: {log_of(run.path).read_text()}")


def kill_after_times(run: RunFolder, rng: random.Random, kills: int, seconds: float) -> Iterator[Kill]:
    """Up to so many kills of one training's processes, each after a drawn part of so many seconds.

    Most of these are counted from the moment that the process is in its folder: to start takes it longer than
    to train.
    """
    for _ in range(kills):
        if run.finished:
            return
        before, delay = leftovers(run), rng.uniform(0, seconds)
        process = start(run.path, "--resume")
        if rng.random() < 0.75:
            wait_until_at_work(run, process)
        try:
            _, err = process.communicate(timeout=delay)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            yield Kill(f"after {delay:.2f} s", hit(run, before), step_of(run))
        else:  # it was faster
            assert process.returncode == 0, err


@dataclass
class Trial:
    """Trainings that are killed, in a folder, until enough kills are together.

    ready : for starts in forks
    whole : the run that nobody killed
    seconds : that such a run takes once its process is in its folder
    bit_for_bit : or the same to rounding
    """

    ready: Victims
    whole: Path
    rng: random.Random
    seconds: float
    bit_for_bit: bool = True
    outcome: Outcome = field(default_factory=Outcome)

    def kill(self, kills: int, at_calls: bool) -> None:
        """Kill so many times, at system calls or after some time, and see how each training ends."""
        enough = len(self.outcome.kills) + kills
        while (left := enough - len(self.outcome.kills)) > 0:
            self.outcome.runs += 1
            run = RunFolder(self.whole.with_name(f"run{self.outcome.runs}"))
            some = min(KILLS_PER_RUN, left)
            if at_calls:
                self.follow(run, kill_at_calls(self.ready, run, self.rng, some))
            else:
                self.follow(run, kill_after_times(run, self.rng, some, self.seconds))

    def follow(self, run: RunFolder, kills: Iterator[Kill]) -> None:
        """Take note of one training's kills, let it finish, and compare it."""
        step, here, found = 0, 0, []
        for kill in kills:
            self.outcome.kills.append(kill)
            here += 1
            if kill.step < step:
                found.append(f"back from step {step} to {kill.step}")
            step = kill.step
        if (status := self.ready.start(run.path)) != 0:
            self.outcome.failures.append(
                f"{run.path.name}: exit status {status}, {log_of(run.path).read_text()}"
            )
            return
        self.outcome.resumed += here
        worst = worst_difference(run.path, self.whole)
        self.outcome.worst = max(self.outcome.worst, worst)
        if self.bit_for_bit:
            found += differences(run.path, self.whole)
        elif worst > ROUNDING:
            found.append(f"losses differ by {worst:.1e}")
        if found:
            self.outcome.failures.append(f"{run.path.name}: {', '.join(found)}")
        else:
            self.outcome.identical += here


def undisturbed(whole: Path) -> float:
    """Train in its own process that nobody kills; the seconds that it was in its folder."""
    process = start(whole)
    wait_until_at_work(RunFolder(whole), process)
    began = time.monotonic()
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return time.monotonic() - began


def survive(folder: Path, kills: int, seed: int, share: float = 0.7, engine: str = "numpy") -> Outcome:
    """Kill trainings so many times.

    Parameters
    ----------
    folder : for their run folders
    kills : how many
    seed : what the kills are drawn from
    share : of the kills that strike at system calls; the others strike real processes after a drawn time
    engine : "numpy", compared bit for bit, or "torch", to rounding
    """
    settings = SETTINGS if engine == "numpy" else TORCH
    with victims(folder, settings) as ready:
        whole = folder / "whole"
        seconds = 0.0
        if share < 1:
            seconds = undisturbed(whole)
        elif ready.start(whole) != 0:
            raise AssertionError(log_of(whole).read_text())
        trial = Trial(ready, whole, random.Random(seed), seconds, engine == "numpy")
        at_calls = round(share * kills)
        trial.kill(at_calls, at_calls=True)
        trial.kill(kills - at_calls, at_calls=False)
        return trial.outcome


def main() -> int:
    """Kill, and write the record; returns the exit status, 1 if a training did not survive."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--torch-kills", type=int, default=20, help="of the PyTorch engine, at system calls")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="file for the record")
    options = parser.parse_args()
    began, outcomes = time.monotonic(), {}
    with TemporaryDirectory() as folder:
        for engine, kills, share in (("numpy", options.kills, 0.7), ("torch", options.torch_kills, 1.0)):
            if kills:
                place = Path(folder) / engine
                place.mkdir()
                outcome = outcomes[engine] = survive(place, kills, options.seed, share, engine)
                print(json.dumps({k: v for k, v in outcome.record().items() if k != "each"}, indent=2))
                print(*outcome.failures, sep="\n")
    record = {name: outcome.record() for name, outcome in outcomes.items()}
    found = environment() | {
        "command": f"python tests/survival.py --kills {options.kills} --torch-kills {options.torch_kills} "
        f"--seed {options.seed}"
    }
    record |= {
        "settings": SETTINGS, "seed": options.seed, "seconds": round(time.monotonic() - began, 1),
        "tolerance_torch": ROUNDING, "environment": found,
    }  # fmt: skip
    if options.out:
        write_json(options.out, record)
    return 1 if any(outcome.failures for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
