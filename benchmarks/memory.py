"""Peak memory of `fcnet train`, Python and all libraries included, and the formula for it.

The peak is what the system counts as resident in the process, the images that are mapped from the cache too.
Besides: the first training on a data set, which reads its files into the cache, and several trainings side by
side, which map the same images.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from fcnet.data.find import find
from fcnet.train.config import TrainConfig
from fcnet.train.engine import EVALUATION_BATCH
from harness import BenchmarkError, Plan
from machine import Watch
from measured import Told, record_of
from processes import Program, own_peak, run, source

QUESTION = "How much memory does fcnet train take at its peak?"

WANTED = 300e6
"""Bytes, for the exercise's net."""

IMPORTS = "import fcnet.cli.train, fcnet.cli.loading, fcnet.cli.progress, fcnet.runs.training, tomli_w, rich"
"""What `fcnet train` imports before it opens the images."""

N, D, K = 50_000, 3072, 10
"""Images of CIFAR-10's training files, numbers in each, classes."""

HELD_OUT = TrainConfig().validation
"""Images of the validation split."""

TOLERANCE = 0.1
"""How far the formula may be from what is measured, as a part of it."""


@dataclass(frozen=True)
class Setting:
    """A training whose memory is measured.

    batch : examples a step
    optimiser : sgd, momentum or adam
    """

    name: str
    hidden: tuple[int, ...]
    options: tuple[str, ...] = ()
    batch: int = 200
    optimiser: str = "sgd"

    @property
    def sizes(self) -> tuple[int, ...]:
        return (D, *self.hidden, K)

    @property
    def parameters(self) -> int:
        """P: all weights and biases."""
        return sum((n_in + 1) * n_out for n_in, n_out in pairwise(self.sizes))


SLOTS = {"sgd": 0, "momentum": 1, "adam": 2}
"""s: arrays of the size of the weights that an optimiser remembers."""

SCRATCH = {"sgd": 0, "momentum": 0, "adam": 1}
"""Further ones that it only works in."""

TERMS = {
    "base": "Python and its libraries, measured by importing them",
    "images": "N D: all training images, as bytes, mapped from the cache",
    "buffers": f"4 max(B, {EVALUATION_BATCH}) (D + sum H) + B (D + 5 sum H): "
    "one minibatch on its way forward and back",
    "weights": "4 P (2 + 2 s + w): weights and the optimiser's s arrays, twice, since the last good ones "
    "are kept against a divergence, and its w working arrays",
    "build": "20 P: the saved model is checked by a second network, which is first drawn in float64",
    "checkpoint": "8 P (1 + s): a checkpoint, as arrays and as the bytes of its file",
    "evaluate": f"8 P + {4 * HELD_OUT} (3 D + sum H): the saved model looks at the {HELD_OUT} images of the "
    "validation split, as bytes turned into numbers, centred, and in the network",
}
"""The formula: base + images + buffers + weights + the largest of build, checkpoint and evaluate. In bytes:
P parameters, N training images of D numbers, minibatches of B, sum H hidden units."""

MOMENTUM = ("--momentum", "0.9", "--learning-rate", "1e-5")
ADAM = ("--optimiser", "adam", "--learning-rate", "1e-5")

SETTINGS = (
    Setting("the exercise's net", (50,)),
    Setting("wide, momentum", (1024,), MOMENTUM, optimiser="momentum"),
    Setting("very wide", (4096,)),
    Setting("very wide, momentum", (4096,), MOMENTUM, optimiser="momentum"),
    Setting("very wide, Adam", (4096,), ADAM, optimiser="adam"),
    Setting("deep, momentum", (2048, 2048, 2048), MOMENTUM, optimiser="momentum"),
    Setting("wide, large batch", (1024,), (*MOMENTUM, "--batch-size", "5000"), 5000, "momentum"),
    Setting("narrowing, large batch", (512, 256), ("--batch-size", "2000"), 2000),
)


SIDE_BY_SIDE = 2
"""Trainings of the exercise's net that run at the same time."""


