"""One process at a time in a folder; a lock dies with its holder and never outlives it."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fcnet import lock
from fcnet.errors import RunError
from fcnet.lock import Lock, locked, waiting_for

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


def touch_and_fail(path: Path) -> None:
    path.touch()
    raise ZeroDivisionError


def test_a_missing_folder_is_made_and_goes_again_if_the_block_leaves_nothing_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "one"
    with pytest.raises(ZeroDivisionError), locked(folder):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with locked(folder):
        pass
    assert folder.is_dir()
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "two"):
        touch_and_fail(tmp_path / "two" / "kept")
    assert list((tmp_path / "two").iterdir()) == [tmp_path / "two" / "kept"]


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
    real, calls = lock.lock_descriptor, []

    def late(descriptor: int, *, blocking: bool) -> bool:
        calls.append(descriptor)
        if len(calls) == 1:
            (tmp_path / ".lock").unlink()
            (tmp_path / ".lock").touch()
        return real(descriptor, blocking=blocking)

    monkeypatch.setattr(lock, "lock_descriptor", late)
    with locked(tmp_path):
        assert len(calls) == 2
        monkeypatch.setattr(lock, "lock_descriptor", real)
        with pytest.raises(RunError, match="in use"), locked(tmp_path):
            raise AssertionError


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    with locked(tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    with locked(tmp_path):
        pass
    child.communicate(b"\n")


def test_without_locks_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On file systems that have none a second process is not noticed; the first one works."""

    def none(descriptor: int, *, blocking: bool) -> bool:
        raise OSError(next(iter(lock.NO_LOCKS)), "no locks available")

    monkeypatch.setattr(lock, "lock_descriptor", none)
    with locked(tmp_path), locked(tmp_path) as second:
        assert not second.works
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_is_given_the_descriptor_holds_the_lock_too(tmp_path: Path) -> None:
    """So that a search that was killed lets go of its folder with the last of its workers."""
    held = Lock(tmp_path / ".lock")
    assert held.try_acquire()
    assert held.descriptor is not None
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(held.descriptor,)
    ) as child:
        os.close(held.descriptor)  # as when its holder is killed
        with pytest.raises(RunError, match="in use"), locked(tmp_path):
            raise AssertionError
        child.communicate(b"\n")
    with locked(tmp_path):
        pass


def test_who_waits_is_told_after_a_while_and_comes_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.05)
    first, told = Lock(tmp_path / "x.lock"), []

    def tell(holder: str) -> None:
        told.append(holder)
        first.release()

    assert first.try_acquire()
    with waiting_for(tmp_path / "x.lock", tell):
        assert not first.try_acquire()
    assert told == [f"process {os.getpid()} on {platform.node()}"]
    with waiting_for(tmp_path / "x.lock", tell):
        pass
    assert len(told) == 1
    assert list(tmp_path.iterdir()) == []


def link(lock: Path, victim: Path) -> None:
    lock.symlink_to(victim)


def hard_link(lock: Path, victim: Path) -> None:
    lock.hardlink_to(victim)


def dangling_link(lock: Path, victim: Path) -> None:
    lock.symlink_to(victim.with_name("new"))


def folder(lock: Path, victim: Path) -> None:
    lock.mkdir()


def pipe(lock: Path, victim: Path) -> None:
    os.mkfifo(lock)


def device(lock: Path, victim: Path) -> None:
    lock.symlink_to("/dev/full")


def written(lock: Path) -> tuple[int, ...]:
    """What a writer would change; to read a file changes the time of its last access alone."""
    state = lock.lstat()
    return state.st_mode, state.st_ino, state.st_nlink, state.st_size, state.st_mtime_ns


@pytest.mark.skipif(os.name == "nt", reason="Windows lets only administrators make links")
@pytest.mark.parametrize("prepare", [link, hard_link, dangling_link, folder, pipe, device])
def test_a_folder_that_somebody_prepared_changes_no_file_outside(
    prepare: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    run, victim = tmp_path / "run", tmp_path / "outside" / "precious"
    victim.parent.mkdir()
    victim.write_text("precious")
    run.mkdir()
    prepare(run / ".lock", victim)
    before = written(run / ".lock")
    with (
        pytest.raises(RunError, match=r"^cannot write to .*run: .*, fix that or choose another") as caught,
        locked(run),
    ):
        raise AssertionError
    assert "\n" not in str(caught.value)
    with pytest.raises(OSError, match=r"."), waiting_for(run / ".lock", print):
        raise AssertionError
    assert victim.read_text() == "precious"
    assert list(victim.parent.iterdir()) == [victim]
    assert written(run / ".lock") == before
