"""The way in, from nothing to a data set: found, else fetched, else digits, and never in silence."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fcnet.data import digits
from fcnet.data.dataset import DataOptions
from fcnet.data.datasets import DATASETS
from fcnet.data.digits import load_digits
from fcnet.data.download import UnavailableError
from fcnet.data.load import load, load_known
from fcnet.errors import DataError, MissingExtraError

from .conftest import ARCHIVE, CLASSES, FOLDER, ROWS, Server, Small, write_folder
from .test_fetch import offline_url


@pytest.fixture(autouse=True)
def known(small_known: Small) -> None:
    """`cifar10` names the small edition."""


@pytest.fixture
def offline(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every known source refuses the connection."""
    monkeypatch.setitem(DATASETS, "cifar10", small.at(offline_url()))


def test_a_folder_that_torchvision_left(small: Small, own_world: Path) -> None:
    (Path("data")).mkdir()
    write_folder(Path("data"))
    (Path("data") / ARCHIVE).write_bytes(small.archive)
    data = load()
    assert (data.name, data.label, data.classes, data.image_shape) == (
        "CIFAR-10",
        "CIFAR-10",
        CLASSES,
        (3, 32, 32),
    )
    assert (len(data.train), len(data.test)) == (5 * ROWS, ROWS)
    assert data.origin.official is True
    assert data.origin.path == str((Path("data") / FOLDER).absolute())
    assert not (own_world / FOLDER).exists()


def test_an_archive_alone_is_unpacked_to_the_cache(small: Small, own_world: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / ARCHIVE).write_bytes(small.archive)
    for data in (tmp_path / "mine", tmp_path / "mine" / ARCHIVE):
        assert load_known("CIFAR-10", data).origin.path.startswith(str(own_world))
    assert [p.name for p in (tmp_path / "mine").iterdir()] == [ARCHIVE]


@pytest.mark.parametrize("size", ["its own", "another"])
def test_a_known_copy_in_the_cache_stands_for_an_archive_of_the_published_size(
    size: str, small: Small, own_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ARCHIVE).write_bytes(small.archive)
    first = load_known("CIFAR-10", tmp_path)
    if size == "another":
        (tmp_path / ARCHIVE).write_bytes(small.archive[:-1])
        with pytest.raises(DataError, match="is not the published archive"):
            load_known("CIFAR-10", tmp_path)
        return
    monkeypatch.setattr("fcnet.data.archive.extract", None)
    assert load_known("CIFAR-10", tmp_path).origin == first.origin
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [ARCHIVE]


def test_another_copy_in_the_cache_does_not_stand_for_an_archive(
    small: Small, own_world: Path, tmp_path: Path
) -> None:
    write_folder(own_world, suffix="jpg")
    assert load_known("CIFAR-10").origin.official is False
    (tmp_path / ARCHIVE).write_bytes(small.archive)
    with pytest.raises(DataError, match=r"is there and is not the published file, move .* away"):
        load_known("CIFAR-10", tmp_path)


def test_a_named_archive_is_never_passed_over_for_the_cache(own_world: Path, tmp_path: Path) -> None:
    write_folder(own_world)
    (tmp_path / ARCHIVE).write_bytes(b"not it")
    with pytest.raises(DataError, match="is not the published archive: it has 6 bytes"):
        load_known("CIFAR-10", tmp_path)


def test_without_a_copy_the_places_are_named(own_world: Path) -> None:
    with pytest.raises(DataError, match=rf"no CIFAR-10 in data, datasets, {own_world}, fetch it with"):
        load_known("CIFAR-10")


def test_it_is_fetched_once(
    small: Small, server: Server, own_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DATASETS, "cifar10", small.at(server.url("honest")))
    told: list[tuple[str, int, int]] = []
    for _ in range(2):
        data = load(shown=lambda unit: nullcontext(lambda *done: told.append(done)))
        assert data.origin.path == str(own_world / FOLDER)
    assert len(server.requests) == 1
    assert told[-1][1:] == (len(small.archive), len(small.archive))


@pytest.mark.usefixtures("offline")
def test_offline_it_is_digits_and_says_so() -> None:
    data = load()
    assert data.name == "digits"
    assert data.label == "digits (CIFAR-10 is not available)"


