"""The wheel alone in a fresh environment: what it brings, and that it trains, audits and predicts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from test_extras import TRAIN, table

ROOT = Path(__file__).parents[1]

MEGABYTES = 120
"""What `pip install fcnet` may bring at most, fcnet included."""

OPTIONS = "--preprocessing standardised --learning-rate 0.05 --momentum 0.9 --validation 20"

PREDICTION = """
from pathlib import Path
import numpy as np
from fcnet.train.model import Model
table = np.load("table.npz")
model = Model.load(Path("run"))
right = model.logits(table["X"].astype(np.float32)).argmax(axis=1) == table["y"]
print(right.mean())
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with the wheel and what it asks for, in the versions of constraints.txt."""
    folder = tmp_path_factory.mktemp("install")
    source = folder / "source"
    kept = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(ROOT / "src", source / "src", ignore=kept)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-w", folder, source]
    subprocess.run(build, check=True, capture_output=True)
    without = [sys.executable, "-m", "venv", "--without-pip", folder / "venv"]  # ours installs into it
    subprocess.run(without, check=True, capture_output=True)
    (wheel,) = folder.glob("fcnet-*.whl")
    pip = [sys.executable, "-m", "pip", "--python", folder / "venv" / "bin" / "python", "install", wheel]
    pip += ["--only-binary=:all:", "-c", ROOT / "constraints.txt"]
    installed = subprocess.run(pip, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"pip finds no packages here: {installed.stderr.splitlines()[-1]}")
    return folder


@pytest.fixture(scope="module")
def run(environment: Path) -> Run:
    """Run the environment's python in a folder with a table."""
    table(environment / "table.npz")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "FCNET_"))}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [environment / "venv" / "bin" / "python", *arguments],
            capture_output=True, text=True, check=False, cwd=environment,
            env=kept | {"FCNET_OFFLINE": "1", "FCNET_CACHE": str(environment / "cache")},
        )  # fmt: skip

    return run


def test_it_is_small(environment: Path) -> None:
    (packages,) = (environment / "venv").glob("lib/python*/site-packages")
    files = [path for path in packages.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in files) < MEGABYTES * 1e6


def test_it_brings_no_package_of_an_extra(run: Run) -> None:
    code = "from importlib.metadata import distributions as all; print(*(one.name for one in all()))"
    found = set(run("-c", code).stdout.lower().split())
    assert "numpy" in found
    assert not found & {"scipy", "scikit-learn", "matplotlib", "sympy", "jinja2", "optuna", "pillow", "torch"}


def test_it_trains_audits_and_predicts(run: Run) -> None:
    trained = run("-m", "fcnet", *f"{TRAIN} {OPTIONS}".split())
    assert (trained.returncode, trained.stderr) == (0, "")
    audit = run("-m", "fcnet", "audit")
    assert (audit.returncode, audit.stdout.split()[-1]) == (0, "passed")
    assert float(run("-c", PREDICTION).stdout) > 0.9
    refused = run("-m", "fcnet", "report", "run")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.endswith("pip install 'fcnet[report]'\n")
