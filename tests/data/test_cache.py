"""What was read is kept as a memory map that is quick, never out of date, and never trusted when damaged."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from fcnet import lock
from fcnet.data import cache
from fcnet.data import load as loading
from fcnet.data.cifar import Cifar10
from fcnet.data.dataset import Dataset
from fcnet.errors import DataError

from .conftest import BATCH_FILES, ROWS, Small, batch, write_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the official files that a test may spoil."""
    return write_folder(tmp_path / "copy")


def load_folder(folder: Path, small: Small) -> Dataset:
    return loading.load_folder(folder, small.published)


def verify(folder: Path, small: Small) -> tuple[Dataset, str]:
    return loading.verify(folder, small.published)


def home(folder: Path) -> Path:
    return cache.home(f"CIFAR-10\0{folder.resolve()}")


READ = Cifar10.read


def same(data: Dataset, folder: Path, small: Small) -> None:
    decoded = READ(small.published, folder)
    for part, other in ((data.train, decoded.train), (data.test, decoded.test)):
        np.testing.assert_array_equal(part.images, other.images)
        np.testing.assert_array_equal(part.labels, other.labels)
    assert data.origin == decoded.origin
    assert (data.classes, data.image_shape) == (decoded.classes, decoded.image_shape)
    assert len(data.test) == ROWS


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    reads: list[Path] = []

    def counted(self: Cifar10, folder: Path) -> Dataset:
        reads.append(folder)
        return READ(self, folder)

    monkeypatch.setattr(Cifar10, "read", counted)
    return reads


