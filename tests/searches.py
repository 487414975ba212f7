"""Searches on scikit-learn's digits that take a few seconds."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

import fcnet.tuning.run
from fcnet.data.dataset import Dataset
from fcnet.records import read_json
from fcnet.tuning.search import Search
from fcnet.tuning.status import Status
from fcnet.tuning.view import View
from trainings import SMALL

VARIED = ("learning-rate", "reg", "dropout")


def request(out: Path, **changes: Any) -> Search:
    """A search of a few short trials."""
    return replace(Search(out, SMALL, VARIED, trials=4), **changes)


def run(asked: Search, dataset: Dataset) -> tuple[Status, str]:
    """The search, and what it printed."""
    console = Console(file=io.StringIO(), width=120)
    status = fcnet.tuning.run.run(asked, dataset, View(console))
    return status, console.file.getvalue()  # type: ignore[attr-defined]


def options(out: Path, epochs: int = 3, **more: Any) -> list[str]:
    """The same on a command line, on digits."""
    words = ["tune", "--out", str(out), "--vary", *VARIED, "--epochs", str(epochs)]
    words += ["--hidden", "24", "--initialisation", "he", "--preprocessing", "standardised"]
    words += ["--batch-size", "60", "--learning-rate", "0.05", "--momentum", "0.9", "--reg", "1e-4"]
    words += ["--validation", "200"]
    for name, value in more.items():
        words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return words


def start(
    words: list[str], empty: Path, program: Sequence[str] = ("-m", "fcnet"), **variables: str
) -> subprocess.Popen[str]:
    """`fcnet` with these words as a process that finds no CIFAR-10; `empty` is a folder."""
    surroundings = {name: value for name, value in os.environ.items() if name != "FCNET_DATA"}
    surroundings |= {"FCNET_OFFLINE": "1", "FCNET_CACHE": str(empty), "COLUMNS": "200"} | variables
    return subprocess.Popen(
        [sys.executable, *program, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=surroundings,
        cwd=empty,
    )


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """The condition's first true value."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"no {what} after {seconds:g} s"
        time.sleep(0.05)
    return found


def trials(out: Path) -> list[dict[str, Any]]:
    """What study.json says of the trials."""
    found: list[dict[str, Any]] = read_json(out / "study.json")["trials"]
    return found
