"""One process at a time in a folder; a lock dies with its holder and never outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fcnet import lock
from fcnet.errors import RunError
from fcnet.lock import locked

HOLD = (
    "import sys; from pathlib import Path; from fcnet.lock import locked\n"
    "with locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)


def test_a_folder_is_held_and_given_back(tmp_path: Path) -> None:
    with locked(tmp_path):
        assert (tmp_path / ".lock").read_text().startswith(f"process {os.getpid()} on ")
        with pytest.raises(RunError) as caught, locked(tmp_path):
            raise AssertionError
        assert str(caught.value).startswith(f"{tmp_path} is in use by process {os.getpid()} on ")
        assert (tmp_path / ".lock").exists()  # who was refused removes nothing
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path):
        pass


def test_an_error_in_the_block_gives_the_folder_back(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, None])
def test_another_process_holds_it_until_it_ends_in_whatever_way(
    number: signal.Signals | None, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=f"in use by process {holder.pid} on"), locked(tmp_path):
            raise AssertionError
        if number:
            holder.send_signal(number)
        holder.communicate()
    assert (tmp_path / ".lock").exists() == (number is not None)
    with locked(tmp_path):
        assert f"process {os.getpid()} " in (tmp_path / ".lock").read_text()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our opening the file and our locking it, its holder removes it and another process comes in."""
    real, calls = lock._lock, []

    def late(descriptor: int, folder: Path) -> None:
        calls.append(descriptor)
        if len(calls) == 1:
            (folder / ".lock").unlink()
            (folder / ".lock").touch()
        real(descriptor, folder)

    monkeypatch.setattr(lock, "_lock", late)
    with locked(tmp_path):
        assert len(calls) == 2
        monkeypatch.setattr(lock, "_lock", real)
        with pytest.raises(RunError, match="in use"), locked(tmp_path):
            raise AssertionError


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    with locked(tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    with locked(tmp_path):
        pass
    child.communicate(b"\n")


@pytest.mark.parametrize("absent", ["fcntl", "flock"])
def test_without_locks_work_goes_on(absent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows and on file systems that have none a second process is not noticed; the first one works."""
    if absent == "fcntl":
        monkeypatch.setattr(lock, "fcntl", None)
    else:

        def none(descriptor: int, operation: int) -> None:
            raise OSError(next(iter(lock.NO_LOCKS)), "no locks available")

        monkeypatch.setattr("fcnet.lock.fcntl.flock", none)
    with locked(tmp_path), locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
