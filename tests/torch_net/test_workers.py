"""Several processes on one training, for real: torchrun on this machine, gloo on its loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from fcnet.net.weights import load_weights
from fcnet.records import RunFolder, read_json
from fcnet.train.checkpoint import load_checkpoint

PATIENCE = 600.0

GRADIENTS = """
import sys
from dataclasses import replace
import numpy as np
from fcnet.data.dataset import split
from fcnet.data.digits import load_digits
from fcnet.data.minibatches import Minibatch
from fcnet.runs.engines import workplace
from fcnet.torch_net.engine import TorchEngine
from fcnet.torch_net.weights import gradients_of
from fcnet.train.config import TrainConfig

plain = TrainConfig(
    hidden=(24, 12), initialisation="he", preprocessing="standardised", dropout=0.3, mirror=True,
    label_smoothing=0.1, validation=200, engine="torch", device="cpu", precision="float64",
)
digits = load_digits()
train, _ = split(digits.train, 200)
with workplace(plain) as place:
    banked = {"preprocessing": "whitened", "components": 30, "bank": 1}
    for kind, change in {"plain": {}, "augmented": {"cutout": 3, "mixup": 0.4}, "banked": banked}.items():
        config = replace(plain, **change)
        engine = TorchEngine(config, train, digits.image_shape, digits.classes, place.workers)
        for examples in (50, 2):
            rng = np.random.default_rng(3)
            rows, views = rng.permutation(len(train))[:examples], rng.integers(2, size=examples)
            engine.network.zero_grad()
            engine.optimiser.step = lambda learning_rate: None  # the gradients stay
            loss = engine.step(Minibatch(rows, views), 0.1)
            if place.workers.rank == 0:
                np.savez(f"{sys.argv[1]}-{kind}-{examples}.npz", loss=loss, **gradients_of(engine.network))
    del engine  # it holds the group's threads, which are to end with the group
