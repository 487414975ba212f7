"""Our PyTorch network with products in bfloat16, weights and updates in float32."""

from __future__ import annotations

from peers.fcnet import Engined
from peers.fcnet_torch import setup as setup_torch
from problem import Problem

NAME, NEEDS, PRECISION = "fcnet, PyTorch bfloat16", ("torch",), "bfloat16"


def setup(problem: Problem) -> Engined:
    return setup_torch(problem, PRECISION)