def test_the_second_start_reads_no_file(folder: Path, small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = count_reads(monkeypatch)
    for _ in range(3):
        same(load_folder(folder, small), folder, small)
    assert len(reads) == 1
    assert {p.name for p in home(folder).iterdir()} == {"images.npy", "labels.npy", "manifest.json"}


def test_images_are_mapped_and_read_only(folder: Path, small: Small) -> None:
    for _ in range(2):
        images = load_folder(folder, small).train.images
        assert type(images) is np.ndarray
        assert isinstance(images.base.base, np.memmap | np.ndarray)
        with pytest.raises(ValueError):  # noqa: PT011  the message is NumPy's
            images[0, 0] = 1


def test_a_replaced_file_is_noticed_even_with_old_size_and_time(folder: Path, small: Small) -> None:
    load_folder(folder, small)
    for k, name in enumerate(BATCH_FILES):
        before = (folder / name).stat()
        (folder / name).write_bytes(batch(len(BATCH_FILES) - 1 - k))
        assert (folder / name).stat().st_size == before.st_size
        os.utime(folder / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    data = load_folder(folder, small)
    same(data, folder, small)
    assert data.origin.official is False


def content(path: Path) -> object:
    """What a kept file says, without the stamps of the other two."""
    raw = path.read_bytes()
    return raw if path.suffix == ".npy" else json.loads(raw) | {"arrays": None}


SPOILED = {
    "images cut": ("images.npy", lambda raw: raw[:-1]),
    "images empty": ("images.npy", lambda raw: b""),
    "images of another shape": ("images.npy", lambda raw: raw.replace(b"(24, 3072)", b"(12, 6144)")),
    "images of another type": ("images.npy", lambda raw: raw.replace(b"|u1", b"|i1")),
    "images pickled": ("images.npy", lambda raw: raw.replace(b"|u1", b"|O ")),
    "images an archive": ("images.npy", lambda raw: b"PK\x05\x06" + bytes(18)),
    "labels an archive": ("labels.npy", lambda raw: b"PK\x05\x06" + bytes(18)),
    "labels cut": ("labels.npy", lambda raw: raw[:-8]),
    "labels out of range": ("labels.npy", lambda raw: raw[:-8] + b"\x0a" + bytes(7)),
    "manifest cut": ("manifest.json", lambda raw: raw[:50]),
    "manifest a list": ("manifest.json", lambda raw: b"[]"),
    "manifest of another version": (
        "manifest.json",
        lambda raw: raw.replace(b'"version": 3', b'"version": 0'),
    ),
    "manifest of null": ("manifest.json", lambda raw: b"null"),
    "manifest that nests": ("manifest.json", lambda raw: b"[" * 100_000),
    "manifest of text alone": ("manifest.json", lambda raw: b'"version"'),
    "labels below zero": ("labels.npy", lambda raw: raw[:-8] + b"\xff" * 8),
    "labels of no dimension": ("labels.npy", lambda raw: raw.replace(b"(24,)", b"()   ")),
    "manifest of no text": ("manifest.json", lambda raw: b"\xff\xfe"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_damaged_cache_is_rebuilt(
    name: str, folder: Path, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_folder(folder, small)
    file, spoil = SPOILED[name]
    path = home(folder) / file
    raw, before = path.read_bytes(), content(path)
    path.write_bytes(spoil(raw))
    assert path.read_bytes() != raw
    reads = count_reads(monkeypatch)
    same(load_folder(folder, small), folder, small)
    assert len(reads) == 1
    assert content(path) == before
    same(load_folder(folder, small), folder, small)
    assert len(reads) == 1


def test_a_missing_file_is_rebuilt(folder: Path, small: Small) -> None:
    for name in ("images.npy", "labels.npy", "manifest.json"):
        load_folder(folder, small)
        (home(folder) / name).unlink()
        same(load_folder(folder, small), folder, small)


def test_an_unwritable_cache_costs_only_time(
    folder: Path,
    small: Small,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FCNET_CACHE", str(tmp_path / "file" / "cache"))
    with caplog.at_level(logging.WARNING):
        data = load_folder(folder, small)
    same(data, folder, small)
    assert "cannot keep the images in" in caplog.text
    with pytest.raises(ValueError):  # noqa: PT011  the message is NumPy's
        data.train.images[0, 0] = 1


def test_a_failed_write_leaves_no_manifest_and_no_rest(
    folder: Path, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_folder(folder, small)
    (home(folder) / "images.npy").unlink()

    def full(file: object, head: object) -> None:
        file.write(bytes(1000))  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", full)
    same(load_folder(folder, small), folder, small)
    assert {p.name for p in home(folder).iterdir()} == {"labels.npy"}


def test_leftovers_of_a_killed_process_go(folder: Path, small: Small) -> None:
    home(folder).mkdir(parents=True)
    (home(folder) / ".images.npy.tmp-12-0123abcd").write_bytes(b"x" * 100)
    load_folder(folder, small)
    assert not (home(folder) / ".images.npy.tmp-12-0123abcd").exists()


def test_a_cache_that_another_process_holds_says_so_and_is_waited_for(
    folder: Path, small: Small, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.05)
    home(folder).mkdir(parents=True)
    held = lock.Lock(home(folder) / ".lock")
    assert held.try_acquire()
    threading.Timer(0.5, held.release).start()
    with caplog.at_level(logging.WARNING):
        same(load_folder(folder, small), folder, small)
    assert f"waiting for process {os.getpid()} on " in caplog.text
    assert "cannot keep" not in caplog.text


def test_a_cache_whose_lock_is_a_link_is_not_written(
    folder: Path, small: Small, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home(folder).mkdir(parents=True)
    (tmp_path / "precious").write_text("precious")
    (home(folder) / ".lock").symlink_to(tmp_path / "precious")
    with caplog.at_level(logging.WARNING):
        same(load_folder(folder, small), folder, small)
    assert (tmp_path / "precious").read_text() == "precious"
    assert "cannot keep the images in" in caplog.text


def test_two_folders_are_kept_apart(folder: Path, small: Small, tmp_path: Path) -> None:
    other = write_folder(tmp_path / "other", seed=30)
    first, second = load_folder(folder, small), load_folder(other, small)
    same(load_folder(folder, small), folder, small)
    assert first.origin.sha256 != second.origin.sha256


def test_a_moved_folder_is_read_again(folder: Path, small: Small, tmp_path: Path) -> None:
    load_folder(folder, small)
    moved = folder.rename(tmp_path / "moved")
    same(load_folder(moved, small), moved, small)
    with pytest.raises(DataError, match="cannot read"):
        load_folder(folder, small)


LOAD = """
import sys, json
from dataclasses import replace
from pathlib import Path
from fcnet.data.cache import home
from fcnet.data.dataset import content_hash
from fcnet.data.datasets import DATASETS
from fcnet.data.load import load_folder
folder, about = Path(sys.argv[1]), replace(DATASETS["cifar10"], files=json.loads(sys.argv[2]), rows=4)
for _ in range(15):
    data = load_folder(folder, about)
    assert content_hash(data.train, data.test) == data.origin.sha256
    manifest = home(f"CIFAR-10\\0{folder.resolve()}") / "manifest.json"
    manifest.unlink(missing_ok=True)  # so that both write all the time
"""


@pytest.mark.slow
def test_processes_at_once(folder: Path, small: Small) -> None:
    arguments = [sys.executable, "-c", LOAD, str(folder), json.dumps(dict(small.published.files))]
    both = [subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=30)[1] for process in both]
    assert errors == ["", ""]
    assert [process.returncode for process in both] == [0, 0]


class TestVerify:
    def test_states(self, folder: Path, small: Small) -> None:
        assert verify(folder, small)[1] == "none yet, written now"
        dataset, state = verify(folder, small)
        assert state == "intact"
        same(dataset, folder, small)

    def test_a_changed_bit_in_the_kept_images(self, folder: Path, small: Small) -> None:
        load_folder(folder, small)
        path = home(folder) / "images.npy"
        raw = bytearray(path.read_bytes())
        raw[-1] ^= 1
        path.write_bytes(raw)
        assert verify(folder, small)[1] == "damaged, written again"
        same(load_folder(folder, small), folder, small)

    def test_a_changed_file(self, folder: Path, small: Small) -> None:
        load_folder(folder, small)
        shutil.copy(folder / "test_batch", folder / "data_batch_4")
        with pytest.raises(DataError, match="data_batch_4 is damaged"):
            verify(folder, small)


WARM = """
import sys
from fcnet.data.load import load_known
load_known("CIFAR-10")
assert not {"sklearn", "rich", "matplotlib", "torch", "urllib.request"} & set(sys.modules)
"""


@pytest.mark.cifar10
def test_a_warm_start_imports_nothing_that_it_does_not_need() -> None:
    from fcnet.data.load import load_known

    load_known("CIFAR-10")
    subprocess.run([sys.executable, "-c", WARM], check=True)
