"""A folder of pictures by class, or an .npz file, becomes a data set that nobody has to prepare."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fcnet.data.dataset import DataOptions, Dataset, split
from fcnet.data.own import load as loading
from fcnet.data.own.load import kind_of, load_own
from fcnet.data.own.picture import formats, suffixes
from fcnet.data.own.split import TEST_SHARE, held_out, mixed
from fcnet.errors import DataError, MissingExtraError
from fcnet.experiments.recipes import QUICK, TUNED, fitted
from fcnet.train.config import TrainConfig

from .conftest import CLASSES, picture, write_pictures

Arrays = dict[str, Any]


def rows_by_class(dataset: Dataset) -> dict[str, set[bytes]]:
    parts = (dataset.train, dataset.test)
    return {
        name: {bytes(row) for part in parts for row in part.images[part.labels == label]}
        for label, name in enumerate(dataset.classes)
    }


def test_every_picture_is_there_once_under_its_class(pictures: Path) -> None:
    dataset = load_own(pictures)
    assert (dataset.name, dataset.classes, dataset.image_shape) == ("pictures", CLASSES, (3, 12, 12))
    assert (len(dataset.train), len(dataset.test)) == (48, 12)
    assert dataset.origin.how == (
        "images of 3 classes, 12 x 12 in colour: 48 for training, 12 for testing, one in 5 of each class"
    )
    assert rows_by_class(dataset) == {
        name: {picture(label, n).transpose(2, 0, 1).tobytes() for n in range(20)}
        for label, name in enumerate(CLASSES)
    }
    train, validation = split(dataset.train, 9)
    for part, each in ((train, 13), (validation, 3), (dataset.test, 4)):
        assert np.bincount(part.labels, minlength=3).tolist() == [each] * 3


def test_the_second_start_reads_no_picture_and_a_change_is_noticed(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    first = load_own(pictures)
    with monkeypatch.context() as patch:
        patch.setattr(loading, "read_all", None)
        second = load_own(pictures)
    assert second.origin == first.origin
    np.testing.assert_array_equal(second.train.images, first.train.images)
    assert not second.train.images.flags.writeable
    Image.fromarray(picture(1, 99)).save(pictures / "dark" / "7.png")
    third = load_own(pictures)
    assert third.origin.sha256 != first.origin.sha256
    assert picture(1, 99).transpose(2, 0, 1).tobytes() in rows_by_class(third)["dark"]
    assert len(list(cache.glob("decoded/*/manifest.json"))) == 1  # of the folder as it was nothing stays


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "manifest.json"])
def test_a_damaged_cache_is_made_anew(name: str, pictures: Path, cache: Path) -> None:
    first = load_own(pictures)
    (kept,) = cache.glob(f"decoded/*/{name}")
    content = kept.read_bytes()[:100]
    kept.unlink()  # the first data set still maps the old file
    kept.write_bytes(content)
    second = load_own(pictures)
    assert second.origin == first.origin
    np.testing.assert_array_equal(second.test.images, first.test.images)
    load_own(pictures)


def test_a_cache_that_cannot_be_written_costs_time_only(
    pictures: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.write_text("no folder")
    assert len(load_own(pictures).train) == 48
    assert "cannot keep the images" in caplog.text


def test_sizes(pictures: Path, tmp_path: Path) -> None:
    assert load_own(pictures, DataOptions(image_size=5)).image_shape == (3, 5, 5)
    assert load_own(write_pictures(tmp_path / "flat", 2, 20, 30)).image_shape == (3, 20, 30)
    assert load_own(write_pictures(tmp_path / "large", 2, 70, 90)).image_shape == (3, 32, 32)
    Image.fromarray(picture(0, 0, 9, 100)).save(pictures / "dark" / "odd.png")
    assert load_own(pictures).image_shape == (3, 12, 12)  # the median of the shorter sides
    with pytest.raises(DataError, match=r"--image-size is 0, give from 1"):
        load_own(pictures, DataOptions(image_size=0))


def test_pictures_without_colours_stay_grey(pictures: Path) -> None:
    for path in pictures.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    grey = load_own(pictures)
    assert grey.image_shape == (1, 12, 12)
    expected = np.asarray(Image.open(pictures / "dark" / "3.png")).tobytes()
    assert expected in rows_by_class(grey)["dark"]
    Image.fromarray(picture(0, 0)).save(pictures / "dark" / "in_colour.png")
    assert load_own(pictures).image_shape == (3, 12, 12)


def test_parts_of_a_users_own(pictures: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(pictures, whole / "train")
    write_pictures(whole / "val", each=3)
    write_pictures(whole / "test", each=2)
    dataset = load_own(whole)
    assert (len(dataset.train), len(dataset.test), dataset.validation) == (69, 6, 9)
    assert "60 for training, 9 for validation, 6 for testing; images that are in two" in dataset.origin.how
    validation = split(dataset.train, 9)[1]
    held = {bytes(row) for row in validation.images}
    assert held == {picture(label, n).transpose(2, 0, 1).tobytes() for label in range(3) for n in range(3)}
    assert fitted(TrainConfig(), dataset).validation == 9
    with pytest.raises(DataError, match="validation is 20, and 9 examples were set apart"):
        fitted(TrainConfig(validation=20), dataset)
    (whole / "test" / "dark").rename(whole / "test" / "zebra")
    with pytest.raises(DataError, match=r"test/zebra is not a class of .*train"):
        load_own(whole)


def test_a_class_may_be_called_train(pictures: Path) -> None:
    (pictures / "dark").rename(pictures / "train")
    assert load_own(pictures).classes == ("bright", "mixed", "train")


def test_what_programs_leave_in_folders_is_no_class_and_no_picture(pictures: Path) -> None:
    first = load_own(pictures).origin.sha256
    (pictures / ".git").mkdir()
    (pictures / "__MACOSX").mkdir()
    (pictures / "readme.txt").write_text("mine")
    (pictures / "dark" / ".DS_Store").write_text("theirs")
    (pictures / "dark" / "notes.txt").write_text("mine")
    dataset = load_own(pictures)
    assert dataset.origin.sha256 == first
    assert dataset.origin.how.endswith("; files that are not pictures: 1, such as notes.txt")


def test_a_folder_that_cannot_be_trained_on_is_one_line(pictures: Path, tmp_path: Path) -> None:
    def refused(folder: Path, said: str) -> None:
        with pytest.raises(DataError, match=said):
            load_own(folder)

    refused(pictures / "dark", "dark holds no folders of pictures, give one folder per class")
    refused(tmp_path / "nowhere", "cannot read .*nowhere: No such file")
    (pictures / "empty").mkdir()
    refused(pictures, r"empty holds no pictures, put some there or remove the folder")
    (pictures / "empty").rmdir()
    (pictures / "dark" / "5.png").write_text("no picture")
    refused(pictures, r"dark/5.png is damaged, or not a picture that Pillow can open; repair or remove them")
    (pictures / "dark" / "6.png").write_text("no picture")
    refused(
        pictures, r"dark/5.png is damaged, or .*, and 1 others? cannot be read either; repair or remove them"
    )
    for name in ("bright", "mixed"):
        shutil.rmtree(pictures / name)
    refused(pictures, "pictures holds one class only, dark; give a folder for each of two or more")


def test_whose_data_they_are(pictures: Path, tmp_path: Path) -> None:
    assert kind_of(pictures) == "pictures"
    assert kind_of(tmp_path / "x.npz") == "arrays"
    assert not kind_of(tmp_path / "nowhere")
    (tmp_path / "cifar").mkdir()
    assert not kind_of(tmp_path / "cifar")
    (tmp_path / "cifar" / "data_batch_1").touch()
    (tmp_path / "cifar" / "other").mkdir()
    assert not kind_of(tmp_path / "cifar")  # a damaged copy of CIFAR-10 is said to be one


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=120))
def test_every_stretch_of_the_order_has_the_classes_in_their_shares(given_labels: list[int]) -> None:
    labels = np.array(given_labels)
    order = mixed(labels)
    assert sorted(order) == list(range(len(labels)))
    for label in set(given_labels):
        places = np.flatnonzero(labels[order] == label)
        share = len(places) / len(labels)
        for start in range(0, len(labels), 10):
            stretch = ((places >= start) & (places < start + 10)).sum()
            assert abs(stretch - 10 * share) <= 5 or start + 10 > len(labels)
    counts = np.bincount(labels)
    if counts.max() > 1:
        train, test = held_out(labels)
        assert sorted([*train, *test]) == list(range(len(labels)))
        wanted = np.maximum(np.round(counts / TEST_SHARE), counts > 1)
        assert np.bincount(labels[test], minlength=len(counts)).tolist() == wanted.tolist()
        assert set(labels[train]) == set(given_labels)
    else:
        with pytest.raises(DataError, match="no class has two examples"):
            held_out(labels)


# Layouts


def nest(pictures: Path, *moves: tuple[str, str]) -> Path:
    for old, new in moves:
        (pictures / new).parent.mkdir(parents=True, exist_ok=True)
        (pictures / old).rename(pictures / new)
    return pictures


@pytest.mark.parametrize("names", [("training_set", "test_set"), ("Train", "Validation-Set", "test data")])
def test_the_usual_names_of_parts(names: tuple[str, ...], tmp_path: Path) -> None:
    for name in names:
        write_pictures(tmp_path / "whole" / name, each=4)
    dataset = load_own(tmp_path / "whole")
    assert dataset.classes == CLASSES
    assert (len(dataset.test), dataset.validation) == (12, 12 if len(names) == 3 else None)


@pytest.mark.parametrize(
    ("moves", "said"),
    [
        (
            [("dark", "train/dark"), ("bright", "train/bright")],
            "train, which looks like a part",
        ),
        ([("dark", "dark/train")], "dark holds parts of a data set; give train/dark and test/dark in"),
    ],
)
def test_a_mixed_layout_is_refused(moves: list[tuple[str, str]], said: str, pictures: Path) -> None:
    if said.startswith("dark"):
        (pictures / "dark").rename(pictures / "away")
        moves = [("away", "dark/train")]
    with pytest.raises(DataError, match=said):
        load_own(nest(pictures, *moves))


def test_parts_that_an_archive_wrapped_once_more_are_refused(tmp_path: Path) -> None:
    """One folder in another of its name, as some published data sets come."""
    for name in ("seg_train", "seg_test"):
        write_pictures(tmp_path / "all" / name / name, each=2)
    with pytest.raises(DataError, match="hold folders of the same names, such as bright and dark; give one"):
        load_own(tmp_path / "all")


def test_a_link_that_leads_nowhere_is_a_damaged_picture(pictures: Path) -> None:
    (pictures / "dark" / "gone.png").symlink_to(pictures / "nowhere.png")
    with pytest.raises(DataError, match=r"gone\.png: .*; repair or remove them, or give --skip-damaged"):
        load_own(pictures)
    assert load_own(pictures, DataOptions(skip_damaged=True)).origin.skipped == ("dark/gone.png",)


def test_classes_below_what_looks_like_classes_are_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path / "all" / "monday", each=2)
    write_pictures(tmp_path / "all" / "tuesday", each=2)
    with pytest.raises(DataError, match="hold folders of the same names, such as bright and dark; give one"):
        load_own(tmp_path / "all")


def test_folders_within_a_class_are_its_own(pictures: Path) -> None:
    (pictures / "dark" / "more").mkdir()
    (pictures / "dark" / "7.png").rename(pictures / "dark" / "more" / "7.png")
    assert len(load_own(pictures).train) == 48


def test_links_to_folders_are_followed_and_a_loop_ends(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for number in range(30, 40):
        Image.fromarray(picture(1, number)).save(tmp_path / "elsewhere" / f"{number}.png")
    (pictures / "dark" / "linked").symlink_to(tmp_path / "elsewhere")
    (pictures / "dark" / "loop").symlink_to(pictures / "dark")
    (pictures / "dark" / "again").symlink_to(tmp_path / "elsewhere")
    dataset = load_own(pictures)
    assert len(dataset.train) + len(dataset.test) == 70
    assert len(rows_by_class(dataset)["dark"]) == 30


def test_a_folder_that_cannot_be_entered_is_said(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pictures / "dark" / "private").mkdir()
    real = Path.iterdir

    def forbidden(self: Path) -> Any:
        if self.name == "private":
            raise PermissionError(13, "Permission denied", str(self))
        return real(self)

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(DataError, match=r"cannot read .*dark/private: Permission denied"):
        load_own(pictures)


def test_what_systems_leave_is_passed_over_and_counted(pictures: Path) -> None:
    first = load_own(pictures).origin.sha256
    for name in ("@eaDir", "$RECYCLE.BIN", "lost+found"):
        (pictures / name).mkdir()
    (pictures / "dark" / "@eaDir").mkdir()
    Image.fromarray(picture(0, 0)).save(pictures / "dark" / "@eaDir" / "5.png")
    (pictures / "dark" / "Thumbs.db").touch()
    dataset = load_own(pictures)
    assert dataset.origin.sha256 == first
    assert dataset.origin.how.endswith("; passed over 5 that a system left there")


def test_a_class_of_other_files_names_one(pictures: Path) -> None:
    (pictures / "phone").mkdir()
    (pictures / "phone" / "a.heic").touch()
    with pytest.raises(DataError, match=r"phone holds no pictures but 1 other file, such as a\.heic"):
        load_own(pictures)


def test_a_picture_replaced_at_the_same_size_and_time_is_noticed(pictures: Path) -> None:
    path = pictures / "dark" / "3.bmp"
    (pictures / "dark" / "3.png").unlink()
    Image.fromarray(picture(1, 3)).save(path)
    load_own(pictures)
    before = path.stat()
    Image.fromarray(picture(1, 77)).save(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert picture(1, 77).transpose(2, 0, 1).tobytes() in rows_by_class(load_own(pictures))["dark"]


def test_a_pipe_is_no_picture(pictures: Path) -> None:
    os.mkfifo(pictures / "dark" / "x.png")
    with pytest.raises(DataError, match=r"cannot read .*x.png: no regular file"):
        load_own(pictures)


def test_without_pillow_the_extra_is_named(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    formats.cache_clear()
    suffixes.cache_clear()
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'fcnet\[images\]'"):
        load_own(pictures)


# Arrays


def saved(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def examples(n: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 4, 5, 3), dtype=np.uint8), np.arange(n) % 4


def test_images_of_an_array(tmp_path: Path) -> None:
    X, y = examples()
    dataset = load_own(saved(tmp_path / "mine.npz", X=X, y=y))
    assert (dataset.name, dataset.classes, dataset.image_shape) == ("mine", ("0", "1", "2", "3"), (3, 4, 5))
    assert (len(dataset.train), len(dataset.test)) == (32, 8)
    assert rows_by_class(dataset) == {
        str(label): {x.transpose(2, 0, 1).tobytes() for x in X[y == label]} for label in range(4)
    }
    as_integers = load_own(saved(tmp_path / "wide.npz", X=X.astype(np.int64), y=y))
    assert as_integers.origin.sha256 == dataset.origin.sha256
    grey = load_own(saved(tmp_path / "grey.npz", X=X[..., 0], y=y, X_test=X[:8, ..., 0], y_test=y[:8]))
    assert (grey.image_shape, len(grey.train), len(grey.test)) == ((1, 4, 5), 40, 8)
    np.testing.assert_array_equal(grey.test.images, X[:8, ..., 0].reshape(8, -1))


def test_features_and_labels_of_any_name(tmp_path: Path) -> None:
    X = np.random.default_rng(0).standard_normal((40, 7))
    y = np.array(["oak", "elm"])[np.arange(40) % 2]
    dataset = load_own(saved(tmp_path / "a.npz", X=X, y=y, X_val=X[:6], y_val=y[:6]))
    assert (dataset.image_shape, dataset.classes, dataset.validation) == ((1, 1, 7), ("elm", "oak"), 6)
    assert dataset.train.images.dtype == np.float64
    assert dataset.origin.how.startswith(
        "rows of 7 numbers of 2 classes: 32 for training, 6 for validation, 8 "
    )
    of_test = {tuple(row) for row in X[y == "oak"]}
    assert all(tuple(row) in of_test for row in dataset.test.images[dataset.test.labels == 1])
    named = load_own(saved(tmp_path / "b.npz", X=X, y=(y == "oak") * 2, classes=["elm", "ash", "oak"]))
    assert named.classes == ("elm", "ash", "oak")
    assert set(named.train.labels) == {0, 2}


X, Y = examples()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"X": X}, "lacks y, save examples with their labels"),
        ({"X": X, "y": Y, "X_test": X}, "lacks y_test"),
        ({"X": X, "y": Y, "Z": X}, "has the unknown array Z, known are X, X_test, X_val, classes, y, "),
        ({"X": X, "y": Y[:-1]}, r"y in .* has shape \(39,\), give one label for each of the 40 rows of X"),
        ({"X": X, "y": Y + 0.5}, "y in .* has dtype float64, give whole numbers or text"),
        ({"X": X, "y": 0 * Y}, "has one class only"),
        (
            {"X": X, "y": np.where(Y > 1, "a" * 501, "b")},
            "has a class name of 501 characters, give at most 500",
        ),
        ({"X": X / 255, "y": Y}, "has images of dtype float64, give pixels from 0 to 255 as uint8"),
        ({"X": X.astype(int) + 1, "y": Y}, "has pixels from 1 to 256, give 0 to 255"),
        ({"X": X.transpose(0, 3, 1, 2), "y": Y}, "give 1 or 3 channels, and these last"),
        ({"X": X[0, 0, 0], "y": Y}, r"has shape \(3,\), give \(N, D\)"),
        ({"X": np.full((40, 3), np.nan), "y": Y}, "holds NaN or infinity, the first in row 0"),
        (
            {"X": X.astype("U3"), "y": Y},
            r"has dtype <U3, give real numbers; its text .*: save X.astype\(float",
        ),
        ({"X": X, "y": np.array([{}] * 40)}, "holds Python objects, which are never loaded"),
        ({"X": X, "y": Y, "X_test": X, "y_test": Y + 1}, "y_test in .* has the label 4, which y lacks"),
        (
            {"X": X, "y": Y, "X_test": X[:, :2], "y_test": Y},
            r"X_test in .* has examples of shape \(3, 2, 5\)",
        ),
        ({"X": X, "y": Y, "X_test": X, "y_test": Y.astype(str)}, "y_test in .* has dtype <U"),
        ({"X": X, "y": Y, "classes": ["a", "b"]}, "label 2 in row 2 of y in .* is out of range"),
    ],
)
def test_arrays_that_cannot_be_trained_on_are_one_line(arrays: Arrays, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        load_own(saved(tmp_path / "a.npz", **arrays))


def header(text: str) -> bytes:
    """The head of an array file."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (b"no array", "X in .* is damaged or not an array: the magic string is not correct"),
        (header("{'descr': '<u1', 'fortran_order': False, 'shape': (2**70,)}\n"), "is damaged"),
        (header(f"{{'descr': '<u1', 'fortran_order': False, 'shape': ({2**70},)}}\n"), "is damaged"),
        (header("{'descr': '<u1', 'fortran_order': False, 'shape': (\n"), "is damaged"),
        (header("(" * 65535), "is damaged"),
    ],
)
def test_a_member_that_is_no_array_is_one_line(member: bytes, said: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", y=Y)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("X" if said.startswith("X") else "X.npy", member)
    with pytest.raises(DataError, match=said) as caught:
        load_own(tmp_path / "a.npz")
    assert "\n" not in str(caught.value)


def member(size: int, holds: int) -> bytes:
    """An array of zeros in a file that states another size."""
    return header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size},)}}\n") + bytes(holds)


