"""MNIST and the sets of its layout: found, fetched from several sources, verified, read, kept."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fcnet.cli import main
from fcnet.data.dataset import DataOptions
from fcnet.data.datasets import DATASETS
from fcnet.data.fetch import fetch
from fcnet.data.find import find
from fcnet.data.idx import Idx
from fcnet.data.load import load
from fcnet.errors import DataError
from fcnet.records import read_json

from .conftest import ARCHIVE, Handler, Server, honest, remote_of


def idx(values: np.ndarray) -> bytes:
    """A compressed idx file of bytes."""
    head = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return gzip.compress(head + values.astype(np.uint8).tobytes(), mtime=0)


def files(seed: int = 0, classes: int = 10) -> dict[str, bytes]:
    rng = np.random.default_rng(seed)
    made = {}
    for part, rows in (("train", 30), ("t10k", 8)):
        made[f"{part}-images-idx3-ubyte.gz"] = idx(rng.integers(0, 256, (rows, 28, 28)))
        made[f"{part}-labels-idx1-ubyte.gz"] = idx(rng.integers(0, classes, rows))
    return made


def edition(name: str, contents: dict[str, bytes], *hosts: str) -> Idx:
    """The data set of a name, with these files."""
    about = DATASETS[name]
    assert isinstance(about, Idx)
    remotes = tuple(remote_of(n, raw, *(f"{host}/{n}" for host in hosts)) for n, raw in contents.items())
    return replace(about, files={remote.name: remote.sha256 for remote in remotes}, remotes=remotes)


def lay(folder: Path, contents: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, raw in contents.items():
        (folder / name).write_bytes(raw)
    return folder


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, bytes]]:
    """`mnist` and `fashion-mnist` name small editions, whose contents these are."""
    contents = {"mnist": files(0), "fashion-mnist": files(1)}
    for name, own in contents.items():
        monkeypatch.setitem(DATASETS, name, edition(name, own))
    return contents


def test_a_set_is_found_by_its_name_and_by_its_folder(
    known: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    lay(Path("data/mnist"), known["mnist"])
    elsewhere = lay(tmp_path / "somewhere", known["fashion-mnist"])
    for _ in range(2):
        mnist, fashion = load(DataOptions(Path("mnist"))), load(DataOptions(elsewhere))
        assert (mnist.label, mnist.image_shape, mnist.classes) == ("MNIST", (1, 28, 28), tuple("0123456789"))
        assert (len(mnist.train), len(mnist.test), mnist.origin.official) == (30, 8, True)
        assert (fashion.label, fashion.classes[9]) == ("Fashion-MNIST", "ankle boot")
    plain = gzip.decompress(known["mnist"]["train-images-idx3-ubyte.gz"])[16:]
    assert mnist.train.images.tobytes() == plain
    labels = gzip.decompress(known["mnist"]["t10k-labels-idx1-ubyte.gz"])[8:]
    assert mnist.test.labels.tolist() == list(labels)


def test_it_is_fetched_from_the_first_source_that_has_it(
    known: dict[str, dict[str, bytes]], server: Server, tmp_path: Path
) -> None:
    def serve(handler: Handler, content: bytes) -> None:
        honest(handler, known["mnist"][handler.path.rpartition("/")[2]])

    server.behaviours["files"] = serve
    about = edition("mnist", known["mnist"], f"{server.address}/404", f"{server.address}/files")
    folder = fetch(about, tmp_path / "new")
    assert {path.name for path in folder.iterdir()} == set(known["mnist"])
    assert about.read(folder).origin.official
    before = len(server.requests)
    fetch(about, tmp_path / "new")
    assert len(server.requests) == before
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    fetch(about, tmp_path / "new", source=f"{server.address}/files")
    assert [request.path for request in server.requests[before:]] == ["files"]


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_a_training_fetches_the_set_that_is_named(
    name: str, known: dict[str, dict[str, bytes]], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once: the second training finds it in the cache."""

    def serve(handler: Handler, content: bytes) -> None:
        honest(handler, known[name][handler.path.rpartition("/")[2]])

    server.behaviours["files"] = serve
    monkeypatch.setitem(DATASETS, name, edition(name, known[name], f"{server.address}/files"))
    train = ["train", "--data", name, "--recipe", "mnist", "--epochs", "1", "--validation", "5"]
    assert main([*train, "--batch-size", "5", "--out", "one"]) == 0
    before = len(server.requests)
    assert before == 4
    assert main([*train, "--batch-size", "5", "--out", "two"]) == 0
    assert len(server.requests) == before
    data = read_json(Path("one/record.json"))["data"]
    assert (data["official"], data["name"]) == (True, DATASETS[name].title)
    assert Path("one/model.safetensors").read_bytes() == Path("two/model.safetensors").read_bytes()


Spoil = Callable[[bytes], bytes]

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
NONE = "is not a complete idx file"
HEAD = b"\0\0\x08"

DAMAGE: dict[str, tuple[str, Spoil, str]] = {
    "cut": (IMAGES, lambda raw: raw[:-100], NONE),
    "not compressed": (IMAGES, lambda raw: b"plain", "cannot be unpacked"),
    "a row less": (IMAGES, lambda raw: idx(np.zeros((29, 28, 28))), r"has shape \(29, 28, 28\)"),
    "wider": (IMAGES, lambda raw: idx(np.zeros((30, 28, 29))), r"has shape \(30, 28, 29\)"),
    "label 10": (LABELS, lambda raw: idx(np.full(30, 10)), "labels beside .* go to 10"),
    "of floats": (LABELS, lambda raw: gzip.compress(bytes([0, 0, 13, 1]) + bytes(4)), NONE),
    "huge sizes": (IMAGES, lambda raw: gzip.compress(HEAD + b"\x03" + b"\xff" * 12), NONE),
    "many dimensions": (IMAGES, lambda raw: gzip.compress(HEAD + b"\xff"), NONE),
    "a bomb": (LABELS, lambda raw: gzip.compress(bytes(10**8)), f"cannot read|{NONE}"),
    "one bit": (IMAGES, lambda raw: raw[:4] + b"\x01" + raw[5:], "is damaged: its hash is"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_line(name: str, known: dict[str, dict[str, bytes]], tmp_path: Path) -> None:
    file, spoil, said = DAMAGE[name]
    folder = lay(tmp_path / "mnist", known["mnist"] | {file: spoil(known["mnist"][file])})
    with pytest.raises(DataError, match=said) as caught:
        DATASETS["mnist"].read(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_a_name_that_is_not_known_lists_those_that_are() -> None:
    known = "cifar10, cifar100, mnist, fashion-mnist, digits"
    with pytest.raises(DataError, match=rf"^imagenet \(--data\) does not exist, .*, or a data set: {known}$"):
        load(DataOptions(Path("imagenet")))
    assert load(DataOptions(Path("digits"))).label == "digits"


def test_a_users_own_code_adds_a_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = DATASETS["digits"]
    monkeypatch.setitem(DATASETS, "mine", replace(digits, title="mine"))
    assert load(DataOptions(Path("mine"))).name == "mine"


def test_the_published_tables_are_whole() -> None:
    for name, about in DATASETS.items():
        assert about.title
        for remote in about.remotes:
            assert len(remote.sha256) == 64, name
            assert all(source.endswith(f"/{remote.name}") for source in remote.sources)
    assert find() is None
    assert DATASETS["cifar10"].remotes[0].name == ARCHIVE
