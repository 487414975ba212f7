"""What `--watch` costs a training: pairs of the same training with and without it, and their ratios.

python benchmarks/watching.py [--pairs N] [--quick] [--out FILE]

With it, the page is served by a process beside the training and asked every second, as an open browser does.
The two of a pair follow each other, and every second pair begins with the other one, so that a busy moment of
the machine affects both alike. The time is the training's own, from its record. Processor time is that of the
training and of the page's process together; it hardly depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# threads that wait for each other on a busy machine take processor time too
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import psutil

from fcnet.data.dataset import Dataset
from fcnet.data.digits import load_digits
from fcnet.data.load import load
from fcnet.errors import FcnetError
from fcnet.experiments.recipes import suited
from fcnet.live.beside import page_beside
from fcnet.records import make_writable, write_json
from fcnet.runs.observer import Observer
from fcnet.runs.training import train_run
from fcnet.train.config import TrainConfig
from harness import spread
from machine import Watch, describe

OUT = Path(__file__).resolve().parents[1] / "results" / "watching.json"

SETTINGS = {
    "50 units": TrainConfig(hidden=(50,), epochs=5),
    "512 units": TrainConfig(hidden=(512,), epochs=2, initialisation="he", momentum=0.9, reg=1e-4),
}
"""Trainings of some seconds: with a small network, and with a large one."""


def main() -> int:
    """Measure, print and write; the exit status is 2 where that is impossible."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=5, help="pairs of each training (5)")
    parser.add_argument("--quick", action="store_true", help="one pair on digits: does it run? No record")
    parser.add_argument("--out", type=Path, default=None, help="the record, results/watching.json")
    options = parser.parse_args()
    out = options.out or (None if options.quick else OUT)
    try:
        if out is not None:
            make_writable(out.parent)
        dataset = load_digits() if options.quick else load()
        record = run(dataset, 1 if options.quick else options.pairs)
        if out is not None:
            write_json(out, record)
            print(f"written to {out}")
    except FcnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def run(dataset: Dataset, pairs: int) -> dict[str, Any]:
    """Measure everything and make the record."""
    start, rows = Watch.now(), []
    for name, config in SETTINGS.items():
        with tempfile.TemporaryDirectory() as folder:
            row = {"training": name} | measure(suited(config, dataset), dataset, Path(folder), pairs)
        medians = {key: row[key]["median"] for key in ("ratio", "processor_ratio", "share")}
        print(
            f"{name}, with --watch: {medians['ratio']:.3f} times the time, {medians['processor_ratio']:.3f} "
            f"times the processor time, {100 * medians['share']:.2f} % of the time in the callback"
        )
        rows.append(row)
    return {
        "format": 1,
        "benchmark": "watching",
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(start, Watch.now()),
        "data": dataset.label,
        "pairs": pairs,
        "rows": rows,
    }


def measure(config: TrainConfig, dataset: Dataset, folder: Path, pairs: int) -> dict[str, Any]:
    """Pairs of one training; the first, which warms up, does not count."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    processor: dict[bool, list[float]] = {True: [], False: []}
    shares = []
    for pair in range(pairs + 1):
        for watched in (True, False) if pair % 2 else (False, True):
            out = folder / f"{pair}-{'watched' if watched else 'plain'}"
            observer = Observer(out, dataset, "train")
            with asked(out) if watched else nullcontext():
                before = used()
                record = train_run(config, dataset, out, callback=observer if watched else None)
                after = used()
            processor[watched].append(sum(spent - before.get(who, 0.0) for who, spent in after.items()))
            seconds[watched].append(record["seconds"])
            if watched:
                shares.append(observer.spent / record["seconds"])
    return {
        "settings": config.to_dict(),
        "seconds_with": seconds[True][1:],
        "seconds_without": seconds[False][1:],
        "processor_with": processor[True][1:],
        "processor_without": processor[False][1:],
        "ratio": ratios(seconds),
        "processor_ratio": ratios(processor),
        "share": spread(shares[1:]),
    }


def ratios(times: dict[bool, list[float]]) -> dict[str, float]:
    """Of each pair but the first, the time with the page by the time without."""
    return spread([a / b for a, b in zip(times[True][1:], times[False][1:], strict=True)])


def used() -> dict[int, float]:
    """Processor seconds of this process so far, and of each that it has started and that still runs."""
    spent = {0: time.process_time()}
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            spent[child.pid] = times.user + times.system
    return spent


@contextmanager
def asked(folder: Path) -> Iterator[None]:
    """Serve the page of a run, and ask for it every second as a browser does."""
    told: list[str] = []
    over = threading.Event()

    def ask() -> None:
        origin, _, token = told[0].removeprefix("watch it: ").partition("/#")
        while not over.wait(1.0):
            for path in ("/runs", *(f"/run/{run}" for run in known)):
                request = urllib.request.Request(origin + path, headers={"X-Fcnet-Token": token})
                with suppress(OSError), urllib.request.urlopen(request, timeout=5) as answer:
                    content = answer.read()
                    if path == "/runs" and not known and b'"id":"' in content:
                        known.append(content.split(b'"id":"')[1][:12].decode())

    known: list[str] = []
    with page_beside(folder, told.append):
        browser = threading.Thread(target=ask)
        browser.start()
        try:
            yield
        finally:
            over.set()
            browser.join()


if __name__ == "__main__":
    sys.exit(main())
