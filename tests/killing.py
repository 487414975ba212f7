"""Trainings on digits that take half a second, as processes that can be killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fcnet.records import SEALED, RunFolder
from victim import CALLS

EAGER = (
    "import signal, sys, fcnet.train.fit as fit; fit.CHECKPOINT_SECONDS = 0.005; fit.CHECKPOINT_SHARE = 1.0; "
    "signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from fcnet.cli import main; sys.exit(main())"
)
"""`fcnet` with a checkpoint every few milliseconds instead of every ten seconds, and Ctrl-C even where
tests run in the background of a shell that ignores it."""

SETTINGS = [
    "--hidden", "24",
    "--initialisation", "he",
    "--preprocessing", "standardised",
    "--learning-rate", "0.02",
    "--momentum", "0.9",
    "--dropout", "0.2",
    "--shift", "1",
    "--average", "ema=0.97",
    "--batch-size", "60",
    "--validation", "200",
    "--iterations", "1500",
    "--evaluate-every", "100",
]  # fmt: skip
"""Half a second of training with fifteen evaluations and more checkpoints, before and after them."""

TORCH = [*SETTINGS, "--engine", "torch", "--device", "cpu", "--precision", "float32"]

PATIENCE = 60.0
"""Seconds after which a process counts as stuck."""


def surroundings(folder: Path) -> dict[str, str]:
    """The environment of a user without network and CIFAR-10; BLAS with one thread, so that all add alike."""
    found = {name: value for name, value in os.environ.items() if name != "FCNET_DATA"}
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return found | threads | {"FCNET_OFFLINE": "1", "FCNET_CACHE": str(folder / "nowhere")}


def start(folder: Path, *options: str, settings: list[str] = SETTINGS) -> subprocess.Popen[str]:
    """`fcnet train` on digits in its own process."""
    return subprocess.Popen(
        [sys.executable, "-c", EAGER, "train", "--out", str(folder), *settings, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=surroundings(folder.parent),
        cwd=folder.parent,
    )


class Victims:
    """Starts `fcnet train` in forks of one process, see `victim.py`."""

    def __init__(self, process: subprocess.Popen[str], settings: list[str]) -> None:
        self.process, self.settings = process, settings

    def start(self, folder: Path, die: dict[str, Any] | None = None, careless: str | None = None) -> int:
        """Train until the end or the kill; the exit status, -9 for a kill."""
        arguments = ["train", "--out", str(folder), *self.settings, "--resume"]
        order = {"arguments": arguments, "log": str(log_of(folder)), "die": die, "careless": careless}
        assert self.process.stdin
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return self.answer()

    def answer(self) -> int:
        assert self.process.stdout
        return int(json.loads(self.process.stdout.readline())["status"])


@contextmanager
def victims(folder: Path, settings: list[str] = SETTINGS) -> Iterator[Victims]:
    """Victims ready to start, in the working folder `folder`."""
    command = [sys.executable, str(Path(__file__).with_name("victim.py"))]
    with subprocess.Popen(
        command + (["torch"] if "torch" in settings else []),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=surroundings(folder), cwd=folder,
    ) as process:  # fmt: skip
        ready = Victims(process, settings)
        assert ready.answer() == 0
        yield ready


def log_of(folder: Path) -> Path:
    return folder.with_suffix(".log")


def drawn_death(rng: random.Random) -> dict[str, Any]:
    """A file of the run folder, a moment in its writing, and the time that this moment comes."""
    if rng.random() < 0.1:
        file, call = rng.choice([("state.safetensors", "unlink"), (".lock", "unlink"), (".lock", "unlinked")])
        return {"file": file, "call": call, "n": 1}
    file = rng.choice([*SEALED, "SHA256SUMS", "state.safetensors", "state.safetensors"])
    often = file in ("history.jsonl", "state.safetensors")
    return {"file": file, "call": rng.choice(CALLS), "n": rng.randint(1, 8) if often else 1}


IN_ORDER = (
    "config.toml", "history.jsonl", "state.safetensors", "input.safetensors", "model.safetensors",
    "SHA256SUMS", "record.json", ".lock",
)  # fmt: skip
"""Files in the order in which a training comes to them last."""


def wait_until_at_work(run: RunFolder, process: subprocess.Popen[str]) -> None:
    """Wait until a process holds the lock of its folder, or has ended."""
    lock, mine = run.path / ".lock", f"process {process.pid} on "
    while process.poll() is None and not (lock.exists() and lock.read_text().startswith(mine)):
        time.sleep(0.002)
