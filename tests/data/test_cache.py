"""What was read is kept as a memory map that is quick, never out of date, and never trusted when damaged."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fcnet.data import cache
from fcnet.data.cache import home, kept_images, load_folder
from fcnet.data.cifar10 import read_folder
from fcnet.data.dataset import Dataset
from fcnet.data.published import BATCH_FILES
from fcnet.data.verify import verify
from fcnet.errors import DataError

from .conftest import ROWS, Small, batch, write_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the official files that a test may spoil."""
    return write_folder(tmp_path / "copy")


def same(data: Dataset, folder: Path, small: Small) -> None:
    decoded = read_folder(folder, small.published)
    np.testing.assert_array_equal(np.concatenate([data.train.images, data.test.images]), decoded.images)
    np.testing.assert_array_equal(np.concatenate([data.train.labels, data.test.labels]), decoded.labels)
    assert (data.origin.sha256, data.origin.official) == (decoded.sha256, decoded.official)
    assert len(data.test) == ROWS


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    reads: list[Path] = []

    def counted(folder: Path, published: object) -> object:
        reads.append(folder)
        return read_folder(folder, published)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "read_folder", counted)
    return reads


def test_the_second_start_reads_no_file(folder: Path, small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = count_reads(monkeypatch)
    for _ in range(3):
        same(load_folder(folder, small.published), folder, small)
    assert len(reads) == 1
    manifest = json.loads((home(folder) / "manifest.json").read_text())
    assert manifest["official"] is True
    assert manifest["md5"] == dict(small.published.files)
    assert {p.name for p in home(folder).iterdir()} == {"images.npy", "labels.npy", "manifest.json", ".lock"}


def test_images_are_mapped_and_read_only(folder: Path, small: Small) -> None:
    for _ in range(2):
        images = load_folder(folder, small.published).train.images
        assert type(images) is np.ndarray
        assert isinstance(images.base.base, np.memmap | np.ndarray)
        with pytest.raises(ValueError):  # noqa: PT011  the message is NumPy's
            images[0, 0] = 1


def test_a_replaced_file_is_noticed_even_with_old_size_and_time(folder: Path, small: Small) -> None:
    load_folder(folder, small.published)
    for k, name in enumerate(BATCH_FILES):
        before = (folder / name).stat()
        (folder / name).write_bytes(batch(len(BATCH_FILES) - 1 - k))
        assert (folder / name).stat().st_size == before.st_size
        os.utime(folder / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    data = load_folder(folder, small.published)
    same(data, folder, small)
    assert data.origin.official is False


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
        lambda raw: raw.replace(b'"version": 1', b'"version": 0'),
    ),
    "manifest with more": ("manifest.json", lambda raw: raw.replace(b"{", b'{"x": 1,', 1)),
    "manifest of no text": ("manifest.json", lambda raw: b"\xff\xfe"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_damaged_cache_is_rebuilt(
    name: str, folder: Path, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_folder(folder, small.published)
    file, spoil = SPOILED[name]
    path = home(folder) / file
    raw = path.read_bytes()
    path.write_bytes(spoil(raw))
    assert path.read_bytes() != raw
    reads = count_reads(monkeypatch)
    same(load_folder(folder, small.published), folder, small)
    assert len(reads) == 1
    assert path.read_bytes() == raw


def test_a_missing_file_is_rebuilt(folder: Path, small: Small) -> None:
    for name in ("images.npy", "labels.npy", "manifest.json"):
        load_folder(folder, small.published)
        (home(folder) / name).unlink()
        same(load_folder(folder, small.published), folder, small)


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
        data = load_folder(folder, small.published)
    same(data, folder, small)
    assert "cannot keep the images in" in caplog.text
    with pytest.raises(ValueError):  # noqa: PT011  the message is NumPy's
        data.train.images[0, 0] = 1


def test_a_failed_write_leaves_no_manifest_and_no_rest(
    folder: Path, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_folder(folder, small.published)
    (home(folder) / "images.npy").unlink()

    def full(file: object, array: np.ndarray, allow_pickle: bool) -> None:
        file.write(array.tobytes()[:1000])  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    same(load_folder(folder, small.published), folder, small)
    assert {p.name for p in home(folder).iterdir()} == {"labels.npy", ".lock"}


def test_leftovers_of_a_killed_process_go(folder: Path, small: Small) -> None:
    home(folder).mkdir(parents=True)
    (home(folder) / ".images.npy.tmp-killed").write_bytes(b"x" * 100)
    load_folder(folder, small.published)
    assert not (home(folder) / ".images.npy.tmp-killed").exists()


def test_two_folders_are_kept_apart(folder: Path, small: Small, tmp_path: Path) -> None:
    other = write_folder(tmp_path / "other", seed=30)
    first, second = load_folder(folder, small.published), load_folder(other, small.published)
    same(load_folder(folder, small.published), folder, small)
    assert first.origin.sha256 != second.origin.sha256


def test_a_moved_folder_is_read_again(folder: Path, small: Small, tmp_path: Path) -> None:
    load_folder(folder, small.published)
    moved = folder.rename(tmp_path / "moved")
    same(load_folder(moved, small.published), moved, small)
    with pytest.raises(DataError, match="is missing"):
        load_folder(folder, small.published)


LOAD = """
import sys, json
from pathlib import Path
from fcnet.data.cache import load_folder
from fcnet.data.published import ArchiveSpec, Published
folder, published = Path(sys.argv[1]), Published(ArchiveSpec(0, "", ""), json.loads(sys.argv[2]), 4)
for _ in range(15):
    data = load_folder(folder, published)
    from fcnet.data.cifar10 import content_hash
    import numpy as np
    images = np.concatenate([data.train.images, data.test.images])
    assert content_hash(images, np.concatenate([data.train.labels, data.test.labels])) == data.origin.sha256
    import shutil
    from fcnet.data.cache import home
    (home(folder) / "manifest.json").unlink(missing_ok=True)  # so that both write all the time
"""


def test_processes_at_once(folder: Path, small: Small) -> None:
    arguments = [sys.executable, "-c", LOAD, str(folder), json.dumps(dict(small.published.files))]
    both = [subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=30)[1] for process in both]
    assert errors == ["", ""]
    assert [process.returncode for process in both] == [0, 0]


class TestVerify:
    def test_states(self, folder: Path, small: Small) -> None:
        assert verify(folder, small.published).kept == "none yet, written now"
        verified = verify(folder, small.published)
        assert verified.kept == "intact"
        same(verified.dataset, folder, small)

    def test_a_changed_bit_in_the_kept_images(self, folder: Path, small: Small) -> None:
        load_folder(folder, small.published)
        path = home(folder) / "images.npy"
        raw = bytearray(path.read_bytes())
        raw[-1] ^= 1
        path.write_bytes(raw)
        assert kept_images(folder, small.published) is not None  # which a start cannot see in 0.3 s
        assert verify(folder, small.published).kept == "damaged, written again"
        same(load_folder(folder, small.published), folder, small)

    def test_a_changed_file(self, folder: Path, small: Small) -> None:
        load_folder(folder, small.published)
        shutil.copy(folder / "test_batch", folder / "data_batch_4")
        with pytest.raises(DataError, match="data_batch_4 is damaged"):
            verify(folder, small.published)


WARM = """
import sys
from fcnet.data.load import load_cifar10
load_cifar10()
assert not {"sklearn", "rich", "matplotlib", "torch", "urllib.request"} & set(sys.modules)
"""


@pytest.mark.cifar10
def test_a_warm_start_imports_nothing_that_it_does_not_need() -> None:
    from fcnet.data.load import load_cifar10

    load_cifar10()
    subprocess.run([sys.executable, "-c", WARM], check=True)
