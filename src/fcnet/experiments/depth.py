"""Question 4: what depth brings. Networks of 2 to 5 layers, from three initialisations, three seeds each.

Two budgets make the comparison fair in two ways. With equal width and epochs a deeper net has more of
everything; with equal parameters and epochs it has to give up width for its depth.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from fcnet.data.dataset import Dataset, split
from fcnet.experiments.recipes import PYTORCH, suited
from fcnet.experiments.signal import signal
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback
from fcnet.train.config import TrainConfig
from fcnet.train.inputs import make_inputs

LAYERS = (2, 3, 4, 5)

INITIALISATIONS = ("1e-3", "pytorch", "he")
"""Question 4's own initialisation, PyTorch's default, and He's."""

SEEDS = (0, 1, 2)

WIDTH = 256
"""Units of every hidden layer in the comparison at equal width."""

EPOCHS = 6

VALIDATION = 5000
"""Images held out: on 1,000 an accuracy of 0.5 has a standard error of 1.6 points, on 5,000 of 0.7."""

SIGNAL_IMAGES = 1000
"""Training images that the signal is measured on."""


@dataclass(frozen=True)
class Point:
    """One network of the study, to be trained from each seed.

    budget : what it has in common with the others, "width" or "parameters"; the epochs are equal always
    layers : counted without the input
    initialisation : as in `TrainConfig`
    width : units of each hidden layer
    """

    budget: str
    layers: int
    initialisation: str
    width: int

    @property
    def name(self) -> str:
        """The name in folders and tables."""
        return f"{self.initialisation}-{self.layers}-layers-of-{self.width}"

    def config(self, base: TrainConfig, seed: int) -> TrainConfig:
        """Its settings: those of the base, in which only the network differs."""
        hidden = (self.width,) * (self.layers - 1)
        return replace(base, hidden=hidden, initialisation=self.initialisation, seed=seed)


def points(inputs: int, classes: int, quick: bool = False) -> list[Point]:
    """The networks of the study; the two-layer net of the second table is that of the first.

    Parameters
    ----------
    inputs, classes : numbers per example, and classes
    quick : two initialisations and one budget
    """
    initialisations = ("1e-3", "he") if quick else INITIALISATIONS
    equal_width = [Point("width", layers, how, WIDTH) for how in initialisations for layers in LAYERS]
    if quick:
        return equal_width
    wanted = parameters(inputs, WIDTH, 2, classes)
    return equal_width + [
        Point("parameters", layers, "he", width_for(wanted, inputs, layers, classes)) for layers in LAYERS
    ]


def parameters(inputs: int, width: int, layers: int, classes: int) -> int:
    """Number of weights and biases of a net with this many layers, all hidden ones of one width."""
    sizes = [inputs, *[width] * (layers - 1), classes]
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))


def width_for(wanted: int, inputs: int, layers: int, classes: int) -> int:
    """The width that brings a net with this many layers closest to the wanted number of parameters."""
    width = 1
    while parameters(inputs, width + 1, layers, classes) <= wanted:
        width += 1
    below, above = (abs(parameters(inputs, w, layers, classes) - wanted) for w in (width, width + 1))
    return width if below <= above else width + 1


def study(
    dataset: Dataset, folder: Path, quick: bool, listener_for: Callable[[str, Path], Callback]
) -> list[dict[str, Any]]:
    """Train every network of the study from every seed, each in its own run folder.

    Finished trainings are read, not repeated, and a stopped training resumes.

    Parameters
    ----------
    dataset : its test set is not used
    folder : of the study
    quick : one seed, two epochs, fewer networks
    listener_for : gives the callback of a training, from its name and its folder

    Returns
    -------
    rows : the `summary` of each network
    """
    base = suited(replace(PYTORCH, validation=VALIDATION, epochs=2 if quick else EPOCHS), dataset)
    seeds = SEEDS[:1] if quick else SEEDS
    chosen = points(dataset.train.images.shape[1], len(dataset.classes), quick)
    total, done, rows = len(chosen) * len(seeds), 0, []
    for point in chosen:
        records = []
        for seed in seeds:
            done += 1
            title = f"{done} of {total}: {point.layers} layers, {point.initialisation}, seed {seed}"
            run = folder / point.name / f"seed{seed}"
            config = point.config(base, seed)
            records.append(train_run(config, dataset, run, resume=True, callback=listener_for(title, run)))
        rows.append(summary(point, records))
    return rows


def step_zero(dataset: Dataset) -> list[dict[str, Any]]:
    """The signal through every kind of network of the study, before the first step."""
    config = suited(PYTORCH, dataset)
    train, _ = split(dataset.train, config.validation)
    images, labels = train.images[:SIGNAL_IMAGES], train.labels[:SIGNAL_IMAGES]
    X = make_inputs(config, images).preprocessing(images, dtype="float64")
    return [
        {"layers": layers, "initialisation": how}
        | signal(X, labels, (WIDTH,) * (layers - 1), len(dataset.classes), how)
        for how in INITIALISATIONS
        for layers in LAYERS
    ]


def summary(point: Point, records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation over the seeds, as fractions, and each seed's own.

    The standard deviation is that of a sample, 0 for one seed. `seconds` is the mean of one training.
    """
    metrics = [record["metrics"] for record in records]
    row: dict[str, Any] = asdict(point)
    for name, key in (("training", "train_accuracy"), ("validation", "val_accuracy")):
        values = [m[key] for m in metrics]
        row[f"{name}_accuracy_mean"] = statistics.mean(values)
        row[f"{name}_accuracy_std"] = statistics.stdev(values) if len(values) > 1 else 0.0
        row[f"{name}_accuracies"] = values
    row["seeds"] = [record["seed"] for record in records]
    row["epochs"] = records[0]["config"]["epochs"]
    row["validation_images"] = records[0]["examples"]["validation"]
    row["parameters"] = records[0]["parameters"]
    row["seconds"] = statistics.mean(record["seconds"] for record in records)
    return row


def best_run(rows: Sequence[dict[str, Any]], folder: Path) -> tuple[dict[str, Any], Path]:
    """The network with the highest mean validation accuracy, and the folder of its best seed by the same."""
    row = max(rows, key=lambda row: row["validation_accuracy_mean"])
    point = Point(row["budget"], row["layers"], row["initialisation"], row["width"])
    accuracies = row["validation_accuracies"]
    seed = row["seeds"][accuracies.index(max(accuracies))]
    return row, folder / point.name / f"seed{seed}"
