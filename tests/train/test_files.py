"""Files are written whole or not at all, and read back with their damage named."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from fcnet.errors import RunError
from fcnet.files import write_atomically
from fcnet.records import FORMAT, RunFolder, environment, make_writable, read_json, write_json
from fcnet.train import checkpoint as checkpoint_module
from fcnet.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from fcnet.train.history import Evaluation, history_lines, read_history


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """What a full disk or a quota does, by the kernel's own hand: a write beyond `size` bytes fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# Writing


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_atomically(path, "first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_has_the_permissions_that_the_umask_asks_for(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", "text")
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


def test_a_write_that_finds_no_room_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")
    with (
        files_no_larger_than(4096),
        pytest.raises(RunError, match=f"^cannot write {re.escape(str(path))}: File too"),
    ):
        write_atomically(path, b"x" * 10_000)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_disk_that_fails_at_the_last_moment_leaves_the_old_file(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    message = f"cannot write {path}: {os.strerror(code)}, choose a folder with room and write permission"
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def impossible_folders(tmp_path: Path) -> list[Path]:
    """Folders that even root cannot make: below a file, and in the kernel's own file system."""
    (tmp_path / "file").touch()
    return [tmp_path / "file" / "run", Path("/proc/fcnet-run")]


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    for folder in impossible_folders(tmp_path):
        with pytest.raises(RunError, match=f"^cannot write {re.escape(str(folder))}/x: [A-Z][a-z ]+, choose"):
            write_atomically(folder / "x", "text")
        with pytest.raises(
            RunError, match=f"^cannot write to {re.escape(str(folder))}: .*, choose another with --out$"
        ):
            make_writable(folder)


def test_making_sure_of_a_folder_leaves_it_empty(tmp_path: Path) -> None:
    make_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


# Records


def test_records_hold_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the message is Python's
        write_json(tmp_path / "x.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "{path} is missing, is {path.parent} the folder of a finished run?"),
        (b"{", "{path} is damaged: Input data was truncated"),
        (b"\xff\xfe\x00", "{path} is damaged: JSON is malformed: invalid character (byte 0)"),
        (b"[1, 2]", "{path} is damaged: Expected `object`, got `array`; restore it or repeat the run"),
    ],
)
def test_a_record_that_cannot_be_read_is_named(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=f"^{re.escape(message.format(path=path))}"):
        read_json(path)


def test_a_folder_in_place_of_a_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "record.json").mkdir()
    with pytest.raises(RunError, match=r"cannot read .*record.json: .*no regular file"):
        RunFolder(tmp_path).read_record()


@pytest.mark.parametrize("version", [FORMAT - 1, "2", None])
def test_a_record_of_another_version_is_refused(version: Any, tmp_path: Path) -> None:
    write_json(RunFolder(tmp_path).record, {"format": version})
    with pytest.raises(RunError, match=r"record\.json was written by another version of fcnet, use that one"):
        RunFolder(tmp_path).read_record()


@pytest.mark.parametrize(
    ("more", "writer"),
    [
        ({"environment": {"versions": {"fcnet": "7.1"}}}, r"a newer version of fcnet \(7\.1\)"),
        ({"environment": "nowhere"}, "a newer version of fcnet"),
        ({}, "a newer version of fcnet"),
    ],
)
def test_a_record_of_a_newer_version_asks_for_an_update(
    more: dict[str, Any], writer: str, tmp_path: Path
) -> None:
    write_json(RunFolder(tmp_path).record, {"format": FORMAT + 1, **more})
    with pytest.raises(
        RunError,
        match=rf"record\.json was written by {writer}: its format is 2, and .* reads format 1; update fcnet$",
    ):
        RunFolder(tmp_path).read_record()


def test_the_environment_says_what_a_number_depends_on() -> None:
    found = environment()
    assert found["cores"] >= 1
    assert found["versions"]["numpy"] == np.__version__
    assert set(found) == {"python", "versions", "system", "processor", "cores", "commit", "command"}
    json.dumps(found, allow_nan=False)


