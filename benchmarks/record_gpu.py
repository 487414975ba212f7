"""A record on one GPU that needs no attention: it measures the time, sets the epochs, and trains the seeds.

    python benchmarks/record_gpu.py --data FOLDER --out OUT --minutes 14 [--recipe recipes/gpu.toml]

First some steps tell how long an epoch takes. Then the recipe gets as many epochs as fit into its budget,
and into the minutes for all seeds together, and becomes OUT/recipe.toml. `fcnet record run` does the rest,
and `fcnet record verify` looks at the result. The same command resumes what was stopped. A recipe with the
budget of a CPU runs on the CPU.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import tomli_w

from fcnet.cli import main as fcnet
from fcnet.data.dataset import DataOptions, Dataset
from fcnet.data.load import load
from fcnet.data.minibatches import steps_per_epoch
from fcnet.errors import FcnetError
from fcnet.protocol.contents import Recipe
from fcnet.protocol.recipe import config_of, fewest, read_recipe
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback
from fcnet.train.config import TrainConfig

ROOT = Path(__file__).resolve().parents[1]

SHARE = 0.9
"""Of a seed's time, what its training is planned to take: times vary."""

AROUND = 20.0
"""Seconds of a seed besides its training: Python and the GPU start, data are loaded, the net is tested."""

PROBED = 400
"""Steps of the training that is timed."""

WARM = 100
"""The first of them, which are slower: libraries choose their kernels, and the step is recorded."""


class Pace(Callback):
    """Notes when the steps `WARM` and `PROBED` were done; the loop has waited for the GPU in both."""

    def __init__(self) -> None:
        self.times: dict[int, float] = {}

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        if step in (WARM, PROBED):
            self.times[step] = time.perf_counter()

    @property
    def step(self) -> float:
        """Seconds of a step."""
        return max(self.times[PROBED] - self.times[WARM], 1e-9) / (PROBED - WARM)


def probed(config: TrainConfig, dataset: Dataset) -> tuple[float, float]:
    """Seconds of a training besides its steps, and of an epoch, from one short training."""
    pace = Pace()
    short = replace(config, iterations=PROBED, evaluate_every=PROBED, warmup_epochs=0.0, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        seconds = train_run(short, dataset, Path(folder) / "run", callback=pace)["seconds"]
    steps = steps_per_epoch(len(dataset.train) - config.validation, config.batch_size)
    return max(seconds - PROBED * pace.step, 0.0), steps * pace.step


def fitting(recipe: Recipe, before: float, epoch: float, left: float, at_once: int = 1) -> int:
    """Epochs that fit into the budget, and into the seconds that are left for all seeds.

    Parameters
    ----------
    recipe : its budget and its number of seeds count
    before, epoch : seconds, see `probed`
    left : seconds
    at_once : seeds that share the GPU

    Raises
    ------
    FcnetError : not even one does
    """
    seeds = recipe.seeds or fewest(recipe.budget)
    each = min(recipe.budget.seconds, left / math.ceil(seeds / at_once) - AROUND)
    epochs = int((SHARE * each - before) / (epoch * at_once))
    if epochs < 1:
        raise FcnetError(
            f"an epoch takes {epoch:.1f} s and the rest of a training {before:.1f} s, which is too much for "
            f"{seeds} seeds in {left:.0f} s; give more --minutes or a smaller recipe"
        )
    return epochs


def prepared(place: Path, given: Path, dataset: Dataset, left: float, at_once: int) -> None:
    """Write the recipe with its epochs to `place`, unless an earlier start did."""
    if place.exists():
        return
    recipe = read_recipe(given)
    start = time.monotonic()
    before, epoch = probed(config_of(recipe, 0), dataset)
    epochs = fitting(recipe, before, epoch, left - (time.monotonic() - start), at_once)
    values = msgspec.to_builtins(recipe)
    values["settings"]["epochs"] = epochs
    without_none = {name: value for name, value in values.items() if value is not None}
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(tomli_w.dumps(without_none))
    print(f"{epoch:.2f} s an epoch and {before:.1f} s besides: {epochs} epochs, see {place}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Measure a record; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with CIFAR-10, or digits for a trial")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"), help="folder for all of it")
    parser.add_argument("--recipe", type=Path, default=ROOT / "recipes" / "gpu.toml")
    parser.add_argument("--minutes", type=float, default=14.0, help="for all seeds together")
    parser.add_argument("--at-once", type=int, default=1, help="seeds that share the GPU")
    parser.add_argument("--beat", default="78.62", help="the record to beat")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    try:
        dataset = load(DataOptions(options.data, require_cifar10=True))
        left = 60 * options.minutes - (time.monotonic() - start)
        recipe, record = options.out / "recipe.toml", options.out / "record"
        prepared(recipe, options.recipe, dataset, left, options.at_once)
    except FcnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    data = [] if options.data is None else ["--data", str(options.data)]
    words = ["record", "run", str(recipe), "--out", str(record), "--beat", options.beat, *data]
    words += ["--at-once", str(options.at_once)]
    status = fcnet(words)
    if status:
        return status
    shutil.copy(record / "record.json", options.out / "record.json")
    return fcnet(["record", "verify", str(options.out / "record.json"), "--runs", str(record)])


if __name__ == "__main__":
    sys.exit(main())
