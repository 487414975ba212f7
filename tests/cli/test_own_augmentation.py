"""A user's own augmentation, in a file of the user's own, on the command line and in both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

import programs
from fcnet.records import RunFolder, read_json
from fcnet.runs.training import read_config

OWN = '''
"""fcnet with an augmentation of my own."""

import sys

from fcnet.cli import main
from fcnet.data.augmentation import AUGMENTATIONS


class Noise:
    """Normal noise on every pixel, after preprocessing."""

    def __init__(self, spread=0.1):
        self.spread = spread

    def __call__(self, batch, rng):
        batch.X += self.spread * rng.standard_normal(batch.X.shape)


AUGMENTATIONS["noise"] = Noise
sys.exit(main())
'''

SETTINGS = (
    "--hidden", "16", "--initialisation", "he", "--preprocessing", "standardised", "--learning-rate", "0.05",
    "--reg", "1e-4", "--precision", "float64", "--epochs", "2", "--batch-size", "60", "--validation", "200",
)  # fmt: skip


def run(folder: Path, *command: str) -> tuple[int, str]:
    status, _, err = programs.run(
        command, folder, {"FCNET_OFFLINE": "1", "FCNET_CACHE": str(folder / "nowhere"), "FCNET_DATA": ""}
    )
    return status, err


def test_an_augmentation_in_a_users_own_file_trains_in_both_engines(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    accuracies = {}
    for engine in ("numpy", "torch"):
        if engine == "torch":
            pytest.importorskip("torch")
        options = ("--engine", engine, "--augment", "noise=0.3", "cutout=2", "mixup=0.2")
        status, err = run(tmp_path, "own.py", "train", "--out", engine, *SETTINGS, *options)
        assert status == 0, err
        accuracies[engine] = read_json(RunFolder(tmp_path / engine).record)["metrics"]["val_accuracy"]
    assert accuracies["torch"] == accuracies["numpy"] > 0.5
    status, err = run(tmp_path, "own.py", "train", "--out", "plain", *SETTINGS, "--cutout", "2")
    assert status == 0, err
    histories = [RunFolder(tmp_path / name).history.read_text() for name in ("numpy", "plain")]
    assert histories[0] != histories[1]


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_without_that_file_its_name_is_unknown(engine: str, tmp_path: Path) -> None:
    options = ("--engine", engine, "--augment", "noise=0.3")
    status, err = run(tmp_path, "-m", "fcnet", "train", "--out", "x", *SETTINGS, *options)
    assert status == 2
    assert err.splitlines()[-1].startswith(
        "error: 'noise' is not a known augmentation, choose from mirror, shift, rotate, zoom, cutout, mixup, "
        "or add it to AUGMENTATIONS first"
    )
    assert not (tmp_path / "x").exists()


def test_options_and_names_say_the_same(tmp_path: Path) -> None:
    for name, options in {
        "short": ("--mirror", "--shift", "1", "--cutout", "2", "--mixup", "0.2"),
        "long": ("--augment", "mirror", "shift=1", "cutout=2", "mixup=0.2"),
    }.items():
        status, err = run(tmp_path, "-m", "fcnet", "train", "--out", name, *SETTINGS, *options)
        assert status == 0, err
    assert read_config(tmp_path / "short" / "config.toml") == read_config(tmp_path / "long" / "config.toml")
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("short", "long")]
    assert models[0] == models[1]
