"""The command line as a user has it: no network, no CIFAR-10, an empty working folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fcnet.cli import main
from fcnet.data.digits import load_digits
from fcnet.runs.training import train_run
from trainings import StopAfter, small

NOTE = "NOTE: CIFAR-10 is not available"

PATIENCE = 600.0
"""Seconds after which a process is taken to hang, on a machine however busy."""


@dataclass(frozen=True)
class Result:
    """What a command left: its exit status and the lines it printed."""

    status: int
    out: list[str]
    err: list[str]

    @property
    def errors(self) -> list[str]:
        """Lines on standard error, without the note that these are digits."""
        return [line for line in self.err if not line.startswith(NOTE)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the environment of a user without network and CIFAR-10."""
    for name, value in user_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FCNET_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def user_environment(folder: Path) -> dict[str, str]:
    return {"FCNET_OFFLINE": "1", "FCNET_CACHE": str(folder / "cache"), "COLUMNS": "100"}


@pytest.fixture
def fcnet(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Result]:
    """Run a command in this process."""

    def run(arguments: str) -> Result:
        try:
            status = main(arguments.split())
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capsys.readouterr()
        return Result(status, captured.out.splitlines(), captured.err.splitlines())

    return run


def start(arguments: str, folder: Path, *interpreter: str) -> subprocess.Popen[str]:
    """Run a command in its own process, in `folder`."""
    environment = {name: value for name, value in os.environ.items() if name != "FCNET_DATA"}
    environment |= user_environment(folder) | {"OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *(interpreter or ("-m", "fcnet")), *arguments.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=folder,
    )


def finish(process: subprocess.Popen[str]) -> Result:
    out, err = process.communicate(timeout=PATIENCE)
    return Result(process.returncode, out.splitlines(), err.splitlines())


def refused(result: Result, *words: str) -> None:
    """One line on standard error, with these words in it, and exit status 2."""
    assert result.status == 2
    errors = [line for line in result.err if not line.startswith(NOTE)]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    for word in words:
        assert word in errors[0]


def stopped(folder: Path, step: int = 47) -> Path:
    """A run that was stopped after a step, with two rows of history."""
    digits = load_digits("CIFAR-10 is not available")
    with pytest.raises(KeyboardInterrupt):
        train_run(small(), digits, folder, callback=StopAfter(step))
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damage") / "whole"
    train_run(small(), load_digits("CIFAR-10 is not available"), folder)
    return folder
