"""An output that is full and a current folder that is gone: one line, whatever the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

QUICK = (str(Path(__file__).parents[1] / "without.py"), "torch")
"""`fcnet` as if there were no PyTorch, whose import by the doctor takes longer than all else."""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["cache list", "doctor --json", "runs --help"])
def test_an_output_that_is_full_is_one_line(command: str, unbuffered: str, tmp_path: Path) -> None:
    (tmp_path / "cache" / "cifar10").mkdir(parents=True)
    given = {
        **os.environ, "FCNET_CACHE": str(tmp_path / "cache"), "FCNET_OFFLINE": "1",
        "PYTHONUNBUFFERED": unbuffered,
    }  # fmt: skip
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, *QUICK, *command.split()], stdout=full, stderr=subprocess.PIPE, text=True,
            env=given, cwd=tmp_path, check=False,
        )  # fmt: skip
    assert done.stderr == "error: cannot write: No space left on device, free some space\n"
    assert done.returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody remove the current folder")
@pytest.mark.parametrize("command", ["data info", "runs", "doctor", "cache list"])
def test_a_current_folder_that_was_removed_is_no_traceback(command: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    given = {**os.environ, "FCNET_CACHE": str(tmp_path / "cache"), "FCNET_OFFLINE": "1"}
    path = os.pathsep.join(str(Path(name).resolve()) for name in sys.path if name)
    code = (
        "import os; os.rmdir(os.getcwd()); from fcnet.cli import main; "
        f"raise SystemExit(main({command.split()}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=given | {"PYTHONPATH": path},
        cwd=gone, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == (1 if done.returncode else 0)
    assert done.returncode in (0, 2)