@pytest.mark.parametrize(
    ("size", "holds", "said"),
    [
        (9_999_999_999, 9, "X in .* is damaged or not an array: EOF"),
        (5, 1_000_000, "X in .* is damaged or not an array: it is longer than its head states"),
    ],
)
def test_an_array_of_another_size_than_it_states_is_refused_without_reading_more(
    size: int, holds: int, said: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", y=Y)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("X.npy", member(size, holds), zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match=said):
        load_own(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (zipfile.ZIP_BZIP2, "not packed as NumPy packs arrays"),
        (
            zipfile.ZIP_DEFLATED,
            r"a\.npz takes about 160 MB of memory and 100 MB are available; save fewer or",
        ),
    ],
)
def test_arrays_are_measured_before_they_are_unpacked(
    method: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of 40 kB unpacks to 40 MB."""
    size = 40_000_000 if method == zipfile.ZIP_DEFLATED else 1_000_000
    monkeypatch.setattr("fcnet.memory.available", lambda: 100_000_000)
    monkeypatch.setattr("fcnet.data.own.arrays.read_array", lambda *_, **__: pytest.fail("it was unpacked"))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("X.npy", member(size, size), method)
        archive.writestr("y.npy", member(40, 40))
    with pytest.raises(DataError, match=said):
        load_own(tmp_path / "a.npz")


@pytest.mark.parametrize("left", [None, 10**9])
def test_honest_arrays_that_pack_well_are_loaded(
    left: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcnet.memory.available", lambda: left)
    one_hot = np.eye(2, dtype=np.uint8)[np.arange(2_000) % 2].repeat(500, axis=1)
    np.savez_compressed(tmp_path / "a.npz", X=one_hot, y=np.arange(2_000) % 2)
    assert (tmp_path / "a.npz").stat().st_size < one_hot.nbytes / 100
    assert load_own(tmp_path / "a.npz").train.images.shape[1] == 1_000


def test_a_file_that_is_no_npz_is_one_line(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", X=X, y=Y)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    np.save(tmp_path / "b.npy", X)
    (tmp_path / "c.npz").write_text("text")
    for name in ("a.npz", "b.npy", "c.npz", "missing.npz"):
        with pytest.raises(DataError, match=name):
            load_own(tmp_path / name)
    with pytest.raises(DataError, match="--image-size is for a folder of pictures"):
        load_own(tmp_path / "a.npz", DataOptions(image_size=8))


def test_a_folder_of_arrays_is_the_file_of_them(tmp_path: Path) -> None:
    whole = load_own(saved(tmp_path / "a.npz", X=X, y=Y, X_test=X[:9], y_test=Y[:9]))
    folder = tmp_path / "arrays"
    folder.mkdir()
    for name, array in {"x": X, "y": Y, "X_test": X[:9], "y_test": Y[:9]}.items():
        np.save(folder / f"{name}.npy", array)
    (folder / "notes.txt").touch()
    assert kind_of(folder) == "arrays"
    dataset = load_own(folder)
    assert dataset.origin.sha256 == whole.origin.sha256
    np.testing.assert_array_equal(dataset.train.images, whole.train.images)
    np.save(folder / "y_test.npy", np.array([{}] * 9), allow_pickle=True)
    with pytest.raises(DataError, match=r"y_test\.npy holds Python objects, which are never loaded"):
        load_own(folder)
    (folder / "y_test.npy").unlink()
    with pytest.raises(DataError, match="arrays lacks y_test, save examples with their labels"):
        load_own(folder)
    np.savez(folder / "y_test.npz", Y)
    (folder / "y_test.npz").rename(folder / "y_test.npy")
    with pytest.raises(DataError, match=r"y_test\.npy holds several arrays, save each as one"):
        load_own(folder)
    with pytest.raises(DataError, match="--image-size is for a folder of pictures"):
        load_own(folder, DataOptions(image_size=8))


# Settings


def test_defaults_are_fitted_to_few_examples_and_choices_stay(pictures: Path) -> None:
    dataset = load_own(pictures)
    quick = fitted(QUICK, dataset)
    assert (quick.validation, quick.batch_size, quick.components) == (9, 3, QUICK.components)
    assert fitted(quick, dataset) == quick
    assert fitted(TUNED, dataset).components == TUNED.components
    assert fitted(TUNED, load_own(pictures, DataOptions(image_size=6))).components == 108
    chosen = TrainConfig(validation=12, batch_size=7)
    assert fitted(chosen, dataset) == chosen


def test_links_and_names_of_other_scripts(pictures: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (pictures / "dark").rename(elsewhere)
    (pictures / "猫 $x$").symlink_to(elsewhere)
    assert load_own(pictures).classes == ("bright", "mixed", "猫 $x$")
