"""Without the packages of the extras: what works, and what says in one line which extra to install."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fcnet
from fcnet.errors import MissingExtraError
from fcnet.extras import PACKAGES, PURPOSES, require
from fcnet.net import mkl
from fcnet.net.onednn import EXTRA, WHEEL
from in_bfloat16 import need_wheel

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]

TRAIN = "train --out run --data table.npz --hidden 8 --initialisation he --epochs 3 --batch-size 20"

WORKS = [
    f"{TRAIN} --preprocessing standardised --learning-rate 0.05 --validation 20",
    f"{TRAIN.replace('run', 'images').replace('table', 'pixels')} --validation 20",
    "test run", "runs .", "compare run images", "audit", "audit --sizes 5 4 3", "data info", "--help",
]  # fmt: skip
"""Commands that need no extra, in the order in which they are called."""

NEEDS = {
    "reproduce --quick": "report",
    "report run": "report",
    "explore": "report",
    "tune --out search --data table.npz": "tune",
    "tune --out search --data table.npz --storage postgresql://host/base": "tune",
    "train --out other --data pictures": "images",
    "train --out other --data people.csv --target income": "tables",
    "train --out other --data people.parquet --target income": "tables",
    "predict images picture.png": "images",
    "train --out other --data table.npz --engine torch": "torch",
    "train --out other --data table.npz --precision bfloat16": "bfloat16",
    "train --out other --data table.npz --tensorboard": "tensorboard",
    "train --out other": "sklearn",
    "export run --onnx": "onnx",
}
"""Commands that need one, after those above."""


def table(path: Path) -> None:
    """120 rows of 6 features in three classes, far from each other."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    np.savez(path, X=4 * rng.standard_normal((3, 6))[y] + rng.standard_normal((120, 6)), y=y)


def requirement(text: str) -> str:
    """The name of the package that a line of pyproject.toml asks for, in lower case."""
    return re.split(r"[\[<>=]", text)[0].lower()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each command answers without any package of an extra: all of them in one process."""
    folder = tmp_path_factory.mktemp("bare")
    table(folder / "table.npz")
    pixels = np.random.default_rng(0).integers(256, size=(120, 6, 6), dtype=np.uint8)
    np.savez(folder / "pixels.npz", X=pixels, y=np.arange(120) % 3)
    for name in ("dark", "bright"):
        (folder / "pictures" / name).mkdir(parents=True)
        (folder / "pictures" / name / "one.png").write_bytes(b"not looked at")
    for name in ("picture.png", "people.csv", "people.parquet"):
        (folder / name).write_bytes(b"not looked at")
    commands = [*WORKS, *NEEDS]
    process = subprocess.run(
        [sys.executable, ROOT / "tests" / "without.py", ",".join([*PACKAGES, WHEEL, mkl.WHEEL])],
        input=json.dumps([command.split() for command in commands]),
        capture_output=True, text=True, check=False, cwd=folder, env=surroundings(folder),
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    found = dict(zip(commands, json.loads(process.stdout), strict=True))
    assert not (folder / "other").exists()
    assert not (folder / "search").exists()
    return found


def surroundings(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("FCNET_DATA", "FCNET_BLAS")}
    source = str(Path(fcnet.__file__).parents[1])
    return kept | {"FCNET_OFFLINE": "1", "FCNET_CACHE": str(folder / "cache"), "PYTHONPATH": source}


@pytest.mark.parametrize("command", WORKS)
def test_what_needs_no_extra_works_without_any(command: str, answers: dict[str, Any]) -> None:
    status, out, err = answers[command]
    assert status == (1 if command == "data info" else 0), err  # 1: there is no CIFAR-10
    assert out


def test_an_audit_without_pytorch_does_not_speak_of_it(answers: dict[str, Any]) -> None:
    _, out, _ = answers["audit"]
    assert not [line for line in out if "autograd" in line]


@pytest.mark.parametrize("command", NEEDS)
def test_what_needs_an_extra_says_so_in_one_line(command: str, answers: dict[str, Any]) -> None:
    if NEEDS[command] == EXTRA:
        need_wheel()
    status, _, err = answers[command]
    assert status == 2
    assert len(err) == 1, err
    assert err[0].startswith("error: ")
    assert err[0].endswith(f"pip install 'fcnet[{NEEDS[command]}]'")


def test_a_missing_package_raises_an_import_error_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError) as caught:
        require("optuna", "tune")
    assert isinstance(caught.value, ImportError)
    assert str(caught.value) == (
        "the search for settings needs Optuna, which is not installed: pip install 'fcnet[tune]'"
    )


def test_what_is_installed_is_returned() -> None:
    assert require("json.decoder", "tune").JSONDecoder is json.JSONDecoder


def test_the_classifier_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"FCNetClassifier needs scikit-learn, .*'fcnet\[sklearn\]'"):
        _ = fcnet.FCNetClassifier


def test_each_package_comes_with_its_extra_and_not_with_the_core() -> None:
    names = packages_distributions()
    core = set(map(requirement, PROJECT["dependencies"]))
    for package, (_, extra) in PACKAGES.items():
        brought = set(map(requirement, EXTRAS[extra]))
        distribution = names[package][0].lower()
        assert distribution in brought
        assert distribution not in core
    assert [requirement(one) for one in EXTRAS[EXTRA]] == [WHEEL]
    assert [requirement(one) for one in EXTRAS[mkl.EXTRA]] == [mkl.WHEEL]
    assert PURPOSES.keys() == EXTRAS.keys() - {"all"}
    taken = [one for one in EXTRAS if one not in ("all", mkl.EXTRA)]  # of 1 GB, and only faster
    assert EXTRAS["all"] == [f"fcnet[{','.join(taken)}]"]
