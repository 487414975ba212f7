"""What folding brings: validation accuracy of trained networks with and without it, on CIFAR-10.

    python benchmarks/folding.py --data FOLDER [--recipe NAME] [--out FOLDER]

Trains the recipe from three seeds, or takes up trainings that lie in --out, and folds each over mirrored and
shifted images, then all three together. The test set is not looked at. The record goes to
results/folding.json; docs/folding.md states it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.data.dataset import DataOptions, Dataset, Part, split
from fcnet.data.deformation import Deformation
from fcnet.data.load import load
from fcnet.experiments.recipes import RECIPES
from fcnet.net.losses import accuracy_and_loss
from fcnet.records import RunFolder, environment, write_json
from fcnet.runs.differing import data_record
from fcnet.runs.folding import fold
from fcnet.runs.training import train_run
from fcnet.train.config import TrainConfig
from fcnet.train.model import Model

ROOT = Path(__file__).resolve().parents[1]

SEEDS = (1, 2, 3)

HELD_OUT = 5000
"""Training images to validate on: the accuracies differ by tenths of a point."""

VIEWS = {
    "none": Deformation(),
    "--mirror": Deformation(mirror=True),
    "--shift 1": Deformation(shift=1),
    "--mirror --shift 1": Deformation(mirror=True, shift=1),
    "--mirror --shift 2": Deformation(mirror=True, shift=2),
    "--mirror --shift 3": Deformation(mirror=True, shift=3),
}


def trained(recipe: str, dataset: Dataset, out: Path) -> Iterator[tuple[TrainConfig, Model]]:
    """The recipe's network from each seed."""
    for seed in SEEDS:
        config = replace(RECIPES[recipe], seed=seed, validation=HELD_OUT)
        folder = out / f"seed{seed}"
        if not RunFolder(folder).finished:
            print(f"training {folder}", flush=True)
        train_run(config, dataset, folder, resume=True)
        yield config, Model.load(folder)


def measured(models: list[Model], deformation: Deformation, part: Part) -> dict[str, Any]:
    """Accuracy and size of networks folded together."""
    folded = fold(models, deformation.tables(models[0].image_shape))
    accuracy, loss = accuracy_and_loss(folded.logits(part.images), part.labels)
    return {"accuracy": accuracy, "loss": loss, "parameters": folded.architecture.size}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with CIFAR-10")
    parser.add_argument("--recipe", default="quick", choices=list(RECIPES))
    parser.add_argument("--out", type=Path, default=Path("runs/folding"), help="folder of the trainings")
    arguments = parser.parse_args()
    dataset = load(DataOptions(arguments.data, require_cifar10=True))
    pairs = list(trained(arguments.recipe, dataset, arguments.out))
    models = [model for _, model in pairs]
    _, validation = split(dataset.train, pairs[0][0].validation)
    rows = {}
    for name, deformation in VIEWS.items():
        each = [measured([model], deformation, validation) for model in models]
        rows[name] = {"seeds": each, "together": measured(models, deformation, validation)}
        print(f"{name:20} {np.mean([one['accuracy'] for one in each]):.4f}", flush=True)
    record = {
        "recipe": arguments.recipe, "seeds": SEEDS, "config": pairs[0][0].to_dict(),
        "data": data_record(dataset) | {"path": Path(dataset.origin.path).name},
        "validation_images": len(validation), "rows": rows,
        "environment": environment() | {"command": "python benchmarks/folding.py --data data"},
    }  # fmt: skip
    write_json(ROOT / "results" / "folding.json", record)


if __name__ == "__main__":
    main()
