"""Real signals to real processes: Ctrl-C is orderly, and a kill at any moment costs no bit of the result."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fcnet.records import RunFolder, read_json
from fcnet.runs.training import read_config
from fcnet.train.checkpoint import load_checkpoint

from .test_training import assert_same_run

EAGER = (
    "import signal, sys, fcnet.train.fit as fit; fit.CHECKPOINT_SECONDS = 0.01; "
    "signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from fcnet.cli import main; sys.exit(main())"
)
"""`fcnet` with a checkpoint every hundredth of a second instead of every ten seconds, and Ctrl-C even where
tests run in the background of a shell that ignores it."""

SETTINGS = [
    "--hidden", "24",
    "--initialisation", "he",
    "--preprocessing", "standardised",
    "--learning-rate", "0.02",
    "--momentum", "0.9",
    "--dropout", "0.2",
    "--shift", "1",
    "--batch-size", "60",
    "--validation", "200",
    "--iterations", "1500",
    "--evaluate-every", "50",
]  # fmt: skip
"""Half a second of training with thirty checkpoints."""

PATIENCE = 60.0


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """`fcnet train` on digits in a process of its own; BLAS with one thread, so that every run adds alike."""
    nowhere = folder.parent / "nowhere"
    environment = {name: value for name, value in os.environ.items() if name != "FCNET_DATA"}
    environment |= {"FCNET_OFFLINE": "1", "FCNET_CACHE": str(nowhere), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", EAGER, "train", "--out", str(folder), *SETTINGS, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=folder.parent,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, list[str], list[str]]:
    """Exit status and the lines on standard output and error, without the note that these are digits."""
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out.splitlines(), [line for line in err.splitlines() if "NOTE" not in line]


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nobody stopped."""
    folder = tmp_path_factory.mktemp("stops") / "whole"
    status, out, err = finish(start(folder))
    assert (status, err) == (0, [])
    assert out[-1].startswith(f"{folder}: training accuracy")
    return folder


def test_ctrl_c_ends_in_one_line_and_resume_finishes_bit_for_bit(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start(folder)
    wait_for(RunFolder(folder).checkpoint, process)
    process.send_signal(signal.SIGINT)
    status, _, err = finish(process)
    assert (status, err) == (130, [f"stopped: {folder} goes on with --resume"])
    checkpoint = load_checkpoint(RunFolder(folder).checkpoint)
    assert checkpoint is not None
    assert 0 < checkpoint.step < 1500
    status, _, err = finish(start(folder, "--resume"))
    assert (status, err) == (0, [])
    assert_same_run(whole, folder)


def test_a_process_killed_at_any_moment_loses_no_bit(whole: Path, tmp_path: Path) -> None:
    """Killed while checkpoints are being written, twice, at moments that differ each time."""
    folder, rng = tmp_path / "run", random.Random()
    reached = [0]
    for kill in range(2):
        process = start(folder, *(["--resume"] if kill else []))
        if kill == 0:
            wait_for(RunFolder(folder).checkpoint, process)
        else:  # until it has gone on from where it was
            now = RunFolder(folder).checkpoint.stat().st_mtime_ns
            while RunFolder(folder).checkpoint.stat().st_mtime_ns == now:
                assert process.poll() is None, process.communicate()
        time.sleep(rng.uniform(0, 0.05))
        process.kill()
        process.communicate()
        if RunFolder(folder).finished:  # it was faster than we were
            break
        checkpoint = load_checkpoint(RunFolder(folder).checkpoint)
        assert checkpoint is not None
        reached.append(checkpoint.step)
    assert len(reached) > 1
    assert reached == sorted(set(reached))
    status, _, err = finish(start(folder, "--resume"))
    assert (status, err) == (0, [])
    assert_same_run(whole, folder)
    assert read_json(RunFolder(folder).record)["config"] == read_config(RunFolder(whole).config).to_dict()
