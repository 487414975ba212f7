"""Rows that are read while a network trains give the weights that they give from memory."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.data import blocks
from fcnet.data.blocks import Blocks
from fcnet.data.dataset import DataOptions, Dataset, Part, split
from fcnet.data.minibatches import minibatches
from fcnet.data.own.load import load_own
from fcnet.data.reader import StreamReader
from fcnet.data.streamed import RowFile, Streamed
from fcnet.errors import DataError
from fcnet.experiments.recipes import QUICK, fitted
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback
from fcnet.train.config import TrainConfig

from .conftest import assert_fits_only_streamed, fcnet, write_pictures

Array = np.ndarray[Any, Any]

WIDTH = 6


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 5 rows and windows of 4 blocks, so that few rows make many windows."""
    monkeypatch.setattr(blocks, "BLOCK", 5 * WIDTH * 4)
    monkeypatch.setattr(blocks, "WINDOW", 20 * WIDTH * 4)


def rows(count: int = 403, seed: int = 0) -> tuple[Array, Array]:
    """Sorted by class, as they often are."""
    rng = np.random.default_rng(seed)
    y = np.sort(np.arange(count) % 3)
    centres = 3 * np.random.default_rng(9).standard_normal((3, WIDTH))
    return (centres[y] + rng.standard_normal((count, WIDTH))).astype(np.float32), y


def folder(count: int = 403, **more: Array) -> Path:
    path = Path("rows")
    path.mkdir()
    X, y = rows(count)
    for name, array in {"X": X, "y": y, **more}.items():
        np.save(path / f"{name}.npy", array)
    return path


def settings(dataset: Dataset, **own: Any) -> TrainConfig:
    return fitted(replace(QUICK, batch_size=12, epochs=3, hidden=(16,), **own), dataset)


def in_memory(dataset: Dataset, config: TrainConfig) -> Dataset:
    """The same rows as arrays, in the order that the split leaves, which sorts those for training."""
    train, validation = split(dataset.train, config.validation)

    both = np.concatenate([np.asarray(train.images), np.asarray(validation.images)])
    part = Part(both, np.concatenate([train.labels, validation.labels]))
    return replace(dataset, train=part)


