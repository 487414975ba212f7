"""Pictures and arrays of a user, and an empty cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fcnet.cli import main

CLASSES = ("bright", "dark", "mixed")


def picture(label: int, number: int, height: int = 12, width: int = 12) -> NDArray[np.uint8]:
    """Random colours whose brightness tells the class."""
    rng = np.random.default_rng([label, number])
    low, high = ((150, 256), (0, 100), (90, 170))[label]
    return rng.integers(low, high, (height, width, 3), dtype=np.uint8)


def write_pictures(folder: Path, each: int = 20, height: int = 12, width: int = 12) -> Path:
    """A folder of PNG files for each class."""
    from PIL import Image

    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            Image.fromarray(picture(label, number, height, width)).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, and a working folder."""
    monkeypatch.setenv("FCNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FCNET_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FCNET_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "pictures")


def fcnet(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[str], list[str]]:
    """Run a command in this process: its status, and the lines it printed to both streams."""
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out.splitlines(), captured.err.splitlines()


LIMITED = """
import resource, sys
import numpy as np
import fcnet.data.own.load, fcnet.runs.training
from fcnet.cli import main
from fcnet.data import blocks
blocks.WINDOW = 1 << 22
np.ones((300, 300)) @ np.ones((300, 300))  # BLAS takes its buffers with the first product
with open("/proc/self/status") as file:
    taken = next(int(line.split()[1]) << 10 for line in file if line.startswith("VmData"))
limit = taken + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
sys.exit(main(sys.argv[2:]))
"""
"""`fcnet` with so many bytes for its data beside those that it takes by itself, and windows of 4 MB."""


def assert_fits_only_streamed(megabytes: int, *data: str) -> None:
    """A training in so much memory succeeds with --stream, and is one error without."""
    words = ["train", *data, "--hidden", "8", "--epochs", "1", "--validation", "100", "--batch-size", "500"]

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", LIMITED, str(megabytes << 20), *words, *options],
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = run("--out", "streamed", "--stream")
    assert done.returncode == 0, done.stderr
    refused = run("--out", "memory")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: "), refused.stderr
    assert "emory" in refused.stderr
