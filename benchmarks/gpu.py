"""The PyTorch engine on a GPU: steps a second, captured as a CUDA graph or not, and seconds to 60 and 70 %.

python benchmarks/gpu.py [--device cuda] [--seconds S] [--quick] [--trainings] [--no-steps] [--out FILE]

The steps need no data set. `--trainings` trains the recipes `tuned` and `deep` on CIFAR-10 besides, until
they show 60 and 70 % on the validation split; with `--no-steps` nothing else is
measured. `--quick` takes tiny sizes, on a CPU too, and writes no record.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.data.dataset import Dataset, Origin, Part, split
from fcnet.data.load import load_known
from fcnet.errors import FcnetError
from fcnet.experiments.recipes import RECIPES
from fcnet.records import make_writable, write_json
from fcnet.runs.engines import workplace
from fcnet.torch_net.engine import TorchEngine
from fcnet.torch_net.hardware import choose_device, described
from fcnet.train.callbacks import Callback
from fcnet.train.config import TrainConfig
from fcnet.train.fit import Fit
from fcnet.train.history import Evaluation
from machine import Watch, describe, kind
from peers._torch import Loop
from peers.fcnet import Engined, config, names
from problem import Problem, first_images

RECORDS = Path(__file__).resolve().parents[1] / "results" / "benchmarks"

HIDDEN = ((50,), (1024,), (4096,), (1024, 1024, 1024))
BATCHES = (200, 2000)
ROUNDS = 5

COMPILED = (((1024,), 200),)
"""The cases, hidden units and batch, that torch.compile is measured on too: each takes it a minute."""

LEVELS = {"tuned": 0.6, "deep": 0.7}
"""Recipes, and the validation accuracy at which each is stopped."""

AHEAD = 50
"""Steps between two readings of the loss, as in `fcnet.train.fit`."""

TOLERANCE = 1e-3
"""How far the losses of ten steps in float32 may lie from the plain loop's, as a part of them."""


@dataclass(frozen=True)
class Way:
    """One way of doing a step. plain : as one writes it in PyTorch, and not through the engine"""

    name: str
    precision: str = "float32"
    captures: bool = False
    compiled: bool = False
    plain: bool = False


WAYS = (
    Way("PyTorch, plain loop", plain=True),
    Way("fcnet"),
    Way("fcnet, captured", captures=True),
    Way("fcnet, compiled", compiled=True),
    Way("PyTorch, plain loop, bfloat16", "bfloat16", plain=True),
    Way("fcnet, bfloat16", "bfloat16"),
    Way("fcnet, bfloat16, captured", "bfloat16", captures=True),
)
"""The first one is the one that the others are divided by."""


def main() -> int:
    """Measure, print and write."""
    options = parse()
    try:
        out = record_at(options)
        start = Watch.now()
        rows = [] if options.no_steps else list(steps(options.device, options.seconds, options.quick))
        trainings = [train(name, options.device) for name in LEVELS] if options.trainings else []
        record = {
            "format": 2, "benchmark": "gpu", "machine": describe(start, Watch.now()), "torch": described(),
            "device": device_name(options.device), "quick": options.quick, "rows": rows,
            "trainings": trainings,
        }  # fmt: skip
        if out is not None:
            write_json(out, record)
            print(f"written to {out}")
    except FcnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda", choices=("cuda", "mps", "cpu"))
    parser.add_argument("--seconds", type=float, default=0.5, help="least seconds of one measurement")
    parser.add_argument("--trainings", action="store_true", help="seconds to 60 and 70 % too; needs CIFAR-10")
    parser.add_argument("--no-steps", action="store_true", help="leave out the steps a second")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does everything run? No record")
    parser.add_argument("--out", type=Path, default=None, help="the record, gpu-DEVICE.json")
    options = parser.parse_args()
    if options.quick:
        options.seconds = 0.01
    return options


def record_at(options: argparse.Namespace) -> Path | None:
    """Where the record goes: a quick run has none unless it is told where."""
    out: Path | None = options.out
    if out is None and not options.quick:
        slug = "-".join(device_name(options.device).lower().split())
        out = RECORDS / kind() / f"gpu-{slug}.json"
    if out is not None:
        make_writable(out.parent)
    return out


def device_name(asked: str) -> str:
    """The device in words.

    Raises
    ------
    DataError : it is not there
    """
    import torch

    device = choose_device(asked)
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def steps(device: str, seconds: float, quick: bool) -> Iterator[dict[str, Any]]:
    """Steps a second of every way, size and batch, in turn, round after round."""
    images, labels, _ = first_images(1000 if quick else 20_000, "random")
    for hidden in ((8,),) if quick else HIDDEN:
        for batch in (10,) if quick else BATCHES:
            # the second thread of a tiny step only waits, and takes a core while it does
            threads = 1 if quick else 2
            problem = Problem(images, labels, hidden=hidden, batch=batch, momentum=0.9, threads=threads)
            yield from compared(problem, device, seconds, rounds=2 if quick else ROUNDS)


