"""The programs that train the same network: one file each, entered by being here.

A peer's file has

    NAME = "..."           what the tables call it
    NEEDS = ("...",)       packages without which it stays out
    PRECISION = "float32"  what its products are computed in
    def setup(problem): .. returns an object with the three methods of `Peer`

and may have `lacks() -> str`, what else keeps it out, and `SLOW = "..."`, why whole trainings with it would
take an hour: it then takes part in the benchmarks of single steps alone. Files whose name begins with an
underscore are helpers. What a peer imports, it imports within `setup`, so that it can be named where it
cannot be run.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from problem import Problem

Array = NDArray[Any]


class Peer(Protocol):
    """A network with its optimiser, its images where it wants them, and everything compiled or not."""

    def step(self, rows: NDArray[np.int64], learning_rate: float) -> float:
        """One step on the images of these rows (B,), done when it returns; the loss before it, in nats."""
        ...

    def logits(self, images: NDArray[np.uint8]) -> Array:
        """Class scores (N, K) of images (N, D) in memory."""
        ...

    def parameters(self) -> dict[str, Array]:
        """{"W1": (D, H1), "b1": (H1,), ...} as they are now."""
        ...


@dataclass(frozen=True)
class Entry:
    """A peer that can be set up, or the reason why not.

    module : the file's name
    name : in the tables
    precision : of its products
    lacking : why it is left out; empty if it is not
    slow : why it is left out of what takes many steps or images; empty if it is not
    """

    module: str
    name: str
    precision: str
    lacking: str
    slow: str

    def setup(self, problem: Problem) -> Peer:
        """The peer, ready for its first step."""
        peer: Peer = import_module(f"peers.{self.module}").setup(problem)
        return peer


def entries() -> dict[str, Entry]:
    """All peers of this folder by their names, those left out too; fcnet first."""
    files = [found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")]
    found = [entry(name) for name in sorted(files, key=lambda name: (not name.startswith("fcnet"), name))]
    return {one.name: one for one in found}


def entry(module: str) -> Entry:
    """What a peer's file says of itself."""
    file = import_module(f"peers.{module}")
    return Entry(module, file.NAME, file.PRECISION, lacking(file), getattr(file, "SLOW", ""))


def lacking(file: Any) -> str:
    """Why this peer cannot run here; empty if it can."""
    absent = [package for package in file.NEEDS if find_spec(package) is None]
    if absent:
        return f"needs {', '.join(absent)}"
    return file.lacks() if hasattr(file, "lacks") else ""
