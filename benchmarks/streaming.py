"""Training on rows that do not fit into memory: in how much memory, and how fast beside rows in memory.

python benchmarks/streaming.py [--gigabytes 8] [--megabytes 1024] [--rounds 10] [--speed] [--folder DIR]

Rows that fit are trained on in turns, from memory and from their file, in the same order: steps alone are
timed, and the weights must be the same bits. Then rows of so many gigabytes are written to a temporary
folder, and `fcnet train --stream` trains on them in a process whose data may take so many megabytes
(RLIMIT_DATA: what it allocates, with all buffers of its libraries). The kernel's cache of files does not
count; no row is mapped.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.data.blocks import Blocks
from fcnet.data.dataset import DataOptions, Part, split
from fcnet.data.minibatches import minibatches
from fcnet.data.own.load import load_own
from fcnet.errors import FcnetError
from fcnet.experiments.recipes import fitted
from fcnet.records import make_writable, read_json, write_json
from fcnet.train.config import TrainConfig
from fcnet.train.engine import NumpyEngine
from machine import Watch, describe

OUT = Path(__file__).resolve().parents[1] / "results" / "streaming.json"

WIDTH, CLASSES = 1_000, 10
"""Features of a row, which is 4 kB, and classes."""

PIECE = 10_000
"""Rows that are written at once."""

FITTING = 400_000_000
"""Bytes of the rows that are also trained on from memory."""

SETTINGS = TrainConfig(
    hidden=(256,),
    initialisation="he",
    learning_rate=0.02,
    momentum=0.9,
    schedule="cosine",
    reg=1e-4,
    epochs=1,
)


def write_rows(folder: Path, size: int, seed: int = 0) -> int:
    """Write X.npy and y.npy of about `size` bytes; returns the number of rows."""
    folder.mkdir()
    rng, count = np.random.default_rng(seed), max(size // (4 * WIDTH), PIECE)
    centres = 0.2 * rng.standard_normal((CLASSES, WIDTH), dtype=np.float32)
    y = rng.integers(CLASSES, size=count)
    with (folder / "X.npy").open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": (count, WIDTH)}
        np.lib.format.write_array_header_1_0(file, head)
        for start in range(0, count, PIECE):
            labels = y[start : start + PIECE]
            noise = rng.standard_normal((len(labels), WIDTH), dtype=np.float32)
            file.write((centres[labels] + noise).data)
    np.save(folder / "y.npy", y)
    return count


def beyond(folder: Path, size: int, megabytes: int) -> dict[str, Any]:
    """Write rows of about `size` bytes, and train on them in little memory."""
    count = write_rows(folder / "rows", size)
    found = limited(folder / "rows", folder / "run", megabytes)
    written = (folder / "rows" / "X.npy").stat().st_size
    return {"bytes": written, "rows": count, "features": WIDTH, **found}


def limited(data: Path, out: Path, megabytes: int) -> dict[str, Any]:
    """Train in a process of its own with a limit on its data; its record, with memory and times.

    Raises
    ------
    FcnetError : the training failed
    """
    options = ["--hidden", "256", "--initialisation", "he", "--learning-rate", "0.02", "--momentum", "0.9"]
    options += ["--schedule", "cosine", "--reg", "1e-4", "--epochs", "1", "--stream"]
    command = [sys.executable, "-m", "fcnet", "train", "--data", str(data), "--out", str(out), *options]
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        limit = megabytes << 20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        os.execv(command[0], command)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise FcnetError(
            f"the training in {megabytes} MB failed with status {os.waitstatus_to_exitcode(status)}"
        )
    record = read_json(out / "record.json")
    return {
        "limit_megabytes": megabytes,
        "peak_resident_megabytes": usage.ru_maxrss / 1024,
        "seconds": time.perf_counter() - start,
        "training_seconds": record["seconds"],
        "steps": record["steps"],
        "val_accuracy": record["metrics"]["val_accuracy"],
    }


def compared(data: Path, rounds: int) -> dict[str, Any]:
    """Steps per second from memory and from the file, in turns, and whether the weights are the same bits."""
    given = load_own(data, DataOptions(stream=True))
    config = replace(fitted(SETTINGS, given), epochs=rounds)
    streamed, _ = split(given.train, config.validation)
    blocks = streamed.blocks
    assert blocks is not None
    whole = Part(np.asarray(streamed.images), streamed.labels, blocks)
    engines = {
        name: NumpyEngine(config, part, given.image_shape, given.classes)
        for name, part in (("memory", whole), ("streamed", streamed))
    }
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    processor: dict[str, list[float]] = {name: [] for name in engines}
    for epoch in range(rounds + 1):
        for name in list(engines)[:: 1 if epoch % 2 else -1]:
            took, busy = one_epoch(engines[name], len(whole), config, epoch, blocks)
            if epoch:  # the first one warms up
                seconds[name].append(took)
                processor[name].append(busy)
    digests = {
        hashlib.sha256(b"".join(value.tobytes() for value in engine.state().values())).hexdigest()
        for engine in engines.values()
    }
    if len(digests) != 1:
        raise FcnetError("the weights from the file are not those from memory")
    steps = -(-len(whole) // config.batch_size)
    return {
        "rows": len(whole),
        "steps_per_epoch": steps,
        "rounds": rounds,
        "seconds_per_epoch": seconds,
        "processor_seconds_per_epoch": processor,
        "speed_ratio": ratio(seconds),
        "processor_ratio": ratio(processor),
        "same_weights": True,
    }


def ratio(seconds: dict[str, list[float]]) -> float:
    """How fast the file is beside memory: the median over turns that follow each other."""
    pairs = zip(seconds["memory"], seconds["streamed"], strict=True)
    return statistics.median(memory / file for memory, file in pairs)


def one_epoch(
    engine: NumpyEngine, rows: int, config: TrainConfig, epoch: int, blocks: Blocks
) -> tuple[float, float]:
    """Seconds of all steps of an epoch, with the reading that they wait for; and those of the processor."""
    start, busy = time.perf_counter(), time.process_time()
    for batch in minibatches(rows, config.batch_size, 1, config.seed, epoch, blocks=blocks):
        engine.step(batch, 1e-3)
    return time.perf_counter() - start, time.process_time() - busy


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write the record; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--gigabytes", type=float, default=8.0, help="rows that are trained on in little memory"
    )
    parser.add_argument("--megabytes", type=int, default=1024, help="memory for that")
    parser.add_argument("--rounds", type=int, default=10, help="epochs that are timed, of each")
    parser.add_argument("--speed", action="store_true", help="measure the speed anew, and keep the rest")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--out", type=Path, default=OUT, help="file for the record")
    options = parser.parse_args(arguments)
    try:
        make_writable(options.out.parent)
        with tempfile.TemporaryDirectory(prefix="fcnet-streaming-", dir=options.folder) as name:
            folder, before = Path(name), Watch.now()
            fitting = min(FITTING, int(options.gigabytes * 1e9))
            write_rows(folder / "small", fitting)
            speed = compared(folder / "small", options.rounds)
            if options.speed:
                large = read_json(options.out)["beyond_memory"]
            else:
                large = beyond(folder, int(options.gigabytes * 1e9), options.megabytes)
        record = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": describe(before, Watch.now()),
            "beyond_memory": large,
            "beside_memory": speed,
        }
        write_json(options.out, record)
    except FcnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(
        f"{large['bytes'] / 1e9:.1f} GB in {large['peak_resident_megabytes']:.0f} MB "
        f"(limit {large['limit_megabytes']} MB), {large['seconds']:.0f} s; beside memory "
        f"x {speed['speed_ratio']:.2f} (processor x {speed['processor_ratio']:.2f}), the same weights"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
