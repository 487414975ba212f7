"""Real signals to real processes: Ctrl-C and SIGTERM are orderly, and two processes do not share a folder."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from fcnet.records import RunFolder
from fcnet.train.checkpoint import load_checkpoint
from killing import PATIENCE, start
from run_folders import differences


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


@pytest.mark.parametrize(("number", "exit_status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_orderly_stop_is_one_line_and_resume_finishes_bit_for_bit(
    number: signal.Signals, exit_status: int, whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    process = start(folder)
    wait_for(RunFolder(folder).checkpoint, process)
    process.send_signal(number)
    status, _, err = finish(process)
    assert (status, err) == (exit_status, [f"stopped: resume with: fcnet train --out {folder} --resume"])
    checkpoint = load_checkpoint(RunFolder(folder).checkpoint)
    assert checkpoint is not None
    assert 0 < checkpoint.step < 1500
    status, _, err = finish(start(folder, "--resume"))
    assert (status, err) == (0, [])
    assert differences(whole, folder) == []


def test_a_second_process_is_refused_and_a_killed_one_is_not_in_the_way(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start(folder)
    wait_for(RunFolder(folder).checkpoint, process)
    process.send_signal(signal.SIGSTOP)  # so that it is there for as long as we need it
    refused = finish(start(folder, "--resume"))
    assert refused[0] == 2
    assert len(refused[2]) == 1
    assert refused[2][0].startswith(f"error: {folder} is in use by process {process.pid} on ")
    assert refused[2][0].endswith(", wait until it ends or choose another with --out")
    process.kill()
    process.communicate()
    assert (folder / ".lock").exists()  # a name that locks nothing
    status, _, err = finish(start(folder, "--resume"))
    assert (status, err) == (0, [])
    assert differences(whole, folder) == []
