"""Trainings whose products go through MKL: recorded, resumed bit for bit, and where NumPy's library ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fcnet
from fcnet.data.dataset import Dataset
from fcnet.errors import DataError
from fcnet.net import libraries, mkl
from fcnet.net.weights import load_weights
from fcnet.records import RunFolder
from fcnet.runs.training import train_run
from fcnet.train.history import read_history
from in_library import choose_anew, need_mkl, using
from run_folders import differences
from trainings import StopAfter, small


@pytest.fixture
def mkls() -> Iterator[None]:
    with using("MKL"):
        yield


def test_the_library_is_recorded_and_both_end_at_the_same_weights(digits: Dataset, tmp_path: Path) -> None:
    config = small(precision="float64")
    names = {"NumPy's": "NumPy's OpenBLAS, called directly", "MKL": "Intel's MKL, called directly"}
    for library, name in names.items():
        with using(library):
            record = train_run(config, digits, tmp_path / library)
        assert record["engine"]["blas"] == name
    assert record["environment"]["versions"]["mkl"][0].isdigit()
    ours, theirs = (load_weights(tmp_path / name / "model.safetensors")[1] for name in names)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-8, atol=1e-10)
    histories = [read_history(RunFolder(tmp_path / name).history) for name in names]
    assert [row.val_accuracy for row in histories[0]] == [row.val_accuracy for row in histories[1]]


KINDS: dict[str, dict[str, Any]] = {
    "momentum": {"schedule": "cosine", "warmup_epochs": 0.5},
    "adam, averaged": {"optimiser": "adam", "learning_rate": 0.003, "average": "ema=0.9"},
    "whitened": {"preprocessing": "whitened", "components": 30, "dropout": 0.2, "mirror": True, "shift": 1},
    "deep": {"hidden": (20, 16), "norm": "layernorm", "blocks": 1, "evaluate_every": 8},
}


@pytest.mark.usefixtures("mkls")
@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_training_resumes_bit_for_bit(kind: str, digits: Dataset, tmp_path: Path) -> None:
    config = small(**KINDS[kind])
    train_run(config, digits, tmp_path / "whole")
    for step in (13, 42):
        with pytest.raises(KeyboardInterrupt):
            train_run(config, digits, tmp_path / "run", resume=True, callback=StopAfter(step))
    train_run(config, digits, tmp_path / "run", resume=True)
    assert differences(tmp_path / "run", tmp_path / "whole") == []


PROGRAM = """
import sys
from pathlib import Path

from fcnet.data.digits import load_digits
from fcnet.runs.training import train_run
from trainings import StopAfter, small

folder, step = Path(sys.argv[1]), int(sys.argv[2])
given = [bytes(size) for size in range(1, int(sys.argv[3]))]  # memory begins elsewhere in each process
config = small(hidden=(512, 300), batch_size=200, epochs=2)
try:
    train_run(config, load_digits(), folder, resume=True, callback=StopAfter(step))
except KeyboardInterrupt:
    print("stopped")
"""


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "2"])
def test_another_process_resumes_bit_for_bit(threads: str, tmp_path: Path) -> None:
    need_mkl()
    paths = [str(Path(fcnet.__file__).parents[1]), str(Path(__file__).parents[1])]
    given = dict.fromkeys(libraries.THREAD_VARIABLES, threads) | {"FCNET_BLAS": "mkl"}
    kept = {name: value for name, value in os.environ.items() if name not in mkl.SETTINGS}
    environment = kept | given | {"PYTHONPATH": os.pathsep.join(paths)}

    def train(name: str, step: int, uneven: int) -> str:
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / name), str(step), str(uneven)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert train("whole", 0, 1) == train("again", 0, 70) == ""
    assert train("run", 6, 200) == "stopped"
    assert train("run", 0, 33) == ""
    assert differences(tmp_path / "again", tmp_path / "whole") == []
    assert differences(tmp_path / "run", tmp_path / "whole") == []


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_an_unknown_library_is_refused_before_anything_is_written(
    engine: str, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with using("NumPy's"):
        monkeypatch.setenv("FCNET_BLAS", "blis")
        choose_anew()
        with pytest.raises(DataError, match=r"^FCNET_BLAS is 'blis', choose from 'numpy', 'mkl'$"):
            train_run(small(engine=engine), digits, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
