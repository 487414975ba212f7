"""A process in which the judge asks submissions without isolation: for programs of our own."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from in_process import judge_in_process


@pytest.fixture(scope="module")
def apart() -> Iterator[ProcessPoolExecutor]:
    """One other process: stand-ins of packages that submissions import disturb nobody there."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, fresh, initializer=judge_in_process) as pool:
        yield pool