@pytest.mark.parametrize("count", [1, 5, 19, 20, 21, 403])
def test_an_order_has_every_row_once_and_windows_apart(count: int) -> None:
    order = Blocks(5, 4).order(count, np.random.default_rng(3))
    assert sorted(order) == list(range(count))
    for start in range(0, count - 20, 20):
        if count % 5 == 0:
            assert len({row // 5 for row in order[start : start + 20]}) == 4
    if count > 100:
        assert np.abs(np.corrcoef(order, np.arange(count))[0, 1]) < 0.3


def test_the_reader_gives_the_rows_that_memory_gives() -> None:
    path = folder()
    file = RowFile.open(path / "X.npy")
    places = np.sort(np.random.default_rng(0).choice(403, 300, replace=False))
    given = Streamed([file], places)
    whole = np.load(path / "X.npy")[places]
    np.testing.assert_array_equal(np.asarray(given), whole)
    np.testing.assert_array_equal(np.asarray(given[40:90]), whole[40:90])
    turned = np.random.default_rng(1).permutation(300)
    np.testing.assert_array_equal(np.asarray(given[turned]), whole[turned])
    reader = StreamReader(given)
    for size in (1, 12, 50, 300):  # of more than a window, too
        for epoch in (0, 1, 0):
            for skip in (0, 3):
                seen = []
                for batch in minibatches(
                    300, size, 1, 7, epoch, skip=min(skip, 300 // size - 1), blocks=given.blocks
                ):
                    np.testing.assert_array_equal(reader.gather(batch), whole[batch.rows])
                    seen += batch.rows.tolist()
                assert skip or sorted(seen) == list(range(300))


def test_workers_read_blocks_of_their_own() -> None:
    path = folder()
    given = Streamed([RowFile.open(path / "X.npy")], np.arange(403))
    whole = np.load(path / "X.npy")
    readers = [StreamReader(given, worker, 3) for worker in range(3)]
    for batch in minibatches(403, 12, 1, 7, 0, blocks=given.blocks):
        shares = [reader.share(batch) for reader in readers]
        assert sorted(np.concatenate(shares)) == list(range(len(batch.rows)))
        for reader, share in zip(readers, shares, strict=True):
            np.testing.assert_array_equal(reader.gather(batch), whole[batch.rows[share]])
    for worker, reader in enumerate(readers):
        read = [future.result() for future in reader._read.values()]
        assert sum(map(len, read)) <= 3 * 20  # of three windows
        assert {block % 3 for window in reader._layout((7, 0))[0] for block in window} == {worker}


def test_each_row_is_read_once_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    given = load_own(folder(), DataOptions(stream=True))
    config = settings(given)
    train, _ = split(given.train, config.validation)
    read: list[int] = []
    original = RowFile.read

    def counted(self: RowFile, first: int, out: Array) -> None:
        read.append(len(out))
        original(self, first, out)

    monkeypatch.setattr(RowFile, "read", counted)
    reader = StreamReader(train.images)  # type: ignore[arg-type]
    for batch in minibatches(len(train), 12, 1, 0, 0, blocks=train.blocks):
        reader.gather(batch)
    reader._thread.shutdown()
    # with the rows between that are held out, and the first window of the next epoch
    assert len(train) <= sum(read) <= 1.2 * 403


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_the_weights_are_those_of_the_same_order_in_memory(engine: str) -> None:
    if engine == "torch":
        pytest.importorskip("torch")
    given = load_own(folder(), DataOptions(stream=True))
    config = settings(given, engine=engine)
    record = train_run(config, given, Path("streamed"))
    assert record["metrics"]["val_accuracy"] > 0.9
    twin = in_memory(given, config)

    def with_blocks(part: Part, validation: int) -> tuple[Part, Part]:
        train, held = split(part, validation)
        return replace(train, blocks=Blocks.of(4 * WIDTH)), held

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fcnet.runs.training.split", with_blocks)
        train_run(config, twin, Path("memory"))
    for name in ("model.safetensors", "input.safetensors"):
        assert Path("streamed", name).read_bytes() == Path("memory", name).read_bytes()
    train_run(config, twin, Path("other"))  # which mixes all rows
    assert Path("streamed/model.safetensors").read_bytes() != Path("other/model.safetensors").read_bytes()


class Stop(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        if step == self.step:
            import signal

            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("step", [1, 17, 40])
def test_a_stopped_training_resumes_bit_for_bit(step: int) -> None:
    given = load_own(folder(), DataOptions(stream=True))
    config = settings(given)
    train_run(config, given, Path("whole"))
    with pytest.raises(KeyboardInterrupt):
        train_run(config, given, Path("stopped"), callback=Stop(step))
    again = load_own(Path("rows"), DataOptions(stream=True))
    train_run(config, again, Path("stopped"), resume=True)
    assert Path("whole/model.safetensors").read_bytes() == Path("stopped/model.safetensors").read_bytes()


def test_the_split_is_that_of_memory_and_parts_may_come_apart() -> None:
    X, y = rows(50, seed=1)
    path = folder(X_test=X, y_test=y)
    first, second = load_own(path), load_own(path, DataOptions(stream=True))
    np.testing.assert_array_equal(first.test.images, np.asarray(second.test.images))
    np.testing.assert_array_equal(first.train.images, np.asarray(second.train.images))
    np.testing.assert_array_equal(first.train.labels, second.train.labels)
    assert second.origin.how.endswith("; read while training")
    train, validation = split(second.train, 40)
    assert isinstance(train.images, Streamed)
    assert (np.diff(train.images.places) > 0).all()
    np.testing.assert_array_equal(np.asarray(validation.images), first.train.images[-40:])
    order = np.argsort(order_of(second.train)[:-40])
    np.testing.assert_array_equal(np.asarray(train.images), first.train.images[:-40][order])


def order_of(part: Part) -> Array:
    assert isinstance(part.images, Streamed)
    return part.images.places


def test_the_command_streams_tests_and_resumes(capsys: pytest.CaptureFixture[str]) -> None:
    folder()
    write_pictures(Path("pictures"), each=2)
    command = ("train", "--out", "run", "--data", "rows", "--stream", "--recipe", "quick")
    status, out, err = fcnet(capsys, *command)
    assert (status, err) == (0, [])
    assert out[0].endswith("one in 5 of each class; read while training")
    status, out, err = fcnet(capsys, "test", "run")
    assert (status, err) == (0, [])
    assert fcnet(capsys, "train", "--out", "run", "--resume")[0] == 0
    for wrong, words in (
        (
            ("--data", "rows/X.npy", "--stream"),
            "--stream is for a table or a folder of X.npy and y.npy, and rows/X.npy is none",
        ),
        (
            ("--data", "digits", "--stream"),
            "--stream is for a table or a folder of X.npy and y.npy, name one with --data",
        ),
        (("--data", "rows", "--stream", "--preprocessing", "whitened"), "whitened needs all rows in memory"),
        (
            ("--data", "pictures", "--stream"),
            "--stream is for a table or a folder of X.npy and y.npy, and pict",
        ),
        (
            ("--data", "rows", "--stream", "--image-size", "8"),
            "--image-size is for a folder of pictures, and rows is none",
        ),
        (
            ("--data", "rows", "--stream", "--skip-damaged"),
            "--skip-damaged is for a folder of pictures, and rows is none",
        ),
        (
            ("--data", "rows", "--stream", "--target", "y"),
            "--target is for a table (.csv, .parquet), and rows is",
        ),
    ):
        status, _, err = fcnet(capsys, "train", "--out", "other", *wrong)
        assert (status, len(err)) == (2, 1)
        assert words in err[0]


def test_files_that_cannot_be_streamed_are_one_line() -> None:
    path = folder(40)
    X, _ = rows(40)
    for wrong, words in (
        (np.asfortranarray(X), "in columns, to be streamed it must have rows"),
        (X.astype(np.int64), "dtype int64, to be streamed it must have rows"),
        (X[0], r"has shape \(6,\)"),
        (np.where(np.arange(40)[:, None] == 7, np.nan, X), "NaN or infinity, the first in row 7"),
    ):
        np.save(path / "X.npy", wrong)
        with pytest.raises(DataError, match=words):
            load_own(path, DataOptions(stream=True))
    np.save(path / "X.npy", X)
    content = (path / "X.npy").read_bytes()
    (path / "X.npy").write_bytes(content[:-10])
    with pytest.raises(DataError, match=r"X\.npy is cut: it says that it has 40 rows"):
        load_own(path, DataOptions(stream=True))
    (path / "X.npy").write_bytes(b"text")
    with pytest.raises(DataError, match=r"X\.npy is damaged or not an \.npy file"):
        load_own(path, DataOptions(stream=True))
    np.save(path / "X.npy", X)
    np.save(path / "X_test.npy", X.astype(np.float64))
    np.save(path / "y_test.npy", np.zeros(40, int))
    with pytest.raises(DataError, match="save both alike"):
        load_own(path, DataOptions(stream=True))


def test_a_file_that_is_cut_meanwhile_is_one_line() -> None:
    path = folder()
    given = load_own(path, DataOptions(stream=True))
    os.truncate(path / "X.npy", 1000)
    with pytest.raises(DataError, match=r"X\.npy was cut while it was read, write it again"):
        train_run(settings(given), given, Path("run"))


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is Linux's")
def test_it_trains_in_less_memory_than_the_rows_take() -> None:
    """100 MB of rows with 90 MB over what an empty start takes: enough for windows, too little for rows."""
    Path("rows").mkdir()
    X = np.lib.format.open_memmap("rows/X.npy", "w+", np.float32, (25_000, 1_000))
    X[:] = np.random.default_rng(0).standard_normal(1_000, dtype=np.float32)
    X[:, 0] = np.arange(25_000) % 2
    X.flush()
    np.save("rows/y.npy", np.arange(25_000) % 2)
    assert_fits_only_streamed(90, "--data", "rows")