def compared(problem: Problem, device: str, seconds: float, rounds: int) -> list[dict[str, Any]]:
    """One case: the same steps in every way, seen to be the same, and then timed."""
    times: dict[str, list[float]] = {}
    losses: dict[str, list[float]] = {}
    ways = [way for way in WAYS if not way.compiled or (problem.hidden, problem.batch) in COMPILED]
    for way in ways:
        with opened(way, problem, device) as step:
            rows = problem.minibatches()
            losses[way.name] = [float(step(next(rows))) for _ in range(10)]
            check(way, losses[way.name], losses[ways[0].name])
            times[way.name] = [per_step(step, rows, seconds) for _ in range(rounds)]
    result = []
    first = statistics.median(times[ways[0].name])
    for way in ways:
        middle = statistics.median(times[way.name])
        result.append({
            "way": way.name, "hidden": list(problem.hidden), "batch": problem.batch,
            "seconds": times[way.name], "steps_per_second": 1 / middle, "ratio": middle / first,
            "losses": losses[way.name],
        })  # fmt: skip
        print(
            f"{problem.hidden!s:20} batch {problem.batch:5} {way.name:32} {1 / middle:9,.0f} steps/s "
            f"x {middle / first:.2f}",
            flush=True,
        )
    return result


def check(way: Way, losses: list[float], expected: list[float]) -> None:
    """The same work, or an error.

    Raises
    ------
    FcnetError : the losses of the first steps are others than the plain loop's
    """
    tolerance = TOLERANCE if way.precision == "float32" else 30 * TOLERANCE
    if not np.allclose(losses, expected, rtol=tolerance):
        raise FcnetError(f"{way.name}: losses {losses}, the plain loop's are {expected}")


@contextmanager
def opened(way: Way, problem: Problem, device: str) -> Iterator[Callable[[Any], Any]]:
    """A step from rows to a loss that may still be computed."""
    rate = problem.learning_rate
    if way.plain:
        loop = Loop(problem, bfloat16=way.precision == "bfloat16", device=device)
        yield lambda rows: loop.step(rows, rate)
        return
    settings = config(problem, engine="torch", device=device, precision=way.precision, compile=way.compiled)
    part = Part(problem.images, problem.labels)
    origin = Origin("memory", "", None)
    dataset = Dataset("benchmark", part, part, names(problem), problem.image_shape, origin)
    with workplace(settings) as place:
        engine = captured(place.engine(part, dataset), way.captures)
        yield lambda rows: Engined(engine, problem).step(rows, rate)


def captured(engine: Any, captures: bool) -> TorchEngine:
    """The engine, whose steps are recorded or not."""
    assert isinstance(engine, TorchEngine)
    engine.captures = captures
    return engine


def per_step(step: Callable[[Any], Any], rows: Iterator[Any], seconds: float) -> float:
    """Seconds of a step: whole groups of steps, the loss read at the end of each, for this long at least."""
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds or not done:
        for _ in range(AHEAD):
            loss = step(next(rows))
        float(loss)
        done += AHEAD
    return spent / done


class ReachedError(Exception):
    """The level is reached."""


class Until(Callback):
    """Stops a training at a level, and notes the seconds."""

    def __init__(self, level: float) -> None:
        self.level = level
        self.points: list[tuple[float, float, float]] = []

    def on_evaluation(self, row: Evaluation) -> None:
        self.points.append((row.epoch, row.seconds, row.val_accuracy))
        if row.val_accuracy >= self.level:
            raise ReachedError


def train(recipe: str, device: str) -> dict[str, Any]:
    """Train a recipe until its level; seconds of everything but loading."""
    settings: TrainConfig = replace(RECIPES[recipe], engine="torch", device=device)
    dataset = load_known("CIFAR-10")
    part, validation = split(dataset.train, settings.validation)
    until = Until(LEVELS[recipe])
    start = time.perf_counter()
    with workplace(settings) as place:
        engine = captured(place.engine(part, dataset), device == "cuda")
        fit = Fit(engine, settings, part, validation, until, seconds_before=time.perf_counter() - start)
        try:
            fit.run()
            reached = False
        except ReachedError:
            reached = True
    epoch, seconds, accuracy = until.points[-1]
    print(f"{recipe}: {100 * accuracy:.1f} % after {epoch:.0f} epochs and {seconds:.1f} s", flush=True)
    return {
        "recipe": recipe, "level": LEVELS[recipe], "reached": reached, "seconds": seconds, "epochs": epoch,
        "steps": fit.step, "points": until.points, "precision": str(engine.precision),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
