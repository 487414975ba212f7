"""PyTorch, step by step."""

from __future__ import annotations

from typing import Any

from problem import Problem

NAME, NEEDS, PRECISION = "PyTorch", ("torch",), "float32"


def setup(problem: Problem) -> Any:
    from peers._torch import Loop

    return Loop(problem)