# Histories

ROW = Evaluation(10, 0.5, 1.25, 0.1, 2.3, 2.4, 0.1, 0.1, 2.3)


def test_a_history_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(history_lines([ROW, ROW]))
    assert read_history(path) == [ROW, ROW]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read {path}: No such file or directory"),
        (b"\xff\xfe", "{path} is damaged in line 1: JSON is malformed"),
        (history_lines([ROW, ROW])[:-30].encode(), "{path} is damaged in line 2: "),
        (b'{"step": 3}\n', "{path} is damaged in line 1: Object missing required field `epoch`"),
        (b"7\n", "{path} is damaged in line 1: "),
    ],
)
def test_a_damaged_history_is_named_with_its_line(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "history.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=f"^{re.escape(message.format(path=path))}"):
        read_history(path)


# Checkpoints


def checkpoint() -> Checkpoint:
    rng = np.random.default_rng(0)
    state = {
        "network.W1": rng.standard_normal((4, 3)).astype(np.float32),
        "optimiser.steps": np.array(7),
        "rng": rng.integers(2**64, size=6, dtype=np.uint64),
    }
    return Checkpoint(12, 3.5, 2, losses=[0.1, 2 / 3, 1e-300], state=state, data="abc")


def test_a_checkpoint_comes_back_bit_for_bit(tmp_path: Path) -> None:
    written, path = checkpoint(), tmp_path / "state.safetensors"
    save_checkpoint(path, written)
    read = load_checkpoint(path)
    assert read is not None
    assert (read.step, read.seconds, read.evaluations, read.losses, read.data) == (
        12, 3.5, 2, written.losses, "abc",
    )  # fmt: skip
    assert read.state.keys() == written.state.keys()
    for name, value in written.state.items():
        assert read.state[name].dtype == value.dtype
        np.testing.assert_array_equal(read.state[name], value)


def test_no_checkpoint_is_no_error(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "state.safetensors") is None


def test_a_checkpoint_without_losses_since_the_last_evaluation_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_checkpoint(path, Checkpoint(0, 0.0, 0, losses=[], state={}))
    assert load_checkpoint(path) == Checkpoint(0, 0.0, 0, losses=[], state={})


def test_a_checkpoint_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_checkpoint(path, checkpoint())
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(
            RunError, match=rf"^{re.escape(str(path))} is damaged: .*; delete .* from the beg"
        ):
            load_checkpoint(path)


def test_a_checkpoint_with_any_bit_turned_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_checkpoint(path, checkpoint())
    whole = path.read_bytes()
    for place in range(len(whole)):
        altered = bytearray(whole)
        altered[place] ^= 1 << place % 8
        path.write_bytes(altered)
        with pytest.raises(
            RunError, match=r"^(the checkpoint )?\S+ (is damaged|was altered|was written by an?)[^\n]*$"
        ):
            load_checkpoint(path)


def test_a_checkpoint_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    path.write_bytes(save({"losses": np.zeros(3)}, {"format": "fcnet-checkpoint-0"}))
    with pytest.raises(
        RunError, match=r"was written by another version of fcnet, use that one, or delete .* from the beginn"
    ):
        load_checkpoint(path)
    path.write_bytes(
        save(
            {"x": np.zeros(3)}, {"format": f"fcnet-checkpoint-{checkpoint_module.FORMAT + 1}", "fcnet": "7.1"}
        )
    )
    with pytest.raises(
        RunError, match=r"was written by a newer version of fcnet \(7\.1\): .*; update fcnet$"
    ):
        load_checkpoint(path)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_checkpoint(path, checkpoint())
    before = path.read_bytes()
    large = Checkpoint(13, 4.0, 2, losses=[], state={"network.W1": np.zeros(10_000)})
    with files_no_larger_than(4096), pytest.raises(RunError, match=r"^cannot write"):
        save_checkpoint(path, large)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
