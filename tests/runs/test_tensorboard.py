"""Curves for TensorBoard: every evaluation once, whatever was stopped in between."""

from __future__ import annotations

import builtins
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fcnet.cli import main
from fcnet.data.dataset import Dataset
from fcnet.errors import MissingExtraError
from fcnet.runs.tensorboard import CURVES, TensorBoard
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callbacks
from fcnet.train.history import read_history
from trainings import StopAfter, small

pytest.importorskip("tensorboardX")


def points(folder: Path) -> dict[str, dict[int, float]]:
    """Every point of every curve in a folder's event files; one that is there twice is an error."""
    from tensorboardX.proto.event_pb2 import Event

    found: dict[str, dict[int, float]] = {}
    seen: Counter[tuple[str, int]] = Counter()
    for file in folder.glob("events.out.tfevents.*"):
        content = file.read_bytes()
        while content:
            length = int.from_bytes(content[:8], "little")
            event = Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
                seen[value.tag, event.step] += 1
    assert set(seen.values()) == {1}
    return found


def test_a_stopped_training_has_each_point_once(digits: Dataset, tmp_path: Path) -> None:
    config = small(epochs=4, evaluate_every=7)
    run = tmp_path / "run"
    for stop in (10, 40, None):
        curves = TensorBoard(run)
        callback = Callbacks(curves, StopAfter(stop)) if stop else curves
        try:
            train_run(config, digits, run, resume=True, callback=callback)
        except KeyboardInterrupt:
            assert stop is not None
        finally:
            curves.close()
    rows = read_history(run / "history.jsonl")
    assert len(rows) == 12
    found = points(run / "tensorboard")
    assert set(found) == set(CURVES)
    for name, quantity in CURVES.items():
        expected = {row.step: getattr(row, quantity) for row in rows}
        assert found[name] == pytest.approx(expected, rel=1e-6)


def test_a_history_that_is_ahead_of_the_checkpoint_is_not_told_twice(digits: Dataset, tmp_path: Path) -> None:
    """As after a kill between the two: its last rows are evaluated again."""
    train_run(small(), digits, tmp_path / "run")
    rows = read_history(tmp_path / "run" / "history.jsonl")
    curves = TensorBoard(tmp_path / "run")
    curves.on_train_begin(None)  # type: ignore[arg-type]
    for row in rows[1:]:
        curves.on_evaluation(row)
    curves.close()
    assert set(points(tmp_path / "run" / "tensorboard")["loss/training"]) == {row.step for row in rows}


def test_without_the_package_it_is_one_line_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'fcnet\[tensorboard\]'"):
        TensorBoard(tmp_path / "run")
    assert main(["train", "--out", str(tmp_path / "run"), "--tensorboard"]) == 2
    assert capsys.readouterr().err == (
        "error: writing curves for TensorBoard needs tensorboardX, which is not installed: "
        "pip install 'fcnet[tensorboard]'\n"
    )
    assert not (tmp_path / "run").exists()


def test_the_package_is_not_imported_without_need(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = builtins.__import__

    def watched(name: str, *arguments: Any, **named: Any) -> Any:
        assert not name.startswith("tensorboardX")
        return imported(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", watched)
    train_run(small(epochs=1), digits, tmp_path / "run")