"""

EAGER = """
import sys
import fcnet.train.fit as fit
fit.CHECKPOINT_SECONDS = 0.01
from fcnet.cli import main
sys.exit(main())
"""
"""`fcnet` with a checkpoint every hundredth of a second."""

SETTINGS = [
    "--engine", "torch", "--device", "cpu", "--precision", "float64",
    "--hidden", "24", "16", "--initialisation", "he", "--preprocessing", "standardised",
    "--learning-rate", "0.05", "--momentum", "0.9", "--reg", "1e-4", "--dropout", "0.1", "--shift", "1",
    "--batch-size", "61", "--validation", "200", "--epochs", "12", "--average", "ema=0.97",
]  # fmt: skip
"""61 examples are shared by neither two nor three workers without a rest."""


def launch(workers: int, script: Path, *arguments: str, restarts: int = 0) -> subprocess.Popen[str]:
    """The script in so many processes, started as torchrun starts them; one worker without a launcher."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={workers}"]
    launcher += [f"--max-restarts={restarts}"]
    environment = {name: value for name, value in os.environ.items() if name != "FCNET_DATA"}
    environment |= {
        "FCNET_OFFLINE": "1",
        "FCNET_CACHE": str(script.parent / "nowhere"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, *(launcher if workers > 1 else []), str(script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=script.parent,
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return out, err


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workers")
    (folder / "gradients.py").write_text(GRADIENTS)
    (folder / "fcnet_eager.py").write_text(EAGER)
    return folder


def gradients(workers: int, folder: Path) -> dict[str, dict[str, Any]]:
    """Loss and gradients of a minibatch of 50 and of one of 2 examples, in three kinds of training."""
    finish(launch(workers, folder / "gradients.py", f"gradients-{workers}"))
    names = [f"{kind}-{examples}" for kind in ("plain", "augmented", "banked") for examples in (50, 2)]
    return {name: dict(np.load(folder / f"gradients-{workers}-{name}.npz")) for name in names}


def test_the_gradient_of_three_workers_is_that_of_one(folder: Path) -> None:
    """With dropout, with mixup, and where a worker gets fewer examples than the others, or none."""
    together = gradients(3, folder)
    for kind, alone in gradients(1, folder).items():
        assert together[kind].keys() == alone.keys()
        for name, value in alone.items():
            assert np.abs(together[kind][name] - value).max() <= 1e-12 * np.abs(value).max(), name


@pytest.fixture(scope="module")
def alone(folder: Path) -> Path:
    """The training of one process."""
    out, _ = finish(launch(1, folder / "fcnet_eager.py", "train", "--out", "one", *SETTINGS))
    assert out.splitlines()[-1].startswith("one: training accuracy")
    return folder / "one"


STREAM = """
import sys
import fcnet.data.blocks as blocks
import fcnet.train.fit as fit
fit.CHECKPOINT_SECONDS = 0.01
blocks.BLOCK, blocks.WINDOW = 800, 3200  # of 4 and 16 rows
from fcnet.cli import main
sys.exit(main())
"""
"""`fcnet` with windows of few rows."""


@pytest.fixture(scope="module")
def streamed(folder: Path) -> list[str]:
    """Rows in files, and the options that train on them."""
    (folder / "fcnet_stream.py").write_text(STREAM)
    (folder / "rows").mkdir()
    rng, y = np.random.default_rng(0), np.sort(np.arange(500) % 3)
    X = 2 * rng.standard_normal((3, 50))[y] + rng.standard_normal((500, 50))
    np.save(folder / "rows" / "X.npy", X.astype(np.float32))
    np.save(folder / "rows" / "y.npy", y)
    kept = [word for word in SETTINGS if word not in ("--shift", "1")]
    place = kept.index("--validation") + 1
    return ["train", "--data", "rows", "--stream", *kept[:place], "60", *kept[place + 1 :]]


def test_rows_in_files_are_shared_by_workers(streamed: list[str], folder: Path) -> None:
    """Each worker reads its own blocks and computes their part of each minibatch."""
    finish(launch(1, folder / "fcnet_stream.py", *streamed, "--out", "stream-one"))
    finish(launch(2, folder / "fcnet_stream.py", *streamed, "--out", "stream-two"))
    assert_same_result(folder / "stream-two", folder / "stream-one")


def test_rows_of_a_table_are_shared_by_workers(streamed: list[str], folder: Path) -> None:
    """Workers that start at once find one conversion of the table in the cache, and read it like rows."""
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    X, y = np.load(folder / "rows" / "X.npy"), np.load(folder / "rows" / "y.npy")
    columns = {f"x{place}": X[:, place] for place in range(X.shape[1])}
    pq.write_table(pa.table(columns | {"y": y}), folder / "rows.parquet", row_group_size=70)
    place = streamed.index("rows")
    given = [*streamed[:place], "rows.parquet", "--target", "y", *streamed[place + 1 :]]
    finish(launch(2, folder / "fcnet_stream.py", *given, "--out", "table-two"))
    finish(launch(1, folder / "fcnet_stream.py", *given, "--out", "table-one"))
    assert_same_result(folder / "table-two", folder / "table-one")


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
    command = ("train", "--out", "killed", "--resume", *SETTINGS)
    process = launch(3, folder / "fcnet_eager.py", *command, restarts=2)
    step = wait_for_checkpoint(run, process)
    victim = worker(process, rank=1)
    victim.kill()
    out, err = finish(process)
    assert out.count("training accuracy") == 1  # one of them talks
    assert read_json(run.record)["engine"]["workers"] == 3
    assert err.count("NOTE") >= 2  # the first worker has said twice, at least, what it trains on
    assert not psutil.pid_exists(victim.pid)
    assert run.finished
    assert 0 < step < read_json(run.record)["steps"]
    assert_same_result(run.path, alone)


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


def worker(launcher: subprocess.Popen[str], rank: int) -> psutil.Process:
    for process in psutil.Process(launcher.pid).children(recursive=True):
        if process.environ().get("RANK") == str(rank):
            return process
    raise AssertionError(f"no worker {rank}")


def test_a_mistake_is_said_once(folder: Path) -> None:
    (folder / "occupied").mkdir()
    (folder / "occupied" / "letter.txt").touch()
    process = launch(2, folder / "fcnet_eager.py", "train", "--out", "occupied", *SETTINGS)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    errors = [line for line in err.splitlines() if line.startswith("error:")]
    assert errors == ["error: occupied is not empty and not a run of fcnet, choose another folder"]


def test_the_numpy_engine_says_that_it_trains_alone(folder: Path) -> None:
    environment = os.environ | {"WORLD_SIZE": "2", "RANK": "0", "FCNET_OFFLINE": "1"}
    command = [sys.executable, "-m", "fcnet", "train", "--out", str(folder / "numpy"), "--epochs", "1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "error: the engine numpy trains in one process, give --engine torch under torchrun"
    )
