"""Files become arrays only if everything in them is as it should be."""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from fcnet.data.cifar import Batch
from fcnet.data.dataset import Dataset
from fcnet.data.load import load_known
from fcnet.errors import DataError

from .conftest import (
    BATCH_FILES,
    CIFAR10,
    CLASSES,
    FILES,
    ROWS,
    Small,
    batch,
    meta,
    python2_pickle,
    write_folder,
)

PIXELS = np.zeros((ROWS, 3072), np.uint8)


def decode_batch(raw: bytes, path: Path) -> Batch:
    return CIFAR10.decode(raw, path, ROWS, len(CLASSES))


def whole(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of both parts."""
    parts = (dataset.train, dataset.test)
    return np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts])


def test_the_official_files(small: Small) -> None:
    dataset = small.published.read(small.folder)
    images, labels = whole(dataset)
    assert dataset.origin.official
    assert dataset.origin.note == ""
    assert images.shape == (6 * ROWS, 3072)
    for k, name in enumerate(BATCH_FILES):
        there = pickle.loads((small.folder / name).read_bytes(), encoding="bytes")
        rows = slice(k * ROWS, (k + 1) * ROWS)
        np.testing.assert_array_equal(images[rows], there[b"data"])
        assert labels[rows].tolist() == there[b"labels"]
    raw = images.tobytes() + bytes(labels.tolist())
    assert dataset.origin.sha256 == hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize(
    ("suffix", "note"), [("jpg", "JPEG copy"), ("JPEG", "JPEG copy"), ("png", "not the official files")]
)
def test_another_copy_says_what_it_is(suffix: str, note: str, small: Small, tmp_path: Path) -> None:
    origin = small.published.read(write_folder(tmp_path, suffix, seed=50)).origin
    assert (origin.official, origin.note) == (False, note)


def test_a_copy_is_jpeg_only_if_every_file_says_so(small: Small, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "jpg", seed=50)
    (folder / "data_batch_3").write_bytes(batch(52))
    assert small.published.read(folder).origin.note == "not the official files"


@pytest.mark.parametrize("name", FILES)
def test_one_changed_bit_among_official_files_is_damage(name: str, small: Small, tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    raw = bytearray((folder / name).read_bytes())
    at = raw.index(b"num_vis") if name == "batches.meta" else 9000
    raw[at] ^= 1
    (folder / name).write_bytes(raw)
    with pytest.raises(
        DataError, match=rf"{name} is damaged: its hash is \w{{32}}, not \w{{32}}, while 6 of 7"
    ):
        small.published.read(folder)


BAD_BATCHES = {
    "no images": ({b"labels": [1] * ROWS}, "holds none"),
    "images as a list": ({b"data": [0] * 3072, b"labels": [1] * ROWS}, "holds none"),
    "a row less": ({b"data": PIXELS[1:], b"labels": [1] * ROWS}, r"shape \(3, 3072\)"),
    "a pixel less": ({b"data": PIXELS[:, 1:].copy(), b"labels": [1] * ROWS}, r"shape \(4, 3071\)"),
    "flat": ({b"data": PIXELS.ravel(), b"labels": [1] * ROWS}, r"shape \(12288,\)"),
    "no labels": ({b"data": PIXELS}, "no list of them"),
    "a label less": ({b"data": PIXELS, b"labels": [1] * (ROWS - 1)}, "should hold 4 labels and holds 3"),
    "label 10": ({b"data": PIXELS, b"labels": [0, 9, 10, 1]}, "a label 10 in row 2"),
    "label -1": ({b"data": PIXELS, b"labels": [-1, 9, 0, 1]}, "a label -1 in row 0"),
    "boolean label": ({b"data": PIXELS, b"labels": [0, True, 0, 1]}, "a label of type bool in row 1"),
    "text label": ({b"data": PIXELS, b"labels": [0, 0, 0, b"cat"]}, "a label of type bytes in row 3"),
    "CIFAR-100": ({b"data": PIXELS, b"fine_labels": [1] * ROWS}, "no list of them"),
}


@pytest.mark.parametrize("name", BAD_BATCHES)
def test_a_wrong_batch_is_one_line_with_path_and_advice(name: str) -> None:
    content, message = BAD_BATCHES[name]
    with pytest.raises(DataError, match=message) as caught:
        decode_batch(python2_pickle(content), Path("where/data_batch_1"))
    assert str(caught.value).startswith("where/data_batch_1")
    assert str(caught.value).endswith("run: fcnet data fetch")
    assert "\n" not in str(caught.value)


def test_a_label_that_nests_deeply_is_named_by_its_type() -> None:
    nest = b"]" * 100_000 + b"a" * 99_999
    raw = python2_pickle({b"data": PIXELS, b"labels": [1, 2, 3]})
    raw = raw[:-2] + b"U\x06labels](K\x01K\x01K\x01" + nest + b"eu."
    with pytest.raises(DataError, match="a label of type list in row 3"):
        decode_batch(raw, Path("x"))


@pytest.mark.parametrize("names", [CLASSES[::-1], CLASSES[:9], (*CLASSES, "extra")])
def test_other_classes_are_another_data_set(names: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="does not name the classes of CIFAR-10"):
        CIFAR10.names(meta(names), Path("batches.meta"))


def test_str_keys_are_as_good_as_bytes() -> None:
    made = decode_batch(pickle.dumps({"data": PIXELS, "labels": [1, 2, 3, 4]}, 4), Path("x"))
    assert made.labels.tolist() == [1, 2, 3, 4]


def test_a_huge_file_is_not_read(small: Small, tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    with (folder / "data_batch_2").open("ab") as file:
        file.truncate(1 << 40)  # sparse
    with pytest.raises(DataError, match=r"cannot read .*data_batch_2 \(more than"):
        small.published.read(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_does_not_hang(small: Small, tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    (folder / "test_batch").unlink()
    os.mkfifo(folder / "test_batch")
    with pytest.raises(DataError, match=r"cannot read .*test_batch \(no regular file"):
        small.published.read(folder)


@pytest.mark.cifar10
def test_the_whole_of_cifar10() -> None:
    data = load_known("CIFAR-10")
    assert data.train.images.shape == (50_000, 3072)
    assert data.test.images.shape == (10_000, 3072)
    assert np.bincount(data.train.labels).tolist() == [5000] * 10
    assert np.bincount(data.test.labels).tolist() == [1000] * 10
    channels = data.train.images.reshape(-1, 3, 1024).mean(axis=(0, 2)) / 255
    np.testing.assert_allclose(channels, [0.4914, 0.4822, 0.4465], atol=0.003)
