"""Run folders that were cut, altered, written by a newer fcnet, or in use.

Each is one line that names the file and what to do, and exit status 2; the folder is afterwards, byte for
byte, what it was before, and goes on once the damage is mended.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from fcnet.data.digits import load_digits
from fcnet.experiments.reproduce import Reproduction
from fcnet.lock import locked
from fcnet.records import read_json, write_json
from fcnet.runs.training import train_run
from fcnet.train import checkpoint as checkpoint_module
from run_folders import content, differences
from trainings import small

from .conftest import Result, refused, stopped

Command = Callable[[str], Result]

CHECKPOINT = "checkpoint/state.safetensors"


@pytest.fixture
def unfinished(home: Path) -> Path:
    return stopped(home / "run")


@pytest.fixture
def finished(home: Path) -> Path:
    folder = home / "run"
    train_run(small(epochs=1), load_digits("CIFAR-10 is not available"), folder)
    return folder


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def cut_a_line(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def alter(path: Path) -> None:
    """Turn the last digit into another: what is still well-formed and says something else."""
    altered = bytearray(path.read_bytes())
    place = max(altered.rfind(digit) for digit in b"0123456789")
    altered[place] = ord("7") if altered[place] != ord("7") else ord("6")
    path.write_bytes(altered)


def turn_a_bit(path: Path) -> None:
    altered = bytearray(path.read_bytes())
    altered[-5] ^= 1
    path.write_bytes(altered)


def remove(path: Path) -> None:
    path.unlink()


def newer_checkpoint(path: Path) -> None:
    about = {"format": f"fcnet-checkpoint-{checkpoint_module.FORMAT + 1}", "fcnet": "9.9"}
    path.write_bytes(save({"x": np.zeros(3)}, about))


def newer_record(path: Path) -> None:
    record = read_json(path)
    record["format"] += 1
    record["environment"]["versions"]["fcnet"] = "9.9"
    write_json(path, record)


def newer_settings(path: Path) -> None:
    path.write_text(path.read_text() + "batch_normalisation = true\n")


def newer_model(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"fcnet-model-2", b"fcnet-model-3"))


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("config.toml", cut, ("restore",)),
        ("config.toml", cut_a_line, ("does not match", "restore it")),
        ("config.toml", alter, ("does not match", "restore it")),
        ("config.toml", newer_settings, ("batch_normalisation", "newer version of fcnet")),
        ("history.jsonl", cut, ("damaged in line 2",)),
        ("history.jsonl", cut_a_line, ("does not match", "restore it")),
        ("history.jsonl", alter, ("does not match", "restore it")),
        ("history.jsonl", remove, ("cannot read",)),
        (CHECKPOINT, cut, ("damaged", "delete")),
        (CHECKPOINT, turn_a_bit, ("altered", "hash", "delete")),
        (CHECKPOINT, newer_checkpoint, ("a newer version of fcnet (9.9)", "update fcnet")),
    ],
)  # fmt: skip
def test_a_damaged_run_is_not_resumed(
    name: str,
    damage: Callable[[Path], None],
    words: tuple[str, ...],
    fcnet: Command,
    unfinished: Path,
    whole: Path,
) -> None:
    good = (unfinished / name).read_bytes()
    damage(unfinished / name)
    before = content(unfinished)
    refused(fcnet("train --out run --resume"), f"run/{name}", *words)
    assert content(unfinished) == before
    (unfinished / name).write_bytes(good)
    assert fcnet("train --out run --resume").status == 0
    assert differences(unfinished, whole) == []


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("config.toml", alter, ("altered", "SHA256SUMS", "restore it")),
        ("history.jsonl", cut_a_line, ("altered",)),
        ("history.jsonl", alter, ("altered",)),
        ("history.jsonl", remove, ("cannot read", "restore it")),
        ("input.safetensors", turn_a_bit, ("altered",)),
        ("model.safetensors", turn_a_bit, ("altered",)),
        ("model.safetensors", cut, ("altered",)),
        ("model.safetensors", remove, ("cannot read", "restore it")),
        ("record.json", cut, ("damaged", "restore it")),
        ("record.json", alter, ("altered", "restore it")),
        ("record.json", newer_record, ("newer version of fcnet (9.9)", "update fcnet")),
    ],
)  # fmt: skip
def test_a_damaged_finished_run_is_not_taken_for_a_good_one(
    name: str, damage: Callable[[Path], None], words: tuple[str, ...], fcnet: Command, finished: Path
) -> None:
    good = (finished / name).read_bytes()
    damage(finished / name)
    before = content(finished)
    refused(fcnet("train --out run --resume"), f"run/{name}", *words)
    if name.split(".")[0] in ("model", "input", "record"):
        for command in ("test run", "export run --onnx"):
            if "record" not in name or command == "test run":
                refused(fcnet(command), f"run/{name}")
    assert content(finished) == before
    (finished / name).write_bytes(good)
    assert fcnet("train --out run --resume").status == 0
    assert content(finished) == before | {name: good}


@pytest.mark.parametrize("damage", [cut_a_line, alter, cut])
def test_damaged_hashes_are_noticed_too(
    damage: Callable[[Path], None], fcnet: Command, finished: Path
) -> None:
    damage(finished / "SHA256SUMS")
    before = content(finished)
    refused(fcnet("train --out run --resume"), "run/SHA256SUMS")
    assert content(finished) == before
    (finished / "SHA256SUMS").unlink()  # as the error says
    assert fcnet("train --out run --resume").status == 0


def test_a_model_of_a_newer_version_says_so(fcnet: Command, finished: Path) -> None:
    newer_model(finished / "model.safetensors")
    refused(fcnet("test run"), "run/model.safetensors", "newer version of fcnet", "update fcnet")


def test_the_hashes_are_what_sha256sum_checks(finished: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=finished, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.count(b": OK") == 5


# In use


@pytest.mark.parametrize("command", ["train --out run --resume", "test run"])
def test_a_run_in_use_is_left_alone(command: str, fcnet: Command, finished: Path) -> None:
    with locked(finished):
        before = content(finished)
        refused(fcnet(command), "run is in use by process", "wait until it ends")
        assert content(finished) == before
    assert fcnet(command).status == 0


def test_a_reproduction_in_use_is_left_alone(fcnet: Command, home: Path) -> None:
    with Reproduction(load_digits("CIFAR-10 is not available"), home / "out", quick=True).held():
        before = content(home / "out")
        refused(fcnet("reproduce --quick --out out"), "out is in use by process", "wait until it ends")
        assert content(home / "out") == before


def test_a_reproduction_removes_what_a_killed_one_left(home: Path) -> None:
    with Reproduction(load_digits(), home, quick=True).held():  # the first start
        (home / "default").mkdir()
    left = [home / ".toy.json.tmp-12-0123abcd", home / "default" / ".diagnosis.json.tmp-12-0123abcd"]
    others = [home / ".report.html.tmp-12-0123abcd", home / ".toy.json.tmp-mine"]
    for path in left + others:
        path.touch()
    with Reproduction(load_digits(), home, quick=True).held():
        assert not any(path.exists() for path in left)
        assert all(path.exists() for path in others)
