"""Without the packages of the extras: what works, and what says in one line which extra to install."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

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


FIRST = f"{TRAIN} --validation 20 --preprocessing standardised"

ENOUGH = {
    "sklearn": ["train --out digits --iterations 20"],
    "report": [FIRST, "report run", "explore"],
    "tune": ["tune --out search --data table.npz --trials 2 --epochs 2 --validation 20 --workers 1"],
    "images": [
        "train --out run --data pictures --iterations 3",
        "predict run pictures/dark",
    ],
    "tables": ["train --out people --data people.csv --target income --iterations 3"],
    "torch": [f"{FIRST} --engine torch"],
    "onnx": [FIRST, "export run --onnx"],
    "tensorboard": [f"{FIRST} --tensorboard"],
}
"""Of each extra commands that need it, and no other."""


distributions_of_modules = cache(packages_distributions)
"""It reads what is said of every file that is installed."""


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


@pytest.mark.slow
@pytest.mark.parametrize("command", WORKS)
def test_what_needs_no_extra_works_without_any(command: str, answers: dict[str, Any]) -> None:
    status, out, err = answers[command]
    assert status == (1 if command == "data info" else 0), err  # 1: there is no CIFAR-10
    assert out


@pytest.mark.slow
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


@pytest.mark.slow
def test_each_package_comes_with_its_extra_and_not_with_the_core() -> None:
    names = distributions_of_modules()
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


def brought_by(extra: str) -> set[str]:
    """The distributions that `pip install 'fcnet[EXTRA]'` brings, those of the core among them."""
    found: set[str] = set()
    left = [Requirement(text) for text in (*PROJECT["dependencies"], *EXTRAS[extra])]
    while left:
        asked = left.pop()
        name = canonicalize_name(asked.name)
        environments = [{"extra": part} for part in (asked.extras or {""})]
        if name in found and not asked.extras:
            continue
        found.add(name)
        for inner in map(Requirement, requires(name) or []):
            if inner.marker is None or any(inner.marker.evaluate(one) for one in environments):
                left.append(inner)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("extra", ENOUGH)
def test_an_extra_brings_all_that_its_commands_need(extra: str, tmp_path: Path) -> None:
    """They work without any other package that happens to be installed here."""
    table(tmp_path / "table.npz")
    for place, name in enumerate(("dark", "bright")):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for shade in range(12):
            picture = Image.new("L", (8, 8), 100 * place + 5 * shade)
            picture.save(tmp_path / "pictures" / name / f"{shade}.png")
    rows = [f"{age},{'high' if age > 40 else 'low'}" for age in (*range(20, 60, 2), *range(21, 60, 2))]
    (tmp_path / "people.csv").write_text("\n".join(["age,income", *rows]))
    brought = brought_by(extra)
    absent = [
        module for module, distributions in distributions_of_modules().items()
        if module != "fcnet" and not brought & set(map(canonicalize_name, distributions))
    ]  # fmt: skip
    assert {"pytest", "hypothesis"} <= set(absent)
    process = subprocess.run(
        [sys.executable, ROOT / "tests" / "without.py", ",".join(absent)],
        input=json.dumps([command.split() for command in ENOUGH[extra]]),
        capture_output=True, text=True, check=False, cwd=tmp_path, env=surroundings(tmp_path),
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    for command, (status, _, err) in zip(ENOUGH[extra], json.loads(process.stdout), strict=True):
        assert status == 0, (command, err)
