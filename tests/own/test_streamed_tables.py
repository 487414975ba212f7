"""A table that does not fit into memory gives the weights that it gives from memory."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.data import blocks
from fcnet.data.blocks import Blocks
from fcnet.data.dataset import DataOptions, Dataset, Part, TableOptions, split
from fcnet.data.own import table_rows
from fcnet.data.own.load import load_own
from fcnet.data.streamed import Streamed
from fcnet.data.tables import stored
from fcnet.errors import DataError
from fcnet.runs.training import train_run

from .conftest import assert_fits_only_streamed, fcnet
from .test_streamed import Stop, in_memory, settings
from .test_tables import NAMES, people, write

pa = pytest.importorskip("pyarrow")

WIDTH = 7
"""Features of `people`, and one more where a category is missing."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of 10 rows, blocks of 5 and windows of 20, so that few rows make many of each."""
    monkeypatch.setattr(blocks, "BLOCK", 5 * WIDTH * 8)
    monkeypatch.setattr(blocks, "WINDOW", 20 * WIDTH * 8)
    monkeypatch.setattr(stored, "PIECE", 10 * WIDTH)
    monkeypatch.setattr(table_rows, "COLUMNS", 3)
    monkeypatch.setattr("fcnet.data.tables.csv.BLOCK", 1000)


def table(kind: str, rows: list[list[Any]] | None = None) -> Path:
    """People with gaps and columns that say nothing, in a CSV or a Parquet file."""
    given = people(403) if rows is None else rows
    for row in given[::7]:
        row[0] = ""
    for row in given[3::11]:
        row[1] = ""
    given[5][4] = ""  # a row without a class
    path = write("people.csv", [[place, *row] for place, row in enumerate(given)], ["number", *NAMES])
    if kind == "csv":
        return path
    import pyarrow.csv
    import pyarrow.parquet as pq

    options = pyarrow.csv.ConvertOptions(strings_can_be_null=True)
    pq.write_table(pyarrow.csv.read_csv(path, convert_options=options), "people.parquet", row_group_size=64)
    return Path("people.parquet")


def both(path: Path, **options: Any) -> tuple[Dataset, Dataset]:
    """From memory and streamed."""
    asked = TableOptions("income", **options)
    return load_own(path, DataOptions(table=asked)), load_own(path, DataOptions(table=asked, stream=True))