def measured(plan: Plan, told: Told, keep: Any) -> dict[str, Any]:
    """Train a few steps with each setting."""
    if find(None) is None:
        raise BenchmarkError(
            "memory needs CIFAR-10, get it with: fcnet data fetch, or name it in $FCNET_DATA"
        )
    settings = SETTINGS[:1] if plan.quick else SETTINGS
    told(len(settings) + 3)
    start = Watch.now()
    base = run(Program("imports", (sys.executable, "-c", IMPORTS))).peak
    rows = []
    for setting in settings:
        told()
        rows.append(row_of(setting, peak_of(setting), base))
    first, together = peak_of(SETTINGS[0], cached=False), None
    told()
    if Path("/proc/self/smaps_rollup").exists():
        together = side_by_side(SETTINGS[0])
    told()
    table = [
        [row["setting"], "x".join(str(units) for units in row["hidden"]), f"{row['peak'] / 1e6:.0f} MB",
         f"{row['formula'] / 1e6:.0f} MB", f"{100 * row['error']:+.1f} %"]
        for row in rows
    ]  # fmt: skip
    return record_of(
        "memory", QUESTION, start, plan, base=base, wanted=WANTED, tolerance=TOLERANCE, formula=TERMS,
        rows=rows, first=first, together=together, side_by_side=SIDE_BY_SIDE,
        holds=all(abs(row["error"]) <= TOLERANCE for row in rows),
        columns=["setting", "hidden", "peak", "formula", "error"], table=table,
    )  # fmt: skip


def row_of(setting: Setting, peak: int, base: int) -> dict[str, Any]:
    """A measured peak beside the formula's."""
    formula = predicted(setting, base)
    return {
        "setting": setting.name, "hidden": list(setting.hidden), "batch": setting.batch,
        "optimiser": setting.optimiser, "images": N, "inputs": D, "parameters": setting.parameters,
        "peak": peak, "formula": formula, "error": formula / peak - 1,
    }  # fmt: skip


def predicted(setting: Setting, base: int) -> int:
    """The formula, term by term as in `TERMS`."""
    P, B, H = setting.parameters, setting.batch, sum(setting.hidden)
    s, w = SLOTS[setting.optimiser], SCRATCH[setting.optimiser]
    buffers = 4 * max(B, EVALUATION_BATCH) * (D + H) + B * (D + 5 * H)
    weights = 4 * P * (2 + 2 * s + w)
    build = 20 * P
    checkpoint = 8 * P * (1 + s)
    evaluate = 8 * P + 4 * HELD_OUT * (3 * D + H)
    return base + N * D + buffers + weights + max(build, checkpoint, evaluate)


def peak_of(setting: Setting, cached: bool = True) -> int:
    """Bytes at the peak of a training of twenty steps, with evaluations, checkpoint and saved model.

    cached : whether the images are in the cache; if not, the training reads the data set's files

    Raises
    ------
    BenchmarkError : the training failed, or we are so large ourselves that its peak cannot be told from ours
    """
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("FCNET_CACHE")
        if not cached:
            os.environ["FCNET_CACHE"] = str(Path(folder) / "cache")
        try:
            peak = run(Program(setting.name, command(setting, Path(folder) / "run"))).peak
        finally:
            os.environ.pop("FCNET_CACHE", None)
            if before is not None:
                os.environ["FCNET_CACHE"] = before
    if peak <= own_peak():
        raise BenchmarkError(f"memory: this process took {own_peak():,} bytes itself, run memory on its own")
    return peak


def command(setting: Setting, out: Path, iterations: int = 20) -> tuple[str, ...]:
    """The training of a setting."""
    return (
        sys.executable, "-m", "fcnet", "train", "--out", str(out), "--iterations", str(iterations),
        "--evaluate-every", str(iterations // 2), "--hidden", *(str(units) for units in setting.hidden),
        *setting.options,
    )  # fmt: skip


def side_by_side(setting: Setting) -> int:
    """Bytes of several trainings at once, each page counted once: the most that was seen.

    Raises
    ------
    BenchmarkError : one of them failed
    """
    most = 0
    environment = os.environ | {"PYTHONPATH": source()}
    with tempfile.TemporaryDirectory() as folder:
        started = [
            subprocess.Popen(
                command(setting, Path(folder) / str(number), 500), env=environment, stdout=subprocess.DEVNULL
            )
            for number in range(SIDE_BY_SIDE)
        ]
        while any(one.poll() is None for one in started):
            most = max(most, sum(proportional(one.pid) for one in started))
            time.sleep(0.01)
    if any(one.returncode for one in started):
        raise BenchmarkError(f"memory: a training ended with status {[one.returncode for one in started]}")
    return most


def proportional(process: int) -> int:
    """Bytes of a process, those that n processes share divided by n (Linux); 0 once it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
