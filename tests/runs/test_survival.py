"""Kills at any system call and at any moment: what comes out is what would have come out without them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fcnet.records import RunFolder
from killing import Victims, victims
from run_folders import differences
from survival import survive


def test_killed_anywhere_a_training_ends_bit_for_bit_the_same(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """At 20 moments that differ each time; --kills 200 for more of them."""
    kills, seed = int(request.config.getoption("--kills")), random.SystemRandom().randrange(10**6)
    outcome = survive(tmp_path, kills, seed, share=0.8)
    assert outcome.failures == [], f"seed {seed}"
    assert (len(outcome.kills), outcome.resumed, outcome.identical) == (kills, kills, kills)
    assert len({kill.hit for kill in outcome.kills}) > 3  # they were not all alike


def test_killed_anywhere_pytorch_has_the_same_losses_to_rounding(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    seed = random.SystemRandom().randrange(10**6)
    outcome = survive(tmp_path, 3, seed, share=1.0, engine="torch")
    assert outcome.failures == [], f"seed {seed}"
    assert (len(outcome.kills), outcome.identical) == (3, 3)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory):
    with victims(tmp_path_factory.mktemp("victims")) as ready:
        yield ready


@pytest.fixture(scope="module")
def whole(ready: Victims, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert ready.start(folder) == 0
    return folder


@pytest.mark.parametrize("file", ["state.safetensors", "history.jsonl", "model.safetensors", "record.json"])
def test_a_writer_that_leaves_half_a_file_is_noticed(file: str, ready: Victims, tmp_path: Path) -> None:
    die = {"file": file, "call": "half", "n": 1}
    assert ready.start(tmp_path / "run", die, careless="in place") == -9
    half = next((tmp_path / "run").rglob(file))
    status = ready.start(tmp_path / "run")
    if file in ("model.safetensors", "history.jsonl"):  # before there is a checkpoint, or written again
        assert status == 0
    else:
        assert status == 2
        assert str(half) in (tmp_path / "run.log").read_text()


def test_a_checkpoint_that_forgets_is_noticed(ready: Victims, whole: Path, tmp_path: Path) -> None:
    die = {"file": "state.safetensors", "call": "synced", "n": 4}
    for careless in (None, "forgetful"):
        run = tmp_path / str(careless)
        assert ready.start(run, die, careless) == -9
        assert ready.start(run) == 0
        found = differences(run, whole)
        assert found == (["history.jsonl"] if careless else [])


def test_what_a_killed_writer_leaves_is_removed_by_the_next_start(ready: Victims, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    for file in ("state.safetensors", "SHA256SUMS"):
        assert ready.start(run.path, {"file": file, "call": "rename", "n": 1}) == -9
        assert list(run.path.rglob(f".{file}.tmp-*"))
    stranger = run.path / ".notes.txt.tmp-1-00000000"
    stranger.touch()
    assert ready.start(run.path) == 0
    assert sorted(path.name for path in run.path.rglob(".*")) == [stranger.name]
