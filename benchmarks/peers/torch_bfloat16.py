"""PyTorch with autocast to bfloat16, the straightforward way."""

from __future__ import annotations

from typing import Any

from problem import Problem

NAME, NEEDS, PRECISION = "PyTorch bfloat16", ("torch",), "bfloat16"


def setup(problem: Problem) -> Any:
    from peers._torch import Loop

    return Loop(problem, bfloat16=True)
