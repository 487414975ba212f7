"""Disks that are full or read-only: one line, exit status 2, and what was good before is good after."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fcnet.data.digits import load_digits
from fcnet.errors import RunError
from fcnet.records import RunFolder
from fcnet.runs.training import train_run
from fcnet.train import fit as fit_module
from fcnet.train.callbacks import Callback
from fcnet.train.checkpoint import load_checkpoint
from run_folders import content, differences
from trainings import small

from .conftest import Result, refused, stopped

Command = Callable[[str], Result]


def mounted(folder: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(home: Path) -> Iterator[Path]:
    """A file system of one megabyte of its own."""
    folder = home / "disk"
    folder.mkdir()
    try:
        if not mounted(folder, "size=1m"):
            pytest.skip("only root can mount a file system")
    except FileNotFoundError:
        pytest.skip("there is no mount on this system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no room."""
    filler = folder / "filler"
    room = shutil.disk_usage(folder).free
    filler.write_bytes(bytes(room))
    assert shutil.disk_usage(folder).free == 0
    return filler


def test_a_full_disk_stops_a_training_and_costs_nothing(
    fcnet: Command, disk: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is full at the start, and then in the middle; each time there is room again it goes on."""
    digits, run = load_digits("CIFAR-10 is not available"), stopped(disk / "run", 25)
    filler, before = fill(disk), content(run)
    refused(fcnet("train --out disk/run --resume"), "disk/run", "No space left on device", "fix that")
    assert content(run) == before
    filler.unlink()
    monkeypatch.setattr(fit_module, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(fit_module, "CHECKPOINT_SHARE", 1e9)

    class Fill(Callback):
        def on_batch_end(self, step: int, total: int, loss: float) -> None:
            if step == 40:
                self.before = content(run)
                fill(disk)

    filling = Fill()
    with pytest.raises(RunError, match=r"^cannot write .*: No space left on device, fix that and continue"):
        train_run(small(), digits, run, resume=True, callback=filling)
    assert content(run) == {name: data for name, data in filling.before.items() if name != ".lock"}
    kept = load_checkpoint(RunFolder(run).checkpoint)
    assert kept is not None
    assert kept.step == 39
    filler.unlink()
    assert fcnet("train --out disk/run --resume").status == 0
    assert differences(run, whole) == []


def full_when(name: str) -> Callable[..., None]:
    """A rename that finds no room for this file."""
    replace = os.replace

    def full(source: str, target: str, **folders: Any) -> None:
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target, **folders)

    return full


def test_a_full_disk_at_the_very_end_costs_nothing(
    fcnet: Command, disk: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever between the last checkpoint and the record it is full."""
    run = stopped(disk / "run", 62)
    for name in ("input.safetensors", "model.safetensors", "SHA256SUMS", "record.json"):
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", full_when(name))
            refused(fcnet("train --out disk/run --resume"), f"run/{name}: No space left on device")
        assert load_checkpoint(RunFolder(run).checkpoint) is not None
        assert not list(run.rglob(".*"))
    assert fcnet("train --out disk/run --resume").status == 0
    assert differences(run, whole) == []


def test_a_read_only_folder_is_left_alone(fcnet: Command, disk: Path) -> None:
    run = stopped(disk / "run")
    before = content(run)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    refused(fcnet("train --out disk/run --resume"), "cannot write to disk/run: Read-only file system, ")
    refused(fcnet("train --out disk/new --epochs 1"), "cannot write to disk/new: Read-only file system, ")
    assert content(run) == before
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert fcnet("train --out disk/run --resume").status == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_left_alone(fcnet: Command, home: Path) -> None:
    unfinished = stopped(home / "run")
    before = content(unfinished)
    unfinished.chmod(0o555)
    refused(fcnet("train --out run --resume"), "cannot write to run: Permission denied, fix that or choose")
    unfinished.chmod(0o755)
    assert content(unfinished) == before
