"""Several processes on one training, for real: torchrun's agent on this machine, gloo on its loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fcnet.cli import main
from fcnet.net.weights import load_weights
from fcnet.records import RunFolder, read_json
from fcnet.train.checkpoint import load_checkpoint

from . import together

PATIENCE = 600.0

LAUNCHED = Path(__file__).with_name("launched.py")
"""Not imported here: its part of PyTorch takes longer to load than the trainings of this process."""

SETTINGS = [
    "--engine", "torch", "--device", "cpu", "--precision", "float64",
    "--hidden", "24", "16", "--initialisation", "he", "--preprocessing", "standardised",
    "--learning-rate", "0.05", "--momentum", "0.9", "--reg", "1e-4", "--dropout", "0.1", "--shift", "1",
    "--batch-size", "61", "--validation", "200", "--epochs", "12", "--average", "ema=0.97",
]  # fmt: skip
"""Neither two nor three workers share 61 examples without a rest."""


def launch(folder: Path, workers: int, tasks: list[list[str]], restarts: int = 0) -> subprocess.Popen[str]:
    """So many workers, each of which does these tasks."""
    environment = {name: value for name, value in os.environ.items() if name != "FCNET_DATA"}
    environment |= surroundings(folder / "cache") | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, LAUNCHED, str(workers), str(restarts), json.dumps(tasks)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=folder,
    )


def surroundings(cache: Path) -> dict[str, str]:
    return {"FCNET_OFFLINE": "1", "FCNET_CACHE": str(cache)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows in files and in a table, and a folder that holds something else."""
    folder = tmp_path_factory.mktemp("workers")
    (folder / "rows").mkdir()
    rng, y = np.random.default_rng(0), np.sort(np.arange(500) % 3)
    X = 2 * rng.standard_normal((3, 50))[y] + rng.standard_normal((500, 50))
    np.save(folder / "rows" / "X.npy", X.astype(np.float32))
    np.save(folder / "rows" / "y.npy", y)
    columns = {f"x{place}": X[:, place].astype(np.float32) for place in range(X.shape[1])}
    pq.write_table(pa.table(columns | {"y": y}), folder / "rows.parquet", row_group_size=70)
    (folder / "occupied").mkdir()
    (folder / "occupied" / "letter.txt").touch()
    return folder


def tasks(who: str) -> list[list[str]]:
    """What is done by one process and by its workers, where `who` stands in the names of the results."""
    of_rows = [*SETTINGS[: SETTINGS.index("--shift")], "--stream", *SETTINGS[SETTINGS.index("--shift") + 2 :]]
    of_rows[of_rows.index("--validation") + 1] = "60"
    return [
        ["gradients", f"gradients-{who}"],
        ["train", "--data", "rows", "--out", f"stream-{who}", *of_rows],
        ["train", "--data", "rows.parquet", "--target", "y", "--out", f"table-{who}", *of_rows],
    ]


@pytest.fixture(scope="module")
def alone(folder: Path) -> Path:
    """The results of this process, with a training on digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("FCNET_DATA", raising=False)
        for name, value in surroundings(folder / "own cache").items():
            patch.setenv(name, value)
        assert together.do([*tasks("alone"), ["train", "--out", "alone", *SETTINGS]]) == 0
    return folder


@pytest.fixture(scope="module")
def three(folder: Path) -> tuple[int, str]:
    """Exit status and errors of three workers who do the same, and last what is refused."""
    refused = ["train", "--out", "occupied", *SETTINGS]
    process = launch(folder, 3, [*tasks("three"), refused])
    _, err = process.communicate(timeout=PATIENCE)
    assert RunFolder(folder / "table-three").finished, err
    return process.returncode, err


def test_the_gradient_of_three_workers_is_that_of_one(alone: Path, three: tuple[int, str]) -> None:
    """With dropout, with mixup, and where a worker gets fewer examples than the others, or none."""
    for kind in (f"{kind}-{examples}" for kind in together.KINDS for examples in together.EXAMPLES):
        ours, theirs = (dict(np.load(alone / f"gradients-{who}-{kind}.npz")) for who in ("three", "alone"))
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            assert np.abs(ours[name] - value).max() <= 1e-12 * np.abs(value).max(), name


def test_rows_in_files_are_shared_by_workers(alone: Path, three: tuple[int, str]) -> None:
    """Each worker reads its own blocks and computes their part of each minibatch."""
    assert_same_result(alone / "stream-three", alone / "stream-alone")
    assert read_json(RunFolder(alone / "stream-three").record)["engine"]["workers"] == 3


def test_rows_of_a_table_are_shared_by_workers(alone: Path, three: tuple[int, str]) -> None:
    """Workers that start at once find one conversion of the table in the cache, and read it like rows."""
    assert_same_result(alone / "table-three", alone / "table-alone")


def test_a_mistake_is_said_once(three: tuple[int, str]) -> None:
    status, err = three
    assert status != 0
    errors = [line for line in err.splitlines() if line.startswith("error:")]
    assert errors == ["error: occupied is not empty and not a run of fcnet, choose another folder"]


def assert_same_result(actual: Path, expected: Path) -> None:
    """The same accuracies, and weights that differ by the order of additions."""
    metrics, wanted = (read_json(RunFolder(path).record)["metrics"] for path in (actual, expected))
    for name, value in wanted.items():
        assert metrics[name] == pytest.approx(value, rel=1e-6), name
    assert metrics["val_accuracy"] == wanted["val_accuracy"] > 0.8
    _, ours = load_weights(actual / "model.safetensors")
    _, theirs = load_weights(expected / "model.safetensors")
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-5, atol=1e-6)


def test_a_killed_worker_is_started_again_and_the_training_goes_on(alone: Path, folder: Path) -> None:
    run = RunFolder(folder / "killed")
    process = launch(folder, 2, [["train", "--out", "killed", "--resume", *SETTINGS]], restarts=2)
    step = wait_for_checkpoint(run, process)
    victim = psutil.Process(int((folder / "worker-1.pid").read_text()))
    assert victim.ppid() == process.pid
    victim.kill()
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert out.count("training accuracy") == 1  # one of them talks
    assert read_json(run.record)["engine"]["workers"] == 2
    assert err.count("NOTE") >= 2  # the first worker has said twice, at least, what it trains on
    assert not psutil.pid_exists(victim.pid)
    assert run.finished
    assert 0 < step < read_json(run.record)["steps"]
    assert_same_result(run.path, alone / "alone")


def wait_for_checkpoint(run: RunFolder, process: subprocess.Popen[str]) -> int:
    """Steps done when the first checkpoint is there."""
    end = time.monotonic() + PATIENCE
    while not run.checkpoint.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)
    checkpoint = load_checkpoint(run.checkpoint)
    assert checkpoint is not None
    return checkpoint.step


def test_the_numpy_engine_says_that_it_trains_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "FCNET_OFFLINE": "1"}.items():
        monkeypatch.setenv(name, value)
    assert main(["train", "--out", str(tmp_path / "numpy"), "--epochs", "1"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: the engine numpy trains in one process, give --engine torch under torchrun"
    )
