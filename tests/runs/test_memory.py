"""A training that does not fit into memory ends with one line, at its start and in any step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fcnet.cli import main
from fcnet.data.dataset import Dataset
from fcnet.errors import TooLargeError
from fcnet.records import read_json
from fcnet.runs.training import train_run
from fcnet.torch_net.engine import TorchEngine
from fcnet.torch_net.memory import lacks_memory
from fcnet.train.engine import NumpyEngine
from trainings import small

TOO_MUCH = 2**50
"""Bytes: more than a process can address, so that no system promises them."""

ENGINES: dict[str, tuple[Any, Any]] = {
    "numpy": (NumpyEngine, lambda: np.empty(TOO_MUCH, np.uint8)),
    "torch": (TorchEngine, lambda: torch.empty(TOO_MUCH, dtype=torch.uint8)),
}


def message(device: str) -> str:
    return rf"^not enough {device} for this training, choose fewer hidden units or a smaller batch_size$"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_that_is_too_large_leaves_no_folder(
    engine: str, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, allocate = ENGINES[engine]
    monkeypatch.setattr(kind, "__init__", lambda *given: allocate())
    with pytest.raises(TooLargeError, match=message("memory")):
        train_run(small(engine=engine, device="cpu"), digits, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_training_that_runs_out_of_memory_is_one_line_and_resumes(
    engine: str,
    digits: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At the command line, after the first evaluation."""
    kind, allocate = ENGINES[engine]
    usual, steps = kind.step, []

    def step(self: Any, *given: Any) -> Any:
        steps.append(given)
        return allocate() if len(steps) == 8 else usual(self, *given)

    command = [
        "train",
        "--data",
        "digits",
        "--engine",
        engine,
        "--device",
        "cpu",
        "--out",
        str(tmp_path / "run"),
    ]
    command += ["--epochs", "3", "--batch-size", "100", "--evaluate-every", "5"]
    with monkeypatch.context() as patch:
        patch.setattr(kind, "step", step)
        assert main(command) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: not enough memory for this training, choose fewer hidden units or a smaller batch_size"
    )
    assert main([*command, "--resume"]) == 0


def test_other_errors_of_pytorch_are_not_taken_for_it() -> None:
    assert not lacks_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert lacks_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."))
    assert lacks_memory(RuntimeError("MPS backend out of memory (MPS allocated: 18.00 GB)"))


@pytest.mark.slow
def test_a_search_goes_on_after_a_trial_that_is_too_large(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And where all are, it says what to search instead."""
    usual, begun = NumpyEngine.__init__, []

    def one_too_large(self: Any, *given: Any, **named: Any) -> None:
        begun.append(given)
        if len(begun) == 2:
            np.empty(TOO_MUCH, np.uint8)
        usual(self, *given, **named)

    command = ["tune", "--data", "digits", "--trials", "3", "--epochs", "1", "--hidden", "8", "--out"]
    with monkeypatch.context() as patch:
        patch.setattr(NumpyEngine, "__init__", one_too_large)
        assert main([*command, str(tmp_path / "some")]) == 0
    trials = read_json(tmp_path / "some" / "study.json")["trials"]
    assert [trial["state"] for trial in trials].count("too large") == 1
    monkeypatch.setattr(NumpyEngine, "__init__", lambda *given: np.empty(TOO_MUCH, np.uint8))
    capsys.readouterr()
    assert main([*command, str(tmp_path / "all")]) == 2
    assert (
        "all 3 diverged or were too large for the memory; search in another folder with smaller layers: "
        in (capsys.readouterr().err)
    )
