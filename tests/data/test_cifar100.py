"""CIFAR-100 is read as CIFAR-10 is, with its own files and its own names of labels and classes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fcnet.data.cifar import Cifar100
from fcnet.data.datasets import DATASETS
from fcnet.data.load import load
from fcnet.errors import DataError

from .conftest import python2_pickle

NAMES = tuple(f"class {n}" for n in range(100))
ROWS = 3


def contents() -> dict[str, bytes]:
    rng = np.random.default_rng(0)

    def part(rows: int) -> bytes:
        return python2_pickle(
            {
                b"filenames": [b"a.png"] * rows,
                b"fine_labels": rng.integers(0, 100, rows).tolist(),
                b"coarse_labels": rng.integers(0, 20, rows).tolist(),
                b"data": rng.integers(0, 256, (rows, 3072), np.uint8),
            }
        )

    names = [name.encode() for name in NAMES]
    meta = python2_pickle({b"fine_label_names": names, b"coarse_label_names": names[:20]})
    return {"train": part(5 * ROWS), "test": part(ROWS), "meta": meta}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    about = DATASETS["cifar100"]
    assert isinstance(about, Cifar100)
    md5 = {name: hashlib.md5(raw).hexdigest() for name, raw in contents().items()}
    monkeypatch.setitem(DATASETS, "cifar100", replace(about, files=md5, rows=ROWS))
    folder = tmp_path / "some" / "cifar-100-python"
    folder.mkdir(parents=True)
    for name, raw in contents().items():
        (folder / name).write_bytes(raw)
    return folder


def test_both_parts(folder: Path) -> None:
    for path in (folder, folder.parent):
        dataset = load(path)
        assert (dataset.label, dataset.classes) == ("CIFAR-100", NAMES)
        assert (len(dataset.train), len(dataset.test), dataset.origin.official) == (5 * ROWS, ROWS, True)
        assert 10 < dataset.train.labels.max() < 100


def test_a_damaged_part(folder: Path) -> None:
    (folder / "test").write_bytes((folder / "train").read_bytes())
    with pytest.raises(DataError, match=r"test should hold images of shape \(3, 3072\)"):
        load(folder)