@pytest.mark.usefixtures("offline")
def test_offline_but_required_it_refuses() -> None:
    with pytest.raises(UnavailableError, match="offline: no connection to 127"):
        load(DataOptions(require_cifar10=True))


def test_forbidden_to_fetch_it_is_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FCNET_OFFLINE", "1")
    assert load().name == "digits"
    with pytest.raises(UnavailableError, match="FCNET_OFFLINE is set"):
        load(DataOptions(require_cifar10=True))


@pytest.mark.usefixtures("offline")
def test_a_named_folder_or_a_damaged_copy_is_never_replaced_by_digits(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load(DataOptions(tmp_path / "missing"))
    (write_folder(Path("data")) / "test_batch").write_bytes(b"junk")
    with pytest.raises(DataError, match="test_batch is not a data file"):
        load()


class TestDigits:
    def test_shapes_and_scale(self) -> None:
        data = load_digits()
        assert data.train.images.shape == (1437, 64)
        assert data.test.images.shape == (360, 64)
        assert data.train.images.dtype == np.uint8
        assert (data.train.images.min(), data.train.images.max()) == (0, 255)
        assert data.train.labels.dtype == np.int64
        assert data.classes == tuple("0123456789")
        assert data.image_shape == (1, 8, 8)
        assert (data.label, data.origin.official) == ("digits", None)

    def test_every_image_once_with_its_label(self) -> None:
        from sklearn.datasets import load_digits as published

        def rows(images: np.ndarray, labels: np.ndarray) -> list[tuple[int, ...]]:
            return sorted(
                (*image, label) for image, label in zip(images.tolist(), labels.tolist(), strict=True)
            )

        data, bunch = load_digits(), published()
        images = np.concatenate([data.train.images, data.test.images])
        labels = np.concatenate([data.train.labels, data.test.labels])
        assert rows(images, labels) == rows(np.rint(bunch.data * 255 / 16).astype(int), bunch.target)

    def test_without_scikit_learn_the_extra_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(digits, "find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r"pip install 'fcnet\[sklearn\]'$"):
            load_digits()

    def test_scikit_learn_is_not_imported(self) -> None:
        code = "import sys; from fcnet.data.digits import load_digits; load_digits(); "
        code += "assert 'sklearn' not in sys.modules"
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_classes_are_shared_fairly_and_mixed(self) -> None:
        data = load_digits()
        share = np.bincount(data.test.labels) / np.bincount(
            np.concatenate([data.train.labels, data.test.labels])
        )
        assert np.abs(share - 0.2).max() < 0.01
        assert len(np.unique(data.train.labels[-100:])) == 10  # a validation split takes the last rows

    def test_the_split_is_fixed(self) -> None:
        assert load_digits().origin.sha256 == load_digits("again").origin.sha256
        assert load_digits().origin.sha256.startswith("592aa16998c55e07")


def test_a_run_finds_its_data_where_they_were(
    small: Small, own_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --data; where they have gone, or $FCNET_DATA names a folder, the usual places are searched."""
    from fcnet.cli.loading import load_as_recorded

    elsewhere = own_world / "elsewhere"
    elsewhere.mkdir(parents=True)
    origin = {"name": "CIFAR-10", "path": str(write_folder(elsewhere))}
    assert load_as_recorded({"data": origin}, None).origin.path == origin["path"]
    gone = origin | {"path": str(own_world)}
    with pytest.raises(DataError, match="no CIFAR-10 in data"):
        load_as_recorded({"data": gone}, None)
    monkeypatch.setenv("FCNET_DATA", str(own_world / "nowhere"))
    with pytest.raises(DataError, match="nowhere"):
        load_as_recorded({"data": origin}, None)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (-1, "label -1 of training example 7 of digits names none of its 10 classes"),
        (10, "label 10 of training example 7 of digits names none"),
        (0.5, "labels of digits are float64, give whole numbers from 0 to 9"),
    ],
)
def test_a_label_that_names_no_class_is_refused(label: float, said: str) -> None:
    digits = load_digits()
    labels = digits.train.labels.astype(np.asarray(label).dtype)
    labels[7] = label
    with pytest.raises(DataError, match=said):
        replace(digits, train=replace(digits.train, labels=labels))
