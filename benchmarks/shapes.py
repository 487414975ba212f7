"""Each product of a step alone: how much of the peak does NumPy's OpenBLAS reach at its shape, and why?

python benchmarks/shapes.py [--hidden 1024] [--out FILE]

OpenBLAS is told by OPENBLAS_CORETYPE which kernels to use, in a process for each: those of the processor, and
Haswell's, which are AVX2. Each is held against the peak with vectors of its width. Beside the products of a
step stand the same ones with ten times the batch, and a square one, so that the cost of a small batch shows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.records import make_writable, write_json
from machine import Watch, describe, kind
from peak import peak

RECORDS = Path(__file__).resolve().parents[1] / "results" / "benchmarks"

BATCH, INPUTS, CLASSES, SQUARE = 200, 3072, 10, 2048

KERNELS = {"the processor's": "", "AVX2": "Haswell"}
"""Kinds of kernels, and what OPENBLAS_CORETYPE is."""

SECONDS, ROUNDS = 0.4, 5


def products(hidden: int, batch: int) -> dict[str, tuple[int, int, int]]:
    """Rows, common size and columns of the products of a step, those with the classes left out."""
    return {
        "forward, X W": (batch, INPUTS, hidden),
        "gradient, X^T delta": (INPUTS, batch, hidden),
    }


def shapes(hidden: int) -> dict[str, tuple[int, int, int]]:
    """Every product that is measured, by name."""
    found = {}
    for batch in (BATCH, 10 * BATCH):
        found |= {f"{name}, batch {batch:,}": shape for name, shape in products(hidden, batch).items()}
    return found | {f"square, {SQUARE:,}": (SQUARE, SQUARE, SQUARE)}


def measure(shape: tuple[int, int, int], transposed: bool) -> float:
    """Operations a second of one product in float32, the median of several rounds."""
    rows, common, columns = shape
    rng = np.random.default_rng(0)
    A = rng.standard_normal((common, rows) if transposed else (rows, common), dtype=np.float32)
    B, C = rng.standard_normal((common, columns), dtype=np.float32), np.empty((rows, columns), np.float32)
    A = A.T if transposed else A
    rates = []
    for _ in range(ROUNDS):
        done, start = 0, time.perf_counter()
        while (spent := time.perf_counter() - start) < SECONDS:
            np.dot(A, B, out=C)
            done += 1
        rates.append(done * 2 * rows * common * columns / spent)
    return float(np.median(rates))


def child(hidden: int) -> None:
    """Measure every product with the kernels of this process, and print the rates as JSON."""
    rates = {name: measure(shape, name.startswith("gradient")) for name, shape in shapes(hidden).items()}
    print(json.dumps(rates))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hidden", type=int, default=1024)
    parser.add_argument("--out", type=Path, default=RECORDS / kind() / "shapes.json")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.hidden)
        return
    make_writable(options.out.parent)
    start = Watch.now()
    rows: list[dict[str, Any]] = []
    for name, core in KERNELS.items():
        environment = os.environ | ({"OPENBLAS_CORETYPE": core} if core else {})
        words = [sys.executable, __file__, "--child", "--hidden", str(options.hidden)]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        most = peak(avx512=not core)
        for product, rate in json.loads(done.stdout).items():
            share = rate / most if most else None
            rows.append({"kernels": name, "product": product, "flops": rate, "peak": most, "share": share})
            print(
                f"{name:16} {product:34} {rate / 1e9:6.0f} GFLOPS  {share or 0:6.1%} of the peak", flush=True
            )
    record = {
        "format": 2, "benchmark": "shapes", "quick": False, "hidden": options.hidden, "rows": rows,
        "machine": describe(start, Watch.now()),
    }  # fmt: skip
    write_json(options.out, record)
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
