"""Run folders: what a training leaves behind, written atomically and read back with checks.

config.toml         the settings
history.jsonl       one line an evaluation
model.safetensors   the trained weights, with PyTorch's names and layout
input.safetensors   what turns pixels into the network's inputs
checkpoint/         what an interrupted training needs to go on
record.json         settings, seed, commit, data and its hash, versions, machine, seconds, metrics
test.json           once the test set was used: the result, and how often it was used
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fcnet.errors import RunError
from fcnet.files import write_atomically

FORMAT = 1
"""Version of the run folder's layout, in record.json."""

PACKAGES = ("fcnet", "numpy", "scipy", "scikit-learn", "matplotlib", "torch")


@dataclass(frozen=True)
class RunFolder:
    """The places in a run folder."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.toml"

    @property
    def history(self) -> Path:
        return self.path / "history.jsonl"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint" / "state.safetensors"

    @property
    def record(self) -> Path:
        return self.path / "record.json"

    @property
    def test(self) -> Path:
        return self.path / "test.json"

    @property
    def finished(self) -> bool:
        """Whether the training ended; the record is written last."""
        return self.record.exists()

    def create(self) -> None:
        """Make the folder and make sure that it can be written.

        Raises
        ------
        RunError : it cannot be made or written
        """
        make_writable(self.path)

    def read_record(self) -> dict[str, Any]:
        """The record of a finished training.

        Raises
        ------
        RunError : there is none, it is damaged, or another version wrote it
        """
        record = read_json(self.record)
        if record.get("format") != FORMAT:
            raise RunError(
                f"{self.record} was written by another version of fcnet, use that one or repeat the run"
            )
        return record


def make_writable(folder: Path) -> None:
    """Make a folder and its parents, and write and remove a file in it.

    Raises
    ------
    RunError : `cannot write to FOLDER: REASON, choose another with --out`
    """
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise RunError(
            f"cannot write to {folder}: {error.strerror or error}, choose another with --out"
        ) from error


def write_json(path: Path, content: Any) -> None:
    """Write plain values as JSON for people and programs, atomically."""
    write_atomically(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    RunError : the file is missing, unreadable or no JSON object; the text names it
    """
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing, is {path.parent} the folder of a finished run?") from error
    except (OSError, ValueError) as error:
        raise RunError(f"cannot read {path}: {error}; restore it or repeat the run") from error
    if not isinstance(content, dict):
        raise RunError(f"{path} is not a JSON object; restore it or repeat the run")
    return content


def environment() -> dict[str, Any]:
    """Versions, machine and commit, as every record states them."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "python": platform.python_version(),
        "versions": versions,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": _cores(),
        "commit": _commit(),
        "command": " ".join(["fcnet", *sys.argv[1:]]),
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    """The commit of the checkout that fcnet runs from, "-dirty" if it was changed; or that there is none."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "not a checkout"
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()
