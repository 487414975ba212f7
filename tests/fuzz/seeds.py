"""Good inputs of every kind, small ones, made on the spot. What is fuzzed are copies of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np

from trainings import SMALL, StopAfter, small

OPTIONS = (
    *("--hidden", "8", "--initialisation", "he", "--preprocessing", "standardised"),
    *("--batch-size", "10", "--epochs", "1", "--learning-rate", "0.01"),
)
"""Settings of a short training on whatever data."""


def make(folder: Path) -> None:
    """Write a good input of every kind: under the names in `cases.KINDS`."""
    from fcnet.data.digits import load_digits
    from fcnet.data.load import UNAVAILABLE
    from fcnet.runs.observer import Observer
    from fcnet.runs.training import train_run
    from fcnet.train.callbacks import Callbacks

    digits = load_digits(UNAVAILABLE)
    train_run(small(epochs=1, hidden=(8,)), digits, folder / "run")
    with contextlib.suppress(KeyboardInterrupt):
        train_run(small(), digits, folder / "stopped", callback=StopAfter(47))
    watched = folder / "watched"
    with contextlib.suppress(KeyboardInterrupt):
        observing = Callbacks(Observer(watched, digits, "train"), StopAfter(47))
        train_run(small(), digits, watched, callback=observing)
    pictures(folder / "pictures")
    arrays(folder / "arrays.npz")
    own(folder)
    study(folder / "study")
    cifar(folder / "cifar")
    reproduction(folder / "reproduction")


def reproduction(folder: Path) -> None:
    """The reproduction whose numbers the documents state."""
    records = Path(__file__).parents[2] / "results"
    shutil.copytree(records / "reproduce", folder)
    shutil.copy(records / "reproduce.json", folder / "results.json")


def pictures(folder: Path) -> None:
    """Three classes of small pictures in several formats."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for label, name in enumerate(("bright", "dark", "mixed")):
        (folder / name).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(60 * label, 60 * label + 120, (9, 9, 3), dtype=np.uint8)
            suffix = ("png", "jpg", "gif", "bmp", "tiff", "webp")[number]
            Image.fromarray(pixels).save(folder / name / f"{number}.{suffix}")


def arrays(path: Path) -> None:
    """Features of three classes."""
    rng = np.random.default_rng(1)
    y = np.arange(60) % 3
    np.savez(path, X=(rng.normal(size=(60, 5)) + y[:, None]).astype(np.float32), y=y)


def own(folder: Path) -> None:
    """A run on the pictures; what it keeps of them lies in the cache."""
    from fcnet.cli import main

    os.chdir(folder)
    main(["train", "--out", "own", "--data", "pictures", *OPTIONS])


def study(folder: Path) -> None:
    """A search of two trials."""
    from fcnet.cli import main

    words = [
        "--vary",
        "learning-rate",
        "--trials",
        "2",
        "--epochs",
        "1",
        "--hidden",
        "8",
        "--batch-size",
        "60",
    ]
    main(["tune", "--out", str(folder), *words, "--validation", str(SMALL.validation)])


def cifar(folder: Path) -> None:
    """CIFAR-10's files and its archive, with four images a file: refused, but only after they were read."""
    from data.conftest import batch

    inside = folder / "cifar-10-batches-py"
    inside.mkdir(parents=True)
    for number, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta"]):
        (inside / name).write_bytes(batch(number))
    archive = folder.parent / "archive"
    archive.mkdir()
    with tarfile.open(archive / "cifar-10-python.tar.gz", "w:gz") as file:
        file.add(inside, inside.name)
