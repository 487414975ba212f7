"""Our PyTorch network, through the engine of `fcnet train --engine torch`, in float32."""

from __future__ import annotations

from peers.fcnet import Engined, engined
from problem import Problem

NAME, NEEDS, PRECISION = "fcnet, PyTorch", ("torch",), "float32"


def setup(problem: Problem, precision: str = PRECISION) -> Engined:
    return engined(problem, engine="torch", device="cpu", precision=precision)
