"""CIFAR-100 is read as CIFAR-10 is, with its own files and its own names of labels and classes."""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fcnet.cli import main
from fcnet.data.cifar import Cifar100
from fcnet.data.dataset import DataOptions
from fcnet.data.datasets import DATASETS
from fcnet.data.load import load
from fcnet.errors import DataError
from fcnet.records import read_json

from .conftest import Server, honest, member, python2_pickle, remote_of, tar_bytes

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
        dataset = load(DataOptions(path))
        assert (dataset.label, dataset.classes) == ("CIFAR-100", NAMES)
        assert (len(dataset.train), len(dataset.test), dataset.origin.official) == (5 * ROWS, ROWS, True)
        assert 10 < dataset.train.labels.max() < 100


def test_a_training_fetches_it(folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    about = DATASETS["cifar100"]
    inside = [member(f"cifar-100-python/{name}", raw) for name, raw in contents().items()]
    archive = tar_bytes([member("cifar-100-python", type=tarfile.DIRTYPE, mode=0o755), *inside])
    server.behaviours["whole"] = lambda handler, content: honest(handler, archive)
    name = "cifar-100-python.tar.gz"
    remote = remote_of(name, archive, f"{server.address}/404/{name}", f"{server.address}/whole/{name}")
    monkeypatch.setitem(DATASETS, "cifar100", replace(about, remotes=(remote,)))
    train = ["--data", "cifar100", "--hidden", "4", "--epochs", "1", "--validation", "5", "--batch-size", "5"]
    assert main(["train", "--out", "run", *train]) == 0
    data = read_json(Path("run/record.json"))["data"]
    assert (data["name"], data["official"]) == ("CIFAR-100", True)


def test_a_damaged_part(folder: Path) -> None:
    (folder / "test").write_bytes((folder / "train").read_bytes())
    with pytest.raises(DataError, match=r"test should hold images of shape \(3, 3072\)"):
        load(DataOptions(folder))