@pytest.mark.parametrize("missing", ["median", "mean", "drop"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_streamed_table_is_the_table_in_memory(kind: str, missing: str) -> None:
    first, second = both(table(kind), missing=missing)
    assert isinstance(second.train.images, Streamed)
    assert first.mapping == second.mapping
    assert first.classes == second.classes
    for one, other in ((first.train, second.train), (first.test, second.test)):
        np.testing.assert_array_equal(one.images, np.asarray(other.images))
        assert one.images.dtype == other.images.dtype
        np.testing.assert_array_equal(one.labels, other.labels)
    assert second.origin.how.startswith(first.origin.how)
    assert second.origin.how.removeprefix(first.origin.how).startswith("; read while training, from ")
    assert "rows without a class, left out: 1" in first.origin.how
    assert ("rows with missing values, left out: " in first.origin.how) == (missing == "drop")


def test_both_formats_are_kept_alike() -> None:
    (_, first), (_, second) = both(table("csv")), both(table("parquet"))
    assert first.origin.sha256 == second.origin.sha256


@pytest.mark.parametrize("digits", [True, False])
def test_rows_are_kept_in_the_type_that_memory_has(digits: bool) -> None:
    """A number of more digits than float32 has comes late: all that was written before is written again."""
    rows = people(100)
    for row in rows:
        row[2] = round(row[2])
    rows[90][2] = 40.1 if digits else 40.5
    first, second = both(write("people.csv", rows))
    assert first.train.images.dtype == second.train.images.dtype == (np.float64 if digits else np.float32)
    np.testing.assert_array_equal(first.train.images, np.asarray(second.train.images))


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_the_weights_are_those_of_the_same_order_in_memory(engine: str) -> None:
    if engine == "torch":
        pytest.importorskip("torch")
    whole, given = both(table("parquet"))
    config = settings(given, engine=engine)
    record = train_run(config, given, Path("streamed"))
    assert record["metrics"]["val_accuracy"] > 0.8
    twin = replace(in_memory(given, config), test=whole.test)

    def with_blocks(part: Part, validation: int) -> tuple[Part, Part]:
        train, held = split(part, validation)
        return replace(train, blocks=Blocks.of(8 * (WIDTH + 1))), held

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fcnet.runs.training.split", with_blocks)
        train_run(config, twin, Path("memory"))
    for name in ("model.safetensors", "input.safetensors"):
        assert Path("streamed", name).read_bytes() == Path("memory", name).read_bytes()


@pytest.mark.parametrize("step", [1, 17])
def test_a_stopped_training_resumes_bit_for_bit_even_without_the_cache(cache: Path, step: int) -> None:
    path, asked = table("csv"), TableOptions("income")
    given = load_own(path, DataOptions(table=asked, stream=True))
    config = settings(given)
    train_run(config, given, Path("whole"))
    with pytest.raises(KeyboardInterrupt):
        train_run(config, given, Path("stopped"), callback=Stop(step))
    if step == 17:
        shutil.rmtree(cache)
    train_run(config, load_own(path, DataOptions(table=asked, stream=True)), Path("stopped"), resume=True)
    assert Path("whole/model.safetensors").read_bytes() == Path("stopped/model.safetensors").read_bytes()


def test_the_commands_stream_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    path = table("parquet")
    data = ("--data", path, "--target", "income", "--stream")
    status, out, err = fcnet(capsys, "train", "--out", "run", *data, "--recipe", "quick")
    assert (status, err) == (0, [])
    assert "; read while training, from 26 kB in the cache" in out[0]
    assert fcnet(capsys, "train", "--out", "run", "--resume")[0] == 0
    assert fcnet(capsys, "test", "run")[0] == 0
    assert fcnet(capsys, "predict", "run", path, "--out", "answers.csv")[0] == 0
    assert fcnet(capsys, "export", "run", "--onnx")[0] == 0
    status, out, _ = fcnet(capsys, "cache", "list")
    assert any("rows of the table" in line for line in out)
    path.unlink()
    status, out, _ = fcnet(capsys, "cache", "prune", "--yes")
    assert any(line.startswith("freed ") for line in out)
    assert fcnet(capsys, "cache", "list")[1][0].endswith("0 entries, 0 kB")


@pytest.mark.slow
def test_a_search_streams_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("optuna")
    data = ("--data", table("csv"), "--target", "income", "--stream")
    small = ("--recipe", "quick", "--epochs", "1", "--vary", "learning-rate")
    status, out, _ = fcnet(capsys, "tune", "--out", "search", *data, *small, "--trials", "2")
    assert status == 0
    assert out[-1].endswith("--data people.csv --stream --target income")
    status, _, _ = fcnet(
        capsys, "tune", "--out", "search", "--resume", "--trials", "3", "--vary", "learning-rate"
    )
    assert status == 0


def test_a_table_that_changed_is_read_again_and_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    original = table_rows._written

    def counted(path: Path, *given: Any) -> Dataset:
        read.append(path)
        return original(path, *given)

    monkeypatch.setattr(table_rows, "_written", counted)
    path, asked = table("csv"), TableOptions("income")
    first = load_own(path, DataOptions(table=asked, stream=True))
    again = load_own(path, DataOptions(table=asked, stream=True))
    assert (len(read), first.origin) == (1, again.origin)
    state = path.stat()
    content = path.read_text()
    path.write_text(content.replace("clerk", "baker"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # of the same size and time
    assert load_own(path, DataOptions(table=asked, stream=True)).mapping != first.mapping
    load_own(path, DataOptions(table=replace(asked, missing="mean"), stream=True))
    assert len(read) == 3
    kept = Path(os.environ["FCNET_CACHE"], "decoded")
    for manifest in kept.rglob("manifest.json"):
        manifest.write_text("{}")
    load_own(path, DataOptions(table=asked, stream=True))
    assert len(read) == 4


def test_a_piece_has_the_categories_of_the_whole() -> None:
    """The last rows hold truths alone, which are written as their own column would be."""
    rows = people(100)
    for place, row in enumerate(rows):
        row[1] = ("True", "FALSE", "maybe")[place % (3 if place < 60 else 2)]
    first, second = both(write("people.csv", rows))
    assert first.mapping is not None
    assert first.mapping.names[1:4] == ["job=false", "job=maybe", "job=true"]
    np.testing.assert_array_equal(first.test.images, np.asarray(second.test.images))
    assert np.asarray(second.train.images)[:, 1:4].sum(axis=1).min() == 1


def test_what_is_wrong_is_one_line_and_leaves_nothing(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*options: object) -> str:
        status, _, err = fcnet(capsys, "train", "--out", "run", "--stream", "--data", *options)
        assert (status, len(err)) == (2, 1), err
        assert not list(cache.rglob("*.npy"))
        assert not list(cache.rglob("manifest.json"))
        assert not list(cache.glob("decoded/*"))
        return err[0]

    import pyarrow.parquet as pq

    numbers = np.arange(100.0) % 7
    numbers[77] = np.inf
    pq.write_table(pa.table({"a": numbers, "y": np.arange(100) % 2}), "own.parquet", row_group_size=30)
    assert refused("own.parquet", "--target", "y") == (
        "error: the column 'a' of own.parquet holds infinity in row 78, correct it"
    )
    own = people(100)
    own[90] = own[90][:3]
    ragged = write("ragged.csv", own)
    assert "row 91 of ragged.csv has 3 values and the first line has 5 names" in refused(
        ragged, "--target", "income"
    )
    assert "people.csv has no column 'incom'" in refused(write("people.csv", people()), "--target", "incom")
    gaps = table("csv")
    assert "the column 'age' of people.csv has no value in row 1, fill it in" in refused(
        gaps, "--target", "income", "--missing", "error"
    )
    Path("damaged.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    assert "damaged.parquet is damaged or not a table" in refused("damaged.parquet", "--target", "y")
    Path("latin.csv").write_bytes("a,y\nb\xfc,1\n".encode("latin-1") * 2)
    assert "latin.csv is not in UTF-8" in refused("latin.csv", "--target", "y")


def test_a_full_disk_is_said_before_rows_are_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table("parquet")
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
    status, _, err = fcnet(capsys, "train", "--out", "run", "--stream", "--data", path, "--target", "income")
    assert status == 2
    assert err[0].startswith("error: no space left for the rows of people.parquet in ")
    assert err[0].endswith("free some or choose another folder with $FCNET_CACHE")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_too_little_memory_is_said_before_a_table_is_read(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(kind)
    monkeypatch.setattr("fcnet.memory.available", lambda: 10_000)
    status, _, err = fcnet(capsys, "train", "--out", "run", "--data", path, "--target", "income")
    assert status == 2
    assert err[0].startswith(f"error: {path} takes about ")
    assert err[0].endswith("are available; train with --stream, which reads rows while training")
    monkeypatch.setattr("fcnet.memory.available", lambda: 403 * stored.ROW)
    assert load_own(path, DataOptions(table=TableOptions("income"), stream=True)).mapping is not None


def test_a_small_file_of_very_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Parquet file of some kilobytes may repeat one value without end."""
    import pyarrow.parquet as pq

    count = 2_000_000
    pq.write_table(pa.table({"a": np.zeros(count), "y": np.zeros(count, int)}), "own.parquet")
    assert Path("own.parquet").stat().st_size < 100_000
    monkeypatch.setattr("fcnet.memory.available", lambda: 100_000_000)
    with pytest.raises(
        DataError, match=r"own\.parquet takes about 260 MB of memory and 100 MB are available"
    ):
        load_own(Path("own.parquet"), DataOptions(table=TableOptions("y"), stream=True))


def test_many_categories_count_when_memory_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of one column of text may have hundreds of features."""
    rows = [[f"c {place % 300}", place % 2] for place in range(3000)]
    path = write("wide.csv", rows, ["code", "y"])
    monkeypatch.setattr("fcnet.memory.available", lambda: 4_000_000)
    with pytest.raises(DataError, match=r"wide\.csv takes about 22 MB of memory and 4 MB are available"):
        load_own(path, DataOptions(table=TableOptions("y")))


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is Linux's")
def test_it_trains_in_less_memory_than_the_table_takes() -> None:
    """96 MB of numbers in one row group, four times as much in memory, with 340 MB over a start."""
    import pyarrow.parquet as pq

    rng, count = np.random.default_rng(0), 120_000
    columns = {f"x{place}": rng.standard_normal(count) for place in range(100)}
    pq.write_table(pa.table(columns | {"y": np.arange(count) % 2}), "rows.parquet", row_group_size=count)
    assert_fits_only_streamed(340, "--data", "rows.parquet", "--target", "y")
