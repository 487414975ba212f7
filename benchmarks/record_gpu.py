"""A record on one GPU that needs no attention: it measures the time, sets the epochs, and trains the seeds.

    python benchmarks/record_gpu.py --data FOLDER --out OUT --minutes 14 [--recipe recipes/gpu.toml]

First a few epochs tell how long one takes here. Then the recipe gets as many epochs as fit into its budget,
and into the minutes for all seeds together, and becomes OUT/recipe.toml. `fcnet record run` does the rest,
and `fcnet record verify` looks at the result. The same command resumes what was stopped. A recipe with the
budget of a CPU runs on the CPU.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import tomli_w

from fcnet.cli import main as fcnet
from fcnet.data.dataset import Dataset
from fcnet.data.load import load
from fcnet.errors import FcnetError
from fcnet.protocol.contents import Recipe
from fcnet.protocol.recipe import config_of, fewest, read_recipe
from fcnet.runs.training import train_run
from fcnet.train.config import TrainConfig

ROOT = Path(__file__).resolve().parents[1]

SHARE = 0.9
"""Of a seed's time, what its training is planned to take: times vary."""

AROUND = 20.0
"""Seconds of a seed besides its training: Python and the GPU start, data are loaded, the net is tested."""

PROBED = (1, 1, 3)
"""Epochs of the trainings that are timed; the first one also starts the GPU."""


def probed(config: TrainConfig, dataset: Dataset) -> tuple[float, float]:
    """Seconds of a training besides its epochs, and of an epoch."""
    times = []
    for epochs in PROBED:
        with tempfile.TemporaryDirectory() as folder:
            short = replace(config, epochs=epochs, warmup_epochs=0.0, seed=0)
            times.append(train_run(short, dataset, Path(folder) / "run")["seconds"])
    cold, one, several = times
    epoch = max(several - one, 1e-9) / (PROBED[2] - PROBED[1])
    return max(cold - epoch, 0.0), epoch


def fitting(recipe: Recipe, before: float, epoch: float, left: float) -> int:
    """Epochs that fit into the budget, and into the seconds that are left for all seeds.

    Raises
    ------
    FcnetError : not even one does
    """
    seeds = recipe.seeds or fewest(recipe.budget)
    each = min(recipe.budget.seconds, left / seeds - AROUND)
    epochs = int((SHARE * each - before) / epoch)
    if epochs < 1:
        raise FcnetError(
            f"an epoch takes {epoch:.1f} s and the rest of a training {before:.1f} s, which is too much for "
            f"{seeds} seeds in {left:.0f} s; give more --minutes or a smaller recipe"
        )
    return epochs


def prepared(place: Path, given: Path, dataset: Dataset, left: float) -> None:
    """Write the recipe with its epochs to `place`, unless an earlier start did."""
    if place.exists():
        return
    recipe = read_recipe(given)
    start = time.monotonic()
    before, epoch = probed(config_of(recipe, 0), dataset)
    epochs = fitting(recipe, before, epoch, left - (time.monotonic() - start))
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
    parser.add_argument("--beat", default="78.62", help="the record to beat")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    try:
        dataset = load(options.data, required=True)
        left = 60 * options.minutes - (time.monotonic() - start)
        recipe, record = options.out / "recipe.toml", options.out / "record"
        prepared(recipe, options.recipe, dataset, left)
    except FcnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    data = [] if options.data is None else ["--data", str(options.data)]
    words = ["record", "run", str(recipe), "--out", str(record), "--beat", options.beat, *data]
    status = fcnet(words)
    if status:
        return status
    shutil.copy(record / "record.json", options.out / "record.json")
    return fcnet(["record", "verify", str(options.out / "record.json"), "--runs", str(record)])


if __name__ == "__main__":
    sys.exit(main())
